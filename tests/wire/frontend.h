/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user front end for tests and benchmarks: it plays the VMM, message by message, or
 * offers a whole guest bus over the wire. */
#ifndef VMSND_TESTS_WIRE_FRONTEND_H
#define VMSND_TESTS_WIRE_FRONTEND_H

#include "os/socket.h"
#include "transports/vhost_user_codec.h"
#include "vmsnd/transport.h"

#define WIRE_QUEUES 4u

struct wire_frontend;

struct wire_message {
	struct vmsnd_vu_header header;
	uint8_t payload[VMSND_VU_PAYLOAD_MAX];
};

/* What came of a message. */
enum wire_result {
	WIRE_OK,
	WIRE_REFUSED, /* answered with something other than 0, or with an empty payload */
	WIRE_SILENT,  /* no answer */
	WIRE_CLOSED
};

/* Connects to a card in another process. NULL on failure. */
struct wire_frontend *wire_frontend_open(const char *path);
/* Over a connected socket, taken over. `pump` lets a card in this process work until it is
 * idle; NULL when the card is elsewhere: then answers are waited for. */
struct wire_frontend *wire_frontend_attach(int socket, void (*pump)(void *ctx), void *ctx);
void wire_frontend_close(struct wire_frontend *front);
/* Leaves the card and goes to another with the same memory and descriptors. */
void wire_frontend_move(struct wire_frontend *front, int socket);
/* Lets a card in this process work until it is idle. */
void wire_frontend_pump(struct wire_frontend *front);
int wire_frontend_socket(const struct wire_frontend *front);
/* Guest memory, a memfd of 16 MiB that the card can map. Freed by close. */
void *wire_frontend_memory(struct wire_frontend *front, uint64_t *bytes);
int wire_frontend_memory_fd(const struct wire_frontend *front);
/* Whether NEED_REPLY is set on what follows. */
void wire_frontend_acks(struct wire_frontend *front, bool on);
/* Sleeps until the card interrupts, at most `ms`. */
void wire_frontend_wait(struct wire_frontend *front, int ms);
/* The guest's side of the card. Good until close. */
void wire_frontend_bus(struct wire_frontend *front, struct vmsnd_guest_bus *out);
/* The eventfds given out by queue_start. */
int wire_frontend_kick_fd(const struct wire_frontend *front, unsigned queue);
int wire_frontend_call_fd(const struct wire_frontend *front, unsigned queue);

/* ---- single messages ------------------------------------------------------------------ */

bool wire_send(struct wire_frontend *front, const struct vmsnd_vu_header *header,
	       const void *payload, const struct vmsnd_fds *fds);
/* WIRE_OK with `message` filled, WIRE_SILENT, WIRE_CLOSED. */
enum wire_result wire_receive(struct wire_frontend *front, struct wire_message *message);
/* A request that is acknowledged if acks are on; descriptors stay the caller's. */
enum wire_result wire_put(struct wire_frontend *front, uint32_t request, const void *payload,
			  uint32_t bytes, const struct vmsnd_fds *fds);
enum wire_result wire_put_u64(struct wire_frontend *front, uint32_t request, uint64_t value);
enum wire_result wire_put_state(struct wire_frontend *front, uint32_t request, uint32_t index,
				uint32_t value);
enum wire_result wire_put_fd(struct wire_frontend *front, uint32_t request, uint64_t word, int fd);
enum wire_result wire_put_address(struct wire_frontend *front,
				  const struct vmsnd_vu_address *address);
enum wire_result wire_put_table(struct wire_frontend *front, const struct vmsnd_vu_region *regions,
				unsigned n, uint32_t bytes, const int *fds);
enum wire_result wire_put_region(struct wire_frontend *front, uint32_t request,
				 const struct vmsnd_vu_region *region, int fd);
enum wire_result wire_get_u64(struct wire_frontend *front, uint32_t request, uint64_t *value);
enum wire_result wire_get_base(struct wire_frontend *front, uint32_t queue, uint32_t *base);
/* For so many queues of this size; the rest of `area` is answered. No descriptor: *fd -1. */
enum wire_result wire_get_inflight(struct wire_frontend *front, struct vmsnd_vu_inflight *area,
				   int *fd);
enum wire_result wire_put_inflight(struct wire_frontend *front,
				   const struct vmsnd_vu_inflight *area, int fd);
enum wire_result wire_get_config(struct wire_frontend *front, uint32_t offset, void *to,
				 uint32_t bytes);

#endif
