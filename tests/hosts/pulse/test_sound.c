/* SPDX-License-Identifier: BSD-3-Clause */
/* The PulseAudio backend with a real server: sound, bit for bit, and what is said of it. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/pulse/pulse.h"

static bool mixer_within(struct sound *sound, int32_t gain_mdb, bool muted, unsigned ms)
{
	struct vmsnd_stream_place place;
	uint64_t end = now_ms() + ms;

	do {
		vmsnd_pulse_class.stream_place(sound->stream, &place);
		if (place.has_volume && place.muted == muted &&
		    labs((long)place.gain_mdb - gain_mdb) < 200)
			return true;
		wait_ms(2);
	} while (now_ms() < end);
	return false;
}

#if defined(__SANITIZE_ADDRESS__)
/* Of the sanitizer; its header is not always there. */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

/* What is allocated and not freed, everybody's in this process. */
static size_t live_bytes(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 now = mallinfo2();

	return now.uordblks + now.hblkhd;
#endif
}

static void once(struct world *world, unsigned n)
{
	enum vmsnd_dir dir = n % 2 ? VMSND_CAPTURE : VMSND_PLAYBACK;
	struct sound *sound = &world->voice;

	assert_int_equal(sound_open(sound, &world->bench, dir, cd, 480), VMSND_OK);
	if (n % 3 != 0)
		assert_true(sound_state_within(sound, VMSND_STREAM_OKAY, PATIENCE_MS));
	if (n % 3 == 2)
		sound_start(sound);
	if (n % 6 == 5)
		sound_stop(sound);
	sound_free(sound);
	if (n % 20 != 0)
		return;
	bench_close(&world->bench);
	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
	world_wait_for_server(world);
}

static void test_exact(void **state)
{
	struct world *world = *state;

	world_begin(world);
	world_play_exactly(world, cd);
	assert_int_equal(atomic_load(&world->bench.audio_threads), 1);
	assert_int_equal(world->bench.n_lines, 0);
	bench_close(&world->bench);
}

static void test_formats(void **state)
{
	static const struct {
		struct vmsnd_format format;
		const char *sink;
	} rows[] = {
	    {FORMAT(VMSND_SAMPLE_U8, 8000, 1), "format=u8 rate=8000 channels=1"},
	    {FORMAT(VMSND_SAMPLE_S16, 44100, 2), "format=s16le rate=44100 channels=2"},
	    {FORMAT(VMSND_SAMPLE_S24_3, 96000, 2), "format=s24le rate=96000 channels=2"},
	    {FORMAT(VMSND_SAMPLE_S24, 48000, 6),
	     "format=s24-32le rate=48000 channels=6 "
	     "channel_map=front-left,front-right,front-center,lfe,rear-left,rear-right"},
	    {FORMAT(VMSND_SAMPLE_S32, 192000, 2), "format=s32le rate=192000 channels=2"},
	    {FORMAT(VMSND_SAMPLE_FLOAT, 48000, 8),
	     "format=float32le rate=48000 channels=8 "
	     "channel_map=front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,"
	     "side-right"},
	    {FORMAT(VMSND_SAMPLE_ALAW, 8000, 1), "format=alaw rate=8000 channels=1"},
	    {FORMAT(VMSND_SAMPLE_MULAW, 8000, 1), "format=ulaw rate=8000 channels=1"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char sink[256];

		snprintf(sink, sizeof(sink), "sink_name=a %s", rows[i].sink);
		world->server.sinks[0] = sink;
		world_begin(world);
		world_play_exactly(world, rows[i].format);
		bench_close(&world->bench);
		server_end(&world->server, SIGKILL);
	}
}

static void test_facts(void **state)
{
	struct world *world = *state;
	struct vmsnd_fact facts[VMSND_FACT_COUNT];
	size_t n;

	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
	n = vmsnd_pulse_class.facts(world->bench.host, facts, VMSND_FACT_COUNT);
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_SOCKET), world->server.folder));
	assert_non_null(
	    strstr(fact_text(facts, n, VMSND_FACT_TROUBLE), "No such file or directory"));
	bench_close(&world->bench);
	world_begin(world);
	n = vmsnd_pulse_class.facts(world->bench.host, facts, VMSND_FACT_COUNT);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "# fact %d: %s\n", (int)facts[i].name, facts[i].text);
	assert_string_equal(fact_text(facts, n, VMSND_FACT_PLAYBACK), "a (Null Output)");
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_CAPTURE), "a.monitor"));
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_SERVER), "ulse"));
	assert_non_null(strstr(fact_text(facts, n, VMSND_FACT_FORMAT), "48000 Hz, 2 channels"));
	assert_string_equal(fact_text(facts, n, VMSND_FACT_TROUBLE), "");
	/* As many as there is room for. */
	assert_int_equal(vmsnd_pulse_class.facts(world->bench.host, facts, 1), 1);
	bench_close(&world->bench);
}

