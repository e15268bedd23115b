/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of one backend instance. */
#include "manager/host.h"

#include <stdlib.h>
#include <string.h>

static struct vmsnd_host *of_job(struct vmsnd_job *job)
{
	return (struct vmsnd_host *)((char *)job - offsetof(struct vmsnd_host, job));
}

/* ---- lines for people ---- */

static void say(struct vmsnd_host *host, enum vmsnd_log_level level, const char *text)
{
	vmsnd_logf(host->log, level, "%s: %s (%s) %s", host->card, host->what, host->cls->name,
		   text);
}

static void say_away(struct vmsnd_host *host)
{
	if (host->trial)
		return;
	if (!host->told_away)
		say(host, VMSND_LOG_WARNING,
		    "is not there; the guest goes on without it, tried again");
	host->told_away = true;
}

static void say_back(struct vmsnd_host *host)
{
	if (host->told_away)
		say(host, VMSND_LOG_INFO, "is back");
	host->told_away = false;
}

/* ---- tasks: what may be slow; on a worker, or here ---- */

static void task_open(struct vmsnd_host *host)
{
	struct vmsnd_backend_conf conf = {.options = &host->conf,
					  .client_name = host->card,
					  .log = host->log,
					  .user = &vmsnd_host_user,
					  .user_ctx = host,
					  .again = host->again};

	host->fresh = NULL;
	host->rc = host->cls->open(&conf, &host->fresh);
}

static void task_set(struct vmsnd_host *host)
{
	const char *id = *host->set_id ? host->set_id : NULL;

	host->rc = host->cls->device_set(host->backend, host->set_dir, id);
}

static void task_look(struct vmsnd_host *host)
{
	size_t n = host->cls->devices(host->backend, host->found, VMSND_HOST_DEVICES_MAX);

	host->n_found = n < VMSND_HOST_DEVICES_MAX ? n : VMSND_HOST_DEVICES_MAX;
}

static void task_close(struct vmsnd_host *host)
{
	host->cls->close(host->backend);
}

static const struct {
	void (*run)(struct vmsnd_host *host);
	uint32_t slow; /* the flag of classes that want a worker for it */
} tasks[] = {
    [VMSND_HOST_TASK_OPEN] = {task_open, VMSND_BACKEND_SLOW_OPEN},
    [VMSND_HOST_TASK_SET] = {task_set, VMSND_BACKEND_SLOW_DEVICES},
    [VMSND_HOST_TASK_LOOK] = {task_look, VMSND_BACKEND_SLOW_DEVICES},
    [VMSND_HOST_TASK_CLOSE] = {task_close, VMSND_BACKEND_SLOW_OPEN},
};

static void run_task(struct vmsnd_job *job)
{
	struct vmsnd_host *host = of_job(job);

	tasks[host->task].run(host);
}

static void begin(struct vmsnd_host *host, enum vmsnd_host_task task)
{
	host->task = task;
	host->job.run = run_task;
	atomic_store_explicit(&host->job.done, false, memory_order_relaxed);
	if ((host->cls->flags & tasks[task].slow) && host->env->submit &&
	    host->env->submit(host->env->ctx, &host->job))
		return;
	run_task(&host->job);
	atomic_store_explicit(&host->job.done, true, memory_order_release);
}

/* ---- what follows from a task ---- */

/* After 1, 2, 3 and 4 s, then every 5 (AT-02, RI-02). */
static void try_later(struct vmsnd_host *host, vmsnd_ns now)
{
	host->tries += host->tries < 5;
	host->retry = now + host->tries * VMSND_NS_PER_SECOND;
	host->phase = VMSND_HOSTING_WAITING;
}

/* These say that it will never be otherwise. */
static bool is_final(enum vmsnd_rc rc)
{
	return rc == VMSND_E_INVALID || rc == VMSND_E_UNSUPPORTED;
}

