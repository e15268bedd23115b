/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop that learns a clock: how soon, how well, and what it outlives. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connector/dll.h"

#define ORIGIN (UINT64_C(9) << 58)
#define HZ     48000u

/* cmocka's is of floats. */
static void near(double got, double want, double by)
{
	if (!(fabs(got - want) <= by))
		print_error("%.9g is not within %g of %.9g\n", got, by, want);
	assert_true(fabs(got - want) <= by);
}

/* A host's clock. */
struct host {
	struct vmsnd_dll dll;
	double ppm, jitter_s;
	uint32_t frames; /* of a block */
	double due_s, at_s;
	uint64_t moved, seed;
};

static double random_unit(struct host *host)
{
	host->seed ^= host->seed << 13;
	host->seed ^= host->seed >> 7;
	host->seed ^= host->seed << 17;
	return (double)(host->seed >> 11) / (double)(UINT64_C(1) << 52) - 1.0;
}

static struct host host_new(double ppm, double jitter_s, uint32_t frames)
{
	struct host host = {
	    .ppm = ppm, .jitter_s = jitter_s, .frames = frames, .seed = 88172645463325252u};

	vmsnd_dll_init(&host.dll, HZ);
	return host;
}

static vmsnd_ns ns(double s)
{
	return ORIGIN + (vmsnd_ns)(s * 1e9);
}

/* A block's time is over; `seen`: and the loop hears of it. */
static void block(struct host *host, bool seen)
{
	host->due_s += host->frames / (HZ * (1 + host->ppm * 1e-6));
	host->at_s = fmax(host->at_s, host->due_s + host->jitter_s * random_unit(host));
	if (!seen)
		return;
	host->moved += host->frames;
	vmsnd_dll_update_rt(&host->dll, host->frames, ns(host->at_s));
}

static void run(struct host *host, double until_s)
{
	while (host->due_s < until_s)
		block(host, true);
}

/* The farthest the pace is off until then. */
static double run_off_ppm(struct host *host, double until_s)
{
	double off = 0;

	while (host->due_s < until_s) {
		block(host, true);
		off = fmax(off, fabs(vmsnd_dll_ppm_rt(&host->dll) - host->ppm));
	}
	return off;
}

static double place_off_frames(const struct host *host)
{
	return vmsnd_dll_frames_at_rt(&host->dll, ns(host->due_s)) - (double)host->moved;
}

static void test_MX_39_locks_from_5000_ppm(void **state)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct host host = host_new(sign * 5000, 0.2e-3, 480);

		run(&host, 3);
		near(vmsnd_dll_ppm_rt(&host.dll), host.ppm, 50);
		run(&host, 20);
		assert_true(run_off_ppm(&host, 60) < 3);
		run(&host, 300);
		assert_true(run_off_ppm(&host, 3600) < 0.1);
	}
}

static void test_MX_39_half_a_block_of_jitter(void **state)
{
	static const uint32_t blocks[] = {64, 256, 441, 480, 1024, 4096};

	for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct host host = host_new(-3000, blocks[i] / 2.0 / HZ, blocks[i]);
		double blocks_in_10_s = 10.0 * HZ / blocks[i];
		/* What a straight line through that noise cannot know better; four times that. */
		double spread = blocks[i] / 2.0 / HZ / sqrt(3);

		run(&host, 10);
		near(vmsnd_dll_ppm_rt(&host.dll), host.ppm,
		     4e6 * spread * sqrt(12 / blocks_in_10_s) / 10);
		run(&host, 400);
		assert_true(run_off_ppm(&host, 2000) < 30.0 * blocks[i] / 4096 + 1);
		assert_true(fabs(place_off_frames(&host)) < blocks[i] / 4.0);
	}
}

static void test_nominal_until_it_knows_and_within_half_a_percent(void **state)
{
	struct host host = host_new(9000, 0, 480);

	assert_true(vmsnd_dll_rate_hz_rt(&host.dll) == HZ);
	run(&host, 0.5);
	assert_true(vmsnd_dll_rate_hz_rt(&host.dll) == HZ);
	assert_true(vmsnd_dll_ppm_rt(&host.dll) == 0);
	run(&host, 20);
	near(vmsnd_dll_rate_hz_rt(&host.dll), HZ * 1.005, 1e-6);
	near(vmsnd_dll_ppm_rt(&host.dll), 9000, 5);
	host = host_new(-9000, 0, 480);
	run(&host, 20);
	near(vmsnd_dll_rate_hz_rt(&host.dll), HZ * 0.995, 1e-6);
}

