/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration in a saved state: what it brings back, what it must not bring, and that nothing
 * gets into a machine that could not be brought back (SS-02, CF-06). */
#include <stdlib.h>
#include <string.h>

#include "../sim/sim.h"

struct machine {
	struct vmsnd_machine *machine;
	unsigned lines;
	char line[512];
};

static void count_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct machine *machine = ctx;

	if (level > VMSND_LOG_WARNING)
		return;
	machine->lines++;
	snprintf(machine->line, sizeof(machine->line), "%s", line);
}

static struct vmsnd_node *parse(const char *yaml)
{
	struct vmsnd_error error = {""};
	struct vmsnd_node *root;

	if (vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error))
		fail_msg("%s", error.line);
	return root;
}

static void open_machine(struct machine *to, unsigned lanes)
{
	const struct vmsnd_machine_conf conf = {
	    .log = {to, count_line}, .off = true, .lanes = lanes, .restores = lanes > 0};

	*to = (struct machine){.lines = 0};
	assert_int_equal(vmsnd_machine_open(&conf, &to->machine), VMSND_OK);
}

static void build(struct machine *to, const struct vmsnd_node *root, unsigned lanes)
{
	open_machine(to, lanes);
	if (vmsnd_machine_build(to->machine, root, NULL, 0, 0))
		fail_msg("%s", to->line);
}

/* What serve --restore does: a machine of what is in the state, then the state. */
static void bring_back(struct machine *from, struct machine *to, unsigned lanes)
{
	struct vmsnd_error error = {""};
	struct vmsnd_node *root;
	uint8_t *bytes;
	size_t n;

	assert_int_equal(vmsnd_machine_save(from->machine, 0, &bytes, &n), VMSND_OK);
	if (vmsnd_state_tree(bytes, n, &root, &error))
		fail_msg("%s", error.line);
	build(to, root, lanes);
	if (vmsnd_machine_load(to->machine, bytes, n, 0))
		fail_msg("%s", to->line);
	vmsnd_tree_free(root);
	free(bytes);
}

static void close_both(struct machine *a, struct machine *b)
{
	vmsnd_machine_close(a->machine, 0);
	vmsnd_machine_close(b->machine, 0);
}

/* ---- rules ---- */

static const char ruled[] =
    "transforms:\n"
    "  - {below: 'null', drivers: [{driver: delay, ms: 10}]}\n"
    "cards:\n"
    "  a: {device: virtio-snd, transport: in-process, outputs: [{backend: 'null'}]}\n";

static unsigned n_drivers_of(struct machine *machine, unsigned output)
{
	char path[64];
	struct vmsnd_node *tree = vmsnd_machine_tree(machine->machine, false);
	const struct vmsnd_node *list;
	unsigned n = 0;

	snprintf(path, sizeof(path), "cards.a.outputs.%u.drivers", output);
	list = vmsnd_node_find(tree, path);
	for (list = list ? vmsnd_node_first(list) : NULL; list; list = vmsnd_node_next(list))
		n++;
	vmsnd_tree_free(tree);
	return n;
}

static unsigned n_drivers(struct machine *machine)
{
	return n_drivers_of(machine, 0);
}

static void test_SS02_what_a_rule_put_in_comes_back_once(void **state)
{
	struct vmsnd_node *root = parse(ruled);
	struct machine machine, again;

	build(&machine, root, 0);
	assert_int_equal(n_drivers(&machine), 1);
	bring_back(&machine, &again, 0);
	assert_int_equal(n_drivers(&again), 1);
	close_both(&machine, &again);
	vmsnd_tree_free(root);
}

/* What a device reads of its node besides options comes back with it, and is in the effective
 * configuration, with or without defaults. */
