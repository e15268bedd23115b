/* SPDX-License-Identifier: BSD-3-Clause */
/* A host in the course of time: it comes back slowly, comes and goes, changes its devices, and is
 * asked about itself. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "stage.h"

/* What a worker does is waited for so long. */
#define WORKER_NS (10 * VMSND_NS_PER_SECOND)

static uint64_t device_changes(struct stage *stage)
{
	struct vmsnd_output_status status;

	assert_int_equal(vmsnd_machine_output(stage->sim.machine, 0, 0, &status), VMSND_OK);
	return status.device_changes;
}

static void fall(struct stage *stage, vmsnd_ns ns)
{
	fake.streams_away = fake.kill = true;
	stage_run(stage, ns);
}

/* A server that is back tells of its devices for seconds, and the one that a stream needs comes
 * somewhere in between. */
static void test_BE_22_sound_is_back_within_a_burst_of_notices(void **state)
{
	struct stage stage;
	uint64_t before;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 60);
	stage_run(&stage, 5 * SECOND);
	fall(&stage, 17 * SECOND);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "lost");
	for (unsigned i = 0; i < 5; i++) {
		fake_notice(-1);
		stage_run(&stage, 100 * MS);
	}
	fake.streams_away = false;
	before = fake.frames;
	for (unsigned i = 0; i < 5; i++) {
		fake_notice(-1);
		stage_run(&stage, 100 * MS);
	}
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	assert_true(fake.frames > before);
	stage_finish(&stage);
	stage_close(&stage);
}

/* However many notices come, it is tried three times a second at most. */
static void test_TH_11_a_storm_of_notices_is_not_a_storm_of_tries(void **state)
{
	struct stage stage;
	unsigned tries;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 30);
	stage_run(&stage, 2 * SECOND);
	fall(&stage, 15 * SECOND);
	tries = fake.stream_tries;
	for (unsigned i = 0; i < 2000; i++) {
		fake_notice(-1);
		stage_run(&stage, MS);
	}
	assert_in_range(fake.stream_tries - tries, 4, 10);
	fake.streams_away = false;
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_a_host_that_comes_and_goes_does_not_fill_the_log(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 150);
	stage_run(&stage, 2 * SECOND);
	for (unsigned i = 0; i < 20; i++) {
		fall(&stage, 2 * SECOND);
		fake.streams_away = false;
		fake_notice(-1);
		stage_run(&stage, 2 * SECOND);
	}
	assert_int_equal(stage_count(&stage, "does not work now"), 2);
	assert_int_equal(stage_count(&stage, "works again"), 2);
	assert_int_equal(stage_count(&stage, "comes and goes"), 1);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	stage_run(&stage, 62 * SECOND);
	assert_int_equal(stage_count(&stage, "works again"), 3);
	/* From here on it is told anew. */
	fall(&stage, 2 * SECOND);
	assert_int_equal(stage_count(&stage, "does not work now"), 3);
	fake.streams_away = false;
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_TH_11_devices_that_change_in_a_burst_are_one_change(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.n_devices = 1;
	strcpy(fake.devices[0].id, "one");
	sim_add(&stage.sim, "", "fake");
	stage_run(&stage, SECOND);
	assert_int_equal(device_changes(&stage), 0); /* the first list is no news */
	for (unsigned i = 1; i < 4; i++) {
		strcpy(fake.devices[i].id, "more");
		fake.n_devices = i + 1;
		fake_notice(-1);
		stage_run(&stage, 50 * MS);
	}
	stage_run(&stage, SECOND);
	assert_int_equal(device_changes(&stage), 1);
	fake_notice(-1); /* and nothing is otherwise */
	stage_run(&stage, SECOND);
	assert_int_equal(device_changes(&stage), 1);
	fake.devices[3].default_playback = true;
	fake_notice(VMSND_PLAYBACK);
	stage_run(&stage, SECOND);
	assert_int_equal(device_changes(&stage), 2);
	stage_close(&stage);
}

