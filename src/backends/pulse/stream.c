/* SPDX-License-Identifier: BSD-3-Clause */
/* One stream on the server. It is made corked and without waiting: INITIALIZING until the server
 * has it. Stop corks it once what is queued has been heard. */
#include <stdlib.h>
#include <string.h>

#include "backends/pulse/host.h"

/* What is queued beyond us in all, when nobody says: two of the guest's periods, within these. */
#define LATENCY_MIN_MS 30u
#define LATENCY_MAX_MS 200u

static void lock(const struct vmsnd_stream *stream)
{
	pa_threaded_mainloop_lock(stream->host->loop);
}

static void unlock(const struct vmsnd_stream *stream)
{
	pa_threaded_mainloop_unlock(stream->host->loop);
}

static void set_state(struct vmsnd_stream *stream, enum vmsnd_stream_state state)
{
	atomic_store_explicit(&stream->state, (int)state, memory_order_release);
}

void pulse_forget(pa_operation **operation)
{
	if (!*operation)
		return;
	pa_operation_cancel(*operation);
	pa_operation_unref(*operation);
	*operation = NULL;
}

/* ---- what the server says of it ---- */

/* In the log once for each reason: a device that is not there is tried for as long as it takes. */
static void say_failed(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	const char *device = pulse_device_wanted(host, stream->dir);
	int error = pa_context_errno(host->context);

	if (!atomic_load(&host->ready) || error == host->said_error[stream->dir])
		return;
	host->said_error[stream->dir] = error;
	if (!stream->again)
		vmsnd_logf(host->log, VMSND_LOG_WARNING, "%s: PulseAudio: no %s stream on %s%s: %s",
			   host->name, stream->dir == VMSND_PLAYBACK ? "playback" : "capture",
			   device ? "device " : "the default device", device ? device : "",
			   pa_strerror(error));
}

static void ended(struct vmsnd_stream *stream)
{
	if (stream->ended)
		return;
	stream->ended = true;
	stream->running = false;
	set_state(stream, VMSND_STREAM_NOT_WORKING);
	say_failed(stream);
	stream->user.ended(stream->ctx, VMSND_E_GONE);
}

static void on_state(pa_stream *pulse, void *arg)
{
	struct vmsnd_stream *stream = arg;
	pa_stream_state_t state = pa_stream_get_state(pulse);

	if (state == PA_STREAM_READY) {
		stream->host->said_error[stream->dir] = PA_OK;
		set_state(stream, VMSND_STREAM_OKAY);
		pulse_volume_ask(stream);
		if (stream->running)
			stream->host->api->defer_enable(stream->kick, 1);
	} else if (state == PA_STREAM_FAILED || state == PA_STREAM_TERMINATED) {
		ended(stream);
	}
}

static void on_bytes(pa_stream *pulse, size_t bytes, void *arg)
{
	pulse_blocks_move(arg);
}

/* While it drains, or is stopped, nothing more was to come. */
static void on_xrun(pa_stream *pulse, void *arg)
{
	struct vmsnd_stream *stream = arg;

	if (!stream->running || stream->draining)
		return;
	stream->xruns++;
	stream->gap = stream->moved;
}

/* Another device, by its user's wish or because the old one went; or it sleeps, or woke up, as it
 * may at each start. Its queue went with it, its clock did not. */
static void on_moved(pa_stream *pulse, void *arg)
{
	struct vmsnd_stream *stream = arg;

	stream->gap = stream->moved;
}

/* The queue is there before the stream runs: in order, on one thread. */
static void on_kick(pa_mainloop_api *api, pa_defer_event *event, void *arg)
{
	struct vmsnd_stream *stream = arg;

	api->defer_enable(event, 0);
	if (!stream->running || pa_stream_get_state(stream->pulse) != PA_STREAM_READY)
		return;
	pulse_blocks_move(stream);
	pulse_unref(pa_stream_cork(stream->pulse, 0, NULL, NULL));
}

/* ---- open ---- */

