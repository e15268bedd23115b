/* SPDX-License-Identifier: BSD-3-Clause */
#include "vfio_stage.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/socket.h"

/* ---- the card ---------------------------------------------------------------------------------
 */

static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){.bytes = index == 0 ? 64 : 0};
}

static void read_card(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	memset(to, 0xff, access->bytes);
}

static void write_card(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		       const void *from)
{
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	dev->resets++;
}

/* Only that they are there is looked at. */
static void save_card(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	abort();
}

static enum vmsnd_rc load_card(struct vmsnd_dev *dev, struct vmsnd_state_reader *from,
			       uint16_t minor, vmsnd_ns now)
{
	abort();
}

static const struct vmsnd_pci_ops ops = {.bar = bar, .read = read_card, .write = write_card};
static const struct vmsnd_dev_class class = {.abi = VMSND_DEV_ABI,
					     .abi_end = VMSND_DEV_ABI,
					     .name = "double",
					     .pci = &ops,
					     .reset = reset,
					     .save = save_card,
					     .load = load_card};

/* ---- the transport's user -----------------------------------------------------------------------
 */

static enum vmsnd_rc watch(void *ctx, int fd, unsigned tag)
{
	struct vfio_stage *stage = ctx;

	if (stage->n_watched == 16)
		return VMSND_E_SYSTEM;
	stage->fds[stage->n_watched] = fd;
	stage->tags[stage->n_watched++] = tag;
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct vfio_stage *stage = ctx;

	for (unsigned i = 0; i < stage->n_watched; i++) {
		if (stage->fds[i] != fd)
			continue;
		stage->n_watched--;
		stage->fds[i] = stage->fds[stage->n_watched];
		stage->tags[i] = stage->tags[stage->n_watched];
		return;
	}
}

static void peer(void *ctx, enum vmsnd_peer_event what)
{
}

static void note(struct vfio_stage *stage, const char *what)
{
	size_t used = strlen(stage->asked);

	snprintf(stage->asked + used, sizeof(stage->asked) - used, "%s%s", used ? " " : "", what);
}

static void stand(void *ctx, bool still)
{
	note(ctx, still ? "still" : "go");
}

static enum vmsnd_rc save(void *ctx, struct vmsnd_state_writer *to)
{
	struct vfio_stage *stage = ctx;

	if (stage->save_rc)
		return stage->save_rc;
	if (to->to)
		note(stage, "save");
	vmsnd_state_put(to, stage->state, stage->state_bytes);
	return VMSND_OK;
}

static enum vmsnd_rc load(void *ctx, const void *bytes, size_t n)
{
	struct vfio_stage *stage = ctx;

	note(stage, "load");
	if (n > STAGE_STATE_BYTES)
		abort();
	if (n > 0)
		memcpy(stage->loaded, bytes, n);
	stage->loaded_bytes = n;
	return stage->load_rc;
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vfio_stage *stage = ctx;

	if (level > VMSND_LOG_WARNING)
		return;
	stage->n_troubles++;
	snprintf(stage->trouble, sizeof(stage->trouble), "%s", line);
}

const char *vfio_stage_asked(struct vfio_stage *stage)
{
	static char taken[sizeof(stage->asked)];

	memcpy(taken, stage->asked, sizeof(taken));
	stage->asked[0] = '\0';
	return taken;
}

/* ---- the stage
 * ------------------------------------------------------------------------------------ */

static void listen_at(struct vfio_stage *stage, const char *options)
{
	char error[400];
	struct vmsnd_transport_conf conf = {.options = &stage->conf,
					    .name = "card0",
					    .listen_fd = -1,
					    .card = {&stage->cls, &stage->dev},
					    .mem = &stage->mem};
	struct vmsnd_transport_user user = {.ctx = stage,
					    .watch = watch,
					    .unwatch = unwatch,
					    .peer = peer,
					    .log = &stage->log,
					    .stand = stand,
					    .save = save,
					    .load = load};

	if (vmsnd_conf_parse(&stage->conf, vmsnd_vfio_user_class.options, "double", options, error,
			     sizeof(error)) ||
	    vmsnd_vfio_user_class.open(&conf, &user, &stage->bus))
		abort();
}

struct vfio_stage *vfio_stage_open(const char *capabilities)
{
	struct vfio_stage *stage = calloc(1, sizeof(*stage));
	char options[128], dir[64] = "/tmp/vmsnd-wire-XXXXXX";

	if (!stage || !mkdtemp(dir))
		abort();
	stage->cls = class;
	stage->now = UINT64_C(1000000000);
	stage->log = (struct vmsnd_log){.ctx = stage, .write = write_line};
	memcpy(stage->dir, dir, sizeof(dir));
	snprintf(stage->path, sizeof(stage->path), "%s/s", dir);
	snprintf(options, sizeof(options), "socket=%s/s", dir);
	listen_at(stage, options);
	stage->socket = -1;
	vfio_stage_connect(stage, capabilities);
	return stage;
}

void vfio_stage_close(struct vfio_stage *stage)
{
	vmsnd_vfio_user_class.close(stage->bus, stage->now);
	if (stage->socket >= 0)
		close(stage->socket);
	if (stage->n_watched != 0 || rmdir(stage->dir) != 0)
		abort(); /* something still watched, or the socket's file left behind */
	free(stage);
}

