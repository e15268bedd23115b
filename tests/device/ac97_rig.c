/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 card for tests. */
#include "ac97_rig.h"

#include <stdlib.h>
#include <string.h>

/* ---- the world around the card ---- */

static void on_line(void *ctx, bool high)
{
	struct ac97_rig *rig = ctx;

	assert_int_not_equal(rig->line, high); /* told of changes only */
	rig->line = high;
	rig->rises += high;
	if (high)
		rig->rose_at = rig->now;
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
	struct ac97_rig *rig = ctx;

	rig->messages++;
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct ac97_rig *rig = ctx;

	assert_in_range(index, 0, (dir == VMSND_PLAYBACK ? rig->n_playback : rig->n_capture) - 1);
	return rig->ports[dir == VMSND_PLAYBACK ? index : rig->n_playback + index];
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	struct ac97_rig *rig = ctx;

	rig->faults[what]++;
}

static void on_mixer(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct ac97_rig *rig = ctx;

	rig->turned++;
}

void ar_make(struct ac97_rig *rig)
{
	const struct vmsnd_dev_conf conf = {.name = "card",
					    .playback_streams = rig->n_playback,
					    .capture_streams = rig->n_capture,
					    .options = &rig->options};
	struct vmsnd_dev_env env = {.ctx = rig,
				    .mem = &rig->mem,
				    .line = on_line,
				    .message = on_message,
				    .port = on_port,
				    .guest_fault = on_fault,
				    .mixer_changed = on_mixer};

	free(rig->dev);
	rig->dev_bytes = AR_CLASS->footprint(&conf);
	assert_true(rig->dev_bytes > 0);
	rig->dev = calloc(1, rig->dev_bytes);
	rig->line = false;
	assert_int_equal(AR_CLASS->init(rig->dev, &conf, &env, rig->now), VMSND_OK);
}

void ar_open(struct ac97_rig *rig, const char *options, unsigned n_playback, unsigned n_capture)
{
	struct vmsnd_region region = {
	    .gpa = AR_RAM_GPA, .bytes = AR_RAM_BYTES, .rights = VMSND_READ | VMSND_WRITE};
	char error[200];

	memset(rig, 0, sizeof(*rig));
	if (vmsnd_conf_parse(&rig->options, AR_CLASS->options, "card", options, error,
			     sizeof(error)))
		fail_msg("%s", error);
	rig->ram = calloc(1, AR_RAM_BYTES);
	region.at = rig->ram;
	assert_int_equal(vmsnd_gmem_add(&rig->mem, &region), VMSND_OK);
	rig->n_playback = n_playback;
	rig->n_capture = n_capture;
	for (unsigned i = 0; i < n_playback + n_capture; i++) {
		rig->ports[i] = malloc(sizeof(*rig->ports[i]));
		fake_port_init(rig->ports[i], i < n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE);
	}
	rig->now = 5 * VMSND_NS_PER_SECOND;
	ar_make(rig);
}

void ar_boot(struct ac97_rig *rig)
{
	ar_out(rig, CONFIG, 4, 2, 7);
	ar_out32(rig, GLOB_CNT, 2);
}

void ar_up(struct ac97_rig *rig, const char *options, unsigned n_playback, unsigned n_capture)
{
	ar_open(rig, options, n_playback, n_capture);
	ar_boot(rig);
}

void ar_close(struct ac97_rig *rig)
{
	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++) {
		fake_port_free(rig->ports[i]);
		free(rig->ports[i]);
	}
	free(rig->dev);
	free(rig->ram);
}

uint8_t *ar_save(struct ac97_rig *rig, size_t *bytes)
{
	struct vmsnd_state_writer count = {.to = NULL}, writer;
	uint8_t *before = malloc(rig->dev_bytes);

	memcpy(before, rig->dev, rig->dev_bytes);
	AR_CLASS->save(rig->dev, &count);
	assert_in_range(count.used, 1, VMSND_DEV_STATE_BYTES_MAX);
	writer = (struct vmsnd_state_writer){.to = malloc(count.used), .room = count.used};
	AR_CLASS->save(rig->dev, &writer);
	assert_false(writer.full);
	assert_int_equal(writer.used, count.used);
	assert_memory_equal(before, rig->dev, rig->dev_bytes);
	free(before);
	*bytes = writer.used;
	return writer.to;
}

enum vmsnd_rc ar_load(struct ac97_rig *rig, const uint8_t *from, size_t bytes)
{
	struct vmsnd_state_reader reader = {.from = from, .bytes = bytes};

	return AR_CLASS->load(rig->dev, &reader, AR_CLASS->state_minor, rig->now);
}

/* ---- registers ---- */

uint32_t ar_in(struct ac97_rig *rig, unsigned region, uint64_t offset, unsigned bytes)
{
	const struct vmsnd_pci_access access = {
	    .region = region, .bytes = bytes, .offset = offset, .now = rig->now};
	uint32_t value = 0;

	AR_CLASS->pci->read(rig->dev, &access, &value);
	return value;
}

void ar_out(struct ac97_rig *rig, unsigned region, uint64_t offset, unsigned bytes, uint32_t value)
{
	const struct vmsnd_pci_access access = {
	    .region = region, .bytes = bytes, .offset = offset, .now = rig->now};

	AR_CLASS->pci->write(rig->dev, &access, &value);
}

