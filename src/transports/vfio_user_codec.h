/* SPDX-License-Identifier: BSD-3-Clause */
/* The vfio-user protocol as bytes: pure functions and one table of messages.
 *
 * Source: "vfio-user Protocol Specification" 0.9.2 in QEMU's documentation; structures and flags
 * are those of linux/vfio.h. What differs between real clients is noted where it matters. */
#ifndef VMSND_TRANSPORTS_VFIO_USER_CODEC_H
#define VMSND_TRANSPORTS_VFIO_USER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMSND_VFU_MAJOR 0u
#define VMSND_VFU_MINOR 1u

#define VMSND_VFU_HEADER_BYTES 16u
#define VMSND_VFU_DATA_MAX     (1024u * 1024u) /* max_data_xfer_size, ours and the usual */
/* The longest fixed part before data: DMA_UNMAP with its bitmap. */
#define VMSND_VFU_PAYLOAD_MAX (40u + VMSND_VFU_DATA_MAX)
#define VMSND_VFU_MESSAGE_MAX (VMSND_VFU_HEADER_BYTES + VMSND_VFU_PAYLOAD_MAX)
#define VMSND_VFU_FDS_MAX     16u /* max_msg_fds */
#define VMSND_VFU_PAGE_BYTES  4096u
#define VMSND_VFU_JSON_MAX    (16u * 1024u) /* of a client's capabilities */
#define VMSND_VFU_REPLY_JSON  194u          /* QEMU reads a VERSION reply of 214 bytes at most */

enum vmsnd_vfu_command {
	VMSND_VFU_VERSION = 1,
	VMSND_VFU_DMA_MAP = 2,
	VMSND_VFU_DMA_UNMAP = 3,
	VMSND_VFU_GET_INFO = 4,
	VMSND_VFU_GET_REGION_INFO = 5,
	VMSND_VFU_GET_REGION_IO_FDS = 6,
	VMSND_VFU_GET_IRQ_INFO = 7,
	VMSND_VFU_SET_IRQS = 8,
	VMSND_VFU_REGION_READ = 9,
	VMSND_VFU_REGION_WRITE = 10,
	VMSND_VFU_DMA_READ = 11,  /* ours to the client */
	VMSND_VFU_DMA_WRITE = 12, /* likewise */
	VMSND_VFU_RESET = 13,
	VMSND_VFU_WRITE_MULTI = 15,
	VMSND_VFU_DEVICE_FEATURE = 16,
	VMSND_VFU_MIG_DATA_READ = 17,
	VMSND_VFU_MIG_DATA_WRITE = 18,
	VMSND_VFU_COMMANDS = 19 /* numbers below this may have a row */
};

/* Flags of a header. */
#define VMSND_VFU_TYPE_MASK 0xfu
#define VMSND_VFU_COMMAND   0x0u
#define VMSND_VFU_REPLY     0x1u
#define VMSND_VFU_NO_REPLY  0x10u
#define VMSND_VFU_ERROR     0x20u

/* Error numbers, as they go over the wire: Linux' own. */
enum vmsnd_vfu_errno {
	VMSND_VFU_ENOENT = 2,
	VMSND_VFU_EIO = 5,
	VMSND_VFU_ENOMEM = 12,
	VMSND_VFU_EEXIST = 17,
	VMSND_VFU_EINVAL = 22,
	VMSND_VFU_ENOTTY = 25, /* of a device feature that is not there */
	VMSND_VFU_ENOSPC = 28
};

struct vmsnd_vfu_header {
	uint16_t id, command;
	uint32_t bytes; /* of the whole message */
	uint32_t flags, error;
};

/* ---- payloads ---------------------------------------------------------------------------- */

#define VMSND_VFU_VERSION_BYTES 4u
struct vmsnd_vfu_version {
	uint16_t major, minor;
};

#define VMSND_VFU_DMA_MAP_BYTES 32u
#define VMSND_VFU_DMA_READABLE  1u
#define VMSND_VFU_DMA_WRITABLE  2u
#define VMSND_VFU_DMA_MMAP      4u /* libvfio-user's: to be mapped, as it is anyway */
struct vmsnd_vfu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, gpa, bytes;
};

