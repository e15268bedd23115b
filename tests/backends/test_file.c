/* SPDX-License-Identifier: BSD-3-Clause */
/* The file backend as a card meets it: names, parts, pace, capture, refusals. */
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/file.h"
#include "rig.h"

static const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 44100, 2);
static const struct vmsnd_format studio = FORMAT(VMSND_SAMPLE_S32, 48000, 2);

#define SECOND VMSND_NS_PER_SECOND

static void open_host(struct rig *rig, const char *options)
{
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), VMSND_OK);
}

/* ---- which file ---- */

static void test_no_file_without_a_frame(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	open_host(rig, "path=%s/o.wav");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, cd, 441), VMSND_OK);
		user_start(rig, &user, 0);
		rig_run(rig, 0, SECOND / 100 - 1);
		rig->cls->stream_stop(user.stream, SECOND / 100 - 1);
		user_close(rig, &user);
	}
	rig_close(rig);
	assert_int_equal(rig_files(rig), 0);
	assert_int_equal(rig->n_lines, 0);
}

static void test_same_format_goes_on_in_one_file(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	open_host(rig, "path=%s/o.wav,pace=free");
	for (uint64_t i = 0; i < 4; i++)
		rig_play(rig, &user, cd, 441, 1000 + i);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_INFO), 1);
	assert_true(rig_said(rig, VMSND_LOG_INFO, "o.wav: begun", "44100 Hz"));
	rig_close(rig);
	assert_true(rig_said(rig, VMSND_LOG_INFO, "o.wav: 4006 frames", "0.091 s"));
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_INFO), 2);
	assert_int_equal(rig_files(rig), 1);
	check_file(rig_path(rig, "o.wav"), cd, 0, 4006);
}

static void test_other_format_gets_the_next_number(void **state)
{
	struct rig *rig = *state;
	struct user first = {.stream = NULL}, second = {.stream = NULL}, third = {.stream = NULL};
	struct vmsnd_format mono = FORMAT(VMSND_SAMPLE_S16, 44100, 1);

	open_host(rig, "path=%s/o.flac,pace=free");
	rig_play(rig, &first, cd, 441, 1000);
	rig_play(rig, &second, studio, 480, 2000);
	rig_play(rig, &third, mono, 441, 500);
	rig_play(rig, &first, cd, 441, 3000);
	rig_play(rig, &second, studio, 480, 1);
	rig_close(rig);
	assert_int_equal(rig_files(rig), 3);
	check_file(rig_path(rig, "o.flac"), cd, 0, 4000);
	check_file(rig_path(rig, "o-2.flac"), second.got.format, 0, 2001);
	check_file(rig_path(rig, "o-3.flac"), mono, 0, 500);
}

