/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: a guest driver in this process finds a card, plays a tune, and the file that
 * comes out is compared with what went in. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "guests/player.h"
#include "guests/tune.h"
#include "manager/lane_clock.h"
#include "os/clock.h"
#include "vmsnd/machine.h"

#define MEMORY_BYTES  (UINT64_C(1) << 20)
#define MEMORY_GPA    UINT64_C(0x40000000)
#define PERIOD_FRAMES 480u
#define PERIODS       4u
#define FRAME_BYTES   4u
#define CHECK_FRAMES  4096u

#define CARD "virtio-snd,playback=1,capture=0,name=demo"

struct demo {
	const char *path;
	const char *backend; /* instead of the file */
	const char *device;
	struct vmsnd_registry *registry;
	bool fast; /* virtual time: no waiting */
	vmsnd_ns now;
	struct vmsnd_lane_clock clock;
	struct vmsnd_log log;
	struct vmsnd_cli_log_state said;
	struct vmsnd_machine *machine;
	struct vmsnd_guest *guest;
	struct vmsnd_guest_player player;
	uint64_t tune_at; /* the next frame of the tune */

	/* When each message under way was handed over, oldest first. */
	vmsnd_ns handed_over[PERIODS];
	uint64_t n_handed_over, n_back;
	vmsnd_ns longest_ns, total_ns;
};

static const char help[] =
    "Usage: vmsnd demo [--output FILE] [--fast] [--module FILE]... [--backend BACKEND]\n"
    "                  [--device CARD]\n\n"
    "Plays a tune through a virtio-snd card, with nothing else on the machine: a guest driver\n"
    "inside the program finds the card, negotiates, and plays; what the card hands to the host\n"
    "is written to FILE and, if that is a WAV file, compared with what was played.\n\n"
    "  -o, --output FILE  the file to write (default: vmsnd-demo.wav; or .w64, .rf64, .flac)\n"
    "  -f, --fast         in virtual time: done at once instead of in the tune's length\n"
    "  -m, --module FILE  loads a module first: to try a backend of one's own\n"
    "  -b, --backend B    plays into this backend ('vmsnd backends') instead of a file\n"
    "  -d, --device C     another card: virtio-snd,packed=on for one\n\n"
    "Example:\n\n"
    "  vmsnd demo --output tune.wav && aplay tune.wav\n";

static int failed(struct demo *demo, const char *what, const char *why)
{
	vmsnd_logf(&demo->log, VMSND_LOG_ERROR, "demo: %s: %s", what, why);
	return VMSND_EXIT_FAILED;
}

static void step_line(const char *step, const char *line)
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
	char backend[VMSND_CONF_TEXT_BYTES];
	struct vmsnd_card_conf card = {.device = demo->device ? demo->device : CARD,
				       .backend = demo->backend ? demo->backend : backend,
				       .transport = "in-process",
				       .listen_fd = -1};

	backend_text(demo, backend, sizeof(backend));
	if (vmsnd_machine_open(&machine_conf, &demo->machine))
		return failed(demo, "the machine", "out of memory");
	if (vmsnd_machine_add(demo->machine, &card, demo->now))
		return VMSND_EXIT_FAILED;
	step_line("card", "a virtio-snd card stands, reached through the in-process transport");
	return VMSND_EXIT_DONE;
}

static void name_features(uint64_t features, char *line, size_t bytes)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{32, " VERSION_1"},    {29, ", EVENT_IDX"}, {28, ", INDIRECT_DESC"},
		     {34, ", RING_PACKED"}, {35, ", IN_ORDER"},  {40, ", RING_RESET"}};
	size_t used =
	    (size_t)snprintf(line, bytes, "features %#llx:", (unsigned long long)features);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && used < bytes; i++)
		if (features & UINT64_C(1) << names[i].bit)
			used += (size_t)snprintf(line + used, bytes - used, "%s", names[i].name);
}

