/* SPDX-License-Identifier: BSD-3-Clause */
/* The card as its driver sees it: features, queues, what it has, what comes back. */
#include "guests/virtio_snd_guest.h"

#include <linux/virtio_config.h>
#include <string.h>

#include "guests/parts.h"

#define QUEUE_SIZE_USUAL 64u
#define EVENT_BYTES      ((uint32_t)sizeof(struct virtio_snd_event))
#define BIT(n)           (UINT64_C(1) << (n))
/* Absent from older headers. */
#define F_RING_PACKED BIT(34)
#define F_IN_ORDER    BIT(35)
#define F_RING_RESET  BIT(40)

enum vmsnd_rc vmsnd_guest_kick_queue(struct vmsnd_guest *guest, unsigned queue, vmsnd_ns now)
{
	if (!vmsnd_guest_ring_needs_kick(&guest->rings[queue]))
		return VMSND_OK;
	guest->kicks++;
	return guest->conf.bus.kick(guest->conf.bus.ctx, queue, now);
}

/* ---- setting up ----------------------------------------------------------------- */

static enum vmsnd_rc negotiate(struct vmsnd_guest *guest)
{
	const struct vmsnd_guest_conf *conf = &guest->conf;
	uint64_t wish = BIT(VIRTIO_F_VERSION_1);

	if (conf->event_idx)
		wish |= BIT(VIRTIO_RING_F_EVENT_IDX);
	if (conf->indirect)
		wish |= BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (conf->controls)
		wish |= BIT(0); /* VIRTIO_SND_F_CTLS, absent from older headers */
	if (conf->packed)
		wish |= F_RING_PACKED;
	if (conf->in_order)
		wish |= F_IN_ORDER;
	if (conf->ring_reset && conf->bus.queue_reset)
		wish |= F_RING_RESET;
	guest->features = conf->bus.features(conf->bus.ctx) & wish;
	if (!(guest->features & BIT(VIRTIO_F_VERSION_1)))
		return VMSND_E_UNSUPPORTED;
	return conf->bus.set_features(conf->bus.ctx, guest->features);
}

static enum vmsnd_rc start_queues(struct vmsnd_guest *guest, vmsnd_ns now)
{
	const struct vmsnd_guest_bus *bus = &guest->conf.bus;

