/* SPDX-License-Identifier: BSD-3-Clause */
/* An output whose chain is being replaced (DM-73): what else is asked of it meanwhile. */
#include <sched.h>
#include <string.h>

#include "os/clock.h"
#include "stage.h"

#define FRAMES 48000u

static void begin(struct stage *stage, const char *backend)
{
	stage_open(stage);
	sim_add(&stage->sim, "", backend);
	stage_play(stage, FRAMES);
	stage_run(stage, 100 * MS);
}

static void end(struct stage *stage)
{
	vmsnd_machine_close(stage->sim.machine, stage->sim.now);
	assert_int_equal(fake.opens, fake.closes);
	stage_forget(stage);
}

static enum vmsnd_rc reattach(struct stage *stage, const char *backend,
			      struct vmsnd_reattach *which)
{
	struct vmsnd_chain_conf chain = {.backend = backend};

	*which = (struct vmsnd_reattach){0};
	return vmsnd_machine_reattach(stage->sim.machine, which, &chain, stage->sim.now);
}

static enum vmsnd_rc end_of(struct stage *stage, struct vmsnd_reattach *which)
{
	return vmsnd_machine_reattached(stage->sim.machine, which);
}

/* Until workers have opened and closed what they had to: real time, bounded. How it ended. */
static enum vmsnd_rc settle(struct stage *stage)
{
	struct vmsnd_reattach last = {0};
	vmsnd_ns end = vmsnd_clock_now() + 60 * SECOND;

	while (end_of(stage, &last) == VMSND_E_AGAIN && vmsnd_clock_now() < end) {
		stage_run(stage, 10 * MS);
		sched_yield();
	}
	return end_of(stage, &last);
}

/* ---- changes of the chain that goes ---- */

static enum vmsnd_rc driver_attach(struct stage *stage)
{
	struct vmsnd_driver_place place = {0, 0, 0};

	return vmsnd_machine_driver_attach(stage->sim.machine, &place, "delay,ms=5",
					   stage->sim.now);
}

static enum vmsnd_rc driver_reattach(struct stage *stage)
{
	struct vmsnd_driver_place place = {0, 0, 0};

	return vmsnd_machine_driver_reattach(stage->sim.machine, &place, "delay,ms=7",
					     stage->sim.now);
}

static enum vmsnd_rc driver_detach(struct stage *stage)
{
	struct vmsnd_driver_place place = {0, 0, 0};

	return vmsnd_machine_driver_detach(stage->sim.machine, &place, stage->sim.now);
}

static enum vmsnd_rc choose_device(struct stage *stage)
{
	return vmsnd_machine_host_device(stage->sim.machine, 0, 0, VMSND_PLAYBACK, "other",
					 stage->sim.now);
}

/* They would leave with it. */
static void test_DM73_the_old_chain_is_not_changed_any_more(void **state)
{
	static enum vmsnd_rc (*const changes[])(struct stage *) = {driver_attach, driver_reattach,
								   choose_device, driver_detach};
	enum vmsnd_rc during[4];
	struct vmsnd_output_status status;
	struct vmsnd_reattach which;
	struct stage stage;

	begin(&stage, "fake");
	assert_int_equal(driver_attach(&stage), VMSND_OK);
	fake.hold = true;
	assert_int_equal(reattach(&stage, "fake-slow", &which), VMSND_OK);
	for (unsigned i = 0; i < 4; i++)
		during[i] = changes[i](&stage);
	fake.hold = false;
	assert_int_equal(settle(&stage), VMSND_OK);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(during[i], VMSND_E_AGAIN);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 0, 0, &status), VMSND_OK);
	assert_string_equal(status.drivers[0], "");
	assert_int_equal(driver_attach(&stage), VMSND_OK);
	assert_int_equal(choose_device(&stage), VMSND_OK);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	end(&stage);
}

/* ---- outputs that go, and others that have their number then ---- */

static void test_DM73_another_output_of_the_number_is_not_taken_for_it(void **state)
{
	struct vmsnd_reattach which, last = {0};
	enum vmsnd_rc gone, fresh;
	struct stage stage;

	begin(&stage, "null");
	fake.hold = true;
	assert_int_equal(reattach(&stage, "fake-slow", &which), VMSND_OK);
	vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now);
	stage_attach(&stage, "null");
	gone = end_of(&stage, &which);
	fresh = end_of(&stage, &last);
	fake.hold = false;
	assert_int_not_equal(which.number, 0);
	assert_int_equal(gone, VMSND_E_NO_OUTPUT);
	assert_int_equal(fresh, VMSND_OK);
	assert_int_equal(last.number, 0);
	assert_int_equal(reattach(&stage, "null", &last), VMSND_OK);
	assert_int_equal(settle(&stage), VMSND_OK);
	assert_int_not_equal(last.number, which.number);
	assert_int_equal(end_of(&stage, &which), VMSND_E_NO_OUTPUT);
	end(&stage);
}

