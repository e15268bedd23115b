/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver of ours for virtio-snd cards: it plays the guest in `vmsnd demo`, in tests and in
 * benchmarks, over any struct vmsnd_guest_bus.
 *
 * It has no heap, thread or clock: memory comes with its configuration, time with each
 * call. The order of use is that of the standard (5.14.6.6.1):
 *
 *	vmsnd_guest_open        features, configuration, queues, what the card has
 *	vmsnd_guest_set_params  per stream, from here on; then prepare, start, stop, release
 *	vmsnd_guest_play        hands a period over, vmsnd_guest_record lends a buffer
 *	vmsnd_guest_kick        tells the card, once for several messages
 *	vmsnd_guest_poll        looks at what came back, vmsnd_guest_take hands it out
 *
 * All calls for one guest come from one thread. */
#ifndef VMSND_GUESTS_VIRTIO_SND_GUEST_H
#define VMSND_GUESTS_VIRTIO_SND_GUEST_H

#include <linux/virtio_snd.h>

#include "guests/ring.h"

#define VMSND_GUEST_STREAMS_MAX   64u
#define VMSND_GUEST_CHMAPS_MAX    128u
#define VMSND_GUEST_SLOTS_MAX     64u  /* messages of one stream under way */
#define VMSND_GUEST_REQUESTS_MAX  8u   /* control requests under way */
#define VMSND_GUEST_EVENTS        8u   /* buffers lent to the event queue */
#define VMSND_GUEST_REQUEST_BYTES 520u /* a control element that is written */
#define VMSND_GUEST_ANSWER_BYTES  4096u

struct vmsnd_guest_conf {
	struct vmsnd_guest_bus bus;
	void *memory;             /* the guest's, the caller's to free after the bus is closed */
	uint64_t memory_bytes;    /* 1 MiB is plenty for one stereo stream */
	vmsnd_gpa gpa;            /* where the guest has it; any multiple of 4096 */
	uint16_t queue_size;      /* of each queue; 0: 64, as QEMU's front end has it */
	bool event_idx, indirect; /* accept VIRTIO_RING_F_EVENT_IDX, _INDIRECT_DESC */
	bool controls;            /* accept VIRTIO_SND_F_CTLS */
	bool packed, in_order, ring_reset; /* and VIRTIO_F_RING_PACKED, _IN_ORDER, _RING_RESET */
	/* Look at a queue only after an interrupt, as a kernel does; otherwise at every poll. */
	bool by_interrupt;
	/* What to do while an answer is awaited, and when it is then: for a card at the other
	 * end of a wire. NULL: a card that has not answered when kick returns never will.
	 * Called at most `tries` times a request. */
	vmsnd_ns (*wait)(void *ctx, vmsnd_ns now);
	void *wait_ctx;
	unsigned tries;
};

/* A data message that the card has given back. */
struct vmsnd_guest_done {
	uint32_t status; /* VIRTIO_SND_S_... */
	uint32_t latency_bytes;
	uint32_t bytes;         /* of sound: what was posted (playback) or recorded (capture) */
	uint32_t written_bytes; /* as the card says in the used ring, status included */
	const void *sound;      /* capture; good until the next vmsnd_guest_record */
	vmsnd_ns at;            /* `now` of the poll that saw it */
};

struct vmsnd_guest_slot {
	uint8_t *header;        /* stream number, sound, status: one after the other */
	uint32_t bytes;         /* of sound, as posted */
	uint32_t written_bytes; /* as given back */
	vmsnd_ns at;
};

struct vmsnd_guest_stream {
	struct virtio_snd_pcm_info info;
	struct vmsnd_guest_params params;
	uint32_t frame_bytes, slot_bytes;
	uint8_t *block; /* all slots' memory */
	uint64_t block_bytes;
	struct vmsnd_guest_slot slots[VMSND_GUEST_SLOTS_MAX];
	uint64_t busy;                       /* one bit a slot: with the card, or not taken */
	uint8_t done[VMSND_GUEST_SLOTS_MAX]; /* slots in the order they came back */
	unsigned done_at, n_done, n_posted;  /* n_posted: with the card */
};

/* The answer to a control request. */
struct vmsnd_guest_answer {
	uint32_t status;   /* VIRTIO_SND_S_...; 0: not answered; IO_ERR: too short for a status */
	uint32_t bytes;    /* of the answer, status included, as the card says in the used ring */
	const uint8_t *at; /* the answer; good until the next submit */
};

struct vmsnd_guest_request {
	uint8_t *request, *answer; /* guest memory */
	uint32_t answer_bytes;     /* as the card says in the used ring */
	bool used, answered;
};

struct vmsnd_guest {
	struct vmsnd_guest_conf conf;
	struct vmsnd_guest_memory memory;
	uint64_t features; /* accepted */
	struct virtio_snd_config config;
	struct vmsnd_guest_ring rings[VIRTIO_SND_VQ_MAX];
	struct vmsnd_guest_request requests[VMSND_GUEST_REQUESTS_MAX];
	struct vmsnd_guest_stream streams[VMSND_GUEST_STREAMS_MAX];
	struct virtio_snd_chmap_info chmaps[VMSND_GUEST_CHMAPS_MAX];
	uint8_t *events;
	struct virtio_snd_event last_event;
	uint64_t events_seen, kicks;
};

