/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rooms of the virtio sound card share. Row ids (V1 ...) are those of the checklist
 * of the virtio sound standard that the tests are named after. */
#ifndef VMSND_DEVICES_VIRTIO_SND_SND_H
#define VMSND_DEVICES_VIRTIO_SND_SND_H

#include <linux/virtio_snd.h>

#include "devices/virtio-snd/elements.h"
#include "devices/virtio-snd/topology.h"
#include "devices/virtio/queue.h"

#define SND_NO_MESSAGE UINT16_MAX
/* Blocks of less than a millisecond are no sound but work: Linux asks for 10 ms at least. */
#define SND_PERIODS_MAX_HZ 1000u

/* The life of a stream ("PCM Command Lifecycle", V59). RELEASE leads back to SET. */
enum snd_state {
	SND_STATE_IDLE, /* no parameters yet */
	SND_STATE_SET,
	SND_STATE_PREPARED,
	SND_STATE_RUNNING,
	SND_STATE_STOPPED
};

/* A data message that the guest waits for, from pop to push. */
struct snd_message {
	struct vmsnd_chain chain;
	uint64_t serial;     /* of the entry it came from, counting all of the queue's */
	uint64_t start, end; /* playback: in frames of its stream since PREPARE */
	uint32_t room;       /* capture: whole frames that fit */
	uint32_t filled;     /* capture: frames recorded into it */
	uint16_t next;       /* of the same stream, or in the list of free ones */
	bool bad;            /* some of its memory was not there */
};

/* One per data queue. A queue has at most `size` messages out, so this never runs dry unless
 * the driver lies. Fresh ones are taken in order, so that memory never used is never touched. */
struct snd_pool {
	struct snd_message *messages; /* VMSND_QUEUE_SIZE_MAX */
	uint16_t free;                /* head of the list of given-back ones */
	uint16_t fresh;               /* the first one never used */
	uint16_t used;
	/* The first of them, as long as they are not opened: what was out when the card was saved
	 * and can no longer be found in the ring (state.c). */
	uint16_t n_held;
	uint64_t serial; /* of the next entry; 64 bits, since one message may wait for days */
};

struct snd_stream {
	struct vmsnd_port *port;
	enum vmsnd_dir dir;
	enum snd_state state;
	bool port_runs; /* RUNNING, and its queue started and enabled */
	struct vmsnd_stream_params params;
	uint32_t frame_bytes;
	uint32_t features; /* bits VIRTIO_SND_PCM_F_* that the driver chose */
	uint64_t xruns;    /* of the port, as last looked at (events.c) */
	uint64_t periods;  /* gone by since PREPARE, likewise */
	vmsnd_ns dry;      /* playback: since when it has had no message; VMSND_NEVER: it has */
	bool hole_told;    /* the hole that the port has not counted yet */

	/* Messages in order of arrival, as indices into the pool. */
	uint16_t first, last;
	uint16_t copying; /* playback: the first with frames not yet in the ring */
	uint16_t n_pending;
	uint64_t posted_frames; /* where the next message starts */
	uint64_t copied_frames; /* since PREPARE, between guest memory and the ring */
	uint32_t kept_frames;   /* capture: already in the message that comes next (rings.c) */
};

/* Where a driver that has only been paused goes on. */
struct snd_place {
	bool known;
	uint32_t next_avail; /* what the last stop returned */
	uint64_t features;   /* of the driver that had started it */
	/* Entries from next_avail on that were popped before a stop; those already given back
	 * have their bit (position modulo size limit) set and are passed over. */
	uint16_t window;
	uint64_t given_back[VMSND_QUEUE_SIZE_MAX / 64];
};

struct snd_queue {
	struct vmsnd_queue ring;
	bool enabled;
	bool more;        /* work was left when a call's budget was spent */
	bool broken_told; /* counted as a fault */
	bool restored;    /* from a saved state, and not yet started since */
	uint64_t features;
	uint64_t started, stopped; /* when, by n_queue_events */
	struct snd_place place;    /* of the last stop; the window is lived off while it runs */
};

/* What the driver has not been told of yet (events.c). */
struct snd_events {
	uint32_t jacks;                     /* bit n: jack n is not as the driver knows it */
	uint8_t elements[SND_ELEMENTS_MAX]; /* masks of CTL_NOTIFY */
	bool waiting;                       /* any of these */
	bool met;                           /* a driver has been here since power-on */
};

struct snd_jack {
	bool connected;
	bool known;          /* `connected`, as the driver was told last */
	uint32_t pin_config; /* as remapped */
};

struct snd_counters {
	uint64_t messages[2], frames[2], refused_messages[2]; /* by enum vmsnd_dir */
	uint64_t control_requests, refused_requests, interrupts, resets, ignored_features;
	uint64_t host_failures;
	uint64_t faults[VMSND_FAULT_COUNT];
	uint64_t events, dropped_events;
};

