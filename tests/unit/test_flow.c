/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow at one rate: the same bits where nothing is to change, loudness, mixing, rings that run
 * empty and full. test_flow_rates.c has the rest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_rig.h"

static const uint32_t sizes[] = {1, 7, 480, 1024, 3000};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint64_t seed = 88172645463325252u;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void fill_random(unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char)random32();
}

static struct vmsnd_flow_conf conf_of(enum vmsnd_sample from, enum vmsnd_sample to,
				      uint32_t channels)
{
	return (struct vmsnd_flow_conf){.from = flow_format(from, 48000, channels),
					.to = flow_format(to, 48000, channels),
					.dither = true};
}

/* ---- the same bits ---- */

static void check_exact_pull(const struct vmsnd_flow_conf *conf, uint32_t size)
{
	struct flow_rig *rig = flow_rig_pull(conf);
	uint32_t frame = rig->flow.from_bytes;
	unsigned char *in = malloc((size_t)RIG_FRAMES * frame);

	assert_non_null(in);
	assert_true(vmsnd_flow_exact_rt(&rig->flow));
	for (unsigned round = 0; round < 3; round++) {
		uint32_t done = 0;

		fill_random(in, (size_t)3000 * frame);
		assert_int_equal(flow_rig_write(rig, in, 3000), 3000);
		while (done < 3000) {
			uint32_t made = flow_rig_take(rig, rig->out + (size_t)done * frame, size);

			assert_int_equal(made, size < 3000 - done ? size : 3000 - done);
			done += made;
		}
		assert_memory_equal(in, rig->out, (size_t)3000 * frame);
	}
	assert_int_equal(vmsnd_flow_held_frames_rt(&rig->flow), 0);
	free(in);
	flow_rig_close(rig);
}

static void check_exact_push(const struct vmsnd_flow_conf *conf, uint32_t size)
{
	struct flow_rig *rig = flow_rig_push(conf);
	uint32_t frame = rig->flow.to_bytes, lost;
	unsigned char *in = malloc((size_t)RIG_FRAMES * frame);

	assert_non_null(in);
	for (unsigned round = 0; round < 3; round++) {
		uint32_t done = 0;

		fill_random(in, (size_t)3000 * frame);
		while (done < 3000) {
			struct vmsnd_flow_block block = {
			    .samples = in + (size_t)done * frame,
			    .frames = size < 3000 - done ? size : 3000 - done};

			assert_int_equal(
			    vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost),
			    block.frames);
			assert_int_equal(lost, 0);
			done += block.frames;
		}
		assert_int_equal(flow_rig_read(rig, rig->out, 3000), 3000);
		assert_memory_equal(in, rig->out, (size_t)3000 * frame);
	}
	free(in);
	flow_rig_close(rig);
}

/* Not-a-number and the ignored bits of 20 in 32 included. */
static void test_equal_formats_are_the_same_bytes(void **state)
{
	for (unsigned sample = 0; sample < VMSND_SAMPLE_COUNT; sample++)
		for (unsigned big = 0; big < 2; big++)
			for (size_t s = 0; s < N_SIZES; s++) {
				struct vmsnd_flow_conf conf =
				    conf_of(sample, sample, 1 + (uint32_t)s);

				conf.from.big_endian = conf.to.big_endian = big;
				check_exact_pull(&conf, sizes[s]);
				check_exact_push(&conf, sizes[s]);
			}
}

static void test_wider_formats_lose_nothing_and_get_no_dither(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S32, 2);
	struct flow_rig *rig = flow_rig_pull(&conf);
	int16_t in[2000];
	int32_t out[2000];

	assert_false(vmsnd_flow_exact_rt(&rig->flow));
	fill_random((unsigned char *)in, sizeof(in));
	flow_rig_write(rig, in, 1000);
	assert_int_equal(flow_rig_take(rig, out, 1000), 1000);
	for (size_t i = 0; i < 2000; i++)
		assert_int_equal(out[i], in[i] * 65536);
	flow_rig_close(rig);
}

/* Sound of half a step: rounding alone makes a whole step or nothing of it. */
static double mean_of_half_a_step(bool dither)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S32, VMSND_SAMPLE_S16, 1);
	struct flow_rig *rig;
	static int32_t in[4000];
	static int16_t out[4000];
	double sum = 0;

	conf.dither = dither;
	rig = flow_rig_pull(&conf);
	for (size_t i = 0; i < 4000; i++)
		in[i] = 100 * 65536 + 65536 / 4;
	flow_rig_write(rig, in, 4000);
	assert_int_equal(flow_rig_take(rig, out, 4000), 4000);
	for (size_t i = 0; i < 4000; i++)
		sum += out[i];
	flow_rig_close(rig);
	return sum / 4000;
}

