/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams that play on outputs of their own, where 5.1 goes, and rings as long as a guest may want
 * (V38, V55, V85), under virtual time. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

#define FRAMES 48000u

/* Two streams at once, each with a sound of its own. */
struct two {
	struct stage stage;
	struct sim_signal signals[2];
	struct vmsnd_guest_player players[2];
};

static void begin(struct two *two, const char *device, const char *backend)
{
	stage_open(&two->stage);
	sim_add(&two->stage.sim, device, backend);
}

static void play(struct two *two)
{
	struct sim *sim = &two->stage.sim;

	for (unsigned i = 0; i < 2; i++) {
		struct vmsnd_guest_player_conf conf;

		two->signals[i] = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
		two->signals[i].salt = i;
		two->signals[i].end = FRAMES;
		conf = sim_player(sim, 0, &two->signals[i], PERIOD, 4).conf;
		conf.stream = i;
		vmsnd_guest_player_init(&two->players[i], &sim->cards[0]->guest, &conf);
	}
}

static void run(struct two *two, vmsnd_ns ns)
{
	sim_run_until(&two->stage.sim, two->players, 2, two->stage.sim.now + ns);
}

static void finish(struct two *two)
{
	sim_run(&two->stage.sim, two->players, 2, 60 * SECOND);
}

/* Outputs on which a stream is, as bits. */
static unsigned outputs_of(struct two *two, unsigned stream)
{
	struct vmsnd_stream_status list[64];
	size_t n = vmsnd_machine_streams(two->stage.sim.machine, 0, list, 64);
	unsigned bits = 0;

	for (size_t i = 0; i < n && i < 64; i++)
		if (list[i].dir == VMSND_PLAYBACK && list[i].stream == stream)
			bits |= 1u << list[i].output;
	return bits;
}

/* Where one stream's sound is in a file: its frames are in order and without a hole. */
static uint64_t piece(struct two *two, unsigned stream, const char *name, uint64_t *first)
{
	uint64_t frames;

	two->stage.signal = two->signals[stream];
	*first = stage_assert_piece(&two->stage, name, &frames);
	return frames;
}

#define APART "playback=2,capture=0,streams.playback0.outputs=0,streams.playback1.outputs=1"

static void test_V38_two_streams_to_two_files(void **state)
{
	struct two two;

	begin(&two, APART, NULL);
	vmsnd_machine_detach(two.stage.sim.machine, 0, 0, two.stage.sim.now);
	assert_int_equal(stage_attach(&two.stage, sim_file(&two.stage.sim, "a.wav", "")), 0);
	assert_int_equal(stage_attach(&two.stage, sim_file(&two.stage.sim, "b.wav", "")), 1);
	assert_int_equal(outputs_of(&two, 0), 1);
	assert_int_equal(outputs_of(&two, 1), 2);
	play(&two);
	finish(&two);
	vmsnd_machine_close(two.stage.sim.machine, two.stage.sim.now);
	sim_assert_file(sim_path(&two.stage.sim, "a.wav"), &two.signals[0], FRAMES, 2 * PERIOD);
	sim_assert_file(sim_path(&two.stage.sim, "b.wav"), &two.signals[1], FRAMES, 2 * PERIOD);
	stage_forget(&two.stage);
}

/* Outputs that come later are put on the streams that name them; one that sets a stream's pace
 * goes, and another takes its place. */
static void test_V38_outputs_come_and_go_where_they_are_named(void **state)
{
	struct two two;
	uint64_t first, frames;

	begin(&two, APART, "null");
	play(&two);
	run(&two, 200 * MS);
	assert_int_equal(outputs_of(&two, 1), 0);
	assert_int_equal(stage_attach(&two.stage, sim_file(&two.stage.sim, "early.wav", "")), 1);
	run(&two, 200 * MS);
	assert_int_equal(outputs_of(&two, 0), 1);
	assert_int_equal(outputs_of(&two, 1), 2);
	vmsnd_machine_detach(two.stage.sim.machine, 0, 1, two.stage.sim.now);
	run(&two, 100 * MS);
	assert_int_equal(outputs_of(&two, 1), 0);
	assert_int_equal(stage_attach(&two.stage, sim_file(&two.stage.sim, "late.wav", "")), 1);
	assert_int_equal(outputs_of(&two, 1), 2);
	finish(&two);
	vmsnd_machine_close(two.stage.sim.machine, two.stage.sim.now);
	frames = piece(&two, 1, "early.wav", &first);
	assert_in_range(first, 9600 - 4 * PERIOD, 9600 + 4 * PERIOD);
	assert_in_range(frames, 9600 - 4 * PERIOD, 9600 + 4 * PERIOD);
	frames = piece(&two, 1, "late.wav", &first);
	assert_in_range(first, 24000 - 4 * PERIOD, 24000 + 4 * PERIOD);
	assert_int_equal(first + frames, FRAMES);
	stage_forget(&two.stage);
}

static void test_V38_a_reattached_output_stays_where_it_is_named(void **state)
{
	struct vmsnd_chain_conf chain = {.backend = NULL};
	struct vmsnd_reattach which = {.card = 0, .output = 1};
	struct two two;
	uint64_t first, frames;

	begin(&two, APART, "null");
	assert_int_equal(stage_attach(&two.stage, "null"), 1);
	play(&two);
	run(&two, 400 * MS);
	chain.backend = sim_file(&two.stage.sim, "after.wav", "");
	assert_int_equal(
	    vmsnd_machine_reattach(two.stage.sim.machine, &which, &chain, two.stage.sim.now),
	    VMSND_OK);
	finish(&two);
	assert_int_equal(outputs_of(&two, 0), 1);
	assert_int_equal(outputs_of(&two, 1), 2);
	vmsnd_machine_close(two.stage.sim.machine, two.stage.sim.now);
	frames = piece(&two, 1, "after.wav", &first);
	assert_in_range(first, 19200 - 4 * PERIOD, 19200 + 4 * PERIOD);
	assert_int_equal(first + frames, FRAMES);
	stage_forget(&two.stage);
}

