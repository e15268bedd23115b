/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: a virtio sound card over packed rings and rings in order, with the real connector,
 * and a driver that does what the bytes say: well-formed messages, mangled descriptors and flags,
 * stops, resets of one queue, saves and loads. The card stays inside its memory, comes to an end
 * with every call, writes used descriptors whole, and what a queue stopped at is where it goes on.
 */
#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { N_QUEUES = 4, SIZE = 13, N_PLAYBACK = 2, N_CAPTURE = 1, N_PORTS = 3 };
enum { STEPS_MAX = 2000, OPS_MAX = 200, STATE_BYTES = 65536 };
#define CARD_OPTIONS "packed=on,in-order=on,ring-reset=on"
#include "card_world.h"

#define RAM_GPA   UINT64_C(0x100000)
#define RAM_BYTES 0x10000u
#define DATA_AT   0x4000u /* rings lie below: a page for each queue */

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static uint8_t state[STATE_BYTES];
static uint16_t places[N_QUEUES]; /* where the driver puts the next, over two laps */
static uint64_t features;

static struct vring_packed_desc *slot(unsigned queue, unsigned place)
{
	return (struct vring_packed_desc *)(void *)(ram + queue * 0x1000u) + place % SIZE;
}

static bool is_packed(void)
{
	return features & UINT64_C(1) << 34;
}

/* Available in this lap, or available and used as `flags` turn it around. */
static void put(unsigned queue, vmsnd_gpa at, uint32_t bytes, unsigned flags)
{
	uint16_t place = places[queue];
	uint16_t lap = place < SIZE ? 0x80 : 0x8000;

	*slot(queue, place) = (struct vring_packed_desc){.addr = at,
							 .len = bytes,
							 .id = (uint16_t)(place % SIZE),
							 .flags = (uint16_t)(flags ^ lap)};
	places[queue] = (uint16_t)((place + 1) % (2 * SIZE));
}

static void op_post(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint32_t stream = take8(in) % 4, bytes = take16(in) % 6000;
	vmsnd_gpa base = RAM_GPA + DATA_AT + take8(in) * 0x80u;

	memcpy(ram + (base - RAM_GPA), &stream, 4);
	put(queue, base, 4, VRING_DESC_F_NEXT);
	put(queue, base + 16, bytes, VRING_DESC_F_NEXT | (queue == 3 ? VRING_DESC_F_WRITE : 0));
	put(queue, base + 8, 8, VRING_DESC_F_WRITE);
	OPS->kick(dev, queue, now);
}

static void command(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_set_params request = {.hdr = {{code}, stream},
							  .buffer_bytes = 4096,
							  .period_bytes = 1024,
							  .channels = 2,
							  .format = VIRTIO_SND_PCM_FMT_S16,
							  .rate = VIRTIO_SND_PCM_RATE_48000};

	memcpy(ram + DATA_AT, &request, sizeof(request));
	put(0, RAM_GPA + DATA_AT, sizeof(request), VRING_DESC_F_NEXT);
	put(0, RAM_GPA + DATA_AT + 64, 4, VRING_DESC_F_WRITE);
	OPS->kick(dev, 0, now);
}

static void op_command(struct input *in)
{
	uint8_t what = take8(in);

	command(VIRTIO_SND_R_PCM_SET_PARAMS + what % 5, what / 5 % 4);
}

static void op_bring_up(struct input *in)
{
	uint8_t stream = take8(in) % N_PORTS;

	command(VIRTIO_SND_R_PCM_SET_PARAMS, stream);
	command(VIRTIO_SND_R_PCM_PREPARE, stream);
	command(VIRTIO_SND_R_PCM_START, stream);
}

/* One descriptor, in whatever way: tables, lengths, ids, flags of any lap. */
static void op_mangle(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	struct vring_packed_desc *desc = slot(queue, take8(in));

	desc->addr = RAM_GPA + take16(in);
	desc->len = take8(in) & 1 ? take16(in) : UINT32_MAX - take8(in);
	desc->id = take16(in);
	desc->flags = take16(in);
	OPS->kick(dev, queue, now);
}

