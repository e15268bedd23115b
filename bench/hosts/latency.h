/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-latency: what its files ask of each other. */
#ifndef VMSND_BENCH_HOSTS_LATENCY_H
#define VMSND_BENCH_HOSTS_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#define AGES_MAX (1u << 17)

/* How old sound was that came: one figure for each block that was written. */
struct ages {
	uint32_t n;
	uint32_t stamp;           /* of the last frame */
	uint64_t first_ns;        /* when the first sound came; 0: not yet */
	float seen_ms[AGES_MAX];  /* when the listener had it */
	float heard_ms[AGES_MAX]; /* when it is to be heard, by the server's word */
};

/* A block that came just now. Its first frame is heard `ahead_ns` later (or earlier, if that is
 * negative), by the server's word. One thread at a time. */
void ages_take_rt(struct ages *ages, const int16_t (*frames)[2], uint32_t n, int64_t ahead_ns);

/* A client that listens to what a server plays. */
struct listener {
	const char *name;
	/* Why not; NULL: it will listen. `what`: the device, as the server names it. */
	const char *(*open)(struct ages *ages, const char *what);
	bool (*listens)(void); /* asked again and again */
	void (*close)(void);
};

extern const struct listener listen_pipewire, listen_pulse, listen_jack;

#endif
