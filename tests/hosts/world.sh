# SPDX-License-Identifier: BSD-3-Clause
# world.sh (sourced, bash; by lib.sh, and by guest tests that need a host) - a private world in $work, processes by
# name, and real sound servers. Whoever sources it has $work, note, show, and skip_all for what is not installed; and calls
# world_end at its end, whatever ends it.
. "$(dirname "${BASH_SOURCE[0]}")/servers-env.sh"
. "$hosts/world-left.sh"
declare -A pids=() # name: process
# Before a program with sound: real-time priority, as servers and VMs have on a desktop, where that is allowed. Without it
# the machine's other work is what is measured.
real_time=()
! chrt -r 10 true 2>/dev/null || real_time=(chrt -r 10)

# ---- the private world: no server, cookie, configuration or bus of this machine ----

private_world() {
	export HOME=$work/home XDG_RUNTIME_DIR=$work/run
	export XDG_CONFIG_HOME=$work/home/config XDG_STATE_HOME=$work/home/state XDG_CACHE_HOME=$work/home/cache
	export XDG_DATA_HOME=$work/home/data DBUS_SESSION_BUS_ADDRESS=disabled: DBUS_SYSTEM_BUS_ADDRESS=disabled:
	export PIPEWIRE_RUNTIME_DIR=$XDG_RUNTIME_DIR PULSE_RUNTIME_PATH=$XDG_RUNTIME_DIR/pulse
	export PULSE_SERVER=unix:$XDG_RUNTIME_DIR/pulse/native PULSE_COOKIE=$work/cookie PULSE_CLIENTCONFIG=/dev/null
	export JACK_DEFAULT_SERVER=vmsnd-$$ JACK_NO_AUDIO_RESERVATION=1 JACK_NO_START_SERVER=1
	export ALSA_CONFIG_PATH=$hosts/conf/asound.conf
	unset PIPEWIRE_REMOTE PIPEWIRE_CORE PIPEWIRE_PROPS PIPEWIRE_NODE PIPEWIRE_LATENCY PIPEWIRE_CONFIG_DIR WIREPLUMBER_CONFIG_DIR
	unset PULSE_SINK PULSE_SOURCE PULSE_CONFIG PULSE_STATE_PATH DISPLAY WAYLAND_DISPLAY ALSA_CARD AUDIODEV
	mkdir -p "$HOME" && mkdir -p -m 700 "$XDG_RUNTIME_DIR" "$XDG_RUNTIME_DIR/pulse"
}
private_world
# Nothing that is started in it outlives this script, whatever ends that.
exec {world_keeper}> >(exec setsid "$hosts/world-keeper.sh" "$work" $$ >/dev/null 2>&1)
export VMSND_HOSTS_WORLD=$work

# ---- processes: each has a name, its log is $work/NAME.log, its process ${pids[NAME]} ----

