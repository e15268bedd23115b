/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree becomes YAML that people can read, and that becomes the same tree again (CF-08). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/word.h"

#define INDENT 2u

struct dump {
	char *text;
	size_t bytes, room;
	bool failed; /* no memory */
	bool dash;   /* "- " has been written: the next line goes on behind it */
};

static void put_bytes(struct dump *to, const char *text, size_t bytes)
{
	if (to->bytes + bytes + 1 > to->room) {
		size_t room = 2 * (to->room + bytes) + 256;
		char *more = to->failed ? NULL : realloc(to->text, room);

		to->failed = !more;
		if (!more)
			return;
		to->text = more;
		to->room = room;
	}
	memcpy(to->text + to->bytes, text, bytes);
	to->bytes += bytes;
	to->text[to->bytes] = '\0';
}

static void put(struct dump *to, const char *text)
{
	put_bytes(to, text, strlen(text));
}

static void begin_line(struct dump *to, unsigned indent)
{
	for (unsigned i = 0; !to->dash && i < indent; i++)
		put(to, " ");
	to->dash = false;
}

/* ---- characters ---- */

/* Reads one character of UTF-8; 0 at the end. What is none counts as the byte. */
static uint32_t take_character(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	unsigned more = at[0] < 0xC0u ? 0 : at[0] < 0xE0u ? 1 : at[0] < 0xF0u ? 2 : 3;
	uint32_t c = more ? at[0] & (0x3Fu >> more) : at[0];

	for (unsigned i = 1; i <= more; i++) {
		if ((at[i] & 0xC0u) != 0x80u) {
			*text += 1;
			return at[0];
		}
		c = c << 6 | (at[i] & 0x3Fu);
	}
	*text += c ? more + 1 : 0;
	return c;
}

/* Can stand in a file as it is, in a line. */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c != 0x2028 && c != 0x2029 && c != 0xFEFF &&
					   c != 0xFFFE && c != 0xFFFF);
}

static bool all_printable(const char *text)
{
	uint32_t c;

	while ((c = take_character(&text)) != 0)
		if (!is_printable(c))
			return false;
	return true;
}