static void test_a_break_forgets_the_place_and_keeps_the_pace(void **state)
{
	struct host host = host_new(321, 0.1e-3, 480);

	run(&host, 120);
	vmsnd_dll_break_rt(&host.dll);
	near(vmsnd_dll_ppm_rt(&host.dll), 321, 1);
	host.due_s += 1000.123;
	assert_true(run_off_ppm(&host, 1130) < 10);
	assert_true(run_off_ppm(&host, 1500) < 1);
	assert_true(fabs(place_off_frames(&host)) < 5);
}

/* Nobody said that it was stopped for a while. */
static void test_a_long_silence_is_a_break(void **state)
{
	struct host host = host_new(321, 0.1e-3, 480);

	run(&host, 120);
	host.due_s += 2;
	assert_true(run_off_ppm(&host, 130) < 10);
	assert_true(fabs(place_off_frames(&host)) < 5);
}

/* The first block comes late, those after it at once. */
static void test_a_late_start(void **state)
{
	struct host host = host_new(0, 0.1e-3, 480);

	host.at_s = 0.2;
	run(&host, 3);
	assert_true(fabs(place_off_frames(&host)) < 480);
	run(&host, 60);
	assert_true(fabs(place_off_frames(&host)) < 10);
}

/* Nobody said that a block was lost. */
static void test_missed_blocks(void **state)
{
	struct host host = host_new(-100, 0.1e-3, 480);

	run(&host, 300);
	block(&host, false);
	assert_true(run_off_ppm(&host, 1500) < 40);
	assert_true(run_off_ppm(&host, 1600) < 0.2);
	assert_true(fabs(place_off_frames(&host)) < 5);
	for (unsigned i = 0; i < 20; i++) /* these are a place lost */
		block(&host, false);
	run(&host, 1610);
	assert_true(fabs(place_off_frames(&host)) < 10);
	near(vmsnd_dll_ppm_rt(&host.dll), -100, 20);
}

static void test_late_wake_ups_are_no_news(void **state)
{
	struct host host = host_new(50, 0.1e-3, 480);

	run(&host, 300);
	for (unsigned i = 0; i < 100; i++) {
		host.at_s = host.due_s + 0.06; /* the next five come at once */
		assert_true(run_off_ppm(&host, host.due_s + 7) < 3);
	}
}

static void test_another_pace(void **state)
{
	static const double steps_ppm[] = {300, -300, 2000, -8000};

	for (unsigned i = 0; i < 4; i++) {
		struct host host = host_new(-100, 0.2e-3, 480);

		run(&host, 600);
		host.ppm += steps_ppm[i];
		run(&host, 630);
		near(vmsnd_dll_ppm_rt(&host.dll), host.ppm, 5);
		assert_true(fabs(place_off_frames(&host)) < 20);
	}
}

/* Weeks; and a line that is steady to the last digit, were the clock so. */
static void test_weeks(void **state)
{
	struct host host = host_new(123, 0.3e-3, 4800);

	run(&host, 14 * 86400.0);
	assert_true(run_off_ppm(&host, 14 * 86400.0 + 100) < 0.5);
	assert_true(fabs(place_off_frames(&host)) < 10);
	assert_true(host.dll.var_pace > 0 && host.dll.var_place > 0);
}

/* A host that runs a thousand times real time (pace=1000), and a slow one. */
static void test_paces_far_away(void **state)
{
	static const double paces[] = {1000, 10, 0.1};

	for (unsigned i = 0; i < 3; i++) {
		struct host host = host_new((paces[i] - 1) * 1e6, 0, 480);

		while (host.moved < 60 * HZ) {
			block(&host, true);
			assert_true(vmsnd_dll_rate_hz_rt(&host.dll) >= HZ * 0.995);
			assert_true(vmsnd_dll_rate_hz_rt(&host.dll) <= HZ * 1.005);
		}
		near(vmsnd_dll_ppm_rt(&host.dll) / host.ppm, 1, 0.01);
	}
}

