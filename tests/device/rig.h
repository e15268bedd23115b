/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest for tests: memory, rings, a driver that does as it is told, and a lane that steps
 * the card and its ports through virtual time. */
#ifndef VMSND_TESTS_DEVICE_RIG_H
#define VMSND_TESTS_DEVICE_RIG_H

/* cmocka wants these four first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>

#include "devices/virtio-snd/virtio_snd.h"
#include "fake_port.h"
#include "vmsnd/config.h"
#include "vmsnd/transport.h"
#include "vmsnd/tree.h"

#define RIG_GPA       UINT64_C(0x40000000)
#define RIG_RAM_BYTES (8u * 1024u * 1024u)
#define RIG_NOWHERE   UINT64_C(0x7000000000) /* no memory there */
#define RIG_PORTS_MAX 64u
#define RIG_MS        UINT64_C(1000000)

enum { CONTROL, EVENT, TX, RX, N_QUEUES };

/* 48 kHz S16 stereo in periods of 10 ms. */
#define RIG_FRAME_BYTES   4u
#define RIG_PERIOD_FRAMES 480u
#define RIG_PERIOD_BYTES  (RIG_PERIOD_FRAMES * RIG_FRAME_BYTES)
#define RIG_BUFFER_BYTES  (4u * RIG_PERIOD_BYTES)

struct rig_segment {
	vmsnd_gpa at;
	uint32_t bytes;
	bool writable;
};

struct rig_queue {
	struct vmsnd_queue_setup setup;
	uint16_t avail; /* entries made available so far */
	uint16_t used;  /* entries taken back so far */
	uint16_t free_descriptors;
	bool taken[VMSND_QUEUE_SIZE_MAX];
	unsigned interrupts;
	/* Packed: where the next descriptor goes, and where the next used one comes, over two laps;
	 * by id: how many the chain has. An id is that of the first of as many `taken`, so that
	 * both layouts count alike. */
	bool packed;
	uint16_t next_place, used_place;
	uint16_t slots[VMSND_QUEUE_SIZE_MAX];
	uint16_t owner[VMSND_QUEUE_SIZE_MAX];
};

struct rig {
	uint8_t *ram;
	vmsnd_gpa next_free;
	struct vmsnd_gmem mem;
	struct rig_queue queues[N_QUEUES];
	struct vmsnd_dev *dev;
	size_t dev_bytes;
	unsigned n_playback, n_capture;
	const struct vmsnd_conf *options; /* NULL: the defaults */
	struct vmsnd_conf rings;          /* as the environment has them, without options */
	const struct vmsnd_node *node;
	struct vmsnd_port *ports[RIG_PORTS_MAX];
	unsigned turned[RIG_PORTS_MAX]; /* how often the guest set a mixer, by stream */
	unsigned faults[VMSND_FAULT_COUNT];
	struct vmsnd_conf *own_options; /* of rig_open_with */
	struct vmsnd_node *own_node;
	void (*on_interrupt)(struct rig *rig, unsigned queue); /* may be NULL */
	unsigned last_interrupt;
	vmsnd_ns now;
};

/* A card with so many streams; no queue started, no feature chosen. */
void rig_open(struct rig *rig, unsigned n_playback, unsigned n_capture);
/* One with options and a node, which outlive the rig. */
struct rig_card {
	unsigned n_playback, n_capture;
	const struct vmsnd_conf *options;
	const struct vmsnd_node *node;
};
void rig_open_as(struct rig *rig, const struct rig_card *card);
/* The same with options ("jacks=on") and a node in YAML; either may be NULL. */
void rig_open_with(struct rig *rig, unsigned n_playback, unsigned n_capture, const char *options,
		   const char *yaml);
void rig_close(struct rig *rig);
/* A card just made in place of this one, which is forgotten. Memory and ports stay. */
void rig_make_card(struct rig *rig);
/* What the card saves; the caller frees. Nothing may change by it. */
uint8_t *rig_save(struct rig *rig, size_t *bytes);
enum vmsnd_rc rig_load(struct rig *rig, const uint8_t *from, size_t bytes);
/* Chooses features, lays out all four rings and starts them. */
void rig_boot(struct rig *rig, uint64_t features, uint16_t queue_size);
/* open and boot, all features, 64 entries. */
void rig_up(struct rig *rig, unsigned n_playback, unsigned n_capture);
/* RIG_F_ALL, and what the environment's VMSND_TEST_RINGS names: "packed", "in-order" or both. */
uint64_t rig_features(void);
/* Whether they are so. Tests that look at the ring themselves, or let messages pass each other, are
 * for others (test_rings.c has theirs). */
