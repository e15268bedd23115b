/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-latency: whatever clients of JACK play, as they give it to the server; what comes after
 * that is the server's word, the latency of the port it is said to play into. */
#include <jack/jack.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "latency.h"

/* The longest period that JACK knows. */
#define BLOCK_FRAMES 8192u

static struct {
	struct ages *ages;
	const char *device;
	jack_client_t *client;
	jack_port_t *in[2];
	_Atomic int64_t ahead_ns;
} self;

static int process(jack_nframes_t frames, void *ctx)
{
	const float *from[2] = {jack_port_get_buffer(self.in[0], frames),
				jack_port_get_buffer(self.in[1], frames)};
	static int16_t block[BLOCK_FRAMES][2];

	for (jack_nframes_t i = 0; i < frames && i < BLOCK_FRAMES; i++)
		for (unsigned c = 0; c < 2; c++)
			block[i][c] = (int16_t)lrintf(from[c][i] * 32768);
	ages_take_rt(self.ages, (const int16_t(*)[2])block, frames, self.ahead_ns);
	return 0;
}

static const char *open_it(struct ages *ages, const char *what)
{
	static const char *const names[2] = {"in_1", "in_2"};

	self.ages = ages;
	self.device = what;
	self.client = jack_client_open("hosts-latency", JackNoStartServer, NULL);
	if (!self.client)
		return "cannot connect";
	for (unsigned i = 0; i < 2; i++) {
		self.in[i] = jack_port_register(self.client, names[i], JACK_DEFAULT_AUDIO_TYPE,
						JackPortIsInput, 0);
		if (!self.in[i])
			return "no port";
	}
	jack_set_process_callback(self.client, process, NULL);
	return jack_activate(self.client) ? "cannot be activated" : NULL;
}

static void look_at_device(void)
{
	jack_port_t *port = jack_port_by_name(self.client, self.device);
	jack_latency_range_t range;

	if (!port)
		return;
	jack_port_get_latency_range(port, JackPlaybackLatency, &range);
	self.ahead_ns = (int64_t)range.max * 1000000000 / jack_get_sample_rate(self.client);
}

/* The first two ports of a client, which may come one by one. */
static void connect_ports(const char **names)
{
	unsigned n = 0;

	for (const char **name = names; *name && n < 2; name++) {
		if (strncmp(*name, "system:", 7) == 0)
			continue;
		if (!jack_port_connected_to(self.in[n], *name))
			jack_connect(self.client, *name, jack_port_name(self.in[n]));
		n++;
	}
}

static bool listens(void)
{
	const char **names =
	    jack_get_ports(self.client, NULL, JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput);

	look_at_device();
	if (names)
		connect_ports(names);
	jack_free(names);
	return true;
}

static void close_it(void)
{
	jack_client_close(self.client);
}

const struct listener listen_jack = {"jack", open_it, listens, close_it};
