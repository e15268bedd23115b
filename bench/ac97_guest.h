/* SPDX-License-Identifier: BSD-3-Clause */
/* A `vmsnd serve` with an AC'97 card, and a guest of ours that reaches it over vfio-user. */
#ifndef VMSND_BENCH_AC97_GUEST_H
#define VMSND_BENCH_AC97_GUEST_H

#include "guests/ac97_guest.h"
#include "server.h"
#include "vfio_client.h"

struct bench_ac97 {
	struct bench_server server;
	struct vfio_client *client;
	struct vmsnd_ac97_guest guest;
	int event;    /* the line's eventfd */
	bool pending; /* it was signalled, and no BAR has been accessed since */
	bool raised;  /* ... and the handler has not run */
};

void bench_ac97_open(struct bench_ac97 *card, const char *program);
void bench_ac97_close(struct bench_ac97 *card);
/* Until the card interrupts; false: not within so many milliseconds. */
bool bench_ac97_wait(struct bench_ac97 *card, int ms);
/* As many bytes as a read of a register and its answer over a socket between two processes that do
 * nothing else; microseconds of each. */
void bench_ping_pong(double *us, unsigned n);

#endif
