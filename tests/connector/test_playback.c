/* SPDX-License-Identifier: BSD-3-Clause */
/* Playback through a port under virtual time; rows of the connector's catalogue, chapter 2. */
#include <string.h>

#include "rig.h"

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

static void started(struct rig *rig)
{
	rig_open(rig, VMSND_PLAYBACK);
	rig_prepare(rig);
	assert_int_equal(vmsnd_port_start(rig->port, rig->now), VMSND_OK);
}

/* Playing, the guest keeping its buffer full, for `length`. */
static void playing(struct rig *rig, vmsnd_ns length)
{
	started(rig);
	rig->endless = true;
	rig_run(rig, length);
	assert_int_equal(STATE(rig), VMSND_PLAY_PLAY);
}

static void test_PL_01_prepared_is_noplay(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_start(rig.port, rig.now), VMSND_E_INVALID);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_prepare(&rig);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_run(&rig, 1000 * MS);
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig.host.starts, 0);
	rig_close(&rig);
}

static void test_PL_03_start_prebuffers(void **state)
{
	struct rig rig;

	started(&rig);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(rig.host.starts, 0);
	rig_close(&rig);
}

static void test_PL_05_below_threshold_waits(void **state)
{
	struct rig rig;

	started(&rig);
	assert_int_equal(rig_write(&rig, 2 * PERIOD - 1), 2 * PERIOD - 1);
	rig_run(&rig, 20 * MS - 1);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	assert_int_equal(rig.host.n_heard, 0);
	assert_int_equal(DONE(&rig), 0);
	rig_close(&rig);
}

static void test_PL_06_PL_12_threshold_starts_the_host(void **state)
{
	struct rig rig;

	started(&rig);
	rig_run(&rig, 3 * MS);
	rig_write(&rig, 2 * PERIOD);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig.host.starts, 1);
	rig_run(&rig, 10 * MS - 1);
	assert_int_equal(DONE(&rig), 0);
	rig_run(&rig, 1);
	assert_int_equal(DONE(&rig), PERIOD);
	rig_run(&rig, 10 * MS);
	assert_int_equal(DONE(&rig), 2 * PERIOD);
	assert_int_equal(rig_heard_in_order(&rig), 2 * PERIOD);
	assert_int_equal(rig_silence_before(&rig), 0);
	rig_close(&rig);
}

/* V60: what was posted between prepare and start is there when start comes. */
static void test_V60_frames_before_start_are_played_from_start(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig.posted = BUFFER;
	rig_run(&rig, 100 * MS);
	assert_int_equal(DONE(&rig), 0);
	assert_int_equal(rig.posted, BUFFER - 2 * PERIOD);
	assert_int_equal(vmsnd_port_start(rig.port, rig.now), VMSND_OK);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 40 * MS);
	assert_int_equal(rig_heard_in_order(&rig), BUFFER);
	assert_int_equal(rig_silence_before(&rig) + rig_silence_inside(&rig), 0);
	rig_close(&rig);
}

static void test_threshold_is_no_more_than_the_guests_buffer(void **state)
{
	struct vmsnd_stream_params params = rig_params(700, 480);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	vmsnd_port_start(rig.port, rig.now);
	rig_write(&rig, 700);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

static void test_threshold_covers_the_hosts_block(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_period = 960;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	assert_int_equal(vmsnd_port_wanted(rig.port), 1920);
	vmsnd_port_start(rig.port, rig.now);
	rig_write(&rig, 1919);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_write(&rig, 1);
	rig_run(&rig, 0);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 40 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 1920);
	rig_close(&rig);
}

/* A guest that posts less than the threshold is heard all the same. */
static void test_short_sound_plays_after_the_thresholds_time(void **state)
{
	struct rig rig;

	started(&rig);
	rig_write(&rig, 100);
	rig_run(&rig, 20 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 10 * MS);
	assert_int_equal(DONE(&rig), 100);
	assert_int_equal(rig_heard_in_order(&rig), 100);
	rig_close(&rig);
}

/* PLx-4, as far as there is a pre-buffer here at all: starting with nothing is no dead end. */
static void test_PLx_4_start_with_nothing_then_frames(void **state)
{
	struct rig rig;

	started(&rig);
	rig_run(&rig, 500 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_write(&rig, 480), 480);
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 480);
	assert_int_equal(rig_counter(&rig, "underruns"), 0); /* a late start is no hole */
	rig_close(&rig);
}

static void test_PLx_4_smallest_buffer(void **state)
{
	struct vmsnd_stream_params params = rig_params(1, 1);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	vmsnd_port_start(rig.port, rig.now);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(rig_write(&rig, 1), 1);
		rig_run(&rig, MS);
	}
	assert_int_equal(rig_heard_in_order(&rig), 100);
	rig_close(&rig);
}