static void test_SS02_children_of_a_card_come_back(void **state)
{
	struct vmsnd_node *root =
	    parse("cards:\n"
		  "  a:\n"
		  "    device: virtio-snd\n"
		  "    transport: in-process\n"
		  "    playback: 2\n"
		  "    streams: {playback1: {group: 1, channels: 6-8, outputs: 1}}\n"
		  "    outputs: [{backend: 'null'}, {backend: 'null'}]\n");
	struct vmsnd_stream_status streams[8];
	struct machine machine, again;
	size_t n;

	build(&machine, root, 0);
	bring_back(&machine, &again, 0);
	n = vmsnd_machine_streams(again.machine, 0, streams, 8);
	assert_int_equal(n, 5); /* playback0 on both, playback1 on one, capture0 on both */
	for (size_t i = 0; i < n; i++)
		assert_false(streams[i].dir == VMSND_PLAYBACK && streams[i].stream == 1 &&
			     streams[i].output != 1);
	for (unsigned defaults = 0; defaults < 2; defaults++) {
		struct vmsnd_node *tree = vmsnd_machine_tree(again.machine, defaults);
		const char *word;

		vmsnd_leaf_text(tree, "cards.a.streams.playback1.channels", "", &word);
		assert_string_equal(word, "6-8");
		vmsnd_tree_free(tree);
	}
	close_both(&machine, &again);
	vmsnd_tree_free(root);
}

