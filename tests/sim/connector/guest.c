/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest with habits, and the device between it and the port, as virtio-snd does it. */
#include <string.h>

#include "world.h"

#include "connector/port.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static vmsnd_ns frames_ns(const struct guest *guest, uint64_t frames)
{
	return frames * SECOND / guest->params.format.rate_hz;
}

static void draw_params(struct world *world)
{
	static const uint32_t rates[] = {8000, 8000, 8000, 16000, 44100, 48000};
	static const uint32_t counts[] = {1, 2, 2, 3, 4, 4, 8};
	struct guest *guest = &world->guest;
	struct dice *dice = &guest->dice;
	uint32_t rate = rates[dice_between(dice, 0, 5)];

	guest->params = (struct vmsnd_stream_params){
	    .format = {.sample = VMSND_SAMPLE_S32, .rate_hz = rate, .channels = 2},
	    .period_frames = (uint32_t)dice_between(dice, rate / 500, rate / 20)};
	if (dice_chance(dice, 50))
		guest->params.period_frames = rate / 100;
	guest->params.buffer_frames =
	    guest->params.period_frames * counts[world->calm ? 5 : dice_between(dice, 0, 6)];
	guest->habit =
	    world->calm ? HABIT_FULL : (enum guest_habit)dice_between(dice, 0, HABIT_COUNT - 1);
	guest->length = UINT64_MAX;
	if (guest->habit == HABIT_SHORT)
		guest->length = dice_between(dice, 1, 6 * guest->params.period_frames);
}

void guest_init(struct world *world)
{
	world->guest.dice = dice_of(world->conf.seed, 2);
	world->guest.next = world->now;
	world->guest.post_at = VMSND_NEVER;
}

/* ---- the device's turn ------------------------------------------------------------------- */

static void write_frames(struct world *world, bool all)
{
	struct guest *guest = &world->guest;

	while (guest->copied < guest->posted) {
		uint64_t frames = all ? UINT32_MAX : vmsnd_port_wanted(world->port);
		void *at;

		frames = smaller(frames, guest->posted - guest->copied);
		frames = frames ? vmsnd_port_begin(world->port, (uint32_t)frames, &at) : 0;
		if (frames == 0)
			return;
		if (frames > guest->posted - guest->copied)
			world_fail(world, "begin hands out more than was asked for");
		code_write(at, guest->numbers + 1, (uint32_t)frames);
		guest->numbers += frames;
		guest->copied += frames;
		vmsnd_port_commit(world->port, (uint32_t)frames);
	}
}

static void post(struct guest *guest)
{
	uint64_t whole = guest->done - guest->done % guest->params.period_frames;

	if (guest->done == guest->length)
		whole = guest->done;
	whole = smaller(whole + guest->params.buffer_frames, guest->length);
	if (whole > guest->posted)
		guest->posted = whole;
	guest->post_at = VMSND_NEVER;
}

/* When it hears that something was played, it posts more, by its habit. */
static void completed(struct world *world)
{
	struct guest *guest = &world->guest;
	vmsnd_ns period = frames_ns(guest, guest->params.period_frames);
	vmsnd_ns buffer = frames_ns(guest, guest->params.buffer_frames);

	if (guest->post_at != VMSND_NEVER)
		return;
	if (guest->habit == HABIT_JITTERY)
		guest->post_at = world->lane_time + dice_between(&guest->dice, 0, period);
	else if (guest->habit == HABIT_LATE && dice_chance(&guest->dice, 5))
		guest->post_at = world->lane_time + dice_between(&guest->dice, 0, 2 * buffer);
	else if (guest->habit != HABIT_BURSTS ||
		 guest->posted - guest->done <= guest->params.buffer_frames / 2)
		post(guest);
}

bool guest_clock_due(const struct world *world)
{
	const struct guest *guest = &world->guest;

	if (world->paused || (guest->state != GUEST_RUNNING && guest->state != GUEST_DRAINING))
		return false;
	if (world->dir == VMSND_CAPTURE)
		return guest->state == GUEST_RUNNING && guest->post_at == VMSND_NEVER;
	return guest->copied > guest->done;
}

static void see_clock(struct world *world, uint64_t done, vmsnd_ns now)
{
	struct guest *guest = &world->guest;

	if (done < guest->done)
		world_fail(world, "done goes back from %llu to %llu",
			   (unsigned long long)guest->done, (unsigned long long)done);
	if (done != guest->done || !guest_clock_due(world))
		guest->moved = now;
	guest->done = done;
}

