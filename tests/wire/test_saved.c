/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's sound goes on in a card that was saved and loaded: in process, and over vhost-user with
 * a VMM that comes back. The ports are doubles that remember what they heard. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../device/fake_port.h"
#include "devices/virtio-snd/virtio_snd.h"
#include "frontend.h"
#include "guests/player.h"
#include "transports/inprocess.h"
#include "transports/vhost_user.h"

#define CLASS         (&vmsnd_virtio_snd_class)
#define MS            UINT64_C(1000000)
#define FRAMES        20000u
#define PERIOD_FRAMES 441u
#define PERIODS       4u
#define MEMORY_BYTES  (UINT64_C(2) << 20)
#define GPA           UINT64_C(0x40000000)

/* ---- a card with its transport ------------------------------------------------------------------
 */

struct card {
	struct vmsnd_dev *dev;
	struct vmsnd_port *ports[2]; /* by direction */
	struct vmsnd_gmem mem;
	struct vmsnd_conf conf;
	struct vmsnd_transport *bus;
	char path[80];
	unsigned n_watched;
	int fds[16];
	unsigned tags[16];
};

struct stage {
	const struct vmsnd_transport_class *transport;
	struct card *card;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player players[2]; /* by direction */
	struct wire_frontend *front;          /* vhost-user */
	void *memory;
	uint64_t memory_bytes;
	uint8_t *snapshot;
	char dir[48];
	unsigned made;
	vmsnd_ns now;
	uint32_t next_frame; /* of what the guest plays */
	uint32_t recorded;   /* the last frame the guest was given */
};

static void on_notify(void *ctx, unsigned vector)
{
	struct stage *stage = ctx;

	stage->transport->notify(stage->card->bus, vector);
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct stage *stage = ctx;

	return stage->card->ports[dir];
}

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct stage *stage = ctx;
	struct card *card = stage->card;

	assert_true(card->n_watched < 16);
	card->fds[card->n_watched] = fd;
	card->tags[card->n_watched++] = tag;
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct stage *stage = ctx;
	struct card *card = stage->card;

	for (unsigned i = 0; i < card->n_watched; i++) {
		if (card->fds[i] != fd)
			continue;
		card->n_watched--;
		card->fds[i] = card->fds[card->n_watched];
		card->tags[i] = card->tags[card->n_watched];
		return;
	}
}

static void on_peer(void *ctx, enum vmsnd_peer_event what)
{
}

static void open_bus(struct stage *stage)
{
	struct card *card = stage->card;
	char options[128] = "", error[200];
	struct vmsnd_transport_conf conf = {.options = &card->conf,
					    .name = "card0",
					    .listen_fd = -1,
					    .card = {CLASS, card->dev},
					    .mem = &card->mem};
	const struct vmsnd_transport_user user = {
	    .ctx = stage, .watch = watch, .unwatch = unwatch, .peer = on_peer};

	if (stage->transport == &vmsnd_vhost_user_class) {
		snprintf(card->path, sizeof(card->path), "%s/%u", stage->dir, stage->made++);
		snprintf(options, sizeof(options), "socket=%s", card->path);
		assert_int_equal(vmsnd_conf_parse(&card->conf, stage->transport->options, "card",
						  options, error, sizeof(error)),
				 VMSND_OK);
	}
	assert_int_equal(stage->transport->open(&conf, &user, &card->bus), VMSND_OK);
}

/* A card as init leaves it; it has the ports of `before`, when there is one. */
static void make_card(struct stage *stage, struct card *before)
{
	const struct vmsnd_dev_conf conf = {
	    .name = "card", .playback_streams = 1, .capture_streams = 1};
	const struct vmsnd_dev_env env = {
	    .ctx = stage, .mem = &stage->card->mem, .notify = on_notify, .port = on_port};
	struct card *card = stage->card;

	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++) {
		if (before) {
			card->ports[dir] = before->ports[dir];
			card->ports[dir]->running = false;
			continue;
		}
		card->ports[dir] = malloc(sizeof(*card->ports[dir]));
		fake_port_init(card->ports[dir], dir);
	}
	card->dev = calloc(1, CLASS->footprint(&conf));
	assert_int_equal(CLASS->init(card->dev, &conf, &env, stage->now), VMSND_OK);
}

