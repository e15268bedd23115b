/* SPDX-License-Identifier: BSD-3-Clause */
/* A host with a crystal of its own, and frames that know their number. */
#include <stdlib.h>
#include <string.h>

#include "ac97_parts.h"

struct vmsnd_backend {
	struct ac97_world *world;
};

struct vmsnd_stream {
	struct ac97_world *world;
	enum vmsnd_dir dir;
	struct vmsnd_format format;
	struct vmsnd_stream_user user;
	void *ctx;
	uint32_t block_frames, frame_bytes;
	uint8_t *scratch;
	bool running;
	vmsnd_ns started, at; /* at: of the next block */
	double end_ns;        /* of it, by its own clock */
};

/* The backend has no other way to it. */
static struct ac97_world *the_world;

/* ---- frames -------------------------------------------------------------------------- */

/* Of S16: 16 bits a sample; of S32: 20 on top. Channels from the third on are made of the first.
 */
static uint32_t sample_of(bool wide, uint64_t number, uint32_t channel)
{
	unsigned bits = wide ? 20 : 16;
	uint32_t mask = (UINT32_C(1) << bits) - 1;
	uint64_t value = number;

	if (channel == 1)
		value = number >> bits;
	if (channel > 1)
		value = number * 31 + channel * 977;
	return (uint32_t)value & mask;
}

/* Where a channel of the host's is in a guest's frame: of six, centre and LFE come before surround.
 */
static uint32_t place_of(const struct vmsnd_format *format, uint32_t channel)
{
	static const uint8_t places[VMSND_POSITION_COUNT] = {
	    [VMSND_POSITION_FL] = 0,  [VMSND_POSITION_FR] = 1, [VMSND_POSITION_FC] = 2,
	    [VMSND_POSITION_LFE] = 3, [VMSND_POSITION_RL] = 4, [VMSND_POSITION_RR] = 5};

	if (format->channels != 6 || format->positions[0] == VMSND_POSITION_UNSET)
		return channel;
	return places[vmsnd_format_position(format, channel)];
}

void ac97_frames_put(const struct vmsnd_format *format, void *to, uint64_t number, uint32_t frames)
{
	bool wide = format->sample == VMSND_SAMPLE_S32;
	uint8_t *at = to;

	for (uint32_t i = 0; i < frames; i++)
		for (uint32_t c = 0; c < format->channels; c++, at += wide ? 4 : 2) {
			uint32_t sample = sample_of(wide, number + i, c);

			if (wide)
				sample <<= 12;
			memcpy(at, &sample, wide ? 4 : 2);
		}
}

uint64_t ac97_frame_number(const struct vmsnd_format *format, const void *frame)
{
	bool wide = format->sample == VMSND_SAMPLE_S32;
	uint32_t samples[VMSND_CHANNELS_MAX] = {0};
	uint64_t number;
	uint32_t any = 0;

	for (uint32_t c = 0; c < format->channels; c++) {
		uint32_t *to = &samples[place_of(format, c)];

		memcpy(to, (const uint8_t *)frame + c * (wide ? 4 : 2), wide ? 4 : 2);
		*to >>= wide ? 12 : 0;
		any |= *to;
	}
	number = samples[0] | (uint64_t)samples[1] << (wide ? 20 : 16);
	for (uint32_t c = 2; c < format->channels && any; c++)
		if (samples[c] != sample_of(wide, number, c))
			return UINT64_MAX;
	return number;
}

void ac97_ear_hear(struct ac97_world *world, struct ac97_ear *ear, uint64_t number)
{
	if (ear->next == 0)
		ear->next = 1;
	if (ear->next > 1)
		ear->hash = ear->hash * UINT64_C(0x100000001b3) + number + 1;
	if (ear->next > world->conf.frames) {
		ear->tail++;
		return;
	}
	if (number == 0) {
		ear->quiet += ear->next > 1;
		return;
	}
	if (ear->may_skip && number > ear->next) {
		ear->skipped += number - ear->next;
		ear->next = number;
	}
	if (number != ear->next)
		ac97_world_fail(world, "frame %llu came, and %llu should have",
				(unsigned long long)number, (unsigned long long)ear->next);
	ear->gaps += ear->quiet > 0;
	ear->gap_frames += ear->quiet;
	ear->quiet = 0;
	if (ear->next == 1)
		ear->first = world->now;
	ear->last = world->now;
	ear->next++;
}

/* ---- blocks -------------------------------------------------------------------------- */