static void test_PL_04_DIR_01_no_host_swallows_in_real_time(void **state)
{
	for (unsigned way = 0; way < 2; way++) {
		struct rig rig;

		rig_open_with(&rig, VMSND_PLAYBACK, way == 1, way == 0);
		rig_prepare(&rig);
		vmsnd_port_start(rig.port, rig.now);
		rig.endless = true;
		rig_run(&rig, 0);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		rig_run(&rig, 1000 * MS);
		assert_int_equal(DONE(&rig), 48000);
		assert_int_equal(rig.host.opens, 0);
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		rig_close(&rig);
	}
}

static void test_PL_09_PL_11_no_host_and_host_complete_at_the_same_times(void **state)
{
	struct rig with, without;

	rig_open(&with, VMSND_PLAYBACK);
	rig_open_with(&without, VMSND_PLAYBACK, false, true);
	rig_prepare(&with);
	rig_prepare(&without);
	vmsnd_port_start(with.port, with.now);
	vmsnd_port_start(without.port, without.now);
	with.posted = without.posted = 20000;
	for (unsigned i = 0; i < 600; i++) {
		rig_run(&with, MS);
		rig_run(&without, MS);
		assert_int_equal(DONE(&with), DONE(&without));
	}
	assert_int_equal(DONE(&with), 20000);
	rig_close(&with);
	rig_close(&without);
}

/* PLx-1, PLx-2: over many laps of the ring, nothing lost, doubled or moved. */
static void test_PLx_1_PLx_2_order_is_kept(void **state)
{
	struct rig rig;

	playing(&rig, 60 * 1000 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 60 * 48000);
	assert_int_equal(rig_silence_before(&rig) + rig_silence_inside(&rig), 0);
	rig_close(&rig);
}

static void test_WR_01_WR_02_wanted_is_two_periods_less_the_fill(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0);
	rig_prepare(&rig);
	assert_int_equal(vmsnd_port_wanted(rig.port), 2 * PERIOD);
	rig_write(&rig, 100);
	assert_int_equal(vmsnd_port_wanted(rig.port), 2 * PERIOD - 100);
	rig_write(&rig, 2 * PERIOD);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0);
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	assert_int_equal(vmsnd_port_wanted(rig.port), PERIOD - 100);
	vmsnd_port_release(rig.port, rig.now);
	assert_int_equal(vmsnd_port_wanted(rig.port), 0);
	rig_close(&rig);
}

/* A full path holds the guest's buffer and about two periods, no more: the rest of what the
 * guest posted stays with the guest. */
static void test_WR_ring_holds_no_more_than_it_wants(void **state)
{
	struct rig rig;

	playing(&rig, 1000 * MS);
	assert_true(rig_counter(&rig, "fill_max") <= 2 * PERIOD);
	assert_true(rig_counter(&rig, "fill_min") >= PERIOD);
	rig_close(&rig);
}

static void test_V55_ring_takes_the_whole_buffer(void **state)
{
	struct vmsnd_stream_params params = rig_params(30000, 480);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	assert_true(rig_write(&rig, 30000) == 30000);
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 700 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 30000);
	rig_close(&rig);
}

/* A period of the guest's fancy makes the ring no larger than its storage. */
static void test_ring_stays_within_its_storage(void **state)
{
	static const uint32_t periods[] = {1, 100000, 262144, UINT32_MAX / 4 + 1, UINT32_MAX};

	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		struct vmsnd_stream_params params = rig_params(100, periods[i]);
		struct rig rig;
		uint32_t taken;

		rig_open_with(&rig, VMSND_PLAYBACK, false, true);
		assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
		taken = rig_write(&rig, UINT32_MAX / 2);
		assert_true(taken >= 100 && taken <= VMSND_PORT_RING_BYTES / 4);
		assert_int_equal(vmsnd_port_wanted(rig.port), 0);
		rig_close(&rig);
	}
}

static void test_ring_has_room_for_four_host_blocks(void **state)
{
	struct vmsnd_stream_params params = rig_params(480, 480);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_period = 1000;
	rig_add(&rig, 0);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	assert_true(rig_write(&rig, 4000) == 4000);
	rig_close(&rig);
}

