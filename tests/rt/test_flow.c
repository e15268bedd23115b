/* SPDX-License-Identifier: BSD-3-Clause */
/* The conversion between a ring and a host under the guard: every pair of formats, both ways, with
 * loudness on its way, dither, channels, and rates by each converter, bent and not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"
#include "os/cpu.h"
#include "pcm/flow.h"

#define RING_FRAMES  4096u
#define BLOCK_FRAMES 480u
#define FRAME_BYTES  (VMSND_CHANNELS_MAX * 8u)

static const char *unable;

struct bench {
	struct vmsnd_flow flow;
	struct vmsnd_ring_head head;
	struct vmsnd_ring_end writer, reader;
	_Alignas(64) uint8_t storage[RING_FRAMES * FRAME_BYTES];
	_Alignas(64) uint8_t block[BLOCK_FRAMES * FRAME_BYTES];
	_Alignas(64) double mix[BLOCK_FRAMES * VMSND_CHANNELS_MAX];
};

static struct bench bench;
static uint64_t seed = 88172645463325252u;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void fill_random(void *to, size_t bytes)
{
	for (uint8_t *at = to; bytes > 0; bytes--)
		*at++ = (uint8_t)random32();
}

static void need_guard(void)
{
	if (!unable)
		return;
	print_message("# skipped: %s\n", unable);
	skip();
}

static void new_ring(const struct vmsnd_format *format)
{
	uint32_t bytes = vmsnd_format_frame_bytes(format);

	vmsnd_ring_reset(&bench.head);
	vmsnd_ring_end_init(&bench.writer, &bench.head, bench.storage, RING_FRAMES, bytes);
	vmsnd_ring_end_init(&bench.reader, &bench.head, bench.storage, RING_FRAMES, bytes);
}

static void feed(uint32_t frames)
{
	void *at;
	uint32_t n = vmsnd_ring_write_begin_rt(&bench.writer, frames, &at);

	fill_random(at, (size_t)n * bench.writer.frame_bytes);
	vmsnd_ring_write_commit_rt(&bench.writer, n);
}

static void drop(uint32_t frames)
{
	vmsnd_ring_read_commit_rt(&bench.reader, frames);
}

static void mix_rt(void *ctx, double *samples, uint32_t frames)
{
	uint32_t channels = *(const uint32_t *)ctx;

	for (size_t i = 0; i < (size_t)frames * channels; i++)
		samples[i] += 0.125;
}

/* Blocks of awkward sizes, with the ring full, nearly empty and empty. */
static void pull(void)
{
	static const uint32_t sizes[] = {BLOCK_FRAMES, 1, 257, 256, BLOCK_FRAMES, 31, BLOCK_FRAMES};

	new_ring(&bench.flow.conf.from);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t taken, made, mixed, drained;

		feed(i == 4 ? 3 : BLOCK_FRAMES);
		rt_guard_enter();
		made =
		    vmsnd_flow_pull_rt(&bench.flow, &bench.reader, bench.block, sizes[i], &taken);
		mixed = vmsnd_flow_pull_mix_rt(&bench.flow, &bench.reader, bench.mix, sizes[i] / 2,
					       &taken);
		(void)vmsnd_flow_exact_rt(&bench.flow);
		(void)vmsnd_flow_held_frames_rt(&bench.flow);
		drained = i == 6 ? vmsnd_flow_drain_rt(&bench.flow, bench.block, BLOCK_FRAMES) : 0;
		rt_guard_leave();
		assert_true(made <= sizes[i] && mixed <= sizes[i] / 2 && drained <= BLOCK_FRAMES);
		if (i == 0 && !bench.flow.resampler)
			assert_true(made > 0);
	}
}

/* Sound, silence, with something mixed in, and into a ring that is full. */
static void push(void)
{
	uint32_t channels = bench.flow.conf.to.channels;

	new_ring(&bench.flow.conf.to);
	for (unsigned i = 0; i < 12; i++) {
		struct vmsnd_flow_block block = {.samples = i % 3 == 2 ? NULL : bench.block,
						 .frames = i % 4 == 3 ? 1 : BLOCK_FRAMES,
						 .mix_rt = i % 2 ? mix_rt : NULL,
						 .ctx = &channels};
		uint32_t lost, written;

		fill_random(bench.block, 64);
		rt_guard_enter();
		written = vmsnd_flow_push_rt(&bench.flow, &block, &bench.writer, &lost);
		rt_guard_leave();
		assert_true(written <= RING_FRAMES);
		if (i == 0 && !bench.flow.resampler)
			assert_true(written > 0);
		if (i == 9)
			drop(RING_FRAMES);
	}
}

static void run(const struct vmsnd_flow_conf *conf)
{
	assert_int_equal(vmsnd_flow_open(&bench.flow, conf), VMSND_OK);
	fill_random(bench.block, sizeof(bench.block) / 8);
	pull();
	vmsnd_flow_reset(&bench.flow);
	push();
	vmsnd_flow_close(&bench.flow);
}

static struct vmsnd_format format_of(unsigned n, uint32_t rate_hz, uint32_t channels)
{
	return (struct vmsnd_format){.sample = (enum vmsnd_sample)(n / 2),
				     .big_endian = n % 2,
				     .rate_hz = rate_hz,
				     .channels = channels};
}