static void test_second_stream_at_a_time_gets_the_next_number(void **state)
{
	struct rig *rig = *state;
	struct user a = {.stream = NULL}, b = {.frames = 5000};

	open_host(rig, "path=%s/o.w64");
	assert_int_equal(user_open(rig, &a, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	assert_int_equal(user_open(rig, &b, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(rig, &b, 0); /* the first that plays gets the plain name */
	rig_run(rig, 0, SECOND / 10);
	user_start(rig, &a, SECOND / 10);
	rig_run(rig, SECOND / 10, SECOND / 2);
	user_close(rig, &b);
	/* Reopened while the other still plays: each keeps its own file. */
	assert_int_equal(user_open(rig, &b, VMSND_PLAYBACK, cd, 441), VMSND_OK);
	user_start(rig, &b, SECOND / 2);
	rig_run(rig, SECOND / 2, SECOND);
	user_close(rig, &a);
	user_close(rig, &b);
	rig_close(rig);
	assert_int_equal(rig_files(rig), 2);
	check_file(rig_path(rig, "o.w64"), cd, 5000, 44100);
	check_file(rig_path(rig, "o-2.w64"), cd, 0, 44100 * 9 / 10);
}

/* Formats come and go as a guest likes: descriptors and files stay bounded. */
static void test_many_formats_stay_bounded(void **state)
{
	struct rig *rig = *state;
	unsigned last;

	open_host(rig, "path=%s/o.wav,pace=free");
	for (uint32_t rate = 8000; rate < 9100; rate++) {
		struct user user = {.left = 10};
		struct vmsnd_format format = FORMAT(VMSND_SAMPLE_U8, rate, 1);

		if (user_open(rig, &user, VMSND_PLAYBACK, format, 10) != VMSND_OK)
			continue;
		user_start(rig, &user, 0);
		rig_run(rig, 0, 0);
		user_close(rig, &user);
	}
	last = (unsigned)dup(0);
	close((int)last);
	assert_in_range(last, 0, 64);
	rig_close(rig);
	assert_int_equal(rig_files(rig), 1000);
}

/* ---- parts ---- */

static uint64_t size_of(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return (uint64_t)info.st_size;
}

static uint64_t frames_of(const char *path)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);

	assert_non_null(file);
	sf_close(file);
	return (uint64_t)info.frames;
}

/* Every part within the limit, together every frame once and in order. */
static void split_into(struct rig *rig, const char *extension, uint64_t slack_bytes)
{
	const struct vmsnd_format six = FORMAT(VMSND_SAMPLE_S32, 48000, 6);
	struct user user = {.stream = NULL};
	uint64_t from = 0;
	char text[80], name[32];
	unsigned part;

	snprintf(text, sizeof(text), "path=%%s/o.%s,pace=free,split=49990", extension);
	open_host(rig, text);
	rig_play(rig, &user, six, 253, 7000);
	rig_play(rig, &user, six, 253, 7000);
	rig_close(rig);
	for (part = 1; from < 14000; part++) {
		snprintf(name, sizeof(name), part == 1 ? "o.%s" : "o-%2$u.%1$s", extension, part);
		assert_in_range(size_of(rig_path(rig, name)), 1, 49990 + slack_bytes);
		check_file(rig_path(rig, name), user.got.format, from,
			   frames_of(rig_path(rig, name)));
		from += frames_of(rig_path(rig, name));
	}
	assert_int_equal(from, 14000);
	assert_int_equal(rig_files(rig), part - 1);
	assert_in_range(part, 4, 10);
	/* One line a file: the first is begun, the others are gone on in, the last ends. */
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_INFO), part);
	assert_true(rig_said(rig, VMSND_LOG_INFO, "full; going on in", "o-2."));
}

static void test_split_wav(void **state)
{
	split_into(*state, "wav", 0);
}

static void test_split_w64(void **state)
{
	split_into(*state, "w64", 0);
}

static void test_split_rf64(void **state)
{
	split_into(*state, "rf64", 0);
}

/* FLAC is looked at between blocks: at most one encoder block above. */
static void test_split_flac(void **state)
{
	split_into(*state, "flac", 4096 * 6 * 4);
}

/* ---- pace ---- */

static void play_ten_seconds(struct rig *rig, const char *options, bool big_step)
{
	struct user user = {.stream = NULL};

	open_host(rig, options);
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, studio, 253), VMSND_OK);
	user_start(rig, &user, 77);
	if (big_step)
		while (rig->cls->advance(rig->host, 77 + 10 * SECOND) <= 77 + 10 * SECOND)
			;
	else
		assert_int_equal(rig_run(rig, 77, 77 + 10 * SECOND), 1 + 480000 / 253);
	assert_int_equal(user.blocks, 480000 / 253);
	user_close(rig, &user);
	rig_close(rig);
}

static void assert_same_bytes(const char *a, const char *b)
{
	FILE *one = fopen(a, "rb"), *two = fopen(b, "rb");
	int c;

	assert_non_null(one);
	assert_non_null(two);
	do {
		c = fgetc(one);
		assert_int_equal(c, fgetc(two));
	} while (c != EOF);
	fclose(one);
	fclose(two);
}

static void test_one_step_or_many_give_the_same_file(void **state)
{
	struct rig *rig = *state;

	play_ten_seconds(rig, "path=%s/a.wav", false);
	play_ten_seconds(rig, "path=%s/b.wav", true);
	assert_same_bytes(rig_path(rig, "a.wav"), rig_path(rig, "b.wav"));
	check_file(rig_path(rig, "a.wav"), studio, 0, 480000 / 253 * 253);
}

static void test_stop_writes_no_more_and_start_goes_on(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	open_host(rig, "path=%s/o.wav");
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, studio, 480), VMSND_OK);
	user_start(rig, &user, 0);
	rig_run(rig, 0, SECOND);
	rig->cls->stream_stop(user.stream, SECOND);
	assert_true(rig->cls->advance(rig->host, 5 * SECOND) == VMSND_NEVER);
	assert_int_equal(user.frames, 48000);
	user_start(rig, &user, 5 * SECOND);
	rig_run(rig, 5 * SECOND, 6 * SECOND);
	/* What stands on disk is whole while the stream is still open. */
	check_file(rig_path(rig, "o.wav"), studio, 0, 96000);
	user_close(rig, &user);
}

/* ---- capture ---- */

