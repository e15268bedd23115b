/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest driver plays through the wire into the real card, under virtual time. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "devices/virtio-snd/ctl.h"
#include "frontend.h"
#include "guests/player.h"
#include "vmsnd/machine.h"

#define STEP_NS       UINT64_C(1000000)
#define FRAMES        48000u
#define PERIOD_FRAMES 480u

struct stage {
	struct vmsnd_machine *machine;
	unsigned n_watched;
	int fds[32];
	uint64_t tokens[32];
	vmsnd_ns now;
};

static enum vmsnd_rc watch(void *ctx, int fd, uint64_t token)
{
	struct stage *stage = ctx;

	assert_true(stage->n_watched < 32);
	stage->fds[stage->n_watched] = fd;
	stage->tokens[stage->n_watched++] = token;
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct stage *stage = ctx;

	for (unsigned i = 0; i < stage->n_watched; i++) {
		if (stage->fds[i] != fd)
			continue;
		stage->n_watched--;
		stage->fds[i] = stage->fds[stage->n_watched];
		stage->tokens[i] = stage->tokens[stage->n_watched];
		return;
	}
}

static bool pump_once(struct stage *stage)
{
	struct pollfd set[32];
	uint64_t tokens[32];
	unsigned n = stage->n_watched;

	for (unsigned i = 0; i < n; i++)
		set[i] = (struct pollfd){.fd = stage->fds[i], .events = POLLIN};
	memcpy(tokens, stage->tokens, sizeof(tokens));
	if (poll(set, n, 0) <= 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (set[i].revents)
			vmsnd_machine_ready(stage->machine, tokens[i], stage->now);
	return true;
}

static void pump(void *ctx)
{
	struct stage *stage = ctx;

	while (pump_once(stage))
		continue;
	vmsnd_machine_advance(stage->machine, stage->now);
}

static uint32_t read_tone(void *ctx, void *to, uint32_t frames)
{
	memset(to, 0x11, frames * 4u);
	return frames;
}

struct second {
	const char *options;
	unsigned pause_ms; /* every so often, the whole machine; 0: never */
	unsigned reset_ms; /* once: the tx queue alone */
	uint64_t features; /* that have to be agreed on */
};

static void pause_and_go_on(struct stage *stage, struct vmsnd_guest *guest)
{
	assert_int_equal(vmsnd_guest_pause(guest, stage->now), VMSND_OK);
	stage->now += VMSND_NS_PER_SECOND;
	pump(stage);
	assert_int_equal(vmsnd_guest_resume(guest, stage->now), VMSND_OK);
	pump(stage);
}

/* What came back before is taken; what did not is posted again by the player, as new. */
static void reset_queue(struct stage *stage, struct vmsnd_guest *guest,
			struct vmsnd_guest_player *player)
{
	unsigned lost = vmsnd_guest_posted(guest, 0);

	assert_true(lost > 0);
	assert_int_equal(vmsnd_guest_reset_queue(guest, 0, stage->now), VMSND_OK);
	assert_int_equal(vmsnd_guest_posted(guest, 0), 0);
	player->frames_completed += lost * (uint64_t)PERIOD_FRAMES;
	pump(stage);
}

/* Returns how long it was paused in all. */
static vmsnd_ns play_through(struct stage *stage, struct vmsnd_guest *guest,
			     struct vmsnd_guest_player *player, const struct second *second)
{
	uint64_t reset_at = second->reset_ms * UINT64_C(1000000);
	uint64_t pause_every = second->pause_ms * UINT64_C(1000000);
	vmsnd_ns paused = 0, played = STEP_NS;

	for (; vmsnd_guest_player_step(player, stage->now); played += STEP_NS) {
		assert_true(played < 5 * VMSND_NS_PER_SECOND);
		stage->now += STEP_NS;
		pump(stage);
		if (reset_at != 0 && played == reset_at)
			reset_queue(stage, guest, player);
		if (pause_every == 0 || played % pause_every != 0)
			continue;
		pause_and_go_on(stage, guest);
		paused += VMSND_NS_PER_SECOND;
	}
	return paused;
}

/* One second: every frame comes back, in one second, and the VMM's leaving is seen. */
static void play_a_second(const struct second *second)
{
	static struct stage stage;
	static struct vmsnd_guest guest;
	static struct vmsnd_guest_player player;
	char dir[] = "/tmp/vmsnd-guest-XXXXXX", path[64], device[128];
	struct vmsnd_machine_conf machine = {
	    .poller = {.ctx = &stage, .watch = watch, .unwatch = unwatch}};
	struct vmsnd_card_conf card = {.device = device, .backend = "null", .listen_fd = -1};
	struct vmsnd_guest_conf conf = {.gpa = 0x40000000,
					.event_idx = true,
					.indirect = true,
					.packed = true,
					.in_order = true,
					.ring_reset = true};
	const struct vmsnd_guest_player_conf play = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
		       PERIOD_FRAMES,
		       4},
	    .frames = FRAMES,
	    .read = read_tone};
	struct wire_frontend *front;
	vmsnd_ns paused;

	memset(&stage, 0, sizeof(stage));
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(device, sizeof(device), "virtio-snd,socket=%s%s", path, second->options);
	assert_int_equal(vmsnd_machine_open(&machine, &stage.machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(stage.machine, &card, 0), VMSND_OK);
	front = wire_frontend_attach(vmsnd_socket_connect(path), pump, &stage);
	pump(&stage);
	conf.memory = wire_frontend_memory(front, &conf.memory_bytes);
	wire_frontend_bus(front, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&guest, &conf, 0), VMSND_OK);
	assert_int_equal(guest.features & second->features, second->features);
	vmsnd_guest_player_init(&player, &guest, &play);
	paused = play_through(&stage, &guest, &player, second);
	assert_int_equal(player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(player.frames_completed, FRAMES);
	if (!second->reset_ms)
		assert_in_range(stage.now - paused, VMSND_NS_PER_SECOND,
				VMSND_NS_PER_SECOND * 11 / 10);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(guest.rings[i].misordered, 0);
	wire_frontend_close(front);
	assert_int_equal(vmsnd_machine_status(stage.machine).connected, 0);
	assert_int_equal(vmsnd_machine_status(stage.machine).sessions_ended, 1);
	vmsnd_machine_close(stage.machine, stage.now);
	assert_int_equal(stage.n_watched, 0);
	assert_int_equal(rmdir(dir), 0);
}

