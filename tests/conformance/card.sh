#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The card of `vmsnd serve`, started by the conformance program: not even a WARN.
#
# usage: card.sh CONFORMANCE VMSND [OPTION[,OPTION]...]
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" --format tap --strict --hostile --timeout 5000 \
	--spawn "exec '$2' serve --device virtio-snd,name=card,socket='$folder/card.sock',playback=2,capture=2${3:+,$3} --backend null" \
	"$folder/card.sock"
