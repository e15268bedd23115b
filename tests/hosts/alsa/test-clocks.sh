#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-clocks.sh - a whole card with ALSA behind it whose clock is wrong.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib-alsa.sh"

# A clock of the host's that is wrong: the guest plays by it for twelve seconds, and nobody runs dry.
wrong_clocks() {
	local name pair ppm drift
	for name in fast slow; do
		# shellcheck disable=SC2086
		card $name --backend "alsa,out-device=$name,buffer-ms=200" --frames $((12 * 48000)) $realtime
	done
	for name in fast slow; do
		ends 90 $name
		ok $status "$name: it plays twelve seconds" || show $name
		is "$name: no xrun" '0 0' "$(last $name underruns) $(last $name losses)" || show $name
	done
	for pair in 'fast 300' 'slow -300'; do
		read -r name ppm <<<"$pair"
		drift=$(grep '^figures direction=playback' "$work/$name.log" | tr ' ' '\n' | sed -n 's/^drift_ppm=//p')
		awk -v drift="$drift" -v ppm="$ppm" 'BEGIN { d = drift - ppm; exit !(d > -10 && d < 10) }'
		ok $? "$name: measured as $drift ppm"
	done
}
exactly wrong_clocks
done_testing
