/* SPDX-License-Identifier: BSD-3-Clause */
/* Units put in, taken out, given other hosts. Their storage faults once they are gone. */
#include <string.h>
#include <sys/mman.h>

#include "world.h"

/* Whatever workers have to do for every unit, one after the other, and the lane's lateness. */
#define LEAVE_NS (8 * JOB_MAX_NS)

static size_t whole_pages(size_t bytes)
{
	return (bytes + 4095) / 4096 * 4096;
}

void *world_map(size_t bytes)
{
	void *at = mmap(NULL, whole_pages(bytes), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void world_unmap(void *at, size_t bytes)
{
	if (at)
		munmap(at, whole_pages(bytes));
}

static struct host_kind draw_kind(struct world *world, unsigned index)
{
	struct host_kind kind =
	    host_kind_draw(&world->unit_dice[index], world->still || (world->calm && index == 0));

	if (index == 0)
		kind.clockless = false;
	if (world->compared && index == 0) {
		kind.threaded = kind.first_at_once = kind.slow_open = kind.slow_close = false;
		kind.tells_state = false;
		kind.initializing_ns = kind.jitter_ns = 0;
	}
	return kind;
}

static void draw_prefs(struct world *world, struct unit *unit)
{
	struct dice *dice = &world->unit_dice[unit->index];
	uint32_t ms = (uint32_t)dice_between(dice, 0, 100);

	if (world->calm || !dice_chance(dice, 30))
		ms = VMSND_PREBUFFER_UNSET;
	unit->conf.prefs.prebuffer_ms = ms;
	if (unit->index == 0)
		world->prebuffer_ms = ms == VMSND_PREBUFFER_UNSET ? 0 : ms;
}

static enum vmsnd_lun_role draw_role(struct world *world, unsigned index,
				     const struct host_kind *kind)
{
	if (!kind->clockless || world->dir == VMSND_CAPTURE)
		return VMSND_LUN_NORMAL;
	return dice_chance(&world->unit_dice[index], 60) ? VMSND_LUN_TAP_DEVICE
							 : VMSND_LUN_TAP_HOST;
}

/* Unit 0's ring is the port's and goes on. */
static struct ear new_ear(const struct world *world, const struct unit *unit, const struct ear *old)
{
	struct ear ear = {.base = world->guest.numbers, .exact = true};

	if (unit->index == 0 && old->blocks > 0)
		return *old;
	if (unit->index == 0)
		ear.base = 0;
	else if (unit->conf.role == VMSND_LUN_TAP_HOST)
		ear.base = world->units[0].ear.last;
	ear.last = ear.base;
	ear.position = (double)ear.last;
	return ear;
}

void unit_add(struct world *world, unsigned index)
{
	struct unit *unit = &world->units[index];
	struct host_kind kind = draw_kind(world, index);
	struct ear ear = unit->ear;
	enum vmsnd_rc rc;

	memset(unit, 0, sizeof(*unit));
	unit->index = index;
	unit->lun = world_map(vmsnd_lun_footprint());
	unit->ring = index ? world_map(VMSND_PORT_RING_BYTES) : NULL;
	unit->host = host_new(world, index, &kind);
	unit->plain = true;
	unit->conf = (struct vmsnd_lun_conf){
	    .role = VMSND_LUN_NORMAL,
	    .backend = &unit->host->cls,
	    .host = unit->host,
	    .prefs = {.sample = VMSND_SAMPLE_COUNT, .prebuffer_ms = VMSND_PREBUFFER_UNSET},
	    .ring_storage = unit->ring,
	};
	unit->conf.role = draw_role(world, index, &kind);
	unit->ear = new_ear(world, unit, &ear);
	draw_prefs(world, unit);
	unit->state_since = world->now;
	rc = vmsnd_port_add(world->port, index, unit->lun, &unit->conf, world->now);
	world_say(world, "unit %u added%s", index, unit->conf.role ? " as a tap" : "");
	if (rc)
		world_fail(world, "unit %u cannot be added: %d", index, (int)rc);
	if (vmsnd_port_add(world->port, index, unit->lun, &unit->conf, world->now) !=
	    VMSND_E_INVALID)
		world_fail(world, "unit %u can be added twice", index);
}

void unit_remove(struct world *world, unsigned index)
{
	struct unit *unit = &world->units[index];

	world_say(world, "unit %u removed", index);
	unit->leaving = true;
	unit->leave_by = world->now + LEAVE_NS;
	vmsnd_port_remove(world->port, index, world->now);
	if (vmsnd_port_lun(world->port, index))
		world_fail(world, "unit %u is still there", index);
}

struct vmsnd_backend *unit_host(struct world *world, unsigned index)
{
	const struct host_kind *old =
	    &((const struct vmsnd_backend *)(const void *)world->units[index].conf.backend)->kind;
	struct host_kind kind = draw_kind(world, index);

	kind.threaded = old->threaded;
	kind.clockless = old->clockless;
	kind.slow_open = old->slow_open;
	kind.slow_close = old->slow_close;
	kind.drains = old->drains;
	kind.tells_state = old->tells_state;
	kind.first_at_once &= kind.threaded;
	kind.initializing_ns = old->tells_state ? kind.initializing_ns : 0;
	return host_new(world, index, &kind);
}

/* It is given back once the connector has let it go. */
static void part(struct world *world, struct unit *unit, struct vmsnd_backend *host)
{
	unit->part_by = world->now + LEAVE_NS;
	for (unsigned i = 0; host && i < sizeof(unit->parting) / sizeof(unit->parting[0]); i++) {
		if (unit->parting[i])
			continue;
		unit->parting[i] = host;
		return;
	}
}

void unit_next(struct world *world, unsigned index)
{
	struct unit *unit = &world->units[index];
	struct vmsnd_lun_next_conf conf = {.prefs = unit->conf.prefs};
	enum vmsnd_rc rc;

	if (!vmsnd_lun_next_over(unit->lun))
		return;
	world_say(world, "unit %u: another host is prepared", index);
	unit->next = conf.host = unit_host(world, index);
	conf.backend = &unit->next->cls;
	rc = vmsnd_lun_next(unit->lun, &conf, world->now);
	if (rc)
		world_fail(world, "unit %u: no other host can be prepared: %d", index, (int)rc);
}

void unit_next_drop(struct world *world, unsigned index)
{
	struct unit *unit = &world->units[index];

	world_say(world, "unit %u: the other host is dropped", index);
	part(world, unit, unit->next);
	unit->next = NULL;
	vmsnd_lun_next_drop(unit->lun, world->now);
}

/* DM-73: a unit that plays plays on, and nothing is thrown away. */
void unit_change_over(struct world *world, unsigned index)
{
	struct unit *unit = &world->units[index];
	bool ready = vmsnd_lun_next_state(unit->lun) == VMSND_NEXT_READY && unit->next->stream &&
		     !unit->next->start_fails && !unit->next->stream->ended &&
		     world->now >= unit->next->sick_until;
	uint64_t done = vmsnd_port_done_frames(world->port);
	struct vmsnd_lun_status before, after;

	world_say(world, "unit %u: change over%s", index, ready ? "" : ", too early");
	part(world, unit, unit->host);
	unit->host = unit->next;
	unit->next = NULL;
	vmsnd_lun_status(unit->lun, &before);
	vmsnd_lun_change_over(unit->lun, world->now);
	vmsnd_lun_status(unit->lun, &after);
	if (vmsnd_port_done_frames(world->port) < done)
		world_fail(world, "unit %u: frames that were done are not any more", index);
	if (ready && before.play == VMSND_PLAY_PLAY && after.play != VMSND_PLAY_PLAY)
		world_fail(world, "unit %u: state %d after a change over", index, (int)after.play);
	if (ready && world->dir == VMSND_PLAYBACK && unit->conf.role != VMSND_LUN_TAP_HOST &&
	    after.dropped_frames != before.dropped_frames)
		world_fail(world, "unit %u: a change over drops %llu frames", index,
			   (unsigned long long)(after.dropped_frames - before.dropped_frames));
}

void unit_attach(struct world *world, unsigned index, struct vmsnd_backend *host)
{
	struct unit *unit = &world->units[index];

	world_say(world, "unit %u: attach %s", index, host ? "another host" : "nothing");
	if (host == unit->host)
		return;
	part(world, unit, unit->host);
	unit->host = host;
	vmsnd_lun_attach(unit->lun, host, world->now);
}

/* From now on nobody may call it. */
static void give_back(struct world *world, struct vmsnd_backend *host)
{
	if (!host || host->closed)
		return;
	if (host->stream)
		world_fail(world, "host %u is let go with a stream open", host->number);
	host->closed = true;
}

static void settle_parting(struct world *world, struct unit *unit)
{
	size_t n = sizeof(unit->parting) / sizeof(unit->parting[0]);
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= unit->parting[i] != NULL;
	if (!any)
		return;
	if (!vmsnd_lun_detached(unit->lun)) {
		if (world->now > unit->part_by)
			world_fail(world, "unit %u does not let its host go", unit->index);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		give_back(world, unit->parting[i]);
		unit->parting[i] = NULL;
	}
}

void unit_forget(struct unit *unit)
{
	world_unmap(unit->lun, vmsnd_lun_footprint());
	world_unmap(unit->ring, VMSND_PORT_RING_BYTES);
	unit->lun = NULL;
	unit->ring = NULL;
}

void unit_settle(struct world *world, struct unit *unit)
{
	if (!unit->lun)
		return;
	if (!unit->leaving) {
		settle_parting(world, unit);
		return;
	}
	if (!vmsnd_lun_gone(unit->lun)) {
		if (world->now > unit->leave_by)
			world_fail(world, "unit %u does not go", unit->index);
		return;
	}
	if (pool_jobs_of(world, unit->index) > 0)
		world_fail(world, "unit %u is gone with a job under way", unit->index);
	for (size_t i = 0; i < sizeof(unit->parting) / sizeof(unit->parting[0]); i++)
		give_back(world, unit->parting[i]);
	give_back(world, unit->host);
	give_back(world, unit->next);
	world_say(world, "unit %u is gone", unit->index);
	unit_forget(unit);
}
