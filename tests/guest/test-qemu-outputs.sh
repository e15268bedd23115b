#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-outputs.sh VMSND - a card with several outputs, steered while a guest in QEMU plays.
# Sleeps are how long something lasts, never what makes a test right.
. "$(dirname "$0")/lib.sh"
need initramfs
s=$work/s.sock
export SOCKET=$s VMSND_CONTROL=$work/ctl
card=(--device "virtio-snd,socket=$s" --once --control "$VMSND_CONTROL")
second=48000

# a file beside an output that has a clock
serve beside "${card[@]}" --backend null --backend "file,path=$work/beside.wav"
guest qemu beside play/S16_LE/48000/2/72000/0
guest_ends beside
serve_ends beside
heard beside "$work/beside.wav" S16_LE 48000 2 72000 0

# the first at a rate and format of its own, the second as the guest plays
serve rates "${card[@]}" --backend "file,path=$work/slow.wav,rate=44100,sample=FLOAT" \
	--backend "file,path=$work/plain.wav"
guest qemu rates play/S16_LE/48000/2/72000/0
guest_ends rates
serve_ends rates
heard rates-second "$work/plain.wav" S16_LE 48000 2 72000 0
v=$("$wavtool" line "$work/slow.wav" 48000 72000)
rc=$?
more=$(($(value arrived "$v") - $(value expected "$v"))) # the guest ends with a period of silence
[ $rc = 0 ] && [ $more -ge 0 ] && [ $more -le 5600 ] &&
	[ "$(value format "$v") $(value rate "$v") $(value header "$v")" = 'FLOAT_LE 44100 exact' ] &&
	awk -v first="$(value first "$v")" 'BEGIN { exit !(first > -2 && first < 2) }'
ok $? "rates-first: every frame in its place at 44100 Hz, $more more" || {
	note "$v"
	show "$glog" "$log"
}

# an output and two taps come and go
serve attach "${card[@]}" --backend "file,path=$work/attach.wav"
guest qemu attach play/S16_LE/48000/2/216000/0
within() { # TEST LATEST-BEGIN EARLIEST-END LATEST-END: where the piece lies, which does not begin before $from
	[ "$begin" -ge "$from" ] && [ "$begin" -le "$2" ] && [ "$end" -ge "$3" ] && [ "$end" -le "$4" ]
	ok $? "$1" || note "wanted from $from..$2 to $3..$4"
}
reaches 0 frames-out $((second / 2))
from=$(figure 0 frames-out)
[ "$(ctl attach "file,path=$work/guest.wav")" = 'output 1' ]
ok $? 'attach: its number is said'
reaches 1 frames-out $((second / 2))
attached=$(figure 0 frames-in)
ctl tap 0 device "$work/device.wav"
ctl tap 0 host "$work/host.wav"
tapped=$(figure 0 frames-in)
reaches 0 frames-in $((tapped + second))
taken=$(figure 0 frames-out) given=$(figure 0 frames-in) # by now the taps have to have heard them
ctl tap 0 device off
ctl tap 0 host off
untapped=$(figure 0 frames-in)
ctl detach 1
detached=$(figure 0 frames-in)
[ "$(ctl status | grep -c 'playback 0 *1 file')$(figure 1 host)" = 0 ]
ok $? 'attach: detached, it is gone from the status' || note "$(ctl status)"
reaches 0 frames-in $((detached + second / 4))
guest_ends attach
serve_ends attach
heard attach-first "$work/attach.wav" S16_LE 48000 2 216000 0
piece attach-second $second "$work/guest.wav" S16_LE 48000 2 216000 0
within 'attach-second: from attach to detach' "$attached" "$untapped" "$detached"
from=$((from + second / 2)) # it was half a second later
piece tap-device $((second / 2)) "$work/device.wav" S16_LE 48000 2 216000 0
within 'tap-device: from on to off' "$tapped" "$given" "$untapped"
HOST=1 piece tap-host $((second / 2)) "$work/host.wav" S16_LE 48000 2 216000 0
within 'tap-host: from on to off, of what was taken' "$tapped" "$taken" "$given"