static void test_SS02_what_an_owner_took_out_stays_out(void **state)
{
	struct vmsnd_driver_place top = {.card = 0, .output = 0, .at = 0};
	struct vmsnd_node *root = parse(ruled), *tree;
	struct machine machine, again, third;
	unsigned output;

	build(&machine, root, 0);
	assert_int_equal(vmsnd_machine_driver_detach(machine.machine, &top, 0), VMSND_OK);
	assert_int_equal(n_drivers(&machine), 0);
	bring_back(&machine, &again, 0);
	assert_int_equal(n_drivers(&again), 0);
	/* The same for who makes a machine of the effective configuration. */
	tree = vmsnd_machine_tree(again.machine, false);
	build(&third, tree, 0);
	assert_int_equal(n_drivers(&third), 0);
	/* Another chain is a new one, to which rules apply. */
	assert_int_equal(vmsnd_machine_detach(third.machine, 0, 0, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_attach(third.machine, 0, "null", 0, &output), VMSND_OK);
	assert_int_equal(n_drivers_of(&third, output), 1);
	vmsnd_tree_free(tree);
	vmsnd_machine_close(third.machine, 0);
	close_both(&machine, &again);
	vmsnd_tree_free(root);
}

static void test_CF06_rules_leave_an_output_alone_that_says_so(void **state)
{
	struct vmsnd_node *root = parse(ruled);
	struct machine machine;

	vmsnd_leaf_set_bool(vmsnd_node_find(root, "cards.a.outputs.0"), "transforms", false);
	build(&machine, root, 0);
	assert_int_equal(n_drivers(&machine), 0);
	vmsnd_machine_close(machine.machine, 0);
	vmsnd_tree_free(root);
}

/* ---- lanes ---- */

static void test_SS02_cards_come_back_to_their_lanes(void **state)
{
	struct vmsnd_node *root = parse(
	    "cards: {a: {device: virtio-snd, transport: in-process, lane: 1, outputs: []}}\n");
	struct vmsnd_error error;
	struct vmsnd_node *saved;
	struct machine machine;
	uint64_t lanes;
	uint8_t *bytes;
	size_t n;

	build(&machine, root, 2);
	assert_int_equal(vmsnd_machine_save(machine.machine, 0, &bytes, &n), VMSND_OK);
	assert_int_equal(vmsnd_state_tree(bytes, n, &saved, &error), VMSND_OK);
	assert_int_equal(vmsnd_leaf_uint(saved, "lanes", 0, &lanes), VMSND_OK);
	assert_int_equal(lanes, 2);
	assert_int_equal(
	    vmsnd_machine_check(vmsnd_machine_registry(machine.machine), saved, &error), VMSND_OK);
	vmsnd_tree_free(saved);
	vmsnd_machine_close(machine.machine, 0);
	vmsnd_tree_free(root);
	free(bytes);
}

/* ---- what cannot be brought back does not get in ---- */

static void test_CF02_a_card_added_is_held_to_the_rules_of_files(void **state)
{
	static const struct {
		const char *yaml, *words;
	} rows[] = {
	    {"{device: virtio-snd, transport: in-process, ouputs: [{backend: 'null'}]}",
	     "'ouputs' (did you mean 'outputs'?)"},
	    {"{device: virtio-snd, transport: in-process, outputs: {foo: {backend: 'null'}}}",
	     "foo"},
	    {"{device: virtio-snd, transport: in-process, outputs: {8: {backend: 'null'}}}", "8"},
	    {"{device: virtio-snd, transport: in-process, number: 4294967304}", "number"},
	    {"{device: virtio-snd, transport: in-process, kolour: red}", "'kolour'"},
	    {"{device: virtio-snd, transport: in-process, outputs: [{backend: 'nul'}]}", "'null'"},
	    {"{device: virtio-snd, transport: in-process, outputs: [{backend: 'null', drivers: "
	     "[{driver: delay, sm: 1}]}]}",
	     "'sm'"},
	};
	struct machine machine;

	open_machine(&machine, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_node *node = parse(rows[i].yaml);

		machine.lines = 0;
		assert_int_not_equal(vmsnd_machine_add_node(machine.machine, node, -1, 0, NULL),
				     VMSND_OK);
		assert_int_equal(machine.lines, 1);
		if (!strstr(machine.line, rows[i].words))
			fail_msg("'%s' does not say '%s'", machine.line, rows[i].words);
		assert_int_equal(vmsnd_machine_status(machine.machine).cards, 0);
		vmsnd_tree_free(node);
	}
	vmsnd_machine_close(machine.machine, 0);
}

/* More than a file may have (1 MiB), as many cards come to. */
static void test_SS_a_configuration_beyond_a_file_s_limit(void **state)
{
	static const char output[] =
	    "null,dir=playback,sample=S24_3,rate=44100,channels=2,period-ms=10,buffer-ms=40,"
	    "prebuffer-ms=0,quality=best,dither=off,refill=off,retry-s=7,drain-ms=1234,volume=-3.5";
	struct vmsnd_card_conf conf = {
	    .device = "virtio-snd", .transport = "in-process", .listen_fd = -1, .backend = output};
	struct machine machine, again;
	struct vmsnd_node *tree;
	char *text;

	for (unsigned i = 0; i + 1 < VMSND_OUTPUTS_MAX; i++)
		conf.more[i] = output;
	open_machine(&machine, 0);
	for (unsigned i = 0; i < 500; i++)
		if (vmsnd_machine_add(machine.machine, &conf, 0))
			fail_msg("%s", machine.line);
	tree = vmsnd_machine_tree(machine.machine, false);
	text = vmsnd_yaml_dump(tree);
	assert_true(strlen(text) > 1024 * 1024);
	free(text);
	vmsnd_tree_free(tree);
	bring_back(&machine, &again, 0);
	assert_int_equal(vmsnd_machine_status(again.machine).cards, 500);
	close_both(&machine, &again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS02_what_a_rule_put_in_comes_back_once),
	    cmocka_unit_test(test_SS02_children_of_a_card_come_back),
	    cmocka_unit_test(test_SS02_what_an_owner_took_out_stays_out),
	    cmocka_unit_test(test_CF06_rules_leave_an_output_alone_that_says_so),
	    cmocka_unit_test(test_SS02_cards_come_back_to_their_lanes),
	    cmocka_unit_test(test_CF02_a_card_added_is_held_to_the_rules_of_files),
	    cmocka_unit_test(test_SS_a_configuration_beyond_a_file_s_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
