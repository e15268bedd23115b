# SPDX-License-Identifier: BSD-3-Clause
# servers-env.sh (sourced, bash) - which PipeWire is used: this machine's or the newer one beside it.
hosts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Before $HOME is another.
VMSND_RIG=$("$hosts/../guest/rig.sh" --dir)
export VMSND_RIG

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
		"WIREPLUMBER_DATA_DIR=$pw_tree/usr/share/wireplumber" "XDG_DATA_DIRS=$pw_tree/usr/share" "ALSA_PLUGIN_DIR=$lib/alsa-lib")
}