/* Times that make no sense leave numbers that do. */
static void test_times_without_sense(void **state)
{
	struct host host = host_new(0, 0, 480);
	struct vmsnd_dll *dll = &host.dll;

	for (unsigned i = 0; i < 100000; i++) {
		vmsnd_ns now = ORIGIN;

		random_unit(&host);
		if (i % 3)
			now = host.seed >> (i % 60);
		vmsnd_dll_update_rt(dll, (uint32_t)(host.seed >> (32 + i % 32)), now);
		if (i % 1000 == 0)
			vmsnd_dll_break_rt(dll);
		assert_true(isfinite(vmsnd_dll_ppm_rt(dll)));
		assert_true(vmsnd_dll_rate_hz_rt(dll) >= HZ * 0.995);
		assert_true(vmsnd_dll_rate_hz_rt(dll) <= HZ * 1.005);
	}
	assert_true(isfinite(vmsnd_dll_frames_at_rt(dll, ORIGIN)));
}

static void test_frames_between_updates(void **state)
{
	struct host host = host_new(0, 0, 480);
	double before = 0;

	run(&host, 30);
	for (unsigned i = 0; i < 100; i++) {
		double frames = vmsnd_dll_frames_at_rt(&host.dll, ns(host.due_s + i * 1e-4));

		near(frames, (double)host.moved + i * 4.8, 0.01);
		assert_true(frames > before);
		before = frames;
	}
}

/* ---- from the writer's thread to the reader's ---- */

#define BURSTS 200000u

/* Bursts as punctual as can be. */
static void *write_bursts(void *arg)
{
	struct vmsnd_pace *pace = arg;

	for (uint64_t i = 1; i <= BURSTS; i++)
		vmsnd_pace_update_rt(pace, i * 480, ORIGIN + i * 10000000);
	return NULL;
}

static void test_a_line_is_read_whole_while_it_changes(void **state)
{
	static struct vmsnd_pace pace;
	const struct vmsnd_follow_conf conf = {HZ, HZ, 960};
	struct vmsnd_follow_block block = {.frames = 480};
	struct vmsnd_follow follow;
	uint64_t seen = 0, at = 0;
	pthread_t writer;

	vmsnd_pace_init(&pace, HZ);
	vmsnd_follow_init(&follow, &conf);
	assert_int_equal(pthread_create(&writer, NULL, write_bursts, &pace), 0);
	while (at < BURSTS * 480) {
		double factor;

		block.when = ORIGIN + (block.position += 480) * 10000000 / 480;
		factor = vmsnd_follow_update_rt(&follow, &pace, &block);
		assert_true(factor > 0.97 && factor < 1.03);
		if (!follow.line.running)
			continue;
		at = follow.line.position;
		seen += at % 480 == 0;
		/* Torn, time and position would be of two bursts. */
		near((double)(follow.line.time - ORIGIN), (double)at / 480 * 10000000, 1000);
	}
	pthread_join(writer, NULL);
	assert_true(seen > 0);
}

static void test_a_ring_that_starts_anew(void **state)
{
	static struct vmsnd_pace pace;

	vmsnd_pace_init(&pace, HZ);
	for (uint64_t i = 1; i <= 3000; i++)
		vmsnd_pace_update_rt(&pace, i * 480, ORIGIN + i * 10003000);
	near(vmsnd_dll_ppm_rt(&pace.dll), -300, 1);
	for (uint64_t i = 1; i <= 30; i++) /* nobody said so */
		vmsnd_pace_update_rt(&pace, i * 480, ORIGIN + (4000 + i) * 10003000);
	near(vmsnd_dll_ppm_rt(&pace.dll), -300, 1);
	assert_true(pace.dll.place_age_s < 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_39_locks_from_5000_ppm),
	    cmocka_unit_test(test_MX_39_half_a_block_of_jitter),
	    cmocka_unit_test(test_nominal_until_it_knows_and_within_half_a_percent),
	    cmocka_unit_test(test_a_break_forgets_the_place_and_keeps_the_pace),
	    cmocka_unit_test(test_a_long_silence_is_a_break),
	    cmocka_unit_test(test_a_late_start),
	    cmocka_unit_test(test_missed_blocks),
	    cmocka_unit_test(test_late_wake_ups_are_no_news),
	    cmocka_unit_test(test_another_pace),
	    cmocka_unit_test(test_weeks),
	    cmocka_unit_test(test_paces_far_away),
	    cmocka_unit_test(test_times_without_sense),
	    cmocka_unit_test(test_frames_between_updates),
	    cmocka_unit_test(test_a_line_is_read_whole_while_it_changes),
	    cmocka_unit_test(test_a_ring_that_starts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
