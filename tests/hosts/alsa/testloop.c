/* SPDX-License-Identifier: BSD-3-Clause */
/* testloop: an ALSA PCM that needs no kernel. What is played comes back on
 * capture, `lag` frames later, at the pace of CLOCK_MONOTONIC with an error of
 * `ppm`.
 *
 *   pcm_type.testloop { lib "/path/testloop.so" }
 *   pcm.x { type testloop shm "/path/of/card" ppm 0 fail_after 0 lag 4096 }
 *
 * rw 1: no mmap. pause 1, resume 1: the "hardware" can. format, rate, channels:
 * only this one. fail_after N: pulled after N frames. Other faults: testloop.h.
 * alsa-lib makes an xrun of whatever goes wrong in a plugin's pointer, so a
 * pulled card says so at the prepare after it. */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "testloop.h"

#define OWN_FRAMES (1u << 17) /* more than any buffer of ours */
#define SECOND_NS  1000000000ull

struct loop {
	snd_pcm_ioplug_t io;
	snd_pcm_ioplug_callback_t calls;
	struct testloop *card;
	long ppm, fail_after, lag, rw, pause, resume, rate, channels;
	snd_pcm_format_t format;
	size_t frame_bytes;
	bool primed, gone;
	uint64_t since_ns, since_frames; /* the clock: so many frames at that time */
	uint64_t done;                   /* frames that the "hardware" has taken, or made */
	uint64_t moved;                  /* frames that the application has written, or read */
	uint8_t own[OWN_FRAMES][TESTLOOP_FRAME_BYTES];
};

static struct loop *loop_of(snd_pcm_ioplug_t *io)
{
	return io->private_data;
}

static bool plays(const struct loop *loop)
{
	return loop->io.stream == SND_PCM_STREAM_PLAYBACK;
}

static unsigned way(const struct loop *loop)
{
	return plays(loop) ? 0 : 1;
}

