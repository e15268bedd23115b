/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks that follow outputs, and their owner's hand; heard by a guest (V29), under virtual time. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "stage.h"

enum { LINE_OUT, MIC };

static void open_with(struct stage *stage, const char *backend)
{
	stage_open(stage);
	fake.n_devices = 1;
	fake.devices[0] = (struct vmsnd_host_device){
	    .id = "speakers", .playback_channels = 2, .default_playback = true};
	fake.devices[1] = (struct vmsnd_host_device){
	    .id = "usb", .playback_channels = 2, .capture_channels = 1, .hot_plug = true};
	sim_add(&stage->sim, "jacks=on", backend);
	stage_run(stage, 10 * SECOND);
	vmsnd_guest_poll(&stage->sim.cards[0]->guest, stage->sim.now);
	stage->sim.cards[0]->guest.events_seen = 0;
}

static bool plugged(const struct stage *stage, unsigned jack)
{
	struct vmsnd_jack_status status;

	assert_int_equal(vmsnd_machine_jack(stage->sim.machine, 0, jack, &status), VMSND_OK);
	return status.jack.connected;
}

static void set(struct stage *stage, const char *name, enum vmsnd_jack_want want)
{
	assert_int_equal(vmsnd_machine_jack_set(stage->sim.machine, 0, name, want, stage->sim.now),
			 VMSND_OK);
	stage_run(stage, 0);
}

/* What the guest was told last, and how many events in all. */
static uint64_t events(struct stage *stage)
{
	struct vmsnd_guest *guest = &stage->sim.cards[0]->guest;

	vmsnd_guest_poll(guest, stage->sim.now);
	return guest->events_seen;
}

static void expect_event(struct stage *stage, uint64_t n, uint32_t code, uint32_t jack)
{
	const struct vmsnd_guest *guest = &stage->sim.cards[0]->guest;

	assert_int_equal(events(stage), n);
	assert_int_equal(guest->last_event.hdr.code, code);
	assert_int_equal(guest->last_event.data, jack);
}

static void lose(struct stage *stage)
{
	fake.error = fake.away = true;
	fake_notice(-1);
	stage_run(stage, 0);
}

static void test_V29_an_output_that_is_lost_is_a_plug_pulled_out(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	assert_true(plugged(&stage, LINE_OUT));
	assert_int_equal(events(&stage), 0);
	lose(&stage);
	stage_run(&stage, 2900 * MS);
	assert_true(plugged(&stage, LINE_OUT));
	stage_run(&stage, 200 * MS);
	assert_false(plugged(&stage, LINE_OUT));
	expect_event(&stage, 1, 0x1001, LINE_OUT);
	assert_int_equal(stage_count(&stage, "jack line-out: pulled out"), 1);
	stage_run(&stage, 60 * SECOND);
	assert_int_equal(events(&stage), 1);
	fake.error = fake.away = false;
	stage_run(&stage, 30 * SECOND);
	assert_true(plugged(&stage, LINE_OUT));
	expect_event(&stage, 2, 0x1000, LINE_OUT);
	stage_close(&stage);
}

/* A server that is started again is back within a second or two. */
static void test_V29_a_short_loss_is_not_told(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	for (unsigned i = 0; i < 5; i++) {
		lose(&stage);
		stage_run(&stage, 800 * MS);
		fake.error = fake.away = false;
		stage_run(&stage, 10 * SECOND);
		assert_true(plugged(&stage, LINE_OUT));
	}
	stage_run(&stage, 5 * SECOND);
	assert_int_equal(events(&stage), 0);
	stage_close(&stage);
}

/* Its card is there, but streams do not open. */
static void test_V29_a_stream_that_is_lost_counts_while_it_plays(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	stage_play(&stage, 480000);
	stage_run(&stage, 500 * MS);
	fake.kill = fake.streams_away = true;
	stage_run(&stage, 4 * SECOND);
	assert_false(plugged(&stage, LINE_OUT));
	fake.streams_away = false;
	fake_notice(-1);
	stage_run(&stage, 3 * SECOND);
	assert_true(plugged(&stage, LINE_OUT));
	stage_close(&stage);
}

