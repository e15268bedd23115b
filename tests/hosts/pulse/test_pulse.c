/* SPDX-License-Identifier: BSD-3-Clause */
/* The PulseAudio backend with a real server: sound, and what becomes of it when the server goes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers.h"
#include "sound.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/pulse/pulse.h"

#define SINK_A "sink_name=a format=s16le rate=48000 channels=2"
#define SINK_B "sink_name=b format=s16le rate=48000 channels=2"
#define WITH   "server=unix:%s/native,cookie=%s/own/cookie,latency-ms=100,in-device=a.monitor"

/* Machines that run tests have other things to do. */
#define PATIENCE_MS 8000u

static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 48000, 2);

struct world {
	struct server server;
	struct bench bench;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->server.sinks[0] = SINK_A;
	server_make_folder(&world->server);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	server_end(&world->server, SIGKILL);
	server_remove_folder(&world->server);
	free(world);
	return 0;
}

static void begin(struct world *world)
{
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
}

/* A recorder of the sink's monitor that has begun to record. */
static void record(struct world *world, struct sound *ear, struct vmsnd_format format)
{
	assert_true(sound_open_within(ear, &world->bench, VMSND_CAPTURE, format, PATIENCE_MS));
	sound_start(ear);
	assert_true(sound_frames_within(ear, 1, PATIENCE_MS));
}

/* Until the recorder has had `frames` more. */
static void listen(struct sound *ear, uint64_t frames)
{
	assert_true(sound_frames_within(ear, atomic_load(&ear->frames) + frames, PATIENCE_MS));
}

static void check_all(const struct sound *ear, uint64_t frames)
{
	struct heard heard = sound_heard(ear);

	assert_int_equal(heard.first, 0);
	assert_int_equal(heard.frames, frames);
	assert_int_equal(heard.bad, 0);
}

/* Plays half a second into the monitor. */
static void play_exactly(struct world *world, struct vmsnd_format format)
{
	struct sound voice, ear;
	uint64_t frames = format.rate_hz / 2;

	record(world, &ear, format);
	assert_true(sound_open_within(&voice, &world->bench, VMSND_PLAYBACK, format, PATIENCE_MS));
	assert_true(vmsnd_format_equal(&voice.got.format, &format));
	voice.total = frames;
	sound_start(&voice);
	assert_true(sound_frames_within(&voice, frames, PATIENCE_MS));
	listen(&ear, format.rate_hz / 3);
	sound_close(&voice);
	sound_close(&ear);
	check_all(&ear, frames);
	sound_free(&ear);
}

static void test_exact(void **state)
{
	struct world *world = *state;

	begin(world);
	play_exactly(world, cd);
	assert_int_equal(atomic_load(&world->bench.audio_threads), 1);
	assert_int_equal(world->bench.n_lines, 0);
	bench_close(&world->bench);
}

static void test_formats(void **state)
{
	static const struct {
		struct vmsnd_format format;
		const char *sink;
	} rows[] = {
	    {FORMAT(VMSND_SAMPLE_U8, 8000, 1), "format=u8 rate=8000 channels=1"},
	    {FORMAT(VMSND_SAMPLE_S16, 44100, 2), "format=s16le rate=44100 channels=2"},
	    {FORMAT(VMSND_SAMPLE_S24_3, 96000, 2), "format=s24le rate=96000 channels=2"},
	    {FORMAT(VMSND_SAMPLE_S24, 48000, 6),
	     "format=s24-32le rate=48000 channels=6 "
	     "channel_map=front-left,front-right,front-center,lfe,rear-left,rear-right"},
	    {FORMAT(VMSND_SAMPLE_S32, 192000, 2), "format=s32le rate=192000 channels=2"},
	    {FORMAT(VMSND_SAMPLE_FLOAT, 48000, 8),
	     "format=float32le rate=48000 channels=8 "
	     "channel_map=front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,"
	     "side-right"},
	    {FORMAT(VMSND_SAMPLE_ALAW, 8000, 1), "format=alaw rate=8000 channels=1"},
	    {FORMAT(VMSND_SAMPLE_MULAW, 8000, 1), "format=ulaw rate=8000 channels=1"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char sink[256];

		snprintf(sink, sizeof(sink), "sink_name=a %s", rows[i].sink);
		world->server.sinks[0] = sink;
		begin(world);
		play_exactly(world, rows[i].format);
		bench_close(&world->bench);
		server_end(&world->server, SIGKILL);
	}
}

/* ---- servers that come and go ---- */

/* A word that comes within `ms`. */
static bool said_within(struct bench *bench, const char *word, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (bench_lines(bench, word) == 0) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

static bool rises_within(atomic_uint *figure, unsigned above, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (atomic_load(figure) <= above) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

static void test_not_there_at_start(void **state)
{
	struct world *world = *state;
	struct sound voice;

	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
	assert_true(said_within(&world->bench, "no PulseAudio server at unix:", PATIENCE_MS));
	assert_int_equal(sound_open(&voice, &world->bench, VMSND_PLAYBACK, cd, 480), VMSND_E_GONE);
	wait_ms(1000); /* five tries, which say nothing */
	assert_int_equal(world->bench.n_lines, 1);
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_true(rises_within(&world->bench.devices_changed, 0, 2000));
	assert_true(sound_open_within(&voice, &world->bench, VMSND_PLAYBACK, cd, 2000));
	sound_start(&voice);
	assert_true(sound_frames_within(&voice, 4800, PATIENCE_MS));
	sound_close(&voice);
	assert_int_equal(world->bench.n_lines, 2);
	bench_close(&world->bench);
}

static void test_killed_and_back(void **state)
{
	struct world *world = *state;
	struct sound voice, ear;

	begin(world);
	record(world, &ear, cd);
	assert_true(sound_open_within(&voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	sound_start(&voice);
	assert_true(sound_frames_within(&voice, 24000, PATIENCE_MS));
	server_end(&world->server, SIGKILL);
	assert_true(rises_within(&voice.ended, 0, PATIENCE_MS));
	assert_true(rises_within(&ear.ended, 0, PATIENCE_MS));
	assert_int_equal(atomic_load(&voice.why), VMSND_E_GONE);
	wait_ms(1000);
	sound_close(&voice);
	sound_free(&ear);
	assert_int_equal(atomic_load(&voice.ended), 1);
	assert_int_equal(world->bench.n_lines, 1);
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_true(sound_open_within(&voice, &world->bench, VMSND_PLAYBACK, cd, 2000));
	sound_close(&voice);
	play_exactly(world, cd);
	assert_int_equal(world->bench.n_lines, 2);
	bench_close(&world->bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_there_at_start, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_and_back, setup, teardown),
	};

	if (!server_here()) {
		const char *ci = getenv("CI");

		printf("1..0 # SKIP no pulseaudio or no pactl here\n");
		return ci && *ci ? 1 : 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
