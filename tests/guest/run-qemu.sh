#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# run-qemu.sh LOG STEPS [QEMU DEVICE ARGUMENTS...] - boot the test guest once, by emulation.
# STEPS: see guest-init. Environment (defaults):
#   TREE=tree (tree11: QEMU 11.1)  KERNEL=kernel (kernel-new)  IMAGE=initramfs (what rig.sh makes)
#   BOOT=vmlinux (bzImage: slower, but outlives the reset of a wake-up, which writes a vmlinux anew)
#   MEM=256M  SHARE=on (off: private memory; none: QEMU's default)
#   DRV=virtio (ac97)  SMP=1
#   SOCKET= (a vhost-user sound card there is put in)  CONTROLS= (non-empty: with control elements)
#   VFIO= (a vfio-user sound card there is put in; QEMU 11)
#   QMP= (a socket for QMP)  LIMIT=60 (seconds)
#   REBOOT= (non-empty: a reset boots again instead of ending QEMU)
# Each console line stands in LOG behind the seconds since QEMU's start; QEMU's process id in LOG.pid.
# Exit status: the guest's own, 98 no result (QEMU was ended), 99 time limit.
# The clock of an emulated guest is not trusted: hence tsc=unstable, and times by the host's stamps.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=$("$here/rig.sh" --dir)
log=$1 steps=$2
shift 2
: "${TREE:=tree}" "${KERNEL:=kernel}" "${IMAGE:=initramfs}" "${BOOT:=vmlinux}" "${MEM:=256M}" "${SHARE:=on}" "${LIMIT:=60}" "${DRV:=virtio}" "${SMP:=1}"
append="console=ttyS0 quiet nokaslr mitigations=off no_timer_check tsc=unstable clocksource=hpet \
apparmor=0 audit=0 i8042.noaux=1 i8042.nokbd=1 i8042.nopnp=1 cryptomgr.notests 8250.nr_uarts=1 \
panic=-1 rig.drv=$DRV rig.steps=$steps"

args=(-nodefaults -no-user-config -display none -cpu max -smp "$SMP"
	-accel 'tcg,thread=multi' -m "$MEM" -kernel "$cache/$KERNEL/$BOOT" -initrd "$cache/$IMAGE"
	-append "$append" -serial stdio)
if [ "$SHARE" = none ]; then
	args+=(-machine q35)
else
	args+=(-machine "q35,memory-backend=mem"
		-object "memory-backend-memfd,id=mem,size=$MEM,share=$SHARE")
fi
[ -n "${REBOOT:-}" ] || args+=(-no-reboot)
[ -z "${SOCKET:-}" ] ||
	args+=(-chardev "socket,id=vs,path=$SOCKET" -device "vhost-user-snd-pci,chardev=vs${CONTROLS:+,controls=on}")
[ -z "${VFIO:-}" ] ||
	args+=(-device "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"$VFIO\"}}")
[ -z "${QMP:-}" ] || args+=(-qmp "unix:$QMP,server=on,wait=off")

. "$here/stamp.sh"
run_stamped "$log" "$LIMIT" "$here/rig/qemu.sh" "$cache/$TREE" "${args[@]}" "$@"
