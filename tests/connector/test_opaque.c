/* SPDX-License-Identifier: BSD-3-Clause */
/* What is no PCM (V45): DSD and IEC 60958 subframes reach a host as they are, or not at all. The
 * guest's frame is one sample of four bytes, which carries its number. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define QUIET 0x69696969u /* of DSD */

#define DONE(rig) vmsnd_port_done_frames((rig)->port)

static const struct vmsnd_format dsd = FORMAT(VMSND_SAMPLE_DSD_U32, 48000, 1);

static void prepare(struct rig *rig, struct vmsnd_format format)
{
	const struct vmsnd_stream_params params = {format, BUFFER, PERIOD};

	assert_int_equal(vmsnd_port_prepare(rig->port, &params, rig->now), VMSND_OK);
}

static void go(struct rig *rig, struct vmsnd_format format, vmsnd_ns length)
{
	prepare(rig, format);
	rig_start(rig);
	rig->endless = rig->takes = true;
	rig_run(rig, length);
}

/* Every frame heard from `from` on is the next one; the last of them. */
static uint32_t heard(const struct vmsnd_backend *host, size_t from, uint32_t quiet)
{
	uint32_t last = 0;

	assert_int_equal(host->heard_frame_bytes, 4);
	for (size_t i = from; i < host->n_heard; i++) {
		if (host->heard[i] == quiet)
			continue;
		if (last > 0)
			assert_int_equal(host->heard[i], last + 1);
		last = host->heard[i];
	}
	return last;
}

static void never_prepare(void *ctx, enum vmsnd_dir dir, const struct vmsnd_format *format,
			  uint32_t max_frames)
{
	fail_msg("a driver was told of what is no PCM");
}

static void never_process_rt(void *ctx, void *samples, uint32_t frames)
{
	fail_msg("a driver was given what is no PCM");
}

/* Neither loudness nor the owner's wishes nor drivers make anything else of it. */
static void test_V45_bytes_pass_untouched(void **state)
{
	static const struct vmsnd_insert driver = {.prepare = never_prepare,
						   .process_rt = never_process_rt};
	static const enum vmsnd_sample samples[] = {VMSND_SAMPLE_DSD_U32,
						    VMSND_SAMPLE_IEC958_SUBFRAME};

	for (unsigned i = 0; i < 2; i++) {
		struct vmsnd_format format = FORMAT(samples[i], 88200, 1);
		struct rig rig;

		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.confs[0].prefs.sample = VMSND_SAMPLE_FLOAT;
		rig.confs[0].prefs.rate_hz = 44100;
		rig.confs[0].prefs.channels = 6;
		rig.confs[0].prefs.big_endian = true;
		rig.confs[0].volume.gain_mdb = -20000;
		rig.confs[0].insert = &driver;
		rig_add(&rig, 0);
		go(&rig, format, SECOND);
		assert_true(vmsnd_format_equal(&rig.host.want.format, &format));
		assert_true(rig_status(&rig, 0).exact);
		assert_in_range(heard(&rig.host, 0, i ? 0 : QUIET), 86000, 88200);
		assert_int_equal(rig_status(&rig, 0).xruns, 0);
		rig_close(&rig);
	}
}

static void test_V45_mute_is_the_only_loudness(void **state)
{
	struct vmsnd_volume volume = {.muted = UINT32_MAX};
	uint32_t before;
	struct rig rig;
	size_t from;

	rig_open(&rig, VMSND_PLAYBACK);
	go(&rig, dsd, 200 * MS);
	before = heard(&rig.host, 0, QUIET);
	vmsnd_lun_volume(rig.luns[0], &volume);
	from = rig.host.n_heard;
	rig_run(&rig, 200 * MS);
	assert_true(rig.host.n_heard - from >= 9120);
	for (size_t i = from; i < rig.host.n_heard; i++)
		assert_int_equal(rig.host.heard[i], QUIET);
	assert_false(rig_status(&rig, 0).exact);
	volume = (struct vmsnd_volume){.gain_mdb = 6000};
	vmsnd_lun_volume(rig.luns[0], &volume);
	from = rig.host.n_heard;
	rig_run(&rig, 200 * MS);
	/* The guest's time went on meanwhile. */
	assert_in_range(heard(&rig.host, from, QUIET), before + 17000, before + 20000);
	assert_true(rig_status(&rig, 0).exact);
	rig_close(&rig);
}

/* ---- hosts that do not take it ---- */

static void check_unfit(struct rig *rig)
{
	uint64_t done;

	go(rig, dsd, SECOND);
	assert_true(rig_status(rig, 0).unfit);
	assert_int_equal(rig_status(rig, 0).host, VMSND_HOST_LOST);
	assert_int_equal(rig->host.starts, 0);
	assert_int_equal(rig->host.tries, 1);
	done = DONE(rig);
	rig_run(rig, 60 * SECOND);
	/* It is not asked again and again, and the guest does not notice. */
	assert_int_equal(rig->host.tries, 1);
	assert_near(DONE(rig), done + 60 * 48000);
	vmsnd_port_stop(rig->port, rig->now);
	vmsnd_port_release(rig->port, rig->now);
}

