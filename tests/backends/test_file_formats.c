/* SPDX-License-Identifier: BSD-3-Clause */
/* Every format in every container, bit for bit; and what reading turns it into. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "backends/sound_file.h"
#include "rig.h"

static const char *const extensions[] = {"wav", "w64", "rf64", "flac"};

static void round_trip_in(struct rig *rig, const char *extension, struct vmsnd_format format,
			  uint32_t period)
{
	struct user user = {.stream = NULL};
	char options[64], name[32];

	snprintf(name, sizeof(name), "out.%s", extension);
	snprintf(options, sizeof(options), "path=%%s/%s,pace=free", name);
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
	rig_play(rig, &user, format, period, 10007);
	rig_close(rig);
	check_file(rig_path(rig, name), format, 0, 10007);
	remove(rig_path(rig, name));
	rig_forget_lines(rig);
}

/* In awkward blocks, and in one that is larger than the writer does at a time. */
static void round_trip(struct rig *rig, const char *extension, struct vmsnd_format format)
{
	round_trip_in(rig, extension, format, 253);
	round_trip_in(rig, extension, format, 9973);
}

static void round_trips(struct rig *rig, const char *extension)
{
	for (int sample = 0; sample < VMSND_SAMPLE_COUNT; sample++)
		for (uint32_t channels = 1; channels <= 6; channels++)
			round_trip(
			    rig, extension,
			    (struct vmsnd_format){(enum vmsnd_sample)sample, 48000, channels});
}

/* The QEMU defects of class 26 and of its "wav" row start here: 32 bits, float, more than two
 * channels and unsigned bytes are all taken, and come out as they went in. */
static void test_wav_bit_exact(void **state)
{
	round_trips(*state, "wav");
}

static void test_w64_bit_exact(void **state)
{
	round_trips(*state, "w64");
}

static void test_rf64_bit_exact(void **state)
{
	round_trips(*state, "rf64");
}

static void test_flac_keeps_up_to_24_bits(void **state)
{
	round_trips(*state, "flac");
}

static void test_every_rate(void **state)
{
	static const uint32_t rates[] = {4000,  5512,  8000,  11025,  16000,  22050,
					 44100, 88200, 96000, 176400, 192000, 384000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (size_t e = 0; e < 4; e++)
			round_trip(*state, extensions[e],
				   (struct vmsnd_format){VMSND_SAMPLE_S16, rates[i], 2});
}

static void test_eighteen_channels(void **state)
{
	for (size_t e = 0; e < 3; e++)
		round_trip(*state, extensions[e],
			   (struct vmsnd_format){VMSND_SAMPLE_S24, 48000, 18});
}

static void test_flac_refuses_nine_channels(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.flac"), VMSND_OK);
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK,
				   (struct vmsnd_format){VMSND_SAMPLE_S16, 48000, 9}, 480),
			 VMSND_E_UNSUPPORTED);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "o.flac", "8 channels"));
	rig_close(rig); /* a backend says it once */
	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.flac"), VMSND_OK);
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK,
				   (struct vmsnd_format){VMSND_SAMPLE_S16, 768000, 2}, 480),
			 VMSND_E_UNSUPPORTED);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 2);
	assert_int_equal(rig_files(rig), 0);
}

static void test_flac_warns_once_when_bits_go(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.flac,pace=free"), VMSND_OK);
	rig_play(rig, &user, (struct vmsnd_format){VMSND_SAMPLE_S24, 48000, 2}, 253, 1000);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 0);
	for (int i = 0; i < 3; i++)
		rig_play(rig, &user, (struct vmsnd_format){VMSND_SAMPLE_S32, 48000, 2}, 253, 1000);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 1);
	assert_true(rig_said(rig, VMSND_LOG_WARNING, "24 bits", "S32"));
}

/* ---- the writer by itself ---- */

static struct vmsnd_sound_writer *create(struct rig *rig, const char *name,
					 struct vmsnd_sound_spec spec)
{
	struct vmsnd_sound_writer *writer = NULL;
	struct vmsnd_sound_why why;

	assert_int_equal(vmsnd_sound_create(rig_path(rig, name), &spec, &writer, &why), VMSND_OK);
	return writer;
}

