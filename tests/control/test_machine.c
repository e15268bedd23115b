/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands to a real machine, whose guest plays or records meanwhile, in virtual time. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "os/socket.h"
#include "sim.h"

#define PERIOD  480u
#define ENDLESS 1000000u

struct world {
	struct sim sim;
	struct sim_signal signal;
	struct vmsnd_guest_player player;
	struct vmsnd_control *control;
	struct vmsnd_log log;
	char path[200];
	int fd;
};

static void ignore_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
}

static int64_t wall_us(void)
{
	return 0;
}

static struct vmsnd_guest_player player_of(struct world *world, enum vmsnd_dir dir)
{
	struct vmsnd_guest *guest = &world->sim.cards[0]->guest;
	int stream = vmsnd_guest_find_stream(guest, dir, 0);
	struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)stream,
	    .params = {.format = world->signal.format, .period_frames = PERIOD, .periods = 4},
	    .frames = ENDLESS,
	    .ctx = &world->signal,
	    .read = sim_signal_read,
	    .write = sim_signal_write,
	};
	struct vmsnd_guest_player player;

	assert_true(stream >= 0);
	vmsnd_guest_player_init(&player, guest, &conf);
	return player;
}

/* A card on the null backend, a guest at it, a server, and a client that has negotiated. */
static struct world *open_world(enum vmsnd_dir dir)
{
	struct world *world = calloc(1, sizeof(*world));
	struct vmsnd_control_conf conf = {.wall_us = wall_us};

	sim_open(&world->sim);
	sim_add(&world->sim, "name=vm", "null");
	world->signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	world->signal.end = ENDLESS;
	world->player = player_of(world, dir);
	snprintf(world->path, sizeof(world->path), "%s", sim_path(&world->sim, "control"));
	world->log.write = ignore_line;
	conf.path = world->path;
	conf.machine = world->sim.machine;
	conf.log = &world->log;
	assert_int_equal(vmsnd_control_open(&conf, &world->control), VMSND_OK);
	world->fd = vmsnd_socket_connect(world->path);
	assert_true(world->fd >= 0);
	return world;
}

static void close_world(struct world *world)
{
	close(world->fd);
	vmsnd_control_close(world->control);
	sim_close(&world->sim);
	free(world->signal.kept);
	free(world);
}

/* Lets the guest go on for so long. */
static void run(struct world *world, unsigned ms)
{
	sim_run_until(&world->sim, &world->player, 1, world->sim.now + ms * MS);
}

/* The first answer to a request; greeting and events are passed over. */
static json_t *ask(struct world *world, const char *command, const char *arguments)
{
	static char text[1 << 20];
	char request[600];
	size_t bytes = 0;
	json_t *answer = NULL;

	snprintf(request, sizeof(request),
		 "{\"execute\":\"qmp_capabilities\",\"id\":0}"
		 "{\"execute\":\"%s\",\"arguments\":{%s},\"id\":1}",
		 command, arguments);
	assert_true(send(world->fd, request, strlen(request), 0) == (ssize_t)strlen(request));
	text[0] = '\0';
	for (unsigned i = 0; i < 5000 && !strstr(text, "\"id\":1}"); i++) {
		ssize_t n;

		vmsnd_control_turn(world->control, true, world->sim.now);
		n = recv(world->fd, text + bytes, sizeof(text) - bytes - 1, MSG_DONTWAIT);
		bytes += n > 0 ? (size_t)n : 0;
		text[bytes] = '\0';
		if (i >= 100)
			run(world, 1); /* it takes time */
	}
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *message = json_loads(line, 0, NULL);

		assert_non_null(message);
		if (json_integer_value(json_object_get(message, "id")) == 1)
			answer = json_incref(message);
		json_decref(message);
	}
	assert_non_null(answer);
	return answer;
}

static void ask_fine(struct world *world, const char *command, const char *arguments)
{
	json_t *answer = ask(world, command, arguments);

	if (!json_object_get(answer, "return"))
		fail_msg("%s", json_string_value(
				   json_object_get(json_object_get(answer, "error"), "desc")));
	json_decref(answer);
	run(world, 1); /* the lane comes by */
}

/* One stream on one output, to be given up; NULL: there is none. */
static json_t *stream(struct world *world, const char *direction, int output)
{
	json_t *answer = ask(world, "query-streams", ""), *list, *found = NULL;

	list = json_object_get(answer, "return");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		if (json_integer_value(json_object_get(one, "output")) == output &&
		    strcmp(json_string_value(json_object_get(one, "direction")), direction) == 0)
			found = json_incref(one);
	}
	json_decref(answer);
	return found;
}