/* What is played takes its time when the lowest output that the stream names does. */
static vmsnd_ns time_taken(const char *outputs, const char *second, const char *third)
{
	char device[128];
	struct stage stage;
	vmsnd_ns from;

	stage_open(&stage);
	snprintf(device, sizeof(device), "capture=0,streams.playback0.outputs=%s", outputs);
	sim_add(&stage.sim, device, "null");
	assert_int_equal(stage_attach(&stage, second), 1);
	assert_int_equal(stage_attach(&stage, third), 2);
	from = stage.sim.now;
	stage_play(&stage, FRAMES);
	stage_finish(&stage);
	from = stage.sim.now - from;
	stage_close(&stage);
	return from;
}

static void test_V38_the_lowest_named_output_sets_the_pace(void **state)
{
	assert_in_range(time_taken("1 2", "null", "null,pace=free"), 990 * MS, 1100 * MS);
	assert_in_range(time_taken("1 2", "null,pace=free", "null"), 0, 700 * MS);
	assert_in_range(time_taken("2", "null,pace=free", "null"), 990 * MS, 1100 * MS);
	assert_in_range(time_taken("2", "null", "null,pace=free"), 0, 700 * MS);
	assert_in_range(time_taken("none", "null,pace=free", "null,pace=free"), 990 * MS,
			1100 * MS);
}

/* The guest's channels in its map's order arrive at their places in the file, which has another. */
static void test_V85_channels_arrive_where_the_map_says(void **state)
{
	static const unsigned in_file[] = {0, 1, 4, 5, 2, 3}; /* of FL FR RL RR FC LFE */
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 6);
	struct vmsnd_guest_player player;
	struct sim_sound sound;
	struct sim sim;

	sim_open(&sim);
	signal.end = FRAMES / 10;
	sim_add(&sim, "capture=0,channels=6", sim_file(&sim, "surround.wav", ""));
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run(&sim, &player, 1, 10 * SECOND);
	sound = sim_sound_load(sim_path(&sim, "surround.wav"));
	assert_int_equal(sound.format.channels, 6);
	for (uint64_t i = 0; i < signal.end; i++)
		for (unsigned c = 0; c < 6; c++)
			assert_int_equal(sound.samples[i * 6 + in_file[c]],
					 sim_signal_sample(&signal, i, c));
	sim_sound_free(&sound);
	sim_close(&sim);
}

/* ---- rings ----------------------------------------------------------------------------------- */

static uint32_t ask(struct sim *sim, const struct virtio_snd_pcm_set_params *params)
{
	return vmsnd_guest_request(&sim->cards[0]->guest, params, sizeof(*params), sim->now).status;
}

/* Linux lets buffers be as long as 160 ms of the largest frame at the highest rate in whole pages,
 * in every format, and at least two periods of them. */
static void try_all(const char *device, uint32_t most_bytes)
{
	static const uint8_t channels[] = {1, 2, 3, 5, 7, 11, 18};
	struct virtio_snd_pcm_info info;
	unsigned tried = 0;
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, device, NULL);
	info = sim.cards[0]->guest.streams[0].info;
	for (uint8_t format = 0; format < 64; format++)
		for (uint8_t rate = 0; rate < 16; rate++)
			for (size_t c = 0; c < sizeof(channels); c++) {
				struct virtio_snd_pcm_set_params params = {
				    .hdr.hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS,
				    .channels = channels[c],
				    .format = format,
				    .rate = rate};
				uint32_t frame_bytes;

				if (!(info.formats >> format & 1) || !(info.rates >> rate & 1) ||
				    channels[c] > info.channels_max)
					continue;
				frame_bytes = channels[c];
				for (int s = 0; s < VMSND_SAMPLE_COUNT; s++)
					if (vmsnd_guest_format_bit((enum vmsnd_sample)s) == format)
						frame_bytes *=
						    vmsnd_sample_bytes((enum vmsnd_sample)s);
				params.period_bytes = most_bytes / 2 / frame_bytes * frame_bytes;
				params.buffer_bytes = 2 * params.period_bytes;
				assert_int_equal(ask(&sim, &params), VIRTIO_SND_S_OK);
				assert_int_equal(
				    vmsnd_guest_prepare(&sim.cards[0]->guest, 0, sim.now),
				    VIRTIO_SND_S_OK);
				tried++;
			}
	assert_true(tried > 50);
	sim_close(&sim);
}

static void test_V55_every_buffer_that_linux_may_ask_for(void **state)
{
	try_all("capture=0", 4 * 2 * 160 * 192);
	try_all("capture=0,channels=8", 4 * 8 * 160 * 192);
	try_all("capture=0,channels=18,formats=all,rates=all", 8 * 18 * 160 * 384);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V38_two_streams_to_two_files),
	    cmocka_unit_test(test_V38_outputs_come_and_go_where_they_are_named),
	    cmocka_unit_test(test_V38_a_reattached_output_stays_where_it_is_named),
	    cmocka_unit_test(test_V38_the_lowest_named_output_sets_the_pace),
	    cmocka_unit_test(test_V85_channels_arrive_where_the_map_says),
	    cmocka_unit_test(test_V55_every_buffer_that_linux_may_ask_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
