/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a stream: parameters and the commands that move it from state to state.
 *
 * A command the state does not allow is answered NOT_SUPP, as crosvm does: the request itself
 * is well formed, so it is not BAD_MSG. */
#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* What a request that may open or close a host stream takes of the control budget (control.c). */
#define HOST_COST 128u

#define IN(state) (1u << SND_STATE_##state)

/* V59. The second mask holds when the stream has no message out: Linux sends no RELEASE then,
 * as it takes the absence of messages for a stream released (its sync_stop), and goes on with
 * PREPARE or SET_PARAMS after STOP. */
struct allowed {
	unsigned states, states_when_empty;
};

static const struct allowed set_params_allowed = {IN(IDLE) | IN(SET) | IN(PREPARED), IN(STOPPED)};

static bool allows(struct vmsnd_snd *snd, const struct snd_stream *stream,
		   const struct allowed *allowed)
{
	unsigned now_in = 1u << stream->state;

	if (allowed->states & now_in)
		return true;
	return stream->n_pending == 0 && (allowed->states_when_empty & now_in);
}

static struct snd_stream *stream_of(struct vmsnd_snd *snd, const struct virtio_snd_pcm_hdr *hdr)
{
	return hdr->stream_id < snd->plan.n_streams ? &snd->streams[hdr->stream_id] : NULL;
}

/* What the driver posted before a command belongs to the state before it. A stream that is
 * not prepared takes no messages, so there is no need to look. */
static void take_posted(struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	if (stream->state >= SND_STATE_PREPARED)
		snd->control_cost += snd_messages_pop_waiting(snd, stream->dir);
}

/* Kicks are asked for again, or no longer, as a polled stream comes and goes (rings.c). */
static void look_again(struct vmsnd_snd *snd, const struct snd_stream *stream)
{
	if (stream->features & SND_POLLING)
		snd_data_queue(snd, stream->dir)->more = true;
}

bool snd_stream_sync(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now)
{
	struct snd_queue *queue = snd_data_queue(snd, stream->dir);
	bool run = stream->state == SND_STATE_RUNNING && snd_queue_live(queue);

	if (run == stream->port_runs)
		return true;
	/* The next advance gives back what was done till now, and turns kicks on or off. */
	queue->more = true;
	stream->port_runs = run;
	if (!run) {
		vmsnd_port_stop(stream->port, now);
		return true;
	}
	snd_events_stream_begins(stream);
	stream->port_runs = vmsnd_port_start(stream->port, now) == VMSND_OK;
	snd->counters.host_failures += !stream->port_runs;
	return stream->port_runs;
}

void snd_stream_reset(struct snd_stream *stream, vmsnd_ns now)
{
	if (stream->state >= SND_STATE_PREPARED)
		vmsnd_port_release(stream->port, now);
	*stream = (struct snd_stream){
	    .port = stream->port,
	    .dir = stream->dir,
	    .first = SND_NO_MESSAGE,
	    .last = SND_NO_MESSAGE,
	    .copying = SND_NO_MESSAGE,
	};
}

/* V50-V56. OK, or the status that says what is wrong. */
static uint32_t params_of(const struct vmsnd_snd *snd,
			  const struct virtio_snd_pcm_set_params *request,
			  struct vmsnd_stream_params *params, struct snd_stream *into)
{
	const struct snd_stream_plan *plan = &snd->plan.streams[request->hdr.stream_id];
	enum vmsnd_sample sample = snd_sample_of(request->format);
	uint32_t rate_hz = snd_rate_of(request->rate);

	/* Numbers first: what is none of ours may be beyond any bit (V52, V53). */
	if (sample == VMSND_SAMPLE_COUNT || rate_hz == 0 ||
	    !(plan->formats & snd_format_bit(sample)) || !(plan->rates & snd_rate_bit(rate_hz)) ||
	    (request->features & ~plan->features) != 0 || request->channels < plan->channels_min ||
	    request->channels > plan->channels_max)
		return VIRTIO_SND_S_NOT_SUPP;
	into->frame_bytes = vmsnd_sample_bytes(sample) * request->channels;
	if (request->period_bytes == 0 || request->buffer_bytes == 0 ||
	    request->buffer_bytes % request->period_bytes != 0 ||
	    request->period_bytes % into->frame_bytes != 0)
		return VIRTIO_SND_S_BAD_MSG;
	if (request->period_bytes / into->frame_bytes < rate_hz / SND_PERIODS_MAX_HZ)
		return VIRTIO_SND_S_NOT_SUPP;
	*params = (struct vmsnd_stream_params){
	    .format = {.sample = sample, .rate_hz = rate_hz, .channels = request->channels},
	    .buffer_frames = request->buffer_bytes / into->frame_bytes,
	    .period_frames = request->period_bytes / into->frame_bytes,
	};
	snd_positions(snd, request->hdr.stream_id, &params->format);
	return VIRTIO_SND_S_OK;
}

