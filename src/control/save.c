/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/save.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4128u
#define PART_BYTES (1024u * 1024u)

struct vmsnd_save {
	pthread_t thread;
	struct vmsnd_wake *wake;
	uint8_t *bytes;
	size_t n_bytes;
	_Atomic bool done;
	char line[640]; /* empty: it went well */
	char path[PATH_BYTES], beside[PATH_BYTES];
};

static bool write_all(int fd, const uint8_t *from, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, from, bytes < PART_BYTES ? bytes : PART_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		bytes -= (size_t)n;
	}
	return true;
}

/* So that the name is there after a power failure, too. A file system that cannot is no reason to
 * fail: the file is there. */
static void keep_name(struct vmsnd_save *save)
{
	char *slash = strrchr(save->beside, '/');
	int fd;

	slash[slash == save->beside] = '\0';
	fd = open(save->beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Into a file beside it, which takes its place when it is whole. */
static bool write_file(struct vmsnd_save *save)
{
	int fd = mkostemp(save->beside, O_CLOEXEC), before;
	bool fine;

	if (fd < 0)
		return false;
	fine = write_all(fd, save->bytes, save->n_bytes) && fsync(fd) == 0;
	before = errno;
	if (close(fd) && fine) {
		before = errno;
		fine = false;
	}
	if (fine && rename(save->beside, save->path)) {
		before = errno;
		fine = false;
	}
	if (fine)
		keep_name(save);
	else
		unlink(save->beside);
	errno = before;
	return fine;
}

static void *run(void *arg)
{
	struct vmsnd_save *save = arg;

	if (!write_file(save))
		snprintf(save->line, sizeof(save->line), "save: cannot write %.400s: %s",
			 save->path, strerror(errno));
	free(save->bytes);
	save->bytes = NULL;
	atomic_store(&save->done, true);
	if (save->wake)
		vmsnd_wake_poke(save->wake);
	return NULL;
}

enum vmsnd_rc vmsnd_save_begin(struct vmsnd_save **out, const char *path, uint8_t *bytes,
			       size_t n_bytes, struct vmsnd_wake *wake)
{
	struct vmsnd_save *save = calloc(1, sizeof(*save));
	int n = -1;

	if (save) {
		*save = (struct vmsnd_save){.wake = wake, .bytes = bytes, .n_bytes = n_bytes};
		n = snprintf(save->path, sizeof(save->path), "%s", path);
		n = n < 0 || (size_t)n >= sizeof(save->path) - sizeof(".XXXXXX")
			? -1
			: snprintf(save->beside, sizeof(save->beside), "%s.XXXXXX", path);
	}
	if (n >= 0 && !pthread_create(&save->thread, NULL, run, save)) {
		*out = save;
		return VMSND_OK;
	}
	free(bytes);
	free(save);
	return save ? VMSND_E_SYSTEM : VMSND_E_NOMEM;
}

bool vmsnd_save_is_done(const struct vmsnd_save *save)
{
	return atomic_load(&save->done);
}

const char *vmsnd_save_line(const struct vmsnd_save *save)
{
	return save->line[0] ? save->line : NULL;
}

size_t vmsnd_save_bytes(const struct vmsnd_save *save)
{
	return save->n_bytes;
}

void vmsnd_save_end(struct vmsnd_save *save)
{
	if (!save)
		return;
	pthread_join(save->thread, NULL);
	free(save);
}
