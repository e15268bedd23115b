/* SPDX-License-Identifier: BSD-3-Clause */
/* One card of a machine: transport, device, ports and outputs, held together. All under the lock of
 * its lane. */
#ifndef VMSND_MANAGER_CARD_H
#define VMSND_MANAGER_CARD_H

#include "connector/connector.h"
#include "manager/chain.h"
#include "manager/host.h"
#include "manager/lane.h"
#include "manager/output.h"
#include "manager/trace.h"
#include "vmsnd/machine.h"

#define VMSND_CARD_OPTIONS_MAX 48u
#define VMSND_CARD_STREAMS_MAX 64u /* of one direction */
/* Lines about formats, a unit and a session: a guest may change them as often as it likes. */
#define VMSND_FORMAT_LINES_MAX 8u

/* An output's part on one port. */
struct vmsnd_unit {
	struct vmsnd_lun *lun; /* NULL: none */
	size_t bytes;          /* of its pages: the unit, and its ring if it has one */
	bool leaving;          /* taken off the port; freed once it is gone */
	bool lost;             /* a line said so */
	unsigned losses_told;  /* since it was last well for long */
	vmsnd_ns well;         /* since when it has been well after that; VMSND_NEVER */
	bool told_unfit;       /* a line said that it does not take what is no PCM */
	bool told_passed;      /* or that it goes past the drivers */
	unsigned format_lines;
	struct vmsnd_format told[2]; /* the guest's and the host's, as the last line had them */
};

/* Beside the bits of the drivers. */
#define VMSND_INJECTED_BACKEND (UINT32_C(1) << 31)

/* What is below the connector: drivers and a backend. */
struct vmsnd_chain_parts {
	struct vmsnd_host *host;
	struct vmsnd_drivers *drivers; /* NULL: a tap's */
	uint32_t injected;             /* drivers that a rule put there, by bits from the top */
	struct vmsnd_census *census;   /* its backend counts there; NULL: it does not */
	char *text;                    /* what the backend was attached with; a tap's file */
	struct vmsnd_output_conf conf;
};

/* What a part of a card has to do with a life under way (card_life.c). */
struct vmsnd_life_part {
	bool asked, done;
	vmsnd_ns since; /* when it was asked first */
};

/* A change of the whole chain. */
struct vmsnd_reattach_end {
	uint64_t number;  /* 0: there was none */
	enum vmsnd_rc rc; /* VMSND_E_AGAIN while `fresh` is there; else how it went */
};

/* A chain of a card and its units, in the same place on every port; or a tap, on one port. */
struct vmsnd_output {
	struct vmsnd_output *next; /* in one of the card's two lists */
	struct vmsnd_chain_parts now;
	/* Another chain that is to take the place of `now`, and, once it has, the old one until its
	 * streams are closed (card_reattach.c). */
	struct vmsnd_chain_parts fresh, old;
	/* The last one, and the one before it, whose end somebody may not have asked for yet. */
	struct vmsnd_reattach_end reattach, reattach_before;
	struct vmsnd_life_part drivers_life, backend_life;
	struct vmsnd_volume volume[2]; /* by enum vmsnd_dir */
	enum vmsnd_lun_role role;
	unsigned place; /* on the ports */
	unsigned only;  /* a tap's port */
	unsigned n_units;
	struct vmsnd_unit units[]; /* one for each port */
};

struct vmsnd_card_port {
	struct vmsnd_port *port;
	struct vmsnd_stream_plan plan; /* the class', with the true ring_bytes */
	uint64_t told[3]; /* frames, under- or overruns, their frames: as of the last line */
	struct vmsnd_output *taps[VMSND_TAP_COUNT];
};

#define VMSND_CARD_JACKS_MAX 64u

struct vmsnd_card_jack {
	enum vmsnd_jack_want want;
	vmsnd_ns since; /* when its output became other than it; VMSND_NEVER: they agree */
};

/* One allocation holds the card, its device's state, its table of guest memory, its ports and their
 * rings; what is not used is not touched (DM-35). */
struct vmsnd_card {
	struct vmsnd_machine *machine;
	struct vmsnd_lane *lane;
	size_t bytes;    /* of the allocation */
	unsigned slot;   /* on the lane */
	unsigned index;  /* its number in the machine */
	unsigned number; /* of its device's instances (DM-32) */
	char name[64];
	struct vmsnd_card *after, *before; /* in the machine, in the order of creation */
	struct vmsnd_node *node;           /* what it was made from; restricted */