static void test_a_stream_tells_where_it_is(void **state)
{
	struct vmsnd_stream_status status;
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).place.device, "");
	stage_play(&stage, 48000);
	stage_run(&stage, 500 * MS);
	status = stage_status(&stage, VMSND_PLAYBACK, 0);
	assert_string_equal(status.place.device, "hw:0");
	assert_true(status.place.has_volume && status.place.gain_mdb == -6000);
	assert_int_equal(status.place.xruns, 7);
	stage_finish(&stage);
	stage_close(&stage);
}

static void test_the_hosts_own_mixer_is_turned(void **state)
{
	static const struct vmsnd_host_volume half = {.sets_gain = true, .gain_mdb = -18062},
					      mute = {.sets_mute = true, .muted = true},
					      nothing = {.muted = true},
					      loud = {.sets_gain = true,
						      .gain_mdb = VMSND_GAIN_MAX_MDB + 1};
	struct vmsnd_stream_place place;
	struct vmsnd_machine *machine;
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	sim_add(&stage.sim, "", "null");
	machine = stage.sim.machine;
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &half),
			 VMSND_E_GONE); /* no stream is open */
	stage_play(&stage, 48000);
	stage_run(&stage, 500 * MS);
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &half), VMSND_OK);
	place = stage_status(&stage, VMSND_PLAYBACK, 0).place;
	assert_true(place.gain_mdb == -18062 && !place.muted);
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &mute), VMSND_OK);
	place = stage_status(&stage, VMSND_PLAYBACK, 0).place;
	assert_true(place.gain_mdb == -18062 && place.muted);
	fake.volume_rc = VMSND_E_AGAIN;
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &half),
			 VMSND_E_AGAIN);
	fake.volume_rc = VMSND_OK;
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_CAPTURE, &half),
			 VMSND_E_GONE);
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &nothing),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 0, VMSND_PLAYBACK, &loud),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_host_volume(machine, 0, 1, VMSND_PLAYBACK, &half),
			 VMSND_E_NO_OUTPUT);
	assert_int_equal(vmsnd_machine_host_volume(machine, 1, 0, VMSND_PLAYBACK, &half),
			 VMSND_E_UNSUPPORTED);
	assert_int_equal(vmsnd_machine_host_volume(machine, 2, 0, VMSND_PLAYBACK, &half),
			 VMSND_E_NO_CARD);
	stage_finish(&stage);
	stage_close(&stage);
}

/* The lane does not wait for one that hangs. */
static void test_a_host_is_asked_by_a_worker(void **state)
{
	vmsnd_ns until = vmsnd_clock_now() + WORKER_NS;
	struct vmsnd_machine *machine;
	struct vmsnd_fact facts[4];
	size_t n = 4;
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_run(&stage, SECOND);
	machine = stage.sim.machine;
	assert_int_equal(vmsnd_machine_host_facts(machine, 0, 0, facts, &n), VMSND_E_UNSUPPORTED);
	fake.hold = true;
	assert_int_equal(vmsnd_machine_host_ask(machine, 0, 0, stage.sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_host_facts(machine, 0, 0, facts, &n), VMSND_E_AGAIN);
	assert_int_equal(vmsnd_machine_host_ask(machine, 0, 0, stage.sim.now), VMSND_OK);
	fake.hold = false;
	do
		n = 4;
	while (vmsnd_machine_host_facts(machine, 0, 0, facts, &n) == VMSND_E_AGAIN &&
	       vmsnd_clock_now() < until);
	assert_int_equal(n, 1);
	assert_string_equal(facts[0].text, "Fake 1.0");
	assert_int_equal(fake.fact_looks, 1);
	assert_int_equal(vmsnd_machine_host_ask(machine, 0, 5, stage.sim.now), VMSND_E_NO_OUTPUT);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_BE_22_sound_is_back_within_a_burst_of_notices),
	    cmocka_unit_test(test_TH_11_a_storm_of_notices_is_not_a_storm_of_tries),
	    cmocka_unit_test(test_a_host_that_comes_and_goes_does_not_fill_the_log),
	    cmocka_unit_test(test_TH_11_devices_that_change_in_a_burst_are_one_change),
	    cmocka_unit_test(test_a_stream_tells_where_it_is),
	    cmocka_unit_test(test_the_hosts_own_mixer_is_turned),
	    cmocka_unit_test(test_a_host_is_asked_by_a_worker),
	};

	return cmocka_run_group_tests_name("a host in time", tests, NULL, NULL);
}
