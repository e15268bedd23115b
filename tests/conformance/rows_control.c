/* SPDX-License-Identifier: BSD-3-Clause */
/* V10-V17: the framing of control requests. */
#include <string.h>

#include "base/endian.h"
#include "request.h"
#include "stream.h"

#define LENGTH_MAX 40u
#define AT_ONCE    24u

/* What each code takes. */
static const struct code {
	uint32_t code, bytes;
	const char *name;
} codes[] = {
    {R_JACK_INFO, 16, "JACK_INFO"},
    {R_JACK_REMAP, 16, "JACK_REMAP"},
    {R_PCM_INFO, 16, "PCM_INFO"},
    {R_SET_PARAMS, 24, "SET_PARAMS"},
    {R_PREPARE, 8, "PREPARE"},
    {R_RELEASE, 8, "RELEASE"},
    {R_START, 8, "START"},
    {R_STOP, 8, "STOP"},
    {R_CHMAP_INFO, 16, "CHMAP_INFO"},
    {R_CTL_INFO, 16, "CTL_INFO"},
    {R_CTL_ENUM_ITEMS, 8, "ENUM_ITEMS"},
    {R_CTL_READ, 8, "CTL_READ"},
    {R_CTL_WRITE, 520, "CTL_WRITE"},
    {R_CTL_TLV_READ, 8, "TLV_READ"},
    {R_CTL_TLV_WRITE, 16, "TLV_WRITE"},
    {R_CTL_TLV_COMMAND, 16, "TLV_COMMAND"},
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

static void status_first(struct run *run)
{
	const uint32_t query[4] = {R_PCM_INFO, 0, 1, PCM_INFO_BYTES};
	struct answer answer = request_info_into(run, query, 4 + PCM_INFO_BYTES);

	run_must(run, answer.status == S_OK, "PCM_INFO of stream 0: %s (0x%x)",
		 status_text(answer.status), answer.status);
}

static void codes_answered(struct run *run)
{
	for (unsigned i = 0; i < N_CODES; i++) {
		uint8_t bytes[520] = {0};
		uint32_t status;

		/* A stream, jack or control that there is not, so that nothing happens. */
		memset(bytes + 4, 0xff, 4);
		vmsnd_put_le32(bytes, codes[i].code);
		status = request(run, bytes, codes[i].bytes, 600).status;
		run_expect(run, is_status(status), "%s: %s (0x%x)", codes[i].name,
			   status_text(status), status);
	}
}

static void unknown_codes(struct run *run)
{
	static const uint32_t unknown[] = {0,     3,     0xff,   0x106,  0x1ff,      0x201,
					   0x2ff, 0x307, 0x1000, 0x8000, 0x7fffffff, 0xffffffff};

	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		const uint32_t words[4] = {unknown[i], 0, 0, 0};
		uint32_t status = request_words(run, words, 4, 64).status;

		run_must(run, status != S_OK, "code 0x%x is answered OK", unknown[i]);
		run_expect(run, status == S_BAD_MSG || status == S_NOT_SUPP, "code 0x%x: %s",
			   unknown[i], status_text(status));
	}
}

/* Every code at every length that is too short for it. */
static void short_requests(struct run *run)
{
	for (unsigned i = 0; i < N_CODES; i++) {
		uint32_t most = codes[i].bytes < LENGTH_MAX ? codes[i].bytes : LENGTH_MAX;

		for (uint32_t n = 0; n < most; n++) {
			uint8_t bytes[LENGTH_MAX] = {0};
			struct answer answer;

			vmsnd_put_le32(bytes, codes[i].code);
			answer = request(run, bytes, n, 64);
			run_must(run, answer.status != S_OK,
				 "%s with %u of %u bytes is answered OK", codes[i].name, n,
				 codes[i].bytes);
			run_expect(run, is_refusal(answer.status), "%s with %u of %u bytes: %s",
				   codes[i].name, n, codes[i].bytes, status_text(answer.status));
		}
	}
}

/* Longer than it has to be is what a newer driver might send. */
static void long_requests(struct run *run)
{
	uint8_t bytes[64] = {0};

	vmsnd_put_le32(bytes, R_PCM_INFO);
	vmsnd_put_le32(bytes + 8, 1);
	vmsnd_put_le32(bytes + 12, PCM_INFO_BYTES);
	for (uint32_t n = 17; n <= sizeof(bytes); n += 13) {
		uint32_t status = request(run, bytes, n, 4 + PCM_INFO_BYTES).status;

		run_expect(run, status == S_OK, "PCM_INFO with %u bytes for 16: %s", n,
			   status_text(status));
	}
}

