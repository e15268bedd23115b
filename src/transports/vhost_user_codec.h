/* SPDX-License-Identifier: BSD-3-Clause */
/* The vhost-user protocol as bytes: pure functions and one table of messages.
 *
 * Source: "Vhost-user Protocol" in QEMU's documentation; what differs between real front
 * ends is noted at each row. */
#ifndef VMSND_TRANSPORTS_VHOST_USER_CODEC_H
#define VMSND_TRANSPORTS_VHOST_USER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMSND_VU_HEADER_BYTES 12u
/* rust-vmm's front ends allow a configuration space of this size. */
#define VMSND_VU_PAYLOAD_MAX       (12u + 4096u)
#define VMSND_VU_CONFIG_BYTES_MAX  256u
#define VMSND_VU_REPLY_BYTES_MAX   (VMSND_VU_HEADER_BYTES + 12u + VMSND_VU_CONFIG_BYTES_MAX)
#define VMSND_VU_TABLE_REGIONS_MAX 8u
#define VMSND_VU_FDS_MAX           8u

#define VMSND_VU_VERSION    0x1u
#define VMSND_VU_REPLY      0x4u
#define VMSND_VU_NEED_REPLY 0x8u

/* The device feature that says there are protocol features. */
#define VMSND_VU_F_PROTOCOL_FEATURES (UINT64_C(1) << 30)

enum vmsnd_vu_request {
	VMSND_VU_GET_FEATURES = 1,
	VMSND_VU_SET_FEATURES = 2,
	VMSND_VU_SET_OWNER = 3,
	VMSND_VU_RESET_OWNER = 4,
	VMSND_VU_SET_MEM_TABLE = 5,
	VMSND_VU_SET_VRING_NUM = 8,
	VMSND_VU_SET_VRING_ADDR = 9,
	VMSND_VU_SET_VRING_BASE = 10,
	VMSND_VU_GET_VRING_BASE = 11,
	VMSND_VU_SET_VRING_KICK = 12,
	VMSND_VU_SET_VRING_CALL = 13,
	VMSND_VU_SET_VRING_ERR = 14,
	VMSND_VU_GET_PROTOCOL_FEATURES = 15,
	VMSND_VU_SET_PROTOCOL_FEATURES = 16,
	VMSND_VU_GET_QUEUE_NUM = 17,
	VMSND_VU_SET_VRING_ENABLE = 18,
	VMSND_VU_SET_BACKEND_REQ_FD = 21,
	VMSND_VU_GET_CONFIG = 24,
	VMSND_VU_SET_CONFIG = 25,
	VMSND_VU_GET_INFLIGHT_FD = 31,
	VMSND_VU_SET_INFLIGHT_FD = 32,
	VMSND_VU_RESET_DEVICE = 34,
	VMSND_VU_GET_MAX_MEM_SLOTS = 36,
	VMSND_VU_ADD_MEM_REG = 37,
	VMSND_VU_REM_MEM_REG = 38,
	VMSND_VU_SET_STATUS = 39,
	VMSND_VU_GET_STATUS = 40,
	VMSND_VU_REQUESTS = 45 /* numbers below this may have a row */
};

/* Requests of the back end. */
enum vmsnd_vu_backend_request { VMSND_VU_BACKEND_CONFIG_CHANGE = 2 };

/* Protocol features by their bit. */
enum vmsnd_vu_protocol {
	VMSND_VU_P_MQ = 0,
	VMSND_VU_P_REPLY_ACK = 3,
	VMSND_VU_P_BACKEND_REQ = 5,
	VMSND_VU_P_CONFIG = 9,
	VMSND_VU_P_INFLIGHT_SHMFD = 12,
	VMSND_VU_P_RESET_DEVICE = 13,
	VMSND_VU_P_CONFIGURE_MEM_SLOTS = 15,
	VMSND_VU_P_STATUS = 16
};

