/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains of drivers: made, changed while a stream goes by, taken down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "manager/chain.h"
#include "probe.h"

#define FRAMES 480u
#define UNITS  2u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

struct world {
	struct vmsnd_registry *registry;
	struct vmsnd_census *census;
	struct vmsnd_log log;
	char said[4096];
	unsigned lines;
	struct vmsnd_drivers *chain;
	struct vmsnd_error error;
	struct probe probe;
	int16_t next, block[2 * FRAMES];
};

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;
	size_t used = strlen(world->said);

	snprintf(world->said + used, sizeof(world->said) - used, "%s\n", line);
	world->lines++;
}

static struct vmsnd_drivers *open_chain(struct world *world, const char *who)
{
	const struct vmsnd_drivers_setup setup = {.registry = world->registry,
						  .census = world->census,
						  .log = &world->log,
						  .who = who,
						  .n_units = UNITS};
	struct vmsnd_drivers *chain;

	assert_int_equal(vmsnd_drivers_open(&setup, &chain), VMSND_OK);
	return chain;
}

static int open_world(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	world.log = (struct vmsnd_log){&world, write_line};
	probe_begin(&world.probe);
	assert_int_equal(vmsnd_registry_open(NULL, &world.registry), VMSND_OK);
	assert_int_equal(vmsnd_registry_add_driver(world.registry, &world.probe.cls), 0);
	assert_int_equal(vmsnd_census_open(&world.census), VMSND_OK);
	world.chain = open_chain(&world, "vm1: output 0");
	*state = &world;
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	vmsnd_drivers_close(world->chain);
	vmsnd_census_close(world->census);
	vmsnd_registry_close(world->registry);
	return 0;
}

static void prepare(struct world *world, unsigned unit, enum vmsnd_dir dir)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	insert->prepare(insert->ctx, dir, &stereo, FRAMES);
}

static uint32_t delay_of(const struct world *world, unsigned unit)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	return insert->delay_frames_rt(insert->ctx);
}

/* Frames n: left n, right -n, from 1 on. */
static void play(struct world *world, unsigned unit, uint32_t frames)
{
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, unit);

	for (uint32_t i = 0; i < frames; i++) {
		world->next++;
		world->block[2 * i] = world->next;
		world->block[2 * i + 1] = (int16_t)-world->next;
	}
	insert->process_rt(insert->ctx, world->block, frames);
}

static void test_DM61_a_chain_is_linear_from_top_to_bottom(void **state)
{
	struct world *world = *state;

	/* L/- then 1/0: left becomes silence, right has left. The other way round: both swapped,
	 * then right silent. */
	prepare(world, 0, VMSND_PLAYBACK);
	prepare(world, 1, VMSND_CAPTURE);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 0, "map,channels=L/-", &world->error),
			 0);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 1, "map,channels=1/0", &world->error),
			 0);
	play(world, 0, 1);
	assert_int_equal(world->block[0], 0);
	assert_int_equal(world->block[1], 1);
	play(world, 1, 1);
	assert_int_equal(world->block[0], -2);
	assert_int_equal(world->block[1], 0);
	assert_int_equal(vmsnd_drivers_count(world->chain), 2);
	assert_string_equal(vmsnd_drivers_text(world->chain, 0), "map,channels=L/-");
	assert_string_equal(vmsnd_drivers_text(world->chain, 1), "map,channels=1/0");
	assert_null(vmsnd_drivers_text(world->chain, 2));
}

static void test_DM73_a_driver_that_stays_keeps_what_it_holds(void **state)
{
	struct world *world = *state;

	prepare(world, 0, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 0, "delay,ms=10", &world->error), 0);
	assert_int_equal(delay_of(world, 0), 480);
	play(world, 0, 480);
	assert_int_equal(world->block[0], 0);
	assert_int_equal(world->block[959], 0);
	assert_int_equal(vmsnd_drivers_attach(world->chain, 1, "map", &world->error), 0);
	play(world, 0, 240);
	assert_int_equal(world->block[0], -1);
	assert_int_equal(world->block[1], 1);
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 1, "map,channels=0/-", &world->error),
			 0);
	play(world, 0, 120);
	assert_int_equal(world->block[0], 241);
	assert_int_equal(world->block[1], 0);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 1), VMSND_OK);
	prepare(world, 0, VMSND_PLAYBACK); /* stopped and started */
	play(world, 0, 1);
	assert_int_equal(world->block[0], 361);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 0), VMSND_OK);
	play(world, 0, 1);
	assert_int_equal(world->block[0], 842);
	assert_int_equal(delay_of(world, 0), 0);
	assert_true(vmsnd_drivers_tend(world->chain));
}

