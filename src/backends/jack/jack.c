/* SPDX-License-Identifier: BSD-3-Clause */
/* The JACK backend: options, open and close. */
#include "backends/jack/jack.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/jack/host.h"

static const struct vmsnd_option options[] = {
    {"server-name", VMSND_OPTION_TEXT, NULL,
     "the server, by its name; not given: $JACK_DEFAULT_SERVER, else default", 0, 0},
    {"client-name", VMSND_OPTION_TEXT, NULL, "its name in patch bays; not given: the card's", 0, 0},
    {"exact-name", VMSND_OPTION_BOOL, "off",
     "refuse to run under another name when the server has a client of this name", 0, 0},
    {"start-server", VMSND_OPTION_BOOL, "off", "start a server, once, when there is none", 0, 0},
    {"out-connect-ports", VMSND_OPTION_TEXT, NULL,
     "regular expression of the ports to play to, in the server's order; '^$': none; not given: "
     "the first device's",
     0, 0},
    {"in-connect-ports", VMSND_OPTION_TEXT, NULL,
     "regular expression of the ports to record from; '^$': none; not given: the first device's", 0,
     0},
    {.key = NULL}};

static enum vmsnd_rc refuse(const struct vmsnd_backend *host, const char *key, const char *value,
			    const char *why)
{
	vmsnd_logf(host->log, VMSND_LOG_ERROR, "jack: %s=%.100s: %s", key, value, why);
	return VMSND_E_INVALID;
}

static enum vmsnd_rc take_name(struct vmsnd_backend *host, const struct vmsnd_conf *conf,
			       const char *key, char *out)
{
	const char *value = vmsnd_conf_text(conf, key);

	if (!value)
		return VMSND_OK;
	if (strlen(value) >= VMSND_JACK_NAME_BYTES - 1 || strpbrk(value, ":/"))
		return refuse(host, key, value,
			      "it must be of at most 62 characters, none of them ':' or '/'");
	snprintf(out, VMSND_JACK_NAME_BYTES, "%s", value);
	return VMSND_OK;
}

static enum vmsnd_rc take_pattern(struct vmsnd_backend *host, const struct vmsnd_conf *conf,
				  const char *key, enum vmsnd_dir dir)
{
	const char *value = vmsnd_conf_text(conf, key);
	regex_t compiled;

	host->by_pattern[dir] = value != NULL;
	if (!value)
		return VMSND_OK;
	if (strlen(value) >= sizeof(host->pattern[dir]))
		return refuse(host, key, value, "it must be shorter than 256 characters");
	if (regcomp(&compiled, value, REG_EXTENDED | REG_NOSUB))
		return refuse(host, key, value,
			      "it must be an extended regular expression, as for egrep");
	regfree(&compiled);
	snprintf(host->pattern[dir], sizeof(host->pattern[dir]), "%s", value);
	return VMSND_OK;
}

/* A card may be called what JACK does not let a client be called. */
static void name_client(struct vmsnd_backend *host, const char *card)
{
	snprintf(host->card, sizeof(host->card), "%s", card);
	snprintf(host->client_name, sizeof(host->client_name) - 1, "%s", *card ? card : "vmsnd");
	for (char *at = host->client_name; *at; at++)
		if (*at == ':' || *at == '/')
			*at = '-';
}

/* libjack has a part that is about one server in a process: with a second one of another name it
 * reads memory that is gone as soon as either ends. */
static struct {
	pthread_mutex_t lock;
	char name[VMSND_JACK_NAME_BYTES];
	unsigned users;
} process_server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum vmsnd_rc take_server(const struct vmsnd_backend *host)
{
	const char *name = vmsnd_jack_server_name(host);
	char other[VMSND_JACK_NAME_BYTES];
	bool fine;

	pthread_mutex_lock(&process_server.lock);
	if (process_server.users == 0)
		snprintf(process_server.name, sizeof(process_server.name), "%s", name);
	fine = strcmp(process_server.name, name) == 0;
	process_server.users += fine;
	snprintf(other, sizeof(other), "%s", process_server.name);
	pthread_mutex_unlock(&process_server.lock);
	if (fine)
		return VMSND_OK;
	vmsnd_logf(host->log, VMSND_LOG_ERROR,
		   "jack: server '%.62s': this process is at server '%s' already, and libjack can "
		   "be at one only; start another vmsnd for it",
		   name, other);
	return VMSND_E_INVALID;
}