	/* The device's, the transport's and the card's own options as one table. */
	struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX];
	struct vmsnd_conf conf;

	const struct vmsnd_dev_class *cls;
	struct vmsnd_dev *dev;
	struct vmsnd_dev_env env;
	struct vmsnd_gmem *mem;
	struct vmsnd_gmem_guard guard; /* before mem, if it is not trusted or is traced */
	struct vmsnd_trace *trace;     /* NULL: not traced; else cls and dev are the trace's */
	const struct vmsnd_transport_class *transport;
	struct vmsnd_transport *bus;
	struct vmsnd_guest_bus guest; /* the transport's, once somebody asked for it */
	struct vmsnd_mmio_bus mmio;   /* likewise */
	struct vmsnd_pci_bus pci;     /* likewise */

	unsigned n_playback, n_ports; /* ports: playback first */
	struct vmsnd_card_port *ports;
	struct vmsnd_output *outputs[VMSND_OUTPUTS_MAX];
	struct vmsnd_output *live;    /* those, and the taps */
	struct vmsnd_output *leaving; /* detached; not all of it gone yet */
	bool enabled[2];
	bool paused;   /* by its owner */
	bool held;     /* by the machine's life: off, or suspended */
	bool moving;   /* by its VMM, which takes it to another host */
	bool standing; /* as the ports were told: any of these */
	enum vmsnd_life life;
	struct vmsnd_life_part connector_life, device_life;
	bool inited; /* the device has had init, and gets fini */
	bool has_jacks;
	struct vmsnd_card_jack jacks[VMSND_CARD_JACKS_MAX];
	vmsnd_ns jacks_looked, jacks_next; /* when they were last looked at, VMSND_NEVER: look */
	bool loaded;                       /* in the state that is being loaded (machine_load.c) */
	vmsnd_ns watched, watch_next; /* when the units were last looked at, for lines; 0: look */

	struct vmsnd_card *next_closed; /* of the lane: those that wait for their outputs to go */
	vmsnd_ns time;                  /* of the last step; never goes back */
	vmsnd_ns next;                  /* deadline of the next one */
	bool touched;                   /* a transport event came since the last step */
	bool connected;
	unsigned sessions_ended;
	uint32_t faults_told; /* one bit a kind */
	bool state_told;      /* one that was of no use came in this session */
};

/* ---- card.c ---- */

/* card_options.c: the options every card has besides its device's and transport's; ends with a NULL
 * key. */
const struct vmsnd_option *vmsnd_card_options(void);
/* All three, with the defaults that such a card has; ends with a NULL key. Classes may be NULL. */
struct vmsnd_card_classes {
	const struct vmsnd_dev_class *device;
	const struct vmsnd_transport_class *transport;
};
void vmsnd_card_join_options(struct vmsnd_option table[VMSND_CARD_OPTIONS_MAX],
			     const struct vmsnd_card_classes *classes);
/* The transport of a card that names none: by the bus of its device (NULL: virtio). */
const char *vmsnd_card_usual_transport(const struct vmsnd_dev_class *cls);
/* The one that a card's node names, or that one; NULL: there is no such. */
const struct vmsnd_transport_class *vmsnd_card_transport(const struct vmsnd_registry *registry,
							 const struct vmsnd_node *card,
							 const struct vmsnd_dev_class *cls);
/* Whether it is for cards on this one's bus. */
bool vmsnd_card_reached_by(const struct vmsnd_dev_class *cls,
			   const struct vmsnd_transport_class *transport);
/* VMSND_E_INVALID if not: one line that begins with `who`. */
enum vmsnd_rc vmsnd_card_check_transport(const struct vmsnd_node *card, const char *who,
					 const struct vmsnd_card_classes *classes,
					 struct vmsnd_error *error);
/* Where a card comes from. */
struct vmsnd_card_plan {
	struct vmsnd_machine *machine;
	struct vmsnd_lane *lane;
	const struct vmsnd_node *node; /* copied */
	const char *name;
	unsigned index, number;
	int listen_fd;
};
/* Checks the node and makes the card, not open yet; on failure one line is in the log. */
enum vmsnd_rc vmsnd_card_make(const struct vmsnd_card_plan *plan, struct vmsnd_card **out);
/* Under the lane's lock: builds all and starts listening. On failure one line is in the log, and
 * vmsnd_lane_let_go is next. */
enum vmsnd_rc vmsnd_card_open(struct vmsnd_card *card, const struct vmsnd_card_plan *plan,
			      vmsnd_ns now);
