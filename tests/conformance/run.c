/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void judge(struct run *run, enum verdict verdict, const char *format, va_list args)
{
	if (verdict <= run->verdict && run->verdict != VERDICT_PASS)
		return;
	run->verdict = verdict;
	vsnprintf(run->text, sizeof(run->text), format, args);
}

bool run_expect(struct run *run, bool holds, const char *format, ...)
{
	bool orders = run->row->kind == 'M' || run->row->kind == 'F';
	va_list args;

	va_start(args, format);
	if (!holds)
		judge(run, orders ? VERDICT_FAIL : VERDICT_WARN, format, args);
	va_end(args);
	return holds;
}

bool run_must(struct run *run, bool holds, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!holds)
		judge(run, VERDICT_FAIL, format, args);
	va_end(args);
	return holds;
}

bool run_should(struct run *run, bool holds, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!holds)
		judge(run, VERDICT_WARN, format, args);
	va_end(args);
	return holds;
}

void run_skip(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	judge(run, VERDICT_SKIP, format, args);
	va_end(args);
}

void run_note(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (run->verdict == VERDICT_PASS)
		vsnprintf(run->text, sizeof(run->text), format, args);
	va_end(args);
}

uint64_t run_features(const struct run *run)
{
	bool ctls = (run->row->needs & NEED_CTLS) == NEED_CTLS;

	return F_VERSION_1 | F_INDIRECT | (ctls ? F_CTLS : 0);
}

void run_forget_messages(struct run *run)
{
	memset(run->messages, 0, sizeof(run->messages));
}

bool run_session(struct run *run, uint64_t features)
{
	struct front *front = run->front;

	run_forget_messages(run);
	return run_must(
	    run, front_connect(front) && front_accept(front, features) && front_start(front, 0),
	    "%s", front->why);
}

const struct row_table *run_table(unsigned index)
{
	static const struct row_table *const tables[] = {
	    &rows_config, &rows_control, &rows_info,  &rows_params, &rows_life,  &rows_data,
	    &rows_stream, &rows_ring,    &rows_event, &rows_ctl,    &rows_value, &rows_hostile};

	return index < sizeof(tables) / sizeof(tables[0]) ? tables[index] : NULL;
}
