/* SPDX-License-Identifier: BSD-3-Clause */
/* One instance of a backend: opened, watched, opened again when it was lost, closed.
 *
 * It is asked on the lane, by vmsnd_host_advance, and answers with events; nothing here knows
 * ports. What a class calls slow is done on a worker, one thing at a time, everything else at
 * once. Notices come from any thread: they leave a mark and wake the lane (BE-18, 19, 22). */
#ifndef VMSND_MANAGER_HOST_H
#define VMSND_MANAGER_HOST_H

#include <pthread.h>
#include <stdatomic.h>

#include "connector/connector.h"

#define VMSND_HOST_OPTIONS_MAX 64u
#define VMSND_HOST_DEVICES_MAX 64u
#define VMSND_HOST_JOBS_MAX    16u
/* A burst of notices is looked at once it is over (TH-11), or has gone on for too long. */
#define VMSND_HOST_QUIET_NS UINT64_C(333333333)
#define VMSND_HOST_BURST_NS (3 * VMSND_NS_PER_SECOND)
/* Open for so long, a backend counts as having worked. */
#define VMSND_HOST_STEADY_NS (5 * VMSND_NS_PER_SECOND)

enum vmsnd_host_phase {
	VMSND_HOSTING_WAITING, /* not there; tried again */
	VMSND_HOSTING_OPENING,
	VMSND_HOSTING_OPEN,
	VMSND_HOSTING_RELEASING, /* its owner takes the units off it */
	VMSND_HOSTING_CLOSING,
	VMSND_HOSTING_FAILED, /* never to be tried again */
	VMSND_HOSTING_CLOSED  /* may be freed */
};

/* What the owner is to do. */
enum vmsnd_host_event {
	VMSND_HOST_CAME = 1, /* units may be put on it */
	VMSND_HOST_REOPEN_PLAYBACK = 2,
	VMSND_HOST_REOPEN_CAPTURE = 4,
	VMSND_HOST_RETRY = 8,    /* lost streams may find it well again */
	VMSND_HOST_RELEASE = 16, /* take the units off, then vmsnd_host_released */
	VMSND_HOST_DEVICES = 32  /* its list of devices is another one */
};

enum vmsnd_host_task {
	VMSND_HOST_TASK_NONE,
	VMSND_HOST_TASK_OPEN,
	VMSND_HOST_TASK_SET,
	VMSND_HOST_TASK_LOOK,
	VMSND_HOST_TASK_CLOSE
};

enum vmsnd_host_asked { VMSND_HOST_UNASKED, VMSND_HOST_ASKED, VMSND_HOST_TOLD };

struct vmsnd_host_conf {
	const struct vmsnd_connector_env *env; /* both outlive the host */
	const struct vmsnd_log *log;
	const struct vmsnd_backend_class *cls;
	const char *options; /* as text; the three texts are copied */
	const char *card;    /* its name */
	const char *what;    /* "output 1": for lines, after the card's name */
};

struct vmsnd_host;

/* A job that the backend has asked for. */
struct vmsnd_host_job {
	struct vmsnd_job job;
	bool used;
	void (*run)(void *arg);
	void *arg;
};

/* On the heap: its address is the backend's to keep. */
struct vmsnd_host {
	const struct vmsnd_connector_env *env;
	const struct vmsnd_log *log;
	const struct vmsnd_backend_class *cls;
	struct vmsnd_backend *backend; /* OPEN or RELEASING: units may be on it */
	enum vmsnd_host_phase phase;
	struct vmsnd_conf conf;
	bool trial; /* nobody hears it yet: what keeps it away is its owner's to say */
	/* private to host*.c from here */
	char card[64], what[32];
	struct vmsnd_option table[VMSND_HOST_OPTIONS_MAX];
	bool stop;      /* closing for good */
	bool came;      /* CAME was said */
	bool told_away; /* a line said that it is not there */
	unsigned tries;
	vmsnd_ns retry, opened_at;

	/* The one task, and what it works with. */
	enum vmsnd_host_task task;
	struct vmsnd_job job;
	enum vmsnd_rc rc;
	bool again;
	struct vmsnd_backend *fresh; /* what open gave */
	enum vmsnd_dir set_dir;
	char set_id[VMSND_HOST_DEVICE_TEXT_BYTES];