static bool pump_once(struct vfio_stage *stage)
{
	struct pollfd set[16];
	unsigned tags[16], n = stage->n_watched;

	for (unsigned i = 0; i < n; i++) {
		set[i] = (struct pollfd){.fd = stage->fds[i], .events = POLLIN};
		tags[i] = stage->tags[i];
	}
	if (poll(set, n, 0) <= 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (set[i].revents)
			vmsnd_vfio_user_class.ready(stage->bus, tags[i], stage->now);
	return true;
}

void vfio_stage_pump(struct vfio_stage *stage)
{
	unsigned rounds = 0;

	while (pump_once(stage))
		if (++rounds > 10000)
			abort(); /* something is readable for ever */
}

void vfio_stage_step(struct vfio_stage *stage)
{
	vmsnd_vfio_user_class.advance(stage->bus, stage->now);
}

/* ---- the client
 * ------------------------------------------------------------------------------------ */

void vfio_stage_send(struct vfio_stage *stage, const struct vmsnd_vfu_header *header,
		     const void *payload, uint32_t bytes, int fd)
{
	static uint8_t message[VMSND_VFU_MESSAGE_MAX];
	struct vmsnd_fds fds = {.n = 0};
	size_t sent = 0;

	vmsnd_vfu_header_put(message, header);
	if (bytes > 0)
		memcpy(message + VMSND_VFU_HEADER_BYTES, payload, bytes);
	bytes += VMSND_VFU_HEADER_BYTES;
	if (fd >= 0) {
		fds.fd[fds.n++] = fd;
		if (!vmsnd_socket_send(stage->socket, message, bytes, &fds))
			abort();
		sent = bytes;
	}
	while (sent < bytes) {
		ptrdiff_t n = vmsnd_socket_send_some(stage->socket, message + sent, bytes - sent);

		if (n < 0)
			abort();
		sent += (size_t)n;
		vfio_stage_pump(stage);
	}
	vfio_stage_pump(stage);
}

/* What has begun to come comes whole. */
static bool take(struct vfio_stage *stage, uint8_t *to, size_t bytes)
{
	struct vmsnd_fds fds = {.n = 0};
	size_t got = 0;

	while (got < bytes) {
		size_t n = 0;

		if (vmsnd_socket_recv(stage->socket, to + got, bytes - got, &n, &fds) !=
		    VMSND_SOCKET_BYTES) {
			if (got == 0)
				return false;
			vfio_stage_step(stage);
		}
		got += n;
	}
	vmsnd_fds_close(&fds);
	return true;
}

bool vfio_stage_receive(struct vfio_stage *stage)
{
	uint8_t head[VMSND_VFU_HEADER_BYTES];

	if (!take(stage, head, sizeof(head)))
		return false;
	vmsnd_vfu_header_get(head, &stage->header);
	stage->bytes = vmsnd_vfu_payload_bytes(&stage->header);
	if (stage->bytes > 0 && !take(stage, stage->payload, stage->bytes))
		abort();
	return true;
}

static uint32_t ask(struct vfio_stage *stage, uint16_t command, const void *payload, uint32_t bytes,
		    int fd)
{
	struct vmsnd_vfu_header header = {
	    .id = ++stage->id, .command = command, .bytes = VMSND_VFU_HEADER_BYTES + bytes};

	vfio_stage_send(stage, &header, payload, bytes, fd);
	if (!vfio_stage_receive(stage) || stage->header.id != stage->id ||
	    stage->header.command != command ||
	    (stage->header.flags & VMSND_VFU_TYPE_MASK) != VMSND_VFU_REPLY)
		abort();
	return stage->header.flags & VMSND_VFU_ERROR ? stage->header.error : 0;
}

uint32_t vfio_stage_call(struct vfio_stage *stage, uint16_t command, const void *payload,
			 uint32_t bytes)
{
	return ask(stage, command, payload, bytes, -1);
}

void vfio_stage_connect(struct vfio_stage *stage, const char *capabilities)
{
	uint8_t payload[1024];
	const struct vmsnd_vfu_version version = {VMSND_VFU_MAJOR, VMSND_VFU_MINOR};
	uint32_t bytes = vmsnd_vfu_version_put(payload, &version);

	if (capabilities)
		bytes += (uint32_t)snprintf((char *)payload + bytes, sizeof(payload) - bytes,
					    "{\"capabilities\":%s}", capabilities) +
			 1;
	stage->socket = vmsnd_socket_connect(stage->path);
	if (stage->socket < 0)
		abort();
	vfio_stage_pump(stage);
	if (vfio_stage_call(stage, VMSND_VFU_VERSION, payload, bytes) != 0)
		abort();
}

void vfio_stage_hang_up(struct vfio_stage *stage)
{
	close(stage->socket);
	stage->socket = -1;
	vfio_stage_pump(stage);
}

uint32_t vfio_stage_map(struct vfio_stage *stage, vmsnd_gpa gpa, uint64_t bytes, int fd)
{
	const struct vmsnd_vfu_dma_map map = {.argsz = VMSND_VFU_DMA_MAP_BYTES,
					      .flags =
						  VMSND_VFU_DMA_READABLE | VMSND_VFU_DMA_WRITABLE,
					      .gpa = gpa,
					      .bytes = bytes};
	uint8_t payload[VMSND_VFU_DMA_MAP_BYTES];

	return ask(stage, VMSND_VFU_DMA_MAP, payload, vmsnd_vfu_dma_map_put(payload, &map), fd);
}

uint32_t vfio_stage_unmap(struct vfio_stage *stage, vmsnd_gpa gpa, uint64_t bytes)
{
	const struct vmsnd_vfu_dma_unmap unmap = {
	    .argsz = VMSND_VFU_DMA_UNMAP_BYTES, .gpa = gpa, .bytes = bytes};
	uint8_t payload[VMSND_VFU_DMA_UNMAP_BYTES];

	return vfio_stage_call(stage, VMSND_VFU_DMA_UNMAP, payload,
			       vmsnd_vfu_dma_unmap_put(payload, &unmap));
}
