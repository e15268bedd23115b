/* SPDX-License-Identifier: BSD-3-Clause */
/* V8: a message may be cut into descriptors anywhere, so every cut gives the same sound. */
#include "rig.h"

#include <string.h>

#define FRAMES 11u
#define DATA   (FRAMES * 4u)
#define TOTAL  (4u + DATA + 8u)

static struct rig rig;
static uint32_t numbers[FRAMES];

static int set_up(void **state)
{
	const struct virtio_snd_pcm_set_params params = {.buffer_bytes = RIG_BUFFER_BYTES,
							 .period_bytes = RIG_PERIOD_BYTES,
							 .channels = 2,
							 .format = VIRTIO_SND_PCM_FMT_S16,
							 .rate = VIRTIO_SND_PCM_RATE_48000};

	rig_fill_numbers(numbers, 1, FRAMES);
	rig_up(&rig, 1, 1);
	for (uint32_t stream = 0; stream < 2; stream++) {
		assert_int_equal(rig_set_params(&rig, stream, &params), VIRTIO_SND_S_OK);
		rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, stream, VIRTIO_SND_S_OK);
		rig_expect(&rig, VIRTIO_SND_R_PCM_START, stream, VIRTIO_SND_S_OK);
		rig.ports[stream]->by_hand = true;
	}
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

/* Cuts `bytes` from `at` on before every byte whose bit is set in `cuts`. */
static unsigned cut(struct rig_segment *to, vmsnd_gpa at, uint32_t bytes, bool writable,
		    uint64_t cuts)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		if (i == 0 || (cuts >> i & 1))
			to[n++] = (struct rig_segment){at + i, 0, writable};
		to[n - 1].bytes++;
	}
	return n;
}

/* One message with these cuts (bit n: before byte n of the whole). */
static void play(uint64_t cuts, bool indirect)
{
	vmsnd_gpa out = rig_alloc(&rig, 4 + DATA), in = rig_alloc(&rig, 8);
	struct rig_segment segments[TOTAL];
	struct vmsnd_port *port = rig.ports[0];
	uint32_t written, status;
	unsigned n;

	memcpy(rig_at(&rig, out + 4), numbers, DATA);
	n = cut(segments, out, 4 + DATA, false, cuts);
	n += cut(segments + n, in, 8, true, cuts >> (4 + DATA));
	rig_post(&rig, TX, segments, n, indirect);
	rig_step(&rig);
	port->heard_bytes = 0;
	fake_port_move(port, FRAMES);
	rig_step(&rig);
	rig_expect_numbers(port, FRAMES);
	assert_true(rig_take(&rig, TX, NULL, &written));
	assert_int_equal(written, 8);
	memcpy(&status, rig_at(&rig, in), 4);
	assert_int_equal(status, VIRTIO_SND_S_OK);
}

static void record(uint64_t cuts, bool indirect)
{
	vmsnd_gpa out = rig_put(&rig, &(uint32_t){1}, 4), in = rig_alloc(&rig, DATA + 8);
	struct rig_segment segments[TOTAL];
	uint32_t written, status;
	unsigned n;

	n = cut(segments, out, 4, false, cuts);
	n += cut(segments + n, in, DATA + 8, true, cuts >> 4);
	rig_post(&rig, RX, segments, n, indirect);
	rig.ports[1]->next_sample = 0;
	/* In two goes, so that a message is left in the middle of a descriptor. */
	fake_port_move(rig.ports[1], FRAMES / 2);
	rig_step(&rig);
	fake_port_move(rig.ports[1], FRAMES - FRAMES / 2);
	rig_step(&rig);
	assert_true(rig_take(&rig, RX, NULL, &written));
	assert_int_equal(written, DATA + 8);
	assert_memory_equal(rig_at(&rig, in), numbers, DATA);
	memcpy(&status, rig_at(&rig, in + DATA), 4);
	assert_int_equal(status, VIRTIO_SND_S_OK);
}

static void everywhere(void (*go)(uint64_t cuts, bool indirect), bool indirect)
{
	vmsnd_gpa mark = rig.next_free;

	for (unsigned first = 0; first < TOTAL; first++)
		for (unsigned second = first; second < TOTAL; second++) {
			go(UINT64_C(1) << first | UINT64_C(1) << second, indirect);
			rig.next_free = mark;
		}
	go(UINT64_MAX, indirect); /* one byte each */
}

static void test_V8_V67_playback_cut_anywhere(void **state)
{
	everywhere(play, false);
}

static void test_V8_V67_playback_cut_anywhere_indirect(void **state)
{
	everywhere(play, true);
}

static void test_V8_V67_capture_cut_anywhere(void **state)
{
	everywhere(record, false);
}

static void test_V8_V67_capture_cut_anywhere_indirect(void **state)
{
	everywhere(record, true);
}

/* Adjoining regions of memory, a message across them, and one across a hole. */
static void test_class17_messages_across_regions(void **state)
{
	static uint8_t more[4096];
	const struct vmsnd_region region = {.gpa = RIG_GPA + RIG_RAM_BYTES,
					    .bytes = sizeof(more),
					    .at = more,
					    .rights = VMSND_READ | VMSND_WRITE};
	vmsnd_gpa across = RIG_GPA + RIG_RAM_BYTES - 10;
	struct rig_segment segments[] = {
	    {rig_alloc(&rig, 4), 4, false}, {across, DATA, false}, {rig_alloc(&rig, 8), 8, true}};
	uint32_t status;

	for (unsigned known = 0; known < 2; known++) {
		if (known)
			assert_int_equal(vmsnd_gmem_add(&rig.mem, &region), VMSND_OK);
		memcpy(rig.ram + RIG_RAM_BYTES - 10, numbers, 10);
		memcpy(more, (uint8_t *)numbers + 10, DATA - 10);
		rig_post(&rig, TX, segments, 3, false);
		rig_step(&rig);
		rig.ports[0]->heard_bytes = 0;
		fake_port_move(rig.ports[0], FRAMES);
		rig_step(&rig);
		assert_true(rig_take(&rig, TX, NULL, NULL));
		memcpy(&status, rig_at(&rig, segments[2].at), 4);
		assert_int_equal(status, known ? VIRTIO_SND_S_OK : VIRTIO_SND_S_IO_ERR);
	}
	rig_expect_numbers(rig.ports[0], FRAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V8_V67_playback_cut_anywhere),
	    TEST(test_V8_V67_playback_cut_anywhere_indirect),
	    TEST(test_V8_V67_capture_cut_anywhere),
	    TEST(test_V8_V67_capture_cut_anywhere_indirect),
	    TEST(test_class17_messages_across_regions),
	};

	return cmocka_run_group_tests_name("cuts", tests, NULL, NULL);
}
