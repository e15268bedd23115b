/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers in virtual time: a job begins when one of three is free, does all it does at one
 * moment somewhere in its time, and is done when that is over. */
#include <string.h>

#include "world.h"

static unsigned unit_of(const struct world *world, const struct vmsnd_job *job)
{
	const char *at = (const char *)job;

	for (unsigned i = 0; i < UNITS_MAX; i++) {
		const char *lun = (const char *)world->units[i].lun;

		if (lun && at >= lun && at < lun + vmsnd_lun_footprint())
			return i;
	}
	return UNITS_MAX;
}

unsigned pool_jobs_of(const struct world *world, unsigned unit)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world->n_jobs; i++)
		n += world->jobs[i].unit == unit;
	return n;
}

static vmsnd_ns time_of(struct world *world, unsigned unit)
{
	const struct vmsnd_backend *host = unit < UNITS_MAX ? world->units[unit].host : NULL;
	vmsnd_ns most = JOB_MAX_NS;

	if (host && !host->stream)
		most = host->kind.open_ns;
	else if (host)
		most = host->kind.close_ns;
	return dice_between(&world->pool_dice, 0, most);
}

static void begin_some(struct world *world)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < world->n_jobs; i++)
		busy += world->jobs[i].begin != VMSND_NEVER;
	for (unsigned i = 0; i < world->n_jobs && busy < WORKERS; i++) {
		struct job_slot *slot = &world->jobs[i];

		if (slot->begin != VMSND_NEVER)
			continue;
		slot->begin = world->now;
		slot->done_at = world->now + slot->takes_ns;
		slot->run_at = world->now + dice_between(&world->pool_dice, 0, slot->takes_ns);
		busy++;
	}
}

bool pool_submit(void *ctx, struct vmsnd_job *job)
{
	struct world *world = ctx;
	unsigned unit = unit_of(world, job);

	if (unit == UNITS_MAX)
		world_fail(world, "a job of nobody");
	if (pool_jobs_of(world, unit) > 1) /* one for each side */
		world_fail(world, "unit %u has three jobs", unit);
	if (!job->run || atomic_load(&job->done))
		world_fail(world, "unit %u: a job that is done already", unit);
	if (dice_chance(&world->pool_dice, 5) || world->n_jobs == JOBS_MAX) {
		/* TH-07: the caller runs it; that counts as a worker here. */
		world_say(world, "the workers refuse a job of unit %u", unit);
		world->in_worker = world->inline_job = true;
		return false;
	}
	world_say(world, "a job of unit %u", unit);
	world->jobs[world->n_jobs++] = (struct job_slot){.job = job,
							 .unit = unit,
							 .begin = VMSND_NEVER,
							 .run_at = VMSND_NEVER,
							 .done_at = VMSND_NEVER,
							 .takes_ns = time_of(world, unit)};
	begin_some(world);
	return true;
}

static vmsnd_ns slot_next(const struct job_slot *slot)
{
	return slot->ran ? slot->done_at : slot->run_at;
}

vmsnd_ns pool_next(const struct world *world)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < world->n_jobs; i++)
		if (slot_next(&world->jobs[i]) < next)
			next = slot_next(&world->jobs[i]);
	return next;
}

static void finish(struct world *world, unsigned i)
{
	struct vmsnd_job *job = world->jobs[i].job;

	world->n_jobs--;
	memmove(&world->jobs[i], &world->jobs[i + 1], (world->n_jobs - i) * sizeof(world->jobs[0]));
	atomic_store(&job->done, true);
	if (world->env.wake)
		world->env.wake(world);
	begin_some(world);
}

void pool_run(struct world *world)
{
	for (unsigned i = 0; i < world->n_jobs; i++) {
		struct job_slot *slot = &world->jobs[i];

		if (slot_next(slot) > world->now)
			continue;
		if (slot->ran) {
			finish(world, i);
			return;
		}
		slot->ran = true;
		world->in_worker = true;
		slot->job->run(slot->job);
		world->in_worker = false;
		return;
	}
}
