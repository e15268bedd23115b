/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: the virtio sound card with the real connector and no host, against a guest that
 * does what the bytes say: any memory, any ring, kicks, time, stops, starts, resets.
 *
 * Besides not crashing, the card must keep a driver's books: it gives back only what it took, each
 * once, and after a stop and a start where it was told to go on it takes no message again that
 * it had given back. The books are kept at the memory interface, which only the ring code
 * reaches through load16 and store16; so the memory is compiled in here under other names. */
#define vmsnd_gmem_load16  real_gmem_load16
#define vmsnd_gmem_store16 real_gmem_store16
#include "../../src/transports/gmem.c"
#undef vmsnd_gmem_load16
#undef vmsnd_gmem_store16

#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
enum vmsnd_rc vmsnd_gmem_load16(struct vmsnd_gmem *mem, vmsnd_gpa from, uint16_t *value);
enum vmsnd_rc vmsnd_gmem_store16(struct vmsnd_gmem *mem, vmsnd_gpa to, uint16_t value);

enum { N_QUEUES = 4, SIZE = 16, N_PLAYBACK = 2, N_CAPTURE = 1, N_PORTS = 3 };
enum { OPS_MAX = 400, STEPS_MAX = 2000 };
#include "card_world.h"

#define RAM_GPA   UINT64_C(0x100000)
#define RAM_BYTES 0x10000u
#define DATA_AT   0x4000u /* rings lie below: a page for each queue */
/* Used rings lie where no descriptor leads by chance: a guest may well have its buffers written
 * over its own rings, but then there are no books to keep. */
#define USED_GPA   UINT64_C(0x3A7C51E90000)
#define USED_BYTES 0x1000u

struct books {
	bool good; /* the guest has not touched its ring but through offer() */
	bool started;
	uint16_t avail;
	uint32_t resume_at;
	uint16_t published;
	unsigned held[SIZE]; /* by head: taken and not given back */
	bool out[SIZE];      /* by head: offered and not given back */
	int slot_of_head[SIZE];
	bool given_back[SIZE]; /* by slot of the available ring */
};

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static uint8_t used_ram[USED_BYTES] __attribute__((aligned(4096)));
static struct books books[N_QUEUES];
static bool mapped;

static vmsnd_gpa desc_gpa(unsigned queue)
{
	return RAM_GPA + queue * 0x1000u;
}

static vmsnd_gpa avail_gpa(unsigned queue)
{
	return desc_gpa(queue) + 0x200;
}

static vmsnd_gpa used_gpa(unsigned queue)
{
	return USED_GPA + queue * 0x400u;
}

/* ---- the books ------------------------------------------------------------------------------ */

static void took(struct books *book, unsigned slot, uint16_t head)
{
	if (head >= SIZE)
		return;
	check(!book->given_back[slot]);
	book->held[head]++;
	book->slot_of_head[head] = (int)slot;
}

static void gave(struct books *book, unsigned queue, uint16_t upto)
{
	check((uint16_t)(upto - book->published) <= SIZE);
	for (; book->published != upto; book->published++) {
		struct vring_used_elem entry;

		memcpy(&entry, used_ram + queue * 0x400u + 4 + book->published % SIZE * 8u, 8);
		check(entry.id < SIZE);
		check(book->held[entry.id] > 0);
		book->held[entry.id]--;
		book->out[entry.id] = false;
		book->given_back[book->slot_of_head[entry.id]] = true;
	}
}

enum vmsnd_rc vmsnd_gmem_load16(struct vmsnd_gmem *from_mem, vmsnd_gpa from, uint16_t *value)
{
	enum vmsnd_rc rc = real_gmem_load16(from_mem, from, value);

	for (unsigned i = 0; i < N_QUEUES && rc == VMSND_OK; i++)
		if (books[i].good && from - (avail_gpa(i) + 4) < SIZE * 2)
			took(&books[i], (unsigned)(from - avail_gpa(i) - 4) / 2, *value);
	return rc;
}

enum vmsnd_rc vmsnd_gmem_store16(struct vmsnd_gmem *to_mem, vmsnd_gpa to, uint16_t value)
{
	enum vmsnd_rc rc = real_gmem_store16(to_mem, to, value);

	for (unsigned i = 0; i < N_QUEUES && rc == VMSND_OK; i++)
		if (books[i].good && to == used_gpa(i) + 2)
			gave(&books[i], i, value);
	return rc;
}

/* ---- the guest --------------------------------------------------------------------------------
 */

static void put16(vmsnd_gpa at, uint16_t value)
{
	memcpy(ram + (at - RAM_GPA), &value, 2);
}

