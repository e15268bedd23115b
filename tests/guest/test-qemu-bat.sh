#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-bat.sh VMSND - alsabat in the guest plays a sine and records it at the same time, over a host that
# hears itself (backend loop), and its own analysis finds the tone: ALSA's test passes whole, which it does not
# with any card that does not record what it plays.
. "$(dirname "$0")/lib.sh"
MORE=1 choose_kernel ''
s=$work/s.sock
export SOCKET=$s

serve bat --device "virtio-snd,socket=$s,input=on" --once --backend loop
bat() { echo "run/alsabat/-D,hw:0,-r,$1,-c,2,-f,$2,-F,$3,-n,$(($1 / 2))"; }
guest qemu bat "$(bat 48000 S16_LE 997)+$(bat 44100 S32_LE 440)"
guest_ends bat
serve_ends bat
[ "$(grep -c 'RUN alsabat  *PASS: Peak detected' "$glog")" = 4 ] &&
	[ "$(grep -c 'RUN alsabat Return value is 0' "$glog")" = 2 ]
ok $? 'alsabat: its analysis passes, twice on both channels' || grep 'RUN alsabat' "$glog" | sed 's/^/# /'
note "$(sed -n 's/.*RUN alsabat \(.*Detected.*\)/\1/p' "$glog")"

done_testing
