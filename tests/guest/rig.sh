#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# rig.sh - everything the guest tests boot, made once and kept in a cache.
#   rig.sh                      make what is missing (VMSND_QEMU11=0: without QEMU 11)
#   rig.sh PART...              only these: qemu kernel wavtool initramfs uml qemu11
#   rig.sh --have PART          exit 0 when PART is there and fresh
#   rig.sh --dir                where the cache is
#   rig.sh --packages           Debian packages it needs, one a line
# The cache: $VMSND_RIG, else $XDG_CACHE_HOME/vmsnd-rig, else ~/.cache/vmsnd-rig.
# Packages come from the mirror of this machine's apt; nothing is installed and
# no root is needed. About 330 MB of downloads and 100 s of building, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
parts=$here/rig
cache=${VMSND_RIG:-${XDG_CACHE_HOME:-$HOME/.cache}/vmsnd-rig}

packages='xz-utils zstd gcc libc6-dev make flex bison bc binutils python3'

# Which suite has QEMU 10 and kernel 6.12 beside this machine's own packages. (Others can be
# tried: VMSND_RIG_SUITES=trixie, with a cache of its own.)
suites() {
	local own
	[ -z "${VMSND_RIG_SUITES:-}" ] || {
		echo "$VMSND_RIG_SUITES"
		return
	}
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
	case $own in
	bookworm) echo bookworm bookworm-backports ;;
	trixie) echo trixie ;;
	*)
		echo "rig: set up for Debian 12 and 13 only, this is $own" >&2
		return 1
		;;
	esac
}

say() { printf 'rig: %s\n' "$*" >&2; }

# A part is fresh when the recipe it was made by is the one we have now.
recipe() {
	case $1 in
	qemu | kernel)
		suites
		cat "$parts/apt-world.sh"
		;;
	qemu11) cat "$parts/apt-world.sh" ;;
	uml) cat "$parts/uml.config" "$parts/build-uml.sh" ;;
	wavtool) cat "$here/wavtool.c" ;;
	initramfs)
		cat "$parts/guestfs.py" "$here/guest-init" "$here/wavtool.c"
		cat "$cache"/made/{qemu,kernel} 2>/dev/null || :
		;;
	*)
		say "no part named $1"
		exit 2
		;;
	esac | cksum
}
fresh() { [ "$(cat "$cache/made/$1" 2>/dev/null)" = "$(recipe "$1")" ]; }

world() {
	local use
	read -ra use < <(suites) && "$parts/apt-world.sh" "$cache/apt/own" "${use[@]}" -- "$@"
}
world_lists() {
	[ -n "${lists_done:-}" ] || world update
	lists_done=1
}

make_qemu() {
	world_lists
	world tree "$cache/tree.new" qemu-system-x86 alsa-utils busybox-static
	rm -rf "$cache/tree"
	mv "$cache/tree.new" "$cache/tree"
}

make_kernel() {
	local name deb
	world_lists
	name=$(world depends linux-image-amd64 linux-image-)
	deb=$(world deb "$name")
	rm -rf "$cache/kernel"
	mkdir -p "$cache/kernel"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$cache/kernel" --no-same-owner --wildcards \
		'./boot/vmlinuz-*' '*/kernel/sound/*' '*/kernel/drivers/virtio/*' \
		'*/kernel/drivers/pci/*' '*/kernel/lib/*'
	"$parts/guestfs.py" vmlinux "$cache"/kernel/boot/vmlinuz-* "$cache/kernel/vmlinux"
	rm -f "$deb"
}

make_wavtool() {
	gcc -std=c17 -O2 -Wall -Wextra -Wconversion -static -o "$cache/wavtool" "$here/wavtool.c" -lm
}

make_initramfs() {
	"$parts/guestfs.py" initramfs "$cache/initramfs" --tree "$cache/tree" --kernel "$cache/kernel" \
		--init "$here/guest-init" --add "$cache/wavtool:bin/wavtool"
}

make_uml() {
	local deb
	world_lists
	deb=$(world deb linux-source-6.12)
	"$parts/build-uml.sh" "$deb" "$cache/uml"
	rm -f "$deb"
}

make_qemu11() {
	"$parts/apt-world.sh" "$cache/apt/forky" forky -- update
	"$parts/apt-world.sh" "$cache/apt/forky" forky -- tree "$cache/tree11.new" qemu-system-x86
	rm -rf "$cache/tree11"
	mv "$cache/tree11.new" "$cache/tree11"
}

needs() {
	case $1 in
	initramfs) echo qemu kernel wavtool ;;
	esac
}

tools() {
	local t missing=
	for t in xz zstd gcc make flex bison bc readelf python3 dpkg-deb apt-get; do
		command -v "$t" >/dev/null || missing="$missing $t"
	done
	[ -z "$missing" ] || {
		say "missing:$missing; install the packages that rig.sh --packages lists"
		return 1
	}
}

make_part() {
	local p t
	for p in $(needs "$1"); do make_part "$p"; done
	t=$SECONDS
	! fresh "$1" || return 0
	say "making $1"
	rm -f "$cache/made/$1"
	"make_$1"
	recipe "$1" >"$cache/made/$1"
	say "made $1 in $((SECONDS - t)) s"
}

case ${1:-} in
--packages)
	printf '%s\n' $packages
	exit
	;;
--dir)
	echo "$cache"
	exit
	;;
--have)
	for p in $(needs "$2") "$2"; do fresh "$p" || exit 1; done
	exit 0
	;;
-*)
	sed -n '3,13s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

tools
mkdir -p "$cache/made" "$cache/apt"
exec 9>"$cache/lock"
flock 9
if [ $# -gt 0 ]; then
	for part; do make_part "$part"; done
	exit
fi
make_part initramfs
make_part uml
# From a suite that is still moving: good to have, not a must.
[ "${VMSND_QEMU11:-1}" = 0 ] || {
	exec 9>&-
	"$0" qemu11
} || say "no QEMU 11 this time"
