/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/pattern.h"

#include <string.h>

/* On a mismatch the last '*' takes one character more, and only the last: earlier ones need not. */
static bool fits(const char *at, const char *end, const char *word)
{
	const char *star = NULL, *from = NULL;

	while (*word) {
		if (at < end && *at == '*') {
			star = ++at;
			from = word;
		} else if (at < end && (*at == '?' || *at == *word)) {
			at++;
			word++;
		} else if (star) {
			at = star;
			word = ++from;
		} else {
			return false;
		}
	}
	while (at < end && *at == '*')
		at++;
	return at == end;
}

bool vmsnd_pattern_fits(const char *patterns, const char *word)
{
	for (;;) {
		const char *end = patterns + strcspn(patterns, "|"), *last = end;

		patterns += strspn(patterns, " ");
		while (last > patterns && last[-1] == ' ')
			last--;
		if (*word == '<' ? (size_t)(last - patterns) == strlen(word) &&
				       memcmp(patterns, word, strlen(word)) == 0
				 : last > patterns && fits(patterns, last, word))
			return true;
		if (!*end)
			return false;
		patterns = end + 1;
	}
}