static int open_guest(struct demo *demo, void *memory)
{
	struct vmsnd_guest_conf conf = {.memory = memory,
					.memory_bytes = MEMORY_BYTES,
					.gpa = MEMORY_GPA,
					.event_idx = true,
					.indirect = true,
					.packed = true,
					.in_order = true,
					.ring_reset = true,
					.by_interrupt = true};
	char line[160];
	enum vmsnd_rc rc;

	if (vmsnd_machine_guest_bus(demo->machine, 0, &conf.bus))
		return failed(demo, "the guest", "no way to the card");
	rc = vmsnd_guest_open(demo->guest, &conf, demo->now);
	if (rc)
		return failed(demo, "the guest's driver", vmsnd_rc_text(rc));
	snprintf(line, sizeof(line),
		 "found the card: streams: %u, channel maps: %u, queues: %d of %u entries",
		 demo->guest->config.streams, demo->guest->config.chmaps, VIRTIO_SND_VQ_MAX, 64u);
	step_line("driver", line);
	name_features(demo->guest->features, line, sizeof(line));
	step_line("negotiate", line);
	return VMSND_EXIT_DONE;
}

static uint32_t read_tune(void *ctx, void *to, uint32_t frames)
{
	struct demo *demo = ctx;
	uint64_t left = vmsnd_tune_frames() - demo->tune_at;

	if (frames > left)
		frames = (uint32_t)left;
	if (frames == 0)
		return 0;
	vmsnd_tune_render(to, demo->tune_at, frames);
	demo->tune_at += frames;
	demo->handed_over[demo->n_handed_over++ % PERIODS] = demo->now;
	return frames;
}

static void message_back(void *ctx, const struct vmsnd_guest_done *message)
{
	struct demo *demo = ctx;
	vmsnd_ns took = message->at - demo->handed_over[demo->n_back++ % PERIODS];

	demo->total_ns += took;
	if (took > demo->longest_ns)
		demo->longest_ns = took;
}

/* Time as a lane has it: were this process held up, the card must not run ahead of the guest. */
static void wait_until(struct demo *demo, vmsnd_ns next)
{
	if (demo->fast) {
		demo->now = next;
		return;
	}
	vmsnd_clock_sleep_until(next + demo->clock.held);
	demo->clock.deadline = next;
	demo->now = vmsnd_lane_clock_at(&demo->clock, vmsnd_clock_now());
}

