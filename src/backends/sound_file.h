/* SPDX-License-Identifier: BSD-3-Clause */
/* Sound files in our own terms, on libsndfile: a writer that is valid on disk after every
 * block, and a reader that gives any sample format of ours. No backend in here. */
#ifndef VMSND_BACKENDS_SOUND_FILE_H
#define VMSND_BACKENDS_SOUND_FILE_H

#include "vmsnd/status.h"

enum vmsnd_container {
	VMSND_CONTAINER_WAV,
	VMSND_CONTAINER_W64,
	VMSND_CONTAINER_RF64,
	VMSND_CONTAINER_FLAC,
	VMSND_CONTAINER_COUNT
};

#define VMSND_CONTAINER_LIST ".wav, .w64, .rf64 or .flac"

/* By the extension, in any case; false when it is none of the list or has no name before it. */
bool vmsnd_container_of(const char *path, enum vmsnd_container *out);

/* The end of a line that says why something failed; filled on failure only. */
struct vmsnd_sound_why {
	char text[200];
	bool exists; /* of vmsnd_sound_create: new_only, and the name is taken */
};

struct vmsnd_sound_spec {
	enum vmsnd_container container;
	struct vmsnd_format format;
	uint64_t limit_bytes; /* the file stays within this; 0: only the container's own limit.
			       * FLAC, whose blocks have no fixed size, stops just after it */
	bool new_only;        /* a file that is there already is not replaced */
};

/* Whether the container can hold this at all: VMSND_OK or VMSND_E_UNSUPPORTED. */
enum vmsnd_rc vmsnd_sound_check(const struct vmsnd_sound_spec *spec, struct vmsnd_sound_why *why);
/* Whether every sample is kept bit for bit. FLAC has 24 bits at most: from S32 it keeps the
 * upper 24, FLOAT is rounded to 24 and clipped at full scale. */
bool vmsnd_sound_exact(const struct vmsnd_sound_spec *spec);

/* ---- writing ---- */

struct vmsnd_sound_writer;

/* Begins `path` anew. Only a regular file is replaced, with new_only not even that. On
 * VMSND_E_SYSTEM no file is left that was not there before. */
enum vmsnd_rc vmsnd_sound_create(const char *path, const struct vmsnd_sound_spec *spec,
				 struct vmsnd_sound_writer **out, struct vmsnd_sound_why *why);
/* How many frames it still takes within its limit. */
uint64_t vmsnd_sound_room_frames(const struct vmsnd_sound_writer *writer);
/* At most `room` frames. When this returns VMSND_OK the file on disk is whole up to and with
 * these frames and its header says so; FLAC: up to the last full encoder block (4096 frames).
 * After a failure the file ends with its last whole frame and only finish is allowed. */
enum vmsnd_rc vmsnd_sound_write(struct vmsnd_sound_writer *writer, const void *samples,
				uint32_t frames, struct vmsnd_sound_why *why);
uint64_t vmsnd_sound_frames(const struct vmsnd_sound_writer *writer);
/* Closes the file and frees the writer in any case. */
enum vmsnd_rc vmsnd_sound_finish(struct vmsnd_sound_writer *writer, struct vmsnd_sound_why *why);

/* ---- reading ---- */

struct vmsnd_sound_reader {
	uint32_t rate_hz, channels;
	/* private from here */
	void *file;
	bool is_float; /* the file's samples have no fixed number of bits */
};

/* Any regular file libsndfile knows; until it is closed no writer of ours replaces it.
 * VMSND_E_GONE: it cannot be opened; VMSND_E_UNSUPPORTED:
 * no sound file. Nothing is left to close on failure. */
enum vmsnd_rc vmsnd_sound_open(struct vmsnd_sound_reader *reader, const char *path,
			       struct vmsnd_sound_why *why);
/* Fewer than `frames` at the end of the file or where it is damaged. Integers of the same or
 * fewer bits come out exactly, wider ones are cut, floats rounded and clipped. */
uint32_t vmsnd_sound_read(struct vmsnd_sound_reader *reader, enum vmsnd_sample sample, void *to,
			  uint32_t frames);
/* Back to the first frame; false when the file does not allow it. */
bool vmsnd_sound_rewind(struct vmsnd_sound_reader *reader);
void vmsnd_sound_close(struct vmsnd_sound_reader *reader);

#endif
