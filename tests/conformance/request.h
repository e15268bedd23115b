/* SPDX-License-Identifier: BSD-3-Clause */
/* Control requests: one out, one answer back, whatever is in them. */
#ifndef VMSND_TESTS_CONFORMANCE_REQUEST_H
#define VMSND_TESTS_CONFORMANCE_REQUEST_H

#include "run.h"

enum {
	R_JACK_INFO = 1,
	R_JACK_REMAP = 2,
	R_PCM_INFO = 0x100,
	R_SET_PARAMS = 0x101,
	R_PREPARE = 0x102,
	R_RELEASE = 0x103,
	R_START = 0x104,
	R_STOP = 0x105,
	R_CHMAP_INFO = 0x200,
	R_CTL_INFO = 0x300,
	R_CTL_ENUM_ITEMS = 0x301,
	R_CTL_READ = 0x302,
	R_CTL_WRITE = 0x303,
	R_CTL_TLV_READ = 0x304,
	R_CTL_TLV_WRITE = 0x305,
	R_CTL_TLV_COMMAND = 0x306
};

enum { S_NONE = 0, S_OK = 0x8000, S_BAD_MSG = 0x8001, S_NOT_SUPP = 0x8002, S_IO_ERR = 0x8003 };

#define JACK_INFO_BYTES  24u
#define PCM_INFO_BYTES   32u
#define CHMAP_INFO_BYTES 24u
#define CTL_INFO_BYTES   96u

struct answer {
	bool came;
	uint32_t status;      /* S_NONE: no status was written */
	uint32_t bytes;       /* used length */
	const uint8_t *whole; /* the writable part, status first */
	const uint8_t *items; /* behind the status */
	bool whole_guard;     /* nothing was written behind it */
};

/* Sends `bytes` of a request with `room` for its answer and waits. No answer is a FAIL of the row.
 */
struct answer request(struct run *run, const void *bytes, uint32_t n, uint32_t room);
/* Words instead of bytes: code first. */
struct answer request_words(struct run *run, const uint32_t *words, unsigned n, uint32_t room);
struct answer request_info(struct run *run, uint32_t code, uint32_t start, uint32_t count,
			   uint32_t item_bytes);
/* The same with room for the answer that differs from what count and item_bytes say. */
struct answer request_info_into(struct run *run, const uint32_t query[4], uint32_t room);
/* A command with a number behind it; its status. */
uint32_t request_command(struct run *run, uint32_t code, uint32_t number);

struct params {
	uint32_t buffer_bytes, period_bytes, features;
	uint8_t channels, format, rate, padding;
};
uint32_t request_params(struct run *run, uint32_t stream, const struct params *params);

const char *status_text(uint32_t status);
static inline bool is_status(uint32_t status)
{
	return status >= S_OK && status <= S_IO_ERR;
}
static inline bool is_refusal(uint32_t status)
{
	return status > S_OK && status <= S_IO_ERR;
}

void pcm_info_get(const uint8_t *item, struct pcm_info *out);

#endif
