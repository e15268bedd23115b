/* SPDX-License-Identifier: BSD-3-Clause */
/* V8, V9: any layout of descriptors, and every kind of ring that is offered. */
#include <string.h>

#include "base/endian.h"
#include "stream.h"

#define PIECES_MAX 60u

/* Cuts what is readable into pieces of `ask` bytes and what is writable into pieces of `room`. */
static unsigned cut(const struct segment *segments, unsigned n, const uint32_t pieces[2],
		    struct segment *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t piece = pieces[segments[i].writable];

		for (uint32_t at = 0; at < segments[i].bytes && count < PIECES_MAX; at += piece) {
			uint32_t left = segments[i].bytes - at;

			out[count++] = (struct segment){
			    segments[i].at + at, left < piece ? left : piece, segments[i].writable};
		}
	}
	return count;
}

/* PCM_INFO of stream 0, cut up; it must be what it is in one piece. */
static void ask_in_pieces(struct run *run, const uint32_t pieces[2], bool indirect)
{
	struct front *front = run->front;
	struct segment whole[2] = {{front_alloc(front, 16), 16, false},
				   {front_alloc(front, 36), 36, true}};
	struct segment segments[PIECES_MAX];
	unsigned n = cut(whole, 2, pieces, segments);
	struct answer plain = request_info(run, R_PCM_INFO, 0, 1, PCM_INFO_BYTES);
	const uint32_t words[4] = {R_PCM_INFO, 0, 1, PCM_INFO_BYTES};
	struct used used;

	if (!plain.came)
		return;
	memcpy(front->memory + whole[0].at, words, sizeof(words));
	front->rings[QUEUE_CONTROL].indirect = indirect;
	ring_post(front, QUEUE_CONTROL, segments, n, NULL);
	front->rings[QUEUE_CONTROL].indirect = false;
	ring_kick(front, QUEUE_CONTROL);
	if (!run_must(run, ring_take(front, QUEUE_CONTROL, front->timeout_ms, &used),
		      "PCM_INFO in pieces of %u and %u bytes: no answer", pieces[0], pieces[1]))
		return;
	run_must(run, memcmp(front->memory + whole[1].at, plain.whole, 36) == 0,
		 "PCM_INFO in pieces of %u and %u bytes is not what it is in one", pieces[0],
		 pieces[1]);
}

static void control_cut(struct run *run)
{
	static const uint32_t pieces[][2] = {{16, 36}, {1, 1}, {3, 5}, {16, 3}, {7, 32}, {2, 7}};

	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		ask_in_pieces(run, pieces[i], false);
}

/* Data messages with pieces that keep to no boundary: inside the header and the status, too. */
static void data_cut_of(struct run *run, enum direction dir, bool indirect)
{
	struct front *front = run->front;
	struct ring *ring = &front->rings[queue_of(dir)];
	struct stream stream;

	if (!stream_pick(run, dir, 0, &stream) || !stream_ready(&stream) ||
	    !stream_do(&stream, R_START))
		return;
	ring->indirect = indirect;
	for (unsigned i = 0; i < 6; i++) {
		const uint32_t pieces[2] = {dir == PLAYBACK ? 101 + i : 3,
					    dir == PLAYBACK ? 3 : 101 + i};
		uint32_t bytes = stream.params.period_bytes, header = front_alloc(front, 4 + bytes);
		uint32_t in = front_alloc(front, 8 + bytes);
		struct segment whole[2] = {{header, dir == PLAYBACK ? 4 + bytes : 4, false},
					   {in, dir == PLAYBACK ? 8 : 8 + bytes, true}};
		struct segment segments[PIECES_MAX];
		unsigned n = cut(whole, 2, pieces, segments);

		memset(front->memory + header, 0, 4 + bytes);
		vmsnd_put_le32(front->memory + header, stream.id);
		stream_post_raw(&stream, segments, n, in + whole[1].bytes - 8);
		stream_kick(&stream);
		if (!run_must(run, stream_wait(&stream, i + 1, front->timeout_ms),
			      "a message of stream %u in %u pieces did not come back", stream.id,
			      n))
			break;
	}
	ring->indirect = false;
	run_must(run, stream.n_bad == 0, "stream %u: %u messages in pieces were not OK", stream.id,
		 stream.n_bad);
}

static void data_cut(struct run *run)
{
	data_cut_of(run, PLAYBACK, false);
	data_cut_of(run, CAPTURE, false);
}

static void indirect(struct run *run)
{
	static const uint32_t pieces[][2] = {{16, 36}, {1, 1}, {3, 5}};

	if (!(run->front->accepted & F_INDIRECT)) {
		run_skip(run, "INDIRECT_DESC is not offered");
		return;
	}
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		ask_in_pieces(run, pieces[i], true);
	data_cut_of(run, PLAYBACK, true);
	data_cut_of(run, CAPTURE, true);
}

