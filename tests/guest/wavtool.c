/* SPDX-License-Identifier: BSD-3-Clause */
/* wavtool.c - test signals whose every frame can be told apart, and what became of them.
 *
 *   wavtool gen FORMAT RATE CHANNELS FRAMES SEED OUT     OUT is a WAV file if it ends in .wav, else
 * raw wavtool check ARRIVED FORMAT RATE CHANNELS FRAMES SEED [FRAMES SEED]... ARRIVED (a WAV file,
 * or raw frames of that FORMAT) beside the signals, one after the other wavtool compare PLAYED.wav
 * ARRIVED.wav
 *   wavtool line ARRIVED.wav RATE FRAMES    numbered frames (16-bit stereo, seed 0) after another
 * rate: whether the numbers, which are the left channel's samples, still lie on one line
 *
 * check and compare print one line of key=value. Exit 0: every frame arrived once, in order;
 * 1: not so; 2: cannot be read or wrong usage. Silence is reported, and judged by the caller.
 * line: expected, arrived, first (the line's place at the first frame), off (frames beside it).
 * -p as first argument: the end may be missing (a play that was cut off). -tMS: after each signal,
 * frames of anything for MS ms at most are no fault; they are told as `stale`, with the fewest and
 * the most after one signal: hardware whose engine runs on until the driver stops it. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbered.h"

#define WINDOW    16u /* frames that together name their place in the signal */
#define MAX_ITEMS 16u

/* Frames of any format, each sample moved to the top of 32 bits. */
struct sound {
	const struct format *format;
	uint32_t rate, channels;
	size_t frames;
	int32_t *samples;
	const char *header; /* exact, short, long or none */
};

struct verdict {
	size_t lead, trail, between, gaps, gap_frames, good, lost, repeated, bad, end;
	size_t jumps, jump_to; /* jump_to: the last one's */
	size_t stale, stale_least, stale_most;
};

struct options {
	bool partial;
	uint32_t tail_ms;
};

static _Noreturn void die(const char *what, const char *name)
{
	fprintf(stderr, "wavtool: %s: %s\n", name, what);
	exit(2);
}

static void *grab(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("no memory", "wavtool");
	return p;
}

/* samples */

static void signal_fill(struct sound *s, size_t at, uint32_t frames, uint32_t seed)
{
	for (uint32_t n = 0; n < frames; n++)
		for (uint32_t c = 0; c < s->channels; c++)
			s->samples[(at + n) * s->channels + c] =
			    signal_sample(s->format, s->channels, n, c, seed);
}

static const struct format *format_named(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	die("no such format", name);
	return NULL;
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end || v > 1u << 30)
		die("not a number", text);
	return (uint32_t)v;
}

/* files */

static bool ends_in_wav(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".wav");
}

static uint8_t *slurp(const char *name, size_t *len)
{
	FILE *f = fopen(name, "rb");
	long n;
	uint8_t *b;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		die("cannot be read", name);
	rewind(f);
	b = grab((size_t)n, 1);
	*len = fread(b, 1, (size_t)n, f);
	fclose(f);
	return b;
}

static void samples_from(struct sound *s, const uint8_t *p, size_t len)
{
	s->frames = len / (s->format->bytes * s->channels);
	s->samples = grab(s->frames * s->channels, sizeof *s->samples);
	for (size_t i = 0; i < s->frames * s->channels; i++)
		s->samples[i] = sample_get(s->format, p + i * s->format->bytes);
}

static void wav_format(struct sound *s, const uint8_t *p, uint32_t len, const char *name)
{
	uint32_t tag, bytes;

	if (len < 16)
		die("format chunk too short", name);
	tag = le(p, 2);
	if (tag == 0xfffe && len >= 40) /* WAVE_FORMAT_EXTENSIBLE: the tag opens the subformat */
		tag = le(p + 24, 2);
	s->channels = le(p + 2, 2);
	s->rate = le(p + 4, 4);
	bytes = s->channels ? le(p + 12, 2) / s->channels : 0;
	for (size_t i = 0; i < N_FORMATS; i++)
		if (formats[i].tag == tag && formats[i].bytes == bytes)
			s->format = &formats[i];
	if (!s->format)
		die("format not known here", name);
}

/* What lies in the file counts, not what its header says; whether they agree is told. */
static void sound_read_wav(struct sound *s, const char *name)
{
	size_t len, at = 12;
	uint8_t *b = slurp(name, &len);

	if (len < 12 || memcmp(b, "RIFF", 4) || memcmp(b + 8, "WAVE", 4))
		die("no WAV header", name);
	while (at + 8 <= len) {
		uint32_t n = le(b + at + 4, 4);

		at += 8;
		if (!memcmp(b + at - 8, "data", 4)) {
			if (!s->format)
				die("no format chunk", name);
			s->header = n == len - at ? "exact" : n < len - at ? "short" : "long";
			/* a whole chunk may be followed by others */
			samples_from(s, b + at, n && n < len - at ? n : len - at);
			free(b);
			return;
		}
		if (!memcmp(b + at - 8, "fmt ", 4) && n <= len - at)
			wav_format(s, b + at, n, name);
		at += n + (n & 1);
	}
	die("no data chunk", name);
}

