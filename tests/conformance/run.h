/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows and their verdicts. */
#ifndef VMSND_TESTS_CONFORMANCE_RUN_H
#define VMSND_TESTS_CONFORMANCE_RUN_H

#include "front.h"

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_SKIP, VERDICT_FAIL, VERDICTS };

/* What a row needs before it can begin; else it is skipped, with the reason. */
enum need {
	NEED_RINGS = 1, /* features accepted and queues running */
	NEED_PLAYBACK = 2 | NEED_RINGS,
	NEED_CAPTURE = 4 | NEED_RINGS,
	NEED_JACKS = 8 | NEED_RINGS,
	NEED_CHMAPS = 16 | NEED_RINGS,
	NEED_CTLS = 32 | NEED_RINGS, /* CTLS is accepted as well */
	HOSTILE = 64                 /* may end a back end that is not careful */
};

struct run;

struct row {
	const char *id;   /* of the checklist */
	const char *name; /* id/name is unique */
	/* M the standard orders it, S it says should, F a fact of the format, D a rule for drivers
	 * whose breach a device has to survive, P good practice. */
	char kind;
	unsigned needs; /* of enum need, or'ed */
	const char *title;
	void (*check)(struct run *run);
};

struct row_table {
	const struct row *rows;
	unsigned n;
};

struct pcm_info {
	uint32_t group, features;
	uint64_t formats, rates;
	uint8_t direction, channels_min, channels_max;
};

#define STREAMS_MAX  128u
#define MESSAGES_MAX 128u

/* A data message, from its post on (stream.h). */
struct message {
	unsigned owner; /* a stream's serial */
	bool out, done;
	uint32_t at, bytes; /* of the data */
	uint32_t status_at; /* 0: there is no room for one */
	uint32_t used_bytes, status, latency_bytes;
	vmsnd_ns when;
};

struct run {
	struct front *front;
	const struct row *row;
	enum verdict verdict;
	char text[256];
	/* What PCM_INFO told when the run began. */
	struct pcm_info streams[STREAMS_MAX];
	unsigned n_streams;
	unsigned serial;
	struct message messages[MESSAGES_MAX];
};

/* Breach of what the row is about: FAIL for M and F, WARN for S, D and P. Returns `holds`. The
 * first text of the worst verdict stays. */
bool run_expect(struct run *run, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what no back end may do, whatever the row's kind. */
bool run_must(struct run *run, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool run_should(struct run *run, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void run_skip(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Said beside a PASS: what was measured. */
void run_note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new connection with fresh queues and the features of the row. False: the row has failed. */
bool run_session(struct run *run, uint64_t features);
/* After a queue was reset: nothing that was posted comes back. */
void run_forget_messages(struct run *run);
/* What is accepted unless a row is about something else. */
uint64_t run_features(const struct run *run);

/* Every table, in the order in which they run; NULL beyond the last. */
const struct row_table *run_table(unsigned index);

extern const struct row_table rows_config, rows_control, rows_info, rows_params, rows_life,
    rows_data, rows_stream, rows_ring, rows_event, rows_ctl, rows_value, rows_hostile;

#endif
