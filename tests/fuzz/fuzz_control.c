/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes become what clients of the control socket do: they come, say something whole or broken,
 * read or do not, go. The server lives as long as the process; the machine behind it is a double,
 * since a real one would write files wherever an input says. The last client of each input asks
 * for the status, so a server that broke is noticed at once. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/parts.h"
#include "double.h"
#include "os/socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS  4u
#define OPS_MAX  64u
#define STEP_NS  UINT64_C(20000000)
#define SAY_MAX  255u
#define ASK_LAST "\xff{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-status\",\"id\":\"?\"}"

struct world {
	struct vmsnd_machine machine;
	struct vmsnd_control *control;
	struct vmsnd_overheard heard;
	struct vmsnd_wake wake;
	struct vmsnd_log log;
	vmsnd_ns now;
	int clients[CLIENTS];
	char folder[40], path[60];
};

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_control: %s\n", what);
	abort();
}

static int64_t wall_us(void)
{
	return 0;
}

static void open_world(struct world *world)
{
	struct vmsnd_control_conf conf = {.path = world->path,
					  .machine = &world->machine,
					  .log = &world->log,
					  .heard = &world->heard,
					  .wake = &world->wake,
					  .wall_us = wall_us};

	double_init(&world->machine);
	/* A save would write files wherever an input says. */
	world->machine.saved = VMSND_E_UNSUPPORTED;
	world->log = vmsnd_overhear(&world->heard, &(struct vmsnd_log){0});
	world->machine.log = &world->log;
	snprintf(world->folder, sizeof(world->folder), "/tmp/vmsnd-fuzz-XXXXXX");
	must(mkdtemp(world->folder) != NULL, "no folder");
	snprintf(world->path, sizeof(world->path), "%s/c", world->folder);
	must(!vmsnd_wake_open(&world->wake), "no wake");
	must(!vmsnd_control_open(&conf, &world->control), "no server");
	for (unsigned i = 0; i < CLIENTS; i++)
		world->clients[i] = -1;
}

static void turn(struct world *world)
{
	struct pollfd one = {.fd = vmsnd_control_fd(world->control), .events = POLLIN};

	for (unsigned i = 0; i < 10000; i++) {
		bool ready = poll(&one, 1, 0) == 1;
		vmsnd_ns next = vmsnd_control_turn(world->control, ready, world->now);

		if (!ready && next > world->now)
			return;
	}
	must(false, "it keeps the loop busy for ever");
}

static void let_go(struct world *world, unsigned i)
{
	if (world->clients[i] >= 0)
		close(world->clients[i]);
	world->clients[i] = -1;
}

static int come(struct world *world, unsigned i)
{
	let_go(world, i);
	world->clients[i] = vmsnd_socket_connect(world->path);
	must(world->clients[i] >= 0, "nobody lets it in");
	turn(world);
	return world->clients[i];
}

static bool answers(int fd)
{
	static char text[1 << 20];
	size_t bytes = 0;
	ssize_t n;

	while ((n = recv(fd, text + bytes, sizeof(text) - bytes - 1, MSG_DONTWAIT)) > 0)
		bytes += (size_t)n;
	text[bytes] = '\0';
	return strstr(text, "\"id\":\"?\"") != NULL;
}

/* The machine is another one from now on. */
static void change_machine(struct vmsnd_machine *machine, unsigned how)
{
	static const char *const hosts[] = {"none", "running", "lost", "opening"};
	struct double_card *card = &machine->cards[how & 1];

	card->streams[how >> 1 & 1].host = hosts[how >> 2 & 3];
	card->streams[how >> 1 & 1].output = how >> 4 & 7;
	card->on[how >> 1 & 1] = how >> 7;
	machine->rc = how % 5 == 0 ? VMSND_E_INVALID : VMSND_OK;
	machine->line = how % 7 == 0 ? "a line\xff" : NULL;
}

/* Lives and reattaches take time, or end; cards go and come back. */
static void change_life(struct vmsnd_machine *machine, unsigned how)
{
	machine->again = how & 1;
	machine->reattached = how & 2 ? VMSND_E_GONE : VMSND_OK;
	if (how & 4)
		machine->phase = (enum vmsnd_machine_phase)(how >> 3 & 3);
	if (how >> 5 == 1 && machine->status.cards == 2) {
		machine->cards[1].gone = true;
		machine->status.cards = 1;
	}
	if (how >> 5 == 2) {
		for (unsigned i = 0; i < DOUBLE_CARDS; i++)
			machine->cards[i].gone = false;
		machine->status.cards = 2;
	}
}

/* A command of the table, with `bytes` as its arguments. */
static void say_command(int fd, unsigned which, const uint8_t *data, size_t bytes)
{
	char text[SAY_MAX + 100];
	size_t n = 0, at;

	while (vmsnd_control_command(n))
		n++;
	at = (size_t)snprintf(text, sizeof(text), "{\"execute\":\"%s\",\"arguments\":{",
			      vmsnd_control_command(which % n)->name);
	memcpy(text + at, data, bytes);
	memcpy(text + at + bytes, "}}", 2);
	send(fd, text, at + bytes + 2, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say(struct world *world, unsigned i, unsigned what, const uint8_t *data, size_t bytes)
{
	static const char open[] = "{\"execute\":\"qmp_capabilities\"}";

	if (world->clients[i] < 0)
		vmsnd_socket_send(come(world, i), open, sizeof(open) - 1, NULL);
	if (what % 2 == 0)
		send(world->clients[i], data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (bytes > 0)
		say_command(world->clients[i], data[0], data + 1, bytes - 1);
}

/* One operation; returns how many bytes of the input it took. */
static size_t operate(struct world *world, const uint8_t *data, size_t size)
{
	unsigned i = data[0] % CLIENTS, what = data[0] / CLIENTS % 16;
	size_t bytes = size > 1 ? data[1] : 0;
	char sink[4096];

	if (what == 0)
		come(world, i);
	if (what == 1)
		let_go(world, i);
	if (what == 2 && world->clients[i] >= 0)
		shutdown(world->clients[i], SHUT_WR);
	if (what == 3 && world->clients[i] >= 0)
		while (recv(world->clients[i], sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	if (what == 4)
		world->now += STEP_NS * (bytes + 1);
	if (what == 5)
		change_machine(&world->machine, (unsigned)bytes);
	if (what == 6)
		change_life(&world->machine, (unsigned)bytes);
	if (what == 7)
		vmsnd_control_poke(&world->wake);
	if (what < 8 || size < 3)
		return size < 2 ? 1 : 2;
	if (bytes > size - 2)
		bytes = size - 2;
	say(world, i, what, data + 2, bytes);
	return 2 + bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	int last;

	if (!world.control)
		open_world(&world);
	for (unsigned ops = 0; size > 0 && ops < OPS_MAX; ops++) {
		size_t took = operate(&world, data, size);

		data += took;
		size -= took;
		turn(&world);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		let_go(&world, i);
	change_life(&world.machine, 2 << 5); /* whatever takes time comes to its end */
	turn(&world);
	last = come(&world, 0);
	must(send(last, ASK_LAST, sizeof(ASK_LAST) - 1, MSG_DONTWAIT) == sizeof(ASK_LAST) - 1,
	     "it takes nothing");
	turn(&world);
	must(answers(last), "it does not answer any more");
	let_go(&world, 0);
	world.now += STEP_NS;
	turn(&world);
	return 0;
}
