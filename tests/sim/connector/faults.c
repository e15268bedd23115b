/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes wrong with hosts, at any moment. */
#include "world.h"

static void vanish(struct vmsnd_backend *host)
{
	struct world *world = host->world;
	struct vmsnd_stream *stream = host->stream;
	bool away = dice_chance(&host->dice, 70);

	host->gone_until = away ? world->now + dice_between(&host->dice, 0, 12 * SECOND) : 0;
	host->schedule_known = false;
	if (!stream || stream->ended)
		return;
	world_say(world, "host %u: ended, away for %llu ms", host->number,
		  away ? (unsigned long long)((host->gone_until - world->now) / MS) : 0);
	stream->dead = stream->ended = true;
	stream->user.ended(stream->ctx, VMSND_E_GONE);
}

/* Time that is lost, with or without a word about it. */
static void hold(struct vmsnd_backend *host, vmsnd_ns length)
{
	struct vmsnd_stream *stream = host->stream;

	if (!stream || !stream->running)
		return;
	stream->block_end_ns += (double)length;
	stream->block_at += length;
	stream->gap = dice_chance(&host->dice, 70);
}

static void stall(struct vmsnd_backend *host)
{
	vmsnd_ns length = dice_between(&host->dice, 0, host->kind.stalls ? 3 * SECOND : 60 * MS);

	world_say(host->world, "host %u: stalls for %llu ms", host->number,
		  (unsigned long long)(length / MS));
	hold(host, length);
}

static void sicken(struct vmsnd_backend *host)
{
	static const enum vmsnd_stream_state states[] = {
	    VMSND_STREAM_INITIALIZING, VMSND_STREAM_NOT_WORKING, VMSND_STREAM_INACTIVE};
	vmsnd_ns length = dice_between(&host->dice, 1, 2 * SECOND);

	if (!host->kind.tells_state || !host->stream)
		return;
	host->sick = states[dice_between(&host->dice, 0, 2)];
	host->sick_until = host->world->now + length;
	world_say(host->world, "host %u: state %d for %llu ms", host->number, (int)host->sick,
		  (unsigned long long)(length / MS));
	hold(host, length);
}

static void say(struct vmsnd_backend *host, enum vmsnd_stream_notice what)
{
	static const char *const names[] = {"SWITCHING", "SWITCHED", "REOPEN"};
	struct vmsnd_stream *stream = host->stream;

	if (!stream || stream->ended)
		return;
	world_say(host->world, "host %u: %s", host->number, names[what]);
	if (what == VMSND_STREAM_SWITCHED)
		stream->wants_start = stream->running;
	stream->user.notice(stream->ctx, what);
}

static void switch_device(struct vmsnd_backend *host)
{
	vmsnd_ns length = dice_between(&host->dice, 0, 500 * MS);

	if (!host->stream || host->stream->ended)
		return;
	say(host, VMSND_STREAM_SWITCHING);
	host->stream->switched = host->world->now + length;
	if (dice_chance(&host->dice, 50))
		hold(host, length);
}

static void reopen(struct vmsnd_backend *host)
{
	if (!host->stream || host->stream->ended)
		return;
	host->stream->dead = dice_chance(&host->dice, 50);
	say(host, VMSND_STREAM_REOPEN);
}

/* The next look is a millisecond later, or sooner if another unit has the lane come by. */
static void refuse_start(struct vmsnd_backend *host)
{
	host->start_fails = !host->world->compared || host->unit > 0;
}

void host_fault_plan(struct vmsnd_backend *host)
{
	host->next_fault = VMSND_NEVER;
	if (host->kind.faulty)
		host->next_fault = host->world->now + dice_between(&host->dice, 1 * MS, 2500 * MS);
}

void host_fault(struct vmsnd_backend *host)
{
	static void (*const faults[])(struct vmsnd_backend *) = {
	    vanish, stall, sicken, switch_device, reopen, refuse_start, stall, switch_device};
	struct vmsnd_stream *stream = host->stream;

	if (stream && stream->switched <= host->world->now) {
		stream->switched = VMSND_NEVER;
		say(host, VMSND_STREAM_SWITCHED);
		return;
	}
	faults[dice_between(&host->dice, 0, sizeof(faults) / sizeof(faults[0]) - 1)](host);
	host_fault_plan(host);
}

vmsnd_ns host_fault_next(const struct vmsnd_backend *host)
{
	vmsnd_ns next = host->next_fault;

	if (host->closed)
		return VMSND_NEVER;
	if (host->stream && host->stream->switched < next)
		next = host->stream->switched;
	return next;
}
