/* SPDX-License-Identifier: BSD-3-Clause */
/* The control thread: opens the client, sees the server go, opens it again. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/jack/host.h"

/* How often a server that is away is tried. */
#define RETRY_MS 225
/* A client that is not active is told nothing: how often it looks for itself. */
#define LOOK_MS 1000
/* How often a cycle that is on its way is looked at, and how many times. */
#define CYCLE_NAP_NS 20000
#define CYCLE_NAPS   50000
/* How long a worker waits for a turn with libjack. */
#define ENTER_S 1
/* How long one that closes a stream waits until it is out of the graph. */
#define LEAVE_NS (VMSND_NS_PER_SECOND / 2)
/* How long a stream that is opened waits for the first try. */
#define FIRST_NS (2 * VMSND_NS_PER_SECOND)

/* ---- JACK's notification thread: marks ---- */

static void mark(struct vmsnd_backend *host, unsigned event)
{
	uint64_t one = 1;

	atomic_fetch_or(&host->events, event);
	if (write(host->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		atomic_fetch_or(&host->events, VMSND_JACK_GONE);
}

/* Closing the client from here would wait for the very thread that calls. */
static void on_shutdown(jack_status_t code, const char *reason, void *arg)
{
	mark(arg, VMSND_JACK_GONE);
}

static int on_period(jack_nframes_t frames, void *arg)
{
	mark(arg, VMSND_JACK_FORMAT);
	return 0;
}

static void on_port(jack_port_id_t port, int came, void *arg)
{
	mark(arg, came ? VMSND_JACK_PORTS : VMSND_JACK_PORTS | VMSND_JACK_WENT);
}

static void on_link(jack_port_id_t a, jack_port_id_t b, int made, void *arg)
{
	mark(arg, VMSND_JACK_LINKS);
}

/* The ranges are read once both directions are known, by the control thread. */
static void on_latency(jack_latency_callback_mode_t mode, void *arg)
{
	mark(arg, VMSND_JACK_LATENCY);
}

static int on_xrun(void *arg)
{
	struct vmsnd_backend *host = arg;

	atomic_fetch_add_explicit(&host->xruns, 1, memory_order_relaxed);
	return 0;
}

static void on_freewheel(int starts, void *arg)
{
	struct vmsnd_backend *host = arg;

	atomic_store_explicit(&host->freewheel, starts != 0, memory_order_relaxed);
}

static void say_nothing(const char *line)
{
}

/* ---- what is known of the server ---- */

struct vmsnd_jack_server vmsnd_jack_server(struct vmsnd_backend *host)
{
	struct vmsnd_jack_server server;

	pthread_mutex_lock(&host->lock);
	server = host->server;
	pthread_mutex_unlock(&host->lock);
	return server;
}

static vmsnd_ns now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}

bool vmsnd_jack_is_there(struct vmsnd_backend *host)
{
	vmsnd_ns until = now_ns() + FIRST_NS;
	const struct timespec limit = {.tv_sec = (time_t)(until / VMSND_NS_PER_SECOND),
				       .tv_nsec = (long)(until % VMSND_NS_PER_SECOND)};
	bool there;

	pthread_mutex_lock(&host->lock);
	while (!host->server.tried)
		if (pthread_cond_timedwait(&host->tried, &host->lock, &limit))
			break;
	there = host->server.there;
	pthread_mutex_unlock(&host->lock);
	return there;
}

/* One line when it goes, one when it is back. */
static void say_away(struct vmsnd_backend *host, jack_status_t status, const char *what)
{
	char trouble[VMSND_FACT_TEXT_BYTES], advice[VMSND_FACT_TEXT_BYTES];

	vmsnd_jack_why(host, status, trouble, advice, sizeof(trouble));
	vmsnd_logf(host->log, VMSND_LOG_WARNING, "%s: JACK: %s%s; tried again all the time. %s",
		   host->card, what, trouble, advice);
}

static void note_away(struct vmsnd_backend *host, jack_status_t status, const char *what)
{
	bool told;

	atomic_store(&host->there, false);
	pthread_mutex_lock(&host->lock);
	told = host->server.told;
	host->server.there = false;
	host->server.tried = host->server.told = true;
	host->server.why = status;
	pthread_cond_broadcast(&host->tried);
	pthread_mutex_unlock(&host->lock);
	if (!told)
		say_away(host, status, what);
}

static void note_there(struct vmsnd_backend *host)
{
	uint32_t rate_hz = jack_get_sample_rate(host->client);
	uint32_t period_frames = jack_get_buffer_size(host->client);
	bool told;

	pthread_mutex_lock(&host->lock);
	told = host->server.told;
	host->server = (struct vmsnd_jack_server){
	    .there = true, .tried = true, .rate_hz = rate_hz, .period_frames = period_frames};
	pthread_cond_broadcast(&host->tried);
	pthread_mutex_unlock(&host->lock);
	atomic_store(&host->there, true);
	if (told)
		vmsnd_logf(host->log, VMSND_LOG_INFO,
			   "%s: JACK: server '%s' is there: %u Hz, %u frames a period", host->card,
			   vmsnd_jack_server_name(host), rate_hz, period_frames);
}

/* ---- coming ---- */

static void set_callbacks(struct vmsnd_backend *host, jack_client_t *client)
{
	jack_set_process_callback(client, vmsnd_jack_process_rt, host);
	jack_on_info_shutdown(client, on_shutdown, host);
	jack_set_buffer_size_callback(client, on_period, host);
	jack_set_sample_rate_callback(client, on_period, host);
	jack_set_port_registration_callback(client, on_port, host);
	jack_set_port_connect_callback(client, on_link, host);
	jack_set_latency_callback(client, on_latency, host);
	jack_set_xrun_callback(client, on_xrun, host);
	jack_set_freewheel_callback(client, on_freewheel, host);
}

static jack_client_t *open_client(struct vmsnd_backend *host, jack_status_t *status)
{
	unsigned options = JackNullOption;

	/* libjack's own lines go to stderr, several for each try. For the whole process: that is
	 * how libjack has it. */
	jack_set_error_function(say_nothing);
	jack_set_info_function(say_nothing);
	if (!host->start_server)
		options |= JackNoStartServer;
	host->start_server = false; /* once is enough */
	if (host->exact_name)
		options |= JackUseExactName;
	*status = 0;
	if (!*host->server_name)
		return jack_client_open(host->client_name, (jack_options_t)options, status);
	options |= JackServerName;
	return jack_client_open(host->client_name, (jack_options_t)options, status,
				host->server_name);
}

static void try_client(struct vmsnd_backend *host)
{
	jack_client_t *client;
	jack_status_t status;

	client = open_client(host, &status);
	if (!client) {
		note_away(host, status, "");
		return;
	}
	pthread_mutex_lock(&host->graph);
	atomic_store(&host->events, 0);
	atomic_store(&host->freewheel, false);
	atomic_store(&host->shut, false);
	set_callbacks(host, client);
	host->client = host->processing = client;
	host->clients++;
	vmsnd_jack_devices_changed(host); /* remembers what there is */
	note_there(host);
	pthread_mutex_unlock(&host->graph);
	if (host->user)
		host->user->devices_changed(host->user_ctx);
}

/* ---- going ---- */

/* A cycle is a matter of microseconds; one that is not over by then never will be, since libjack
 * has ended its thread in the middle. */
void vmsnd_jack_wait_cycle(struct vmsnd_backend *host)
{
	const struct timespec nap = {.tv_nsec = CYCLE_NAP_NS};
	unsigned cycle = atomic_load(&host->cycle);

	for (unsigned i = 0; i < CYCLE_NAPS; i++) {
		if (cycle % 2 == 0 || atomic_load(&host->cycle) != cycle)
			return;
		nanosleep(&nap, NULL);
	}
}

/* The longest period is 170 ms; a server that hangs has none. */
void vmsnd_jack_wait_cycles(struct vmsnd_backend *host, unsigned cycles)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	unsigned from = atomic_load(&host->cycle);
	unsigned steps = 2 * cycles + from % 2;

	for (unsigned ms = 0; ms < 200 * cycles; ms++) {
		if (atomic_load(&host->cycle) - from >= steps ||
		    atomic_load(&host->events) & VMSND_JACK_GONE)
			return;
		nanosleep(&nap, NULL);
	}
}

