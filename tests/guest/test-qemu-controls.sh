#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-controls.sh VMSND [new] - the control elements of a card, as Linux' amixer sees and turns them, and as
# its alsactl hears of what the owner turns meanwhile. Linux has them from 6.9 on.
. "$(dirname "$0")/lib.sh"
MORE=1 choose_kernel "${2:-}"
s=$work/s.sock
export SOCKET=$s VMSND_CONTROL=$work/ctl CONTROLS=on
card=(--device "virtio-snd,socket=$s,playback=1,capture=1,controls=on,input=on" --once --control "$VMSND_CONTROL")

shows() { # TEST LINE...: lines that the guest printed, in this order
	local name=$1 at=1 n rc=0
	shift
	for line; do
		n=$(tail -n "+$at" "$glog" | grep -nF -- "$line" | head -n 1 | cut -d: -f1)
		[ -n "$n" ] || {
			note "not there: $line"
			rc=1
			break
		}
		at=$((at + n))
	done
	ok $rc "$name" || show "$glog"
}

levels() { # FILE RAW: of each tenth of a second against what was played, S16 stereo at 48000 Hz, in dB
	python3 -c 'import array, math, sys, wave
heard = array.array("h", wave.open(sys.argv[1]).readframes(-1))
played = array.array("h", open(sys.argv[2], "rb").read())
def power(sound, at):
    return sum(x * x for x in sound[at:at + 9600])
for at in range(0, min(len(heard), len(played)) - 9599, 9600):
    print("%.2f" % (10 * math.log10((power(heard, at) + 1) / power(played, at))), end=" ")' "$@"
}

mixer() { "$vmsnd" ctl mixer | sed -n "s/^$1  *//p"; }

# what there is
serve contents "${card[@]}" --backend "file,path=$work/a.wav" --backend null
guest qemu contents run/amixer/-D,hw:0,contents+sset/Master/50%+sset/Capture/90,nocap
guest_ends contents
shows 'contents: volumes, switches and the choice of input, with their scale' \
	"name='Master Playback Switch'" 'type=BOOLEAN,access=rw------,values=2' ': values=on,on' \
	"name='Master Playback Volume'" 'type=INTEGER,access=rw---R--,values=2,min=0,max=120' \
	': values=120,120' 'dBscale-min=-60.00dB,step=0.50dB,mute=1' \
	"name='Capture Source'" "Item #0 'All inputs'" "Item #1 '0 file'" "Item #2 '1 null'" \
	"name='Capture Switch'" "name='Capture Volume'"
shows 'sset: Master at 50% is -30 dB' 'Playback 60 [50%] [-30.00dB] [on]'
shows 'sset: each channel of Capture has its own' 'Front Left: Capture 90 [75%] [-15.00dB] [on]' \
	'Front Right: Capture 120 [100%] [0.00dB] [off]'
serve_ends contents

# the guest turns it while it plays; the owner sees that, turns it back, and the guest is told
serve turn "${card[@]}" --backend "file,path=$work/turn.wav"
guest qemu turn monitor+~sset/Master/50%/1+play/S16_LE/48000/2/192000/0
reaches 0 frames-out 24000
for i in {1..200}; do
	[ "$(mixer 'playback 0' | tr -s ' ')" = '-30.0 dB -' ] && break
	sleep 0.05
done
[ "$(mixer 'playback 0' | tr -s ' ')" = '-30.0 dB -' ]
ok $? 'turn: the owner sees -30 dB' || note "$("$vmsnd" ctl mixer)"
ctl status | grep -q 'guest -30.0 dB'
ok $? 'turn: and so does the status' || note "$(ctl status)"
from=$(figure 0 frames-out)
reaches 0 frames-out $((from + 24000))
ctl mixer 0
from=$(figure 0 frames-out)
reaches 0 frames-out $((from + 24000))
ctl mixer mute
guest_ends turn
serve_ends turn
shows 'turn: alsactl monitor says what the owner turned' \
	'Master Playback Volume,0) VALUE' 'Master Playback Switch,0) VALUE'
# Sound, then 30 dB less of it, then the same again, then silence.
"$wavtool" gen S16_LE 48000 2 192000 0 "$work/played.raw"
v=$(levels "$work/turn.wav" "$work/played.raw")
note "$v"
awk -v line="$v" 'BEGIN { n = split(line, level, " ")
	for (i = 1; i <= n; i++) {
		if (step % 2 == 0 && level[i] == 0) step++
		if (step == 1 && level[i] > -30.1 && level[i] < -29.9) step++
		if (step == 3 && level[i] < -110) step++
	}
	exit step != 4 }'
ok $? 'turn: the file has 0 dB, -30 dB, 0 dB and silence' || show "$glog" "$log"

done_testing
