/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files share that read a card's configuration. */
#ifndef VMSND_DEVICES_VIRTIO_SND_TOPOLOGY_PARTS_H
#define VMSND_DEVICES_VIRTIO_SND_TOPOLOGY_PARTS_H

#include "devices/virtio-snd/topology.h"
#include "vmsnd/tree.h"

/* What a card offers whose owner says nothing. The highest rate, the largest sample and the most
 * channels decide how long Linux lets periods and buffers be: 80 and 160 ms of them in bytes,
 * whatever the format is in the end. */
#define SND_CHANNELS_USUAL "1-2"
#define SND_FORMATS_USUAL  "U8 S16 S24 S32 FLOAT FLOAT64"
#define SND_RATES_USUAL    "8000 11025 16000 22050 32000 44100 48000 64000 88200 96000 176400 192000"

#define SND_WORD_BYTES 32u
#define SND_PATH_BYTES 160u

/* One value as it was written, and where. */
struct snd_text {
	const char *who; /* "cards.vm1.streams.playback0" */
	const char *key, *text;
	struct vmsnd_place place;
	struct vmsnd_error *error; /* where the line goes */
};

/* What a word may be: of each number its name, NULL after the last. */
struct snd_names {
	const char *what; /* "format" */
	const char *(*at)(unsigned index);
	const char *besides; /* ", or all"; may be NULL */
};

/* ---- topology_words.c: lists of words, and what they mean. VMSND_E_INVALID: a line says why ----
 */

/* The next word of a list; blanks and commas part them. False: there is none. A word that is too
 * long is cut, and matches nothing. */
bool snd_word_next(const char **list, char word[SND_WORD_BYTES]);
/* A decimal number and nothing else; false: it is none, or beyond 32 bits. */
bool snd_number(const char *word, uint32_t *out);
/* Where the card stands in the configuration, else its name. */
void snd_card_path(const struct vmsnd_dev_conf *conf, char who[SND_PATH_BYTES]);
/* A leaf of a node; false: it has none. */
bool snd_text_of(const struct vmsnd_node *node, const char *key, struct snd_text *text);
/* 'word' is none of these: the nearest, and all there are. */
enum vmsnd_rc snd_no_such(const struct snd_text *text, const char *word,
			  const struct snd_names *names);
enum vmsnd_rc snd_read_formats(const struct snd_text *text, uint64_t *bits);
enum vmsnd_rc snd_read_rates(const struct snd_text *text, uint64_t *bits);
enum vmsnd_rc snd_read_channels(const struct snd_text *text, struct snd_stream_plan *plan);
enum vmsnd_rc snd_read_positions(const struct snd_text *text, struct snd_stream_plan *plan);
enum vmsnd_rc snd_read_outputs(const struct snd_text *text, uint32_t *mask);
enum vmsnd_rc snd_read_uint(const struct snd_text *text, uint32_t most, uint32_t *out);

/* ---- topology_streams.c: all streams, by their number in the card -----------------------------
 */

enum vmsnd_rc snd_topology_streams(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				   struct vmsnd_error *error);

/* A stream's jack gets its group. */
enum vmsnd_rc snd_topology_join(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				struct vmsnd_error *error);

/* Of one direction and function group: they share their maps. */
static inline bool snd_streams_alike(const struct snd_stream_plan *a,
				     const struct snd_stream_plan *b)
{
	return a->dir == b->dir && a->group == b->group;
}

/* ---- topology_maps.c: the maps of every direction and function group with streams -------------
 */

void snd_topology_maps(struct snd_topology *out);

#endif