static void sound_write(const struct sound *s, const char *name)
{
	uint32_t frame = s->format->bytes * s->channels, size = (uint32_t)s->frames * frame;
	uint8_t head[44] = "RIFF....WAVEfmt ....................data", *b = grab(size, 1);
	FILE *f = fopen(name, "wb");

	if (!f)
		die("cannot be written", name);
	for (size_t i = 0; i < s->frames * s->channels; i++)
		sample_put(s->format, b + i * s->format->bytes, s->samples[i]);
	if (ends_in_wav(name)) {
		if (!s->format->tag)
			die("this format has no WAV form", s->format->name);
		put_le(head + 4, 36 + size, 4);
		put_le(head + 16, 16, 4);
		put_le(head + 20, s->format->tag, 2);
		put_le(head + 22, s->channels, 2);
		put_le(head + 24, s->rate, 4);
		put_le(head + 28, s->rate * frame, 4);
		put_le(head + 32, frame, 2);
		put_le(head + 34, s->format->bytes * 8, 2);
		put_le(head + 40, size, 4);
		fwrite(head, 1, sizeof head, f);
	}
	fwrite(b, 1, size, f);
	if (fclose(f))
		die("cannot be written", name);
	free(b);
}

/* comparing */

struct index {
	size_t mask;
	uint32_t *slots; /* 1 + place in the signal */
};

static uint64_t window_hash(const struct sound *s, size_t at)
{
	uint64_t h = 0;

	for (size_t i = at * s->channels; i < (at + WINDOW) * s->channels; i++)
		h = mix(h * 31 + (uint32_t)s->samples[i] + 1);
	return h;
}

static bool same(const struct sound *a, size_t i, const struct sound *e, size_t j, size_t frames)
{
	return !memcmp(a->samples + i * a->channels, e->samples + j * e->channels,
		       frames * a->channels * sizeof *a->samples);
}

static struct index index_build(const struct sound *e)
{
	struct index x = {1, NULL};

	while (x.mask < 4 * e->frames)
		x.mask *= 2;
	x.slots = grab(x.mask, sizeof *x.slots);
	x.mask--;
	for (size_t j = 0; j + WINDOW <= e->frames; j++) {
		size_t k = window_hash(e, j) & x.mask;

		while (x.slots[k])
			k = (k + 1) & x.mask;
		x.slots[k] = (uint32_t)j + 1;
	}
	return x;
}

static long index_find(const struct index *x, const struct sound *e, const struct sound *a,
		       size_t i)
{
	if (i + WINDOW > a->frames)
		return -1;
	for (size_t k = window_hash(a, i) & x->mask; x->slots[k]; k = (k + 1) & x->mask)
		if (same(a, i, e, x->slots[k] - 1, WINDOW))
			return (long)x->slots[k] - 1;
	return -1;
}

/* Takes silent frames out; quiet[i] says how many stood before frame i. */
static uint32_t *squeeze(struct sound *a, struct verdict *v)
{
	uint32_t *quiet = grab(a->frames + 1, sizeof *quiet), run = 0;
	size_t kept = 0, bytes = a->channels * sizeof *a->samples;

	for (size_t i = 0; i < a->frames; i++) {
		bool silent = true;

		for (uint32_t c = 0; c < a->channels; c++)
			silent &= a->samples[i * a->channels + c] == 0;
		if (silent) {
			run++;
			continue;
		}
		memmove(a->samples + kept * a->channels, a->samples + i * a->channels, bytes);
		quiet[kept++] = run;
		run = 0;
	}
	a->frames = kept;
	v->trail = run;
	return quiet;
}

static void silence_judge(struct verdict *v, uint32_t frames, size_t at, const size_t *starts)
{
	if (!frames)
		return;
	for (size_t k = 0; starts[k] != SIZE_MAX; k++)
		if (starts[k] == at) {
			*(at ? &v->between : &v->lead) += frames;
			return;
		}
	v->gaps++;
	v->gap_frames += frames;
	if (v->gaps <= 8)
		fprintf(stderr, "# gap: %u silent frames before frame %zu\n", frames, at);
}

static bool begins(const size_t *starts, size_t at)
{
	while (*starts != SIZE_MAX && *starts != at)
		starts++;
	return *starts == at;
}

