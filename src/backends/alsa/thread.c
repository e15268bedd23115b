/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's thread: brings the PCM to what the lane asks for, waits for it, moves frames, and gets
 * it going again after an xrun or a suspend. */
#include <poll.h>
#include <string.h>

#include "backends/alsa/host.h"

#define FDS_MAX 32

/* A PCM that says nothing for so long is looked at all the same. */
#define IDLE_MS 500
/* Starts in a row after which no period came through. */
#define RECOVERIES_MAX 8u
#define RETRY_MS       2
/* A card that has been asleep is given so long to wake up before it is set up anew. */
#define RESUME_MS   50
#define RESUMES_MAX 40u

static uint32_t asked_of(const struct vmsnd_stream *stream)
{
	return atomic_load(&stream->asked);
}

/* ---- what becomes of errors ---- */

static void lose(struct vmsnd_stream *stream)
{
	/* Its files are closed at once: the card's number is free again only then. */
	snd_pcm_close(stream->pcm);
	stream->pcm = NULL;
	stream->phase = VMSND_ALSA_LOST;
	vmsnd_alsa_away(stream->host, stream->dir, true);
	atomic_store_explicit(&stream->lost, true, memory_order_release);
	vmsnd_alsa_poke(stream->host->watch.wake_fd);
}

/* Whether nothing is left that anybody would hear. */
static bool is_over(const struct vmsnd_stream *stream)
{
	return (stream->draining || stream->tail) && stream->held_frames == 0;
}

static void xrun(struct vmsnd_stream *stream)
{
	if (is_over(stream)) {
		stream->phase = VMSND_ALSA_DRAINED;
		return;
	}
	stream->gap = true;
	atomic_fetch_add_explicit(&stream->xruns, 1, memory_order_relaxed);
	stream->phase = VMSND_ALSA_READY;
	if (++stream->recoveries > RECOVERIES_MAX)
		lose(stream);
}

static void fail(struct vmsnd_stream *stream, long error)
{
	if (error == -EAGAIN || error == -EINTR)
		return;
	if (error == -ESTRPIPE) {
		stream->phase = VMSND_ALSA_SUSPENDED;
		stream->resumes = 0;
	} else if (error == -EPIPE) {
		xrun(stream);
	} else {
		lose(stream);
	}
}

/* ---- what the lane asks for ---- */

static void clock_anew(struct vmsnd_stream *stream)
{
	stream->since = vmsnd_alsa_now();
	stream->moved_frames = 0;
}

static void start(struct vmsnd_stream *stream)
{
	int error = snd_pcm_prepare(stream->pcm);

	clock_anew(stream);
	if (error >= 0 && stream->dir == VMSND_PLAYBACK)
		error = vmsnd_alsa_fill(stream);
	if (error >= 0)
		error = snd_pcm_start(stream->pcm);
	stream->phase = VMSND_ALSA_RUNNING;
	if (error < 0)
		fail(stream, error);
}

static bool is_suspended(const struct vmsnd_stream *stream)
{
	return atomic_load_explicit(&stream->host->suspended, memory_order_relaxed);
}

/* HB-03: what is queued is heard later, by a pause of the hardware's or without. */
static void stop(struct vmsnd_stream *stream)
{
	if (stream->dir == VMSND_PLAYBACK && stream->pauses && !stream->draining &&
	    snd_pcm_pause(stream->pcm, 1) == 0) {
		stream->phase = VMSND_ALSA_PAUSED;
		return;
	}
	if (stream->dir == VMSND_PLAYBACK)
		vmsnd_alsa_hold(stream);
	else
		snd_pcm_drop(stream->pcm);
	stream->phase = VMSND_ALSA_READY;
}

static void go_on(struct vmsnd_stream *stream)
{
	stream->phase = VMSND_ALSA_RUNNING;
	clock_anew(stream);
	if (snd_pcm_pause(stream->pcm, 0) < 0)
		xrun(stream);
}

static void end(struct vmsnd_stream *stream)
{
	if (stream->draining)
		atomic_store_explicit(&stream->drained, stream->draining, memory_order_release);
	snd_pcm_drop(stream->pcm);
}

/* What the end of the queue is: frames of the guest's, or silence behind its last one. */
static void settle_end(struct vmsnd_stream *stream, uint32_t asked)
{
	uint32_t wanted = asked >> VMSND_ALSA_DRAIN_SHIFT;
	bool tail = stream->dir == VMSND_PLAYBACK && !(asked & VMSND_ALSA_RUN);

	if (wanted == stream->draining && tail == stream->tail)
		return;
	if (stream->phase == VMSND_ALSA_DRAINED)
		stream->phase = VMSND_ALSA_READY;
	if (stream->phase == VMSND_ALSA_READY)
		stream->silence_frames = 0;
	vmsnd_alsa_remember_silence(stream);
	stream->draining = wanted;
	stream->tail = tail;
}

static void try_resume(struct vmsnd_stream *stream)
{
	int error = snd_pcm_resume(stream->pcm);
	bool awake = error == 0 && snd_pcm_state(stream->pcm) == SND_PCM_STATE_RUNNING;

	if (error == -EAGAIN && ++stream->resumes < RESUMES_MAX)
		return;
	if (!awake) {
		xrun(stream);
		return;
	}
	stream->gap = true;
	atomic_fetch_add_explicit(&stream->xruns, 1, memory_order_relaxed);
	clock_anew(stream);
	stream->phase = VMSND_ALSA_RUNNING;
}

