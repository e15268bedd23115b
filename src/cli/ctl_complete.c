/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd ctl --complete WORD...: prints what could stand in the place of the last WORD, a line each,
 * for the shells' completion. Asks the program that runs, if its socket is known. The line
 * ":files" means that a file's name stands there. What fails prints nothing: a completion that
 * complains is worse than none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ctl.h"

struct guess {
	const char *socket, *card;
	const char *words[VMSND_CTL_WORDS_MAX]; /* before the last, without options */
	int n_words;
	enum vmsnd_ctl_word value; /* of the option before the last word, if `is_value` */
	bool is_value;
	const char *joined; /* what stands before the value in the last word itself: "--card=" */
	int joined_bytes;
	struct vmsnd_control_client *client;
	struct vmsnd_registry *registry; /* NULL: not asked yet */
};

/* A line is one candidate. */
static void offer(const struct guess *guess, const char *word)
{
	if (word && word[0] && !strchr(word, '\n'))
		printf("%.*s%s\n", guess->joined_bytes, guess->joined, word);
}

/* ---- from the program that runs ---- */

/* A list, or NULL. */
static json_t *ask(struct guess *guess, const char *command, json_t *with)
{
	char error[400];

	if (!guess->client && guess->socket && guess->socket[0])
		guess->client = vmsnd_control_client_open(guess->socket, error, sizeof(error));
	if (guess->client)
		return vmsnd_control_client_call(guess->client, command, with);
	json_decref(with);
	return NULL;
}

static json_t *with_card(const struct guess *guess)
{
	return guess->card ? json_pack("{s:s}", "card", guess->card) : json_object();
}

static void offer_members(const struct guess *guess, json_t *list, const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		offer(guess, json_string_value(json_object_get(json_array_get(list, i), key)));
	json_decref(list);
}

static void offer_cards(struct guess *guess)
{
	offer_members(guess, ask(guess, "query-cards", NULL), "name");
}

static void offer_commands(struct guess *guess)
{
	offer_members(guess, ask(guess, "query-commands", NULL), "name");
}

static void offer_number(json_int_t number)
{
	printf("%lld\n", (long long)number);
}

static bool is_named(const json_t *card, const char *name)
{
	const char *have = json_string_value(json_object_get(card, "name"));
	char number[24];

	snprintf(number, sizeof(number), "%lld",
		 (long long)json_integer_value(json_object_get(card, "card")));
	return !name || (have && strcmp(have, name) == 0) || strcmp(number, name) == 0;
}

/* Of the card that was named, or of any. */
static void offer_outputs(struct guess *guess)
{
	bool known[VMSND_OUTPUTS_MAX] = {false};
	json_t *cards = ask(guess, "query-cards", NULL);

	for (size_t i = 0; i < json_array_size(cards); i++) {
		const json_t *card = json_array_get(cards, i);
		const json_t *outputs = json_object_get(card, "outputs");

		for (size_t k = 0; is_named(card, guess->card) && k < json_array_size(outputs);
		     k++) {
			json_int_t n = json_integer_value(
			    json_object_get(json_array_get(outputs, k), "output"));

			if (n >= 0 && n < (json_int_t)VMSND_OUTPUTS_MAX)
				known[n] = true;
		}
	}
	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++)
		if (known[i])
			offer_number(i);
	json_decref(cards);
}

static void offer_host_devices(struct guess *guess)
{
	json_t *with = with_card(guess);

	if (guess->n_words > 0)
		json_object_set_new(with, "output",
				    json_integer(strtol(guess->words[0], NULL, 10)));
	offer(guess, "default");
	offer_members(guess, ask(guess, "query-host-devices", with), "id");
}

static void offer_streams(struct guess *guess)
{
	json_t *list = ask(guess, "query-streams", with_card(guess));
	json_int_t last = -1;

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_int_t n =
		    json_integer_value(json_object_get(json_array_get(list, i), "stream"));

		if (n > last)
			offer_number(last = n);
	}
	json_decref(list);
}

/* ---- from the program that runs, else from what one that is started now would have ---- */

