/* SPDX-License-Identifier: BSD-3-Clause */
/* A sound server of a test's own, in a folder of its own, that dies with the test. */
#ifndef VMSND_TESTS_HOSTS_PULSE_SERVERS_H
#define VMSND_TESTS_HOSTS_PULSE_SERVERS_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVER_PATH_BYTES 128
#define SERVER_UID        1234

/* One sink: "sink_name=a format=s16le rate=48000 channels=2". */
#define SERVER_SINKS_MAX 8

struct server {
	char folder[SERVER_PATH_BYTES];
	const char *sinks[SERVER_SINKS_MAX + 1]; /* ends with NULL */
	bool other_user;                         /* runs as SERVER_UID */
	pid_t pid;
};

/* False: there is no such program here. */
bool server_here(void);
void server_make_folder(struct server *server);
void server_remove_folder(struct server *server);
/* Starts it in its folder; it answers some time later. */
void server_start(struct server *server);
/* Whether it answers within `ms`. */
bool server_answers(const struct server *server, unsigned ms);
void server_end(struct server *server, int signal);
/* pactl with up to three words; its exit code. */
int server_tell(const struct server *server, const char *a, const char *b, const char *c);

#endif
