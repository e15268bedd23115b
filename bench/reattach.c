/* SPDX-License-Identifier: BSD-3-Clause */
/* What a re-attach costs who listens: a guest plays numbered frames in virtual time, output 0
 * changes to another host again and again at any moment, and the host counts what it did not get.
 * Usage: bench-reattach [changes] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rate.h"
#include "guests/player.h"
#include "server.h"
#include "vmsnd/machine.h"

#define PERIOD       480u
#define NUMBERS      32767u
#define MEMORY_BYTES (1u << 20)
#define MS           UINT64_C(1000000)

/* What was heard, by whichever host it was. */
struct ear {
	uint64_t next;         /* the number of the frame that is due */
	uint64_t silent, lost; /* frames, since the last change */
	uint64_t again, strange;
	bool begun;
	bool kill; /* the host that plays now is lost */
	bool away; /* none can be opened */
};

static struct ear ear;

/* ---- the host ---- */

struct vmsnd_stream {
	struct vmsnd_backend *host;
	struct vmsnd_stream_user user;
	void *ctx;
	struct vmsnd_block_clock clock;
	bool ended;
	int16_t samples[PERIOD * 2];
};

struct vmsnd_backend {
	struct vmsnd_stream *stream;
};

static enum vmsnd_rc host_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	if (ear.away)
		return VMSND_E_GONE;
	*out = calloc(1, sizeof(**out));
	return *out ? VMSND_OK : VMSND_E_NOMEM;
}

static void host_close(struct vmsnd_backend *host)
{
	free(host);
}

static enum vmsnd_rc host_stream_open(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want,
				      const struct vmsnd_stream_user *user, void *ctx,
				      struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = ear.away ? NULL : calloc(1, sizeof(*stream));

	if (!stream)
		return ear.away ? VMSND_E_GONE : VMSND_E_NOMEM;
	stream->host = host;
	stream->user = *user;
	stream->ctx = ctx;
	vmsnd_block_clock_init(&stream->clock, want->format.rate_hz, PERIOD, 1);
	*got = (struct vmsnd_stream_got){
	    .format = want->format, .period_frames = PERIOD, .max_frames = PERIOD};
	*out = host->stream = stream;
	return VMSND_OK;
}

static enum vmsnd_rc host_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->ended)
		vmsnd_block_clock_start(&stream->clock, now);
	return VMSND_OK;
}

static void host_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	vmsnd_block_clock_stop(&stream->clock);
}

static void host_stream_close(struct vmsnd_stream *stream)
{
	if (stream->host->stream == stream)
		stream->host->stream = NULL;
	free(stream);
}

static void hear(const int16_t *frame)
{
	uint64_t number = (uint64_t)(frame[1] - 1) * NUMBERS + (uint64_t)(frame[0] - 1);

	if (frame[0] == 0 && frame[1] == 0) {
		ear.silent += ear.begun;
		return;
	}
	ear.begun = true;
	if (frame[0] < 1 || frame[1] < 1 || number > ear.next + 48000)
		ear.strange++;
	else if (number < ear.next)
		ear.again++;
	else
		ear.lost += number - ear.next;
	ear.next = ear.next <= number && number <= ear.next + 48000 ? number + 1 : ear.next + 1;
}

static vmsnd_ns host_advance(struct vmsnd_backend *host, vmsnd_ns now)
{
	struct vmsnd_stream *stream = host->stream;
	vmsnd_ns when;

	if (!stream)
		return VMSND_NEVER;
	if (ear.kill && !stream->ended) {
		ear.kill = false;
		stream->ended = true;
		vmsnd_block_clock_stop(&stream->clock);
		stream->user.ended(stream->ctx, VMSND_E_GONE);
	}
	for (when = vmsnd_block_clock_next(&stream->clock);
	     vmsnd_block_clock_tick(&stream->clock, now);
	     when = vmsnd_block_clock_next(&stream->clock)) {
		const struct vmsnd_block block = {
		    .samples = stream->samples, .frames = PERIOD, .when = when};

		stream->user.block_rt(stream->ctx, &block);
		for (unsigned i = 0; i < PERIOD; i++)
			hear(&stream->samples[2 * i]);
	}
	return vmsnd_block_clock_next(&stream->clock);
}

static void host_limits(const struct vmsnd_backend *host, struct vmsnd_backend_limits *out)
{
	*out = (struct vmsnd_backend_limits){1, 0};
}

static const struct vmsnd_backend_class host_class = {.abi = VMSND_BACKEND_ABI,
						      .abi_end = VMSND_BACKEND_ABI,
						      .name = "ear",
						      .summary = "counts what it hears",
						      .open = host_open,
						      .close = host_close,
						      .stream_open = host_stream_open,
						      .stream_start = host_start,
						      .stream_stop = host_stop,
						      .stream_close = host_stream_close,
						      .advance = host_advance,
						      .limits = host_limits};

/* ---- the world ---- */

struct world {
	struct vmsnd_registry *registry;
	struct vmsnd_machine *machine;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
	uint64_t number;
	vmsnd_ns now;
	uint32_t seed;
};

