/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/realtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-bus.h>

#include "os/clock.h"
#include "vmsnd/types.h"

#define NAME      "org.freedesktop.RealtimeKit1"
#define PATH      "/org/freedesktop/RealtimeKit1"
#define INTERFACE "org.freedesktop.RealtimeKit1"
/* For the bus and for rtkit together. Less than a machine waits for its workers when it is closed
 * (MX-37): one that is stopped meanwhile leaves nobody behind. */
#define WAIT_US UINT64_C(1500000)

/* One conversation, and until when it may last. */
struct talk {
	sd_bus *bus;
	sd_bus_error error;
	uint64_t until_us;
	char *why;
	size_t bytes;
};

static uint64_t left_us(const struct talk *talk)
{
	uint64_t now = vmsnd_clock_now() / 1000;

	return talk->until_us > now ? talk->until_us - now : 0;
}

static bool fail(const struct talk *talk, const char *what, int rc)
{
	if (sd_bus_error_has_name(&talk->error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	    sd_bus_error_has_name(&talk->error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		snprintf(talk->why, talk->bytes, "rtkit is not there");
	else if (talk->error.message)
		snprintf(talk->why, talk->bytes, "%s: %.100s", what, talk->error.message);
	else
		snprintf(talk->why, talk->bytes, "%s: %s", what, strerror(-rc));
	return false;
}

/* sd-bus itself would wait for its welcome for a minute and a half. */
static bool greet(struct talk *talk)
{
	int rc = sd_bus_open_system(&talk->bus);

	if (rc < 0)
		return fail(talk, "there is no system bus to find rtkit on", rc);
	while ((rc = sd_bus_is_ready(talk->bus)) == 0) {
		uint64_t left = left_us(talk);

		if (left == 0)
			return fail(talk, "the system bus does not answer", -ETIMEDOUT);
		rc = sd_bus_process(talk->bus, NULL);
		if (rc == 0)
			rc = sd_bus_wait(talk->bus, left);
		if (rc < 0)
			break;
	}
	return rc < 0 ? fail(talk, "there is no system bus to find rtkit on", rc) : true;
}

static bool begin(struct talk *talk, char *why, size_t bytes)
{
	*talk = (struct talk){.error = SD_BUS_ERROR_NULL,
			      .until_us = vmsnd_clock_now() / 1000 + WAIT_US,
			      .why = why,
			      .bytes = bytes};
	return greet(talk);
}

static bool property(struct talk *talk, const char *name, char type, void *out)
{
	int rc;

	sd_bus_set_method_call_timeout(talk->bus, left_us(talk) + 1);
	rc = sd_bus_get_property_trivial(talk->bus, NAME, PATH, INTERFACE, name, &talk->error, type,
					 out);
	return rc < 0 ? fail(talk, "rtkit does not answer", rc) : true;
}

static bool look(struct talk *talk, struct vmsnd_rtkit *out)
{
	return property(talk, "MaxRealtimePriority", 'i', &out->priority_most) &&
	       property(talk, "RTTimeUSecMax", 'x', &out->spin_most_us);
}

static void end(struct talk *talk)
{
	sd_bus_error_free(&talk->error);
	sd_bus_close_unref(talk->bus);
}

bool vmsnd_rtkit_look(struct vmsnd_rtkit *out, char *why, size_t bytes)
{
	struct talk talk;
	bool ok = begin(&talk, why, bytes) && look(&talk, out);

	end(&talk);
	return ok;
}

/* rtkit refuses processes that could stop the machine. The soft limit, at which a thread becomes a
 * plain one again (os/priority.h), stays below the hard one, at which the process ends. */
static bool limit_spinning(const struct talk *talk, const struct vmsnd_rtkit *rtkit)
{
	rlim_t most = rtkit->spin_most_us > 0 ? (rlim_t)rtkit->spin_most_us : 0;
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTTIME, &limit))
		return fail(talk, "RLIMIT_RTTIME", -errno);
	if (most == 0 || limit.rlim_max <= most)
		return true;
	limit.rlim_max = most;
	if (limit.rlim_cur >= most)
		limit.rlim_cur = most / 4 * 3;
	return setrlimit(RLIMIT_RTTIME, &limit) ? fail(talk, "RLIMIT_RTTIME", -errno) : true;
}

static bool ask(struct talk *talk, int thread_id, unsigned priority)
{
	struct vmsnd_rtkit rtkit;
	int rc;

	if (!look(talk, &rtkit) || !limit_spinning(talk, &rtkit))
		return false;
	if (rtkit.priority_most > 0 && priority > (unsigned)rtkit.priority_most)
		priority = (unsigned)rtkit.priority_most;
	sd_bus_set_method_call_timeout(talk->bus, left_us(talk) + 1);
	rc = sd_bus_call_method(talk->bus, NAME, PATH, INTERFACE, "MakeThreadRealtime",
				&talk->error, NULL, "tu", (uint64_t)thread_id, (uint32_t)priority);
	return rc < 0 ? fail(talk, "rtkit refuses it", rc) : true;
}

bool vmsnd_cli_realtime(void *ctx, int thread_id, unsigned priority, char *why, size_t bytes)
{
	struct talk talk;
	bool ok = begin(&talk, why, bytes) && ask(&talk, thread_id, priority);

	end(&talk);
	return ok;
}
