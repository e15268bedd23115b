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
	check_file(rig_path(rig, name), user.got.format, 0, 10007);
	assert_int_equal(user.got.format.rate_hz, format.rate_hz);
	assert_int_equal(user.got.format.channels, format.channels);
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
	for (int sample = 0; sample < VMSND_SAMPLE_IEC958_SUBFRAME; sample++)
		for (uint32_t channels = 1; channels <= 6; channels++)
			round_trip(rig, extension,
				   (struct vmsnd_format)FORMAT((enum vmsnd_sample)sample, 48000,
							       channels));
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
				   (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, rates[i], 2));
}

static void test_eighteen_channels(void **state)
{
	for (size_t e = 0; e < 3; e++)
		round_trip(*state, extensions[e],
			   (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S24, 48000, 18));
}

/* ---- what a wish becomes (BE-07) ---- */

static struct vmsnd_format settled(enum vmsnd_container container, struct vmsnd_format format)
{
	struct vmsnd_format twice;

	vmsnd_sound_settle(container, &format);
	twice = format;
	vmsnd_sound_settle(container, &twice);
	assert_memory_equal(&twice, &format, sizeof(format));
	return format;
}

/* The smallest that holds every bit. */
static void test_BE_07_samples_settle_on_what_files_hold(void **state)
{
	static const struct {
		enum vmsnd_sample want, wave, flac;
	} rows[] = {
	    {VMSND_SAMPLE_U8, VMSND_SAMPLE_U8, VMSND_SAMPLE_U8},
	    {VMSND_SAMPLE_S8, VMSND_SAMPLE_U8, VMSND_SAMPLE_S8},
	    {VMSND_SAMPLE_U16, VMSND_SAMPLE_S16, VMSND_SAMPLE_S16},
	    {VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, VMSND_SAMPLE_S16},
	    {VMSND_SAMPLE_U18_3, VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
	    {VMSND_SAMPLE_S20_3, VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
	    {VMSND_SAMPLE_U24_3, VMSND_SAMPLE_S24_3, VMSND_SAMPLE_S24_3},
	    {VMSND_SAMPLE_U20, VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_S24, VMSND_SAMPLE_S24, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_U32, VMSND_SAMPLE_S32, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_S32, VMSND_SAMPLE_S32, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_FLOAT, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_FLOAT64, VMSND_SAMPLE_FLOAT64, VMSND_SAMPLE_S24},
	    {VMSND_SAMPLE_MULAW, VMSND_SAMPLE_MULAW, VMSND_SAMPLE_S16},
	    {VMSND_SAMPLE_ALAW, VMSND_SAMPLE_ALAW, VMSND_SAMPLE_S16},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_format want = FORMAT(rows[i].want, 48000, 2), got;

		want.big_endian = i % 2;
		for (unsigned container = 0; container < VMSND_CONTAINER_COUNT; container++) {
			bool flac = container == VMSND_CONTAINER_FLAC;

			got = settled((enum vmsnd_container)container, want);
			assert_int_equal(got.sample, flac ? rows[i].flac : rows[i].wave);
			assert_false(got.big_endian);
			assert_true(vmsnd_format_frame_bytes(&got) > 0);
			if (!flac)
				assert_true(vmsnd_sound_keeps(&got, &want));
		}
	}
}

static void test_no_bit_goes_unnoticed(void **state)
{
	const struct vmsnd_format want = FORMAT(VMSND_SAMPLE_S24, 48000, 2);
	struct vmsnd_format file = want;

	assert_true(vmsnd_sound_keeps(&file, &want));
	file.sample = VMSND_SAMPLE_FLOAT;
	assert_true(vmsnd_sound_keeps(&file, &want));
	assert_false(vmsnd_sound_keeps(&want, &file));
	file.sample = VMSND_SAMPLE_S16;
	assert_false(vmsnd_sound_keeps(&file, &want));
	file = want;
	file.rate_hz = 44100;
	assert_false(vmsnd_sound_keeps(&file, &want));
	file = want;
	file.channels = 1;
	assert_false(vmsnd_sound_keeps(&file, &want));
}

/* Nothing valid is refused: what libsndfile says to it is no, or a file. */
static void test_BE_07_whatever_is_settled_on_can_be_written(void **state)
{
	static const uint32_t rates[] = {4000, 65537, 655350, 655351, 768000};
	static const char *const names[] = {"o.wav", "o.w64", "o.rf64", "o.flac"};

	for (unsigned i = 0; i < VMSND_SAMPLE_IEC958_SUBFRAME * VMSND_CHANNELS_MAX * 5 * 4;
	     i += 7) {
		struct vmsnd_format format =
		    FORMAT((enum vmsnd_sample)(i % VMSND_SAMPLE_IEC958_SUBFRAME), rates[i / 20 % 5],
			   i / 100 % VMSND_CHANNELS_MAX + 1);
		struct vmsnd_sound_spec spec = {.container = (enum vmsnd_container)(i / 5 % 4)};
		struct vmsnd_sound_writer *writer;
		struct vmsnd_sound_why why;
		uint8_t in[100 * 18 * 8];

		spec.format = settled(spec.container, format);
		if (vmsnd_sound_create(rig_path(*state, names[spec.container]), &spec, &writer,
				       &why))
			fail_msg("%s: %s", vmsnd_sample_name(format.sample), why.text);
		signal_fill(&spec.format, 0, in, 100);
		if (vmsnd_sound_write(writer, in, 100, &why))
			fail_msg("%s: %s", vmsnd_sample_name(format.sample), why.text);
		assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
		check_file(rig_path(*state, names[spec.container]), spec.format, 0, 100);
	}
}

static void test_flac_takes_what_it_can(void **state)
{
	struct rig *rig = *state;
	struct user many = {.stream = NULL}, fast = {.stream = NULL};

	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.flac,pace=free"), VMSND_OK);
	rig_play(rig, &many, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 9), 480, 1000);
	assert_int_equal(many.got.format.channels, 8);
	rig_play(rig, &fast, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 768000, 2), 480, 1000);
	assert_int_equal(fast.got.format.rate_hz, 384000);
	assert_int_equal(fast.got.period_frames, 240);
	rig_close(rig);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 0);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 1);
	check_file(rig_path(rig, "o.flac"), many.got.format, 0, 1000);
	check_file(rig_path(rig, "o-2.flac"), fast.got.format, 0, 1000);
}

