#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-names.sh - no function of ours has the name of one of the servers' libraries: in a program that holds all of us
# (an embedder's, or one with sanitizers) the library would call ours in place of its own.
. "$(dirname "$0")/lib.sh"
need nm ldd
export LC_ALL=C
mapfile -t libraries < <(ldd "$signal" | awk '$3 ~ /\/lib(asound|pulse|pipewire-0.3|jack)\.so/ { print $3 }')
[ ${#libraries[@]} -gt 0 ] || skip_all 'built without any of the libraries'

ours() { nm --defined-only "$signal" | awk '{ print $3 }' | sort -u; }
theirs() { # LIBRARY
	nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort -u | grep -E '^(snd|pa|pw|jack|spa)_'
}

ours >"$work/ours"
[ "$(grep -c . "$work/ours")" -gt 500 ]
ok $? 'the program has its names'
for library in "${libraries[@]}"; do
	is "${library##*/} has none of our names" '' "$(theirs "$library" | comm -12 - "$work/ours" | tr '\n' ' ')"
done
done_testing
