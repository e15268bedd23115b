/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port and its units are made of; for the files of this folder only. */
#ifndef VMSND_CONNECTOR_PORT_H
#define VMSND_CONNECTOR_PORT_H

#include "base/rate.h"
#include "base/ring.h"
#include "connector/connector.h"
#include "connector/dll.h"
#include "pcm/flow.h"

/* What the guest asked for, whether there is a host or not. The public states are derived
 * from this and from who takes the frames (status.c). */
enum vmsnd_port_phase {
	VMSND_PORT_IDLE,   /* not started, stopped, or drained */
	VMSND_PORT_PREBUF, /* started; playback waits for the threshold */
	VMSND_PORT_RUN,    /* frames move */
	VMSND_PORT_DRAIN   /* playback: moves until the ring is empty */
};

/* What the host's side may do with the ring; the only word the lane says to it. */
enum vmsnd_lun_gate { VMSND_GATE_SHUT, VMSND_GATE_OPEN, VMSND_GATE_DRAINING };

/* The host's side of a ring. Between stream_start and stream_stop only block_rt and ready_rt write
 * here; the lane reads the atomic figures at any time and sets up the rest while the host is
 * stopped. Figures but the _min ones go up only. */
struct vmsnd_path {
	alignas(64) _Atomic uint32_t gate; /* enum vmsnd_lun_gate; written by the lane */
	alignas(64) struct vmsnd_ring_end ring;
	struct vmsnd_format ring_format, format; /* format: of the host's blocks */
	uint32_t frame_bytes;                    /* of those */
	double ring_frame_ns, frame_ns;          /* the time of one of either */
	uint32_t ahead_frames; /* of the ring, that a conversion sees beyond what it makes */
	_Atomic uint32_t threshold_frames; /* of the ring, to go on with after an underrun */
	uint32_t waited_frames;            /* of the ring, since the underrun */
	bool waiting;                      /* PLx-7: for the threshold */
	bool refills;                      /* it does so after an underrun */
	bool sounding;                     /* a frame has moved since the host was started */
	bool overrunning;                  /* the last capture block did not fit */
	uint64_t gap_frames;               /* silence since the last frame that moved */
	struct vmsnd_dll dll;              /* the host's pace */
	struct vmsnd_pace pace;            /* of what comes into the ring of a unit above 0 */
	struct vmsnd_follow follow;        /* of what goes out of it */
	bool follows;                      /* playback: its rate is bent */
	/* The drivers; set before the host starts. insert_frames: what they delay; tail_frames: of
	 * that, sound that has not come out yet (playback). Of the host's. */
	const struct vmsnd_insert *insert;
	uint32_t insert_max_frames;
	_Atomic uint32_t insert_frames, tail_frames;
	_Atomic uint32_t exact, delay_frames, held_frames;
	_Atomic uint64_t block_ns; /* when the last one was */
	_Atomic uint64_t blocks, in_frames, out_frames, dropped_frames, silence_frames, underruns,
	    underrun_frames, overruns, overrun_frames, host_gaps, fill_min, fill_max, latency_ns,
	    latency_min_ns, latency_max_ns;
	struct vmsnd_flow *flow; /* at the end of what the path is part of */
};

enum vmsnd_lun_task { VMSND_TASK_NONE, VMSND_TASK_OPEN, VMSND_TASK_CLOSE, VMSND_TASK_HINT };

/* The one slow thing done at a time (TH-02, TH-04): a guest that opens and closes in a loop
 * changes what is wanted, not how much is under way. */
struct vmsnd_lun_job {
	struct vmsnd_job job; /* first: its address is this one's */
	enum vmsnd_lun_task task;
	const struct vmsnd_backend_class *backend;
	struct vmsnd_backend *host;
	struct vmsnd_lun_side *side;
	struct vmsnd_stream_want want;
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	enum vmsnd_rc rc;
};

/* What a host stream calls back into. A unit has two, so that a stream can be opened beside the
 * one that plays: the unit's side and the other one (next.c). */
struct vmsnd_lun_side {
	struct vmsnd_lun *lun;
	_Atomic bool ended;       /* the backend gave the stream up; seen by the next call */
	_Atomic uint32_t notices; /* bit n: enum vmsnd_stream_notice n */
	struct vmsnd_lun_job job;
};

