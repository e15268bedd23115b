/* SPDX-License-Identifier: BSD-3-Clause */
/* The class of the PipeWire backend, and what it is as a whole. */
#include "backends/pipewire/pipewire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/pipewire/parts.h"

static const struct vmsnd_option options[] = {
    {.key = "remote",
     .type = VMSND_OPTION_TEXT,
     .help = "the server: the path of its socket, or a name in $XDG_RUNTIME_DIR; not given: "
	     "$PIPEWIRE_REMOTE, else pipewire-0"},
    {.key = "out-device",
     .type = VMSND_OPTION_TEXT,
     .help = "the device to play to, by name or serial number; not given: the default one, "
	     "also when that changes"},
    {.key = "in-device",
     .type = VMSND_OPTION_TEXT,
     .help = "the device to record from; not given: the default one"},
    {.key = "monitor",
     .type = VMSND_OPTION_BOOL,
     .value = "off",
     .help = "on: record what an output device plays (in-device, or the default one)"},
    {.key = "stream-name",
     .type = VMSND_OPTION_TEXT,
     .help = "the streams' name in mixers; not given: the card's"},
    {.key = "icon",
     .type = VMSND_OPTION_TEXT,
     .value = "computer",
     .help = "the streams' icon in mixers, by its name in the desktop's theme"},
    {.key = "role",
     .type = VMSND_OPTION_TEXT,
     .value = "none",
     .help = "media role: Music, Game, Movie, Communication ...; with one, session managers keep "
	     "one volume for all that have it"},
    {.key = "props",
     .type = VMSND_OPTION_TEXT,
     .help = "more properties of the streams, as PipeWire writes them: node.passive=true"},
    {.key = NULL}};

void vmsnd_pw_wake(struct vmsnd_backend *host)
{
	pw_loop_signal_event(host->loop, host->wake);
}

static void on_wake(void *data, uint64_t count)
{
	vmsnd_pw_look(data);
}

static void on_timer(void *data, uint64_t expirations)
{
	struct vmsnd_backend *host = data;

	if (host->phase == VMSND_PW_AWAY)
		vmsnd_pw_try(host);
	else
		vmsnd_pw_look(host);
}

/* The configuration with which libpipewire's data thread asks for real-time priority has a name of
 * its own in 0.3, and is the usual one since. */
static const char *configuration(void)
{
	return strncmp(pw_get_library_version(), "0.", 2) == 0 ? "client-rt.conf" : "client.conf";
}

static bool start(struct vmsnd_backend *host)
{
	host->thread = pw_thread_loop_new("vmsnd-pipewire", NULL);
	if (!host->thread)
		return false;
	host->loop = pw_thread_loop_get_loop(host->thread);
	host->context = pw_context_new(host->loop,
				       pw_properties_new(PW_KEY_CONFIG_NAME, configuration(),
							 PW_KEY_APP_NAME, host->card, NULL),
				       0);
	host->wake = pw_loop_add_event(host->loop, on_wake, host);
	host->timer = pw_loop_add_timer(host->loop, on_timer, host);
	if (!host->context || !host->wake || !host->timer)
		return false;
	vmsnd_pw_try(host); /* so that it is known whether there is a server */
	return pw_thread_loop_start(host->thread) >= 0;
}

static void finish(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream, *next;

	if (host->thread)
		pw_thread_loop_stop(host->thread);
	for (stream = vmsnd_pw_stream_after(host, NULL); stream; stream = next) {
		next = vmsnd_pw_stream_after(host, stream);
		vmsnd_pw_settle(stream, false); /* closed: frees it */
	}
	vmsnd_pw_take_down(host);
	if (host->context)
		pw_context_destroy(host->context);
	if (host->wake)
		pw_loop_destroy_source(host->loop, host->wake);
	if (host->timer)
		pw_loop_destroy_source(host->loop, host->timer);
	if (host->thread)
		pw_thread_loop_destroy(host->thread);
	pw_deinit();
	pthread_cond_destroy(&host->known);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

static bool prepare(struct vmsnd_backend *host)
{
	pthread_condattr_t attributes;
	bool made;

	if (pthread_condattr_init(&attributes))
		return false;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	made = !pthread_cond_init(&host->known, &attributes);
	pthread_condattr_destroy(&attributes);
	if (made && pthread_mutex_init(&host->lock, NULL)) {
		pthread_cond_destroy(&host->known);
		made = false;
	}
	spa_list_init(&host->streams);
	spa_list_init(&host->things);
	return made;
}

static enum vmsnd_rc pipewire_open(const struct vmsnd_backend_conf *conf,
				   struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));

	if (!host || !prepare(host)) {
		free(host);
		return VMSND_E_NOMEM;
	}
	host->log = conf->log;
	host->user = conf->user;
	host->user_ctx = conf->user_ctx;
	host->options = *conf->options;
	snprintf(host->card, sizeof(host->card), "%s", conf->client_name);
	pw_init(NULL, NULL);
	if (start(host)) {
		*out = host;
		return VMSND_OK;
	}
	if (!conf->again)
		vmsnd_logf(host->log, VMSND_LOG_ERROR,
			   "%s: pipewire: libpipewire cannot be set up (is its configuration "
			   "installed?)",
			   host->card);
	finish(host);
	return VMSND_E_SYSTEM;
}

/* Away is no error: it is cared for here. */
static enum vmsnd_backend_status pipewire_status(const struct vmsnd_backend *host,
						 enum vmsnd_dir dir)
{
	struct vmsnd_backend *mine = (struct vmsnd_backend *)host;
	bool ready;

	pthread_mutex_lock(&mine->lock);
	ready = mine->phase == VMSND_PW_READY;
	pthread_mutex_unlock(&mine->lock);
	return ready ? VMSND_BACKEND_RUNNING : VMSND_BACKEND_INITIALIZING;
}

const struct vmsnd_backend_class vmsnd_pipewire_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "pipewire",
    .summary = "PipeWire: the sound server of today's desktops",
    .flags = VMSND_BACKEND_SLOW_OPEN | VMSND_BACKEND_SLOW_DEVICES | VMSND_BACKEND_STREAM_NOTICES,
    .options = options,
    .open = pipewire_open,
    .close = finish,
    .stream_open = vmsnd_pw_stream_open,
    .stream_start = vmsnd_pw_stream_start,
    .stream_stop = vmsnd_pw_stream_stop,
    .stream_close = vmsnd_pw_stream_close,
    .status = pipewire_status,
    .devices = vmsnd_pw_devices,
    .device_set = vmsnd_pw_device_set,
    .stream_state = vmsnd_pw_stream_state,
    .stream_drain = vmsnd_pw_stream_drain,
    .facts = vmsnd_pw_facts,
    .stream_place = vmsnd_pw_stream_place,
    .stream_volume_set = vmsnd_pw_stream_volume_set,
};
