/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest of ours at the other end of a measured server's socket. */
#ifndef VMSND_BENCH_GUEST_H
#define VMSND_BENCH_GUEST_H

#include "frontend.h"
#include "guests/virtio_snd_guest.h"
#include "server.h"

/* Connects to a server that was just started, and brings a driver up in `guest`, which is zeroed;
 * `queue_size` 0: the usual one. Ends the program where that fails. */
struct wire_frontend *bench_guest_open(struct vmsnd_guest *guest, const struct bench_server *server,
				       uint16_t queue_size);
/* A player's source: whatever lies there. */
uint32_t bench_guest_read(void *ctx, void *to, uint32_t frames);

#endif
