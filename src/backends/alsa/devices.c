/* SPDX-License-Identifier: BSD-3-Clause */
/* Which devices there are: those of alsa-lib's configuration that are meant for people, and the
 * cards as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/alsa/host.h"

struct list {
	struct vmsnd_backend *host;
	struct vmsnd_host_device *out;
	size_t max, n;
};

/* What plugins are asked for; they take what they get. */
#define CHANNELS_USUAL 2u

static void mark_defaults(struct vmsnd_backend *host, struct vmsnd_host_device *device)
{
	pthread_mutex_lock(&host->lock);
	device->default_playback = device->playback_channels > 0 &&
				   strcmp(device->id, host->configured[VMSND_PLAYBACK]) == 0;
	device->default_capture = device->capture_channels > 0 &&
				  strcmp(device->id, host->configured[VMSND_CAPTURE]) == 0;
	pthread_mutex_unlock(&host->lock);
}

static void add(struct list *list, struct vmsnd_host_device *device)
{
	for (size_t i = 0; i < list->n && i < list->max; i++)
		if (strcmp(list->out[i].id, device->id) == 0)
			return;
	mark_defaults(list->host, device);
	if (list->n < list->max)
		list->out[list->n] = *device;
	list->n++;
}

/* ---- cards ---- */

static uint32_t most_channels(const char *id, enum vmsnd_dir dir)
{
	snd_pcm_hw_params_t *params;
	unsigned most = 0;
	snd_pcm_t *pcm;

	if (snd_pcm_open(&pcm, id, vmsnd_alsa_way(dir), VMSND_ALSA_OPEN_MODE) < 0)
		return CHANNELS_USUAL; /* somebody has it */
	snd_pcm_hw_params_alloca(&params);
	if (snd_pcm_hw_params_any(pcm, params) < 0 ||
	    snd_pcm_hw_params_get_channels_max(params, &most) < 0)
		most = CHANNELS_USUAL;
	snd_pcm_close(pcm);
	return most < VMSND_CHANNELS_MAX ? most : VMSND_CHANNELS_MAX;
}

/* Which buses have plugs: the driver's name says so. */
static bool is_hot_plug(snd_ctl_card_info_t *card)
{
	return strstr(snd_ctl_card_info_get_driver(card), "USB") != NULL;
}

static void add_pcm(struct list *list, snd_ctl_t *ctl, snd_ctl_card_info_t *card, unsigned number)
{
	struct vmsnd_host_device device = {.hot_plug = is_hot_plug(card)};
	uint32_t *const channels[] = {&device.playback_channels, &device.capture_channels};
	snd_pcm_info_t *info;
	bool any = false;

	snd_pcm_info_alloca(&info);
	snprintf(device.id, sizeof(device.id), "hw:CARD=%s,DEV=%u", snd_ctl_card_info_get_id(card),
		 number);
	for (unsigned dir = 0; dir < 2; dir++) {
		snd_pcm_info_set_device(info, number);
		snd_pcm_info_set_subdevice(info, 0);
		snd_pcm_info_set_stream(info, vmsnd_alsa_way((enum vmsnd_dir)dir));
		if (snd_ctl_pcm_info(ctl, info) < 0)
			continue;
		*channels[dir] = most_channels(device.id, (enum vmsnd_dir)dir);
		any = true;
		snprintf(device.name, sizeof(device.name), "%.60s, %.60s",
			 snd_ctl_card_info_get_name(card), snd_pcm_info_get_name(info));
	}
	if (any)
		add(list, &device);
}

static void add_card(struct list *list, int number)
{
	snd_ctl_card_info_t *card;
	char name[32];
	snd_ctl_t *ctl;
	int pcm = -1;

	snprintf(name, sizeof(name), "hw:%d", number);
	if (snd_ctl_open(&ctl, name, SND_CTL_NONBLOCK) < 0)
		return;
	snd_ctl_card_info_alloca(&card);
	if (snd_ctl_card_info(ctl, card) >= 0)
		while (snd_ctl_pcm_next_device(ctl, &pcm) >= 0 && pcm >= 0)
			add_pcm(list, ctl, card, (unsigned)pcm);
	snd_ctl_close(ctl);
}

/* ---- names of the configuration ---- */

static void copy_line(char *to, size_t bytes, const char *from)
{
	snprintf(to, bytes, "%s", from);
	for (char *p = to; *p; p++)
		if (*p == '\n')
			*p = ' ';
}

static void add_hint(struct list *list, const void *hint)
{
	char *name = snd_device_name_get_hint(hint, "NAME");
	char *text = snd_device_name_get_hint(hint, "DESC");
	char *way = snd_device_name_get_hint(hint, "IOID"); /* NULL: both */
	struct vmsnd_host_device device = {.hot_plug = false};

	if (name && strcmp(name, "null") != 0 && strlen(name) < sizeof(device.id)) {
		snprintf(device.id, sizeof(device.id), "%s", name);
		copy_line(device.name, sizeof(device.name), text ? text : name);
		if (!way || strcmp(way, "Output") == 0)
			device.playback_channels = CHANNELS_USUAL;
		if (!way || strcmp(way, "Input") == 0)
			device.capture_channels = CHANNELS_USUAL;
		add(list, &device);
	}
	free(name);
	free(text);
	free(way);
}

size_t vmsnd_alsa_devices(struct vmsnd_backend *host, struct vmsnd_host_device *out, size_t max)
{
	struct list list = {.host = host, .out = out, .max = max};
	void **hints = NULL;
	snd_local_error_handler_t before = vmsnd_alsa_hush();
	int card = -1;

	while (snd_card_next(&card) >= 0 && card >= 0)
		add_card(&list, card);
	if (snd_device_name_hint(-1, "pcm", &hints) >= 0) {
		for (void **at = hints; *at; at++)
			add_hint(&list, *at);
		snd_device_name_free_hint(hints);
	}
	vmsnd_alsa_unhush(before);
	return list.n;
}

/* ---- choosing one ---- */

static bool is_known(enum vmsnd_dir dir, const char *id)
{
	snd_pcm_t *pcm;
	snd_local_error_handler_t before = vmsnd_alsa_hush();
	int error = snd_pcm_open(&pcm, id, vmsnd_alsa_way(dir), VMSND_ALSA_OPEN_MODE);

	if (error >= 0)
		snd_pcm_close(pcm);
	vmsnd_alsa_unhush(before);
	return error >= 0 || error == -EBUSY;
}

enum vmsnd_rc vmsnd_alsa_device_set(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *id)
{
	bool chosen = id && *id;

	if (chosen && (strlen(id) >= sizeof(host->device[dir]) || !is_known(dir, id)))
		return VMSND_E_GONE;
	pthread_mutex_lock(&host->lock);
	snprintf(host->device[dir], sizeof(host->device[dir]), "%s",
		 chosen ? id : host->configured[dir]);
	pthread_mutex_unlock(&host->lock);
	return VMSND_OK;
}
