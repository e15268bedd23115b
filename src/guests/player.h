/* SPDX-License-Identifier: BSD-3-Clause */
/* One stream of a guest of ours from set-up to release: what an application with a kernel
 * below it would do. The whole of it is
 *
 *	vmsnd_guest_player_init(&player, &guest, &conf);
 *	while (vmsnd_guest_player_step(&player, now))
 *		now = ...until something may have come back...
 *
 * Playback fills the guest's buffer before START and waits for the last message before
 * STOP, as Linux does when an application drains. Capture lends all buffers before START. */
#ifndef VMSND_GUESTS_PLAYER_H
#define VMSND_GUESTS_PLAYER_H

#include "guests/virtio_snd_guest.h"

struct vmsnd_guest_player_conf {
	unsigned stream;
	struct vmsnd_guest_params params;
	uint64_t frames; /* how many in all; UINT64_MAX: until vmsnd_guest_player_abort */
	void *ctx;
	/* Playback: puts at most `frames` frames at `to` and returns how many; 0: none now. */
	uint32_t (*read)(void *ctx, void *to, uint32_t frames);
	/* Capture: takes `frames` frames. */
	void (*write)(void *ctx, const void *sound, uint32_t frames);
	/* Every message that came back; may be NULL. */
	void (*done)(void *ctx, const struct vmsnd_guest_done *message);
};

enum vmsnd_guest_player_state {
	VMSND_GUEST_PLAYER_PARAMS,
	VMSND_GUEST_PLAYER_PREPARE,
	VMSND_GUEST_PLAYER_FILL,
	VMSND_GUEST_PLAYER_START,
	VMSND_GUEST_PLAYER_RUN,
	VMSND_GUEST_PLAYER_STOP,
	VMSND_GUEST_PLAYER_RELEASE,
	VMSND_GUEST_PLAYER_DONE,
	VMSND_GUEST_PLAYER_FAILED
};

struct vmsnd_guest_player {
	struct vmsnd_guest *guest;
	struct vmsnd_guest_player_conf conf;
	enum vmsnd_guest_player_state state;
	int ticket;      /* of the request under way; -1: none */
	uint32_t status; /* of the last answer: says why, when FAILED */
	bool ending;

	uint64_t frames_in;        /* playback: handed over; capture: room lent */
	uint64_t frames_completed; /* given back with status OK; capture: recorded */
	uint64_t messages_ok, messages_failed;
	uint32_t latency_frames, latency_frames_max; /* as the card told it */
	vmsnd_ns started_at, ended_at;               /* START answered; last message came back */
};

void vmsnd_guest_player_init(struct vmsnd_guest_player *player, struct vmsnd_guest *guest,
			     const struct vmsnd_guest_player_conf *conf);
/* Goes as far as it can without waiting: sends requests, collects answers and messages,
 * posts what fits. False once DONE or FAILED. */
bool vmsnd_guest_player_step(struct vmsnd_guest_player *player, vmsnd_ns now);
/* No new messages; STOP and RELEASE at the next step, without waiting for those under way. */
void vmsnd_guest_player_abort(struct vmsnd_guest_player *player);
/* "PREPARE" and the like: what it is at, for a line of text. A constant string. */
const char *vmsnd_guest_player_state_text(enum vmsnd_guest_player_state state);

#endif