static vmsnd_ns step(struct stage *stage)
{
	struct card *card = stage->card;
	vmsnd_ns next, due;

	fake_port_advance(card->ports[0], stage->now);
	fake_port_advance(card->ports[1], stage->now);
	next = CLASS->advance(card->dev, stage->now);
	for (unsigned i = 0; i < 2; i++) {
		due = fake_port_advance(card->ports[i], stage->now);
		next = due < next ? due : next;
	}
	return next;
}

static bool look(struct stage *stage)
{
	struct card *card = stage->card;
	struct pollfd set[16];
	unsigned tags[16], n = card->n_watched;

	for (unsigned i = 0; i < n; i++)
		set[i] = (struct pollfd){.fd = card->fds[i], .events = POLLIN};
	memcpy(tags, card->tags, sizeof(tags));
	if (n == 0 || poll(set, n, 0) <= 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (set[i].revents)
			stage->transport->ready(card->bus, tags[i], stage->now);
	return true;
}

static void pump(void *ctx)
{
	struct stage *stage = ctx;

	while (look(stage))
		step(stage);
	step(stage);
}

/* ---- the guest
 * ------------------------------------------------------------------------------------
 */

static uint32_t play(void *ctx, void *to, uint32_t frames)
{
	struct stage *stage = ctx;

	for (uint32_t i = 0; i < frames; i++) {
		stage->next_frame++;
		memcpy((uint8_t *)to + i * 4, &stage->next_frame, 4);
	}
	return frames;
}

static void record(void *ctx, const void *sound, uint32_t frames)
{
	struct stage *stage = ctx;

	for (uint32_t i = 0; i < frames; i++) {
		uint32_t number;

		memcpy(&number, (const uint8_t *)sound + i * 4, 4);
		assert_int_equal(number, ++stage->recorded);
	}
}

static void players_init(struct stage *stage)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		const struct vmsnd_guest_player_conf conf = {
		    .stream = stream,
		    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
			       PERIOD_FRAMES,
			       PERIODS},
		    .frames = FRAMES,
		    .ctx = stage,
		    .read = play,
		    .write = record};

		vmsnd_guest_player_init(&stage->players[stream], &stage->guest, &conf);
	}
}

static void find_bus(struct stage *stage, struct vmsnd_guest_bus *bus)
{
	if (stage->front)
		wire_frontend_bus(stage->front, bus);
	else
		stage->transport->guest_bus(stage->card->bus, bus);
}

static void stage_open(struct stage *stage, const struct vmsnd_transport_class *transport,
		       bool event_idx, bool indirect)
{
	struct vmsnd_guest_conf conf = {.gpa = GPA,
					.event_idx = event_idx,
					.indirect = indirect,
					.queue_size = 32,
					.by_interrupt = true};

	memset(stage, 0, sizeof(*stage));
	stage->transport = transport;
	stage->now = 1000 * MS;
	snprintf(stage->dir, sizeof(stage->dir), "/tmp/vmsnd-saved-XXXXXX");
	assert_non_null(mkdtemp(stage->dir));
	stage->card = calloc(1, sizeof(*stage->card));
	make_card(stage, NULL);
	open_bus(stage);
	if (transport == &vmsnd_vhost_user_class) {
		stage->front =
		    wire_frontend_attach(vmsnd_socket_connect(stage->card->path), pump, stage);
		stage->memory = wire_frontend_memory(stage->front, &stage->memory_bytes);
	} else {
		stage->memory = aligned_alloc(4096, MEMORY_BYTES);
	}
	stage->memory_bytes = MEMORY_BYTES;
	stage->snapshot = malloc(MEMORY_BYTES);
	memset(stage->memory, 0, MEMORY_BYTES);
	conf.memory = stage->memory;
	conf.memory_bytes = stage->memory_bytes;
	find_bus(stage, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&stage->guest, &conf, stage->now), VMSND_OK);
	players_init(stage);
}

