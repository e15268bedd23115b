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

static void wait_played(const struct bench *bench, uint64_t frames)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (bench->card->played < frames && bench_ms() < end)
		bench_nap();
	assert_true(bench->card->played >= frames);
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

/* One plays, the other records what is played. */
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
	wait_played(bench, format.rate_hz / 4 + 4096);
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
	assert_true(heard.good > format.rate_hz / 16);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	    TEST(test_every_bit),
	    TEST(test_nearest),
	    TEST(test_no_dsd),
	};

	return cmocka_run_group_tests_name("alsa-streams", tests, NULL, NULL);
}
