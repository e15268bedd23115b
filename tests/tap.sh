# SPDX-License-Identifier: BSD-3-Clause
# tap.sh (sourced by the libraries of test scripts, bash) - TAP's lines, and how many there were.
tests=0 failures=0

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
note() { printf '%s\n' "$@" | sed 's/^/# /'; }
