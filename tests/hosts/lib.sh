# SPDX-License-Identifier: BSD-3-Clause
# lib.sh (sourced by the test scripts, bash) - TAP, a private world, real sound servers in it, and verdicts.
# Meson gives $VMSND, $HOSTS_SIGNAL, $WAVTOOL, $HOSTS_WATCH, $VMSND_MODULE_PATH; KEEP=1 keeps the folder of logs and files.
set -u
vmsnd=${VMSND:?run it through meson} signal=${HOSTS_SIGNAL:?} wavtool=${WAVTOOL:?}
# Sockets have short names: 108 bytes are all a path may have.
work=$(mktemp -d "${TMPDIR:-/tmp}/vmsnd-hosts.XXXXXX") || exit 1
lacks='' unwanted=''
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"

# ---- TAP ----

is() { # NAME WANTED GOT
	[ "$2" = "$3" ]
	ok $? "$1" || note "wanted: $2" "got: ${3:-nothing}"
}
show() { # the ends of logs, after a failure: files, or names of processes
	local f
	for f; do
		[ -e "$f" ] || f=$work/$f.log
		note "--- ${f##*/}"
		tail -n 25 "$f" 2>/dev/null | sed 's/^/# /'
	done
}
world_left_lines() {
	local pid
	for pid in $(world_left "$work"); do
		echo "$pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
}
done_testing() {
	world_end
	until_true 3 world_is_over
	is 'nothing is left of what was started' '' "$(world_left_lines)"
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}
# A part that cannot be run here; in CI a failure, but with OPTIONAL=1.
skip() { # NAME REASON
	[ "${CI:-}" != true ] || [ -n "${OPTIONAL:-}$unwanted" ] || {
		ok 1 "$1 ($2)"
		return
	}
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}
# The test cannot be run here. In CI that is a failure, but with OPTIONAL=1.
skip_all() { # REASON
	if [ "${CI:-}" = true ] && [ -z "${OPTIONAL:-}$unwanted" ]; then
		ok 1 "it can be run here: $1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
need() { # PROGRAM... (PACKAGE in scripts/install-deps --with-hosts)
	local program
	for program; do
		command -v "$program" >/dev/null || skip_all "no $program here; scripts/install-deps --with-hosts installs it"
	done
}
# Why a backend and its server's programs are not there, in $lacks; what this build was not to have is no failure in CI.
lacks() { # BACKEND PROGRAM...
	local program
	lacks='' unwanted=''
	if [ ! -e "$VMSND_MODULE_PATH/$1.so" ]; then
		lacks="built without the backend $1"
		[[ " ${HOSTS_WITHOUT:-} " != *" $1 "* ]] || unwanted=1
	fi
	for program in "${@:2}"; do
		[ -n "$lacks" ] || command -v "$program" >/dev/null ||
			lacks="no $program here; scripts/install-deps --with-hosts installs it"
	done
	[ -n "$lacks" ]
}
need_backend() { # NAME...
	local name
	for name; do
		! lacks "$name" || skip_all "$lacks"
	done
}
pw_need() {
	[ -n "$pw_tree" ] || need pipewire wireplumber pw-cli pw-link pw-metadata pw-cat
}

cleanup() {
	local code=$?
	trap - EXIT
	trap '' INT TERM HUP
	world_end
	world_release
	if [ $failures = 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$work"; else echo "# logs and files: $work"; fi
	exit $code
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# What is exact in time, on a machine that may be taken away: where some of it fails while a CPU was not there for 10 ms or
# more, as hosts-watch measures it, it is done once more, up to six times in all. What fails at a better time has failed.
exactly() { # COMMAND...: with oks in it
	local try tests_before=$tests failures_before=$failures worst log
	for try in 1 2 3 4 5 6; do
		tests=$tests_before failures=$failures_before
		start watch "${real_time[@]}" "${HOSTS_WATCH:?}"
		"$@" >"$work/exactly"
		stop watch
		worst=$(last watch worst_ms)
		[ $failures -gt $failures_before ] && [ $try -lt 6 ] && [ "${worst%.*}" -ge 10 ] || break
		note "once more: a CPU was not there for $worst ms"
		sed 's/^\(not \)*ok/# &/' "$work/exactly"
		for log in "$work"/*.log; do # of those that have ended
			runs "$(basename "$log" .log)" || rm -f "$log"
		done
	done
	cat "$work/exactly"
}

# ---- the card: hosts-signal, and verdicts ----

# A card that plays the signal, beside us; "card NAME --backend ... --frames ..."
card() { # NAME ARGUMENTS
	local name=$1
	shift
	start "$name" "${real_time[@]}" "$signal" --name "$name" "$@"
}
# Of the last line of a card that has ended: a figure.
last() { # NAME KEY
	tail -n 1 "$work/$1.log" | tr ' ' '\n' | sed -n "s/^$2=//p"
}
# It plays, and the host takes it.
card_plays() { # NAME [SECONDS]
	until_line "${2:-10}" "$1" 'direction=playback output=0 .*host=running state=PLAY'
}
value() { tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"; } # KEY VERDICT

# All from one frame on, and no silence after that; before it START=N frames at the most are missing.
from_its_start() { # VERDICT
	local first
	first=$(value jump_to "$1")
	[ "${first:-0}" -gt 0 ] && [ "$first" -le "${START:-0}" ] &&
		[ "$(value lost "$1") $(value jumps "$1") $(value bad "$1") $(value repeated "$1") $(value tail_missing "$1")" = "$first 1 0 0 0" ] &&
		{ [ "$(value gaps "$1")" = 0 ] || { [ "$(value gaps "$1")" = 1 ] && grep -q "gap: .* before frame $first\$" "$work/gaps"; }; }
}
# What arrived is the signal, whole and in order; silence inside only where the card counted that much.
# PARTIAL=1: the end may be missing. GAPS=N: so many silent frames more are allowed (a busy machine's server).
# START=N: so many frames may be missing at its start, which a server takes while it links the stream.
heard() { # TEST CARD FILE FORMAT RATE CHANNELS FRAMES SEED [FRAMES SEED]...
	local name=$1 card=$2 verdict rc gap made
	shift 2
	verdict=$("$wavtool" ${PARTIAL:+-p} check "$@" 2>"$work/gaps")
	rc=$?
	gap=$(value gap_frames "$verdict") made=$(last "$card" underrun_frames)
	if [ $rc != 0 ] && from_its_start "$verdict"; then rc=0 gap=0; fi
	[ "${gap:-1}" -le $((${made:-0} + ${GAPS:-0})) ] || rc=1
	ok $rc "$name: $(value good "$verdict") of $(value expected "$verdict") frames arrive, ${gap:-no} silent ones inside, ${made:-0} counted"
	rc=$?
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$card"
	}
	return $rc
}
