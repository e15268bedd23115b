/* SPDX-License-Identifier: BSD-3-Clause */
/* The device by way of its trace: a class whose functions record and go on to the true one. What
 * it is called with as the device is the trace. */
#include "manager/trace_parts.h"

struct vmsnd_trace *vmsnd_trace_of(const struct vmsnd_dev *dev)
{
	return (struct vmsnd_trace *)(uintptr_t)dev;
}

void vmsnd_trace_time(struct vmsnd_trace *trace, vmsnd_ns now)
{
	trace->now = now > trace->now ? now : trace->now;
}

void vmsnd_trace_enter(struct vmsnd_trace *trace, struct vmsnd_trace_record *record)
{
	record->phase = VMSND_TRACE_ENTER;
	vmsnd_trace_put(trace, record);
	trace->inside++;
}

void vmsnd_trace_leave(struct vmsnd_trace *trace, struct vmsnd_trace_record *record,
		       uint64_t result)
{
	trace->inside--;
	record->phase = VMSND_TRACE_LEAVE;
	record->result = result;
	vmsnd_trace_put(trace, record);
}

static enum vmsnd_rc leave_rc(struct vmsnd_trace *trace, struct vmsnd_trace_record *record,
			      enum vmsnd_rc rc)
{
	vmsnd_trace_leave(trace, record, (uint64_t)(int64_t)rc);
	return rc;
}

/* ---- every device ---- */

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_RESET, .args = {why}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->reset(trace->real.dev, why, now);
	vmsnd_trace_leave(trace, &record, 0);
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_ADVANCE};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);
	vmsnd_ns next;

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	next = trace->real.cls->advance(trace->real.dev, now);
	vmsnd_trace_leave(trace, &record, next);
	return next;
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	const struct vmsnd_card_ref *real = &vmsnd_trace_of(dev)->real;

	return real->cls->counters(real->dev, out, max);
}

static void fini(struct vmsnd_dev *dev)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_FINI};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_enter(trace, &record);
	trace->real.cls->fini(trace->real.dev);
	vmsnd_trace_leave(trace, &record, 0);
}

static enum vmsnd_rc init_complete(struct vmsnd_dev *dev, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_INIT_COMPLETE};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	return leave_rc(trace, &record, trace->real.cls->init_complete(trace->real.dev, now));
}

static enum vmsnd_rc life(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_LIFE, .args = {what}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	return leave_rc(trace, &record, trace->real.cls->life(trace->real.dev, what, now));
}

static void save(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_SAVE};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);
	size_t before = to->used;

	vmsnd_trace_enter(trace, &record);
	trace->real.cls->save(trace->real.dev, to);
	vmsnd_trace_leave(trace, &record, to->used - before);
}

static enum vmsnd_rc load(struct vmsnd_dev *dev, struct vmsnd_state_reader *from, uint16_t minor,
			  vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_LOAD, .args = {minor}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	return leave_rc(trace, &record, trace->real.cls->load(trace->real.dev, from, minor, now));
}

/* ---- virtio cards ---- */

static uint64_t features(const struct vmsnd_dev *dev)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_FEATURES};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);
	uint64_t bits;

	vmsnd_trace_enter(trace, &record);
	bits = trace->real.cls->virtio->features(trace->real.dev);
	vmsnd_trace_leave(trace, &record, bits);
	return bits;
}

static void set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_SET_FEATURES,
					    .args = {accepted}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_enter(trace, &record);
	trace->real.cls->virtio->set_features(trace->real.dev, accepted);
	vmsnd_trace_leave(trace, &record, 0);
}

static void config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_CONFIG_READ,
					    .args = {offset, bytes}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_enter(trace, &record);
	trace->real.cls->virtio->config_read(trace->real.dev, offset, to, bytes);
	vmsnd_trace_leave(trace, &record, 0);
}

static enum vmsnd_rc queue_start(struct vmsnd_dev *dev, unsigned queue,
				 const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_DEV_QUEUE_START,
	    .index = queue,
	    .args = {setup->size, setup->next_avail, setup->desc, setup->avail, setup->used}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	return leave_rc(trace, &record,
			trace->real.cls->virtio->queue_start(trace->real.dev, queue, setup, now));
}

static uint32_t queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_QUEUE_STOP, .index = queue};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);
	uint32_t next;

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	next = trace->real.cls->virtio->queue_stop(trace->real.dev, queue, now);
	vmsnd_trace_leave(trace, &record, next);
	return next;
}

static void queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_DEV_QUEUE_ENABLE, .index = queue, .args = {on}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->virtio->queue_enable(trace->real.dev, queue, on, now);
	vmsnd_trace_leave(trace, &record, 0);
}

