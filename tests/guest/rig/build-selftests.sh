#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# build-selftests.sh LINUX-SOURCE.deb TREE OUT - the kernel's own ALSA self-tests, unpatched, linked with
# their conf.c instead of a library of it, against TREE's libasound. (The others of that folder want
# kernel options that Debian does not set.)
set -euo pipefail
deb=$1 tree=$2 out=$3
work=$(mktemp -d "${TMPDIR:-/var/tmp}/vmsnd-selftests.XXXXXX")
trap 'rm -rf "$work"' EXIT
dpkg-deb --fsys-tarfile "$deb" | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
	xz -dc -T0 | tar -x -C "$work" --strip-components=1 --wildcards \
	'*/tools/testing/selftests/alsa' '*/tools/testing/selftests/kselftest.h'
tests=$work/tools/testing/selftests/alsa
mkdir -p "$out.new"
for t in mixer-test pcm-test; do
	gcc -O2 -w -I"$tree/usr/include" -o "$out.new/$t" "$tests/$t.c" "$tests/conf.c" \
		-L"$tree/usr/lib/x86_64-linux-gnu" -Wl,--allow-shlib-undefined -lasound -lpthread
done
cp -r "$tests/pcm-test.conf" "$tests/conf.d" "$out.new"
rm -rf "$out"
mv "$out.new" "$out"
