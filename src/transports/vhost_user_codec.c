/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/vhost_user_codec.h"

#include "base/endian.h"

#define CONFIG_HEAD_BYTES 12u
#define TABLE_HEAD_BYTES  8u /* number of regions, padding */
#define RING_INDEX_MASK   UINT64_C(0xff)
#define RING_NO_FD        UINT64_C(0x100)
#define QUEUE_SIZE_MAX    1024u /* VMSND_QUEUE_SIZE_MAX; virtio-snd needs no more */
/* What the standard lists, and with the padding that a C compiler adds. */
#define INFLIGHT_BYTES_MIN 20u
#define INFLIGHT_BYTES_MAX 24u
#define INFLIGHT_ALIGN     8u

uint64_t vmsnd_vu_u64_get(const uint8_t *payload)
{
	return vmsnd_le64(payload);
}

void vmsnd_vu_state_get(const uint8_t *payload, struct vmsnd_vu_state *state)
{
	state->index = vmsnd_le32(payload);
	state->value = vmsnd_le32(payload + 4);
}

void vmsnd_vu_address_get(const uint8_t *payload, struct vmsnd_vu_address *address)
{
	address->index = vmsnd_le32(payload);
	address->flags = vmsnd_le32(payload + 4);
	address->desc = vmsnd_le64(payload + 8);
	address->used = vmsnd_le64(payload + 16);
	address->avail = vmsnd_le64(payload + 24);
	address->log = vmsnd_le64(payload + 32);
}

void vmsnd_vu_descriptor_get(const uint8_t *payload, struct vmsnd_vu_descriptor *descriptor)
{
	uint64_t word = vmsnd_le64(payload);

	descriptor->index = (uint32_t)(word & RING_INDEX_MASK);
	descriptor->none = (word & RING_NO_FD) != 0;
}

static void region_get(const uint8_t *from, struct vmsnd_vu_region *region)
{
	region->gpa = vmsnd_le64(from);
	region->bytes = vmsnd_le64(from + 8);
	region->user = vmsnd_le64(from + 16);
	region->offset = vmsnd_le64(from + 24);
}

void vmsnd_vu_region_get(const uint8_t *payload, struct vmsnd_vu_region *region)
{
	region_get(payload + TABLE_HEAD_BYTES, region);
}

unsigned vmsnd_vu_table_get(const uint8_t *payload, struct vmsnd_vu_region *regions)
{
	unsigned n = vmsnd_le32(payload);

	for (unsigned i = 0; i < n && i < VMSND_VU_TABLE_REGIONS_MAX; i++)
		region_get(payload + TABLE_HEAD_BYTES + i * VMSND_VU_REGION_BYTES, &regions[i]);
	return n;
}

void vmsnd_vu_config_get(const uint8_t *payload, struct vmsnd_vu_config *config)
{
	config->offset = vmsnd_le32(payload);
	config->bytes = vmsnd_le32(payload + 4);
	config->flags = vmsnd_le32(payload + 8);
}

void vmsnd_vu_inflight_get(const uint8_t *payload, struct vmsnd_vu_inflight *inflight)
{
	inflight->bytes = vmsnd_le64(payload);
	inflight->offset = vmsnd_le64(payload + 8);
	inflight->n_queues = vmsnd_le16(payload + 16);
	inflight->queue_size = vmsnd_le16(payload + 18);
}

/* ---- one validator a message ----------------------------------------------------- */

static const char *check_region(const struct vmsnd_vu_region *region)
{
	if (region->bytes == 0)
		return "a memory region of no size";
	if (region->gpa > UINT64_MAX - region->bytes)
		return "a memory region wraps round the guest's address space";
	if (region->user > UINT64_MAX - region->bytes)
		return "a memory region wraps round the VMM's address space";
	if (region->offset > INT64_MAX || region->bytes > INT64_MAX - region->offset)
		return "a memory region reaches beyond any file";
	return NULL;
}

