/* SPDX-License-Identifier: BSD-3-Clause */
/* DM-73, DM-74, LC-10: whatever happens between the making of a stream and the change over to it,
 * and what is put in or changed while the machine is suspended. */
#include "tour.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

static void begin_tour(struct rig *rig, enum vmsnd_dir dir)
{
	rig_begin(rig, dir, true);
	rig_add(rig, 0);
}

static void test_DM_73_a_slow_open_is_waited_for(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	tour.now->kind.flags = tour.next->kind.flags =
	    VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE;
	tour.next->state = VMSND_STREAM_INITIALIZING;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	rig.pool = RIG_POOL_HELD;
	tour_next(&tour);
	tour_assert_state(&tour, VMSND_NEXT_OPENING);
	rig_run(&rig, 100 * MS);
	tour_assert_state(&tour, VMSND_NEXT_OPENING);
	rig_work(&rig);
	rig_run(&rig, 100 * MS);
	tour_assert_state(&tour, VMSND_NEXT_OPENING); /* initializing */
	tour.next->state = VMSND_STREAM_OKAY;
	rig_run(&rig, 20 * MS);
	tour_assert_state(&tour, VMSND_NEXT_READY);
	tour_change(&tour);
	assert_false(vmsnd_lun_next_over(rig.luns[0]));
	assert_false(vmsnd_lun_detached(rig.luns[0]));
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 100 * MS);
	assert_non_null(tour.next->stream);
	rig_work(&rig);
	rig_run(&rig, 10 * MS);
	assert_null(tour.next->stream);
	assert_true(vmsnd_lun_next_over(rig.luns[0]));
	tour_check(&tour);
	assert_int_equal(tour.silence, 0);
	rig_close(&rig);
}

static void test_DM_73_too_early_it_is_as_attach(void **state)
{
	for (unsigned way = 0; way < 3; way++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, 1);

		begin_tour(&rig, VMSND_PLAYBACK);
		rig_go(&rig, 100 * MS);
		rig.pool = RIG_POOL_HELD;
		tour.next->kind.flags = VMSND_BACKEND_SLOW_STREAM_OPEN;
		if (way == 1)
			tour.next->state = VMSND_STREAM_INITIALIZING;
		if (way == 2)
			tour.next->open_rc = VMSND_E_GONE;
		tour_next(&tour);
		if (way > 0) {
			rig_work(&rig);
			rig_run(&rig, 0);
		}
		tour_assert_state(&tour, way < 2 ? VMSND_NEXT_OPENING : VMSND_NEXT_FAILED);
		tour_change(&tour);
		assert_null(tour.next->stream);
		rig_run(&rig, 100 * MS);
		assert_near(DONE(&rig), 200 * 48);
		tour.now->state = VMSND_STREAM_OKAY;
		tour.now->open_rc = VMSND_OK;
		rig.pool = RIG_POOL_NOW;
		rig_work(&rig);
		rig_run(&rig, 3 * SECOND);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		assert_non_null(tour.now->stream);
		rig_heard_run(tour.now, 0, NULL);
		rig_close(&rig);
	}
}

static void test_DM_73_one_that_fails_is_an_answer(void **state)
{
	struct vmsnd_lun_next_conf conf;
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	begin_tour(&rig, VMSND_PLAYBACK);
	rig_go(&rig, 100 * MS);
	tour.next->open_rc = VMSND_E_GONE;
	tour_next(&tour);
	rig_run(&rig, 10 * SECOND);
	tour_assert_state(&tour, VMSND_NEXT_FAILED);
	assert_int_equal(tour.next->tries, 1);
	conf = tour_conf(&tour, tour.next);
	assert_int_equal(vmsnd_lun_next(rig.luns[0], &conf, rig.now), VMSND_E_AGAIN);
	vmsnd_lun_next_drop(rig.luns[0], rig.now);
	tour_assert_state(&tour, VMSND_NEXT_NONE);
	tour.next->open_rc = VMSND_OK;
	tour.next->unsupported = 1; /* it is asked more plainly */
	tour_next(&tour);
	tour_assert_state(&tour, VMSND_NEXT_READY);
	/* It dies while it waits. */
	rig_end(tour.next, VMSND_E_GONE);
	rig_run(&rig, 10 * MS);
	tour_assert_state(&tour, VMSND_NEXT_FAILED);
	assert_null(tour.next->stream);
	vmsnd_lun_next_drop(rig.luns[0], rig.now);
	tour_check(&tour);
	assert_int_equal(tour.silence, 0);
	assert_int_equal(rig_counter(&rig, "hosts_lost"), 0);
	rig_close(&rig);
}

