/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold after each event. */
#include "world.h"

/* A lane that is late, a host's jitter, a converter's first frames. */
#define SLACK_NS (200 * MS)
/* A follower plays out what it holds; a suspension in between does not count. */
#define REST_NS (2 * SECOND + SLACK_NS)
/* Every unit's open and close, one worker after the other. */
#define JOBS_NS (2 * UNITS_MAX * JOB_MAX_NS)

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_there(const struct unit *unit)
{
	return unit->lun && !unit->leaving;
}

/* ---- every frame is accounted for ------------------------------------------------------- */

static void check_sum(struct world *world, const struct unit *unit,
		      const struct vmsnd_lun_status *status, uint64_t thrown)
{
	uint64_t sum = status->frames_out + status->dropped_frames + status->fill_frames + thrown;

	if (status->frames_in != sum)
		world_fail(world,
			   "unit %u: %llu frames in, but %llu out + %llu dropped + %u held + %llu "
			   "thrown away by the guest",
			   unit->index, (unsigned long long)status->frames_in,
			   (unsigned long long)status->frames_out,
			   (unsigned long long)status->dropped_frames, status->fill_frames,
			   (unsigned long long)thrown);
}

/* Capture: what came is with the guest, in the ring, or thrown away by the guest. */
static void check_taken(struct world *world, const struct vmsnd_lun_status *status)
{
	uint64_t sum = status->frames_out + status->dropped_frames + status->fill_frames +
		       world->guest.released;

	if (status->frames_in != sum)
		world_fail(world, "%llu frames came, but %llu taken + %u held + %llu thrown away",
			   (unsigned long long)status->frames_in,
			   (unsigned long long)status->frames_out, status->fill_frames,
			   (unsigned long long)world->guest.released);
}

/* Bit for bit: what was passed over is what was counted, and the newest is where it ought to be. */
static void check_heard(struct world *world, const struct unit *unit,
			const struct vmsnd_lun_status *status)
{
	const struct ear *ear = &unit->ear;
	uint64_t behind = world->guest.numbers - ear->last;

	if (!ear->exact || ear->base > 0)
		return;
	/* A bent follower's converter holds a frame or two. */
	if ((unit->index == 0 || unit->conf.role == VMSND_LUN_TAP_DEVICE) &&
	    ear->heard != status->frames_out)
		world_fail(world, "unit %u took %llu frames, its host heard %llu", unit->index,
			   (unsigned long long)status->frames_out, (unsigned long long)ear->heard);
	if (unit->index == 0 && ear->missing + behind != status->dropped_frames +
							     world->guest.released +
							     status->fill_frames)
		world_fail(world, "unit 0 misses %llu + %llu frames, %llu are counted",
			   (unsigned long long)ear->missing, (unsigned long long)behind,
			   (unsigned long long)(status->dropped_frames + world->guest.released +
						status->fill_frames));
}

static void check_calm(struct world *world, const struct vmsnd_lun_status *status)
{
	const struct vmsnd_stream *stream =
	    world->units[0].host ? world->units[0].host->stream : NULL;
	const struct guest *guest = &world->guest;

	if (!world->calm)
		return;
	if (stream && status->xruns &&
	    stream->got.max_frames * (uint64_t)guest->params.format.rate_hz <=
		guest->params.period_frames * (uint64_t)stream->got.format.rate_hz &&
	    stream->host->kind.jitter_ns == 0)
		world_fail(world, "unit 0 has holes for no reason");
	if (status->dropped_frames)
		world_fail(world, "unit 0 dropped %llu frames for no reason",
			   (unsigned long long)status->dropped_frames);
}

/* Nothing happens to a follower of a still world: it plays all. */
static void check_still(struct world *world, struct unit *unit,
			const struct vmsnd_lun_status *status)
{
	uint64_t dropped = status->dropped_frames - unit->dropped;

	unit->dropped = status->dropped_frames;
	if (world->still && !world->closing && dropped > 0)
		world_fail(world, "unit %u dropped %llu frames for no reason", unit->index,
			   (unsigned long long)dropped);
}

