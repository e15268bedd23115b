/* SPDX-License-Identifier: BSD-3-Clause */
/* JACK: which ports are connected, what is told of them, and what the server changes meanwhile. */
#include <jack/jack.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "world.h"

static struct vmsnd_format format(uint32_t channels)
{
	return (struct vmsnd_format){
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = channels};
}

static bool linked(struct peer *peer, const char *from, const char *to)
{
	jack_port_t *port = jack_port_by_name(peer->client, from);

	assert_non_null(port);
	return jack_port_connected_to(port, to) > 0;
}

static int links(struct peer *peer, const char *name)
{
	jack_port_t *port = jack_port_by_name(peer->client, name);

	assert_non_null(port);
	return jack_port_connected(port);
}

static struct vmsnd_stream_place place_of(const struct user *user)
{
	struct vmsnd_stream_place place;

	vmsnd_jack_class.stream_place(user->stream, &place);
	return place;
}

/* Without options: the first device, as a card would. */
static void test_connects_to_the_first_device(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct user *in = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 2);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_int_equal(user_open(world, in, VMSND_CAPTURE, format(2)), VMSND_OK);
	assert_true(linked(peer, "card:output_FL", "system:playback_1"));
	assert_true(linked(peer, "card:output_FR", "system:playback_2"));
	assert_true(linked(peer, "card:input_FL", "system:capture_1"));
	assert_true(linked(peer, "card:input_FR", "system:capture_2"));
	assert_int_equal(links(peer, "card:output_FL"), 1);
	assert_string_equal(place_of(out).device, "system");
	assert_string_equal(place_of(out).name, "system:playback_1, system:playback_2");
	assert_string_equal(place_of(in).device, "system");
	assert_false(place_of(out).has_volume);
	user_close(out);
	assert_null(jack_port_by_name(peer->client, "card:output_FL")); /* nothing is left open */
	user_close(in);
	peer_close(peer);
}

static void test_connects_by_pattern(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct user *in = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 4, 4);
	assert_int_equal(world_open(world, ",out-connect-ports=ear:in_[34]$,in-connect-ports=^$"),
			 VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_int_equal(user_open(world, in, VMSND_CAPTURE, format(2)), VMSND_OK);
	assert_true(linked(peer, "card:output_FL", "ear:in_3"));
	assert_true(linked(peer, "card:output_FR", "ear:in_4"));
	assert_int_equal(links(peer, "card:output_FL"), 1);
	assert_int_equal(links(peer, "card:input_FL"), 0);
	assert_string_equal(place_of(out).device, "ear");
	assert_string_equal(place_of(in).device, "");
	user_close(out);
	user_close(in);
	peer_close(peer);
}

/* A pattern that matches the card's own ports does not make it hear itself. */
static void test_never_connects_to_itself(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct user *in = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 0);
	assert_int_equal(world_open(world, ",out-connect-ports=(card|ear):"), VMSND_OK);
	assert_int_equal(user_open(world, in, VMSND_CAPTURE, format(2)), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_true(linked(peer, "card:output_FL", "ear:in_1"));
	assert_false(linked(peer, "card:output_FL", "card:input_FL"));
	user_close(in);
	user_close(out);
	peer_close(peer);
}

/* What has fewer ports than the guest has channels gets a mix of all, what has one is heard on both
 * sides: no channel is lost. */
static void test_fewer_ports_than_channels(void **state)
{
	struct world *world = *state;
	struct user *six = world_user(world);
	struct user *one = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 0);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, six, VMSND_PLAYBACK, format(6)), VMSND_OK);
	assert_int_equal(six->got.format.channels, 2);
	assert_int_equal(user_open(world, one, VMSND_PLAYBACK, format(1)), VMSND_OK);
	assert_int_equal(one->got.format.channels, 1);
	assert_true(linked(peer, "card:output2_MONO", "system:playback_1"));
	assert_true(linked(peer, "card:output2_MONO", "system:playback_2"));
	user_close(six);
	user_close(one);
	peer_close(peer);
}

