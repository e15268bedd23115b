/* SPDX-License-Identifier: BSD-3-Clause */
/* The faulty card: our class with used rings of its own, which are copied to the guest's, a fault
 * on the way. `faulty FAULT SOCKET` serves one until it is killed; `faulty --list` names them. */
#include "faulty.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmsnd/machine.h"

#define SHADOW_GPA   (UINT64_C(1) << 50)
#define SHADOW_BYTES 0x4000u
#define HELD_MAX     256u
#define DESC_NEXT    1u
#define DESC_WRITE   2u
#define DESC_TABLE   4u
#define F_EVENT_IDX  (UINT64_C(1) << 29)
#define F_PACKED     (UINT64_C(1) << 34)
#define F_IN_ORDER   (UINT64_C(1) << 35)
#define F_RING_RESET (UINT64_C(1) << 40)
#define MS           UINT64_C(1000000)

struct faulty_queue {
	struct vmsnd_queue_setup setup;
	bool started;
	uint16_t seen;  /* of the card's used ring */
	uint16_t index; /* of the guest's */
	uint16_t taken; /* of the available ring, by the wrapper's own hand */
	/* By head: given back by the wrapper's own hand and not yet by the card; the other way
	 * round. */
	uint16_t own[FAULTY_SIZE_MAX], done[FAULTY_SIZE_MAX];
	bool interrupt;
};

struct held {
	vmsnd_ns due;
	unsigned queue;
	uint16_t head;
	uint32_t bytes;
};

struct faulty {
	const struct vmsnd_dev_class *base;
	const struct fault *fault;
	struct vmsnd_dev *inner;
	struct vmsnd_dev_env env;
	struct vmsnd_gmem mem; /* the guest's and the shadow */
	vmsnd_ns now;
	struct faulty_queue queues[FAULTY_QUEUES];
	struct held held[HELD_MAX];
	unsigned n_held;
	bool prepared[64], running[64];
	_Alignas(64) uint8_t shadow[FAULTY_QUEUES][SHADOW_BYTES];
};

static const struct fault_table *const tables[] = {&faults_card, &faults_ctl, &faults_more};

static struct faulty *faulty_of(struct vmsnd_dev *dev)
{
	return (struct faulty *)(void *)dev;
}

/* ---- guest memory ------------------------------------------------------------------------------
 */

static void see_memory(struct faulty *f)
{
	const struct vmsnd_region shadow = {.gpa = SHADOW_GPA,
					    .bytes = sizeof(f->shadow),
					    .at = f->shadow,
					    .rights = VMSND_READ | VMSND_WRITE};

	memset(&f->mem, 0, sizeof(f->mem));
	for (uint32_t i = 0; i < f->env.mem->n_regions; i++)
		vmsnd_gmem_add(&f->mem, &f->env.mem->regions[i]);
	vmsnd_gmem_add(&f->mem, &shadow);
}

static void copy(struct faulty *f, const struct chain *chain, uint32_t at, void *bytes, uint32_t n,
		 bool write)
{
	uint8_t *next = bytes;

	for (unsigned i = 0; i < chain->n_writable && n > 0; i++) {
		const struct piece *piece = &chain->writable[i];
		uint32_t part = piece->bytes > at ? piece->bytes - at : 0;

		part = part < n ? part : n;
		if (write)
			vmsnd_gmem_write(&f->mem, piece->gpa + at, next, part);
		else
			vmsnd_gmem_read(&f->mem, piece->gpa + at, next, part);
		next += part;
		n -= part;
		at = at > piece->bytes ? at - piece->bytes : 0;
	}
}

void chain_write(struct faulty *f, const struct chain *chain, uint32_t at, const void *from,
		 uint32_t bytes)
{
	copy(f, chain, at, (void *)(uintptr_t)from, bytes, true);
}

void chain_read(struct faulty *f, const struct chain *chain, uint32_t at, void *to, uint32_t bytes)
{
	memset(to, 0, bytes);
	copy(f, chain, at, to, bytes, false);
}

