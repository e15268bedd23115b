/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes become what a vfio-user client does: messages with and without descriptors, answers to what
 * the card asks of it, memory full of rubbish, time. The client of each input meets both a card
 * that does nothing by itself and a real one, on servers that live as long as the process, so that
 * every input also checks what the last one left behind.
 *
 * An input is a list of records: an operation, what it is with, two bytes of length, and so many
 * bytes. vfio_corpus.py writes what QEMU says as such. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "os/socket.h"
#include "transports/vfio_user.h"
#include "transports/vfio_user_codec.h"
#include "vmsnd/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS_MAX  200u
#define WATCHED_MAX  64u
#define MEMORY_BYTES (1u << 20)
#define STEP_NS      UINT64_C(1000000)

/* Operations; a command of the protocol is one by its number. */
enum {
	OP_RAW = 32,
	OP_TIME,
	OP_SCRIBBLE,
	OP_CARD_READ,
	OP_CARD_WRITE,
	OP_REPLY,
	OP_LINE,
	OP_AGAIN
};

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_vfio: %s\n", what);
	abort();
}

/* ---- what is watched ---- */

struct watched {
	unsigned n;
	int fds[WATCHED_MAX];
	uint64_t tokens[WATCHED_MAX];
};

static bool can_watch(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum vmsnd_rc watch(struct watched *watched, int fd, uint64_t token)
{
	if (watched->n == WATCHED_MAX || !can_watch(fd))
		return VMSND_E_SYSTEM;
	for (unsigned i = 0; i < watched->n; i++)
		must(watched->fds[i] != fd, "closed without unwatch");
	watched->fds[watched->n] = fd;
	watched->tokens[watched->n++] = token;
	return VMSND_OK;
}

static void unwatch(struct watched *watched, int fd)
{
	for (unsigned i = 0; i < watched->n; i++) {
		if (watched->fds[i] != fd)
			continue;
		watched->n--;
		watched->fds[i] = watched->fds[watched->n];
		watched->tokens[i] = watched->tokens[watched->n];
		return;
	}
}

/* ---- two servers ---- */

struct server {
	struct watched watched;
	vmsnd_ns now;
	char path[96];
	struct vmsnd_machine *machine; /* the real card's; NULL: the other's */
	/* of the other */
	struct vmsnd_transport *bus;
	struct vmsnd_gmem mem;
	struct vmsnd_conf conf;
	struct vmsnd_log log;
	unsigned troubles, standing;
	unsigned alone; /* descriptors that are watched while nobody is there */
	uint8_t state[3000];
};

static enum vmsnd_rc watch_machine(void *ctx, int fd, uint64_t token)
{
	return watch(&((struct server *)ctx)->watched, fd, token);
}

static enum vmsnd_rc watch_bus(void *ctx, int fd, unsigned tag)
{
	return watch(&((struct server *)ctx)->watched, fd, tag);
}

static void unwatch_any(void *ctx, int fd)
{
	unwatch(&((struct server *)ctx)->watched, fd);
}

static void ready(struct server *server, uint64_t token)
{
	if (server->machine)
		vmsnd_machine_ready(server->machine, token, server->now);
	else
		vmsnd_vfio_user_class.ready(server->bus, (unsigned)token, server->now);
}

static void pump(struct server *server)
{
	for (unsigned rounds = 0; rounds < 2000; rounds++) {
		struct pollfd set[WATCHED_MAX];
		uint64_t tokens[WATCHED_MAX];
		unsigned n = server->watched.n;

		for (unsigned i = 0; i < n; i++)
			set[i] = (struct pollfd){.fd = server->watched.fds[i], .events = POLLIN};
		memcpy(tokens, server->watched.tokens, sizeof(tokens));
		if (poll(set, n, 0) <= 0)
			return;
		for (unsigned i = 0; i < n; i++)
			if (set[i].revents)
				ready(server, tokens[i]);
	}
	must(false, "something is readable for ever");
}

static void advance(struct server *server, vmsnd_ns ns)
{
	server->now += ns;
	if (server->machine)
		vmsnd_machine_advance(server->machine, server->now);
	else
		vmsnd_vfio_user_class.advance(server->bus, server->now);
	pump(server);
}

static void make_path(struct server *server)
{
	char dir[] = "/tmp/vmsnd-fuzz-XXXXXX";

	must(mkdtemp(dir) != NULL, "no directory");
	snprintf(server->path, sizeof(server->path), "%s/s", dir);
}

static void open_machine(struct server *server)
{
	struct vmsnd_machine_conf conf = {
	    .poller = {.ctx = server, .watch = watch_machine, .unwatch = unwatch_any}};
	char device[200];
	struct vmsnd_card_conf card = {.device = device,
				       .backend = "null,pace=free",
				       .transport = "vfio-user",
				       .listen_fd = -1};

	make_path(server);
	snprintf(device, sizeof(device), "ac97,variant=ich4,socket=%s", server->path);
	must(!vmsnd_machine_open(&conf, &server->machine), "no machine");
	must(!vmsnd_machine_add(server->machine, &card, 0), "no card");
}

/* ---- the card that does nothing by itself ---- */

static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){.bytes = index < 2 ? 64u << index : 0};
}

