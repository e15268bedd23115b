/* SPDX-License-Identifier: BSD-3-Clause */
/* The connector: what stands between a device's stream and host streams.
 *
 * A port is one stream of a device. It has up to VMSND_PORT_LUNS_MAX units (LUNs, in the words
 * of the reference), each with a host stream of its own: for playback, outputs that all play the
 * same; for capture, inputs that are added up. Unit 0 sets the pace: the device writes into, or
 * reads from, its ring. The others follow. While unit 0 has no host that works, a clock
 * stands in for it, so the guest's time never stops.
 *
 * The device's half of a port is in vmsnd/device.h; this is the half the manager uses. All on the
 * lane, but what ends in _rt. docs/connector.md has the state machines. */
#ifndef VMSND_CONNECTOR_CONNECTOR_H
#define VMSND_CONNECTOR_CONNECTOR_H

#include "base/job.h"
#include "pcm/codec.h"
#include "pcm/resample.h"
#include "vmsnd/backend.h"
#include "vmsnd/device.h"

/* The longest guest buffer that a port takes unless it is told another: Linux' virtio-snd asks for
 * at most 160 ms of 192 kHz, 8 channels, 32 bits, which is 983 040 bytes. */
#define VMSND_PORT_RING_BYTES (1024u * 1024u)
#define VMSND_PORT_LUNS_MAX   10u

/* The states of the reference, of one unit. PREBUF_COMMITTING is missing: with one ring there is
 * nothing to commit. */
enum vmsnd_play_state {
	VMSND_PLAY_NOPLAY,
	VMSND_PLAY_PREBUF,
	VMSND_PLAY_PREBUF_OVERDUE,
	VMSND_PLAY_PREBUF_SWITCHING,
	VMSND_PLAY_PLAY,
	VMSND_PLAY_PLAY_PREBUF
};
enum vmsnd_capture_state {
	VMSND_CAPTURE_NO_CAPTURE,
	VMSND_CAPTURE_PREBUF,
	VMSND_CAPTURE_CAPTURING
};

/* What a unit's host stream is (CON-13..15, CON-20..23, RI). */
enum vmsnd_host_state {
	VMSND_HOST_NONE,    /* nothing open and nothing wanted, or nothing there to open */
	VMSND_HOST_OPENING, /* on a worker, or opened and still initializing */
	VMSND_HOST_READY,   /* open, stopped */
	VMSND_HOST_RUNNING,
	VMSND_HOST_CLOSING, /* on a worker */
	VMSND_HOST_LOST     /* failed or gone; tried again (RI-02) */
};
const char *vmsnd_play_state_name(enum vmsnd_play_state state);
const char *vmsnd_capture_state_name(enum vmsnd_capture_state state);
const char *vmsnd_host_state_name(enum vmsnd_host_state state);

/* ---- what the connector asks of the world ---- */

struct vmsnd_connector_env {
	void *ctx;
	/* Has job->run called on another thread, then sets job->done and calls wake. NULL, or
	 * false: no thread to spare, and the caller does it by itself (TH-07). */
	bool (*submit)(void *ctx, struct vmsnd_job *job);
	/* Any thread but an audio one: have the lane come by soon. May be NULL in tests. */
	void (*wake)(void *ctx);
	/* For hosts: the calling thread moves sound from now on (MX-38). May be NULL. */
	void (*audio_thread)(void *ctx);
	const struct vmsnd_resampler_class *rates; /* NULL: no rate conversion */
	enum vmsnd_cpu cpu;
};

/* ---- ports ---- */

struct vmsnd_lun;

/* What the device does with its port (vmsnd/device.h). */
enum vmsnd_port_call_what {
	VMSND_PORT_CALL_HINT,
	VMSND_PORT_CALL_PREPARE,
	VMSND_PORT_CALL_FITS,
	VMSND_PORT_CALL_START,
	VMSND_PORT_CALL_STOP,
	VMSND_PORT_CALL_DRAIN,
	VMSND_PORT_CALL_RELEASE,
	VMSND_PORT_CALL_WANTED,
	VMSND_PORT_CALL_BEGIN,
	VMSND_PORT_CALL_COMMIT,
	VMSND_PORT_CALL_DONE_FRAMES,
	VMSND_PORT_CALL_DELAY_FRAMES,
	VMSND_PORT_CALL_DUE
};
/* One call, as it ended. */
struct vmsnd_port_call {
	enum vmsnd_port_call_what what;
	const struct vmsnd_stream_params *params; /* NULL: it has none */
	uint64_t frames;                          /* as they were asked for */
	uint64_t result;                          /* a code as 64 bits with its sign */
};
/* Told of each, on the lane; does not call back. */
struct vmsnd_port_watch {
	void *ctx;
	void (*told)(void *ctx, const struct vmsnd_port_call *call);
};

