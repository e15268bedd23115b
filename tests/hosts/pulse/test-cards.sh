#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-cards.sh pulseaudio|own|new - cards whose host is PulseAudio, or PipeWire in its place (this machine's own or the one of
# backports): exact both ways, and on when it dies.
. "$(dirname "$0")/../lib.sh"
need pulseaudio pactl parec
need_backend pulse
frames=96000

# What is played is in the monitor, and what is in the monitor is recorded. Long periods: the server has as long as one of
# them to make the stream, and what a guest plays before that is not heard.
both_ways() { # NAME SINK
	card "$1" --backend "pulse,latency-ms=100,out-device=$2,in-device=$2.monitor" --record "$work/$1.wav" \
		--period 9600 --periods 4 --frames $frames
	ends 30 "$1"
	ok $? "$1: it plays and records" || show "$1"
	heard "$1: out of the card and back into it" "$1" "$work/$1.wav" S16_LE 48000 2 $frames 0
	is "$1: no stream is lost" 0 "$(last "$1" losses)"
}

# The guest plays on, whatever becomes of the server; $1 ends and starts it.
outlives() { # NAME END START
	local warnings
	card "$1" --backend pulse,latency-ms=100
	card_plays "$1"
	ok $? "$1: it plays" || show "$1"
	$2
	until_line 5 "$1" 'direction=playback output=0 .*host=lost'
	ok $? "$1: the server is killed, and the card knows"
	$3
	until_line 2 "$1" 'direction=playback output=0 .*host=running' 2
	ok $? "$1: the server is back, and within two seconds the sound" || show "$1"
	sleep 2 # its time is measured over that
	stop "$1"
	is "$1: the guest has noticed nothing" '0 stopped 0' "$status $(last "$1" result) $(last "$1" failed)"
	awk -v wall="$(last "$1" wall_ms)" -v guest="$(last "$1" guest_ms)" 'BEGIN { d = wall - guest; exit !(guest > 2000 && d > -500 && d < 500) }'
	ok $? "$1: in its time: $(last "$1" guest_ms) ms in $(last "$1" wall_ms) ms"
	warnings=$(grep -c '^log warning' "$work/$1.log")
	[ "$warnings" -ge 1 ] && [ "$warnings" -le 2 ]
	ok $? "$1: with few words: $warnings warnings" || show "$1"
	note "$(grep '^log' "$work/$1.log")"
}

# What a library leaves behind when a module is let go is not ours.
ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 "$vmsnd" backends >"$work/backends"
grep -q '^pulse' "$work/backends"
ok $? 'the module is found' || show "$work/backends"

through_pulseaudio() {
	pa_up
	ok $? 'PulseAudio comes up'
	exactly both_ways through sink_a
	# How a desktop's mixer shows it.
	card shown --backend pulse,role=video,icon=tux,stream-name=Desk --seconds 60
	card_plays shown
	pactl list sink-inputs >"$work/inputs"
	for line in 'application.name = "shown"' 'media.name = "Desk"' 'media.role = "video"' 'application.icon_name = "tux"'; do
		grep -q "$line" "$work/inputs"
		ok $? "shown: $line" || show "$work/inputs"
	done
	stop shown
	outlives killed 'pa_down KILL' pa_up
	pa_down

	# The server comes last.
	card early --backend pulse
	until_line 5 early 'no PulseAudio server'
	ok $? 'early: there is no server, and that is said'
	pa_up
	card_plays early 2
	ok $? 'early: it comes, and sound with it' || show early
	stop early
	is 'early: the guest has noticed nothing' '0 stopped 0' "$status $(last early result) $(last early failed)"
	pa_down
}

through_pipewire() { # own|new
	pw_use "$1"
	pw_need
	pw_up && pw_pulse_up
	ok $? "PipeWire $(pw_version) and its server for PulseAudio's clients come up" || show pipewire-pulse
	GAPS=4096 exactly both_ways "pipewire-$1" sink-a # a graph of a busy machine misses a cycle now and then
	outlives "killed-$1" 'stop pipewire-pulse KILL' pw_pulse_up
	stop pipewire-pulse
	pw_down
}

case ${1:-pulseaudio} in
pulseaudio) through_pulseaudio ;;
*) through_pipewire "$1" ;;
esac
done_testing