/* Ports are named by position, whichever they are, and by number where there is none. */
static void test_ports_are_named_by_position(void **state)
{
	static const char *const names[] = {"output_FL", "output_FR", "output_FC",  "output_LFE",
					    "output_5",  "output_6",  "output_TFL", "output_8"};
	struct world *world = *state;
	struct user *out = world_user(world);
	struct peer *peer = world_peer(world);
	struct vmsnd_format wish = format(8);
	char name[64];

	memcpy(wish.positions,
	       (uint8_t[]){VMSND_POSITION_FL, VMSND_POSITION_FR, VMSND_POSITION_FC,
			   VMSND_POSITION_LFE, VMSND_POSITION_OTHER, VMSND_POSITION_NONE,
			   VMSND_POSITION_TFL, VMSND_POSITION_OTHER},
	       8);
	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 8, 0);
	assert_int_equal(world_open(world, ",client-name=box,out-connect-ports=^ear:"), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, wish), VMSND_OK);
	assert_true(vmsnd_format_equal(
	    &out->got.format,
	    &(struct vmsnd_format){.sample = VMSND_SAMPLE_FLOAT,
				   .rate_hz = 48000,
				   .channels = 8,
				   .positions = {VMSND_POSITION_FL, VMSND_POSITION_FR,
						 VMSND_POSITION_FC, VMSND_POSITION_LFE,
						 VMSND_POSITION_OTHER, VMSND_POSITION_NONE,
						 VMSND_POSITION_TFL, VMSND_POSITION_OTHER}}));
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "box:%s", names[i]);
		assert_non_null(jack_port_by_name(peer->client, name));
	}
	user_close(out);
	peer_close(peer);
}

struct wait_place {
	const struct user *user;
	const char *name;
};

static bool is_at(void *ctx)
{
	const struct wait_place *wait = ctx;

	return strcmp(place_of(wait->user).name, wait->name) == 0;
}

/* The far end comes late, or goes and comes back: connected when it is there. What somebody has
 * connected by hand is followed, and what he has cut stays cut. */
static void test_links_are_made_when_ports_come(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct peer *ear = world_peer(world);
	struct peer *other = world_peer(world);
	struct wait_place at_ear = {out, "ear:in_1, ear:in_2"}, nowhere = {out, ""};
	struct wait_place at_other = {out, "other:in_1"};

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:"), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_string_equal(place_of(out).device, "");
	user_start(out);
	for (unsigned i = 0; i < 2; i++) {
		peer_open(world, ear, "ear", 2, 0);
		assert_true(wait_for(is_at, &at_ear));
		if (i == 1)
			break;
		peer_close(ear);
		assert_true(wait_for(is_at, &nowhere));
	}
	jack_disconnect(ear->client, "card:output_FL", "ear:in_1");
	jack_disconnect(ear->client, "card:output_FR", "ear:in_2");
	assert_true(wait_for(is_at, &nowhere));
	peer_open(world, other, "other", 2, 0);
	jack_connect(other->client, "card:output_FL", "other:in_1");
	assert_true(wait_for(is_at, &at_other));
	assert_int_equal(links(ear, "card:output_FR"), 0);
	user_close(out);
	peer_close(ear);
	peer_close(other);
}