static pa_stream *make_pulse(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	const char *name = vmsnd_conf_text(&host->options, "stream-name"),
		   *role = vmsnd_conf_text(&host->options, "role"),
		   *icon = vmsnd_conf_text(&host->options, "icon");
	pa_proplist *list = pa_proplist_new();
	pa_sample_spec spec;
	pa_channel_map map;
	pa_stream *pulse;

	if (!list)
		return NULL;
	if (!name || !*name)
		name = host->name;
	pa_proplist_sets(list, PA_PROP_MEDIA_NAME, name);
	if (role && *role && strcmp(role, "none") != 0)
		pa_proplist_sets(list, PA_PROP_MEDIA_ROLE, role);
	if (icon && *icon)
		pa_proplist_sets(list, PA_PROP_MEDIA_ICON_NAME, icon);
	pulse_format_spec(&stream->format, &spec, &map);
	pulse = pa_stream_new_with_proplist(host->context, name, &spec, &map, list);
	pa_proplist_free(list);
	return pulse;
}

static void listen(struct vmsnd_stream *stream)
{
	pa_stream *pulse = stream->pulse;

	pa_stream_set_state_callback(pulse, on_state, stream);
	pa_stream_set_write_callback(pulse, on_bytes, stream);
	pa_stream_set_read_callback(pulse, on_bytes, stream);
	pa_stream_set_underflow_callback(pulse, on_xrun, stream);
	pa_stream_set_overflow_callback(pulse, on_xrun, stream);
	pa_stream_set_moved_callback(pulse, on_moved, stream);
	pa_stream_set_suspended_callback(pulse, on_moved, stream);
}

static void listen_no_more(pa_stream *pulse)
{
	pa_stream_set_state_callback(pulse, NULL, NULL);
	pa_stream_set_write_callback(pulse, NULL, NULL);
	pa_stream_set_read_callback(pulse, NULL, NULL);
	pa_stream_set_underflow_callback(pulse, NULL, NULL);
	pa_stream_set_overflow_callback(pulse, NULL, NULL);
	pa_stream_set_moved_callback(pulse, NULL, NULL);
	pa_stream_set_suspended_callback(pulse, NULL, NULL);
}

static uint32_t ms_frames(uint64_t ms, uint32_t rate_hz)
{
	return (uint32_t)(ms * rate_hz / 1000);
}

/* What is queued beyond us in all; the server is asked for a fourth of it at a time. */
static uint32_t queue_frames(const struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			     uint32_t rate_hz)
{
	uint64_t ms = vmsnd_conf_uint(&host->options, "latency-ms");
	uint64_t frames = 2 * (uint64_t)want->period_frames * rate_hz / want->format.rate_hz;
	uint32_t least = ms_frames(LATENCY_MIN_MS, rate_hz), most;

	if (ms > 0)
		return ms_frames(ms, rate_hz);
	if (want->buffer_frames > 0) {
		frames = (uint64_t)want->buffer_frames * rate_hz / want->format.rate_hz;
		least = 4;
	}
	most = ms_frames(want->buffer_frames > 0 ? 5000 : LATENCY_MAX_MS, rate_hz);
	if (frames < least)
		return least;
	return frames < most ? (uint32_t)frames : most;
}

/* After an underrun the server waits for a block before it goes on: nothing that comes late is
 * thrown away. */
static bool connect(struct vmsnd_stream *stream, uint32_t queue, uint32_t period)
{
	static const pa_stream_flags_t flags =
	    PA_STREAM_START_CORKED | PA_STREAM_INTERPOLATE_TIMING | PA_STREAM_AUTO_TIMING_UPDATE |
	    PA_STREAM_ADJUST_LATENCY;
	const char *device = pulse_device_wanted(stream->host, stream->dir);
	uint32_t period_bytes = period * stream->frame_bytes;
	const pa_buffer_attr attr = {.maxlength = UINT32_MAX,
				     .tlength = queue * stream->frame_bytes,
				     .minreq = period_bytes,
				     .prebuf = period_bytes,
				     .fragsize = period_bytes};

	if (stream->dir == VMSND_PLAYBACK)
		return pa_stream_connect_playback(stream->pulse, device, &attr, flags, NULL,
						  NULL) == 0;
	return pa_stream_connect_record(stream->pulse, device, &attr, flags) == 0;
}

