/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/machine.h - cards put together: transport, device, connector, backend, on one lane.
 *
 * A machine has no thread and no clock: whoever embeds it calls ready() when a watched
 * descriptor is readable and advance() when the time it last returned has come. All
 * calls for one machine come from one thread. */
#ifndef VMSND_MACHINE_H
#define VMSND_MACHINE_H

#include "backend.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmsnd_machine;

/* How the machine asks its embedder to watch descriptors. `token` comes back in
 * vmsnd_machine_ready. unwatch is always called before a descriptor is closed. */
struct vmsnd_poller {
	void *ctx;
	enum vmsnd_rc (*watch)(void *ctx, int fd, uint64_t token);
	void (*unwatch)(void *ctx, int fd);
};

struct vmsnd_machine_conf {
	struct vmsnd_poller poller;
	struct vmsnd_log log;
};

/* What the program's --device and --backend say, as text. */
struct vmsnd_card_conf {
	const char *device;    /* "virtio-snd,socket=PATH,playback=1" */
	const char *backend;   /* "file,path=out.wav"; NULL means "null" */
	const char *transport; /* NULL: the device's usual one ("vhost-user") */
	int listen_fd;         /* an inherited listening socket, or -1; taken over on success */
};

/* VMSND_E_NOMEM. The machine is freed by close. */
enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out);

/* Adds a card; its transport listens when this returns. A failure has written one line
 * to the log (some for want of memory none) and left the machine as it was. VMSND_E_INVALID: the
 * text is wrong; other codes: what the backend or the transport met. */
enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now);

/* Whether the device's text is right and names no socket of its own, so that listen_fd is what
 * it listens on: for handing out sockets that a service manager passed. */
bool vmsnd_machine_wants_socket(const struct vmsnd_card_conf *conf);

/* A watched descriptor is readable. */
void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now);

/* Catches up to `now`; returns when to be called next, VMSND_NEVER, or `now` when the
 * budget of one call is spent and there is more to do. */
vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now);

struct vmsnd_machine_status {
	unsigned cards, connected;
	unsigned sessions_ended; /* VMMs that came and left again */
};
struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine);

/* Figures of one card, by its number in the order added: the device's counters, then each
 * port's, names as "tx_messages" or "playback0.underruns". Returns how many there are. */
struct vmsnd_named_counter {
	char name[48];
	uint64_t value;
};
size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max);

/* The guest's side of a card added with transport "in-process"; VMSND_E_INVALID for
 * another. Good until close. */
enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out);

/* Answers what is pending, closes files and servers, removes socket files. */
void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now);

#ifdef __cplusplus
}
#endif
#endif
