/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between a PCM and the connector. The block itself is filled and emptied where the PCM has
 * it mapped, by functions that end in _rt; what alsa-lib does around it may enter the kernel. */
#include <string.h>

#include "backends/alsa/host.h"

/* What a queue is filled with. */
enum source {
	SOURCE_GUEST,
	SOURCE_HELD,   /* what had been dropped unheard */
	SOURCE_SILENCE /* of ours: before the first frame, after the last */
};

/* How things stand at a moment: `avail_frames` at `when`, and how far away the speaker is. */
struct moment {
	vmsnd_ns when;
	uint64_t avail_frames, delay_frames;
};

/* ---- time ---- */

static uint64_t frames_ns(const struct vmsnd_stream *stream, uint64_t frames)
{
	return frames * VMSND_NS_PER_SECOND / stream->format.rate_hz;
}

/* A stamp of another clock, or none, is of no use. */
static vmsnd_ns stamp_of(const struct vmsnd_stream *stream)
{
	vmsnd_ns now = vmsnd_alsa_now(), at;
	snd_htimestamp_t stamp;

	snd_pcm_status_get_htstamp(stream->status, &stamp);
	at = (vmsnd_ns)stamp.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)stamp.tv_nsec;
	return at <= now && now - at < frames_ns(stream, stream->buffer_frames) ? at : now;
}

/* Negative: an error, or what a state means that is none to move frames in. */
static int look(struct vmsnd_stream *stream, struct moment *out)
{
	static const int meaning[] = {
	    [SND_PCM_STATE_OPEN] = -ENODEV,         [SND_PCM_STATE_SETUP] = -EPIPE,
	    [SND_PCM_STATE_XRUN] = -EPIPE,          [SND_PCM_STATE_SUSPENDED] = -ESTRPIPE,
	    [SND_PCM_STATE_DISCONNECTED] = -ENODEV,
	};
	int error = snd_pcm_status(stream->pcm, stream->status);
	snd_pcm_sframes_t delay;
	unsigned state;

	if (error < 0)
		return error;
	state = (unsigned)snd_pcm_status_get_state(stream->status);
	if (state < sizeof(meaning) / sizeof(meaning[0]) && meaning[state])
		return meaning[state];
	delay = snd_pcm_status_get_delay(stream->status);
	*out = (struct moment){.when = stamp_of(stream),
			       .avail_frames = snd_pcm_status_get_avail(stream->status),
			       .delay_frames = delay > 0 ? (uint64_t)delay : 0};
	return 0;
}

/* Blocks of a turn are as many periods; each is given the time at which it became due, which is
 * even where wake-ups are not. `done` frames of the turn went before it. */
static struct vmsnd_block block_of(struct vmsnd_stream *stream, const struct moment *at,
				   uint64_t done, uint32_t frames)
{
	uint64_t early = at->avail_frames > done + frames ? at->avail_frames - done - frames : 0;
	uint64_t delay = at->delay_frames;

	if (stream->dir == VMSND_PLAYBACK)
		delay += at->avail_frames;
	else
		delay = delay > at->avail_frames ? delay - at->avail_frames : 0;
	return (struct vmsnd_block){.frames = frames,
				    .delay_frames =
					delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX,
				    .when = at->when - frames_ns(stream, early),
				    .gap = stream->gap};
}

/* ---- the block itself ---- */

static void block_rt(struct vmsnd_stream *stream, const struct vmsnd_block *block)
{
	stream->user.block_rt(stream->ctx, block);
}

/* False when the lane has stopped the stream: then nothing has moved. */
static bool move_rt(struct vmsnd_stream *stream, struct vmsnd_block *block, void *samples)
{
	const uint32_t over = ~0u << VMSND_ALSA_DRAIN_SHIFT | VMSND_ALSA_QUIT;
	bool may;

	block->samples = samples;
	atomic_store(&stream->moving, true);
	may = (atomic_load(&stream->asked) & (over | VMSND_ALSA_RUN)) == VMSND_ALSA_RUN;
	if (may)
		block_rt(stream, block);
	atomic_store(&stream->moving, false);
	if (may)
		stream->gap = false;
	return may;
}

/* ---- a piece of the PCM's memory, or of ours where it has none ---- */

static uint8_t *history_at(const struct vmsnd_stream *stream, uint64_t frame)
{
	return stream->history + frame % stream->history_frames * stream->frame_bytes;
}

/* How many frames there is room for from there on, in one piece and not over what is held. */
static uint32_t history_left(const struct vmsnd_stream *stream, uint64_t frame)
{
	uint32_t room = stream->history_frames - (uint32_t)(frame % stream->history_frames);
	uint32_t before = (uint32_t)(frame - stream->written_frames);

	return room < stream->history_frames - before ? room : stream->history_frames - before;
}

