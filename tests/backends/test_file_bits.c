/* SPDX-License-Identifier: BSD-3-Clause */
/* What is no PCM in files (V45): DSD in DSDIFF, read back by the format's own description, and
 * bytes as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "rig.h"

#define PERIOD 253u

static const struct vmsnd_format dsd64 = FORMAT(VMSND_SAMPLE_DSD_U32, 88200, 2);

/* ---- a reader of DSDIFF ---- */

struct dff {
	uint8_t *bytes;
	size_t n;
	uint32_t rate_hz, channels;
	char ids[6][5];
	const uint8_t *data;
	uint64_t data_bytes;
};

static uint64_t big(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *at++;
	return value;
}

static void load(struct dff *dff, const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		fail_msg("%s is not there", path);
	memset(dff, 0, sizeof(*dff));
	dff->bytes = malloc(1 << 22);
	assert_non_null(dff->bytes);
	dff->n = fread(dff->bytes, 1, 1 << 22, file);
	fclose(file);
}

static bool is(const uint8_t *at, const char *name)
{
	return memcmp(at, name, 4) == 0;
}

static void read_property(struct dff *dff, const uint8_t *at, uint64_t bytes)
{
	if (is(at - 12, "FS  ")) {
		assert_int_equal(bytes, 4);
		dff->rate_hz = (uint32_t)big(at, 4);
	} else if (is(at - 12, "CHNL")) {
		dff->channels = (uint32_t)big(at, 2);
		assert_int_equal(bytes, 2 + 4 * dff->channels);
		for (uint32_t i = 0; i < dff->channels && i < 6; i++)
			memcpy(dff->ids[i], at + 2 + (size_t)4 * i, 4);
	} else {
		assert_true(is(at - 12, "CMPR"));
		assert_true(is(at, "DSD "));
		assert_true(at[4] + 5u <= bytes);
	}
}

/* `whole`: it was closed; else its data may go on behind what the header says. */
static void parse(struct dff *dff, const char *path, bool whole)
{
	size_t at = 16;

	load(dff, path);
	assert_true(dff->n > 100);
	assert_true(is(dff->bytes, "FRM8") && is(dff->bytes + 12, "DSD "));
	if (whole)
		assert_int_equal(big(dff->bytes + 4, 8), dff->n - 12);
	assert_true(is(dff->bytes + at, "FVER"));
	assert_int_equal(big(dff->bytes + at + 4, 8), 4);
	assert_int_equal(big(dff->bytes + at + 12, 4), 0x01050000);
	at += 16;
	assert_true(is(dff->bytes + at, "PROP"));
	assert_true(is(dff->bytes + at + 12, "SND "));
	for (size_t in = at + 16; in < at + 12 + big(dff->bytes + at + 4, 8);) {
		uint64_t bytes = big(dff->bytes + in + 4, 8);

		read_property(dff, dff->bytes + in + 12, bytes);
		in += 12 + bytes + bytes % 2;
	}
	at += 12 + big(dff->bytes + at + 4, 8);
	assert_true(is(dff->bytes + at, "DSD "));
	dff->data_bytes = big(dff->bytes + at + 4, 8);
	dff->data = dff->bytes + at + 12;
	assert_true(at + 12 + dff->data_bytes <= dff->n);
	if (whole)
		assert_int_equal(at + 12 + dff->data_bytes + dff->data_bytes % 2, dff->n);
}

/* Oldest bits first, a byte of each channel in turn. */
static void check_data(const struct dff *dff, struct vmsnd_format format, uint64_t from,
		       uint64_t frames)
{
	uint32_t bytes = vmsnd_sample_bytes(format.sample);
	const uint8_t *at = dff->data;

	assert_int_equal(dff->rate_hz, format.rate_hz * bytes * 8);
	assert_int_equal(dff->channels, format.channels);
	assert_int_equal(dff->data_bytes, frames * bytes * format.channels);
	for (uint64_t frame = from; frame < from + frames; frame++)
		for (uint32_t age = 0; age < bytes; age++)
			for (uint32_t i = 0; i < format.channels; i++) {
				uint8_t memory[4];

				signal_put(format.sample, frame * format.channels + i, memory);
				/* Little-endian: the top byte, which is the oldest, is last. */
				assert_int_equal(*at++, memory[bytes - 1 - age]);
			}
}

static void check_dff(const char *path, struct vmsnd_format format, uint64_t from, uint64_t frames)
{
	struct dff dff;

	parse(&dff, path, true);
	check_data(&dff, format, from, frames);
	free(dff.bytes);
}

