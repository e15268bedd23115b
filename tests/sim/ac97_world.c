/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens when: a card's lane, a host, a guest that is late and freezes. */
#include "ac97_world.h"

#include <stdlib.h>
#include <string.h>

#include "ac97_parts.h"

#define MEMORY_BYTES (2u << 20)
#define MEMORY_GPA   UINT64_C(0x40000000)
#define AGAIN_NS     (5 * MS) /* a line that is still high is told of again */
#define TURNS_MAX    100000u

void ac97_world_fail(struct ac97_world *world, const char *format, ...)
{
	char text[300];
	va_list more;

	va_start(more, format);
	vsnprintf(text, sizeof(text), format, more);
	va_end(more);
	fail_msg("seed %llu, %.6f s: %s", (unsigned long long)world->conf.seed,
		 (double)world->now / 1e9, text);
	abort();
}

uint64_t ac97_world_dice(struct ac97_world *world, uint64_t low, uint64_t high)
{
	world->dice ^= world->dice << 13;
	world->dice ^= world->dice >> 7;
	world->dice ^= world->dice << 17;
	return high <= low ? low : low + (world->dice >> 11) % (high - low + 1);
}

static vmsnd_ns draw(struct ac97_world *world, const struct span *span)
{
	return ac97_world_dice(world, span->low, span->high);
}

static vmsnd_ns next_of(struct ac97_world *world, const struct span *span)
{
	return span->high ? world->now + draw(world, span) : VMSND_NEVER;
}

/* ---- events --------------------------------------------------------------------------- */

static void watch_fill(struct ac97_world *world)
{
	struct vmsnd_stream_status list[8];
	size_t n;

	if (world->fill_from == 0 || world->now < world->fill_from)
		return;
	n = vmsnd_machine_streams(world->machine, 0, list, 8);
	for (size_t i = 0; i < n && i < 8; i++) {
		if (list[i].dir != VMSND_PLAYBACK || list[i].guest_format.rate_hz == 0)
			continue;
		if (list[i].fill_frames < world->fill_low)
			world->fill_low = list[i].fill_frames;
		if (list[i].fill_frames > world->fill_high)
			world->fill_high = list[i].fill_frames;
	}
}

/* The card's lane comes by, unless it is not running. */
static void lane(struct ac97_world *world)
{
	unsigned turns = 0;

	if (world->now < world->hiccup_until)
		return;
	do {
		world->lane_at = vmsnd_machine_advance(world->machine, world->now);
		if (++turns > TURNS_MAX)
			ac97_world_fail(world, "time stands still");
	} while (world->lane_at <= world->now);
}

static vmsnd_ns lane_due(const struct ac97_world *world)
{
	vmsnd_ns due = world->lane_at < world->extra_at ? world->lane_at : world->extra_at;

	return due != VMSND_NEVER && due < world->hiccup_until ? world->hiccup_until : due;
}

/* What needs no guest: lane, host, the beginnings of freezes and hiccups. */
static vmsnd_ns outside_due(const struct ac97_world *world)
{
	vmsnd_ns due = lane_due(world), host = ac97_host_due(world);

	if (world->conf.host_threaded && host < due)
		due = host;
	if (world->freeze_at < due)
		due = world->freeze_at;
	return world->hiccup_at < due ? world->hiccup_at : due;
}

static void begin_faults(struct ac97_world *world)
{
	if (world->now >= world->freeze_at) {
		world->frozen_until = world->now + draw(world, &world->conf.freeze);
		world->freeze_at = world->frozen_until + draw(world, &world->conf.freeze_every);
		world->freezes++;
	}
	if (world->now >= world->hiccup_at) {
		world->hiccup_until = world->now + draw(world, &world->conf.hiccup);
		world->hiccup_at = world->hiccup_until + draw(world, &world->conf.hiccup_every);
		world->hiccups++;
	}
}

static void outside(struct ac97_world *world)
{
	begin_faults(world);
	if (world->conf.host_threaded)
		ac97_host_run(world);
	if (world->now >= lane_due(world)) {
		if (world->now >= world->extra_at)
			world->extra_at = next_of(world, &world->conf.extra);
		lane(world);
		watch_fill(world);
	}
}

