/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine that is suspended, a guest that stops, and one that drains: what was queued is heard,
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"
#include "bench.h"

#define ROUNDS 3

static void nap(unsigned ms)
{
	for (uint64_t end = bench_ms() + ms; bench_ms() < end;)
		bench_nap();
}

static void suspend(struct bench *bench, struct user *user)
{
	uint64_t blocks, played;

	user_stop(user);
	assert_int_equal(vmsnd_alsa_class.life(bench->host, VMSND_LIFE_SUSPEND, 0), VMSND_OK);
	blocks = user->blocks;
	nap(50);
	/* Nothing is asked for and nothing is heard meanwhile. */
	assert_int_equal(user->blocks, blocks);
	played = bench->card->played;
	nap(50);
	assert_int_equal(bench->card->played, played);
	assert_int_equal(vmsnd_alsa_class.life(bench->host, VMSND_LIFE_RESUME, 0), VMSND_OK);
}

static void check_whole(struct bench *bench, const struct user *user)
{
	struct heard heard = bench_heard(bench, user);

	print_message("# %llu heard, holes of %llu frames, %llu lost, %llu repeated\n",
		      (unsigned long long)heard.good, (unsigned long long)heard.holes,
		      (unsigned long long)heard.lost, (unsigned long long)heard.repeated);
	assert_int_equal(heard.good, user->frames);
	assert_int_equal(heard.lost + heard.repeated + heard.bad, 0);
	assert_int_equal(user->gaps, 0);
}

static void pause_and_go_on(struct bench *bench, const char *options, unsigned pauses)
{
	struct user user = {.stream = NULL};

	assert_int_equal(bench_open(bench, options), VMSND_OK);
	assert_int_equal(
	    user_open(bench, &user, VMSND_PLAYBACK, bench_format(VMSND_SAMPLE_S16, 48000, 2), 480),
	    VMSND_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		user_start(&user);
		user_wait_frames(&user, user.frames + 12000);
		suspend(bench, &user);
	}
	user.left = 0;
	user_start(&user);
	vmsnd_alsa_class.stream_drain(user.stream, 0);
	user_wait_drained(&user);
	check_whole(bench, &user);
	if (pauses)
		assert_true(bench->card->pauses[0] >= pauses);
	else
		assert_int_equal(bench->card->pauses[0], 0);
	user_close(&user);
}

static void test_HB_03_pause_of_the_hardware_loses_nothing(void **state)
{
	pause_and_go_on(*state, "out-device=pause", ROUNDS);
}

static void test_HB_03_pause_without_hardware_loses_nothing(void **state)
{
	pause_and_go_on(*state, "", 0);
	((struct bench *)*state)->card->played = 0;
	pause_and_go_on(*state, "out-device=rw", 0);
}

/* A guest that has stopped is heard to its end, and nothing of it is left for the next time. */
static void stop_and_start(struct bench *bench, unsigned wait_ms)
{
	struct user user = {.stream = NULL};

	bench->card->played = 0;
	assert_int_equal(
	    user_open(bench, &user, VMSND_PLAYBACK, bench_format(VMSND_SAMPLE_S16, 48000, 2), 480),
	    VMSND_OK);
	for (unsigned i = 0; i < 4; i++) {
		user_start(&user);
		user_wait_frames(&user, user.frames + 4800);
		user_stop(&user);
		nap(wait_ms);
	}
	nap(600);
	check_whole(bench, &user);
	assert_int_equal(user_xruns(&user), 0);
	user_close(&user);
}

static void test_a_stop_is_heard_to_its_end(void **state)
{
	stop_and_start(*state, 600);
	stop_and_start(*state, 0);
	stop_and_start(*state, 100);
}

/* ---- drain ---- */

static void test_BE_12_drain_waits_for_the_last_frame(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};
	struct heard heard;
	uint64_t before;

	assert_int_equal(
	    user_open(bench, &user, VMSND_PLAYBACK, bench_format(VMSND_SAMPLE_S16, 48000, 2), 480),
	    VMSND_OK);
	for (unsigned round = 1; round <= 3; round++) {
		user.left = 10001; /* ends in the middle of a block */
		user_start(&user);
		user_wait_frames(&user, 10001ull * round);
		assert_int_equal(vmsnd_alsa_class.stream_state(user.stream), VMSND_STREAM_OKAY);
		before = bench_ms();
		assert_int_equal(vmsnd_alsa_class.stream_drain(user.stream, 0), VMSND_OK);
		assert_true(bench_ms() - before < 100); /* the queue is 200 ms */
		assert_int_equal(vmsnd_alsa_class.stream_state(user.stream), VMSND_STREAM_DRAINING);
		user_wait_drained(&user);
		heard = bench_heard(bench, &user);
		assert_int_equal(heard.good, 10001 * round);
		assert_int_equal(heard.lost + heard.repeated + heard.bad, 0);
		user_stop(&user);
	}
	assert_int_equal(user_xruns(&user), 0);
	user_close(&user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	    TEST(test_HB_03_pause_of_the_hardware_loses_nothing),
	    TEST(test_HB_03_pause_without_hardware_loses_nothing),
	    TEST(test_a_stop_is_heard_to_its_end),
	    TEST(test_BE_12_drain_waits_for_the_last_frame),
	};

	return cmocka_run_group_tests_name("alsa-pause", tests, NULL, NULL);
}
