/* SPDX-License-Identifier: BSD-3-Clause */
/* What the frames of an engine are: channels, width and rate, as global control and codec have
 * them (A9-04). */
#include "devices/ac97/ac97.h"

#include <string.h>

#define EXTENDED_STATUS 0x2au
#define DRA             0x0002u

/* By engine: what converts its frames, and whose it is. */
static const struct {
	enum ac97_converter converter;
	uint8_t codec;
} rows[AC97_ENGINES] = {
    [AC97_PCM_IN] = {AC97_ADC, 0},  [AC97_PCM_OUT] = {AC97_DAC_FRONT, 0},
    [AC97_MIC] = {AC97_ADC_MIC, 0}, [AC97_MIC2] = {AC97_ADC_MIC, 1},
    [AC97_PCM_IN2] = {AC97_ADC, 1}, [AC97_SPDIF_OUT] = {AC97_SPDIF, 0},
};

/* As the mixer's registers have them: front, surround, centre and LFE. */
static const uint8_t positions[AC97_CHANNELS] = {VMSND_POSITION_FL, VMSND_POSITION_FR,
						 VMSND_POSITION_RL, VMSND_POSITION_RR,
						 VMSND_POSITION_FC, VMSND_POSITION_LFE};
/* By PCM 4/6 enable; 3 is reserved. */
static const uint8_t channels_of[4] = {2, 4, 6, 2};

void ac97_format_positions(struct vmsnd_format *format)
{
	memset(format->positions, 0, sizeof(format->positions));
	memcpy(format->positions, positions, format->channels);
}

/* Of six channels, centre and LFE come before surround (alsa-lib's ICH.conf). */
void ac97_format_arrange(const struct vmsnd_format *format, void *frames, uint32_t n)
{
	size_t pair = format->sample == VMSND_SAMPLE_S32 ? 8 : 4;
	uint8_t *at = frames, centre[8];

	for (; format->channels == 6 && n > 0; n--, at += 3 * pair) {
		memcpy(centre, at + pair, pair);
		memcpy(at + pair, at + 2 * pair, pair);
		memcpy(at + 2 * pair, centre, pair);
	}
}

enum ac97_converter ac97_converter_of(unsigned engine)
{
	return rows[engine].converter;
}

const struct ac97_codec *ac97_codec_of(const struct vmsnd_ac97 *card, unsigned engine)
{
	unsigned codec = rows[engine].codec;

	return &card->codecs[codec < card->conf.n_codecs ? codec : 0];
}

/* Double rate: slots 3 and 4 carry a frame and two more the one that follows, so the controller
 * fetches four samples each time. With fewer or more it knows nothing of the second frame. */
static void double_rate(struct vmsnd_format *out)
{
	if (out->channels == 4)
		out->channels = 2;
	else
		out->rate_hz /= 2;
}

void ac97_format(const struct vmsnd_ac97 *card, unsigned engine, struct vmsnd_format *out)
{
	const struct ac97_codec *codec = ac97_codec_of(card, engine);

	*out = (struct vmsnd_format){.sample = VMSND_SAMPLE_S16, .channels = 2};
	out->rate_hz = ac97_codec_rate_hz(codec, rows[engine].converter);
	if (engine == AC97_PCM_OUT) {
		out->channels = channels_of[card->glob_cnt >> AC97_CNT_CHANNELS_SHIFT & 3];
		if (ac97_codec_read(codec, EXTENDED_STATUS) & DRA)
			double_rate(out);
		/* ICH does not let these bits be set. 20 bits are on top of 32. */
		if ((card->glob_cnt >> AC97_CNT_SAMPLE_SHIFT & 3) == 1)
			out->sample = VMSND_SAMPLE_S32;
	}
	ac97_format_positions(out);
}
