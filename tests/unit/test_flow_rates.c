/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow between two rates: every frame once, in any blocks, to the last one; and clean. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_rig.h"
#include "spectrum.h"

#define LONG_FRAMES 100000u

static struct vmsnd_flow_conf conf_of(uint32_t from_hz, uint32_t to_hz, uint32_t channels)
{
	return (struct vmsnd_flow_conf){.from = flow_format(VMSND_SAMPLE_FLOAT, from_hz, channels),
					.to = flow_format(VMSND_SAMPLE_FLOAT, to_hz, channels),
					.rates = &vmsnd_resampler_samplerate,
					.quality = VMSND_QUALITY_FASTEST};
}

static const struct {
	uint32_t from_hz, to_hz;
} pairs[] = {{44100, 48000}, {48000, 44100},  {48000, 8000}, {8000, 48000},
	     {4000, 768000}, {192000, 11025}, {48000, 48000}};
#define N_PAIRS (sizeof(pairs) / sizeof(pairs[0]))

static uint64_t seed = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % limit;
}

/* `count` frames of noise that knows its place. */
static void fill_noise(float *to, uint32_t count, uint32_t channels, uint64_t from)
{
	for (uint64_t i = 0; i < (uint64_t)count * channels; i++) {
		uint64_t hash = (from * channels + i + 1) * UINT64_C(0x9e3779b97f4a7c15);

		hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
		to[i] = (float)(hash >> 40) / 16777216.0f - 0.5f;
	}
}

/* A stream through a pulled flow. */
struct stream {
	struct flow_rig *rig;
	uint32_t channels;
	uint64_t in, out;
	float *heard; /* LONG_FRAMES, or NULL: not kept */
};

static void stream_open(struct stream *stream, const struct vmsnd_flow_conf *conf, bool keep)
{
	memset(stream, 0, sizeof(*stream));
	stream->rig = flow_rig_pull(conf);
	stream->channels = conf->to.channels;
	if (keep)
		stream->heard = calloc(LONG_FRAMES * stream->channels, sizeof(float));
}

static void stream_close(struct stream *stream)
{
	flow_rig_close(stream->rig);
	free(stream->heard);
}

/* Writes as much of `frames` as there is room for. */
static uint32_t stream_write(struct stream *stream, uint32_t frames)
{
	static float in[RIG_FRAMES * RIG_CHANNELS];
	uint32_t room = vmsnd_ring_room_rt(&stream->rig->writer), done;

	frames = frames < room ? frames : room;
	if (stream->heard) /* else only the number counts */
		fill_noise(in, frames, stream->channels, stream->in);
	done = flow_rig_write(stream->rig, in, frames);
	stream->in += done;
	return done;
}

static void stream_heard(struct stream *stream, uint32_t frames)
{
	if (stream->heard && stream->out + frames <= LONG_FRAMES)
		memcpy(stream->heard + stream->out * stream->channels, stream->rig->out,
		       (size_t)frames * stream->channels * sizeof(float));
	stream->out += frames;
}

static uint32_t stream_take(struct stream *stream, uint32_t frames)
{
	uint32_t made = flow_rig_take(stream->rig, stream->rig->out, frames);

	stream_heard(stream, made);
	return made;
}

static void stream_drain(struct stream *stream, uint32_t frames)
{
	uint32_t made = 1;

	while (made) {
		made = vmsnd_flow_drain_rt(&stream->rig->flow, stream->rig->out, frames);
		assert_true(made <= frames);
		stream_heard(stream, made);
	}
	assert_int_equal(vmsnd_flow_held_frames_rt(&stream->rig->flow), 0);
}

static uint64_t expected_frames(uint64_t in, const struct vmsnd_flow_conf *conf)
{
	return in * conf->to.rate_hz / conf->from.rate_hz;
}

/* ---- every frame once ---- */

/* Enough in the ring: exactly what was asked for, in blocks of every size. */
static void check_counts(uint32_t size, uint64_t frames)
{
	struct vmsnd_flow_conf conf = conf_of(44100, 48000, 1);
	struct stream stream;
	uint64_t pending;

	stream_open(&stream, &conf, false);
	while (stream.out < frames) {
		stream_write(&stream, RIG_FRAMES);
		assert_int_equal(stream_take(&stream, size), size);
	}
	/* In is what came out, what is in the ring and what is held. */
	pending =
	    vmsnd_ring_fill_rt(&stream.rig->reader) + vmsnd_flow_held_frames_rt(&stream.rig->flow);
	assert_in_range(expected_frames(stream.in - pending, &conf), stream.out - 2,
			stream.out + 2);
	assert_in_range(vmsnd_flow_held_frames_rt(&stream.rig->flow), 18, 22);
	while (stream_take(&stream, size) == size)
		;
	stream_drain(&stream, size);
	assert_int_equal(stream.out, expected_frames(stream.in, &conf));
	stream_close(&stream);
}

