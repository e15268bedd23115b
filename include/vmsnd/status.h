/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/status.h - how calls end, what is counted, and where a line of text goes. */
#ifndef VMSND_STATUS_H
#define VMSND_STATUS_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero or one of these. Errors a guest can cause are not in this list: a model
 * answers those the way the standard orders, and counts them. */
enum vmsnd_rc {
	VMSND_OK = 0,
	VMSND_E_INVALID = -1, /* the caller broke a rule written in a header */
	VMSND_E_NOMEM = -2,
	VMSND_E_RANGE = -3,    /* guest address not covered, or covered in part */
	VMSND_E_DENIED = -4,   /* covered, but not with this right */
	VMSND_E_PROTOCOL = -5, /* the peer sent something its standard forbids */
	VMSND_E_GONE = -6,     /* peer, server or file went away */
	VMSND_E_UNSUPPORTED = -7,
	VMSND_E_SYSTEM = -8, /* the kernel or a library refused; the log line says why */
	VMSND_E_AGAIN = -9,  /* not done yet: ask again */
	VMSND_E_EXISTS = -10,
	VMSND_E_VERSION = -11,   /* a record or a file of another version */
	VMSND_E_LIMIT = -12,     /* as many as there may be are there */
	VMSND_E_DAMAGED = -13,   /* a checksum or a value in a file is wrong */
	VMSND_E_NO_CLASS = -14,  /* no device, backend, driver or transport of this name */
	VMSND_E_NO_CARD = -15,   /* no such card ... */
	VMSND_E_NO_OUTPUT = -16, /* ... it has no such output ... */
	VMSND_E_NO_DRIVER = -17, /* ... with no such driver (DM-60, DM-69) */
	VMSND_E_NO_VALUE = -18,  /* no such leaf ... */
	VMSND_E_NO_NODE = -19    /* ... not even its node (CF-05) */
};

/* A short English phrase for `rc`; a constant string, never NULL. Any thread. */
const char *vmsnd_rc_text(enum vmsnd_rc rc);

/* One figure of a statistics list. `name` is a constant string. */
struct vmsnd_counter {
	const char *name;
	uint64_t value;
};

/* What each level means: ERROR - something asked for will not happen; WARNING - it
 * works, but not as its owner would want; INFO - one line when something that an
 * owner cares for changed; DEBUG - for the developer, off unless asked for. */
enum vmsnd_log_level { VMSND_LOG_ERROR, VMSND_LOG_WARNING, VMSND_LOG_INFO, VMSND_LOG_DEBUG };

/* Where lines go. `line` has no newline and is good for the call only. May be called
 * from any thread but never from a function whose name ends in _rt. */
struct vmsnd_log {
	void *ctx;
	void (*write)(void *ctx, enum vmsnd_log_level level, const char *line);
};

/* Formats a line (cut at 512 bytes) and hands it on. `log` may be NULL: then nothing
 * is said. Any thread but an _rt one. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void vmsnd_logf(const struct vmsnd_log *log, enum vmsnd_log_level level, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