static void playback_turn(struct world *world, vmsnd_ns now)
{
	struct guest *guest = &world->guest;
	uint64_t before = guest->done, done = vmsnd_port_done_frames(world->port);

	if (done > guest->copied)
		world_fail(world, "%llu frames done of %llu", (unsigned long long)done,
			   (unsigned long long)guest->copied);
	see_clock(world, done, now);
	if (guest->state == GUEST_DRAINING)
		return;
	if (before / guest->params.period_frames != done / guest->params.period_frames ||
	    (before != done && done == guest->posted))
		completed(world);
	if (guest->state == GUEST_RUNNING || guest->state == GUEST_PREPARED)
		write_frames(world, false);
}

static void capture_turn(struct world *world, vmsnd_ns now)
{
	struct guest *guest = &world->guest;

	see_clock(world, vmsnd_port_done_frames(world->port), now);
	if (guest->state != GUEST_RUNNING || guest->post_at != VMSND_NEVER)
		return;
	while (vmsnd_port_wanted(world->port) > 0) {
		void *at;
		uint32_t n = vmsnd_port_begin(world->port, UINT32_MAX, &at);

		if (n == 0 || n > vmsnd_port_wanted(world->port))
			world_fail(world, "%u frames to take, of %u", n,
				   vmsnd_port_wanted(world->port));
		ear_guest(world, at, n);
		vmsnd_port_commit(world->port, n);
		guest->copied += n;
	}
	if (guest->copied > guest->done)
		world_fail(world, "more taken than came");
	if (guest->habit == HABIT_LATE && dice_chance(&guest->dice, 1))
		guest->post_at = now + dice_between(&guest->dice, 0, SECOND);
	if (guest->habit == HABIT_JITTERY)
		guest->post_at = now + dice_between(&guest->dice, 0, 20 * MS);
}

void guest_turn(struct world *world, vmsnd_ns now)
{
	if (world->guest.state == GUEST_IDLE || world->paused)
		world->guest.moved = now;
	else if (world->dir == VMSND_PLAYBACK)
		playback_turn(world, now);
	else
		capture_turn(world, now);
}

/* ---- what it wants ------------------------------------------------------------------------ */

static void forget(struct world *world)
{
	struct guest *guest = &world->guest;

	/* What a host with a thread took a moment ago was not thrown away. */
	if (guest->state != GUEST_IDLE)
		guest->done = vmsnd_port_done_frames(world->port);
	if (world->dir == VMSND_PLAYBACK)
		guest->released += vmsnd_port_fill(world->port); /* done or not */
	else
		guest->released += guest->done - guest->copied;
	guest->posted = guest->copied = guest->done = 0;
	guest->post_at = VMSND_NEVER;
}

static void prepare(struct world *world)
{
	struct guest *guest = &world->guest;
	enum vmsnd_rc rc;

	forget(world);
	check_forget(world);
	if (guest->params.format.rate_hz == 0 || dice_chance(&guest->dice, world->calm ? 0 : 50))
		draw_params(world);
	if (dice_chance(&guest->dice, 20))
		vmsnd_port_hint(world->port, &guest->params, world->now);
	world_say(world, "guest: prepare %u Hz, %u of %u frames, habit %d",
		  guest->params.format.rate_hz, guest->params.period_frames,
		  guest->params.buffer_frames, (int)guest->habit);
	rc = vmsnd_port_prepare(world->port, &guest->params, world->now);
	if (rc)
		world_fail(world, "prepare: %d", (int)rc);
	guest->state = GUEST_PREPARED;
	guest->next = world->now + dice_between(&guest->dice, 0, 30 * MS);
	if (guest->habit == HABIT_SHORT)
		guest->length = dice_between(&guest->dice, 1, 6 * guest->params.period_frames);
	if (world->calm || dice_chance(&guest->dice, 80))
		post(guest);
}

static void start(struct world *world)
{
	struct guest *guest = &world->guest;

	world_say(world, "guest: start");
	if (vmsnd_port_start(world->port, world->now))
		world_fail(world, "start fails");
	guest->state = GUEST_RUNNING;
	guest->moved = world->now;
	post(guest);
	guest->next = world->now + dice_between(&guest->dice, 1 * MS, 2 * SECOND);
	if (world->calm)
		guest->next = VMSND_NEVER;
}

