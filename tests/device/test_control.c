/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration, features and the framing of control requests (V1-V32, V38-V47, V85-V89). */
#include "rig.h"

#include <string.h>

#define OK       VIRTIO_SND_S_OK
#define BAD_MSG  VIRTIO_SND_S_BAD_MSG
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP

static struct rig rig;

static int set_up(void **state)
{
	rig_up(&rig, 3, 2);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static uint32_t config_word(uint32_t index)
{
	uint32_t word = 0xEEEEEEEE;

	RIG_OPS->config_read(rig.dev, index * 4, &word, 4);
	return word;
}

static void test_V1_V2_V8_identity_and_features(void **state)
{
	assert_int_equal(RIG_OPS->device_id, 25);
	assert_int_equal(RIG_OPS->n_queues, 4);
	assert_true(RIG_OPS->features(rig.dev) == rig_features());
	assert_int_equal(rig_counter(&rig, "ignored_features"), 0);
	RIG_OPS->set_features(rig.dev, rig_features() | 1);
	assert_int_equal(rig_counter(&rig, "ignored_features"), 1);
}

static void test_V4_V5_configuration_words(void **state)
{
	assert_int_equal(config_word(0), 0);
	assert_int_equal(config_word(1), 5);
	assert_int_equal(config_word(2), 4);
	assert_int_equal(config_word(3), 0);
}

static void test_V6_every_configuration_range_is_answered(void **state)
{
	uint8_t whole[16], got[40];

	RIG_OPS->config_read(rig.dev, 0, whole, 16);
	for (uint32_t offset = 0; offset < 40; offset++)
		for (uint32_t bytes = 0; bytes < 40; bytes++) {
			memset(got, 0xEE, sizeof(got));
			RIG_OPS->config_read(rig.dev, offset, got, bytes);
			for (uint32_t i = 0; i < 40; i++) {
				uint8_t inside = offset + i < 16 ? whole[(offset + i) & 15] : 0;

				assert_int_equal(got[i], i < bytes ? inside : 0xEE);
			}
		}
	RIG_OPS->config_read(rig.dev, UINT32_MAX, got, 8);
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0", 8);
}

static void test_streams_are_bounded_in_footprint(void **state)
{
	static const struct {
		unsigned playback, capture;
		bool fits;
	} rows[] = {{0, 0, false},  {1, 0, true},    {0, 1, true},   {64, 0, true},
		    {32, 32, true}, {33, 32, false}, {65, 0, false}, {UINT32_MAX, 2, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vmsnd_dev_conf conf = {.playback_streams = rows[i].playback,
						    .capture_streams = rows[i].capture};

		assert_int_equal(RIG_CLASS->footprint(&conf) != 0, rows[i].fits);
	}
}

/* ---- items --------------------------------------------------------------------------------- */

static uint32_t query(uint32_t code, uint32_t start, uint32_t count, uint32_t size, void *items,
		      uint32_t items_bytes, uint32_t *written)
{
	const struct virtio_snd_query_info request = {{code}, start, count, size};
	uint8_t answer[4096];
	uint32_t status;

	assert_true(4 + items_bytes <= sizeof(answer));
	*written = rig_request(&rig, &request, sizeof(request), answer, 4 + items_bytes);
	memcpy(&status, answer, 4);
	if (items)
		memcpy(items, answer + 4, items_bytes);
	return status;
}

static void test_V7_V30_V32_V38_V40_V47_pcm_info(void **state)
{
	const uint64_t formats =
	    UINT64_C(1) << VIRTIO_SND_PCM_FMT_U8 | UINT64_C(1) << VIRTIO_SND_PCM_FMT_S16 |
	    UINT64_C(1) << VIRTIO_SND_PCM_FMT_S24 | UINT64_C(1) << VIRTIO_SND_PCM_FMT_S32 |
	    UINT64_C(1) << VIRTIO_SND_PCM_FMT_FLOAT | UINT64_C(1) << VIRTIO_SND_PCM_FMT_FLOAT64;
	struct virtio_snd_pcm_info info[5];
	uint32_t written;

	assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 0, 5, 32, info, sizeof(info), &written), OK);
	assert_int_equal(written, 4 + 5 * 32);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(info[i].hdr.hda_fn_nid, 0);
		assert_int_equal(info[i].features, 0);
		assert_true(info[i].formats == formats);
		assert_int_equal(info[i].rates, 0x1FFE); /* 8000 .. 192000, bits 1 to 12 */
		assert_int_equal(info[i].direction, i < 3 ? 0 : 1);
		assert_int_equal(info[i].channels_min, 1);
		assert_int_equal(info[i].channels_max, 2);
		assert_memory_equal(info[i].padding, "\0\0\0\0\0", 5);
	}
	/* QEMU tells other channel counts once a stream is prepared; we do not. */
	rig_prepare(&rig, 0);
	assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 0, 1, 32, info, 32, &written), OK);
	assert_int_equal(info[0].channels_max, 2);
}