static void close_card(struct stage *stage)
{
	stage->transport->close(stage->card->bus, stage->now);
	assert_int_equal(stage->card->n_watched, 0);
	free(stage->card->dev);
	free(stage->card);
}

static void stage_close(struct stage *stage)
{
	struct vmsnd_port *ports[2] = {stage->card->ports[0], stage->card->ports[1]};

	if (stage->front)
		wire_frontend_close(stage->front);
	close_card(stage);
	if (!stage->front)
		free(stage->memory);
	for (unsigned i = 0; i < 2; i++) {
		fake_port_free(ports[i]);
		free(ports[i]);
	}
	free(stage->snapshot);
	assert_int_equal(rmdir(stage->dir), 0);
}

/* ---- time
 * ---------------------------------------------------------------------------------------- */

static bool is_playing(const struct stage *stage)
{
	return stage->players[0].state < VMSND_GUEST_PLAYER_DONE ||
	       stage->players[1].state < VMSND_GUEST_PLAYER_DONE;
}

/* The guest acts at whole milliseconds, the card whenever it wants to. */
static void run_ms(struct stage *stage, unsigned ms)
{
	for (vmsnd_ns end; ms > 0 && is_playing(stage); ms--) {
		end = stage->now + MS;
		for (vmsnd_ns next = step(stage); next < end; next = step(stage))
			stage->now = next > stage->now ? next : stage->now;
		stage->now = end;
		step(stage);
		vmsnd_guest_player_step(&stage->players[0], stage->now);
		vmsnd_guest_player_step(&stage->players[1], stage->now);
		pump(stage);
	}
}

static void expect_all(struct stage *stage)
{
	const struct vmsnd_port *out = stage->card->ports[VMSND_PLAYBACK];

	run_ms(stage, 2000);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(stage->players[i].state, VMSND_GUEST_PLAYER_DONE);
		assert_int_equal(stage->players[i].frames_completed, FRAMES);
		assert_int_equal(stage->players[i].messages_failed, 0);
		assert_int_equal(stage->players[i].messages_ok,
				 (FRAMES + PERIOD_FRAMES - 1) / PERIOD_FRAMES);
	}
	assert_int_equal(stage->recorded, FRAMES);
	assert_int_equal(out->heard_bytes, FRAMES * 4);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t number;

		memcpy(&number, out->heard + i * 4, 4);
		assert_int_equal(number, i + 1);
	}
}

/* ---- saved and brought back
 * ---------------------------------------------------------------------- */

static uint8_t *save(struct stage *stage, size_t *bytes)
{
	struct vmsnd_state_writer writer = {.to = malloc(65536), .room = 65536};

	CLASS->save(stage->card->dev, &writer);
	assert_false(writer.full);
	*bytes = writer.used;
	return writer.to;
}

/* Memory and ports as they were when it was saved: what the old card does as it goes is of another
 * world. */
static void replace_card(struct stage *stage)
{
	size_t bytes;
	uint8_t *state = save(stage, &bytes);
	struct vmsnd_state_reader reader = {.from = state, .bytes = bytes};
	struct card before = *stage->card;
	struct vmsnd_port *ports[2];

	memcpy(stage->snapshot, stage->memory, stage->memory_bytes);
	for (unsigned i = 0; i < 2; i++) {
		ports[i] = malloc(sizeof(*ports[i]));
		memcpy(ports[i], before.ports[i], sizeof(*ports[i]));
	}
	close_card(stage);
	memcpy(stage->memory, stage->snapshot, stage->memory_bytes);
	stage->card = calloc(1, sizeof(*stage->card));
	for (unsigned i = 0; i < 2; i++)
		free(before.ports[i]);
	memcpy(before.ports, ports, sizeof(ports));
	make_card(stage, &before);
	assert_int_equal(CLASS->load(stage->card->dev, &reader, CLASS->state_minor, stage->now),
			 VMSND_OK);
	open_bus(stage);
	free(state);
	if (stage->front)
		wire_frontend_move(stage->front, vmsnd_socket_connect(stage->card->path));
}

