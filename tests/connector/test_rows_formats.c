/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats, channels, rates and loudness on their way through a port: MX-10 to MX-17, 34 to 36; the
 * kernels themselves are pinned in tests/unit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define DONE(rig) vmsnd_port_done_frames((rig)->port)

static void begin(struct rig *rig, const struct vmsnd_format *host, enum rig_signal signal)
{
	rig_begin(rig, VMSND_PLAYBACK, true);
	rig->host.other_format = host;
	if (host)
		rig->host.other_period = host->rate_hz / 100;
	rig->signal = signal;
	rig->level = 16000;
	rig->confs[0].prefs.quality = VMSND_QUALITY_MEDIUM;
	rig_add(rig, 0);
}

/* MX-10, KEYx-3: every host format there is, and each is reached without loss where it is at
 * least as wide as the guest's. */
static void test_MX_10_every_host_format(void **state)
{
	for (unsigned s = 0; s < VMSND_SAMPLE_IEC958_SUBFRAME; s++) {
		for (unsigned big = 0; big < 2; big++) {
			const struct vmsnd_format host = {.sample = (enum vmsnd_sample)s,
							  .rate_hz = 48000,
							  .channels = 2,
							  .big_endian = big};
			struct vmsnd_lun_status status;
			struct rig rig;

			begin(&rig, &host, RIG_SINE);
			rig_go(&rig, 100 * MS);
			status = rig_status(&rig, 0);
			assert_int_equal(status.format.sample, s);
			assert_int_equal(status.exact, s == VMSND_SAMPLE_S16 && !big);
			assert_int_equal(rig.host.n_heard, 4800);
			assert_int_equal(rig.host.heard_frame_bytes,
					 vmsnd_format_frame_bytes(&host));
			assert_int_equal(status.xruns, 0);
			rig_close(&rig);
		}
	}
}

/* MX-11, MX-12: stereo for a host of 5.1 comes from front left and right and nowhere else; 5.1 for
 * a stereo host keeps centre, rears and LFE. */
static void test_MX_11_MX_12_stereo_to_5_1(void **state)
{
	static const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, 48000, 6);
	struct rig rig;

	begin(&rig, &host, RIG_LEVEL);
	rig_go(&rig, 100 * MS);
	for (size_t i = 0; i < rig.host.n_heard; i++)
		for (size_t c = 0; c < 6; c++)
			assert_int_equal(rig.host.samples[6 * i + c], c < 2 ? 16000 : 0);
	rig_close(&rig);
}

static void test_MX_12_5_1_to_stereo_loses_no_channel(void **state)
{
	static const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, 48000, 2);

	for (unsigned channel = 0; channel < 6; channel++) {
		struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD);
		int left, right;
		struct rig rig;
		void *at;

		begin(&rig, &host, RIG_LEVEL);
		params.format.channels = 6;
		assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
		assert_int_equal(vmsnd_port_begin(rig.port, T_FRAMES, &at), T_FRAMES);
		memset(at, 0, T_FRAMES * 12);
		for (unsigned i = 0; i < T_FRAMES; i++)
			((int16_t *)at)[6 * i + channel] = 10000;
		vmsnd_port_commit(rig.port, T_FRAMES);
		rig_start(&rig);
		rig_run(&rig, 20 * MS);
		left = rig.host.samples[2 * 500];
		right = rig.host.samples[2 * 500 + 1];
		if (channel == 0)
			assert_int_equal(left, 10000);
		if (channel == 1)
			assert_int_equal(right, 10000);
		if (channel == 2 || channel == 3) /* centre, LFE: to both */
			assert_true(abs(left - 7071) <= 1 && abs(right - 7071) <= 1);
		if (channel >= 4)
			assert_true(abs(left + right - 7071) <= 1);
		rig_close(&rig);
	}
}

static double rms(const struct vmsnd_backend *host, size_t from)
{
	double sum = 0;

	for (size_t i = from; i < host->n_heard; i++)
		sum += (double)host->samples[2 * i] * host->samples[2 * i];
	return sqrt(sum / (double)(host->n_heard - from));
}