	for (unsigned queue = 0; queue < VIRTIO_SND_VQ_MAX; queue++) {
		enum vmsnd_rc rc =
		    bus->queue_start(bus->ctx, queue, &guest->rings[queue].setup, now);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

static enum vmsnd_rc init_queues(struct vmsnd_guest *guest)
{
	struct vmsnd_guest_ring_conf conf = {
	    .size = guest->conf.queue_size ? guest->conf.queue_size : QUEUE_SIZE_USUAL,
	    .event_idx = (guest->features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0,
	    .indirect = (guest->features & BIT(VIRTIO_RING_F_INDIRECT_DESC)) != 0,
	    .packed = (guest->features & F_RING_PACKED) != 0,
	    .in_order = (guest->features & F_IN_ORDER) != 0,
	};

	for (unsigned queue = 0; queue < VIRTIO_SND_VQ_MAX; queue++) {
		enum vmsnd_rc rc =
		    vmsnd_guest_ring_init(&guest->rings[queue], &conf, &guest->memory);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

static void lend_event(struct vmsnd_guest *guest, uint32_t index)
{
	struct vmsnd_guest_segment segment = {
	    .at = vmsnd_guest_memory_gpa(&guest->memory, guest->events + index * EVENT_BYTES),
	    .bytes = EVENT_BYTES,
	    .card_writes = true,
	};

	vmsnd_guest_ring_add(&guest->rings[VIRTIO_SND_VQ_EVENT], &segment, 1, index);
}

static enum vmsnd_rc lend_events(struct vmsnd_guest *guest, vmsnd_ns now)
{
	guest->events =
	    vmsnd_guest_memory_take(&guest->memory, VMSND_GUEST_EVENTS * EVENT_BYTES, 8);
	if (!guest->events)
		return VMSND_E_NOMEM;
	for (uint32_t i = 0; i < VMSND_GUEST_EVENTS; i++)
		lend_event(guest, i);
	return vmsnd_guest_kick_queue(guest, VIRTIO_SND_VQ_EVENT, now);
}

/* ---- asking what there is ------------------------------------------------------- */

struct query {
	uint32_t code, count, item_bytes;
	uint8_t *to;
	size_t stride;
};

static enum vmsnd_rc ask_some(struct vmsnd_guest *guest, const struct query *query, uint32_t start,
			      uint32_t count, vmsnd_ns now)
{
	struct virtio_snd_query_info info = {
	    .hdr.code = query->code, .start_id = start, .count = count, .size = query->item_bytes};
	struct vmsnd_guest_answer answer = vmsnd_guest_request(guest, &info, sizeof(info), now);

	if (answer.status == 0)
		return VMSND_E_GONE;
	if (answer.status != VIRTIO_SND_S_OK || answer.bytes < 4 + count * query->item_bytes)
		return VMSND_E_PROTOCOL;
	for (uint32_t i = 0; i < count; i++)
		memcpy(query->to + (start + i) * query->stride,
		       answer.at + 4 + i * query->item_bytes, query->item_bytes);
	return VMSND_OK;
}

/* As many items a request as the answer has room for. */
static enum vmsnd_rc ask(struct vmsnd_guest *guest, const struct query *query, vmsnd_ns now)
{
	uint32_t most = (VMSND_GUEST_ANSWER_BYTES - 4) / query->item_bytes;

	for (uint32_t start = 0; start < query->count; start += most) {
		uint32_t left = query->count - start;
		enum vmsnd_rc rc = ask_some(guest, query, start, left < most ? left : most, now);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

static enum vmsnd_rc ask_all(struct vmsnd_guest *guest, vmsnd_ns now)
{
	const struct query streams = {.code = VIRTIO_SND_R_PCM_INFO,
				      .count = guest->config.streams,
				      .item_bytes = sizeof(struct virtio_snd_pcm_info),
				      .to = (uint8_t *)&guest->streams[0].info,
				      .stride = sizeof(guest->streams[0])};
	const struct query chmaps = {.code = VIRTIO_SND_R_CHMAP_INFO,
				     .count = guest->config.chmaps,
				     .item_bytes = sizeof(struct virtio_snd_chmap_info),
				     .to = (uint8_t *)guest->chmaps,
				     .stride = sizeof(guest->chmaps[0])};
	enum vmsnd_rc rc = ask(guest, &streams, now);

	return rc ? rc : ask(guest, &chmaps, now);
}

static enum vmsnd_rc read_config(struct vmsnd_guest *guest)
{
	const struct vmsnd_guest_bus *bus = &guest->conf.bus;
	enum vmsnd_rc rc = bus->config_read(bus->ctx, 0, &guest->config, sizeof(guest->config));

	if (rc)
		return rc;
	if (guest->config.streams > VMSND_GUEST_STREAMS_MAX ||
	    guest->config.chmaps > VMSND_GUEST_CHMAPS_MAX)
		return VMSND_E_NOMEM;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_guest_open(struct vmsnd_guest *guest, const struct vmsnd_guest_conf *conf,
			       vmsnd_ns now)
{
	enum vmsnd_rc rc;

	memset(guest, 0, sizeof(*guest));
	guest->conf = *conf;
	guest->memory = (struct vmsnd_guest_memory){
	    .at = conf->memory, .gpa = conf->gpa, .bytes = conf->memory_bytes};
	rc = negotiate(guest);
	if (!rc)
		rc = conf->bus.share(conf->bus.ctx, conf->gpa, conf->memory, conf->memory_bytes);
	if (!rc)
		rc = read_config(guest);
	if (!rc)
		rc = init_queues(guest);
	if (!rc && !vmsnd_guest_control_init(guest))
		rc = VMSND_E_NOMEM;
	if (!rc)
		rc = start_queues(guest, now);
	if (!rc)
		rc = lend_events(guest, now);
	return rc ? rc : ask_all(guest, now);
}

int vmsnd_guest_find_stream(const struct vmsnd_guest *guest, enum vmsnd_dir dir, unsigned after)
{
	uint8_t wanted = dir == VMSND_PLAYBACK ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT;

	for (unsigned i = after; i < guest->config.streams; i++)
		if (guest->streams[i].info.direction == wanted)
			return (int)i;
	return -1;
}

enum vmsnd_rc vmsnd_guest_pause(struct vmsnd_guest *guest, vmsnd_ns now)
{
	const struct vmsnd_guest_bus *bus = &guest->conf.bus;

	for (unsigned queue = 0; queue < VIRTIO_SND_VQ_MAX; queue++) {
		uint32_t *next = &guest->rings[queue].setup.next_avail;
		enum vmsnd_rc rc = bus->queue_stop(bus->ctx, queue, next, now);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_guest_resume(struct vmsnd_guest *guest, vmsnd_ns now)
{
	return start_queues(guest, now);
}

enum vmsnd_rc vmsnd_guest_reset_queue(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	const struct vmsnd_guest_bus *bus = &guest->conf.bus;
	unsigned queue = vmsnd_guest_queue_of(&guest->streams[stream]);
	enum vmsnd_rc rc;

	if (!(guest->features & F_RING_RESET))
		return VMSND_E_UNSUPPORTED;
	rc = bus->queue_reset(bus->ctx, queue, now);
	if (rc)
		return rc;
	vmsnd_guest_ring_clear(&guest->rings[queue]);
	for (unsigned i = 0; i < guest->config.streams; i++)
		if (vmsnd_guest_queue_of(&guest->streams[i]) == queue)
			vmsnd_guest_stream_forget(&guest->streams[i]);
	return bus->queue_start(bus->ctx, queue, &guest->rings[queue].setup, now);
}

enum vmsnd_rc vmsnd_guest_move(struct vmsnd_guest *guest, const struct vmsnd_guest_bus *bus)
{
	const struct vmsnd_guest_conf *conf = &guest->conf;
	enum vmsnd_rc rc;

	guest->conf.bus = *bus;
	if ((bus->features(bus->ctx) & guest->features) != guest->features)
		return VMSND_E_UNSUPPORTED;
	rc = bus->set_features(bus->ctx, guest->features);
	return rc ? rc : bus->share(bus->ctx, conf->gpa, conf->memory, conf->memory_bytes);
}

/* ---- what comes back ------------------------------------------------------------ */

static void event_done(struct vmsnd_guest *guest, uint32_t index, uint32_t bytes, vmsnd_ns now)
{
	if (bytes == EVENT_BYTES) {
		memcpy(&guest->last_event, guest->events + index * EVENT_BYTES, EVENT_BYTES);
		guest->events_seen++;
	}
	lend_event(guest, index);
	vmsnd_guest_kick_queue(guest, VIRTIO_SND_VQ_EVENT, now);
}

static void message_done(struct vmsnd_guest *guest, unsigned queue, uint32_t cookie, uint32_t bytes,
			 vmsnd_ns now)
{
	if (queue == VIRTIO_SND_VQ_CONTROL)
		vmsnd_guest_control_done(guest, cookie, bytes);
	else if (queue == VIRTIO_SND_VQ_EVENT)
		event_done(guest, cookie, bytes, now);
	else
		vmsnd_guest_stream_done(guest, cookie, bytes, now);
}

unsigned vmsnd_guest_poll(struct vmsnd_guest *guest, vmsnd_ns now)
{
	const struct vmsnd_guest_bus *bus = &guest->conf.bus;
	unsigned n = 0;

	for (unsigned queue = 0; queue < VIRTIO_SND_VQ_MAX; queue++) {
		/* One ring's worth a call: a card gone mad cannot keep us here. */
		uint32_t budget = guest->rings[queue].conf.size, cookie, bytes;

		if (guest->conf.by_interrupt && !bus->interrupted(bus->ctx, queue))
			continue;
		for (; budget > 0 && vmsnd_guest_ring_take(&guest->rings[queue], &cookie, &bytes);
		     budget--, n++)
			message_done(guest, queue, cookie, bytes, now);
	}
	return n;
}
