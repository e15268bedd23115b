/* SPDX-License-Identifier: BSD-3-Clause */
/* The ALSA backend: its options, its life, and the little things that its files share. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/alsa/alsa.h"
#include "backends/alsa/host.h"

static const struct vmsnd_option option_table[] = {
    {"out-device", VMSND_OPTION_TEXT, "default", "the device to play to, as aplay -D has it", 0, 0},
    {"in-device", VMSND_OPTION_TEXT, "default", "the device to record from, as arecord -D has it",
     0, 0},
    {.key = NULL},
};

/* ---- shared ---- */

static void alsa_error_ignored(const char *file, int line, const char *function, int error,
			       const char *format, va_list args)
{
	(void)file, (void)line, (void)function, (void)error, (void)format, (void)args;
}

snd_local_error_handler_t vmsnd_alsa_hush(void)
{
	return snd_lib_error_set_local(alsa_error_ignored);
}

void vmsnd_alsa_unhush(snd_local_error_handler_t before)
{
	snd_lib_error_set_local(before);
}

vmsnd_ns vmsnd_alsa_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)now.tv_nsec;
}

void vmsnd_alsa_poke(int event_fd)
{
	const uint64_t one = 1;

	/* Full is as readable as it gets. */
	if (write(event_fd, &one, sizeof(one)) < 0)
		return;
}

void vmsnd_alsa_unpoke(int event_fd)
{
	uint64_t pokes;

	if (read(event_fd, &pokes, sizeof(pokes)) < 0)
		return;
}

bool vmsnd_alsa_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	bool made;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	made = pthread_create(thread, NULL, run, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return made;
}

snd_pcm_stream_t vmsnd_alsa_way(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? SND_PCM_STREAM_PLAYBACK : SND_PCM_STREAM_CAPTURE;
}

/* ---- life ---- */

static enum vmsnd_rc take_device(struct vmsnd_backend *host, const struct vmsnd_backend_conf *conf,
				 enum vmsnd_dir dir, const char *key)
{
	const char *name = vmsnd_conf_text(conf->options, key);

	if (!name || !*name || strlen(name) >= sizeof(host->device[dir])) {
		vmsnd_logf(conf->again ? NULL : conf->log, VMSND_LOG_ERROR,
			   "alsa: %s=%s: it must be a device's name of 1 to %u letters, such as "
			   "default or hw:0",
			   key, name ? name : "", VMSND_ALSA_NAME_BYTES - 1);
		return VMSND_E_INVALID;
	}
	snprintf(host->configured[dir], sizeof(host->configured[dir]), "%s", name);
	snprintf(host->device[dir], sizeof(host->device[dir]), "%s", name);
	return VMSND_OK;
}

/* No device is asked for yet: one that is away is found when it comes. */
static enum vmsnd_rc alsa_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	struct vmsnd_backend *host = calloc(1, sizeof(*host));
	enum vmsnd_rc rc;

	if (!host)
		return VMSND_E_NOMEM;
	host->log = conf->log;
	host->user = conf->user;
	host->user_ctx = conf->user_ctx;
	rc = take_device(host, conf, VMSND_PLAYBACK, "out-device");
	if (!rc)
		rc = take_device(host, conf, VMSND_CAPTURE, "in-device");
	if (!rc && pthread_mutex_init(&host->lock, NULL))
		rc = VMSND_E_NOMEM;
	else if (!rc && (rc = vmsnd_alsa_watch_open(host)) != VMSND_OK)
		pthread_mutex_destroy(&host->lock);
	if (rc) {
		free(host);
		return rc;
	}
	*out = host;
	return VMSND_OK;
}

static void alsa_close(struct vmsnd_backend *host)
{
	vmsnd_alsa_watch_close(host);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

static enum vmsnd_backend_status alsa_status(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&host->lock;
	bool runs = false;

	pthread_mutex_lock(lock);
	for (const struct vmsnd_stream *at = host->streams; at; at = at->next)
		runs |= at->dir == dir && atomic_load_explicit(&at->runs, memory_order_relaxed);
	pthread_mutex_unlock(lock);
	return runs ? VMSND_BACKEND_RUNNING : VMSND_BACKEND_STOPPED;
}

/* Streams are stopped both when a guest has played all it had and when the machine is suspended:
 * only the latter is a pause. */
static enum vmsnd_rc alsa_life(struct vmsnd_backend *host, enum vmsnd_life what, vmsnd_ns now)
{
	atomic_store(&host->suspended, what == VMSND_LIFE_SUSPEND);
	vmsnd_alsa_streams_poke(host);
	return VMSND_OK;
}

const struct vmsnd_backend_class vmsnd_alsa_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .flags = VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE |
	     VMSND_BACKEND_SLOW_DEVICES,
    .name = "alsa",
    .summary = "plays on and records from ALSA devices: cards, and what "
	       "alsa-lib leads to",
    .options = option_table,
    .open = alsa_open,
    .close = alsa_close,
    .stream_open = vmsnd_alsa_stream_open,
    .stream_start = vmsnd_alsa_stream_start,
    .stream_stop = vmsnd_alsa_stream_stop,
    .stream_close = vmsnd_alsa_stream_close,
    .status = alsa_status,
    .devices = vmsnd_alsa_devices,
    .device_set = vmsnd_alsa_device_set,
    .stream_state = vmsnd_alsa_stream_state,
    .stream_drain = vmsnd_alsa_stream_drain,
    .life = alsa_life,
    .facts = vmsnd_alsa_facts,
    .stream_place = vmsnd_alsa_stream_place,
};
