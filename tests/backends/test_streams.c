/* SPDX-License-Identifier: BSD-3-Clause */
/* What null and file share as backends: limits, status, repeated tries, and streams that run
 * beside another instead of keeping time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "backends/null.h"
#include "backends/paced.h"
#include "rig.h"

static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 44100, 2);

#define SECOND VMSND_NS_PER_SECOND

static void open_host(struct rig *rig, const struct vmsnd_backend_class *cls, const char *options)
{
	assert_int_equal(rig_open(rig, cls, options), VMSND_OK);
}

static void make_input(struct rig *rig, uint64_t frames)
{
	struct user maker = {.stream = NULL};

	open_host(rig, &vmsnd_file_class, "path=%s/i.wav,pace=free");
	rig_play(rig, &maker, cd, 441, frames);
	rig_close(rig);
	rig_forget_lines(rig);
}

/* ---- BE-01 ---- */

static void check_limits(struct rig *rig, bool playback, bool capture)
{
	struct vmsnd_backend_limits limits = {77, 77};

	rig->cls->limits(rig->host, &limits);
	assert_int_equal(limits.playback_streams, playback ? VMSND_PACED_STREAMS_MAX : 0);
	assert_int_equal(limits.capture_streams, capture ? VMSND_PACED_STREAMS_MAX : 0);
	rig_close(rig);
}

static void test_BE_01_a_direction_without_a_file_has_no_streams(void **state)
{
	struct rig *rig = *state;

	make_input(rig, 10);
	open_host(rig, &vmsnd_null_class, "");
	check_limits(rig, true, true);
	open_host(rig, &vmsnd_file_class, "path=%s/o.wav");
	check_limits(rig, true, false);
	open_host(rig, &vmsnd_file_class, "in=%s/i.wav");
	check_limits(rig, false, true);
	open_host(rig, &vmsnd_file_class, "path=%s/o.wav,in=%s/i.wav");
	check_limits(rig, true, true);
}

/* ---- BE-04 ---- */

static void test_BE_04_status_of_each_direction(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	open_host(rig, &vmsnd_null_class, "");
	assert_int_equal(user_open(rig, &user, VMSND_CAPTURE, cd, 441), VMSND_OK);
	assert_int_equal(rig->cls->status(rig->host, VMSND_CAPTURE), VMSND_BACKEND_STOPPED);
	user_start(rig, &user, 0);
	assert_int_equal(rig->cls->status(rig->host, VMSND_CAPTURE), VMSND_BACKEND_RUNNING);
	assert_int_equal(rig->cls->status(rig->host, VMSND_PLAYBACK), VMSND_BACKEND_STOPPED);
	rig->cls->stream_stop(user.stream, 0);
	assert_int_equal(rig->cls->status(rig->host, VMSND_CAPTURE), VMSND_BACKEND_STOPPED);
	user_close(rig, &user);
	user_free(&user);
}

/* ---- repeated tries (RI-02) ---- */

/* What an owner did wrong is never "gone": that would be tried again for ever. */
static void test_AT_02_a_file_that_cannot_be_opened_is_an_error(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_open(rig, &vmsnd_file_class, "in=%s/none.wav"), VMSND_E_SYSTEM);
	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/none/o.wav"), VMSND_E_SYSTEM);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 2);
}

static void test_RI_02_a_repeated_open_says_nothing(void **state)
{
	static const char *const options[] = {"in=%s/none.wav", "path=%s/none/o.wav",
					      "path=%s/o.mp3", "pace=fast", "pace=free"};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		assert_int_not_equal(rig_open(rig, &vmsnd_file_class, options[i]), VMSND_OK);
		assert_int_equal(rig->n_lines, 1);
		assert_int_not_equal(rig_open_again(rig), VMSND_OK);
		assert_int_equal(rig->n_lines, 1);
		rig_forget_lines(rig);
	}
	assert_int_equal(rig_open(rig, &vmsnd_null_class, "pace=fast"), VMSND_E_INVALID);
	assert_int_equal(rig_open_again(rig), VMSND_E_INVALID);
	assert_int_equal(rig->n_lines, 1);
}

/* Once it is open it speaks again. */
static void test_RI_02_what_was_opened_again_is_not_mute(void **state)
{
	struct rig *rig = *state;
	struct user user = {.left = 100};

	open_host(rig, &vmsnd_file_class, "path=%s/o.flac,pace=free");
	rig_close(rig);
	assert_int_equal(rig_open_again(rig), VMSND_OK);
	rig_play(rig, &user, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S32, 48000, 2), 480, 100);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 1);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_INFO), 1);
}

static void test_RI_02_a_repeated_stream_says_nothing(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_stream_want want = {
	    .dir = VMSND_CAPTURE, .format = cd, .period_frames = 441, .again = true};
	struct user user = {.stream = NULL};

	make_input(rig, 10);
	open_host(rig, &vmsnd_file_class, "in=%s/i.wav");
	assert_int_equal(unlink(rig_path(rig, "i.wav")), 0);
	assert_int_equal(user_open_want(rig, &user, &want), VMSND_E_GONE);
	assert_int_equal(rig->n_lines, 0);
	want.again = false; /* what was not said is still news */
	assert_int_equal(user_open_want(rig, &user, &want), VMSND_E_GONE);
	assert_int_equal(user_open_want(rig, &user, &want), VMSND_E_GONE);
	assert_int_equal(rig->n_lines, 1);
}

/* ---- want.follow ---- */

static void open_follower(struct rig *rig, struct user *user, enum vmsnd_dir dir)
{
	const struct vmsnd_stream_want want = {
	    .dir = dir, .format = cd, .period_frames = 441, .follow = true};

	assert_int_equal(user_open_want(rig, user, &want), VMSND_OK);
	assert_true(user->got.follows);
	user_start(rig, user, 0);
}

