/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd check: one backend is opened, asked and closed, on a thread of its own: whatever hangs
 * there holds up nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/check.h"
#include "control/facts.h"
#include "manager/output.h"
#include "os/clock.h"

#define LINE_BYTES 256u
#define TABLE_MAX  64u

struct vmsnd_check_host {
	const struct vmsnd_backend_class *cls;
	struct vmsnd_option table[TABLE_MAX + 1];
	struct vmsnd_conf conf;
	char text[VMSND_CONF_TEXT_BYTES];
	bool with_tone;
	struct vmsnd_log log;

	pthread_mutex_t lock; /* over all below */
	pthread_cond_t ended;
	unsigned users; /* who frees it: the last one */
	bool done, opened, taken;
	struct vmsnd_fact facts[VMSND_HOST_FACTS_MAX];
	size_t n_facts;
	struct vmsnd_host_device devices[VMSND_CHECK_DEVICES_MAX];
	size_t n_devices;
	char lines[VMSND_CHECK_LINES_MAX][LINE_BYTES];
	size_t n_lines;
	char tone[LINE_BYTES];
};

/* ---- what the backend says to its owner ---- */

static void device_changed(void *ctx, enum vmsnd_dir dir)
{
}

static void devices_changed(void *ctx)
{
}

static bool job(void *ctx, void (*run)(void *arg), void *arg)
{
	return false;
}

static void audio_thread(void *ctx)
{
}

static const struct vmsnd_backend_user user = {.device_changed = device_changed,
					       .devices_changed = devices_changed,
					       .job = job,
					       .audio_thread = audio_thread};

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vmsnd_check_host *host = ctx;

	pthread_mutex_lock(&host->lock);
	if (level <= VMSND_LOG_WARNING && host->n_lines < VMSND_CHECK_LINES_MAX)
		snprintf(host->lines[host->n_lines++], LINE_BYTES, "%s", line);
	pthread_mutex_unlock(&host->lock);
}

/* ---- on its thread ---- */

