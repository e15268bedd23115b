/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest for tests. */
#include "rig_packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory --------------------------------------------------------------------------- */

void *rig_at(struct rig *rig, vmsnd_gpa gpa)
{
	assert_in_range(gpa, RIG_GPA, RIG_GPA + RIG_RAM_BYTES);
	return rig->ram + (gpa - RIG_GPA);
}

vmsnd_gpa rig_alloc(struct rig *rig, size_t bytes)
{
	vmsnd_gpa at = (rig->next_free + 15) & ~UINT64_C(15);

	rig->next_free = at + bytes;
	assert_true(rig->next_free <= RIG_GPA + RIG_RAM_BYTES);
	memset(rig_at(rig, at), 0, bytes);
	return at;
}

vmsnd_gpa rig_put(struct rig *rig, const void *from, size_t bytes)
{
	vmsnd_gpa at = rig_alloc(rig, bytes);

	if (bytes > 0)
		memcpy(rig_at(rig, at), from, bytes);
	return at;
}

/* ---- rings of the environment --------------------------------------------------------- */

bool rig_rings_are(const char *word)
{
	const char *rings = getenv("VMSND_TEST_RINGS");

	return rings && strstr(rings, word);
}

uint64_t rig_features(void)
{
	return RIG_F_ALL | (rig_rings_are("packed") ? RIG_F_PACKED : 0) |
	       (rig_rings_are("in-order") ? RIG_F_IN_ORDER : 0);
}

/* The options that make a card offer them. */
static const struct vmsnd_conf *options_of(struct rig *rig)
{
	char text[64], error[200];

	if (rig->options || rig_features() == RIG_F_ALL)
		return rig->options;
	snprintf(text, sizeof(text), "packed=%s,in-order=%s",
		 rig_rings_are("packed") ? "on" : "off", rig_rings_are("in-order") ? "on" : "off");
	assert_int_equal(
	    vmsnd_conf_parse(&rig->rings, RIG_CLASS->options, "card", text, error, sizeof(error)),
	    VMSND_OK);
	return &rig->rings;
}

uint32_t rig_place(const struct rig *rig, unsigned queue, uint32_t n)
{
	uint32_t size = rig->queues[queue].setup.size, place = n * 3 % (2 * size), word;

	if (!rig->queues[queue].packed)
		return n;
	word = place < size ? place | 0x8000 : place - size;
	return word | word << 16;
}

/* ---- the world around the card ---------------------------------------------------------- */

static void on_notify(void *ctx, unsigned vector)
{
	struct rig *rig = ctx;

	assert_in_range(vector, 0, N_QUEUES - 1);
	rig->queues[vector].interrupts++;
	rig->last_interrupt = vector;
	if (rig->on_interrupt)
		rig->on_interrupt(rig, vector);
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct rig *rig = ctx;

	return rig->ports[dir == VMSND_PLAYBACK ? index : rig->n_playback + index];
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	struct rig *rig = ctx;

	rig->faults[what]++;
}

static void on_mixer(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	struct rig *rig = ctx;

	rig->turned[dir == VMSND_PLAYBACK ? index : rig->n_playback + index]++;
}

void rig_make_card(struct rig *rig)
{
	const struct vmsnd_dev_conf conf = {.name = "card",
					    .playback_streams = rig->n_playback,
					    .capture_streams = rig->n_capture,
					    .options = options_of(rig),
					    .node = rig->node};
	struct vmsnd_dev_env env = {.ctx = rig,
				    .mem = &rig->mem,
				    .notify = on_notify,
				    .port = on_port,
				    .guest_fault = on_fault,
				    .mixer_changed = on_mixer};

	free(rig->dev);
	rig->dev_bytes = RIG_CLASS->footprint(&conf);
	assert_true(rig->dev_bytes > 0);
	rig->dev = calloc(1, rig->dev_bytes);
	assert_int_equal(RIG_CLASS->init(rig->dev, &conf, &env, rig->now), VMSND_OK);
}

void rig_open(struct rig *rig, unsigned n_playback, unsigned n_capture)
{
	rig_open_as(rig, &(struct rig_card){.n_playback = n_playback, .n_capture = n_capture});
}

