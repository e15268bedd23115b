/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: a real card in a real machine, in real time, with a guest that plays the numbered
 * signal of tests/guest/wavtool.c, or records, or both. Scripts read what it prints:
 *
 *	state ms=.. direction=.. output=.. backend=.. host=.. state=..     at each change
 *	log LEVEL LINE                                                     the machine's log
 *	blocks n=.. p50_us=.. p99_us=.. worst_us=.. worst_cpu_us=..        at its end: audio threads
 *	inside n=.. mean_ms=.. p50_ms=.. p99_ms=.. worst_ms=..             --stamped: see below
 *	host n=.. ...                                                      --stamped: delay of a
 *block's start said n=.. ...                                                      latency in ctl
 *status figures direction=.. output=.. ...                                 for each stream end
 *result=done|stopped played=.. recorded=.. ...                  the last line
 *
 * inside: from where the guest wrote a period's first frame to where the host has it.
 *
 * All host backends are in it, so that sanitizers see them; --module takes another. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../guest/numbered.h"
#include "os/clock.h"
#include "signal.h"

/* What the build holds: SIGNAL_HELD is HELD(pipewire) HELD(pulse) and so on (signal_held.c.in). */
#define HELD(name) extern const struct signal_held signal_held_##name;
SIGNAL_HELD
#undef HELD
#define HELD(name) &signal_held_##name,
static const struct signal_held *const held[] = {SIGNAL_HELD NULL};
#undef HELD
#define N_HELD (sizeof(held) / sizeof(held[0]) - 1u)

enum token { TOKEN_STOP, TOKEN_CONTROL, TOKEN_WAKE, TOKEN_CHANGED };
#define TOKENS_MAX 8u
/* How often it looks at streams' states, and how long an end may take. */
#define LOOK_NS UINT64_C(10000000)
#define END_NS  (UINT64_C(5) * VMSND_NS_PER_SECOND)
/* How long playing waits for the host that records. */
#define RECORDS_NS (UINT64_C(2) * VMSND_NS_PER_SECOND)

struct program {
	struct signal_options options;
	const char *modules[SIGNAL_MODULES_MAX];
	unsigned n_modules;
	struct vmsnd_log log;
	struct vmsnd_overheard heard;
	struct vmsnd_registry *registry;
	struct vmsnd_backend_class timed[N_HELD + 1u]; /* the held ones, with their blocks timed */
	struct vmsnd_loop *loop;
	struct vmsnd_wake wake, changed;
	struct vmsnd_machine *machine;
	struct vmsnd_control *control;
	struct signal_sound sound;
	struct signal_guest *guest;
	struct signal_states states;
	struct signal_spread said;
	bool stopped;
	char *figures; /* printed when the machine is closed and says nothing more */
	size_t n_figures;
};

static const char usage[] =
    "usage: hosts-signal [--backend TEXT]... [--frames N | --seconds N] [--format S16_LE]\n"
    "           [--rate HZ] [--channels N] [--period FRAMES] [--periods N] [--seed N]\n"
    "           [--record FILE[.wav]] [--no-play] [--tail MS] [--device TEXT] [--name NAME]\n"
    "           [--control PATH] [--realtime PRIORITY] [--module FILE]... [--stamped]\n"
    "Without --frames and --seconds: until SIGTERM or SIGINT. --tail: how long is recorded on\n"
    "after the last frame was played (default: 300). With both, it plays once it records.\n"
    "--stamped: frames carry when the guest wrote them (S16_LE, 48000 Hz, two channels).\n";

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "hosts-signal: %s: %s\n", what, why);
	return 1;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};

	if (level < VMSND_LOG_DEBUG) {
		printf("log %s %s\n", words[level], line);
		fflush(stdout);
	}
}

/* ---- options ---- */

enum letter {
	LETTER_BACKEND = 1,
	LETTER_DEVICE,
	LETTER_NAME,
	LETTER_CONTROL,
	LETTER_RECORD,
	LETTER_FORMAT,
	LETTER_MODULE,
	LETTER_NO_PLAY,
	LETTER_STAMPED,
	LETTER_FRAMES,
	LETTER_SECONDS,
	LETTER_RATE,
	LETTER_CHANNELS,
	LETTER_PERIOD,
	LETTER_PERIODS,
	LETTER_SEED,
	LETTER_TAIL,
	LETTER_REALTIME,
	LETTER_COUNT
};

