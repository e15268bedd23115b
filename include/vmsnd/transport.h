/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/transport.h - how a VM reaches a device, and how a device reaches its memory.
 *
 * Guest memory is copied, never pointed at. A stream moves a few megabytes a
 * second at most, so a copy costs less than a rule about how long a pointer
 * stays good; nor can a guest change a value between our check and our use.
 * Memory arrives and leaves on the lane thread, between device calls, which is
 * why there is no quiesce step. */
#ifndef VMSND_TRANSPORT_H
#define VMSND_TRANSPORT_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VMSND_TRANSPORT_ABI 4u

/* ---- guest memory ------------------------------------------------------------- */

enum vmsnd_right { VMSND_READ = 1, VMSND_WRITE = 2 };

/* Guest memory that only its VMM can reach: it is asked, and answers later. Never waits. */
struct vmsnd_remote {
	void *ctx;
	/* VMSND_OK: the bytes are there; each answer is good for one read. VMSND_E_AGAIN: they have
	 * been asked for: the device goes on without them and asks for the same once more when it
	 * is next called. Other codes: the VMM refused, or is not there any more. */
	enum vmsnd_rc (*read)(void *ctx, vmsnd_gpa from, void *to, size_t bytes);
	/* Done some time later, in order. VMSND_E_AGAIN: too much is under way. */
	enum vmsnd_rc (*write)(void *ctx, vmsnd_gpa to, const void *from, size_t bytes);
};

struct vmsnd_region {
	vmsnd_gpa gpa;
	uint64_t bytes;
	void *at;        /* mapping; whoever made it unmaps it after removing the region */
	unsigned rights; /* enum vmsnd_right, or'ed */
	/* Not NULL: there is no mapping, and this is the way. A range that is not whole in one such
	 * region is VMSND_E_RANGE, and it holds no ring index. Outlives the region. */
	const struct vmsnd_remote *remote;
};

/* 509 is what QEMU can plug; the rest is room to replace one before removing the other. */
#define VMSND_GMEM_REGIONS_MAX 512u

enum vmsnd_gmem_call {
	VMSND_GMEM_CHECK,
	VMSND_GMEM_READ,
	VMSND_GMEM_WRITE,
	VMSND_GMEM_LOAD16,
	VMSND_GMEM_STORE16,
	VMSND_GMEM_ADD, /* of a region, by its transport */
	VMSND_GMEM_REMOVE
};
/* One call, as it ended. `rights`: of CHECK and ADD; `value`: of LOAD16 and STORE16. */
struct vmsnd_gmem_event {
	enum vmsnd_gmem_call call;
	vmsnd_gpa gpa;
	uint64_t bytes;
	unsigned rights;
	uint16_t value;
	enum vmsnd_rc rc;
};

/* What stands before the memory of a card that is not trusted, or is traced (DM-53, DM-54). In the
 * caller's storage, which outlives its use. */
struct vmsnd_gmem_guard {
	/* Addresses that the device may touch; 0 and UINT64_MAX: all there are. Beyond them there
	 * is nothing for it: VMSND_E_RANGE. */
	vmsnd_gpa first, last;
	uint64_t refusals; /* accesses that did not end well, whatever the reason */
	void *ctx;
	/* Every call, when it ends. On the lane; must not call back. May be NULL. */
	void (*told)(void *ctx, const struct vmsnd_gmem_event *event);
};

/* Plain data in the caller's storage, zero-initialised means empty. Its size is not
 * part of the ABI yet. `last` remembers the region of the last access. */
struct vmsnd_gmem {
	uint32_t n_regions;
	uint32_t last;
	struct vmsnd_gmem_guard *guard; /* NULL: none, which costs next to nothing */
	/* Whom to tell of what the device has written: a VMM that moves the card. NULL: nobody. */
	void (*wrote)(void *ctx, vmsnd_gpa at, uint64_t bytes);
	void *wrote_ctx;
	struct vmsnd_region regions[VMSND_GMEM_REGIONS_MAX]; /* sorted by gpa */
};

/* Regions never overlap and never wrap: VMSND_E_INVALID. A full table is
 * VMSND_E_NOMEM. Lane only. */
enum vmsnd_rc vmsnd_gmem_add(struct vmsnd_gmem *mem, const struct vmsnd_region *region);
/* Exactly one region as it was added, else VMSND_E_INVALID. */
enum vmsnd_rc vmsnd_gmem_remove(struct vmsnd_gmem *mem, vmsnd_gpa gpa, uint64_t bytes);

/* All or nothing: the whole range is checked before the first byte moves. A
 * range may cross adjoining regions. Zero bytes are always VMSND_OK. VMSND_E_RANGE,
 * VMSND_E_DENIED, and VMSND_E_AGAIN of a region without a mapping. Lane only. */
enum vmsnd_rc vmsnd_gmem_check(struct vmsnd_gmem *mem, vmsnd_gpa at, uint64_t bytes,
			       unsigned rights);
