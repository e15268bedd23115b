/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd trace: prints what `trace=` of a card has recorded. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "manager/trace_format.h"
#include "vmsnd/device.h"
#include "vmsnd/transport.h"

#define LINE_BYTES 512u
#define DEPTH_MAX  32u
#define US         1000u

struct wish {
	const char *file, *only; /* only NULL: all */
	uint64_t limit;          /* records; 0: all */
};

struct printer {
	const struct wish *wish;
	FILE *from;
	uint64_t number, shown;
	vmsnd_ns first, last;
	unsigned depth;
	/* A call into the device, not printed yet: if nothing follows within, it is one line. */
	bool held;
	struct vmsnd_trace_record hold;
};

/* ---- one record as words ---- */

static size_t append(char *line, size_t used, const char *text)
{
	int n = snprintf(line + used, LINE_BYTES - used, "%s", text);

	return n < 0 || (size_t)n >= LINE_BYTES - used ? LINE_BYTES - 1 : used + (size_t)n;
}

static const char *reset_word(uint64_t value)
{
	static const char *const words[] = {[VMSND_RESET_POWER_ON] = "power-on",
					    [VMSND_RESET_BUS] = "bus",
					    [VMSND_RESET_PEER_LOST] = "peer-lost",
					    [VMSND_RESET_SHUTDOWN] = "shutdown"};

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : "?";
}

static const char *rights_word(uint64_t value)
{
	static const char *const words[] = {"-", "r", "w", "rw"};

	return value < sizeof(words) / sizeof(words[0]) ? words[value] : "?";
}

static const char *rc_word(uint64_t value)
{
	return value == 0 ? "ok" : vmsnd_rc_text((enum vmsnd_rc)(int)(int64_t)value);
}

/* "never", "now" or how long from the record's time on. */
static void time_text(uint64_t value, vmsnd_ns now, char *text, size_t bytes)
{
	if (value == VMSND_NEVER)
		snprintf(text, bytes, "never");
	else if (value <= now)
		snprintf(text, bytes, "now");
	else
		snprintf(text, bytes, "in %" PRIu64 ".%06" PRIu64 " s",
			 (value - now) / VMSND_NS_PER_SECOND,
			 (value - now) % VMSND_NS_PER_SECOND / US);
}

/* Numbers that are none of an enumeration's. */
static const char *listed(uint64_t value, uint64_t count, const char *word)
{
	return value < count ? word : "?";
}

static const char *word_of(enum vmsnd_trace_form form, uint64_t value)
{
	unsigned small = value < 256 ? (unsigned)value : 255;

	switch (form) {
	case VMSND_TRACE_FORM_RC:
		return rc_word(value);
	case VMSND_TRACE_FORM_RIGHTS:
		return rights_word(value);
	case VMSND_TRACE_FORM_RESET:
		return reset_word(value);
	case VMSND_TRACE_FORM_BOOL:
		return value ? "yes" : "no";
	case VMSND_TRACE_FORM_SAMPLE:
		return vmsnd_sample_name((enum vmsnd_sample)small);
	case VMSND_TRACE_FORM_LIFE:
		return listed(value, VMSND_LIFE_COUNT,
			      value < VMSND_LIFE_COUNT ? vmsnd_life_name((enum vmsnd_life)small)
						       : "");
	case VMSND_TRACE_FORM_FAULT:
		return listed(value, VMSND_FAULT_COUNT,
			      value < VMSND_FAULT_COUNT ? vmsnd_fault_text((enum vmsnd_fault)small)
							: "");
	default:
		return NULL;
	}
}

static void value_text(enum vmsnd_trace_form form, uint64_t value, vmsnd_ns now, char *text,
		       size_t bytes)
{
	const char *word = word_of(form, value);

	if (word)
		snprintf(text, bytes, "%s", word);
	else if (form == VMSND_TRACE_FORM_TIME)
		time_text(value, now, text, bytes);
	else
		snprintf(text, bytes, form == VMSND_TRACE_FORM_HEX ? "0x%" PRIx64 : "%" PRIu64,
			 value);
}

static size_t append_index(const struct vmsnd_trace_record *record,
			   const struct vmsnd_trace_kind *kind, char *line, size_t used)
{
	char text[64];

	if (!kind->index)
		return used;
	if (strncmp(kind->name, "port.", 5) == 0)
		snprintf(text, sizeof(text), " %s%" PRIu32,
			 record->dir == VMSND_PLAYBACK ? "playback" : "capture", record->index);
	else
		snprintf(text, sizeof(text), " %s=%" PRIu32, kind->index, record->index);
	return append(line, used, text);
}

