/* SPDX-License-Identifier: BSD-3-Clause */
/* How a control request is answered: a status, and items that follow it. */
#ifndef VMSND_DEVICES_VIRTIO_SND_CONTROL_H
#define VMSND_DEVICES_VIRTIO_SND_CONTROL_H

#include "devices/virtio-snd/ctl.h"
#include "devices/virtio-snd/snd.h"

/* Items that follow a status, when a handler asked for them. `fill` is called with start, start + 1
 * and so on. */
struct snd_items {
	void (*fill)(const struct vmsnd_snd *snd, uint32_t id, void *to);
	uint32_t item_bytes; /* ours; the driver's may differ (V20) */
	uint32_t start, count, stride;
};

union snd_item {
	struct virtio_snd_jack_info jack;
	struct virtio_snd_pcm_info pcm;
	struct virtio_snd_chmap_info chmap;
	struct snd_ctl_info info;
	struct snd_ctl_enum_item name;
	struct snd_ctl_value value;
	struct snd_ctl_tlv tlv;
};

struct snd_answer {
	struct vmsnd_cursor *to;
	uint32_t request_bytes; /* read of the request, and those it has in all */
	uint32_t readable_bytes;
	uint32_t written;
	struct snd_items items;
};

typedef uint32_t (*snd_request_fn)(struct vmsnd_snd *snd, const void *request,
				   struct snd_answer *answer, vmsnd_ns now);

struct snd_request_row {
	uint32_t first, last; /* codes */
	uint32_t bytes;       /* the shortest that is well formed */
	snd_request_fn handle;
};

/* V18-V21: a query of items out of `total`; a status. */
uint32_t snd_control_query(const void *request, uint32_t total, struct snd_answer *answer);
/* By the row that has the code; BAD_MSG when there is none or the request is too short. */
uint32_t snd_control_dispatch(const struct snd_request_row *rows, struct vmsnd_snd *snd,
			      const void *request, struct snd_answer *answer, vmsnd_ns now);

/* ---- controls.c, elements.c: control elements (V90-V111) ---- */

/* Any of the codes 0x300 .. 0x306. */
uint32_t snd_controls_request(struct vmsnd_snd *snd, const void *request, struct snd_answer *answer,
			      vmsnd_ns now);

#endif
