/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine of two cards, with drivers that hold sound, is saved while it plays, and another goes
 * on with the next frame (SS-01 .. SS-03). What is refused: test_machine_state_refused.c. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../sim/sim.h"

#define PERIOD  441u
#define FRAMES  48000u
#define N_CARDS 2u

struct world {
	struct sim sim;
	struct sim_signal signals[N_CARDS];
	struct vmsnd_guest_player players[N_CARDS];
	uint8_t *bytes;
	size_t n_bytes;
	uint8_t *memory[N_CARDS];
};

static void quiet(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fail_msg("%s", line);
}

static void put_driver(struct world *world, unsigned card, const char *driver)
{
	const struct vmsnd_driver_place place = {.card = card};

	assert_int_equal(
	    vmsnd_machine_driver_attach(world->sim.machine, &place, driver, world->sim.now),
	    VMSND_OK);
}

/* The first with a delay longer than its guest's buffer; the second with two drivers, and a second
 * output that follows the first. */
static void begin(struct world *world)
{
	struct vmsnd_guest_conf wish = {.event_idx = true, .memory_bytes = 1 << 20};
	char more[600];
	unsigned output;

	memset(world, 0, sizeof(*world));
	sim_open(&world->sim);
	sim_add_with(&world->sim, "capture=0", sim_file(&world->sim, "one.wav", ""), &wish);
	wish.indirect = true;
	sim_add_with(&world->sim, "playback=2", sim_file(&world->sim, "two.wav", ""), &wish);
	snprintf(more, sizeof(more), "%s", sim_file(&world->sim, "beside.wav", ""));
	assert_int_equal(vmsnd_machine_attach(world->sim.machine, 1, more, world->sim.now, &output),
			 VMSND_OK);
	put_driver(world, 0, "delay,ms=100");
	put_driver(world, 1, "delay,ms=7");
	put_driver(world, 1, "delay,ms=30");
	for (unsigned i = 0; i < N_CARDS; i++) {
		world->signals[i] = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
		world->signals[i].salt = i * 77;
		world->signals[i].end = FRAMES;
		world->players[i] = sim_player(&world->sim, i, &world->signals[i], PERIOD, 4);
	}
}

static void end(struct world *world)
{
	sim_close(&world->sim);
	free(world->bytes);
	for (unsigned i = 0; i < N_CARDS; i++)
		free(world->memory[i]);
}