/* Boxes beyond the third are in memory only. */
static unsigned window_of(unsigned offset)
{
	return offset < 0x40 ? NABM : MEM_NABM;
}

uint8_t ar_in8(struct ac97_rig *rig, unsigned offset)
{
	return (uint8_t)ar_in(rig, window_of(offset), offset, 1);
}

uint16_t ar_in16(struct ac97_rig *rig, unsigned offset)
{
	return (uint16_t)ar_in(rig, window_of(offset), offset, 2);
}

uint32_t ar_in32(struct ac97_rig *rig, unsigned offset)
{
	return ar_in(rig, window_of(offset), offset, 4);
}

void ar_out8(struct ac97_rig *rig, unsigned offset, uint8_t value)
{
	ar_out(rig, window_of(offset), offset, 1, value);
}

void ar_out16(struct ac97_rig *rig, unsigned offset, uint16_t value)
{
	ar_out(rig, window_of(offset), offset, 2, value);
}

void ar_out32(struct ac97_rig *rig, unsigned offset, uint32_t value)
{
	ar_out(rig, window_of(offset), offset, 4, value);
}

uint16_t ar_mixer(struct ac97_rig *rig, unsigned offset)
{
	return (uint16_t)ar_in(rig, NAM, offset, 2);
}

void ar_mixer_set(struct ac97_rig *rig, unsigned offset, uint16_t value)
{
	ar_out(rig, NAM, offset, 2, value);
}

/* ---- lists ---- */

void *ar_at(struct ac97_rig *rig, vmsnd_gpa gpa)
{
	assert_in_range(gpa, AR_RAM_GPA, AR_RAM_GPA + AR_RAM_BYTES - 1);
	return rig->ram + (gpa - AR_RAM_GPA);
}

vmsnd_gpa ar_list(unsigned box)
{
	return AR_RAM_GPA + box * 0x10u;
}

vmsnd_gpa ar_data(unsigned box)
{
	return AR_RAM_GPA + 0x10000u + box / 0x10u * 0x40000u;
}

void ar_entry(struct ac97_rig *rig, unsigned box, unsigned index, uint32_t address,
	      uint32_t control)
{
	const uint32_t words[2] = {address, control};

	memcpy(ar_at(rig, ar_list(box) + index * 8), words, sizeof(words));
}

void ar_entries(struct ac97_rig *rig, unsigned box, unsigned n, uint32_t bytes)
{
	for (unsigned i = 0; i < n; i++)
		ar_entry(rig, box, i, (uint32_t)ar_data(box) + i * bytes, IOC | bytes / 2);
}

void ar_numbers(struct ac97_rig *rig, unsigned box, uint32_t frames)
{
	for (uint32_t i = 0, number; i < frames; i++) {
		number = i + 1;
		memcpy(ar_at(rig, ar_data(box) + i * 4u), &number, sizeof(number));
	}
}

void ar_start(struct ac97_rig *rig, unsigned box, uint8_t lvi, uint8_t cr)
{
	ar_out32(rig, box + BDBAR, (uint32_t)ar_list(box));
	ar_out8(rig, box + LVI, lvi);
	ar_out8(rig, box + CR, cr);
}

struct vmsnd_port *ar_port(struct ac97_rig *rig, unsigned box)
{
	switch (box) {
	case PO:
		return rig->ports[0];
	case SP:
		return rig->ports[1];
	case PI:
		return rig->ports[rig->n_playback];
	case MC:
		return rig->ports[rig->n_playback + 1];
	case P2:
		return rig->ports[rig->n_playback + 2];
	default:
		return rig->ports[rig->n_playback + 3];
	}
}

uint32_t ar_in_order(const struct vmsnd_port *port)
{
	uint32_t number, n = 0;

	for (size_t at = 0; at + 4 <= port->heard_bytes; at += 4, n++) {
		memcpy(&number, port->heard + at, sizeof(number));
		if (number != n + 1)
			break;
	}
	return n;
}

/* ---- time ---- */

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns step(struct ac97_rig *rig, vmsnd_ns at)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++)
		fake_port_advance(rig->ports[i], at);
	next = AR_CLASS->advance(rig->dev, at);
	while (rig->line && rig->on_interrupt && rig->handled != rig->rises) {
		rig->handled = rig->rises;
		rig->on_interrupt(rig);
		next = AR_CLASS->advance(rig->dev, at);
	}
	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++)
		next = earlier(next, fake_port_advance(rig->ports[i], at));
	return next;
}

void ar_run_until(struct ac97_rig *rig, vmsnd_ns until)
{
	vmsnd_ns next = step(rig, rig->now);
	unsigned steps = 0;

	while (next <= until) {
		/* A card that always says `now` would hold up its lane. */
		assert_true(++steps < 1000000);
		assert_true(next >= rig->now);
		rig->now = next;
		next = step(rig, next);
	}
	rig->now = until;
}

void ar_run_ms(struct ac97_rig *rig, uint64_t ms)
{
	ar_run_until(rig, rig->now + ms * AR_MS);
}

uint64_t ar_counter(struct ac97_rig *rig, const char *name)
{
	struct vmsnd_counter list[64];
	size_t n = AR_CLASS->counters(rig->dev, list, 64);

	assert_true(n <= 64);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter %s", name);
	return 0;
}
