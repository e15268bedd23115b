/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream as the lane sees it: opened and closed on a worker; started, stopped and drained by a
 * word that its thread looks at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/alsa/host.h"

/* How often the lane looks whether a block is still on its way; mostly it is not. */
#define FENCE_NS 20000

static const char *option_of(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? "out-device" : "in-device";
}

/* ---- opening ---- */

static enum vmsnd_rc cannot_open(struct vmsnd_stream *stream, int error, bool again)
{
	struct vmsnd_alsa_trouble trouble = vmsnd_alsa_trouble(error);

	vmsnd_alsa_away(stream->host, stream->dir, true);
	vmsnd_logf(again ? NULL : stream->host->log, VMSND_LOG_ERROR, "alsa: %s=%s: %s; %s",
		   option_of(stream->dir), stream->device, trouble.what, trouble.advice);
	return VMSND_E_GONE;
}

static enum vmsnd_rc cannot_set_up(struct vmsnd_stream *stream, int error, const char *what,
				   bool again)
{
	/* What a card that is being pulled says. */
	if (error == -ENODEV || error == -ENXIO || error == -EBADFD)
		return cannot_open(stream, error, again);
	vmsnd_logf(again ? NULL : stream->host->log, VMSND_LOG_ERROR,
		   "alsa: %s=%s: it cannot be set up (%s): %s; a device with plug: "
		   "before its name "
		   "takes more formats",
		   option_of(stream->dir), stream->device, what, snd_strerror(error));
	return VMSND_E_UNSUPPORTED;
}

static enum vmsnd_rc open_pcm(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want)
{
	const char *what = "";
	int error = snd_pcm_open(&stream->pcm, stream->device, vmsnd_alsa_way(stream->dir),
				 VMSND_ALSA_OPEN_MODE);

	if (error < 0) {
		stream->pcm = NULL;
		return cannot_open(stream, error, want->again);
	}
	error = vmsnd_alsa_set_up(stream, want, &what);
	if (error < 0)
		return cannot_set_up(stream, error, what, want->again);
	vmsnd_alsa_away(stream->host, stream->dir, false);
	return VMSND_OK;
}

static void take_name(struct vmsnd_stream *stream)
{
	snd_pcm_info_t *info;
	const char *name = NULL;

	snd_pcm_info_alloca(&info);
	if (snd_pcm_info(stream->pcm, info) == 0)
		name = snd_pcm_info_get_name(info);
	snprintf(stream->name, sizeof(stream->name), "%s", name && *name ? name : stream->device);
}

static enum vmsnd_rc make_room(struct vmsnd_stream *stream)
{
	stream->history_frames = stream->buffer_frames + 2 * stream->period_frames;
	stream->history = calloc(stream->history_frames, stream->frame_bytes);
	stream->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!stream->history || snd_pcm_status_malloc(&stream->status) < 0)
		return VMSND_E_NOMEM;
	return stream->wake_fd < 0 ? VMSND_E_SYSTEM : VMSND_OK;
}

static void stream_free(struct vmsnd_stream *stream)
{
	if (stream->pcm)
		snd_pcm_close(stream->pcm);
	if (stream->status)
		snd_pcm_status_free(stream->status);
	if (stream->wake_fd >= 0)
		close(stream->wake_fd);
	free(stream->history);
	free(stream);
}

static struct vmsnd_stream *make(struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->host = host;
	stream->dir = dir;
	stream->wake_fd = -1;
	pthread_mutex_lock(&host->lock);
	snprintf(stream->device, sizeof(stream->device), "%s", host->device[dir]);
	pthread_mutex_unlock(&host->lock);
	return stream;
}

