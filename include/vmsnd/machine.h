/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/machine.h - cards put together: transport, device, connector, backends.
 *
 * A machine's cards live on lanes, each on one of them for good. There are two ways to drive it:
 *
 * - by the embedder's own loop (conf.lanes 0): there is one lane and no thread for it; the embedder
 *   calls vmsnd_machine_ready when a watched descriptor is readable and vmsnd_machine_advance when
 *   the time it last returned has come. Time is what the embedder says: `now`, in every call, never
 *   going back.
 * - by lanes with a thread each (conf.lanes 1 or more), which keep real time. `now` is then not
 *   looked at, and ready and advance are not to be called.
 *
 * Threads: every function may be called from any thread, but not from inside a callback of the
 * machine (log, poller, changed, a backend's), and not with an _rt function above it. Whoever calls
 * has the card's lane for as long as the call takes; what is slow (servers) is done by workers and
 * never waited for. */
#ifndef VMSND_MACHINE_H
#define VMSND_MACHINE_H

#include "module.h"
#include "tree.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmsnd_machine;

/* How the machine asks its embedder to watch descriptors. `token` comes back in
 * vmsnd_machine_ready. unwatch is always called before a descriptor is closed. From whichever
 * thread called the machine. */
struct vmsnd_poller {
	void *ctx;
	enum vmsnd_rc (*watch)(void *ctx, int fd, uint64_t token);
	void (*unwatch)(void *ctx, int fd);
};

#define VMSND_LANES_MAX 64u

struct vmsnd_machine_conf {
	struct vmsnd_poller
	    poller;     /* lanes 0: all NULL means that advance is called often enough */
	unsigned lanes; /* threads for cards, up to VMSND_LANES_MAX; 0: the embedder's */
	struct vmsnd_log log;
	/* What devices, backends, drivers and transports there are; outlives the machine. NULL:
	 * those that the library has itself. */
	struct vmsnd_registry *registry;
	unsigned workers; /* threads for what hosts are slow at: at most so many, 1..3; 0: 3 */
	/* Begins powered off: cards are built, listen and answer, but no time goes by for their
	 * streams before VMSND_LIFE_POWER_ON. Else a card is on from the moment it is added. */
	bool off;
	/* A state will be loaded: lanes' threads begin when vmsnd_machine_load returns, so that no
	 * VMM that connects early is served by the card as it was before. */
	bool restores;
	uint32_t life_limit_ms; /* how long a part may take over suspend and the like; 0: 10 000 */
	/* SCHED_RR, 1..99, for the lanes' threads and those of backends that ask (audio_thread); 0:
	 * as all threads. What the system refuses by itself, `realtime` is asked for: it gives the
	 * thread (as gettid has it) of this process that priority or less and says whether it
	 * could, else why not in a phrase of at most `bytes`. Any thread but one of a lane's
	 * callbacks; NULL: nobody to ask. */
	unsigned realtime_priority;
	bool (*realtime)(void *ctx, int thread_id, unsigned priority, char *why, size_t bytes);
	void *realtime_ctx;
	/* Something that a reader might want to see has changed: a VMM came or left, a host was
	 * lost or came back, a reattach or a life ended. Any thread; may come too often. May be
	 * NULL. */
	void (*changed)(void *ctx);
	void *changed_ctx;
};

/* Drivers between one output's connector and its backend. */
#define VMSND_DRIVERS_MAX 8u

/* What the program's --device and --backend say, as text. */
struct vmsnd_card_conf {
	const char *device;  /* "virtio-snd,socket=PATH,playback=1" */
	const char *backend; /* "file,path=out.wav"; NULL means "null" */
	/* Further ones, beside the first: each plays all that the card plays and is mixed into all
	 * that it records. NULL after the last. */
	const char *more[VMSND_OUTPUTS_MAX - 1];
	const char *transport; /* NULL: the device's usual one ("vhost-user") */
	int listen_fd;         /* an inherited listening socket, or -1; taken over on success */
};

/* VMSND_E_NOMEM, VMSND_E_SYSTEM. The machine is freed by close. */
enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out);

/* Adds a card; its transport listens when this returns. A failure has written one line
 * to the log (some for want of memory none) and left the machine as it was. VMSND_E_INVALID: the
 * text is wrong; other codes: what the backend or the transport met. A card's number is the lowest
 * that is free. */
enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now);
/* The same from a node of a configuration tree (man vmsnd.yaml; "cards.NAME"), whose name is the
 * card's. The node is copied. `listen_fd` as above. `card` may be NULL. VMSND_E_EXISTS: another
 * card has the name; VMSND_E_LIMIT: the device's class allows no more. */
enum vmsnd_rc vmsnd_machine_add_node(struct vmsnd_machine *machine, const struct vmsnd_node *node,
				     int listen_fd, vmsnd_ns now, unsigned *card);
/* All cards under root's "cards", with its "transforms", in the order of priority, class and number
 * (DM-32); then each device's init_complete. Everything is checked before the first is built. All
 * or none: on failure those already added are taken away again. `listen_fds` (may be NULL): for
 * those that name no socket, in the order of the file; those used are set to -1. */
enum vmsnd_rc vmsnd_machine_build(struct vmsnd_machine *machine, const struct vmsnd_node *root,
				  int *listen_fds, size_t n_listen_fds, vmsnd_ns now);
/* Checks what build would, and builds nothing: unknown keys, wrong values, classes that there are
 * not, two cards of one number or one socket. */
enum vmsnd_rc vmsnd_machine_check(const struct vmsnd_registry *registry,
				  const struct vmsnd_node *root, struct vmsnd_error *error);
/* The card leaves a running guest: what is pending is given back, host streams closed. */
enum vmsnd_rc vmsnd_machine_remove(struct vmsnd_machine *machine, unsigned card, vmsnd_ns now);

/* The effective configuration, as it is now, as a tree of its own ("cards" and "transforms"), with
 * the defaults of all options if `defaults`. NULL: no memory. Free it with vmsnd_tree_free. */
struct vmsnd_node *vmsnd_machine_tree(const struct vmsnd_machine *machine, bool defaults);
/* All that is counted, as a tree: NAME.COUNTER, NAME.playback0.COUNTER,
 * NAME.playback0.output0.COUNTER. */
struct vmsnd_node *vmsnd_machine_statistics(const struct vmsnd_machine *machine);

/* A watched descriptor is readable. */
void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now);

/* Catches up to `now`; returns when to be called next, VMSND_NEVER, or `now` when the
 * budget of one call is spent and there is more to do. */
vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now);

struct vmsnd_machine_status {
	unsigned cards, connected;
	unsigned sessions_ended; /* VMMs that came and left again */
	unsigned lanes;
	uint64_t hiccups; /* times a lane came so late that its clock was held */
};
struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine);

/* Figures of one card, by its number: the device's counters, then each
 * port's, names as "tx_messages" or "playback0.underruns". Returns how many there are. */
struct vmsnd_named_counter {
	char name[48];
	uint64_t value;
};
size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max);

/* ---- the life of the machine (docs/manager.md) ---------------------------------- */

enum vmsnd_machine_phase {
	VMSND_MACHINE_OFF,
	VMSND_MACHINE_ON,
	VMSND_MACHINE_SUSPENDED,
	VMSND_MACHINE_CHANGING /* a life is under way */
};

/* Takes all cards through it, in order. VMSND_OK: done; VMSND_E_AGAIN: some part needs time: call
 * it again, with the same `what`, soon, until it is done or its limit is over; then it counts as
 * done and the log names who was late. With lanes 0 advance goes on with it, too; lanes with
 * threads do not. VMSND_E_INVALID: not from this phase, or another life is under way. Power-off is
 * allowed in every phase and ends another life (LC-05). A card added meanwhile takes part. */
enum vmsnd_rc vmsnd_machine_life(struct vmsnd_machine *machine, enum vmsnd_life what, vmsnd_ns now);
enum vmsnd_machine_phase vmsnd_machine_phase(const struct vmsnd_machine *machine);

/* Writes down the whole machine: configuration, chains, devices, streams, what the rings hold. At
 * best while it is suspended and the guest stands still; else each card is caught at a moment of
 * its own, and its streams stand still for that long: what they play has at most a period of
 * silence more. The bytes are the caller's to free. VMSND_E_UNSUPPORTED: a card cannot be saved;
 * VMSND_E_LIMIT: a device writes more than VMSND_DEV_STATE_BYTES_MAX, or the configuration is
 * too large; the log has the line. */
enum vmsnd_rc vmsnd_machine_save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t **bytes,
				 size_t *n_bytes);
