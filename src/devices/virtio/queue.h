/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a split virtqueue.
 *
 * A queue whose rings cannot be read, or whose indices jump, is broken: it is never followed
 * again and falls silent until it is started anew. */
#ifndef VMSND_DEVICES_VIRTIO_QUEUE_H
#define VMSND_DEVICES_VIRTIO_QUEUE_H

#include "devices/virtio/chain.h"

#define VMSND_VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VMSND_VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VMSND_VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

/* What queue_start takes of `features`, and what a device on these queues may offer. */
#define VMSND_QUEUE_FEATURES                                                                       \
	(VMSND_VIRTIO_F_INDIRECT_DESC | VMSND_VIRTIO_F_EVENT_IDX | VMSND_VIRTIO_F_VERSION_1)

struct vmsnd_queue {
	struct vmsnd_gmem *mem;
	vmsnd_gpa desc, avail, used;
	uint16_t size;
	uint16_t next_avail;  /* the entry to look at next, free-running */
	uint16_t avail_index; /* the driver's, as last seen */
	uint16_t used_index;  /* ours, counting pushes */
	uint16_t published;   /* ours, as the driver sees it */
	uint16_t signalled;   /* ours, when the driver was last thought of */
	uint16_t armed;       /* the entry whose arrival kicks us, with kicks and EVENT_IDX */
	bool started, broken;
	bool event_index, indirect;
	bool kicks; /* the driver has been asked to kick */
};

enum vmsnd_pop {
	VMSND_POP_NONE, /* empty, stopped or broken */
	VMSND_POP_CHAIN,
	VMSND_POP_MALFORMED /* only chain->head is good: push it back with length 0 */
};

/* VMSND_E_INVALID: size or alignment; VMSND_E_RANGE: rings not whole in memory. Kicks are on
 * and armed. The queue is stopped when this fails. */
enum vmsnd_rc vmsnd_queue_start(struct vmsnd_queue *queue, struct vmsnd_gmem *mem,
				const struct vmsnd_queue_setup *setup, uint64_t features);
/* Touches no memory. */
void vmsnd_queue_stop(struct vmsnd_queue *queue);

/* Entries not yet popped, 0 when broken; looks at the driver's index. */
uint16_t vmsnd_queue_waiting(struct vmsnd_queue *queue);
enum vmsnd_pop vmsnd_queue_pop(struct vmsnd_queue *queue, struct vmsnd_chain *chain);
/* The same without a change to the queue; false when it is stopped, broken or would break. */
bool vmsnd_queue_peek(const struct vmsnd_queue *queue, uint16_t *waiting);
/* Opens a chain that was popped before, by its head alone. NONE: there is no such head. */
enum vmsnd_pop vmsnd_queue_reopen(struct vmsnd_queue *queue, struct vmsnd_chain *chain);
/* Passes over one waiting entry: it has been given back already. */
void vmsnd_queue_pass(struct vmsnd_queue *queue);

/* Gives a chain back; the driver sees it after publish. */
void vmsnd_queue_push(struct vmsnd_queue *queue, uint16_t head, uint32_t written);
void vmsnd_queue_publish(struct vmsnd_queue *queue);
/* Whether what was published since last asked wants an interrupt. Each push is asked for once. */
bool vmsnd_queue_must_notify(struct vmsnd_queue *queue);

/* Asks the driver to kick, or not to. On: kicks for the next entry; true when entries came in
 * before the driver could see that, which no kick will tell of. */
bool vmsnd_queue_kicks_on(struct vmsnd_queue *queue);
void vmsnd_queue_kicks_off(struct vmsnd_queue *queue);

#endif
