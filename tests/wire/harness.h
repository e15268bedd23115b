/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user transport with a card that writes down what it is told, a log that is kept, and
 * a poller without a thread: all in the test's own thread. */
#ifndef VMSND_TESTS_WIRE_HARNESS_H
#define VMSND_TESTS_WIRE_HARNESS_H

#include "frontend.h"
#include "transports/vhost_user.h"

#define WIRE_FEATURES UINT64_C(0x130000000) /* VERSION_1, EVENT_IDX, INDIRECT_DESC */

struct vmsnd_dev {
	struct vmsnd_gmem *mem;
	char trace[4096];                 /* "F130000000 S0:64@0 E0- E0+ K0 X0 R2 ..." */
	uint32_t next_avail[WIRE_QUEUES]; /* what queue_stop returns */
	bool refuse_start;
	struct vmsnd_inflight area; /* looked at with every kick */
	enum vmsnd_rc inflight_rc;  /* what an in-flight area is answered with */
};

struct wire_harness {
	struct vmsnd_dev dev;
	struct vmsnd_gmem mem;
	struct vmsnd_conf conf;
	struct vmsnd_log log;
	struct vmsnd_transport *bus;
	char dir[64], path[96];

	unsigned n_watched;
	int fds[64];
	unsigned tags[64];

	unsigned connected, ready, left;
	unsigned n_lines, n_troubles; /* of the log; of those, warnings and errors */
	char line[600], trouble[600]; /* the last of each */
};

/* Listens in a directory of its own. */
void wire_harness_open(struct wire_harness *h);
void wire_harness_close(struct wire_harness *h);
/* Opens with other options; the log has the line. */
enum vmsnd_rc wire_harness_listen(struct wire_harness *h, const char *options, int listen_fd);
/* Until nothing is readable. `ctx` is the harness. */
void wire_harness_pump(void *ctx);
struct wire_frontend *wire_harness_connect(struct wire_harness *h);
/* What the card was told since the last call; good until the next. */
const char *wire_harness_trace(struct wire_harness *h);

/* Whether an epoll set would take it: no file, and open. */
bool wire_can_watch(int fd);

unsigned wire_open_fds(void);

#endif
