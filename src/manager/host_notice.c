/* SPDX-License-Identifier: BSD-3-Clause */
/* What a backend says to its owner, from any thread: marks for the lane, and jobs (BE-18, 19, 22).
 */
#include "manager/host.h"

static void wake(const struct vmsnd_host *host)
{
	if (host->env->wake)
		host->env->wake(host->env->ctx);
}

static void device_changed(void *ctx, enum vmsnd_dir dir)
{
	struct vmsnd_host *host = ctx;

	atomic_store_explicit(&host->changed[dir == VMSND_CAPTURE], true, memory_order_release);
	wake(host);
}

static void devices_changed(void *ctx)
{
	struct vmsnd_host *host = ctx;

	atomic_fetch_add_explicit(&host->notices, 1, memory_order_release);
	wake(host);
}

static void audio_thread(void *ctx)
{
	const struct vmsnd_host *host = ctx;

	if (host->env->audio_thread)
		host->env->audio_thread(host->env->ctx);
}

static void run_job(struct vmsnd_job *job)
{
	struct vmsnd_host_job *slot = (struct vmsnd_host_job *)job; /* its first member */

	slot->run(slot->arg);
}

static bool is_free(const struct vmsnd_host_job *slot)
{
	return !slot->used || atomic_load_explicit(&slot->job.done, memory_order_acquire);
}

static struct vmsnd_host_job *free_slot(struct vmsnd_host *host)
{
	for (unsigned i = 0; i < VMSND_HOST_JOBS_MAX; i++)
		if (is_free(&host->jobs[i]))
			return &host->jobs[i];
	return NULL;
}

static bool job(void *ctx, void (*run)(void *arg), void *arg)
{
	struct vmsnd_host *host = ctx;
	struct vmsnd_host_job *slot;
	bool taken = false;

	pthread_mutex_lock(&host->lock);
	slot = host->closing || !host->env->submit ? NULL : free_slot(host);
	if (slot) {
		slot->job.run = run_job;
		atomic_store_explicit(&slot->job.done, false, memory_order_relaxed);
		slot->run = run;
		slot->arg = arg;
		taken = slot->used = host->env->submit(host->env->ctx, &slot->job);
	}
	pthread_mutex_unlock(&host->lock);
	return taken;
}

const struct vmsnd_backend_user vmsnd_host_user = {.device_changed = device_changed,
						   .devices_changed = devices_changed,
						   .job = job,
						   .audio_thread = audio_thread};

bool vmsnd_host_jobs_ended(struct vmsnd_host *host)
{
	bool ended = true;

	pthread_mutex_lock(&host->lock);
	host->closing = true;
	for (unsigned i = 0; i < VMSND_HOST_JOBS_MAX; i++)
		ended &= is_free(&host->jobs[i]);
	pthread_mutex_unlock(&host->lock);
	return ended;
}

void vmsnd_host_jobs_allow(struct vmsnd_host *host)
{
	pthread_mutex_lock(&host->lock);
	host->closing = false;
	pthread_mutex_unlock(&host->lock);
}

/* Lost streams are told at the first word, and at most three times a second while more come: a
 * server that is back says so for as long as its devices come up, and the one that a stream needs
 * may be among the first. */
static unsigned retry(struct vmsnd_host *host, vmsnd_ns now, bool news)
{
	if (news && host->retry_due == VMSND_NEVER)
		host->retry_due = now < host->retry_next ? host->retry_next : now;
	if (now < host->retry_due)
		return 0;
	host->retry_due = VMSND_NEVER;
	host->retry_next = now + VMSND_HOST_QUIET_NS;
	return VMSND_HOST_RETRY;
}

/* The look waits for the burst to end, so that a dock full of devices is one look (TH-11); lost
 * streams are told again with the look. */
unsigned vmsnd_host_notices(struct vmsnd_host *host, vmsnd_ns now)
{
	static const unsigned reopen[2] = {VMSND_HOST_REOPEN_PLAYBACK, VMSND_HOST_REOPEN_CAPTURE};
	unsigned notices = atomic_load_explicit(&host->notices, memory_order_acquire), events = 0;
	bool news = notices != host->noticed;

	host->noticed = notices;
	for (unsigned dir = 0; dir < 2; dir++) {
		/* Looked at often and seldom set: a load is cheaper. One that comes soon after
		 * another waits, so that streams are not opened and closed all the time. */
		if (!atomic_load_explicit(&host->changed[dir], memory_order_relaxed) ||
		    now < host->reopen_at[dir] ||
		    !atomic_exchange_explicit(&host->changed[dir], false, memory_order_acquire))
			continue;
		news = true; /* the default is another one: so is the list */
		host->reopen_at[dir] = now + VMSND_HOST_QUIET_NS;
		if (!(host->cls->flags & VMSND_BACKEND_STREAM_NOTICES)) /* RI-05 */
			events |= reopen[dir];
	}
	events |= retry(host, now, news);
	if (!news)
		return events;
	if (host->burst == VMSND_NEVER)
		host->burst = now;
	host->look_at = now + VMSND_HOST_QUIET_NS;
	if (host->look_at > host->burst + VMSND_HOST_BURST_NS)
		host->look_at = host->burst + VMSND_HOST_BURST_NS;
	return events;
}
