/* SPDX-License-Identifier: BSD-3-Clause */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *what)
{
	fprintf(stderr, "build: %s\n", what);
	abort();
}

void build_set(struct vmsnd_node *root, const char *lines)
{
	char line[300];

	while (*lines) {
		size_t bytes = strcspn(lines, ";");
		struct vmsnd_error error;
		char *equals;

		snprintf(line, sizeof(line), "%.*s", (int)bytes, lines);
		equals = strchr(line, '=');
		if (!equals)
			give_up(line);
		*equals = '\0';
		if (vmsnd_tree_set(root, line, equals + 1, NULL, &error))
			give_up(error.line);
		lines += bytes + (lines[bytes] == ';');
	}
}

struct vmsnd_node *build_tree(const char *lines)
{
	struct vmsnd_node *root = vmsnd_tree_new();

	if (!root)
		give_up("no memory");
	build_set(root, lines);
	return root;
}

unsigned build_chance(uint64_t *seed, unsigned end)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((*seed >> 33) % end);
}

static void random_leaf(struct vmsnd_node *node, const char *name, uint64_t *seed)
{
	static const char *const texts[] = {"",      "a,b",      ",",      ",,",
					    "x=y",   "5",        "on",     "\n",
					    "\x01z", "\xc3\xbc", "a: [b]", "long text"};
	uint64_t bits = *seed;

	switch (build_chance(seed, 6)) {
	case 0:
		vmsnd_leaf_set_uint(node, name, bits);
		break;
	case 1:
		vmsnd_leaf_set_int(node, name, (int64_t)bits);
		break;
	case 2:
		vmsnd_leaf_set_bool(node, name, bits & 1);
		break;
	case 3:
		vmsnd_leaf_set_real(node, name, (double)(int64_t)bits / 1e12);
		break;
	case 4:
		vmsnd_leaf_set_bytes(node, name, &bits, build_chance(seed, 9));
		break;
	default:
		vmsnd_leaf_set_text(node, name, texts[build_chance(seed, 12)]);
		break;
	}
}

static void fill(struct vmsnd_node *node, unsigned depth, uint64_t *seed)
{
	static const char *const names[] = {"a",        "b", "c", "0", "1", "key", "\xe2\x82\xac",
					    "two words"};
	unsigned children = depth < 4 ? build_chance(seed, 4) : 0;

	for (unsigned left = build_chance(seed, 6); left > 0; left--)
		random_leaf(node, names[build_chance(seed, 8)], seed);
	vmsnd_node_set_list(node, build_chance(seed, 2));
	while (children-- > 0)
		fill(vmsnd_node_make(node, names[build_chance(seed, 8)]), depth + 1, seed);
}

struct vmsnd_node *build_random(uint64_t *seed)
{
	struct vmsnd_node *root = build_tree("");

	fill(root, 0, seed);
	return root;
}
