/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <string.h>

#include "base/endian.h"
#include "os/clock.h"

static const uint8_t formats[] = {0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3,
				  4, 4, 4, 4, 4, 4, 4, 8, 1, 2, 4, 4};
static const uint32_t rates[] = {5512,  8000,  11025, 16000,  22050,  32000,  44100, 48000,
				 64000, 88200, 96000, 176400, 192000, 384000, 12000, 24000};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))
#define N_RATES   (sizeof(rates) / sizeof(rates[0]))
/* S16, 48000 Hz */
#define FORMAT_LIKED 5u
#define RATE_LIKED   7u

int now_ms(void)
{
	return (int)(vmsnd_clock_now() / 1000000);
}

unsigned queue_of(enum direction dir)
{
	return dir == PLAYBACK ? QUEUE_TX : QUEUE_RX;
}

uint32_t format_bytes(uint8_t format)
{
	return format < N_FORMATS ? formats[format] : 0;
}

uint32_t rate_of(uint8_t rate)
{
	return rate < N_RATES ? rates[rate] : 0;
}

/* The liked one if offered, else the lowest that is known. */
static uint8_t choose(uint64_t offered, uint8_t liked, uint64_t known)
{
	offered &= known;
	if (offered & BIT(liked) || !offered)
		return liked;
	return (uint8_t)__builtin_ctzll(offered);
}

void stream_describe(struct run *run, uint32_t id, struct stream *out)
{
	const struct pcm_info *info = &run->streams[id];
	uint32_t period;

	*out = (struct stream){.run = run,
			       .id = id,
			       .serial = ++run->serial,
			       .dir = info->direction ? CAPTURE : PLAYBACK,
			       .params = {.channels = 2}};
	if (info->channels_min > 2 || info->channels_max < 2)
		out->params.channels = info->channels_min;
	out->params.format = choose(info->formats, FORMAT_LIKED, BIT(N_FORMATS) - 2);
	out->params.rate = choose(info->rates, RATE_LIKED, BIT(N_RATES) - 1);
	out->rate_hz = rate_of(out->params.rate);
	out->frame_bytes = format_bytes(out->params.format) * out->params.channels;
	period = out->rate_hz * PERIOD_MS / 1000 * out->frame_bytes;
	out->params.period_bytes = period;
	out->params.buffer_bytes = period * PERIODS;
}

bool stream_pick(struct run *run, enum direction dir, unsigned nth, struct stream *out)
{
	for (uint32_t i = 0; i < run->n_streams; i++)
		if (run->streams[i].direction == (uint8_t)dir && nth-- == 0) {
			stream_describe(run, i, out);
			return true;
		}
	return false;
}

bool stream_set(struct stream *stream)
{
	uint32_t status = request_params(stream->run, stream->id, &stream->params);

	return run_must(
	    stream->run, status == S_OK,
	    "SET_PARAMS of stream %u (format %u, rate %u, %u channels, %u bytes in periods of "
	    "%u) answered %s",
	    stream->id, stream->params.format, stream->params.rate, stream->params.channels,
	    stream->params.buffer_bytes, stream->params.period_bytes, status_text(status));
}

bool stream_do(struct stream *stream, uint32_t code)
{
	static const char *const names[] = {"PREPARE", "RELEASE", "START", "STOP"};
	uint32_t status = request_command(stream->run, code, stream->id);

	return run_must(stream->run, status == S_OK, "%s of stream %u answered %s",
			names[code - R_PREPARE], stream->id, status_text(status));
}

bool stream_ready(struct stream *stream)
{
	return stream_set(stream) && stream_do(stream, R_PREPARE);
}

/* ---- messages ----------------------------------------------------------------------------------
 */

