/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes become what a VMM does: messages with descriptors, kicks, rings full of rubbish, time.
 * The VMM of each input meets both a card that only listens and the real one, on machines that
 * live as long as the process, so that every input also checks what the last one left behind. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "script.h"
#include "vmsnd/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPS_MAX     64u
#define WATCHED_MAX 64u
#define STEP_NS     UINT64_C(5000000)

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_session: %s\n", what);
	abort();
}

/* ---- the real card ------------------------------------------------------------------------- */

struct real {
	struct vmsnd_machine *machine;
	unsigned n_watched;
	int fds[WATCHED_MAX];
	uint64_t tokens[WATCHED_MAX];
	vmsnd_ns now;
	char path[96];
};

static enum vmsnd_rc real_watch(void *ctx, int fd, uint64_t token)
{
	struct real *real = ctx;

	if (real->n_watched == WATCHED_MAX || !wire_can_watch(fd))
		return VMSND_E_SYSTEM;
	real->fds[real->n_watched] = fd;
	real->tokens[real->n_watched++] = token;
	return VMSND_OK;
}

static void real_unwatch(void *ctx, int fd)
{
	struct real *real = ctx;

	for (unsigned i = 0; i < real->n_watched; i++) {
		if (real->fds[i] != fd)
			continue;
		real->n_watched--;
		real->fds[i] = real->fds[real->n_watched];
		real->tokens[i] = real->tokens[real->n_watched];
		return;
	}
}

static void real_open(struct real *real)
{
	struct vmsnd_machine_conf conf = {
	    .poller = {.ctx = real, .watch = real_watch, .unwatch = real_unwatch}};
	char dir[] = "/tmp/vmsnd-fuzz-XXXXXX", device[160];
	struct vmsnd_card_conf card = {
	    .device = device, .backend = "null,pace=free", .listen_fd = -1};

	must(mkdtemp(dir) != NULL, "no directory");
	snprintf(real->path, sizeof(real->path), "%s/s", dir);
	snprintf(device, sizeof(device), "virtio-snd,socket=%s,playback=2,capture=1", real->path);
	must(!vmsnd_machine_open(&conf, &real->machine), "no machine");
	must(!vmsnd_machine_add(real->machine, &card, 0), "no card");
}

static void real_pump(void *ctx)
{
	struct real *real = ctx;

	for (unsigned rounds = 0; rounds < 1000; rounds++) {
		struct pollfd set[WATCHED_MAX];
		uint64_t tokens[WATCHED_MAX];
		unsigned n = real->n_watched;

		for (unsigned i = 0; i < n; i++)
			set[i] = (struct pollfd){.fd = real->fds[i], .events = POLLIN};
		memcpy(tokens, real->tokens, sizeof(tokens));
		if (poll(set, n, 0) <= 0)
			return;
		for (unsigned i = 0; i < n; i++)
			if (set[i].revents)
				vmsnd_machine_ready(real->machine, tokens[i], real->now);
	}
	must(false, "something is readable for ever");
}

/* ---- the VMM -------------------------------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t next(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static size_t take(struct input *input, void *to, size_t bytes)
{
	if (bytes > input->left)
		bytes = input->left;
	memcpy(to, input->data, bytes);
	input->data += bytes;
	input->left -= bytes;
	return bytes;
}

struct vmm {
	struct wire_frontend *front;
	struct input input;
	const struct script_place *place;
};

static void send_bytes(struct vmm *vmm, const void *from, size_t bytes, struct vmsnd_fds *fds)
{
	uint8_t answers[4096];

	vmsnd_socket_send(wire_frontend_socket(vmm->front), from, bytes, fds);
	wire_frontend_pump(vmm->front);
	while (recv(wire_frontend_socket(vmm->front), answers, sizeof(answers), MSG_DONTWAIT) > 0)
		continue;
}

/* Descriptors of one's choice in place of the right ones. */
static void other_fds(struct vmm *vmm, struct vmsnd_fds *fds)
{
	uint8_t kinds = next(&vmm->input);

	fds->n = kinds & 7;
	for (unsigned i = 0; i < fds->n; i++) {
		switch (next(&vmm->input) & 3) {
		case 0:
			fds->fd[i] = wire_frontend_memory_fd(vmm->front);
			break;
		case 1:
			fds->fd[i] = wire_frontend_kick_fd(vmm->front, i % WIRE_QUEUES);
			break;
		default:
			fds->fd[i] = wire_frontend_call_fd(vmm->front, i % WIRE_QUEUES);
			break;
		}
	}
}

