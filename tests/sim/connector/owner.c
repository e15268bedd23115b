/* SPDX-License-Identifier: BSD-3-Clause */
/* Who moves switches: one owner for the port and unit 0, one for the other units. Most of what
 * they do they undo a while later. */
#include "world.h"

static struct unit *unit_of(struct world *world, const struct owner *owner)
{
	return &world->units[owner->unit];
}

static bool usable(struct world *world, const struct owner *owner)
{
	const struct unit *unit = unit_of(world, owner);

	return unit->lun && !unit->leaving;
}

static void undo_in(struct world *world, struct owner *owner, vmsnd_ns most,
		    void (*undo)(struct world *, struct owner *))
{
	owner->undo = undo;
	owner->undo_at = world->now + dice_between(&owner->dice, 0, most);
}

/* ---- the port ------------------------------------------------------------------------- */

static void switch_on(struct world *world, struct owner *owner)
{
	world_say(world, "owner: on");
	world->enabled = true;
	check_forget(world);
	vmsnd_port_enable(world->port, true, world->now);
}

static void switch_off(struct world *world, struct owner *owner)
{
	world_say(world, "owner: off");
	vmsnd_port_enable(world->port, false, world->now);
	world->enabled = false;
	world->off_since = world->now;
	undo_in(world, owner, 3 * SECOND, switch_on);
}

static void resume(struct world *world, struct owner *owner)
{
	struct guest *guest = &world->guest;
	vmsnd_ns length = world->now - world->paused_for;

	world_say(world, "owner: resume");
	world->paused = false;
	guest->moved = world->now;
	guest->drain_by += length;
	guest->rests += length;
	guest->next += guest->next == VMSND_NEVER ? 0 : length;
	guest->post_at += guest->post_at == VMSND_NEVER ? 0 : length;
	vmsnd_port_pause(world->port, false, world->now);
}

static void suspend(struct world *world, struct owner *owner)
{
	world_say(world, "owner: suspend");
	world->paused = true;
	world->paused_for = world->now;
	world->paused_done = vmsnd_port_done_frames(world->port);
	vmsnd_port_pause(world->port, true, world->now);
	world->paused_done = vmsnd_port_done_frames(world->port);
	undo_in(world, owner, 2 * SECOND, resume);
}

static void hint(struct world *world, struct owner *owner)
{
	if (world->guest.params.format.rate_hz)
		vmsnd_port_hint(world->port, &world->guest.params, world->now);
}

/* ---- a unit ----------------------------------------------------------------------------- */

static void add(struct world *world, struct owner *owner)
{
	struct unit *unit = unit_of(world, owner);

	if (!unit->lun)
		unit_add(world, owner->unit);
	else if (unit->leaving)
		undo_in(world, owner, 100 * MS, add);
}

static void remove_unit(struct world *world, struct owner *owner)
{
	if (!usable(world, owner))
		return;
	unit_remove(world, owner->unit);
	undo_in(world, owner, 2 * SECOND, add);
}

static void attach_again(struct world *world, struct owner *owner)
{
	if (usable(world, owner))
		unit_attach(world, owner->unit, unit_host(world, owner->unit));
}

static void detach(struct world *world, struct owner *owner)
{
	if (!usable(world, owner))
		return;
	unit_attach(world, owner->unit, NULL);
	undo_in(world, owner, 2 * SECOND, attach_again);
}

static void change_host(struct world *world, struct owner *owner)
{
	struct unit *unit = unit_of(world, owner);

	if (!usable(world, owner))
		return;
	check_forget(world);
	if (!unit->next)
		unit_next(world, owner->unit);
	else if (dice_chance(&owner->dice, 80))
		unit_change_over(world, owner->unit);
	else
		unit_next_drop(world, owner->unit);
}

