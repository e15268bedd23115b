/* SPDX-License-Identifier: BSD-3-Clause */
/* Data messages of the virtio-snd driver (virtio 1.3, 5.14.6.8). A stream owns a slot of
 * memory for each period of its buffer: stream number, sound, status, in this order. */
#include <string.h>

#include "guests/parts.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct virtio_snd_pcm_xfer))
#define STATUS_BYTES ((uint32_t)sizeof(struct virtio_snd_pcm_status))
#define SLOT_BITS    8u

/* One more than the bit; 0: the standard has none. */
static const uint8_t format_bits[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_MULAW] = VIRTIO_SND_PCM_FMT_MU_LAW + 1,
    [VMSND_SAMPLE_ALAW] = VIRTIO_SND_PCM_FMT_A_LAW + 1,
    [VMSND_SAMPLE_S8] = VIRTIO_SND_PCM_FMT_S8 + 1,
    [VMSND_SAMPLE_U8] = VIRTIO_SND_PCM_FMT_U8 + 1,
    [VMSND_SAMPLE_S16] = VIRTIO_SND_PCM_FMT_S16 + 1,
    [VMSND_SAMPLE_U16] = VIRTIO_SND_PCM_FMT_U16 + 1,
    [VMSND_SAMPLE_S18_3] = VIRTIO_SND_PCM_FMT_S18_3 + 1,
    [VMSND_SAMPLE_U18_3] = VIRTIO_SND_PCM_FMT_U18_3 + 1,
    [VMSND_SAMPLE_S20_3] = VIRTIO_SND_PCM_FMT_S20_3 + 1,
    [VMSND_SAMPLE_U20_3] = VIRTIO_SND_PCM_FMT_U20_3 + 1,
    [VMSND_SAMPLE_S24_3] = VIRTIO_SND_PCM_FMT_S24_3 + 1,
    [VMSND_SAMPLE_U24_3] = VIRTIO_SND_PCM_FMT_U24_3 + 1,
    [VMSND_SAMPLE_S20] = VIRTIO_SND_PCM_FMT_S20 + 1,
    [VMSND_SAMPLE_U20] = VIRTIO_SND_PCM_FMT_U20 + 1,
    [VMSND_SAMPLE_S24] = VIRTIO_SND_PCM_FMT_S24 + 1,
    [VMSND_SAMPLE_U24] = VIRTIO_SND_PCM_FMT_U24 + 1,
    [VMSND_SAMPLE_S32] = VIRTIO_SND_PCM_FMT_S32 + 1,
    [VMSND_SAMPLE_U32] = VIRTIO_SND_PCM_FMT_U32 + 1,
    [VMSND_SAMPLE_FLOAT] = VIRTIO_SND_PCM_FMT_FLOAT + 1,
    [VMSND_SAMPLE_FLOAT64] = VIRTIO_SND_PCM_FMT_FLOAT64 + 1,
    [VMSND_SAMPLE_DSD_U8] = VIRTIO_SND_PCM_FMT_DSD_U8 + 1,
    [VMSND_SAMPLE_DSD_U16] = VIRTIO_SND_PCM_FMT_DSD_U16 + 1,
    [VMSND_SAMPLE_DSD_U32] = VIRTIO_SND_PCM_FMT_DSD_U32 + 1,
    [VMSND_SAMPLE_IEC958_SUBFRAME] = VIRTIO_SND_PCM_FMT_IEC958_SUBFRAME + 1,
};

/* By bit number; 12000 and 24000 came after the header was written. */
static const uint32_t rates_hz[] = {5512,  8000,  11025, 16000,  22050,  32000,  44100, 48000,
				    64000, 88200, 96000, 176400, 192000, 384000, 12000, 24000};

int vmsnd_guest_format_bit(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? format_bits[sample] - 1 : -1;
}

int vmsnd_guest_rate_bit(uint32_t rate_hz)
{
	for (unsigned i = 0; i < sizeof(rates_hz) / sizeof(rates_hz[0]); i++)
		if (rates_hz[i] == rate_hz)
			return (int)i;
	return -1;
}

