/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: what its files ask of each other. */
#ifndef VMSND_TESTS_HOSTS_SIGNAL_H
#define VMSND_TESTS_HOSTS_SIGNAL_H

#include <stdatomic.h>
#include <stdio.h>

#include "control/control.h"
#include "guests/ac97_player.h"
#include "guests/player.h"
#include "os/loop.h"
#include "os/wake.h"
#include "vmsnd/machine.h"

#define SIGNAL_BACKENDS_MAX VMSND_OUTPUTS_MAX
#define SIGNAL_MODULES_MAX  8u

struct signal_options {
	const char *device; /* NULL: virtio-snd, with what the signal needs */
	const char *name;
	const char *backends[SIGNAL_BACKENDS_MAX];
	unsigned n_backends;
	const char *control, *record;
	const struct format *format;
	uint32_t rate_hz, channels, period_frames, periods, seed, tail_ms, realtime;
	uint64_t frames; /* UINT64_MAX: until told to stop */
	bool plays, stamped;
};

/* The signal that is played, and the file that takes what is recorded. */
struct signal_sound {
	const struct signal_options *options;
	uint64_t at; /* the next frame to play */
	FILE *out;
	bool wav;
	uint64_t recorded; /* frames */
	uint64_t silent;   /* of these, before the first frame that is not silent */
	bool heard;
};

/* A guest with a driver of ours: one stream each way at most. */
struct signal_guest {
	struct vmsnd_machine *machine;
	struct signal_sound *sound;
	struct vmsnd_wake *wake; /* poked when the card interrupts */
	void *memory;
	bool ac97, has[2], line;
	struct vmsnd_guest virtio;
	struct vmsnd_guest_player player[2]; /* by enum vmsnd_dir */
	struct vmsnd_ac97_guest pci;
	struct vmsnd_ac97_player ac97_player[2];
};

/* What one stream of the guest has done. */
struct signal_done {
	uint64_t frames;   /* given back as played, or recorded */
	uint64_t failed;   /* messages given back with an error; AC'97: xruns in the guest */
	vmsnd_ns began_at; /* started by the card; 0: not yet */
	vmsnd_ns ended_at;
};

/* ---- signal_sound.c ---- */

/* Its sound can carry stamps (stamped.h). */
bool signal_stampable(const struct signal_options *options);
/* NULL for a name that is none. */
const struct format *signal_format(const char *name);
enum vmsnd_sample signal_sample_of(const struct format *format);
/* A player's read and write; ctx is the sound. */
uint32_t signal_read(void *ctx, void *to, uint32_t frames);
void signal_write(void *ctx, const void *sound, uint32_t frames);
/* False: the file cannot be written; errno says why. */
bool signal_sound_open(struct signal_sound *sound, const struct signal_options *options);
bool signal_sound_close(struct signal_sound *sound);

/* ---- signal_guest.c ---- */

/* False with a line on stderr. `guest` is zeroed, but for machine, sound and wake. */
bool signal_guest_open(struct signal_guest *guest, const struct signal_options *options);
/* As far as it goes; false: this direction is over. */
bool signal_guest_step(struct signal_guest *guest, enum vmsnd_dir dir);
void signal_guest_abort(struct signal_guest *guest, enum vmsnd_dir dir);
/* Why it failed; NULL: it has not. */
const char *signal_guest_fault(const struct signal_guest *guest, enum vmsnd_dir dir);
struct signal_done signal_guest_done(const struct signal_guest *guest, enum vmsnd_dir dir);
void signal_guest_close(struct signal_guest *guest);

/* ---- signal_timed.c ---- */

/* How often something took how long: 32 bins an octave, from 64 ns on. Any thread. */
#define SIGNAL_BINS (32u * 26u)
struct signal_spread {
	_Atomic uint64_t bins[SIGNAL_BINS], n, sum_ns, worst_ns;
};

/* What stream_open is given. */
struct signal_stream_open {
	struct vmsnd_backend *host;
	const struct vmsnd_stream_want *want;
	const struct vmsnd_stream_user *user;
	void *ctx;
	struct vmsnd_stream **out;
	struct vmsnd_stream_got *got;
};

/* signal_held.c.in: a class that is held, and what takes the place of its functions. */
struct signal_held {
	const struct vmsnd_backend_class *cls;
	enum vmsnd_rc (*stream_open)(struct vmsnd_backend *host,
				     const struct vmsnd_stream_want *want,
				     const struct vmsnd_stream_user *user, void *ctx,
				     struct vmsnd_stream **out, struct vmsnd_stream_got *got);
	void (*stream_close)(struct vmsnd_stream *stream);
};

/* The class' own, with the blocks timed. */
enum vmsnd_rc signal_timed_open(const struct vmsnd_backend_class *cls,
				const struct signal_stream_open *with);
void signal_timed_close(const struct vmsnd_backend_class *cls, struct vmsnd_stream *of);
/* Before all others. */
void signal_timed_begin(const struct signal_options *options);
/* Lines of what was measured, if anything was. */
void signal_timed_line(FILE *to);
/* What playing's latency is now, as vmsnd ctl status would say it. */
void signal_timed_said(struct signal_spread *said, const struct vmsnd_machine *machine);
void signal_spread_line(FILE *to, const char *name, const struct signal_spread *spread);

/* ---- signal_report.c ---- */

#define SIGNAL_STREAMS_MAX (2u * VMSND_OUTPUTS_MAX)

/* The states that were printed last. */
struct signal_states {
	vmsnd_ns began;
	const char *host[SIGNAL_STREAMS_MAX], *state[SIGNAL_STREAMS_MAX];
};

/* A line for each stream whose state is another one than before. */
void signal_states_look(struct signal_states *states, const struct vmsnd_machine *machine);
/* Whether a host stream of this direction runs. */
bool signal_host_runs(const struct vmsnd_machine *machine, enum vmsnd_dir dir);
/* A line of figures for each stream and output. */
void signal_figures(FILE *to, const struct vmsnd_machine *machine);
/* The last line. */
void signal_end_line(FILE *to, const struct signal_guest *guest,
		     const struct signal_options *options, const char *result);

#endif
