#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# demo-vm.sh [OUT.wav [VMSND]] - a Linux guest in QEMU plays a tune through vmsnd into a WAV file.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${1:-vmsnd-demo-vm.wav}")
vmsnd=${2:-${VMSND:?usage: demo-vm.sh OUT.wav VMSND}}
work=$(mktemp -d "${TMPDIR:-/tmp}/vmsnd-demo.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
fail() {
	echo "demo: $*" >&2
	[ ! -e "$work/guest.log" ] || tail -n 15 "$work/guest.log" >&2
	[ ! -e "$work/vmsnd.log" ] || tail -n 15 "$work/vmsnd.log" >&2
	exit 1
}

"$here/rig.sh" --have initramfs ||
	echo "guest    getting QEMU and a Linux kernel (about 130 MB to download, this once)"
"$here/rig.sh" initramfs || fail "the guest could not be made; the lines above say why"
cache=$("$here/rig.sh" --dir)

rm -f "$out"
"$vmsnd" serve --device "virtio-snd,socket=$work/s.sock" --backend "file,path=$out" --once \
	>"$work/vmsnd.log" 2>&1 &
server=$!
for ((i = 0; i < 250; i++)); do
	[ -S "$work/s.sock" ] && break
	sleep 0.02
done
[ -S "$work/s.sock" ] || fail "vmsnd does not listen"
echo "vmsnd    a virtio-snd card listens"

SOCKET=$work/s.sock "$here/run-qemu.sh" "$work/guest.log" tune &
guest=$!
shown=0
follow() { # the guest's lines, as they come
	local lines
	mapfile -t lines < <(sed -n 's/^\([0-9.]*\) RIG [0-9.]* \(init\|card\|tune-start\|tune-end\)/\1 s: \2/p' \
		"$work/guest.log" 2>/dev/null)
	for (( ; shown < ${#lines[@]}; shown++)); do echo "guest    ${lines[shown]}"; done
}
while kill -0 "$guest" 2>/dev/null; do
	sleep 0.1
	follow
done
wait "$guest" || fail "the guest's exit status is $?"
follow
wait "$server"
status=$?
server=
[ $status = 0 ] || fail "vmsnd's exit status is $status"
grep -h -e played -e underrun "$work/vmsnd.log" | sed 's/^/vmsnd    /'

"$cache/wavtool" tune "$work/tune.wav"
verdict=$("$cache/wavtool" compare "$work/tune.wav" "$out")
same=$?
value() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$verdict"; }
echo "frames   $(value expected) in, $(value good) out; lost $(value lost), repeated $(value repeated)," \
	"missing at the end $(value tail_missing), gaps $(value gaps)"
echo "file     $out"
[ $same = 0 ] || fail "what arrived is not what was played: $verdict"
