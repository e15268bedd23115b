#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# with-newer.sh PROGRAM ARGUMENTS - runs a test of PipeWire with the newer one: its libraries, servers and tools.
skip_all() {
	if [ "${CI:-}" = true ]; then
		printf 'not ok 1 - %s\n1..1\n' "$1"
		exit 1
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
. "$(dirname "$0")/servers-env.sh"
pw_use new
exec env "${pw_env[@]}" "$@"
