/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend loop: what is played is recorded, bit for bit, after a time that never changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/loop.h"
#include "rig.h"

#define MS     UINT64_C(1000000)
#define SECOND VMSND_NS_PER_SECOND
#define ZERO   (77 * SECOND) /* nothing round about 0 */

static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 44100, 2);

static void open_host(struct rig *rig, const char *options)
{
	assert_int_equal(rig_open(rig, &vmsnd_loop_class, options), VMSND_OK);
}

static void open_at(struct rig *rig, struct user *user, enum vmsnd_dir dir,
		    struct vmsnd_format format)
{
	assert_int_equal(user_open(rig, user, dir, format, format.rate_hz / 50), VMSND_OK);
}

/* That `user` recorded, from its frame `at` on, the signal from `first` on. */
static void check_signal(const struct user *user, uint64_t at, uint64_t first, uint64_t frames)
{
	uint32_t bytes = vmsnd_format_frame_bytes(&user->got.format);
	uint8_t *want = malloc((size_t)frames * bytes);

	assert_non_null(want);
	assert_true(at + frames <= user->frames);
	signal_fill(&user->got.format, first, want, (uint32_t)frames);
	assert_memory_equal(user->kept + at * bytes, want, (size_t)frames * bytes);
	free(want);
}

static void check_silence(const struct user *user, uint64_t at, uint64_t frames)
{
	uint32_t bytes = vmsnd_format_frame_bytes(&user->got.format);
	uint8_t *want = malloc((size_t)frames * bytes + 1);

	assert_non_null(want);
	assert_true(at + frames <= user->frames);
	vmsnd_format_silence_rt(&user->got.format, want, (uint32_t)frames);
	assert_memory_equal(user->kept + at * bytes, want, (size_t)frames * bytes);
	free(want);
}

struct loop_case {
	struct vmsnd_format format;
	unsigned delay_ms;
	vmsnd_ns capture_at; /* so long after playback */
};

static void loop_one(struct rig *rig, const struct loop_case *row)
{
	uint64_t delay = (uint64_t)row->delay_ms * row->format.rate_hz / 1000, first;
	struct user player = {.left = 0}, recorder = {.left = 0};
	char options[32];
	uint32_t block;

	snprintf(options, sizeof(options), "delay-ms=%u", row->delay_ms);
	open_host(rig, options);
	open_at(rig, &player, VMSND_PLAYBACK, row->format);
	open_at(rig, &recorder, VMSND_CAPTURE, row->format);
	block = player.got.period_frames;
	assert_true(vmsnd_format_equal(&recorder.got.format, &row->format));
	user_start(rig, &player, ZERO);
	rig_run(rig, ZERO, ZERO + row->capture_at);
	user_start(rig, &recorder, ZERO + row->capture_at);
	rig_run(rig, ZERO + row->capture_at, ZERO + SECOND);
	/* The first block that began after it did. */
	first =
	    (row->capture_at * row->format.rate_hz + block * SECOND - 1) / (block * SECOND) * block;
	assert_int_equal(player.frames, recorder.frames + first);
	assert_true(player.frames <= row->format.rate_hz);
	assert_true(player.frames > row->format.rate_hz - block);
	if (first < delay)
		check_silence(&recorder, 0, delay - first);
	check_signal(&recorder, first < delay ? delay - first : 0,
		     first < delay ? 0 : first - delay,
		     recorder.frames - (first < delay ? delay - first : 0));
	user_close(rig, &player);
	user_close(rig, &recorder);
	user_free(&recorder);
	rig_close(rig);
}