static void test_narrower_formats_are_dithered_if_wanted(void **state)
{
	assert_true(mean_of_half_a_step(false) == 100);
	assert_true(fabs(mean_of_half_a_step(true) - 100.25) < 0.1);
}

/* Moving samples from place to place loses nothing, folding does. */
static void test_dither_knows_a_copy_from_a_sum(void **state)
{
	struct vmsnd_flow_conf up = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 1);
	struct vmsnd_flow_conf down = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	struct flow_rig *rig;
	int16_t in[1000], out[2000];
	unsigned changed = 0;

	up.to.channels = 2;
	rig = flow_rig_pull(&up);
	fill_random((unsigned char *)in, sizeof(in));
	flow_rig_write(rig, in, 1000);
	assert_int_equal(flow_rig_take(rig, out, 1000), 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_true(out[2 * i] == in[i] && out[2 * i + 1] == in[i]);
	flow_rig_close(rig);

	down.to.channels = 1;
	rig = flow_rig_pull(&down);
	memset(in, 0, sizeof(in));
	flow_rig_write(rig, in, 500);
	assert_int_equal(flow_rig_take(rig, out, 500), 500);
	for (size_t i = 0; i < 500; i++)
		changed += out[i] != 0;
	assert_in_range(changed, 50, 450);
	flow_rig_close(rig);
}

static void mix_a_little_rt(void *ctx, double *samples, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++)
		samples[i] += 0.25 / 32768;
}

/* A level of S16 through a flow to S16: true when what comes out at the end is no level. */
static bool is_dithered(struct vmsnd_flow_conf *conf, bool mixed)
{
	struct flow_rig *rig;
	struct vmsnd_flow_block block = {.frames = 2000, .mix_rt = mixed ? mix_a_little_rt : NULL};
	int16_t samples[2000];
	uint32_t lost, made;
	bool differs = false;

	for (size_t i = 0; i < 2000; i++)
		samples[i] = 10001;
	block.samples = samples;
	rig = flow_rig_push(conf);
	made = vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost);
	assert_in_range(made, 1900, 2000);
	flow_rig_read(rig, samples, made);
	for (size_t i = 1000; i < made; i++)
		differs |= samples[i] != samples[999];
	flow_rig_close(rig);
	return differs;
}

static void test_dither_is_where_new_values_are_made(void **state)
{
	struct vmsnd_flow_conf plain = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 1);
	struct vmsnd_flow_conf softer = plain, bent = plain, swapped = plain;

	assert_false(is_dithered(&plain, false));
	assert_true(is_dithered(&plain, true));
	softer.volume.gain_mdb = -1;
	assert_true(is_dithered(&softer, false));
	bent.bend = true;
	bent.rates = &vmsnd_resampler_samplerate;
	assert_true(is_dithered(&bent, false));
	softer.dither = bent.dither = plain.dither = false;
	assert_false(is_dithered(&plain, true));
	assert_false(is_dithered(&softer, false));
	assert_false(is_dithered(&bent, false));
	/* Only the order of bytes changes. */
	swapped.from.big_endian = true;
	assert_false(is_dithered(&swapped, false));
}

/* ---- loudness ---- */

#define LEVEL 16000

static void put_level(struct flow_rig *rig)
{
	int16_t in[480 * 2];

	for (size_t i = 0; i < 480 * 2; i++)
		in[i] = LEVEL;
	assert_int_equal(flow_rig_write(rig, in, 480), 480);
}

/* From the exact path to gain and back: no step larger than the ramp's, and the bytes are the same
 * again right behind the ramp. 10 ms of ramp are 480 frames here. */
static void test_loudness_changes_without_a_step(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	struct vmsnd_volume quiet = {.gain_mdb = -6020}, loud = {0};
	struct flow_rig *rig;
	int16_t out[480 * 2], last = LEVEL;

	conf.dither = false;
	rig = flow_rig_pull(&conf);
	for (unsigned block = 0; block < 8; block++) {
		if (block == 2)
			vmsnd_gain_set(&rig->flow.gain, &quiet);
		if (block == 5)
			vmsnd_gain_set(&rig->flow.gain, &loud);
		assert_int_equal(vmsnd_flow_exact_rt(&rig->flow), block < 2 || block > 5);
		put_level(rig);
		assert_int_equal(flow_rig_take(rig, out, 480), 480);
		for (size_t i = 0; i < 480 * 2; i++) {
			assert_true(abs(out[i] - last) <= LEVEL / 2 / 480 + 1);
			last = out[i];
		}
		/* The change is in the first frame of the block after it. */
		if (block == 2)
			assert_true(out[0] < LEVEL);
		if (block == 3 || block == 4)
			assert_in_range(out[0], LEVEL / 2 - 1, LEVEL / 2 + 1);
		if (block < 2 || block > 5)
			assert_true(out[0] == LEVEL && out[959] == LEVEL);
	}
	flow_rig_close(rig);
}

