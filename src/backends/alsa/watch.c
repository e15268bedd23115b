/* SPDX-License-Identifier: BSD-3-Clause */
/* The watcher: tells of streams that were lost, sees cards come and go and the configuration
 * change, and looks whether a device that is away is back. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "backends/alsa/host.h"

/* A device that is away is opened for a look: so often at first, and then so often. Not every
 * device makes files come and go: what is behind a plugin does not. */
#define LOOK_MS       250
#define LOOK_LATER_MS 1000
#define LOOKS_SOON    40u

#define SNDS     "/dev/snd"
#define ARRIVALS (IN_CREATE | IN_DELETE | IN_ATTRIB)
#define EDITS    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE)

/* ---- files ---- */

static int watch(int inotify_fd, const char *folder, uint32_t what)
{
	return folder && *folder ? inotify_add_watch(inotify_fd, folder, what | IN_ONLYDIR) : -1;
}

static int watch_folder_of(int inotify_fd, const char *file, uint32_t what)
{
	char folder[512];
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!slash || (size_t)(slash - file) >= sizeof(folder))
		return -1;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
	return watch(inotify_fd, folder, what);
}

static void watch_files(struct vmsnd_alsa_watch *at)
{
	at->dev = watch(at->inotify_fd, "/dev", IN_CREATE);
	at->snd = watch(at->inotify_fd, SNDS, ARRIVALS | IN_DELETE_SELF);
	at->etc = watch(at->inotify_fd, "/etc", EDITS);
	at->home = watch(at->inotify_fd, getenv("HOME"), EDITS);
	at->config = watch_folder_of(at->inotify_fd, getenv("ALSA_CONFIG_PATH"), EDITS);
}

static bool ends_like(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && strcmp(slash + 1, name) == 0;
}

/* The files that say what "default" is. */
static bool is_config(const struct vmsnd_alsa_watch *at, const struct inotify_event *event)
{
	if (event->len == 0)
		return false;
	return (event->wd == at->etc && strcmp(event->name, "asound.conf") == 0) ||
	       (event->wd == at->home && strcmp(event->name, ".asoundrc") == 0) ||
	       (event->wd == at->config && ends_like(getenv("ALSA_CONFIG_PATH"), event->name));
}

/* A card has a control file; the folder comes with the first card. */
static bool is_card(struct vmsnd_alsa_watch *at, const struct inotify_event *event)
{
	if (event->wd == at->dev && event->len && strcmp(event->name, "snd") == 0)
		at->snd = watch(at->inotify_fd, SNDS, ARRIVALS | IN_DELETE_SELF);
	return (event->wd == at->snd && event->len && strncmp(event->name, "control", 7) == 0) ||
	       (event->wd == at->dev && event->len && strcmp(event->name, "snd") == 0);
}

static void read_events(struct vmsnd_alsa_watch *at, bool *cards, bool *config)
{
	_Alignas(struct inotify_event) char room[4096];
	ssize_t bytes;

	while ((bytes = read(at->inotify_fd, room, sizeof(room))) > 0) {
		for (char *p = room; p < room + bytes;) {
			const struct inotify_event *event = (const struct inotify_event *)(void *)p;

			*cards |= is_card(at, event);
			*config |= is_config(at, event);
			p += sizeof(*event) + event->len;
		}
	}
}

/* ---- telling ---- */

static void tell_cards(const struct vmsnd_backend *host)
{
	if (host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
}

static void tell_defaults(struct vmsnd_backend *host)
{
	bool concerned[2];

	pthread_mutex_lock(&host->lock);
	for (unsigned dir = 0; dir < 2; dir++)
		concerned[dir] = strcmp(host->device[dir], "default") == 0;
	pthread_mutex_unlock(&host->lock);
	for (unsigned dir = 0; dir < 2; dir++)
		if (concerned[dir] && host->user && host->user->device_changed)
			host->user->device_changed(host->user_ctx, (enum vmsnd_dir)dir);
}

/* With the lock, so that no stream is closed meanwhile; its owner only makes a note. */
static void tell_losses(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&host->lock);
	for (struct vmsnd_stream *at = host->streams; at; at = at->next) {
		if (at->told || !atomic_load_explicit(&at->lost, memory_order_acquire))
			continue;
		at->told = true;
		at->user.ended(at->ctx, VMSND_E_GONE);
	}
	pthread_mutex_unlock(&host->lock);
}

