/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrices by layout, then the sums. Each matrix is compared whole: what is not named is zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pcm/remix.h"

#define P(name) VMSND_POSITION_##name
#define HALF    0.70710678118654752

static struct vmsnd_format layout(uint32_t channels, const uint8_t *positions)
{
	struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = channels};

	if (positions)
		memcpy(format.positions, positions, channels);
	assert_int_not_equal(vmsnd_format_frame_bytes(&format), 0);
	return format;
}

struct remix_case {
	uint32_t from, to;
	const uint8_t *from_positions, *to_positions; /* NULL: the usual */
	double gains[8][8];                           /* [to][from] */
};

static void check(const struct remix_case *row)
{
	struct vmsnd_format from = layout(row->from, row->from_positions);
	struct vmsnd_format to = layout(row->to, row->to_positions);
	struct vmsnd_remix remix;

	vmsnd_remix_init(&remix, &from, &to);
	assert_int_equal(remix.from_channels, row->from);
	assert_int_equal(remix.to_channels, row->to);
	for (uint32_t i = 0; i < row->to; i++)
		for (uint32_t k = 0; k < row->from; k++)
			if (fabs((double)remix.gains[i][k] - row->gains[i][k]) > 1e-7)
				fail_msg("%u to %u: [%u][%u] is %f, not %f", row->from, row->to, i,
					 k, (double)remix.gains[i][k], row->gains[i][k]);
}

