/* SPDX-License-Identifier: BSD-3-Clause */
/* V40-V56 and V65: SET_PARAMS. */
#include "stream.h"

/* Each row begins with a stream that would be accepted, and spoils one thing. */
typedef void (*spoil_fn)(struct run *run, struct stream *stream);

static void each_stream(struct run *run, spoil_fn spoil)
{
	for (uint32_t i = 0; i < run->n_streams && run->verdict != VERDICT_FAIL; i++) {
		struct stream stream;

		stream_describe(run, i, &stream);
		spoil(run, &stream);
	}
}

static void accepted(struct run *run, struct stream *stream)
{
	stream_set(stream);
}

static void set_params(struct run *run)
{
	each_stream(run, accepted);
}

/* For a format or a rate, everything else stays as it is. */
static void adapt(struct stream *stream)
{
	stream->rate_hz = rate_of(stream->params.rate);
	stream->frame_bytes = format_bytes(stream->params.format) * stream->params.channels;
	stream->params.period_bytes = stream->rate_hz * PERIOD_MS / 1000 * stream->frame_bytes;
	stream->params.buffer_bytes = stream->params.period_bytes * PERIODS;
}

static void formats_of(struct run *run, struct stream *stream)
{
	for (uint8_t format = 1; format <= 24; format++)
		if (run->streams[stream->id].formats & BIT(format)) {
			stream->params.format = format;
			adapt(stream);
			if (!stream_ready(stream) || !stream_do(stream, R_RELEASE))
				return;
		}
}

static void formats(struct run *run)
{
	each_stream(run, formats_of);
}

static void rates_of(struct run *run, struct stream *stream)
{
	for (uint8_t rate = 0; rate <= 15; rate++)
		if (run->streams[stream->id].rates & BIT(rate)) {
			stream->params.rate = rate;
			adapt(stream);
			if (!stream_ready(stream) || !stream_do(stream, R_RELEASE))
				return;
		}
}

static void rates(struct run *run)
{
	each_stream(run, rates_of);
}

static void channels_of(struct run *run, struct stream *stream)
{
	const struct pcm_info *info = &run->streams[stream->id];

	for (unsigned n = info->channels_min ? info->channels_min : 1; n <= info->channels_max;
	     n++) {
		stream->params.channels = (uint8_t)n;
		adapt(stream);
		if (!stream_ready(stream) || !stream_do(stream, R_RELEASE))
			return;
	}
}

static void channels(struct run *run)
{
	each_stream(run, channels_of);
}

/* ---- what has to be refused ---------------------------------------------------------------------
 */

static bool refuses(struct stream *stream, const char *what, unsigned value)
{
	uint32_t status = request_params(stream->run, stream->id, &stream->params);

	return run_expect(stream->run, is_refusal(status), "stream %u, %s %u: %s", stream->id, what,
			  value, status_text(status));
}

static void odd_period(struct run *run, struct stream *stream)
{
	const struct params good = stream->params;

	stream->params.period_bytes = 0;
	refuses(stream, "period_bytes", 0);
	stream->params.period_bytes = good.period_bytes;
	stream->params.buffer_bytes = 0;
	refuses(stream, "buffer_bytes", 0);
	stream->params.buffer_bytes = good.buffer_bytes + stream->frame_bytes;
	refuses(stream, "buffer_bytes", stream->params.buffer_bytes);
	stream->params.buffer_bytes = good.period_bytes / 2;
	refuses(stream, "buffer_bytes", stream->params.buffer_bytes);
}

static void whole_buffer(struct run *run)
{
	each_stream(run, odd_period);
}

static void wrong_channels(struct run *run, struct stream *stream)
{
	const struct pcm_info *info = &run->streams[stream->id];
	const unsigned wrong[] = {0, info->channels_min - 1u, info->channels_max + 1u, 255};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint32_t status;

		if (wrong[i] > 255 ||
		    (wrong[i] >= info->channels_min && wrong[i] <= info->channels_max))
			continue;
		stream->params.channels = (uint8_t)wrong[i];
		/* Whole frames of whatever it is. */
		stream->params.period_bytes = 480u * 4 * (wrong[i] ? wrong[i] : 1);
		stream->params.buffer_bytes = stream->params.period_bytes * PERIODS;
		status = request_params(run, stream->id, &stream->params);
		run_must(run, status != S_OK, "stream %u of %u to %u channels takes %u", stream->id,
			 info->channels_min, info->channels_max, wrong[i]);
	}
}

static void channel_range(struct run *run)
{
	each_stream(run, wrong_channels);
}

static void wrong_numbers(struct run *run, struct stream *stream)
{
	static const uint8_t beyond[] = {25, 26, 31, 32, 63, 64, 65, 69, 71, 127, 128, 255};
	const struct pcm_info *info = &run->streams[stream->id];
	const struct params good = stream->params;

	for (unsigned i = 0; i < 25 + sizeof(beyond); i++) {
		uint8_t number = i < 25 ? (uint8_t)i : beyond[i - 25];

		if (number > 63 || !(info->formats & BIT(number))) {
			stream->params = good;
			stream->params.format = number;
			run_must(run, request_params(run, stream->id, &stream->params) != S_OK,
				 "stream %u takes format %u, which it does not offer", stream->id,
				 number);
		}
		if (number > 63 || !(info->rates & BIT(number))) {
			stream->params = good;
			stream->params.rate = number;
			run_must(run, request_params(run, stream->id, &stream->params) != S_OK,
				 "stream %u takes rate %u, which it does not offer", stream->id,
				 number);
		}
	}
}

