/* SPDX-License-Identifier: BSD-3-Clause */
/* Time, the lane, and what is there at the beginning and at the end. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MAX 300u /* turns of the lane at one moment */
#define LENGTH_NS (6 * SECOND)

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static double seconds(const struct world *world)
{
	return (double)(world->now - world->start) / 1e9;
}

void world_say(const struct world *world, const char *format, ...)
{
	va_list args;

	if (!world->conf.verbose)
		return;
	va_start(args, format);
	printf("# %12.6f  ", seconds(world));
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void tell_units(const struct world *world)
{
	const struct guest *guest = &world->guest;

	printf("# guest: state %d, posted %llu copied %llu done %llu, wanted %u\n",
	       (int)guest->state, (unsigned long long)guest->posted,
	       (unsigned long long)guest->copied, (unsigned long long)guest->done,
	       vmsnd_port_wanted(world->port));
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		const struct unit *unit = &world->units[i];
		struct vmsnd_lun_status status;

		if (!unit->lun)
			continue;
		vmsnd_lun_status(unit->lun, &status);
		printf("# unit %u: %s %s, in %llu out %llu dropped %llu fill %u, xruns %llu\n", i,
		       vmsnd_host_state_name(status.host), vmsnd_play_state_name(status.play),
		       (unsigned long long)status.frames_in, (unsigned long long)status.frames_out,
		       (unsigned long long)status.dropped_frames, status.fill_frames,
		       (unsigned long long)status.xruns);
	}
}

void world_fail(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# seed %llu%s at %.6f s: ", (unsigned long long)world->conf.seed,
	       world->conf.alone ? " (unit 0 alone)" : "", seconds(world));
	vprintf(format, args);
	printf("\n");
	va_end(args);
	if (world->conf.verbose)
		tell_units(world);
	fflush(stdout);
	longjmp(world->failed, 1);
}

/* ---- the lane ------------------------------------------------------------------------- */

static vmsnd_ns advance_hosts(struct world *world, vmsnd_ns at)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < world->n_hosts; i++) {
		struct vmsnd_backend *host = world->hosts[i];

		if (host->cls.advance && !host->closed)
			next = earlier(next, host->cls.advance(host, at));
	}
	return next;
}

/* A device asks when the first message that is out will be done (rings.c). */
static vmsnd_ns device_due(struct world *world, vmsnd_ns at)
{
	const struct guest *guest = &world->guest;
	uint64_t period = guest->params.period_frames;

	if (guest->state != GUEST_RUNNING || guest->post_at != VMSND_NEVER || world->paused)
		return VMSND_NEVER;
	if (world->dir == VMSND_CAPTURE)
		return vmsnd_port_due(world->port, guest->copied + period, at);
	if (guest->posted == guest->done)
		return VMSND_NEVER;
	return vmsnd_port_due(world->port, guest->done - guest->done % period + period, at);
}

/* The order in which a card does it (src/manager/card_run.c). */
static vmsnd_ns step(struct world *world, vmsnd_ns at)
{
	vmsnd_ns next;

	advance_hosts(world, at);
	vmsnd_port_advance(world->port, at);
	guest_turn(world, at);
	next = device_due(world, at);
	next = earlier(next, vmsnd_port_advance(world->port, at));
	world->in_worker = world->inline_job = false;
	return earlier(next, advance_hosts(world, at));
}

void world_lane(struct world *world)
{
	unsigned again = 0;
	bool touched = true;

	while (touched || world->lane_next <= world->now) {
		vmsnd_ns at = earlier(world->lane_next, world->now);

		if (at < world->lane_time)
			at = world->lane_time;
		if (at == world->now)
			touched = false;
		world->lane_time = at;
		world->lane_next = step(world, at);
		world->steps++;
		again = world->lane_next <= at ? again + 1 : 0;
		if (again == AGAIN_MAX)
			world_fail(world, "the port wants to be called again and again");
	}
	world->wake_at = VMSND_NEVER;
	world->lane_late_to = 0;
	if (!world->punctual && dice_chance(&world->lane_dice, 2))
		world->lane_late_to = world->now + dice_between(&world->lane_dice, 0, 60 * MS);
}

static void wake(void *ctx)
{
	struct world *world = ctx;
	vmsnd_ns at = world->now;

	if (!world->punctual)
		at += dice_between(&world->lane_dice, 0, 2 * MS);
	world->wake_at = earlier(world->wake_at, at);
}

/* ---- time ------------------------------------------------------------------------------- */

static vmsnd_ns lane_due(const struct world *world)
{
	vmsnd_ns due = earlier(world->lane_next, world->wake_at);

	return due < world->lane_late_to ? world->lane_late_to : due;
}

static vmsnd_ns next_event(const struct world *world)
{
	vmsnd_ns next = earlier(lane_due(world), earlier(pool_next(world), guest_next(world)));

	for (unsigned i = 0; i < 2; i++)
		next = earlier(next, owner_next(&world->owners[i]));
	for (unsigned i = 0; i < world->n_hosts; i++)
		next = earlier(next, earlier(host_thread_next(world->hosts[i]),
					     host_fault_next(world->hosts[i])));
	return next;
}

