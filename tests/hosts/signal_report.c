/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: what it says, a line each, for scripts to read. */
#include <inttypes.h>
#include <string.h>

#include "os/clock.h"
#include "signal.h"

static const char *way(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? "playback" : "capture";
}

static size_t streams_of(const struct vmsnd_machine *machine, struct vmsnd_stream_status *list)
{
	size_t n = vmsnd_machine_streams(machine, 0, list, SIGNAL_STREAMS_MAX);

	return n < SIGNAL_STREAMS_MAX ? n : SIGNAL_STREAMS_MAX;
}

void signal_states_look(struct signal_states *states, const struct vmsnd_machine *machine)
{
	struct vmsnd_stream_status list[SIGNAL_STREAMS_MAX];
	size_t n = streams_of(machine, list);

	for (size_t i = 0; i < n; i++) {
		const char **host = &states->host[i], **state = &states->state[i];

		if (*host && strcmp(*host, list[i].host) == 0 && strcmp(*state, list[i].state) == 0)
			continue;
		*host = list[i].host;
		*state = list[i].state;
		printf("state ms=%" PRIu64 " direction=%s output=%u backend=%s host=%s state=%s\n",
		       (vmsnd_clock_now() - states->began) / 1000000, way(list[i].dir),
		       list[i].output, list[i].backend, list[i].host, list[i].state);
	}
	fflush(stdout);
}

bool signal_host_runs(const struct vmsnd_machine *machine, enum vmsnd_dir dir)
{
	struct vmsnd_stream_status list[SIGNAL_STREAMS_MAX];
	size_t n = streams_of(machine, list);

	for (size_t i = 0; i < n; i++)
		if (list[i].dir == dir && strcmp(list[i].host, "running") == 0)
			return true;
	return false;
}

static double ms(uint64_t ns)
{
	return ns == VMSND_NEVER ? 0.0 : (double)ns / 1e6;
}

static void stream_line(FILE *to, const struct vmsnd_stream_status *stream)
{
	const struct vmsnd_format *host = &stream->host_format;

	fprintf(to,
		"figures direction=%s output=%u backend=%s frames_in=%" PRIu64
		" frames_out=%" PRIu64 " silence=%" PRIu64 " dropped=%" PRIu64 " xruns=%" PRIu64
		" xrun_frames=%" PRIu64,
		way(stream->dir), stream->output, stream->backend, stream->frames_in,
		stream->frames_out, stream->silence_frames, stream->dropped_frames, stream->xruns,
		stream->xrun_frames);
	fprintf(to, " opens=%" PRIu64 " losses=%" PRIu64 " exact=%d host_format=%s/%u/%u",
		stream->opens, stream->losses, stream->exact,
		host->rate_hz ? vmsnd_sample_name(host->sample) : "none", host->rate_hz,
		host->channels);
	fprintf(to, " latency_ms=%.3f latency_min_ms=%.3f latency_max_ms=%.3f drift_ppm=%.1f\n",
		ms(stream->latency_ns), ms(stream->latency_min_ns), ms(stream->latency_max_ns),
		stream->drift_ppm);
}

void signal_figures(FILE *to, const struct vmsnd_machine *machine)
{
	struct vmsnd_stream_status list[SIGNAL_STREAMS_MAX];
	size_t n = streams_of(machine, list);

	for (size_t i = 0; i < n; i++)
		stream_line(to, &list[i]);
}

/* Of output 0; 0 while there is none. */
static struct vmsnd_stream_status first(const struct vmsnd_machine *machine, enum vmsnd_dir dir)
{
	struct vmsnd_stream_status list[SIGNAL_STREAMS_MAX];
	const struct vmsnd_stream_status none = {.dir = dir, .latency_min_ns = VMSND_NEVER};
	size_t n = streams_of(machine, list);

	for (size_t i = 0; i < n; i++)
		if (list[i].dir == dir && list[i].output == 0)
			return list[i];
	return none;
}

/* How long the stream has run by the clock and by its frames. */
static void time_words(FILE *to, const struct signal_done *done, uint32_t rate_hz)
{
	fprintf(to, " wall_ms=%.1f guest_ms=%.1f\n",
		done->ended_at > done->began_at ? ms(done->ended_at - done->began_at) : 0.0,
		1e3 * (double)done->frames / rate_hz);
}

void signal_end_line(FILE *to, const struct signal_guest *guest,
		     const struct signal_options *options, const char *result)
{
	const struct vmsnd_stream_status play = first(guest->machine, VMSND_PLAYBACK),
					 record = first(guest->machine, VMSND_CAPTURE);
	const struct signal_done played = signal_guest_done(guest, VMSND_PLAYBACK),
				 recorded = signal_guest_done(guest, VMSND_CAPTURE);
	const struct vmsnd_stream_status *of = options->plays ? &play : &record;

	fprintf(to,
		"end result=%s played=%" PRIu64 " recorded=%" PRIu64 " lead=%" PRIu64
		" failed=%" PRIu64,
		result, played.frames, guest->sound->recorded, guest->sound->silent,
		played.failed + recorded.failed);
	fprintf(to,
		" underruns=%" PRIu64 " underrun_frames=%" PRIu64 " overruns=%" PRIu64
		" overrun_frames=%" PRIu64 " silence=%" PRIu64,
		play.xruns, play.xrun_frames, record.xruns, record.xrun_frames, of->silence_frames);
	fprintf(to, " opens=%" PRIu64 " losses=%" PRIu64 " exact=%d hiccups=%" PRIu64, of->opens,
		of->losses, of->exact, vmsnd_machine_status(guest->machine).hiccups);
	fprintf(to, " latency_ms=%.3f latency_min_ms=%.3f latency_max_ms=%.3f", ms(of->latency_ns),
		ms(of->latency_min_ns), ms(of->latency_max_ns));
	time_words(to, options->plays ? &played : &recorded, options->rate_hz);
}
