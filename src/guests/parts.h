/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the virtio-snd driver ask of each other. */
#ifndef VMSND_GUESTS_PARTS_H
#define VMSND_GUESTS_PARTS_H

#include "guests/virtio_snd_guest.h"

/* control.c: takes the requests' memory; and an answer has come back. */
bool vmsnd_guest_control_init(struct vmsnd_guest *guest);
void vmsnd_guest_control_done(struct vmsnd_guest *guest, uint32_t cookie, uint32_t bytes);
/* stream.c: a data message has come back. */
void vmsnd_guest_stream_done(struct vmsnd_guest *guest, uint32_t cookie, uint32_t bytes,
			     vmsnd_ns now);
unsigned vmsnd_guest_queue_of(const struct vmsnd_guest_stream *stream);
/* What was posted is not with the card any more; what came back stays to be taken. */
void vmsnd_guest_stream_forget(struct vmsnd_guest_stream *stream);
/* virtio_snd_guest.c: kicks when the card wants it. */
enum vmsnd_rc vmsnd_guest_kick_queue(struct vmsnd_guest *guest, unsigned queue, vmsnd_ns now);

#endif