static void check_raw(const char *path, struct vmsnd_format format, uint64_t frames)
{
	size_t bytes = (size_t)frames * vmsnd_format_frame_bytes(&format);
	uint8_t *want = malloc(bytes);
	struct dff dff;

	assert_non_null(want);
	load(&dff, path);
	assert_int_equal(dff.n, bytes);
	signal_fill(&format, 0, want, (uint32_t)frames);
	assert_memory_equal(dff.bytes, want, bytes);
	free(dff.bytes);
	free(want);
}

static void open_file(struct rig *rig, const char *options)
{
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
}

static void play(struct rig *rig, struct vmsnd_format format, uint64_t frames)
{
	struct user user = {.stream = NULL};

	rig_play(rig, &user, format, PERIOD, frames);
	assert_true(vmsnd_format_equal(&user.got.format, &format));
}

/* ---- contents ---- */

static void test_V45_dsd_becomes_dsdiff(void **state)
{
	static const enum vmsnd_sample samples[] = {VMSND_SAMPLE_DSD_U8, VMSND_SAMPLE_DSD_U16,
						    VMSND_SAMPLE_DSD_U32};
	struct rig *rig = *state;

	for (unsigned i = 0; i < 3; i++)
		for (uint32_t channels = 1; channels <= 6; channels++) {
			struct vmsnd_format format = FORMAT(samples[i], 176400, channels);

			open_file(rig, "path=%s/o.wav,pace=free");
			play(rig, format, 9973); /* an odd number of bytes now and then */
			rig_close(rig);
			check_dff(rig_path(rig, "o.dff"), format, 0, 9973);
			assert_false(rig_exists(rig, "o.wav"));
			remove(rig_path(rig, "o.dff"));
			rig_forget_lines(rig);
		}
}

static void test_V45_big_endian_dsd(void **state)
{
	struct vmsnd_format format = dsd64;
	struct rig *rig = *state;
	struct dff dff;
	uint8_t memory[8];

	format.big_endian = true;
	open_file(rig, "path=%s/o.wav,pace=free");
	play(rig, format, 100);
	rig_close(rig);
	parse(&dff, rig_path(rig, "o.dff"), true);
	signal_put(format.sample, 0, memory);
	signal_put(format.sample, 1, memory + 4);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(dff.data[i], memory[i / 2 + 4 * (i % 2)]);
	free(dff.bytes);
}

static void test_V45_dsdiff_names_its_channels(void **state)
{
	static const struct {
		uint32_t channels;
		const char *ids[6];
	} rows[] = {
	    {1, {"C000"}},
	    {2, {"SLFT", "SRGT"}},
	    {3, {"MLFT", "MRGT", "C   "}},
	    {6, {"MLFT", "MRGT", "C   ", "LFE ", "LS  ", "RS  "}},
	};
	struct rig *rig = *state;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dff dff;

		open_file(rig, "path=%s/o.wav,pace=free");
		play(rig, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_DSD_U8, 88200, rows[i].channels),
		     10);
		rig_close(rig);
		parse(&dff, rig_path(rig, "o.dff"), true);
		for (uint32_t c = 0; c < rows[i].channels; c++)
			assert_string_equal(dff.ids[c], rows[i].ids[c]);
		free(dff.bytes);
		remove(rig_path(rig, "o.dff"));
	}
}

static void test_V45_raw_is_what_the_guest_wrote(void **state)
{
	static const struct vmsnd_format iec = FORMAT(VMSND_SAMPLE_IEC958_SUBFRAME, 48000, 2);
	struct rig *rig = *state;

	open_file(rig, "path=%s/o.flac,pace=free,dsd=raw");
	play(rig, dsd64, 5000);
	play(rig, iec, 7000);
	rig_close(rig);
	check_raw(rig_path(rig, "o.dsd"), dsd64, 5000);
	check_raw(rig_path(rig, "o-2.iec958"), iec, 7000);
	/* Subframes are so by themselves. */
	open_file(rig, "path=%s/p.wav,pace=free");
	play(rig, iec, 7000);
	rig_close(rig);
	check_raw(rig_path(rig, "p.iec958"), iec, 7000);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 0);
	assert_int_not_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.wav,dsd=dsf"), VMSND_OK);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "dsd=dsf", "dff or raw"));
}

/* ---- names ---- */

