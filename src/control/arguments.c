/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command was given, against its row in the table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

#define STREAMS_MAX    64u
#define PATH_BYTES_MAX 4096u

/* ---- kinds ---- */

/* `words` ends with NULL. */
static bool take_word(const json_t *given, const char *const *words,
		      struct vmsnd_control_value *out)
{
	const char *text = json_string_value(given);

	for (unsigned i = 0; text && words[i]; i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		out->number = i;
		return true;
	}
	return false;
}

static bool take_direction(const json_t *given, struct vmsnd_control_value *out)
{
	static const char *const words[] = {
	    [VMSND_PLAYBACK] = "playback", [VMSND_CAPTURE] = "capture", NULL};

	return take_word(given, words, out);
}

static bool take_point(const json_t *given, struct vmsnd_control_value *out)
{
	static const char *const words[] = {
	    [VMSND_TAP_DEVICE] = "device", [VMSND_TAP_HOST] = "host", NULL};

	return take_word(given, words, out);
}

static bool take_jack_state(const json_t *given, struct vmsnd_control_value *out)
{
	static const char *const words[] = {[VMSND_JACK_FOLLOW] = "follow",
					    [VMSND_JACK_PLUGGED] = "plugged",
					    [VMSND_JACK_UNPLUGGED] = "unplugged",
					    NULL};

	return take_word(given, words, out);
}

static bool take_number(const json_t *given, unsigned limit, struct vmsnd_control_value *out)
{
	json_int_t value = json_integer_value(given);

	if (!json_is_integer(given) || value < 0 || value >= (json_int_t)limit)
		return false;
	out->number = (unsigned)value;
	return true;
}

static bool take_output(const json_t *given, struct vmsnd_control_value *out)
{
	return take_number(given, VMSND_OUTPUTS_MAX, out);
}

static bool take_stream(const json_t *given, struct vmsnd_control_value *out)
{
	return take_number(given, STREAMS_MAX, out);
}

static bool take_at(const json_t *given, struct vmsnd_control_value *out)
{
	return take_number(given, VMSND_DRIVERS_MAX + 1, out);
}

static bool take_occurrence(const json_t *given, struct vmsnd_control_value *out)
{
	return take_number(given, VMSND_DRIVERS_MAX, out);
}

static bool take_bool(const json_t *given, struct vmsnd_control_value *out)
{
	out->on = json_is_true(given);
	return json_is_boolean(given);
}

static bool take_text(const json_t *given, struct vmsnd_control_value *out)
{
	out->text = json_string_value(given);
	return out->text && out->text[0];
}

static bool take_text_or_null(const json_t *given, struct vmsnd_control_value *out)
{
	return json_is_null(given) || take_text(given, out);
}

/* Absolute, since nobody remembers which folder the program was started in. */
static bool take_path(const json_t *given, struct vmsnd_control_value *out)
{
	return take_text(given, out) && out->text[0] == '/' && strlen(out->text) < PATH_BYTES_MAX;
}

static bool take_texts(const json_t *given, struct vmsnd_control_value *out)
{
	size_t n = json_array_size(given);

	if (!json_is_array(given) || n > VMSND_DRIVERS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		out->texts[i] = json_string_value(json_array_get(given, i));
		if (!out->texts[i] || !out->texts[i][0])
			return false;
	}
	out->n = (unsigned)n;
	return true;
}

static bool take_object(const json_t *given, struct vmsnd_control_value *out)
{
	out->object = given;
	return json_is_object(given);
}

static bool take_mdb(const json_t *given, int32_t *mdb)
{
	double db = json_number_value(given);

	if (!json_is_number(given) || db * 1000 < VMSND_GAIN_MIN_MDB ||
	    db * 1000 > VMSND_GAIN_MAX_MDB)
		return false;
	*mdb = (int32_t)lround(db * 1000);
	return true;
}

static bool take_gain(const json_t *given, struct vmsnd_control_value *out)
{
	return take_mdb(given, &out->mdb);
}

static bool take_gains(const json_t *given, struct vmsnd_control_value *out)
{
	size_t n = json_array_size(given);

	if (n == 0 || n > VMSND_CHANNELS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!take_mdb(json_array_get(given, i), &out->mdbs[i]))
			return false;
	out->n = (unsigned)n;
	return true;
}

