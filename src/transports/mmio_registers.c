/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of virtio over MMIO. Section numbers are those of the virtio 1.3 standard. */
#include "transports/mmio_registers.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "base/endian.h"

#define MAGIC   0x74726976u /* "virt" */
#define VERSION 2u
/* Of the register and the feature; absent from older headers. */
#define QUEUE_RESET  0x0c0u
#define F_RING_RESET (UINT64_C(1) << 40)
/* What a driver may set; a reset clears it. */
#define DRIVER_BITS                                                                                \
	((uint32_t)VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |                          \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

static const struct vmsnd_virtio_ops *ops_of(const struct vmsnd_mmio *mmio)
{
	return mmio->card.cls->virtio;
}

static bool has(const struct vmsnd_mmio *mmio, uint32_t bits)
{
	return (mmio->status & bits) == bits;
}

/* Whether the queues are the driver's: nothing of them is looked at before (2.1.2), nor after it
 * has given up. */
static bool is_live(const struct vmsnd_mmio *mmio)
{
	return has(mmio, VIRTIO_CONFIG_S_DRIVER_OK) && !has(mmio, VIRTIO_CONFIG_S_FAILED);
}

/* The selected queue; NULL when there is none of that number. */
static struct vmsnd_mmio_queue *selected(struct vmsnd_mmio *mmio)
{
	return mmio->queue_sel < ops_of(mmio)->n_queues ? &mmio->queues[mmio->queue_sel] : NULL;
}

/* ---- the interrupt line ------------------------------------------------------------- */

static void set_interrupts(struct vmsnd_mmio *mmio, uint32_t status)
{
	bool was = mmio->interrupt_status != 0, is = status != 0;

	mmio->interrupt_status = status;
	if (was != is && mmio->user.level)
		mmio->user.level(mmio->user.ctx, is);
}

void vmsnd_mmio_used(struct vmsnd_mmio *mmio)
{
	set_interrupts(mmio, mmio->interrupt_status | VIRTIO_MMIO_INT_VRING);
}

void vmsnd_mmio_config_changed(struct vmsnd_mmio *mmio)
{
	mmio->config_generation++;
	if (has(mmio, VIRTIO_CONFIG_S_DRIVER_OK))
		set_interrupts(mmio, mmio->interrupt_status | VIRTIO_MMIO_INT_CONFIG);
}

static void acknowledge(struct vmsnd_mmio *mmio, uint32_t value)
{
	mmio->counters.refused_writes +=
	    (value & ~(uint32_t)(VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)) != 0;
	set_interrupts(mmio, mmio->interrupt_status & ~value);
}

/* ---- the status --------------------------------------------------------------------- */

static void clear_queue(struct vmsnd_mmio_queue *queue)
{
	*queue = (struct vmsnd_mmio_queue){.size = VMSND_QUEUE_SIZE_MAX};
}

void vmsnd_mmio_clear(struct vmsnd_mmio *mmio)
{
	set_interrupts(mmio, 0);
	mmio->device_features_sel = mmio->driver_features_sel = 0;
	mmio->queue_sel = mmio->shm_sel = 0;
	mmio->driver_features = 0;
	mmio->status = 0;
	mmio->refusal_told = mmio->waiting = false;
	for (unsigned i = 0; i < VMSND_MMIO_QUEUES_MAX; i++)
		clear_queue(&mmio->queues[i]);
}

/* 2.4, 4.2.2.1: all of the card is as it was. */
static void reset(struct vmsnd_mmio *mmio, vmsnd_ns now)
{
	mmio->counters.resets++;
	mmio->card.cls->reset(mmio->card.dev, VMSND_RESET_BUS, now);
	vmsnd_mmio_clear(mmio);
}

static void enable_queues(struct vmsnd_mmio *mmio, bool on, vmsnd_ns now)
{
	for (unsigned i = 0; i < ops_of(mmio)->n_queues; i++)
		if (mmio->queues[i].ready)
			ops_of(mmio)->queue_enable(mmio->card.dev, i, on, now);
}

/* 2.2.2: a set that cannot work fails to set FEATURES_OK; ours works with any part of what is
 * offered that has VERSION_1 (6.2). */
static bool accept_features(struct vmsnd_mmio *mmio)
{
	uint64_t offered = ops_of(mmio)->features(mmio->card.dev);

	if ((mmio->driver_features & ~offered) != 0 ||
	    !(mmio->driver_features & UINT64_C(1) << VIRTIO_F_VERSION_1))
		return false;
	ops_of(mmio)->set_features(mmio->card.dev, mmio->driver_features);
	return true;
}

/* Those of `added` that may be set now: the steps of 3.1.1 in their order. */
static uint32_t granted(struct vmsnd_mmio *mmio, uint32_t added)
{
	uint32_t early = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	uint32_t have = mmio->status | (added & early);

	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    ((have & early) != early || !accept_features(mmio)))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	have = mmio->status | added;
	if (!(have & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	return added;
}

static void status_changed(struct vmsnd_mmio *mmio, uint32_t before, vmsnd_ns now)
{
	uint32_t after = mmio->status;

	if (before == 0 && after != 0 && mmio->user.connected)
		mmio->user.connected(mmio->user.ctx);
	if (after & ~before & VIRTIO_CONFIG_S_FAILED)
		enable_queues(mmio, false, now);
	if (!(after & ~before & VIRTIO_CONFIG_S_DRIVER_OK) || !is_live(mmio))
		return;
	if (mmio->user.ready)
		mmio->user.ready(mmio->user.ctx);
	enable_queues(mmio, true, now);
	/* A mishap from before (2.1.2). */
	if (has(mmio, VIRTIO_CONFIG_S_NEEDS_RESET))
		vmsnd_mmio_config_changed(mmio);
}

/* 2.1.1: bits are only added, by a driver that goes by the book; to clear one is ignored. */
static void write_status(struct vmsnd_mmio *mmio, uint32_t value, vmsnd_ns now)
{
	uint32_t before = mmio->status;
	uint32_t added = value & DRIVER_BITS & ~before;

	if (value == 0) {
		reset(mmio, now);
		return;
	}
	mmio->status |= granted(mmio, added);
	mmio->counters.refused_writes +=
	    mmio->status != (value | (before & VIRTIO_CONFIG_S_NEEDS_RESET));
	status_changed(mmio, before, now);
}

/* ---- queues ------------------------------------------------------------------------- */

static enum vmsnd_rc start_card_queue(struct vmsnd_mmio *mmio, unsigned index, uint32_t next_avail,
				      vmsnd_ns now)
{
	const struct vmsnd_mmio_queue *queue = &mmio->queues[index];
	const struct vmsnd_queue_setup setup = {.size = (uint16_t)queue->size,
						.desc = queue->desc,
						.avail = queue->avail,
						.used = queue->used,
						.next_avail = next_avail};
	enum vmsnd_rc rc = VMSND_E_INVALID;

	/* Not cut to what fits. */
	if (queue->size <= VMSND_QUEUE_SIZE_MAX)
		rc = ops_of(mmio)->queue_start(mmio->card.dev, index, &setup, now);
	if (!rc && !is_live(mmio))
		ops_of(mmio)->queue_enable(mmio->card.dev, index, false, now);
	return rc;
}

/* Drivers do not look whether it worked, so the card asks to be reset (2.1.2). */
static void refuse_queue(struct vmsnd_mmio *mmio, unsigned index, enum vmsnd_rc why)
{
	mmio->counters.refused_queues++;
	mmio->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	vmsnd_mmio_config_changed(mmio);
	if (!mmio->refusal_told && mmio->user.refused)
		mmio->user.refused(mmio->user.ctx, index, why);
	mmio->refusal_told = true;
}

/* A queue begins with its first entry: the driver has zeroed it (4.2.3.2). */
static void start_queue(struct vmsnd_mmio *mmio, struct vmsnd_mmio_queue *queue, vmsnd_ns now)
{
	enum vmsnd_rc rc;

	if (!has(mmio, VIRTIO_CONFIG_S_FEATURES_OK) || has(mmio, VIRTIO_CONFIG_S_FAILED)) {
		mmio->counters.refused_writes++;
		return;
	}
	rc = start_card_queue(mmio, mmio->queue_sel, 0, now);
	queue->ready = !rc;
	if (rc)
		refuse_queue(mmio, mmio->queue_sel, rc);
}

void vmsnd_mmio_tell_loaded(struct vmsnd_mmio *mmio, uint32_t interrupts)
{
	if (has(mmio, VIRTIO_CONFIG_S_FEATURES_OK))
		ops_of(mmio)->set_features(mmio->card.dev, mmio->driver_features);
	if (mmio->status != 0 && mmio->user.connected)
		mmio->user.connected(mmio->user.ctx);
	if (is_live(mmio) && mmio->user.ready)
		mmio->user.ready(mmio->user.ctx);
	set_interrupts(mmio, mmio->interrupt_status | interrupts);
	mmio->waiting = true;
}

void vmsnd_mmio_go_on(struct vmsnd_mmio *mmio, vmsnd_ns now)
{
	if (!mmio->waiting)
		return;
	mmio->waiting = false;
	for (unsigned i = 0; i < ops_of(mmio)->n_queues; i++) {
		enum vmsnd_rc rc = VMSND_OK;

		if (mmio->queues[i].ready)
			rc = start_card_queue(mmio, i, mmio->queues[i].next_avail, now);
		if (rc) {
			mmio->queues[i].ready = false;
			refuse_queue(mmio, i, rc);
		}
	}
}

static void write_ready(struct vmsnd_mmio *mmio, uint32_t value, vmsnd_ns now)
{
	struct vmsnd_mmio_queue *queue = selected(mmio);

	if (!queue || value > 1) {
		mmio->counters.refused_writes++;
	} else if (value == 1 && !queue->ready) {
		start_queue(mmio, queue, now);
	} else if (value == 0 && queue->ready) {
		ops_of(mmio)->queue_stop(mmio->card.dev, mmio->queue_sel, now);
		queue->ready = false;
	}
}

/* 2.6.1: the queue alone, and its registers as at power-on. */
static void write_reset(struct vmsnd_mmio *mmio, uint32_t value, vmsnd_ns now)
{
	struct vmsnd_mmio_queue *queue = selected(mmio);

	if (!queue || value != 1 || !has(mmio, VIRTIO_CONFIG_S_FEATURES_OK) ||
	    !(mmio->driver_features & F_RING_RESET) || !ops_of(mmio)->queue_reset) {
		mmio->counters.refused_writes++;
		return;
	}
	ops_of(mmio)->queue_reset(mmio->card.dev, mmio->queue_sel, now);
	clear_queue(queue);
}

static void write_notify(struct vmsnd_mmio *mmio, uint32_t value, vmsnd_ns now)
{
	if (value >= ops_of(mmio)->n_queues || !mmio->queues[value].ready || !is_live(mmio)) {
		mmio->counters.refused_writes++;
		return;
	}
	mmio->counters.notifies++;
	ops_of(mmio)->kick(mmio->card.dev, value, now);
}

/* ---- the table ---------------------------------------------------------------------- */

struct access {
	uint32_t offset, value;
	vmsnd_ns now;
};

static uint32_t half(uint64_t value, uint32_t which)
{
	return which < 2 ? (uint32_t)(value >> which * 32) : 0;
}

static void set_half(uint64_t *value, uint32_t which, uint32_t to)
{
	unsigned shift = which * 32;

	*value = (*value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)to << shift;
}

static uint32_t read_identity(struct vmsnd_mmio *mmio, uint32_t offset)
{
	const uint32_t words[] = {MAGIC, VERSION, ops_of(mmio)->device_id, VMSND_MMIO_VENDOR};

	return words[offset / 4];
}

static uint32_t read_features(struct vmsnd_mmio *mmio, uint32_t offset)
{
	return half(ops_of(mmio)->features(mmio->card.dev), mmio->device_features_sel);
}

static uint32_t read_queue_num_max(struct vmsnd_mmio *mmio, uint32_t offset)
{
	return selected(mmio) ? VMSND_QUEUE_SIZE_MAX : 0;
}

static uint32_t read_queue_ready(struct vmsnd_mmio *mmio, uint32_t offset)
{
	return selected(mmio) && selected(mmio)->ready;
}

/* 1 while a reset is under way; ours is done when the write is. */
static uint32_t read_queue_reset(struct vmsnd_mmio *mmio, uint32_t offset)
{
	return 0;
}

static uint32_t read_state(struct vmsnd_mmio *mmio, uint32_t offset)
{
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS)
		return mmio->interrupt_status;
	return offset == VIRTIO_MMIO_STATUS ? mmio->status : mmio->config_generation;
}

/* 4.2.2: "-1" for a region that is not there; there are none. */
static uint32_t read_shared_memory(struct vmsnd_mmio *mmio, uint32_t offset)
{
	return UINT32_MAX;
}

static void write_selector(struct vmsnd_mmio *mmio, const struct access *access)
{
	switch (access->offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		mmio->device_features_sel = access->value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		mmio->driver_features_sel = access->value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		mmio->queue_sel = access->value;
		break;
	default:
		mmio->shm_sel = access->value;
	}
}

/* Too late once they are agreed on (3.1.1). */
static void write_features(struct vmsnd_mmio *mmio, const struct access *access)
{
	if (has(mmio, VIRTIO_CONFIG_S_FEATURES_OK))
		mmio->counters.refused_writes++;
	else if (mmio->driver_features_sel < 2)
		set_half(&mmio->driver_features, mmio->driver_features_sel, access->value);
	else
		mmio->counters.refused_writes += access->value != 0;
}

/* 4.2.2.2: not while the queue is ready. */
static void write_queue(struct vmsnd_mmio *mmio, const struct access *access)
{
	struct vmsnd_mmio_queue *queue = selected(mmio);
	uint32_t high = (access->offset & 4) / 4;

	if (!queue || queue->ready) {
		mmio->counters.refused_writes++;
		return;
	}
	switch (access->offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		queue->size = access->value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&queue->desc, high, access->value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&queue->avail, high, access->value);
		break;
	default:
		set_half(&queue->used, high, access->value);
	}
}

