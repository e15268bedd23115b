/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture as the host sees it: blocks put into the ring, the newest dropped when it is full.
 *
 * The newest frames are the ones dropped because only the reader may move the read
 * position; what the guest gets is in order, with one hole where the frames are missing. */
#include "connector/port.h"

static void lost_rt(struct vmsnd_path *path, uint32_t lost)
{
	if (lost > 0 && !path->overrunning)
		vmsnd_figure_add_rt(&path->overruns, 1);
	path->overrunning = lost > 0;
	vmsnd_figure_add_rt(&path->overrun_frames, lost);
	vmsnd_figure_add_rt(&path->dropped_frames, lost);
}

static void put_rt(struct vmsnd_path *path, const struct vmsnd_flow_block *block)
{
	uint32_t lost = 0, made;

	made = vmsnd_flow_push_rt(path->flow, block, &path->ring, &lost);
	vmsnd_figure_add_rt(&path->in_frames, (uint64_t)made + lost);
	if (!block->samples)
		vmsnd_figure_add_rt(&path->silence_frames, made);
	lost_rt(path, lost);
	atomic_store_explicit(&path->exact, !block->mix_rt && vmsnd_flow_exact_rt(path->flow),
			      memory_order_relaxed);
	atomic_store_explicit(&path->held_frames, vmsnd_flow_held_frames_rt(path->flow),
			      memory_order_relaxed);
}

/* Unit 0: into the port's ring, with the other inputs. */
static void record_rt(struct vmsnd_port *port, struct vmsnd_path *path,
		      const struct vmsnd_block *block)
{
	struct vmsnd_flow_block in = {.samples = block->samples, .frames = block->frames};

	if (vmsnd_links_mixing_rt(port)) {
		vmsnd_links_bend_rt(port, path, block);
		in.mix_rt = vmsnd_links_mix_rt;
		in.ctx = port;
	}
	put_rt(path, &in);
}

/* Others: as it is, into a ring of their own, from which unit 0 takes it. */
static void store_rt(struct vmsnd_path *path, const struct vmsnd_block *block)
{
	uint32_t put;

	if (block->gap)
		vmsnd_pace_break_rt(&path->pace);
	put = vmsnd_ring_put_rt(&path->ring, block->samples, block->frames);
	if (put < block->frames)
		vmsnd_pace_break_rt(&path->pace);
	vmsnd_pace_update_rt(&path->pace, path->ring.position, block->when);
	vmsnd_figure_add_rt(&path->in_frames, block->frames);
	lost_rt(path, block->frames - put);
}

static void take_rt(struct vmsnd_lun *lun, const struct vmsnd_block *block)
{
	struct vmsnd_path *path = lun->path;
	uint32_t gate = atomic_load(&path->gate);

	vmsnd_path_note_rt(path, block);
	if (lun->index == 0 && gate != VMSND_GATE_SHUT)
		vmsnd_links_tap_rt(lun->port, block->samples, block->frames);
	if (path->insert)
		vmsnd_path_insert_rt(path, block, 0);
	/* The stand-in has given silence for these. */
	if (gate == VMSND_GATE_SHUT) {
		uint64_t frames =
		    (uint64_t)block->frames * path->ring_format.rate_hz / path->format.rate_hz;

		vmsnd_figure_add_rt(&path->in_frames, frames);
		vmsnd_figure_add_rt(&path->dropped_frames, frames);
		return;
	}
	vmsnd_path_latency_rt(path, block,
			      path->ring.capacity_frames - vmsnd_ring_room_rt(&path->ring),
			      atomic_load_explicit(&path->held_frames, memory_order_relaxed), 0);
	if (lun->index > 0) {
		store_rt(path, block);
		return;
	}
	record_rt(lun->port, path, block);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct vmsnd_lun *lun = ((struct vmsnd_lun_side *)ctx)->lun;

	if (lun->index > 0) {
		take_rt(lun, block);
		return;
	}
	vmsnd_links_enter_rt(lun->port);
	take_rt(lun, block);
	vmsnd_links_leave_rt(lun->port);
}

static uint32_t can_take_rt(const struct vmsnd_path *path)
{
	uint64_t room;

	if (atomic_load(&path->gate) == VMSND_GATE_SHUT)
		return 0;
	room = vmsnd_ring_room_rt(&path->ring);
	return (uint32_t)(room * path->format.rate_hz / path->ring_format.rate_hz);
}

/* Behind a gate that is shut the ring's end may be with the stand-in. */
static uint32_t ready_rt(void *ctx)
{
	struct vmsnd_lun *lun = ((struct vmsnd_lun_side *)ctx)->lun;
	uint32_t frames;

	if (lun->index > 0)
		return can_take_rt(lun->path);
	vmsnd_links_enter_rt(lun->port);
	frames = can_take_rt(lun->path);
	vmsnd_links_leave_rt(lun->port);
	return frames;
}

const struct vmsnd_stream_user vmsnd_capture_user = {block_rt, ready_rt, vmsnd_lun_ended,
						     vmsnd_lun_noticed};

void vmsnd_capture_fill_rt(struct vmsnd_port *port, uint32_t frames, vmsnd_ns when)
{
	const struct vmsnd_block block = {.frames = frames, .when = when};

	vmsnd_figure_add_rt(&port->stand.blocks, 1);
	record_rt(port, &port->stand, &block);
}
