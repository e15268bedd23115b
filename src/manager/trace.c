/* SPDX-License-Identifier: BSD-3-Clause */
/* The recorder: two buffers, a worker and a file. */
#include "manager/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/trace_parts.h"

/* ---- the file ---- */

/* 0, or errno. */
static int write_all(int fd, const uint8_t *bytes, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, bytes, left);

		if (n < 0 && errno != EINTR)
			return errno;
		bytes += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void run(struct vmsnd_job *job)
{
	struct vmsnd_trace *trace =
	    (struct vmsnd_trace *)((char *)job - offsetof(struct vmsnd_trace, job));
	size_t bytes = (size_t)trace->writing->n * VMSND_TRACE_RECORD_BYTES;

	if (!trace->failed)
		trace->failed = write_all(trace->fd, trace->writing->bytes, bytes);
}

/* A pipe without a reader is ENXIO. */
static const char *why_not(int error)
{
	return error == ENXIO || error == ENOTSUP ? "it is not a regular file" : strerror(error);
}

static int create(const struct vmsnd_trace *trace)
{
	uint8_t header[VMSND_TRACE_HEADER_BYTES];
	/* Not to wait for a pipe's reader, nor later for its leisure. */
	int fd = open(trace->path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat stat;
	int error;

	if (fd < 0)
		return -1;
	vmsnd_trace_header_pack(trace->card, trace->cls_name, header);
	error = fstat(fd, &stat) || !S_ISREG(stat.st_mode) ? ENOTSUP
							   : write_all(fd, header, sizeof(header));
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* ---- buffers ---- */

/* The worker is done with what it had; says once what went wrong. */
static void collect(struct vmsnd_trace *trace)
{
	if (!trace->busy || !atomic_load_explicit(&trace->job.done, memory_order_acquire))
		return;
	trace->busy = false;
	trace->writing->n = 0;
	if (trace->failed && !trace->failed_told)
		vmsnd_logf(trace->conf.log, VMSND_LOG_WARNING,
			   "%s: its trace ends here: cannot write %s: %s", trace->card, trace->path,
			   strerror(trace->failed));
	trace->failed_told = trace->failed != 0;
}

/* Only while no job is under way. */
static void hand_over(struct vmsnd_trace *trace)
{
	const struct vmsnd_connector_env *env = trace->conf.env;

	trace->writing = trace->active;
	trace->active = &trace->buffers[trace->active == &trace->buffers[0]];
	trace->flushed = trace->now;
	trace->busy = true;
	atomic_store(&trace->job.done, false);
	if (!env->submit || !env->submit(env->ctx, &trace->job)) {
		run(&trace->job); /* TH-07 */
		atomic_store(&trace->job.done, true);
	}
	collect(trace);
}

/* Where the next `n` records go; NULL: no room, nor will there be before the worker is done. */
static uint8_t *room_for(struct vmsnd_trace *trace, uint32_t n)
{
	if (trace->active->n + n > trace->room) {
		collect(trace);
		if (!trace->busy)
			hand_over(trace);
	}
	if (trace->active->n + n > trace->room)
		return NULL;
	return trace->active->bytes + (size_t)trace->active->n * VMSND_TRACE_RECORD_BYTES;
}

void vmsnd_trace_put(struct vmsnd_trace *trace, const struct vmsnd_trace_record *record)
{
	struct vmsnd_trace_record one = *record;
	uint32_t n = trace->lost_now > 0 ? 2 : 1;
	uint8_t *at = trace->failed_told || trace->stopped ? NULL : room_for(trace, n);

	if (!at) {
		trace->lost++;
		trace->lost_now++;
		return;
	}
	one.time = trace->now;
	if (n == 2) {
		const struct vmsnd_trace_record gap = {
		    .time = trace->now, .what = VMSND_TRACE_GAP, .args = {trace->lost_now}};

		vmsnd_trace_pack(&gap, at);
		at += VMSND_TRACE_RECORD_BYTES;
		trace->lost_now = 0;
	}
	vmsnd_trace_pack(&one, at);
	trace->active->n += n;
	trace->records++;
}

/* ---- its life ---- */

static void discard(struct vmsnd_trace *trace)
{
	if (trace->fd >= 0)
		close(trace->fd);
	free(trace->buffers[0].bytes);
	free(trace->buffers[1].bytes);
	free(trace);
}

static enum vmsnd_rc fail(struct vmsnd_trace *trace, enum vmsnd_rc rc, const char *why)
{
	vmsnd_logf(trace->conf.log, VMSND_LOG_ERROR, "%s: cannot trace into %s: %s", trace->card,
		   trace->path, why);
	discard(trace);
	return rc;
}

enum vmsnd_rc vmsnd_trace_open(const struct vmsnd_trace_conf *conf, vmsnd_ns now,
			       struct vmsnd_trace **out)
{
	struct vmsnd_trace *trace = calloc(1, sizeof(*trace));

	*out = NULL;
	if (!trace)
		return VMSND_E_NOMEM;
	trace->conf = *conf;
	trace->fd = -1;
	snprintf(trace->path, sizeof(trace->path), "%s", conf->path);
	snprintf(trace->card, sizeof(trace->card), "%s", conf->card);
	snprintf(trace->cls_name, sizeof(trace->cls_name), "%s", conf->cls);
	if (strlen(conf->path) >= sizeof(trace->path))
		return fail(trace, VMSND_E_SYSTEM, "the path is too long");
	trace->room = conf->room ? conf->room : VMSND_TRACE_ROOM;
	trace->now = trace->flushed = now;
	trace->active = &trace->buffers[0];
	trace->job.run = run;
	for (unsigned i = 0; i < 2; i++) {
		trace->buffers[i].bytes = malloc((size_t)trace->room * VMSND_TRACE_RECORD_BYTES);
		if (!trace->buffers[i].bytes)
			return fail(trace, VMSND_E_NOMEM, "no memory");
	}
	trace->fd = create(trace);
	if (trace->fd < 0)
		return fail(trace, VMSND_E_SYSTEM, why_not(errno));
	*out = trace;
	return VMSND_OK;
}

vmsnd_ns vmsnd_trace_tend(struct vmsnd_trace *trace, vmsnd_ns now)
{
	trace->now = now > trace->now ? now : trace->now;
	collect(trace);
	if (!trace->busy && trace->active->n > 0 &&
	    (trace->active->n >= trace->room / 2 ||
	     trace->now - trace->flushed >= VMSND_TRACE_FLUSH_NS))
		hand_over(trace);
	if (trace->active->n == 0 || trace->busy)
		return VMSND_NEVER;
	return trace->flushed + VMSND_TRACE_FLUSH_NS;
}

/* What was lost to the end is said at the end. */
void vmsnd_trace_stop(struct vmsnd_trace *trace)
{
	const struct vmsnd_trace_record gap = {
	    .time = trace->now, .what = VMSND_TRACE_GAP, .args = {trace->lost_now}};

	trace->stopped = true;
	if (trace->lost_now == 0 || trace->active->n == trace->room)
		return;
	vmsnd_trace_pack(&gap, trace->active->bytes +
				   (size_t)trace->active->n * VMSND_TRACE_RECORD_BYTES);
	trace->active->n++;
}

bool vmsnd_trace_gone(struct vmsnd_trace *trace)
{
	collect(trace);
	if (!trace->busy && trace->active->n > 0)
		hand_over(trace);
	if (trace->busy)
		return false;
	discard(trace);
	return true;
}

uint64_t vmsnd_trace_records(const struct vmsnd_trace *trace)
{
	return trace->records;
}

uint64_t vmsnd_trace_lost(const struct vmsnd_trace *trace)
{
	return trace->lost;
}
