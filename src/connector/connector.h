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

/* Those of the reference's states that this port can be in; the others belong to hosts that
 * open slowly or change their device. */
enum vmsnd_play_state { VMSND_PLAY_NOPLAY, VMSND_PLAY_PREBUF, VMSND_PLAY_PLAY };
enum vmsnd_capture_state { VMSND_CAPTURE_NO_CAPTURE, VMSND_CAPTURE_CAPTURING };

struct vmsnd_port_conf {
	enum vmsnd_dir dir;
	const struct vmsnd_backend_class *backend; /* NULL: no host; time goes on all the same */
	struct vmsnd_backend *host;
	bool enabled;       /* the owner's switch (design, idea 8) */
	void *ring_storage; /* VMSND_PORT_RING_BYTES, aligned to 64, zeroed */
};

/* Storage for one port. */
size_t vmsnd_port_footprint(void);
/* In zeroed storage of that size, aligned to 64. `conf` is copied. */
void vmsnd_port_init(struct vmsnd_port *port, const struct vmsnd_port_conf *conf);
/* Closes the host stream. The port can be prepared again. */
void vmsnd_port_close(struct vmsnd_port *port, vmsnd_ns now);
/* Calls take effect at once, only frames handed over by vmsnd_port_commit are seen by the next
 * advance: call it after the device had its turn, too. Calling twice at one time is free.
 *
 * Catch up: pre-buffer deadlines, the clock that stands in for a missing host, drains.
 * Returns when to be called next or VMSND_NEVER. */
vmsnd_ns vmsnd_port_advance(struct vmsnd_port *port, vmsnd_ns now);
/* The owner's switch, at any time. Off: output is swallowed, input is silence, both in
 * real time, and the host stream is closed; on: pre-buffering starts anew. */
void vmsnd_port_enable(struct vmsnd_port *port, bool on, vmsnd_ns now);

enum vmsnd_play_state vmsnd_port_play_state(const struct vmsnd_port *port);
enum vmsnd_capture_state vmsnd_port_capture_state(const struct vmsnd_port *port);
/* Fills at most `max` figures, returns how many there are. All but fill_min go up over the port's
 * life: frames           done: left for the host, or came from it silence_frames   what the host
 * got, or the guest, in place of sound underruns, underrun_frames  holes in the sound: silence with
 * sound before and after it overruns, overrun_frames    capture frames dropped, the ring being full
 *   blocks, host_gaps           what the host, or the stand-in, moved; gaps it reported
 *   fill_min, fill_max          least and most frames in the ring when a block was due
 *   starts, hosts_opened, hosts_lost */
size_t vmsnd_port_counters(const struct vmsnd_port *port, struct vmsnd_counter *out, size_t max);

#endif
