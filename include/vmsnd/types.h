/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/types.h - words every other header speaks. Needs no operating system. */
#ifndef VMSND_TYPES_H
#define VMSND_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t vmsnd_ns;  /* nanoseconds on the caller's clock, any origin */
typedef uint64_t vmsnd_gpa; /* an address a guest wrote; never a host pointer */

#define VMSND_NEVER         UINT64_MAX /* as a deadline: nothing is pending */
#define VMSND_NS_PER_SECOND UINT64_C(1000000000)

/* Samples as they lie in memory, frames interleaved. The number is how many bits count; names
 * with _3 take three bytes, the other 18 to 24 bit ones the low bits of four, whose top bits
 * are ignored on reading and sign-extended (unsigned: zero) on writing. */
enum vmsnd_sample {
	VMSND_SAMPLE_U8,
	VMSND_SAMPLE_S8,
	VMSND_SAMPLE_U16,
	VMSND_SAMPLE_S16,
	VMSND_SAMPLE_U18_3,
	VMSND_SAMPLE_S18_3,
	VMSND_SAMPLE_U20_3,
	VMSND_SAMPLE_S20_3,
	VMSND_SAMPLE_U24_3,
	VMSND_SAMPLE_S24_3,
	VMSND_SAMPLE_U20,
	VMSND_SAMPLE_S20,
	VMSND_SAMPLE_U24,
	VMSND_SAMPLE_S24,
	VMSND_SAMPLE_U32,
	VMSND_SAMPLE_S32,
	VMSND_SAMPLE_FLOAT,   /* 32 bits, full scale -1.0 .. 1.0 */
	VMSND_SAMPLE_FLOAT64, /* likewise, 64 bits */
	VMSND_SAMPLE_MULAW,   /* ITU-T G.711 */
	VMSND_SAMPLE_ALAW,
	/* No PCM from here on: these pass untouched or not at all (vmsnd_sample_is_opaque). */
	VMSND_SAMPLE_IEC958_SUBFRAME, /* 32 bits of IEC 60958: preamble in the low four, then 24 of
				       * data, and V, U, C, P from bit 28 on */
	VMSND_SAMPLE_DSD_U8,          /* 8 one-bit samples of one channel, the oldest on top */
	VMSND_SAMPLE_DSD_U16,         /* 16 of them */
	VMSND_SAMPLE_DSD_U32,         /* 32 */
	VMSND_SAMPLE_COUNT
};

enum vmsnd_dir { VMSND_PLAYBACK, VMSND_CAPTURE };

/* Where a channel belongs: the 18 of WAVE's channel mask, in its order, and three more. */
enum vmsnd_position {
	VMSND_POSITION_UNSET, /* only as the first of a format: the usual ones for its channels */
	VMSND_POSITION_FL,
	VMSND_POSITION_FR,
	VMSND_POSITION_FC,
	VMSND_POSITION_LFE,
	VMSND_POSITION_RL,
	VMSND_POSITION_RR,
	VMSND_POSITION_FLC,
	VMSND_POSITION_FRC,
	VMSND_POSITION_RC,
	VMSND_POSITION_SL,
	VMSND_POSITION_SR,
	VMSND_POSITION_TC,
	VMSND_POSITION_TFL,
	VMSND_POSITION_TFC,
	VMSND_POSITION_TFR,
	VMSND_POSITION_TRL,
	VMSND_POSITION_TRC,
	VMSND_POSITION_TRR,
	VMSND_POSITION_MONO,  /* everywhere */
	VMSND_POSITION_NONE,  /* silent, not to be mixed */
	VMSND_POSITION_OTHER, /* unknown: goes to the channel of the same number, if any */
	VMSND_POSITION_COUNT
};

#define VMSND_RATE_MIN_HZ  4000u
#define VMSND_RATE_MAX_HZ  768000u
#define VMSND_CHANNELS_MAX 18u

/* Zero where nothing is said: little-endian, the usual positions. */
struct vmsnd_format {
	enum vmsnd_sample sample;
	uint32_t rate_hz;
	uint32_t channels;
	bool big_endian;                       /* no difference for one-byte samples */
	uint8_t positions[VMSND_CHANNELS_MAX]; /* enum vmsnd_position; first 0: the usual */
};

/* Bytes one sample takes in memory; 0 for a number that is no format. Any thread. */
uint32_t vmsnd_sample_bytes(enum vmsnd_sample sample);
/* Bits that count: 20 for S20_3; 24 for FLOAT (its mantissa), 53 for FLOAT64, 14 for MULAW, 13
 * for ALAW. */
uint32_t vmsnd_sample_bits(enum vmsnd_sample sample);
/* Whether it is no PCM: nothing of ours converts it, adds it to anything or makes it louder or
 * softer. A rate is that of samples as they are here: DSD of 2.8224 MHz is DSD_U32 of 88200 Hz. Any
 * thread, audio threads too. */
bool vmsnd_sample_is_opaque(enum vmsnd_sample sample);
/* "S16" and the like; a constant string, "?" for a number that is no format. Any thread. */
const char *vmsnd_sample_name(enum vmsnd_sample sample);
/* The other way round; VMSND_SAMPLE_COUNT for a name that is none. Any thread. */
enum vmsnd_sample vmsnd_sample_find(const char *name);
/* Bytes of one frame; 0 when the format is not valid (sample, rate, channels or positions). Any
 * thread. */
uint32_t vmsnd_format_frame_bytes(const struct vmsnd_format *format);
/* Whether bytes of one are bytes of the other. */
bool vmsnd_format_equal(const struct vmsnd_format *a, const struct vmsnd_format *b);
/* The position of a channel, the usual one where the format says nothing. Any thread. */
enum vmsnd_position vmsnd_format_position(const struct vmsnd_format *format, uint32_t channel);
/* "FL", "LFE"; "?" for a number that is none. */
const char *vmsnd_position_name(enum vmsnd_position position);
/* Fills `frames` with silence; `format` must be valid. Any thread, audio threads too. */
void vmsnd_format_silence_rt(const struct vmsnd_format *format, void *to, uint32_t frames);

/* Loudness of a stream, in thousandths of a decibel; 0 everywhere and nothing muted leaves every
 * sample as it is. */
#define VMSND_GAIN_MIN_MDB (-144000) /* this and less is silence */
#define VMSND_GAIN_MAX_MDB 24000

struct vmsnd_volume {
	int32_t gain_mdb;                        /* of all channels */
	int32_t channel_mdb[VMSND_CHANNELS_MAX]; /* more or less of one */
	uint32_t muted;                          /* bit n: channel n; all ones: everything */
};

#ifdef __cplusplus
}
#endif
#endif
