#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# qemu.sh TREE ARGS - QEMU of a package tree, run by that tree's own loader and
# libraries: no chroot, no root, nothing installed.
tree=$1
shift
lib=$tree/usr/lib/x86_64-linux-gnu
QEMU_MODULE_DIR=$lib/qemu
export QEMU_MODULE_DIR
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" --argv0 qemu-system-x86_64 \
	"$tree/usr/bin/qemu-system-x86_64" -L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios" \
	-L "$tree/usr/lib/ipxe/qemu" "$@"
