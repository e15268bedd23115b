/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast an engine's clock goes: as its port's host does, so that the ring between them neither
 * runs dry nor grows (design, idea 4). */
#include <math.h>

#include "devices/ac97/ac97.h"

/* Looks until the usual fill is known, and that a deviation is averaged over: about a second. */
#define LEARN_LOOKS  64u
#define AVERAGE      64.0
#define CORRECT_MOST 0.001

void ac97_pace_anew(struct ac97_engine *engine)
{
	engine->fill.n = 0;
	engine->fill.usual_frames = engine->fill.error_frames = 0;
	engine->fill.xruns = engine->port ? vmsnd_port_xruns(engine->port) : 0;
}

/* What the ring holds, but for a constant. */
static double fill_of(const struct ac97_engine *engine)
{
	uint64_t done = vmsnd_port_done_frames(engine->port);
	uint64_t in = engine->dir == VMSND_PLAYBACK ? engine->moved_frames : done;
	uint64_t out = engine->dir == VMSND_PLAYBACK ? done : engine->moved_frames;

	return (double)(int64_t)(in - out);
}

/* The host's rate is known well enough that there is usually nothing to do; what is left, and what
 * came of a hiccup, is made up for slowly. */
static double correction(const struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	double fill = fill_of(engine), step = ac97_step_frames(card, engine), beyond;

	if (vmsnd_port_done_frames(engine->port) == 0)
		return 0;
	if (vmsnd_port_xruns(engine->port) != engine->fill.xruns)
		ac97_pace_anew(engine);
	if (engine->fill.n < LEARN_LOOKS) {
		engine->fill.n++;
		engine->fill.usual_frames += (fill - engine->fill.usual_frames) / engine->fill.n;
		return 0;
	}
	engine->fill.error_frames +=
	    (fill - engine->fill.usual_frames - engine->fill.error_frames) / AVERAGE;
	beyond = fabs(engine->fill.error_frames) - step;
	if (beyond <= 0)
		return 0;
	beyond = fmin(beyond / step, 1) * CORRECT_MOST;
	/* Playback with too much in the ring brings less; capture takes more. */
	return (engine->fill.error_frames > 0) == (engine->dir == VMSND_PLAYBACK) ? -beyond
										  : beyond;
}

/* A port that was closed is none. */
static void look_at_port(struct ac97_engine *engine)
{
	struct vmsnd_stream_params params;

	engine->port_runs = vmsnd_port_params(engine->port, &params);
}

/* Engines without a port stand when the card does, which only ports know. */
void ac97_pace_look(struct vmsnd_ac97 *card)
{
	card->stands = card->suspended || !vmsnd_pci_masters(&card->pci);
	for (unsigned i = 0; i < card->n_engines; i++) {
		struct ac97_engine *engine = &card->engines[i];

		if (!engine->port_runs || vmsnd_port_rate_hz(engine->port) > 0)
			continue;
		look_at_port(engine);
		card->stands = card->stands || engine->port_runs;
	}
}

double ac97_pace_hz(const struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	if (card->stands)
		return 0;
	if (!engine->port_runs)
		return engine->params.format.rate_hz;
	return vmsnd_port_rate_hz(engine->port) * (1 + correction(card, engine));
}
