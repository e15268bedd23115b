/* SPDX-License-Identifier: BSD-3-Clause */
/* pipewire-streams - the PipeWire backend alone against the server of this environment.
 *
 * exact SAMPLE RATE CHANNELS PERIOD FRAMES: plays a signal, records the monitor, compares.
 *
 * stops, with the same words: so does a guest that stops and goes on all the time.
 *
 * facts: facts and devices, a line each.
 *
 * hold SECONDS: plays and says each second where; ends with what happened.
 *
 * cycle N: opens and closes N streams, and N / 10 backends.
 *
 * storm SECONDS: opens, starts, stops and closes without end while the server comes and goes.
 *
 * After these, options as on the command line of vmsnd: "in-device=sink-a,monitor=on". Exits 0 when
 * all was as it should be; the log goes to stderr. */
#include <malloc.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/pipewire/pipewire.h"

#define PATIENCE_NS   (10 * VMSND_NS_PER_SECOND)
#define STREAMS_MAX   6u
#define LATENCY_MS    2.0
#define BACKEND_BYTES 2048u

struct host {
	struct vmsnd_conf conf;
	struct vmsnd_backend *backend;
	_Atomic unsigned device_notices, devices_notices;
};

struct side {
	struct vmsnd_stream *stream;
	struct vmsnd_stream_got got;
	uint32_t frame_bytes;
	bool runs;
	uint8_t *signal; /* playback: what is played; capture: what was */
	uint64_t room_frames;
	_Atomic uint64_t frames, blocks, gaps;
	_Atomic uint32_t delay_least, delay_most, block_most;
	_Atomic unsigned ended, reopens;
	_Atomic uint64_t first_when, first_delay; /* playback: of the first block */
	_Atomic uint64_t heard_when;              /* capture: of the first frame with sound */
};

static vmsnd_ns now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (vmsnd_ns)at.tv_sec * VMSND_NS_PER_SECOND + (vmsnd_ns)at.tv_nsec;
}

static void nap(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
		  NULL);
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};

	fprintf(stderr, "%s: %s\n", words[level], line);
}

static const struct vmsnd_log log_of_all = {.write = write_line};

__attribute__((noreturn)) static void fail(const char *what)
{
	printf("failed: %s\n", what);
	exit(1);
}

/* ---- backends ---- */

static void device_changed(void *ctx, enum vmsnd_dir dir)
{
	struct host *host = ctx;

	host->device_notices++;
}

static void devices_changed(void *ctx)
{
	struct host *host = ctx;

	host->devices_notices++;
}

static bool no_job(void *ctx, void (*run)(void *arg), void *arg)
{
	return false;
}

static const struct vmsnd_backend_user backend_user = {
    .device_changed = device_changed, .devices_changed = devices_changed, .job = no_job};

static void open_host(struct host *host, const char *options)
{
	struct vmsnd_backend_conf conf = {.options = &host->conf,
					  .client_name = "the machine",
					  .log = &log_of_all,
					  .user = &backend_user,
					  .user_ctx = host};
	char error[400];

	if (vmsnd_conf_parse(&host->conf, vmsnd_pipewire_class.options, "pipewire", options, error,
			     sizeof(error)))
		fail(error);
	if (vmsnd_pipewire_class.open(&conf, &host->backend))
		fail("open");
}

static void close_host(struct host *host)
{
	vmsnd_pipewire_class.close(host->backend);
}

/* ---- the signal: noise of 24 bits, zero nowhere ---- */

static uint32_t noise(uint64_t index)
{
	uint64_t x = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 32;
	return (uint32_t)x & 0xffffff00u;
}

static void put_integer(const struct vmsnd_format *format, uint32_t value, uint8_t *to)
{
	uint32_t bytes = vmsnd_sample_bytes(format->sample);

	for (uint32_t i = 0; i < bytes; i++) {
		uint32_t at = format->big_endian ? bytes - 1 - i : i;

		to[at] = (uint8_t)(value >> (8 * i));
	}
}

