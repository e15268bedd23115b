/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit that goes from host to host. */
#include "tour.h"

void be(struct vmsnd_backend *host, enum kind kind)
{
	if (kind == THREADED)
		host->kind.advance = NULL;
	if (kind == DRAINS)
		rig_host_drains(host);
	if (kind == FOLLOWS)
		host->speed = 0;
}

uint32_t tour_below(struct tour *tour, uint32_t limit)
{
	tour->seed = tour->seed * 1664525u + 1013904223u;
	return (tour->seed >> 8) % limit;
}

struct tour tour_of(struct rig *rig, unsigned unit, uint32_t seed)
{
	return (struct tour){.rig = rig,
			     .unit = unit,
			     .now = rig_host(rig, unit),
			     .next = rig_host(rig, SPARE + unit),
			     .seed = seed};
}

static void hear(struct tour *tour, const struct vmsnd_backend *host, size_t *seen)
{
	for (; *seen < host->n_heard; ++*seen) {
		uint32_t frame = host->heard[*seen];

		if (frame == 0) {
			tour->quiet++;
			continue;
		}
		assert_int_equal(frame, ++tour->last);
		tour->silence += frame > 1 ? tour->quiet : 0;
		tour->quiet = 0;
	}
}

void tour_check(struct tour *tour)
{
	uint64_t done = vmsnd_port_done_frames(tour->rig->port);

	hear(tour, tour->now, &tour->seen[0]);
	hear(tour, tour->next, &tour->seen[1]);
	assert_true(done >= tour->done);
	tour->done = done;
}

static struct vmsnd_lun *lun_of(const struct tour *tour)
{
	return tour->rig->luns[tour->unit];
}

struct vmsnd_lun_next_conf tour_conf(const struct tour *tour, struct vmsnd_backend *host)
{
	return (struct vmsnd_lun_next_conf){
	    .backend = &host->kind, .host = host, .prefs = tour->rig->confs[tour->unit].prefs};
}

void tour_next(struct tour *tour)
{
	struct vmsnd_lun_next_conf conf = tour_conf(tour, tour->next);

	assert_int_equal(vmsnd_lun_next(lun_of(tour), &conf, tour->rig->now), VMSND_OK);
}

void tour_change(struct tour *tour)
{
	struct vmsnd_backend *old = tour->now;
	size_t seen;

	tour_check(tour);
	if (tour->rig->dir == VMSND_CAPTURE)
		tour->next->next_sample = tour->now->next_sample;
	vmsnd_lun_change_over(lun_of(tour), tour->rig->now);
	tour_check(tour);
	seen = tour->seen[0];
	tour->now = tour->next;
	tour->next = old;
	tour->seen[0] = tour->seen[1];
	tour->seen[1] = seen;
}

void tour_assert_state(const struct tour *tour, enum vmsnd_lun_next state)
{
	assert_int_equal(vmsnd_lun_next_state(lun_of(tour)), state);
}
