/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/near.h"

#include <string.h>

#define BYTES_MAX 64u
/* Further away it is a guess, not a slip. */
#define DISTANCE_MAX 2u

/* Edit distance; names are short, so the plain table will do. */
static unsigned distance(const char *a, const char *b)
{
	size_t a_bytes = strlen(a), b_bytes = strlen(b);
	unsigned row[BYTES_MAX + 1];

	if (a_bytes > BYTES_MAX || b_bytes > BYTES_MAX)
		return BYTES_MAX;
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

struct vmsnd_near vmsnd_near_begin(const char *name)
{
	return (struct vmsnd_near){.name = name, .distance = 2 * (DISTANCE_MAX + 1)};
}

/* Of two as near, the one as long: letters change places more often than they are lost. */
void vmsnd_near_offer(struct vmsnd_near *near, const char *allowed)
{
	unsigned d = 2 * distance(allowed, near->name) + (strlen(allowed) != strlen(near->name));

	if (d < near->distance) {
		near->distance = d;
		near->best = allowed;
	}
}
