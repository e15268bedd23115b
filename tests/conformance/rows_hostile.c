/* SPDX-License-Identifier: BSD-3-Clause */
/* What has brought back ends down: defects of rings, sums and messages. The verdict is whether the
 * back end still serves a driver afterwards; what it does with the wrong ring is its own affair. */
#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "stream.h"
#include "transports/vhost_user_codec.h"

#define NOWHERE UINT64_C(0x7fff00000000)

/* As any driver would find it. */
static void still_serves(struct run *run, const char *after)
{
	struct answer answer;

	if (!run_session(run, F_VERSION_1))
		return;
	answer = request_info(run, R_PCM_INFO, 0, 1, PCM_INFO_BYTES);
	run_must(run, answer.status == S_OK, "after %s: PCM_INFO answered %s", after,
		 status_text(answer.status));
}

/* Descriptors 0 and on; the first is made available on every queue. */
struct wrong_ring {
	const char *what;
	struct raw raw[3];
	uint16_t head, step;
};

static const struct wrong_ring wrong_rings[] = {
    {"a head beyond the ring", {{0}}, RING_SIZE, 1},
    {"a head of 65535", {{0}}, UINT16_MAX, 1},
    {"an available index that jumps", {{MEMORY_GPA + ARENA_AT, 16, 0, 0}}, 0, 1000},
    {"an available index that goes back", {{MEMORY_GPA + ARENA_AT, 16, 0, 0}}, 0, UINT16_MAX},
    {"a next beyond the ring", {{MEMORY_GPA + ARENA_AT, 16, DESC_NEXT, RING_SIZE}}, 0, 1},
    {"a descriptor that leads to itself", {{MEMORY_GPA + ARENA_AT, 16, DESC_NEXT, 0}}, 0, 1},
    {"a loop of two",
     {{MEMORY_GPA + ARENA_AT, 16, DESC_NEXT, 1}, {MEMORY_GPA + ARENA_AT, 16, DESC_NEXT, 0}},
     0,
     1},
    {"no bytes", {{MEMORY_GPA + ARENA_AT, 0, 0, 0}}, 0, 1},
    {"an address outside memory", {{NOWHERE, 64, 0, 0}}, 0, 1},
    {"an address that wraps", {{UINT64_MAX - 7, 64, 0, 0}}, 0, 1},
    {"a buffer that leaves memory", {{MEMORY_GPA + MEMORY_BYTES - 8, 64, 0, 0}}, 0, 1},
    {"a length of 2^32 - 1", {{MEMORY_GPA + ARENA_AT, UINT32_MAX, 0, 0}}, 0, 1},
    {"an answer outside memory",
     {{MEMORY_GPA + ARENA_AT, 16, DESC_NEXT, 1}, {NOWHERE, 64, DESC_WRITE, 0}},
     0,
     1},
    {"an answer before the request",
     {{MEMORY_GPA + ARENA_AT + 64, 64, DESC_NEXT | DESC_WRITE, 1},
      {MEMORY_GPA + ARENA_AT, 16, 0, 0}},
     0,
     1},
    {"an indirect table outside memory", {{NOWHERE, 64, DESC_INDIRECT, 0}}, 0, 1},
    {"an empty indirect table", {{MEMORY_GPA + ARENA_AT, 0, DESC_INDIRECT, 0}}, 0, 1},
    {"an indirect table of 17 bytes", {{MEMORY_GPA + ARENA_AT, 17, DESC_INDIRECT, 0}}, 0, 1},
    {"an indirect table of 2^32 - 16 bytes",
     {{MEMORY_GPA + ARENA_AT, UINT32_MAX - 15, DESC_INDIRECT, 0}},
     0,
     1},
    {"an indirect table with a next",
     {{MEMORY_GPA + ARENA_AT, 16, DESC_INDIRECT | DESC_NEXT, 1},
      {MEMORY_GPA + ARENA_AT, 16, DESC_WRITE, 0}},
     0,
     1},
};

/* An indirect table in an indirect table, where the wrong rings find one. */
static void put_nested(struct front *front)
{
	uint8_t *table = front->memory + ARENA_AT;

	memset(table, 0, 64);
	vmsnd_put_le64(table, MEMORY_GPA + ARENA_AT);
	vmsnd_put_le32(table + 8, 64);
	vmsnd_put_le16(table + 12, DESC_INDIRECT);
}

