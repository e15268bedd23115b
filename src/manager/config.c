/* SPDX-License-Identifier: BSD-3-Clause */
/* Option text checked against a table: "key=value,key=value", a comma doubled inside a value. */
#include "vmsnd/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 64u

/* What a message is about, so that helpers stay within five parameters. */
struct complaint {
	const char *who;
	char *line;
	size_t bytes;
};

/* Edit distance, for "did you mean"; keys are short, so the plain table will do. */
static unsigned distance(const char *a, const char *b)
{
	size_t a_bytes = strlen(a), b_bytes = strlen(b);
	unsigned row[KEY_BYTES + 1];

	if (a_bytes > KEY_BYTES || b_bytes > KEY_BYTES)
		return KEY_BYTES;
	for (unsigned j = 0; j <= b_bytes; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_bytes; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_bytes; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[b_bytes];
}

static const char *nearest_key(const struct vmsnd_option *table, const char *key)
{
	const char *best = NULL;
	unsigned best_distance = 3; /* further away it is a guess, not a slip */

	for (; table->key; table++) {
		unsigned d = distance(table->key, key);

		if (d < best_distance) {
			best_distance = d;
			best = table->key;
		}
	}
	return best;
}

static enum vmsnd_rc complain_unknown(const struct complaint *to, const struct vmsnd_option *table,
				      const char *key)
{
	const char *near = nearest_key(table, key);
	size_t at = (size_t)snprintf(
	    to->line, to->bytes, "%s has no option '%s'%s%s%s; allowed:", to->who, key,
	    near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");

	for (; table->key && at < to->bytes; table++)
		at += (size_t)snprintf(to->line + at, to->bytes - at, " %s", table->key);
	return VMSND_E_INVALID;
}

static bool parse_uint(const char *text, uint64_t *value)
{
	uint64_t sum = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || sum > (UINT64_MAX - 9) / 10)
			return false;
		sum = sum * 10 + (uint64_t)(*text - '0');
	}
	*value = sum;
	return true;
}

static bool parse_bool(const char *text, bool *value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"on", true},   {"yes", true}, {"true", true},
		     {"off", false}, {"no", false}, {"false", false}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static enum vmsnd_rc check_value(const struct complaint *to, const struct vmsnd_option *option,
				 const char *value)
{
	uint64_t number;
	bool truth;

	if (option->type == VMSND_OPTION_BOOL && !parse_bool(value, &truth)) {
		snprintf(to->line, to->bytes, "%s: %s=%s is neither on nor off", to->who,
			 option->key, value);
		return VMSND_E_INVALID;
	}
	if (option->type == VMSND_OPTION_UINT &&
	    (!parse_uint(value, &number) || number < option->minimum || number > option->maximum)) {
		snprintf(to->line, to->bytes, "%s: %s=%s is not a number from %llu to %llu",
			 to->who, option->key, value, (unsigned long long)option->minimum,
			 (unsigned long long)option->maximum);
		return VMSND_E_INVALID;
	}
	return VMSND_OK;
}

/* Copies one "key=value" from `text` to `pair` with doubled commas undone; returns where the
 * next one begins, or NULL when it does not fit. */
static const char *take_pair(const char *text, char *pair, size_t bytes)
{
	size_t at = 0;

	while (*text) {
		if (*text == ',' && text[1] != ',')
			break;
		if (*text == ',')
			text++;
		if (at + 1 >= bytes)
			return NULL;
		pair[at++] = *text++;
	}
	pair[at] = '\0';
	return *text ? text + 1 : text;
}

static enum vmsnd_rc store(struct vmsnd_conf *conf, size_t option, const char *value,
			   const struct complaint *to)
{
	size_t bytes = strlen(value) + 1;

	if (conf->n_pairs == VMSND_CONF_PAIRS_MAX ||
	    bytes > sizeof(conf->text) - conf->text_bytes) {
		snprintf(to->line, to->bytes, "%s: the options are too long", to->who);
		return VMSND_E_INVALID;
	}
	memcpy(conf->text + conf->text_bytes, value, bytes);
	conf->pairs[conf->n_pairs].option = (uint16_t)option;
	conf->pairs[conf->n_pairs].value_at = (uint16_t)conf->text_bytes;
	conf->text_bytes += bytes;
	conf->n_pairs++;
	return VMSND_OK;
}

static enum vmsnd_rc take(struct vmsnd_conf *conf, char *pair, const struct complaint *to)
{
	char *equals = strchr(pair, '=');
	const char *value = equals ? equals + 1 : NULL;
	const struct vmsnd_option *row = conf->table;
	enum vmsnd_rc rc;

	if (equals)
		*equals = '\0';
	while (row->key && strcmp(row->key, pair) != 0)
		row++;
	if (!row->key)
		return complain_unknown(to, conf->table, pair);
	if (vmsnd_conf_given(conf, pair)) {
		snprintf(to->line, to->bytes, "%s: %s is given twice", to->who, pair);
		return VMSND_E_INVALID;
	}
	if (!value || !*value) {
		snprintf(to->line, to->bytes, "%s: %s needs a value: %s=...", to->who, pair, pair);
		return VMSND_E_INVALID;
	}
	rc = check_value(to, row, value);
	return rc ? rc : store(conf, (size_t)(row - conf->table), value, to);
}

enum vmsnd_rc vmsnd_conf_parse(struct vmsnd_conf *conf, const struct vmsnd_option *table,
			       const char *who, const char *text, char *error, size_t error_bytes)
{
	static const struct vmsnd_option none[] = {{.key = NULL}};
	const struct complaint to = {who, error, error_bytes};
	char pair[VMSND_CONF_TEXT_BYTES];

	*conf = (struct vmsnd_conf){.table = table ? table : none};
	while (text && *text) {
		enum vmsnd_rc rc;

		text = take_pair(text, pair, sizeof(pair));
		if (!text) {
			snprintf(error, error_bytes, "%s: the options are too long", who);
			return VMSND_E_INVALID;
		}
		rc = take(conf, pair, &to);
		if (rc)
			return rc;
	}
	return VMSND_OK;
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

uint64_t vmsnd_conf_uint(const struct vmsnd_conf *conf, const char *key)
{
	const char *text = vmsnd_conf_text(conf, key);
	uint64_t value = 0;

	return text && parse_uint(text, &value) ? value : 0;
}

bool vmsnd_conf_bool(const struct vmsnd_conf *conf, const char *key)
{
	const char *text = vmsnd_conf_text(conf, key);
	bool value = false;

	return text && parse_bool(text, &value) && value;
}