/* Brings back what was saved into a machine just built, with the same cards (SS-02) and no guest
 * yet: outputs are made as they were, streams that played go on where they were. The machine is
 * suspended after it; resume it when the guest goes on. Memory of a guest in this process
 * (vmsnd_machine_memory_add) may come before the load or after it, but before the resume.
 * Taps are not brought back. VMSND_E_DAMAGED, VMSND_E_VERSION, VMSND_E_INVALID (another set of
 * cards, or a guest uses this one already); the log has the line, and the machine is as it was. */
enum vmsnd_rc vmsnd_machine_load(struct vmsnd_machine *machine, const uint8_t *bytes,
				 size_t n_bytes, vmsnd_ns now);
/* The configuration in a saved state, for vmsnd_machine_build. */
enum vmsnd_rc vmsnd_state_tree(const uint8_t *bytes, size_t n_bytes, struct vmsnd_node **out,
			       struct vmsnd_error *error);
/* No saved state is larger. */
#define VMSND_STATE_BYTES_MAX (1024u * 1024u * 1024u)

/* ---- outputs, while it runs ----------------------------------------------------
 *
 * Each backend of a card has a number, from 0, the lowest that was free. Number 0 sets the pace;
 * without it a clock does. None of these disturbs the other outputs or the guest. Each may end with
 * VMSND_E_NO_CARD or VMSND_E_NO_OUTPUT. */

/* Adds a backend, given as --backend is. The direction and what else it takes are options that
 * every backend has ('vmsnd backends' lists them). VMSND_E_INVALID: the text is wrong;
 * VMSND_E_NO_CLASS: there is no such backend; VMSND_E_LIMIT: there are VMSND_OUTPUTS_MAX, or the
 * backend's class allows no more in one machine; VMSND_E_NO_VALUE: a rule has taken the backend
 * away. The line is in the log. A server that is not there is no failure: it is tried again until
 * it is. */
enum vmsnd_rc vmsnd_machine_attach(struct vmsnd_machine *machine, unsigned card,
				   const char *backend, vmsnd_ns now, unsigned *output);
/* A backend with drivers above it. */
struct vmsnd_chain_conf {
	const char *backend; /* as --backend */
	/* From top to bottom, "delay,ms=100"; NULL after the last. */
	const char *drivers[VMSND_DRIVERS_MAX];
};
enum vmsnd_rc vmsnd_machine_attach_chain(struct vmsnd_machine *machine, unsigned card,
					 const struct vmsnd_chain_conf *chain, vmsnd_ns now,
					 unsigned *output);
/* Another chain in the place of one that plays on until the new one is ready: the new backend and
 * its streams are opened first, then all streams of the output change over at a block's boundary,
 * then the old chain is closed. When the new one cannot be opened, the old one plays on (DM-73).
 * Returns at once: VMSND_OK, under way; VMSND_E_AGAIN: another one is; VMSND_E_INVALID: the text is
 * wrong; VMSND_E_LIMIT: as above. */
struct vmsnd_reattach {
	unsigned card, output;
	uint64_t number; /* out: which one it is, of all of this machine; never 0 */
};
enum vmsnd_rc vmsnd_machine_reattach(struct vmsnd_machine *machine, struct vmsnd_reattach *which,
				     const struct vmsnd_chain_conf *chain, vmsnd_ns now);
/* How it went: VMSND_E_AGAIN while it is under way, else its end. Number 0: the output's last one,
 * whose number is filled in, 0 for none yet. VMSND_E_NO_OUTPUT: the output was detached, though
 * another one may have its number by now; or two more reattaches of it have been asked for. */
enum vmsnd_rc vmsnd_machine_reattached(const struct vmsnd_machine *machine,
				       struct vmsnd_reattach *which);
/* One driver of a chain, while it plays; the others keep what they hold, and no host stream is
 * opened anew. `at` counts from the top. attach puts it above the one that is there (the number of
 * drivers: right above the backend); reattach puts another one in its place, and on failure the old
 * one stays. VMSND_E_LIMIT, VMSND_E_NO_CLASS, VMSND_E_NO_DRIVER, VMSND_E_INVALID: the text is
 * wrong; VMSND_E_AGAIN: a reattach of the output is under way. */
struct vmsnd_driver_place {
	unsigned card, output, at;
};
enum vmsnd_rc vmsnd_machine_driver_attach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place,
					  const char *driver, vmsnd_ns now);
enum vmsnd_rc vmsnd_machine_driver_reattach(struct vmsnd_machine *machine,
					    const struct vmsnd_driver_place *place,
					    const char *driver, vmsnd_ns now);