static void test_fits_says_what_prepare_will(void **state)
{
	static const struct {
		struct vmsnd_stream_params params;
		enum vmsnd_rc rc;
	} cases[] = {
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), 1920, 480}, VMSND_OK},
	    {{FORMAT(VMSND_SAMPLE_S32, 192000, 8), 30720, 7680}, VMSND_OK},
	    {{FORMAT(VMSND_SAMPLE_S32, 192000, 8), 32769, 7680}, VMSND_E_NOMEM},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), 262144, 480}, VMSND_OK},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), 262145, 480}, VMSND_E_NOMEM},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), UINT32_MAX, 480}, VMSND_E_NOMEM},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), UINT32_MAX, UINT32_MAX}, VMSND_E_NOMEM},
	    {{FORMAT(VMSND_SAMPLE_U8, 8000, 1), 1048576, UINT32_MAX}, VMSND_OK},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 0), 1920, 480}, VMSND_E_UNSUPPORTED},
	    {{FORMAT(VMSND_SAMPLE_S16, 0, 2), 1920, 480}, VMSND_E_UNSUPPORTED},
	    {{FORMAT(VMSND_SAMPLE_COUNT, 48000, 2), 1920, 480}, VMSND_E_UNSUPPORTED},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), 0, 480}, VMSND_E_INVALID},
	    {{FORMAT(VMSND_SAMPLE_S16, 48000, 2), 1920, 0}, VMSND_E_INVALID},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		rig_open(&rig, VMSND_PLAYBACK);
		assert_int_equal(vmsnd_port_fits(rig.port, &cases[i].params), !cases[i].rc);
		assert_int_equal(vmsnd_port_prepare(rig.port, &cases[i].params, rig.now),
				 cases[i].rc);
		assert_int_equal(vmsnd_port_start(rig.port, rig.now),
				 cases[i].rc ? VMSND_E_INVALID : VMSND_OK);
		rig_close(&rig);
	}
}

/* V66: what a host says is its own trouble; the guest sees a card that works (CON-21, RI-02). */
static void test_V66_a_host_that_refuses_is_not_the_guests_trouble(void **state)
{
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig.host.open_rc = VMSND_E_GONE;
	rig_prepare(&rig);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 500 * MS);
	assert_int_equal(DONE(&rig), 24000);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig.host.open_rc = VMSND_OK;
	rig_run(&rig, 5 * SECOND);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_true(rig.host.n_heard > 4000);
	rig_close(&rig);
}

/* A host that settles on something else is fed what it wants (PAR-08 is no reason to fail). */
static void test_host_with_another_format_is_converted_for(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_S32, 48000, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_format = &other;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.n_heard, 4800);
	for (uint32_t i = 0; i < 4800; i++) /* left: the number's low half, in the top bits */
		assert_int_equal(((uint32_t *)rig.host.bytes)[2 * i], (i + 1) << 16);
	rig_close(&rig);
}

static void test_prepare_while_running_is_invalid_and_harmless(void **state)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);
	struct rig rig;

	playing(&rig, 50 * MS);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_E_INVALID);
	rig_run(&rig, 50 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 4800);
	rig_close(&rig);
}

/* A guest's recovery from an xrun (release, prepare) must not start a new file. */
static void test_release_and_prepare_keep_the_host_stream(void **state)
{
	struct rig rig;

	playing(&rig, 50 * MS);
	vmsnd_port_release(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig.host.closes, 0);
	rig_run(&rig, 50 * MS);
	assert_int_equal(rig.host.n_heard, 2400);
	rig_prepare(&rig);
	assert_int_equal(DONE(&rig), 0);
	rig.next_frame = 2400;
	vmsnd_port_start(rig.port, rig.now);
	rig_run(&rig, 50 * MS);
	assert_int_equal(rig.host.opens, 1);
	assert_int_equal(rig_heard_in_order(&rig), 4800);
	assert_int_equal(DONE(&rig), 2400);
	assert_int_equal(rig_counter(&rig, "frames"), 4800);
	rig_close(&rig);
}

static void test_V65_prepare_with_other_parameters_opens_anew(void **state)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD / 2);
	struct rig rig;

	rig_open(&rig, VMSND_PLAYBACK);
	rig_prepare(&rig);
	rig_write(&rig, 100);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	assert_int_equal(rig.host.opens, 2);
	assert_int_equal(rig.host.closes, 1);
	assert_int_equal(vmsnd_port_wanted(rig.port), PERIOD); /* nothing is left inside */
	params.format.channels = 1;
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	assert_int_equal(rig.host.opens, 3);
	rig_close(&rig);
}

