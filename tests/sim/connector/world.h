/* SPDX-License-Identifier: BSD-3-Clause */
/* A simulated world around one port: a guest, an owner, hosts with faults, workers, a lane.
 *
 * Everything that happens is drawn from one seed, each actor with dice of its own, so that what
 * one of them does is the same whatever the others do. Time is a number. Frames carry their
 * number in the low bits and an angle in the high ones (code.c): a host that gets them bit for
 * bit reads the number, one behind a conversion reads the angle.
 *
 *   sim-connector --seed N [--verbose]      plays one world again, with its log
 *   sim-connector --from N --count M        plays many
 */
#ifndef VMSND_TESTS_SIM_CONNECTOR_WORLD_H
#define VMSND_TESTS_SIM_CONNECTOR_WORLD_H

#include <setjmp.h>
#include <stdio.h>

#include "connector/connector.h"

#define US     UINT64_C(1000)
#define MS     UINT64_C(1000000)
#define SECOND VMSND_NS_PER_SECOND

#define UNITS_MAX   4u
#define HOSTS_MAX   64u
#define JOBS_MAX    64u
#define WORKERS     3u
#define JOB_MAX_NS  (900 * MS) /* the slowest open or close there is */
#define HOST_FRAMES 4096u      /* no block is larger */

struct world;

struct dice {
	uint64_t state;
};
struct dice dice_of(uint64_t seed, uint64_t who);
uint64_t dice_roll(struct dice *dice);
uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high); /* both included */
bool dice_chance(struct dice *dice, unsigned percent);

/* ---- code.c: frames that know their number ------------------------------------------- */

#define CODE_ANGLES   262144u
#define CODE_NUMBERS  (UINT32_C(1) << 24)
#define CODE_LOUDNESS 0.5

/* S32 stereo. Numbers go from 1; 0 is silence. */
void code_write(int32_t *to, uint64_t number, uint32_t frames);
/* The number, when the frame is one of code_write's bit for bit; 0 otherwise. */
uint32_t code_number(const int32_t *frame);
/* Where on the circle a pair of samples points, 0 .. CODE_ANGLES; negative: too quiet to say. */
double code_angle(double left, double right);

/* ---- hosts --------------------------------------------------------------------------- */

/* What kind of host it is; drawn once. */
struct host_kind {
	bool threaded;              /* calls by itself, between the lane's turns */
	bool clockless;             /* takes what is ready if it is told to follow */
	bool slow_open, slow_close; /* on a worker */
	bool drains;                /* has stream_drain */
	bool tells_state;           /* has stream_state */
	bool first_at_once;         /* the first block comes with the start, not a block later */
	bool faulty;                /* things happen to it */
	bool stalls;                /* it may just stop calling */
	bool odd_blocks;            /* blocks of any size */
	int ppm;
	vmsnd_ns jitter_ns;
	vmsnd_ns open_ns, close_ns;
	vmsnd_ns initializing_ns;
	uint32_t period_frames; /* 0: as asked */
	uint32_t delay_frames;
	enum vmsnd_sample sample;   /* VMSND_SAMPLE_COUNT: as asked */
	uint32_t rate_hz, channels; /* 0: as asked */
};

struct vmsnd_backend {
	struct vmsnd_backend_class cls; /* first: its own, by its kind */
	struct world *world;
	unsigned number, unit;
	struct dice dice;
	struct host_kind kind;
	struct vmsnd_stream *stream; /* one at a time */
	vmsnd_ns next_fault;
	vmsnd_ns gone_until; /* opens are refused till then */
	vmsnd_ns sick_until; /* streams are in state `sick` till then */
	enum vmsnd_stream_state sick;
	bool start_fails;
	bool closed; /* given back by the connector; never touched again */
	/* The retry schedule (RI-02): refused tries in a row. */
	unsigned refused, step; /* and after how many seconds the last came */
	vmsnd_ns refused_at;
	bool schedule_known; /* nothing happened since that changes it */
};

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	struct vmsnd_stream_want want;
	struct vmsnd_stream_got got;
	uint32_t frame_bytes;
	unsigned char *scratch; /* max_frames */
	vmsnd_ns opened;
	bool running, ended, dead, draining, gap;
	bool wants_start;    /* it was switched: no block until it is stopped and started */
	vmsnd_ns drained;    /* when the last frame is heard */
	vmsnd_ns switched;   /* when the switch under way is over; VMSND_NEVER: none */
	double block_end_ns; /* by its own clock, from `started` */
	vmsnd_ns started;
	uint32_t block_frames; /* of the block that is next */
	vmsnd_ns block_at;     /* when it is called */
};

