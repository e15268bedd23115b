/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices/sample_clock.h"

#define RATE_ONE (UINT64_C(1) << 20)
/* Parts of one frame: a rate in 2^-20 Hz times nanoseconds. Below 2^50. */
#define FRAME_PARTS (RATE_ONE * VMSND_NS_PER_SECOND)
#define BEND_ONE_IN 200u /* 0.5 % */
#define SAME_ONE_IN 10000000u
#define FRAMES_MAX  (UINT64_C(1) << 62)

/* rate_hz times nanoseconds needs 104 bits. */
__extension__ typedef unsigned __int128 wide;

static wide parts_by(const struct vmsnd_sample_clock *clock, vmsnd_ns now)
{
	uint64_t ns = now > clock->since ? now - clock->since : 0;

	return (wide)clock->rate * ns + clock->part;
}

/* A new base: what has gone by stays, to the last part. */
static void rebase(struct vmsnd_sample_clock *clock, vmsnd_ns now)
{
	wide parts = parts_by(clock, now);

	clock->base += (uint64_t)(parts / FRAME_PARTS);
	clock->part = (uint64_t)(parts % FRAME_PARTS);
	if (now > clock->since)
		clock->since = now;
}

void vmsnd_sample_clock_start(struct vmsnd_sample_clock *clock, uint32_t rate_hz, vmsnd_ns now)
{
	*clock = (struct vmsnd_sample_clock){
	    .since = now, .rate = rate_hz * RATE_ONE, .nominal_hz = rate_hz};
}

static uint64_t slowest(uint32_t nominal_hz)
{
	uint64_t nominal = nominal_hz * RATE_ONE;

	return nominal - nominal / BEND_ONE_IN;
}

static uint64_t fastest(uint32_t nominal_hz)
{
	uint64_t nominal = nominal_hz * RATE_ONE;

	return nominal + nominal / BEND_ONE_IN;
}

static uint64_t within(const struct vmsnd_sample_clock *clock, double rate_hz)
{
	double wanted = rate_hz * (double)RATE_ONE;

	/* What is no number stands still, too. */
	if (!(wanted > 0))
		return 0;
	if (wanted <= (double)slowest(clock->nominal_hz))
		return slowest(clock->nominal_hz);
	if (wanted >= (double)fastest(clock->nominal_hz))
		return fastest(clock->nominal_hz);
	return (uint64_t)(wanted + 0.5);
}

static bool is_same(uint64_t rate, uint64_t other)
{
	uint64_t difference = rate > other ? rate - other : other - rate;

	return difference <= rate / SAME_ONE_IN;
}

void vmsnd_sample_clock_bend(struct vmsnd_sample_clock *clock, double rate_hz, vmsnd_ns now)
{
	uint64_t rate = within(clock, rate_hz);

	if (is_same(clock->rate, rate))
		return;
	rebase(clock, now);
	clock->rate = rate;
}

uint64_t vmsnd_sample_clock_frames(const struct vmsnd_sample_clock *clock, vmsnd_ns now)
{
	return clock->base + (uint64_t)(parts_by(clock, now) / FRAME_PARTS);
}

vmsnd_ns vmsnd_sample_clock_when(const struct vmsnd_sample_clock *clock, uint64_t frames)
{
	wide parts, ns;

	if (clock->rate == 0)
		return VMSND_NEVER;
	if (frames <= clock->base)
		return clock->since;
	parts = (wide)(frames - clock->base) * FRAME_PARTS - clock->part;
	ns = (parts + clock->rate - 1) / clock->rate;
	return ns < VMSND_NEVER - clock->since ? clock->since + (uint64_t)ns : VMSND_NEVER;
}

void vmsnd_sample_clock_save(const struct vmsnd_sample_clock *clock, struct vmsnd_state_writer *to,
			     vmsnd_ns now)
{
	struct vmsnd_sample_clock at = *clock;

	rebase(&at, now);
	vmsnd_state_put_u64(to, at.base);
	vmsnd_state_put_u64(to, at.part);
	vmsnd_state_put_u64(to, at.rate);
	vmsnd_state_put_u32(to, at.nominal_hz);
}

enum vmsnd_rc vmsnd_sample_clock_load(struct vmsnd_sample_clock *clock,
				      struct vmsnd_state_reader *from, vmsnd_ns now)
{
	struct vmsnd_sample_clock at = {.since = now};

	at.base = vmsnd_state_get_u64(from);
	at.part = vmsnd_state_get_u64(from);
	at.rate = vmsnd_state_get_u64(from);
	at.nominal_hz = vmsnd_state_get_u32_upto(from, VMSND_RATE_MAX_HZ);
	if (at.base > FRAMES_MAX || at.part >= FRAME_PARTS || at.rate > fastest(at.nominal_hz) ||
	    (at.rate != 0 && at.rate < slowest(at.nominal_hz)))
		from->bad = true;
	if (from->bad)
		return VMSND_E_DAMAGED;
	*clock = at;
	return VMSND_OK;
}