void chain_status(struct faulty *f, struct entry *entry, uint32_t status)
{
	uint32_t at = entry->queue == CONTROL ? 0 : entry->chain.room - 8;

	if (entry->chain.room >= (entry->queue == CONTROL ? 4u : 8u))
		chain_write(f, &entry->chain, at, &status, 4);
	entry->status = status;
}

void chain_overrun(struct faulty *f, const struct chain *chain, uint32_t bytes)
{
	static const uint8_t junk[16] = {1, 2, 3, 4, 5, 6, 7, 8};
	const struct piece *last = &chain->writable[chain->n_writable - 1];

	if (chain->n_writable > 0)
		vmsnd_gmem_write(&f->mem, last->gpa + last->bytes, junk, bytes);
}

/* One descriptor; false at the end of its table. */
static bool add_piece(struct faulty *f, struct chain *chain, vmsnd_gpa desc, uint16_t *next)
{
	struct {
		uint64_t gpa;
		uint32_t bytes;
		uint16_t flags, next;
	} raw = {0};
	bool writable;

	vmsnd_gmem_read(&f->mem, desc, &raw, sizeof(raw));
	writable = raw.flags & DESC_WRITE;
	if (raw.flags & DESC_TABLE) {
		chain->indirect = true;
		for (uint16_t at = 0; at * 16u < raw.bytes && at < FAULTY_PIECES;)
			if (!add_piece(f, chain, raw.gpa + at * 16u, &at))
				break;
		return false;
	}
	if (writable && chain->n_writable < FAULTY_PIECES)
		chain->writable[chain->n_writable++] = (struct piece){raw.gpa, raw.bytes};
	if (!writable && chain->n_readable < FAULTY_PIECES)
		chain->readable[chain->n_readable++] = (struct piece){raw.gpa, raw.bytes};
	*(writable ? &chain->room : &chain->ask_bytes) += raw.bytes;
	*next = raw.next;
	return raw.flags & DESC_NEXT;
}

static void open_chain(struct faulty *f, struct entry *entry)
{
	struct chain *chain = &entry->chain;
	vmsnd_gpa table = f->queues[entry->queue].setup.desc;
	uint8_t *to = (uint8_t *)entry->words;
	uint32_t left = sizeof(entry->words);
	uint16_t at = entry->head;

	*chain = (struct chain){.room = 0};
	for (unsigned i = 0; i < FAULTY_PIECES; i++)
		if (!add_piece(f, chain, table + at * 16u, &at))
			break;
	memset(entry->words, 0, sizeof(entry->words));
	for (unsigned i = 0; i < chain->n_readable && left > 0; i++) {
		uint32_t n = chain->readable[i].bytes < left ? chain->readable[i].bytes : left;

		vmsnd_gmem_read(&f->mem, chain->readable[i].gpa, to, n);
		to += n;
		left -= n;
	}
	entry->status = 0;
	if (entry->queue == CONTROL && chain->room >= 4)
		chain_read(f, chain, 0, &entry->status, 4);
	else if (entry->queue != CONTROL && chain->room >= 8)
		chain_read(f, chain, chain->room - 8, &entry->status, 4);
}

/* ---- back to the guest
 * --------------------------------------------------------------------------- */

static void push(struct faulty *f, unsigned queue, uint16_t head, uint32_t bytes)
{
	struct faulty_queue *q = &f->queues[queue];
	const uint32_t raw[2] = {head, bytes};

	vmsnd_gmem_write(&f->mem, q->setup.used + 4 + q->index % q->setup.size * 8u, raw,
			 sizeof(raw));
	vmsnd_gmem_store16(&f->mem, q->setup.used + 2, ++q->index);
	q->interrupt = true;
}

static void hold(struct faulty *f, const struct entry *entry)
{
	if (f->n_held < HELD_MAX)
		f->held[f->n_held++] = (struct held){f->now + entry->hold_ms * MS, entry->queue,
						     entry->head, entry->bytes};
}