static void opened(struct vmsnd_host *host, vmsnd_ns now)
{
	host->phase = VMSND_HOSTING_OPEN;
	host->opened_at = now;
	host->came = false;
	for (unsigned dir = 0; dir < 2; dir++) {
		atomic_store_explicit(&host->changed[dir], false, memory_order_relaxed);
		host->set_pending[dir] = *host->asked[dir] != '\0';
	}
	host->look_at = now;
	say_back(host);
}

static unsigned finish_open(struct vmsnd_host *host, vmsnd_ns now)
{
	host->backend = host->rc ? NULL : host->fresh;
	if (host->stop)
		host->phase = host->rc ? VMSND_HOSTING_CLOSED : VMSND_HOSTING_CLOSING;
	else if (!host->rc)
		opened(host, now);
	else if (is_final(host->rc))
		host->phase = VMSND_HOSTING_FAILED;
	else
		try_later(host, now);
	if (host->phase == VMSND_HOSTING_WAITING)
		say_away(host);
	if (host->phase == VMSND_HOSTING_FAILED && !host->trial)
		say(host, VMSND_LOG_WARNING, "cannot be used; the guest goes on without it");
	return 0;
}

static unsigned finish_set(struct vmsnd_host *host, vmsnd_ns now)
{
	enum vmsnd_dir dir = host->set_dir;

	host->set_rc[dir] = host->rc;
	if (host->rc) {
		vmsnd_logf(host->log, VMSND_LOG_WARNING,
			   "%s: %s (%s): there is no way to device '%s': %s; it stays where it is",
			   host->card, host->what, host->cls->name, host->set_id,
			   vmsnd_rc_text(host->rc));
		if (!host->set_pending[dir])
			memcpy(host->asked[dir], host->chosen[dir], sizeof(host->asked[dir]));
		return 0;
	}
	memcpy(host->chosen[dir], host->set_id, sizeof(host->chosen[dir]));
	return dir == VMSND_PLAYBACK ? VMSND_HOST_REOPEN_PLAYBACK : VMSND_HOST_REOPEN_CAPTURE;
}

static bool device_differs(const struct vmsnd_host_device *a, const struct vmsnd_host_device *b)
{
	return strncmp(a->id, b->id, sizeof(a->id)) != 0 ||
	       strncmp(a->name, b->name, sizeof(a->name)) != 0 ||
	       a->playback_channels != b->playback_channels ||
	       a->capture_channels != b->capture_channels ||
	       a->default_playback != b->default_playback ||
	       a->default_capture != b->default_capture;
}

static bool devices_differ(const struct vmsnd_host *host)
{
	if (host->n_found != host->n_devices)
		return true;
	for (size_t i = 0; i < host->n_found; i++)
		if (device_differs(&host->found[i], &host->devices[i]))
			return true;
	return false;
}

static unsigned finish_look(struct vmsnd_host *host, vmsnd_ns now)
{
	struct vmsnd_host_device *spare = host->devices;
	bool others = devices_differ(host), first;

	host->devices = host->found;
	host->n_devices = host->n_found;
	host->found = spare;
	/* The first list is no news. */
	first = !host->looked;
	host->looked = true;
	if (first || !others)
		return 0;
	host->device_changes++;
	return VMSND_HOST_DEVICES;
}

static unsigned finish_close(struct vmsnd_host *host, vmsnd_ns now)
{
	vmsnd_host_jobs_allow(host);
	host->backend = NULL;
	host->device_changes += host->n_devices > 0;
	host->n_devices = 0;
	host->look_at = host->burst = host->retry_due = VMSND_NEVER;
	if (host->stop) {
		host->phase = VMSND_HOSTING_CLOSED;
		return 0;
	}
	/* It had been lost: tried at once if it had worked for a while. */
	if (now - host->opened_at >= VMSND_HOST_STEADY_NS)
		host->tries = 0;
	try_later(host, now);
	if (host->tries == 1)
		host->retry = now;
	return 0;
}