bool rig_rings_are(const char *word);
/* What queue_stop tells when `n` messages of three pieces have gone through the queue. */
uint32_t rig_place(const struct rig *rig, unsigned queue, uint32_t n);
/* Lays out one ring in fresh memory, zeroed; does not start it. */
void rig_layout(struct rig *rig, unsigned queue, uint16_t size);

void *rig_at(struct rig *rig, vmsnd_gpa gpa);
vmsnd_gpa rig_alloc(struct rig *rig, size_t bytes);
vmsnd_gpa rig_put(struct rig *rig, const void *from, size_t bytes);

struct vring_desc *rig_descriptor(struct rig *rig, unsigned queue, uint16_t index);
uint16_t rig_used_index(struct rig *rig, unsigned queue);
uint16_t rig_used_flags(struct rig *rig, unsigned queue);
uint16_t rig_avail_event(struct rig *rig, unsigned queue);
void rig_set_used_event(struct rig *rig, unsigned queue, uint16_t entry);
void rig_set_avail_flags(struct rig *rig, unsigned queue, uint16_t flags);
void rig_set_avail_index(struct rig *rig, unsigned queue, uint16_t index);

/* Makes a chain available, without a kick; returns its head. Direct chains use one descriptor a
 * segment, indirect ones a table in fresh memory. */
uint16_t rig_post(struct rig *rig, unsigned queue, const struct rig_segment *segments, unsigned n,
		  bool indirect);
/* Makes one head available as it stands. */
void rig_offer(struct rig *rig, unsigned queue, uint16_t head);
void rig_kick(struct rig *rig, unsigned queue);
/* Takes one chain back; false when there is none. */
bool rig_take(struct rig *rig, unsigned queue, uint32_t *head, uint32_t *written);
/* Entries given back and not yet taken. */
uint16_t rig_given_back(struct rig *rig, unsigned queue);

/* Steps card and ports from deadline to deadline. */
void rig_run_until(struct rig *rig, vmsnd_ns until);
void rig_run_ms(struct rig *rig, uint64_t ms);
/* What a lane does after every event: one step at the present time. */
void rig_step(struct rig *rig);

/* One control request through the ring; returns the used length. `answer` is filled with 0xEE
 * before and holds what the card made of it. */
uint32_t rig_request(struct rig *rig, const void *request, uint32_t bytes, void *answer,
		     uint32_t answer_bytes);
/* Requests with a status as the only answer. */
uint32_t rig_command(struct rig *rig, uint32_t code, uint32_t stream);
uint32_t rig_set_params(struct rig *rig, uint32_t stream,
			const struct virtio_snd_pcm_set_params *params);
/* The usual parameters; expects OK. */
void rig_set_usual(struct rig *rig, uint32_t stream);
/* Parameters, PREPARE; expects OK. */
void rig_prepare(struct rig *rig, uint32_t stream);
void rig_expect(struct rig *rig, uint32_t code, uint32_t stream, uint32_t status);

/* A data message: header, `bytes` of data, status of eight bytes. */
struct rig_message {
	uint16_t head;
	uint32_t bytes;
	vmsnd_gpa data, status;
};
struct rig_message rig_post_playback(struct rig *rig, uint32_t stream, const void *data,
				     uint32_t bytes);
struct rig_message rig_post_capture(struct rig *rig, uint32_t stream, uint32_t bytes);
struct virtio_snd_pcm_status rig_status(struct rig *rig, const struct rig_message *message);

/* Frames that carry their number, from `first` on. */
void rig_fill_numbers(uint32_t *to, uint32_t first, uint32_t frames);
/* The frames heard by a port are the numbers 1, 2, 3 ... and so many. */
void rig_expect_numbers(const struct vmsnd_port *port, uint32_t frames);
uint64_t rig_counter(struct rig *rig, const char *name);

#define RIG_CLASS (&vmsnd_virtio_snd_class)
#define RIG_OPS   (vmsnd_virtio_snd_class.virtio)

#define RIG_F_INDIRECT  (UINT64_C(1) << 28)
#define RIG_F_EVENT_IDX (UINT64_C(1) << 29)
#define RIG_F_VERSION_1 (UINT64_C(1) << 32)
#define RIG_F_PACKED    (UINT64_C(1) << 34)
#define RIG_F_IN_ORDER  (UINT64_C(1) << 35)
#define RIG_F_RESET     (UINT64_C(1) << 40)
#define RIG_F_ALL       (RIG_F_INDIRECT | RIG_F_EVENT_IDX | RIG_F_VERSION_1)

#endif