static void note_command(struct faulty *f, const struct entry *entry)
{
	uint32_t stream = entry->words[1];

	if (entry->queue != CONTROL || entry->status != 0x8000 || stream >= 64)
		return;
	if (entry->words[0] == 0x102)
		f->prepared[stream] = true;
	if (entry->words[0] == 0x101 || entry->words[0] == 0x103)
		f->prepared[stream] = f->running[stream] = false;
	if (entry->words[0] == 0x104 || entry->words[0] == 0x105)
		f->running[stream] = entry->words[0] == 0x104;
}

static void deliver(struct faulty *f, struct entry *entry)
{
	struct faulty_queue *q = &f->queues[entry->queue];

	if (q->own[entry->head] > 0) {
		q->own[entry->head]--;
		return;
	}
	q->done[entry->head]++;
	open_chain(f, entry);
	note_command(f, entry);
	if (f->fault->items.code)
		set_in_items(f, entry, &f->fault->items);
	if (f->fault->entry)
		f->fault->entry(f, entry);
	if (entry->drop)
		return;
	if (entry->hold_ms > 0) {
		hold(f, entry);
		return;
	}
	push(f, entry->queue, entry->head, entry->bytes);
	if (entry->twice)
		push(f, entry->queue, entry->head, entry->bytes);
}

/* Data first, as the card has it (V62). */
static void settle(struct faulty *f)
{
	static const unsigned order[] = {TX, RX, EVENT, CONTROL};

	for (unsigned i = 0; i < FAULTY_QUEUES; i++) {
		struct faulty_queue *q = &f->queues[order[i]];
		const uint8_t *used = f->shadow[order[i]];
		uint16_t index, batch;

		memcpy(&index, used + 2, sizeof(index));
		batch = (uint16_t)(index - q->seen);
		for (; q->started && q->seen != index; q->seen++) {
			struct entry entry = {.queue = order[i], .in_batch = batch};
			uint32_t raw[2];

			memcpy(raw, used + 4 + q->seen % q->setup.size * 8u, sizeof(raw));
			entry.head = (uint16_t)raw[0];
			entry.bytes = raw[1];
			deliver(f, &entry);
		}
	}
	for (unsigned i = 0; i < FAULTY_QUEUES; i++) {
		if (f->queues[i].interrupt && !(f->fault->mute & (1u << i)))
			f->env.notify(f->env.ctx, i);
		f->queues[i].interrupt = false;
	}
}

static vmsnd_ns release_held(struct faulty *f)
{
	vmsnd_ns next = VMSND_NEVER;
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n_held; i++) {
		struct held held = f->held[i];

		if (held.due <= f->now && f->queues[held.queue].started) {
			push(f, held.queue, held.head, held.bytes);
			continue;
		}
		next = held.due < next ? held.due : next;
		f->held[kept++] = held;
	}
	f->n_held = kept;
	return next;
}

/* ---- by its own hand
 * --------------------------------------------------------------------------------
 */

bool stream_is_prepared(const struct faulty *f, uint32_t stream)
{
	return stream < 64 && f->prepared[stream];
}

bool stream_is_running(const struct faulty *f, uint32_t stream)
{
	return stream < 64 && f->running[stream];
}

static bool next_available(struct faulty *f, struct entry *entry)
{
	struct faulty_queue *q = &f->queues[entry->queue];
	uint16_t index = q->taken;

	if (!q->started || vmsnd_gmem_load16(&f->mem, q->setup.avail + 2, &index) ||
	    index == q->taken)
		return false;
	vmsnd_gmem_read(&f->mem, q->setup.avail + 4 + q->taken++ % q->setup.size * 2u, &entry->head,
			2);
	entry->head = (uint16_t)(entry->head % FAULTY_SIZE_MAX);
	open_chain(f, entry);
	return true;
}