static const struct option long_options[] = {{"backend", required_argument, NULL, LETTER_BACKEND},
					     {"device", required_argument, NULL, LETTER_DEVICE},
					     {"name", required_argument, NULL, LETTER_NAME},
					     {"control", required_argument, NULL, LETTER_CONTROL},
					     {"record", required_argument, NULL, LETTER_RECORD},
					     {"format", required_argument, NULL, LETTER_FORMAT},
					     {"module", required_argument, NULL, LETTER_MODULE},
					     {"no-play", no_argument, NULL, LETTER_NO_PLAY},
					     {"stamped", no_argument, NULL, LETTER_STAMPED},
					     {"frames", required_argument, NULL, LETTER_FRAMES},
					     {"seconds", required_argument, NULL, LETTER_SECONDS},
					     {"rate", required_argument, NULL, LETTER_RATE},
					     {"channels", required_argument, NULL, LETTER_CHANNELS},
					     {"period", required_argument, NULL, LETTER_PERIOD},
					     {"periods", required_argument, NULL, LETTER_PERIODS},
					     {"seed", required_argument, NULL, LETTER_SEED},
					     {"tail", required_argument, NULL, LETTER_TAIL},
					     {"realtime", required_argument, NULL, LETTER_REALTIME},
					     {0}};

static bool take_number(const char *text, uint64_t *to)
{
	char *end;

	*to = strtoull(text, &end, 10);
	return end != text && *end == '\0';
}

static bool take(struct program *program, int letter, uint64_t *seconds)
{
	struct signal_options *options = &program->options;
	const char **texts[LETTER_COUNT] = {[LETTER_DEVICE] = &options->device,
					    [LETTER_NAME] = &options->name,
					    [LETTER_CONTROL] = &options->control,
					    [LETTER_RECORD] = &options->record};
	uint32_t *numbers[LETTER_COUNT] = {[LETTER_RATE] = &options->rate_hz,
					   [LETTER_CHANNELS] = &options->channels,
					   [LETTER_PERIOD] = &options->period_frames,
					   [LETTER_PERIODS] = &options->periods,
					   [LETTER_SEED] = &options->seed,
					   [LETTER_TAIL] = &options->tail_ms,
					   [LETTER_REALTIME] = &options->realtime};
	uint64_t number;

	if (letter <= 0 || letter >= LETTER_COUNT)
		return false;
	if (texts[letter])
		*texts[letter] = optarg;
	else if (letter == LETTER_BACKEND && options->n_backends < SIGNAL_BACKENDS_MAX)
		options->backends[options->n_backends++] = optarg;
	else if (letter == LETTER_MODULE && program->n_modules < SIGNAL_MODULES_MAX)
		program->modules[program->n_modules++] = optarg;
	else if (letter == LETTER_FORMAT)
		return (options->format = signal_format(optarg)) != NULL;
	else if (letter == LETTER_NO_PLAY)
		options->plays = false;
	else if (letter == LETTER_STAMPED)
		options->stamped = true;
	else if (letter == LETTER_BACKEND || letter == LETTER_MODULE ||
		 !take_number(optarg, &number))
		return false;
	else if (letter == LETTER_FRAMES)
		options->frames = number;
	else if (letter == LETTER_SECONDS)
		*seconds = number;
	else
		*numbers[letter] = (uint32_t)number;
	return true;
}

static bool parse(struct program *program, int argc, char **argv)
{
	struct signal_options *options = &program->options;
	uint64_t seconds = 0;
	int letter;

	*options = (struct signal_options){.name = "hosts-signal",
					   .format = signal_format("S16_LE"),
					   .rate_hz = 48000,
					   .channels = 2,
					   .period_frames = 1024,
					   .periods = 4,
					   .tail_ms = 300,
					   .frames = UINT64_MAX,
					   .plays = true};
	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take(program, letter, &seconds))
			return false;
	if (options->n_backends == 0)
		options->backends[options->n_backends++] = "null";
	if (seconds > 0)
		options->frames = seconds * options->rate_hz;
	if (options->stamped && !signal_stampable(options))
		return false;
	return optind == argc && (options->plays || options->record);
}

/* ---- what runs ---- */