static void put_wrong(struct run *run, const struct wrong_ring *wrong, unsigned queue)
{
	struct front *front = run->front;

	if (!run_session(run, F_VERSION_1 | F_INDIRECT))
		return;
	put_nested(front);
	for (uint16_t i = 0; i < 3; i++)
		ring_raw(front, queue, i, &wrong->raw[i]);
	ring_raw_post(front, queue, wrong->head, wrong->step);
	front_nap(2);
	run_must(run, front_answers(front) || front_connect(front), "%s on queue %u: %s",
		 wrong->what, queue, front->why);
}

static void ring_structures(struct run *run)
{
	for (unsigned i = 0; i < sizeof(wrong_rings) / sizeof(wrong_rings[0]); i++) {
		for (unsigned queue = 0; queue < QUEUES; queue++)
			put_wrong(run, &wrong_rings[i], queue);
		if (run->verdict == VERDICT_FAIL)
			return;
		still_serves(run, wrong_rings[i].what);
	}
}

static void nested(struct run *run)
{
	static const struct wrong_ring nested = {
	    "a table in a table", {{MEMORY_GPA + ARENA_AT, 64, DESC_INDIRECT, 0}}, 0, 1};

	for (unsigned queue = 0; queue < QUEUES; queue++)
		put_wrong(run, &nested, queue);
	still_serves(run, nested.what);
}

/* A message that is the whole memory over and over (CVE class: host memory as large as asked). */
static void whole_memory(struct run *run)
{
	for (enum direction dir = PLAYBACK; dir <= CAPTURE; dir++) {
		struct front *front = run->front;
		struct segment segments[SEGMENTS_MAX];
		struct stream stream;

		if (!stream_pick(run, dir, 0, &stream) || !stream_ready(&stream))
			continue;
		segments[0] = (struct segment){front_alloc(front, 4), 4, false};
		vmsnd_put_le32(front->memory + segments[0].at, stream.id);
		for (unsigned i = 1; i < SEGMENTS_MAX; i++)
			segments[i] = (struct segment){MEMORY_BYTES / 2, MEMORY_BYTES / 2,
						       dir == CAPTURE || i == SEGMENTS_MAX - 1};
		stream_post_raw(&stream, segments, SEGMENTS_MAX, 0);
		stream_kick(&stream);
		stream_do(&stream, R_START);
		front_nap(5 * PERIOD_MS);
		request_command(run, R_STOP, stream.id);
	}
	if (run->verdict != VERDICT_FAIL)
		still_serves(run, "a message of half a gigabyte");
}

/* A buffer half full when the period gets smaller (CVE-2026-3195). */
static void shrinking_period(struct run *run)
{
	struct stream stream;
	uint32_t period;

	if (!stream_pick(run, CAPTURE, 0, &stream) || !stream_ready(&stream))
		return;
	period = stream.params.period_bytes;
	for (unsigned i = 0; i < PERIODS; i++)
		stream_post(&stream, period * 3);
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	front_nap(PERIOD_MS + PERIOD_MS / 2);
	for (unsigned i = 0; i < 3; i++) {
		stream.params.period_bytes = period / (2u << i);
		stream.params.buffer_bytes = stream.params.period_bytes * PERIODS;
		request_params(run, stream.id, &stream.params);
		request_command(run, R_STOP, stream.id);
		request_params(run, stream.id, &stream.params);
		request_command(run, R_RELEASE, stream.id);
		request_params(run, stream.id, &stream.params);
		request_command(run, R_PREPARE, stream.id);
		request_command(run, R_START, stream.id);
		stream_post(&stream, 9);
		stream_post(&stream, period);
		stream_kick(&stream);
		front_nap(PERIOD_MS);
	}
	if (run->verdict != VERDICT_FAIL)
		still_serves(run, "a period that shrinks");
}

/* Commands and messages without sense, as fast as they go. */
static void storm(struct run *run)
{
	uint32_t seed = 1;

	for (unsigned i = 0; i < 400 && run->verdict != VERDICT_FAIL; i++) {
		struct stream stream;

		seed = seed * 1664525 + 1013904223;
		if (run->n_streams == 0)
			return;
		stream_describe(run, (seed >> 8) % run->n_streams, &stream);
		if ((seed >> 16) % 7 < 5)
			request_command(run, R_PREPARE + (seed >> 20) % 4, stream.id);
		else
			request_params(run, stream.id, &stream.params);
		data_take(run, PLAYBACK, 0);
		data_take(run, CAPTURE, 0);
		stream_post(&stream, (seed >> 12) % 4000);
		stream_kick(&stream);
	}
	if (run->verdict != VERDICT_FAIL)
		still_serves(run, "commands in any order");
}

