/* SPDX-License-Identifier: BSD-3-Clause */
/* V67-V77: data messages, one at a time. */
#include <string.h>

#include "base/endian.h"
#include "stream.h"

/* A header for `stream` and its data, filled with zeros. */
static struct segment header_of(struct front *front, uint32_t stream)
{
	struct segment header = {front_alloc(front, 4), 4, false};

	vmsnd_put_le32(front->memory + header.at, stream);
	return header;
}

static struct segment data_of(struct front *front, uint32_t bytes, bool writable)
{
	struct segment data = {front_alloc(front, bytes), bytes, writable};

	if (!writable)
		memset(front->memory + data.at, 0, bytes);
	return data;
}

/* A stream that runs, with a first period under way. */
static bool make_running(struct run *run, enum direction dir, struct stream *out)
{
	if (!stream_pick(run, dir, 0, out) || !stream_ready(out) || !stream_post_period(out))
		return false;
	stream_kick(out);
	return stream_do(out, R_START);
}

/* Posts, and waits until all that is posted has come back. */
static bool comes_back(struct stream *stream, const char *what)
{
	stream_kick(stream);
	return run_must(stream->run,
			stream_wait(stream, stream->n_posted, stream->run->front->timeout_ms),
			"stream %u: %s did not come back", stream->id, what);
}

static void status_last(struct run *run)
{
	struct front *front = run->front;
	struct segment segments[3];
	struct message *message;
	struct stream stream;

	if (!make_running(run, PLAYBACK, &stream))
		return;
	segments[0] = header_of(front, stream.id);
	segments[1] = data_of(front, stream.params.period_bytes, false);
	segments[2] = (struct segment){front_alloc(front, 64), 64, true};
	message = stream_post_raw(&stream, segments, 3, segments[2].at + 56);
	if (!message || !comes_back(&stream, "a message with 64 writable bytes"))
		return;
	run_expect(run, message->status == S_OK, "the last 8 of 64 writable bytes hold status 0x%x",
		   message->status);
}

static void capture_status_last(struct run *run)
{
	struct front *front = run->front;
	struct message *message;
	struct stream stream;
	struct segment segments[2];
	uint32_t bytes;

	if (!make_running(run, CAPTURE, &stream))
		return;
	bytes = stream.params.period_bytes;
	segments[0] = header_of(front, stream.id);
	segments[1] = (struct segment){front_alloc(front, bytes + 8), bytes + 8, true};
	message = stream_post_raw(&stream, segments, 2, segments[1].at + bytes);
	if (!message || !comes_back(&stream, "a message of one writable descriptor"))
		return;
	run_expect(run, message->status == S_OK, "the status is not behind the data: 0x%x",
		   message->status);
	run_must(run, front_guard_whole(front, segments[1].at, bytes + 8),
		 "written behind the message");
}

/* Short capture, because the stream ends: the status stays at the end of the writable part. */
static void short_capture(struct run *run)
{
	struct message *messages[2 * PERIODS];
	struct stream stream;

	if (!stream_pick(run, CAPTURE, 0, &stream) || !stream_ready(&stream))
		return;
	for (unsigned i = 0; i < 2 * PERIODS; i++)
		messages[i] = stream_post_period(&stream);
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	front_nap(PERIOD_MS + PERIOD_MS / 2);
	if (!stream_do(&stream, R_STOP) || !stream_do(&stream, R_RELEASE) ||
	    !comes_back(&stream, "what was recorded"))
		return;
	for (unsigned i = 0; i < 2 * PERIODS; i++) {
		run_expect(run, is_status(messages[i]->status), "message %u: status 0x%x", i,
			   messages[i]->status);
		run_expect(run,
			   messages[i]->used_bytes >= 8 &&
			       messages[i]->used_bytes <= 8 + stream.params.period_bytes,
			   "message %u: used length %u", i, messages[i]->used_bytes);
	}
}

/* ---- to be refused
 * ---------------------------------------------------------------------------------
 */

static void expect_refused(struct run *run, struct stream *as, uint32_t id, const char *what)
{
	struct front *front = run->front;
	uint32_t bytes = as->params.period_bytes;
	struct message *message;
	struct segment segments[3];

	segments[0] = header_of(front, id);
	segments[1] = data_of(front, bytes, as->dir == CAPTURE);
	segments[2] = (struct segment){front_alloc(front, 8), 8, true};
	message = stream_post_raw(as, segments, 3, segments[2].at);
	if (!message || !comes_back(as, what))
		return;
	run_must(run, message->status != S_OK, "%s (stream %u): OK", what, id);
	run_expect(run, message->status == S_IO_ERR, "%s (stream %u): %s", what, id,
		   status_text(message->status));
}

static void unknown_stream(struct run *run)
{
	const uint32_t ids[] = {run->front->config.streams, 0x80000000, UINT32_MAX};
	struct stream stream;

	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++)
		for (unsigned i = 0; i < 3; i++)
			if (stream_pick(run, dir, 0, &stream))
				expect_refused(run, &stream, ids[i], "a message for no stream");
}

static void wrong_direction(struct run *run)
{
	struct stream out, in;

	if (!stream_pick(run, PLAYBACK, 0, &out) || !stream_pick(run, CAPTURE, 0, &in)) {
		run_skip(run, "streams of one direction only");
		return;
	}
	if (!stream_ready(&out) || !stream_ready(&in))
		return;
	expect_refused(run, &out, in.id, "a message in the queue of the other direction");
	expect_refused(run, &in, out.id, "a message in the queue of the other direction");
}