static bool open_registry(struct program *program)
{
	const struct vmsnd_registry_conf conf = {.log = &program->log};

	if (vmsnd_registry_open(&conf, &program->registry))
		return false;
	for (size_t i = 0; i < N_HELD; i++) {
		struct vmsnd_backend_class *cls = &program->timed[i];

		*cls = *held[i]->cls;
		cls->stream_open = held[i]->stream_open;
		cls->stream_close = held[i]->stream_close;
		if (vmsnd_registry_add_backend(program->registry, cls) != VMSND_RECORD_FINE)
			return false;
	}
	for (unsigned i = 0; i < program->n_modules; i++)
		if (vmsnd_registry_load(program->registry, program->modules[i], true))
			return false;
	return true;
}

static bool open_loop(struct program *program)
{
	/* Before the first thread, so that the signal comes here. */
	const int stop = vmsnd_loop_stop_signals();

	return stop >= 0 && !vmsnd_loop_open(&program->loop) &&
	       !vmsnd_loop_watch(program->loop, stop, TOKEN_STOP) &&
	       !vmsnd_wake_open(&program->wake) && !vmsnd_wake_open(&program->changed) &&
	       !vmsnd_loop_watch(program->loop, program->wake.fd, TOKEN_WAKE);
}

static bool open_control(struct program *program)
{
	const struct vmsnd_control_conf conf = {.path = program->options.control,
						.machine = program->machine,
						.log = &program->log,
						.heard = &program->heard,
						.wall_us = vmsnd_clock_wall_us,
						.wake = &program->changed};

	if (!conf.path)
		return !vmsnd_loop_watch(program->loop, program->changed.fd, TOKEN_CHANGED);
	return !vmsnd_control_open(&conf, &program->control) &&
	       !vmsnd_loop_watch(program->loop, vmsnd_control_fd(program->control), TOKEN_CONTROL);
}

static void card_text(const struct signal_options *options, char *text, size_t bytes)
{
	const bool all = strcmp(options->format->name, "S24_3LE") == 0;

	snprintf(text, bytes, "%s,name=%s,input=%s",
		 options->device ? options->device : "virtio-snd", options->name,
		 options->record ? "on" : "off");
	if (!options->device && (options->channels > 2 || all))
		snprintf(text + strlen(text), bytes - strlen(text), ",channels=1-%u,formats=all",
			 options->channels);
}

static bool open_machine(struct program *program)
{
	const struct vmsnd_machine_conf conf = {.lanes = 1,
						.log = program->log,
						.registry = program->registry,
						.realtime_priority = program->options.realtime,
						.changed = vmsnd_control_poke,
						.changed_ctx = &program->changed};
	char text[VMSND_CONF_TEXT_BYTES];
	struct vmsnd_card_conf card = {.device = text,
				       .backend = program->options.backends[0],
				       .transport = "in-process",
				       .listen_fd = -1};

	for (unsigned i = 1; i < program->options.n_backends; i++)
		card.more[i - 1] = program->options.backends[i];
	card_text(&program->options, text, sizeof(text));
	return !vmsnd_machine_open(&conf, &program->machine) &&
	       !vmsnd_machine_add(program->machine, &card, 0);
}

static bool open_guest(struct program *program)
{
	program->guest = calloc(1, sizeof(*program->guest));
	if (!program->guest)
		return false;
	program->guest->machine = program->machine;
	program->guest->sound = &program->sound;
	program->guest->wake = &program->wake;
	return signal_guest_open(program->guest, &program->options);
}

/* Waits for something to happen, `until` at the latest, and sees to it. */
static void turn(struct program *program, vmsnd_ns until)
{
	const vmsnd_ns now = vmsnd_clock_now();
	uint64_t tokens[TOKENS_MAX];
	size_t n =
	    vmsnd_loop_wait(program->loop, until > now ? until - now : 0, tokens, TOKENS_MAX);
	bool asked = false;

	for (size_t i = 0; i < n; i++) {
		program->stopped |= tokens[i] == TOKEN_STOP;
		asked |= tokens[i] == TOKEN_CONTROL;
		if (tokens[i] == TOKEN_WAKE)
			vmsnd_wake_drain(&program->wake);
		else if (tokens[i] == TOKEN_CHANGED)
			vmsnd_wake_drain(&program->changed);
	}
	if (program->control) {
		vmsnd_control_turn(program->control, asked, vmsnd_clock_now());
		program->stopped |= vmsnd_control_quit_asked(program->control);
	}
	signal_states_look(&program->states, program->machine);
	if (program->options.plays && !program->stopped)
		signal_timed_said(&program->said, program->machine);
}

/* What run goes on until. */
enum until { UNTIL_RECORDING, UNTIL_PLAYED, UNTIL_QUIET, UNTIL_LIMIT, UNTIL_BOTH_OVER };

