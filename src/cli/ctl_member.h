/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of what the control server answered, for tables: what is not there is "-", 0 or off. */
#ifndef VMSND_CLI_CTL_MEMBER_H
#define VMSND_CLI_CTL_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

static inline const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static inline json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static inline bool is_on(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

#endif
