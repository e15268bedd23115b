/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtio sound card as the rest of the house sees it. */
#include "devices/virtio-snd/virtio_snd.h"

#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

/* "5.14.1 Device ID" */
#define DEVICE_ID 25u

const struct vmsnd_option snd_options[] = {
    {"channels", VMSND_OPTION_TEXT, SND_CHANNELS_USUAL,
     "the most that streams have, up to 18; or a range, such as 2-8", 0, 0},
    {"formats", VMSND_OPTION_TEXT, SND_FORMATS_USUAL,
     "sample formats that streams take; all: each that is PCM", 0, 0},
    {"rates", VMSND_OPTION_TEXT, SND_RATES_USUAL,
     "rates that streams take, and ranges of them, such as 44100-96000; all: each", 0, 0},
    {"controls", VMSND_OPTION_BOOL, "off",
     "volume, mute and choice of input as control elements; the VMM has to know of it", 0, 0},
    {"event-idx", VMSND_OPTION_BOOL, "on",
     "interrupts and kicks only where the other side asks for them", 0, 0},
    {"indirect", VMSND_OPTION_BOOL, "on", "messages may lie in tables outside of the ring", 0, 0},
    {"packed", VMSND_OPTION_BOOL, "off", "packed rings, if the VMM forwards that feature", 0, 0},
    {"in-order", VMSND_OPTION_BOOL, "off", "messages go back in the order in which they came", 0,
     0},
    {"ring-reset", VMSND_OPTION_BOOL, "off",
     "the guest may reset one queue, if the VMM forwards that feature", 0, 0},
    {"jacks", VMSND_OPTION_BOOL, "off",
     "a line-out and a mic that follow output 0; or a node with jacks by name", 0, 0},
    {"xruns", VMSND_OPTION_BOOL, "off", "offer guests to be told of holes in their sound", 0, 0},
    {"period-events", VMSND_OPTION_BOOL, "off", "offer guests an event for each period", 0, 0},
    {"polling", VMSND_OPTION_BOOL, "off", "offer guests to send sound without notifying", 0, 0},
    {.key = NULL},
};

/* ---- storage: the card, its streams, a pool for each data queue, then stores of queues ------ */

static struct vmsnd_snd *snd_of(struct vmsnd_dev *dev)
{
	return (struct vmsnd_snd *)(void *)dev;
}

static const struct vmsnd_snd *snd_seen(const struct vmsnd_dev *dev)
{
	return (const struct vmsnd_snd *)(const void *)dev;
}

struct layout {
	size_t chmaps, pools, stores, bytes;
};

static size_t aligned(size_t bytes, size_t align)
{
	return (bytes + align - 1) / align * align;
}

static bool needs_stores(const struct snd_topology *plan)
{
	return (plan->features & (VMSND_VIRTIO_F_RING_PACKED | VMSND_VIRTIO_F_IN_ORDER)) != 0;
}

static struct layout lay_out(const struct snd_topology *plan)
{
	struct layout at;

	at.chmaps = sizeof(struct vmsnd_snd) + plan->n_streams * sizeof(struct snd_stream);
	at.pools = aligned(at.chmaps + plan->n_chmaps * sizeof(struct snd_chmap_plan),
			   _Alignof(struct snd_message));
	at.stores = at.pools + 2 * VMSND_QUEUE_SIZE_MAX * sizeof(struct snd_message);
	at.bytes = at.stores;
	if (needs_stores(plan))
		at.bytes += VIRTIO_SND_VQ_MAX * sizeof(struct vmsnd_queue_store);
	return at;
}

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	struct snd_topology plan = {.chmaps = NULL};

	return snd_topology_read(conf, &plan, NULL) ? 0 : lay_out(&plan).bytes;
}

static enum vmsnd_rc check(const struct vmsnd_dev_conf *conf, struct vmsnd_error *error)
{
	struct snd_topology plan = {.chmaps = NULL};

	return snd_topology_read(conf, &plan, error);
}

static void plan_of(const struct vmsnd_dev_conf *conf, enum vmsnd_dir dir, unsigned index,
		    struct vmsnd_stream_plan *out)
{
	struct snd_topology plan = {.chmaps = NULL};
	const struct snd_stream_plan *stream;

	*out = (struct vmsnd_stream_plan){.outputs = UINT32_MAX};
	if (snd_topology_read(conf, &plan, NULL))
		return;
	stream = &plan.streams[dir == VMSND_PLAYBACK ? index : plan.n_playback + index];
	out->outputs = stream->outputs;
	out->ring_bytes = stream->ring_bytes;
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	struct vmsnd_snd *snd = snd_of(dev);
	struct snd_message *messages;
	struct layout at;