static void small_room(struct run *run)
{
	static const uint32_t rooms[] = {0, 1, 2, 3, 4, 5, 35};
	const uint32_t query[4] = {R_PCM_INFO, 0, 1, PCM_INFO_BYTES};

	for (unsigned i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		struct answer answer = request_info_into(run, query, rooms[i]);

		run_must(run, answer.whole_guard, "written behind an answer's room of %u bytes",
			 rooms[i]);
		run_must(run, answer.bytes <= rooms[i], "used length %u of %u bytes", answer.bytes,
			 rooms[i]);
		run_must(run, answer.status != S_OK, "an item of 32 bytes in %u is answered OK",
			 rooms[i]);
		if (rooms[i] >= 4)
			run_expect(run, is_refusal(answer.status), "with %u bytes of room: %s",
				   rooms[i], status_text(answer.status));
	}
}

static void used_length(struct run *run)
{
	uint32_t n = run->n_streams;
	struct answer answer = request_info(run, R_PCM_INFO, 0, n, PCM_INFO_BYTES);
	const uint32_t refused[4] = {R_PCM_INFO, 0, n + 1, PCM_INFO_BYTES};
	const uint32_t command[2] = {R_PREPARE, UINT32_MAX};

	run_must(run, answer.bytes == 4 + n * PCM_INFO_BYTES,
		 "PCM_INFO of %u streams: used length %u, not %u", n, answer.bytes,
		 4 + n * PCM_INFO_BYTES);
	answer = request_info_into(run, refused, 256);
	run_must(run, answer.bytes == 4, "a refusal: used length %u, not 4", answer.bytes);
	answer = request_words(run, command, 2, 64);
	run_must(run, answer.bytes == 4, "a command: used length %u, not 4", answer.bytes);
}

/* Posted with one kick; each comes back once. */
static void many_at_once(struct run *run)
{
	struct front *front = run->front;
	bool seen[AT_ONCE] = {false};
	uint32_t answers[AT_ONCE];
	struct used used;

	for (unsigned i = 0; i < AT_ONCE; i++) {
		uint32_t ask = front_alloc(front, 8);
		struct segment segments[2];

		answers[i] = front_alloc(front, 4);
		segments[0] = (struct segment){ask, 8, false};
		segments[1] = (struct segment){answers[i], 4, true};
		vmsnd_put_le32(front->memory + ask, R_PREPARE);
		vmsnd_put_le32(front->memory + ask + 4, UINT32_MAX);
		ring_post(front, QUEUE_CONTROL, segments, 2, &seen[i]);
	}
	ring_kick(front, QUEUE_CONTROL);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		if (!run_must(run, ring_take(front, QUEUE_CONTROL, front->timeout_ms, &used),
			      "%u of %u requests came back", i, AT_ONCE))
			return;
		*(bool *)used.cookie = true;
	}
	for (unsigned i = 0; i < AT_ONCE; i++)
		run_must(run, seen[i] && is_status(vmsnd_le32(front->memory + answers[i])),
			 "request %u has no answer", i);
	run_must(run, !ring_take(front, QUEUE_CONTROL, 30, &used), "a request came back twice");
}

static void interrupts(struct run *run)
{
	struct ring *ring = &run->front->rings[QUEUE_CONTROL];

	for (unsigned i = 0; i < 5; i++) {
		unsigned before = ring->interrupts;
		struct used used;

		request_command(run, R_PREPARE, UINT32_MAX);
		/* The buffer may have been seen before its interrupt. */
		if (ring->interrupts == before)
			ring_take(run->front, QUEUE_CONTROL, 50, &used);
		run_expect(run, ring->interrupts > before, "an answer came without an interrupt");
	}
}

static const struct row rows[] = {
    {"V10", "status", 'F', NEED_RINGS, "an answer begins with its status", status_first},
    {"V12", "codes", 'F', NEED_RINGS, "every code is answered with a status", codes_answered},
    {"V13", "unknown", 'P', NEED_RINGS, "unknown codes are refused", unknown_codes},
    {"V14", "short", 'P', NEED_RINGS, "requests of every length that is too short are refused",
     short_requests},
    {"V14", "long", 'P', NEED_RINGS, "a longer request is read as far as it is known",
     long_requests},
    {"V15", "room", 'P', NEED_RINGS, "too little room for the answer: no overrun, given back",
     small_room},
    {"V16", "length", 'P', NEED_RINGS, "the used length is what was written", used_length},
    {"V17", "once", 'P', NEED_RINGS, "every request comes back exactly once", many_at_once},
    {"V17", "interrupt", 'P', NEED_RINGS, "every answer is followed by an interrupt", interrupts},
};

const struct row_table rows_control = {rows, sizeof(rows) / sizeof(rows[0])};