/* The stream on the other side: one that comes next, or one that is only to be closed. */
struct vmsnd_lun_other {
	struct vmsnd_lun_next_conf conf;
	enum vmsnd_lun_next state;
	bool leaving;                    /* nothing is wanted of it any more */
	bool changing;                   /* a change over waits for unit 0's thread */
	bool plain;                      /* as the unit's */
	struct vmsnd_backend *next_host; /* changing: as the unit's, once conf.host is its host */
	unsigned tries;
	struct vmsnd_stream *stream;
	struct vmsnd_stream_want asked;
	struct vmsnd_stream_got got;
};

struct vmsnd_lun {
	struct vmsnd_path own;   /* units above 0 */
	struct vmsnd_path *path; /* unit 0: the port's */
	struct vmsnd_ring_head head;
	/* Units above 0: the ring's other end. Playback: written by the lane, or by unit 0's thread
	 * for what its host took; capture: read by unit 0's thread. */
	struct vmsnd_ring_end far;

	struct vmsnd_port *port;
	unsigned index;
	enum vmsnd_dir dir; /* taps play, whatever the port does */
	struct vmsnd_lun_conf conf;
	struct vmsnd_backend *next_host; /* attached as soon as the old one is let go */

	enum vmsnd_host_state state; /* as last noted */
	struct vmsnd_stream *stream;
	struct vmsnd_stream_want asked; /* what the open stream, or the one under way, is for */
	struct vmsnd_stream_got got;
	struct vmsnd_format guest_format;      /* what the conversion was set up for */
	struct vmsnd_lun_side sides[2], *side; /* `stream` is on that one */
	struct vmsnd_lun_other other;
	bool removed;
	bool wanted;     /* as of the last settle */
	uint64_t wishes; /* the port's then */
	bool running;
	bool reopen;    /* close what is open; another is wanted */
	bool asleep;    /* NOT_WORKING or INACTIVE (PL-18) */
	bool early;     /* INITIALIZING */
	bool inserted;  /* the drivers know of the stream */
	bool plain;     /* what the guest has was refused: ask for what every host takes */
	bool unfit;     /* the guest's is no PCM, and the host does not take it */
	bool told;      /* the backend has said why it cannot */
	bool switching; /* PL-15 */
	bool stalled;   /* unit 0: runs, but has not come for its blocks */
	bool draining;  /* stream_drain was called */
	bool linked;    /* unit 0's thread knows of it */
	bool fenced;    /* and has not let go of it yet */
	uint64_t fence; /* the port's epoch when it was unlinked */
	vmsnd_ns opened, retry, switch_end;
	vmsnd_ns stall_ns;    /* how long the host may stay away */
	uint64_t seen_blocks; /* unit 0: the figure, and when it was last another */
	vmsnd_ns seen;
	uint64_t start_blocks; /* as of the last start */
	unsigned tries;
	uint32_t room_frames; /* units above 0: what the ring was last sized for */
	uint32_t aim_frames;  /* units above 0: what the ring shall hold */
	bool due;             /* the guest has started: what is there is to be played */
	vmsnd_ns fed;         /* since when there is something to play; VMSND_NEVER */
	vmsnd_ns idle;        /* since when it plays out what it holds; VMSND_NEVER */

	uint64_t opens, losses;
	unsigned n_changes;
	struct vmsnd_lun_change changes[VMSND_LUN_CHANGES_MAX];
	struct vmsnd_flow flow; /* last: a card that does nothing does not touch its pages */
};

struct vmsnd_port {
	struct vmsnd_path main;  /* unit 0's */
	struct vmsnd_path stand; /* the stand-in's; it has the ring's end while its clock runs */
	struct vmsnd_ring_head head;
	struct vmsnd_port_conf conf;
	enum vmsnd_port_phase phase;
	bool prepared;
	bool known;        /* params are those of a guest that is still there */
	bool paused;       /* CON-11 */
	bool just_started; /* unit 0's host, which has a thread of its own */
	bool stand_fits;   /* stand.flow is for the present format (capture) */
	bool holding;      /* capture: recorded frames are held back until there are T (CA-04) */
	vmsnd_ns time;     /* of the last call */
	vmsnd_ns paused_at;
	vmsnd_ns released; /* when; VMSND_NEVER while prepared */
	struct vmsnd_stream_params params;
	struct vmsnd_mixer mixer; /* the guest's */
	uint32_t frame_bytes;
	uint32_t threshold_frames; /* pre-buffering: T */
	vmsnd_ns threshold_ns;     /* its time */
	uint32_t target_frames;    /* what the ring would like to hold */
	vmsnd_ns start;            /* of the pre-buffering, or of the holding back */
	bool awaiting;             /* sound waits for unit 0's host, which is being opened */
	vmsnd_ns awaited;          /* until when it last did */
	vmsnd_ns drained;          /* when the last frame reaches the speaker */

