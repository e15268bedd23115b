/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: what the card's options say of all, then what "streams" says of one. */
#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

#define NAME_BYTES 12u

/* Linux' driver asks for 160 ms of the largest frame at the highest rate, in whole pages, whatever
 * the format is in the end (its module parameter pcm_buffer_ms). */
#define BUFFER_MS  160u
#define PAGE_BYTES 65536u

static enum vmsnd_rc take_formats(const struct snd_text *text, struct snd_stream_plan *plan)
{
	return snd_read_formats(text, &plan->formats);
}

static enum vmsnd_rc take_rates(const struct snd_text *text, struct snd_stream_plan *plan)
{
	return snd_read_rates(text, &plan->rates);
}

static enum vmsnd_rc take_group(const struct snd_text *text, struct snd_stream_plan *plan)
{
	return snd_read_uint(text, SND_GROUP_MAX, &plan->group);
}

static enum vmsnd_rc take_outputs(const struct snd_text *text, struct snd_stream_plan *plan)
{
	return snd_read_outputs(text, &plan->outputs);
}

/* Keys of a stream. Those with a value of their own are options of the card, too, and hold for all
 * streams. Positions are checked against channels, so they come after them. */
static const struct {
	const char *key, *value;
	enum vmsnd_rc (*take)(const struct snd_text *text, struct snd_stream_plan *plan);
} keys[] = {
    {"channels", SND_CHANNELS_USUAL, snd_read_channels},
    {"formats", SND_FORMATS_USUAL, take_formats},
    {"rates", SND_RATES_USUAL, take_rates},
    {"group", NULL, take_group},
    {"positions", NULL, snd_read_positions},
    {"outputs", NULL, take_outputs},
    {"jack", NULL, NULL}, /* once there are jacks (snd_topology_join) */
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- the card's options ---- */

static enum vmsnd_rc take_common(const struct vmsnd_dev_conf *conf, struct snd_stream_plan *plan,
				 struct vmsnd_error *error)
{
	char who[SND_PATH_BYTES];
	struct snd_text text = {.who = who, .error = error};
	enum vmsnd_rc rc = VMSND_OK;

	snd_card_path(conf, who);
	for (size_t i = 0; i < N_KEYS && !rc; i++) {
		const char *given =
		    conf->options ? vmsnd_conf_text(conf->options, keys[i].key) : NULL;

		if (!keys[i].value)
			continue;
		text.place = (struct vmsnd_place){.file = NULL};
		snd_text_of(conf->node, keys[i].key, &text);
		text.key = keys[i].key;
		text.text = given ? given : keys[i].value;
		rc = keys[i].take(&text, plan);
	}
	return rc;
}

/* ---- one stream ---- */

static void name_of(const struct snd_topology *card, uint32_t stream, char name[NAME_BYTES])
{
	bool playback = stream < card->n_playback;
	uint32_t number = playback ? stream : stream - card->n_playback;
	size_t n = playback ? 8 : 7;

	memcpy(name, playback ? "playback" : "capture", n);
	if (number > 9)
		name[n++] = (char)('0' + number / 10);
	name[n++] = (char)('0' + number % 10);
	name[n] = '\0';
}

static enum vmsnd_rc take_stream(const struct vmsnd_node *node, struct snd_stream_plan *plan,
				 struct vmsnd_error *error)
{
	const char *leaves[N_KEYS + 1] = {NULL};
	const struct vmsnd_allow allow = {leaves, NULL};
	char who[SND_PATH_BYTES];
	struct snd_text text = {.who = who, .error = error};
	enum vmsnd_rc rc;

	for (size_t i = 0; i < N_KEYS; i++)
		leaves[i] = keys[i].key;
	vmsnd_node_path(node, who, sizeof(who));
	rc = vmsnd_node_check(node, who, &allow, error);
	for (size_t i = 0; i < N_KEYS && !rc; i++)
		if (keys[i].take && snd_text_of(node, keys[i].key, &text))
			rc = keys[i].take(&text, plan);
	return rc;
}

/* Maps are a group's, so its streams cannot differ (V88). */
static enum vmsnd_rc check_maps(const struct vmsnd_node *node, const struct snd_topology *card,
				uint32_t stream, struct vmsnd_error *error)
{
	const struct snd_stream_plan *plan = &card->streams[stream], *other = card->streams;
	char who[SND_PATH_BYTES], name[NAME_BYTES];
	struct snd_text text;

	for (; other < plan; other++) {
		if (!snd_streams_alike(plan, other) || other->n_positions == 0 ||
		    other->n_positions != plan->n_positions ||
		    memcmp(plan->positions, other->positions, plan->n_positions) == 0)
			continue;
		snd_text_of(node, "positions", &text);
		vmsnd_node_path(node, who, sizeof(who));
		name_of(card, (uint32_t)(other - card->streams), name);
		return vmsnd_error_set(error, &text.place,
				       "%s: positions: they are others than those of %s, which is "
				       "of the same group: give one of the two another group",
				       who, name);
	}
	return VMSND_OK;
}

static const struct vmsnd_node *streams_of(const struct vmsnd_dev_conf *conf)
{
	return conf->node ? vmsnd_node_find(conf->node, "streams") : NULL;
}

/* No other names than those of streams. */
static enum vmsnd_rc check_names(const struct vmsnd_node *node, const struct snd_topology *card,
				 struct vmsnd_error *error)
{
	char names[SND_STREAMS_MAX][NAME_BYTES];
	const char *children[SND_STREAMS_MAX + 1] = {NULL};
	const struct vmsnd_allow allow = {NULL, children};
	char who[SND_PATH_BYTES];

	for (uint32_t i = 0; i < card->n_streams; i++) {
		name_of(card, i, names[i]);
		children[i] = names[i];
	}
	vmsnd_node_path(node, who, sizeof(who));
	return vmsnd_node_check(node, who, &allow, error);
}

/* The longest buffer that a guest may want, and as much again: the ring has a power of two of
 * frames, whatever bytes those have. */
static uint32_t ring_bytes(const struct snd_stream_plan *plan)
{
	uint32_t sample_bytes = 0, rate_hz = 0;
	uint64_t bytes;

	for (uint8_t i = 0; i < 64; i++) {
		uint32_t sample = vmsnd_sample_bytes(snd_sample_of(i)), rate = snd_rate_of(i);

		if (plan->formats >> i & 1 && sample > sample_bytes)
			sample_bytes = sample;
		if (plan->rates >> i & 1 && rate > rate_hz)
			rate_hz = rate;
	}
	bytes = (uint64_t)sample_bytes * plan->channels_max * BUFFER_MS * (rate_hz / 1000);
	return (uint32_t)(2 * ((bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES));
}

enum vmsnd_rc snd_topology_streams(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				   struct vmsnd_error *error)
{
	const struct vmsnd_node *streams = streams_of(conf), *node;
	struct snd_stream_plan common = {.outputs = UINT32_MAX};
	enum vmsnd_rc rc = take_common(conf, &common, error);
	char name[NAME_BYTES];

	if (!rc && streams)
		rc = check_names(streams, out, error);
	for (uint32_t i = 0; i < out->n_streams && !rc; i++) {
		struct snd_stream_plan *plan = &out->streams[i];

		*plan = common;
		plan->dir = i < out->n_playback ? VMSND_PLAYBACK : VMSND_CAPTURE;
		name_of(out, i, name);
		node = streams ? vmsnd_node_find(streams, name) : NULL;
		if (node)
			rc = take_stream(node, plan, error);
		if (node && !rc)
			rc = check_maps(node, out, i, error);
		plan->ring_bytes = ring_bytes(plan);
	}
	return rc;
}

/* ---- jacks of streams ---- */

static enum vmsnd_rc no_jack(const struct snd_topology *card, const struct snd_text *text)
{
	if (card->n_jacks == 0)
		return vmsnd_error_set(text->error, &text->place,
				       "%s: jack: there is no jack '%s': give it one below 'jacks'",
				       text->who, text->text);
	return vmsnd_error_set(text->error, &text->place,
			       "%s: jack: there is no jack '%s'; the first of 'jacks' is '%s'",
			       text->who, text->text, card->jacks[0].name);
}

/* `mine`: bit n: jack n has been given a group by a stream. */
static enum vmsnd_rc join_jack(struct snd_topology *card, uint32_t group, uint32_t *mine,
			       const struct snd_text *text)
{
	uint32_t i = 0;

	while (i < card->n_jacks && strcmp(card->jacks[i].name, text->text) != 0)
		i++;
	if (i == card->n_jacks)
		return no_jack(card, text);
	if (*mine >> i & 1 && card->jacks[i].group != group)
		return vmsnd_error_set(text->error, &text->place,
				       "%s: jack: '%s' belongs to a stream of group %u, and this "
				       "is one of group %u",
				       text->who, text->text, card->jacks[i].group, group);
	card->jacks[i].group = group;
	*mine |= UINT32_C(1) << i;
	return VMSND_OK;
}

enum vmsnd_rc snd_topology_join(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				struct vmsnd_error *error)
{
	const struct vmsnd_node *streams = streams_of(conf), *node;
	char who[SND_PATH_BYTES], name[NAME_BYTES];
	struct snd_text text = {.who = who, .error = error};
	enum vmsnd_rc rc = VMSND_OK;
	uint32_t mine = 0;

	for (uint32_t i = 0; streams && i < out->n_streams && !rc; i++) {
		name_of(out, i, name);
		node = vmsnd_node_find(streams, name);
		if (!node || !snd_text_of(node, "jack", &text))
			continue;
		vmsnd_node_path(node, who, sizeof(who));
		rc = join_jack(out, out->streams[i].group, &mine, &text);
	}
	return rc;
}
