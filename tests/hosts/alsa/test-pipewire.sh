#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-pipewire.sh - ALSA devices that lead to PipeWire (type pipewire).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib-alsa.sh"

# pipewire-alsa cannot be installed beside pulseaudio; a newer PipeWire unpacked beside the machine's own has it.
pw_use new
pw_up
ok $? "PipeWire $(pw_version) comes up" || show pipewire wireplumber
through_pipewire() {
	rm -f "$work/pw.wav"
	pw_record pwrec sink-a "$work/pw.wav"
	# shellcheck disable=SC2086
	start pwplay "${real_time[@]}" env "${pw_env[@]}" "$signal" --name pwplay --backend alsa,out-device=pipewire,buffer-ms=300 --record "$work/none.wav" \
		--tail 1500 --frames 96000 --periods 8 $realtime
	ends 30 pwplay
	ok $status 'pipewire: it plays and ends' || show pwplay
	pw_record_end pwrec
	arrives 'pipewire, into the monitor' pwplay "$work/pw.wav" 96000
}
exactly through_pipewire
pw_down
done_testing