static void test_an_hour_has_the_frames_of_an_hour(void **state)
{
	check_counts(480, UINT64_C(3600) * 48000);
}

static void test_counts_are_right_in_blocks_of_any_size(void **state)
{
	check_counts(1, 100003);
	check_counts(7, 1000003);
	check_counts(1024, 2000003);
	check_counts(4000, 2000003);
}

/* All in good time, from a ring that never runs empty but at the end. */
static void play_smoothly(struct stream *stream, uint64_t frames)
{
	while (stream->in < frames || vmsnd_ring_fill_rt(&stream->rig->reader)) {
		stream_write(stream, (uint32_t)(frames - stream->in));
		stream_take(stream, 4000);
	}
	stream_drain(stream, 4000);
}

/* The same sound from a ring that is nearly always empty, in small pieces. */
static void play_starved(struct stream *stream, uint64_t frames)
{
	while (stream->in < frames || vmsnd_ring_fill_rt(&stream->rig->reader)) {
		uint32_t some = random_below(300);

		stream_write(stream,
			     some < frames - stream->in ? some : (uint32_t)(frames - stream->in));
		stream_take(stream, 1 + random_below(400));
	}
	stream_drain(stream, 3);
}

static void test_a_ring_that_runs_empty_costs_no_frame_and_doubles_none(void **state)
{
	for (size_t p = 0; p < N_PAIRS; p++) {
		struct vmsnd_flow_conf conf = conf_of(pairs[p].from_hz, pairs[p].to_hz, 2);
		uint64_t frames = (uint64_t)(LONG_FRAMES - 1000) * pairs[p].from_hz;
		struct stream smooth, starved;

		frames /= pairs[p].to_hz > pairs[p].from_hz ? pairs[p].to_hz : pairs[p].from_hz;
		conf.bend = true;
		stream_open(&smooth, &conf, true);
		stream_open(&starved, &conf, true);
		play_smoothly(&smooth, frames);
		play_starved(&starved, frames);
		assert_int_equal(smooth.out, expected_frames(frames, &conf));
		assert_int_equal(starved.out, smooth.out);
		for (uint64_t i = 0; i < smooth.out * 2; i++)
			assert_true(fabsf(smooth.heard[i] - starved.heard[i]) < 1e-6f);
		stream_close(&smooth);
		stream_close(&starved);
	}
}

/* The first frame out is the first in: nothing is put before the sound, and nothing cut. */
static void test_the_sound_begins_and_ends_where_it_did(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(24000, 48000, 1);
	struct stream stream;
	static float in[1000];

	stream_open(&stream, &conf, true);
	in[0] = in[999] = 1.0f;
	flow_rig_write(stream.rig, in, 1000);
	while (stream_take(&stream, 480) == 480)
		;
	stream_drain(&stream, 480);
	assert_int_equal(stream.out, 2000);
	assert_true(stream.heard[0] > 0.7f && stream.heard[1998] > 0.7f);
	assert_true(fabsf(stream.heard[1000]) < 1e-4f);
	stream_close(&stream);
}

/* A drain that was not the end: what comes next comes whole, behind a silence. */
static void test_sound_goes_on_after_a_drain(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(44100, 48000, 1);
	struct stream stream;
	uint64_t drained;

	stream_open(&stream, &conf, false);
	stream_write(&stream, 4000);
	while (stream_take(&stream, 480) == 480)
		;
	stream_drain(&stream, 100);
	assert_int_equal(stream.out, expected_frames(4000, &conf));
	drained = stream.out;
	stream_write(&stream, 4000);
	assert_int_equal(stream_take(&stream, 480), 480);
	assert_in_range(vmsnd_flow_held_frames_rt(&stream.rig->flow), 18, 22);
	while (stream_take(&stream, 480) == 480)
		;
	stream_drain(&stream, 100);
	assert_in_range(stream.out - drained, expected_frames(4000, &conf),
			expected_frames(4000 + 23, &conf));
	stream_close(&stream);
}