enum vmsnd_rc vmsnd_gmem_read(struct vmsnd_gmem *mem, vmsnd_gpa from, void *to, size_t bytes);
enum vmsnd_rc vmsnd_gmem_write(struct vmsnd_gmem *mem, vmsnd_gpa to, const void *from,
			       size_t bytes);

/* A ring index shared with a running guest CPU: acquire on load, release on
 * store. Little-endian; 2-byte aligned and whole in one region, or VMSND_E_RANGE. */
enum vmsnd_rc vmsnd_gmem_load16(struct vmsnd_gmem *mem, vmsnd_gpa from, uint16_t *value);
enum vmsnd_rc vmsnd_gmem_store16(struct vmsnd_gmem *mem, vmsnd_gpa to, uint16_t value);

/* ---- a guest's side of a virtio card ---------------------------------------------
 *
 * What a driver of ours (src/guests) sees. The in-process transport offers it
 * straight to the card; a front end over a wire can offer the same. */

struct vmsnd_guest_bus {
	void *ctx;
	uint64_t (*features)(void *ctx);
	enum vmsnd_rc (*set_features)(void *ctx, uint64_t accepted);
	enum vmsnd_rc (*config_read)(void *ctx, uint32_t offset, void *to, uint32_t bytes);
	/* Shares `bytes` at `at` with the card as guest memory from `gpa` on, until
	 * the bus is closed. Before the first queue_start. */
	enum vmsnd_rc (*share)(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes);
	enum vmsnd_rc (*queue_start)(void *ctx, unsigned queue,
				     const struct vmsnd_queue_setup *setup, vmsnd_ns now);
	enum vmsnd_rc (*queue_stop)(void *ctx, unsigned queue, uint32_t *next_avail, vmsnd_ns now);
	enum vmsnd_rc (*kick)(void *ctx, unsigned queue, vmsnd_ns now);
	/* Whether the card has interrupted for this queue since last asked. */
	bool (*interrupted)(void *ctx, unsigned queue);
	/* VIRTIO_F_RING_RESET; the queue may be started again after it. May be NULL. */
	enum vmsnd_rc (*queue_reset)(void *ctx, unsigned queue, vmsnd_ns now);
};

/* ---- a card's registers ----------------------------------------------------------
 *
 * What a VMM forwards to when its guest touches the card's page: virtio over MMIO, version 2
 * (virtio 1.3, 4.2). Every access is answered, whatever its offset and width: what the standard
 * does not know reads as 0, writes to it do nothing, both are counted. `value` is the guest's, as
 * its little-endian CPU has it in a register. */

#define VMSND_MMIO_BYTES                                                                           \
	0x1000u /* of address space; the standard's part is 0x100 and the                          \
		 * configuration. Beyond, all reads as 0. */

struct vmsnd_mmio_bus {
	void *ctx;
	uint64_t (*read)(void *ctx, uint64_t offset, unsigned bytes);
	void (*write)(void *ctx, uint64_t offset, unsigned bytes, uint64_t value, vmsnd_ns now);
};

/* The PCI card itself, for a VMM that emulates the bus: see struct vmsnd_pci_ops. Accesses carry
 * the guest's time. */
struct vmsnd_pci_bus {
	void *ctx;
	void (*bar)(void *ctx, unsigned index, struct vmsnd_pci_bar *out);
	void (*read)(void *ctx, const struct vmsnd_pci_access *access, void *to);
	void (*write)(void *ctx, const struct vmsnd_pci_access *access, const void *from);
};

/* A card's interrupt line, told of each change of its level. Over MMIO it is high while
 * InterruptStatus is not 0; of the in-process transport, while a queue has interrupted and was not
 * asked for it, and of a PCI card, as its INTx pin is. Called on whichever thread advances the card
 * or calls it, with the card's lane taken: it must not call the machine, nor wait for a thread that
 * may. */
struct vmsnd_interrupt {
	void *ctx;
	void (*level)(void *ctx, bool high);
	/* An MSI of a PCI card. May be NULL. */
	void (*message)(void *ctx, const struct vmsnd_msi *message);
};

/* ---- transports ----------------------------------------------------------------- */

/* A card as a transport holds it: all calls go to cls->...(dev, ...). */
struct vmsnd_card_ref {
	const struct vmsnd_dev_class *cls;
	struct vmsnd_dev *dev;
};

enum vmsnd_peer_event {
	VMSND_PEER_CONNECTED,
	VMSND_PEER_READY, /* the guest's driver has started the card */
	VMSND_PEER_LEFT
};

