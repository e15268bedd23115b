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
#define LINKED   100u
#define BACKENDS 100u

static const struct vmsnd_format mono = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 1};

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

static void once(struct world *world, struct user *user, enum vmsnd_dir dir, uint32_t channels)
{
	struct vmsnd_format format = mono;

	format.channels = channels;
	*user = (struct user){.heard = &world->heard};
	assert_int_equal(user_open(world, user, dir, format), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	user_close(user);
}

/* Of the sanitizer that the test is built with, if any: it has an allocator of its own. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t used_bytes(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks;
}

/* What is in use goes up and down by 70 KiB with libjack's threads, which keep what they have freed
 * for themselves: the least of many rounds is what there always is. */
struct least {
	size_t bytes, maps;
};

static void look(struct least *least)
{
	size_t bytes = used_bytes(), maps = lines("/proc/self/maps");

	if (least->bytes == 0 || bytes < least->bytes)
		least->bytes = bytes;
	if (least->maps == 0 || maps < least->maps)
		least->maps = maps;
}

/* What is left of each stream, be it 32 bytes, or of every 20th, be it a mapping. */
static void assert_no_growth(const struct least *before, const struct least *after, unsigned rounds)
{
	print_message("# %zu bytes and %zu mappings, %u rounds later %zu and %zu\n", before->bytes,
		      before->maps, rounds, after->bytes, after->maps);
	assert_true(after->bytes < before->bytes + (size_t)rounds * 32);
	assert_true(after->maps < before->maps + rounds / 20);
}

/* A stream that goes while another one plays: jackd 1.9 died of that. */
static void open_and_close(struct world *world, const char *options, unsigned rounds)
{
	struct user *user = &world->users[0], *other = &world->users[1];
	struct least before = {0}, after = {0};

	assert_int_equal(world_open(world, options), VMSND_OK);
	for (unsigned i = 0; i < rounds; i++) {
		once(world, user, i % 4 == 3 ? VMSND_CAPTURE : VMSND_PLAYBACK, i % 10 ? 1 : 2);
		if (i == rounds / 10)
			assert_int_equal(user_open(world, other, VMSND_PLAYBACK, mono), VMSND_OK);
		else if (i > rounds / 10 && i < rounds * 3 / 10)
			look(&before);
		else if (i >= rounds * 8 / 10)
			look(&after);
	}
	assert_no_growth(&before, &after, rounds * 7 / 10);
	user_close(other);
	world_close(world);
	assert_int_equal(world->n_lines, 0);
}

/* jackd takes milliseconds for each link, so most are without. */
static void test_streams_leave_nothing(void **state)
{
	struct world *world = *state;

	world_user(world);
	world_user(world);
	jackd_start(world, &(struct jackd_conf){48000, 64, 2, 2});
	open_and_close(world, "", LINKED);
	open_and_close(world, ",out-connect-ports=^$,in-connect-ports=^$", STREAMS - LINKED);
}

/* The backend too; and while there is no server. */
static void test_backends_leave_nothing(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	size_t fds = 0;
	char path[32];

	jackd_start(world, &(struct jackd_conf){48000, 64, 2, 2});
	for (unsigned i = 0; i < BACKENDS; i++) {
		assert_int_equal(world_open(world, ""), VMSND_OK);
		if (i % 2)
			once(world, user, VMSND_PLAYBACK, 2);
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