static void come_back(struct stage *stage)
{
	struct vmsnd_guest_bus bus;

	find_bus(stage, &bus);
	assert_int_equal(vmsnd_guest_move(&stage->guest, &bus), VMSND_OK);
	if (!stage->front) /* the card says where its queues stopped */
		assert_int_equal(vmsnd_guest_pause(&stage->guest, stage->now), VMSND_OK);
	assert_int_equal(vmsnd_guest_resume(&stage->guest, stage->now), VMSND_OK);
	pump(stage);
}

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void play_and_move(const struct vmsnd_transport_class *transport, uint32_t round)
{
	static struct stage stage;

	seed = round + 1;
	stage_open(&stage, transport, round & 1, round & 2);
	while (is_playing(&stage) && stage.made < 20) {
		run_ms(&stage, chance(90));
		/* Over a wire only the VMM knows where it stopped. */
		if (stage.front || chance(2) == 0)
			assert_int_equal(vmsnd_guest_pause(&stage.guest, stage.now), VMSND_OK);
		replace_card(&stage);
		stage.now += chance(1000) * MS;
		come_back(&stage);
	}
	expect_all(&stage);
	stage_close(&stage);
}

static void test_SS_in_process_sound_goes_on(void **state)
{
	for (uint32_t round = 0; round < 40; round++)
		play_and_move(&vmsnd_inprocess_class, round);
}

static void test_SS_vhost_user_sound_goes_on(void **state)
{
	for (uint32_t round = 0; round < 16; round++)
		play_and_move(&vmsnd_vhost_user_class, round);
}

/* ---- a VMM that is another
 * ------------------------------------------------------------------------ */

static uint64_t counter(struct stage *stage, const char *name)
{
	struct vmsnd_counter list[64];
	size_t n = CLASS->counters(stage->card->dev, list, 64);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static void open_and_leave(struct stage *stage, bool event_idx)
{
	stage_open(stage, &vmsnd_vhost_user_class, event_idx, true);
	run_ms(stage, 100);
	assert_true(stage->card->ports[VMSND_PLAYBACK]->running);
	assert_int_equal(vmsnd_guest_pause(&stage->guest, stage->now), VMSND_OK);
	replace_card(stage);
}

static void expect_fresh(struct stage *stage)
{
	uint64_t tx = counter(stage, "tx_messages"), rx = counter(stage, "rx_messages");

	assert_int_equal(counter(stage, "resets"), 1);
	for (unsigned i = 0; i < 100; i++) {
		stage->now += MS;
		pump(stage);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_false(stage->card->ports[i]->running);
		assert_false(stage->card->ports[i]->prepared);
	}
	assert_int_equal(counter(stage, "tx_messages"), tx);
	assert_int_equal(counter(stage, "rx_messages"), rx);
}

static void test_SS_connecting_does_not_reset(void **state)
{
	struct stage stage;
	uint64_t features;
	size_t bytes, after_bytes;
	uint8_t *before, *after;

	open_and_leave(&stage, true);
	before = save(&stage, &bytes);
	wire_get_u64(stage.front, VMSND_VU_GET_FEATURES, &features);
	wire_frontend_acks(stage.front, true);
	assert_int_equal(wire_put_u64(stage.front, VMSND_VU_SET_FEATURES,
				      stage.guest.features | VMSND_VU_F_PROTOCOL_FEATURES),
			 WIRE_OK);
	assert_int_equal(wire_put_u64(stage.front, VMSND_VU_SET_STATUS, 8), WIRE_OK);
	after = save(&stage, &after_bytes);
	assert_int_equal(bytes, after_bytes);
	assert_memory_equal(before, after, bytes);
	come_back(&stage);
	expect_all(&stage);
	free(before);
	free(after);
	stage_close(&stage);
}

/* Its firmware or kernel has booted anew: rings from 0, in the memory where they were. */
static void test_SS_another_base_is_another_driver(void **state)
{
	struct stage stage;
	struct vmsnd_guest_conf conf;

	open_and_leave(&stage, true);
	conf = stage.guest.conf;
	find_bus(&stage, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&stage.guest, &conf, stage.now), VMSND_OK);
	expect_fresh(&stage);
	/* And it can play. */
	stage.next_frame = stage.recorded = 0;
	stage.card->ports[VMSND_PLAYBACK]->heard_bytes = 0;
	stage.card->ports[VMSND_CAPTURE]->next_sample = 0;
	players_init(&stage);
	expect_all(&stage);
	stage_close(&stage);
}

