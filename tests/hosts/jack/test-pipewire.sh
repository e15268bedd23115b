#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-pipewire.sh - the JACK backend with PipeWire's libjack instead of JACK's, as pw-jack has it: heard in the monitor of a
# sink, and again when the server was gone.
. "$(dirname "$0")/../lib.sh"
need_backend jack
pw_use new
libjack=$(find "$pw_tree/usr/lib" -path '*/pipewire-0.3/jack' -type d)
[ -e "$libjack/libjack.so.0" ] || skip_all "no pipewire-jack in the cache; run tests/hosts/servers.sh"
pw_env+=("LD_LIBRARY_PATH=$libjack:$(printf '%s\n' "${pw_env[@]}" | sed -n 's/^LD_LIBRARY_PATH=//p')")
pw_up
ok $? "PipeWire $(pw_version) comes up"

# A card as pw-jack starts it.
jack_card() { # NAME ARGUMENTS
	local name=$1
	shift
	start "$name" "${real_time[@]}" env "${pw_env[@]}" "$signal" --name "$name" "$@"
}
plays() {
	local verdict missing
	rm -f "$work/rec.wav"
	pw_record rec sink-a "$work/rec.wav" 48000 2 f32
	jack_card play --backend 'jack,out-connect-ports=^Null sink A:playback_' --frames 48000 --format FLOAT_LE --tail 500
	ends 20 play
	ok $status 'it plays and ends' || show play
	pw_record_end rec
	# What the guest plays while the host opens is taken by the stand-in clock.
	verdict=$("$wavtool" -p check "$work/rec.wav" FLOAT_LE 48000 2 48000 0 2>/dev/null)
	missing=$(value jump_to "$verdict")
	[ "$(value bad "$verdict") $(value repeated "$verdict")" = '0 0' ] && [ "${missing:-0}" -lt 9600 ] &&
		[ "$(value good "$verdict")" -ge $((48000 - ${missing:-0} - 2048)) ]
	ok $? "every frame from ${missing:-0} on is in the sink's monitor, exact" || { note "$verdict" && show play; }
}
exactly plays

jack_card life --backend 'jack,out-connect-ports=^Null sink A:playback_'
card_plays life
pw_down KILL
until_line 10 life 'JACK: the server has gone'
ok $? 'its server is killed: one line says so' || show life
pw_up
back=$(date +%s%N)
until_line 10 life 'direction=playback output=0 .*host=running state=PLAY' 2
ok $? 'and sound comes back' || show life
took=$((($(date +%s%N) - back) / 1000000))
[ $took -lt 2000 ]
ok $? "within 2 s of the server: $took ms"
stop life
is 'the guest has noticed nothing' '0 stopped 0' "$status $(last life result) $(last life failed)" || show life
pw_down
done_testing
