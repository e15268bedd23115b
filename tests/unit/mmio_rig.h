/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of virtio over MMIO before a card that is a double and keeps what it was told. */
#ifndef VMSND_TESTS_UNIT_MMIO_RIG_H
#define VMSND_TESTS_UNIT_MMIO_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "transports/mmio_registers.h"

#define N_QUEUES 3u
#define OFFERED  (UINT64_C(1) << 32 | UINT64_C(1) << 29 | UINT64_C(1) << 28 | F_RESET)
#define F_RESET  (UINT64_C(1) << 40)
#define ACK      VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER   VIRTIO_CONFIG_S_DRIVER
#define FEATURES VIRTIO_CONFIG_S_FEATURES_OK
#define OK       VIRTIO_CONFIG_S_DRIVER_OK
#define NOW      UINT64_C(777)

struct vmsnd_dev {
	uint64_t accepted;
	unsigned n_accepted, resets;
	struct {
		struct vmsnd_queue_setup setup;
		bool started, enabled;
		unsigned starts, stops, resets, kicks, kicked_live;
	} queues[N_QUEUES];
	enum vmsnd_rc start_rc;
	vmsnd_ns last;
};

struct rig {
	struct vmsnd_mmio mmio;
	struct vmsnd_dev dev;
	bool line;
	unsigned line_changes, connected, ready, refused;
};

/* A card as it comes up; free it with free(). */
struct rig *rig_open(void);
/* One aligned word. */
uint32_t rig_get(struct rig *rig, uint64_t at);
void rig_put(struct rig *rig, uint64_t at, uint32_t value);
void rig_put_features(struct rig *rig, uint64_t features);
/* As far as FEATURES_OK. */
void rig_agree(struct rig *rig, uint64_t features);
void rig_put_queue(struct rig *rig, unsigned queue);
/* As far as DRIVER_OK, with queue 1 ready. */
struct rig *rig_up(void);
uint64_t rig_mistakes(const struct rig *rig);

#endif
