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

/* Samples as they lie in memory; every one little-endian, frames interleaved. */
enum vmsnd_sample {
	VMSND_SAMPLE_U8,
	VMSND_SAMPLE_S16,
	VMSND_SAMPLE_S24, /* in the low three bytes of four; the top byte is ignored on reading */
	VMSND_SAMPLE_S32,
	VMSND_SAMPLE_FLOAT, /* 32 bits, full scale -1.0 .. 1.0 */
	VMSND_SAMPLE_COUNT
};

enum vmsnd_dir { VMSND_PLAYBACK, VMSND_CAPTURE };

#define VMSND_RATE_MIN_HZ  4000u
#define VMSND_RATE_MAX_HZ  768000u
#define VMSND_CHANNELS_MAX 18u

struct vmsnd_format {
	enum vmsnd_sample sample;
	uint32_t rate_hz;
	uint32_t channels;
};

/* Bytes one sample takes in memory; 0 for a number that is no format. Any thread. */
uint32_t vmsnd_sample_bytes(enum vmsnd_sample sample);
/* "S16" and the like; a constant string, "?" for a number that is no format. Any thread. */
const char *vmsnd_sample_name(enum vmsnd_sample sample);
/* Bytes of one frame; 0 when the format is not valid (sample, rate or channels). Any thread. */
uint32_t vmsnd_format_frame_bytes(const struct vmsnd_format *format);
bool vmsnd_format_equal(const struct vmsnd_format *a, const struct vmsnd_format *b);
/* Fills `bytes` with silence; `sample` must be a format. Any thread, audio threads too. */
void vmsnd_sample_silence_rt(enum vmsnd_sample sample, void *to, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
