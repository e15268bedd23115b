/* SPDX-License-Identifier: BSD-3-Clause */
#include "front.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/endian.h"
#include "os/clock.h"
#include "os/socket.h"
#include "transports/vhost_user_codec.h"

#define GUARD_BYTES  64u
#define RING_STRIDE  (RINGS_BYTES / QUEUES)
#define ANSWER_BYTES (12u + VMSND_VU_CONFIG_BYTES_MAX)
/* How long a back end may take to come back after a connection ended. */
#define CONNECT_MS 3000

_Static_assert(RING_STRIDE >= 0x8000 + RING_SIZE * SEGMENTS_MAX * 16, "indirect tables do not fit");

__attribute__((format(printf, 2, 3))) static bool lost(struct front *front, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!front->why[0])
		vsnprintf(front->why, sizeof(front->why), format, args);
	va_end(args);
	return false;
}

bool front_open(struct front *front, const char *path, int timeout_ms)
{
	*front = (struct front){.path = path, .timeout_ms = timeout_ms, .socket = -1};
	front->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (front->memory_fd < 0 || ftruncate(front->memory_fd, MEMORY_BYTES))
		return lost(front, "no memory to share: %m");
	front->memory =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, front->memory_fd, 0);
	if (front->memory == MAP_FAILED)
		return lost(front, "no memory to share: %m");
	for (unsigned i = 0; i < QUEUES; i++) {
		front->rings[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		front->rings[i].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (front->rings[i].kick < 0 || front->rings[i].call < 0)
			return lost(front, "no eventfd: %m");
	}
	return true;
}

void front_close(struct front *front)
{
	front_disconnect(front);
	munmap(front->memory, MEMORY_BYTES);
	close(front->memory_fd);
	for (unsigned i = 0; i < QUEUES; i++) {
		close(front->rings[i].kick);
		close(front->rings[i].call);
	}
}

void front_disconnect(struct front *front)
{
	if (front->socket >= 0)
		close(front->socket);
	front->socket = -1;
	front->started = false;
}

void front_nap(int ms)
{
	poll(NULL, 0, ms);
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool send_message(struct front *front, const struct vmsnd_vu_header *header,
			 const void *payload, int fd)
{
	uint8_t bytes[VMSND_VU_HEADER_BYTES + VMSND_VU_PAYLOAD_MAX];
	struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};

	front->closed =
	    front->socket < 0 ||
	    !vmsnd_socket_send(front->socket, bytes, vmsnd_vu_put(bytes, header, payload), &fds);
	if (front->closed)
		return lost(front, "the connection is closed at %s",
			    vmsnd_vu_name(header->request));
	return true;
}

static bool receive(struct front *front, void *to, size_t bytes, const char *what)
{
	vmsnd_ns end = vmsnd_clock_now() + (vmsnd_ns)front->timeout_ms * 1000000;
	uint8_t *next = to;

	while (bytes > 0) {
		struct pollfd poller = {.fd = front->socket, .events = POLLIN};
		struct vmsnd_fds fds = {.n = 0};
		size_t got = 0;
		enum vmsnd_socket_got result =
		    vmsnd_socket_recv(front->socket, next, bytes, &got, &fds);

		vmsnd_fds_close(&fds);
		front->closed = result == VMSND_SOCKET_END;
		if (front->closed || result == VMSND_SOCKET_TOO_MANY)
			return lost(front, "the back end closed the connection at %s", what);
		if (result == VMSND_SOCKET_NOTHING) {
			if (vmsnd_clock_now() >= end)
				return lost(front, "no answer to %s", what);
			poll(&poller, 1, 10);
		}
		next += got;
		bytes -= got;
	}
	return true;
}

/* An answer of at most `room` bytes; its length, or -1. */
static int answer(struct front *front, uint32_t request, uint8_t *to, uint32_t room)
{
	const char *name = vmsnd_vu_name(request);
	uint8_t head[VMSND_VU_HEADER_BYTES];
	struct vmsnd_vu_header header;

	if (!receive(front, head, sizeof(head), name))
		return -1;
	vmsnd_vu_header_get(head, &header);
	if (header.request != request || !(header.flags & VMSND_VU_REPLY) || header.bytes > room) {
		lost(front, "an answer that is none of %s: request %u, flags 0x%x, %u bytes", name,
		     header.request, header.flags, header.bytes);
		return -1;
	}
	return receive(front, to, header.bytes, name) ? (int)header.bytes : -1;
}

