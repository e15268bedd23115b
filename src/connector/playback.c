/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback as the host sees it: blocks taken out of the ring, silence where it is empty. */
#include <string.h>

#include "connector/port.h"

static uint32_t take_rt(struct vmsnd_ring_end *ring, unsigned char *to, uint32_t frames)
{
	uint32_t taken = 0;

	while (taken < frames) {
		void *at;
		uint32_t piece = vmsnd_ring_read_begin_rt(ring, frames - taken, &at);

		if (piece == 0)
			break;
		if (to)
			memcpy(to + (size_t)taken * ring->frame_bytes, at,
			       (size_t)piece * ring->frame_bytes);
		vmsnd_ring_read_commit_rt(ring, piece);
		taken += piece;
	}
	return taken;
}

/* An underrun is a hole in the sound: silence with frames before and after it. What follows the
 * last frame of all is the end, and nobody's fault. */
static void count_gap_rt(struct vmsnd_port_host *host, uint32_t taken, uint32_t missing)
{
	if (taken > 0) {
		if (host->gap_frames > 0) {
			vmsnd_figure_add_rt(&host->underruns, 1);
			vmsnd_figure_add_rt(&host->underrun_frames, host->gap_frames);
		}
		host->gap_frames = 0;
		host->sounding = true;
	}
	if (host->sounding)
		host->gap_frames += missing;
}

void vmsnd_playback_block_rt(struct vmsnd_port *port, const struct vmsnd_block *block)
{
	struct vmsnd_port_host *host = &port->host;
	uint32_t gate = atomic_load_explicit(&host->gate, memory_order_acquire);
	unsigned char *to = block->samples;
	uint32_t taken = 0, missing;

	if (gate != VMSND_GATE_SHUT) {
		vmsnd_port_see_fill_rt(host, vmsnd_ring_fill_rt(&host->ring));
		taken = take_rt(&host->ring, to, block->frames);
	}
	missing = block->frames - taken;
	if (to)
		vmsnd_sample_silence_rt(host->sample, to + (size_t)taken * host->ring.frame_bytes,
					(size_t)missing * host->ring.frame_bytes);
	vmsnd_figure_add_rt(&host->blocks, 1);
	vmsnd_figure_add_rt(&host->silence_frames, missing);
	vmsnd_figure_add_rt(&host->host_gaps, block->gap);
	if (gate == VMSND_GATE_OPEN && to)
		count_gap_rt(host, taken, missing);
	atomic_store_explicit(&host->delay_frames, block->delay_frames, memory_order_relaxed);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	vmsnd_playback_block_rt(ctx, block);
}

static uint32_t ready_rt(void *ctx)
{
	struct vmsnd_port *port = ctx;

	if (atomic_load_explicit(&port->host.gate, memory_order_acquire) == VMSND_GATE_SHUT)
		return 0;
	return vmsnd_ring_fill_rt(&port->host.ring);
}

const struct vmsnd_stream_user vmsnd_playback_user = {block_rt, ready_rt, vmsnd_port_ended};
