/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"

#define MEMORY_BYTES (UINT64_C(16) << 20)
#define ANSWER_MS    5000

struct wire_frontend {
	int socket;
	void (*pump)(void *ctx);
	void *pump_ctx;
	bool acks;
	int memory_fd;
	void *memory;
	vmsnd_gpa gpa; /* where share put the memory */
	int kick[WIRE_QUEUES], call[WIRE_QUEUES];
	bool interrupted[WIRE_QUEUES]; /* seen by wait, not yet asked for */
};

struct wire_frontend *wire_frontend_attach(int socket, void (*pump)(void *ctx), void *ctx)
{
	struct wire_frontend *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	*front = (struct wire_frontend){.socket = socket, .pump = pump, .pump_ctx = ctx};
	front->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (front->memory_fd < 0 || ftruncate(front->memory_fd, (off_t)MEMORY_BYTES))
		abort();
	front->memory =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, front->memory_fd, 0);
	if (front->memory == MAP_FAILED)
		abort();
	for (unsigned i = 0; i < WIRE_QUEUES; i++) {
		front->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		front->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	return front;
}

struct wire_frontend *wire_frontend_open(const char *path)
{
	int socket = vmsnd_socket_connect(path);

	return socket < 0 ? NULL : wire_frontend_attach(socket, NULL, NULL);
}

void wire_frontend_close(struct wire_frontend *front)
{
	close(front->socket);
	if (front->pump)
		front->pump(front->pump_ctx);
	munmap(front->memory, MEMORY_BYTES);
	close(front->memory_fd);
	for (unsigned i = 0; i < WIRE_QUEUES; i++) {
		close(front->kick[i]);
		close(front->call[i]);
	}
	free(front);
}

void wire_frontend_move(struct wire_frontend *front, int socket)
{
	close(front->socket);
	front->socket = socket;
	wire_frontend_pump(front);
}

void wire_frontend_pump(struct wire_frontend *front)
{
	if (front->pump)
		front->pump(front->pump_ctx);
}

int wire_frontend_socket(const struct wire_frontend *front)
{
	return front->socket;
}

void *wire_frontend_memory(struct wire_frontend *front, uint64_t *bytes)
{
	*bytes = MEMORY_BYTES;
	return front->memory;
}

int wire_frontend_memory_fd(const struct wire_frontend *front)
{
	return front->memory_fd;
}

void wire_frontend_acks(struct wire_frontend *front, bool on)
{
	front->acks = on;
}

int wire_frontend_kick_fd(const struct wire_frontend *front, unsigned queue)
{
	return front->kick[queue];
}

int wire_frontend_call_fd(const struct wire_frontend *front, unsigned queue)
{
	return front->call[queue];
}

void wire_frontend_wait(struct wire_frontend *front, int ms)
{
	struct pollfd set[WIRE_QUEUES];

	for (unsigned i = 0; i < WIRE_QUEUES; i++)
		set[i] = (struct pollfd){.fd = front->call[i], .events = POLLIN};
	poll(set, WIRE_QUEUES, ms);
	for (unsigned i = 0; i < WIRE_QUEUES; i++) {
		eventfd_t count;

		if (set[i].revents && eventfd_read(front->call[i], &count) == 0)
			front->interrupted[i] = true;
	}
}

/* ---- messages ----------------------------------------------------------------------------- */

bool wire_send(struct wire_frontend *front, const struct vmsnd_vu_header *header,
	       const void *payload, const struct vmsnd_fds *fds)
{
	uint8_t bytes[VMSND_VU_HEADER_BYTES + VMSND_VU_PAYLOAD_MAX];

	return vmsnd_socket_send(front->socket, bytes, vmsnd_vu_put(bytes, header, payload), fds);
}

/* Descriptors that come along go into `fds`; NULL: nowhere. */
static enum wire_result receive_bytes(struct wire_frontend *front, void *to, size_t bytes,
				      struct vmsnd_fds *fds)
{
	struct vmsnd_fds none = {.n = 0};
	uint8_t *next = to;

	while (bytes > 0) {
		struct pollfd poller = {.fd = front->socket, .events = POLLIN};
		size_t got = 0;
		enum vmsnd_socket_got what =
		    vmsnd_socket_recv(front->socket, next, bytes, &got, fds ? fds : &none);

		vmsnd_fds_close(&none);
		if (what == VMSND_SOCKET_END)
			return WIRE_CLOSED;
		if (what == VMSND_SOCKET_NOTHING &&
		    (front->pump || poll(&poller, 1, ANSWER_MS) != 1))
			return WIRE_SILENT;
		next += got;
		bytes -= got;
	}
	return WIRE_OK;
}