/* A control request that has been executed, and whose answer the driver may not have seen. */
struct snd_answered {
	uint64_t number; /* as vmsnd_inflight_number has it; 0: none */
	uint32_t status;
};

/* The in-flight area, for a process that takes over from this one (recovery.c). */
struct snd_recovery {
	struct vmsnd_inflight where; /* mem NULL: there is none */
	struct vmsnd_inflight_queue queues[VIRTIO_SND_VQ_MAX];
	bool resume[VIRTIO_SND_VQ_MAX]; /* what is noted is an earlier process' */
	bool resume_card;
	uint16_t slot; /* of the journal, with what holds */
	struct snd_answered answered;
};

struct vmsnd_snd {
	struct vmsnd_dev_env env;
	uint64_t features;
	uint32_t faults_told;
	struct snd_counters counters;
	uint64_t n_queue_events; /* starts and stops of queues so far */
	uint32_t control_cost;   /* of the control requests worked off in this call (control.c) */
	struct snd_queue queues[VIRTIO_SND_VQ_MAX];
	struct snd_pool pools[2];         /* by enum vmsnd_dir */
	struct vmsnd_queue_store *stores; /* one a queue; NULL: rings are split and unordered */
	struct snd_events events;
	struct snd_elements elements;
	struct snd_recovery recovery;
	struct snd_jack jacks[SND_JACKS_MAX];
	struct snd_topology plan; /* what it offers */
	struct snd_stream streams[];
};

static inline struct snd_queue *snd_data_queue(struct vmsnd_snd *snd, enum vmsnd_dir dir)
{
	return &snd->queues[dir == VMSND_PLAYBACK ? VIRTIO_SND_VQ_TX : VIRTIO_SND_VQ_RX];
}

/* Whether used entries take the place of what was made available, or wait for their turn: then a
 * place in the ring tells less than with split rings that are not in order. */
static inline bool snd_ring_goes_round(const struct vmsnd_queue *ring)
{
	return ring->packed || ring->in_order;
}

#define SND_POLLING (UINT32_C(1) << VIRTIO_SND_PCM_F_MSG_POLLING)

/* Whether it is looked at once a period because its driver chose not to kick (V35). While it stands
 * still nothing could be done with what it posts: START looks first. */
static inline bool snd_stream_polled(const struct snd_stream *stream)
{
	return (stream->features & SND_POLLING) &&
	       (stream->state == SND_STATE_PREPARED || stream->port_runs);
}

/* Whether a queue may be looked at now. */
static inline bool snd_queue_live(const struct snd_queue *queue)
{
	return queue->ring.started && queue->enabled && !queue->ring.broken;
}

/* ---- virtio_snd.c --------------------------------------------------------------------- */

extern const struct vmsnd_option snd_options[];

/* ---- tables.c: what the card can do ------------------------------------------------- */

/* VMSND_SAMPLE_COUNT for a number that is none we know, however large. */
enum vmsnd_sample snd_sample_of(uint8_t format);
/* 0 likewise. */
uint32_t snd_rate_of(uint8_t rate);
/* The other way round, as a bit; 0: none. */
uint64_t snd_format_bit(enum vmsnd_sample sample);
uint64_t snd_rate_bit(uint32_t rate_hz);
/* All of them but those that are no PCM. */
uint64_t snd_formats_pcm(void);
/* What configurations call them; NULL after the last. */
const char *snd_rate_name(unsigned index);
const char *snd_position_name(unsigned position); /* VIRTIO_SND_CHMAP_* */
/* The positions that a stream of so many channels has, from its group's first map of that many;
 * left alone when there is none. */
void snd_positions(const struct vmsnd_snd *snd, uint32_t stream, struct vmsnd_format *format);

/* Fill one item of the table; `id` is below the count told in the configuration. */
void snd_pcm_item(const struct vmsnd_snd *snd, uint32_t id, void *to);
void snd_chmap_item(const struct vmsnd_snd *snd, uint32_t id, void *to);
void snd_config_read(const struct vmsnd_snd *snd, uint32_t offset, void *to, uint32_t bytes);

/* ---- control.c, pcm.c: requests ------------------------------------------------------ */

/* What a mixer that is turned takes of the control budget. */
#define SND_TURN_COST 8u

/* Works off the control queue until it is empty or the budget is spent. */
void snd_control_run(struct vmsnd_snd *snd, vmsnd_ns now);

/* `request` holds at least the bytes of the structure; each returns a status. */
uint32_t snd_pcm_take_params(struct vmsnd_snd *snd, const void *request, vmsnd_ns now);
uint32_t snd_pcm_command(struct vmsnd_snd *snd, const void *request, vmsnd_ns now);

/* Runs or halts the host's side, whichever state and queue call for. False when the host
 * would not run. */
