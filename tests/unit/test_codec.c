/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels against arithmetic written down a second time: exactness, both byte orders, rounding,
 * saturation, and that every set of instructions gives the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "os/cpu.h"
#include "pcm/codec.h"

#define VALUES 65536u

static const struct format_row {
	enum vmsnd_sample sample;
	uint32_t bytes, bits;
	bool is_signed;
} ints[] = {
    {VMSND_SAMPLE_U8, 1, 8, false},     {VMSND_SAMPLE_S8, 1, 8, true},
    {VMSND_SAMPLE_U16, 2, 16, false},   {VMSND_SAMPLE_S16, 2, 16, true},
    {VMSND_SAMPLE_U18_3, 3, 18, false}, {VMSND_SAMPLE_S18_3, 3, 18, true},
    {VMSND_SAMPLE_U20_3, 3, 20, false}, {VMSND_SAMPLE_S20_3, 3, 20, true},
    {VMSND_SAMPLE_U24_3, 3, 24, false}, {VMSND_SAMPLE_S24_3, 3, 24, true},
    {VMSND_SAMPLE_U20, 4, 20, false},   {VMSND_SAMPLE_S20, 4, 20, true},
    {VMSND_SAMPLE_U24, 4, 24, false},   {VMSND_SAMPLE_S24, 4, 24, true},
    {VMSND_SAMPLE_U32, 4, 32, false},   {VMSND_SAMPLE_S32, 4, 32, true},
};

#define INTS (sizeof(ints) / sizeof(ints[0]))

static double doubles[VALUES], back[VALUES];
static uint8_t raw[VALUES * 8], again[VALUES * 8 + 8];

