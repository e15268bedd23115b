/* SPDX-License-Identifier: BSD-3-Clause */
#include "vfio_client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"

#define MEMORY_BYTES (UINT64_C(16) << 20)
#define ANSWER_MS    5000

struct vfio_client {
	int socket;
	void (*pump)(void *ctx);
	void *pump_ctx;
	uint16_t next_id;
	int memory_fd;
	void *memory;
	struct vfio_message answer; /* for whoever does not want to see it */
	uint8_t out[VMSND_VFU_MESSAGE_MAX];
};

struct vfio_client *vfio_client_attach(int socket, void (*pump)(void *ctx), void *ctx)
{
	struct vfio_client *client = calloc(1, sizeof(*client));

	if (!client)
		abort();
	client->socket = socket;
	client->pump = pump;
	client->pump_ctx = ctx;
	client->next_id = 0x1000;
	client->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (client->memory_fd < 0 || ftruncate(client->memory_fd, (off_t)MEMORY_BYTES))
		abort();
	client->memory =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, client->memory_fd, 0);
	if (client->memory == MAP_FAILED)
		abort();
	return client;
}

struct vfio_client *vfio_client_open(const char *path)
{
	int socket = vmsnd_socket_connect(path);

	return socket < 0 ? NULL : vfio_client_attach(socket, NULL, NULL);
}

void vfio_client_pump(struct vfio_client *client)
{
	if (client->pump)
		client->pump(client->pump_ctx);
}

void vfio_client_close(struct vfio_client *client)
{
	close(client->socket);
	vfio_client_pump(client);
	munmap(client->memory, MEMORY_BYTES);
	close(client->memory_fd);
	free(client);
}

int vfio_client_socket(const struct vfio_client *client)
{
	return client->socket;
}

void *vfio_client_memory(struct vfio_client *client, uint64_t *bytes)
{
	*bytes = MEMORY_BYTES;
	return client->memory;
}

int vfio_client_memory_fd(const struct vfio_client *client)
{
	return client->memory_fd;
}

/* ---- messages ----------------------------------------------------------------------------- */

/* All of it; the socket may take less than a long message at once. */
static bool send_bytes(struct vfio_client *client, size_t bytes, const struct vmsnd_fds *fds)
{
	size_t first = bytes < VMSND_VFU_HEADER_BYTES ? bytes : VMSND_VFU_HEADER_BYTES;
	size_t sent = first;

	if (bytes <= 4096)
		return vmsnd_socket_send(client->socket, client->out, bytes, fds);
	if (!vmsnd_socket_send(client->socket, client->out, first, fds))
		return false;
	while (sent < bytes) {
		struct pollfd poller = {.fd = client->socket, .events = POLLOUT};
		ptrdiff_t n =
		    vmsnd_socket_send_some(client->socket, client->out + sent, bytes - sent);

		if (n < 0)
			return false;
		sent += (size_t)n;
		vfio_client_pump(client);
		if (n == 0)
			poll(&poller, 1, client->pump ? 0 : ANSWER_MS);
	}
	return true;
}

bool vfio_send(struct vfio_client *client, const struct vmsnd_vfu_header *header,
	       const void *payload, const struct vmsnd_fds *fds)
{
	uint32_t bytes = vmsnd_vfu_payload_bytes(header);

	vmsnd_vfu_header_put(client->out, header);
	if (payload && bytes > 0)
		memcpy(client->out + VMSND_VFU_HEADER_BYTES, payload, bytes);
	return send_bytes(client, VMSND_VFU_HEADER_BYTES + (payload ? bytes : 0), fds);
}

