#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-life.sh own|new - a card whose guest plays on, whatever the server does.
. "$(dirname "$0")/../lib.sh"
streams=${PIPEWIRE_STREAMS:?run it through meson}
need_backend pipewire
pw_use "${1:-own}"
pw_need

lines() { # NAME PATTERN: how many
	grep -c -- "$2" "$work/$1.log"
}
plays_again() { # NAME HOW-MANY: the host has been running so often
	until_line 10 "$1" 'direction=playback output=0 .*host=running' "$2"
}
pw_card() { # NAME ARGUMENTS: with the chosen version's library
	local name=$1
	shift
	start "$name" "${real_time[@]}" env "${pw_env[@]}" "$signal" --name "$name" "$@"
}
longer() { [ "$(stat -c %s "$1")" -gt "$2" ]; } # FILE BYTES
ms() { date +%s%3N; }

# From end to end, from the guest to the monitor and back.
pw_up || skip_all "PipeWire does not come up"
note "PipeWire $(pw_version)"
played() {
	rm -f "$work/rec.wav"
	pw_record rec sink-a "$work/rec.wav"
	pw_card exact --backend pipewire,out-device=sink-a --frames 96000
	ends 20 exact
	size=$(stat -c %s "$work/rec.wav")
	until_true 10 longer "$work/rec.wav" $((size + 40000))
	pw_record_end rec
	# A newer PipeWire that is busy drops the first cycle of a stream now and then, while it links it.
	START=1024 GAPS=4096 heard 'a card plays into the monitor' exact "$work/rec.wav" S16_LE 48000 2 96000 0
}
recorded() {
	pw_card both --backend pipewire,out-device=sink-a,in-device=sink-a,monitor=on --record "$work/both.wav" --frames 96000
	ends 20 both
	GAPS=4096 heard 'a card records the monitor' both "$work/both.wav" S16_LE 48000 2 96000 0
}
exactly played
exactly recorded

# Killed in the middle.
pw_card killed --backend pipewire
card_plays killed
pw_down KILL
until_line 10 killed 'direction=playback output=0 .*host=lost'
ok $? 'server killed: the stream is lost' || show killed
pw_server_up && pw_manager_up
back=$(ms)
plays_again killed 2
ok $? "server restarted: it plays again, $(($(ms) - back)) ms after the session manager" || show killed
[ $(($(ms) - back)) -lt 2000 ]
ok $? 'within two seconds'
sleep 2 # its time is measured over that
stop killed
is 'the guest has not noticed' '0 stopped 0' "$status $(last killed result) $(last killed failed)" || show killed
awk -v wall="$(last killed wall_ms)" -v guest="$(last killed guest_ms)" 'BEGIN { d = wall - guest; exit !(guest > 2000 && d > -500 && d < 500) }'
ok $? "its time goes on: $(last killed guest_ms) ms in $(last killed wall_ms) ms"
is 'one line that it went, one that it is back' '1 1' "$(lines killed 'pipewire: no server') $(lines killed 'pipewire: connected to')"
pw_down

# Not there at the start; killed and back again and again.
pw_card early --backend pipewire
until_line 10 early 'pipewire: no server at'
ok $? 'no server at the start: said' || show early
pw_up
plays_again early 1
ok $? 'it comes: it plays' || show early
for i in 2 3; do
	pw_down KILL
	pw_up
	plays_again early $i
	ok $? "killed and back, number $((i - 1))" || show early
done
stop early
is 'the guest has not noticed anything' '0 stopped 0' "$status $(last early result) $(last early failed)" || show early
is 'three lines in all that there is none' 3 "$(lines early 'pipewire: no server')"
is 'nothing else is said by libpipewire more than a few times' yes "$([ "$(grep -c '^\[[EW]\]' "$work/early.log")" -lt 12 ] && echo yes)"

# Somebody else's. The unpacked libraries are nobody else's to read.
chmod 700 "$XDG_RUNTIME_DIR"
chmod 755 "$work"
if [ "$(id -u)" = 0 ] && [ -z "$pw_tree" ] && command -v setpriv >/dev/null; then
	# Leaks are looked for by who can name the library that they are of, and before what is said is written.
	no_leaks=("ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0")
	other() { setpriv --reuid=1234 --regid=1234 --clear-groups env "${pw_env[@]}" "${no_leaks[@]}" HOME=/nonexistent "$@"; }
	other "$streams" facts "remote=$XDG_RUNTIME_DIR/pipewire-0" >"$work/other" 2>"$work/other.log"
	grep -q "^trouble: No PipeWire server answers at $XDG_RUNTIME_DIR/pipewire-0: Permission denied" "$work/other"
	ok $? "another user's server: permission denied, and where" || show "$work/other"
	grep -q '^advice: Run vmsnd as the user' "$work/other"
	ok $? 'and what to do'
	is 'said once' 1 "$(grep -c 'Permission denied' "$work/other.log")"
	chmod 711 "$XDG_RUNTIME_DIR" && chmod 777 "$XDG_RUNTIME_DIR/pipewire-0"
	other timeout 20 "$streams" exact S16 48000 2 1024 24000 \
		"remote=$XDG_RUNTIME_DIR/pipewire-0,out-device=sink-a,in-device=sink-a,monitor=on" >"$work/other" 2>&1
	ok $? "let in: another user's server plays every frame" || show "$work/other"
fi
# The option counts more than the environment; a file, or somebody silent, is no server.
PIPEWIRE_REMOTE=nowhere pw timeout 20 "$streams" facts "remote=$XDG_RUNTIME_DIR/pipewire-0" >"$work/remote" 2>&1
grep -q '^server: PipeWire' "$work/remote"
ok $? 'remote= counts more than PIPEWIRE_REMOTE' || show "$work/remote"
: >"$work/file"
pw timeout 20 "$streams" facts "remote=$work/file" >"$work/remote" 2>&1
grep -q "^trouble: .*$work/file: Connection refused" "$work/remote"
ok $? 'a socket without a server: refused' || show "$work/remote"

# It dies whenever it likes, while streams are opened and closed.
start storm env "${pw_env[@]}" "$streams" storm 8
for i in 1 2 3 4; do
	pw_down KILL
	pw_server_up
	[ $((i % 2)) = 0 ] || pw_manager_up
	until_true $((i % 3)) false
done
ends 30 storm
ok $status "streams opened while the server comes and goes: $(tail -n 1 "$work/storm.log")" || show storm
done_testing
