/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats of ours as PulseAudio names them. */
#include "backends/pulse/host.h"

/* A sample format of ours: what the server calls it, or which of ours is asked for instead. The
 * nearest one keeps every bit, but for FLOAT64. */
static const struct {
	pa_sample_format_t little, big;
	enum vmsnd_sample instead;
} samples[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {PA_SAMPLE_U8, PA_SAMPLE_U8, VMSND_SAMPLE_U8},
    [VMSND_SAMPLE_S8] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_U16] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_S16] = {PA_SAMPLE_S16LE, PA_SAMPLE_S16BE, VMSND_SAMPLE_S16},
    [VMSND_SAMPLE_U18_3] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S18_3] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U20_3] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S20_3] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U24_3] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_S24_3] = {PA_SAMPLE_S24LE, PA_SAMPLE_S24BE, VMSND_SAMPLE_S24_3},
    [VMSND_SAMPLE_U20] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_S20] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_U24] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_S24] = {PA_SAMPLE_S24_32LE, PA_SAMPLE_S24_32BE, VMSND_SAMPLE_S24},
    [VMSND_SAMPLE_U32] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_S32},
    [VMSND_SAMPLE_S32] = {PA_SAMPLE_S32LE, PA_SAMPLE_S32BE, VMSND_SAMPLE_S32},
    [VMSND_SAMPLE_FLOAT] = {PA_SAMPLE_FLOAT32LE, PA_SAMPLE_FLOAT32BE, VMSND_SAMPLE_FLOAT},
    [VMSND_SAMPLE_FLOAT64] = {PA_SAMPLE_INVALID, PA_SAMPLE_INVALID, VMSND_SAMPLE_FLOAT},
    [VMSND_SAMPLE_MULAW] = {PA_SAMPLE_ULAW, PA_SAMPLE_ULAW, VMSND_SAMPLE_MULAW},
    [VMSND_SAMPLE_ALAW] = {PA_SAMPLE_ALAW, PA_SAMPLE_ALAW, VMSND_SAMPLE_ALAW},
};

/* NONE and OTHER are not here: they become channels without a place. */
static const pa_channel_position_t positions[VMSND_POSITION_COUNT] = {
    [VMSND_POSITION_FL] = PA_CHANNEL_POSITION_FRONT_LEFT,
    [VMSND_POSITION_FR] = PA_CHANNEL_POSITION_FRONT_RIGHT,
    [VMSND_POSITION_FC] = PA_CHANNEL_POSITION_FRONT_CENTER,
    [VMSND_POSITION_LFE] = PA_CHANNEL_POSITION_LFE,
    [VMSND_POSITION_RL] = PA_CHANNEL_POSITION_REAR_LEFT,
    [VMSND_POSITION_RR] = PA_CHANNEL_POSITION_REAR_RIGHT,
    [VMSND_POSITION_FLC] = PA_CHANNEL_POSITION_FRONT_LEFT_OF_CENTER,
    [VMSND_POSITION_FRC] = PA_CHANNEL_POSITION_FRONT_RIGHT_OF_CENTER,
    [VMSND_POSITION_RC] = PA_CHANNEL_POSITION_REAR_CENTER,
    [VMSND_POSITION_SL] = PA_CHANNEL_POSITION_SIDE_LEFT,
    [VMSND_POSITION_SR] = PA_CHANNEL_POSITION_SIDE_RIGHT,
    [VMSND_POSITION_TC] = PA_CHANNEL_POSITION_TOP_CENTER,
    [VMSND_POSITION_TFL] = PA_CHANNEL_POSITION_TOP_FRONT_LEFT,
    [VMSND_POSITION_TFC] = PA_CHANNEL_POSITION_TOP_FRONT_CENTER,
    [VMSND_POSITION_TFR] = PA_CHANNEL_POSITION_TOP_FRONT_RIGHT,
    [VMSND_POSITION_TRL] = PA_CHANNEL_POSITION_TOP_REAR_LEFT,
    [VMSND_POSITION_TRC] = PA_CHANNEL_POSITION_TOP_REAR_CENTER,
    [VMSND_POSITION_TRR] = PA_CHANNEL_POSITION_TOP_REAR_RIGHT,
    [VMSND_POSITION_MONO] = PA_CHANNEL_POSITION_MONO,
    [VMSND_POSITION_NONE] = PA_CHANNEL_POSITION_INVALID,
    [VMSND_POSITION_OTHER] = PA_CHANNEL_POSITION_INVALID,
};

enum vmsnd_rc pulse_format(const struct vmsnd_format *want, struct vmsnd_format *got)
{
	if (vmsnd_format_frame_bytes(want) == 0 || vmsnd_sample_is_opaque(want->sample))
		return VMSND_E_UNSUPPORTED;
	*got = *want;
	got->sample = samples[want->sample].instead;
	while (got->rate_hz > PA_RATE_MAX)
		got->rate_hz /= 2;
	return VMSND_OK;
}

/* What goes by number goes by number there, too. */
static bool all_other(const struct vmsnd_format *format)
{
	for (uint32_t i = 0; i < format->channels; i++)
		if (vmsnd_format_position(format, i) != VMSND_POSITION_OTHER)
			return false;
	return true;
}

void pulse_format_spec(const struct vmsnd_format *format, pa_sample_spec *spec, pa_channel_map *map)
{
	*spec = (pa_sample_spec){.format = format->big_endian ? samples[format->sample].big
							      : samples[format->sample].little,
				 .rate = format->rate_hz,
				 .channels = (uint8_t)format->channels};
	if (all_other(format)) {
		pa_channel_map_init_extend(map, format->channels, PA_CHANNEL_MAP_WAVEEX);
		return;
	}
	pa_channel_map_init(map);
	map->channels = (uint8_t)format->channels;
	for (uint32_t i = 0; i < format->channels; i++) {
		map->map[i] = positions[vmsnd_format_position(format, i)];
		if (map->map[i] == PA_CHANNEL_POSITION_INVALID)
			map->map[i] = (pa_channel_position_t)(PA_CHANNEL_POSITION_AUX0 + (int)i);
	}
}