enum vmsnd_rc vmsnd_machine_driver_detach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place, vmsnd_ns now);
/* Where a driver of this name is: the `occurrence`th from the top, from 0; sets place->at (DM-69).
 */
enum vmsnd_rc vmsnd_machine_driver_find(const struct vmsnd_machine *machine,
					struct vmsnd_driver_place *place, const char *name,
					unsigned occurrence);

/* VMSND_E_NO_OUTPUT. What it still holds is dropped, the backend closed. */
enum vmsnd_rc vmsnd_machine_detach(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   vmsnd_ns now);

/* The owner's switch of a direction: off closes every host stream of it and leaves the guest with
 * a working card that plays into nothing or records silence. Playback is on, capture off, unless
 * the card's options say otherwise. */
enum vmsnd_rc vmsnd_machine_enable(struct vmsnd_machine *machine, unsigned card, enum vmsnd_dir dir,
				   bool on, vmsnd_ns now);
/* Playback and capture, together, as they are now. */
enum vmsnd_rc vmsnd_machine_enabled(const struct vmsnd_machine *machine, unsigned card,
				    enum vmsnd_dir dir, bool *on);

/* The machine of card `card` is suspended, or goes on. */
enum vmsnd_rc vmsnd_machine_pause(struct vmsnd_machine *machine, unsigned card, bool on,
				  vmsnd_ns now);

/* Loudness of an output's streams of one direction. The change is a ramp of 10 ms. VMSND_E_INVALID
 * also for a gain beyond VMSND_GAIN_MAX_MDB. */
enum vmsnd_rc vmsnd_machine_volume(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   enum vmsnd_dir dir, const struct vmsnd_volume *volume);

/* The mixer of a card's streams, as its guest sees and sets it (docs/virtio-snd.md): on top of each
 * output's own volume. `stream` VMSND_STREAM_ALL: all of the direction; of get: the first.
 * VMSND_E_INVALID: no such stream, or a gain beyond VMSND_GAIN_MAX_MDB. The guest is told. */
#define VMSND_STREAM_ALL UINT32_MAX
struct vmsnd_mixer_place {
	unsigned card;
	enum vmsnd_dir dir;
	unsigned stream;
};
enum vmsnd_rc vmsnd_machine_mixer(const struct vmsnd_machine *machine,
				  const struct vmsnd_mixer_place *place, struct vmsnd_mixer *out);
enum vmsnd_rc vmsnd_machine_mixer_set(struct vmsnd_machine *machine,
				      const struct vmsnd_mixer_place *place,
				      const struct vmsnd_mixer *mixer, vmsnd_ns now);

/* Jacks of a card. One that is configured with an output follows it: plugged in while the output
 * works, pulled out once it has not worked for three seconds, and plugged in again once it has for
 * one. PLUGGED and UNPLUGGED: by the owner's hand, until FOLLOW. */
enum vmsnd_jack_want { VMSND_JACK_FOLLOW, VMSND_JACK_PLUGGED, VMSND_JACK_UNPLUGGED };
struct vmsnd_jack_status {
	struct vmsnd_jack jack;
	enum vmsnd_jack_want want; /* FOLLOW also of one that follows nothing and was never set */
};
/* VMSND_E_INVALID: the card has no such jack; they count from 0. */
enum vmsnd_rc vmsnd_machine_jack(const struct vmsnd_machine *machine, unsigned card, unsigned jack,
				 struct vmsnd_jack_status *out);
/* VMSND_E_INVALID: the card has no jack of this name; VMSND_E_UNSUPPORTED: it has no output that it
 * could follow. The guest is told at once. */
enum vmsnd_rc vmsnd_machine_jack_set(struct vmsnd_machine *machine, unsigned card, const char *name,
				     enum vmsnd_jack_want want, vmsnd_ns now);

/* Debug taps: what goes by, into a sound file, while it is set. VMSND_TAP_DEVICE: what the device
 * handed in, or took out; VMSND_TAP_HOST: what output 0 took, or handed in, silence included.
 * `path` NULL switches it off. VMSND_E_INVALID: no such stream; other codes: the file. */
enum vmsnd_tap { VMSND_TAP_DEVICE, VMSND_TAP_HOST, VMSND_TAP_COUNT };
struct vmsnd_tap_conf {
	enum vmsnd_dir dir;
	unsigned stream;
	enum vmsnd_tap point;
	const char *path;
};
enum vmsnd_rc vmsnd_machine_tap(struct vmsnd_machine *machine, unsigned card,
				const struct vmsnd_tap_conf *tap, vmsnd_ns now);
