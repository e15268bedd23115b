/* SPDX-License-Identifier: BSD-3-Clause */
/* A day of playing: unit 0's clock is 200 ppm fast, a follower's 200 ppm slow. Nothing is lost,
 * nothing repeated, no ring runs dry; and a minute of a sine shows what following does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "day_rig.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature) /* clang's way to say so */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define HOURS 1u /* sanitizers would take minutes for a day */
#else
#define HOURS 24u
#endif
#define DAY_RATE  8000u
#define PERIOD    160u /* 20 ms */
#define TONE_RATE 48000u
#define TONE_HZ   1000.0
#define TURN      6.283185307179586
#define WINDOW    24000u /* half a second at a time is judged */
#define SETTLE_S  300u   /* until the clocks are known to a hundredth of a ppm */

extern const struct vmsnd_resampler_class sim_rates;

/* Any bits: unit 0 has to bring them as they are. */
static int16_t bits_of(uint64_t number)
{
	return (int16_t)(((uint32_t)number * 2654435761u) >> 16);
}

static void play_bits(struct day_rig *rig, void *to, uint64_t at, uint32_t frames)
{
	int16_t *samples = to;

	for (uint32_t i = 0; i < frames; i++)
		samples[i] = bits_of(at + i);
}

static void hear_bits(struct vmsnd_backend *host, const void *samples, uint32_t frames)
{
	const int16_t *at = samples;
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < frames; i++)
		wrong += at[i] != bits_of(host->frames + i);
	if (wrong)
		fail_msg("%u frames are wrong after %.3f s", wrong,
			 (double)(host->rig->now - host->rig->start) / 1e9);
}

static void hear_nothing(struct vmsnd_backend *host, const void *samples, uint32_t frames)
{
}

/* The follower's converter is a quick one here: what is tried is whether it keeps up. */
static void test_MX_39_a_day_on_two_clocks(void **state)
{
	static struct day_rig rig;
	struct vmsnd_lun_status first, other;

	rig.params = (struct vmsnd_stream_params){
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = DAY_RATE, .channels = 1},
	    .buffer_frames = 4 * PERIOD,
	    .period_frames = PERIOD};
	rig.play = play_bits;
	rig.hosts[0] = (struct vmsnd_backend){.rig = &rig,
					      .ppm = 200,
					      .block_frames = PERIOD,
					      .hear = hear_bits,
					      .jitter_ns = 900000};
	rig.hosts[1] = (struct vmsnd_backend){.rig = &rig,
					      .ppm = -200,
					      .block_frames = 147,
					      .hear = hear_nothing,
					      .jitter_ns = 900000};
	day_open(&rig, &sim_rates, VMSND_QUALITY_FASTEST);
	day_run(&rig, HOURS * 3600 * SECOND);
	first = day_status(&rig, 0);
	other = day_status(&rig, 1);
	print_message("# unit 0: fill %u..%u of aim %u, drift %.2f ppm; unit 1: ring %u..%u, bend "
		      "%.2f ppm\n",
		      rig.fill_min, rig.fill_max, 2 * PERIOD, first.drift_ppm,
		      other.fill_min_frames, other.fill_max_frames, other.bend_ppm);
	assert_true(first.exact);
	assert_int_equal(first.xruns, 0);
	assert_int_equal(first.dropped_frames, 0);
	assert_in_range(rig.fill_min, PERIOD, 2 * PERIOD);
	assert_in_range(rig.fill_max, 2 * PERIOD, 3 * PERIOD);
	assert_true(fabs(first.drift_ppm - 200) < 5);
	assert_int_equal(other.xruns, 0);
	assert_int_equal(other.dropped_frames, 0);
	assert_true(rig.hosts[0].frames > (uint64_t)HOURS * 3600 * DAY_RATE);
	assert_true(rig.hosts[1].frames < (uint64_t)HOURS * 3600 * DAY_RATE);
	day_close(&rig);
}

/* ---- what a follower does to a sine ------------------------------------------------------- */

