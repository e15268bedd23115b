/* SPDX-License-Identifier: BSD-3-Clause */
/* The class: what there is to choose, and a life. */
#include "backends/pulse/pulse.h"

#include <stdio.h>
#include <stdlib.h>

#include "backends/pulse/host.h"

static const struct vmsnd_option options[] = {
    {"server", VMSND_OPTION_TEXT, NULL,
     "the server: unix:/run/user/1000/pulse/native, tcp:host; not given: where it usually is", 0,
     0},
    {"cookie", VMSND_OPTION_TEXT, NULL,
     "the file with the key to another user's server: a copy of its ~/.config/pulse/cookie", 0, 0},
    {"out-device", VMSND_OPTION_TEXT, NULL,
     "the sink to play to; not given: the default one, also when that changes", 0, 0},
    {"in-device", VMSND_OPTION_TEXT, NULL, "the source to record from; not given: the default one",
     0, 0},
    {"latency-ms", VMSND_OPTION_UINT, "0",
     "what the server may queue; 0: buffer-ms, or two of the guest's periods, 30 to 200", 0, 2000},
    {"stream-name", VMSND_OPTION_TEXT, NULL, "the streams' name in mixers; not given: the card's",
     0, 0},
    {"role", VMSND_OPTION_TEXT, NULL,
     "media role: music, video, game, phone ...; with one, mixers keep one volume for all that "
     "have it",
     0, 0},
    {"icon", VMSND_OPTION_TEXT, "computer",
     "the streams' icon in mixers, by its name in the desktop's theme", 0, 0},
    {.key = NULL}};

static enum vmsnd_rc pulse_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	host->options = *conf->options;
	snprintf(host->name, sizeof(host->name), "%s",
		 conf->client_name ? conf->client_name : "vmsnd");
	host->log = conf->log;
	host->user = conf->user;
	host->user_ctx = conf->user_ctx;
	rc = pulse_server_begin(host);
	if (rc)
		free(host);
	else
		*out = host;
	return rc;
}

static void pulse_close(struct vmsnd_backend *host)
{
	pulse_server_end(host);
	free(host);
}

/* Never an error: it looks for its server by itself. */
static enum vmsnd_backend_status pulse_status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	if (!atomic_load(&host->ready))
		return VMSND_BACKEND_INITIALIZING;
	return atomic_load(&host->n_running[dir]) > 0 ? VMSND_BACKEND_RUNNING
						      : VMSND_BACKEND_STOPPED;
}

const struct vmsnd_backend_class vmsnd_pulse_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .flags = VMSND_BACKEND_SLOW_OPEN | VMSND_BACKEND_SLOW_DEVICES | VMSND_BACKEND_STREAM_NOTICES,
    .name = "pulse",
    .summary = "a PulseAudio server, or PipeWire's in its place",
    .options = options,
    .open = pulse_open,
    .close = pulse_close,
    .stream_open = pulse_stream_open,
    .stream_start = pulse_stream_start,
    .stream_stop = pulse_stream_stop,
    .stream_close = pulse_stream_close,
    .status = pulse_status,
    .devices = pulse_devices,
    .device_set = pulse_device_set,
    .stream_state = pulse_stream_state,
    .stream_drain = pulse_stream_drain,
    .facts = pulse_facts,
    .stream_place = pulse_stream_place,
    .stream_volume_set = pulse_stream_volume_set,
};
