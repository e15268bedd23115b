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

/* Two cards of one process, one libjack: each finds the server again. */
static void test_two_cards(void **state)
{
	struct world *world = *state, *second;
	struct user *a = world_user(world), *b = world_user(world);
	void *more;

	assert_int_equal(world_setup(&more), 0);
	second = more;
	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(world_open(second, ""), VMSND_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(user_open(world, a, VMSND_PLAYBACK, stereo), VMSND_OK);
		assert_int_equal(user_open(second, b, VMSND_PLAYBACK, stereo), VMSND_OK);
		user_start(a);
		user_start(b);
		assert_true(wait_for(moves, a) && wait_for(moves, b));
		atomic_store(&world->devices_changed, 0);
		atomic_store(&second->devices_changed, 0);
		jackd_stop(world, SIGKILL);
		assert_true(wait_for(has_ended, a) && wait_for(has_ended, b));
		user_close(a);
		user_close(b);
		*a = *b = (struct user){.frames = 0};
		jackd_start(world, NULL);
		assert_true(wait_for(devices_changed, world));
		assert_true(wait_for(devices_changed, second));
	}
	assert_int_equal(world_teardown(&more), 0);
}

/* It is lost and found with no stream open, too. */
static void test_server_goes_while_nothing_plays(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_true(wait_for(devices_changed, world));
	atomic_store(&world->devices_changed, 0);
	jackd_stop(world, SIGKILL);
	jackd_start(world, &(struct jackd_conf){44100, 512, 2, 2});
	assert_true(wait_for(devices_changed, world));
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	assert_int_equal(user->got.format.rate_hz, 44100);
	user_start(user);
	assert_true(wait_for(moves, user));
	user_close(user);
}

/* A server that hangs: the lane's calls return at once, and when it goes on so does the sound. */
static void test_server_hangs(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	struct vmsnd_stream_place place;
	struct vmsnd_backend_limits limits;
	vmsnd_ns begin;

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	jackd_signal(world, SIGSTOP);
	begin = now_ns();
	for (unsigned i = 0; i < 100; i++) {
		vmsnd_jack_class.stream_stop(user->stream, now_ns());
		user_start(user);
		vmsnd_jack_class.stream_place(user->stream, &place);
		vmsnd_jack_class.limits(world->host, &limits);
		vmsnd_jack_class.status(world->host, VMSND_PLAYBACK);
	}
	assert_true(now_ns() - begin < 500 * MS);
	jackd_signal(world, SIGCONT);
	atomic_store(&user->frames, 0);
	assert_true(wait_for(moves, user));
	user_close(user);
}

/* One that its owner has not come to close yet when the server is back: it moves nothing any more,
 * for its ports were another client's. */
static void test_lost_stream_stays_lost(void **state)
{
	struct world *world = *state;
	struct user *lost = world_user(world), *next = world_user(world);
	uint64_t frames;

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, lost, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(lost);
	assert_true(wait_for(moves, lost));
	jackd_stop(world, SIGKILL);
	assert_true(wait_for(has_ended, lost));
	frames = atomic_load(&lost->frames);
	atomic_store(&world->devices_changed, 0);
	jackd_start(world, NULL);
	assert_true(wait_for(devices_changed, world));
	assert_int_equal(user_open(world, next, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(next);
	assert_true(wait_for(moves, next));
	assert_int_equal(atomic_load(&lost->frames), frames);
	user_close(lost);
	atomic_store(&next->frames, 0);
	assert_true(wait_for(moves, next));
	assert_int_equal(atomic_load(&lost->ended), 1);
	user_close(next);
}

struct closing {
	struct world *world;
	pthread_t thread;
	bool trouble;
	enum vmsnd_rc rc; /* of opening */
	_Atomic bool over;
};

static void *close_and_ask(void *arg)
{
	struct closing *closing = arg;
	struct world *world = closing->world;
	struct vmsnd_fact facts[16];
	size_t n;

	user_close(&world->users[0]);
	user_close(&world->users[1]);
	closing->rc = user_open(world, &world->users[0], VMSND_PLAYBACK, stereo);
	n = vmsnd_jack_class.facts(world->host, facts, 16);
	for (size_t i = 0; i < n && i < 16; i++)
		closing->trouble |=
		    facts[i].name == VMSND_FACT_TROUBLE && strstr(facts[i].text, "does not answer");
	atomic_store(&closing->over, true);
	return NULL;
}

static bool is_over(void *ctx)
{
	return atomic_load(&((struct closing *)ctx)->over);
}

static bool opens_again(void *ctx)
{
	struct world *world = ctx;

	return user_open(world, &world->users[0], VMSND_PLAYBACK, stereo) == VMSND_OK;
}

/* A server that hangs does not hold those workers that close streams, nor who wants another. */
static void test_close_while_server_hangs(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world), *other = world_user(world);
	struct closing closing = {.world = world};
	bool over;

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	assert_int_equal(user_open(world, other, VMSND_CAPTURE, stereo), VMSND_OK);
	user_start(user);
	assert_true(wait_for(moves, user));
	jackd_signal(world, SIGSTOP);
	assert_int_equal(pthread_create(&closing.thread, NULL, close_and_ask, &closing), 0);
	over = wait_for(is_over, &closing);
	jackd_signal(world, SIGCONT);
	pthread_join(closing.thread, NULL);
	assert_true(over);
	assert_int_equal(closing.rc, VMSND_E_GONE);
	assert_true(closing.trouble);
	assert_true(wait_for(opens_again, world));
	atomic_store(&user->frames, 0);
	user_start(user);
	assert_true(wait_for(moves, user));
	user_close(user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	    TEST(test_server_comes_late),
	    TEST(test_server_is_killed_and_comes_back),
	    TEST(test_two_cards),
	    TEST(test_server_goes_while_nothing_plays),
	    TEST(test_server_hangs),
	    TEST(test_lost_stream_stays_lost),
	    TEST(test_close_while_server_hangs),
	};

	return cmocka_run_group_tests(tests, world_group, NULL);
}
