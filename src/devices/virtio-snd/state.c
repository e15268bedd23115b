/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state. A card is saved as if its queues had been stopped, and loaded as one whose queues
 * have been: the guest's driver goes on by starting them where they stopped. What streams hold
 * of guest memory is found again in the rings, or saved as "held" (held.c). Ring contents are the
 * ports'. */
#include "devices/virtio-snd/snd.h"

#define COUNTERS_MAX     256u
#define N_COUNTERS       (sizeof(struct snd_counters) / sizeof(uint64_t))
#define GIVEN_BACK_WORDS (VMSND_QUEUE_SIZE_MAX / 64)

_Static_assert(sizeof(struct snd_counters) % sizeof(uint64_t) == 0 && N_COUNTERS <= COUNTERS_MAX,
	       "counters are a list of numbers");

/* ---- save -------------------------------------------------------------------------------- */

static void save_counters(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	const uint64_t *list = (const uint64_t *)(const void *)&snd->counters;

	vmsnd_state_put_u16(to, N_COUNTERS);
	for (size_t i = 0; i < N_COUNTERS; i++)
		vmsnd_state_put_u64(to, list[i]);
}

static void save_place(const struct snd_place *place, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u8(to, place->known);
	vmsnd_state_put_u32(to, place->next_avail);
	vmsnd_state_put_u64(to, place->features);
	vmsnd_state_put_u16(to, place->window);
	for (size_t i = 0; i < GIVEN_BACK_WORDS; i++)
		vmsnd_state_put_u64(to, place->given_back[i]);
}

void snd_stream_save(const struct snd_stream *stream, struct vmsnd_state_writer *to)
{
	const struct vmsnd_stream_params *params = &stream->params;

	vmsnd_state_put_u8(to, (uint8_t)stream->state);
	vmsnd_state_put_u8(to, (uint8_t)params->format.sample);
	vmsnd_state_put_u32(to, params->format.rate_hz);
	vmsnd_state_put_u8(to, (uint8_t)params->format.channels);
	vmsnd_state_put_u32(to, params->buffer_frames);
	vmsnd_state_put_u32(to, params->period_frames);
	vmsnd_state_put_u32(to, stream->features);
}

static void save_stream(const struct vmsnd_snd *snd, const struct snd_stream *stream,
			struct vmsnd_state_writer *to)
{
	bool prepared = stream->state >= SND_STATE_PREPARED;

	snd_stream_save(stream, to);
	vmsnd_state_put_u64(to, prepared ? snd_stream_posted(snd, stream) : 0);
	vmsnd_state_put_u64(to, prepared ? stream->copied_frames : 0);
	vmsnd_state_put_u32(to, prepared ? snd_stream_kept(snd, stream) : 0);
}

void snd_device_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	struct snd_place places[VIRTIO_SND_VQ_MAX];

	vmsnd_state_put_u8(to, (uint8_t)snd->plan.n_playback);
	vmsnd_state_put_u8(to, (uint8_t)snd->plan.n_streams);
	vmsnd_state_put_u64(to, snd->features);
	vmsnd_state_put_u32(to, snd->faults_told);
	save_counters(snd, to);
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		snd_rings_place(snd, i, &places[i]);
		save_place(&places[i], to);
	}
	snd_held_save(snd, VMSND_PLAYBACK, &places[VIRTIO_SND_VQ_TX], to);
	snd_held_save(snd, VMSND_CAPTURE, &places[VIRTIO_SND_VQ_RX], to);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		save_stream(snd, &snd->streams[i], to);
	snd_jacks_save(snd, to);
	snd_events_save(snd, to);
	snd_elements_save(snd, to);
}

/* ---- load --------------------------------------------------------------------------------- */

static void load_counters(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	uint64_t *list = (uint64_t *)(void *)&snd->counters;
	uint16_t n = vmsnd_state_get_u16(from);

	from->bad |= n > COUNTERS_MAX;
	for (uint16_t i = 0; i < n && !from->bad; i++) {
		uint64_t value = vmsnd_state_get_u64(from);

		if (i < N_COUNTERS)
			list[i] = value;
	}
}

static void load_place(struct vmsnd_snd *snd, unsigned index, struct vmsnd_state_reader *from)
{
	struct snd_queue *queue = &snd->queues[index];
	struct snd_place *place = &queue->place;

	place->known = vmsnd_state_get_bool(from);
	place->next_avail = vmsnd_state_get_u32(from);
	place->features = vmsnd_state_get_u64(from);
	place->window = vmsnd_state_get_u16(from);
	for (size_t i = 0; i < GIVEN_BACK_WORDS; i++)
		place->given_back[i] = vmsnd_state_get_u64(from);
	from->bad |=
	    place->window > VMSND_QUEUE_SIZE_MAX || (place->features & ~snd->plan.features) != 0;
	queue->restored = place->known;
}

/* What SET_PARAMS takes (pcm.c), no more. */
static bool are_offered(const struct snd_stream_plan *plan,
			const struct vmsnd_stream_params *params)
{
	const struct vmsnd_format *format = &params->format;
	uint64_t frame_bytes = (uint64_t)vmsnd_sample_bytes(format->sample) * format->channels;

	return (plan->formats & snd_format_bit(format->sample)) &&
	       (plan->rates & snd_rate_bit(format->rate_hz)) &&
	       format->channels >= plan->channels_min && format->channels <= plan->channels_max &&
	       params->period_frames != 0 && params->buffer_frames != 0 &&
	       params->buffer_frames % params->period_frames == 0 &&
	       params->buffer_frames * frame_bytes <= UINT32_MAX &&
	       params->period_frames >= format->rate_hz / SND_PERIODS_MAX_HZ;
}