/* ---- the clock ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static double pace(const struct loop *loop)
{
	return loop->io.rate * (1 + (double)loop->ppm * 1e-6);
}

static uint64_t clock_frames(const struct loop *loop)
{
	return loop->since_frames +
	       (uint64_t)((double)(now_ns() - loop->since_ns) * 1e-9 * pace(loop));
}

static void clock_start(struct loop *loop)
{
	loop->since_ns = now_ns();
	loop->since_frames = loop->done;
}

/* Readable from when a period is there to be moved. */
static int arm(struct loop *loop)
{
	struct itimerspec timer = {.it_value = {.tv_nsec = 1}};
	uint64_t due = loop->moved + loop->io.period_size;
	uint64_t at;

	if (plays(loop))
		due = due > loop->io.buffer_size ? due - loop->io.buffer_size : 0;
	if (due > loop->since_frames) {
		at = loop->since_ns +
		     (uint64_t)((double)(due - loop->since_frames) * 1e9 / pace(loop)) + 1000;
		timer.it_value.tv_sec = (time_t)(at / SECOND_NS);
		timer.it_value.tv_nsec = (long)(at % SECOND_NS);
	}
	return timerfd_settime(loop->io.poll_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static int disarm(struct loop *loop)
{
	const struct itimerspec none = {.it_value = {0}};

	return timerfd_settime(loop->io.poll_fd, 0, &none, NULL);
}

/* ---- the wire between playing and recording ---- */

static void play_until(struct loop *loop, uint64_t frames)
{
	uint64_t at = atomic_load(&loop->card->played);

	for (; loop->done < frames; loop->done++, at++)
		memcpy(loop->card->frames[at % TESTLOOP_FRAMES], loop->own[loop->done % OWN_FRAMES],
		       loop->frame_bytes);
	atomic_store(&loop->card->played, at);
}

static void record_until(struct loop *loop, uint64_t frames)
{
	uint64_t played = atomic_load(&loop->card->played);
	uint64_t at = atomic_load(&loop->card->recorded);

	for (; loop->done < frames; loop->done++) {
		uint8_t *to = loop->own[loop->done % OWN_FRAMES];

		loop->primed |= played - at >= (uint64_t)loop->lag;
		snd_pcm_format_set_silence(loop->io.format, to, loop->io.channels);
		if (loop->primed && at < played)
			memcpy(to, loop->card->frames[at++ % TESTLOOP_FRAMES], loop->frame_bytes);
	}
	atomic_store(&loop->card->recorded, at);
}

/* False: more was asked for than there is, or has room. */
static bool go_on(struct loop *loop)
{
	uint64_t frames = clock_frames(loop);

	if (!plays(loop)) {
		if (frames > loop->moved + loop->io.buffer_size)
			return false;
		record_until(loop, frames);
		return true;
	}
	play_until(loop, frames < loop->moved ? frames : loop->moved);
	return frames <= loop->moved || loop->io.state == SND_PCM_STATE_DRAINING;
}

/* ---- faults ---- */

/* Negative: what happens now. */
static int take_fault(struct loop *loop)
{
	uint32_t xrun = TESTLOOP_XRUN, fault = atomic_load(&loop->card->fault[way(loop)]);

	if (fault == TESTLOOP_GONE ||
	    (loop->fail_after && clock_frames(loop) > (uint64_t)loop->fail_after))
		loop->gone = true;
	if (loop->gone)
		return -ENODEV;
	if (atomic_compare_exchange_strong(&loop->card->fault[way(loop)], &xrun, TESTLOOP_FINE))
		return -EPIPE;
	return fault == TESTLOOP_SUSPEND ? -ESTRPIPE : 0;
}

static void wake_up(struct loop *loop)
{
	uint32_t suspended = TESTLOOP_SUSPEND;

	atomic_compare_exchange_strong(&loop->card->fault[way(loop)], &suspended, TESTLOOP_FINE);
}

static int refusal(const struct testloop *card, unsigned way)
{
	static const int errors[] = {
	    [TESTLOOP_GONE] = -ENODEV, [TESTLOOP_BUSY] = -EBUSY, [TESTLOOP_DENIED] = -EACCES};
	uint32_t fault = atomic_load(&card->fault[way]);

	return fault < sizeof(errors) / sizeof(errors[0]) ? errors[fault] : 0;
}

/* ---- what alsa-lib calls ---- */

static snd_pcm_sframes_t loop_pointer(snd_pcm_ioplug_t *io)
{
	struct loop *loop = loop_of(io);
	int fault;

	if (io->state != SND_PCM_STATE_RUNNING && io->state != SND_PCM_STATE_DRAINING)
		return (snd_pcm_sframes_t)(loop->done % io->buffer_size);
	fault = take_fault(loop);
	if (fault == -ESTRPIPE)
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
	else if (fault < 0 || !go_on(loop))
		return fault < 0 ? fault : -EPIPE;
	return (snd_pcm_sframes_t)(loop->done % io->buffer_size);
}

static snd_pcm_sframes_t loop_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				       snd_pcm_uframes_t offset, snd_pcm_uframes_t frames)
{
	struct loop *loop = loop_of(io);
	uint8_t *at = (uint8_t *)areas[0].addr + areas[0].first / 8 + offset * (areas[0].step / 8);

	for (snd_pcm_uframes_t i = 0; i < frames; i++, loop->moved++, at += loop->frame_bytes) {
		uint8_t *own = loop->own[loop->moved % OWN_FRAMES];

		if (plays(loop))
			memcpy(own, at, loop->frame_bytes);
		else
			memcpy(at, own, loop->frame_bytes);
	}
	if (io->state == SND_PCM_STATE_RUNNING)
		arm(loop);
	return (snd_pcm_sframes_t)frames;
}

static int loop_start(snd_pcm_ioplug_t *io)
{
	struct loop *loop = loop_of(io);

	if (!plays(loop)) { /* what came before is forgotten */
		atomic_store(&loop->card->recorded, atomic_load(&loop->card->played));
		loop->primed = false;
	}
	clock_start(loop);
	return arm(loop);
}

static int loop_stop(snd_pcm_ioplug_t *io)
{
	return disarm(loop_of(io));
}

static int loop_prepare(snd_pcm_ioplug_t *io)
{
	struct loop *loop = loop_of(io);
	int width = snd_pcm_format_physical_width(io->format);

	loop->frame_bytes = (size_t)width / 8 * io->channels;
	loop->moved = loop->done = 0;
	atomic_fetch_add(&loop->card->prepares[way(loop)], 1);
	wake_up(loop);
	return loop->gone ? -ENODEV : 0;
}

static int loop_pause(snd_pcm_ioplug_t *io, int enable)
{
	struct loop *loop = loop_of(io);

	atomic_fetch_add(&loop->card->pauses[way(loop)], 1);
	if (enable) {
		go_on(loop);
		return disarm(loop);
	}
	clock_start(loop);
	return arm(loop);
}

static int loop_resume(snd_pcm_ioplug_t *io)
{
	struct loop *loop = loop_of(io);

	atomic_fetch_add(&loop->card->resumes[way(loop)], 1);
	wake_up(loop);
	snd_pcm_ioplug_set_state(io, SND_PCM_STATE_RUNNING);
	clock_start(loop);
	return arm(loop);
}

static int loop_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *out)
{
	struct loop *loop = loop_of(io);

	*out =
	    (snd_pcm_sframes_t)(plays(loop) ? loop->moved - loop->done : loop->done - loop->moved);
	return 0;
}

