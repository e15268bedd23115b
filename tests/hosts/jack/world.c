/* SPDX-License-Identifier: BSD-3-Clause */
/* A JACK server of the test's own, and the backend beside it. */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <jack/jack.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_NS (10 * SECOND)

vmsnd_ns now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (vmsnd_ns)now.tv_sec * SECOND + (vmsnd_ns)now.tv_nsec;
}

bool wait_for(bool (*done)(void *ctx), void *ctx)
{
	vmsnd_ns end = now_ns() + LIMIT_NS;
	const struct timespec nap = {.tv_nsec = 2 * MS};

	while (!done(ctx)) {
		if (now_ns() > end)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* ---- the server ---- */

static void say_nothing(const char *line)
{
}

/* Without jackd there is nothing to test; in CI that is a failure. */
int world_group(void **state)
{
	const char *ci = getenv("CI");

	if (system("command -v jackd >/dev/null") == 0)
		return 0;
	if (ci && strcmp(ci, "true") == 0)
		return -1;
	printf("1..0 # SKIP jackd is not installed\n");
	exit(0);
}

static void number(char *out, size_t bytes, unsigned value)
{
	snprintf(out, bytes, "%u", value);
}

static void run_jackd(const struct world *world, const struct jackd_conf *conf)
{
	char rate[12], period[12], captures[12], playbacks[12];
	int null = open("/dev/null", O_RDWR);

	number(rate, sizeof(rate), conf->rate_hz);
	number(period, sizeof(period), conf->period_frames);
	number(captures, sizeof(captures), conf->captures);
	number(playbacks, sizeof(playbacks), conf->playbacks);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that crashes leaves none */
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	setenv("JACK_NO_AUDIO_RESERVATION", "1", 1);
	unsetenv("DISPLAY");
	execlp("jackd", "jackd", "--no-realtime", "-n", world->server, "-d", "dummy", "-r", rate,
	       "-p", period, "-C", captures, "-P", playbacks, (char *)NULL);
	_exit(127);
}

struct starting {
	struct world *world;
	const struct jackd_conf *conf;
};

static void spawn(struct world *world, const struct jackd_conf *conf)
{
	static const struct jackd_conf usual = {48000, 256, 2, 2};

	world->jackd = fork();
	if (world->jackd == 0)
		run_jackd(world, conf ? conf : &usual);
}

/* A machine has eight places for servers: one that finds none ends at once, and is tried again. */
static bool takes_clients(void *ctx)
{
	struct starting *starting = ctx;
	struct world *world = starting->world;
	jack_client_t *client;

	if (waitpid(world->jackd, NULL, WNOHANG) != 0)
		spawn(world, starting->conf);
	client = jack_client_open("probe", (jack_options_t)(JackNoStartServer | JackServerName),
				  NULL, world->server);
	if (client)
		jack_client_close(client);
	return client != NULL;
}

void jackd_start(struct world *world, const struct jackd_conf *conf)
{
	struct starting starting = {world, conf};

	assert_int_equal(world->jackd, 0);
	jack_set_error_function(say_nothing);
	jack_set_info_function(say_nothing);
	spawn(world, conf);
	assert_true(world->jackd > 0);
	assert_true(wait_for(takes_clients, &starting));
}

void jackd_signal(struct world *world, int signal)
{
	if (world->jackd > 0)
		kill(world->jackd, signal);
}

void jackd_stop(struct world *world, int signal)
{
	if (world->jackd <= 0)
		return;
	kill(world->jackd, signal);
	waitpid(world->jackd, NULL, 0);
	world->jackd = 0;
	world->killed = signal == SIGKILL;
}

/* What a killed server of this name, and no other, has left. */
static void sweep(const struct world *world)
{
	DIR *folder = opendir("/dev/shm");
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (strncmp(entry->d_name, "jack_", 5) == 0 && strstr(entry->d_name, world->server))
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

/* ---- the backend ---- */

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;

	pthread_mutex_lock(&world->lock);
	if (world->n_lines < WORLD_LINES)
		snprintf(world->lines[world->n_lines++], sizeof(world->lines[0]), "%u %s",
			 (unsigned)level, line);
	pthread_mutex_unlock(&world->lock);
}

unsigned world_said(struct world *world, const char *text)
{
	unsigned n = 0;

	pthread_mutex_lock(&world->lock);
	for (unsigned i = 0; i < world->n_lines; i++)
		n += strstr(world->lines[i], text) != NULL;
	pthread_mutex_unlock(&world->lock);
	return n;
}

static void device_changed(void *ctx, enum vmsnd_dir dir)
{
}

static void devices_changed(void *ctx)
{
	struct world *world = ctx;

	atomic_fetch_add(&world->devices_changed, 1);
}

static bool no_job(void *ctx, void (*run)(void *arg), void *arg)
{
	return false;
}

static const struct vmsnd_backend_user owner = {
    .device_changed = device_changed, .devices_changed = devices_changed, .job = no_job};

enum vmsnd_rc world_open(struct world *world, const char *options)
{
	struct vmsnd_backend_conf conf = {.options = &world->conf,
					  .client_name = "card",
					  .log = &world->log,
					  .user = &owner,
					  .user_ctx = world};
	char text[512], error[512] = "";

	snprintf(text, sizeof(text), "server-name=%s%s", world->server, options);
	if (vmsnd_conf_parse(&world->conf, vmsnd_jack_class.options, "jack", text, error,
			     sizeof(error)))
		fail_msg("options refused: %s", error);
	return vmsnd_jack_class.open(&conf, &world->host);
}

void world_close(struct world *world)
{
	if (world->host)
		vmsnd_jack_class.close(world->host);
	world->host = NULL;
}

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	snprintf(world->server, sizeof(world->server), "vmsnd-test-%d", (int)getpid());
	pthread_mutex_init(&world->lock, NULL);
	world->log = (struct vmsnd_log){world, keep_line};
	*state = world;
	return 0;
}

struct user *world_user(struct world *world)
{
	assert_true(world->n_users < WORLD_USERS);
	return &world->users[world->n_users++];
}

struct peer *world_peer(struct world *world)
{
	assert_true(world->n_peers < WORLD_PEERS);
	return &world->peers[world->n_peers++];
}

/* Nothing is asserted in a teardown: cmocka would end the program without a word. */
static void give_place_back(struct world *world)
{
	const struct timespec nap = {.tv_nsec = 300 * MS};

	spawn(world, NULL);
	nanosleep(&nap, NULL);
	jackd_stop(world, SIGTERM);
}

int world_teardown(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < world->n_users; i++)
		if (world->users[i].stream)
			user_close(&world->users[i]);
	world_close(world);
	for (unsigned i = 0; i < world->n_peers; i++)
		peer_close(&world->peers[i]);
	jackd_signal(world, SIGCONT);
	jackd_stop(world, SIGTERM);
	if (world->killed)
		give_place_back(world);
	sweep(world);
	pthread_mutex_destroy(&world->lock);
	free(world);
	return 0;
}

