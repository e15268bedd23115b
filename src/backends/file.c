/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is a file: what is played goes into sound files, capture comes from one. */
#include "backends/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/file_log.h"
#include "backends/file_takes.h"
#include "backends/paced.h"

struct vmsnd_backend {
	struct vmsnd_paced paced;
	struct vmsnd_file_log errors; /* every line goes through it */
	char *path, *in;              /* either may be NULL */
	bool loop;
	bool told_empty;
	struct vmsnd_sound_reader hold; /* of `in`: as long as it is open no card replaces it */
	struct vmsnd_takes takes;       /* open when there is a path */
};

struct vmsnd_stream {
	struct vmsnd_paced_stream paced; /* first: move finds us by it */
	struct vmsnd_backend *host;
	struct vmsnd_take *take;          /* playback */
	struct vmsnd_sound_reader reader; /* capture */
	bool dry;                         /* the file has no more to give */
};

static const struct vmsnd_option option_table[] = {
    {"path", VMSND_OPTION_TEXT, NULL,
     "the file that playback goes to, ending in " VMSND_CONTAINER_LIST, 0, 0},
    {"in", VMSND_OPTION_TEXT, NULL, "the sound file that capture comes from", 0, 0},
    {"loop", VMSND_OPTION_BOOL, "on",
     "on: capture starts over at the end of the file; off: silence from there", 0, 0},
    {"split", VMSND_OPTION_UINT, "0",
     "go on in a next file after this many bytes; 0: only at the container's limit", 0, INT64_MAX},
    VMSND_PACED_OPTION,
    {.key = NULL},
};

/* ---- capture ---- */

static uint8_t *frame_at(const struct vmsnd_stream *stream, void *samples, uint32_t frame)
{
	return (uint8_t *)samples + (size_t)frame * stream->paced.frame_bytes;
}

/* An end right after a start: there is not one frame to loop over. Said once, as a guest may
 * start as often as it likes. */
static void run_dry(struct vmsnd_stream *stream, bool empty)
{
	stream->dry = true;
	if (empty && !stream->host->told_empty)
		vmsnd_logf(&stream->host->errors.log, VMSND_LOG_WARNING,
			   "file: %s: no frame can be read; capture is silence", stream->host->in);
	stream->host->told_empty |= empty;
}

static void capture(struct vmsnd_stream *stream, void *samples, uint32_t frames)
{
	bool rewound = false;
	uint32_t done = 0;

	while (done < frames && !stream->dry) {
		uint32_t got = vmsnd_sound_read(&stream->reader, stream->paced.format.sample,
						frame_at(stream, samples, done), frames - done);

		done += got;
		if (got > 0)
			rewound = false;
		else if (rewound || !stream->host->loop || !vmsnd_sound_rewind(&stream->reader))
			run_dry(stream, rewound);
		else
			rewound = true;
	}
	vmsnd_paced_silence(&stream->paced, frame_at(stream, samples, done), frames - done);
}

static enum vmsnd_rc file_move(struct vmsnd_paced_stream *paced, void *samples, uint32_t frames)
{
	struct vmsnd_stream *stream = (struct vmsnd_stream *)paced;

	if (paced->dir == VMSND_PLAYBACK)
		return vmsnd_take_write(&stream->host->takes, stream->take, samples, frames);
	capture(stream, samples, frames);
	return VMSND_OK;
}

static enum vmsnd_rc cannot_read(const struct vmsnd_backend *host, enum vmsnd_rc rc,
				 const struct vmsnd_sound_why *why)
{
	vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
		   "file: %s: capture cannot read it: %s; give a sound file with in=", host->in,
		   why->text);
	return rc;
}

/* ---- the backend ---- */

static void file_free(struct vmsnd_backend *host)
{
	vmsnd_sound_close(&host->hold);
	free(host->path);
	free(host->in);
	free(host);
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static enum vmsnd_rc check_options(struct vmsnd_backend *host,
				   const struct vmsnd_backend_conf *conf)
{
	if (vmsnd_paced_open(&host->paced, conf, "file"))
		return VMSND_E_INVALID;
	if (!host->path && !host->in) {
		vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
			   "file: no file; give path=out.wav for playback, in=in.wav for capture, "
			   "or both");
		return VMSND_E_INVALID;
	}
	return VMSND_OK;
}

