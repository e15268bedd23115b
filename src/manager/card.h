/* SPDX-License-Identifier: BSD-3-Clause */
/* One card of a machine: transport, device, ports and backend, held together. */
#ifndef VMSND_MANAGER_CARD_H
#define VMSND_MANAGER_CARD_H

#include "connector/connector.h"
#include "manager/host.h"
#include "manager/output.h"
#include "vmsnd/machine.h"

#define VMSND_CARD_OPTIONS_MAX 48u
/* Lines about formats, a unit and a session: a guest may change them as often as it likes. */
#define VMSND_FORMAT_LINES_MAX 8u

/* An output's part on one port. */
struct vmsnd_unit {
	struct vmsnd_lun *lun;        /* NULL: none */
	void *lun_block, *ring_block; /* what was allocated; the aligned parts are in use */
	bool leaving;                 /* taken off the port; freed once it is gone */
	bool lost;                    /* a line said so */
	vmsnd_ns well;                /* since when it has been well after that; VMSND_NEVER */
	unsigned format_lines;
	struct vmsnd_format told[2]; /* the guest's and the host's, as the last line had them */
};

/* A backend of a card and its units, in the same place on every port; or a tap, on one port. */
struct vmsnd_output {
	struct vmsnd_output *next; /* in one of the card's two lists */
	struct vmsnd_host *host;
	char *text; /* what it was attached with; a tap's file */
	struct vmsnd_output_conf conf;
	struct vmsnd_volume volume[2]; /* by enum vmsnd_dir */
	enum vmsnd_lun_role role;
	unsigned place; /* on the ports */
	unsigned only;  /* a tap's port */
	unsigned n_units;
	struct vmsnd_unit units[]; /* one for each port */
};

struct vmsnd_card_port {
	struct vmsnd_port *port;
	void *port_block, *ring_block; /* what was allocated; the aligned parts are in use */
	uint64_t told[3]; /* frames, under- or overruns, their frames: as of the last line */
	struct vmsnd_output *taps[VMSND_TAP_COUNT];
};

struct vmsnd_card {
	struct vmsnd_machine *machine;
	unsigned index;
	char name[64];

	/* The device's, the transport's and the card's own options as one table. */
	struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX];
	struct vmsnd_conf conf;

	const struct vmsnd_dev_class *cls;
	struct vmsnd_dev *dev;
	struct vmsnd_dev_env env;
	struct vmsnd_gmem *mem;
	const struct vmsnd_transport_class *transport;
	struct vmsnd_transport *bus;
	struct vmsnd_guest_bus guest; /* the transport's, once somebody asked for it */
	struct vmsnd_mmio_bus mmio;   /* likewise */

	unsigned n_playback, n_ports; /* ports: playback first */
	struct vmsnd_card_port *ports;
	struct vmsnd_output *outputs[VMSND_OUTPUTS_MAX];
	struct vmsnd_output *live;    /* those, and the taps */
	struct vmsnd_output *leaving; /* detached; not all of it gone yet */
	bool enabled[2], paused;
	vmsnd_ns watched, watch_next; /* when the units were last looked at, for lines; 0: look */

	struct vmsnd_card *next_closed; /* machine.c: those that wait for their outputs to go */
	vmsnd_ns time;                  /* of the last step; never goes back */
	vmsnd_ns next;                  /* deadline of the next one */
	bool touched;                   /* a transport event came since the last step */
	bool connected;
	unsigned sessions_ended;
	uint32_t faults_told; /* one bit a kind */
};

/* The options every card has besides its device's and transport's; ends with a NULL key. */
const struct vmsnd_option *vmsnd_card_options(void);

/* `card`: zeroed heap storage with machine and index set.
 * Builds a card and starts listening; on failure one line is in the log, and close is next. */
enum vmsnd_rc vmsnd_card_open(struct vmsnd_card *card, const struct vmsnd_card_conf *conf,
			      vmsnd_ns now);
/* Lets the guest and every backend go, as far as that can be done at once. */
void vmsnd_card_close(struct vmsnd_card *card, vmsnd_ns now);
/* After close: true once the last output has gone and the card is freed. */
bool vmsnd_card_gone(struct vmsnd_card *card, vmsnd_ns now);
/* Zeroed, aligned to 64 and not touched, so that what nobody uses costs no memory. *block is what
 * is to be freed. */
void *vmsnd_card_zeroed(size_t bytes, void **block);
enum vmsnd_dir vmsnd_card_port_dir(const struct vmsnd_card *card, unsigned port);

/* card_run.c: the lane's side. */
void vmsnd_card_ready(struct vmsnd_card *card, unsigned tag, vmsnd_ns now);
vmsnd_ns vmsnd_card_advance(struct vmsnd_card *card, vmsnd_ns now);
void vmsnd_card_peer(void *ctx, enum vmsnd_peer_event what);
void vmsnd_card_guest_fault(void *ctx, enum vmsnd_fault what, uint64_t detail);
size_t vmsnd_card_counters(const struct vmsnd_card *card, struct vmsnd_named_counter *out,
			   size_t max);

/* card_output.c: backends, while it runs. */
enum vmsnd_rc vmsnd_card_attach(struct vmsnd_card *card, const char *text, vmsnd_ns now,
				unsigned *number);
void vmsnd_card_detach(struct vmsnd_card *card, struct vmsnd_output **output, vmsnd_ns now);
/* Sets a tap of one port, or takes it away (`path` NULL). */
enum vmsnd_rc vmsnd_card_tap(struct vmsnd_card *card, unsigned port, enum vmsnd_tap point,
			     const char *path, vmsnd_ns now);
/* What is due for the backends themselves: openings, notices, those that leave. */
vmsnd_ns vmsnd_card_tend(struct vmsnd_card *card, vmsnd_ns now);
/* Backends without a thread of their own move the blocks that are due. */
vmsnd_ns vmsnd_card_move(struct vmsnd_card *card, vmsnd_ns now);

/* card_control.c. */
void vmsnd_card_pause(struct vmsnd_card *card, bool on, vmsnd_ns now);

/* card_watch.c: one line when a unit is lost, one when it is well again; formats. */
vmsnd_ns vmsnd_card_watch(struct vmsnd_card *card, vmsnd_ns now);
/* A VMM left: what is said from now on is news again. */
void vmsnd_card_watch_anew(struct vmsnd_card *card);

/* card_guest.c, card_embed.c: VMSND_E_INVALID when the guest is not in this process. */
enum vmsnd_rc vmsnd_card_guest_bus(struct vmsnd_card *card, struct vmsnd_guest_bus *out);

/* machine.c: what a card asks of its machine. */
const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine);
const struct vmsnd_poller *vmsnd_machine_poller(const struct vmsnd_machine *machine);
const struct vmsnd_connector_env *vmsnd_machine_env(const struct vmsnd_machine *machine);
const struct vmsnd_backend_class *vmsnd_machine_backend(const struct vmsnd_machine *machine,
							const char *name);
/* NULL beyond the last. */
struct vmsnd_card *vmsnd_machine_card(const struct vmsnd_machine *machine, unsigned index);

#endif
