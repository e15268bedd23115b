/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream from set-up to release, as a small state machine. */
#include "guests/player.h"

#include <string.h>

#include "guests/parts.h"

/* What a state asks of the card and where its answer leads. No code: no request. */
struct request_row {
	const char *text;
	uint32_t code;
	enum vmsnd_guest_player_state next;
};

static const struct request_row rows[] = {
    [VMSND_GUEST_PLAYER_PARAMS] = {"SET_PARAMS", VIRTIO_SND_R_PCM_SET_PARAMS,
				   VMSND_GUEST_PLAYER_PREPARE},
    [VMSND_GUEST_PLAYER_PREPARE] = {"PREPARE", VIRTIO_SND_R_PCM_PREPARE, VMSND_GUEST_PLAYER_FILL},
    [VMSND_GUEST_PLAYER_FILL] = {"filling", 0, VMSND_GUEST_PLAYER_START},
    [VMSND_GUEST_PLAYER_START] = {"START", VIRTIO_SND_R_PCM_START, VMSND_GUEST_PLAYER_RUN},
    [VMSND_GUEST_PLAYER_RUN] = {"running", 0, VMSND_GUEST_PLAYER_STOP},
    [VMSND_GUEST_PLAYER_STOP] = {"STOP", VIRTIO_SND_R_PCM_STOP, VMSND_GUEST_PLAYER_RELEASE},
    [VMSND_GUEST_PLAYER_RELEASE] = {"RELEASE", VIRTIO_SND_R_PCM_RELEASE, VMSND_GUEST_PLAYER_DONE},
    [VMSND_GUEST_PLAYER_DONE] = {"done", 0, VMSND_GUEST_PLAYER_DONE},
    [VMSND_GUEST_PLAYER_FAILED] = {"failed", 0, VMSND_GUEST_PLAYER_FAILED},
};

void vmsnd_guest_player_init(struct vmsnd_guest_player *player, struct vmsnd_guest *guest,
			     const struct vmsnd_guest_player_conf *conf)
{
	memset(player, 0, sizeof(*player));
	player->guest = guest;
	player->conf = *conf;
	player->ticket = -1;
}

static struct vmsnd_guest_stream *stream_of(const struct vmsnd_guest_player *player)
{
	return &player->guest->streams[player->conf.stream];
}

static bool captures(const struct vmsnd_guest_player *player)
{
	return stream_of(player)->info.direction == VIRTIO_SND_D_INPUT;
}

/* ---- messages ---------------------------------------------------------------------- */

static uint32_t next_frames(const struct vmsnd_guest_player *player)
{
	uint64_t left = player->conf.frames - player->frames_in;
	uint32_t period_frames = player->conf.params.period_frames;

	if (player->ending)
		return 0;
	return left < period_frames ? (uint32_t)left : period_frames;
}

static bool post_one(struct vmsnd_guest_player *player)
{
	struct vmsnd_guest *guest = player->guest;
	unsigned stream = player->conf.stream;
	uint32_t frame_bytes = stream_of(player)->frame_bytes;
	uint32_t frames = next_frames(player);
	enum vmsnd_rc rc;
	void *to;

	if (frames == 0 || vmsnd_guest_room(guest, stream) == 0)
		return false;
	if (captures(player)) {
		rc = vmsnd_guest_record(guest, stream, frames * frame_bytes);
	} else {
		to = vmsnd_guest_play_at(guest, stream);
		frames = player->conf.read(player->conf.ctx, to, frames);
		rc = frames ? vmsnd_guest_play(guest, stream, to, frames * frame_bytes)
			    : VMSND_E_NOMEM;
	}
	if (rc)
		return false;
	player->frames_in += frames;
	return true;
}

static void post_all(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	bool posted = false;

	while (post_one(player))
		posted = true;
	if (posted)
		vmsnd_guest_kick(player->guest, player->conf.stream, now);
}

