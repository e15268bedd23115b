/* SPDX-License-Identifier: BSD-3-Clause */
/* Sound files in our own terms, on libsndfile where there is PCM in them: a writer that is valid on
 * disk after every block, and a reader that gives any sample format of ours. No backend in here. */
#ifndef VMSND_BACKENDS_SOUND_FILE_H
#define VMSND_BACKENDS_SOUND_FILE_H

#include "vmsnd/status.h"

enum vmsnd_container {
	VMSND_CONTAINER_WAV,
	VMSND_CONTAINER_W64,
	VMSND_CONTAINER_RF64,
	VMSND_CONTAINER_FLAC,
	/* Not by a name's ending: for what is no PCM. */
	VMSND_CONTAINER_DSDIFF, /* DSD */
	VMSND_CONTAINER_RAW,    /* anything: bytes as they are, no header */
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
	struct vmsnd_format format; /* one that vmsnd_sound_settle leaves as it is */
	uint64_t limit_bytes; /* the file stays within this; 0: only the container's own limit.
			       * FLAC, whose blocks have no fixed size, stops just after it */
	bool new_only;        /* a file that is there already is not replaced */
};

/* Turns a valid format into the one nearest to it that the container holds. Every sample is kept
 * bit for bit, but in FLAC, which has integers of 24 bits, 8 channels and 655350 Hz at most.
 * Channels are put into the order of WAVE's channel mask where they all have a place in it. What is
 * no PCM stays as it is, for a DSDIFF or raw file. */
void vmsnd_sound_settle(enum vmsnd_container container, struct vmsnd_format *format);
/* Whether a file of the one format can give back every sample of the other. */
bool vmsnd_sound_keeps(const struct vmsnd_format *file, const struct vmsnd_format *other);

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
	struct vmsnd_format format; /* what it gives: all that is in the file */
	/* private from here */
	void *file;
};

/* Any regular file libsndfile knows; until it is closed no writer of ours replaces it.
 * VMSND_E_GONE: it cannot be opened; VMSND_E_UNSUPPORTED:
 * no sound file, or of a rate or a number of channels beyond ours. Nothing is left to close on
 * failure. */
enum vmsnd_rc vmsnd_sound_open(struct vmsnd_sound_reader *reader, const char *path,
			       struct vmsnd_sound_why *why);
/* In the reader's format. Fewer than `frames` at the end of the file or where it is damaged. */
uint32_t vmsnd_sound_read(struct vmsnd_sound_reader *reader, void *to, uint32_t frames);
/* Back to the first frame; false when the file does not allow it. */
bool vmsnd_sound_rewind(struct vmsnd_sound_reader *reader);
void vmsnd_sound_close(struct vmsnd_sound_reader *reader);

/* ---- for the two above: where channels belong, in libsndfile's terms (an SNDFILE) ---- */

/* Whether a file that says nothing would be understood otherwise. */
bool vmsnd_sound_map_matters(const struct vmsnd_format *format);
/* Into the file's header, when the container has a place for it. */
void vmsnd_sound_map_put(void *file, const struct vmsnd_format *format);
/* Leaves positions unset where the file says nothing that we know. */
void vmsnd_sound_map_get(void *file, struct vmsnd_format *format);

#endif
