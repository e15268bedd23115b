/* SPDX-License-Identifier: BSD-3-Clause */
/* Worker threads: a list of jobs, three places for threads, one lock. */
#include "os/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "os/priority.h"

enum place { PLACE_FREE, PLACE_ALIVE, PLACE_ENDED }; /* ENDED: still to be joined */

struct vmsnd_pool {
	struct vmsnd_pool_conf conf;
	pthread_mutex_t lock; /* over everything below */
	pthread_cond_t work;  /* a job came, or it is over */
	pthread_cond_t ended; /* a thread ended */
	pthread_t threads[VMSND_POOL_THREADS_MAX];
	enum place places[VMSND_POOL_THREADS_MAX];
	struct vmsnd_job *first, **last;
	unsigned waiting; /* jobs in the list */
	unsigned busy;    /* jobs under way */
	unsigned lazy;    /* those of them that are not urgent */
	unsigned idle;    /* threads that wait for work */
	bool closing;     /* no more work */
	bool abandoned;   /* close gave up; the last thread frees the pool */
};

/* ---- the list ---- */

static void put_last(struct vmsnd_pool *pool, struct vmsnd_job *job)
{
	job->next = NULL;
	*pool->last = job;
	pool->last = &job->next;
	pool->waiting++;
}

static bool take_out(struct vmsnd_pool *pool, struct vmsnd_job *job)
{
	struct vmsnd_job **at = &pool->first;

	while (*at && *at != job)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = job->next;
	if (pool->last == &job->next)
		pool->last = at;
	pool->waiting--;
	return true;
}

/* What may begin now: an urgent one first. Three servers that hang must not keep a microphone
 * open, so where there are several threads one is for the urgent alone. */
static struct vmsnd_job *next_job(const struct vmsnd_pool *pool)
{
	unsigned threads = pool->conf.threads;

	for (struct vmsnd_job *job = pool->first; job; job = job->next)
		if (job->urgent)
			return job;
	return threads == 1 || pool->lazy < threads - 1 ? pool->first : NULL;
}

static void empty(struct vmsnd_pool *pool)
{
	pool->first = NULL;
	pool->last = &pool->first;
	pool->waiting = 0;
}

static unsigned count(const struct vmsnd_pool *pool, enum place what)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VMSND_POOL_THREADS_MAX; i++)
		n += pool->places[i] == what;
	return n;
}

/* ---- time ---- */

static struct timespec after(vmsnd_ns ns)
{
	struct timespec now;
	uint64_t rest;

	clock_gettime(CLOCK_MONOTONIC, &now);
	rest = (uint64_t)now.tv_nsec + ns % VMSND_NS_PER_SECOND;
	now.tv_sec += (time_t)(ns / VMSND_NS_PER_SECOND + rest / VMSND_NS_PER_SECOND);
	now.tv_nsec = (long)(rest % VMSND_NS_PER_SECOND);
	return now;
}

static bool init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	bool ok;

	if (pthread_condattr_init(&attributes))
		return false;
	ok = !pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) &&
	     !pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return ok;
}

/* ---- a worker; the lock is held but while a job runs ---- */

