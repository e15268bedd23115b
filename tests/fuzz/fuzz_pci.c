/* SPDX-License-Identifier: BSD-3-Clause */
/* What PCI cards share, by the first byte of the input: register tables that the input makes up,
 * each access held against a flat picture of them; configuration space, interrupts and saved state;
 * and the two together in a small card. */
#include <stdlib.h>
#include <string.h>

#include "../device/toy_pci.h"
#include "base/endian.h"
#include "vmsnd/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define OPS_MAX      400u
#define ACCESS_BYTES 300u

static void check(bool holds)
{
	if (!holds)
		abort();
}

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static uint32_t take16(struct input *in)
{
	uint32_t low = take8(in);

	return low | (uint32_t)take8(in) << 8;
}

/* Near, mostly; or as far as can be. */
static uint64_t take_offset(struct input *in, uint32_t space)
{
	uint8_t how = take8(in);

	if (how >= 0xfc)
		return UINT64_MAX - take8(in);
	if (how >= 0xf8)
		return (UINT64_C(1) << 32) + take16(in);
	return take16(in) % (space + 8);
}

static uint32_t take_width(struct input *in)
{
	static const uint16_t usual[] = {1, 2, 4, 8, 3, 5, 16, 0, 256, ACCESS_BYTES};
	uint8_t how = take8(in);

	return how < 200 ? usual[how % 10] : take8(in);
}

/* ---- tables ----------------------------------------------------------------------------- */

enum { BLOCKS_MAX = 4, ROWS_MAX = 5, INSTANCES_MAX = 4, SPACE_MAX = 1024 };

static struct vmsnd_register rows[BLOCKS_MAX][ROWS_MAX];
static struct vmsnd_register_block blocks[BLOCKS_MAX];
static struct vmsnd_register_space space;

/* For each byte: the register it belongs to, from 1 on, and where in it. */
static uint16_t owner[SPACE_MAX];
static uint8_t place[SPACE_MAX];
static uint32_t registers[BLOCKS_MAX * ROWS_MAX * INSTANCES_MAX + 1];
static uint32_t seen_value[BLOCKS_MAX * ROWS_MAX * INSTANCES_MAX + 1];
static uint32_t seen_mask[BLOCKS_MAX * ROWS_MAX * INSTANCES_MAX + 1];
static uint8_t touched[BLOCKS_MAX * ROWS_MAX * INSTANCES_MAX + 1];
static unsigned last_touched;

static unsigned number_of(unsigned instance, unsigned which)
{
	return which * INSTANCES_MAX + instance + 1;
}

/* Once each. The order is that of their places, which is that of blocks, instances and rows. */
static unsigned touch(unsigned instance, unsigned which)
{
	unsigned number = number_of(instance, which);
	unsigned order =
	    (which / ROWS_MAX * INSTANCES_MAX + instance) * ROWS_MAX + which % ROWS_MAX;

	check(number < sizeof(touched) && !touched[number]);
	touched[number] = 1;
	check(last_touched <= order);
	last_touched = order + 1;
	return number;
}

static uint32_t on_read(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	return registers[touch(instance, which)];
}

static void on_write(void *ctx, unsigned instance, unsigned which,
		     const struct vmsnd_register_write *write)
{
	unsigned number = touch(instance, which);

	check((write->value & ~write->mask) == 0 && write->mask != 0);
	seen_value[number] = write->value;
	seen_mask[number] = write->mask;
}

static uint32_t make_rows(struct input *in, unsigned block)
{
	unsigned n = 1 + take8(in) % ROWS_MAX;
	uint32_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		uint8_t how = take8(in);
		struct vmsnd_register *row = &rows[block][i];

		at += how & 3;
		*row = (struct vmsnd_register){.offset = (uint16_t)at,
					       .bytes = (uint8_t)(1u << (how >> 2) % 3),
					       .which = (uint8_t)(block * ROWS_MAX + i),
					       .read = how & 0x20 ? NULL : on_read,
					       .write = how & 0x40 ? NULL : on_write};
		at += row->bytes;
	}
	blocks[block].rows = rows[block];
	blocks[block].n_rows = n;
	return at;
}