/* BE-02, BE-03 */
static void test_BE_02_BE_03_devices(void **state)
{
	struct world *world = *state;
	struct vmsnd_host_device devices[4];
	struct user *out = world_user(world);
	struct peer *ear = world_peer(world);

	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(vmsnd_jack_class.devices(world->host, devices, 4), 0);
	world_close(world);
	jackd_start(world, &(struct jackd_conf){48000, 256, 3, 6});
	peer_open(world, ear, "ear", 2, 0);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_int_equal(vmsnd_jack_class.devices(world->host, devices, 4), 1);
	assert_string_equal(devices[0].id, "system");
	assert_int_equal(devices[0].playback_channels, 6);
	assert_int_equal(devices[0].capture_channels, 3);
	assert_true(devices[0].default_playback && devices[0].default_capture);
	user_close(out);
	assert_int_equal(vmsnd_jack_class.device_set(world->host, VMSND_PLAYBACK, "nobody"),
			 VMSND_E_GONE);
	assert_int_equal(vmsnd_jack_class.device_set(world->host, VMSND_PLAYBACK, "ear"), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_true(linked(ear, "card:output_FR", "ear:in_2"));
	user_close(out);
	assert_int_equal(vmsnd_jack_class.device_set(world->host, VMSND_PLAYBACK, ""), VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_true(linked(ear, "card:output_FR", "system:playback_2"));
	user_close(out);
	peer_close(ear);
}

static const char *fact(const struct vmsnd_fact *facts, size_t n, enum vmsnd_fact_name name)
{
	for (size_t i = 0; i < n; i++)
		if (facts[i].name == name)
			return facts[i].text;
	return "";
}

static void test_facts(void **state)
{
	struct world *world = *state;
	struct vmsnd_fact facts[VMSND_FACT_COUNT];
	char text[128];
	size_t n;

	assert_int_equal(world_open(world, ""), VMSND_OK);
	n = vmsnd_jack_class.facts(world->host, facts, VMSND_FACT_COUNT);
	assert_int_equal(n, 3);
	assert_non_null(strstr(fact(facts, n, VMSND_FACT_SERVER), world->server));
	assert_non_null(strstr(fact(facts, n, VMSND_FACT_TROUBLE), "There is no server"));
	assert_non_null(strstr(fact(facts, n, VMSND_FACT_ADVICE), "Start jackd"));
	world_close(world);
	jackd_start(world, &(struct jackd_conf){44100, 512, 1, 2});
	assert_int_equal(world_open(world, ""), VMSND_OK);
	n = vmsnd_jack_class.facts(world->host, facts, VMSND_FACT_COUNT);
	assert_int_equal(n, 6);
	snprintf(text, sizeof(text), "/dev/shm/jack_%s_", world->server);
	assert_non_null(strstr(fact(facts, n, VMSND_FACT_SOCKET), text));
	assert_string_equal(fact(facts, n, VMSND_FACT_PLAYBACK), "system (2 ports)");
	assert_string_equal(fact(facts, n, VMSND_FACT_CAPTURE), "system (1 port)");
	assert_string_equal(fact(facts, n, VMSND_FACT_FORMAT),
			    "44100 Hz, 512 frames a period, FLOAT");
	assert_string_equal(fact(facts, n, VMSND_FACT_TROUBLE), "");
	assert_int_equal(vmsnd_jack_class.facts(world->host, facts, 1), 6);
}

struct wait_delay {
	struct user *user;
	uint32_t frames;
};

static bool has_delay(void *ctx)
{
	struct wait_delay *wait = ctx;

	return atomic_load(&wait->user->delay_frames) == wait->frames;
}

/* BE-14: the block's last frame is a period after its first; the ports beyond say the rest. */
static void test_BE_14_latency_is_that_of_the_ports(void **state)
{
	struct world *world = *state;
	struct user *out = world_user(world);
	struct user *in = world_user(world);
	struct peer *card = world_peer(world);
	struct wait_delay playing = {out, 256 + 1000}, recording = {in, 1000 - 256};

	in->heard = &world->heard;
	card->latency_frames = 1000;
	jackd_start(world, NULL);
	peer_open(world, card, "far", 2, 2);
	assert_int_equal(world_open(world, ",out-connect-ports=^far:,in-connect-ports=^far:"),
			 VMSND_OK);
	assert_int_equal(user_open(world, out, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_int_equal(user_open(world, in, VMSND_CAPTURE, format(2)), VMSND_OK);
	user_start(out);
	user_start(in);
	assert_true(wait_for(has_delay, &playing));
	assert_true(wait_for(has_delay, &recording));
	/* Links that are moved are another way to go. */
	for (unsigned i = 0; i < 2; i++) {
		jack_port_disconnect(card->client, card->in[i]);
		jack_port_disconnect(card->client, card->out[i]);
	}
	playing.frames = 256;
	recording.frames = 0;
	assert_true(wait_for(has_delay, &playing));
	assert_true(wait_for(has_delay, &recording));
	user_close(out);
	user_close(in);
	peer_close(card);
}

static bool sounds(void *ctx)
{
	return atomic_load(&((struct signal *)ctx)->good) >= 4800;
}

static bool is_told(void *ctx)
{
	return atomic_load(&((struct user *)ctx)->notices) != 0;
}

/* A longer or shorter period: the stream plays on, in blocks no longer than it was promised, and is
 * asked to be opened anew. */
static void test_period_changes(void **state)
{
	static const jack_nframes_t periods[] = {1024, 128};
	struct world *world = *state;
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 0);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:"), VMSND_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_OK);
		user_start(user);
		assert_true(wait_for(sounds, &peer->heard));
		assert_int_equal(jack_set_buffer_size(peer->client, periods[i]), 0);
		assert_true(wait_for(is_told, user));
		assert_int_equal(atomic_load(&user->notices), 1u << VMSND_STREAM_REOPEN);
		atomic_store(&peer->heard.good, 0);
		assert_true(wait_for(sounds, &peer->heard));
		assert_true(atomic_load(&user->most_frames) <= user->got.max_frames);
		assert_int_equal(atomic_load(&peer->heard.bad), 0);
		user_close(user);
		*user = (struct user){.frames = 0};
		assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_OK);
		assert_int_equal(user->got.period_frames, periods[i]);
		user_close(user);
		*user = (struct user){.frames = 0};
		peer->heard = (struct signal){.good = 0};
	}
	peer_close(peer);
}

struct wait_xrun {
	struct user *user;
	uint64_t xruns, gaps; /* those that there were before */
};

static bool has_xruns(void *ctx)
{
	struct wait_xrun *wait = ctx;

	return place_of(wait->user).xruns > wait->xruns &&
	       atomic_load(&wait->user->gaps) > wait->gaps;
}

/* A server that was held up counts an xrun; the block after it says that time was lost. */
static void test_xruns_are_counted(void **state)
{
	const struct timespec nap = {.tv_nsec = 100 * MS};
	struct world *world = *state;
	struct user *user = world_user(world);
	struct wait_xrun wait;

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_OK);
	user_start(user);
	wait = (struct wait_xrun){user, place_of(user).xruns, atomic_load(&user->gaps)};
	jackd_signal(world, SIGSTOP);
	nanosleep(&nap, NULL);
	jackd_signal(world, SIGCONT);
	assert_true(wait_for(has_xruns, &wait));
	user_close(user);
}