struct vmsnd_port_conf {
	enum vmsnd_dir dir;
	bool enabled;                          /* the owner's switch (design, idea 8) */
	const struct vmsnd_connector_env *env; /* outlives the port */
	void *ring_storage;                    /* ring_bytes, aligned to 64, zeroed */
	uint32_t ring_bytes;                   /* a power of two; 0: VMSND_PORT_RING_BYTES */
	const struct vmsnd_port_watch *watch;  /* outlives the port; NULL: nobody watches */
};

/* Storage for one port. */
size_t vmsnd_port_footprint(void);
/* In zeroed storage of that size, aligned to 64. `conf` is copied. No units yet. */
void vmsnd_port_init(struct vmsnd_port *port, const struct vmsnd_port_conf *conf);
/* The VMM left: releases, closes the host streams (slow ones in the background). The port can be
 * prepared again; its units stay. */
void vmsnd_port_close(struct vmsnd_port *port, vmsnd_ns now);
/* Calls take effect at once, only frames handed over by vmsnd_port_commit are seen by the next
 * advance: call it after the device had its turn, too. Calling twice at one time is free.
 *
 * Catch up: pre-buffer deadlines, the clock that stands in for a missing host, drains, opens and
 * closes that workers finished, retries. Returns when to be called next or VMSND_NEVER. */
vmsnd_ns vmsnd_port_advance(struct vmsnd_port *port, vmsnd_ns now);
/* The owner's switch, at any time. Off: output is swallowed, input is silence, both in
 * real time, and the host streams of every unit are closed; on: pre-buffering starts anew. */
void vmsnd_port_enable(struct vmsnd_port *port, bool on, vmsnd_ns now);
/* The machine is suspended: hosts stop, no clock goes on, no state changes; and goes on
 * (CON-11). Time in between is not counted anywhere (CAx-1). */
void vmsnd_port_pause(struct vmsnd_port *port, bool on, vmsnd_ns now);
/* ---- units ---- */

enum vmsnd_lun_role {
	VMSND_LUN_NORMAL,     /* an output, or an input */
	VMSND_LUN_TAP_DEVICE, /* plays what the device handed in, or took out */
	VMSND_LUN_TAP_HOST    /* plays what unit 0's host took, or handed in, silence included */
};

/* 0 in each: as the guest has it. What is no PCM is never in another format than the guest's.
 * VMSND_PREBUFFER_UNSET: see docs/connector.md. (KEY-05 .. 12) */
#define VMSND_PREBUFFER_UNSET UINT32_MAX
struct vmsnd_lun_prefs {
	enum vmsnd_sample sample; /* VMSND_SAMPLE_COUNT: as the guest has it */
	uint32_t rate_hz, channels;
	uint32_t period_ms, buffer_ms, prebuffer_ms;
	enum vmsnd_quality quality;
	bool no_dither;
	bool big_endian; /* KEY-08: the host's samples */
	/* KEYx-4. retry_s: the longest time between tries of a lost host (0: 5). drain_ms: how long
	 * a host may take over its last frames beyond its delay (0: 2000). no_refill: after an
	 * underrun the next frames are played at once, without gathering a threshold. */
	uint32_t retry_s, drain_ms;
	bool no_refill;
};

/* What stands between the host's blocks and their conversion: the drivers of a chain. Not called
 * while the stand-in works, nor for taps, nor for what is no PCM. */
struct vmsnd_insert {
	void *ctx;
	/* On the lane, before the first stream_start of each stream that is opened, process_rt not
	 * being under way. With what it was last told, too: what it holds may then stay.
	 * `max_frames`: no call of process_rt has more. */
	void (*prepare)(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
			uint32_t max_frames);
	/* In place, every block: playback, silence too, before the host takes it; capture after it
	 * gave it. */
	void (*process_rt)(void *ctx, void *samples, uint32_t frames);
	/* What it adds to the way of a frame, of the host's. At the end of a drain so much silence
	 * follows the sound. NULL: nothing. */
	uint32_t (*delay_frames_rt)(void *ctx);
};

