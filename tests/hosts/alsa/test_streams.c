/* SPDX-License-Identifier: BSD-3-Clause */
/* Sound through alsa-lib to a card that keeps all it hears: every frame, in order, unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"
#include "bench.h"

#define LIMIT_MS 20000

static void wait_frames(const struct user *user, uint64_t frames)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (user->frames < frames && bench_ms() < end)
		bench_nap();
	assert_true(user->frames >= frames);
}

static void wait_played(const struct bench *bench, uint64_t frames)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (bench->card->played < frames && bench_ms() < end)
		bench_nap();
	assert_true(bench->card->played >= frames);
}

static void wait_drained(const struct user *user)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (vmsnd_alsa_class.stream_state(user->stream) == VMSND_STREAM_DRAINING &&
	       bench_ms() < end)
		bench_nap();
	assert_int_equal(vmsnd_alsa_class.stream_state(user->stream), VMSND_STREAM_OKAY);
}

static uint64_t xruns(const struct user *user)
{
	struct vmsnd_stream_place place;

	vmsnd_alsa_class.stream_place(user->stream, &place);
	return place.xruns;
}

/* ---- exactness ---- */

static const struct {
	enum vmsnd_sample sample;
	uint32_t rate_hz, channels, period_frames;
	const char *options;
} shapes[] = {
    {VMSND_SAMPLE_S16, 48000, 2, 64, ""},
    {VMSND_SAMPLE_S16, 44100, 2, 441, ""},
    {VMSND_SAMPLE_S16, 8000, 1, 80, ""},
    {VMSND_SAMPLE_U8, 11025, 1, 128, ""},
    {VMSND_SAMPLE_S24_3, 48000, 2, 480, ""},
    {VMSND_SAMPLE_S24, 96000, 2, 1024, ""},
    {VMSND_SAMPLE_S32, 192000, 2, 1920, ""},
    {VMSND_SAMPLE_FLOAT, 48000, 8, 480, ""},
    {VMSND_SAMPLE_S16, 48000, 6, 1000, ""},
    {VMSND_SAMPLE_S16, 48000, 2, 480, "out-device=rw,in-device=rw"},
    {VMSND_SAMPLE_FLOAT, 44100, 2, 2048, "out-device=rw,in-device=rw"},
    {VMSND_SAMPLE_S16, 48000, 2, 480, "out-device=plugged,in-device=plugged"},
};

/* One plays, the other records what is played: half a second. */
static void one_shape(struct bench *bench, size_t i)
{
	struct vmsnd_format format =
	    bench_format(shapes[i].sample, shapes[i].rate_hz, shapes[i].channels);
	struct user out = {.stream = NULL}, in = {.stream = NULL};
	struct heard heard, recorded;

	bench->card->played = bench->card->recorded = 0;
	assert_int_equal(bench_open(bench, shapes[i].options), VMSND_OK);
	assert_int_equal(user_open(bench, &out, VMSND_PLAYBACK, format, shapes[i].period_frames),
			 VMSND_OK);
	assert_int_equal(user_open(bench, &in, VMSND_CAPTURE, format, shapes[i].period_frames),
			 VMSND_OK);
	assert_true(out.got.format.sample == format.sample);
	assert_int_equal(out.got.format.rate_hz, format.rate_hz);
	assert_int_equal(out.got.format.channels, format.channels);
	assert_int_equal(in.got.format.sample, format.sample);
	user_start(&out);
	user_start(&in);
	wait_played(bench, format.rate_hz / 2 + 4096);
	user_stop(&out);
	user_stop(&in);
	heard = bench_heard(bench, &out);
	recorded = user_recorded(&in);
	print_message("# %s %u Hz, %u channels, %u frames: %llu heard, %llu recorded\n",
		      vmsnd_sample_name(format.sample), format.rate_hz, format.channels,
		      out.got.period_frames, (unsigned long long)heard.good,
		      (unsigned long long)recorded.good);
	assert_int_equal(heard.first, 0);
	assert_int_equal(heard.bad + heard.holes + heard.lost + heard.repeated, 0);
	assert_true(heard.good > format.rate_hz / 4);
	assert_int_equal(recorded.bad + recorded.holes + recorded.lost + recorded.repeated, 0);
	assert_true(recorded.good > 0);
	assert_int_equal(out.gaps + in.gaps, 0);
	user_close(&out);
	user_close(&in);
}