/* ---- looking for what is away ---- */

void vmsnd_alsa_away(struct vmsnd_backend *host, enum vmsnd_dir dir, bool away)
{
	pthread_mutex_lock(&host->lock);
	if (away != host->away[dir])
		host->away_looks[dir] = 0;
	host->away[dir] = away;
	pthread_mutex_unlock(&host->lock);
	if (away)
		vmsnd_alsa_poke(host->watch.wake_fd);
}

/* -1: nothing is away. */
static int next_look_ms(struct vmsnd_backend *host)
{
	int next = -1;

	pthread_mutex_lock(&host->lock);
	for (unsigned dir = 0; dir < 2; dir++) {
		int ms = host->away_looks[dir] < LOOKS_SOON ? LOOK_MS : LOOK_LATER_MS;

		if (host->away[dir] && (next < 0 || ms < next))
			next = ms;
	}
	pthread_mutex_unlock(&host->lock);
	return next;
}

static bool can_be_opened(const char *device, enum vmsnd_dir dir)
{
	snd_pcm_t *pcm;

	if (snd_pcm_open(&pcm, device, vmsnd_alsa_way(dir), VMSND_ALSA_OPEN_MODE) < 0)
		return false;
	snd_pcm_close(pcm);
	return true;
}

/* True: it is back. */
static bool look(struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	char device[VMSND_ALSA_NAME_BYTES];
	bool back;

	pthread_mutex_lock(&host->lock);
	back = host->away[dir];
	memcpy(device, host->device[dir], sizeof(device));
	host->away_looks[dir] += host->away_looks[dir] < LOOKS_SOON;
	pthread_mutex_unlock(&host->lock);
	if (!back || !can_be_opened(device, dir))
		return false;
	/* Whoever wants it tries at once, and says so if it is away again. */
	vmsnd_alsa_away(host, dir, false);
	return true;
}

static void look_for_both(struct vmsnd_backend *host)
{
	bool back = look(host, VMSND_PLAYBACK);

	back |= look(host, VMSND_CAPTURE);
	if (back)
		tell_cards(host);
}

/* ---- the thread ---- */

static void *watcher(void *arg)
{
	struct vmsnd_backend *host = arg;
	struct vmsnd_alsa_watch *at = &host->watch;
	struct pollfd fds[] = {{.fd = at->wake_fd, .events = POLLIN},
			       {.fd = at->inotify_fd, .events = POLLIN}};
	vmsnd_ns looked = 0;

	vmsnd_alsa_hush();
	while (!atomic_load(&at->quit)) {
		bool cards = false, config = false;
		int wait_ms = next_look_ms(host);

		poll(fds, 2, wait_ms);
		vmsnd_alsa_unpoke(at->wake_fd);
		read_events(at, &cards, &config);
		tell_losses(host);
		if (config)
			tell_defaults(host);
		if (cards)
			tell_cards(host);
		if (wait_ms < 0 || vmsnd_alsa_now() - looked < (vmsnd_ns)wait_ms * 1000000)
			continue;
		look_for_both(host);
		looked = vmsnd_alsa_now();
	}
	return NULL;
}

enum vmsnd_rc vmsnd_alsa_watch_open(struct vmsnd_backend *host)
{
	struct vmsnd_alsa_watch *at = &host->watch;

	at->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	at->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Without inotify (its instances are few) devices are still looked for. */
	if (at->inotify_fd >= 0)
		watch_files(at);
	if (at->wake_fd >= 0 && vmsnd_alsa_thread(&at->thread, watcher, host))
		return VMSND_OK;
	if (at->wake_fd >= 0)
		close(at->wake_fd);
	if (at->inotify_fd >= 0)
		close(at->inotify_fd);
	return VMSND_E_SYSTEM;
}

void vmsnd_alsa_watch_close(struct vmsnd_backend *host)
{
	struct vmsnd_alsa_watch *at = &host->watch;

	atomic_store(&at->quit, true);
	vmsnd_alsa_poke(at->wake_fd);
	pthread_join(at->thread, NULL);
	close(at->wake_fd);
	if (at->inotify_fd >= 0)
		close(at->inotify_fd);
}