/* `*frames` becomes what there is in one piece. */
static int map(struct vmsnd_stream *stream, uint8_t **to, snd_pcm_uframes_t *offset,
	       uint32_t *frames)
{
	const snd_pcm_channel_area_t *areas;
	snd_pcm_uframes_t n = *frames;
	int error;

	error = snd_pcm_mmap_begin(stream->pcm, &areas, offset, &n);
	if (error < 0)
		return error;
	*frames = (uint32_t)n;
	*to = (uint8_t *)areas[0].addr + areas[0].first / 8 + *offset * (areas[0].step / 8);
	return 0;
}

/* ---- playback ---- */

static bool fill(struct vmsnd_stream *stream, enum source source, struct vmsnd_block *block,
		 uint8_t *to)
{
	const uint8_t *held = history_at(stream, stream->written_frames);

	if (source == SOURCE_GUEST)
		return move_rt(stream, block, to);
	if (source == SOURCE_SILENCE)
		vmsnd_format_silence_rt(&stream->format, to, block->frames);
	else if (to != held)
		memcpy(to, held, (size_t)block->frames * stream->frame_bytes);
	return true;
}

/* What the PCM has not taken is held: it is the next to go. What it has taken is remembered as
 * well: a pause of its own can fail. */
static void remember(struct vmsnd_stream *stream, enum source source, const uint8_t *from,
		     uint32_t frames, uint32_t taken)
{
	uint8_t *history = history_at(stream, stream->written_frames);

	if (source == SOURCE_SILENCE)
		return;
	if (from != history && source == SOURCE_GUEST)
		memcpy(history, from, (size_t)frames * stream->frame_bytes);
	stream->written_frames += taken;
	stream->held_frames = source == SOURCE_HELD ? stream->held_frames - taken : frames - taken;
}

/* Puts at most block->frames in one piece and returns how many; 0: the lane has stopped it. */
static snd_pcm_sframes_t put(struct vmsnd_stream *stream, enum source source,
			     struct vmsnd_block *block)
{
	uint64_t at = stream->written_frames + (source == SOURCE_SILENCE ? stream->held_frames : 0);
	uint32_t left = history_left(stream, at);
	uint8_t *to = history_at(stream, at);
	snd_pcm_uframes_t offset = 0;
	snd_pcm_sframes_t taken;
	int error = 0;

	if (block->frames > left)
		block->frames = left;
	if (stream->mapped)
		error = map(stream, &to, &offset, &block->frames);
	if (error < 0 || block->frames == 0)
		return error;
	if (!fill(stream, source, block, to))
		return 0;
	taken = stream->mapped ? snd_pcm_mmap_commit(stream->pcm, offset, block->frames)
			       : snd_pcm_writei(stream->pcm, to, block->frames);
	remember(stream, source, to, block->frames, taken > 0 ? (uint32_t)taken : 0);
	if (taken > 0)
		stream->moved_frames += (uint64_t)taken;
	return taken == -EAGAIN ? 0 : taken;
}

static enum source source_of(const struct vmsnd_stream *stream)
{
	if (stream->held_frames > 0)
		return SOURCE_HELD;
	return stream->draining || stream->tail ? SOURCE_SILENCE : SOURCE_GUEST;
}

/* One period, in as many pieces as the memory is in. Less: the lane has stopped the stream. */
static snd_pcm_sframes_t put_period(struct vmsnd_stream *stream, const struct moment *at,
				    uint64_t done)
{
	uint32_t frames = 0;

	while (frames < stream->period_frames) {
		enum source source = source_of(stream);
		struct vmsnd_block block;
		snd_pcm_sframes_t put_frames;

		block = block_of(stream, at, done + frames, stream->period_frames - frames);
		if (source == SOURCE_HELD && block.frames > stream->held_frames)
			block.frames = stream->held_frames;
		put_frames = put(stream, source, &block);
		if (put_frames < 0)
			return put_frames;
		if (put_frames == 0)
			break;
		stream->silence_frames += source == SOURCE_SILENCE ? (uint64_t)put_frames : 0;
		frames += (uint32_t)put_frames;
	}
	return frames;
}

static int put_silence(struct vmsnd_stream *stream, uint32_t frames)
{
	while (frames > 0) {
		struct vmsnd_block block = {.frames = frames};
		snd_pcm_sframes_t n = put(stream, SOURCE_SILENCE, &block);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		frames -= (uint32_t)n;
	}
	return 0;
}

/* The queue is full from the first frame on, so that its delay is the same all the time: silence,
 * what is held, and one period of the guest's for the rest. */
