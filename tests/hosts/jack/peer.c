/* SPDX-License-Identifier: BSD-3-Clause */
/* Another client of the server. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void hear(struct peer *peer, jack_nframes_t frames)
{
	const float *from[PEER_PORTS];
	float frame[PEER_PORTS];

	for (unsigned p = 0; p < peer->inputs; p++)
		from[p] = jack_port_get_buffer(peer->in[p], frames);
	for (jack_nframes_t i = 0; i < frames; i++) {
		for (unsigned p = 0; p < peer->inputs; p++)
			frame[p] = from[p][i];
		signal_hear(&peer->heard, frame, peer->inputs);
	}
}

static void play(struct peer *peer, jack_nframes_t frames)
{
	bool plays = atomic_load(&peer->plays);
	uint64_t at = atomic_load(&peer->played);

	for (unsigned p = 0; p < peer->outputs; p++) {
		float *to = jack_port_get_buffer(peer->out[p], frames);

		for (jack_nframes_t i = 0; i < frames; i++)
			to[i] = plays ? signal_sample(at + i, p) : 0;
	}
	if (plays)
		atomic_fetch_add(&peer->played, frames);
}

static int process(jack_nframes_t frames, void *arg)
{
	struct peer *peer = arg;

	if (peer->inputs)
		hear(peer, frames);
	if (peer->outputs)
		play(peer, frames);
	return 0;
}

/* As a card would: its ports are so far from the world. */
static void latency(jack_latency_callback_mode_t mode, void *arg)
{
	struct peer *peer = arg;
	jack_latency_range_t range = {(jack_nframes_t)peer->latency_frames,
				      (jack_nframes_t)peer->latency_frames};

	for (unsigned p = 0; mode == JackPlaybackLatency && p < peer->inputs; p++)
		jack_port_set_latency_range(peer->in[p], mode, &range);
	for (unsigned p = 0; mode == JackCaptureLatency && p < peer->outputs; p++)
		jack_port_set_latency_range(peer->out[p], mode, &range);
}

static int xrun(void *arg)
{
	struct peer *peer = arg;

	atomic_fetch_add(&peer->xruns, 1);
	return 0;
}

static jack_port_t *add(struct peer *peer, const char *base, unsigned n, unsigned long flags)
{
	char name[16];
	jack_port_t *port;

	snprintf(name, sizeof(name), "%s_%u", base, n + 1);
	port = jack_port_register(peer->client, name, JACK_DEFAULT_AUDIO_TYPE, flags, 0);
	assert_non_null(port);
	return port;
}

void peer_open(struct world *world, struct peer *peer, const char *name, unsigned inputs,
	       unsigned outputs)
{
	peer->client = jack_client_open(name, (jack_options_t)(JackNoStartServer | JackServerName),
					NULL, world->server);
	assert_non_null(peer->client);
	peer->inputs = inputs;
	peer->outputs = outputs;
	jack_set_process_callback(peer->client, process, peer);
	jack_set_xrun_callback(peer->client, xrun, peer);
	jack_set_latency_callback(peer->client, latency, peer);
	for (unsigned p = 0; p < inputs; p++)
		peer->in[p] = add(peer, "in", p, JackPortIsInput);
	for (unsigned p = 0; p < outputs; p++)
		peer->out[p] = add(peer, "out", p, JackPortIsOutput);
	assert_int_equal(jack_activate(peer->client), 0);
}

void peer_close(struct peer *peer)
{
	if (peer->client)
		jack_client_close(peer->client);
	memset(peer, 0, sizeof(*peer));
}