start() { # NAME PROGRAM...: no function, or the process is a shell beside it
	local name=$1
	shift
	if runs "$name"; then # it would be lost
		ok 1 "$name is no other's name"
		stop "$name"
	fi
	"$@" >>"$work/$name.log" 2>&1 {world_keeper}>&- &
	pids[$name]=$!
}
runs() { # NAME
	[ -n "${pids[$1]:-}" ] && kill -0 "${pids[$1]}" 2>/dev/null
}
# Ends it, if it is there; its exit status in $status.
stop() { # NAME [SIGNAL]
	local pid=${pids[$1]:-} i
	status=0
	[ -n "$pid" ] || return 0
	unset "pids[$1]"
	{ # what bash says of killed jobs helps nobody
		kill "-${2:-TERM}" "$pid"
		for ((i = 0; i < 250; i++)); do
			kill -0 "$pid" || break
			sleep 0.02
		done
		kill -9 "$pid" && note "$1 did not end within 5 s of SIG${2:-TERM}"
		wait "$pid"
		status=$?
	} 2>/dev/null
	return 0
}
# Waits for its own end; the exit status in $status, 99: it did not end.
ends() { # SECONDS NAME
	local pid=${pids[$2]:-} i
	status=99
	for ((i = 0; i < $1 * 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	if kill -0 "$pid" 2>/dev/null; then
		note "$2 still runs after $1 s"
		return 1
	fi
	unset "pids[$2]"
	wait "$pid" 2>/dev/null
	status=$?
	[ $status = 0 ]
}
until_true() { # SECONDS COMMAND...: asked every 20 ms or so
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}
until_line() { # SECONDS FILE-OR-NAME PATTERN [HOW-MANY]: so many lines match
	local file=$2 i
	[[ $file == */* ]] || file=$work/$file.log
	for ((i = 0; i < $1 * 50; i++)); do
		[ "$(grep -c -- "$3" "$file" 2>/dev/null)" -ge "${4:-1}" ] 2>/dev/null && return
		sleep 0.02
	done
	note "waited $1 s in vain for '$3' in ${file##*/}"
	return 1
}

# Ends all that runs.
world_end() {
	local name
	jack_end
	for name in "${!pids[@]}"; do kill -9 "${pids[$name]}"; done 2>/dev/null
	for name in "${!pids[@]}"; do wait "${pids[$name]}"; done 2>/dev/null
	pids=()
	jack_forget
}
world_is_over() { [ -z "$(world_left "$work")" ]; }
# The last word: the script ends in good order.
world_release() {
	world_sweep "$work"
	(trap '' PIPE && echo over >&"$world_keeper") 2>/dev/null
}

# ---- PipeWire and its session manager: sink-a, sink-b, mic, all at 48000 Hz ----

servers_as=() # what runs it as somebody else, such as setpriv --reuid=1234 --regid=1234 --clear-groups
pw_version() { pw pw-cli --version | sed -n 's/^Linked with libpipewire //p'; }
pw_server_up() { # [CONFIGURATION]
	start pipewire "${real_time[@]}" env "${pw_env[@]}" "${servers_as[@]}" pipewire -c "${1:-$hosts/conf/pipewire.conf}"
	until_true 10 pw pw-cli info 0
}
pw_manager_up() { # ready: it has said which sink is the default one
	if pw wireplumber --version 2>/dev/null | grep -q 'libwireplumber 0\.4'; then
		start wireplumber env "${pw_env[@]}" "${servers_as[@]}" env WIREPLUMBER_CONFIG_DIR="$hosts/conf/wireplumber-0.4" wireplumber
	else
		mkdir -p "$XDG_CONFIG_HOME/wireplumber"
		cp -r "$hosts/conf/wireplumber-0.5/." "$XDG_CONFIG_HOME/wireplumber/"
		start wireplumber env "${pw_env[@]}" "${servers_as[@]}" wireplumber -p test
	fi
	until_true 10 pw_has_default
}
pw_has_default() { pw pw-metadata 2>/dev/null | grep -q "'default.audio.sink'"; }
pw_up() {
	pw_server_up && pw_manager_up && return
	show pipewire wireplumber
	return 1
}
# The manager ends with its server, by itself.
pw_down() { # [SIGNAL]
	stop pipewire "${1:-TERM}"
	stop wireplumber
}
pw_default_sink() { # NAME
	pw pw-metadata 0 default.configured.audio.sink "{ \"name\": \"$1\" }" Spa:String:JSON >/dev/null
}
# Records what a sink plays (a WAV file); ready when it is linked. pw_record_end NAME ends it.
pw_record() { # NAME SINK FILE [RATE [CHANNELS [FORMAT]]]
	start "$1" "${real_time[@]}" env "${pw_env[@]}" pw-cat --record -P "{ stream.capture.sink=true node.name=rec-$1 }" --target "$2" \
		--rate "${4:-48000}" --channels "${5:-2}" --format "${6:-s16}" --latency 1024 "$3"
	until_true 10 pw_linked "rec-$1"
}
pw_record_end() { # NAME
	stop "$1" INT
}
pw_linked() { # NODE: some port of it is linked
	pw pw-link -l 2>/dev/null | grep -A1 -- "^$1:" | grep -q '|[<-]'
}
pw_pulse_up() { # PipeWire's server for PulseAudio's clients
	start pipewire-pulse "${real_time[@]}" env "${pw_env[@]}" pipewire -c "${pw_tree:-}/usr/share/pipewire/pipewire-pulse.conf"
	until_true 10 pactl info
}

# ---- PulseAudio: sink_a, sink_b, 48000 Hz, S16, with a cookie ----

# RUNNER: what runs it as somebody else, such as setpriv --reuid=1234 --regid=1234 --clear-groups.
pa_up() { # [auth-anonymous=1] [RUNNER...]
	local auth=${1:-} home=$work/pulse/home sink="format=s16le rate=48000 channels=2 norewinds=1"
	[ $# = 0 ] || shift
	rm -f "${PULSE_SERVER#unix:}"
	mkdir -p "$work/pulse" && chmod 777 "$work/pulse" && "$@" mkdir -p "$home" # it wants to own it
	start pulseaudio "${real_time[@]}" "$@" env PULSE_CONFIG="$hosts/conf/pulse-daemon.conf" HOME="$home" XDG_RUNTIME_DIR="$home" \
		PULSE_RUNTIME_PATH="$home" PULSE_STATE_PATH="$home" \
		pulseaudio -n --daemonize=no --use-pid-file=no --exit-idle-time=-1 --disallow-exit --realtime=no --high-priority=no \
		--log-target=stderr --log-level=notice \
		-L "module-null-sink sink_name=sink_a $sink" -L "module-null-sink sink_name=sink_b $sink" \
		-L "module-native-protocol-unix socket=${PULSE_SERVER#unix:} ${auth:-auth-cookie=$PULSE_COOKIE}"
	until_true 10 pactl info && return
	show pulseaudio
	return 1
}
pa_down() { # [SIGNAL]
	stop pulseaudio "${1:-TERM}"
}
pa_record() { # NAME SOURCE FILE [RATE [CHANNELS [FORMAT]]]
	start "$1" "${real_time[@]}" parec -d "$2" --format="${6:-s16le}" --rate="${4:-48000}" --channels="${5:-2}" --latency-msec=50 \
		--client-name="rec-$1" --file-format=wav "$3"
	until_true 10 pa_records "rec-$1"
}
# Its header is there: something was recorded.
pa_records() { pactl list source-outputs 2>/dev/null | grep -q "application.name = \"$1\""; }
pa_record_end() { # NAME
	stop "$1" INT
}

# ---- JACK: jackd's dummy driver ----

# A machine has eight places for JACK servers. One that was killed keeps its own until a server of its name has ended well.
# Of a JACK server that outlives its test nobody knows that it is nobody's.
dies_along=()
! setpriv --pdeathsig TERM true 2>/dev/null || dies_along=(setpriv --pdeathsig TERM)
jack_place=''
jack_up() { # [PERIOD-FRAMES [RATE]]
	jack_place=taken
	start jackd "${real_time[@]}" "${servers_as[@]}" "${dies_along[@]}" jackd --no-realtime -n "$JACK_DEFAULT_SERVER" -d dummy -r "${2:-48000}" -p "${1:-1024}" -C 2 -P 2
	until_true 10 jack_lsp && return
	show jackd
	return 1
}
jack_down() { # [SIGNAL]
	stop jackd "${1:-TERM}"
	[ "${1:-TERM}" != TERM ] || jack_place=''
	jack_forget
}
# What a killed server leaves.
jack_end() {
	[ -n "$jack_place" ] || return 0
	runs jackd || jack_up
	jack_down
} >/dev/null 2>&1
jack_forget() { rm -rf /dev/shm/jack*"$JACK_DEFAULT_SERVER"*; }
