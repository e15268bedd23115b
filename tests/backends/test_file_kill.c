/* SPDX-License-Identifier: BSD-3-Clause */
/* What is on disk when the process dies or the disk is full. */
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "rig.h"

#define PERIOD      253u
#define FLAC_BLOCK  4096u
#define FRAME_BYTES 9u

static const struct vmsnd_format format = FORMAT(VMSND_SAMPLE_S24, 48000, 3);

static uint64_t frames_by_library(const char *path)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);

	if (!file)
		fail_msg("%s: %s", path, sf_strerror(NULL));
	sf_close(file);
	return (uint64_t)info.frames;
}

/* At most the block in hand is there besides what had been told of. */
static void killed(struct rig *rig, const char *options, const char *name)
{
	static const unsigned when[] = {1, 2, 3, 10, 33, 100, 101, 102, 103, 104, 500};

	for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
		uint64_t told, found, by_library;

		assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
		told = (uint64_t)rig_kill_after(rig, format, PERIOD, when[i]) * PERIOD;
		found = data_bytes(rig_path(rig, name)) / FRAME_BYTES;
		assert_int_equal(found * FRAME_BYTES, data_bytes(rig_path(rig, name)));
		assert_in_range(found, told, told + PERIOD);
		/* Killed between data and header, W64 is read beyond what its header says. */
		by_library = frames_by_library(rig_path(rig, name));
		assert_in_range(by_library, found, found + PERIOD);
		check_file(rig_path(rig, name), format, 0, by_library);
		rig_close(rig);
	}
}

static void test_killed_wav_is_whole(void **state)
{
	killed(*state, "path=%s/k.wav", "k.wav");
}

static void test_killed_w64_is_whole(void **state)
{
	killed(*state, "path=%s/k.w64", "k.w64");
}

static void test_killed_rf64_is_whole(void **state)
{
	killed(*state, "path=%s/k.rf64", "k.rf64");
}

/* FLAC: whole up to the last block that has left the encoder. */
static void test_killed_flac_holds_every_full_block(void **state)
{
	struct rig *rig = *state;

	for (unsigned blocks = 40; blocks < 400; blocks += 37) {
		uint64_t told, found;

		assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/k.flac"), VMSND_OK);
		told = (uint64_t)rig_kill_after(rig, format, PERIOD, blocks) * PERIOD;
		found = frames_by_library(rig_path(rig, "k.flac"));
		assert_in_range(found, (told - 1) / FLAC_BLOCK * FLAC_BLOCK, told + PERIOD);
		check_file(rig_path(rig, "k.flac"), format, 0, found);
		rig_close(rig);
	}
}

/* ---- no more room ---- */

/* The stream ends with one line, from advance; what fitted is whole, no frame is in halves;
 * the next stream gets a file of its own. */
static void full_disk(struct rig *rig, const char *extension, uint64_t least_frames)
{
	struct user user = {.stream = NULL};
	char options[64], name[32];
	uint64_t found;

	snprintf(name, sizeof(name), "f.%s", extension);
	snprintf(options, sizeof(options), "path=%%s/f.%s", extension);
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, format, PERIOD), VMSND_OK);
	user_start(rig, &user, 0);
	rig_limit_files(100000);
	rig_run(rig, 0, VMSND_NS_PER_SECOND);
	rig_limit_files(RLIM_INFINITY);
	assert_int_equal(user.ended, 1);
	assert_int_equal(user.why, VMSND_E_SYSTEM);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 1);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, name, "cannot be written"));
	user_close(rig, &user);
	found = frames_by_library(rig_path(rig, name));
	assert_in_range(found, least_frames, user.frames);
	if (strcmp(extension, "flac") != 0)
		assert_int_equal(data_bytes(rig_path(rig, name)), found * FRAME_BYTES);
	check_file(rig_path(rig, name), format, 0, found);

	user.frames = 0;
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, format, PERIOD), VMSND_OK);
	user_start(rig, &user, 0);
	rig_run(rig, 0, VMSND_NS_PER_SECOND / 10);
	user_close(rig, &user);
	rig_close(rig);
	snprintf(name, sizeof(name), "f-2.%s", extension);
	check_file(rig_path(rig, name), format, 0, 4800 / PERIOD * PERIOD);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 1);
}

static void test_full_disk_wav(void **state)
{
	full_disk(*state, "wav", (100000 - 200) / 9);
}

static void test_full_disk_rf64(void **state)
{
	full_disk(*state, "rf64", (100000 - 200) / 9);
}

static void test_full_disk_w64(void **state)
{
	full_disk(*state, "w64", (100000 - 200) / 9);
}

static void test_full_disk_flac(void **state)
{
	full_disk(*state, "flac", FLAC_BLOCK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_killed_wav_is_whole),  CASE(test_killed_w64_is_whole),
	    CASE(test_killed_rf64_is_whole), CASE(test_killed_flac_holds_every_full_block),
	    CASE(test_full_disk_wav),        CASE(test_full_disk_rf64),
	    CASE(test_full_disk_w64),        CASE(test_full_disk_flac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