/* Time goes by inside an access: whatever needs no guest happens. */
static void pass(struct ac97_world *world, vmsnd_ns ns)
{
	vmsnd_ns to = world->now + ns;

	while (outside_due(world) <= to) {
		world->now = outside_due(world) > world->now ? outside_due(world) : world->now;
		outside(world);
	}
	world->now = to;
}

/* ---- the guest ------------------------------------------------------------------------ */

static void step_players(struct ac97_world *world)
{
	if (world->conf.play.periods)
		vmsnd_ac97_player_step(&world->player);
	if (world->conf.record.periods)
		vmsnd_ac97_player_step(&world->recorder);
}

static vmsnd_ns thawed(const struct ac97_world *world, vmsnd_ns at)
{
	return at != VMSND_NEVER && at < world->frozen_until ? world->frozen_until : at;
}

static vmsnd_ns guest_due(const struct ac97_world *world)
{
	vmsnd_ns irq = world->line ? thawed(world, world->irq_at) : VMSND_NEVER;
	vmsnd_ns app = thawed(world, world->app_at);

	if (world->in_guest)
		return VMSND_NEVER;
	return irq < app ? irq : app;
}

static void guest_turn(struct ac97_world *world)
{
	world->in_guest = true;
	if (world->line && thawed(world, world->irq_at) <= world->now) {
		world->risen = false;
		vmsnd_ac97_guest_interrupt(&world->guest);
		if (!world->risen)
			world->irq_at = world->now + AGAIN_NS;
		world->app_at = world->now + draw(world, &world->conf.app_late);
	}
	if (thawed(world, world->app_at) <= world->now) {
		world->app_at = VMSND_NEVER;
		step_players(world);
	}
	world->in_guest = false;
	lane(world);
}

void ac97_world_run(struct ac97_world *world, vmsnd_ns to)
{
	for (;;) {
		vmsnd_ns out = outside_due(world), guest = guest_due(world);
		vmsnd_ns due = out < guest ? out : guest;

		if (due > to)
			break;
		if (due > world->now)
			world->now = due;
		if (out <= guest)
			outside(world);
		else
			guest_turn(world);
	}
	if (to > world->now)
		world->now = to;
}

/* ---- the guest's machine --------------------------------------------------------------- */

static void on_level(void *ctx, bool high)
{
	struct ac97_world *world = ctx;

	assert_int_equal(world->line, !high);
	world->line = high;
	if (!high)
		return;
	world->risen = true;
	world->irq_at = world->now + draw(world, &world->conf.late);
	if (world->n_levels < WORLD_LEVELS_MAX)
		world->levels[world->n_levels++] = world->now;
}

static vmsnd_ns host_now(void *ctx)
{
	const struct ac97_world *world = ctx;

	return world->now;
}

static void host_wait(void *ctx, vmsnd_ns ns)
{
	struct ac97_world *world = ctx;

	ac97_world_run(world, world->now + ns);
}

static enum vmsnd_rc host_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct ac97_world *world = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(world->machine, 0, &region, world->now);
}

static bool host_interrupted(void *ctx)
{
	const struct ac97_world *world = ctx;

	return world->line;
}

/* An access waits for the card, if that is not running, and for the bus. */
static struct vmsnd_pci_access take_time(struct ac97_world *world,
					 const struct vmsnd_pci_access *access)
{
	struct vmsnd_pci_access at = *access;

	if (world->now < world->hiccup_until)
		pass(world, world->hiccup_until - world->now);
	pass(world, draw(world, &world->conf.access));
	if (world->now >= world->lane_at)
		lane(world);
	at.now = world->now;
	return at;
}

static void see_zero(struct ac97_world *world, const struct vmsnd_pci_access *access,
		     const void *from)
{
	uint64_t at = VMSND_AC97_PICB + 0x10u;
	uint16_t picb;

	memcpy(&picb, from, sizeof(picb));
	if (access->region == world->guest.master_bar && access->bytes == 2 &&
	    access->offset == at && world->guest.streams[VMSND_AC97_PCM_OUT].running)
		world->zero_reads += picb == 0;
}

static void bus_bar(void *ctx, unsigned index, struct vmsnd_pci_bar *out)
{
	const struct ac97_world *world = ctx;

	world->bus.bar(world->bus.ctx, index, out);
}

static void bus_read(void *ctx, const struct vmsnd_pci_access *access, void *to)
{
	struct ac97_world *world = ctx;
	struct vmsnd_pci_access at = take_time(world, access);

	world->bus.read(world->bus.ctx, &at, to);
	if (at.bytes == 2)
		see_zero(world, &at, to);
}

