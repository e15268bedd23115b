/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/ctl_show.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 12u
#define CELL_BYTES  80u

/* ---- tables ---- */

struct row {
	char cells[COLUMNS_MAX][CELL_BYTES];
};

struct table {
	const char *const *titles;
	unsigned n_columns, n_rows, room;
	struct row *rows;
};

static struct row *add_row(struct table *table)
{
	struct row *rows;

	if (table->n_rows == table->room) {
		table->room = table->room ? 2 * table->room : 16;
		rows = realloc(table->rows, table->room * sizeof(*rows));
		if (!rows) {
			fputs("vmsnd ctl: out of memory\n", stderr);
			exit(1);
		}
		table->rows = rows;
	}
	memset(&table->rows[table->n_rows], 0, sizeof(*table->rows));
	return &table->rows[table->n_rows++];
}

/* A name comes from whoever configured it: nothing that moves a terminal's cursor passes. */
static void defuse(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 3, 4))) static void put(struct row *row, unsigned column,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->cells[column], CELL_BYTES, format, arguments);
	va_end(arguments);
	defuse(row->cells[column]);
}

static int width_of(const struct table *table, unsigned column)
{
	size_t width = strlen(table->titles[column]);

	for (unsigned i = 0; i < table->n_rows; i++)
		if (strlen(table->rows[i].cells[column]) > width)
			width = strlen(table->rows[i].cells[column]);
	return (int)width;
}

static void print_table(struct table *table)
{
	int widths[COLUMNS_MAX] = {0};

	/* Nothing is padded behind the last column. */
	for (unsigned c = 0; c + 1 < table->n_columns; c++)
		widths[c] = width_of(table, c);
	for (unsigned c = 0; c < table->n_columns; c++)
		printf("%s%-*s", c ? "  " : "", widths[c], table->titles[c]);
	putchar('\n');
	for (unsigned i = 0; i < table->n_rows; i++) {
		for (unsigned c = 0; c < table->n_columns; c++)
			printf("%s%-*s", c ? "  " : "", widths[c], table->rows[i].cells[c]);
		putchar('\n');
	}
	free(table->rows);
}

