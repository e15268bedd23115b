/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 audio function of Intel's 82801: the controller's own state, and who does what.
 *
 * Sources: Intel 82801AA datasheet (290655), chapter "AC'97 Audio Controller"; 82801DB (290744);
 * Intel's AC'97 programmer's reference; AC'97 component specification 2.3. Rows A9-nn:
 * docs/ac97.md. */
#ifndef VMSND_DEVICES_AC97_AC97_H
#define VMSND_DEVICES_AC97_AC97_H

#include "devices/ac97/codec.h"
#include "devices/ac97/sound.h"
#include "devices/pci/pci.h"
#include "devices/pci/registers.h"
#include "devices/sample_clock.h"

enum ac97_variant {
	AC97_VARIANT_ICH, /* 82801AA 8086:2415: I/O BARs of 256 and 64 bytes, three engines */
	AC97_VARIANT_ICH4 /* 82801DB 8086:24c5: memory BARs of 512 and 256 as well, six engines */
};

enum ac97_engine_id {
	AC97_PCM_IN,
	AC97_PCM_OUT,
	AC97_MIC,
	AC97_MIC2,
	AC97_PCM_IN2,
	AC97_SPDIF_OUT,
	AC97_ENGINES
};

#define AC97_CODECS      2u /* one on its own, or with a second one */
#define AC97_CODECS_MAX  3u /* that a chip has lines for */
#define AC97_DESCRIPTORS 32u
#define AC97_FRAME_BYTES (AC97_CHANNELS * 4u)
#define AC97_PIECE_BYTES 4096u /* copied at once */

/* Status of an engine; bits 2 to 4 are cleared by writing 1. */
enum ac97_sr {
	AC97_SR_DCH = 0x01,   /* halted */
	AC97_SR_CELV = 0x02,  /* the last valid one has been done */
	AC97_SR_LVBCI = 0x04, /* ... and that interrupts */
	AC97_SR_BCIS = 0x08,  /* one that asked for it has been done */
	AC97_SR_FIFOE = 0x10  /* memory came too late, or not at all */
};
#define AC97_SR_CLEARED_BY_1 (AC97_SR_LVBCI | AC97_SR_BCIS | AC97_SR_FIFOE)

enum ac97_cr {
	AC97_CR_RUN = 0x01,
	AC97_CR_RESET = 0x02,
	AC97_CR_LVBIE = 0x04,
	AC97_CR_FEIE = 0x08,
	AC97_CR_IOCE = 0x10
};
#define AC97_CR_ENABLES (AC97_CR_LVBIE | AC97_CR_FEIE | AC97_CR_IOCE)

enum ac97_glob_cnt {
	AC97_CNT_GIE = 0x01,
	AC97_CNT_COLD = 0x02, /* 0: the link is held in reset */
	AC97_CNT_WARM = 0x04,
	AC97_CNT_LINK_OFF = 0x08,
	AC97_CNT_PRIE = 0x10,
	AC97_CNT_SRIE = 0x20,
	AC97_CNT_TRIE = 0x40
};
#define AC97_CNT_CHANNELS_SHIFT 20
#define AC97_CNT_SAMPLE_SHIFT   22

enum ac97_glob_sta {
	AC97_STA_GSCI = 0x01, /* a codec's GPIO or jack has changed */
	AC97_STA_PRI = 0x0400,
	AC97_STA_SRI = 0x0800,
	AC97_STA_RCS = 0x8000, /* a codec that was read did not answer */
	AC97_STA_TRI = 0x20000000
};

/* Descriptors as they lie in memory; the data's address has no two lowest bits. */
struct ac97_descriptor {
	uint32_t address;
	uint32_t samples; /* 0 .. 65535, of all channels */
	bool ioc, bup;
};

