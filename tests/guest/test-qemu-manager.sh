#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-manager.sh VMSND - a machine from a file is changed in every way there is while a guest in QEMU plays.
# Sleeps are how long something lasts, never what makes a test right.
. "$(dirname "$0")/lib.sh"
need initramfs
s=$work/s.sock
export SOCKET=$s VMSND_CONTROL=$work/ctl
second=48000 line=960 late=4800
field() { # PATH: what is there in the JSON at stdin: cards.0.outputs.1.drivers
	python3 -c 'import functools, json, sys
step = lambda value, key: value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(functools.reduce(step, sys.argv[1].split("."), json.load(sys.stdin))))' "$1" 2>/dev/null
}
is() { # TEST WANTED GOT
	[ "$2" = "$3" ]
	ok $? "$1" || note "wanted $2, got ${3:-nothing}" "$(ctl status)"
}
asked() { ctl "${@:2}" -j | field "$1"; } # PATH CTL ARGUMENTS
must() { # COMMAND: without it the rest makes no sense
	"$@" && return
	ok 1 "it goes on: $*"
	show "$log" "${glog:-/dev/null}"
	done_testing
}
heard_by() { ctl statistics "vm1.playback0.output$1.frames_out"; }
silence() { ctl statistics vm1.playback0.output0.silence_frames; }
plays_on() { reaches "$1" frames-out $(($(figure "$1" frames-out) + second / 4)); }
frames_of() { # WAV FRAMES: the frames alone, and what wavtool says of them
	"$wavtool" -p check "$1" S16_LE 48000 2 "$2" 0 2>/dev/null
}
joined() { # RAW WAV...: what is in several files, one after the other
	python3 -c 'import sys, wave
with open(sys.argv[1], "wb") as out:
    for name in sys.argv[2:]:
        with wave.open(name) as sound:
            out.write(sound.readframes(sound.getnframes()))' "$@"
}
changed_over() { # TEST FIRST SECOND FRAMES: where one file ends the other goes on, without silence
	local one two
	joined "$work/whole.raw" "$2" "$3"
	heard "$1: both files" "$work/whole.raw" S16_LE 48000 2 "$4" 0
	one=$(frames_of "$2" "$4") two=$(frames_of "$3" "$4")
	[ "$(value jump_to "$two")" = "$(value good "$one")" ] && [ "$(value good "$one")" -ge $((second / 4)) ] &&
		[ "$(value good "$two")" -ge $second ]
	ok $? "$1: $(value good "$one") frames in one file, $(value good "$two") in the other" || note "$one" "$two"
	is "$1: no silence where they meet" '0 0' "$(value trail "$one") $(value lead "$two")"
}

cat >"$work/vm.yaml" <<END
version: 1
control: $VMSND_CONTROL
cards:
  vm1:
    device: virtio-snd
    socket: $s
    outputs:
      - backend: file
        path: $work/early.wav
      - backend: file
        path: $work/beside.wav
        drivers:
          - driver: delay
            ms: 20
END
is 'file: it is right' "$work/vm.yaml is right: 1 card, 2 outputs" "$("$vmsnd" config check "$work/vm.yaml" 2>&1)"
is 'file: what it comes to' '[{"driver": "delay", "ms": 20}]' \
	"$("$vmsnd" config show --config "$work/vm.yaml" --json | field cards.vm1.outputs.1.drivers)"

# changed while it plays
frames=768000
must serve changes --config "$work/vm.yaml" --once
is 'file: the machine is as it says' '1 1 ["delay,ms=20"]' \
	"$(asked status.lanes status) $(asked status.cards status) $(asked 0.outputs.1.drivers cards)"
is 'attach: before there is a guest' 'output 2' "$(ctl attach "file,path=$work/third.wav")"
guest qemu changes "play/S16_LE/48000/2/$frames/0/--buffer-time=1000000,--period-time=50000"
must reaches 0 frames-out $((second / 2))

# the first goes from one file to another
before=$(silence)
is 'reattach: answered when it is over' '{}' "$(ctl reattach 0 "file,path=$work/late.wav" -j)"
must plays_on 0
is 'reattach: the output is the other file' "\"file,path=$work/late.wav\"" "$(asked 0.outputs.0.text cards)"
is 'reattach: no silence is given' "$before" "$(silence)"
"$vmsnd" ctl reattach 0 "file,path=$work/no/such.wav" 2>"$work/said"
is 'reattach: one that cannot be opened is an error' "1 1" "$? $(wc -l <"$work/said")"
note "$(cat "$work/said")"
is 'reattach: and the one before plays on' "\"file,path=$work/late.wav\"" "$(asked 0.outputs.0.text cards)"
must plays_on 0

# the third, too, and drivers that change nothing come and go
is 'reattach: an output beside the first' '{}' "$(ctl reattach 2 "file,path=$work/fourth.wav" -D map,channels=0/1 -j)"
must plays_on 2
opens=$(figure 2 opens)
ctl driver replace 2 map delay,ms=0
is 'driver replace: another is in its place' '["delay,ms=0"]' "$(asked 0.outputs.2.drivers cards)"
must plays_on 2
ctl driver remove 2 delay
is 'driver remove: none is left' '[]' "$(asked 0.outputs.2.drivers cards)"
must plays_on 2