void rig_open_as(struct rig *rig, const struct rig_card *card)
{
	unsigned n_playback = card->n_playback, n_capture = card->n_capture;
	struct vmsnd_region region = {
	    .gpa = RIG_GPA, .bytes = RIG_RAM_BYTES, .rights = VMSND_READ | VMSND_WRITE};

	memset(rig, 0, sizeof(*rig));
	rig->ram = calloc(1, RIG_RAM_BYTES);
	region.at = rig->ram;
	rig->next_free = RIG_GPA;
	rig->n_playback = n_playback;
	rig->n_capture = n_capture;
	rig->options = card->options;
	rig->node = card->node;
	assert_int_equal(vmsnd_gmem_add(&rig->mem, &region), VMSND_OK);
	for (unsigned i = 0; i < n_playback + n_capture; i++) {
		rig->ports[i] = malloc(sizeof(*rig->ports[i]));
		fake_port_init(rig->ports[i], i < n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE);
	}
	rig->now = 5 * VMSND_NS_PER_SECOND;
	rig_make_card(rig);
}

void rig_open_with(struct rig *rig, unsigned n_playback, unsigned n_capture, const char *options,
		   const char *yaml)
{
	struct vmsnd_conf *conf = malloc(sizeof(*conf));
	struct vmsnd_node *node = NULL;
	struct vmsnd_error error = {""};

	if (vmsnd_conf_parse(conf, RIG_CLASS->options, "card", options, error.line,
			     sizeof(error.line)) ||
	    (yaml && vmsnd_yaml_parse("card", yaml, strlen(yaml), &node, &error)))
		fail_msg("%s", error.line);
	rig_open_as(rig, &(struct rig_card){n_playback, n_capture, conf, node});
	rig->own_options = conf;
	rig->own_node = node;
}

uint8_t *rig_save(struct rig *rig, size_t *bytes)
{
	struct vmsnd_state_writer count = {.to = NULL}, writer;
	size_t ram_bytes = rig->next_free - RIG_GPA;
	uint8_t *dev = malloc(rig->dev_bytes), *ram = malloc(ram_bytes);

	memcpy(dev, rig->dev, rig->dev_bytes);
	memcpy(ram, rig->ram, ram_bytes);
	RIG_CLASS->save(rig->dev, &count);
	assert_in_range(count.used, 1, VMSND_DEV_STATE_BYTES_MAX);
	writer = (struct vmsnd_state_writer){.to = malloc(count.used), .room = count.used};
	RIG_CLASS->save(rig->dev, &writer);
	assert_false(writer.full);
	assert_int_equal(writer.used, count.used);
	assert_memory_equal(dev, rig->dev, rig->dev_bytes);
	assert_memory_equal(ram, rig->ram, ram_bytes);
	free(dev);
	free(ram);
	*bytes = writer.used;
	return writer.to;
}

enum vmsnd_rc rig_load(struct rig *rig, const uint8_t *from, size_t bytes)
{
	struct vmsnd_state_reader reader = {.from = from, .bytes = bytes};

	return RIG_CLASS->load(rig->dev, &reader, RIG_CLASS->state_minor, rig->now);
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++) {
		fake_port_free(rig->ports[i]);
		free(rig->ports[i]);
	}
	vmsnd_tree_free(rig->own_node);
	free(rig->own_options);
	free(rig->dev);
	free(rig->ram);
}

void rig_layout(struct rig *rig, unsigned queue, uint16_t size)
{
	struct rig_queue *q = &rig->queues[queue];

	*q = (struct rig_queue){
	    .setup = {.size = size}, .free_descriptors = size, .packed = q->packed};
	q->setup.desc = rig_alloc(rig, (size_t)size * sizeof(struct vring_desc));
	q->setup.avail = rig_alloc(rig, 6 + 2 * (size_t)size);
	q->setup.used = rig_alloc(rig, 6 + 8 * (size_t)size);
}