/* What an engine does while it is told to run and its link is up. */
enum ac97_phase {
	AC97_IDLE,    /* it is not, or pauses */
	AC97_WANTING, /* the next descriptor has to be fetched */
	AC97_MOVING,  /* frames of one go by */
	AC97_HALTED /* the last valid one is done, or the list is not there: until LVI is written */
};

struct ac97_engine {
	/* The registers. PICB is what is left of the descriptor. */
	uint32_t bdbar;
	uint8_t civ, lvi, piv, cr;
	uint16_t sr;

	enum ac97_phase phase;
	bool under_way;              /* a descriptor is begun, also in a pause */
	bool fresh;                  /* nothing has been fetched since the reset */
	struct ac97_descriptor list; /* it */
	struct ac97_descriptor next; /* the one behind it, if it has been read */
	bool ahead;
	uint32_t left_samples; /* of it: what has not gone by */

	struct vmsnd_port *port; /* NULL: none is configured for it; time goes by all the same */
	enum vmsnd_dir dir;
	unsigned port_index;
	bool port_wanted; /* it has been begun, though it may have refused */
	bool port_runs;
	bool granted;            /* the bus, when it was looked at last */
	bool primed;             /* capture: a step has been recorded, without a hole since then */
	uint32_t reserve_frames; /* silence that was recorded instead since then */
	struct vmsnd_stream_params params;
	uint32_t frame_bytes;
	struct vmsnd_sample_clock clock;
	uint64_t done_frames; /* of the clock's, that have been moved */
	vmsnd_ns paced_at;    /* when the clock was bent last */
	bool held;            /* waits for the guest to acknowledge, one frame before the end */
	uint32_t idle_frames; /* since it halted, for which something was put out all the same */

	/* Memory that answers later (struct vmsnd_remote). */
	uint32_t asked_frames; /* 0: none are */
	vmsnd_ns asked_since;  /* VMSND_NEVER: nothing is asked for */
	bool later;            /* so did what was read last */
	uint8_t fetched[AC97_PIECE_BYTES];
	uint32_t fetched_at;     /* in it: the byte that is next */
	uint32_t fetched_frames; /* from there on: they have come before their time */

	uint32_t lost_frames; /* did not come in time: silence */

	/* The ring's fill as it is and should be, for the clock's pace (pace.c). */
	uint64_t moved_frames; /* into, or out of, the port */
	struct {
		unsigned n; /* looks at it since the port's last hole */
		double usual_frames, error_frames;
		uint64_t xruns;
	} fill;

	/* What was read last of the position, and when (latched). */
	vmsnd_ns read_at;
	uint16_t read_picb;
	uint8_t read_civ;
	uint8_t last_frame[AC97_FRAME_BYTES]; /* BUP: repeated when there is no more */
};

struct ac97_counters {
	uint64_t frames[AC97_ENGINES], completions[AC97_ENGINES];
	uint64_t dropped_frames, padded_frames; /* a full ring; nothing recorded yet */
	uint64_t interrupts, fifo_errors, holds, rebases, resets;
	uint64_t faults[VMSND_FAULT_COUNT];
};

struct ac97_conf {
	enum ac97_variant variant;
	enum ac97_part parts[AC97_CODECS];
	unsigned n_codecs, channels, timer_hz;
	enum ac97_outlet outlet;
	bool tone, msi, jacks;
	uint16_t subsystem_vendor, subsystem;
};

struct vmsnd_ac97 {
	struct vmsnd_dev_env env;
	struct vmsnd_pci pci;
	struct ac97_conf conf;
	unsigned n_engines;
	uint32_t glob_cnt, glob_sta; /* the latter: what is not worked out */
	uint8_t cas, sdm;
	bool suspended;  /* the machine is */
	bool stands;     /* the clocks do */
	bool looked_at;  /* this call is an access of the guest's */
	vmsnd_ns seen;   /* the time of the last call */
	unsigned budget; /* descriptors and pieces that this call may still do */
	struct ac97_engine engines[AC97_ENGINES];
	struct ac97_codec codecs[AC97_CODECS];
	struct ac97_sound sound;
	struct ac97_counters counters;
};

