/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the vfio-user transport share; nobody else includes it. */
#ifndef VMSND_TRANSPORTS_VFIO_USER_ROOM_H
#define VMSND_TRANSPORTS_VFIO_USER_ROOM_H

#include "transports/dirty.h"
#include "transports/event.h"
#include "transports/map.h"
#include "transports/peer.h"
#include "transports/vfio_user_codec.h"

enum vmsnd_vfu_tag { VMSND_VFU_TAG_RESAMPLE = VMSND_PEER_TAGS };

/* ---- memory (vfio_user_memory.c) ------------------------------------------------------- */

struct vmsnd_vfu_slot {
	vmsnd_gpa gpa;
	uint64_t bytes;
	unsigned rights; /* enum vmsnd_right */
	bool mapped;     /* else only the VMM reaches it */
	bool shown;      /* the card's guest memory has it */
	struct vmsnd_map map;
};

struct vmsnd_vfu_memory {
	unsigned n;
	struct vmsnd_vfu_slot slots[VMSND_GMEM_REGIONS_MAX]; /* in no order */
};

/* ---- interrupts (vfio_user_irqs.c) ------------------------------------------------------- */

struct vmsnd_vfu_irqs {
	struct vmsnd_event_out intx, msi;
	struct vmsnd_event_in resample; /* the client's UNMASK, where KVM gives it */
	bool level;                     /* of the card's line; outlives a client */
	bool rose;                      /* since it was last signalled */
	bool masked;                    /* by the client, or by itself when it was signalled */
	bool held;                      /* by the client */
	bool message_kept;              /* it came before its descriptor */
	vmsnd_ns signalled;             /* when INTx was */
	vmsnd_ns unmasked;              /* when the client first unmasked since then, or never */
	vmsnd_ns messaged;              /* bus->accessed as it was when MSI was signalled */
	vmsnd_ns resampled;             /* bus->accessed as it was when the client last said so */
	unsigned resamples;             /* since then */
};

/* ---- answers ------------------------------------------------------------------------------ */

/* The answer to a message under construction. Its header comes by itself. */
struct vmsnd_vfu_answer {
	uint8_t *to;    /* room for VMSND_VFU_PAYLOAD_MAX bytes */
	uint32_t bytes; /* of payload */
	uint32_t error; /* of a refusal: EINVAL unless the handler says another */
	bool quiet;     /* a refusal that is no news */
};

/* `payload` has bus->header's bytes less its own, and has been checked (vmsnd_vfu_check). NULL, or
 * why the message is refused: then the answer is a header with `error`. */
typedef const char *vmsnd_vfu_handler(struct vmsnd_transport *bus, const uint8_t *payload,
				      struct vmsnd_vfu_answer *answer);

struct vmsnd_vfu_counts {
	uint64_t messages, reads, writes, signals, resignals, refused;
	uint64_t remote, remote_refused; /* messages for memory, and answers that were none */
};

/* ---- memory that only the client reaches (vfio_user_remote.c) ------------------------------ */

#define VMSND_VFU_REQUESTS_MAX     32u
#define VMSND_VFU_PIECES_MAX       64u            /* messages that one of them may take */
#define VMSND_VFU_REMOTE_BYTES_MAX (256u * 1024u) /* of one */

enum vmsnd_vfu_phase {
	VMSND_VFU_VACANT,
	VMSND_VFU_ASKED,
	VMSND_VFU_ANSWERED, /* a read; until the card has fetched it, or had its turn */
	VMSND_VFU_UNWANTED  /* to be answered; its range is gone */
};

/* A read or write of the card's. */
struct vmsnd_vfu_request {
	enum vmsnd_vfu_phase phase;
	bool writes, refused;
	uint16_t first_id;
	uint32_t n, left; /* messages, and those without an answer */
	uint64_t seen;    /* bits of those with one */
	vmsnd_ns asked;   /* VMSND_NEVER until its time is known */
	vmsnd_gpa gpa;
	uint32_t bytes;
	uint8_t *data; /* of a read */
};