	/* Takes and gives frames while unit 0 has no host that runs. */
	struct vmsnd_block_clock clock;
	struct vmsnd_ring_end ring; /* the device's end */
	uint64_t wishes;            /* counts what may change the streams that units should have */
	uint64_t frames_before;     /* done before the last prepare */
	/* Unit 0's block is too long for the guest's buffer: frames are done as time goes by, not
	 * as they are taken (run.c). */
	bool coarse;
	uint64_t ahead_done, ahead_told, ahead_blocks;
	vmsnd_ns ahead_since;
	uint64_t starts, stalls;
	uint64_t opens, losses; /* of units 0 that are gone */
	/* Since when nobody has moved a block, and how many there were then. */
	vmsnd_ns since;
	uint64_t moved_blocks;

	struct vmsnd_lun *luns[VMSND_PORT_LUNS_MAX];
	unsigned n_places; /* beyond the highest that was ever taken */
	/* Units that whoever moves unit 0's frames gives to or takes from. It makes the epoch odd
	 * while it is at it, so the lane knows when it has let go of one taken out. */
	struct vmsnd_lun *_Atomic linked[VMSND_PORT_LUNS_MAX];
	uint64_t
	    mix_rest; /* of the frames that other inputs are asked for; whoever moves unit 0's */
	alignas(64) _Atomic uint64_t epoch;
	struct vmsnd_flow main_flow, stand_flow; /* last, as a unit's */
};

/* For the one writer of a figure. */
static inline void vmsnd_figure_add_rt(_Atomic uint64_t *figure, uint64_t more)
{
	uint64_t value = atomic_load_explicit(figure, memory_order_relaxed);

	atomic_store_explicit(figure, value + more, memory_order_relaxed);
}

static inline uint64_t vmsnd_figure_rt(const _Atomic uint64_t *figure)
{
	return atomic_load_explicit(figure, memory_order_relaxed);
}

static inline void vmsnd_figure_range_rt(_Atomic uint64_t *low, _Atomic uint64_t *high,
					 uint64_t value)
{
	if (value < vmsnd_figure_rt(low))
		atomic_store_explicit(low, value, memory_order_relaxed);
	if (value > vmsnd_figure_rt(high))
		atomic_store_explicit(high, value, memory_order_relaxed);
}

/* ---- audio side: playback.c, capture.c, links.c ---- */

extern const struct vmsnd_stream_user vmsnd_playback_user, vmsnd_capture_user;
/* Notices of a backend, from any thread but an audio one; the next call of the port sees to them.
 */
void vmsnd_lun_ended(void *ctx, enum vmsnd_rc why);
void vmsnd_lun_noticed(void *ctx, enum vmsnd_stream_notice what);
/* The stand-in's block: frames are swallowed, or are silence (with the other inputs in it). */
void vmsnd_playback_skip_rt(struct vmsnd_port *port, uint32_t frames);
void vmsnd_capture_fill_rt(struct vmsnd_port *port, uint32_t frames, vmsnd_ns when);
/* A block's figures: delay, gap, pace; and, where the ring is used, fill and latency. */
void vmsnd_path_note_rt(struct vmsnd_path *path, const struct vmsnd_block *block);
void vmsnd_path_latency_rt(struct vmsnd_path *path, const struct vmsnd_block *block,
			   uint32_t fill_frames, uint32_t held_frames, uint32_t taken_frames);
void vmsnd_path_shed_rt(struct vmsnd_path *path, struct vmsnd_ring_end *ring, uint32_t fill);
/* insert.c: a block through the drivers. `made`: playback, frames of it that are sound. */
void vmsnd_path_insert_rt(struct vmsnd_path *path, const struct vmsnd_block *block, uint32_t made);
/* links.c: copies a block of unit 0's host into the taps; adds other inputs. */
void vmsnd_links_enter_rt(struct vmsnd_port *port);
void vmsnd_links_leave_rt(struct vmsnd_port *port);
void vmsnd_links_tap_rt(struct vmsnd_port *port, const void *samples, uint32_t frames);
bool vmsnd_links_mixing_rt(const struct vmsnd_port *port);
/* `path`: of the blocks, unit 0's or the stand-in's. */
void vmsnd_links_bend_rt(struct vmsnd_port *port, const struct vmsnd_path *path,
			 const struct vmsnd_block *block);
