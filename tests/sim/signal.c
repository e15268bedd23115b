/* SPDX-License-Identifier: BSD-3-Clause */
/* The signal, and sound files beside it. */
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct sample_row {
	uint32_t bytes, bits;
	int subtype;
};

static const struct sample_row rows[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {1, 8, SF_FORMAT_PCM_U8},    [VMSND_SAMPLE_S16] = {2, 16, SF_FORMAT_PCM_16},
    [VMSND_SAMPLE_S24] = {4, 24, SF_FORMAT_PCM_24},  [VMSND_SAMPLE_S32] = {4, 32, SF_FORMAT_PCM_32},
    [VMSND_SAMPLE_FLOAT] = {4, 32, SF_FORMAT_FLOAT},
};

struct sim_signal sim_signal(enum vmsnd_sample sample, uint32_t rate_hz, uint32_t channels)
{
	return (struct sim_signal){
	    .format = {.sample = sample, .rate_hz = rate_hz, .channels = channels},
	    .end = UINT64_MAX};
}

uint32_t sim_frame_bytes(const struct vmsnd_format *format)
{
	return rows[format->sample].bytes * format->channels;
}

/* A number that looks like any other but is the same for the same frame: neighbours differ
 * in every bit, so a lost, repeated or shifted frame cannot hide. */
static uint32_t scramble(uint64_t frame, uint32_t channel, uint32_t salt)
{
	uint64_t x = (frame + 1) * UINT64_C(0x9e3779b97f4a7c15) +
		     channel * UINT64_C(0xbf58476d1ce4e5b9) + salt * UINT64_C(0x94d049bb133111eb);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

int32_t sim_signal_sample(const struct sim_signal *signal, uint64_t frame, uint32_t channel)
{
	uint32_t value = scramble(frame, channel, signal->salt);
	uint32_t bits = rows[signal->format.sample].bits;

	if (signal->format.sample == VMSND_SAMPLE_FLOAT) {
		float sound = (float)((int32_t)value >> 8 | 1) / 8388608.0f;

		memcpy(&value, &sound, sizeof(value));
		return (int32_t)value;
	}
	value &= UINT32_MAX << (32 - bits);
	return (int32_t)(value ? value : UINT32_C(1) << (32 - bits));
}

static void put_sample(const struct sim_signal *signal, uint8_t *to, uint64_t frame,
		       uint32_t channel)
{
	uint32_t value = (uint32_t)sim_signal_sample(signal, frame, channel);
	enum vmsnd_sample sample = signal->format.sample;

	if (sample == VMSND_SAMPLE_U8)
		value = (value >> 24) ^ 0x80;
	else if (sample == VMSND_SAMPLE_S16)
		value >>= 16;
	else if (sample == VMSND_SAMPLE_S24)
		value = value >> 8 | (uint32_t)frame << 24; /* the top byte is nobody's */
	memcpy(to, &value, rows[sample].bytes);
}

static void put_frames(const struct sim_signal *signal, uint8_t *to, uint64_t at, uint64_t frames)
{
	for (uint64_t i = 0; i < frames; i++)
		for (uint32_t c = 0; c < signal->format.channels;
		     c++, to += rows[signal->format.sample].bytes)
			put_sample(signal, to, at + i, c);
}

uint32_t sim_signal_read(void *ctx, void *to, uint32_t frames)
{
	struct sim_signal *signal = ctx;

	if (frames > signal->end - signal->at)
		frames = (uint32_t)(signal->end - signal->at);
	put_frames(signal, to, signal->at, frames);
	signal->at += frames;
	return frames;
}

void sim_signal_write(void *ctx, const void *sound, uint32_t frames)
{
	struct sim_signal *signal = ctx;
	uint64_t bytes = (uint64_t)frames * sim_frame_bytes(&signal->format);

	while (signal->kept_bytes + bytes > signal->kept_room) {
		signal->kept_room = signal->kept_room * 2 + 65536;
		signal->kept = realloc(signal->kept, signal->kept_room);
		assert_non_null(signal->kept);
	}
	memcpy(signal->kept + signal->kept_bytes, sound, bytes);
	signal->kept_bytes += bytes;
	signal->at += frames;
}

struct vmsnd_guest_player sim_player(struct sim *sim, unsigned card, struct sim_signal *signal,
				     uint32_t period_frames, uint32_t periods)
{
	struct vmsnd_guest *guest = &sim->cards[card]->guest;
	int stream = vmsnd_guest_find_stream(guest, VMSND_PLAYBACK, 0);
	struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)stream,
	    .params = {signal->format, period_frames, periods},
	    .frames = signal->end,
	    .ctx = signal,
	    .read = sim_signal_read,
	    .write = sim_signal_write,
	};
	struct vmsnd_guest_player player;

	assert_true(stream >= 0);
	vmsnd_guest_player_init(&player, guest, &conf);
	return player;
}