struct message *stream_post_raw(struct stream *stream, const struct segment *segments, unsigned n,
				uint32_t status_at)
{
	struct message *message = NULL;

	for (unsigned i = 0; i < MESSAGES_MAX && !message; i++)
		if (!stream->run->messages[i].out)
			message = &stream->run->messages[i];
	if (!message)
		return NULL;
	*message = (struct message){.owner = stream->serial, .out = true, .status_at = status_at};
	if (ring_post(stream->run->front, queue_of(stream->dir), segments, n, message) == NO_HEAD) {
		message->out = false;
		return NULL;
	}
	stream->n_posted++;
	return message;
}

struct message *stream_post(struct stream *stream, uint32_t bytes)
{
	struct front *front = stream->run->front;
	uint32_t header = front_alloc(front, 4), data = front_alloc(front, bytes);
	uint32_t status = front_alloc(front, 8);
	struct segment segments[3] = {{header, 4, false}};
	struct message *message;
	unsigned n = 1;

	vmsnd_put_le32(front->memory + header, stream->id);
	if (stream->dir == PLAYBACK)
		memset(front->memory + data, 0, bytes);
	if (bytes > 0)
		segments[n++] = (struct segment){data, bytes, stream->dir == CAPTURE};
	segments[n++] = (struct segment){status, 8, true};
	message = stream_post_raw(stream, segments, n, status);
	if (message) {
		message->at = data;
		message->bytes = bytes;
	}
	return message;
}

struct message *stream_post_period(struct stream *stream)
{
	return stream_post(stream, stream->params.period_bytes);
}

void stream_kick(struct stream *stream)
{
	ring_kick(stream->run->front, queue_of(stream->dir));
}

static void finish(struct run *run, const struct used *used)
{
	struct message *message = used->cookie;

	message->done = true;
	message->used_bytes = used->bytes;
	message->when = used->when;
	if (message->status_at) {
		message->status = vmsnd_le32(run->front->memory + message->status_at);
		message->latency_bytes = vmsnd_le32(run->front->memory + message->status_at + 4);
	}
}

bool data_take(struct run *run, enum direction dir, int ms)
{
	bool any = false;
	struct used used;

	while (ring_take(run->front, queue_of(dir), any ? 0 : ms, &used)) {
		finish(run, &used);
		any = true;
	}
	return any;
}

/* What is done is counted here, so that streams which share a queue need not know of each other. */
static void count(struct stream *stream)
{
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		struct message *message = &stream->run->messages[i];
		uint32_t written = 8 + (stream->dir == CAPTURE ? message->bytes : 0);

		if (!message->out || !message->done || message->owner != stream->serial)
			continue;
		message->out = false;
		stream->n_done++;
		stream->n_bad += message->status != S_OK;
		if (message->used_bytes != written)
			stream->short_length = true;
		if (message->latency_bytes > stream->latency_bytes)
			stream->latency_bytes = message->latency_bytes;
	}
}

bool stream_wait(struct stream *stream, unsigned n, int ms)
{
	int end = now_ms() + ms;

	for (;;) {
		int left = end - now_ms();

		count(stream);
		if (stream->n_done >= n)
			return true;
		if (left < 0 || stream->run->front->rings[queue_of(stream->dir)].wrong)
			return false;
		data_take(stream->run, stream->dir, left);
	}
}

int stream_run(struct stream *stream, unsigned n, unsigned depth)
{
	int begin = now_ms(), expected = (int)n * PERIOD_MS;
	unsigned posted = stream->n_posted, done = stream->n_done;

	for (unsigned i = 0; i < n; i++) {
		if (stream->n_posted - stream->n_done >= depth &&
		    !stream_wait(stream, stream->n_posted - depth + 1,
				 stream->run->front->timeout_ms))
			break;
		if (!stream_post_period(stream))
			break;
		stream_kick(stream);
	}
	stream_wait(stream, posted + n, expected + stream->run->front->timeout_ms);
	if (!run_must(stream->run, stream->n_done - done >= n,
		      "%u of %u messages of stream %u came back", stream->n_done - done, n,
		      stream->id))
		return -1;
	return now_ms() - begin;
}
