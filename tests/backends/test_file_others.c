/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that were there before, or that somebody else has: what is replaced and what is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "backends/file_log.h"
#include "rig.h"

static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
static const struct vmsnd_format studio = FORMAT(VMSND_SAMPLE_S32, 48000, 2);

#define SECOND VMSND_NS_PER_SECOND

static void open_host(struct rig *rig, const char *options)
{
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
}

static void write_letter(const char *path)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite("letter", 1, 6, file), 6);
	assert_int_equal(fclose(file), 0);
}

static void check_letter(const char *path)
{
	char found[16];
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fread(found, 1, sizeof(found), file), 6);
	assert_memory_equal(found, "letter", 6);
	fclose(file);
}

/* ---- before this run ---- */

static void test_older_run_is_replaced(void **state)
{
	struct rig *rig = *state;

	for (uint64_t frames = 3000; frames >= 1000; frames -= 1000) {
		struct user user = {.stream = NULL};

		open_host(rig, "path=%s/o.wav,pace=free");
		rig_play(rig, &user, cd, 441, frames);
		rig_close(rig);
		check_file(rig_path(rig, "o.wav"), cd, 0, frames);
	}
	assert_int_equal(rig_files(rig), 1);
}

/* The user named o.wav only: what has a number and was there before is somebody's. */
static void test_numbers_of_files_that_are_there_are_left_out(void **state)
{
	struct rig *rig = *state;
	struct user first = {.stream = NULL}, second = {.stream = NULL}, third = {.stream = NULL};
	struct vmsnd_format mono = FORMAT(VMSND_SAMPLE_S16, 44100, 1);

	write_letter(rig_path(rig, "o.wav"));
	write_letter(rig_path(rig, "o-2.wav"));
	write_letter(rig_path(rig, "o-3.wav"));
	assert_int_equal(symlink("nowhere", rig_path(rig, "o-5.wav")), 0);
	open_host(rig, "path=%s/o.wav,pace=free");
	rig_play(rig, &first, cd, 441, 10);
	rig_play(rig, &second, studio, 480, 20);
	rig_play(rig, &third, mono, 441, 30);
	rig_close(rig);
	check_file(rig_path(rig, "o.wav"), cd, 0, 10);
	check_letter(rig_path(rig, "o-2.wav"));
	check_letter(rig_path(rig, "o-3.wav"));
	check_file(rig_path(rig, "o-4.wav"), studio, 0, 20);
	check_file(rig_path(rig, "o-6.wav"), mono, 0, 30);
	assert_false(rig_exists(rig, "nowhere"));
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 0);
}

/* A part that is full names the file that really follows. */
static void test_next_part_leaves_out_what_is_there(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	write_letter(rig_path(rig, "o-2.wav"));
	open_host(rig, "path=%s/o.wav,pace=free,split=4096");
	rig_play(rig, &user, cd, 441, 1500);
	rig_close(rig);
	check_letter(rig_path(rig, "o-2.wav"));
	assert_true(rig_said(rig, VMSND_LOG_INFO, "o.wav", "going on in"));
	assert_true(rig_said(rig, VMSND_LOG_INFO, "going on in", "o-3.wav"));
	assert_int_equal(rig_files(rig), 3);
}

/* Looking for a free number has an end, and the next try goes on from there. */
static void test_a_thousand_numbers_taken_end_the_search(void **state)
{
	struct rig *rig = *state;
	struct user first = {.stream = NULL}, second = {.left = 10};
	char name[32];

	for (unsigned i = 2; i < 1010; i++) {
		snprintf(name, sizeof(name), "o-%u.wav", i);
		write_letter(rig_path(rig, name));
	}
	open_host(rig, "path=%s/o.wav,pace=free");
	rig_play(rig, &first, cd, 441, 10);
	assert_int_equal(user_open(rig, &second, VMSND_PLAYBACK, studio, 480), VMSND_OK);
	user_start(rig, &second, 0);
	rig_run(rig, 0, 0);
	assert_int_equal(second.ended, 1);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "o.wav", "were there before"));
	user_close(rig, &second);
	second = (struct user){.stream = NULL};
	rig_play(rig, &second, studio, 480, 10);
	rig_close(rig);
	check_file(rig_path(rig, "o-1010.wav"), studio, 0, 10);
}

/* A number may lead to the file that capture comes from: it is never written. */
static void test_numbered_file_spares_the_input(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL}, other = {.stream = NULL}, maker = {.stream = NULL};

	open_host(rig, "path=%s/o-2.wav,pace=free");
	rig_play(rig, &maker, cd, 441, 10);
	rig_close(rig);
	open_host(rig, "path=%s/o.wav,in=%s/o-2.wav,pace=free");
	rig_play(rig, &user, cd, 441, 10);
	rig_play(rig, &other, studio, 480, 10);
	rig_close(rig);
	check_file(rig_path(rig, "o-2.wav"), cd, 0, 10);
	check_file(rig_path(rig, "o-3.wav"), studio, 0, 10);
}

/* ---- in somebody else's hands ---- */