/* MX-12: 5.1 to stereo lost centre, LFE and rears. */
static void test_MX_12_down_by_BS_775(void **state)
{
	static const uint8_t surround_side[] = {P(FL), P(FR), P(FC), P(LFE), P(SL), P(SR)};
	static const uint8_t centre[] = {P(FC)};
	static const struct remix_case cases[] = {
	    /* 5.1, rears or sides, and 5.0, 4.0, 3.0 to stereo */
	    {6, 2, NULL, NULL, {{1, 0, HALF, HALF, HALF, 0}, {0, 1, HALF, HALF, 0, HALF}}},
	    {6, 2, surround_side, NULL, {{1, 0, HALF, HALF, HALF, 0}, {0, 1, HALF, HALF, 0, HALF}}},
	    {5, 2, NULL, NULL, {{1, 0, HALF, HALF, 0}, {0, 1, HALF, 0, HALF}}},
	    {4, 2, NULL, NULL, {{1, 0, HALF, 0}, {0, 1, 0, HALF}}},
	    {3, 2, NULL, NULL, {{1, 0, HALF}, {0, 1, HALF}}},
	    /* 6.1 and 7.1 to stereo */
	    {7, 2, NULL, NULL, {{1, 0, HALF, HALF, .5, HALF, 0}, {0, 1, HALF, HALF, .5, 0, HALF}}},
	    {8,
	     2,
	     NULL,
	     NULL,
	     {{1, 0, HALF, HALF, HALF, 0, HALF, 0}, {0, 1, HALF, HALF, 0, HALF, 0, HALF}}},
	    /* to mono: half of what left and right would be together */
	    {2, 1, NULL, NULL, {{.5, .5}}},
	    {3, 1, NULL, NULL, {{.5, .5, HALF}}},
	    {6, 1, NULL, NULL, {{.5, .5, HALF, HALF, HALF / 2, HALF / 2}}},
	    {2, 1, NULL, centre, {{HALF, HALF}}},
	    /* 7.1 and 6.1 to 5.1: the sides join the rears, or move there */
	    {8,
	     6,
	     NULL,
	     NULL,
	     {{1},
	      {0, 1},
	      {0, 0, 1},
	      {0, 0, 0, 1},
	      {0, 0, 0, 0, 1, 0, HALF},
	      {0, 0, 0, 0, 0, 1, 0, HALF}}},
	    {7,
	     6,
	     NULL,
	     NULL,
	     {{1},
	      {0, 1},
	      {0, 0, 1},
	      {0, 0, 0, 1},
	      {0, 0, 0, 0, HALF, 1},
	      {0, 0, 0, 0, HALF, 0, 1}}},
	    /* 5.1 to quad, and to 5.1 with sides */
	    {6,
	     4,
	     NULL,
	     NULL,
	     {{1, 0, HALF, HALF}, {0, 1, HALF, HALF}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}},
	    {6,
	     6,
	     NULL,
	     surround_side,
	     {{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

static void test_MX_12_up_invents_nothing(void **state)
{
	static const uint8_t centre[] = {P(FC)}, rears[] = {P(RL), P(RR), P(LFE)};
	static const struct remix_case cases[] = {
	    {1, 2, NULL, NULL, {{1}, {1}}},
	    {1, 6, NULL, NULL, {{1}, {1}}},
	    {1, 1, NULL, centre, {{1}}},
	    {1, 1, centre, NULL, {{1}}},
	    {1, 3, centre, NULL, {{0}, {0}, {1}}},
	    {1, 3, NULL, rears, {{1}, {1}, {0}}},
	    {2, 6, NULL, NULL, {{1, 0}, {0, 1}}},
	    {2, 8, NULL, NULL, {{1, 0}, {0, 1}}},
	    {6,
	     8,
	     NULL,
	     NULL,
	     {{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

static void test_MX_11_by_position_not_by_number(void **state)
{
	static const uint8_t swapped[] = {P(FR), P(FL)};
	static const uint8_t alsa[] = {P(FL), P(FR), P(RL), P(RR), P(FC), P(LFE)};
	static const struct remix_case cases[] = {
	    {2, 2, NULL, swapped, {{0, 1}, {1, 0}}},
	    {6,
	     6,
	     NULL,
	     alsa,
	     {{1}, {0, 1}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}, {0, 0, 1}, {0, 0, 0, 1}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

static void test_MX_11_none_other_and_tops(void **state)
{
	static const uint8_t none[] = {P(FL), P(NONE), P(FR)}, other[] = {P(OTHER), P(OTHER)};
	static const uint8_t tops[] = {P(FL), P(FR), P(TFL), P(TFR)},
			     only_tops[] = {P(TFL), P(TFR)};
	static const uint8_t wide[] = {P(FL), P(FR), P(FLC), P(FRC)};
	static const struct remix_case cases[] = {
	    {3, 2, none, NULL, {{1, 0, 0}, {0, 0, 1}}},
	    {2, 3, NULL, none, {{1, 0}, {0, 0}, {0, 1}}},
	    {2, 2, other, NULL, {{1, 0}, {0, 1}}},
	    {2, 1, other, NULL, {{1, 0}}},
	    {2, 2, NULL, other, {{1, 0}, {0, 1}}},
	    {1, 2, NULL, other, {{1}, {0}}},
	    {4, 2, tops, NULL, {{1, 0, HALF, 0}, {0, 1, 0, HALF}}},
	    {2, 2, only_tops, NULL, {{1, 0}, {0, 1}}},
	    {4, 2, wide, NULL, {{1, 0, HALF, 0}, {0, 1, 0, HALF}}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

/* No sound of the eighteen is lost on the way to stereo or mono, and none is louder than it was;
 * left and right stay mirror images. */
static void test_no_position_is_lost(void **state)
{
	static const uint8_t mirror[][2] = {{P(FL), P(FR)}, {P(RL), P(RR)},   {P(FLC), P(FRC)},
					    {P(SL), P(SR)}, {P(TFL), P(TFR)}, {P(TRL), P(TRR)}};
	static const uint32_t to_channels[] = {1, 2, 3, 4, 5, 6, 7, 8};

	for (size_t t = 0; t < sizeof(to_channels) / sizeof(to_channels[0]); t++) {
		struct vmsnd_format from = layout(VMSND_CHANNELS_MAX, NULL);
		struct vmsnd_format to = layout(to_channels[t], NULL);
		float power[VMSND_POSITION_COUNT] = {0};
		struct vmsnd_remix remix;

		vmsnd_remix_init(&remix, &from, &to);
		for (uint32_t k = 0; k < from.channels; k++) {
			float *sum = &power[vmsnd_format_position(&from, k)];

			for (uint32_t i = 0; i < to.channels; i++)
				*sum += remix.gains[i][k] * remix.gains[i][k];
			assert_true(*sum > 0.05f && *sum < 1.001f);
		}
		for (size_t m = 0; m < sizeof(mirror) / sizeof(mirror[0]); m++)
			assert_true(power[mirror[m][0]] == power[mirror[m][1]]);
	}
}

static void test_identity(void **state)
{
	static const uint8_t none[] = {P(FL), P(NONE), P(OTHER)};
	struct vmsnd_remix remix;
	double in[54], out[54] = {0};

	for (unsigned i = 0; i < 54; i++)
		in[i] = i * 0.37 - 3;
	for (uint32_t n = 1; n <= VMSND_CHANNELS_MAX; n++) {
		struct vmsnd_format format = layout(n, NULL);

		vmsnd_remix_init(&remix, &format, &format);
		assert_true(remix.identity);
		vmsnd_remix_rt(&remix, out, in, 3);
		assert_memory_equal(out, in, n * 3 * sizeof(in[0]));
		vmsnd_remix_rt(&remix, in, in, 3);
		assert_memory_equal(out, in, n * 3 * sizeof(in[0]));
	}
	vmsnd_remix_init(
	    &remix, &(struct vmsnd_format){.channels = 3, .positions = {P(FL), P(NONE), P(OTHER)}},
	    &(struct vmsnd_format){.channels = 3, .positions = {P(FL), P(NONE), P(OTHER)}});
	assert_true(remix.identity);
	vmsnd_remix_init(
	    &remix, &(struct vmsnd_format){.channels = 3},
	    &(struct vmsnd_format){.channels = 3, .positions = {none[0], none[1], none[2]}});
	assert_false(remix.identity);
	vmsnd_remix_init(&remix, &(struct vmsnd_format){.channels = 2},
			 &(struct vmsnd_format){.channels = 2, .positions = {P(FR), P(FL)}});
	assert_false(remix.identity);
}

/* Every pair of layouts: the sums are the matrix's, frame by frame, and no byte beyond. */
static void test_sums_are_the_matrix(void **state)
{
	double in[VMSND_CHANNELS_MAX * 5], out[VMSND_CHANNELS_MAX * 5 + 1];

	for (unsigned i = 0; i < VMSND_CHANNELS_MAX * 5; i++)
		in[i] = sin(i * 1.7);
	for (uint32_t n = 0; n < VMSND_CHANNELS_MAX * VMSND_CHANNELS_MAX; n++) {
		struct vmsnd_format from = layout(1 + n % VMSND_CHANNELS_MAX, NULL);
		struct vmsnd_format to = layout(1 + n / VMSND_CHANNELS_MAX, NULL);
		struct vmsnd_remix remix;

		vmsnd_remix_init(&remix, &from, &to);
		out[5 * to.channels] = 77;
		vmsnd_remix_rt(&remix, out, in, 5);
		assert_true(out[5 * to.channels] == 77);
		for (uint32_t i = 0; i < 5 * to.channels; i++) {
			double sum = 0;

			for (uint32_t k = 0; k < from.channels; k++)
				sum += in[i / to.channels * from.channels + k] *
				       (double)remix.gains[i % to.channels][k];
			assert_true(fabs(out[i] - sum) < 1e-12);
		}
	}
}

/* MX-12, MX-13: an average that becomes a copy when one sample is zero jumps there. */
static void test_MX_13_mono_does_not_jump_at_a_zero_crossing(void **state)
{
	struct vmsnd_format stereo = layout(2, NULL), mono = layout(1, NULL);
	const double in[] = {0.8, 0.001, 0.8, 0, 0.8, -0.001, 1, 1, -1, -1};
	const double want[] = {0.4005, 0.4, 0.3995, 1, -1};
	struct vmsnd_remix down, up;
	double out[5], wide[10];

	vmsnd_remix_init(&down, &stereo, &mono);
	vmsnd_remix_rt(&down, out, in, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_true(fabs(out[i] - want[i]) < 1e-12);
	vmsnd_remix_init(&up, &mono, &stereo);
	vmsnd_remix_rt(&up, wide, out, 5);
	for (unsigned i = 0; i < 10; i++)
		assert_true(wide[i] == out[i / 2]);
}

/* What does not go anywhere does no harm either: infinity times nothing is nothing. */
static void test_a_channel_that_is_not_mixed_cannot_spoil_others(void **state)
{
	static const uint8_t none[] = {P(FL), P(FR), P(NONE)};
	struct vmsnd_format from = layout(3, none), to = layout(2, NULL);
	const double in[] = {0.25, 0.5, INFINITY};
	struct vmsnd_remix remix;
	double out[2];

	vmsnd_remix_init(&remix, &from, &to);
	vmsnd_remix_rt(&remix, out, in, 1);
	assert_true(out[0] == 0.25 && out[1] == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_12_down_by_BS_775),
	    cmocka_unit_test(test_MX_12_up_invents_nothing),
	    cmocka_unit_test(test_MX_11_by_position_not_by_number),
	    cmocka_unit_test(test_MX_11_none_other_and_tops),
	    cmocka_unit_test(test_no_position_is_lost),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_sums_are_the_matrix),
	    cmocka_unit_test(test_MX_13_mono_does_not_jump_at_a_zero_crossing),
	    cmocka_unit_test(test_a_channel_that_is_not_mixed_cannot_spoil_others),
	};

	return cmocka_run_group_tests_name("remix", tests, NULL, NULL);
}
