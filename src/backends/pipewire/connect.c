/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection to the server: met, known, lost, and tried again five times a second. All on the
 * control thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/pipewire/parts.h"

#define RETRY_NS UINT64_C(200000000)
/* One that answers and goes again before it is known is not hammered. */
#define FAILURES_MAX 8u
/* One that takes a connection and says nothing for so long is none. */
#define SILENT_NS (3 * VMSND_NS_PER_SECOND)
/* What there is; then the values of what was bound meanwhile. */
#define ROUNDS 2u

vmsnd_ns vmsnd_pw_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (vmsnd_ns)at.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)at.tv_nsec;
}

void vmsnd_pw_timer(struct vmsnd_backend *host, vmsnd_ns after)
{
	struct timespec value = {.tv_sec = (time_t)(after / VMSND_NS_PER_SECOND),
				 .tv_nsec = (long)(after % VMSND_NS_PER_SECOND)};

	pw_loop_update_timer(host->loop, host->timer, &value, NULL, false);
}

static void set_phase(struct vmsnd_backend *host, enum vmsnd_pw_phase phase)
{
	pthread_mutex_lock(&host->lock);
	host->phase = phase;
	host->ever |= phase == VMSND_PW_READY;
	pthread_cond_broadcast(&host->known);
	pthread_mutex_unlock(&host->lock);
}

/* ---- lines for people: one for each change ---- */