static void plan(struct vmsnd_stream *stream)
{
	struct ac97_world *world = stream->world;
	double hz = stream->format.rate_hz * (1 + world->conf.host_ppm * 1e-6);
	vmsnd_ns before = stream->at;

	stream->end_ns += stream->block_frames * 1e9 / hz;
	stream->at = stream->started + (vmsnd_ns)stream->end_ns;
	if (world->conf.host_threaded)
		stream->at += ac97_world_dice(world, 0, world->conf.host_jitter);
	if (stream->at < before)
		stream->at = before;
}

static void move(struct vmsnd_stream *stream, vmsnd_ns when)
{
	struct ac97_world *world = stream->world;
	struct vmsnd_block block = {
	    .samples = stream->scratch, .frames = stream->block_frames, .when = when};

	if (stream->dir == VMSND_CAPTURE) {
		ac97_frames_put(&stream->format, stream->scratch, world->spoken + 1, block.frames);
		world->spoken += block.frames;
		stream->user.block_rt(stream->ctx, &block);
		return;
	}
	stream->user.block_rt(stream->ctx, &block);
	for (uint32_t i = 0; i < block.frames; i++) {
		const uint8_t *frame = stream->scratch + (size_t)i * stream->frame_bytes;

		ac97_ear_hear(world, &world->ear, ac97_frame_number(&stream->format, frame));
	}
}

vmsnd_ns ac97_host_due(const struct ac97_world *world)
{
	vmsnd_ns due = VMSND_NEVER;

	for (unsigned dir = 0; dir < 2; dir++) {
		const struct vmsnd_stream *stream = world->hosts[dir];

		if (stream && stream->running && stream->at < due)
			due = stream->at;
	}
	return due;
}

void ac97_host_run(struct ac97_world *world)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		struct vmsnd_stream *stream = world->hosts[dir];

		while (stream && stream->running && stream->at <= world->now) {
			vmsnd_ns when = stream->at;

			plan(stream);
			move(stream, when);
		}
	}
}

/* ---- the class ----------------------------------------------------------------------- */

static enum vmsnd_rc host_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	*out = calloc(1, sizeof(**out));
	(*out)->world = the_world;
	return VMSND_OK;
}

static void host_close(struct vmsnd_backend *host)
{
	free(host);
}

static enum vmsnd_rc stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));
	struct ac97_world *world = host->world;

	*stream = (struct vmsnd_stream){
	    .world = world,
	    .dir = want->dir,
	    .format = want->format,
	    .user = *user,
	    .ctx = ctx,
	    .block_frames = world->conf.host_block ? world->conf.host_block : want->period_frames,
	    .frame_bytes = vmsnd_format_frame_bytes(&want->format)};
	stream->scratch = malloc((size_t)stream->block_frames * stream->frame_bytes);
	assert_null(world->hosts[want->dir]);
	world->hosts[want->dir] = stream;
	*got = (struct vmsnd_stream_got){.format = want->format,
					 .period_frames = stream->block_frames,
					 .max_frames = stream->block_frames};
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (stream->running)
		return VMSND_OK;
	stream->running = true;
	stream->started = stream->at = now;
	stream->end_ns = 0;
	plan(stream);
	return VMSND_OK;
}

static void stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = false;
}

static void stream_close(struct vmsnd_stream *stream)
{
	stream->world->hosts[stream->dir] = NULL;
	free(stream->scratch);
	free(stream);
}

/* By the lane: blocks due by now, each at its own time. */
static vmsnd_ns host_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	ac97_host_run(host->world);
	return ac97_host_due(host->world);
}

static const struct vmsnd_backend_class by_lane = {.abi = VMSND_BACKEND_ABI,
						   .abi_end = VMSND_BACKEND_ABI,
						   .name = "by-lane",
						   .summary = "a world's host, called by the lane",
						   .open = host_open,
						   .close = host_close,
						   .stream_open = stream_open,
						   .stream_start = stream_start,
						   .stream_stop = stream_stop,
						   .stream_close = stream_close,
						   .advance = host_advance};
static const struct vmsnd_backend_class by_thread = {.abi = VMSND_BACKEND_ABI,
						     .abi_end = VMSND_BACKEND_ABI,
						     .name = "by-thread",
						     .summary = "a world's host that calls",
						     .open = host_open,
						     .close = host_close,
						     .stream_open = stream_open,
						     .stream_start = stream_start,
						     .stream_stop = stream_stop,
						     .stream_close = stream_close};

void ac97_host_begin(struct ac97_world *world)
{
	the_world = world;
	assert_int_equal(vmsnd_registry_add_backend(world->registry, &by_lane), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_backend(world->registry, &by_thread),
			 VMSND_RECORD_FINE);
}
