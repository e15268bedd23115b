#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-long.sh - every sound server at once, each played to by a card of its own for HOSTS_SECONDS (default: 20): no
# frame is missing, no xrun is counted, no server is lost.
. "$(dirname "$0")/lib.sh"
seconds=${HOSTS_SECONDS:-20}
frames=$((seconds * 48000))
note "real-time priority: ${real_time[*]:-none}, $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg)"
# What a guest without hurry has: 170 ms in all.
length=(--frames $frames --period 2048 --periods 4)

has() { # BACKEND PROGRAM...: built, and its server is here
	lacks "$@" || return 0
	skip "$1" "$lacks"
	return 1
}
cards=() options=()
play() { # BACKEND OPTIONS
	cards+=("$1") options+=("$2")
}

! has pipewire pipewire wireplumber pw-cli || { pw_up && play pipewire ,out-device=sink-a; }
pulse=false
! has pulse pulseaudio pactl || { pulse=true && pa_up && play pulse ,out-device=sink_a; }
# ALSA has no device here but what leads to a server.
! has alsa pulseaudio pactl || { { $pulse || pa_up; } && play alsa ,out-device=pulse; }
! has jack jackd jack_lsp || { jack_up && play jack ''; }
[ ${#cards[@]} -gt 0 ] || done_testing

all_at_once() {
	local i name card blocks
	for i in "${!cards[@]}"; do
		card "into-${cards[i]}" --backend "${cards[i]}${options[i]}" "${length[@]}"
	done
	for name in "${cards[@]}"; do
		card_plays "into-$name" 20
		ok $? "$name: it plays" || show "into-$name"
	done
	for name in "${cards[@]}"; do
		card=into-$name
		ends $((seconds + 60)) "$card"
		is "$name: $seconds s without an xrun or a loss" "0 done $frames 0 0 0" \
			"$status $(last "$card" result) $(last "$card" played) $(last "$card" underruns) $(last "$card" losses) $(last "$card" failed)" ||
			show "$card"
		blocks=$(grep '^blocks ' "$work/$card.log")
		# None is longer than a quarter of a second. The CPU's time is read outside of the wall's: a pause of the machine may
		# be in the one and not in the other.
		awk -v n="$(value n "$blocks")" -v least=$((seconds * 4)) -v p50="$(value p50_us "$blocks")" -v p99="$(value p99_us "$blocks")" \
			-v worst="$(value worst_us "$blocks")" -v cpu="$(value worst_cpu_us "$blocks")" \
			'BEGIN { exit !(n >= least && p50 > 0 && p50 <= p99 && p99 <= 1.1 * worst + 0.1 && cpu > 0) }'
		ok $? "$name: its audio thread is measured: $blocks"
		note "$name: $(tail -n 1 "$work/$card.log")"
	done
}
# A long one is played once: there is no time for more, and its figures are wanted whatever they are.
if [ "$seconds" -gt 60 ]; then all_at_once; else exactly all_at_once; fi
done_testing
