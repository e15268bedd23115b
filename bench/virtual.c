/* SPDX-License-Identifier: BSD-3-Clause */
/* Audio seconds per CPU second in virtual time: guest, card, connector and backend in one
 * process, no wire and no waiting. Usage: bench-virtual [audio-seconds] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/player.h"
#include "server.h"
#include "vmsnd/machine.h"

#define MEMORY_BYTES (1u << 20)
#define CARDS_MAX    100u

struct bench_case {
	const char *text;
	unsigned cards;
	uint32_t period_frames, periods;
	bool event_idx, indirect, fill;
};

static const struct bench_case cases[] = {
    {"48 kHz stereo S16, 4 x 10 ms", 1, 480, 4, true, true, false},
    {"the same, the guest writes its sound", 1, 480, 4, true, true, true},
    {"the same, no EVENT_IDX, no INDIRECT", 1, 480, 4, false, false, false},
    {"the same, 4 x 2.5 ms", 1, 120, 4, true, true, false},
    {"the same, 4 x 100 ms", 1, 4800, 4, true, true, false},
    {"100 cards, 4 x 10 ms", 100, 480, 4, true, true, false},
};

static uint32_t read_nothing(void *ctx, void *to, uint32_t frames)
{
	return frames;
}

static uint32_t read_copy(void *ctx, void *to, uint32_t frames)
{
	memcpy(to, ctx, (size_t)frames * 4);
	return frames;
}

struct world {
	struct vmsnd_machine *machine;
	struct vmsnd_guest *guests[CARDS_MAX];
	void *memory[CARDS_MAX];
	struct vmsnd_guest_player players[CARDS_MAX];
};

static void add_card(struct world *world, unsigned i, const struct bench_case *row, uint64_t frames)
{
	static uint8_t sound[4800 * 4];
	struct vmsnd_card_conf card = {
	    .device = "virtio-snd,capture=0", .transport = "in-process", .listen_fd = -1};
	struct vmsnd_guest_conf conf = {.memory_bytes = MEMORY_BYTES,
					.gpa = UINT64_C(0x40000000),
					.event_idx = row->event_idx,
					.indirect = row->indirect,
					.by_interrupt = true};
	struct vmsnd_guest_player_conf player = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
		       row->period_frames,
		       row->periods},
	    .frames = frames,
	    .ctx = sound,
	    .read = row->fill ? read_copy : read_nothing};

	world->guests[i] = calloc(1, sizeof(*world->guests[i]));
	world->memory[i] = conf.memory = aligned_alloc(4096, MEMORY_BYTES);
	if (!world->guests[i] || !conf.memory || vmsnd_machine_add(world->machine, &card, 0) ||
	    vmsnd_machine_guest_bus(world->machine, i, &conf.bus) ||
	    vmsnd_guest_open(world->guests[i], &conf, 0))
		bench_fail("no card");
	vmsnd_guest_player_init(&world->players[i], world->guests[i], &player);
}

static void run(struct world *world, unsigned cards)
{
	vmsnd_ns now = 0, next;
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < cards; i++)
			more |= vmsnd_guest_player_step(&world->players[i], now);
		next = vmsnd_machine_advance(world->machine, now);
		if (more && next == VMSND_NEVER)
			bench_fail("nothing is due any more");
		now = next > now && next != VMSND_NEVER ? next : now;
		vmsnd_machine_advance(world->machine, now);
	}
}

static void measure(const struct bench_case *row, unsigned seconds)
{
	struct vmsnd_machine_conf conf = {0};
	struct world *world = calloc(1, sizeof(*world));
	uint64_t frames = (uint64_t)seconds * 48000 / row->cards, begin, spent;

	if (!world || vmsnd_machine_open(&conf, &world->machine))
		bench_fail("out of memory");
	for (unsigned i = 0; i < row->cards; i++)
		add_card(world, i, row, frames);
	begin = bench_own_cpu_ns();
	run(world, row->cards);
	spent = bench_own_cpu_ns() - begin;
	for (unsigned i = 0; i < row->cards; i++)
		if (world->players[i].frames_completed != frames)
			bench_fail("frames are missing");
	printf("  %-40s %9.0f audio s per CPU s  %6.0f ns a period\n", row->text,
	       (double)seconds * 1e9 / (double)spent,
	       (double)spent / ((double)seconds * 48000 / row->period_frames));
	vmsnd_machine_close(world->machine, 0);
	for (unsigned i = 0; i < row->cards; i++) {
		free(world->memory[i]);
		free(world->guests[i]);
	}
	free(world);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 3600;

	if (seconds == 0)
		bench_fail("usage: bench-virtual [audio-seconds]");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(&cases[i], seconds);
	return 0;
}
