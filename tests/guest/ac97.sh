# SPDX-License-Identifier: BSD-3-Clause
# ac97.sh (sourced after lib.sh) - AC'97 cards over vfio-user, and what may follow a sound there: the silence
# that fills the last period, then at most 2 ms of anything, which the engine plays until Linux' driver stops it.

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
# CUT=1: the first signal was begun, cut off, and begun again; PARTIAL=1: the last one was cut off
heard_card() {
	local name=$1 verdict rc=0 n quiet_most good
	shift
	n=$((($# - 4) / 2))
	verdict=$("$wavtool" -t ${PARTIAL:+-p} check "$@" 2>"$work/gaps")
	good="$(value lost "$verdict") $(value bad "$verdict")"
	[ "$good" = '0 0' ] || rc=1
	[ -n "${PARTIAL:-}" ] || [ "$(value tail_missing "$verdict")" = 0 ] || rc=1
	[ "$(value jumps "$verdict") $(value jump_to "$verdict")" = "${CUT:-0} 0" ] || rc=1
	quiet_most=$((n * ${PERIOD:-4096} + $(counted underruns)))
	[ $(($(value lead "$verdict") + $(value between "$verdict") + $(value trail "$verdict"))) -le $quiet_most ] || rc=1
	silence_allowed "$verdict" underruns || rc=1
	ok $rc "$name: $(value good "$verdict") of $(value expected "$verdict") frames arrive, $quiet," \
		"at most $(value stale_most "$verdict") frames after an end"
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$glog" "$log"
	}
	return $rc
}

# What the kernel said of the card (step kernel): the clock is right or not measured, and no complaint.
content() { # TEST
	local said
	said=$(grep -e DMESG "$glog" | grep -i -e intel8x0 -e ac97 -e codec -e 'irq [0-9]*: nobody')
	grep -q -e 'enable KVM optimization' -e 'clocking to 48000' <<<"$said" &&
		! grep -v -e 'enable KVM optimization' -e 'clocking to 48000' -e 'measured [0-9]* usecs' \
			-e 'intel8x0 [^ ]*: enabling device' <<<"$said"
	ok $? "$1: the kernel is content: $(grep -o -m1 -e 'KVM opt.*' -e 'clocking.*' <<<"$said")" ||
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