static void test_flac_warns_once_when_bits_go(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(rig_open(rig, &vmsnd_file_class, "path=%s/o.flac,pace=free"), VMSND_OK);
	rig_play(rig, &user, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S24, 48000, 2), 253, 1000);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 0);
	for (int i = 0; i < 3; i++)
		rig_play(rig, &user, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S32, 48000, 2), 253,
			 1000);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 1);
	assert_true(rig_said(rig, VMSND_LOG_WARNING, "24 bits", "S32"));
	rig_close(rig); /* all in one file: they are one format now */
	check_file(rig_path(rig, "o.flac"), user.got.format, 0, 4000);
}

/* ---- where channels belong ---- */

static struct vmsnd_format with_positions(uint32_t channels, const uint8_t *positions)
{
	struct vmsnd_format format = FORMAT(VMSND_SAMPLE_S16, 48000, channels);

	memcpy(format.positions, positions, channels);
	return format;
}

static void head_of(struct rig *rig, const char *name, uint8_t *to, size_t n)
{
	FILE *file = fopen(rig_path(rig, name), "rb");

	assert_non_null(file);
	assert_int_equal(fread(to, 1, n, file), n);
	fclose(file);
}

static void write_100(struct rig *rig, const char *name, enum vmsnd_container container,
		      struct vmsnd_format format)
{
	struct vmsnd_sound_spec spec = {.container = container, .format = format};
	struct vmsnd_sound_writer *writer;
	struct vmsnd_sound_why why;
	uint8_t in[100 * 18 * 2];