static bool blocks_stand(void *ctx)
{
	struct user *user = ctx;
	uint64_t before = atomic_load(&user->blocks);
	const struct timespec nap = {.tv_nsec = 50 * MS};

	nanosleep(&nap, NULL);
	return atomic_load(&user->blocks) == before;
}

/* Freewheeling is not for guests: silence, and afterwards sound again where it was. */
static void test_freewheel(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "ear", 2, 0);
	assert_int_equal(world_open(world, ",out-connect-ports=^ear:"), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_OK);
	user_start(user);
	assert_true(wait_for(sounds, &peer->heard));
	assert_int_equal(jack_set_freewheel(peer->client, 1), 0);
	assert_true(wait_for(blocks_stand, user));
	assert_int_equal(jack_set_freewheel(peer->client, 0), 0);
	atomic_store(&peer->heard.good, 0);
	assert_true(wait_for(sounds, &peer->heard));
	assert_true(atomic_load(&user->gaps) > 0);
	assert_int_equal(atomic_load(&peer->heard.bad), 0);
	user_close(user);
	peer_close(peer);
}

static void test_options_that_make_no_sense(void **state)
{
	static const struct {
		const char *options, *said;
	} rows[] = {
	    {",out-connect-ports=(", "out-connect-ports=(: it must be an extended regular"},
	    {",in-connect-ports=[a", "in-connect-ports=[a: it must be"},
	    {",client-name=a:b", "client-name=a:b: it must be of at most 62 characters"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(world_open(world, rows[i].options), VMSND_E_INVALID);
		assert_null(world->host);
		assert_int_equal(world_said(world, rows[i].said), 1);
	}
}

/* libjack would fall over: a second server is refused until the first has been left. */
static void test_one_server_in_a_process(void **state)
{
	struct world *world = *state, *second;
	void *more;

	assert_int_equal(world_setup(&more), 0);
	second = more;
	assert_int_equal(world_open(world, ""), VMSND_OK);
	snprintf(second->server, sizeof(second->server), "another");
	assert_int_equal(world_open(second, ""), VMSND_E_INVALID);
	assert_int_equal(world_said(second, "libjack can be at one only"), 1);
	world_close(world);
	assert_int_equal(world_open(second, ""), VMSND_OK);
	assert_int_equal(world_open(world, ""), VMSND_E_INVALID);
	world_close(second);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	world_teardown(&more);
}

static bool taken_is_said(void *ctx)
{
	return world_said(ctx, "has a client of this name already") > 0;
}

/* A name that is taken gets a number, unless it must be this one. */
static void test_names_that_are_taken(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	struct peer *peer = world_peer(world);

	jackd_start(world, NULL);
	peer_open(world, peer, "card", 2, 0);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_OK);
	assert_non_null(jack_port_by_name(peer->client, "card-01:output_FL"));
	user_close(user);
	world_close(world);
	assert_int_equal(world_open(world, ",exact-name=on"), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, format(2)), VMSND_E_GONE);
	assert_true(wait_for(taken_is_said, world));
	peer_close(peer);
	while (user_open(world, user, VMSND_PLAYBACK, format(2)) == VMSND_E_GONE)
		assert_true(world_said(world, "already") == 1);
	user_close(user);
}

static void test_what_is_no_pcm_is_refused(void **state)
{
	struct world *world = *state;
	struct user *user = world_user(world);
	const struct vmsnd_format dsd = {
	    .sample = VMSND_SAMPLE_DSD_U32, .rate_hz = 88200, .channels = 2};

	jackd_start(world, NULL);
	assert_int_equal(world_open(world, ""), VMSND_OK);
	assert_int_equal(user_open(world, user, VMSND_PLAYBACK, dsd), VMSND_E_UNSUPPORTED);
	assert_int_equal(world_said(world, "ports carry PCM"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	    TEST(test_connects_to_the_first_device),
	    TEST(test_connects_by_pattern),
	    TEST(test_never_connects_to_itself),
	    TEST(test_fewer_ports_than_channels),
	    TEST(test_ports_are_named_by_position),
	    TEST(test_links_are_made_when_ports_come),
	    TEST(test_BE_02_BE_03_devices),
	    TEST(test_facts),
	    TEST(test_BE_14_latency_is_that_of_the_ports),
	    TEST(test_period_changes),
	    TEST(test_xruns_are_counted),
	    TEST(test_freewheel),
	    TEST(test_options_that_make_no_sense),
	    TEST(test_one_server_in_a_process),
	    TEST(test_names_that_are_taken),
	    TEST(test_what_is_no_pcm_is_refused),
	};

	return cmocka_run_group_tests(tests, world_group, NULL);
}
