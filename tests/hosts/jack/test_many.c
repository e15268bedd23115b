/* SPDX-License-Identifier: BSD-3-Clause */
/* JACK: a thousand times opened and closed, and nothing is left. */
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

#define STREAMS  1000u
#define BACKENDS 100u

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static bool moves(void *ctx)
{
	return atomic_load(&((struct user *)ctx)->blocks) > 0;
}

static size_t lines(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n = 0;

	assert_non_null(file);
	for (int c = getc(file); c != EOF; c = getc(file))
		n += c == '\n';
	fclose(file);
	return n;
}

static void once(struct world *world, enum vmsnd_dir dir)
{
	struct user *user = &world->users[0];

	*user = (struct user){.heard = &world->heard};
	assert_int_equal(user_open(world, user, dir, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	user_close(user);
}

/* Mappings of threads' stacks and of the allocator come and go a little; one for each stream or
 * backend would be hundreds. */
static void test_streams_leave_nothing(void **state)
{
	struct world *world = *state;
	size_t maps = 0, used = 0;

	world_user(world);
	jackd_start(world, &(struct jackd_conf){48000, 64, 2, 2});
	assert_int_equal(world_open(world, ""), VMSND_OK);
	for (unsigned i = 0; i < STREAMS; i++) {
		once(world, i % 4 == 3 ? VMSND_CAPTURE : VMSND_PLAYBACK);
		if (i == 20) {
			maps = lines("/proc/self/maps");
			used = mallinfo2().uordblks;
		}
	}
	assert_true(lines("/proc/self/maps") < maps + 40);
	assert_true(mallinfo2().uordblks < used + 64 * 1024);
	assert_int_equal(world->n_lines, 0);
}

/* The backend too; and while there is no server. */
static void test_backends_leave_nothing(void **state)
{
	struct world *world = *state;
	size_t fds = 0;
	char path[32];

	world_user(world);
	jackd_start(world, &(struct jackd_conf){48000, 64, 2, 2});
	for (unsigned i = 0; i < BACKENDS; i++) {
		assert_int_equal(world_open(world, ""), VMSND_OK);
		if (i % 2)
			once(world, VMSND_PLAYBACK);
		world_close(world);
	}
	jackd_stop(world, SIGTERM);
	for (unsigned i = 0; i < BACKENDS; i++) {
		assert_int_equal(world_open(world, ""), VMSND_OK);
		world_close(world);
	}
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		fds += access(path, F_OK) == 0;
	}
	assert_true(fds < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	    TEST(test_streams_leave_nothing),
	    TEST(test_backends_leave_nothing),
	};

	return cmocka_run_group_tests(tests, world_group, NULL);
}
