/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams. The lane says what is wanted, the control thread makes it so. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/pipewire/parts.h"

/* How long the session manager may take to link, or to link anew on a change of device, before
 * the stream counts as put to sleep. */
#define LINK_NS UINT64_C(300000000)
/* The longest cycle of a graph, in seconds: 8192 frames at 32000 Hz and some. */
#define CYCLE_FRAMES_MAX 8192u
#define CYCLE_RATE_HZ    32000u
/* How often the lane looks whether a block that is under way is over. */
#define INSIDE_NS 50000L

struct vmsnd_stream *vmsnd_pw_stream_after(struct vmsnd_backend *host,
					   const struct vmsnd_stream *stream)
{
	struct spa_list *next;

	pthread_mutex_lock(&host->lock);
	next = stream ? stream->link.next : host->streams.next;
	pthread_mutex_unlock(&host->lock);
	return next == &host->streams ? NULL : SPA_CONTAINER_OF(next, struct vmsnd_stream, link);
}

void vmsnd_pw_end(struct vmsnd_stream *stream, enum vmsnd_rc why)
{
	atomic_store(&stream->stage, VMSND_PW_ENDED);
	if (stream->closed || stream->ended)
		return;
	stream->ended = true;
	if (stream->user.ended)
		stream->user.ended(stream->ctx, why);
}

static void end(struct vmsnd_stream *stream, enum vmsnd_rc why)
{
	pthread_mutex_lock(&stream->host->lock);
	vmsnd_pw_end(stream, why);
	pthread_mutex_unlock(&stream->host->lock);
}

/* ---- what libpipewire says, on the control thread ---- */

static void bound(struct vmsnd_stream *stream)
{
	uint32_t id = pw_stream_get_node_id(stream->pw);

	if (id == SPA_ID_INVALID || atomic_load(&stream->stage) != VMSND_PW_MADE)
		return;
	pthread_mutex_lock(&stream->host->lock);
	stream->node_id = id;
	atomic_store(&stream->since, vmsnd_pw_now());
	atomic_store(&stream->stage, VMSND_PW_BOUND);
	vmsnd_pw_place(stream);
	pthread_mutex_unlock(&stream->host->lock);
}

/* An "error" that does not stay is a word from the session manager, such as "no target": the
 * stream lives on, unlinked, until there is one. */
static void on_state(void *data, enum pw_stream_state old, enum pw_stream_state state,
		     const char *error)
{
	struct vmsnd_stream *stream = data;

	if (state == PW_STREAM_STATE_ERROR &&
	    pw_stream_get_state(stream->pw, NULL) != PW_STREAM_STATE_ERROR)
		return;
	if (state == PW_STREAM_STATE_ERROR || state == PW_STREAM_STATE_UNCONNECTED) {
		if (state == PW_STREAM_STATE_ERROR)
			vmsnd_logf(stream->host->log, VMSND_LOG_DEBUG, "%s: pipewire: stream: %s",
				   stream->host->card, error ? error : "error");
		stream->gone = true;
		pw_loop_signal_event(stream->host->loop, stream->host->wake);
		return;
	}
	bound(stream);
}

static const struct pw_stream_events stream_events = {.version = PW_VERSION_STREAM_EVENTS,
						      .state_changed = on_state,
						      .control_info = vmsnd_pw_on_control,
						      .process = vmsnd_pw_process_rt};

/* ---- what is wanted is made so, on the control thread ---- */

static int connect_stream(struct vmsnd_stream *stream)
{
	uint8_t bytes[1024];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(bytes, sizeof(bytes));
	struct spa_audio_info_raw info;
	const struct spa_pod *params[1];

	vmsnd_pw_format(&stream->format, &info);
	params[0] = spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info);
	return pw_stream_connect(
	    stream->pw, stream->dir == VMSND_PLAYBACK ? PW_DIRECTION_OUTPUT : PW_DIRECTION_INPUT,
	    PW_ID_ANY,
	    PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS |
		PW_STREAM_FLAG_INACTIVE,
	    params, 1);
}

static void make(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	struct pw_properties *properties = vmsnd_pw_properties(stream);

	if (properties)
		stream->pw = pw_stream_new(host->core, host->card, properties);
	if (!stream->pw) {
		end(stream, VMSND_E_NOMEM);
		return;
	}
	atomic_store(&stream->stage, VMSND_PW_MADE);
	pw_stream_add_listener(stream->pw, &stream->listener, &stream_events, stream);
	if (connect_stream(stream) < 0)
		stream->gone = true;
}

void vmsnd_pw_unmake(struct vmsnd_stream *stream)
{
	if (!stream->pw)
		return;
	spa_hook_remove(&stream->listener);
	pw_stream_destroy(stream->pw);
	stream->pw = NULL;
	stream->is_active = false;
}

static void discard(struct vmsnd_stream *stream)
{
	vmsnd_pw_unmake(stream);
	pthread_mutex_lock(&stream->host->lock);
	spa_list_remove(&stream->link);
	pthread_mutex_unlock(&stream->host->lock);
	free(stream);
}

static bool is_closed(struct vmsnd_stream *stream)
{
	bool closed;

	pthread_mutex_lock(&stream->host->lock);
	closed = stream->closed;
	pthread_mutex_unlock(&stream->host->lock);
	return closed;
}

