/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum vmsnd_rc read_all(struct vmsnd_saved *saved, int fd)
{
	struct stat facts;

	if (fstat(fd, &facts))
		return VMSND_E_SYSTEM;
	if (!S_ISREG(facts.st_mode) || facts.st_size <= 0 ||
	    (uint64_t)facts.st_size > VMSND_STATE_BYTES_MAX) {
		errno = EINVAL;
		return VMSND_E_DAMAGED;
	}
	saved->bytes = malloc((size_t)facts.st_size);
	if (!saved->bytes)
		return VMSND_E_NOMEM;
	while (saved->n_bytes < (size_t)facts.st_size) {
		ssize_t n =
		    read(fd, saved->bytes + saved->n_bytes, (size_t)facts.st_size - saved->n_bytes);

		if (n < 0)
			return VMSND_E_SYSTEM;
		if (n == 0)
			break; /* it became shorter meanwhile; its header says so, too */
		saved->n_bytes += (size_t)n;
	}
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_saved_read(struct vmsnd_saved *saved, const char *path,
			       struct vmsnd_error *error)
{
	/* A pipe or a device must not hold the start up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum vmsnd_rc rc = fd < 0 ? VMSND_E_SYSTEM : read_all(saved, fd);

	if (rc == VMSND_E_DAMAGED)
		vmsnd_error_set(error, NULL, "cannot restore from '%s': it is no saved state",
				path);
	else if (rc)
		vmsnd_error_set(error, NULL, "cannot restore from '%s': %s", path,
				rc == VMSND_E_NOMEM ? "out of memory" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

void vmsnd_saved_free(struct vmsnd_saved *saved)
{
	free(saved->bytes);
	*saved = (struct vmsnd_saved){0};
}
