/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback as the host sees it: blocks taken out of the ring, silence where it is empty. */
#include "connector/port.h"

void vmsnd_path_note_rt(struct vmsnd_path *path, const struct vmsnd_block *block)
{
	atomic_store_explicit(&path->block_ns, block->when, memory_order_relaxed);
	vmsnd_figure_add_rt(&path->blocks, 1);
	vmsnd_figure_add_rt(&path->host_gaps, block->gap);
	atomic_store_explicit(&path->delay_frames, block->delay_frames, memory_order_relaxed);
	if (block->gap)
		vmsnd_dll_break_rt(&path->dll);
	vmsnd_dll_update_rt(&path->dll, block->frames, block->when);
}

void vmsnd_path_latency_rt(struct vmsnd_path *path, const struct vmsnd_block *block,
			   uint32_t fill_frames, uint32_t held_frames, uint32_t taken_frames)
{
	double inside = (double)((uint64_t)fill_frames + held_frames);
	double beyond = (double)block->delay_frames +
			atomic_load_explicit(&path->insert_frames, memory_order_relaxed) -
			(double)taken_frames;
	double all_ns = inside * path->ring_frame_ns + beyond * path->frame_ns;
	uint64_t latency_ns = all_ns > 0 ? (uint64_t)all_ns : 0;

	vmsnd_figure_range_rt(&path->fill_min, &path->fill_max, fill_frames);
	atomic_store_explicit(&path->latency_ns, latency_ns, memory_order_relaxed);
	vmsnd_figure_range_rt(&path->latency_min_ns, &path->latency_max_ns, latency_ns);
}

/* An underrun is a hole in the sound: silence with frames before and after it. What follows the
 * last frame of all is the end, and nobody's fault. */
static void count_gap_rt(struct vmsnd_path *path, uint32_t made, uint32_t missing)
{
	if (made > 0) {
		if (path->gap_frames > 0) {
			vmsnd_figure_add_rt(&path->underruns, 1);
			vmsnd_figure_add_rt(&path->underrun_frames, path->gap_frames);
		}
		path->gap_frames = 0;
		path->sounding = true;
	}
	if (path->sounding)
		path->gap_frames += missing;
}

/* PLx-7: after an underrun the threshold has to be there again, or a guest that is a little late
 * would be late for each block. Its time is the limit, as at the start. */
static bool goes_on_rt(struct vmsnd_path *path, uint32_t gate, uint32_t fill, uint32_t frames)
{
	if (!path->waiting)
		return true;
	if (gate == VMSND_GATE_OPEN && fill < path->threshold_frames &&
	    path->waited_frames < path->threshold_frames) {
		path->waited_frames += frames;
		return false;
	}
	path->waiting = false;
	return true;
}

static void dry_rt(struct vmsnd_path *path, uint32_t gate)
{
	if (gate != VMSND_GATE_OPEN || path->waiting || !path->sounding || !path->refills)
		return;
	path->waiting = true;
	path->waited_frames = 0;
}

/* As many ring frames as a block of the host's is about. */
static uint32_t ring_frames_rt(const struct vmsnd_path *path, uint32_t frames)
{
	return (uint32_t)((uint64_t)frames * path->ring_format.rate_hz / path->format.rate_hz);
}

static void bend_rt(struct vmsnd_path *path, const struct vmsnd_block *block)
{
	const struct vmsnd_follow_block at = {.frames = block->frames,
					      .when = block->when,
					      .position = path->ring.position,
					      .held_frames = vmsnd_flow_held_frames_rt(path->flow)};

	if (block->gap)
		vmsnd_follow_break_rt(&path->follow);
	vmsnd_flow_bend_rt(path->flow, vmsnd_follow_update_rt(&path->follow, &path->pace, &at));
}

/* What came of a stall is let go: bending would take a minute over it. */
void vmsnd_path_shed_rt(struct vmsnd_path *path, struct vmsnd_ring_end *ring, uint32_t fill)
{
	uint32_t aim = path->threshold_frames;

	if (fill <= 3 * (uint64_t)aim + path->ring_format.rate_hz / 20)
		return;
	vmsnd_ring_read_commit_rt(ring, fill - aim);
	vmsnd_figure_add_rt(&path->dropped_frames, fill - aim);
	vmsnd_figure_add_rt(&path->overruns, 1);
	vmsnd_figure_add_rt(&path->overrun_frames, fill - aim);
	vmsnd_follow_break_rt(&path->follow);
}