static bool lay_out(struct vmsnd_guest *guest, struct vmsnd_guest_stream *stream,
		    const struct vmsnd_guest_params *params)
{
	uint32_t frame_bytes = vmsnd_format_frame_bytes(&params->format);
	/* Sound begins on 16 bytes: the header sits in the last four of the 16 before. */
	uint64_t slot_bytes =
	    (16u + (uint64_t)params->period_frames * frame_bytes + STATUS_BYTES + 15u) &
	    ~UINT64_C(15);
	uint64_t block_bytes = slot_bytes * params->periods;

	if (frame_bytes == 0 || block_bytes > UINT32_MAX)
		return false;
	if (block_bytes > stream->block_bytes) {
		uint8_t *block = vmsnd_guest_memory_take(&guest->memory, block_bytes, 16);

		if (!block)
			return false;
		stream->block = block;
		stream->block_bytes = block_bytes;
	}
	stream->params = *params;
	stream->frame_bytes = frame_bytes;
	stream->slot_bytes = (uint32_t)slot_bytes;
	for (uint32_t i = 0; i < params->periods; i++)
		stream->slots[i].header = stream->block + i * slot_bytes + 16u - HEADER_BYTES;
	return true;
}

int vmsnd_guest_submit_params(struct vmsnd_guest *guest, unsigned stream,
			      const struct vmsnd_guest_params *params, vmsnd_ns now)
{
	int format = vmsnd_guest_format_bit(params->format.sample);
	int rate = vmsnd_guest_rate_bit(params->format.rate_hz);
	struct virtio_snd_pcm_set_params request = {
	    .hdr = {.hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS, .stream_id = stream},
	    .channels = (uint8_t)params->format.channels,
	    .format = (uint8_t)format,
	    .rate = (uint8_t)rate,
	};
	struct vmsnd_guest_stream *at;

	if (stream >= guest->config.streams || format < 0 || rate < 0 ||
	    params->format.channels > UINT8_MAX || params->periods == 0 ||
	    params->periods > VMSND_GUEST_SLOTS_MAX)
		return -1;
	at = &guest->streams[stream];
	if (at->busy || !lay_out(guest, at, params))
		return -1;
	request.period_bytes = params->period_frames * at->frame_bytes;
	request.buffer_bytes = request.period_bytes * params->periods;
	return vmsnd_guest_submit(guest, &request, sizeof(request), sizeof(struct virtio_snd_hdr),
				  now);
}

/* ---- posting ------------------------------------------------------------------------ */

unsigned vmsnd_guest_queue_of(const struct vmsnd_guest_stream *stream)
{
	return stream->info.direction == VIRTIO_SND_D_INPUT ? VIRTIO_SND_VQ_RX : VIRTIO_SND_VQ_TX;
}

static int free_slot(const struct vmsnd_guest_stream *stream)
{
	for (uint32_t i = 0; i < stream->params.periods; i++)
		if (!(stream->busy & UINT64_C(1) << i))
			return (int)i;
	return -1;
}

unsigned vmsnd_guest_room(const struct vmsnd_guest *guest, unsigned stream)
{
	const struct vmsnd_guest_stream *at = &guest->streams[stream];

	return at->params.periods - (unsigned)__builtin_popcountll(at->busy);
}

void *vmsnd_guest_play_at(struct vmsnd_guest *guest, unsigned stream)
{
	const struct vmsnd_guest_stream *at = &guest->streams[stream];
	int slot = free_slot(at);

	return slot < 0 ? NULL : at->slots[slot].header + HEADER_BYTES;
}

/* Three pieces, as Linux posts them; without sound two, since a piece is never empty. */
static bool post(struct vmsnd_guest *guest, unsigned stream, int index)
{
	struct vmsnd_guest_stream *at = &guest->streams[stream];
	struct vmsnd_guest_slot *slot = &at->slots[index];
	struct virtio_snd_pcm_xfer header = {.stream_id = stream};
	vmsnd_gpa gpa = vmsnd_guest_memory_gpa(&guest->memory, slot->header);
	bool capture = at->info.direction == VIRTIO_SND_D_INPUT;
	struct vmsnd_guest_segment segments[3] = {{.at = gpa, .bytes = HEADER_BYTES}};
	unsigned n = 1;

	memcpy(slot->header, &header, sizeof(header));
	memset(slot->header + HEADER_BYTES + slot->bytes, 0, STATUS_BYTES);
	if (slot->bytes > 0)
		segments[n++] = (struct vmsnd_guest_segment){
		    .at = gpa + HEADER_BYTES, .bytes = slot->bytes, .card_writes = capture};
	segments[n++] = (struct vmsnd_guest_segment){
	    .at = gpa + HEADER_BYTES + slot->bytes, .bytes = STATUS_BYTES, .card_writes = true};
	if (!vmsnd_guest_ring_add(&guest->rings[vmsnd_guest_queue_of(at)], segments, n,
				  stream << SLOT_BITS | (uint32_t)index))
		return false;
	at->busy |= UINT64_C(1) << index;
	at->n_posted++;
	return true;
}

