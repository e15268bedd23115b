/* SPDX-License-Identifier: BSD-3-Clause */
/* V29, V35-V37 and V81-V84: what a back end tells by itself, and streams without kicks. */
#include "base/endian.h"
#include "stream.h"

#define MSG_POLLING   2u
#define EVT_PERIODS   3u
#define EVT_XRUNS     4u
#define EVENT_BUFFERS 8u
#define EVENTS_MAX    64u
#define HOLE_PERIODS  12
/* Of a small area with its guard (front_alloc). */
#define AREA_BYTES 128u

enum {
	EVT_JACK_CONNECTED = 0x1000,
	EVT_JACK_DISCONNECTED = 0x1001,
	EVT_PERIOD_ELAPSED = 0x1100,
	EVT_XRUN = 0x1101,
	EVT_CTL_NOTIFY = 0x1200
};

struct event {
	uint32_t code, data, bytes;
};

static void post_events(struct run *run, unsigned n, uint32_t bytes)
{
	struct front *front = run->front;

	for (unsigned i = 0; i < n; i++) {
		struct segment buffer = {front_alloc(front, bytes ? bytes : 1), bytes, true};

		ring_post(front, QUEUE_EVENT, &buffer, 1, front->memory + buffer.at);
	}
	ring_kick(front, QUEUE_EVENT);
}

/* The next event; its buffer is posted again. */
static bool take_event(struct run *run, int ms, struct event *out)
{
	struct used used;

	if (!ring_take(run->front, QUEUE_EVENT, ms, &used))
		return false;
	*out = (struct event){vmsnd_le32(used.cookie), vmsnd_le32((uint8_t *)used.cookie + 4),
			      used.bytes};
	post_events(run, 1, 8);
	return true;
}

static bool is_known(const struct run *run, const struct event *event)
{
	const struct config *config = &run->front->config;

	switch (event->code) {
	case EVT_JACK_CONNECTED:
	case EVT_JACK_DISCONNECTED:
		return event->data < config->jacks;
	case EVT_PERIOD_ELAPSED:
	case EVT_XRUN:
		return event->data < config->streams;
	case EVT_CTL_NOTIFY:
		return run->front->accepted & F_CTLS;
	default:
		return false;
	}
}

/* Some of each kind of stream, with buffers for events there. */
static void play_a_little(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (stream_pick(run, dir, 0, &stream) && stream_ready(&stream) &&
		    stream_do(&stream, R_START) && stream_run(&stream, PERIODS, PERIODS) >= 0 &&
		    stream_do(&stream, R_STOP))
			stream_do(&stream, R_RELEASE);
	}
}

static void sane(struct run *run)
{
	struct event event;
	unsigned n = 0;

	post_events(run, EVENT_BUFFERS, 8);
	play_a_little(run);
	while (n < EVENTS_MAX && take_event(run, 50, &event)) {
		run_expect(run, event.bytes == 8, "an event with used length %u, not 8",
			   event.bytes);
		run_expect(run, is_known(run, &event),
			   "event 0x%x with data 0x%x: nothing like it was offered", event.code,
			   event.data);
		n++;
	}
	run_expect(run, n < EVENTS_MAX, "events without end");
	run_note(run, "%u events", n);
}

/* A stream whose parameters do not ask for it: nobody is told of a period or an xrun. */
static void unasked(struct run *run)
{
	struct stream stream;
	struct event event;

	post_events(run, EVENT_BUFFERS, 8);
	if (!stream_pick(run, PLAYBACK, 0, &stream) || !stream_ready(&stream) ||
	    !stream_do(&stream, R_START) || stream_run(&stream, 4, 2) < 0)
		return;
	front_nap(10 * PERIOD_MS);
	while (take_event(run, 20, &event) && run->verdict == VERDICT_PASS)
		run_expect(run, event.code != EVT_PERIOD_ELAPSED && event.code != EVT_XRUN,
			   "event 0x%x of stream %u, whose parameters do not ask for it",
			   event.code, event.data);
}

static void short_buffers(struct run *run)
{
	uint32_t first = run->front->arena, at = first;
	struct event event;
	struct used used;

	for (uint32_t bytes = 1; bytes < 8; bytes++)
		post_events(run, 1, bytes);
	play_a_little(run);
	for (uint32_t bytes = 1; bytes < 8; bytes++, at += AREA_BYTES)
		run_must(run, front_guard_whole(run->front, at, bytes),
			 "an event was written behind a buffer of %u bytes", bytes);
	while (ring_take(run->front, QUEUE_EVENT, 0, &used))
		run_must(run, used.bytes < 8, "an event of %u bytes in less room", used.bytes);
	post_events(run, 1, 8);
	play_a_little(run);
	while (take_event(run, 0, &event) && run->verdict == VERDICT_PASS)
		run_must(run, event.bytes <= 8, "an event with used length %u", event.bytes);
}