# Pauses: one that the guest has patience for, and a longer one in which its machine stands still, too. Linux gives
# up when no period comes for 1.1 buffers. Its buffers are 16 periods and 160 ms of the widest stream: with 8 channels
# offered there is room for 4 s of stereo. The machine stops before the second pause.
export QMP=$work/qmp
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed: $*"; }
pause() { # COMMAND that takes its time, in which nothing goes out
	local before
	ctl pause
	before=$(figure 0 frames-out)
	"$@"
	[ "$(figure 0 frames-out)" = "$before" ]
	ok $? "pause: nothing goes out in: $*" || note "$before frames, then $(figure 0 frames-out)"
	ctl unpause
}
serve pause "${card[@]/socket=/channels=8,socket=}" --backend "file,path=$work/pause.wav" --backend "file,path=$work/pause-2.wav"
guest qemu pause play/S16_LE/48000/2/144000/0/--buffer-time=4000000,--period-time=250000
reaches 0 frames-out $((second / 2))
pause sleep 0.3
reaches 0 frames-out $second
qmp stop
pause qmp 1.2 cont 0.3
unset QMP
guest_ends pause
serve_ends pause
heard pause "$work/pause.wav" S16_LE 48000 2 144000 0
heard pause-second "$work/pause-2.wav" S16_LE 48000 2 144000 0

# the owner switches the sound off, and on
serve off "${card[@]}" --backend "file,path=$work/off.wav"
guest qemu off play/S16_LE/48000/2/120000/0
reaches 0 frames-out $((second / 2))
ctl disable playback
becomes off 0 none NOPLAY
reaches 0 dropped-frames $((second / 2))
ctl enable playback
reaches 0 frames-out $((second * 3 / 4))
dropped=$(figure 0 dropped-frames)
guest_ends off
serve_ends off
took=$(awk '$4 == "play-start" { a = $1 } $4 == "play-end" { print $1 - a }' "$glog")
awk -v t="$took" 'BEGIN { exit !(t > 2.3 && t < 4.5) }'
ok $? "off: the guest takes $took s for 2.5 s" || show "$glog"
v=$("$wavtool" check "$work/off.wav" S16_LE 48000 2 120000 0 2>"$work/gaps")
[ "$(value lost "$v") $(value jumps "$v") $(value repeated "$v") $(value bad "$v") $(value tail_missing "$v")" = \
	"$dropped 1 0 0 0" ] && silence_allowed "$v" underruns
ok $? "off: $(value good "$v") frames heard, ${dropped:-none} counted as dropped, the same ones" || {
	note "$v"
	show "$work/gaps" "$log"
}

# the owner switches the microphone off, and on
"$wavtool" gen S16_LE 48000 2 240000 3 "$work/in.wav"
serve privacy --device "virtio-snd,socket=$s,input=on" --once --control "$VMSND_CONTROL" \
	--backend "file,in=$work/in.wav,loop=off"
guest qemu privacy record/S16_LE/48000/2/4/240000/3
reaches 0 frames-out $second capture
ctl disable input
heard_until=$(figure 0 frames-in capture)
reaches 0 silence-frames $second capture
becomes privacy 0 none NO_CAPTURE capture
ctl enable input
reaches 0 frames-in $((second * 5 / 2)) capture
becomes privacy 0 running CAPTURING capture
silent=$(figure 0 silence-frames capture)
guest_ends privacy
serve_ends privacy
# The file is read from its start again. What was recorded and not taken yet becomes silence, too.
v=$(sed -n 's/.* recorded //p' "$glog")
until=$(sed -n 's/.*# jump: wanted frame \([0-9]*\), got 0$/\1/p' "$glog")
more=$(($(value lead "$v") - silent))
[ "$(value jumps "$v") $(value jump_to "$v") $(value lost "$v") $(value bad "$v")" = '1 0 0 0' ] &&
	silence_allowed "$v" overruns && [ "$silent" -ge $second ] && [ $more -ge 0 ] && [ $more -le 6000 ]
ok $? "privacy: sound, then $silent frames of silence as counted and $more more, then sound" || {
	note "$v"
	show "$glog" "$log"
}
[ "${until:-0}" -ge $((second / 2)) ] && [ "$until" -le "$heard_until" ]
ok $? "privacy: nothing is heard after it is off" ||
	note "$until frames heard, $heard_until were there when it went off"

done_testing