	assert_int_equal(vmsnd_sound_create(rig_path(rig, name), &spec, &writer, &why), VMSND_OK);
	signal_fill(&format, 0, in, 100);
	assert_int_equal(vmsnd_sound_write(writer, in, 100, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
}

/* Settles, writes, looks at the mask in the header, reads the positions back. In RF64 the ds64
 * chunk comes first, 36 bytes. */
static void check_mask(struct rig *rig, bool rf64, struct vmsnd_format want, uint32_t mask)
{
	enum vmsnd_container container = rf64 ? VMSND_CONTAINER_RF64 : VMSND_CONTAINER_WAV;
	const char *name = rf64 ? "m.rf64" : "m.wav";
	struct vmsnd_format format = settled(container, want);
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;
	uint8_t head[96], *at = head + (rf64 ? 12 + 36 : 12);
	uint32_t found;

	write_100(rig, name, container, format);
	head_of(rig, name, head, sizeof(head));
	assert_memory_equal(at, "fmt ", 4);
	assert_memory_equal(at + 8, "\xfe\xff", 2);
	memcpy(&found, at + 8 + 20, sizeof(found));
	assert_int_equal(found, mask);
	assert_int_equal(vmsnd_sound_open(&reader, rig_path(rig, name), &why), VMSND_OK);
	vmsnd_sound_close(&reader);
	assert_true(vmsnd_format_equal(&reader.format, &format));
}

#define AT(position) VMSND_POSITION_##position

static void test_positions_stand_in_the_header(void **state)
{
	static const uint8_t rears[] = {AT(RL), AT(RR)};
	static const uint8_t alsa[] = {AT(FL), AT(FR), AT(RL), AT(RR), AT(FC), AT(LFE)};
	static const uint8_t tops[] = {AT(TFL), AT(TFC), AT(TFR), AT(TRL),
				       AT(TRC), AT(TRR), AT(TC)};
	static const uint8_t sides[] = {AT(FR), AT(SR), AT(FL), AT(SL)};

	for (int rf64 = 0; rf64 < 2; rf64++) {
		check_mask(*state, rf64, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 3),
			   0x7);
		check_mask(*state, rf64, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 6),
			   0x3f);
		check_mask(*state, rf64, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 8),
			   0x63f);
		check_mask(*state, rf64, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 18),
			   0x3ffff);
		check_mask(*state, rf64, with_positions(2, rears), 0x30);
		check_mask(*state, rf64, with_positions(6, alsa), 0x3f);
		check_mask(*state, rf64, with_positions(7, tops), 0x3f800);
		check_mask(*state, rf64, with_positions(4, sides), 0x603);
	}
}

/* The mask's bits go upwards, and so must the channels. */
static void test_channels_settle_on_the_masks_order(void **state)
{
	static const uint8_t alsa[] = {AT(FL), AT(FR), AT(RL), AT(RR), AT(FC), AT(LFE)};
	static const uint8_t sides[] = {AT(FR), AT(SR), AT(FL), AT(SL)};
	static const uint8_t sorted[] = {AT(FL), AT(FR), AT(SL), AT(SR)};
	struct vmsnd_format format = settled(VMSND_CONTAINER_WAV, with_positions(6, alsa));

	assert_int_equal(format.positions[0], VMSND_POSITION_UNSET); /* it is the usual order */
	format = settled(VMSND_CONTAINER_FLAC, with_positions(4, sides));
	assert_memory_equal(format.positions, sorted, 4);
}

