/* SPDX-License-Identifier: BSD-3-Clause */
/* A port written down and brought back: what the guest asked for, what the rings hold, what was
 * counted. Host streams are opened anew; what their conversions held is saved as frames not read.
 *
 * Nothing of a state is believed: everything is read and checked before anything is changed. */
#include <string.h>

#include "connector/port.h"

/* No count, position or time is larger; sums of two of them do not wrap. */
#define VALUE_MAX (UINT64_C(1) << 61)

/* Since when the guest's mixer is at the end. */
#define MIXER_MINOR 1u

/* Of a path, in the order they are written. The last ones may be UINT64_MAX: nothing yet. */
enum { FIGURE_OUT, FIGURE_DROPPED, FIGURES = 14, FIGURES_LEAST = 12 };
static const size_t figure_at[FIGURES] = {
    [FIGURE_OUT] = offsetof(struct vmsnd_path, out_frames),
    [FIGURE_DROPPED] = offsetof(struct vmsnd_path, dropped_frames),
    offsetof(struct vmsnd_path, blocks),
    offsetof(struct vmsnd_path, in_frames),
    offsetof(struct vmsnd_path, silence_frames),
    offsetof(struct vmsnd_path, underruns),
    offsetof(struct vmsnd_path, underrun_frames),
    offsetof(struct vmsnd_path, overruns),
    offsetof(struct vmsnd_path, overrun_frames),
    offsetof(struct vmsnd_path, host_gaps),
    offsetof(struct vmsnd_path, fill_max),
    offsetof(struct vmsnd_path, latency_max_ns),
    offsetof(struct vmsnd_path, fill_min),
    offsetof(struct vmsnd_path, latency_min_ns),
};

struct frames {
	const uint8_t *at; /* in the state */
	uint32_t n;
};

struct saved_unit {
	uint8_t index, role;
	bool due;
	struct vmsnd_volume volume;
	uint64_t opens, losses, figures[FIGURES];
	struct frames frames;
};

struct saved_port {
	uint32_t ring_bytes; /* the port's own */
	uint8_t phase;
	bool prepared, known, holding;
	struct vmsnd_stream_params params;
	uint64_t position, waited_ns, ahead_done, frames_before, starts, stalls, opens, losses;
	uint64_t main[FIGURES], stand[FIGURES];
	struct frames frames;
	struct vmsnd_mixer mixer;
	unsigned n_units;
	struct saved_unit units[VMSND_PORT_LUNS_MAX];
};

/* ---- saving ------------------------------------------------------------------------ */

static void get_figures(const struct vmsnd_path *path, uint64_t figures[FIGURES])
{
	for (unsigned i = 0; i < FIGURES; i++) {
		const void *at = (const char *)path + figure_at[i];

		figures[i] = vmsnd_figure_rt(at);
	}
}

static void put_values(struct vmsnd_state_writer *to, const uint64_t *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		vmsnd_state_put_u64(to, values[i]);
}

static void put_params(struct vmsnd_state_writer *to, const struct vmsnd_stream_params *params)
{
	const struct vmsnd_format *format = &params->format;

	vmsnd_state_put_u8(to, (uint8_t)format->sample);
	vmsnd_state_put_u8(to, format->big_endian);
	vmsnd_state_put_u32(to, format->rate_hz);
	vmsnd_state_put_u32(to, format->channels);
	vmsnd_state_put(to, format->positions, sizeof(format->positions));
	vmsnd_state_put_u32(to, params->buffer_frames);
	vmsnd_state_put_u32(to, params->period_frames);
}

static uint32_t in_range(int32_t mdb)
{
	if (mdb < VMSND_GAIN_MIN_MDB)
		return (uint32_t)VMSND_GAIN_MIN_MDB;
	return (uint32_t)(mdb < VMSND_GAIN_MAX_MDB ? mdb : VMSND_GAIN_MAX_MDB);
}

static void put_volume(struct vmsnd_state_writer *to, const struct vmsnd_volume *volume)
{
	vmsnd_state_put_u32(to, in_range(volume->gain_mdb));
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		vmsnd_state_put_u32(to, in_range(volume->channel_mdb[i]));
	vmsnd_state_put_u32(to, volume->muted);
}

/* `n` frames from `first` on, which the ring still holds. */
static void put_frames(struct vmsnd_state_writer *to, const struct vmsnd_ring_end *ring,
		       uint64_t first, uint32_t n)
{
	vmsnd_state_put_u32(to, n);
	while (n > 0) {
		uint32_t index = (uint32_t)(first & (ring->capacity_frames - 1));
		uint32_t piece = ring->capacity_frames - index;

		piece = piece < n ? piece : n;
		vmsnd_state_put(to, ring->storage + (size_t)index * ring->frame_bytes,
				(size_t)piece * ring->frame_bytes);
		first += piece;
		n -= piece;
	}
}

