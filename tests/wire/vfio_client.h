/* SPDX-License-Identifier: BSD-3-Clause */
/* A vfio-user client for tests and benchmarks: it plays the VMM, message by message. */
#ifndef VMSND_TESTS_WIRE_VFIO_CLIENT_H
#define VMSND_TESTS_WIRE_VFIO_CLIENT_H

#include "os/socket.h"
#include "transports/vfio_user_codec.h"
#include "vmsnd/transport.h"

struct vfio_client;

struct vfio_message {
	struct vmsnd_vfu_header header;
	uint32_t bytes; /* of payload */
	uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
};

/* How a command ended: 0, the error number of its answer, or one of these. */
enum vfio_end {
	VFIO_SILENT = -1, /* no answer */
	VFIO_CLOSED = -2,
	VFIO_STRANGE = -3 /* an answer, but not to this */
};

/* Connects to a card in another process. NULL on failure. */
struct vfio_client *vfio_client_open(const char *path);
/* Over a connected socket, taken over. `pump` lets a card in this process work until it is idle;
 * NULL when the card is elsewhere: then answers are waited for. */
struct vfio_client *vfio_client_attach(int socket, void (*pump)(void *ctx), void *ctx);
void vfio_client_close(struct vfio_client *client);
int vfio_client_socket(const struct vfio_client *client);
void vfio_client_pump(struct vfio_client *client);
/* Guest memory, a memfd of 16 MiB that is shared. Freed by close. */
void *vfio_client_memory(struct vfio_client *client, uint64_t *bytes);
int vfio_client_memory_fd(const struct vfio_client *client);

/* ---- single messages ------------------------------------------------------------------ */

bool vfio_send(struct vfio_client *client, const struct vmsnd_vfu_header *header,
	       const void *payload, const struct vmsnd_fds *fds);
/* The next message from the server, whatever it is: 0, VFIO_SILENT, VFIO_CLOSED. */
int vfio_receive(struct vfio_client *client, struct vfio_message *message);
/* A command and its answer. `answer` may be NULL; descriptors stay the caller's. */
int vfio_ask(struct vfio_client *client, uint16_t command, const void *payload, uint32_t bytes,
	     struct vfio_message *answer);
int vfio_ask_with(struct vfio_client *client, uint16_t command, const void *payload, uint32_t bytes,
		  const struct vmsnd_fds *fds);

/* 0.1 with these capabilities; NULL: none at all. */
int vfio_version(struct vfio_client *client, const char *json, struct vfio_message *answer);
/* What QEMU 11.1 says. */
int vfio_hello(struct vfio_client *client);
/* Memory of the client's own, from `offset` on, as `gpa`; fd -1: without a descriptor. */
int vfio_map(struct vfio_client *client, const struct vmsnd_vfu_dma_map *map, int fd);
int vfio_unmap(struct vfio_client *client, const struct vmsnd_vfu_dma_unmap *unmap,
	       struct vfio_message *answer);
int vfio_region_info(struct vfio_client *client, uint32_t index,
		     struct vmsnd_vfu_region_info *info);
int vfio_irq_info(struct vfio_client *client, uint32_t index, struct vmsnd_vfu_four *info);
/* `booleans`: with that flag, `count` of them. */
int vfio_set_irqs(struct vfio_client *client, const struct vmsnd_vfu_set_irqs *set,
		  const uint8_t *booleans, const struct vmsnd_fds *fds);
/* Arms, or with -1 disarms, the one interrupt of a kind. */
int vfio_arm(struct vfio_client *client, uint32_t index, uint32_t action, int fd);
int vfio_unmask(struct vfio_client *client);
int vfio_read(struct vfio_client *client, uint32_t region, uint64_t offset, void *to,
	      uint32_t bytes);
int vfio_write(struct vfio_client *client, uint32_t region, uint64_t offset, const void *from,
	       uint32_t bytes);
/* A posted write: nothing comes back. */
bool vfio_post(struct vfio_client *client, uint32_t region, uint64_t offset, const void *from,
	       uint32_t bytes);
int vfio_reset(struct vfio_client *client);

/* The register at `offset`, 1, 2 or 4 bytes; all ones when it fails. */
uint32_t vfio_in(struct vfio_client *client, uint32_t region, uint64_t offset, uint32_t bytes);
int vfio_put(struct vfio_client *client, uint32_t region, uint64_t offset, uint32_t bytes,
	     uint32_t value);

#endif
