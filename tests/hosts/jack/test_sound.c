/* SPDX-License-Identifier: BSD-3-Clause */
/* JACK: what is played arrives, and what is recorded, sample for sample. */
#include <jack/jack.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static const struct vmsnd_format stereo = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static bool heard_much(void *ctx)
{
	return atomic_load(&((struct signal *)ctx)->good) >= 12000;
}

static bool whole(const struct signal *heard)
{
	return atomic_load(&heard->jumps) == 0 && atomic_load(&heard->gaps) == 0;
}

static bool was_late(void *ctx)
{
	return atomic_load(&((struct peer *)ctx)->xruns) > 0;
}

/* On a busy machine the server may leave out a period, and counts that; then once more. */
static void assert_exact(struct peer *peer, struct signal *heard)
{
	for (unsigned i = 0; i < 20; i++) {
		assert_true(wait_for(heard_much, heard));
		assert_int_equal(atomic_load(&heard->bad), 0);
		if (whole(heard))
			return;
		assert_true(wait_for(was_late, peer));
		atomic_store(&peer->xruns, 0);
		atomic_store(&heard->jumps, 0);
		atomic_store(&heard->gaps, 0);
		atomic_store(&heard->good, 0);
	}
	fail_msg("the machine is too busy for a JACK server");
}

static void check_playback(struct world *world, const struct jackd_conf *conf, uint32_t channels)
{
	struct vmsnd_format format = {.sample = VMSND_SAMPLE_S16, .channels = channels};
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, conf);
	peer_open(world, peer, "ear", channels, 0);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:"), VMSND_OK);
	format.rate_hz = conf->rate_hz;
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format), VMSND_OK);
	assert_int_equal(user->got.format.sample, VMSND_SAMPLE_FLOAT);
	assert_int_equal(user->got.format.rate_hz, conf->rate_hz);
	assert_int_equal(user->got.format.channels, channels);
	assert_int_equal(user->got.period_frames, conf->period_frames);
	user_start(user);
	assert_exact(peer, &peer->heard);
	assert_true(atomic_load(&user->most_frames) <= user->got.max_frames);
	user_close(user);
	world_close(world);
	peer_close(peer);
	jackd_stop(world, SIGTERM);
}

static void test_playback_is_exact_at_every_period(void **state)
{
	for (unsigned period = 128; period <= 2048; period *= 4) /* 128, 512, 2048 */
		check_playback(*state, &(struct jackd_conf){48000, period, 2, 2}, 2);
}

static void test_playback_is_exact_with_one_to_eight_channels(void **state)
{
	static const uint32_t channels[] = {1, 3, 6, 8};

	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		check_playback(*state, &(struct jackd_conf){48000, 512, 2, 2}, channels[i]);
}

static void test_playback_is_exact_at_other_rates(void **state)
{
	check_playback(*state, &(struct jackd_conf){44100, 512, 2, 2}, 2);
	check_playback(*state, &(struct jackd_conf){96000, 1024, 2, 2}, 2);
}

static void check_capture(struct world *world, uint32_t period_frames, uint32_t channels)
{
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = channels};
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);

	user->heard = &world->heard;
	jackd_start(world, &(struct jackd_conf){48000, period_frames, 2, 2});
	peer_open(world, peer, "mouth", 0, channels);
	assert_int_equal(world_open(world, ",in-connect-ports=^mouth:"), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_CAPTURE, format), VMSND_OK);
	assert_int_equal(user->got.format.channels, channels);
	user_start(user);
	atomic_store(&peer->plays, true);
	assert_exact(peer, &world->heard);
	user_close(user);
	world_close(world);
	peer_close(peer);
	jackd_stop(world, SIGTERM);
}

static void test_capture_is_exact(void **state)
{
	check_capture(*state, 128, 2);
	check_capture(*state, 512, 6);
	check_capture(*state, 2048, 1);
}

/* Several streams of one client at once: each has ports and sound of its own. */
static void test_streams_do_not_disturb_each_other(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct user *other = world_user(world);
	struct user *in = world_user(world);
	struct peer *ear = world_peer(world);
	struct peer *mouth = world_peer(world);

	other->level = 0.25f;
	in->heard = &world->heard;
	jackd_start(world, NULL);
	peer_open(world, ear, "ear", 2, 0);
	peer_open(world, mouth, "mouth", 0, 2);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:,in-connect-ports=^mouth:"),
			 VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, stereo), VMSND_OK);
	assert_int_equal(user_open(world, other, VMSND_PLAYBACK, stereo), VMSND_OK);
	assert_int_equal(user_open(world, in, VMSND_CAPTURE, stereo), VMSND_OK);
	assert_non_null(jack_port_by_name(ear->client, "card:output_FL"));
	assert_non_null(jack_port_by_name(ear->client, "card:output2_FR"));
	assert_non_null(jack_port_by_name(ear->client, "card:input_FR"));
	atomic_store(&mouth->plays, true);
	user_start(out);
	user_start(in);
	assert_exact(ear, &ear->heard); /* a stream that is not started is silent */
	assert_exact(mouth, &world->heard);
	assert_int_equal(atomic_load(&other->blocks), 0);
	user_close(out);
	user_close(other);
	user_close(in);
	peer_close(ear);
	peer_close(mouth);
}

static bool silent_a_while(void *ctx)
{
	return ((struct signal *)ctx)->quiet && atomic_load(&((struct signal *)ctx)->silent) > 9600;
}

/* Stopped and started again it goes on where it was, with silence between. */
static void stop_and_start(struct user *user, struct peer *peer)
{
	uint64_t blocks;

	vmsnd_jack_class.stream_stop(user->stream, now_ns());
	blocks = atomic_load(&user->blocks);
	atomic_store(&peer->heard.silent, 0);
	assert_true(wait_for(silent_a_while, &peer->heard));
	assert_int_equal(atomic_load(&user->blocks), blocks);
	atomic_store(&peer->heard.good, 0);
	user_start(user);
	assert_true(wait_for(heard_much, &peer->heard));
	assert_int_equal(atomic_load(&peer->heard.bad), 0);
}

static void test_BE_11_stop_and_start(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);
	bool exact = false;

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 0);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:"), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, stereo), VMSND_OK);
	user_start(user);
	for (unsigned i = 0; i < 20 && !exact; i++) {
		assert_true(wait_for(heard_much, &peer->heard));
		atomic_store(&peer->xruns, 0);
		atomic_store(&peer->heard.jumps, 0);
		atomic_store(&peer->heard.gaps, 0);
		stop_and_start(user, peer);
		exact = atomic_load(&peer->heard.jumps) == 0 && atomic_load(&peer->heard.gaps) == 1;
		assert_true(exact || wait_for(was_late, peer)); /* as in assert_exact */
	}
	assert_true(exact);
	user_close(user);
	peer_close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	    TEST(test_playback_is_exact_at_every_period),
	    TEST(test_playback_is_exact_with_one_to_eight_channels),
	    TEST(test_playback_is_exact_at_other_rates),
	    TEST(test_capture_is_exact),
	    TEST(test_streams_do_not_disturb_each_other),
	    TEST(test_BE_11_stop_and_start),
	};

	return cmocka_run_group_tests(tests, world_group, NULL);
}