static void make_input(struct rig *rig, const char *name, struct vmsnd_format format,
		       uint64_t frames)
{
	struct rig maker = {.n_lines = 0};
	struct user user = {.stream = NULL};

	memcpy(maker.folder, rig->folder, sizeof(maker.folder));
	char options[64];

	snprintf(options, sizeof(options), "path=%%s/%s,pace=free", name);
	open_host(&maker, options);
	rig_play(&maker, &user, format, 253, frames);
	rig_close(&maker);
}

static void expect_signal(const struct user *user, uint64_t at, uint64_t from, uint32_t frames)
{
	uint32_t bytes = vmsnd_format_frame_bytes(&user->got.format);
	uint8_t *wanted = malloc((size_t)frames * bytes);

	assert_non_null(wanted);
	signal_fill(&user->got.format, from, wanted, frames);
	assert_memory_equal(user->kept + at * bytes, wanted, (size_t)frames * bytes);
	free(wanted);
}

static void expect_silence(const struct user *user, uint64_t from, uint64_t until)
{
	uint32_t bytes = vmsnd_format_frame_bytes(&user->got.format);

	for (uint64_t i = from * bytes; i < until * bytes; i++)
		assert_int_equal(user->kept[i],
				 user->got.format.sample == VMSND_SAMPLE_U8 ? 0x80 : 0);
}

static void record(struct rig *rig, struct user *user, struct vmsnd_format format)
{
	assert_int_equal(user_open(rig, user, VMSND_CAPTURE, format, 253), VMSND_OK);
	user_start(rig, user, 0);
	rig_run(rig, 0, SECOND / 4);
}

static void test_capture_loops(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	make_input(rig, "i.wav", cd, 1000);
	open_host(rig, "in=%s/i.wav");
	record(rig, &user, cd);
	assert_int_equal(user.frames, 11025 / 253 * 253);
	for (uint64_t at = 0; at + 1000 <= user.frames; at += 1000)
		expect_signal(&user, at, 0, 1000);
	user_close(rig, &user);
	user_free(&user);
}

static void test_capture_once_then_silence(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};
	struct vmsnd_format three = FORMAT(VMSND_SAMPLE_S16, 44100, 3);

	make_input(rig, "i.flac", three, 1000);
	open_host(rig, "in=%s/i.flac,loop=off");
	record(rig, &user, three);
	expect_signal(&user, 0, 0, 1000);
	expect_silence(&user, 1000, user.frames);
	assert_int_equal(user.ended, 0);
	user_close(rig, &user);
	user_free(&user);
}

static void test_capture_goes_on_after_stop_and_anew_after_open(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL}, other = {.stream = NULL};

	make_input(rig, "i.rf64", cd, 20000);
	open_host(rig, "in=%s/i.rf64");
	assert_int_equal(user_open(rig, &user, VMSND_CAPTURE, cd, 441), VMSND_OK);
	user_start(rig, &user, SECOND); /* opened long before: frame 0 all the same */
	rig_run(rig, SECOND, SECOND + SECOND / 10);
	rig->cls->stream_stop(user.stream, 2 * SECOND);
	user_start(rig, &user, 3 * SECOND);
	assert_int_equal(user_open(rig, &other, VMSND_CAPTURE, cd, 441), VMSND_OK);
	user_start(rig, &other, 3 * SECOND);
	rig_run(rig, 3 * SECOND, 3 * SECOND + SECOND / 10);
	assert_int_equal(user.frames, 8820);
	expect_signal(&user, 0, 0, 8820);
	assert_int_equal(other.frames, 4410);
	expect_signal(&other, 0, 0, 4410);
	user_close(rig, &user);
	user_close(rig, &other);
	user_free(&user);
	user_free(&other);
}

static void test_capture_free_fills_what_there_is_room_for(void **state)
{
	struct rig *rig = *state;
	struct user user = {.left = 2999};

	make_input(rig, "i.wav", cd, 5000);
	open_host(rig, "in=%s/i.wav,pace=free");
	assert_int_equal(user_open(rig, &user, VMSND_CAPTURE, cd, 441), VMSND_OK);
	user_start(rig, &user, 9);
	rig_run(rig, 9, 9);
	assert_int_equal(user.frames, 2999);
	expect_signal(&user, 0, 0, 2999);
	user_close(rig, &user);
	user_free(&user);
}

