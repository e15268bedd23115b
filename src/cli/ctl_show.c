/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/ctl_show.h"

#include "cli/ctl_member.h"
#include "cli/table.h"
#include "vmsnd/types.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- status ---- */

static void put_format(struct vmsnd_cli_row *row, unsigned column, const json_t *format)
{
	if (json_is_object(format))
		vmsnd_cli_put(row, column, "%s%s %lld/%lld", text(format, "sample"),
			      is_on(format, "big-endian") ? " BE" : "",
			      (long long)number(format, "rate"),
			      (long long)number(format, "channels"));
	else
		vmsnd_cli_put(row, column, "-");
}

static void put_latency(struct vmsnd_cli_row *row, unsigned column, const json_t *stream)
{
	double now = (double)number(stream, "latency-ns") / 1e6;
	double least = (double)number(stream, "latency-min-ns") / 1e6;
	double most = (double)number(stream, "latency-max-ns") / 1e6;

	if (most > 0 && least <= most)
		vmsnd_cli_put(row, column, "%.1f (%.1f-%.1f)", now, least, most);
	else
		vmsnd_cli_put(row, column, "-");
}

/* "-6.0 dB, partly muted, input 1" */
static void say_volume(char *to, size_t bytes, const json_t *volume)
{
	const json_t *muted = json_object_get(volume, "mute-channels");
	const json_t *sources = json_object_get(volume, "sources");
	bool some = false;
	size_t at;

	for (size_t i = 0; i < json_array_size(muted); i++)
		some = some || json_is_true(json_array_get(muted, i));
	snprintf(to, bytes, "%.1f dB%s", json_number_value(json_object_get(volume, "gain-db")),
		 is_on(volume, "mute") ? ", muted"
		 : some                ? ", partly muted"
				       : "");
	for (size_t i = 0; i < json_array_size(sources); i++) {
		at = strlen(to);
		snprintf(to + at, bytes - at, "%s%lld", i ? "+" : ", input ",
			 (long long)json_integer_value(json_array_get(sources, i)));
	}
}

/* Nothing is said of a mixer that nobody has turned. */
static bool is_turned(const json_t *mixer)
{
	return json_number_value(json_object_get(mixer, "gain-db")) != 0 || is_on(mixer, "mute") ||
	       json_array_size(json_object_get(mixer, "channels-db")) > 0 ||
	       json_is_array(json_object_get(mixer, "sources"));
}

static void put_volume(struct vmsnd_cli_row *row, unsigned column, const json_t *stream)
{
	const json_t *mixer = json_object_get(stream, "mixer");
	char own[64], guest[64] = "";

	say_volume(own, sizeof(own), json_object_get(stream, "volume"));
	if (is_turned(mixer))
		say_volume(guest, sizeof(guest), mixer);
	vmsnd_cli_put(row, column, "%s%s%s", own, guest[0] ? "; guest " : "", guest);
}

static struct vmsnd_cli_row *stream_row(struct vmsnd_cli_table *table, const json_t *card,
					const json_t *stream)
{
	struct vmsnd_cli_row *row = vmsnd_cli_table_row(table);

	vmsnd_cli_put(row, 0, "%s", text(card, "name"));
	vmsnd_cli_put(row, 1, "%s %lld", text(stream, "direction"),
		      (long long)number(stream, "stream"));
	vmsnd_cli_put(row, 2, "%lld %s", (long long)number(stream, "output"),
		      text(stream, "backend"));
	return row;
}

static void add_stream(struct vmsnd_cli_table *table, const json_t *card, const json_t *stream)
{
	struct vmsnd_cli_row *row = stream_row(table, card, stream);

	vmsnd_cli_put(row, 3, "%s", text(stream, "host"));
	vmsnd_cli_put(row, 4, "%s", text(stream, "state"));
	put_format(row, 5, json_object_get(stream, "guest-format"));
	put_format(row, 6, json_object_get(stream, "host-format"));
	put_volume(row, 7, stream);
}

