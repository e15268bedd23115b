#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-harness.sh - the harness itself: the card that the other tests play with is exact, and nothing is left behind.
. "$(dirname "$0")/lib.sh"

frames=48000
for device in virtio-snd ac97; do
	tail_ms=$([ $device = virtio-snd ] || echo 25) # AC'97: what follows until the driver's stop
	card "$device" --device "$device" --backend "file,path=$work/$device.wav" --frames $frames
	ends 20 "$device"
	ok $status "$device: it plays and ends" || show "$device"
	"$wavtool" ${tail_ms:+-t$tail_ms} check "$work/$device.wav" S16_LE 48000 2 $frames 0 >"$work/verdict"
	ok $? "$device: every frame is in the file" || show "$work/verdict"
	is "$device: as it counts them" "$frames done 0 0" \
		"$(last "$device" played) $(last "$device" result) $(last "$device" underruns) $(last "$device" losses)"
	wall=$(last "$device" wall_ms)
	awk -v wall="$wall" 'BEGIN { exit !(wall > 950 && wall < 1500) }'
	ok $? "$device: a second of sound takes a second: $wall ms"
done

card both --backend loop --record "$work/both.wav" --frames 96000 --rate 96000 --channels 6 --format S24_3LE --period 480 --seed 3
ends 20 both
heard 'what is played into a loop is recorded' both "$work/both.wav" S24_3LE 96000 6 96000 3
card told --backend null --control "$work/ctl"
card_plays told
"$vmsnd" ctl --socket "$work/ctl" status >"$work/status"
ok $? 'it answers to vmsnd ctl' || show told
stop told
is 'SIGTERM ends it with its figures' '0 stopped' "$status $(last told result)"

# Servers come up, go away however it is done, and come again.
if command -v pipewire wireplumber pw-link >/dev/null; then
	pw_up
	ok $? "PipeWire $(pw_version) comes up" && pw_down KILL && pw_up
	ok $? 'PipeWire comes again after a kill'
	pw_record rec sink-a "$work/silence.wav"
	ok $? 'its monitor is recorded' || show rec
	pw_record_end rec
	pw_down
fi
if command -v pulseaudio pactl >/dev/null; then
	pa_up
	ok $? 'PulseAudio comes up' && pa_down KILL && pa_up
	ok $? 'PulseAudio comes again after a kill'
	pa_record rec2 sink_a.monitor "$work/silence2.wav"
	ok $? 'its monitor is recorded' || show rec2
	pa_record_end rec2
	pa_down
fi
if command -v jackd jack_lsp >/dev/null; then
	jack_up
	ok $? 'JACK comes up' && jack_down KILL && jack_up
	ok $? 'JACK comes again after a kill'
	jack_down KILL
	is 'JACK: nothing is left in /dev/shm' '' "$(find /dev/shm -name "*$JACK_DEFAULT_SERVER*")"
fi
is 'no process is left' '' "${!pids[*]}"

# A script that is ended takes its servers along, and the servers' children.
cat >"$work/ended.sh" <<END
. "$hosts/lib.sh"
start sleeper bash -c 'sleep 60 & echo \$!; wait'
until_line 10 sleeper .
echo "\$work \${pids[sleeper]} \$(cat "\$work/sleeper.log")"
wait
END
is_gone() { # FOLDER PROCESS...
	[ ! -e "$1" ] && ! kill -0 "${@:2}"
}
for signal in TERM KILL; do
	rm -f "$work/ended.log"
	start ended bash "$work/ended.sh"
	until_line 10 ended .
	read -r folder sleeper child <"$work/ended.log"
	stop ended $signal
	until_true 10 is_gone "$folder" "$sleeper" && until_true 10 is_gone "$folder" "$child"
	ok $? "a test that ends by SIG$signal leaves no process and no folder"
done
done_testing
