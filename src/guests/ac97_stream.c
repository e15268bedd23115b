/* SPDX-License-Identifier: BSD-3-Clause */
/* Engines: formats, rings of descriptors, start and stop, the interrupt's handler. */
#include <string.h>

#include "base/endian.h"
#include "guests/ac97_parts.h"

#define CR_RUN         0x01u
#define CR_RESET       0x02u
#define CR_IOCE        0x10u
#define SR_HALTED      0x01u
#define SR_COMPLETION  0x08u
#define SR_PENDING     0x1cu /* FIFO error, completion, last valid: cleared by ones */
#define DESCRIPTOR_IOC UINT32_C(0x80000000)
#define LAST           (VMSND_AC97_DESCRIPTORS - 1)
#define CNT_CHANNELS   0x00300000u
#define CNT_20_BITS    0x00400000u
#define VRA            0x01u /* extended id and status: variable rate */
#define DRA            0x02u /* double rate */
#define VRM            0x08u /* variable rate of the microphone */
#define TRIES          100000u
#define RATE_HZ        48000u

/* ---- set-up ------------------------------------------------------------------------- */

enum vmsnd_rc ac97_guest_reset_engine(struct vmsnd_ac97_guest *guest, unsigned stream)
{
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_CR, CR_RESET);
	for (unsigned i = 0; i < TRIES; i++)
		if (!(vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_CR) & CR_RESET))
			return VMSND_OK;
	return VMSND_E_PROTOCOL;
}

static uint32_t address_of(const struct vmsnd_ac97_guest *guest, const void *at)
{
	return (uint32_t)vmsnd_guest_memory_gpa(&guest->memory, at);
}

static void set_descriptor(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned index,
			   uint32_t offset)
{
	struct vmsnd_ac97_guest_stream *to = &guest->streams[stream];

	vmsnd_put_le32(&to->descriptors[2 * index], address_of(guest, to->buffer) + offset);
}

void ac97_guest_set_ring(struct vmsnd_ac97_guest *guest, unsigned stream, uint32_t size,
			 uint32_t fragment)
{
	struct vmsnd_ac97_guest_stream *to = &guest->streams[stream];

	/* One period: two halves, and every second interrupt is the period's. */
	to->ack_reload = to->ack = size == fragment ? 2 : 1;
	to->size = size;
	to->fragment = fragment / to->ack_reload;
	to->frags = size / to->fragment;
	vmsnd_guest_pci_write(&guest->pci, guest->master_bar, ac97_guest_engine(stream)->at, 4,
			      address_of(guest, to->descriptors));
	for (unsigned i = 0; i < VMSND_AC97_DESCRIPTORS; i++) {
		set_descriptor(guest, stream, i, i * to->fragment % size);
		vmsnd_put_le32(&to->descriptors[2 * i + 1],
			       DESCRIPTOR_IOC | to->fragment >> to->sample_shift);
	}
	to->lvi = LAST;
	to->lvi_frag = LAST % to->frags;
	to->civ = 0;
	to->position = to->last_pointer = 0;
	to->elapsed = 0;
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_LVI, to->lvi);
	/* Read-only, and Linux writes it. */
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_CIV, 0);
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_SR, SR_PENDING);
}

/* ---- formats ------------------------------------------------------------------------ */

/* Bits of the extended status for this rate; they stay set once they are. */
static uint16_t rate_bits(unsigned reg, uint32_t rate_hz)
{
	if (rate_hz == RATE_HZ)
		return 0;
	if (reg == VMSND_AC97_MIC_RATE)
		return VRM;
	return rate_hz > RATE_HZ ? VRA | DRA : VRA;
}

static bool write_rate(struct vmsnd_ac97_guest *guest, unsigned reg, uint32_t value)
{
	vmsnd_ac97_guest_codec_write(guest, reg, (uint16_t)value);
	return vmsnd_ac97_guest_codec_read(guest, reg) == value;
}

