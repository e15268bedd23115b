/* SPDX-License-Identifier: BSD-3-Clause */
/* Words as values and values as words. */
#include "config/word.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	bool on;
} switches[] = {
    {"on", true},     {"On", true},     {"ON", true},     {"off", false}, {"Off", false},
    {"OFF", false},   {"yes", true},    {"Yes", true},    {"YES", true},  {"no", false},
    {"No", false},    {"NO", false},    {"true", true},   {"True", true}, {"TRUE", true},
    {"false", false}, {"False", false}, {"FALSE", false},
};

static bool read_switch(const char *word, struct vmsnd_value *value)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(word, switches[i].word) == 0) {
			value->type = VMSND_VALUE_BOOL;
			value->on = switches[i].on;
			return true;
		}
	}
	return false;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

static bool read_digits(const char *digits, unsigned base, uint64_t *out)
{
	uint64_t sum = 0;

	if (!*digits)
		return false;
	for (; *digits; digits++) {
		unsigned digit = digit_of(*digits);

		if (digit >= base || sum > (UINT64_MAX - digit) / base)
			return false;
		sum = sum * base + digit;
	}
	*out = sum;
	return true;
}

static bool read_whole(const char *word, struct vmsnd_value *value)
{
	bool below = *word == '-', hex = strncmp(word, "0x", 2) == 0;
	uint64_t number;

	if (!read_digits(word + (hex ? 2 : below || *word == '+'), hex ? 16 : 10, &number))
		return false;
	if (!below || number == 0) {
		value->type = VMSND_VALUE_UINT;
		value->uint = number;
		return true;
	}
	if (number > (uint64_t)INT64_MAX + 1)
		return false;
	value->type = VMSND_VALUE_INT;
	value->sint = -(int64_t)(number - 1) - 1;
	return true;
}

static const char *skip_digits(const char *at)
{
	while (*at >= '0' && *at <= '9')
		at++;
	return at;
}

/* [-+]? ( . [0-9]+ | [0-9]+ ( . [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *at)
{
	const char *begin;
	size_t digits;

	at += *at == '-' || *at == '+';
	begin = at;
	at = skip_digits(at);
	digits = (size_t)(at - begin);
	if (*at == '.') {
		begin = at + 1;
		at = skip_digits(begin);
		digits += (size_t)(at - begin);
	}
	if (digits == 0)
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		begin = at;
		at = skip_digits(at);
		if (at == begin)
			return false;
	}
	return *at == '\0';
}

/* Whatever locale the program has set, a file's decimal point is a point. */
static locale_t plain_locale(void)
{
	locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);

	return plain ? uselocale(plain) : (locale_t)0;
}

static void locale_back(locale_t before)
{
	if (before)
		freelocale(uselocale(before));
}

static bool read_special(const char *word, double *out)
{
	bool below = *word == '-';
	const char *rest = word + (below || *word == '+');

	if (strcmp(rest, ".inf") == 0 || strcmp(rest, ".Inf") == 0 || strcmp(rest, ".INF") == 0) {
		*out = below ? -(double)INFINITY : (double)INFINITY;
		return true;
	}
	*out = (double)NAN;
	return strcmp(word, ".nan") == 0 || strcmp(word, ".NaN") == 0 || strcmp(word, ".NAN") == 0;
}

static bool read_real(const char *word, struct vmsnd_value *value)
{
	if (!read_special(word, &value->real)) {
		locale_t before;

		value->real = 0;
		if (!is_real(word))
			return false;
		before = plain_locale();
		value->real = strtod(word, NULL);
		locale_back(before);
	}
	value->type = VMSND_VALUE_REAL;
	return true;
}

void vmsnd_value_of_word(const char *word, struct vmsnd_value *value)
{
	*value = (struct vmsnd_value){.type = VMSND_VALUE_TEXT, .text = word};
	if (!read_switch(word, value) && !read_whole(word, value))
		read_real(word, value);
}

static void spell_real(double real, char room[VMSND_WORD_BYTES])
{
	locale_t before;

	if (real != real || real - real != 0) {
		snprintf(room, VMSND_WORD_BYTES, "%s",
			 real != real ? ".nan"
			 : real < 0   ? "-.inf"
				      : ".inf");
		return;
	}
	before = plain_locale();
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(room, VMSND_WORD_BYTES, "%.*g", digits, real);
		if (strtod(room, NULL) == real)
			break;
	}
	locale_back(before);
	if (!strpbrk(room, ".e")) /* or it would read back as a whole number */
		memcpy(room + strlen(room), ".0", 3);
}

const char *vmsnd_word_of(const struct vmsnd_value *value, char room[VMSND_WORD_BYTES])
{
	switch (value->type) {
	case VMSND_VALUE_UINT:
		snprintf(room, VMSND_WORD_BYTES, "%llu", (unsigned long long)value->uint);
		return room;
	case VMSND_VALUE_INT:
		snprintf(room, VMSND_WORD_BYTES, "%lld", (long long)value->sint);
		return room;
	case VMSND_VALUE_REAL:
		spell_real(value->real, room);
		return room;
	default:
		return value->on ? "true" : "false";
	}
}

bool vmsnd_value_as_uint(const struct vmsnd_value *value, uint64_t *out)
{
	if (value->type != VMSND_VALUE_UINT)
		return false;
	*out = value->uint;
	return true;
}

bool vmsnd_value_as_int(const struct vmsnd_value *value, int64_t *out)
{
	if (value->type == VMSND_VALUE_INT)
		*out = value->sint;
	else if (value->type == VMSND_VALUE_UINT && value->uint <= (uint64_t)INT64_MAX)
		*out = (int64_t)value->uint;
	else
		return false;
	return true;
}

bool vmsnd_value_as_real(const struct vmsnd_value *value, double *out)
{
	double real = value->type == VMSND_VALUE_UINT  ? (double)value->uint
		      : value->type == VMSND_VALUE_INT ? (double)value->sint
						       : value->real;

	/* 2 to the 64th and minus 2 to the 63rd: the way back would overflow at the first. */
	if (value->type == VMSND_VALUE_UINT && (real >= 0x1p64 || (uint64_t)real != value->uint))
		return false;
	if (value->type == VMSND_VALUE_INT && (int64_t)real != value->sint)
		return false;
	if (value->type == VMSND_VALUE_BOOL || value->type == VMSND_VALUE_TEXT ||
	    value->type == VMSND_VALUE_BYTES)
		return false;
	*out = real;
	return true;
}