static void expect_own_format(struct rig *rig, struct vmsnd_format want, uint32_t period,
			      uint32_t got_period)
{
	struct user user = {.stream = NULL};

	assert_int_equal(user_open(rig, &user, VMSND_CAPTURE, want, period), VMSND_OK);
	assert_true(vmsnd_format_equal(&user.got.format, &cd));
	assert_int_equal(user.got.period_frames, got_period);
	user_start(rig, &user, 0);
	rig_run(rig, 0, SECOND);
	assert_int_equal(user.frames, 44100 / got_period * got_period);
	for (uint64_t at = 0; at + 1000 <= user.frames; at += 1000)
		expect_signal(&user, at, 0, 1000);
	user_close(rig, &user);
	user_free(&user);
}

/* Whatever is wanted: what the file has is what it gives, in blocks that last as long (BE-07). */
static void test_BE_07_capture_settles_on_the_files_format(void **state)
{
	struct rig *rig = *state;

	make_input(rig, "i.wav", cd, 1000);
	open_host(rig, "in=%s/i.wav");
	expect_own_format(rig, cd, 441, 441);
	expect_own_format(rig, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 48000, 2), 480, 441);
	expect_own_format(rig, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_S16, 44100, 1), 441, 441);
	expect_own_format(rig, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_FLOAT64, 96000, 8), 960,
			  441);
	expect_own_format(rig, (struct vmsnd_format)FORMAT(VMSND_SAMPLE_U20_3, 768000, 18), 1, 1);
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_ERROR), 0);
}

static void write_text(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

/* A header and not one frame: looping over nothing must end. */
static void test_capture_of_an_empty_file_is_silence(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};
	SF_INFO info = {
	    .samplerate = 44100, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};

	sf_close(sf_open(rig_path(rig, "i.wav"), SFM_WRITE, &info));
	open_host(rig, "in=%s/i.wav");
	for (unsigned i = 0; i < 3; i++) {
		record(rig, &user, cd);
		expect_silence(&user, 0, user.frames);
		if (i < 2)
			user_close(rig, &user);
	}
	assert_int_equal(rig_count_lines(rig, VMSND_LOG_WARNING), 1);
	user_close(rig, &user);
	user_free(&user);
}

/* Bytes flipped anywhere, and files cut short: an error or some sound, never a hang. */
static void test_hostile_input_is_bounded(void **state)
{
	static const char *const names[] = {"i.wav", "i.flac", "i.w64", "i.rf64"};
	struct rig *rig = *state;
	char options[64];

	for (unsigned round = 0; round < 400; round++) {
		const char *name = names[round % 4];
		struct user user = {.stream = NULL};
		FILE *file;

		if (round < 4 || round % 40 < 4)
			make_input(rig, name, cd, 3000);
		if (round % 40 >= 36)
			assert_int_equal(truncate(rig_path(rig, name), 10 + round), 0);
		file = fopen(rig_path(rig, name), "r+b");
		assert_non_null(file);
		fseek(file, (long)(signal_noise(round) % 128), SEEK_SET);
		fputc((int)(signal_noise(round + 1000) & 0xff), file);
		fclose(file);
		snprintf(options, sizeof(options), "in=%%s/%s", name);
		if (rig_open(rig, &vmsnd_file_class, options) == VMSND_OK &&
		    user_open(rig, &user, VMSND_CAPTURE, cd, 253) == VMSND_OK) {
			user_start(rig, &user, 0);
			rig_run(rig, 0, SECOND / 4);
			assert_true(user.frames + user.got.period_frames >
				    user.got.format.rate_hz / 4);
			user_close(rig, &user);
		}
		user_free(&user);
		rig_close(rig);
	}
}

/* ---- refusals: one line each, nothing left behind ---- */

static void refuse(struct rig *rig, const char *options, enum vmsnd_rc rc, const char *a,
		   const char *b)
{
	unsigned files = rig_files(rig);

	rig_forget_lines(rig);
	assert_int_equal(rig_open(rig, &vmsnd_file_class, options), rc);
	assert_int_equal(rig->n_lines, 1);
	if (!rig_said(rig, VMSND_LOG_ERROR, a, b))
		fail_msg("%s", rig->lines[0].text);
	assert_int_equal(rig_files(rig), files);
}

