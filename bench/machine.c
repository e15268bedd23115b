/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines of many cards: how long they take to build and to take down, beside as many bare
 * listening sockets in the same run; what an idle card weighs; what a thousand of them cost a
 * second. Usage: bench-machine [seconds] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guests/player.h"
#include "server.h"
#include "vmsnd/machine.h"

#define CARDS_MAX    1000u
#define MEMORY_BYTES (1u << 20)
#define AIM_KIB      64.0

struct measured {
	char directory[80];
	struct vmsnd_node *root;
	struct vmsnd_machine *machine;
	unsigned cards;
};

struct bench_case {
	void (*measure)(const struct bench_case *row);
	const char *text;
	unsigned cards, tries;
	const char *transport;
	bool guest, plays;
	unsigned seconds;
};

/* ---- a machine ---- */

static void socket_path(const struct measured *of, unsigned i, char path[100])
{
	snprintf(path, 100, "%s/%u", of->directory, i);
}

static void configure_card(const struct measured *of, struct vmsnd_node *cards, unsigned i,
			   const char *transport)
{
	char name[16], path[100];
	struct vmsnd_node *node;

	snprintf(name, sizeof(name), "c%u", i);
	node = vmsnd_node_make(cards, name);
	socket_path(of, i, path);
	if (!node || vmsnd_leaf_set_text(node, "device", "virtio-snd") ||
	    vmsnd_leaf_set_text(node, "transport", transport))
		bench_fail("out of memory");
	if (strcmp(transport, "vhost-user") == 0 && vmsnd_leaf_set_text(node, "socket", path))
		bench_fail("out of memory");
}

static void configure(struct measured *of, unsigned cards, const char *transport)
{
	const char *base = getenv("TMPDIR");
	struct vmsnd_node *list;

	memset(of, 0, sizeof(*of));
	of->cards = cards;
	snprintf(of->directory, sizeof(of->directory), "%.50s/vmsnd-bench-XXXXXX",
		 base ? base : P_tmpdir);
	if (!mkdtemp(of->directory))
		bench_fail("no directory for the sockets");
	of->root = vmsnd_tree_new();
	list = of->root ? vmsnd_node_make(of->root, "cards") : NULL;
	if (!list)
		bench_fail("out of memory");
	for (unsigned i = 0; i < cards; i++)
		configure_card(of, list, i, transport);
}

static void forget(struct measured *of)
{
	vmsnd_tree_free(of->root);
	rmdir(of->directory);
}

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fprintf(stderr, "%s\n", line);
}

static void open_machine(struct measured *of)
{
	const struct vmsnd_machine_conf conf = {.lanes = 1, .log = {NULL, log_line}};

	if (vmsnd_machine_open(&conf, &of->machine))
		bench_fail("no machine");
}

static void build(struct measured *of)
{
	if (vmsnd_machine_build(of->machine, of->root, NULL, 0, 0))
		bench_fail("the cards are refused");
}

/* ---- time ---- */

/* What the system alone takes for as many sockets. */
static uint64_t sockets_ns(const struct measured *of)
{
	int fds[CARDS_MAX];
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	uint64_t begin = bench_now_ns();

	for (unsigned i = 0; i < of->cards; i++) {
		socket_path(of, i, name.sun_path);
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&name, sizeof(name)) ||
		    listen(fds[i], 1))
			bench_fail("no sockets");
	}
	begin = bench_now_ns() - begin;
	for (unsigned i = 0; i < of->cards; i++) {
		socket_path(of, i, name.sun_path);
		close(fds[i]);
		unlink(name.sun_path);
	}
	return begin;
}

static void keep_best(uint64_t *best, uint64_t ns)
{
	if (ns < *best)
		*best = ns;
}

static void measure_time(const struct bench_case *row)
{
	uint64_t up = UINT64_MAX, down = UINT64_MAX, bare = UINT64_MAX;
	struct measured of;

	configure(&of, row->cards, row->transport);
	for (unsigned i = 0; i < row->tries; i++) {
		uint64_t begin;

		open_machine(&of);
		begin = bench_now_ns();
		build(&of);
		keep_best(&up, bench_now_ns() - begin);
		begin = bench_now_ns();
		vmsnd_machine_close(of.machine, 0);
		keep_best(&down, bench_now_ns() - begin);
		keep_best(&bare, sockets_ns(&of));
	}
	forget(&of);
	printf("  %4u cards, %-12s build %8.3f ms, down %8.3f ms, %6.1f us a card", row->cards,
	       row->transport, (double)up / 1e6, (double)down / 1e6,
	       (double)(up + down) / 1e3 / row->cards);
	if (strcmp(row->transport, "vhost-user") == 0)
		printf("; build is %.1f x the bare sockets", (double)up / (double)bare);
	putchar('\n');
}

/* ---- weight ---- */

