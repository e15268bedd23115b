/* SPDX-License-Identifier: BSD-3-Clause */
/* How a command ended, in a line that says what failed, on what, and what there is instead. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

/* ---- lists ---- */

/* "a, b, c" in what room there is; "..." where it does not do. */
struct list {
	char text[240];
	size_t at;
};

static void add(struct list *list, const char *word)
{
	const size_t dots = sizeof(", ...");
	int n;

	if (list->at + dots > sizeof(list->text))
		return;
	n = snprintf(list->text + list->at, sizeof(list->text) - list->at - dots, "%s%s",
		     list->at ? ", " : "", word);
	if (n > 0 && (size_t)n < sizeof(list->text) - list->at - dots) {
		list->at += (size_t)n;
		return;
	}
	strcpy(list->text + list->at, list->at ? ", ..." : "...");
	list->at = sizeof(list->text);
}

static const char *or_none(const struct list *list)
{
	return list->text[0] ? list->text : "none";
}

static void list_cards(const struct vmsnd_machine *machine, struct list *list)
{
	unsigned end = vmsnd_machine_cards_end(machine);

	for (unsigned i = 0; i < end && list->at < sizeof(list->text); i++) {
		const char *name = vmsnd_machine_card_name(machine, i);

		if (name)
			add(list, name);
	}
}

static void list_outputs(const struct vmsnd_machine *machine, unsigned card, struct list *list)
{
	struct vmsnd_output_status status;
	char word[64];

	for (unsigned i = 0; i < VMSND_OUTPUTS_MAX; i++) {
		if (vmsnd_machine_output(machine, card, i, &status))
			continue;
		snprintf(word, sizeof(word), "%u (%s)", i, status.backend);
		add(list, word);
	}
}

static void list_drivers(const struct vmsnd_machine *machine, unsigned card, unsigned output,
			 struct list *list)
{
	struct vmsnd_output_status status;

	if (vmsnd_machine_output(machine, card, output, &status))
		return;
	for (unsigned i = 0; i < VMSND_DRIVERS_MAX && status.drivers[i][0]; i++)
		add(list, status.drivers[i]);
}

static void list_backends(const struct vmsnd_registry *registry, struct list *list)
{
	for (size_t i = 0; vmsnd_registry_backend(registry, i); i++)
		add(list, vmsnd_registry_backend(registry, i)->name);
}

static void list_driver_classes(const struct vmsnd_registry *registry, struct list *list)
{
	for (size_t i = 0; vmsnd_registry_driver(registry, i); i++)
		add(list, vmsnd_registry_driver(registry, i)->name);
}

/* ---- lines ---- */

void vmsnd_control_fail(struct vmsnd_control_call *call, const char *cls, const char *format, ...)
{
	va_list arguments;

	call->failed = cls;
	va_start(arguments, format);
	vsnprintf(call->line, sizeof(call->line), format, arguments);
	va_end(arguments);
	/* Cut anywhere, and quoting anything: only what is safe to show again stays. */
	for (char *at = call->line; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
			*at = '?';
}

void vmsnd_control_fail_card(struct vmsnd_control_call *call, const json_t *given)
{
	struct list list = {.at = 0};
	const char *text = json_string_value(given);

	list_cards(call->machine, &list);
	if (text)
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "there is no card '%.60s'; there are: %s", text, or_none(&list));
	else
		vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
				   "there is no card %lld; there are: %s",
				   (long long)json_integer_value(given), or_none(&list));
}

/* The number that an argument of this kind has, 0 without one. */
static unsigned number_of(const struct vmsnd_control_call *call, enum vmsnd_control_kind kind)
{
	for (unsigned i = 0; i < VMSND_CONTROL_ARGS_MAX && call->command->args[i].name; i++)
		if (call->command->args[i].kind == kind)
			return call->args[i].number;
	return 0;
}

static void fail_no_card(struct vmsnd_control_call *call)
{
	struct list list = {.at = 0};

	list_cards(call->machine, &list);
	vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE, "there is no such card; there are: %s",
			   or_none(&list));
}

static void fail_no_output(struct vmsnd_control_call *call)
{
	unsigned card = number_of(call, VMSND_CONTROL_CARD);
	const char *name = vmsnd_machine_card_name(call->machine, card);
	struct list list = {.at = 0};

	list_outputs(call->machine, card, &list);
	vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE, "%s has no output %u; it has: %s",
			   name ? name : "the card", number_of(call, VMSND_CONTROL_OUTPUT),
			   or_none(&list));
}

static void fail_no_driver(struct vmsnd_control_call *call)
{
	unsigned card = number_of(call, VMSND_CONTROL_CARD);
	unsigned output = number_of(call, VMSND_CONTROL_OUTPUT);
	const char *name = vmsnd_machine_card_name(call->machine, card);
	struct list list = {.at = 0};

	list_drivers(call->machine, card, output, &list);
	vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
			   "output %u of %s has no such driver; it has: %s", output,
			   name ? name : "the card", or_none(&list));
}

static void fail_no_class(struct vmsnd_control_call *call)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(call->machine);
	struct list backends = {.at = 0}, drivers = {.at = 0};

	list_backends(registry, &backends);
	list_driver_classes(registry, &drivers);
	vmsnd_control_fail(call, VMSND_CONTROL_NO_DEVICE,
			   "there is no such class; backends are: %s; drivers are: %s",
			   or_none(&backends), or_none(&drivers));
}

static const struct {
	enum vmsnd_rc rc;
	void (*fail)(struct vmsnd_control_call *call);
} lacking[] = {{VMSND_E_NO_CARD, fail_no_card},
	       {VMSND_E_NO_OUTPUT, fail_no_output},
	       {VMSND_E_NO_DRIVER, fail_no_driver},
	       {VMSND_E_NO_CLASS, fail_no_class}};

bool vmsnd_control_went(struct vmsnd_control_call *call, enum vmsnd_rc rc, const char *line)
{
	const char *heard = call->heard ? call->heard->line : "";
	const char *cls = VMSND_CONTROL_GENERIC;

	if (rc == VMSND_OK)
		return true;
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		if (rc != lacking[i].rc)
			continue;
		cls = VMSND_CONTROL_NO_DEVICE;
		if (!heard[0]) {
			lacking[i].fail(call);
			return false;
		}
	}
	if (!heard[0] && rc == VMSND_E_INVALID && line)
		heard = line;
	if (heard[0])
		vmsnd_control_fail(call, cls, "%s", heard);
	else if (rc == VMSND_E_AGAIN)
		vmsnd_control_fail(call, cls, "%s: a reattach of this output is under way",
				   call->command->name);
	else
		vmsnd_control_fail(call, cls, "%s: %s", call->command->name, vmsnd_rc_text(rc));
	return false;
}