static int receive_bytes(struct vfio_client *client, void *to, size_t bytes)
{
	struct vmsnd_fds none = {.n = 0};
	uint8_t *next = to;
	unsigned idle = 0;

	while (bytes > 0) {
		struct pollfd poller = {.fd = client->socket, .events = POLLIN};
		size_t got = 0;
		enum vmsnd_socket_got what =
		    vmsnd_socket_recv(client->socket, next, bytes, &got, &none);

		vmsnd_fds_close(&none);
		if (what == VMSND_SOCKET_END)
			return VFIO_CLOSED;
		if (what == VMSND_SOCKET_NOTHING && client->pump && idle++ == 2)
			return VFIO_SILENT;
		if (what == VMSND_SOCKET_NOTHING && !client->pump &&
		    poll(&poller, 1, ANSWER_MS) != 1)
			return VFIO_SILENT;
		if (what == VMSND_SOCKET_NOTHING)
			vfio_client_pump(client);
		next += got;
		bytes -= got;
	}
	return 0;
}

int vfio_receive(struct vfio_client *client, struct vfio_message *message)
{
	uint8_t head[VMSND_VFU_HEADER_BYTES];
	int rc;

	vfio_client_pump(client);
	rc = receive_bytes(client, head, sizeof(head));
	if (rc)
		return rc;
	vmsnd_vfu_header_get(head, &message->header);
	if (message->header.bytes < VMSND_VFU_HEADER_BYTES ||
	    message->header.bytes > VMSND_VFU_MESSAGE_MAX)
		abort();
	message->bytes = vmsnd_vfu_payload_bytes(&message->header);
	return receive_bytes(client, message->payload, message->bytes);
}

/* Rules of every answer: the command's number and id, the type, and nothing behind an error. */
static int judge(const struct vmsnd_vfu_header *asked, const struct vfio_message *answer)
{
	const struct vmsnd_vfu_header *header = &answer->header;

	if (header->id != asked->id || header->command != asked->command ||
	    (header->flags & ~VMSND_VFU_ERROR) != VMSND_VFU_REPLY)
		return VFIO_STRANGE;
	if (!(header->flags & VMSND_VFU_ERROR))
		return header->error == 0 ? 0 : VFIO_STRANGE;
	return answer->bytes == 0 && header->error != 0 ? (int)header->error : VFIO_STRANGE;
}

static int ask(struct vfio_client *client, const struct vmsnd_vfu_header *header,
	       const void *payload, const struct vmsnd_fds *fds, struct vfio_message *answer)
{
	int rc;

	if (!answer)
		answer = &client->answer;
	if (!vfio_send(client, header, payload, fds))
		return VFIO_CLOSED;
	rc = vfio_receive(client, answer);
	return rc ? rc : judge(header, answer);
}

static struct vmsnd_vfu_header header_of(struct vfio_client *client, uint16_t command,
					 uint32_t bytes)
{
	return (struct vmsnd_vfu_header){
	    .id = client->next_id++, .command = command, .bytes = VMSND_VFU_HEADER_BYTES + bytes};
}

int vfio_ask(struct vfio_client *client, uint16_t command, const void *payload, uint32_t bytes,
	     struct vfio_message *answer)
{
	const struct vmsnd_vfu_header header = header_of(client, command, bytes);

	return ask(client, &header, payload, NULL, answer);
}

int vfio_ask_with(struct vfio_client *client, uint16_t command, const void *payload, uint32_t bytes,
		  const struct vmsnd_fds *fds)
{
	const struct vmsnd_vfu_header header = header_of(client, command, bytes);

	return ask(client, &header, payload, fds, NULL);
}

int vfio_version(struct vfio_client *client, const char *json, struct vfio_message *answer)
{
	const struct vmsnd_vfu_version version = {VMSND_VFU_MAJOR, VMSND_VFU_MINOR};
	size_t bytes = json ? strlen(json) + 1 : 0;
	uint8_t *payload = malloc(VMSND_VFU_VERSION_BYTES + bytes);
	uint32_t head;
	int rc;

	if (!payload)
		abort();
	head = vmsnd_vfu_version_put(payload, &version);
	if (bytes > 0)
		memcpy(payload + head, json, bytes);
	rc = vfio_ask(client, VMSND_VFU_VERSION, payload, head + (uint32_t)bytes, answer);
	free(payload);
	return rc;
}