void vmsnd_links_mix_rt(void *ctx, double *samples, uint32_t frames); /* ctx: the port */
/* The lane: lets the other side know of a unit, or no longer; unlink says whether it has let go. */
void vmsnd_lun_link(struct vmsnd_lun *lun);
bool vmsnd_lun_unlink(struct vmsnd_lun *lun);

/* ---- the lane: host.c ---- */

/* Brings the host stream to what is wanted, as far as it goes now. */
void vmsnd_lun_settle(struct vmsnd_lun *lun, vmsnd_ns now);
/* When settle should look again; VMSND_NEVER. */
vmsnd_ns vmsnd_lun_deadline(const struct vmsnd_lun *lun, vmsnd_ns now);
void vmsnd_lun_hint(struct vmsnd_lun *lun, const struct vmsnd_stream_params *params);
/* Unit 0: whether its host still comes; a change of that is acted upon. When to look again. */
vmsnd_ns vmsnd_lun_watch(struct vmsnd_lun *lun, vmsnd_ns now);
/* Whether a host stream is open and can be started. */
bool vmsnd_lun_able(const struct vmsnd_lun *lun);
/* False: it failed and is lost. */
bool vmsnd_lun_start(struct vmsnd_lun *lun, vmsnd_ns at);
void vmsnd_lun_stop(struct vmsnd_lun *lun, vmsnd_ns at);
void vmsnd_lun_note(struct vmsnd_lun *lun, vmsnd_ns at); /* a change of state, if there is one */
/* The next try after a failure. */
void vmsnd_lun_retry_later(struct vmsnd_lun *lun, vmsnd_ns now);
/* What the host says of a stream that is not running. */
void vmsnd_lun_look_at_state(struct vmsnd_lun *lun, vmsnd_ns now);
/* Something slow, on either side; by a worker if there is one. */
void vmsnd_side_begin(struct vmsnd_lun_side *side, enum vmsnd_lun_task task);
bool vmsnd_got_is_sound(const struct vmsnd_stream_got *got);
/* want.c: what stream the unit should have; false: none. */
bool vmsnd_lun_wants(const struct vmsnd_lun *lun, struct vmsnd_stream_want *want);
/* The same of the one that comes next. */
bool vmsnd_lun_wants_next(const struct vmsnd_lun *lun, struct vmsnd_stream_want *want);
/* next.c: brings the other side to what is wanted of it. */
void vmsnd_lun_settle_other(struct vmsnd_lun *lun, vmsnd_ns now);
vmsnd_ns vmsnd_lun_other_deadline(const struct vmsnd_lun *lun, vmsnd_ns now);
/* Nothing is open there nor under way. */
bool vmsnd_lun_other_over(const struct vmsnd_lun *lun);
/* When a stream that the guest has let go of is closed; VMSND_NEVER. */
vmsnd_ns vmsnd_lun_linger_end(const struct vmsnd_lun *lun);
/* What it would ask for, were these the guest's parameters. */
void vmsnd_lun_want_for(const struct vmsnd_lun *lun, const struct vmsnd_stream_params *params,
			struct vmsnd_stream_want *want);
bool vmsnd_want_equal(const struct vmsnd_stream_want *a, const struct vmsnd_stream_want *b);

/* ---- the lane: mixer.c ---- */

/* Its own and the guest's, where each is applied: `before` in the channels that come in, `after` in
 * those that go out. */
struct vmsnd_loudness {
	struct vmsnd_volume before, after;
};
void vmsnd_lun_loudness(const struct vmsnd_lun *lun, struct vmsnd_loudness *out);

/* ---- the lane: insert.c ---- */

/* The drivers are told of the stream that is about to start, once for each stream. */
void vmsnd_lun_insert_prepare(struct vmsnd_lun *lun);
/* Nothing is behind the path any more. */
void vmsnd_path_insert_none(struct vmsnd_path *path);

/* ---- the lane: fit.c ---- */

void vmsnd_path_init(struct vmsnd_path *path, struct vmsnd_flow *flow);
/* Something changed that decides which streams units should have. */
void vmsnd_port_wish(struct vmsnd_port *port);
/* Ring, conversion and figures for the stream that is open now. */
enum vmsnd_rc vmsnd_lun_fit(struct vmsnd_lun *lun);
/* The ring of a unit above 0, for at least `frames`; empty. */
void vmsnd_lun_ring_reset(struct vmsnd_lun *lun, const struct vmsnd_format *format,
			  uint64_t frames);