static void test_mixer_is_seen(void **state)
{
	struct world *world = *state;
	struct sound *voice = &world->voice;

	world_begin(world);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	assert_true(mixer_within(voice, 0, false, PATIENCE_MS));
	server_tell(&world->server, "set-sink-input-volume", "0", "-20dB");
	assert_true(mixer_within(voice, -20000, false, PATIENCE_MS));
	server_tell(&world->server, "set-sink-input-mute", "0", "1");
	assert_true(mixer_within(voice, -20000, true, PATIENCE_MS));
	sound_close(voice);
	bench_close(&world->bench);
}

static void test_mixer_is_turned(void **state)
{
	static const struct vmsnd_host_volume soft = {.sets_gain = true, .gain_mdb = -20000},
					      mute = {.sets_mute = true, .muted = true},
					      silent = {.sets_gain = true,
							.gain_mdb = VMSND_GAIN_MIN_MDB};
	struct world *world = *state;
	struct sound *voice = &world->voice;

	world_begin(world);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	assert_true(mixer_within(voice, 0, false, PATIENCE_MS));
	assert_int_equal(vmsnd_pulse_class.stream_volume_set(voice->stream, &soft), VMSND_OK);
	assert_true(mixer_within(voice, -20000, false, PATIENCE_MS));
	assert_int_equal(vmsnd_pulse_class.stream_volume_set(voice->stream, &mute), VMSND_OK);
	assert_true(mixer_within(voice, -20000, true, PATIENCE_MS));
	assert_int_equal(vmsnd_pulse_class.stream_volume_set(voice->stream, &silent), VMSND_OK);
	assert_true(mixer_within(voice, VMSND_GAIN_MIN_MDB, true, PATIENCE_MS));
	sound_close(voice);
	bench_close(&world->bench);
}

/* When a frame is at the speaker is said by the player's block, and when it was at the microphone
 * by the recorder's: with a monitor the two are one. */
static void test_latency_is_true(void **state)
{
	struct world *world = *state;
	unsigned char frame[4];
	struct sound *voice = &world->voice, *ear = &world->ear;
	int64_t off_us;

	world_begin(world);
	signal_frame(&cd, 40000, frame);
	assert_true(sound_open_within(ear, &world->bench, VMSND_CAPTURE, cd, PATIENCE_MS));
	ear->marks = frame;
	sound_start(ear);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, cd, PATIENCE_MS));
	voice->mark = 40000;
	sound_start(voice);
	assert_true(sound_frames_within(voice, 48000, PATIENCE_MS));
	for (uint64_t end = now_ms() + PATIENCE_MS; atomic_load(&ear->mark_ns) == 0;) {
		assert_true(now_ms() < end);
		wait_ms(2);
	}
	off_us =
	    ((int64_t)atomic_load(&ear->mark_ns) - (int64_t)atomic_load(&voice->mark_ns)) / 1000;
	fprintf(stderr, "# the queue is %u frames; said and measured differ by %lld us\n",
		atomic_load(&voice->delay_frames), (long long)off_us);
	assert_true(atomic_load(&voice->delay_frames) > 48 * 40);
	assert_true(atomic_load(&voice->delay_frames) < 48 * 160);
	assert_true(llabs(off_us) < 40000);
	sound_close(voice);
	sound_free(ear);
	bench_close(&world->bench);
}

static void test_thousand_times(void **state)
{
	struct world *world = *state;
	size_t before = 0;

	world_begin(world);
	world_wait_for_server(world);
	for (unsigned n = 0; n < 1200; n++) {
		if (n == 200)
			before = live_bytes();
		once(world, n);
	}
	fprintf(stderr, "# %zu bytes after 200, %zu after 1200\n", before, live_bytes());
	assert_true(live_bytes() < before + 65536);
	bench_close(&world->bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD_TEST(test_exact),           WORLD_TEST(test_formats),
	    WORLD_TEST(test_facts),           WORLD_TEST(test_mixer_is_seen),
	    WORLD_TEST(test_mixer_is_turned), WORLD_TEST(test_latency_is_true),
	    WORLD_TEST(test_thousand_times),
	};
	int missing = world_missing();

	return missing < 0 ? cmocka_run_group_tests(tests, NULL, NULL) : missing;
}
