/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd devices, vmsnd backends: what this build has, with options and defaults. */
#include <stdio.h>

#include "cli/cli.h"
#include "manager/card.h"
#include "manager/output.h"
#include "vmsnd/module.h"

static const char *type_word(const struct vmsnd_option *option)
{
	static const char *const words[] = {
	    [VMSND_OPTION_TEXT] = "TEXT",   [VMSND_OPTION_UINT] = "N",
	    [VMSND_OPTION_BOOL] = "on|off", [VMSND_OPTION_INT] = "N",
	    [VMSND_OPTION_REAL] = "X",      [VMSND_OPTION_BYTES] = "BASE64"};

	return words[option->type];
}

static void print_options(const struct vmsnd_option *options)
{
	char left[64];

	for (; options && options->key; options++) {
		snprintf(left, sizeof(left), "%s=%s", options->key, type_word(options));
		printf("    %-18s %s", left, options->help);
		if (options->value)
			printf(" (default: %s)", options->value);
		putchar('\n');
	}
}

static int list_devices(const struct vmsnd_command *self, int argc, char **argv)
{
	const struct vmsnd_transport_class *bus = vmsnd_registry_find_transport(NULL, "vhost-user");

	if (argc > 1)
		return vmsnd_cli_usage(self, "it takes no arguments");
	for (size_t i = 0; vmsnd_registry_device(NULL, i); i++) {
		const struct vmsnd_dev_class *device = vmsnd_registry_device(NULL, i);

		printf("%s\n    %s\n", device->name, device->summary);
		print_options(bus->options);
		print_options(device->options);
		print_options(vmsnd_card_options());
	}
	return VMSND_EXIT_DONE;
}

static int list_backends(const struct vmsnd_command *self, int argc, char **argv)
{
	if (argc > 1)
		return vmsnd_cli_usage(self, "it takes no arguments");
	for (size_t i = 0; vmsnd_registry_backend(NULL, i); i++) {
		const struct vmsnd_backend_class *backend = vmsnd_registry_backend(NULL, i);

		printf("%s\n    %s\n", backend->name, backend->summary);
		print_options(backend->options);
	}
	puts("every backend:");
	print_options(vmsnd_output_options());
	return VMSND_EXIT_DONE;
}

const struct vmsnd_command vmsnd_command_devices = {
    .name = "devices",
    .summary = "lists the sound cards a guest can be given, with their options",
    .help = "Usage: vmsnd devices\n\n"
	    "Lists the sound cards a guest can be given, with options and defaults.\n"
	    "They go behind --device of 'vmsnd serve'.\n",
    .run = list_devices,
};

const struct vmsnd_command vmsnd_command_backends = {
    .name = "backends",
    .summary = "lists where sound can go to and come from, with options",
    .help = "Usage: vmsnd backends\n\n"
	    "Lists where sound can go to and come from, with options and defaults.\n"
	    "They go behind --backend of 'vmsnd serve'.\n",
    .run = list_backends,
};