static void draw(const struct vmsnd_register_block *block)
{
	for (unsigned i = 0; i < block->instances; i++)
		for (unsigned k = 0; k < block->n_rows; k++)
			for (unsigned byte = 0; byte < block->rows[k].bytes; byte++) {
				uint32_t at = block->offset + i * block->stride +
					      block->rows[k].offset + byte;

				check(at < SPACE_MAX && owner[at] == 0);
				owner[at] = (uint16_t)number_of(i, block->rows[k].which);
				place[at] = (uint8_t)byte;
			}
}

static void make_space(struct input *in)
{
	unsigned n = 1 + take8(in) % BLOCKS_MAX;
	uint32_t at = 0;

	memset(owner, 0, sizeof(owner));
	for (unsigned i = 0; i < n; i++) {
		uint32_t extent = make_rows(in, i);
		uint8_t how = take8(in);

		at += how & 7;
		blocks[i].offset = at;
		blocks[i].instances = (uint16_t)(1 + (how >> 3) % INSTANCES_MAX);
		blocks[i].stride = (uint16_t)(extent + (how >> 6));
		draw(&blocks[i]);
		/* The next may begin within the last one's stride. */
		at += (blocks[i].instances - 1u) * blocks[i].stride + extent;
	}
	space = (struct vmsnd_register_space){
	    .blocks = blocks, .n_blocks = n, .bytes = at + take8(in) % 8};
	for (unsigned i = 0; i < sizeof(registers) / sizeof(*registers); i++)
		registers[i] = 0x9e3779b9u * (i + 1);
}

static const struct vmsnd_register *row_of(unsigned number)
{
	unsigned which = (number - 1) / INSTANCES_MAX;

	return &rows[which / ROWS_MAX][which % ROWS_MAX];
}

static uint8_t byte_read(uint64_t at)
{
	if (at >= space.bytes || owner[at] == 0)
		return 0xff;
	return row_of(owner[at])->read ? (uint8_t)(registers[owner[at]] >> 8 * place[at]) : 0;
}

static bool is_whole(uint64_t offset, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (offset >= space.bytes || offset + i >= space.bytes || owner[offset + i] == 0)
			return false;
	return true;
}

static void check_read(const struct vmsnd_register_access *access)
{
	uint8_t *to = malloc(access->bytes + 1u);

	check(to != NULL);
	to[access->bytes] = 0x5a;
	check(vmsnd_registers_read(&space, NULL, access, to) ==
	      is_whole(access->offset, access->bytes));
	for (uint32_t i = 0; i < access->bytes; i++)
		check(to[i] ==
		      (access->offset >= space.bytes ? 0xff : byte_read(access->offset + i)));
	check(to[access->bytes] == 0x5a);
	free(to);
}

static void check_write(const struct vmsnd_register_access *access)
{
	uint8_t *from = malloc(access->bytes + 1u);

	check(from != NULL);
	for (uint32_t i = 0; i < access->bytes; i++)
		from[i] = (uint8_t)(i * 5 + 1);
	check(vmsnd_registers_write(&space, NULL, access, from) ==
	      is_whole(access->offset, access->bytes));
	for (uint32_t i = 0; i < access->bytes && access->offset < space.bytes; i++) {
		uint64_t at = access->offset + i;
		unsigned number = at < space.bytes ? owner[at] : 0;

		if (number == 0 || !row_of(number)->write)
			continue;
		check(touched[number]);
		check((uint8_t)(seen_value[number] >> 8 * place[at]) == from[i]);
		seen_mask[number] &= ~(UINT32_C(0xff) << 8 * place[at]);
	}
	/* Nothing came that was not written. */
	for (unsigned i = 0; i < sizeof(touched); i++)
		check(!touched[i] || seen_mask[i] == 0);
	free(from);
}