enum vmsnd_rc vmsnd_guest_play(struct vmsnd_guest *guest, unsigned stream, const void *sound,
			       uint32_t bytes)
{
	struct vmsnd_guest_stream *at = &guest->streams[stream];
	int index = free_slot(at);
	uint8_t *to;

	if (bytes > at->params.period_frames * at->frame_bytes)
		return VMSND_E_INVALID;
	if (index < 0)
		return VMSND_E_NOMEM;
	to = at->slots[index].header + HEADER_BYTES;
	if (to != sound && bytes > 0)
		memcpy(to, sound, bytes);
	at->slots[index].bytes = bytes;
	return post(guest, stream, index) ? VMSND_OK : VMSND_E_NOMEM;
}

enum vmsnd_rc vmsnd_guest_record(struct vmsnd_guest *guest, unsigned stream, uint32_t bytes)
{
	struct vmsnd_guest_stream *at = &guest->streams[stream];
	int index = free_slot(at);

	if (bytes > at->params.period_frames * at->frame_bytes)
		return VMSND_E_INVALID;
	if (index < 0)
		return VMSND_E_NOMEM;
	at->slots[index].bytes = bytes;
	return post(guest, stream, index) ? VMSND_OK : VMSND_E_NOMEM;
}

enum vmsnd_rc vmsnd_guest_kick(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now)
{
	return vmsnd_guest_kick_queue(guest, vmsnd_guest_queue_of(&guest->streams[stream]), now);
}

/* ---- taking back -------------------------------------------------------------------- */

void vmsnd_guest_stream_done(struct vmsnd_guest *guest, uint32_t cookie, uint32_t bytes,
			     vmsnd_ns now)
{
	uint32_t number = cookie >> SLOT_BITS, index = cookie & ((1u << SLOT_BITS) - 1);
	struct vmsnd_guest_stream *at = &guest->streams[number % VMSND_GUEST_STREAMS_MAX];
	struct vmsnd_guest_slot *slot = &at->slots[index % VMSND_GUEST_SLOTS_MAX];

	slot->written_bytes = bytes;
	slot->at = now;
	at->done[(at->done_at + at->n_done) % VMSND_GUEST_SLOTS_MAX] = (uint8_t)index;
	at->n_done++;
	at->n_posted--;
}

void vmsnd_guest_stream_forget(struct vmsnd_guest_stream *stream)
{
	stream->busy = 0;
	for (unsigned i = 0; i < stream->n_done; i++)
		stream->busy |= UINT64_C(1)
				<< stream->done[(stream->done_at + i) % VMSND_GUEST_SLOTS_MAX];
	stream->n_posted = 0;
}

unsigned vmsnd_guest_posted(const struct vmsnd_guest *guest, unsigned stream)
{
	return guest->streams[stream].n_posted;
}

bool vmsnd_guest_take(struct vmsnd_guest *guest, unsigned stream, struct vmsnd_guest_done *done)
{
	struct vmsnd_guest_stream *at = &guest->streams[stream];
	struct virtio_snd_pcm_status status = {0};
	const struct vmsnd_guest_slot *slot;
	bool capture = at->info.direction == VIRTIO_SND_D_INPUT;
	uint32_t recorded;

	if (at->n_done == 0)
		return false;
	slot = &at->slots[at->done[at->done_at]];
	memcpy(&status, slot->header + HEADER_BYTES + slot->bytes, sizeof(status));
	recorded = slot->written_bytes < STATUS_BYTES ? 0 : slot->written_bytes - STATUS_BYTES;
	if (recorded > slot->bytes)
		recorded = slot->bytes;
	*done = (struct vmsnd_guest_done){
	    .status = status.status,
	    .latency_bytes = status.latency_bytes,
	    .bytes = capture ? recorded : slot->bytes,
	    .written_bytes = slot->written_bytes,
	    .sound = capture ? slot->header + HEADER_BYTES : NULL,
	    .at = slot->at,
	};
	at->busy &= ~(UINT64_C(1) << at->done[at->done_at]);
	at->done_at = (at->done_at + 1) % VMSND_GUEST_SLOTS_MAX;
	at->n_done--;
	return true;
}