bool front_send(struct front *front, uint32_t request, const void *payload, uint32_t bytes, int fd)
{
	const struct vmsnd_vu_header header = {
	    request, VMSND_VU_VERSION | (front->acks ? VMSND_VU_NEED_REPLY : 0), bytes};
	uint8_t ack[8];

	if (!send_message(front, &header, payload, fd))
		return false;
	if (!front->acks)
		return true;
	if (answer(front, request, ack, sizeof(ack)) != sizeof(ack))
		return lost(front, "no acknowledgement of %s", vmsnd_vu_name(request));
	if (vmsnd_le64(ack) != 0)
		return lost(front, "%s is refused", vmsnd_vu_name(request));
	return true;
}

static bool send_u64(struct front *front, uint32_t request, uint64_t value)
{
	return front_send(front, request, &value, sizeof(value), -1);
}

static bool send_state(struct front *front, uint32_t request, uint32_t index, uint32_t value)
{
	const uint32_t payload[2] = {index, value};

	return front_send(front, request, payload, sizeof(payload), -1);
}

static bool get_u64(struct front *front, uint32_t request, uint64_t *value)
{
	const struct vmsnd_vu_header header = {request, VMSND_VU_VERSION, 0};
	uint8_t bytes[8];

	if (!send_message(front, &header, NULL, -1) ||
	    answer(front, request, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	*value = vmsnd_le64(bytes);
	return true;
}

uint32_t front_config_read(struct front *front, uint32_t offset, uint8_t *to, uint32_t bytes)
{
	const struct vmsnd_vu_header header = {VMSND_VU_GET_CONFIG, VMSND_VU_VERSION, 12 + bytes};
	uint8_t payload[ANSWER_BYTES] = {0};
	int got;

	vmsnd_put_le32(payload, offset);
	vmsnd_put_le32(payload + 4, bytes);
	if (!send_message(front, &header, payload, -1))
		return 0;
	got = answer(front, VMSND_VU_GET_CONFIG, payload, sizeof(payload));
	if (got < 12 || vmsnd_le32(payload + 4) > (uint32_t)got - 12)
		return 0;
	memcpy(to, payload + 12, vmsnd_le32(payload + 4));
	return vmsnd_le32(payload + 4);
}

bool front_answers(struct front *front)
{
	uint64_t features;

	return get_u64(front, VMSND_VU_GET_FEATURES, &features);
}

/* ---- the handshake -------------------------------------------------------------------------- */

static bool reach(struct front *front)
{
	vmsnd_ns end = vmsnd_clock_now() + (vmsnd_ns)CONNECT_MS * 1000000;

	while ((front->socket = vmsnd_socket_connect(front->path)) < 0) {
		if (vmsnd_clock_now() >= end)
			return lost(front, "nobody answers at %s: %m", front->path);
		front_nap(10);
	}
	return true;
}

static bool agree_on_protocol(struct front *front)
{
	const uint64_t wanted =
	    BIT(VMSND_VU_P_MQ) | BIT(VMSND_VU_P_REPLY_ACK) | BIT(VMSND_VU_P_CONFIG);

	if (!(front->offered & VMSND_VU_F_PROTOCOL_FEATURES))
		return lost(front, "no protocol features, so no configuration can be read");
	if (!get_u64(front, VMSND_VU_GET_PROTOCOL_FEATURES, &front->protocol) ||
	    !send_u64(front, VMSND_VU_SET_PROTOCOL_FEATURES, front->protocol & wanted))
		return false;
	front->acks = front->protocol & BIT(VMSND_VU_P_REPLY_ACK);
	if (!(front->protocol & BIT(VMSND_VU_P_CONFIG)))
		return lost(front, "the protocol feature CONFIG is not offered");
	if (front->protocol & BIT(VMSND_VU_P_MQ))
		return get_u64(front, VMSND_VU_GET_QUEUE_NUM, &front->queue_num);
	return true;
}

static bool read_config(struct front *front)
{
	uint8_t bytes[ANSWER_BYTES] = {0};
	uint32_t got = front_config_read(front, 0, bytes, 16);

	/* Before control elements there were twelve bytes. */
	if (got < 12)
		got = front_config_read(front, 0, bytes, 12);
	if (got < 12)
		return lost(front, "the configuration cannot be read");
	front->config_bytes = got;
	front->config =
	    (struct config){vmsnd_le32(bytes), vmsnd_le32(bytes + 4), vmsnd_le32(bytes + 8),
			    got >= 16 ? vmsnd_le32(bytes + 12) : 0};
	return true;
}

static bool shake_hands(struct front *front)
{
	front_disconnect(front);
	front->acks = false;
	front->closed = false;
	front->queue_num = 0;
	front->why[0] = '\0';
	return reach(front) && get_u64(front, VMSND_VU_GET_FEATURES, &front->offered) &&
	       agree_on_protocol(front) && front_send(front, VMSND_VU_SET_OWNER, NULL, 0, -1) &&
	       read_config(front);
}

/* A back end that is about to leave its last connection may take the next one with it. */
bool front_connect(struct front *front)
{
	vmsnd_ns end = vmsnd_clock_now() + (vmsnd_ns)CONNECT_MS * 1000000;

	while (!shake_hands(front)) {
		if (!front->closed || vmsnd_clock_now() >= end)
			return false;
		front_nap(10);
	}
	return true;
}

bool front_accept(struct front *front, uint64_t features)
{
	const struct vmsnd_vu_region region = {
	    .gpa = MEMORY_GPA, .bytes = MEMORY_BYTES, .user = (uintptr_t)front->memory};
	uint8_t table[8 + VMSND_VU_REGION_BYTES] = {1};

	front->accepted = features & front->offered;
	vmsnd_vu_region_put(table + 8, &region);
	return send_u64(front, VMSND_VU_SET_FEATURES,
			front->accepted | VMSND_VU_F_PROTOCOL_FEATURES) &&
	       front_send(front, VMSND_VU_SET_MEM_TABLE, table, sizeof(table), front->memory_fd);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

static bool send_address(struct front *front, uint32_t queue)
{
	const struct ring *ring = &front->rings[queue];
	uint64_t base = (uintptr_t)front->memory;
	uint8_t payload[40] = {0};

	vmsnd_put_le32(payload, queue);
	vmsnd_put_le64(payload + 8, base + ring->desc);
	vmsnd_put_le64(payload + 16, base + ring->used);
	vmsnd_put_le64(payload + 24, base + ring->avail);
	return front_send(front, VMSND_VU_SET_VRING_ADDR, payload, sizeof(payload), -1);
}

static bool start_queue(struct front *front, uint32_t queue)
{
	const struct ring *ring = &front->rings[queue];
	/* Packed: both wrap counters are 1. */
	uint32_t base = ring->packed ? 0x80008000u : 0;
	uint64_t word = queue;

	return send_state(front, VMSND_VU_SET_VRING_NUM, queue, RING_SIZE) &&
	       send_state(front, VMSND_VU_SET_VRING_BASE, queue, base) &&
	       send_address(front, queue) &&
	       front_send(front, VMSND_VU_SET_VRING_CALL, &word, 8, ring->call) &&
	       front_send(front, VMSND_VU_SET_VRING_KICK, &word, 8, ring->kick) &&
	       send_state(front, VMSND_VU_SET_VRING_ENABLE, queue, 1);
}

bool front_start(struct front *front, unsigned place)
{
	front->arena = ARENA_AT;
	for (uint32_t i = 0; i < QUEUES; i++) {
		front->rings[i].packed = front->accepted & F_PACKED;
		front->rings[i].event_idx = front->accepted & F_EVENT_IDX;
		front->rings[i].in_order = front->accepted & F_IN_ORDER;
		front->rings[i].indirect = false;
		ring_reset(front, &front->rings[i], place * RINGS_BYTES + i * RING_STRIDE);
	}
	for (uint32_t i = 0; i < QUEUES; i++)
		if (!start_queue(front, i))
			return false;
	front->started = true;
	return true;
}

static bool stop_queue(struct front *front, uint32_t queue)
{
	const struct vmsnd_vu_header header = {VMSND_VU_GET_VRING_BASE, VMSND_VU_VERSION, 8};
	const uint32_t payload[2] = {queue, 0};
	uint8_t bytes[8];

	return send_message(front, &header, payload, -1) &&
	       answer(front, VMSND_VU_GET_VRING_BASE, bytes, sizeof(bytes)) == sizeof(bytes);
}

bool front_stop(struct front *front)
{
	for (uint32_t i = 0; i < QUEUES; i++)
		if (!stop_queue(front, i))
			return false;
	front->started = false;
	return true;
}

bool front_queue_reset(struct front *front, uint32_t queue, unsigned place)
{
	if (!stop_queue(front, queue))
		return false;
	ring_reset(front, &front->rings[queue], place * RINGS_BYTES + queue * RING_STRIDE);
	return start_queue(front, queue);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

uint32_t front_alloc(struct front *front, uint32_t bytes)
{
	uint32_t at = front->arena;

	front->arena += (bytes + GUARD_BYTES + 63) / 64 * 64;
	/* A row that posts so much posts the first areas again. */
	if (front->arena > MEMORY_BYTES) {
		at = ARENA_AT;
		front->arena = ARENA_AT + (bytes + GUARD_BYTES + 63) / 64 * 64;
	}
	memset(front->memory + at, FILL, bytes + GUARD_BYTES);
	return at;
}

bool front_guard_whole(const struct front *front, uint32_t at, uint32_t bytes)
{
	for (uint32_t i = 0; i < GUARD_BYTES; i++)
		if (front->memory[at + bytes + i] != FILL)
			return false;
	return true;
}