#define VMSND_VFU_DMA_UNMAP_BYTES  24u
#define VMSND_VFU_BITMAP_BYTES     16u /* follows with the flag for it */
#define VMSND_VFU_UNMAP_GET_BITMAP 1u
#define VMSND_VFU_UNMAP_ALL        2u
struct vmsnd_vfu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t gpa, bytes;
	uint64_t page_bytes, bitmap_bytes; /* 0 without the flag */
};

#define VMSND_VFU_INFO_BYTES 16u
#define VMSND_VFU_INFO_RESET 1u
#define VMSND_VFU_INFO_PCI   2u
#define VMSND_VFU_REGIONS    9u /* BARs, ROM, configuration, VGA */
#define VMSND_VFU_IRQS       5u /* INTx, MSI, MSI-X, error, request */
enum vmsnd_vfu_irq {
	VMSND_VFU_INTX,
	VMSND_VFU_MSI,
	VMSND_VFU_MSIX,
	VMSND_VFU_ERRORS,
	VMSND_VFU_REQUEST
};

#define VMSND_VFU_REGION_INFO_BYTES 32u
#define VMSND_VFU_REGION_READABLE   1u
#define VMSND_VFU_REGION_WRITABLE   2u
struct vmsnd_vfu_region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};

#define VMSND_VFU_FOUR_BYTES 16u
/* What DEVICE_GET_INFO (flags, regions, interrupts), GET_IRQ_INFO and GET_REGION_IO_FDS (flags,
 * index, count) have in common. */
struct vmsnd_vfu_four {
	uint32_t argsz, flags, index, count;
};

#define VMSND_VFU_IRQ_EVENTFD    1u
#define VMSND_VFU_IRQ_MASKABLE   2u
#define VMSND_VFU_IRQ_AUTOMASKED 4u

#define VMSND_VFU_SET_IRQS_BYTES 20u
enum vmsnd_vfu_irq_data {
	VMSND_VFU_DATA_NONE = 1,
	VMSND_VFU_DATA_BOOL = 2,
	VMSND_VFU_DATA_EVENTFD = 4,
	VMSND_VFU_DATA_MASK = 7
};
enum vmsnd_vfu_irq_action {
	VMSND_VFU_ACTION_MASK = 8,
	VMSND_VFU_ACTION_UNMASK = 16,
	VMSND_VFU_ACTION_TRIGGER = 32,
	VMSND_VFU_ACTIONS = 56
};
struct vmsnd_vfu_set_irqs {
	uint32_t argsz, flags, index, start, count;
};

#define VMSND_VFU_ACCESS_BYTES 16u
struct vmsnd_vfu_access {
	uint64_t offset;
	uint32_t region, count;
};
/* Of WRITE_MULTI: how many, then each an access and eight bytes. */
#define VMSND_VFU_MULTI_HEAD_BYTES 8u
#define VMSND_VFU_MULTI_BYTES      24u
#define VMSND_VFU_MULTI_DATA_BYTES 8u
/* One message is one turn of the lane, and others wait for it; QEMU puts 200 writes into one. */
#define VMSND_VFU_MULTI_MAX 256u

#define VMSND_VFU_DMA_ACCESS_BYTES 16u
struct vmsnd_vfu_dma_access {
	uint64_t gpa, count;
};

#define VMSND_VFU_FEATURE_BYTES 8u
#define VMSND_VFU_FEATURE_INDEX 0xffffu
#define VMSND_VFU_FEATURE_GET   0x10000u
#define VMSND_VFU_FEATURE_SET   0x20000u
#define VMSND_VFU_FEATURE_PROBE 0x40000u
/* enum vfio_device_mig_state, as far as vfio-user has it. */
enum vmsnd_vfu_state {
	VMSND_VFU_STOP = 1,
	VMSND_VFU_RUNNING = 2,
	VMSND_VFU_STOP_COPY = 3,
	VMSND_VFU_RESUMING = 4,
	VMSND_VFU_PRE_COPY = 6
};
/* DEVICE_FEATURE (argsz, flags) and MIG_DATA_READ and _WRITE (argsz, size). */
struct vmsnd_vfu_two {
	uint32_t argsz, second;
};

