/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a stream: parameters, every transition legal and illegal, resets (V49-V66). */
#include "rig.h"

#include <string.h>

#define OK       VIRTIO_SND_S_OK
#define BAD_MSG  VIRTIO_SND_S_BAD_MSG
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP
#define IO_ERR   VIRTIO_SND_S_IO_ERR

#define SET_PARAMS VIRTIO_SND_R_PCM_SET_PARAMS
#define PREPARE    VIRTIO_SND_R_PCM_PREPARE
#define RELEASE    VIRTIO_SND_R_PCM_RELEASE
#define START      VIRTIO_SND_R_PCM_START
#define STOP       VIRTIO_SND_R_PCM_STOP

static struct rig rig;
static uint8_t period[RIG_PERIOD_BYTES];

static int set_up(void **state)
{
	rig_up(&rig, 2, 1);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

/* ---- parameters ----------------------------------------------------------------------------- */

static const struct virtio_snd_pcm_set_params usual = {
    .buffer_bytes = 4096,
    .period_bytes = 1024,
    .channels = 2,
    .format = VIRTIO_SND_PCM_FMT_S16,
    .rate = VIRTIO_SND_PCM_RATE_48000,
};

static uint32_t with(uint32_t buffer, uint32_t period_bytes, uint8_t channels, uint8_t format,
		     uint8_t rate)
{
	struct virtio_snd_pcm_set_params params = usual;

	params.buffer_bytes = buffer;
	params.period_bytes = period_bytes;
	params.channels = channels;
	params.format = format;
	params.rate = rate;
	return rig_set_params(&rig, 0, &params);
}

static void test_V49_V52_every_format_and_rate(void **state)
{
	static const uint8_t formats[] = {VIRTIO_SND_PCM_FMT_U8,    VIRTIO_SND_PCM_FMT_S16,
					  VIRTIO_SND_PCM_FMT_S24,   VIRTIO_SND_PCM_FMT_S32,
					  VIRTIO_SND_PCM_FMT_FLOAT, VIRTIO_SND_PCM_FMT_FLOAT64};

	vmsnd_gpa mark = rig.next_free;

	for (unsigned format = 0; format < 256; format++)
		for (unsigned rate = 0; rate < 256; rate++) {
			bool offered = memchr(formats, (int)format, sizeof(formats)) &&
				       rate >= VIRTIO_SND_PCM_RATE_8000 &&
				       rate <= VIRTIO_SND_PCM_RATE_192000;

			assert_int_equal(with(16384, 4096, 2, (uint8_t)format, (uint8_t)rate),
					 offered ? OK : NOT_SUPP);
			rig.next_free = mark;
		}
}

static void test_V40_V46_port_gets_what_was_set(void **state)
{
	assert_int_equal(with(8000, 2000, 1, VIRTIO_SND_PCM_FMT_FLOAT, VIRTIO_SND_PCM_RATE_11025),
			 OK);
	rig_expect(&rig, PREPARE, 0, OK);
	assert_int_equal(rig.ports[0]->params.format.sample, VMSND_SAMPLE_FLOAT);
	assert_int_equal(rig.ports[0]->params.format.rate_hz, 11025);
	assert_int_equal(rig.ports[0]->params.format.channels, 1);
	assert_int_equal(rig.ports[0]->params.buffer_frames, 2000);
	assert_int_equal(rig.ports[0]->params.period_frames, 500);
}

static void test_V50_V51_V56_sizes_and_channels(void **state)
{
	enum { S16 = VIRTIO_SND_PCM_FMT_S16, R48 = VIRTIO_SND_PCM_RATE_48000 };

	assert_int_equal(with(4096, 1024, 2, S16, R48), OK);
	assert_int_equal(with(4096, 4096, 2, S16, R48), OK);
	assert_int_equal(with(4096, 0, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(0, 0, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(0, 1024, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(4096, 1000, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(1024, 4096, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(4090, 1022 + 1023, 2, S16, R48), BAD_MSG);
	assert_int_equal(with(4088, 1022, 2, S16, R48), BAD_MSG); /* half a frame */
	assert_int_equal(with(4088, 1022, 1, S16, R48), OK);
	assert_int_equal(with(4096, 1024, 0, S16, R48), NOT_SUPP);
	assert_int_equal(with(4096, 1024, 3, S16, R48), NOT_SUPP);
	assert_int_equal(with(4096, 1024, 255, S16, R48), NOT_SUPP);
}

/* A block of less than a millisecond is work and no sound: one guest would keep the lane busy. */
static void test_periods_below_a_millisecond(void **state)
{
	enum { S16 = VIRTIO_SND_PCM_FMT_S16, R48 = VIRTIO_SND_PCM_RATE_48000 };

	assert_int_equal(with(4 * 4, 4, 2, S16, R48), NOT_SUPP);
	assert_int_equal(with(4 * 47 * 4, 47 * 4, 2, S16, R48), NOT_SUPP);
	assert_int_equal(with(4 * 48 * 4, 48 * 4, 2, S16, R48), OK);
}

static void test_V53_V54_features_and_padding(void **state)
{
	struct virtio_snd_pcm_set_params params = usual;

	for (unsigned bit = 0; bit < 32; bit++) {
		params.features = UINT32_C(1) << bit;
		assert_int_equal(rig_set_params(&rig, 0, &params), NOT_SUPP);
	}
	params.features = 0;
	params.padding = 0xFF;
	assert_int_equal(rig_set_params(&rig, 0, &params), OK);
}

static void test_V55_a_buffer_beyond_the_ring_is_refused(void **state)
{
	struct virtio_snd_pcm_set_params params = usual;

	params.buffer_bytes = FAKE_RING_BYTES + 1024;
	assert_int_equal(rig_set_params(&rig, 0, &params), NOT_SUPP);
	params.buffer_bytes = FAKE_RING_BYTES;
	assert_int_equal(rig_set_params(&rig, 0, &params), OK);
	params.buffer_bytes = 0xFFFFFC00;
	assert_int_equal(rig_set_params(&rig, 0, &params), NOT_SUPP);
}

static void test_V58_unknown_streams(void **state)
{
	static const uint32_t ids[] = {3, 64, 65535, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_int_equal(rig_set_params(&rig, ids[i], &usual), BAD_MSG);
		for (uint32_t code = PREPARE; code <= STOP; code++)
			rig_expect(&rig, code, ids[i], BAD_MSG);
	}
}

/* A refused request leaves the stream as it was. */
static void test_V59_refused_parameters_change_nothing(void **state)
{
	struct virtio_snd_pcm_set_params bad = usual;

	rig_prepare(&rig, 0);
	bad.channels = 9;
	assert_int_equal(rig_set_params(&rig, 0, &bad), NOT_SUPP);
	assert_true(rig.ports[0]->prepared);
	rig_expect(&rig, START, 0, OK);
}

/* ---- the matrix --------------------------------------------------------------------------------
 */

enum state { IDLE, SET, PREPARED, RUNNING, STOPPED, STOPPED_EMPTY, RELEASED, N_STATES };

static uint32_t request(uint32_t code, uint32_t stream)
{
	return code == SET_PARAMS ? rig_set_params(&rig, stream, &usual)
				  : rig_command(&rig, code, stream);
}

/* Leads a stream there; STOPPED and RUNNING with a message out. */
static void lead_to(enum state state, uint32_t stream)
{
	if (state == IDLE)
		return;
	rig_set_usual(&rig, stream);
	if (state == SET)
		return;
	rig_expect(&rig, PREPARE, stream, OK);
	if (state == STOPPED || state == RUNNING) {
		if (stream < 2)
			rig_post_playback(&rig, stream, period, sizeof(period));
		else
			rig_post_capture(&rig, stream, sizeof(period));
	}
	if (state == RELEASED) {
		rig_expect(&rig, RELEASE, stream, OK);
		return;
	}
	if (state == PREPARED)
		return;
	rig_expect(&rig, START, stream, OK);
	if (state != RUNNING)
		rig_expect(&rig, STOP, stream, OK);
}

/* Rows as V59 has them: set->set,prepare; prepare->set,prepare,start,release; start->stop;
 * stop->start,release; release->set,prepare. A stream that has stopped with no message out is
 * taken for released, because Linux sends no RELEASE then. */
static const bool legal[N_STATES][5] = {
    /*                  SET    PREP   REL    START  STOP */
    [IDLE] = {true, false, false, false, false},
    [SET] = {true, true, false, false, false},
    [PREPARED] = {true, true, true, true, false},
    [RUNNING] = {false, false, false, false, true},
    [STOPPED] = {false, false, true, true, false},
    [STOPPED_EMPTY] = {true, true, true, true, false},
    [RELEASED] = {true, true, false, false, false},
};

static void test_V59_class8_the_whole_transition_table(void **state)
{
	for (uint32_t stream = 0; stream < 3; stream += 2)
		for (enum state from = IDLE; from < N_STATES; from++)
			for (uint32_t code = SET_PARAMS; code <= STOP; code++) {
				uint32_t expected = legal[from][code - SET_PARAMS] ? OK : NOT_SUPP;
				uint64_t faults;

				rig_close(&rig);
				rig_up(&rig, 2, 1);
				lead_to(from, stream);
				faults = rig_counter(&rig, "faults_state");
				if (request(code, stream) != expected)
					fail_msg("stream %u, state %d, code %#x", stream, from,
						 code);
				assert_int_equal(rig_counter(&rig, "faults_state") - faults,
						 expected != OK);
			}
}

/* What follows a legal step is what the table says of the state it leads to. */
static void test_V59_class8_all_paths_of_four_steps(void **state)
{
	static const enum state leads[5] = {SET, PREPARED, RELEASED, RUNNING, STOPPED_EMPTY};

	for (unsigned path = 0; path < 5 * 5 * 5 * 5; path++) {
		enum state at = IDLE;
		unsigned rest = path;

		RIG_CLASS->reset(rig.dev, VMSND_RESET_BUS, rig.now);
		rig.next_free = RIG_GPA;
		rig_boot(&rig, rig_features(), 16);
		for (unsigned n = 0; n < 4; n++, rest /= 5) {
			unsigned step = rest % 5;
			uint32_t status = request(SET_PARAMS + step, 1);

			assert_int_equal(status, legal[at][step] ? OK : NOT_SUPP);
			at = status == OK ? leads[step] : at;
		}
		assert_int_equal(rig.ports[1]->running, at == RUNNING);
		assert_int_equal(rig.ports[1]->prepared,
				 at == PREPARED || at == RUNNING || at == STOPPED_EMPTY);
	}
}

/* ---- what the commands do -------------------------------------------------------------------- */

static void test_V61_release_completes_pending(void **state)
{
	struct rig_message sent[3];

	rig_prepare(&rig, 0);
	for (unsigned i = 0; i < 3; i++)
		sent[i] = rig_post_playback(&rig, 0, period, sizeof(period));
	rig_kick(&rig, TX);
	assert_int_equal(rig_given_back(&rig, TX), 0);
	rig_expect(&rig, RELEASE, 0, OK);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t head, written;

		assert_true(rig_take(&rig, TX, &head, &written));
		assert_int_equal(head, sent[i].head);
		assert_int_equal(written, 8);
		assert_int_equal(rig_status(&rig, &sent[i]).status, OK);
	}
	assert_false(rig.ports[0]->prepared);
}

/* Messages that no kick has told of yet are pending, too. */
static void test_V61_release_completes_what_is_only_in_the_ring(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 0);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, STOP, 0, OK);
	sent = rig_post_playback(&rig, 0, period, sizeof(period));
	rig_expect(&rig, RELEASE, 0, OK);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	assert_int_equal(rig_status(&rig, &sent).status, OK);
}

/* Called within the interrupt: a driver that looks at both rings then sees the messages. */
static void on_interrupt(struct rig *r, unsigned queue)
{
	if (rig_used_index(r, CONTROL) == 3)
		assert_int_equal(rig_used_index(r, TX), 1);
}

static void test_V62_release_is_answered_after_the_messages(void **state)
{
	rig_prepare(&rig, 0);
	rig_post_playback(&rig, 0, period, sizeof(period));
	rig_kick(&rig, TX);
	rig.on_interrupt = on_interrupt;
	rig.last_interrupt = N_QUEUES;
	rig_set_used_event(&rig, CONTROL, 2);
	rig_expect(&rig, RELEASE, 0, OK);
	assert_int_equal(rig.queues[TX].interrupts, 1);
	assert_int_equal(rig.last_interrupt, CONTROL);
}

static void test_V65_new_parameters_free_the_old_resources(void **state)
{
	struct rig_message sent;

	rig_prepare(&rig, 0);
	sent = rig_post_playback(&rig, 0, period, sizeof(period));
	rig_kick(&rig, TX);
	rig_set_usual(&rig, 0);
	assert_int_equal(rig.ports[0]->releases, 1);
	assert_int_equal(rig_given_back(&rig, TX), 1);
	assert_int_equal(rig_status(&rig, &sent).status, IO_ERR);
	rig_expect(&rig, START, 0, NOT_SUPP);
}

static void test_V66_host_that_fails_is_an_answer(void **state)
{
	static const struct {
		enum vmsnd_rc rc;
		uint32_t status;
	} rows[] = {{VMSND_E_UNSUPPORTED, NOT_SUPP},
		    {VMSND_E_NOMEM, IO_ERR},
		    {VMSND_E_GONE, IO_ERR},
		    {VMSND_E_SYSTEM, IO_ERR}};

	rig_set_usual(&rig, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig.ports[0]->prepare_rc = rows[i].rc;
		rig_expect(&rig, PREPARE, 0, rows[i].status);
		rig_expect(&rig, START, 0, NOT_SUPP);
	}
	rig.ports[0]->prepare_rc = VMSND_OK;
	rig_expect(&rig, PREPARE, 0, OK);
	rig.ports[0]->start_rc = VMSND_E_GONE;
	rig_expect(&rig, START, 0, IO_ERR);
	rig_expect(&rig, STOP, 0, NOT_SUPP); /* it never ran */
	rig.ports[0]->start_rc = VMSND_OK;
	rig_expect(&rig, START, 0, OK);
	assert_int_equal(rig_counter(&rig, "host_failures"), 5);
}

/* ---- Linux -------------------------------------------------------------------------------------
 */

/* After a drain Linux has no message out, sends STOP but no RELEASE, and begins anew. */
static void test_V59_linux_after_a_drain(void **state)
{
	rig_prepare(&rig, 0);
	rig_post_playback(&rig, 0, period, sizeof(period));
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	rig_run_ms(&rig, 20);
	assert_true(rig_take(&rig, TX, NULL, NULL));
	rig_expect(&rig, STOP, 0, OK);
	rig_expect(&rig, PREPARE, 0, OK);
	rig_expect(&rig, START, 0, OK);
	rig_expect(&rig, STOP, 0, OK);
	rig_set_usual(&rig, 0);
	rig_expect(&rig, PREPARE, 0, OK);
}

/* XRUN recovery: STOP, RELEASE with messages out, PREPARE, START. */
static void test_V59_linux_after_an_xrun(void **state)
{
	rig_prepare(&rig, 2);
	rig_post_capture(&rig, 2, sizeof(period));
	rig_kick(&rig, RX);
	for (unsigned i = 0; i < 3; i++) {
		rig_expect(&rig, START, 2, OK);
		rig_expect(&rig, STOP, 2, OK);
		rig_expect(&rig, PREPARE, 2, i == 0 ? NOT_SUPP : OK);
		if (i > 0)
			continue;
		rig_expect(&rig, RELEASE, 2, OK);
		assert_true(rig_take(&rig, RX, NULL, NULL));
		rig_expect(&rig, PREPARE, 2, OK);
	}
}

/* ---- reset --------------------------------------------------------------------------------------
 */

/* Class 6: nothing of before a reset may turn up in the rings of after it. */
static void test_V64_class6_reset_writes_to_no_ring(void **state)
{
	uint8_t *before = test_malloc(RIG_RAM_BYTES);
	static const enum vmsnd_reset why[] = {VMSND_RESET_BUS, VMSND_RESET_PEER_LOST,
					       VMSND_RESET_POWER_ON};

	for (unsigned i = 0; i < 3; i++) {
		rig_prepare(&rig, 0);
		rig_prepare(&rig, 2);
		for (unsigned n = 0; n < 4; n++) {
			rig_post_playback(&rig, 0, period, sizeof(period));
			rig_post_capture(&rig, 2, sizeof(period));
		}
		rig_kick(&rig, TX);
		rig_kick(&rig, RX);
		rig_expect(&rig, START, 0, OK);
		rig_expect(&rig, START, 2, OK);
		memcpy(before, rig.ram, RIG_RAM_BYTES);
		RIG_CLASS->reset(rig.dev, why[i], rig.now);
		rig_run_ms(&rig, 100);
		assert_memory_equal(before, rig.ram, RIG_RAM_BYTES);
		assert_false(rig.ports[0]->prepared || rig.ports[0]->running);
		assert_false(rig.ports[2]->prepared || rig.ports[2]->running);
		rig_boot(&rig, rig_features(), 64);
		rig_run_ms(&rig, 100);
		for (unsigned q = 0; q < N_QUEUES; q++)
			assert_int_equal(rig_used_index(&rig, q), 0);
		rig_expect(&rig, START, 0, NOT_SUPP); /* power-on state */
		rig_expect(&rig, PREPARE, 0, NOT_SUPP);
		RIG_CLASS->reset(rig.dev, why[i], rig.now);
		rig_boot(&rig, rig_features(), 64);
	}
	test_free(before);
}

/* A VMM that left took its memory along. */
static void test_V64_peer_lost_touches_no_memory(void **state)
{
	rig_prepare(&rig, 0);
	rig_post_playback(&rig, 0, period, sizeof(period));
	rig_kick(&rig, TX);
	rig_expect(&rig, START, 0, OK);
	assert_int_equal(vmsnd_gmem_remove(&rig.mem, RIG_GPA, RIG_RAM_BYTES), VMSND_OK);
	RIG_CLASS->reset(rig.dev, VMSND_RESET_PEER_LOST, rig.now);
	rig_run_ms(&rig, 50);
	assert_int_equal(rig_counter(&rig, "faults_ring"), 0);
	assert_int_equal(rig_counter(&rig, "faults_data_address"), 0);
	assert_false(rig.ports[0]->prepared);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V49_V52_every_format_and_rate),
	    TEST(test_V40_V46_port_gets_what_was_set),
	    TEST(test_V50_V51_V56_sizes_and_channels),
	    TEST(test_periods_below_a_millisecond),
	    TEST(test_V53_V54_features_and_padding),
	    TEST(test_V55_a_buffer_beyond_the_ring_is_refused),
	    TEST(test_V58_unknown_streams),
	    TEST(test_V59_refused_parameters_change_nothing),
	    TEST(test_V59_class8_the_whole_transition_table),
	    TEST(test_V59_class8_all_paths_of_four_steps),
	    TEST(test_V59_linux_after_a_drain),
	    TEST(test_V59_linux_after_an_xrun),
	    TEST(test_V61_release_completes_pending),
	    TEST(test_V61_release_completes_what_is_only_in_the_ring),
	    TEST(test_V62_release_is_answered_after_the_messages),
	    TEST(test_V64_class6_reset_writes_to_no_ring),
	    TEST(test_V64_peer_lost_touches_no_memory),
	    TEST(test_V65_new_parameters_free_the_old_resources),
	    TEST(test_V66_host_that_fails_is_an_answer),
	};

	return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}
