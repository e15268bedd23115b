/* SPDX-License-Identifier: BSD-3-Clause */
/* One card of a machine: transport, device, ports and backend, held together. */
#ifndef VMSND_MANAGER_CARD_H
#define VMSND_MANAGER_CARD_H

#include "connector/connector.h"
#include "vmsnd/machine.h"

#define VMSND_CARD_OPTIONS_MAX 48u

struct vmsnd_card_port {
	struct vmsnd_port *port;
	void *port_block, *ring_block; /* what was allocated; the aligned parts are in use */
	uint64_t told[3]; /* frames, under- or overruns, their frames: as of the last line */
};

struct vmsnd_card {
	struct vmsnd_machine *machine;
	unsigned index;
	char name[64];

	/* The device's, the transport's and the card's own options as one table. */
	struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX];
	struct vmsnd_conf conf;
	struct vmsnd_conf backend_conf;

	const struct vmsnd_dev_class *cls;
	struct vmsnd_dev *dev;
	struct vmsnd_dev_env env;
	struct vmsnd_gmem *mem;
	const struct vmsnd_backend_class *backend;
	struct vmsnd_backend *host;
	const struct vmsnd_transport_class *transport;
	struct vmsnd_transport *bus;
	struct vmsnd_guest_bus guest; /* the transport's, once somebody asked for it */

	unsigned n_playback, n_ports; /* ports: playback first */
	struct vmsnd_card_port *ports;

	vmsnd_ns time; /* of the last step; never goes back */
	vmsnd_ns next; /* deadline of the next one */
	bool touched;  /* a transport event came since the last step */
	bool connected;
	unsigned sessions_ended;
	uint32_t faults_told; /* one bit a kind */
};

/* The options every card has besides its device's and transport's; ends with a NULL key. */
const struct vmsnd_option *vmsnd_card_options(void);

/* `card`: zeroed heap storage with machine and index set; freed by close and on failure.
 * Builds a card and starts listening; on failure one line is in the log and nothing is left. */
enum vmsnd_rc vmsnd_card_open(struct vmsnd_card *card, const struct vmsnd_card_conf *conf,
			      vmsnd_ns now);
void vmsnd_card_close(struct vmsnd_card *card, vmsnd_ns now);

/* card_run.c: the lane's side. */
void vmsnd_card_ready(struct vmsnd_card *card, unsigned tag, vmsnd_ns now);
vmsnd_ns vmsnd_card_advance(struct vmsnd_card *card, vmsnd_ns now);
void vmsnd_card_peer(void *ctx, enum vmsnd_peer_event what);
void vmsnd_card_guest_fault(void *ctx, enum vmsnd_fault what, uint64_t detail);
size_t vmsnd_card_counters(const struct vmsnd_card *card, struct vmsnd_named_counter *out,
			   size_t max);

/* card_guest.c. VMSND_E_INVALID when the guest is not in this process. */
enum vmsnd_rc vmsnd_card_guest_bus(struct vmsnd_card *card, struct vmsnd_guest_bus *out);

/* machine.c: what a card asks of its machine. */
const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine);
const struct vmsnd_poller *vmsnd_machine_poller(const struct vmsnd_machine *machine);

#endif
