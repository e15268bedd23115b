/* SPDX-License-Identifier: BSD-3-Clause */
/* Which stream's sound goes into which file, and what the files are called. */
#include "backends/file_takes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each idle take holds a descriptor; the one not used for longest gives way. */
#define IDLE_MAX 32u
/* A guest decides how often the format changes; how many files that makes is for us to say. */
#define BEGUN_MAX 1000u
/* How many files of earlier runs are stepped over for one of ours. */
#define TRIES_MAX 1000u

struct vmsnd_take {
	struct vmsnd_take *next;
	struct vmsnd_sound_spec spec;
	struct vmsnd_sound_writer *writer; /* NULL until the first frame */
	char *path;                        /* of the present file */
	bool busy, broken;
};

/* ---- names ---- */

/* NULL: the one that the user gave. */
static const char *ending_of(const struct vmsnd_sound_spec *spec)
{
	if (spec->container == VMSND_CONTAINER_DSDIFF)
		return ".dff";
	if (spec->container != VMSND_CONTAINER_RAW)
		return NULL;
	return spec->format.sample == VMSND_SAMPLE_IEC958_SUBFRAME ? ".iec958" : ".dsd";
}

static char *numbered(const char *path, uint64_t number, const char *ending)
{
	size_t stem = (size_t)(strrchr(path, '.') - path);
	char *name = NULL;
	int bytes;

	ending = ending ? ending : path + stem;
	if (number == 1)
		bytes = asprintf(&name, "%.*s%s", (int)stem, path, ending);
	else
		bytes = asprintf(&name, "%.*s-%" PRIu64 "%s", (int)stem, path, number, ending);
	return bytes < 0 ? NULL : name;
}

static bool same_file(const char *a, const char *b)
{
	struct stat first, second;

	return a && b && stat(a, &first) == 0 && stat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static enum vmsnd_rc complain(const struct vmsnd_takes *takes, const char *path, const char *what)
{
	vmsnd_logf(takes->log, VMSND_LOG_ERROR, "file: %s: %s", path, what);
	return VMSND_E_SYSTEM;
}

/* ---- files ---- */

static void say_begin(const struct vmsnd_takes *takes, const struct vmsnd_take *take)
{
	const struct vmsnd_format *format = &take->spec.format;

	vmsnd_logf(
	    takes->log, VMSND_LOG_INFO, "file: %s: begun, %" PRIu32 " Hz, %" PRIu32 " %s, %s",
	    take->path, format->rate_hz, format->channels,
	    format->channels == 1 ? "channel" : "channels", vmsnd_sample_name(format->sample));
}

static void say_end(const struct vmsnd_takes *takes, const struct vmsnd_take *take, uint64_t frames,
		    const char *full)
{
	vmsnd_logf(takes->log, VMSND_LOG_INFO, "file: %s: %" PRIu64 " frames, %.3f s%s%s",
		   take->path, frames, (double)frames / take->spec.format.rate_hz,
		   full ? ", full; going on in " : "", full ? full : "");
}

/* Closes the present file; `full` is the name of the one that follows, or NULL. */
static enum vmsnd_rc finish(struct vmsnd_takes *takes, struct vmsnd_take *take, const char *full)
{
	struct vmsnd_sound_why why;
	uint64_t frames;
	enum vmsnd_rc rc;

	if (!take->writer)
		return VMSND_OK;
	frames = vmsnd_sound_frames(take->writer);
	rc = vmsnd_sound_finish(take->writer, &why);
	take->writer = NULL;
	/* What broke before has had its line. */
	if (rc && !take->broken)
		complain(takes, take->path, why.text);
	say_end(takes, take, frames, full);
	return rc;
}

/* Only `path` itself was named by the user, who may have it replaced; what else is there
 * under a number of ours stays, and why->exists says so. */
static enum vmsnd_rc create(const struct vmsnd_takes *takes, struct vmsnd_sound_spec spec,
			    const char *path, struct vmsnd_sound_writer **out,
			    struct vmsnd_sound_why *why)
{
	spec.new_only = takes->files > 0 || ending_of(&spec);
	why->exists = false;
	if (!spec.new_only && same_file(path, takes->keep))
		return complain(takes, path,
				"this is the file that capture comes from; choose "
				"another path");
	if (!vmsnd_sound_create(path, &spec, out, why))
		return VMSND_OK;
	if (!why->exists)
		vmsnd_logf(takes->log, VMSND_LOG_ERROR,
			   "file: %s: cannot be written: %s; make room or choose another path",
			   path, why->text);
	return VMSND_E_SYSTEM;
}

/* The next name that is free, and a file of that name. */
static enum vmsnd_rc create_next(struct vmsnd_takes *takes, const struct vmsnd_sound_spec *spec,
				 char **path, struct vmsnd_sound_writer **out)
{
	struct vmsnd_sound_why why = {.exists = true};

	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		enum vmsnd_rc rc;

		*path = numbered(takes->path, takes->files + 1, ending_of(spec));
		if (!*path)
			return complain(takes, takes->path, "no memory for the next file's name");
		rc = create(takes, *spec, *path, out, &why);
		takes->files += !rc || why.exists;
		if (!rc)
			return rc;
		free(*path);
		if (!why.exists)
			return rc;
	}
	return complain(takes, takes->path,
			"1000 numbers in a row are taken by files that were there before; move "
			"them away");
}

