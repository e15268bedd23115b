#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-card.sh - a card and its guest through a JACK server: exact both ways, at other rates, and over the server's death.
. "$(dirname "$0")/../lib.sh"
need jackd jack_lsp
need_backend jack

has_port() { jack_lsp | grep -qx "$1"; }
near() { # MS MS: no more than 500 ms apart
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a - b < 500 && b - a < 500) }'
}

# One card plays into another one, which records.
through() { # FORMAT
	local format=$1
	rm -f "$work/rec.wav"
	card rec --backend 'jack,in-connect-ports=^$,dither=off' --no-play --record "$work/rec.wav" --format $format
	until_true 10 has_port rec:input_FR
	card play --backend 'jack,out-connect-ports=^rec:' --frames 48000 --format $format
	ends 20 play
	ok $status "$format: it plays and ends" || show play
	stop rec
	# What the guest plays while the host opens is taken by the stand-in clock: that, and no more, is missing.
	verdict=$("$wavtool" check "$work/rec.wav" $format 48000 2 48000 0 2>/dev/null)
	missing=$(value jump_to "$verdict")
	[ "$(value bad "$verdict") $(value repeated "$verdict")" = '0 0' ] && [ "${missing:-0}" -lt 9600 ] &&
		[ "$(value good "$verdict")" = $((48000 - ${missing:-0})) ]
	ok $? "$format, 48000 Hz: every frame from ${missing:-0} on is recorded, exact" || note "$verdict"
}
for format in S16_LE S24_LE; do
	jack_up 1024
	exactly through $format
	jack_down
done

# A server at another rate: converted, and time is the guest's.
jack_up 1024 44100
card other --backend jack --seconds 2
ends 20 other
ok $status 'a guest at 48000 Hz plays into a server at 44100 Hz' || show other
is 'in the format of the server' FLOAT/44100/2 "$(sed -n 's/^figures direction=playback.* host_format=\([^ ]*\).*/\1/p' "$work/other.log")"
near "$(last other wall_ms)" "$(last other guest_ms)"
ok $? "in its own time: $(last other guest_ms) ms in $(last other wall_ms) ms"

# Killed in the middle, there again a second later.
card killed --backend jack
card_plays killed
jack_down KILL
until_line 10 killed "JACK: the server has gone"
jack_up 1024 44100
back=$(date +%s%N)
until_line 10 killed 'direction=playback output=0 .*host=running state=PLAY' 2
ok $? 'after a kill sound comes back'
took=$((($(date +%s%N) - back) / 1000000))
[ $took -lt 2000 ]
ok $? "within 2 s of the server: $took ms"
sleep 2 # its time is measured over that
stop killed
is 'and the guest has noticed nothing' '0 stopped 0' "$status $(last killed result) $(last killed failed)" || show killed
near "$(last killed wall_ms)" "$(last killed guest_ms)"
ok $? "its time goes on: $(last killed guest_ms) ms in $(last killed wall_ms) ms"
lines=$(grep -c '^log warning.*JACK' "$work/killed.log")
is 'one line says that the server has gone' 1 "$lines" || show killed
jack_down

# Not there at the start.
card late --backend jack
until_line 10 late 'there is no server'
jack_up 1024
card_plays late
ok $? 'a server that comes late is found'
stop late
is 'and its guest has noticed nothing' '0 stopped 0' "$status $(last late result) $(last late failed)" || show late
jack_down

jack_down

# Somebody else's server; he may not look into the build.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	jack_up 256
	mkdir "$work/bin"
	cp "$vmsnd" "$VMSND_MODULE_PATH/jack.so" "$work/bin"
	chmod 711 "$work"
	VMSND_MODULE_PATH=$work/bin setpriv --reuid=1234 --regid=1234 --clear-groups "$work/bin/vmsnd" check jack >"$work/other" 2>&1
	grep -q "trouble .* Server '$JACK_DEFAULT_SERVER' is that of user root" "$work/other"
	ok $? "another user's server: whose it is" || show "$work/other"
	grep -q 'what to do .* Run vmsnd as that user' "$work/other"
	ok $? 'and what to do'
	jack_down
	# What libjack makes for each user, and leaves.
	compgen -G '/dev/shm/jack_*_1234_0' >/dev/null || rm -rf /dev/shm/jack_db-1234
fi
done_testing