/* What modules complain of is no business of a completion. NULL, for want of memory: what is built
 * in. */
static const struct vmsnd_registry *classes(struct guess *guess)
{
	if (!guess->registry && !vmsnd_registry_open(NULL, &guess->registry))
		vmsnd_registry_load_folder(guess->registry);
	return guess->registry;
}

static void offer_backends(struct guess *guess)
{
	json_t *list = ask(guess, "query-backends", NULL);

	for (size_t i = 0; !list && vmsnd_registry_backend(classes(guess), i); i++)
		offer(guess, vmsnd_registry_backend(classes(guess), i)->name);
	offer_members(guess, list, "name");
}

static void offer_drivers(struct guess *guess)
{
	json_t *list = ask(guess, "query-drivers", NULL);

	for (size_t i = 0; !list && vmsnd_registry_driver(classes(guess), i); i++)
		offer(guess, vmsnd_registry_driver(classes(guess), i)->name);
	offer_members(guess, list, "name");
}

static void offer_device_classes(struct guess *guess)
{
	json_t *list = ask(guess, "query-devices", NULL);

	for (size_t i = 0; !list && vmsnd_registry_device(classes(guess), i); i++)
		offer(guess, vmsnd_registry_device(classes(guess), i)->name);
	offer_members(guess, list, "name");
}

/* ---- words that never change ---- */

static void offer_directions(struct guess *guess)
{
	offer(guess, "playback");
	offer(guess, "capture");
}

static void offer_loudness(struct guess *guess)
{
	offer(guess, "mute");
	offer(guess, "unmute");
}

static void offer_mixer(struct guess *guess)
{
	const char *before = guess->n_words > 0 ? guess->words[guess->n_words - 1] : "";

	if (strcmp(before, "source") == 0) {
		offer(guess, "all");
		offer_outputs(guess);
		return;
	}
	if (guess->n_words == 0)
		offer_streams(guess);
	else
		offer_directions(guess);
	if (guess->n_words > 1)
		return;
	offer_loudness(guess);
	offer(guess, "source");
}

static void offer_jacks(struct guess *guess)
{
	offer_members(guess, ask(guess, "query-jacks", with_card(guess)), "jack");
}

static void offer_jack_states(struct guess *guess)
{
	offer(guess, "plugged");
	offer(guess, "unplugged");
	offer(guess, "follow");
}

static void offer_points(struct guess *guess)
{
	offer(guess, "device");
	offer(guess, "host");
}

static void offer_files(struct guess *guess)
{
	puts(":files");
}

static void offer_word(struct guess *guess, enum vmsnd_ctl_word word)
{
	static void (*const offers[])(struct guess * guess) = {
	    [VMSND_CTL_DIRECTION] = offer_directions,
	    [VMSND_CTL_OUTPUT] = offer_outputs,
	    [VMSND_CTL_LOUDNESS] = offer_loudness,
	    [VMSND_CTL_MIXER] = offer_mixer,
	    [VMSND_CTL_BACKEND] = offer_backends,
	    [VMSND_CTL_DRIVER] = offer_drivers,
	    [VMSND_CTL_DEVICE] = offer_device_classes,
	    [VMSND_CTL_CARD] = offer_cards,
	    [VMSND_CTL_HOST_DEVICE] = offer_host_devices,
	    [VMSND_CTL_STREAM] = offer_streams,
	    [VMSND_CTL_POINT] = offer_points,
	    [VMSND_CTL_JACK] = offer_jacks,
	    [VMSND_CTL_JACK_STATE] = offer_jack_states,
	    [VMSND_CTL_FILE] = offer_files,
	    [VMSND_CTL_COMMAND] = offer_commands,
	};

	if ((size_t)word < sizeof(offers) / sizeof(offers[0]) && offers[word])
		offers[word](guess);
}

/* ---- the command line so far ---- */

static const struct vmsnd_ctl_option *option_of(const char *word)
{
	const struct vmsnd_ctl_option *option = NULL;

	for (size_t i = 0; (option = vmsnd_ctl_option(i)); i++)
		if (strcmp(word, option->name) == 0 || strcmp(word, option->letter) == 0)
			break;
	return option;
}

