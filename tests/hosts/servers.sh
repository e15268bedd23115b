#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# servers.sh - sound servers that this machine's Debian does not have, unpacked beside it, once, into a cache.
#   servers.sh                  makes what is missing
#   servers.sh --have pipewire  exit 0 when it is there and fresh
#   servers.sh --dir            where it is: a folder of the guest tests' cache (tests/guest/rig.sh)
# Packages come from the mirror of this machine's apt; nothing is installed and no root is needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
world=$here/../guest/rig/apt-world.sh
cache=$("$here/../guest/rig.sh" --dir)/hosts

# PipeWire 1.4 on Debian 12; on a newer one its own is as new.
suites='bookworm bookworm-backports'
packages='pipewire pipewire-bin pipewire-alsa pipewire-pulse pipewire-jack libspa-0.2-modules libspa-0.2-jack wireplumber'

recipe() {
	{
		echo "$suites" "$packages"
		cat "$world"
	} | cksum
}
fresh() { [ "$(cat "$cache/pipewire.made" 2>/dev/null)" = "$(recipe)" ]; }

case ${1:-} in
--dir)
	echo "$cache"
	exit
	;;
--have)
	fresh
	exit
	;;
-*)
	sed -n '3,7s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
! fresh || exit 0
read -ra use <<<"$suites"
"$world" "$cache/apt" "${use[@]}" -- update
# shellcheck disable=SC2086 # one word a package
"$world" "$cache/apt" "${use[@]}" -- tree "$cache/pipewire.new" $packages
rm -rf "$cache/pipewire"
mv "$cache/pipewire.new" "$cache/pipewire"
recipe >"$cache/pipewire.made"