/* Played frames that are in the conversion still, as far as the ring has them (next.c). */
static uint32_t held_back(const struct vmsnd_lun *lun, const struct vmsnd_ring_end *reader,
			  uint32_t fill)
{
	uint32_t held, most = reader->capacity_frames - fill;

	if (!lun || !lun->stream || lun->dir == VMSND_CAPTURE ||
	    !vmsnd_format_equal(&lun->guest_format, &lun->port->params.format))
		return 0;
	held = vmsnd_flow_held_frames_rt(lun->path->flow);
	if (most > reader->position)
		most = (uint32_t)reader->position;
	return held < most ? held : most;
}

static bool keeps_ring(const struct vmsnd_lun *lun)
{
	return lun->index > 0 && lun->dir == VMSND_PLAYBACK &&
	       lun->conf.role != VMSND_LUN_TAP_HOST && lun->far.frame_bytes > 0 &&
	       vmsnd_format_equal(&lun->own.ring_format, &lun->port->params.format);
}

static void put_unit(struct vmsnd_state_writer *to, const struct vmsnd_lun *lun)
{
	uint32_t fill = lun->index > 0 ? vmsnd_ring_distance_rt(&lun->head) : 0, n = 0;
	uint64_t figures[FIGURES];

	get_figures(&lun->own, figures);
	if (keeps_ring(lun)) {
		uint32_t held = held_back(lun, &lun->own.ring, fill);

		n = fill + held;
		figures[FIGURE_OUT] -= held;
	} else {
		figures[FIGURE_DROPPED] += fill;
	}
	vmsnd_state_put_u8(to, (uint8_t)lun->index);
	vmsnd_state_put_u8(to, (uint8_t)lun->conf.role);
	vmsnd_state_put_u8(to, lun->due);
	put_volume(to, &lun->conf.volume);
	vmsnd_state_put_u64(to, lun->index > 0 ? lun->opens : 0);
	vmsnd_state_put_u64(to, lun->index > 0 ? lun->losses : 0);
	put_values(to, figures, FIGURES);
	put_frames(to, &lun->far, lun->far.position - n, n);
}

static void put_ring(const struct vmsnd_port *port, struct vmsnd_state_writer *to)
{
	uint32_t fill = vmsnd_port_fill(port), held = 0;
	uint64_t figures[FIGURES], first = port->ring.position;

	get_figures(&port->main, figures);
	if (port->conf.dir == VMSND_PLAYBACK) {
		held = held_back(port->luns[0], &port->main.ring, fill);
		figures[FIGURE_OUT] -= held;
		first -= fill + held;
	}
	put_values(to, figures, FIGURES);
	get_figures(&port->stand, figures);
	put_values(to, figures, FIGURES);
	put_frames(to, &port->ring, first, fill + held);
}

/* Of the time that pre-buffering, or holding back, may take. */
static uint64_t waited_ns(const struct vmsnd_port *port)
{
	vmsnd_ns until = port->paused ? port->paused_at : port->time;

	if ((port->phase != VMSND_PORT_PREBUF && !port->holding) || port->start > until)
		return 0;
	return until - port->start;
}

void vmsnd_port_save(const struct vmsnd_port *port, struct vmsnd_state_writer *to)
{
	const struct vmsnd_lun *first = port->luns[0];
	const uint64_t values[] = {
	    port->ring.position,
	    waited_ns(port),
	    vmsnd_port_do_done_frames(port),
	    port->frames_before,
	    port->starts,
	    port->stalls,
	    port->opens + (first ? first->opens : 0),
	    port->losses + (first ? first->losses : 0),
	};
	uint8_t n = 0;

	vmsnd_state_put_u8(to, (uint8_t)port->conf.dir);
	vmsnd_state_put_u8(to, (uint8_t)port->phase);
	vmsnd_state_put_u8(to, port->prepared);
	vmsnd_state_put_u8(to, port->known);
	vmsnd_state_put_u8(to, port->holding);
	put_params(to, &port->params);
	put_values(to, values, sizeof(values) / sizeof(values[0]));
	put_ring(port, to);
	for (unsigned i = 0; i < port->n_places; i++)
		if (port->luns[i])
			n++;
	vmsnd_state_put_u8(to, n);
	for (unsigned i = 0; i < port->n_places; i++)
		if (port->luns[i])
			put_unit(to, port->luns[i]);
	put_volume(to, &port->mixer.volume);
	vmsnd_state_put_u32(to, port->mixer.sources);
}

/* ---- reading, and checking ------------------------------------------------------------ */

static void read_value(struct vmsnd_state_reader *from, uint64_t *value)
{
	*value = vmsnd_state_get_u64(from);
	from->bad |= *value > VALUE_MAX;
}