struct tone {
	double *heard;
	uint64_t frames, room;
};

static void play_tone(struct day_rig *rig, void *to, uint64_t at, uint32_t frames)
{
	float *samples = to;

	for (uint32_t i = 0; i < frames; i++)
		samples[i] = (float)(0.5 * sin(TURN * TONE_HZ / TONE_RATE * (double)(at + i)));
}

static void hear_tone(struct vmsnd_backend *host, const void *samples, uint32_t frames)
{
	struct tone *tone = host->ctx;
	const float *at = samples;

	for (uint32_t i = 0; i < frames && tone->frames < tone->room; i++)
		tone->heard[tone->frames++] = (double)at[i];
}

/* Least squares of a sine of this frequency and a constant; returns what is left over. */
static double left_over(const double *at, double step, double *phase_error)
{
	double cc = 0, ss = 0, cs = 0, xc = 0, xs = 0, rest = 0, a, b, slope = 0, weight = 0;

	for (uint32_t i = 0; i < WINDOW; i++) {
		double c = cos(step * i), s = sin(step * i);

		cc += c * c;
		ss += s * s;
		cs += c * s;
		xc += at[i] * c;
		xs += at[i] * s;
	}
	a = (xc * ss - xs * cs) / (cc * ss - cs * cs);
	b = (xs * cc - xc * cs) / (cc * ss - cs * cs);
	for (uint32_t i = 0; i < WINDOW; i++) {
		double c = cos(step * i), s = sin(step * i), off = i - WINDOW / 2.0;
		double error = at[i] - a * c - b * s, turned = b * c - a * s;

		rest += error * error;
		slope += error * turned * off;
		weight += turned * turned * off * off;
	}
	*phase_error = slope / weight;
	return sqrt(rest / WINDOW) / sqrt((a * a + b * b) / 2);
}

/* The frequency is what the follower made of it; noise and distortion are what is left. */
static double thd_n_db(const double *at)
{
	double step = TURN * TONE_HZ / TONE_RATE * 1.0004, error, rest = 1;

	for (unsigned i = 0; i < 6; i++) {
		rest = left_over(at, step, &error);
		step += error;
	}
	return 20 * log10(rest);
}

static void test_MX_39_a_sine_through_a_follower(void **state)
{
	static struct day_rig rig;
	struct tone tone = {.room = 61 * TONE_RATE};
	struct vmsnd_lun_status other;
	double worst = -1000;

	tone.heard = malloc(tone.room * sizeof(double));
	assert_non_null(tone.heard);
	rig.params = (struct vmsnd_stream_params){
	    .format = {.sample = VMSND_SAMPLE_FLOAT, .rate_hz = TONE_RATE, .channels = 1},
	    .buffer_frames = 1920,
	    .period_frames = 480};
	rig.play = play_tone;
	rig.hosts[0] = (struct vmsnd_backend){
	    .rig = &rig, .ppm = 200, .block_frames = 480, .hear = hear_nothing};
	rig.hosts[1] = (struct vmsnd_backend){
	    .rig = &rig, .ppm = -200, .block_frames = 441, .hear = hear_tone, .ctx = &tone};
	day_open(&rig, &vmsnd_resampler_samplerate, VMSND_QUALITY_MEDIUM);
	day_run(&rig, SETTLE_S * SECOND);
	tone.frames = 0;
	day_run(&rig, 60 * SECOND);
	other = day_status(&rig, 1);
	assert_int_equal(other.xruns, 0);
	assert_true(tone.frames > 59 * TONE_RATE);
	for (uint64_t at = 0; at + WINDOW <= tone.frames; at += WINDOW)
		worst = fmax(worst, thd_n_db(tone.heard + at));
	print_message("# THD+N of a minute: %.1f dB at worst, bend %.2f ppm\n", worst,
		      other.bend_ppm);
	assert_true(worst < -100);
	day_close(&rig);
	free(tone.heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_39_a_day_on_two_clocks),
	    cmocka_unit_test(test_MX_39_a_sine_through_a_follower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
