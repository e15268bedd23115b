/* SPDX-License-Identifier: BSD-3-Clause */
/* An eventfd that a lane watches, and a word that saves most of the writes to it. */
#include "os/wake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum vmsnd_rc vmsnd_wake_open(struct vmsnd_wake *wake)
{
	atomic_init(&wake->pending, false);
	wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake->fd < 0 ? VMSND_E_SYSTEM : VMSND_OK;
}

void vmsnd_wake_close(struct vmsnd_wake *wake)
{
	if (wake->fd >= 0)
		close(wake->fd);
	wake->fd = -1;
}

void vmsnd_wake_poke(struct vmsnd_wake *wake)
{
	const uint64_t one = 1;
	int before = errno;

	/* Full (EAGAIN) is as readable as it gets, so what write says does not matter. */
	if (!atomic_exchange(&wake->pending, true) && write(wake->fd, &one, sizeof(one)) < 0)
		errno = before;
}

/* The descriptor first. The other way round, a poke in between would be read away and the word
 * say for ever that the descriptor is readable. */
bool vmsnd_wake_drain(struct vmsnd_wake *wake)
{
	uint64_t pokes = 0;
	bool any = read(wake->fd, &pokes, sizeof(pokes)) == (ssize_t)sizeof(pokes);

	return atomic_exchange(&wake->pending, false) || any;
}
