# SPDX-License-Identifier: BSD-3-Clause
# lib-alsa.sh (sourced after lib.sh) - testloop cards: ALSA devices that need no kernel.
testloop=${TESTLOOP:?run it through meson} tool=${TESTLOOP_TOOL:?}
need_backend alsa
loop_card=$work/loopcard
# Exact on a machine that others use as well: where it is allowed, as a real audio thread has it.
realtime=''
! chrt -r 10 true 2>/dev/null || realtime='--realtime 10'

# NAME: loop, and what stands in MORE
loop_conf() { # [MORE]
	cat >"$work/asound.conf" <<-END
		pcm_type.testloop { lib "$testloop" }
		pcm.!default { type testloop shm "$loop_card" }
		pcm.pulse { type pulse }
		pcm.monitor { type pulse device "sink_a.monitor" }
		pcm.fast { type testloop ppm 300 shm "$work/fastcard" }
		pcm.slow { type testloop ppm -300 shm "$work/slowcard" }
		pcm_type.pipewire { lib "libasound_module_pcm_pipewire.so" }
		pcm.pipewire { type pipewire }
		${1:-}
	END
	export ALSA_CONFIG_PATH=$work/asound.conf
}
loop_conf
fault() { "$tool" fault "$loop_card" "$1" "$2"; } # playback|capture FAULT
loop_heard() { "$tool" heard "$loop_card" "$1" >"$2"; } # FRAME-BYTES FILE
# How often a card's host has begun to run, and by now does.
host_runs() { until_line "$1" "$2" "direction=$3 output=0 .*host=running" "${4:-1}"; } # SECONDS NAME WAY [TIMES]

# Every frame that the card gave its host is in the file, in order. A server that takes its time to open a stream is not
# waited for: what the guest plays meanwhile goes nowhere, and the card counts it.
arrives() { # TEST CARD FILE FRAMES
	local verdict dropped
	verdict=$("$wavtool" check "$3" S16_LE 48000 2 "$4" 0 2>/dev/null)
	dropped=$(grep '^figures direction=playback' "$work/$2.log" | tr ' ' '\n' | sed -n 's/^dropped=//p')
	is "$1: all but $dropped of $4 frames arrive" "$(($4 - dropped)) $dropped 0 0 0" \
		"$(value good "$verdict") $(value lost "$verdict") $(value bad "$verdict") $(value repeated "$verdict") $(value tail_missing "$verdict")" ||
		{ note "$verdict" && show "$2"; }
	[ "${dropped:-$4}" -lt $(($4 / 4)) ]
	ok $? "$1: most of them"
}