/* Two cards given the same name: the second one's stream ends, the first one's file is whole. */
static void test_a_file_that_is_being_written_is_left_alone(void **state)
{
	struct rig *rig = *state, *other;
	struct user a = {.stream = NULL}, b = {.frames = 9000};
	void *made = NULL;
	char options[RIG_PATH + 16];

	assert_int_equal(rig_setup(&made), 0);
	other = made;
	open_host(rig, "path=%s/o.wav");
	snprintf(options, sizeof(options), "path=%s", rig_path(rig, "o.wav"));
	assert_int_equal(rig_open(other, &vmsnd_file_class, options), VMSND_OK);
	assert_int_equal(user_open(rig, &a, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	assert_int_equal(user_open(other, &b, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(rig, &a, 0);
	user_start(other, &b, 0);
	rig_run(rig, 0, SECOND / 10);
	rig_run(other, 0, SECOND / 10);
	rig_run(rig, SECOND / 10, SECOND / 5);
	assert_int_equal(a.ended, 0);
	assert_int_equal(b.ended, 1);
	assert_true(rig_said(other, VMSND_LOG_ERROR, "o.wav", "is using it"));
	user_close(rig, &a);
	user_close(other, &b);
	rig_close(rig);
	rig_close(other);
	check_file(rig_path(rig, "o.wav"), cd, 0, 44100 / 5);
	rig_teardown(&made);
}

/* What one card captures from is another one's path: the input stays, from the start on. */
static void test_an_input_of_another_card_is_left_alone(void **state)
{
	struct rig *rig = *state, *other;
	struct user maker = {.stream = NULL}, player = {.left = 500}, again = {.left = 500};
	struct user recorder = {.stream = NULL};
	void *made = NULL;
	char options[RIG_PATH + 32];

	assert_int_equal(rig_setup(&made), 0);
	other = made;
	snprintf(options, sizeof(options), "path=%s,pace=free", rig_path(rig, "i.wav"));
	open_host(other, options);
	rig_play(other, &maker, cd, 441, 1000);
	rig_close(other);
	open_host(rig, "in=%s/i.wav"); /* no stream yet */
	open_host(other, options);
	assert_int_equal(user_open(other, &player, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(other, &player, 0);
	rig_run(other, 0, 0);
	assert_int_equal(player.ended, 1);
	assert_true(rig_said(other, VMSND_LOG_ERROR, "i.wav", "is using it"));
	user_close(other, &player);
	assert_int_equal(user_open(rig, &recorder, VMSND_CAPTURE, cd, 441), VMSND_OK);
	user_close(rig, &recorder); /* nor afterwards */
	assert_int_equal(user_open(other, &again, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(other, &again, 0);
	rig_run(other, 0, 0);
	assert_int_equal(again.ended, 1);
	user_close(other, &again);
	check_file(rig_path(rig, "i.wav"), cd, 0, 1000);
	rig_close(rig); /* let go of with its reader */
	rig_play(other, &maker, cd, 441, 10);
	rig_close(other);
	check_file(rig_path(rig, "i.wav"), cd, 1000, 10);
	user_free(&recorder);
	rig_teardown(&made);
}

/* ---- what a guest can fill a log with ---- */

static void fail_to_open(struct rig *rig, enum vmsnd_dir dir, struct vmsnd_format format,
			 unsigned times)
{
	struct user user = {.stream = NULL};

	for (unsigned i = 0; i < times; i++)
		assert_int_not_equal(user_open(rig, &user, dir, format, 441), VMSND_OK);
	user_free(&user);
}

static void test_a_guest_in_a_loop_gets_one_line_for_each_cause(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};
	struct vmsnd_format none = FORMAT(VMSND_SAMPLE_S16, 44100, 0);

	open_host(rig, "path=%s/o.flac,pace=free");
	for (unsigned i = 0; i < 10; i++) {
		fail_to_open(rig, VMSND_CAPTURE, cd, 10);
		fail_to_open(rig, VMSND_PLAYBACK, none, 10);
	}
	assert_int_equal(rig->n_lines, 2);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "no file to capture from", "in="));
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "file:", "no such sample format"));
	/* Once it has worked, a failure is news. */
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_close(rig, &user);
	fail_to_open(rig, VMSND_CAPTURE, cd, 10);
	assert_int_equal(rig->n_lines, 3);
}

/* Each line is another one. */
static void test_causes_that_a_guest_makes_up_have_an_end(void **state)
{
	struct rig *rig = *state;
	struct vmsnd_file_log errors;

	vmsnd_file_log_init(&errors, &rig->log);
	for (unsigned i = 0; i < 200; i++)
		for (unsigned times = 0; times < 3; times++)
			vmsnd_logf(&errors.log, VMSND_LOG_ERROR, "no rate of %u Hz", 8000 + i);
	assert_int_equal(rig->n_lines, VMSND_FILE_LOG_ERRORS_MAX);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "8000 Hz", "rate"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_older_run_is_replaced),
	    CASE(test_numbers_of_files_that_are_there_are_left_out),
	    CASE(test_next_part_leaves_out_what_is_there),
	    CASE(test_a_thousand_numbers_taken_end_the_search),
	    CASE(test_numbered_file_spares_the_input),
	    CASE(test_a_file_that_is_being_written_is_left_alone),
	    CASE(test_an_input_of_another_card_is_left_alone),
	    CASE(test_a_guest_in_a_loop_gets_one_line_for_each_cause),
	    CASE(test_causes_that_a_guest_makes_up_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