static void save(struct world *world)
{
	struct sim *sim = &world->sim;

	assert_int_equal(vmsnd_machine_life(sim->machine, VMSND_LIFE_SUSPEND, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_save(sim->machine, sim->now, &world->bytes, &world->n_bytes),
			 VMSND_OK);
	for (unsigned i = 0; i < N_CARDS; i++) {
		const struct vmsnd_guest_conf *guest = &sim->cards[i]->guest.conf;

		world->memory[i] = malloc(guest->memory_bytes);
		memcpy(world->memory[i], guest->memory, guest->memory_bytes);
	}
}

/* What the machine does as it closes is of another world. */
static void close_first(struct world *world)
{
	static const char *const names[] = {"one", "two", "beside"};
	struct sim *sim = &world->sim;

	vmsnd_machine_close(sim->machine, sim->now);
	for (unsigned i = 0; i < N_CARDS; i++) {
		const struct vmsnd_guest_conf *guest = &sim->cards[i]->guest.conf;

		memcpy(guest->memory, world->memory[i], guest->memory_bytes);
	}
	for (unsigned i = 0; i < 3; i++) {
		char from[16], to[16];

		snprintf(from, sizeof(from), "%s.wav", names[i]);
		snprintf(to, sizeof(to), "%s.first", names[i]);
		assert_int_equal(rename(sim_path(sim, from), sim_path(sim, to)), 0);
	}
}

/* Cards, chains and all as the state has them. */
static struct vmsnd_machine *restored(const struct world *world, unsigned lanes)
{
	const struct vmsnd_machine_conf conf = {
	    .lanes = lanes, .log = {.write = quiet}, .off = true, .restores = true};
	struct vmsnd_error error;
	struct vmsnd_machine *machine;
	struct vmsnd_node *root;

	if (vmsnd_state_tree(world->bytes, world->n_bytes, &root, &error))
		fail_msg("%s", error.line);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(machine, root, NULL, 0, world->sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_load(machine, world->bytes, world->n_bytes, world->sim.now),
			 VMSND_OK);
	assert_int_equal(vmsnd_machine_phase(machine), VMSND_MACHINE_SUSPENDED);
	vmsnd_tree_free(root);
	return machine;
}

static void move_guests(struct world *world)
{
	struct sim *sim = &world->sim;

	for (unsigned i = 0; i < N_CARDS; i++) {
		struct vmsnd_guest_bus bus;

		assert_int_equal(vmsnd_machine_guest_bus(sim->machine, i, &bus), VMSND_OK);
		assert_int_equal(vmsnd_guest_move(&sim->cards[i]->guest, &bus), VMSND_OK);
		assert_int_equal(vmsnd_guest_pause(&sim->cards[i]->guest, sim->now), VMSND_OK);
		assert_int_equal(vmsnd_guest_resume(&sim->cards[i]->guest, sim->now), VMSND_OK);
	}
	assert_int_equal(vmsnd_machine_life(sim->machine, VMSND_LIFE_RESUME, sim->now), VMSND_OK);
}

static uint64_t loud(const struct sim_sound *sound, uint64_t at)
{
	uint64_t n = 0;

	while (at + n < sound->frames && !sim_sound_silent(sound, at + n))
		n++;
	return n;
}

/* Asserts that a file is silence, the signal's frames from `first` on without a hole, silence.
 * Returns how many; *lead: of the silence before. */
static uint64_t piece(struct sim *sim, const char *name, const struct sim_signal *signal,
		      uint64_t first, uint64_t *lead)
{
	struct sim_sound sound = sim_sound_load(sim_path(sim, name));
	uint64_t n;

	*lead = sim_sound_silence(&sound, 0);
	n = loud(&sound, *lead);
	sim_assert_signal(&sound, *lead, signal, first, n);
	assert_int_equal(*lead + n + sim_sound_silence(&sound, *lead + n), sound.frames);
	sim_sound_free(&sound);
	return n;
}

static void expect_whole(struct world *world, const char *name, unsigned card, uint64_t delay)
{
	char first[24], second[24];
	uint64_t n, all, lead;

	snprintf(first, sizeof(first), "%s.first", name);
	snprintf(second, sizeof(second), "%s.wav", name);
	n = piece(&world->sim, first, &world->signals[card], 0, &lead);
	assert_in_range(lead, delay, delay + PERIOD);
	/* What is in a delay when the guest stops is not heard. */
	all = n + piece(&world->sim, second, &world->signals[card], n, &lead);
	assert_in_range(all, FRAMES - delay, FRAMES);
	/* Nothing but the next frame is the first, unless the first had not come yet. */
	if (n > 0)
		assert_int_equal(lead, 0);
}

static void over_a_save(unsigned after_ms)
{
	struct world world;
	struct sim *sim = &world.sim;

	begin(&world);
	sim_run_until(sim, world.players, N_CARDS, sim->now + after_ms * MS);
	save(&world);
	close_first(&world);
	sim->now += 7 * SECOND;
	sim->machine = restored(&world, 0);
	move_guests(&world);
	sim_run(sim, world.players, N_CARDS, 3 * SECOND);
	for (unsigned i = 0; i < N_CARDS; i++) {
		assert_int_equal(world.players[i].frames_completed, FRAMES);
		assert_int_equal(world.players[i].messages_failed, 0);
	}
	vmsnd_machine_close(sim->machine, sim->now);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim->machine),
			 VMSND_OK);
	expect_whole(&world, "one", 0, 4800);
	expect_whole(&world, "two", 1, 37 * 48);
	end(&world);
}

/* The delays' sound, the rings', and what the guest has handed over go on where they were. */
static void test_SS_goes_on_with_the_next_frame(void **state)
{
	for (unsigned ms = 151; ms < 1000; ms += 97)
		over_a_save(ms);
}

/* SS-01: cards, chains, what their owner has set; all is counted on. */
static void test_SS01_all_that_is_set_and_counted(void **state)
{
	static const struct vmsnd_volume soft = {.gain_mdb = -6000, .channel_mdb = {-1000, -2000}};
	struct vmsnd_named_counter before[256], after[256];
	struct vmsnd_node *was, *is;
	struct world world;
	struct sim *sim = &world.sim;
	char *was_text, *is_text;

	begin(&world);
	sim_run_until(sim, world.players, N_CARDS, sim->now + 300 * MS);
	vmsnd_machine_enable(sim->machine, 1, VMSND_CAPTURE, true, sim->now);
	vmsnd_machine_volume(sim->machine, 1, 1, VMSND_PLAYBACK, &soft);
	sim_run_until(sim, world.players, N_CARDS, sim->now + 50 * MS);
	save(&world);
	was = vmsnd_machine_tree(sim->machine, false);
	was_text = vmsnd_yaml_dump(was);
	vmsnd_machine_counters(sim->machine, 1, before, 256);
	close_first(&world);
	sim->machine = restored(&world, 0);
	is = vmsnd_machine_tree(sim->machine, false);
	is_text = vmsnd_yaml_dump(is);
	assert_string_equal(was_text, is_text);
	for (size_t n = vmsnd_machine_counters(sim->machine, 1, after, 256), i = 0; i < n; i++) {
		assert_string_equal(before[i].name, after[i].name);
		/* Hosts are opened anew. */
		if (!strstr(after[i].name, "hosts_opened") && before[i].value != after[i].value)
			fail_msg("%s was %llu and is %llu", after[i].name,
				 (unsigned long long)before[i].value,
				 (unsigned long long)after[i].value);
	}
	free(was_text);
	free(is_text);
	vmsnd_tree_free(was);
	vmsnd_tree_free(is);
	end(&world);
}

