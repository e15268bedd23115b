/* SPDX-License-Identifier: BSD-3-Clause */
/* What QEMU does for its guest: accesses forwarded, the line's eventfd, UNMASK at the first access
 * after an interrupt. */
#include "ac97_guest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECT_TRIES  1000
#define MEMORY_GPA     UINT64_C(0x40000000)
#define ASK_BYTES      32u /* header and access */
#define ANSWER_BYTES   36u /* and four bytes */
#define CONFIG_BAR     0x10u
#define DMA_READ_WRITE 3u

/* ---- the VMM ---- */

static void bus_bar(void *ctx, unsigned index, struct vmsnd_pci_bar *out)
{
	struct bench_ac97 *card = ctx;
	struct vmsnd_vfu_region_info info;

	memset(out, 0, sizeof(*out));
	if (vfio_region_info(card->client, index, &info))
		bench_fail("a region cannot be asked for");
	out->bytes = (uint32_t)info.size;
	out->io = vfio_in(card->client, VMSND_PCI_CONFIG, CONFIG_BAR + 4 * index, 4) & 1;
}

static void accessed(struct bench_ac97 *card, unsigned region)
{
	if (!card->pending || region == VMSND_PCI_CONFIG)
		return;
	card->pending = false;
	if (vfio_unmask(card->client))
		bench_fail("the interrupt cannot be unmasked");
}

static void bus_read(void *ctx, const struct vmsnd_pci_access *access, void *to)
{
	struct bench_ac97 *card = ctx;

	if (vfio_read(card->client, access->region, access->offset, to, access->bytes))
		bench_fail("a register cannot be read");
	accessed(card, access->region);
}

static void bus_write(void *ctx, const struct vmsnd_pci_access *access, const void *from)
{
	struct bench_ac97 *card = ctx;

	if (vfio_write(card->client, access->region, access->offset, from, access->bytes))
		bench_fail("a register cannot be written");
	accessed(card, access->region);
}

/* ---- the driver's host ---- */

static vmsnd_ns host_now(void *ctx)
{
	return bench_now_ns();
}

static void host_wait(void *ctx, vmsnd_ns ns)
{
	usleep((useconds_t)(ns / 1000));
}

static enum vmsnd_rc host_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct bench_ac97 *card = ctx;
	const struct vmsnd_vfu_dma_map map = {.flags = DMA_READ_WRITE, .gpa = gpa, .bytes = bytes};

	/* A guest that has booted has written to it: the card looks. */
	memset(at, 0x5a, 4096);
	return vfio_map(card->client, &map, vfio_client_memory_fd(card->client)) ? VMSND_E_PROTOCOL
										 : VMSND_OK;
}

bool bench_ac97_wait(struct bench_ac97 *card, int ms)
{
	struct pollfd poller = {.fd = card->event, .events = POLLIN};
	uint64_t count;

	if (poll(&poller, 1, ms) != 1 || read(card->event, &count, sizeof(count)) < 0)
		return card->raised;
	return card->pending = card->raised = true;
}

static bool host_interrupted(void *ctx)
{
	struct bench_ac97 *card = ctx;
	bool raised = bench_ac97_wait(card, 0);

	card->raised = false;
	return raised;
}

/* ---- open, close ---- */

static void connect_client(struct bench_ac97 *card)
{
	for (unsigned i = 0; i < CONNECT_TRIES && !card->client; i++) {
		card->client = vfio_client_open(card->server.socket);
		if (!card->client)
			usleep(1000);
	}
	if (!card->client || vfio_hello(card->client))
		bench_fail("no connection to the server");
	card->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (card->event < 0 ||
	    vfio_arm(card->client, VMSND_VFU_INTX, VMSND_VFU_ACTION_TRIGGER, card->event))
		bench_fail("no interrupt");
}

void bench_ac97_open(struct bench_ac97 *card, const char *program)
{
	struct vmsnd_ac97_guest_conf conf = {
	    .pci = {.bus = {.ctx = card, .bar = bus_bar, .read = bus_read, .write = bus_write},
		    .host = {.ctx = card,
			     .now = host_now,
			     .wait = host_wait,
			     .share = host_share,
			     .interrupted = host_interrupted}},
	    .gpa = MEMORY_GPA};
	enum vmsnd_rc rc;

	memset(card, 0, sizeof(*card));
	card->server.device = "ac97";
	bench_server_start(&card->server, program, "null", false);
	connect_client(card);
	conf.memory = vfio_client_memory(card->client, &conf.memory_bytes);
	rc = vmsnd_ac97_guest_open(&card->guest, &conf);
	if (rc)
		bench_fail(vmsnd_rc_text(rc));
}

void bench_ac97_close(struct bench_ac97 *card)
{
	vfio_client_close(card->client);
	close(card->event);
	bench_server_stop(&card->server);
}

/* ---- the peer ---- */

static _Noreturn void answer(int fd)
{
	char bytes[ANSWER_BYTES] = {0};

	while (read(fd, bytes, ASK_BYTES) == (ssize_t)ASK_BYTES)
		if (write(fd, bytes, ANSWER_BYTES) != (ssize_t)ANSWER_BYTES)
			break;
	_exit(0);
}

void bench_ping_pong(double *us, unsigned n)
{
	char bytes[ANSWER_BYTES] = {0};
	int pair[2];
	pid_t other;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		bench_fail("no sockets");
	other = fork();
	if (other < 0)
		bench_fail("no process");
	if (other == 0)
		answer(pair[1]);
	for (unsigned i = 0; i < n; i++) {
		uint64_t begin = bench_now_ns();

		if (write(pair[0], bytes, ASK_BYTES) != (ssize_t)ASK_BYTES ||
		    read(pair[0], bytes, ANSWER_BYTES) != (ssize_t)ANSWER_BYTES)
			bench_fail("the peer is gone");
		us[i] = (double)(bench_now_ns() - begin) / 1e3;
	}
	close(pair[0]);
	close(pair[1]);
	kill(other, SIGKILL);
	while (waitpid(other, NULL, 0) < 0 && errno == EINTR)
		;
}
