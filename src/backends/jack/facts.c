/* SPDX-License-Identifier: BSD-3-Clause */
/* What people are told: whose server, which, at what; and when there is none, why and what to do.
 *
 * libjack says little of why there is no server. jackd leaves a socket named
 * jack_SERVER_UID_0 where it keeps its shared memory, which says whose it is. */
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/jack/host.h"

#define FOLDER "/dev/shm"

const char *vmsnd_jack_server_name(const struct vmsnd_backend *host)
{
	const char *name = getenv("JACK_DEFAULT_SERVER");

	if (*host->server_name)
		return host->server_name;
	return name && *name ? name : "default";
}

struct socket {
	char path[VMSND_FACT_TEXT_BYTES];
	uid_t owner;
};

/* Ours before another's. */
static bool find_socket(const struct vmsnd_backend *host, struct socket *out)
{
	char prefix[VMSND_JACK_TEXT_BYTES];
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	bool found = false;

	snprintf(prefix, sizeof(prefix), "jack_%s_", vmsnd_jack_server_name(host));
	while (folder && (entry = readdir(folder))) {
		const char *rest = entry->d_name + strlen(prefix);
		struct stat is;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    strspn(rest, "0123456789_") != strlen(rest) ||
		    fstatat(dirfd(folder), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISSOCK(is.st_mode) || (found && is.st_uid != geteuid()))
			continue;
		snprintf(out->path, sizeof(out->path), FOLDER "/%.200s", entry->d_name);
		out->owner = is.st_uid;
		found = true;
	}
	if (folder)
		closedir(folder);
	return found;
}

static void user_name(uid_t uid, char *out, size_t bytes)
{
	struct passwd entry, *found = NULL;
	char text[1024];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found)
		snprintf(out, bytes, "%s (%u)", found->pw_name, (unsigned)uid);
	else
		snprintf(out, bytes, "%u", (unsigned)uid);
}

/* ---- why there is no server ---- */

static const struct {
	unsigned status;
	const char *trouble, *advice;
} reasons[] = {
    {JackNameNotUnique, "has a client of this name already, and exact-name is on",
     "Give another client-name, or exact-name=off."},
    {JackVersionError, "speaks another version of the protocol than libjack here",
     "Install jackd and libjack of the same version."},
    {JackShmFailure, "has shared memory that cannot be used",
     "Look at the limit of locked memory (ulimit -l) and at the room in " FOLDER "."},
};

static void why_by_socket(const struct vmsnd_backend *host, char *trouble, char *advice,
			  size_t bytes)
{
	const char *name = vmsnd_jack_server_name(host);
	struct socket socket;
	char owner[64];

	if (!find_socket(host, &socket)) {
		snprintf(trouble, bytes,
			 "there is no server '%.63s' (no socket " FOLDER "/jack_%.63s_%u_0)", name,
			 name, (unsigned)geteuid());
		snprintf(advice, bytes,
			 "Start jackd as this user, or name the server with "
			 "server-name; with PipeWire run vmsnd by pw-jack.");
		return;
	}
	user_name(socket.owner, owner, sizeof(owner));
	if (socket.owner != geteuid()) {
		snprintf(trouble, bytes,
			 "server '%.63s' is that of user %s, who has it for "
			 "himself (%.80s)",
			 name, owner, socket.path);
		snprintf(advice, bytes,
			 "Run vmsnd as that user, or start both jackd and vmsnd "
			 "with JACK_PROMISCUOUS_SERVER= and a group that both are in.");
		return;
	}
	snprintf(trouble, bytes, "server '%.63s' does not answer (%.100s)", name, socket.path);
	snprintf(advice, bytes,
		 "Start jackd anew if it hangs; if it has died, its next start "
		 "removes the socket.");
}

void vmsnd_jack_why(struct vmsnd_backend *host, jack_status_t status, char *trouble, char *advice,
		    size_t bytes)
{
	/* jackd says no more than "error" when it refuses a name. */
	if (host->exact_name && status & JackServerError)
		status |= JackNameNotUnique;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (status & reasons[i].status) {
			snprintf(trouble, bytes, "server '%.63s' %s", vmsnd_jack_server_name(host),
				 reasons[i].trouble);
			snprintf(advice, bytes, "%s", reasons[i].advice);
			return;
		}
	why_by_socket(host, trouble, advice, bytes);
}

