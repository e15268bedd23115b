/* SPDX-License-Identifier: BSD-3-Clause */
/* The PulseAudio backend with servers that come late, hang, die, change and refuse. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/pulse/pulse.h"

static void test_not_there_at_start(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice;

	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
	assert_true(said_within(&world->bench, "no PulseAudio server at unix:", PATIENCE_MS));
	assert_int_equal(sound_open(voice, &world->bench, VMSND_PLAYBACK, cd, 480), VMSND_E_GONE);
	wait_ms(1000); /* five tries, which say nothing */
	assert_int_equal(world->bench.n_lines, 1);
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_true(rises_within(&world->bench.devices_changed, 0, 2000));
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, 2000));
	sound_start(voice);
	assert_true(sound_frames_within(voice, 4800, PATIENCE_MS));
	sound_close(voice);
	assert_int_equal(world->bench.n_lines, 2);
	bench_close(&world->bench);
}

static void test_killed_and_back(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;

	world_begin(world);
	world_record(world, ear, cd);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	sound_start(voice);
	assert_true(sound_frames_within(voice, 24000, PATIENCE_MS));
	server_end(&world->server, SIGKILL);
	assert_true(rises_within(&voice->ended, 0, PATIENCE_MS));
	assert_true(rises_within(&ear->ended, 0, PATIENCE_MS));
	assert_int_equal(atomic_load(&voice->why), VMSND_E_GONE);
	wait_ms(1000);
	sound_close(voice);
	sound_free(ear);
	assert_int_equal(atomic_load(&voice->ended), 1);
	assert_int_equal(world->bench.n_lines, 1);
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, 2000));
	sound_close(voice);
	world_play_exactly(world, cd);
	assert_int_equal(world->bench.n_lines, 2);
	bench_close(&world->bench);
}

/* The server hangs, with all its connections: neither a backend nor a stream is waited for. */
static void test_HB_02_creation_waits_for_nothing(void **state)
{
	struct world *world = *state;
	struct bench other;
	struct sound *voice = &world->voice, *late = &world->late;
	uint64_t start;

	world_begin(world);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	kill(world->server.pid, SIGSTOP);
	start = now_ms();
	assert_int_equal(bench_open(&other, WITH, world->server.folder), VMSND_OK);
	assert_int_equal(sound_open(late, &other, VMSND_PLAYBACK, cd, 480), VMSND_E_GONE);
	assert_int_equal(sound_open(late, &world->bench, VMSND_PLAYBACK, cd, 480), VMSND_OK);
	assert_int_equal(vmsnd_pulse_class.stream_state(late->stream), VMSND_STREAM_INITIALIZING);
	sound_start(voice);
	sound_stop(voice);
	sound_close(voice);
	bench_close(&other);
	assert_true(now_ms() - start < 1000);
	kill(world->server.pid, SIGCONT);
	assert_true(sound_state_within(late, VMSND_STREAM_OKAY, PATIENCE_MS));
	sound_close(late);
	bench_close(&world->bench);
}

static void test_HB_02_pause_loses_nothing(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;

	world_begin(world);
	world_record(world, ear, cd);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	voice->total = 60000;
	for (unsigned n = 1; n <= 4; n++) {
		sound_start(voice);
		assert_true(sound_frames_within(voice, n * 12000, PATIENCE_MS));
		sound_stop(voice);
		world_listen(ear, 4800); /* as long as its queue: time goes on for others */
	}
	sound_start(voice);
	assert_true(sound_frames_within(voice, voice->total, PATIENCE_MS));
	world_listen(ear, 16000);
	sound_close(voice);
	sound_close(ear);
	world_check_all(ear, 60000);
	sound_free(ear);
	bench_close(&world->bench);
}

/* What was recorded before the stop and not yet fetched comes after the next start. */
static void test_HB_02_pause_of_capture_loses_nothing(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;
	struct heard heard;

	world_begin(world);
	world_record(world, ear, cd);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	voice->total = 96000;
	sound_start(voice);
	world_listen(ear, 24000);
	sound_stop(ear);
	assert_true(sound_frames_within(voice, atomic_load(&voice->frames) + 12000, PATIENCE_MS));
	sound_start(ear);
	world_listen(ear, 24000);
	sound_close(voice);
	sound_close(ear);
	heard = sound_heard(ear);
	assert_int_equal(heard.first, 0);
	/* One hole: the first frame after it is the first of what the rest consists of. */
	assert_true(heard.frames > 10000);
	assert_true(heard.jumps == 1);
	assert_int_equal(heard.bad, 0);
	sound_free(ear);
	bench_close(&world->bench);
}

/* A drain ends by itself when all is heard, and at once when it is not to be heard. */
static void test_HB_02_drain_and_stop_in_it(void **state)
{
	const struct vmsnd_backend_class *cls = &vmsnd_pulse_class;
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;

	world_begin(world);
	world_record(world, ear, cd);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	voice->total = 12000;
	sound_start(voice);
	assert_true(sound_frames_within(voice, 12000, PATIENCE_MS));
	assert_int_equal(cls->stream_drain(voice->stream, 0), VMSND_OK);
	assert_int_equal(cls->stream_state(voice->stream), VMSND_STREAM_DRAINING);
	assert_true(sound_state_within(voice, VMSND_STREAM_OKAY, PATIENCE_MS));
	sound_stop(voice);
	world_listen(ear, 9600);
	voice->total = 24000;
	sound_start(voice);
	assert_true(sound_frames_within(voice, 24000, PATIENCE_MS));
	assert_int_equal(cls->stream_drain(voice->stream, 0), VMSND_OK);
	sound_stop(voice);
	assert_int_equal(cls->stream_state(voice->stream), VMSND_STREAM_OKAY);
	voice->total = 36000;
	sound_start(voice);
	assert_true(sound_frames_within(voice, 36000, PATIENCE_MS));
	world_listen(ear, 16000);
	sound_close(voice);
	sound_close(ear);
	world_check_all(ear, 36000);
	sound_free(ear);
	bench_close(&world->bench);
}

