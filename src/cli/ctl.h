/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of vmsnd ctl share: one call of it, and the table of its commands. */
#ifndef VMSND_CLI_CTL_H
#define VMSND_CLI_CTL_H

#include "cli/cli.h"
#include "control/client.h"
#include "vmsnd/machine.h"

#define VMSND_CTL_WORDS_MAX 12

struct vmsnd_ctl {
	const struct vmsnd_command *self;
	const struct vmsnd_ctl_verb *verb;
	const char *socket, *card;
	const char *drivers[VMSND_DRIVERS_MAX];
	unsigned n_drivers;
	bool json, help;
	const char
	    *words[VMSND_CTL_WORDS_MAX]; /* before the verb is known, with it; then behind it */
	int n_words;
	struct vmsnd_control_client *client;
};

/* What stands at a place of the command line, for completion. */
enum vmsnd_ctl_word {
	VMSND_CTL_ANYTHING,
	VMSND_CTL_DIRECTION,
	VMSND_CTL_OUTPUT,
	VMSND_CTL_LOUDNESS,
	VMSND_CTL_MIXER, /* that, or a source, or a stream */
	VMSND_CTL_BACKEND,
	VMSND_CTL_DRIVER,
	VMSND_CTL_DEVICE,
	VMSND_CTL_CARD,
	VMSND_CTL_HOST_DEVICE, /* of the output named by the first word */
	VMSND_CTL_STREAM,
	VMSND_CTL_POINT,
	VMSND_CTL_JACK,
	VMSND_CTL_JACK_STATE,
	VMSND_CTL_FILE,
	VMSND_CTL_COMMAND
};

struct vmsnd_ctl_verb {
	const char *name; /* one word, or two */
	const char *usage;
	int least, most; /* words after it */
	/* What it is about: one card (--card may say which), or all there is. */
	enum { VMSND_CTL_ONE_CARD, VMSND_CTL_WHOLE, VMSND_CTL_EITHER } about;
	bool drivers; /* --driver may be given */
	int (*run)(struct vmsnd_ctl *ctl);
	enum vmsnd_ctl_word words[5]; /* the last one stands for those behind it, too */
};

/* ctl_verbs.c: the `index`th, NULL beyond the last. */
const struct vmsnd_ctl_verb *vmsnd_ctl_verb(size_t index);
/* The one that the first words name; NULL: none. *n is how many of them. */
const struct vmsnd_ctl_verb *vmsnd_ctl_verb_find(const char *const *words, int n_words, int *n);

/* ctl.c: the options before and behind the verb. */
struct vmsnd_ctl_option {
	const char *name, *letter;
	enum { VMSND_CTL_FLAG, VMSND_CTL_VALUE } kind;
	enum vmsnd_ctl_word word; /* of the value */
};
const struct vmsnd_ctl_option *vmsnd_ctl_option(size_t index);
bool vmsnd_ctl_is_option(const char *word);

/* ctl_complete.c: prints what could stand in the place of the last word. Never fails. */
int vmsnd_ctl_complete(int argc, char **argv);

/* ---- ctl_words.c: words into JSON, JSON into answers ---- */

int vmsnd_ctl_bad_word(const struct vmsnd_ctl *ctl, const char *what, const char *word);
/* {"card": ...} if one was named, else {}. */
json_t *vmsnd_ctl_arguments(const struct vmsnd_ctl *ctl);
json_t *vmsnd_ctl_ask(struct vmsnd_ctl *ctl, const char *command, json_t *with);
/* Shows an answer by `show`, or as it is with --json, and gives it up. NULL, an answer: it failed,
 * and that was said. NULL, show: there is nothing to show. */
int vmsnd_ctl_finish(const struct vmsnd_ctl *ctl, json_t *answer,
		     void (*show)(const json_t *answer));
/* Gives up arguments that came to nothing. */
int vmsnd_ctl_give_up(json_t *with, int code);
/* The word at `index`, if there is one, becomes "direction". */
bool vmsnd_ctl_take_direction(const struct vmsnd_ctl *ctl, int index, json_t *with);
bool vmsnd_ctl_take_number(const char *word, const char *key, json_t *with);
/* "mute", "unmute" or decibels become "mute" or "gain-db". */
bool vmsnd_ctl_take_loudness(const char *word, json_t *with);
/* So does "80%", as mixers of desktops count: by the third power of it. */
bool vmsnd_ctl_take_host_loudness(const char *word, json_t *with);
/* "2", "delay" or "delay:1" become "at", or "name" and "occurrence". */
void vmsnd_ctl_take_place(const char *word, json_t *with);
/* --driver, in their order, become "drivers". */
void vmsnd_ctl_take_drivers(const struct vmsnd_ctl *ctl, json_t *with);
/* The program may run in another folder: it gets the whole path. */
json_t *vmsnd_ctl_whole_path(const char *path);

/* ---- ctl_look.c, ctl_do.c: what the table names ---- */

int vmsnd_ctl_status(struct vmsnd_ctl *ctl);
int vmsnd_ctl_cards(struct vmsnd_ctl *ctl);
int vmsnd_ctl_host(struct vmsnd_ctl *ctl);
int vmsnd_ctl_devices(struct vmsnd_ctl *ctl);
int vmsnd_ctl_backends(struct vmsnd_ctl *ctl);
int vmsnd_ctl_drivers(struct vmsnd_ctl *ctl);
int vmsnd_ctl_modules(struct vmsnd_ctl *ctl);
int vmsnd_ctl_counters(struct vmsnd_ctl *ctl);
int vmsnd_ctl_statistics(struct vmsnd_ctl *ctl);
int vmsnd_ctl_config(struct vmsnd_ctl *ctl);
int vmsnd_ctl_events(struct vmsnd_ctl *ctl);
int vmsnd_ctl_raw(struct vmsnd_ctl *ctl);

int vmsnd_ctl_enable(struct vmsnd_ctl *ctl);
int vmsnd_ctl_volume(struct vmsnd_ctl *ctl);
int vmsnd_ctl_host_volume(struct vmsnd_ctl *ctl);
int vmsnd_ctl_mixer(struct vmsnd_ctl *ctl);
int vmsnd_ctl_card_add(struct vmsnd_ctl *ctl);
int vmsnd_ctl_card_remove(struct vmsnd_ctl *ctl);
int vmsnd_ctl_attach(struct vmsnd_ctl *ctl);
int vmsnd_ctl_reattach(struct vmsnd_ctl *ctl);
int vmsnd_ctl_detach(struct vmsnd_ctl *ctl);
int vmsnd_ctl_driver_add(struct vmsnd_ctl *ctl);
int vmsnd_ctl_driver_replace(struct vmsnd_ctl *ctl);
int vmsnd_ctl_driver_remove(struct vmsnd_ctl *ctl);
int vmsnd_ctl_device(struct vmsnd_ctl *ctl);
int vmsnd_ctl_tap(struct vmsnd_ctl *ctl);
int vmsnd_ctl_jack(struct vmsnd_ctl *ctl);
int vmsnd_ctl_save(struct vmsnd_ctl *ctl);
/* pause, unpause, suspend, resume, quit: the command has the verb's name. */
int vmsnd_ctl_same(struct vmsnd_ctl *ctl);

#endif
