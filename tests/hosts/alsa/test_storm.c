/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that starts and stops all the time, on cards that fail and go, and on machines that are
 * suspended in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"
#include "bench.h"

#define LIMIT_MS 20000
#define STEPS    150

static const struct vmsnd_format usual = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static uint32_t chance(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % most;
}

static void naps(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		bench_nap();
}

static void wait_all_heard(struct bench *bench)
{
	uint64_t end = bench_ms() + LIMIT_MS, before;

	do {
		before = bench->card->played;
		naps(100);
	} while (bench->card->played != before && bench_ms() < end);
}

static void suspend(struct bench *bench, unsigned n)
{
	vmsnd_alsa_class.life(bench->host, VMSND_LIFE_SUSPEND, 0);
	naps(n);
	vmsnd_alsa_class.life(bench->host, VMSND_LIFE_RESUME, 0);
}

/* Every frame that was taken is heard once, in order. */
static void starts_and_stops(struct bench *bench, const char *options, uint32_t seed)
{
	struct user user = {.stream = NULL};
	struct vmsnd_stream_place place;
	struct heard heard;

	bench->card->played = bench->card->recorded = 0;
	assert_int_equal(bench_open(bench, options), VMSND_OK);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 240), VMSND_OK);
	for (unsigned i = 0; i < STEPS; i++) {
		user_start(&user);
		naps(chance(&seed, 5));
		if (chance(&seed, 4) == 0) {
			vmsnd_alsa_class.stream_drain(user.stream, 0);
			naps(chance(&seed, 3));
		}
		user_stop(&user);
		naps(chance(&seed, 4));
		if (chance(&seed, 3) == 0)
			suspend(bench, chance(&seed, 5));
	}
	wait_all_heard(bench);
	vmsnd_alsa_class.stream_place(user.stream, &place);
	heard = bench_heard(bench, &user);
	print_message(
	    "# %s: %llu taken, %llu heard, %llu lost, %llu repeated, %llu bad; %llu xruns\n",
	    options, (unsigned long long)user.frames, (unsigned long long)heard.good,
	    (unsigned long long)heard.lost, (unsigned long long)heard.repeated,
	    (unsigned long long)heard.bad, (unsigned long long)place.xruns);
	assert_int_equal(heard.bad, 0);
	assert_int_equal(user.ended, 0);
	if (place.xruns == 0) {
		assert_int_equal(heard.lost + heard.repeated, 0);
		assert_int_equal(heard.good, user.frames);
	}
	user_close(&user);
}

static void test_HB_03_nothing_is_lost_in_a_storm(void **state)
{
	starts_and_stops(*state, "", 1);
	starts_and_stops(*state, "out-device=rw", 2);
	starts_and_stops(*state, "out-device=pause", 3);
	starts_and_stops(*state, "out-device=resume", 4);
}

static void one_step(struct bench *bench, struct user *user, uint32_t *seed)
{
	static const enum testloop_fault faults[] = {TESTLOOP_XRUN, TESTLOOP_SUSPEND, TESTLOOP_GONE,
						     TESTLOOP_BUSY};

	if (!user->stream) {
		user->ended = 0;
		if (user_open(bench, user, user->dir, usual, 240))
			user->stream = NULL;
		return;
	}
	switch (chance(seed, 6)) {
	case 0:
		bench->card->fault[user->dir] = faults[chance(seed, 4)];
		break;
	case 1:
		user_stop(user);
		break;
	case 2:
		user_stop(user);
		assert_true(user->ended <= 1);
		user_close(user);
		break;
	case 3:
		suspend(bench, chance(seed, 3));
		break;
	default:
		if (user->ended == 0)
			vmsnd_alsa_class.stream_start(user->stream, 0);
		break;
	}
}

static void test_faults_in_a_storm(void **state)
{
	struct bench *bench = *state;
	struct user users[2] = {{.dir = VMSND_PLAYBACK}, {.dir = VMSND_CAPTURE}};
	uint32_t seed = 5;

	for (unsigned i = 0; i < STEPS * 2; i++) {
		unsigned n = chance(&seed, 2);

		one_step(bench, &users[n], &seed);
		naps(chance(&seed, 3));
		if (i % 8 == 0)
			bench->card->fault[n] = TESTLOOP_FINE;
	}
	for (unsigned n = 0; n < 2; n++) {
		user_close(&users[n]);
		bench->card->fault[n] = TESTLOOP_FINE;
	}
	starts_and_stops(bench, "", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_HB_03_nothing_is_lost_in_a_storm, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_faults_in_a_storm, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