struct vmsnd_lun_conf {
	enum vmsnd_lun_role role;
	const struct vmsnd_backend_class *backend;
	struct vmsnd_backend *host;        /* NULL: not there yet (vmsnd_lun_attach) */
	const struct vmsnd_insert *insert; /* outlives the unit; NULL: none */
	struct vmsnd_lun_prefs prefs;
	struct vmsnd_volume volume;
	void *ring_storage; /* as long as the port's, aligned to 64, zeroed; NULL for unit 0 */
	uint32_t mixer_bit; /* capture: which of struct vmsnd_mixer's sources it is */
};

size_t vmsnd_lun_footprint(void);
/* Puts a unit into place `index` (below VMSND_PORT_LUNS_MAX) in zeroed storage of that size,
 * aligned to 64, while the port does whatever it does. VMSND_E_INVALID: the place is taken. */
enum vmsnd_rc vmsnd_port_add(struct vmsnd_port *port, unsigned index, struct vmsnd_lun *lun,
			     const struct vmsnd_lun_conf *conf, vmsnd_ns now);
/* Takes it out; the others do not notice. Its storage may be freed, and its backend closed, once
 * vmsnd_lun_gone says so: a slow close may still be under way. */
void vmsnd_port_remove(struct vmsnd_port *port, unsigned index, vmsnd_ns now);
bool vmsnd_lun_gone(struct vmsnd_lun *lun);
/* The unit in a place; NULL: none. */
struct vmsnd_lun *vmsnd_port_lun(const struct vmsnd_port *port, unsigned index);

/* Another backend, or none (NULL), under a unit that plays on meanwhile into nothing. The old
 * one may be closed once vmsnd_lun_detached says so (TH-10, AT-02). */
void vmsnd_lun_attach(struct vmsnd_lun *lun, struct vmsnd_backend *host, vmsnd_ns now);
bool vmsnd_lun_detached(const struct vmsnd_lun *lun);

/* Make before break (DM-73). Opens a stream on another backend beside the one that plays, as far as
 * a stream is wanted now; READY once it is open and initialized, or none is wanted. Nothing that
 * plays notices. A guest that prepares anew meanwhile has it opened anew. FAILED: it was refused,
 * or has ended since; that is not tried again here. One at a time: VMSND_E_AGAIN until
 * vmsnd_lun_next_over says so of what was before. */
struct vmsnd_lun_next_conf {
	const struct vmsnd_backend_class *backend;
	struct vmsnd_backend *host; /* NULL: not there; READY at once, and lost after the change */
	const struct vmsnd_insert *insert;
	struct vmsnd_lun_prefs prefs;
};
enum vmsnd_lun_next { VMSND_NEXT_NONE, VMSND_NEXT_OPENING, VMSND_NEXT_READY, VMSND_NEXT_FAILED };
enum vmsnd_rc vmsnd_lun_next(struct vmsnd_lun *lun, const struct vmsnd_lun_next_conf *conf,
			     vmsnd_ns now);
enum vmsnd_lun_next vmsnd_lun_next_state(const struct vmsnd_lun *lun);
/* When READY: the old host stream stops, the new one starts where it was, both within this call;
 * the frames in the ring stay in order, none lost, none twice. When not READY: at once, too; the
 * stand-in goes on until it is open, and what FAILED is tried as a lost one. An input beside unit 0
 * whose frames are being added at this very moment changes over a millisecond later. The old stream
 * is closed then; both backends' leftovers are gone once vmsnd_lun_next_over says so. The old
 * insert is not used any more from then on. */
void vmsnd_lun_change_over(struct vmsnd_lun *lun, vmsnd_ns now);
/* Closes what was opened and forgets it; the new backend may be closed once vmsnd_lun_next_over. */
void vmsnd_lun_next_drop(struct vmsnd_lun *lun, vmsnd_ns now);
bool vmsnd_lun_next_over(const struct vmsnd_lun *lun);
/* Closes the host stream and opens another at once: the device was changed (PL-17, RI-02). */
void vmsnd_lun_reopen(struct vmsnd_lun *lun, vmsnd_ns now);
/* If it is lost: tries again now. */
void vmsnd_lun_retry(struct vmsnd_lun *lun, vmsnd_ns now);
void vmsnd_lun_volume(struct vmsnd_lun *lun, const struct vmsnd_volume *volume);

/* ---- what is going on ---- */

#define VMSND_LUN_CHANGES_MAX 16u

struct vmsnd_lun_change {
	vmsnd_ns when;
	uint8_t from, to; /* enum vmsnd_host_state */
};