static void test_played_is_recorded_bit_for_bit(void **state)
{
	static const struct loop_case rows[] = {
	    {FORMAT(VMSND_SAMPLE_S16, 48000, 2), 0, 0},
	    {FORMAT(VMSND_SAMPLE_S16, 44100, 2), 0, 101 * MS + 1},
	    {FORMAT(VMSND_SAMPLE_U8, 8000, 1), 100, 0},
	    {FORMAT(VMSND_SAMPLE_S24_3, 11025, 6), 3, 333 * MS},
	    {FORMAT(VMSND_SAMPLE_FLOAT64, 96000, 18), 250, 5 * MS},
	    {FORMAT(VMSND_SAMPLE_U16, 5512, 1), 0, 0},
	    {FORMAT(VMSND_SAMPLE_FLOAT, 192000, 2), 500, 17 * MS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		loop_one(*state, &rows[i]);
}

static void test_silence_before_and_after(void **state)
{
	struct rig *rig = *state;
	struct user player = {.left = 0}, recorder = {.left = 0};
	struct vmsnd_format format = FORMAT(VMSND_SAMPLE_U8, 8000, 1);

	open_host(rig, "delay-ms=20"); /* 160 frames */
	open_at(rig, &recorder, VMSND_CAPTURE, format);
	open_at(rig, &player, VMSND_PLAYBACK, format);
	user_start(rig, &recorder, ZERO);
	rig_run(rig, ZERO, ZERO + 100 * MS);
	user_start(rig, &player, ZERO + 100 * MS);
	rig_run(rig, ZERO + 100 * MS, ZERO + 200 * MS);
	rig->cls->stream_stop(player.stream, ZERO + 200 * MS);
	rig_run(rig, ZERO + 200 * MS, ZERO + 300 * MS);
	assert_int_equal(recorder.frames, 2400);
	assert_int_equal(player.frames, 800);
	check_silence(&recorder, 0, 960);
	check_signal(&recorder, 960, 0, 800);
	check_silence(&recorder, 1760, 640);
	/* Started again it goes on. */
	user_start(rig, &player, ZERO + 300 * MS);
	rig_run(rig, ZERO + 300 * MS, ZERO + 400 * MS);
	check_signal(&recorder, 2560, 800, 640);
	user_close(rig, &player);
	user_close(rig, &recorder);
	user_free(&recorder);
}

/* While nothing runs there is no time: a machine that was suspended goes on where it was. */
static void test_suspended_in_between(void **state)
{
	struct rig *rig = *state;
	struct user player = {.left = 0}, recorder = {.left = 0};

	open_host(rig, "delay-ms=50"); /* 2205 frames */
	open_at(rig, &player, VMSND_PLAYBACK, cd);
	open_at(rig, &recorder, VMSND_CAPTURE, cd);
	for (unsigned i = 0; i < 5; i++) {
		vmsnd_ns at = ZERO + i * 10 * SECOND;

		user_start(rig, &player, at);
		user_start(rig, &recorder, at);
		rig_run(rig, at, at + 33 * MS);
		rig->cls->stream_stop(player.stream, at + 33 * MS);
		rig->cls->stream_stop(recorder.stream, at + 33 * MS);
		assert_true(rig->cls->advance(rig->host, at + SECOND) == VMSND_NEVER);
	}
	assert_int_equal(player.frames, recorder.frames);
	check_silence(&recorder, 0, 2205);
	check_signal(&recorder, 2205, 0, recorder.frames - 2205);
	user_close(rig, &player);
	user_close(rig, &recorder);
	user_free(&recorder);
}

static void test_every_recorder_hears_the_one_that_played_first(void **state)
{
	struct rig *rig = *state;
	struct user players[2] = {{.left = 0}}, recorders[2] = {{.left = 0}};

	open_host(rig, "");
	for (unsigned i = 0; i < 2; i++) {
		open_at(rig, &players[i], VMSND_PLAYBACK, cd);
		open_at(rig, &recorders[i], VMSND_CAPTURE, cd);
		user_start(rig, &recorders[i], ZERO);
	}
	players[0].frames = 100000; /* to be told from the other */
	user_start(rig, &players[1], ZERO);
	rig_run(rig, ZERO, ZERO + SECOND);
	user_start(rig, &players[0], ZERO + SECOND);
	rig_run(rig, ZERO + SECOND, ZERO + 2 * SECOND);
	assert_true(players[0].frames > 140000); /* it plays, too, into nothing */
	check_signal(&recorders[0], 0, 0, players[1].frames);
	check_signal(&recorders[1], 0, 0, players[1].frames);
	user_close(rig, &players[1]);
	rig_run(rig, ZERO + 2 * SECOND, ZERO + 3 * SECOND);
	check_signal(&recorders[1], recorders[1].frames - 4000, players[0].frames - 4000, 4000);
	for (unsigned i = 0; i < 2; i++) {
		user_close(rig, &recorders[i]);
		user_free(&recorders[i]);
	}
	user_close(rig, &players[0]);
}

/* ---- one format ---- */

static void test_all_have_the_format_of_the_first_that_runs(void **state)
{
	struct vmsnd_format other = FORMAT(VMSND_SAMPLE_FLOAT, 48000, 6);
	struct user first = {.left = 0}, second = {.left = 0};
	struct rig *rig = *state;

	open_host(rig, "");
	open_at(rig, &first, VMSND_PLAYBACK, cd);
	user_start(rig, &first, ZERO);
	open_at(rig, &second, VMSND_CAPTURE, other);
	assert_true(vmsnd_format_equal(&second.got.format, &cd));
	user_close(rig, &first);
	user_close(rig, &second);
	user_free(&second);
	/* Nobody is left: the next one chooses. */
	open_at(rig, &second, VMSND_CAPTURE, other);
	assert_true(vmsnd_format_equal(&second.got.format, &other));
	user_close(rig, &second);
	user_free(&second);
}

/* A microphone that is kept open for a guest that may come back does not hold a new one up. */
static void test_one_that_is_only_open_is_opened_anew(void **state)
{
	struct user idle = {.hears = true}, fresh = {.left = 0};
	struct rig *rig = *state;

	open_host(rig, "");
	open_at(rig, &idle, VMSND_CAPTURE, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_U8, 8000, 1));
	user_start(rig, &idle, ZERO);
	rig->cls->stream_stop(idle.stream, ZERO + SECOND);
	open_at(rig, &fresh, VMSND_PLAYBACK, cd);
	assert_true(vmsnd_format_equal(&fresh.got.format, &cd));
	assert_int_equal(idle.notices, 1u << VMSND_STREAM_REOPEN);
	assert_int_equal(rig->cls->stream_start(idle.stream, ZERO + SECOND), VMSND_E_GONE);
	user_start(rig, &fresh, ZERO + SECOND);
	rig_run(rig, ZERO + SECOND, ZERO + 2 * SECOND);
	assert_int_equal(idle.frames, 0);
	user_close(rig, &idle);
	user_free(&idle);
	open_at(rig, &idle, VMSND_CAPTURE, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_U8, 8000, 1));
	assert_true(vmsnd_format_equal(&idle.got.format, &cd));
	user_close(rig, &idle);
	user_free(&idle);
	user_close(rig, &fresh);
}

/* A guest's long periods do not make the others wait for ever. */
static void test_blocks_are_short_whoever_comes_first(void **state)
{
	struct user user = {.left = 0};
	struct rig *rig = *state;
	static const uint32_t wishes[][2] = {{0, 1}, {1, 1}, {100, 100}, {44100, 220}};

	open_host(rig, "");
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, cd, wishes[i][0]), VMSND_OK);
		assert_int_equal(user.got.period_frames, wishes[i][1]);
		user_close(rig, &user);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_played_is_recorded_bit_for_bit, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(test_silence_before_and_after, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_suspended_in_between, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_every_recorder_hears_the_one_that_played_first,
					    rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_all_have_the_format_of_the_first_that_runs,
					    rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_one_that_is_only_open_is_opened_anew, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(test_blocks_are_short_whoever_comes_first, rig_setup,
					    rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
