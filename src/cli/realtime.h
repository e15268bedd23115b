/* SPDX-License-Identifier: BSD-3-Clause */
/* RealtimeKit: a service of desktops that gives threads of plain users real-time priority. (MX-38)
 */
#ifndef VMSND_CLI_REALTIME_H
#define VMSND_CLI_REALTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it gives at most. */
struct vmsnd_rtkit {
	int32_t priority_most;
	int64_t spin_most_us; /* the limit RLIMIT_RTTIME that it wants to see, at most */
};

/* What it says of itself; false: it is not there, and `why` has a phrase. Two seconds at most. */
bool vmsnd_rtkit_look(struct vmsnd_rtkit *out, char *why, size_t bytes);

/* For vmsnd_machine_conf's realtime. Two seconds at most. */
bool vmsnd_cli_realtime(void *ctx, int thread_id, unsigned priority, char *why, size_t bytes);

#endif
