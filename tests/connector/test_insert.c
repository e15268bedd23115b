/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands between a host's blocks and their conversion: here a line that delays by DELAY frames
 * and remembers how it was used. */
#include "rig.h"

#include <string.h>

#define DELAY 700u

struct line {
	uint32_t frames[DELAY];
	uint32_t at, delay;
	unsigned prepares, blocks, misuses;
	uint32_t max_frames, sound;
	struct vmsnd_format format;
	enum vmsnd_dir dir;
	const struct vmsnd_backend *host;
	struct vmsnd_insert insert;
};

static void line_prepare(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
			 uint32_t max_frames)
{
	struct line *line = ctx;

	line->prepares++;
	line->misuses += line->host->starts > line->host->stops;
	line->dir = dir;
	line->format = *format;
	line->max_frames = max_frames;
}

static void line_process_rt(void *ctx, void *samples, uint32_t frames)
{
	struct line *line = ctx;
	uint32_t *at = samples;

	line->blocks++;
	line->misuses += frames == 0 || frames > line->max_frames;
	for (uint32_t i = 0; i < frames && line->delay > 0; i++) {
		uint32_t out = line->frames[line->at];

		line->sound += at[i] != 0;
		line->frames[line->at] = at[i];
		line->at = (line->at + 1) % line->delay;
		at[i] = out;
	}
}

static uint32_t line_delay_frames_rt(void *ctx)
{
	return ((struct line *)ctx)->delay;
}

static const struct vmsnd_insert *line_init(struct line *line, const struct vmsnd_backend *host)
{
	memset(line, 0, sizeof(*line));
	line->delay = DELAY;
	line->host = host;
	line->insert =
	    (struct vmsnd_insert){line, line_prepare, line_process_rt, line_delay_frames_rt};
	return &line->insert;
}

static void rig_begin_with_line(struct rig *rig, struct line *line, enum vmsnd_dir dir)
{
	rig_begin(rig, dir, true);
	rig->confs[0].insert = line_init(line, &rig->host);
}

enum kind { PACED, THREADED, DRAINS, FOLLOWS, KINDS };

static void be(struct vmsnd_backend *host, enum kind kind)
{
	if (kind == THREADED)
		host->kind.advance = NULL;
	if (kind == DRAINS)
		rig_host_drains(host);
	if (kind == FOLLOWS)
		host->speed = 0;
}

static void test_every_frame_comes_out_of_the_drivers_when_drained(void **state)
{
	for (enum kind kind = PACED; kind < KINDS; kind++) {
		struct line line;
		struct rig rig;

		rig_begin_with_line(&rig, &line, VMSND_PLAYBACK);
		be(&rig.host, kind);
		rig_add(&rig, 0);
		rig_prepare(&rig);
		rig_start(&rig);
		rig.posted = 10 * PERIOD + 17;
		rig_run(&rig, 80 * MS);
		while (rig.posted > 0)
			rig_run(&rig, MS);
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, SECOND);
		assert_int_equal(vmsnd_port_play_state(rig.port), VMSND_PLAY_NOPLAY);
		assert_int_equal(rig_heard_in_order(&rig), 10 * PERIOD + 17);
		assert_int_equal(rig_silence_before(&rig), DELAY);
		assert_int_equal(rig_silence_inside(&rig), 0);
		assert_int_equal(rig.host.drains, kind == DRAINS);
		assert_int_equal(line.prepares, 1);
		assert_int_equal(line.misuses, 0);
		rig_close(&rig);
	}
}

static void test_a_follower_plays_out_what_its_drivers_hold(void **state)
{
	for (unsigned drain = 0; drain < 2; drain++) {
		struct line line;
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.confs[1].insert = line_init(&line, rig_host(&rig, 1));
		be(rig_host(&rig, 1), FOLLOWS);
		rig_add(&rig, 0);
		rig_add(&rig, 1);
		rig_go(&rig, 200 * MS);
		rig.endless = false;
		if (drain)
			vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 100 * MS);
		vmsnd_port_stop(rig.port, rig.now);
		rig_run(&rig, 3 * SECOND);
		rig_heard_run(rig_host(&rig, 1), 0, &line.sound);
		assert_int_equal(line.sound, rig.next_frame);
		assert_int_equal(line.misuses, 0);
		rig_close(&rig);
	}
}

/* The line's sound comes as much later after a gap as before it. */
static void test_silence_passes_the_drivers_too(void **state)
{
	struct line line;
	struct rig rig;

	rig_begin_with_line(&rig, &line, VMSND_PLAYBACK);
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.endless = false;
	rig_run(&rig, 200 * MS);
	rig.endless = true;
	rig_run(&rig, 200 * MS);
	assert_int_equal(rig_counter(&rig, "underruns"), 1);
	assert_int_equal(rig_silence_before(&rig), DELAY);
	assert_int_equal(rig_silence_inside(&rig), rig_counter(&rig, "underrun_frames"));
	assert_int_equal(line.blocks, rig_status(&rig, 0).blocks);
	assert_int_equal(rig_heard_in_order(&rig), line.sound - DELAY);
	rig_close(&rig);
}