	if (snd_topology_read(conf, &snd->plan, NULL))
		return VMSND_E_INVALID;
	at = lay_out(&snd->plan);
	/* Again, with room for the maps that were only counted. */
	snd->plan.chmaps = (struct snd_chmap_plan *)(void *)((uint8_t *)dev + at.chmaps);
	snd_topology_read(conf, &snd->plan, NULL);
	messages = (struct snd_message *)(void *)((uint8_t *)dev + at.pools);
	if (needs_stores(&snd->plan))
		snd->stores = (struct vmsnd_queue_store *)(void *)((uint8_t *)dev + at.stores);
	snd->env = *env;
	snd->pools[VMSND_PLAYBACK].messages = messages;
	snd->pools[VMSND_CAPTURE].messages = messages + VMSND_QUEUE_SIZE_MAX;
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];
		bool out = i < snd->plan.n_playback;

		stream->dir = out ? VMSND_PLAYBACK : VMSND_CAPTURE;
		stream->port = env->port(env->ctx, stream->dir, out ? i : i - snd->plan.n_playback);
	}
	snd_elements_plan(snd, conf->node);
	snd_jacks_init(snd);
	snd_card_reset(snd, VMSND_RESET_POWER_ON, now);
	snd->counters.resets = 0;
	return VMSND_OK;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	snd_card_reset(snd_of(dev), why, now);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* Streams that time is for: those that run, and those that are polled before they do. */
static bool is_timed(struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	return stream->port_runs ||
	       (snd_stream_polled(stream) && snd_queue_live(snd_data_queue(snd, stream->dir)));
}

static bool runs(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].dir == dir && is_timed(snd, &snd->streams[i]))
			return true;
	return false;
}

static vmsnd_ns next_look(struct vmsnd_snd *snd, vmsnd_ns now)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		if (snd->queues[i].more && snd_queue_live(&snd->queues[i]))
			return now;
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		vmsnd_ns due;

		if (!is_timed(snd, &snd->streams[i]))
			continue;
		due = snd_stream_due(snd, &snd->streams[i], now);
		next = due < next ? due : next;
	}
	return next;
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	struct vmsnd_snd *snd = snd_of(dev);

	if (snd->queues[VIRTIO_SND_VQ_CONTROL].more)
		snd_control_run(snd, now);
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++)
		if (snd_data_queue(snd, dir)->more || runs(snd, dir))
			snd_messages_run(snd, dir, now);
	if (snd->queues[VIRTIO_SND_VQ_EVENT].more)
		snd_events_run(snd);
	snd_events_streams(snd, now);
	snd_rings_settle(snd, now);
	return next_look(snd, now);
}

/* ---- the virtio side ------------------------------------------------------------------------ */

static uint64_t features(const struct vmsnd_dev *dev)
{
	return snd_seen(dev)->plan.features;
}

static void set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	struct vmsnd_snd *snd = snd_of(dev);

	uint64_t modern =
	    VMSND_VIRTIO_F_RING_PACKED | VMSND_VIRTIO_F_IN_ORDER | VMSND_VIRTIO_F_RING_RESET;

	snd->features = accepted & snd->plan.features;
	/* These are of no earlier version than that (6). */
	if (!(snd->features & VMSND_VIRTIO_F_VERSION_1))
		snd->features &= ~modern;
	snd->counters.ignored_features += accepted != snd->features;
}

static void config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	snd_config_read(snd_seen(dev), offset, to, bytes);
}

static enum vmsnd_rc queue_start(struct vmsnd_dev *dev, unsigned queue,
				 const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_E_INVALID;

	if (queue < VIRTIO_SND_VQ_MAX)
		rc = snd_rings_start(snd_of(dev), queue, setup, now);
	snd_rings_settle(snd_of(dev), now);
	return rc;
}

static uint32_t queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	return queue < VIRTIO_SND_VQ_MAX ? snd_rings_stop(snd_of(dev), queue, now) : 0;
}

static void queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	struct vmsnd_snd *snd = snd_of(dev);

	if (queue >= VIRTIO_SND_VQ_MAX || snd->queues[queue].enabled == on)
		return;
	snd_rings_enable(snd, queue, on, now);
	snd_rings_settle(snd, now);
}

static void queue_reset(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	if (queue >= VIRTIO_SND_VQ_MAX)
		return;
	snd_rings_reset(snd_of(dev), queue, now);
	snd_rings_settle(snd_of(dev), now);
}

static void kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	struct vmsnd_snd *snd = snd_of(dev);

	if (queue >= VIRTIO_SND_VQ_MAX || !snd_queue_live(&snd->queues[queue]))
		return;
	if (queue == VIRTIO_SND_VQ_CONTROL)
		snd_control_run(snd, now);
	else if (queue == VIRTIO_SND_VQ_EVENT)
		snd_events_run(snd);
	else
		snd_messages_run(snd, queue == VIRTIO_SND_VQ_TX ? VMSND_PLAYBACK : VMSND_CAPTURE,
				 now);
	snd_rings_settle(snd, now);
}

/* ---- saved state ------------------------------------------------------------------------------
 */

static void save(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	snd_device_save(snd_seen(dev), to);
}

