#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# run-uml.sh LOG STEPS SOCKET - boot the test guest once as User Mode Linux, with the vhost-user
# sound card at SOCKET. As run-qemu.sh otherwise. Environment: MEM=128M LIMIT=60 IMAGE=initramfs
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=$("$here/rig.sh" --dir)
: "${IMAGE:=initramfs}" "${MEM:=128M}" "${LIMIT:=60}"
# UML's memory is a file of TMPDIR, which the back end maps; its own files go to HOME
TMPDIR=/dev/shm
export TMPDIR
. "$here/stamp.sh"
run_stamped "$1" "$LIMIT" "$cache/uml" mem="$MEM" initrd="$cache/$IMAGE" \
	con=null con0=null,fd:1 con1=null quiet "virtio_uml.device=$3:25" rig.drv=none rig.steps="$2"