/* BE-18: plug events of the host. */
static void test_V29_devices_of_the_host_come_and_go(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	assert_false(plugged(&stage, MIC)); /* no device has a microphone */
	fake.n_devices = 2;
	fake_notice(-1);
	stage_run(&stage, 3 * SECOND);
	assert_true(plugged(&stage, MIC));
	expect_event(&stage, 1, 0x1000, MIC);
	fake.n_devices = 1;
	fake_notice(VMSND_CAPTURE);
	stage_run(&stage, 5 * SECOND);
	assert_false(plugged(&stage, MIC));
	expect_event(&stage, 2, 0x1001, MIC);
	assert_true(plugged(&stage, LINE_OUT));
	stage_close(&stage);
}

static void test_V29_a_chosen_device_that_is_pulled(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	fake.n_devices = 2;
	fake_notice(-1);
	stage_run(&stage, 3 * SECOND);
	assert_int_equal(vmsnd_machine_host_device(stage.sim.machine, 0, 0, VMSND_PLAYBACK, "usb",
						   stage.sim.now),
			 VMSND_OK);
	stage_run(&stage, 3 * SECOND);
	assert_true(plugged(&stage, LINE_OUT));
	fake.n_devices = 1;
	fake_notice(-1);
	stage_run(&stage, 5 * SECOND);
	assert_false(plugged(&stage, LINE_OUT));
	stage_close(&stage);
}

static void test_V29_an_output_that_is_detached_and_attached(void **state)
{
	struct stage stage;

	open_with(&stage, "null");
	assert_true(plugged(&stage, LINE_OUT));
	assert_true(plugged(&stage, MIC));
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	stage_run(&stage, 4 * SECOND);
	assert_false(plugged(&stage, LINE_OUT));
	assert_false(plugged(&stage, MIC));
	assert_int_equal(events(&stage), 2);
	assert_int_equal(stage_attach(&stage, "null,dir=playback"), 0);
	stage_run(&stage, 2 * SECOND);
	assert_true(plugged(&stage, LINE_OUT));
	assert_false(plugged(&stage, MIC));
	assert_int_equal(events(&stage), 3);
	stage_close(&stage);
}

static void test_V29_what_is_away_at_the_start_is_not_plugged_in(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.away = true;
	sim_add(&stage.sim, "jacks=on", "fake");
	assert_false(plugged(&stage, LINE_OUT));
	stage_run(&stage, 10 * SECOND);
	assert_int_equal(events(&stage), 0);
	stage_close(&stage);
}

static void test_V29_the_owners_hand_is_first(void **state)
{
	struct stage stage;

	open_with(&stage, "fake");
	set(&stage, "line-out", VMSND_JACK_UNPLUGGED);
	assert_false(plugged(&stage, LINE_OUT));
	expect_event(&stage, 1, 0x1001, LINE_OUT);
	stage_run(&stage, 10 * SECOND);
	assert_false(plugged(&stage, LINE_OUT));
	set(&stage, "line-out", VMSND_JACK_PLUGGED);
	lose(&stage);
	stage_run(&stage, 10 * SECOND);
	assert_true(plugged(&stage, LINE_OUT));
	expect_event(&stage, 2, 0x1000, LINE_OUT);
	set(&stage, "line-out", VMSND_JACK_FOLLOW);
	assert_false(plugged(&stage, LINE_OUT));
	expect_event(&stage, 3, 0x1001, LINE_OUT);
	stage_close(&stage);
}

