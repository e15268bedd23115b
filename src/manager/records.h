/* SPDX-License-Identifier: BSD-3-Clause */
/* The records that classes come as: four sorts, each of the same shape, and what may be wrong with
 * one. */
#ifndef VMSND_MANAGER_RECORDS_H
#define VMSND_MANAGER_RECORDS_H

#include "vmsnd/module.h"

enum vmsnd_sort {
	VMSND_SORT_DEVICE,
	VMSND_SORT_BACKEND,
	VMSND_SORT_DRIVER,
	VMSND_SORT_TRANSPORT,
	VMSND_SORT_COUNT
};

/* Rows of one table of options, its end not counted. */
#define VMSND_RECORD_OPTIONS_MAX 64u

/* "device": a constant word. */
const char *vmsnd_sort_name(enum vmsnd_sort sort);
/* VMSND_SORT_COUNT: no such sort. */
enum vmsnd_sort vmsnd_sort_of(const char *name);

/* Of a record that was checked. */
const char *vmsnd_record_name(enum vmsnd_sort sort, const void *record);
const struct vmsnd_option *vmsnd_record_options(enum vmsnd_sort sort, const void *record);

/* What exactly is wrong, for the log; "" when the fault says it all. */
struct vmsnd_record_detail {
	char name[VMSND_CLASS_NAME_BYTES]; /* "" while it cannot be trusted */
	char text[160];
};

/* All that a record by itself can have wrong: everything but duplicates. */
enum vmsnd_record_fault vmsnd_record_check(enum vmsnd_sort sort, const void *record,
					   struct vmsnd_record_detail *detail);
/* The first key that both tables have, NULL: none. Either may be NULL. */
const char *vmsnd_record_common_key(const struct vmsnd_option *a, const struct vmsnd_option *b);
size_t vmsnd_record_count_options(const struct vmsnd_option *table);

#endif
