/* SPDX-License-Identifier: BSD-3-Clause */
/* The standard's numbers as bytes, written out by hand: requests and answers whole, so that neither
 * a header of the system's nor a layout that card and tests share can be wrong unnoticed (V2,
 * V10-V12, V18, V30, V49, V57, V67, V68, V85); and the counts of the configuration against what is
 * served (V7). */
#include "rig.h"

#include <string.h>

static struct rig rig;

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

static void up(unsigned n_playback, unsigned n_capture, const char *options, const char *yaml)
{
	rig_open_with(&rig, n_playback, n_capture, options, yaml);
	rig_boot(&rig, RIG_OPS->features(rig.dev), 64);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

struct exchange {
	uint8_t request[24];
	uint32_t request_bytes;
	uint8_t answer[40];
	uint32_t answer_bytes;
};

static void expect_exchange(const struct exchange *row, size_t number)
{
	uint8_t got[sizeof(row->answer)];
	uint32_t written =
	    rig_request(&rig, row->request, row->request_bytes, got, row->answer_bytes);

	if (written != row->answer_bytes || memcmp(got, row->answer, written) != 0)
		fail_msg("request %zu: %u bytes of answer, status %02x%02x", number, written,
			 got[1], got[0]);
}

static void expect_exchanges(const struct exchange *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_exchange(&rows[i], i);
}

/* Playback stream 0 through its life: 8192 bytes in periods of 2048, 2 channels, S16, 48000. */
static const struct exchange life[] = {
    {{2, 1, 0, 0, 0, 0, 0, 0}, 8, {0x02, 0x80, 0, 0}, 4}, /* PREPARE too early: NOT_SUPP */
    {{1, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 5, 7, 0},
     24,
     {0, 0x80, 0, 0},
     4},
    {{2, 1, 0, 0, 0, 0, 0, 0}, 8, {0, 0x80, 0, 0}, 4},
    {{4, 1, 0, 0, 0, 0, 0, 0}, 8, {0, 0x80, 0, 0}, 4},
    {{3, 1, 0, 0, 0, 0, 0, 0}, 8, {0x02, 0x80, 0, 0}, 4}, /* RELEASE while it runs */
    {{5, 1, 0, 0, 0, 0, 0, 0}, 8, {0, 0x80, 0, 0}, 4},
    {{3, 1, 0, 0, 0, 0, 0, 0}, 8, {0, 0x80, 0, 0}, 4},
    {{2, 1, 0, 0, 9, 0, 0, 0}, 8, {0x01, 0x80, 0, 0}, 4}, /* no such stream: BAD_MSG */
    {{2, 1, 0, 0}, 4, {0x01, 0x80, 0, 0}, 4},             /* too short */
    {{0, 0, 1, 2, 0, 0, 0, 0}, 8, {0x01, 0x80, 0, 0}, 4}, /* no such request */
};

static void test_V2_V10_V11_V12_V49_V57_a_streams_life_as_bytes(void **state)
{
	static const struct exchange refused[] = {
	    {{2, 1, 0, 0, 0, 0, 0, 0}, 8, {0x03, 0x80, 0, 0}, 4}, /* PREPARE: IO_ERR */
	};
	struct vmsnd_stream_params *params;

	up(1, 1, "channels=2", NULL);
	expect_exchanges(life, sizeof(life) / sizeof(life[0]));
	params = &rig.ports[0]->params;
	assert_int_equal(params->format.sample, VMSND_SAMPLE_S16);
	assert_int_equal(params->format.rate_hz, 48000);
	assert_int_equal(params->format.channels, 2);
	assert_int_equal(params->buffer_frames, 2048);
	assert_int_equal(params->period_frames, 512);
	assert_int_equal(rig.ports[0]->starts, 1);
	assert_int_equal(rig.ports[0]->stops, 1);
	rig.ports[0]->prepare_rc = VMSND_E_GONE;
	expect_exchanges(refused, 1);
}

static void test_V10_V12_V18_V23_V30_V85_items_as_bytes(void **state)
{
	static const struct exchange rows[] = {
	    /* JACK_INFO, from 1, one of 24 bytes: a mic at the rear, pink, not plugged in. */
	    {{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0, 0},
	     16,
	     {0, 0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x23, 0x91, 0xa1, 0x01, 0x24, 0, 0, 0},
	     28},
	    /* PCM_INFO, from 1, one of 32 bytes: group 5, S16 and S32, 44100 and 48000, input. */
	    {{0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 32, 0, 0, 0},
	     16,
	     {0, 0x80, 0, 0, 5,    0, 0, 0, 0, 0, 0, 0, 0x20, 0, 2, 0,
	      0, 0,    0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0, 1,    1, 4},
	     36},
	    /* CHMAP_INFO, from 4, one of 24 bytes: FL FR RL RR of group 5. */
	    {{0, 2, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0, 0},
	     16,
	     {0, 0x80, 0, 0, 5, 0, 0, 0, 1, 4, 3, 4, 5, 6},
	     28},
	    /* CTL_INFO of none that is there, with CTLS not on offer: NOT_SUPP. */
	    {{0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 96, 0, 0, 0}, 16, {2, 0x80, 0, 0}, 4},
	};

	up(1, 1, "channels=2",
	   "streams:\n"
	   "  capture0: {group: 5, formats: S16 S32, rates: 44100 48000, channels: 4}\n"
	   "jacks:\n"
	   "  out: {type: line-out}\n"
	   "  mic: {group: 5, pin-config: 0x01a19123, connected: off}\n");
	expect_exchanges(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_V67_V68_data_messages_as_bytes(void **state)
{
	static const uint8_t played[8] = {0, 0x80, 0, 0, 12, 0, 0, 0};
	static const uint8_t refused[8] = {3, 0x80, 0, 0, 0, 0, 0, 0};

	up(1, 1, NULL, NULL);
	rig_prepare(&rig, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	rig.ports[0]->delay_frames = 3;
	for (uint8_t stream = 0; stream < 8; stream += 7) {
		const uint8_t header[4] = {stream, 0, 0, 0};
		vmsnd_gpa status = rig_alloc(&rig, 8);
		const struct rig_segment segments[] = {
		    {rig_put(&rig, header, 4), 4, false},
		    {rig_alloc(&rig, RIG_PERIOD_BYTES), RIG_PERIOD_BYTES, false},
		    {status, 8, true}};
		uint32_t written;

		rig_post(&rig, TX, segments, 3, false);
		rig_kick(&rig, TX);
		rig_run_ms(&rig, 20);
		assert_true(rig_take(&rig, TX, NULL, &written));
		assert_int_equal(written, 8);
		assert_memory_equal(rig_at(&rig, status), stream ? refused : played, 8);
	}
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* In the order of the configuration's words. */
static const struct {
	uint32_t code, bytes;
} kinds[] = {{0x001, 24}, {0x100, 32}, {0x200, 24}, {0x300, 96}};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static uint32_t ask(unsigned kind, uint32_t start, uint32_t count, uint32_t *written)
{
	const uint32_t request[4] = {kinds[kind].code, start, count, kinds[kind].bytes};
	static uint8_t answer[4 + 65 * 96];
	uint32_t status;

	assert_true(4 + count * kinds[kind].bytes <= sizeof(answer));
	*written =
	    rig_request(&rig, request, sizeof(request), answer, 4 + count * kinds[kind].bytes);
	memcpy(&status, answer, 4);
	return status;
}

static void expect_counts(const uint32_t *counts)
{
	for (unsigned kind = 0; kind < N_KINDS; kind++) {
		/* Without control elements their requests are not there, either. */
		bool none = kind == 3 && counts[kind] == 0;
		uint32_t told = 0, written;

		RIG_OPS->config_read(rig.dev, kind * 4, &told, 4);
		assert_int_equal(told, counts[kind]);
		assert_int_equal(ask(kind, 0, told, &written), none ? 0x8002 : 0x8000);
		assert_int_equal(written, 4 + told * kinds[kind].bytes);
		assert_int_equal(ask(kind, 0, told + 1, &written), none ? 0x8002 : 0x8001);
		assert_int_equal(ask(kind, told, 1, &written), none ? 0x8002 : 0x8001);
		assert_int_equal(written, 4);
	}
}

static void test_V7_class9_counts_are_what_is_served(void **state)
{
	static const struct {
		unsigned n_playback, n_capture;
		const char *options, *yaml;
		uint32_t counts[N_KINDS]; /* jacks, streams, maps, elements */
	} rows[] = {
	    {1, 0, NULL, NULL, {0, 1, 2, 0}},
	    {0, 1, "jacks=on", NULL, {1, 1, 2, 0}},
	    {1, 1, "controls=on", NULL, {0, 2, 4, 5}},
	    {2, 2, "jacks=on,controls=on,channels=8", NULL, {2, 4, 16, 5}},
	    {2, 0, "controls=on", "streams: {playback1: {group: 2, channels: 6-6}}", {0, 2, 3, 4}},
	    {32,
	     32,
	     "channels=18",
	     "jacks: {a: {type: mic}, b: {type: other}, c: {type: line-out}}",
	     {3, 64, 36, 0}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i > 0)
			rig_close(&rig);
		up(rows[i].n_playback, rows[i].n_capture, rows[i].options, rows[i].yaml);
		expect_counts(rows[i].counts);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V2_V10_V11_V12_V49_V57_a_streams_life_as_bytes),
	    TEST(test_V10_V12_V18_V23_V30_V85_items_as_bytes),
	    TEST(test_V67_V68_data_messages_as_bytes),
	    TEST(test_V7_class9_counts_are_what_is_served),
	};

	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
