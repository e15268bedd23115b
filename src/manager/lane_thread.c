/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that steps one lane, and the event loop it waits in. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "manager/lane.h"
#include "os/clock.h"
#include "os/loop.h"

#define TOKENS_MAX 32u

struct vmsnd_lane_thread {
	struct vmsnd_loop *loop;
	pthread_t thread;
	bool runs;
	_Atomic bool stop;
};

static enum vmsnd_rc watch(void *ctx, int fd, uint64_t token)
{
	struct vmsnd_lane_thread *own = ctx;

	return vmsnd_loop_watch(own->loop, fd, token);
}

static void unwatch(void *ctx, int fd)
{
	struct vmsnd_lane_thread *own = ctx;

	vmsnd_loop_unwatch(own->loop, fd);
}

enum vmsnd_rc vmsnd_lane_thread_open(struct vmsnd_lane *lane)
{
	struct vmsnd_lane_thread *own = calloc(1, sizeof(*own));
	enum vmsnd_rc rc;

	if (!own)
		return VMSND_E_NOMEM;
	rc = vmsnd_loop_open(&own->loop);
	if (rc) {
		free(own);
		return rc;
	}
	lane->thread = own;
	lane->poller = (struct vmsnd_poller){own, watch, unwatch};
	return VMSND_OK;
}

/* What has come in, then all that is due; one hold of the lock a turn. */
static vmsnd_ns turn(struct vmsnd_lane *lane, const uint64_t *tokens, size_t n)
{
	vmsnd_ns now, next;

	vmsnd_lane_lock(lane);
	for (size_t i = 0; i < n; i++)
		vmsnd_lane_ready(lane, tokens[i], vmsnd_lane_time(lane, 0));
	now = vmsnd_lane_time(lane, 0);
	next = vmsnd_lane_advance(lane, now);
	lane->clock.deadline = next;
	vmsnd_lane_unlock(lane, false);
	if (next == VMSND_NEVER)
		return VMSND_NEVER;
	return next > now ? next - now : 0;
}

static void *run(void *arg)
{
	struct vmsnd_lane *lane = arg;
	struct vmsnd_lane_thread *own = lane->thread;
	uint64_t tokens[TOKENS_MAX];
	char name[16];
	size_t n = 0;

	snprintf(name, sizeof(name), "vmsnd-lane%u", lane->index);
	pthread_setname_np(pthread_self(), name);
	for (;;) {
		vmsnd_ns idle_ns = turn(lane, tokens, n);

		/* After the turn: the poke that came with it may just have been drained. */
		if (atomic_load_explicit(&own->stop, memory_order_acquire))
			return NULL;
		n = vmsnd_loop_wait(own->loop, idle_ns, tokens, TOKENS_MAX);
	}
}

/* Signals are for the program's own threads, but for those that a thread's own doings raise. */
enum vmsnd_rc vmsnd_lane_thread_start(struct vmsnd_lane *lane)
{
	struct vmsnd_lane_thread *own = lane->thread;
	sigset_t blocked, before;

	if (own->runs)
		return VMSND_OK;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGFPE);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	own->runs = !pthread_create(&own->thread, NULL, run, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return own->runs ? VMSND_OK : VMSND_E_SYSTEM;
}

void vmsnd_lane_thread_stop(struct vmsnd_lane *lane)
{
	struct vmsnd_lane_thread *own = lane->thread;

	if (!own || !own->runs)
		return;
	atomic_store_explicit(&own->stop, true, memory_order_release);
	vmsnd_wake_poke(&lane->wake);
	pthread_join(own->thread, NULL);
	own->runs = false;
}

void vmsnd_lane_thread_close(struct vmsnd_lane *lane)
{
	if (!lane->thread)
		return;
	vmsnd_loop_close(lane->thread->loop);
	free(lane->thread);
	lane->thread = NULL;
}
