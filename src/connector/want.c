/* SPDX-License-Identifier: BSD-3-Clause */
/* What host stream a unit should have: the guest's parameters, the owner's wishes (PAR-01). */
#include "connector/port.h"

/* Every host that plays at all takes this. */
static const struct vmsnd_format plain = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

/* How long a microphone stays open, stopped, for a guest that may only be recovering. */
#define LINGER_NS (5 * VMSND_NS_PER_SECOND)

/* Whose wish it is: the unit's own, or of what comes next. */
struct wisher {
	const struct vmsnd_lun *lun;
	const struct vmsnd_lun_prefs *prefs;
	const struct vmsnd_stream *stream; /* that is open for it */
	const struct vmsnd_stream_want *asked;
	bool there; /* a backend */
	bool plain;
};

static struct wisher own(const struct vmsnd_lun *lun)
{
	return (struct wisher){.lun = lun,
			       .prefs = &lun->conf.prefs,
			       .stream = lun->stream,
			       .asked = &lun->asked,
			       .there = lun->conf.backend && lun->next_host,
			       .plain = lun->plain};
}

static struct wisher next(const struct vmsnd_lun *lun)
{
	const struct vmsnd_lun_other *other = &lun->other;

	return (struct wisher){.lun = lun,
			       .prefs = &other->conf.prefs,
			       .stream = other->stream,
			       .asked = &other->asked,
			       .there = other->conf.backend && other->conf.host,
			       .plain = other->plain};
}

static const struct vmsnd_lun *pacer(const struct vmsnd_lun *lun)
{
	return lun->port->luns[0];
}

/* A tap of the host's side has the format of what it listens to. */
static struct vmsnd_format base_format(const struct wisher *wisher)
{
	const struct vmsnd_lun *lun = wisher->lun, *first = pacer(lun);

	if (lun->conf.role == VMSND_LUN_TAP_HOST && first && first->stream)
		return first->got.format;
	if (lun->conf.role == VMSND_LUN_TAP_HOST && wisher->stream)
		return wisher->asked->format;
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
static void lengths(const struct wisher *wisher, const struct vmsnd_stream_params *params,
		    struct vmsnd_stream_want *want)
{
	const struct vmsnd_lun_prefs *prefs = wisher->prefs;
	uint32_t rate_hz = want->format.rate_hz, guest_hz = params->format.rate_hz;
	uint32_t half = scaled(params->buffer_frames, rate_hz, guest_hz) / 2;

	want->buffer_frames = prefs->buffer_ms ? ms_frames(prefs->buffer_ms, rate_hz) : 0;
	want->period_frames = prefs->period_ms ? ms_frames(prefs->period_ms, rate_hz)
					       : scaled(params->period_frames, rate_hz, guest_hz);
	/* A block that the guest's buffer does not hold could not be filled in time. */
	if (wisher->lun->index == 0 && prefs->period_ms && half > 0 && want->period_frames > half)
		want->period_frames = half;
	if (want->buffer_frames > 1 && want->period_frames > want->buffer_frames / 2)
		want->period_frames = want->buffer_frames / 2;
}

/* What every host takes, if it comes to that, and what the owner would have. */
static void adapt(const struct wisher *wisher, struct vmsnd_format *format)
{
	const struct vmsnd_lun *lun = wisher->lun;

	if (wisher->plain && lun->conf.role != VMSND_LUN_TAP_HOST) {
		format->sample = plain.sample;
		format->big_endian = false;
		format->rate_hz = plain.rate_hz;
		if (format->channels > plain.channels) {
			format->channels = plain.channels;
			format->positions[0] = VMSND_POSITION_UNSET;
		}
	}
	if (lun->conf.role == VMSND_LUN_NORMAL)
		apply_prefs(wisher->prefs, format);
}

/* From the format that is there to the one to ask for. What is no PCM is not to be had in another.
 */
static void compose(const struct wisher *wisher, const struct vmsnd_stream_params *params,
		    struct vmsnd_stream_want *want)
{
	if (!vmsnd_sample_is_opaque(want->format.sample))
		adapt(wisher, &want->format);
	lengths(wisher, params, want);
}

void vmsnd_lun_want_for(const struct vmsnd_lun *lun, const struct vmsnd_stream_params *params,
			struct vmsnd_stream_want *want)
{
	const struct wisher wisher = own(lun);

	*want = (struct vmsnd_stream_want){
	    .dir = lun->dir, .format = params->format, .follow = lun->index > 0};
	compose(&wisher, params, want);
}

vmsnd_ns vmsnd_lun_linger_end(const struct vmsnd_lun *lun)
{
	if (lun->dir == VMSND_PLAYBACK || lun->port->released == VMSND_NEVER)
		return VMSND_NEVER;
	return lun->port->released + LINGER_NS;
}

static bool allowed(const struct wisher *wisher)
{
	const struct vmsnd_lun *lun = wisher->lun;
	const struct vmsnd_port *port = lun->port;

	if (!port->known || lun->removed || !wisher->there)
		return false;
	if (lun->conf.role != VMSND_LUN_NORMAL)
		return lun->conf.role == VMSND_LUN_TAP_DEVICE || pacer(lun);
	/* What a guest has let go of is kept open for its return, but not opened anew; a microphone
	 * is not kept for long. */
	if (!port->prepared && !wisher->stream)
		return false;
	if (port->time >= vmsnd_lun_linger_end(lun))
		return false;
	/* Nothing can be added to what is no PCM. */
	if (lun->dir == VMSND_CAPTURE && lun->index > 0 &&
	    vmsnd_sample_is_opaque(port->params.format.sample))
		return false;
	return port->conf.enabled;
}

static bool wants(const struct wisher *wisher, struct vmsnd_stream_want *want)
{
	const struct vmsnd_lun *lun = wisher->lun;

	if (!allowed(wisher))
		return false;
	*want = (struct vmsnd_stream_want){
	    .dir = lun->dir, .format = base_format(wisher), .follow = lun->index > 0};
	compose(wisher, &lun->port->params, want);
	return true;
}

bool vmsnd_lun_wants(const struct vmsnd_lun *lun, struct vmsnd_stream_want *want)
{
	const struct wisher wisher = own(lun);

	return wants(&wisher, want);
}

bool vmsnd_lun_wants_next(const struct vmsnd_lun *lun, struct vmsnd_stream_want *want)
{
	const struct wisher wisher = next(lun);

	return wants(&wisher, want);
}

bool vmsnd_want_equal(const struct vmsnd_stream_want *a, const struct vmsnd_stream_want *b)
{
	return a->dir == b->dir && a->follow == b->follow && a->period_frames == b->period_frames &&
	       a->buffer_frames == b->buffer_frames && vmsnd_format_equal(&a->format, &b->format);
}
