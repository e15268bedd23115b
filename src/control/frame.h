/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a request begins and ends in a stream of bytes.
 *
 * QMP puts JSON objects one after another, with or without white space between, in pieces of any
 * size. Only brackets and strings are looked at here; whether it is JSON is the parser's word. */
#ifndef VMSND_CONTROL_FRAME_H
#define VMSND_CONTROL_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#define VMSND_FRAME_DEPTH_MAX 32u

/* Zeroed at the start. */
struct vmsnd_frame {
	size_t at; /* bytes of the buffer that have been looked at */
	unsigned depth;
	bool text, escape; /* inside a string; after its backslash */
	bool skipping;     /* after rubbish, up to the end of its line */
};

enum vmsnd_frame_got {
	VMSND_FRAME_MORE,  /* nothing whole yet; the first `from` bytes are of no use any more */
	VMSND_FRAME_VALUE, /* [from, to) is one object, or one array, if it is JSON at all */
	VMSND_FRAME_BAD,   /* what came up to `to` can never be one; it goes on after that */
	VMSND_FRAME_DEEP   /* nested deeper than VMSND_FRAME_DEPTH_MAX; it does not go on */
};

/* Looks at what is new in `data`. The caller drops bytes from its front by vmsnd_frame_drop:
 * `from` of them after MORE, `to` after VALUE and BAD. */
enum vmsnd_frame_got vmsnd_frame_next(struct vmsnd_frame *frame, const char *data, size_t bytes,
				      size_t *from, size_t *to);
void vmsnd_frame_drop(struct vmsnd_frame *frame, size_t bytes);

#endif
