/* SPDX-License-Identifier: BSD-3-Clause */
/* Cards of a machine that are not trusted, or traced, while a guest plays. `vmsnd`, which prints
 * traces, is the first argument. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/trace_format.h"
#include "stage.h"
#include "vmsnd/tree.h"

#define GPA    UINT64_C(0x40000000) /* sim.c */
#define FRAMES 24000u

static const char *program;

/* ---- what is common ---- */

/* What the guest's rings and requests take, before it plays: the sound lies behind. */
static uint64_t used_before_sound(void)
{
	struct sim sim;
	uint64_t used;

	sim_open(&sim);
	sim_add(&sim, "capture=0", "null");
	used = sim.cards[0]->guest.memory.used;
	sim_close(&sim);
	return used;
}

/* What a guest has to show for it in the end. */
struct outcome {
	vmsnd_ns started_ns, ended_ns; /* after the beginning */
	uint64_t ok, failed, completed;
	uint64_t latency_frames_max;
	uint64_t kicks, tx_messages;
};

/* Card 0 plays FRAMES into "0.wav". */
static struct outcome play(struct stage *stage, const char *device)
{
	struct vmsnd_guest_player *player = &stage->player;
	vmsnd_ns begin;

	sim_add(&stage->sim, device, sim_file(&stage->sim, "0.wav", ""));
	begin = stage->sim.now;
	stage_play(stage, FRAMES);
	stage_finish(stage);
	return (struct outcome){.started_ns = player->started_at - begin,
				.ended_ns = player->ended_at - begin,
				.ok = player->messages_ok,
				.failed = player->messages_failed,
				.completed = player->frames_completed,
				.latency_frames_max = player->latency_frames_max,
				.kicks = player->guest->kicks,
				.tx_messages = sim_counter(&stage->sim, 0, "tx_messages")};
}

static struct vmsnd_guard_status guard_of(struct stage *stage, unsigned card)
{
	struct vmsnd_guard_status guard;

	assert_int_equal(vmsnd_machine_guard(stage->sim.machine, card, &guard), VMSND_OK);
	return guard;
}

static void expect_exact(struct stage *stage)
{
	vmsnd_machine_close(stage->sim.machine, stage->sim.now);
	sim_assert_file(sim_path(&stage->sim, "0.wav"), &stage->signal, FRAMES, 2 * PERIOD);
}

/* ---- not trusted ---- */

static void test_DM53_a_window_with_all_of_the_guest_in_it_refuses_nothing(void **state)
{
	struct stage stage;

	stage_open(&stage);
	play(&stage, "capture=0,trusted=off,window=0x40000000-0x407fffff");
	assert_false(guard_of(&stage, 0).trusted);
	assert_int_equal(guard_of(&stage, 0).refusals, 0);
	assert_int_equal(sim_counter(&stage.sim, 0, "memory_refusals"), 0);
	expect_exact(&stage);
	stage_forget(&stage);
}

/* Its sound lies beyond the window: every message fails, nothing there is written, requests are
 * answered, and the card beside it plays on. */
static void test_DM53_beyond_its_window_there_is_nothing_for_it(void **state)
{
	struct vmsnd_guest_player players[2];
	struct sim_signal signals[2];
	uint64_t used = used_before_sound();
	struct stage stage;
	char device[128];

	snprintf(device, sizeof(device), "capture=0,name=shut,trusted=off,window=%#llx-%#llx",
		 (unsigned long long)GPA, (unsigned long long)(GPA + used - 1));
	stage_open(&stage);
	sim_add(&stage.sim, device, sim_file(&stage.sim, "shut.wav", ""));
	sim_add(&stage.sim, "capture=0,name=open", sim_file(&stage.sim, "open.wav", ""));
	for (unsigned i = 0; i < 2; i++) {
		signals[i] = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
		signals[i].end = FRAMES;
		players[i] = sim_player(&stage.sim, i, &signals[i], PERIOD, 4);
	}
	sim_run(&stage.sim, players, 2, 60 * SECOND);
	assert_int_equal(players[0].messages_ok, 0);
	assert_int_equal(players[0].messages_failed, FRAMES / PERIOD);
	assert_int_equal(players[1].messages_ok, FRAMES / PERIOD);
	/* Each message once at the least. */
	assert_true(guard_of(&stage, 0).refusals >= FRAMES / PERIOD);
	assert_int_equal(sim_counter(&stage.sim, 0, "memory_refusals"),
			 guard_of(&stage, 0).refusals);
	assert_true(guard_of(&stage, 1).trusted);
	assert_int_equal(guard_of(&stage, 1).refusals, 0);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "open.wav"), &signals[1], FRAMES, 2 * PERIOD);
	/* Not one frame of the other's sound was heard. */
	if (access(sim_path(&stage.sim, "shut.wav"), F_OK) == 0) {
		struct sim_sound sound = sim_sound_load(sim_path(&stage.sim, "shut.wav"));

		assert_int_equal(sim_sound_silence(&sound, 0), sound.frames);
		sim_sound_free(&sound);
	}
	stage_forget(&stage);
}