/* The file's frames are the signal's from `first` on, in order, but for holes of silence that all
 * together are at most so long. Returns how many. */
static uint64_t with_holes(struct sim *sim, const char *name, const struct sim_signal *signal,
			   uint64_t first, uint64_t at_most)
{
	struct sim_sound sound = sim_sound_load(sim_path(sim, name));
	uint64_t at = sim_sound_silence(&sound, 0), total = 0, holes = 0;

	for (;;) {
		uint64_t n = loud(&sound, at), hole = sim_sound_silence(&sound, at + n);

		sim_assert_signal(&sound, at, signal, first + total, n);
		total += n;
		at += n + hole;
		if (at >= sound.frames)
			break;
		holes += hole;
	}
	assert_true(holes <= at_most);
	sim_sound_free(&sound);
	return total;
}

/* It is not suspended: what a save costs is no more than a period of silence. */
static void test_SS_saved_while_it_plays(void **state)
{
	enum { SAVES = 10 };
	struct world world;
	struct sim *sim = &world.sim;
	uint64_t n;

	begin(&world);
	for (unsigned i = 0; i < SAVES; i++) {
		sim_run_until(sim, world.players, N_CARDS, sim->now + 83123456);
		assert_int_equal(
		    vmsnd_machine_save(sim->machine, sim->now, &world.bytes, &world.n_bytes),
		    VMSND_OK);
		assert_int_equal(vmsnd_machine_phase(sim->machine), VMSND_MACHINE_ON);
		free(world.bytes);
		world.bytes = NULL;
	}
	sim_run(sim, world.players, N_CARDS, 3 * SECOND);
	for (unsigned i = 0; i < N_CARDS; i++)
		assert_int_equal(world.players[i].frames_completed, FRAMES);
	vmsnd_machine_close(sim->machine, sim->now);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim->machine),
			 VMSND_OK);
	n = with_holes(sim, "one.wav", &world.signals[0], 0, SAVES * PERIOD);
	assert_in_range(n, FRAMES - 4800 - PERIOD, FRAMES);
	n = with_holes(sim, "two.wav", &world.signals[1], 0, SAVES * PERIOD);
	assert_in_range(n, FRAMES - 4800 - PERIOD, FRAMES);
	end(&world);
}

/* The same state on lanes with threads of their own, in real time. */
static void test_SS_goes_on_on_threads(void **state)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	struct world world;
	struct sim *sim = &world.sim;
	bool more = true;

	begin(&world);
	sim_run_until(sim, world.players, N_CARDS, sim->now + 800 * MS);
	save(&world);
	close_first(&world);
	sim->machine = restored(&world, 2);
	assert_int_equal(vmsnd_machine_status(sim->machine).lanes, 2);
	move_guests(&world);
	for (unsigned turn = 0; more; turn++) {
		uint8_t *bytes;
		size_t n_bytes;

		more = vmsnd_guest_player_step(&world.players[0], 0);
		more |= vmsnd_guest_player_step(&world.players[1], 0);
		nanosleep(&tick, NULL);
		/* Each may cost a period: not one after the other. */
		if (turn % 64 != 63)
			continue;
		assert_int_equal(vmsnd_machine_save(sim->machine, 0, &bytes, &n_bytes), VMSND_OK);
		free(bytes);
	}
	vmsnd_machine_close(sim->machine, 0);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim->machine),
			 VMSND_OK);
	for (unsigned i = 0; i < N_CARDS; i++) {
		uint64_t first, lead;

		assert_int_equal(world.players[i].state, VMSND_GUEST_PLAYER_DONE);
		assert_int_equal(world.players[i].messages_failed, 0);
		first = piece(sim, i ? "two.first" : "one.first", &world.signals[i], 0, &lead);
		with_holes(sim, i ? "two.wav" : "one.wav", &world.signals[i], first, UINT64_MAX);
	}
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS_saved_while_it_plays),
	    cmocka_unit_test(test_SS_goes_on_on_threads),
	    cmocka_unit_test(test_SS_goes_on_with_the_next_frame),
	    cmocka_unit_test(test_SS01_all_that_is_set_and_counted),
	};

	return cmocka_run_group_tests_name("machine_state", tests, NULL, NULL);
}