const char *vmsnd_pw_advice(int error)
{
	static const struct {
		int error;
		const char *what;
	} rows[] = {
	    {EACCES, "Run vmsnd as the user whose server it is, or give it access to the folder "
		     "and the socket."},
	    {EPERM, "Let vmsnd in: the server's access rules refuse it."},
	    {ENAMETOOLONG, "Give the socket a shorter path: an address holds 107 bytes."},
	    {ETIMEDOUT, "Restart the server: systemctl --user restart pipewire."},
	    {EPROTO, "Look whether the server and libpipewire here are of versions that fit."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error)
			return rows[i].what;
	return "Start PipeWire there (systemctl --user start pipewire), or name the server's "
	       "socket by remote=.";
}

const char *vmsnd_pw_reason(int error)
{
	if (error == EPIPE)
		return "it has gone";
	return error == ETIMEDOUT ? "it does not answer" : strerror(error);
}

static void say_away(struct vmsnd_backend *host)
{
	const struct vmsnd_pw_peer *peer = &host->peer;

	if (host->told_away)
		return;
	host->told_away = true;
	vmsnd_logf(host->log, VMSND_LOG_WARNING,
		   "%s: pipewire: no server at %s: %s; tried again until there is one. %s",
		   host->card, peer->path, vmsnd_pw_reason(peer->error),
		   vmsnd_pw_advice(peer->error));
}

static void say_ready(struct vmsnd_backend *host)
{
	vmsnd_logf(host->log, host->told_away ? VMSND_LOG_INFO : VMSND_LOG_DEBUG,
		   "%s: pipewire: connected to PipeWire %s at %s", host->card, host->version,
		   host->peer.path);
	host->told_away = false;
}

/* ---- the server's answers ---- */

static void on_info(void *data, const struct pw_core_info *info)
{
	struct vmsnd_backend *host = data;

	pthread_mutex_lock(&host->lock);
	if (info->version)
		snprintf(host->version, sizeof(host->version), "%s", info->version);
	if (info->user_name)
		snprintf(host->user_name, sizeof(host->user_name), "%s", info->user_name);
	pthread_mutex_unlock(&host->lock);
}

static void ready(struct vmsnd_backend *host)
{
	host->failures = 0;
	vmsnd_pw_timer(host, 0);
	set_phase(host, VMSND_PW_READY);
	say_ready(host);
	if (host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
	pw_loop_signal_event(host->loop, host->wake);
}

static void on_done(void *data, uint32_t id, int seq)
{
	struct vmsnd_backend *host = data;

	if (id != PW_ID_CORE || seq != host->sync || host->phase != VMSND_PW_MEETING)
		return;
	if (++host->rounds < ROUNDS)
		host->sync = pw_core_sync(host->core, PW_ID_CORE, 0);
	else
		ready(host);
}

/* Whatever libpipewire met in the connection itself, it has let go of it: EPIPE, ECONNRESET, a
 * message that makes no sense. Only the answer to a question about what has just gone is no such
 * end. Nothing is taken down here: who calls goes on using it. */
static void on_error(void *data, uint32_t id, int seq, int res, const char *message)
{
	struct vmsnd_backend *host = data;

	if (id != PW_ID_CORE || res >= 0 || res == -ENOENT)
		return;
	pthread_mutex_lock(&host->lock);
	host->peer.error = res == -ECONNRESET ? EPIPE : -res;
	pthread_mutex_unlock(&host->lock);
	host->lost = true;
	pw_loop_signal_event(host->loop, host->wake);
}

static const struct pw_core_events core_events = {
    .version = PW_VERSION_CORE_EVENTS, .info = on_info, .done = on_done, .error = on_error};

/* ---- coming and going ---- */

void vmsnd_pw_take_down(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream = vmsnd_pw_stream_after(host, NULL);

	for (; stream; stream = vmsnd_pw_stream_after(host, stream))
		vmsnd_pw_unmake(stream);
	vmsnd_pw_graph_end(host);
	if (host->registry) {
		spa_hook_remove(&host->registry_listener);
		pw_proxy_destroy((struct pw_proxy *)host->registry);
	}
	host->registry = NULL;
	if (host->core) {
		spa_hook_remove(&host->core_listener);
		pw_core_disconnect(host->core);
	}
	host->core = NULL;
	host->lost = false;
}

static void end_streams(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream;

	pthread_mutex_lock(&host->lock);
	spa_list_for_each(stream, &host->streams, link)
		vmsnd_pw_end(stream, VMSND_E_GONE);
	pthread_mutex_unlock(&host->lock);
}

static void away(struct vmsnd_backend *host)
{
	bool devices = host->phase == VMSND_PW_READY;

	if (host->phase == VMSND_PW_MEETING)
		host->failures += host->failures < FAILURES_MAX;
	set_phase(host, VMSND_PW_AWAY);
	say_away(host);
	end_streams(host);
	if (devices && host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
	vmsnd_pw_timer(host, RETRY_NS * (host->failures > 0 ? host->failures : 1));
}

static int begin(struct vmsnd_backend *host, int fd)
{
	host->core = pw_context_connect_fd(host->context, fd, NULL, 0);
	if (!host->core)
		return errno ? errno : EPROTO;
	pw_core_add_listener(host->core, &host->core_listener, &core_events, host);
	host->registry = pw_core_get_registry(host->core, PW_VERSION_REGISTRY, 0);
	if (!host->registry)
		return EPROTO;
	vmsnd_pw_graph_begin(host);
	host->rounds = 0;
	host->sync = pw_core_sync(host->core, PW_ID_CORE, 0);
	return 0;
}

void vmsnd_pw_try(struct vmsnd_backend *host)
{
	struct vmsnd_pw_peer peer;
	const char *remote = vmsnd_conf_text(&host->options, "remote");
	int fd = vmsnd_pw_socket(remote, &peer);

	if (fd >= 0)
		peer.error = begin(host, fd);
	pthread_mutex_lock(&host->lock);
	host->peer = peer;
	pthread_mutex_unlock(&host->lock);
	if (fd >= 0 && !peer.error) {
		host->met = vmsnd_pw_now();
		set_phase(host, VMSND_PW_MEETING);
		vmsnd_pw_timer(host, SILENT_NS);
		return;
	}
	vmsnd_pw_take_down(host);
	away(host);
}

static void lose(struct vmsnd_backend *host)
{
	vmsnd_pw_take_down(host);
	away(host);
}

static bool is_silent(const struct vmsnd_backend *host)
{
	return host->phase == VMSND_PW_MEETING && vmsnd_pw_now() >= host->met + SILENT_NS;
}

static void settle_streams(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream = vmsnd_pw_stream_after(host, NULL), *next;

	for (; stream; stream = next) {
		next = vmsnd_pw_stream_after(host, stream);
		vmsnd_pw_settle(stream, host->phase == VMSND_PW_READY);
	}
}

void vmsnd_pw_look(struct vmsnd_backend *host)
{
	if (is_silent(host)) {
		pthread_mutex_lock(&host->lock);
		host->peer.error = ETIMEDOUT;
		pthread_mutex_unlock(&host->lock);
		host->lost = true;
	}
	if (host->lost)
		lose(host);
	settle_streams(host);
}
