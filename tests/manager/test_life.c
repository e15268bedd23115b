/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a machine: who is told what, in which order (LC-01 .. LC-10), and what a late one
 * costs. */
#include <string.h>

#include "actors.h"

static const char two_cards[] =
    "cards:\n"
    "  a: {device: actor, transport: hall, outputs: [{backend: stage, as: a0},"
    " {backend: stage, as: a1}]}\n"
    "  b: {device: first, transport: hall, outputs: [{backend: stage, as: b0}]}\n";

static const char with_drivers[] =
    "cards:\n"
    "  a: {device: actor, transport: hall, outputs: [{backend: stage, as: a0,\n"
    "      drivers: [{driver: step, as: top}, {driver: step, as: low}]},\n"
    "    {backend: stage, as: a1}]}\n"
    "  b: {device: first, transport: hall,\n"
    "      outputs: [{backend: stage, as: b0, drivers: [{driver: step, as: b}]}]}\n";

static void a_few_turns(void)
{
	for (unsigned i = 0; i < 5; i++)
		vmsnd_machine_advance(actors.machine, actors.now += UINT64_C(1000000));
}

/* Every card plays, so there is an instance of every driver. */
static void begin_playing(void)
{
	actors_open(false);
	actors.plays = true;
	actors_build(with_drivers);
	a_few_turns();
	actors_story();
}

static const char *story_of(enum vmsnd_life what)
{
	actors_life(what, 0);
	a_few_turns();
	return actors_story();
}

static void begin(bool off)
{
	actors_open(off);
	actors_build(two_cards);
	actors_story();
}

/* Cards in the order of creation; of each the outputs from top to bottom, then the device. */
static void test_LC_01_power_on_and_resume_in_order(void **state)
{
	begin(true);
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_OFF);
	assert_int_equal(actors_life(VMSND_LIFE_POWER_ON, 0), 1);
	assert_string_equal(actors_story(), "backend a0 power-on\nbackend a1 power-on\n"
					    "device a power-on\n"
					    "backend b0 power-on\ndevice b power-on\n");
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_ON);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	actors_story();
	actors_life(VMSND_LIFE_RESUME, 0);
	assert_string_equal(actors_story(), "backend a0 resume\nbackend a1 resume\n"
					    "device a resume\n"
					    "backend b0 resume\ndevice b resume\n");
	actors_close();
}

/* The connector, then of each output the drivers from top to bottom and the backend, then the
 * device: by the time the first driver hears of it all streams of its card stand still, or run
 * again (LC-10). But card b's device hears of it before all of these. */
static void test_LC_01_of_a_card_each_part_in_its_place(void **state)
{
	begin_playing();
	assert_string_equal(story_of(VMSND_LIFE_SUSPEND),
			    "stream a1 stands\nstream a0 stands\n"
			    "driver top suspend\ndriver low suspend\nbackend a0 suspend\n"
			    "backend a1 suspend\ndevice a suspend\n"
			    "device b suspend\n"
			    "stream b0 stands\ndriver b suspend\nbackend b0 suspend\n");
	assert_string_equal(story_of(VMSND_LIFE_RESUME),
			    "stream a1 starts\nstream a0 starts\n"
			    "driver top resume\ndriver low resume\nbackend a0 resume\n"
			    "backend a1 resume\ndevice a resume\n"
			    "stream b0 starts\ndriver b resume\nbackend b0 resume\n"
			    "device b resume\n");
	assert_string_equal(story_of(VMSND_LIFE_RESET),
			    "driver top reset\ndriver low reset\nbackend a0 reset\n"
			    "backend a1 reset\ndevice a resets\ndevice a reset\n"
			    "device b resets\ndevice b reset\n"
			    "driver b reset\nbackend b0 reset\n");
	assert_string_equal(story_of(VMSND_LIFE_POWER_OFF),
			    "stream a0 stands\nstream a1 stands\n"
			    "driver top power-off\ndriver low power-off\nbackend a0 power-off\n"
			    "backend a1 power-off\ndevice a shuts down\ndevice a power-off\n"
			    "device b shuts down\ndevice b power-off\n"
			    "stream b0 stands\ndriver b power-off\nbackend b0 power-off\n");
	assert_string_equal(story_of(VMSND_LIFE_POWER_ON),
			    "driver top power-on\ndriver low power-on\nbackend a0 power-on\n"
			    "backend a1 power-on\ndevice a power-on\n"
			    "driver b power-on\nbackend b0 power-on\ndevice b power-on\n");
	actors_close();
}

static void test_LC_02_some_devices_hear_of_it_first(void **state)
{
	begin(false);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	assert_string_equal(actors_story(), "backend a0 suspend\nbackend a1 suspend\n"
					    "device a suspend\n"
					    "device b suspend\nbackend b0 suspend\n");
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_SUSPENDED);
	actors_life(VMSND_LIFE_POWER_OFF, 0);
	assert_string_equal(actors_story(), "backend a0 power-off\nbackend a1 power-off\n"
					    "device a shuts down\ndevice a power-off\n"
					    "device b shuts down\ndevice b power-off\n"
					    "backend b0 power-off\n");
	actors_close();
}