static enum wire_result receive(struct wire_frontend *front, struct wire_message *message,
				struct vmsnd_fds *fds)
{
	uint8_t head[VMSND_VU_HEADER_BYTES];
	enum wire_result result;

	if (front->pump)
		front->pump(front->pump_ctx);
	result = receive_bytes(front, head, sizeof(head), fds);
	if (result != WIRE_OK)
		return result;
	vmsnd_vu_header_get(head, &message->header);
	if (message->header.bytes > sizeof(message->payload) ||
	    message->header.flags != (VMSND_VU_VERSION | VMSND_VU_REPLY))
		abort(); /* QEMU takes no other flags than 0x5 */
	return receive_bytes(front, message->payload, message->header.bytes, fds);
}

enum wire_result wire_receive(struct wire_frontend *front, struct wire_message *message)
{
	return receive(front, message, NULL);
}

/* Without an acknowledgement to wait for, a closed connection is all there is to see. */
static enum wire_result look(struct wire_frontend *front)
{
	uint8_t byte;

	if (!front->pump)
		return WIRE_SILENT;
	front->pump(front->pump_ctx);
	return recv(front->socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0 ? WIRE_CLOSED
									   : WIRE_SILENT;
}

enum wire_result wire_put(struct wire_frontend *front, uint32_t request, const void *payload,
			  uint32_t bytes, const struct vmsnd_fds *fds)
{
	struct vmsnd_vu_header header = {
	    request, VMSND_VU_VERSION | (front->acks ? VMSND_VU_NEED_REPLY : 0), bytes};
	struct wire_message message;
	enum wire_result result;

	if (!wire_send(front, &header, payload, fds))
		return WIRE_CLOSED;
	if (!front->acks)
		return look(front);
	result = wire_receive(front, &message);
	if (result != WIRE_OK)
		return result;
	if (message.header.request != request || message.header.bytes != 8)
		return WIRE_REFUSED;
	return vmsnd_le64(message.payload) == 0 ? WIRE_OK : WIRE_REFUSED;
}

enum wire_result wire_put_u64(struct wire_frontend *front, uint32_t request, uint64_t value)
{
	return wire_put(front, request, &value, sizeof(value), NULL);
}

enum wire_result wire_put_state(struct wire_frontend *front, uint32_t request, uint32_t index,
				uint32_t value)
{
	const uint32_t payload[2] = {index, value};

	return wire_put(front, request, payload, sizeof(payload), NULL);
}

enum wire_result wire_put_fd(struct wire_frontend *front, uint32_t request, uint64_t word, int fd)
{
	struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};

	return wire_put(front, request, &word, sizeof(word), &fds);
}

enum wire_result wire_put_address(struct wire_frontend *front,
				  const struct vmsnd_vu_address *address)
{
	uint8_t payload[40];

	vmsnd_put_le32(payload, address->index);
	vmsnd_put_le32(payload + 4, address->flags);
	vmsnd_put_le64(payload + 8, address->desc);
	vmsnd_put_le64(payload + 16, address->used);
	vmsnd_put_le64(payload + 24, address->avail);
	vmsnd_put_le64(payload + 32, address->log);
	return wire_put(front, VMSND_VU_SET_VRING_ADDR, payload, sizeof(payload), NULL);
}

enum wire_result wire_put_table(struct wire_frontend *front, const struct vmsnd_vu_region *regions,
				unsigned n, uint32_t bytes, const int *fds)
{
	uint8_t payload[8 + VMSND_VU_TABLE_REGIONS_MAX * VMSND_VU_REGION_BYTES] = {0};
	struct vmsnd_fds set = {.n = n};

	vmsnd_put_le32(payload, n);
	for (unsigned i = 0; i < n; i++) {
		vmsnd_vu_region_put(payload + 8 + i * VMSND_VU_REGION_BYTES, &regions[i]);
		set.fd[i] = fds[i];
	}
	return wire_put(front, VMSND_VU_SET_MEM_TABLE, payload, bytes, &set);
}

enum wire_result wire_put_region(struct wire_frontend *front, uint32_t request,
				 const struct vmsnd_vu_region *region, int fd)
{
	uint8_t payload[8 + VMSND_VU_REGION_BYTES] = {0};
	struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};

	vmsnd_vu_region_put(payload + 8, region);
	return wire_put(front, request, payload, sizeof(payload), &fds);
}

