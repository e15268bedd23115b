/* SPDX-License-Identifier: BSD-3-Clause */
/* Stops, gaps, late guests and odd steps: what time does to a stream. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PERIOD    480u
#define PERIOD_NS (10 * MS)
#define TRACE_MAX 64u

static struct sim_signal stereo(uint64_t frames)
{
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);

	signal.end = frames;
	return signal;
}

/* ---- stop and cont ------------------------------------------------------------------- */

/* What a VMM does at stop/cont, at any moment: GET_VRING_BASE on all queues, a while of
 * nothing, and the same queues again from the index returned. */
static void pause_a_while(struct sim *sim, struct vmsnd_guest *guest)
{
	/* Registers do not tell where a queue stopped: there, the VMM says it to the machine. */
	bool told = sim_over_mmio();

	if (told)
		assert_int_equal(vmsnd_machine_pause(sim->machine, 0, true, sim->now), VMSND_OK);
	else
		assert_int_equal(vmsnd_guest_pause(guest, sim->now), VMSND_OK);
	for (unsigned i = sim_random(sim, 3); i > 0; i--) {
		sim->now += sim_random(sim, 200) * MS + sim_random(sim, 1000000);
		vmsnd_machine_advance(sim->machine, sim->now);
	}
	if (told)
		assert_int_equal(vmsnd_machine_pause(sim->machine, 0, false, sim->now), VMSND_OK);
	else
		assert_int_equal(vmsnd_guest_resume(guest, sim->now), VMSND_OK);
}

static void pause_case(uint32_t seed, uint32_t period_frames, uint32_t periods)
{
	struct sim sim;
	struct sim_signal signal = stereo(144000);
	struct vmsnd_guest_player player;

	sim_open(&sim);
	sim.seed = seed;
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, period_frames, periods);
	for (unsigned i = 0; i < 50; i++) {
		sim_run_until(&sim, &player, 1, sim.now + sim_random(&sim, 55000000));
		pause_a_while(&sim, &sim.cards[0]->guest);
	}
	sim_run(&sim, &player, 1, 10 * SECOND);
	assert_int_equal(player.frames_completed, 144000);
	assert_int_equal(player.messages_failed, 0);
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, 144000, period_frames);
	sim_close(&sim);
}

static void test_stop_cont_fifty_times_loses_nothing(void **state)
{
	pause_case(1, PERIOD, 4);
	pause_case(77, PERIOD, 4);
	pause_case(4242, 333, 8);
	pause_case(5, PERIOD, 1);
}

/* ---- RELEASE in the middle ------------------------------------------------------------ */

static void test_V61_V62_release_in_the_middle(void **state)
{
	for (unsigned i = 0; i < 20; i++) {
		struct sim sim;
		struct sim_signal first = stereo(UINT64_MAX), second = stereo(4800);
		struct vmsnd_guest_player player;
		struct sim_sound sound;
		uint64_t frames, gap;

		sim_open(&sim);
		sim.seed += i;
		second.salt = 3;
		sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
		player = sim_player(&sim, 0, &first, PERIOD, 8);
		sim_run_until(&sim, &player, 1, sim.now + 50 * MS + sim_random(&sim, 99000000));
		vmsnd_guest_player_abort(&player);
		sim_run(&sim, &player, 1, 100 * MS);
		/* The answer to RELEASE means that nothing is with the card any more. */
		assert_int_equal(vmsnd_guest_posted(&sim.cards[0]->guest, 0), 0);
		assert_int_equal(player.messages_ok + player.messages_failed,
				 player.frames_in / PERIOD);
		player = sim_player(&sim, 0, &second, PERIOD, 4);
		sim_run(&sim, &player, 1, SECOND);
		assert_int_equal(player.frames_completed, 4800);

		frames = sim_counter(&sim, 0, "playback0.frames") - 4800;
		sound = sim_sound_load(sim_path(&sim, "out.wav"));
		sim_assert_signal(&sound, 0, &first, 0, frames);
		gap = sim_sound_silence(&sound, frames);
		assert_true(gap <= PERIOD);
		sim_assert_signal(&sound, frames + gap, &second, 0, 4800);
		sim_sound_free(&sound);
		sim_close(&sim);
	}
}

/* ---- a guest that starves its stream --------------------------------------------------- */

