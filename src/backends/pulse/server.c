/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to the server: looked for until it is there, and again when it went away. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/pulse/host.h"

/* Cheap on a local socket, and soon enough that sound is back within a second of the server. */
#define RETRY_US (200 * PA_USEC_PER_MSEC)
/* Who is not let in is not let in a moment later either. */
#define RETRY_DENIED_US (1500 * PA_USEC_PER_MSEC)
/* How long people wait for facts. */
#define SETTLE_NS (2 * VMSND_NS_PER_SECOND)

void pulse_unref(pa_operation *operation)
{
	if (operation)
		pa_operation_unref(operation);
}

/* ---- whether the first try is over ---- */

void pulse_server_settle(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&host->settle_lock);
	host->settled = true;
	pthread_cond_broadcast(&host->settle_cond);
	pthread_mutex_unlock(&host->settle_lock);
}

void pulse_server_settled(struct vmsnd_backend *host)
{
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)(SETTLE_NS / VMSND_NS_PER_SECOND);
	pthread_mutex_lock(&host->settle_lock);
	while (!host->settled && rc == 0)
		rc = pthread_cond_timedwait(&host->settle_cond, &host->settle_lock, &end);
	pthread_mutex_unlock(&host->settle_lock);
}

static int make_settle(struct vmsnd_backend *host)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	if (rc)
		return rc;
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(&host->settle_cond, &attr);
	pthread_condattr_destroy(&attr);
	if (!rc)
		rc = pthread_mutex_init(&host->settle_lock, NULL);
	return rc;
}

/* ---- lines for people ---- */

/* Without an option libpulse asks its environment and tries several; the first is the usual one. */
void pulse_server_where(const struct vmsnd_backend *host, char *text, size_t bytes)
{
	const char *option = vmsnd_conf_text(&host->options, "server"),
		   *environment = getenv("PULSE_SERVER"), *folder = getenv("XDG_RUNTIME_DIR");

	if (*host->server.where)
		snprintf(text, bytes, "%s", host->server.where);
	else if (option && *option)
		snprintf(text, bytes, "%s", option);
	else if (environment && *environment)
		snprintf(text, bytes, "%s", environment);
	else if (folder && *folder)
		snprintf(text, bytes, "unix:%s/pulse/native", folder);
	else
		snprintf(text, bytes, "unix:/run/user/%u/pulse/native", (unsigned)getuid());
}

/* libpulse says "refused" of a socket that is not there, or that we may not reach, too. */
const char *pulse_server_reason(const struct vmsnd_backend *host, const char *where)
{
	const char *path = strncmp(where, "unix:", 5) == 0 ? where + 5 : where;

	if (!host->error)
		return "it takes too long";
	if (host->error == PA_ERR_CONNECTIONREFUSED && *path == '/' && !strchr(path, ' ') &&
	    access(path, W_OK) != 0)
		return strerror(errno);
	return pa_strerror(host->error);
}

/* libpulse has it that its environment goes before what a program says. */
const char *pulse_server_denied_advice(const struct vmsnd_backend *host,
				       char text[PULSE_ADVICE_BYTES])
{
	const char *cookie = vmsnd_conf_text(&host->options, "cookie"),
		   *environment = getenv("PULSE_COOKIE");

	if (environment && *environment)
		snprintf(text, PULSE_ADVICE_BYTES,
			 "The key that is tried is %s, because PULSE_COOKIE says so: unset it",
			 environment);
	else if (!cookie || !*cookie)
		snprintf(text, PULSE_ADVICE_BYTES,
			 "It is another user's: name a copy of its key (there "
			 "~/.config/pulse/cookie) with cookie=FILE");
	else if (access(cookie, R_OK) != 0)
		snprintf(text, PULSE_ADVICE_BYTES,
			 "The key %s cannot be read: give it to the user that runs vmsnd", cookie);
	else
		snprintf(text, PULSE_ADVICE_BYTES,
			 "The key %s is another server's: take the one of the user that runs it "
			 "(there ~/.config/pulse/cookie)",
			 cookie);
	return text;
}

/* Once for each reason, not for each try. */
static void say_away(struct vmsnd_backend *host)
{
	enum pulse_away away = host->error == PA_ERR_ACCESS ? PULSE_DENIED : PULSE_AWAY;
	char where[PULSE_WHERE_BYTES], advice[PULSE_ADVICE_BYTES];

	if (away == host->away)
		return;
	host->away = away;
	pulse_server_where(host, where, sizeof(where));
	if (away == PULSE_DENIED)
		vmsnd_logf(host->log, VMSND_LOG_WARNING,
			   "%s: the PulseAudio server at %s does not let us in (%s). %s",
			   host->name, where, pa_strerror(host->error),
			   pulse_server_denied_advice(host, advice));
	else
		vmsnd_logf(host->log, VMSND_LOG_WARNING,
			   "%s: no PulseAudio server at %s (%s); sound comes by itself when there "
			   "is one",
			   host->name, where, pulse_server_reason(host, where));
}

static void say_back(struct vmsnd_backend *host)
{
	if (host->away != PULSE_THERE)
		vmsnd_logf(host->log, VMSND_LOG_INFO, "%s: the PulseAudio server at %s is there",
			   host->name, host->server.where);
	host->away = PULSE_THERE;
}

/* ---- coming and going ---- */