static void tail_judge(struct verdict *v, size_t *after)
{
	v->stale += *after;
	v->stale_least = *after < v->stale_least ? *after : v->stale_least;
	v->stale_most = *after > v->stale_most ? *after : v->stale_most;
	*after = 0;
}

/* `most`: frames that may follow the end of a signal. */
static void align(const struct sound *e, struct sound *a, const size_t *starts, size_t most,
		  struct verdict *v)
{
	uint32_t *quiet = squeeze(a, v);
	struct index x = index_build(e);
	size_t j = 0, after = 0;

	for (size_t i = 0; i < a->frames;) {
		long k = -1;

		if (j >= e->frames || !same(a, i, e, j, 1)) {
			if (after < most && j && (j >= e->frames || begins(starts, j))) {
				v->between += quiet[i++];
				after++;
				continue;
			}
			k = index_find(&x, e, a, i);
			if (k < 0) {
				v->bad++;
				i++;
				continue;
			}
			if (++v->jumps <= 8)
				fprintf(stderr, "# jump: wanted frame %zu, got %ld\n", j, k);
			v->jump_to = (size_t)k;
			v->lost += (size_t)k > j ? (size_t)k - j : 0;
			v->repeated += (size_t)k < j ? j - (size_t)k : 0;
			j = (size_t)k;
		}
		if (j && begins(starts, j))
			tail_judge(v, &after);
		silence_judge(v, quiet[i], j, starts);
		v->good++;
		i++;
		j++;
		v->end = j > v->end ? j : v->end;
	}
	if (a->frames)
		tail_judge(v, &after);
	free(quiet);
	free(x.slots);
}

static int judge(const struct sound *e, struct sound *a, const size_t *starts, struct options how)
{
	struct verdict v = {.stale_least = SIZE_MAX};
	bool alike = e->rate == a->rate && e->channels == a->channels;
	size_t arrived = a->frames, missing;

	if (alike)
		align(e, a, starts, how.tail_ms * e->rate / 1000, &v);
	missing = e->frames - v.end;
	printf("expected=%zu arrived=%zu good=%zu lost=%zu repeated=%zu bad=%zu tail_missing=%zu ",
	       e->frames, arrived, v.good, v.lost, v.repeated, v.bad, missing);
	printf("jumps=%zu jump_to=%zu gaps=%zu gap_frames=%zu lead=%zu between=%zu trail=%zu ",
	       v.jumps, v.jump_to, v.gaps, v.gap_frames, v.lead, v.between, v.trail);
	if (how.tail_ms)
		printf("stale=%zu stale_least=%zu stale_most=%zu ", v.stale, v.stale_least,
		       v.stale_most);
	printf("format=%s rate=%u channels=%u header=%s\n", a->format->name, a->rate, a->channels,
	       a->header);
	return !alike || v.lost || v.repeated || v.bad || !v.good || (missing && !how.partial);
}

/* commands */

static int gen(char **arg)
{
	struct sound s = {format_named(arg[0]), number(arg[1]), number(arg[2]),
			  number(arg[3]),       NULL,           ""};

	s.samples = grab(s.frames * s.channels, sizeof *s.samples);
	signal_fill(&s, 0, (uint32_t)s.frames, number(arg[4]));
	sound_write(&s, arg[5]);
	free(s.samples);
	return 0;
}

/* The signals FRAMES SEED [FRAMES SEED]..., one after the other. */
static void signals_join(struct sound *e, int n, char **arg, size_t *starts)
{
	size_t items = 0, at = 0;

	for (int i = 0; i + 1 < n; i += 2)
		e->frames += number(arg[i]);
	e->samples = grab(e->frames * e->channels, sizeof *e->samples);
	for (int i = 0; i + 1 < n && items < MAX_ITEMS; i += 2) {
		starts[items++] = at;
		signal_fill(e, at, number(arg[i]), number(arg[i + 1]));
		at += number(arg[i]);
	}
	starts[items] = SIZE_MAX;
}

static int check(int n, char **arg, struct options how)
{
	struct sound e = {format_named(arg[1]), number(arg[2]), number(arg[3]), 0, NULL, "none"};
	struct sound a = e;
	size_t starts[MAX_ITEMS + 1], len;
	uint8_t *b;
	int rc;

	signals_join(&e, n - 4, arg + 4, starts);
	if (ends_in_wav(arg[0])) {
		a.format = NULL;
		sound_read_wav(&a, arg[0]);
	} else {
		b = slurp(arg[0], &len);
		samples_from(&a, b, len);
		free(b);
	}
	rc = judge(&e, &a, starts, how);
	free(e.samples);
	free(a.samples);
	return rc;
}

