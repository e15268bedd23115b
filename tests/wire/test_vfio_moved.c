/* SPDX-License-Identifier: BSD-3-Clause */
/* An AC'97 card that plays is moved to a second server in the middle of it, as a VMM does with its
 * guest: every frame arrives once, some at the first host and the rest at the second. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sim/sim.h"
#include "base/endian.h"
#include "guests/ac97_player.h"
#include "vfio_client.h"

#define PERIOD      480u
#define PERIODS     8u
#define FRAMES      48000u
#define WATCHED_MAX 16u
#define MEMORY_AT   0x100000u
#define CHUNK_BYTES 5000u

enum { FEATURE_STATE = 2 };

/* A server in this process, whose descriptors the test watches. */
struct server {
	struct vmsnd_machine *machine;
	char path[160];
	unsigned n_watched;
	int fds[WATCHED_MAX];
	uint64_t tokens[WATCHED_MAX];
	vmsnd_ns *now;
};

struct world {
	struct sim sim; /* for its directory */
	vmsnd_ns now;
	struct server first, second, *server;
	struct vfio_client *client;
	int interrupt;
	bool pending;
	struct vmsnd_ac97_guest guest;
	struct vmsnd_ac97_player player;
	struct sim_signal signal;
	uint8_t *memory; /* the guest's, at the first client's */
	uint64_t memory_bytes;
	int memory_fd;      /* -1: nobody else can map it */
	unsigned questions; /* for such memory */
};

/* ---- servers ---- */

static enum vmsnd_rc watch(void *ctx, int fd, uint64_t token)
{
	struct server *server = ctx;

	assert_true(server->n_watched < WATCHED_MAX);
	server->fds[server->n_watched] = fd;
	server->tokens[server->n_watched++] = token;
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct server *server = ctx;

	for (unsigned i = 0; i < server->n_watched; i++) {
		if (server->fds[i] != fd)
			continue;
		server->n_watched--;
		server->fds[i] = server->fds[server->n_watched];
		server->tokens[i] = server->tokens[server->n_watched];
		return;
	}
}

static void pump(void *ctx)
{
	struct server *server = ctx;

	for (unsigned rounds = 0; rounds < 1000; rounds++) {
		struct pollfd set[WATCHED_MAX];
		uint64_t tokens[WATCHED_MAX];
		unsigned n = server->n_watched;

		for (unsigned i = 0; i < n; i++)
			set[i] = (struct pollfd){.fd = server->fds[i], .events = POLLIN};
		memcpy(tokens, server->tokens, sizeof(tokens));
		if (poll(set, n, 0) <= 0)
			return;
		for (unsigned i = 0; i < n; i++)
			if (set[i].revents)
				vmsnd_machine_ready(server->machine, tokens[i], *server->now);
	}
	fail_msg("something is readable for ever");
}

static void quiet(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING && !strstr(line, "takes time"))
		fail_msg("%s", line);
}