	/* The choice of a device, by direction. */
	char chosen[2][VMSND_HOST_DEVICE_TEXT_BYTES], asked[2][VMSND_HOST_DEVICE_TEXT_BYTES];
	bool set_pending[2];
	enum vmsnd_rc set_rc[2];

	struct vmsnd_host_device *devices, *found;
	size_t n_devices, n_found;
	bool looked; /* at all */
	uint64_t device_changes;
	vmsnd_ns look_at, burst; /* when to look; since when there are notices */
	unsigned noticed;

	_Atomic unsigned notices;       /* devices_changed */
	_Atomic bool changed[2];        /* device_changed */
	vmsnd_ns reopen_at[2];          /* not before; TH-11 */
	vmsnd_ns retry_due, retry_next; /* RETRY is to be said; not before */

	pthread_mutex_t lock; /* over jobs and closing */
	struct vmsnd_host_job jobs[VMSND_HOST_JOBS_MAX];
	bool closing;

	/* What it tells of itself, which a worker asks for. */
	_Atomic unsigned asked_facts; /* enum vmsnd_host_asked */
	struct vmsnd_fact *facts;
	size_t n_facts;
};

/* Everything of the class that must be there is (BE-24); else `error` has the line. */
bool vmsnd_host_class_fits(const struct vmsnd_backend_class *cls, char *error, size_t bytes);

/* Checks the class and parses the options: one of those it has, or one that every backend has. On
 * failure one line is in the log. */
enum vmsnd_rc vmsnd_host_make(const struct vmsnd_host_conf *conf, struct vmsnd_host **out);
/* Opens the backend, on a worker if that is slow. One that is not there now is no failure (AT-02);
 * on another failure the backend's line is in the log and the host is only good for free. */
enum vmsnd_rc vmsnd_host_open(struct vmsnd_host *host, vmsnd_ns now);
/* Goes on with whatever is due; returns events, or'ed. *next: when to be called next at the latest.
 */
unsigned vmsnd_host_advance(struct vmsnd_host *host, vmsnd_ns now, vmsnd_ns *next);
/* The answer to VMSND_HOST_RELEASE: no unit is on it any more. */
void vmsnd_host_released(struct vmsnd_host *host);
/* For good. If units may be on it, the next advance asks for them. CLOSED once it is done. */
void vmsnd_host_stop(struct vmsnd_host *host);
/* Once CLOSED, or before it was open. */
void vmsnd_host_free(struct vmsnd_host *host);

/* Another device for streams to come; the next advance does it. VMSND_E_UNSUPPORTED, INVALID. */
enum vmsnd_rc vmsnd_host_choose(struct vmsnd_host *host, enum vmsnd_dir dir, const char *id);
/* How that went; VMSND_OK while it is under way. */
enum vmsnd_rc vmsnd_host_chosen(const struct vmsnd_host *host, enum vmsnd_dir dir);
/* Looks for devices at the next advance. */
enum vmsnd_rc vmsnd_host_refresh(struct vmsnd_host *host, vmsnd_ns now);
size_t vmsnd_host_devices(const struct vmsnd_host *host, struct vmsnd_host_device *out, size_t max);
/* host_facts.c, as the functions of vmsnd/machine.h. */
enum vmsnd_rc vmsnd_host_ask(struct vmsnd_host *host);
enum vmsnd_rc vmsnd_host_facts(const struct vmsnd_host *host, struct vmsnd_fact *out, size_t *n);
/* Whether the backend has streams of this direction at all (BE-01). */
bool vmsnd_host_goes(const struct vmsnd_host *host, enum vmsnd_dir dir);

/* host_notice.c: what the backend is given to speak with. */
extern const struct vmsnd_backend_user vmsnd_host_user;
/* Marks of notices, as events; sets look_at. */
unsigned vmsnd_host_notices(struct vmsnd_host *host, vmsnd_ns now);
/* No more jobs; true when none is left. */
bool vmsnd_host_jobs_ended(struct vmsnd_host *host);
void vmsnd_host_jobs_allow(struct vmsnd_host *host);

#endif
