/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's clock: how far away the speaker is, and how fast frames go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"
#include "bench.h"

static void test_BE_14_delay_is_the_queue(void **state)
{
	struct bench *bench = *state;
	struct user out = {.stream = NULL}, in = {.stream = NULL};
	struct vmsnd_format format = bench_format(VMSND_SAMPLE_S16, 48000, 2);

	assert_int_equal(user_open(bench, &out, VMSND_PLAYBACK, format, 480), VMSND_OK);
	assert_int_equal(user_open(bench, &in, VMSND_CAPTURE, format, 480), VMSND_OK);
	user_start(&out);
	user_start(&in);
	user_wait_frames(&out, 24000);
	user_wait_frames(&in, 24000);
	assert_in_range(out.delay_frames, 9600 - 480, 9600 + 480);
	assert_in_range(in.delay_frames, 0, 480);
	assert_int_equal(bench->audio_threads, 2);
	assert_int_equal(vmsnd_alsa_class.status(bench->host, VMSND_PLAYBACK),
			 VMSND_BACKEND_RUNNING);
	user_close(&out);
	user_close(&in);
	assert_int_equal(vmsnd_alsa_class.status(bench->host, VMSND_PLAYBACK),
			 VMSND_BACKEND_STOPPED);
}

/* A card that is 300 ppm fast sets the pace, and blocks have times to measure it by. */
static void test_drift(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};
	double passed, frames, ppm;

	assert_int_equal(bench_open(bench, "out-device=fast"), VMSND_OK);
	assert_int_equal(
	    user_open(bench, &user, VMSND_PLAYBACK, bench_format(VMSND_SAMPLE_S16, 48000, 2), 480),
	    VMSND_OK);
	user_start(&user);
	user_wait_frames(&user, 48000ull * 10);
	user_stop(&user);
	passed = (double)(user.last_ns - user.first_ns) * 1e-9;
	frames = (double)(user.frames - user.first_frames);
	ppm = (frames / passed / 48000 - 1) * 1e6;
	print_message("# %.1f ppm measured, %llu xruns\n", ppm,
		      (unsigned long long)user_xruns(&user));
	assert_true(ppm > 290 && ppm < 310);
	assert_int_equal(user.gaps, 0);
	assert_int_equal(user_xruns(&user), 0);
	user_close(&user);
}

/* alsa-lib's null is always ready; nobody is served by a day of sound in a minute. */
static void test_null_is_paced(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};
	uint64_t end;

	assert_int_equal(bench_open(bench, "out-device=nul"), VMSND_OK);
	assert_int_equal(
	    user_open(bench, &user, VMSND_PLAYBACK, bench_format(VMSND_SAMPLE_S16, 48000, 2), 480),
	    VMSND_OK);
	user_start(&user);
	for (end = bench_ms() + 1000; bench_ms() < end;)
		bench_nap();
	user_stop(&user);
	assert_in_range(user.frames, 24000, 48000 * 3 / 2 + 4 * 9600);
	user_close(&user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	    TEST(test_BE_14_delay_is_the_queue),
	    TEST(test_drift),
	    TEST(test_null_is_paced),
	};

	return cmocka_run_group_tests_name("alsa-time", tests, NULL, NULL);
}
