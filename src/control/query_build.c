/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that ask what there is to choose from: commands, classes, modules, host devices. */
#include <stdlib.h>

#include "control/parts.h"
#include "vmsnd/device.h"
#include "vmsnd/module.h"

#define HOST_DEVICES_MAX 256u

static json_t *number(uint64_t value)
{
	return vmsnd_control_count(value);
}

/* ---- what commands there are ---- */

void vmsnd_control_query_commands(struct vmsnd_control_call *call)
{
	call->result = json_array();
	for (size_t i = 0; vmsnd_control_command(i); i++)
		json_array_append_new(call->result,
				      json_pack("{s:s}", "name", vmsnd_control_command(i)->name));
}

static json_t *schema_of(const struct vmsnd_control_command *command)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < VMSND_CONTROL_ARGS_MAX && command->args[i].name; i++) {
		const struct vmsnd_control_arg *arg = &command->args[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:b,s:s}", "name", arg->name, "value",
						vmsnd_control_kind_words(arg->kind), "optional",
						arg->optional, "help", arg->help));
	}
	return json_pack("{s:s,s:s,s:s,s:o}", "name", command->name, "help", command->help,
			 "returns", command->returns ? command->returns : "{}", "arguments", list);
}

void vmsnd_control_query_schema(struct vmsnd_control_call *call)
{
	json_t *commands = json_array(), *events = json_array();
	const char *help, *name;

	for (size_t i = 0; vmsnd_control_command(i); i++)
		json_array_append_new(commands, schema_of(vmsnd_control_command(i)));
	for (size_t i = 0; (name = vmsnd_control_event(i, &help)); i++)
		json_array_append_new(events, json_pack("{s:s,s:s}", "name", name, "help", help));
	call->result = json_pack("{s:o,s:o}", "commands", commands, "events", events);
}

/* ---- classes ---- */

/* A limit as the table writes it (vmsnd/config.h). */
static json_t *limit_of(const struct vmsnd_option *option, uint64_t limit)
{
	if (option->type == VMSND_OPTION_INT)
		return json_integer((json_int_t)limit);
	if (option->type == VMSND_OPTION_REAL)
		return json_real((double)(int64_t)limit / 1000);
	return number(limit);
}

static bool has_limits(const struct vmsnd_option *option)
{
	if (option->type == VMSND_OPTION_TEXT || option->type == VMSND_OPTION_BOOL)
		return false;
	return option->type == VMSND_OPTION_UINT || option->minimum || option->maximum;
}

static json_t *option_of(const struct vmsnd_option *option)
{
	static const char *const types[] = {
	    [VMSND_OPTION_TEXT] = "text",   [VMSND_OPTION_UINT] = "number",
	    [VMSND_OPTION_BOOL] = "switch", [VMSND_OPTION_INT] = "integer",
	    [VMSND_OPTION_REAL] = "real",   [VMSND_OPTION_BYTES] = "bytes"};
	json_t *row = json_pack("{s:s,s:s,s:o,s:o}", "name", option->key, "type",
				types[option->type], "default", vmsnd_control_text(option->value),
				"help", vmsnd_control_text(option->help));

	if (has_limits(option)) {
		json_object_set_new(row, "minimum", limit_of(option, option->minimum));
		json_object_set_new(row, "maximum", limit_of(option, option->maximum));
	}
	return row;
}

static json_t *class_of(const char *name, const char *summary, const struct vmsnd_option *options)
{
	json_t *list = json_array();

	for (; options && options->key; options++)
		json_array_append_new(list, option_of(options));
	return json_pack("{s:s,s:o,s:o}", "name", name, "summary", vmsnd_control_text(summary),
			 "options", list);
}

void vmsnd_control_query_devices(struct vmsnd_control_call *call)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(call->machine);
	const struct vmsnd_dev_class *cls;

	call->result = json_array();
	for (size_t i = 0; (cls = vmsnd_registry_device(registry, i)); i++)
		json_array_append_new(call->result,
				      class_of(cls->name, cls->summary, cls->options));
}

void vmsnd_control_query_backends(struct vmsnd_control_call *call)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(call->machine);
	const struct vmsnd_backend_class *cls;

	call->result = json_array();
	for (size_t i = 0; (cls = vmsnd_registry_backend(registry, i)); i++)
		json_array_append_new(call->result,
				      class_of(cls->name, cls->summary, cls->options));
}

void vmsnd_control_query_drivers(struct vmsnd_control_call *call)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(call->machine);
	const struct vmsnd_driver_class *cls;

	call->result = json_array();
	for (size_t i = 0; (cls = vmsnd_registry_driver(registry, i)); i++)
		json_array_append_new(call->result,
				      class_of(cls->name, cls->summary, cls->options));
}

void vmsnd_control_query_modules(struct vmsnd_control_call *call)
{
	const struct vmsnd_registry *registry = vmsnd_machine_registry(call->machine);
	const char *path;

	call->result = json_array();
	for (size_t i = 0; (path = vmsnd_registry_module(registry, i)); i++)
		json_array_append_new(call->result,
				      json_pack("{s:o}", "path", vmsnd_control_text(path)));
}