static void read_figures(struct vmsnd_state_reader *from, uint64_t figures[FIGURES])
{
	for (unsigned i = 0; i < FIGURES; i++) {
		figures[i] = vmsnd_state_get_u64(from);
		from->bad |=
		    figures[i] > VALUE_MAX && (i < FIGURES_LEAST || figures[i] != UINT64_MAX);
	}
}

static void read_params(struct vmsnd_state_reader *from, struct vmsnd_stream_params *params)
{
	struct vmsnd_format *format = &params->format;

	format->sample = (enum vmsnd_sample)vmsnd_state_get_u8_upto(from, VMSND_SAMPLE_COUNT - 1);
	format->big_endian = vmsnd_state_get_bool(from);
	format->rate_hz = vmsnd_state_get_u32(from);
	format->channels = vmsnd_state_get_u32(from);
	vmsnd_state_get(from, format->positions, sizeof(format->positions));
	params->buffer_frames = vmsnd_state_get_u32(from);
	params->period_frames = vmsnd_state_get_u32(from);
}

static int32_t read_mdb(struct vmsnd_state_reader *from)
{
	uint32_t above = vmsnd_state_get_u32(from) - (uint32_t)VMSND_GAIN_MIN_MDB;

	from->bad |= above > (uint32_t)(VMSND_GAIN_MAX_MDB - VMSND_GAIN_MIN_MDB);
	return from->bad ? 0 : (int32_t)above + VMSND_GAIN_MIN_MDB;
}

static void read_volume(struct vmsnd_state_reader *from, struct vmsnd_volume *volume)
{
	volume->gain_mdb = read_mdb(from);
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		volume->channel_mdb[i] = read_mdb(from);
	volume->muted = vmsnd_state_get_u32(from);
}

/* Where they lie; no more than a ring of that format holds. */
static void read_frames(struct vmsnd_state_reader *from, const struct saved_port *saved,
			struct frames *frames)
{
	uint64_t frame_bytes = vmsnd_format_frame_bytes(&saved->params.format);
	uint32_t n = vmsnd_state_get_u32_upto(from, saved->ring_bytes);
	size_t bytes = (size_t)(n * frame_bytes);

	if (n > 0 && (frame_bytes == 0 || vmsnd_ring_capacity(n) * frame_bytes > saved->ring_bytes))
		from->bad = true;
	if (from->bad || bytes > from->bytes - from->at) {
		from->bad = true;
		return;
	}
	frames->at = from->from + from->at;
	frames->n = n;
	from->at += bytes;
}

static void read_unit(struct vmsnd_state_reader *from, const struct saved_port *saved,
		      struct saved_unit *unit)
{
	unit->index = vmsnd_state_get_u8_upto(from, VMSND_PORT_LUNS_MAX - 1);
	unit->role = vmsnd_state_get_u8_upto(from, VMSND_LUN_TAP_HOST);
	unit->due = vmsnd_state_get_bool(from);
	read_volume(from, &unit->volume);
	read_value(from, &unit->opens);
	read_value(from, &unit->losses);
	read_figures(from, unit->figures);
	read_frames(from, saved, &unit->frames);
	from->bad |= unit->frames.n > 0 && (unit->index == 0 || !saved->known);
}

static bool holds_together(const struct vmsnd_port *port, const struct saved_port *saved)
{
	bool playback = port->conf.dir == VMSND_PLAYBACK;

	if ((saved->known || saved->prepared) && !vmsnd_port_do_fits(port, &saved->params))
		return false;
	if (saved->prepared && !saved->known)
		return false;
	if (!saved->prepared && (saved->phase != VMSND_PORT_IDLE || saved->position > 0 ||
				 saved->ahead_done > 0 || saved->frames.n > 0))
		return false;
	if (playback)
		return !saved->holding && saved->frames.n <= saved->position &&
		       saved->ahead_done <= saved->position;
	return saved->phase != VMSND_PORT_DRAIN;
}

static bool read_all(const struct vmsnd_port *port, struct vmsnd_state_reader *from, uint16_t minor,
		     struct saved_port *saved)
{
	uint64_t *const values[] = {&saved->position,      &saved->waited_ns, &saved->ahead_done,
				    &saved->frames_before, &saved->starts,    &saved->stalls,
				    &saved->opens,         &saved->losses};
	uint32_t places = 0;