static void fuzz_tables(struct input *in)
{
	make_space(in);
	for (unsigned i = 0; i < OPS_MAX && in->left > 0; i++) {
		struct vmsnd_register_access access = {.offset = take_offset(in, space.bytes),
						       .bytes = take_width(in)};

		memset(touched, 0, sizeof(touched));
		last_touched = 0;
		if (take8(in) & 1)
			check_write(&access);
		else
			check_read(&access);
	}
}

/* ---- configuration space ---------------------------------------------------------------- */

static struct vmsnd_dev_env env;
static const struct vmsnd_pci *watched;
static bool line;

static bool has_msi(void)
{
	return watched->conf.msi;
}

static const uint8_t *msi(void)
{
	return watched->config + watched->conf.msi_at;
}

static bool messages_on(void)
{
	return has_msi() && (msi()[2] & 1);
}

static bool asleep(void)
{
	return watched->conf.power_management &&
	       (watched->config[watched->conf.power_management_at + 4] & 3) != 0;
}

static void on_line(void *ctx, bool high)
{
	check(high != line);
	line = high;
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
	check(messages_on() && !(msi()[16] & 1) && !asleep() && (watched->config[4] & 4));
	check(message->vector == 0 && message->address == vmsnd_le64(msi() + 4));
	check((message->address & 3) == 0 && message->data == vmsnd_le16(msi() + 12));
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
}

static void check_interrupts(void)
{
	const uint8_t *config = watched->config;
	bool able = !messages_on() && !(config[5] & 4) && !asleep();

	check(line == (watched->causes != 0 && able));
	check(((config[6] & 8) != 0) == (watched->causes != 0));
	if (has_msi())
		check(msi()[20] == 0 || (watched->causes != 0 && messages_on() && msi()[20] == 1));
	/* One that may go has gone. */
	if (has_msi() && !asleep() && (config[4] & 4) && !(msi()[16] & 1))
		check(msi()[20] == 0);
}

/* What no guest changes. */
static void check_fixed(const uint8_t *first)
{
	static const uint8_t fixed[] = {0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x0e, 0x0f,
					0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x3d};
	const uint8_t *config = watched->config;

	for (unsigned i = 0; i < sizeof(fixed); i++)
		check(config[fixed[i]] == first[fixed[i]]);
	check((config[6] & ~8) == first[6] && (config[7] & ~0xf9) == first[7]);
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++) {
		const struct vmsnd_pci_bar *bar = &watched->conf.bars[i];
		uint32_t value = vmsnd_le32(config + 0x10 + 4 * i);
		uint32_t type = bar->io && bar->bytes > 0;

		check(bar->bytes > 0
			  ? (value & (bar->bytes - 1) & ~type) == 0 && (value & 3) == type
			  : value == 0);
	}
}

static void make_conf(struct input *in, struct vmsnd_pci_conf *conf)
{
	uint8_t how = take8(in);

	*conf = (struct vmsnd_pci_conf){
	    .identity = {.vendor = 0x8086, .device = 0x2415, .class_code = 0x040100},
	    .msi = how & 1,
	    .power_management = how & 2,
	    .msi_at = how & 4 ? take8(in) : 0x70,
	    .power_management_at = 0x50};
	/* Apart, as a card's author puts them. */
	if (conf->msi_at > 0x50 - 0x18 && conf->msi_at < 0x58)
		conf->msi_at = 0x58;
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++) {
		uint8_t bar = take8(in);

		if (bar & 0x80)
			conf->bars[i] =
			    (struct vmsnd_pci_bar){.bytes = 16u << bar % 16, .io = bar & 0x40};
	}
}