static void attach(struct world *world, unsigned at, const char *text)
{
	assert_int_equal(vmsnd_drivers_attach(world->chain, at, text, &world->error), VMSND_OK);
}

/* All of them, from the bottom; none to begin with is fine (DM-69). */
static void clear(struct world *world)
{
	while (vmsnd_drivers_count(world->chain) > 0)
		assert_int_equal(
		    vmsnd_drivers_detach(world->chain, vmsnd_drivers_count(world->chain) - 1),
		    VMSND_OK);
}

static void refused(struct world *world, unsigned at, const char *text, enum vmsnd_rc rc,
		    const char *line)
{
	unsigned n = vmsnd_drivers_count(world->chain);

	assert_int_equal(vmsnd_drivers_attach(world->chain, at, text, &world->error), rc);
	assert_string_equal(world->error.line, line);
	assert_int_equal(vmsnd_drivers_count(world->chain), n);
}

static void test_DM64_each_refusal_has_its_code_and_its_line(void **state)
{
	struct world *world = *state;

	refused(world, 0, "", VMSND_E_NO_VALUE,
		"vm1: output 0: a driver has no name: driver: NAME");
	refused(world, 0, ",ms=3", VMSND_E_NO_VALUE,
		"vm1: output 0: a driver has no name: driver: NAME");
	refused(world, 0, "delai,ms=3", VMSND_E_NO_CLASS,
		"vm1: output 0: there is no driver 'delai' (did you mean 'delay'?); there are: "
		"delay map probe");
	refused(world, 0, "delay,m=3", VMSND_E_INVALID,
		"vm1: output 0: driver delay has no option 'm' (did you mean 'ms'?); allowed: ms");
	refused(world, 0, "delay,ms=2001", VMSND_E_INVALID,
		"vm1: output 0: driver delay: ms=2001 is not a number from 0 to 2000");
	refused(world, 0, "map,channels=1/x", VMSND_E_INVALID,
		"vm1: output 0: driver map: channels= is a list like 1/0, L/- or FL/FR/FC: "
		"numbers from 0 to 17, positions, or - for silence");
	refused(world, 1, "delay", VMSND_E_INVALID,
		"vm1: output 0: there is no place 1 for a driver");
	for (unsigned i = 0; i < VMSND_DRIVERS_MAX; i++)
		attach(world, i, "map");
	refused(world, 0, "map", VMSND_E_LIMIT, "vm1: output 0: 8 drivers is all it can have");
}

static void test_DM64_a_node_is_told_with_its_place(void **state)
{
	struct world *world = *state;
	struct vmsnd_node *node = vmsnd_tree_new();
	const struct vmsnd_place place = {.file = "a.yaml", .line = 7, .column = 3};

	vmsnd_node_set_place(node, &place);
	assert_int_equal(vmsnd_drivers_attach_node(world->chain, 0, node, &world->error),
			 VMSND_E_NO_VALUE);
	assert_string_equal(world->error.line,
			    "a.yaml:7:3: vm1: output 0: a driver has no name: driver: NAME");
	vmsnd_leaf_set(node, "driver",
		       &(struct vmsnd_value){.type = VMSND_VALUE_TEXT, .text = "mapp"}, &place);
	assert_int_equal(vmsnd_drivers_attach_node(world->chain, 0, node, &world->error),
			 VMSND_E_NO_CLASS);
	assert_string_equal(world->error.line,
			    "a.yaml:7:3: vm1: output 0: there is no driver 'mapp' (did you mean "
			    "'map'?); there are: delay map probe");
	vmsnd_leaf_set_text(node, "driver", "map");
	vmsnd_leaf_set_text(node, "channels", "-/0");
	assert_int_equal(vmsnd_drivers_attach_node(world->chain, 0, node, &world->error), VMSND_OK);
	assert_string_equal(vmsnd_drivers_text(world->chain, 0), "map,channels=-/0");
	vmsnd_tree_free(node);
	prepare(world, 0, VMSND_PLAYBACK);
	play(world, 0, 1);
	assert_int_equal(world->block[0], 0);
	assert_int_equal(world->block[1], 1);
}