/* Lets the guest and every backend go, as far as that can be done at once. */
void vmsnd_card_close(struct vmsnd_card *card, vmsnd_ns now);
/* After close: true once the last output has gone and the card is freed. */
bool vmsnd_card_gone(struct vmsnd_card *card, vmsnd_ns now);
/* What its class says of a configuration; a class that says nothing has no objection. */
enum vmsnd_rc vmsnd_card_check_device(const struct vmsnd_dev_class *cls,
				      const struct vmsnd_dev_conf *conf, struct vmsnd_error *error);
enum vmsnd_dir vmsnd_card_port_dir(const struct vmsnd_card *card, unsigned port);
/* Has it looked at in the lane's next turn. */
void vmsnd_card_touch(struct vmsnd_card *card);

/* card_run.c: the lane's side. */
void vmsnd_card_ready(struct vmsnd_card *card, unsigned tag, vmsnd_ns now);
vmsnd_ns vmsnd_card_advance(struct vmsnd_card *card, vmsnd_ns now);
/* Ports and device are as they are at this time, without a whole step: the transport may be what
 * calls. The device must have come up. */
void vmsnd_card_bring_up(struct vmsnd_card *card, vmsnd_ns now);
void vmsnd_card_peer(void *ctx, enum vmsnd_peer_event what);
void vmsnd_card_guest_fault(void *ctx, enum vmsnd_fault what, uint64_t detail);
size_t vmsnd_card_counters(const struct vmsnd_card *card, struct vmsnd_named_counter *out,
			   size_t max);

/* card_guard.c: what it may touch, and what is written down of it (DM-53, DM-54). */
/* Before the ports are made, and without the lane's lock: a file is. On failure one line is in the
 * log. */
enum vmsnd_rc vmsnd_card_guard_make(struct vmsnd_card *card);
/* After the device's init: from now on it is called by way of the trace. */
void vmsnd_card_guard_device(struct vmsnd_card *card);
/* What is recorded from now on is of this time; when to come next. */
vmsnd_ns vmsnd_card_guard_tend(struct vmsnd_card *card, vmsnd_ns now);
size_t vmsnd_card_guard_counters(const struct vmsnd_card *card, struct vmsnd_counter *out);

/* card_output.c: backends, while it runs. */
/* *number VMSND_OUTPUTS_MAX: the lowest that is free, and told. */
enum vmsnd_rc vmsnd_card_attach(struct vmsnd_card *card, const struct vmsnd_chain_conf *chain,
				vmsnd_ns now, unsigned *number);
/* From a node of a configuration such as "outputs.0". */
enum vmsnd_rc vmsnd_card_attach_node(struct vmsnd_card *card, const struct vmsnd_node *node,
				     vmsnd_ns now, unsigned *number);
void vmsnd_card_detach(struct vmsnd_card *card, struct vmsnd_output **output, vmsnd_ns now);
/* Sets a tap of one port, or takes it away (`path` NULL). */
enum vmsnd_rc vmsnd_card_tap(struct vmsnd_card *card, unsigned port, enum vmsnd_tap point,
			     const char *path, vmsnd_ns now);
/* What is due for the backends themselves: openings, notices, those that leave. */
vmsnd_ns vmsnd_card_tend(struct vmsnd_card *card, vmsnd_ns now);
/* Backends without a thread of their own move the blocks that are due. */
vmsnd_ns vmsnd_card_move(struct vmsnd_card *card, vmsnd_ns now);

/* card_chain.c: a chain's parts, from a node like "outputs.0". On failure one line is in the log.
 */
enum vmsnd_rc vmsnd_card_chain_make(struct vmsnd_card *card, unsigned place,
				    const struct vmsnd_node *node, struct vmsnd_chain_parts *out);
enum vmsnd_rc vmsnd_card_tap_make(struct vmsnd_card *card, const char *path, const char *what,
				  struct vmsnd_chain_parts *out);
/* Such a node from texts; bits of `injected`: drivers that a rule put there. */
enum vmsnd_rc vmsnd_card_chain_write(struct vmsnd_node *node, const struct vmsnd_chain_conf *conf,
				     uint32_t injected, struct vmsnd_error *error);
/* VMSND_E_INVALID: a node has a child besides this one and those of its owner's class (CF-04). */
struct vmsnd_card_owner {
	const char *name;            /* begins the line */
	const char *const *children; /* ends with a NULL; NULL: none */
};
enum vmsnd_rc vmsnd_card_only_children(const struct vmsnd_node *node, const char *child,
				       const struct vmsnd_card_owner *owner,
				       struct vmsnd_error *error);