static size_t append_arguments(const struct vmsnd_trace_record *record,
			       const struct vmsnd_trace_kind *kind, char *line, size_t used)
{
	char value[96], text[160];

	for (unsigned i = 0; i < VMSND_TRACE_ARGS && kind->args[i].name; i++) {
		value_text(kind->args[i].form, record->args[i], record->time, value, sizeof(value));
		snprintf(text, sizeof(text), " %s=%s", kind->args[i].name, value);
		used = append(line, used, text);
	}
	return used;
}

static size_t append_result(const struct vmsnd_trace_record *record,
			    const struct vmsnd_trace_kind *kind, char *line, size_t used)
{
	char value[96], text[128];

	if (kind->result == VMSND_TRACE_FORM_NONE)
		return used;
	value_text(kind->result, record->result, record->time, value, sizeof(value));
	snprintf(text, sizeof(text), " -> %s", value);
	return append(line, used, text);
}

/* ---- lines ---- */

static void print_line(struct printer *printer, const struct vmsnd_trace_record *record,
		       const char *what)
{
	vmsnd_ns since = record->time - printer->first, delta = record->time - printer->last;
	unsigned depth = printer->depth < DEPTH_MAX ? printer->depth : DEPTH_MAX;

	printf("%6" PRIu64 ".%06" PRIu64 " +%" PRIu64 ".%06" PRIu64 " %*s%s\n",
	       since / VMSND_NS_PER_SECOND, since % VMSND_NS_PER_SECOND / US,
	       delta / VMSND_NS_PER_SECOND, delta % VMSND_NS_PER_SECOND / US, (int)(2 * depth), "",
	       what);
	printer->last = record->time;
}

/* `end`: a call without anything within, or not one into the device at all. */
static void print_call(struct printer *printer, const struct vmsnd_trace_record *record, bool end)
{
	const struct vmsnd_trace_kind *kind = vmsnd_trace_kind(record->what);
	char line[LINE_BYTES] = "";
	size_t used = append(line, 0, kind->name);

	used = append_index(record, kind, line, used);
	used = append_arguments(record, kind, line, used);
	used = end ? append_result(record, kind, line, used) : append(line, used, " {");
	print_line(printer, record, line);
}

static void print_end(struct printer *printer, const struct vmsnd_trace_record *record)
{
	const struct vmsnd_trace_kind *kind = vmsnd_trace_kind(record->what);
	char line[LINE_BYTES] = "} ";

	append_result(record, kind, line, append(line, 2, kind->name));
	print_line(printer, record, line);
}

static void let_go(struct printer *printer)
{
	if (!printer->held)
		return;
	printer->held = false;
	print_call(printer, &printer->hold, false);
	printer->depth++;
}

static void print_record(struct printer *printer, const struct vmsnd_trace_record *record)
{
	bool closes = record->phase == VMSND_TRACE_LEAVE;

	if (closes && printer->held && printer->hold.what == record->what) {
		printer->held = false;
		print_call(printer, record, true);
		return;
	}
	let_go(printer);
	if (record->phase == VMSND_TRACE_ENTER) {
		printer->hold = *record;
		printer->held = true;
	} else if (closes) {
		printer->depth -= printer->depth > 0;
		print_end(printer, record);
	} else {
		print_call(printer, record, true);
	}
}

/* ---- the file ---- */