static void test_muted_is_silent_and_starts_so(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	struct flow_rig *rig;
	int16_t out[480 * 2];

	conf.volume.muted = 2;
	conf.dither = false;
	rig = flow_rig_pull(&conf);
	put_level(rig);
	assert_int_equal(flow_rig_take(rig, out, 480), 480);
	for (size_t i = 0; i < 480; i++)
		assert_true(out[2 * i] == LEVEL && out[2 * i + 1] == 0);
	flow_rig_close(rig);
}

/* ---- mixing ---- */

/* Other sources: a flow of its own each, as the connector has it. */
struct others {
	struct flow_rig *rig;
	uint32_t frames;
};

static void mix_others_rt(void *ctx, double *samples, uint32_t frames)
{
	struct others *others = ctx;
	uint32_t taken;

	others->frames += frames;
	vmsnd_flow_pull_mix_rt(&others->rig->flow, &others->rig->reader, samples, frames, &taken);
}

/* Both mono S16, mixed while one is pushed. */
static void mixed(const int16_t *one, const int16_t *other, int16_t *sum, uint32_t frames)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 1);
	struct flow_rig *rig;
	struct others others = {0};
	struct vmsnd_flow_block block = {
	    .samples = one, .frames = frames, .mix_rt = mix_others_rt, .ctx = &others};
	uint32_t lost;

	conf.dither = false;
	rig = flow_rig_push(&conf);
	others.rig = flow_rig_pull(&conf);
	flow_rig_write(others.rig, other, frames);
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), frames);
	assert_int_equal(others.frames, frames);
	assert_int_equal(flow_rig_read(rig, sum, frames), frames);
	flow_rig_close(others.rig);
	flow_rig_close(rig);
}

/* MX-13: the reference takes half the sum, and all of one where the other is zero. */
static void test_MX_13_a_sum_is_a_sum_at_every_sample(void **state)
{
	static int16_t one[1000], other[1000], sum[1000];

	for (int i = 0; i < 1000; i++) {
		one[i] = (int16_t)(8000 + i);
		/* Crosses zero, and rests there. */
		other[i] = (int16_t)(i % 100 < 50 ? 0 : 200 * (i % 100 - 75));
	}
	mixed(one, other, sum, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sum[i], one[i] + other[i]);
}

static void test_MX_13_half_and_half_is_full(void **state)
{
	static int16_t half[1000], sum[1000];

	for (int i = 0; i < 1000; i++)
		half[i] = i & 1 ? 0x4000 : -0x4000;
	mixed(half, half, sum, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(sum[i], i & 1 ? INT16_MAX : INT16_MIN);
}

static void test_MX_13_full_and_full_saturates(void **state)
{
	static int16_t full[1000], sum[1000];

	for (int i = 0; i < 1000; i++)
		full[i] = i & 1 ? INT16_MAX : INT16_MIN;
	mixed(full, full, sum, 1000);
	assert_memory_equal(full, sum, sizeof(full));
}

/* A source that has less than was asked adds what it has. */
static void test_a_source_that_runs_dry_adds_silence(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_FLOAT64, 2);
	struct flow_rig *rig = flow_rig_pull(&conf);
	double mix[480 * 2];
	uint32_t taken;

	for (size_t i = 0; i < 480 * 2; i++)
		mix[i] = 0.25;
	put_level(rig);
	flow_rig_read(rig, rig->out, 400);
	assert_int_equal(vmsnd_flow_pull_mix_rt(&rig->flow, &rig->reader, mix, 480, &taken), 80);
	assert_int_equal(taken, 80);
	for (size_t i = 0; i < 480 * 2; i++)
		assert_true(mix[i] == (i < 160 ? 0.25 + LEVEL / 32768.0 : 0.25));
	flow_rig_close(rig);
}

/* ---- rings that are full ---- */

