/* SPDX-License-Identifier: BSD-3-Clause */
/* What `vmsnd check` finds, as one JSON object; printed as it is, or as sentences. */
#ifndef VMSND_CLI_CHECK_H
#define VMSND_CLI_CHECK_H

#include <jansson.h>
#include <pthread.h>

#include "vmsnd/machine.h"

#define VMSND_CHECK_DEVICES_MAX 64u
#define VMSND_CHECK_LINES_MAX   8u

/* ---- check_host.c: one backend, opened beside the others ---- */

struct vmsnd_check_host;
/* Whether the class takes the options in `text`; if not, a line that says why. */
bool vmsnd_check_options(const struct vmsnd_backend_class *cls, const char *text, char *line,
			 size_t bytes);
/* Begins, on a thread of its own; `text` as --backend has it: a class' name, perhaps with options.
 * With `tone` it also plays one. NULL: no memory. */
struct vmsnd_check_host *vmsnd_check_host_begin(const struct vmsnd_backend_class *cls,
						const char *text, bool tone);
/* What was found by `until`: name, text, state ("works", "trouble", "fails", "late"), facts,
 * devices, said (lines of the log), and tone if it was wanted. One that has not come to an end is
 * left to itself. */
json_t *vmsnd_check_host_end(struct vmsnd_check_host *host, vmsnd_ns until);

/* check_tone.c: plays a tone of a second and a half; a sentence, and whether it was taken. */
bool vmsnd_check_tone(const struct vmsnd_backend_class *cls, struct vmsnd_backend *backend,
		      char *said, size_t bytes);

/* ---- check_system.c ---- */

/* given ("system", "rtkit" or null), limit, limit-most, why, rtkit. Changes nothing. */
json_t *vmsnd_check_realtime(void);
/* limit, limit-most: bytes, or null for no limit. */
json_t *vmsnd_check_memory_lock(void);
/* there, files, reachable, group (null: none), member. */
json_t *vmsnd_check_cards(void);
/* Servers of other users: a list of user, uid, backend, socket, reachable, text (for --backend); or
 * null in all of these where the folder is closed to us. */
json_t *vmsnd_check_others(void);
/* name, uid, runtime-folder (null: none is set), runtime-usual (null: there is none). */
json_t *vmsnd_check_user(void);

/* check_show.c: sentences. */
void vmsnd_check_show(const json_t *all);

#endif