bool snd_stream_sync(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now);
/* Back to IDLE. Pending messages are the caller's to answer or to forget first. */
void snd_stream_reset(struct snd_stream *stream, vmsnd_ns now);

/* ---- messages.c: what playback and capture have in common ----------------------------- */

void snd_fault(struct vmsnd_snd *snd, enum vmsnd_fault what, uint64_t detail);

/* Pops what waits, at most about `budget` messages, and lines them up at their streams.
 * Returns what is left of the budget. */
uint32_t snd_messages_pop(struct vmsnd_snd *snd, enum vmsnd_dir dir, uint32_t budget);
/* Pops what was popped before the queue stopped: once the driver runs, its entries may become those
 * of other messages. */
void snd_messages_pop_again(struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* Pops what waits now, and not what the driver adds meanwhile. Returns what that cost. */
uint32_t snd_messages_pop_waiting(struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* Pops, moves frames, gives back what is done. */
void snd_messages_run(struct vmsnd_snd *snd, enum vmsnd_dir dir, vmsnd_ns now);
/* When a stream whose port runs is to be looked at again. */
vmsnd_ns snd_stream_due(struct vmsnd_snd *snd, const struct snd_stream *stream, vmsnd_ns now);

static inline struct snd_message *snd_message_at(const struct vmsnd_snd *snd,
						 const struct snd_stream *stream, uint16_t index)
{
	return &snd->pools[stream->dir].messages[index];
}

/* Gives the first message back: status at the very end of the writable part (V67), `data`
 * bytes recorded before it. */
void snd_message_finish(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status,
			uint32_t data);
/* Takes the first message out of the line without telling the guest. */
void snd_message_drop(struct vmsnd_snd *snd, struct snd_stream *stream);
/* Forgets messages that were held over from a saved state. */
void snd_messages_forget_held(struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* Gives all back with this status, capture with what they hold. */
void snd_messages_flush(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status);

/* ---- playback.c, capture.c ------------------------------------------------------------- */

/* A new last message has been lined up. */
void snd_playback_posted(struct vmsnd_snd *snd, struct snd_stream *stream, uint16_t index);
void snd_capture_posted(struct vmsnd_snd *snd, struct snd_stream *stream, uint16_t index);
/* Guest memory to ring, as far as the ring wants it; `all`: as far as it has room. */
void snd_playback_fill(struct vmsnd_snd *snd, struct snd_stream *stream, bool all);
/* Gives back what has been played. */
void snd_playback_finish(struct vmsnd_snd *snd, struct snd_stream *stream);
/* Ring to guest memory; gives back what is full. */
void snd_capture_fill(struct vmsnd_snd *snd, struct snd_stream *stream);
/* Gives the first message back as it is. */
void snd_capture_finish_first(struct vmsnd_snd *snd, struct snd_stream *stream, uint32_t status);

/* ---- events.c: what the driver is told of by itself (V29, V81-V84, V108) ------------------ */

/* A state that has changed: told as soon as there is a buffer for it, once however often it
 * changed meanwhile. */
void snd_events_jack(struct vmsnd_snd *snd, uint32_t jack);
void snd_events_element(struct vmsnd_snd *snd, uint32_t element, uint8_t mask);
/* So many moments: those without a buffer are dropped and counted. */
void snd_events_pcm(struct vmsnd_snd *snd, uint32_t code, uint32_t stream, uint64_t n);
/* Buffers came, or the queue did. */
void snd_events_run(struct vmsnd_snd *snd);
/* What streams that run have to tell of (V81, V82). */
void snd_events_streams(struct vmsnd_snd *snd, vmsnd_ns now);
/* Its port runs now: what was before is no news. */
void snd_events_stream_begins(struct snd_stream *stream);
/* The driver is gone. */
void snd_events_forget(struct vmsnd_snd *snd);
void snd_events_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to);
/* After the jacks. */
void snd_events_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from);

/* ---- jacks.c (V23-V29) -------------------------------------------------------------------- */

void snd_jack_item(const struct vmsnd_snd *snd, uint32_t id, void *to);
/* The answer to this tells what is plugged in. */
void snd_jacks_told(struct vmsnd_snd *snd, const struct virtio_snd_query_info *info);
uint32_t snd_jack_remap(struct vmsnd_snd *snd, const void *request);
/* As struct vmsnd_panel_ops has them; numbers beyond the last are harmless. */
bool snd_jack_get(const struct vmsnd_snd *snd, unsigned index, struct vmsnd_jack *out);
void snd_jack_set(struct vmsnd_snd *snd, unsigned index, bool connected);
void snd_jacks_init(struct vmsnd_snd *snd);
void snd_jacks_reset(struct vmsnd_snd *snd, enum vmsnd_reset why);
void snd_jacks_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to);
void snd_jacks_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from);