/* The numbers to try: every one of 16 bits or less, else spread over all and the edges. */
static int64_t value_of(const struct format_row *row, uint32_t i)
{
	int64_t half = INT64_C(1) << (row->bits - 1);

	if (row->bits <= 16)
		return (int64_t)(i & ((UINT32_C(1) << row->bits) - 1)) - half;
	if (i < 64)
		return i - half;
	if (i >= VALUES - 64)
		return half - (int64_t)(VALUES - i);
	if (i >= 30000 && i < 30064)
		return (int64_t)i - 30032;
	return (int64_t)(((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - row->bits)) - half;
}

/* A sample as the enum's comment says, bytes in the order asked for; `junk` on top. */
static void put(const struct format_row *row, uint8_t *at, int64_t value, bool big, uint32_t junk)
{
	uint64_t half = UINT64_C(1) << (row->bits - 1);
	uint32_t word = (uint32_t)(row->is_signed ? (uint64_t)value : (uint64_t)value + half);

	if (row->bits < 32 && junk != 0)
		word = (word & ((UINT32_C(1) << row->bits) - 1)) | junk << row->bits;
	for (uint32_t b = 0; b < row->bytes; b++)
		at[big ? row->bytes - 1 - b : b] = (uint8_t)(word >> (8 * b));
}

static void fill(const struct format_row *row, uint8_t *to, bool big, uint32_t junk)
{
	for (uint32_t i = 0; i < VALUES; i++)
		put(row, to + (size_t)i * row->bytes, value_of(row, i), big, junk * (i + 1));
}

static enum vmsnd_cpu last_cpu(void)
{
	return vmsnd_cpu_best();
}

static void test_MX_10_integers_are_exact_in_both_byte_orders(void **state)
{
	for (size_t f = 0; f < 2 * INTS * (last_cpu() + 1u); f++) {
		const struct format_row *row = &ints[f / 2 % INTS];
		bool big = f % 2 != 0;
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(row->sample, big, (enum vmsnd_cpu)(f / 2 / INTS));

		fill(row, raw, big, 0);
		codec->decode_rt(doubles, raw, VALUES);
		for (uint32_t i = 0; i < VALUES; i++)
			if (doubles[i] != ldexp((double)value_of(row, i), 1 - (int)row->bits))
				fail_msg("%s %u", vmsnd_sample_name(row->sample), i);
		memset(again, 0x55, sizeof(again));
		codec->encode_rt(again, doubles, VALUES);
		assert_memory_equal(again, raw, VALUES * row->bytes);
		assert_int_equal(again[VALUES * row->bytes], 0x55);
	}
}

/* What lies above the bits that count is ignored on the way in, and sign (or zero) on the way
 * out. */
static void test_bits_that_do_not_count(void **state)
{
	unsigned tried = 0;

	for (size_t f = 0; f < 2 * INTS; f++) {
		const struct format_row *row = &ints[f / 2];
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(row->sample, f % 2 != 0, last_cpu());

		if (row->bits == row->bytes * 8)
			continue;
		tried++;
		fill(row, raw, f % 2 != 0, 0x9e3779b1);
		codec->decode_rt(doubles, raw, VALUES);
		codec->encode_rt(again, doubles, VALUES);
		assert_memory_not_equal(again, raw, VALUES * row->bytes);
		fill(row, raw, f % 2 != 0, 0);
		assert_memory_equal(again, raw, VALUES * row->bytes);
	}
	assert_int_equal(tried, 2 * 8);
}

static void widen(const struct format_row *from, enum vmsnd_sample to, bool big)
{
	const struct vmsnd_codec *narrow = vmsnd_codec_find(from->sample, big, last_cpu());
	const struct vmsnd_codec *wide = vmsnd_codec_find(to, !big, last_cpu());

	fill(from, raw, big, 0);
	narrow->decode_rt(doubles, raw, VALUES);
	wide->encode_rt(again, doubles, VALUES);
	memset(back, 0, sizeof(back));
	wide->decode_rt(back, again, VALUES);
	assert_memory_equal(back, doubles, sizeof(back));
	narrow->encode_rt(again, back, VALUES);
	assert_memory_equal(again, raw, VALUES * from->bytes);
}

static void test_MX_10_widening_and_back_gives_what_was_there(void **state)
{
	for (size_t f = 0; f < INTS; f++) {
		for (unsigned to = 0; to <= VMSND_SAMPLE_FLOAT64; to++) {
			if (vmsnd_sample_bits((enum vmsnd_sample)to) < ints[f].bits)
				continue;
			widen(&ints[f], (enum vmsnd_sample)to, false);
			widen(&ints[f], (enum vmsnd_sample)to, true);
		}
	}
}

/* Values in steps of the format, and what they must become. */
static void test_nearest_ties_to_even_and_saturation(void **state)
{
	for (size_t f = 0; f < INTS * (last_cpu() + 1u); f++) {
		const struct format_row *row = &ints[f % INTS];
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(row->sample, false, (enum vmsnd_cpu)(f / INTS));
		double full = ldexp(1, (int)row->bits - 1);
		const struct {
			double in, out;
		} cases[] = {
		    {0.5, 0},
		    {1.5, 2},
		    {2.5, 2},
		    {-0.5, 0},
		    {-1.5, -2},
		    {-2.5, -2},
		    {0.49, 0},
		    {0.51, 1},
		    {-0.51, -1},
		    {full - 1, full - 1},
		    {full - 0.75, full - 1},
		    {full, full - 1},
		    {2 * full, full - 1},
		    {-full, -full},
		    {-full - 0.4, -full},
		    {-2 * full, -full},
		    {DBL_MAX, full - 1},
		    {-DBL_MAX, -full},
		    {INFINITY, full - 1},
		    {-INFINITY, -full},
		    {NAN, 0},
		    {-NAN, 0},
		};

		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			double value = cases[i].in / full;
			uint8_t got[4], want[4];

			codec->encode_rt(got, &value, 1);
			put(row, want, (int64_t)cases[i].out, false, 0);
			assert_memory_equal(got, want, row->bytes);
		}
	}
}

static void test_floats_keep_every_finite_value(void **state)
{
	float singles[VALUES];

	for (unsigned big = 0; big < 2; big++) {
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(VMSND_SAMPLE_FLOAT, big != 0, last_cpu());
		const struct vmsnd_codec *other =
		    vmsnd_codec_find(VMSND_SAMPLE_FLOAT64, big != 0, last_cpu());

		for (uint32_t i = 0; i < VALUES; i++) {
			uint32_t bits = (i + 1) * UINT32_C(0x9e3779b1);

			bits =
			    (bits & 0x7f800000) == 0x7f800000 ? bits & ~UINT32_C(0x40000000) : bits;
			memcpy(&singles[i], &bits, sizeof(bits));
			for (unsigned b = 0; b < 4; b++)
				raw[4 * i + (big ? 3 - b : b)] = (uint8_t)(bits >> (8 * b));
		}
		codec->decode_rt(doubles, raw, VALUES);
		for (uint32_t i = 0; i < VALUES; i++)
			assert_true(doubles[i] == (double)singles[i]);
		codec->encode_rt(again, doubles, VALUES);
		assert_memory_equal(again, raw, VALUES * 4);
		for (uint32_t i = 0; i < VALUES; i++)
			doubles[i] = nextafter(doubles[i] * 3.7, 1.0);
		other->encode_rt(raw, doubles, VALUES);
		for (unsigned b = 0; b < 8; b++)
			assert_int_equal(raw[8 * 77 + (big ? 7 - b : b)],
					 ((const uint8_t *)&doubles[77])[b]);
		other->decode_rt(back, raw, VALUES);
		assert_memory_equal(back, doubles, sizeof(back));
	}
}