static enum vmsnd_rc set_rate(struct vmsnd_ac97_guest *guest, unsigned stream,
			      const struct vmsnd_format *format)
{
	unsigned reg = ac97_guest_engine(stream)->rate;
	uint32_t rate_hz = format->rate_hz;
	uint16_t bits = rate_bits(reg, rate_hz), status;
	bool good;

	if (bits & ~guest->extended_id || (reg == 0 && rate_hz != RATE_HZ))
		return VMSND_E_UNSUPPORTED;
	if (reg == 0)
		return VMSND_OK;
	status = vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_EXTENDED_STATUS);
	if (reg == VMSND_AC97_FRONT_RATE)
		status &= (uint16_t)~DRA;
	/* Variable from the first on, as Linux leaves it. */
	status |= bits | (guest->extended_id & (VRA | VRM));
	vmsnd_ac97_guest_codec_write(guest, VMSND_AC97_EXTENDED_STATUS, status);
	good = write_rate(guest, reg, bits & DRA ? rate_hz / 2 : rate_hz);
	if (reg == VMSND_AC97_FRONT_RATE && format->channels > 2)
		good = good && write_rate(guest, VMSND_AC97_SURROUND_RATE, rate_hz);
	if (reg == VMSND_AC97_FRONT_RATE && format->channels > 4)
		good = good && write_rate(guest, VMSND_AC97_LFE_RATE, rate_hz);
	return good ? VMSND_OK : VMSND_E_UNSUPPORTED;
}

/* Channels and sample size of PCM out. Double rate takes the slots of four channels. */
static enum vmsnd_rc set_shape(struct vmsnd_ac97_guest *guest, const struct vmsnd_format *format)
{
	uint32_t control = ac97_guest_get(guest, VMSND_AC97_GLOB_CNT), want;
	bool wide = format->sample == VMSND_SAMPLE_S32;
	uint32_t channels = format->rate_hz > RATE_HZ ? 4 : format->channels;

	want = control & ~(CNT_CHANNELS | 3 * CNT_20_BITS);
	want |= (channels / 2 - 1) << 20 | (wide ? CNT_20_BITS : 0);
	ac97_guest_put(guest, VMSND_AC97_GLOB_CNT, want);
	control = ac97_guest_get(guest, VMSND_AC97_GLOB_CNT);
	return ((control ^ want) & (CNT_CHANNELS | 3 * CNT_20_BITS)) ? VMSND_E_UNSUPPORTED
								     : VMSND_OK;
}

static bool can(const struct vmsnd_ac97_guest *guest, unsigned stream,
		const struct vmsnd_format *format)
{
	if (format->sample != VMSND_SAMPLE_S16 &&
	    !(format->sample == VMSND_SAMPLE_S32 && guest->ich4 && stream == VMSND_AC97_PCM_OUT))
		return false;
	if (stream == VMSND_AC97_PCM_OUT)
		return format->channels == 2 || ((format->channels == 4 || format->channels == 6) &&
						 format->rate_hz <= RATE_HZ);
	return format->channels == 2;
}

static bool take_buffer(struct vmsnd_ac97_guest *guest, struct vmsnd_ac97_guest_stream *to,
			uint64_t bytes)
{
	if (bytes > to->room_bytes) {
		to->buffer = vmsnd_guest_memory_take(&guest->memory, bytes, 4096);
		to->room_bytes = to->buffer ? bytes : 0;
	}
	return to->buffer != NULL;
}

enum vmsnd_rc vmsnd_ac97_guest_prepare(struct vmsnd_ac97_guest *guest, unsigned stream,
				       const struct vmsnd_guest_params *params)
{
	struct vmsnd_ac97_guest_stream *to = &guest->streams[stream];
	uint64_t samples = (uint64_t)params->period_frames * params->format.channels;
	uint32_t frame_bytes = vmsnd_format_frame_bytes(&params->format);
	enum vmsnd_rc rc = VMSND_OK;

	if (stream >= guest->n_streams || !can(guest, stream, &params->format))
		return VMSND_E_UNSUPPORTED;
	if (to->running || samples == 0 || samples > UINT16_MAX || params->periods == 0)
		return VMSND_E_INVALID;
	to->prepared = false;
	if (!take_buffer(guest, to,
			 (uint64_t)frame_bytes * params->period_frames * params->periods))
		return VMSND_E_NOMEM;
	to->params = *params;
	to->frame_bytes = frame_bytes;
	to->sample_shift = params->format.sample == VMSND_SAMPLE_S32 ? 2 : 1;
	if (stream == VMSND_AC97_PCM_OUT)
		rc = set_shape(guest, &params->format);
	if (!rc)
		rc = set_rate(guest, stream, &params->format);
	if (rc)
		return rc;
	to->quiet = false;
	ac97_guest_set_ring(guest, stream, frame_bytes * params->period_frames * params->periods,
			    frame_bytes * params->period_frames);
	to->prepared = true;
	return VMSND_OK;
}

