#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# world-keeper.sh FOLDER SCRIPT - nothing outlives the script of a test: waits beside it, and no part of what kills it, for a
# line on its input. Where the script (a process number) has ended without one, its processes and its folder are ended too.
. "$(dirname "$0")/world-left.sh"
trap '' INT TERM HUP
while :; do
	read -r -t 1 _ && exit
	[ $? -gt 128 ] && kill -0 "$2" 2>/dev/null || break
done
! read -r -t 0.1 _ || exit 0
world_sweep "$1"
rm -rf "$1"
