/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels change places within each frame. Samples are moved, never changed. */
#include "drivers/map.h"

#include <string.h>

#define SILENT           0xffu
#define NOT_A_SOURCE     UINT32_MAX
#define SAMPLE_BYTES_MAX 8u

struct vmsnd_driver {
	uint32_t sample_bytes, frame_bytes, channels;
	uint8_t source[VMSND_CHANNELS_MAX];
	uint8_t silence[SAMPLE_BYTES_MAX];
};

static const struct vmsnd_option options[] = {
    {"channels", VMSND_OPTION_TEXT, "1/0",
     "for each channel, where it comes from: 0, 1, ..., L, R, FC, ..., or - for silence", 0, 0},
    {.key = NULL}};

/* One entry of the list: its end, and what it says. */
struct entry {
	size_t bytes;
	bool silent;
	uint32_t channel; /* NOT_A_SOURCE: `position` says it */
	enum vmsnd_position position;
};

static bool is(const char *text, size_t bytes, const char *word)
{
	return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

static bool read_number(const char *text, size_t bytes, uint32_t *channel)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9' || sum >= VMSND_CHANNELS_MAX)
			return false;
		sum = sum * 10 + (uint32_t)(text[i] - '0');
	}
	*channel = sum;
	return bytes > 0 && sum < VMSND_CHANNELS_MAX;
}

static bool read_position(const char *text, size_t bytes, enum vmsnd_position *position)
{
	if (is(text, bytes, "L") || is(text, bytes, "R")) {
		*position = *text == 'L' ? VMSND_POSITION_FL : VMSND_POSITION_FR;
		return true;
	}
	for (unsigned i = VMSND_POSITION_FL; i <= VMSND_POSITION_MONO; i++) {
		*position = (enum vmsnd_position)i;
		if (is(text, bytes, vmsnd_position_name(*position)))
			return true;
	}
	return false;
}

static bool read_entry(const char *text, struct entry *entry)
{
	entry->bytes = strcspn(text, "/");
	entry->silent = is(text, entry->bytes, "-");
	entry->channel = NOT_A_SOURCE;
	return entry->silent || read_number(text, entry->bytes, &entry->channel) ||
	       read_position(text, entry->bytes, &entry->position);
}

/* NOT_A_SOURCE: the format has no such channel. */
static uint32_t find(const struct vmsnd_format *format, const struct entry *entry)
{
	if (entry->silent)
		return SILENT;
	if (entry->channel != NOT_A_SOURCE)
		return entry->channel < format->channels ? entry->channel : NOT_A_SOURCE;
	for (uint32_t i = 0; i < format->channels; i++)
		if (vmsnd_format_position(format, i) == entry->position)
			return i;
	return NOT_A_SOURCE;
}

/* Channels that the list does not reach stay as they are. False: the stream has no such channels.
 */
static bool read_sources(const struct vmsnd_driver_conf *conf, uint8_t *source)
{
	const char *text = vmsnd_conf_text(conf->options, "channels");
	struct entry entry = {.bytes = 0};

	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++)
		source[i] = (uint8_t)i;
	for (uint32_t i = 0;; i++) {
		uint32_t from;

		if (i == conf->format.channels || !read_entry(text, &entry))
			return false;
		from = find(&conf->format, &entry);
		if (from == NOT_A_SOURCE)
			return false;
		source[i] = (uint8_t)from;
		if (text[entry.bytes] == '\0')
			return true;
		text += entry.bytes + 1;
	}
}

static enum vmsnd_rc check(const struct vmsnd_conf *conf, const char **what)
{
	const char *text = vmsnd_conf_text(conf, "channels");
	struct entry entry;

	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++) {
		*what = "channels= is a list like 1/0, L/- or FL/FR/FC: numbers from 0 to 17, "
			"positions, or - for silence";
		if (!read_entry(text, &entry))
			return VMSND_E_INVALID;
		if (text[entry.bytes] == '\0')
			return VMSND_OK;
		text += entry.bytes + 1;
	}
	*what = "channels= has more than 18 entries";
	return VMSND_E_INVALID;
}

static size_t footprint(const struct vmsnd_driver_conf *conf)
{
	uint8_t source[VMSND_CHANNELS_MAX];

	return read_sources(conf, source) ? sizeof(struct vmsnd_driver) : 0;
}

static enum vmsnd_rc init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	struct vmsnd_format one = conf->format;

	one.channels = 1;
	driver->channels = conf->format.channels;
	driver->sample_bytes = vmsnd_sample_bytes(conf->format.sample);
	driver->frame_bytes = vmsnd_format_frame_bytes(&conf->format);
	vmsnd_format_silence_rt(&one, driver->silence, 1);
	return read_sources(conf, driver->source) ? VMSND_OK : VMSND_E_UNSUPPORTED;
}

static void process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
	uint8_t was[VMSND_CHANNELS_MAX * SAMPLE_BYTES_MAX];
	size_t bytes = driver->sample_bytes;
	uint8_t *frame = samples;

	for (; frames > 0; frames--, frame += driver->frame_bytes) {
		memcpy(was, frame, driver->frame_bytes);
		for (uint32_t i = 0; i < driver->channels; i++)
			memcpy(frame + i * bytes,
			       driver->source[i] == SILENT ? driver->silence
							   : was + driver->source[i] * bytes,
			       bytes);
	}
}

const struct vmsnd_driver_class vmsnd_map_class = {
    .abi = VMSND_DRIVER_ABI,
    .name = "map",
    .summary = "channels change places",
    .options = options,
    .max_instances = UINT32_MAX,
    .footprint = footprint,
    .init = init,
    .process_rt = process_rt,
    .check = check,
    .abi_end = VMSND_DRIVER_ABI,
};
