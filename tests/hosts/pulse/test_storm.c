/* SPDX-License-Identifier: BSD-3-Clause */
/* The PulseAudio backend in a hurry: a guest that starts and stops all the time, servers that hang,
 * die and come back meanwhile, and streams that are left alone after a stop. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/pulse/pulse.h"

static unsigned count_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

/* What was handed over before a stop in the middle of a drain is heard now, and not when the guest
 * plays again, which may be tomorrow. */
static void test_stop_in_drain_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;

	world_begin(world);
	world_record(world, ear, cd);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	voice->total = 24000;
	sound_start(voice);
	assert_true(sound_frames_within(voice, voice->total, PATIENCE_MS));
	assert_int_equal(vmsnd_pulse_class.stream_drain(voice->stream, 0), VMSND_OK);
	sound_stop(voice);
	world_listen(ear, 24000);
	sound_close(ear);
	world_check_all(ear, voice->total);
	sound_close(voice);
	sound_free(ear);
	bench_close(&world->bench);
}

/* The longest that one of the calls took, in milliseconds. */
static unsigned storm(struct sound *sound, unsigned n, unsigned pause_ms)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t at = now_ms();

		if (i % 3 == 0)
			sound_start(sound);
		else if (i % 3 == 2)
			sound_stop(sound);
		else if (i % 2)
			vmsnd_pulse_class.stream_drain(sound->stream, 0);
		at = now_ms() - at;
		longest = at > longest ? at : longest;
		wait_ms(pause_ms);
	}
	return (unsigned)longest;
}

/* The lane is never held up, whatever the server does. */
static void test_starts_and_stops_in_a_storm(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice, *ear = &world->ear;
	unsigned longest[4];

	world_begin(world);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	assert_true(sound_open_within(ear, &world->bench, VMSND_CAPTURE, cd, PATIENCE_MS));
	longest[0] = storm(voice, 200, 5);
	longest[1] = storm(ear, 200, 5);
	kill(world->server.pid, SIGSTOP);
	longest[2] = storm(voice, 300, 1);
	kill(world->server.pid, SIGCONT);
	sound_start(voice);
	assert_true(sound_frames_within(voice, atomic_load(&voice->frames) + 9600, PATIENCE_MS));
	kill(world->server.pid, SIGSTOP);
	storm(ear, 100, 1);
	server_end(&world->server, SIGKILL);
	longest[3] = storm(voice, 100, 1);
	fprintf(stderr, "# the longest call: %u, %u, %u, %u ms\n", longest[0], longest[1],
		longest[2], longest[3]);
	for (unsigned i = 0; i < 4; i++)
		assert_true(longest[i] < 500);
	assert_true(rises_within(&voice->ended, 0, PATIENCE_MS));
	sound_close(voice);
	sound_free(ear);
	assert_int_equal(atomic_load(&voice->ended), 1);
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	world_play_exactly(world, cd);
	bench_close(&world->bench);
}

/* Servers that come and go leave no files behind, and a line each way. */
static void test_servers_come_and_go(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice;
	unsigned before = 0;

	world_begin(world);
	for (unsigned n = 0; n < 12; n++) {
		assert_true(
		    sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
		sound_start(voice);
		if (n == 2)
			before = count_files();
		if (n == 11)
			assert_int_equal(count_files(), before);
		server_end(&world->server, SIGKILL);
		assert_true(rises_within(&voice->ended, 0, PATIENCE_MS));
		sound_close(voice);
		server_start(&world->server);
		assert_true(server_answers(&world->server, PATIENCE_MS));
	}
	world_wait_for_server(world);
	assert_int_equal(world->bench.n_lines, 24);
	bench_close(&world->bench);
}

static bool has_streams(struct world *world, const char *command, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char index[12];

		snprintf(index, sizeof(index), "%u", i);
		if (server_tell(&world->server, command, index, "1") == 0)
			return true;
	}
	return false;
}

/* A stream that is closed before the server has made it is not left there. */
static void test_closed_at_once_is_not_left(void **state)
{
	static const char *const commands[] = {"set-sink-input-mute", "set-source-output-mute"};
	struct world *world = *state;
	struct sound *sound = &world->voice;
	uint64_t end;

	world_begin(world);
	world_wait_for_server(world);
	for (unsigned n = 0; n < 10; n++) {
		assert_int_equal(sound_open(sound, &world->bench, (enum vmsnd_dir)(n % 2), cd, 480),
				 VMSND_OK);
		sound_free(sound);
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		/* The server has made those before it, too. */
		assert_true(
		    sound_open_within(sound, &world->bench, (enum vmsnd_dir)dir, cd, PATIENCE_MS));
		assert_int_equal(server_tell(&world->server, commands[dir], "5", "1"), 0);
		sound_free(sound);
		end = now_ms() + PATIENCE_MS;
		while (has_streams(world, commands[dir], 6))
			assert_true(now_ms() < end);
	}
	bench_close(&world->bench);
}

/* A sink that slept wakes up at the start: nothing had been played that could have been lost. */
static void test_sleeping_sink_is_no_gap(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice;

	world_begin(world);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	assert_int_equal(server_tell(&world->server, "suspend-sink", "a", "1"), 0);
	sound_start(voice);
	assert_int_equal(server_tell(&world->server, "suspend-sink", "a", "0"), 0);
	assert_true(sound_frames_within(voice, 1, PATIENCE_MS));
	assert_int_equal(atomic_load(&voice->gaps), 0);
	/* Now it is one. */
	assert_int_equal(server_tell(&world->server, "suspend-sink", "a", "1"), 0);
	assert_int_equal(server_tell(&world->server, "suspend-sink", "a", "0"), 0);
	assert_true(rises_within(&voice->gaps, 0, PATIENCE_MS));
	sound_close(voice);
	bench_close(&world->bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_stop_in_drain_leaves_nothing),
	    WORLD_TEST(test_starts_and_stops_in_a_storm),
	    WORLD_TEST(test_servers_come_and_go),
	    WORLD_TEST(test_closed_at_once_is_not_left),
	    WORLD_TEST(test_sleeping_sink_is_no_gap),
	};
	int missing = world_missing();

	return missing < 0 ? cmocka_run_group_tests(tests, NULL, NULL) : missing;
}