static void test_V85_V89_channel_maps(void **state)
{
	struct virtio_snd_chmap_info info[4];
	uint32_t written;

	assert_int_equal(query(VIRTIO_SND_R_CHMAP_INFO, 0, 4, 24, info, sizeof(info), &written),
			 OK);
	assert_int_equal(written, 4 + 4 * 24);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(info[i].direction, i / 2);
		assert_int_equal(info[i].channels, 1 + i % 2);
		assert_int_equal(info[i].positions[0],
				 i % 2 ? VIRTIO_SND_CHMAP_FL : VIRTIO_SND_CHMAP_MONO);
		assert_int_equal(info[i].positions[1], i % 2 ? VIRTIO_SND_CHMAP_FR : 0);
	}
}

static void test_V7_V88_maps_only_for_directions_with_streams(void **state)
{
	struct virtio_snd_chmap_info info;
	uint32_t written;

	rig_close(&rig);
	rig_up(&rig, 0, 1);
	assert_int_equal(config_word(2), 2);
	assert_int_equal(query(VIRTIO_SND_R_CHMAP_INFO, 1, 1, 24, &info, 24, &written), OK);
	assert_int_equal(info.direction, VIRTIO_SND_D_INPUT);
	assert_int_equal(query(VIRTIO_SND_R_CHMAP_INFO, 2, 1, 24, &info, 24, &written), BAD_MSG);
}

/* Sums that wrap. */
static void test_V19_class4_ranges_beyond_the_total_are_refused(void **state)
{
	static const uint32_t words[] = {
	    0, 1, 4, 5, 6, 0x7FFFFFFF, 0x80000000, UINT32_MAX - 1, UINT32_MAX};
	enum { N = sizeof(words) / sizeof(words[0]) };

	for (unsigned i = 0; i < N * N * N; i++) {
		uint32_t start = words[i % N], count = words[i / N % N], size = words[i / N / N];
		uint64_t need = 4 + (uint64_t)count * size;
		bool good =
		    (uint64_t)start + count <= 5 && need <= 4 + 200 && (count == 0 || size >= 4);
		uint32_t written;

		assert_int_equal(
		    query(VIRTIO_SND_R_PCM_INFO, start, count, size, NULL, 200, &written),
		    good ? OK : BAD_MSG);
		assert_int_equal(written, good ? need : 4);
	}
}

static void test_V20_the_drivers_item_size_is_the_stride(void **state)
{
	struct virtio_snd_pcm_info info[2];
	uint8_t got[2 * 100];
	uint32_t written;

	query(VIRTIO_SND_R_PCM_INFO, 2, 2, 32, info, sizeof(info), &written);
	for (uint32_t size = 4; size <= 100; size++) {
		memset(got, 0xEE, sizeof(got));
		assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 2, 2, size, got, 2 * size, &written),
				 OK);
		assert_int_equal(written, 4 + 2 * size);
		for (uint32_t i = 0; i < 2 * size; i++) {
			const uint8_t *ours = (const uint8_t *)&info[i / size];

			assert_int_equal(got[i], i % size < 32 ? ours[i % size] : 0);
		}
	}
}

