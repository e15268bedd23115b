/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdicts as text, TAP (version 13) or JSON. */
#ifndef VMSND_TESTS_CONFORMANCE_REPORT_H
#define VMSND_TESTS_CONFORMANCE_REPORT_H

#include "run.h"

enum format { FORMAT_TEXT, FORMAT_TAP, FORMAT_JSON };

struct report {
	enum format format;
	unsigned n, counts[VERDICTS];
};

const char *verdict_name(enum verdict verdict);
void report_begin(struct report *report, const struct run *run, unsigned n_rows);
void report_row(struct report *report, const struct run *run, int ms);
void report_end(struct report *report, int ms);
/* One line a row, of what there is. */
void report_list(const struct row *row);

#endif