/* Of those that a host has ever had. */
static void add_figures(struct vmsnd_cli_table *table, const json_t *card, const json_t *stream)
{
	json_int_t rate = number(json_object_get(stream, "guest-format"), "rate");
	struct vmsnd_cli_row *row;

	if (number(stream, "opens") == 0)
		return;
	row = stream_row(table, card, stream);
	if (rate > 0)
		vmsnd_cli_put(row, 3, "%.1f",
			      (double)number(stream, "fill-frames") * 1e3 / (double)rate);
	else
		vmsnd_cli_put(row, 3, "-");
	put_latency(row, 4, stream);
	vmsnd_cli_put(row, 5, "%lld", (long long)number(stream, "xruns"));
	vmsnd_cli_put(row, 6, "%.1f", json_number_value(json_object_get(stream, "drift-ppm")));
}

/* "; playback running"; a backend that does not tell has no second word. */
static void print_way(const json_t *output, const char *way, const char *status_key)
{
	const char *status = text(output, status_key);

	if (is_on(output, way))
		printf("; %s%s%s", way, strcmp(status, "unknown") != 0 ? " " : "",
		       strcmp(status, "unknown") != 0 ? status : "");
}

/* In percent, too, as mixers of desktops show it. */
static void print_volume_there(const json_t *volume)
{
	double db = json_number_value(json_object_get(volume, "gain-db"));

	printf(", %.1f dB (%.0f%%) there%s", db,
	       db > VMSND_GAIN_MIN_MDB / 1000.0 ? 100.0 * pow(10.0, db / 60.0) : 0.0,
	       is_on(volume, "mute") ? ", muted there" : "");
}

/* Where the host has a stream, of those backends that tell: "playback 0: on Speakers (hw:0)". */
static void show_place(const json_t *stream)
{
	const json_t *place = json_object_get(stream, "place");
	const json_t *volume = json_object_get(place, "volume");
	const char *device, *name;

	if (!json_is_object(place))
		return;
	device = text(place, "device");
	name = text(place, "name");
	printf("    %s %lld: ", text(stream, "direction"), (long long)number(stream, "stream"));
	if (name[0] && device[0] && strcmp(name, device) != 0) {
		vmsnd_cli_print_text(name);
		printf(" (");
		vmsnd_cli_print_text(device);
		printf(")");
	} else {
		vmsnd_cli_print_text(name[0] ? name : device[0] ? device : "no device");
	}
	if (json_is_object(volume))
		print_volume_there(volume);
	if (number(place, "xruns") > 0)
		printf(", xruns there: %lld", (long long)number(place, "xruns"));
	putchar('\n');
}

static void show_tap(const json_t *tap)
{
	printf("  tap of %s %lld, %s: ", text(tap, "direction"), (long long)number(tap, "stream"),
	       text(tap, "point"));
	vmsnd_cli_print_text(text(tap, "path"));
	putchar('\n');
}

static void show_output(const json_t *output, const json_t *streams)
{
	const json_t *drivers = json_object_get(output, "drivers");

	printf("  output %lld: ", (long long)number(output, "output"));
	for (size_t i = 0; i < json_array_size(drivers); i++) {
		vmsnd_cli_print_text(json_string_value(json_array_get(drivers, i)));
		printf(" > ");
	}
	vmsnd_cli_print_text(text(output, "text"));
	print_way(output, "playback", "playback-status");
	print_way(output, "capture", "capture-status");
	puts(is_on(output, "present") ? "" : "; not there now");
	for (size_t i = 0; i < json_array_size(streams); i++)
		if (number(json_array_get(streams, i), "output") == number(output, "output"))
			show_place(json_array_get(streams, i));
}

static void show_guard(const json_t *card)
{
	json_int_t lost = number(card, "trace-lost");

	if (!is_on(card, "trusted"))
		printf("  not trusted: refused guest memory %lld times\n",
		       (long long)number(card, "refusals"));
	if (!json_is_string(json_object_get(card, "trace")))
		return;
	printf("  traced: %lld records, ", (long long)number(card, "trace-records"));
	if (lost > 0)
		printf("%lld lost, ", (long long)lost);
	vmsnd_cli_print_text(text(card, "trace"));
	putchar('\n');
}

