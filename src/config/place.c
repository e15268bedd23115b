/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages: one line, with the place where the matter was written. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/utf8.h"
#include "vmsnd/tree.h"

static size_t put_place(char *line, size_t bytes, const struct vmsnd_place *place)
{
	int n = 0;

	if (!place || !place->file)
		return 0;
	if (place->line == 0)
		n = snprintf(line, bytes, "%s: ", place->file);
	else if (place->column == 0)
		n = snprintf(line, bytes, "%s:%u: ", place->file, place->line);
	else
		n = snprintf(line, bytes, "%s:%u:%u: ", place->file, place->line, place->column);
	return (size_t)n < bytes ? (size_t)n : bytes - 1;
}

enum vmsnd_rc vmsnd_error_set(struct vmsnd_error *error, const struct vmsnd_place *place,
			      const char *format, ...)
{
	size_t at, end;
	va_list list;

	if (!error)
		return VMSND_E_INVALID;
	at = put_place(error->line, sizeof(error->line), place);
	va_start(list, format);
	vsnprintf(error->line + at, sizeof(error->line) - at, format, list);
	va_end(list);
	/* What was typed is quoted, and may hold anything. */
	for (char *c = error->line; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			*c = '?';
	end = strlen(error->line);
	error->line[vmsnd_utf8_whole(error->line, end)] = '\0';
	return VMSND_E_INVALID;
}