static uint32_t take_rt(struct vmsnd_path *path, uint32_t gate, const struct vmsnd_block *block)
{
	uint32_t fill = vmsnd_ring_fill_rt(&path->ring), made, taken = 0;
	unsigned char *to = block->samples;

	/* The block is still in the ring, and the delay is that of its last frame. */
	vmsnd_path_latency_rt(path, block, fill, vmsnd_flow_held_frames_rt(path->flow),
			      block->frames);
	if (!goes_on_rt(path, gate, fill, ring_frames_rt(path, block->frames))) {
		if (path->follows)
			vmsnd_follow_idle_rt(&path->follow, block->frames, block->when);
		return 0;
	}
	if (path->follows) {
		vmsnd_path_shed_rt(path, &path->ring, fill);
		bend_rt(path, block);
	}
	made = vmsnd_flow_pull_rt(path->flow, &path->ring, to, block->frames, &taken);
	vmsnd_figure_add_rt(&path->out_frames, taken);
	if (made < block->frames && gate == VMSND_GATE_DRAINING) {
		made += vmsnd_flow_drain_rt(path->flow, to + (size_t)made * path->frame_bytes,
					    block->frames - made);
	}
	if (made < block->frames)
		dry_rt(path, gate);
	if (made < block->frames && path->follows)
		vmsnd_follow_break_rt(&path->follow);
	atomic_store_explicit(&path->exact, vmsnd_flow_exact_rt(path->flow), memory_order_relaxed);
	atomic_store_explicit(&path->held_frames, vmsnd_flow_held_frames_rt(path->flow),
			      memory_order_relaxed);
	return made;
}

static void play_rt(struct vmsnd_path *path, const struct vmsnd_block *block)
{
	uint32_t gate = atomic_load(&path->gate);
	unsigned char *to = block->samples;
	uint32_t made = 0, missing;

	vmsnd_path_note_rt(path, block);
	if (gate != VMSND_GATE_SHUT)
		made = take_rt(path, gate, block);
	else if (path->follows)
		vmsnd_follow_idle_rt(&path->follow, block->frames, block->when);
	missing = block->frames - made;
	vmsnd_format_silence_rt(&path->format, to + (size_t)made * path->frame_bytes, missing);
	vmsnd_figure_add_rt(&path->silence_frames, missing);
	if (gate == VMSND_GATE_OPEN)
		count_gap_rt(path, made, missing);
	if (path->insert)
		vmsnd_path_insert_rt(path, block, made);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct vmsnd_lun *lun = ((struct vmsnd_lun_side *)ctx)->lun;

	if (lun->index > 0) {
		play_rt(lun->path, block);
		return;
	}
	vmsnd_links_enter_rt(lun->port);
	play_rt(lun->path, block);
	vmsnd_links_tap_rt(lun->port, block->samples, block->frames);
	vmsnd_links_leave_rt(lun->port);
}

/* Frames of the host's that can be made of the ring's: a converter has to see some way ahead,
 * unless nothing follows. */
static uint32_t can_make_rt(const struct vmsnd_path *path, uint32_t gate)
{
	uint64_t there, ahead;

	there = vmsnd_ring_fill_rt(&path->ring);
	if (path->format.rate_hz == path->ring_format.rate_hz)
		return (uint32_t)there;
	there += vmsnd_flow_held_frames_rt(path->flow);
	ahead = gate == VMSND_GATE_DRAINING ? 0 : path->ahead_frames;
	if (there <= ahead)
		return 0;
	return (uint32_t)((there - ahead) * path->format.rate_hz / path->ring_format.rate_hz);
}

/* The same, and at the end what the drivers still hold. */
static uint32_t can_play_rt(const struct vmsnd_path *path)
{
	uint32_t gate = atomic_load(&path->gate), frames, tail;

	if (gate == VMSND_GATE_SHUT)
		return 0;
	frames = can_make_rt(path, gate);
	if (gate != VMSND_GATE_DRAINING)
		return frames;
	tail = atomic_load_explicit(&path->tail_frames, memory_order_relaxed);
	return frames + tail >= frames ? frames + tail : UINT32_MAX;
}

/* Behind a gate that is shut the ring's end may be with the stand-in. */
static uint32_t ready_rt(void *ctx)
{
	struct vmsnd_lun *lun = ((struct vmsnd_lun_side *)ctx)->lun;
	uint32_t frames;

	if (lun->index > 0)
		return can_play_rt(lun->path);
	vmsnd_links_enter_rt(lun->port);
	frames = can_play_rt(lun->path);
	vmsnd_links_leave_rt(lun->port);
	return frames;
}

const struct vmsnd_stream_user vmsnd_playback_user = {block_rt, ready_rt, vmsnd_lun_ended,
						      vmsnd_lun_noticed};

void vmsnd_playback_skip_rt(struct vmsnd_port *port, uint32_t frames)
{
	struct vmsnd_path *path = &port->stand;
	uint32_t fill = vmsnd_ring_fill_rt(&path->ring);
	uint32_t taken = fill < frames ? fill : frames;

	vmsnd_figure_range_rt(&path->fill_min, &path->fill_max, fill);
	vmsnd_ring_read_commit_rt(&path->ring, taken);
	vmsnd_figure_add_rt(&path->blocks, 1);
	vmsnd_figure_add_rt(&path->dropped_frames, taken);
	vmsnd_figure_add_rt(&path->silence_frames, frames - taken);
}