/* A recording that would go beyond it leaves the guest's memory as it was. */
static void test_DM53_it_writes_nothing_beyond_its_window(void **state)
{
	uint64_t used = used_before_sound();
	struct vmsnd_guest_player player;
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	struct vmsnd_guest_player_conf conf = {.params = {signal.format, PERIOD, 4},
					       .frames = 4800,
					       .ctx = &signal,
					       .write = sim_signal_write};
	struct stage stage;
	const uint8_t *memory;
	char device[128];

	snprintf(device, sizeof(device), "playback=0,input=on,trusted=off,window=%#llx-%#llx",
		 (unsigned long long)GPA, (unsigned long long)(GPA + used - 1));
	signal.end = FRAMES;
	stage_open(&stage);
	sim_sound_save(sim_path(&stage.sim, "in.wav"), &signal, FRAMES);
	snprintf(stage.lines[0], sizeof(stage.lines[0]), "file,dir=capture,in=%s",
		 sim_path(&stage.sim, "in.wav"));
	sim_add(&stage.sim, device, stage.lines[0]);
	vmsnd_guest_player_init(&player, &stage.sim.cards[0]->guest, &conf);
	sim_run(&stage.sim, &player, 1, 60 * SECOND);
	assert_int_equal(player.messages_ok, 0);
	assert_true(guard_of(&stage, 0).refusals > 0);
	/* Of each buffer, only what the guest itself wrote: the stream's number, which is 0. */
	memory = stage.sim.cards[0]->memory;
	for (uint64_t at = used; at < stage.sim.cards[0]->guest.memory.used; at++)
		assert_int_equal(memory[at], 0);
	stage_close(&stage);
}