/* ---- running ------------------------------------------------------------------------ */

void vmsnd_ac97_guest_start(struct vmsnd_ac97_guest *guest, unsigned stream)
{
	guest->streams[stream].running = true;
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_CR, CR_IOCE | CR_RUN);
}

enum vmsnd_rc vmsnd_ac97_guest_stop(struct vmsnd_ac97_guest *guest, unsigned stream)
{
	unsigned left = TRIES;

	guest->streams[stream].running = false;
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_CR, 0);
	while (!(vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_SR) & SR_HALTED))
		if (left-- == 0)
			return VMSND_E_PROTOCOL;
	return ac97_guest_reset_engine(guest, stream);
}

/* ---- the interrupt ------------------------------------------------------------------- */

/* How many descriptors the card has finished since the last interrupt. */
static unsigned steps_of(struct vmsnd_ac97_guest_stream *from, uint32_t status, uint8_t civ)
{
	unsigned steps;

	if (!(status & SR_COMPLETION))
		return 0;
	/* The status is read first: the card may be a descriptor ahead of it. Or it has not moved
	 * on, and will. */
	steps = civ == from->civ ? 1 : (civ - from->civ) & LAST;
	from->civ = (from->civ + steps) & LAST;
	return steps;
}

static void serve(struct vmsnd_ac97_guest *guest, unsigned stream)
{
	struct vmsnd_ac97_guest_stream *to = &guest->streams[stream];
	uint32_t status = vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_SR);
	uint8_t civ = (uint8_t)vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_CIV);
	unsigned steps = steps_of(to, status, civ);

	to->interrupts++;
	to->doubled += steps > 1;
	to->position += steps * to->fragment;
	if (!to->quiet)
		to->position %= to->size;
	to->lvi = (to->lvi + steps) & LAST;
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_LVI, to->lvi);
	for (unsigned i = 0; i < steps; i++) {
		to->lvi_frag = (to->lvi_frag + 1) % to->frags;
		/* For two steps Linux rewrites the last one twice, and the one before never. A card
		 * whose completions share an interrupt plays a wrong piece where the pieces do not
		 * divide 32; ours must not come to that, so this does as Linux does. */
		set_descriptor(guest, stream, to->lvi, to->lvi_frag * to->fragment);
		if (--to->ack == 0) {
			to->ack = to->ack_reload;
			to->elapsed += !to->quiet;
		}
	}
	vmsnd_ac97_guest_write(guest, stream, VMSND_AC97_SR, status & SR_PENDING);
}

unsigned vmsnd_ac97_guest_interrupt(struct vmsnd_ac97_guest *guest)
{
	uint32_t status = ac97_guest_get(guest, VMSND_AC97_GLOB_STA);
	unsigned served = 0;

	guest->interrupts++;
	if (status == UINT32_MAX)
		return 0;
	if (!(status & guest->interrupt_mask)) {
		guest->spurious++;
		if (status)
			ac97_guest_put(guest, VMSND_AC97_GLOB_STA, status);
		return 0;
	}
	for (unsigned i = 0; i < guest->n_streams; i++) {
		if (!(status & ac97_guest_engine(i)->status))
			continue;
		if (guest->streams[i].prepared || guest->streams[i].quiet)
			serve(guest, i);
		served++;
	}
	ac97_guest_put(guest, VMSND_AC97_GLOB_STA, status & guest->interrupt_mask);
	return served;
}

bool vmsnd_ac97_guest_poll(struct vmsnd_ac97_guest *guest)
{
	const struct vmsnd_guest_host *host = &guest->conf.pci.host;
	bool any = false;

	/* A line that never falls is given up, as Linux does. */
	for (unsigned i = 0; i < TRIES && host->interrupted(host->ctx); i++)
		any |= vmsnd_ac97_guest_interrupt(guest) > 0;
	return any;
}