/* Closed while the server made it. */
static void on_made_in_vain(pa_stream *pulse, void *arg)
{
	pa_stream_state_t state = pa_stream_get_state(pulse);

	if (state == PA_STREAM_READY) {
		pa_stream_disconnect(pulse);
	} else if (state == PA_STREAM_FAILED || state == PA_STREAM_TERMINATED) {
		listen_no_more(pulse);
		pa_stream_unref(pulse);
	}
}

/* What the server is still making cannot be taken back before it is made; left alone it would stay
 * there for as long as the connection. */
static void let_go(pa_stream *pulse)
{
	listen_no_more(pulse);
	if (pa_stream_get_state(pulse) == PA_STREAM_CREATING) {
		pa_stream_set_state_callback(pulse, on_made_in_vain, NULL);
		return;
	}
	pa_stream_disconnect(pulse);
	pa_stream_unref(pulse);
}

static void free_stream(struct vmsnd_stream *stream)
{
	if (stream->kick)
		stream->host->api->defer_free(stream->kick);
	if (stream->pulse)
		let_go(stream->pulse);
	free(stream->scratch);
	free(stream);
}

static struct vmsnd_stream *make(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->host = host;
	stream->dir = want->dir;
	stream->again = want->again;
	stream->format = got->format;
	stream->frame_bytes = vmsnd_format_frame_bytes(&got->format);
	stream->max_frames = got->max_frames;
	if (want->dir == VMSND_CAPTURE)
		stream->scratch = calloc(got->max_frames, stream->frame_bytes);
	if (want->dir == VMSND_CAPTURE && !stream->scratch) {
		free(stream);
		return NULL;
	}
	set_state(stream, VMSND_STREAM_INITIALIZING);
	return stream;
}

/* With the lock held. */
static enum vmsnd_rc begin(struct vmsnd_stream *stream, const struct vmsnd_stream_got *got)
{
	struct vmsnd_backend *host = stream->host;

	if (!atomic_load(&host->ready))
		return VMSND_E_GONE;
	stream->pulse = make_pulse(stream);
	if (!stream->pulse)
		return pa_context_errno(host->context) == PA_ERR_NOTSUPPORTED ? VMSND_E_UNSUPPORTED
									      : VMSND_E_GONE;
	stream->kick = host->api->defer_new(host->api, on_kick, stream);
	host->api->defer_enable(stream->kick, 0);
	listen(stream);
	return connect(stream, got->max_frames, got->period_frames) ? VMSND_OK : VMSND_E_GONE;
}

enum vmsnd_rc pulse_stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				const struct vmsnd_stream_user *user, void *ctx,
				struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream;
	enum vmsnd_rc rc = pulse_format(&want->format, &got->format);

	if (rc)
		return rc;
	if (!atomic_load(&host->ready))
		return VMSND_E_GONE;
	got->max_frames = queue_frames(host, want, got->format.rate_hz);
	got->period_frames = got->max_frames / 4 + (got->max_frames < 4);
	got->follows = false;
	stream = make(host, want, got);
	if (!stream)
		return VMSND_E_NOMEM;
	stream->user = *user;
	stream->ctx = ctx;
	lock(stream);
	rc = begin(stream, got);
	if (rc) {
		free_stream(stream);
	} else {
		stream->next = host->streams;
		host->streams = stream;
		*out = stream;
	}
	pa_threaded_mainloop_unlock(host->loop);
	return rc;
}

/* ---- the rest of its life ---- */

static void count(struct vmsnd_stream *stream, bool running)
{
	atomic_uint *n = &stream->host->n_running[stream->dir];

	if (running && !stream->counted)
		atomic_fetch_add(n, 1);
	if (!running && stream->counted)
		atomic_fetch_sub(n, 1);
	stream->counted = running;
}

