/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <string.h>

#include "base/endian.h"

struct answer request(struct run *run, const void *bytes, uint32_t n, uint32_t room)
{
	struct front *front = run->front;
	struct segment segments[2];
	struct answer answer = {.came = false};
	unsigned n_segments = 0;
	uint32_t at = 0;
	struct used used;

	if (n > 0) {
		segments[n_segments].at = front_alloc(front, n);
		memcpy(front->memory + segments[n_segments].at, bytes, n);
		segments[n_segments++] = (struct segment){segments[0].at, n, false};
	}
	if (room > 0) {
		at = front_alloc(front, room);
		segments[n_segments++] = (struct segment){at, room, true};
	}
	if (run->verdict == VERDICT_FAIL ||
	    ring_post(front, QUEUE_CONTROL, segments, n_segments, NULL) == NO_HEAD)
		return answer;
	ring_kick(front, QUEUE_CONTROL);
	answer.came = ring_take(front, QUEUE_CONTROL, front->timeout_ms, &used);
	if (!run_must(run, answer.came,
		      "no answer to a request of %u bytes, code 0x%x, with %u for the answer", n,
		      n >= 4 ? vmsnd_le32(bytes) : 0, room))
		return answer;
	answer.bytes = used.bytes;
	answer.whole = front->memory + at;
	answer.items = answer.whole + 4;
	answer.whole_guard = room == 0 || front_guard_whole(front, at, room);
	if (room >= 4 && vmsnd_le32(answer.whole) != 0x01010101u * FILL)
		answer.status = vmsnd_le32(answer.whole);
	return answer;
}

struct answer request_words(struct run *run, const uint32_t *words, unsigned n, uint32_t room)
{
	return request(run, words, n * 4, room);
}

struct answer request_info_into(struct run *run, const uint32_t query[4], uint32_t room)
{
	return request_words(run, query, 4, room);
}

struct answer request_info(struct run *run, uint32_t code, uint32_t start, uint32_t count,
			   uint32_t item_bytes)
{
	const uint32_t query[4] = {code, start, count, item_bytes};

	return request_info_into(run, query, 4 + count * item_bytes);
}

uint32_t request_command(struct run *run, uint32_t code, uint32_t number)
{
	const uint32_t words[2] = {code, number};

	return request_words(run, words, 2, 4).status;
}

uint32_t request_params(struct run *run, uint32_t stream, const struct params *params)
{
	uint8_t bytes[24];

	vmsnd_put_le32(bytes, R_SET_PARAMS);
	vmsnd_put_le32(bytes + 4, stream);
	vmsnd_put_le32(bytes + 8, params->buffer_bytes);
	vmsnd_put_le32(bytes + 12, params->period_bytes);
	vmsnd_put_le32(bytes + 16, params->features);
	bytes[20] = params->channels;
	bytes[21] = params->format;
	bytes[22] = params->rate;
	bytes[23] = params->padding;
	return request(run, bytes, sizeof(bytes), 4).status;
}

const char *status_text(uint32_t status)
{
	switch (status) {
	case S_NONE:
		return "no status";
	case S_OK:
		return "OK";
	case S_BAD_MSG:
		return "BAD_MSG";
	case S_NOT_SUPP:
		return "NOT_SUPP";
	case S_IO_ERR:
		return "IO_ERR";
	default:
		return "a status that there is not";
	}
}

void pcm_info_get(const uint8_t *item, struct pcm_info *out)
{
	*out = (struct pcm_info){.group = vmsnd_le32(item),
				 .features = vmsnd_le32(item + 4),
				 .formats = vmsnd_le64(item + 8),
				 .rates = vmsnd_le64(item + 16),
				 .direction = item[24],
				 .channels_min = item[25],
				 .channels_max = item[26]};
}
