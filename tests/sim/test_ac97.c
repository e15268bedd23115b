/* SPDX-License-Identifier: BSD-3-Clause */
/* AC'97 cards and a guest with Linux' driver, on hosts with crystals of their own: every frame is
 * heard once and in order, whatever is late. A world that fails prints its seed; VMSND_SEED=n runs
 * that one of the hundreds alone. */
#include <math.h>
#include <stdlib.h>

#include "ac97_parts.h"

#define WORLDS 120u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static struct ac97_world world;

/* 4 x 10 ms of what any guest plays; a quick bus. */
static struct ac97_world_conf usual(uint64_t seed, uint64_t frames)
{
	return (struct ac97_world_conf){.seed = seed,
					.play = {stereo, 480, 4},
					.frames = frames,
					.access = {1 * US, 60 * US},
					.late = {0, 200 * US},
					.app_late = {0, 500 * US}};
}

static vmsnd_ns length_ns(const struct ac97_world_conf *conf)
{
	uint32_t rate_hz =
	    conf->play.periods ? conf->play.format.rate_hz : conf->record.format.rate_hz;

	return conf->frames * SECOND / rate_hz;
}

static void run_world(const struct ac97_world_conf *conf, vmsnd_ns more)
{
	ac97_world_open(&world, conf);
	ac97_world_play(&world, length_ns(conf) + more);
	ac97_world_check(&world);
}

/* ---- one thing at a time --------------------------------------------------------------- */

static void test_A9_05_what_is_played_is_heard(void **state)
{
	struct ac97_world_conf conf = usual(1, 96001);

	run_world(&conf, 200 * MS);
	/* Nothing is heard but the frames, silence up to the period's end, and what the driver left
	 * running. */
	assert_int_equal(world.ear.gaps, 0);
	ac97_world_close(&world);
}

static void test_A9_04_formats_and_variants(void **state)
{
	static const struct {
		const char *device;
		bool by_ports;
		struct vmsnd_format format;
	} rows[] = {
	    {"variant=ich", false, {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}},
	    {"variant=ich4", false, {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}},
	    {"variant=ich4", true, {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}},
	    {"variant=ich4,codec=alc650,channels=4",
	     false,
	     {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 4}},
	    {"variant=ich4,codec=alc650,channels=6",
	     false,
	     {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 6}},
	    {"variant=ich4", false, {.sample = VMSND_SAMPLE_S32, .rate_hz = 48000, .channels = 2}},
	    {"variant=ich4,codec=alc650,channels=6",
	     false,
	     {.sample = VMSND_SAMPLE_S32, .rate_hz = 48000, .channels = 6}},
	    {"codec=ad1980", false, {.sample = VMSND_SAMPLE_S16, .rate_hz = 44100, .channels = 2}},
	    {"", false, {.sample = VMSND_SAMPLE_S16, .rate_hz = 22050, .channels = 2}},
	    {"", false, {.sample = VMSND_SAMPLE_S16, .rate_hz = 8000, .channels = 2}},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ac97_world_conf conf = usual(i, rows[i].format.rate_hz);

		conf.device = *rows[i].device ? rows[i].device : NULL;
		conf.by_ports = rows[i].by_ports;
		conf.play.format = rows[i].format;
		run_world(&conf, 300 * MS);
		assert_int_equal(world.ear.gaps, 0);
		ac97_world_close(&world);
	}
}

static void test_A9_27_what_the_host_gives_is_recorded(void **state)
{
	static const unsigned streams[] = {VMSND_AC97_PCM_IN, VMSND_AC97_MIC};

	for (unsigned i = 0; i < 2; i++) {
		struct ac97_world_conf conf = usual(i, 96000);

		conf.record = conf.play;
		conf.record_on = streams[i];
		conf.play.periods = 0;
		run_world(&conf, 200 * MS);
		assert_int_equal(world.got.gaps, 0);
		/* But for the silence before the host's first blocks. */
		assert_true(world.got.next > conf.frames - 4800);
		ac97_world_close(&world);
	}
}

/* A thread that comes late by most of a step, on another crystal; beside it the guest plays or does
 * not. */
static void test_A9_27_a_late_host_makes_no_hole(void **state)
{
	static const uint32_t blocks[] = {64, 256, 480, 1024, 2048};

	for (unsigned seed = 0; seed < 40; seed++) {
		struct ac97_world_conf conf = usual(seed, 480000);

		conf.record = (struct vmsnd_guest_params){stereo, 333 + seed * 17, 6};
		conf.play.periods = seed % 2 * 4;
		conf.host_threaded = true;
		conf.host_block = blocks[seed % 5];
		conf.host_jitter = 8 * MS;
		conf.host_ppm = seed * 15.0 - 300;
		ac97_world_open(&world, &conf);
		ac97_world_play(&world, 11 * SECOND);
		if (world.got.gaps || world.got.next < conf.frames - 4800)
			ac97_world_fail(&world, "%llu holes, %llu frames in all",
					(unsigned long long)world.got.gaps,
					(unsigned long long)world.got.next);
		ac97_world_close(&world);
	}
}