static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	struct world *world = ctx;
	int16_t *at = to;

	for (uint32_t i = 0; i < frames; i++, world->number++) {
		at[2 * i] = (int16_t)(world->number % NUMBERS + 1);
		at[2 * i + 1] = (int16_t)(world->number / NUMBERS % NUMBERS + 1);
	}
	return frames;
}

static struct world *open_world(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct vmsnd_machine_conf conf = {0};
	const struct vmsnd_card_conf card = {.device = "virtio-snd,capture=0",
					     .backend = "ear",
					     .transport = "in-process",
					     .listen_fd = -1};
	struct vmsnd_guest_conf guest = {.memory = aligned_alloc(4096, MEMORY_BYTES),
					 .memory_bytes = MEMORY_BYTES,
					 .gpa = UINT64_C(0x40000000)};
	const struct vmsnd_guest_player_conf play = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 4},
	    .frames = UINT64_MAX,
	    .ctx = world,
	    .read = read_numbers};

	ear = (struct ear){0};
	if (!world || !guest.memory || vmsnd_registry_open(NULL, &world->registry))
		bench_fail("out of memory");
	if (vmsnd_registry_add_backend(world->registry, &host_class) != VMSND_RECORD_FINE)
		bench_fail("the host is refused");
	world->seed = 1;
	world->now = VMSND_NS_PER_SECOND;
	conf.registry = world->registry;
	if (vmsnd_machine_open(&conf, &world->machine) ||
	    vmsnd_machine_add(world->machine, &card, world->now) ||
	    vmsnd_machine_guest_bus(world->machine, 0, &guest.bus) ||
	    vmsnd_guest_open(&world->guest, &guest, world->now))
		bench_fail("no card");
	vmsnd_guest_player_init(&world->player, &world->guest, &play);
	return world;
}

static void close_world(struct world *world)
{
	vmsnd_machine_close(world->machine, world->now);
	vmsnd_registry_close(world->registry);
	free(world->guest.conf.memory);
	free(world);
}

/* The guest looks four times a millisecond, as one does that has an interrupt. */
static void run(struct world *world, vmsnd_ns ns)
{
	vmsnd_ns end = world->now + ns;

	while (world->now < end) {
		vmsnd_ns next;

		if (!vmsnd_guest_player_step(&world->player, world->now))
			bench_fail("the stream ended");
		next = vmsnd_machine_advance(world->machine, world->now);
		if (next <= world->now || next > world->now + MS / 4)
			next = world->now + MS / 4;
		world->now = next < end ? next : end;
	}
	vmsnd_machine_advance(world->machine, world->now);
}

static uint32_t roll(struct world *world, uint32_t below)
{
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 17;
	world->seed ^= world->seed << 5;
	return world->seed % below;
}

/* ---- what is measured ---- */

struct bench_case {
	const char *text;
	bool kill, away;
	enum vmsnd_rc end;
	unsigned aim;     /* frames */
	unsigned late_ms; /* from the loss on */
};

static const struct bench_case cases[] = {
    {"from one that is well to another", false, false, VMSND_OK, 0, 0},
    {"to one that cannot be opened", false, true, VMSND_E_GONE, 0, 0},
    {"from one that has just been lost", true, false, VMSND_OK, PERIOD, 0},
    {"from one that was lost 50 ms ago", true, false, VMSND_OK, 2400 + PERIOD, 50},
};

static uint64_t change(struct world *world, const struct bench_case *row)
{
	const struct vmsnd_chain_conf chain = {.backend = "ear"};
	struct vmsnd_reattach which = {0};

	run(world, 50 * MS + roll(world, 50000) * UINT64_C(1000));
	ear.silent = ear.lost = 0;
	/* A host that is lost cannot be opened anew before another takes its place. */
	ear.away = row->kill;
	for (ear.kill = row->kill; ear.kill;)
		run(world, MS / 10);
	run(world, row->late_ms * MS);
	ear.away = row->away;
	if (vmsnd_machine_reattach(world->machine, &which, &chain, world->now))
		bench_fail("a re-attach is refused");
	run(world, 200 * MS);
	if (vmsnd_machine_reattached(world->machine, &which) != row->end)
		bench_fail("a re-attach ended otherwise");
	return ear.silent + ear.lost;
}

static void measure(const struct bench_case *row, unsigned changes)
{
	struct world *world = open_world();
	uint64_t most = 0, all = 0;

	run(world, 500 * MS);
	for (unsigned i = 0; i < changes; i++) {
		uint64_t frames = change(world, row);

		all += frames;
		most = frames > most ? frames : most;
	}
	printf("  %-36s %4u times: at most %4llu frames lost or silent (aim: %u), %.1f on "
	       "average; %llu twice, %llu not as they were\n",
	       row->text, changes, (unsigned long long)most, row->aim, (double)all / changes,
	       (unsigned long long)ear.again, (unsigned long long)ear.strange);
	close_world(world);
}

int main(int argc, char **argv)
{
	unsigned changes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;

	if (changes == 0)
		bench_fail("usage: bench-reattach [changes]");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(&cases[i], changes);
	return 0;
}
