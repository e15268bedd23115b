/* SPDX-License-Identifier: BSD-3-Clause */
/* UTF-8 as RFC 3629 has it. */
#include "config/utf8.h"

/* Bytes of the character that begins with `first`; 0: none does. */
static size_t length_of(uint8_t first)
{
	if (first < 0x80)
		return first != 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static bool is_good_character(const uint8_t *bytes, size_t n)
{
	uint32_t character = n == 2 ? bytes[0] & 0x1fu : n == 3 ? bytes[0] & 0x0fu : bytes[0] & 7u;

	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return false;
		character = character << 6 | (bytes[i] & 0x3fu);
	}
	if (n == 3)
		return character >= 0x800 && (character < 0xd800 || character > 0xdfff);
	return n != 4 || (character >= 0x10000 && character <= 0x10ffff);
}

bool vmsnd_utf8_is_good(const char *text, size_t bytes)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + bytes;

	while (at < end) {
		size_t n = length_of(*at);

		if (n == 0 || n > (size_t)(end - at) || !is_good_character(at, n))
			return false;
		at += n;
	}
	return true;
}

size_t vmsnd_utf8_whole(const char *text, size_t bytes)
{
	size_t begin = bytes;

	while (begin > 0 && bytes - begin < 3 && ((uint8_t)text[begin - 1] & 0xc0) == 0x80)
		begin--;
	if (begin == 0 || (uint8_t)text[begin - 1] < 0xc0)
		return bytes;
	return length_of((uint8_t)text[begin - 1]) > bytes - begin + 1 ? begin - 1 : bytes;
}