int vfio_hello(struct vfio_client *client)
{
	return vfio_version(client,
			    "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, "
			    "\"max_dma_maps\": 65535, \"max_data_xfer_size\": 1048576, "
			    "\"migration\": {\"max_bitmap_size\": 268435456, \"pgsize\": 4096}, "
			    "\"write_multiple\": true}}",
			    NULL);
}

int vfio_map(struct vfio_client *client, const struct vmsnd_vfu_dma_map *map, int fd)
{
	const struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};
	struct vmsnd_vfu_dma_map whole = *map;
	uint8_t payload[VMSND_VFU_DMA_MAP_BYTES];

	if (whole.argsz == 0)
		whole.argsz = sizeof(payload);
	vmsnd_vfu_dma_map_put(payload, &whole);
	return vfio_ask_with(client, VMSND_VFU_DMA_MAP, payload, sizeof(payload), &fds);
}

int vfio_unmap(struct vfio_client *client, const struct vmsnd_vfu_dma_unmap *unmap,
	       struct vfio_message *answer)
{
	struct vmsnd_vfu_dma_unmap whole = *unmap;
	uint8_t payload[VMSND_VFU_DMA_UNMAP_BYTES + VMSND_VFU_BITMAP_BYTES];
	uint32_t bytes;

	if (whole.argsz == 0)
		whole.argsz = VMSND_VFU_DMA_UNMAP_BYTES;
	bytes = vmsnd_vfu_dma_unmap_put(payload, &whole);
	return vfio_ask(client, VMSND_VFU_DMA_UNMAP, payload, bytes, answer);
}

int vfio_region_info(struct vfio_client *client, uint32_t index, struct vmsnd_vfu_region_info *info)
{
	const struct vmsnd_vfu_region_info asked = {.argsz = VMSND_VFU_REGION_INFO_BYTES,
						    .index = index};
	uint8_t payload[VMSND_VFU_REGION_INFO_BYTES];
	int rc;

	vmsnd_vfu_region_info_put(payload, &asked);
	rc = vfio_ask(client, VMSND_VFU_GET_REGION_INFO, payload, sizeof(payload), NULL);
	if (!rc && client->answer.bytes != VMSND_VFU_REGION_INFO_BYTES)
		return VFIO_STRANGE;
	vmsnd_vfu_region_info_get(client->answer.payload, info);
	return rc;
}

int vfio_irq_info(struct vfio_client *client, uint32_t index, struct vmsnd_vfu_four *info)
{
	const struct vmsnd_vfu_four asked = {.argsz = VMSND_VFU_FOUR_BYTES, .index = index};
	uint8_t payload[VMSND_VFU_FOUR_BYTES];
	int rc;

	vmsnd_vfu_four_put(payload, &asked);
	rc = vfio_ask(client, VMSND_VFU_GET_IRQ_INFO, payload, sizeof(payload), NULL);
	if (!rc && client->answer.bytes != VMSND_VFU_FOUR_BYTES)
		return VFIO_STRANGE;
	vmsnd_vfu_four_get(client->answer.payload, info);
	return rc;
}

int vfio_set_irqs(struct vfio_client *client, const struct vmsnd_vfu_set_irqs *set,
		  const uint8_t *booleans, const struct vmsnd_fds *fds)
{
	struct vmsnd_vfu_set_irqs whole = *set;
	uint8_t payload[VMSND_VFU_SET_IRQS_BYTES + 64];
	uint32_t bytes;

	if (whole.argsz == 0)
		whole.argsz = VMSND_VFU_SET_IRQS_BYTES + (booleans ? set->count : 0);
	bytes = vmsnd_vfu_set_irqs_put(payload, &whole);
	for (uint32_t i = 0; booleans && i < set->count && i < 64; i++)
		payload[bytes++] = booleans[i];
	return vfio_ask_with(client, VMSND_VFU_SET_IRQS, payload, bytes, fds);
}

