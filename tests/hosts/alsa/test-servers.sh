#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-servers.sh - ALSA devices that lead to a sound server: type pulse, and type pipewire where it is.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib-alsa.sh"

have_plugin() { # NAME
	aplay -L >/dev/null 2>&1
	find /usr/lib -path '*alsa-lib*' -name "libasound_module_pcm_$1.so" 2>/dev/null | grep -q .
}
need pulseaudio pactl parec aplay
have_plugin pulse || skip_all 'no libasound2-plugins here; scripts/install-deps --with-hosts installs it'

# Every frame that the card gave its host is in the file, in order. A server that takes its time to open a stream is not
# waited for: what the guest plays meanwhile goes nowhere, and the card counts it.
arrives() { # TEST CARD FILE FRAMES
	local verdict dropped
	verdict=$("$wavtool" check "$3" S16_LE 48000 2 "$4" 0 2>/dev/null)
	dropped=$(grep '^figures direction=playback' "$work/$2.log" | tr ' ' '\n' | sed -n 's/^dropped=//p')
	is "$1: all but $dropped of $4 frames arrive" "$(($4 - dropped)) $dropped 0 0 0" \
		"$(value good "$verdict") $(value lost "$verdict") $(value bad "$verdict") $(value repeated "$verdict") $(value tail_missing "$verdict")" ||
		{ note "$verdict" && show "$2"; }
	[ "${dropped:-$4}" -lt $(($4 / 4)) ]
	ok $? "$1: most of them"
}

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

# pipewire-alsa cannot be installed beside pulseaudio; a newer PipeWire unpacked beside the machine's own has it.
if ! "$hosts/servers.sh" --have pipewire; then
	skip 'type pipewire' 'no newer PipeWire in the cache; run tests/hosts/servers.sh'
	done_testing
fi
pw_use new
pw_up
ok $? "PipeWire $(pw_version) comes up" || show pipewire wireplumber
through_pipewire() {
	rm -f "$work/pw.wav"
	pw_record pwrec sink-a "$work/pw.wav"
	# shellcheck disable=SC2086
	start pwplay "${real_time[@]}" env "${pw_env[@]}" "$signal" --name pwplay --backend alsa,out-device=pipewire,buffer-ms=300 --record "$work/none.wav" \
		--tail 1500 --frames 96000 --periods 8 $realtime
	ends 30 pwplay
	ok $status 'pipewire: it plays and ends' || show pwplay
	pw_record_end pwrec
	arrives 'pipewire, into the monitor' pwplay "$work/pw.wav" 96000
}
exactly through_pipewire
pw_down
done_testing