static void bus_write(void *ctx, const struct vmsnd_pci_access *access, const void *from)
{
	struct ac97_world *world = ctx;
	struct vmsnd_pci_access at = take_time(world, access);

	world->bus.write(world->bus.ctx, &at, from);
	lane(world);
}

/* ---- the world ------------------------------------------------------------------------- */

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct ac97_world *world = ctx;

	if (level <= VMSND_LOG_WARNING)
		snprintf(world->log, sizeof(world->log), "%s", line);
}

static void add_card(struct ac97_world *world)
{
	char device[200];
	const struct vmsnd_card_conf card = {.device = device,
					     .backend = world->conf.host_threaded ? "by-thread"
										  : "by-lane",
					     .transport = "in-process",
					     .listen_fd = -1};
	const struct vmsnd_interrupt interrupt = {.ctx = world, .level = on_level};

	snprintf(device, sizeof(device), "ac97,name=ac97,input=on%s%s",
		 world->conf.device ? "," : "", world->conf.device ? world->conf.device : "");
	if (vmsnd_machine_add(world->machine, &card, world->now))
		ac97_world_fail(world, "the card was refused: %s", world->log);
	assert_int_equal(vmsnd_machine_pci_bus(world->machine, 0, &world->bus), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(world->machine, 0, &interrupt), VMSND_OK);
}

static void open_guest(struct ac97_world *world)
{
	const struct vmsnd_ac97_guest_conf conf = {
	    .pci = {.bus = {.ctx = world, .bar = bus_bar, .read = bus_read, .write = bus_write},
		    .host = {.ctx = world,
			     .now = host_now,
			     .wait = host_wait,
			     .share = host_share,
			     .interrupted = host_interrupted}},
	    .memory = world->memory,
	    .memory_bytes = MEMORY_BYTES,
	    .gpa = MEMORY_GPA,
	    .by_ports = world->conf.by_ports,
	    .in_vm = world->conf.in_vm};
	enum vmsnd_rc rc = vmsnd_ac97_guest_open(&world->guest, &conf);

	if (rc)
		ac97_world_fail(world, "the driver: %s", vmsnd_rc_text(rc));
}

void ac97_world_open(struct ac97_world *world, const struct ac97_world_conf *conf)
{
	struct vmsnd_machine_conf machine = {.log = {.ctx = world, .write = log_line}};

	memset(world, 0, sizeof(*world));
	world->conf = *conf;
	world->dice = (conf->seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	world->now = 86400 * SECOND + 123456789;
	world->lane_at = world->irq_at = world->app_at = world->extra_at = VMSND_NEVER;
	world->freeze_at = world->hiccup_at = VMSND_NEVER;
	world->fill_low = UINT64_MAX;
	world->memory = aligned_alloc(4096, MEMORY_BYTES);
	assert_non_null(world->memory);
	assert_int_equal(vmsnd_registry_open(NULL, &world->registry), VMSND_OK);
	ac97_host_begin(world);
	machine.registry = world->registry;
	assert_int_equal(vmsnd_machine_open(&machine, &world->machine), VMSND_OK);
	add_card(world);
	open_guest(world);
}

void ac97_world_close(struct ac97_world *world)
{
	vmsnd_machine_close(world->machine, world->now);
	vmsnd_registry_close(world->registry);
	free(world->memory);
}

/* ---- playing --------------------------------------------------------------------------- */

static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	struct ac97_world *world = ctx;

	ac97_frames_put(&world->conf.play.format, to, world->number + 1, frames);
	world->number += frames;
	return frames;
}

static void write_numbers(void *ctx, const void *sound, uint32_t frames)
{
	struct ac97_world *world = ctx;
	const struct vmsnd_format *format = &world->conf.record.format;
	const uint8_t *at = sound;

	for (uint32_t i = 0; i < frames; i++, at += vmsnd_format_frame_bytes(format))
		ac97_ear_hear(world, &world->got, ac97_frame_number(format, at));
}

static bool is_over(const struct ac97_world *world)
{
	return (!world->conf.play.periods || world->player.state >= VMSND_AC97_PLAYER_DONE) &&
	       (!world->conf.record.periods || world->recorder.state >= VMSND_AC97_PLAYER_DONE);
}

