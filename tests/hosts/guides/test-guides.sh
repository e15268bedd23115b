#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-guides.sh - what docs/guides has its readers type and write is run, with real servers and a real QEMU. Paths of a
# real machine become ones in the test's folder; alice is user 1234.
. "$(dirname "$0")/../lib.sh"
blocks=$hosts/guides/blocks.py
guides=("$hosts"/../../docs/guides/*.md)
alice=1234
rig=$hosts/../guest
pipewire=(pipewire wireplumber pw-cli pw-link pw-metadata pw-cat)

"$blocks" --check "${guides[@]}" >"$work/faults"
ok $? 'each command of each guide is run, or says why not' || note "$(cat "$work/faults")"
done_blocks=()
# A part whose backend or server is not here.
left_out() { # BLOCK...
	local name
	done_blocks+=("$@")
	for name; do skip "$name" "$lacks"; done
}
code() { # NAME: as it stands there, but for paths
	done_blocks+=("$1")
	"$blocks" "$1" "${guides[@]}" | sed -e "s,/run/user/1000,$XDG_RUNTIME_DIR,g; s,/run/vmsnd,$work/vmsnd,g; s,\$(echo ~alice),$HOME,g" \
		-e "s,=/run/pipewire-0,=$work/passed/pipewire-0,; s,\\([=:]\\)/run/pulse-,\\1$work/passed/pulse-,g; s,/usr/bin/vmsnd,$work/bin/vmsnd,"
}
mkdir -p "$work/bin" "$work/vmsnd" "$work/passed" "$HOME/.config/pulse"
# alice may not look into the build.
cp "$vmsnd" "$work/bin/vmsnd"
mkdir "$work/modules"
cp "$VMSND_MODULE_PATH"/*.so "$work/modules"
export VMSND_MODULE_PATH=$work/modules
export PATH=$work/bin:$PATH PULSE_COOKIE=$HOME/.config/pulse/cookie
cd "$work" || exit 1

# A command that stays is started; it listens, and says nothing of trouble.
serve() { # BLOCK [ENVIRONMENT...]
	local name=$1 text
	text=$(code "$name")
	done_blocks+=("$name")
	shift
	start "$name" env "$@" bash -c "exec $text"
	until_line 10 "$name" listening
	ok $? "$name: it listens" || show "$name"
}
served() { # BLOCK
	stop "$1"
	! grep -q -i -e error -e warning "$work/$1.log" && [ "$status" = 0 ]
	ok $? "$1: it ends in order, without a complaint" || show "$1"
}
# Where the block's card plays to: its --backend, by a card of ours, is heard. (How much of its end, the backends' own
# tests say.)
is_heard() { # BLOCK pw|pa SINK
	local backend
	backend=$(code "$1" | tr ' ' '\n' | sed -n '/^--backend$/{n;p;}')
	rm -f "$work/$1.wav"
	"$2_record" "rec-$1" "$3" "$work/$1.wav"
	card "card-$1" --backend "$backend" --frames 48000 --period 2048 --periods 6
	ends 20 "card-$1"
	"$2_record_end" "rec-$1"
	PARTIAL=1 heard "$1: $backend" "card-$1" "$work/$1.wav" S16_LE 48000 2 48000 0
	[ "$("$wavtool" -p check "$work/$1.wav" S16_LE 48000 2 48000 0 2>/dev/null | tr ' ' '\n' | sed -n 's/^good=//p')" -gt 40000 ]
	ok $? "$1: most of a second of it"
}

# ---- the desktop ----

on_the_desktop() {
	pw_up
	ok $? 'PipeWire runs'
	bash -c "$(code desktop-check)" >"$work/check" 2>&1
	rc=$?
	done_blocks+=(desktop-check)
	grep -q -i pipewire "$work/check" && [ $rc -le 1 ]
	ok $? 'vmsnd check speaks of PipeWire' || show "$work/check"
	serve desktop-serve
	limited() { grep -q '^Max realtime timeout  *150000 ' "/proc/${pids[desktop-serve]}/limits"; }
	until_true 5 limited
	ok $? 'desktop-serve: no thread in real time takes a processor, whatever libpipewire sets'

	if "$rig/rig.sh" --have qemu; then
		printf '#!/bin/sh\nexec %s %s "$@" -nodefaults -display none -S\n' "$rig/rig/qemu.sh" "$VMSND_RIG/tree" >"$work/bin/qemu-system-x86_64"
		chmod +x "$work/bin/qemu-system-x86_64"
		truncate -s 1M guest.qcow2
		connects() { # TEST SERVER PROGRAM...: QEMU takes the command line, and connects
			local test=$1 server=$2
			shift 2
			start "$test" "$@"
			until_line 20 "$server" 'a VMM has connected'
			ok $? "$test: QEMU has the card" || show "$server" "$test"
			stop "$test"
			until_line 10 "$server" 'has left\|frames played\|disconnected'
		}
		connects desktop-qemu desktop-serve bash -c "exec $(code desktop-qemu)"
		done_blocks+=(desktop-qemu)
		# libvirt's <qemu:arg>s, behind the memory that its <memoryBacking> becomes
		code desktop-xml >desktop.xml
		done_blocks+=(desktop-xml)
		python3 - desktop.xml >arguments <<-'END'
			import sys, xml.etree.ElementTree as xml
			root = xml.parse(sys.argv[1]).getroot()
			assert root.find("memoryBacking/source").get("type") == "memfd"
			assert root.find("memoryBacking/access").get("mode") == "shared"
			args = root.iter("{http://libvirt.org/schemas/domain/qemu/1.0}arg")
			print("\n".join(arg.get("value") for arg in args))
		END
		mapfile -t arguments <arguments
		stop desktop-serve
		: >"$work/desktop-serve.log"
		serve desktop-serve
		connects desktop-xml desktop-serve "$work/bin/qemu-system-x86_64" -m 256M -object memory-backend-memfd,id=mem,size=256M,share=on \
			-machine q35,memory-backend=mem "${arguments[@]}"
	else
		skip 'QEMU connects as the guides have it' 'no QEMU in the cache; run tests/guest/rig.sh qemu'
		done_blocks+=(desktop-qemu desktop-xml)
	fi
	bash -c "$(code desktop-status)" >"$work/status"
	done_blocks+=(desktop-status)
	grep -q 'card 0, vm1' "$work/status"
	ok $? 'vmsnd ctl status shows the card' || show "$work/status"
	served desktop-serve
	exactly is_heard desktop-serve pw sink-a
}
beside_pipewire() { # other VMMs, the card's side; and a container: no environment that says where a server is
	local name
	for name in "${vmms[@]}"; do
		serve $name
		served $name
	done
	ln -s "$XDG_RUNTIME_DIR/pipewire-0" "$work/passed/pipewire-0"
	serve container-pipewire -u XDG_RUNTIME_DIR -u PIPEWIRE_RUNTIME_DIR -u PULSE_SERVER -u PULSE_COOKIE HOME=/
	served container-pipewire
	exactly is_heard container-pipewire pw sink-a
}
vmms=(chv-serve chv-ac97 crosvm-serve libkrun-serve)
if lacks pipewire "${pipewire[@]}"; then
	left_out desktop-check desktop-serve desktop-qemu desktop-xml desktop-status "${vmms[@]}" container-pipewire
else
	on_the_desktop
	beside_pipewire
	pw_down
fi

# ---- a container without a server ----

for name in container-null container-file; do
	serve $name
	served $name
done

# ---- units ----

mkdir units
code desktop-unit >units/vmsnd-desktop.service
code system-service >units/vmsnd-vm1.service
code system-socket >units/vmsnd-vm1.socket
done_blocks+=(desktop-unit system-service system-socket)
if command -v systemd-analyze systemd-socket-activate >/dev/null; then
	systemd-analyze --user verify --man=no units/vmsnd-desktop.service >verify 2>&1 &&
		systemd-analyze verify --man=no units/vmsnd-vm1.service units/vmsnd-vm1.socket >>verify 2>&1 && [ ! -s verify ]
	ok $? 'systemd takes the units' || show "$work/verify"
else
	skip 'systemd takes the units' 'no systemd-analyze here'
fi

# ---- the servers of another user, who vmsnd is not ----

pipewire_of_alice() {
	pw_up
	ok $? "alice's PipeWire runs"
	serve system-pipewire
	served system-pipewire
	exactly is_heard system-pipewire pw sink-a
	# The service runs as alice, with the socket that systemd made.
	if "$rig/rig.sh" --have qemu && command -v systemd-socket-activate >/dev/null; then
		exec_start=$(sed -n 's/^ExecStart=//p' units/vmsnd-vm1.service)
		listen=$(sed -n 's/^ListenStream=//p' units/vmsnd-vm1.socket)
		rm -f "$listen"
		# shellcheck disable=SC2086 # the words of a command
		start system-service systemd-socket-activate -E XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" -E VMSND_MODULE_PATH="$VMSND_MODULE_PATH" -l "$listen" \
			"${servers_as[@]}" $exec_start
		until_true 10 test -S "$listen"
		connects system-socket system-service "$work/bin/qemu-system-x86_64" -m 256M \
			-object memory-backend-memfd,id=mem,size=256M,share=on -machine q35,memory-backend=mem \
			-chardev "socket,id=snd,path=$listen" -device vhost-user-snd-pci,chardev=snd
		stop system-service
	else
		skip 'a socket of systemd, a service of alice' 'no QEMU in the cache, or no systemd-socket-activate'
	fi
	pw_down
}
pulseaudio_of_alice() {
	pa_up '' "${servers_as[@]}"
	ok $? "alice's PulseAudio runs"
	serve system-pulse -u PULSE_SERVER -u PULSE_COOKIE
	served system-pulse
	exactly is_heard system-pulse pa sink_a.monitor
	ln -s "${PULSE_SERVER#unix:}" passed/pulse-native
	ln -s "$PULSE_COOKIE" passed/pulse-cookie
	serve container-pulse -u PULSE_SERVER -u PULSE_COOKIE -u XDG_RUNTIME_DIR HOME=/
	served container-pulse
	exactly is_heard container-pulse pa sink_a.monitor
	pa_down
}
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	lacks='only root can be two users' unwanted=''
	left_out system-pipewire system-pulse container-pulse
else
	chmod 711 "$work"
	chown -R $alice:$alice "$XDG_RUNTIME_DIR" "$HOME"
	servers_as=(setpriv --reuid=$alice --regid=$alice --clear-groups)
	if lacks pipewire "${pipewire[@]}"; then left_out system-pipewire; else pipewire_of_alice; fi
	if lacks pulse pulseaudio pactl parec; then left_out system-pulse container-pulse; else pulseaudio_of_alice; fi
fi

"$blocks" --names "${guides[@]}" | sort >names
printf '%s\n' "${done_blocks[@]}" | sort -u >done
is 'every block that says it is run was run' '' "$(comm -23 names done | tr '\n' ' ')"
done_testing