static void test_HB_02_devices_are_told(void **state)
{
	struct world *world = *state;
	struct bench *bench = &world->bench;
	struct vmsnd_host_device list[16];
	struct sound *voice = &world->voice;
	unsigned before;

	world->server.sinks[1] = SINK_B;
	world_begin(world);
	assert_int_equal(vmsnd_pulse_class.devices(bench->host, list, 16), 4);
	assert_true(sound_open_within(voice, bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	sound_start(voice);
	assert_true(sound_frames_within(voice, 4800, PATIENCE_MS));
	assert_true(is_at_within(voice, "a", 0));
	server_tell(&world->server, "set-default-sink", "b", NULL);
	assert_true(rises_within(&bench->device_changed[VMSND_PLAYBACK], 0, PATIENCE_MS));
	assert_true(is_at_within(voice, "b", PATIENCE_MS));
	before = atomic_load(&bench->devices_changed);
	server_tell(&world->server, "load-module", "module-null-sink", "sink_name=c");
	assert_true(rises_within(&bench->devices_changed, before + 1, PATIENCE_MS));
	assert_int_equal(vmsnd_pulse_class.devices(bench->host, list, 16), 6);
	assert_true(sound_frames_within(voice, atomic_load(&voice->frames) + 4800, PATIENCE_MS));
	assert_int_equal(atomic_load(&voice->ended), 0);
	sound_close(voice);
	bench_close(bench);
}

/* The device goes away under the stream: on another it goes on, without another it ends. */
static void test_sink_is_pulled(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice;

	world->server.sinks[1] = SINK_B;
	world_begin(world);
	assert_int_equal(vmsnd_pulse_class.device_set(world->bench.host, VMSND_PLAYBACK, "b"),
			 VMSND_OK);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	sound_start(voice);
	assert_true(sound_frames_within(voice, 4800, PATIENCE_MS));
	assert_true(is_at_within(voice, "b", 0));
	server_tell(&world->server, "unload-module", "1", NULL);
	assert_true(is_at_within(voice, "a", PATIENCE_MS));
	assert_true(sound_frames_within(voice, atomic_load(&voice->frames) + 9600, PATIENCE_MS));
	server_tell(&world->server, "unload-module", "0", NULL);
	assert_true(rises_within(&voice->ended, 0, PATIENCE_MS));
	sound_close(voice);
	assert_int_equal(atomic_load(&voice->ended), 1);
	server_tell(&world->server, "load-module", "module-null-sink", "sink_name=b");
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	assert_true(is_at_within(voice, "b", 0));
	sound_close(voice);
	bench_close(&world->bench);
}

static void test_device_that_is_not_there(void **state)
{
	struct world *world = *state;
	struct bench *bench = &world->bench;
	struct sound *voice = &world->voice;

	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_int_equal(bench_open(bench,
				    "server=unix:%s/native,cookie=%s/own/cookie,"
				    "out-device=nowhere",
				    world->server.folder),
			 VMSND_OK);
	assert_int_equal(vmsnd_pulse_class.device_set(bench->host, VMSND_CAPTURE, "nobody"),
			 VMSND_E_GONE);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(sound_open(voice, bench, VMSND_PLAYBACK, cd, 480), VMSND_OK);
		assert_true(rises_within(&voice->ended, 0, PATIENCE_MS));
		sound_close(voice);
	}
	assert_int_equal(bench_lines(bench, "device nowhere: No such entity"), 1);
	assert_int_equal(bench->n_lines, 1);
	bench_close(bench);
}

static void test_server_of_another_user(void **state)
{
	struct world *world = *state;
	struct bench denied;
	struct vmsnd_fact facts[VMSND_FACT_COUNT];
	size_t n;

	if (getuid() != 0)
		skip();
	server_remove_folder(&world->server);
	world->server.other_user = true;
	server_make_folder(&world->server);
	setenv("HOME", world->server.folder, 1);
	world_begin(world);
	assert_int_equal(bench_open(&denied, "server=unix:%s/native", world->server.folder),
			 VMSND_OK);
	assert_true(said_within(&denied, "cookie=FILE", PATIENCE_MS));
	world_play_exactly(world, cd);
	n = vmsnd_pulse_class.facts(world->bench.host, facts, VMSND_FACT_COUNT);
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_USER), "(1234)"));
	wait_ms(2000); /* more tries */
	assert_int_equal(denied.n_lines, 1);
	n = vmsnd_pulse_class.facts(denied.host, facts, VMSND_FACT_COUNT);
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_TROUBLE), "does not let us in"));
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_ADVICE), "cookie=FILE"));
	bench_close(&denied);
	bench_close(&world->bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_not_there_at_start),
	    WORLD_TEST(test_killed_and_back),
	    WORLD_TEST(test_HB_02_creation_waits_for_nothing),
	    WORLD_TEST(test_HB_02_pause_loses_nothing),
	    WORLD_TEST(test_HB_02_pause_of_capture_loses_nothing),
	    WORLD_TEST(test_HB_02_drain_and_stop_in_it),
	    WORLD_TEST(test_HB_02_devices_are_told),
	    WORLD_TEST(test_sink_is_pulled),
	    WORLD_TEST(test_device_that_is_not_there),
	    WORLD_TEST(test_server_of_another_user),
	};
	int missing = world_missing();

	return missing < 0 ? cmocka_run_group_tests(tests, NULL, NULL) : missing;
}