static void test_V29_jacks_that_are_not_there(void **state)
{
	struct stage stage;
	struct vmsnd_jack_status status;

	open_with(&stage, "fake");
	assert_int_equal(vmsnd_machine_jack(stage.sim.machine, 0, 2, &status), VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_jack(stage.sim.machine, 1, 0, &status), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_jack_set(stage.sim.machine, 0, "phones", VMSND_JACK_PLUGGED,
						stage.sim.now),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_jack_set(stage.sim.machine, 0, "mic",
						(enum vmsnd_jack_want)3, stage.sim.now),
			 VMSND_E_INVALID);
	assert_int_equal(
	    vmsnd_machine_jack_set(stage.sim.machine, 1, "mic", VMSND_JACK_PLUGGED, stage.sim.now),
	    VMSND_E_NO_CARD);
	stage_close(&stage);
}

static struct vmsnd_machine *restored(struct stage *stage, const uint8_t *bytes, size_t n_bytes)
{
	const struct vmsnd_machine_conf conf = {
	    .registry = stage->registry, .off = true, .restores = true};
	struct vmsnd_error error;
	struct vmsnd_machine *machine;
	struct vmsnd_node *root;

	assert_int_equal(vmsnd_state_tree(bytes, n_bytes, &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(machine, root, NULL, 0, stage->sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_load(machine, bytes, n_bytes, stage->sim.now), VMSND_OK);
	vmsnd_tree_free(root);
	return machine;
}

/* The owner's hand, and what follows, also while nobody looked. */
static void test_V29_a_saved_machine_keeps_its_jacks(void **state)
{
	struct stage stage;
	struct vmsnd_jack_status status;
	uint8_t *bytes;
	size_t n_bytes;

	open_with(&stage, "null");
	set(&stage, "line-out", VMSND_JACK_UNPLUGGED);
	assert_int_equal(vmsnd_machine_save(stage.sim.machine, stage.sim.now, &bytes, &n_bytes),
			 VMSND_OK);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	stage.sim.machine = restored(&stage, bytes, n_bytes);
	assert_int_equal(vmsnd_machine_life(stage.sim.machine, VMSND_LIFE_RESUME, stage.sim.now),
			 VMSND_OK);
	for (unsigned i = 0; i < 50; i++)
		vmsnd_machine_advance(stage.sim.machine, stage.sim.now += 100 * MS);
	assert_int_equal(vmsnd_machine_jack(stage.sim.machine, 0, LINE_OUT, &status), VMSND_OK);
	assert_int_equal(status.want, VMSND_JACK_UNPLUGGED);
	assert_false(status.jack.connected);
	assert_int_equal(vmsnd_machine_jack(stage.sim.machine, 0, MIC, &status), VMSND_OK);
	assert_int_equal(status.want, VMSND_JACK_FOLLOW);
	assert_true(status.jack.connected);
	free(bytes);
	stage_close(&stage);
}

/* An idle card with jacks does not keep its lane awake. */
static void test_V29_jacks_at_rest_cost_nothing(void **state)
{
	struct stage stage;

	open_with(&stage, "null");
	assert_true(vmsnd_machine_advance(stage.sim.machine, stage.sim.now) == VMSND_NEVER);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V29_an_output_that_is_lost_is_a_plug_pulled_out),
	    cmocka_unit_test(test_V29_a_short_loss_is_not_told),
	    cmocka_unit_test(test_V29_a_stream_that_is_lost_counts_while_it_plays),
	    cmocka_unit_test(test_V29_devices_of_the_host_come_and_go),
	    cmocka_unit_test(test_V29_a_chosen_device_that_is_pulled),
	    cmocka_unit_test(test_V29_an_output_that_is_detached_and_attached),
	    cmocka_unit_test(test_V29_what_is_away_at_the_start_is_not_plugged_in),
	    cmocka_unit_test(test_V29_the_owners_hand_is_first),
	    cmocka_unit_test(test_V29_jacks_that_are_not_there),
	    cmocka_unit_test(test_V29_a_saved_machine_keeps_its_jacks),
	    cmocka_unit_test(test_V29_jacks_at_rest_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
