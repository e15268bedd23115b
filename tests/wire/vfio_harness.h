/* SPDX-License-Identifier: BSD-3-Clause */
/* A vfio-user transport with a PCI card that writes down what it is told, a log that is kept, and a
 * poller without a thread; time passes when the test says so. */
#ifndef VMSND_TESTS_WIRE_VFIO_HARNESS_H
#define VMSND_TESTS_WIRE_VFIO_HARNESS_H

#include "transports/vfio_user.h"
#include "vfio_client.h"

#define VFIO_BAR0_BYTES 256u /* ports, as the mixer of an AC'97 card */
#define VFIO_BAR1_BYTES 64u  /* ports, as its engines */
#define VFIO_BAR2_BYTES 512u /* memory */

struct vmsnd_dev {
	struct vmsnd_gmem *mem;
	char trace[8192]; /* "r7:0+256 w0:2c+2 R2 ..."; `*`: no guest memory at the time */
	vmsnd_ns at;      /* of the last access */
	uint8_t space[VMSND_PCI_CONFIG + 1][VFIO_BAR2_BYTES];
	/* Each write to BAR 1 does this. */
	void (*written)(void *ctx, const struct vmsnd_pci_access *access);
	void *ctx;
};

struct vfio_harness {
	struct vmsnd_dev dev;
	struct vmsnd_gmem mem;
	struct vmsnd_conf conf;
	struct vmsnd_log log;
	struct vmsnd_transport *bus;
	char dir[64], path[96];
	vmsnd_ns now, next; /* when the transport wants to be called */

	unsigned n_watched;
	int fds[64];
	unsigned tags[64];

	unsigned connected, ready, left;
	unsigned n_lines, n_troubles; /* of the log; of those, warnings and errors */
	char line[600], trouble[600]; /* the last of each */
};

/* Listens in a directory of its own; `msi`: the card has that capability. */
void vfio_harness_open(struct vfio_harness *h, bool msi);
void vfio_harness_close(struct vfio_harness *h);
/* Opens with other options; the log has the line. */
enum vmsnd_rc vfio_harness_listen(struct vfio_harness *h, const char *options, int listen_fd);
/* Until nothing is readable. `ctx` is the harness. */
void vfio_harness_pump(void *ctx);
/* One event at most. */
bool vfio_harness_step(struct vfio_harness *h);
/* Time goes on by `ns`; the transport is called when it wants to be. */
void vfio_harness_pass(struct vfio_harness *h, vmsnd_ns ns);
struct vfio_client *vfio_harness_connect(struct vfio_harness *h);
/* And agrees on a version. */
struct vfio_client *vfio_harness_hello(struct vfio_harness *h);
/* What the card was told since the last call; good until the next. */
const char *vfio_harness_trace(struct vfio_harness *h);
uint64_t vfio_harness_counter(struct vfio_harness *h, const char *name);
/* The card's line, or a message of it. */
void vfio_harness_line(struct vfio_harness *h, bool high);
void vfio_harness_message(struct vfio_harness *h);

unsigned vfio_open_fds(void);
/* How often it was signalled since last asked. */
uint64_t vfio_signals(int eventfd);
int vfio_eventfd(void);

#endif