static void for_streams(struct vmsnd_backend *host, void (*visit)(struct vmsnd_stream *stream))
{
	for (unsigned i = 0; i < VMSND_JACK_STREAMS_MAX; i++) {
		struct vmsnd_stream *stream = atomic_load(&host->slots[i]);

		if (stream)
			visit(stream);
	}
}

/* Its ports are those of the client that goes: the next one, which may come before the stream is
 * closed, knows nothing of them. */
static void lose_stream(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	atomic_store(&stream->lost, true);
	pthread_mutex_lock(&host->lock);
	if (!stream->ended && !stream->closed)
		stream->user.ended(stream->ctx, VMSND_E_GONE);
	stream->ended = true;
	pthread_mutex_unlock(&host->lock);
	vmsnd_jack_slot_leave(stream);
}

/* ---- streams that are closed ---- */

bool vmsnd_jack_enter(struct vmsnd_backend *host)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ENTER_S;
	return pthread_mutex_timedlock(&host->graph, &until) == 0;
}

void vmsnd_jack_dismiss(struct vmsnd_backend *host)
{
	struct vmsnd_stream *list, *next;

	pthread_mutex_lock(&host->lock);
	list = host->leaving;
	host->leaving = NULL;
	host->dismissing = true;
	pthread_mutex_unlock(&host->lock);
	for (; list; list = next) {
		next = list->next;
		vmsnd_jack_stream_free(list);
	}
	pthread_mutex_lock(&host->lock);
	host->dismissing = false;
	pthread_cond_broadcast(&host->dismissed);
	pthread_mutex_unlock(&host->lock);
}