int vmsnd_alsa_fill(struct vmsnd_stream *stream)
{
	struct moment at = {.when = vmsnd_alsa_now(), .avail_frames = stream->buffer_frames};
	uint32_t first = stream->held_frames > 0 ? stream->held_frames : stream->period_frames;
	uint64_t done = 0;
	int error = 0;

	stream->silence_frames = 0;
	stream->run_from_frames = stream->written_frames;
	if (first < stream->buffer_frames) {
		done = stream->buffer_frames - first;
		error = put_silence(stream, (uint32_t)done);
	}
	at.avail_frames = stream->buffer_frames - done;
	at.delay_frames = done;
	done = 0;
	while (error == 0 && done + stream->period_frames <= at.avail_frames) {
		snd_pcm_sframes_t n = put_period(stream, &at, done);

		if (n <= 0)
			return (int)n;
		done += (uint64_t)n;
	}
	return error;
}

/* Silence behind the last frame has become silence between frames: a queue that is held reaches
 * back before it. */
void vmsnd_alsa_remember_silence(struct vmsnd_stream *stream)
{
	if (stream->silence_frames >= stream->buffer_frames)
		stream->run_from_frames = stream->written_frames;
	while (stream->silence_frames > 0) {
		uint32_t frames = history_left(stream, stream->written_frames);

		if (frames > stream->silence_frames)
			frames = (uint32_t)stream->silence_frames;
		vmsnd_format_silence_rt(&stream->format, history_at(stream, stream->written_frames),
					frames);
		stream->written_frames += frames;
		stream->silence_frames -= frames;
	}
}

void vmsnd_alsa_hold(struct vmsnd_stream *stream)
{
	snd_pcm_sframes_t avail = snd_pcm_avail(stream->pcm);
	uint64_t queued = 0, mine = stream->written_frames - stream->run_from_frames;

	if (avail >= 0 && (uint64_t)avail < stream->buffer_frames)
		queued = stream->buffer_frames - (uint64_t)avail;
	queued -= queued < stream->silence_frames ? queued : stream->silence_frames;
	if (queued > mine)
		queued = mine;
	snd_pcm_drop(stream->pcm);
	stream->written_frames -= queued;
	stream->held_frames += (uint32_t)queued;
	stream->silence_frames = 0;
}

/* ---- capture ---- */

/* What was begun is committed whole: some plugins have given it away by then. */
static snd_pcm_sframes_t get(struct vmsnd_stream *stream, struct vmsnd_block *block)
{
	uint8_t *from = stream->history;
	snd_pcm_uframes_t offset = 0;
	snd_pcm_sframes_t taken;
	int error;

	if (!stream->mapped) {
		taken = snd_pcm_readi(stream->pcm, from, block->frames);
		if (taken <= 0)
			return taken == -EAGAIN ? 0 : taken;
		block->frames = (uint32_t)taken;
		move_rt(stream, block, from);
		return taken;
	}
	error = map(stream, &from, &offset, &block->frames);
	if (error < 0 || block->frames == 0)
		return error;
	move_rt(stream, block, from);
	return snd_pcm_mmap_commit(stream->pcm, offset, block->frames);
}

static snd_pcm_sframes_t get_period(struct vmsnd_stream *stream, const struct moment *at,
				    uint64_t done)
{
	uint32_t frames = 0;

	while (frames < stream->period_frames) {
		struct vmsnd_block block =
		    block_of(stream, at, done + frames, stream->period_frames - frames);
		snd_pcm_sframes_t n = get(stream, &block);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		frames += (uint32_t)n;
	}
	stream->moved_frames += frames;
	return frames;
}

/* ---- both ---- */

/* All has been heard once what is still to be heard is silence. */
static void settle_end(struct vmsnd_stream *stream, const struct moment *at)
{
	if ((stream->draining || stream->tail) && stream->held_frames == 0 &&
	    at->delay_frames <= stream->silence_frames)
		stream->phase = VMSND_ALSA_DRAINED;
}

snd_pcm_sframes_t vmsnd_alsa_turn(struct vmsnd_stream *stream)
{
	snd_pcm_sframes_t avail = snd_pcm_avail_update(stream->pcm), n;
	uint64_t done = 0;
	struct moment at;
	int error;

	if (avail < 0)
		return avail;
	error = look(stream, &at);
	if (error < 0)
		return error;
	settle_end(stream, &at);
	if (stream->phase != VMSND_ALSA_RUNNING)
		return 0;
	while (done + stream->period_frames <= (uint64_t)avail) {
		n = stream->dir == VMSND_PLAYBACK ? put_period(stream, &at, done)
						  : get_period(stream, &at, done);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return (snd_pcm_sframes_t)done;
}