/* A quick host is opened again at once: nothing is dropped in between (RI-02). */
static void reopen_keeps(struct world *world, struct unit *unit)
{
	const struct vmsnd_backend *host = unit->host;
	bool quick = world->dir == VMSND_PLAYBACK && world->guest.state != GUEST_IDLE &&
		     unit->conf.role != VMSND_LUN_TAP_HOST && host && host->stream &&
		     host->stream->running && !host->stream->ended && !host->kind.slow_open &&
		     !host->kind.slow_close && host->kind.initializing_ns == 0 &&
		     world->now >= host->gone_until && world->now >= host->sick_until &&
		     !host->start_fails;
	struct vmsnd_lun_status before, after;

	vmsnd_lun_status(unit->lun, &before);
	vmsnd_lun_reopen(unit->lun, world->now);
	vmsnd_lun_status(unit->lun, &after);
	if (quick && after.dropped_frames != before.dropped_frames)
		world_fail(world, "unit %u drops %llu frames when it is opened again", unit->index,
			   (unsigned long long)(after.dropped_frames - before.dropped_frames));
	if (quick && (after.host == VMSND_HOST_LOST || !host->stream))
		world_fail(world, "unit %u is not open again", unit->index);
}

static void reopen(struct world *world, struct owner *owner)
{
	struct unit *unit = unit_of(world, owner);

	if (!usable(world, owner))
		return;
	world_say(world, "owner: reopen unit %u", owner->unit);
	check_forget(world);
	reopen_keeps(world, unit);
}

static void retry(struct world *world, struct owner *owner)
{
	struct unit *unit = unit_of(world, owner);

	if (!usable(world, owner))
		return;
	world_say(world, "owner: retry unit %u", owner->unit);
	check_forget(world);
	vmsnd_lun_retry(unit->lun, world->now);
}

static void loudness(struct world *world, struct owner *owner)
{
	struct vmsnd_volume volume = {.gain_mdb = -(int32_t)dice_between(&owner->dice, 0, 12000)};

	if (!usable(world, owner) || dice_chance(&owner->dice, 50))
		return;
	if (dice_chance(&owner->dice, 10))
		volume.muted = UINT32_MAX;
	world_say(world, "owner: unit %u at %d mdB", owner->unit, (int)volume.gain_mdb);
	unit_of(world, owner)->plain = false;
	vmsnd_lun_volume(unit_of(world, owner)->lun, &volume);
}

/* ---- their lives ------------------------------------------------------------------------ */

typedef void act_fn(struct world *world, struct owner *owner);

static act_fn *const first_acts[] = {
    switch_off,   switch_off, suspend,     hint,        reopen,      retry,       detach,
    attach_again, loudness,   remove_unit, change_host, change_host, change_host, change_host};
static act_fn *const other_acts[] = {remove_unit, remove_unit, detach,   attach_again,
				     reopen,      retry,       loudness, change_host,
				     change_host, change_host};

static void plan(struct world *world, struct owner *owner)
{
	owner->next = world->now + dice_between(&owner->dice, 1 * MS, 1500 * MS);
}

void owner_init(struct world *world)
{
	for (unsigned i = 0; i < 2; i++) {
		struct owner *owner = &world->owners[i];

		owner->dice = dice_of(world->conf.seed, 10 + i);
		owner->undo_at = owner->next = VMSND_NEVER;
		plan(world, owner);
	}
	if (world->calm || dice_chance(&world->owners[0].dice, 15))
		world->owners[0].next = VMSND_NEVER;
	if (world->conf.alone || world->still || dice_chance(&world->owners[1].dice, 15))
		world->owners[1].next = VMSND_NEVER;
}

void owner_act(struct world *world, struct owner *owner)
{
	bool first = owner == &world->owners[0];

	if (owner->undo_at <= world->now) {
		act_fn *undo = owner->undo;

		owner->undo_at = VMSND_NEVER;
		undo(world, owner);
		return;
	}
	plan(world, owner);
	if (owner->undo_at != VMSND_NEVER || world->n_hosts + UNITS_MAX >= HOSTS_MAX)
		return;
	owner->unit = first ? 0 : (unsigned)dice_between(&owner->dice, 1, UNITS_MAX - 1);
	if (first)
		first_acts[dice_between(&owner->dice, 0,
					sizeof(first_acts) / sizeof(act_fn *) - 1)](world, owner);
	else
		other_acts[dice_between(&owner->dice, 0,
					sizeof(other_acts) / sizeof(act_fn *) - 1)](world, owner);
}

vmsnd_ns owner_next(const struct owner *owner)
{
	return owner->undo_at < owner->next ? owner->undo_at : owner->next;
}
