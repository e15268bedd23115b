/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as a configuration file: one line, or a tree whose dump is the same tree again, and that is
 * right or wrong in one line. Nothing is made of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmsnd/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth, const char *what, const char *text)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_yaml: %s\n%s\n", what, text);
	abort();
}

static void check_line(const char *line)
{
	must(strncmp(line, "f:", 2) == 0 || strncmp(line, "d:", 2) == 0, "a line has no place",
	     line);
	for (; *line; line++)
		must((unsigned char)*line >= 0x20, "a line is not one line", line);
}

static void check_dump(const struct vmsnd_node *root)
{
	char *text = vmsnd_yaml_dump(root);
	struct vmsnd_node *again = NULL;
	struct vmsnd_error error;

	if (!text)
		return;
	/* Quotes and indentation may make it larger than a file may be. */
	if (strlen(text) <= 1024 * 1024) {
		must(!vmsnd_yaml_parse("d", text, strlen(text), &again, &error),
		     "a dump cannot be read", error.line);
		must(vmsnd_tree_equal(root, again), "a dump is another tree", text);
	}
	vmsnd_tree_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vmsnd_registry *registry;
	struct vmsnd_node *root;
	struct vmsnd_error error = {.line = ""};

	if (!registry)
		must(!vmsnd_registry_open(NULL, &registry), "no registry", "");

	if (vmsnd_yaml_parse("f", (const char *)data, size, &root, &error)) {
		check_line(error.line);
		return 0;
	}
	check_dump(root);
	if (vmsnd_machine_check(registry, root, &error))
		check_line(error.line);
	else
		must(error.line[0] == '\0', "a right one has a line", error.line);
	vmsnd_tree_free(root);
	return 0;
}
