#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-exact.sh own|new - what is played arrives in the monitor, and what is recorded is what was there: every bit,
# at quanta, formats, rates and channels that the server has.
. "$(dirname "$0")/../lib.sh"
streams=${PIPEWIRE_STREAMS:?run it through meson}
need_backend pipewire
pw_use "${1:-own}"
pw_need

exact() { # SAMPLE RATE CHANNELS PERIOD FRAMES
	local try
	# Quanta of a few milliseconds are missed now and then on a busy machine without real-time priority.
	for try in {1..12}; do
		pw timeout 60 "${real_time[@]}" "$streams" "${how:-exact}" "$@" >"$work/exact" 2>"$work/exact.log" && break
	done
	ok $? "${how:+$how: }$1, $2 Hz, $3 channels, a period of $4: $(tail -n 1 "$work/exact") (try $try)" || show "$work/exact" "$work/exact.log"
}

pw_up || skip_all "PipeWire does not come up"
note "PipeWire $(pw_version)"
for period in 256 512 1024 2048; do
	exact S16 48000 2 $period 24000
done
for sample in U8 S8 S24_3 S24 S32 FLOAT FLOAT64 MULAW ALAW; do
	exact $sample 48000 2 1024 24000
done
# The guest stops and goes on a hundred times a second: each frame that was given is heard, in order.
how=stops exact S16 48000 2 1024 48000
pw_down

# A server that runs at any of these rates, and has more channels.
config() { # POSITIONS
	sed -e 's/allowed-rates = .*/allowed-rates = [ 44100 48000 96000 192000 ]/' -e 's/audio.rate = 48000//' \
		-e "s/audio.position = \[ FL FR \]/audio.position = [ $1 ]/" "$hosts/conf/pipewire.conf" >"$work/wide.conf"
}
config 'FL FR'
pw_server_up "$work/wide.conf" && pw_manager_up
for rate in 44100 96000 192000; do
	exact S16 $rate 2 1024 $((rate / 2))
done
pw_down
config 'FL FR FC LFE RL RR SL SR'
pw_server_up "$work/wide.conf" && pw_manager_up
exact S24 48000 8 1024 24000
exact FLOAT 192000 8 2048 96000
pw_down
config 'FL FR FC LFE RL RR FLC FRC RC SL SR TC TFL TFC TFR TRL TRC TRR'
pw_server_up "$work/wide.conf" && pw_manager_up
exact S16 48000 18 1024 24000
done_testing
