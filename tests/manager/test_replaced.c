/* SPDX-License-Identifier: BSD-3-Clause */
/* An output whose chain is being replaced (DM-73): what else is asked of it meanwhile. */
#include <sched.h>
#include <string.h>

#include "os/clock.h"
#include "stage.h"

#define FRAMES 48000u

/* Output 0 plays on a backend with devices. */
static void begin(struct stage *stage)
{
	stage_open(stage);
	sim_add(&stage->sim, "", "fake");
	stage_play(stage, FRAMES);
	stage_run(stage, 100 * MS);
}

static void end(struct stage *stage)
{
	vmsnd_machine_close(stage->sim.machine, stage->sim.now);
	assert_int_equal(fake.opens, fake.closes);
	stage_forget(stage);
}

static enum vmsnd_rc reattach(struct stage *stage, const char *backend)
{
	struct vmsnd_chain_conf chain = {.backend = backend};

	return vmsnd_machine_reattach(stage->sim.machine, 0, 0, &chain, stage->sim.now);
}

/* Until workers have opened and closed what they had to: real time, bounded. */
static void settle(struct stage *stage)
{
	vmsnd_ns end = vmsnd_clock_now() + 60 * SECOND;

	while (vmsnd_machine_reattached(stage->sim.machine, 0, 0) == VMSND_E_AGAIN &&
	       vmsnd_clock_now() < end) {
		stage_run(stage, 10 * MS);
		sched_yield();
	}
	assert_int_equal(vmsnd_machine_reattached(stage->sim.machine, 0, 0), VMSND_OK);
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
	struct stage stage;

	begin(&stage);
	assert_int_equal(driver_attach(&stage), VMSND_OK);
	fake.hold = true;
	assert_int_equal(reattach(&stage, "fake-slow"), VMSND_OK);
	for (unsigned i = 0; i < 4; i++)
		during[i] = changes[i](&stage);
	fake.hold = false;
	settle(&stage);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM73_the_old_chain_is_not_changed_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
