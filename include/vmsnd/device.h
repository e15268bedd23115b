/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/device.h - what a device model is, and all it may ask for.
 *
 * A model is a state machine and nothing else. It has no thread, clock, lock,
 * heap or descriptor. Time arrives as an argument and effects leave through
 * struct vmsnd_dev_env and the ports, so one list of calls always yields one list
 * of effects, whether a VM or a test makes them.
 *
 * Threads: all calls for one device come from its lane, one at a time.
 * Guests:  no guest action may trip an assert, index a table unchecked or make
 *          a call run longer than its budget. */
#ifndef VMSND_DEVICE_H
#define VMSND_DEVICE_H

#include "config.h"
#include "life.h"
#include "state.h"
#include "status.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_DEV_ABI 4u

struct vmsnd_dev;   /* the model's private state, placed in caller storage */
struct vmsnd_gmem;  /* see transport.h */
struct vmsnd_node;  /* see tree.h */
struct vmsnd_port;  /* one stream's end of the connector, single writer */
struct vmsnd_error; /* see tree.h */

/* ---- ports: a stream as its device sees it ----------------------------------
 *
 * Playback: prepare, begin/commit frames, start; frames leave for the host in real
 * time; done_frames tells how many. Capture is the mirror image: after start, frames
 * come in real time and begin/commit takes them out. All on the lane. */

struct vmsnd_stream_params {
	struct vmsnd_format format;
	uint32_t buffer_frames; /* the most the guest will ever have posted */
	uint32_t period_frames; /* how much it hands over at a time */
};

/* A stream like this will soon be prepared: hosts may warm up. Always legal. */
void vmsnd_port_hint(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
		     vmsnd_ns now);
/* Empties the ring, zeroes the positions and asks for host streams. Hosts that are not there,
 * refuse or take their time are no failure: the guest's time goes on without them. Legal when not
 * running: VMSND_E_INVALID. VMSND_E_UNSUPPORTED: not a format; VMSND_E_NOMEM: buffer_frames
 * exceeds the ring's storage. The port is then unprepared. */
enum vmsnd_rc vmsnd_port_prepare(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
				 vmsnd_ns now);
/* Whether prepare would accept this; changes nothing. */
bool vmsnd_port_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params);
/* Runs, pre-buffering first. On an unprepared port VMSND_E_INVALID. While draining it
 * goes on as if drain had not been called. */
enum vmsnd_rc vmsnd_port_start(struct vmsnd_port *port, vmsnd_ns now);
/* The host reads or writes no further frame once this returns; the ring keeps what it
 * holds and start goes on with it. Legal in every state. */
void vmsnd_port_stop(struct vmsnd_port *port, vmsnd_ns now);
/* Playback: every frame handed over is played, then the port stops by itself.
 * Capture: the same as stop. */
void vmsnd_port_drain(struct vmsnd_port *port, vmsnd_ns now);
/* Stops, drops what the ring holds and unprepares. Host streams stay open, stopped, so that
 * a prepare with the same parameters (a guest's recovery from an xrun) goes on in the same
 * file or client; other parameters, the owner's switch and the port's close close them, and
 * those of capture are closed after 5 s. Legal in every state. */
void vmsnd_port_release(struct vmsnd_port *port, vmsnd_ns now);

/* Playback: frames the ring would like now (about two periods less what it holds),
 * 0 when it has enough. Capture: frames that can be taken out now. */
uint32_t vmsnd_port_wanted(const struct vmsnd_port *port);
/* Hands out at most `frames` contiguous frames of the ring (0 when full or empty) and
 * where they lie. Playback may go beyond `wanted`, up to the whole ring. The pointer
 * is good until the matching commit. Wait-free. */
uint32_t vmsnd_port_begin(struct vmsnd_port *port, uint32_t frames, void **at);
void vmsnd_port_commit(struct vmsnd_port *port, uint32_t frames);

/* What the guest has prepared the port with; false: it has not. */
bool vmsnd_port_params(const struct vmsnd_port *port, struct vmsnd_stream_params *out);

/* Frames since prepare that have left the ring (playback: for the host, or swallowed where there is
 * none) or come into it (capture). Silence put in for want of frames does not count. */
