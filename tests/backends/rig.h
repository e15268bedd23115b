/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend on a bench: a folder that goes away again, a log that can be read, and a user of
 * streams that plays a signal in which every sample is known. */
#ifndef VMSND_TESTS_BACKENDS_RIG_H
#define VMSND_TESTS_BACKENDS_RIG_H

#include "vmsnd/backend.h"

#define FORMAT(sample_, rate, number)                                                              \
	{                                                                                          \
		.sample = sample_, .rate_hz = rate, .channels = number                             \
	}

#define RIG_LINES 256
#define RIG_PATH  512

struct rig {
	char folder[RIG_PATH];
	struct vmsnd_log log;
	unsigned n_lines;
	struct {
		enum vmsnd_log_level level;
		char text[512];
	} lines[RIG_LINES];
	const struct vmsnd_backend_class *cls;
	struct vmsnd_conf conf;
	struct vmsnd_backend *host;
};

/* For cmocka: makes and removes a rig with an empty folder of its own. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* `options` is a format with %s where the folder's name goes, at most twice. */
enum vmsnd_rc rig_open(struct rig *rig, const struct vmsnd_backend_class *cls, const char *options);
/* A repeated try with the options of the last one. */
enum vmsnd_rc rig_open_again(struct rig *rig);
void rig_close(struct rig *rig);
/* Good until the next call but seven. */
const char *rig_path(struct rig *rig, const char *name);
bool rig_exists(struct rig *rig, const char *name);
unsigned rig_files(struct rig *rig);
void rig_forget_lines(struct rig *rig);
unsigned rig_count_lines(const struct rig *rig, enum vmsnd_log_level level);
/* Whether a line of that level holds both. */
bool rig_said(const struct rig *rig, enum vmsnd_log_level level, const char *a, const char *b);

/* The signal: every bit is noise, save that floats stay within full scale. */
uint32_t signal_noise(uint64_t index);
/* Sample number `index` as it lies in memory. */
void signal_put(enum vmsnd_sample sample, uint64_t index, void *to);
void signal_fill(const struct vmsnd_format *format, uint64_t from_frame, void *to, uint32_t frames);

struct user {
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	enum vmsnd_dir dir;
	uint64_t frames; /* moved */
	uint64_t left;   /* what ready_rt says is left */
	unsigned blocks, ended;
	enum vmsnd_rc why;
	bool hears;           /* else a notice fails the test */
	uint32_t notices;     /* bit n: enum vmsnd_stream_notice n */
	uint8_t *kept;        /* capture: all of it */
	uint64_t room_frames; /* in kept */
	vmsnd_ns last;
};

/* Opens a stream that has `user` as its user; user->frames goes on where it was. */
enum vmsnd_rc user_open(struct rig *rig, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format, uint32_t period_frames);
enum vmsnd_rc user_open_want(struct rig *rig, struct user *user,
			     const struct vmsnd_stream_want *want);
void user_start(struct rig *rig, struct user *user, vmsnd_ns now);
void user_close(struct rig *rig, struct user *user);
void user_free(struct user *user);
/* Steps by deadlines up to and with `until`; returns the number of calls. */
unsigned rig_run(struct rig *rig, vmsnd_ns from, vmsnd_ns until);
/* Plays exactly `frames` in one go on a host with pace=free and closes the stream; in what format
 * stands in user->got. */
void rig_play(struct rig *rig, struct user *user, struct vmsnd_format format,
	      uint32_t period_frames, uint64_t frames);

/* Plays in a child on the open host until at least `blocks` blocks have been handed over, and kills
 * it. Returns how many had been for sure. */
unsigned rig_kill_after(struct rig *rig, struct vmsnd_format format, uint32_t period_frames,
			unsigned blocks);
/* From here on no file gets longer; RLIM_INFINITY: as long as it likes. */
void rig_limit_files(unsigned long bytes);

/* What the header of a WAV, W64 or RF64 says its data has. libsndfile guesses where a header is
 * wrong, so whether it is right is not for libsndfile to say. */
uint64_t data_bytes(const char *path);

/* A file opened by libsndfile alone holds `frames` frames of the signal from `from` on, in this
 * format, which is one that files hold, and its header says so. Fails the test otherwise. */
void check_file(const char *path, struct vmsnd_format format, uint64_t from, uint64_t frames);

#endif
