/* SPDX-License-Identifier: BSD-3-Clause */
/* What the words of a card's configuration mean, and what is said of those that mean nothing. */
#include <string.h>

#include "base/near.h"
#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

#define LIST_BYTES 512u

static bool parts(char c)
{
	return c == ' ' || c == ',' || c == '\t' || c == '\n';
}

bool snd_word_next(const char **list, char word[SND_WORD_BYTES])
{
	size_t n = 0;

	while (parts(**list))
		++*list;
	if (!**list)
		return false;
	for (; **list && !parts(**list); ++*list)
		if (n + 1 < SND_WORD_BYTES)
			word[n++] = **list;
	word[n] = '\0';
	return true;
}

bool snd_number(const char *word, uint32_t *out)
{
	uint64_t value = 0;

	if (!*word || strlen(word) > 10)
		return false;
	for (; *word >= '0' && *word <= '9'; word++)
		value = value * 10 + (uint64_t)(*word - '0');
	*out = (uint32_t)value;
	return !*word && value <= UINT32_MAX;
}

/* "8-18" as its two numbers; one number: both are it. */
static bool range(const char *word, uint32_t *from, uint32_t *to)
{
	const char *dash = strchr(word, '-');
	char first[SND_WORD_BYTES] = {0};

	if (!dash) {
		*to = 0;
		return snd_number(word, from) && snd_number(word, to);
	}
	memcpy(first, word, (size_t)(dash - word));
	return snd_number(first, from) && snd_number(dash + 1, to);
}

bool snd_text_of(const struct vmsnd_node *node, const char *key, struct snd_text *text)
{
	struct vmsnd_value value;

	if (!node || vmsnd_leaf_get(node, key, &value, &text->place) != VMSND_OK)
		return false;
	text->key = key;
	text->text = value.text;
	return true;
}

void snd_card_path(const struct vmsnd_dev_conf *conf, char who[SND_PATH_BYTES])
{
	const char *name = conf->name ? conf->name : "virtio-snd";
	size_t n = strnlen(name, SND_PATH_BYTES - 1);

	who[0] = '\0';
	if (conf->node)
		vmsnd_node_path(conf->node, who, SND_PATH_BYTES);
	if (who[0])
		return;
	memcpy(who, name, n);
	who[n] = '\0';
}

/* ---- mistakes ---- */

static void join(char list[LIST_BYTES], const struct snd_names *names)
{
	size_t at = 0;

	for (unsigned i = 0; names->at(i); i++) {
		size_t n = strlen(names->at(i));

		if (at + n + 2 > LIST_BYTES)
			break;
		list[at++] = ' ';
		memcpy(list + at, names->at(i), n);
		at += n;
	}
	list[at] = '\0';
}

enum vmsnd_rc snd_no_such(const struct snd_text *text, const char *word,
			  const struct snd_names *names)
{
	struct vmsnd_near near = vmsnd_near_begin(word);
	char all[LIST_BYTES];

	for (unsigned i = 0; names->at(i); i++)
		vmsnd_near_offer(&near, names->at(i));
	join(all, names);
	return vmsnd_error_set(text->error, &text->place,
			       "%s: %s: there is no %s '%s'%s%s%s; there are:%s%s", text->who,
			       text->key, names->what, word, near.best ? " (did you mean '" : "",
			       near.best ? near.best : "", near.best ? "'?)" : "", all,
			       names->besides ? names->besides : "");
}

static enum vmsnd_rc wrong(const struct snd_text *text, const char *what)
{
	return vmsnd_error_set(text->error, &text->place, "%s: %s: '%s' %s", text->who, text->key,
			       text->text, what);
}

/* ---- formats and rates ---- */

static const char *format_at(unsigned index)
{
	for (unsigned i = 0; i < 64; i++) {
		enum vmsnd_sample sample = snd_sample_of((uint8_t)i);

		if (sample != VMSND_SAMPLE_COUNT && index-- == 0)
			return vmsnd_sample_name(sample);
	}
	return NULL;
}

static bool add_format(const char *word, uint64_t *bits)
{
	uint64_t bit = 0;

	if (strcmp(word, "all") == 0)
		bit = snd_formats_pcm();
	else if (vmsnd_sample_find(word) != VMSND_SAMPLE_COUNT)
		bit = snd_format_bit(vmsnd_sample_find(word));
	*bits |= bit;
	return bit != 0;
}

enum vmsnd_rc snd_read_formats(const struct snd_text *text, uint64_t *bits)
{
	static const struct snd_names names = {"format", format_at, ", or all that are PCM: all"};
	const char *list = text->text;
	char word[SND_WORD_BYTES];

