#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# real-time.sh PROGRAM... - runs it, and the servers that it starts, with real-time priority where that is allowed; without
# it the machine's other work is what is measured.
! chrt -r 10 true 2>/dev/null || exec chrt -r 10 "$@"
exec "$@"