void finish_all(struct faulty *f, unsigned queue, uint32_t status)
{
	const uint32_t words[2] = {status, 0};
	struct entry entry = {.queue = queue};

	while (next_available(f, &entry)) {
		if (f->queues[queue].done[entry.head] > 0) {
			f->queues[queue].done[entry.head]--;
			continue;
		}
		if (!stream_is_prepared(f, entry.words[0]) || entry.chain.room < 8 ||
		    entry.chain.ask_bytes < 4)
			continue;
		chain_write(f, &entry.chain, entry.chain.room - 8, words, sizeof(words));
		f->queues[queue].own[entry.head]++;
		push(f, queue, entry.head, queue == TX ? 8 : entry.chain.room);
	}
}

void tell_event(struct faulty *f, uint32_t code, uint32_t data)
{
	struct entry entry = {.queue = EVENT};
	const uint32_t words[2] = {code, data};

	if (!next_available(f, &entry) || entry.chain.room < sizeof(words))
		return;
	vmsnd_gmem_write(&f->mem, entry.chain.writable[0].gpa, words, sizeof(words));
	f->queues[EVENT].own[entry.head]++;
	push(f, EVENT, entry.head, sizeof(words));
}

void tell_event_if(struct faulty *f, bool (*wanted)(const struct chain *chain))
{
	const uint32_t words[2] = {0x1101, 0};
	struct entry entry = {.queue = EVENT};

	while (next_available(f, &entry)) {
		const struct chain *chain = &entry.chain;

		if (wanted(chain))
			vmsnd_gmem_write(
			    &f->mem, (chain->n_writable ? chain->writable : chain->readable)->gpa,
			    words, sizeof(words));
	}
}

/* ---- the class
 * ---------------------------------------------------------------------------------------
 */

static const struct vmsnd_dev_class *base_class(void)
{
	return vmsnd_registry_find_device(NULL, "virtio-snd");
}

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	size_t inner = base_class()->footprint(conf);

	return inner ? sizeof(struct faulty) + inner : 0;
}

static void no_notify(void *ctx, unsigned vector)
{
}

static struct vmsnd_port *port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct faulty *f = ctx;

	return f->env.port(f->env.ctx, dir, index);
}

static const struct fault *fault_find(const char *name)
{
	for (unsigned t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (unsigned i = 0; i < tables[t]->n; i++)
			if (strcmp(name, tables[t]->faults[i].name) == 0)
				return &tables[t]->faults[i];
	return NULL;
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);
	const struct vmsnd_dev_env inner = {
	    .ctx = f, .mem = &f->mem, .notify = no_notify, .port = port};

	f->base = base_class();
	f->fault = fault_find(conf->name);
	f->inner = (struct vmsnd_dev *)(void *)(f + 1);
	f->env = *env;
	return f->fault ? f->base->init(f->inner, conf, &inner, now) : VMSND_E_INVALID;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);

	see_memory(f);
	f->base->reset(f->inner, why, now);
	memset(f->queues, 0, sizeof(f->queues));
	memset(f->prepared, 0, sizeof(f->prepared));
	memset(f->running, 0, sizeof(f->running));
	f->n_held = 0;
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);
	vmsnd_ns next, held;

	see_memory(f);
	f->now = now;
	next = f->base->advance(f->inner, now);
	held = release_held(f);
	settle(f);
	held = f->n_held > 0 && held == VMSND_NEVER ? now + MS : held;
	return next < held ? next : held;
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	return 0;
}

static uint64_t features(const struct vmsnd_dev *dev)
{
	const struct faulty *f = (const struct faulty *)(const void *)dev;
	uint64_t all = f->base->virtio->features(f->inner) &
		       ~(F_EVENT_IDX | F_PACKED | F_IN_ORDER | F_RING_RESET);

	return f->fault->features ? f->fault->features(all) : all;
}

static void set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	faulty_of(dev)->base->virtio->set_features(faulty_of(dev)->inner, accepted);
}

static void config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	const struct faulty *f = (const struct faulty *)(const void *)dev;
	uint8_t whole[256] = {0};
	uint32_t words[4];

	f->base->virtio->config_read(f->inner, 0, words, sizeof(words));
	if (f->fault->config)
		f->fault->config(words);
	memcpy(whole, words, sizeof(words));
	memset(to, 0, bytes);
	if (offset < sizeof(whole))
		memcpy(to, whole + offset,
		       bytes < sizeof(whole) - offset ? bytes : sizeof(whole) - offset);
}

