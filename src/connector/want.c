/* SPDX-License-Identifier: BSD-3-Clause */
/* What host stream a unit should have: the guest's parameters, the owner's wishes (PAR-01). */
#include "connector/port.h"

/* Every host that plays at all takes this. */
static const struct vmsnd_format plain = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

/* How long a microphone stays open, stopped, for a guest that may only be recovering. */
#define LINGER_NS (5 * VMSND_NS_PER_SECOND)

static const struct vmsnd_lun *pacer(const struct vmsnd_lun *lun)
{
	return lun->port->luns[0];
}

/* A tap of the host's side has the format of what it listens to. */
static struct vmsnd_format base_format(const struct vmsnd_lun *lun)
{
	const struct vmsnd_lun *first = pacer(lun);

	if (lun->conf.role == VMSND_LUN_TAP_HOST && first && first->stream)
		return first->got.format;
	if (lun->conf.role == VMSND_LUN_TAP_HOST && lun->stream)
		return lun->asked.format;
	return lun->port->params.format;
}

static void apply_prefs(const struct vmsnd_lun_prefs *prefs, struct vmsnd_format *format)
{
	if (prefs->sample != VMSND_SAMPLE_COUNT) {
		format->sample = prefs->sample;
		format->big_endian = false;
	}
	format->big_endian |= prefs->big_endian;
	if (prefs->rate_hz > 0)
		format->rate_hz = prefs->rate_hz;
	if (prefs->channels > 0 && prefs->channels != format->channels) {
		format->channels = prefs->channels;
		format->positions[0] = VMSND_POSITION_UNSET;
	}
}

static uint32_t ms_frames(uint32_t ms, uint32_t rate_hz)
{
	uint64_t frames = (uint64_t)ms * rate_hz / 1000;

	return frames > 0 && frames <= UINT32_MAX ? (uint32_t)frames : 1;
}

static uint32_t scaled(uint32_t frames, uint32_t rate_hz, uint32_t from_hz)
{
	uint64_t at = (uint64_t)frames * rate_hz / from_hz;

	return at > 0 ? (uint32_t)at : 1;
}

/* PAR-03: half the buffer at most. */
static void lengths(const struct vmsnd_lun *lun, const struct vmsnd_stream_params *params,
		    struct vmsnd_stream_want *want)
{
	const struct vmsnd_lun_prefs *prefs = &lun->conf.prefs;
	uint32_t rate_hz = want->format.rate_hz, guest_hz = params->format.rate_hz;
	uint32_t half = scaled(params->buffer_frames, rate_hz, guest_hz) / 2;

	want->buffer_frames = prefs->buffer_ms ? ms_frames(prefs->buffer_ms, rate_hz) : 0;
	want->period_frames = prefs->period_ms ? ms_frames(prefs->period_ms, rate_hz)
					       : scaled(params->period_frames, rate_hz, guest_hz);
	/* A block that the guest's buffer does not hold could not be filled in time. */
	if (lun->index == 0 && prefs->period_ms && half > 0 && want->period_frames > half)
		want->period_frames = half;
	if (want->buffer_frames > 1 && want->period_frames > want->buffer_frames / 2)
		want->period_frames = want->buffer_frames / 2;
}

/* From the format that is there to the one to ask for. */
static void compose(const struct vmsnd_lun *lun, const struct vmsnd_stream_params *params,
		    struct vmsnd_stream_want *want)
{
	if (lun->plain && lun->conf.role != VMSND_LUN_TAP_HOST) {
		want->format.sample = plain.sample;
		want->format.big_endian = false;
		want->format.rate_hz = plain.rate_hz;
		if (want->format.channels > plain.channels) {
			want->format.channels = plain.channels;
			want->format.positions[0] = VMSND_POSITION_UNSET;
		}
	}
	if (lun->conf.role == VMSND_LUN_NORMAL)
		apply_prefs(&lun->conf.prefs, &want->format);
	lengths(lun, params, want);
}

void vmsnd_lun_want_for(const struct vmsnd_lun *lun, const struct vmsnd_stream_params *params,
			struct vmsnd_stream_want *want)
{
	*want = (struct vmsnd_stream_want){
	    .dir = lun->dir, .format = params->format, .follow = lun->index > 0};
	compose(lun, params, want);
}

vmsnd_ns vmsnd_lun_linger_end(const struct vmsnd_lun *lun)
{
	if (lun->dir == VMSND_PLAYBACK || lun->port->released == VMSND_NEVER)
		return VMSND_NEVER;
	return lun->port->released + LINGER_NS;
}

static bool allowed(const struct vmsnd_lun *lun)
{
	const struct vmsnd_port *port = lun->port;

	if (!port->known || lun->removed || !lun->conf.backend || !lun->next_host)
		return false;
	if (lun->conf.role != VMSND_LUN_NORMAL)
		return lun->conf.role == VMSND_LUN_TAP_DEVICE || pacer(lun);
	/* What a guest has let go of is kept open for its return, but not opened anew; a microphone
	 * is not kept for long. */
	if (!port->prepared && !lun->stream)
		return false;
	if (port->time >= vmsnd_lun_linger_end(lun))
		return false;
	return port->conf.enabled;
}

bool vmsnd_lun_wants(const struct vmsnd_lun *lun, struct vmsnd_stream_want *want)
{
	if (!allowed(lun))
		return false;
	*want = (struct vmsnd_stream_want){
	    .dir = lun->dir, .format = base_format(lun), .follow = lun->index > 0};
	compose(lun, &lun->port->params, want);
	return true;
}

bool vmsnd_want_equal(const struct vmsnd_stream_want *a, const struct vmsnd_stream_want *b)
{
	return a->dir == b->dir && a->follow == b->follow && a->period_frames == b->period_frames &&
	       a->buffer_frames == b->buffer_frames && vmsnd_format_equal(&a->format, &b->format);
}
