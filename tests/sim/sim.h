/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine with in-process guests in a world whose time is a number.
 *
 * Guests look at their queues only after an interrupt, as a kernel does, so a completion
 * whose interrupt is missing leaves a test stuck, and a stuck world fails it. */
#ifndef VMSND_TESTS_SIM_H
#define VMSND_TESTS_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "guests/mmio.h"
#include "guests/player.h"
#include "vmsnd/machine.h"

#define SIM_CARDS_MAX 128u
#define MS            UINT64_C(1000000)
#define SECOND        VMSND_NS_PER_SECOND

struct sim_card {
	struct vmsnd_guest guest;
	void *memory;
	/* Through registers only. */
	struct vmsnd_mmio_bus registers;
	struct vmsnd_guest_mmio driver;
	struct sim *sim;
	unsigned number;
	bool line; /* as the interrupt callback has it */
};

struct sim {
	struct vmsnd_machine *machine;
	vmsnd_ns now;
	struct sim_card *cards[SIM_CARDS_MAX];
	unsigned n_cards;
	unsigned log_lines; /* warnings and errors */
	char log[256];      /* the last of them */
	char directory[128];
	uint32_t seed;
};

/* A world at a time that is nothing round, with a directory for files. */
void sim_open(struct sim *sim);
void sim_close(struct sim *sim);
/* "<directory>/<name>" in a static buffer each call overwrites in turn (of four). */
const char *sim_path(struct sim *sim, const char *name);

/* Whether guests reach their cards through the registers of virtio-mmio: the whole suite runs once
 * more so, by $VMSND_SIM_TRANSPORT. */
bool sim_over_mmio(void);
/* Adds a card and a guest that has opened it. `device` are the options behind
 * "virtio-snd,", may be "". The card's number. */
unsigned sim_add(struct sim *sim, const char *device, const char *backend);
unsigned sim_add_with(struct sim *sim, const char *device, const char *backend,
		      const struct vmsnd_guest_conf *wish);
/* "file,path=<directory>/<name>" and more, in a static buffer. */
const char *sim_file(struct sim *sim, const char *name, const char *more);

/* One counter of a card; the test fails when there is none of that name. */
uint64_t sim_counter(struct sim *sim, unsigned card, const char *name);

uint32_t sim_random(struct sim *sim, uint32_t below);
/* Brings machine and players to `to` in the order of deadlines; players may be NULL. */
void sim_run_until(struct sim *sim, struct vmsnd_guest_player *players, unsigned n, vmsnd_ns to);
/* The same until every player is done; fails when nothing is due any more, or after `at_most`
 * of virtual time, or when one failed. */
void sim_run(struct sim *sim, struct vmsnd_guest_player *players, unsigned n, vmsnd_ns at_most);
/* The same with steps of 0 .. max_step instead of deadlines. */
void sim_run_random(struct sim *sim, struct vmsnd_guest_player *player, vmsnd_ns max_step,
		    vmsnd_ns at_most);

/* ---- the signal: every frame tells its number, none is silent -------------------- */

struct sim_signal {
	struct vmsnd_format format;
	uint64_t at;   /* the next frame of it */
	uint64_t end;  /* read gives no frame from here on */
	uint32_t salt; /* signals of different salt differ */
	uint8_t *kept; /* capture: what was recorded */
	uint64_t kept_bytes, kept_room;
};

struct sim_signal sim_signal(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels);
uint32_t sim_frame_bytes(const struct vmsnd_format *format);
/* The player's callbacks; ctx is a struct sim_signal. */
uint32_t sim_signal_read(void *ctx, void *to, uint32_t frames);
void sim_signal_write(void *ctx, const void *sound, uint32_t frames);
/* One sample as a sound file gives it: left-justified in 32 bits; FLOAT: its bits. */
int32_t sim_signal_sample(const struct sim_signal *signal, uint64_t frame, uint32_t channel);

/* A player of `frames` frames of `signal`, `periods` periods of `period_frames`. */
struct vmsnd_guest_player sim_player(struct sim *sim, unsigned card, struct sim_signal *signal,
				     uint32_t period_frames, uint32_t periods);

/* The same that records into `into`. */
struct vmsnd_guest_player sim_recorder(struct sim *sim, unsigned card, struct sim_signal *into,
				       uint32_t period_frames, uint32_t periods);
/* The signal from its first frame on as a card writes it: bits that do not count are the sign's, or
 * zero. */
void sim_signal_plain(const struct sim_signal *signal, void *to, uint64_t frames);

/* ---- sound files ------------------------------------------------------------------ */

struct sim_sound {
	struct vmsnd_format format; /* sample: FLOAT, or S32 for any integer format */
	uint64_t frames;
	int32_t *samples;
	int32_t quiet; /* the most that is silence: A-law has no zero */
};

struct sim_sound sim_sound_load(const char *path);
void sim_sound_free(struct sim_sound *sound);
bool sim_sound_silent(const struct sim_sound *sound, uint64_t frame);
/* Frames of silence from `from` on. */
uint64_t sim_sound_silence(const struct sim_sound *sound, uint64_t from);
/* Asserts that `frames` frames of `signal` from `first` on lie at `at`. */
void sim_assert_signal(const struct sim_sound *sound, uint64_t at, const struct sim_signal *signal,
		       uint64_t first, uint64_t frames);
/* Asserts that the file is the first `frames` frames of `signal` from its first frame on, then
 * less than `tail` frames of silence. */
void sim_assert_file(const char *path, const struct sim_signal *signal, uint64_t frames,
		     uint64_t tail);
/* Writes `frames` frames of `signal` as a WAV of its format. */
void sim_sound_save(const char *path, const struct sim_signal *signal, uint64_t frames);

#endif
