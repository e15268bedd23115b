#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-cycle.sh own|new - a thousand streams, and a hundred backends, leave nothing behind.
. "$(dirname "$0")/../lib.sh"
streams=${PIPEWIRE_STREAMS:?run it through meson}
need_backend pipewire
pw_use "${1:-own}"
pw_need
pw_up || skip_all "PipeWire does not come up"
start cycle env "${pw_env[@]}" "$streams" cycle 1000
ends 150 cycle
ok $status "1000 streams: $(tail -n 1 "$work/cycle.log")" || show cycle
done_testing