/* ---- the list ---- */

struct list {
	struct vmsnd_fact *out;
	size_t n, max;
};

/* The text of the next fact; a spare one beyond the end. */
static void add(struct list *list, enum vmsnd_fact_name name, const char *text)
{
	if (list->n < list->max) {
		list->out[list->n].name = name;
		snprintf(list->out[list->n].text, sizeof(list->out[0].text), "%s", text);
	}
	list->n++;
}

static void add_device(struct list *list, enum vmsnd_fact_name name,
		       const struct vmsnd_host_device *device, uint32_t ports)
{
	char text[VMSND_FACT_TEXT_BYTES];

	snprintf(text, sizeof(text), "%.127s (%u port%s)", device->id, ports,
		 ports == 1 ? "" : "s");
	add(list, name, text);
}

#define DEVICES 32u

static void add_devices(struct vmsnd_backend *host, struct list *list)
{
	struct vmsnd_host_device devices[DEVICES];
	size_t n = vmsnd_jack_devices(host, devices, DEVICES);
	bool any = false;

	for (size_t i = 0; i < n; i++)
		if (devices[i].default_playback) {
			add_device(list, VMSND_FACT_PLAYBACK, &devices[i],
				   devices[i].playback_channels);
			any = true;
		}
	for (size_t i = 0; i < n; i++)
		if (devices[i].default_capture)
			add_device(list, VMSND_FACT_CAPTURE, &devices[i],
				   devices[i].capture_channels);
	if (any)
		return;
	add(list, VMSND_FACT_TROUBLE, "The server has no physical ports to play into.");
	add(list, VMSND_FACT_ADVICE,
	    "Give the ports to connect to with out-connect-ports, or connect them by hand.");
}

static void add_server(struct vmsnd_backend *host, struct list *list, bool there)
{
	const char *version = jack_get_version_string();
	char text[VMSND_FACT_TEXT_BYTES];
	struct socket socket;

	snprintf(text, sizeof(text), "JACK %.60s, server '%.63s'%s", version ? version : "",
		 vmsnd_jack_server_name(host), there ? "" : " (away)");
	add(list, VMSND_FACT_SERVER, text);
	if (!find_socket(host, &socket))
		return;
	add(list, VMSND_FACT_SOCKET, socket.path);
	user_name(socket.owner, text, sizeof(text));
	add(list, VMSND_FACT_USER, text);
}

static void add_trouble(struct vmsnd_backend *host, struct list *list,
			const struct vmsnd_jack_server *server)
{
	char trouble[VMSND_FACT_TEXT_BYTES], advice[VMSND_FACT_TEXT_BYTES],
	    sentence[VMSND_FACT_TEXT_BYTES];

	vmsnd_jack_why(host, server->why, trouble, advice, sizeof(trouble));
	trouble[0] = (char)(trouble[0] - ('a' - 'A'));
	snprintf(sentence, sizeof(sentence), "%.250s.", trouble);
	add(list, VMSND_FACT_TROUBLE, sentence);
	add(list, VMSND_FACT_ADVICE, advice);
}

static bool answers(struct vmsnd_backend *host)
{
	if (!vmsnd_jack_enter(host))
		return false;
	pthread_mutex_unlock(&host->graph);
	return true;
}

size_t vmsnd_jack_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max)
{
	struct list list = {.out = out, .max = max};
	bool there = vmsnd_jack_is_there(host) && answers(host);
	struct vmsnd_jack_server server = vmsnd_jack_server(host);
	char text[VMSND_FACT_TEXT_BYTES];

	add_server(host, &list, there);
	if (!there) {
		add_trouble(host, &list, &server);
		return list.n;
	}
	add_devices(host, &list);
	snprintf(text, sizeof(text), "%u Hz, %u frames a period, FLOAT", server.rate_hz,
		 server.period_frames);
	add(&list, VMSND_FACT_FORMAT, text);
	return list.n;
}
