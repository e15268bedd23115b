/* SPDX-License-Identifier: BSD-3-Clause */
/* A log in which each error is said once. */
#include "backends/file_log.h"

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *line)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (; *line; line++)
		sum = (sum ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
	return sum;
}

static bool is_news(struct vmsnd_file_log *self, const char *line)
{
	uint64_t sum = hash(line);

	for (unsigned i = 0; i < self->n_said; i++)
		if (self->said[i] == sum)
			return false;
	if (self->n_said == VMSND_FILE_LOG_ERRORS_MAX)
		return false;
	self->said[self->n_said++] = sum;
	return true;
}

static void write_once(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vmsnd_file_log *self = ctx;

	if (self->quiet && level <= VMSND_LOG_WARNING)
		return;
	if (level != VMSND_LOG_ERROR || is_news(self, line))
		vmsnd_logf(self->to, level, "%s", line);
}

void vmsnd_file_log_init(struct vmsnd_file_log *self, const struct vmsnd_log *to)
{
	*self = (struct vmsnd_file_log){.log = {self, write_once}, .to = to};
}

void vmsnd_file_log_forget(struct vmsnd_file_log *self)
{
	self->n_said = 0;
}
