/* SPDX-License-Identifier: BSD-3-Clause */
/* What the card is configured to be. */
#include <string.h>

#include "devices/ac97/ac97.h"

const struct vmsnd_option ac97_options[] = {
    {"variant", VMSND_OPTION_TEXT, "ich",
     "ich: I/O ports, three engines; ich4: memory as well, 20 bits, S/PDIF", 0, 0},
    {"codec", VMSND_OPTION_TEXT, "stac9700", "stac9700, ad1980, ad1981b or alc650", 0, 0},
    {"codec2", VMSND_OPTION_TEXT, "none", "a second codec beside it, for PCM in 2 and mic 2", 0, 0},
    {"channels", VMSND_OPTION_UINT, "2", "the most that are played: 2, 4 or 6", 2, 6},
    {"outlet", VMSND_OPTION_TEXT, "line",
     "which output of the codec the host's are plugged into: line, headphone or mono", 0, 0},
    {"tone", VMSND_OPTION_BOOL, "on", "bass and treble", 0, 0},
    {"timer-hz", VMSND_OPTION_UINT, "100", "how often a second frames are copied at least", 10,
     1000},
    {"msi", VMSND_OPTION_BOOL, "off", "offer guests to interrupt by message", 0, 0},
    {"jacks", VMSND_OPTION_BOOL, "off",
     "line-out, headphone, mic and line-in follow output 0, and the codec senses it", 0, 0},
    {"subsystem", VMSND_OPTION_TEXT, NULL, "PCI subsystem ids, such as 8086:0000", 0, 0},
    {.key = NULL},
};

static bool find(const char *const *words, const char *word, unsigned *index)
{
	for (*index = 0; words[*index]; (*index)++)
		if (strcmp(words[*index], word) == 0)
			return true;
	return false;
}

static bool hex4(const char *text, uint16_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;

	*out = 0;
	for (unsigned i = 0; i < 4; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];

		digit = c ? strchr(digits, c) : NULL;
		if (!digit)
			return false;
		*out = (uint16_t)(*out << 4 | (digit - digits));
	}
	return true;
}

/* Cards of parts that have no ids of their own are taken for what they are, a virtual machine's, by
 * the ids that QEMU's have: Linux would otherwise measure the clock with the interrupts off, and on
 * a host with too much to do it comes out wrong. */
static const uint16_t virtual_ids[2] = {0x1af4, 0x1100};

static bool subsystem(const char *text, struct ac97_conf *out)
{
	if (!text) {
		ac97_part_subsystem(out->parts[0], &out->subsystem_vendor, &out->subsystem);
		if (out->subsystem_vendor == 0) {
			out->subsystem_vendor = virtual_ids[0];
			out->subsystem = virtual_ids[1];
		}
		return true;
	}
	return strlen(text) == 9 && text[4] == ':' && hex4(text, &out->subsystem_vendor) &&
	       hex4(text + 5, &out->subsystem);
}

/* Streams that a card like this has engines for, by enum vmsnd_dir. */
static const struct {
	unsigned engines, streams[2];
} variants[] = {
    [AC97_VARIANT_ICH] = {3, {1, 2}},
    [AC97_VARIANT_ICH4] = {AC97_ENGINES, {2, 4}},
};

static const char *read_options(const struct vmsnd_conf *from, struct ac97_conf *out)
{
	static const char *const variant_words[] = {"ich", "ich4", NULL};
	static const char *const outlet_words[] = {"line", "headphone", "mono", NULL};
	const char *second = vmsnd_conf_text(from, "codec2");
	unsigned index;

	if (!find(variant_words, vmsnd_conf_text(from, "variant"), &index))
		return "variant: there are ich and ich4";
	out->variant = (enum ac97_variant)index;
	if (!find(outlet_words, vmsnd_conf_text(from, "outlet"), &index))
		return "outlet: there are line, headphone and mono";
	out->outlet = (enum ac97_outlet)index;
	out->parts[0] = ac97_part_find(vmsnd_conf_text(from, "codec"));
	out->n_codecs = strcmp(second, "none") == 0 ? 1 : 2;
	out->parts[1] = out->n_codecs == 1 ? out->parts[0] : ac97_part_find(second);
	if (out->parts[0] == AC97_PART_COUNT)
		return "codec: there are stac9700, ad1980, ad1981b and alc650";
	if (out->parts[1] == AC97_PART_COUNT)
		return "codec2: there are none, stac9700, ad1980, ad1981b and alc650";
	out->channels = (unsigned)vmsnd_conf_uint(from, "channels");
	if (out->channels % 2 != 0)
		return "channels: it plays 2, 4 or 6";
	if (out->channels > ac97_part_channels(out->parts[0]))
		return "channels: this codec has no DACs for so many";
	if (out->outlet == AC97_OUTLET_HEADPHONE && !ac97_part_headphone(out->parts[0]))
		return "outlet: this codec has no headphone output; ad1980 and ad1981b have";
	out->timer_hz = (unsigned)vmsnd_conf_uint(from, "timer-hz");
	out->tone = vmsnd_conf_bool(from, "tone");
	out->msi = vmsnd_conf_bool(from, "msi");
	out->jacks = vmsnd_conf_bool(from, "jacks");
	if (!subsystem(vmsnd_conf_text(from, "subsystem"), out))
		return "subsystem: two numbers of four hexadecimal digits, such as 8086:0000";
	return NULL;
}

const char *ac97_options_read(const struct vmsnd_dev_conf *conf, struct ac97_conf *out)
{
	static const struct vmsnd_conf none = {.table = ac97_options};
	const char *wrong = read_options(conf->options ? conf->options : &none, out);

	if (wrong)
		return wrong;
	if (conf->playback_streams > variants[out->variant].streams[VMSND_PLAYBACK])
		return "playback: ich has engines for 1 stream, ich4 for 2";
	if (conf->capture_streams > variants[out->variant].streams[VMSND_CAPTURE])
		return "capture: ich has engines for 2 streams, ich4 for 4";
	return NULL;
}

unsigned ac97_engines_of(enum ac97_variant variant)
{
	return variants[variant].engines;
}