int vfio_arm(struct vfio_client *client, uint32_t index, uint32_t action, int fd)
{
	const struct vmsnd_fds fds = {.n = fd >= 0, .fd = {fd}};
	const struct vmsnd_vfu_set_irqs arm = {
	    .flags = VMSND_VFU_DATA_EVENTFD | action, .index = index, .count = 1};
	const struct vmsnd_vfu_set_irqs disarm = {
	    .flags = VMSND_VFU_DATA_NONE | VMSND_VFU_ACTION_TRIGGER, .index = index};

	if (fd < 0 && action == VMSND_VFU_ACTION_TRIGGER)
		return vfio_set_irqs(client, &disarm, NULL, NULL);
	return vfio_set_irqs(client, &arm, NULL, &fds);
}

int vfio_unmask(struct vfio_client *client)
{
	const struct vmsnd_vfu_set_irqs set = {
	    .flags = VMSND_VFU_DATA_NONE | VMSND_VFU_ACTION_UNMASK, .count = 1};

	return vfio_set_irqs(client, &set, NULL, NULL);
}

int vfio_read(struct vfio_client *client, uint32_t region, uint64_t offset, void *to,
	      uint32_t bytes)
{
	const struct vmsnd_vfu_access access = {offset, region, bytes};
	struct vmsnd_vfu_access got;
	uint8_t payload[VMSND_VFU_ACCESS_BYTES];
	int rc;

	vmsnd_vfu_access_put(payload, &access);
	rc = vfio_ask(client, VMSND_VFU_REGION_READ, payload, sizeof(payload), NULL);
	if (rc)
		return rc;
	vmsnd_vfu_access_get(client->answer.payload, &got);
	if (client->answer.bytes != VMSND_VFU_ACCESS_BYTES + bytes || got.offset != offset ||
	    got.region != region || got.count != bytes)
		return VFIO_STRANGE;
	if (bytes > 0)
		memcpy(to, client->answer.payload + VMSND_VFU_ACCESS_BYTES, bytes);
	return 0;
}

static uint32_t put_write(struct vfio_client *client, const struct vmsnd_vfu_access *access,
			  const void *from)
{
	uint8_t *payload = client->answer.payload;

	vmsnd_vfu_access_put(payload, access);
	if (access->count > 0)
		memcpy(payload + VMSND_VFU_ACCESS_BYTES, from, access->count);
	return VMSND_VFU_ACCESS_BYTES + access->count;
}

int vfio_write(struct vfio_client *client, uint32_t region, uint64_t offset, const void *from,
	       uint32_t bytes)
{
	const struct vmsnd_vfu_access access = {offset, region, bytes};
	uint32_t payload = put_write(client, &access, from);
	struct vmsnd_vfu_access got;
	int rc = vfio_ask(client, VMSND_VFU_REGION_WRITE, client->answer.payload, payload, NULL);

	if (rc)
		return rc;
	vmsnd_vfu_access_get(client->answer.payload, &got);
	return client->answer.bytes == VMSND_VFU_ACCESS_BYTES && got.offset == offset &&
		       got.region == region && got.count == bytes
		   ? 0
		   : VFIO_STRANGE;
}

bool vfio_post(struct vfio_client *client, uint32_t region, uint64_t offset, const void *from,
	       uint32_t bytes)
{
	const struct vmsnd_vfu_access access = {offset, region, bytes};
	struct vmsnd_vfu_header header =
	    header_of(client, VMSND_VFU_REGION_WRITE, put_write(client, &access, from));

	header.flags = VMSND_VFU_NO_REPLY;
	return vfio_send(client, &header, client->answer.payload, NULL);
}

int vfio_reset(struct vfio_client *client)
{
	return vfio_ask(client, VMSND_VFU_RESET, NULL, 0, NULL);
}

uint32_t vfio_in(struct vfio_client *client, uint32_t region, uint64_t offset, uint32_t bytes)
{
	uint8_t data[4] = {0};

	return vfio_read(client, region, offset, data, bytes) ? UINT32_MAX : vmsnd_le32(data);
}

int vfio_put(struct vfio_client *client, uint32_t region, uint64_t offset, uint32_t bytes,
	     uint32_t value)
{
	return vfio_write(client, region, offset, &value, bytes);
}
