/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"

const struct script_place script_place_11_1 = {
    .user_delta = UINT64_C(0x7fc9440b5000),
    .rings_at = 0x100000,
    .n_regions = 2,
    .table_bytes = 72,
    .regions = {{0, 0xc0000}, {0x100000, 0xf00000}},
};
const struct script_place script_place_10_0 = {
    .user_delta = UINT64_C(0x7f19abfff000),
    .rings_at = 0x100000,
    .n_regions = 1,
    .table_bytes = 40,
    .regions = {{0, 0x1000000}},
};
/* User address, guest address and offset are one and the same; 72 bytes for one region. */
const struct script_place script_place_uml = {
    .user_delta = 0,
    .rings_at = 0x200000,
    .n_regions = 1,
    .table_bytes = 72,
    .regions = {{0x1fe000, 0xa50000}},
};

static uint32_t put_address(const struct script_step *step, const struct script_place *place,
			    uint8_t *to)
{
	uint64_t at = place->rings_at + step->ring * UINT64_C(0x4000) + place->user_delta;

	vmsnd_put_le32(to, step->ring);
	vmsnd_put_le64(to + 8, at);
	vmsnd_put_le64(to + 16, at + 0x2000);
	vmsnd_put_le64(to + 24, at + 0x1000);
	vmsnd_put_le64(to + 32, UINT64_MAX); /* UML's log address */
	return 40;
}

static void put_region(const struct script_place *place, unsigned row, uint8_t *to)
{
	struct vmsnd_vu_region region = {.gpa = place->regions[row].gpa,
					 .bytes = place->regions[row].bytes,
					 .user = place->regions[row].gpa + place->user_delta,
					 .offset = place->regions[row].gpa};

	vmsnd_vu_region_put(to, &region);
}

static uint32_t put_memory(const struct script_step *step, const struct script_place *place,
			   uint8_t *to)
{
	if (step->request != VMSND_VU_SET_MEM_TABLE) {
		put_region(place, (unsigned)step->value, to + 8);
		return 40;
	}
	vmsnd_put_le32(to, place->n_regions);
	for (unsigned i = 0; i < place->n_regions; i++)
		put_region(place, i, to + 8 + i * VMSND_VU_REGION_BYTES);
	return place->table_bytes;
}

static uint32_t put_payload(const struct script_step *step, const struct script_place *place,
			    uint8_t *to)
{
	switch (step->request) {
	case VMSND_VU_SET_MEM_TABLE:
	case VMSND_VU_ADD_MEM_REG:
	case VMSND_VU_REM_MEM_REG:
		return put_memory(step, place, to);
	case VMSND_VU_SET_VRING_ADDR:
		return put_address(step, place, to);
	case VMSND_VU_SET_VRING_NUM:
	case VMSND_VU_SET_VRING_BASE:
	case VMSND_VU_GET_VRING_BASE:
	case VMSND_VU_SET_VRING_ENABLE:
		vmsnd_put_le32(to, step->ring);
		vmsnd_put_le32(to + 4, (uint32_t)step->value);
		return 8;
	case VMSND_VU_SET_VRING_KICK:
	case VMSND_VU_SET_VRING_CALL:
	case VMSND_VU_SET_VRING_ERR:
		vmsnd_put_le64(to, step->ring);
		return 8;
	case VMSND_VU_GET_CONFIG:
		vmsnd_put_le32(to + 4, (uint32_t)step->value);
		return 12 + (uint32_t)step->value;
	case VMSND_VU_SET_FEATURES:
	case VMSND_VU_SET_PROTOCOL_FEATURES:
	case VMSND_VU_SET_STATUS:
		vmsnd_put_le64(to, step->value);
		return 8;
	default:
		return 0;
	}
}

static void add_fds(const struct script_step *step, const struct script_place *place,
		    const struct wire_frontend *front, struct vmsnd_fds *fds)
{
	fds->n = 0;
	if (step->request == VMSND_VU_SET_MEM_TABLE)
		for (unsigned i = 0; i < place->n_regions; i++)
			fds->fd[fds->n++] = wire_frontend_memory_fd(front);
	if (step->request == VMSND_VU_ADD_MEM_REG)
		fds->fd[fds->n++] = wire_frontend_memory_fd(front);
	if (step->request == VMSND_VU_SET_VRING_KICK)
		fds->fd[fds->n++] = wire_frontend_kick_fd(front, step->ring);
	if (step->request == VMSND_VU_SET_VRING_CALL || step->request == VMSND_VU_SET_VRING_ERR ||
	    step->request == VMSND_VU_SET_BACKEND_REQ_FD)
		fds->fd[fds->n++] = wire_frontend_call_fd(front, step->ring);
}

size_t script_encode(const struct script_step *step, const struct script_place *place,
		     const struct wire_frontend *front, uint8_t *to, struct vmsnd_fds *fds)
{
	uint8_t payload[SCRIPT_PAYLOAD_BYTES] = {0};
	struct vmsnd_vu_header header = {.request = step->request,
					 .flags = VMSND_VU_VERSION |
						  (step->need_reply ? VMSND_VU_NEED_REPLY : 0),
					 .bytes = put_payload(step, place, payload)};

	add_fds(step, place, front, fds);
	return vmsnd_vu_put(to, &header, payload);
}

bool script_has_answer(const struct script_step *step)
{
	return step->need_reply || vmsnd_vu_row(step->request)->answer == VMSND_VU_ANSWER_ALWAYS;
}

uint64_t script_play(struct wire_frontend *front, const struct script_place *place,
		     const struct script_step *steps, size_t n)
{
	uint8_t bytes[SCRIPT_MESSAGE_BYTES];
	struct wire_message message;
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		struct vmsnd_fds fds;
		size_t length = script_encode(&steps[i], place, front, bytes, &fds);

		assert_true(vmsnd_socket_send(wire_frontend_socket(front), bytes, length, &fds));
		if (!script_has_answer(&steps[i])) {
			assert_int_equal(wire_receive(front, &message), WIRE_SILENT);
			continue;
		}
		assert_int_equal(wire_receive(front, &message), WIRE_OK);
		assert_int_equal(message.header.request, steps[i].request);
		if (message.header.bytes >= 8)
			value = vmsnd_le64(message.payload);
		if (vmsnd_vu_row(steps[i].request)->answer == VMSND_VU_ANSWER_ACK)
			assert_int_equal(value, 0);
		if (steps[i].request == VMSND_VU_GET_CONFIG)
			assert_int_equal(message.header.bytes, 12 + steps[i].value);
	}
	return value;
}
