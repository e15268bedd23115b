/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes: which stream's sound goes into which file, and what the files are called.
 *
 * A take is all that is played in one format, over any number of streams, one after the
 * other. The first take that has a frame is PATH itself; every further file, be it another
 * format, a second stream at the same time or the next part of a take that is full, has the
 * next number before its extension: PATH-2, PATH-3. PATH replaces what an earlier run left;
 * a number whose file is there already is left out. What is no PCM has an ending of its own in
 * place of PATH's, .dff, .dsd or .iec958, and replaces nothing. A file begins with its first frame,
 * so a guest that only looks leaves nothing behind. */
#ifndef VMSND_BACKENDS_FILE_TAKES_H
#define VMSND_BACKENDS_FILE_TAKES_H

#include "backends/sound_file.h"

struct vmsnd_take;

struct vmsnd_takes {
	const struct vmsnd_log *log;
	const char *path;               /* the caller's, outlives this */
	const char *keep;               /* a file never to be written, or NULL; likewise */
	bool raw;                       /* DSD as it is, not in DSDIFF */
	uint64_t part_bytes;            /* a file ends here; 0: at its container's limit */
	enum vmsnd_container container; /* by the path; set by open */
	/* private from here */
	struct vmsnd_take *list; /* the most recently used first */
	unsigned idle, begun;
	uint64_t files; /* names used up: made by us or found there */
};

#define VMSND_TAKES_PART_MIN_BYTES 4096u

/* Takes over the public members, zeroes the others and looks whether files can be made at
 * `path`. On failure one line is in the log. */
enum vmsnd_rc vmsnd_takes_open(struct vmsnd_takes *takes);
/* Ends every file. No take is in use any more. */
void vmsnd_takes_close(struct vmsnd_takes *takes);

/* The idle take of this format, one that vmsnd_sound_settle leaves as it is, or a new one.
 * VMSND_E_NOMEM; VMSND_E_SYSTEM: too many files. One line is in the log. */
enum vmsnd_rc vmsnd_take_begin(struct vmsnd_takes *takes, const struct vmsnd_format *format,
			       struct vmsnd_take **out);
/* After VMSND_E_SYSTEM, which is in the log, the take is only good for ending. */
enum vmsnd_rc vmsnd_take_write(struct vmsnd_takes *takes, struct vmsnd_take *take,
			       const void *samples, uint32_t frames);
void vmsnd_take_end(struct vmsnd_takes *takes, struct vmsnd_take *take);

#endif
