/* SPDX-License-Identifier: BSD-3-Clause */
/* usage: test-wire-restore VMSND. The program is saved while its guest plays, ends, and another
 * goes on for the same guest, as a VMM does it that was stopped meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend.h"
#include "guests/player.h"

#define FRAMES        38400u /* 0.8 s */
#define PERIOD_FRAMES 480u
#define LIMIT_MS      20000u
#define CARD          "virtio-snd,socket=s.sock,name=vm1,capture=0"

static char program[4096];
static char directory[64];

/* ---- programs ---- */

/* `error_fd`: what it says; -1: ours. */
static pid_t start(const char *const *words, int error_fd)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
	if (error_fd >= 0)
		dup2(error_fd, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("VMSND_CONTROL", "c.sock", 1);
	execv(program, (char *const *)(uintptr_t)words);
	_exit(99);
}

static int ended(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Its exit code; what it said goes into `said`. */
static int run(const char *const *words, char *said, size_t bytes)
{
	int ends[2];
	size_t used = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = start(words, ends[1]);
	close(ends[1]);
	while ((n = read(ends[0], said + used, bytes - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(ends[0]);
	return ended(child);
}

static void ctl(const char *verb, const char *file)
{
	const char *const words[] = {"vmsnd", "ctl", verb, file, NULL};
	char said[4096];

	if (run(words, said, sizeof(said)))
		fail_msg("ctl %s: %s", verb, said);
}

/* Once it listens. */
static int reach(pid_t child)
{
	const struct timespec tick = {.tv_nsec = 2000000};

	for (unsigned ms = 0; ms < LIMIT_MS; ms += 2) {
		int fd = vmsnd_socket_connect("s.sock");

		if (fd >= 0)
			return fd;
		assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
		nanosleep(&tick, NULL);
	}
	fail_msg("it does not listen");
	return -1;
}

/* ---- the guest ---- */

/* Frame by frame its number, from 1. */
static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	uint32_t *next = ctx, n = 0;

	for (; n < frames && *next < FRAMES; n++) {
		++*next;
		memcpy((char *)to + n * 4u, next, 4);
	}
	return n;
}

static void play(struct vmsnd_guest_player *player, struct wire_frontend *front, uint64_t frames)
{
	while (player->frames_completed < frames && vmsnd_guest_player_step(player, 0))
		wire_frontend_wait(front, 50);
	assert_int_not_equal(player->state, VMSND_GUEST_PLAYER_FAILED);
}

/* Numbers in a sound file go on after `last`; silence is left out. The last one. */
static uint32_t heard(const char *path, uint32_t last)
{
	FILE *file = fopen(path, "rb");
	uint8_t head[12], chunk[8];
	uint32_t bytes, number;

	assert_non_null(file);
	assert_int_equal(fread(head, 1, sizeof(head), file), sizeof(head));
	for (;;) {
		assert_int_equal(fread(chunk, 1, sizeof(chunk), file), sizeof(chunk));
		memcpy(&bytes, chunk + 4, 4);
		if (memcmp(chunk, "data", 4) == 0)
			break;
		assert_int_equal(fseek(file, (long)(bytes + (bytes & 1)), SEEK_CUR), 0);
	}
	for (; bytes >= 4; bytes -= 4) {
		assert_int_equal(fread(&number, 4, 1, file), 1);
		if (number == 0)
			continue;
		assert_int_equal(number, last + 1);
		last = number;
	}
	fclose(file);
	return last;
}

struct world {
	struct wire_frontend *front;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
	uint32_t next;
};

static vmsnd_ns wait_answer(void *ctx, vmsnd_ns now)
{
	wire_frontend_wait(ctx, 10);
	return now;
}

static void open_guest(struct world *world)
{
	struct vmsnd_guest_conf conf = {.event_idx = true,
					.by_interrupt = true,
					.wait = wait_answer,
					.wait_ctx = world->front,
					.tries = 1000};

	conf.memory = wire_frontend_memory(world->front, &conf.memory_bytes);
	wire_frontend_bus(world->front, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&world->guest, &conf, 0), VMSND_OK);
	vmsnd_guest_player_init(
	    &world->player, &world->guest,
	    &(struct vmsnd_guest_player_conf){
		.params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
			   PERIOD_FRAMES,
			   4},
		.frames = FRAMES,
		.ctx = &world->next,
		.read = read_numbers});
}

static pid_t serve_first(void)
{
	static const char *const words[] = {
	    "vmsnd", "serve", "-q", "-d", CARD, "-b", "file,path=out.wav", "-c", "c.sock", NULL};

	return start(words, -1);
}

static pid_t serve_saved(void)
{
	static const char *const words[] = {"vmsnd",     "serve", "-q",     "--restore",
					    "vm1.state", "-c",    "c.sock", NULL};

	return start(words, -1);
}

/* The VMM stops its guest first: the card's queues are given up (GET_VRING_BASE). */
static void save_and_quit(struct world *world, pid_t child)
{
	struct stat facts;

	assert_int_equal(vmsnd_guest_pause(&world->guest, 0), VMSND_OK);
	ctl("save", "vm1.state");
	ctl("quit", NULL);
	assert_int_equal(ended(child), 0);
	assert_int_equal(stat("vm1.state", &facts), 0);
	assert_int_equal(facts.st_mode & 07777, 0600);
}

static void test_SS_the_program_goes_on_for_its_guest(void **state)
{
	static struct world world;
	struct vmsnd_guest_bus bus;
	pid_t child = serve_first();
	uint32_t last;

	world.front = wire_frontend_attach(reach(child), NULL, NULL);
	open_guest(&world);
	play(&world.player, world.front, FRAMES / 2);
	save_and_quit(&world, child);
	assert_int_equal(rename("out.wav", "first.wav"), 0);
	child = serve_saved();
	wire_frontend_move(world.front, reach(child));
	wire_frontend_bus(world.front, &bus);
	assert_int_equal(vmsnd_guest_move(&world.guest, &bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_resume(&world.guest, 0), VMSND_OK);
	play(&world.player, world.front, UINT64_MAX);
	assert_int_equal(world.player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(world.player.frames_completed, FRAMES);
	assert_int_equal(world.player.messages_failed, 0);
	wire_frontend_close(world.front);
	kill(child, SIGTERM);
	assert_int_equal(ended(child), 0);
	last = heard("first.wav", 0);
	assert_in_range(last, FRAMES / 4, FRAMES - 1);
	assert_int_equal(heard("out.wav", last), FRAMES);
}

/* ---- what cannot be restored; after the test above, which leaves a state ---- */

static void expect_refused(const char *const *words, const char *part)
{
	char said[4096];
	int code = run(words, said, sizeof(said));

	if (code != 1 || !strstr(said, part) || strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%d, and not one line with '%s': %s", code, part, said);
}

static void write_state(const char *path, const uint8_t *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void test_SS_a_state_that_is_of_no_use(void **state)
{
	static const char *const damaged[] = {"vmsnd",     "serve",     "-q",
					      "--restore", "bad.state", NULL};
	static const char *const named[] = {"vmsnd", "serve",     "-q",        "-d",
					    CARD,    "--restore", "bad.state", NULL};
	static const char *const missing[] = {"vmsnd",     "serve",    "-q",
					      "--restore", "no.state", NULL};
	static const char *const other[] = {
	    "vmsnd",     "serve",     "-q", "-d", "virtio-snd,socket=s.sock,name=vm2,capture=0",
	    "--restore", "vm1.state", NULL};
	static const char *const streams[] = {
	    "vmsnd",     "serve",     "-q", "-d", "virtio-snd,socket=s.sock,name=vm1,playback=2",
	    "--restore", "vm1.state", NULL};
	static uint8_t bytes[1 << 20];
	FILE *file = fopen("vm1.state", "rb");
	size_t n;

	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_in_range(n, 100, sizeof(bytes) - 1);
	expect_refused(missing, "no.state");
	write_state("bad.state", bytes, n / 2);
	expect_refused(damaged, "it is not whole");
	expect_refused(named, "it is not whole");
	bytes[n / 2] ^= 1;
	write_state("bad.state", bytes, n);
	expect_refused(damaged, "one of its sections is damaged");
	write_state("bad.state", (const uint8_t *)"version: 1\n", 11);
	expect_refused(damaged, "it is no saved state");
	expect_refused(other, "it has a card that this machine has not");
	expect_refused(streams, "a card has other streams");
}

static int enter(void **state)
{
	snprintf(directory, sizeof(directory), "%s", "/tmp/vmsnd-restore-XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	return chdir("/") || system(command) ? -1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS_the_program_goes_on_for_its_guest),
	    cmocka_unit_test(test_SS_a_state_that_is_of_no_use),
	};

	if (argc != 2 || !realpath(argv[1], program))
		return 2;
	return cmocka_run_group_tests_name("restore", tests, enter, leave);
}
