/* SPDX-License-Identifier: BSD-3-Clause */
/* A module whose backend says which life it hears of; with late=on it never gets done with the
 * last. */
#include <stdlib.h>

#include "vmsnd/module.h"

struct vmsnd_backend {
	const struct vmsnd_log *log;
	bool late;
};

static const struct vmsnd_option options[] = {
    {"late", VMSND_OPTION_BOOL, "off", "whether power-off never ends", 0, 0}, {.key = NULL}};

static enum vmsnd_rc words_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	(*out)->log = conf->log;
	(*out)->late = vmsnd_conf_bool(conf->options, "late");
	return VMSND_OK;
}

static void words_close(struct vmsnd_backend *host)
{
	vmsnd_logf(host->log, VMSND_LOG_INFO, "words: close");
	free(host);
}

static enum vmsnd_rc words_stream_open(struct vmsnd_backend *host,
				       const struct vmsnd_stream_want *want,
				       const struct vmsnd_stream_user *user, void *ctx,
				       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	return VMSND_E_UNSUPPORTED;
}

static enum vmsnd_rc words_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	return VMSND_E_UNSUPPORTED;
}

static void words_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
}

static void words_stream_close(struct vmsnd_stream *stream)
{
}

static enum vmsnd_rc words_life(struct vmsnd_backend *host, enum vmsnd_life what, vmsnd_ns now)
{
	if (what == VMSND_LIFE_POWER_OFF && host->late)
		return VMSND_E_AGAIN;
	vmsnd_logf(host->log, VMSND_LOG_INFO, "words: %s", vmsnd_life_name(what));
	return VMSND_OK;
}

static const struct vmsnd_backend_class words = {.abi = VMSND_BACKEND_ABI,
						 .name = "words",
						 .summary = "for tests",
						 .options = options,
						 .open = words_open,
						 .close = words_close,
						 .stream_open = words_stream_open,
						 .stream_start = words_stream_start,
						 .stream_stop = words_stream_stop,
						 .stream_close = words_stream_close,
						 .life = words_life,
						 .abi_end = VMSND_BACKEND_ABI};

VMSND_MODULE_EXPORT vmsnd_module_entry vmsnd_module_register;

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return to->backend(to->ctx, &words) ? VMSND_E_INVALID : VMSND_OK;
}