static void test_V80_xrun_is_silence_that_keeps_time(void **state)
{
	struct sim sim;
	struct sim_signal signal = stereo(24000);
	struct vmsnd_guest_player player;
	struct sim_sound sound;
	uint64_t gap, expected, tail;
	vmsnd_ns dry_at, fed_at;

	sim_open(&sim);
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	player.conf.frames = 48000;
	/* The source dries up at 24000 frames; all of them are heard half a second after START.
	 * 100 ms and a bit later there is more. */
	sim_run_until(&sim, &player, 1, sim.now + 460 * MS);
	assert_int_equal(player.frames_in, 24000);
	dry_at = player.started_at + 500 * MS;
	fed_at = dry_at + 103 * MS;
	sim_run_until(&sim, &player, 1, fed_at);
	assert_int_equal(player.frames_completed, 24000);
	signal.end = 48000;
	sim_run(&sim, &player, 1, SECOND);
	assert_int_equal(player.frames_completed, 48000);

	sound = sim_sound_load(sim_path(&sim, "out.wav"));
	sim_assert_signal(&sound, 0, &signal, 0, 24000);
	gap = sim_sound_silence(&sound, 24000);
	expected = (fed_at - dry_at) / PERIOD_NS * PERIOD;
	assert_in_range(gap, expected, expected + 2 * PERIOD);
	sim_assert_signal(&sound, 24000 + gap, &signal, 24000, 24000);
	tail = sound.frames - 48000 - gap;
	assert_int_equal(sim_sound_silence(&sound, 48000 + gap), tail);
	assert_true(tail <= PERIOD);
	assert_int_equal(sim_counter(&sim, 0, "playback0.frames"), 48000);
	assert_int_equal(sim_counter(&sim, 0, "playback0.underrun_frames"), gap + tail);
	assert_in_range(sim_counter(&sim, 0, "playback0.underruns"), 1, 2);
	sim_sound_free(&sound);
	sim_close(&sim);
}

/* ---- steps ----------------------------------------------------------------------------- */

struct trace {
	struct sim_signal signal; /* first: the player's callbacks take it */
	vmsnd_ns from[TRACE_MAX], at[TRACE_MAX];
	vmsnd_ns before; /* time of the step before */
	unsigned n;
	struct vmsnd_guest_done done[TRACE_MAX];
};

static void keep(void *ctx, const struct vmsnd_guest_done *done)
{
	struct trace *trace = ctx;

	assert_true(trace->n < TRACE_MAX);
	trace->from[trace->n] = trace->before;
	trace->at[trace->n] = done->at;
	trace->done[trace->n++] = *done;
}

/* Everything is handed over before START, so the guest does nothing while time passes. */
static void run_steps(struct sim *sim, struct trace *trace, vmsnd_ns max_step, const char *name)
{
	struct vmsnd_guest_player player;

	trace->signal = stereo(60 * 333);
	sim_add(sim, "capture=0", sim_file(sim, name, ""));
	player = sim_player(sim, sim->n_cards - 1, &trace->signal, 333, 60);
	player.conf.done = keep;
	while (vmsnd_guest_player_step(&player, sim->now)) {
		vmsnd_ns next = vmsnd_machine_advance(sim->machine, sim->now);

		trace->before = sim->now;
		sim->now = max_step ? sim->now + sim_random(sim, (uint32_t)max_step) : next;
		vmsnd_machine_advance(sim->machine, sim->now);
	}
	assert_int_equal(player.frames_completed, 60 * 333);
}

static void compare_files(struct sim *sim, const char *a, const char *b)
{
	struct sim_sound one = sim_sound_load(sim_path(sim, a));
	struct sim_sound other = sim_sound_load(sim_path(sim, b));
	uint64_t frames = one.frames < other.frames ? one.frames : other.frames;

	/* How much silence follows the last frame is the guest's affair: it says when to STOP. */
	assert_true(frames >= 60 * 333);
	assert_memory_equal(one.samples, other.samples, frames * 2 * sizeof(int32_t));
	sim_sound_free(&one);
	sim_sound_free(&other);
}