/* Whether a list "port,mem" holds what comes before the dot of a name. */
static bool is_listed(const char *list, const char *name)
{
	size_t bytes = strcspn(name, ".");

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == bytes && memcmp(list, name, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static bool is_wanted(const struct printer *printer, const struct vmsnd_trace_record *record)
{
	return !printer->wish->only || record->what == VMSND_TRACE_GAP ||
	       is_listed(printer->wish->only, vmsnd_trace_kind(record->what)->name);
}

static int fail(const struct wish *wish, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "vmsnd trace: %s: %s\n", wish->file, why);
	return VMSND_EXIT_FAILED;
}

static int print_header(struct printer *printer)
{
	uint8_t bytes[VMSND_TRACE_HEADER_BYTES];
	struct vmsnd_trace_header header;
	char why[96];

	if (fread(bytes, sizeof(bytes), 1, printer->from) != 1)
		return fail(printer->wish, ferror(printer->from)
					       ? strerror(errno)
					       : "it is no trace: it is too short for one");
	switch (vmsnd_trace_header_unpack(bytes, &header)) {
	case VMSND_TRACE_HEADER_FOREIGN:
		return fail(printer->wish, "it is no trace of vmsnd");
	case VMSND_TRACE_HEADER_VERSION:
		snprintf(why, sizeof(why), "it is of version %u.%u; this program reads version %u",
			 header.major, header.minor, VMSND_TRACE_MAJOR);
		return fail(printer->wish, why);
	default:
		printf("card %s, %s\n", header.card, header.cls);
		return VMSND_EXIT_DONE;
	}
}

/* VMSND_EXIT_DONE at the end of the file, too, and *more false then. */
static int print_next(struct printer *printer, bool *more)
{
	uint8_t bytes[VMSND_TRACE_RECORD_BYTES];
	size_t n = fread(bytes, 1, sizeof(bytes), printer->from);
	struct vmsnd_trace_record record;
	char why[96];

	*more = n > 0;
	if (n == 0 && !ferror(printer->from))
		return VMSND_EXIT_DONE;
	if (ferror(printer->from))
		return fail(printer->wish, strerror(errno));
	printer->number++;
	if (n < sizeof(bytes) || !vmsnd_trace_unpack(bytes, &record) ||
	    record.time < printer->last) {
		let_go(printer);
		snprintf(why, sizeof(why), "it %s record %" PRIu64,
			 n < sizeof(bytes) ? "ends within" : "is damaged at", printer->number);
		return fail(printer->wish, why);
	}
	if (printer->number == 1)
		printer->first = printer->last = record.time;
	if (is_wanted(printer, &record)) {
		print_record(printer, &record);
		printer->shown++;
	}
	*more = printer->wish->limit == 0 || printer->shown < printer->wish->limit;
	return VMSND_EXIT_DONE;
}

static int print_file(const struct wish *wish)
{
	struct printer printer = {.wish = wish, .from = fopen(wish->file, "rb")};
	bool more = true;
	int result;

	if (!printer.from)
		return fail(wish, strerror(errno));
	result = print_header(&printer);
	while (result == VMSND_EXIT_DONE && more)
		result = print_next(&printer, &more);
	if (result == VMSND_EXIT_DONE)
		let_go(&printer);
	fclose(printer.from);
	return result;
}

/* ---- the command ---- */

static bool only_fits(const char *only)
{
	while (*only) {
		size_t n = strcspn(only, ",");
		char part[16];

		snprintf(part, sizeof(part), "%.*s", (int)(n < sizeof(part) ? n : 0), only);
		if (n == 0 || !is_listed("dev,port,mem,irq,fault", part))
			return false;
		only += n + (only[n] == ',');
	}
	return true;
}

static bool read_limit(const char *text, uint64_t *limit)
{
	char *end;

	errno = 0;
	*limit = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *limit > 0;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct wish wish = {.file = NULL};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			wish.only = argv[++i];
			if (!only_fits(wish.only))
				return vmsnd_cli_usage(
				    self, "--only takes a list of dev, port, mem, irq and fault");
		} else if (strcmp(argv[i], "--limit") == 0 && i + 1 < argc) {
			if (!read_limit(argv[++i], &wish.limit))
				return vmsnd_cli_usage(self, "--limit takes a number from 1 on");
		} else if (argv[i][0] == '-') {
			return vmsnd_cli_bad_option(self, argv[i],
						    strcmp(argv[i], "--only") == 0 ||
							strcmp(argv[i], "--limit") == 0);
		} else if (wish.file) {
			return vmsnd_cli_usage(self, "it takes one file");
		} else {
			wish.file = argv[i];
		}
	}
	return wish.file ? print_file(&wish) : vmsnd_cli_usage(self, "it takes a file");
}

const struct vmsnd_command vmsnd_command_trace = {
    .name = "trace",
    .summary = "prints what a card's device did, from a file that trace= wrote",
    .help = "Usage: vmsnd trace [--only LIST] [--limit N] FILE\n\n"
	    "Prints a trace, a line for each call: the time since the first, the time since\n"
	    "the line before, the call with its arguments, and how it ended. Calls into the\n"
	    "device are in braces around what the device did in them.\n\n"
	    "  --only LIST   only these, with commas between: dev, port, mem, irq, fault\n"
	    "  --limit N     no more than N records\n\n"
	    "Example:\n"
	    "  vmsnd serve -d virtio-snd,socket=vm1.sock,trace=vm1.trace\n"
	    "  vmsnd trace --only dev,irq vm1.trace\n",
    .run = run,
};