static void count(struct vmsnd_guest_player *player, const struct vmsnd_guest_done *done)
{
	uint32_t frame_bytes = stream_of(player)->frame_bytes;

	player->ended_at = done->at;
	if (done->status != VIRTIO_SND_S_OK) {
		player->messages_failed++;
		return;
	}
	player->messages_ok++;
	player->frames_completed += done->bytes / frame_bytes;
	player->latency_frames = done->latency_bytes / frame_bytes;
	if (player->latency_frames > player->latency_frames_max)
		player->latency_frames_max = player->latency_frames;
}

static void take_all(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	struct vmsnd_guest_done done;
	uint32_t frame_bytes = stream_of(player)->frame_bytes;

	vmsnd_guest_poll(player->guest, now);
	while (vmsnd_guest_take(player->guest, player->conf.stream, &done)) {
		count(player, &done);
		if (captures(player) && done.bytes >= frame_bytes && player->conf.write)
			player->conf.write(player->conf.ctx, done.sound, done.bytes / frame_bytes);
		if (player->conf.done)
			player->conf.done(player->conf.ctx, &done);
	}
}

/* ---- states ------------------------------------------------------------------------ */

static void submit(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	unsigned stream = player->conf.stream;
	uint32_t code = rows[player->state].code;

	if (code == VIRTIO_SND_R_PCM_SET_PARAMS)
		player->ticket =
		    vmsnd_guest_submit_params(player->guest, stream, &player->conf.params, now);
	else
		player->ticket = vmsnd_guest_submit_pcm(player->guest, code, stream, now);
	if (player->ticket < 0)
		player->status = VIRTIO_SND_S_NOT_SUPP;
}

/* True when the state's request has been answered, well or not. */
static bool answered(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	if (player->ticket < 0)
		submit(player, now);
	if (player->ticket < 0)
		return true;
	player->status = vmsnd_guest_collect(player->guest, player->ticket, now).status;
	return player->status != 0;
}

static bool request_step(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	if (!answered(player, now))
		return false;
	player->ticket = -1;
	if (player->status != VIRTIO_SND_S_OK) {
		player->state = VMSND_GUEST_PLAYER_FAILED;
		return true;
	}
	if (player->state == VMSND_GUEST_PLAYER_START)
		player->started_at = now;
	player->state = rows[player->state].next;
	return true;
}

static bool run_step(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	take_all(player, now);
	post_all(player, now);
	if (next_frames(player) > 0 || vmsnd_guest_posted(player->guest, player->conf.stream) > 0)
		return false;
	player->state = VMSND_GUEST_PLAYER_STOP;
	return true;
}

/* True when the state changed, so that the next one may have something to do at once. */
static bool step(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	if (player->state >= VMSND_GUEST_PLAYER_DONE)
		return false;
	if (player->state == VMSND_GUEST_PLAYER_FILL) {
		post_all(player, now);
		player->state = VMSND_GUEST_PLAYER_START;
		return true;
	}
	if (player->state == VMSND_GUEST_PLAYER_RUN)
		return run_step(player, now);
	return request_step(player, now);
}

bool vmsnd_guest_player_step(struct vmsnd_guest_player *player, vmsnd_ns now)
{
	while (step(player, now))
		;
	/* What a STOP or RELEASE gave back counts too. */
	if (player->state > VMSND_GUEST_PLAYER_RUN)
		take_all(player, now);
	return player->state < VMSND_GUEST_PLAYER_DONE;
}

void vmsnd_guest_player_abort(struct vmsnd_guest_player *player)
{
	player->ending = true;
	if (player->state == VMSND_GUEST_PLAYER_RUN)
		player->state = VMSND_GUEST_PLAYER_STOP;
}

const char *vmsnd_guest_player_state_text(enum vmsnd_guest_player_state state)
{
	return (unsigned)state <= VMSND_GUEST_PLAYER_FAILED ? rows[state].text : "?";
}
