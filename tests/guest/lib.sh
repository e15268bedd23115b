# SPDX-License-Identifier: BSD-3-Clause
# lib.sh (sourced by the test scripts, bash) - TAP, vmsnd, guests, and the rule for verdicts:
# no frame lost, none repeated, none missing at the end; silence inside only where vmsnd itself
# counted that many frames of underrun, and then it is told.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$("$here/rig.sh" --dir)
wavtool=$cache/wavtool
vmsnd=$(realpath "${1:-${VMSND:?usage: $0 VMSND}}")
work=$(mktemp -d "${TMPDIR:-/tmp}/vmsnd-guest.XXXXXX")
jobs_of_ours=() guests_of_ours=()
. "$here/../tap.sh"

cleanup() {
	local p
	for p in "${guests_of_ours[@]:-}"; do guest_kill "$p"; done
	for p in "${jobs_of_ours[@]:-}"; do [ -z "$p" ] || kill -9 "$p" 2>/dev/null; done
	if [ $failures = 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$work"; else echo "# logs and files: $work"; fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# TAP

done_testing() {
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}
show() { # the ends of logs, after a failure
	local f
	for f; do
		note "--- ${f##*/}"
		tail -n 25 "$f" | sed 's/^/# /'
	done
}

# What a test cannot do without: a part of the rig. In CI its absence is a failure, but for
# what is OPTIONAL.
need() {
	local p
	for p; do
		"$here/rig.sh" --have "$p" && continue
		if [ "${CI:-}" = true ] && [ -z "${OPTIONAL:-}" ]; then
			ok 1 "the rig has its part $p (tests/guest/rig.sh makes it)"
			done_testing
		fi
		echo "1..0 # SKIP no $p in $cache; run tests/guest/rig.sh"
		exit 0
	done
}

# The guest's kernel and image: with `new` the newest kernel, without it that of the suite. MORE=: the
# image is to have ALSA's programs and the kernel's self-tests, too.
choose_kernel() { # new|''
	export KERNEL=kernel IMAGE=initramfs${MORE:+-alsa}
	if [ "$1" = new ]; then
		KERNEL=kernel-new IMAGE=initramfs-new
		OPTIONAL=1 need $IMAGE
	else
		need $IMAGE
	fi
}

wait_for() { # SECONDS FILE PATTERN: a line that matches stands in FILE
	local i
	for ((i = 0; i < $1 * 50; i++)); do
		grep -q -- "$3" "$2" 2>/dev/null && return
		sleep 0.02
	done
	note "waited $1 s in vain for '$3' in ${2##*/}"
	return 1
}

wait_exit() { # SECONDS PID: its exit status in $status, 99 when it did not end
	local i
	for ((i = 0; i < $1 * 50; i++)); do
		kill -0 "$2" 2>/dev/null || break
		sleep 0.02
	done
	status=99
	kill -0 "$2" 2>/dev/null && return
	wait "$2"
	status=$?
}

# vmsnd: one at a time; its log is $log, its process $server

serve() { # NAME ARGUMENTS of vmsnd serve
	log=$work/$1-vmsnd.log
	shift
	rm -f "$log"
	"$vmsnd" serve "$@" >"$log" 2>&1 &
	server=$!
	jobs_of_ours+=("$server")
	wait_for 5 "$log" listening || {
		show "$log"
		return 1
	}
}

serve_ends() { # TEST: it exits 0 within some seconds
	wait_exit 10 "$server"
	[ "$status" = 0 ] || kill -9 "$server" 2>/dev/null
	ok "$status" "$1: vmsnd exits 0" || {
		note "exit status $status (99: still there)"
		show "$log"
	}
}

counted() { # underruns|overruns [CARD]: frames of silence that vmsnd says it made, or frames dropped
	sed -n "s/.*${2:-}: [a-z]*[0-9]*: .* $1 (\([0-9]*\) frames).*/\1/p" "$log" |
		awk '{ n += $1 } END { print n + 0 }'
}

# steering it: serve was given --control "$VMSND_CONTROL"

ctl() { # ARGUMENTS of vmsnd ctl
	"$vmsnd" ctl "$@" || note "vmsnd ctl $* failed"
}

figure() { # OUTPUT MEMBER [playback|capture]: of the first card's first stream, as query-streams has it
	"$vmsnd" ctl --card 0 raw query-streams | awk -v output="$1," -v member="\"$2\":" -v way="\"${3:-playback}\"," '
		$1 == "\"direction\":" { ours = $2 == way }
		$1 == "\"stream\":" { ours = ours && $2 == "0," }
		$1 == "\"output\":" { ours = ours && $2 == output }
		ours && $1 == member { gsub(/[",]/, "", $2); print $2; exit }'
}

reaches() { # OUTPUT MEMBER NUMBER [playback|capture]: within 20 s or so
	local i have
	for ((i = 0; i < 600; i++)); do
		have=$(figure "$1" "$2" "${4:-}")
		[ "${have:-0}" -ge "$3" ] && return
		kill -0 "$server" 2>/dev/null || break
		sleep 0.03
	done
	note "waited in vain for $2 of output $1 to reach $3, it is ${have:-nothing}"
	return 1
}

becomes() { # TEST OUTPUT HOST STATE [playback|capture]: within 2 s, and the table for people says it, too
	local i have shown="${5:-playback} 0 *$2 [a-z]* *$3 *$4 "
	for ((i = 0; i < 60; i++)); do
		have="$(figure "$2" host "${5:-}") $(figure "$2" state "${5:-}")"
		[ "$have" = "$3 $4" ] && ctl status | grep -q "$shown" && break
		sleep 0.03
	done
	[ $i -lt 60 ]
	ok $? "$1: the host is $3, the state $4" || note "$(ctl status)"
}

# guests: logs are $work/NAME.log

guest() { # qemu|uml NAME ARGUMENTS after the log's name; runs beside us
	local kind=$1 name=$2
	shift 2
	glog=$work/$name.log
	LIMIT=${LIMIT:-90} "$here/run-$kind.sh" "$glog" "$@" &
	guest=$!
	guests_of_ours+=("$glog")
	jobs_of_ours+=("$guest")
}

guest_kill() { # LOG [SIGNAL]: the guest that writes LOG, as a power cut
	local pid
	[ -n "$1" ] && pid=$(cat "$1.pid" 2>/dev/null) && kill "-${2:-KILL}" -- "-$pid" 2>/dev/null
	return 0
}

guest_ends() { # TEST: the guest's own exit status is 0
	wait "$guest"
	status=$?
	ok $status "$1: the guest's programs exit 0" || {
		note "status $status (98: no result, 99: time limit)"
		show "$glog" "$log"
	}
}

# verdicts

value() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$2"; }

silence_allowed() { # VERDICT underruns|overruns [CARD]
	local gap made
	gap=$(value gap_frames "$1")
	made=$(counted "$2" "${3:-}")
	quiet="$gap silent frames inside, $made counted as $2"
	[ "${gap:-1}" -le "$made" ]
}

heard() { # TEST FILE FORMAT RATE CHANNELS FRAMES SEED [FRAMES SEED]...; CARD= for the counters
	local name=$1 verdict rc
	shift
	verdict=$("$wavtool" ${PARTIAL:+-p} check "$@" 2>"$work/gaps")
	rc=$?
	silence_allowed "$verdict" underruns "${CARD:-}" || rc=1
	ok $rc "$name: $(value good "$verdict") of $(value expected "$verdict") frames arrive, $quiet"
	rc=$?
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$glog" "$log"
	}
	return $rc
}

# The same signal was begun, cut off, and begun again: whole the second time.
heard_again() { # TEST FILE FORMAT RATE CHANNELS FRAMES SEED
	local name=$1 verdict rc=0
	shift
	verdict=$("$wavtool" check "$@" 2>"$work/gaps")
	[ "$(value lost "$verdict") $(value bad "$verdict") $(value tail_missing "$verdict")" = '0 0 0' ] || rc=1
	[ "$(value jumps "$verdict") $(value jump_to "$verdict")" = '1 0' ] || rc=1
	silence_allowed "$verdict" underruns || rc=1
	ok $rc "$name: $(value repeated "$verdict") frames before it, then all $(value expected "$verdict"), $quiet"
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$glog" "$log"
	}
}

recorded() { # TEST: what the guest found in its recording
	local verdict rc=0
	verdict=$(sed -n 's/.* recorded //p' "$glog" | tail -n1)
	[ "$(value rc "$verdict")" = 0 ] || rc=1
	silence_allowed "$verdict" overruns || rc=1
	ok $rc "$1: $(value good "$verdict") of $(value expected "$verdict") frames recorded, $quiet"
	note "${verdict:-no verdict from the guest}"
	[ $rc = 0 ] || show "$glog" "$log"
}

# One piece of the signal, from anywhere in it, without a hole. Its first frame is then in $begin,
# the one after its last in $end.
piece() { # TEST LEAST-FRAMES FILE FORMAT RATE CHANNELS FRAMES SEED [...]; HOST=1: what a host took
	local name=$1 least=$2 verdict silent made=0 rc=0
	shift 2
	verdict=$("$wavtool" -p check "$@" 2>"$work/gaps")
	[ "$(value repeated "$verdict") $(value bad "$verdict")" = '0 0' ] || rc=1
	[ "$(value lost "$verdict")" = "$(value jump_to "$verdict")" ] || rc=1
	[ "$(value jumps "$verdict")" -le 1 ] && [ "$(value good "$verdict")" -ge "$least" ] || rc=1
	[ "$(value header "$verdict")" = exact ] || rc=1
	begin=$(value jump_to "$verdict")
	end=$((begin + $(value good "$verdict")))
	silent=$(($(value arrived "$verdict") - $(value good "$verdict")))
	[ -z "${HOST:-}" ] || made=$(counted underruns)
	[ $silent -le "$made" ] || rc=1
	ok $rc "$name: frames $begin to $end in one piece, $silent silent ones, $made allowed"
	rc=$?
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$glog" "$log"
	}
	return $rc
}