void rig_boot(struct rig *rig, uint64_t features, uint16_t queue_size)
{
	RIG_OPS->set_features(rig->dev, features);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig->queues[i].packed = (features & RIG_F_PACKED) != 0;
		rig_layout(rig, i, queue_size);
		assert_int_equal(RIG_OPS->queue_start(rig->dev, i, &rig->queues[i].setup, rig->now),
				 VMSND_OK);
	}
	rig_step(rig);
}

void rig_up(struct rig *rig, unsigned n_playback, unsigned n_capture)
{
	rig_open(rig, n_playback, n_capture);
	rig_boot(rig, rig_features(), 64);
}

/* ---- rings -------------------------------------------------------------------------------- */

static uint16_t *word(struct rig *rig, vmsnd_gpa at)
{
	return rig_at(rig, at);
}

struct vring_desc *rig_descriptor(struct rig *rig, unsigned queue, uint16_t index)
{
	return (struct vring_desc *)rig_at(rig, rig->queues[queue].setup.desc) + index;
}

uint16_t rig_used_index(struct rig *rig, unsigned queue)
{
	uint16_t place = rig->queues[queue].used_place, n = rig->queues[queue].used;
	uint32_t id, written;

	while (rig->queues[queue].packed && rig_packed_take(rig, queue, &place, &id, &written))
		n++;
	if (rig->queues[queue].packed)
		return n;
	return *word(rig, rig->queues[queue].setup.used + 2);
}

uint16_t rig_used_flags(struct rig *rig, unsigned queue)
{
	return *word(rig, rig->queues[queue].setup.used);
}

uint16_t rig_avail_event(struct rig *rig, unsigned queue)
{
	const struct vmsnd_queue_setup *setup = &rig->queues[queue].setup;

	return *word(rig, setup->used + 4 + (vmsnd_gpa)setup->size * 8);
}

void rig_set_used_event(struct rig *rig, unsigned queue, uint16_t entry)
{
	const struct vmsnd_queue_setup *setup = &rig->queues[queue].setup;

	*word(rig, setup->avail + 4 + (vmsnd_gpa)setup->size * 2) = entry;
}

void rig_set_avail_flags(struct rig *rig, unsigned queue, uint16_t flags)
{
	*word(rig, rig->queues[queue].setup.avail) = flags;
}

void rig_set_avail_index(struct rig *rig, unsigned queue, uint16_t index)
{
	*word(rig, rig->queues[queue].setup.avail + 2) = index;
}

void rig_offer(struct rig *rig, unsigned queue, uint16_t head)
{
	struct rig_queue *q = &rig->queues[queue];
	vmsnd_gpa slot = q->avail & (q->setup.size - 1u);

	*word(rig, q->setup.avail + 4 + slot * 2) = head;
	rig_set_avail_index(rig, queue, ++q->avail);
}

uint16_t rig_take_descriptor(struct rig_queue *q)
{
	for (uint16_t i = 0; i < q->setup.size; i++)
		if (!q->taken[i]) {
			q->taken[i] = true;
			q->free_descriptors--;
			return i;
		}
	fail_msg("the driver has no descriptor left");
	return 0;
}

static void fill_descriptor(struct vring_desc *to, const struct rig_segment *from)
{
	*to = (struct vring_desc){
	    .addr = from->at, .len = from->bytes, .flags = from->writable ? VRING_DESC_F_WRITE : 0};
}

static uint16_t post_direct(struct rig *rig, unsigned queue, const struct rig_segment *segments,
			    unsigned n)
{
	struct vring_desc *before = NULL;
	uint16_t head = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t index = rig_take_descriptor(&rig->queues[queue]);

		fill_descriptor(rig_descriptor(rig, queue, index), &segments[i]);
		if (before) {
			before->flags |= VRING_DESC_F_NEXT;
			before->next = index;
		} else {
			head = index;
		}
		before = rig_descriptor(rig, queue, index);
	}
	return head;
}

