#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# rig.sh - everything the guest tests boot, made once and kept in a cache.
#   rig.sh                      make what is missing (VMSND_QEMU11=0: without QEMU 11 and the newest kernel)
#   rig.sh PART...              only these: qemu kernel wavtool selftests initramfs initramfs-alsa
#                               initramfs-pipewire uml qemu11 kernel-61 initramfs-61
#                               kernel-new initramfs-new
#   rig.sh --have PART          exit 0 when PART is there and fresh
#   rig.sh --dir                where the cache is
#   rig.sh --packages           Debian packages it needs, one a line
# The cache: $VMSND_RIG, else $XDG_CACHE_HOME/vmsnd-rig, else ~/.cache/vmsnd-rig.
# Packages come from the mirror of this machine's apt; nothing is installed and
# no root is needed. About 700 MB of downloads and 3 minutes of building, once.
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

# Where the newest kernel is looked for: suites that are still moving.
newest_suites=${VMSND_RIG_NEWEST:-sid experimental}

# What is unpacked beside QEMU: what guests run, and headers for the kernel's self-tests.
programs='qemu-system-x86 alsa-utils busybox-static libasound2-dev pipewire pipewire-bin
wireplumber'

say() { printf 'rig: %s\n' "$*" >&2; }

# A part is fresh when the recipe it was made by is the one we have now.
recipe() {
	case $1 in
	qemu | kernel)
		suites
		if [ "$1" = kernel ]; then echo bzImage; else echo $programs; fi
		cat "$parts/apt-world.sh"
		;;
	qemu11) cat "$parts/apt-world.sh" ;;
	kernel-61)
		echo bookworm bzImage
		cat "$parts/apt-world.sh"
		;;
	kernel-new)
		echo "$newest_suites" bzImage
		cat "$parts/apt-world.sh"
		;;
	selftests) cat "$parts/build-selftests.sh" ;;
	uml) cat "$parts/uml.config" "$parts/build-uml.sh" ;;
	wavtool) cat "$here/wavtool.c" "$here/numbered.h" ;;
	initramfs*)
		cat "$parts/guestfs.py" "$here/guest-init" "$here/wavtool.c" "$here/numbered.h" "$parts"/pipewire/*
		(
			cd "$cache/made"
			# shellcheck disable=SC2046
			cat $(needs "$1") 2>/dev/null
		) || :
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
	# shellcheck disable=SC2086
	world tree "$cache/tree.new" $programs
	rm -rf "$cache/tree"
	mv "$cache/tree.new" "$cache/tree"
}

unpack_kernel() { # DIR DEB...
	local dir=$1 deb
	shift
	rm -rf "$dir"
	mkdir -p "$dir" # bzImage beside vmlinux: run-qemu.sh says why
	for deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --no-same-owner --wildcards \
			'*/vmlinuz*' '*/kernel/sound/*' '*/kernel/drivers/virtio/*' \
			'*/kernel/drivers/pci/*' '*/kernel/lib/*' 2>/dev/null || :
		rm -f "$deb"
	done
	mv "$(find "$dir" -name 'vmlinuz*' -type f)" "$dir/bzImage"
	"$parts/guestfs.py" vmlinux "$dir/bzImage" "$dir/vmlinux"
}

make_kernel() {
	local name
	world_lists
	name=$(world depends linux-image-amd64 linux-image-)
	unpack_kernel "$cache/kernel" "$(world deb "$name")"
}

make_kernel-61() { # the kernel of Debian 12 itself, whatever this machine runs
	bookworm() { "$parts/apt-world.sh" "$cache/apt/bookworm" bookworm -- "$@"; }
	bookworm update
	unpack_kernel "$cache/kernel-61" "$(bookworm deb "$(bookworm depends linux-image-amd64 linux-image-)")"
}

make_kernel-new() {
	local use name part debs=()
	read -ra use <<<"$newest_suites"
	newest() { "$parts/apt-world.sh" "$cache/apt/newest" "${use[@]}" -- "$@"; }
	newest update
	name=$(newest newest linux-image-amd64 linux-image-)
	# Kernel and modules may be packages of their own, which the image only names.
	for part in image binary modules; do
		debs+=("$(newest any "${name/image/$part}")") || [ $part != image ]
	done
	unpack_kernel "$cache/kernel-new" "${debs[@]}"
}

make_wavtool() {
	gcc -std=c17 -O2 -Wall -Wextra -Wconversion -static -o "$cache/wavtool" "$here/wavtool.c" -lm
}

image() { # NAME KERNEL SET...
	local name=$1 kernel=$2
	shift 2
	"$parts/guestfs.py" initramfs "$cache/$name" --tree "$cache/tree" --kernel "$cache/$kernel" \
		--init "$here/guest-init" --add "$cache/wavtool:bin/wavtool" "$@"
}
both=(--driver virtio --driver ac97)
make_initramfs() { image initramfs kernel "${both[@]}"; }
make_initramfs-alsa() { image initramfs-alsa kernel "${both[@]}" --set alsa --add "$cache/selftests:selftests"; }
make_initramfs-new() { image initramfs-new kernel-new "${both[@]}" --set alsa --add "$cache/selftests:selftests"; }
make_initramfs-61() { image initramfs-61 kernel-61 --driver ac97 --set alsa --add "$cache/selftests:selftests"; }
make_initramfs-pipewire() {
	image initramfs-pipewire kernel "${both[@]}" --set alsa --set pipewire \
		--add "$parts/pipewire/pipewire.conf:etc/pipewire/pipewire.conf.d/rig.conf" \
		--add "$parts/pipewire/wireplumber.conf:etc/wireplumber/wireplumber.conf.d/rig.conf"
}

linux_source() { # its package, in $source_deb; several parts are made of it
	[ -z "${source_deb:-}" ] || return 0
	world_lists
	source_deb=$(world deb linux-source-6.12)
}

make_selftests() {
	linux_source
	"$parts/build-selftests.sh" "$source_deb" "$cache/tree" "$cache/selftests"
}

make_uml() {
	linux_source
	"$parts/build-uml.sh" "$source_deb" "$cache/uml"
}

make_qemu11() {
	"$parts/apt-world.sh" "$cache/apt/forky" forky -- update
	"$parts/apt-world.sh" "$cache/apt/forky" forky -- tree "$cache/tree11.new" qemu-system-x86
	rm -rf "$cache/tree11"
	mv "$cache/tree11.new" "$cache/tree11"
}

needs() {
	case $1 in
	selftests) echo qemu ;;
	initramfs) echo qemu kernel wavtool ;;
	initramfs-alsa) echo qemu kernel wavtool selftests ;;
	initramfs-pipewire) echo qemu kernel wavtool ;;
	initramfs-new) echo qemu kernel-new wavtool selftests ;;
	initramfs-61) echo qemu kernel-61 wavtool selftests ;;
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
	sed -n '3,14s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac

tools
mkdir -p "$cache/made" "$cache/apt"
exec 9>"$cache/lock"
flock 9
trap '[ -z "${source_deb:-}" ] || rm -f "$source_deb"' EXIT
if [ $# -gt 0 ]; then
	for part; do make_part "$part"; done
	exit
fi
for part in initramfs selftests initramfs-alsa initramfs-61 initramfs-pipewire uml; do make_part "$part"; done
[ "${VMSND_QEMU11:-1}" = 0 ] || {
	# From suites that are still moving: this script goes on without; the tests that need QEMU 11 do not.
	exec 9>&-
	for part in qemu11 initramfs-new; do
		"$0" $part || say "no $part this time"
	done
}
