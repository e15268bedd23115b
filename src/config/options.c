/* SPDX-License-Identifier: BSD-3-Clause */
/* Options checked against a table, as text ("key=value,key=value", a comma doubled inside a value)
 * or as the leaves of a node. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "config/base64.h"
#include "config/node.h"
#include "config/pair.h"
#include "config/word.h"

/* One option on its way in. */
struct given {
	const char *who, *key, *value;
	const struct vmsnd_place *place;
};

static enum vmsnd_rc complain_unknown(const struct given *given, const struct vmsnd_option *table,
				      struct vmsnd_error *error)
{
	struct vmsnd_near near = vmsnd_near_begin(given->key);
	char allowed[sizeof(error->line)] = " nothing";
	size_t at = 0;

	for (; table->key && at < sizeof(allowed); table++) {
		vmsnd_near_offer(&near, table->key);
		at += (size_t)snprintf(allowed + at, sizeof(allowed) - at, " %s", table->key);
	}
	return vmsnd_error_set(error, given->place, "%s has no option '%s'%s%s%s; allowed:%s",
			       given->who, given->key, near.best ? " (did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?)" : "", allowed);
}

/* A table's limits of INT and REAL; both 0: none. */
static bool has_limits(const struct vmsnd_option *option)
{
	return option->minimum != 0 || option->maximum != 0;
}

static double real_limit(uint64_t limit)
{
	return (double)(int64_t)limit / 1000;
}

static bool is_uint(const struct vmsnd_option *option, const char *word)
{
	struct vmsnd_value value;
	uint64_t number;

	vmsnd_value_of_word(word, &value);
	return vmsnd_value_as_uint(&value, &number) && number >= option->minimum &&
	       number <= option->maximum;
}

static bool is_switch(const struct vmsnd_option *option, const char *word)
{
	struct vmsnd_value value;

	vmsnd_value_of_word(word, &value);
	return value.type == VMSND_VALUE_BOOL;
}

static bool is_int(const struct vmsnd_option *option, const char *word)
{
	struct vmsnd_value value;
	int64_t number;

	vmsnd_value_of_word(word, &value);
	if (!vmsnd_value_as_int(&value, &number))
		return false;
	return !has_limits(option) ||
	       (number >= (int64_t)option->minimum && number <= (int64_t)option->maximum);
}

static bool is_real(const struct vmsnd_option *option, const char *word)
{
	struct vmsnd_value value;
	double number;

	vmsnd_value_of_word(word, &value);
	if (!vmsnd_value_as_real(&value, &number) || !isfinite(number))
		return false;
	return !has_limits(option) ||
	       (number >= real_limit(option->minimum) && number <= real_limit(option->maximum));
}

static bool is_bytes(const struct vmsnd_option *option, const char *word)
{
	size_t n;

	return vmsnd_base64_decode(word, NULL, 0, &n) && n >= option->minimum &&
	       (option->maximum == 0 || n <= option->maximum);
}

static bool is_text(const struct vmsnd_option *option, const char *word)
{
	return true;
}

static void expect_uint(const struct vmsnd_option *option, char *text, size_t bytes)
{
	snprintf(text, bytes, "not a number from %llu to %llu", (unsigned long long)option->minimum,
		 (unsigned long long)option->maximum);
}

static void expect_switch(const struct vmsnd_option *option, char *text, size_t bytes)
{
	snprintf(text, bytes, "neither on nor off");
}

static void expect_int(const struct vmsnd_option *option, char *text, size_t bytes)
{
	if (has_limits(option))
		snprintf(text, bytes, "not a whole number from %lld to %lld",
			 (long long)option->minimum, (long long)option->maximum);
	else
		snprintf(text, bytes, "not a whole number");
}