static void test_flac_clips_floats(void **state)
{
	static const float in[] = {0.0f, 1.0f, 7.0f, -1.0f, -1.5f, INFINITY, -INFINITY, NAN, 0.5f};
	static const int out[] = {0,          0x7fffff00, 0x7fffff00, INT32_MIN, INT32_MIN,
				  0x7fffff00, INT32_MIN,  0,          0x40000000};
	struct vmsnd_sound_writer *writer =
	    create(*state, "c.flac",
		   (struct vmsnd_sound_spec){
		       VMSND_CONTAINER_FLAC, {VMSND_SAMPLE_FLOAT, 48000, 1}, 0, false});
	struct vmsnd_sound_why why;
	SF_INFO info = {.format = 0};
	int found[9];
	SNDFILE *file;

	assert_int_equal(vmsnd_sound_write(writer, in, 9, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	file = sf_open(rig_path(*state, "c.flac"), SFM_READ, &info);
	assert_non_null(file);
	assert_int_equal(sf_readf_int(file, found, 9), 9);
	assert_memory_equal(found, out, sizeof(out));
	sf_close(file);
}

/* Noise as FLOAT, NaNs and all, comes out with the same bits. */
static void test_float_bits_are_not_touched(void **state)
{
	struct vmsnd_sound_writer *writer =
	    create(*state, "n.wav",
		   (struct vmsnd_sound_spec){
		       VMSND_CONTAINER_WAV, {VMSND_SAMPLE_FLOAT, 48000, 1}, 0, false});
	uint32_t in[1000], out[1000];
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;

	for (unsigned i = 0; i < 1000; i++)
		in[i] = signal_sample(VMSND_SAMPLE_S32, i) | (i % 10 ? 0 : 0x7fc00000u);
	assert_int_equal(vmsnd_sound_write(writer, in, 1000, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_open(&reader, rig_path(*state, "n.wav"), &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_read(&reader, VMSND_SAMPLE_FLOAT, out, 1000), 1000);
	vmsnd_sound_close(&reader);
	assert_memory_equal(in, out, sizeof(in));
}

static void head_of(struct rig *rig, const char *name, uint8_t *to, size_t n)
{
	FILE *file = fopen(rig_path(rig, name), "rb");

	assert_non_null(file);
	assert_int_equal(fread(to, 1, n, file), n);
	fclose(file);
}

/* A PEAK chunk holds the time of day, and equal sound is to give equal files. */
static void test_no_time_of_day_in_a_file(void **state)
{
	struct vmsnd_sound_writer *writer =
	    create(*state, "p.wav",
		   (struct vmsnd_sound_spec){
		       VMSND_CONTAINER_WAV, {VMSND_SAMPLE_FLOAT, 48000, 2}, 0, false});
	struct vmsnd_sound_why why;
	float in[128] = {0.5f};
	uint8_t head[256];

	assert_int_equal(vmsnd_sound_write(writer, in, 64, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	head_of(*state, "p.wav", head, sizeof(head));
	assert_null(memmem(head, sizeof(head), "PEAK", 4));
}

/* QEMU's wav has a wrong block align here; and so many channels want the extensible tag. */
static void test_three_channel_wav_header(void **state)
{
	uint8_t head[44];
	struct vmsnd_sound_writer *writer = create(
	    *state, "x.wav",
	    (struct vmsnd_sound_spec){VMSND_CONTAINER_WAV, {VMSND_SAMPLE_S24, 48000, 3}, 0, false});
	struct vmsnd_sound_why why;

	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	head_of(*state, "x.wav", head, sizeof(head));
	assert_memory_equal(head + 20, "\xfe\xff\x03\x00", 4);
	assert_memory_equal(head + 32, "\x09\x00\x18\x00", 4);
}

/* The encoder holds a full block back until it sees the next: the header must not run ahead. */
static void test_flac_header_counts_what_has_left_the_encoder(void **state)
{
	static const struct vmsnd_format format = {VMSND_SAMPLE_S16, 48000, 2};
	struct vmsnd_sound_writer *writer = create(
	    *state, "h.flac", (struct vmsnd_sound_spec){VMSND_CONTAINER_FLAC, format, 0, false});
	struct vmsnd_sound_why why;
	static int16_t in[8193 * 2];

	signal_fill(&format, 0, in, 8193);
	assert_int_equal(vmsnd_sound_write(writer, in, 8192, &why), VMSND_OK);
	check_file(rig_path(*state, "h.flac"), format, 0, 4096);
	assert_int_equal(vmsnd_sound_write(writer, in + 8192 * 2, 1, &why), VMSND_OK);
	check_file(rig_path(*state, "h.flac"), format, 0, 8192);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	check_file(rig_path(*state, "h.flac"), format, 0, 8193);
}

/* ---- reading ---- */

static void write_by_library(struct rig *rig, const char *name, int format, const int *samples,
			     int n)
{
	SF_INFO info = {.samplerate = 48000, .channels = 1, .format = format};
	SNDFILE *file = sf_open(rig_path(rig, name), SFM_WRITE, &info);

	assert_non_null(file);
	assert_int_equal(sf_writef_int(file, samples, n), n);
	sf_close(file);
}

static void read_as(struct rig *rig, const char *name, enum vmsnd_sample sample, void *to, int n)
{
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;

	assert_int_equal(vmsnd_sound_open(&reader, rig_path(rig, name), &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_read(&reader, sample, to, (uint32_t)n), n);
	vmsnd_sound_close(&reader);
}

static const int s16_values[] = {0, 0x7fff0000, INT32_MIN, 0x12340000, -0x12340000, 0x10000};

static void test_s16_file_widens_exactly(void **state)
{
	static const int s24[] = {0, 0x7fff00, -0x800000, 0x123400, -0x123400, 0x100};
	int found[6];
	float floats[6];

	write_by_library(*state, "r.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, s16_values, 6);
	read_as(*state, "r.wav", VMSND_SAMPLE_S32, found, 6);
	assert_memory_equal(found, s16_values, sizeof(found));
	read_as(*state, "r.wav", VMSND_SAMPLE_S24, found, 6);
	assert_memory_equal(found, s24, sizeof(found));
	read_as(*state, "r.wav", VMSND_SAMPLE_FLOAT, floats, 6);
	for (int i = 0; i < 6; i++)
		assert_true((double)floats[i] == (double)s16_values[i] / 2147483648.0);
}

static void test_s16_file_narrows_by_cutting(void **state)
{
	static const uint8_t u8[] = {0x80, 0xff, 0x00, 0x92, 0x6d, 0x80};
	uint8_t found[6];

	write_by_library(*state, "r.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, s16_values, 6);
	read_as(*state, "r.wav", VMSND_SAMPLE_U8, found, 6);
	assert_memory_equal(found, u8, sizeof(u8));
}

/* A float file may be louder than full scale; it is rounded and clipped, never wrapped. */
static void test_float_file_rounds_and_clips(void **state)
{
	static const float in[] = {0.0f, 1.0f, -1.0f,        2.0f,        -3.0f,
				   NAN,  0.5f, 1.4f / 32768, 1.6f / 32768};
	static const int16_t out[] = {0, 32767, -32768, 32767, -32768, 0, 16384, 1, 2};
	static const uint8_t bytes[] = {0x80, 0xff, 0x00, 0xff, 0x00, 0x80, 0xc0, 0x80, 0x80};
	SF_INFO info = {
	    .samplerate = 48000, .channels = 1, .format = SF_FORMAT_AU | SF_FORMAT_FLOAT};
	SNDFILE *file = sf_open(rig_path(*state, "f.au"), SFM_WRITE, &info);
	int16_t found[9];
	uint8_t found8[9];
	int found32[9];

	assert_int_equal(sf_writef_float(file, in, 9), 9);
	sf_close(file);
	read_as(*state, "f.au", VMSND_SAMPLE_S16, found, 9);
	assert_memory_equal(found, out, sizeof(out));
	read_as(*state, "f.au", VMSND_SAMPLE_U8, found8, 9);
	assert_memory_equal(found8, bytes, sizeof(bytes));
	read_as(*state, "f.au", VMSND_SAMPLE_S32, found32, 9);
	assert_int_equal(found32[1], INT32_MAX);
	assert_int_equal(found32[2], INT32_MIN);
	assert_int_equal(found32[6], 0x40000000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_wav_bit_exact),
	    CASE(test_w64_bit_exact),
	    CASE(test_rf64_bit_exact),
	    CASE(test_flac_keeps_up_to_24_bits),
	    CASE(test_every_rate),
	    CASE(test_eighteen_channels),
	    CASE(test_flac_refuses_nine_channels),
	    CASE(test_flac_warns_once_when_bits_go),
	    CASE(test_flac_clips_floats),
	    CASE(test_float_bits_are_not_touched),
	    CASE(test_no_time_of_day_in_a_file),
	    CASE(test_three_channel_wav_header),
	    CASE(test_flac_header_counts_what_has_left_the_encoder),
	    CASE(test_s16_file_widens_exactly),
	    CASE(test_s16_file_narrows_by_cutting),
	    CASE(test_float_file_rounds_and_clips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