/* What hosts and workers do by themselves; false when nothing is due. */
static bool others(struct world *world)
{
	for (unsigned i = 0; i < world->n_hosts; i++) {
		if (host_thread_next(world->hosts[i]) <= world->now)
			return host_thread_run(world->hosts[i]), true;
		if (host_fault_next(world->hosts[i]) <= world->now)
			return host_fault(world->hosts[i]), true;
	}
	if (pool_next(world) <= world->now)
		return pool_run(world), true;
	return false;
}

/* What is done on the lane comes after its catching up, as with a card. */
static void on_lane(struct world *world)
{
	world_lane(world);
	for (unsigned i = 0; i < 2; i++)
		if (owner_next(&world->owners[i]) <= world->now)
			owner_act(world, &world->owners[i]);
	if (guest_next(world) <= world->now)
		guest_act(world);
	world_lane(world);
	for (unsigned i = 0; i < UNITS_MAX; i++)
		unit_settle(world, &world->units[i]);
}

static void run_until(struct world *world, vmsnd_ns to)
{
	for (;;) {
		vmsnd_ns next = next_event(world);

		if (next > to)
			break;
		if (next > world->now)
			world->now = next;
		if (!others(world))
			on_lane(world);
		check_all(world);
	}
	world->now = to;
}

/* ---- its life ----------------------------------------------------------------------------- */

static void draw(struct world *world)
{
	struct dice dice = dice_of(world->conf.seed, 1);

	world->dir = dice_chance(&dice, 70) ? VMSND_PLAYBACK : VMSND_CAPTURE;
	world->calm = dice_chance(&dice, 30);
	world->compared = world->dir == VMSND_PLAYBACK && dice_chance(&dice, 35);
	world->punctual = world->compared || dice_chance(&dice, 60);
	if (world->calm)
		world->punctual = true;
	world->enabled = world->calm || dice_chance(&dice, 90);
	world->env = (struct vmsnd_connector_env){
	    .ctx = world, .submit = pool_submit, .wake = wake, .rates = &sim_rates};
	if (dice_chance(&dice, 10))
		world->env.submit = NULL;
	world->still = world->calm && dice_chance(&dice, 50);
	world->lane_dice = dice_of(world->conf.seed, 3);
	world->pool_dice = dice_of(world->conf.seed, 4);
	for (unsigned i = 0; i < UNITS_MAX; i++)
		world->unit_dice[i] = dice_of(world->conf.seed, 100 + i);
}

static void add_units(struct world *world)
{
	struct dice dice = dice_of(world->conf.seed, 5);
	unsigned n = (unsigned)dice_between(&dice, 1, UNITS_MAX);

	world->together = n > 1 || world->owners[1].next != VMSND_NEVER;
	if (world->conf.alone)
		n = 1;
	for (unsigned i = 0; i < n; i++)
		unit_add(world, i);
}

void world_open(struct world *world, const struct world_conf *conf)
{
	struct vmsnd_port_conf port = {0};

	world->conf = *conf;
	world->start = world->now = UINT64_C(1234567891234);
	world->end = world->start + LENGTH_NS;
	world->lane_time = world->now;
	world->lane_next = world->wake_at = VMSND_NEVER;
	draw(world);
	world->port = world_map(vmsnd_port_footprint());
	world->port_ring = world_map(VMSND_PORT_RING_BYTES);
	port.dir = world->dir;
	port.enabled = world->enabled;
	port.env = &world->env;
	port.ring_storage = world->port_ring;
	vmsnd_port_init(world->port, &port);
	guest_init(world);
	owner_init(world);
	if (!world->enabled)
		world->owners[0].next = world->now;
	add_units(world);
}

/* The VMM leaves, then the owner takes everything down. */
void world_run(struct world *world)
{
	run_until(world, world->end);
	guest_halt(world);
	for (unsigned i = 0; i < 2; i++)
		world->owners[i].next = world->owners[i].undo_at = VMSND_NEVER;
	world_say(world, "the end");
	world->closing = true;
	world->off_since = world->now;
	vmsnd_port_close(world->port, world->now);
	world_lane(world);
	check_all(world);
	for (unsigned i = UNITS_MAX; i-- > 0;)
		if (world->units[i].lun && !world->units[i].leaving)
			unit_remove(world, i);
	world_lane(world);
	run_until(world, world->now + 10 * SECOND);
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		unit_settle(world, &world->units[i]);
		if (world->units[i].lun)
			world_fail(world, "unit %u is still there at the end", i);
	}
	if (world->n_jobs)
		world_fail(world, "a job is left");
}

void world_close(struct world *world)
{
	for (unsigned i = 0; i < UNITS_MAX; i++)
		unit_forget(&world->units[i]);
	for (unsigned i = 0; i < world->n_hosts; i++)
		host_free(world->hosts[i]);
	world_unmap(world->port, vmsnd_port_footprint());
	world_unmap(world->port_ring, VMSND_PORT_RING_BYTES);
}

uint64_t world_hash(const struct world *world)
{
	return world->units[0].ear.hash ^ world->units[0].ear.blocks;
}
