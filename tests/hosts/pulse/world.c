/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "backends/pulse/pulse.h"

const struct vmsnd_format cd = FORMAT(VMSND_SAMPLE_S16, 48000, 2);

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->server.sinks[0] = SINK_A;
	server_make_folder(&world->server);
	/* Who lacks the option has no cookie: libpulse makes one there. */
	setenv("HOME", world->server.folder, 1);
	unsetenv("PULSE_COOKIE");
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;

	sound_free(&world->voice);
	sound_free(&world->ear);
	sound_free(&world->late);
	if (world->bench.host)
		bench_close(&world->bench);
	server_end(&world->server, SIGKILL);
	server_remove_folder(&world->server);
	free(world);
	return 0;
}

void world_begin(struct world *world)
{
	server_start(&world->server);
	assert_true(server_answers(&world->server, PATIENCE_MS));
	assert_int_equal(bench_open(&world->bench, WITH, world->server.folder), VMSND_OK);
}

void world_record(struct world *world, struct sound *ear, struct vmsnd_format format)
{
	assert_true(sound_open_within(ear, &world->bench, VMSND_CAPTURE, format, PATIENCE_MS));
	sound_start(ear);
	assert_true(sound_frames_within(ear, 1, PATIENCE_MS));
}

void world_listen(struct sound *ear, uint64_t frames)
{
	assert_true(sound_frames_within(ear, atomic_load(&ear->frames) + frames, PATIENCE_MS));
}

void world_check_all(const struct sound *ear, uint64_t frames)
{
	struct heard heard = sound_heard(ear);

	assert_int_equal(heard.first, 0);
	assert_int_equal(heard.frames, frames);
	assert_int_equal(heard.bad, 0);
}

void world_play_exactly(struct world *world, struct vmsnd_format format)
{
	struct sound *voice = &world->voice, *ear = &world->ear;
	uint64_t frames = format.rate_hz / 2;

	world_record(world, ear, format);
	assert_true(sound_open_within(voice, &world->bench, VMSND_PLAYBACK, format, PATIENCE_MS));
	assert_true(vmsnd_format_equal(&voice->got.format, &format));
	voice->total = frames;
	sound_start(voice);
	assert_true(sound_frames_within(voice, frames, PATIENCE_MS));
	world_listen(ear, format.rate_hz / 3);
	sound_close(voice);
	sound_close(ear);
	world_check_all(ear, frames);
	sound_free(ear);
}

bool said_within(struct bench *bench, const char *word, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (bench_lines(bench, word) == 0) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

bool rises_within(atomic_uint *figure, unsigned above, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (atomic_load(figure) <= above) {
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
	return true;
}

bool is_at_within(struct sound *sound, const char *device, unsigned ms)
{
	struct vmsnd_stream_place place;
	uint64_t end = now_ms() + ms;

	for (;;) {
		vmsnd_pulse_class.stream_place(sound->stream, &place);
		if (strcmp(place.device, device) == 0)
			return true;
		if (now_ms() > end)
			return false;
		wait_ms(2);
	}
}

void world_wait_for_server(struct world *world)
{
	const struct vmsnd_backend_class *cls = &vmsnd_pulse_class;

	for (uint64_t end = now_ms() + PATIENCE_MS;
	     cls->status(world->bench.host, VMSND_PLAYBACK) == VMSND_BACKEND_INITIALIZING;) {
		assert_true(now_ms() < end);
		wait_ms(1);
	}
}

const char *fact_text(const struct vmsnd_fact *facts, size_t n, enum vmsnd_fact_name name)
{
	for (size_t i = 0; i < n; i++)
		if (facts[i].name == name)
			return facts[i].text;
	return "";
}

int world_missing(void)
{
	const char *ci = getenv("CI");

	if (server_here())
		return -1;
	printf("1..0 # SKIP no pulseaudio or no pactl here\n");
	return ci && *ci;
}
