/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers come, go and are exchanged ten thousand times while audio threads are in the inserts.
 * Meant for a build with -Db_sanitize=thread; runs in any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "manager/chain.h"

#define ROUNDS 10000u
#define UNITS  2u
#define FRAMES 64u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 8000, .channels = 2};

struct player {
	const struct vmsnd_insert *insert;
	_Atomic bool *stop;
	_Atomic unsigned long *blocks;
	unsigned long strange; /* frames that no chain of these drivers can make */
	pthread_t thread;
};

/* Left is 1 and right 2 in what goes in. delay and map can make silence of either and exchange
 * them, and nothing else. */
static void *play(void *arg)
{
	struct player *player = arg;
	int16_t block[2 * FRAMES];

	while (!atomic_load(player->stop)) {
		for (unsigned i = 0; i < FRAMES; i++) {
			block[2 * i] = 1;
			block[2 * i + 1] = 2;
		}
		player->insert->process_rt(player->insert->ctx, block, FRAMES);
		player->insert->delay_frames_rt(player->insert->ctx);
		for (unsigned i = 0; i < 2 * FRAMES; i++)
			player->strange += (uint16_t)block[i] > 2;
		atomic_fetch_add(player->blocks, 1);
	}
	return NULL;
}

struct world {
	struct vmsnd_registry *registry;
	struct vmsnd_census *census;
	struct vmsnd_drivers *chain;
	struct player players[UNITS];
	_Atomic bool stop;
	_Atomic unsigned long blocks;
	uint32_t seed;
	unsigned done[4];
};

static uint32_t below(struct world *world, uint32_t limit)
{
	world->seed = world->seed * 1664525u + 1013904223u;
	return (world->seed >> 8) % limit;
}

static void meddle(struct world *world)
{
	static const char *const texts[] = {"delay,ms=1",     "delay,ms=20",      "map",
					    "map,channels=-", "map,channels=0/-", "delay,ms=0"};
	static uint8_t bytes[65536];
	const char *text = texts[below(world, sizeof(texts) / sizeof(texts[0]))];
	struct vmsnd_state_writer to = {.to = bytes, .room = sizeof(bytes)};
	unsigned n = vmsnd_drivers_count(world->chain), what = below(world, 7), at;
	struct vmsnd_error error;
	enum vmsnd_rc rc = VMSND_OK;

	at = below(world, n + 1);
	if (what < 2 && n < VMSND_DRIVERS_MAX)
		rc = vmsnd_drivers_attach(world->chain, at, text, &error);
	else if (what < 4 && at < n)
		rc = vmsnd_drivers_reattach(world->chain, at, text, &error);
	else if (what < 6 && at < n)
		rc = vmsnd_drivers_detach(world->chain, at);
	else if (what == 6 && below(world, 10) == 0)
		vmsnd_drivers_save(world->chain, below(world, UNITS), &to);
	assert_int_equal(rc, VMSND_OK);
	world->done[what / 2]++;
	vmsnd_drivers_tend(world->chain);
}

static void open_world(struct world *world)
{
	struct vmsnd_drivers_setup setup = {.who = "out", .n_units = UNITS};

	memset(world, 0, sizeof(*world));
	assert_int_equal(vmsnd_registry_open(NULL, &world->registry), VMSND_OK);
	assert_int_equal(vmsnd_census_open(&world->census), VMSND_OK);
	setup.registry = world->registry;
	setup.census = world->census;
	assert_int_equal(vmsnd_drivers_open(&setup, &world->chain), VMSND_OK);
	for (unsigned i = 0; i < UNITS; i++) {
		struct player *player = &world->players[i];

		player->insert = vmsnd_drivers_insert(world->chain, i);
		player->stop = &world->stop;
		player->blocks = &world->blocks;
		player->insert->prepare(player->insert->ctx, (enum vmsnd_dir)(i % 2), &stereo,
					FRAMES);
		assert_int_equal(pthread_create(&player->thread, NULL, play, player), 0);
	}
}

static void close_world(struct world *world)
{
	atomic_store(&world->stop, true);
	for (unsigned i = 0; i < UNITS; i++)
		pthread_join(world->players[i].thread, NULL);
	assert_true(vmsnd_drivers_tend(world->chain));
	for (unsigned i = 0; i < UNITS; i++)
		assert_int_equal(world->players[i].strange, 0);
	vmsnd_drivers_close(world->chain);
	vmsnd_census_close(world->census);
	vmsnd_registry_close(world->registry);
}

static void test_DM73_ten_thousand_changes_while_it_plays(void **state)
{
	static struct world world;

	open_world(&world);
	for (unsigned round = 0; round < ROUNDS; round++) {
		meddle(&world);
		/* So that blocks and changes do alternate, on one processor too. */
		if (round % 16 == 0)
			for (unsigned long seen = atomic_load(&world.blocks);
			     atomic_load(&world.blocks) == seen;)
				sched_yield();
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(world.done[i], ROUNDS / 10, ROUNDS);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM73_ten_thousand_changes_while_it_plays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