static uint16_t post_indirect(struct rig *rig, unsigned queue, const struct rig_segment *segments,
			      unsigned n)
{
	vmsnd_gpa table = rig_alloc(rig, n * sizeof(struct vring_desc));
	struct vring_desc *entries = rig_at(rig, table);
	uint16_t head = rig_take_descriptor(&rig->queues[queue]);

	for (unsigned i = 0; i < n; i++) {
		fill_descriptor(&entries[i], &segments[i]);
		if (i + 1 == n)
			continue;
		entries[i].flags |= VRING_DESC_F_NEXT;
		entries[i].next = (uint16_t)(i + 1);
	}
	*rig_descriptor(rig, queue, head) =
	    (struct vring_desc){.addr = table,
				.len = (uint32_t)(n * sizeof(struct vring_desc)),
				.flags = VRING_DESC_F_INDIRECT};
	return head;
}

uint16_t rig_post(struct rig *rig, unsigned queue, const struct rig_segment *segments, unsigned n,
		  bool indirect)
{
	uint16_t head;

	if (rig->queues[queue].packed)
		return rig_packed_post(rig, queue, segments, n, indirect);
	head = indirect ? post_indirect(rig, queue, segments, n)
			: post_direct(rig, queue, segments, n);

	rig_offer(rig, queue, head);
	return head;
}

void rig_kick(struct rig *rig, unsigned queue)
{
	RIG_OPS->kick(rig->dev, queue, rig->now);
	rig_step(rig);
}

static void free_chain(struct rig *rig, unsigned queue, uint32_t head)
{
	struct rig_queue *q = &rig->queues[queue];

	for (uint16_t left = q->setup.size, i = (uint16_t)head; left > 0 && q->taken[i]; left--) {
		const struct vring_desc *desc = rig_descriptor(rig, queue, i);

		q->taken[i] = false;
		q->free_descriptors++;
		if (!(desc->flags & VRING_DESC_F_NEXT) || desc->next >= q->setup.size)
			return;
		i = desc->next;
	}
}

uint16_t rig_given_back(struct rig *rig, unsigned queue)
{
	return (uint16_t)(rig_used_index(rig, queue) - rig->queues[queue].used);
}

bool rig_take(struct rig *rig, unsigned queue, uint32_t *head, uint32_t *written)
{
	struct rig_queue *q = &rig->queues[queue];
	vmsnd_gpa slot = q->used & (q->setup.size - 1u);
	struct vring_used_elem entry;

	if (rig_given_back(rig, queue) == 0)
		return false;
	if (q->packed) {
		rig_packed_take(rig, queue, &q->used_place, &entry.id, &entry.len);
		rig_packed_free(q, entry.id);
	} else {
		memcpy(&entry, rig_at(rig, q->setup.used + 4 + slot * 8), sizeof(entry));
		assert_in_range(entry.id, 0, q->setup.size - 1u);
		free_chain(rig, queue, entry.id);
	}
	q->used++;
	if (head)
		*head = entry.id;
	if (written)
		*written = entry.len;
	return true;
}

/* ---- time ----------------------------------------------------------------------------------- */

static vmsnd_ns step(struct rig *rig, vmsnd_ns at)
{
	vmsnd_ns next = VMSND_NEVER, due;

	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++)
		fake_port_advance(rig->ports[i], at);
	next = RIG_CLASS->advance(rig->dev, at);
	for (unsigned i = 0; i < rig->n_playback + rig->n_capture; i++) {
		due = fake_port_advance(rig->ports[i], at);
		next = due < next ? due : next;
	}
	return next;
}

void rig_run_until(struct rig *rig, vmsnd_ns until)
{
	vmsnd_ns next = step(rig, rig->now);
	unsigned steps = 0;

	while (next <= until) {
		/* A card that always says `now` would hold up its lane. */
		assert_true(++steps < 100000);
		assert_true(next >= rig->now);
		rig->now = next;
		next = step(rig, next);
	}
	rig->now = until;
}

void rig_run_ms(struct rig *rig, uint64_t ms)
{
	rig_run_until(rig, rig->now + ms * RIG_MS);
}

void rig_step(struct rig *rig)
{
	rig_run_until(rig, rig->now);
}

/* ---- control ----------------------------------------------------------------------------------
 */

