/* SPDX-License-Identifier: BSD-3-Clause */
/* A vfio-user transport with a card that does nothing by itself, and a client that says what the
 * test wants said: all in the test's own thread. What a card does to guest memory, the test does.
 */
#ifndef VMSND_TESTS_WIRE_VFIO_STAGE_H
#define VMSND_TESTS_WIRE_VFIO_STAGE_H

#include "transports/vfio_user.h"
#include "transports/vfio_user_codec.h"

#define STAGE_STATE_BYTES 100000u

struct vmsnd_dev {
	unsigned resets;
};

struct vfio_stage {
	struct vmsnd_dev dev;
	struct vmsnd_dev_class cls; /* with save and load, unless a test takes them away */
	struct vmsnd_gmem mem;
	struct vmsnd_conf conf;
	struct vmsnd_log log;
	struct vmsnd_transport *bus;
	char dir[64], path[96];
	vmsnd_ns now;

	unsigned n_watched;
	int fds[16];
	unsigned tags[16];

	char trouble[600]; /* the last warning or error */
	unsigned n_troubles;

	/* What the card's owner was asked. */
	char asked[256];                  /* "still save go load ..." */
	uint8_t state[STAGE_STATE_BYTES]; /* what is saved */
	size_t state_bytes;
	enum vmsnd_rc save_rc, load_rc;
	uint8_t loaded[STAGE_STATE_BYTES]; /* and loaded */
	size_t loaded_bytes;

	/* The client. */
	int socket; /* -1: none */
	uint16_t id;
	struct vmsnd_vfu_header header; /* of the last message */
	uint8_t payload[VMSND_VFU_PAYLOAD_MAX];
	uint32_t bytes;
};

/* Listens, and has a client that has agreed on a version with these capabilities (JSON; NULL:
 * none). */
struct vfio_stage *vfio_stage_open(const char *capabilities);
void vfio_stage_close(struct vfio_stage *stage);
/* The transport does what there is to do. */
void vfio_stage_pump(struct vfio_stage *stage);
/* A step of its card. */
void vfio_stage_step(struct vfio_stage *stage);
void vfio_stage_connect(struct vfio_stage *stage, const char *capabilities);
void vfio_stage_hang_up(struct vfio_stage *stage);
/* What was asked since the last call. */
const char *vfio_stage_asked(struct vfio_stage *stage);

/* A message as it is; `fd` -1: none. */
void vfio_stage_send(struct vfio_stage *stage, const struct vmsnd_vfu_header *header,
		     const void *payload, uint32_t bytes, int fd);
/* Into header, payload, bytes; false: there is none. */
bool vfio_stage_receive(struct vfio_stage *stage);
/* A command and its answer, which there must be: the error number. */
uint32_t vfio_stage_call(struct vfio_stage *stage, uint16_t command, const void *payload,
			 uint32_t bytes);
/* DMA_MAP without a descriptor, or of a memory of the test's. */
uint32_t vfio_stage_map(struct vfio_stage *stage, vmsnd_gpa gpa, uint64_t bytes, int fd);
uint32_t vfio_stage_unmap(struct vfio_stage *stage, vmsnd_gpa gpa, uint64_t bytes);

#endif