static void test_refused_options(void **state)
{
	struct rig *rig = *state;

	refuse(rig, "pace=free", VMSND_E_INVALID, "path=", "in=");
	refuse(rig, "path=%s/o.mp3", VMSND_E_INVALID, "o.mp3", ".wav, .w64, .rf64 or .flac");
	refuse(rig, "path=%s/wav", VMSND_E_INVALID, "wav", ".wav, .w64, .rf64 or .flac");
	refuse(rig, "path=%s/.wav", VMSND_E_INVALID, "/.wav", ".wav, .w64, .rf64 or .flac");
	refuse(rig, "path=.flac", VMSND_E_INVALID, "file: .flac", ".wav, .w64, .rf64 or .flac");
	refuse(rig, "path=%s/o.wav,pace=fast", VMSND_E_INVALID, "pace=fast", "real, free");
	refuse(rig, "path=%s/o.wav,split=100", VMSND_E_INVALID, "split", "4096");
	refuse(rig, "path=%s/no/o.wav", VMSND_E_SYSTEM, "o.wav", "No such file");
	refuse(rig, "in=%s/i.wav", VMSND_E_SYSTEM, "i.wav", "No such file");
	refuse(rig, "in=%s", VMSND_E_SYSTEM, "vmsnd-test-", "not a regular file");
}

static void test_extension_in_any_case(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	open_host(rig, "path=%s/O.FlAc,pace=free");
	rig_play(rig, &user, cd, 441, 10);
	rig_close(rig);
	check_file(rig_path(rig, "O.FlAc"), cd, 0, 10);
}

static void test_refused_files(void **state)
{
	struct rig *rig = *state;

	write_text(rig_path(rig, "t.wav"), "no sound at all", 15);
	refuse(rig, "in=%s/t.wav", VMSND_E_UNSUPPORTED, "t.wav", "in=");
	assert_int_equal(mkdir(rig_path(rig, "d.wav"), 0777), 0);
	refuse(rig, "path=%s/d.wav", VMSND_E_INVALID, "d.wav", "not a regular file");
	assert_int_equal(mkfifo(rig_path(rig, "f.wav"), 0666), 0);
	refuse(rig, "path=%s/f.wav", VMSND_E_INVALID, "f.wav", "not a regular file");
	refuse(rig, "in=%s/f.wav", VMSND_E_SYSTEM, "f.wav", "not a regular file");
	make_input(rig, "i.wav", cd, 10);
	refuse(rig, "path=%s/i.wav,in=%s/i.wav", VMSND_E_INVALID, "i.wav", "the same file");
}

/* Root may write anywhere, so root becomes somebody else for the while. */
static void test_read_only_folder(void **state)
{
	struct rig *rig = *state;
	bool root = geteuid() == 0;

	if (root && seteuid(65534) != 0) {
		print_message("# root that cannot become somebody else may write anywhere\n");
		skip();
	}
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(rig->folder, 0555), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	refuse(rig, "path=%s/o.wav", VMSND_E_SYSTEM, "o.wav", "Permission denied");
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(rig->folder, 0755), 0);
}

static void test_direction_without_a_file(void **state)
{
	struct rig *rig = *state;
	struct user user = {.stream = NULL};

	make_input(rig, "i.wav", cd, 10);
	open_host(rig, "in=%s/i.wav");
	assert_int_equal(user_open(rig, &user, VMSND_PLAYBACK, cd, 441), VMSND_E_UNSUPPORTED);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "path=", "i.wav"));
	rig_close(rig);
	rig_forget_lines(rig);
	open_host(rig, "path=%s/o.wav");
	assert_int_equal(user_open(rig, &user, VMSND_CAPTURE, cd, 441), VMSND_E_UNSUPPORTED);
	assert_true(rig_said(rig, VMSND_LOG_ERROR, "in=", "o.wav"));
	assert_int_equal(rig->n_lines, 1);
	user_free(&user);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_no_file_without_a_frame),
	    CASE(test_same_format_goes_on_in_one_file),
	    CASE(test_other_format_gets_the_next_number),
	    CASE(test_second_stream_at_a_time_gets_the_next_number),
	    CASE(test_many_formats_stay_bounded),
	    CASE(test_split_wav),
	    CASE(test_split_w64),
	    CASE(test_split_rf64),
	    CASE(test_split_flac),
	    CASE(test_one_step_or_many_give_the_same_file),
	    CASE(test_stop_writes_no_more_and_start_goes_on),
	    CASE(test_capture_loops),
	    CASE(test_capture_once_then_silence),
	    CASE(test_capture_goes_on_after_stop_and_anew_after_open),
	    CASE(test_capture_free_fills_what_there_is_room_for),
	    CASE(test_BE_07_capture_settles_on_the_files_format),
	    CASE(test_capture_of_an_empty_file_is_silence),
	    CASE(test_hostile_input_is_bounded),
	    CASE(test_refused_options),
	    CASE(test_extension_in_any_case),
	    CASE(test_refused_files),
	    CASE(test_read_only_folder),
	    CASE(test_direction_without_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