/* What a guest throws away with release and prepare is dropped from unit 0's ring alone. */
static void check_frames(struct world *world, struct unit *unit,
			 const struct vmsnd_lun_status *status)
{
	if (world->dir == VMSND_CAPTURE && unit->index > 0) {
		check_sum(world, unit, status, 0);
		return;
	}
	if (world->dir == VMSND_CAPTURE) {
		check_taken(world, status);
		return;
	}
	check_sum(world, unit, status, unit->index == 0 ? world->guest.released : 0);
	check_heard(world, unit, status);
	if (unit->index == 0)
		check_calm(world, status);
	else
		check_still(world, unit, status);
}

/* ---- the guest's clock ------------------------------------------------------------------ */

static vmsnd_ns block_ns(const struct vmsnd_stream *stream)
{
	if (!stream)
		return 0;
	return (uint64_t)stream->got.max_frames * SECOND / stream->got.format.rate_hz;
}

/* Pre-buffering takes T at most, T is two periods or two blocks; one more block until frames move;
 * a switch in the middle begins anew. */
vmsnd_ns check_clock_bound(const struct world *world)
{
	const struct guest *guest = &world->guest;
	const struct vmsnd_backend *host = world->units[0].host;
	vmsnd_ns period =
	    (uint64_t)guest->params.period_frames * SECOND / guest->params.format.rate_hz;
	vmsnd_ns block = host ? larger(block_ns(host->stream), period) : period;

	return 8 * block + SLACK_NS + 2 * world->prebuffer_ms * MS + (world->calm ? 0 : 300 * MS);
}

static void check_clock(struct world *world)
{
	const struct guest *guest = &world->guest;
	vmsnd_ns bound;

	if (guest->state != GUEST_RUNNING && guest->state != GUEST_DRAINING)
		return;
	bound = check_clock_bound(world);
	/* A host that went since had the bound of its own blocks. */
	if (guest->moved == world->now || bound > world->clock_bound)
		world->clock_bound = bound;
	bound = world->clock_bound;
	if (guest_clock_due(world) && world->now > guest->moved + bound)
		world_fail(world, "the guest's clock stands still since %.6f s",
			   (double)(guest->moved - world->start) / 1e9);
	if (!world->paused && guest->state == GUEST_DRAINING && world->now > guest->drain_by &&
	    guest->done < guest->copied)
		world_fail(world, "a drain does not end: %llu frames left",
			   (unsigned long long)(guest->copied - guest->done));
}

/* ---- privacy ----------------------------------------------------------------------------- */

static void check_privacy(struct world *world)
{
	if (world->enabled && !world->closing)
		return;
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		const struct unit *unit = &world->units[i];
		const struct vmsnd_backend *host = unit->lun ? unit->host : NULL;
		vmsnd_ns limit = world->off_since;

		if (!host || !host->stream || unit->conf.role != VMSND_LUN_NORMAL)
			continue;
		if (host->stream->running)
			world_fail(world, "unit %u runs, but the direction is off", i);
		if (host->kind.slow_open || host->kind.slow_close)
			limit += JOBS_NS + SLACK_NS;
		if (world->now > limit)
			world_fail(world, "unit %u is open, but the direction is off", i);
	}
}

/* ---- states ------------------------------------------------------------------------------ */

static vmsnd_ns state_bound(const struct world *world, const struct unit *unit)
{
	const struct vmsnd_backend *host = unit->host;

	switch (unit->state) {
	case VMSND_HOST_OPENING:
		return JOBS_NS + (host ? larger(host->kind.initializing_ns, 2 * SECOND) : 0);
	case VMSND_HOST_CLOSING:
		return JOBS_NS;
	case VMSND_HOST_LOST:
		return 5 * SECOND + JOBS_NS +
		       (host && host->gone_until > unit->state_since
			    ? host->gone_until - unit->state_since
			    : 0);
	default:
		return VMSND_NEVER / 2;
	}
}