/* MX-15: the reference forgets the past of the first channel alone. */
static void test_MX_15_reset_forgets_every_channel(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(44100, 48000, RIG_CHANNELS);
	struct stream stream;
	static float silence[1000 * RIG_CHANNELS];

	stream_open(&stream, &conf, true);
	stream_write(&stream, 1000);
	while (stream_take(&stream, 480) == 480)
		;
	vmsnd_flow_reset(&stream.rig->flow);
	assert_int_equal(vmsnd_flow_held_frames_rt(&stream.rig->flow), 0);
	assert_int_equal(vmsnd_flow_drain_rt(&stream.rig->flow, stream.rig->out, 480), 0);
	flow_rig_write(stream.rig, silence, 1000);
	assert_int_equal(stream_take(&stream, 1000), 1000);
	for (size_t i = 0; i < 1000 * RIG_CHANNELS; i++)
		assert_true(((float *)stream.rig->out)[i] == 0.0f);
	stream_close(&stream);
}

/* ---- the other way: into a ring ---- */

static void test_push_makes_every_frame_in_blocks_of_any_size(void **state)
{
	static const uint32_t sizes[] = {1, 7, 441, 1024};
	static float in[1024], out[RIG_FRAMES];

	for (size_t s = 0; s < 4; s++) {
		struct vmsnd_flow_conf conf = conf_of(44100, 48000, 1);
		struct flow_rig *rig = flow_rig_push(&conf);
		uint64_t pushed = 0, made = 0;
		uint32_t lost, held;

		while (pushed < 1000000) {
			struct vmsnd_flow_block block = {.samples = in, .frames = sizes[s]};

			fill_noise(in, sizes[s], 1, pushed);
			made += vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost);
			assert_int_equal(lost, 0);
			pushed += sizes[s];
			flow_rig_read(rig, out, RIG_FRAMES);
		}
		held = vmsnd_flow_held_frames_rt(&rig->flow);
		assert_in_range(held, 18, 22);
		assert_in_range(made, expected_frames(pushed - held, &conf) - 2,
				expected_frames(pushed - held, &conf) + 2);
		flow_rig_close(rig);
	}
}

static void test_push_counts_converted_frames_that_find_no_room(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(24000, 48000, 1);
	struct flow_rig *rig = flow_rig_push(&conf);
	static float in[3000];
	struct vmsnd_flow_block block = {.samples = in, .frames = 3000};
	uint32_t lost, held, made;

	made = vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost);
	held = vmsnd_flow_held_frames_rt(&rig->flow);
	assert_int_equal(made, RIG_FRAMES);
	assert_in_range(lost + made, 2 * (3000 - held) - 2, 2 * (3000 - held) + 2);
	flow_rig_close(rig);
}

/* ---- bending ---- */

/* The same rate on both sides, bent for 100 s: as many frames more or fewer. */
static void check_bend(double factor, uint32_t size)
{
	struct vmsnd_flow_conf conf = conf_of(48000, 48000, 1);
	struct stream stream;
	double in;

	conf.bend = true;
	stream_open(&stream, &conf, false);
	vmsnd_flow_bend_rt(&stream.rig->flow, factor);
	assert_false(vmsnd_flow_exact_rt(&stream.rig->flow));
	while (stream.out < 4800000) {
		stream_write(&stream, RIG_FRAMES);
		assert_int_equal(stream_take(&stream, size), size);
	}
	in = (double)(stream.in - vmsnd_ring_fill_rt(&stream.rig->reader)) -
	     vmsnd_flow_held_frames_rt(&stream.rig->flow);
	assert_true(fabs((double)stream.out - in * factor) < 3);
	stream_close(&stream);
}

static void test_a_bend_makes_so_many_frames_more(void **state)
{
	check_bend(1.0005, 480);
	check_bend(0.9995, 480);
	check_bend(1.0005, 1);
	check_bend(0.99, 7);
	check_bend(1.1, 1024);
}

static void test_bends_out_of_bounds_change_nothing(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(48000, 48000, 1);
	struct flow_rig *rig;

	conf.bend = true;
	rig = flow_rig_pull(&conf);
	vmsnd_flow_bend_rt(&rig->flow, 1.05);
	vmsnd_flow_bend_rt(&rig->flow, NAN);
	vmsnd_flow_bend_rt(&rig->flow, 1.2);
	vmsnd_flow_bend_rt(&rig->flow, 0.0);
	assert_true(rig->flow.bend == 1.05);
	flow_rig_close(rig);
}

/* ---- clean ---- */

static double steady(unsigned block)
{
	return 1.0;
}

/* Up and down between -500 and +500 ppm, 1 ppm a block, from the middle on. */
static double sweep(unsigned block)
{
	int step = (int)((block + 500) % 2000);

	return 1 + 1e-6 * (step < 1000 ? step - 500 : 1500 - step);
}