static void test_every_pair_of_formats(void **state)
{
	unsigned long before = rt_guard_entered();

	need_guard();
	for (unsigned from = 0; from < 2 * VMSND_SAMPLE_COUNT; from++)
		for (unsigned to = 0; to < 2 * VMSND_SAMPLE_COUNT; to++) {
			bool pcm = from < 2 * VMSND_SAMPLE_IEC958_SUBFRAME &&
				   to < 2 * VMSND_SAMPLE_IEC958_SUBFRAME;

			const struct vmsnd_flow_conf conf = {
			    .from = format_of(from, 48000, 2),
			    .to = format_of(to, 48000, 2),
			    .cpu = (from + to) % 3 ? vmsnd_cpu_best() : VMSND_CPU_BASELINE,
			    .dither = to % 4 < 2,
			    .volume.muted = to % 3};

			if (pcm || from == to)
				run(&conf);
		}
	assert_true(rt_guard_entered() - before >= 1600 * 19);
}

static void test_every_pair_of_channel_counts(void **state)
{
	need_guard();
	for (uint32_t from = 1; from <= VMSND_CHANNELS_MAX; from++)
		for (uint32_t to = 1; to <= VMSND_CHANNELS_MAX; to++) {
			const struct vmsnd_flow_conf conf = {
			    .from = format_of(2 * VMSND_SAMPLE_S16, 48000, from),
			    .to = format_of(2 * VMSND_SAMPLE_S24_3, 48000, to),
			    .cpu = vmsnd_cpu_best(),
			    .dither = true};

			run(&conf);
		}
}

static void set_loudness(unsigned step)
{
	struct vmsnd_volume volume = {.gain_mdb = step % 3 ? -6000 : 0,
				      .muted = step % 5 == 4 ? UINT32_MAX : step % 7 == 3};

	volume.channel_mdb[1] = (int32_t)(step % 4) * -1000;
	vmsnd_gain_set(&bench.flow.gain, &volume);
}

/* A new aim at each block, in the middle of the ramp to the last one. */
static void test_loudness_on_its_way(void **state)
{
	struct vmsnd_flow_conf conf = {.from = format_of(2 * VMSND_SAMPLE_S16, 48000, 2),
				       .to = format_of(2 * VMSND_SAMPLE_S16, 48000, 2),
				       .cpu = vmsnd_cpu_best()};

	need_guard();
	assert_int_equal(vmsnd_flow_open(&bench.flow, &conf), VMSND_OK);
	new_ring(&conf.from);
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t taken;

		feed(300);
		set_loudness(i / 2);
		rt_guard_enter();
		vmsnd_flow_pull_rt(&bench.flow, &bench.reader, bench.block, 200, &taken);
		(void)vmsnd_gain_unity_rt(&bench.flow.gain);
		rt_guard_leave();
	}
	vmsnd_flow_close(&bench.flow);
}

static const uint32_t rates[] = {4000, 44100, 48000, 96000, 192000};
#define RATES (sizeof(rates) / sizeof(rates[0]))

static void test_every_converter(void **state)
{
	need_guard();
	for (unsigned quality = VMSND_QUALITY_FASTEST; quality <= VMSND_QUALITY_BEST; quality++)
		for (unsigned i = 0; i < RATES * RATES; i++) {
			const struct vmsnd_flow_conf conf = {
			    .from = format_of(2 * VMSND_SAMPLE_S16, rates[i % RATES], 2),
			    .to =
				format_of(2 * VMSND_SAMPLE_FLOAT, rates[i / RATES], i % 3 ? 2 : 6),
			    .rates = &vmsnd_resampler_samplerate,
			    .quality = (enum vmsnd_quality)quality,
			    .cpu = vmsnd_cpu_best(),
			    .dither = true};

			run(&conf);
		}
}

static void test_bends(void **state)
{
	struct vmsnd_flow_conf conf = {.from = format_of(2 * VMSND_SAMPLE_S16, 48000, 2),
				       .to = format_of(2 * VMSND_SAMPLE_S16, 48000, 2),
				       .rates = &vmsnd_resampler_samplerate,
				       .quality = VMSND_QUALITY_MEDIUM,
				       .cpu = vmsnd_cpu_best(),
				       .bend = true,
				       .dither = true};

	need_guard();
	assert_int_equal(vmsnd_flow_open(&bench.flow, &conf), VMSND_OK);
	new_ring(&conf.from);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t taken;

		feed(500);
		rt_guard_enter();
		vmsnd_flow_bend_rt(&bench.flow, 0.9 + (double)(random32() % 2001) / 10000);
		vmsnd_flow_pull_rt(&bench.flow, &bench.reader, bench.block, BLOCK_FRAMES, &taken);
		rt_guard_leave();
	}
	vmsnd_flow_close(&bench.flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_pair_of_formats),
	    cmocka_unit_test(test_every_pair_of_channel_counts),
	    cmocka_unit_test(test_loudness_on_its_way),
	    cmocka_unit_test(test_every_converter),
	    cmocka_unit_test(test_bends),
	};

	if (rt_guard_init(&unable))
		unable = NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
