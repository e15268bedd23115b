/* SPDX-License-Identifier: BSD-3-Clause */
/* The connector: what stands between a device's stream and a host stream.
 *
 * The device's half of a port is in vmsnd/device.h; this is the half the manager uses. */
#ifndef VMSND_CONNECTOR_CONNECTOR_H
#define VMSND_CONNECTOR_CONNECTOR_H

#include "vmsnd/backend.h"
#include "vmsnd/device.h"

/* The longest guest buffer a port takes: Linux' virtio-snd asks for at most 160 ms of
 * 192 kHz, 8 channels, 32 bits, which is 983 040 bytes. */
#define VMSND_PORT_RING_BYTES (1024u * 1024u)

enum vmsnd_play_state {
	VMSND_PLAY_NOPLAY,
	VMSND_PLAY_PREBUF,
	VMSND_PLAY_PREBUF_OVERDUE,
	VMSND_PLAY_PREBUF_SWITCHING,
	VMSND_PLAY_PLAY,
	VMSND_PLAY_PLAY_PREBUF
};

enum vmsnd_capture_state {
	VMSND_CAPTURE_NO_CAPTURE,
	VMSND_CAPTURE_PREBUF,
	VMSND_CAPTURE_CAPTURING
};

struct vmsnd_port_conf {
	enum vmsnd_dir dir;
	const struct vmsnd_backend_class *backend; /* NULL: no host; time goes on all the same */
	struct vmsnd_backend *host;
	bool enabled;                /* the owner's switch (design, idea 8) */
	void *ring_storage;          /* VMSND_PORT_RING_BYTES, aligned to 64, zeroed */
	const struct vmsnd_log *log; /* unused by the port itself; kept for host errors */
};

/* Storage for one port. */
size_t vmsnd_port_footprint(void);
/* In zeroed storage of that size, aligned to 64. `conf` is copied. */
void vmsnd_port_init(struct vmsnd_port *port, const struct vmsnd_port_conf *conf);
/* Closes the host stream. The port can be prepared again. */
void vmsnd_port_close(struct vmsnd_port *port, vmsnd_ns now);
/* Catch up: pre-buffer deadlines, the clock that stands in for a missing host, drains.
 * Returns when to be called next or VMSND_NEVER. */
vmsnd_ns vmsnd_port_advance(struct vmsnd_port *port, vmsnd_ns now);
/* The owner's switch, at any time. Off: output is swallowed, input is silence, both in
 * real time, and the host stream is closed; on: pre-buffering starts anew. */
void vmsnd_port_enable(struct vmsnd_port *port, bool on, vmsnd_ns now);

enum vmsnd_play_state vmsnd_port_play_state(const struct vmsnd_port *port);
enum vmsnd_capture_state vmsnd_port_capture_state(const struct vmsnd_port *port);
/* Fills at most `max` figures, returns how many there are: frames done, frames of
 * silence put in for want of data (underrun_frames), underruns, frames dropped for want
 * of room (overrun_frames), overruns, blocks, largest and smallest fill seen by the host. */
size_t vmsnd_port_counters(const struct vmsnd_port *port, struct vmsnd_counter *out, size_t max);

#endif