uint64_t vmsnd_port_done_frames(const struct vmsnd_port *port);
/* Playback: from leaving the ring to the speaker. Capture: from the microphone to the
 * ring, plus what the ring holds. */
uint32_t vmsnd_port_delay_frames(const struct vmsnd_port *port);
/* When `done_frames` is expected to reach `frames`; VMSND_NEVER when the lane calls the
 * device after every block anyway, or the port does not run. */
vmsnd_ns vmsnd_port_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now);
/* Holes in the sound since the port was made: the guest was late (playback), or took too little
 * out (capture). */
uint64_t vmsnd_port_xruns(const struct vmsnd_port *port);
/* Frames a second that unit 0's host really moves, by the lane's clock; the nominal rate while no
 * host runs; never more than 0.5 % off. 0 while the card stands still, or the port is not prepared.
 * The pace of devices that keep time themselves (idea 4). */
double vmsnd_port_rate_hz(const struct vmsnd_port *port);

/* What the guest's mixer says of a stream. It belongs to the port, survives prepare and release,
 * and both sides turn it: the guest through its device, the owner through the machine. Applied to
 * every output or input of the stream, on top of that one's own volume (a ramp of 10 ms). */
struct vmsnd_mixer {
	struct vmsnd_volume volume;
	uint32_t sources; /* capture: bit n: input n is heard; all ones: every one */
};
void vmsnd_port_mixer(const struct vmsnd_port *port, struct vmsnd_mixer *out);
/* Legal in every state. */
void vmsnd_port_mixer_set(struct vmsnd_port *port, const struct vmsnd_mixer *mixer, vmsnd_ns now);

/* ---- the world, as seen from a model ---------------------------------------- */

/* What a guest did wrong. Counted by the model; told to the owner once each. */
enum vmsnd_fault {
	VMSND_FAULT_RING,         /* virtqueue structure outside memory, or an index jump */
	VMSND_FAULT_CHAIN,        /* loop, out-of-range next, nested or misshaped indirect */
	VMSND_FAULT_DATA_ADDRESS, /* a buffer outside guest memory */
	VMSND_FAULT_REQUEST,      /* malformed control request */
	VMSND_FAULT_STATE,        /* a request the stream's state does not allow */
	VMSND_FAULT_MESSAGE,      /* malformed or misdirected data message */
	VMSND_FAULT_REGISTER,     /* a register that is not there, or not like this */
	VMSND_FAULT_LIST,         /* a list of buffer descriptors outside guest memory */
	VMSND_FAULT_COUNT
};
/* A constant phrase. Any thread. */
const char *vmsnd_fault_text(enum vmsnd_fault fault);

/* An interrupt as a write to memory (PCI 3.0, 6.8). A transport whose VMM knows where it goes needs
 * the vector only. */
struct vmsnd_msi {
	unsigned vector; /* 0: the first */
	uint64_t address;
	uint32_t data;
};

/* Borrowed for the life of the device. Functions are called on the lane and must not
 * call back into the device. */
struct vmsnd_dev_env {
	void *ctx;
	struct vmsnd_gmem *mem;
	/* Interrupt of a virtio card: the number of the queue with new used buffers. */
	void (*notify)(void *ctx, unsigned vector);
	/* Interrupts of a PCI card. The level of its INTx line; told of changes only. */
	void (*line)(void *ctx, bool high);
	/* A message, while the guest has MSI enabled. */
	void (*message)(void *ctx, const struct vmsnd_msi *message);
	/* Port of a stream, fixed for the life of the device, never NULL for an index
	 * below the configured count. */
	struct vmsnd_port *(*port)(void *ctx, enum vmsnd_dir dir, unsigned index);
	void (*guest_fault)(void *ctx, enum vmsnd_fault what, uint64_t detail);
	/* What config_read shows is another now. May be NULL. */
	void (*config_changed)(void *ctx);
	/* The guest has set the mixer of a stream. May be NULL. */
	void (*mixer_changed)(void *ctx, enum vmsnd_dir dir, unsigned index);
};