static void test_V45_takes_and_their_numbers(void **state)
{
	static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
	struct rig *rig = *state;
	struct user first = {.left = 1000}, second = {.left = 1000};

	open_file(rig, "path=%s/o.wav,pace=free");
	play(rig, cd, 1000);
	user_open(rig, &first, VMSND_PLAYBACK, dsd64, PERIOD);
	user_start(rig, &first, 0);
	rig_run(rig, 0, 0);
	user_close(rig, &first);
	play(rig, cd, 1000);
	first.left = 500; /* goes on in the same file */
	user_open(rig, &first, VMSND_PLAYBACK, dsd64, PERIOD);
	user_open(rig, &second, VMSND_PLAYBACK, dsd64, PERIOD);
	user_start(rig, &first, 0);
	user_start(rig, &second, 0);
	rig_run(rig, 0, 0);
	user_close(rig, &first);
	user_close(rig, &second);
	rig_close(rig);
	assert_int_equal(rig_files(rig), 3);
	check_dff(rig_path(rig, "o-2.dff"), dsd64, 0, 1500);
	check_dff(rig_path(rig, "o-3.dff"), dsd64, 0, 1000);
}

/* Nobody named it, so nobody said that it may be replaced. */
static void test_V45_a_file_of_an_earlier_run_stays(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < 2; i++) {
		open_file(rig, "path=%s/o.wav,pace=free");
		play(rig, dsd64, 100 + i);
		rig_close(rig);
	}
	check_dff(rig_path(rig, "o.dff"), dsd64, 0, 100);
	check_dff(rig_path(rig, "o-2.dff"), dsd64, 0, 101);
}

static void test_V45_split(void **state)
{
	struct rig *rig = *state;
	uint64_t done = 0;

	open_file(rig, "path=%s/o.wav,pace=free,split=5000");
	play(rig, dsd64, 2000); /* 16000 bytes */
	rig_close(rig);
	assert_int_equal(rig_files(rig), 4);
	for (unsigned i = 1; i <= 4; i++) {
		struct dff dff;
		char name[16];

		snprintf(name, sizeof(name), i == 1 ? "o.dff" : "o-%u.dff", i);
		parse(&dff, rig_path(rig, name), true);
		assert_true(dff.n <= 5000);
		check_data(&dff, dsd64, done, dff.data_bytes / 8);
		done += dff.data_bytes / 8;
		free(dff.bytes);
	}
	assert_int_equal(done, 2000);
}

/* ---- killed, and no more room ---- */

static void test_V45_killed_dsdiff_is_whole(void **state)
{
	static const unsigned when[] = {1, 2, 3, 10, 33, 100, 101, 102, 500};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
		struct dff dff;
		uint64_t told;

		open_file(rig, "path=%s/k.wav");
		told = (uint64_t)rig_kill_after(rig, dsd64, PERIOD, when[i]) * PERIOD;
		parse(&dff, rig_path(rig, "k.dff"), false);
		assert_in_range(dff.data_bytes / 8, told, told + PERIOD);
		check_data(&dff, dsd64, 0, dff.data_bytes / 8);
		free(dff.bytes);
		rig_close(rig);
		remove(rig_path(rig, "k.dff"));
	}
}

static void test_V45_full_disk(void **state)
{
	struct user user = {.stream = NULL};
	struct rig *rig = *state;
	struct dff dff;

	open_file(rig, "path=%s/f.wav");
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, dsd64, PERIOD), VMSND_OK);
	user_start(rig, &user, 0);
	rig_limit_files(100000);
	rig_run(rig, 0, VMSND_NS_PER_SECOND);
	rig_limit_files(RLIM_INFINITY);
	assert_int_equal(user.ended, 1);
	assert_int_equal(user.why, VMSND_E_SYSTEM);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 1);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "f.dff", "cannot be written"));
	user_close(rig, &user);
	parse(&dff, rig_path(rig, "f.dff"), true);
	assert_in_range(dff.data_bytes, 100000 - 200 - 8 * PERIOD, 100000);
	check_data(&dff, dsd64, 0, dff.data_bytes / 8);
	free(dff.bytes);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_V45_dsd_becomes_dsdiff),
	    CASE(test_V45_big_endian_dsd),
	    CASE(test_V45_dsdiff_names_its_channels),
	    CASE(test_V45_raw_is_what_the_guest_wrote),
	    CASE(test_V45_takes_and_their_numbers),
	    CASE(test_V45_a_file_of_an_earlier_run_stays),
	    CASE(test_V45_split),
	    CASE(test_V45_killed_dsdiff_is_whole),
	    CASE(test_V45_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