/* ---- the table of messages ---------------------------------------------------------------- */

struct vmsnd_vfu_row {
	const char *name;              /* NULL: no such command of a client */
	uint32_t bytes_min, bytes_max; /* of the payload */
	uint8_t fds_max;
	/* NULL, or why this payload cannot be. Lengths have been checked. */
	const char *(*check)(const uint8_t *payload, uint32_t bytes, unsigned n_fds);
};

/* Never NULL; a row without name for what a client cannot ask. */
const struct vmsnd_vfu_row *vmsnd_vfu_row(uint16_t command);
/* The command's name, or "an unknown message". */
const char *vmsnd_vfu_name(uint16_t command);

void vmsnd_vfu_header_get(const uint8_t *from, struct vmsnd_vfu_header *header);
void vmsnd_vfu_header_put(uint8_t *to, const struct vmsnd_vfu_header *header);
/* Bytes of the payload; 0 of a header that claims fewer than its own. */
uint32_t vmsnd_vfu_payload_bytes(const struct vmsnd_vfu_header *header);
/* NULL, or why the stream cannot be followed beyond this header. */
const char *vmsnd_vfu_header_check(const struct vmsnd_vfu_header *header);
/* NULL, or why the whole message, which is no reply, is malformed; one text for each cause. The
 * error number is EINVAL. */
const char *vmsnd_vfu_check(const struct vmsnd_vfu_header *header, const uint8_t *payload,
			    unsigned n_fds);

void vmsnd_vfu_version_get(const uint8_t *payload, struct vmsnd_vfu_version *out);
void vmsnd_vfu_dma_map_get(const uint8_t *payload, struct vmsnd_vfu_dma_map *out);
void vmsnd_vfu_dma_unmap_get(const uint8_t *payload, struct vmsnd_vfu_dma_unmap *out);
void vmsnd_vfu_region_info_get(const uint8_t *payload, struct vmsnd_vfu_region_info *out);
void vmsnd_vfu_four_get(const uint8_t *payload, struct vmsnd_vfu_four *out);
void vmsnd_vfu_set_irqs_get(const uint8_t *payload, struct vmsnd_vfu_set_irqs *out);
void vmsnd_vfu_access_get(const uint8_t *payload, struct vmsnd_vfu_access *out);
void vmsnd_vfu_dma_access_get(const uint8_t *payload, struct vmsnd_vfu_dma_access *out);
void vmsnd_vfu_two_get(const uint8_t *payload, struct vmsnd_vfu_two *out);

/* Each returns the bytes it has written. */
uint32_t vmsnd_vfu_version_put(uint8_t *to, const struct vmsnd_vfu_version *version);
uint32_t vmsnd_vfu_dma_map_put(uint8_t *to, const struct vmsnd_vfu_dma_map *map);
uint32_t vmsnd_vfu_dma_unmap_put(uint8_t *to, const struct vmsnd_vfu_dma_unmap *unmap);
uint32_t vmsnd_vfu_region_info_put(uint8_t *to, const struct vmsnd_vfu_region_info *info);
uint32_t vmsnd_vfu_four_put(uint8_t *to, const struct vmsnd_vfu_four *four);
uint32_t vmsnd_vfu_set_irqs_put(uint8_t *to, const struct vmsnd_vfu_set_irqs *set);
uint32_t vmsnd_vfu_access_put(uint8_t *to, const struct vmsnd_vfu_access *access);
uint32_t vmsnd_vfu_dma_access_put(uint8_t *to, const struct vmsnd_vfu_dma_access *access);
uint32_t vmsnd_vfu_two_put(uint8_t *to, const struct vmsnd_vfu_two *two);

#endif