struct vmsnd_dev_conf {
	const char *name; /* unique in the machine; valid only during init */
	unsigned playback_streams, capture_streams;
	const struct vmsnd_conf *options;
	/* Its part of the configuration, with what has no place among options; it cannot be left
	 * upwards (CF-03). May be NULL. See tree.h. */
	const struct vmsnd_node *node;
};

enum vmsnd_reset {
	VMSND_RESET_POWER_ON,
	VMSND_RESET_BUS,       /* the guest's driver reset the card */
	VMSND_RESET_PEER_LOST, /* the VMM left; guest memory is gone already */
	VMSND_RESET_SHUTDOWN   /* the card leaves a guest that may run, or is powered off: what is
				* pending is given back first */
};

/* ---- virtio cards ------------------------------------------------------------ */

#define VMSND_QUEUE_SIZE_MAX 1024u

struct vmsnd_queue_setup {
	uint16_t size;               /* entries; a power of two, 1 .. VMSND_QUEUE_SIZE_MAX */
	vmsnd_gpa desc, avail, used; /* packed: descriptor ring, driver and device event areas */
	/* Split rings: the first entry of the available ring to look at, 16 bits. Packed ones: bits
	 * 0..14 the first descriptor to look at, bit 15 its wrap counter, 16..30 where the next
	 * used one goes, 31 its wrap counter (as vhost-user has it). */
	uint32_t next_avail;
};

/* A piece of memory, shared with the VMM and not with the guest, where a card notes what is under
 * way, so that a process that takes over from one that died loses no buffer and completes none
 * twice. It comes as a memory of its own, through the checked accessors. */
struct vmsnd_inflight {
	struct vmsnd_gmem *mem;
	vmsnd_gpa at;
	uint64_t bytes;
	uint16_t n_queues, queue_size;
};

/* What a card on a virtio transport offers besides vmsnd_dev_class. */
struct vmsnd_virtio_ops {
	uint32_t device_id;
	unsigned n_queues;

	/* Bits 0..63 as virtio numbers them; without the transport's own (bit 30). */
	uint64_t (*features)(const struct vmsnd_dev *dev);
	/* Bits outside features() are ignored and counted. */
	void (*set_features)(struct vmsnd_dev *dev, uint64_t accepted);

	/* Any range is answered; what lies beyond the configuration reads as zero. */
	void (*config_read)(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes);

	/* VMSND_E_RANGE when the rings are not whole in guest memory, VMSND_E_INVALID for
	 * a size or alignment the standard forbids. A start whose next_avail is not what
	 * the last stop returned, or that comes with other features, is a new driver: the card
	 * is reset first. The queue is enabled once started. */
	enum vmsnd_rc (*queue_start)(struct vmsnd_dev *dev, unsigned queue,
				     const struct vmsnd_queue_setup *setup, vmsnd_ns now);
	/* Returns the next_avail to go on with: no buffer is lost, none completed twice,
	 * if a later queue_start is given it. Afterwards guest memory of this queue is
	 * not touched. Legal for a queue not started: what the last stop, or the state that
	 * was loaded, has for it. */
	uint32_t (*queue_stop)(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now);
	/* Off: nothing of this queue is looked at, and its streams fall silent at once,
	 * keeping their state; on: they go on. */
	void (*queue_enable)(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now);
	void (*kick)(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now);
	/* What queue_stop would return, without stopping. May be NULL of devices that are never
	 * saved. */
	uint32_t (*queue_place)(const struct vmsnd_dev *dev, unsigned queue);

	/* ---- all from here may be NULL ---- */

	/* The driver resets one queue (VIRTIO_F_RING_RESET): what it posted there is forgotten and
	 * never completed; guest memory of it is not touched afterwards. The rest of the card goes
	 * on. */
	void (*queue_reset)(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now);
	/* Bytes of an in-flight area for so many queues of this size; 0: cannot be. */
	uint64_t (*inflight_bytes)(const struct vmsnd_dev *dev, unsigned n_queues,
				   unsigned queue_size);
	/* From now on what is under way is noted there; `where` is copied, `mem` outlives its use.
	 * What an earlier process has left there is taken up as queues start, whatever their
	 * next_avail: streams go on, buffers that it had not given back are played or filled.
	 * VMSND_E_INVALID: a queue runs, or it is too small; nothing is noted then.
	 * VMSND_E_DAMAGED: what it holds of the streams cannot be; only the buffers are taken up.
	 * NULL: no more. A reset for VMSND_RESET_PEER_LOST and _SHUTDOWN lets go of it as it is;
	 * any other empties it. With it, _SHUTDOWN gives nothing back: the next process does. */
	enum vmsnd_rc (*inflight)(struct vmsnd_dev *dev, const struct vmsnd_inflight *where,
				  vmsnd_ns now);
};