static void expect_host(struct world *world, const char *direction, int output, const char *host)
{
	json_t *one = stream(world, direction, output);

	assert_non_null(one);
	assert_string_equal(json_string_value(json_object_get(one, "host")), host);
	json_decref(one);
}

static json_int_t figure(struct world *world, const char *direction, const char *name)
{
	json_t *one = stream(world, direction, 0);
	json_int_t value;

	assert_true(json_is_integer(json_object_get(one, name)));
	value = json_integer_value(json_object_get(one, name));
	json_decref(one);
	return value;
}

/* ---- tests ---- */

static void test_a_playing_stream_is_shown(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	json_t *one;
	json_int_t before;

	expect_host(world, "playback", 0, "none");
	run(world, 500);
	one = stream(world, "playback", 0);
	assert_string_equal(json_string_value(json_object_get(one, "host")), "running");
	assert_string_equal(json_string_value(json_object_get(one, "state")), "PLAY");
	assert_true(json_is_true(json_object_get(one, "exact")));
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(one, "guest-format"), "rate")),
	    48000);
	assert_int_equal(json_integer_value(json_object_get(one, "xruns")), 0);
	assert_true(json_array_size(json_object_get(one, "changes")) > 0);
	json_decref(one);
	before = figure(world, "playback", "frames-out");
	run(world, 1000);
	assert_in_range(figure(world, "playback", "frames-out") - before, 48000 - 2 * PERIOD,
			48000 + 2 * PERIOD);
	close_world(world);
}

/* DIR: off closes the host's stream, the guest's time goes on; on opens it again. */
static void test_privacy_is_switched_while_the_guest_records(void **state)
{
	struct world *world = open_world(VMSND_CAPTURE);
	uint64_t before;

	run(world, 200);
	expect_host(world, "capture", 0, "none"); /* off by default */
	ask_fine(world, "enable", "\"direction\":\"capture\",\"on\":true");
	run(world, 200);
	expect_host(world, "capture", 0, "running");
	ask_fine(world, "enable", "\"direction\":\"capture\",\"on\":false");
	expect_host(world, "capture", 0, "none");
	before = world->player.frames_completed;
	run(world, 1000);
	expect_host(world, "capture", 0, "none");
	assert_in_range(world->player.frames_completed - before, 48000 - 4 * PERIOD,
			48000 + 4 * PERIOD);
	ask_fine(world, "enable", "\"direction\":\"capture\",\"on\":true");
	run(world, 200);
	expect_host(world, "capture", 0, "running");
	assert_int_equal(world->player.messages_failed, 0);
	close_world(world);
}

static void test_an_output_comes_and_goes_while_the_guest_plays(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	char arguments[400];
	struct sim_sound sound;
	uint64_t silence;

	run(world, 500);
	snprintf(arguments, sizeof(arguments), "\"backend\":\"file,path=%s\"",
		 sim_path(&world->sim, "beside.wav"));
	ask_fine(world, "attach", arguments);
	run(world, 1000);
	expect_host(world, "playback", 1, "running");
	ask_fine(world, "detach", "\"output\":1");
	run(world, 500);
	assert_null(stream(world, "playback", 1));
	assert_int_equal(figure(world, "playback", "xruns"), 0);
	sound = sim_sound_load(sim_path(&world->sim, "beside.wav"));
	assert_in_range(sound.frames, 40000, 52000);
	silence = 0;
	for (uint64_t i = 0; i < sound.frames; i++)
		silence += sim_sound_silent(&sound, i);
	assert_true(silence < sound.frames / 4);
	sim_sound_free(&sound);
	close_world(world);
}

static void test_a_tap_writes_what_the_device_handed_in(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	char arguments[400];
	struct sim_sound sound;

	run(world, 500);
	snprintf(arguments, sizeof(arguments), "\"point\":\"device\",\"path\":\"%s\"",
		 sim_path(&world->sim, "tap.wav"));
	ask_fine(world, "tap-set", arguments);
	run(world, 1000);
	ask_fine(world, "tap-set", "\"point\":\"device\",\"path\":null");
	run(world, 500);
	sound = sim_sound_load(sim_path(&world->sim, "tap.wav"));
	assert_in_range(sound.frames, 40000, 52000);
	sim_sound_free(&sound);
	close_world(world);
}

static void test_volume_is_kept_and_shown(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	json_t *one, *volume;

	run(world, 100);
	ask_fine(world, "volume", "\"gain-db\":-6,\"channels-db\":[0,-3]");
	ask_fine(world, "volume", "\"mute-channels\":[true,false]");
	one = stream(world, "playback", 0);
	volume = json_object_get(one, "volume");
	assert_true(json_number_value(json_object_get(volume, "gain-db")) == -6.0);
	assert_true(json_number_value(json_array_get(json_object_get(volume, "channels-db"), 1)) ==
		    -3.0);
	assert_true(json_is_true(json_array_get(json_object_get(volume, "mute-channels"), 0)));
	assert_true(json_is_false(json_object_get(volume, "mute")));
	json_decref(one);
	close_world(world);
}