static void check_pcm(struct rig *rig)
{
	rig->next_frame = 0;
	rig_go(rig, 500 * MS);
	assert_false(rig_status(rig, 0).unfit);
	assert_int_equal(rig_status(rig, 0).host, VMSND_HOST_RUNNING);
	assert_true(rig->host.n_heard > 20000);
}

static void test_V45_a_host_of_another_format_is_unable_until_the_guest_plays_pcm(void **state)
{
	static const struct vmsnd_format pcm = FORMAT(VMSND_SAMPLE_S16, 48000, 2);
	struct rig rig;

	for (unsigned workers = 0; workers < 2; workers++) {
		rig_begin(&rig, VMSND_PLAYBACK, true);
		rig.host.other_format = &pcm;
		rig.host.kind.flags = workers ? VMSND_BACKEND_SLOW_STREAM_OPEN : 0;
		rig_add(&rig, 0);
		check_unfit(&rig);
		check_pcm(&rig);
		/* And the other way round: what had PCM does not get DSD by mistake. */
		vmsnd_port_stop(rig.port, rig.now);
		vmsnd_port_release(rig.port, rig.now);
		rig.host.starts = 0;
		go(&rig, dsd, SECOND);
		assert_true(rig_status(&rig, 0).unfit);
		assert_int_equal(rig.host.starts, 0);
		rig_close(&rig);
	}
}

static void test_V45_a_host_that_refuses_is_not_asked_for_something_plain(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.unsupported = 1;
	rig_add(&rig, 0);
	check_unfit(&rig);
	check_pcm(&rig);
	rig_close(&rig);
}

