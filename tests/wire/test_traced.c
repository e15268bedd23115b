/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole program: `vmsnd serve` with a traced card and a front end of ours, which is its VMM and
 * its guest; then `vmsnd trace`. The program is the first argument. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend.h"
#include "guests/player.h"
#include "os/clock.h"

#define PERIOD_FRAMES 480u
#define FRAMES        4800u
#define TEXT_BYTES    (4u << 20)

extern char **environ;

static const char *program;

struct session {
	char folder[64], socket[96], trace[96];
	pid_t pid;
	FILE *said;
	struct wire_frontend *front;
	struct vmsnd_guest *guest;
};

static void start(struct session *session)
{
	char device[256];
	char *const argv[] = {(char *)(uintptr_t)program,
			      (char *)(uintptr_t) "serve",
			      (char *)(uintptr_t) "--once",
			      (char *)(uintptr_t) "--device",
			      device,
			      (char *)(uintptr_t) "--backend",
			      (char *)(uintptr_t) "null",
			      NULL};
	posix_spawn_file_actions_t actions;
	char line[256];
	int ends[2];

	snprintf(device, sizeof(device), "virtio-snd,name=vm1,socket=%s,trace=%s", session->socket,
		 session->trace);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&session->pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	session->said = fdopen(ends[0], "r");
	assert_non_null(session->said);
	/* Its first line says that it listens. */
	assert_non_null(fgets(line, sizeof(line), session->said));
	assert_non_null(strstr(line, "listen"));
}

static vmsnd_ns wait_answer(void *ctx, vmsnd_ns now)
{
	wire_frontend_wait(ctx, 10);
	return vmsnd_clock_now();
}

static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	memset(to, 0x11, (size_t)frames * 4);
	return frames;
}

static void play(struct session *session)
{
	struct vmsnd_guest_conf conf = {.event_idx = true, .by_interrupt = true};
	const struct vmsnd_guest_player_conf wish = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
		       PERIOD_FRAMES,
		       4},
	    .frames = FRAMES,
	    .read = read_numbers};
	struct vmsnd_guest_player player;

	session->front = wire_frontend_open(session->socket);
	session->guest = calloc(1, sizeof(*session->guest));
	assert_non_null(session->front);
	assert_non_null(session->guest);
	conf.memory = wire_frontend_memory(session->front, &conf.memory_bytes);
	conf.wait = wait_answer;
	conf.wait_ctx = session->front;
	conf.tries = 1000;
	wire_frontend_bus(session->front, &conf.bus);
	assert_int_equal(vmsnd_guest_open(session->guest, &conf, vmsnd_clock_now()), VMSND_OK);
	vmsnd_guest_player_init(&player, session->guest, &wish);
	while (vmsnd_guest_player_step(&player, vmsnd_clock_now()))
		wire_frontend_wait(session->front, 10);
	assert_int_equal(player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(player.messages_ok, FRAMES / PERIOD_FRAMES);
}

/* The VMM leaves, and --once has the program leave, too. */
static void end(struct session *session)
{
	char line[256];
	int status;

	wire_frontend_close(session->front);
	while (fgets(line, sizeof(line), session->said))
		assert_null(strstr(line, "error:"));
	fclose(session->said);
	assert_int_equal(waitpid(session->pid, &status, 0), session->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(session->guest);
}

/* What `vmsnd trace` prints; to be freed. */
static char *print(const struct session *session)
{
	char *text = calloc(1, TEXT_BYTES);
	char command[512];
	FILE *from;

	snprintf(command, sizeof(command), "'%s' trace '%s' 2>&1", program, session->trace);
	from = popen(command, "r");
	assert_non_null(from);
	assert_non_null(text);
	assert_in_range(fread(text, 1, TEXT_BYTES, from), 1, TEXT_BYTES - 1);
	assert_int_equal(pclose(from), 0);
	return text;
}

/* Where `part` is, behind `*at`; moves it there. */
static void expect_next(const char **at, const char *part)
{
	const char *found = strstr(*at, part);

	if (!found)
		fail_msg("there is no '%s' where it should be", part);
	*at = found;
}

static void test_DM54_a_session_of_the_program_is_in_its_trace(void **state)
{
	static const char *const order[] = {
	    "card vm1, virtio-snd\n",
	    " dev.features -> 0x",
	    " mem.add gpa=0x0 bytes=16777216 rights=rw -> ok\n",
	    " dev.queue_start queue=0 size=64 next_avail=0 desc=0x",
	    " dev.queue_start queue=2 size=64 next_avail=0 desc=0x",
	    " dev.kick queue=0 {\n",
	    " mem.read gpa=0x",
	    (" port.prepare playback0 sample=S16 rate_hz=48000 channels=2 "
	     "buffer_frames=1920 period_frames=480 -> ok\n"),
	    " irq.notify vector=0\n",
	    " port.start playback0 -> ok\n",
	    " irq.notify vector=2\n",
	    " port.release playback0\n",
	    " dev.reset why=peer-lost",
	};
	struct session session = {.pid = -1};
	const char *at;
	char *text;

	snprintf(session.folder, sizeof(session.folder), "%s/vmsnd-traced-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
	assert_non_null(mkdtemp(session.folder));
	snprintf(session.socket, sizeof(session.socket), "%s/s.sock", session.folder);
	snprintf(session.trace, sizeof(session.trace), "%s/a.trace", session.folder);
	start(&session);
	play(&session);
	end(&session);
	text = print(&session);
	at = text;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		expect_next(&at, order[i]);
	/* Before or after the start: queues are looked at as their kicks come. */
	at = strstr(text, " port.prepare playback0 ");
	expect_next(&at, " port.commit playback0 frames=480\n");
	assert_null(strstr(text, "gap records="));
	free(text);
	unlink(session.trace);
	rmdir(session.folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM54_a_session_of_the_program_is_in_its_trace),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