static void readable_buffer(struct run *run)
{
	struct front *front = run->front;
	struct segment buffer = {front_alloc(front, 8), 8, false};

	ring_post(front, QUEUE_EVENT, &buffer, 1, NULL);
	ring_kick(front, QUEUE_EVENT);
	play_a_little(run);
	run_must(run, vmsnd_le32(front->memory + buffer.at) == 0x01010101u * FILL,
		 "an event was written into a buffer for reading");
}

/* ---- xruns and periods ------------------------------------------------------------------------
 */

/* The first stream of a direction that has a feature, with it selected. */
static bool pick_with(struct run *run, enum direction dir, unsigned feature, struct stream *out)
{
	for (unsigned n = 0; stream_pick(run, dir, n, out); n++)
		if (run->streams[out->id].features & (1u << feature)) {
			out->params.features = 1u << feature;
			return true;
		}
	return false;
}

/* Nothing is there for twelve periods, then again: that is a hole for everyone, also for a back end
 * that takes silence after the last frame for the end. */
static void xrun_of(struct run *run, struct stream *stream)
{
	struct event event = {0};

	if (!stream_ready(stream) || !stream_do(stream, R_START) ||
	    stream_run(stream, PERIODS, PERIODS) < 0)
		return;
	front_nap(HOLE_PERIODS * PERIOD_MS);
	if (stream_run(stream, PERIODS, PERIODS) < 0)
		return;
	/* An event of another stream's earlier hole may still be on its way. */
	while ((event.code != EVT_XRUN || event.data != stream->id) &&
	       take_event(run, run->front->timeout_ms, &event))
		;
	run_expect(run, event.code == EVT_XRUN && event.data == stream->id,
		   "stream %u ran out of buffers, and no event tells it", stream->id);
	stream_do(stream, R_STOP);
	stream_do(stream, R_RELEASE);
}

static void xruns(struct run *run)
{
	struct stream stream;
	bool any = false;

	post_events(run, EVENT_BUFFERS, 8);
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++)
		if (pick_with(run, dir, EVT_XRUNS, &stream)) {
			any = true;
			xrun_of(run, &stream);
		}
	if (!any)
		run_skip(run, "no stream offers EVT_XRUNS");
}

static void periods(struct run *run)
{
	struct stream stream;
	struct event event;
	unsigned n = 0;

	if (!pick_with(run, PLAYBACK, EVT_PERIODS, &stream) &&
	    !pick_with(run, CAPTURE, EVT_PERIODS, &stream)) {
		run_skip(run, "no stream offers EVT_SHMEM_PERIODS");
		return;
	}
	post_events(run, EVENT_BUFFERS, 8);
	if (!stream_ready(&stream) || !stream_do(&stream, R_START))
		return;
	for (unsigned i = 0; i < 10; i++) {
		if (stream_run(&stream, 1, PERIODS) < 0)
			return;
		while (take_event(run, 0, &event))
			n += event.code == EVT_PERIOD_ELAPSED && event.data == stream.id;
	}
	while (n < 8 && take_event(run, 100, &event))
		n += event.code == EVT_PERIOD_ELAPSED && event.data == stream.id;
	run_expect(run, n >= 8 && n <= 12, "10 periods, %u events", n);
}

/* Messages are found without a kick. */
static void polling(struct run *run)
{
	bool any = false;

	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!pick_with(run, dir, MSG_POLLING, &stream))
			continue;
		any = true;
		if (!stream_ready(&stream) || !stream_do(&stream, R_START))
			return;
		for (unsigned i = 0; i < 6; i++) {
			stream_post_period(&stream);
			if (!run_expect(run, stream_wait(&stream, i + 1, run->front->timeout_ms),
					"stream %u: message %u was not found without a kick",
					stream.id, i))
				return;
		}
	}
	if (!any)
		run_skip(run, "no stream offers MSG_POLLING");
}

static const struct row rows[] = {
    {"V35", "polling", 'F', NEED_RINGS, "messages are found without kicks, if offered", polling},
    {"V81", "periods", 'F', NEED_RINGS, "period events, if offered", periods},
    {"V82", "xruns", 'F', NEED_RINGS, "xruns are told of, if offered", xruns},
    {"V82", "unasked", 'F', NEED_PLAYBACK, "no period or xrun events that were not asked for",
     unasked},
    {"V83", "events", 'F', NEED_RINGS, "events are 8 bytes, and of what was offered", sane},
    {"V84", "short", 'D', NEED_RINGS, "event buffers that are too short hold nothing up",
     short_buffers},
    {"V84", "readable", 'D', NEED_RINGS, "an event buffer for reading is not written to",
     readable_buffer},
};

const struct row_table rows_event = {rows, sizeof(rows) / sizeof(rows[0])};