static double wander(unsigned block)
{
	int step = (int)((block * 20 + 500) % 2000);

	return 1 + 1e-6 * (step < 1000 ? step - 500 : 1500 - step);
}

/* What of a tone comes out of the second channel, from block `first` on. */
static void heard_tone(const struct vmsnd_flow_conf *conf, uint32_t hz, double (*bend)(unsigned),
		       unsigned first, double *heard)
{
	struct flow_rig *rig = flow_rig_pull(conf);
	uint32_t size = conf->to.rate_hz / 100, done = 0;
	uint64_t in = 0;

	for (unsigned block = 0; done < SPECTRUM_FRAMES; block++) {
		const float *out = (const float *)(const void *)rig->out;
		float frame[2];

		while (vmsnd_ring_room_rt(&rig->writer)) {
			frame[0] = 0.0f;
			frame[1] = (float)(0.9 * spectrum_sine(hz, conf->from.rate_hz, in++));
			flow_rig_write(rig, frame, 1);
		}
		vmsnd_flow_bend_rt(&rig->flow, bend(block));
		assert_int_equal(flow_rig_take(rig, rig->out, size), size);
		for (uint32_t i = 0; block >= first && i < size && done < SPECTRUM_FRAMES; i++)
			heard[done++] = (double)out[2 * i + 1];
	}
	flow_rig_close(rig);
}

static double thd_n_db(enum vmsnd_quality quality, double (*bend)(unsigned), unsigned first)
{
	struct vmsnd_flow_conf conf = conf_of(44100, 48000, 2);
	static double heard[SPECTRUM_FRAMES];

	conf.quality = quality;
	conf.bend = true;
	heard_tone(&conf, 1000, bend, first, heard);
	return spectrum_thd_n_db(heard, 1000, 48000);
}

static void test_1_kHz_44100_to_48000_is_clean(void **state)
{
	assert_true(thd_n_db(VMSND_QUALITY_FASTEST, steady, 2) < -100);
	assert_true(thd_n_db(VMSND_QUALITY_MEDIUM, steady, 2) < -120);
	assert_true(thd_n_db(VMSND_QUALITY_BEST, steady, 2) < -120);
}

static void test_bending_between_500_ppm_is_clean(void **state)
{
	assert_true(thd_n_db(VMSND_QUALITY_FASTEST, wander, 2) < -100);
	/* About 136 blocks are looked at: the middle, an end, and the turn. */
	for (unsigned first = 2; first < 700; first += 230)
		assert_true(thd_n_db(VMSND_QUALITY_MEDIUM, sweep, first) < -100);
}

/* MX-15: without a low-pass filter the reference folds 10 kHz back into what 8 kHz can carry. */
static void test_MX_15_no_aliases_when_going_down(void **state)
{
	static double heard[SPECTRUM_FRAMES];

	for (int q = VMSND_QUALITY_FASTEST; q <= VMSND_QUALITY_BEST; q++) {
		struct vmsnd_flow_conf conf = conf_of(48000, 8000, 2);
		double level;

		conf.quality = (enum vmsnd_quality)q;
		heard_tone(&conf, 10000, steady, 2, heard);
		/* 10 kHz would be heard as 2 kHz; full scale is -3 dB. */
		level = spectrum_level_db(heard, 2000, 8000);
		assert_true(level < -3 - 80);
		heard_tone(&conf, 1000, steady, 2, heard);
		level = spectrum_level_db(heard, 1000, 8000);
		assert_true(fabs(level + 3.93) < 0.1);
	}
}

/* ---- a converter with whims of its own ---- */

/* One to one, takes at most five frames a call and says that it needs one when it needs more. */
static enum vmsnd_rc fussy_open(enum vmsnd_quality quality, uint32_t channels,
				struct vmsnd_resampler **out)
{
	static uint32_t place;

	*out = (struct vmsnd_resampler *)(void *)&place;
	return VMSND_OK;
}

static void fussy_close(struct vmsnd_resampler *resampler)
{
}

static void fussy_reset_rt(struct vmsnd_resampler *resampler)
{
}

static void fussy_process_rt(struct vmsnd_resampler *resampler, double ratio,
			     struct vmsnd_resampler_work *work)
{
	uint32_t frames = work->used < work->made ? work->used : work->made;

	/* With fewer than three it does nothing. */
	frames = frames > 5 ? 5 : work->used < 3 ? 0 : frames;
	memcpy(work->to, work->from, frames * sizeof(float));
	work->used = work->made = frames;
}