static int play(struct demo *demo)
{
	struct vmsnd_guest_player_conf conf = {
	    .stream = 0,
	    .params = {.format = {.sample = VMSND_SAMPLE_S16,
				  .rate_hz = VMSND_TUNE_RATE_HZ,
				  .channels = VMSND_TUNE_CHANNELS},
		       .period_frames = PERIOD_FRAMES,
		       .periods = PERIODS},
	    .frames = vmsnd_tune_frames(),
	    .ctx = demo,
	    .read = read_tune,
	    .done = message_back};
	char line[160];

	snprintf(line, sizeof(line),
		 "S16, %u Hz, stereo, %u periods of %u frames; playing for %.1f seconds",
		 VMSND_TUNE_RATE_HZ, PERIODS, PERIOD_FRAMES,
		 (double)vmsnd_tune_frames() / VMSND_TUNE_RATE_HZ);
	step_line("stream", line);
	fflush(stdout);
	vmsnd_guest_player_init(&demo->player, demo->guest, &conf);
	while (vmsnd_guest_player_step(&demo->player, demo->now)) {
		vmsnd_ns next = vmsnd_machine_advance(demo->machine, demo->now);

		if (next == VMSND_NEVER)
			return failed(demo, "playing", "the card fell silent");
		wait_until(demo, next);
		vmsnd_machine_advance(demo->machine, demo->now);
	}
	if (demo->player.state != VMSND_GUEST_PLAYER_DONE)
		return failed(demo, "playing", "the card refused a request");
	return VMSND_EXIT_DONE;
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

static void report(const struct demo *demo)
{
	char line[200];
	double buffer_ms = 1e3 * PERIODS * PERIOD_FRAMES / VMSND_TUNE_RATE_HZ;

	snprintf(line, sizeof(line), "%llu frames in, %llu frames out, %llu underruns",
		 (unsigned long long)demo->player.frames_in,
		 (unsigned long long)counter(demo->machine, "playback0.frames"),
		 (unsigned long long)counter(demo->machine, "playback0.underruns"));
	step_line("played", line);
	snprintf(line, sizeof(line),
		 "%.1f ms from hand-over to the host on average, %.1f ms at most; "
		 "the guest's own buffer is %.1f ms",
		 demo->n_back ? (double)demo->total_ns / (double)demo->n_back / 1e6 : 0.0,
		 (double)demo->longest_ns / 1e6, buffer_ms);
	step_line("latency", line);
}

/* Compares `file`, at the first sample, with the tune; returns how many frames were equal. */
static uint64_t equal_frames(FILE *file)
{
	int16_t wanted[CHECK_FRAMES * VMSND_TUNE_CHANNELS];
	int16_t got[CHECK_FRAMES * VMSND_TUNE_CHANNELS];
	uint64_t equal = 0;
	size_t n;

	while ((n = fread(got, FRAME_BYTES, CHECK_FRAMES, file)) > 0) {
		vmsnd_tune_render(wanted, equal, (uint32_t)n);
		if (memcmp(wanted, got, n * FRAME_BYTES) != 0)
			break;
		equal += n;
	}
	return equal;
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

static int compare(struct demo *demo)
{
	FILE *file = fopen(demo->path, "rb");
	char line[400];
	uint64_t equal;

	if (!file)
		return failed(demo, demo->path, strerror(errno));
	if (!find_sound(file)) {
		fclose(file);
		snprintf(line, sizeof(line), "%s: not compared, as it is no WAV file", demo->path);
		step_line("file", line);
		return VMSND_EXIT_DONE;
	}
	equal = equal_frames(file);
	fclose(file);
	if (equal != vmsnd_tune_frames())
		return failed(demo, demo->path, "what arrived is not what was played");
	snprintf(line, sizeof(line), "%s: every one of the %llu frames is as it was played",
		 demo->path, (unsigned long long)equal);
	step_line("file", line);
	return VMSND_EXIT_DONE;
}

static int run_demo(struct demo *demo, void *memory)
{
	int code = open_card(demo);

	if (!code)
		code = open_guest(demo, memory);
	if (!code)
		code = play(demo);
	if (!code)
		report(demo);
	if (!code && counter(demo->machine, "playback0.frames") != vmsnd_tune_frames())
		code = failed(demo, "counting", "frames were lost or doubled");
	if (demo->machine)
		vmsnd_machine_close(demo->machine, demo->now);
	return code || demo->backend ? code : compare(demo);
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
	return optind < argc ? vmsnd_cli_usage(self, "every argument is an option")
			     : VMSND_EXIT_DONE;
}

static bool open_registry(struct demo *demo)
{
	const struct vmsnd_registry_conf conf = {.log = &demo->log};

	return vmsnd_registry_open(&conf, &demo->registry) == VMSND_OK;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct demo *demo = calloc(1, sizeof(*demo));
	void *memory = calloc(1, MEMORY_BYTES);
	int code = VMSND_EXIT_FAILED;

	if (demo && memory && (demo->guest = calloc(1, sizeof(*demo->guest)))) {
		demo->path = "vmsnd-demo.wav";
		demo->said.level = VMSND_LOG_WARNING;
		demo->log = vmsnd_cli_log(&demo->said);
		code = open_registry(demo) ? parse(self, argc, argv, demo) : VMSND_EXIT_FAILED;
		if (demo->backend)
			demo->said.level = VMSND_LOG_INFO;
		demo->now = demo->fast ? 0 : vmsnd_clock_now();
		if (!code)
			code = run_demo(demo, memory);
		vmsnd_registry_close(demo->registry);
		free(demo->guest);
	}
	free(memory);
	free(demo);
	return code;
}

const struct vmsnd_command vmsnd_command_demo = {
    .name = "demo",
    .summary = "plays a tune through a card into a file, all by itself",
    .help = help,
    .run = run,
};