static void read_card(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	memset(to, 0x5a, access->bytes);
}

static void write_card(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		       const void *from)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < access->bytes; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)from)[i]);
	must(access->bytes > 0 || sum == 0, "an access of nothing");
}

static void reset_card(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
}

static void save_card(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
}

static enum vmsnd_rc load_card(struct vmsnd_dev *dev, struct vmsnd_state_reader *from,
			       uint16_t minor, vmsnd_ns now)
{
	return VMSND_OK;
}

static void peer(void *ctx, enum vmsnd_peer_event what)
{
	if (what == VMSND_PEER_LEFT)
		((struct server *)ctx)->standing = 0;
}

static void stand(void *ctx, bool still)
{
	struct server *server = ctx;

	must(server->standing == !still, "stands, or goes on, twice");
	server->standing = still;
}

static enum vmsnd_rc save(void *ctx, struct vmsnd_state_writer *to)
{
	struct server *server = ctx;

	must(server->standing, "saved while it runs");
	vmsnd_state_put(to, server->state, sizeof(server->state));
	return VMSND_OK;
}

static enum vmsnd_rc load(void *ctx, const void *bytes, size_t n)
{
	must(((struct server *)ctx)->standing, "loaded while it runs");
	return n > 0 && ((const uint8_t *)bytes)[n - 1] == 0x77 ? VMSND_OK : VMSND_E_DAMAGED;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	((struct server *)ctx)->troubles += level <= VMSND_LOG_WARNING;
}

static const struct vmsnd_pci_ops ops = {.bar = bar, .read = read_card, .write = write_card};
static const struct vmsnd_dev_class class = {.abi = VMSND_DEV_ABI,
					     .abi_end = VMSND_DEV_ABI,
					     .name = "double",
					     .pci = &ops,
					     .reset = reset_card,
					     .save = save_card,
					     .load = load_card};

static void open_bus(struct server *server)
{
	static uint64_t dev;
	struct vmsnd_transport_conf conf = {.options = &server->conf,
					    .name = "card0",
					    .listen_fd = -1,
					    .card = {&class, (struct vmsnd_dev *)(void *)&dev},
					    .mem = &server->mem};
	struct vmsnd_transport_user user = {.ctx = server,
					    .watch = watch_bus,
					    .unwatch = unwatch_any,
					    .peer = peer,
					    .log = &server->log,
					    .stand = stand,
					    .save = save,
					    .load = load};
	char options[128], error[400];

	make_path(server);
	snprintf(options, sizeof(options), "socket=%s", server->path);
	server->log = (struct vmsnd_log){.ctx = server, .write = write_line};
	must(!vmsnd_conf_parse(&server->conf, vmsnd_vfio_user_class.options, "double", options,
			       error, sizeof(error)),
	     error);
	must(!vmsnd_vfio_user_class.open(&conf, &user, &server->bus), "no transport");
}

