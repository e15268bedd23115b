/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ports a stream's are connected to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/jack/host.h"

static unsigned long target_flags(enum vmsnd_dir dir)
{
	return dir == VMSND_PLAYBACK ? JackPortIsInput : JackPortIsOutput;
}

static bool is_of(const char *port, const char *client)
{
	size_t length = strlen(client);

	return strncmp(port, client, length) == 0 && port[length] == ':';
}

/* The device that was chosen; else the ports of the pattern; else those of the first device. */
unsigned vmsnd_jack_targets(struct vmsnd_backend *host, enum vmsnd_dir dir, const char **out,
			    unsigned max, const char ***list)
{
	const char *pattern = NULL, *own = jack_get_client_name(host->client);
	unsigned long flags = target_flags(dir);
	char client[VMSND_HOST_DEVICE_TEXT_BYTES];
	bool by_device = *host->device[dir] != '\0';
	unsigned n = 0;

	*list = NULL;
	snprintf(client, sizeof(client), "%s", host->device[dir]);
	if (!by_device && host->by_pattern[dir])
		pattern = host->pattern[dir];
	else if (!by_device)
		flags |= JackPortIsPhysical;
	*list = jack_get_ports(host->client, pattern, JACK_DEFAULT_AUDIO_TYPE, flags);
	for (unsigned i = 0; *list && (*list)[i] && n < max; i++) {
		const char *port = (*list)[i];

		if (is_of(port, own))
			continue;
		if (!pattern && !*client)
			vmsnd_jack_client_of(port, client, sizeof(client));
		if (pattern || is_of(port, client))
			out[n++] = port;
	}
	return n;
}

/* False: the port's client is not active yet, or the port has just gone. */
static bool join(struct vmsnd_stream *stream, uint32_t channel, const char *target)
{
	const char *own = jack_port_name(stream->ports[channel]);
	int rc;

	if (stream->dir == VMSND_PLAYBACK)
		rc = jack_connect(stream->host->client, own, target);
	else
		rc = jack_connect(stream->host->client, target, own);
	return rc == 0 || rc == EEXIST;
}

/* Port by port, in order; what has one channel is heard on two sides. */
void vmsnd_jack_link(struct vmsnd_stream *stream)
{
	const char *targets[VMSND_CHANNELS_MAX], **list;
	unsigned n =
	    vmsnd_jack_targets(stream->host, stream->dir, targets, VMSND_CHANNELS_MAX, &list);
	bool whole = n >= stream->channels;

	for (unsigned i = 0; i < n && i < stream->channels; i++)
		whole &= join(stream, i, targets[i]);
	if (stream->channels == 1 && n > 1 && stream->dir == VMSND_PLAYBACK)
		whole &= join(stream, 0, targets[1]);
	stream->linked = whole;
	jack_free(list);
}

static bool any_link(const struct vmsnd_stream *stream)
{
	for (uint32_t i = 0; i < stream->channels; i++)
		if (jack_port_connected(stream->ports[i]) > 0)
			return true;
	return false;
}

/* What somebody has moved elsewhere stays there, and what he has cut stays cut as long as the ports
 * that there are stay. One that goes may come back before we have looked. */
void vmsnd_jack_relink(struct vmsnd_stream *stream, bool some_went)
{
	const char *targets[VMSND_CHANNELS_MAX], **list;
	unsigned n =
	    vmsnd_jack_targets(stream->host, stream->dir, targets, VMSND_CHANNELS_MAX, &list);

	jack_free(list);
	if (n < stream->channels || (some_went && !any_link(stream)))
		stream->linked = false;
	if (n > 0 && !stream->linked)
		vmsnd_jack_link(stream);
}

void vmsnd_jack_look_at_latency(struct vmsnd_stream *stream)
{
	jack_latency_callback_mode_t mode =
	    stream->dir == VMSND_PLAYBACK ? JackPlaybackLatency : JackCaptureLatency;
	uint32_t most = 0;

	for (uint32_t i = 0; i < stream->channels; i++) {
		jack_latency_range_t range = {0};

		jack_port_get_latency_range(stream->ports[i], mode, &range);
		if (range.max > most)
			most = range.max;
	}
	/* Nobody is ten seconds away. */
	if (most > 10 * stream->rate_hz)
		most = 0;
	atomic_store_explicit(&stream->latency_frames, most, memory_order_relaxed);
}

/* The client at the far end of its first link is the device, the ports are its name. */
void vmsnd_jack_look_at_place(struct vmsnd_stream *stream)
{
	struct vmsnd_stream_place place = {.device = ""};
	size_t at = 0;

	for (uint32_t i = 0; i < stream->channels; i++) {
		const char **far =
		    jack_port_get_all_connections(stream->host->client, stream->ports[i]);

		for (unsigned k = 0; far && far[k]; k++) {
			int n = snprintf(place.name + at, sizeof(place.name) - at, "%s%s",
					 at ? ", " : "", far[k]);

			at += n > 0 ? (size_t)n : 0;
			if (at >= sizeof(place.name))
				at = sizeof(place.name) - 1;
			if (!*place.device)
				vmsnd_jack_client_of(far[k], place.device, sizeof(place.device));
		}
		jack_free(far);
	}
	pthread_mutex_lock(&stream->host->lock);
	stream->place = place;
	pthread_mutex_unlock(&stream->host->lock);
}
