/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: a guest driver in this process finds a card, plays a tune, and the file that
 * comes out is compared with what went in. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "os/clock.h"

#define CARD "virtio-snd,playback=1,capture=0,name=demo"

/* The first one also for classes that no row names. */
static const struct demo_driver *const drivers[] = {&demo_driver_virtio, &demo_driver_ac97};

static const char help[] =
    "Usage: vmsnd demo [--output FILE] [--fast] [--module FILE]... [--backend BACKEND]\n"
    "                  [--device CARD]\n\n"
    "Plays a tune through a card, virtio-snd unless --device names another, with nothing else on\n"
    "the machine: a guest driver inside the program finds the card, negotiates, and plays; what\n"
    "the card hands to the host is written to FILE and, if that is a WAV file, compared with what\n"
    "was played.\n\n"
    "  -o, --output FILE  the file to write (default: vmsnd-demo.wav; or .w64, .rf64, .flac)\n"
    "  -f, --fast         in virtual time: done at once instead of in the tune's length\n"
    "  -m, --module FILE  loads a module first: to try a backend of one's own\n"
    "  -b, --backend B    plays into this backend ('vmsnd backends') instead of a file\n"
    "  -d, --device C     another card, such as ac97 or virtio-snd,packed=on\n\n"
    "Example:\n\n"
    "  vmsnd demo --output tune.wav && aplay tune.wav\n";

int demo_failed(struct demo *demo, const char *what, const char *why)
{
	vmsnd_logf(&demo->log, VMSND_LOG_ERROR, "demo: %s: %s", what, why);
	return VMSND_EXIT_FAILED;
}

void demo_line(const char *step, const char *line)
{
	printf("%-10s %s\n", step, line);
}

/* The file's name as an option value: a comma is written twice. */
static void backend_text(const struct demo *demo, char *text, size_t bytes)
{
	size_t at = (size_t)snprintf(text, bytes, "file,path=");

	for (const char *from = demo->path; *from && at + 3 < bytes; from++) {
		if (*from == ',')
			text[at++] = ',';
		text[at++] = *from;
	}
	text[at] = '\0';
}

static int open_card(struct demo *demo)
{
	struct vmsnd_machine_conf machine_conf = {.log = demo->log, .registry = demo->registry};
	char backend[VMSND_CONF_TEXT_BYTES], line[160];
	struct vmsnd_card_conf card = {.device = demo->device ? demo->device : CARD,
				       .backend = demo->backend ? demo->backend : backend,
				       .transport = "in-process",
				       .listen_fd = -1};

	backend_text(demo, backend, sizeof(backend));
	if (vmsnd_machine_open(&machine_conf, &demo->machine))
		return demo_failed(demo, "the machine", "out of memory");
	if (vmsnd_machine_add(demo->machine, &card, demo->now))
		return VMSND_EXIT_FAILED;
	snprintf(line, sizeof(line), "%s stands, reached through the in-process transport",
		 demo->driver->card);
	demo_line("card", line);
	return VMSND_EXIT_DONE;
}

uint32_t demo_read_tune(void *ctx, void *to, uint32_t frames)
{
	struct demo *demo = ctx;
	uint64_t left = vmsnd_tune_frames() - demo->tune_at;

	if (frames > left)
		frames = (uint32_t)left;
	if (frames == 0)
		return 0;
	vmsnd_tune_render(to, demo->tune_at, frames);
	demo->tune_at += frames;
	demo->handed_over[demo->n_handed_over++ % (2 * DEMO_PERIODS)] = demo->now;
	return frames;
}

void demo_period_back(struct demo *demo, vmsnd_ns now)
{
	vmsnd_ns took = now - demo->handed_over[demo->n_back++ % (2 * DEMO_PERIODS)];

	demo->total_ns += took;
	if (took > demo->longest_ns)
		demo->longest_ns = took;
}

/* Time as a lane has it: were this process held up, the card must not run ahead of the guest. */
void demo_wait_until(struct demo *demo, vmsnd_ns next)
{
	if (demo->fast) {
		demo->now = next;
		return;
	}
	vmsnd_clock_sleep_until(next + demo->clock.held);
	demo->clock.deadline = next;
	demo->now = vmsnd_lane_clock_at(&demo->clock, vmsnd_clock_now());
}

