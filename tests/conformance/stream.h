/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCM stream as a driver has it: parameters, data messages, pace. */
#ifndef VMSND_TESTS_CONFORMANCE_STREAM_H
#define VMSND_TESTS_CONFORMANCE_STREAM_H

#include "request.h"

#define PERIOD_MS 10
#define PERIODS   4u /* in a buffer */

enum direction { PLAYBACK, CAPTURE };

struct stream {
	struct run *run;
	uint32_t id;
	unsigned serial; /* of its messages: late ones of an earlier stream are not counted */
	enum direction dir;
	struct params params;
	uint32_t frame_bytes, rate_hz;
	unsigned n_posted, n_done, n_bad; /* messages; bad: done with another status than OK */
	uint32_t latency_bytes;           /* the greatest that was told */
	bool short_length;                /* a used length was not what it should be */
};

unsigned queue_of(enum direction dir);
/* The `nth` stream of a direction with parameters it offers: 10 ms periods, S16 at 48000 Hz in
 * stereo if it can be. False: there are not so many. Nothing is sent. */
bool stream_pick(struct run *run, enum direction dir, unsigned nth, struct stream *out);
/* Parameters of `id` for a format and a rate by their numbers. */
void stream_describe(struct run *run, uint32_t id, struct stream *out);
uint32_t format_bytes(uint8_t format); /* of a sample; 0: not a number of bytes */
uint32_t rate_of(uint8_t rate);

/* Each is a FAIL of the row when refused. */
bool stream_set(struct stream *stream);
bool stream_do(struct stream *stream, uint32_t code);
/* SET_PARAMS and PREPARE. */
bool stream_ready(struct stream *stream);

/* Posts one message of this many bytes of data, without a kick. NULL: no room. */
struct message *stream_post(struct stream *stream, uint32_t bytes);
struct message *stream_post_period(struct stream *stream);
/* Any layout: segments of which the last eight writable bytes are the status at `status_at`. */
struct message *stream_post_raw(struct stream *stream, const struct segment *segments, unsigned n,
				uint32_t status_at);
void stream_kick(struct stream *stream);
/* Takes what is used on the queue of a direction, of all streams, waiting at most `ms` for one. */
bool data_take(struct run *run, enum direction dir, int ms);
/* Waits until `n` messages of the stream are done, at most `ms`. */
bool stream_wait(struct stream *stream, unsigned n, int ms);

/* Posts `n` periods and keeps `depth` of them out. Returns how long that took, in ms; -1: they
 * did not all come back (the row has failed). */
int stream_run(struct stream *stream, unsigned n, unsigned depth);

int now_ms(void);

#endif