static void test_DM64_no_more_of_a_class_than_a_machine_may_have(void **state)
{
	struct world *world = *state;
	struct vmsnd_drivers *other = open_chain(world, "vm2: output 1");

	world->probe.cls.max_instances = 2;
	attach(world, 0, "probe,tag=a");
	assert_int_equal(vmsnd_drivers_attach(other, 0, "probe,tag=b", &world->error), VMSND_OK);
	refused(world, 0, "probe", VMSND_E_LIMIT,
		"vm1: output 0: one machine has at most 2 of driver probe");
	/* One for another is no more than before. */
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 0, "probe,tag=c", &world->error), 0);
	assert_int_equal(vmsnd_drivers_detach(other, 0), VMSND_OK);
	attach(world, 1, "probe,tag=d");
	vmsnd_drivers_close(other);
}

static void test_DM66_what_cannot_be_built_leaves_the_chain_as_it_was(void **state)
{
	struct world *world = *state;

	prepare(world, 0, VMSND_PLAYBACK);
	prepare(world, 1, VMSND_PLAYBACK);
	attach(world, 0, "map");
	world->probe.fail_init = 2; /* in the second unit: the first is undone too */
	refused(world, 0, "probe,tag=a", VMSND_E_SYSTEM,
		"vm1: output 0: driver probe cannot start: refused by the system");
	assert_string_equal(world->probe.events, "init a, init a, fini a, fini a, ");
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 0, "probe", &world->error), 0);
	world->probe.fail_init = 1;
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 0, "probe", &world->error),
			 VMSND_E_SYSTEM);
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 1, "probe", &world->error),
			 VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_drivers_count(world->chain), 1);
}

static void test_DM07_DM66_one_that_wants_too_much_is_refused(void **state)
{
	struct world *world = *state;

	prepare(world, 0, VMSND_PLAYBACK);
	world->probe.bytes = VMSND_DRIVER_BYTES_MAX + 1;
	refused(world, 0, "probe", VMSND_E_LIMIT,
		"vm1: output 0: driver probe wants 16777217 bytes for S16, 48000 Hz, 2 channels, "
		"playback; at most 16777216 are allowed");
	assert_string_equal(world->probe.events, "");
}

static void test_DM67_DM68_a_driver_goes_where_it_is_told(void **state)
{
	struct world *world = *state;

	attach(world, 0, "probe,tag=b");
	attach(world, 1, "probe,tag=d");
	attach(world, 0, "probe,tag=a");
	attach(world, 2, "probe,tag=c");
	prepare(world, 0, VMSND_PLAYBACK);
	prepare(world, 1, VMSND_CAPTURE);
	probe_forget(&world->probe);
	play(world, 0, 1);
	play(world, 1, 1);
	assert_string_equal(world->probe.events,
			    "rt a, rt b, rt c, rt d, rt d, rt c, rt b, rt a, ");
}

static void test_DM69_detached_by_name_and_occurrence_or_all(void **state)
{
	struct world *world = *state;
	unsigned at;

	clear(world);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 0), VMSND_E_NO_DRIVER);
	attach(world, 0, "map");
	attach(world, 1, "delay");
	attach(world, 2, "map,channels=0");
	assert_int_equal(vmsnd_drivers_find(world->chain, "map", 1, &at), VMSND_OK);
	assert_int_equal(at, 2);
	assert_int_equal(vmsnd_drivers_find(world->chain, "map", 2, &at), VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_drivers_find(world->chain, "probe", 0, &at), VMSND_E_NO_DRIVER);
	assert_int_equal(vmsnd_drivers_detach(world->chain, 2), VMSND_OK);
	assert_int_equal(vmsnd_drivers_count(world->chain), 2);
	clear(world);
	assert_int_equal(vmsnd_drivers_count(world->chain), 0);
}

