#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-looks.sh own|new - what mixers see of a stream, and what vmsnd sees of the server.
. "$(dirname "$0")/../lib.sh"
streams=${PIPEWIRE_STREAMS:?run it through meson}
need_backend pipewire
pw_use "${1:-own}"
pw_need

facts() { # OPTIONS: as lines in $work/facts
	pw timeout 20 "$streams" facts "$1" >"$work/facts" 2>"$work/facts.log"
}
fact() { # NAME
	sed -n "s/^$1: //p" "$work/facts"
}
hold() { # NAME OPTIONS: a stream that plays, until it is stopped
	start "$1" env "${pw_env[@]}" "$streams" hold 60 "$2"
	until_line 10 "$1" ' okay on [a-z].* blocks [1-9]'
	ok $? "a stream plays, with ${2:-no options}" || show "$1"
}
ids() { # TYPE PATTERN: of the objects that have a property so
	pw pw-cli ls "$1" | awk -v pattern="$2" '/^\tid/ { id = $2 + 0 } $0 ~ pattern { print id }'
}
node() { ids Node "node.name = \"$1\"" | head -n 1; }
properties() { pw pw-cli info "$(node "$1")" | sed -n 's/^\*\{0,1\}[[:space:]]*\([a-z.-]*\) = "\(.*\)"/\1=\2/p' | sort; }
has() { # NAME=VALUE...: all of them
	local missing='' pair
	for pair; do
		grep -qx -- "$pair" "$work/properties" || missing="$missing $pair"
	done
	is "the stream has ${1%%=*} and $(($# - 1)) more properties" '' "$missing" || show "$work/properties"
}

facts ''
is 'no server: where it was looked for' "$XDG_RUNTIME_DIR/pipewire-0" "$(fact socket)"
is 'no server: trouble' "No PipeWire server answers at $XDG_RUNTIME_DIR/pipewire-0: No such file or directory." "$(fact trouble)"
fact advice | grep -q 'systemctl --user start pipewire'
ok $? 'no server: advice'

pw_server_up
facts ''
fact trouble | grep -q 'No session manager'
ok $? 'no session manager: trouble' || show "$work/facts"
fact advice | grep -q 'wireplumber'
ok $? 'no session manager: advice'
start alone env "${pw_env[@]}" "$streams" hold 60
until_line 10 alone ' inactive on '
ok $? 'no session manager: a stream is put to sleep, no error' || show alone
pw_manager_up
until_line 10 alone ' okay on sink-a '
ok $? 'the session manager comes: it is linked' || show alone
stop alone

facts ''
is 'facts: server' "PipeWire $(pw_version)" "$(fact server)"
is 'facts: user' "$(id -un) ($(id -u))" "$(fact user)"
is 'facts: output' 'sink-a (Null sink A)' "$(fact playback)"
is 'facts: format' '48000 Hz, 1024 frames a period' "$(fact format)"
is 'facts: no trouble' '' "$(fact trouble)"
is 'devices' 'sink-a (Null sink A) 2/0 default-out;sink-b (Null sink B) 2/0' \
	"$(fact device | grep sink- | paste -sd';')"
fact device | grep -q '^mic (Virtual microphone) 0/2'
ok $? 'devices: the microphone has its channels' || show "$work/facts"
is 'a device that is not there is not chosen' 'not there' "$(fact set | sed 's/^gone$/not there/')"
facts 'out-device=nosuch,in-device=sink-b,monitor=on'
is 'a device that is not there' "The server has no playback device 'nosuch': the default one is used." "$(fact trouble)"
fact advice | grep -q 'vmsnd backends -v'
ok $? 'and what to do' || show "$work/facts"
serial=$(pw pw-cli info "$(node sink-b)" | sed -n 's/.*object.serial = "\([0-9]*\)".*/\1/p')
facts "out-device=${serial:-none}"
is 'a device may be named by its serial number' '' "$(fact trouble)"
facts 'monitor=on'
fact device | grep -q '^sink-a (Null sink A) 2/2 default-out default-in'
ok $? 'monitor=on: outputs are what is recorded' || show "$work/facts"

hold named 'out-device=sink-b,stream-name=Windows 11,icon=video-display,role=Game,props=custom.key=7'
properties 'vmsnd.Windows 11' >"$work/properties"
has 'node.description=Windows 11' 'media.name=Windows 11' 'application.name=the machine' 'application.icon-name=video-display' \
	'media.role=Game' 'media.category=Playback' 'media.class=Stream/Output/Audio' 'node.latency=480/48000' 'node.rate=1/48000' \
	'target.object=sink-b' 'custom.key=7'
until_line 10 named 'okay on sink-b (Null sink B)'
ok $? 'it is where out-device says'
stream=$(node 'vmsnd.Windows 11')
pw pw-cli s "$stream" Props '{ channelVolumes: [ 0.5 0.5 ] }' >/dev/null
until_line 10 named 'volume 1 -6021 '
ok $? "the mixer's volume is seen" || show named
pw pw-cli s "$stream" Props '{ mute: true }' >/dev/null
until_line 10 named 'volume 1 -6021 muted'
ok $? "the mixer's mute is seen" || show named
stop named

hold moved ''
properties 'vmsnd.the machine' >"$work/properties"
has 'node.description=the machine' 'media.name=the machine' 'application.name=the machine' 'application.icon-name=computer'
! grep -q '^media.role' "$work/properties"
ok $? 'it has no role: mixers keep a volume for each card'
opened=$(grep -c initializing "$work/moved.log")
pw_default_sink sink-b
until_line 10 moved ' okay on sink-b '
ok $? 'another default device: it moves along' || show moved
is 'and is not opened anew' "$opened" "$(grep -c initializing "$work/moved.log")"
until_line 10 moved 'on sink-b .* notices [1-9]'
ok $? 'and the change is told'
pw pw-cli destroy "$(node sink-b)" >/dev/null
until_line 10 moved ' okay on sink-a ' 2
ok $? 'its device is pulled: it moves to another' || show moved
pw pw-cli destroy "$(node sink-a)" >/dev/null
until_line 10 moved ' inactive on '
ok $? 'no device is left: it sleeps' || show moved
is 'no error' 0 "$(grep -c '^error' "$work/moved.log")"
stop moved
facts ''
fact trouble | grep -q 'no default output'
ok $? 'no device is left: trouble' || show "$work/facts"
done_testing
