#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A Debian package world of its own: apt with private lists and an empty status
# file, fed from the mirror this machine already uses. Needs no root and changes
# nothing outside its directory.
#   apt-world.sh DIR SUITE... -- update
#   apt-world.sh DIR SUITE... -- tree OUT PACKAGE...     packages and all they need, unpacked
#   apt-world.sh DIR SUITE... -- deb PACKAGE             one package file; prints its path
#   apt-world.sh DIR SUITE... -- any PACKAGE             likewise, whichever suite has it
#   apt-world.sh DIR SUITE... -- depends PACKAGE PREFIX  the package that PACKAGE names so
#   apt-world.sh DIR SUITE... -- newest PACKAGE PREFIX   likewise, of its newest version in any suite
# The last SUITE named is the one preferred.
set -euo pipefail

world=$1
shift
suites=()
while [ "$1" != -- ]; do
	suites+=("$1")
	shift
done
shift
job=$1
shift
prefer=${suites[-1]}
mkdir -p "$world"/{lists/partial,cache/archives/partial,etc}
: >"$world/status"

# The machine's mirror of Debian proper, whatever file and style it stands in, and
# whether or not its lists are there.
mirror() {
	local own
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt-get --print-uris update 2>/dev/null |
		sed -n "s|^'\\(.*\\)/dists/$own/InRelease'.*|\\1|p" |
		awk '!any { any = $0 } !best && /\/debian\/?$/ { best = $0 } END { print best ? best : any }'
}

sources() {
	local uri key='' s
	uri=$(mirror)
	[ -n "$uri" ] || {
		echo "apt-world: no Debian mirror among this machine's apt sources" >&2
		return 1
	}
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] &&
		key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	for s in "${suites[@]}"; do
		echo "deb $key$uri $s main"
	done >"$world/etc/sources.list"
}

apt=(-qq -o "Dir::State::lists=$world/lists" -o "Dir::State::status=$world/status"
	-o "Dir::State::extended_states=$world/extended" -o "Dir::Cache=$world/cache"
	-o "Dir::Etc::sourcelist=$world/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null
	-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
	-o APT::Default-Release= -o APT::Install-Recommends=0 -o Debug::NoLocking=1
	-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3)

unpack() { # DEB DIR [tar arguments]
	local deb=$1 dir=$2
	shift 2
	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$dir" --keep-directory-symlink --no-same-owner --no-same-permissions "$@"
}

download() { # PACKAGE [/SUITE]
	cd "$world/cache"
	rm -f "$1"_*.deb
	apt-get "${apt[@]}" download "$1${2:-}" >&2
	ls "$world/cache/$1"_*.deb
}

# each version of PACKAGE, and what it depends on that is called PREFIX...
named() { # PREFIX
	awk -v want="$1" '/^Version:/ { version = $2 }
		/^Depends:/ { gsub(/,/, ""); for (i = 2; i <= NF; i++)
			if (index($i, want) == 1) { print version, $i; break } }'
}

case $job in
update)
	sources
	apt-get "${apt[@]}" update
	;;
tree)
	out=$1
	shift
	rm -rf "$out" "$world"/cache/archives/*.deb
	mkdir -p "$out/usr"/{bin,sbin,lib,lib64}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$out/$d"; done
	apt-get "${apt[@]}" -y -t "$prefer" --download-only install "$@" >/dev/null
	for deb in "$world"/cache/archives/*.deb; do
		unpack "$deb" "$out" --exclude='./dev/*' --exclude='./usr/share/doc/*' \
			--exclude='./usr/share/locale/*' --exclude='./usr/share/man/*'
	done
	rm -f "$world"/cache/archives/*.deb
	;;
deb) download "$1" "/$prefer" ;;
any) download "$1" ;;
depends) apt-cache "${apt[@]}" show "$1/$prefer" | named "$2" | awk 'NR == 1 { print $2 }' ;;
newest) apt-cache "${apt[@]}" show -a "$1" | named "$2" | sort -V | awk 'END { print $2 }' ;;
*)
	echo "apt-world: unknown job $job" >&2
	exit 2
	;;
esac
