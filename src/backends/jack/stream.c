/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: a port for each channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/jack/host.h"

/* ---- what it becomes ---- */

/* As many channels as are wanted, unless there are fewer ports to connect: what has nowhere to go
 * would not be heard, so it is for the connector to mix. */
static struct vmsnd_format nearest(struct vmsnd_backend *host, const struct vmsnd_stream_want *want)
{
	const char *targets[VMSND_CHANNELS_MAX], **list;
	unsigned n = vmsnd_jack_targets(host, want->dir, targets, VMSND_CHANNELS_MAX, &list);
	struct vmsnd_format format = want->format;

	jack_free(list);
	format.sample = VMSND_SAMPLE_FLOAT;
	format.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	format.rate_hz = jack_get_sample_rate(host->client);
	if (n > 0 && n < format.channels) {
		format.channels = n;
		memset(format.positions, 0, sizeof(format.positions));
	}
	return format;
}

/* ---- ports ---- */

static bool number_is_free(struct vmsnd_backend *host, enum vmsnd_dir dir, unsigned number)
{
	for (unsigned i = 0; i < VMSND_JACK_STREAMS_MAX; i++) {
		struct vmsnd_stream *other = atomic_load(&host->slots[i]);

		if (other && other->dir == dir && other->number == number)
			return false;
	}
	return true;
}

static bool position_is_first(const struct vmsnd_format *format, uint32_t channel)
{
	enum vmsnd_position position = vmsnd_format_position(format, channel);

	if (position == VMSND_POSITION_NONE || position == VMSND_POSITION_OTHER)
		return false;
	for (uint32_t i = 0; i < channel; i++)
		if (vmsnd_format_position(format, i) == position)
			return false;
	return true;
}

/* "output_FL", "input2_FR"; a number from 1 on where no position says more. */
static void port_name(const struct vmsnd_stream *stream, const struct vmsnd_format *format,
		      uint32_t channel, char *out, size_t bytes)
{
	const char *base = stream->dir == VMSND_PLAYBACK ? "output" : "input";
	char number[12] = "", place[12];

	if (stream->number > 1)
		snprintf(number, sizeof(number), "%u", stream->number);
	snprintf(place, sizeof(place), "%u", channel + 1);
	if (position_is_first(format, channel))
		snprintf(place, sizeof(place), "%s",
			 vmsnd_position_name(vmsnd_format_position(format, channel)));
	snprintf(out, bytes, "%s%s_%s", base, number, place);
}

void vmsnd_jack_unregister(struct vmsnd_stream *stream)
{
	for (uint32_t i = 0; i < stream->channels; i++)
		if (stream->ports[i])
			jack_port_unregister(stream->host->client, stream->ports[i]);
}

static enum vmsnd_rc register_ports(struct vmsnd_stream *stream, const struct vmsnd_format *format)
{
	unsigned long flags = stream->dir == VMSND_PLAYBACK ? JackPortIsOutput : JackPortIsInput;
	char name[64];

	for (uint32_t i = 0; i < stream->channels; i++) {
		port_name(stream, format, i, name, sizeof(name));
		stream->ports[i] =
		    jack_port_register(stream->host->client, name, JACK_DEFAULT_AUDIO_TYPE,
				       flags | JackPortIsTerminal, 0);
		if (!stream->ports[i]) {
			vmsnd_jack_unregister(stream);
			return VMSND_E_LIMIT;
		}
	}
	return VMSND_OK;
}

/* ---- open ---- */

static enum vmsnd_rc make(struct vmsnd_backend *host, enum vmsnd_dir dir,
			  const struct vmsnd_stream_got *got, struct vmsnd_stream **out)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	stream->host = host;
	stream->dir = dir;
	stream->quiet = true;
	stream->channels = got->format.channels;
	stream->max_frames = got->max_frames;
	stream->rate_hz = got->format.rate_hz;
	stream->samples = calloc((size_t)got->max_frames * stream->channels, sizeof(float));
	*out = stream;
	if (stream->samples)
		return VMSND_OK;
	free(stream);
	return VMSND_E_NOMEM;
}

static void release(struct vmsnd_stream *stream)
{
	free(stream->samples);
	free(stream);
}

static bool take_slot(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	stream->number = 1;
	while (!number_is_free(host, stream->dir, stream->number))
		stream->number++;
	while (stream->slot < VMSND_JACK_STREAMS_MAX && atomic_load(&host->slots[stream->slot]))
		stream->slot++;
	return stream->slot < VMSND_JACK_STREAMS_MAX;
}

void vmsnd_jack_slot_leave(struct vmsnd_stream *stream)
{
	struct vmsnd_stream *own = stream;

	atomic_compare_exchange_strong(&stream->host->slots[stream->slot], &own, NULL);
}

/* Links can only be made once the client is active; it is so from the first stream on. */
static enum vmsnd_rc enter(struct vmsnd_stream *stream, const struct vmsnd_format *format)
{
	struct vmsnd_backend *host = stream->host;
	enum vmsnd_rc rc = take_slot(stream) ? register_ports(stream, format) : VMSND_E_LIMIT;

	if (rc)
		return rc;
	if (host->open_streams == 0 && jack_activate(host->client)) {
		vmsnd_jack_unregister(stream);
		return VMSND_E_SYSTEM;
	}
	host->open_streams++;
	stream->client = host->clients;
	stream->xruns_before = atomic_load(&host->xruns);
	atomic_store(&host->slots[stream->slot], stream);
	vmsnd_jack_link(stream);
	vmsnd_jack_look_at_latency(stream);
	vmsnd_jack_look_at_place(stream);
	return VMSND_OK;
}