static void check_state(struct vmsnd_pci *pci, struct input *in)
{
	struct vmsnd_pci other = {.conf = pci->conf};
	uint8_t bytes[300], again[300];
	struct vmsnd_state_writer to = {.to = bytes, .room = sizeof(bytes)};
	struct vmsnd_state_writer more = {.to = again, .room = sizeof(again)};
	struct vmsnd_state_reader from = {.from = bytes};
	uint8_t mutations = take8(in) % 4;
	bool high = line;

	vmsnd_pci_save(pci, &to);
	check(!to.full);
	for (unsigned i = 0; i < mutations; i++)
		bytes[take16(in) % to.used] = take8(in);
	from.bytes = to.used;
	line = false;
	vmsnd_pci_init(&other, &pci->conf, &env);
	watched = &other;
	if (vmsnd_pci_load(&other, &from)) {
		check(mutations > 0 && from.bad && !line && other.causes == 0);
	} else {
		check_interrupts();
		vmsnd_pci_save(&other, &more);
		/* A message that may go goes at once. */
		if (has_msi())
			bytes[other.conf.msi_at + 20] = again[other.conf.msi_at + 20];
		check(memcmp(bytes, again, to.used) == 0);
	}
	watched = pci;
	line = high;
}

static void access_config(struct vmsnd_pci *pci, struct input *in)
{
	uint64_t offset = take_offset(in, VMSND_PCI_CONFIG_BYTES);
	uint32_t bytes = take_width(in);
	uint8_t *at = malloc(bytes + 1u), how = take8(in);
	bool inside = offset < 256 && bytes <= 256 - offset;
	uint64_t faults = pci->faults;

	check(at != NULL);
	at[bytes] = 0x5a;
	if (how & 1) {
		for (uint32_t i = 0; i < bytes; i++)
			at[i] = how & 2 ? 0xff : take8(in);
		vmsnd_pci_config_write(pci, offset, at, bytes);
	} else {
		vmsnd_pci_config_read(pci, offset, at, bytes);
		for (uint32_t i = 0; i < bytes; i++)
			check(at[i] ==
			      (offset < 256 && offset + i < 256 ? pci->config[offset + i] : 0xff));
	}
	check(at[bytes] == 0x5a);
	check(pci->faults - faults == !(inside || bytes == 0));
	free(at);
}

static void fuzz_config(struct input *in)
{
	static struct vmsnd_pci pci;
	struct vmsnd_pci_conf conf;
	uint8_t first[VMSND_PCI_CONFIG_BYTES];

	make_conf(in, &conf);
	line = false;
	watched = &pci;
	vmsnd_pci_init(&pci, &conf, &env);
	memcpy(first, pci.config, sizeof(first));
	for (unsigned i = 0; i < OPS_MAX && in->left > 0; i++) {
		uint8_t what = take8(in) % 16;

		if (what < 10)
			access_config(&pci, in);
		else if (what < 13)
			vmsnd_pci_interrupt(&pci, take8(in) & 7);
		else if (what == 13)
			vmsnd_pci_master_abort(&pci);
		else if (what == 14)
			check_state(&pci, in);
		else
			vmsnd_pci_reset(&pci);
		check_interrupts();
		check_fixed(first);
	}
}

/* ---- a card ----------------------------------------------------------------------------- */

static uint8_t ram[4096];
static struct vmsnd_gmem mem;
static uint64_t card_bytes[1024];

static void access_card(struct vmsnd_dev *dev, struct input *in, vmsnd_ns now)
{
	struct vmsnd_pci_access access = {.region = take8(in) % 9,
					  .bytes = take_width(in),
					  .offset = take_offset(in, 256),
					  .now = now};
	uint8_t *at = malloc(access.bytes + 1u), one, how = take8(in);

	check(at != NULL);
	at[access.bytes] = 0x5a;
	if (how & 1) {
		for (uint32_t i = 0; i < access.bytes; i++)
			at[i] = how & 2 ? (uint8_t)(how >> 4) : take8(in);
		toy_pci_class.pci->write(dev, &access, at);
	} else {
		toy_pci_class.pci->read(dev, &access, at);
		/* Reading changes nothing on this card: byte by byte it is the same. */
		for (uint32_t i = 0; i < access.bytes && i < 16; i++) {
			struct vmsnd_pci_access byte = access;

			byte.bytes = 1;
			byte.offset += i;
			toy_pci_class.pci->read(dev, &byte, &one);
			check(one == at[i] || byte.offset < access.offset);
		}
	}
	check(at[access.bytes] == 0x5a);
	free(at);
}

