/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend under test, with a player and a recorder of a signal in which every frame is known. */
#ifndef VMSND_TESTS_HOSTS_PULSE_SOUND_H
#define VMSND_TESTS_HOSTS_PULSE_SOUND_H

#include <pthread.h>
#include <stdatomic.h>

#include "vmsnd/backend.h"

#define FORMAT(sample_, rate, number)                                                              \
	{                                                                                          \
		.sample = sample_, .rate_hz = rate, .channels = number                             \
	}

#define LINES_MAX 64

/* The backend, and what it has said. */
struct bench {
	struct vmsnd_conf conf;
	struct vmsnd_log log;
	struct vmsnd_backend *host;
	pthread_mutex_t lock;
	unsigned n_lines;
	char lines[LINES_MAX][512];
	atomic_uint devices_changed, device_changed[2], audio_threads;
};

/* `options` is a format with %s where the folder goes, at most twice. */
enum vmsnd_rc bench_open(struct bench *bench, const char *options, const char *folder);
void bench_close(struct bench *bench);
/* Lines that hold `word`. */
unsigned bench_lines(struct bench *bench, const char *word);

/* One stream. Playback counts `total` frames and is silent before and after. */
struct sound {
	struct bench *bench;
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	enum vmsnd_dir dir;
	uint32_t frame_bytes;
	uint64_t total;
	atomic_ullong frames; /* moved; of the signal, when it plays */
	atomic_uint ended, blocks, gaps;
	_Atomic int why;
	unsigned char *kept; /* capture */
	uint64_t room;
	uint64_t mark;              /* the frame whose time is to be known */
	_Atomic uint64_t mark_ns;   /* when the mark is, or was, at the speaker or microphone */
	atomic_uint delay_frames;   /* of the last block */
	const unsigned char *marks; /* capture: its bytes */
};

/* Milliseconds on the monotonic clock. */
uint64_t now_ms(void);
void wait_ms(unsigned ms);

enum vmsnd_rc sound_open(struct sound *sound, struct bench *bench, enum vmsnd_dir dir,
			 struct vmsnd_format format, uint32_t period_frames);
/* Opens until it goes, and the state is OKAY; false when it has not come to that in `ms`. */
bool sound_open_within(struct sound *sound, struct bench *bench, enum vmsnd_dir dir,
		       struct vmsnd_format format, unsigned ms);
bool sound_state_within(struct sound *sound, enum vmsnd_stream_state state, unsigned ms);
bool sound_frames_within(struct sound *sound, uint64_t frames, unsigned ms);
void sound_start(struct sound *sound);
void sound_stop(struct sound *sound);
void sound_close(struct sound *sound); /* the figures stay */
void sound_free(struct sound *sound);

/* What of the signal was recorded. */
struct heard {
	uint64_t first;        /* number of the first frame heard */
	uint64_t frames;       /* of the signal, in order, each once */
	uint64_t gap;          /* silent frames between them */
	uint64_t jumps;        /* places where frames are missing */
	uint64_t bad;          /* frames that are neither */
	uint64_t begins;       /* silent frames before */
	uint64_t next, silent; /* the one expected; silent frames before it */
};
struct heard sound_heard(const struct sound *sound);
void signal_frame(const struct vmsnd_format *format, uint64_t index, unsigned char *to);

#endif
