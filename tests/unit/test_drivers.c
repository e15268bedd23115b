/* SPDX-License-Identifier: BSD-3-Clause */
/* The drivers there are, by themselves: delay and map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "drivers/delay.h"
#include "drivers/map.h"

#define FRAMES 3000u

struct bench {
	struct vmsnd_conf options;
	struct vmsnd_driver_conf conf;
	struct vmsnd_driver *driver;
	uint8_t *sound, *out, *silent; /* FRAMES each */
	uint32_t frame_bytes;
};

/* False: the driver cannot work with this format. */
static bool set_up(struct bench *bench, const struct vmsnd_driver_class *cls, const char *text,
		   const struct vmsnd_format *format)
{
	char error[256];
	size_t bytes;

	memset(bench, 0, sizeof(*bench));
	assert_int_equal(
	    vmsnd_conf_parse(&bench->options, cls->options, cls->name, text, error, sizeof(error)),
	    VMSND_OK);
	bench->conf = (struct vmsnd_driver_conf){
	    .options = &bench->options, .format = *format, .max_frames = FRAMES};
	bytes = cls->footprint(&bench->conf);
	if (bytes == 0)
		return false;
	bench->driver = calloc(1, bytes);
	assert_non_null(bench->driver);
	assert_int_equal(cls->init(bench->driver, &bench->conf), VMSND_OK);
	bench->frame_bytes = vmsnd_format_frame_bytes(format);
	bench->sound = malloc((size_t)FRAMES * bench->frame_bytes);
	bench->out = malloc((size_t)FRAMES * bench->frame_bytes);
	bench->silent = malloc((size_t)FRAMES * bench->frame_bytes);
	for (size_t i = 0; i < (size_t)FRAMES * bench->frame_bytes; i++)
		bench->sound[i] = (uint8_t)(i * 31 + i / 251);
	memcpy(bench->out, bench->sound, (size_t)FRAMES * bench->frame_bytes);
	vmsnd_format_silence_rt(format, bench->silent, FRAMES);
	return true;
}

static void take_down(struct bench *bench)
{
	free(bench->driver);
	free(bench->sound);
	free(bench->out);
	free(bench->silent);
}

/* In blocks of uneven length. */
static void process(struct bench *bench, const struct vmsnd_driver_class *cls)
{
	for (uint32_t at = 0, some = 1; at < FRAMES; at += some, some = 1 + some * 7 % 997) {
		some = some < FRAMES - at ? some : FRAMES - at;
		cls->process_rt(bench->driver, bench->out + (size_t)at * bench->frame_bytes, some);
	}
}

static void assert_delayed(const struct bench *bench, uint32_t frames)
{
	size_t bytes = (size_t)frames * bench->frame_bytes;

	assert_memory_equal(bench->out, bench->silent, bytes);
	assert_memory_equal(bench->out + bytes, bench->sound,
			    (size_t)FRAMES * bench->frame_bytes - bytes);
}

static void delay_one(enum vmsnd_sample sample, uint32_t channels, bool big_endian)
{
	const struct vmsnd_format format = {
	    .sample = sample, .rate_hz = 48000, .channels = channels, .big_endian = big_endian};
	struct bench bench;

	assert_true(set_up(&bench, &vmsnd_delay_class, "ms=7", &format));
	process(&bench, &vmsnd_delay_class);
	assert_delayed(&bench, 336);
	assert_int_equal(vmsnd_delay_class.delay_frames(bench.driver), 336);
	take_down(&bench);
}

static void test_delay_shifts_every_format_by_exactly_so_much(void **state)
{
	for (unsigned sample = 0; sample < VMSND_SAMPLE_COUNT; sample++)
		for (uint32_t channels = 1; channels <= VMSND_CHANNELS_MAX; channels += 5)
			for (unsigned order = 0; order < 2; order++)
				delay_one((enum vmsnd_sample)sample, channels, order == 1);
}

static void test_delay_of_any_length(void **state)
{
	static const struct {
		const char *text;
		uint32_t rate_hz, frames;
	} rows[] = {{"ms=0", 48000, 0},     {"ms=1", 4000, 4}, {"ms=1", 44100, 44},
		    {"ms=100", 8000, 800},  {"", 22050, 2205}, {"ms=3", 768000, 2304},
		    {"ms=2000", 4000, 3000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vmsnd_format format = {
		    .sample = VMSND_SAMPLE_U8, .rate_hz = rows[i].rate_hz, .channels = 2};
		struct bench bench;

		assert_true(set_up(&bench, &vmsnd_delay_class, rows[i].text, &format));
		process(&bench, &vmsnd_delay_class);
		assert_delayed(&bench, rows[i].frames);
		take_down(&bench);
	}
}

static void test_delay_refuses_what_is_not_its_own(void **state)
{
	static uint8_t bytes[4096];
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 8000, .channels = 1};
	struct vmsnd_state_writer to = {.to = bytes, .room = sizeof(bytes)};
	struct bench bench;

	assert_true(set_up(&bench, &vmsnd_delay_class, "ms=100", &format));
	vmsnd_delay_class.save(bench.driver, &to);
	assert_int_equal(to.used, 4 + 1600);
	for (size_t n = 0; n < to.used; n++) {
		struct vmsnd_state_reader from = {.from = bytes, .bytes = n};

		assert_int_equal(vmsnd_delay_class.load(bench.driver, &from), VMSND_E_INVALID);
	}
	bytes[0]++;
	assert_int_equal(
	    vmsnd_delay_class.load(bench.driver,
				   &(struct vmsnd_state_reader){.from = bytes, .bytes = to.used}),
	    VMSND_E_INVALID);
	process(&bench, &vmsnd_delay_class);
	assert_delayed(&bench, 800);
	take_down(&bench);
}