static bool is_paused(struct world *world)
{
	json_t *answer = ask(world, "query-cards", "");
	json_t *card = json_array_get(json_object_get(answer, "return"), 0);
	bool paused = json_is_true(json_object_get(card, "paused"));

	json_decref(answer);
	return paused;
}

static void test_pause_holds_the_streams_and_is_shown(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	json_int_t before;

	run(world, 500);
	assert_false(is_paused(world));
	ask_fine(world, "pause", "");
	assert_true(is_paused(world));
	before = figure(world, "playback", "frames-out");
	run(world, 1000);
	assert_int_equal(figure(world, "playback", "frames-out"), before);
	ask_fine(world, "unpause", "");
	assert_false(is_paused(world));
	run(world, 1000);
	assert_in_range(figure(world, "playback", "frames-out") - before, 40000, 50000);
	close_world(world);
}

/* Time stands still for the streams of a suspended machine, and goes on where it was. */
static void test_suspend_holds_the_whole_machine(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	json_int_t before;

	run(world, 500);
	ask_fine(world, "suspend", "");
	before = figure(world, "playback", "frames-out");
	run(world, 1000);
	assert_int_equal(figure(world, "playback", "frames-out"), before);
	ask_fine(world, "resume", "");
	run(world, 1000);
	assert_in_range(figure(world, "playback", "frames-out") - before, 40000, 50000);
	assert_int_equal(figure(world, "playback", "xruns"), 0);
	assert_int_equal(world->player.messages_failed, 0);
	close_world(world);
}

/* DM-73: answered when the new one plays; a wrong one changes nothing. */
static void test_DM73_a_chain_is_replaced_while_the_guest_plays(void **state)
{
	struct world *world = open_world(VMSND_PLAYBACK);
	char arguments[400];
	json_t *answer;

	run(world, 500);
	snprintf(arguments, sizeof(arguments),
		 "\"output\":0,\"backend\":\"file,path=%s\",\"drivers\":[\"delay,ms=5\"]",
		 sim_path(&world->sim, "later.wav"));
	ask_fine(world, "reattach", arguments);
	answer = stream(world, "playback", 0);
	assert_string_equal(json_string_value(json_object_get(answer, "backend")), "file");
	json_decref(answer);
	ask_fine(world, "driver-detach", "\"output\":0,\"name\":\"delay\"");
	run(world, 500);
	answer = ask(world, "reattach", "\"output\":0,\"backend\":\"nul\"");
	assert_non_null(json_object_get(answer, "error"));
	json_decref(answer);
	run(world, 500);
	expect_host(world, "playback", 0, "running");
	assert_int_equal(world->player.messages_failed, 0);
	close_world(world);
}

static void test_what_cannot_be_is_refused_and_the_guest_plays_on(void **state)
{
	static const char *const refused[][2] = {
	    {"attach", "\"backend\":\"nul\""},
	    {"attach", "\"backend\":\"null,pace=never\""},
	    {"detach", "\"output\":1"},
	    {"tap-set", "\"stream\":1,\"point\":\"device\",\"path\":\"a.wav\""},
	    {"tap-set", "\"point\":\"device\",\"path\":\"/no/where.wav\""},
	    {"host-device", "\"id\":\"hw:0\""},
	};
	struct world *world = open_world(VMSND_PLAYBACK);

	run(world, 200);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		json_t *answer = ask(world, refused[i][0], refused[i][1]);

		if (!json_object_get(answer, "error"))
			fail_msg("%s %s was done", refused[i][0], refused[i][1]);
		json_decref(answer);
		run(world, 50);
	}
	expect_host(world, "playback", 0, "running");
	assert_int_equal(figure(world, "playback", "xruns"), 0);
	close_world(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_playing_stream_is_shown),
	    cmocka_unit_test(test_privacy_is_switched_while_the_guest_records),
	    cmocka_unit_test(test_an_output_comes_and_goes_while_the_guest_plays),
	    cmocka_unit_test(test_a_tap_writes_what_the_device_handed_in),
	    cmocka_unit_test(test_volume_is_kept_and_shown),
	    cmocka_unit_test(test_pause_holds_the_streams_and_is_shown),
	    cmocka_unit_test(test_suspend_holds_the_whole_machine),
	    cmocka_unit_test(test_DM73_a_chain_is_replaced_while_the_guest_plays),
	    cmocka_unit_test(test_what_cannot_be_is_refused_and_the_guest_plays_on),
	};

	return cmocka_run_group_tests_name("control-machine", tests, NULL, NULL);
}