uint32_t snd_pcm_take_params(struct vmsnd_snd *snd, const void *request, vmsnd_ns now)
{
	const struct virtio_snd_pcm_set_params *wanted = request;
	struct snd_stream *stream = stream_of(snd, &wanted->hdr);
	struct vmsnd_stream_params params;
	struct snd_stream made = {0};
	uint32_t status;

	if (!stream)
		return VIRTIO_SND_S_BAD_MSG;
	take_posted(snd, stream);
	snd->control_cost += HOST_COST;
	if (!allows(snd, stream, &set_params_allowed)) {
		snd_fault(snd, VMSND_FAULT_STATE, wanted->hdr.hdr.code);
		return VIRTIO_SND_S_NOT_SUPP;
	}
	status = params_of(snd, wanted, &params, &made);
	if (status != VIRTIO_SND_S_OK)
		return status;
	/* The port's ring is the intermediate buffer: it must hold all of the guest's (V55). */
	if (!vmsnd_port_fits(stream->port, &params))
		return VIRTIO_SND_S_NOT_SUPP;
	look_again(snd, stream);
	/* V65: what the old parameters were given is freed. */
	snd_messages_flush(snd, stream, VIRTIO_SND_S_IO_ERR);
	snd_stream_reset(stream, now);
	stream->params = params;
	stream->frame_bytes = made.frame_bytes;
	stream->features = wanted->features;
	stream->state = SND_STATE_SET;
	vmsnd_port_hint(stream->port, &params, now);
	return VIRTIO_SND_S_OK;
}

static uint32_t prepare(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now)
{
	enum vmsnd_rc rc;

	snd->control_cost += HOST_COST;
	/* Prepared anew, nothing of before will be played. */
	snd_messages_flush(snd, stream, VIRTIO_SND_S_IO_ERR);
	stream->posted_frames = stream->copied_frames = 0;
	stream->kept_frames = 0;
	rc = vmsnd_port_prepare(stream->port, &stream->params, now);
	stream->state = rc == VMSND_OK ? SND_STATE_PREPARED : SND_STATE_SET;
	if (rc == VMSND_OK)
		return VIRTIO_SND_S_OK;
	snd->counters.host_failures++;
	return rc == VMSND_E_UNSUPPORTED ? VIRTIO_SND_S_NOT_SUPP : VIRTIO_SND_S_IO_ERR;
}

static uint32_t start(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now)
{
	enum snd_state before = stream->state;

	stream->state = SND_STATE_RUNNING;
	if (snd_stream_sync(snd, stream, now))
		return VIRTIO_SND_S_OK;
	stream->state = before;
	return VIRTIO_SND_S_IO_ERR;
}

/* V63: what is in the ring and in guest memory stays for the next START. */
static uint32_t stop(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now)
{
	stream->state = SND_STATE_STOPPED;
	snd_stream_sync(snd, stream, now);
	return VIRTIO_SND_S_OK;
}

/* V61, V62: all of the stream's messages first, the answer after them; the data queue is
 * published before the control queue (rings.c). */
static uint32_t release(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now)
{
	stream->state = SND_STATE_SET;
	snd_messages_flush(snd, stream, VIRTIO_SND_S_OK);
	snd_rings_bring_forward(snd, stream->dir);
	vmsnd_port_release(stream->port, now);
	return VIRTIO_SND_S_OK;
}

static const struct {
	struct allowed allowed;
	uint32_t (*act)(struct vmsnd_snd *snd, struct snd_stream *stream, vmsnd_ns now);
} commands[] = {
    [VIRTIO_SND_R_PCM_PREPARE - VIRTIO_SND_R_PCM_PREPARE] = {{IN(SET) | IN(PREPARED), IN(STOPPED)},
							     prepare},
    [VIRTIO_SND_R_PCM_RELEASE -
	VIRTIO_SND_R_PCM_PREPARE] = {{IN(PREPARED) | IN(STOPPED), 0}, release},
    [VIRTIO_SND_R_PCM_START - VIRTIO_SND_R_PCM_PREPARE] = {{IN(PREPARED) | IN(STOPPED), 0}, start},
    [VIRTIO_SND_R_PCM_STOP - VIRTIO_SND_R_PCM_PREPARE] = {{IN(RUNNING), 0}, stop},
};

uint32_t snd_pcm_command(struct vmsnd_snd *snd, const void *request, vmsnd_ns now)
{
	const struct virtio_snd_pcm_hdr *hdr = request;
	uint32_t row = hdr->hdr.code - VIRTIO_SND_R_PCM_PREPARE;
	struct snd_stream *stream = stream_of(snd, hdr);

	if (!stream)
		return VIRTIO_SND_S_BAD_MSG;
	take_posted(snd, stream);
	look_again(snd, stream);
	if (allows(snd, stream, &commands[row].allowed))
		return commands[row].act(snd, stream, now);
	snd_fault(snd, VMSND_FAULT_STATE, hdr->hdr.code);
	return VIRTIO_SND_S_NOT_SUPP;
}
