/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: the saved state of a machine that plays, changed as the bytes say and with checksums
 * made right again, is loaded into a machine just built. It is taken whole and goes on, or refused
 * and the machine is as it was; a fresh one takes a good state afterwards. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "guests/player.h"
#include "vmsnd/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define HEADER_BYTES  28u
#define SECTION_BYTES 40u
#define STATE_ROOM    (1u << 20)
#define MS            UINT64_C(1000000)

static const char config[] =
    "cards:\n"
    "  a: {device: virtio-snd, transport: in-process, outputs: [{backend: 'null', drivers: "
    "[{driver: delay, ms: 2}]}, {backend: 'null', volume: -6}]}\n"
    "  b: {device: virtio-snd, transport: virtio-mmio, capture: 0, outputs: [{backend: 'null'}]}\n";

struct input {
	const uint8_t *at;
	size_t left;
};

static struct vmsnd_node *root;
static struct vmsnd_registry *registry;
static uint8_t good[STATE_ROOM], state[STATE_ROOM];
static size_t good_bytes;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static uint32_t take(struct input *in, unsigned bytes)
{
	uint32_t value = 0;

	for (; bytes > 0 && in->left > 0; bytes--, in->left--)
		value = value << 8 | *in->at++;
	return value;
}

static struct vmsnd_machine *build(void)
{
	const struct vmsnd_machine_conf conf = {.registry = registry, .off = true};
	struct vmsnd_machine *machine;

	check(vmsnd_machine_open(&conf, &machine) == VMSND_OK);
	check(vmsnd_machine_build(machine, root, NULL, 0, 0) == VMSND_OK);
	return machine;
}

static size_t save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t *to)
{
	uint8_t *bytes;
	size_t n;

	check(vmsnd_machine_save(machine, now, &bytes, &n) == VMSND_OK && n <= STATE_ROOM);
	memcpy(to, bytes, n);
	free(bytes);
	return n;
}

/* ---- checksums ---- */

static uint64_t get(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* As far as there are sections: their number and the length of the whole are made right, too. */
static size_t seal(size_t n)
{
	size_t at = HEADER_BYTES;
	uint32_t sections = 0;

	while (n - at >= SECTION_BYTES) {
		uint8_t *head = state + at;
		uint64_t length = get(head + 28, 8);

		if (length > n - at - SECTION_BYTES) {
			length = n - at - SECTION_BYTES;
			put(head + 28, length, 8);
		}
		put(head + 36,
		    crc32_z(crc32_z(0, head, 36), length ? head + SECTION_BYTES : head, length), 4);
		at += SECTION_BYTES + length;
		sections++;
	}
	put(state + 12, sections, 4);
	put(state + 16, at, 8);
	put(state + 24, crc32_z(0, state, 24), 4);
	return at;
}

/* ---- changes ---- */

static size_t nth_section(uint32_t n)
{
	size_t at = HEADER_BYTES;

	for (; n > 0; n--) {
		size_t next = at + SECTION_BYTES + get(good + at + 28, 8);

		at = next < good_bytes ? next : HEADER_BYTES;
	}
	return at;
}

/* Bytes of a section that the input picks, most of them near its begin; of its head, too. */
static void change_bytes(struct input *in)
{
	size_t at = nth_section(take(in, 1) % 64);
	size_t length = SECTION_BYTES + get(good + at + 28, 8);
	size_t offset = take(in, 2) % length;

	for (uint32_t n = take(in, 1) % 8 + 1; n > 0 && at + offset < good_bytes; n--)
		state[at + offset++] = (uint8_t)take(in, 1);
}

/* A section is there no more, or its end is not. */
static size_t cut(struct input *in, size_t n)
{
	size_t at = nth_section(take(in, 1) % 64);
	size_t length = SECTION_BYTES + get(good + at + 28, 8), less = take(in, 2) % length + 1;

	if (at + length > n)
		return n;
	memmove(state + at + length - less, state + at + length, n - at - length);
	if (less <= length - SECTION_BYTES)
		put(state + at + 28, length - SECTION_BYTES - less, 8);
	return n - less;
}

static uint32_t read_noise(void *ctx, void *to, uint32_t frames)
{
	memset(to, 0x5A, frames * 4u);
	return frames;
}

/* 80 ms of a guest on the first card. */
static vmsnd_ns play(struct vmsnd_machine *machine)
{
	static uint8_t memory[1 << 18] __attribute__((aligned(4096)));
	static struct vmsnd_guest guest;
	const struct vmsnd_guest_player_conf wish = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, 441, 4},
	    .frames = UINT64_MAX,
	    .read = read_noise};
	struct vmsnd_guest_conf conf = {
	    .memory = memory, .memory_bytes = sizeof(memory), .gpa = 0x100000};
	struct vmsnd_guest_player player;
	vmsnd_ns now = 0;

	check(vmsnd_machine_life(machine, VMSND_LIFE_POWER_ON, 0) == VMSND_OK);
	check(vmsnd_machine_guest_bus(machine, 0, &conf.bus) == VMSND_OK);
	check(vmsnd_guest_open(&guest, &conf, 0) == VMSND_OK);
	vmsnd_guest_player_init(&player, &guest, &wish);
	for (; now < 80 * MS; now += MS) {
		vmsnd_machine_advance(machine, now);
		vmsnd_guest_player_step(&player, now);
	}
	check(player.state == VMSND_GUEST_PLAYER_RUN);
	return now;
}

static void make_good(void)
{
	struct vmsnd_error error;
	struct vmsnd_machine *machine;
	vmsnd_ns now;

	check(vmsnd_registry_open(&(struct vmsnd_registry_conf){0}, &registry) == VMSND_OK);
	check(vmsnd_yaml_parse("fuzz", config, sizeof(config) - 1, &root, &error) == VMSND_OK);
	machine = build();
	now = play(machine);
	good_bytes = save(machine, now, good);
	vmsnd_machine_close(machine, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint8_t before[STATE_ROOM], after[STATE_ROOM];
	struct input in = {data, bytes};
	struct vmsnd_machine *machine;
	size_t n, n_before;

	if (!root)
		make_good();
	memcpy(state, good, good_bytes);
	n = good_bytes;
	for (uint32_t changes = take(&in, 1) % 4 + 1; changes > 0; changes--)
		change_bytes(&in);
	if (take(&in, 1) % 4 == 3)
		n = cut(&in, n);
	if (take(&in, 1) != 0xC5)
		n = seal(n);
	machine = build();
	n_before = save(machine, 0, before);
	if (vmsnd_machine_load(machine, state, n, 0)) {
		check(save(machine, 0, after) == n_before);
		check(memcmp(before, after, n_before) == 0);
		check(vmsnd_machine_load(machine, good, good_bytes, 0) == VMSND_OK);
	}
	check(vmsnd_machine_life(machine, VMSND_LIFE_RESUME, 0) != VMSND_E_INVALID);
	for (vmsnd_ns now = 0; now < 60 * MS; now += 7 * MS)
		vmsnd_machine_advance(machine, now);
	save(machine, 60 * MS, after);
	vmsnd_machine_close(machine, 60 * MS);
	return 0;
}
