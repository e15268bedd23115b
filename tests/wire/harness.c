/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the card ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void note(struct vmsnd_dev *dev, const char *format,
						       ...)
{
	size_t used = strlen(dev->trace);
	va_list list;

	va_start(list, format);
	vsnprintf(dev->trace + used, sizeof(dev->trace) - used, format, list);
	va_end(list);
}

static uint64_t features(const struct vmsnd_dev *dev)
{
	return WIRE_FEATURES;
}

static void set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	note(dev, "F%llx ", (unsigned long long)accepted);
}

static void config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = offset + i < 12 ? (uint8_t)(offset + i + 1) : 0;
}

static enum vmsnd_rc queue_start(struct vmsnd_dev *dev, unsigned queue,
				 const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	const unsigned rw = VMSND_READ | VMSND_WRITE;

	if (dev->refuse_start ||
	    vmsnd_gmem_check(dev->mem, setup->desc, 16u * setup->size, VMSND_READ) ||
	    vmsnd_gmem_check(dev->mem, setup->avail, 6u + 2u * setup->size, VMSND_READ) ||
	    vmsnd_gmem_check(dev->mem, setup->used, 6u + 8u * setup->size, rw)) {
		note(dev, "S%u! ", queue);
		return VMSND_E_RANGE;
	}
	note(dev, "S%u:%u@%u ", queue, setup->size, setup->next_avail);
	return VMSND_OK;
}

static uint32_t queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	note(dev, "X%u ", queue);
	return dev->next_avail[queue];
}

static void queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	note(dev, "E%u%c ", queue, on ? '+' : '-');
}

static void kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	uint16_t word;

	if (dev->area.mem)
		vmsnd_gmem_load16(dev->area.mem, dev->area.at, &word);
	note(dev, "K%u ", queue);
}

/* A KiB for each queue. */
static uint64_t inflight_bytes(const struct vmsnd_dev *dev, unsigned n_queues, unsigned queue_size)
{
	return n_queues > WIRE_QUEUES || queue_size == 0 || queue_size > VMSND_QUEUE_SIZE_MAX
		   ? 0
		   : n_queues * UINT64_C(1024);
}

static enum vmsnd_rc inflight(struct vmsnd_dev *dev, const struct vmsnd_inflight *where,
			      vmsnd_ns now)
{
	uint16_t word = 0;

	dev->area = where ? *where : (struct vmsnd_inflight){.mem = NULL};
	if (!where) {
		note(dev, "I- ");
		return VMSND_OK;
	}
	if (vmsnd_gmem_check(where->mem, where->at, where->bytes, VMSND_READ | VMSND_WRITE))
		abort(); /* the transport has mapped it */
	vmsnd_gmem_load16(where->mem, where->at, &word);
	vmsnd_gmem_store16(where->mem, where->at, (uint16_t)(word + 1));
	note(dev, "I%u:%u=%u ", where->n_queues, where->queue_size, word);
	return dev->inflight_rc;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	dev->area.mem = NULL;
	note(dev, "R%d%s ", (int)why, dev->mem->n_regions ? "" : "*");
}

static const struct vmsnd_virtio_ops ops = {.device_id = 25,
					    .n_queues = WIRE_QUEUES,
					    .features = features,
					    .set_features = set_features,
					    .config_read = config_read,
					    .queue_start = queue_start,
					    .queue_stop = queue_stop,
					    .queue_enable = queue_enable,
					    .kick = kick,
					    .inflight_bytes = inflight_bytes,
					    .inflight = inflight};
static const struct vmsnd_dev_class class = {.abi = VMSND_DEV_ABI,
					     .abi_end = VMSND_DEV_ABI,
					     .name = "double",
					     .virtio = &ops,
					     .reset = reset};

/* ---- the transport's user -------------------------------------------------------------------- */

bool wire_can_watch(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct wire_harness *h = ctx;

	if (h->n_watched == 64 || !wire_can_watch(fd))
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
	struct wire_harness *h = ctx;

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
	struct wire_harness *h = ctx;

	h->connected += what == VMSND_PEER_CONNECTED;
	h->ready += what == VMSND_PEER_READY;
	h->left += what == VMSND_PEER_LEFT;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct wire_harness *h = ctx;

	h->n_lines++;
	snprintf(h->line, sizeof(h->line), "%s", line);
	if (level > VMSND_LOG_WARNING)
		return;
	h->n_troubles++;
	snprintf(h->trouble, sizeof(h->trouble), "%s", line);
}

/* ---- the harness -------------------------------------------------------------------------------
 */

enum vmsnd_rc wire_harness_listen(struct wire_harness *h, const char *options, int listen_fd)
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
	h->log = (struct vmsnd_log){.ctx = h, .write = write_line};
	if (vmsnd_conf_parse(&h->conf, vmsnd_vhost_user_class.options, "double", options, error,
			     sizeof(error)))
		abort();
	return vmsnd_vhost_user_class.open(&conf, &user, &h->bus);
}

void wire_harness_open(struct wire_harness *h)
{
	char options[128], dir[64] = "/tmp/vmsnd-wire-XXXXXX";

	if (!mkdtemp(dir))
		abort();
	snprintf(options, sizeof(options), "socket=%s/s", dir);
	if (wire_harness_listen(h, options, -1))
		abort();
	memcpy(h->dir, dir, sizeof(dir));
	snprintf(h->path, sizeof(h->path), "%s/s", dir);
}

void wire_harness_close(struct wire_harness *h)
{
	vmsnd_vhost_user_class.close(h->bus, 0);
	if (h->n_watched != 0 || rmdir(h->dir) != 0)
		abort(); /* something still watched, or the socket's file left behind */
}

static bool pump_once(struct wire_harness *h)
{
	struct pollfd set[64];
	unsigned tags[64], n = h->n_watched;

	for (unsigned i = 0; i < n; i++) {
		set[i] = (struct pollfd){.fd = h->fds[i], .events = POLLIN};
		tags[i] = h->tags[i];
	}
	if (poll(set, n, 0) <= 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (set[i].revents)
			vmsnd_vhost_user_class.ready(h->bus, tags[i], 0);
	return true;
}

void wire_harness_pump(void *ctx)
{
	unsigned rounds = 0;

	while (pump_once(ctx))
		if (++rounds > 10000)
			abort(); /* something is readable for ever */
}

struct wire_frontend *wire_harness_connect(struct wire_harness *h)
{
	int socket = vmsnd_socket_connect(h->path);

	if (socket < 0)
		abort();
	wire_harness_pump(h);
	return wire_frontend_attach(socket, wire_harness_pump, h);
}

const char *wire_harness_trace(struct wire_harness *h)
{
	static char taken[sizeof(h->dev.trace)];

	memcpy(taken, h->dev.trace, sizeof(taken));
	h->dev.trace[0] = '\0';
	return taken;
}

unsigned wire_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}
