/* SPDX-License-Identifier: BSD-3-Clause */
/* usage: test-wire-killed VMSND [KILLS [SEED]]. The program is killed with SIGKILL while its guest
 * plays, again and again, and started anew; the front end keeps the in-flight area, as one with
 * INFLIGHT_SHMFD does. No buffer is lost, none completed twice, and every frame was heard. */
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

#define FRAMES        (3u * 48000u)
#define PERIOD_FRAMES 480u
#define LIMIT_MS      20000u
#define LIFE_MS_MAX   90u

static char program[4096];
static char directory[64];
static unsigned kills = 50;
static uint64_t seed = 1;

static struct world {
	pid_t child;
	struct wire_frontend *front;
	struct vmsnd_vu_inflight area;
	int area_fd;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
	uint32_t next; /* number of the last frame handed over */
	uint16_t seen; /* of the used ring of the playback queue */
	unsigned lives;
	uint64_t killed_at; /* when the next kill is due, in ms; 0: no more */
	bool opened;
} world;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t below(uint32_t end)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((seed >> 33) % end);
}

/* ---- the program ---- */

static void start_program(void)
{
	static const char *const words[] = {"vmsnd",
					    "serve",
					    "-q",
					    "-d",
					    "virtio-snd,socket=s.sock,name=vm1,capture=0",
					    "-b",
					    "file,path=out.wav",
					    NULL};

	world.child = fork();
	assert_true(world.child >= 0);
	if (world.child > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execv(program, (char *const *)(uintptr_t)words);
	_exit(99);
}

static int reach_program(void)
{
	const struct timespec tick = {.tv_nsec = 1000000};

	for (unsigned ms = 0; ms < LIMIT_MS; ms++) {
		int fd = vmsnd_socket_connect("s.sock");

		if (fd >= 0)
			return fd;
		assert_int_equal(waitpid(world.child, NULL, WNOHANG), 0);
		nanosleep(&tick, NULL);
	}
	fail_msg("it does not listen");
	return -1;
}

/* Each life's sound under a name of its own. */
static void end_program(int number)
{
	char name[32];

	assert_int_equal(kill(world.child, number), 0);
	assert_int_equal(waitpid(world.child, NULL, 0), world.child);
	snprintf(name, sizeof(name), "life-%u.wav", world.lives++);
	rename("out.wav", name); /* there may be none */
}

/* ---- the front end ---- */

static void set_area(void)
{
	assert_int_equal(wire_put_inflight(world.front, &world.area, world.area_fd), WIRE_OK);
}

/* What a front end knows: where its rings stand. QEMU says so of the used ring, Cloud Hypervisor of
 * the available one; a card with an area looks for itself. */
static void place_rings(bool used)
{
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		struct vmsnd_guest_ring *ring = &world.guest.rings[i];

		ring->setup.next_avail = used ? ring->used->idx : ring->avail->idx;
	}
}

static void plan_kill(void)
{
	world.killed_at = world.lives < kills ? now_ms() + 5 + below(LIFE_MS_MAX) : 0;
}

static void kill_if_due(void)
{
	struct vmsnd_guest_bus bus;

	if (world.killed_at == 0 || now_ms() < world.killed_at)
		return;
	end_program(SIGKILL);
	start_program();
	wire_frontend_move(world.front, reach_program());
	wire_frontend_bus(world.front, &bus);
	assert_int_equal(vmsnd_guest_move(&world.guest, &bus), VMSND_OK);
	set_area();
	place_rings(world.lives % 2);
	assert_int_equal(vmsnd_guest_resume(&world.guest, 0), VMSND_OK);
	plan_kill();
}

static vmsnd_ns wait_answer(void *ctx, vmsnd_ns now)
{
	wire_frontend_wait(world.front, 1);
	kill_if_due();
	return now;
}

/* Between memory and the first queue, as front ends have it. */
static enum vmsnd_rc (*share_memory)(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes);
static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	enum vmsnd_rc rc = share_memory(ctx, gpa, at, bytes);

	world.area = (struct vmsnd_vu_inflight){.n_queues = WIRE_QUEUES, .queue_size = 64};
	assert_int_equal(wire_get_inflight(world.front, &world.area, &world.area_fd), WIRE_OK);
	assert_true(world.area.bytes > 0 && world.area_fd >= 0);
	set_area();
	return rc;
}

/* ---- the guest ---- */

/* Frame by frame its number, from 1. */
static uint32_t read_numbers(void *ctx, void *to, uint32_t frames)
{
	uint32_t n = 0;

	for (; n < frames && world.next < FRAMES; n++) {
		world.next++;
		memcpy((char *)to + n * 4u, &world.next, 4);
	}
	return n;
}