#define SILENT -1

/* `from`: for each channel its source. */
static void assert_mapped(const struct bench *bench, const int *from)
{
	uint32_t channels = bench->conf.format.channels;
	size_t bytes = bench->frame_bytes / channels;

	for (size_t i = 0; i < (size_t)FRAMES * channels; i++) {
		int source = from[i % channels];
		const uint8_t *want =
		    source == SILENT
			? bench->silent
			: bench->sound + (i / channels * channels + (size_t)source) * bytes;

		assert_memory_equal(bench->out + i * bytes, want, bytes);
	}
}

static void map_one(const char *text, const struct vmsnd_format *format, const int *from)
{
	struct bench bench;

	assert_true(set_up(&bench, &vmsnd_map_class, text, format));
	process(&bench, &vmsnd_map_class);
	assert_mapped(&bench, from);
	take_down(&bench);
}

static void test_map_moves_samples_of_every_format(void **state)
{
	for (unsigned sample = 0; sample < VMSND_SAMPLE_COUNT; sample++) {
		for (unsigned order = 0; order < 2; order++) {
			const struct vmsnd_format format = {.sample = (enum vmsnd_sample)sample,
							    .rate_hz = 48000,
							    .channels = 2,
							    .big_endian = order == 1};

			map_one("", &format, (const int[]){1, 0});
			map_one("channels=1/0", &format, (const int[]){1, 0});
			map_one("channels=R/L", &format, (const int[]){1, 0});
			map_one("channels=0/-", &format, (const int[]){0, SILENT});
			map_one("channels=-", &format, (const int[]){SILENT, 1});
			map_one("channels=FR/FR", &format, (const int[]){1, 1});
		}
	}
}

static void test_map_knows_positions(void **state)
{
	const struct vmsnd_format usual = {
	    .sample = VMSND_SAMPLE_S24_3, .rate_hz = 48000, .channels = 6};
	const struct vmsnd_format swapped = {.sample = VMSND_SAMPLE_S24_3,
					     .rate_hz = 48000,
					     .channels = 2,
					     .positions = {VMSND_POSITION_FR, VMSND_POSITION_FL}};
	const struct vmsnd_format most = {
	    .sample = VMSND_SAMPLE_FLOAT64, .rate_hz = 48000, .channels = 18};

	map_one("channels=FC/FC", &usual, (const int[]){2, 2, 2, 3, 4, 5});
	map_one("channels=L/R/-/LFE", &usual, (const int[]){0, 1, SILENT, 3, 4, 5});
	map_one("channels=L/R", &swapped, (const int[]){1, 0});
	map_one("channels=17/16/15/14/13/12/11/10/9/8/7/6/5/4/3/2/1/0", &most,
		(const int[]){17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
}

static void test_map_lets_streams_without_such_channels_by(void **state)
{
	const struct vmsnd_format mono = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 1};
	const struct vmsnd_format stereo = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	struct bench bench;

	assert_false(set_up(&bench, &vmsnd_map_class, "", &mono));
	assert_false(set_up(&bench, &vmsnd_map_class, "channels=1", &mono));
	assert_false(set_up(&bench, &vmsnd_map_class, "channels=2/0", &stereo));
	assert_false(set_up(&bench, &vmsnd_map_class, "channels=0/FC", &stereo));
	assert_false(set_up(&bench, &vmsnd_map_class, "channels=0/1/-", &stereo));
}

static void test_map_checks_its_list(void **state)
{
	static const struct {
		const char *text;
		enum vmsnd_rc rc;
	} rows[] = {{"", VMSND_OK},
		    {"channels=17", VMSND_OK},
		    {"channels=-/-/TRR/MONO", VMSND_OK},
		    {"channels=0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", VMSND_OK},
		    {"channels=0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0", VMSND_E_INVALID},
		    {"channels=18", VMSND_E_INVALID},
		    {"channels=99999999999999999999", VMSND_E_INVALID},
		    {"channels=1/", VMSND_E_INVALID},
		    {"channels=/", VMSND_E_INVALID},
		    {"channels=1//0", VMSND_E_INVALID},
		    {"channels=l", VMSND_E_INVALID},
		    {"channels=--", VMSND_E_INVALID},
		    {"channels=NONE", VMSND_E_INVALID}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_conf conf;
		const char *what = NULL;
		char error[256];

		assert_int_equal(vmsnd_conf_parse(&conf, vmsnd_map_class.options, "map",
						  rows[i].text, error, sizeof(error)),
				 VMSND_OK);
		assert_int_equal(vmsnd_map_class.check(&conf, &what), rows[i].rc);
		if (rows[i].rc)
			assert_memory_equal(what, "channels= ", 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delay_shifts_every_format_by_exactly_so_much),
	    cmocka_unit_test(test_delay_of_any_length),
	    cmocka_unit_test(test_delay_refuses_what_is_not_its_own),
	    cmocka_unit_test(test_map_moves_samples_of_every_format),
	    cmocka_unit_test(test_map_knows_positions),
	    cmocka_unit_test(test_map_lets_streams_without_such_channels_by),
	    cmocka_unit_test(test_map_checks_its_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
