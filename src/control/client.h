/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of the control socket: connects, negotiates, asks. Blocks, with a limit. */
#ifndef VMSND_CONTROL_CLIENT_H
#define VMSND_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

struct vmsnd_control_client;

/* NULL: `error` has one line that says why. */
struct vmsnd_control_client *vmsnd_control_client_open(const char *path, char *error,
						       size_t error_bytes);
/* Gives up `arguments` (NULL: none). The answer's "return", to be given up by the caller; NULL:
 * vmsnd_control_client_line says why. Events that come meanwhile are left out. */
json_t *vmsnd_control_client_call(struct vmsnd_control_client *client, const char *command,
				  json_t *arguments);
/* How long a call waits for its answer from now on; ten seconds at first. */
void vmsnd_control_client_wait(struct vmsnd_control_client *client, int limit_ms);
/* The next event, however long it takes; NULL: the program has ended. */
json_t *vmsnd_control_client_event(struct vmsnd_control_client *client);
/* What went wrong with the last call. */
const char *vmsnd_control_client_line(const struct vmsnd_control_client *client);
/* NULL is ignored. */
void vmsnd_control_client_close(struct vmsnd_control_client *client);

#endif
