/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything an owner can do and a host can suffer, in any order, while a guest plays: output 0 has
 * every frame in order, the guest notices nothing, and nothing is left behind.
 *
 * VMSND_SEED=N runs that one seed; what workers do is where it may still differ. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "stage.h"

#define SEEDS  60u
#define FRAMES (48000u * 4)
#define ACTS   120u

static uint32_t roll(struct stage *stage, uint32_t below)
{
	return sim_random(&stage->sim, below);
}

static void act_attach(struct stage *stage)
{
	static const char *const texts[] = {"null",
					    "fake",
					    "fake,rate=44100,volume=-3",
					    "fake-slow",
					    "fake-slow-streams",
					    "null,dir=capture",
					    "fake-notices,dir=playback,channels=1"};
	unsigned number;
	char name[32];

	snprintf(name, sizeof(name), "x%u.wav", roll(stage, 4));
	vmsnd_machine_attach(stage->sim.machine, 0,
			     roll(stage, 3) ? texts[roll(stage, sizeof(texts) / sizeof(texts[0]))]
					    : sim_file(&stage->sim, name, ""),
			     stage->sim.now, &number);
}

static void act_detach(struct stage *stage)
{
	vmsnd_machine_detach(stage->sim.machine, 0, 1 + roll(stage, 7), stage->sim.now);
}

static void act_enable(struct stage *stage)
{
	vmsnd_machine_enable(stage->sim.machine, 0, VMSND_CAPTURE, roll(stage, 2), stage->sim.now);
}

static void act_pause(struct stage *stage)
{
	vmsnd_machine_pause(stage->sim.machine, 0, roll(stage, 3) == 0, stage->sim.now);
}

static void act_volume(struct stage *stage)
{
	struct vmsnd_volume volume = {.gain_mdb = -(int32_t)roll(stage, 60000),
				      .muted = roll(stage, 4) ? 0 : UINT32_MAX};

	vmsnd_machine_volume(stage->sim.machine, 0, 1 + roll(stage, 7), VMSND_PLAYBACK, &volume);
}

static void act_tap(struct stage *stage)
{
	struct vmsnd_tap_conf tap = {.dir = (enum vmsnd_dir)roll(stage, 2),
				     .point = (enum vmsnd_tap)roll(stage, 2)};

	if (roll(stage, 2))
		tap.path = sim_path(&stage->sim, "tap.wav");
	vmsnd_machine_tap(stage->sim.machine, 0, &tap, stage->sim.now);
}

static void act_fault(struct stage *stage)
{
	fake.away = roll(stage, 2);
	fake.streams_away = roll(stage, 2);
	fake.error = roll(stage, 4) == 0;
	fake.kill = roll(stage, 2);
	fake.deaf = roll(stage, 4) == 0;
	fake.rate_hz = roll(stage, 3) ? 0 : 44100;
}

static void act_device(struct stage *stage)
{
	unsigned output = roll(stage, VMSND_OUTPUTS_MAX);

	vmsnd_machine_host_device(stage->sim.machine, 0, output, (enum vmsnd_dir)roll(stage, 2),
				  roll(stage, 2) ? "usb" : NULL, stage->sim.now);
	vmsnd_machine_host_refresh(stage->sim.machine, 0, output, stage->sim.now);
}

static void act_notice(struct stage *stage)
{
	fake_notice((int)roll(stage, 3) - 1);
}

static void storm(uint32_t seed)
{
	static void (*const acts[])(struct stage *) = {
	    act_attach, act_attach, act_detach, act_detach, act_enable, act_pause,
	    act_volume, act_tap,    act_fault,  act_fault,  act_device, act_notice};
	struct stage stage;

	stage_open(&stage);
	stage.sim.seed = seed;
	sim_add(&stage.sim, "", sim_file(&stage.sim, "whole.wav", ""));
	stage_play(&stage, FRAMES);
	for (unsigned i = 0; i < ACTS; i++) {
		acts[roll(&stage, sizeof(acts) / sizeof(acts[0]))](&stage);
		stage_run(&stage, roll(&stage, 40) * MS);
	}
	vmsnd_machine_pause(stage.sim.machine, 0, false, stage.sim.now);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_int_equal(fake.opens, fake.closes);
	assert_int_equal(fake.streams[VMSND_PLAYBACK] + fake.streams[VMSND_CAPTURE], 0);
	assert_int_equal(stage_count(&stage, "does not answer"), 0);
	sim_assert_file(sim_path(&stage.sim, "whole.wav"), &stage.signal, FRAMES, 4 * PERIOD);
	stage_forget(&stage);
}

static uint32_t now_at;

static void tell_seed(void)
{
	if (now_at)
		fprintf(stderr, "# to have it again: VMSND_SEED=%u\n", now_at);
}

static void test_whatever_comes_output_0_has_every_frame(void **state)
{
	const char *one = getenv("VMSND_SEED");
	uint32_t first = one ? (uint32_t)strtoul(one, NULL, 10) : 1;

	for (now_at = first; now_at < (one ? first + 1 : SEEDS + 1); now_at++)
		storm(now_at * 2654435761u);
	now_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whatever_comes_output_0_has_every_frame),
	};

	atexit(tell_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