static void test_DM71_destroyed_from_bottom_to_top(void **state)
{
	struct world *world = *state;

	attach(world, 0, "probe,tag=a");
	attach(world, 1, "probe,tag=b");
	attach(world, 2, "probe,tag=c");
	prepare(world, 0, VMSND_PLAYBACK);
	probe_forget(&world->probe);
	clear(world);
	assert_string_equal(world->probe.events, "fini c, fini b, fini a, ");
	attach(world, 0, "probe,tag=d");
	attach(world, 1, "probe,tag=e");
	probe_forget(&world->probe);
	vmsnd_drivers_close(world->chain);
	assert_string_equal(world->probe.events, "fini e, fini d, ");
	world->chain = open_chain(world, "again");
}

/* Also when the stream has another format: the instances of the old one go in that order. */
static void test_DM71_another_format_has_instances_of_its_own(void **state)
{
	struct world *world = *state;
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, 0);
	struct vmsnd_format other = stereo;

	other.rate_hz = 44100;
	attach(world, 0, "delay,ms=10");
	attach(world, 1, "probe,tag=a");
	attach(world, 2, "probe,tag=b");
	prepare(world, 0, VMSND_PLAYBACK);
	probe_forget(&world->probe);
	insert->prepare(insert->ctx, VMSND_PLAYBACK, &other, FRAMES);
	assert_string_equal(world->probe.events, "fini b, fini a, init a, init b, ");
	assert_int_equal(delay_of(world, 0), 441);
	assert_int_equal(delay_of(world, 1), 0);
}

/* Whoever owns a chain may take out any driver, in any order, with what is below it. That a driver
 * does so itself (DM-72) is left out. */
static void test_any_driver_may_leave(void **state)
{
	struct world *world = *state;

	for (unsigned leaving = 0; leaving < 3; leaving++) {
		prepare(world, 0, VMSND_PLAYBACK);
		attach(world, 0, "probe,tag=a");
		attach(world, 1, "probe,tag=b");
		attach(world, 2, "probe,tag=c");
		while (vmsnd_drivers_count(world->chain) > leaving)
			assert_int_equal(vmsnd_drivers_detach(world->chain, leaving), VMSND_OK);
		probe_forget(&world->probe);
		play(world, 0, 1);
		assert_string_equal(world->probe.events, leaving == 0   ? ""
							 : leaving == 1 ? "rt a, "
									: "rt a, rt b, ");
		clear(world);
	}
	assert_int_equal(world->probe.alive, 0);
}

static void test_a_stream_that_a_driver_cannot_work_with_passes_it_by(void **state)
{
	struct world *world = *state;
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, 0);
	const struct vmsnd_format mono = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 8000, .channels = 1};
	int16_t one = 77;

	attach(world, 0, "map,channels=1/0");
	for (unsigned i = 0; i < 3; i++) {
		insert->prepare(insert->ctx, VMSND_PLAYBACK, &mono, FRAMES);
		insert->process_rt(insert->ctx, &one, 1);
		assert_int_equal(one, 77);
		prepare(world, 0, VMSND_PLAYBACK);
	}
	assert_string_equal(world->said, "vm1: output 0: driver map cannot work with S16, 8000 Hz, "
					 "1 channel, playback, which passes it by\n");
	play(world, 0, 1);
	assert_int_equal(world->block[0], -1);
}

static void test_one_that_fails_at_a_new_format_is_passed_by(void **state)
{
	struct world *world = *state;

	attach(world, 0, "probe,tag=a");
	attach(world, 1, "map");
	world->probe.fail_init = 1;
	prepare(world, 0, VMSND_PLAYBACK);
	assert_string_equal(world->said, "vm1: output 0: driver probe cannot start: refused by "
					 "the system; sound passes it by\n");
	play(world, 0, 1);
	assert_int_equal(world->block[0], -1);
	assert_int_equal(world->probe.alive, 0);
}

static void test_larger_blocks_come_in_pieces(void **state)
{
	struct world *world = *state;
	const struct vmsnd_insert *insert = vmsnd_drivers_insert(world->chain, 0);

	attach(world, 0, "probe,tag=a");
	insert->prepare(insert->ctx, VMSND_PLAYBACK, &stereo, 100);
	insert->prepare(insert->ctx, VMSND_PLAYBACK, &stereo, 200);
	play(world, 0, 250);
	assert_int_equal(world->probe.frames, 250);
	assert_int_equal(world->probe.longest, 100);
	assert_string_equal(world->probe.events, "init a, rt a, rt a, rt a, ");
}

/* ---- life ---- */

