/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/realtime.h"

#include <unistd.h>

#include "os/clock.h"
#include "os/priority.h"

#define WHY_BYTES 160u
#define KEEP_NS   VMSND_NS_PER_SECOND

int vmsnd_realtime_this(void)
{
	return gettid();
}

static void say_given(const struct vmsnd_realtime *realtime, int thread_id)
{
	vmsnd_logf(realtime->log, VMSND_LOG_DEBUG, "thread %d has real-time priority", thread_id);
}

bool vmsnd_realtime_raise(const struct vmsnd_realtime *realtime, int thread_id, char *why,
			  size_t bytes)
{
	unsigned priority = realtime->conf->realtime_priority;

	if (priority == 0)
		return true;
	if (!vmsnd_priority_raise(thread_id, priority, why, bytes))
		return false;
	say_given(realtime, thread_id);
	return true;
}

bool vmsnd_realtime_ask(struct vmsnd_realtime *realtime, int thread_id, const char *why)
{
	const struct vmsnd_machine_conf *conf = realtime->conf;
	char more[WHY_BYTES] = "";

	if (conf->realtime && conf->realtime(conf->realtime_ctx, thread_id, conf->realtime_priority,
					     more, sizeof(more))) {
		say_given(realtime, thread_id);
		return true;
	}
	if (!atomic_exchange(&realtime->told, true))
		vmsnd_logf(realtime->log, VMSND_LOG_INFO,
			   "no real-time priority for threads with sound: %s%s%s; on a busy host "
			   "sound may have gaps ('vmsnd check' says what to do)",
			   why, *more ? "; " : "", more);
	return false;
}

void vmsnd_realtime_take(struct vmsnd_realtime *realtime)
{
	int thread_id = vmsnd_realtime_this();
	char why[WHY_BYTES] = "";

	if (realtime->conf->realtime_priority == 0)
		return;
	vmsnd_priority_guard_this();
	if (!vmsnd_realtime_raise(realtime, thread_id, why, sizeof(why)))
		vmsnd_realtime_ask(realtime, thread_id, why);
}

/* libpipewire and others set the limit for the whole process, to none or to the one that kills. */
static void keep_guard(struct vmsnd_realtime *realtime)
{
	vmsnd_ns now = vmsnd_clock_now();

	if (now < atomic_load_explicit(&realtime->keep_at, memory_order_relaxed))
		return;
	atomic_store_explicit(&realtime->keep_at, now + KEEP_NS, memory_order_relaxed);
	vmsnd_priority_guard_keep();
}

void vmsnd_realtime_look(struct vmsnd_realtime *realtime)
{
	unsigned demoted = vmsnd_priority_demoted();

	keep_guard(realtime);
	if (demoted == atomic_load_explicit(&realtime->demoted, memory_order_relaxed) ||
	    atomic_exchange(&realtime->demoted, demoted) == demoted)
		return;
	vmsnd_logf(realtime->log, VMSND_LOG_WARNING,
		   "a thread computed for %u ms without a pause and goes on without real-time "
		   "priority: more is asked of this processor than it can do",
		   VMSND_PRIORITY_SPIN_US / 1000);
}
