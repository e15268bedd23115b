#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-pulse.sh - ALSA devices that lead to PulseAudio (type pulse).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib-alsa.sh"

have_plugin() { # NAME
	aplay -L >/dev/null 2>&1
	find /usr/lib -path '*alsa-lib*' -name "libasound_module_pcm_$1.so" 2>/dev/null | grep -q .
}
need pulseaudio pactl parec aplay
have_plugin pulse || skip_all 'no libasound2-plugins here; scripts/install-deps --with-hosts installs it'

longer() { [ "$(stat -c %s "$1")" -gt "$2" ]; } # FILE BYTES
pa_up || skip_all 'PulseAudio does not come up'
through_pulse() {
	rm -f "$work/rec.wav"
	pa_record rec sink_a.monitor "$work/rec.wav"
	# shellcheck disable=SC2086
	PULSE_SINK=sink_a card play --backend alsa,out-device=pulse,in-device=monitor,buffer-ms=300 --record "$work/own.wav" --tail 1500 --frames 96000 --periods 8 $realtime
	ends 30 play
	ok $status 'pulse: it plays and records, and ends' || show play
	until_true 5 longer "$work/rec.wav" 384000
	pa_record_end rec
	arrives 'pulse, into the monitor' play "$work/rec.wav" 96000
	arrives 'pulse, out of the monitor' play "$work/own.wav" 96000
}
exactly through_pulse

# shellcheck disable=SC2086
PULSE_SINK=sink_a card life --backend alsa,out-device=pulse,buffer-ms=300 --periods 8 $realtime
host_runs 10 life playback
ok $? 'pulse: it plays' || show life
pa_down KILL
until_line 10 life 'log error .*out-device=pulse'
ok $? 'pulse: its server is killed, one line says so' || show life
pa_up
before=$(date +%s%N)
host_runs 10 life playback 2
ok $? 'pulse: it plays again once the server is back' || show life
after=$((($(date +%s%N) - before) / 1000000))
[ $after -lt 2000 ]
ok $? "within 2 s: $after ms"
stop life
is 'pulse: the guest never noticed' '0 0' "$(last life failed) $status"
lines=$(grep -c '^log ' "$work/life.log")
[ "$lines" -le 8 ]
ok $? "in a few lines: $lines" || show life
pa_down
done_testing