/* UML sends room for two regions and fills one, so a longer payload is no mistake. */
static const char *check_table(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vu_region regions[VMSND_VU_TABLE_REGIONS_MAX];
	uint32_t n = vmsnd_le32(payload);
	const char *why = NULL;

	if (n > VMSND_VU_TABLE_REGIONS_MAX)
		return "more memory regions than a table can hold";
	if (bytes < TABLE_HEAD_BYTES + n * VMSND_VU_REGION_BYTES)
		return "a memory table shorter than its regions";
	if (n != n_fds)
		return "a memory table whose descriptors do not match its regions";
	vmsnd_vu_table_get(payload, regions);
	for (unsigned i = 0; i < n && !why; i++)
		why = check_region(&regions[i]);
	return why;
}

static const char *check_one_region(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vu_region region;

	vmsnd_vu_region_get(payload, &region);
	return check_region(&region);
}

static const char *check_num(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	uint32_t size = vmsnd_le32(payload + 4);

	if (size == 0)
		return "a queue size of 0";
	if (size > QUEUE_SIZE_MAX)
		return "a queue size above 1024";
	return NULL;
}

/* Virtual Queues: descriptor table 16, available ring 2, used ring 4 (virtio 1.2, 2.7). */
static const char *check_address(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vu_address address;

	vmsnd_vu_address_get(payload, &address);
	if (address.desc % 16 != 0)
		return "a descriptor table that is not aligned to 16";
	if (address.avail % 2 != 0)
		return "an available ring that is not aligned to 2";
	if (address.used % 4 != 0)
		return "a used ring that is not aligned to 4";
	return NULL;
}

static const char *check_descriptor(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	uint64_t word = vmsnd_le64(payload);

	if (word & ~(RING_INDEX_MASK | RING_NO_FD))
		return "unknown bits beside a ring's number";
	if ((word & RING_NO_FD) && n_fds > 0)
		return "a descriptor where the message says there is none";
	if (!(word & RING_NO_FD) && n_fds == 0)
		return "no descriptor where the message says there is one";
	return NULL;
}

static const char *check_kick(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	if (vmsnd_le64(payload) & RING_NO_FD)
		return "a ring to be polled, which is not supported";
	return check_descriptor(payload, bytes, n_fds);
}

static const char *check_inflight(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vu_inflight inflight;

	vmsnd_vu_inflight_get(payload, &inflight);
	if (inflight.bytes == 0)
		return "an in-flight area of no size";
	if (inflight.offset > INT64_MAX || inflight.bytes > INT64_MAX - inflight.offset)
		return "an in-flight area that reaches beyond any file";
	if (inflight.offset % INFLIGHT_ALIGN != 0)
		return "an in-flight area that is not aligned to 8";
	return NULL;
}

static const char *check_enable(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	return vmsnd_le32(payload + 4) > 1 ? "neither on nor off" : NULL;
}

static const char *check_config(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vu_config config;

	vmsnd_vu_config_get(payload, &config);
	if (config.bytes != bytes - CONFIG_HEAD_BYTES)
		return "a configuration range whose size is not the message's";
	if (config.offset > UINT32_MAX - config.bytes)
		return "a configuration range that wraps";
	return NULL;
}

/* ---- the table -------------------------------------------------------------------- */

#define ACK                  VMSND_VU_ANSWER_ACK
#define ALWAYS               VMSND_VU_ANSWER_ALWAYS
#define TABLE_BYTES_MAX      (TABLE_HEAD_BYTES + VMSND_VU_TABLE_REGIONS_MAX * VMSND_VU_REGION_BYTES)
#define REGION_MESSAGE_BYTES (TABLE_HEAD_BYTES + VMSND_VU_REGION_BYTES)