static void test_DM53_rings_beyond_its_window_are_an_error_of_the_guest(void **state)
{
	struct vmsnd_card_conf conf = {.device =
					   "virtio-snd,name=shut,trusted=off,window=0x1000-0x1fff",
				       .transport = "in-process",
				       .listen_fd = -1};
	struct vmsnd_guest_conf wish = {.memory_bytes = 1u << 20, .gpa = GPA};
	struct vmsnd_guest guest;
	struct stage stage;

	stage_open(&stage);
	assert_int_equal(vmsnd_machine_add(stage.sim.machine, &conf, stage.sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_guest_bus(stage.sim.machine, 0, &wish.bus), VMSND_OK);
	wish.memory = aligned_alloc(4096, wish.memory_bytes);
	assert_non_null(wish.memory);
	assert_int_not_equal(vmsnd_guest_open(&guest, &wish, stage.sim.now), VMSND_OK);
	assert_true(guard_of(&stage, 0).refusals > 0);
	stage_close(&stage);
	free(wish.memory);
}

static void refuse(struct stage *stage, const char *device, const char *line)
{
	struct vmsnd_card_conf conf = {
	    .device = device, .transport = "in-process", .listen_fd = -1};

	assert_int_not_equal(vmsnd_machine_add(stage->sim.machine, &conf, stage->sim.now),
			     VMSND_OK);
	assert_string_equal(stage->sim.log, line);
	assert_int_equal(vmsnd_machine_status(stage->sim.machine).cards, 0);
}

static void test_DM53_DM54_wrong_options_are_one_line_and_no_card(void **state)
{
	struct stage stage;

	stage_open(&stage);
	refuse(&stage, "virtio-snd,window=1-2",
	       "cards.card0: window is for cards that are not trusted: add trusted=off, or leave "
	       "window out");
	refuse(&stage, "virtio-snd,trusted=off,window=2-1",
	       "cards.card0: window=2-1 is no range of addresses: write FIRST-LAST, such as "
	       "0x80000000-0x8fffffff");
	refuse(&stage, "virtio-snd,trace=/nowhere/at/all",
	       "card0: cannot trace into /nowhere/at/all: No such file or directory");
	refuse(&stage, "virtio-snd,trace=/dev/null",
	       "card0: cannot trace into /dev/null: it is not a regular file");
	assert_int_equal(stage.n_lines, 4);
	stage_close(&stage);
}

/* What it is can be read from the effective configuration and from the figures. */
static void test_DM53_DM54_they_are_in_the_trees(void **state)
{
	struct vmsnd_node *tree, *figures;
	struct stage stage;
	char device[256];
	const char *text;
	uint64_t value;
	bool on = true;

	stage_open(&stage);
	snprintf(device, sizeof(device), "name=vm1,trusted=off,window=0-0xffffffff,trace=%s",
		 sim_path(&stage.sim, "a.trace"));
	sim_add(&stage.sim, device, "null");
	tree = vmsnd_machine_tree(stage.sim.machine, true);
	assert_int_equal(vmsnd_leaf_bool(vmsnd_node_find(tree, "cards.vm1"), "trusted", true, &on),
			 VMSND_OK);
	assert_false(on);
	vmsnd_leaf_text(vmsnd_node_find(tree, "cards.vm1"), "window", "", &text);
	assert_string_equal(text, "0-0xffffffff");
	vmsnd_leaf_text(vmsnd_node_find(tree, "cards.vm1"), "trace", "", &text);
	assert_string_equal(text, sim_path(&stage.sim, "a.trace"));
	figures = vmsnd_machine_statistics(stage.sim.machine);
	assert_int_equal(
	    vmsnd_leaf_uint(vmsnd_node_find(figures, "vm1"), "memory_refusals", 9, &value),
	    VMSND_OK);
	assert_int_equal(value, 0);
	assert_int_equal(
	    vmsnd_leaf_uint(vmsnd_node_find(figures, "vm1"), "trace_records", 0, &value), VMSND_OK);
	assert_int_equal(value, guard_of(&stage, 0).records);
	assert_true(value > 0); /* the guest has looked at its card */
	vmsnd_tree_free(figures);
	vmsnd_tree_free(tree);
	stage_close(&stage);
}

/* ---- traced ---- */

static void test_DM54_a_trace_changes_nothing_for_the_guest(void **state)
{
	struct outcome outcomes[2];
	struct stage stage;
	char device[256];

	stage_open(&stage);
	outcomes[0] = play(&stage, "capture=0");
	expect_exact(&stage);
	stage_forget(&stage);

	stage_open(&stage);
	snprintf(device, sizeof(device), "capture=0,trace=%s", sim_path(&stage.sim, "a.trace"));
	outcomes[1] = play(&stage, device);
	assert_true(guard_of(&stage, 0).records > FRAMES / PERIOD);
	assert_int_equal(guard_of(&stage, 0).lost, 0);
	expect_exact(&stage);
	assert_memory_equal(&outcomes[0], &outcomes[1], sizeof(outcomes[0]));
	assert_int_equal(outcomes[0].ok, FRAMES / PERIOD);
	stage_forget(&stage);
}

/* All lines of `vmsnd trace` on the file, which the machine has closed. */
static FILE *print(struct stage *stage, const char *more)
{
	char command[512];
	FILE *lines;

	snprintf(command, sizeof(command), "'%s' trace '%s' %s", program,
		 sim_path(&stage->sim, "a.trace"), more);
	lines = popen(command, "r");
	assert_non_null(lines);
	return lines;
}

/* How many lines hold `part`; of what is behind `number`, if that is not NULL, the sum. */
static unsigned count(struct stage *stage, const char *part, const char *number, uint64_t *sum)
{
	FILE *lines = print(stage, "");
	char line[512];
	unsigned n = 0;

	while (fgets(line, sizeof(line), lines)) {
		const char *at = strstr(line, part);
		const char *digits = at && number ? strstr(at, number) : NULL;

		n += at != NULL;
		if (digits)
			*sum += strtoull(digits + strlen(number), NULL, 0);
	}
	assert_int_equal(pclose(lines), 0);
	return n;
}

static void test_DM54_a_printed_trace_names_what_the_device_did(void **state)
{
	struct outcome outcome;
	struct stage stage;
	uint64_t frames = 0, records;
	char device[256];

	stage_open(&stage);
	snprintf(device, sizeof(device), "capture=0,name=vm1,trace=%s",
		 sim_path(&stage.sim, "a.trace"));
	outcome = play(&stage, device);
	records = guard_of(&stage, 0).records;
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_true(records > 1000);
	assert_int_equal(count(&stage, "card vm1, virtio-snd\n", NULL, NULL), 1);
	assert_int_equal(
	    count(&stage, "mem.add gpa=0x40000000 bytes=8388608 rights=rw -> ok", NULL, NULL), 1);
	assert_true(count(&stage, "dev.features -> 0x", NULL, NULL) > 0);
	assert_int_equal(
	    count(&stage, "dev.queue_start queue=2 size=64 next_avail=0 desc=0x4", NULL, NULL), 1);
	assert_int_equal(count(&stage,
			       "port.prepare playback0 sample=S16 rate_hz=48000 "
			       "channels=2 buffer_frames=1920 period_frames=480 -> ok\n",
			       NULL, NULL),
			 1);
	assert_int_equal(count(&stage, "port.start playback0 -> ok\n", NULL, NULL), 1);
	/* Each of the guest's frames has gone by. */
	count(&stage, "port.commit playback0 ", "frames=", &frames);
	assert_int_equal(frames, FRAMES);
	assert_true(count(&stage, "mem.read gpa=0x4", NULL, NULL) >= FRAMES / PERIOD);
	assert_int_equal(count(&stage, "port.release playback0\n", NULL, NULL), 1);
	assert_true(count(&stage, "irq.notify vector=2", NULL, NULL) > 0);
	assert_true(count(&stage, "irq.notify vector=2", NULL, NULL) <= outcome.ok);
	assert_int_equal(count(&stage, "gap ", NULL, NULL), 0);
	stage_forget(&stage);
}

/* Both at once; and the reference's rule that traced cards are trusted is not needed. */
static void test_DM54_a_trace_shows_what_a_card_was_refused(void **state)
{
	uint64_t used = used_before_sound(), refusals;
	struct stage stage;
	char device[256];

	stage_open(&stage);
	snprintf(device, sizeof(device), "capture=0,trusted=off,window=%#llx-%#llx,trace=%s",
		 (unsigned long long)GPA, (unsigned long long)(GPA + used - 1),
		 sim_path(&stage.sim, "a.trace"));
	play(&stage, device);
	vmsnd_machine_advance(stage.sim.machine, stage.sim.now);
	refusals = guard_of(&stage, 0).refusals;
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_true(refusals > 0);
	assert_int_equal(count(&stage, "-> address outside guest memory\n", NULL, NULL), refusals);
	stage_forget(&stage);
}

/* A card that is removed in the midst of it leaves a whole file behind, and its name is free. */
static void test_DM54_a_removed_card_s_trace_is_whole(void **state)
{
	struct stage stage;
	char device[256];
	struct stat at;

	stage_open(&stage);
	snprintf(device, sizeof(device), "capture=0,trace=%s", sim_path(&stage.sim, "a.trace"));
	sim_add(&stage.sim, device, "null");
	stage_play(&stage, FRAMES);
	stage_run(&stage, 200 * MS);
	assert_int_equal(vmsnd_machine_remove(stage.sim.machine, 0, stage.sim.now), VMSND_OK);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_int_equal(stat(sim_path(&stage.sim, "a.trace"), &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_int_equal((at.st_size - VMSND_TRACE_HEADER_BYTES) % VMSND_TRACE_RECORD_BYTES, 0);
	assert_int_equal(count(&stage, "dev.reset why=shutdown", NULL, NULL), 1);
	stage_forget(&stage);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM53_a_window_with_all_of_the_guest_in_it_refuses_nothing),
	    cmocka_unit_test(test_DM53_beyond_its_window_there_is_nothing_for_it),
	    cmocka_unit_test(test_DM53_it_writes_nothing_beyond_its_window),
	    cmocka_unit_test(test_DM53_rings_beyond_its_window_are_an_error_of_the_guest),
	    cmocka_unit_test(test_DM53_DM54_wrong_options_are_one_line_and_no_card),
	    cmocka_unit_test(test_DM53_DM54_they_are_in_the_trees),
	    cmocka_unit_test(test_DM54_a_trace_changes_nothing_for_the_guest),
	    cmocka_unit_test(test_DM54_a_printed_trace_names_what_the_device_did),
	    cmocka_unit_test(test_DM54_a_trace_shows_what_a_card_was_refused),
	    cmocka_unit_test(test_DM54_a_removed_card_s_trace_is_whole),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