static void check_full(const struct vmsnd_flow_conf *conf, struct others *others)
{
	struct flow_rig *rig = flow_rig_push(conf);
	static int16_t in[3000 * 2], out[RIG_FRAMES * 2];
	struct vmsnd_flow_block block = {
	    .samples = in, .frames = 3000, .mix_rt = others ? mix_others_rt : NULL, .ctx = others};
	uint32_t lost, room = RIG_FRAMES - 3000;

	for (size_t i = 0; i < 3000 * 2; i++)
		in[i] = (int16_t)i;
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), 3000);
	assert_int_equal(lost, 0);
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), room);
	assert_int_equal(lost, 3000 - room);
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), 0);
	assert_int_equal(lost, 3000);
	/* The newest were lost; what is there is whole. */
	assert_int_equal(flow_rig_read(rig, out, RIG_FRAMES), RIG_FRAMES);
	assert_memory_equal(out, in, 3000 * 4);
	assert_memory_equal(out + 3000 * 2, in, room * 4);
	flow_rig_close(rig);
}

static void test_push_counts_what_finds_no_room(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	struct others others = {0};

	conf.dither = false;
	check_full(&conf, NULL);
	/* Through the mixer: the time of the other sources goes on. */
	others.rig = flow_rig_pull(&conf);
	check_full(&conf, &others);
	assert_int_equal(others.frames, 9000);
	flow_rig_close(others.rig);
}

static void test_push_of_nothing_is_silence(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_U8, VMSND_SAMPLE_U8, 2);
	struct vmsnd_flow_block block = {.frames = 1000};

	for (unsigned exact = 0; exact < 2; exact++) {
		struct flow_rig *rig;
		unsigned char out[2000];
		uint32_t lost;

		conf.volume.gain_mdb = exact ? 0 : -6000;
		conf.dither = false;
		rig = flow_rig_push(&conf);
		assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), 1000);
		assert_int_equal(flow_rig_read(rig, out, 1000), 1000);
		for (size_t i = 0; i < 2000; i++)
			assert_int_equal(out[i], 0x80);
		flow_rig_close(rig);
	}
}

/* ---- opening ---- */

static void test_open_refuses_what_it_cannot_do(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	static struct vmsnd_flow flow;

	conf.to.rate_hz = 44100;
	assert_int_equal(vmsnd_flow_open(&flow, &conf), VMSND_E_UNSUPPORTED);
	conf.to.rate_hz = 0;
	assert_int_equal(vmsnd_flow_open(&flow, &conf), VMSND_E_INVALID);
	conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_COUNT, 2);
	assert_int_equal(vmsnd_flow_open(&flow, &conf), VMSND_E_INVALID);
	memset(&flow, 0, sizeof(flow));
	vmsnd_flow_close(&flow);
}

/* Without a converter there is nothing to bend with, and nothing is lost. */
static void test_without_a_converter_nothing_is_bent(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 2);
	struct flow_rig *rig;
	int16_t out[480 * 2];

	conf.bend = true;
	rig = flow_rig_pull(&conf);
	vmsnd_flow_bend_rt(&rig->flow, 1.01);
	assert_true(vmsnd_flow_exact_rt(&rig->flow));
	put_level(rig);
	assert_int_equal(flow_rig_take(rig, out, 480), 480);
	assert_int_equal(vmsnd_flow_drain_rt(&rig->flow, out, 480), 0);
	flow_rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_equal_formats_are_the_same_bytes),
	    cmocka_unit_test(test_wider_formats_lose_nothing_and_get_no_dither),
	    cmocka_unit_test(test_narrower_formats_are_dithered_if_wanted),
	    cmocka_unit_test(test_dither_knows_a_copy_from_a_sum),
	    cmocka_unit_test(test_dither_is_where_new_values_are_made),
	    cmocka_unit_test(test_loudness_changes_without_a_step),
	    cmocka_unit_test(test_muted_is_silent_and_starts_so),
	    cmocka_unit_test(test_MX_13_a_sum_is_a_sum_at_every_sample),
	    cmocka_unit_test(test_MX_13_half_and_half_is_full),
	    cmocka_unit_test(test_MX_13_full_and_full_saturates),
	    cmocka_unit_test(test_a_source_that_runs_dry_adds_silence),
	    cmocka_unit_test(test_push_counts_what_finds_no_room),
	    cmocka_unit_test(test_push_of_nothing_is_silence),
	    cmocka_unit_test(test_open_refuses_what_it_cannot_do),
	    cmocka_unit_test(test_without_a_converter_nothing_is_bent),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
