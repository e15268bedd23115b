/* SPDX-License-Identifier: BSD-3-Clause */
/* The ALSA backend on a bench: a private configuration of alsa-lib with testloop cards, a log that
 * can be read, and a user of streams that plays numbered frames. */
#ifndef VMSND_TESTS_HOSTS_ALSA_BENCH_H
#define VMSND_TESTS_HOSTS_ALSA_BENCH_H

#include "testloop.h"
#include "vmsnd/backend.h"

#define BENCH_LINES   64
#define BENCH_PATH    256
#define BENCH_STREAMS 2

struct bench {
	char folder[BENCH_PATH];
	struct testloop *card;
	struct vmsnd_log log;
	_Atomic unsigned n_lines;
	char lines[BENCH_LINES][512];
	struct vmsnd_conf conf;
	struct vmsnd_backend *host;
	_Atomic unsigned came, changed[2], audio_threads; /* calls of the backend's user */
	struct vmsnd_stream *streams[BENCH_STREAMS];      /* that are open */
};

struct user {
	struct bench *bench;
	enum vmsnd_dir dir;
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	uint32_t frame_bytes;
	_Atomic uint64_t frames, blocks, gaps, left; /* `left`: frames that are not silence */
	_Atomic unsigned ended;
	_Atomic int why;
	_Atomic uint32_t delay_frames;
	_Atomic uint64_t first_ns, first_frames, last_ns;
	uint8_t *kept; /* capture: the first of it */
	uint64_t room_frames;
};

/* For cmocka: a folder, a card and an open backend with default devices. */
int bench_setup(void **state);
int bench_teardown(void **state);
/* Another backend instead, with these options. */
enum vmsnd_rc bench_open(struct bench *bench, const char *options);
void bench_close(struct bench *bench);
/* The configuration anew; `more` comes after the usual. */
void bench_configure(struct bench *bench, const char *more);
bool bench_said(struct bench *bench, const char *a, const char *b);

struct vmsnd_format bench_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels);
/* With a queue of 200 ms: whoever shares the machine with the test may be busy. */
enum vmsnd_rc user_open(struct bench *bench, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format, uint32_t period_frames);
void user_start(struct user *user);
void user_stop(struct user *user);
void user_close(struct user *user);
/* Until so many frames have moved, or all has been heard; no more than 20 s. */
void user_wait_frames(const struct user *user, uint64_t frames);
void user_wait_drained(const struct user *user);
uint64_t user_xruns(const struct user *user);

uint64_t bench_ms(void);
void bench_nap(void);

/* What came out of the loudspeaker, or of the microphone. */
struct heard {
	uint64_t lead;  /* frames of silence before the first one */
	uint64_t first; /* its number */
	uint64_t good, holes, lost, repeated, bad;
};
struct heard bench_heard(struct bench *bench, const struct user *user);
struct heard user_recorded(const struct user *user);

#endif