static int loop_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned n, unsigned short *out)
{
	struct loop *loop = loop_of(io);
	unsigned short ready = plays(loop) ? POLLOUT : POLLIN;
	snd_pcm_sframes_t avail;

	*out = 0;
	if (n == 0 || !(fds[0].revents & POLLIN))
		return 0;
	avail = snd_pcm_avail_update(io->pcm);
	if (avail < 0 || io->state != SND_PCM_STATE_RUNNING)
		*out = POLLERR | ready;
	else if ((snd_pcm_uframes_t)avail >= io->period_size)
		*out = ready;
	else
		arm(loop);
	return 0;
}

static void loop_free(struct loop *loop)
{
	if (loop->io.poll_fd >= 0)
		close(loop->io.poll_fd);
	if (loop->card)
		munmap(loop->card, sizeof(*loop->card));
	munmap(loop, sizeof(*loop));
}

static int loop_close(snd_pcm_ioplug_t *io)
{
	loop_free(loop_of(io));
	return 0;
}

/* ---- opening ---- */

static struct loop *loop_make(void)
{
	/* Not the C library's: thousands of these come and go in a test that looks for growth. */
	struct loop *loop =
	    mmap(NULL, sizeof(*loop), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (loop == MAP_FAILED)
		return NULL;
	loop->lag = 4096;
	loop->format = SND_PCM_FORMAT_UNKNOWN;
	loop->io.poll_fd = -1;
	return loop;
}

static int take_key(struct loop *loop, const char *key, snd_config_t *node, const char **shm)
{
	const struct {
		const char *key;
		long *to;
	} numbers[] = {
	    {"ppm", &loop->ppm},   {"lag", &loop->lag},           {"fail_after", &loop->fail_after},
	    {"rw", &loop->rw},     {"pause", &loop->pause},       {"resume", &loop->resume},
	    {"rate", &loop->rate}, {"channels", &loop->channels},
	};
	const char *text;

	if (strcmp(key, "comment") == 0 || strcmp(key, "type") == 0 || strcmp(key, "hint") == 0)
		return 0;
	if (strcmp(key, "shm") == 0)
		return snd_config_get_string(node, shm);
	if (strcmp(key, "format") == 0 && snd_config_get_string(node, &text) >= 0) {
		loop->format = snd_pcm_format_value(text);
		return loop->format == SND_PCM_FORMAT_UNKNOWN ? -EINVAL : 0;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return snd_config_get_integer(node, numbers[i].to);
	SNDERR("testloop: there is no field %s", key);
	return -EINVAL;
}

static int take_keys(struct loop *loop, snd_config_t *conf, const char **shm)
{
	snd_config_iterator_t at, next;

	snd_config_for_each(at, next, conf)
	{
		snd_config_t *node = snd_config_iterator_entry(at);
		const char *key;
		int error = snd_config_get_id(node, &key);

		if (error >= 0)
			error = take_key(loop, key, node, shm);
		if (error < 0)
			return error;
	}
	return *shm ? 0 : -EINVAL;
}

static int map_card(struct loop *loop, const char *shm)
{
	int fd = open(shm, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *at = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*loop->card)) == 0)
		at = mmap(NULL, sizeof(*loop->card), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return -ENOMEM;
	loop->card = at;
	return 0;
}

static int limit(struct loop *loop)
{
	static const unsigned access[] = {SND_PCM_ACCESS_RW_INTERLEAVED,
					  SND_PCM_ACCESS_MMAP_INTERLEAVED};
	static const unsigned all[] = {SND_PCM_FORMAT_U8,      SND_PCM_FORMAT_S16_LE,
				       SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S24_LE,
				       SND_PCM_FORMAT_S32_LE,  SND_PCM_FORMAT_FLOAT_LE};
	const unsigned one[] = {(unsigned)loop->format};
	snd_pcm_ioplug_t *io = &loop->io;
	bool any = loop->format == SND_PCM_FORMAT_UNKNOWN;
	unsigned rate = (unsigned)loop->rate, channels = (unsigned)loop->channels;

	snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, loop->rw ? 1 : 2, access);
	snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, any ? 6 : 1, any ? all : one);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels ? channels : 1,
					channels ? channels : 8);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate ? rate : 8000,
					rate ? rate : 192000);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64,
					8192 * TESTLOOP_FRAME_BYTES);
	return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
}