/* MX-15: what the host's rate cannot carry is taken out, not folded down. */
static void test_MX_15_no_aliasing_downwards(void **state)
{
	static const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, 16000, 2);
	struct rig rig;
	double passes;

	begin(&rig, &host, RIG_SINE); /* 440 Hz: passes */
	rig_go(&rig, SECOND);
	passes = rms(&rig.host, 4000);
	assert_true(passes > 11000 && passes < 11600); /* 16000 / sqrt 2 */
	rig_close(&rig);
	begin(&rig, &host, RIG_LEVEL);
	rig_prepare(&rig);
	rig_start(&rig);
	for (unsigned i = 0; i < 100; i++) { /* 12 kHz: four frames a cycle */
		static const int16_t cycle[4] = {0, 16000, 0, -16000};
		uint32_t n;
		void *at;

		n = vmsnd_port_begin(rig.port, PERIOD, &at);
		for (uint32_t j = 0; j < 2 * n; j++)
			((int16_t *)at)[j] = cycle[(rig.next_frame + j / 2) % 4];
		rig.next_frame += n;
		vmsnd_port_commit(rig.port, n);
		rig_run(&rig, 10 * MS);
	}
	assert_true(rig.host.n_heard > 14000);
	assert_true(rms(&rig.host, 4000) < 16);
	rig_close(&rig);
}

/* MX-15: what was played before is forgotten in every channel, not only in the first. */
static void test_MX_15_a_new_start_has_no_past_in_any_channel(void **state)
{
	static const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
	size_t before;
	struct rig rig;

	begin(&rig, &host, RIG_LEVEL);
	rig_go(&rig, 500 * MS);
	vmsnd_port_release(rig.port, rig.now);
	before = rig.host.n_heard;
	rig.level = 0;
	rig_go(&rig, 500 * MS);
	assert_true(rig.host.n_heard > before + 20000);
	for (size_t i = 2 * before; i < 2 * rig.host.n_heard; i++)
		assert_int_equal(rig.host.samples[i], 0);
	rig_close(&rig);
}

/* Up and down, the sound keeps its length and its pace. */
static void test_MX_15_MX_36_other_rates_keep_the_guests_time(void **state)
{
	static const uint32_t rates[] = {8000, 11025, 44100, 96000, 192000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, rates[i], 2);
		struct rig rig;

		begin(&rig, &host, RIG_SINE);
		rig_go(&rig, 10 * SECOND);
		assert_int_equal(rig.host.n_heard,
				 10 * rates[i] / (rates[i] / 100) * (rates[i] / 100));
		assert_near(DONE(&rig), 480000);
		assert_int_equal(rig_counter(&rig, "underruns"), 0);
		assert_true(rig_largest_step(&rig.host, rates[i], rig.host.n_heard) <
			    (int)(1000.0 * 48000 / rates[i]));
		rig.endless = false;
		vmsnd_port_drain(rig.port, rig.now);
		rig_run(&rig, SECOND);
		assert_int_equal(DONE(&rig), rig.next_frame);
		assert_int_equal(vmsnd_port_state(rig.port), VMSND_PORT_INACTIVE);
		rig_close(&rig);
	}
}

/* ---- loudness ---- */

static void set_volume(struct rig *rig, unsigned unit, int32_t gain_mdb, uint32_t muted)
{
	const struct vmsnd_volume volume = {.gain_mdb = gain_mdb, .muted = muted};

	vmsnd_lun_volume(rig->luns[unit], &volume);
}

/* MX-16: down and up, each channel by itself, without a click. */
static void test_MX_16_gain_up_and_down_without_a_click(void **state)
{
	struct rig rig;
	size_t at;

	begin(&rig, NULL, RIG_LEVEL);
	rig.level = 10000;
	rig_go(&rig, 100 * MS);
	assert_true(rig_status(&rig, 0).exact);
	set_volume(&rig, 0, 6021, 0); /* twice */
	rig_run(&rig, 100 * MS);
	at = rig.host.n_heard - 1;
	assert_true(abs(rig.host.samples[2 * at] - 20000) <= 4);
	assert_false(rig_status(&rig, 0).exact);
	set_volume(&rig, 0, -20000, 0);
	rig_run(&rig, 100 * MS);
	at = rig.host.n_heard - 1;
	assert_true(abs(rig.host.samples[2 * at] - 1000) <= 2);
	set_volume(&rig, 0, 0, 2); /* the right one muted */
	rig_run(&rig, 100 * MS);
	at = rig.host.n_heard - 1;
	assert_int_equal(rig.host.samples[2 * at], 10000);
	assert_int_equal(rig.host.samples[2 * at + 1], 0);
	set_volume(&rig, 0, 0, 0);
	rig_run(&rig, 100 * MS);
	assert_true(rig_status(&rig, 0).exact);
	/* 480 frames of ramp over at most 19000. */
	assert_true(rig_largest_step(&rig.host, 0, rig.host.n_heard) < 60);
	rig_close(&rig);
}

