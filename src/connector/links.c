/* SPDX-License-Identifier: BSD-3-Clause */
/* Units that hang on unit 0's audio thread: inputs that it adds, taps that it writes. */
#include "connector/port.h"

/* ---- the audio side ---- */

/* Odd while pointers of `linked`, or the ring, may be in use. All sequentially consistent: either
 * this side sees the pointer taken out, or the gate shut, or the lane sees the odd epoch. The
 * stand-in needs none of it: it is the lane. */
void vmsnd_links_enter_rt(struct vmsnd_port *port)
{
	atomic_store(&port->epoch, vmsnd_figure_rt(&port->epoch) + 1);
}

void vmsnd_links_leave_rt(struct vmsnd_port *port)
{
	atomic_store(&port->epoch, vmsnd_figure_rt(&port->epoch) + 1);
}

static void write_rt(struct vmsnd_lun *lun, const void *samples, uint32_t frames)
{
	uint32_t put = vmsnd_ring_put_rt(&lun->far, samples, frames);

	vmsnd_figure_add_rt(&lun->path->in_frames, frames);
	vmsnd_figure_add_rt(&lun->path->dropped_frames, frames - put);
}

void vmsnd_links_tap_rt(struct vmsnd_port *port, const void *samples, uint32_t frames)
{
	for (unsigned i = 1; i < VMSND_PORT_LUNS_MAX; i++) {
		struct vmsnd_lun *lun = atomic_load(&port->linked[i]);

		if (lun && lun->conf.role == VMSND_LUN_TAP_HOST)
			write_rt(lun, samples, frames);
	}
}

bool vmsnd_links_mixing_rt(const struct vmsnd_port *port)
{
	for (unsigned i = 1; i < VMSND_PORT_LUNS_MAX; i++) {
		const struct vmsnd_lun *lun = atomic_load(&port->linked[i]);

		if (lun && lun->conf.role == VMSND_LUN_NORMAL)
			return true;
	}
	return false;
}

/* `frames` of the guest's will be asked for. */
static void bend_rt(struct vmsnd_lun *lun, uint32_t frames, vmsnd_ns when)
{
	struct vmsnd_path *path = lun->path;
	const struct vmsnd_follow_block at = {.frames = frames,
					      .when = when,
					      .position = lun->far.position,
					      .held_frames = vmsnd_flow_held_frames_rt(path->flow)};

	if (path->waiting && vmsnd_ring_fill_rt(&lun->far) < path->threshold_frames)
		vmsnd_follow_idle_rt(&path->follow, frames, when);
	else
		vmsnd_flow_bend_rt(path->flow,
				   vmsnd_follow_update_rt(&path->follow, &path->pace, &at));
}

void vmsnd_links_bend_rt(struct vmsnd_port *port, const struct vmsnd_path *path,
			 const struct vmsnd_block *block)
{
	/* What is said adds up to what is pulled, or the others would seem slow (dll.h). */
	uint64_t due = (uint64_t)block->frames * path->ring_format.rate_hz + port->mix_rest;
	uint32_t frames = (uint32_t)(due / path->format.rate_hz);

	port->mix_rest = due % path->format.rate_hz;

	for (unsigned i = 1; i < VMSND_PORT_LUNS_MAX; i++) {
		struct vmsnd_lun *lun = atomic_load(&port->linked[i]);

		if (lun && lun->conf.role == VMSND_LUN_NORMAL)
			bend_rt(lun, frames, block->when);
	}
}

/* MX-13: a sum, which saturates when it is encoded. An input that has nothing adds nothing, and
 * has to have its threshold again before it goes on. */
static void add_rt(struct vmsnd_lun *lun, double *samples, uint32_t frames)
{
	struct vmsnd_path *path = lun->path;
	uint32_t fill = vmsnd_ring_fill_rt(&lun->far), taken = 0, made;

	vmsnd_figure_range_rt(&path->fill_min, &path->fill_max, fill);
	if (path->waiting && fill < path->threshold_frames)
		return;
	vmsnd_path_shed_rt(path, &lun->far, fill);
	made = vmsnd_flow_pull_mix_rt(path->flow, &lun->far, samples, frames, &taken);
	if (made < frames && !path->waiting)
		vmsnd_figure_add_rt(&path->underruns, 1);
	if (made < frames)
		vmsnd_follow_break_rt(&path->follow);
	path->waiting = made < frames;
	atomic_store_explicit(&path->held_frames, vmsnd_flow_held_frames_rt(path->flow),
			      memory_order_relaxed);
	vmsnd_figure_add_rt(&path->out_frames, taken);
	vmsnd_figure_add_rt(&path->underrun_frames, frames - made);
}

void vmsnd_links_mix_rt(void *ctx, double *samples, uint32_t frames)
{
	struct vmsnd_port *port = ctx;

	for (unsigned i = 1; i < VMSND_PORT_LUNS_MAX; i++) {
		struct vmsnd_lun *lun = atomic_load(&port->linked[i]);

		if (lun && lun->conf.role == VMSND_LUN_NORMAL)
			add_rt(lun, samples, frames);
	}
}

/* ---- the lane ---- */

void vmsnd_lun_link(struct vmsnd_lun *lun)
{
	lun->linked = true;
	lun->fence = 0;
	atomic_store(&lun->port->linked[lun->index], lun);
}

bool vmsnd_lun_unlink(struct vmsnd_lun *lun)
{
	uint64_t epoch;

	if (lun->linked) {
		atomic_store(&lun->port->linked[lun->index], NULL);
		lun->fence = atomic_load(&lun->port->epoch);
		lun->linked = false;
	}
	epoch = atomic_load(&lun->port->epoch);
	return (lun->fence & 1) == 0 || epoch != lun->fence;
}