static void test_LC03_from_top_to_bottom_and_none_before_its_turn(void **state)
{
	struct world *world = *state;

	attach(world, 0, "probe,tag=a");
	attach(world, 1, "delay");
	attach(world, 2, "probe,tag=b");
	prepare(world, 0, VMSND_PLAYBACK);
	prepare(world, 1, VMSND_CAPTURE);
	probe_forget(&world->probe);
	world->probe.again = 1; /* the first to be asked needs time */
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_SUSPEND, 1), VMSND_E_AGAIN);
	assert_string_equal(world->probe.events, "suspend a, suspend a, ");
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_SUSPEND, 2), VMSND_OK);
	assert_string_equal(world->probe.events,
			    "suspend a, suspend a, suspend a, suspend b, suspend b, ");
	assert_null(vmsnd_drivers_late(world->chain));
	probe_forget(&world->probe);
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_RESUME, 3), VMSND_OK);
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_RESUME, 3), VMSND_OK);
	assert_string_equal(world->probe.events, "resume a, resume a, resume b, resume b, "
						 "resume a, resume a, resume b, resume b, ");
}

static void test_LC03_failures_are_said_and_who_is_late_is_named(void **state)
{
	struct world *world = *state;

	attach(world, 0, "probe,tag=a");
	prepare(world, 0, VMSND_PLAYBACK);
	world->probe.fail_life = true;
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_RESET, 1), VMSND_OK);
	assert_string_equal(world->said, "vm1: output 0: driver probe: reset failed: not there\n");
	world->probe.fail_life = false;
	world->probe.again = 1;
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_SUSPEND, 1), VMSND_E_AGAIN);
	assert_string_equal(vmsnd_drivers_late(world->chain), "probe");
	assert_null(vmsnd_drivers_late(world->chain));
}

static void test_DM74_one_attached_while_it_plays_takes_part_in_the_next_suspend(void **state)
{
	struct world *world = *state;

	prepare(world, 0, VMSND_PLAYBACK);
	play(world, 0, 1);
	attach(world, 0, "probe,tag=a");
	probe_forget(&world->probe);
	assert_int_equal(vmsnd_drivers_life(world->chain, VMSND_LIFE_SUSPEND, 1), VMSND_OK);
	assert_string_equal(world->probe.events, "suspend a, ");
	play(world, 0, 1);
	assert_string_equal(world->probe.events, "suspend a, rt a, ");
}

/* ---- saved state ---- */

#define STATE_BYTES 8192u

static size_t save(struct world *world, uint8_t *bytes)
{
	struct vmsnd_state_writer to = {.to = bytes, .room = STATE_BYTES};

	vmsnd_drivers_save(world->chain, 0, &to);
	assert_false(to.full);
	return to.used;
}

static enum vmsnd_rc load(struct world *world, const uint8_t *bytes, size_t n)
{
	struct vmsnd_state_reader from = {.from = bytes, .bytes = n};
	enum vmsnd_rc rc;

	vmsnd_drivers_close(world->chain);
	world->chain = open_chain(world, "vm1: output 0");
	attach(world, 0, "map,channels=0");
	attach(world, 1, "delay,ms=10");
	rc = vmsnd_drivers_load(world->chain, 0, &from, VMSND_DRIVERS_STATE_MINOR);
	if (rc == VMSND_OK)
		assert_int_equal(from.at, n);
	return rc;
}

static size_t saved_after(struct world *world, uint8_t *bytes, uint32_t frames)
{
	attach(world, 0, "map,channels=0");
	attach(world, 1, "delay,ms=10");
	prepare(world, 0, VMSND_PLAYBACK);
	play(world, 0, frames);
	return save(world, bytes);
}

static void test_SS_what_a_delay_line_holds_is_saved(void **state)
{
	static uint8_t bytes[STATE_BYTES], again[STATE_BYTES];
	struct world *world = *state;
	size_t n = saved_after(world, bytes, 300);

	assert_int_equal(load(world, bytes, n), VMSND_OK);
	assert_int_equal(save(world, again), n); /* before there is a stream */
	assert_memory_equal(bytes, again, n);
	prepare(world, 0, VMSND_PLAYBACK);
	assert_int_equal(save(world, again), n);
	assert_memory_equal(bytes, again, n);
	play(world, 0, 480);
	assert_int_equal(world->block[2 * 179], 0);
	assert_int_equal(world->block[2 * 180], 1);
	assert_int_equal(world->block[2 * 479], 300);
	assert_int_equal(world->lines, 0);
}