static enum vmsnd_rc begin(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	if (!vmsnd_alsa_thread(&stream->thread, vmsnd_alsa_stream_thread, stream)) {
		vmsnd_logf(host->log, VMSND_LOG_ERROR,
			   "alsa: %s=%s: no thread can be started; raise the limit of processes",
			   option_of(stream->dir), stream->device);
		return VMSND_E_SYSTEM;
	}
	pthread_mutex_lock(&host->lock);
	stream->next = host->streams;
	host->streams = stream;
	pthread_mutex_unlock(&host->lock);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_alsa_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = make(host, want->dir);
	snd_local_error_handler_t before;
	enum vmsnd_rc rc;

	if (!stream)
		return VMSND_E_NOMEM;
	stream->user = *user;
	stream->ctx = ctx;
	before = vmsnd_alsa_hush();
	rc = open_pcm(stream, want);
	if (!rc)
		rc = make_room(stream);
	if (!rc) {
		take_name(stream);
		*got = (struct vmsnd_stream_got){.format = stream->format,
						 .period_frames = stream->period_frames,
						 .max_frames = stream->period_frames};
		rc = begin(stream);
	}
	if (rc)
		stream_free(stream);
	else
		*out = stream;
	vmsnd_alsa_unhush(before);
	return rc;
}

/* ---- the word ---- */

static void ask(struct vmsnd_stream *stream, uint32_t what)
{
	atomic_store(&stream->asked, what);
	vmsnd_alsa_poke(stream->wake_fd);
}

enum vmsnd_rc vmsnd_alsa_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	(void)now;
	if (atomic_load_explicit(&stream->lost, memory_order_acquire))
		return VMSND_E_GONE;
	ask(stream, VMSND_ALSA_RUN);
	return VMSND_OK;
}

/* A block that is on its way ends within microseconds; the thread then sees the word before it
 * begins another. */
static void fence(const struct vmsnd_stream *stream)
{
	const struct timespec moment = {.tv_nsec = FENCE_NS};

	while (atomic_load(&stream->moving))
		nanosleep(&moment, NULL);
}

void vmsnd_alsa_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	(void)now;
	stream->drain_wanted = false;
	ask(stream, 0);
	fence(stream);
}

static void unlist(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	pthread_mutex_lock(&host->lock);
	for (struct vmsnd_stream **at = &host->streams; *at; at = &(*at)->next) {
		if (*at != stream)
			continue;
		*at = stream->next;
		break;
	}
	pthread_mutex_unlock(&host->lock);
}

/* The watcher holds the lock while it tells of a loss, so after unlist it does so no more. */
void vmsnd_alsa_stream_close(struct vmsnd_stream *stream)
{
	unlist(stream);
	ask(stream, VMSND_ALSA_QUIT);
	pthread_join(stream->thread, NULL);
	stream_free(stream);
}

enum vmsnd_rc vmsnd_alsa_stream_drain(struct vmsnd_stream *stream, vmsnd_ns now)
{
	(void)now;
	if (!(atomic_load(&stream->asked) & VMSND_ALSA_RUN))
		return VMSND_E_UNSUPPORTED;
	stream->drains = (stream->drains + 1) & (UINT32_MAX >> VMSND_ALSA_DRAIN_SHIFT);
	stream->drains += stream->drains == 0;
	stream->drain_wanted = true;
	ask(stream, VMSND_ALSA_RUN | stream->drains << VMSND_ALSA_DRAIN_SHIFT);
	return VMSND_OK;
}

enum vmsnd_stream_state vmsnd_alsa_stream_state(const struct vmsnd_stream *stream)
{
	bool over =
	    atomic_load_explicit(&stream->drained, memory_order_acquire) == stream->drains ||
	    atomic_load_explicit(&stream->lost, memory_order_relaxed);

	return stream->drain_wanted && !over ? VMSND_STREAM_DRAINING : VMSND_STREAM_OKAY;
}

void vmsnd_alsa_streams_poke(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&host->lock);
	for (const struct vmsnd_stream *at = host->streams; at; at = at->next)
		vmsnd_alsa_poke(at->wake_fd);
	pthread_mutex_unlock(&host->lock);
}

void vmsnd_alsa_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out)
{
	*out = (struct vmsnd_stream_place){
	    .xruns = atomic_load_explicit(&stream->xruns, memory_order_relaxed)};
	memcpy(out->device, stream->device, sizeof(out->device));
	memcpy(out->name, stream->name, sizeof(out->name));
}
