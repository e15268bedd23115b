/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring pointers as ALSA keeps them, and an application that sleeps until a period has gone by. */
#include "guests/ac97_player.h"

#include <string.h>

#include "guests/ac97_parts.h"

void vmsnd_ac97_player_init(struct vmsnd_ac97_player *player, struct vmsnd_ac97_guest *guest,
			    const struct vmsnd_ac97_player_conf *conf)
{
	memset(player, 0, sizeof(*player));
	player->guest = guest;
	player->conf = *conf;
}

static struct vmsnd_ac97_guest_stream *stream_of(const struct vmsnd_ac97_player *player)
{
	return &player->guest->streams[player->conf.stream];
}

static bool captures(const struct vmsnd_ac97_player *player)
{
	return ac97_guest_engine(player->conf.stream)->dir == VMSND_CAPTURE;
}

static uint64_t buffer_frames(const struct vmsnd_ac97_player *player)
{
	return (uint64_t)player->conf.params.period_frames * player->conf.params.periods;
}

static vmsnd_ns now_of(const struct vmsnd_ac97_player *player)
{
	const struct vmsnd_guest_host *host = &player->guest->conf.pci.host;

	return host->now(host->ctx);
}

/* Where the application's next frame lies. Periods never cross the buffer's end. */
static uint8_t *place(const struct vmsnd_ac97_player *player)
{
	uint64_t at = player->application % buffer_frames(player);

	return stream_of(player)->buffer + at * stream_of(player)->frame_bytes;
}

/* ---- the application ----------------------------------------------------------------- */

static uint32_t next_frames(const struct vmsnd_ac97_player *player)
{
	uint64_t left = player->conf.frames - player->frames_in;
	uint32_t period_frames = player->conf.params.period_frames;

	return left < period_frames ? (uint32_t)left : period_frames;
}

/* A period into the buffer, the last one with silence up to its end. */
static void write_period(struct vmsnd_ac97_player *player)
{
	uint32_t period_frames = player->conf.params.period_frames, frames = next_frames(player);
	uint32_t frame_bytes = stream_of(player)->frame_bytes;
	uint8_t *to = place(player);

	if (frames > 0)
		frames = player->conf.read(player->conf.ctx, to, frames);
	player->ended = frames < period_frames || player->frames_in + frames == player->conf.frames;
	if (frames == 0)
		return;
	memset(to + (size_t)frames * frame_bytes, 0,
	       (size_t)(period_frames - frames) * frame_bytes);
	player->frames_in += frames;
	player->application += period_frames;
}

static void read_period(struct vmsnd_ac97_player *player)
{
	uint32_t frames = next_frames(player);

	player->conf.write(player->conf.ctx, place(player), frames);
	player->frames_in += frames;
	player->frames_completed += frames;
	player->application += player->conf.params.period_frames;
	player->ended = player->frames_in == player->conf.frames;
}

static void play_on(struct vmsnd_ac97_player *player)
{
	uint64_t room = buffer_frames(player) - player->conf.params.period_frames;

	while (!player->ended && player->application - player->card <= room)
		write_period(player);
}

static void record_on(struct vmsnd_ac97_player *player)
{
	while (!player->ended &&
	       player->card >= player->application + player->conf.params.period_frames)
		read_period(player);
}

/* ---- states -------------------------------------------------------------------------- */

static void fail(struct vmsnd_ac97_player *player, enum vmsnd_rc rc)
{
	player->rc = rc;
	player->state = VMSND_AC97_PLAYER_FAILED;
}

static void finish(struct vmsnd_ac97_player *player)
{
	enum vmsnd_rc rc = vmsnd_ac97_guest_stop(player->guest, player->conf.stream);

	player->ended_at = now_of(player);
	player->state = VMSND_AC97_PLAYER_DONE;
	if (rc)
		fail(player, rc);
}

static void prepare(struct vmsnd_ac97_player *player)
{
	enum vmsnd_rc rc =
	    vmsnd_ac97_guest_prepare(player->guest, player->conf.stream, &player->conf.params);

	if (rc) {
		fail(player, rc);
		return;
	}
	player->card = player->application = player->elapsed = 0;
	if (!captures(player))
		play_on(player);
	player->state = VMSND_AC97_PLAYER_RUN;
	if (!player->starts++)
		player->started_at = now_of(player);
	vmsnd_ac97_guest_start(player->guest, player->conf.stream);
}

/* As ALSA does: what is behind where it was has gone round. */
static void look(struct vmsnd_ac97_player *player)
{
	uint64_t buffer = buffer_frames(player);
	uint64_t at = player->card - player->card % buffer +
		      vmsnd_ac97_guest_pointer(player->guest, player->conf.stream);

	player->card = at < player->card ? at + buffer : at;
}

static bool xrun(const struct vmsnd_ac97_player *player)
{
	if (captures(player))
		return player->card > player->application + buffer_frames(player);
	return player->card >= player->application;
}

static void recover(struct vmsnd_ac97_player *player)
{
	enum vmsnd_rc rc = vmsnd_ac97_guest_stop(player->guest, player->conf.stream);

	player->xruns++;
	player->state = VMSND_AC97_PLAYER_PREPARE;
	if (rc)
		fail(player, rc);
}

static void count_played(struct vmsnd_ac97_player *player)
{
	uint64_t ahead =
	    player->application > player->card ? player->application - player->card : 0;

	player->frames_completed = player->frames_in > ahead ? player->frames_in - ahead : 0;
}

static void period_gone_by(struct vmsnd_ac97_player *player)
{
	look(player);
	if (!captures(player))
		count_played(player);
	if (!captures(player) && player->ended) {
		if (xrun(player))
			finish(player);
		return;
	}
	if (xrun(player)) {
		recover(player);
		return;
	}
	if (captures(player))
		record_on(player);
	else
		play_on(player);
	if (captures(player) && player->ended)
		finish(player);
}

bool vmsnd_ac97_player_step(struct vmsnd_ac97_player *player)
{
	if (player->state == VMSND_AC97_PLAYER_PREPARE)
		prepare(player);
	if (player->state == VMSND_AC97_PLAYER_RUN &&
	    stream_of(player)->elapsed != player->elapsed) {
		player->elapsed = stream_of(player)->elapsed;
		period_gone_by(player);
	}
	return player->state < VMSND_AC97_PLAYER_DONE;
}

void vmsnd_ac97_player_abort(struct vmsnd_ac97_player *player)
{
	if (player->state == VMSND_AC97_PLAYER_RUN)
		finish(player);
	player->state = VMSND_AC97_PLAYER_DONE;
}