#define PACKED (UINT64_C(1) << 34)
#define ORDER  (UINT64_C(1) << 35)
#define RESET  (UINT64_C(1) << 40)

static void test_a_guest_plays_a_second(void **state)
{
	play_a_second(&(struct second){"", 0, 0, 0});
}

static void test_V9_over_rings_of_every_kind(void **state)
{
	static const struct second seconds[] = {
	    {",packed=on", 0, 0, PACKED},
	    {",packed=on,event-idx=off", 0, 0, PACKED},
	    {",packed=on,indirect=off", 70, 0, PACKED},
	    {",packed=on", 110, 0, PACKED},
	    {",in-order=on", 70, 0, ORDER},
	    {",packed=on,in-order=on", 110, 0, PACKED | ORDER},
	};

	for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		play_a_second(&seconds[i]);
}

/* Defect class 6 over the wire: a front end has no message for it, but its order of messages. */
static void test_class6_one_ring_is_reset(void **state)
{
	play_a_second(&(struct second){",ring-reset=on", 0, 300, RESET});
	play_a_second(&(struct second){",ring-reset=on,packed=on", 0, 300, RESET | PACKED});
}

/* ---- control elements ---- */

struct elements {
	struct stage stage;
	struct vmsnd_guest guest;
	struct wire_frontend *front;
	char dir[32];
};

