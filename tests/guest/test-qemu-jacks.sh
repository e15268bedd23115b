#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-jacks.sh VMSND - Linux has a control for each jack, and hears of what is plugged in and pulled out.
. "$(dirname "$0")/lib.sh"
MORE=1 choose_kernel ''
s=$work/s.sock
export VMSND_CONTROL=$work/c.sock

jacks_are() { # TEST NTH LINE-OUT MIC: what the guest's NTH look at its controls says of them
	local seen
	seen=$(awk -v nth="$2" '
		/RUN amixer numid=/ { name = $0; sub(/.*name=/, "", name) }
		/RUN amixer *: values=/ { value = $0; sub(/.*values=/, "", value); seen[name] = seen[name] " " value }
		END { split(seen["\x27Line Out Jack\x27"], a, " "); split(seen["\x27Mic Jack\x27"], b, " "); print a[nth], b[nth] }
	' <(tr -d '\r' <"$glog"))
	[ "$seen" = "$3 $4" ]
	ok $? "$1: Line Out Jack $3, Mic Jack $4" || {
		note "seen: $seen"
		show "$glog" "$log"
	}
}

looked() { # N: the guest has looked N times
	local i
	for ((i = 0; i < 600; i++)); do
		[ "$(cat "$glog" 2>/dev/null | grep -c 'step run/amixer')" -ge "$1" ] && return
		sleep 0.1
	done
	note "waited in vain for look $1"
	return 1
}

look=run/amixer/contents
serve jacks --device "virtio-snd,socket=$s,jacks=on" --backend null --control "$VMSND_CONTROL" --once
SOCKET=$s guest qemu jacks "$look+sleep/4+$look+sleep/4+$look+sleep/6+$look"
looked 1 && ctl jack line-out unplugged
looked 2 && ctl jack line-out follow && ctl jack mic unplugged
looked 3 && ctl detach 0 # three seconds later line-out has been without an output for too long
guest_ends jacks
serve_ends jacks
jacks_are 'at the start' 1 on on
jacks_are 'line-out unplugged by hand' 2 off on
jacks_are 'line-out follows, mic unplugged' 3 on off
jacks_are 'the output is gone' 4 off off
done_testing