/* Its devices changed: it is asked once more. */
static void test_V45_a_host_that_learns_is_found(void **state)
{
	static const struct vmsnd_format pcm = FORMAT(VMSND_SAMPLE_S16, 48000, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_format = &pcm;
	rig_add(&rig, 0);
	go(&rig, dsd, SECOND);
	assert_true(rig_status(&rig, 0).unfit);
	rig.host.other_format = NULL;
	vmsnd_lun_retry(rig.luns[0], rig.now);
	rig_run(&rig, SECOND);
	assert_false(rig_status(&rig, 0).unfit);
	assert_true(heard(&rig.host, 0, QUIET) > 40000);
	rig_close(&rig);
}

/* ---- other units ---- */

static void test_V45_followers_get_it_as_it_is_or_do_without(void **state)
{
	static const struct vmsnd_format pcm = FORMAT(VMSND_SAMPLE_S16, 48000, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host(&rig, 1)->speed = 0; /* follows */
	rig_host(&rig, 2)->speed = 1; /* has a clock of its own, which cannot be bent to */
	rig_host(&rig, 3)->other_format = &pcm;
	for (unsigned i = 0; i < 4; i++)
		rig_add(&rig, i);
	go(&rig, dsd, 2 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(heard(rig_host(&rig, i), 0, QUIET) > 90000);
		assert_int_equal(rig_status(&rig, i).xruns, 0);
	}
	assert_true(rig_status(&rig, 3).unfit);
	assert_int_equal(rig_host(&rig, 3)->starts, 0);
	rig_close(&rig);
}

/* A crystal of its own: it loses or waits, but what it plays are the guest's frames. */
static void test_V45_a_followers_own_clock_costs_frames_not_bits(void **state)
{
	struct rig rig;
	uint32_t last = 0;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig_host(&rig, 1)->speed = 1;
	rig_host(&rig, 1)->ppm = -3000;
	rig_add(&rig, 0);
	rig_add(&rig, 1);
	go(&rig, dsd, 120 * SECOND);
	assert_true(rig_status(&rig, 1).dropped_frames > 0);
	for (size_t i = 0; i < rig_host(&rig, 1)->n_heard; i++) {
		uint32_t frame = rig_host(&rig, 1)->heard[i];

		if (frame == QUIET)
			continue;
		assert_true(frame > last && frame <= rig.next_frame);
		last = frame;
	}
	assert_true(last > 119 * 48000);
	rig_close(&rig);
}

static void test_V45_recorded_as_it_is_and_nothing_added(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	for (unsigned i = 0; i < 2; i++) {
		rig.confs[i].volume.gain_mdb = -6000;
		rig_add(&rig, i);
	}
	go(&rig, dsd, SECOND);
	assert_int_equal(rig_host(&rig, 1)->opens, 0);
	assert_in_range(heard(&rig.host, 0, QUIET), 46000, 48000);
	/* Both are added up again as soon as there is PCM. */
	vmsnd_port_stop(rig.port, rig.now);
	vmsnd_port_release(rig.port, rig.now);
	rig_go(&rig, SECOND);
	assert_int_equal(rig_status(&rig, 1).host, VMSND_HOST_RUNNING);
	rig_close(&rig);
}

static void test_V45_silence_of_a_host_that_is_not_there(void **state)
{
	static const struct vmsnd_format pcm = FORMAT(VMSND_SAMPLE_S16, 48000, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.other_format = &pcm;
	rig_add(&rig, 0);
	go(&rig, dsd, SECOND);
	assert_true(rig_status(&rig, 0).unfit);
	assert_in_range(rig.taken, 47000, 48000);
	for (size_t i = 0; i < rig.host.n_heard; i++)
		assert_int_equal(rig.host.heard[i], QUIET);
	rig_close(&rig);
}

/* ---- change over and saved state ---- */

static void test_V45_change_over_to_a_host_that_takes_it_and_to_one_that_does_not(void **state)
{
	static const struct vmsnd_format pcm = FORMAT(VMSND_SAMPLE_S16, 48000, 2);

	for (unsigned able = 0; able < 2; able++) {
		struct vmsnd_lun_next_conf next;
		struct vmsnd_backend *other;
		struct rig rig;

		rig_open(&rig, VMSND_PLAYBACK);
		other = rig_host(&rig, 1);
		other->other_format = able ? NULL : &pcm;
		next = (struct vmsnd_lun_next_conf){&other->kind, other, NULL, rig.confs[0].prefs};
		go(&rig, dsd, 500 * MS);
		assert_int_equal(vmsnd_lun_next(rig.luns[0], &next, rig.now), VMSND_OK);
		rig_run(&rig, 100 * MS);
		assert_int_equal(vmsnd_lun_next_state(rig.luns[0]),
				 able ? VMSND_NEXT_READY : VMSND_NEXT_FAILED);
		if (able) {
			uint32_t last = heard(&rig.host, 0, QUIET);

			vmsnd_lun_change_over(rig.luns[0], rig.now);
			rig_run(&rig, 500 * MS);
			assert_int_equal(other->heard[0], last + 1);
			assert_true(heard(other, 0, QUIET) > last + 20000);
		} else {
			vmsnd_lun_next_drop(rig.luns[0], rig.now);
			rig_run(&rig, 100 * MS);
			assert_int_equal(other->starts, 0);
		}
		rig_close(&rig);
	}
}

static void test_V45_saved_in_the_middle_it_goes_on(void **state)
{
	struct vmsnd_state_writer count = {0}, to;
	struct vmsnd_state_reader from;
	struct rig old, new;
	uint32_t last;
	void *bytes;

	rig_open(&old, VMSND_PLAYBACK);
	rig_open(&new, VMSND_PLAYBACK);
	go(&old, dsd, 333 * MS);
	vmsnd_port_pause(old.port, true, old.now);
	vmsnd_port_save(old.port, &count);
	bytes = malloc(count.used);
	assert_non_null(bytes);
	to = (struct vmsnd_state_writer){.to = bytes, .room = count.used};
	vmsnd_port_save(old.port, &to);
	from = (struct vmsnd_state_reader){.from = bytes, .bytes = count.used};
	new.next_frame = old.next_frame;
	new.posted = old.posted;
	new.endless = true;
	assert_int_equal(vmsnd_port_load(new.port, &from, VMSND_PORT_STATE_MINOR, new.now),
			 VMSND_OK);
	vmsnd_port_pause(new.port, false, new.now);
	rig_run(&new, 333 * MS);
	last = heard(&old.host, 0, QUIET);
	assert_true(heard(&new.host, 0, QUIET) > last + 14000);
	for (size_t i = 0; i < new.host.n_heard; i++) {
		if (new.host.heard[i] == QUIET)
			continue;
		assert_int_equal(new.host.heard[i], last + 1);
		break;
	}
	free(bytes);
	rig_close(&old);
	rig_close(&new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V45_bytes_pass_untouched),
	    cmocka_unit_test(test_V45_mute_is_the_only_loudness),
	    cmocka_unit_test(test_V45_a_host_of_another_format_is_unable_until_the_guest_plays_pcm),
	    cmocka_unit_test(test_V45_a_host_that_refuses_is_not_asked_for_something_plain),
	    cmocka_unit_test(test_V45_a_host_that_learns_is_found),
	    cmocka_unit_test(test_V45_followers_get_it_as_it_is_or_do_without),
	    cmocka_unit_test(test_V45_a_followers_own_clock_costs_frames_not_bits),
	    cmocka_unit_test(test_V45_recorded_as_it_is_and_nothing_added),
	    cmocka_unit_test(test_V45_silence_of_a_host_that_is_not_there),
	    cmocka_unit_test(test_V45_change_over_to_a_host_that_takes_it_and_to_one_that_does_not),
	    cmocka_unit_test(test_V45_saved_in_the_middle_it_goes_on),
	};

	return cmocka_run_group_tests_name("opaque", tests, NULL, NULL);
}