/* How the client lays out a DMA_READ or DMA_WRITE: QEMU 10.1 has a count of 32 bits, and data right
 * behind it. */
enum vmsnd_vfu_layout { VMSND_VFU_LAYOUT_UNKNOWN, VMSND_VFU_COUNT_OF_64, VMSND_VFU_COUNT_OF_32 };

struct vmsnd_vfu_remote {
	struct vmsnd_remote way; /* of regions without a mapping */
	struct vmsnd_vfu_request requests[VMSND_VFU_REQUESTS_MAX];
	uint32_t bytes;   /* of all of them */
	uint16_t next_id; /* ours; the client's are its own */
	bool forgot;      /* some that may still be answered */
	enum vmsnd_vfu_layout layout;
	uint8_t message[VMSND_VFU_DMA_ACCESS_BYTES + VMSND_VFU_REMOTE_BYTES_MAX];
};

/* ---- a card that is moved (vfio_user_migration.c, vfio_user_features.c) --------------------- */

struct vmsnd_vfu_migration {
	enum vmsnd_vfu_state state;
	bool stands; /* the card stands still for it */
	/* What the card is: to be read from data_at on, or as far as it has come. */
	uint8_t *data;
	size_t data_at, data_bytes, data_room;
	struct vmsnd_dirty dirty;
};

/* ---- the transport ------------------------------------------------------------------------ */

struct vmsnd_transport {
	char name[64];
	struct vmsnd_transport_user user;
	struct vmsnd_card_ref card;
	struct vmsnd_gmem *mem;
	struct vmsnd_peer peer;
	vmsnd_ns now;                      /* of the call under way */
	uint32_t sizes[VMSND_VFU_REGIONS]; /* of the card's regions */
	unsigned guard_hits;               /* of the process, when last looked at */
	struct vmsnd_vfu_counts counts;
	struct vmsnd_vfu_irqs irqs;

	/* All of one session; a new peer finds it as at the start. */
	bool agreed;              /* on a version */
	uint32_t client_data_max; /* its max_data_xfer_size */
	bool memory_came;         /* a range with a descriptor, ever */
	bool driver_started;      /* the guest has made the card a bus master */
	vmsnd_ns accessed;        /* when the guest last touched a region */
	vmsnd_ns sent;            /* when the client last read something, while answers wait */
	vmsnd_ns retry;           /* when it is looked at again whether it reads */
	vmsnd_ns retry_ns;        /* between the two; 0: not yet, or it has just read */
	bool held_off;            /* it is not read from while so many answers wait */

	struct vmsnd_vfu_header header;

	struct vmsnd_vfu_memory memory;
	struct vmsnd_vfu_remote remote;
	struct vmsnd_vfu_migration migration;

	/* Pages of these that no message needs cost nothing. What waits to be sent lies in `out`
	 * from out_sent to out_used. */
	size_t out_sent, out_used;
	uint8_t in[VMSND_VFU_MESSAGE_MAX];
	uint8_t answer[VMSND_VFU_PAYLOAD_MAX]; /* under construction */
	uint8_t out[2 * VMSND_VFU_MESSAGE_MAX];
};

/* ---- sending (vfio_user.c) ------------------------------------------------------------------ */

/* Sends a message, now or when the peer reads; `header->bytes` need not be filled in. The payload
 * is copied. False: too much waits for the peer already, and it is broken. */
bool vmsnd_vfu_out(struct vmsnd_transport *bus, const struct vmsnd_vfu_header *header,
		   const void *payload, uint32_t payload_bytes);

/* ---- what messages do (vfio_user_session.c) ---- */

/* The whole message in `in` is for us. Sets peer.broken when the peer has to go. */
void vmsnd_vfu_dispatch(struct vmsnd_transport *bus);
/* As return and with `error` in one. */
const char *vmsnd_vfu_refuse(struct vmsnd_vfu_answer *answer, enum vmsnd_vfu_errno error,
			     const char *why);

