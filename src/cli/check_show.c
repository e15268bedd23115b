/* SPDX-License-Identifier: BSD-3-Clause */
/* What vmsnd check has found, in sentences. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/ctl_member.h"

/* JACK's server and clients lock all that they have; this does for them. */
#define LOCK_ENOUGH_KIB (64 * 1024)

/* ---- backends ---- */

static void show_fact(const json_t *fact)
{
	static const struct {
		const char *name, *shown;
	} words[] = {{"socket", "through"},       {"user", "whose"},     {"playback", "plays to"},
		     {"capture", "records from"}, {"format", "runs at"}, {"advice", "what to do"}};
	const char *shown = text(fact, "name");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, shown) == 0)
			shown = words[i].shown;
	printf("      %-13s %s\n", shown, text(fact, "text"));
}

static const char *server_of(const json_t *backend)
{
	const json_t *facts = json_object_get(backend, "facts");

	for (size_t i = 0; i < json_array_size(facts); i++)
		if (strcmp(text(json_array_get(facts, i), "name"), "server") == 0)
			return text(json_array_get(facts, i), "text");
	return NULL;
}

static const char *state_words(const char *state)
{
	static const struct {
		const char *state, *words;
	} table[] = {{"works", "works"},
		     {"trouble", "works, but not everything does"},
		     {"fails", "does not work"},
		     {"late", "does not answer"}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].state, state) == 0)
			return table[i].words;
	return state;
}

static void show_backend(const json_t *backend)
{
	const json_t *facts = json_object_get(backend, "facts");
	const json_t *said = json_object_get(backend, "said");
	const char *server = server_of(backend);

	printf("  %-10s %s%s%s\n", text(backend, "name"), state_words(text(backend, "state")),
	       server ? ": " : "", server ? server : "");
	for (size_t i = 0; i < json_array_size(facts); i++)
		if (strcmp(text(json_array_get(facts, i), "name"), "server") != 0)
			show_fact(json_array_get(facts, i));
	for (size_t i = 0; json_array_size(facts) == 0 && i < json_array_size(said); i++)
		printf("      %-13s %s\n", "it said", json_string_value(json_array_get(said, i)));
	if (json_is_string(json_object_get(backend, "tone")))
		printf("      %-13s %s\n", "tone", text(backend, "tone"));
}

static void show_missing(const json_t *missing)
{
	const json_t *said = json_object_get(missing, "said");

	printf("  %-10s %s\n", text(missing, "name"),
	       json_is_string(said) ? "cannot be loaded"
				    : "is not installed: it is a module of its own");
	if (json_is_string(said))
		printf("      %-13s %s\n", "trouble", json_string_value(said));
	else
		printf("      %-13s Install vmsnd with its module %s.so; 'vmsnd modules' says "
		       "where it is looked for.\n",
		       "what to do", text(missing, "name"));
	if (json_is_string(json_object_get(missing, "install")))
		printf("      %-13s Install the package %s.\n", "what to do",
		       text(missing, "install"));
}

static void show_backends(const json_t *all)
{
	const json_t *backends = json_object_get(all, "backends");
	const json_t *missing = json_object_get(all, "missing");

	puts("Where sound can go to and come from");
	for (size_t i = 0; i < json_array_size(backends); i++)
		show_backend(json_array_get(backends, i));
	for (size_t i = 0; i < json_array_size(missing); i++)
		show_missing(json_array_get(missing, i));
}

/* ---- other users ---- */

static void show_other(const json_t *other)
{
	long long uid = (long long)number(other, "uid");

	if (!json_is_string(json_object_get(other, "socket"))) {
		printf("  %s (%lld) is logged in; whether there is a sound server only that user "
		       "or root "
		       "can see.\n",
		       text(other, "user"), uid);
		return;
	}
	printf("  %s (%lld) has one at %s, which %s\n", text(other, "user"), uid,
	       text(other, "socket"),
	       is_on(other, "reachable") ? "may be used from here:" : "lets nobody else in.");
	if (is_on(other, "reachable"))
		printf("      vmsnd check --tone %s%s\n", text(other, "text"),
		       strcmp(text(other, "backend"), "pulse") == 0
			   ? ",cookie=FILE   (a copy of ~/.config/pulse/cookie)"
			   : "");
}

static void show_others(const json_t *others)
{
	if (json_array_size(others) == 0)
		return;
	puts("\nSound servers of other users");
	for (size_t i = 0; i < json_array_size(others); i++)
		show_other(json_array_get(others, i));
	puts("  Simplest is to run 'vmsnd serve' as the user whose server it is to be. See "
	     "docs/check.md.");
}

/* ---- the system ---- */

static bool all_work(const json_t *backends)
{
	for (size_t i = 0; i < json_array_size(backends); i++)
		if (strcmp(text(json_array_get(backends, i), "state"), "works") != 0)
			return false;
	return true;
}