static void test_A9_11_both_ways_at_once(void **state)
{
	struct ac97_world_conf conf = usual(3, 144000);

	conf.record = (struct vmsnd_guest_params){stereo, 333, 6};
	run_world(&conf, 200 * MS);
	assert_int_equal(world.ear.gaps, 0);
	assert_int_equal(world.got.gaps, 0);
	assert_true(world.got.next > conf.frames - 4800);
	ac97_world_close(&world);
}

/* ---- the probe: traps 1 and 2 ------------------------------------------------------------ */

/* Linux reads CIV and PICB until two reads agree, interrupts off and without an end, and takes the
 * clock for another one when the result is 1 % off. */
static void test_A9_28_the_clock_is_measured(void **state)
{
	for (unsigned seed = 0; seed < 60; seed++) {
		struct ac97_world_conf conf = usual(seed, 0);
		struct vmsnd_ac97_measured measured;
		vmsnd_ns slow = (5 + 3 * (seed % 30)) * US;

		conf.access = (struct span){slow / 2, slow};
		conf.extra = (struct span){10 * US, 20 * MS};
		conf.in_vm = seed & 1;
		conf.host_ppm = (double)(seed % 7) * 100 - 300;
		ac97_world_open(&world, &conf);
		assert_int_equal(vmsnd_ac97_guest_measure(&world.guest, &measured), VMSND_OK);
		if (!measured.agreed || measured.retries > 2 ||
		    fabs(measured.rate_hz - 48000) > 480)
			ac97_world_fail(&world, "%.1f Hz, %u retries", measured.rate_hz,
					measured.retries);
		ac97_world_close(&world);
	}
}

/* ---- time -------------------------------------------------------------------------------- */

/* From the fifth on: the first come while the port's rate is learned. */
static void check_intervals(double hz, double by_ns)
{
	double want_ns = world.conf.play.period_frames * 1e9 / hz, worst = 0;

	assert_true(world.n_levels > 20);
	for (unsigned i = 5; i < world.n_levels; i++) {
		double off = (double)(world.levels[i] - world.levels[i - 1]) - want_ns;

		worst = fmax(worst, fabs(off));
	}
	if (worst > by_ns)
		ac97_world_fail(&world, "an interval is off by %.0f ns", worst);
}

static void test_A9_23_interrupts_are_even(void **state)
{
	static const uint32_t period_frames[] = {64, 333, 480, 1024, 4096};

	for (unsigned i = 0; i < sizeof(period_frames) / sizeof(period_frames[0]); i++) {
		struct ac97_world_conf conf = usual(i, 40 * period_frames[i] + 48000);

		conf.play.period_frames = period_frames[i];
		conf.play.periods = 8;
		conf.host_block = 480;
		conf.late = conf.app_late = (struct span){0, 20 * US};
		run_world(&conf, 300 * MS);
		/* Half a percent at most while it is bent, and a frame. */
		check_intervals(48000, 0.005 * period_frames[i] * 20833.4 + 20834);
		ac97_world_close(&world);
	}
}

/* An hour on a host whose crystal is off: nothing runs dry, nothing grows. */
static void drift_for_an_hour(double ppm, bool threaded)
{
	struct ac97_world_conf conf = usual(7, UINT64_C(3600) * 48000);

	conf.host_ppm = ppm;
	conf.host_threaded = threaded;
	conf.host_jitter = threaded ? 200 * US : 0;
	conf.play = (struct vmsnd_guest_params){stereo, 1024, 8};
	conf.host_block = 480;
	ac97_world_open(&world, &conf);
	world.fill_from = world.now + 20 * SECOND;
	ac97_world_play(&world, 3602 * SECOND);
	ac97_world_check(&world);
	assert_int_equal(world.ear.gaps, 0);
	if (world.fill_low == 0 || world.fill_high > 4 * 1024)
		ac97_world_fail(&world, "the ring held %llu to %llu frames",
				(unsigned long long)world.fill_low,
				(unsigned long long)world.fill_high);
	print_message("# %+.0f ppm%s: the ring held %llu to %llu frames\n", ppm,
		      threaded ? ", by itself" : "", (unsigned long long)world.fill_low,
		      (unsigned long long)world.fill_high);
	ac97_world_close(&world);
}