static void write_action(struct vmsnd_mmio *mmio, const struct access *access)
{
	switch (access->offset) {
	case VIRTIO_MMIO_QUEUE_READY:
		write_ready(mmio, access->value, access->now);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		write_notify(mmio, access->value, access->now);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		acknowledge(mmio, access->value);
		break;
	case QUEUE_RESET:
		write_reset(mmio, access->value, access->now);
		break;
	default:
		write_status(mmio, access->value, access->now);
	}
}

typedef uint32_t (*read_fn)(struct vmsnd_mmio *mmio, uint32_t offset);
typedef void (*write_fn)(struct vmsnd_mmio *mmio, const struct access *access);

/* Table 4.1. */
static const struct row {
	uint16_t at;
	read_fn read; /* NULL: write only */
	write_fn write;
} rows[] = {
    {VIRTIO_MMIO_MAGIC_VALUE, read_identity, NULL},
    {VIRTIO_MMIO_VERSION, read_identity, NULL},
    {VIRTIO_MMIO_DEVICE_ID, read_identity, NULL},
    {VIRTIO_MMIO_VENDOR_ID, read_identity, NULL},
    {VIRTIO_MMIO_DEVICE_FEATURES, read_features, NULL},
    {VIRTIO_MMIO_DEVICE_FEATURES_SEL, NULL, write_selector},
    {VIRTIO_MMIO_DRIVER_FEATURES, NULL, write_features},
    {VIRTIO_MMIO_DRIVER_FEATURES_SEL, NULL, write_selector},
    {VIRTIO_MMIO_QUEUE_SEL, NULL, write_selector},
    {VIRTIO_MMIO_QUEUE_NUM_MAX, read_queue_num_max, NULL},
    {VIRTIO_MMIO_QUEUE_NUM, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_READY, read_queue_ready, write_action},
    {VIRTIO_MMIO_QUEUE_NOTIFY, NULL, write_action},
    {VIRTIO_MMIO_INTERRUPT_STATUS, read_state, NULL},
    {VIRTIO_MMIO_INTERRUPT_ACK, NULL, write_action},
    {VIRTIO_MMIO_STATUS, read_state, write_action},
    {VIRTIO_MMIO_QUEUE_DESC_LOW, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_DESC_HIGH, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_AVAIL_LOW, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_AVAIL_HIGH, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_USED_LOW, NULL, write_queue},
    {VIRTIO_MMIO_QUEUE_USED_HIGH, NULL, write_queue},
    {VIRTIO_MMIO_SHM_SEL, NULL, write_selector},
    {VIRTIO_MMIO_SHM_LEN_LOW, read_shared_memory, NULL},
    {VIRTIO_MMIO_SHM_LEN_HIGH, read_shared_memory, NULL},
    {VIRTIO_MMIO_SHM_BASE_LOW, read_shared_memory, NULL},
    {VIRTIO_MMIO_SHM_BASE_HIGH, read_shared_memory, NULL},
    {QUEUE_RESET, read_queue_reset, write_action},
    {VIRTIO_MMIO_CONFIG_GENERATION, read_state, NULL},
};

