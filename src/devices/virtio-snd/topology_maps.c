/* SPDX-License-Identifier: BSD-3-Clause */
/* Channel maps (V85-V89): for each direction and function group one for every number of channels
 * that its streams have. Up to eight channels they are those that ALSA's users expect of a card
 * that says nothing, for 3 and 7 those of WAVE; beyond, 7.1 with heights above it (7.1.4 has
 * twelve), then more of WAVE's eighteen places. docs/virtio-snd.md has the table. */
#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

#define AT(position) VIRTIO_SND_CHMAP_##position

#define QUAD   AT(FL), AT(FR), AT(RL), AT(RR)
#define EIGHT  QUAD, AT(FC), AT(LFE), AT(SL), AT(SR)
#define TEN    EIGHT, AT(TFL), AT(TFR)
#define TWELVE TEN, AT(TRL), AT(TRR)
#define MOST   TWELVE, AT(FLC), AT(FRC)

static const uint8_t usual[SND_CHANNELS_MAX + 1][SND_CHANNELS_MAX] = {
    [1] = {AT(MONO)},
    [2] = {AT(FL), AT(FR)},
    [3] = {AT(FL), AT(FR), AT(FC)},
    [4] = {QUAD},
    [5] = {QUAD, AT(FC)},
    [6] = {QUAD, AT(FC), AT(LFE)},
    [7] = {AT(FL), AT(FR), AT(FC), AT(LFE), AT(RC), AT(SL), AT(SR)},
    [8] = {EIGHT},
    [9] = {EIGHT, AT(RC)},
    [10] = {TEN},
    [11] = {TEN, AT(RC)},
    [12] = {TWELVE},
    [13] = {TWELVE, AT(RC)},
    [14] = {MOST},
    [15] = {MOST, AT(RC)},
    [16] = {MOST, AT(RC), AT(TC)},
    [17] = {MOST, AT(RC), AT(TC), AT(TFC)},
    [18] = {MOST, AT(RC), AT(TC), AT(TFC), AT(TRC)},
};

/* The first stream of the group that says where so many channels are; NULL: none does. */
static const struct snd_stream_plan *who_says(const struct snd_topology *card, uint32_t first,
					      uint32_t channels)
{
	for (uint32_t i = first; i < card->n_streams; i++)
		if (snd_streams_alike(&card->streams[i], &card->streams[first]) &&
		    card->streams[i].n_positions == channels)
			return &card->streams[i];
	return NULL;
}

static bool is_first(const struct snd_topology *card, uint32_t stream)
{
	for (uint32_t i = 0; i < stream; i++)
		if (snd_streams_alike(&card->streams[i], &card->streams[stream]))
			return false;
	return true;
}

/* Bit n: n channels are on offer. */
static uint32_t counts_of(const struct snd_topology *card, uint32_t first)
{
	uint32_t counts = 0;

	for (uint32_t i = first; i < card->n_streams; i++) {
		const struct snd_stream_plan *plan = &card->streams[i];

		if (snd_streams_alike(plan, &card->streams[first]))
			counts |= (UINT32_C(2) << plan->channels_max) -
				  (UINT32_C(1) << plan->channels_min);
	}
	return counts;
}

static void add_map(struct snd_topology *out, uint32_t first, uint8_t channels)
{
	const struct snd_stream_plan *said = who_says(out, first, channels);
	struct snd_chmap_plan *map = out->chmaps ? &out->chmaps[out->n_chmaps] : NULL;

	out->n_chmaps++;
	if (!map)
		return;
	*map = (struct snd_chmap_plan){.group = out->streams[first].group,
				       .dir = out->streams[first].dir,
				       .channels = channels};
	memcpy(map->positions, said ? said->positions : usual[channels], channels);
}

void snd_topology_maps(struct snd_topology *out)
{
	for (uint32_t i = 0; i < out->n_streams; i++) {
		uint32_t counts = is_first(out, i) ? counts_of(out, i) : 0;

		for (uint8_t channels = 1; channels <= SND_CHANNELS_MAX; channels++)
			if (counts >> channels & 1)
				add_map(out, i, channels);
	}
}