static void put(const struct vmsnd_format *format, uint64_t index, uint8_t *to)
{
	uint32_t value = noise(index), bits = vmsnd_sample_bits(format->sample);
	int32_t as_signed = (int32_t)value;
	double real = (double)as_signed / 2147483648.0;
	float single = (float)real;

	switch (format->sample) {
	case VMSND_SAMPLE_U8:
		*to = (uint8_t)((value >> 24) == 0x80 ? 0x81 : value >> 24);
		break;
	case VMSND_SAMPLE_MULAW:
	case VMSND_SAMPLE_ALAW:
		/* Not the zero below zero, which G.711 has and numbers have not. */
		*to = (uint8_t)(((value >> 24) | 0x10) & 0xbf);
		break;
	case VMSND_SAMPLE_FLOAT:
		memcpy(to, &single, sizeof(single));
		break;
	case VMSND_SAMPLE_FLOAT64:
		memcpy(to, &real, sizeof(real));
		break;
	default:
		value = (uint32_t)(as_signed >> (32 - bits));
		put_integer(format, value ? value : 1, to);
	}
}

static uint8_t *make_signal(const struct vmsnd_format *format, uint64_t frames)
{
	uint32_t bytes = vmsnd_sample_bytes(format->sample);
	uint64_t samples = frames * format->channels;
	uint8_t *signal = calloc(samples + 1, bytes);

	for (uint64_t i = 0; signal && i < samples; i++)
		put(format, i, signal + i * bytes);
	return signal ? signal : calloc(1, 1);
}

/* ---- streams ---- */

static bool is_silent(const struct side *side, const uint8_t *samples, uint32_t frames)
{
	uint8_t silence[8 * VMSND_CHANNELS_MAX];

	vmsnd_format_silence_rt(&side->got.format, silence, 1);
	for (uint32_t i = 0; i < frames; i++)
		if (memcmp(samples + (size_t)i * side->frame_bytes, silence, side->frame_bytes))
			return false;
	return true;
}

static void note_block(struct side *side, const struct vmsnd_block *block)
{
	side->blocks++;
	side->gaps += block->gap;
	if (block->frames > side->block_most)
		side->block_most = block->frames;
	if (block->delay_frames > side->delay_most)
		side->delay_most = block->delay_frames;
	if (!side->delay_least || block->delay_frames < side->delay_least)
		side->delay_least = block->delay_frames;
}

static void play(void *ctx, const struct vmsnd_block *block)
{
	struct side *side = ctx;
	uint64_t at = side->frames;
	uint32_t frames = block->frames;
	uint8_t *to = block->samples;

	note_block(side, block);
	if (at == 0) {
		side->first_when = block->when;
		side->first_delay = block->delay_frames - block->frames;
	}
	if (at + frames > side->room_frames)
		frames = at < side->room_frames ? (uint32_t)(side->room_frames - at) : 0;
	if (side->signal && frames > 0)
		memcpy(to, side->signal + at * side->frame_bytes,
		       (size_t)frames * side->frame_bytes);
	vmsnd_format_silence_rt(&side->got.format, to + (size_t)frames * side->frame_bytes,
				block->frames - frames);
	side->frames = at + block->frames;
}

/* When the first frame with sound was at the microphone, as the block has it. */
static vmsnd_ns captured_at(const struct side *side, const struct vmsnd_block *block)
{
	const uint8_t *samples = block->samples;
	uint32_t silent = 0;
	uint64_t age;

	while (silent < block->frames &&
	       is_silent(side, samples + (size_t)silent * side->frame_bytes, 1))
		silent++;
	age = (uint64_t)block->delay_frames + block->frames - silent;
	return block->when - age * VMSND_NS_PER_SECOND / side->got.format.rate_hz;
}

static void record(void *ctx, const struct vmsnd_block *block)
{
	struct side *side = ctx;
	uint64_t at = side->frames;
	uint32_t frames = block->frames;

	note_block(side, block);
	if (at == 0 && is_silent(side, block->samples, frames))
		return;
	if (at == 0)
		side->heard_when = captured_at(side, block);
	if (at + frames > side->room_frames)
		frames = at < side->room_frames ? (uint32_t)(side->room_frames - at) : 0;
	if (frames == 0)
		return;
	memcpy(side->signal + at * side->frame_bytes, block->samples,
	       (size_t)frames * side->frame_bytes);
	side->frames = at + frames;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	struct side *side = ctx;

	side->ended++;
}

static void noticed(void *ctx, enum vmsnd_stream_notice what)
{
	struct side *side = ctx;

	side->reopens += what == VMSND_STREAM_REOPEN;
}

static const struct vmsnd_stream_user users[2] = {
    [VMSND_PLAYBACK] = {.block_rt = play, .ended = ended, .notice = noticed},
    [VMSND_CAPTURE] = {.block_rt = record, .ended = ended, .notice = noticed},
};