static void test_SS_another_format_begins_anew(void **state)
{
	static uint8_t bytes[STATE_BYTES];
	struct world *world = *state;
	const struct vmsnd_insert *insert;
	struct vmsnd_format other = stereo;
	size_t n = saved_after(world, bytes, 300);

	other.rate_hz = 96000;
	assert_int_equal(load(world, bytes, n), VMSND_OK);
	insert = vmsnd_drivers_insert(world->chain, 0);
	insert->prepare(insert->ctx, VMSND_PLAYBACK, &other, FRAMES);
	play(world, 0, 480);
	play(world, 0, 480);
	assert_int_equal(world->block[959], 0);
	/* A length that was changed by hand. */
	assert_int_equal(load(world, bytes, n), VMSND_OK);
	assert_int_equal(vmsnd_drivers_reattach(world->chain, 1, "delay,ms=5", &world->error), 0);
	prepare(world, 0, VMSND_PLAYBACK);
	assert_int_equal(delay_of(world, 0), 240);
}

/* Cut anywhere it is refused; with any byte changed it is refused or taken, and what is taken
 * plays. */
static void test_SS_damaged_state_is_refused_or_harmless(void **state)
{
	static uint8_t bytes[STATE_BYTES], bad[STATE_BYTES];
	struct world *world = *state;
	size_t n = saved_after(world, bytes, 300), refusals = 0;

	for (size_t cut = 0; cut < n; cut += cut < 100 ? 1 : 97)
		assert_int_equal(load(world, bytes, cut), VMSND_E_DAMAGED);
	for (size_t at = 0; at < 80; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, bytes, n);
			bad[at] = (uint8_t)(bad[at] ^ (1u << bit));
			vmsnd_drivers_close(world->chain);
			world->chain = open_chain(world, "vm1: output 0");
			attach(world, 0, "map,channels=0");
			attach(world, 1, "delay,ms=10");
			refusals += vmsnd_drivers_load(
					world->chain, 0,
					&(struct vmsnd_state_reader){.from = bad, .bytes = n},
					0) == VMSND_E_DAMAGED;
			prepare(world, 0, VMSND_PLAYBACK);
			world->next = 0;
			play(world, 0, 480);
		}
	}
	assert_in_range(refusals, 100, 639);
	assert_int_equal(vmsnd_drivers_load(world->chain, UNITS,
					    &(struct vmsnd_state_reader){.from = bytes, .bytes = n},
					    0),
			 VMSND_E_INVALID);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_DM61_a_chain_is_linear_from_top_to_bottom),
	    ROW(test_DM64_each_refusal_has_its_code_and_its_line),
	    ROW(test_DM64_a_node_is_told_with_its_place),
	    ROW(test_DM64_no_more_of_a_class_than_a_machine_may_have),
	    ROW(test_DM66_what_cannot_be_built_leaves_the_chain_as_it_was),
	    ROW(test_DM07_DM66_one_that_wants_too_much_is_refused),
	    ROW(test_DM67_DM68_a_driver_goes_where_it_is_told),
	    ROW(test_DM69_detached_by_name_and_occurrence_or_all),
	    ROW(test_DM71_destroyed_from_bottom_to_top),
	    ROW(test_DM71_another_format_has_instances_of_its_own),
	    ROW(test_any_driver_may_leave),
	    ROW(test_DM73_a_driver_that_stays_keeps_what_it_holds),
	    ROW(test_a_stream_that_a_driver_cannot_work_with_passes_it_by),
	    ROW(test_one_that_fails_at_a_new_format_is_passed_by),
	    ROW(test_larger_blocks_come_in_pieces),
	    ROW(test_LC03_from_top_to_bottom_and_none_before_its_turn),
	    ROW(test_LC03_failures_are_said_and_who_is_late_is_named),
	    ROW(test_DM74_one_attached_while_it_plays_takes_part_in_the_next_suspend),
	    ROW(test_SS_what_a_delay_line_holds_is_saved),
	    ROW(test_SS_another_format_begins_anew),
	    ROW(test_SS_damaged_state_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
