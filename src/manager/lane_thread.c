/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that steps one lane, and the event loop it waits in. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "manager/lane.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/priority.h"

#define TOKENS_MAX 32u

struct vmsnd_lane_thread {
	struct vmsnd_loop *loop;
	pthread_t thread;
	bool runs;
	_Atomic bool stop;
	/* A worker that asks for its priority, where the system gives none by itself. */
	struct vmsnd_job ask;
	struct vmsnd_realtime *realtime;
	int thread_id;
	char why[160];
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

static void ask_for_priority(struct vmsnd_job *job)
{
	struct vmsnd_lane_thread *own =
	    (struct vmsnd_lane_thread *)((char *)job - offsetof(struct vmsnd_lane_thread, ask));

	if (!atomic_load_explicit(&own->stop, memory_order_acquire))
		vmsnd_realtime_ask(own->realtime, own->thread_id, own->why);
}

/* Whoever else is asked may take his time: cards wait for nobody. */
static void take_priority(struct vmsnd_lane *lane)
{
	struct vmsnd_lane_thread *own = lane->thread;

	own->realtime = &lane->machine->realtime;
	own->thread_id = vmsnd_realtime_this();
	vmsnd_priority_guard_this();
	if (vmsnd_realtime_raise(own->realtime, own->thread_id, own->why, sizeof(own->why)))
		return;
	own->ask.run = ask_for_priority;
	if (!vmsnd_machine_submit(lane->machine, &own->ask))
		ask_for_priority(&own->ask);
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
	take_priority(lane);
	for (;;) {
		vmsnd_ns idle_ns = turn(lane, tokens, n);

		/* After the turn: the poke that came with it may just have been drained. */
		if (atomic_load_explicit(&own->stop, memory_order_acquire))
			return NULL;
		vmsnd_realtime_look(own->realtime);
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