static void expect_real(const struct vmsnd_option *option, char *text, size_t bytes)
{
	char from[VMSND_WORD_BYTES], to[VMSND_WORD_BYTES];
	struct vmsnd_value least = {.type = VMSND_VALUE_REAL, .real = real_limit(option->minimum)};
	struct vmsnd_value most = {.type = VMSND_VALUE_REAL, .real = real_limit(option->maximum)};

	if (has_limits(option))
		snprintf(text, bytes, "not a number from %s to %s", vmsnd_word_of(&least, from),
			 vmsnd_word_of(&most, to));
	else
		snprintf(text, bytes, "not a number");
}

static void expect_bytes(const struct vmsnd_option *option, char *text, size_t bytes)
{
	if (option->maximum > 0)
		snprintf(text, bytes, "not %llu to %llu bytes in base64",
			 (unsigned long long)option->minimum, (unsigned long long)option->maximum);
	else
		snprintf(text, bytes, "not %llu or more bytes in base64",
			 (unsigned long long)option->minimum);
}

/* What each type takes, and what is said when a value is not that. */
static const struct {
	bool (*is)(const struct vmsnd_option *option, const char *word);
	void (*expect)(const struct vmsnd_option *option, char *text, size_t bytes);
} types[] = {
    [VMSND_OPTION_TEXT] = {is_text, NULL},
    [VMSND_OPTION_UINT] = {is_uint, expect_uint},
    [VMSND_OPTION_BOOL] = {is_switch, expect_switch},
    [VMSND_OPTION_INT] = {is_int, expect_int},
    [VMSND_OPTION_REAL] = {is_real, expect_real},
    [VMSND_OPTION_BYTES] = {is_bytes, expect_bytes},
};

static enum vmsnd_rc check_value(const struct given *given, const struct vmsnd_option *option,
				 struct vmsnd_error *error)
{
	char expected[128];

	if (types[option->type].is(option, given->value))
		return VMSND_OK;
	types[option->type].expect(option, expected, sizeof(expected));
	return vmsnd_error_set(error, given->place, "%s: %s=%s is %s", given->who, option->key,
			       given->value, expected);
}

static enum vmsnd_rc complain_long(const struct given *given, struct vmsnd_error *error)
{
	return vmsnd_error_set(error, given->place, "%s: the options are too long", given->who);
}

static enum vmsnd_rc store(struct vmsnd_conf *conf, size_t option, const struct given *given,
			   struct vmsnd_error *error)
{
	size_t bytes = strlen(given->value) + 1;

	if (conf->n_pairs == VMSND_CONF_PAIRS_MAX || bytes > sizeof(conf->text) - conf->text_bytes)
		return complain_long(given, error);
	memcpy(conf->text + conf->text_bytes, given->value, bytes);
	conf->pairs[conf->n_pairs].option = (uint16_t)option;
	conf->pairs[conf->n_pairs].value_at = (uint16_t)conf->text_bytes;
	conf->text_bytes += bytes;
	conf->n_pairs++;
	return VMSND_OK;
}

static enum vmsnd_rc take(struct vmsnd_conf *conf, const struct given *given,
			  struct vmsnd_error *error)
{
	const struct vmsnd_option *row = conf->table;
	enum vmsnd_rc rc;

	while (row->key && strcmp(row->key, given->key) != 0)
		row++;
	if (!row->key)
		return complain_unknown(given, conf->table, error);
	if (vmsnd_conf_given(conf, given->key))
		return vmsnd_error_set(error, given->place, "%s: %s is given twice", given->who,
				       given->key);
	if (!given->value || !*given->value)
		return vmsnd_error_set(error, given->place, "%s: %s needs a value: %s=...",
				       given->who, given->key, given->key);
	rc = check_value(given, row, error);
	return rc ? rc : store(conf, (size_t)(row - conf->table), given, error);
}

static void conf_begin(struct vmsnd_conf *conf, const struct vmsnd_option *table)
{
	static const struct vmsnd_option none[] = {{.key = NULL}};

	*conf = (struct vmsnd_conf){.table = table ? table : none};
}

static enum vmsnd_rc take_all(struct vmsnd_conf *conf, const char *who, const char *text,
			      struct vmsnd_error *error)
{
	char pair[VMSND_CONF_TEXT_BYTES];
	enum vmsnd_rc rc = VMSND_OK;