uint32_t rig_request(struct rig *rig, const void *request, uint32_t bytes, void *answer,
		     uint32_t answer_bytes)
{
	vmsnd_gpa out = rig_put(rig, request, bytes), in = rig_alloc(rig, answer_bytes);
	const struct rig_segment segments[] = {{out, bytes, false}, {in, answer_bytes, true}};
	uint32_t head, written, expected;

	memset(rig_at(rig, in), 0xEE, answer_bytes);
	expected = rig_post(rig, CONTROL, segments, 2, false);
	rig_kick(rig, CONTROL);
	assert_true(rig_take(rig, CONTROL, &head, &written));
	assert_int_equal(head, expected);
	assert_true(written <= answer_bytes);
	assert_int_equal(rig_given_back(rig, CONTROL), 0);
	if (answer)
		memcpy(answer, rig_at(rig, in), answer_bytes);
	return written;
}

uint32_t rig_command(struct rig *rig, uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_hdr hdr = {{code}, stream};
	uint32_t status;

	assert_int_equal(rig_request(rig, &hdr, sizeof(hdr), &status, sizeof(status)), 4);
	return status;
}

void rig_expect(struct rig *rig, uint32_t code, uint32_t stream, uint32_t status)
{
	assert_int_equal(rig_command(rig, code, stream), status);
}

uint32_t rig_set_params(struct rig *rig, uint32_t stream,
			const struct virtio_snd_pcm_set_params *params)
{
	struct virtio_snd_pcm_set_params request = *params;
	uint32_t status;

	request.hdr.hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS;
	request.hdr.stream_id = stream;
	assert_int_equal(rig_request(rig, &request, sizeof(request), &status, sizeof(status)), 4);
	return status;
}

void rig_set_usual(struct rig *rig, uint32_t stream)
{
	const struct virtio_snd_pcm_set_params params = {.buffer_bytes = RIG_BUFFER_BYTES,
							 .period_bytes = RIG_PERIOD_BYTES,
							 .channels = 2,
							 .format = VIRTIO_SND_PCM_FMT_S16,
							 .rate = VIRTIO_SND_PCM_RATE_48000};

	assert_int_equal(rig_set_params(rig, stream, &params), VIRTIO_SND_S_OK);
}

void rig_prepare(struct rig *rig, uint32_t stream)
{
	rig_set_usual(rig, stream);
	rig_expect(rig, VIRTIO_SND_R_PCM_PREPARE, stream, VIRTIO_SND_S_OK);
}

/* ---- data
 * ----------------------------------------------------------------------------------------- */

struct rig_message rig_post_playback(struct rig *rig, uint32_t stream, const void *data,
				     uint32_t bytes)
{
	struct rig_message made = {
	    .bytes = bytes, .data = rig_put(rig, data, bytes), .status = rig_alloc(rig, 8)};
	const struct rig_segment segments[] = {{rig_put(rig, &stream, 4), 4, false},
					       {made.data, bytes, false},
					       {made.status, 8, true}};

	made.head = rig_post(rig, TX, segments, 3, false);
	return made;
}

struct rig_message rig_post_capture(struct rig *rig, uint32_t stream, uint32_t bytes)
{
	struct rig_message made = {
	    .bytes = bytes, .data = rig_alloc(rig, bytes), .status = rig_alloc(rig, 8)};
	const struct rig_segment segments[] = {
	    {rig_put(rig, &stream, 4), 4, false}, {made.data, bytes, true}, {made.status, 8, true}};

	made.head = rig_post(rig, RX, segments, 3, false);
	return made;
}

struct virtio_snd_pcm_status rig_status(struct rig *rig, const struct rig_message *message)
{
	struct virtio_snd_pcm_status status;

	memcpy(&status, rig_at(rig, message->status), sizeof(status));
	return status;
}

void rig_fill_numbers(uint32_t *to, uint32_t first, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++)
		to[i] = first + i;
}

void rig_expect_numbers(const struct vmsnd_port *port, uint32_t frames)
{
	assert_int_equal(port->heard_bytes, frames * 4);
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t number;

		memcpy(&number, port->heard + (size_t)i * 4, 4);
		assert_int_equal(number, i + 1);
	}
}

uint64_t rig_counter(struct rig *rig, const char *name)
{
	struct vmsnd_counter list[64];
	size_t n = RIG_CLASS->counters(rig->dev, list, 64);

	for (size_t i = 0; i < n && i < 64; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter named %s", name);
	return 0;
}