static void offer(unsigned queue, uint16_t head)
{
	struct books *book = &books[queue];
	unsigned slot = book->avail % SIZE;

	put16(avail_gpa(queue) + 4 + slot * 2, head);
	put16(avail_gpa(queue) + 2, ++book->avail);
	/* A head that is still out is a lie that the card may believe. */
	if (head >= SIZE || book->out[head])
		book->good = false;
	book->out[head % SIZE] = true;
	book->given_back[slot] = false;
}

static void op_write(struct input *in)
{
	uint32_t at = take16(in);
	uint32_t n = take8(in);
	unsigned queue = at / 0x1000u;

	for (uint32_t i = 0; i < n && at + i < RAM_BYTES; i++) {
		uint32_t offset = (at + i) % 0x1000u;

		if (at + i < DATA_AT && offset >= 0x200 && offset < 0x200 + 4 + SIZE * 2)
			books[queue].good = false;
		/* Mangled, so that no engine copies an address it has seen compared. */
		ram[at + i] = take8(in) ^ (uint8_t)(0x5A + at + i);
	}
	if (at < DATA_AT && at + n > (queue + 1) * 0x1000u && queue + 1 < N_QUEUES)
		books[queue + 1].good = false;
}

static void describe(unsigned queue, uint16_t index, struct vring_desc desc)
{
	memcpy(ram + (desc_gpa(queue) - RAM_GPA) + index % SIZE * 16u, &desc, sizeof(desc));
}

/* A chain of the usual shape: header, data, answer; sizes are the input's. */
static void op_post(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint16_t head = (uint16_t)(take8(in) % 5 * 3);
	uint8_t whom = take8(in);
	uint32_t n = take16(in);
	/* Mostly a stream of the right direction. */
	uint32_t stream = whom & 0xC0 ? (queue == 3 ? N_PLAYBACK : whom % N_PLAYBACK) : whom % 5;
	vmsnd_gpa base = RAM_GPA + DATA_AT + head * 0x800u;
	uint16_t data_flags = queue == 3 ? VRING_DESC_F_WRITE : 0;

	memcpy(ram + (base - RAM_GPA), &stream, 4);
	describe(queue, head,
		 (struct vring_desc){base, 4, VRING_DESC_F_NEXT, (uint16_t)(head + 1)});
	describe(queue, (uint16_t)(head + 1),
		 (struct vring_desc){base + 16, n % 6000, VRING_DESC_F_NEXT | data_flags,
				     (uint16_t)(head + 2)});
	describe(queue, (uint16_t)(head + 2),
		 (struct vring_desc){base + 8, 8, VRING_DESC_F_WRITE, 0});
	offer(queue, head);
}

/* A well-formed request. */
static void send(const void *request, uint32_t bytes, uint32_t answer_bytes)
{
	uint16_t head = (uint16_t)(books[0].avail % 5 * 3);
	vmsnd_gpa base = RAM_GPA + DATA_AT + head * 0x800u + 0x400;

	memcpy(ram + (base - RAM_GPA), request, bytes);
	describe(0, head,
		 (struct vring_desc){base, bytes, VRING_DESC_F_NEXT, (uint16_t)(head + 1)});
	describe(0, (uint16_t)(head + 1),
		 (struct vring_desc){base + 64, answer_bytes, VRING_DESC_F_WRITE, 0});
	offer(0, head);
	OPS->kick(dev, 0, now);
}

static void command(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_set_params request = {.hdr = {{code}, stream},
							  .buffer_bytes = 4096,
							  .period_bytes = 1024,
							  .channels = 2,
							  .format = VIRTIO_SND_PCM_FMT_S16,
							  .rate = VIRTIO_SND_PCM_RATE_48000};

	send(&request, sizeof(request), 4);
}

static void op_command(struct input *in)
{
	uint8_t what = take8(in);

	command(VIRTIO_SND_R_PCM_SET_PARAMS + what % 5, what / 5 % 4);
}

/* So that streams come to life often. */
static void op_bring_up(struct input *in)
{
	uint8_t stream = take8(in) % N_PORTS;

	command(VIRTIO_SND_R_PCM_SET_PARAMS, stream);
	command(VIRTIO_SND_R_PCM_PREPARE, stream);
	command(VIRTIO_SND_R_PCM_START, stream);
}

static void op_query(struct input *in)
{
	static const uint32_t codes[] = {VIRTIO_SND_R_PCM_INFO, VIRTIO_SND_R_CHMAP_INFO,
					 VIRTIO_SND_R_JACK_INFO};
	const struct virtio_snd_query_info request = {
	    {codes[take8(in) % 3]}, take8(in) % 8, take8(in) % 8, take8(in)};

	send(&request, sizeof(request), take16(in) % 4096);
}