static void open_elements(struct elements *world)
{
	char path[64], device[128];
	const struct vmsnd_machine_conf machine = {
	    .poller = {.ctx = &world->stage, .watch = watch, .unwatch = unwatch}};
	const struct vmsnd_card_conf card = {.device = device, .backend = "null", .listen_fd = -1};
	struct vmsnd_guest_conf conf = {.gpa = 0x40000000, .controls = true};

	memset(world, 0, sizeof(*world));
	snprintf(world->dir, sizeof(world->dir), "/tmp/vmsnd-guest-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	snprintf(path, sizeof(path), "%s/s", world->dir);
	snprintf(device, sizeof(device), "virtio-snd,controls=on,socket=%s", path);
	assert_int_equal(vmsnd_machine_open(&machine, &world->stage.machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(world->stage.machine, &card, 0), VMSND_OK);
	world->front = wire_frontend_attach(vmsnd_socket_connect(path), pump, &world->stage);
	pump(&world->stage);
	conf.memory = wire_frontend_memory(world->front, &conf.memory_bytes);
	wire_frontend_bus(world->front, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&world->guest, &conf, 0), VMSND_OK);
}

static void close_elements(struct elements *world)
{
	wire_frontend_close(world->front);
	vmsnd_machine_close(world->stage.machine, world->stage.now);
	assert_int_equal(rmdir(world->dir), 0);
}

static uint32_t read_element(struct elements *world, uint32_t element)
{
	const struct snd_ctl_hdr request = {SND_R_CTL_READ, element};
	struct vmsnd_guest_answer answer =
	    vmsnd_guest_request(&world->guest, &request, sizeof(request), world->stage.now);
	uint32_t value;

	assert_int_equal(answer.status, VIRTIO_SND_S_OK);
	assert_int_equal(answer.bytes, 4 + 512);
	memcpy(&value, answer.at + 4, sizeof(value));
	return value;
}

/* Through messages, descriptors and eventfds, as QEMU has them: 16 bytes of configuration, a value
 * written, the owner's change told. */
static void test_V3_V4_V101_V108_control_elements_over_the_wire(void **state)
{
	static struct elements world;
	struct snd_ctl_write write = {.hdr = {SND_R_CTL_WRITE, 0}};
	struct vmsnd_mixer_place place = {.dir = VMSND_PLAYBACK};
	struct vmsnd_mixer mixer;
	uint32_t words[4];

	open_elements(&world);
	assert_true(world.guest.features & SND_F_CTLS);
	assert_int_equal(wire_get_config(world.front, 0, words, sizeof(words)), WIRE_OK);
	assert_int_equal(words[3], 5);
	write.value.integer[0] = write.value.integer[1] = 100;
	assert_int_equal(
	    vmsnd_guest_request(&world.guest, &write, sizeof(write), world.stage.now).status,
	    VIRTIO_SND_S_OK);
	assert_int_equal(vmsnd_machine_mixer(world.stage.machine, &place, &mixer), VMSND_OK);
	assert_int_equal(mixer.volume.gain_mdb, -10000);
	mixer.volume.muted = UINT32_MAX;
	assert_int_equal(
	    vmsnd_machine_mixer_set(world.stage.machine, &place, &mixer, world.stage.now),
	    VMSND_OK);
	pump(&world.stage);
	vmsnd_guest_poll(&world.guest, world.stage.now);
	assert_int_equal(world.guest.events_seen, 1);
	assert_int_equal(world.guest.last_event.hdr.code, 0x1200);
	assert_int_equal(world.guest.last_event.data, 1 | 1u << 16);
	assert_int_equal(read_element(&world, 1), 0);
	assert_int_equal(read_element(&world, 0), 100);
	close_elements(&world);
}

/* Waits for as many events, since the interrupt of the queue is all that tells of one. */
static void expect_event(struct vmsnd_guest *guest, struct stage *stage, uint64_t n, uint32_t code)
{
	for (unsigned i = 0; guest->events_seen < n && i < 100; i++) {
		stage->now += STEP_NS;
		pump(stage);
		vmsnd_guest_poll(guest, stage->now);
	}
	assert_int_equal(guest->events_seen, n);
	assert_int_equal(guest->last_event.hdr.code, code);
	assert_int_equal(guest->last_event.data, 0);
}

static void test_V29_V83_jacks_are_heard_of_over_the_wire(void **state)
{
	static struct stage stage;
	static struct vmsnd_guest guest;
	char dir[] = "/tmp/vmsnd-guest-XXXXXX", path[64], device[128];
	struct vmsnd_machine_conf machine = {
	    .poller = {.ctx = &stage, .watch = watch, .unwatch = unwatch}};
	struct vmsnd_card_conf card = {.device = device, .backend = "null", .listen_fd = -1};
	struct vmsnd_guest_conf conf = {.gpa = 0x40000000, .event_idx = true, .by_interrupt = true};
	struct wire_frontend *front;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(device, sizeof(device), "virtio-snd,jacks=on,socket=%s", path);
	assert_int_equal(vmsnd_machine_open(&machine, &stage.machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(stage.machine, &card, 0), VMSND_OK);
	front = wire_frontend_attach(vmsnd_socket_connect(path), pump, &stage);
	pump(&stage);
	wire_frontend_bus(front, &conf.bus);
	conf.memory = wire_frontend_memory(front, &conf.memory_bytes);
	assert_int_equal(vmsnd_guest_open(&guest, &conf, stage.now), VMSND_OK);
	assert_int_equal(guest.config.jacks, 2);
	/* More often than the guest has buffers: each comes back into use. */
	for (unsigned n = 1; n <= 40; n++) {
		enum vmsnd_jack_want want = n & 1 ? VMSND_JACK_UNPLUGGED : VMSND_JACK_PLUGGED;

		assert_int_equal(
		    vmsnd_machine_jack_set(stage.machine, 0, "line-out", want, stage.now),
		    VMSND_OK);
		expect_event(&guest, &stage, n,
			     n & 1 ? VIRTIO_SND_EVT_JACK_DISCONNECTED
				   : VIRTIO_SND_EVT_JACK_CONNECTED);
	}
	wire_frontend_close(front);
	pump(&stage);
	vmsnd_machine_close(stage.machine, stage.now);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_guest_plays_a_second),
	    cmocka_unit_test(test_V9_over_rings_of_every_kind),
	    cmocka_unit_test(test_class6_one_ring_is_reset),
	    cmocka_unit_test(test_V3_V4_V101_V108_control_elements_over_the_wire),
	    cmocka_unit_test(test_V29_V83_jacks_are_heard_of_over_the_wire),
	};

	return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
