/* SPDX-License-Identifier: BSD-3-Clause */
/* V60, V63, V69-V72, V78-V80: streams in time.
 *
 * Bounds are wide: a busy machine is no breach, and a back end may have taken a buffer ahead. */
#include <string.h>

#include "stream.h"

#define RUN_PERIODS 30u
/* As many as a ring has room for. */
#define BOTH_PERIODS 20u
/* What a back end may have taken ahead of the sound: the guest's buffer and as much of its own. */
#define AHEAD    (2 * PERIODS)
#define SLACK_MS 300
/* No device has so much between the queue and the speaker. */
#define LATENCY_MS_MAX 5000

static bool start(struct run *run, enum direction dir, unsigned nth, struct stream *out)
{
	return stream_pick(run, dir, nth, out) && stream_ready(out) && stream_do(out, R_START);
}

static void pace_of(struct run *run, enum direction dir)
{
	struct stream stream;
	int took, least = (int)(RUN_PERIODS - AHEAD) * PERIOD_MS * 9 / 10;
	int most = (int)RUN_PERIODS * PERIOD_MS * 11 / 10 + SLACK_MS;

	if (!start(run, dir, 0, &stream))
		return;
	took = stream_run(&stream, RUN_PERIODS, PERIODS);
	if (took < 0)
		return;
	run_expect(run, took >= least && took <= most,
		   "%u periods of %d ms took %d ms; expected %d to %d", RUN_PERIODS, PERIOD_MS,
		   took, least, most);
	run_expect(run, stream.n_bad == 0, "%u of %u messages were not OK", stream.n_bad,
		   RUN_PERIODS);
	run_note(run, "%u periods of %d ms took %d ms", RUN_PERIODS, PERIOD_MS, took);
}

static void playback_pace(struct run *run)
{
	pace_of(run, PLAYBACK);
}

static void capture_pace(struct run *run)
{
	pace_of(run, CAPTURE);
}

static void both_at_once(struct run *run)
{
	struct stream out, in;
	int begin;

	if (!start(run, PLAYBACK, 0, &out) || !start(run, CAPTURE, 0, &in))
		return;
	begin = now_ms();
	for (unsigned i = 0; i < BOTH_PERIODS; i++) {
		stream_post_period(&out);
		stream_post_period(&in);
	}
	stream_kick(&out);
	stream_kick(&in);
	stream_wait(&out, BOTH_PERIODS, (int)BOTH_PERIODS * PERIOD_MS + run->front->timeout_ms);
	stream_wait(&in, BOTH_PERIODS, run->front->timeout_ms);
	run_must(run, out.n_done == BOTH_PERIODS && in.n_done == BOTH_PERIODS,
		 "%u and %u of %u messages came back", out.n_done, in.n_done, BOTH_PERIODS);
	run_expect(run, out.n_bad + in.n_bad == 0, "%u messages were not OK", out.n_bad + in.n_bad);
	run_note(run, "%d ms", now_ms() - begin);
}

/* Taken between PREPARE and START, given back from START on. */
static void pre_buffering(struct run *run)
{
	struct stream stream;

	if (!stream_pick(run, PLAYBACK, 0, &stream) || !stream_ready(&stream))
		return;
	for (unsigned i = 0; i < PERIODS; i++)
		stream_post_period(&stream);
	stream_kick(&stream);
	stream_wait(&stream, 1, 5 * PERIOD_MS);
	run_expect(run, stream.n_done == 0,
		   "%u of %u messages came back before START, %u of them not OK", stream.n_done,
		   PERIODS, stream.n_bad);
	if (!stream_do(&stream, R_START))
		return;
	stream_run(&stream, PERIODS, 2 * PERIODS);
	run_expect(run, stream.n_bad == 0, "%u messages were not OK", stream.n_bad);
}

/* Nothing is lost between STOP and START: every message is OK, and none while it stands. */
static void pause_of(struct run *run, enum direction dir)
{
	struct stream stream;
	unsigned before, during;

	if (!start(run, dir, 0, &stream))
		return;
	for (unsigned i = 0; i < 3 * PERIODS; i++)
		stream_post_period(&stream);
	stream_kick(&stream);
	stream_wait(&stream, 2, run->front->timeout_ms);
	if (!stream_do(&stream, R_STOP))
		return;
	stream_wait(&stream, stream.n_posted, 0);
	before = stream.n_done;
	stream_wait(&stream, before + 1, 8 * PERIOD_MS);
	during = stream.n_done - before;
	run_expect(run, during == 0, "%u messages came back while stream %u was stopped", during,
		   stream.id);
	if (!stream_do(&stream, R_START))
		return;
	stream_wait(&stream, stream.n_posted,
		    (int)(3 * PERIODS) * PERIOD_MS + run->front->timeout_ms);
	run_must(run, stream.n_done == stream.n_posted,
		 "%u of %u messages came back after STOP and START", stream.n_done,
		 stream.n_posted);
	run_expect(run, stream.n_bad == 0, "%u messages were not OK", stream.n_bad);
}

static void pausing(struct run *run)
{
	pause_of(run, PLAYBACK);
	pause_of(run, CAPTURE);
}

