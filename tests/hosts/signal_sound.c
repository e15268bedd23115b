/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: the signal that goes in, and the file for what comes out. */
#include "os/clock.h"
#include "signal.h"
#include "stamped.h"

#define WAV_HEAD_BYTES 44u

static const struct {
	const char *name;
	enum vmsnd_sample sample;
} samples[] = {
    {"U8", VMSND_SAMPLE_U8},      {"S16_LE", VMSND_SAMPLE_S16}, {"S24_3LE", VMSND_SAMPLE_S24_3},
    {"S24_LE", VMSND_SAMPLE_S24}, {"S32_LE", VMSND_SAMPLE_S32}, {"FLOAT_LE", VMSND_SAMPLE_FLOAT},
};

const struct format *signal_format(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

enum vmsnd_sample signal_sample_of(const struct format *format)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (strcmp(samples[i].name, format->name) == 0)
			return samples[i].sample;
	return VMSND_SAMPLE_COUNT;
}

bool signal_stampable(const struct signal_options *options)
{
	return strcmp(options->format->name, "S16_LE") == 0 && options->rate_hz == STAMP_HZ &&
	       options->channels == 2;
}

static void read_stamped(void *to, uint32_t frames)
{
	const uint32_t stamp = stamp_of(vmsnd_clock_now());
	int16_t(*at)[2] = to;

	for (uint32_t i = 0; i < frames; i++)
		stamp_put(at[i], stamp);
}

uint32_t signal_read(void *ctx, void *to, uint32_t frames)
{
	struct signal_sound *sound = ctx;
	const struct signal_options *options = sound->options;
	const uint64_t left = options->frames - sound->at;
	uint8_t *at = to;

	if (frames > left)
		frames = (uint32_t)left;
	if (options->stamped) {
		read_stamped(to, frames);
		sound->at += frames;
		return frames;
	}
	for (uint32_t i = 0; i < frames; i++, sound->at++)
		for (uint32_t c = 0; c < options->channels; c++, at += options->format->bytes)
			sample_put(options->format, at,
				   signal_sample(options->format, options->channels,
						 (uint32_t)sound->at, c, options->seed));
	return frames;
}

static uint32_t frame_bytes(const struct signal_options *options)
{
	return options->format->bytes * options->channels;
}

static void look_for_sound(struct signal_sound *sound, const uint8_t *at, uint32_t frames)
{
	const uint32_t bytes = frame_bytes(sound->options);
	const uint8_t quiet = sound->options->format->bytes == 1 ? 0x80 : 0;

	for (uint64_t i = 0; i < (uint64_t)frames * bytes && !sound->heard; i++) {
		sound->heard = at[i] != quiet;
		sound->silent = sound->recorded + i / bytes;
	}
}

void signal_write(void *ctx, const void *from, uint32_t frames)
{
	struct signal_sound *sound = ctx;

	look_for_sound(sound, from, frames);
	fwrite(from, frame_bytes(sound->options), frames, sound->out);
	sound->recorded += frames;
}

static void write_head(struct signal_sound *sound)
{
	const struct signal_options *options = sound->options;
	const uint32_t frame = frame_bytes(options), size = (uint32_t)sound->recorded * frame;
	uint8_t head[WAV_HEAD_BYTES + 1] = "RIFF....WAVEfmt ....................data....";

	put_le(head + 4, 36 + size, 4);
	put_le(head + 16, 16, 4);
	put_le(head + 20, options->format->tag, 2);
	put_le(head + 22, options->channels, 2);
	put_le(head + 24, options->rate_hz, 4);
	put_le(head + 28, options->rate_hz * frame, 4);
	put_le(head + 32, frame, 2);
	put_le(head + 34, options->format->bytes * 8, 2);
	put_le(head + 40, size, 4);
	rewind(sound->out);
	fwrite(head, 1, WAV_HEAD_BYTES, sound->out);
}

bool signal_sound_open(struct signal_sound *sound, const struct signal_options *options)
{
	size_t length = options->record ? strlen(options->record) : 0;

	*sound = (struct signal_sound){.options = options};
	if (!options->record)
		return true;
	sound->out = fopen(options->record, "wb");
	sound->wav = length > 4 && strcmp(options->record + length - 4, ".wav") == 0;
	if (sound->out && sound->wav)
		write_head(sound);
	return sound->out != NULL;
}

bool signal_sound_close(struct signal_sound *sound)
{
	FILE *out = sound->out;

	if (!out)
		return true;
	if (sound->wav)
		write_head(sound);
	sound->out = NULL;
	return fclose(out) == 0;
}
