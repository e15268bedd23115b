/* SPDX-License-Identifier: BSD-3-Clause */
/* What `vmsnd check` says of ALSA: the library, who may open the cards, the devices that would be
 * used, and what is wrong with them. */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/alsa/host.h"

#define SNDS "/dev/snd"

struct list {
	struct vmsnd_fact *out;
	size_t max, n;
};

__attribute__((format(printf, 3, 4))) static void add(struct list *list, enum vmsnd_fact_name name,
						      const char *format, ...)
{
	va_list args;

	if (list->n < list->max) {
		list->out[list->n].name = name;
		va_start(args, format);
		vsnprintf(list->out[list->n].text, sizeof(list->out[list->n].text), format, args);
		va_end(args);
	}
	list->n++;
}

/* ---- cards ---- */

static unsigned count_cards(void)
{
	unsigned n = 0;
	int card = -1;

	while (snd_card_next(&card) >= 0 && card >= 0)
		n++;
	return n;
}

/* The first card's file that cards are opened through: all of them belong to one group. */
static bool control_file(struct stat *out)
{
	char path[64];
	int card = -1;

	if (snd_card_next(&card) < 0 || card < 0)
		return false;
	snprintf(path, sizeof(path), SNDS "/controlC%d", card);
	return stat(path, out) == 0;
}

static void add_owner(struct list *list)
{
	struct stat file;
	struct group entry, *group = NULL;
	char room[4096];

	if (!control_file(&file))
		return;
	if (getgrgid_r(file.st_gid, &entry, room, sizeof(room), &group) || !group)
		add(list, VMSND_FACT_USER, "cards are for root and group %u",
		    (unsigned)file.st_gid);
	else
		add(list, VMSND_FACT_USER, "cards are for root and group %s (%u)", group->gr_name,
		    (unsigned)file.st_gid);
}

/* ---- devices ---- */

static void add_format(struct list *list, snd_pcm_t *pcm)
{
	unsigned low = 0, high = 0, few = 0, most = 0;
	snd_pcm_hw_params_t *params;

	snd_pcm_hw_params_alloca(&params);
	if (snd_pcm_hw_params_any(pcm, params) < 0)
		return;
	snd_pcm_hw_params_get_rate_min(params, &low, NULL);
	snd_pcm_hw_params_get_rate_max(params, &high, NULL);
	snd_pcm_hw_params_get_channels_min(params, &few);
	snd_pcm_hw_params_get_channels_max(params, &most);
	add(list, VMSND_FACT_FORMAT, "%u to %u Hz, %u to %u channels", low, high, few, most);
}

static void add_device(struct list *list, const char *device, enum vmsnd_dir dir)
{
	enum vmsnd_fact_name name =
	    dir == VMSND_PLAYBACK ? VMSND_FACT_PLAYBACK : VMSND_FACT_CAPTURE;
	struct vmsnd_alsa_trouble trouble;
	snd_pcm_t *pcm;
	int error = snd_pcm_open(&pcm, device, vmsnd_alsa_way(dir), VMSND_ALSA_OPEN_MODE);

	if (error >= 0) {
		add(list, name, "%s (%s)", device, snd_pcm_type_name(snd_pcm_type(pcm)));
		if (dir == VMSND_PLAYBACK)
			add_format(list, pcm);
		snd_pcm_close(pcm);
		return;
	}
	trouble = vmsnd_alsa_trouble(error);
	add(list, VMSND_FACT_TROUBLE, "%s device %s cannot be opened: %s.",
	    dir == VMSND_PLAYBACK ? "The playback" : "The capture", device, trouble.what);
	add(list, VMSND_FACT_ADVICE, "%s%s", trouble.advice,
	    trouble.advice[strlen(trouble.advice) - 1] == '?' ? "" : ".");
}

static void add_trouble(struct list *list)
{
	if (count_cards() > 0)
		return;
	add(list, VMSND_FACT_TROUBLE,
	    "There is no sound card: only devices that lead to a sound server can "
	    "work.");
	add(list, VMSND_FACT_ADVICE,
	    "Load the card's driver (lsmod shows snd_ modules), or in a container "
	    "pass " SNDS " in; or use a sound server.");
}

size_t vmsnd_alsa_facts(struct vmsnd_backend *host, struct vmsnd_fact *out, size_t max)
{
	struct list list = {.out = out, .max = max};
	snd_local_error_handler_t before = vmsnd_alsa_hush();
	char device[2][VMSND_ALSA_NAME_BYTES];

	pthread_mutex_lock(&host->lock);
	memcpy(device, host->device, sizeof(device));
	pthread_mutex_unlock(&host->lock);
	add(&list, VMSND_FACT_SERVER, "ALSA, alsa-lib %s, cards: %u", snd_asoundlib_version(),
	    count_cards());
	add_owner(&list);
	for (unsigned dir = 0; dir < 2; dir++)
		add_device(&list, device[dir], (enum vmsnd_dir)dir);
	add_trouble(&list);
	vmsnd_alsa_unhush(before);
	return list.n;
}
