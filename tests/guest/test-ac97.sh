#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-ac97.sh VMSND [61|new] - a Linux guest with snd-intel8x0 in QEMU 11 plays and records through an AC'97 card
# of vmsnd, turns its mixer, and takes its driver out and in again. `61`: Debian 12's own kernel, `new`: the newest.
. "$(dirname "$0")/lib.sh"
. "$here/ac97.sh"
choose_old_or_new "${2:-}"
export VFIO=$s

"$wavtool" gen S16_LE 48000 2 240000 7 "$work/in.wav"
serve card --device "ac97,socket=$s" --control "$VMSND_CONTROL" --once \
	--backend "file,path=$work/out.wav,in=$work/in.wav,loop=off"
steps=kernel+levels+record/S16_LE/48000/2/1/24000/7+sleep/1
steps+=+play/S16_LE/48000/2/144000/0
steps+=+play/S16_LE/48000/2/48000/1/--period-size=480,--buffer-size=7680
steps+=+record/S16_LE/48000/2/2/240000/7+duplex/S16_LE/48000/2/2/72000/2/240000/7
steps+=+mixer+reload+levels+kernel
steps+=+play/S16_LE/44100/2/44100/0+sset/PCM/-6dB+play/S16_LE/32000/2/32000/3
guest qemu card "$steps"
wait_for 40 "$glog" ' recorded ' && ctl enable input
guest_ends card
serve_ends card
note "$(grep -o 'kernel=.*' "$glog")"
content card

v=$(grep -m1 ' recorded ' "$glog")
[ "$(value arrived "$v") $(value trail "$v")" = '48000 48000' ]
ok $? 'privacy: what the owner has not enabled is silence' || note "$v"
# Two pieces of what the host has, the second while something plays.
v=$(grep ' recorded ' "$glog" | tail -n 2 | while read -r v; do
	[ "$(value bad "$v") $(value repeated "$v")" = '0 0' ] &&
		[ "$(value jumps "$v")" -ge "$(value gaps "$v")" ] && [ "$(value jumps "$v")" -le 1 ] &&
		[ "$(value lost "$v")" = "$(value jump_to "$v")" ] && value good "$v"
done)
awk -v least=90000 '{ n += $1 >= least } END { exit n != 2 }' <<<"$v"
ok $? "record, and both at once: $(tr '\n' ' ' <<<"$v")of 96000 frames, each in one piece" || show "$glog" "$log"
note "$(grep -o -e 'recorded .*' -e 'gap: .*' "$glog")"

heard_card 'play, small periods, duplex' "$work/out.wav" S16_LE 48000 2 144000 0 48000 1 72000 2
first=$least
heard_card '44100 Hz' "$work/out-2.wav" S16_LE 44100 2 44100 0
[ $((first < least ? first : least)) -le 96 ]
ok $? 'the engine plays no more than 2 ms after a sound'
v=$(level "$work/out-3.wav" 0 32000 3)
awk -v is="$v" 'BEGIN { exit !(is > -6.05 && is < -5.95) }'
ok $? "amixer sset PCM -6dB: the file is at $v dB"

grep ' mixer ' "$glog" | grep -q ' wrong=0 restored=0'
ok $? "mixer: each element takes its least, greatest and middle value: $(grep -o 'mixer elements.*' "$glog")" || show "$glog"
grep -q ' step reload rc=0' "$glog"
ok $? 'reload: the driver finds the card again'
done_testing
