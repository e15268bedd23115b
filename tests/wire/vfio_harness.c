/* SPDX-License-Identifier: BSD-3-Clause */
#include "vfio_harness.h"

#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the card ------------------------------------------------------------------------------ */

static void note(struct vmsnd_dev *dev, const char *text)
{
	size_t used = strlen(dev->trace);

	snprintf(dev->trace + used, sizeof(dev->trace) - used, "%s ", text);
}

static void note_access(struct vmsnd_dev *dev, char what, const struct vmsnd_pci_access *access)
{
	char text[64];

	dev->at = access->now;
	snprintf(text, sizeof(text), "%c%u:%llx+%u", what, access->region,
		 (unsigned long long)access->offset, access->bytes);
	note(dev, text);
}

static uint32_t bytes_of(unsigned region)
{
	static const uint32_t bytes[] = {
	    VFIO_BAR0_BYTES, VFIO_BAR1_BYTES, VFIO_BAR2_BYTES, 0, 0, 0, 0, VMSND_PCI_CONFIG_BYTES};

	return region < sizeof(bytes) / sizeof(bytes[0]) ? bytes[region] : 0;
}

static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){.bytes = bytes_of(index), .io = index < 2};
}

/* The transport lets nothing through that is not whole in a region. */
static void check(const struct vmsnd_pci_access *access)
{
	uint32_t size = bytes_of(access->region);

	if (access->bytes == 0 || access->offset > size || access->bytes > size - access->offset)
		abort();
}

static void card_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	check(access);
	if (access->region != VMSND_PCI_CONFIG || access->bytes > 1)
		note_access(dev, 'r', access);
	memcpy(to, dev->space[access->region] + access->offset, access->bytes);
}

static void card_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		       const void *from)
{
	uint8_t *config = dev->space[VMSND_PCI_CONFIG], status[2];

	check(access);
	note_access(dev, 'w', access);
	memcpy(status, config + 6, sizeof(status));
	memcpy(dev->space[access->region] + access->offset, from, access->bytes);
	memcpy(config + 6, status, sizeof(status)); /* of which nothing can be set */
	if (dev->written && access->region == 1)
		dev->written(dev->ctx, access);
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	char text[16];

	snprintf(text, sizeof(text), "R%d%s", (int)why, dev->mem->n_regions ? "" : "*");
	note(dev, text);
}

static const struct vmsnd_pci_ops ops = {.bar = bar, .read = card_read, .write = card_write};
static const struct vmsnd_dev_class class = {
    .abi = VMSND_DEV_ABI, .abi_end = VMSND_DEV_ABI, .name = "double", .pci = &ops, .reset = reset};

static void fill_config(uint8_t *config, bool msi)
{
	static const uint8_t head[] = {0x86, 0x80, 0x15, 0x24, 0, 0, 0, 0, 1, 0, 1, 4};

	memcpy(config, head, sizeof(head));
	config[0x3d] = 1; /* INTA */
	if (!msi)
		return;
	config[0x06] = 0x10;
	config[0x34] = 0x50;
	config[0x50] = 0x01; /* power management, then MSI */
	config[0x51] = 0x60;
	config[0x60] = 0x05;
}

/* ---- the transport's user -------------------------------------------------------------------- */

static bool can_watch(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct vfio_harness *h = ctx;

	if (h->n_watched == 64 || !can_watch(fd))
		return VMSND_E_SYSTEM;
	for (unsigned i = 0; i < h->n_watched; i++)
		if (h->fds[i] == fd)
			abort(); /* closed without unwatch */
	h->fds[h->n_watched] = fd;
	h->tags[h->n_watched++] = tag;
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct vfio_harness *h = ctx;

	for (unsigned i = 0; i < h->n_watched; i++) {
		if (h->fds[i] != fd)
			continue;
		h->n_watched--;
		h->fds[i] = h->fds[h->n_watched];
		h->tags[i] = h->tags[h->n_watched];
		return;
	}
}

static void peer(void *ctx, enum vmsnd_peer_event what)
{
	struct vfio_harness *h = ctx;

	h->connected += what == VMSND_PEER_CONNECTED;
	h->ready += what == VMSND_PEER_READY;
	h->left += what == VMSND_PEER_LEFT;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vfio_harness *h = ctx;

	h->n_lines++;
	snprintf(h->line, sizeof(h->line), "%s", line);
	if (level > VMSND_LOG_WARNING)
		return;
	h->n_troubles++;
	snprintf(h->trouble, sizeof(h->trouble), "%s", line);
}

/* ---- the harness ---- */

