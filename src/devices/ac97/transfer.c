/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between guest memory and an engine's port. Whatever memory or port are like, as many
 * frames go by as the clock says: what cannot be read is silence, what does not fit is dropped,
 * what has not been recorded is silence, and all of it is counted (A9-26, A9-27). */
#include <string.h>

#include "devices/ac97/ac97.h"
#include "vmsnd/transport.h"

uint32_t ac97_step_frames(const struct vmsnd_ac97 *card, const struct ac97_engine *engine)
{
	uint32_t frames = engine->params.format.rate_hz / card->conf.timer_hz;

	return frames > 0 ? frames : 1;
}

uint32_t ac97_left_frames(const struct ac97_engine *engine)
{
	uint32_t channels = engine->params.format.channels;

	return (engine->left_samples + channels - 1) / channels;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- the port ---- */

static bool prepare(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	struct vmsnd_stream_params *params = &engine->params;
	struct vmsnd_stream_params was;

	params->period_frames = ac97_step_frames(card, engine);
	params->buffer_frames = params->format.rate_hz / 2;
	if (vmsnd_port_params(engine->port, &was) &&
	    vmsnd_format_equal(&was.format, &params->format))
		return true;
	vmsnd_port_release(engine->port, now);
	while (!vmsnd_port_fits(engine->port, params) &&
	       params->buffer_frames > 4 * params->period_frames)
		params->buffer_frames /= 2;
	return vmsnd_port_prepare(engine->port, params, now) == VMSND_OK;
}

void ac97_port_begin(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	engine->port_wanted = true;
	if (!engine->port)
		return;
	engine->port_runs = prepare(card, engine, now) && !vmsnd_port_start(engine->port, now);
	ac97_pace_anew(engine);
	ac97_port_forget(engine);
}

void ac97_port_end(struct ac97_engine *engine, vmsnd_ns now)
{
	engine->port_wanted = false;
	if (!engine->port_runs)
		return;
	vmsnd_port_drain(engine->port, now);
	engine->port_runs = false;
}

void ac97_port_release(struct ac97_engine *engine, vmsnd_ns now)
{
	engine->port_wanted = engine->port_runs = false;
	if (engine->port)
		vmsnd_port_release(engine->port, now);
}

/* ---- pieces ---- */

/* A stretch of the descriptor: whole frames but perhaps the last, in one piece of address space. */
struct piece {
	uint32_t address, frames, bytes;
};

static uint32_t sample_bytes(const struct ac97_engine *engine)
{
	return engine->frame_bytes / engine->params.format.channels;
}

static struct piece piece_of(const struct ac97_engine *engine, uint32_t frames)
{
	uint32_t size = sample_bytes(engine), most = AC97_PIECE_BYTES / engine->frame_bytes,
		 samples;
	/* The bus has 32 bits. */
	uint32_t at = engine->list.address + (engine->list.samples - engine->left_samples) * size;
	uint64_t room = (UINT64_C(1) << 32) - at;

	if (room / engine->frame_bytes < most)
		most = (uint32_t)(room / engine->frame_bytes);
	/* A frame across the end goes alone, and only as much of it as is there. */
	most = most > 0 ? most : 1;
	frames = frames < most ? frames : most;
	samples = frames * engine->params.format.channels;
	samples = samples < engine->left_samples ? samples : engine->left_samples;
	if (room < (uint64_t)samples * size)
		samples = (uint32_t)(room / size);
	return (struct piece){.address = at, .frames = frames, .bytes = samples * size};
}

static void passed(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint32_t frames)
{
	uint32_t samples = frames * engine->params.format.channels;
	uint32_t used = frames < engine->fetched_frames ? frames : engine->fetched_frames;

	engine->fetched_frames -= used;
	engine->fetched_at += used * engine->frame_bytes;
	engine->left_samples -= samples < engine->left_samples ? samples : engine->left_samples;
	engine->asked_frames = 0;
	engine->asked_since = VMSND_NEVER;
	engine->lost_frames -= frames < engine->lost_frames ? frames : engine->lost_frames;
	card->counters.frames[engine - card->engines] += frames;
}

/* What came of an access; false: it may still come. */
static bool came(struct vmsnd_ac97 *card, struct ac97_engine *engine, const struct piece *piece,
		 enum vmsnd_rc rc)
{
	if (rc && rc != VMSND_E_AGAIN) {
		ac97_fault(card, VMSND_FAULT_DATA_ADDRESS, piece->address);
		vmsnd_pci_master_abort(&card->pci);
	}
	if (rc)
		ac97_engine_fifo_error(card, engine);
	return rc == VMSND_OK;
}

/* ---- playback ---- */

/* Memory that answers later is asked for a step at a time, or up to the descriptor's end, and the
 * frames wait here for their time: who asks for what has gone by when an answer comes, asks for a
 * few frames thousands of times a second (A9-03). */
static enum vmsnd_rc fetch_ahead(struct vmsnd_ac97 *card, struct ac97_engine *engine,
				 uint32_t frames)
{
	uint32_t step = ac97_step_frames(card, engine), left = ac97_left_frames(engine);
	bool asked = engine->asked_frames > 0;
	struct piece piece;
	enum vmsnd_rc rc;

	if (asked)
		frames = engine->asked_frames;
	else if (frames < step)
		frames = step;
	piece = piece_of(engine, frames < left ? frames : left);
	rc = vmsnd_gmem_read(card->env.mem, piece.address, engine->fetched, piece.bytes);
	engine->later = asked || rc == VMSND_E_AGAIN;
	engine->asked_frames = piece.frames;
	if (rc)
		return rc;
	engine->fetched_at = 0;
	engine->fetched_frames = piece.frames;
	return VMSND_OK;
}

static enum vmsnd_rc read_sound(struct vmsnd_ac97 *card, struct ac97_engine *engine,
				const struct piece *piece, void *to)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (engine->fetched_frames == 0 && !engine->later) {
		rc = vmsnd_gmem_read(card->env.mem, piece->address, to, piece->bytes);
		engine->later = rc == VMSND_E_AGAIN;
		engine->asked_frames = piece->frames;
		return rc;
	}
	if (engine->fetched_frames == 0)
		rc = fetch_ahead(card, engine, piece->frames);
	if (!rc)
		memcpy(to, engine->fetched + engine->fetched_at, piece->bytes);
	return rc;
}