void vmsnd_jack_leave(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	vmsnd_ns until = now_ns() + LEAVE_NS;
	const struct timespec limit = {.tv_sec = (time_t)(until / VMSND_NS_PER_SECOND),
				       .tv_nsec = (long)(until % VMSND_NS_PER_SECOND)};

	pthread_mutex_lock(&host->lock);
	stream->next = host->leaving;
	host->leaving = stream;
	mark(host, VMSND_JACK_LEAVING);
	while (host->leaving || host->dismissing)
		if (pthread_cond_timedwait(&host->dismissed, &host->lock, &limit))
			break;
	pthread_mutex_unlock(&host->lock);
}

/* Clients of one process share a part of libjack that is about one server: all of them have closed
 * by the time the first tries again, for each waits from here on. */
static void rest(struct vmsnd_backend *host)
{
	uint64_t count;

	if (read(host->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		sched_yield();
}

/* libjack may end its process thread wherever that is, so that must be out of everybody's code
 * before the client is closed. */
static void close_client(struct vmsnd_backend *host)
{
	jack_client_t *client;

	atomic_store(&host->shut, true);
	vmsnd_jack_wait_cycle(host);
	pthread_mutex_lock(&host->graph);
	/* That of PipeWire 1.4 frees links twice whose server has died, unless their ports go
	 * first. */
	for_streams(host, vmsnd_jack_unregister);
	client = host->client;
	host->client = NULL;
	for_streams(host, lose_stream);
	host->open_streams = 0;
	vmsnd_jack_dismiss(host);
	pthread_mutex_unlock(&host->graph);
	if (client)
		jack_client_close(client);
	atomic_store(&host->cycle, 0);
	rest(host);
}

/* ---- following ---- */

static void look_at_format(struct vmsnd_stream *stream)
{
	uint32_t rate_hz = jack_get_sample_rate(stream->host->client);
	uint32_t period_frames = jack_get_buffer_size(stream->host->client);

	if ((rate_hz == stream->rate_hz && period_frames == stream->max_frames) ||
	    !stream->user.notice)
		return;
	pthread_mutex_lock(&stream->host->lock);
	if (!stream->closed)
		stream->user.notice(stream->ctx, VMSND_STREAM_REOPEN);
	pthread_mutex_unlock(&stream->host->lock);
}

static void follow_format(struct vmsnd_backend *host)
{
	uint32_t rate_hz = jack_get_sample_rate(host->client);
	uint32_t period_frames = jack_get_buffer_size(host->client);

	pthread_mutex_lock(&host->lock);
	host->server.rate_hz = rate_hz;
	host->server.period_frames = period_frames;
	pthread_mutex_unlock(&host->lock);
	for_streams(host, look_at_format);
}

static void relink(struct vmsnd_backend *host, bool some_went)
{
	for (unsigned i = 0; i < VMSND_JACK_STREAMS_MAX; i++) {
		struct vmsnd_stream *stream = atomic_load(&host->slots[i]);

		if (stream)
			vmsnd_jack_relink(stream, some_went);
	}
}

/* True when there are other devices than before. */
static bool follow(struct vmsnd_backend *host, unsigned events)
{
	bool changed = false;

	pthread_mutex_lock(&host->graph);
	if (events & VMSND_JACK_FORMAT)
		follow_format(host);
	if (events & VMSND_JACK_PORTS || events == 0)
		relink(host, events & VMSND_JACK_WENT);
	if (events & (VMSND_JACK_PORTS | VMSND_JACK_LINKS))
		for_streams(host, vmsnd_jack_look_at_place);
	if (events & (VMSND_JACK_LATENCY | VMSND_JACK_LINKS))
		for_streams(host, vmsnd_jack_look_at_latency);
	if (events & VMSND_JACK_PORTS || host->open_streams == 0)
		changed = vmsnd_jack_devices_changed(host);
	pthread_mutex_unlock(&host->graph);
	return changed;
}

static void look(struct vmsnd_backend *host)
{
	unsigned events = atomic_exchange(&host->events, 0);

	if (events & VMSND_JACK_GONE) {
		close_client(host);
		note_away(host, 0, "the server has gone; ");
	} else if (follow(host, events) && host->user) {
		host->user->devices_changed(host->user_ctx);
	}
}

static void wait_event(struct vmsnd_backend *host)
{
	struct pollfd fd = {.fd = host->wake, .events = POLLIN};
	uint64_t count;

	if (poll(&fd, 1, host->client ? LOOK_MS : RETRY_MS) > 0 &&
	    read(host->wake, &count, sizeof(count)) < 0)
		sched_yield();
}

static void dismiss(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&host->graph);
	vmsnd_jack_dismiss(host);
	pthread_mutex_unlock(&host->graph);
}

static void *control(void *arg)
{
	struct vmsnd_backend *host = arg;

	while (!atomic_load(&host->end)) {
		dismiss(host);
		if (host->client)
			look(host);
		else
			try_client(host);
		wait_event(host);
	}
	close_client(host);
	return NULL;
}

enum vmsnd_rc vmsnd_jack_control_start(struct vmsnd_backend *host)
{
	host->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (host->wake < 0)
		return VMSND_E_SYSTEM;
	if (pthread_create(&host->control, NULL, control, host) == 0)
		return VMSND_OK;
	close(host->wake);
	return VMSND_E_SYSTEM;
}

void vmsnd_jack_control_end(struct vmsnd_backend *host)
{
	uint64_t one = 1;

	atomic_store(&host->end, true);
	if (write(host->wake, &one, sizeof(one)) < 0)
		sched_yield(); /* it wakes by itself */
	pthread_join(host->control, NULL);
	close(host->wake);
}
