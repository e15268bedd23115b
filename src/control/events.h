/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that look for events share. */
#ifndef VMSND_CONTROL_EVENTS_H
#define VMSND_CONTROL_EVENTS_H

#include "control/parts.h"

/* One stream on one output. */
struct vmsnd_seen_stream {
	uint32_t key;
	bool lost;
	bool has_volume; /* in the host's own mixer, as last seen: it stays while there is none */
	bool muted;
	int32_t gain_mdb;
};

#define VMSND_SEEN_JACKS_MAX 64u

struct vmsnd_seen_jack {
	bool connected;
	uint8_t want; /* enum vmsnd_jack_want */
};

struct vmsnd_seen_card {
	char *name;                             /* NULL: there is no such card */
	bool on[2];                             /* by direction */
	const char *backend[VMSND_OUTPUTS_MAX]; /* NULL: no such output */
	uint64_t device_changes[VMSND_OUTPUTS_MAX];
	uint64_t reattach[VMSND_OUTPUTS_MAX]; /* the one that is under way; 0: none */
	struct vmsnd_seen_stream *streams;
	size_t n_streams;
	struct vmsnd_seen_jack jacks[VMSND_SEEN_JACKS_MAX];
	struct vmsnd_mixer *mixers; /* by stream, playback and capture in turn */
	size_t n_mixers;
};

struct vmsnd_control_watch {
	struct vmsnd_control_watch_conf conf;
	struct vmsnd_seen_card *cards;
	unsigned n_cards, next;
	unsigned connected;
	enum vmsnd_machine_phase phase; /* never CHANGING */
};

/* events_card.c: tells what changed on a card that was there before, or only takes it for granted.
 */
void vmsnd_control_look_at_card(struct vmsnd_control_watch *watch, unsigned card, bool silent);

/* mixer.c: the same of its mixers. */
void vmsnd_control_look_at_mixers(struct vmsnd_control_watch *watch, unsigned card, bool silent);

/* jack.c: the same of its jacks. */
void vmsnd_control_look_at_jacks(struct vmsnd_control_watch *watch, unsigned card, bool silent);

/* events.c: {"card", "name"}, as seen last. */
json_t *vmsnd_control_about_card(const struct vmsnd_control_watch *watch, unsigned card);

#endif
