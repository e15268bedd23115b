/* SPDX-License-Identifier: BSD-3-Clause */
/* Formatting of log lines. It lives in os and not in base because it needs vsnprintf, which
 * pure code may not call; models report through counters and faults instead. */
#include <stdarg.h>
#include <stdio.h>

#include "vmsnd/status.h"

#define LINE_BYTES 512

void vmsnd_logf(const struct vmsnd_log *log, enum vmsnd_log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	if (!log || !log->write)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* A peer's or a file's name may hold anything; one message stays one line. */
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	log->write(log->ctx, level, line);
}
