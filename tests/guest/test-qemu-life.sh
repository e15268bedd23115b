#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-qemu-life.sh VMSND - what happens to a VM happens in the middle of a play.
. "$(dirname "$0")/lib.sh"
need initramfs
s=$work/s.sock
export QMP=$work/qmp
long=play/S16_LE/48000/2/144000/0
qmp() { "$here/qmp.py" "$QMP" "$@" || note "QMP failed"; }
playing() { # SECONDS into the play
	wait_for 20 "$glog" play-start && sleep "$1"
}

# stop and cont, three times
serve stop-cont --device "virtio-snd,socket=$s" --backend "file,path=$work/stop.wav" --once
SOCKET=$s guest qemu stop-cont $long
playing 0.4
qmp stop 0.3 cont 0.5 stop 0.3 cont 0.5 stop 0.3 cont
guest_ends stop-cont
serve_ends stop-cont
heard stop-cont "$work/stop.wav" S16_LE 48000 2 144000 0

# reset: the guest boots again and plays from the start
serve reset --device "virtio-snd,socket=$s" --backend "file,path=$work/reset.wav" --once
REBOOT=1 SOCKET=$s guest qemu reset $long
playing 1
qmp system_reset
guest_ends reset
serve_ends reset
heard_again reset "$work/reset.wav" S16_LE 48000 2 144000 0

# QEMU dies; another one comes
serve killed --device "virtio-snd,socket=$s" --backend "file,path=$work/killed.wav"
SOCKET=$s guest qemu killed $long
playing 1
guest_kill "$glog"
wait "$guest"
SOCKET=$s guest qemu killed-next $long
guest_ends killed
kill -TERM "$server"
serve_ends killed
heard_again killed "$work/killed.wav" S16_LE 48000 2 144000 0

# vmsnd is told to end
serve sigterm --device "virtio-snd,socket=$s" --backend "file,path=$work/sigterm.wav"
SOCKET=$s guest qemu sigterm $long
playing 1.5
kill -TERM "$server"
serve_ends sigterm
[ ! -e "$s" ]
ok $? "sigterm: the socket is gone"
guest_kill "$glog"
wait "$guest"
PARTIAL=1 heard sigterm "$work/sigterm.wav" S16_LE 48000 2 144000 0
v=$("$wavtool" -p check "$work/sigterm.wav" S16_LE 48000 2 144000 0 2>&1)
[ "$(value header "$v")" = exact ] && [ "$(value good "$v")" -gt 24000 ]
ok $? "sigterm: the file's header is right"

# two guests, two cards, one vmsnd
serve two --device "virtio-snd,socket=$s,name=left" --backend "file,path=$work/left.wav" \
	--device "virtio-snd,socket=$s.b,name=right" --backend "file,path=$work/right.wav"
QMP='' SOCKET=$s guest qemu left $long
first=$guest left=$glog
QMP='' SOCKET=$s.b guest qemu right play/S16_LE/48000/2/144000/1
guest_ends right
guest=$first glog=$left
guest_ends left
kill -TERM "$server"
serve_ends two
CARD=left heard two-left "$work/left.wav" S16_LE 48000 2 144000 0
CARD=right heard two-right "$work/right.wav" S16_LE 48000 2 144000 1

# memory that vmsnd cannot reach: QEMU sends none at all, or a file that it has mapped for itself
for share in none off; do
	name=share-$share
	serve "$name" --device "virtio-snd,socket=$s" --backend "file,path=$work/unshared.wav"
	SHARE=$share SOCKET=$s guest qemu "$name" sleep/0
	wait_for 8 "$log" share=on
	ok $? "$name: the log says what to add to QEMU's command line" || show "$log" "$glog"
	wait_for 8 "$glog" 'no card' # by then it would have said it again
	[ "$(grep -c share=on "$log")" = 1 ]
	ok $? "$name: in one line"
	note "$(grep share=on "$log")"
	guest_kill "$glog"
	wait "$guest"
	kill -TERM "$server"
	serve_ends "$name"
done

done_testing