static const struct row *row_at(uint64_t offset)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].at == offset)
			return &rows[i];
	return NULL;
}

/* Of the configuration, any piece is answered; what is odd is counted. */
static uint64_t read_config(struct vmsnd_mmio *mmio, uint64_t offset, unsigned bytes)
{
	uint8_t piece[8] = {0};

	if (bytes == 0 || bytes > sizeof(piece) || offset >= VMSND_MMIO_BYTES) {
		mmio->counters.bad_reads++;
		return 0;
	}
	mmio->counters.odd_accesses += (bytes & (bytes - 1)) != 0 || offset % bytes != 0;
	ops_of(mmio)->config_read(mmio->card.dev, (uint32_t)offset - VIRTIO_MMIO_CONFIG, piece,
				  bytes);
	return vmsnd_le64(piece);
}

uint64_t vmsnd_mmio_read(struct vmsnd_mmio *mmio, uint64_t offset, unsigned bytes)
{
	const struct row *row = row_at(offset);

	if (offset >= VIRTIO_MMIO_CONFIG)
		return read_config(mmio, offset, bytes);
	/* 4.2.2.2: "32 bit wide and aligned". */
	if (bytes != 4 || offset % 4 != 0)
		mmio->counters.odd_accesses++;
	else if (!row || !row->read)
		mmio->counters.bad_reads++;
	else
		return row->read(mmio, (uint32_t)offset);
	return 0;
}