static void let_go(struct vmsnd_check_host *host)
{
	bool last;

	pthread_mutex_lock(&host->lock);
	last = --host->users == 0;
	pthread_mutex_unlock(&host->lock);
	if (!last)
		return;
	pthread_cond_destroy(&host->ended);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

static size_t least(size_t n, size_t max)
{
	return n < max ? n : max;
}

static void ask(struct vmsnd_check_host *host, struct vmsnd_backend *backend)
{
	const struct vmsnd_backend_class *cls = host->cls;

	if (cls->facts)
		host->n_facts = least(cls->facts(backend, host->facts, VMSND_HOST_FACTS_MAX),
				      VMSND_HOST_FACTS_MAX);
	if (cls->devices)
		host->n_devices =
		    least(cls->devices(backend, host->devices, VMSND_CHECK_DEVICES_MAX),
			  VMSND_CHECK_DEVICES_MAX);
	if (host->with_tone)
		host->taken = vmsnd_check_tone(cls, backend, host->tone, sizeof(host->tone));
}

/* Nobody looks at what is found before `done`. */
static void *run(void *arg)
{
	struct vmsnd_check_host *host = arg;
	const struct vmsnd_backend_conf conf = {.options = &host->conf,
						.client_name = "vmsnd check",
						.log = &host->log,
						.user = &user,
						.user_ctx = host};
	struct vmsnd_backend *backend = NULL;

	host->opened = host->cls->open(&conf, &backend) == VMSND_OK;
	if (host->opened) {
		ask(host, backend);
		host->cls->close(backend);
	}
	pthread_mutex_lock(&host->lock);
	host->done = true;
	pthread_cond_signal(&host->ended);
	pthread_mutex_unlock(&host->lock);
	let_go(host);
	return NULL;
}

/* ---- the owner's side ---- */

static void join_tables(struct vmsnd_check_host *host)
{
	const struct vmsnd_option *const tables[] = {host->cls->options, vmsnd_output_options()};
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		for (const struct vmsnd_option *row = tables[i]; row && row->key; row++)
			if (n < TABLE_MAX)
				host->table[n++] = *row;
	host->table[n] = (struct vmsnd_option){.key = NULL};
}

static bool init_waiting(struct vmsnd_check_host *host)
{
	pthread_condattr_t attributes;
	bool ok;

	if (pthread_mutex_init(&host->lock, NULL) || pthread_condattr_init(&attributes))
		return false;
	ok = !pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) &&
	     !pthread_cond_init(&host->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	return ok;
}

static bool parse(struct vmsnd_check_host *host, const char *text, char *line, size_t bytes)
{
	const char *options = strchr(text, ',');

	join_tables(host);
	return !vmsnd_conf_parse(&host->conf, host->table, host->cls->name,
				 options ? options + 1 : NULL, line, bytes);
}

bool vmsnd_check_options(const struct vmsnd_backend_class *cls, const char *text, char *line,
			 size_t bytes)
{
	struct vmsnd_check_host *host = calloc(1, sizeof(*host));
	bool fine;

	if (!host)
		return true;
	host->cls = cls;
	fine = parse(host, text, line, bytes);
	free(host);
	return fine;
}

struct vmsnd_check_host *vmsnd_check_host_begin(const struct vmsnd_backend_class *cls,
						const char *text, bool tone)
{
	struct vmsnd_check_host *host = calloc(1, sizeof(*host));
	pthread_t thread;

	if (!host || !init_waiting(host)) {
		free(host);
		return NULL;
	}
	host->cls = cls;
	host->with_tone = tone;
	host->users = 2;
	host->log = (struct vmsnd_log){host, write_line};
	snprintf(host->text, sizeof(host->text), "%s", text);
	if (!parse(host, text, host->lines[0], LINE_BYTES)) {
		host->n_lines = 1;
		host->done = true;
		host->users = 1;
	} else if (pthread_create(&thread, NULL, run, host)) {
		host->done = true;
		host->users = 1;
	} else {
		pthread_detach(thread);
	}
	return host;
}

static bool has_fact(const struct vmsnd_check_host *host, enum vmsnd_fact_name name)
{
	for (size_t i = 0; i < host->n_facts; i++)
		if (host->facts[i].name == name)
			return true;
	return false;
}

/* One that has nothing to play to or record from is of no use, whatever answers. */
static const char *state_of(const struct vmsnd_check_host *host)
{
	bool device;

	if (!host->done)
		return "late";
	device = has_fact(host, VMSND_FACT_PLAYBACK) || has_fact(host, VMSND_FACT_CAPTURE);
	if (!host->opened || (host->cls->facts && !device) || (host->with_tone && !host->taken))
		return "fails";
	return has_fact(host, VMSND_FACT_TROUBLE) ? "trouble" : "works";
}

/* What is no UTF-8, or would move a terminal's cursor, becomes '?'. */
static json_t *text_of(const char *text)
{
	char safe[LINE_BYTES];
	json_t *value = NULL;

	snprintf(safe, sizeof(safe), "%s", text);
	for (char *at = safe; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	value = json_string(safe);
	for (char *at = safe; !value && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	return value ? value : json_string(safe);
}

static json_t *facts_of(struct vmsnd_check_host *host)
{
	json_t *list = json_array();

	for (size_t i = 0; i < host->n_facts; i++) {
		host->facts[i].text[VMSND_FACT_TEXT_BYTES - 1] = '\0';
		json_array_append_new(list, json_pack("{s:s,s:o}", "name",
						      vmsnd_fact_word(host->facts[i].name), "text",
						      text_of(host->facts[i].text)));
	}
	return list;
}

static json_t *devices_of(const struct vmsnd_check_host *host)
{
	json_t *list = json_array();

	for (size_t i = 0; i < host->n_devices; i++) {
		const struct vmsnd_host_device *device = &host->devices[i];

		json_array_append_new(
		    list, json_pack("{s:o,s:o,s:I,s:I,s:b,s:b,s:b}", "id", text_of(device->id),
				    "name", text_of(device->name), "playback-channels",
				    (json_int_t)device->playback_channels, "capture-channels",
				    (json_int_t)device->capture_channels, "default-playback",
				    device->default_playback, "default-capture",
				    device->default_capture, "hot-plug", device->hot_plug));
	}
	return list;
}

static json_t *report(struct vmsnd_check_host *host)
{
	json_t *lines = json_array(), *all;

	for (size_t i = 0; i < host->n_lines; i++)
		json_array_append_new(lines, text_of(host->lines[i]));
	all = json_pack("{s:s,s:o,s:s,s:o}", "name", host->cls->name, "text", text_of(host->text),
			"state", state_of(host), "said", lines);
	json_object_set_new(all, "facts", host->done ? facts_of(host) : json_array());
	json_object_set_new(all, "devices", host->done ? devices_of(host) : json_array());
	if (host->with_tone)
		json_object_set_new(all, "tone", host->done ? text_of(host->tone) : json_null());
	return all;
}

json_t *vmsnd_check_host_end(struct vmsnd_check_host *host, vmsnd_ns until)
{
	const struct timespec at = {.tv_sec = (time_t)(until / VMSND_NS_PER_SECOND),
				    .tv_nsec = (long)(until % VMSND_NS_PER_SECOND)};
	int timeout = 0;
	json_t *all;

	pthread_mutex_lock(&host->lock);
	while (!host->done && !timeout)
		timeout = pthread_cond_timedwait(&host->ended, &host->lock, &at);
	all = report(host);
	pthread_mutex_unlock(&host->lock);
	let_go(host);
	return all;
}