static enum vmsnd_rc open_side(struct host *host, struct side *side, enum vmsnd_dir dir,
			       const struct vmsnd_format *format, uint32_t period)
{
	struct vmsnd_stream_want want = {.dir = dir, .format = *format, .period_frames = period};
	enum vmsnd_rc rc;

	side->frame_bytes = vmsnd_format_frame_bytes(format);
	/* It may be called back before this returns. */
	side->got.format = *format;
	rc = vmsnd_pipewire_class.stream_open(host->backend, &want, &users[dir], side,
					      &side->stream, &side->got);
	if (!rc && !vmsnd_format_equal(&side->got.format, format))
		fail("another format than was wanted");
	return rc;
}

static bool await_state(struct side *side, enum vmsnd_stream_state state)
{
	vmsnd_ns end = now() + PATIENCE_NS;

	while (now() < end) {
		if (vmsnd_pipewire_class.stream_state(side->stream) == state)
			return true;
		nap(1);
	}
	return false;
}

static bool await_frames(struct side *side, uint64_t frames)
{
	vmsnd_ns end = now() + PATIENCE_NS;
	uint64_t last = 0;

	while (side->frames < frames && now() < end) {
		if (side->frames != last)
			end = now() + PATIENCE_NS;
		last = side->frames;
		nap(1);
	}
	return side->frames >= frames;
}

static void start_side(struct side *side)
{
	vmsnd_pipewire_class.stream_start(side->stream, now());
	side->runs = true;
}

static void stop_side(struct side *side)
{
	uint64_t blocks;

	vmsnd_pipewire_class.stream_stop(side->stream, now());
	side->runs = false;
	blocks = side->blocks;
	nap(20);
	if (side->blocks != blocks)
		fail("a block after stop");
}

static void close_side(struct side *side)
{
	unsigned ends = side->ended;

	vmsnd_pipewire_class.stream_close(side->stream);
	side->stream = NULL;
	side->runs = false;
	if (ends > 1)
		fail("ended more than once");
}

/* ---- exact ---- */

/* Silence inside is time that a busy machine lost, not a changed frame: how much. */
static uint64_t compare(const struct side *to, const struct side *from, uint64_t frames)
{
	uint64_t at = 0, silent = 0;
	uint32_t size = to->frame_bytes;

	for (uint64_t i = 0; at < frames && i < to->frames; i++) {
		if (memcmp(to->signal + i * size, from->signal + at * size, size) == 0) {
			at++;
		} else if (is_silent(to, to->signal + i * size, 1)) {
			silent++;
		} else {
			printf("failed (%llu gaps, %llu of who plays): frame %llu of %llu is "
			       "another one\n",
			       (unsigned long long)to->gaps, (unsigned long long)from->gaps,
			       (unsigned long long)at, (unsigned long long)frames);
			exit(1);
		}
	}
	if (at < frames)
		fail("frames are missing");
	return silent;
}

/* From the first frame's block to where it is captured: what was said and what was seen. Both ends
 * count in cycles of the same graph, so they agree to the jitter of its clock. */
static void check_latency(const struct side *out, const struct side *in, uint64_t silent)
{
	double said_ms = (double)out->first_delay * 1e3 / out->got.format.rate_hz;
	double seen_ms = ((double)in->heard_when - (double)out->first_when) / 1e6;

	printf("block %u, latency said %.2f ms, seen %.2f ms, silent %llu, gaps %llu and %llu\n",
	       out->block_most, said_ms, seen_ms, (unsigned long long)silent,
	       (unsigned long long)out->gaps, (unsigned long long)in->gaps);
	if (fabs(said_ms - seen_ms) > LATENCY_MS && silent == 0 && out->gaps == 0 && in->gaps == 0)
		fail("the latency is another one");
}

/* The guest stops and goes on, a hundred times a second: no frame it has given gets lost. */
static void stop_and_go(struct side *side, uint64_t frames)
{
	for (unsigned i = 0; side->frames < frames; i++) {
		uint32_t dice = noise(i) >> 8;

		nap(dice & 15);
		vmsnd_pipewire_class.stream_stop(side->stream, now());
		nap(dice >> 4 & 7);
		vmsnd_pipewire_class.stream_start(side->stream, now());
	}
}

