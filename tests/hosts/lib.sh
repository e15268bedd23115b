# SPDX-License-Identifier: BSD-3-Clause
# lib.sh (sourced by the test scripts, bash) - TAP, a private world, real sound servers in it, and verdicts.
# Meson gives $VMSND, $HOSTS_SIGNAL, $WAVTOOL, $VMSND_MODULE_PATH; KEEP=1 keeps the folder of logs and files.
set -u
hosts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vmsnd=${VMSND:?run it through meson} signal=${HOSTS_SIGNAL:?} wavtool=${WAVTOOL:?}
# Sockets have short names: 108 bytes are all a path may have.
work=$(mktemp -d "${TMPDIR:-/tmp}/vmsnd-hosts.XXXXXX") || exit 1
tests=0 failures=0
declare -A pids=() # name: process

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

# ---- TAP ----

ok() { # STATUS NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $2"
	fi
	[ "$1" = 0 ]
}
is() { # NAME WANTED GOT
	[ "$2" = "$3" ]
	ok $? "$1" || note "wanted: $2" "got: ${3:-nothing}"
}
note() { printf '%s\n' "$@" | sed 's/^/# /'; }
show() { # the ends of logs, after a failure: files, or names of processes
	local f
	for f; do
		[ -e "$f" ] || f=$work/$f.log
		note "--- ${f##*/}"
		tail -n 25 "$f" 2>/dev/null | sed 's/^/# /'
	done
}
done_testing() {
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}
# The test cannot be run here. In CI that is a failure, but with OPTIONAL=1.
skip_all() { # REASON
	if [ "${CI:-}" = true ] && [ -z "${OPTIONAL:-}" ]; then
		ok 1 "it can be run here: $1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
need() { # PROGRAM... (PACKAGE in scripts/install-deps --with-hosts)
	local program
	for program; do
		command -v "$program" >/dev/null || skip_all "no $program here; scripts/install-deps --with-hosts installs it"
	done
}
need_backend() { # NAME...: built, and a module that loads
	local name
	for name; do
		[ -e "$VMSND_MODULE_PATH/$name.so" ] || skip_all "built without the backend $name"
	done
}

# ---- processes: each has a name, its log is $work/NAME.log, its process ${pids[NAME]} ----

start() { # NAME PROGRAM...: no function, or the process is a shell beside it
	local name=$1
	shift
	"$@" >>"$work/$name.log" 2>&1 &
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

cleanup() {
	local code=$? name
	trap - EXIT
	trap '' INT TERM HUP
	for name in "${!pids[@]}"; do kill -9 "${pids[$name]}"; done 2>/dev/null
	for name in "${!pids[@]}"; do wait "${pids[$name]}"; done 2>/dev/null
	jack_forget
	if [ $failures = 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$work"; else echo "# logs and files: $work"; fi
	exit $code
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# ---- PipeWire and its session manager: sink-a, sink-b, mic, all at 48000 Hz ----

pw_tree='' # of the newer one; '': the machine's own
pw_env=()
# What is of the chosen PipeWire runs so: pw pw-link -l
pw() { env "${pw_env[@]}" "$@"; }
# own: of this machine. new: of backports, unpacked beside it by servers.sh.
pw_use() { # own|new
	local lib
	pw_tree='' pw_env=()
	[ "$1" = new ] || return 0
	"$hosts/servers.sh" --have pipewire || skip_all "no newer PipeWire in the cache; run tests/hosts/servers.sh"
	pw_tree=$("$hosts/servers.sh" --dir)/pipewire
	lib=$pw_tree/usr/lib/$(gcc -dumpmachine 2>/dev/null || echo x86_64-linux-gnu)
	pw_env=("PATH=$pw_tree/usr/bin:$PATH" "LD_LIBRARY_PATH=$lib:$lib/pulseaudio"
		"PIPEWIRE_MODULE_DIR=$lib/pipewire-0.3" "SPA_PLUGIN_DIR=$lib/spa-0.2" "SPA_DATA_DIR=$pw_tree/usr/share/spa-0.2"
		"PIPEWIRE_CONFIG_DIR=$pw_tree/usr/share/pipewire" "WIREPLUMBER_MODULE_DIR=$lib/wireplumber-0.5"
		"WIREPLUMBER_DATA_DIR=$pw_tree/usr/share/wireplumber" "ALSA_PLUGIN_DIR=$lib/alsa-lib")
}
pw_need() {
	[ -n "$pw_tree" ] || need pipewire wireplumber pw-cli pw-link pw-metadata pw-cat
}
pw_version() { pw pw-cli --version | sed -n 's/^Linked with libpipewire //p'; }
pw_server_up() { # [CONFIGURATION]
	start pipewire env "${pw_env[@]}" pipewire -c "${1:-$hosts/conf/pipewire.conf}"
	until_true 10 pw pw-cli info 0
}
pw_manager_up() { # ready: it has said which sink is the default one
	if pw wireplumber --version 2>/dev/null | grep -q 'libwireplumber 0\.4'; then
		start wireplumber env "${pw_env[@]}" env WIREPLUMBER_CONFIG_DIR="$hosts/conf/wireplumber-0.4" wireplumber
	else
		mkdir -p "$XDG_CONFIG_HOME/wireplumber"
		cp -r "$hosts/conf/wireplumber-0.5/." "$XDG_CONFIG_HOME/wireplumber/"
		start wireplumber env "${pw_env[@]}" wireplumber -p test
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
	start "$1" env "${pw_env[@]}" pw-cat --record -P "{ stream.capture.sink=true node.name=rec-$1 }" --target "$2" \
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
	start pipewire-pulse env "${pw_env[@]}" pipewire -c "${pw_tree:-}/usr/share/pipewire/pipewire-pulse.conf"
	until_true 10 pactl info
}

# ---- PulseAudio: sink_a, sink_b, 48000 Hz, S16, with a cookie ----

# RUNNER: what runs it as somebody else, such as setpriv --reuid=1234 --regid=1234 --clear-groups.
pa_up() { # [auth-anonymous=1] [RUNNER...]
	local auth=${1:-} home=$work/pulse sink="format=s16le rate=48000 channels=2 norewinds=1"
	[ $# = 0 ] || shift
	rm -f "${PULSE_SERVER#unix:}"
	mkdir -p "$home" && chmod 777 "$home"
	start pulseaudio "$@" env PULSE_CONFIG="$hosts/conf/pulse-daemon.conf" HOME="$home" XDG_RUNTIME_DIR="$home" \
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
	start "$1" parec -d "$2" --format="${6:-s16le}" --rate="${4:-48000}" --channels="${5:-2}" --latency-msec=50 \
		--client-name="rec-$1" --file-format=wav "$3"
	until_true 10 pa_records "rec-$1"
}
# Its header is there: something was recorded.
pa_records() { pactl list source-outputs 2>/dev/null | grep -q "application.name = \"$1\""; }
pa_record_end() { # NAME
	stop "$1" INT
}

# ---- JACK: jackd's dummy driver ----

jack_up() { # [PERIOD-FRAMES [RATE]]
	start jackd jackd --no-realtime -n "$JACK_DEFAULT_SERVER" -d dummy -r "${2:-48000}" -p "${1:-1024}" -C 2 -P 2
	until_true 10 jack_lsp && return
	show jackd
	return 1
}
jack_down() { # [SIGNAL]
	stop jackd "${1:-TERM}"
	jack_forget
}
# What a killed server leaves.
jack_forget() { rm -rf /dev/shm/jack*"$JACK_DEFAULT_SERVER"* /dev/shm/jack*_"$JACK_DEFAULT_SERVER"_*; }

# ---- the card: hosts-signal, and verdicts ----

# A card that plays the signal, beside us; "card NAME --backend ... --frames ..."
card() { # NAME ARGUMENTS
	local name=$1
	shift
	start "$name" "$signal" --name "$name" "$@"
}
# Of the last line of a card that has ended: a figure.
last() { # NAME KEY
	tail -n 1 "$work/$1.log" | tr ' ' '\n' | sed -n "s/^$2=//p"
}
# It plays, and the host takes it.
card_plays() { # NAME [SECONDS]
	until_line "${2:-10}" "$1" 'direction=playback output=0 .*host=running state=PLAY'
}
value() { tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"; } # KEY VERDICT

# What arrived is the signal, whole and in order; silence inside only where the card counted that much.
# PARTIAL=1: the end may be missing. GAPS=N: so many silent frames more are allowed (a busy machine's server).
heard() { # TEST CARD FILE FORMAT RATE CHANNELS FRAMES SEED [FRAMES SEED]...
	local name=$1 card=$2 verdict rc gap made
	shift 2
	verdict=$("$wavtool" ${PARTIAL:+-p} check "$@" 2>"$work/gaps")
	rc=$?
	gap=$(value gap_frames "$verdict") made=$(last "$card" underrun_frames)
	[ "${gap:-1}" -le $((${made:-0} + ${GAPS:-0})) ] || rc=1
	ok $rc "$name: $(value good "$verdict") of $(value expected "$verdict") frames arrive, ${gap:-no} silent ones inside, ${made:-0} counted"
	rc=$?
	note "$verdict"
	[ $rc = 0 ] || {
		sed 's/^#* */# /' "$work/gaps"
		show "$card"
	}
	return $rc
}
