/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: saved states of the virtio sound card, changed as the bytes say, are loaded into
 * a card with the real connector; then a guest starts its queues and goes on. Whatever was changed,
 * the card refuses and is as init left it, or it works: it stays inside its memory, comes to
 * an end with every call, and a new driver can use it. */
#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { N_QUEUES = 4, SIZE = 16, N_PLAYBACK = 2, N_CAPTURE = 1, N_PORTS = 3 };
enum { STEPS_MAX = 2000, STATE_BYTES = 65536, SLOT_BYTES = 0x800 };
#include "card_world.h"

#define RAM_GPA   UINT64_C(0x100000)
#define RAM_BYTES 0x20000u
#define DATA_AT   0x4000u /* rings lie below: a page for each queue */

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static uint16_t avail[N_QUEUES];
static uint8_t state[STATE_BYTES], fresh[STATE_BYTES], seen[STATE_BYTES];

/* ---- the guest --------------------------------------------------------------------------------
 */

static void put16(uint32_t at, uint16_t value)
{
	memcpy(ram + at, &value, 2);
}

static void describe(unsigned queue, unsigned index, struct vring_desc desc)
{
	memcpy(ram + queue * 0x1000u + index * 16u, &desc, sizeof(desc));
}

/* Header, data, answer: each slot of three descriptors has data of its own. */
static void post(unsigned queue, unsigned slot, const void *header, uint32_t header_bytes,
		 uint32_t bytes)
{
	uint32_t at = DATA_AT + (queue * 5 + slot % 5) * SLOT_BYTES;
	vmsnd_gpa base = RAM_GPA + at;
	uint16_t head = (uint16_t)(slot % 5 * 3), flags = queue == 3 ? VRING_DESC_F_WRITE : 0;

	memcpy(ram + at, header, header_bytes);
	describe(queue, head,
		 (struct vring_desc){base, header_bytes, VRING_DESC_F_NEXT, (uint16_t)(head + 1)});
	describe(
	    queue, head + 1u,
	    (struct vring_desc){base + 64, bytes, VRING_DESC_F_NEXT | flags, (uint16_t)(head + 2)});
	describe(queue, head + 2u, (struct vring_desc){base + 48, 8, VRING_DESC_F_WRITE, 0});
	put16(queue * 0x1000u + 0x200 + 4 + avail[queue] % SIZE * 2u, head);
	put16(queue * 0x1000u + 0x200 + 2, ++avail[queue]);
}

static void request(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_set_params params = {.hdr = {{code}, stream},
							 .buffer_bytes = 4096,
							 .period_bytes = 1024,
							 .channels = 2,
							 .format = VIRTIO_SND_PCM_FMT_S16,
							 .rate = VIRTIO_SND_PCM_RATE_48000};

	post(0, avail[0], &params, sizeof(params), 0);
	OPS->kick(dev, 0, now);
}

static void message(uint32_t stream)
{
	unsigned queue = stream < N_PLAYBACK ? 2 : 3;

	post(queue, avail[queue], &stream, sizeof(stream), 1024);
	OPS->kick(dev, queue, now);
}

static enum vmsnd_rc start_queue(unsigned queue, uint32_t next_avail)
{
	const vmsnd_gpa base = RAM_GPA + queue * 0x1000u;
	const struct vmsnd_queue_setup setup = {.size = SIZE,
						.desc = base,
						.avail = base + 0x200,
						.used = base + 0x400,
						.next_avail = next_avail};

	return OPS->queue_start(dev, queue, &setup, now);
}

static void boot(void)
{
	memset(ram, 0, sizeof(ram));
	memset(avail, 0, sizeof(avail));
	OPS->set_features(dev, UINT64_MAX);
	for (unsigned i = 0; i < N_QUEUES; i++)
		check(start_queue(i, 0) == VMSND_OK);
}

/* ---- the world ----------------------------------------------------------------------------------
 */

static void on_notify(void *ctx, unsigned vector)
{
	check(vector < N_QUEUES);
}

static size_t save(uint8_t *to)
{
	struct vmsnd_state_writer writer = {.to = to, .room = STATE_BYTES};

	CLASS->save(dev, &writer);
	check(!writer.full);
	return writer.used;
}