static bool take_bools(const json_t *given, struct vmsnd_control_value *out)
{
	size_t n = json_array_size(given);

	if (n == 0 || n > VMSND_CHANNELS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(given, i);

		if (!json_is_boolean(one))
			return false;
		if (json_is_true(one))
			out->bits |= UINT32_C(1) << i;
	}
	out->n = (unsigned)n;
	return true;
}

static bool take_words(const json_t *given, struct vmsnd_control_value *out)
{
	for (size_t i = 0; i < json_array_size(given); i++)
		if (!json_is_string(json_array_get(given, i)))
			return false;
	out->n = (unsigned)json_array_size(given);
	return json_is_array(given);
}

static bool take_sources(const json_t *given, struct vmsnd_control_value *out)
{
	struct vmsnd_control_value one;

	out->bits = json_is_null(given) ? UINT32_MAX : 0;
	for (size_t i = 0; i < json_array_size(given); i++) {
		if (!take_output(json_array_get(given, i), &one))
			return false;
		out->bits |= UINT32_C(1) << one.number;
	}
	return json_is_null(given) || json_is_array(given);
}

static const struct {
	const char *words;
	bool (*take)(const json_t *given, struct vmsnd_control_value *out);
} kinds[VMSND_CONTROL_KIND_COUNT] = {
    [VMSND_CONTROL_CARD] = {"a card's name or number", NULL},
    [VMSND_CONTROL_DIRECTION] = {"\"playback\" or \"capture\"", take_direction},
    [VMSND_CONTROL_OUTPUT] = {"a whole number from 0 to 7", take_output},
    [VMSND_CONTROL_STREAM] = {"a whole number from 0 to 63", take_stream},
    [VMSND_CONTROL_POINT] = {"\"device\" or \"host\"", take_point},
    [VMSND_CONTROL_BOOL] = {"true or false", take_bool},
    [VMSND_CONTROL_TEXT] = {"a string that is not empty", take_text},
    [VMSND_CONTROL_TEXT_OR_NULL] = {"a string that is not empty, or null", take_text_or_null},
    [VMSND_CONTROL_PATH] = {"an absolute path", take_path},
    [VMSND_CONTROL_TEXTS] = {"an array of up to 8 strings that are not empty", take_texts},
    [VMSND_CONTROL_OBJECT] = {"an object", take_object},
    [VMSND_CONTROL_AT] = {"a whole number from 0 to 8", take_at},
    [VMSND_CONTROL_OCCURRENCE] = {"a whole number from 0 to 7", take_occurrence},
    [VMSND_CONTROL_GAIN] = {"a number from -144 to 24", take_gain},
    [VMSND_CONTROL_GAINS] = {"an array of 1 to 18 numbers from -144 to 24", take_gains},
    [VMSND_CONTROL_BOOLS] = {"an array of 1 to 18 times true or false", take_bools},
    [VMSND_CONTROL_WORDS] = {"an array of strings", take_words},
    [VMSND_CONTROL_JACK_STATE] = {"\"plugged\", \"unplugged\" or \"follow\"", take_jack_state},
    [VMSND_CONTROL_SOURCES] = {"an array of whole numbers from 0 to 7, or null", take_sources},
};
_Static_assert(VMSND_OUTPUTS_MAX == 8 && VMSND_DRIVERS_MAX == 8 && VMSND_CHANNELS_MAX == 18 &&
		   VMSND_GAIN_MIN_MDB == -144000 && VMSND_GAIN_MAX_MDB == 24000,
	       "the words above name these limits");

const char *vmsnd_control_kind_words(enum vmsnd_control_kind kind)
{
	return kinds[kind].words;
}

/* ---- cards ---- */

/* The only card, or how many there are. */
static unsigned find_only(const struct vmsnd_machine *machine, unsigned *card)
{
	unsigned n = vmsnd_machine_status(machine).cards, end = vmsnd_machine_cards_end(machine);

	for (unsigned i = 0; n == 1 && i < end; i++)
		if (vmsnd_machine_card_name(machine, i))
			*card = i;
	return n;
}

