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
	struct vmsnd_paced paced;     /* first: paced.c finds it there */
	struct vmsnd_file_log errors; /* every line goes through it */
	char *path, *in;              /* either may be NULL */
	bool loop;
	bool told_empty, told_loss;
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
    {"dsd", VMSND_OPTION_TEXT, "dff",
     "what becomes of DSD: dff, a DSDIFF file; raw, the bytes as they are in a .dsd", 0, 0},
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
		uint32_t got = vmsnd_sound_read(&stream->reader, frame_at(stream, samples, done),
						frames - done);

		done += got;
		if (got > 0)
			rewound = false;
		else if (rewound || !stream->host->loop || !vmsnd_sound_rewind(&stream->reader))
			run_dry(stream, rewound);
		else
			rewound = true;
	}
	vmsnd_format_silence_rt(&stream->paced.format, frame_at(stream, samples, done),
				frames - done);
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

static enum vmsnd_rc take_dsd(struct vmsnd_backend *host, const char *word)
{
	host->takes.raw = strcmp(word, "raw") == 0;
	if (host->takes.raw || strcmp(word, "dff") == 0)
		return VMSND_OK;
	vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR, "file: dsd=%s: it must be dff or raw", word);
	return VMSND_E_INVALID;
}

static enum vmsnd_rc check_options(struct vmsnd_backend *host,
				   const struct vmsnd_backend_conf *conf)
{
	if (vmsnd_paced_open(&host->paced, conf, "file") ||
	    take_dsd(host, vmsnd_conf_text(conf->options, "dsd")))
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
	/* A file that is not there is a mistake to be told, not a server to be waited for. */
	if (rc)
		return cannot_read(host, rc == VMSND_E_GONE ? VMSND_E_SYSTEM : rc, &why);
	return host->path ? vmsnd_takes_open(&host->takes) : rc;
}

static enum vmsnd_rc file_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	vmsnd_file_log_init(&host->errors, conf->log);
	host->errors.quiet = conf->again;
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
	host->errors.quiet = false;
	*out = host;
	return VMSND_OK;
}

static void file_close(struct vmsnd_backend *host)
{
	vmsnd_takes_close(&host->takes);
	file_free(host);
}

/* A direction without a file. */
static void file_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	vmsnd_paced_limits(host, out);
	if (!host->path)
		out->playback_streams = 0;
	if (!host->in)
		out->capture_streams = 0;
}

/* ---- streams ---- */

/* Said once: a guest may ask for such a format as often as it likes. */
static void tell_loss(struct vmsnd_backend *host, const struct vmsnd_format *want,
		      const struct vmsnd_format *file)
{
	if (host->told_loss || host->errors.quiet || vmsnd_sound_keeps(file, want))
		return;
	host->told_loss = true;
	vmsnd_logf(&host->errors.log, VMSND_LOG_WARNING,
		   "file: %s: FLAC keeps %" PRIu32 " bits, %" PRIu32 " channels and %" PRIu32
		   " Hz of %s, %" PRIu32 " and %" PRIu32 "; use .wav, .w64 or .rf64 to keep all",
		   host->path, vmsnd_sample_bits(file->sample), file->channels, file->rate_hz,
		   vmsnd_sample_name(want->sample), want->channels, want->rate_hz);
}

static enum vmsnd_rc open_playback(struct vmsnd_stream *stream, const struct vmsnd_format *want,
				   struct vmsnd_format *got)
{
	struct vmsnd_backend *host = stream->host;

	if (!host->path) {
		vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
			   "file: no file to play into; give path=out.wav beside in=%s", host->in);
		return VMSND_E_UNSUPPORTED;
	}
	*got = *want;
	vmsnd_sound_settle(host->takes.container, got);
	tell_loss(host, want, got);
	return vmsnd_take_begin(&host->takes, got, &stream->take);
}

/* The file's own rate and channels: making others of them is the connector's work. */
static enum vmsnd_rc open_capture(struct vmsnd_stream *stream, struct vmsnd_format *got)
{
	struct vmsnd_backend *host = stream->host;
	struct vmsnd_sound_reader reader;
	struct vmsnd_sound_why why;
	enum vmsnd_rc rc;

	if (!host->in) {
		vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
			   "file: no file to capture from; give in=in.wav beside path=%s",
			   host->path);
		return VMSND_E_UNSUPPORTED;
	}
	rc = vmsnd_sound_open(&reader, host->in, &why);
	if (rc)
		return cannot_read(host, rc, &why);
	stream->reader = reader;
	*got = reader.format;
	return VMSND_OK;
}

/* Opens the file and turns the wish into what comes of it: a period lasts as long as before. */
static enum vmsnd_rc open_file(struct vmsnd_stream *stream, struct vmsnd_stream_want *want)
{
	struct vmsnd_format got = want->format;
	enum vmsnd_rc rc;
	uint64_t period;

	if (vmsnd_format_frame_bytes(&want->format) == 0) {
		vmsnd_logf(&stream->host->errors.log, VMSND_LOG_ERROR,
			   "file: no such sample format");
		return VMSND_E_UNSUPPORTED;
	}
	rc = want->dir == VMSND_PLAYBACK ? open_playback(stream, &want->format, &got)
					 : open_capture(stream, &got);
	period = (uint64_t)want->period_frames * got.rate_hz / want->format.rate_hz;
	want->period_frames = period < UINT32_MAX ? (uint32_t)period : UINT32_MAX;
	want->format = got;
	return rc;
}

static void stream_free(struct vmsnd_stream *stream)
{
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
	struct vmsnd_stream_want settled = *want;
	enum vmsnd_rc rc;

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	host->errors.quiet = want->again;
	rc = open_file(stream, &settled);
	if (!rc) {
		rc = vmsnd_paced_add(&host->paced, &stream->paced, &settled, user, ctx);
		if (rc)
			vmsnd_logf(&host->errors.log, VMSND_LOG_ERROR,
				   "file: a stream cannot be opened: %s", vmsnd_rc_text(rc));
	}
	host->errors.quiet = false;
	if (rc) {
		stream_free(stream);
		return rc;
	}
	vmsnd_file_log_forget(&host->errors);
	*got = vmsnd_paced_got(&stream->paced);
	*out = stream;
	return VMSND_OK;
}

static void file_stream_close(struct vmsnd_stream *stream)
{
	vmsnd_paced_remove(&stream->paced);
	stream_free(stream);
}

const struct vmsnd_backend_class vmsnd_file_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "file",
    .summary = "plays into sound files (WAV, W64, RF64, FLAC; DSD: DSDIFF) and captures from one",
    .options = option_table,
    .open = file_open,
    .close = file_close,
    .stream_open = file_stream_open,
    .stream_start = vmsnd_paced_start,
    .stream_stop = vmsnd_paced_stop,
    .stream_close = file_stream_close,
    .advance = vmsnd_paced_advance,
    .limits = file_limits,
    .status = vmsnd_paced_status,
};