static void follow(struct rig *rig, enum vmsnd_dir dir)
{
	struct user user = {.stream = NULL};

	open_follower(rig, &user, dir);
	assert_true(rig->cls->advance(rig->host, SECOND) == VMSND_NEVER); /* nothing is ready */
	assert_int_equal(user.frames, 0);
	for (unsigned i = 1; i <= 3; i++) {
		user.left = 1000;
		assert_true(rig->cls->advance(rig->host, i) == i); /* ask again: more may follow */
		assert_int_equal(user.frames, 1000 * i);
		assert_true(rig->cls->advance(rig->host, i) == VMSND_NEVER);
	}
	assert_int_equal(user.blocks, 9); /* of one period at most */
	rig->cls->stream_stop(user.stream, 3);
	user.left = 1000;
	assert_true(rig->cls->advance(rig->host, 4) == VMSND_NEVER);
	assert_int_equal(user.frames, 3000);
	user_close(rig, &user);
	user_free(&user);
}

static void test_follower_takes_what_is_ready_at_any_pace(void **state)
{
	static const char *const paces[] = {"pace=real", "pace=1000", "pace=free"};
	struct rig *rig = *state;
	char options[64];

	make_input(rig, 5000);
	for (unsigned i = 0; i < 3; i++) {
		open_host(rig, &vmsnd_null_class, paces[i]);
		follow(rig, VMSND_PLAYBACK);
		follow(rig, VMSND_CAPTURE);
		rig_close(rig);
		snprintf(options, sizeof(options), "path=%%s/o.wav,in=%%s/i.wav,%s", paces[i]);
		open_host(rig, &vmsnd_file_class, options);
		follow(rig, VMSND_PLAYBACK);
		follow(rig, VMSND_CAPTURE);
		rig_close(rig);
		check_file(rig_path(rig, "o.wav"), cd, 0, 3000);
	}
}

/* One keeps time, the other takes what it is given; each has a file of its own. */
static void test_two_streams_of_one_file_backend_one_following(void **state)
{
	struct rig *rig = *state;
	struct user pacer = {.stream = NULL}, follower = {.frames = 70000};
	vmsnd_ns next = 0;

	open_host(rig, &vmsnd_file_class, "path=%s/o.wav");
	assert_int_equal(user_open(rig, &pacer, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	assert_false(pacer.got.follows);
	open_follower(rig, &follower, VMSND_PLAYBACK);
	user_start(rig, &pacer, 0);
	while (next < SECOND) {
		uint64_t before = pacer.frames;

		next = rig->cls->advance(rig->host, next);
		follower.left += pacer.frames - before; /* as the connector copies along */
	}
	rig_run(rig, SECOND, SECOND);
	assert_int_equal(pacer.frames, 44100);
	assert_in_range(follower.frames, 70000 + 44100 - 441, 70000 + 44100);
	rig->cls->stream_stop(pacer.stream, SECOND);
	follower.left += 500; /* the one does not wait for the other */
	rig_run(rig, SECOND, SECOND);
	assert_int_equal(pacer.frames, 44100);
	user_close(rig, &pacer);
	user_close(rig, &follower);
	rig_close(rig);
	assert_int_equal(rig_files(rig), 2);
	check_file(rig_path(rig, "o.wav"), cd, 0, 44100);
	check_file(rig_path(rig, "o-2.wav"), cd, 70000, follower.frames - 70000);
}

/* A follower whose file cannot be written ends; the other does not notice. */
static void test_a_follower_that_fails_ends_alone(void **state)
{
	struct rig *rig = *state;
	struct user pacer = {.stream = NULL}, follower = {.left = 10000};
	const struct vmsnd_stream_want want = {
	    .dir = VMSND_PLAYBACK, .format = cd, .period_frames = 441, .follow = true};
	struct vmsnd_backend *other;
	struct rig blocker;

	open_host(rig, &vmsnd_file_class, "path=%s/o.wav");
	assert_int_equal(user_open(rig, &pacer, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(rig, &pacer, 0);
	rig_run(rig, 0, SECOND / 2); /* o.wav is in its hands */
	other = rig->host;
	blocker = *rig;
	assert_int_equal(rig_open(&blocker, &vmsnd_file_class, "path=%s/o.wav"), VMSND_OK);
	assert_int_equal(user_open_want(&blocker, &follower, &want), VMSND_OK);
	user_start(&blocker, &follower, 0);
	assert_true(blocker.cls->advance(blocker.host, 0) == VMSND_NEVER);
	assert_int_equal(follower.ended, 1);
	assert_int_equal(follower.why, VMSND_E_SYSTEM);
	user_close(&blocker, &follower);
	rig_close(&blocker);
	rig->host = other;
	rig_run(rig, SECOND / 2, SECOND);
	assert_int_equal(pacer.ended, 0);
	user_close(rig, &pacer);
	rig_close(rig);
	check_file(rig_path(rig, "o.wav"), cd, 0, 44100);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_BE_01_a_direction_without_a_file_has_no_streams),
	    CASE(test_BE_04_status_of_each_direction),
	    CASE(test_AT_02_a_file_that_cannot_be_opened_is_an_error),
	    CASE(test_RI_02_a_repeated_open_says_nothing),
	    CASE(test_RI_02_what_was_opened_again_is_not_mute),
	    CASE(test_RI_02_a_repeated_stream_says_nothing),
	    CASE(test_follower_takes_what_is_ready_at_any_pace),
	    CASE(test_two_streams_of_one_file_backend_one_following),
	    CASE(test_a_follower_that_fails_ends_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
