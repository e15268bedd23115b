/* SPDX-License-Identifier: BSD-3-Clause */
/* The null backend, and the clock-driven streams it shares with file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backends/null.h"
#include "backends/paced.h"

#define MS UINT64_C(1000000)
#define WANTED                                                                                     \
	{                                                                                          \
		.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2                        \
	}

struct seen {
	unsigned blocks;
	uint64_t frames;
	vmsnd_ns last;
	uint32_t ready;
	unsigned char first_byte;
	char line[200];
};

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct seen *seen = ctx;

	seen->blocks++;
	seen->frames += block->frames;
	seen->last = block->when;
	seen->ready -= block->frames < seen->ready ? block->frames : seen->ready;
	seen->first_byte = *(unsigned char *)block->samples;
}

static uint32_t ready_rt(void *ctx)
{
	return ((struct seen *)ctx)->ready;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	fail_msg("null never ends");
}

static const struct vmsnd_stream_user user = {
    .block_rt = block_rt, .ready_rt = ready_rt, .ended = ended};

static void remember_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	snprintf(((struct seen *)ctx)->line, sizeof(((struct seen *)ctx)->line), "%s", line);
}

static enum vmsnd_rc open_null(struct seen *seen, const char *text, struct vmsnd_backend **host)
{
	struct vmsnd_log log = {seen, remember_line};
	struct vmsnd_conf conf;
	struct vmsnd_backend_conf backend = {.options = &conf, .client_name = "t", .log = &log};
	char error[200];

	assert_int_equal(
	    vmsnd_conf_parse(&conf, vmsnd_null_class.options, "null", text, error, sizeof(error)),
	    VMSND_OK);
	return vmsnd_null_class.open(&backend, host);
}

static struct vmsnd_stream *open_stream(struct vmsnd_backend *host, struct seen *seen,
					enum vmsnd_dir dir, enum vmsnd_sample sample)
{
	const struct vmsnd_stream_want want = {
	    .dir = dir,
	    .format = {.sample = sample, .rate_hz = 48000, .channels = 2},
	    .period_frames = 480};
	struct vmsnd_stream_got got;
	struct vmsnd_stream *stream = NULL;

	assert_int_equal(vmsnd_null_class.stream_open(host, &want, &user, seen, &stream, &got),
			 VMSND_OK);
	assert_int_equal(got.period_frames, 480);
	assert_true(got.max_frames >= got.period_frames);
	return stream;
}

static void test_pace_values(void **state)
{
	static const struct {
		const char *text;
		enum vmsnd_rc rc;
		uint32_t speed;
	} rows[] = {{"real", VMSND_OK, 1},       {"free", VMSND_OK, VMSND_PACED_FREE},
		    {"1", VMSND_OK, 1},          {"16", VMSND_OK, 16},
		    {"1000", VMSND_OK, 1000},    {"1001", VMSND_E_INVALID, 0},
		    {"0", VMSND_E_INVALID, 0},   {"", VMSND_E_INVALID, 0},
		    {"-1", VMSND_E_INVALID, 0},  {"1x", VMSND_E_INVALID, 0},
		    {"fre", VMSND_E_INVALID, 0}, {"4294967297", VMSND_E_INVALID, 0},
		    {NULL, VMSND_E_INVALID, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t speed = 77;

		assert_int_equal(vmsnd_paced_pace_parse(rows[i].text, &speed), rows[i].rc);
		if (!rows[i].rc)
			assert_int_equal(speed, rows[i].speed);
	}
}

static void test_wrong_pace_is_one_line(void **state)
{
	struct vmsnd_backend *host = NULL;
	struct seen seen = {0};

	assert_int_equal(open_null(&seen, "pace=fast", &host), VMSND_E_INVALID);
	assert_non_null(strstr(seen.line, "pace=fast"));
}

static void test_blocks_come_at_the_end_of_their_time(void **state)
{
	struct seen seen = {0};
	struct vmsnd_backend *host;
	struct vmsnd_stream *stream;

	assert_int_equal(open_null(&seen, "", &host), VMSND_OK);
	stream = open_stream(host, &seen, VMSND_PLAYBACK, VMSND_SAMPLE_S16);
	assert_true(vmsnd_null_class.advance(host, 1) == VMSND_NEVER);
	vmsnd_null_class.stream_start(stream, 5);
	assert_true(vmsnd_null_class.advance(host, 5) == 5 + 10 * MS);
	assert_int_equal(seen.blocks, 0);
	assert_true(vmsnd_null_class.advance(host, 5 + 35 * MS) == 5 + 40 * MS);
	assert_int_equal(seen.blocks, 3);
	assert_int_equal(seen.last, 5 + 30 * MS); /* its own time, not the call's */
	vmsnd_null_class.stream_stop(stream, 5 + 35 * MS);
	assert_true(vmsnd_null_class.advance(host, 1000 * MS) == VMSND_NEVER);
	assert_int_equal(seen.blocks, 3);
	vmsnd_null_class.stream_start(stream, 1000 * MS);
	assert_true(vmsnd_null_class.advance(host, 1000 * MS) == 1010 * MS);
	vmsnd_null_class.stream_close(stream);
	vmsnd_null_class.close(host);
}

