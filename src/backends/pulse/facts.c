/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of the server, and what is wrong with it, for people. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/pulse/host.h"

struct facts {
	struct vmsnd_fact *out;
	size_t max, n;
};

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
add(struct facts *facts, enum vmsnd_fact_name name, const char *format, ...)
{
	va_list list;

	if (facts->n++ >= facts->max)
		return;
	facts->out[facts->n - 1].name = name;
	va_start(list, format);
	vsnprintf(facts->out[facts->n - 1].text, VMSND_FACT_TEXT_BYTES, format, list);
	va_end(list);
}

/* A socket belongs to whoever runs the server. */
static void add_user(struct facts *facts, const struct pulse_server *server)
{
	const char *path = strchr(server->where, '/');
	struct stat about;

	if (path && stat(path, &about) == 0)
		add(facts, VMSND_FACT_USER, "%s (%u)", server->user, (unsigned)about.st_uid);
	else
		add(facts, VMSND_FACT_USER, "%s", server->user);
}

static void add_default(struct facts *facts, const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	const char *id = host->server.defaults[dir];
	const struct pulse_device *device = pulse_device_find(host, dir, id);
	enum vmsnd_fact_name name =
	    dir == VMSND_PLAYBACK ? VMSND_FACT_PLAYBACK : VMSND_FACT_CAPTURE;

	if (*id)
		add(facts, name, "%s (%s)", id, device ? device->name : "unknown");
}

/* The server puts auto_null there when it has found no sound hardware at all. */
static void add_default_trouble(struct facts *facts, const struct vmsnd_backend *host)
{
	const char *sink = host->server.defaults[VMSND_PLAYBACK];

	if (*sink && strcmp(sink, "auto_null") != 0)
		return;
	add(facts, VMSND_FACT_TROUBLE, "The server has no playback device: sound goes nowhere.");
	add(facts, VMSND_FACT_ADVICE,
	    "See whether it finds the sound card: 'pactl list short sinks' and 'aplay -l'.");
}

/* A device that the options name and that is not there. */
static void add_device_trouble(struct facts *facts, const struct vmsnd_backend *host,
			       enum vmsnd_dir dir)
{
	const char *id = pulse_device_wanted(host, dir);

	/* libpulse has words such as @DEFAULT_SINK@. */
	if (!id || *id == '@' || !host->devices[dir].known || pulse_device_find(host, dir, id))
		return;
	add(facts, VMSND_FACT_TROUBLE, "The server has no %s device '%s'.",
	    dir == VMSND_PLAYBACK ? "playback" : "capture", id);
	add(facts, VMSND_FACT_ADVICE,
	    "Take one that 'vmsnd backends -v' lists, or none for the server's own choice.");
}

static void add_server(struct facts *facts, const struct vmsnd_backend *host)
{
	add(facts, VMSND_FACT_SERVER, "%s", host->server.software);
	add(facts, VMSND_FACT_SOCKET, "%s", host->server.where);
	add_user(facts, &host->server);
	add_default(facts, host, VMSND_PLAYBACK);
	add_default(facts, host, VMSND_CAPTURE);
	add(facts, VMSND_FACT_FORMAT, "%s", host->server.format);
	add_default_trouble(facts, host);
	add_device_trouble(facts, host, VMSND_PLAYBACK);
	add_device_trouble(facts, host, VMSND_CAPTURE);
}

/* A socket that this user may not reach. */
static bool is_closed_to_us(const char *where)
{
	const char *path = strncmp(where, "unix:", 5) == 0 ? where + 5 : where;

	return *path == '/' && access(path, W_OK) != 0 && errno == EACCES;
}

static void add_unanswered(struct facts *facts, const struct vmsnd_backend *host, const char *where)
{
	add(facts, VMSND_FACT_TROUBLE, "No PulseAudio server answers at %s: %s.", where,
	    pulse_server_reason(host, where));
	add(facts, VMSND_FACT_ADVICE,
	    "Start it ('systemctl --user start pipewire-pulse' or 'pulseaudio --start'), or say "
	    "where it is: server=unix:/run/user/UID/pulse/native.");
}

static void add_away(struct facts *facts, const struct vmsnd_backend *host)
{
	char where[PULSE_WHERE_BYTES], advice[PULSE_ADVICE_BYTES];

	pulse_server_where(host, where, sizeof(where));
	add(facts, VMSND_FACT_SOCKET, "%s", where);
	if (host->away == PULSE_DENIED) {
		add(facts, VMSND_FACT_TROUBLE, "The server does not let us in: %s.",
		    pa_strerror(host->error));
		add(facts, VMSND_FACT_ADVICE, "%s.", pulse_server_denied_advice(host, advice));
		return;
	}
	if (!is_closed_to_us(where)) {
		add_unanswered(facts, host, where);
		return;
	}
	add(facts, VMSND_FACT_TROUBLE, "This user may not reach the socket: Permission denied.");
	add(facts, VMSND_FACT_ADVICE,
	    "Run vmsnd as the user whose server it is, or give it access to the folder and the "
	    "socket, and the server's key with cookie=FILE.");
}

size_t pulse_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max)
{
	struct facts facts = {.out = out, .max = max};

	pulse_server_settled(host);
	pa_threaded_mainloop_lock(host->loop);
	if (atomic_load(&host->ready) && host->server.known)
		add_server(&facts, host);
	else
		add_away(&facts, host);
	pa_threaded_mainloop_unlock(host->loop);
	return facts.n < max ? facts.n : max;
}