static void test_DM_73_the_old_one_dies_before_the_change(void **state)
{
	for (unsigned way = 0; way < 2; way++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, 1);
		uint64_t lost;

		begin_tour(&rig, VMSND_PLAYBACK);
		rig_go(&rig, 100 * MS);
		tour_next(&tour);
		rig.host.open_rc = VMSND_E_GONE;
		rig_end(tour.now, VMSND_E_GONE);
		if (way == 1)
			rig_run(&rig, 100 * MS); /* the stand-in works */
		lost = rig_counter(&rig, "dropped_frames");
		tour_check(&tour);
		tour.last += (uint32_t)lost;
		tour_change(&tour);
		rig_run(&rig, 100 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		tour_check(&tour);
		assert_int_equal(rig_counter(&rig, "dropped_frames"), lost);
		rig_close(&rig);
	}
}

static void test_DM_73_the_guest_prepares_anew_in_between(void **state)
{
	struct vmsnd_stream_params other = rig_params(3840, 960);
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	begin_tour(&rig, VMSND_PLAYBACK);
	rig_go(&rig, 100 * MS);
	tour_next(&tour);
	assert_int_equal(tour.next->opens, 1);
	rig.endless = false;
	vmsnd_port_release(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	tour_check(&tour);
	assert_int_equal(vmsnd_port_prepare(rig.port, &other, rig.now), VMSND_OK);
	assert_int_equal(tour.next->opens, 2);
	assert_int_equal(tour.next->want.period_frames, 960);
	tour_assert_state(&tour, VMSND_NEXT_READY);
	tour.last = rig.next_frame;
	tour.done = 0;
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	tour_change(&tour);
	rig_run(&rig, 100 * MS);
	tour_check(&tour);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	rig_close(&rig);
}

static void test_DM_73_before_the_threshold_and_while_draining(void **state)
{
	for (unsigned drain = 0; drain < 2; drain++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, 1);

		rig_begin(&rig, VMSND_PLAYBACK, true);
		be(tour.now, drain ? DRAINS : PACED);
		rig_add(&rig, 0);
		rig_prepare(&rig);
		tour_next(&tour);
		if (!drain)
			tour_change(&tour); /* prepared, not started */
		if (!drain)
			tour_next(&tour);
		rig_start(&rig);
		rig_write(&rig, drain ? BUFFER : 100);
		if (drain)
			vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, 15 * MS);
		tour_change(&tour);
		assert_int_equal(STATE(&rig), drain ? VMSND_PLAY_PLAY : VMSND_PLAY_PREBUF);
		rig_run(&rig, 500 * MS);
		tour_check(&tour);
		assert_int_equal(tour.last, rig.next_frame);
		assert_int_equal(vmsnd_port_state(rig.port),
				 drain ? VMSND_PORT_INACTIVE : VMSND_PORT_ACTIVE);
		rig_close(&rig);
	}
}

/* The old one had every frame and was playing them out: nothing is left for the new one. */
static void test_DM_73_when_the_last_frame_is_on_its_way(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	be(tour.now, DRAINS);
	be(tour.next, DRAINS);
	tour.now->delay_frames = 24000;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	rig_write(&rig, BUFFER);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 200 * MS);
	assert_int_equal(tour.now->drains, 1);
	tour_next(&tour);
	tour_change(&tour);
	rig_run(&rig, 10 * MS);
	assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
	assert_int_equal(tour.last, BUFFER);
	rig_close(&rig);
}

