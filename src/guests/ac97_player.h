/* SPDX-License-Identifier: BSD-3-Clause */
/* One stream of an AC'97 guest of ours from set-up to its end: the application, and ALSA between it
 * and the driver. The use of it and its callbacks are those of player.h:
 *
 *	vmsnd_ac97_player_init(&player, &guest, &conf);
 *	while (vmsnd_ac97_player_step(&player))
 *		...until the card may have interrupted...; vmsnd_ac97_guest_poll(&guest);
 *
 * Playback fills the buffer, starts, writes whenever a period has gone by, and at the end, with
 * silence up to the period's, stops at the interrupt after its last frame. What the card plays
 * between that interrupt and the stop is what the buffer held before: 1 frame to a period. */
#ifndef VMSND_GUESTS_AC97_PLAYER_H
#define VMSND_GUESTS_AC97_PLAYER_H

#include "guests/ac97_guest.h"

struct vmsnd_ac97_player_conf {
	unsigned stream; /* enum vmsnd_ac97_stream_id */
	struct vmsnd_guest_params params;
	uint64_t frames; /* how many in all; UINT64_MAX: until vmsnd_ac97_player_abort */
	void *ctx;
	/* Playback: puts at most `frames` frames at `to` and returns how many; fewer: that is all.
	 */
	uint32_t (*read)(void *ctx, void *to, uint32_t frames);
	/* Capture: takes `frames` frames. */
	void (*write)(void *ctx, const void *sound, uint32_t frames);
};

enum vmsnd_ac97_player_state {
	VMSND_AC97_PLAYER_PREPARE,
	VMSND_AC97_PLAYER_RUN,
	VMSND_AC97_PLAYER_DONE,
	VMSND_AC97_PLAYER_FAILED
};

struct vmsnd_ac97_player {
	struct vmsnd_ac97_guest *guest;
	struct vmsnd_ac97_player_conf conf;
	enum vmsnd_ac97_player_state state;
	enum vmsnd_rc rc; /* why it FAILED */
	bool ended;       /* nothing follows what was written */
	uint64_t elapsed; /* as last looked at */
	/* ALSA's pointers, in frames since the last start: the card's, the application's. */
	uint64_t card, application;

	uint64_t frames_in;        /* playback: handed over; capture: as frames_completed */
	uint64_t frames_completed; /* played, or recorded */
	uint64_t xruns, starts;
	vmsnd_ns started_at, ended_at;
};

void vmsnd_ac97_player_init(struct vmsnd_ac97_player *player, struct vmsnd_ac97_guest *guest,
			    const struct vmsnd_ac97_player_conf *conf);
/* Goes as far as it can without waiting. False once DONE or FAILED. */
bool vmsnd_ac97_player_step(struct vmsnd_ac97_player *player);
/* Stops where it is. */
void vmsnd_ac97_player_abort(struct vmsnd_ac97_player *player);

#endif