/* MX-16: muting one output is for that one alone. */
static void test_MX_16_volume_is_each_units_own(void **state)
{
	struct rig rig;

	begin(&rig, NULL, RIG_LEVEL);
	rig_add(&rig, 1);
	rig_go(&rig, SECOND);
	set_volume(&rig, 1, 0, UINT32_MAX);
	rig_run(&rig, SECOND);
	assert_int_equal(rig.host.samples[2 * (rig.host.n_heard - 1)], 16000);
	assert_int_equal(rig.others[0].samples[2 * (rig.others[0].n_heard - 1)], 0);
	assert_int_equal(rig_status(&rig, 1).volume.muted, UINT32_MAX);
	assert_int_equal(rig_status(&rig, 0).volume.muted, 0);
	rig_close(&rig);
}

/* MX-17: a new format, host or direction keeps the volume that was set. */
static void test_MX_17_volume_outlives_every_rebuild(void **state)
{
	struct vmsnd_stream_params params = rig_params(BUFFER, PERIOD / 2);
	struct rig rig;

	begin(&rig, NULL, RIG_LEVEL);
	set_volume(&rig, 0, -20000, 0); /* before anything is open */
	rig_go(&rig, 100 * MS);
	assert_true(abs(rig.host.samples[0] - 1600) <= 2); /* and from the first frame on */
	vmsnd_lun_reopen(rig.luns[0], rig.now);
	rig_run(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, false, rig.now);
	rig_run(&rig, 100 * MS);
	vmsnd_port_enable(rig.port, true, rig.now);
	rig_run(&rig, 100 * MS);
	vmsnd_port_release(rig.port, rig.now);
	assert_int_equal(vmsnd_port_prepare(rig.port, &params, rig.now), VMSND_OK);
	rig_start(&rig);
	rig_run(&rig, 100 * MS);
	vmsnd_lun_attach(rig.luns[0], NULL, rig.now);
	vmsnd_lun_attach(rig.luns[0], &rig.host, rig.now);
	rig_run(&rig, 100 * MS);
	assert_true(rig.host.n_heard > 15000);
	for (size_t i = 0; i < rig.host.n_heard; i++)
		assert_true(abs(rig.host.samples[2 * i]) <= 1602);
	rig_close(&rig);
}

/* MX-17: a prepare with the same parameters rebuilds nothing. */
static void test_MX_17_the_same_parameters_change_nothing(void **state)
{
	struct rig rig;

	begin(&rig, NULL, RIG_NUMBERS);
	rig_go(&rig, 100 * MS);
	for (unsigned i = 0; i < 5; i++) {
		vmsnd_port_release(rig.port, rig.now);
		rig_prepare(&rig);
		rig_start(&rig);
		rig_run(&rig, 50 * MS);
	}
	assert_int_equal(rig.host.opens, 1);
	rig_close(&rig);
}

/* A capture path has a volume, too. */
static void test_MX_16_volume_of_an_input(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.signal = RIG_LEVEL;
	rig.host.level = 10000;
	rig_add(&rig, 0);
	set_volume(&rig, 0, -20000, 0);
	rig_go(&rig, 100 * MS);
	assert_true(abs(rig.host.samples[2 * 4000] - 1000) <= 2);
	rig_close(&rig);
}

/* Capture from a host of another rate and width arrives whole. */
static void test_MX_23_capture_from_another_rate(void **state)
{
	static const struct vmsnd_format host = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
	struct rig rig;

	rig_begin(&rig, VMSND_CAPTURE, true);
	rig.host.signal = RIG_SINE;
	rig.host.level = 16000;
	rig.host.other_format = &host;
	rig.host.other_period = 441;
	rig_add(&rig, 0);
	rig_go(&rig, 10 * SECOND);
	assert_near(rig.taken, 480000);
	assert_true(rig_largest_step(&rig.host, 4800, rig.host.n_heard) < 920);
	assert_int_equal(rig_counter(&rig, "overruns"), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_10_every_host_format),
	    cmocka_unit_test(test_MX_11_MX_12_stereo_to_5_1),
	    cmocka_unit_test(test_MX_12_5_1_to_stereo_loses_no_channel),
	    cmocka_unit_test(test_MX_15_no_aliasing_downwards),
	    cmocka_unit_test(test_MX_15_a_new_start_has_no_past_in_any_channel),
	    cmocka_unit_test(test_MX_15_MX_36_other_rates_keep_the_guests_time),
	    cmocka_unit_test(test_MX_16_gain_up_and_down_without_a_click),
	    cmocka_unit_test(test_MX_16_volume_is_each_units_own),
	    cmocka_unit_test(test_MX_17_volume_outlives_every_rebuild),
	    cmocka_unit_test(test_MX_17_the_same_parameters_change_nothing),
	    cmocka_unit_test(test_MX_16_volume_of_an_input),
	    cmocka_unit_test(test_MX_23_capture_from_another_rate),
	};

	return cmocka_run_group_tests_name("rows-formats", tests, NULL, NULL);
}
