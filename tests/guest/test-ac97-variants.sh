#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-ac97-variants.sh VMSND - AC'97 cards of other kinds in Linux: ICH4 with its memory registers and six channels,
# and codecs with a mixer of their own; each plays frame by frame, and takes every value of its mixer.
. "$(dirname "$0")/lib.sh"
. "$here/ac97.sh"
MORE=1 choose_kernel ''
export VFIO=$s

# Files from four channels on are in WAVE's order, and so are the PCM's.
serve ich4 --device "ac97,socket=$s,variant=ich4,codec=alc650,subsystem=8086:0000,channels=6,input=on" --once \
	--backend "file,path=$work/ich4.wav"
SMP=2 guest qemu ich4 "clocked+levels+play/S16_LE/48000/2/96000/0+play/S16_LE/48000/4/48000/0+play/S16_LE/48000/6/48000/0+mixer+kernel"
guest_ends ich4
serve_ends ich4
content ich4
heard_card 'ich4, 2 channels' "$work/ich4.wav" S16_LE 48000 2 96000 0
heard_card 'ich4, 4 channels' "$work/ich4-2.wav" S16_LE 48000 4 48000 0
heard_card 'ich4, 6 channels' "$work/ich4-3.wav" S16_LE 48000 6 48000 0

# The first as the chip was: Linux measures its clock, and asks for each position twice. (The usual codec's mixer is
# turned in test-ac97.sh.)
for card in ad1980,subsystem=8086:0000 ad1981b; do
	codec=${card%%,*}
	serve $codec --device "ac97,socket=$s,codec=$card" --once --backend "file,path=$work/$codec.wav"
	guest qemu $codec "clocked+levels+play/S16_LE/48000/2/24000/0+mixer+kernel"
	guest_ends $codec
	serve_ends $codec
	content $codec
	heard_card $codec "$work/$codec.wav" S16_LE 48000 2 24000 0
done
done_testing