/* ---- rings.c: queues come, go, and interrupt -------------------------------------------- */

enum vmsnd_rc snd_rings_start(struct vmsnd_snd *snd, unsigned queue,
			      const struct vmsnd_queue_setup *setup, vmsnd_ns now);
uint32_t snd_rings_stop(struct vmsnd_snd *snd, unsigned queue, vmsnd_ns now);
void snd_rings_enable(struct vmsnd_snd *snd, unsigned queue, bool on, vmsnd_ns now);
/* Where the queue would go on were it stopped now; touches nothing. */
void snd_rings_place(const struct vmsnd_snd *snd, unsigned queue, struct snd_place *place);
/* The stream's position in playback, and what is in the first capture message, likewise. */
uint64_t snd_stream_posted(const struct vmsnd_snd *snd, const struct snd_stream *stream);
uint32_t snd_stream_kept(const struct vmsnd_snd *snd, const struct snd_stream *stream);
/* Whether every queue that the driver had started before is started again. */
bool snd_rings_all_back(const struct vmsnd_snd *snd);
/* The driver resets one queue: what it posted there is forgotten. */
void snd_rings_reset(struct vmsnd_snd *snd, unsigned queue, vmsnd_ns now);
/* Whether all that is out can be popped again from the place of the oldest (packed, IN_ORDER). */
bool snd_rings_are_whole(const struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* IN_ORDER: what is done but held back goes back now, and with it all before it: playback's frames
 * go into their rings, capture's messages go as they are. */
void snd_rings_bring_forward(struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* Asks the driver for kicks on a data queue, or not, as its streams need. */
void snd_rings_arm(struct vmsnd_snd *snd, enum vmsnd_dir dir);
/* The end of every entry point: publishes, interrupts once per queue at most, and silences the
 * streams of a queue found broken. */
void snd_rings_settle(struct vmsnd_snd *snd, vmsnd_ns now);
/* Power-on state of everything; guest memory is not touched. */
void snd_card_reset(struct vmsnd_snd *snd, enum vmsnd_reset why, vmsnd_ns now);

/* ---- held.c: messages that a saved state tells of and the ring does not ------------------- */

void snd_held_save(const struct vmsnd_snd *snd, enum vmsnd_dir dir, const struct snd_place *place,
		   struct vmsnd_state_writer *to);
void snd_held_load(struct vmsnd_snd *snd, enum vmsnd_dir dir, struct vmsnd_state_reader *from);

/* ---- state.c: saved and brought back ------------------------------------------------------ */

#define SND_STATE_MAJOR 2u
#define SND_STATE_MINOR 0u

void snd_device_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to);
enum vmsnd_rc snd_device_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from, vmsnd_ns now);
/* State and parameters of a stream, without its positions; what cannot be makes `from` bad. */
void snd_stream_save(const struct snd_stream *stream, struct vmsnd_state_writer *to);
void snd_stream_load(struct vmsnd_snd *snd, uint32_t index, struct vmsnd_state_reader *from);
/* Such messages were out and are not in the ring any more; oldest first. */
void snd_hold(struct snd_pool *pool, const uint16_t *heads, uint16_t n);

/* ---- recovery.c: taking over from a process that died ------------------------------------- */

uint64_t snd_recovery_bytes(const struct vmsnd_snd *snd, unsigned n_queues, unsigned queue_size);
enum vmsnd_rc snd_recovery_set(struct vmsnd_snd *snd, const struct vmsnd_inflight *where);
enum snd_taken {
	SND_TAKEN_NOTHING, /* nothing was left */
	SND_TAKEN_UP,      /* it is in the queue's place, and where to go on in `setup` */
	SND_TAKEN_ANOTHER  /* what was left cannot be of this driver */
};
/* Before a queue starts: what an earlier process left of it. */
enum snd_taken snd_recovery_take_up(struct vmsnd_snd *snd, unsigned queue,
				    struct vmsnd_queue_setup *setup, vmsnd_ns now);
/* It has started; `anew`: for another driver than before. */
void snd_recovery_started(struct vmsnd_snd *snd, unsigned queue, bool anew);
/* Whether an earlier process has executed this control request, and what came of it. */
bool snd_recovery_is_answered(const struct vmsnd_snd *snd, uint16_t head, uint32_t *status);
/* A control request has been executed and not yet answered; what it gave back is published. */
void snd_recovery_executed(struct vmsnd_snd *snd, uint16_t head, uint32_t code, uint32_t status);
/* The answer is in the ring. */
void snd_recovery_answered(struct vmsnd_snd *snd);
void snd_recovery_reset(struct vmsnd_snd *snd, enum vmsnd_reset why);

static inline bool snd_recovery_is_on(const struct vmsnd_snd *snd)
{
	return snd->recovery.where.mem != NULL;
}

#endif