static void numbers(struct run *run)
{
	each_stream(run, wrong_numbers);
}

static void wrong_features(struct run *run, struct stream *stream)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		if (run->streams[stream->id].features & (1u << bit))
			continue;
		stream->params.features = 1u << bit;
		run_must(run, request_params(run, stream->id, &stream->params) != S_OK,
			 "stream %u takes feature %u, which it does not offer", stream->id, bit);
	}
	stream->params.features = 3;
	run_must(run, request_params(run, stream->id, &stream->params) != S_OK,
		 "stream %u takes both kinds of shared memory at once", stream->id);
}

static void features(struct run *run)
{
	each_stream(run, wrong_features);
}

static void padding_of(struct run *run, struct stream *stream)
{
	uint32_t status;

	stream->params.padding = 0xff;
	status = request_params(run, stream->id, &stream->params);
	run_expect(run, status == S_OK, "stream %u with padding 0xff: %s", stream->id,
		   status_text(status));
}

static void padding(struct run *run)
{
	each_stream(run, padding_of);
}

static void part_frame(struct run *run, struct stream *stream)
{
	if (stream->frame_bytes < 2)
		return;
	stream->params.period_bytes++;
	stream->params.buffer_bytes = stream->params.period_bytes * PERIODS;
	refuses(stream, "period_bytes", stream->params.period_bytes);
}

static void whole_frames(struct run *run)
{
	each_stream(run, part_frame);
}

/* Sizes that no host has room for, in whole periods. */
static void large_of(struct run *run, struct stream *stream)
{
	static const uint32_t sizes[] = {0x80000000, 0xfffffff0, 0xffffff00};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		stream->params.buffer_bytes = stream->params.period_bytes = sizes[i];
		if (request_params(run, stream->id, &stream->params) == S_OK)
			request_command(run, R_PREPARE, stream->id);
		stream_describe(run, stream->id, stream);
	}
	request_command(run, R_RELEASE, stream->id);
	stream_set(stream);
}

static void large(struct run *run)
{
	each_stream(run, large_of);
}

static void again_of(struct run *run, struct stream *stream)
{
	for (unsigned i = 0; i < 20; i++) {
		stream->params.buffer_bytes = stream->params.period_bytes * (2 + i % 7);
		if (!stream_ready(stream))
			return;
	}
}

static void again(struct run *run)
{
	each_stream(run, again_of);
}

static void unknown_stream(struct run *run)
{
	const uint32_t ids[] = {run->front->config.streams, 0x80000000, UINT32_MAX};
	struct stream stream;

	if (run->n_streams == 0)
		return;
	stream_describe(run, 0, &stream);
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		for (uint32_t code = R_PREPARE; code <= R_STOP; code++) {
			uint32_t status = request_command(run, code, ids[i]);

			run_must(run, status != S_OK, "command 0x%x of stream %u is answered OK",
				 code, ids[i]);
			run_expect(run, status == S_BAD_MSG, "command 0x%x of stream %u: %s", code,
				   ids[i], status_text(status));
		}
		run_must(run, request_params(run, ids[i], &stream.params) != S_OK,
			 "SET_PARAMS of stream %u is answered OK", ids[i]);
	}
}

static const struct row rows[] = {
    {"V40", "formats", 'F', NEED_RINGS, "every format that is offered is accepted (V40-V45)",
     formats},
    {"V46", "rates", 'F', NEED_RINGS, "every rate that is offered is accepted (V46-V48)", rates},
    {"V38", "channels", 'F', NEED_RINGS, "every channel count that is offered is accepted",
     channels},
    {"V49", "params", 'F', NEED_RINGS, "parameters that are offered are accepted", set_params},
    {"V50", "division", 'D', NEED_RINGS,
     "a buffer is a whole number of periods, none of them empty", whole_buffer},
    {"V51", "channels", 'D', NEED_RINGS, "channels out of range are refused", channel_range},
    {"V52", "numbers", 'D', NEED_RINGS, "formats and rates not offered are refused, also beyond 63",
     numbers},
    {"V53", "features", 'D', NEED_RINGS, "stream features not offered are refused", features},
    {"V54", "padding", 'D', NEED_RINGS, "the padding byte does not matter", padding},
    {"V55", "large", 'M', NEED_RINGS, "impossible sizes harm nobody", large},
    {"V56", "frames", 'P', NEED_RINGS, "a period is a whole number of frames", whole_frames},
    {"V58", "unknown", 'P', NEED_RINGS, "commands for streams that there are not are refused",
     unknown_stream},
    {"V65", "again", 'P', NEED_RINGS, "parameters can be set again after PREPARE", again},
};

const struct row_table rows_params = {rows, sizeof(rows) / sizeof(rows[0])};
