/* SPDX-License-Identifier: BSD-3-Clause */
/* The signal, and sound files beside it. */
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct sample_row {
	uint32_t bytes, bits;
	bool is_signed;
	int subtype; /* what a WAV keeps it as */
};

static const struct sample_row rows[VMSND_SAMPLE_COUNT] = {
    [VMSND_SAMPLE_U8] = {1, 8, false, SF_FORMAT_PCM_U8},
    [VMSND_SAMPLE_S8] = {1, 8, true, SF_FORMAT_PCM_U8},
    [VMSND_SAMPLE_U16] = {2, 16, false, SF_FORMAT_PCM_16},
    [VMSND_SAMPLE_S16] = {2, 16, true, SF_FORMAT_PCM_16},
    [VMSND_SAMPLE_U18_3] = {3, 18, false, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_S18_3] = {3, 18, true, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_U20_3] = {3, 20, false, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_S20_3] = {3, 20, true, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_U24_3] = {3, 24, false, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_S24_3] = {3, 24, true, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_U20] = {4, 20, false, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_S20] = {4, 20, true, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_U24] = {4, 24, false, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_S24] = {4, 24, true, SF_FORMAT_PCM_24},
    [VMSND_SAMPLE_U32] = {4, 32, false, SF_FORMAT_PCM_32},
    [VMSND_SAMPLE_S32] = {4, 32, true, SF_FORMAT_PCM_32},
    [VMSND_SAMPLE_FLOAT] = {4, 32, false, SF_FORMAT_FLOAT},
    [VMSND_SAMPLE_FLOAT64] = {8, 32, false, SF_FORMAT_DOUBLE},
    [VMSND_SAMPLE_MULAW] = {1, 8, false, SF_FORMAT_ULAW},
    [VMSND_SAMPLE_ALAW] = {1, 8, false, SF_FORMAT_ALAW},
    /* Bits are all there is to them. */
    [VMSND_SAMPLE_IEC958_SUBFRAME] = {4, 32, true, 0},
    [VMSND_SAMPLE_DSD_U8] = {1, 8, true, 0},
    [VMSND_SAMPLE_DSD_U16] = {2, 16, true, 0},
    [VMSND_SAMPLE_DSD_U32] = {4, 32, true, 0},
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

/* ITU-T G.711, as 16 bits. */
static int32_t mulaw(uint8_t byte)
{
	uint32_t bits = ~(uint32_t)byte & 0xff;
	int32_t size = (int32_t)((((bits & 15) << 3) + 132) << (bits >> 4 & 7)) - 132;

	return bits & 0x80 ? -size : size;
}

static int32_t alaw(uint8_t byte)
{
	uint32_t bits = byte ^ 0x55u, segment = bits >> 4 & 7;
	int32_t size = (int32_t)((bits & 15) << 4) + 8;

	if (segment > 0)
		size = (size + 256) << (segment - 1);
	return bits & 0x80 ? size : -size;
}

static bool is_law(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_MULAW || sample == VMSND_SAMPLE_ALAW;
}

static bool is_float(enum vmsnd_sample sample)
{
	return sample == VMSND_SAMPLE_FLOAT || sample == VMSND_SAMPLE_FLOAT64;
}

/* Never the smallest ones, which are silence. */
static uint8_t law_byte(uint32_t value)
{
	uint8_t byte = (uint8_t)(value >> 24);

	return (byte & 0x7f) == 0x55 || (byte & 0x7f) == 0x7f ? 0x10 : byte;
}

int32_t sim_signal_sample(const struct sim_signal *signal, uint64_t frame, uint32_t channel)
{
	uint32_t value = scramble(frame, channel, signal->salt);
	uint32_t bits = rows[signal->format.sample].bits;

	if (is_float(signal->format.sample)) {
		float sound = (float)((int32_t)value >> 8 | 1) / 8388608.0f;

		memcpy(&value, &sound, sizeof(value));
		return (int32_t)value;
	}
	if (signal->format.sample == VMSND_SAMPLE_MULAW)
		return mulaw(law_byte(value)) * 65536;
	if (signal->format.sample == VMSND_SAMPLE_ALAW)
		return alaw(law_byte(value)) * 65536;
	value &= UINT32_MAX << (32 - bits);
	return (int32_t)(value ? value : UINT32_C(1) << (32 - bits));
}

static void put_frames(const struct sim_signal *signal, uint8_t *to, uint64_t at, uint64_t frames);

/* Bits beyond those that count are nobody's: noise. */
static uint32_t integer(const struct sample_row *row, uint32_t value, uint64_t frame)
{
	value >>= 32 - row->bits;
	if (!row->is_signed)
		value ^= UINT32_C(1) << (row->bits - 1);
	return row->bits < 32 ? value | (uint32_t)frame << row->bits : value;
}

/* Those bits as we write them: the sign's, or zero. */
static uint32_t plain_integer(const struct sample_row *row, uint32_t value)
{
	uint32_t beyond = row->bits < 32 ? UINT32_MAX << row->bits : 0;

	value &= ~beyond;
	return row->is_signed && value >> (row->bits - 1) & 1 ? value | beyond : value;
}

void sim_signal_plain(const struct sim_signal *signal, void *to, uint64_t frames)
{
	const struct sample_row *row = &rows[signal->format.sample];
	struct sim_signal copy = *signal;
	uint8_t *at = to;
	uint32_t value;

	put_frames(&copy, to, 0, frames);
	for (uint64_t i = 0; i < frames * signal->format.channels; i++, at += row->bytes) {
		if (row->bytes > 4 || is_law(signal->format.sample))
			continue;
		value = 0;
		memcpy(&value, at, row->bytes);
		value = plain_integer(row, value);
		memcpy(at, &value, row->bytes);
	}
}

static void put_sample(const struct sim_signal *signal, uint8_t *to, uint64_t frame,
		       uint32_t channel)
{
	uint32_t value = (uint32_t)sim_signal_sample(signal, frame, channel);
	enum vmsnd_sample sample = signal->format.sample;
	float sound;
	double twice;

	if (is_law(sample)) {
		*to = law_byte(scramble(frame, channel, signal->salt));
		return;
	}
	if (!is_float(sample))
		value = integer(&rows[sample], value, frame);
	if (sample == VMSND_SAMPLE_FLOAT64) {
		memcpy(&sound, &value, sizeof(sound));
		twice = sound;
		memcpy(to, &twice, sizeof(twice));
		return;
	}
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

struct vmsnd_guest_player sim_recorder(struct sim *sim, unsigned card, struct sim_signal *into,
				       uint32_t period_frames, uint32_t periods)
{
	struct vmsnd_guest *guest = &sim->cards[card]->guest;
	int stream = vmsnd_guest_find_stream(guest, VMSND_CAPTURE, 0);
	struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)stream,
	    .params = {into->format, period_frames, periods},
	    .frames = into->end,
	    .ctx = into,
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
	sound.format.sample = (info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT ||
				      (info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_DOUBLE
				  ? VMSND_SAMPLE_FLOAT
				  : VMSND_SAMPLE_S32;
	if ((info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_ALAW)
		sound.quiet = 8 * 65536;
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
		if (llabs(sound->samples[frame * sound->format.channels + c]) > sound->quiet)
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
		if (is_float(signal->format.sample))
			sf_writef_float(file, (float *)(void *)frame, 1);
		else
			sf_writef_int(file, frame, 1);
	}
	sf_close(file);
}