/* ---- what is saved
 * --------------------------------------------------------------------------------
 */

static void bring_up(uint32_t stream)
{
	request(VIRTIO_SND_R_PCM_SET_PARAMS, stream);
	request(VIRTIO_SND_R_PCM_PREPARE, stream);
	request(VIRTIO_SND_R_PCM_START, stream);
	for (unsigned i = 0; i < 2; i++)
		message(stream);
}

/* Streams in every state; one is paused with messages out while another goes on for so long that
 * the ring has forgotten them. */
static void live(struct input *in)
{
	uint8_t how = take8(in);

	if (how & 1)
		bring_up(0);
	if (how & 2)
		bring_up(N_PLAYBACK);
	step_until(now + (how >> 4) * UINT64_C(3000000));
	if (how & 4)
		request(VIRTIO_SND_R_PCM_STOP, 0);
	if (!(how & 8))
		return;
	bring_up(1);
	for (unsigned i = 0; i < 2 * SIZE; i++) {
		message(1);
		step_until(now + 6000000);
	}
}

/* Some bytes are others now, or the end is missing; true when that is so. */
static bool change(struct input *in, size_t *n_bytes)
{
	size_t bytes = *n_bytes;

	memcpy(seen, state, bytes);
	for (unsigned n = take8(in) % 16; n > 0; n--) {
		size_t at = take16(in) % bytes;

		state[at] = take8(in);
	}
	if (take8(in) == 0xC5)
		*n_bytes = take16(in) % bytes;
	return *n_bytes != bytes || memcmp(seen, state, bytes) != 0;
}

/* ---- what is done with it
 * -------------------------------------------------------------------------
 */

static void go_on(struct input *in)
{
	uint8_t how = take8(in);

	OPS->set_features(dev, how & 1 ? UINT64_C(1) << 32 : UINT64_MAX);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		uint32_t next = OPS->queue_stop(dev, i, now);

		start_queue(i, how & 2 && (how >> 4) % N_QUEUES == i ? take16(in) : next);
	}
	step_until(now + 20000000);
	while (in->left > 0) {
		uint8_t what = take8(in);

		if (what & 1)
			request(VIRTIO_SND_R_PCM_SET_PARAMS + (what >> 1) % 5,
				(what >> 4) % N_PORTS);
		else if (what & 2)
			message((what >> 4) % N_PORTS);
		else if (what & 4)
			OPS->queue_stop(dev, (what >> 4) % N_QUEUES, now);
		else if (what & 8)
			save(seen);
		step_until(now + (what >> 4) * UINT64_C(1000000));
	}
}

/* Whatever it was: a guest that resets it has a working card. */
static void use_anew(void)
{
	uint16_t used;

	CLASS->reset(dev, VMSND_RESET_BUS, now);
	boot();
	bring_up(0);
	step_until(now + 100000000);
	memcpy(&used, ram + 2 * 0x1000u + 0x400 + 2, 2);
	check(used == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vmsnd_region region = {
	    .gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE};
	struct input in = {data, bytes};
	struct vmsnd_state_reader reader = {.from = state};
	size_t fresh_bytes;
	bool changed;

	now = 1000000;
	memset(&mem, 0, sizeof(mem));
	check(vmsnd_gmem_add(&mem, &region) == VMSND_OK);
	open_ports();
	make_card(on_notify);
	fresh_bytes = save(fresh);
	boot();
	live(&in);
	reader.bytes = save(state);
	changed = change(&in, &reader.bytes);
	for (unsigned i = 0; i < N_PORTS; i++)
		vmsnd_port_stop(ports[i], now);
	unblock(dev);
	make_card(on_notify);
	if (CLASS->load(dev, &reader, take8(&in), now)) {
		check(changed);
		check(save(seen) == fresh_bytes && memcmp(seen, fresh, fresh_bytes) == 0);
		for (unsigned i = 0; i < N_PORTS; i++)
			vmsnd_port_release(ports[i], now);
	}
	go_on(&in);
	use_anew();
	close_card();
	return 0;
}
