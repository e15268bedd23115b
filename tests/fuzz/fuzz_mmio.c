/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver gone mad at the registers of a real card: any access at any time, over memory that it
 * scribbles in and that comes and goes. Besides not crashing: the interrupt line says what
 * InterruptStatus says, no queue is used before DRIVER_OK, and what cannot be read is 0. */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>

#include "transports/mmio_registers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { N_QUEUES = 4, SIZE = 16, N_PLAYBACK = 1, N_CAPTURE = 1, N_PORTS = 2 };
enum { OPS_MAX = 400, STEPS_MAX = 2000 };
#include "card_world.h"

#define RAM_GPA   UINT64_C(0x100000)
#define RAM_BYTES 0x8000u
#define DATA_AT   0x4000u /* a page for each queue below */

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static struct vmsnd_mmio mmio;
static bool line, mapped;

static uint32_t take32(struct input *in)
{
	uint32_t low = take16(in);

	return low | (uint32_t)take16(in) << 16;
}

/* ---- the driver ------------------------------------------------------------------------- */

static uint32_t get(uint64_t at)
{
	return (uint32_t)vmsnd_mmio_read(&mmio, at, 4);
}

static void put(uint64_t at, uint32_t value)
{
	vmsnd_mmio_write(&mmio, at, 4, value, now);
}

static vmsnd_gpa ring_gpa(unsigned queue)
{
	return RAM_GPA + queue * 0x1000u;
}

static void op_access(struct input *in)
{
	uint64_t at = take16(in);
	uint8_t what = take8(in);
	unsigned bytes = what & 0x1F;

	if (what & 0x20)
		at |= UINT64_C(0xFFFFFFFF) << 32;
	if (what & 0x80)
		vmsnd_mmio_write(&mmio, at, bytes, take32(in), now);
	else if (vmsnd_mmio_read(&mmio, at, bytes) != 0)
		check(at < VMSND_MMIO_BYTES && bytes <= 8);
}

/* Registers as they are meant, values as they come. */
static void op_register(struct input *in)
{
	uint64_t at = (uint64_t)(take8(in) & 0x3F) * 4;

	put(at, take8(in) & 1 ? take32(in) : take8(in));
	get(at);
}

static void op_status(struct input *in)
{
	static const uint8_t steps[] = {0, 1, 3, 11, 15, 15 | 128, 15 | 64};

	put(VIRTIO_MMIO_STATUS, steps[take8(in) % sizeof(steps)]);
}