static void open_guest(void)
{
	struct vmsnd_guest_conf conf = {
	    .event_idx = true, .by_interrupt = true, .wait = wait_answer, .tries = 20000};

	conf.memory = wire_frontend_memory(world.front, &conf.memory_bytes);
	wire_frontend_bus(world.front, &conf.bus);
	share_memory = conf.bus.share;
	conf.bus.share = share;
	assert_int_equal(vmsnd_guest_open(&world.guest, &conf, 0), VMSND_OK);
	vmsnd_guest_player_init(
	    &world.player, &world.guest,
	    &(struct vmsnd_guest_player_conf){
		.params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
			   PERIOD_FRAMES,
			   4},
		.frames = FRAMES,
		.read = read_numbers});
}

/* With one stream, used entries come in the order in which they were made available. */
static void look_at_order(void)
{
	const struct vmsnd_guest_ring *ring = &world.guest.rings[VIRTIO_SND_VQ_TX];
	uint16_t mask = (uint16_t)(ring->conf.size - 1);

	for (; world.seen != ring->used->idx; world.seen++)
		assert_int_equal(ring->used->ring[world.seen & mask].id,
				 ring->avail->ring[world.seen & mask]);
}

static void play(void)
{
	while (vmsnd_guest_player_step(&world.player, 0)) {
		wire_frontend_wait(world.front, 3);
		look_at_order();
		kill_if_due();
	}
	look_at_order();
}

/* ---- what was heard ---- */

/* Within a life one number after the other, but for silence. */
static void hear(const char *path, bool *was_heard)
{
	FILE *file = fopen(path, "rb");
	uint8_t head[12], chunk[8];
	uint32_t bytes, number, last = 0;

	if (!file)
		return;
	if (fgetc(file) == EOF) { /* killed between making it and its first write */
		fclose(file);
		return;
	}
	rewind(file);
	assert_int_equal(fread(head, 1, sizeof(head), file), sizeof(head));
	for (;;) {
		assert_int_equal(fread(chunk, 1, sizeof(chunk), file), sizeof(chunk));
		memcpy(&bytes, chunk + 4, 4);
		if (memcmp(chunk, "data", 4) == 0)
			break;
		assert_int_equal(fseek(file, (long)(bytes + (bytes & 1)), SEEK_CUR), 0);
	}
	for (; bytes >= 4 && fread(&number, 4, 1, file) == 1; bytes -= 4) {
		if (number == 0)
			continue;
		assert_in_range(number, 1, FRAMES);
		assert_true(last == 0 || number == last + 1);
		was_heard[number] = true;
		last = number;
	}
	fclose(file);
}

static void expect_all_heard(void)
{
	static bool was_heard[FRAMES + 1];
	unsigned missing = 0, first = 0;
	char name[32];

	for (unsigned life = 0; life < world.lives; life++) {
		snprintf(name, sizeof(name), "life-%u.wav", life);
		hear(name, was_heard);
	}
	for (unsigned i = FRAMES; i > 0; i--)
		if (!was_heard[i]) {
			missing++;
			first = i;
		}
	if (missing > 0)
		fail_msg("%u frames were never heard, from %u on", missing, first);
}

static void test_kills_while_playing(void **state)
{
	const struct vmsnd_guest_ring *rings = world.guest.rings;

	start_program();
	world.front = wire_frontend_attach(reach_program(), NULL, NULL);
	open_guest();
	plan_kill();
	play();
	if (world.player.state != VMSND_GUEST_PLAYER_DONE)
		fail_msg("life %u: %s was answered %#x", world.lives,
			 vmsnd_guest_player_state_text(world.player.state), world.player.status);
	assert_int_equal(world.player.messages_failed, 0);
	assert_int_equal(world.player.frames_completed, FRAMES);
	/* Not one more given back than was posted. */
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		if (i != VIRTIO_SND_VQ_EVENT)
			assert_int_equal(rings[i].used->idx, rings[i].avail->idx);
	assert_int_equal(rings[VIRTIO_SND_VQ_EVENT].used->idx, 0);
	wire_frontend_close(world.front);
	close(world.area_fd);
	end_program(SIGTERM);
	assert_in_range(world.lives, kills / 2, kills + 1); /* it may have been done sooner */
	expect_all_heard();
}

static int enter(void **state)
{
	snprintf(directory, sizeof(directory), "%s", "/tmp/vmsnd-killed-XXXXXX");
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
	    cmocka_unit_test(test_kills_while_playing),
	};

	if (argc < 2 || !realpath(argv[1], program))
		return 2;
	kills = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : kills;
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : seed;
	return cmocka_run_group_tests_name("killed", tests, enter, leave);
}