static void test_DM_73_while_suspended_or_switched_off(void **state)
{
	for (unsigned off = 0; off < 2; off++) {
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, 1);
		uint64_t dropped;

		begin_tour(&rig, VMSND_PLAYBACK);
		rig_go(&rig, 100 * MS);
		if (off)
			vmsnd_port_enable(rig.port, false, rig.now);
		else
			vmsnd_port_pause(rig.port, true, rig.now);
		tour_next(&tour);
		tour_assert_state(&tour, VMSND_NEXT_READY);
		assert_int_equal(tour.next->opens, !off);
		rig_run(&rig, 50 * MS);
		tour_change(&tour);
		rig_run(&rig, 50 * MS);
		assert_int_equal(tour.now->starts, 0);
		tour_check(&tour);
		dropped = rig_counter(&rig, "dropped_frames");
		tour.last += (uint32_t)dropped;
		assert_int_equal(dropped > 0, off);
		if (off)
			vmsnd_port_enable(rig.port, true, rig.now);
		else
			vmsnd_port_pause(rig.port, false, rig.now);
		rig_run(&rig, 200 * MS);
		assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
		tour_check(&tour);
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		rig_close(&rig);
	}
}

/* DM-74: what is attached to a machine that is suspended is silent until it goes on. */
static void test_DM_74_a_unit_put_in_while_suspended(void **state)
{
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE; dir++) {
		struct rig rig;

		rig_begin(&rig, dir, true);
		rig_add(&rig, 0);
		rig_go(&rig, 100 * MS);
		vmsnd_port_pause(rig.port, true, rig.now);
		rig_add(&rig, 1);
		rig_run(&rig, SECOND);
		assert_non_null(rig_host(&rig, 1)->stream); /* open, but */
		assert_int_equal(rig_host(&rig, 1)->starts, 0);
		vmsnd_port_pause(rig.port, false, rig.now);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig_host(&rig, 1)->starts, 1);
		assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
		/* And it takes part in the next suspension. */
		vmsnd_port_pause(rig.port, true, rig.now);
		rig_run(&rig, 100 * MS);
		assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_READY);
		rig_close(&rig);
	}
}

/* LC-10: suspension pauses every stream, resumption lets each go on; a reset is nothing. */
static void test_LC_10_suspend_and_resume_every_stream(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	be(rig_host(&rig, 1), FOLLOWS);
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t done;

		vmsnd_port_pause(rig.port, true, rig.now);
		done = DONE(&rig);
		for (unsigned unit = 0; unit < 2; unit++)
			assert_int_equal(rig_status(&rig, unit).host, VMSND_HOST_READY);
		rig_run(&rig, SECOND);
		assert_int_equal(DONE(&rig), done);
		vmsnd_port_pause(rig.port, false, rig.now);
		rig_run(&rig, 100 * MS);
		assert_near(DONE(&rig), done + 4800);
	}
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig_silence_inside(&rig), 0);
	rig_heard_in_order(&rig);
	rig_heard_run(rig_host(&rig, 1), 0, NULL);
	rig_close(&rig);
}

/* ---- comings and goings ----------------------------------------------------------------- */

/* rig_close sees to it that nothing is left open anywhere. */
static void test_DM_73_the_unit_or_the_guest_goes(void **state)
{
	for (unsigned way = 0; way < 12; way++) {
		bool remove = way & 1, changed = way & 2;
		struct rig rig;
		struct tour tour = tour_of(&rig, 0, 1);

		begin_tour(&rig, way < 8 ? VMSND_PLAYBACK : VMSND_CAPTURE);
		rig_go(&rig, 100 * MS);
		rig.pool = RIG_POOL_HELD;
		tour.now->kind.flags = tour.next->kind.flags =
		    VMSND_BACKEND_SLOW_STREAM_OPEN | VMSND_BACKEND_SLOW_STREAM_CLOSE;
		tour_next(&tour);
		if (way & 4)
			rig_work(&rig);
		if (changed)
			vmsnd_lun_change_over(rig.luns[0], rig.now);
		if (remove)
			rig_remove(&rig, 0);
		else
			vmsnd_port_close(rig.port, rig.now);
		rig_run(&rig, 100 * MS);
		rig_work(&rig);
		rig_run(&rig, 100 * MS);
		if (remove)
			assert_null(tour.next->stream);
		rig_close(&rig);
	}
}

