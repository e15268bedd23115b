/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user front end and the guest memory it shares: the way to a back end that nobody here
 * knows, in another process and in real time. Every wait has an end. */
#ifndef VMSND_TESTS_CONFORMANCE_FRONT_H
#define VMSND_TESTS_CONFORMANCE_FRONT_H

#include "ring.h"
#include "vmsnd/types.h"

#define QUEUES 4u
enum { QUEUE_CONTROL, QUEUE_EVENT, QUEUE_TX, QUEUE_RX };

/* Not where the memory is mapped, so that one cannot be taken for the other. */
#define MEMORY_GPA   UINT64_C(0x40000000)
#define MEMORY_BYTES (UINT32_C(16) << 20)
/* Two places for rings, so that a driver can come back with its rings elsewhere. */
#define RINGS_BYTES UINT32_C(0x80000)
#define ARENA_AT    (2 * RINGS_BYTES)

#define BIT(n)       (UINT64_C(1) << (n))
#define F_CTLS       BIT(0)
#define F_INDIRECT   BIT(28)
#define F_EVENT_IDX  BIT(29)
#define F_VERSION_1  BIT(32)
#define F_PACKED     BIT(34)
#define F_IN_ORDER   BIT(35)
#define F_RING_RESET BIT(40)

/* Untouched memory and the guard behind each area hold this. */
#define FILL 0xa5

struct config {
	uint32_t jacks, streams, chmaps, controls;
};

struct front {
	const char *path;
	int timeout_ms;
	int socket; /* -1: not connected */
	uint64_t offered, accepted, protocol;
	uint64_t queue_num; /* 0: not told */
	bool acks;
	struct config config;
	uint32_t config_bytes; /* that the back end answered with */
	int memory_fd;
	uint8_t *memory;
	uint32_t arena;
	struct ring rings[QUEUES];
	bool started, closed; /* closed: by the back end */
	char why[160]; /* of the first thing that went wrong with the connection; empty: none */
};

/* Makes memory and descriptors; connects to nobody. False with `why`. */
bool front_open(struct front *front, const char *path, int timeout_ms);
void front_close(struct front *front);

/* The handshake up to features and configuration. */
bool front_connect(struct front *front);
void front_disconnect(struct front *front);
/* Accepts `features` as far as they are offered and shares the memory. */
bool front_accept(struct front *front, uint64_t features);
/* Fresh rings at place 0 or 1, all of memory behind them forgotten. */
bool front_start(struct front *front, unsigned place);
bool front_stop(struct front *front);
/* One queue stops and begins anew at the other place, while the others go on. */
bool front_queue_reset(struct front *front, uint32_t queue, unsigned place);

/* A message of the protocol as it is. `payload` may be malformed; descriptors stay the caller's.
 * False: the connection is gone. */
bool front_send(struct front *front, uint32_t request, const void *payload, uint32_t bytes, int fd);
/* Asks for `bytes` of the configuration; how many came, at most 256. */
uint32_t front_config_read(struct front *front, uint32_t offset, uint8_t *to, uint32_t bytes);
/* Whether the back end still answers on this connection. */
bool front_answers(struct front *front);

/* Memory for a buffer, filled with FILL, with a guard behind it; its offset. */
uint32_t front_alloc(struct front *front, uint32_t bytes);
/* Whether nothing was written behind an area. */
bool front_guard_whole(const struct front *front, uint32_t at, uint32_t bytes);

void front_nap(int ms);

#endif
