/* SPDX-License-Identifier: BSD-3-Clause */
/* The world: a machine, its guests, and time. */
#include "sim.h"

#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUEST_GPA          UINT64_C(0x40000000)
#define GUEST_MEMORY_BYTES (8u << 20)

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct sim *sim = ctx;

	if (level > VMSND_LOG_WARNING)
		return;
	sim->log_lines++;
	snprintf(sim->log, sizeof(sim->log), "%s", line);
}

void sim_open(struct sim *sim)
{
	struct vmsnd_machine_conf conf = {.log = {.ctx = sim, .write = log_line}};
	const char *base = getenv("TMPDIR");

	memset(sim, 0, sizeof(*sim));
	sim->now = 86400 * SECOND + 123456789;
	sim->seed = 20240607;
	snprintf(sim->directory, sizeof(sim->directory), "%s/vmsnd-sim-XXXXXX",
		 base ? base : P_tmpdir);
	assert_non_null(mkdtemp(sim->directory));
	assert_int_equal(vmsnd_machine_open(&conf, &sim->machine), VMSND_OK);
}

void sim_close(struct sim *sim)
{
	char command[256];

	vmsnd_machine_close(sim->machine, sim->now);
	for (unsigned i = 0; i < sim->n_cards; i++) {
		free(sim->cards[i]->memory);
		free(sim->cards[i]);
	}
	snprintf(command, sizeof(command), "rm -r '%s'", sim->directory);
	assert_int_equal(system(command), 0);
}

const char *sim_path(struct sim *sim, const char *name)
{
	static char text[4][256];
	static unsigned turn;
	char *at = text[turn++ % 4];

	snprintf(at, sizeof(text[0]), "%s/%s", sim->directory, name);
	return at;
}

const char *sim_file(struct sim *sim, const char *name, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), "file,path=%s/%s%s", sim->directory, name, more);
	return text;
}

bool sim_over_mmio(void)
{
	const char *transport = getenv("VMSND_SIM_TRANSPORT");

	return transport && strcmp(transport, "virtio-mmio") == 0;
}

static void on_level(void *ctx, bool high)
{
	struct sim_card *card = ctx;

	/* Changes only. */
	assert_int_equal(card->line, !high);
	card->line = high;
}

/* InterruptStatus and the line tell the same, whenever the driver looks. */
static uint64_t read_register(void *ctx, uint64_t offset, unsigned bytes)
{
	struct sim_card *card = ctx;
	uint64_t value = card->registers.read(card->registers.ctx, offset, bytes);

	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS)
		assert_int_equal(card->line, value != 0);
	return value;
}

static void write_register(void *ctx, uint64_t offset, unsigned bytes, uint64_t value, vmsnd_ns now)
{
	struct sim_card *card = ctx;

	card->registers.write(card->registers.ctx, offset, bytes, value, now);
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	const struct sim_card *card = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(card->sim->machine, card->number, &region, card->sim->now);
}

static void open_registers(struct sim_card *card, struct vmsnd_guest_bus *out)
{
	const struct vmsnd_interrupt line = {.ctx = card, .level = on_level};
	const struct vmsnd_guest_mmio_conf conf = {
	    .bus = {.ctx = card, .read = read_register, .write = write_register},
	    .memory_ctx = card,
	    .share = share,
	    .now = card->sim->now};
	struct vmsnd_machine *machine = card->sim->machine;

	assert_int_equal(vmsnd_machine_mmio_bus(machine, card->number, &card->registers), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(machine, card->number, &line), VMSND_OK);
	vmsnd_guest_mmio_init(&card->driver, &conf, out);
}