static void not_prepared(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!stream_pick(run, dir, 0, &stream))
			continue;
		expect_refused(run, &stream, stream.id, "a message before SET_PARAMS");
		if (!stream_set(&stream))
			return;
		expect_refused(run, &stream, stream.id, "a message before PREPARE");
		if (!stream_do(&stream, R_PREPARE) || !stream_do(&stream, R_RELEASE))
			return;
		expect_refused(run, &stream, stream.id, "a message after RELEASE");
	}
}

/* ---- odd ones
 * ----------------------------------------------------------------------------------------
 */

/* Together they are more than a buffer, so that a back end which waits for a whole period of bytes
 * gets one. */
static void odd_sizes(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;
		uint32_t period;

		if (!make_running(run, dir, &stream))
			continue;
		period = stream.params.period_bytes;
		const uint32_t sizes[] = {
		    0, 1,          3,          stream.frame_bytes,         period / 2,
		    5, period + 1, period * 2, stream.params.buffer_bytes, period};

		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			stream_post(&stream, sizes[i]);
		for (unsigned i = 0; i < PERIODS; i++)
			stream_post_period(&stream);
		if (!comes_back(&stream, "one of the messages of odd sizes"))
			return;
		run_expect(run, stream.n_bad == 0,
			   "stream %u: %u messages of odd sizes were not OK", stream.id,
			   stream.n_bad);
	}
}

/* Writable parts of less than a status (defects of QEMU's device: CVE-2024-7730 and its kin). */
static void short_status(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!make_running(run, dir, &stream))
			continue;
		for (uint32_t n = 0; n < 10; n += n < 1 || n > 6 ? 1 : 2) {
			struct front *front = run->front;
			uint32_t at = front_alloc(front, n);
			struct segment segments[3] = {header_of(front, stream.id)};
			unsigned count = 1;
			struct message *message;

			if (dir == PLAYBACK)
				segments[count++] = data_of(front, 64, false);
			if (n > 0)
				segments[count++] = (struct segment){at, n, true};
			message =
			    stream_post_raw(&stream, segments, count, n >= 8 ? at + n - 8 : 0);
			/* What is whole may wait for its frames. */
			for (unsigned i = 0; i < 2; i++)
				stream_post_period(&stream);
			if (!message ||
			    !comes_back(&stream, "a message with little room for a status"))
				return;
			run_must(run, front_guard_whole(front, at, n) && message->used_bytes <= n,
				 "stream %u: written behind a writable part of %u bytes", stream.id,
				 n);
		}
	}
}

static void short_header(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!stream_pick(run, dir, 0, &stream) || !stream_ready(&stream))
			continue;
		for (uint32_t n = 0; n < 4; n++) {
			struct front *front = run->front;
			struct segment segments[2] = {data_of(front, n, false)};
			unsigned count = n > 0;
			struct message *message;

			segments[count++] = (struct segment){front_alloc(front, 72), 72, true};
			message =
			    stream_post_raw(&stream, segments, count, segments[count - 1].at + 64);
			if (!message || !comes_back(&stream, "a message with less than a header"))
				return;
			run_must(run, message->status != S_OK, "a header of %u bytes is taken", n);
		}
	}
}

/* A capture message with something to read behind its header. */
static void extra_readable(struct run *run)
{
	struct front *front = run->front;
	struct segment segments[4];
	struct stream stream;

	if (!make_running(run, CAPTURE, &stream))
		return;
	segments[0] = header_of(front, stream.id);
	segments[1] = data_of(front, 100, false);
	segments[2] = data_of(front, stream.params.period_bytes, true);
	segments[3] = (struct segment){front_alloc(front, 8), 8, true};
	stream_post_raw(&stream, segments, 4, segments[3].at);
	stream_post_period(&stream);
	comes_back(&stream, "a capture message with a readable part");
}

static const struct row rows[] = {
    {"V67", "playback", 'F', NEED_PLAYBACK, "the status is at the very end of what is writable",
     status_last},
    {"V67", "capture", 'F', NEED_CAPTURE, "the status is behind the data, however it is cut",
     capture_status_last},
    {"V67", "short", 'F', NEED_CAPTURE, "the status stays at the end of a part-filled message",
     short_capture},
    {"V73", "unknown", 'P', NEED_RINGS, "messages for streams that there are not: IO_ERR",
     unknown_stream},
    {"V74", "direction", 'P', NEED_RINGS, "messages of the wrong direction: IO_ERR",
     wrong_direction},
    {"V75", "unprepared", 'P', NEED_RINGS, "messages for streams not prepared: IO_ERR",
     not_prepared},
    {"V76", "sizes", 'D', NEED_RINGS, "messages of any size, also none and parts of frames",
     odd_sizes},
    {"V76", "header", 'D', NEED_RINGS, "messages without a whole header", short_header},
    {"V77", "status", 'D', NEED_RINGS, "messages without room for a status", short_status},
    {"V77", "readable", 'D', NEED_CAPTURE, "capture messages with more to read than a header",
     extra_readable},
};

const struct row_table rows_data = {rows, sizeof(rows) / sizeof(rows[0])};