/* Mostly for a moment, sometimes for long. */
static void rest(struct world *world, vmsnd_ns most)
{
	struct guest *guest = &world->guest;

	if (dice_chance(&guest->dice, 5))
		most = 5 * SECOND;
	guest->rests = world->now;
	guest->next = world->now + dice_between(&guest->dice, 0, most);
}

static void stop(struct world *world)
{
	struct guest *guest = &world->guest;
	uint64_t done;

	world_say(world, "guest: stop");
	vmsnd_port_stop(world->port, world->now);
	/* A stopped queue hands everything over first, sometimes (V17). */
	done = vmsnd_port_done_frames(world->port);
	if (world->dir == VMSND_PLAYBACK && dice_chance(&guest->dice, 30))
		write_frames(world, true);
	if (vmsnd_port_done_frames(world->port) != done)
		world_fail(world, "frames move after stop");
	guest->state = GUEST_STOPPED;
	rest(world, 300 * MS);
}

static void drain(struct world *world)
{
	struct guest *guest = &world->guest;
	vmsnd_ns length = frames_ns(guest, guest->copied - guest->done);

	world_say(world, "guest: drain, %llu frames left",
		  (unsigned long long)(guest->copied - guest->done));
	vmsnd_port_drain(world->port, world->now);
	guest->state = GUEST_DRAINING;
	guest->drain_by = world->now + length + length / 50 + check_clock_bound(world);
	guest->next = guest->drain_by;
	guest->moved = world->now;
	if (dice_chance(&guest->dice, 25))
		guest->next = world->now + dice_between(&guest->dice, 0, length + 1);
}

static void release(struct world *world)
{
	world_say(world, "guest: release");
	forget(world);
	check_forget(world);
	vmsnd_port_release(world->port, world->now);
	world->guest.state = GUEST_IDLE;
	rest(world, 200 * MS);
}

void guest_halt(struct world *world)
{
	forget(world);
	world->guest.state = GUEST_IDLE;
	world->guest.next = VMSND_NEVER;
}

/* Not while it runs. */
static void prepare_now(struct world *world)
{
	struct guest *guest = &world->guest;

	if (vmsnd_port_prepare(world->port, &guest->params, world->now) != VMSND_E_INVALID)
		world_fail(world, "a running port can be prepared");
	guest->next = world->now + dice_between(&guest->dice, 1 * MS, SECOND);
}

static void act_running(struct world *world)
{
	unsigned roll = (unsigned)dice_between(&world->guest.dice, 0, 99);

	if (roll < 40)
		stop(world);
	else if (roll < 70 && world->dir == VMSND_PLAYBACK)
		drain(world);
	else if (roll < 85)
		release(world);
	else if (roll < 92)
		start(world); /* again: nothing happens */
	else
		prepare_now(world);
}

static void act_stopped(struct world *world)
{
	unsigned roll = (unsigned)dice_between(&world->guest.dice, 0, 99);

	if (roll < 55)
		start(world);
	else if (roll < 80)
		release(world);
	else
		prepare(world);
}

static void act_draining(struct world *world)
{
	unsigned roll = (unsigned)dice_between(&world->guest.dice, 0, 99);

	if (roll < 40)
		start(world);
	else if (roll < 70)
		release(world);
	else
		stop(world);
}

void guest_act(struct world *world)
{
	struct guest *guest = &world->guest;

	if (guest->post_at <= world->now && guest->state != GUEST_IDLE) {
		post(guest);
		guest->moved = world->now;
		return;
	}
	switch (guest->state) {
	case GUEST_IDLE:
		prepare(world);
		break;
	case GUEST_PREPARED:
		start(world);
		break;
	case GUEST_RUNNING:
		act_running(world);
		break;
	case GUEST_DRAINING:
		act_draining(world);
		break;
	case GUEST_STOPPED:
		act_stopped(world);
		break;
	}
}

vmsnd_ns guest_next(const struct world *world)
{
	const struct guest *guest = &world->guest;

	if (world->paused)
		return VMSND_NEVER;
	return guest->post_at < guest->next && guest->state != GUEST_IDLE ? guest->post_at
									  : guest->next;
}
