#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-uml.sh VMSND - a Linux guest (User Mode Linux) plays and records through vmsnd. The fast tier.
. "$(dirname "$0")/lib.sh"
need initramfs uml
s=$work/s.sock

play() { # TEST PACE STEPS, then what must be heard
	local name=$1 pace=$2 steps=$3 try
	shift 3
	# Linux gives a write up after about a buffer's time: a machine that stands still longer has it fail. vmsnd
	# has noticed that, too, and it is tried again.
	for try in 1 2 3; do
		serve "$name" --device "virtio-snd,socket=$s" --backend "file,path=$work/$name.wav,pace=$pace" --once
		guest uml "$name" "$steps" "$s"
		wait "$guest" || ! wait_for 10 "$log" 'held up' || [ $try = 3 ] || {
			note "try $try: $(grep -e APLAY -e 'held up' "$glog" "$log")"
			wait_exit 10 "$server"
			continue
		}
		break
	done
	guest_ends "$name"
	serve_ends "$name"
	heard "$name" "$work/$name.wav" "$@"
}

play numbered-in-real-time real play/S16_LE/48000/2/144000/0 S16_LE 48000 2 144000 0
play numbered-16-times 16 play/S16_LE/48000/2/144000/0 S16_LE 48000 2 144000 0
play two-plays 16 play/S16_LE/48000/2/72000/0+play/S16_LE/48000/2/72000/1 \
	S16_LE 48000 2 72000 0 72000 1
play driver-rebound 16 play/S16_LE/48000/2/48000/0+rebind+play/S16_LE/48000/2/48000/1 \
	S16_LE 48000 2 48000 0 48000 1

"$wavtool" gen S16_LE 48000 2 36000 3 "$work/in.wav"
serve record --device "virtio-snd,socket=$s,input=on" --backend "file,in=$work/in.wav,loop=off" --once
guest uml record record/S16_LE/48000/2/1/36000/3 "$s"
guest_ends record
serve_ends record
recorded record

serve input-off --device "virtio-snd,socket=$s" --backend "file,in=$work/in.wav,loop=off" --once
guest uml input-off record/S16_LE/48000/2/1/36000/3 "$s"
guest_ends input-off
serve_ends input-off
grep -q ' recorded .*arrived=48000 good=0 ' "$glog"
ok $? "input-off: a guest that may not record gets silence in real time" || show "$glog" "$log"

done_testing
