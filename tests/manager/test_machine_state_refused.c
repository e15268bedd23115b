/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved states of other versions, of other machines, and damaged ones: each is taken whole, or
 * refused in one line and the machine is as it was (SS-01, SS-02). */
#include <stdlib.h>
#include <string.h>

#include "../sim/sim.h"

#define HEADER  28u
#define SECTION 40u
#define PERIOD  441u

static const char two_cards[] =
    "cards:\n"
    "  a: {device: virtio-snd, transport: in-process, capture: 0, outputs: [{backend: 'null', "
    "drivers: [{driver: delay, ms: 1}]}]}\n"
    "  b: {device: virtio-snd, transport: virtio-mmio, outputs: [{backend: 'null'}]}\n";

struct state {
	uint8_t *bytes;
	size_t n;
};

struct machine {
	struct vmsnd_machine *machine;
	unsigned lines;
	char line[256];
};

static void count_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct machine *machine = ctx;

	if (level > VMSND_LOG_WARNING)
		return;
	machine->lines++;
	snprintf(machine->line, sizeof(machine->line), "%s", line);
}

static void build(struct machine *to, const char *yaml)
{
	const struct vmsnd_machine_conf conf = {.log = {to, count_line}, .off = true};
	struct vmsnd_error error = {""};
	struct vmsnd_node *root;

	*to = (struct machine){.lines = 0};
	if (vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error))
		fail_msg("%s", error.line);
	assert_int_equal(vmsnd_machine_open(&conf, &to->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(to->machine, root, NULL, 0, 0), VMSND_OK);
	vmsnd_tree_free(root);
}

static struct state save(struct vmsnd_machine *machine, vmsnd_ns now)
{
	struct state state;

	assert_int_equal(vmsnd_machine_save(machine, now, &state.bytes, &state.n), VMSND_OK);
	return state;
}

static enum vmsnd_rc load(struct machine *machine, const struct state *state)
{
	uint8_t *exact = malloc(state->n ? state->n : 1); /* for those who read beyond it */
	enum vmsnd_rc rc;

	memcpy(exact, state->bytes, state->n);
	machine->lines = 0;
	rc = vmsnd_machine_load(machine->machine, exact, state->n, 0);
	free(exact);
	return rc;
}

static void close_machine(struct machine *machine)
{
	vmsnd_machine_close(machine->machine, 0);
}

/* ---- a state of the two cards, the first of which plays ---- */

static struct vmsnd_guest guest;
static uint8_t memory[1 << 18] __attribute__((aligned(4096)));

static struct state playing(void)
{
	struct vmsnd_guest_conf conf = {
	    .memory = memory, .memory_bytes = sizeof(memory), .gpa = 0x100000};
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	struct vmsnd_guest_player player;
	struct machine machine;
	struct state state;
	vmsnd_ns now = 0;