/* ---- PCI cards ----------------------------------------------------------------- */

#define VMSND_PCI_BARS         6u
#define VMSND_PCI_CONFIG       7u /* the region that is configuration space; 0 .. 5: BARs */
#define VMSND_PCI_CONFIG_BYTES 256u

struct vmsnd_pci_bar {
	uint32_t bytes; /* a power of two; 0: the card does not have it */
	bool io;        /* ports; else memory: 32 bits, not prefetchable */
};

struct vmsnd_pci_access {
	unsigned region; /* a BAR, or VMSND_PCI_CONFIG */
	uint32_t bytes;  /* any number, on any boundary */
	uint64_t offset; /* in the region */
	vmsnd_ns now;
};

/* What a card on a PCI bus offers besides vmsnd_dev_class. Bytes are as on the bus:
 * little-endian. */
struct vmsnd_pci_ops {
	/* Fixed for the life of the device. `index` below VMSND_PCI_BARS. */
	void (*bar)(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out);
	/* Every access is answered. What is not there reads as all ones, writes to it do nothing;
	 * both are counted. Whether the guest has enabled a BAR's decoding is for the VMM to
	 * see to. A read brings the card to its time, and makes nothing due sooner than advance
	 * has said. */
	void (*read)(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to);
	void (*write)(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		      const void *from);
};

/* ---- what a card has besides streams -------------------------------------------- */

#define VMSND_JACK_NAME_BYTES 32u
#define VMSND_OUTPUT_NONE     UINT32_MAX

struct vmsnd_jack {
	char name[VMSND_JACK_NAME_BYTES]; /* the owner's */
	bool connected;                   /* as the guest sees it */
	bool dirs[2];                     /* by enum vmsnd_dir: which ways sound goes there */
	uint32_t output;     /* the output of the card that it follows, or VMSND_OUTPUT_NONE */
	uint32_t pin_config; /* HDA 7.3.3.31; as the guest has remapped it */
};

struct vmsnd_panel_ops {
	/* Copies jack `index`; false: there are not so many. */
	bool (*jack)(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_jack *out);
	/* Something was plugged in, or pulled out; the guest is told. */
	void (*jack_set)(struct vmsnd_dev *dev, unsigned index, bool connected, vmsnd_ns now);
	/* The owner has set the mixer of a stream's port; the guest is told. */
	void (*mixer_changed)(struct vmsnd_dev *dev, enum vmsnd_dir dir, unsigned index,
			      vmsnd_ns now);
};

/* Outputs and inputs of one card at a time. */
#define VMSND_OUTPUTS_MAX 8u

/* What the manager has to know of a stream before there is a device. */
struct vmsnd_stream_plan {
	/* Bit n: it plays on, or records from, output n; the lowest of these sets the pace. All
	 * ones: every one. */
	uint32_t outputs;
	uint32_t ring_bytes; /* the longest buffer its guest may ask for; 0: the usual */
};

/* What kind of device a class is; one bit at least (DM-05). The lowest orders the instances of a
 * machine (DM-32): buses come before what is plugged into them. Bits as the
 * reference has them, but the last, since C has no enumerator that large. */
enum vmsnd_dev_kind {
	VMSND_KIND_BUS = 1u << 2,
	VMSND_KIND_INPUT = 1u << 4,
	VMSND_KIND_AUDIO = 1u << 13,
	VMSND_KIND_MISC = 1u << 30
};

enum vmsnd_dev_flag { /* LC-02: the device hears of it before its drivers */
		      VMSND_DEV_FIRST_RESET = 1,
		      VMSND_DEV_FIRST_SUSPEND = 2,
		      VMSND_DEV_FIRST_POWER_OFF = 4
};