enum vmsnd_rc vfio_harness_listen(struct vfio_harness *h, const char *options, int listen_fd)
{
	char error[400];
	struct vmsnd_transport_conf conf = {.options = &h->conf,
					    .name = "card0",
					    .listen_fd = listen_fd,
					    .card = {&class, &h->dev},
					    .mem = &h->mem};
	struct vmsnd_transport_user user = {
	    .ctx = h, .watch = watch, .unwatch = unwatch, .peer = peer, .log = &h->log};

	memset(h, 0, sizeof(*h));
	h->dev.mem = &h->mem;
	h->now = VMSND_NS_PER_SECOND;
	h->next = VMSND_NEVER;
	h->log = (struct vmsnd_log){.ctx = h, .write = write_line};
	if (vmsnd_conf_parse(&h->conf, vmsnd_vfio_user_class.options, "double", options, error,
			     sizeof(error)))
		abort();
	return vmsnd_vfio_user_class.open(&conf, &user, &h->bus);
}

void vfio_harness_open(struct vfio_harness *h, bool msi)
{
	char options[128], dir[64] = "/tmp/vmsnd-vfio-XXXXXX";

	if (!mkdtemp(dir))
		abort();
	snprintf(options, sizeof(options), "socket=%s/s", dir);
	if (vfio_harness_listen(h, options, -1))
		abort();
	memcpy(h->dir, dir, sizeof(dir));
	snprintf(h->path, sizeof(h->path), "%s/s", dir);
	fill_config(h->dev.space[VMSND_PCI_CONFIG], msi);
}

void vfio_harness_close(struct vfio_harness *h)
{
	vmsnd_vfio_user_class.close(h->bus, h->now);
	if (h->n_watched != 0 || rmdir(h->dir) != 0 || h->mem.n_regions != 0)
		abort(); /* something still watched or mapped, or the socket's file left behind */
}

static void call_transport(struct vfio_harness *h)
{
	h->next = vmsnd_vfio_user_class.advance(h->bus, h->now);
}

bool vfio_harness_step(struct vfio_harness *h)
{
	struct pollfd set[64];

	for (unsigned i = 0; i < h->n_watched; i++)
		set[i] = (struct pollfd){.fd = h->fds[i], .events = POLLIN};
	if (poll(set, h->n_watched, 0) <= 0)
		return false;
	for (unsigned i = 0; i < h->n_watched; i++) {
		if (!set[i].revents)
			continue;
		vmsnd_vfio_user_class.ready(h->bus, h->tags[i], h->now);
		call_transport(h);
		return true;
	}
	return false;
}

void vfio_harness_pump(void *ctx)
{
	struct vfio_harness *h = ctx;
	unsigned rounds = 0;

	while (vfio_harness_step(h))
		if (++rounds > 100000)
			abort(); /* something is readable for ever */
	if (h->next <= h->now)
		call_transport(h);
}

void vfio_harness_pass(struct vfio_harness *h, vmsnd_ns ns)
{
	vmsnd_ns end = h->now + ns;

	call_transport(h);
	while (h->next <= end) {
		h->now = h->next > h->now ? h->next : h->now + 1;
		call_transport(h);
	}
	h->now = end;
}

struct vfio_client *vfio_harness_connect(struct vfio_harness *h)
{
	int socket = vmsnd_socket_connect(h->path);

	if (socket < 0)
		abort();
	vfio_harness_pump(h);
	return vfio_client_attach(socket, vfio_harness_pump, h);
}

struct vfio_client *vfio_harness_hello(struct vfio_harness *h)
{
	struct vfio_client *client = vfio_harness_connect(h);

	if (vfio_hello(client))
		abort();
	return client;
}

const char *vfio_harness_trace(struct vfio_harness *h)
{
	static char taken[sizeof(h->dev.trace)];

	memcpy(taken, h->dev.trace, sizeof(taken));
	h->dev.trace[0] = '\0';
	return taken;
}

uint64_t vfio_harness_counter(struct vfio_harness *h, const char *name)
{
	struct vmsnd_counter list[32];
	size_t n = vmsnd_vfio_user_class.counters(h->bus, list, 32);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	abort();
}

void vfio_harness_line(struct vfio_harness *h, bool high)
{
	vmsnd_vfio_user_class.line(h->bus, high);
	call_transport(h);
}

void vfio_harness_message(struct vfio_harness *h)
{
	const struct vmsnd_msi message = {.address = 0xfee00000, .data = 0x4021};

	vmsnd_vfio_user_class.message(h->bus, &message);
}

unsigned vfio_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

uint64_t vfio_signals(int fd)
{
	eventfd_t count = 0;

	return eventfd_read(fd, &count) ? 0 : count;
}

int vfio_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		abort();
	return fd;
}