static void test_A9_23_an_hour_at_300_ppm_too_fast(void **state)
{
	drift_for_an_hour(300, false);
}

static void test_A9_23_an_hour_at_300_ppm_too_slow(void **state)
{
	drift_for_an_hour(-300, true);
}

/* ---- late guests and late cards ------------------------------------------------------------ */

static void test_A9_24_late_handlers_lose_nothing(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct ac97_world_conf conf = usual(seed, 48000);

		conf.late = (struct span){0, 200 * MS};
		/* Periods that do not divide 32: where Linux' slip would be heard. */
		conf.play = (struct vmsnd_guest_params){stereo, 480, 10};
		run_world(&conf, 60 * SECOND);
		ac97_world_close(&world);
	}
}

/* QMP stop and cont: nobody tells the card (trap 5). */
static void test_A9_24_a_frozen_guest_loses_nothing(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct ac97_world_conf conf = usual(seed, 144000);

		conf.freeze_every = (struct span){100 * MS, 900 * MS};
		conf.freeze = (struct span){500 * MS, 3 * SECOND};
		conf.play.periods = 10;
		conf.record = (struct vmsnd_guest_params){stereo, 480, 10};
		run_world(&conf, 120 * SECOND);
		assert_true(world.freezes > 0);
		ac97_world_close(&world);
	}
}

static void note_number(void *ctx, const void *sound, uint32_t frames)
{
	const uint8_t *last = (const uint8_t *)sound + (frames - 1) * 4;
	uint64_t number = ac97_frame_number(&stereo, last);

	(void)ctx;
	world.got.next = number ? number : world.got.next;
}

static uint64_t lag_after(vmsnd_ns ns)
{
	ac97_world_run(&world, world.now + ns);
	return world.spoken - world.got.next;
}

/* While the guest stands its host goes on recording; the guest goes on with what is said then, for
 * the connector's ring keeps the oldest. */
static void test_A9_24_a_frozen_guest_records_what_is_said_afterwards(void **state)
{
	for (unsigned seed = 0; seed < 8; seed++) {
		struct ac97_world_conf conf = usual(seed, UINT64_MAX);
		struct vmsnd_ac97_player_conf record = {
		    .stream = VMSND_AC97_PCM_IN, .frames = UINT64_MAX, .write = note_number};
		uint64_t before;

		conf.play.periods = 0;
		conf.record = record.params = (struct vmsnd_guest_params){stereo, 480, 10};
		conf.host_threaded = seed & 1;
		ac97_world_open(&world, &conf);
		vmsnd_ac97_player_init(&world.recorder, &world.guest, &record);
		world.app_at = world.now;
		before = lag_after(2 * SECOND);
		for (unsigned i = 0; i < 3; i++) {
			uint64_t lag;

			world.frozen_until = world.now + (1 + seed) * 400 * MS;
			lag = lag_after((1 + seed) * 400 * MS + SECOND);
			if (lag > before + 2 * 480)
				ac97_world_fail(&world, "recordings were late by %llu, are by %llu",
						(unsigned long long)before,
						(unsigned long long)lag);
		}
		ac97_world_close(&world);
	}
}

static void test_A9_26_hiccups_of_the_card_lose_nothing(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct ac97_world_conf conf = usual(seed, 96000);

		conf.hiccup_every = (struct span){100 * MS, 500 * MS};
		conf.hiccup = (struct span){40 * MS, 40 * MS};
		conf.host_threaded = seed & 1;
		conf.play = (struct vmsnd_guest_params){stereo, 480, 10};
		run_world(&conf, 20 * SECOND);
		assert_true(world.hiccups > 0);
		ac97_world_close(&world);
	}
}

/* ---- all of it, by the dice ----------------------------------------------------------------- */

static bool chance(unsigned percent)
{
	return ac97_world_dice(&world, 1, 100) <= percent;
}

/* 40 ms, or half of the buffer: what is made up for at once is more than an application can write
 * meanwhile if its buffer is shorter. */
static vmsnd_ns hiccup_ns(const struct vmsnd_guest_params *params)
{
	vmsnd_ns half =
	    SECOND / 2 * params->period_frames * params->periods / params->format.rate_hz;

	return half < 40 * MS ? half : 40 * MS;
}

static struct ac97_world_conf by_dice(uint64_t seed)
{
	static const uint32_t rates_hz[] = {48000, 48000, 44100, 32000, 22050, 8000};
	struct ac97_world_conf conf = usual(seed, 0);
	uint32_t rate_hz;

