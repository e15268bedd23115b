#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-driver.sh VMSND [new] - what a guest does to its driver and itself in the middle of a play: takes
# the driver off the card, sleeps (suspend to RAM), loses the card (unplug), boots again. Afterwards the card
# plays exactly, and nothing of before is heard. `new`: with the newest kernel.
. "$(dirname "$0")/lib.sh"
need initramfs
choose_kernel "${2:-}"
s=$work/s.sock
export QMP=$work/qmp
long=play/S16_LE/48000/2/144000/0
card=(--device "virtio-snd,socket=$s" --once)
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed"; }
gave_up() { # TEST: the play beside the rest ended with an error
	grep -q 'step ~play.* rc=[1-9]' "$glog"
	ok $? "$1: the program that was playing is told" || show "$glog"
}

serve rebind "${card[@]}" --backend "file,path=$work/rebind.wav"
SOCKET=$s guest qemu rebind "~$long+running+rebind+wait+$long"
guest_ends rebind
serve_ends rebind
gave_up rebind
heard_again rebind "$work/rebind.wav" S16_LE 48000 2 144000 0

# Linux's driver forgets what it had sent when it slept, and does not send those messages again until
# the stream is opened anew (docs/guests.md): frames may be missing, but none comes twice or out of
# order. What is opened afterwards is whole. (Waking up is a reset of the machine.)
serve suspend "${card[@]}" --backend "file,path=$work/suspend.wav"
REBOOT=1 BOOT=bzImage SOCKET=$s guest qemu suspend \
	"~$long/--buffer-size=9600,--period-size=2400+running+suspend+wait+play/S16_LE/44100/2/132300/1" \
	-global ICH9-LPC.disable_s3=0
wait_for 60 "$glog" suspending
qmp =suspended 0.5 system_wakeup
wait_for 60 "$glog" ' done rc=' # QEMU stays after a power off that follows a wake-up
qmp quit
guest_ends suspend
serve_ends suspend
v=$("$wavtool" -p check "$work/suspend.wav" S16_LE 48000 2 144000 0 2>"$work/gaps")
[ "$(value bad "$v") $(value repeated "$v")" = '0 0' ] && grep -q ' resumed' "$glog" &&
	grep -q 'step ~play.* rc=0' "$glog"
ok $? "suspend: the same play goes on, $(value lost "$v") frames stayed with the driver, none twice" || {
	note "$v"
	show "$work/gaps" "$glog" "$log"
}
heard suspend-next "$work/suspend-2.wav" S16_LE 44100 2 132300 1

serve unplug --device "virtio-snd,socket=$s" --backend "file,path=$work/unplug.wav"
guest qemu unplug "~$long+running+absent+wait+present+$long" -device pcie-root-port,id=socket \
	-chardev "socket,id=vs,path=$s" -device vhost-user-snd-pci,chardev=vs,bus=socket,id=card
wait_for 60 "$glog" ' running'
qmp device_del,id=card @DEVICE_DELETED 0.5 device_add,driver=vhost-user-snd-pci,chardev=vs,bus=socket,id=card
guest_ends unplug
kill -TERM "$server"
serve_ends unplug
gave_up unplug
heard_again unplug "$work/unplug.wav" S16_LE 48000 2 144000 0

serve reboot "${card[@]}" --backend "file,path=$work/reboot.wav"
REBOOT=1 SOCKET=$s guest qemu reboot "~$long+running+reboot"
for ((i = 0; i < 600; i++)); do
	grep -c ' running$' "$glog" 2>/dev/null | grep -q 2 && break
	sleep 0.1
done
qmp quit
wait "$guest"
serve_ends reboot
v=$("$wavtool" -p check "$work/reboot.wav" S16_LE 48000 2 144000 0 2>"$work/gaps")
[ "$(value lost "$v") $(value bad "$v") $(value jumps "$v") $(value jump_to "$v")" = '0 0 1 0' ]
ok $? "reboot: the second boot is heard from its first frame" || {
	note "$v"
	show "$work/gaps" "$glog" "$log"
}

done_testing
