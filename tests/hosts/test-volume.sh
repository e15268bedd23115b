#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-volume.sh own|new|pulseaudio - the volume of a stream in the host's own mixer, turned from both sides: what vmsnd ctl
# host-volume asks for is what the server's tools show and what its monitor has; what they set, vmsnd shows and tells.
. "$(dirname "$0")/lib.sh"
control=$work/control
ctl() { "$vmsnd" ctl --socket "$control" "$@"; }

# ---- the host's side, by its own tools ----

# PipeWire: this Debian's, or the newer one. Both streams of the card have one name.
pw_stream() { # playback|capture: the node's number
	local class=Stream/Output/Audio
	[ "$1" = playback ] || class=Stream/Input/Audio
	pw pw-cli ls Node | awk -v class="media.class = \"$class\"" '
		/^\tid/ { id = $2 + 0; named = 0 }
		/node.name = "vmsnd.loud"/ { named = 1 }
		named && index($0, class) { print id; exit }'
}
pw_turn() { # playback|capture PERCENT|mute|unmute
	case $2 in
	mute) pw wpctl set-mute "$(pw_stream "$1")" 1 ;;
	unmute) pw wpctl set-mute "$(pw_stream "$1")" 0 ;;
	*) pw wpctl set-volume "$(pw_stream "$1")" "$2%" ;;
	esac
}
pw_shown() { # playback|capture: "50%", "50% muted"
	pw wpctl get-volume "$(pw_stream "$1")" | awk '{ printf "%.0f%%%s\n", $2 * 100, /MUTED/ ? " muted" : "" }'
}

# PulseAudio.
pa_what() { [ "$1" = playback ] && echo sink-input || echo source-output; }
pa_list() { # playback|capture: its part of the list
	pactl list "$(pa_what "$1")s" | awk -v RS= '/application.name = "loud"/'
}
pa_turn() { # playback|capture PERCENT|mute|unmute
	local number
	number=$(pa_list "$1" | sed -n '1s/.*#//p')
	case $2 in
	mute | unmute) pactl "set-$(pa_what "$1")-mute" "$number" "$([ "$2" = mute ] && echo 1 || echo 0)" ;;
	*) pactl "set-$(pa_what "$1")-volume" "$number" "$2%" ;;
	esac
}
pa_shown() { # playback|capture
	pa_list "$1" | awk '/^\tMute: yes/ { muted = " muted" } /^\tVolume:/ { match($0, /[0-9]+%/); v = substr($0, RSTART, RLENGTH) }
		END { print v muted }'
}

# ---- what is heard: the mean level of a fourth of a second, after more than that has gone by ----

level() { # FILE BYTES-OF-A-SAMPLE: stereo, growing
	local second=$((96000 * $2))
	until_true 10 has_grown "$1" $(($(stat -c %s "$1") + second))
	tail -c $((second / 4)) "$1" | od -An -v "-td$2" |
		awk '{ for (i = 1; i <= NF; i++) sum += $i * $i; n += NF } END { printf "%.1f\n", sqrt(sum / n) }'
}
has_grown() { [ "$(stat -c %s "$1")" -ge "$2" ]; } # FILE BYTES
is_part() { # TEST WANTED-PART LEVEL FULL
	awk -v wanted="$2" -v got="$3" -v full="$4" \
		'BEGIN { if (full < 100) exit 1; d = got / full - wanted; near = wanted * 0.04 + 0.0001; exit !(d < near && -d < near) }'
	ok $? "$1: $3 of $4, $2 of it wanted"
}

# ---- both sides ----

shows() { [ "$("$1" "$2")" = "$3" ]; }                                      # SHOWN DIRECTION WHAT
known() { ctl status | grep -Eq "^    $1 0: .*, $2(, xruns.*)?\$"; } # DIRECTION PATTERN
told() { grep -q "HOST_VOLUME_CHANGED .*direction=$1 .*gain-db=$2" "$work/events.log"; } # DIRECTION TEXT
asked() { # SHOWN DIRECTION WORD WHAT-IS-SHOWN
	ctl host-volume 0 "$3" "$2"
	ok $? "$2: host-volume $3" && until_true 5 shows "$1" "$2" "$4"
	is "$2: host-volume $3: what the host's tool shows" "$4" "$("$1" "$2")"
}