static uint64_t own_kib(void)
{
	const struct bench_server self = {.pid = getpid()};

	return bench_server_status(&self, "RssAnon");
}

/* What a guest has is shared memory, so that it does not count. */
static void *shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		bench_fail("no memory for guests");
	return at;
}

static uint32_t read_sound(void *ctx, void *to, uint32_t frames)
{
	memset(to, 1, (size_t)frames * 4);
	return frames;
}

static void add_guest(const struct measured *of, unsigned i, struct vmsnd_guest_player *player)
{
	struct vmsnd_guest *guest = shared(sizeof(*guest));
	struct vmsnd_guest_conf conf = {.memory = shared(MEMORY_BYTES),
					.memory_bytes = MEMORY_BYTES,
					.gpa = UINT64_C(0x40000000)};
	const struct vmsnd_guest_player_conf play = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, 480, 4},
	    .frames = UINT64_MAX,
	    .read = read_sound};

	if (vmsnd_machine_guest_bus(of->machine, i, &conf.bus) || vmsnd_guest_open(guest, &conf, 0))
		bench_fail("no guest");
	vmsnd_guest_player_init(player, guest, &play);
}

/* Guests play for half a second, which every part of a card sees. */
static void play(struct vmsnd_guest_player *players, unsigned n)
{
	uint64_t end = bench_now_ns() + 500000000u;

	while (bench_now_ns() < end) {
		for (unsigned i = 0; i < n; i++)
			if (!vmsnd_guest_player_step(&players[i], 0))
				bench_fail("a stream ended");
		usleep(2000);
	}
}

static void measure_weight(const struct bench_case *row)
{
	struct vmsnd_guest_player *players = shared(row->cards * sizeof(*players));
	struct measured of;
	uint64_t before, after;
	double kib;

	configure(&of, row->cards, row->transport);
	open_machine(&of);
	before = own_kib();
	build(&of);
	for (unsigned i = 0; row->guest && i < row->cards; i++)
		add_guest(&of, i, &players[i]);
	if (row->plays)
		play(players, row->cards);
	usleep(100000);
	after = own_kib();
	vmsnd_machine_close(of.machine, 0);
	forget(&of);
	kib = (double)(after > before ? after - before : 0) / row->cards;
	printf("  %4u cards, %-28s %7.1f KiB of its own a card", row->cards, row->text, kib);
	if (!row->plays)
		printf(", %.2f x the aim", kib / AIM_KIB);
	putchar('\n');
}

/* ---- nothing to do ---- */

static void measure_idle(const struct bench_case *row)
{
	struct vmsnd_guest_player *players = shared(row->cards * sizeof(*players));
	struct measured of;
	uint64_t cpu;

	configure(&of, row->cards, row->transport);
	open_machine(&of);
	build(&of);
	for (unsigned i = 0; row->guest && i < row->cards; i++)
		add_guest(&of, i, &players[i]);
	usleep(500000);
	cpu = bench_own_cpu_ns();
	sleep(row->seconds);
	cpu = bench_own_cpu_ns() - cpu;
	vmsnd_machine_close(of.machine, 0);
	forget(&of);
	printf("  %4u cards, %-28s %7.3f ms of CPU a second\n", row->cards, row->text,
	       (double)cpu / 1e6 / row->seconds);
}

/* ---- all of it ---- */

static const struct bench_case cases[] = {
    {measure_time, "", 1, 50, "vhost-user", false, false, 0},
    {measure_time, "", 100, 10, "vhost-user", false, false, 0},
    {measure_time, "", 1000, 5, "vhost-user", false, false, 0},
    {measure_time, "", 1, 50, "in-process", false, false, 0},
    {measure_time, "", 100, 10, "in-process", false, false, 0},
    {measure_time, "", 1000, 5, "in-process", false, false, 0},
    {measure_weight, "idle, nobody connected", 1000, 1, "vhost-user", false, false, 0},
    {measure_weight, "idle, nobody connected", 1000, 1, "in-process", false, false, 0},
    {measure_weight, "idle, with a guest's driver", 1000, 1, "in-process", true, false, 0},
    {measure_weight, "one stream plays", 100, 1, "in-process", true, true, 0},
    {measure_idle, "idle, nobody connected", 1, 1, "vhost-user", false, false, 1},
    {measure_idle, "idle, nobody connected", 1000, 1, "vhost-user", false, false, 1},
    {measure_idle, "idle, with a guest's driver", 1000, 1, "in-process", true, false, 1},
};

/* In a process of its own: what one leaves in the heap is not the next one's. */
static void in_child(const struct bench_case *row)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_fail("no process");
	if (pid == 0) {
		row->measure(row);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		bench_fail("a machine of many cards could not be measured");
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
	struct rlimit files;

	if (seconds == 0)
		bench_fail("usage: bench-machine [seconds]");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench_case row = cases[i];

		row.seconds *= seconds;
		in_child(&row);
	}
	return 0;
}