/* The same work with another kind of ring: requests past the wrap, data, RELEASE. */
static void with(struct run *run, uint64_t feature, const char *name)
{
	if (!(run->front->offered & feature)) {
		run_skip(run, "%s is not offered", name);
		return;
	}
	if (!run_session(run, F_VERSION_1 | feature))
		return;
	for (unsigned i = 0; i < 2 * RING_SIZE; i++)
		if (!is_refusal(request_command(run, R_PREPARE, UINT32_MAX))) {
			run_must(run, false, "%s: request %u was not refused", name, i);
			return;
		}
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct stream stream;

		if (!stream_pick(run, dir, 0, &stream) || !stream_ready(&stream) ||
		    !stream_do(&stream, R_START) || stream_run(&stream, 30, PERIODS) < 0)
			continue;
		run_must(run, stream.n_bad == 0, "%s: %u of 30 messages were not OK", name,
			 stream.n_bad);
		for (unsigned i = 0; i < PERIODS; i++)
			stream_post_period(&stream);
		stream_kick(&stream);
		if (!stream_do(&stream, R_STOP) || !stream_do(&stream, R_RELEASE))
			return;
		run_must(run, stream_wait(&stream, stream.n_posted, run->front->timeout_ms),
			 "%s: RELEASE left messages out", name);
	}
}

static void event_idx(struct run *run)
{
	with(run, F_EVENT_IDX, "EVENT_IDX");
}

static void packed(struct run *run)
{
	with(run, F_PACKED, "RING_PACKED");
}

static void in_order(struct run *run)
{
	with(run, F_IN_ORDER, "IN_ORDER");
}

static void all_kinds(struct run *run)
{
	if ((run->front->offered & (F_PACKED | F_IN_ORDER)) != (F_PACKED | F_IN_ORDER)) {
		run_skip(run, "RING_PACKED and IN_ORDER are not both offered");
		return;
	}
	with(run, F_PACKED | F_IN_ORDER | F_EVENT_IDX, "RING_PACKED with IN_ORDER");
}

/* The driver resets tx alone: what it had posted is never seen again, and the card goes on. */
static void ring_reset_alone(struct run *run)
{
	struct front *front = run->front;
	uint8_t *copy = front->memory + MEMORY_BYTES - RINGS_BYTES;
	struct stream stream;

	if (!(front->offered & F_RING_RESET)) {
		run_skip(run, "RING_RESET is not offered");
		return;
	}
	if (!run_session(run, F_VERSION_1 | F_RING_RESET) ||
	    !stream_pick(run, PLAYBACK, 0, &stream) || !stream_ready(&stream))
		return;
	for (unsigned i = 0; i < 2 * PERIODS; i++)
		stream_post_period(&stream);
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	front_nap(PERIOD_MS + PERIOD_MS / 2);
	if (!run_must(run, front_queue_reset(front, QUEUE_TX, 1), "%s", front->why))
		return;
	run_forget_messages(run);
	memcpy(copy, front->memory, RINGS_BYTES);
	front_nap(5 * PERIOD_MS);
	run_must(run,
		 ring_used_index(front, &front->rings[QUEUE_TX]) == 0 &&
		     memcmp(copy, front->memory, RINGS_BYTES) == 0,
		 "messages of before the reset of tx came back after it");
	if (!stream_do(&stream, R_STOP) || !stream_do(&stream, R_RELEASE))
		return;
	stream_describe(run, stream.id, &stream);
	if (stream_ready(&stream) && stream_do(&stream, R_START) &&
	    stream_run(&stream, PERIODS, PERIODS) >= 0)
		run_must(run, stream.n_bad == 0, "%u messages after the reset were not OK",
			 stream.n_bad);
}

/* A message that comes into a ring all of whose entries are out is taken when one comes back. */
static void full_ring(struct run *run)
{
	struct stream stream;
	unsigned n = 0;

	if (!stream_pick(run, PLAYBACK, 0, &stream) || !stream_ready(&stream))
		return;
	while (stream_post(&stream, stream.params.period_bytes))
		n++;
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	stream_wait(&stream, n, (int)n * PERIOD_MS + run->front->timeout_ms);
	run_must(run, stream.n_done == n && stream.n_bad == 0,
		 "%u of %u messages of a full ring came back, %u not OK", stream.n_done, n,
		 stream.n_bad);
}

static const struct row rows[] = {
    {"V8", "control", 'P', NEED_RINGS, "control requests cut anywhere", control_cut},
    {"V8", "data", 'P', NEED_RINGS, "data messages cut anywhere", data_cut},
    {"V8", "full", 'P', NEED_PLAYBACK, "a ring all of whose entries are out", full_ring},
    {"V9", "indirect", 'P', NEED_RINGS, "indirect descriptors, if offered", indirect},
    {"V9", "event-idx", 'P', 0, "EVENT_IDX, if offered", event_idx},
    {"V9", "packed", 'P', 0, "packed rings, if offered", packed},
    {"V9", "in-order", 'P', 0, "IN_ORDER, if offered", in_order},
    {"V9", "ring-reset", 'P', 0, "one queue reset alone, if offered", ring_reset_alone},
    {"V9", "combined", 'P', 0, "packed rings in order with event suppression, if offered",
     all_kinds},
};

const struct row_table rows_ring = {rows, sizeof(rows) / sizeof(rows[0])};
