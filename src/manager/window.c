/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/window.h"

#include <errno.h>
#include <stdlib.h>

static bool is_digit(char c, bool hex)
{
	return (c >= '0' && c <= '9') ||
	       (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

static bool read_address(const char **text, vmsnd_gpa *address)
{
	bool hex = (*text)[0] == '0' && (*text)[1] == 'x';
	const char *digits = hex ? *text + 2 : *text;
	char *end;

	if (!is_digit(*digits, hex)) /* strtoull takes blanks and signs */
		return false;
	errno = 0;
	*address = strtoull(digits, &end, hex ? 16 : 10);
	*text = end;
	return errno == 0;
}

bool vmsnd_window_read(const char *text, vmsnd_gpa *first, vmsnd_gpa *last)
{
	vmsnd_gpa from, to;

	if (!read_address(&text, &from) || *text++ != '-' || !read_address(&text, &to) ||
	    *text != '\0' || to < from)
		return false;
	*first = from;
	*last = to;
	return true;
}