static void test_V21_V23_no_items_asked_is_ok(void **state)
{
	uint32_t written;

	assert_int_equal(query(VIRTIO_SND_R_JACK_INFO, 0, 0, 24, NULL, 0, &written), OK);
	assert_int_equal(written, 4);
	assert_int_equal(query(VIRTIO_SND_R_JACK_INFO, 0, 1, 24, NULL, 24, &written), BAD_MSG);
	assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 5, 0, 32, NULL, 0, &written), OK);
	assert_int_equal(query(VIRTIO_SND_R_CHMAP_INFO, 0, 0, 24, NULL, 0, &written), OK);
}

/* ---- framing -------------------------------------------------------------------------------- */

struct code_row {
	uint32_t code, bytes; /* the shortest request */
	uint32_t status;      /* of a zeroed request long enough */
};

static const struct code_row codes[] = {
    {0, 4, BAD_MSG},
    {VIRTIO_SND_R_JACK_INFO, 16, OK},
    {VIRTIO_SND_R_JACK_REMAP, 16, NOT_SUPP},
    {3, 4, BAD_MSG},
    {0xFF, 4, BAD_MSG},
    {VIRTIO_SND_R_PCM_INFO, 16, OK},
    {VIRTIO_SND_R_PCM_SET_PARAMS, 24, NOT_SUPP}, /* format 0 is ADPCM */
    {VIRTIO_SND_R_PCM_PREPARE, 8, NOT_SUPP},     /* no parameters yet */
    {VIRTIO_SND_R_PCM_RELEASE, 8, NOT_SUPP},
    {VIRTIO_SND_R_PCM_START, 8, NOT_SUPP},
    {VIRTIO_SND_R_PCM_STOP, 8, NOT_SUPP},
    {0x106, 4, BAD_MSG},
    {VIRTIO_SND_R_CHMAP_INFO, 16, OK},
    {0x2FF, 4, BAD_MSG},
    {0x300, 4, NOT_SUPP},
    {0x306, 4, NOT_SUPP},
    {0x307, 4, BAD_MSG},
    {VIRTIO_SND_S_OK, 4, BAD_MSG},
    {UINT32_MAX, 4, BAD_MSG},
};

enum { N_CODES = sizeof(codes) / sizeof(codes[0]) };

static void test_V13_V14_V17_class7_every_length_is_answered_once(void **state)
{
	for (unsigned c = 0; c < N_CODES; c++)
		for (uint32_t bytes = 0; bytes <= 64; bytes++) {
			uint8_t request[64] = {0};
			uint32_t status = 0;

			memcpy(request, &codes[c].code, 4);
			assert_int_equal(rig_request(&rig, request, bytes, &status, 4), 4);
			assert_int_equal(status,
					 bytes < codes[c].bytes ? BAD_MSG : codes[c].status);
		}
	assert_int_equal(rig_counter(&rig, "control_requests"), N_CODES * 65);
}

static void test_V15_V16_small_answer_areas(void **state)
{
	const struct virtio_snd_query_info request = {{VIRTIO_SND_R_PCM_INFO}, 0, 2, 32};
	uint8_t answer[80];

	for (uint32_t room = 0; room <= 80; room++) {
		uint32_t written = rig_request(&rig, &request, sizeof(request), answer, room);
		uint32_t status;

		assert_int_equal(written, room < 4 ? 0 : room < 68 ? 4 : 68);
		for (uint32_t i = written; i < room; i++)
			assert_int_equal(answer[i], 0xEE);
		memcpy(&status, answer, 4);
		if (room >= 4)
			assert_int_equal(status, room < 68 ? BAD_MSG : OK);
	}
}

/* A command that cannot be answered is not carried out. */
static void test_V15_no_room_for_an_answer_changes_nothing(void **state)
{
	const struct virtio_snd_pcm_hdr hdr = {{VIRTIO_SND_R_PCM_PREPARE}, 0};

	rig_set_usual(&rig, 0);
	assert_int_equal(rig_request(&rig, &hdr, sizeof(hdr), NULL, 3), 0);
	assert_int_equal(rig.ports[0]->prepares, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, NOT_SUPP);
}

static void post_split(const void *request, uint32_t bytes, uint32_t answer_bytes, bool indirect,
		       vmsnd_gpa *answer)
{
	struct rig_segment segments[128];
	vmsnd_gpa out = rig_put(&rig, request, bytes);
	unsigned n = 0;

	*answer = rig_alloc(&rig, answer_bytes);
	for (uint32_t i = 0; i < bytes; i++)
		segments[n++] = (struct rig_segment){out + i, 1, false};
	for (uint32_t i = 0; i < answer_bytes; i++)
		segments[n++] = (struct rig_segment){*answer + i, 1, true};
	rig_post(&rig, CONTROL, segments, n, indirect);
	rig_kick(&rig, CONTROL);
}

