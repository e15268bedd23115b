/* SPDX-License-Identifier: BSD-3-Clause */
/* A delay line: a ring that begins full of silence. What comes in is exchanged for what went in
 * so many frames ago, so the bytes of any format will do. */
#include "drivers/delay.h"

#include <string.h>

#define SWAP_BYTES 512u

struct vmsnd_driver {
	uint32_t frames;
	size_t bytes, at; /* of the line; where the oldest byte lies */
	uint32_t frame_bytes;
	uint8_t line[];
};

static const struct vmsnd_option options[] = {
    {"ms", VMSND_OPTION_UINT, "100", "how much later sound comes, in milliseconds", 0, 2000},
    {.key = NULL}};

static uint32_t frames_of(const struct vmsnd_driver_conf *conf)
{
	return (uint32_t)(vmsnd_conf_uint(conf->options, "ms") * conf->format.rate_hz / 1000);
}

static size_t footprint(const struct vmsnd_driver_conf *conf)
{
	return sizeof(struct vmsnd_driver) +
	       (size_t)frames_of(conf) * vmsnd_format_frame_bytes(&conf->format);
}

static enum vmsnd_rc init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	driver->frames = frames_of(conf);
	driver->frame_bytes = vmsnd_format_frame_bytes(&conf->format);
	driver->bytes = (size_t)driver->frames * driver->frame_bytes;
	vmsnd_format_silence_rt(&conf->format, driver->line, driver->frames);
	return VMSND_OK;
}

static void swap_rt(uint8_t *a, uint8_t *b, size_t bytes)
{
	uint8_t kept[SWAP_BYTES];

	while (bytes > 0) {
		size_t some = bytes < sizeof(kept) ? bytes : sizeof(kept);

		memcpy(kept, a, some);
		memcpy(a, b, some);
		memcpy(b, kept, some);
		a += some;
		b += some;
		bytes -= some;
	}
}

static void process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
	size_t bytes = (size_t)frames * driver->frame_bytes;
	uint8_t *next = samples;

	while (bytes > 0 && driver->bytes > 0) {
		size_t some = driver->bytes - driver->at;

		some = some < bytes ? some : bytes;
		swap_rt(driver->line + driver->at, next, some);
		driver->at = driver->at + some == driver->bytes ? 0 : driver->at + some;
		next += some;
		bytes -= some;
	}
}

static uint32_t delay_frames(const struct vmsnd_driver *driver)
{
	return driver->frames;
}

/* From the oldest frame on. */
static void save(const struct vmsnd_driver *driver, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u32(to, driver->frames);
	vmsnd_state_put(to, driver->line + driver->at, driver->bytes - driver->at);
	vmsnd_state_put(to, driver->line, driver->at);
}

static enum vmsnd_rc load(struct vmsnd_driver *driver, struct vmsnd_state_reader *from)
{
	uint32_t frames = vmsnd_state_get_u32(from);

	if (from->bad || frames != driver->frames || from->bytes - from->at < driver->bytes)
		return VMSND_E_INVALID;
	vmsnd_state_get(from, driver->line, driver->bytes);
	driver->at = 0;
	return VMSND_OK;
}

const struct vmsnd_driver_class vmsnd_delay_class = {
    .abi = VMSND_DRIVER_ABI,
    .name = "delay",
    .summary = "sound comes a while later",
    .options = options,
    .max_instances = UINT32_MAX,
    .footprint = footprint,
    .init = init,
    .process_rt = process_rt,
    .delay_frames = delay_frames,
    .save = save,
    .load = load,
    .abi_end = VMSND_DRIVER_ABI,
};
