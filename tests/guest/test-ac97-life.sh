#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-ac97-life.sh VMSND - what happens to a VM, to its host and to vmsnd happens in the middle of a play through
# an AC'97 card: a busy host, a vmsnd that stands still, reset, stop and cont, unplug, and the end of vmsnd.
. "$(dirname "$0")/lib.sh"
. "$here/ac97.sh"
MORE=1 choose_kernel ''
export QMP=$work/qmp
long=play/S16_LE/48000/2/144000
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed"; }

# Three busy loops on the host, two CPUs in the guest; then 40 ms in which vmsnd does not run, four times a second.
serve host --device "ac97,socket=$s" --backend "file,path=$work/host.wav" --once
busy_begins 3
VFIO=$s SMP=2 guest qemu host \
	"levels+$long/0+$long/1/--buffer-size=16384,--period-size=2048+$long/2+$long/3/--period-size=480,--buffer-size=7680+kernel"
wait_for 60 "$glog" "step $long/1/.* rc="
busy_ends
hiccups_until "step $long/3/.* rc="
guest_ends host
serve_ends host
content host
heard_card "a busy host, $hiccups times 40 ms" "$work/host.wav" S16_LE 48000 2 144000 0 144000 1 144000 2 144000 3

# reset; in the second boot stop and cont, three times; at the end vmsnd is killed
serve life --device "ac97,socket=$s" --backend "file,path=$work/life.wav" --control "$VMSND_CONTROL"
REBOOT=1 VFIO=$s guest qemu life "levels+$long/0+$long/1+~$long/2+running+wait+kernel"
wait_for 60 "$glog" play-start && sleep 1 && qmp system_reset
wait_for 60 "$glog" "step $long/0 rc=0" && sleep 1 && qmp stop 0.3 cont 0.5 stop 0.3 cont 0.5 stop 0.3 cont
wait_for 60 "$glog" ' running$' && sleep 0.5
made=$(figure 0 xrun-frames)
kill -KILL "$server"
guest_ends 'life, vmsnd killed'
wait "$server"
MADE=$made CUT=1 PARTIAL=1 heard_card 'reset, stop and cont' "$work/life.wav" S16_LE 48000 2 144000 0 144000 1 144000 2
grep -q "step ~$long/2 rc=[1-9]" "$glog"
ok $? 'killed: the program that was playing is told' || show "$glog"

# the card is unplugged, and another one plugged in
serve unplug --device "ac97,socket=$s" --backend "file,path=$work/unplug.wav"
card='{"driver":"vfio-user-pci","bus":"socket","id":"card","socket":{"type":"unix","path":"'$s'"}}'
guest qemu unplug "levels+~$long/0+running+absent+wait+present+levels+$long/0+kernel" \
	-device pcie-root-port,id=socket -device "$card"
wait_for 60 "$glog" ' running$' && qmp device_del,id=card @DEVICE_DELETED 0.5 "device_add$card"
guest_ends unplug
kill -TERM "$server"
serve_ends unplug
grep -q "step ~$long/0 rc=[1-9]" "$glog"
ok $? 'unplug: the program that was playing is told' || show "$glog"
CUT=1 heard_card unplug "$work/unplug.wav" S16_LE 48000 2 144000 0

done_testing