static unsigned finish(struct vmsnd_host *host, vmsnd_ns now)
{
	static unsigned (*const table[])(struct vmsnd_host *, vmsnd_ns) = {
	    [VMSND_HOST_TASK_OPEN] = finish_open,
	    [VMSND_HOST_TASK_SET] = finish_set,
	    [VMSND_HOST_TASK_LOOK] = finish_look,
	    [VMSND_HOST_TASK_CLOSE] = finish_close,
	};
	enum vmsnd_host_task task = host->task;

	host->task = VMSND_HOST_TASK_NONE;
	return table[task](host, now);
}

/* ---- what is to be done next ---- */

static bool begin_set(struct vmsnd_host *host)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		if (!host->set_pending[dir])
			continue;
		host->set_pending[dir] = false;
		host->set_dir = (enum vmsnd_dir)dir;
		memcpy(host->set_id, host->asked[dir], sizeof(host->set_id));
		begin(host, VMSND_HOST_TASK_SET);
		return true;
	}
	return false;
}

static bool begin_look(struct vmsnd_host *host, vmsnd_ns now, unsigned *events)
{
	if (now < host->look_at)
		return false;
	if (host->burst != VMSND_NEVER)
		*events |= VMSND_HOST_RETRY;
	host->look_at = host->burst = VMSND_NEVER;
	if (!host->cls->devices)
		return false;
	if (!host->found)
		host->found = calloc(VMSND_HOST_DEVICES_MAX, sizeof(*host->found));
	if (!host->found)
		return false;
	begin(host, VMSND_HOST_TASK_LOOK);
	return true;
}

/* In every direction that there is (BE-04). */
static bool in_error(const struct vmsnd_host *host)
{
	bool error = false;

	for (unsigned dir = 0; host->cls->status && dir < 2; dir++) {
		if (!vmsnd_host_goes(host, (enum vmsnd_dir)dir))
			continue;
		if (host->cls->status(host->backend, (enum vmsnd_dir)dir) != VMSND_BACKEND_ERROR)
			return false;
		error = true;
	}
	return error;
}

/* Said, unless it comes and goes all the time. True when there is no unit to wait for. */
static bool leave(struct vmsnd_host *host, vmsnd_ns now, unsigned *events)
{
	if (!host->stop && now - host->opened_at >= VMSND_HOST_STEADY_NS)
		say_away(host);
	host->phase = host->came ? VMSND_HOSTING_RELEASING : VMSND_HOSTING_CLOSING;
	if (host->came)
		*events |= VMSND_HOST_RELEASE;
	return !host->came;
}

/* True when there may be more to do at once. */
static bool go_on_open(struct vmsnd_host *host, vmsnd_ns now, unsigned *events)
{
	if (host->stop || in_error(host))
		return leave(host, now, events);
	if (begin_set(host))
		return true;
	if (!host->came)
		*events |= VMSND_HOST_CAME;
	host->came = true;
	*events |= vmsnd_host_notices(host, now);
	return begin_look(host, now, events);
}

static bool go_on_waiting(struct vmsnd_host *host, vmsnd_ns now)
{
	if (host->stop)
		host->phase = VMSND_HOSTING_CLOSED;
	if (host->phase != VMSND_HOSTING_WAITING || now < host->retry)
		return false;
	host->phase = VMSND_HOSTING_OPENING;
	host->again = host->told_away;
	begin(host, VMSND_HOST_TASK_OPEN);
	return true;
}

static bool go_on(struct vmsnd_host *host, vmsnd_ns now, unsigned *events)
{
	if (host->phase == VMSND_HOSTING_WAITING || host->phase == VMSND_HOSTING_FAILED)
		return go_on_waiting(host, now);
	if (host->phase == VMSND_HOSTING_OPEN)
		return go_on_open(host, now, events);
	if (host->phase != VMSND_HOSTING_CLOSING || !vmsnd_host_jobs_ended(host))
		return false;
	begin(host, VMSND_HOST_TASK_CLOSE);
	return true;
}

