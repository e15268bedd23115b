#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-rings.sh VMSND [TREE] - the same guest over every kind of ring that it and QEMU agree on
# (V8, V9): packed, with and without the rest, and paused in the middle. Linux takes RING_RESET
# over PCI; IN_ORDER is offered and not taken by kernels before 6.19.
. "$(dirname "$0")/lib.sh"
need initramfs
TREE=${2:-tree}
export TREE QMP=$work/qmp
[ "$TREE" = tree ] || OPTIONAL=1 need "qemu${TREE#tree}"
s=$work/s.sock
export SOCKET=$s
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed"; }

rings() { # NAME OPTIONS WORD-OF-THE-LOG [pause]
	serve "$1" --device "virtio-snd,socket=$s,$2" --backend "file,path=$work/$1.wav" --once
	guest qemu "$1" play/S16_LE/48000/2/144000/0
	if [ "${4:-}" = pause ]; then
		wait_for 20 "$glog" play-start && sleep 0.5
		qmp stop 0.3 cont 0.5 stop 0.3 cont
	fi
	guest_ends "$1"
	serve_ends "$1"
	grep -q "has started the card.*$3" "$log"
	ok $? "$1: the guest's driver has agreed on$3" || show "$log"
	heard "$1" "$work/$1.wav" S16_LE 48000 2 144000 0
}

rings packed-paused packed=on " packed" pause
rings packed-plain packed=on,event-idx=off,indirect=off "version-1 packed"
rings all-off event-idx=off,indirect=off "version-1"
rings reset ring-reset=on,in-order=on " ring-reset"
done_testing
