/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/overhear.h"

#include <stdio.h>

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct vmsnd_overheard *heard = ctx;

	if (level <= VMSND_LOG_WARNING && atomic_load(&heard->on) &&
	    pthread_equal(heard->who, pthread_self()))
		snprintf(heard->line, sizeof(heard->line), "%s", line);
	if (heard->to.write)
		heard->to.write(heard->to.ctx, level, line);
}

struct vmsnd_log vmsnd_overhear(struct vmsnd_overheard *heard, const struct vmsnd_log *to)
{
	heard->to = *to;
	heard->who = pthread_self();
	heard->line[0] = '\0';
	atomic_init(&heard->on, false);
	return (struct vmsnd_log){.ctx = heard, .write = write_line};
}

void vmsnd_overhear_begin(struct vmsnd_overheard *heard)
{
	if (!heard)
		return;
	heard->line[0] = '\0';
	atomic_store(&heard->on, true);
}

void vmsnd_overhear_end(struct vmsnd_overheard *heard)
{
	if (heard)
		atomic_store(&heard->on, false);
}