static void test_pace_runs_faster(void **state)
{
	struct seen seen = {0};
	struct vmsnd_backend *host;
	struct vmsnd_stream *stream;

	assert_int_equal(open_null(&seen, "pace=16", &host), VMSND_OK);
	stream = open_stream(host, &seen, VMSND_PLAYBACK, VMSND_SAMPLE_S16);
	vmsnd_null_class.stream_start(stream, 0);
	vmsnd_null_class.advance(host, 1000 * MS);
	assert_int_equal(seen.frames, 16 * 48000);
	vmsnd_null_class.stream_close(stream);
	vmsnd_null_class.close(host);
}

static void test_free_follows_the_guest(void **state)
{
	struct seen seen = {0};
	struct vmsnd_backend *host;
	struct vmsnd_stream *stream;

	assert_int_equal(open_null(&seen, "pace=free", &host), VMSND_OK);
	stream = open_stream(host, &seen, VMSND_PLAYBACK, VMSND_SAMPLE_S16);
	seen.ready = 1000;
	assert_true(vmsnd_null_class.advance(host, 7) == VMSND_NEVER);
	vmsnd_null_class.stream_start(stream, 7);
	assert_true(vmsnd_null_class.advance(host, 7) == 7); /* moved: more could follow */
	assert_int_equal(seen.frames, 1000);
	assert_true(vmsnd_null_class.advance(host, 7) == VMSND_NEVER);
	assert_true(vmsnd_null_class.advance(host, 1000 * MS) == VMSND_NEVER);
	assert_int_equal(seen.frames, 1000); /* nothing invented */
	vmsnd_null_class.stream_close(stream);
	vmsnd_null_class.close(host);
}

static void test_captures_silence(void **state)
{
	struct seen seen = {.first_byte = 1};
	struct vmsnd_backend *host;
	struct vmsnd_stream *stream;

	assert_int_equal(open_null(&seen, "", &host), VMSND_OK);
	stream = open_stream(host, &seen, VMSND_CAPTURE, VMSND_SAMPLE_U8);
	vmsnd_null_class.stream_start(stream, 0);
	vmsnd_null_class.advance(host, 20 * MS);
	assert_int_equal(seen.frames, 960);
	assert_int_equal(seen.first_byte, 0x80);
	vmsnd_null_class.stream_close(stream);
	vmsnd_null_class.close(host);
}

static void test_many_streams_and_no_more(void **state)
{
	const struct vmsnd_stream_want want = {
	    .dir = VMSND_PLAYBACK, .format = WANTED, .period_frames = 480};
	struct vmsnd_stream *streams[VMSND_PACED_STREAMS_MAX], *more;
	struct seen seen = {0};
	struct vmsnd_stream_got got;
	struct vmsnd_backend *host;

	assert_int_equal(open_null(&seen, "", &host), VMSND_OK);
	for (unsigned i = 0; i < VMSND_PACED_STREAMS_MAX; i++) {
		streams[i] = open_stream(host, &seen, VMSND_PLAYBACK, VMSND_SAMPLE_S16);
		vmsnd_null_class.stream_start(streams[i], i * MS);
	}
	assert_int_equal(vmsnd_null_class.stream_open(host, &want, &user, &seen, &more, &got),
			 VMSND_E_NOMEM);
	assert_true(vmsnd_null_class.advance(host, 10 * MS) == 11 * MS);
	assert_int_equal(seen.blocks, 1);
	vmsnd_null_class.stream_close(streams[30]);
	streams[30] = open_stream(host, &seen, VMSND_PLAYBACK, VMSND_SAMPLE_S16);
	for (unsigned i = 0; i < VMSND_PACED_STREAMS_MAX; i++)
		vmsnd_null_class.stream_close(streams[i]);
	vmsnd_null_class.close(host);
}

