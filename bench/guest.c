/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest.h"

#include <unistd.h>

#define CONNECT_TRIES 1000

uint32_t bench_guest_read(void *ctx, void *to, uint32_t frames)
{
	return frames;
}

static vmsnd_ns wait_answer(void *ctx, vmsnd_ns now)
{
	wire_frontend_wait(ctx, 10);
	return bench_now_ns();
}

struct wire_frontend *bench_guest_open(struct vmsnd_guest *guest, const struct bench_server *server,
				       uint16_t queue_size)
{
	struct vmsnd_guest_conf conf = {.gpa = 0,
					.queue_size = queue_size,
					.event_idx = true,
					.indirect = true,
					.by_interrupt = true,
					.wait = wait_answer,
					.tries = 100};
	struct wire_frontend *front = NULL;
	enum vmsnd_rc rc;

	for (unsigned i = 0; i < CONNECT_TRIES && !front; i++) {
		front = wire_frontend_open(server->socket);
		if (!front)
			usleep(1000);
	}
	if (!front)
		bench_fail("no connection to the server");
	conf.memory = wire_frontend_memory(front, &conf.memory_bytes);
	conf.wait_ctx = front;
	wire_frontend_bus(front, &conf.bus);
	rc = vmsnd_guest_open(guest, &conf, bench_now_ns());
	if (rc)
		bench_fail(vmsnd_rc_text(rc));
	return front;
}
