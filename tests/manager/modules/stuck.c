/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that hangs in its open until it is let go: it writes a byte into its socket, reads one,
 * and writes another. */
#include <unistd.h>

#include "vmsnd/module.h"

VMSND_MODULE_EXPORT enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to);

static enum vmsnd_rc stuck_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	int fd = (int)vmsnd_conf_uint(conf->options, "fd");
	char byte = 'a';

	if (write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
		return VMSND_E_GONE;
	return VMSND_E_SYSTEM;
}

static void stuck_close(struct vmsnd_backend *backend)
{
}

static enum vmsnd_rc stuck_stream_open(struct vmsnd_backend *backend,
				       const struct vmsnd_stream_want *want,
				       const struct vmsnd_stream_user *user, void *ctx,
				       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	return VMSND_E_GONE;
}

static enum vmsnd_rc stuck_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	return VMSND_E_GONE;
}

static void stuck_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
}

static void stuck_stream_close(struct vmsnd_stream *stream)
{
}

static const struct vmsnd_option options[] = {
    {"fd", VMSND_OPTION_UINT, "0", "a socket", 0, 1000000},
    {.key = NULL},
};

static const struct vmsnd_backend_class stuck = {.abi = VMSND_BACKEND_ABI,
						 .name = "stuck",
						 .summary = "hangs",
						 .options = options,
						 .flags = VMSND_BACKEND_SLOW_OPEN,
						 .open = stuck_open,
						 .close = stuck_close,
						 .stream_open = stuck_stream_open,
						 .stream_start = stuck_stream_start,
						 .stream_stop = stuck_stream_stop,
						 .stream_close = stuck_stream_close,
						 .abi_end = VMSND_BACKEND_ABI};

enum vmsnd_rc vmsnd_module_register(const struct vmsnd_registrar *to)
{
	return to->backend(to->ctx, &stuck) ? VMSND_E_INVALID : VMSND_OK;
}