static void open_server(struct world *world, struct server *server, const char *name,
			const char *options)
{
	struct vmsnd_machine_conf conf = {
	    .poller = {.ctx = server, .watch = watch, .unwatch = unwatch}, .log = {.write = quiet}};
	char device[320], file[16];
	struct vmsnd_card_conf card = {.device = device, .transport = "vfio-user", .listen_fd = -1};

	*server = (struct server){.now = &world->now};
	snprintf(server->path, sizeof(server->path), "%s", sim_path(&world->sim, name));
	snprintf(device, sizeof(device), "ac97,socket=%s%s", server->path, options);
	snprintf(file, sizeof(file), "%s.wav", name);
	card.backend = sim_file(&world->sim, file, "");
	assert_int_equal(vmsnd_machine_open(&conf, &server->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(server->machine, &card, world->now), VMSND_OK);
}

/* ---- the VMM: as QEMU without KVM does it ---- */

/* What the server asks for next, if that is what comes next. */
static bool answer_one(struct world *world)
{
	static uint8_t message[VMSND_VFU_MESSAGE_MAX];
	int socket = vfio_client_socket(world->client);
	struct vmsnd_vfu_dma_access access;
	struct vmsnd_vfu_header header;
	uint8_t *sound = message + VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES;

	if (recv(socket, message, VMSND_VFU_HEADER_BYTES, MSG_PEEK | MSG_DONTWAIT) !=
	    (ssize_t)VMSND_VFU_HEADER_BYTES)
		return false;
	vmsnd_vfu_header_get(message, &header);
	if ((header.flags & VMSND_VFU_TYPE_MASK) != VMSND_VFU_COMMAND)
		return false;
	assert_int_equal(recv(socket, message, header.bytes, MSG_DONTWAIT), header.bytes);
	vmsnd_vfu_dma_access_get(message + VMSND_VFU_HEADER_BYTES, &access);
	assert_true(access.gpa >= MEMORY_AT &&
		    access.gpa - MEMORY_AT + access.count <= world->memory_bytes);
	header.bytes = VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES;
	header.flags = VMSND_VFU_REPLY;
	if (header.command == VMSND_VFU_DMA_READ) {
		memcpy(sound, world->memory + (access.gpa - MEMORY_AT), access.count);
		header.bytes += (uint32_t)access.count;
	} else {
		memcpy(world->memory + (access.gpa - MEMORY_AT), sound, access.count);
	}
	vmsnd_vfu_header_put(message, &header);
	assert_int_equal(send(socket, message, header.bytes, MSG_DONTWAIT), header.bytes);
	world->questions++;
	return true;
}

/* Server and VMM, until neither has anything to do now. */
static void settle(void *ctx)
{
	struct world *world = ctx;

	if (!world->server)
		return;
	do {
		pump(world->server);
		vmsnd_machine_advance(world->server->machine, world->now);
	} while (world->client && answer_one(world));
}

static void connect_to(struct world *world, struct server *server)
{
	int socket = vmsnd_socket_connect(server->path);

	assert_true(socket >= 0);
	world->server = server;
	world->client = NULL;
	settle(world);
	world->client = vfio_client_attach(socket, settle, world);
	assert_int_equal(vfio_hello(world->client), 0);
}

static void map_memory(struct world *world)
{
	const struct vmsnd_vfu_dma_map map = {.argsz = VMSND_VFU_DMA_MAP_BYTES,
					      .flags =
						  VMSND_VFU_DMA_READABLE | VMSND_VFU_DMA_WRITABLE,
					      .gpa = MEMORY_AT,
					      .bytes = world->memory_bytes};

	assert_int_equal(vfio_map(world->client, &map, world->memory_fd), 0);
}

static void arm(struct world *world)
{
	assert_int_equal(
	    vfio_arm(world->client, VMSND_VFU_INTX, VMSND_VFU_ACTION_TRIGGER, world->interrupt), 0);
}

/* The line is taken for low, and unmasked, after every access. */
static void accessed(struct world *world, unsigned region)
{
	if (!world->pending || region >= VMSND_PCI_BARS)
		return;
	world->pending = false;
	assert_int_equal(vfio_unmask(world->client), 0);
}

static void bus_read(void *ctx, const struct vmsnd_pci_access *access, void *to)
{
	struct world *world = ctx;

	assert_int_equal(
	    vfio_read(world->client, access->region, access->offset, to, access->bytes), 0);
	accessed(world, access->region);
}

static void bus_write(void *ctx, const struct vmsnd_pci_access *access, const void *from)
{
	struct world *world = ctx;

	assert_int_equal(
	    vfio_write(world->client, access->region, access->offset, from, access->bytes), 0);
	accessed(world, access->region);
}

static void bus_bar(void *ctx, unsigned index, struct vmsnd_pci_bar *out)
{
	struct vmsnd_vfu_region_info info;
	struct world *world = ctx;

	assert_int_equal(vfio_region_info(world->client, index, &info), 0);
	*out = (struct vmsnd_pci_bar){
	    .bytes = (uint32_t)info.size,
	    .io = vfio_in(world->client, VMSND_PCI_CONFIG, 0x10 + 4 * index, 4) & 1};
}

static bool interrupted(void *ctx)
{
	struct world *world = ctx;
	eventfd_t times;

	world->pending |= eventfd_read(world->interrupt, &times) == 0;
	return world->pending;
}

static vmsnd_ns now_of(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static void wait_for(void *ctx, vmsnd_ns ns)
{
	struct world *world = ctx;
	vmsnd_ns until = world->now + ns;

	for (;;) {
		vmsnd_ns next;

		if (world->client)
			settle(world);
		next = vmsnd_machine_advance(world->server->machine, world->now);
		if (next > until)
			break;
		world->now = next;
	}
	world->now = until;
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	map_memory(ctx);
	return VMSND_OK;
}

/* ---- a move ---- */

static int set_state(struct world *world, uint32_t state)
{
	const struct vmsnd_vfu_two two = {16, VMSND_VFU_FEATURE_SET | FEATURE_STATE};
	uint8_t payload[16] = {0};

	vmsnd_put_le32(payload + vmsnd_vfu_two_put(payload, &two), state);
	return vfio_ask(world->client, VMSND_VFU_DEVICE_FEATURE, payload, 16, NULL);
}

static uint8_t *take_out(struct world *world, size_t *bytes)
{
	static struct vfio_message answer;
	const struct vmsnd_vfu_two two = {8 + CHUNK_BYTES, CHUNK_BYTES};
	uint8_t payload[8], *state = NULL;
	uint32_t got;

	*bytes = 0;
	do {
		assert_int_equal(vfio_ask(world->client, VMSND_VFU_MIG_DATA_READ, payload,
					  vmsnd_vfu_two_put(payload, &two), &answer),
				 0);
		got = vmsnd_le32(answer.payload + 4);
		state = realloc(state, *bytes + got + 1);
		memcpy(state + *bytes, answer.payload + 8, got);
		*bytes += got;
	} while (got == CHUNK_BYTES);
	return state;
}

static void put_in(struct world *world, const uint8_t *state, size_t bytes)
{
	uint8_t payload[8 + CHUNK_BYTES];

	for (size_t at = 0; at < bytes; at += CHUNK_BYTES) {
		uint32_t n = bytes - at < CHUNK_BYTES ? (uint32_t)(bytes - at) : CHUNK_BYTES;
		const struct vmsnd_vfu_two two = {8 + n, n};
		uint32_t head = vmsnd_vfu_two_put(payload, &two);

		memcpy(payload + head, state + at, n);
		assert_int_equal(
		    vfio_ask(world->client, VMSND_VFU_MIG_DATA_WRITE, payload, head + n, NULL), 0);
	}
}

/* The client's end is closed; its memory is the guest's and stays. */
static void leave(struct world *world, struct vfio_client *owner)
{
	struct vfio_client *client = world->client;

	world->client = NULL;
	if (client != owner)
		vfio_client_close(client);
	else
		shutdown(vfio_client_socket(client), SHUT_RDWR);
	pump(world->server);
	vmsnd_machine_close(world->server->machine, world->now);
	world->server = NULL;
}

static void move(struct world *world, const char *options, vmsnd_ns away)
{
	size_t bytes;
	uint8_t *state;

	assert_int_equal(set_state(world, VMSND_VFU_STOP_COPY), 0);
	/* However long that takes: the guest stands still, and so does its card. */
	wait_for(world, away);
	state = take_out(world, &bytes);
	leave(world, world->client);
	open_server(world, &world->second, "second", options);
	connect_to(world, &world->second);
	map_memory(world);
	assert_int_equal(set_state(world, VMSND_VFU_RESUMING), 0);
	put_in(world, state, bytes);
	wait_for(world, away);
	assert_int_equal(set_state(world, VMSND_VFU_RUNNING), 0);
	arm(world);
	free(state);
}

/* ---- the guest ---- */

static void open_guest(struct world *world, bool unshared)
{
	struct vmsnd_ac97_guest_conf conf = {
	    .pci = {.bus = {.ctx = world, .bar = bus_bar, .read = bus_read, .write = bus_write},
		    .host = {.ctx = world,
			     .now = now_of,
			     .wait = wait_for,
			     .share = share,
			     .interrupted = interrupted}},
	    .memory_bytes = 1 << 20,
	    .gpa = MEMORY_AT + 4096};
	struct vmsnd_ac97_player_conf player = {.stream = VMSND_AC97_PCM_OUT,
						.frames = FRAMES,
						.ctx = &world->signal,
						.read = sim_signal_read};

	world->memory = vfio_client_memory(world->client, &world->memory_bytes);
	world->memory_fd = unshared ? -1 : vfio_client_memory_fd(world->client);
	world->memory[0] = 1; /* as firmware leaves traces */
	conf.memory = world->memory + 4096;
	assert_int_equal(vmsnd_ac97_guest_open(&world->guest, &conf), VMSND_OK);
	world->signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	world->signal.end = FRAMES;
	player.params = (struct vmsnd_guest_params){world->signal.format, PERIOD, PERIODS};
	vmsnd_ac97_player_init(&world->player, &world->guest, &player);
}

/* Until then, or until the guest is done. */
static void run_until(struct world *world, vmsnd_ns until)
{
	while (world->now < until) {
		vmsnd_ns next;

		settle(world);
		vmsnd_ac97_guest_poll(&world->guest);
		if (!vmsnd_ac97_player_step(&world->player))
			return;
		settle(world);
		next = vmsnd_machine_advance(world->server->machine, world->now);
		if (next > world->now)
			world->now = next < until ? next : until;
	}
}

static uint64_t loud(const struct sim_sound *sound, uint64_t at)
{
	uint64_t n = 0;

	while (at + n < sound->frames && !sim_sound_silent(sound, at + n))
		n++;
	return n;
}

/* Frames of the signal from `first` on, in one piece; behind the last one of all the rest of its
 * period and what the card plays until its driver stops it. */
static uint64_t piece(struct world *world, const char *name, uint64_t first)
{
	struct sim_sound sound = sim_sound_load(sim_path(&world->sim, name));
	uint64_t lead = sim_sound_silence(&sound, 0), n = loud(&sound, lead);

	if (n > FRAMES - first)
		n = FRAMES - first;
	sim_assert_signal(&sound, lead, &world->signal, first, n);
	if (first + n < FRAMES)
		assert_int_equal(lead + n + sim_sound_silence(&sound, lead + n), sound.frames);
	assert_true(sound.frames - lead - n <= 2 * PERIOD);
	sim_sound_free(&sound);
	return n;
}

struct course {
	unsigned after_ms;   /* so long it plays at the first server */
	const char *options; /* of both cards */
	vmsnd_ns away;
	bool unshared; /* memory that only the VMM reaches */
};

static unsigned over_a_move(const struct course *course)
{
	static struct world world;
	struct vfio_client *owner;
	uint64_t n;

	memset(&world, 0, sizeof(world));
	sim_open(&world.sim);
	world.now = world.sim.now;
	world.interrupt = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	open_server(&world, &world.first, "first", course->options);
	connect_to(&world, &world.first);
	owner = world.client;
	arm(&world);
	open_guest(&world, course->unshared);
	run_until(&world, world.now + course->after_ms * MS);
	assert_int_equal(world.player.state, VMSND_AC97_PLAYER_RUN);
	move(&world, course->options, course->away);
	run_until(&world, world.now + 3 * SECOND);
	assert_int_equal(world.player.state, VMSND_AC97_PLAYER_DONE);
	assert_int_equal(world.player.xruns, 0);
	wait_for(&world, SECOND); /* what the card has taken is heard */
	leave(&world, owner);
	vfio_client_close(owner);
	close(world.interrupt);
	n = piece(&world, "first.wav", 0);
	assert_true(n > 0 && n < FRAMES);
	assert_int_equal(n + piece(&world, "second.wav", n), FRAMES);
	sim_close(&world.sim);
	return world.questions;
}

static void test_every_frame_arrives_once_across_both(void **state)
{
	for (unsigned ms = 100; ms < 900; ms += 77)
		over_a_move(
		    &(struct course){.after_ms = ms, .options = "", .away = ms * 1000 * MS / 77});
}

static void test_likewise_by_memory_bars(void **state)
{
	over_a_move(&(struct course){.after_ms = 333, .options = ",variant=ich4", .away = 50 * MS});
}

/* Each piece of sound is asked for, and none is lost for it. */
static void test_likewise_from_memory_that_only_the_vmm_reaches(void **state)
{
	const struct course course = {
	    .after_ms = 333, .options = "", .away = 50 * MS, .unshared = true};

	assert_in_range(over_a_move(&course), 100, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_frame_arrives_once_across_both),
	    cmocka_unit_test(test_likewise_by_memory_bars),
	    cmocka_unit_test(test_likewise_from_memory_that_only_the_vmm_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
