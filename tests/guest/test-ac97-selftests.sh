#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-ac97-selftests.sh VMSND - the kernel's own ALSA self-tests with an AC'97 card: every case that Linux' driver
# allows passes, and what it does not allow is just what docs/guests.md explains.
. "$(dirname "$0")/lib.sh"
. "$here/ac97.sh"
MORE=1 choose_kernel ''
export VFIO=$s LIMIT=120

cases() { # PROGRAM ok|not ok: names of its cases
	sed -n "s/.*KT $1 $2 [0-9]* \(# SKIP \)*\([^ ]*\).*/\2/p" "$glog"
}
skipped() { grep -c "KT $1 ok .*# SKIP" "$glog"; }
plan() { sed -n "s/.*KT $1 1\.\.\([0-9]*\).*/\1/p" "$glog"; }

one() { # ATTEMPT
	serve "$1" --device "ac97,socket=$s,input=on" --once --backend null
	guest qemu "$1" selftest/mixer-test+selftest/pcm-test+kernel
	guest_ends "$1"
	serve_ends "$1"
	content "$1"
}
one selftests
# A buffer of 85 ms runs dry when this machine leaves an emulated CPU without time for so long (with QEMU's AC97 as
# well): that is tried again.
for again in again once-more; do
	! cases pcm-test 'not ok' | grep -q '\.time[24]\.' || one $again
done
note "$(grep -o 'kernel=.*' "$glog")"

for program in mixer-test pcm-test; do
	skips=$(skipped $program)
	passes=$(($(cases $program ok | wc -l) - skips))
	fails=$(cases $program 'not ok' | wc -l)
	note "$program: $passes passed, $fails failed, $skips skipped of $(plan $program)" "$(cases $program 'not ok')"
	[ $((passes + fails + skips)) = "$(plan $program)" ]
	ok $? "$program: all planned cases ran"
	declare "${program%-test}=$passes $fails"
done

# Linux calls four switches of the codec by names without "Switch"; mixer-test wants that word in the names of all.
others=$(cases mixer-test 'not ok' | grep -vc '^name\.')
named=$(grep -c 'KT mixer-test # .* is a writeable boolean but not a Switch' "$glog")
[ "${mixer% *}" -gt 60 ] && [ "$others $named" = "0 ${mixer#* }" ]
ok $? "mixer-test: ${mixer% *} cases pass, the ${mixer#* } others are names that Linux gives" ||
	grep 'KT mixer-test not ok' -B 2 "$glog" | sed 's/^/# /'

# With a buffer of one period, ALSA takes the end of the first period for an underrun: the program wakes up
# when all of the buffer has been played. Linux' driver has buffers of 64 KiB at most for these.
grep -A1 -B1 'KT pcm-test not ok' "$glog" | sed -n 's/.*hw_params\.RW_INTERLEAVED\.S16_LE\.[0-9]*\.[0-9]\.\([0-9]*\)\.\([0-9]*\) .*/\1 \2/p' >"$work/single"
awk '$1 != $2 { exit 1 }' "$work/single" && [ "$(wc -l <"$work/single")" = "${pcm#* }" ]
ok $? "pcm-test: ${pcm% *} cases pass, the ${pcm#* } others have a buffer of a single period" || grep 'KT pcm-test' "$glog" | sed 's/^/# /'
[ "${pcm% *}" -ge 6 ]
ok $? 'pcm-test: no fewer than with the AC97 of QEMU'
done_testing