static void test_DM_73_a_stream_that_wants_to_be_opened_anew(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	begin_tour(&rig, VMSND_PLAYBACK);
	rig_go(&rig, 100 * MS);
	tour_next(&tour);
	rig_notice(tour.next, VMSND_STREAM_SWITCHING);
	rig_notice(tour.next, VMSND_STREAM_REOPEN);
	rig_run(&rig, 20 * MS);
	assert_int_equal(tour.next->opens, 2);
	tour_assert_state(&tour, VMSND_NEXT_READY);
	/* The old one's device changes at the same time. */
	rig_notice(tour.now, VMSND_STREAM_REOPEN);
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	tour_change(&tour);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 100 * MS);
	assert_int_equal(tour.now->opens, 2);
	tour_check(&tour);
	assert_int_equal(tour.silence, 0);
	/* Nor is it asked for ever. */
	tour_next(&tour);
	for (unsigned i = 0; i < 20 && tour.next->stream; i++) {
		rig_notice(tour.next, VMSND_STREAM_REOPEN);
		rig_run(&rig, 10 * MS);
	}
	tour_assert_state(&tour, VMSND_NEXT_FAILED);
	rig_close(&rig);
}

static void test_DM_73_no_backend_on_either_end(void **state)
{
	struct vmsnd_lun_next_conf conf;
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.confs[0].host = NULL;
	rig_add(&rig, 0);
	rig_go(&rig, 100 * MS);
	tour_next(&tour);
	tour_change(&tour);
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	conf = tour_conf(&tour, tour.next);
	conf.host = NULL;
	assert_int_equal(vmsnd_lun_next(rig.luns[0], &conf, rig.now), VMSND_OK);
	tour_assert_state(&tour, VMSND_NEXT_READY);
	vmsnd_lun_change_over(rig.luns[0], rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_run(&rig, SECOND);
	assert_near(DONE(&rig), 48000 + 9600);
	assert_true(vmsnd_lun_next_over(rig.luns[0]));
	vmsnd_lun_change_over(rig.luns[0], rig.now); /* there is none to change to */
	rig_close(&rig);
}

static void test_DM_73_the_next_ones_wishes_hold(void **state)
{
	struct vmsnd_lun_next_conf conf;
	struct rig rig;
	struct tour tour = tour_of(&rig, 0, 1);

	begin_tour(&rig, VMSND_PLAYBACK);
	rig_go(&rig, 100 * MS);
	conf = tour_conf(&tour, tour.next);
	conf.prefs.sample = VMSND_SAMPLE_FLOAT;
	conf.prefs.period_ms = 5;
	assert_int_equal(vmsnd_lun_next(rig.luns[0], &conf, rig.now), VMSND_OK);
	assert_int_equal(rig_status(&rig, 0).format.sample, VMSND_SAMPLE_S16);
	vmsnd_lun_change_over(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 0).format.sample, VMSND_SAMPLE_FLOAT);
	assert_int_equal(tour.next->want.period_frames, 240);
	assert_int_equal(tour.next->opens, 1);
	rig_close(&rig);
}

/* ---- a change over that waits for unit 0's thread ---------------------------------------- */

/* In the middle of a block of unit 0, another input changes over and is given a host. */
struct midst {
	struct tour *tour;
	bool due;
	struct vmsnd_backend *host;
};

static void midst_prepare(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
			  uint32_t max_frames)
{
}

