#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# one-at-a-time.sh PROGRAM... - runs it when no other test has a jackd: all servers of a machine share one registry, with
# eight places, and those that come and go beside each other refuse clients now and then.
jackd=$(command -v jackd) || exec "$@"
exec flock --close "$jackd" "$@"
