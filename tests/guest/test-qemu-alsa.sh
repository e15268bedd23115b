#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-alsa.sh VMSND [new] - ALSA's programs in the guest and a card with 8 channels: aplay and arecord in
# formats, rates and channel counts, frame by frame; speaker-test with 6 and 8
# channels, each tone on its own channel and on no other. `new`: with the newest kernel.
. "$(dirname "$0")/lib.sh"
MORE=1 choose_kernel "${2:-}"
s=$work/s.sock
export SOCKET=$s
card="virtio-snd,socket=$s,channels=8,input=on"

# Each format is a file of its own: OUT.wav, OUT-2.wav, ...
# (From five channels on, files have them in another order than ALSA.)
formats=(S16_LE/48000/2 S16_LE/48000/4 S32_LE/96000/4 FLOAT_LE/44100/3 S24_LE/32000/2 U8/11025/1)
steps=
for f in "${formats[@]}"; do
	rate=${f#*/}
	steps+=+play/$f/$((${rate%/*} / 2))/0
done
"$wavtool" gen S16_LE 48000 4 36000 3 "$work/in.wav"
serve formats --device "$card" --once --backend "file,path=$work/formats.wav,in=$work/in.wav,loop=off"
guest qemu formats "${steps#+}+record/S16_LE/48000/4/1/36000/3"
guest_ends formats
serve_ends formats
note "$(grep -o 'kernel=.*' "$glog")"
n=
for f in "${formats[@]}"; do
	IFS=/ read -r sample rate channels <<<"$f"
	heard "$f" "$work/formats${n:+-$n}.wav" "$sample" "$rate" "$channels" $((rate / 2)) 0
	n=$((${n:-1} + 1))
done
recorded 'record, 4 channels'

# The places of ALSA's names in the card's maps, in the order in which speaker-test goes round.
tones() { # TEST FILE RATE CHANNELS...: a tone of RATE / 48 Hz each, in this order
	local name=$1 file=$2 rate=$3 got
	shift 3
	got=$("$here/tones.py" "$file")
	[ "$(sed -n 's/^channel \([0-9]*\):.*/\1/p' <<<"$got" | tr '\n' ' ')" = "$* " ] &&
		awk -v want=$((rate / 48)) '{ if ($3 < want - 2 || $3 > want + 2 || $(NF) != 0) exit 1 }' <<<"$got"
	ok $? "$name: a tone on each channel in turn, in the order $*" || {
		note "$got"
		show "$glog" "$log"
	}
}
serve speaker --device "$card" --once --backend "file,path=$work/speaker.wav,pace=4"
# It takes the longest buffer there is, and the driver waits for all of that when it ends.
LIMIT=120 guest qemu speaker speaker/6/16000+speaker/8/16000
guest_ends speaker
serve_ends speaker
note "$(sed -n 's/.*RUN speaker-test *\([0-9] - .*\)/\1/p' "$glog" | tr '\n' ',')"
tones speaker-6 "$work/speaker.wav" 16000 0 2 1 5 4 3
tones speaker-8 "$work/speaker-2.wav" 16000 0 2 1 7 5 4 6 3

done_testing