/* ---- users ---- */

static void play(struct user *user, const struct vmsnd_block *block)
{
	const uint32_t channels = user->got.format.channels;
	uint64_t frame = atomic_load(&user->frames);
	float *to = block->samples;

	for (uint32_t i = 0; i < block->frames; i++)
		for (uint32_t c = 0; c < channels; c++)
			*to++ = user->level != 0 ? user->level : signal_sample(frame + i, c);
}

static void record(struct user *user, const struct vmsnd_block *block)
{
	const uint32_t channels = user->got.format.channels;
	const float *from = block->samples;

	for (uint32_t i = 0; i < block->frames; i++)
		signal_hear(user->heard, from + (size_t)i * channels, channels);
}

static void block_rt(void *ctx, const struct vmsnd_block *block)
{
	struct user *user = ctx;

	if (user->dir == VMSND_PLAYBACK)
		play(user, block);
	else
		record(user, block);
	atomic_fetch_add(&user->frames, block->frames);
	atomic_fetch_add(&user->blocks, 1);
	atomic_fetch_add(&user->gaps, block->gap);
	atomic_store(&user->delay_frames, block->delay_frames);
	atomic_store(&user->when, block->when);
	if (block->frames > atomic_load(&user->most_frames))
		atomic_store(&user->most_frames, block->frames);
}

static uint32_t ready_rt(void *ctx)
{
	return UINT32_MAX;
}

static void ended(void *ctx, enum vmsnd_rc why)
{
	struct user *user = ctx;

	atomic_fetch_add(&user->ended, why == VMSND_E_GONE ? 1 : 1000);
}

static void notice(void *ctx, enum vmsnd_stream_notice what)
{
	struct user *user = ctx;

	atomic_fetch_or(&user->notices, 1u << what);
}

enum vmsnd_rc user_open(struct world *world, struct user *user, enum vmsnd_dir dir,
			struct vmsnd_format format)
{
	static const struct vmsnd_stream_user calls = {block_rt, ready_rt, ended, notice};
	const struct vmsnd_stream_want want = {.dir = dir, .format = format, .period_frames = 480};

	user->cls = &vmsnd_jack_class;
	user->dir = dir;
	return user->cls->stream_open(world->host, &want, &calls, user, &user->stream, &user->got);
}

void user_start(struct user *user)
{
	assert_int_equal(user->cls->stream_start(user->stream, now_ns()), VMSND_OK);
}

void user_close(struct user *user)
{
	user->cls->stream_stop(user->stream, now_ns());
	user->cls->stream_close(user->stream);
	user->stream = NULL;
}

/* ---- the signal ---- */

/* The first channel counts, the others depend on the count and on which they are; never is a whole
 * frame zero but the mono one of a count of 0. */
float signal_sample(uint64_t frame, uint32_t channel)
{
	uint32_t value = (uint32_t)frame * (1 + 2 * channel) + 7919 * channel;

	return (float)(int16_t)(uint16_t)value / 32768.0f;
}

static bool is_frame(const float *frame, uint32_t channels, uint32_t *count)
{
	float scaled = frame[0] * 32768.0f;

	*count = (uint16_t)(int16_t)lrintf(scaled);
	for (uint32_t c = 0; c < channels; c++)
		if (frame[c] < signal_sample(*count, c) || frame[c] > signal_sample(*count, c))
			return false;
	return true;
}

static void hear_sound(struct signal *signal, uint32_t count)
{
	bool first = !signal->sounding;

	if (!first && count != signal->next)
		atomic_fetch_add(&signal->jumps, 1);
	if (!first && signal->quiet)
		atomic_fetch_add(&signal->gaps, 1);
	signal->sounding = true;
	signal->quiet = false;
	signal->next = (count + 1) & 0xffff;
	atomic_fetch_add(&signal->good, 1);
}

void signal_hear(struct signal *signal, const float *frame, uint32_t channels)
{
	uint32_t count, zeros = 0;

	for (uint32_t c = 0; c < channels; c++)
		zeros += fpclassify(frame[c]) == FP_ZERO;
	atomic_fetch_add(&signal->loud, channels - zeros);
	if (zeros == channels && !(channels == 1 && signal->sounding && signal->next == 0)) {
		atomic_fetch_add(&signal->silent, 1);
		signal->quiet = true;
	} else if (is_frame(frame, channels, &count)) {
		hear_sound(signal, count);
	} else {
		atomic_fetch_add(&signal->bad, 1);
	}
}