/* ---- the client ---- */

struct client {
	struct server *server;
	int socket;
	int memory_fd, event_fd, pipe_fd;
	uint8_t *memory;
	uint16_t id;
	bool asked; /* the server's last question, not answered yet */
	uint8_t question[VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES];
};

struct record {
	uint8_t op, with;
	uint16_t bytes;
	const uint8_t *at;
};

/* What the server has said is looked at as far as it is a question. */
static void listen_to(struct client *client)
{
	static uint8_t heard[1 << 16];
	ssize_t n;

	while ((n = recv(client->socket, heard, sizeof(heard), MSG_DONTWAIT)) > 0) {
		struct vmsnd_vfu_header header;

		if ((size_t)n < sizeof(client->question))
			continue;
		vmsnd_vfu_header_get(heard, &header);
		if ((header.flags & VMSND_VFU_TYPE_MASK) != VMSND_VFU_COMMAND)
			continue;
		memcpy(client->question, heard, sizeof(client->question));
		client->asked = true;
	}
}

static void send_bytes(struct client *client, const uint8_t *from, size_t bytes, uint8_t with)
{
	/* Not its own end: then it could not hang up. */
	const int kinds[4] = {client->memory_fd, client->event_fd, client->pipe_fd,
			      client->memory_fd};
	struct vmsnd_fds fds = {.n = with & 7};

	for (unsigned i = 0; i < fds.n; i++)
		fds.fd[i] = kinds[(with >> 3) + i & 3];
	if (bytes > 0)
		vmsnd_socket_send(client->socket, from, bytes, &fds);
	pump(client->server);
	listen_to(client);
}

static void command(struct client *client, const struct record *record)
{
	static uint8_t message[VMSND_VFU_HEADER_BYTES + 65536];
	const struct vmsnd_vfu_header header = {.id = client->id++,
						.command = record->op,
						.bytes = VMSND_VFU_HEADER_BYTES + record->bytes,
						.flags =
						    record->with & 0x80 ? VMSND_VFU_NO_REPLY : 0};

	vmsnd_vfu_header_put(message, &header);
	memcpy(message + VMSND_VFU_HEADER_BYTES, record->at, record->bytes);
	send_bytes(client, message, header.bytes, record->with & 0x1f);
}

/* To the last question, right but for what the record spoils. */
static void reply(struct client *client, const struct record *record)
{
	static uint8_t message[VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES + 65536];
	struct vmsnd_vfu_dma_access access;
	struct vmsnd_vfu_header header;
	uint32_t bytes;

	if (!client->asked)
		return;
	client->asked = record->with & 0x40;
	vmsnd_vfu_header_get(client->question, &header);
	vmsnd_vfu_dma_access_get(client->question + VMSND_VFU_HEADER_BYTES, &access);
	bytes = header.command == VMSND_VFU_DMA_READ ? (uint32_t)access.count & 0xffff : 0;
	header.flags = VMSND_VFU_REPLY | (record->with & 1 ? VMSND_VFU_ERROR : 0);
	header.id = (uint16_t)(header.id + (record->with >> 1 & 1));
	bytes -= record->with >> 2 & 1 & (bytes > 0);
	access.count -= record->with >> 3 & 1;
	header.bytes = VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES + bytes;
	vmsnd_vfu_header_put(message, &header);
	vmsnd_vfu_dma_access_put(message + VMSND_VFU_HEADER_BYTES, &access);
	for (uint32_t i = 0; i < bytes; i++)
		message[VMSND_VFU_HEADER_BYTES + VMSND_VFU_DMA_ACCESS_BYTES + i] =
		    record->bytes ? record->at[i % record->bytes] : 0;
	send_bytes(client, message, header.bytes, 0);
}