/* Needs no quotes to be one word, in whatever place. Rather a few quotes too many. */
static bool is_plain(const char *text)
{
	static const char begins[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+$(";
	size_t bytes = strlen(text);
	bool minus = text[0] == '-';

	if (bytes == 0 || !all_printable(text) || text[bytes - 1] == ' ' || text[bytes - 1] == ':')
		return false;
	if (((unsigned char)text[0] < 0x80 && !strchr(begins, text[minus])) || !text[minus])
		return false;
	return !strstr(text, ": ") && !strstr(text, " #") && strncmp(text, "...", 3) != 0;
}

/* ---- scalars ---- */

static void put_escaped(struct dump *to, const char *text)
{
	char escape[16];
	uint32_t c;

	put(to, "\"");
	for (const char *from = text; (c = take_character(&text)) != 0; from = text) {
		if (c == '\n')
			put(to, "\\n");
		else if (c == '\t')
			put(to, "\\t");
		else if (c == '"' || c == '\\')
			put_bytes(to, c == '"' ? "\\\"" : "\\\\", 2);
		else if (is_printable(c))
			put_bytes(to, from, (size_t)(text - from));
		else if (snprintf(escape, sizeof(escape), "\\u%04" PRIX32, c) > 0)
			put(to, escape);
	}
	put(to, "\"");
}

static void put_quoted(struct dump *to, const char *text)
{
	if (!all_printable(text) || strchr(text, '\'')) {
		put_escaped(to, text);
		return;
	}
	put(to, "'");
	put(to, text);
	put(to, "'");
}

static void put_key(struct dump *to, const char *name)
{
	if (is_plain(name))
		put(to, name);
	else
		put_quoted(to, name);
}

static bool reads_as(const char *text, const struct vmsnd_value *value)
{
	struct vmsnd_value read;

	vmsnd_value_of_word(text, &read);
	if (!is_plain(text) || read.type != value->type)
		return false;
	if (value->type == VMSND_VALUE_UINT)
		return read.uint == value->uint;
	if (value->type == VMSND_VALUE_INT)
		return read.sint == value->sint;
	if (value->type == VMSND_VALUE_BOOL)
		return read.on == value->on;
	if (value->type == VMSND_VALUE_REAL)
		return memcmp(&read.real, &value->real, sizeof(read.real)) == 0;
	return true;
}

static void put_value(struct dump *to, const struct vmsnd_value *value)
{
	const char *text = value->text ? value->text : "";
	char number[VMSND_WORD_BYTES];

	if (value->type == VMSND_VALUE_BYTES) {
		put(to, "!!binary '");
		put(to, text);
		put(to, "'");
	} else if (reads_as(text, value)) {
		put(to, text);
	} else if (value->type == VMSND_VALUE_TEXT) {
		put_quoted(to, text);
	} else {
		put(to, vmsnd_word_of(value, number));
	}
}

/* ---- nodes ---- */

/* A list whose items are numbered from 0 on, in this order, can be written as one. */
static bool is_plain_list(const struct vmsnd_node *node)
{
	const struct vmsnd_node *child = vmsnd_node_first(node);
	size_t leaf = 0;
	char number[24];

	for (size_t i = 0; vmsnd_node_is_list(node); i++) {
		const char *name = vmsnd_leaf_at(node, leaf, NULL, NULL);

		snprintf(number, sizeof(number), "%zu", i);
		if (name && strcmp(name, number) == 0)
			leaf++;
		else if (child && strcmp(vmsnd_node_name(child), number) == 0)
			child = vmsnd_node_next(child);
		else
			return !name && !child;
	}
	return false;
}

static bool is_empty(const struct vmsnd_node *node)
{
	return !vmsnd_node_first(node) && !vmsnd_leaf_at(node, 0, NULL, NULL);
}

static void put_map(struct dump *to, const struct vmsnd_node *node, unsigned indent);

static void put_list(struct dump *to, const struct vmsnd_node *node, unsigned indent)
{
	const struct vmsnd_node *child = vmsnd_node_first(node);
	struct vmsnd_value value;
	const char *name;
	size_t leaf = 0;
	char number[24];

	for (size_t i = 0; (name = vmsnd_leaf_at(node, leaf, &value, NULL)) != NULL || child; i++) {
		begin_line(to, indent);
		put(to, "- ");
		snprintf(number, sizeof(number), "%zu", i);
		if (name && strcmp(name, number) == 0) {
			put_value(to, &value);
			put(to, "\n");
			leaf++;
			continue;
		}
		if (is_empty(child)) {
			put(to, vmsnd_node_is_list(child) ? "[]\n" : "{}\n");
		} else {
			to->dash = true;
			(is_plain_list(child) ? put_list : put_map)(to, child, indent + INDENT);
		}
		child = vmsnd_node_next(child);
	}
}

static void put_leaves(struct dump *to, const struct vmsnd_node *node, unsigned indent)
{
	struct vmsnd_value value;
	const char *name;

	for (size_t i = 0; (name = vmsnd_leaf_at(node, i, &value, NULL)) != NULL; i++) {
		begin_line(to, indent);
		/* YAML has one name space; the node is the one to keep. */
		if (vmsnd_node_find(node, name))
			put(to, "# ");
		put_key(to, name);
		put(to, ": ");
		put_value(to, &value);
		put(to, "\n");
	}
}

static void put_map(struct dump *to, const struct vmsnd_node *node, unsigned indent)
{
	const struct vmsnd_node *child = vmsnd_node_first(node);

	put_leaves(to, node, indent);
	for (; child; child = vmsnd_node_next(child)) {
		begin_line(to, indent);
		put_key(to, vmsnd_node_name(child));
		if (is_empty(child)) {
			put(to, vmsnd_node_is_list(child) ? ": []\n" : ": {}\n");
			continue;
		}
		put(to, ":\n");
		(is_plain_list(child) ? put_list : put_map)(to, child, indent + INDENT);
	}
}

char *vmsnd_yaml_dump(const struct vmsnd_node *node)
{
	struct dump to = {0};

	if (is_empty(node))
		put(&to, "{}\n");
	else
		put_map(&to, node, 0);
	if (to.failed) {
		free(to.text);
		return NULL;
	}
	return to.text;
}