/* Bit numbers of the standard for our words; negative when it has none. */
int vmsnd_guest_format_bit(enum vmsnd_sample sample);
int vmsnd_guest_rate_bit(uint32_t rate_hz);

/* ---- the card ------------------------------------------------------------------- */

/* From nothing to a card whose streams are known. VMSND_E_UNSUPPORTED: no VERSION_1;
 * VMSND_E_NOMEM: the memory is too small, or the card has more streams than a guest of
 * ours; VMSND_E_PROTOCOL: a query was answered wrongly; VMSND_E_GONE: not answered. */
enum vmsnd_rc vmsnd_guest_open(struct vmsnd_guest *guest, const struct vmsnd_guest_conf *conf,
			       vmsnd_ns now);
/* The first stream from `after` on that goes this way; -1 when there is none. */
int vmsnd_guest_find_stream(const struct vmsnd_guest *guest, enum vmsnd_dir dir, unsigned after);

/* What a VMM does at stop and cont: all four queues given up, then started again where the
 * card says it is. Between the two, nothing but vmsnd_guest_resume may be called. */
enum vmsnd_rc vmsnd_guest_pause(struct vmsnd_guest *guest, vmsnd_ns now);
enum vmsnd_rc vmsnd_guest_resume(struct vmsnd_guest *guest, vmsnd_ns now);

/* The queue of a stream alone, as at power-on (VIRTIO_F_RING_RESET): what was posted there, by any
 * stream, comes back no more, and its room is free again. */
enum vmsnd_rc vmsnd_guest_reset_queue(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);

/* The machine was saved and goes on with another card: memory is shared with it and features are
 * chosen as before. Between the two of vmsnd_guest_pause and _resume; or before both, where the new
 * card itself knows from its state where its queues stopped. */
enum vmsnd_rc vmsnd_guest_move(struct vmsnd_guest *guest, const struct vmsnd_guest_bus *bus);

/* ---- control requests -------------------------------------------------------------- */

/* Sends `bytes` (at most VMSND_GUEST_REQUEST_BYTES) with room for an answer of `answer_bytes` (at
 * most VMSND_GUEST_ANSWER_BYTES). The ticket, or -1 when too many are under way. */
int vmsnd_guest_submit(struct vmsnd_guest *guest, const void *request, uint32_t bytes,
		       uint32_t answer_bytes, vmsnd_ns now);
/* Looks for the answer to this ticket; its status is 0 while there is none. Once there is
 * one, the ticket is free again. */
struct vmsnd_guest_answer vmsnd_guest_collect(struct vmsnd_guest *guest, int ticket, vmsnd_ns now);
/* Both, waiting in between as the configuration says. */
struct vmsnd_guest_answer vmsnd_guest_request(struct vmsnd_guest *guest, const void *request,
					      uint32_t bytes, vmsnd_ns now);

/* One request each, as vmsnd_guest_submit or, for the second set, vmsnd_guest_request (the
 * status, 0 when no answer came).
 * submit_params gives -1 and set_params VIRTIO_SND_S_NOT_SUPP for what the standard has no
 * number for, more slots than there are, or too little memory; and when messages of this
 * stream are still under way. */
int vmsnd_guest_submit_params(struct vmsnd_guest *guest, unsigned stream,
			      const struct vmsnd_guest_params *params, vmsnd_ns now);
int vmsnd_guest_submit_pcm(struct vmsnd_guest *guest, uint32_t code, unsigned stream, vmsnd_ns now);
uint32_t vmsnd_guest_set_params(struct vmsnd_guest *guest, unsigned stream,
				const struct vmsnd_guest_params *params, vmsnd_ns now);
uint32_t vmsnd_guest_prepare(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);
uint32_t vmsnd_guest_start(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);
uint32_t vmsnd_guest_stop(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);
uint32_t vmsnd_guest_release(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);

/* ---- data --------------------------------------------------------------------------- */

/* Slots that are free for play or record. */
unsigned vmsnd_guest_room(const struct vmsnd_guest *guest, unsigned stream);
/* Where the next period to play may be written in place, NULL without room: then
 * vmsnd_guest_play with that pointer copies nothing. */
void *vmsnd_guest_play_at(struct vmsnd_guest *guest, unsigned stream);
/* Makes one message of at most a period available. VMSND_E_NOMEM: no room now. */
enum vmsnd_rc vmsnd_guest_play(struct vmsnd_guest *guest, unsigned stream, const void *sound,
			       uint32_t bytes);
/* Lends the card a buffer of at most a period. VMSND_E_NOMEM: no room now. */
enum vmsnd_rc vmsnd_guest_record(struct vmsnd_guest *guest, unsigned stream, uint32_t bytes);
/* Tells the card of what was made available to this stream's queue, if it wants to hear. */
enum vmsnd_rc vmsnd_guest_kick(struct vmsnd_guest *guest, unsigned stream, vmsnd_ns now);

/* Looks at all four queues; returns how many messages came back. */
unsigned vmsnd_guest_poll(struct vmsnd_guest *guest, vmsnd_ns now);
/* Messages of this stream that the card holds. */
unsigned vmsnd_guest_posted(const struct vmsnd_guest *guest, unsigned stream);
/* The next message of this stream that came back, in that order; false: none. */
bool vmsnd_guest_take(struct vmsnd_guest *guest, unsigned stream, struct vmsnd_guest_done *done);

#endif
