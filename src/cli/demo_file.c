/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: what arrived, beside what was played. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"

#define FRAME_BYTES  4u
#define CHECK_FRAMES 4096u

bool demo_is_tail(const struct demo *demo, uint64_t frames, unsigned tails)
{
	return frames >= vmsnd_tune_frames() &&
	       frames <= vmsnd_tune_frames() + tails * demo->driver->tail_frames;
}

/* How many frames `file` has from where it is, and how many of the tune it begins with. */
struct compared {
	uint64_t frames, equal;
};

static struct compared compare_sound(FILE *file)
{
	int16_t wanted[CHECK_FRAMES * VMSND_TUNE_CHANNELS];
	int16_t got[CHECK_FRAMES * VMSND_TUNE_CHANNELS];
	struct compared found = {0};
	size_t n;

	while ((n = fread(got, FRAME_BYTES, CHECK_FRAMES, file)) > 0) {
		uint64_t left = vmsnd_tune_frames() - found.equal;
		uint32_t check = left < n ? (uint32_t)left : (uint32_t)n;

		vmsnd_tune_render(wanted, found.equal, check);
		if (found.equal == found.frames && memcmp(wanted, got, check * FRAME_BYTES) == 0)
			found.equal += check;
		found.frames += n;
	}
	return found;
}

/* Moves `file` to its sound: the end of the header of a canonical RIFF file. */
static bool find_sound(FILE *file)
{
	uint8_t head[12], chunk[8];

	if (fread(head, sizeof(head), 1, file) != 1 || memcmp(head, "RIFF", 4) != 0)
		return false;
	while (fread(chunk, sizeof(chunk), 1, file) == 1) {
		if (memcmp(chunk, "data", 4) == 0)
			return true;
		long bytes = chunk[4] | chunk[5] << 8 | chunk[6] << 16 | (long)chunk[7] << 24;

		if (fseek(file, bytes, SEEK_CUR))
			return false;
	}
	return false;
}

int demo_compare(struct demo *demo)
{
	FILE *file = fopen(demo->path, "rb");
	struct compared found;
	char line[400];
	int used;

	if (!file)
		return demo_failed(demo, demo->path, strerror(errno));
	if (!find_sound(file)) {
		fclose(file);
		snprintf(line, sizeof(line), "%s: not compared, as it is no WAV file", demo->path);
		demo_line("file", line);
		return VMSND_EXIT_DONE;
	}
	found = compare_sound(file);
	fclose(file);
	if (found.equal != vmsnd_tune_frames() || !demo_is_tail(demo, found.frames, 2))
		return demo_failed(demo, demo->path, "what arrived is not what was played");
	used = snprintf(line, sizeof(line), "%s: every one of the %llu frames is as it was played",
			demo->path, (unsigned long long)found.equal);
	if (found.frames > found.equal && used > 0 && (size_t)used < sizeof(line))
		snprintf(line + used, sizeof(line) - (size_t)used,
			 "; %llu more are what its driver's buffer held until it stopped",
			 (unsigned long long)(found.frames - found.equal));
	demo_line("file", line);
	return VMSND_EXIT_DONE;
}