struct vmsnd_backend *host_new(struct world *world, unsigned unit, const struct host_kind *kind);
void host_free(struct vmsnd_backend *host);
struct host_kind host_kind_draw(struct dice *dice, bool calm);
/* The next block of a threaded host; VMSND_NEVER. */
vmsnd_ns host_thread_next(const struct vmsnd_backend *host);
void host_thread_run(struct vmsnd_backend *host);
/* faults.c */
void host_fault(struct vmsnd_backend *host);
vmsnd_ns host_fault_next(const struct vmsnd_backend *host);
void host_fault_plan(struct vmsnd_backend *host);

/* ---- units --------------------------------------------------------------------------- */

/* What a unit's hosts have heard, or been the source of, over its whole life. */
struct ear {
	uint64_t base;    /* frames committed before the unit was there */
	uint64_t last;    /* number of the newest frame heard */
	uint64_t heard;   /* frames with sound, in the host's rate */
	uint64_t missing; /* numbers passed over; meaningful while `exact` */
	uint64_t silence;
	bool exact;      /* every frame so far was read bit for bit */
	unsigned behind; /* frames in a row that seem to be older */
	double angle;    /* of that frame, as a number */
	double loudness; /* of the last frame read by its angle */
	double position; /* by the angle; negative: unknown */
	uint64_t hash;   /* of every block */
	uint64_t blocks;
};

struct unit {
	unsigned index;
	struct vmsnd_lun *lun; /* NULL: none there */
	void *ring;
	struct vmsnd_backend *host; /* attached now, may be NULL */
	struct vmsnd_backend *next; /* to be changed over to; NULL: none */
	struct vmsnd_lun_conf conf;
	struct ear ear;
	bool leaving;      /* removed, waits for vmsnd_lun_gone */
	vmsnd_ns leave_by; /* and must be gone then */
	bool plain;        /* the volume has been unity since the unit was there */
	vmsnd_ns state_since;
	uint64_t dropped; /* as of the last check */
	enum vmsnd_host_state state;
	struct vmsnd_backend *parting[8]; /* detached, not yet given back */
	vmsnd_ns part_by;
};

/* ---- guest --------------------------------------------------------------------------- */

enum guest_state { GUEST_IDLE, GUEST_PREPARED, GUEST_RUNNING, GUEST_DRAINING, GUEST_STOPPED };
enum guest_habit { HABIT_FULL, HABIT_JITTERY, HABIT_BURSTS, HABIT_LATE, HABIT_SHORT, HABIT_COUNT };

struct guest {
	struct dice dice;
	enum guest_state state;
	enum guest_habit habit;
	struct vmsnd_stream_params params;
	uint64_t numbers;              /* frames written in all; the next is one more */
	uint64_t released;             /* frames that a release or prepare threw away */
	uint64_t length;               /* frames this sound will have */
	uint64_t posted, copied, done; /* since prepare */
	vmsnd_ns next;                 /* it does something */
	vmsnd_ns post_at;              /* it posts more; VMSND_NEVER: when something completes */
	vmsnd_ns moved;                /* the last time its clock moved, or began to be due */
	vmsnd_ns rests;                /* since it stopped, or let go */
	vmsnd_ns drain_by;
	uint64_t got_last; /* capture: the newest number it was given */
	uint64_t got_sound, got_silence;
};

void guest_init(struct world *world);
/* The device's turn: frames over, completions. */
void guest_turn(struct world *world, vmsnd_ns now);
/* What the guest wants by itself. */
void guest_act(struct world *world);
/* Whether its clock ought to move. */
bool guest_clock_due(const struct world *world);
vmsnd_ns guest_next(const struct world *world);
void guest_halt(struct world *world); /* releases */

/* ---- the world ----------------------------------------------------------------------- */

struct job_slot {
	struct vmsnd_job *job;
	unsigned unit;
	vmsnd_ns begin, run_at, done_at; /* begin: VMSND_NEVER while no worker is free */
	vmsnd_ns takes_ns;
	bool ran;
};