static int compare(char **arg, struct options how)
{
	static const size_t starts[] = {0, SIZE_MAX};
	struct sound e = {0}, a = {0};
	struct verdict lead = {0};
	int rc;

	sound_read_wav(&e, arg[0]);
	sound_read_wav(&a, arg[1]);
	free(squeeze(&e, &lead)); /* silence of the signal's own is not told from a gap */
	rc = judge(&e, &a, starts, how);
	free(e.samples);
	free(a.samples);
	return rc;
}

/* How far the left sample of frame i is from the number x; both go round at 65536. */
static double beside(const struct sound *a, size_t i, double x)
{
	return remainder(a->samples[i * a->channels] / 65536.0 - x, 65536.0);
}

/* A frame lost, repeated or replaced moves all that follow off the line. Where the numbers go
 * round the conversion rings: those frames do not count. */
static int line(char **arg)
{
	const uint32_t rate = number(arg[1]), frames = number(arg[2]);
	const double slack = 0.5, ring = 64;
	struct sound a = {0};
	double step, first;
	size_t expected, off = 0;

	sound_read_wav(&a, arg[0]);
	step = (double)rate / a.rate;
	expected = (size_t)ceil(frames / step);
	if (a.frames < 2000 || expected < 2000)
		die("too short", arg[0]);
	first = beside(&a, 1000, 1000 * step);
	for (size_t i = (size_t)ring; i + (size_t)ring < expected; i++) {
		double x = (double)i * step + first;

		if (fabs(remainder(x - 32768, 65536.0)) < ring)
			continue;
		off += i >= a.frames || fabs(beside(&a, i, x)) > slack;
	}
	printf(
	    "expected=%zu arrived=%zu first=%.1f off=%zu format=%s rate=%u channels=%u header=%s\n",
	    expected, a.frames, first, off, a.format->name, a.rate, a.channels, a.header);
	free(a.samples);
	return off > 0;
}

/* A rising and falling line over a slow bass, 16-bit stereo. */
static int tune(const char *name)
{
	static const uint8_t notes[] = {60, 64, 67, 72, 76, 72, 67, 64, 62, 65, 69,
					74, 77, 74, 69, 65, 59, 62, 67, 71, 74, 71,
					67, 62, 60, 64, 67, 72, 76, 79, 84, 84};
	const uint32_t rate = 48000, note_frames = 7200;
	struct sound s = {format_named("S16_LE"), rate, 2, sizeof notes * note_frames, NULL, ""};

	s.samples = grab(s.frames * 2, sizeof *s.samples);
	for (size_t n = 0; n < s.frames; n++) {
		double t = ((double)n + 0.5) / rate, in = (double)(n % note_frames) / note_frames;
		double fade = sin(3.14159265358979 * (in < 0.05 ? in * 10 : 0.5 + in * 0.5));
		double high = exp2((notes[n / note_frames] - 69) / 12.0) * 440;
		double low = exp2((notes[n / note_frames / 8 * 8] - 81) / 12.0) * 440;
		double x = 0.3 * fade * sin(6.28318530717959 * high * t);
		double y = 0.2 * sin(6.28318530717959 * low * t);

		/* no frame silent, or it would look like a gap */
		s.samples[2 * n] = (int32_t)((x + 0.6 * y) * 2147483647) | 1 << 16;
		s.samples[2 * n + 1] = (int32_t)((0.6 * x + y) * 2147483647);
	}
	sound_write(&s, name);
	free(s.samples);
	return 0;
}

int main(int argc, char **argv)
{
	struct options how = {0};
	int n = argc - 2;
	char **arg = argv + 2;

	for (; n > 0 && arg[-1][0] == '-'; n--, arg++) {
		how.partial |= !strcmp(arg[-1], "-p");
		if (!strncmp(arg[-1], "-t", 2))
			how.tail_ms = number(arg[-1] + 2);
	}

	if (n == 6 && !strcmp(arg[-1], "gen"))
		return gen(arg);
	if (n >= 6 && n % 2 == 0 && !strcmp(arg[-1], "check"))
		return check(n, arg, how);
	if (n == 2 && !strcmp(arg[-1], "compare"))
		return compare(arg, how);
	if (n == 3 && !strcmp(arg[-1], "line"))
		return line(arg);
	if (n == 1 && !strcmp(arg[-1], "tune"))
		return tune(arg[0]);
	fputs("usage: wavtool gen FORMAT RATE CHANNELS FRAMES SEED OUT\n"
	      "       wavtool [-p] [-tMS] check ARRIVED FORMAT RATE CHANNELS FRAMES SEED [FRAMES "
	      "SEED]...\n"
	      "       wavtool [-p] compare PLAYED.wav ARRIVED.wav\n"
	      "       wavtool line ARRIVED.wav RATE FRAMES\n"
	      "       wavtool tune OUT.wav\n",
	      stderr);
	return 2;
}
