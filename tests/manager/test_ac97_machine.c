/* SPDX-License-Identifier: BSD-3-Clause */
/* An AC'97 card in its machine: its guest plays while the machine is suspended, reset, powered off,
 * saved and loaded, while the card is taken away, and beside many others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guests/ac97_player.h"
#include "vmsnd/machine.h"

#define MS           UINT64_C(1000000)
#define MEMORY_BYTES (1024u * 1024u)
#define MEMORY_GPA   UINT64_C(0x100000)
#define RATE_HZ      48000u

/* Virtual time; the machine has no threads. */
struct world {
	struct vmsnd_machine *machine;
	unsigned card;
	vmsnd_ns now;
	bool line;
	uint8_t *memory;
	struct vmsnd_ac97_guest guest;
	struct vmsnd_ac97_player player;
	uint64_t asked; /* frames that the player was given */
	char log[4096];
};

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;
	size_t at = strlen(world->log);

	if (level <= VMSND_LOG_WARNING)
		snprintf(world->log + at, sizeof(world->log) - at, "%s\n", line);
}

static void on_level(void *ctx, bool high)
{
	struct world *world = ctx;

	world->line = high;
}

static vmsnd_ns host_now(void *ctx)
{
	const struct world *world = ctx;

	return world->now;
}

/* Lets time go by, with the card looked at when it wants to be. */
static void host_wait(void *ctx, vmsnd_ns ns)
{
	struct world *world = ctx;
	vmsnd_ns until = world->now + ns;

	while (world->now < until) {
		vmsnd_ns next = vmsnd_machine_advance(world->machine, world->now);

		world->now = next > world->now && next < until ? next : until;
	}
	vmsnd_machine_advance(world->machine, world->now);
}

static enum vmsnd_rc host_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct world *world = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(world->machine, world->card, &region, world->now);
}

static bool host_interrupted(void *ctx)
{
	const struct world *world = ctx;

	return world->line;
}

static uint32_t read_sound(void *ctx, void *to, uint32_t frames)
{
	struct world *world = ctx;

	memset(to, 0x11, frames * 4);
	world->asked += frames;
	return frames;
}

static void open_machine(struct world *world, bool restores)
{
	const struct vmsnd_machine_conf conf = {
	    .log = {.ctx = world, .write = log_line}, .off = true, .restores = restores};

	assert_int_equal(vmsnd_machine_open(&conf, &world->machine), VMSND_OK);
}

static void add_card(struct world *world, const char *device)
{
	const struct vmsnd_card_conf card = {
	    .device = device, .backend = "null", .transport = "in-process", .listen_fd = -1};

	assert_int_equal(vmsnd_machine_add(world->machine, &card, world->now), VMSND_OK);
}

static void life(struct world *world, enum vmsnd_life what)
{
	assert_int_equal(vmsnd_machine_life(world->machine, what, world->now), VMSND_OK);
	vmsnd_machine_advance(world->machine, world->now);
}

/* The guest's CPU is on this card's bus. */
static void plug(struct world *world)
{
	const struct vmsnd_interrupt interrupt = {.ctx = world, .level = on_level};

	world->line = false;
	assert_int_equal(
	    vmsnd_machine_pci_bus(world->machine, world->card, &world->guest.conf.pci.bus),
	    VMSND_OK);
	world->guest.pci.conf.bus = world->guest.conf.pci.bus;
	assert_int_equal(vmsnd_machine_interrupt(world->machine, world->card, &interrupt),
			 VMSND_OK);
}

static void start_playing(struct world *world)
{
	struct vmsnd_ac97_guest_conf conf = {.pci.host = {.ctx = world,
							  .now = host_now,
							  .wait = host_wait,
							  .share = host_share,
							  .interrupted = host_interrupted},
					     .memory = world->memory,
					     .memory_bytes = MEMORY_BYTES,
					     .gpa = MEMORY_GPA};
	const struct vmsnd_ac97_player_conf player = {
	    .stream = VMSND_AC97_PCM_OUT,
	    .params = {.format = {.sample = VMSND_SAMPLE_S16, .rate_hz = RATE_HZ, .channels = 2},
		       .period_frames = 480,
		       .periods = 8},
	    .frames = UINT64_MAX,
	    .ctx = world,
	    .read = read_sound};

	plug(world);
	conf.pci.bus = world->guest.conf.pci.bus;
	assert_int_equal(vmsnd_ac97_guest_open(&world->guest, &conf), VMSND_OK);
	vmsnd_ac97_player_init(&world->player, &world->guest, &player);
}