static enum vmsnd_rc fail_move(struct vmsnd_paced_stream *stream, void *samples, uint32_t frames)
{
	return VMSND_E_GONE;
}

static void count_ended(void *ctx, enum vmsnd_rc why)
{
	assert_int_equal(why, VMSND_E_GONE);
	((struct seen *)ctx)->ready++;
}

static void test_a_stream_that_failed_ends_once_and_for_all(void **state)
{
	static const struct vmsnd_stream_user ending = {
	    .block_rt = block_rt, .ready_rt = ready_rt, .ended = count_ended};
	const struct vmsnd_stream_want want = {
	    .dir = VMSND_PLAYBACK, .format = WANTED, .period_frames = 480};
	struct vmsnd_paced paced = {.speed = 1, .move = fail_move};
	struct vmsnd_paced_stream ours;
	struct vmsnd_backend *host = (struct vmsnd_backend *)(void *)&paced;
	struct vmsnd_stream *stream = (struct vmsnd_stream *)(void *)&ours;
	struct seen seen = {0};

	memset(&ours, 0, sizeof(ours));
	assert_int_equal(vmsnd_paced_add(&paced, &ours, &want, &ending, &seen), VMSND_OK);
	vmsnd_paced_start(stream, 0);
	assert_true(vmsnd_paced_advance(host, 100 * MS) == VMSND_NEVER);
	assert_int_equal(seen.blocks, 1);
	vmsnd_paced_start(stream, 100 * MS);
	assert_true(vmsnd_paced_advance(host, 200 * MS) == VMSND_NEVER);
	assert_int_equal(seen.blocks, 1);
	assert_int_equal(seen.ready, 1);
	vmsnd_paced_remove(&ours);
}

static void test_odd_wishes(void **state)
{
	struct vmsnd_stream_want want = {.dir = VMSND_PLAYBACK, .format = WANTED};
	struct seen seen = {0};
	struct vmsnd_stream_got got;
	struct vmsnd_stream *stream;
	struct vmsnd_backend *host;

	assert_int_equal(open_null(&seen, "", &host), VMSND_OK);
	assert_int_equal(vmsnd_null_class.stream_open(host, &want, &user, &seen, &stream, &got), 0);
	assert_int_equal(got.period_frames, 1);
	vmsnd_null_class.stream_close(stream);
	want.period_frames = UINT32_MAX;
	assert_int_equal(vmsnd_null_class.stream_open(host, &want, &user, &seen, &stream, &got), 0);
	assert_int_equal(got.period_frames, VMSND_PACED_BLOCK_FRAMES_MAX);
	vmsnd_null_class.stream_close(stream);
	want.format.channels = 0;
	assert_int_equal(vmsnd_null_class.stream_open(host, &want, &user, &seen, &stream, &got),
			 VMSND_E_UNSUPPORTED);
	vmsnd_null_class.close(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pace_values),
	    cmocka_unit_test(test_wrong_pace_is_one_line),
	    cmocka_unit_test(test_blocks_come_at_the_end_of_their_time),
	    cmocka_unit_test(test_pace_runs_faster),
	    cmocka_unit_test(test_free_follows_the_guest),
	    cmocka_unit_test(test_captures_silence),
	    cmocka_unit_test(test_many_streams_and_no_more),
	    cmocka_unit_test(test_a_stream_that_failed_ends_once_and_for_all),
	    cmocka_unit_test(test_odd_wishes),
	};

	return cmocka_run_group_tests_name("null", tests, NULL, NULL);
}