/* Those that are set: fills at most `max`, returns how many there are. A path is good until its
 * tap is set anew. */
size_t vmsnd_machine_taps(const struct vmsnd_machine *machine, unsigned card,
			  struct vmsnd_tap_conf *out, size_t max);

/* A driver as text: its class and its options. */
#define VMSND_DRIVER_TEXT_BYTES (VMSND_CLASS_NAME_BYTES + VMSND_CONF_TEXT_BYTES)

/* What an output is. Reading disturbs nobody. The texts are copies: an output may change at any
 * time, also because a reattach asked for earlier is done. Some 20 kB in all. */
struct vmsnd_output_status {
	const char *backend; /* the class' name */
	/* What it was attached with, and its drivers from top to bottom; "" after the last. */
	char text[VMSND_CONF_TEXT_BYTES];
	char drivers[VMSND_DRIVERS_MAX][VMSND_DRIVER_TEXT_BYTES];
	bool present; /* its card or server is there now */
	/* How often its list of host devices was found to be another one. */
	uint64_t device_changes;
	struct vmsnd_output_way { /* by enum vmsnd_dir */
		bool serves;
		/* UNKNOWN while it is away, and of a backend that does not tell (AT-05). */
		enum vmsnd_backend_status status;
	} ways[2];
};
/* VMSND_E_NO_OUTPUT. Numbers go up to VMSND_OUTPUTS_MAX - 1, with gaps. */
enum vmsnd_rc vmsnd_machine_output(const struct vmsnd_machine *machine, unsigned card,
				   unsigned output, struct vmsnd_output_status *out);
/* Whether the card's machine is suspended. */
enum vmsnd_rc vmsnd_machine_paused(const struct vmsnd_machine *machine, unsigned card, bool *on);

/* What stands before a card's guest memory, and what is written down of it (docs/tracing.md). */
struct vmsnd_guard_status {
	bool trusted;
	uint64_t refusals; /* accesses to guest memory that were refused; of a card that is not
			    * trusted or is traced */
	const char *trace; /* path of the file, good until the card is removed; NULL: not traced */
	uint64_t records, lost; /* of the trace; lost ones found no room */
};
/* VMSND_E_NO_CARD. */
enum vmsnd_rc vmsnd_machine_guard(const struct vmsnd_machine *machine, unsigned card,
				  struct vmsnd_guard_status *out);

/* What one stream is on one output. Reading disturbs nobody. */
struct vmsnd_stream_status {
	enum vmsnd_dir dir;
	unsigned stream, output;
	const char *backend;      /* the class' name */
	const char *host, *state; /* "running"; "PLAY": constant words of docs/connector.md */
	struct vmsnd_format guest_format; /* rate 0: not prepared */
	struct vmsnd_format host_format;  /* rate 0: not open */
	bool exact;                       /* samples pass as they are */
	struct vmsnd_volume volume;
	uint64_t frames_in, frames_out, dropped_frames, silence_frames, xruns, xrun_frames;
	uint32_t fill_frames;
	uint64_t latency_ns, latency_min_ns, latency_max_ns;
	double drift_ppm, bend_ppm;
	uint64_t opens, losses;
	struct vmsnd_stream_place place; /* on the host, as far as its backend tells */
	/* The last changes of `host`, newest first, at most VMSND_STREAM_CHANGES of them. */
	unsigned n_changes;
	struct vmsnd_stream_change {
		vmsnd_ns when; /* the lane's time */
		const char *to;
	} changes[16];
};
/* Fills at most `max`, returns how many there are: one for each stream and output. */
size_t vmsnd_machine_streams(const struct vmsnd_machine *machine, unsigned card,
			     struct vmsnd_stream_status *out, size_t max);

/* Devices of an output's host, as last looked at: a look is under way from attach on, after every
 * notice of the host, and when refresh is called. */
size_t vmsnd_machine_host_devices(const struct vmsnd_machine *machine, unsigned card,
				  unsigned output, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned card,
					 unsigned output, vmsnd_ns now);
/* What an output's host tells of itself: whose server it is, through which socket, its default
 * devices, what is wrong and what to do. It is asked by a worker, as it may take two seconds: ask
 * begins that, VMSND_E_AGAIN: nobody is free to do it; VMSND_E_UNSUPPORTED: its backend tells
 * nothing. facts fills at most *n and sets *n to how many it filled: VMSND_E_AGAIN: they are not
 * there yet; VMSND_E_UNSUPPORTED also: nobody asked. */