/* The guest plays, or has left something that nobody has heard yet. */
static bool is_wanted(const struct vmsnd_stream *stream, uint32_t asked)
{
	return asked & VMSND_ALSA_RUN ||
	       (stream->tail && stream->held_frames > 0 && !is_suspended(stream));
}

static void settle(struct vmsnd_stream *stream)
{
	uint32_t asked = asked_of(stream);
	bool run = asked & VMSND_ALSA_RUN;

	if (!run && stream->phase == VMSND_ALSA_RUNNING &&
	    (stream->dir == VMSND_CAPTURE || is_suspended(stream)))
		stop(stream);
	settle_end(stream, asked);
	if (stream->phase == VMSND_ALSA_SUSPENDED)
		try_resume(stream);
	if (stream->phase == VMSND_ALSA_READY && stream->draining && is_over(stream))
		stream->phase = VMSND_ALSA_DRAINED;
	if (stream->phase == VMSND_ALSA_READY && is_wanted(stream, asked))
		start(stream);
	if (stream->phase == VMSND_ALSA_PAUSED && (run || !is_suspended(stream)))
		go_on(stream);
	if (stream->phase == VMSND_ALSA_DRAINED)
		end(stream);
	atomic_store_explicit(&stream->runs, run && stream->phase == VMSND_ALSA_RUNNING,
			      memory_order_relaxed);
}

/* ---- waiting ---- */

/* How far the PCM is ahead of any clock there is: alsa-lib's null is always ready, and would take a
 * day's sound at once. */
static uint64_t ahead_ns(const struct vmsnd_stream *stream)
{
	uint64_t moved = stream->moved_frames, rate_hz = stream->format.rate_hz, passed, due;

	if (moved < 3ull * stream->buffer_frames)
		return 0;
	passed = vmsnd_alsa_now() - stream->since;
	moved -= 2ull * stream->buffer_frames;
	due =
	    moved / rate_hz * VMSND_NS_PER_SECOND + moved % rate_hz * VMSND_NS_PER_SECOND / rate_hz;
	due -= due / 16; /* clocks differ */
	return due > passed ? due - passed : 0;
}

/* True: the PCM has something to say. `nap_ms`: not before that. */
static bool wait_for_pcm(struct vmsnd_stream *stream, int nap_ms)
{
	struct pollfd fds[FDS_MAX] = {{.fd = stream->wake_fd, .events = POLLIN}};
	unsigned short revents = 0;
	int n = 0, ready;

	if (nap_ms == 0)
		n = snd_pcm_poll_descriptors(stream->pcm, fds + 1, FDS_MAX - 1);
	if (n < 0)
		n = 0;
	ready = poll(fds, (nfds_t)n + 1, nap_ms ? nap_ms : IDLE_MS);
	if (fds[0].revents)
		vmsnd_alsa_unpoke(stream->wake_fd);
	if (ready <= 0 || n == 0)
		return true;
	if (snd_pcm_poll_descriptors_revents(stream->pcm, fds + 1, (unsigned)n, &revents) < 0)
		return true;
	/* Plugins wake up for their own needs, too. */
	return revents != 0;
}

static void wait_for_word(struct vmsnd_stream *stream, int most_ms)
{
	struct pollfd fd = {.fd = stream->wake_fd, .events = POLLIN};

	poll(&fd, 1, most_ms);
	vmsnd_alsa_unpoke(stream->wake_fd);
}

static void run(struct vmsnd_stream *stream, int *nap_ms)
{
	snd_pcm_sframes_t moved;
	uint64_t ahead;

	if (!wait_for_pcm(stream, *nap_ms))
		return;
	*nap_ms = 0;
	if (!(asked_of(stream) & VMSND_ALSA_RUN) && !stream->tail)
		return;
	moved = vmsnd_alsa_turn(stream);
	if (moved < 0) {
		fail(stream, moved);
		return;
	}
	if (moved > 0)
		stream->recoveries = 0;
	ahead = ahead_ns(stream);
	/* One that says it is ready and is not would have us spin. */
	if (moved == 0 || ahead > 0)
		*nap_ms = 1 + (int)(ahead / 1000000);
}

static void hear_of_sound(struct vmsnd_stream *stream)
{
	const struct vmsnd_backend *host = stream->host;

	if (host->user && host->user->audio_thread)
		host->user->audio_thread(host->user_ctx);
}

/* Milliseconds until something is to be tried again; -1: only when the lane says something. */
static int pause_ms(const struct vmsnd_stream *stream)
{
	if (stream->phase == VMSND_ALSA_SUSPENDED)
		return RESUME_MS;
	return stream->phase == VMSND_ALSA_READY && is_wanted(stream, asked_of(stream)) ? RETRY_MS
											: -1;
}

void *vmsnd_alsa_stream_thread(void *arg)
{
	struct vmsnd_stream *stream = arg;
	int nap_ms = 0;

	vmsnd_alsa_hush();
	hear_of_sound(stream);
	while (!(asked_of(stream) & VMSND_ALSA_QUIT)) {
		if (stream->phase != VMSND_ALSA_LOST)
			settle(stream);
		if (stream->phase == VMSND_ALSA_RUNNING)
			run(stream, &nap_ms);
		else
			wait_for_word(stream, pause_ms(stream));
	}
	if (stream->pcm)
		snd_pcm_drop(stream->pcm);
	return NULL;
}
