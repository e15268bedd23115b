/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 audio function of Intel's 82801: the controller's own state, and who does what.
 *
 * Sources: Intel 82801AA datasheet (290655), chapter "AC'97 Audio Controller"; 82801DB (290744);
 * AC'97 component specification 2.3. Rows A9-nn: docs/ac97.md. */
#ifndef VMSND_DEVICES_AC97_AC97_H
#define VMSND_DEVICES_AC97_AC97_H

#include "devices/ac97/codec.h"
#include "devices/ac97/sound.h"
#include "devices/pci/pci.h"
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

#define AC97_DESCRIPTORS 32u

struct ac97_descriptor {
	uint32_t address;
	uint32_t samples; /* 0 .. 65535, of all channels */
	bool ioc, bup;
};

struct ac97_engine {
	/* The registers. PICB is worked out from the clock. */
	uint32_t bdbar;
	uint8_t civ, lvi, piv, cr;
	uint16_t sr;

	struct ac97_descriptor now; /* the one that runs */
	uint32_t left_samples;      /* of it, as copied so far */

	struct vmsnd_port *port; /* NULL: none is configured for it; time goes by all the same */
	enum vmsnd_dir dir;
	struct vmsnd_stream_params params;
	struct vmsnd_sample_clock clock;
	uint64_t done_frames; /* since the clock began: consumed, or filled */
	bool held;            /* waits for the guest to acknowledge, one frame before the end */

	/* What was read last of the position, and when (latched). */
	vmsnd_ns read_at;
	uint16_t read_picb;
	uint8_t read_civ;
	uint8_t last_frame[AC97_CHANNELS * 4]; /* BUP: repeated when there is no more */
};

struct ac97_counters {
	uint64_t frames[AC97_ENGINES], completions[AC97_ENGINES];
	uint64_t interrupts, fifo_errors, holds, rebases, resets;
	uint64_t faults[VMSND_FAULT_COUNT];
};

struct vmsnd_ac97 {
	struct vmsnd_dev_env env;
	struct vmsnd_pci pci;
	enum ac97_variant variant;
	unsigned n_engines, n_codecs;
	uint32_t glob_cnt, glob_sta;
	uint8_t cas, sdm;
	struct ac97_engine engines[AC97_ENGINES];
	struct ac97_codec codecs[3];
	struct ac97_sound sound;
	struct ac97_counters counters;
};

#endif
