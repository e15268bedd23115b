/* SPDX-License-Identifier: BSD-3-Clause */
/* DM-73: another backend under a unit that plays or records, made before the old one is broken:
 * nothing is heard of it. */
#include "tour.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

/* ---- nothing is heard of it --------------------------------------------------------- */

static void play_on_a_tour(enum kind first, enum kind second)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 17 * first + second + 1);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	be(tour.now, first);
	be(tour.next, second);
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 30; i++) {
		rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
		tour_next(&tour);
		tour_assert_state(&tour, VMSND_NEXT_READY);
		rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
		tour_change(&tour);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_null(tour.next->stream);
		assert_true(vmsnd_lun_next_over(rig.luns[0]));
		assert_int_equal(tour.now->started, rig.now);
	}
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, SECOND);
	tour_check(&tour);
	assert_int_equal(tour.last, rig.next_frame);
	assert_int_equal(tour.silence, 0);
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	assert_int_equal(rig_counter(&rig, "dropped_frames"), 0);
	assert_int_equal(rig_counter(&rig, "hosts_lost"), 0);
	rig_close(&rig);
}

static void test_DM_73_an_output_changes_over_without_a_sound(void **state)
{
	for (enum kind first = PACED; first < FOLLOWS; first++)
		for (enum kind second = PACED; second < FOLLOWS; second++)
			play_on_a_tour(first, second);
}

/* A file is as fast as the guest; it may have taken all there is, so there may be silence. */
static void test_DM_73_from_a_card_to_a_file_and_back(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 5);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	be(tour.next, FOLLOWS);
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	for (unsigned i = 0; i < 31; i++) {
		rig.posted = 4 * PERIOD;
		rig_run(&rig, 15 * MS + tour_below(&tour, (uint32_t)(15 * MS)));
		tour_next(&tour);
		rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
		tour_change(&tour);
	}
	rig_run(&rig, SECOND);
	tour_check(&tour);
	assert_int_equal(tour.last, rig.next_frame);
	rig_close(&rig);
}

static void test_DM_73_a_follower_changes_over_and_nobody_else_notices(void **state)
{
	for (enum kind kind = PACED; kind < KINDS; kind++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 1, 3);

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.env.rates = NULL; /* nothing is bent */
		be(tour.now, kind);
		be(tour.next, kind);
		rig_add(&rig, 0);
		rig_add(&rig, 1);
		rig_go(&rig, 100 * MS);
		/* Each clock that begins anew lets the ring fill by a part of a block, which
		 * nothing here bends away; a file takes what there is. */
		for (unsigned i = 0; i < (kind == FOLLOWS ? 30 : 8); i++) {
			rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
			tour_next(&tour);
			rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
			tour_change(&tour);
		}
		rig.endless = false;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 3 * SECOND);
		tour_check(&tour);
		assert_int_equal(tour.last, rig.next_frame);
		assert_int_equal(tour.silence, 0);
		assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
		assert_int_equal(rig_silence_inside(&rig), 0);
		rig_close(&rig);
	}
}

/* The followers' frames come from the lane, whoever sets the pace. */
static void test_DM_73_followers_lose_nothing_when_unit_0_changes_over(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 4);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	be(rig_host(&rig, 1), FOLLOWS);
	be(rig_host(&rig, 2), FOLLOWS);
	rig.confs[2].role = VMSND_LUN_TAP_HOST;
	for (unsigned i = 0; i < 3; i++)
		rig_add(&rig, i);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 30; i++) {
		rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
		tour_next(&tour);
		tour_change(&tour);
	}
	rig_run(&rig, 100 * MS);
	tour_check(&tour);
	for (unsigned i = 1; i < 3; i++) {
		uint32_t frames, first = rig_heard_run(rig_host(&rig, i), 0, &frames);

		assert_int_equal(first, 1);
		assert_in_range(frames, tour.last, rig.next_frame);
		assert_int_equal(rig_host(&rig, i)->starts, 1);
	}
	rig_close(&rig);
}