static enum wire_result ask(struct wire_frontend *front, uint32_t request, const void *payload,
			    uint32_t bytes, struct wire_message *message)
{
	struct vmsnd_vu_header header = {request, VMSND_VU_VERSION, bytes};
	enum wire_result result;

	if (!wire_send(front, &header, payload, NULL))
		return WIRE_CLOSED;
	result = wire_receive(front, message);
	if (result == WIRE_OK && message->header.request != request)
		return WIRE_REFUSED;
	return result;
}

enum wire_result wire_get_u64(struct wire_frontend *front, uint32_t request, uint64_t *value)
{
	struct wire_message message;
	enum wire_result result = ask(front, request, NULL, 0, &message);

	if (result == WIRE_OK && message.header.bytes != 8)
		return WIRE_REFUSED;
	if (result == WIRE_OK)
		*value = vmsnd_le64(message.payload);
	return result;
}

enum wire_result wire_get_base(struct wire_frontend *front, uint32_t queue, uint32_t *base)
{
	const uint32_t payload[2] = {queue, 0};
	struct wire_message message;
	enum wire_result result =
	    ask(front, VMSND_VU_GET_VRING_BASE, payload, sizeof(payload), &message);

	if (result == WIRE_OK &&
	    (message.header.bytes != 8 || vmsnd_le32(message.payload) != queue))
		return WIRE_REFUSED;
	if (result == WIRE_OK)
		*base = vmsnd_le32(message.payload + 4);
	return result;
}

enum wire_result wire_get_config(struct wire_frontend *front, uint32_t offset, void *to,
				 uint32_t bytes)
{
	uint8_t payload[VMSND_VU_PAYLOAD_MAX] = {0};
	struct wire_message message;
	enum wire_result result;

	vmsnd_put_le32(payload, offset);
	vmsnd_put_le32(payload + 4, bytes);
	result = ask(front, VMSND_VU_GET_CONFIG, payload, 12 + bytes, &message);
	if (result == WIRE_OK &&
	    (message.header.bytes != 12 + bytes || vmsnd_le32(message.payload) != offset ||
	     vmsnd_le32(message.payload + 4) != bytes))
		return WIRE_REFUSED;
	if (result == WIRE_OK)
		memcpy(to, message.payload + 12, bytes);
	return result;
}

#define INFLIGHT_BYTES 20u

static void inflight_put(uint8_t *to, const struct vmsnd_vu_inflight *area)
{
	vmsnd_put_le64(to, area->bytes);
	vmsnd_put_le64(to + 8, area->offset);
	vmsnd_put_le16(to + 16, area->n_queues);
	vmsnd_put_le16(to + 18, area->queue_size);
}

enum wire_result wire_get_inflight(struct wire_frontend *front, struct vmsnd_vu_inflight *area,
				   int *fd)
{
	struct vmsnd_vu_header header = {VMSND_VU_GET_INFLIGHT_FD, VMSND_VU_VERSION,
					 INFLIGHT_BYTES};
	struct vmsnd_fds fds = {.n = 0};
	struct wire_message message;
	uint8_t payload[INFLIGHT_BYTES];
	enum wire_result result;

	*fd = -1;
	inflight_put(payload, area);
	if (!wire_send(front, &header, payload, NULL))
		return WIRE_CLOSED;
	result = receive(front, &message, &fds);
	if (result == WIRE_OK && (message.header.request != VMSND_VU_GET_INFLIGHT_FD ||
				  message.header.bytes != INFLIGHT_BYTES || fds.n > 1))
		result = WIRE_REFUSED;
	if (result == WIRE_OK && fds.n == 1) {
		*fd = fds.fd[0];
		fds.n = 0;
	}
	vmsnd_fds_close(&fds);
	vmsnd_vu_inflight_get(message.payload, area);
	return result;
}

enum wire_result wire_put_inflight(struct wire_frontend *front,
				   const struct vmsnd_vu_inflight *area, int fd)
{
	struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};
	uint8_t payload[INFLIGHT_BYTES];

	inflight_put(payload, area);
	return wire_put(front, VMSND_VU_SET_INFLIGHT_FD, payload, sizeof(payload), &fds);
}

/* ---- a guest bus over the wire ------------------------------------------------------------- */

static uint64_t bus_features(void *ctx)
{
	uint64_t features = 0;

	wire_get_u64(ctx, VMSND_VU_GET_FEATURES, &features);
	return features & ~VMSND_VU_F_PROTOCOL_FEATURES;
}

static enum vmsnd_rc to_rc(enum wire_result result)
{
	return result == WIRE_OK ? VMSND_OK : VMSND_E_PROTOCOL;
}

