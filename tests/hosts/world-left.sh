# SPDX-License-Identifier: BSD-3-Clause
# world-left.sh (sourced, bash) - what of a world still runs: each process that was started in it has its mark.
world_left() { # FOLDER
	local at
	for at in $(env -u VMSND_HOSTS_WORLD grep -lszxF -- "VMSND_HOSTS_WORLD=$1" /proc/[0-9]*/environ); do
		at=${at#/proc/}
		echo "${at%/*}"
	done
}
# Who is about to start another is looked for again.
world_sweep() { # FOLDER
	local pid
	for _ in 1 2 3; do
		for pid in $(world_left "$1"); do kill -9 "$pid"; done
	done 2>/dev/null
}
