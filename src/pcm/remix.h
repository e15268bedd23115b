/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels of one layout to channels of another, by a matrix.
 *
 * A position that both have goes across at unity. One that only the source has is folded into
 * its nearest relatives by the coefficients of ITU-R BS.775: centre and surrounds at -3 dB
 * (1/sqrt 2) into left and right, LFE likewise. One that only the destination has stays silent,
 * but for mono, which goes to front left and right (or everywhere, see remix.c). Sums beyond
 * full scale saturate when they are encoded. */
#ifndef VMSND_PCM_REMIX_H
#define VMSND_PCM_REMIX_H

#include "pcm/codec.h"

struct vmsnd_remix {
	uint32_t from_channels, to_channels;
	bool identity;
	float gains[VMSND_CHANNELS_MAX][VMSND_CHANNELS_MAX]; /* [to][from] */
};

void vmsnd_remix_init(struct vmsnd_remix *remix, const struct vmsnd_format *from,
		      const struct vmsnd_format *to);
/* Not in place, unless it is the identity. */
void vmsnd_remix_rt(const struct vmsnd_remix *remix, double *to, const double *from, size_t frames);

#endif
