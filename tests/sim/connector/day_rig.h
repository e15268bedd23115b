/* SPDX-License-Identifier: BSD-3-Clause */
/* A port with two outputs whose clocks are off, in virtual time: nothing goes wrong here, it only
 * takes long. */
#ifndef VMSND_TESTS_SIM_CONNECTOR_DAY_RIG_H
#define VMSND_TESTS_SIM_CONNECTOR_DAY_RIG_H

#include "connector/connector.h"

#define SECOND VMSND_NS_PER_SECOND

struct day_rig;

struct vmsnd_backend {
	struct day_rig *rig;
	double ppm;
	uint32_t block_frames;
	vmsnd_ns jitter_ns;
	/* What it hears. */
	void (*hear)(struct vmsnd_backend *host, const void *samples, uint32_t frames);
	struct vmsnd_stream *stream;
	uint32_t seed;
	uint64_t frames; /* that came */
	void *ctx;
};

struct day_rig {
	struct vmsnd_port *port;
	struct vmsnd_lun *luns[2];
	void *rings[2];
	struct vmsnd_connector_env env;
	struct vmsnd_backend hosts[2];
	struct vmsnd_stream_params params;
	/* Makes frames; `at`: how many there were before. */
	void (*play)(struct day_rig *rig, void *to, uint64_t at, uint32_t frames);
	uint64_t posted, copied;
	vmsnd_ns start, now, settled;
	uint32_t fill_min, fill_max; /* of unit 0's ring after each turn, once settled */
};

/* Set hosts, params and play first; the rates may be set after. */
void day_open(struct day_rig *rig, const struct vmsnd_resampler_class *rates,
	      enum vmsnd_quality quality);
void day_run(struct day_rig *rig, vmsnd_ns length);
struct vmsnd_lun_status day_status(const struct day_rig *rig, unsigned unit);
void day_close(struct day_rig *rig);

#endif
