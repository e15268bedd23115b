/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring and port with a real thread on each side; made for -Db_sanitize=thread. The order of
 * the frames is the check: neither side waits for time, both go as fast as they can. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"
#include "connector/connector.h"

#define FRAMES   200000u
#define CAPACITY 256u
#define PERIOD   480u
#define BUFFER   1920u

/* ---- the ring alone ---- */

struct shared_ring {
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	uint32_t frames[CAPACITY];
};

static void *ring_writer(void *arg)
{
	struct shared_ring *ring = arg;
	uint32_t next = 0;

	while (next < FRAMES) {
		void *at;
		uint32_t n = vmsnd_ring_write_begin_rt(&ring->writer, 1 + next % 97, &at);

		if (n == 0)
			sched_yield();
		for (uint32_t i = 0; i < n; i++)
			((uint32_t *)at)[i] = ++next;
		vmsnd_ring_write_commit_rt(&ring->writer, n);
	}
	return NULL;
}

static void test_ring_between_two_threads(void **state)
{
	struct shared_ring *ring = aligned_alloc(64, sizeof(*ring));
	uint32_t last = 0;
	pthread_t writer;

	assert_non_null(ring);
	memset(ring, 0, sizeof(*ring));
	vmsnd_ring_end_init(&ring->writer, &ring->head, ring->frames, CAPACITY, 4);
	ring->reader = ring->writer;
	assert_int_equal(pthread_create(&writer, NULL, ring_writer, ring), 0);
	while (last < FRAMES) {
		void *at;
		uint32_t n = vmsnd_ring_read_begin_rt(&ring->reader, 1 + last % 61, &at);

		if (n == 0)
			sched_yield();
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(((uint32_t *)at)[i], ++last);
		vmsnd_ring_read_commit_rt(&ring->reader, n);
	}
	pthread_join(writer, NULL);
	free(ring);
}

/* ---- a port whose host has a thread of its own ---- */

struct vmsnd_stream {
	struct vmsnd_stream_user user;
	void *ctx;
	enum vmsnd_dir dir;
	pthread_t thread;
	_Atomic bool stop;
	bool running;
	uint32_t next;   /* playback: the last number heard; capture: the last one made */
	bool disordered; /* playback: something came twice, or not */
};

struct vmsnd_backend {
	struct vmsnd_stream stream;
};

static void check_heard(struct vmsnd_stream *stream, const uint32_t *frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (frames[i] != 0 && frames[i] != ++stream->next)
			stream->disordered = true;
}

static void *audio_thread(void *arg)
{
	struct vmsnd_stream *stream = arg;
	uint32_t frames[PERIOD];

	for (uint32_t round = 0; !atomic_load(&stream->stop); round++) {
		struct vmsnd_block block = {.samples = frames, .frames = 1 + round * 7 % PERIOD};

		if (stream->user.ready_rt(stream->ctx) < block.frames) {
			block.frames = 1;
			sched_yield();
		}
		if (stream->dir == VMSND_PLAYBACK) {
			stream->user.block_rt(stream->ctx, &block);
			check_heard(stream, frames, block.frames);
			continue;
		}
		if (stream->user.ready_rt(stream->ctx) < block.frames)
			continue;
		for (uint32_t i = 0; i < block.frames; i++)
			frames[i] = ++stream->next;
		stream->user.block_rt(stream->ctx, &block);
	}
	return NULL;
}

static enum vmsnd_rc thread_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	host->stream.user = *user;
	host->stream.ctx = ctx;
	host->stream.dir = want->dir;
	*got = (struct vmsnd_stream_got){want->format, want->period_frames, PERIOD};
	*out = &host->stream;
	return VMSND_OK;
}

static enum vmsnd_rc thread_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	atomic_store(&stream->stop, false);
	stream->running = true;
	return pthread_create(&stream->thread, NULL, audio_thread, stream) ? VMSND_E_SYSTEM
									   : VMSND_OK;
}

static void thread_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->running)
		return;
	atomic_store(&stream->stop, true);
	pthread_join(stream->thread, NULL);
	stream->running = false;
}

static void thread_close(struct vmsnd_stream *stream)
{
	thread_stop(stream, 0);
}

static const struct vmsnd_backend_class thread_class = {
    .abi = VMSND_BACKEND_ABI,
    .name = "thread",
    .stream_open = thread_open,
    .stream_start = thread_start,
    .stream_stop = thread_stop,
    .stream_close = thread_close,
};

struct world {
	struct vmsnd_backend host;
	struct vmsnd_port *port;
	void *storage;
	vmsnd_ns now;
	uint32_t next;
};

static void *zeroed(size_t bytes)
{
	void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(at);
	memset(at, 0, bytes);
	return at;
}