static const struct vmsnd_vu_row rows[VMSND_VU_REQUESTS] = {
    [VMSND_VU_GET_FEATURES] = {"GET_FEATURES", 0, 0, 0, 0, ALWAYS, true, NULL},
    [VMSND_VU_SET_FEATURES] = {"SET_FEATURES", 8, 8, 0, 0, ACK, true, NULL},
    [VMSND_VU_SET_OWNER] = {"SET_OWNER", 0, 0, 0, 0, ACK, true, NULL},
    [VMSND_VU_RESET_OWNER] = {"RESET_OWNER", 0, 0, 0, 0, ACK, true, NULL},
    [VMSND_VU_SET_MEM_TABLE] = {"SET_MEM_TABLE", TABLE_HEAD_BYTES, TABLE_BYTES_MAX, 0,
				VMSND_VU_TABLE_REGIONS_MAX, ACK, true, check_table},
    [6] = {"SET_LOG_BASE", 0, 0, 0, 0, ALWAYS, false, NULL},
    [7] = {"SET_LOG_FD", 0, 0, 0, 0, ACK, false, NULL},
    [VMSND_VU_SET_VRING_NUM] = {"SET_VRING_NUM", 8, 8, 0, 0, ACK, true, check_num},
    [VMSND_VU_SET_VRING_ADDR] = {"SET_VRING_ADDR", 40, 40, 0, 0, ACK, true, check_address},
    [VMSND_VU_SET_VRING_BASE] = {"SET_VRING_BASE", 8, 8, 0, 0, ACK, true, NULL},
    [VMSND_VU_GET_VRING_BASE] = {"GET_VRING_BASE", 8, 8, 0, 0, ALWAYS, true, NULL},
    [VMSND_VU_SET_VRING_KICK] = {"SET_VRING_KICK", 8, 8, 0, 1, ACK, true, check_kick},
    [VMSND_VU_SET_VRING_CALL] = {"SET_VRING_CALL", 8, 8, 0, 1, ACK, true, check_descriptor},
    [VMSND_VU_SET_VRING_ERR] = {"SET_VRING_ERR", 8, 8, 0, 1, ACK, true, check_descriptor},
    [VMSND_VU_GET_PROTOCOL_FEATURES] = {"GET_PROTOCOL_FEATURES", 0, 0, 0, 0, ALWAYS, true, NULL},
    [VMSND_VU_SET_PROTOCOL_FEATURES] = {"SET_PROTOCOL_FEATURES", 8, 8, 0, 0, ACK, true, NULL},
    [VMSND_VU_GET_QUEUE_NUM] = {"GET_QUEUE_NUM", 0, 0, 0, 0, ALWAYS, true, NULL},
    [VMSND_VU_SET_VRING_ENABLE] = {"SET_VRING_ENABLE", 8, 8, 0, 0, ACK, true, check_enable},
    [19] = {"SEND_RARP", 0, 0, 0, 0, ACK, false, NULL},
    [20] = {"NET_SET_MTU", 0, 0, 0, 0, ACK, false, NULL},
    [VMSND_VU_SET_BACKEND_REQ_FD] = {"SET_BACKEND_REQ_FD", 0, 0, 1, 1, ACK, true, NULL},
    [22] = {"IOTLB_MSG", 0, 0, 0, 0, ACK, false, NULL},
    [23] = {"SET_VRING_ENDIAN", 0, 0, 0, 0, ACK, false, NULL},
    [VMSND_VU_GET_CONFIG] = {"GET_CONFIG", CONFIG_HEAD_BYTES, VMSND_VU_PAYLOAD_MAX, 0, 0, ALWAYS,
			     true, check_config},
    [VMSND_VU_SET_CONFIG] = {"SET_CONFIG", CONFIG_HEAD_BYTES, VMSND_VU_PAYLOAD_MAX, 0, 0, ACK, true,
			     check_config},
    [26] = {"CREATE_CRYPTO_SESSION", 0, 0, 0, 0, ALWAYS, false, NULL},
    [27] = {"CLOSE_CRYPTO_SESSION", 0, 0, 0, 0, ACK, false, NULL},
    [28] = {"POSTCOPY_ADVISE", 0, 0, 0, 0, ALWAYS, false, NULL},
    [29] = {"POSTCOPY_LISTEN", 0, 0, 0, 0, ACK, false, NULL},
    [30] = {"POSTCOPY_END", 0, 0, 0, 0, ALWAYS, false, NULL},
    [VMSND_VU_GET_INFLIGHT_FD] = {"GET_INFLIGHT_FD", INFLIGHT_BYTES_MIN, INFLIGHT_BYTES_MAX, 0, 0,
				  ALWAYS, true, NULL},
    [VMSND_VU_SET_INFLIGHT_FD] = {"SET_INFLIGHT_FD", INFLIGHT_BYTES_MIN, INFLIGHT_BYTES_MAX, 1, 1,
				  ACK, true, check_inflight},
    [33] = {"GPU_SET_SOCKET", 0, 0, 0, 0, ACK, false, NULL},
    [VMSND_VU_RESET_DEVICE] = {"RESET_DEVICE", 0, 0, 0, 0, ACK, true, NULL},
    [35] = {"VRING_KICK", 0, 0, 0, 0, ACK, false, NULL},
    [VMSND_VU_GET_MAX_MEM_SLOTS] = {"GET_MAX_MEM_SLOTS", 0, 0, 0, 0, ALWAYS, true, NULL},
    [VMSND_VU_ADD_MEM_REG] = {"ADD_MEM_REG", REGION_MESSAGE_BYTES, REGION_MESSAGE_BYTES, 1, 1, ACK,
			      true, check_one_region},
    /* Some front ends send the descriptor along once more. */
    [VMSND_VU_REM_MEM_REG] = {"REM_MEM_REG", REGION_MESSAGE_BYTES, REGION_MESSAGE_BYTES, 0, 1, ACK,
			      true, check_one_region},
    [VMSND_VU_SET_STATUS] = {"SET_STATUS", 8, 8, 0, 0, ACK, true, NULL},
    [VMSND_VU_GET_STATUS] = {"GET_STATUS", 0, 0, 0, 0, ALWAYS, true, NULL},
    [41] = {"GET_SHARED_OBJECT", 0, 0, 0, 0, ALWAYS, false, NULL},
    [42] = {"SET_DEVICE_STATE_FD", 0, 0, 0, 0, ALWAYS, false, NULL},
    [43] = {"CHECK_DEVICE_STATE", 0, 0, 0, 0, ALWAYS, false, NULL},
    [44] = {"GET_SHMEM_CONFIG", 0, 0, 0, 0, ALWAYS, false, NULL},
};