	memset(memory, 0, sizeof(memory));
	build(&machine, two_cards);
	assert_int_equal(vmsnd_machine_life(machine.machine, VMSND_LIFE_POWER_ON, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_guest_bus(machine.machine, 0, &conf.bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_open(&guest, &conf, now), VMSND_OK);
	signal.end = 1000000;
	vmsnd_guest_player_init(
	    &player, &guest,
	    &(struct vmsnd_guest_player_conf){
		.params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
			   PERIOD,
			   4},
		.frames = UINT64_MAX,
		.ctx = &signal,
		.read = sim_signal_read});
	for (; now < 100 * MS; now += MS) {
		vmsnd_machine_advance(machine.machine, now);
		vmsnd_guest_player_step(&player, now);
	}
	assert_int_equal(player.state, VMSND_GUEST_PLAYER_RUN);
	assert_int_equal(vmsnd_machine_life(machine.machine, VMSND_LIFE_SUSPEND, now), VMSND_OK);
	state = save(machine.machine, now);
	close_machine(&machine);
	return state;
}

/* ---- changing it ---- */

static uint32_t crc_of(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n_a + n_b; i++) {
		crc ^= i < n_a ? a[i] : b[i - n_a];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void seal_header(struct state *state)
{
	put(state->bytes + 16, state->n, 8);
	put(state->bytes + 24, crc_of(state->bytes, 24, NULL, 0), 4);
}

static void seal_section(struct state *state, size_t at)
{
	uint8_t *head = state->bytes + at;

	put(head + 36, crc_of(head, 36, head + SECTION, get(head + 28, 8)), 4);
}

static size_t next_section(const struct state *state, size_t at)
{
	return at == 0 ? HEADER : at + SECTION + get(state->bytes + at + 28, 8);
}

static size_t find_section(const struct state *state, const char *name, uint32_t card)
{
	size_t at = HEADER;

	while (at < state->n && (strncmp((char *)state->bytes + at, name, 16) != 0 ||
				 get(state->bytes + at + 16, 4) != card))
		at = next_section(state, at);
	assert_true(at < state->n);
	return at;
}

static void insert(struct state *state, size_t at, const void *bytes, size_t n)
{
	state->bytes = realloc(state->bytes, state->n + n);
	memmove(state->bytes + at + n, state->bytes + at, state->n - at);
	memcpy(state->bytes + at, bytes, n);
	state->n += n;
}

static struct state copy(const struct state *state)
{
	struct state other = {malloc(state->n), state->n};

	memcpy(other.bytes, state->bytes, state->n);
	return other;
}

/* ---- what is expected ---- */

/* One line with these words, and nothing of the machine is another. */
static void expect_refused(const char *yaml, const struct state *state, enum vmsnd_rc rc,
			   const char *words)
{
	struct machine machine;
	struct state before, after;

	build(&machine, yaml);
	before = save(machine.machine, 0);
	assert_int_equal(load(&machine, state), rc);
	assert_int_equal(machine.lines, 1);
	if (!strstr(machine.line, words))
		fail_msg("'%s' does not say '%s'", machine.line, words);
	assert_int_equal(vmsnd_machine_phase(machine.machine), VMSND_MACHINE_OFF);
	after = save(machine.machine, 0);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.bytes, after.bytes, before.n);
	free(before.bytes);
	free(after.bytes);
	close_machine(&machine);
}

static void expect_loaded(const struct state *state)
{
	struct machine machine;

	build(&machine, two_cards);
	if (load(&machine, state))
		fail_msg("%s", machine.line);
	assert_int_equal(machine.lines, 0);
	close_machine(&machine);
}

/* ---- versions ---- */

static void test_SS_newer_minors_are_read(void **state)
{
	struct state newer = playing();

	put(newer.bytes + 10, 7, 2);
	for (size_t at = HEADER; at < newer.n; at = next_section(&newer, at)) {
		uint8_t *head = newer.bytes + at;
		size_t length = get(head + 28, 8);

		put(head + 26, get(head + 26, 2) + 1, 2);
		put(head + 28, length + 5, 8);
		insert(&newer, at + SECTION + length, "later", 5);
		seal_section(&newer, at);
	}
	seal_header(&newer);
	expect_loaded(&newer);
	free(newer.bytes);
}

static void test_SS_unknown_sections_are_passed_over(void **state)
{
	struct state newer = playing();
	unsigned sections = 0;

	for (size_t at = HEADER; at < newer.n; at = next_section(&newer, at)) {
		uint8_t head[SECTION + 3] = "of the future";

		memcpy(head + 16, newer.bytes + at + 16, 4);
		put(head + 24, 9, 2);
		put(head + 28, 3, 8);
		insert(&newer, at, head, sizeof(head));
		seal_section(&newer, at);
		at = next_section(&newer, at);
		sections += 2;
	}
	put(newer.bytes + 12, sections, 4);
	seal_header(&newer);
	expect_loaded(&newer);
	free(newer.bytes);
}

static void test_SS_newer_majors_are_refused(void **state)
{
	struct state good = playing(), newer = copy(&good);

	put(newer.bytes + 8, 2, 2);
	seal_header(&newer);
	expect_refused(two_cards, &newer, VMSND_E_VERSION, "too new");
	free(newer.bytes);
	for (size_t at = HEADER; at < good.n; at = next_section(&good, at)) {
		newer = copy(&good);
		put(newer.bytes + at + 24, get(newer.bytes + at + 24, 2) + 1, 2);
		seal_section(&newer, at);
		expect_refused(two_cards, &newer, VMSND_E_VERSION, "of another version");
		free(newer.bytes);
	}
	free(good.bytes);
}

/* ---- other machines ---- */

static void test_SS02_other_cards(void **state)
{
	static const struct {
		const char *yaml, *words;
	} rows[] = {
	    {"cards: {a: {device: virtio-snd, transport: in-process, capture: 0}}\n",
	     "it has a card that this machine has not"},
	    {"cards:\n"
	     "  a: {device: virtio-snd, transport: in-process, capture: 0}\n"
	     "  b: {device: virtio-snd, transport: virtio-mmio}\n"
	     "  c: {device: virtio-snd, transport: in-process}\n",
	     "it lacks a card that this machine has"},
	    {"cards:\n"
	     "  a: {device: virtio-snd, transport: in-process, capture: 0}\n"
	     "  x: {device: virtio-snd, transport: virtio-mmio}\n",
	     "it has a card that this machine has not"},
	    {"cards:\n"
	     "  a: {device: virtio-snd, transport: in-process, capture: 0}\n"
	     "  b: {device: virtio-snd, transport: virtio-mmio, playback: 2}\n",
	     "b: the saved state cannot be loaded: a card has other streams"},
	    {"cards:\n"
	     "  a: {device: virtio-snd, transport: in-process, capture: 0}\n"
	     "  b: {device: virtio-snd, transport: in-process, capture: 2}\n",
	     "a card has other streams"},
	    {"version: 1\n", "it has a card that this machine has not"},
	};
	struct state good = playing();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refused(rows[i].yaml, &good, VMSND_E_INVALID, rows[i].words);
	free(good.bytes);
}

static void test_SS02_a_card_twice(void **state)
{
	struct state twice = playing();
	size_t a = find_section(&twice, "card", 0), b = find_section(&twice, "card", 1);
	uint8_t *card = malloc(b - a);
	size_t n = b - a;

	memcpy(card, twice.bytes + a, n);
	put(twice.bytes + 12, get(twice.bytes + 12, 4) * 2, 4);
	for (size_t at = a, sections = 0;; at = next_section(&twice, at), sections++)
		if (at == b) {
			put(twice.bytes + 12, get(twice.bytes + 12, 4) / 2 + sections, 4);
			break;
		}
	insert(&twice, b, card, n);
	seal_header(&twice);
	expect_refused(two_cards, &twice, VMSND_E_DAMAGED, "it has a card twice");
	free(card);
	free(twice.bytes);
}

static void test_SS_a_machine_that_is_in_use(void **state)
{
	struct state good = playing();
	struct machine machine;

	build(&machine, two_cards);
	assert_int_equal(load(&machine, &good), VMSND_OK);
	assert_int_equal(load(&machine, &good), VMSND_E_INVALID);
	assert_int_equal(machine.lines, 1);
	assert_non_null(strstr(machine.line, "a guest uses this machine already"));
	close_machine(&machine);
	free(good.bytes);
}

/* ---- damage ---- */

static void test_SS_something_else(void **state)
{
	struct state nothing = {(uint8_t *)(uintptr_t) "", 0};
	struct state text = {(uint8_t *)(uintptr_t) "cards: {a: {device: virtio-snd}} # YAML", 38};

	expect_refused(two_cards, &nothing, VMSND_E_DAMAGED, "it is no saved state of vmsnd");
	expect_refused(two_cards, &text, VMSND_E_DAMAGED, "it is no saved state of vmsnd");
}

/* A header that claims what is not there: nothing is read or allocated for it. */
static void test_SS_sizes_are_not_believed(void **state)
{
	struct state good = playing(), claim = copy(&good);

	put(claim.bytes + 12, UINT32_MAX, 4);
	seal_header(&claim);
	expect_refused(two_cards, &claim, VMSND_E_DAMAGED, "it is not whole");
	memcpy(claim.bytes, good.bytes, good.n);
	put(claim.bytes + 16, UINT64_MAX, 8);
	put(claim.bytes + 24, crc_of(claim.bytes, 24, NULL, 0), 4);
	expect_refused(two_cards, &claim, VMSND_E_DAMAGED, "it is not whole");
	memcpy(claim.bytes, good.bytes, good.n);
	put(claim.bytes + HEADER + 28, UINT64_MAX - 30, 8);
	expect_refused(two_cards, &claim, VMSND_E_DAMAGED, "one of its sections is damaged");
	free(claim.bytes);
	free(good.bytes);
}

static void expect_damaged(struct machine *machine, const struct state *state, size_t at)
{
	if (load(machine, state) != VMSND_E_DAMAGED || machine->lines != 1)
		fail_msg("at %zu: %u lines: %s", at, machine->lines, machine->line);
}

static void expect_same(struct machine *machine, const struct state *before)
{
	struct state after = save(machine->machine, 0);

	assert_int_equal(before->n, after.n);
	assert_memory_equal(before->bytes, after.bytes, after.n);
	free(after.bytes);
}

static void test_SS_every_byte_and_every_length(void **state)
{
	struct state good = playing(), bad = copy(&good), before;
	struct machine machine;

	build(&machine, two_cards);
	before = save(machine.machine, 0);
	for (size_t at = 0; at < good.n; at++) {
		bad.bytes[at] ^= (uint8_t)(1u << at % 8);
		expect_damaged(&machine, &bad, at);
		bad.bytes[at] = good.bytes[at];
	}
	for (size_t n = 0; n < good.n; n++)
		expect_damaged(&machine, &(struct state){good.bytes, n}, n);
	expect_same(&machine, &before);
	assert_int_equal(load(&machine, &good), VMSND_OK);
	close_machine(&machine);
	free(before.bytes);
	free(bad.bytes);
	free(good.bytes);
}

/* With checksums that are right: what is refused has left no trace, what is taken goes on. */
static void change_one(const struct state *good, size_t section, size_t at, uint8_t value)
{
	struct state bad = copy(good), before;
	struct machine machine;
	enum vmsnd_rc rc;

	bad.bytes[at] ^= value;
	seal_section(&bad, section);
	build(&machine, two_cards);
	before = save(machine.machine, 0);
	rc = load(&machine, &bad);
	if (machine.lines != (rc != VMSND_OK))
		fail_msg("at %zu: %s and %u lines: %s", at, vmsnd_rc_text(rc), machine.lines,
			 machine.line);
	assert_int_not_equal(rc, VMSND_E_NOMEM);
	if (rc)
		expect_same(&machine, &before);
	else
		vmsnd_machine_life(machine.machine, VMSND_LIFE_RESUME, 0);
	for (vmsnd_ns now = 0; now < 50 * MS; now += 5 * MS)
		vmsnd_machine_advance(machine.machine, now);
	close_machine(&machine);
	free(before.bytes);
	free(bad.bytes);
}

static void test_SS_every_field_but_with_right_checksums(void **state)
{
	static const uint8_t values[] = {0xFF, 0x01, 0x80};
	struct state good = playing();

	for (size_t at = HEADER; at < good.n; at = next_section(&good, at)) {
		size_t length = get(good.bytes + at + 28, 8);

		for (size_t i = 0; i < length; i++)
			if (i < 200 || i % 37 == 0)
				change_one(&good, at, at + SECTION + i, values[(at + i) % 3]);
	}
	free(good.bytes);
}

/* The first card and the second card's stream were loaded when its device is found to be wrong. */
static void test_SS_half_a_state_is_taken_back(void **state)
{
	struct state bad = playing();
	size_t at = find_section(&bad, "device", 1);

	bad.bytes[at + SECTION] ^= 0xFF;
	seal_section(&bad, at);
	expect_refused(two_cards, &bad, VMSND_E_DAMAGED,
		       "b: the saved state cannot be loaded: its device is damaged");
	free(bad.bytes);
}

/* ---- a device that writes too much ---- */

static size_t hoard_bytes;

static void hoard(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	static const uint8_t block[4096];

	for (size_t left = hoard_bytes; left > 0;) {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		vmsnd_state_put(to, block, n);
		left -= n;
	}
}

static void test_a_device_that_writes_more_than_it_may(void **state)
{
	static const char yaml[] = "cards: {a: {device: hoarder, transport: in-process}}";
	struct vmsnd_dev_class hoarder = *vmsnd_registry_find_device(NULL, "virtio-snd");
	struct machine to = {.lines = 0};
	struct vmsnd_machine_conf conf = {.log = {&to, count_line}, .off = true};
	struct vmsnd_registry *registry;
	struct vmsnd_node *root;
	struct vmsnd_error error;
	struct state saved;

	hoarder.name = "hoarder";
	hoarder.save = hoard;
	assert_int_equal(vmsnd_registry_open(NULL, &registry), VMSND_OK);
	assert_int_equal(vmsnd_registry_add_device(registry, &hoarder), VMSND_RECORD_FINE);
	conf.registry = registry;
	assert_int_equal(vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_machine_open(&conf, &to.machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(to.machine, root, NULL, 0, 0), VMSND_OK);
	hoard_bytes = VMSND_DEV_STATE_BYTES_MAX;
	saved = save(to.machine, 0);
	free(saved.bytes);
	assert_int_equal(to.lines, 0);
	hoard_bytes++;
	assert_int_equal(vmsnd_machine_save(to.machine, 0, &saved.bytes, &saved.n), VMSND_E_LIMIT);
	assert_int_equal(to.lines, 1);
	assert_string_equal(to.line, "a: the state of its hoarder has more than 1048576 bytes, so "
				     "this machine cannot be saved");
	close_machine(&to);
	vmsnd_registry_close(registry);
	vmsnd_tree_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS_newer_minors_are_read),
	    cmocka_unit_test(test_SS_unknown_sections_are_passed_over),
	    cmocka_unit_test(test_SS_newer_majors_are_refused),
	    cmocka_unit_test(test_SS02_other_cards),
	    cmocka_unit_test(test_SS02_a_card_twice),
	    cmocka_unit_test(test_SS_a_machine_that_is_in_use),
	    cmocka_unit_test(test_SS_something_else),
	    cmocka_unit_test(test_SS_sizes_are_not_believed),
	    cmocka_unit_test(test_SS_half_a_state_is_taken_back),
	    cmocka_unit_test(test_a_device_that_writes_more_than_it_may),
	    cmocka_unit_test(test_SS_every_byte_and_every_length),
	    cmocka_unit_test(test_SS_every_field_but_with_right_checksums),
	};

	return cmocka_run_group_tests_name("machine_state_refused", tests, NULL, NULL);
}