/* Room for `frames` in the ring of a unit above 0, as far as its storage goes; what it holds stays.
 */
void vmsnd_lun_make_room(struct vmsnd_lun *lun, uint64_t frames);
void vmsnd_port_fit_stand_in(struct vmsnd_port *port);

/* ---- the lane: feed.c ---- */

/* What the device hands over, or takes, to the units that want it; `at` as of begin. */
void vmsnd_port_feed(struct vmsnd_port *port, uint32_t frames);
/* Rings of the units above 0 for new parameters; their hosts are stopped. */
void vmsnd_port_feed_reset(struct vmsnd_port *port);
/* The guest stopped, or starts: what it hands over next does not follow on what was before. */
void vmsnd_port_feed_break(struct vmsnd_port *port);
void vmsnd_lun_feed_reset(struct vmsnd_lun *lun);
/* How long its host may take over its last frames. */
vmsnd_ns vmsnd_lun_drain_ns(const struct vmsnd_lun *lun);
/* Starts and stops the host of a unit above 0 as its ring and the port's phase call for. */
void vmsnd_lun_drive(struct vmsnd_lun *lun, vmsnd_ns now);
/* Another stream, in the middle of what the unit plays or records. */
void vmsnd_lun_go_on(struct vmsnd_lun *lun, bool waiting, vmsnd_ns now);
vmsnd_ns vmsnd_lun_drive_deadline(const struct vmsnd_lun *lun, vmsnd_ns now);

/* ---- the lane: run.c, port.c ---- */

/* Sizes that follow from params and unit 0's host. */
void vmsnd_port_measure(struct vmsnd_port *port);
uint32_t vmsnd_port_fill(const struct vmsnd_port *port);
/* A ring for the parameters that holds `n` frames, the device's end being at `position`; only while
 * nobody else uses it. */
void vmsnd_port_ring_load(struct vmsnd_port *port, uint64_t position, const void *frames,
			  uint32_t n);
/* Unit 0's block, in frames of the guest's; 0 when there is none. */
uint64_t vmsnd_port_host_block(const struct vmsnd_port *port);
/* Unit 0's host was opened: room for its blocks. */
void vmsnd_port_grow(struct vmsnd_port *port);
/* Sees to it that just one moves unit 0's frames: its host, or the stand-in, or nobody. */
void vmsnd_port_drive(struct vmsnd_port *port, vmsnd_ns at);
/* Frames that are done as time goes by (see there). */
void vmsnd_port_run_ahead(struct vmsnd_port *port, vmsnd_ns now);
/* Settles and drives all units. */
void vmsnd_port_settle_luns(struct vmsnd_port *port, vmsnd_ns now);
/* Unit 0's host is on another device: pre-buffers anew (PL-16). */
void vmsnd_port_rebuffer(struct vmsnd_port *port, vmsnd_ns at);
void vmsnd_port_halt(struct vmsnd_port *port, vmsnd_ns at);
vmsnd_ns vmsnd_port_frames_ns(const struct vmsnd_port *port, uint64_t frames);

/* ---- what vmsnd/device.h says, without anybody who watches (device.c) ---- */

void vmsnd_port_do_hint(struct vmsnd_port *port, const struct vmsnd_stream_params *params,
			vmsnd_ns now);
enum vmsnd_rc vmsnd_port_do_prepare(struct vmsnd_port *port,
				    const struct vmsnd_stream_params *params, vmsnd_ns now);
bool vmsnd_port_do_fits(const struct vmsnd_port *port, const struct vmsnd_stream_params *params);
enum vmsnd_rc vmsnd_port_do_start(struct vmsnd_port *port, vmsnd_ns now);
void vmsnd_port_do_stop(struct vmsnd_port *port, vmsnd_ns now);
void vmsnd_port_do_drain(struct vmsnd_port *port, vmsnd_ns now);
void vmsnd_port_do_release(struct vmsnd_port *port, vmsnd_ns now);
uint32_t vmsnd_port_do_wanted(const struct vmsnd_port *port);
uint32_t vmsnd_port_do_begin(struct vmsnd_port *port, uint32_t frames, void **at);
void vmsnd_port_do_commit(struct vmsnd_port *port, uint32_t frames);
uint64_t vmsnd_port_do_done_frames(const struct vmsnd_port *port);
uint32_t vmsnd_port_do_delay_frames(const struct vmsnd_port *port);
vmsnd_ns vmsnd_port_do_due(const struct vmsnd_port *port, uint64_t frames, vmsnd_ns now);

#endif