static enum vmsnd_rc queue_start(struct vmsnd_dev *dev, unsigned queue,
				 const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);
	struct vmsnd_queue_setup inner = *setup;
	struct faulty_queue *q = &f->queues[queue];
	enum vmsnd_rc rc;

	see_memory(f);
	f->now = now;
	*q = (struct faulty_queue){.setup = *setup, .taken = (uint16_t)setup->next_avail};
	vmsnd_gmem_load16(&f->mem, setup->used + 2, &q->index);
	q->seen = q->index;
	memset(f->shadow[queue], 0, SHADOW_BYTES);
	memcpy(f->shadow[queue] + 2, &q->index, sizeof(q->index));
	inner.used = SHADOW_GPA + queue * SHADOW_BYTES;
	rc = f->base->virtio->queue_start(f->inner, queue, &inner, now);
	q->started = rc == VMSND_OK;
	settle(f);
	return rc;
}

static uint32_t queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);
	uint32_t place;

	see_memory(f);
	place = f->base->virtio->queue_stop(f->inner, queue, now);
	settle(f);
	f->queues[queue].started = false;
	return place;
}

static void queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);

	see_memory(f);
	f->base->virtio->queue_enable(f->inner, queue, on, now);
	settle(f);
}

static void kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct faulty *f = faulty_of(dev);

	see_memory(f);
	f->now = now;
	if (f->fault->kick)
		f->fault->kick(f, queue);
	f->base->virtio->kick(f->inner, queue, now);
	settle(f);
}

/* ---- the program
 * ---------------------------------------------------------------------------------------
 */

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fprintf(stderr, "faulty: %s\n", line);
}

static void list(void)
{
	for (unsigned t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (unsigned i = 0; i < tables[t]->n; i++)
			puts(tables[t]->faults[i].name);
}

static int serve(struct vmsnd_registry *registry, const char *fault, const char *socket)
{
	const struct vmsnd_machine_conf conf = {
	    .lanes = 1, .registry = registry, .log.write = log_line};
	char device[256];
	const struct vmsnd_card_conf card = {.device = device, .backend = "null", .listen_fd = -1};
	struct vmsnd_machine *machine;

	snprintf(device, sizeof(device),
		 "faulty,name=%s,socket=%s,playback=2,capture=2,controls=on,jacks=on,xruns=on,"
		 "period-events=on,polling=on",
		 fault, socket);
	if (vmsnd_machine_open(&conf, &machine) || vmsnd_machine_add(machine, &card, 0))
		return 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct vmsnd_virtio_ops ops = *base_class()->virtio;
	struct vmsnd_dev_class cls = *base_class();
	struct vmsnd_registry *registry;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		list();
		return 0;
	}
	if (argc != 3 || !fault_find(argv[1])) {
		fputs("usage: faulty FAULT SOCKET, or faulty --list\n", stderr);
		return 2;
	}
	ops.features = features;
	ops.set_features = set_features;
	ops.config_read = config_read;
	ops.queue_start = queue_start;
	ops.queue_stop = queue_stop;
	ops.queue_enable = queue_enable;
	ops.kick = kick;
	ops.queue_place = NULL;
	ops.queue_reset = NULL;
	ops.inflight_bytes = NULL;
	ops.inflight = NULL;
	cls.name = "faulty";
	cls.summary = "a card with a fault";
	cls.virtio = &ops;
	cls.panel = NULL;
	cls.footprint = footprint;
	cls.init = init;
	cls.fini = NULL;
	cls.init_complete = NULL;
	cls.life = NULL;
	cls.reset = reset;
	cls.advance = advance;
	cls.counters = counters;
	cls.save = NULL;
	cls.load = NULL;
	if (vmsnd_registry_open(NULL, &registry) || vmsnd_registry_add_device(registry, &cls))
		return 1;
	return serve(registry, argv[1], argv[2]);
}