/* A server that dies meanwhile is no failure of its own. */
static enum vmsnd_rc refused(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			     enum vmsnd_rc rc)
{
	if (atomic_load(&host->events) & VMSND_JACK_GONE)
		return VMSND_E_GONE;
	if (!want->again)
		vmsnd_logf(host->log, VMSND_LOG_WARNING,
			   "%s: JACK: server '%s' gives no ports for %u channels: %s; raise "
			   "jackd's --port-max, or play fewer streams",
			   host->card, vmsnd_jack_server_name(host), want->format.channels,
			   vmsnd_rc_text(rc));
	return rc;
}

static enum vmsnd_rc join_graph(struct vmsnd_stream *stream, const struct vmsnd_stream_want *want,
				const struct vmsnd_format *format)
{
	struct vmsnd_backend *host = stream->host;
	enum vmsnd_rc rc = enter(stream, format);

	if (rc == VMSND_OK)
		return rc;
	release(stream);
	return refused(host, want, rc);
}

static struct vmsnd_stream_got settle(struct vmsnd_backend *host,
				      const struct vmsnd_stream_want *want)
{
	uint32_t period_frames = jack_get_buffer_size(host->client);

	return (struct vmsnd_stream_got){.format = nearest(host, want),
					 .period_frames = period_frames,
					 .max_frames = period_frames};
}

enum vmsnd_rc vmsnd_jack_stream_open(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	enum vmsnd_rc rc = VMSND_E_GONE;

	if (vmsnd_sample_is_opaque(want->format.sample)) {
		if (!want->again)
			vmsnd_logf(host->log, VMSND_LOG_WARNING,
				   "%s: JACK: ports carry PCM, not %s", host->card,
				   vmsnd_sample_name(want->format.sample));
		return VMSND_E_UNSUPPORTED;
	}
	if (!vmsnd_jack_is_there(host) || !vmsnd_jack_enter(host))
		return VMSND_E_GONE;
	vmsnd_jack_dismiss(host); /* their ports' names are free again */
	if (host->client) {
		*got = settle(host, want);
		rc = make(host, want->dir, got, out);
	}
	if (rc == VMSND_OK) {
		(*out)->user = *user;
		(*out)->ctx = ctx;
		rc = join_graph(*out, want, &got->format);
	}
	pthread_mutex_unlock(&host->graph);
	if (rc)
		*out = NULL;
	return rc;
}

/* ---- on the lane ---- */

enum vmsnd_rc vmsnd_jack_stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (atomic_load(&stream->lost))
		return VMSND_E_GONE;
	if (!atomic_exchange(&stream->running, true))
		atomic_fetch_add(&stream->host->running[stream->dir], 1);
	return VMSND_OK;
}

void vmsnd_jack_stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!atomic_exchange(&stream->running, false))
		return;
	atomic_fetch_sub(&stream->host->running[stream->dir], 1);
	vmsnd_jack_wait_cycle(stream->host);
}

void vmsnd_jack_stream_place(const struct vmsnd_stream *stream, struct vmsnd_stream_place *out)
{
	struct vmsnd_backend *host = stream->host;

	pthread_mutex_lock(&host->lock);
	*out = stream->place;
	pthread_mutex_unlock(&host->lock);
	out->xruns = atomic_load(&host->xruns) - stream->xruns_before;
}

/* ---- close ---- */

/* Who listens to a port goes on with what it holds until the link is cut. A cycle is 340 ms at the
 * most; a server that hangs has none. */
static void wait_quiet(const struct vmsnd_stream *stream)
{
	const struct timespec nap = {.tv_nsec = 1000000};

	for (unsigned ms = 0; ms < 400 && !atomic_load(&stream->lost); ms++) {
		if (atomic_load_explicit(&stream->quiet, memory_order_acquire))
			return;
		nanosleep(&nap, NULL);
	}
}

/* Links are cut from the server's next cycle on, ports are gone at once: jackd 1.9 reads a port
 * that is gone and still linked until its stack is full. */
static void cut_links(struct vmsnd_stream *stream)
{
	for (uint32_t i = 0; i < stream->channels; i++)
		jack_port_disconnect(stream->host->client, stream->ports[i]);
	vmsnd_jack_wait_cycles(stream->host, 2);
}

/* The last one takes the client out of the server's cycle. */
static void leave_graph(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	if (!host->client || stream->client != host->clients)
		return;
	host->open_streams--;
	if (host->open_streams == 0) {
		jack_deactivate(host->client);
		atomic_store(&host->cycle, 0); /* its thread may have ended in the middle */
	} else {
		cut_links(stream);
	}
	vmsnd_jack_unregister(stream);
}

void vmsnd_jack_stream_free(struct vmsnd_stream *stream)
{
	leave_graph(stream);
	release(stream);
}

void vmsnd_jack_stream_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	vmsnd_jack_stream_stop(stream, 0);
	wait_quiet(stream);
	pthread_mutex_lock(&host->lock);
	stream->closed = true;
	pthread_mutex_unlock(&host->lock);
	vmsnd_jack_slot_leave(stream);
	vmsnd_jack_wait_cycle(host);
	vmsnd_jack_leave(stream);
}
