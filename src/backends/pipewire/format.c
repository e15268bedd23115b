/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats: ours and PipeWire's. Its converter takes all of these since 0.3.65 at the latest, in
 * either byte order, at any rate and number of channels. */
#include <string.h>

#include "backends/pipewire/parts.h"

/* What is not in PipeWire's list goes as the nearest that keeps every bit. */
static const struct {
	enum vmsnd_sample as;
	uint32_t little, big;
} samples[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {VMSND_SAMPLE_U8, SPA_AUDIO_FORMAT_U8, SPA_AUDIO_FORMAT_U8},
    [VMSND_SAMPLE_S8] = {VMSND_SAMPLE_S8, SPA_AUDIO_FORMAT_S8, SPA_AUDIO_FORMAT_S8},
    [VMSND_SAMPLE_U16] = {VMSND_SAMPLE_S16, 0, 0},
    [VMSND_SAMPLE_S16] = {VMSND_SAMPLE_S16, SPA_AUDIO_FORMAT_S16_LE, SPA_AUDIO_FORMAT_S16_BE},
    [VMSND_SAMPLE_U18_3] = {VMSND_SAMPLE_S24_3, 0, 0},
    [VMSND_SAMPLE_S18_3] = {VMSND_SAMPLE_S24_3, 0, 0},
    [VMSND_SAMPLE_U20_3] = {VMSND_SAMPLE_S24_3, 0, 0},
    [VMSND_SAMPLE_S20_3] = {VMSND_SAMPLE_S24_3, 0, 0},
    [VMSND_SAMPLE_U24_3] = {VMSND_SAMPLE_S24_3, 0, 0},
    [VMSND_SAMPLE_S24_3] = {VMSND_SAMPLE_S24_3, SPA_AUDIO_FORMAT_S24_LE, SPA_AUDIO_FORMAT_S24_BE},
    [VMSND_SAMPLE_U20] = {VMSND_SAMPLE_S24, 0, 0},
    [VMSND_SAMPLE_S20] = {VMSND_SAMPLE_S24, 0, 0},
    [VMSND_SAMPLE_U24] = {VMSND_SAMPLE_S24, 0, 0},
    [VMSND_SAMPLE_S24] = {VMSND_SAMPLE_S24, SPA_AUDIO_FORMAT_S24_32_LE, SPA_AUDIO_FORMAT_S24_32_BE},
    [VMSND_SAMPLE_U32] = {VMSND_SAMPLE_S32, 0, 0},
    [VMSND_SAMPLE_S32] = {VMSND_SAMPLE_S32, SPA_AUDIO_FORMAT_S32_LE, SPA_AUDIO_FORMAT_S32_BE},
    [VMSND_SAMPLE_FLOAT] = {VMSND_SAMPLE_FLOAT, SPA_AUDIO_FORMAT_F32_LE, SPA_AUDIO_FORMAT_F32_BE},
    [VMSND_SAMPLE_FLOAT64] = {VMSND_SAMPLE_FLOAT64, SPA_AUDIO_FORMAT_F64_LE,
			      SPA_AUDIO_FORMAT_F64_BE},
    [VMSND_SAMPLE_MULAW] = {VMSND_SAMPLE_MULAW, SPA_AUDIO_FORMAT_ULAW, SPA_AUDIO_FORMAT_ULAW},
    [VMSND_SAMPLE_ALAW] = {VMSND_SAMPLE_ALAW, SPA_AUDIO_FORMAT_ALAW, SPA_AUDIO_FORMAT_ALAW},
};

static const uint32_t positions[VMSND_POSITION_COUNT] = {
    [VMSND_POSITION_FL] = SPA_AUDIO_CHANNEL_FL,     [VMSND_POSITION_FR] = SPA_AUDIO_CHANNEL_FR,
    [VMSND_POSITION_FC] = SPA_AUDIO_CHANNEL_FC,     [VMSND_POSITION_LFE] = SPA_AUDIO_CHANNEL_LFE,
    [VMSND_POSITION_RL] = SPA_AUDIO_CHANNEL_RL,     [VMSND_POSITION_RR] = SPA_AUDIO_CHANNEL_RR,
    [VMSND_POSITION_FLC] = SPA_AUDIO_CHANNEL_FLC,   [VMSND_POSITION_FRC] = SPA_AUDIO_CHANNEL_FRC,
    [VMSND_POSITION_RC] = SPA_AUDIO_CHANNEL_RC,     [VMSND_POSITION_SL] = SPA_AUDIO_CHANNEL_SL,
    [VMSND_POSITION_SR] = SPA_AUDIO_CHANNEL_SR,     [VMSND_POSITION_TC] = SPA_AUDIO_CHANNEL_TC,
    [VMSND_POSITION_TFL] = SPA_AUDIO_CHANNEL_TFL,   [VMSND_POSITION_TFC] = SPA_AUDIO_CHANNEL_TFC,
    [VMSND_POSITION_TFR] = SPA_AUDIO_CHANNEL_TFR,   [VMSND_POSITION_TRL] = SPA_AUDIO_CHANNEL_TRL,
    [VMSND_POSITION_TRC] = SPA_AUDIO_CHANNEL_TRC,   [VMSND_POSITION_TRR] = SPA_AUDIO_CHANNEL_TRR,
    [VMSND_POSITION_MONO] = SPA_AUDIO_CHANNEL_MONO, [VMSND_POSITION_NONE] = SPA_AUDIO_CHANNEL_NA,
};

bool vmsnd_pw_nearest(const struct vmsnd_format *want, struct vmsnd_format *got)
{
	if (vmsnd_format_frame_bytes(want) == 0 || vmsnd_sample_is_opaque(want->sample))
		return false;
	*got = *want;
	got->sample = samples[want->sample].as;
	if (got->sample != want->sample)
		got->big_endian = false;
	return true;
}

void vmsnd_pw_format(const struct vmsnd_format *format, struct spa_audio_info_raw *out)
{
	memset(out, 0, sizeof(*out));
	out->format =
	    format->big_endian ? samples[format->sample].big : samples[format->sample].little;
	out->rate = format->rate_hz;
	out->channels = format->channels;
	for (uint32_t i = 0; i < format->channels; i++) {
		enum vmsnd_position position = vmsnd_format_position(format, i);

		out->position[i] = position == VMSND_POSITION_OTHER ? SPA_AUDIO_CHANNEL_AUX0 + i
								    : positions[position];
	}
}
