/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void vmsnd_base64_encode(const void *bytes, size_t n, char *text)
{
	const uint8_t *in = bytes;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t three = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
				 (left > 2 ? in[i + 2] : 0u);

		*text++ = digits[three >> 18];
		*text++ = digits[three >> 12 & 63];
		*text++ = left > 1 ? digits[three >> 6 & 63] : '=';
		*text++ = left > 2 ? digits[three & 63] : '=';
	}
	*text = '\0';
}

/* Up to four characters that are no blanks; returns how many were left. */
static unsigned take_four(const char **text, char four[4])
{
	unsigned n = 0;

	for (; n < 4 && **text; ++*text)
		if (!strchr(" \t\r\n", **text))
			four[n++] = **text;
	return n;
}

/* How many bytes the four stand for, in the upper ones of *three; 0: they are no base64. */
static size_t value_of(const char four[4], uint32_t *three)
{
	size_t n = four[3] != '=' ? 3 : four[2] != '=' ? 2 : 1;

	*three = 0;
	for (unsigned i = 0; i < 4; i++) {
		const char *at = i > n ? digits : strchr(digits, four[i]);

		if (!at)
			return 0;
		*three = *three << 6 | (uint32_t)(at - digits);
	}
	return n < 3 && (*three & (n == 2 ? 0xffu : 0xffffu)) ? 0 : n;
}

bool vmsnd_base64_decode(const char *text, void *bytes, size_t room, size_t *n)
{
	uint8_t *out = bytes;
	size_t last = 3;
	unsigned taken;
	char four[4];

	for (*n = 0; (taken = take_four(&text, four)) > 0;) {
		uint32_t three;

		if (taken < 4 || last != 3) /* cut short, or something after the padding */
			return false;
		last = value_of(four, &three);
		if (last == 0)
			return false;
		for (unsigned i = 0; i < last; i++, ++*n)
			if (*n < room)
				out[*n] = (uint8_t)(three >> (16 - 8 * i));
	}
	return true;
}