/* What the front end waits for. */
enum vmsnd_vu_reply {
	VMSND_VU_ANSWER_ACK,   /* a number, and only when NEED_REPLY is set */
	VMSND_VU_ANSWER_ALWAYS /* a reply of its own kind, always */
};

struct vmsnd_vu_row {
	const char *name; /* NULL: no such message */
	uint16_t bytes_min, bytes_max;
	uint8_t fds_min, fds_max;
	enum vmsnd_vu_reply answer;
	bool offered;
	/* NULL, or why this payload cannot be. Lengths have been checked. */
	const char *(*check)(const uint8_t *payload, uint32_t bytes, unsigned n_fds);
};

struct vmsnd_vu_header {
	uint32_t request, flags, bytes;
};

struct vmsnd_vu_state {
	uint32_t index, value;
};

struct vmsnd_vu_address {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct vmsnd_vu_descriptor {
	uint32_t index;
	bool none; /* no descriptor comes: the ring is polled */
};

struct vmsnd_vu_region {
	uint64_t gpa, bytes, user, offset;
};

struct vmsnd_vu_config {
	uint32_t offset, bytes, flags;
};

struct vmsnd_vu_inflight {
	uint64_t bytes, offset;
	uint16_t n_queues, queue_size;
};

/* Never NULL; a row without name for what no standard knows. */
const struct vmsnd_vu_row *vmsnd_vu_row(uint32_t request);
/* The message's name, or "an unknown message". */
const char *vmsnd_vu_name(uint32_t request);

void vmsnd_vu_header_get(const uint8_t *from, struct vmsnd_vu_header *header);
/* NULL, or why the stream cannot be followed beyond this header. */
const char *vmsnd_vu_header_check(const struct vmsnd_vu_header *header);
/* NULL, or why the whole message is malformed or not offered; one text for each cause. */
const char *vmsnd_vu_check(const struct vmsnd_vu_header *header, const uint8_t *payload,
			   unsigned n_fds);

uint64_t vmsnd_vu_u64_get(const uint8_t *payload);
void vmsnd_vu_state_get(const uint8_t *payload, struct vmsnd_vu_state *state);
void vmsnd_vu_address_get(const uint8_t *payload, struct vmsnd_vu_address *address);
void vmsnd_vu_descriptor_get(const uint8_t *payload, struct vmsnd_vu_descriptor *descriptor);
unsigned vmsnd_vu_table_get(const uint8_t *payload, struct vmsnd_vu_region *regions);
void vmsnd_vu_region_get(const uint8_t *payload, struct vmsnd_vu_region *region);
void vmsnd_vu_config_get(const uint8_t *payload, struct vmsnd_vu_config *config);
void vmsnd_vu_inflight_get(const uint8_t *payload, struct vmsnd_vu_inflight *inflight);

/* Each writes a whole message and returns its bytes; `to` has VMSND_VU_REPLY_BYTES_MAX
 * or, for requests, room for what is asked. */
size_t vmsnd_vu_put(uint8_t *to, const struct vmsnd_vu_header *header, const void *payload);
size_t vmsnd_vu_reply_u64(uint8_t *to, uint32_t request, uint64_t value);
size_t vmsnd_vu_reply_state(uint8_t *to, uint32_t request, const struct vmsnd_vu_state *state);
/* The data goes to `to` + header + 12, config->bytes of it. */
size_t vmsnd_vu_reply_config(uint8_t *to, const struct vmsnd_vu_config *config);
size_t vmsnd_vu_reply_empty(uint8_t *to, uint32_t request);
/* Of as many bytes as the request had: front ends in C count the padding in. */
size_t vmsnd_vu_reply_inflight(uint8_t *to, const struct vmsnd_vu_inflight *inflight,
			       uint32_t bytes);
/* Bytes of one region as SET_MEM_TABLE and ADD_MEM_REG carry it. */
#define VMSND_VU_REGION_BYTES 32u
void vmsnd_vu_region_put(uint8_t *to, const struct vmsnd_vu_region *region);

#endif
