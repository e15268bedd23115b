/* SPDX-License-Identifier: BSD-3-Clause */
/* A port and time: one big step or many small ones, long plays, and random lives. */
#include <string.h>
#include <time.h>

#include "rig.h"

#define DONE(rig) vmsnd_port_done_frames((rig)->port)

static uint32_t seed;

static uint32_t random_below(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *const figures[] = {"frames",          "silence_frames", "underruns",
				      "underrun_frames", "overruns",       "overrun_frames",
				      "blocks",          "fill_min",       "fill_max"};

static void check_same(const struct rig *a, const struct rig *b)
{
	assert_int_equal(DONE(a), DONE(b));
	assert_int_equal(vmsnd_port_play_state(a->port), vmsnd_port_play_state(b->port));
	assert_int_equal(vmsnd_port_capture_state(a->port), vmsnd_port_capture_state(b->port));
	assert_int_equal(vmsnd_port_wanted(a->port), vmsnd_port_wanted(b->port));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		assert_int_equal(rig_counter(a, figures[i]), rig_counter(b, figures[i]));
	assert_int_equal(a->host.n_heard, b->host.n_heard);
	if (a->host.n_heard > 0)
		assert_memory_equal(a->host.heard, b->host.heard, a->host.n_heard * 4);
}

/* Nobody but the port is called, so its own events are all there is. */
static void advance_in_steps(struct rig *rig, vmsnd_ns to)
{
	while (rig->now < to) {
		rig->now += 1 + random_below(7 * MS);
		if (rig->now > to)
			rig->now = to;
		vmsnd_port_advance(rig->port, rig->now);
	}
}

static void prepare_long(struct rig *rig, enum vmsnd_dir dir, bool backend, uint32_t frames)
{
	struct vmsnd_stream_params params = rig_params(48000, 441);

	rig_open_with(rig, dir, backend, true);
	assert_int_equal(vmsnd_port_prepare(rig->port, &params, rig->now), VMSND_OK);
	if (dir == VMSND_PLAYBACK)
		assert_int_equal(rig_write(rig, frames), frames);
	vmsnd_port_start(rig->port, rig->now);
}

static void test_stand_in_in_one_step_or_many(void **state)
{
	static const uint32_t frames[] = {0, 100, 881, 882, 20000};

	seed = 1;
	for (unsigned way = 0; way < 10; way++) {
		struct rig big, small;
		bool drain = way >= 5;

		prepare_long(&big, VMSND_PLAYBACK, false, frames[way % 5]);
		prepare_long(&small, VMSND_PLAYBACK, false, frames[way % 5]);
		for (unsigned i = 0; i < 4; i++) {
			big.now += 90 * MS + i;
			vmsnd_port_advance(big.port, big.now);
			advance_in_steps(&small, big.now);
			check_same(&big, &small);
			if (i == 1 && drain) {
				vmsnd_port_drain(big.port, big.now);
				vmsnd_port_drain(small.port, small.now);
			}
		}
		rig_close(&big);
		rig_close(&small);
	}
}

static void test_stand_in_capture_in_one_step_or_many(void **state)
{
	struct rig big, small;

	seed = 2;
	prepare_long(&big, VMSND_CAPTURE, false, 0);
	prepare_long(&small, VMSND_CAPTURE, false, 0);
	big.now += 3000 * MS;
	vmsnd_port_advance(big.port, big.now);
	advance_in_steps(&small, big.now);
	check_same(&big, &small);
	assert_true(rig_counter(&big, "overrun_frames") > 0);
	rig_close(&big);
	rig_close(&small);
}

/* The host is started when pre-buffering was over, not when somebody looked. */
static void test_prebuffer_deadline_is_the_hosts_start(void **state)
{
	struct rig big, small;

	prepare_long(&big, VMSND_PLAYBACK, true, 300);
	prepare_long(&small, VMSND_PLAYBACK, true, 300);
	big.now += 100 * MS;
	vmsnd_port_advance(big.port, big.now);
	big.host.kind.advance(&big.host, big.now);
	rig_run_until(&small, big.now);
	check_same(&big, &small);
	assert_true(rig_heard_in_order(&big) == 300);
	rig_close(&big);
	rig_close(&small);
}

/* A guest's script at fixed times; what lies between is one run or a thousand. */
static void script(struct rig *rig, bool small_steps)
{
	static const struct {
		unsigned at_ms;
		char what;
	} events[] = {{5, 's'},   {7, 'w'},   {90, 'w'},  {130, 'x'}, {170, 's'},
		      {171, 'w'}, {250, 'd'}, {252, 's'}, {260, 'w'}, {300, '0'},
		      {333, '1'}, {340, 'w'}, {391, 'w'}, {400, 'd'}, {700, 'w'}};

	rig_open(rig, VMSND_PLAYBACK);
	rig_prepare(rig);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		vmsnd_ns to = START + events[i].at_ms * MS + 12345;

		while (small_steps && rig->now + 2 * MS < to)
			rig_run(rig, 1 + random_below(2 * MS));
		rig_run_until(rig, to);
		if (events[i].what == 's')
			vmsnd_port_start(rig->port, rig->now);
		else if (events[i].what == 'x')
			vmsnd_port_stop(rig->port, rig->now);
		else if (events[i].what == 'd')
			vmsnd_port_drain(rig->port, rig->now);
		else if (events[i].what == 'w')
			rig->posted += 2000;
		else
			vmsnd_port_enable(rig->port, events[i].what == '1', rig->now);
	}
}