#define VMSND_HOST_FACTS_MAX 32u
enum vmsnd_rc vmsnd_machine_host_ask(struct vmsnd_machine *machine, unsigned card, unsigned output,
				     vmsnd_ns now);
enum vmsnd_rc vmsnd_machine_host_facts(const struct vmsnd_machine *machine, unsigned card,
				       unsigned output, struct vmsnd_fact *out, size_t *n);
/* Turns the volume of the output's streams of a direction in the host's own mixer, as the host's
 * user would there; vmsnd_machine_streams has it (place) when the host has done it. It is the
 * host's to keep, or not: nothing is remembered here. VMSND_E_UNSUPPORTED: the host has no volume
 * for a stream; VMSND_E_GONE: no stream is open there now; VMSND_E_AGAIN: one has not come up yet;
 * VMSND_E_INVALID also for nothing to set, or a gain beyond VMSND_GAIN_MAX_MDB. */
enum vmsnd_rc vmsnd_machine_host_volume(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir,
					const struct vmsnd_host_volume *want);
/* Has the output's streams of a direction moved to another host device; NULL: the default one.
 * VMSND_E_UNSUPPORTED: this backend has no devices to choose from; VMSND_E_AGAIN: a reattach of the
 * output is under way. */
enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now);

/* A card's name, NULL when there is none of this number. Good until it is removed. Numbers go up to
 * vmsnd_machine_cards_end - 1, with gaps where cards were removed. */
const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned card);
unsigned vmsnd_machine_cards_end(const struct vmsnd_machine *machine);
/* VMSND_E_NO_CARD. */
enum vmsnd_rc vmsnd_machine_card_find(const struct vmsnd_machine *machine, const char *name,
				      unsigned *card);
/* What devices, backends and so on this machine knows. */
struct vmsnd_registry *vmsnd_machine_registry(const struct vmsnd_machine *machine);

/* The guest's side of a card whose guest is in this process (a virtio card, transport
 * "in-process"); VMSND_E_INVALID for another. Its functions may be called from any thread, such as
 * a virtual CPU's. Good until the card is removed. */
enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out);

/* ---- embedding: a card whose guest is a VMM's in this process (docs/embedding.md) ----------- */

/* The card's registers (transport "virtio-mmio"); VMSND_E_INVALID for another. Its functions may be
 * called from any thread, such as a virtual CPU's. Good until the card is removed. */
enum vmsnd_rc vmsnd_machine_mmio_bus(struct vmsnd_machine *machine, unsigned card,
				     struct vmsnd_mmio_bus *out);
/* A PCI card (transport "in-process"); VMSND_E_INVALID for another. Likewise. Configuration space,
 * with the sizes of BARs, is the card's; where BARs are is the VMM's to see to, which calls with
 * offsets in them. */
enum vmsnd_rc vmsnd_machine_pci_bus(struct vmsnd_machine *machine, unsigned card,
				    struct vmsnd_pci_bus *out);
/* Tells `to` (copied; NULL: nobody any more) of each change of the card's interrupt line, and at
 * once if it is high. Once this returns, nobody told before is called again. VMSND_E_INVALID: the
 * guest is not in this process. See struct vmsnd_interrupt for what it must not do. */
enum vmsnd_rc vmsnd_machine_interrupt(struct vmsnd_machine *machine, unsigned card,
				      const struct vmsnd_interrupt *to);
/* Guest memory that the card may reach, at any time, also while it plays. Once remove returns it is
 * not touched any more and may be unmapped; queues in it fall silent until the guest's driver
 * resets the card. The rules are those of vmsnd_gmem_add and _remove. VMSND_E_INVALID also: the
 * guest is not in this process. */
enum vmsnd_rc vmsnd_machine_memory_add(struct vmsnd_machine *machine, unsigned card,
				       const struct vmsnd_region *region, vmsnd_ns now);
enum vmsnd_rc vmsnd_machine_memory_remove(struct vmsnd_machine *machine, unsigned card,
					  vmsnd_gpa gpa, uint64_t bytes, vmsnd_ns now);

/* Answers what is pending, closes files and servers, removes socket files. A host that does not
 * answer within two seconds is left behind, with what a worker may still use: the machine's memory
 * and its registry's modules. The log says so. */
void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now);

#ifdef __cplusplus
}
#endif
#endif