static int exact_with(char **words, int n, bool stops)
{
	struct vmsnd_format format = {.sample = vmsnd_sample_find(words[0]),
				      .rate_hz = (uint32_t)atoi(words[1]),
				      .channels = (uint32_t)atoi(words[2])};
	uint32_t period = (uint32_t)atoi(words[3]);
	uint64_t frames = (uint64_t)atoll(words[4]);
	static struct host host;
	static struct side out, in;

	open_host(&host, n > 5 ? words[5] : "out-device=sink-a,in-device=sink-a,monitor=on");
	out.room_frames = frames;
	out.signal = make_signal(&format, frames);
	in.room_frames = (stops ? 16 : 2) * frames;
	in.signal = calloc(in.room_frames, vmsnd_format_frame_bytes(&format));
	if (open_side(&host, &in, VMSND_CAPTURE, &format, period) ||
	    open_side(&host, &out, VMSND_PLAYBACK, &format, period))
		fail("stream_open");
	if (!await_state(&in, VMSND_STREAM_OKAY) || !await_state(&out, VMSND_STREAM_OKAY))
		fail("not linked");
	start_side(&in);
	for (vmsnd_ns end = now() + PATIENCE_NS; in.blocks < 4;) {
		if (now() > end)
			fail("nothing is recorded");
		nap(1);
	}
	start_side(&out);
	if (stops)
		stop_and_go(&out, frames);
	/* With room for silence that was not ours. */
	if (!await_frames(&in, (stops ? in.frames : frames) + frames / 4))
		fail("too little was recorded");
	stop_side(&out);
	stop_side(&in);
	check_latency(&out, &in, compare(&in, &out, frames));
	if (out.block_most > out.got.max_frames || out.block_most > out.got.period_frames)
		fail("a block that is longer than was said");
	close_side(&out);
	close_side(&in);
	close_host(&host);
	free(out.signal);
	free(in.signal);
	return 0;
}

static int exact(char **words, int n)
{
	return exact_with(words, n, false);
}

static int stops(char **words, int n)
{
	return exact_with(words, n, true);
}

/* ---- facts ---- */

static int facts(char **words, int n)
{
	static const char *const names[] = {"server",  "socket", "user",    "playback",
					    "capture", "format", "trouble", "advice"};
	static struct host host;
	struct vmsnd_fact list[16];
	struct vmsnd_host_device devices[16];
	size_t n_facts, n_devices;

	open_host(&host, n > 0 ? words[0] : "");
	n_facts = vmsnd_pipewire_class.facts(host.backend, list, 16);
	for (size_t i = 0; i < n_facts && i < 16; i++)
		printf("%s: %s\n", names[list[i].name], list[i].text);
	n_devices = vmsnd_pipewire_class.devices(host.backend, devices, 16);
	for (size_t i = 0; i < n_devices && i < 16; i++)
		printf("device: %s (%s) %u/%u%s%s%s\n", devices[i].id, devices[i].name,
		       devices[i].playback_channels, devices[i].capture_channels,
		       devices[i].default_playback ? " default-out" : "",
		       devices[i].default_capture ? " default-in" : "",
		       devices[i].hot_plug ? " hot-plug" : "");
	printf("set: %s\n", vmsnd_rc_text(vmsnd_pipewire_class.device_set(
				host.backend, VMSND_PLAYBACK, "no such device")));
	close_host(&host);
	return 0;
}

/* ---- hold ---- */

static const char *state_of(const struct side *side)
{
	static const char *const words[] = {"initializing", "not-working", "okay", "draining",
					    "inactive"};

	return side->stream ? words[vmsnd_pipewire_class.stream_state(side->stream)] : "closed";
}

static void say_place(const struct host *host, const struct side *side)
{
	struct vmsnd_stream_place place = {.device = ""};

	if (side->stream)
		vmsnd_pipewire_class.stream_place(side->stream, &place);
	printf("%s on %s (%s) volume %d %d%s xruns %llu blocks %llu notices %u %u\n",
	       state_of(side), place.device, place.name, place.has_volume, place.gain_mdb,
	       place.muted ? " muted" : "", (unsigned long long)place.xruns,
	       (unsigned long long)side->blocks, host->device_notices, host->devices_notices);
	fflush(stdout);
}

/* As the connector does it: opened when the server is there, opened anew when it was lost. */
static void care(struct host *host, struct side *side, const struct vmsnd_format *format)
{
	enum vmsnd_stream_state state;

	if (side->stream && (side->ended || side->reopens)) {
		close_side(side);
		side->ended = side->reopens = 0;
	}
	if (!side->stream && open_side(host, side, VMSND_PLAYBACK, format, 480)) {
		side->stream = NULL;
		return;
	}
	state = vmsnd_pipewire_class.stream_state(side->stream);
	if (state == VMSND_STREAM_OKAY && !side->runs)
		start_side(side);
	else if (state == VMSND_STREAM_INACTIVE && side->runs)
		stop_side(side);
}