static void kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_KICK, .index = queue};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->virtio->kick(trace->real.dev, queue, now);
	vmsnd_trace_leave(trace, &record, 0);
}

static uint32_t queue_place(const struct vmsnd_dev *dev, unsigned queue)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_QUEUE_PLACE, .index = queue};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);
	uint32_t place;

	vmsnd_trace_enter(trace, &record);
	place = trace->real.cls->virtio->queue_place(trace->real.dev, queue);
	vmsnd_trace_leave(trace, &record, place);
	return place;
}

static void queue_reset(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_QUEUE_RESET, .index = queue};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->virtio->queue_reset(trace->real.dev, queue, now);
	vmsnd_trace_leave(trace, &record, 0);
}

/* ---- the panel ---- */

static void mixer_changed(struct vmsnd_dev *dev, enum vmsnd_dir dir, unsigned index, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_DEV_MIXER_CHANGED, .dir = (uint8_t)dir, .index = index};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->panel->mixer_changed(trace->real.dev, dir, index, now);
	vmsnd_trace_leave(trace, &record, 0);
}

static void jack_set(struct vmsnd_dev *dev, unsigned index, bool connected, vmsnd_ns now)
{
	struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_DEV_JACK_SET, .index = index, .args = {connected}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->panel->jack_set(trace->real.dev, index, connected, now);
	vmsnd_trace_leave(trace, &record, 0);
}

/* Only looks, as counters do. */
static bool jack(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_jack *out)
{
	const struct vmsnd_card_ref *real = &vmsnd_trace_of(dev)->real;

	return real->cls->panel->jack(real->dev, index, out);
}

static const struct vmsnd_panel_ops *panel_of(struct vmsnd_trace *trace,
					      const struct vmsnd_panel_ops *real)
{
	if (!real)
		return NULL;
	trace->panel = *real;
	trace->panel.jack = real->jack ? jack : NULL;
	trace->panel.jack_set = real->jack_set ? jack_set : NULL;
	trace->panel.mixer_changed = real->mixer_changed ? mixer_changed : NULL;
	return &trace->panel;
}

/* It changes nothing. */
static uint64_t inflight_bytes(const struct vmsnd_dev *dev, unsigned n_queues, unsigned queue_size)
{
	const struct vmsnd_card_ref *real = &vmsnd_trace_of(dev)->real;

	return real->cls->virtio->inflight_bytes(real->dev, n_queues, queue_size);
}

static enum vmsnd_rc inflight(struct vmsnd_dev *dev, const struct vmsnd_inflight *where,
			      vmsnd_ns now)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_INFLIGHT};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	if (where) {
		record.args[0] = where->n_queues;
		record.args[1] = where->queue_size;
		record.args[2] = where->bytes;
	}
	vmsnd_trace_time(trace, now);
	vmsnd_trace_enter(trace, &record);
	return leave_rc(trace, &record,
			trace->real.cls->virtio->inflight(trace->real.dev, where, now));
}

/* What the true class lacks is missing here, too. */
struct vmsnd_card_ref vmsnd_trace_card(struct vmsnd_trace *trace, struct vmsnd_card_ref card)
{
	trace->real = card;
	trace->cls = *card.cls;
	trace->cls.reset = reset;
	trace->cls.advance = advance;
	trace->cls.counters = counters;
	trace->cls.fini = card.cls->fini ? fini : NULL;
	trace->cls.init_complete = card.cls->init_complete ? init_complete : NULL;
	trace->cls.life = card.cls->life ? life : NULL;
	trace->cls.save = card.cls->save ? save : NULL;
	trace->cls.load = card.cls->load ? load : NULL;
	trace->cls.panel = panel_of(trace, card.cls->panel);
	trace->cls.pci = vmsnd_trace_pci(trace, card.cls->pci);
	if (card.cls->virtio) {
		trace->ops = (struct vmsnd_virtio_ops){.device_id = card.cls->virtio->device_id,
						       .n_queues = card.cls->virtio->n_queues,
						       .features = features,
						       .set_features = set_features,
						       .config_read = config_read,
						       .queue_start = queue_start,
						       .queue_stop = queue_stop,
						       .queue_enable = queue_enable,
						       .kick = kick};
		trace->ops.queue_place = card.cls->virtio->queue_place ? queue_place : NULL;
		trace->ops.queue_reset = card.cls->virtio->queue_reset ? queue_reset : NULL;
		trace->ops.inflight_bytes =
		    card.cls->virtio->inflight_bytes ? inflight_bytes : NULL;
		trace->ops.inflight = card.cls->virtio->inflight ? inflight : NULL;
		trace->cls.virtio = &trace->ops;
	}
	return (struct vmsnd_card_ref){.cls = &trace->cls, .dev = (struct vmsnd_dev *)trace};
}
