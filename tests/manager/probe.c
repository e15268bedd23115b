/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <stdio.h>
#include <string.h>

struct vmsnd_driver {
	struct probe *probe;
	char tag[8];
};

static struct probe *current;

static void tell(struct vmsnd_driver *driver, const char *what)
{
	size_t used = strlen(driver->probe->events);

	snprintf(driver->probe->events + used, sizeof(driver->probe->events) - used, "%s %s, ",
		 what, driver->tag);
}

static size_t footprint(const struct vmsnd_driver_conf *conf)
{
	return current->bytes ? current->bytes : sizeof(struct vmsnd_driver);
}

static enum vmsnd_rc init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	driver->probe = current;
	snprintf(driver->tag, sizeof(driver->tag), "%s", vmsnd_conf_text(conf->options, "tag"));
	tell(driver, "init");
	current->alive++;
	if (current->fail_init > 0 && --current->fail_init == 0)
		return VMSND_E_SYSTEM;
	return VMSND_OK;
}

static void process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
	struct probe *probe = driver->probe;

	tell(driver, "rt");
	probe->frames += frames;
	probe->longest = frames > probe->longest ? frames : probe->longest;
}

static void fini(struct vmsnd_driver *driver)
{
	tell(driver, "fini");
	driver->probe->alive--;
}

static enum vmsnd_rc life(struct vmsnd_driver *driver, enum vmsnd_life what, vmsnd_ns now)
{
	struct probe *probe = driver->probe;

	tell(driver, vmsnd_life_name(what));
	if (probe->again > 0) {
		probe->again--;
		return VMSND_E_AGAIN;
	}
	return probe->fail_life ? VMSND_E_GONE : VMSND_OK;
}

void probe_begin(struct probe *probe)
{
	static const struct vmsnd_option options[] = {
	    {"tag", VMSND_OPTION_TEXT, "x", "what events call it", 0, 0}, {.key = NULL}};

	*probe = (struct probe){.cls = {.abi = VMSND_DRIVER_ABI,
					.name = "probe",
					.summary = "tells what happens to it",
					.options = options,
					.max_instances = 100,
					.footprint = footprint,
					.init = init,
					.process_rt = process_rt,
					.fini = fini,
					.life = life,
					.abi_end = VMSND_DRIVER_ABI}};
	current = probe;
}

void probe_forget(struct probe *probe)
{
	probe->events[0] = '\0';
}