static uint32_t fussy_need_rt(const struct vmsnd_resampler *resampler, double ratio,
			      uint32_t frames)
{
	return 1;
}

static double fussy_held_rt(const struct vmsnd_resampler *resampler)
{
	return 0;
}

static uint32_t fussy_delay_frames(enum vmsnd_quality quality)
{
	return 0;
}

static const struct vmsnd_resampler_class fussy = {
    .open = fussy_open,
    .close = fussy_close,
    .reset_rt = fussy_reset_rt,
    .process_rt = fussy_process_rt,
    .need_rt = fussy_need_rt,
    .held_rt = fussy_held_rt,
    .delay_frames = fussy_delay_frames,
};

/* Whatever a converter leaves is kept in order, counted as held, and forgotten by a reset. */
static void test_what_a_converter_leaves_is_kept(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(48000, 48000, 1);
	struct flow_rig *rig;
	float in = 0.0f, out[100], next = 0.0f;
	uint32_t lost;

	conf.bend = true;
	conf.rates = &fussy;
	rig = flow_rig_pull(&conf);
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t made;

		for (uint32_t n = random_below(60); n > 0; n--, in += 1.0f)
			flow_rig_write(rig, &in, 1);
		made = flow_rig_take(rig, out, 1 + random_below(60));
		for (uint32_t k = 0; k < made; k++, next += 1.0f)
			assert_true(out[k] == next);
		assert_true(in - next == (float)(vmsnd_ring_fill_rt(&rig->reader) +
						 vmsnd_flow_held_frames_rt(&rig->flow)));
	}
	assert_true(next > 50000.0f);
	flow_rig_close(rig);

	rig = flow_rig_push(&conf);
	for (uint32_t frames = 1; frames < 3; frames++) {
		struct vmsnd_flow_block block = {.frames = frames};

		assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), 0);
		assert_int_equal(vmsnd_flow_held_frames_rt(&rig->flow), frames);
		vmsnd_flow_reset(&rig->flow);
		assert_int_equal(vmsnd_flow_held_frames_rt(&rig->flow), 0);
	}
	flow_rig_close(rig);
}

/* ---- channels and loudness behind the converter ---- */

static void test_channels_and_loudness_change_beside_the_rate(void **state)
{
	static const uint32_t channels[][2] = {{1, 2}, {2, 1}};

	for (size_t c = 0; c < 2; c++) {
		struct vmsnd_flow_conf conf = conf_of(44100, 48000, 1);
		struct flow_rig *rig;
		const float *out;
		float in[2000];

		conf.from.channels = channels[c][0];
		conf.to.channels = channels[c][1];
		conf.volume.gain_mdb = -20000;
		rig = flow_rig_pull(&conf);
		assert_int_equal(rig->flow.mid_channels, 1);
		out = (const float *)(const void *)rig->out;
		for (size_t i = 0; i < 2000; i++)
			in[i] = 0.5f;
		flow_rig_write(rig, in, 1000);
		assert_int_equal(flow_rig_take(rig, rig->out, 1000), 1000);
		for (size_t i = 100; i < 1000 * channels[c][1]; i++)
			assert_true(fabsf(out[i] - 0.05f) < 1e-4f);
		flow_rig_close(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_hour_has_the_frames_of_an_hour),
	    cmocka_unit_test(test_counts_are_right_in_blocks_of_any_size),
	    cmocka_unit_test(test_a_ring_that_runs_empty_costs_no_frame_and_doubles_none),
	    cmocka_unit_test(test_the_sound_begins_and_ends_where_it_did),
	    cmocka_unit_test(test_sound_goes_on_after_a_drain),
	    cmocka_unit_test(test_MX_15_reset_forgets_every_channel),
	    cmocka_unit_test(test_push_makes_every_frame_in_blocks_of_any_size),
	    cmocka_unit_test(test_push_counts_converted_frames_that_find_no_room),
	    cmocka_unit_test(test_a_bend_makes_so_many_frames_more),
	    cmocka_unit_test(test_bends_out_of_bounds_change_nothing),
	    cmocka_unit_test(test_1_kHz_44100_to_48000_is_clean),
	    cmocka_unit_test(test_bending_between_500_ppm_is_clean),
	    cmocka_unit_test(test_MX_15_no_aliases_when_going_down),
	    cmocka_unit_test(test_what_a_converter_leaves_is_kept),
	    cmocka_unit_test(test_channels_and_loudness_change_beside_the_rate),
	};

	return cmocka_run_group_tests_name("flow_rates", tests, NULL, NULL);
}