static void leave_server(void)
{
	pthread_mutex_lock(&process_server.lock);
	process_server.users--;
	pthread_mutex_unlock(&process_server.lock);
}

static enum vmsnd_rc take_options(struct vmsnd_backend *host, const struct vmsnd_conf *conf)
{
	enum vmsnd_rc rc = take_name(host, conf, "server-name", host->server_name);

	host->start_server = vmsnd_conf_bool(conf, "start-server");
	host->exact_name = vmsnd_conf_bool(conf, "exact-name");
	if (rc == VMSND_OK)
		rc = take_name(host, conf, "client-name", host->client_name);
	if (rc == VMSND_OK)
		rc = take_pattern(host, conf, "out-connect-ports", VMSND_PLAYBACK);
	if (rc == VMSND_OK)
		rc = take_pattern(host, conf, "in-connect-ports", VMSND_CAPTURE);
	return rc;
}

static enum vmsnd_rc init_locks(struct vmsnd_backend *host)
{
	pthread_condattr_t monotonic;

	if (pthread_condattr_init(&monotonic))
		return VMSND_E_NOMEM;
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&host->graph, NULL);
	pthread_mutex_init(&host->lock, NULL);
	pthread_cond_init(&host->tried, &monotonic);
	pthread_cond_init(&host->dismissed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return VMSND_OK;
}

static void destroy(struct vmsnd_backend *host)
{
	pthread_cond_destroy(&host->dismissed);
	pthread_cond_destroy(&host->tried);
	pthread_mutex_destroy(&host->lock);
	pthread_mutex_destroy(&host->graph);
	free(host);
}

static enum vmsnd_rc jack_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	if (init_locks(host)) {
		free(host);
		return VMSND_E_NOMEM;
	}
	host->log = conf->log;
	host->user = conf->user;
	host->user_ctx = conf->user_ctx;
	host->server.told = conf->again;
	name_client(host, conf->client_name ? conf->client_name : "");
	rc = take_options(host, conf->options);
	if (rc == VMSND_OK)
		rc = take_server(host);
	if (rc == VMSND_OK) {
		rc = vmsnd_jack_control_start(host);
		if (rc)
			leave_server();
	}
	if (rc)
		destroy(host);
	else
		*out = host;
	return rc;
}

static void jack_close(struct vmsnd_backend *host)
{
	vmsnd_jack_control_end(host);
	leave_server();
	destroy(host);
}

static void limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	out->playback_streams = out->capture_streams = VMSND_JACK_STREAMS_MAX / 2;
}

/* While the server is away it is INITIALIZING: the backend sees to it by itself. */
static enum vmsnd_backend_status status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	if (!atomic_load(&host->there))
		return VMSND_BACKEND_INITIALIZING;
	return atomic_load(&host->running[dir]) > 0 ? VMSND_BACKEND_RUNNING : VMSND_BACKEND_STOPPED;
}

const struct vmsnd_backend_class vmsnd_jack_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .flags = VMSND_BACKEND_SLOW_OPEN | VMSND_BACKEND_SLOW_STREAM_OPEN |
	     VMSND_BACKEND_SLOW_STREAM_CLOSE | VMSND_BACKEND_SLOW_DEVICES |
	     VMSND_BACKEND_STREAM_NOTICES,
    .name = "jack",
    .summary = "a JACK server, or PipeWire through pw-jack: a port for each channel",
    .options = options,
    .open = jack_open,
    .close = jack_close,
    .stream_open = vmsnd_jack_stream_open,
    .stream_start = vmsnd_jack_stream_start,
    .stream_stop = vmsnd_jack_stream_stop,
    .stream_close = vmsnd_jack_stream_close,
    .limits = limits,
    .status = status,
    .devices = vmsnd_jack_devices,
    .device_set = vmsnd_jack_device_set,
    .facts = vmsnd_jack_facts,
    .stream_place = vmsnd_jack_stream_place,
};