static void boot(struct vmsnd_dev *dev, struct input *in, vmsnd_ns now)
{
	uint32_t interval = 1 + take16(in);
	const uint16_t command = 7;
	const uint8_t control = TOY_RUNS | TOY_INTERRUPTS;
	struct vmsnd_pci_access access = {VMSND_PCI_CONFIG, 2, 4, now};

	toy_pci_class.pci->write(dev, &access, &command);
	access = (struct vmsnd_pci_access){0, 4, TOY_INTERVAL, now};
	toy_pci_class.pci->write(dev, &access, &interval);
	access = (struct vmsnd_pci_access){1, 1, TOY_CONTROL, now};
	toy_pci_class.pci->write(dev, &access, &control);
}

static void move_card(struct vmsnd_dev *dev, struct input *in, vmsnd_ns now)
{
	static uint8_t bytes[1024];
	struct vmsnd_state_writer to = {.to = bytes, .room = sizeof(bytes)};
	struct vmsnd_state_reader from = {.from = bytes};
	uint8_t mutations = take8(in) % 3;

	toy_pci_class.save(dev, &to);
	check(!to.full);
	for (unsigned i = 0; i < mutations; i++)
		bytes[take16(in) % to.used] = take8(in);
	from.bytes = to.used;
	memset(card_bytes, 0, sizeof(card_bytes));
	line = false;
	check(toy_pci_class.init(dev, &(struct vmsnd_dev_conf){.name = "toy"}, &env, now) ==
	      VMSND_OK);
	check(toy_pci_class.load(dev, &from, 0, now) == VMSND_OK || mutations > 0);
}

static void fuzz_card(struct input *in)
{
	struct vmsnd_dev *dev = (struct vmsnd_dev *)(void *)card_bytes;
	const struct vmsnd_region region = {
	    .gpa = 0x1000, .bytes = sizeof(ram), .at = ram, .rights = VMSND_READ | VMSND_WRITE};
	const struct vmsnd_dev_conf conf = {.name = "toy"};
	vmsnd_ns now = 1, next;

	check(toy_pci_class.footprint(&conf) <= sizeof(card_bytes));
	memset(card_bytes, 0, sizeof(card_bytes));
	memset(&mem, 0, sizeof(mem));
	check(vmsnd_gmem_add(&mem, &region) == VMSND_OK);
	line = false;
	check(toy_pci_class.init(dev, &conf, &env, now) == VMSND_OK);
	watched = toy_pci_of(dev);
	for (unsigned i = 0; i < OPS_MAX && in->left > 0; i++) {
		uint8_t what = take8(in) % 16;

		if (what < 10)
			access_card(dev, in, now);
		else if (what < 13)
			now += (uint64_t)take16(in) << take8(in) % 32;
		else if (what == 13)
			boot(dev, in, now);
		else if (what == 14)
			move_card(dev, in, now);
		else
			toy_pci_class.reset(dev, take8(in) % 4, now);
		next = toy_pci_class.advance(dev, now);
		check(next > now);
		check_interrupts();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};

	env = (struct vmsnd_dev_env){
	    .mem = &mem, .line = on_line, .message = on_message, .guest_fault = on_fault};
	switch (take8(&in) % 3) {
	case 0:
		fuzz_tables(&in);
		break;
	case 1:
		fuzz_config(&in);
		break;
	default:
		fuzz_card(&in);
	}
	return 0;
}