	while (!rc && text && *text) {
		struct given given = {.who = who, .key = pair};
		char *equals;

		text = vmsnd_pair_take(text, pair, sizeof(pair));
		if (!text)
			return complain_long(&given, error);
		equals = strchr(pair, '=');
		if (equals) {
			*equals = '\0';
			given.value = equals + 1;
		}
		rc = take(conf, &given, error);
	}
	return rc;
}

enum vmsnd_rc vmsnd_conf_parse(struct vmsnd_conf *conf, const struct vmsnd_option *table,
			       const char *who, const char *text, char *error, size_t error_bytes)
{
	struct vmsnd_error line;
	enum vmsnd_rc rc;

	conf_begin(conf, table);
	rc = take_all(conf, who, text, &line);
	if (rc)
		snprintf(error, error_bytes, "%s", line.line);
	return rc;
}

static bool is_in(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

enum vmsnd_rc vmsnd_conf_from_node(struct vmsnd_conf *conf, const struct vmsnd_option *table,
				   const struct vmsnd_conf_source *from, struct vmsnd_error *error)
{
	enum vmsnd_rc rc = VMSND_OK;

	conf_begin(conf, table);
	for (const struct vmsnd_entry *at = from->node->leaves.first; at && !rc; at = at->next) {
		const struct vmsnd_leaf *leaf = (const struct vmsnd_leaf *)at;

		if (!is_in(from->but, at->name))
			rc = take(
			    conf,
			    &(struct given){from->who, at->name, leaf->value.text, &leaf->place},
			    error);
	}
	return rc;
}

static const char *given_value(const struct vmsnd_conf *conf, const char *key)
{
	for (size_t i = 0; i < conf->n_pairs; i++)
		if (strcmp(conf->table[conf->pairs[i].option].key, key) == 0)
			return conf->text + conf->pairs[i].value_at;
	return NULL;
}

bool vmsnd_conf_given(const struct vmsnd_conf *conf, const char *key)
{
	return given_value(conf, key) != NULL;
}

const char *vmsnd_conf_text(const struct vmsnd_conf *conf, const char *key)
{
	const char *given = given_value(conf, key);

	if (given)
		return given;
	for (const struct vmsnd_option *row = conf->table; row->key; row++)
		if (strcmp(row->key, key) == 0)
			return row->value;
	return NULL;
}

/* What is asked for was checked when it came; a default was written by us. */
static struct vmsnd_value value_of(const struct vmsnd_conf *conf, const char *key)
{
	const char *text = vmsnd_conf_text(conf, key);
	struct vmsnd_value value = {.type = VMSND_VALUE_TEXT};

	if (text)
		vmsnd_value_of_word(text, &value);
	return value;
}

uint64_t vmsnd_conf_uint(const struct vmsnd_conf *conf, const char *key)
{
	struct vmsnd_value value = value_of(conf, key);
	uint64_t number;

	return vmsnd_value_as_uint(&value, &number) ? number : 0;
}

int64_t vmsnd_conf_int(const struct vmsnd_conf *conf, const char *key)
{
	struct vmsnd_value value = value_of(conf, key);
	int64_t number;

	return vmsnd_value_as_int(&value, &number) ? number : 0;
}

double vmsnd_conf_real(const struct vmsnd_conf *conf, const char *key)
{
	struct vmsnd_value value = value_of(conf, key);
	double number;

	return vmsnd_value_as_real(&value, &number) ? number : 0;
}

bool vmsnd_conf_bool(const struct vmsnd_conf *conf, const char *key)
{
	struct vmsnd_value value = value_of(conf, key);

	return value.type == VMSND_VALUE_BOOL && value.on;
}

size_t vmsnd_conf_bytes(const struct vmsnd_conf *conf, const char *key, void *bytes, size_t room)
{
	const char *text = vmsnd_conf_text(conf, key);
	size_t n;

	return text && vmsnd_base64_decode(text, bytes, room, &n) ? n : 0;
}
