#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-host-pipewire.sh VMSND - a Linux guest in QEMU plays into a real PipeWire of the host, and records from it;
# and plays on while that server is killed and started again. $VMSND_MODULE_PATH: where the backend's module is.
. "$(dirname "$0")/lib.sh"
need initramfs
skip_all() { # REASON
	if [ "${CI:-}" = true ]; then
		ok 1 "it can be run here: $1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
for program in pipewire wireplumber pw-cat pw-link; do
	command -v "$program" >/dev/null || skip_all "no $program here; scripts/install-deps --with-hosts installs it"
done
[ -e "${VMSND_MODULE_PATH:-}/pipewire.so" ] || skip_all "built without the backend pipewire"
. "$here/../hosts/world.sh"
trap 'world_end; world_release; cleanup' EXIT
s=$work/s.sock
export SOCKET=$s VMSND_CONTROL=$work/ctl LIMIT=90
second=48000
# An emulated guest on a busy machine is late now and then: its own buffer is long, and so is the host's.
slow=--buffer-time=1000000,--period-time=100000
backend=pipewire,out-device=sink-a,in-device=sink-b,monitor=on
# In order, from somewhere on; silence before the first frame, and else only where vmsnd counted it. wavtool tells of
# each silence on its error output.
one_piece() { # TEST VERDICT LEAST TOLD underruns|overruns
	local inside
	inside=$(sed -n 's/.*# gap: \([0-9]*\) silent frames before frame \([0-9]*\).*/\1 \2/p' "$4" |
		awk -v first="$(value jump_to "$2")" '$2 != first { n += $1 } END { print n + 0 }')
	[ "$(value bad "$2") $(value repeated "$2")" = '0 0' ] && [ "$(value jumps "$2")" -le 1 ] &&
		[ "$(value lost "$2")" = "$(value jump_to "$2")" ] && [ "$(value good "$2")" -ge "$3" ] &&
		[ "$inside" -le "$(counted "$5")" ]
	ok $? "$1: $(value good "$2") frames in order, $inside silent ones inside, $(counted "$5") counted" || show "$log" "$glog"
	note "$2"
}

note "PipeWire $(pw_version)"
pw_up || {
	ok 1 'PipeWire runs'
	done_testing
}

# from the guest to the monitor of a sink
frames=$((6 * second))
serve played --device "virtio-snd,socket=$s,input=on" --backend "$backend" --control "$VMSND_CONTROL" --once
pw_record heard sink-a "$work/heard.wav"
guest qemu played "play/S16_LE/48000/2/$frames/0/$slow"
guest_ends played
pw_record_end heard
serve_ends played
heard played "$work/heard.wav" S16_LE 48000 2 $frames 0

# from the monitor of another sink to the guest
"$wavtool" gen S16_LE 48000 2 $((80 * second)) 3 "$work/in.wav"
start player pw-cat --playback --target sink-b --latency 1024 "$work/in.wav"
until_true 10 pw_linked pw-cat
serve recorded --device "virtio-snd,socket=$s,input=on" --backend "$backend" --control "$VMSND_CONTROL" --once
guest qemu recorded record/S16_LE/48000/2/3/$((80 * second))/3
wait "$guest" # its verdict wants the signal from its first frame on
stop player
serve_ends recorded
verdict=$(sed -n 's/.* recorded //p' "$glog" | tail -n1)
one_piece recorded "$verdict" $((2 * second)) "$glog" overruns

# the server is killed in the middle, and comes again
frames=$((14 * second))
serve killed --device "virtio-snd,socket=$s" --backend "$backend" --control "$VMSND_CONTROL" --once
guest qemu killed "play/S16_LE/48000/2/$frames/0/$slow"
reaches 0 frames-out $((2 * second))
pw_down KILL
until_line 5 "$log" 'does not work now'
ok $? 'killed: the log has a line' || show "$log"
before=$(figure 0 frames-in)
reaches 0 frames-in $((before + second))
ok $? 'killed: the guest plays on meanwhile' || show "$log" "$glog"
pw_up
becomes 'killed: within two seconds of the server' 0 running PLAY
pw_record rest sink-a "$work/rest.wav"
guest_ends killed
pw_record_end rest
serve_ends killed
verdict=$("$wavtool" -p check "$work/rest.wav" S16_LE 48000 2 $frames 0 2>"$work/gaps")
one_piece 'killed: what comes afterwards' "$verdict" $((2 * second)) "$work/gaps" underruns
[ "$(grep -c 'does not work now' "$log")" = 1 ]
ok $? 'killed: one line in the log for it, not a flood' || show "$log"
[ "$(value tail_missing "$verdict")" = 0 ]
ok $? 'killed: to the last frame'
done_testing
