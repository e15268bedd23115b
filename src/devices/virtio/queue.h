/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a virtqueue, split or packed, which callers need not know.
 *
 * A queue whose rings cannot be read, or whose indices jump, is broken: it is never followed
 * again and falls silent until it is started anew. */
#ifndef VMSND_DEVICES_VIRTIO_QUEUE_H
#define VMSND_DEVICES_VIRTIO_QUEUE_H

#include "devices/virtio/chain.h"
#include "devices/virtio/inflight.h"

#define VMSND_VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VMSND_VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VMSND_VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)
#define VMSND_VIRTIO_F_RING_PACKED   (UINT64_C(1) << 34)
#define VMSND_VIRTIO_F_IN_ORDER      (UINT64_C(1) << 35)
#define VMSND_VIRTIO_F_RING_RESET    (UINT64_C(1) << 40)

/* Where the first lap of a packed ring begins, for both sides (2.8.1). */
#define VMSND_PACKED_START 0x80008000u

/* A chain that IN_ORDER does not let go back yet. */
struct vmsnd_queue_out {
	uint32_t written;
	uint16_t head, slots;
	bool done;
};

/* What a queue needs room for with RING_PACKED or IN_ORDER. */
struct vmsnd_queue_store {
	struct vring_desc copies[VMSND_QUEUE_SIZE_MAX]; /* of packed descriptors that are out */
	struct vmsnd_queue_out out[VMSND_QUEUE_SIZE_MAX];
	/* From a saved state, for the next start: chains out, and copies, at the front of both. */
	uint16_t n_restored, n_restored_copies, n_restored_slots;
};

struct vmsnd_queue {
	struct vmsnd_gmem *mem;
	const struct vmsnd_ring_ops *ops;
	struct vmsnd_queue_store *store; /* may be NULL: neither packed nor in order */
	vmsnd_gpa desc, avail, used;
	uint16_t size;
	/* Split: free-running indices. Packed: places in the ring as queue_packed.c counts them. */
	uint16_t next_avail;  /* the entry to look at next */
	uint16_t avail_index; /* split: the driver's, as last seen */
	uint16_t used_index;  /* ours, counting what is given back */
	uint16_t published;   /* ours, as the driver sees it */
	uint16_t signalled;   /* ours, when the driver was last thought of */
	uint16_t armed;       /* the entry whose arrival kicks us, with kicks and EVENT_IDX */
	bool started, broken;
	bool event_index, indirect, packed, in_order;
	bool kicks;                         /* the driver has been asked to kick */
	struct vmsnd_inflight_queue *notes; /* split; NULL: none; set after start */

	/* Packed. */
	uint16_t n_slots;                 /* of the ring, popped and not given back */
	uint16_t free_copy, fresh_copies; /* copies to take next: given back, never used */
	uint16_t n_unsignalled; /* slots given back since the driver was last thought of; two laps
				 * at most, which is as far as places count */
	/* IN_ORDER, free-running: chains popped, given back, and done but held back. */
	uint16_t n_popped, n_given, n_done;
};

enum vmsnd_pop {
	VMSND_POP_NONE, /* empty, stopped or broken */
	VMSND_POP_CHAIN,
	VMSND_POP_MALFORMED /* only chain->head is good: push it back with length 0 */
};

/* VMSND_E_INVALID: size or alignment; VMSND_E_RANGE: rings not whole in memory. Kicks are on
 * and armed. The queue is stopped when this fails. All of the queue but its store is new. */
enum vmsnd_rc vmsnd_queue_start(struct vmsnd_queue *queue, struct vmsnd_gmem *mem,
				const struct vmsnd_queue_setup *setup, uint64_t features);
/* Touches no memory. */
void vmsnd_queue_stop(struct vmsnd_queue *queue);

/* Entries not yet popped, 0 when broken; looks at the driver's index. */
uint16_t vmsnd_queue_waiting(struct vmsnd_queue *queue);
enum vmsnd_pop vmsnd_queue_pop(struct vmsnd_queue *queue, struct vmsnd_chain *chain);
/* The same without a change to the queue; false when it is stopped, broken or would break. */
bool vmsnd_queue_peek(const struct vmsnd_queue *queue, uint16_t *waiting);
/* Opens a chain that was popped before. Split: by its head alone. Packed: by the copy of its
 * descriptors. NONE: there is no such chain. */
enum vmsnd_pop vmsnd_queue_reopen(struct vmsnd_queue *queue, struct vmsnd_chain *chain);
/* Split: passes over one waiting entry: it has been given back already. */
void vmsnd_queue_pass(struct vmsnd_queue *queue);

/* Gives a chain back; the driver sees it after publish at the latest. With IN_ORDER, once all
 * that were popped before it have been given back. */
void vmsnd_queue_push(struct vmsnd_queue *queue, const struct vmsnd_chain *chain, uint32_t written);
void vmsnd_queue_publish(struct vmsnd_queue *queue);
/* Whether what was published since last asked wants an interrupt. Each push is asked for once. */
bool vmsnd_queue_must_notify(struct vmsnd_queue *queue);

/* Asks the driver to kick, or not to. On: kicks for the next entry; true when entries came in
 * before the driver could see that, which no kick will tell of. */
bool vmsnd_queue_kicks_on(struct vmsnd_queue *queue);
void vmsnd_queue_kicks_off(struct vmsnd_queue *queue);

/* ---- where it stands ------------------------------------------------------------------------ */

/* In order: nothing that is done is held back. */
bool vmsnd_queue_is_whole(const struct vmsnd_queue *queue);
/* As struct vmsnd_queue_setup next_avail: to go on behind all that was popped; or with the oldest
 * of it. */
uint32_t vmsnd_queue_place_end(const struct vmsnd_queue *queue);
uint32_t vmsnd_queue_place_oldest(const struct vmsnd_queue *queue);

/* Nothing was popped yet of what was restored, and the queue will be stopped: the next start finds
 * it in the store again. */
void vmsnd_queue_keep(struct vmsnd_queue *queue);

/* ---- layouts of rings -------------------------------------------------------------------------
 */

struct vmsnd_ring_ops {
	bool (*shape_ok)(const struct vmsnd_queue_setup *setup);
	/* False: not whole in memory. */
	bool (*start)(struct vmsnd_queue *queue, const struct vmsnd_queue_setup *setup);
	/* Negative: the queue breaks. */
	int (*waiting)(const struct vmsnd_queue *queue, uint16_t *avail_index);
	bool (*any_waiting)(struct vmsnd_queue *queue);
	/* The next chain's place and descriptors; false: there is none. */
	bool (*take)(struct vmsnd_queue *queue, struct vmsnd_chain *chain);
	/* Where its descriptors are; false: there is no such chain. */
	bool (*walk)(const struct vmsnd_queue *queue, const struct vmsnd_chain *chain,
		     struct vmsnd_walk *walk);
	/* The chain is not looked at any more. May be NULL. */
	void (*forget)(struct vmsnd_queue *queue, const struct vmsnd_chain *chain);
	void (*give)(struct vmsnd_queue *queue, const struct vmsnd_queue_out *out);
	/* False: cannot be written. */
	bool (*publish)(struct vmsnd_queue *queue);
	/* Of what was published from `before` on. */
	bool (*wants_interrupt)(struct vmsnd_queue *queue, uint16_t before);
	enum vmsnd_rc (*kicks_on)(struct vmsnd_queue *queue);
	enum vmsnd_rc (*kicks_off)(struct vmsnd_queue *queue);
};

extern const struct vmsnd_ring_ops vmsnd_ring_split, vmsnd_ring_packed;

#endif
