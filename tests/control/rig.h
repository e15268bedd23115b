/* SPDX-License-Identifier: BSD-3-Clause */
/* A control server on a machine's double, clients of it, and a time that the test moves. */
#ifndef TESTS_CONTROL_RIG_H
#define TESTS_CONTROL_RIG_H

#include <jansson.h>

#include "control/control.h"
#include "double.h"

struct rig {
	struct vmsnd_machine machine;
	struct vmsnd_overheard heard;
	struct vmsnd_log log;
	char logged[4096];
	struct vmsnd_control *control;
	struct vmsnd_wake wake;
	vmsnd_ns now, next;
	char folder[64], path[96];
};

struct client {
	struct rig *rig;
	int fd;
	char *data; /* what came and was not taken */
	size_t bytes;
	bool ended; /* the server has closed */
};

/* 2001-09-09 01:46:40 and a quarter, always. */
int64_t rig_wall_us(void);
/* For cmocka: a rig in *state, with the server listening. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* One turn at the present time, with what the program's loop would say of the descriptor. */
void rig_turn(struct rig *rig);
/* Turns until there is nothing to do at the present time. */
void rig_settle(struct rig *rig);

/* Connects and settles. The greeting is left unread. */
void client_open(struct rig *rig, struct client *client);
/* The same, with the greeting read and the capabilities negotiated. */
void client_join(struct rig *rig, struct client *client);
void client_close(struct client *client);
/* Sends all of it, with turns in between. */
void client_send(struct client *client, const char *text, size_t bytes);
/* Reads what there is, without a turn. */
void client_read(struct client *client);
/* The next message, after settling; NULL: none. To be given up. */
json_t *client_next(struct client *client);
/* One request, its one answer. */
json_t *client_ask(struct client *client, const char *request);
/* The request is answered by {"return": {}}, perhaps with more in it. */
void client_ask_fine(struct client *client, const char *request);
/* It is refused, and the line has `part` in it. */
void client_ask_wrong(struct client *client, const char *request, const char *part);

const char *error_line(const json_t *message);
const char *error_class(const json_t *message);
const char *event_name(const json_t *message);

#endif