void vmsnd_pw_settle(struct vmsnd_stream *stream, bool ready)
{
	bool active = atomic_load(&stream->wants_active);

	if (is_closed(stream)) {
		discard(stream);
		return;
	}
	if (ready && atomic_load(&stream->stage) == VMSND_PW_NEW)
		make(stream);
	if (stream->gone) {
		vmsnd_pw_unmake(stream);
		stream->gone = false;
		end(stream, VMSND_E_GONE);
	}
	if (!stream->pw)
		return;
	vmsnd_pw_volume_settle(stream);
	if (active == stream->is_active)
		return;
	stream->is_active = active;
	pw_stream_set_active(stream->pw, active);
}

/* ---- the lane's side ---- */

static uint32_t max_frames(uint32_t rate_hz)
{
	uint64_t frames = (uint64_t)CYCLE_FRAMES_MAX * rate_hz / CYCLE_RATE_HZ;

	return frames > CYCLE_FRAMES_MAX ? (uint32_t)frames : CYCLE_FRAMES_MAX;
}

static void fill(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want)
{
	uint32_t frames = want->period_frames > 0 ? want->period_frames : want->format.rate_hz / 50;

	stream->dir = want->dir;
	stream->frame_bytes = vmsnd_format_frame_bytes(&stream->format);
	stream->latency_frames = frames > 0 ? frames : 1;
	stream->max_frames = max_frames(stream->format.rate_hz);
	stream->node_id = SPA_ID_INVALID;
}

/* The server may go at any time: it ends all streams that are in the list by then. */
static bool enlist(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;
	bool there;

	pthread_mutex_lock(&host->lock);
	there = host->phase != VMSND_PW_AWAY;
	if (there) { /* and a clock is known */
		stream->period_frames =
		    vmsnd_pw_block_frames(host, stream->latency_frames, stream->format.rate_hz);
		spa_list_append(&host->streams, &stream->link);
	}
	pthread_mutex_unlock(&host->lock);
	return there;
}

enum vmsnd_rc vmsnd_pw_stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				   const struct vmsnd_stream_user *user, void *ctx,
				   struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_format format;
	struct vmsnd_stream *stream;

	if (!vmsnd_pw_nearest(&want->format, &format))
		return VMSND_E_UNSUPPORTED;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->format = format;
	stream->user = *user;
	stream->ctx = ctx;
	fill(stream, want);
	if (!enlist(stream)) {
		free(stream);
		return VMSND_E_GONE; /* said when it went */
	}
	*got = (struct vmsnd_stream_got){.format = format,
					 .period_frames = stream->period_frames,
					 .max_frames = stream->max_frames};
	*out = stream;
	vmsnd_pw_wake(host);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_pw_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!atomic_load(&stream->open))
		stream->fresh = true; /* while the data thread does not look at it */
	atomic_store(&stream->drain_end, 0);
	atomic_store(&stream->open, true);
	atomic_store(&stream->wants_active, true);
	vmsnd_pw_wake(stream->host);
	return VMSND_OK;
}

/* A block lasts microseconds; longer only when the data thread is not given the CPU. */
static void shut(struct vmsnd_stream *stream)
{
	const struct timespec moment = {.tv_nsec = INSIDE_NS};

	atomic_store(&stream->open, false);
	while (atomic_load(&stream->inside))
		nanosleep(&moment, NULL);
}

void vmsnd_pw_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	shut(stream);
	atomic_store(&stream->drain_end, 0);
	atomic_store(&stream->wants_active, false);
	vmsnd_pw_wake(stream->host);
}

void vmsnd_pw_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	shut(stream);
	pthread_mutex_lock(&host->lock);
	stream->closed = true;
	pthread_mutex_unlock(&host->lock);
	vmsnd_pw_wake(host); /* the control thread frees it */
}

/* All that was given is heard after its delay: the graph needs no word from us, and a drain of
 * libpipewire's could not be taken back when the guest goes on. */
enum vmsnd_rc vmsnd_pw_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now)
{
	vmsnd_ns end = atomic_load_explicit(&stream->heard, memory_order_relaxed);
	/* A device reads a cycle after it was written. */
	vmsnd_ns cycle =
	    (vmsnd_ns)stream->period_frames * VMSND_NS_PER_SECOND / stream->format.rate_hz;

	atomic_store(&stream->drain_end, (end > 0 ? end : vmsnd_pw_now()) + cycle);
	return VMSND_OK;
}

enum vmsnd_stream_state vmsnd_pw_stream_state(const struct vmsnd_stream *stream)
{
	uint32_t stage = atomic_load(&stream->stage);
	vmsnd_ns drain_end = atomic_load(&stream->drain_end), now = vmsnd_pw_now();

	if (stage == VMSND_PW_ENDED)
		return VMSND_STREAM_NOT_WORKING;
	if (stage != VMSND_PW_BOUND)
		return VMSND_STREAM_INITIALIZING;
	if (drain_end > now)
		return VMSND_STREAM_DRAINING;
	if (atomic_load(&stream->n_links) > 0)
		return VMSND_STREAM_OKAY;
	if (now < atomic_load(&stream->since) + LINK_NS)
		return atomic_load(&stream->wants_active) ? VMSND_STREAM_OKAY
							  : VMSND_STREAM_INITIALIZING;
	return VMSND_STREAM_INACTIVE;
}

void vmsnd_pw_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out)
{
	pthread_mutex_lock(&stream->host->lock);
	*out = stream->place;
	pthread_mutex_unlock(&stream->host->lock);
	out->has_volume = atomic_load(&stream->has_volume);
	out->muted = atomic_load(&stream->muted);
	out->gain_mdb = atomic_load(&stream->gain_mdb);
	out->xruns = atomic_load(&stream->xruns);
}