void vmsnd_mmio_write(struct vmsnd_mmio *mmio, uint64_t offset, unsigned bytes, uint64_t value,
		      vmsnd_ns now)
{
	const struct row *row = row_at(offset);
	struct access access = {(uint32_t)offset, (uint32_t)value, now};

	/* Of a queue that waits, a reset is the end. */
	if (offset != VIRTIO_MMIO_STATUS || value != 0)
		vmsnd_mmio_go_on(mmio, now);
	if (offset < VIRTIO_MMIO_CONFIG && (bytes != 4 || offset % 4 != 0))
		mmio->counters.odd_accesses++;
	else if (!row || !row->write) /* nor is there anything to write in a configuration */
		mmio->counters.bad_writes++;
	else
		row->write(mmio, &access);
}

void vmsnd_mmio_init(struct vmsnd_mmio *mmio, const struct vmsnd_card_ref *card,
		     const struct vmsnd_mmio_user *user)
{
	memset(mmio, 0, sizeof(*mmio));
	mmio->card = *card;
	mmio->user = *user;
	vmsnd_mmio_clear(mmio);
}

size_t vmsnd_mmio_counters(const struct vmsnd_mmio *mmio, struct vmsnd_counter *out, size_t max)
{
	const struct vmsnd_mmio_counters *c = &mmio->counters;
	const struct vmsnd_counter all[] = {
	    {"mmio_odd_accesses", c->odd_accesses},
	    {"mmio_bad_reads", c->bad_reads},
	    {"mmio_bad_writes", c->bad_writes},
	    {"mmio_refused_writes", c->refused_writes},
	    {"mmio_refused_queues", c->refused_queues},
	    {"mmio_notifies", c->notifies},
	    {"mmio_resets", c->resets},
	};
	size_t n = sizeof(all) / sizeof(all[0]);

	memcpy(out, all, (max < n ? max : n) * sizeof(all[0]));
	return n;
}
