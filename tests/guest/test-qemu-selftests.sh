#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-selftests.sh VMSND [new|uml] - the kernel's own ALSA self-tests, pcm-test and mixer-test: every case that
# Linux's driver allows passes, and those that it does not allow are just the ones that docs/guests.md explains.
# `new`: with the newest kernel; `uml`: in User Mode Linux, which runs at the speed of this CPU. With CI=true pcm-test is
# left to these two where the newest kernel is there.
. "$(dirname "$0")/lib.sh"
MORE=1 choose_kernel "${2:-}"
kind=qemu
[ "${2:-}" != uml ] || {
	need uml
	kind=uml
}
s=$work/s.sock
export SOCKET=$s LIMIT=120

cases() { # PROGRAM ok|not ok: names of its cases
	sed -n "s/.*KT $1 $2 [0-9]* \([^ ]*\).*/\1/p" "$glog"
}
count() { # PROGRAM: "plan passed skipped", and the failed ones
	local skipped
	skipped=$(grep -c "KT $1 ok .*# SKIP" "$glog")
	echo "$(sed -n "s/.*KT $1 1\.\.\([0-9]*\).*/\1/p" "$glog") $(($(cases "$1" ok | grep -c .) - skipped)) $skipped" \
		"$(cases "$1" 'not ok' | sort | tr '\n' ' ')"
}
late() { # CASE: milliseconds that it took, when it failed for its time
	grep -A1 "KT pcm-test not ok [0-9]* $1" "$glog" | sed -n 's/.*expected 2000ms got \([0-9]*\)/\1/p'
}

pcm=+selftest/pcm-test
[ "${2:-}${CI:-}" != true ] || ! "$here/rig.sh" --have initramfs-new || pcm=
serve selftests --device "virtio-snd,socket=$s,input=on,controls=on${CARD_OPTIONS:-}" --once --backend null
arguments=(selftests selftest/mixer-test$pcm)
[ $kind = qemu ] || arguments+=("$s")
CONTROLS=on guest $kind "${arguments[@]}"
guest_ends selftests
serve_ends selftests
note "$(grep -o 'kernel=.*' "$glog")"

read -r plan passed skipped failed <<<"$(count mixer-test)"
note "mixer-test: $passed of $plan pass, $skipped skipped; failed: $failed"
# The driver tells ALSA after every write that nothing changed: five elements that can be written.
others=$(tr ' ' '\n' <<<"$failed" | grep -vc '^event_missing\.')
[ "$plan $passed $skipped $others" = '49 38 6 0' ]
ok $? 'mixer-test: 38 of 49 pass, 6 are skipped; the driver sends no event for its own writes' ||
	grep 'KT mixer-test not ok' "$glog" | sed 's/^/# /'
[ -n "$pcm" ] || done_testing

# 88200 frames in periods of 22500: the driver does not send the last, short one, and waits for it until
# a time limit. The small periods end so, too, 2.095 s in all, of 2.1 s: on a busy machine that is too late.
allowed=default.time3.SoundCard.0.0.PLAYBACK
tight=default.time4.SoundCard.0.0.PLAYBACK
read -r plan passed skipped failed <<<"$(count pcm-test)"
note "pcm-test: $passed of $plan pass, $skipped skipped; failed: $failed"
took=$(late $tight)
if [ -n "$took" ]; then
	[ "$took" -le 2200 ]
	ok $? "pcm-test: $tight, which has 5 ms to spare, takes $took ms"
	failed=${failed/$tight/} passed=$((passed + 1))
fi
[ "$plan $passed $skipped ${failed// /}" = "14 13 0 $allowed" ]
ok $? "pcm-test: 13 of 14 pass; the driver does not allow $allowed" ||
	grep 'KT pcm-test' "$glog" | sed 's/^/# /'

done_testing