	world.dice = (seed + 77) * UINT64_C(0xd1342543de82ef95);
	rate_hz = rates_hz[ac97_world_dice(&world, 0, 5)];
	conf.play.format.rate_hz = rate_hz;
	conf.play.period_frames = (uint32_t)ac97_world_dice(&world, rate_hz / 500, rate_hz / 10);
	/* Of three, the one to be written next is played when a guest freezes between its handler
	 * and its application. */
	conf.play.periods = (uint32_t)ac97_world_dice(&world, 4, 16);
	conf.frames = ac97_world_dice(&world, rate_hz, 3ull * rate_hz);
	conf.device = chance(50) ? "variant=ich4" : "variant=ich";
	conf.in_vm = chance(50);
	conf.by_ports = chance(25);
	conf.host_ppm = (double)ac97_world_dice(&world, 0, 600) - 300;
	conf.host_block = chance(70) ? (uint32_t)ac97_world_dice(&world, 32, 2048) : 0;
	conf.host_threaded = chance(50);
	conf.host_jitter = ac97_world_dice(&world, 0, 2 * MS);
	if (chance(40))
		conf.late.high = ac97_world_dice(&world, 1 * MS, 200 * MS);
	if (chance(30))
		conf.extra = (struct span){1 * US, 30 * MS};
	if (chance(25)) {
		conf.freeze_every = (struct span){100 * MS, 2 * SECOND};
		conf.freeze = (struct span){500 * MS, 3 * SECOND};
	}
	if (chance(25)) {
		conf.hiccup_every = (struct span){100 * MS, 2 * SECOND};
		conf.hiccup = (struct span){1 * MS, hiccup_ns(&conf.play)};
	}
	if (chance(40)) {
		conf.record = conf.play;
		conf.record.period_frames =
		    (uint32_t)ac97_world_dice(&world, rate_hz / 500, rate_hz / 10);
		conf.record.periods = 8;
	}
	return conf;
}

static void run_seed(uint64_t seed)
{
	struct ac97_world_conf conf = by_dice(seed);

	run_world(&conf, 600 * SECOND);
	ac97_world_close(&world);
}

static void test_A9_26_hundreds_of_worlds(void **state)
{
	const char *only = getenv("VMSND_SEED");

	for (uint64_t seed = 1; seed <= WORLDS && !only; seed++)
		run_seed(seed);
	if (only)
		run_seed(strtoull(only, NULL, 0));
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* The lane is called at other times, too: what is heard, and when the line rises, is the same. */
static void test_A9_23_steps_big_or_small_give_the_same(void **state)
{
	static vmsnd_ns levels[WORLD_LEVELS_MAX];
	uint64_t hash = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct ac97_world_conf conf = usual(5, 96000);

		conf.access = conf.late = conf.app_late = (struct span){0, 0};
		conf.host_ppm = 211;
		conf.host_block = 333;
		if (i > 0)
			conf.extra = (struct span){1 * US, i * i * 300 * US};
		run_world(&conf, 200 * MS);
		if (i == 0) {
			hash = world.ear.hash;
			n = world.n_levels;
			for (unsigned k = 0; k < n; k++)
				levels[k] = world.levels[k];
		}
		assert_int_equal(world.ear.hash, hash);
		assert_int_equal(world.n_levels, n);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(world.levels[k], levels[k]);
		ac97_world_close(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_05_what_is_played_is_heard),
	    cmocka_unit_test(test_A9_04_formats_and_variants),
	    cmocka_unit_test(test_A9_27_what_the_host_gives_is_recorded),
	    cmocka_unit_test(test_A9_27_a_late_host_makes_no_hole),
	    cmocka_unit_test(test_A9_11_both_ways_at_once),
	    cmocka_unit_test(test_A9_28_the_clock_is_measured),
	    cmocka_unit_test(test_A9_23_interrupts_are_even),
	    cmocka_unit_test(test_A9_23_an_hour_at_300_ppm_too_fast),
	    cmocka_unit_test(test_A9_23_an_hour_at_300_ppm_too_slow),
	    cmocka_unit_test(test_A9_24_late_handlers_lose_nothing),
	    cmocka_unit_test(test_A9_24_a_frozen_guest_loses_nothing),
	    cmocka_unit_test(test_A9_24_a_frozen_guest_records_what_is_said_afterwards),
	    cmocka_unit_test(test_A9_26_hiccups_of_the_card_lose_nothing),
	    cmocka_unit_test(test_A9_26_hundreds_of_worlds),
	    cmocka_unit_test(test_A9_23_steps_big_or_small_give_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