#define VMSND_CARDS_MAX 4096u /* in one machine */
/* Of one instance's state in storage (DM-07). */
#define VMSND_DEV_BYTES_MAX (16u * 1024u * 1024u)
/* What save may write, or the machine cannot be saved. Ring contents are not of it: they are the
 * connector's. */
#define VMSND_DEV_STATE_BYTES_MAX (1024u * 1024u)

struct vmsnd_dev_class {
	uint32_t abi;           /* VMSND_DEV_ABI; the manager refuses another */
	uint32_t kind;          /* of enum vmsnd_dev_kind */
	uint32_t flags;         /* of enum vmsnd_dev_flag */
	uint32_t max_instances; /* in one machine; 1 or more (DM-06) */
	const char *name, *summary;
	const struct vmsnd_option *options; /* may be NULL */
	/* One of the two. */
	const struct vmsnd_virtio_ops *virtio;
	const struct vmsnd_pci_ops *pci;
	/* By enum vmsnd_dir: streams of a card whose configuration does not say; 0: one. */
	uint8_t usual_streams[2];
	const struct vmsnd_panel_ops *panel; /* NULL: no jacks, no mixer that guests are told of */
	/* Names of children that a card's node may have for the device to read (conf.node); NULL
	 * after the last; NULL: none. */
	const char *const *children;

	/* Bytes of storage init() needs; 0 when the configuration makes no
	 * sense. The caller owns the storage (aligned to 64, zeroed) and frees it. */
	size_t (*footprint)(const struct vmsnd_dev_conf *conf);
	enum vmsnd_rc (*init)(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			      const struct vmsnd_dev_env *env, vmsnd_ns now);
	void (*reset)(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now);

	/* Catch up to `now`; say when to be called next, or VMSND_NEVER. While the
	 * guest does nothing, many small steps and one big one end alike. A result of
	 * `now` means there is more to do and the budget of one call is spent. */
	vmsnd_ns (*advance)(struct vmsnd_dev *dev, vmsnd_ns now);

	/* Fills at most `max` figures and returns how many there are in all. */
	size_t (*counters)(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max);

	/* ---- all from here may be NULL ---- */

	/* What tables cannot say of the configuration, and all of `children`; before any card is
	 * made. VMSND_E_INVALID: the line is in `error`. */
	enum vmsnd_rc (*check)(const struct vmsnd_dev_conf *conf, struct vmsnd_error *error);
	/* Of a configuration that is right; NULL: every output, the usual ring. */
	void (*plan)(const struct vmsnd_dev_conf *conf, enum vmsnd_dir dir, unsigned index,
		     struct vmsnd_stream_plan *out);

	/* Called once for every init, also for one that failed, so it copes with half of a
	 * construction (DM-39). Models that own nothing need none. */
	void (*fini)(struct vmsnd_dev *dev);
	/* Once all cards that are built together have been (DM-41). A failure ends the start. */
	enum vmsnd_rc (*init_complete)(struct vmsnd_dev *dev, vmsnd_ns now);
	enum vmsnd_rc (*life)(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now);

	/* Saved state. The format's version: load is given states of the same major only; those
	 * of a newer minor have more at their end, which it need not read. Loading happens right
	 * after init, while ports are loaded already; a device that refuses is as init left it.
	 * What it held of the guest's queues goes on where the guest's driver finds it: a
	 * queue_start with the saved next_avail is the same driver, any other a new one.
	 * VMSND_E_DAMAGED: a value that cannot be; VMSND_E_INVALID: a device that is configured
	 * otherwise. Without both, a machine with this device cannot
	 * be saved. */
	uint16_t state_major, state_minor;
	void (*save)(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to);
	enum vmsnd_rc (*load)(struct vmsnd_dev *dev, struct vmsnd_state_reader *from,
			      uint16_t minor, vmsnd_ns now);

	uint32_t
	    abi_end; /* VMSND_DEV_ABI once more: the record is as long as it should be (DM-03) */
};

#ifdef __cplusplus
}
#endif
#endif