static void test_floats_that_are_no_sound(void **state)
{
	static const double in[] = {NAN, -NAN, INFINITY, -INFINITY, DBL_MAX, 1.5};
	static const float want[] = {0, 0, FLT_MAX, -FLT_MAX, FLT_MAX, 1.5f};
	static const float wild[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX, 1.5f};
	static const double want_wide[] = {0, 0, DBL_MAX, -DBL_MAX, DBL_MAX, 1.5};

	for (enum vmsnd_cpu cpu = 0; cpu <= last_cpu(); cpu++) {
		const struct vmsnd_codec *codec = vmsnd_codec_find(VMSND_SAMPLE_FLOAT, false, cpu);
		const struct vmsnd_codec *wide = vmsnd_codec_find(VMSND_SAMPLE_FLOAT64, false, cpu);
		float got[6];
		double got_wide[6];

		codec->encode_rt(got, in, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_true(got[i] == want[i]);
		wide->encode_rt(got_wide, in, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_true(got_wide[i] == want_wide[i]);
		codec->decode_rt(got_wide, wild, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_true(got_wide[i] == (double)want[i]);
		wide->decode_rt(got_wide, in, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_true(got_wide[i] == want_wide[i]);
	}
}

/* G.711 in integers: the magnitude of a code, in steps of 2^-13 (mu) and 2^-12 (A). */
static int32_t mulaw_magnitude(uint32_t segment_step)
{
	return (int32_t)(((2 * (segment_step & 15) + 33) << (segment_step >> 4)) - 33);
}

static int32_t alaw_magnitude(uint32_t segment_step)
{
	uint32_t step = segment_step & 15, segment = segment_step >> 4;

	return (int32_t)(segment == 0 ? 2 * step + 1 : (2 * step + 33) << (segment - 1));
}

static const struct law {
	enum vmsnd_sample sample;
	uint32_t invert;
	double full;
	int32_t (*magnitude)(uint32_t segment_step);
	bool sign_is_positive; /* a set sign bit, after inverting */
} laws[] = {
    {VMSND_SAMPLE_MULAW, 0xff, 8192, mulaw_magnitude, false},
    {VMSND_SAMPLE_ALAW, 0x55, 4096, alaw_magnitude, true},
};

static void test_g711_all_codes_there_and_back(void **state)
{
	for (unsigned l = 0; l < 2 * (last_cpu() + 1u); l++) {
		const struct law *law = &laws[l % 2];
		const struct vmsnd_codec *codec =
		    vmsnd_codec_find(law->sample, l % 2 != 0, (enum vmsnd_cpu)(l / 2));
		uint8_t codes[256], got[256];
		double values[256];

		for (unsigned i = 0; i < 256; i++)
			codes[i] = (uint8_t)i;
		codec->decode_rt(values, codes, 256);
		for (unsigned i = 0; i < 256; i++) {
			unsigned plain = i ^ law->invert;
			double want = law->magnitude(plain & 0x7f) / law->full;

			want = ((plain & 0x80) != 0) == law->sign_is_positive ? want : -want;
			assert_true(values[i] == want);
		}
		codec->encode_rt(got, values, 256);
		assert_memory_equal(got, codes, 256);
		assert_null(codec->encode_dither_rt);
	}
}

/* The decision values of G.711's tables: in the middle between two values of a segment; where
 * a segment ends, a little below the middle: 31, 95, 223 ... (mu), 64, 128, 256 ... (A). */
static double decision_value(const struct law *law, uint32_t upper)
{
	int32_t end = law->sample == VMSND_SAMPLE_MULAW
			  ? (int32_t)(UINT32_C(32) << (upper >> 4)) - 33
			  : (int32_t)(UINT32_C(16) << (upper >> 4));

	if (upper % 16 == 0 && upper > 16)
		return end;
	if (upper == 16)
		return law->sample == VMSND_SAMPLE_MULAW ? 31 : 32;
	return (law->magnitude(upper) + law->magnitude(upper - 1)) / 2.0;
}

static uint8_t encoded(const struct law *law, enum vmsnd_cpu cpu, double steps)
{
	double value = steps / law->full;
	uint8_t code;

	vmsnd_codec_find(law->sample, false, cpu)->encode_rt(&code, &value, 1);
	return (uint8_t)(code ^ law->invert);
}

static void test_g711_decision_values(void **state)
{
	for (unsigned l = 0; l < 2 * (last_cpu() + 1u); l++) {
		const struct law *law = &laws[l % 2];
		enum vmsnd_cpu cpu = (enum vmsnd_cpu)(l / 2);
		unsigned plus = law->sign_is_positive ? 0x80 : 0, minus = plus ^ 0x80;

		for (uint32_t upper = 1; upper < 128; upper++) {
			double at = decision_value(law, upper);

			assert_int_equal(encoded(law, cpu, at), upper | plus);
			assert_int_equal(encoded(law, cpu, at - 1e-6), (upper - 1) | plus);
			assert_int_equal(encoded(law, cpu, -at), upper | minus);
			assert_int_equal(encoded(law, cpu, 1e-6 - at), (upper - 1) | minus);
		}
		assert_int_equal(encoded(law, cpu, law->full), 127 | plus);
		assert_int_equal(encoded(law, cpu, -law->full), 127 | minus);
		assert_int_equal(encoded(law, cpu, INFINITY), 127 | plus);
		assert_int_equal(encoded(law, cpu, -INFINITY), 127 | minus);
		assert_int_equal(encoded(law, cpu, NAN), plus);
		assert_int_equal(encoded(law, cpu, 0), plus);
	}
	/* Without a zero, the sign of a zero would be heard. */
	assert_int_equal(encoded(&laws[1], VMSND_CPU_BASELINE, -0.0), 0x80);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return *seed ^ *seed >> 15;
}

static void random_doubles(uint32_t seed)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, DBL_MAX, DBL_MIN};

	for (uint32_t i = 0; i < VALUES; i++) {
		double x = (double)(int32_t)next_random(&seed) * 0x1p-31 +
			   (double)next_random(&seed) * 0x1p-60;

		x = ldexp(x, 1 - (int)(next_random(&seed) % 30));
		doubles[i] = i % 97 == 0 ? odd[i / 97 % 9] : x;
	}
}

/* Encoding, dithered and not, and decoding of random bytes, any length. */
static void compare(const struct vmsnd_codec *a, const struct vmsnd_codec *b, uint32_t bytes)
{
	struct vmsnd_dither ours = {{1, 2, 3, 4, 5, 6, 7, 8}}, theirs = ours;

	a->encode_rt(raw, doubles, VALUES);
	b->encode_rt(again, doubles, VALUES);
	assert_memory_equal(again, raw, (size_t)VALUES * bytes);
	assert_true((a->encode_dither_rt == NULL) == (b->encode_dither_rt == NULL));
	for (uint32_t n = 0, at = 0; a->encode_dither_rt && n < 600; at += n, n += 7) {
		a->encode_dither_rt(raw + (size_t)at * bytes, doubles + at, n, &ours);
		b->encode_dither_rt(again + (size_t)at * bytes, doubles + at, n, &theirs);
		assert_memory_equal(again, raw, (size_t)(at + n) * bytes);
	}
	a->decode_rt(back, raw, VALUES);
	b->decode_rt(doubles, raw, VALUES);
	assert_memory_equal(back, doubles, sizeof(back));
}

static void test_every_set_of_instructions_gives_the_same_bytes(void **state)
{
	if (vmsnd_codec_find(VMSND_SAMPLE_S16, false, VMSND_CPU_BASELINE) ==
		vmsnd_codec_find(VMSND_SAMPLE_S16, false, VMSND_CPU_X86_64_V3) ||
	    last_cpu() == VMSND_CPU_BASELINE)
		skip();
	for (unsigned f = 0; f < 2 * VMSND_SAMPLE_IEC958_SUBFRAME; f++) {
		enum vmsnd_sample sample = (enum vmsnd_sample)(f / 2);

		random_doubles(f);
		compare(vmsnd_codec_find(sample, f % 2 != 0, VMSND_CPU_BASELINE),
			vmsnd_codec_find(sample, f % 2 != 0, VMSND_CPU_X86_64_V3),
			vmsnd_sample_bytes(sample));
		for (uint32_t i = 0, seed = f; i < VALUES * 8; i++)
			raw[i] = (uint8_t)next_random(&seed);
		compare(vmsnd_codec_find(sample, f % 2 != 0, VMSND_CPU_BASELINE),
			vmsnd_codec_find(sample, f % 2 != 0, VMSND_CPU_X86_64_V3),
			vmsnd_sample_bytes(sample));
	}
}

/* Vectorised loops have a head and a tail: nothing is written beyond, nothing left out. */
static void test_any_length_and_any_alignment(void **state)
{
	random_doubles(1);
	for (unsigned f = 0; f < 2 * VMSND_SAMPLE_IEC958_SUBFRAME; f++) {
		enum vmsnd_sample sample = (enum vmsnd_sample)(f / 2);
		const struct vmsnd_codec *codec = vmsnd_codec_find(sample, f % 2, last_cpu());
		size_t bytes = vmsnd_sample_bytes(sample);

		codec->encode_rt(raw, doubles, 100);
		for (uint32_t n = 0; n < 100; n++) {
			memset(again, 0xa5, 1000);
			codec->encode_rt(again + 1, doubles, n);
			assert_int_equal(again[0], 0xa5);
			assert_memory_equal(again + 1, raw, n * bytes);
			assert_int_equal(again[1 + n * bytes], 0xa5);
			back[n] = 12345;
			codec->decode_rt(back, again + 1, n);
			assert_true(back[n] == 12345);
		}
	}
}

static void test_MX_13_a_mix_is_a_sum_that_saturates(void **state)
{
	const struct vmsnd_codec *codec = vmsnd_codec_find(VMSND_SAMPLE_S16, false, last_cpu());
	static const int16_t a[] = {0, 1000, 30000, -30000, 20000, -1, 32767};
	static const int16_t b[] = {1000, 0, 10000, -10000, -5000, 1, -32768};
	static const int16_t sum[] = {1000, 1000, 32767, -32768, 15000, 0, -1};
	int16_t got[7];

	for (enum vmsnd_cpu cpu = 0; cpu <= last_cpu(); cpu++) {
		codec->decode_rt(doubles, a, 7);
		codec->decode_rt(back, b, 7);
		vmsnd_mix_add_rt(cpu, doubles, back, 7);
		codec->encode_rt(got, doubles, 7);
		assert_memory_equal(got, sum, sizeof(sum));
	}
}

static void test_what_is_no_format_has_no_codec(void **state)
{
	assert_null(vmsnd_codec_find(VMSND_SAMPLE_COUNT, false, VMSND_CPU_BASELINE));
	assert_null(vmsnd_codec_find((enum vmsnd_sample) - 1, false, VMSND_CPU_BASELINE));
	assert_ptr_equal(vmsnd_codec_find(VMSND_SAMPLE_S16, true, VMSND_CPU_COUNT),
			 vmsnd_codec_find(VMSND_SAMPLE_S16, true, VMSND_CPU_BASELINE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_10_integers_are_exact_in_both_byte_orders),
	    cmocka_unit_test(test_bits_that_do_not_count),
	    cmocka_unit_test(test_MX_10_widening_and_back_gives_what_was_there),
	    cmocka_unit_test(test_nearest_ties_to_even_and_saturation),
	    cmocka_unit_test(test_floats_keep_every_finite_value),
	    cmocka_unit_test(test_floats_that_are_no_sound),
	    cmocka_unit_test(test_g711_all_codes_there_and_back),
	    cmocka_unit_test(test_g711_decision_values),
	    cmocka_unit_test(test_every_set_of_instructions_gives_the_same_bytes),
	    cmocka_unit_test(test_any_length_and_any_alignment),
	    cmocka_unit_test(test_MX_13_a_mix_is_a_sum_that_saturates),
	    cmocka_unit_test(test_what_is_no_format_has_no_codec),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