static int hold(char **words, int n)
{
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	vmsnd_ns begin = now(), end = begin + (vmsnd_ns)atoi(words[0]) * VMSND_NS_PER_SECOND;
	static struct host host;
	static struct side side;
	char last[16] = "";

	open_host(&host, n > 1 ? words[1] : "");
	for (vmsnd_ns next = begin; now() < end;) {
		care(&host, &side, &format);
		if (now() >= next || strcmp(last, state_of(&side)) != 0) {
			printf("%.2f ", (double)(now() - begin) / 1e9);
			say_place(&host, &side);
			snprintf(last, sizeof(last), "%s", state_of(&side));
			next = now() + VMSND_NS_PER_SECOND;
		}
		nap(5);
	}
	if (side.stream)
		close_side(&side);
	close_host(&host);
	return 0;
}

/* ---- cycle ---- */

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t in_use(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t in_use(void)
{
	return mallinfo2().uordblks;
}
#endif

/* One stream: opened, perhaps linked, perhaps heard for a moment, closed. */
static void cycle_one(struct host *host, struct side *side, unsigned i)
{
	const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

	if (open_side(host, side, i % 2 ? VMSND_CAPTURE : VMSND_PLAYBACK, &format, 480))
		fail("stream_open");
	if (i % 5 == 0 && !await_state(side, VMSND_STREAM_OKAY))
		fail("not linked");
	start_side(side);
	if (i % 3 == 0)
		nap(5);
	close_side(side);
	if (side->ended)
		fail("ended");
}

/* What is in use is looked at while no backend is open: closed streams may take a moment. */
static int cycle(char **words, int n)
{
	unsigned rounds = (unsigned)atoi(words[0]) / 10, early_round = rounds / 4;
	static struct host host;
	static struct side side;
	size_t early = 0;

	for (unsigned round = 0; round < rounds; round++) {
		open_host(&host, n > 1 ? words[1] : "");
		for (unsigned i = 0; i < 10; i++)
			cycle_one(&host, &side, 10 * round + i);
		close_host(&host);
		if (round == early_round)
			early = in_use();
	}
	printf("in use after a quarter %zu, at the end %zu\n", early, in_use());
	/* libpipewire keeps some bytes for each time that it is set up. */
	if (in_use() > early + BACKEND_BYTES * (rounds - early_round))
		fail("memory grows");
	return 0;
}

/* ---- storm ---- */

static int storm(char **words, int n)
{
	static const struct vmsnd_format format = {
	    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};
	vmsnd_ns end = now() + (vmsnd_ns)atoi(words[0]) * VMSND_NS_PER_SECOND;
	static struct host host;
	static struct side sides[STREAMS_MAX];
	unsigned opened = 0, refused = 0, lost = 0;

	open_host(&host, n > 1 ? words[1] : "");
	for (unsigned round = 0; now() < end; round++) {
		uint32_t dice = noise(round) >> 8;
		struct side *side = &sides[dice % STREAMS_MAX];

		if (!side->stream) {
			memset(side, 0, sizeof(*side));
			if (open_side(&host, side, dice & 64 ? VMSND_PLAYBACK : VMSND_CAPTURE,
				      &format, 256u << (dice >> 12 & 3))) {
				side->stream = NULL;
				refused++;
			} else {
				opened++;
			}
		} else if (side->ended || (dice >> 8 & 3) == 0) {
			lost += side->ended;
			close_side(side);
		} else if (dice >> 8 & 1) {
			start_side(side);
		} else {
			vmsnd_pipewire_class.stream_stop(side->stream, now());
		}
		nap(dice >> 16 & 7);
	}
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (sides[i].stream)
			close_side(&sides[i]);
	close_host(&host);
	printf("opened %u refused %u lost %u\n", opened, refused, lost);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		int (*run)(char **words, int n);
		int least;
	} table[] = {{"exact", exact, 5}, {"stops", stops, 5}, {"facts", facts, 0},
		     {"hold", hold, 1},   {"cycle", cycle, 1}, {"storm", storm, 1}};

	for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(argv[1], table[i].word) == 0 && argc - 2 >= table[i].least)
			return table[i].run(argv + 2, argc - 2);
	fprintf(stderr, "usage: %s exact|stops|facts|hold|cycle|storm ...\n", argv[0]);
	return 2;
}
