/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the vhost-user transport share; nobody else includes it. */
#ifndef VMSND_TRANSPORTS_VHOST_USER_ROOM_H
#define VMSND_TRANSPORTS_VHOST_USER_ROOM_H

#include "transports/event.h"
#include "transports/map.h"
#include "transports/peer.h"
#include "transports/vhost_user_codec.h"
#include "vmsnd/transport.h"

#define VMSND_VU_SLOTS_MAX 509u /* what QEMU can plug */
#define VMSND_VU_RINGS_MAX 64u

enum vmsnd_vu_tag { VMSND_VU_TAG_KICK = VMSND_PEER_TAGS };

/* ---- memory ------------------------------------------------------------------------ */

struct vmsnd_vu_slot {
	uint64_t gpa, bytes, user;
	struct vmsnd_map map;
};

struct vmsnd_vu_memory {
	unsigned n;
	struct vmsnd_vu_slot slots[VMSND_VU_SLOTS_MAX];
};

/* Maps `fd` (which stays the caller's). NULL, or why not. */
const char *vmsnd_vu_slot_map(struct vmsnd_vu_slot *slot, const struct vmsnd_vu_region *region,
			      int fd);
void vmsnd_vu_slot_unmap(struct vmsnd_vu_slot *slot);
/* Also gives it to `mem`. On failure the slot stays mapped. NULL, or why not. */
const char *vmsnd_vu_memory_add(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem,
				const struct vmsnd_vu_slot *slot);
/* The slot with just these numbers, or -1. */
int vmsnd_vu_memory_find(const struct vmsnd_vu_memory *memory,
			 const struct vmsnd_vu_region *region);
void vmsnd_vu_memory_remove(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem, unsigned at);
/* Takes away from `mem` what the VMM has taken away (os/guard.h); whether there was any. */
bool vmsnd_vu_memory_drop_lost(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem);
void vmsnd_vu_memory_clear(struct vmsnd_vu_memory *memory, struct vmsnd_gmem *mem);
/* Where the VMM's address lies for the guest, if all `bytes` are in one slot. */
bool vmsnd_vu_translate(const struct vmsnd_vu_slot *slots, unsigned n, uint64_t user,
			uint64_t bytes, vmsnd_gpa *gpa);
/* Whether the lowest memory is all zeros. Firmware and kernels leave traces there at every boot. */
bool vmsnd_vu_memory_untouched(const struct vmsnd_vu_memory *memory);

/* ---- in-flight area and back-end channel (vhost_user_inflight.c, vhost_user_channel.c) -- */

struct vmsnd_vu_area {
	bool mapped;
	struct vmsnd_vu_slot slot;
	struct vmsnd_gmem mem; /* of it alone */
};

/* ---- rings --------------------------------------------------------------------------- */

struct vmsnd_vu_places {
	vmsnd_gpa desc, avail, used;
};

struct vmsnd_vu_ring {
	uint16_t size; /* 0: not told yet */
	uint32_t base; /* as struct vmsnd_queue_setup next_avail */
	bool addressed, enabled;
	bool packed;  /* as of its start */
	bool started; /* the device has it */
	struct vmsnd_event_in kick;
	struct vmsnd_event_out call;
	int err;
	struct vmsnd_vu_address user;
	struct vmsnd_vu_places places; /* while started */
};

/* ---- the transport -------------------------------------------------------------------- */

struct vmsnd_transport {
	char name[64];
	struct vmsnd_transport_user user;
	struct vmsnd_card_ref card;
	struct vmsnd_gmem *mem;
	struct vmsnd_peer peer;
	vmsnd_ns now; /* of the call under way */

	/* All of one session; a new peer finds it as at the start. */
	uint64_t features;
	bool owned;            /* SET_OWNER came */
	bool features_set;     /* by this peer, since the last reset */
	bool features_applied; /* the device has them */
	uint8_t status;
	int backend_fd;
	mode_t backend_kind; /* S_IFIFO, S_IFSOCK, or another: then nothing is said */
	bool memory_came;    /* a region with a descriptor, ever */
	bool memory_proven;  /* something the guest wrote has been seen in it */
	bool told_started;   /* the line about the guest's driver is written */

	struct vmsnd_vu_header header;
	uint8_t in[VMSND_VU_HEADER_BYTES + VMSND_VU_PAYLOAD_MAX];

	struct vmsnd_vu_memory memory;
	struct vmsnd_vu_area area;
	unsigned guard_hits; /* of the process, when last looked at */
	unsigned n_rings;
	struct vmsnd_vu_ring rings[VMSND_VU_RINGS_MAX];
};

void vmsnd_vu_ring_init(struct vmsnd_vu_ring *ring);
/* Starts whatever has all it needs. */
void vmsnd_vu_rings_start(struct vmsnd_transport *bus);
/* Whether it has all it needs and still could not be started. */
bool vmsnd_vu_ring_refused(const struct vmsnd_transport *bus, unsigned index);
/* Takes the ring from the device; it starts again when it can. */
void vmsnd_vu_ring_suspend(struct vmsnd_transport *bus, unsigned index);
/* Before slots go away: suspends rings that would lie elsewhere in `slots`. */
void vmsnd_vu_rings_leave(struct vmsnd_transport *bus, const struct vmsnd_vu_slot *slots,
			  unsigned n);
/* Where the ring's parts would lie; false when not whole in `slots`. */
bool vmsnd_vu_ring_places(const struct vmsnd_vu_ring *ring, const struct vmsnd_vu_slot *slots,
			  unsigned n, struct vmsnd_vu_places *places);
void vmsnd_vu_ring_enable(struct vmsnd_transport *bus, unsigned index, bool on);
/* Each takes `fd` over; -1 means none. False: it cannot be watched. */
bool vmsnd_vu_ring_kick_fd(struct vmsnd_transport *bus, unsigned index, int fd);
void vmsnd_vu_ring_call_fd(struct vmsnd_transport *bus, unsigned index, int fd);
void vmsnd_vu_ring_err_fd(struct vmsnd_transport *bus, unsigned index, int fd);
/* Without bit 30 there is no SET_VRING_ENABLE, and a ring begins enabled. */
bool vmsnd_vu_ring_is_enabled(const struct vmsnd_transport *bus, const struct vmsnd_vu_ring *ring);
/* Its kick descriptor is readable. Sets `broken` when it always is. */
void vmsnd_vu_ring_kicked(struct vmsnd_transport *bus, unsigned index);
/* All rings as after power-on; their call descriptors stay. The device is not asked. */
void vmsnd_vu_rings_forget(struct vmsnd_transport *bus);

/* A new area for so many queues of this size: its descriptor, or -1; then `area->bytes` is 0. */
int vmsnd_vu_area_make(const struct vmsnd_transport *bus, struct vmsnd_vu_inflight *area);
/* Maps it (`fd` stays the caller's) and gives it to the device. NULL, or why not. */
const char *vmsnd_vu_area_set(struct vmsnd_transport *bus, const struct vmsnd_vu_inflight *area,
			      int fd);
/* The device has let go of it. */
void vmsnd_vu_area_clear(struct vmsnd_transport *bus);

/* Takes `fd` over. */
void vmsnd_vu_channel_fd(struct vmsnd_transport *bus, int fd);
void vmsnd_vu_channel_config_changed(struct vmsnd_transport *bus);

/* The whole message in `in` is for us. Sets `broken` when the peer has to go. */
void vmsnd_vu_dispatch(struct vmsnd_transport *bus);

#endif