static void test_V8_one_byte_a_descriptor(void **state)
{
	const struct virtio_snd_query_info request = {{VIRTIO_SND_R_CHMAP_INFO}, 3, 1, 24};
	struct virtio_snd_chmap_info info;
	uint32_t written;
	vmsnd_gpa answer;

	for (unsigned indirect = 0; indirect < 2; indirect++) {
		post_split(&request, sizeof(request), 28, indirect, &answer);
		assert_true(rig_take(&rig, CONTROL, NULL, &written));
		assert_int_equal(written, 28);
		memcpy(&info, rig_at(&rig, answer + 4), sizeof(info));
		assert_int_equal(info.channels, 2);
		assert_int_equal(info.direction, 1);
	}
}

static void test_bad_addresses_are_answered_and_counted(void **state)
{
	vmsnd_gpa answer = rig_alloc(&rig, 4);
	const struct rig_segment bad_request[] = {{RIG_NOWHERE, 8, false}, {answer, 4, true}};
	const struct rig_segment bad_answer[] = {{answer, 8, false}, {RIG_NOWHERE, 4, true}};
	uint32_t written, status;

	rig_post(&rig, CONTROL, bad_request, 2, false);
	rig_post(&rig, CONTROL, bad_answer, 2, false);
	rig_kick(&rig, CONTROL);
	assert_true(rig_take(&rig, CONTROL, NULL, &written));
	assert_int_equal(written, 4);
	memcpy(&status, rig_at(&rig, answer), 4);
	assert_int_equal(status, BAD_MSG);
	assert_true(rig_take(&rig, CONTROL, NULL, &written));
	assert_int_equal(written, 0);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 2);
	/* The owner is told once of each kind. */
	assert_int_equal(rig.faults[VMSND_FAULT_DATA_ADDRESS], 1);
}

static void test_V17_malformed_chain_is_given_back_empty(void **state)
{
	uint32_t head, written;

	if (rig_rings_are("packed"))
		return;
	*rig_descriptor(&rig, CONTROL, 9) =
	    (struct vring_desc){.addr = RIG_GPA, .len = 8, .flags = VRING_DESC_F_NEXT, .next = 9};
	rig_offer(&rig, CONTROL, 9);
	rig_kick(&rig, CONTROL);
	assert_true(rig_take(&rig, CONTROL, &head, &written));
	assert_int_equal(head, 9);
	assert_int_equal(written, 0);
	assert_int_equal(rig_counter(&rig, "faults_chain"), 1);
	rig_set_usual(&rig, 0); /* the queue goes on */
}

static void test_class16_broken_control_queue_is_silent_till_restarted(void **state)
{
	if (rig_rings_are("packed"))
		return;
	rig_set_avail_index(&rig, CONTROL, 1000);
	rig_kick(&rig, CONTROL);
	rig_kick(&rig, CONTROL);
	assert_int_equal(rig_counter(&rig, "faults_ring"), 1);
	assert_int_equal(rig_used_index(&rig, CONTROL), 0);
	RIG_OPS->queue_stop(rig.dev, CONTROL, rig.now);
	rig_layout(&rig, CONTROL, 64);
	assert_int_equal(
	    RIG_OPS->queue_start(rig.dev, CONTROL, &rig.queues[CONTROL].setup, rig.now), VMSND_OK);
	rig_set_usual(&rig, 0);
}

/* A whole ring of requests takes more than one call's budget; all are answered all the same,
 * with one interrupt a call at most. */