/* Whether the guest cannot but lose some of what it records: it takes longer than a period over
 * each interrupt, of which there is one for each completion; or what a hiccup held back is more
 * than its buffer takes at once. */
static bool late_for_recording(const struct ac97_world *world)
{
	const struct vmsnd_guest_params *params = &world->conf.record;
	uint64_t late, hiccup;

	if (params->periods == 0)
		return false;
	late = (world->conf.late.high + 2 * MS) * params->format.rate_hz / SECOND;
	hiccup = (world->conf.hiccup.high + 20 * MS) * params->format.rate_hz / SECOND;
	return late >= params->period_frames ||
	       (world->conf.hiccup.high && hiccup >= params->period_frames * params->periods);
}

void ac97_world_play(struct ac97_world *world, vmsnd_ns at_most)
{
	struct vmsnd_ac97_player_conf play = {.stream = world->conf.play_on ? world->conf.play_on
									    : VMSND_AC97_PCM_OUT,
					      .params = world->conf.play,
					      .frames = world->conf.frames,
					      .ctx = world,
					      .read = read_numbers,
					      .write = write_numbers};
	struct vmsnd_ac97_player_conf record = play;
	vmsnd_ns limit = world->now + at_most;

	world->got.may_skip = world->conf.freeze.high > 0 || late_for_recording(world);
	record.stream = world->conf.record_on;
	record.params = world->conf.record;
	vmsnd_ac97_player_init(&world->player, &world->guest, &play);
	vmsnd_ac97_player_init(&world->recorder, &world->guest, &record);
	world->freeze_at = next_of(world, &world->conf.freeze_every);
	world->hiccup_at = next_of(world, &world->conf.hiccup_every);
	world->extra_at = next_of(world, &world->conf.extra);
	world->app_at = world->now;
	while (!is_over(world)) {
		if (world->now > limit)
			ac97_world_fail(world,
					"not done in time: %llu frames played, %llu recorded",
					(unsigned long long)world->player.frames_completed,
					(unsigned long long)world->recorder.frames_completed);
		ac97_world_run(world, world->now + 10 * MS);
	}
	world->freeze_at = world->hiccup_at = world->extra_at = VMSND_NEVER;
	world->fill_from = 0;
	/* What the rings still hold. */
	ac97_world_run(world, world->now + SECOND);
}

static void check_player(struct ac97_world *world, const struct vmsnd_ac97_player *player,
			 const char *what)
{
	if (player->state != VMSND_AC97_PLAYER_DONE)
		ac97_world_fail(world, "%s: %s", what, vmsnd_rc_text(player->rc));
	if (player->frames_completed < world->conf.frames)
		ac97_world_fail(world, "%s: %llu frames of %llu", what,
				(unsigned long long)player->frames_completed,
				(unsigned long long)world->conf.frames);
}

void ac97_world_check(struct ac97_world *world)
{
	if (world->conf.play.periods) {
		uint32_t period_frames = world->conf.play.period_frames;

		check_player(world, &world->player, "playback");
		if (world->ear.next != world->conf.frames + 1)
			ac97_world_fail(world, "only %llu frames were heard",
					(unsigned long long)world->ear.next - 1);
		if (world->player.xruns)
			ac97_world_fail(world, "%llu xruns",
					(unsigned long long)world->player.xruns);
		if (world->player.guest->streams[world->player.conf.stream].doubled)
			ac97_world_fail(world, "two completions shared an interrupt");
		/* Silence to the period's end; one or two more, when the guest froze between the
		 * last interrupt and its stop. */
		if (ac97_world_counter(world, "playback0.frames") >
		    world->conf.frames + 3ull * period_frames)
			ac97_world_fail(world, "more was played than the buffer held");
	}
	if (world->conf.record.periods) {
		check_player(world, &world->recorder, "capture");
		if (world->recorder.xruns)
			ac97_world_fail(world, "%llu overruns",
					(unsigned long long)world->recorder.xruns);
	}
	if (world->zero_reads)
		ac97_world_fail(world, "PICB was 0 %llu times while the engine ran",
				(unsigned long long)world->zero_reads);
}

uint64_t ac97_world_counter(struct ac97_world *world, const char *name)
{
	struct vmsnd_named_counter list[128];
	size_t n = vmsnd_machine_counters(world->machine, 0, list, 128);

	for (size_t i = 0; i < n && i < 128; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	ac97_world_fail(world, "no counter '%s'", name);
}