static void test_underrun_is_silence_that_keeps_time(void **state)
{
	struct rig rig;

	started(&rig);
	rig.posted = 4800;
	rig_run(&rig, 300 * MS);
	assert_int_equal(rig.host.n_heard, 14400); /* the host's time has gone on */
	assert_int_equal(DONE(&rig), 4800);
	assert_int_equal(rig_counter(&rig, "underruns"), 0); /* so far it is only the end */
	rig.posted = 4800;
	rig_run(&rig, 200 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 9600);
	assert_int_equal(rig_silence_inside(&rig), 9600);
	assert_int_equal(rig_counter(&rig, "underruns"), 1);
	assert_int_equal(rig_counter(&rig, "underrun_frames"), 9600);
	assert_int_equal(rig_counter(&rig, "silence_frames"), rig.host.n_heard - 9600);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_close(&rig);
}

static void test_underrun_inside_a_block(void **state)
{
	struct rig rig;

	started(&rig);
	rig.posted = 700;
	rig_run(&rig, 40 * MS); /* deadline at 20 ms, blocks at 30 and 40 */
	rig.posted = T_FRAMES;  /* enough to go on with at once (PLx-7) */
	rig_run(&rig, 20 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 700 + T_FRAMES);
	assert_int_equal(rig_counter(&rig, "underruns"), 1);
	assert_int_equal(rig_counter(&rig, "underrun_frames"), 260);
	assert_int_equal(rig_silence_inside(&rig), 260);
	rig_close(&rig);
}

static void test_PL_27_V63_stop_keeps_the_ring(void **state)
{
	struct rig rig;
	size_t heard;

	playing(&rig, 105 * MS);
	vmsnd_port_stop(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	heard = rig.host.n_heard;
	rig.endless = false;
	rig_run(&rig, 1000 * MS);
	assert_int_equal(rig.host.n_heard, heard);
	vmsnd_port_start(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY); /* full enough: no waiting */
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	assert_int_equal(rig_silence_before(&rig) + rig_silence_inside(&rig), 0);
	rig_close(&rig);
}

static void test_stop_below_the_threshold_prebuffers_again(void **state)
{
	struct rig rig;

	started(&rig);
	rig.posted = 3 * PERIOD;
	rig_run(&rig, 20 * MS);
	vmsnd_port_stop(rig.port, rig.now);
	vmsnd_port_start(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PREBUF);
	rig_run(&rig, 20 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 3 * PERIOD);
	assert_int_equal(rig_counter(&rig, "underruns"), 0); /* a stop is no underrun */
	rig_close(&rig);
}

static void test_PL_22_drain_in_prebuf_plays_at_once(void **state)
{
	struct rig rig;

	started(&rig);
	rig_write(&rig, 123);
	vmsnd_port_drain(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 10 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 123);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

static void test_PL_23_drain_with_nothing_stops(void **state)
{
	struct rig rig;

	started(&rig);
	vmsnd_port_drain(rig.port, rig.now);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig.host.n_heard, 0);
	vmsnd_port_release(rig.port, rig.now);
	vmsnd_port_drain(rig.port, rig.now); /* legal, nothing to do */
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

/* PLx-3: every frame handed over is played, then the port stops by itself. */
static void test_PL_24_PLx_3_drain_plays_every_frame(void **state)
{
	for (uint32_t frames = 1; frames < 3 * PERIOD; frames += 77) {
		struct rig rig;

		started(&rig);
		rig_write(&rig, BUFFER);
		rig_run(&rig, 35 * MS);
		rig_write(&rig, frames);
		vmsnd_port_drain(rig.port, rig.now);
		assert_int_equal(vmsnd_port_wanted(rig.port), 0); /* WR-06 */
		rig_run(&rig, 1000 * MS);
		assert_int_equal(rig_heard_in_order(&rig), BUFFER + frames);
		assert_int_equal(DONE(&rig), BUFFER + frames);
		assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
		/* It stopped with the block that held the last frame. */
		assert_int_equal(rig.host.n_heard,
				 (BUFFER + frames + PERIOD - 1) / PERIOD * PERIOD);
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		rig_close(&rig);
	}
}

static void test_drain_waits_for_the_hosts_delay(void **state)
{
	struct rig rig;

	started(&rig);
	rig.host.delay_frames = 4800;
	rig_write(&rig, 2 * PERIOD);
	rig_run(&rig, 10 * MS);
	assert_int_equal(vmsnd_port_delay_frames(rig.port), 4800);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 110 * MS - 1);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	rig_run(&rig, 1);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig_heard_in_order(&rig), 2 * PERIOD);
	rig_close(&rig);
}

/* Frames that come while the drain waits for the host's delay are played as well; the silence
 * before them was asked for and is no underrun. */
