/* SPDX-License-Identifier: BSD-3-Clause */
/* Many worlds, or one of them again (world.h says how). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

/* Sanitizers take three times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature) /* clang's way to say so */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define WORLDS_PER_TEST 150u
#else
#define WORLDS_PER_TEST 500u
#endif

static bool play(struct world *world, const struct world_conf *conf)
{
	memset(world, 0, sizeof(*world));
	if (setjmp(world->failed))
		return false;
	world_open(world, conf);
	world_run(world);
	world_close(world);
	return true;
}

/* What unit 0 hears is the same with the others and without them. */
static bool run_seed(uint64_t seed, bool verbose)
{
	static struct world world;
	struct world_conf conf = {.seed = seed, .verbose = verbose};
	uint64_t hash;

	if (!play(&world, &conf))
		return false;
	if (!world.compared)
		return true;
	hash = world_hash(&world);
	conf.alone = true;
	if (!play(&world, &conf))
		return false;
	if (world_hash(&world) == hash)
		return true;
	printf("# seed %llu: unit 0 hears something else when it is alone\n",
	       (unsigned long long)seed);
	return false;
}

static unsigned run_many(uint64_t from, uint64_t count)
{
	unsigned failures = 0;

	for (uint64_t seed = from; seed < from + count; seed++)
		failures += !run_seed(seed, false);
	return failures;
}

static void worlds(void **state)
{
	const uint64_t *from = *state;

	assert_int_equal(run_many(*from, WORLDS_PER_TEST), 0);
}

static int test_all(void)
{
	static uint64_t from[] = {1, 501, 1001, 1501, 2001, 2501};
	const struct CMUnitTest tests[] = {
	    {"worlds 1 to 500", worlds, NULL, NULL, &from[0]},
	    {"worlds 501 to 1000", worlds, NULL, NULL, &from[1]},
	    {"worlds 1001 to 1500", worlds, NULL, NULL, &from[2]},
	    {"worlds 1501 to 2000", worlds, NULL, NULL, &from[3]},
	    {"worlds 2001 to 2500", worlds, NULL, NULL, &from[4]},
	    {"worlds 2501 to 3000", worlds, NULL, NULL, &from[5]},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

static uint64_t value_of(int argc, char **argv, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoull(argv[i + 1], NULL, 10);
	return otherwise;
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[argc - 1], "--verbose") == 0;
	uint64_t seed = value_of(argc, argv, "--seed", 0);
	uint64_t count = value_of(argc, argv, "--count", 0);

	if (seed)
		return run_seed(seed, verbose) ? 0 : 1;
	if (count) {
		unsigned failures = run_many(value_of(argc, argv, "--from", 1), count);

		printf("# %llu worlds, %u failures\n", (unsigned long long)count, failures);
		return failures != 0;
	}
	return test_all();
}