static enum vmsnd_rc next_file(struct vmsnd_takes *takes, struct vmsnd_take *take)
{
	bool first_part = !take->path;
	struct vmsnd_sound_writer *writer;
	char *path;
	enum vmsnd_rc rc = create_next(takes, &take->spec, &path, &writer);

	if (rc)
		return rc;
	/* What the last part lost at its end has had its line; the sound goes on. */
	finish(takes, take, path);
	take->writer = writer;
	free(take->path);
	take->path = path;
	if (first_part)
		say_begin(takes, take);
	return VMSND_OK;
}

/* ---- takes ---- */

static struct vmsnd_take **find_idle(struct vmsnd_takes *takes, const struct vmsnd_format *format)
{
	struct vmsnd_take **at = &takes->list;

	while (*at && ((*at)->busy || !vmsnd_format_equal(&(*at)->spec.format, format)))
		at = &(*at)->next;
	return at;
}

static void drop(struct vmsnd_takes *takes, struct vmsnd_take **at)
{
	struct vmsnd_take *take = *at;

	*at = take->next;
	finish(takes, take, NULL);
	free(take->path);
	free(take);
}

static void put_first(struct vmsnd_takes *takes, struct vmsnd_take *take)
{
	take->next = takes->list;
	takes->list = take;
}

static enum vmsnd_container container_for(const struct vmsnd_takes *takes,
					  const struct vmsnd_format *format)
{
	if (!vmsnd_sample_is_opaque(format->sample))
		return takes->container;
	return takes->raw || format->sample == VMSND_SAMPLE_IEC958_SUBFRAME
		   ? VMSND_CONTAINER_RAW
		   : VMSND_CONTAINER_DSDIFF;
}

static enum vmsnd_rc new_take(struct vmsnd_takes *takes, const struct vmsnd_format *format,
			      struct vmsnd_take **out)
{
	struct vmsnd_sound_spec spec = {.container = container_for(takes, format),
					.format = *format,
					.limit_bytes = takes->part_bytes};
	struct vmsnd_take *take;

	if (takes->begun >= BEGUN_MAX)
		return complain(takes, takes->path,
				"1000 files begun for one card, no more; restart to go on");
	take = calloc(1, sizeof(*take));
	if (!take)
		return complain(takes, takes->path, "no memory for a stream"), VMSND_E_NOMEM;
	take->spec = spec;
	put_first(takes, take);
	*out = take;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_take_begin(struct vmsnd_takes *takes, const struct vmsnd_format *format,
			       struct vmsnd_take **out)
{
	struct vmsnd_take **at = find_idle(takes, format), *take = *at;
	enum vmsnd_rc rc;

