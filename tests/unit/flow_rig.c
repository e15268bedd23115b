/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow with a ring on one of its sides. */
#include "flow_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct vmsnd_format flow_format(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	return (struct vmsnd_format){.sample = sample, .rate_hz = rate_hz, .channels = channels};
}

static struct flow_rig *opened(const struct vmsnd_flow_conf *conf,
			       const struct vmsnd_format *format)
{
	struct flow_rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	/* In storage of any content. */
	memset(&rig->flow, 0xa5, sizeof(rig->flow));
	assert_int_equal(vmsnd_flow_open(&rig->flow, conf), VMSND_OK);
	vmsnd_ring_end_init(&rig->writer, &rig->head, rig->ring, RIG_FRAMES,
			    vmsnd_format_frame_bytes(format));
	rig->reader = rig->writer;
	return rig;
}

struct flow_rig *flow_rig_pull(const struct vmsnd_flow_conf *conf)
{
	return opened(conf, &conf->from);
}

struct flow_rig *flow_rig_push(const struct vmsnd_flow_conf *conf)
{
	return opened(conf, &conf->to);
}

void flow_rig_close(struct flow_rig *rig)
{
	vmsnd_flow_close(&rig->flow);
	vmsnd_flow_close(&rig->flow);
	free(rig);
}

uint32_t flow_rig_write(struct flow_rig *rig, const void *frames, uint32_t count)
{
	const unsigned char *from = frames;
	uint32_t done = 0, piece = 1;

	while (piece) {
		void *at;

		piece = vmsnd_ring_write_begin_rt(&rig->writer, count - done, &at);
		memcpy(at, from + (size_t)done * rig->writer.frame_bytes,
		       (size_t)piece * rig->writer.frame_bytes);
		vmsnd_ring_write_commit_rt(&rig->writer, piece);
		done += piece;
	}
	return done;
}

uint32_t flow_rig_read(struct flow_rig *rig, void *frames, uint32_t count)
{
	unsigned char *to = frames;
	uint32_t done = 0, piece = 1;

	while (piece) {
		void *at;

		piece = vmsnd_ring_read_begin_rt(&rig->reader, count - done, &at);
		memcpy(to + (size_t)done * rig->reader.frame_bytes, at,
		       (size_t)piece * rig->reader.frame_bytes);
		vmsnd_ring_read_commit_rt(&rig->reader, piece);
		done += piece;
	}
	return done;
}

uint32_t flow_rig_take(struct flow_rig *rig, void *to, uint32_t frames)
{
	uint32_t before = vmsnd_ring_fill_rt(&rig->reader), taken, made;

	made = vmsnd_flow_pull_rt(&rig->flow, &rig->reader, to, frames, &taken);
	assert_true(made <= frames);
	assert_int_equal(before - taken, vmsnd_ring_fill_rt(&rig->reader));
	if (made < frames)
		assert_int_equal(taken, before);
	return made;
}