static void latency(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;
		uint32_t most;

		if (!start(run, dir, 0, &stream) || stream_run(&stream, 3 * PERIODS, PERIODS) < 0)
			continue;
		most = stream.rate_hz / 1000 * stream.frame_bytes * LATENCY_MS_MAX;
		run_expect(run, stream.latency_bytes <= most,
			   "stream %u tells of %u bytes of latency, more than %d ms", stream.id,
			   stream.latency_bytes, LATENCY_MS_MAX);
	}
}

/* One long message: not done after a quarter of it. */
static void consumed(struct run *run)
{
	struct stream stream;

	if (!stream_pick(run, PLAYBACK, 0, &stream))
		return;
	stream.params.period_bytes *= 40;
	stream.params.buffer_bytes = stream.params.period_bytes;
	if (request_params(run, stream.id, &stream.params) != S_OK) {
		run_skip(run, "no buffer of %d ms is taken", 40 * PERIOD_MS);
		return;
	}
	if (!stream_do(&stream, R_PREPARE))
		return;
	stream_post_period(&stream);
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	stream_wait(&stream, 1, 40 * PERIOD_MS / 4);
	run_expect(run, stream.n_done == 0, "a message of %d ms came back within %d ms",
		   40 * PERIOD_MS, 40 * PERIOD_MS / 4);
}

/* Of a running stream no message comes back before it is full. */
static void filled(struct run *run)
{
	struct stream stream;

	if (!start(run, CAPTURE, 0, &stream) || stream_run(&stream, 2 * PERIODS, PERIODS) < 0)
		return;
	run_expect(run, !stream.short_length, "a message came back before it was full");
}

static void recorded_length(struct run *run)
{
	struct front *front = run->front;
	struct stream stream;
	struct message *message;

	if (!start(run, CAPTURE, 0, &stream))
		return;
	message = stream_post_period(&stream);
	stream_kick(&stream);
	if (!run_must(run, message && stream_wait(&stream, 1, front->timeout_ms),
		      "a capture message did not come back"))
		return;
	run_expect(run, message->used_bytes == 8 + message->bytes,
		   "used length %u of a message of %u bytes and 8 of status", message->used_bytes,
		   message->bytes);
}

/* One stands still with messages out, the other one runs. */
static void side_by_side(struct run *run)
{
	bool any = false;

	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream first, second;

		if (!stream_pick(run, dir, 1, &second) || !stream_pick(run, dir, 0, &first))
			continue;
		any = true;
		if (!stream_ready(&first))
			return;
		for (unsigned i = 0; i < PERIODS; i++)
			stream_post_period(&first);
		stream_kick(&first);
		if (!stream_ready(&second) || !stream_do(&second, R_START))
			return;
		if (stream_run(&second, 2 * PERIODS, PERIODS) < 0)
			return;
		run_expect(run, second.n_bad == 0, "%u messages were not OK", second.n_bad);
	}
	if (!any)
		run_skip(run, "no two streams of one direction are offered");
}

/* With nothing to play, time goes on; what comes then is played at its pace. */
static void underrun(struct run *run)
{
	int took, least = (int)(RUN_PERIODS - AHEAD) * PERIOD_MS * 9 / 10;
	struct stream stream;

	if (!start(run, PLAYBACK, 0, &stream) || stream_run(&stream, 2, 2) < 0)
		return;
	front_nap(10 * PERIOD_MS);
	took = stream_run(&stream, RUN_PERIODS, PERIODS);
	if (took < 0)
		return;
	run_expect(run, took >= least, "%u periods took %d ms after a hole, at least %d expected",
		   RUN_PERIODS, took, least);
	run_expect(run, stream.n_bad == 0, "%u messages were not OK", stream.n_bad);
}

static const struct row rows[] = {
    {"V60", "prebuffer", 'F', NEED_PLAYBACK, "messages are taken before START and played from it",
     pre_buffering},
    {"V63", "pause", 'P', NEED_RINGS, "STOP and START lose nothing", pausing},
    {"V69", "latency", 'F', NEED_RINGS, "the latency that is told is plausible", latency},
    {"V70", "consumed", 'M', NEED_PLAYBACK, "a playback message comes back when it was consumed",
     consumed},
    {"V71", "full", 'M', NEED_CAPTURE, "a capture message comes back when it is full", filled},
    {"V72", "length", 'F', NEED_CAPTURE, "used length of capture: what was recorded, and 8",
     recorded_length},
    {"V78", "playback", 'F', NEED_PLAYBACK, "n periods take the time of n periods", playback_pace},
    {"V78", "capture", 'F', NEED_CAPTURE, "n periods take the time of n periods", capture_pace},
    {"V78", "duplex", 'F', NEED_PLAYBACK | NEED_CAPTURE, "playback and capture at once",
     both_at_once},
    {"V79", "beside", 'P', NEED_RINGS, "streams of one queue do not hold each other up",
     side_by_side},
    {"V80", "underrun", 'P', NEED_PLAYBACK, "after a hole, time has gone on", underrun},
};

const struct row_table rows_stream = {rows, sizeof(rows) / sizeof(rows[0])};