	if (take) {
		*at = take->next;
		put_first(takes, take);
		takes->idle--;
	} else {
		rc = new_take(takes, format, &take);
		if (rc)
			return rc;
	}
	take->busy = true;
	*out = take;
	return VMSND_OK;
}

static uint32_t room(const struct vmsnd_take *take, uint32_t frames)
{
	uint64_t left = take->writer ? vmsnd_sound_room_frames(take->writer) : 0;

	return left < frames ? (uint32_t)left : frames;
}

enum vmsnd_rc vmsnd_take_write(struct vmsnd_takes *takes, struct vmsnd_take *take,
			       const void *samples, uint32_t frames)
{
	const uint8_t *at = samples;
	struct vmsnd_sound_why why;

	while (frames > 0 && !take->broken) {
		uint32_t n = room(take, frames);

		if (n == 0) {
			takes->begun += !take->path;
			take->broken = next_file(takes, take) != VMSND_OK;
			if (take->broken)
				break;
			n = room(take, frames);
		}
		if (vmsnd_sound_write(take->writer, at, n, &why)) {
			take->broken = true;
			vmsnd_logf(takes->log, VMSND_LOG_ERROR,
				   "file: %s: cannot be written: %s; recording ends here, make "
				   "room and start the stream again",
				   take->path, why.text);
		}
		at += (size_t)n * vmsnd_format_frame_bytes(&take->spec.format);
		frames -= n;
	}
	return take->broken ? VMSND_E_SYSTEM : VMSND_OK;
}

static struct vmsnd_take **place_of(struct vmsnd_takes *takes, const struct vmsnd_take *take)
{
	struct vmsnd_take **at = &takes->list;

	while (*at != take)
		at = &(*at)->next;
	return at;
}

static void drop_oldest_idle(struct vmsnd_takes *takes)
{
	struct vmsnd_take **oldest = NULL;

	for (struct vmsnd_take **at = &takes->list; *at; at = &(*at)->next)
		if (!(*at)->busy)
			oldest = at;
	if (!oldest)
		return;
	drop(takes, oldest);
	takes->idle--;
}

void vmsnd_take_end(struct vmsnd_takes *takes, struct vmsnd_take *take)
{
	take->busy = false;
	if (take->broken || !take->writer) {
		drop(takes, place_of(takes, take));
		return;
	}
	takes->idle++;
	if (takes->idle > IDLE_MAX)
		drop_oldest_idle(takes);
}

/* ---- all of them ---- */

static enum vmsnd_rc check_folder(const struct vmsnd_takes *takes)
{
	const char *slash = strrchr(takes->path, '/');
	size_t bytes = slash ? (size_t)(slash - takes->path) : 1;
	char *folder = strndup(slash ? takes->path : ".", bytes ? bytes : 1);
	enum vmsnd_rc rc = VMSND_OK;

	if (!folder)
		return VMSND_E_NOMEM;
	if (eaccess(folder, W_OK | X_OK) != 0) {
		rc = VMSND_E_SYSTEM;
		vmsnd_logf(takes->log, VMSND_LOG_ERROR,
			   "file: %s: the folder %s cannot be written to: %s; make it or choose "
			   "another path",
			   takes->path, folder, strerror(errno));
	}
	free(folder);
	return rc;
}

static enum vmsnd_rc check_target(const struct vmsnd_takes *takes)
{
	struct stat info;

	if (stat(takes->path, &info) != 0)
		return VMSND_OK;
	if (!S_ISREG(info.st_mode)) {
		complain(takes, takes->path, "not a regular file; choose another path");
		return VMSND_E_INVALID;
	}
	if (same_file(takes->path, takes->keep)) {
		complain(takes, takes->path, "path and in are the same file; choose another path");
		return VMSND_E_INVALID;
	}
	if (eaccess(takes->path, W_OK) != 0)
		return complain(takes, takes->path,
				"it exists and may not be written to; choose another path");
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_takes_open(struct vmsnd_takes *takes)
{
	enum vmsnd_rc rc;

	takes->list = NULL;
	takes->idle = takes->begun = 0;
	takes->files = 0;
	if (!vmsnd_container_of(takes->path, &takes->container)) {
		complain(takes, takes->path, "the name must end in " VMSND_CONTAINER_LIST);
		return VMSND_E_INVALID;
	}
	if (takes->part_bytes > 0 && takes->part_bytes < VMSND_TAKES_PART_MIN_BYTES) {
		complain(takes, takes->path, "split must be 0 or at least 4096 bytes");
		return VMSND_E_INVALID;
	}
	rc = check_folder(takes);
	return rc ? rc : check_target(takes);
}

void vmsnd_takes_close(struct vmsnd_takes *takes)
{
	while (takes->list)
		drop(takes, &takes->list);
}