static void test_steps_small_or_big_give_one_trace(void **state)
{
	static const vmsnd_ns steps[] = {20000, 1 * MS, 7 * MS, 60 * MS, 1000 * MS};
	static struct trace by_deadline, by_steps;
	struct sim sim;
	vmsnd_ns begin;

	sim_open(&sim);
	begin = sim.now;
	by_deadline.n = 0;
	run_steps(&sim, &by_deadline, 0, "deadlines.wav");
	for (unsigned i = 1; i < by_deadline.n; i++)
		assert_true(by_deadline.at[i] >= by_deadline.at[i - 1]);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		vmsnd_ns shift = sim.now - begin;
		char name[32];

		snprintf(name, sizeof(name), "steps%u.wav", i);
		by_steps.n = 0;
		run_steps(&sim, &by_steps, steps[i], name);
		assert_int_equal(by_steps.n, by_deadline.n);
		for (unsigned k = 0; k < by_steps.n; k++) {
			/* Seen at the first step at or after the moment it happened. */
			assert_true(by_steps.from[k] < by_deadline.at[k] + shift ||
				    by_deadline.at[k] == by_deadline.at[0]);
			assert_true(by_steps.at[k] >= by_deadline.at[k] + shift);
			assert_int_equal(by_steps.done[k].status, by_deadline.done[k].status);
			assert_int_equal(by_steps.done[k].latency_bytes,
					 by_deadline.done[k].latency_bytes);
		}
		compare_files(&sim, "deadlines.wav", name);
	}
	sim_close(&sim);
}

/* A guest that wakes up late, but in time for its buffer, is not heard to do so. */
static void test_late_guest_within_its_buffer(void **state)
{
	struct sim sim;
	struct sim_signal signal = stereo(96000);
	struct vmsnd_guest_player player;

	sim_open(&sim);
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run_random(&sim, &player, 9 * MS, 5 * SECOND);
	assert_int_equal(player.frames_completed, 96000);
	sim_assert_file(sim_path(&sim, "out.wav"), &signal, 96000, 3 * PERIOD);
	sim_close(&sim);
}

/* The same calls give the same bytes, whatever else is in the machine. */
static void test_two_runs_are_one(void **state)
{
	static struct trace traces[2];
	struct sim sims[2];

	for (unsigned i = 0; i < 2; i++) {
		sim_open(&sims[i]);
		for (unsigned k = 0; k < i * 3; k++)
			sim_add(&sims[i], "", NULL);
		traces[i].n = 0;
		run_steps(&sims[i], &traces[i], 3 * MS, "out.wav");
	}
	assert_int_equal(traces[0].n, traces[1].n);
	for (unsigned k = 0; k < traces[0].n; k++) {
		assert_int_equal(traces[0].at[k], traces[1].at[k]);
		assert_int_equal(traces[0].done[k].latency_bytes, traces[1].done[k].latency_bytes);
	}
	sim_close(&sims[0]);
	sim_close(&sims[1]);
}

/* A machine closed in the middle leaves a whole file and no message unanswered. */
static void test_V17_close_in_the_middle(void **state)
{
	struct sim sim;
	struct sim_signal signal = stereo(UINT64_MAX);
	struct vmsnd_guest_player player;
	struct sim_sound sound;
	char path[256];

	sim_open(&sim);
	sim_add(&sim, "capture=0", sim_file(&sim, "out.wav", ""));
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run_until(&sim, &player, 1, sim.now + 305 * MS);
	snprintf(path, sizeof(path), "%s", sim_path(&sim, "out.wav"));
	sound = sim_sound_load(path); /* valid while it is written */
	assert_int_equal(sound.frames, 30 * PERIOD);
	sim_assert_signal(&sound, 0, &signal, 0, sound.frames);
	sim_sound_free(&sound);
	vmsnd_machine_close(sim.machine, sim.now);
	sound = sim_sound_load(path);
	sim_assert_signal(&sound, 0, &signal, 0, 30 * PERIOD);
	sim_sound_free(&sound);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim.machine), 0);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stop_cont_fifty_times_loses_nothing),
	    cmocka_unit_test(test_V61_V62_release_in_the_middle),
	    cmocka_unit_test(test_V80_xrun_is_silence_that_keeps_time),
	    cmocka_unit_test(test_steps_small_or_big_give_one_trace),
	    cmocka_unit_test(test_late_guest_within_its_buffer),
	    cmocka_unit_test(test_two_runs_are_one),
	    cmocka_unit_test(test_V17_close_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