# a line more above the line of the second
is 'driver add: its place' 0 "$(asked at driver add 1 "delay,ms=$((late / 48))")"
is 'driver add: it is above the other' '["delay,ms=100", "delay,ms=20"]' "$(asked 0.outputs.1.drivers cards)"
must plays_on 1
ctl driver remove 1 0
is 'driver remove: the other is left' '["delay,ms=20"]' "$(asked 0.outputs.1.drivers cards)"
is 'driver: no host stream is opened for it' "1 $opens" "$(figure 1 opens) $(figure 2 opens)"

# an output for a moment
is 'attach: its number' 'output 3' "$(ctl attach "file,path=$work/moment.wav")"
must reaches 3 frames-out $((second / 4))
ctl detach 3
is 'detach: three are left' '' "$(figure 3 host)"

# another card, another socket
is 'cards add: its number' 1 "$(asked card cards add vm2 "virtio-snd,socket=$s.b" null)"
features=$(python3 -c 'import socket, struct, sys
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(10)
peer.connect(sys.argv[1])
peer.sendall(struct.pack("<III", 1, 1, 0))
print(len(peer.recv(20, socket.MSG_WAITALL)))' "$s.b")
is 'cards add: a VMM is answered there' 20 "$features"
is 'cards add: it is one of two' '2 "vm2"' "$(asked status.cards status) $(asked 1.name cards)"
must plays_on 0
ctl cards remove vm2
is 'cards remove: one is left' 1 "$(asked status.cards status)"
[ ! -e "$s.b" ]
ok $? 'cards remove: its socket is gone'
must plays_on 0

# what was counted, and what it is now
all=$(ctl statistics -j)
[ "$(field vm1.tx_messages <<<"$all")" -gt 20 ] && [ "$(field vm1.playback0.output1.frames_out <<<"$all")" -ge $second ] &&
	[ "$(field vm1.tx_refused <<<"$all") $(field vm1.playback0.dropped_frames <<<"$all")" = '0 0' ]
ok $? 'statistics: messages and frames are counted, none was refused or dropped' || note "$all"
ctl config >"$work/now.yaml"
is 'config: it is right as it is now' "$work/now.yaml is right: 1 card, 3 outputs" \
	"$("$vmsnd" config check "$work/now.yaml" 2>&1)"
guest_ends changes
serve_ends changes

changed_over 'reattach' "$work/early.wav" "$work/late.wav" $frames
changed_over 'reattach-third' "$work/third.wav" "$work/fourth.wav" $frames
first=$(frames_of "$work/early.wav" $frames)
# What a line holds when it goes is not heard, and as much silence came when it came.
v=$("$wavtool" check "$work/beside.wav" S16_LE 48000 2 $frames 0 2>"$work/gaps")
gap=$(value gap_frames "$v") made=$(counted underruns)
[ "$(value lost "$v") $(value jumps "$v") $(value repeated "$v") $(value bad "$v") $(value tail_missing "$v")" = \
	"$late 1 0 0 0" ] && [ "$gap" -ge $late ] && [ "$gap" -le $((late + made)) ]
ok $? "driver: $gap frames of silence when a line of $late comes, $(value lost "$v") not heard when it goes" || {
	note "$v"
	show "$work/gaps" "$log"
}
is "driver: its delay is $line frames" $line $(($(value lead "$v") - $(value lead "$first")))
from=0 piece 'attach: for a moment' $((second / 4)) "$work/moment.wav" S16_LE 48000 2 $frames 0

# the same machine again, from what it said of itself; it stands still, and its guest does
frames=384000
export QMP=$work/qmp
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed: $*"; }
stands() { # TEST SECONDS: nothing goes out
	local before
	before=$(heard_by 0)/$(heard_by 1)
	sleep "$2"
	[ "$before" = "$(heard_by 0)/$(heard_by 1)" ] && [ "${before%/*}" -ge $((second / 2)) ]
	ok $? "$1: nothing goes out" || note "$before frames, then $(heard_by 0)/$(heard_by 1)"
}
must serve stands --config "$work/now.yaml" --once
is 'config: the machine is the same again' "\"file,path=$work/late.wav\" [\"delay,ms=20\"]" \
	"$(asked 0.outputs.0.text cards) $(asked 0.outputs.1.drivers cards)"
guest qemu stands "play/S16_LE/48000/2/$frames/0/--buffer-time=1000000,--period-time=50000"
must reaches 0 frames-out $((second / 2))

# the guest stops first and goes on last; meanwhile the state is written
qmp stop
ctl suspend
is 'suspend: it says so' '"suspended"' "$(asked status.status status)"
stands suspend 1.2
said=$(ctl save "$work/vm1.state")
is 'save: the file is there, for nobody else' "600 $(stat -c %s "$work/vm1.state") bytes in $work/vm1.state" \
	"$(stat -c %a "$work/vm1.state") $said"
ctl resume
is 'resume: it says so' '"running"' "$(asked status.status status)"
qmp cont
must plays_on 0
# the other way round
ctl suspend
qmp stop
stands 'suspend, then stop' 0.5
ctl resume
qmp cont
must plays_on 0
guest_ends stands
serve_ends stands
heard 'stands' "$work/late.wav" S16_LE 48000 2 $frames 0
heard 'stands-third' "$work/fourth.wav" S16_LE 48000 2 $frames 0

# what was saved is the machine
must serve restored --restore "$work/vm1.state" --control "$VMSND_CONTROL"
is 'restore: cards, outputs and drivers are there again' "\"running\" \"vm1\" \"file,path=$work/late.wav\" [\"delay,ms=20\"]" \
	"$(asked status.status status) $(asked 0.name cards) $(asked 0.outputs.0.text cards) $(asked 0.outputs.1.drivers cards)"
ctl quit
serve_ends restored

done_testing