/* ---- files -------------------------------------------------------------------------- */

struct sim_sound sim_sound_load(const char *path)
{
	SF_INFO info = {0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	struct sim_sound sound = {0};
	sf_count_t n;

	if (!file)
		fail_msg("%s: %s", path, sf_strerror(NULL));
	sound.format.rate_hz = (uint32_t)info.samplerate;
	sound.format.channels = (uint32_t)info.channels;
	sound.format.sample = (info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT
				  ? VMSND_SAMPLE_FLOAT
				  : VMSND_SAMPLE_S32;
	sound.frames = (uint64_t)info.frames;
	sound.samples = calloc((size_t)(info.frames * info.channels + 1), sizeof(*sound.samples));
	assert_non_null(sound.samples);
	if (sound.format.sample == VMSND_SAMPLE_FLOAT)
		n = sf_readf_float(file, (float *)(void *)sound.samples, info.frames);
	else
		n = sf_readf_int(file, sound.samples, info.frames);
	assert_int_equal(n, info.frames);
	sf_close(file);
	return sound;
}

void sim_sound_free(struct sim_sound *sound)
{
	free(sound->samples);
}

bool sim_sound_silent(const struct sim_sound *sound, uint64_t frame)
{
	for (uint32_t c = 0; c < sound->format.channels; c++)
		if (sound->samples[frame * sound->format.channels + c] != 0)
			return false;
	return true;
}

uint64_t sim_sound_silence(const struct sim_sound *sound, uint64_t from)
{
	uint64_t at = from;

	while (at < sound->frames && sim_sound_silent(sound, at))
		at++;
	return at - from;
}

void sim_assert_signal(const struct sim_sound *sound, uint64_t at, const struct sim_signal *signal,
		       uint64_t first, uint64_t frames)
{
	uint32_t channels = signal->format.channels;

	assert_int_equal(sound->format.channels, channels);
	assert_int_equal(sound->format.rate_hz, signal->format.rate_hz);
	if (sound->frames < at + frames)
		fail_msg("%llu frames instead of %llu", (unsigned long long)sound->frames,
			 (unsigned long long)(at + frames));
	for (uint64_t i = 0; i < frames; i++)
		for (uint32_t c = 0; c < channels; c++)
			if (sound->samples[(at + i) * channels + c] !=
			    sim_signal_sample(signal, first + i, c))
				fail_msg("frame %llu of the file is not frame %llu of the signal",
					 (unsigned long long)(at + i),
					 (unsigned long long)(first + i));
}

void sim_assert_file(const char *path, const struct sim_signal *signal, uint64_t frames,
		     uint64_t tail)
{
	struct sim_sound sound = sim_sound_load(path);

	sim_assert_signal(&sound, 0, signal, 0, frames);
	if (sound.frames - frames > tail)
		fail_msg("%llu frames too many", (unsigned long long)(sound.frames - frames));
	assert_int_equal(sim_sound_silence(&sound, frames), sound.frames - frames);
	sim_sound_free(&sound);
}

void sim_sound_save(const char *path, const struct sim_signal *signal, uint64_t frames)
{
	SF_INFO info = {.samplerate = (int)signal->format.rate_hz,
			.channels = (int)signal->format.channels,
			.format = SF_FORMAT_WAV | rows[signal->format.sample].subtype};
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);

	assert_non_null(file);
	for (uint64_t i = 0; i < frames; i++) {
		int32_t frame[VMSND_CHANNELS_MAX];

		for (uint32_t c = 0; c < signal->format.channels; c++)
			frame[c] = sim_signal_sample(signal, i, c);
		if (signal->format.sample == VMSND_SAMPLE_FLOAT)
			sf_writef_float(file, (float *)(void *)frame, 1);
		else
			sf_writef_int(file, frame, 1);
	}
	sf_close(file);
}