	saved->ring_bytes = port->conf.ring_bytes;
	from->bad |= vmsnd_state_get_u8(from) != (uint8_t)port->conf.dir;
	saved->phase = vmsnd_state_get_u8_upto(from, VMSND_PORT_DRAIN);
	saved->prepared = vmsnd_state_get_bool(from);
	saved->known = vmsnd_state_get_bool(from);
	saved->holding = vmsnd_state_get_bool(from);
	read_params(from, &saved->params);
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		read_value(from, values[i]);
	read_figures(from, saved->main);
	read_figures(from, saved->stand);
	read_frames(from, saved, &saved->frames);
	saved->n_units = vmsnd_state_get_u8_upto(from, VMSND_PORT_LUNS_MAX);
	for (unsigned i = 0; i < saved->n_units && !from->bad; i++) {
		read_unit(from, saved, &saved->units[i]);
		from->bad |= (places >> saved->units[i].index & 1) != 0;
		places |= 1u << saved->units[i].index;
	}
	saved->mixer.sources = UINT32_MAX;
	if (minor >= MIXER_MINOR) {
		read_volume(from, &saved->mixer.volume);
		saved->mixer.sources = vmsnd_state_get_u32(from);
	}
	return !from->bad && holds_together(port, saved);
}

/* ---- loading ------------------------------------------------------------------------- */

static void set_figures(struct vmsnd_path *path, const uint64_t figures[FIGURES])
{
	for (unsigned i = 0; i < FIGURES; i++) {
		void *at = (char *)path + figure_at[i];

		atomic_store_explicit((_Atomic uint64_t *)at, figures[i], memory_order_relaxed);
	}
}

static void load_unit(struct vmsnd_lun *lun, const struct saved_unit *saved, vmsnd_ns now)
{
	uint32_t n = saved->frames.n, put = 0;

	vmsnd_lun_volume(lun, &saved->volume);
	if (lun->index == 0) { /* these are the port's */
		lun->opens = lun->losses = 0;
		return;
	}
	lun->opens = saved->opens;
	lun->losses = saved->losses;
	lun->due = saved->due;
	if (n > 0 && keeps_ring(lun)) {
		vmsnd_lun_make_room(lun, n);
		put = vmsnd_ring_put_rt(&lun->far, saved->frames.at, n);
		lun->fed = now;
	}
	set_figures(&lun->own, saved->figures);
	vmsnd_figure_add_rt(&lun->own.dropped_frames, n - put);
}

/* The elapsed part of a wait, before `now` and not before time began. */
static vmsnd_ns began(uint64_t waited, vmsnd_ns now)
{
	return waited < now ? now - waited : 0;
}

static void load_port(struct vmsnd_port *port, const struct saved_port *saved, vmsnd_ns now)
{
	port->phase = (enum vmsnd_port_phase)saved->phase;
	port->mixer = saved->mixer;
	port->prepared = saved->prepared;
	port->known = saved->known;
	port->holding = saved->holding;
	port->start = began(saved->waited_ns, now);
	port->since = port->paused_at = port->time = now;
	port->released = saved->known && !saved->prepared ? now : VMSND_NEVER;
	port->paused = true;
	port->frames_before = saved->frames_before;
	port->starts = saved->starts;
	port->stalls = saved->stalls;
	port->opens = saved->opens;
	port->losses = saved->losses;
	set_figures(&port->main, saved->main);
	set_figures(&port->stand, saved->stand);
	port->moved_blocks =
	    vmsnd_figure_rt(&port->main.blocks) + vmsnd_figure_rt(&port->stand.blocks);
	port->params = saved->known ? saved->params : (struct vmsnd_stream_params){0};
	if (!saved->known)
		return;
	port->frame_bytes = vmsnd_format_frame_bytes(&saved->params.format);
	vmsnd_block_clock_init(&port->clock, saved->params.format.rate_hz,
			       saved->params.period_frames, 1);
	vmsnd_port_feed_reset(port);
	vmsnd_port_ring_load(port, saved->position, saved->frames.at, saved->frames.n);
	port->ahead_done = port->conf.dir == VMSND_PLAYBACK ? saved->ahead_done : 0;
	port->ahead_told = port->ahead_done;
}

enum vmsnd_rc vmsnd_port_load(struct vmsnd_port *port, struct vmsnd_state_reader *from,
			      uint16_t minor, vmsnd_ns now)
{
	struct saved_port saved;

	memset(&saved, 0, sizeof(saved));
	if (port->known || port->prepared)
		return VMSND_E_INVALID;
	if (!read_all(port, from, minor, &saved))
		return VMSND_E_DAMAGED;
	load_port(port, &saved, now);
	for (unsigned i = 0; i < saved.n_units; i++) {
		struct vmsnd_lun *lun = port->luns[saved.units[i].index];

		if (lun)
			load_unit(lun, &saved.units[i], now);
	}
	vmsnd_port_wish(port);
	vmsnd_port_settle_luns(port, now);
	if (port->prepared) {
		vmsnd_port_grow(port);
		vmsnd_port_measure(port);
	}
	return VMSND_OK;
}