enum vmsnd_rc pulse_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_E_GONE;

	lock(stream);
	if (!stream->ended) {
		stream->running = true;
		stream->gap = stream->primed = stream->moved = false;
		stream->heard_at = 0;
		pulse_forget(&stream->draining);
		count(stream, true);
		stream->host->api->defer_enable(stream->kick, 1);
		rc = VMSND_OK;
	}
	unlock(stream);
	return rc;
}

static void cork(struct vmsnd_stream *stream)
{
	pulse_unref(pa_stream_cork(stream->pulse, 1, NULL, NULL));
}

/* All has been heard: of a drain that the lane asked for, or of what was left at a stop. */
static void on_drained(pa_stream *pulse, int success, void *arg)
{
	struct vmsnd_stream *stream = arg;

	pulse_unref(stream->draining);
	stream->draining = NULL;
	if (stream->ended)
		return;
	set_state(stream, VMSND_STREAM_OKAY);
	if (!stream->running)
		cork(stream);
	stream->running = false;
}

/* What was handed over counts as played, and is: it is not left in the queue for whatever comes
 * next, or for nobody. A drain that is under way goes on. */
static void end_blocks(struct vmsnd_stream *stream)
{
	bool plays = stream->dir == VMSND_PLAYBACK && stream->running;

	stream->running = false;
	if (stream->ended || pa_stream_get_state(stream->pulse) != PA_STREAM_READY)
		return;
	set_state(stream, VMSND_STREAM_OKAY);
	if (plays && !stream->draining)
		stream->draining = pa_stream_drain(stream->pulse, on_drained, stream);
	if (!stream->draining)
		cork(stream);
}

void pulse_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	lock(stream);
	stream->host->api->defer_enable(stream->kick, 0);
	stream->heard_at = 0;
	count(stream, false);
	end_blocks(stream);
	unlock(stream);
}

void pulse_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	struct vmsnd_stream **at = &host->streams;

	lock(stream);
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	count(stream, false);
	pulse_forget(&stream->draining);
	pulse_forget(&stream->asking);
	free_stream(stream);
	pa_threaded_mainloop_unlock(host->loop);
}

/* PipeWire's server says that it has drained when its own queue is empty; what it has handed on
 * would not be heard if the stream were stopped there. */
enum vmsnd_stream_state pulse_stream_state(const struct vmsnd_stream *stream)
{
	int state = atomic_load_explicit(&stream->state, memory_order_acquire);

	if (state == (int)VMSND_STREAM_OKAY && stream->heard_at &&
	    pulse_now_ns() < stream->heard_at)
		return VMSND_STREAM_DRAINING;
	return (enum vmsnd_stream_state)state;
}

enum vmsnd_rc pulse_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (stream->dir == VMSND_CAPTURE)
		return VMSND_E_UNSUPPORTED;
	lock(stream);
	if (stream->ended)
		rc = VMSND_E_GONE;
	else if (!stream->draining)
		stream->draining = pa_stream_drain(stream->pulse, on_drained, stream);
	stream->heard_at = pulse_now_ns() + (vmsnd_ns)pulse_latency_frames(stream) *
						VMSND_NS_PER_SECOND / stream->format.rate_hz;
	if (stream->draining)
		set_state(stream, VMSND_STREAM_DRAINING);
	else if (!rc)
		rc = VMSND_E_UNSUPPORTED;
	unlock(stream);
	return rc;
}

void pulse_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out)
{
	const struct pulse_device *device;
	const char *id = NULL;

	*out = (struct vmsnd_stream_place){.xruns = 0};
	lock(stream);
	if (pa_stream_get_state(stream->pulse) == PA_STREAM_READY)
		id = pa_stream_get_device_name(stream->pulse);
	device = id ? pulse_device_find(stream->host, stream->dir, id) : NULL;
	if (id && strlen(id) < sizeof(out->device))
		strcpy(out->device, id);
	if (device)
		memcpy(out->name, device->name, sizeof(out->name));
	out->has_volume = stream->has_volume;
	out->muted = stream->muted;
	out->gain_mdb = stream->gain_mdb;
	out->xruns = stream->xruns;
	unlock(stream);
}
