#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-pipewire.sh VMSND [ac97] - PipeWire and WirePlumber in the guest, as they are shipped, play and record for
# a minute: the guest reports no xrun, and both ways each frame arrives, in order and without a gap.
. "$(dirname "$0")/lib.sh"
need initramfs-pipewire
seconds=${SECONDS_OF_SOUND:-60}
frames=$(((seconds + 8) * 48000)) least=$((seconds * 48000))
s=$work/s.sock card=virtio-snd socket=SOCKET init=
[ "${2:-}" != ac97 ] || {
	. "$here/ac97.sh"
	card=ac97 socket=VFIO init=levels+
}
"$wavtool" gen S16_LE 48000 2 $frames 1 "$work/in.wav"
one() { # ATTEMPT
	serve "$1" --device "$card,socket=$s,input=on" --once \
		--backend "file,path=$work/$1.wav,sample=S16,dither=off,in=$work/in.wav,loop=off"
	export "$socket=$s"
	IMAGE=initramfs-pipewire MEM=512M LIMIT=$((seconds + 120)) SMP=2 guest qemu "$1" "${init}pipewire/$seconds/0"
	guest_ends "$1"
	serve_ends "$1"
	out=$work/$1.wav
}
one pipewire
# An emulated CPU that this machine leaves without time for 80 ms has an xrun: that is tried once more.
grep -q ' xruns 0 in' "$glog" && [ "$(counted underruns) $(counted overruns)" = '0 0' ] || {
	note "$(grep -e PWLOG -e ' xruns ' "$glog")"
	one again
}

grep -q ' xruns 0 in PipeWire.s log, 0 in the kernel.s' "$glog" &&
	awk '$2 == "PWTOP" && $3 == "R" && NF > 8 { n++; bad += $11 != 0 } END { exit !(n >= 4 && !bad) }' "$glog"
ok $? 'the guest reports no xrun' || grep -e PWTOP -e PWLOG -e DMESG -e xruns "$glog" | sed 's/^/# /'
[ "$(counted underruns) $(counted overruns)" = '0 0' ]
ok $? 'nor does the card' || show "$log"
arrived() { # TEST VERDICT: one piece of the signal, silence only round it
	[ "$(value bad "$2") $(value repeated "$2") $(value gap_frames "$2")" = '0 0 0' ] &&
		[ "$(value jumps "$2")" -le 1 ] && [ "$(value lost "$2")" = "$(value jump_to "$2")" ] &&
		[ "$(value good "$2")" -ge "$least" ]
	ok $? "$1: $(value good "$2") frames in one piece" || show "$log"
	note "$2"
}
arrived played "$("$wavtool" -p check "$out" S16_LE 48000 2 $frames 0 2>&1 | tail -n1)"
arrived recorded "$(sed -n 's/.* recorded //p' "$glog" | tail -n1)"

done_testing
