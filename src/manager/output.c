/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that every backend has: read once, when it is attached. */
#include "manager/output.h"

#include <stdio.h>
#include <string.h>

#include "vmsnd/tree.h"

/* KEYx-1 .. KEYx-4: whatever these ranges allow works, 18 channels and floating point included. */
static const struct vmsnd_option options[] = {
    {"dir", VMSND_OPTION_TEXT, "both", "both, playback or capture: which way it is used", 0, 0},
    {"sample", VMSND_OPTION_TEXT, NULL,
     "the host's samples: S16, S24_3, FLOAT and so on; not given: as the guest's", 0, 0},
    {"rate", VMSND_OPTION_UINT, "0", "the host's frames a second; 0: as the guest's", 0,
     VMSND_RATE_MAX_HZ},
    {"channels", VMSND_OPTION_UINT, "0", "the host's channels; 0: as the guest's", 0,
     VMSND_CHANNELS_MAX},
    {"period-ms", VMSND_OPTION_UINT, "0", "how much the host moves at a time; 0: as the guest does",
     0, 1000},
    {"buffer-ms", VMSND_OPTION_UINT, "0", "what the host queues at most; 0: what it likes", 0,
     5000},
    {"prebuffer-ms", VMSND_OPTION_UINT, NULL,
     "what is gathered before sound starts; 0: nothing; not given: two periods", 0, 1000},
    {"big-endian", VMSND_OPTION_BOOL, "off", "the byte order of the host's samples", 0, 0},
    {"quality", VMSND_OPTION_TEXT, "medium",
     "fastest, medium or best: of the rate conversion, where there is one", 0, 0},
    {"dither", VMSND_OPTION_BOOL, "on", "a little noise where a conversion loses bits", 0, 0},
    {"refill", VMSND_OPTION_BOOL, "on",
     "after an underrun what prebuffer-ms says is gathered again; off: sound goes on at once", 0,
     0},
    {"retry-s", VMSND_OPTION_UINT, "5", "how often a host that was lost is tried, at the latest", 1,
     3600},
    {"drain-ms", VMSND_OPTION_UINT, "2000",
     "how long a host may take over its last frames before it is stopped", 1, 60000},
    {"volume", VMSND_OPTION_TEXT, "0", "decibels, such as -6.5", 0, 0},
    {"mute", VMSND_OPTION_BOOL, "off", "begins silent", 0, 0},
    {VMSND_RULES_LEAF, VMSND_OPTION_BOOL, "on", "off: the configuration's rules leave it as it is",
     0, 0},
    {.key = NULL},
};

const struct vmsnd_option *vmsnd_output_options(void)
{
	return options;
}

static int place(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

/* Up to three digits behind the point; advances *text over what it has read. */
static int32_t thousandths(const char **text)
{
	int32_t sum = 0, unit = 100;

	for (; **text >= '0' && **text <= '9' && unit > 0; (*text)++, unit /= 10)
		sum += (**text - '0') * unit;
	return sum;
}

bool vmsnd_output_gain(const char *text, int32_t *mdb)
{
	bool minus = *text == '-';
	int32_t sum = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9' && sum <= -VMSND_GAIN_MIN_MDB; text++)
		sum = sum * 10 + (*text - '0') * 1000;
	if (*text == '.' && text[1]) {
		text++;
		sum += thousandths(&text);
	}
	*mdb = minus ? -sum : sum;
	return !*text && *mdb >= VMSND_GAIN_MIN_MDB && *mdb <= VMSND_GAIN_MAX_MDB;
}

static const char *take_dirs(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf)
{
	static const char *const words[] = {"playback", "capture", "both", NULL};
	int which = place(words, vmsnd_conf_text(conf, "dir"));

	out->dirs[VMSND_PLAYBACK] = which != VMSND_CAPTURE;
	out->dirs[VMSND_CAPTURE] = which != VMSND_PLAYBACK;
	return which < 0 ? "dir: it must be both, playback or capture" : NULL;
}

static const char *take_format(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf)
{
	const char *sample = vmsnd_conf_text(conf, "sample");

	out->prefs.sample = sample ? vmsnd_sample_find(sample) : VMSND_SAMPLE_COUNT;
	out->prefs.rate_hz = (uint32_t)vmsnd_conf_uint(conf, "rate");
	out->prefs.channels = (uint32_t)vmsnd_conf_uint(conf, "channels");
	out->prefs.big_endian = vmsnd_conf_bool(conf, "big-endian");
	if (sample &&
	    (out->prefs.sample == VMSND_SAMPLE_COUNT || vmsnd_sample_is_opaque(out->prefs.sample)))
		return "sample: it must be U8, S16, S24, S24_3, S32, FLOAT or another of these";
	if (out->prefs.rate_hz > 0 && out->prefs.rate_hz < VMSND_RATE_MIN_HZ)
		return "rate: it must be 0 or from 4000 to 768000";
	return NULL;
}

static const char *take_sizes(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf)
{
	static const char *const words[] = {"fastest", "medium", "best", NULL};
	int quality = place(words, vmsnd_conf_text(conf, "quality"));

	out->prefs.period_ms = (uint32_t)vmsnd_conf_uint(conf, "period-ms");
	out->prefs.buffer_ms = (uint32_t)vmsnd_conf_uint(conf, "buffer-ms");
	out->prefs.prebuffer_ms = vmsnd_conf_given(conf, "prebuffer-ms")
				      ? (uint32_t)vmsnd_conf_uint(conf, "prebuffer-ms")
				      : VMSND_PREBUFFER_UNSET;
	out->prefs.quality = quality < 0 ? VMSND_QUALITY_MEDIUM : (enum vmsnd_quality)quality;
	out->prefs.no_dither = !vmsnd_conf_bool(conf, "dither");
	out->prefs.no_refill = !vmsnd_conf_bool(conf, "refill");
	out->prefs.retry_s = (uint32_t)vmsnd_conf_uint(conf, "retry-s");
	out->prefs.drain_ms = (uint32_t)vmsnd_conf_uint(conf, "drain-ms");
	return quality < 0 ? "quality: it must be fastest, medium or best" : NULL;
}

static const char *take_volume(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf)
{
	if (vmsnd_conf_bool(conf, "mute"))
		out->volume.muted = UINT32_MAX;
	return vmsnd_output_gain(vmsnd_conf_text(conf, "volume"), &out->volume.gain_mdb)
		   ? NULL
		   : "volume: it must be decibels from -144 to 24, such as -6.5";
}

enum vmsnd_rc vmsnd_output_take(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf,
				const char *who, char *error, size_t error_bytes)
{
	static const char *(*const takes[])(struct vmsnd_output_conf *,
					    const struct vmsnd_conf *) = {take_dirs, take_format,
									  take_sizes, take_volume};

	*out = (struct vmsnd_output_conf){.prefs.sample = VMSND_SAMPLE_COUNT};
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		const char *wrong = takes[i](out, conf);

		if (!wrong)
			continue;
		snprintf(error, error_bytes, "%s: %s", who, wrong);
		return VMSND_E_INVALID;
	}
	return VMSND_OK;
}