both_sides() { # TURN SHOWN FILE-OF-MONITOR
	local turn=$1 shown=$2 full played=$3 recorded=$work/recorded.wav dir before
	for dir in playback capture; do
		until_true 5 shows "$shown" $dir 100%
		is "$dir: nothing is set at the start" 100% "$("$shown" $dir)"
	done
	start events "$vmsnd" ctl --socket "$control" events
	full=$(level "$played" 2)
	before=$(level "$recorded" 4)

	# vmsnd turns it. 50 % of what people see is an eighth of the amplitude: -18.1 dB.
	asked "$shown" playback 50% 50%
	is_part 'playback at 50 % is heard' 0.125 "$(level "$played" 2)" "$full"
	until_true 5 known playback '-18.1 dB \(50%\) there'
	ok $? 'playback: vmsnd ctl status has it' || note "$(ctl status)"
	asked "$shown" playback mute '50% muted'
	is_part 'playback muted is silence' 0 "$(level "$played" 2)" "$full"
	until_true 5 known playback '-18.1 dB \(50%\) there, muted there'
	ok $? 'playback: vmsnd ctl status has it' || note "$(ctl status)"
	asked "$shown" playback unmute 50%
	asked "$shown" playback -6 79%
	is_part 'playback at -6 dB is heard' 0.501 "$(level "$played" 2)" "$full"
	asked "$shown" playback 100% 100%
	asked "$shown" capture 50% 50%
	is_part 'capture at 50 % is recorded' 0.125 "$(level "$recorded" 4)" "$before"
	asked "$shown" capture mute '50% muted'
	is_part 'capture muted is silence' 0 "$(level "$recorded" 4)" "$before"

	# The host turns it.
	for dir in playback capture; do
		"$turn" $dir 30
		"$turn" $dir unmute
		until_true 5 known $dir '-31.4 dB \(30%\) there'
		ok $? "$dir: the host turns it to 30 %, and vmsnd ctl status has it" || note "$(ctl status)"
		until_true 5 told $dir '-31.37'
		ok $? "$dir: and it is told" || show events
		"$turn" $dir mute
		until_true 5 known $dir '-31.4 dB \(30%\) there, muted there'
		ok $? "$dir: the host mutes it" || note "$(ctl status)"
	done
	stop events
}

new_card() { # that only plays
	stop loud
	rm -f "$work/loud.log"
	card loud --backend "$backend" --control "$control"
	card_plays loud
}
# What the host remembers of a stream by its name stays: a new one is as the last one was left, whoever has turned that.
stays() { # SHOWN COMMAND...: the host has it
	local shown=$1
	shift
	asked "$shown" playback 40% 40%
	"$@"
	ok $? 'the host remembers it'
	new_card
	until_true 5 shows "$shown" playback 40%
	is 'what the host remembers of it stays' 40% "$("$shown" playback)"
	until_true 5 known playback '-23.9 dB \(40%\) there'
	ok $? 'and vmsnd ctl status has it' || note "$(ctl status)"
}

case ${1:-own} in
pulseaudio)
	need pulseaudio pactl parec
	need_backend pulse
	pa_up
	ok $? 'PulseAudio comes up'
	card loud --backend pulse,out-device=sink_a,in-device=sink_a.monitor --format S32_LE --record "$work/recorded.wav" --control "$control"
	card_plays loud
	pa_record rec sink_a.monitor "$work/played.wav"
	both_sides pa_turn pa_shown "$work/played.wav"
	pactl load-module module-stream-restore restore_device=false >/dev/null
	pa_turn playback unmute
	pactl set-sink-input-volume "$(pa_list playback | sed -n '1s/.*#//p')" 80% 40%
	until_true 5 known playback '-5.8 dB \(80%\) there'
	asked pa_shown playback 40% 40%
	is 'channels keep their balance' '40% 20%' "$(pa_list playback | grep '^.Volume:' | grep -o '[0-9]*%' | paste -sd' ')"
	backend=pulse,out-device=sink_a
	stays pa_shown true
	;;
*)
	need_backend pipewire
	pw_use "$1"
	pw_need
	pw_up
	ok $? 'PipeWire comes up'
	card loud --backend pipewire,monitor=on,in-device=sink-a --format S32_LE --record "$work/recorded.wav" --control "$control"
	card_plays loud
	pw_record rec sink-a "$work/played.wav"
	both_sides pw_turn pw_shown "$work/played.wav"
	# WirePlumber 0.4, with the part of it that remembers.
	if [ "$1" = own ] && pw wireplumber --version | grep -q 'libwireplumber 0\.4'; then
		pw_record_end rec
		pw_down
		pw_server_up
		cp -r "$hosts/conf/wireplumber-0.4" "$work/remembers"
		cat >"$work/remembers/main.lua.d/20-restore.lua" <<-END
			components["restore-stream.lua"] = { "restore-stream.lua", type = "script/lua",
				args = { properties = { ["restore-props"] = true, ["restore-target"] = false }, rules = {} } }
		END
		start wireplumber env WIREPLUMBER_CONFIG_DIR="$work/remembers" wireplumber
		until_true 10 pw_has_default
		backend=pipewire,out-device=sink-a
		new_card
		stays pw_shown until_true 10 grep -q 'application.name:loud:channelVolumes=0.064' "$XDG_STATE_HOME/wireplumber/restore-stream"
	fi
	;;
esac
done_testing