/* What no standard knows may wait for a reply of any kind. */
static const struct vmsnd_vu_row unknown = {NULL, 0, 0, 0, 0, ALWAYS, false, NULL};

const struct vmsnd_vu_row *vmsnd_vu_row(uint32_t request)
{
	return request < VMSND_VU_REQUESTS && rows[request].name ? &rows[request] : &unknown;
}

const char *vmsnd_vu_name(uint32_t request)
{
	const char *name = vmsnd_vu_row(request)->name;

	return name ? name : "an unknown message";
}

void vmsnd_vu_header_get(const uint8_t *from, struct vmsnd_vu_header *header)
{
	header->request = vmsnd_le32(from);
	header->flags = vmsnd_le32(from + 4);
	header->bytes = vmsnd_le32(from + 8);
}

const char *vmsnd_vu_header_check(const struct vmsnd_vu_header *header)
{
	if ((header->flags & 3) != VMSND_VU_VERSION)
		return "not version 1 of the protocol";
	if (header->flags & VMSND_VU_REPLY)
		return "a reply to nothing that was asked";
	if (header->flags & ~(3u | VMSND_VU_REPLY | VMSND_VU_NEED_REPLY))
		return "unknown flags";
	if (header->bytes > VMSND_VU_PAYLOAD_MAX)
		return "a payload longer than any message";
	return NULL;
}