static void test_a_script_in_big_and_small_steps(void **state)
{
	struct rig big, small;

	script(&big, false);
	for (seed = 1; seed <= 50; seed++) {
		uint32_t keep = seed;

		script(&small, true);
		check_same(&big, &small);
		rig_close(&small);
		seed = keep;
	}
	assert_true(big.host.n_heard > 4000);
	rig_close(&big);
}

static void act(struct rig *rig)
{
	switch (random_below(12)) {
	case 0:
	case 1:
	case 2:
		vmsnd_port_start(rig->port, rig->now);
		break;
	case 3:
		vmsnd_port_stop(rig->port, rig->now);
		break;
	case 4:
		vmsnd_port_drain(rig->port, rig->now);
		break;
	case 5:
		vmsnd_port_enable(rig->port, random_below(3) > 0, rig->now);
		break;
	case 6:
		rig->host.move_rc = random_below(4) ? VMSND_OK : VMSND_E_GONE;
		rig->host.open_rc = random_below(4) ? VMSND_OK : VMSND_E_GONE;
		break;
	default:
		rig_write(rig, random_below(3000));
	}
}

static uint64_t in_ring(struct rig *rig)
{
	void *at;
	uint64_t before = DONE(rig);

	vmsnd_port_begin(rig->port, 1, &at);
	return rig->next_frame - before;
}

/* Accepted = done + pending, what is heard is in order and heard once, and with a drain in the
 * end nothing stays behind. */
static void test_random_lives(void **state)
{
	for (uint32_t life = 1; life <= 1000; life++) {
		struct rig rig;
		uint32_t last = 0;
		uint64_t done = 0;

		seed = life;
		rig_open(&rig, VMSND_PLAYBACK);
		rig_prepare(&rig);
		for (unsigned i = 0; i < 60; i++) {
			act(&rig);
			rig_run(&rig, random_below(30 * MS));
			assert_true(DONE(&rig) >= done);
			done = DONE(&rig);
			assert_true(in_ring(&rig) <= 4096);
		}
		vmsnd_port_start(rig.port, rig.now);
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 200 * MS);
		assert_int_equal(DONE(&rig), rig.next_frame);
		for (size_t i = 0; i < rig.host.n_heard; i++) {
			if (rig.host.heard[i] == 0)
				continue;
			assert_true(rig.host.heard[i] > last);
			last = rig.host.heard[i];
		}
		rig_close(&rig);
	}
}

static void test_an_hour_in_well_under_a_second(void **state)
{
	clock_t before = clock();
	struct rig rig;

	rig_open_with(&rig, VMSND_PLAYBACK, false, true);
	rig_prepare(&rig);
	vmsnd_port_start(rig.port, rig.now);
	rig.endless = true;
	rig_run(&rig, 3600 * 1000 * MS);
	assert_true(DONE(&rig) == UINT64_C(3600) * 48000);
	assert_int_equal(rig_counter(&rig, "silence_frames"), 0);
	/* Time of this process, whatever else runs; sanitizers make it some ten times as much. */
	assert_true(clock() - before < 10 * CLOCKS_PER_SEC);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stand_in_in_one_step_or_many),
	    cmocka_unit_test(test_stand_in_capture_in_one_step_or_many),
	    cmocka_unit_test(test_prebuffer_deadline_is_the_hosts_start),
	    cmocka_unit_test(test_a_script_in_big_and_small_steps),
	    cmocka_unit_test(test_random_lives),
	    cmocka_unit_test(test_an_hour_in_well_under_a_second),
	};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