static void op_kick(struct input *in)
{
	OPS->kick(dev, take8(in) % (N_QUEUES + 1), now);
}

static void op_advance(struct input *in)
{
	step_until(now + take16(in) * UINT64_C(2000));
}

static void forget(struct books *book)
{
	memset(book->held, 0, sizeof(book->held));
}

static void op_stop(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint32_t again;

	books[queue].resume_at = OPS->queue_stop(dev, queue, now);
	again = OPS->queue_stop(dev, queue, now);
	check(again == books[queue].resume_at);
	books[queue].started = false;
	forget(&books[queue]);
}

static void start(unsigned queue, uint32_t next_avail)
{
	const struct vmsnd_queue_setup setup = {.size = SIZE,
						.desc = desc_gpa(queue),
						.avail = avail_gpa(queue),
						.used = used_gpa(queue),
						.next_avail = next_avail};

	/* Stopped first, as the card would: the books need to see it. */
	if (books[queue].started)
		books[queue].resume_at = OPS->queue_stop(dev, queue, now);
	forget(&books[queue]);
	/* A new driver for one queue is one for all: what the card knew of entries that were given
	 * back is of the old one, so a queue that goes on all the same may give them back again. */
	for (unsigned i = 0; next_avail != books[queue].resume_at && i < N_QUEUES; i++)
		books[i].good = false;
	memcpy(&books[queue].published, used_ram + queue * 0x400u + 2, 2);
	books[queue].started = OPS->queue_start(dev, queue, &setup, now) == VMSND_OK;
}

static void op_start(struct input *in)
{
	unsigned queue = take8(in);

	start(queue % N_QUEUES, queue & 0x80 ? take16(in) : books[queue % N_QUEUES].resume_at);
}

static void op_enable(struct input *in)
{
	uint8_t what = take8(in);

	OPS->queue_enable(dev, what % (N_QUEUES + 1), what & 0x80, now);
}

static void boot(uint64_t features)
{
	memset(ram, 0, DATA_AT);
	memset(used_ram, 0, sizeof(used_ram));
	memset(books, 0, sizeof(books));
	OPS->set_features(dev, features);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		books[i].good = true;
		start(i, 0);
	}
}

static void map(void)
{
	const struct vmsnd_region regions[] = {
	    {.gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE},
	    {.gpa = USED_GPA,
	     .bytes = USED_BYTES,
	     .at = used_ram,
	     .rights = VMSND_READ | VMSND_WRITE}};

	for (unsigned i = 0; i < 2 && !mapped; i++)
		check(vmsnd_gmem_add(&mem, &regions[i]) == VMSND_OK);
	mapped = true;
}

static void op_reset(struct input *in)
{
	uint8_t what = take8(in);

	if (what % 4 == VMSND_RESET_PEER_LOST && mapped) {
		vmsnd_gmem_remove(&mem, RAM_GPA, RAM_BYTES);
		vmsnd_gmem_remove(&mem, USED_GPA, USED_BYTES);
		mapped = false;
	}
	CLASS->reset(dev, (enum vmsnd_reset)(what % 4), now);
	map();
	boot(what & 0x80 ? UINT64_MAX : UINT64_C(1) << 32);
}

/* Memory that goes away and comes back under running queues. */
static void op_unmap(struct input *in)
{
	if (mapped)
		vmsnd_gmem_remove(&mem, RAM_GPA, RAM_BYTES);
	OPS->kick(dev, take8(in) % N_QUEUES, now);
	step_until(now + 1000000);
	if (mapped)
		vmsnd_gmem_add(&mem, &(struct vmsnd_region){.gpa = RAM_GPA,
							    .bytes = RAM_BYTES,
							    .at = ram,
							    .rights = VMSND_READ | VMSND_WRITE});
}

static void op_config(struct input *in)
{
	uint8_t to[64];

	OPS->config_read(dev, take16(in), to, take8(in) % sizeof(to));
}

static void (*const ops[])(struct input *in) = {
    op_write, op_kick,  op_advance, op_stop,  op_start,    op_enable, op_post,    op_post,
    op_post,  op_reset, op_unmap,   op_query, op_bring_up, op_config, op_command, op_advance,
};

/* ---- the world
 * ------------------------------------------------------------------------------------ */

static void on_notify(void *ctx, unsigned vector)
{
	check(vector < N_QUEUES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};

	now = 1000000;
	memset(&mem, 0, sizeof(mem));
	memset(ram, 0, sizeof(ram));
	mapped = false;
	map();
	open_ports();
	make_card(on_notify);
	boot(UINT64_MAX);
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++)
		ops[take8(&in) % (sizeof(ops) / sizeof(ops[0]))](&in);
	close_card();
	return 0;
}