static enum vmsnd_rc load(struct vmsnd_dev *dev, struct vmsnd_state_reader *from, uint16_t minor,
			  vmsnd_ns now)
{
	return snd_device_load(snd_of(dev), from, now);
}

static uint32_t queue_place(const struct vmsnd_dev *dev, unsigned queue)
{
	struct snd_place place;

	if (queue >= VIRTIO_SND_VQ_MAX)
		return 0;
	snd_rings_place(snd_seen(dev), queue, &place);
	return place.next_avail;
}

static uint64_t inflight_bytes(const struct vmsnd_dev *dev, unsigned n_queues, unsigned queue_size)
{
	return snd_recovery_bytes(snd_seen(dev), n_queues, queue_size);
}

static enum vmsnd_rc inflight(struct vmsnd_dev *dev, const struct vmsnd_inflight *where,
			      vmsnd_ns now)
{
	return snd_recovery_set(snd_of(dev), where);
}

/* ---- figures ----------------------------------------------------------------------------------
 */

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	const struct snd_counters *c = &snd_seen(dev)->counters;
	const struct vmsnd_counter all[] = {
	    {"tx_messages", c->messages[VMSND_PLAYBACK]},
	    {"rx_messages", c->messages[VMSND_CAPTURE]},
	    {"tx_frames", c->frames[VMSND_PLAYBACK]},
	    {"rx_frames", c->frames[VMSND_CAPTURE]},
	    {"tx_refused", c->refused_messages[VMSND_PLAYBACK]},
	    {"rx_refused", c->refused_messages[VMSND_CAPTURE]},
	    {"control_requests", c->control_requests},
	    {"control_refused", c->refused_requests},
	    {"interrupts", c->interrupts},
	    {"resets", c->resets},
	    {"ignored_features", c->ignored_features},
	    {"host_failures", c->host_failures},
	    {"faults_ring", c->faults[VMSND_FAULT_RING]},
	    {"faults_chain", c->faults[VMSND_FAULT_CHAIN]},
	    {"faults_data_address", c->faults[VMSND_FAULT_DATA_ADDRESS]},
	    {"faults_request", c->faults[VMSND_FAULT_REQUEST]},
	    {"faults_state", c->faults[VMSND_FAULT_STATE]},
	    {"faults_message", c->faults[VMSND_FAULT_MESSAGE]},
	    {"events", c->events},
	    {"dropped_events", c->dropped_events},
	};
	size_t n = sizeof(all) / sizeof(all[0]);

	memcpy(out, all, (max < n ? max : n) * sizeof(all[0]));
	return n;
}

/* ---- the panel --------------------------------------------------------------------------------
 */

static bool jack(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_jack *out)
{
	return snd_jack_get(snd_seen(dev), index, out);
}

static void jack_set(struct vmsnd_dev *dev, unsigned index, bool connected, vmsnd_ns now)
{
	snd_jack_set(snd_of(dev), index, connected);
	snd_rings_settle(snd_of(dev), now);
}

static void mixer_changed(struct vmsnd_dev *dev, enum vmsnd_dir dir, unsigned index, vmsnd_ns now)
{
	struct vmsnd_snd *snd = snd_of(dev);

	snd_elements_turned(snd, dir == VMSND_PLAYBACK ? index : snd->plan.n_playback + index);
	snd_rings_settle(snd, now);
}

static const struct vmsnd_panel_ops panel_ops = {
    .jack = jack,
    .jack_set = jack_set,
    .mixer_changed = mixer_changed,
};

static const struct vmsnd_virtio_ops virtio_ops = {
    .device_id = DEVICE_ID,
    .n_queues = VIRTIO_SND_VQ_MAX,
    .features = features,
    .set_features = set_features,
    .config_read = config_read,
    .queue_start = queue_start,
    .queue_stop = queue_stop,
    .queue_enable = queue_enable,
    .kick = kick,
    .queue_place = queue_place,
    .queue_reset = queue_reset,
    .inflight_bytes = inflight_bytes,
    .inflight = inflight,
};

static const char *const children[] = {"streams", "jacks", NULL};

const struct vmsnd_dev_class vmsnd_virtio_snd_class = {
    .abi = VMSND_DEV_ABI,
    .abi_end = VMSND_DEV_ABI,
    .kind = VMSND_KIND_AUDIO,
    .max_instances = VMSND_CARDS_MAX,
    .name = "virtio-snd",
    .summary = "virtio sound card, for guests with the virtio_snd driver (Linux 5.13 or later)",
    .options = snd_options,
    .virtio = &virtio_ops,
    .panel = &panel_ops,
    .children = children,
    .check = check,
    .plan = plan_of,
    .footprint = footprint,
    .init = init,
    .reset = reset,
    .advance = advance,
    .counters = counters,
    .state_major = SND_STATE_MAJOR,
    .state_minor = SND_STATE_MINOR,
    .save = save,
    .load = load,
};