/* One word before the last; returns how many it took. */
static int take(struct guess *guess, char **argv, int n)
{
	const struct vmsnd_ctl_option *option = option_of(argv[0]);
	/* Shells may cut "--card=vm1" in three. */
	int skip = n > 1 && strcmp(argv[1], "=") == 0 ? 2 : 1;

	if (!option && !vmsnd_ctl_is_option(argv[0]) && guess->n_words < VMSND_CTL_WORDS_MAX)
		guess->words[guess->n_words++] = argv[0];
	if (!option || option->kind == VMSND_CTL_FLAG)
		return 1;
	guess->is_value = skip >= n;
	guess->value = option->word;
	if (guess->is_value)
		return n;
	if (option->word == VMSND_CTL_FILE)
		guess->socket = argv[skip];
	if (option->word == VMSND_CTL_CARD)
		guess->card = argv[skip];
	return skip + 1;
}

/* The last word may be an option with the beginning of its value: "--card=v". */
static void take_joined(struct guess *guess, const char *last)
{
	const char *equals = strchr(last, '=');
	const struct vmsnd_ctl_option *option;

	for (size_t i = 0; equals && (option = vmsnd_ctl_option(i)); i++) {
		size_t bytes = strlen(option->name);

		if (option->kind == VMSND_CTL_FLAG || bytes != (size_t)(equals - last) ||
		    strncmp(last, option->name, bytes) != 0)
			continue;
		guess->is_value = true;
		guess->value = option->word;
		guess->joined = last;
		guess->joined_bytes = (int)bytes + 1;
	}
}

/* The words that may come next in the names of verbs that begin with those that are there. */
static void offer_names(const struct guess *guess)
{
	const struct vmsnd_ctl_verb *verb;
	const char *before = guess->n_words > 0 ? guess->words[0] : NULL;
	char last[32] = "", word[32];

	for (size_t i = 0; (verb = vmsnd_ctl_verb(i)); i++) {
		size_t bytes = strcspn(verb->name, " ");

		snprintf(word, sizeof(word), "%.*s", (int)bytes, verb->name);
		if (before && (strcmp(word, before) != 0 || !verb->name[bytes]))
			continue;
		if (before)
			snprintf(word, sizeof(word), "%s", verb->name + bytes + 1);
		if (strcmp(word, last) != 0)
			offer(guess, word);
		snprintf(last, sizeof(last), "%s", word);
	}
}

static void offer_next(struct guess *guess)
{
	const size_t most =
	    sizeof(((struct vmsnd_ctl_verb *)NULL)->words) / sizeof(enum vmsnd_ctl_word);
	const struct vmsnd_ctl_verb *verb;
	int n = 0, at;

	if (guess->n_words < 2)
		offer_names(guess);
	verb = vmsnd_ctl_verb_find(guess->words, guess->n_words, &n);
	at = guess->n_words - n;
	if (!verb || at >= verb->most)
		return;
	memmove(guess->words, guess->words + n, (size_t)at * sizeof(guess->words[0]));
	guess->n_words = at;
	offer_word(guess, verb->words[(size_t)at < most ? (size_t)at : most - 1]);
}

int vmsnd_ctl_complete(int argc, char **argv)
{
	struct guess guess = {.socket = getenv("VMSND_CONTROL"), .joined = ""};
	const struct vmsnd_ctl_option *option;

	if (argc == 0)
		return VMSND_EXIT_DONE;
	for (int i = 0; i < argc - 1;)
		i += take(&guess, argv + i, argc - 1 - i);
	if (!guess.is_value)
		take_joined(&guess, argv[argc - 1]);
	if (guess.is_value)
		offer_word(&guess, guess.value);
	else if (argv[argc - 1][0] == '-')
		for (size_t i = 0; (option = vmsnd_ctl_option(i)); i++)
			offer(&guess, option->name);
	else
		offer_next(&guess);
	vmsnd_control_client_close(guess.client);
	vmsnd_registry_close(guess.registry);
	return VMSND_EXIT_DONE;
}