/* Somebody who moves switches. */
struct owner {
	struct dice dice;
	vmsnd_ns next;
	vmsnd_ns undo_at; /* and undoes it; VMSND_NEVER */
	void (*undo)(struct world *world, struct owner *owner);
	unsigned unit;
};

struct world_conf {
	uint64_t seed;
	bool verbose;
	bool alone; /* without units 1.. (what unit 0 hears must be the same) */
};

struct world {
	struct world_conf conf;
	jmp_buf failed;
	enum vmsnd_dir dir;
	bool calm;     /* nothing bad happens to unit 0 */
	bool still;    /* nor to any other */
	bool punctual; /* the lane is never late */
	bool compared; /* unit 0 must hear the same with and without the others */
	bool together; /* capture: more than one input */
	vmsnd_ns now, start, end;
	struct vmsnd_connector_env env;
	struct vmsnd_port *port;
	void *port_ring;
	bool enabled, paused, closing;
	vmsnd_ns off_since, paused_for;
	uint64_t paused_done;  /* frames done when the machine was suspended */
	uint32_t prebuffer_ms; /* as unit 0's owner wishes it */

	struct dice lane_dice, pool_dice;
	struct owner owners[2]; /* of the port and unit 0; of the others */
	struct dice unit_dice[UNITS_MAX];

	struct guest guest;
	struct unit units[UNITS_MAX];
	struct vmsnd_backend *hosts[HOSTS_MAX];
	unsigned n_hosts;
	struct job_slot jobs[JOBS_MAX];
	unsigned n_jobs;
	bool in_worker, inline_job, in_lane;

	vmsnd_ns lane_time, lane_next; /* as a card has it */
	vmsnd_ns lane_late_to;
	vmsnd_ns wake_at;
	uint64_t steps;
	vmsnd_ns clock_bound; /* since the guest's clock last moved */
	uint64_t captured;    /* capture: numbers given out by unit 0's hosts */
};

void world_open(struct world *world, const struct world_conf *conf);
void world_run(struct world *world);
void world_close(struct world *world);
/* What unit 0's hosts heard, block by block. */
uint64_t world_hash(const struct world *world);

/* Never returns: says what is wrong, when, and in which world. */
__attribute__((format(printf, 2, 3), noreturn)) void world_fail(struct world *world,
								const char *format, ...);
__attribute__((format(printf, 2, 3))) void world_say(const struct world *world, const char *format,
						     ...);
/* The lane comes by: at every deadline till now, as a card does. */
void world_lane(struct world *world);
/* Storage that faults once it is given back. */
void *world_map(size_t bytes);
void world_unmap(void *at, size_t bytes);

/* pool.c */
bool pool_submit(void *ctx, struct vmsnd_job *job);
vmsnd_ns pool_next(const struct world *world);
void pool_run(struct world *world);
unsigned pool_jobs_of(const struct world *world, unsigned unit);

/* owner.c */
void owner_init(struct world *world);
void owner_act(struct world *world, struct owner *owner);
vmsnd_ns owner_next(const struct owner *owner);
/* units.c */
void unit_add(struct world *world, unsigned index);
void unit_remove(struct world *world, unsigned index);
void unit_attach(struct world *world, unsigned index, struct vmsnd_backend *host);
/* A host is prepared beside the unit's; or that is changed over to, or dropped. */
void unit_next(struct world *world, unsigned index);
void unit_change_over(struct world *world, unsigned index);
void unit_next_drop(struct world *world, unsigned index);
/* Another host of the unit's class. */
struct vmsnd_backend *unit_host(struct world *world, unsigned index);
/* Gives back what has been let go. */
void unit_settle(struct world *world, struct unit *unit);
void unit_forget(struct unit *unit);

/* ear.c */
void ear_hear(struct world *world, struct unit *unit, const struct vmsnd_stream *stream,
	      uint32_t frames);
void ear_speak(struct world *world, struct unit *unit, struct vmsnd_stream *stream,
	       uint32_t frames);
void ear_guest(struct world *world, const int32_t *frames, uint32_t n);

/* check.c: what must hold after each event. */
void check_all(struct world *world);
void check_refused(struct vmsnd_backend *host);
void check_forget(struct world *world); /* something was done that begins the tries anew */
vmsnd_ns check_clock_bound(const struct world *world);

/* rates.c: a rate converter that is quick and nothing else. */
extern const struct vmsnd_resampler_class sim_rates;

#endif