static bool are_equal(const struct vmsnd_stream_params *a, const struct vmsnd_stream_params *b)
{
	return vmsnd_format_equal(&a->format, &b->format) && a->buffer_frames == b->buffer_frames &&
	       a->period_frames == b->period_frames;
}

/* The port was loaded before: both must tell of the same frames. */
static bool agrees_with_port(const struct snd_stream *stream)
{
	uint64_t done = vmsnd_port_done_frames(stream->port);
	bool out = stream->dir == VMSND_PLAYBACK;
	uint64_t in_ring = out ? stream->copied_frames - done : done - stream->copied_frames;
	struct vmsnd_stream_params params, ring = stream->params;

	if (!vmsnd_port_params(stream->port, &params) || !are_equal(&params, &stream->params))
		return false;
	/* Also when the difference has wrapped. */
	if (in_ring > UINT32_MAX)
		return false;
	ring.buffer_frames = (uint32_t)in_ring;
	if (in_ring > 0 && !vmsnd_port_fits(stream->port, &ring))
		return false;
	if (!out)
		return stream->kept_frames <= stream->copied_frames;
	/* The oldest message is not done, and none is longer than 2^32 bytes. */
	return stream->copied_frames <= INT64_MAX &&
	       stream->posted_frames <= stream->copied_frames &&
	       (stream->posted_frames >= done || done - stream->posted_frames <= UINT32_MAX);
}

void snd_stream_load(struct vmsnd_snd *snd, uint32_t index, struct vmsnd_state_reader *from)
{
	struct snd_stream *stream = &snd->streams[index];
	struct vmsnd_stream_params *params = &stream->params;
	enum snd_state state = vmsnd_state_get_u8_upto(from, SND_STATE_STOPPED);

	params->format.sample = vmsnd_state_get_u8_upto(from, VMSND_SAMPLE_COUNT - 1);
	params->format.rate_hz = vmsnd_state_get_u32(from);
	params->format.channels = vmsnd_state_get_u8(from);
	if (params->format.channels <= VMSND_CHANNELS_MAX)
		snd_positions(snd, index, &params->format);
	params->buffer_frames = vmsnd_state_get_u32(from);
	params->period_frames = vmsnd_state_get_u32(from);
	stream->features = vmsnd_state_get_u32(from);
	from->bad |= (stream->features & ~snd->plan.streams[index].features) != 0;
	if (from->bad)
		return;
	if (state == SND_STATE_IDLE) {
		*params = (struct vmsnd_stream_params){.buffer_frames = 0};
		stream->features = 0;
	} else if (!are_offered(&snd->plan.streams[index], params) ||
		   !vmsnd_port_fits(stream->port, params)) {
		from->bad = true;
	}
	if (from->bad)
		return;
	stream->state = state;
	stream->frame_bytes = vmsnd_sample_bytes(params->format.sample) * params->format.channels;
}

static void load_stream(struct vmsnd_snd *snd, uint32_t index, struct vmsnd_state_reader *from)
{
	struct snd_stream *stream = &snd->streams[index];

	snd_stream_load(snd, index, from);
	stream->posted_frames = vmsnd_state_get_u64(from);
	stream->copied_frames = vmsnd_state_get_u64(from);
	stream->kept_frames = vmsnd_state_get_u32(from);
	if (from->bad)
		return;
	if (stream->state < SND_STATE_PREPARED) {
		stream->posted_frames = stream->copied_frames = 0;
		stream->kept_frames = 0;
	} else if (!agrees_with_port(stream)) {
		from->bad = true;
	}
}

static void load_all(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	/* SS-02: another configuration's state. */
	if (vmsnd_state_get_u8(from) != snd->plan.n_playback ||
	    vmsnd_state_get_u8(from) != snd->plan.n_streams)
		from->bad = true;
	snd->features = vmsnd_state_get_u64(from);
	from->bad |= (snd->features & ~snd->plan.features) != 0;
	snd->faults_told = vmsnd_state_get_u32(from);
	load_counters(snd, from);
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		load_place(snd, i, from);
	snd_held_load(snd, VMSND_PLAYBACK, from);
	snd_held_load(snd, VMSND_CAPTURE, from);
	for (uint32_t i = 0; i < snd->plan.n_streams && !from->bad; i++)
		load_stream(snd, i, from);
	snd_jacks_load(snd, from);
	snd_events_load(snd, from);
	snd_elements_load(snd, from);
}

enum vmsnd_rc snd_device_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from, vmsnd_ns now)
{
	load_all(snd, from);
	if (from->bad) {
		/* As init left it; ports are not this device's to empty. */
		for (uint32_t i = 0; i < snd->plan.n_streams; i++)
			snd->streams[i].state = SND_STATE_IDLE;
		snd_jacks_init(snd);
		snd_card_reset(snd, VMSND_RESET_POWER_ON, now);
		snd->counters = (struct snd_counters){0};
		snd->pools[VMSND_PLAYBACK].serial = snd->pools[VMSND_CAPTURE].serial = 0;
		return VMSND_E_DAMAGED;
	}
	snd_elements_note(snd);
	/* They run once their queues do, and go on with what their rings hold. */
	for (uint32_t i = 0; i < snd->plan.n_streams; i++)
		if (snd->streams[i].state >= SND_STATE_PREPARED)
			vmsnd_port_stop(snd->streams[i].port, now);
	return VMSND_OK;
}
