# SPDX-License-Identifier: BSD-3-Clause
# stamp.sh (sourced by bash) - run one guest, its console into a log with the host's time.

# run_stamped LOG SECONDS COMMAND... - exits with the guest's status
run_stamped() {
	local log=$1 limit=$2 start=$EPOCHREALTIME rc
	shift 2
	rm -f "$log" "$log.rc"
	{
		setsid "$@" </dev/null 2>&1 &
		guest=$!
		echo $guest >"$log.pid"
		guard $guest "$limit" >/dev/null 2>&1 &
		guard=$!
		wait $guest
		echo $? >"$log.rc"
		kill $guard
	} 2>/dev/null | stamp "$start" >"$log"
	rc=$(cat "$log.rc")
	echo "$(since "$start") HOST exit=$rc" >>"$log"
	rm -f "$log.pid" "$log.rc"
	[ ! -e "$log.late" ] || {
		rm -f "$log.late"
		exit 99
	}
	rc=$(sed -n 's/.*RIG .*done rc=\([0-9]*\).*/\1/p' "$log" | tail -n1)
	exit "${rc:-98}"
}

# ends PID, and what it started, after SECONDS
guard() {
	local i
	for ((i = 0; i < $2 * 5; i++)); do
		sleep 0.2
		kill -0 "$1" 2>/dev/null || return
	done
	: >"$log.late"
	kill -- "-$1"
	sleep 2
	kill -9 -- "-$1"
}

since() {
	local d=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
	printf '%d.%03d' $((d / 1000000)) $((d % 1000000 / 1000))
}

stamp() {
	local l
	while IFS= read -r l; do
		case $l in 'Using a channel type'* | setup_one_line*) continue ;; esac
		printf '%s %s\n' "$(since "$1")" "${l%$'\r'}"
	done
}
