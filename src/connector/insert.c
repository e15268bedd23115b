/* SPDX-License-Identifier: BSD-3-Clause */
/* The drivers between the host's blocks and their conversion. */
#include "connector/port.h"

/* ---- the audio side ---- */

static void delay_rt(struct vmsnd_path *path)
{
	const struct vmsnd_insert *insert = path->insert;
	uint32_t frames = insert->delay_frames_rt ? insert->delay_frames_rt(insert->ctx) : 0;

	atomic_store_explicit(&path->insert_frames, frames, memory_order_relaxed);
}

/* Sound that went in comes out as many frames later as the delay says. */
static void tail_rt(struct vmsnd_path *path, uint32_t made, uint32_t silent)
{
	_Atomic uint32_t *from = made > 0 ? &path->insert_frames : &path->tail_frames;
	uint32_t tail = atomic_load_explicit(from, memory_order_relaxed);

	atomic_store_explicit(&path->tail_frames, tail > silent ? tail - silent : 0,
			      memory_order_relaxed);
}

/* A host that gives more than it promised does not get past what the drivers have room for. */
void vmsnd_path_insert_rt(struct vmsnd_path *path, const struct vmsnd_block *block, uint32_t made)
{
	const struct vmsnd_insert *insert = path->insert;
	unsigned char *samples = block->samples;
	uint32_t left = block->frames;

	while (left > 0) {
		uint32_t n = left < path->insert_max_frames ? left : path->insert_max_frames;

		insert->process_rt(insert->ctx, samples, n);
		samples += (size_t)n * path->frame_bytes;
		left -= n;
	}
	delay_rt(path);
	tail_rt(path, made, block->frames - made);
}

/* ---- the lane ---- */

void vmsnd_lun_insert_prepare(struct vmsnd_lun *lun)
{
	const struct vmsnd_insert *insert = lun->conf.insert;
	struct vmsnd_path *path = lun->path;

	if (lun->inserted)
		return;
	lun->inserted = true;
	path->insert = lun->conf.role == VMSND_LUN_NORMAL ? insert : NULL;
	/* Drivers know PCM only: anything else goes past them. */
	if (vmsnd_sample_is_opaque(lun->got.format.sample))
		path->insert = NULL;
	if (!path->insert)
		return;
	path->insert_max_frames = lun->got.max_frames;
	insert->prepare(insert->ctx, lun->dir, &lun->got.format, lun->got.max_frames);
	delay_rt(path);
}

void vmsnd_path_insert_none(struct vmsnd_path *path)
{
	path->insert = NULL;
	atomic_store_explicit(&path->insert_frames, 0, memory_order_relaxed);
	atomic_store_explicit(&path->tail_frames, 0, memory_order_relaxed);
}
