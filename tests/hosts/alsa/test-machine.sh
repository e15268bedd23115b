#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-machine.sh - a whole card with ALSA behind it: a guest plays and records, and the host's card is pulled, taken
# away and given back meanwhile.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib-alsa.sh"

# Every frame, in order.
one_shape() { # SHAPE
	local format rate channels bytes period shape=$1
	read -r format rate channels bytes period <<<"$shape"
	rm -f "$loop_card"
	# shellcheck disable=SC2086 # words
	card play --backend alsa,buffer-ms=200 --record "$work/rec.wav" --tail 600 --frames $((rate / 2)) --format $format --rate $rate --channels $channels --period $period \
		--periods 8 $realtime
	ends 30 play
	ok $status "$shape: it plays and ends" || show play
	loop_heard "$bytes" "$work/heard.raw"
	heard "$shape" play "$work/heard.raw" "$format" "$rate" "$channels" $((rate / 2)) 0
}
for shape in 'S16_LE 48000 2 4 480' 'S16_LE 44100 2 4 1024' 'FLOAT_LE 48000 2 8 512' 'S32_LE 96000 6 24 960' 'U8 8000 1 1 160'; do
	exactly one_shape "$shape"
done

at_once() {
	rm -f "$loop_card"
	# shellcheck disable=SC2086
	card both --backend alsa,buffer-ms=200 --record "$work/both.wav" --tail 1000 --frames 24000 --period 480 --periods 8 $realtime
	ends 30 both
	ok $status 'playing and recording at once' || show both
	heard 'what is played is recorded' both "$work/both.wav" S16_LE 48000 2 24000 0
}
exactly at_once

# The card is pulled, and plugged in again: the guest goes on, and is heard again within two seconds.
rm -f "$loop_card"
# shellcheck disable=SC2086
card pulled --backend alsa --record "$work/pulled.wav" $realtime
host_runs 10 pulled playback && host_runs 10 pulled capture
ok $? 'it plays and records' || show pulled
for round in 1 2; do
	fault playback gone
	fault capture gone
	until_line 10 pulled 'log warning .*playback0: .* does not work now' $round &&
		until_line 10 pulled 'log warning .*capture0: .* does not work now' $round
	ok $? "pulled ($round): the machine says so" || show pulled
	fault playback fine
	fault capture fine
	before=$(date +%s%N)
	until_line 10 pulled 'log info .*playback0: .* works again' $round &&
		until_line 10 pulled 'log info .*capture0: .* works again' $round
	ok $? "plugged in again ($round): it plays and records again" || show pulled
	after=$((($(date +%s%N) - before) / 1000000))
	[ $after -lt 2000 ]
	ok $? "within 2 s: $after ms"
done
stop pulled
is 'the guest never noticed' '0 0' "$(last pulled failed) $status"
lines=$(grep -c '^log ' "$work/pulled.log")
[ "$lines" -le 16 ]
ok $? "the log tells of it in a few lines: $lines" || show pulled

# Not there at the start.
rm -f "$loop_card"
fault playback gone
# shellcheck disable=SC2086
card late --backend alsa $realtime
until_line 5 late 'log error .*the card is not there'
ok $? 'no card at the start: one line' || show late
fault playback fine
host_runs 3 late playback
ok $? 'it plays as soon as the card is there' || show late
stop late
done_testing