static void midst_process_rt(void *ctx, void *samples, uint32_t frames)
{
	struct midst *midst = ctx;
	struct tour *tour = midst->tour;
	struct vmsnd_lun *lun = tour->rig->luns[tour->unit];

	if (!midst->due)
		return;
	midst->due = false;
	vmsnd_lun_change_over(lun, tour->rig->now);
	assert_false(vmsnd_lun_next_over(lun)); /* it waits */
	vmsnd_lun_attach(lun, midst->host, tour->rig->now);
	assert_false(vmsnd_lun_detached(lun));
}

static void begin_midst(struct tour *tour, struct vmsnd_insert *insert)
{
	struct rig *rig = tour->rig;

	rig_begin(rig, VMSND_CAPTURE, true);
	rig->confs[0].insert = insert;
	rig_add(rig, 0);
	rig_add(rig, 1);
	rig_go(rig, 100 * MS);
	tour_next(tour);
	tour_assert_state(tour, VMSND_NEXT_READY);
	((struct midst *)insert->ctx)->due = true;
}

/* The owner closes a host as soon as it is told that the unit has left it. */
static void test_DM_73_the_next_host_fails_while_the_change_waits(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 1, 1);
	struct midst midst = {.tour = &tour};
	struct vmsnd_insert insert = {
	    .ctx = &midst, .prepare = midst_prepare, .process_rt = midst_process_rt};

	begin_midst(&tour, &insert);
	tour.next->kind.flags = VMSND_BACKEND_SLOW_STREAM_CLOSE;
	rig.pool = RIG_POOL_HELD;
	for (unsigned i = 0; i < 100; i++) {
		rig_run(&rig, MS / 2);
		if (!midst.due && vmsnd_lun_detached(rig.luns[1]))
			assert_null(tour.next->stream);
		if (i > 80)
			rig_work(&rig);
	}
	assert_false(midst.due);
	assert_true(vmsnd_lun_detached(rig.luns[1]));
	assert_true(vmsnd_lun_next_over(rig.luns[1]));
	assert_null(tour.now->stream);
	/* There again. */
	vmsnd_lun_attach(rig.luns[1], tour.next, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
	rig_close(&rig);
}

static void test_DM_73_the_next_host_says_it_is_there_while_the_change_waits(void **state)
{
	struct rig rig;
	struct tour tour = tour_of(&rig, 1, 1);
	struct midst midst = {.tour = &tour, .host = rig_host(&rig, SPARE + 1)};
	struct vmsnd_insert insert = {
	    .ctx = &midst, .prepare = midst_prepare, .process_rt = midst_process_rt};

	begin_midst(&tour, &insert);
	rig_run(&rig, 100 * MS);
	assert_false(midst.due);
	assert_int_equal(tour.next->opens, 1);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
	assert_null(tour.now->stream);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM_73_a_slow_open_is_waited_for),
	    cmocka_unit_test(test_DM_73_too_early_it_is_as_attach),
	    cmocka_unit_test(test_DM_73_one_that_fails_is_an_answer),
	    cmocka_unit_test(test_DM_73_the_old_one_dies_before_the_change),
	    cmocka_unit_test(test_DM_73_the_guest_prepares_anew_in_between),
	    cmocka_unit_test(test_DM_73_before_the_threshold_and_while_draining),
	    cmocka_unit_test(test_DM_73_when_the_last_frame_is_on_its_way),
	    cmocka_unit_test(test_DM_73_while_suspended_or_switched_off),
	    cmocka_unit_test(test_DM_74_a_unit_put_in_while_suspended),
	    cmocka_unit_test(test_LC_10_suspend_and_resume_every_stream),
	    cmocka_unit_test(test_DM_73_the_unit_or_the_guest_goes),
	    cmocka_unit_test(test_DM_73_a_stream_that_wants_to_be_opened_anew),
	    cmocka_unit_test(test_DM_73_no_backend_on_either_end),
	    cmocka_unit_test(test_DM_73_the_next_ones_wishes_hold),
	    cmocka_unit_test(test_DM_73_the_next_host_fails_while_the_change_waits),
	    cmocka_unit_test(test_DM_73_the_next_host_says_it_is_there_while_the_change_waits),
	};

	return cmocka_run_group_tests_name("next-between", tests, NULL, NULL);
}
