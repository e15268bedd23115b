/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: the AC'97 card with the real connector and no host, against a guest that does what
 * the bytes say: any register in any width, any list, memory that comes and goes, time, resets,
 * saved states with a few bytes changed. The card answers in bounded work, tells of changes of its
 * line only, and an engine that is reset is as after a reset. */
#include "devices/ac97/ac97_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { N_QUEUES = 0, N_PLAYBACK = 2, N_CAPTURE = 4, N_PORTS = 6 };
enum { OPS_MAX = 300, STEPS_MAX = 3000 };

static const char *card_options;
#define CARD_OPTIONS card_options
#define CLASS        (&vmsnd_ac97_class)
#include "card_world.h"

#define RAM_GPA   UINT64_C(0x10000)
#define RAM_BYTES 0x4000u
#define MS        UINT64_C(1000000)
#define MEM_NABM  3u
#define CONFIG    7u

static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static bool mapped;

static void map(bool on)
{
	const struct vmsnd_region region = {
	    .gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE};

	if (on == mapped)
		return;
	mapped = on;
	check((on ? vmsnd_gmem_add(&mem, &region) : vmsnd_gmem_remove(&mem, RAM_GPA, RAM_BYTES)) ==
	      VMSND_OK);
}

static void access_card(bool write, const struct vmsnd_pci_access *access, uint8_t *with)
{
	if (write)
		CLASS->pci->write(dev, access, with);
	else
		CLASS->pci->read(dev, access, with);
}

static uint32_t get(unsigned region, uint64_t offset, uint32_t bytes)
{
	const struct vmsnd_pci_access access = {region, bytes, offset, now};
	uint8_t with[4] = {0};
	uint32_t value;

	access_card(false, &access, with);
	memcpy(&value, with, 4);
	return value;
}

static void put(unsigned region, uint64_t offset, uint32_t bytes, uint32_t value)
{
	const struct vmsnd_pci_access access = {region, bytes, offset, now};
	uint8_t with[4];

	memcpy(with, &value, 4);
	access_card(true, &access, with);
}

static const uint8_t boxes[] = {0x00, 0x10, 0x20, 0x40, 0x50, 0x60};

static uint8_t take_box(struct input *in)
{
	return boxes[take8(in) % sizeof(boxes)];
}

/* Any access at all. */
static void do_any(struct input *in)
{
	uint8_t with[16];
	struct vmsnd_pci_access access = {.region = take8(in) % 9, .now = now};
	bool write;

	access.bytes = 1 + take8(in) % (sizeof(with) - 1);
	access.offset = take16(in) % 0x220;
	write = take8(in) & 1;
	for (unsigned i = 0; i < sizeof(with); i++)
		with[i] = write ? take8(in) : 0;
	access_card(write, &access, with);
}

/* What a driver does: the list at a place in memory, LVI, control. */
static void do_start(struct input *in)
{
	uint8_t box = take_box(in);

	put(MEM_NABM, box, 4, (uint32_t)RAM_GPA + (uint32_t)(take8(in) << 3));
	put(MEM_NABM, box + 5u, 1, take8(in));
	put(MEM_NABM, box + 0xbu, 1, take8(in) | 1);
}

static void do_entry(struct input *in)
{
	uint32_t at = take8(in) % 64 * 8u, words[2];
	uint8_t how = take8(in);

	words[0] = (uint32_t)RAM_GPA + 0x400 + take16(in);
	if (how & 0x20)
		words[0] = (uint32_t)take16(in) << 16 | take16(in);
	words[1] = take16(in);
	if (!(how & 0x10))
		words[1] &= 0x3ff;
	words[1] |= (uint32_t)(how & 0xc0) << 24;
	memcpy(ram + at, words, sizeof(words));
}

static void do_acknowledge(struct input *in)
{
	uint8_t box = take_box(in);

	put(MEM_NABM, box + 5u, 1, get(MEM_NABM, box + 4u, 1) + 31);
	put(MEM_NABM, box + 6u, 2, 0x1c);
}

static void do_reset_box(struct input *in)
{
	uint8_t box = take_box(in);

	put(MEM_NABM, box + 0xbu, 1, 2);
	if (get(CONFIG, 0, 4) == UINT32_MAX || get(MEM_NABM, box, 4) == UINT32_MAX)
		return; /* asleep */
	check(get(MEM_NABM, box + 4u, 4) == 0x00010000);
	check(get(MEM_NABM, box + 8u, 2) == 0);
}

static void do_time(struct input *in)
{
	uint8_t how = take8(in);

	if (how < 200)
		step_until(now + (how + 1) * (MS / 4));
	else
		now += (vmsnd_ns)(how - 199) * 20 * MS; /* the lane sleeps */
}

static void do_life(struct input *in)
{
	uint8_t how = take8(in);

	if (how < 128) {
		CLASS->life(dev, how & 1 ? VMSND_LIFE_SUSPEND : VMSND_LIFE_RESUME, now);
		for (unsigned i = 0; i < N_PORTS; i++)
			vmsnd_port_pause(ports[i], how & 1, now);
	} else {
		CLASS->reset(dev, (enum vmsnd_reset)(how % 4), now);
		check(!line_is_high);
	}
	if (how % 16 == 0)
		CLASS->panel->jack_set(dev, how >> 4, how & 1, now);
}

/* Saved, perhaps changed, into a card just made on the same ports. */
static void do_move(struct input *in)
{
	struct vmsnd_state_writer count = {.to = NULL}, writer;
	struct vmsnd_state_reader reader;
	unsigned changes = take8(in) % 4;

	CLASS->save(dev, &count);
	writer = (struct vmsnd_state_writer){.to = malloc(count.used), .room = count.used};
	check(writer.to != NULL);
	CLASS->save(dev, &writer);
	check(!writer.full && writer.used == count.used);
	for (unsigned i = 0; i < changes; i++)
		writer.to[take16(in) % writer.used] = take8(in);
	unblock(dev);
	make_card(NULL);
	reader = (struct vmsnd_state_reader){.from = writer.to, .bytes = writer.used};
	check(CLASS->load(dev, &reader, CLASS->state_minor, now) == VMSND_OK || changes > 0);
	free(writer.to);
}

static void do_memory(struct input *in)
{
	uint8_t how = take8(in);

	map(how & 1);
	if (how & 2)
		memset(ram + 0x400, how, RAM_BYTES - 0x400);
}

static void (*const ops[])(struct input *in) = {do_any,   do_start,     do_entry, do_acknowledge,
						do_time,  do_reset_box, do_life,  do_move,
						do_entry, do_time,      do_memory};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const options[] = {
	    "variant=ich4,channels=6,codec=alc650,jacks=on",
	    "variant=ich4,codec2=ad1980,msi=on,timer-hz=1000",
	    "variant=ich4,codec=ad1981b,outlet=mono,timer-hz=10",
	    "variant=ich4",
	};
	struct input in = {data, bytes};

	now = 1000 * MS;
	memset(ram, 0, sizeof(ram));
	card_options = options[take8(&in) % 4];
	open_ports();
	map(true);
	make_card(NULL);
	put(CONFIG, 4, 2, 7);
	put(1, 0x2c, 4, 2);
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++) {
		ops[take8(&in) % (sizeof(ops) / sizeof(ops[0]))](&in);
		step();
	}
	map(false);
	close_card();
	return 0;
}