static void use_memory(struct client *client, const struct record *record)
{
	static uint8_t bytes[4096];
	uint64_t at = record->bytes >= 8 ? vmsnd_le64(record->at) : 0;
	size_t n = record->bytes >= 10 ? vmsnd_le16(record->at + 8) % sizeof(bytes) : 16;

	if (client->server->machine)
		return;
	if (record->op == OP_CARD_READ)
		vmsnd_gmem_read(&client->server->mem, at, bytes, n);
	else
		vmsnd_gmem_write(&client->server->mem, at, bytes, n);
	pump(client->server);
	listen_to(client);
}

static void scribble(struct client *client, const struct record *record)
{
	uint32_t at;

	if (record->bytes < 4)
		return;
	at = vmsnd_le32(record->at) % (MEMORY_BYTES - 65536);
	memcpy(client->memory + at, record->at + 4, record->bytes - 4u);
}

static void hang_up(struct client *client)
{
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
	client->asked = false;
	pump(client->server);
}

static void dial(struct client *client)
{
	client->socket = vmsnd_socket_connect(client->server->path);
	must(client->socket >= 0, "no connection");
	pump(client->server);
}

static void act(struct client *client, const struct record *record)
{
	switch (record->op) {
	case OP_RAW:
		send_bytes(client, record->at, record->bytes, record->with);
		break;
	case OP_TIME:
		advance(client->server, STEP_NS * record->with);
		listen_to(client);
		break;
	case OP_SCRIBBLE:
		scribble(client, record);
		break;
	case OP_CARD_READ:
	case OP_CARD_WRITE:
		use_memory(client, record);
		break;
	case OP_REPLY:
		reply(client, record);
		break;
	case OP_LINE:
		if (!client->server->machine && record->with & 2)
			vmsnd_vfio_user_class.message(client->server->bus,
						      &(struct vmsnd_msi){.vector = 0});
		else if (!client->server->machine)
			vmsnd_vfio_user_class.line(client->server->bus, record->with & 1);
		break;
	case OP_AGAIN:
		hang_up(client);
		dial(client);
		break;
	default:
		command(client, record);
		break;
	}
}

static void run(struct client *client, const uint8_t *data, size_t size)
{
	dial(client);
	for (unsigned i = 0; i < RECORDS_MAX && size >= 4; i++) {
		struct record record = {
		    .op = data[0], .with = data[1], .bytes = vmsnd_le16(data + 2), .at = data + 4};

		data += 4;
		size -= 4;
		if (record.bytes > size)
			record.bytes = (uint16_t)size;
		act(client, &record);
		data += record.bytes;
		size -= record.bytes;
	}
	hang_up(client);
	advance(client->server, STEP_NS);
}

static void equip(struct client *client)
{
	int ends[2];

	client->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	client->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(client->memory_fd >= 0 && !ftruncate(client->memory_fd, MEMORY_BYTES), "no memory");
	must(client->event_fd >= 0 && !pipe2(ends, O_NONBLOCK | O_CLOEXEC), "no descriptors");
	client->pipe_fd = ends[1];
	client->memory =
	    mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, client->memory_fd, 0);
	must(client->memory != MAP_FAILED, "no memory");
}

static unsigned open_fds(void)
{
	int fd = dup(0);

	must(fd >= 0, "no descriptor");
	close(fd);
	return (unsigned)fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct server servers[2];
	static struct client client;
	unsigned fds;

	if (!servers[0].bus) {
		open_bus(&servers[0]);
		open_machine(&servers[1]);
		for (unsigned i = 0; i < 2; i++)
			servers[i].alone = servers[i].watched.n;
		equip(&client);
	}
	fds = open_fds();
	for (unsigned i = 0; i < 2; i++) {
		client.server = &servers[i];
		client.id = 0;
		servers[i].troubles = 0;
		run(&client, data, size);
		must(servers[i].mem.n_regions == 0 && !servers[i].mem.wrote,
		     "something left behind");
		must(servers[i].watched.n == servers[i].alone, "something still watched");
	}
	must(open_fds() == fds, "descriptors left behind");
	return 0;
}