static uint64_t counter(const struct vmsnd_machine *machine, const char *name)
{
	struct vmsnd_named_counter list[128];
	size_t n = vmsnd_machine_counters(machine, 0, list, 128);

	for (size_t i = 0; i < n && i < 128; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return 0;
}

/* A card that keeps time itself hands frames over a little before the host takes them. */
static void play_rest(struct demo *demo)
{
	vmsnd_ns until = demo->now + VMSND_NS_PER_SECOND;

	while (demo->now < until &&
	       counter(demo->machine, "playback0.frames") < vmsnd_tune_frames()) {
		vmsnd_ns next = vmsnd_machine_advance(demo->machine, demo->now);

		demo_wait_until(demo, next > demo->now && next < until ? next : until);
		vmsnd_machine_advance(demo->machine, demo->now);
	}
}

static int play(struct demo *demo)
{
	char line[160];

	snprintf(line, sizeof(line),
		 "S16, %u Hz, stereo, %u periods of %u frames; playing for %.1f seconds",
		 VMSND_TUNE_RATE_HZ, DEMO_PERIODS, DEMO_PERIOD_FRAMES,
		 (double)vmsnd_tune_frames() / VMSND_TUNE_RATE_HZ);
	demo_line("stream", line);
	fflush(stdout);
	demo->driver->begin(demo);
	while (demo->driver->step(demo)) {
		vmsnd_ns next = vmsnd_machine_advance(demo->machine, demo->now);

		if (next == VMSND_NEVER)
			return demo_failed(demo, "playing", "the card fell silent");
		demo_wait_until(demo, next);
		vmsnd_machine_advance(demo->machine, demo->now);
	}
	if (demo->failed)
		return demo_failed(demo, "playing", demo->failed);
	play_rest(demo);
	return VMSND_EXIT_DONE;
}

static void report(const struct demo *demo)
{
	char line[200];
	double buffer_ms = 1e3 * DEMO_PERIODS * DEMO_PERIOD_FRAMES / VMSND_TUNE_RATE_HZ;

	snprintf(line, sizeof(line), "%llu frames in, %llu frames out, %llu underruns",
		 (unsigned long long)demo->tune_at,
		 (unsigned long long)counter(demo->machine, "playback0.frames"),
		 (unsigned long long)counter(demo->machine, "playback0.underruns"));
	demo_line("played", line);
	snprintf(line, sizeof(line),
		 "%.1f ms from hand-over to the host on average, %.1f ms at most; "
		 "the guest's own buffer is %.1f ms",
		 demo->n_back ? (double)demo->total_ns / (double)demo->n_back / 1e6 : 0.0,
		 (double)demo->longest_ns / 1e6, buffer_ms);
	demo_line("latency", line);
}

static int run_demo(struct demo *demo)
{
	int code = open_card(demo);

	if (!code)
		code = demo->driver->open(demo);
	if (!code)
		code = play(demo);
	if (!code)
		report(demo);
	if (!code && !demo_is_tail(demo, counter(demo->machine, "playback0.frames"), 1))
		code = demo_failed(demo, "counting", "frames were lost or doubled");
	if (demo->machine)
		vmsnd_machine_close(demo->machine, demo->now);
	return code || demo->backend ? code : demo_compare(demo);
}

static int parse(const struct vmsnd_command *self, int argc, char **argv, struct demo *demo)
{
	static const struct option options[] = {
	    {"output", required_argument, NULL, 'o'},  {"fast", no_argument, NULL, 'f'},
	    {"backend", required_argument, NULL, 'b'}, {"device", required_argument, NULL, 'd'},
	    {"module", required_argument, NULL, 'm'},  {0}};
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":o:fb:d:m:", options, NULL)) != -1) {
		if (letter == 'o')
			demo->path = optarg;
		else if (letter == 'f')
			demo->fast = true;
		else if (letter == 'b')
			demo->backend = optarg;
		else if (letter == 'd')
			demo->device = optarg;
		else if (letter == 'm' && vmsnd_registry_load(demo->registry, optarg, true))
			return VMSND_EXIT_FAILED;
		else if (letter != 'm')
			return vmsnd_cli_bad_getopt(self, letter, argv[optind - 1]);
	}
	/* The file needs none of them. */
	if (demo->backend || demo->device)
		vmsnd_registry_load_folder(demo->registry);
	return optind < argc ? vmsnd_cli_usage(self, "every argument is an option")
			     : VMSND_EXIT_DONE;
}

static bool open_registry(struct demo *demo)
{
	const struct vmsnd_registry_conf conf = {.log = &demo->log};

	return vmsnd_registry_open(&conf, &demo->registry) == VMSND_OK;
}

static const struct demo_driver *choose_driver(const struct demo *demo)
{
	const char *device = demo->device ? demo->device : CARD;
	size_t length = strcspn(device, ",");

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strlen(drivers[i]->device) == length &&
		    strncmp(device, drivers[i]->device, length) == 0)
			return drivers[i];
	return drivers[0];
}

static int run_with_driver(struct demo *demo)
{
	int code = VMSND_EXIT_FAILED;

	demo->driver = choose_driver(demo);
	demo->state = calloc(1, demo->driver->bytes);
	demo->memory = calloc(1, DEMO_MEMORY_BYTES);
	demo->now = demo->fast ? 0 : vmsnd_clock_now();
	if (demo->state && demo->memory)
		code = run_demo(demo);
	free(demo->memory);
	free(demo->state);
	return code;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct demo *demo = calloc(1, sizeof(*demo));
	int code = VMSND_EXIT_FAILED;

	if (!demo)
		return code;
	demo->path = "vmsnd-demo.wav";
	demo->said.level = VMSND_LOG_WARNING;
	demo->log = vmsnd_cli_log(&demo->said);
	code = open_registry(demo) ? parse(self, argc, argv, demo) : VMSND_EXIT_FAILED;
	if (demo->backend)
		demo->said.level = VMSND_LOG_INFO;
	if (!code)
		code = run_with_driver(demo);
	vmsnd_registry_close(demo->registry);
	free(demo);
	return code;
}

const struct vmsnd_command vmsnd_command_demo = {
    .name = "demo",
    .summary = "plays a tune through a card into a file, all by itself",
    .help = help,
    .run = run,
};