static void say(struct vmm *vmm)
{
	uint8_t bytes[SCRIPT_MESSAGE_BYTES], how;
	struct script_step step;
	struct vmsnd_fds fds;
	size_t n;

	step.request = next(&vmm->input) % VMSND_VU_REQUESTS;
	how = next(&vmm->input);
	step.need_reply = how & 1;
	step.ring = how >> 1 & 3;
	step.value = next(&vmm->input);
	if (step.request == VMSND_VU_SET_FEATURES)
		step.value = WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES;
	if (step.request == VMSND_VU_SET_VRING_NUM && how & 0x40)
		step.value = 64;
	if (step.request == VMSND_VU_ADD_MEM_REG || step.request == VMSND_VU_REM_MEM_REG)
		step.value %= vmm->place->n_regions;
	n = script_encode(&step, vmm->place, vmm->front, bytes, &fds);
	if (how & 0x80)
		other_fds(vmm, &fds);
	/* Spoil a byte or two of what would have been right. */
	for (unsigned i = 0; i < (how >> 4 & 3); i++) {
		size_t at = next(&vmm->input) % n;

		bytes[at] = next(&vmm->input);
	}
	send_bytes(vmm, bytes, n, &fds);
}

static void say_raw(struct vmm *vmm)
{
	uint8_t bytes[300];
	struct vmsnd_fds fds = {.n = 0};
	size_t n = take(&vmm->input, bytes, next(&vmm->input));

	other_fds(vmm, &fds);
	if (n > 0)
		send_bytes(vmm, bytes, n, &fds);
}

static void scribble(struct vmm *vmm)
{
	uint64_t bytes;
	uint8_t *memory = wire_frontend_memory(vmm->front, &bytes);
	size_t at = (size_t)vmm->place->rings_at + next(&vmm->input) % 4 * 0x4000u +
		    next(&vmm->input) % 3 * 0x1000u + next(&vmm->input) % 32 * 4u;

	take(&vmm->input, memory + at, next(&vmm->input) % 64);
}

static void act(struct vmm *vmm)
{
	uint8_t op = next(&vmm->input);

	switch (op & 7) {
	case 5:
		eventfd_write(wire_frontend_kick_fd(vmm->front, op >> 3 & 3), 1);
		wire_frontend_pump(vmm->front);
		break;
	case 6:
		scribble(vmm);
		break;
	case 7:
		say_raw(vmm);
		break;
	default:
		say(vmm);
		break;
	}
}

static const struct script_step opening[] = {
    {VMSND_VU_SET_PROTOCOL_FEATURES, true, 0, 0x1a229},
    {VMSND_VU_SET_FEATURES, true, 0, WIRE_FEATURES | VMSND_VU_F_PROTOCOL_FEATURES},
    {VMSND_VU_SET_MEM_TABLE, true, 0, 0},
};

/* Most inputs begin where it gets interesting: with memory and rings. */
static void begin(struct vmm *vmm)
{
	uint8_t how = next(&vmm->input);
	uint8_t bytes[SCRIPT_MESSAGE_BYTES];
	struct vmsnd_fds fds;

	vmm->place = how & 1 ? &script_place_11_1 : &script_place_10_0;
	for (unsigned i = 0; how & 2 && i < sizeof(opening) / sizeof(opening[0]); i++)
		send_bytes(vmm, bytes,
			   script_encode(&opening[i], vmm->place, vmm->front, bytes, &fds), &fds);
	for (uint32_t q = 0; how & 4 && q < WIRE_QUEUES; q++) {
		const struct script_step ring[] = {
		    {VMSND_VU_SET_VRING_NUM, true, q, 64}, {VMSND_VU_SET_VRING_BASE, true, q, 0},
		    {VMSND_VU_SET_VRING_ADDR, true, q, 0}, {VMSND_VU_SET_VRING_CALL, true, q, 0},
		    {VMSND_VU_SET_VRING_KICK, true, q, 0}, {VMSND_VU_SET_VRING_ENABLE, true, q, 1}};

		for (unsigned i = 0; i < sizeof(ring) / sizeof(ring[0]); i++)
			send_bytes(vmm, bytes,
				   script_encode(&ring[i], vmm->place, vmm->front, bytes, &fds),
				   &fds);
	}
}

static void run(const uint8_t *data, size_t size, struct wire_frontend *front, struct real *real)
{
	struct vmm vmm = {.front = front, .input = {data, size}};

	begin(&vmm);
	for (unsigned i = 0; i < OPS_MAX && vmm.input.left > 0; i++) {
		act(&vmm);
		if (real) {
			real->now += STEP_NS;
			vmsnd_machine_advance(real->machine, real->now);
		}
	}
	wire_frontend_close(front);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_harness listener;
	static struct real real;
	unsigned fds;
	int socket;

	if (!real.machine) {
		real_open(&real);
		wire_harness_open(&listener);
	}
	fds = wire_open_fds();
	listener.n_troubles = 0;
	run(data, size, wire_harness_connect(&listener), NULL);
	must(listener.n_troubles <= 1, "more than one line for one VMM");
	must(listener.mem.n_regions == 0, "memory left behind");
	listener.dev.trace[0] = '\0';
	socket = vmsnd_socket_connect(real.path);
	must(socket >= 0, "no connection");
	real_pump(&real);
	run(data, size, wire_frontend_attach(socket, real_pump, &real), &real);
	must(wire_open_fds() == fds, "descriptors left behind");
	return 0;
}