/* Read on the lane; the audio threads are not disturbed. Frames are of the guest's rate on the
 * ring's side, of the host's on the host's. */
struct vmsnd_lun_status {
	enum vmsnd_host_state host;
	enum vmsnd_play_state play;       /* playback */
	enum vmsnd_capture_state capture; /* capture */
	struct vmsnd_format format;       /* the host's; rate 0: none open */
	bool exact;                       /* samples pass as they are */
	bool unfit; /* the guest's format is no PCM and the host does not take it */
	struct vmsnd_volume volume;
	uint64_t frames_in, frames_out; /* into, out of the ring */
	uint64_t dropped_frames;        /* swallowed by the stand-in, or for want of room */
	uint64_t silence_frames;        /* given in place of sound */
	uint64_t xruns, xrun_frames;    /* holes in the sound */
	uint64_t blocks, host_gaps;
	uint32_t fill_frames, fill_min_frames, fill_max_frames;
	uint64_t latency_ns, latency_min_ns, latency_max_ns; /* ring, conversion and host */
	double drift_ppm;              /* the host's clock against the lane's */
	double bend_ppm;               /* what a follower's rate is bent by */
	uint64_t opens, losses, tries; /* tries: since it last worked */
	vmsnd_ns retry;                /* when next; VMSND_NEVER */
	unsigned n_changes;            /* in all; the newest VMSND_LUN_CHANGES_MAX are kept */
	struct vmsnd_lun_change changes[VMSND_LUN_CHANGES_MAX]; /* [n % MAX] */
};

void vmsnd_lun_status(const struct vmsnd_lun *lun, struct vmsnd_lun_status *out);
/* Where its host stream is; all empty while there is none, or its backend does not tell. */
void vmsnd_lun_place(const struct vmsnd_lun *lun, struct vmsnd_stream_place *out);
/* As the class's stream_volume_set; VMSND_E_GONE: there is no host stream. */
enum vmsnd_rc vmsnd_lun_host_volume(struct vmsnd_lun *lun, const struct vmsnd_host_volume *want);

/* Of unit 0; NOPLAY, NO_CAPTURE without one. */
enum vmsnd_play_state vmsnd_port_play_state(const struct vmsnd_port *port);
enum vmsnd_capture_state vmsnd_port_capture_state(const struct vmsnd_port *port);

/* The stream's state as a device sees it (CON-20..23). */
enum vmsnd_port_state {
	VMSND_PORT_INACTIVE, /* not started, or the direction is off */
	VMSND_PORT_ACTIVE,   /* ENABLED_READABLE, ENABLED_WRITABLE */
	VMSND_PORT_NOT_WORKING,
	VMSND_PORT_NEEDS_REINIT
};
enum vmsnd_port_state vmsnd_port_state(const struct vmsnd_port *port);

/* Figures of unit 0 and its stand-in; fills at most `max`, returns how many there are. All but
 * fill_min go up over the port's life. "frames": left for the host or swallowed, or came into the
 * ring; "dropped_frames": those of them that were swallowed, and recorded ones that found no room;
 * "silence_frames": given in place of sound; "underruns", "underrun_frames": holes in the sound,
 * with sound before and after; "overruns", "overrun_frames": recorded frames that found no room;
 * "blocks", "host_gaps"; "fill_min", "fill_max": frames in the ring when a block was due; "starts",
 * "hosts_opened", "hosts_lost", "host_stalls". docs/connector.md explains them. */
size_t vmsnd_port_counters(const struct vmsnd_port *port, struct vmsnd_counter *out, size_t max);

/* ---- saved state ---- */

#define VMSND_PORT_STATE_MAJOR 1u
#define VMSND_PORT_STATE_MINOR 1u

/* What a paused port is and what its ring holds: phase, parameters, positions, what was counted,
 * its units' volume and what is in their rings. Neither host streams nor the owner's switch are
 * part of it. */
void vmsnd_port_save(const struct vmsnd_port *port, struct vmsnd_state_writer *to);
/* Into a port just initialized, with its units in place; it is paused then, whatever was saved.
 * Units that are not in the state begin empty; those that are in it and not here are skipped.
 * VMSND_E_DAMAGED: a value that cannot be, or another direction; VMSND_E_INVALID: it was prepared
 * already. The port is as it was then. */
enum vmsnd_rc vmsnd_port_load(struct vmsnd_port *port, struct vmsnd_state_reader *from,
			      uint16_t minor, vmsnd_ns now);

#endif