/* What stands below a late part, and its device, is asked later; each is done once. */
static void test_LC_03_who_needs_time_is_asked_again(void **state)
{
	begin(false);
	actors.late_backend = 2;
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_AGAIN);
	/* a0 and a1 are late; b is another card and goes on. */
	assert_string_equal(actors_story(), "backend a0 suspend\nbackend a1 suspend\n"
					    "device b suspend\nbackend b0 suspend\n");
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_CHANGING);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_OK);
	assert_string_equal(actors_story(), "backend a0 suspend\nbackend a1 suspend\n"
					    "device a suspend\n");
	actors_close();
}

/* A late driver holds up the drivers below it, its backend and the device; other outputs and cards
 * go on. */
static void test_LC_03_a_driver_that_needs_time_holds_up_what_is_below(void **state)
{
	begin_playing();
	actors.late_driver = 1;
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_AGAIN);
	assert_string_equal(actors_story(), "stream a1 stands\nstream a0 stands\n"
					    "driver top suspend\nbackend a1 suspend\n"
					    "device b suspend\nstream b0 stands\n"
					    "driver b suspend\nbackend b0 suspend\n");
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_OK);
	assert_string_equal(actors_story(), "driver top suspend\ndriver low suspend\n"
					    "backend a0 suspend\ndevice a suspend\n");
	actors_close();
}

static void test_LC_03_a_driver_that_is_late_for_ever_is_named(void **state)
{
	begin_playing();
	actors.late_driver = 1000000;
	assert_int_equal(actors_life(VMSND_LIFE_SUSPEND, VMSND_NS_PER_SECOND), 11);
	assert_non_null(strstr(actors.log, "a: step: suspend is not done after 10000 ms"));
	assert_non_null(strstr(actors_story(), "backend a0 suspend\ndevice a suspend\n"));
	actors_close();
}

/* Nothing waits for ever: the limit is over, and a line names who was late (better than LC-03). */
static void test_LC_03_a_limit_ends_it(void **state)
{
	begin(false);
	actors.late_device = 1000000;
	assert_int_equal(actors_life(VMSND_LIFE_SUSPEND, VMSND_NS_PER_SECOND), 11);
	assert_non_null(strstr(actors.log, "a: actor: suspend is not done after 10000 ms"));
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_SUSPENDED);
	actors_close();
}

/* An embedder's time may begin with 0: the limit is as long then. */
static void test_LC_03_time_0_is_a_time(void **state)
{
	actors_open(false);
	actors.now = 0;
	actors_build(two_cards);
	actors.late_backend = 1000000;
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, 0), VMSND_E_AGAIN);
	actors.now = 9999 * UINT64_C(1000000);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_AGAIN);
	assert_string_equal(actors.log, "");
	actors.now += UINT64_C(1000000);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_OK);
	assert_non_null(strstr(actors.log, "a: stage: suspend is not done after 10000 ms"));
	actors_close();
}

/* The embedder's loop goes on with it by itself. */
static void test_LC_03_advance_goes_on_with_it(void **state)
{
	begin(false);
	actors.late_device = 3;
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_AGAIN);
	for (unsigned i = 0; i < 8 && vmsnd_machine_phase(actors.machine) == VMSND_MACHINE_CHANGING;
	     i++) {
		vmsnd_ns next = vmsnd_machine_advance(actors.machine, actors.now);

		assert_true(next != VMSND_NEVER);
		actors.now = next > actors.now ? next : actors.now + 1;
	}
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_SUSPENDED);
	actors_close();
}

/* It is delivered to a suspended machine, and ends another life that hangs. */
static void test_LC_05_power_off_always_comes_through(void **state)
{
	begin(false);
	actors.late_device = 2;
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_AGAIN);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_RESUME, actors.now),
			 VMSND_E_INVALID);
	actors.late_device = 0;
	actors_story();
	assert_int_equal(actors_life(VMSND_LIFE_POWER_OFF, 0), 1);
	assert_non_null(strstr(actors_story(), "device a power-off\n"));
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_OFF);
	assert_int_equal(actors_life(VMSND_LIFE_POWER_ON, 0), 1);
	actors_close();
}

static void test_LC_06_slow_parts_are_named(void **state)
{
	begin(false);
	actors.late_backend = 2;
	actors_life(VMSND_LIFE_SUSPEND, 300000000);
	assert_non_null(strstr(actors.log, "a: stage: suspend took 300 ms"));
	assert_null(strstr(actors.log, "b: stage"));
	actors_close();
}

/* LC-01's weakness: what fails is said, and the rest goes on. */
static void test_LC_01_a_failure_is_said(void **state)
{
	begin(false);
	actors.fail_life = VMSND_E_SYSTEM;
	assert_int_equal(actors_life(VMSND_LIFE_SUSPEND, 0), 1);
	assert_non_null(strstr(actors.log, "a: stage: suspend failed: refused by the system"));
	assert_non_null(strstr(actors.log, "b: first: suspend failed"));
	actors_close();
}