/* ---- members ---- */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_on(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- status ---- */

static void put_format(struct row *row, unsigned column, const json_t *format)
{
	if (json_is_object(format))
		put(row, column, "%s%s %lld/%lld", text(format, "sample"),
		    is_on(format, "big-endian") ? " BE" : "", (long long)number(format, "rate"),
		    (long long)number(format, "channels"));
	else
		put(row, column, "-");
}

static void put_latency(struct row *row, unsigned column, const json_t *stream)
{
	double now = (double)number(stream, "latency-ns") / 1e6;
	double least = (double)number(stream, "latency-min-ns") / 1e6;
	double most = (double)number(stream, "latency-max-ns") / 1e6;

	if (most > 0 && least <= most)
		put(row, column, "%.1f (%.1f-%.1f)", now, least, most);
	else
		put(row, column, "-");
}

static void put_volume(struct row *row, unsigned column, const json_t *volume)
{
	const json_t *muted = json_object_get(volume, "mute-channels");
	bool some = false;

	for (size_t i = 0; i < json_array_size(muted); i++)
		some = some || json_is_true(json_array_get(muted, i));
	put(row, column, "%.1f dB%s", json_number_value(json_object_get(volume, "gain-db")),
	    is_on(volume, "mute") ? ", muted"
	    : some                ? ", partly muted"
				  : "");
}

static void add_stream(struct table *table, const json_t *card, const json_t *stream)
{
	const json_t *guest = json_object_get(stream, "guest-format");
	const json_t *host = json_object_get(stream, "host-format");
	json_int_t rate = number(guest, "rate");
	struct row *row = add_row(table);

	put(row, 0, "%s", text(card, "name"));
	put(row, 1, "%s %lld", text(stream, "direction"), (long long)number(stream, "stream"));
	put(row, 2, "%lld %s", (long long)number(stream, "output"), text(stream, "backend"));
	put(row, 3, "%s", text(stream, "host"));
	put(row, 4, "%s", text(stream, "state"));
	put_format(row, 5, guest);
	put_format(row, 6, host);
	if (rate > 0)
		put(row, 7, "%.1f", (double)number(stream, "fill-frames") * 1e3 / (double)rate);
	else
		put(row, 7, "-");
	put_latency(row, 8, stream);
	put(row, 9, "%lld", (long long)number(stream, "xruns"));
	put(row, 10, "%.1f", json_number_value(json_object_get(stream, "drift-ppm")));
	put_volume(row, 11, json_object_get(stream, "volume"));
}

/* "; playback running"; a backend that does not tell has no second word. */
static void print_way(const json_t *output, const char *way, const char *status_key)
{
	const char *status = text(output, status_key);

	if (is_on(output, way))
		printf("; %s%s%s", way, strcmp(status, "unknown") != 0 ? " " : "",
		       strcmp(status, "unknown") != 0 ? status : "");
}

/* However long it is. */
static void print_text(const char *given)
{
	char *safe = strdup(given);

	if (safe)
		defuse(safe);
	printf("%s", safe ? safe : "-");
	free(safe);
}

static void show_tap(const json_t *tap)
{
	printf("  tap of %s %lld, %s: ", text(tap, "direction"), (long long)number(tap, "stream"),
	       text(tap, "point"));
	print_text(text(tap, "path"));
	putchar('\n');
}

static void show_output(const json_t *output)
{
	printf("  output %lld: ", (long long)number(output, "output"));
	print_text(text(output, "text"));
	print_way(output, "playback", "playback-status");
	print_way(output, "capture", "capture-status");
	puts(is_on(output, "present") ? "" : "; not there now");
}

static void show_card(const json_t *card)
{
	const json_t *outputs = json_object_get(card, "outputs");
	const json_t *taps = json_object_get(card, "taps");
	char name[CELL_BYTES];

	snprintf(name, sizeof(name), "%s", text(card, "name"));
	defuse(name);
	printf("card %lld, %s: playback %s, capture %s%s%s\n", (long long)number(card, "card"),
	       name, is_on(card, "playback") ? "on" : "off", is_on(card, "capture") ? "on" : "off",
	       is_on(card, "paused") ? ", paused" : "",
	       json_array_size(outputs) > 0 ? "" : "; no outputs");
	for (size_t i = 0; i < json_array_size(outputs); i++)
		show_output(json_array_get(outputs, i));
	for (size_t i = 0; i < json_array_size(taps); i++)
		show_tap(json_array_get(taps, i));
}

void vmsnd_ctl_show_status(const json_t *all)
{
	static const char *const titles[] = {"CARD",       "STREAM", "OUTPUT",    "HOST",
					     "STATE",      "GUEST",  "HOST'S",    "FILL ms",
					     "LATENCY ms", "XRUNS",  "DRIFT ppm", "VOLUME"};
	struct table table = {.titles = titles, .n_columns = 12};
	const json_t *status = json_object_get(all, "status");
	const json_t *version = json_object_get(json_object_get(all, "version"), "vmsnd");
	const json_t *cards = json_object_get(all, "cards");

	printf("vmsnd %lld.%lld.%lld, VMMs connected: %lld, left again: %lld\n",
	       (long long)number(version, "major"), (long long)number(version, "minor"),
	       (long long)number(version, "micro"), (long long)number(status, "connected"),
	       (long long)number(status, "sessions-ended"));
	for (size_t i = 0; i < json_array_size(cards); i++) {
		const json_t *card = json_array_get(cards, i);
		const json_t *streams = json_object_get(card, "streams");

		show_card(card);
		for (size_t j = 0; j < json_array_size(streams); j++)
			add_stream(&table, card, json_array_get(streams, j));
	}
	if (table.n_rows > 0) {
		putchar('\n');
		print_table(&table);
	}
}

/* ---- the others ---- */

void vmsnd_ctl_show_counters(const json_t *counters)
{
	json_t *all = (json_t *)(uintptr_t)counters; /* jansson's iterators are not for const */

	for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at))
		printf("%-40s %lld\n", json_object_iter_key(at),
		       (long long)json_integer_value(json_object_iter_value(at)));
}

void vmsnd_ctl_show_devices(const json_t *devices)
{
	static const char *const titles[] = {"ID", "PLAYBACK", "CAPTURE", "NAME"};
	struct table table = {.titles = titles, .n_columns = 4};

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		struct row *row = add_row(&table);

		put(row, 0, "%s", text(device, "id"));
		put(row, 1, "%lld%s", (long long)number(device, "playback-channels"),
		    is_on(device, "default-playback") ? ", default" : "");
		put(row, 2, "%lld%s", (long long)number(device, "capture-channels"),
		    is_on(device, "default-capture") ? ", default" : "");
		put(row, 3, "%s", text(device, "name"));
	}
	if (table.n_rows > 0)
		print_table(&table);
	else
		puts("this output's backend has no devices to choose from");
}

static void print_member(const char *key, const json_t *value)
{
	char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	/* Escaped as JSON has it, but for the quotes. */
	if (shown && json_is_string(value))
		printf(" %s=%.*s", key, (int)(strlen(shown) - 2), shown + 1);
	else
		printf(" %s=%s", key, shown ? shown : "?");
	free(shown);
}

void vmsnd_ctl_show_event(const json_t *event)
{
	json_t *data = json_object_get(event, "data");
	time_t when = (time_t)number(json_object_get(event, "timestamp"), "seconds");
	struct tm parts;
	char clock[16] = "";

	if (localtime_r(&when, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S ", &parts);
	printf("%s%s", clock, text(event, "event"));
	for (void *at = json_object_iter(data); at; at = json_object_iter_next(data, at))
		print_member(json_object_iter_key(at), json_object_iter_value(at));
	putchar('\n');
	fflush(stdout);
}

void vmsnd_ctl_show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
	putchar('\n');
	fflush(stdout);
}