/* A string that is no card's name may still be its number: people type both alike. */
static bool card_numbered(struct vmsnd_control_call *call, const json_t *given, unsigned *card)
{
	const char *text = json_string_value(given);
	json_int_t value = json_is_integer(given) ? json_integer_value(given) : -1;

	if (text && text[0] && strlen(text) <= 6 && strspn(text, "0123456789") == strlen(text))
		value = (json_int_t)strtol(text, NULL, 10);
	if (value < 0 || value >= (json_int_t)vmsnd_machine_cards_end(call->machine))
		return false;
	*card = (unsigned)value;
	return vmsnd_machine_card_name(call->machine, *card) != NULL;
}

static bool take_only(struct vmsnd_control_call *call, bool optional,
		      struct vmsnd_control_value *out)
{
	unsigned n = optional ? find_only(call->machine, &out->number) : 0;

	if (n == 1)
		return true;
	if (optional)
		vmsnd_control_fail(
		    call, VMSND_CONTROL_GENERIC,
		    "%s: there are %u cards: 'card' has to say which (vmsnd ctl: --card)",
		    call->command->name, n);
	else
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s needs 'card', %s",
				   call->command->name, kinds[VMSND_CONTROL_CARD].words);
	return false;
}

static bool take_card(struct vmsnd_control_call *call, const json_t *given, bool optional,
		      struct vmsnd_control_value *out)
{
	const char *text = json_string_value(given);

	if (!given)
		return take_only(call, optional, out);
	if (!text && !json_is_integer(given)) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s: 'card' has to be %s",
				   call->command->name, kinds[VMSND_CONTROL_CARD].words);
		return false;
	}
	if ((text && !vmsnd_machine_card_find(call->machine, text, &out->number)) ||
	    card_numbered(call, given, &out->number))
		return true;
	vmsnd_control_fail_card(call, given);
	return false;
}

/* ---- a whole set of arguments ---- */

static const struct vmsnd_control_arg *arg_at(const struct vmsnd_control_command *command,
					      unsigned index)
{
	if (index >= VMSND_CONTROL_ARGS_MAX || !command->args[index].name)
		return NULL;
	return &command->args[index];
}

static bool is_known(const struct vmsnd_control_command *command, const char *key)
{
	for (unsigned i = 0; arg_at(command, i); i++)
		if (strcmp(command->args[i].name, key) == 0)
			return true;
	return false;
}

static void fail_unknown(struct vmsnd_control_call *call, const char *key)
{
	char allowed[200] = "";
	size_t at = 0;

	for (unsigned i = 0; arg_at(call->command, i) && at < sizeof(allowed); i++)
		at += (size_t)snprintf(allowed + at, sizeof(allowed) - at, " %s",
				       call->command->args[i].name);
	vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s has no argument '%.60s'; allowed:%s",
			   call->command->name, key, allowed[0] ? allowed : " none");
}

static bool take(struct vmsnd_control_call *call, unsigned index, const json_t *given)
{
	const struct vmsnd_control_arg *arg = &call->command->args[index];
	struct vmsnd_control_value *out = &call->args[index];

	out->given = given != NULL;
	if (arg->kind == VMSND_CONTROL_CARD) {
		bool taken = take_card(call, given, arg->optional, out);

		call->touched = out->number;
		return taken;
	}
	if (!given && arg->optional)
		return true;
	if (given && kinds[arg->kind].take(given, out))
		return true;
	vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s%s '%s'%s %s", call->command->name,
			   given ? ":" : " needs", arg->name, given ? " has to be" : ",",
			   kinds[arg->kind].words);
	return false;
}

bool vmsnd_control_arguments(struct vmsnd_control_call *call, const json_t *given)
{
	/* jansson's iterators want to be able to change what they go through. */
	json_t *all = (json_t *)(uintptr_t)given;

	for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at)) {
		if (is_known(call->command, json_object_iter_key(at)))
			continue;
		fail_unknown(call, json_object_iter_key(at));
		return false;
	}
	for (unsigned i = 0; arg_at(call->command, i); i++)
		if (!take(call, i, json_object_get(given, call->command->args[i].name)))
			return false;
	return true;
}