static void show_card(const json_t *card)
{
	const json_t *outputs = json_object_get(card, "outputs");
	const json_t *taps = json_object_get(card, "taps");
	char name[VMSND_CLI_CELL_BYTES];

	snprintf(name, sizeof(name), "%s", text(card, "name"));
	vmsnd_cli_defuse(name);
	printf("card %lld, %s: playback %s, capture %s%s%s\n", (long long)number(card, "card"),
	       name, is_on(card, "playback") ? "on" : "off", is_on(card, "capture") ? "on" : "off",
	       is_on(card, "paused") ? ", paused" : "",
	       json_array_size(outputs) > 0 ? "" : "; no outputs");
	show_guard(card);
	for (size_t i = 0; i < json_array_size(outputs); i++)
		show_output(json_array_get(outputs, i), json_object_get(card, "streams"));
	for (size_t i = 0; i < json_array_size(taps); i++)
		show_tap(json_array_get(taps, i));
}

static void print_table(struct vmsnd_cli_table *table)
{
	if (table->n_rows == 0)
		return;
	putchar('\n');
	vmsnd_cli_table_print(table);
}

void vmsnd_ctl_show_status(const json_t *all)
{
	/* Two, so that neither is wider than a terminal. */
	static const char *const states[] = {"CARD",  "STREAM", "OUTPUT", "HOST",
					     "STATE", "GUEST",  "HOST'S", "VOLUME"};
	static const char *const figures[] = {"CARD",       "STREAM", "OUTPUT",   "FILL ms",
					      "LATENCY ms", "XRUNS",  "DRIFT ppm"};
	struct vmsnd_cli_table table = {.titles = states, .n_columns = 8};
	struct vmsnd_cli_table more = {.titles = figures, .n_columns = 7};
	const json_t *status = json_object_get(all, "status");
	const json_t *version = json_object_get(json_object_get(all, "version"), "vmsnd");
	const json_t *cards = json_object_get(all, "cards");

	printf("vmsnd %lld.%lld.%lld, %s, VMMs connected: %lld, left again: %lld\n",
	       (long long)number(version, "major"), (long long)number(version, "minor"),
	       (long long)number(version, "micro"), text(status, "status"),
	       (long long)number(status, "connected"), (long long)number(status, "sessions-ended"));
	if (number(status, "hiccups") > 0)
		printf("  held up more than 20 ms: %lld times\n",
		       (long long)number(status, "hiccups"));
	for (size_t i = 0; i < json_array_size(cards); i++) {
		const json_t *card = json_array_get(cards, i);
		const json_t *streams = json_object_get(card, "streams");

		show_card(card);
		for (size_t j = 0; j < json_array_size(streams); j++) {
			add_stream(&table, card, json_array_get(streams, j));
			add_figures(&more, card, json_array_get(streams, j));
		}
	}
	print_table(&table);
	print_table(&more);
}

static void put_channels(struct vmsnd_cli_row *row, unsigned column, const json_t *mixer)
{
	const json_t *gains = json_object_get(mixer, "channels-db");
	char line[VMSND_CLI_CELL_BYTES] = "";

	for (size_t i = 0; i < json_array_size(gains); i++) {
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%.1f", i ? " " : "",
			 json_number_value(json_array_get(gains, i)));
	}
	vmsnd_cli_put(row, column, "%s", line[0] ? line : "-");
}

void vmsnd_ctl_show_mixers(const json_t *mixers)
{
	static const char *const titles[] = {"STREAM", "MIXER", "CHANNELS dB"};
	struct vmsnd_cli_table table = {.titles = titles, .n_columns = 3};
	char line[64];

	for (size_t i = 0; i < json_array_size(mixers); i++) {
		const json_t *mixer = json_array_get(mixers, i);
		struct vmsnd_cli_row *row = vmsnd_cli_table_row(&table);

		say_volume(line, sizeof(line), mixer);
		vmsnd_cli_put(row, 0, "%s %lld", text(mixer, "direction"),
			      (long long)number(mixer, "stream"));
		vmsnd_cli_put(row, 1, "%s", line);
		put_channels(row, 2, mixer);
	}
	if (table.n_rows > 0)
		vmsnd_cli_table_print(&table);
}
