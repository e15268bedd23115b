/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of settings, option text and rules make a tree; it is copied, checked, written as text and
 * rewritten by its own rules. Lines: "P=V" sets, "-P" removes, "P:T" is option text at node P. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmsnd/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_tree: %s\n", what);
	abort();
}

static void check_line(const struct vmsnd_error *error)
{
	must(strlen(error->line) < sizeof(error->line), "a line without end");
	for (const char *c = error->line; *c; c++)
		must((unsigned char)*c >= 0x20, "a line is not one line");
}

static void take_text(struct vmsnd_node *root, const char *path, const char *text)
{
	struct vmsnd_node *node = vmsnd_node_find(root, path), *again = vmsnd_tree_new();
	struct vmsnd_error error = {.line = ""};
	char out[512], once_more[512];

	must(again != NULL, "no memory");
	if (node && !vmsnd_tree_from_text(again, "driver", text, NULL, &error)) {
		must(!vmsnd_tree_from_text(node, "driver", text, NULL, &error), "read once only");
		if (vmsnd_tree_to_text(again, "driver", out, sizeof(out))) {
			vmsnd_tree_free(again);
			again = vmsnd_tree_new();
			must(!vmsnd_tree_from_text(again, "driver", out, NULL, &error),
			     "what was written cannot be read");
			must(vmsnd_tree_to_text(again, "driver", once_more, sizeof(once_more)) &&
				 strcmp(out, once_more) == 0,
			     "text is another text");
		}
	}
	check_line(&error);
	vmsnd_tree_free(again);
}

static void take_line(struct vmsnd_node *root, char *line)
{
	struct vmsnd_error error = {.line = ""};
	char *sign = line + strcspn(line, "=:");
	char kind = *sign;

	*sign = '\0';
	if (kind == ':')
		take_text(root, line, sign + 1);
	else if (kind == '=')
		vmsnd_tree_set(root, line, sign + 1, &(struct vmsnd_place){"f", 1, 1}, &error);
	else if (*line == '-')
		vmsnd_tree_set(root, line + 1, NULL, NULL, &error);
	check_line(&error);
}

/* No tree comes out of this that breaks a rule of the header, and a second run changes nothing. */
static void run_rules(const struct vmsnd_node *root, struct vmsnd_node *output)
{
	const struct vmsnd_rules_at at = {.device = "virtio-snd", .lun = 0};
	struct vmsnd_node *before = vmsnd_tree_copy(output), *once;
	struct vmsnd_error error = {.line = ""};
	enum vmsnd_rc rc = vmsnd_rules_apply(root, output, &at, &error);

	must(before != NULL, "no memory");
	if (rc) {
		check_line(&error);
		must(error.line[0] != '\0', "a failure says nothing");
		must(vmsnd_tree_equal(output, before), "a failure has changed the output");
	} else {
		once = vmsnd_tree_copy(output);
		must(once != NULL, "no memory");
		must(!vmsnd_rules_apply(root, output, &at, &error), "a second run fails");
		must(vmsnd_tree_equal(output, once), "a second run changes something");
		vmsnd_tree_free(once);
	}
	vmsnd_tree_free(before);
}

static void check_tree(struct vmsnd_node *root)
{
	static const char *const some[] = {"a", "#", NULL};
	const struct vmsnd_allow allow = {some, some};
	struct vmsnd_node *copy = vmsnd_tree_copy(root);
	struct vmsnd_error error = {.line = ""};

	must(copy && vmsnd_tree_equal(root, copy), "a copy is another tree");
	must(!vmsnd_tree_merge(copy, root, true) && vmsnd_tree_equal(root, copy),
	     "a merge with itself changes something");
	vmsnd_node_check(root, "root", &allow, &error);
	check_line(&error);
	vmsnd_tree_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmsnd_node *root = vmsnd_tree_new(), *output;
	char *text = malloc(size + 1);

	must(root && text, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		take_line(root, line);
	}
	check_tree(root);
	output = vmsnd_node_find(root, "o");
	if (output)
		run_rules(root, output);
	vmsnd_tree_free(root);
	free(text);
	return 0;
}