static void world_open(struct world *world, enum vmsnd_dir dir)
{
	const struct vmsnd_stream_params params = {{VMSND_SAMPLE_S16, 48000, 2}, BUFFER, PERIOD};
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = true, .backend = &thread_class};

	memset(world, 0, sizeof(*world));
	world->storage = zeroed(VMSND_PORT_RING_BYTES);
	world->port = zeroed(vmsnd_port_footprint());
	conf.host = &world->host;
	conf.ring_storage = world->storage;
	vmsnd_port_init(world->port, &conf);
	assert_int_equal(vmsnd_port_prepare(world->port, &params, 0), VMSND_OK);
	assert_int_equal(vmsnd_port_start(world->port, 0), VMSND_OK);
}

static void world_close(struct world *world)
{
	vmsnd_port_close(world->port, world->now);
	free(world->port);
	free(world->storage);
}

/* One move of the device's; frames it moved. */
static uint32_t device_moves(struct world *world, uint32_t frames, bool playback)
{
	void *at;
	uint32_t n = vmsnd_port_begin(world->port, frames, &at);

	for (uint32_t i = 0; i < n; i++) {
		if (playback)
			((uint32_t *)at)[i] = ++world->next;
		else
			assert_int_equal(((uint32_t *)at)[i], ++world->next);
	}
	vmsnd_port_commit(world->port, n);
	return n;
}

/* Everything a lane may ask while the audio thread is at work. */
static void look_at_everything(struct world *world, uint64_t *done)
{
	struct vmsnd_counter list[32];
	uint64_t now_done = vmsnd_port_done_frames(world->port);

	assert_true(now_done >= *done);
	*done = now_done;
	vmsnd_port_counters(world->port, list, 32);
	vmsnd_port_delay_frames(world->port);
	vmsnd_port_due(world->port, now_done + PERIOD, world->now);
	vmsnd_port_advance(world->port, world->now);
	world->now += 100000;
}

static void test_playback_with_an_audio_thread(void **state)
{
	uint64_t done = 0;
	struct world world;

	world_open(&world, VMSND_PLAYBACK);
	for (uint32_t round = 1; world.next < FRAMES; round++) {
		if (vmsnd_port_wanted(world.port) == 0 ||
		    device_moves(&world, 1 + world.next % PERIOD, true) == 0)
			sched_yield();
		look_at_everything(&world, &done);
		if (round % 1000 == 0)
			vmsnd_port_stop(world.port, world.now);
		if (round % 300 == 0) {
			vmsnd_port_drain(world.port, world.now);
			sched_yield();
		}
		if (round % 100 == 0)
			vmsnd_port_start(world.port, world.now);
	}
	vmsnd_port_start(world.port, world.now);
	vmsnd_port_drain(world.port, world.now);
	while (vmsnd_port_play_state(world.port) != VMSND_PLAY_NOPLAY) {
		look_at_everything(&world, &done);
		sched_yield();
	}
	assert_int_equal(vmsnd_port_done_frames(world.port), world.next);
	world_close(&world);
	assert_int_equal(world.host.stream.next, world.next);
	assert_false(world.host.stream.disordered);
}

static void test_capture_with_an_audio_thread(void **state)
{
	uint64_t done = 0;
	struct world world;

	world_open(&world, VMSND_CAPTURE);
	for (uint32_t round = 1; world.next < FRAMES; round++) {
		if (device_moves(&world, 1 + world.next % PERIOD, false) == 0)
			sched_yield();
		look_at_everything(&world, &done);
		if (round % 1000 == 0)
			vmsnd_port_stop(world.port, world.now);
		vmsnd_port_start(world.port, world.now);
	}
	vmsnd_port_stop(world.port, world.now);
	while (device_moves(&world, PERIOD, false) > 0)
		;
	assert_int_equal(world.host.stream.next, world.next);
	world_close(&world);
}

/* The owner's switch while the audio thread is at work: frames move before and after, through
 * the host or the stand-in. */
static void test_switch_with_an_audio_thread(void **state)
{
	uint64_t done = 0;
	struct world world;

	world_open(&world, VMSND_PLAYBACK);
	for (uint32_t turn = 0; turn < 50; turn++) {
		uint64_t before = done;

		vmsnd_port_enable(world.port, turn % 2 == 0, world.now);
		while (done < before + 3 * PERIOD) {
			if (vmsnd_port_wanted(world.port) == 0 ||
			    device_moves(&world, PERIOD, true) == 0)
				sched_yield();
			look_at_everything(&world, &done);
		}
	}
	assert_true(done <= world.next);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring_between_two_threads),
	    cmocka_unit_test(test_playback_with_an_audio_thread),
	    cmocka_unit_test(test_capture_with_an_audio_thread),
	    cmocka_unit_test(test_switch_with_an_audio_thread),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