static enum vmsnd_rc check_files(struct vmsnd_backend *host)
{
	struct vmsnd_sound_why why;
	enum vmsnd_rc rc = VMSND_OK;

	if (host->in)
		rc = vmsnd_sound_open(&host->hold, host->in, &why);
	if (rc)
		return cannot_read(host, rc, &why);
	return host->path ? vmsnd_takes_open(&host->takes) : rc;
}

static enum vmsnd_rc file_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	vmsnd_file_log_init(&host->errors, conf->log);
	host->path = copy(vmsnd_conf_text(conf->options, "path"));
	host->in = copy(vmsnd_conf_text(conf->options, "in"));
	host->loop = vmsnd_conf_bool(conf->options, "loop");
	host->paced.move = file_move;
	host->takes = (struct vmsnd_takes){.log = &host->errors.log,
					   .path = host->path,
					   .keep = host->in,
					   .part_bytes = vmsnd_conf_uint(conf->options, "split")};
	rc = check_options(host, conf);
	if (!rc)
		rc = check_files(host);
	if (rc) {
		file_free(host);
		return rc;
	}
	*out = host;
	return VMSND_OK;
}

static void file_close(struct vmsnd_backend *host)
{
	vmsnd_takes_close(&host->takes);
	file_free(host);
}

/* ---- streams ---- */

static enum vmsnd_rc open_playback(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	if (host->path)
		return vmsnd_take_begin(&host->takes, &stream->paced.format, &stream->take);
	vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
		   "file: no file to play into; give path=out.wav beside in=%s", host->in);
	return VMSND_E_GONE;
}

static enum vmsnd_rc open_capture(struct vmsnd_stream *stream)
{
	const struct vmsnd_format *want = &stream->paced.format;
	struct vmsnd_backend *host = stream->host;
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;
	enum vmsnd_rc rc;

	if (!host->in) {
		vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
			   "file: no file to capture from; give in=in.wav beside path=%s",
			   host->path);
		return VMSND_E_GONE;
	}
	rc = vmsnd_sound_open(&reader, host->in, &why);
	if (rc)
		return cannot_read(host, rc, &why);
	stream->reader = reader;
	if (reader.rate_hz == want->rate_hz && reader.channels == want->channels)
		return VMSND_OK;
	vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
		   "file: %s: the file has %" PRIu32 " Hz and %" PRIu32 " channels, the guest asks "
		   "for %" PRIu32 " Hz and %" PRIu32 "; give a file that fits",
		   host->in, reader.rate_hz, reader.channels, want->rate_hz, want->channels);
	return VMSND_E_UNSUPPORTED;
}

static void file_stream_close(struct vmsnd_stream *stream)
{
	vmsnd_paced_remove(&stream->paced);
	vmsnd_sound_close(&stream->reader);
	if (stream->take)
		vmsnd_take_end(&stream->host->takes, stream->take);
	free(stream);
}

static enum vmsnd_rc file_stream_open(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want,
				      const struct vmsnd_stream_user *user, void *ctx,
				      struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));
	enum vmsnd_rc rc;

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	rc = vmsnd_paced_add(&host->paced, &stream->paced, want, user, ctx);
	if (rc) {
		vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
			   "file: a stream cannot be opened: %s", vmsnd_rc_text(rc));
		free(stream);
		return rc;
	}
	rc = want->dir == VMSND_PLAYBACK ? open_playback(stream) : open_capture(stream);
	if (rc) {
		file_stream_close(stream);
		return rc;
	}
	vmsnd_file_log_forget(&host->errors);
	*got = vmsnd_paced_got(&stream->paced);
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc file_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	vmsnd_paced_start(&stream->paced, now);
	return VMSND_OK;
}

static void file_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	vmsnd_paced_stop(&stream->paced);
}

static vmsnd_ns file_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	return vmsnd_paced_advance(&host->paced, now);
}

const struct vmsnd_backend_class vmsnd_file_class = {
    .abi = VMSND_BACKEND_ABI,
    .name = "file",
    .summary = "plays into sound files (WAV, W64, RF64, FLAC) and captures from one",
    .options = option_table,
    .open = file_open,
    .close = file_close,
    .stream_open = file_stream_open,
    .stream_start = file_stream_start,
    .stream_stop = file_stream_stop,
    .stream_close = file_stream_close,
    .advance = file_advance,
};