static vmsnd_ns rests_for(const struct world *world)
{
	const struct guest *guest = &world->guest;

	if (world->paused || (guest->state != GUEST_IDLE && guest->state != GUEST_STOPPED))
		return 0;
	return world->now > guest->rests ? world->now - guest->rests : 0;
}

static void check_state(struct world *world, struct unit *unit,
			const struct vmsnd_lun_status *status)
{
	if (status->host != unit->state) {
		world_say(world, "unit %u: %s", unit->index, vmsnd_host_state_name(status->host));
		unit->state = status->host;
		unit->state_since = world->now;
		if (status->host == VMSND_HOST_NONE && unit->host)
			unit->host->schedule_known = false;
	}
	if (world->now > unit->state_since + state_bound(world, unit) + SLACK_NS)
		world_fail(world, "unit %u is %s since %.6f s", unit->index,
			   vmsnd_host_state_name(unit->state),
			   (double)(unit->state_since - world->start) / 1e9);
	if (status->host == VMSND_HOST_RUNNING && rests_for(world) > REST_NS &&
	    unit->conf.role == VMSND_LUN_NORMAL)
		world_fail(world, "unit %u runs on for a guest that rests", unit->index);
	if (status->host == VMSND_HOST_RUNNING && unit->host &&
	    (!unit->host->stream || !unit->host->stream->running))
		world_fail(world, "unit %u says that it runs", unit->index);
}

/* RI-02: 0, 1, 2, 3, 4, 5, 5... s. A quick host is tried to the millisecond, a lane's lateness
 * apart. */
void check_refused(struct vmsnd_backend *host)
{
	struct world *world = host->world;
	vmsnd_ns since = world->now - host->refused_at;
	bool slow = host->kind.slow_open || host->kind.slow_close;
	unsigned after = (unsigned)((since + 500 * MS) / SECOND);

	world_say(world, "host %u: refuses, after %u s", host->number, after);
	if (!host->schedule_known)
		host->refused = 0;
	if (host->refused > 0 && after > 5 && !slow)
		world_fail(world, "host %u: no try for %u s", host->number, after);
	if (host->refused > 1 && !slow && after != (host->step < 5 ? host->step + 1 : 5))
		world_fail(world, "host %u: a try after %u s, the one before came after %u",
			   host->number, after, host->step);
	host->schedule_known = true;
	host->refused++;
	host->step = after;
	host->refused_at = world->now;
}

void check_forget(struct world *world)
{
	for (unsigned i = 0; i < world->n_hosts; i++)
		world->hosts[i]->schedule_known = false;
}

/* No more than 0.5 % off, whatever the host does; and a suspended machine does not move, nor do
 * clocks of devices that keep time by it. */
static void check_pace(struct world *world)
{
	double nominal = world->guest.params.format.rate_hz;
	double rate = world->guest.state == GUEST_IDLE ? nominal : vmsnd_port_rate_hz(world->port);

	if (world->paused && world->guest.state != GUEST_IDLE)
		nominal = 0;
	if (rate < nominal * 0.99499 || rate > nominal * 1.00501)
		world_fail(world, "the port's pace is %.1f of %.0f Hz", rate, nominal);
	if (world->paused && world->guest.state != GUEST_IDLE &&
	    vmsnd_port_done_frames(world->port) != world->paused_done)
		world_fail(world, "frames move while the machine is suspended");
}

void check_all(struct world *world)
{
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		struct unit *unit = &world->units[i];
		struct vmsnd_lun_status status;

		if (!is_there(unit))
			continue;
		if (pool_jobs_of(world, i) > 2) /* one for each side */
			world_fail(world, "unit %u has %u jobs", i, pool_jobs_of(world, i));
		vmsnd_lun_status(unit->lun, &status);
		check_frames(world, unit, &status);
		check_state(world, unit, &status);
	}
	check_clock(world);
	check_privacy(world);
	check_pace(world);
}