static void test_every_bit(void **state)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		one_shape(*state, i);
}

static void test_nearest(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(bench_open(bench, "out-device=plain"), VMSND_OK);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK,
				   bench_format(VMSND_SAMPLE_FLOAT, 96000, 8), 960),
			 VMSND_OK);
	assert_int_equal(user.got.format.sample, VMSND_SAMPLE_S16);
	assert_int_equal(user.got.format.rate_hz, 48000);
	assert_int_equal(user.got.format.channels, 2);
	assert_int_equal(user.got.period_frames, 480); /* as long as before */
	user_close(&user);
}

/* What is no PCM is not made into something else. */
static void test_no_dsd(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK,
				   bench_format(VMSND_SAMPLE_DSD_U32, 88200, 2), 441),
			 VMSND_E_UNSUPPORTED);
	assert_int_equal(bench->n_lines, 1);
}

/* ---- pause ---- */

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
	for (unsigned i = 0; i < 5; i++) {
		user_start(&user);
		wait_frames(&user, user.frames + 12000);
		suspend(bench, &user);
	}
	user.left = 0;
	user_start(&user);
	vmsnd_alsa_class.stream_drain(user.stream, 0);
	wait_drained(&user);
	check_whole(bench, &user);
	if (pauses)
		assert_true(bench->card->pauses[0] >= pauses);
	else
		assert_int_equal(bench->card->pauses[0], 0);
	user_close(&user);
}

static void test_HB_03_pause_of_the_hardware_loses_nothing(void **state)
{
	pause_and_go_on(*state, "out-device=pause", 5);
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
		wait_frames(&user, user.frames + 4800);
		user_stop(&user);
		nap(wait_ms);
	}
	nap(600);
	check_whole(bench, &user);
	assert_int_equal(xruns(&user), 0);
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
		wait_frames(&user, 10001ull * round);
		assert_int_equal(vmsnd_alsa_class.stream_state(user.stream), VMSND_STREAM_OKAY);
		before = bench_ms();
		assert_int_equal(vmsnd_alsa_class.stream_drain(user.stream, 0), VMSND_OK);
		assert_true(bench_ms() - before < 100); /* the queue is 200 ms */
		assert_int_equal(vmsnd_alsa_class.stream_state(user.stream), VMSND_STREAM_DRAINING);
		wait_drained(&user);
		heard = bench_heard(bench, &user);
		assert_int_equal(heard.good, 10001 * round);
		assert_int_equal(heard.lost + heard.repeated + heard.bad, 0);
		user_stop(&user);
	}
	assert_int_equal(xruns(&user), 0);
	user_close(&user);
}

/* ---- time ---- */

static void test_BE_14_delay_is_the_queue(void **state)
{
	struct bench *bench = *state;
	struct user out = {.stream = NULL}, in = {.stream = NULL};
	struct vmsnd_format format = bench_format(VMSND_SAMPLE_S16, 48000, 2);

	assert_int_equal(user_open(bench, &out, VMSND_PLAYBACK, format, 480), VMSND_OK);
	assert_int_equal(user_open(bench, &in, VMSND_CAPTURE, format, 480), VMSND_OK);
	user_start(&out);
	user_start(&in);
	wait_frames(&out, 24000);
	wait_frames(&in, 24000);
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
	wait_frames(&user, 48000ull * 10);
	user_stop(&user);
	passed = (double)(user.last_ns - user.first_ns) * 1e-9;
	frames = (double)(user.frames - user.first_frames);
	ppm = (frames / passed / 48000 - 1) * 1e6;
	print_message("# %.1f ppm measured, %llu xruns\n", ppm, (unsigned long long)xruns(&user));
	assert_true(ppm > 290 && ppm < 310);
	assert_int_equal(user.gaps, 0);
	assert_int_equal(xruns(&user), 0);
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
	    cmocka_unit_test_setup_teardown(test_every_bit, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_nearest, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_no_dsd, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_HB_03_pause_of_the_hardware_loses_nothing,
					    bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_HB_03_pause_without_hardware_loses_nothing,
					    bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_a_stop_is_heard_to_its_end, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_BE_12_drain_waits_for_the_last_frame, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_BE_14_delay_is_the_queue, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_drift, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_null_is_paced, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests_name("alsa-streams", tests, NULL, NULL);
}
