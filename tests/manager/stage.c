/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct stage *stage = ctx;

	if (level == VMSND_LOG_DEBUG)
		return;
	snprintf(stage->sim.log, sizeof(stage->sim.log), "%s", line);
	snprintf(stage->lines[stage->n_lines++ % 64], sizeof(stage->lines[0]), "%s", line);
}

void stage_open(struct stage *stage)
{
	struct vmsnd_machine_conf conf = {.log = {.ctx = stage, .write = log_line}};

	memset(stage, 0, sizeof(*stage));
	memset(&fake, 0, sizeof(fake));
	sim_open(&stage->sim);
	vmsnd_machine_close(stage->sim.machine, stage->sim.now);
	conf.registry = stage->registry = fake_registry();
	assert_int_equal(vmsnd_machine_open(&conf, &stage->sim.machine), VMSND_OK);
}

void stage_forget(struct stage *stage)
{
	/* The directory goes with an empty machine. */
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &stage->sim.machine),
			 VMSND_OK);
	stage_close(stage);
}

void stage_close(struct stage *stage)
{
	sim_close(&stage->sim);
	vmsnd_registry_close(stage->registry);
}

unsigned stage_count(const struct stage *stage, const char *part)
{
	unsigned n = 0;

	for (unsigned i = 0; i < stage->n_lines && i < 64; i++)
		n += strstr(stage->lines[i], part) != NULL;
	return n;
}

void stage_play(struct stage *stage, uint64_t frames)
{
	stage->signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	stage->signal.end = frames;
	stage->player = sim_player(&stage->sim, 0, &stage->signal, PERIOD, 4);
}

void stage_run(struct stage *stage, vmsnd_ns ns)
{
	bool plays = stage->player.guest && stage->player.state != VMSND_GUEST_PLAYER_DONE;

	sim_run_until(&stage->sim, plays ? &stage->player : NULL, plays, stage->sim.now + ns);
}

void stage_finish(struct stage *stage)
{
	sim_run(&stage->sim, &stage->player, 1, 60 * SECOND);
}

unsigned stage_attach(struct stage *stage, const char *backend)
{
	unsigned number = 99;

	if (vmsnd_machine_attach(stage->sim.machine, 0, backend, stage->sim.now, &number))
		fail_msg("refused: %s", stage->sim.log);
	return number;
}

static bool find(struct stage *stage, enum vmsnd_dir dir, unsigned output,
		 struct vmsnd_stream_status *out)
{
	struct vmsnd_stream_status list[64];
	size_t n = vmsnd_machine_streams(stage->sim.machine, 0, list, 64);

	for (size_t i = 0; i < n && i < 64; i++) {
		if (list[i].dir != dir || list[i].output != output || list[i].stream != 0)
			continue;
		*out = list[i];
		return true;
	}
	return false;
}

bool stage_has(struct stage *stage, enum vmsnd_dir dir, unsigned output)
{
	struct vmsnd_stream_status status;

	return find(stage, dir, output, &status);
}

struct vmsnd_stream_status stage_status(struct stage *stage, enum vmsnd_dir dir, unsigned output)
{
	struct vmsnd_stream_status status;

	if (!find(stage, dir, output, &status))
		fail_msg("output %u has no such stream", output);
	return status;
}

static uint64_t number_of(const struct sim_signal *signal, const int32_t *frame)
{
	for (uint64_t n = 0; n < signal->end; n++)
		if (sim_signal_sample(signal, n, 0) == frame[0] &&
		    sim_signal_sample(signal, n, 1) == frame[1])
			return n;
	fail_msg("this was never played");
	return 0;
}

uint64_t stage_assert_piece(struct stage *stage, const char *name, uint64_t *frames)
{
	struct sim_sound sound = sim_sound_load(sim_path(&stage->sim, name));
	uint64_t first, from = 0, to = sound.frames;

	while (from < to && sim_sound_silent(&sound, from))
		from++;
	while (to > from && sim_sound_silent(&sound, to - 1))
		to--;
	assert_true(to > from);
	first = number_of(&stage->signal, &sound.samples[from * sound.format.channels]);
	sim_assert_signal(&sound, from, &stage->signal, first, to - from);
	sim_sound_free(&sound);
	*frames = to - from;
	return first;
}
