/* SPDX-License-Identifier: BSD-3-Clause */
/* V57-V64: a stream's life, and a driver's. */
#include <string.h>

#include "stream.h"

enum state { IDLE, SET, PREPARED, RUNNING, STOPPED, RELEASED, STATES };

static const char *const state_names[] = {"IDLE",    "SET",     "PREPARED",
					  "RUNNING", "STOPPED", "RELEASED"};
static const char *const command_names[] = {"SET_PARAMS", "PREPARE", "RELEASE", "START", "STOP"};

/* Commands by their code less that of SET_PARAMS, as bits. Of what is neither allowed nor refused
 * the standard's drawing and real drivers do not agree: Linux goes on from STOPPED without RELEASE
 * when no message is out. */
#define SETS     1u
#define PREPARES 2u
#define RELEASES 4u
#define STARTS   8u
#define STOPS    16u

static const struct {
	unsigned allowed, refused;
} orders[STATES] = {
    [IDLE] = {SETS, PREPARES | RELEASES | STARTS | STOPS},
    [SET] = {SETS | PREPARES, RELEASES | STARTS | STOPS},
    [PREPARED] = {SETS | PREPARES | RELEASES | STARTS, STOPS},
    [RUNNING] = {STOPS, SETS | PREPARES | RELEASES | STARTS},
    [STOPPED] = {RELEASES | STARTS, STOPS},
    [RELEASED] = {SETS | PREPARES, RELEASES | STARTS | STOPS},
};

static bool reach(struct stream *stream, enum state state)
{
	static const uint32_t ways[STATES][4] = {[PREPARED] = {R_PREPARE},
						 [RUNNING] = {R_PREPARE, R_START},
						 [STOPPED] = {R_PREPARE, R_START, R_STOP},
						 [RELEASED] = {R_PREPARE, R_RELEASE}};

	if (!run_session(stream->run, F_VERSION_1) || (state != IDLE && !stream_set(stream)))
		return false;
	for (unsigned i = 0; i < 4 && ways[state][i]; i++)
		if (!stream_do(stream, ways[state][i]))
			return false;
	return true;
}

static uint32_t command(struct stream *stream, unsigned index)
{
	if (index == 0)
		return request_params(stream->run, stream->id, &stream->params);
	return request_command(stream->run, R_SET_PARAMS + index, stream->id);
}

static void matrix(struct run *run, struct stream *stream, bool allowed)
{
	for (enum state state = IDLE; state < STATES; state++) {
		unsigned commands = allowed ? orders[state].allowed : orders[state].refused;

		for (unsigned i = 0; i < 5; i++) {
			uint32_t status;

			if (!(commands & (1u << i)))
				continue;
			if (!reach(stream, state))
				return;
			status = command(stream, i);
			run_expect(run, allowed ? status == S_OK : is_refusal(status),
				   "stream %u, %s in %s: %s", stream->id, command_names[i],
				   state_names[state], status_text(status));
		}
	}
}

static void first_of_each(struct run *run, bool allowed)
{
	struct stream stream;

	if (stream_pick(run, PLAYBACK, 0, &stream))
		matrix(run, &stream, allowed);
	if (stream_pick(run, CAPTURE, 0, &stream))
		matrix(run, &stream, allowed);
}

static void allowed(struct run *run)
{
	first_of_each(run, true);
}

static void refused(struct run *run)
{
	first_of_each(run, false);
}

/* A refused command has changed nothing: the life goes on as if it had not been. */
static void unmoved(struct run *run)
{
	struct stream stream;

	if (!stream_pick(run, PLAYBACK, 0, &stream) && !stream_pick(run, CAPTURE, 0, &stream))
		return;
	if (!stream_ready(&stream))
		return;
	command(&stream, 4); /* STOP before START */
	if (!stream_do(&stream, R_START))
		return;
	command(&stream, 1);
	command(&stream, 2);
	if (stream_do(&stream, R_STOP) && stream_do(&stream, R_START) && stream_do(&stream, R_STOP))
		stream_do(&stream, R_RELEASE);
}

/* ---- RELEASE, with messages out
 * ------------------------------------------------------------------ */