static bool play(struct vmsnd_ac97 *card, struct ac97_engine *engine, struct piece *piece,
		 vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_OK;
	uint32_t got = 0;
	void *at = NULL;

	if (engine->port_runs)
		got = vmsnd_port_begin(engine->port, piece->frames, &at);
	if (got == 0) {
		/* Nobody takes them, or nobody has room. */
		card->counters.dropped_frames += engine->port_runs ? piece->frames : 0;
		rc = vmsnd_gmem_check(card->env.mem, piece->address, piece->bytes, VMSND_READ);
		if (rc != VMSND_E_AGAIN)
			came(card, engine, piece, rc);
		return true;
	}
	if (got < piece->frames)
		*piece = piece_of(engine, got);
	if (engine->lost_frames == 0)
		rc = read_sound(card, engine, piece, at);
	if (rc == VMSND_E_AGAIN && ac97_engine_waits(engine, now))
		return false;
	if (engine->lost_frames > 0 || !came(card, engine, piece, rc))
		memset(at, 0, piece->bytes);
	memset((uint8_t *)at + piece->bytes, 0, piece->frames * engine->frame_bytes - piece->bytes);
	ac97_format_arrange(&engine->params.format, at, piece->frames);
	if (engine == &card->engines[AC97_PCM_OUT])
		ac97_sound_play(&card->sound, &engine->params.format, at, piece->frames);
	memcpy(engine->last_frame, (uint8_t *)at + (piece->frames - 1) * engine->frame_bytes,
	       engine->frame_bytes);
	vmsnd_port_commit(engine->port, piece->frames);
	engine->moved_frames += piece->frames;
	return true;
}

/* ---- capture ---- */

static const uint8_t silence[AC97_PIECE_BYTES];

/* A recording is silence until a step of it is there and for one step more, which is the reserve
 * for a host that is late; and again after each shortage, or there would be one in every step. The
 * reserve begins when the step is seen to be there: what went by until then the host needs anyway,
 * and with it counted in there would be none for who begins at the same time as his host (A9-27).
 */
bool ac97_port_comes(const struct vmsnd_ac97 *card, const struct ac97_engine *engine)
{
	return engine->dir == VMSND_CAPTURE && engine->port_runs && !engine->primed &&
	       vmsnd_port_wanted(engine->port) >= ac97_step_frames(card, engine);
}