static void tell(struct vmsnd_backend *host)
{
	if (host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
}

static void leave(struct vmsnd_backend *host)
{
	if (!host->context)
		return;
	pa_context_set_state_callback(host->context, NULL, NULL);
	pa_context_set_subscribe_callback(host->context, NULL, NULL);
	pa_context_disconnect(host->context);
	pa_context_unref(host->context);
	host->context = NULL;
}

static void look_for(struct vmsnd_backend *host);

static void on_retry(pa_mainloop_api *api, pa_time_event *event, const struct timeval *at,
		     void *arg)
{
	struct vmsnd_backend *host = arg;

	api->time_free(event);
	host->retry = NULL;
	leave(host);
	look_for(host);
}

/* The context itself goes when the next one comes: not from inside its own callback. */
static void lost(struct vmsnd_backend *host)
{
	bool was_there = atomic_exchange(&host->ready, false);
	pa_usec_t wait_us;

	if (host->retry)
		return;
	host->error = pa_context_errno(host->context);
	say_away(host);
	pulse_devices_go(host);
	pulse_server_settle(host);
	wait_us = host->away == PULSE_DENIED ? RETRY_DENIED_US : RETRY_US;
	host->retry =
	    pa_context_rttime_new(host->context, pa_rtclock_now() + wait_us, on_retry, host);
	if (was_there)
		tell(host);
}

static void came(struct vmsnd_backend *host)
{
	const char *where = pa_context_get_server(host->context);

	snprintf(host->server.where, sizeof(host->server.where), "%s", where ? where : "");
	say_back(host);
	pulse_devices_come(host);
	atomic_store(&host->ready, true);
	tell(host);
}

static void on_state(pa_context *context, void *arg)
{
	pa_context_state_t state = pa_context_get_state(context);

	if (state == PA_CONTEXT_READY)
		came(arg);
	else if (state == PA_CONTEXT_FAILED || state == PA_CONTEXT_TERMINATED)
		lost(arg);
}

static pa_context *make_context(struct vmsnd_backend *host)
{
	const char *icon = vmsnd_conf_text(&host->options, "icon");
	pa_proplist *list = pa_proplist_new();
	pa_context *context;

	if (!list)
		return NULL;
	pa_proplist_sets(list, PA_PROP_APPLICATION_NAME, host->name);
	if (icon && *icon)
		pa_proplist_sets(list, PA_PROP_APPLICATION_ICON_NAME, icon);
	context = pa_context_new_with_proplist(host->api, host->name, list);
	pa_proplist_free(list);
	return context;
}

/* A file that is not there would be made by libpulse, with a cookie that opens nothing. */
static void take_cookie(const struct vmsnd_backend *host)
{
	const char *path = vmsnd_conf_text(&host->options, "cookie");

	if (path && *path && access(path, R_OK) == 0)
		pa_context_load_cookie_from_file(host->context, path);
}

static void look_for(struct vmsnd_backend *host)
{
	const char *server = vmsnd_conf_text(&host->options, "server");

	host->context = make_context(host);
	if (!host->context) {
		vmsnd_logf(host->log, VMSND_LOG_ERROR, "%s: out of memory for PulseAudio",
			   host->name);
		pulse_server_settle(host);
		return;
	}
	take_cookie(host);
	pa_context_set_state_callback(host->context, on_state, host);
	if (pa_context_connect(host->context, server && *server ? server : NULL,
			       PA_CONTEXT_NOAUTOSPAWN, NULL) < 0)
		lost(host);
}

/* Priority may take its time to come: before there is a stream nobody waits for this thread. */
static void on_first(pa_mainloop_api *api, pa_defer_event *event, void *arg)
{
	struct vmsnd_backend *host = arg;

	api->defer_free(event);
	host->first = NULL;
	if (host->user && host->user->audio_thread)
		host->user->audio_thread(host->user_ctx);
	look_for(host);
}

/* ---- the thread ---- */

static enum vmsnd_rc start(struct vmsnd_backend *host)
{
	host->loop = pa_threaded_mainloop_new();
	if (!host->loop)
		return VMSND_E_NOMEM;
	pa_threaded_mainloop_set_name(host->loop, "vmsnd-pulse");
	host->api = pa_threaded_mainloop_get_api(host->loop);
	host->first = host->api->defer_new(host->api, on_first, host);
	if (host->first && pa_threaded_mainloop_start(host->loop) == 0)
		return VMSND_OK;
	pa_threaded_mainloop_free(host->loop);
	return VMSND_E_SYSTEM;
}

enum vmsnd_rc pulse_server_begin(struct vmsnd_backend *host)
{
	enum vmsnd_rc rc;

	if (make_settle(host))
		return VMSND_E_SYSTEM;
	rc = start(host);
	if (rc) {
		pthread_cond_destroy(&host->settle_cond);
		pthread_mutex_destroy(&host->settle_lock);
	}
	return rc;
}

void pulse_server_end(struct vmsnd_backend *host)
{
	pa_threaded_mainloop_stop(host->loop);
	if (host->first)
		host->api->defer_free(host->first);
	if (host->retry)
		host->api->time_free(host->retry);
	pulse_devices_go(host);
	leave(host);
	pa_threaded_mainloop_free(host->loop);
	pthread_cond_destroy(&host->settle_cond);
	pthread_mutex_destroy(&host->settle_lock);
}