/* It goes, and another backend of the class may come, though closing may take a while. */
void vmsnd_card_chain_leave(struct vmsnd_chain_parts *parts);
/* Its host is closed, or never was opened. */
void vmsnd_card_chain_free(struct vmsnd_chain_parts *parts);
/* Texts of a chain as it is now: point into it. */
struct vmsnd_chain_conf vmsnd_card_chain_texts(const struct vmsnd_chain_parts *parts);
struct vmsnd_backend *vmsnd_card_chain_backend(const struct vmsnd_chain_parts *parts);

/* card_output.c, for card_reattach.c. */
bool vmsnd_card_unit_belongs(const struct vmsnd_card *card, const struct vmsnd_output *output,
			     const struct vmsnd_chain_parts *parts, unsigned port);
enum vmsnd_rc vmsnd_card_unit_add(struct vmsnd_card *card, struct vmsnd_output *output,
				  unsigned port, vmsnd_ns now);
void vmsnd_card_unit_remove(struct vmsnd_card *card, struct vmsnd_output *output, unsigned port,
			    vmsnd_ns now);

/* card_reattach.c. */
enum vmsnd_rc vmsnd_card_reattach(struct vmsnd_card *card, struct vmsnd_output *output,
				  const struct vmsnd_chain_conf *chain, vmsnd_ns now);
/* Goes on with it; when to be called next. */
vmsnd_ns vmsnd_card_reattach_tend(struct vmsnd_card *card, struct vmsnd_output *output,
				  vmsnd_ns now);
/* The output goes: so does what was to come. True once nothing is left of it. */
void vmsnd_card_reattach_stop(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now);
bool vmsnd_card_reattach_gone(struct vmsnd_card *card, struct vmsnd_output *output, vmsnd_ns now);

/* card_life.c. */
void vmsnd_card_life_begin(struct vmsnd_card *card, enum vmsnd_life what);
/* VMSND_OK: all parts are done. */
enum vmsnd_rc vmsnd_card_life_step(struct vmsnd_card *card, vmsnd_ns now);
/* The ports stand still, or go on, as `paused`, `held` and `moving` want it, and a device that
 * keeps time itself hears of it. Not from within the device. */
void vmsnd_card_stand(struct vmsnd_card *card, vmsnd_ns now);

/* card_move.c: struct vmsnd_transport_user's, for a VMM that moves the card. */
void vmsnd_card_user_stand(void *ctx, bool still);
enum vmsnd_rc vmsnd_card_user_save(void *ctx, struct vmsnd_state_writer *to);
enum vmsnd_rc vmsnd_card_user_load(void *ctx, const void *bytes, size_t n_bytes);

/* card_control.c. */
bool vmsnd_card_volume_fits(const struct vmsnd_volume *volume);
void vmsnd_card_volume(struct vmsnd_card *card, struct vmsnd_output *output, enum vmsnd_dir dir,
		       const struct vmsnd_volume *volume);

/* card_mixer.c: the guest has set a mixer. */
void vmsnd_card_mixer_changed(void *ctx, enum vmsnd_dir dir, unsigned index);

/* card_jack.c: jacks do as their outputs; when to come next. */
vmsnd_ns vmsnd_card_jacks(struct vmsnd_card *card, vmsnd_ns now);
/* The device has come up, and its outputs before it. */
void vmsnd_card_jacks_open(struct vmsnd_card *card, vmsnd_ns now);
void vmsnd_card_jacks_save(const struct vmsnd_card *card, struct vmsnd_state_writer *to);
/* After the device's state. */
void vmsnd_card_jacks_load(struct vmsnd_card *card, struct vmsnd_state_reader *from);
/* The device's jacks are another host's: they become what they are here. */
void vmsnd_card_jacks_moved(struct vmsnd_card *card, vmsnd_ns now);

/* card_watch.c: one line when a unit is lost, one when it is well again; formats. */
vmsnd_ns vmsnd_card_watch(struct vmsnd_card *card, vmsnd_ns now);
/* A VMM left: what is said from now on is news again. */
void vmsnd_card_watch_anew(struct vmsnd_card *card);

/* machine.c: what a card asks of its machine. */
const struct vmsnd_log *vmsnd_machine_log(const struct vmsnd_machine *machine);

#endif