static void test_V17_a_full_ring_is_answered_within_budgets(void **state)
{
	const struct virtio_snd_pcm_hdr hdr = {{VIRTIO_SND_R_PCM_STOP}, 0};
	vmsnd_gpa request, answer;

	rig_close(&rig);
	rig_open(&rig, 1, 0);
	rig_boot(&rig, rig_features(), 512);
	request = rig_put(&rig, &hdr, sizeof(hdr));
	answer = rig_alloc(&rig, 4);
	for (unsigned i = 0; i < 256; i++) {
		const struct rig_segment segments[] = {{request, sizeof(hdr), false},
						       {answer, 4, true}};

		rig_post(&rig, CONTROL, segments, 2, false);
	}
	RIG_OPS->kick(rig.dev, CONTROL, rig.now);
	assert_in_range(rig_used_index(&rig, CONTROL), 1, 255);
	assert_int_equal(rig.queues[CONTROL].interrupts, 1);
	rig_step(&rig);
	assert_int_equal(rig_used_index(&rig, CONTROL), 256);
}

/* So do long answers: a guest that asks for much and long items keeps a lane no longer than others.
 */
static void test_V20_long_answers_are_within_budgets(void **state)
{
	const struct virtio_snd_query_info query = {{VIRTIO_SND_R_PCM_INFO}, 0, 64, 1536};
	const uint32_t bytes = 4 + 64 * 1536;
	vmsnd_gpa request, answer;

	rig_close(&rig);
	rig_open(&rig, 64, 0);
	rig_boot(&rig, RIG_F_ALL, 64);
	request = rig_put(&rig, &query, sizeof(query));
	answer = rig_alloc(&rig, bytes);
	for (unsigned i = 0; i < 32; i++) {
		const struct rig_segment segments[] = {{request, sizeof(query), false},
						       {answer, bytes, true}};

		rig_post(&rig, CONTROL, segments, 2, false);
	}
	RIG_OPS->kick(rig.dev, CONTROL, rig.now);
	assert_in_range(rig_used_index(&rig, CONTROL), 1, 4);
	rig_run_ms(&rig, 1);
	assert_int_equal(rig_used_index(&rig, CONTROL), 32);
}

static void test_V84_event_buffers_stay_with_the_card(void **state)
{
	const struct rig_segment segment = {rig_alloc(&rig, 8), 8, true};

	if (rig_rings_are("packed"))
		return;
	rig_post(&rig, EVENT, &segment, 1, false);
	rig_kick(&rig, EVENT);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, EVENT), 0);
	assert_int_equal(RIG_OPS->queue_stop(rig.dev, EVENT, rig.now), 0);
}

static void test_calls_for_queues_that_are_not_there(void **state)
{
	RIG_OPS->kick(rig.dev, 4, rig.now);
	RIG_OPS->kick(rig.dev, UINT32_MAX, rig.now);
	RIG_OPS->queue_enable(rig.dev, 4, true, rig.now);
	assert_int_equal(RIG_OPS->queue_stop(rig.dev, 4, rig.now), 0);
	assert_int_equal(RIG_OPS->queue_start(rig.dev, 4, &rig.queues[0].setup, rig.now),
			 VMSND_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V1_V2_V8_identity_and_features),
	    TEST(test_V4_V5_configuration_words),
	    TEST(test_V6_every_configuration_range_is_answered),
	    TEST(test_streams_are_bounded_in_footprint),
	    TEST(test_V7_V30_V32_V38_V40_V47_pcm_info),
	    TEST(test_V85_V89_channel_maps),
	    TEST(test_V7_V88_maps_only_for_directions_with_streams),
	    TEST(test_V19_class4_ranges_beyond_the_total_are_refused),
	    TEST(test_V20_the_drivers_item_size_is_the_stride),
	    TEST(test_V21_V23_no_items_asked_is_ok),
	    TEST(test_V13_V14_V17_class7_every_length_is_answered_once),
	    TEST(test_V15_V16_small_answer_areas),
	    TEST(test_V15_no_room_for_an_answer_changes_nothing),
	    TEST(test_V8_one_byte_a_descriptor),
	    TEST(test_bad_addresses_are_answered_and_counted),
	    TEST(test_V17_malformed_chain_is_given_back_empty),
	    TEST(test_class16_broken_control_queue_is_silent_till_restarted),
	    TEST(test_V17_a_full_ring_is_answered_within_budgets),
	    TEST(test_V20_long_answers_are_within_budgets),
	    TEST(test_V84_event_buffers_stay_with_the_card),
	    TEST(test_calls_for_queues_that_are_not_there),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