/* A login through su or sudo, or a service, has none; then no server is found. */
static void show_user(const json_t *all)
{
	const json_t *user = json_object_get(all, "user");
	const char *usual = json_string_value(json_object_get(user, "runtime-usual"));

	if (json_is_string(json_object_get(user, "runtime-folder")) ||
	    all_work(json_object_get(all, "backends")))
		return;
	puts("  XDG_RUNTIME_DIR is not set: a user's servers are looked for there.");
	if (usual)
		printf("      %-13s export XDG_RUNTIME_DIR=%s\n", "what to do", usual);
	else
		printf(
		    "      %-13s Log in as the user whose server it is to be (su and sudo do not "
		    "do), or name\n"
		    "      %-13s the server's socket as an option of the backend.\n",
		    "what to do", "");
}

static void show_realtime(const json_t *realtime)
{
	const char *given = json_string_value(json_object_get(realtime, "given"));
	bool unlimited = json_is_null(json_object_get(realtime, "limit"));
	char limit[40] = "unlimited";

	if (!unlimited)
		snprintf(limit, sizeof(limit), "%lld", (long long)number(realtime, "limit"));
	puts("\nReal-time priority, which keeps sound whole while the host is busy");
	if (given && strcmp(given, "system") == 0) {
		if (!unlimited && number(realtime, "limit") == 0)
			puts("  The system gives it, as this user is privileged (root, or "
			     "CAP_SYS_NICE).");
		else
			printf("  The system gives it (ulimit -r: %s).\n", limit);
	} else if (given) {
		printf("  rtkit gives it, up to %lld.\n",
		       (long long)number(realtime, "rtkit-priority"));
	} else {
		printf("  Not to this user: the limit (ulimit -r) is %s, and %s.\n", limit,
		       text(realtime, "rtkit-why"));
		printf(
		    "      %-13s Install rtkit (a desktop usually has it), or write these two "
		    "lines\n"
		    "      %-13s into /etc/security/limits.d/95-vmsnd.conf, become a member of "
		    "group\n"
		    "      %-13s audio and log in again. A systemd service takes LimitRTPRIO=20.\n"
		    "      %-13s     @audio - rtprio 20\n"
		    "      %-13s     @audio - memlock unlimited\n",
		    "what to do", "", "", "", "");
	}
}

static void show_memory(const json_t *memory)
{
	const json_t *limit = json_object_get(memory, "limit");
	long long kib = (long long)json_integer_value(limit) / 1024;

	puts("\nMemory that may be locked (ulimit -l)");
	if (json_is_null(limit))
		puts("  Without a limit.");
	else if (kib >= LOCK_ENOUGH_KIB)
		printf("  %lld MiB: enough.\n", kib / 1024);
	else
		printf("  %lld %s: vmsnd, PipeWire and PulseAudio can do without; JACK may want "
		       "more.\n"
		       "      %-13s Only for JACK: '@audio - memlock unlimited' in "
		       "/etc/security/limits.d/95-vmsnd.conf,\n"
		       "      %-13s for members of group audio, from their next login on.\n",
		       kib < 1024 ? kib : kib / 1024, kib < 1024 ? "KiB" : "MiB", "what to do", "");
}

/* A group that is nobody's, or root's, is none to join. */
static void show_closed_cards(const json_t *cards, const char *user)
{
	const char *group = json_string_value(json_object_get(cards, "group"));

	printf("      %-13s ", "what to do");
	if (group && strcmp(group, "root") != 0)
		printf("sudo usermod -aG %s %s, then log in again: only 'alsa' needs that,\n",
		       group, user);
	else
		printf("sudo setfacl -m u:%s:rw /dev/snd/*: only 'alsa' needs that,\n", user);
	printf("      %-13s with a sound server the server has the cards.\n", "");
}

static void show_cards(const json_t *cards, const char *user)
{
	long long files = (long long)number(cards, "files");
	long long reachable = (long long)number(cards, "reachable");

	puts("\nSound cards (/dev/snd)");
	if (!is_on(cards, "there") || files == 0) {
		puts("  There are none here: no card, no driver for it, or a container without it. "
		     "A\n"
		     "  sound server that is reached through a socket needs none.");
		return;
	}
	printf("  Cards have %lld %s, of which this user may open %lld.\n", files,
	       files == 1 ? "stream" : "streams", reachable);
	if (reachable < files)
		show_closed_cards(cards, user);
}

/* ---- the end of it ---- */

static void show_verdict(const json_t *all)
{
	const char *backend = json_string_value(json_object_get(all, "backend"));

	putchar('\n');
	if (backend)
		printf("So this is what to start:\n\n"
		       "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --backend %s\n",
		       backend);
	else
		puts("Nothing of what was looked at works for this user now. Until something does, "
		     "cards play\n"
		     "into nothing or into a file:\n\n"
		     "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --backend "
		     "file,path=guest.wav");
}

void vmsnd_check_show(const json_t *all)
{
	const json_t *user = json_object_get(all, "user");

	printf("vmsnd %s, run by %s (%lld)\n\n", text(all, "version"), text(user, "name"),
	       (long long)number(user, "uid"));
	show_backends(all);
	show_user(all);
	show_others(json_object_get(all, "others"));
	show_realtime(json_object_get(all, "realtime"));
	show_memory(json_object_get(all, "memory-lock"));
	show_cards(json_object_get(all, "cards"), text(user, "name"));
	show_verdict(all);
}