unsigned sim_add_with(struct sim *sim, const char *device, const char *backend,
		      const struct vmsnd_guest_conf *wish)
{
	char text[256];
	struct vmsnd_card_conf conf = {.device = text,
				       .backend = backend,
				       .transport = sim_over_mmio() ? "virtio-mmio" : "in-process",
				       .listen_fd = -1};
	struct vmsnd_guest_conf guest = *wish;
	unsigned number = sim->n_cards++;
	struct sim_card *card = calloc(1, sizeof(*card));

	assert_true(number < SIM_CARDS_MAX);
	assert_non_null(card);
	sim->cards[number] = card;
	card->sim = sim;
	card->number = number;
	snprintf(text, sizeof(text), "virtio-snd%s%s", *device ? "," : "", device);
	if (vmsnd_machine_add(sim->machine, &conf, sim->now))
		fail_msg("the card was refused: %s", sim->log);
	guest.memory_bytes = guest.memory_bytes ? guest.memory_bytes : GUEST_MEMORY_BYTES;
	card->memory = aligned_alloc(4096, guest.memory_bytes);
	assert_non_null(card->memory);
	guest.memory = card->memory;
	guest.gpa = GUEST_GPA;
	guest.by_interrupt = true;
	if (sim_over_mmio())
		open_registers(card, &guest.bus);
	else
		assert_int_equal(vmsnd_machine_guest_bus(sim->machine, number, &guest.bus),
				 VMSND_OK);
	assert_int_equal(vmsnd_guest_open(&card->guest, &guest, sim->now), VMSND_OK);
	return number;
}

unsigned sim_add(struct sim *sim, const char *device, const char *backend)
{
	struct vmsnd_guest_conf wish = {.event_idx = true, .indirect = true};

	return sim_add_with(sim, device, backend, &wish);
}

uint64_t sim_counter(struct sim *sim, unsigned card, const char *name)
{
	struct vmsnd_named_counter list[128];
	size_t n = vmsnd_machine_counters(sim->machine, card, list, 128);

	for (size_t i = 0; i < n && i < 128; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter '%s'", name);
	return 0;
}

uint32_t sim_random(struct sim *sim, uint32_t below)
{
	sim->seed ^= sim->seed << 13;
	sim->seed ^= sim->seed >> 17;
	sim->seed ^= sim->seed << 5;
	return sim->seed % below;
}

/* Goes up whenever one of the players got anywhere. */
static uint64_t progress(const struct vmsnd_guest_player *players, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += players[i].frames_in + players[i].messages_ok + players[i].messages_failed +
		       players[i].state;
	return sum;
}

/* Guests and machine take turns at one moment until neither has more to do; returns the
 * machine's next deadline. */
static vmsnd_ns settle(struct sim *sim, struct vmsnd_guest_player *players, unsigned n, bool *more)
{
	vmsnd_ns next;
	uint64_t before;
	unsigned turns = 0;

	do {
		before = progress(players, n);
		*more = false;
		vmsnd_machine_advance(sim->machine, sim->now);
		for (unsigned i = 0; i < n; i++)
			*more |= vmsnd_guest_player_step(&players[i], sim->now);
		next = vmsnd_machine_advance(sim->machine, sim->now);
		if (++turns > 100000)
			fail_msg("time stands still at %llu", (unsigned long long)sim->now);
	} while (next <= sim->now || progress(players, n) != before);
	return next;
}

void sim_run_until(struct sim *sim, struct vmsnd_guest_player *players, unsigned n, vmsnd_ns to)
{
	bool more;
	vmsnd_ns next = settle(sim, players, n, &more);

	while (sim->now < to) {
		if (next > sim->now)
			sim->now = next < to ? next : to;
		next = settle(sim, players, n, &more);
	}
}

static void check_players(const struct vmsnd_guest_player *players, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (players[i].state == VMSND_GUEST_PLAYER_FAILED)
			fail_msg("player %u: refused with status %#x", i, players[i].status);
}

void sim_run(struct sim *sim, struct vmsnd_guest_player *players, unsigned n, vmsnd_ns at_most)
{
	vmsnd_ns limit = sim->now + at_most, next;
	bool more;

	for (next = settle(sim, players, n, &more); more; next = settle(sim, players, n, &more)) {
		if (next == VMSND_NEVER)
			fail_msg("stuck: nothing is due and player 0 is at %s",
				 vmsnd_guest_player_state_text(players[0].state));
		if (next > limit)
			fail_msg("not done in time; player 0 is at %s",
				 vmsnd_guest_player_state_text(players[0].state));
		sim->now = next;
	}
	check_players(players, n);
}

void sim_run_random(struct sim *sim, struct vmsnd_guest_player *player, vmsnd_ns max_step,
		    vmsnd_ns at_most)
{
	vmsnd_ns limit = sim->now + at_most;

	while (vmsnd_guest_player_step(player, sim->now)) {
		vmsnd_machine_advance(sim->machine, sim->now);
		sim->now += sim_random(sim, (uint32_t)max_step);
		vmsnd_machine_advance(sim->machine, sim->now);
		assert_true(sim->now <= limit);
	}
	check_players(player, 1);
}