static enum vmsnd_rc bus_set_features(void *ctx, uint64_t accepted)
{
	struct wire_frontend *front = ctx;
	uint64_t protocol =
	    1u << VMSND_VU_P_REPLY_ACK | 1u << VMSND_VU_P_CONFIG | 1u << VMSND_VU_P_MQ;
	enum wire_result result;

	front->acks = true;
	result = wire_put_u64(front, VMSND_VU_SET_PROTOCOL_FEATURES, protocol);
	if (result == WIRE_OK)
		result = wire_put_u64(front, VMSND_VU_SET_FEATURES,
				      accepted | VMSND_VU_F_PROTOCOL_FEATURES);
	return to_rc(result);
}

static enum vmsnd_rc bus_config_read(void *ctx, uint32_t offset, void *to, uint32_t bytes)
{
	return to_rc(wire_get_config(ctx, offset, to, bytes));
}

/* Only the front end's own memory has a descriptor to share. */
static enum vmsnd_rc bus_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct wire_frontend *front = ctx;
	struct vmsnd_vu_region region = {.gpa = gpa, .bytes = bytes, .user = (uintptr_t)at};

	if (at != front->memory || bytes > MEMORY_BYTES)
		return VMSND_E_INVALID;
	front->gpa = gpa;
	return to_rc(
	    wire_put_table(front, &region, 1, 8 + VMSND_VU_REGION_BYTES, &front->memory_fd));
}

static uint64_t to_user(const struct wire_frontend *front, vmsnd_gpa gpa)
{
	return (uintptr_t)front->memory + (gpa - front->gpa);
}

static enum vmsnd_rc bus_queue_start(void *ctx, unsigned queue,
				     const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct wire_frontend *front = ctx;
	struct vmsnd_vu_address address = {.index = queue,
					   .desc = to_user(front, setup->desc),
					   .used = to_user(front, setup->used),
					   .avail = to_user(front, setup->avail)};
	enum wire_result result;

	result = wire_put_state(front, VMSND_VU_SET_VRING_NUM, queue, setup->size);
	if (result == WIRE_OK)
		result = wire_put_state(front, VMSND_VU_SET_VRING_BASE, queue, setup->next_avail);
	if (result == WIRE_OK)
		result = wire_put_address(front, &address);
	if (result == WIRE_OK)
		result = wire_put_fd(front, VMSND_VU_SET_VRING_KICK, queue, front->kick[queue]);
	if (result == WIRE_OK)
		result = wire_put_fd(front, VMSND_VU_SET_VRING_CALL, queue, front->call[queue]);
	if (result == WIRE_OK)
		result = wire_put_state(front, VMSND_VU_SET_VRING_ENABLE, queue, 1);
	return to_rc(result);
}

static enum vmsnd_rc bus_queue_stop(void *ctx, unsigned queue, uint32_t *next_avail, vmsnd_ns now)
{
	uint32_t base = 0;
	enum wire_result result = wire_put_state(ctx, VMSND_VU_SET_VRING_ENABLE, queue, 0);

	if (result == WIRE_OK)
		result = wire_get_base(ctx, queue, &base);
	*next_avail = base;
	return to_rc(result);
}

/* As QEMU does it: the queue alone is stopped, and what it stopped at is nobody's business. */
static enum vmsnd_rc bus_queue_reset(void *ctx, unsigned queue, vmsnd_ns now)
{
	uint32_t next_avail;

	return bus_queue_stop(ctx, queue, &next_avail, now);
}

static enum vmsnd_rc bus_kick(void *ctx, unsigned queue, vmsnd_ns now)
{
	struct wire_frontend *front = ctx;
	enum vmsnd_rc rc = eventfd_write(front->kick[queue], 1) ? VMSND_E_SYSTEM : VMSND_OK;

	if (front->pump)
		front->pump(front->pump_ctx);
	return rc;
}

static bool bus_interrupted(void *ctx, unsigned queue)
{
	struct wire_frontend *front = ctx;
	bool seen = front->interrupted[queue];
	eventfd_t count;

	front->interrupted[queue] = false;
	return eventfd_read(front->call[queue], &count) == 0 || seen;
}

void wire_frontend_bus(struct wire_frontend *front, struct vmsnd_guest_bus *out)
{
	*out = (struct vmsnd_guest_bus){.ctx = front,
					.features = bus_features,
					.set_features = bus_set_features,
					.config_read = bus_config_read,
					.share = bus_share,
					.queue_start = bus_queue_start,
					.queue_stop = bus_queue_stop,
					.queue_reset = bus_queue_reset,
					.kick = bus_kick,
					.interrupted = bus_interrupted};
}
