/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture as the host sees it: blocks put into the ring, the newest dropped when it is full.
 *
 * There is no pre-buffering here (CA-02 with a threshold of 0): the guest reads as frames come
 * and can only wait, never run dry, so holding the first ones back would be delay and nothing
 * else. The newest frames are the ones dropped because only the reader may move the read
 * position; what the guest gets is in order, with one hole where the frames are missing. */
#include <string.h>

#include "connector/port.h"

static uint32_t put_rt(struct vmsnd_port_host *host, const unsigned char *from, uint32_t frames)
{
	struct vmsnd_ring_end *ring = &host->ring;
	uint32_t put = 0;

	while (put < frames) {
		void *at;
		uint32_t piece = vmsnd_ring_write_begin_rt(ring, frames - put, &at);
		size_t bytes = (size_t)piece * ring->frame_bytes;

		if (piece == 0)
			break;
		if (from)
			memcpy(at, from + (size_t)put * ring->frame_bytes, bytes);
		else
			vmsnd_sample_silence_rt(host->sample, at, bytes);
		vmsnd_ring_write_commit_rt(ring, piece);
		put += piece;
	}
	return put;
}

void vmsnd_capture_block_rt(struct vmsnd_port *port, const struct vmsnd_block *block)
{
	struct vmsnd_port_host *host = &port->host;
	uint32_t lost;

	atomic_store_explicit(&host->delay_frames, block->delay_frames, memory_order_relaxed);
	vmsnd_figure_add_rt(&host->blocks, 1);
	vmsnd_figure_add_rt(&host->host_gaps, block->gap);
	if (atomic_load_explicit(&host->gate, memory_order_acquire) == VMSND_GATE_SHUT)
		return;
	vmsnd_port_see_fill_rt(host, host->ring.capacity_frames - vmsnd_ring_room_rt(&host->ring));
	lost = block->frames - put_rt(host, block->samples, block->frames);
	if (!block->samples)
		vmsnd_figure_add_rt(&host->silence_frames, block->frames - lost);
	if (lost > 0 && !host->overrunning)
		vmsnd_figure_add_rt(&host->overruns, 1);
	host->overrunning = lost > 0;
	vmsnd_figure_add_rt(&host->overrun_frames, lost);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	vmsnd_capture_block_rt(ctx, block);
}

static uint32_t ready_rt(void *ctx)
{
	struct vmsnd_port *port = ctx;

	if (atomic_load_explicit(&port->host.gate, memory_order_acquire) == VMSND_GATE_SHUT)
		return 0;
	return vmsnd_ring_room_rt(&port->host.ring);
}

const struct vmsnd_stream_user vmsnd_capture_user = {block_rt, ready_rt, vmsnd_port_ended};