static void test_LC_07_reset_is_the_devices(void **state)
{
	begin(false);
	actors_life(VMSND_LIFE_RESET, 0);
	assert_string_equal(actors_story(), "backend a0 reset\nbackend a1 reset\n"
					    "device a resets\ndevice a reset\n"
					    "device b resets\ndevice b reset\nbackend b0 reset\n");
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_ON);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	actors_life(VMSND_LIFE_RESET, 0);
	assert_int_equal(vmsnd_machine_phase(actors.machine), VMSND_MACHINE_SUSPENDED);
	actors_close();
}

static void test_only_from_phases_that_make_sense(void **state)
{
	static const enum vmsnd_life never[] = {VMSND_LIFE_POWER_ON, VMSND_LIFE_RESUME};

	begin(false);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(vmsnd_machine_life(actors.machine, never[i], actors.now),
				 VMSND_E_INVALID);
	actors_life(VMSND_LIFE_POWER_OFF, 0);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_SUSPEND, actors.now),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_life(actors.machine, VMSND_LIFE_COUNT, actors.now),
			 VMSND_E_INVALID);
	actors_close();
}

/* Constructed in order; torn down in the order opposite to it, whole card by whole card (LC-09's
 * wish). */
static void test_LC_09_the_last_comes_down_first(void **state)
{
	actors_open(false);
	actors_build(two_cards);
	assert_string_equal(actors_story(), "backend a0 open\nbackend a1 open\ndevice a init\n"
					    "backend b0 open\ndevice b init\n"
					    "device a init-complete\ndevice b init-complete\n");
	vmsnd_machine_close(actors.machine, actors.now);
	assert_string_equal(actors_story(), "device b fini\nbackend b0 close\n"
					    "device a fini\nbackend a0 close\nbackend a1 close\n");
	vmsnd_registry_close(actors.registry);
}

/* A card that comes while the machine is suspended takes part in what follows. */
static void test_DM_74_a_card_added_late_takes_part(void **state)
{
	bool standing;

	begin(false);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	actors_build(
	    "cards: {c: {device: actor, transport: hall, outputs: [{backend: stage, as: c0}]}}");
	assert_int_equal(vmsnd_machine_paused(actors.machine, 2, &standing), VMSND_OK);
	assert_true(standing);
	actors_story();
	actors_life(VMSND_LIFE_RESUME, 0);
	assert_non_null(strstr(actors_story(), "backend c0 resume\ndevice c resume\n"));
	vmsnd_machine_paused(actors.machine, 2, &standing);
	assert_false(standing);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	assert_non_null(strstr(actors_story(), "backend c0 suspend\ndevice c suspend\n"));
	actors_close();
}

/* An output attached while the machine is suspended is told of the resume, and of what follows. */
static void test_DM_74_a_backend_attached_late_takes_part(void **state)
{
	unsigned output;

	begin(false);
	actors_life(VMSND_LIFE_SUSPEND, 0);
	actors_story();
	assert_int_equal(
	    vmsnd_machine_attach(actors.machine, 0, "stage,as=late", actors.now, &output),
	    VMSND_OK);
	assert_int_equal(output, 2);
	actors_life(VMSND_LIFE_RESUME, 0);
	assert_non_null(strstr(actors_story(), "backend late resume\n"));
	actors_life(VMSND_LIFE_SUSPEND, 0);
	assert_non_null(strstr(actors_story(), "backend late suspend\n"));
	actors_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_LC_01_power_on_and_resume_in_order),
	    cmocka_unit_test(test_LC_01_of_a_card_each_part_in_its_place),
	    cmocka_unit_test(test_LC_02_some_devices_hear_of_it_first),
	    cmocka_unit_test(test_LC_03_who_needs_time_is_asked_again),
	    cmocka_unit_test(test_LC_03_a_driver_that_needs_time_holds_up_what_is_below),
	    cmocka_unit_test(test_LC_03_a_driver_that_is_late_for_ever_is_named),
	    cmocka_unit_test(test_LC_03_a_limit_ends_it),
	    cmocka_unit_test(test_LC_03_time_0_is_a_time),
	    cmocka_unit_test(test_LC_03_advance_goes_on_with_it),
	    cmocka_unit_test(test_LC_05_power_off_always_comes_through),
	    cmocka_unit_test(test_LC_06_slow_parts_are_named),
	    cmocka_unit_test(test_LC_01_a_failure_is_said),
	    cmocka_unit_test(test_LC_07_reset_is_the_devices),
	    cmocka_unit_test(test_only_from_phases_that_make_sense),
	    cmocka_unit_test(test_LC_09_the_last_comes_down_first),
	    cmocka_unit_test(test_DM_74_a_card_added_late_takes_part),
	    cmocka_unit_test(test_DM_74_a_backend_attached_late_takes_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
