/* SPDX-License-Identifier: BSD-3-Clause */
/* C into JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

json_t *vmsnd_control_text(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	char *copy;

	if (value)
		return value;
	/* A file's name need not be UTF-8. */
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *vmsnd_control_count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *vmsnd_control_real(double value)
{
	return json_real(isfinite(value) ? value : 0.0);
}

json_t *vmsnd_control_version(void)
{
	char *at;
	long major = strtol(VMSND_VERSION, &at, 10);
	long minor = *at == '.' ? strtol(at + 1, &at, 10) : 0;
	long micro = *at == '.' ? strtol(at + 1, &at, 10) : 0;

	return json_pack("{s:{s:I,s:I,s:I},s:s}", "vmsnd", "major", (json_int_t)major, "minor",
			 (json_int_t)minor, "micro", (json_int_t)micro, "package", "");
}

const char *vmsnd_control_direction(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? "playback" : "capture";
}

struct vmsnd_stream_status *vmsnd_control_streams(const struct vmsnd_machine *machine,
						  unsigned card, size_t *n)
{
	size_t max = vmsnd_machine_streams(machine, card, NULL, 0);
	struct vmsnd_stream_status *list = max > 0 ? calloc(max, sizeof(*list)) : NULL;

	*n = list ? vmsnd_machine_streams(machine, card, list, max) : 0;
	if (*n > max)
		*n = max;
	return list;
}