/* ---- messages of vhost-user
 * ------------------------------------------------------------------------
 */

struct wrong_message {
	uint32_t request, words[4], bytes;
};

static const struct wrong_message wrong_messages[] = {
    {VMSND_VU_SET_VRING_NUM, {255, 64}, 8},
    {VMSND_VU_SET_VRING_NUM, {0, 0}, 8},
    {VMSND_VU_SET_VRING_NUM, {0, 3}, 8},
    {VMSND_VU_SET_VRING_NUM, {0, 65536}, 8},
    {VMSND_VU_SET_VRING_NUM, {0, UINT32_MAX}, 8},
    {VMSND_VU_SET_VRING_BASE, {UINT32_MAX, 0}, 8},
    {VMSND_VU_SET_VRING_BASE, {0, UINT32_MAX}, 8},
    {VMSND_VU_SET_VRING_ENABLE, {99, 1}, 8},
    {VMSND_VU_SET_VRING_NUM, {0, 64}, 4},
    {VMSND_VU_SET_VRING_KICK, {255, 0}, 8},
    {VMSND_VU_SET_VRING_KICK, {0, 0}, 8},
    {VMSND_VU_SET_MEM_TABLE, {9, 0}, 8},
    {VMSND_VU_SET_MEM_TABLE, {UINT32_MAX, 0}, 8},
    {VMSND_VU_GET_VRING_BASE, {77, 0}, 8},
    {VMSND_VU_GET_CONFIG, {0, 256, 0}, 12},
    {VMSND_VU_GET_CONFIG, {UINT32_MAX, 16, 0}, 16},
    {VMSND_VU_SET_CONFIG, {250, 256, 0}, 12},
    {1000, {0}, 0},
    {0, {0}, 0},
};

static void messages(struct run *run)
{
	struct front *front = run->front;

	for (unsigned i = 0; i < sizeof(wrong_messages) / sizeof(wrong_messages[0]); i++) {
		const struct wrong_message *wrong = &wrong_messages[i];

		if (!run_session(run, F_VERSION_1))
			return;
		/* Refusal, silence and a closed connection are all good answers; to wait for one
		 * would be to wait for nothing. */
		front->acks = false;
		front_send(front, wrong->request, wrong->words, wrong->bytes, -1);
		front_nap(2);
		if (!run_must(run, front_connect(front), "after %s of 0x%x, 0x%x: %s",
			      vmsnd_vu_name(wrong->request), wrong->words[0], wrong->words[1],
			      front->why))
			return;
	}
	still_serves(run, "wrong messages");
}

static void memory_taken(struct run *run)
{
	struct front *front = run->front;
	const uint8_t empty[8] = {0};
	struct stream stream;

	if (!stream_pick(run, PLAYBACK, 0, &stream) || !stream_ready(&stream))
		return;
	for (unsigned i = 0; i < 2 * PERIODS; i++)
		stream_post_period(&stream);
	stream_kick(&stream);
	if (!stream_do(&stream, R_START))
		return;
	/* No region at all, while messages are out. */
	front->acks = false;
	front_send(front, VMSND_VU_SET_MEM_TABLE, empty, sizeof(empty), -1);
	ring_kick(front, QUEUE_TX);
	ring_kick(front, QUEUE_CONTROL);
	front_nap(3 * PERIOD_MS);
	still_serves(run, "the memory was taken away");
}

static const struct row rows[] = {
    {"V8", "structures", 'P', NEED_RINGS | HOSTILE, "broken rings and descriptors",
     ring_structures},
    {"V9", "nested", 'P', NEED_RINGS | HOSTILE, "an indirect table in an indirect table", nested},
    {"V17", "storm", 'P', NEED_RINGS | HOSTILE, "commands and messages in any order", storm},
    {"V55", "shrink", 'P', NEED_CAPTURE | HOSTILE, "a period that shrinks under a message",
     shrinking_period},
    {"V76", "memory", 'D', NEED_RINGS | HOSTILE, "a message that is all of memory, many times",
     whole_memory},
    {"V64", "unmapped", 'P', NEED_PLAYBACK | HOSTILE, "memory that goes while messages are out",
     memory_taken},
    {"VU", "messages", 'P', HOSTILE, "wrong messages of vhost-user", messages},
};

const struct row_table rows_hostile = {rows, sizeof(rows) / sizeof(rows[0])};