static void pool_free(struct vmsnd_pool *pool)
{
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void run_first(struct vmsnd_pool *pool)
{
	struct vmsnd_job *job = next_job(pool);
	bool lazy = !job->urgent;

	take_out(pool, job);
	pool->busy++;
	pool->lazy += lazy;
	pthread_mutex_unlock(&pool->lock);
	job->run(job);
	/* From here the job may be gone, or in the list again. */
	atomic_store_explicit(&job->done, true, memory_order_release);
	pthread_mutex_lock(&pool->lock);
	pool->busy--;
	pool->lazy -= lazy;
	/* Under the lock, so that close cannot return in the middle of it. */
	if (!pool->abandoned && pool->conf.finished)
		pool->conf.finished(pool->conf.ctx);
}

/* False: nothing to do for so long that the thread ends (TH-01), or there never will be. */
static bool wait_for_work(struct vmsnd_pool *pool)
{
	struct timespec until = after(pool->conf.idle_ns);
	int timeout = 0;

	pool->idle++;
	while (!next_job(pool) && !pool->closing && !timeout)
		timeout = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
	pool->idle--;
	return next_job(pool) != NULL;
}

/* Which of the places is ours. */
static unsigned own_place(const struct vmsnd_pool *pool)
{
	unsigned i = 0;

	while (pool->places[i] != PLACE_ALIVE || !pthread_equal(pool->threads[i], pthread_self()))
		i++;
	return i;
}

static void *worker(void *arg)
{
	struct vmsnd_pool *pool = arg;
	bool last;

	pthread_setname_np(pthread_self(), "vmsnd-worker");
	/* Libraries of sound make their threads here. */
	vmsnd_priority_guard_this();
	pthread_mutex_lock(&pool->lock);
	while (wait_for_work(pool))
		run_first(pool);
	pool->places[own_place(pool)] = PLACE_ENDED;
	last = pool->abandoned && count(pool, PLACE_ALIVE) == 0;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		pool_free(pool);
	return NULL;
}

/* ---- the owner's side ---- */

/* Threads that have left the loop: joining them takes no time. */
static void join_ended(struct vmsnd_pool *pool)
{
	for (unsigned i = 0; i < VMSND_POOL_THREADS_MAX; i++) {
		if (pool->places[i] != PLACE_ENDED)
			continue;
		pthread_join(pool->threads[i], NULL);
		pool->places[i] = PLACE_FREE;
	}
}

/* The thread takes the lock first, so it finds its place filled in. Signals are for the program's
 * own threads. */
static void add_thread(struct vmsnd_pool *pool)
{
	sigset_t all, before;
	unsigned i = 0;

	join_ended(pool);
	while (i < pool->conf.threads && pool->places[i] != PLACE_FREE)
		i++;
	if (i == pool->conf.threads)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&pool->threads[i], NULL, worker, pool) == 0)
		pool->places[i] = PLACE_ALIVE;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum vmsnd_rc vmsnd_pool_open(const struct vmsnd_pool_conf *conf, struct vmsnd_pool **out)
{
	struct vmsnd_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return VMSND_E_NOMEM;
	pool->conf = *conf;
	if (pool->conf.idle_ns == 0)
		pool->conf.idle_ns = VMSND_POOL_IDLE_NS;
	if (pool->conf.threads == 0 || pool->conf.threads > VMSND_POOL_THREADS_MAX)
		pool->conf.threads = VMSND_POOL_THREADS_MAX;
	empty(pool);
	if (init_condition(&pool->work)) {
		if (init_condition(&pool->ended)) {
			if (pthread_mutex_init(&pool->lock, NULL) == 0)
				return *out = pool, VMSND_OK;
			pthread_cond_destroy(&pool->ended);
		}
		pthread_cond_destroy(&pool->work);
	}
	free(pool);
	return VMSND_E_NOMEM;
}

bool vmsnd_pool_submit(struct vmsnd_pool *pool, struct vmsnd_job *job)
{
	bool taken;

	pthread_mutex_lock(&pool->lock);
	put_last(pool, job);
	if (pool->waiting > pool->idle)
		add_thread(pool);
	taken = !pool->closing && count(pool, PLACE_ALIVE) > 0;
	if (taken)
		pthread_cond_signal(&pool->work);
	else
		take_out(pool, job);
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

bool vmsnd_pool_cancel(struct vmsnd_pool *pool, struct vmsnd_job *job)
{
	bool found;

	pthread_mutex_lock(&pool->lock);
	found = take_out(pool, job);
	pthread_mutex_unlock(&pool->lock);
	return found;
}

unsigned vmsnd_pool_threads(struct vmsnd_pool *pool)
{
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = count(pool, PLACE_ALIVE);
	pthread_mutex_unlock(&pool->lock);
	return n;
}

unsigned vmsnd_pool_jobs(struct vmsnd_pool *pool)
{
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = pool->waiting + pool->busy;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

/* Leaves the threads that did not end to themselves, and the pool to the last of them. */
static void abandon(struct vmsnd_pool *pool)
{
	pool->abandoned = true;
	for (unsigned i = 0; i < VMSND_POOL_THREADS_MAX; i++)
		if (pool->places[i] == PLACE_ALIVE)
			pthread_detach(pool->threads[i]);
}

bool vmsnd_pool_close(struct vmsnd_pool *pool, vmsnd_ns wait_ns)
{
	struct timespec until = after(wait_ns);
	int timeout = 0;
	bool ended;

	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	empty(pool);
	pthread_cond_broadcast(&pool->work);
	while (count(pool, PLACE_ALIVE) > 0 && !timeout)
		timeout = pthread_cond_timedwait(&pool->ended, &pool->lock, &until);
	join_ended(pool);
	ended = count(pool, PLACE_ALIVE) == 0;
	if (!ended)
		abandon(pool);
	pthread_mutex_unlock(&pool->lock);
	if (ended)
		pool_free(pool);
	return ended;
}