/* vfio_user_version.c */
vmsnd_vfu_handler vmsnd_vfu_version;

/* vfio_user_memory.c */
vmsnd_vfu_handler vmsnd_vfu_dma_map, vmsnd_vfu_dma_unmap;
/* Takes away from the card what the VMM has taken away; whether there was any. */
bool vmsnd_vfu_memory_drop_lost(struct vmsnd_transport *bus);
void vmsnd_vfu_memory_clear(struct vmsnd_transport *bus);
/* The slot of this very range, or -1. */
int vmsnd_vfu_memory_find(const struct vmsnd_vfu_memory *memory, vmsnd_gpa gpa, uint64_t bytes);
/* The guest's driver has started: is there memory to find its sound in? */
void vmsnd_vfu_memory_doubt(struct vmsnd_transport *bus);

/* vfio_user_irqs.c */
vmsnd_vfu_handler vmsnd_vfu_irq_info, vmsnd_vfu_set_irqs;
void vmsnd_vfu_irqs_init(struct vmsnd_vfu_irqs *irqs);
/* The client is gone; the line's level stays. */
void vmsnd_vfu_irqs_clear(struct vmsnd_transport *bus);
void vmsnd_vfu_irqs_reset(struct vmsnd_vfu_irqs *irqs);
void vmsnd_vfu_irqs_line(struct vmsnd_transport *bus, bool high);
void vmsnd_vfu_irqs_message(struct vmsnd_transport *bus);
/* The resample descriptor is readable. */
void vmsnd_vfu_irqs_resampled(struct vmsnd_transport *bus);
/* Signals again what is due; when to be asked next. */
vmsnd_ns vmsnd_vfu_irqs_advance(struct vmsnd_transport *bus);

/* vfio_user_remote.c: memory that only the VMM reaches. */
void vmsnd_vfu_remote_begin(struct vmsnd_transport *bus);
void vmsnd_vfu_remote_end(struct vmsnd_transport *bus);
/* A reply of the client's, to a request of ours or to none: then it is dropped. */
vmsnd_vfu_handler vmsnd_vfu_remote_replied;
/* What of it is due in time; when to be asked next. */
vmsnd_ns vmsnd_vfu_remote_advance(struct vmsnd_transport *bus);
/* DEVICE_RESET: nobody waits for what is under way. */
void vmsnd_vfu_remote_reset(struct vmsnd_transport *bus);

/* A range without a mapping goes. */
void vmsnd_vfu_remote_forget(struct vmsnd_transport *bus, vmsnd_gpa gpa, uint64_t bytes);

/* vfio_user_migration.c: what a VMM that moves the card asks. */
void vmsnd_vfu_migration_begin(struct vmsnd_transport *bus);
void vmsnd_vfu_migration_end(struct vmsnd_transport *bus);
/* DEVICE_RESET: the card runs. */
void vmsnd_vfu_migration_reset(struct vmsnd_transport *bus);
/* Whether this card can be moved at all. */
bool vmsnd_vfu_migration_possible(const struct vmsnd_transport *bus);
/* Goes there, by way of others if need be. NULL, or why not. */
const char *vmsnd_vfu_migration_change(struct vmsnd_transport *bus, uint32_t to,
				       struct vmsnd_vfu_answer *answer);
vmsnd_vfu_handler vmsnd_vfu_mig_data_read, vmsnd_vfu_mig_data_write;

/* vfio_user_features.c */
vmsnd_vfu_handler vmsnd_vfu_device_feature;
void vmsnd_vfu_logging_end(struct vmsnd_transport *bus);
/* Puts the dirty pages of a range that is about to be unmapped behind the answer to it; or why
 * not. */
const char *vmsnd_vfu_unmap_bitmap(struct vmsnd_transport *bus,
				   const struct vmsnd_vfu_dma_unmap *unmap,
				   struct vmsnd_vfu_answer *answer);

#endif
