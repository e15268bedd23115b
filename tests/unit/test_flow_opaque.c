/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow for what is no PCM: bytes, silence where it is muted, and nothing else. */
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "flow_rig.h"

#define FRAMES 1000u

static struct vmsnd_flow_conf conf_of(enum vmsnd_sample from, enum vmsnd_sample to)
{
	return (struct vmsnd_flow_conf){
	    .from = flow_format(from, 88200, 3), .to = flow_format(to, 88200, 3), .dither = true};
}

static bool opens(const struct vmsnd_flow_conf *conf)
{
	static struct vmsnd_flow flow;
	enum vmsnd_rc rc = vmsnd_flow_open(&flow, conf);

	if (rc)
		assert_int_equal(rc, VMSND_E_UNSUPPORTED);
	vmsnd_flow_close(&flow);
	return rc == VMSND_OK;
}

static void test_V45_no_way_from_or_to_any_other_format(void **state)
{
	for (unsigned from = 0; from < VMSND_SAMPLE_COUNT; from++)
		for (unsigned to = 0; to < VMSND_SAMPLE_COUNT; to++) {
			struct vmsnd_flow_conf conf =
			    conf_of((enum vmsnd_sample)from, (enum vmsnd_sample)to);
			bool pcm = !vmsnd_sample_is_opaque(conf.from.sample) &&
				   !vmsnd_sample_is_opaque(conf.to.sample);

			assert_int_equal(opens(&conf), pcm || from == to);
		}
}

static void test_V45_no_other_rate_channels_or_byte_order(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_DSD_U16, VMSND_SAMPLE_DSD_U16);

	conf.rates = &vmsnd_resampler_samplerate;
	conf.bend = true; /* is not done, but no reason to refuse */
	assert_true(opens(&conf));
	conf.to.rate_hz = 176400;
	assert_false(opens(&conf));
	conf.to.rate_hz = 88200;
	conf.to.channels = 2;
	assert_false(opens(&conf));
	conf.to.channels = 3;
	conf.to.big_endian = true;
	assert_false(opens(&conf));
}

static void fill(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
}

static void expect(const struct vmsnd_format *format, const uint8_t *in, const uint8_t *out,
		   uint32_t muted)
{
	uint32_t bytes = vmsnd_sample_bytes(format->sample);
	uint8_t quiet[3 * 4];

	vmsnd_format_silence_rt(format, quiet, 1);
	for (uint32_t i = 0; i < FRAMES * 3; i++)
		assert_memory_equal(out + i * bytes, muted >> i % 3 & 1 ? quiet : in + i * bytes,
				    bytes);
}

static void test_V45_loudness_is_all_or_nothing_of_each_channel(void **state)
{
	static uint8_t in[FRAMES * 3 * 4], out[FRAMES * 3 * 4];

	fill(in, sizeof(in));
	for (unsigned s = VMSND_SAMPLE_IEC958_SUBFRAME; s < VMSND_SAMPLE_COUNT; s++)
		for (uint32_t muted = 0; muted < 8; muted++) {
			struct vmsnd_flow_conf conf =
			    conf_of((enum vmsnd_sample)s, (enum vmsnd_sample)s);
			struct flow_rig *rig;

			conf.volume.gain_mdb = -12345;
			conf.volume.channel_mdb[1] = 3000;
			conf.volume.muted = muted & 5; /* the owner's */
			conf.before.muted = muted & 2; /* and the guest's */
			rig = flow_rig_pull(&conf);
			flow_rig_write(rig, in, FRAMES);
			assert_int_equal(flow_rig_take(rig, out, FRAMES), FRAMES);
			expect(&conf.to, in, out, muted);
			assert_int_equal(vmsnd_flow_exact_rt(&rig->flow), muted == 0);
			assert_int_equal(vmsnd_flow_held_frames_rt(&rig->flow), 0);
			flow_rig_close(rig);
		}
}

static void never_rt(void *ctx, double *samples, uint32_t frames)
{
	fail_msg("something was to be added to what is no PCM");
}

static void test_V45_recorded_with_nothing_added(void **state)
{
	struct vmsnd_flow_conf conf = conf_of(VMSND_SAMPLE_DSD_U32, VMSND_SAMPLE_DSD_U32);
	static uint8_t in[FRAMES * 3 * 4], out[FRAMES * 3 * 4];
	struct vmsnd_flow_block block = {.samples = in, .frames = FRAMES, .mix_rt = never_rt};
	double mix[3] = {1, 2, 3};
	struct flow_rig *rig;
	uint32_t lost, taken;

	fill(in, sizeof(in));
	conf.volume.muted = 2;
	rig = flow_rig_push(&conf);
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), FRAMES);
	assert_int_equal(flow_rig_read(rig, out, FRAMES), FRAMES);
	expect(&conf.to, in, out, 2);
	block.samples = NULL; /* the stand-in */
	assert_int_equal(vmsnd_flow_push_rt(&rig->flow, &block, &rig->writer, &lost), FRAMES);
	assert_int_equal(flow_rig_read(rig, out, FRAMES), FRAMES);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 0x69);
	flow_rig_close(rig);
	/* Nor is it added to anything. */
	rig = flow_rig_pull(&conf);
	flow_rig_write(rig, in, FRAMES);
	assert_int_equal(vmsnd_flow_pull_mix_rt(&rig->flow, &rig->reader, mix, 1, &taken), 0);
	assert_true(mix[0] == 1 && mix[1] == 2 && mix[2] == 3);
	flow_rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V45_no_way_from_or_to_any_other_format),
	    cmocka_unit_test(test_V45_no_other_rate_channels_or_byte_order),
	    cmocka_unit_test(test_V45_loudness_is_all_or_nothing_of_each_channel),
	    cmocka_unit_test(test_V45_recorded_with_nothing_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