/* The same bases, but without EVENT_IDX. */
static void test_SS_other_features_are_another_driver(void **state)
{
	struct stage stage;

	open_and_leave(&stage, true);
	stage.guest.features &= ~(UINT64_C(1) << 29);
	come_back(&stage);
	expect_fresh(&stage);
	stage_close(&stage);
}

/* SET_STATUS(0) and RESET_DEVICE: the guest has reset the card before any ring started. */
static void test_SS_a_reset_is_a_reset(void **state)
{
	static const uint32_t requests[] = {VMSND_VU_SET_STATUS, VMSND_VU_RESET_DEVICE};
	struct stage stage;

	for (unsigned i = 0; i < 2; i++) {
		open_and_leave(&stage, false);
		wire_frontend_acks(stage.front, true);
		assert_int_equal(
		    wire_put(stage.front, requests[i], &(uint64_t){0}, i ? 0 : 8, NULL), WIRE_OK);
		expect_fresh(&stage);
		stage_close(&stage);
	}
}

/* What the VMM left behind is not kept for the next. */
static void test_SS_a_vmm_that_leaves_takes_its_card_with_it(void **state)
{
	struct stage stage;
	uint64_t features;

	open_and_leave(&stage, true);
	wire_get_u64(stage.front, VMSND_VU_GET_FEATURES, &features);
	wire_frontend_move(stage.front, vmsnd_socket_connect(stage.card->path));
	expect_fresh(&stage);
	stage_close(&stage);
}

/* LC-07: a machine's reset, as the guest in this process sees it. */
static void test_LC07_no_interrupt_is_pending_after_reset(void **state)
{
	struct stage stage;
	struct vmsnd_guest_bus bus;

	stage_open(&stage, &vmsnd_inprocess_class, true, true);
	run_ms(&stage, 100);
	for (unsigned i = 0; i < 40; i++) { /* the guest does not look */
		stage.now += MS;
		step(&stage);
	}
	CLASS->reset(stage.card->dev, VMSND_RESET_BUS, stage.now);
	stage.transport->reset(stage.card->bus);
	find_bus(&stage, &bus);
	for (unsigned i = 0; i < 100; i++) {
		stage.now += MS;
		step(&stage);
	}
	for (unsigned queue = 0; queue < WIRE_QUEUES; queue++)
		assert_false(bus.interrupted(bus.ctx, queue));
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS_in_process_sound_goes_on),
	    cmocka_unit_test(test_SS_vhost_user_sound_goes_on),
	    cmocka_unit_test(test_SS_connecting_does_not_reset),
	    cmocka_unit_test(test_SS_another_base_is_another_driver),
	    cmocka_unit_test(test_SS_other_features_are_another_driver),
	    cmocka_unit_test(test_SS_a_reset_is_a_reset),
	    cmocka_unit_test(test_SS_a_vmm_that_leaves_takes_its_card_with_it),
	    cmocka_unit_test(test_LC07_no_interrupt_is_pending_after_reset),
	};

	return cmocka_run_group_tests_name("saved", tests, NULL, NULL);
}