static void test_DM73_another_card_of_the_number_is_not_taken_for_it(void **state)
{
	struct vmsnd_card_conf card = {
	    .device = "virtio-snd,name=other", .transport = "in-process", .listen_fd = -1};
	struct vmsnd_reattach which;
	struct stage stage;
	enum vmsnd_rc gone, other;

	begin(&stage, "null");
	fake.hold = true;
	assert_int_equal(reattach(&stage, "fake-slow", &which), VMSND_OK);
	assert_int_equal(vmsnd_machine_remove(stage.sim.machine, 0, stage.sim.now), VMSND_OK);
	gone = end_of(&stage, &which);
	assert_int_equal(vmsnd_machine_add(stage.sim.machine, &card, stage.sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_status(stage.sim.machine).cards, 1);
	other = end_of(&stage, &which);
	fake.hold = false;
	assert_int_equal(gone, VMSND_E_NO_CARD);
	assert_int_equal(other, VMSND_E_NO_OUTPUT);
	end(&stage);
}

/* Whoever asks for the end of one hears of that one, though the next has begun. */
static void test_DM73_each_has_an_end_of_its_own(void **state)
{
	struct vmsnd_reattach which[3], last = {0};
	struct stage stage;

	begin(&stage, "null");
	assert_int_equal(reattach(&stage, "fake", &which[0]), VMSND_OK);
	assert_int_equal(settle(&stage), VMSND_OK);
	fake.streams_away = true;
	assert_int_equal(reattach(&stage, "fake", &which[1]), VMSND_OK);
	assert_int_equal(settle(&stage), VMSND_E_GONE);
	stage_run(&stage, 100 * MS);
	assert_int_equal(end_of(&stage, &which[0]), VMSND_OK);
	fake.hold = true;
	assert_int_equal(reattach(&stage, "fake-slow", &which[2]), VMSND_OK);
	assert_int_equal(end_of(&stage, &which[1]), VMSND_E_GONE);
	assert_int_equal(end_of(&stage, &which[0]), VMSND_E_NO_OUTPUT);
	assert_int_equal(end_of(&stage, &which[2]), VMSND_E_AGAIN);
	assert_int_equal(end_of(&stage, &last), VMSND_E_AGAIN);
	assert_int_equal(last.number, which[2].number);
	fake.hold = fake.streams_away = false;
	assert_int_equal(settle(&stage), VMSND_OK);
	end(&stage);
}

/* ---- classes that allow so many ---- */

static enum vmsnd_rc try_attach(struct stage *stage, unsigned *output)
{
	return vmsnd_machine_attach(stage->sim.machine, 0, "single", stage->sim.now, output);
}

/* One that takes another's place is no more than before, and one that is let go does not count. */
static void test_no_more_backends_than_the_class_allows(void **state)
{
	struct vmsnd_card_conf card = {.device = "virtio-snd,name=other",
				       .backend = "single",
				       .transport = "in-process",
				       .listen_fd = -1};
	struct vmsnd_backend_class single = fake_slow_class;
	struct vmsnd_reattach which;
	struct stage stage;
	unsigned output;

	single.name = "single";
	single.max_instances = 1;
	begin(&stage, "null");
	assert_int_equal(vmsnd_registry_add_backend(stage.registry, &single), VMSND_OK);
	assert_int_equal(reattach(&stage, "single", &which), VMSND_OK);
	assert_int_equal(try_attach(&stage, &output), VMSND_E_LIMIT);
	assert_int_equal(settle(&stage), VMSND_OK);
	assert_int_equal(try_attach(&stage, &output), VMSND_E_LIMIT);
	assert_int_equal(stage_count(&stage, "output 1: one machine has at most 1 of backend "
					     "single"),
			 2);
	assert_int_equal(vmsnd_machine_add(stage.sim.machine, &card, stage.sim.now), VMSND_E_LIMIT);
	assert_int_equal(vmsnd_machine_status(stage.sim.machine).cards, 1);
	stage_run(&stage, 100 * MS);
	assert_int_equal(reattach(&stage, "single", &which), VMSND_OK);
	assert_int_equal(settle(&stage), VMSND_OK);
	assert_int_equal(try_attach(&stage, &output), VMSND_E_LIMIT);
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	assert_int_equal(try_attach(&stage, &output), VMSND_OK);
	assert_int_equal(try_attach(&stage, &output), VMSND_E_LIMIT);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM73_the_old_chain_is_not_changed_any_more),
	    cmocka_unit_test(test_DM73_another_output_of_the_number_is_not_taken_for_it),
	    cmocka_unit_test(test_DM73_another_card_of_the_number_is_not_taken_for_it),
	    cmocka_unit_test(test_DM73_each_has_an_end_of_its_own),
	    cmocka_unit_test(test_no_more_backends_than_the_class_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
