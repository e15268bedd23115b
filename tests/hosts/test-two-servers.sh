#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-two-servers.sh - a card with two outputs on two servers of one kind: each output is on its own server, and when one
# of these is killed the other output misses nothing.
. "$(dirname "$0")/lib.sh"
first=$XDG_RUNTIME_DIR second=$work/second
mkdir -m 700 "$second" "$second/pulse"

# What start and stop call NAME from now on.
rename() { # OLD NEW
	pids[$2]=${pids[$1]}
	unset "pids[$1]"
}
# An output is on this server, by its socket.
is_at() { # OUTPUT SOCKET
	timeout 10 "$vmsnd" ctl --socket "$work/ctl" host "$1" >"$work/host"
	grep -q "socket  *\(unix:\)*$2\$" "$work/host"
}
plays() { # OUTPUT
	until_line 20 two "direction=playback output=$1 .*host=running state=PLAY"
}
# Two outputs on two servers; the second server is killed.
apart() { # KIND BACKEND-A SOCKET-A BACKEND-B SOCKET-B PROCESS-B
	rm -f "$work/two.log"
	card two --backend "$2" --backend "$4" --control "$work/ctl" --frames 240000 --period 2048 --periods 4
	plays 0 && plays 1
	ok $? "$1: both play" || show two
	is_at 0 "$3" && is_at 1 "$5"
	ok $? "$1: each at its own server" || show "$work/host"
	stop "$6" KILL
	until_line 10 two 'output=1 .*host=\(lost\|opening\|closing\|none\)'
	ok $? "$1: one server is killed, and its output knows" || show two
	ends 30 two
	is "$1: the other output has not noticed" 'opens=1 losses=0' \
		"$(grep '^figures direction=playback output=0' "$work/two.log" | tail -n 1 | grep -o 'opens=[0-9]* losses=[0-9]*')"
	is "$1: nor has the guest" '0 done 0' "$status $(last two result) $(last two failed)" || show two
}

pulse() {
	local a=$PULSE_SERVER b=unix:$second/pulse/native
	pa_up && rename pulseaudio a && mv "$work/pulse" "$work/pulse-a"
	PULSE_SERVER=$b pa_up && rename pulseaudio b
	ok $? 'two PulseAudio servers run' || show pulseaudio
	apart pulse "pulse,server=$a" "${a#unix:}" "pulse,server=$b" "${b#unix:}" b
	stop a
}
pipewire() {
	pw_server_up && rename pipewire pw-a
	PIPEWIRE_RUNTIME_DIR=$second XDG_RUNTIME_DIR=$second pw_up && rename pipewire pw-b && rename wireplumber wp-b
	ok $? 'two PipeWire servers run' || show pipewire wireplumber
	pw_manager_up && rename wireplumber wp-a
	apart pipewire "pipewire,remote=$first/pipewire-0" "$first/pipewire-0" "pipewire,remote=$second/pipewire-0" "$second/pipewire-0" pw-b
}

need pulseaudio pactl
need_backend pulse pipewire
pw_need
pulse
pipewire
done_testing