/* ---- ac97_card.c -------------------------------------------------------------------------------
 */

/* As init leaves it, whatever it is now. */
void ac97_power_on(struct vmsnd_ac97 *card, vmsnd_ns now);

/* ---- options.c ---- */

extern const struct vmsnd_option ac97_options[];
/* What is wrong with them; NULL: nothing. */
const char *ac97_options_read(const struct vmsnd_dev_conf *conf, struct ac97_conf *out);
unsigned ac97_engines_of(enum ac97_variant variant);

/* ---- figures.c ---- */

/* As counters() of the class. */
size_t ac97_figures(const struct vmsnd_ac97 *card, struct vmsnd_counter *out, size_t max);

/* ---- globals.c: what all engines share, and the interrupt ---------------------------------- */

void ac97_fault(struct vmsnd_ac97 *card, enum vmsnd_fault what, uint64_t detail);
/* The link has a clock: engines run, codecs answer. */
bool ac97_link_up(const struct vmsnd_ac97 *card);
uint32_t ac97_glob_sta(const struct vmsnd_ac97 *card);
void ac97_glob_cnt_write(struct vmsnd_ac97 *card, uint32_t value, vmsnd_ns now);
/* Values that they can have. */
bool ac97_globals_are_possible(const struct vmsnd_ac97 *card);
/* The interrupts that all engines and codecs together want. At the end of every call. */
void ac97_settle(struct vmsnd_ac97 *card);
/* As at power-on; ports are let go. */
void ac97_reset(struct vmsnd_ac97 *card, vmsnd_ns now);

/* ---- windows.c: the BARs ----------------------------------------------------------------------
 */

void ac97_window_read(struct vmsnd_ac97 *card, const struct vmsnd_pci_access *access, void *to);
void ac97_window_write(struct vmsnd_ac97 *card, const struct vmsnd_pci_access *access,
		       const void *from);
void ac97_window_bars(const struct ac97_conf *conf, struct vmsnd_pci_bar bars[VMSND_PCI_BARS]);

/* ---- engine.c: an engine in time
 * ------------------------------------------------------------------
 */

