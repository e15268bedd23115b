/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is nobody: plays into nothing and records silence, in real time. */
#include "backends/null.h"

#include <stdlib.h>

#include "backends/paced.h"

struct vmsnd_backend {
	struct vmsnd_paced paced; /* first, as in the stream */
};

struct vmsnd_stream {
	struct vmsnd_paced_stream paced;
};

static const struct vmsnd_option options[] = {VMSND_PACED_OPTION, {.key = NULL}};

static enum vmsnd_rc null_move(struct vmsnd_paced_stream *stream, void *samples, uint32_t frames)
{
	if (stream->dir == VMSND_CAPTURE)
		vmsnd_format_silence_rt(&stream->format, samples, frames);
	return VMSND_OK;
}

static enum vmsnd_rc null_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	host->paced.move = null_move;
	rc = vmsnd_paced_open(&host->paced, conf, "null");
	if (rc)
		free(host);
	else
		*out = host;
	return rc;
}

static void null_close(struct vmsnd_backend *host)
{
	free(host);
}

static enum vmsnd_rc null_stream_open(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want,
				      const struct vmsnd_stream_user *user, void *ctx,
				      struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));
	enum vmsnd_rc rc;

	if (!stream)
		return VMSND_E_NOMEM;
	rc = vmsnd_paced_add(&host->paced, &stream->paced, want, user, ctx);
	if (rc) {
		free(stream);
		return rc;
	}
	*got = vmsnd_paced_got(&stream->paced);
	*out = stream;
	return VMSND_OK;
}

static void null_stream_close(struct vmsnd_stream *stream)
{
	vmsnd_paced_remove(&stream->paced);
	free(stream);
}

const struct vmsnd_backend_class vmsnd_null_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "null",
    .summary = "no sound at all: plays into nothing, records silence, keeps time",
    .options = options,
    .open = null_open,
    .close = null_close,
    .stream_open = null_stream_open,
    .stream_start = vmsnd_paced_start,
    .stream_stop = vmsnd_paced_stop,
    .stream_close = null_stream_close,
    .advance = vmsnd_paced_advance,
    .limits = vmsnd_paced_limits,
    .status = vmsnd_paced_status,
};