void ac97_port_prime(struct ac97_engine *engine)
{
	engine->primed = true;
	engine->reserve_frames = 0;
	ac97_pace_anew(engine);
}

vmsnd_ns ac97_port_comes_due(const struct vmsnd_ac97 *card, const struct ac97_engine *engine,
			     vmsnd_ns now)
{
	uint64_t done;

	if (engine->dir != VMSND_CAPTURE || !engine->port_runs || engine->primed)
		return VMSND_NEVER;
	done = vmsnd_port_done_frames(engine->port) - vmsnd_port_wanted(engine->port);
	return vmsnd_port_due(engine->port, done + ac97_step_frames(card, engine), now);
}

/* How many of the frames have been recorded, and where; 0: they are silence, perhaps fewer. */
static uint32_t recorded(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint32_t *frames,
			 void **at)
{
	uint32_t step = ac97_step_frames(card, engine), got = 0;

	if (!engine->port_runs)
		return 0;
	if (engine->primed && engine->reserve_frames >= step) {
		got = vmsnd_port_begin(engine->port, *frames, at);
		engine->primed = got > 0;
	} else if (engine->primed) {
		*frames = lesser(*frames, step - engine->reserve_frames);
		engine->reserve_frames += *frames;
	}
	card->counters.padded_frames += got > 0 ? 0 : *frames;
	return got;
}

static void record(struct vmsnd_ac97 *card, struct ac97_engine *engine, struct piece *piece)
{
	unsigned id = (unsigned)(engine - card->engines);
	void *at = NULL;
	uint32_t frames = piece->frames, got = recorded(card, engine, &frames, &at);
	const void *from = silence;

	*piece = piece_of(engine, got > 0 ? got : frames);
	if (got > 0) {
		if (ac97_codec_of(card, id) == &card->codecs[0])
			ac97_sound_record(&card->sound, ac97_converter_of(id),
					  &engine->params.format, at, piece->frames);
		from = at;
	}
	came(card, engine, piece,
	     vmsnd_gmem_write(card->env.mem, piece->address, from, piece->bytes));
	if (got == 0)
		return;
	vmsnd_port_commit(engine->port, piece->frames);
	engine->moved_frames += piece->frames;
}

/* ---- both ---- */

uint32_t ac97_transfer(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint32_t frames,
		       vmsnd_ns now)
{
	uint32_t left = frames;

	while (left > 0 && card->budget > 0) {
		uint32_t most =
		    engine->asked_frames > 0 ? engine->asked_frames : engine->fetched_frames;
		struct piece piece = piece_of(engine, most > 0 && most < left ? most : left);

		if (engine->dir == VMSND_CAPTURE)
			record(card, engine, &piece);
		else if (!play(card, engine, &piece, now))
			return frames - left;
		passed(card, engine, piece.frames);
		left -= piece.frames;
		card->budget--;
	}
	return frames - left;
}

/* Playback: the last sample again, or silence, as the descriptor before wants it. */
static void fill(struct ac97_engine *engine, uint32_t frames)
{
	void *at;

	for (uint32_t got; frames > 0; frames -= got) {
		got = vmsnd_port_begin(engine->port, frames, &at);
		if (got == 0)
			return;
		for (uint32_t i = 0; i < got; i++)
			memcpy((uint8_t *)at + i * engine->frame_bytes, engine->last_frame,
			       engine->frame_bytes);
		vmsnd_port_commit(engine->port, got);
		engine->moved_frames += got;
	}
}

static void discard(struct ac97_engine *engine, uint32_t frames)
{
	void *at;

	for (uint32_t got; frames > 0; frames -= got) {
		got = vmsnd_port_begin(engine->port, frames, &at);
		if (got == 0)
			return;
		vmsnd_port_commit(engine->port, got);
		engine->moved_frames += got;
	}
}

void ac97_port_forget(struct ac97_engine *engine)
{
	if (engine->dir != VMSND_CAPTURE)
		return;
	engine->primed = false;
	engine->reserve_frames = 0;
	if (!engine->port_runs)
		return;
	discard(engine, UINT32_MAX);
	ac97_pace_anew(engine);
}

void ac97_transfer_idle(struct ac97_engine *engine, uint32_t frames)
{
	if (engine->list.bup)
		memset(engine->last_frame, 0, sizeof(engine->last_frame));
	if (engine->dir == VMSND_PLAYBACK)
		fill(engine, frames);
	else
		discard(engine, frames);
}