static void set_up_queue(unsigned queue, uint32_t size)
{
	put(VIRTIO_MMIO_QUEUE_SEL, queue);
	put(VIRTIO_MMIO_QUEUE_NUM, size);
	put(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)ring_gpa(queue));
	put(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)ring_gpa(queue) + 0x400);
	put(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)ring_gpa(queue) + 0x800);
	put(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void op_queue(struct input *in)
{
	uint8_t what = take8(in);

	put(VIRTIO_MMIO_QUEUE_SEL, what % N_QUEUES);
	put(VIRTIO_MMIO_QUEUE_READY, 0);
	if (what & 0x80)
		memset(ram + (what % N_QUEUES) * 0x1000u, 0, 0x1000);
	if (what & 0x40)
		set_up_queue(what % N_QUEUES, what & 0x20 ? take16(in) : SIZE);
}

/* By the book, so that what follows meets a card that runs. */
static void op_boot(struct input *in)
{
	uint32_t features = take8(in) & 1 ? 0 : 3u << 28;

	put(VIRTIO_MMIO_STATUS, 0);
	memset(ram, 0, DATA_AT);
	put(VIRTIO_MMIO_STATUS, 3);
	put(VIRTIO_MMIO_DRIVER_FEATURES, features);
	put(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	put(VIRTIO_MMIO_STATUS, 11);
	for (unsigned i = 0; i < N_QUEUES; i++)
		set_up_queue(i, SIZE);
	put(VIRTIO_MMIO_STATUS, 15);
}

static void op_write(struct input *in)
{
	uint32_t at = take16(in);
	uint32_t n = take8(in);

	for (uint32_t i = 0; i < n && at + i < RAM_BYTES; i++)
		ram[at + i] = take8(in);
}

static void describe(unsigned queue, uint16_t index, struct vring_desc desc)
{
	memcpy(ram + queue * 0x1000u + index % SIZE * 16u, &desc, sizeof(desc));
}

/* A message in two parts, made available and told of. */
static void post(unsigned queue, uint32_t reads, uint32_t writes)
{
	uint8_t *avail = ram + queue * 0x1000u + 0x400;
	uint16_t index, head;

	memcpy(&index, avail + 2, 2);
	head = (uint16_t)(index % (SIZE / 2) * 2);
	describe(
	    queue, head,
	    (struct vring_desc){RAM_GPA + DATA_AT, reads, VRING_DESC_F_NEXT, (uint16_t)(head + 1)});
	describe(queue, (uint16_t)(head + 1),
		 (struct vring_desc){RAM_GPA + DATA_AT + reads, writes, VRING_DESC_F_WRITE, 0});
	memcpy(avail + 4 + index % SIZE * 2u, &head, 2);
	index++;
	memcpy(avail + 2, &index, 2);
	put(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

static void command(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_set_params request = {.hdr = {{code}, stream},
							  .buffer_bytes = 2048,
							  .period_bytes = 512,
							  .channels = 2,
							  .format = VIRTIO_SND_PCM_FMT_S16,
							  .rate = VIRTIO_SND_PCM_RATE_48000};

	memcpy(ram + DATA_AT, &request, sizeof(request));
	post(VIRTIO_SND_VQ_CONTROL, sizeof(request), 4);
}

static void op_command(struct input *in)
{
	uint8_t what = take8(in);

	command(VIRTIO_SND_R_PCM_SET_PARAMS + what % 5, what / 5 % 3);
}

static void op_start(struct input *in)
{
	uint32_t stream = take8(in) % N_PORTS;

	command(VIRTIO_SND_R_PCM_SET_PARAMS, stream);
	command(VIRTIO_SND_R_PCM_PREPARE, stream);
	command(VIRTIO_SND_R_PCM_START, stream);
}

static void op_sound(struct input *in)
{
	bool capture = take8(in) & 1;
	uint32_t stream = capture, bytes = take16(in) % 4096;

	memcpy(ram + DATA_AT, &stream, 4);
	if (capture)
		post(VIRTIO_SND_VQ_RX, 4, bytes + 8);
	else
		post(VIRTIO_SND_VQ_TX, 4 + bytes, 8);
}

static void op_interrupt(struct input *in)
{
	put(VIRTIO_MMIO_INTERRUPT_ACK,
	    take8(in) & 1 ? get(VIRTIO_MMIO_INTERRUPT_STATUS) : take32(in));
}

/* ---- the VMM ------------------------------------------------------------------------------ */

static void map(bool on)
{
	const struct vmsnd_region region = {
	    .gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE};

	if (on && !mapped)
		check(vmsnd_gmem_add(&mem, &region) == VMSND_OK);
	if (!on && mapped)
		check(vmsnd_gmem_remove(&mem, RAM_GPA, RAM_BYTES) == VMSND_OK);
	mapped = on;
}

static void op_map(struct input *in)
{
	map(take8(in) & 1);
}

static void op_advance(struct input *in)
{
	step_until(now + take16(in) * UINT64_C(2000));
}

static void op_config(struct input *in)
{
	uint32_t before = get(VIRTIO_MMIO_CONFIG_GENERATION);

	vmsnd_mmio_config_changed(&mmio);
	check(get(VIRTIO_MMIO_CONFIG_GENERATION) != before);
}

/* What was saved and then damaged is refused, or is registers all the same. */
static void op_state(struct input *in)
{
	uint8_t bytes[1024];
	struct vmsnd_state_writer to = {.to = bytes, .room = sizeof(bytes)};
	struct vmsnd_state_reader from = {.from = bytes};
	uint8_t n = take8(in) % 8;

	vmsnd_mmio_save(&mmio, &to);
	check(!to.full);
	for (; n > 0; n--) {
		uint16_t at = take16(in);

		bytes[at % to.used] ^= take8(in);
	}
	from.bytes = to.used;
	vmsnd_mmio_load(&mmio, &from, now);
}

static void (*const ops[])(struct input *in) = {
    op_access, op_register, op_status,  op_queue, op_boot,   op_write,     op_command, op_start,
    op_sound,  op_sound,    op_advance, op_map,   op_config, op_interrupt, op_advance, op_state,
};

/* ---- the world ---------------------------------------------------------------------------- */

static void on_level(void *ctx, bool high)
{
	check(line != high);
	line = high;
}

static void on_notify(void *ctx, unsigned vector)
{
	check(vector < N_QUEUES);
	check(mmio.status & VIRTIO_CONFIG_S_DRIVER_OK);
	vmsnd_mmio_used(&mmio);
}

static void open_world(void)
{
	const struct vmsnd_mmio_user user = {.level = on_level};
	struct vmsnd_card_ref card = {.cls = CLASS};

	now = 1000000;
	memset(&mem, 0, sizeof(mem));
	memset(ram, 0, sizeof(ram));
	mapped = line = false;
	map(true);
	open_ports();
	make_card(on_notify);
	card.dev = dev;
	vmsnd_mmio_init(&mmio, &card, &user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};

	open_world();
	op_boot(&in);
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++) {
		ops[take8(&in) % (sizeof(ops) / sizeof(ops[0]))](&in);
		check(line == (get(VIRTIO_MMIO_INTERRUPT_STATUS) != 0));
	}
	/* Whatever was done to it: a reset makes a card of it. */
	map(true);
	op_boot(&in);
	check(get(VIRTIO_MMIO_STATUS) == 15);
	command(VIRTIO_SND_R_PCM_SET_PARAMS, 0);
	check(line);
	close_card();
	return 0;
}
