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

enum vmsnd_rc vmsnd_window_take(const struct vmsnd_node *node, const struct vmsnd_conf *conf,
				const char *who, struct vmsnd_gmem_guard *guard,
				struct vmsnd_error *error)
{
	const char *text = vmsnd_conf_text(conf, "window");
	struct vmsnd_place place = vmsnd_node_place(node);
	struct vmsnd_value value;

	guard->first = 0;
	guard->last = UINT64_MAX;
	if (!text)
		return VMSND_OK;
	vmsnd_leaf_get(node, "window", &value, &place);
	if (!vmsnd_window_read(text, &guard->first, &guard->last))
		return vmsnd_error_set(error, &place,
				       "%s: window=%s is no range of addresses: write FIRST-LAST, "
				       "such as 0x80000000-0x8fffffff",
				       who, text);
	if (vmsnd_conf_bool(conf, "trusted"))
		return vmsnd_error_set(error, &place,
				       "%s: window is for cards that are not trusted: add "
				       "trusted=off, or leave window out",
				       who);
	return VMSND_OK;
}