const char *vmsnd_vu_check(const struct vmsnd_vu_header *header, const uint8_t *payload,
			   unsigned n_fds)
{
	const struct vmsnd_vu_row *row = vmsnd_vu_row(header->request);

	if (!row->name)
		return "no such request";
	if (!row->offered)
		return "a request of a feature that is not offered";
	if (header->bytes < row->bytes_min)
		return "a payload too short";
	if (header->bytes > row->bytes_max)
		return "a payload too long";
	if (n_fds < row->fds_min)
		return "no descriptor came with it";
	if (n_fds > row->fds_max)
		return "too many descriptors came with it";
	return row->check ? row->check(payload, header->bytes, n_fds) : NULL;
}

/* ---- writing ----------------------------------------------------------------------- */

static size_t put_header(uint8_t *to, uint32_t request, uint32_t flags, uint32_t bytes)
{
	vmsnd_put_le32(to, request);
	vmsnd_put_le32(to + 4, flags);
	vmsnd_put_le32(to + 8, bytes);
	return VMSND_VU_HEADER_BYTES + bytes;
}

size_t vmsnd_vu_put(uint8_t *to, const struct vmsnd_vu_header *header, const void *payload)
{
	if (header->bytes > 0)
		memcpy(to + VMSND_VU_HEADER_BYTES, payload, header->bytes);
	return put_header(to, header->request, header->flags, header->bytes);
}

static size_t put_reply(uint8_t *to, uint32_t request, uint32_t bytes)
{
	return put_header(to, request, VMSND_VU_VERSION | VMSND_VU_REPLY, bytes);
}

size_t vmsnd_vu_reply_u64(uint8_t *to, uint32_t request, uint64_t value)
{
	vmsnd_put_le64(to + VMSND_VU_HEADER_BYTES, value);
	return put_reply(to, request, 8);
}

size_t vmsnd_vu_reply_state(uint8_t *to, uint32_t request, const struct vmsnd_vu_state *state)
{
	vmsnd_put_le32(to + VMSND_VU_HEADER_BYTES, state->index);
	vmsnd_put_le32(to + VMSND_VU_HEADER_BYTES + 4, state->value);
	return put_reply(to, request, 8);
}

size_t vmsnd_vu_reply_config(uint8_t *to, const struct vmsnd_vu_config *config)
{
	vmsnd_put_le32(to + VMSND_VU_HEADER_BYTES, config->offset);
	vmsnd_put_le32(to + VMSND_VU_HEADER_BYTES + 4, config->bytes);
	vmsnd_put_le32(to + VMSND_VU_HEADER_BYTES + 8, config->flags);
	return put_reply(to, VMSND_VU_GET_CONFIG, CONFIG_HEAD_BYTES + config->bytes);
}

size_t vmsnd_vu_reply_inflight(uint8_t *to, const struct vmsnd_vu_inflight *inflight,
			       uint32_t bytes)
{
	uint8_t *payload = to + VMSND_VU_HEADER_BYTES;

	memset(payload, 0, bytes);
	vmsnd_put_le64(payload, inflight->bytes);
	vmsnd_put_le64(payload + 8, inflight->offset);
	vmsnd_put_le16(payload + 16, inflight->n_queues);
	vmsnd_put_le16(payload + 18, inflight->queue_size);
	return put_reply(to, VMSND_VU_GET_INFLIGHT_FD, bytes);
}

size_t vmsnd_vu_reply_empty(uint8_t *to, uint32_t request)
{
	return put_reply(to, request, 0);
}

void vmsnd_vu_region_put(uint8_t *to, const struct vmsnd_vu_region *region)
{
	vmsnd_put_le64(to, region->gpa);
	vmsnd_put_le64(to + 8, region->bytes);
	vmsnd_put_le64(to + 16, region->user);
	vmsnd_put_le64(to + 24, region->offset);
}