static int create(struct loop *loop, const char *name, snd_pcm_stream_t stream, int mode)
{
	loop->calls = (snd_pcm_ioplug_callback_t){.start = loop_start,
						  .stop = loop_stop,
						  .pointer = loop_pointer,
						  .transfer = loop_transfer,
						  .prepare = loop_prepare,
						  .delay = loop_delay,
						  .poll_revents = loop_revents,
						  .close = loop_close};
	if (loop->pause)
		loop->calls.pause = loop_pause;
	if (loop->resume)
		loop->calls.resume = loop_resume;
	loop->io.version = SND_PCM_IOPLUG_VERSION;
	loop->io.name = "test loop";
	loop->io.callback = &loop->calls;
	loop->io.private_data = loop;
	loop->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->io.poll_events = POLLIN;
	return snd_pcm_ioplug_create(&loop->io, name, stream, mode);
}

/* alsa-lib's macros declare it nowhere. */
int _snd_pcm_testloop_open(snd_pcm_t **pcmp, const char *name, snd_config_t *root,
			   snd_config_t *conf, snd_pcm_stream_t stream, int mode);
SND_PCM_PLUGIN_DEFINE_FUNC(testloop)
{
	struct loop *loop = loop_make();
	unsigned dir = stream == SND_PCM_STREAM_PLAYBACK ? 0 : 1;
	const char *shm = NULL;
	int error;

	(void)root;
	if (!loop)
		return -ENOMEM;
	error = take_keys(loop, conf, &shm);
	if (error >= 0)
		error = map_card(loop, shm);
	if (error >= 0)
		error = refusal(loop->card, dir);
	if (error >= 0)
		error = create(loop, name, stream, mode);
	if (error < 0) {
		loop_free(loop);
		return error;
	}
	atomic_fetch_add(&loop->card->opens[dir], 1);
	error = limit(loop);
	if (error < 0) {
		snd_pcm_ioplug_delete(&loop->io);
		return error;
	}
	*pcmp = loop->io.pcm;
	return 0;
}
SND_PCM_PLUGIN_SYMBOL(testloop);
