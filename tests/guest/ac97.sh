# SPDX-License-Identifier: BSD-3-Clause
# ac97.sh (sourced after lib.sh) - AC'97 cards over vfio-user, and what may follow a sound there: the silence
# that fills the last period, then what the engine plays until Linux' driver stops it: 2 ms on an idle machine, where
# test-ac97.sh looks at it, and some periods on a busy one.

need qemu11 initramfs-alsa
export TREE=tree11 DRV=ac97 VMSND_CONTROL=$work/ctl
s=$work/s.sock

choose_old_or_new() { # 61|new|'': as choose_kernel, and Debian 12's own kernel
	[ "$1" = 61 ] || {
		MORE=1 choose_kernel "$1"
		return
	}
	need initramfs-61
	export KERNEL=kernel-61 IMAGE=initramfs-61
}

# TEST FILE FORMAT RATE CHANNELS FRAMES SEED [FRAMES SEED]...; PERIOD= frames of one (default 4096);
# TAIL= milliseconds that may follow (200);
# MADE= frames of silence inside that vmsnd counted, of one that cannot say it at its end;
# CUT=1: the first signal was begun, cut off, and begun again; PARTIAL=1: the last one was cut off
heard_card() {
	local name=$1 verdict rc=0 n quiet_most made=${MADE:-$(counted underruns)}
	shift
	n=$((($# - 4) / 2))
	verdict=$("$wavtool" "-t${TAIL:-200}" ${PARTIAL:+-p} check "$@" 2>"$work/gaps")
	[ "$(value lost "$verdict")" = 0 ] || rc=1
	[ "$(value bad "$verdict")" -le $((${CUT:-0} * 480)) ] || rc=1 # 10 ms that fade out
	[ -n "${PARTIAL:-}" ] || [ "$(value tail_missing "$verdict")" = 0 ] || rc=1
	[ "$(value jumps "$verdict") $(value jump_to "$verdict")" = "${CUT:-0} 0" ] || rc=1
	# A card whose clock the driver measures plays for as long as that takes, and a busy machine stops it late.
	quiet_most=$((n * (${PERIOD:-4096} + 480) + made + $(sed -n 's/.*measured \([0-9]*\) usecs.*/\1/p' "$glog" |
		awk '{ n += $1 * 0.048 + 4096 } END { printf "%d", n }')))
	[ $(($(value lead "$verdict") + $(value between "$verdict") + $(value trail "$verdict"))) -le $quiet_most ] || rc=1
	[ "$(value gap_frames "$verdict")" -le "$made" ] || rc=1
	least=$(value stale_least "$verdict")
	ok $rc "$name: $(value good "$verdict") of $(value expected "$verdict") frames arrive, $(
		value gap_frames "$verdict") silent ones inside, $made counted as underruns; $least to $(
		value stale_most "$verdict") frames after an end"
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$glog" "$log"
	}
	return $rc
}

# What the kernel said of the card (step kernel): no complaint. A card that does not say it is a VM's is measured
# by the driver in 50 ms of the guest's time; on a busy machine that may be another rate (step clocked).
content() { # TEST
	local said
	said=$(grep DMESG "$glog")
	grep -q -e 'enable KVM optimization' -e 'clocking to' -e 'list rate for .* is 48000' <<<"$said" &&
		! grep -v -e 'enable KVM optimization' -e 'clocking to' -e 'measured [0-9]* usecs' \
			-e 'measured clock [0-9]* rejected' -e 'list rate for .* is 48000' \
			-e 'intel8x0 [^ ]*: enabling device' <<<"$said"
	ok $? "$1: the kernel is content: $(grep -o -e 'KVM opt.*' -e 'clocking.*' -e 'list rate.*' <<<"$said" | tail -n 1)" ||
		note "$(grep DMESG "$glog")"
}

# Programs that take all the time they get, beside us.
busy_begins() { # NUMBER
	local i
	busy=()
	for ((i = 0; i < $1; i++)); do
		(while :; do :; done) &
		busy+=($!)
		jobs_of_ours+=($!)
	done
}
busy_ends() { kill "${busy[@]}"; }

# vmsnd stands still for 40 ms, again and again, until the guest has said PATTERN.
hiccups_until() { # PATTERN
	local i
	hiccups=0
	for ((i = 0; i < 200; i++)); do
		grep -q -- "$1" "$glog" && return
		kill -STOP "$server"
		sleep 0.04
		kill -CONT "$server"
		hiccups=$((hiccups + 1))
		sleep 0.21
	done
}

level() { # FILE FROM FRAMES SEED: dB of the frames from there on, S16 stereo, beside the signal they are of
	"$wavtool" gen S16_LE 48000 2 "$3" "$4" "$work/level.raw"
	python3 -c 'import array, math, sys, wave
w = wave.open(sys.argv[1])
w.setpos(int(sys.argv[2]))
heard = array.array("h", w.readframes(int(sys.argv[3])))
played = array.array("h", open(sys.argv[4], "rb").read())
def power(sound):
    return sum(x * x for x in sound) + 1
print("%.2f" % (10 * math.log10(power(heard) / power(played))))' "$1" "$2" "$3" "$work/level.raw"
}