static void op_events(struct input *in)
{
	memset(ram + take8(in) % N_QUEUES * 0x1000u + 0x400, take8(in), 4);
}

static void op_advance(struct input *in)
{
	step_until(now + take16(in) * UINT64_C(2000));
}

static void start(unsigned queue, uint32_t next_avail)
{
	vmsnd_gpa at = RAM_GPA + queue * 0x1000u;
	const struct vmsnd_queue_setup setup = {.size = is_packed() ? SIZE : 8,
						.desc = at,
						.avail = at + 0x400,
						.used = at + 0x500,
						.next_avail = next_avail};

	OPS->queue_start(dev, queue, &setup, now);
}

static void op_pause(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint32_t next = OPS->queue_stop(dev, queue, now);

	check(next == OPS->queue_stop(dev, queue, now));
	check(next == OPS->queue_place(dev, queue));
	if (take8(in) & 1)
		start(queue, next);
}

static void op_restart(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;

	if (take8(in) & 1) {
		OPS->queue_reset(dev, queue, now);
		memset(ram + queue * 0x1000u, 0, 0x1000);
		places[queue] = 0;
		start(queue, 0);
	} else {
		start(queue, (uint32_t)take16(in) | (uint32_t)take16(in) << 16);
	}
}

static void boot(uint64_t wish)
{
	memset(ram, 0, DATA_AT);
	memset(places, 0, sizeof(places));
	features = wish & OPS->features(dev);
	OPS->set_features(dev, wish);
	for (unsigned i = 0; i < N_QUEUES; i++)
		start(i, 0);
}

static void op_boot(struct input *in)
{
	uint8_t what = take8(in);

	CLASS->reset(dev, VMSND_RESET_BUS, now);
	boot(UINT64_MAX & ~(what & 1 ? UINT64_C(1) << 35 : 0) &
	     ~(what & 2 ? UINT64_C(1) << 34 : 0));
}

/* Into the same card: what was saved is loaded, some bytes of it another. */
static void op_save(struct input *in)
{
	struct vmsnd_state_writer writer = {.to = state, .room = sizeof(state)};
	struct vmsnd_state_reader reader = {.from = state};
	uint32_t next[N_QUEUES];
	uint16_t at;

	CLASS->save(dev, &writer);
	check(!writer.full);
	reader.bytes = writer.used;
	at = take16(in);
	if (at < writer.used)
		state[at] ^= take8(in);
	CLASS->reset(dev, VMSND_RESET_BUS, now);
	if (CLASS->load(dev, &reader, CLASS->state_minor, now)) {
		boot(UINT64_MAX);
		return;
	}
	OPS->set_features(dev, features);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		next[i] = OPS->queue_stop(dev, i, now);
		start(i, next[i]);
	}
}

static void (*const ops[])(struct input *in) = {
    op_post,  op_post, op_post,    op_mangle, op_mangle, op_advance, op_advance, op_bring_up,
    op_pause, op_save, op_restart, op_events, op_boot,   op_command, op_post,    op_advance,
};

static void on_notify(void *ctx, unsigned vector)
{
	check(vector < N_QUEUES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct vmsnd_region region = {
	    .gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE};
	struct input in = {data, bytes};

	now = 1000000;
	memset(&mem, 0, sizeof(mem));
	memset(ram, 0, sizeof(ram));
	check(vmsnd_gmem_add(&mem, &region) == VMSND_OK);
	open_ports();
	make_card(on_notify);
	boot(UINT64_MAX & ~(take8(&in) & 1 ? UINT64_C(1) << 35 : 0));
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++)
		ops[take8(&in) % (sizeof(ops) / sizeof(ops[0]))](&in);
	close_card();
	return 0;
}