/* All of them up to now: frames move, descriptors end. */
void ac97_engines_run(struct vmsnd_ac97 *card, vmsnd_ns now);
/* When one of them is to be looked at next. */
vmsnd_ns ac97_engines_due(struct vmsnd_ac97 *card, vmsnd_ns now);
/* What CR and the link ask for. */
void ac97_engine_sync(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
/* Its registers as after CR's reset bit (A9-12). */
void ac97_engine_reset(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
/* LVI was written: what had come to its end, or to a list that was not there, goes on (A9-10). */
void ac97_engine_more(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
/* Whether a host is to play or record for it just now. */
bool ac97_engine_wants_port(const struct vmsnd_ac97 *card, const struct ac97_engine *engine);
uint16_t ac97_engine_picb(struct ac97_engine *engine, vmsnd_ns now);
void ac97_engine_fifo_error(struct vmsnd_ac97 *card, struct ac97_engine *engine);
/* Something asked of memory has not come yet; false: it has taken too long. */
bool ac97_engine_waits(struct ac97_engine *engine, vmsnd_ns now);

/* ---- pace.c: how fast an engine's clock goes
 * ------------------------------------------------------
 */

/* Frames a second; 0: it stands. */
double ac97_pace_hz(const struct vmsnd_ac97 *card, struct ac97_engine *engine);
void ac97_pace_anew(struct ac97_engine *engine);
/* Whether the card stands still: its machine does, or its guest does not let it reach memory. */
void ac97_pace_look(struct vmsnd_ac97 *card);

/* ---- descriptors.c
 * -------------------------------------------------------------------------------
 */

/* The list's entry CIV, and those behind it as long as they are empty (A9-08). */
void ac97_fetch(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
/* The entry behind CIV is read, so that it can be next; false: it may still come. */
bool ac97_prefetch(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
/* The entry that was under way is done (A9-09). */
void ac97_complete(struct vmsnd_ac97 *card, struct ac97_engine *engine);
/* From the last valid one to the next. */
void ac97_pass_on(struct ac97_engine *engine);

/* ---- transfer.c: frames between guest memory and port
 * -------------------------------------------- */

/* Prepared and running, with the engine's format; what was recorded before is forgotten. */
void ac97_port_begin(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now);
void ac97_port_end(struct ac97_engine *engine, vmsnd_ns now);
/* What has been recorded and not been taken; from here on as from a start. */
void ac97_port_forget(struct ac97_engine *engine);
/* Capture: enough is there to begin with, if a reserve is waited for from now on (prime). */
bool ac97_port_comes(const struct vmsnd_ac97 *card, const struct ac97_engine *engine);
void ac97_port_prime(struct ac97_engine *engine);
/* When to look for it; VMSND_NEVER: after every block anyway. */
vmsnd_ns ac97_port_comes_due(const struct vmsnd_ac97 *card, const struct ac97_engine *engine,
			     vmsnd_ns now);
void ac97_port_release(struct ac97_engine *engine, vmsnd_ns now);
/* So many frames of the descriptor; returns how many could be, fewer only when memory answers
 * later or the budget is spent. */
uint32_t ac97_transfer(struct vmsnd_ac97 *card, struct ac97_engine *engine, uint32_t frames,
		       vmsnd_ns now);
/* Frames of time without a descriptor: what is put out meanwhile, or not recorded. */
void ac97_transfer_idle(struct ac97_engine *engine, uint32_t frames);
/* Frames that the descriptor still lasts; the last may be of fewer samples (A9-08). */
uint32_t ac97_left_frames(const struct ac97_engine *engine);
uint32_t ac97_step_frames(const struct vmsnd_ac97 *card, const struct ac97_engine *engine);

/* ---- format.c: what an engine's frames are, and how fast
 * ------------------------------------------ */

void ac97_format(const struct vmsnd_ac97 *card, unsigned engine, struct vmsnd_format *out);
/* Those of so many channels, in the port's order. */
void ac97_format_positions(struct vmsnd_format *format);
/* From the order in which samples lie in memory to the port's. */
void ac97_format_arrange(const struct vmsnd_format *format, void *frames, uint32_t n);
/* What converts them, and of which codec. */
enum ac97_converter ac97_converter_of(unsigned engine);
const struct ac97_codec *ac97_codec_of(const struct vmsnd_ac97 *card, unsigned engine);

/* ---- panel.c
 * --------------------------------------------------------------------------------------
 */

bool ac97_panel_jack(const struct vmsnd_ac97 *card, unsigned index, struct vmsnd_jack *out);
void ac97_panel_jack_set(struct vmsnd_ac97 *card, unsigned index, bool connected, vmsnd_ns now);
/* The owner has. */
void ac97_panel_turned(struct vmsnd_ac97 *card, enum vmsnd_dir dir, unsigned index);
/* Whether the first codec's mixer is for its frames. */
bool ac97_has_mixer(const struct vmsnd_ac97 *card, unsigned engine);
/* A codec's register was written: the ports' mixers are as the registers want them. */
void ac97_mixers(struct vmsnd_ac97 *card, vmsnd_ns now);

/* ---- state.c
 * --------------------------------------------------------------------------------------
 */

#define AC97_STATE_MAJOR 1u
#define AC97_STATE_MINOR 0u

void ac97_save(const struct vmsnd_ac97 *card, struct vmsnd_state_writer *to);
enum vmsnd_rc ac97_load(struct vmsnd_ac97 *card, struct vmsnd_state_reader *from, vmsnd_ns now);

#endif
