/* SPDX-License-Identifier: BSD-3-Clause */
/* What is true of each sample format: size, silence, name. */
#include <string.h>

#include "vmsnd/types.h"

struct sample_row {
	const char *name;
	uint8_t bytes;
	uint8_t silence; /* every byte of a silent sample */
};

static const struct sample_row rows[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {"U8", 1, 0x80},    [VMSND_SAMPLE_S16] = {"S16", 2, 0},
    [VMSND_SAMPLE_S24] = {"S24", 4, 0},     [VMSND_SAMPLE_S32] = {"S32", 4, 0},
    [VMSND_SAMPLE_FLOAT] = {"FLOAT", 4, 0},
};

uint32_t vmsnd_sample_bytes(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? rows[sample].bytes : 0;
}

const char *vmsnd_sample_name(enum vmsnd_sample sample)
{
	return (unsigned)sample < VMSND_SAMPLE_COUNT ? rows[sample].name : "?";
}

uint32_t vmsnd_format_frame_bytes(const struct vmsnd_format *format)
{
	if (format->rate_hz < VMSND_RATE_MIN_HZ || format->rate_hz > VMSND_RATE_MAX_HZ)
		return 0;
	if (format->channels == 0 || format->channels > VMSND_CHANNELS_MAX)
		return 0;
	return format->channels * vmsnd_sample_bytes(format->sample);
}

bool vmsnd_format_equal(const struct vmsnd_format *a, const struct vmsnd_format *b)
{
	return a->sample == b->sample && a->rate_hz == b->rate_hz && a->channels == b->channels;
}

void vmsnd_sample_silence_rt(enum vmsnd_sample sample, void *to, size_t bytes)
{
	memset(to, rows[sample].silence, bytes);
}