static void test_frames_that_come_while_draining_are_played(void **state)
{
	struct rig rig;

	started(&rig);
	rig.host.delay_frames = 4800;
	rig_write(&rig, 2 * PERIOD);
	rig_run(&rig, 0);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 110 * MS);
	rig_write(&rig, 2 * PERIOD);
	rig_run(&rig, 115 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY); /* the new end is not heard yet */
	rig_run(&rig, 10 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	assert_int_equal(rig_heard_in_order(&rig), 4 * PERIOD);
	assert_int_equal(rig_counter(&rig, "underruns"), 0);
	rig_close(&rig);
}

static void test_PLx_5_start_while_draining_goes_on(void **state)
{
	struct rig rig;

	playing(&rig, 100 * MS);
	rig.endless = false;
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 10 * MS);
	assert_int_equal(vmsnd_port_start(rig.port, rig.now), VMSND_OK);
	rig.endless = true;
	rig_run(&rig, 100 * MS);
	assert_int_equal(STATE(&rig), VMSND_PLAY_PLAY);
	assert_int_equal(rig_heard_in_order(&rig), rig.host.n_heard);
	assert_int_equal(rig.host.n_heard, 10080);
	assert_int_equal(rig.host.starts, 1); /* the host noticed nothing */
	rig_close(&rig);
}

static void test_PL_25_second_drain_changes_nothing(void **state)
{
	struct rig rig;

	started(&rig);
	rig_write(&rig, 2 * PERIOD);
	rig_run(&rig, 0);
	vmsnd_port_drain(rig.port, rig.now);
	vmsnd_port_drain(rig.port, rig.now);
	rig_run(&rig, 100 * MS);
	assert_int_equal(rig_heard_in_order(&rig), 2 * PERIOD);
	assert_int_equal(STATE(&rig), VMSND_PLAY_NOPLAY);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_PL_01_prepared_is_noplay),
	    cmocka_unit_test(test_PL_03_start_prebuffers),
	    cmocka_unit_test(test_PL_05_below_threshold_waits),
	    cmocka_unit_test(test_PL_06_PL_12_threshold_starts_the_host),
	    cmocka_unit_test(test_V60_frames_before_start_are_played_from_start),
	    cmocka_unit_test(test_threshold_is_no_more_than_the_guests_buffer),
	    cmocka_unit_test(test_threshold_covers_the_hosts_block),
	    cmocka_unit_test(test_short_sound_plays_after_the_thresholds_time),
	    cmocka_unit_test(test_PLx_4_start_with_nothing_then_frames),
	    cmocka_unit_test(test_PLx_4_smallest_buffer),
	    cmocka_unit_test(test_PL_04_DIR_01_no_host_swallows_in_real_time),
	    cmocka_unit_test(test_PL_09_PL_11_no_host_and_host_complete_at_the_same_times),
	    cmocka_unit_test(test_PLx_1_PLx_2_order_is_kept),
	    cmocka_unit_test(test_WR_01_WR_02_wanted_is_two_periods_less_the_fill),
	    cmocka_unit_test(test_WR_ring_holds_no_more_than_it_wants),
	    cmocka_unit_test(test_V55_ring_takes_the_whole_buffer),
	    cmocka_unit_test(test_ring_stays_within_its_storage),
	    cmocka_unit_test(test_ring_has_room_for_four_host_blocks),
	    cmocka_unit_test(test_fits_says_what_prepare_will),
	    cmocka_unit_test(test_V66_a_host_that_refuses_is_not_the_guests_trouble),
	    cmocka_unit_test(test_host_with_another_format_is_converted_for),
	    cmocka_unit_test(test_prepare_while_running_is_invalid_and_harmless),
	    cmocka_unit_test(test_release_and_prepare_keep_the_host_stream),
	    cmocka_unit_test(test_V65_prepare_with_other_parameters_opens_anew),
	    cmocka_unit_test(test_underrun_is_silence_that_keeps_time),
	    cmocka_unit_test(test_underrun_inside_a_block),
	    cmocka_unit_test(test_PL_27_V63_stop_keeps_the_ring),
	    cmocka_unit_test(test_stop_below_the_threshold_prebuffers_again),
	    cmocka_unit_test(test_PL_22_drain_in_prebuf_plays_at_once),
	    cmocka_unit_test(test_PL_23_drain_with_nothing_stops),
	    cmocka_unit_test(test_PL_24_PLx_3_drain_plays_every_frame),
	    cmocka_unit_test(test_drain_waits_for_the_hosts_delay),
	    cmocka_unit_test(test_frames_that_come_while_draining_are_played),
	    cmocka_unit_test(test_PLx_5_start_while_draining_goes_on),
	    cmocka_unit_test(test_PL_25_second_drain_changes_nothing),
	};

	return cmocka_run_group_tests_name("playback", tests, NULL, NULL);
}
