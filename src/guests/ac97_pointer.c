/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an engine is: CIV and PICB are two reads, and the card goes on between them. */
#include "guests/ac97_parts.h"

#define TRIES_USUAL 101u
#define TRIES_PROBE 1000u
#define PROBE_BYTES 32768u
#define PROBE_RATE  48000u
#define PROBE_FRAME 4u
#define US          1000u
#define MS          (1000u * US)
#define CR_RUN_IOCE 0x11u

bool ac97_guest_position(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned tries,
			 uint32_t *left)
{
	struct vmsnd_ac97_guest_stream *from = &guest->streams[stream];
	uint32_t civ, picb = 0;

	for (unsigned i = 0; i < tries; i++, from->retries++) {
		civ = vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_CIV);
		picb = vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_PICB);
		*left = picb << from->sample_shift;
		if (picb == 0) {
			ac97_guest_wait(guest, 10 * US);
			continue;
		}
		if (civ != vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_CIV))
			continue;
		if (guest->conf.in_vm && !from->quiet)
			return true;
		if (picb == vmsnd_ac97_guest_read(guest, stream, VMSND_AC97_PICB))
			return true;
	}
	from->timeouts++;
	return false;
}

uint32_t vmsnd_ac97_guest_pointer(struct vmsnd_ac97_guest *guest, unsigned stream)
{
	struct vmsnd_ac97_guest_stream *from = &guest->streams[stream];
	uint32_t left, at;

	/* Also when no two reads agree: the last is what there is. */
	ac97_guest_position(guest, stream, TRIES_USUAL, &left);
	if (left == 0 || left > from->fragment)
		return from->last_pointer / from->frame_bytes;
	at = from->position + from->fragment - left;
	/* The next piece has begun and its interrupt was not served yet: not back to where this one
	 * began. */
	if (at < from->last_pointer &&
	    from->position / from->fragment == from->last_pointer / from->fragment)
		at = from->last_pointer;
	from->last_pointer = at;
	return at >= from->size ? 0 : at / from->frame_bytes;
}

/* The ring of the probe: one period in two halves, and nobody is told of them. */
static enum vmsnd_rc begin_probe(struct vmsnd_ac97_guest *guest)
{
	static const struct vmsnd_guest_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = PROBE_RATE, .channels = 2},
	    .period_frames = PROBE_BYTES / PROBE_FRAME,
	    .periods = 1};
	enum vmsnd_rc rc = vmsnd_ac97_guest_prepare(guest, VMSND_AC97_PCM_OUT, &params);

	if (rc)
		return rc;
	guest->streams[VMSND_AC97_PCM_OUT].quiet = true;
	vmsnd_ac97_guest_write(guest, VMSND_AC97_PCM_OUT, VMSND_AC97_CR, CR_RUN_IOCE);
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_ac97_guest_measure(struct vmsnd_ac97_guest *guest,
				       struct vmsnd_ac97_measured *out)
{
	const struct vmsnd_guest_host *host = &guest->conf.pci.host;
	struct vmsnd_ac97_guest_stream *stream = &guest->streams[VMSND_AC97_PCM_OUT];
	uint64_t retries = stream->retries;
	enum vmsnd_rc rc = begin_probe(guest);
	vmsnd_ns begin = host->now(host->ctx);
	uint32_t left = 0;

	if (rc)
		return rc;
	ac97_guest_wait(guest, 50 * MS);
	out->agreed = ac97_guest_position(guest, VMSND_AC97_PCM_OUT, TRIES_PROBE, &left);
	out->frames = left ? (stream->position + stream->fragment - left) / PROBE_FRAME : 0;
	out->took = host->now(host->ctx) - begin;
	out->retries = (unsigned)(stream->retries - retries);
	out->rate_hz = (double)out->frames * 1e9 / (double)out->took;
	stream->quiet = stream->prepared = false;
	return vmsnd_ac97_guest_stop(guest, VMSND_AC97_PCM_OUT);
}