static void set_up(struct world *world, const char *device)
{
	memset(world, 0, sizeof(*world));
	world->now = 1000 * MS;
	world->memory = calloc(1, MEMORY_BYTES);
	assert_non_null(world->memory);
	open_machine(world, false);
	add_card(world, device);
	life(world, VMSND_LIFE_POWER_ON);
}

static void tear_down(struct world *world)
{
	vmsnd_machine_close(world->machine, world->now);
	free(world->memory);
	assert_string_equal(world->log, "");
}

static void play(struct world *world, vmsnd_ns ns)
{
	for (vmsnd_ns until = world->now + ns; world->now < until;) {
		vmsnd_ac97_guest_poll(&world->guest);
		assert_true(vmsnd_ac97_player_step(&world->player));
		host_wait(world, MS);
	}
}

static uint64_t count(const struct world *world, const char *name)
{
	struct vmsnd_named_counter list[256];
	size_t n = vmsnd_machine_counters(world->machine, world->card, list, 256);

	for (size_t i = 0; i < n && i < 256; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("there is no counter %s", name);
	return 0;
}

static void expect_rate(const struct world *world, uint64_t before, unsigned ms)
{
	uint64_t frames = count(world, "pcm_out_frames") - before;

	assert_in_range(frames, RATE_HZ / 1000 * ms - 960, RATE_HZ / 1000 * ms + 960);
}

static void drop_sound(void *ctx, const void *sound, uint32_t frames)
{
}

/* A guest that asks often how far the recording is: it is given all that there is by then. */
static void record(struct world *world, struct vmsnd_ac97_player *recorder, vmsnd_ns ns)
{
	for (vmsnd_ns until = world->now + ns; world->now < until;) {
		vmsnd_ac97_guest_poll(&world->guest);
		assert_true(vmsnd_ac97_player_step(recorder));
		vmsnd_ac97_guest_pointer(&world->guest, VMSND_AC97_PCM_IN);
		host_wait(world, MS / 10);
	}
}

/* Such a host moves what it records up to 0.75 ms later from then on, together with what it plays.
 * The periods are such that nothing of the engine's falls together with its blocks. */
static void test_A9_27_playing_begins_and_the_recording_has_no_hole(void **state)
{
	for (unsigned phase = 0; phase < 40; phase++) {
		struct vmsnd_ac97_player recorder;
		struct vmsnd_ac97_player_conf conf;
		struct world world;
		uint64_t padded;

		set_up(&world, "ac97,input=on");
		start_playing(&world);
		conf = world.player.conf;
		conf.stream = VMSND_AC97_PCM_IN;
		conf.write = drop_sound;
		conf.params.period_frames = 1000;
		conf.params.periods = 4;
		vmsnd_ac97_player_init(&recorder, &world.guest, &conf);
		vmsnd_ac97_player_step(&recorder);
		/* Nobody looks before it runs, so engine and host begin together. */
		host_wait(&world, 35 * MS);
		record(&world, &recorder, 20 * MS + phase * MS / 4);
		padded = count(&world, "padded_frames");
		assert_true(vmsnd_ac97_player_step(&world.player));
		record(&world, &recorder, 60 * MS);
		assert_int_equal(count(&world, "padded_frames"), padded);
		assert_int_equal(recorder.xruns, 0);
		tear_down(&world);
	}
}

static void test_LC01_LC02_it_stands_still_while_suspended(void **state)
{
	struct world world;
	uint64_t frames;

	set_up(&world, "ac97");
	start_playing(&world);
	play(&world, 500 * MS);
	expect_rate(&world, 0, 500);
	life(&world, VMSND_LIFE_SUSPEND);
	frames = count(&world, "pcm_out_frames");
	host_wait(&world, 3000 * MS);
	assert_int_equal(count(&world, "pcm_out_frames"), frames);
	life(&world, VMSND_LIFE_RESUME);
	play(&world, 500 * MS);
	expect_rate(&world, frames, 500);
	assert_int_equal(world.player.xruns, 0);
	tear_down(&world);
}

static void test_LC07_nothing_is_pending_after_a_reset(void **state)
{
	struct world world;
	uint64_t frames;

	set_up(&world, "ac97");
	start_playing(&world);
	play(&world, 100 * MS);
	host_wait(&world, 20 * MS); /* an interrupt that nobody serves */
	assert_true(world.line);
	life(&world, VMSND_LIFE_RESET);
	assert_false(world.line);
	frames = count(&world, "pcm_out_frames");
	host_wait(&world, 500 * MS);
	assert_false(world.line);
	assert_int_equal(count(&world, "pcm_out_frames"), frames);
	/* The guest's next driver finds a card as at power-on. */
	vmsnd_machine_memory_remove(world.machine, 0, MEMORY_GPA, MEMORY_BYTES, world.now);
	start_playing(&world);
	play(&world, 200 * MS);
	expect_rate(&world, frames, 200);
	tear_down(&world);
}

static void test_LC05_power_off_ends_what_plays(void **state)
{
	struct world world;
	uint64_t frames;

	set_up(&world, "ac97,variant=ich4,playback=2,capture=4");
	start_playing(&world);
	play(&world, 200 * MS);
	life(&world, VMSND_LIFE_POWER_OFF);
	assert_false(world.line);
	frames = count(&world, "pcm_out_frames");
	host_wait(&world, 200 * MS);
	assert_int_equal(count(&world, "pcm_out_frames"), frames);
	tear_down(&world);
}

/* The guest's memory goes along; its driver goes on where it was, and never notices. */
static void test_SS01_a_card_that_plays_is_saved_and_goes_on(void **state)
{
	struct world world;
	uint8_t *bytes;
	size_t n;

	set_up(&world, "ac97");
	start_playing(&world);
	play(&world, 333 * MS);
	life(&world, VMSND_LIFE_SUSPEND);
	assert_int_equal(vmsnd_machine_save(world.machine, world.now, &bytes, &n), VMSND_OK);
	vmsnd_machine_close(world.machine, world.now);
	world.now += 5000 * MS;
	open_machine(&world, true);
	add_card(&world, "ac97");
	assert_int_equal(vmsnd_machine_load(world.machine, bytes, n, world.now), VMSND_OK);
	free(bytes);
	plug(&world);
	assert_int_equal(host_share(&world, MEMORY_GPA, world.memory, MEMORY_BYTES), VMSND_OK);
	life(&world, VMSND_LIFE_RESUME);
	play(&world, 500 * MS);
	expect_rate(&world, 0, 500); /* figures begin anew */
	assert_int_equal(world.player.xruns, 0);
	assert_int_equal(world.player.starts, 1);
	tear_down(&world);
}

static void test_a_card_goes_while_it_plays(void **state)
{
	struct world world;

	set_up(&world, "ac97");
	start_playing(&world);
	play(&world, 100 * MS);
	assert_int_equal(vmsnd_machine_remove(world.machine, 0, world.now), VMSND_OK);
	host_wait(&world, 100 * MS);
	add_card(&world, "ac97");
	start_playing(&world);
	play(&world, 100 * MS);
	expect_rate(&world, 0, 100);
	tear_down(&world);
}

static void test_a_hundred_cards(void **state)
{
	struct world world;

	set_up(&world, "ac97");
	for (unsigned i = 1; i < 100; i++)
		add_card(&world, i % 2 ? "ac97,variant=ich4" : "ac97");
	world.card = 98;
	start_playing(&world);
	play(&world, 300 * MS);
	expect_rate(&world, 0, 300);
	assert_int_equal(world.player.xruns, 0);
	tear_down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_27_playing_begins_and_the_recording_has_no_hole),
	    cmocka_unit_test(test_LC01_LC02_it_stands_still_while_suspended),
	    cmocka_unit_test(test_LC07_nothing_is_pending_after_a_reset),
	    cmocka_unit_test(test_LC05_power_off_ends_what_plays),
	    cmocka_unit_test(test_SS01_a_card_that_plays_is_saved_and_goes_on),
	    cmocka_unit_test(test_a_card_goes_while_it_plays),
	    cmocka_unit_test(test_a_hundred_cards),
	};

	return cmocka_run_group_tests_name("ac97-machine", tests, NULL, NULL);
}