/* What a transport asks of the lane that owns the device. Called on the lane. */
struct vmsnd_transport_user {
	void *ctx;
	/* Call ready(bus, tag) whenever `fd` is readable or hung up. */
	enum vmsnd_rc (*watch)(void *ctx, int fd, unsigned tag);
	/* Always called before `fd` is closed: an epoll set would otherwise go on
	 * reporting a descriptor that the VMM still holds. */
	void (*unwatch)(void *ctx, int fd);
	void (*peer)(void *ctx, enum vmsnd_peer_event what);
	const struct vmsnd_log *log;
	/* A VMM moves its guest to another host, and the card with it. Stands still, or goes on;
	 * it goes on by itself when the VMM has left. Not from within the device. */
	void (*stand)(void *ctx, bool still);
	/* Appends what the card, its streams and their rings are. VMSND_E_UNSUPPORTED, _LIMIT,
	 * _NOMEM. */
	enum vmsnd_rc (*save)(void *ctx, struct vmsnd_state_writer *to);
	/* Takes it up into a card that stands still and whose guest has done nothing yet.
	 * VMSND_E_DAMAGED, _VERSION, _INVALID (another kind of card): a line is in the log, and
	 * the card is as after a reset. */
	enum vmsnd_rc (*load)(void *ctx, const void *bytes, size_t n);
};

struct vmsnd_transport_conf {
	const struct vmsnd_conf *options;
	const char *name; /* the card's, for log lines */
	/* An inherited listening socket, or -1; owned by the transport once open succeeded. Only
	 * for transports that have an option "socket-fd". */
	int listen_fd;
	struct vmsnd_card_ref card;
	struct vmsnd_gmem *mem; /* filled as the peer maps memory */
};

struct vmsnd_transport;

struct vmsnd_transport_class {
	uint32_t abi;
	const char *name, *summary;
	const struct vmsnd_option *options; /* may be NULL; joined to the device's own */

	enum vmsnd_rc (*open)(const struct vmsnd_transport_conf *conf,
			      const struct vmsnd_transport_user *user,
			      struct vmsnd_transport **out);
	/* Handles one message at most, never waits. Any error has already closed
	 * the peer, emptied `mem` and reset the device; the bus listens again. */
	void (*ready)(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now);
	/* The interrupt of a virtio device: a queue number. NULL of transports for PCI cards only.
	 */
	void (*notify)(struct vmsnd_transport *bus, unsigned vector);
	/* Answers what is pending, lets the peer go and frees all. */
	void (*close)(struct vmsnd_transport *bus, vmsnd_ns now);

	/* The guest's side of a card in the same process, by value, good until close; NULL
	 * where the guest is at the other end of a wire. */
	void (*guest_bus)(struct vmsnd_transport *bus, struct vmsnd_guest_bus *out);

	/* ---- all from here may be NULL ---- */

	/* The card's registers, likewise; NULL of transports without. */
	void (*mmio_bus)(struct vmsnd_transport *bus, struct vmsnd_mmio_bus *out);
	/* Whom to tell of the line's level from now on, and at once if it is high; NULL: nobody.
	 * Transports with it have a guest in this process, and its memory comes from
	 * vmsnd_machine_memory_add. */
	void (*interrupt)(struct vmsnd_transport *bus, const struct vmsnd_interrupt *to);
	/* Fills at most `max` figures and returns how many there are in all. */
	size_t (*counters)(const struct vmsnd_transport *bus, struct vmsnd_counter *out,
			   size_t max);
	/* Saved state of a transport whose guest does not set it up again by itself after a load.
	 * Written when the device is; loaded after it. Guest memory may come later still, so load
	 * only takes note. It says its own version. VMSND_E_VERSION, VMSND_E_DAMAGED. */
	void (*save)(const struct vmsnd_transport *bus, struct vmsnd_state_writer *to);
	enum vmsnd_rc (*load)(struct vmsnd_transport *bus, struct vmsnd_state_reader *from,
			      vmsnd_ns now);
	/* The machine is resumed, before streams go on: what was loaded and waits for guest memory
	 * begins. Also called when nothing does. */
	void (*go_on)(struct vmsnd_transport *bus, vmsnd_ns now);
	/* The machine was reset, the device before this: no interrupt of before is pending, and
	 * the guest's driver finds the transport as at power-on (LC-07). NULL where the VMM
	 * sees to that. */
	void (*reset)(struct vmsnd_transport *bus);
	/* What the device shows as its configuration is another now: the guest is told. From within
	 * the device, as notify. */
	void (*config_changed)(struct vmsnd_transport *bus);
	/* Interrupts of a PCI device. From within it. Transports for PCI cards have both. */
	void (*line)(struct vmsnd_transport *bus, bool high);
	void (*message)(struct vmsnd_transport *bus, const struct vmsnd_msi *message);
	/* What the transport itself has to do in time; when to be called next, or VMSND_NEVER. */
	vmsnd_ns (*advance)(struct vmsnd_transport *bus, vmsnd_ns now);
	/* The PCI card for a VMM in the same process, by value, good until close. */
	void (*pci_bus)(struct vmsnd_transport *bus, struct vmsnd_pci_bus *out);

	uint32_t abi_end; /* VMSND_TRANSPORT_ABI once more (DM-03) */
};

#ifdef __cplusplus
}
#endif
#endif