static vmsnd_ns next_look(const struct vmsnd_host *host)
{
	vmsnd_ns next = host->look_at < host->retry_due ? host->look_at : host->retry_due;

	for (unsigned dir = 0; dir < 2; dir++)
		if (atomic_load_explicit(&host->changed[dir], memory_order_relaxed) &&
		    host->reopen_at[dir] < next)
			next = host->reopen_at[dir];
	return next;
}

unsigned vmsnd_host_advance(struct vmsnd_host *host, vmsnd_ns now, vmsnd_ns *next)
{
	unsigned events = 0;
	bool more = true;

	while (more) {
		if (host->task != VMSND_HOST_TASK_NONE) {
			more = atomic_load_explicit(&host->job.done, memory_order_acquire);
			if (more)
				events |= finish(host, now);
			continue;
		}
		more = go_on(host, now, &events);
	}
	*next = VMSND_NEVER;
	if (host->phase == VMSND_HOSTING_WAITING)
		*next = host->retry;
	if (host->phase == VMSND_HOSTING_OPEN)
		*next = next_look(host);
	return host->came ? events : 0;
}

/* ---- the owner's side ---- */

enum vmsnd_rc vmsnd_host_open(struct vmsnd_host *host, vmsnd_ns now)
{
	host->phase = VMSND_HOSTING_OPENING;
	begin(host, VMSND_HOST_TASK_OPEN);
	if (host->cls->flags & VMSND_BACKEND_SLOW_OPEN)
		return VMSND_OK;
	return host->rc == VMSND_E_GONE ? VMSND_OK : host->rc;
}

void vmsnd_host_released(struct vmsnd_host *host)
{
	if (host->phase != VMSND_HOSTING_RELEASING)
		return;
	host->came = false;
	host->phase = VMSND_HOSTING_CLOSING;
}

void vmsnd_host_stop(struct vmsnd_host *host)
{
	host->stop = true;
}

void vmsnd_host_free(struct vmsnd_host *host)
{
	pthread_mutex_destroy(&host->lock);
	free(host->devices);
	free(host->found);
	free(host->facts);
	free(host);
}

bool vmsnd_host_goes(const struct vmsnd_host *host, enum vmsnd_dir dir)
{
	struct vmsnd_backend_limits limits = {VMSND_STREAMS_ANY, VMSND_STREAMS_ANY};

	if (host->cls->limits && host->phase == VMSND_HOSTING_OPEN)
		host->cls->limits(host->backend, &limits);
	return (dir == VMSND_PLAYBACK ? limits.playback_streams : limits.capture_streams) > 0;
}

enum vmsnd_rc vmsnd_host_choose(struct vmsnd_host *host, enum vmsnd_dir dir, const char *id)
{
	size_t bytes = id ? strlen(id) + 1 : 1;

	if (!host->cls->device_set)
		return VMSND_E_UNSUPPORTED;
	if (bytes > sizeof(host->asked[dir]))
		return VMSND_E_INVALID;
	memcpy(host->asked[dir], id ? id : "", bytes);
	host->set_pending[dir] = true;
	host->set_rc[dir] = VMSND_OK;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_host_chosen(const struct vmsnd_host *host, enum vmsnd_dir dir)
{
	return host->set_rc[dir];
}

enum vmsnd_rc vmsnd_host_refresh(struct vmsnd_host *host, vmsnd_ns now)
{
	if (!host->cls->devices)
		return VMSND_E_UNSUPPORTED;
	if (host->phase == VMSND_HOSTING_OPEN)
		host->look_at = now;
	return VMSND_OK;
}

size_t vmsnd_host_devices(const struct vmsnd_host *host, struct vmsnd_host_device *out, size_t max)
{
	for (size_t i = 0; i < host->n_devices && i < max; i++)
		out[i] = host->devices[i];
	return host->n_devices;
}