static void test_the_drivers_delay_is_part_of_the_latency(void **state)
{
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++) {
		struct line line;
		struct rig with, without;

		rig_begin_with_line(&with, &line, dir);
		rig_begin(&without, dir, true);
		with.host.delay_frames = without.host.delay_frames = 333;
		rig_add(&with, 0);
		rig_add(&without, 0);
		rig_go(&with, 100 * MS);
		rig_go(&without, 100 * MS);
		assert_int_equal(vmsnd_port_delay_frames(with.port),
				 vmsnd_port_delay_frames(without.port) + DELAY);
		assert_in_range(rig_status(&with, 0).latency_min_ns -
				    rig_status(&without, 0).latency_min_ns,
				DELAY * SECOND / 48000 - 1, DELAY * SECOND / 48000 + 1);
		rig_close(&with);
		rig_close(&without);
	}
}

static void test_recorded_frames_pass_the_drivers(void **state)
{
	struct line line;
	struct rig rig;

	rig_begin_with_line(&rig, &line, VMSND_CAPTURE);
	rig_add(&rig, 0);
	rig_go(&rig, 300 * MS);
	assert_int_equal(line.dir, VMSND_CAPTURE);
	assert_int_equal(rig_heard_in_order(&rig), rig.host.next_sample - DELAY);
	assert_int_equal(rig_silence_before(&rig), DELAY);
	assert_int_equal(line.misuses, 0);
	rig_close(&rig);
}

static void test_the_drivers_hear_of_each_stream_before_it_starts(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_FLOAT, 44100, 1);
	struct line line;
	struct rig rig;

	rig_begin_with_line(&rig, &line, VMSND_PLAYBACK);
	line.delay = 0;
	rig.host.other_max = 600;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	assert_int_equal(line.prepares, 0); /* nobody is about to start */
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(line.prepares, 1);
	assert_int_equal(line.max_frames, 600);
	vmsnd_port_stop(rig.port, rig.now);
	rig_start(&rig);
	rig_run(&rig, 100 * MS);
	assert_int_equal(line.prepares, 1);
	rig.host.other_format = &other;
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(line.prepares, 2);
	assert_true(vmsnd_format_equal(&line.format, &other));
	assert_int_equal(line.misuses, 0);
	rig_close(&rig);
}

static void test_the_stand_in_does_not_call_the_drivers(void **state)
{
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++) {
		struct line line;
		unsigned blocks;
		struct rig rig;

		rig_begin_with_line(&rig, &line, dir);
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		blocks = line.blocks;
		assert_true(blocks > 0);
		vmsnd_lun_attach(rig.luns[0], NULL, rig.now);
		rig_run(&rig, 100 * MS);
		assert_int_equal(line.blocks, blocks);
		assert_int_equal(rig_status(&rig, 0).latency_ns > 0, true);
		if (dir == VMSND_PLAYBACK)
			assert_int_equal(vmsnd_port_delay_frames(rig.port), 0);
		rig_close(&rig);
	}
}

static void test_taps_have_no_drivers_but_hear_those_of_unit_0(void **state)
{
	struct line line, none;
	struct rig rig;

	rig_begin_with_line(&rig, &line, VMSND_PLAYBACK);
	line_init(&none, rig_host(&rig, 1));
	for (unsigned i = 1; i < 3; i++) {
		be(rig_host(&rig, i), FOLLOWS);
		rig.confs[i].role = i == 1 ? VMSND_LUN_TAP_DEVICE : VMSND_LUN_TAP_HOST;
		rig.confs[i].insert = &none.insert;
	}
	for (unsigned i = 0; i < 3; i++)
		rig_add(&rig, i);
	rig_go(&rig, 300 * MS);
	assert_int_equal(none.prepares + none.blocks, 0);
	assert_int_equal(rig_host(&rig, 1)->heard[0], 1);
	assert_true(rig_host(&rig, 2)->n_heard > DELAY + PERIOD);
	for (size_t i = 0; i < rig_host(&rig, 2)->n_heard; i++)
		assert_int_equal(rig_host(&rig, 2)->heard[i], rig.host.heard[i]);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_frame_comes_out_of_the_drivers_when_drained),
	    cmocka_unit_test(test_a_follower_plays_out_what_its_drivers_hold),
	    cmocka_unit_test(test_silence_passes_the_drivers_too),
	    cmocka_unit_test(test_the_drivers_delay_is_part_of_the_latency),
	    cmocka_unit_test(test_recorded_frames_pass_the_drivers),
	    cmocka_unit_test(test_the_drivers_hear_of_each_stream_before_it_starts),
	    cmocka_unit_test(test_the_stand_in_does_not_call_the_drivers),
	    cmocka_unit_test(test_taps_have_no_drivers_but_hear_those_of_unit_0),
	};

	return cmocka_run_group_tests_name("insert", tests, NULL, NULL);
}