/* Brings the stream to where messages are pending; `start`: it runs, and is then stopped. */
static bool make_pending(struct stream *stream, bool start)
{
	if (!stream_ready(stream))
		return false;
	for (unsigned i = 0; i < 2 * PERIODS; i++)
		stream_post_period(stream);
	stream_kick(stream);
	if (!start)
		return true;
	if (!stream_do(stream, R_START))
		return false;
	return stream_do(stream, R_STOP);
}

static void release_of(struct run *run, enum direction dir, bool start)
{
	struct stream stream;

	if (!stream_pick(run, dir, 0, &stream) || !make_pending(&stream, start))
		return;
	stream_do(&stream, R_RELEASE);
	stream_wait(&stream, stream.n_posted, 0);
	run_expect(run, stream.n_done == stream.n_posted,
		   "stream %u: %u of %u messages were back when RELEASE was answered", stream.id,
		   stream.n_done, stream.n_posted);
}

static void release_order(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		release_of(run, dir, true);
		release_of(run, dir, false);
	}
}

static void release_completes(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!stream_pick(run, dir, 0, &stream) || !make_pending(&stream, true) ||
		    !stream_do(&stream, R_RELEASE))
			continue;
		/* Later than it should be is the other row's. */
		stream_wait(&stream, stream.n_posted, run->front->timeout_ms);
		run_expect(run, stream.n_done == stream.n_posted,
			   "stream %u: %u of %u messages came back after RELEASE", stream.id,
			   stream.n_done, stream.n_posted);
	}
}

/* ---- a driver goes, another comes
 * ------------------------------------------------------------------
 */

/* Rings elsewhere, and the old ones as they were left: nothing of before may come to either. */
static void nothing_stale(struct run *run)
{
	struct front *front = run->front;
	uint8_t *old = front->memory, *copy = front->memory + MEMORY_BYTES - RINGS_BYTES;
	struct stream stream;

	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		if (!stream_pick(run, dir, 0, &stream) || !run_session(run, F_VERSION_1) ||
		    !make_pending(&stream, false) || !stream_do(&stream, R_START))
			continue;
		front_nap(2 * PERIOD_MS);
		if (!run_must(run, front_stop(front), "%s", front->why))
			return;
		memcpy(copy, old, RINGS_BYTES);
		if (!run_must(run, front_accept(front, F_VERSION_1) && front_start(front, 1), "%s",
			      front->why))
			return;
		front_nap(6 * PERIOD_MS);
		for (unsigned i = 0; i < QUEUES; i++)
			run_expect(run, ring_used_index(front, &front->rings[i]) == 0,
				   "buffers of the old driver came back on queue %u of the new one",
				   i);
		run_must(run, memcmp(old, copy, RINGS_BYTES) == 0,
			 "the old driver's rings were written to");
	}
}

static void fresh_start(struct run *run)
{
	struct stream stream;

	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		uint32_t status;

		if (!stream_pick(run, dir, 0, &stream) || !stream_ready(&stream) ||
		    !stream_do(&stream, R_START))
			continue;
		if (!run_session(run, F_VERSION_1))
			return;
		status = request_command(run, R_STOP, stream.id);
		run_expect(run, is_refusal(status),
			   "stream %u still ran when a new driver came: STOP answered %s",
			   stream.id, status_text(status));
		stream_ready(&stream);
	}
}

static const struct row rows[] = {
    {"V59", "allowed", 'F', NEED_RINGS, "what a stream's state allows is done", allowed},
    {"V59", "refused", 'F', NEED_RINGS, "what a stream's state does not allow is refused", refused},
    {"V59", "unmoved", 'F', NEED_RINGS, "what was refused has changed nothing", unmoved},
    {"V61", "completes", 'M', NEED_RINGS, "RELEASE brings back every message", release_completes},
    {"V62", "order", 'M', NEED_RINGS, "RELEASE is answered after the messages", release_order},
    {"V64", "stale", 'M', NEED_RINGS, "nothing of an old driver reaches a new one's rings",
     nothing_stale},
    {"V64", "fresh", 'P', NEED_RINGS, "a new driver finds no stream running", fresh_start},
};

const struct row_table rows_life = {rows, sizeof(rows) / sizeof(rows[0])};
