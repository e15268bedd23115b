/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a command line into arguments of the protocol, and what comes back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ctl.h"
#include "cli/ctl_show.h"

#define PATH_ROOM 4200

int vmsnd_ctl_bad_word(const struct vmsnd_ctl *ctl, const char *what, const char *word)
{
	char line[200];

	snprintf(line, sizeof(line), "'%.60s' is no %s: %s", word, what, ctl->verb->usage);
	return vmsnd_cli_usage(ctl->self, line);
}

json_t *vmsnd_ctl_arguments(const struct vmsnd_ctl *ctl)
{
	json_t *object = json_object();

	if (ctl->card)
		json_object_set_new(object, "card", json_string(ctl->card));
	return object;
}

json_t *vmsnd_ctl_ask(struct vmsnd_ctl *ctl, const char *command, json_t *with)
{
	json_t *answer = vmsnd_control_client_call(ctl->client, command, with);

	if (!answer)
		fprintf(stderr, "vmsnd ctl: %s\n", vmsnd_control_client_line(ctl->client));
	return answer;
}

int vmsnd_ctl_finish(const struct vmsnd_ctl *ctl, json_t *answer,
		     void (*show)(const json_t *answer))
{
	if (!answer)
		return VMSND_EXIT_FAILED;
	if (ctl->json)
		vmsnd_ctl_show_json(answer);
	else if (show)
		show(answer);
	json_decref(answer);
	return VMSND_EXIT_DONE;
}

bool vmsnd_ctl_take_direction(const struct vmsnd_ctl *ctl, int index, json_t *with)
{
	static const struct {
		const char *word, *means;
	} words[] = {{"playback", "playback"},
		     {"output", "playback"},
		     {"capture", "capture"},
		     {"input", "capture"}};

	if (index >= ctl->n_words)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(ctl->words[index], words[i].word) != 0)
			continue;
		json_object_set_new(with, "direction", json_string(words[i].means));
		return true;
	}
	return false;
}

bool vmsnd_ctl_take_number(const char *word, const char *key, json_t *with)
{
	if (strlen(word) == 0 || strlen(word) > 6 || strspn(word, "0123456789") != strlen(word))
		return false;
	json_object_set_new(with, key, json_integer(strtol(word, NULL, 10)));
	return true;
}

bool vmsnd_ctl_take_loudness(const char *word, json_t *with)
{
	char *end;
	double db = strtod(word, &end);

	if (strcmp(word, "mute") == 0 || strcmp(word, "unmute") == 0) {
		json_object_set_new(with, "mute", json_boolean(word[0] == 'm'));
		return true;
	}
	if (end == word || *end || !isfinite(db)) /* JSON has no such numbers */
		return false;
	json_object_set_new(with, "gain-db", json_real(db));
	return true;
}

bool vmsnd_ctl_take_host_loudness(const char *word, json_t *with)
{
	char *end;
	double percent = strtod(word, &end), db = VMSND_GAIN_MIN_MDB / 1000.0;

	if (end == word || strcmp(end, "%") != 0 || !(percent >= 0) || !isfinite(percent))
		return vmsnd_ctl_take_loudness(word, with);
	if (percent > 0)
		db = fmax(db, 60.0 * log10(percent / 100.0));
	json_object_set_new(with, "gain-db", json_real(db));
	return true;
}

int vmsnd_ctl_give_up(json_t *with, int code)
{
	json_decref(with);
	return code;
}

json_t *vmsnd_ctl_whole_path(const char *path)
{
	char whole[PATH_ROOM];
	char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);

	snprintf(whole, sizeof(whole), "%s%s%s", folder ? folder : "", folder ? "/" : "", path);
	free(folder);
	return json_string(whole);
}

void vmsnd_ctl_take_place(const char *word, json_t *with)
{
	const char *colon = strrchr(word, ':');

	if (vmsnd_ctl_take_number(word, "at", with))
		return;
	if (!colon || !vmsnd_ctl_take_number(colon + 1, "occurrence", with))
		colon = word + strlen(word);
	json_object_set_new(with, "name", json_stringn(word, (size_t)(colon - word)));
}

void vmsnd_ctl_take_drivers(const struct vmsnd_ctl *ctl, json_t *with)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ctl->n_drivers; i++)
		json_array_append_new(list, json_string(ctl->drivers[i]));
	if (ctl->n_drivers > 0)
		json_object_set(with, "drivers", list);
	json_decref(list);
}
