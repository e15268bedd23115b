/* SPDX-License-Identifier: BSD-3-Clause */
/* pulseaudio without its configuration, hardware, session or neighbours. */
#include "servers.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 40

static void die(const char *what)
{
	perror(what);
	_exit(99);
}

bool server_here(void)
{
	return access("/usr/bin/pulseaudio", X_OK) == 0 && access("/usr/bin/pactl", X_OK) == 0;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
	return remove(path);
}

static void write_text(const struct server *server, const char *name, const char *text)
{
	char path[2 * SERVER_PATH_BYTES];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", server->folder, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		die(path);
}

void server_make_folder(struct server *server)
{
	char own[2 * SERVER_PATH_BYTES];

	snprintf(server->folder, sizeof(server->folder), "/tmp/vmsnd-pulse-XXXXXX");
	if (!mkdtemp(server->folder) || chmod(server->folder, 0777))
		die(server->folder);
	write_text(server, "daemon.conf",
		   "default-sample-rate = 48000\nalternate-sample-rate = 48000\n"
		   "flat-volumes = no\nenable-remixing = yes\n");
	snprintf(own, sizeof(own), "%s/own", server->folder);
	if (mkdir(own, 0700))
		die(own);
	if (server->other_user && chown(own, SERVER_UID, SERVER_UID))
		die(own);
}

void server_remove_folder(struct server *server)
{
	nftw(server->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the child ---- */

static void set(const char *name, const char *folder, const char *rest)
{
	char text[2 * SERVER_PATH_BYTES];

	snprintf(text, sizeof(text), "%s%s", folder, rest);
	setenv(name, text, 1);
}

static void into_world(const struct server *server)
{
	const char *folder = server->folder;

	unsetenv("DISPLAY");
	setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:", 1);
	set("PULSE_CONFIG", folder, "/daemon.conf");
	set("HOME", folder, "/own");
	set("XDG_RUNTIME_DIR", folder, "/own");
	set("PULSE_RUNTIME_PATH", folder, "/own");
	set("PULSE_STATE_PATH", folder, "/own");
	setenv("PULSE_CLIENTCONFIG", "/dev/null", 1);
	if (!server->other_user)
		return;
	if (setgroups(0, NULL) || setgid(SERVER_UID) || setuid(SERVER_UID))
		die("setuid");
}

/* A null sink that renders ahead would have the first block come late: norewinds. */
static void run_server(const struct server *server)
{
	char texts[SERVER_SINKS_MAX + 2][3 * SERVER_PATH_BYTES];
	const char *words[WORDS_MAX] = {"pulseaudio",      "-n",
					"--daemonize=no",  "--use-pid-file=no",
					"--disallow-exit", "--exit-idle-time=-1",
					"--realtime=no",   "--high-priority=no"};
	size_t n = 8, t = 0;

	for (; server->sinks[t]; t++) {
		snprintf(texts[t], sizeof(texts[t]), "module-null-sink %s norewinds=1",
			 server->sinks[t]);
		words[n++] = "-L";
		words[n++] = texts[t];
	}
	snprintf(texts[t], sizeof(texts[t]),
		 "module-native-protocol-unix socket=%s/native auth-cookie=%s/own/cookie",
		 server->folder, server->folder);
	words[n++] = "-L";
	words[n++] = texts[t];
	snprintf(texts[t + 1], sizeof(texts[t]), "--log-target=file:%s/own/log", server->folder);
	words[n++] = texts[t + 1];
	execv("/usr/bin/pulseaudio", (char *const *)words);
	die("pulseaudio");
}

void server_start(struct server *server)
{
	char path[2 * SERVER_PATH_BYTES];
	pid_t parent = getpid();

	snprintf(path, sizeof(path), "%s/native", server->folder);
	unlink(path);
	server->pid = fork();
	if (server->pid < 0)
		die("fork");
	if (server->pid > 0)
		return;
	into_world(server);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	run_server(server);
}

void server_end(struct server *server, int signal)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, signal);
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
		;
	server->pid = 0;
}

int server_tell(const struct server *server, const char *a, const char *b, const char *c)
{
	char at[2 * SERVER_PATH_BYTES];
	int status, quiet;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		into_world(server);
		snprintf(at, sizeof(at), "unix:%s/native", server->folder);
		setenv("PULSE_SERVER", at, 1);
		set("PULSE_COOKIE", server->folder, "/own/cookie");
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (quiet >= 0 && dup2(quiet, 1) >= 0)
			dup2(quiet, 2);
		execl("/usr/bin/pactl", "pactl", a, b, c, (char *)NULL);
		die("pactl");
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool server_answers(const struct server *server, unsigned ms)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	for (unsigned n = 0; server_tell(server, "info", NULL, NULL) != 0; n++) {
		if (n * 20 > ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