/* What WAVE has no bit for stays in its place, and we say nothing of it to the file. */
static void test_positions_that_no_mask_has_are_left_alone(void **state)
{
	static const uint8_t odd[] = {AT(OTHER), AT(FL), AT(NONE), AT(FL)};
	struct vmsnd_format want = with_positions(4, odd);
	struct vmsnd_format format = settled(VMSND_CONTAINER_WAV, want);

	assert_memory_equal(format.positions, want.positions, sizeof(want.positions));
	assert_false(vmsnd_sound_map_matters(&format));
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

/* Noise as FLOAT, NaNs and all, comes out with the same bits. */
static void test_float_bits_are_not_touched(void **state)
{
	struct vmsnd_sound_writer *writer =
	    create(*state, "n.wav",
		   (struct vmsnd_sound_spec){VMSND_CONTAINER_WAV,
					     FORMAT(VMSND_SAMPLE_FLOAT, 48000, 1), 0, false});
	uint32_t in[1000], out[1000];
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;

	for (unsigned i = 0; i < 1000; i++)
		in[i] = signal_noise(i) | (i % 10 ? 0 : 0x7fc00000u);
	assert_int_equal(vmsnd_sound_write(writer, in, 1000, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_open(&reader, rig_path(*state, "n.wav"), &why), VMSND_OK);
	assert_int_equal(vmsnd_sound_read(&reader, out, 1000), 1000);
	vmsnd_sound_close(&reader);
	assert_memory_equal(in, out, sizeof(in));
}

/* A PEAK chunk holds the time of day, and equal sound is to give equal files. */
static void test_no_time_of_day_in_a_file(void **state)
{
	struct vmsnd_sound_writer *writer =
	    create(*state, "p.wav",
		   (struct vmsnd_sound_spec){VMSND_CONTAINER_WAV,
					     FORMAT(VMSND_SAMPLE_FLOAT, 48000, 2), 0, false});
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
	struct vmsnd_sound_writer *writer =
	    create(*state, "x.wav",
		   (struct vmsnd_sound_spec){VMSND_CONTAINER_WAV,
					     FORMAT(VMSND_SAMPLE_S24, 48000, 3), 0, false});
	struct vmsnd_sound_why why;

	assert_int_equal(vmsnd_sound_finish(writer, &why), VMSND_OK);
	head_of(*state, "x.wav", head, sizeof(head));
	assert_memory_equal(head + 20, "\xfe\xff\x03\x00", 4);
	assert_memory_equal(head + 32, "\x09\x00\x18\x00", 4);
}

/* The encoder holds a full block back until it sees the next: the header must not run ahead. */
static void test_flac_header_counts_what_has_left_the_encoder(void **state)
{
	static const struct vmsnd_format format = FORMAT(VMSND_SAMPLE_S16, 48000, 2);
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

/* Every coding is read as what it is. */
static void read_own(struct rig *rig, const char *name, enum vmsnd_sample sample, void *to, int n)
{
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;

	assert_int_equal(vmsnd_sound_open(&reader, rig_path(rig, name), &why), VMSND_OK);
	assert_int_equal(reader.format.sample, sample);
	assert_int_equal(reader.format.rate_hz, 48000);
	assert_int_equal(reader.format.channels, 1);
	assert_int_equal(vmsnd_sound_read(&reader, to, (uint32_t)n + 10), n);
	assert_int_equal(vmsnd_sound_read(&reader, to, 1), 0);
	assert_true(vmsnd_sound_rewind(&reader));
	assert_int_equal(vmsnd_sound_read(&reader, to, (uint32_t)n), n);
	vmsnd_sound_close(&reader);
}

static const int values[] = {0, 0x7fffffff, INT32_MIN, 0x12345678, -0x12345678, 0x01020304};

static void check_coding(struct rig *rig, int format, enum vmsnd_sample sample, unsigned shift)
{
	const uint32_t bytes = vmsnd_sample_bytes(sample);
	uint8_t found[6 * 8];

	write_by_library(rig, "r.x", format, values, 6);
	read_own(rig, "r.x", sample, found, 6);
	for (unsigned i = 0; i < 6; i++) {
		int32_t want = values[i] >> shift;

		if (sample == VMSND_SAMPLE_U8)
			want ^= 0x80;
		assert_memory_equal(found + i * bytes, &want, bytes);
	}
}

static void test_integer_files_give_their_bits(void **state)
{
	check_coding(*state, SF_FORMAT_WAV | SF_FORMAT_PCM_U8, VMSND_SAMPLE_U8, 24);
	check_coding(*state, SF_FORMAT_AIFF | SF_FORMAT_PCM_S8, VMSND_SAMPLE_S8, 24);
	check_coding(*state, SF_FORMAT_WAV | SF_FORMAT_PCM_16, VMSND_SAMPLE_S16, 16);
	check_coding(*state, SF_FORMAT_AIFF | SF_FORMAT_PCM_16, VMSND_SAMPLE_S16, 16);
	check_coding(*state, SF_FORMAT_FLAC | SF_FORMAT_PCM_24, VMSND_SAMPLE_S24, 8);
	check_coding(*state, SF_FORMAT_W64 | SF_FORMAT_PCM_24, VMSND_SAMPLE_S24, 8);
	check_coding(*state, SF_FORMAT_WAV | SF_FORMAT_PCM_32, VMSND_SAMPLE_S32, 0);
	check_coding(*state, SF_FORMAT_AU | SF_FORMAT_PCM_32, VMSND_SAMPLE_S32, 0);
}

/* ITU-T G.711: each code is an integer of 14 or 13 bits. */
static void test_law_files_give_their_integers(void **state)
{
	static const uint8_t mu[] = {0xff, 0x80, 0x00}, a[] = {0xd5, 0xaa, 0x2a};
	static const int16_t mu_values[] = {0, 32124, -32124}, a_values[] = {8, 32256, -32256};
	SF_INFO info = {
	    .samplerate = 48000, .channels = 1, .format = SF_FORMAT_AU | SF_FORMAT_ULAW};
	SNDFILE *file = sf_open(rig_path(*state, "u.au"), SFM_WRITE, &info);
	int16_t found[3];

	assert_int_equal(sf_write_raw(file, mu, 3), 3);
	sf_close(file);
	read_own(*state, "u.au", VMSND_SAMPLE_S16, found, 3);
	assert_memory_equal(found, mu_values, sizeof(found));
	info.format = SF_FORMAT_AU | SF_FORMAT_ALAW;
	file = sf_open(rig_path(*state, "a.au"), SFM_WRITE, &info);
	assert_int_equal(sf_write_raw(file, a, 3), 3);
	sf_close(file);
	read_own(*state, "a.au", VMSND_SAMPLE_S16, found, 3);
	assert_memory_equal(found, a_values, sizeof(found));
}

/* Louder than full scale, and no number at all: the connector's business. */
static void test_float_files_give_their_bits(void **state)
{
	static const double in[] = {0.0, 1.0, -1.0, 2.0, -3.0, 0.1, 1e-9};
	SF_INFO info = {
	    .samplerate = 48000, .channels = 1, .format = SF_FORMAT_AU | SF_FORMAT_DOUBLE};
	SNDFILE *file = sf_open(rig_path(*state, "d.au"), SFM_WRITE, &info);
	double found[7];
	float floats[7];

	assert_int_equal(sf_writef_double(file, in, 7), 7);
	sf_close(file);
	read_own(*state, "d.au", VMSND_SAMPLE_FLOAT64, found, 7);
	assert_memory_equal(found, in, sizeof(in));
	info.format = SF_FORMAT_AU | SF_FORMAT_FLOAT;
	file = sf_open(rig_path(*state, "f.au"), SFM_WRITE, &info);
	assert_int_equal(sf_writef_double(file, in, 7), 7);
	sf_close(file);
	read_own(*state, "f.au", VMSND_SAMPLE_FLOAT, floats, 7);
	for (unsigned i = 0; i < 7; i++)
		assert_true(floats[i] == (float)in[i]);
}

/* Rates and channel counts that no port could have. */
static void test_files_beyond_our_limits_are_refused(void **state)
{
	static const SF_INFO infos[] = {
	    {.samplerate = 3999, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16},
	    {.samplerate = 768001, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16},
	    {.samplerate = 48000, .channels = 19, .format = SF_FORMAT_WAVEX | SF_FORMAT_PCM_16},
	};
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;

	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
		SF_INFO info = infos[i];

		sf_close(sf_open(rig_path(*state, "b.wav"), SFM_WRITE, &info));
		assert_int_equal(vmsnd_sound_open(&reader, rig_path(*state, "b.wav"), &why),
				 VMSND_E_UNSUPPORTED);
		assert_non_null(strstr(why.text, "1 to 18"));
	}
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
	    CASE(test_BE_07_samples_settle_on_what_files_hold),
	    CASE(test_no_bit_goes_unnoticed),
	    CASE(test_BE_07_whatever_is_settled_on_can_be_written),
	    CASE(test_flac_takes_what_it_can),
	    CASE(test_flac_warns_once_when_bits_go),
	    CASE(test_positions_stand_in_the_header),
	    CASE(test_channels_settle_on_the_masks_order),
	    CASE(test_positions_that_no_mask_has_are_left_alone),
	    CASE(test_float_bits_are_not_touched),
	    CASE(test_no_time_of_day_in_a_file),
	    CASE(test_three_channel_wav_header),
	    CASE(test_flac_header_counts_what_has_left_the_encoder),
	    CASE(test_integer_files_give_their_bits),
	    CASE(test_law_files_give_their_integers),
	    CASE(test_float_files_give_their_bits),
	    CASE(test_files_beyond_our_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
