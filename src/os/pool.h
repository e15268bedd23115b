/* SPDX-License-Identifier: BSD-3-Clause */
/* Worker threads for what may take long: opening and closing host streams, looking for devices.
 *
 * At most VMSND_POOL_THREADS_MAX at a time, started when there is work and ended after
 * VMSND_POOL_IDLE_NS without any (TH-01). What waits is a list of jobs that their owners keep, so
 * it costs the pool nothing. Signals are blocked in the workers, but the one of os/priority.h where
 * that is installed. */
#ifndef VMSND_OS_POOL_H
#define VMSND_OS_POOL_H

#include "base/job.h"
#include "vmsnd/status.h"

#define VMSND_POOL_THREADS_MAX 3u
#define VMSND_POOL_IDLE_NS     UINT64_C(30000000000)

struct vmsnd_pool;

struct vmsnd_pool_conf {
	/* Called on a worker after each job, to wake whoever waits for it; returns at once and does
	 * not call the pool. Never after close has returned. May be NULL. */
	void (*finished)(void *ctx);
	void *ctx;
	vmsnd_ns idle_ns; /* 0: VMSND_POOL_IDLE_NS */
	unsigned threads; /* at most so many; 0, or more than that: VMSND_POOL_THREADS_MAX */
};

/* VMSND_E_NOMEM. No thread yet. */
enum vmsnd_rc vmsnd_pool_open(const struct vmsnd_pool_conf *conf, struct vmsnd_pool **out);

/* Any thread; jobs begin in this order, urgent ones before others. False when no thread could be
 * had at all: the caller runs it (TH-07). */
bool vmsnd_pool_submit(struct vmsnd_pool *pool, struct vmsnd_job *job);
/* Takes back a job that no thread has begun; false when it is too late (TH-02). */
bool vmsnd_pool_cancel(struct vmsnd_pool *pool, struct vmsnd_job *job);
/* Threads alive, jobs waiting or under way. */
unsigned vmsnd_pool_threads(struct vmsnd_pool *pool);
unsigned vmsnd_pool_jobs(struct vmsnd_pool *pool);
/* Waits for what is under way, at most `wait_ns`; what has not begun is dropped, its `done` never
 * set. Afterwards the pool is not the caller's any more. False when a job did not end: its thread
 * then goes on by itself, and what the job uses must not be freed until `done` is set, if ever
 * (MX-37). */
bool vmsnd_pool_close(struct vmsnd_pool *pool, vmsnd_ns wait_ns);

#endif
