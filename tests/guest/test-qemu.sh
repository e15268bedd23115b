#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu.sh VMSND [TREE] - a Linux guest in QEMU plays and records through vmsnd.
. "$(dirname "$0")/lib.sh"
need initramfs
TREE=${2:-tree}
export TREE
[ "$TREE" = tree ] || OPTIONAL=1 need "qemu${TREE#tree}"
s=$work/s.sock
export SOCKET=$s
note "$("$here/rig/qemu.sh" "$cache/$TREE" --version | head -n1)"

if [ "$TREE" != tree ]; then
	serve numbered --device "virtio-snd,socket=$s" --backend "file,path=$work/numbered.wav" --once
	guest qemu numbered play/S16_LE/48000/2/144000/0
	guest_ends numbered
	serve_ends numbered
	heard numbered "$work/numbered.wav" S16_LE 48000 2 144000 0
	done_testing
fi

# Each format is a file of its own: OUT.wav, OUT-2.wav, ...
formats=(S16_LE/48000/2 S16_LE/44100/2 S16_LE/96000/2 S16_LE/48000/1 S32_LE/48000/2 U8/48000/2
	FLOAT_LE/48000/2 S24_LE/48000/2 U8/8000/1 S32_LE/192000/2)
steps=
for f in "${formats[@]}"; do
	rate=${f#*/}
	steps+=+play/$f/$((${rate%/*} * 6 / 10))/0
done
serve formats --device "virtio-snd,socket=$s" --backend "file,path=$work/formats.wav" --once
guest qemu formats "${steps#+}"
guest_ends formats
serve_ends formats
n=
for f in "${formats[@]}"; do
	IFS=/ read -r sample rate channels <<<"$f"
	file=$work/formats${n:+-$n}.wav
	n=$((${n:-1} + 1))
	if [ -e "$file" ]; then
		heard "$f" "$file" "$sample" "$rate" "$channels" $((rate * 6 / 10)) 0
	else
		ok 1 "$f: no file"
	fi
done

"$wavtool" gen S16_LE 48000 2 36000 3 "$work/in.wav"
serve record --device "virtio-snd,socket=$s,input=on" \
	--backend "file,path=$work/duplex.wav,in=$work/in.wav,loop=off" --once
guest qemu record record/S16_LE/48000/2/1/36000/3
guest_ends record
serve_ends record
recorded record

serve duplex --device "virtio-snd,socket=$s,input=on" \
	--backend "file,path=$work/duplex.wav,in=$work/in.wav,loop=off" --once
guest qemu duplex duplex/S16_LE/48000/2/2/72000/4/36000/3
guest_ends duplex
serve_ends duplex
heard duplex "$work/duplex.wav" S16_LE 48000 2 72000 4
recorded duplex

done_testing
