/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[] = {"PASS", "WARN", "SKIP", "FAIL"};

const char *verdict_name(enum verdict verdict)
{
	return names[verdict];
}

static void put_json(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* ---- the three forms ------------------------------------------------------------------------ */

static void begin_text(const struct run *run)
{
	const struct front *front = run->front;

	printf("virtio-snd at %s: features 0x%" PRIx64 ", %u streams, %u jacks, %u channel maps, "
	       "%u controls\n",
	       front->path, front->offered, front->config.streams, front->config.jacks,
	       front->config.chmaps, front->config.controls);
}

static void begin_json(const struct run *run)
{
	const struct front *front = run->front;

	printf("{\"program\":\"vmsnd-conformance\",\"version\":\"" VMSND_VERSION "\",\"socket\":");
	put_json(front->path);
	printf(",\"features\":\"0x%" PRIx64 "\",\"protocol_features\":\"0x%" PRIx64 "\",",
	       front->offered, front->protocol);
	printf("\"config\":{\"jacks\":%u,\"streams\":%u,\"chmaps\":%u,\"controls\":%u},\"rows\":[",
	       front->config.jacks, front->config.streams, front->config.chmaps,
	       front->config.controls);
}

void report_begin(struct report *report, const struct run *run, unsigned n_rows)
{
	if (report->format == FORMAT_TEXT)
		begin_text(run);
	else if (report->format == FORMAT_TAP)
		printf("TAP version 13\n1..%u\n", n_rows);
	else
		begin_json(run);
}

static void row_text(const struct run *run)
{
	const struct row *row = run->row;

	char name[64];

	snprintf(name, sizeof(name), "%s/%s", row->id, row->name);
	printf("%s  %-16s %c  %s\n", names[run->verdict], name, row->kind, row->title);
	if (run->text[0])
		printf("      %s\n", run->text);
}

/* A WARN is no failure to those who count: TAP's word for it is a todo. */
static void row_tap(const struct report *report, const struct run *run)
{
	const struct row *row = run->row;

	printf("%s %u - %s/%s %s", run->verdict >= VERDICT_FAIL ? "not ok" : "ok", report->n,
	       row->id, row->name, row->title);
	if (run->verdict == VERDICT_SKIP)
		printf(" # SKIP %s", run->text);
	putchar('\n');
	if (run->text[0] && run->verdict != VERDICT_SKIP)
		printf("# %s: %s\n", names[run->verdict], run->text);
}

static void row_json(const struct report *report, const struct run *run, int ms)
{
	const struct row *row = run->row;

	printf("%s\n{\"row\":\"%s\",\"name\":\"%s\",\"kind\":\"%c\",\"title\":",
	       report->n > 1 ? "," : "", row->id, row->name, row->kind);
	put_json(row->title);
	printf(",\"verdict\":\"%s\",\"text\":", names[run->verdict]);
	put_json(run->text);
	printf(",\"ms\":%d}", ms);
}

void report_row(struct report *report, const struct run *run, int ms)
{
	report->n++;
	report->counts[run->verdict]++;
	if (report->format == FORMAT_TEXT)
		row_text(run);
	else if (report->format == FORMAT_TAP)
		row_tap(report, run);
	else
		row_json(report, run, ms);
	fflush(stdout);
}

void report_end(struct report *report, int ms)
{
	const unsigned *counts = report->counts;

	if (report->format == FORMAT_JSON)
		printf("\n],\"pass\":%u,\"warn\":%u,\"skip\":%u,\"fail\":%u,\"ms\":%d}\n",
		       counts[VERDICT_PASS], counts[VERDICT_WARN], counts[VERDICT_SKIP],
		       counts[VERDICT_FAIL], ms);
	else
		printf("%s%u PASS, %u WARN, %u SKIP, %u FAIL in %d.%d s\n",
		       report->format == FORMAT_TAP ? "# " : "", counts[VERDICT_PASS],
		       counts[VERDICT_WARN], counts[VERDICT_SKIP], counts[VERDICT_FAIL], ms / 1000,
		       ms % 1000 / 100);
	fflush(stdout);
}

void report_list(const struct row *row)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", row->id, row->name);
	printf("%-16s %c  %s%s\n", name, row->kind, row->title,
	       row->needs & HOSTILE ? " (hostile)" : "");
}