static void test_DM_73_an_input_changes_over(void **state)
{
	for (enum kind kind = PACED; kind < KINDS; kind++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, kind + 1);
		uint32_t frames;

		rig_begin(&rig, VMSND_CAPTURE, true);
		be(tour.now, kind == FOLLOWS ? PACED : kind);
		be(tour.next, kind == FOLLOWS ? PACED : kind);
		/* Frames that are held back are not held back again. */
		if (kind == FOLLOWS)
			rig.confs[0].prefs.prebuffer_ms = 50;
		rig_add(&rig, 0);
		rig_go(&rig, 300 * MS);
		for (unsigned i = 0; i < 30; i++) {
			rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
			tour_next(&tour);
			rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
			tour.next->next_sample = tour.now->next_sample;
			vmsnd_lun_change_over(rig.luns[0], rig.now);
			assert_int_equal(vmsnd_port_capture_state(rig.port),
					 VMSND_CAPTURE_CAPTURING);
			tour = (struct tour){&rig, 0, tour.next, tour.now, .seed = tour.seed};
		}
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig_heard_run(&rig.host, 0, &frames), 1);
		assert_int_equal(frames, tour.now->next_sample);
		assert_int_equal(rig_counter(&rig, "silence_frames"), 0);
		rig_close(&rig);
	}
}

/* Beside a first one that is silent, so the sum is the second's frames. */
static void test_DM_73_an_input_beside_another_changes_over(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 1, 9);
	uint32_t frames;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.env.rates = NULL;
	rig.host.signal = RIG_LEVEL;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 30; i++) {
		rig_run(&rig, tour_below(&tour, (uint32_t)(30 * MS)));
		tour_next(&tour);
		rig_run(&rig, tour_below(&tour, (uint32_t)(15 * MS)));
		tour.next->next_sample = tour.now->next_sample;
		vmsnd_lun_change_over(rig.luns[1], rig.now);
		tour = (struct tour){&rig, 1, tour.next, tour.now, .seed = tour.seed};
	}
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_heard_run(&rig.host, 0, &frames), 1);
	assert_in_range(frames, tour.now->next_sample - 4 * PERIOD, tour.now->next_sample);
	assert_int_equal(rig_status(&rig, 1).dropped_frames, 0);
	rig_close(&rig);
}

static size_t loud_frames(const struct vmsnd_backend *host)
{
	size_t n = 0;

	for (size_t i = 0; i < host->n_heard; i++)
		n += host->floats[i] > 0.1f;
	return n;
}

/* What the old conversion had taken and not given out is converted by the new one. */
static void test_DM_73_a_conversion_takes_no_frames_with_it(void **state)
{
	static const struct vmsnd_format formats[] = {FORMAT(VMSND_SAMPLE_FLOAT, 44100, 1),
						      FORMAT(VMSND_SAMPLE_FLOAT, 96000, 1)};
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 2);
	double heard;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.signal = RIG_LEVEL;
	rig.level = 16000;
	rig.confs[0].prefs.quality = VMSND_QUALITY_MEDIUM;
	tour.now->other_format = &formats[0];
	tour.next->other_format = &formats[1];
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 40; i++) {
		struct vmsnd_backend *old = tour.now;
		uint64_t done = DONE(&rig);

		rig_run(&rig, 20 * MS);
		tour_next(&tour);
		vmsnd_lun_change_over(rig.luns[0], rig.now);
		assert_true(DONE(&rig) >= done);
		tour.now = tour.next;
		tour.next = old;
	}
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, SECOND);
	heard = (double)loud_frames(rig_host(&rig, 0)) * 48000 / 44100 +
		(double)loud_frames(rig_host(&rig, SPARE)) / 2;
	/* Less than two frames for each change: a filter that begins is quiet at first. */
	assert_in_range((unsigned)heard, rig.next_frame - 80, rig.next_frame + 80);
	assert_int_equal(rig_status(&rig, 0).frames_out, rig.next_frame);
	assert_int_equal(DONE(&rig), rig.next_frame);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM_73_an_output_changes_over_without_a_sound),
	    cmocka_unit_test(test_DM_73_from_a_card_to_a_file_and_back),
	    cmocka_unit_test(test_DM_73_a_follower_changes_over_and_nobody_else_notices),
	    cmocka_unit_test(test_DM_73_followers_lose_nothing_when_unit_0_changes_over),
	    cmocka_unit_test(test_DM_73_an_input_changes_over),
	    cmocka_unit_test(test_DM_73_an_input_beside_another_changes_over),
	    cmocka_unit_test(test_DM_73_a_conversion_takes_no_frames_with_it),
	};

	return cmocka_run_group_tests_name("next", tests, NULL, NULL);
}