static bool reached(const struct program *program, enum until what, const bool more[2])
{
	switch (what) {
	case UNTIL_RECORDING:
		return program->sound.recorded > 0 &&
		       signal_host_runs(program->machine, VMSND_CAPTURE);
	case UNTIL_PLAYED:
		return !more[VMSND_PLAYBACK];
	case UNTIL_QUIET:
		return !signal_host_runs(program->machine, VMSND_PLAYBACK);
	case UNTIL_BOTH_OVER:
		return !more[VMSND_PLAYBACK] && !more[VMSND_CAPTURE];
	default:
		return false;
	}
}

/* Steps the guest until then, until it is told to stop, and `limit` at the latest. */
static void run(struct program *program, enum until what, vmsnd_ns limit)
{
	const bool ending = program->stopped;
	bool more[2] = {true, true};

	do {
		turn(program, vmsnd_clock_now() + LOOK_NS);
		more[VMSND_CAPTURE] = signal_guest_step(program->guest, VMSND_CAPTURE);
		if (what != UNTIL_RECORDING)
			more[VMSND_PLAYBACK] = signal_guest_step(program->guest, VMSND_PLAYBACK);
	} while (!reached(program, what, more) && vmsnd_clock_now() < limit &&
		 (ending || !program->stopped));
}

static void run_all(struct program *program)
{
	const struct signal_options *options = &program->options;

	if (!options->plays) {
		run(program, UNTIL_BOTH_OVER, VMSND_NEVER);
		return;
	}
	if (options->record)
		run(program, UNTIL_RECORDING, vmsnd_clock_now() + RECORDS_NS);
	if (!program->stopped)
		run(program, UNTIL_PLAYED, VMSND_NEVER);
	if (!program->stopped)
		run(program, UNTIL_QUIET, vmsnd_clock_now() + END_NS);
	if (!program->stopped && options->record)
		run(program, UNTIL_LIMIT, vmsnd_clock_now() + options->tail_ms * UINT64_C(1000000));
}

static void keep_figures(struct program *program, const char *result)
{
	FILE *to = open_memstream(&program->figures, &program->n_figures);

	if (!to)
		return;
	signal_timed_line(to);
	signal_spread_line(to, "said", &program->said);
	signal_figures(to, program->machine);
	signal_end_line(to, program->guest, &program->options, result);
	fclose(to);
}

static int play(struct program *program)
{
	const char *fault = NULL;
	const char *result;

	run_all(program);
	result = program->stopped ? "stopped" : "done";
	program->stopped = true;
	signal_guest_abort(program->guest, VMSND_PLAYBACK);
	signal_guest_abort(program->guest, VMSND_CAPTURE);
	run(program, UNTIL_BOTH_OVER, vmsnd_clock_now() + END_NS);
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; dir <= VMSND_CAPTURE && !fault; dir++)
		fault = signal_guest_fault(program->guest, dir);
	if (fault)
		return fail("the guest", fault);
	if (!signal_sound_close(&program->sound))
		return fail(program->options.record, "cannot be written");
	keep_figures(program, result);
	return 0;
}

static int run_program(struct program *program)
{
	const struct vmsnd_log plain = {NULL, write_line};

	signal_timed_begin(&program->options);
	program->log = vmsnd_overhear(&program->heard, &plain);
	program->states.began = vmsnd_clock_now();
	if (!signal_sound_open(&program->sound, &program->options))
		return fail(program->options.record, "cannot be written");
	if (!open_registry(program) || !open_loop(program) || !open_machine(program) ||
	    !open_control(program))
		return fail("cannot begin", "the line is above, or memory is out");
	return open_guest(program) ? play(program) : 1;
}

static void end_program(struct program *program)
{
	vmsnd_control_close(program->control);
	if (program->machine)
		vmsnd_machine_close(program->machine, 0);
	if (program->guest)
		signal_guest_close(program->guest);
	free(program->guest);
	signal_sound_close(&program->sound);
	vmsnd_wake_close(&program->wake);
	vmsnd_wake_close(&program->changed);
	if (program->loop)
		vmsnd_loop_close(program->loop);
	vmsnd_registry_close(program->registry);
	if (program->figures)
		fputs(program->figures, stdout);
	free(program->figures);
}

int main(int argc, char **argv)
{
	struct program program = {.wake = {.fd = -1}, .changed = {.fd = -1}};
	int code;

	if (!parse(&program, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	code = run_program(&program);
	end_program(&program);
	return code;
}