	*bits = 0;
	while (snd_word_next(&list, word))
		if (!add_format(word, bits))
			return snd_no_such(text, word, &names);
	return *bits ? VMSND_OK : wrong(text, "names no format");
}

static bool add_rates(const char *word, uint64_t *bits)
{
	uint32_t from = 0, to = UINT32_MAX;
	uint64_t found = 0;

	if (strcmp(word, "all") != 0 && !range(word, &from, &to))
		return false;
	for (unsigned i = 0; i < 64; i++) {
		uint32_t rate_hz = snd_rate_of((uint8_t)i);

		if (rate_hz != 0 && rate_hz >= from && rate_hz <= to)
			found |= UINT64_C(1) << i;
	}
	*bits |= found;
	return found != 0;
}

enum vmsnd_rc snd_read_rates(const struct snd_text *text, uint64_t *bits)
{
	static const struct snd_names names = {
	    "rate", snd_rate_name, ", ranges of them such as 44100-96000, or all of them: all"};
	const char *list = text->text;
	char word[SND_WORD_BYTES];

	*bits = 0;
	while (snd_word_next(&list, word))
		if (!add_rates(word, bits))
			return snd_no_such(text, word, &names);
	return *bits ? VMSND_OK : wrong(text, "names no rate");
}

/* ---- channels and positions ---- */

/* One number is the most, from 1 on. */
enum vmsnd_rc snd_read_channels(const struct snd_text *text, struct snd_stream_plan *plan)
{
	const char *list = text->text;
	char word[SND_WORD_BYTES], more[SND_WORD_BYTES];
	uint32_t from, to;

	if (!snd_word_next(&list, word) || snd_word_next(&list, more) || !range(word, &from, &to))
		return wrong(text, "is no number of channels, such as 2, nor a range, such as 2-8");
	if (!strchr(word, '-'))
		from = 1;
	if (from == 0 || from > to || to > SND_CHANNELS_MAX)
		return wrong(text, "is not within 1-18, the fewer channels first");
	plan->channels_min = (uint8_t)from;
	plan->channels_max = (uint8_t)to;
	return VMSND_OK;
}

/* A place in the room belongs to one channel; silence and the unknown are no places. */
static bool is_taken(const struct snd_stream_plan *plan, uint8_t position)
{
	return position > VIRTIO_SND_CHMAP_MONO &&
	       memchr(plan->positions, position, plan->n_positions);
}

enum vmsnd_rc snd_read_positions(const struct snd_text *text, struct snd_stream_plan *plan)
{
	static const struct snd_names names = {"position", snd_position_name, NULL};
	const char *list = text->text;
	char word[SND_WORD_BYTES];

	for (plan->n_positions = 0; snd_word_next(&list, word); plan->n_positions++) {
		unsigned i = 0;

		while (snd_position_name(i) && strcmp(snd_position_name(i), word) != 0)
			i++;
		if (!snd_position_name(i))
			return snd_no_such(text, word, &names);
		if (is_taken(plan, (uint8_t)i))
			return wrong(text, "has a position twice");
		if (plan->n_positions == SND_CHANNELS_MAX)
			return wrong(text, "has more than 18 positions");
		plan->positions[plan->n_positions] = (uint8_t)i;
	}
	if (plan->n_positions < plan->channels_min || plan->n_positions > plan->channels_max)
		return wrong(text,
			     "has more, or fewer, positions than the stream has channels: one for "
			     "each channel, as many as 'channels' allows");
	return VMSND_OK;
}

/* ---- numbers ---- */

enum vmsnd_rc snd_read_outputs(const struct snd_text *text, uint32_t *mask)
{
	const char *list = text->text;
	char word[SND_WORD_BYTES];
	uint32_t number;

	*mask = 0;
	if (strcmp(text->text, "none") == 0)
		return VMSND_OK;
	if (strcmp(text->text, "all") == 0) {
		*mask = UINT32_MAX;
		return VMSND_OK;
	}
	while (snd_word_next(&list, word)) {
		if (!snd_number(word, &number) || number >= VMSND_OUTPUTS_MAX)
			return wrong(text, "is no list of outputs: numbers from 0 to 7, none, or "
					   "all");
		*mask |= UINT32_C(1) << number;
	}
	return *mask ? VMSND_OK : wrong(text, "names no output: write none, if that is meant");
}

enum vmsnd_rc snd_read_uint(const struct snd_text *text, uint32_t most, uint32_t *out)
{
	if (snd_number(text->text, out) && *out <= most)
		return VMSND_OK;
	return vmsnd_error_set(text->error, &text->place, "%s: %s: '%s' is no number from 0 to %u",
			       text->who, text->key, text->text, most);
}
