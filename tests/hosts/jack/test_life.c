/* SPDX-License-Identifier: BSD-3-Clause */
/* JACK: the server comes late, dies, comes back. */
#include <jack/jack.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "world.h"

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static bool devices_changed(void *ctx)
{
	return atomic_load(&((struct world *)ctx)->devices_changed) > 0;
}

static bool has_ended(void *ctx)
{
	return atomic_load(&((struct user *)ctx)->ended) > 0;
}

static bool moves(void *ctx)
{
	return atomic_load(&((struct user *)ctx)->frames) > 4800;
}

static void test_server_comes_late(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	const struct timespec nap = {.tv_sec = 1};

	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_E_GONE);
	nanosleep(&nap, NULL); /* several tries, one line */
	assert_int_equal(world_said(world, "there is no server"), 1);
	assert_int_equal(world->n_lines, 1);
	jackd_start(world, NULL);
	assert_true(wait_for(devices_changed, world));
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	assert_int_equal(world_said(world, "is there: 48000 Hz, 256 frames"), 1);
	assert_int_equal(world->n_lines, 2);
	user_close(user);
}

static void lose_and_find(struct world *world, struct user *user, int how)
{
	vmsnd_ns back;

	atomic_store(&world->devices_changed, 0);
	jackd_stop(world, how);
	assert_true(wait_for(has_ended, user));
	assert_int_equal(atomic_load(&user->ended), 1);
	assert_int_equal(vmsnd_jack_class.stream_start(user->stream, now_ns()), VMSND_E_GONE);
	user_close(user);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_E_GONE);
	memset(user, 0, sizeof(*user));
	jackd_start(world, NULL);
	back = now_ns();
	assert_true(wait_for(devices_changed, world));
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	assert_true(now_ns() - back < 2 * SECOND);
}

/* Killed in the middle, again and again: the stream ends once, sound is back within 2 s of the
 * server, and the log has one line each way. */
static void test_server_is_killed_and_comes_back(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	assert_int_equal(world->n_lines, 0);
	for (unsigned i = 0; i < 4; i++) {
		lose_and_find(world, user, i % 2 ? SIGTERM : SIGKILL);
		assert_int_equal(world_said(world, "the server has gone"), 1 + i);
		assert_int_equal(world->n_lines, 2 + 2 * i);
	}
	user_close(user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	    TEST(test_server_comes_late),
	    TEST(test_server_is_killed_and_comes_back),
	};

	return cmocka_run_group_tests(tests, world_group, NULL);
}
