#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# build-uml.sh LINUX-SOURCE.deb OUT - a User Mode Linux with virtio_snd from
# Debian's own kernel source, unpatched. (Debian's user-mode-linux has no sound.)
# Needs gcc make flex bison bc xz-utils, and 1.3 GB in TMPDIR while it builds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
deb=$1 out=$2
work=$(mktemp -d "${TMPDIR:-/var/tmp}/vmsnd-uml.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
dpkg-deb --fsys-tarfile "$deb" | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
	xz -dc -T0 | tar -x --strip-components=1 \
	--exclude='*/drivers/gpu/drm/*.[ch]' --exclude='*/drivers/net/*/*.[ch]' \
	--exclude='*/boot/dts/*.dts*' --exclude='*/tools/testing/*' --exclude='*/Documentation/*.rst'
make -s ARCH=um tinyconfig
scripts/kconfig/merge_config.sh -m .config "$here/uml.config" >/dev/null
make -s ARCH=um olddefconfig
for c in VIRTIO_UML SND_VIRTIO; do
	grep -qx "CONFIG_$c=y" .config || {
		echo "build-uml: CONFIG_$c did not stick" >&2
		exit 1
	}
done
nice make -s ARCH=um -j"$(nproc)" linux
strip -o "$out.new" linux
mv "$out.new" "$out"
