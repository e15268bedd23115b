/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML becomes a tree: libyaml's events, one after the other, and a place for everything. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/base64.h"
#include "config/yaml.h"
#include "config/yaml_parts.h"

#define TAG_BINARY "tag:yaml.org,2002:binary"

/* A mapping or a list that has begun and not ended. */
struct level {
	struct vmsnd_node *node;
	bool list, has_key;
	unsigned n_items;
	char key[VMSND_NODE_NAME_BYTES]; /* of the value that comes next */
	struct vmsnd_place key_place;
};

struct reader {
	struct vmsnd_yaml_text from;
	struct vmsnd_node *root;
	unsigned depth; /* levels in use */
	struct level levels[VMSND_TREE_DEPTH_MAX];
	bool in_document, seen_document;
};

/* ---- names ---- */

/* NULL: it can be one. The tree says no, too, but not why. */
static const char *why_no_name(const char *text, size_t bytes)
{
	if (bytes == 0)
		return "a key cannot be empty";
	if (bytes >= VMSND_NODE_NAME_BYTES)
		return "a key has at most 63 bytes";
	if (memchr(text, '.', bytes))
		return "a key cannot have a dot in it: dots join the parts of a path";
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)text[i] < 0x20u || text[i] == 0x7F)
			return "a key cannot have a control character in it";
	return NULL;
}

static bool is_there(const struct vmsnd_node *node, const char *name, struct vmsnd_place *place)
{
	const struct vmsnd_node *child = vmsnd_node_find(node, name);
	struct vmsnd_value value;

	if (child)
		*place = vmsnd_node_place(child);
	return child || vmsnd_leaf_get(node, name, &value, place) == VMSND_OK;
}

static enum vmsnd_rc take_key(struct reader *reader, struct level *level, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark), first;
	const char *wrong = why_no_name(text, event->data.scalar.length);

	if (wrong)
		return vmsnd_error_set(reader->from.error, &place, "%s", wrong);
	if (event->data.scalar.tag)
		return vmsnd_error_set(reader->from.error, &place,
				       "a key takes no tag: take '%s' out",
				       (const char *)event->data.scalar.tag);
	if (is_there(level->node, text, &first))
		return vmsnd_error_set(reader->from.error, &place,
				       "'%s' is there already, in line %u: leave one of them out",
				       text, first.line);
	memcpy(level->key, text, event->data.scalar.length + 1);
	level->key_place = place;
	level->has_key = true;
	return VMSND_OK;
}

/* The name of the value that comes now, and its place: an item's own, or its key's. */
static const char *take_name(struct reader *reader, struct level *level, const yaml_event_t *event,
			     struct vmsnd_place *place)
{
	if (level->list) {
		snprintf(level->key, sizeof(level->key), "%u", level->n_items++);
		*place = vmsnd_yaml_place(&reader->from, &event->start_mark);
	} else {
		*place = level->key_place;
	}
	level->has_key = false;
	return level->key;
}

/* ---- values ---- */

static enum vmsnd_rc limit(const struct reader *reader, const struct vmsnd_place *place)
{
	return vmsnd_error_set(reader->from.error, place,
			       "this is too much for one file, or memory is short");
}

static enum vmsnd_rc put(struct reader *reader, struct level *level, const char *name,
			 const struct vmsnd_value *value)
{
	const struct vmsnd_place *place = &level->key_place;
	enum vmsnd_rc rc = vmsnd_leaf_set(level->node, name, value, place);

	if (rc == VMSND_E_INVALID)
		return vmsnd_error_set(reader->from.error, place, "'%s' cannot be a key", name);
	return rc ? limit(reader, place) : VMSND_OK;
}

static enum vmsnd_rc put_bytes(struct reader *reader, struct level *level, const char *name,
			       const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t room = event->data.scalar.length, bytes;
	uint8_t *at = malloc(room + 1);
	enum vmsnd_rc rc;

	if (!at)
		return limit(reader, &level->key_place);
	if (strlen(text) == room && vmsnd_base64_decode(text, at, room, &bytes)) {
		struct vmsnd_value value = {
		    .type = VMSND_VALUE_BYTES, .bytes = at, .n_bytes = bytes};

		rc = put(reader, level, name, &value);
	} else {
		rc = vmsnd_error_set(reader->from.error, &level->key_place,
				     "'%s' says !!binary, but is no base64", name);
	}
	free(at);
	return rc;
}

/* A plain word has the type it looks like; what is in quotes, or goes over lines, is text. */
static enum vmsnd_rc put_word(struct reader *reader, struct level *level, const char *name,
			      const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct vmsnd_value value = {.type = VMSND_VALUE_TEXT, .text = text};

	if (strlen(text) != event->data.scalar.length)
		return vmsnd_error_set(reader->from.error, &level->key_place,
				       "'%s' has a NUL character in it", name);
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (!*text || strcmp(text, "~") == 0)
			return vmsnd_error_set(reader->from.error, &level->key_place,
					       "'%s' has no value: give it one, or leave it out",
					       name);
		vmsnd_value_of_word(text, &value);
	}
	return put(reader, level, name, &value);
}

static enum vmsnd_rc refuse_root(const struct reader *reader, const yaml_event_t *event)
{
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark);

	return vmsnd_error_set(reader->from.error, &place,
			       "the file must be 'key: value' lines, such as 'version: 1'");
}

static enum vmsnd_rc take_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag, *name;
	struct level *level;
	struct vmsnd_place place;

	if (reader->depth == 0) /* "---" and nothing behind it */
		return event->data.scalar.length == 0 &&
			       event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag
			   ? VMSND_OK
			   : refuse_root(reader, event);
	level = &reader->levels[reader->depth - 1];
	if (!level->list && !level->has_key)
		return take_key(reader, level, event);
	name = take_name(reader, level, event, &place);
	level->key_place = place;
	if (tag && strcmp(tag, TAG_BINARY) == 0)
		return put_bytes(reader, level, name, event);
	if (tag)
		return vmsnd_error_set(
		    reader->from.error, &place,
		    "the tag '%s' is not read here: take it out; only !!binary is", tag);
	return put_word(reader, level, name, event);
}

/* ---- mappings and lists ---- */

static enum vmsnd_rc push(struct reader *reader, struct vmsnd_node *node, bool list)
{
	vmsnd_node_set_list(node, list);
	reader->levels[reader->depth++] = (struct level){.node = node, .list = list};
	return VMSND_OK;
}

static enum vmsnd_rc refuse_collection(const struct reader *reader, const yaml_event_t *event,
				       const char *tag)
{
	const struct level *level = reader->depth ? &reader->levels[reader->depth - 1] : NULL;
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark);

	if (tag)
		return vmsnd_error_set(reader->from.error, &place,
				       "the tag '%s' is not read here: take it out", tag);
	if (level && !level->list && !level->has_key)
		return vmsnd_error_set(reader->from.error, &place, "a key must be a word");
	if (reader->depth == VMSND_TREE_DEPTH_MAX)
		return vmsnd_error_set(reader->from.error, &place,
				       "this is nested too deep: %u levels are allowed",
				       VMSND_TREE_DEPTH_MAX);
	return VMSND_OK;
}

static enum vmsnd_rc begin(struct reader *reader, const yaml_event_t *event, bool list)
{
	const char *tag =
	    (const char *)(list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
	struct vmsnd_node *node = reader->root;
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark);
	enum vmsnd_rc rc = refuse_collection(reader, event, tag);

	if (rc)
		return rc;
	if (reader->depth == 0 && list)
		return refuse_root(reader, event);
	if (reader->depth > 0) {
		struct level *level = &reader->levels[reader->depth - 1];

		node = vmsnd_node_make(level->node, take_name(reader, level, event, &place));
	}
	if (!node)
		return limit(reader, &place);
	vmsnd_node_set_place(node, &place);
	return push(reader, node, list);
}

/* ---- events ---- */

static const char *anchor_of(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return (const char *)event->data.scalar.anchor;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return (const char *)event->data.sequence_start.anchor;
	if (event->type == YAML_MAPPING_START_EVENT)
		return (const char *)event->data.mapping_start.anchor;
	return NULL;
}

/* A few lines with references can stand for more than memory holds. */
static enum vmsnd_rc refuse_reference(const struct reader *reader, const yaml_event_t *event)
{
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark);

	if (event->type == YAML_ALIAS_EVENT)
		return vmsnd_error_set(reader->from.error, &place,
				       "references ('*%s') are not read here: write it out",
				       (const char *)event->data.alias.anchor);
	return vmsnd_error_set(reader->from.error, &place,
			       "anchors ('&%s') are not read here: take it out, or put a value "
			       "that begins with '&' in quotes",
			       anchor_of(event));
}

static enum vmsnd_rc begin_document(struct reader *reader, const yaml_event_t *event)
{
	struct vmsnd_place place = vmsnd_yaml_place(&reader->from, &event->start_mark);

	if (reader->seen_document)
		return vmsnd_error_set(reader->from.error, &place,
				       "a second document begins here: a file has one");
	reader->seen_document = true;
	return VMSND_OK;
}

static enum vmsnd_rc take_event(struct reader *reader, const yaml_event_t *event)
{
	if (event->type == YAML_ALIAS_EVENT || anchor_of(event))
		return refuse_reference(reader, event);
	if (event->type == YAML_DOCUMENT_START_EVENT)
		return begin_document(reader, event);
	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		return begin(reader, event, event->type == YAML_SEQUENCE_START_EVENT);
	if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT)
		reader->depth--;
	if (event->type == YAML_SCALAR_EVENT)
		return take_scalar(reader, event);
	return VMSND_OK;
}

static enum vmsnd_rc read_events(struct reader *reader, yaml_parser_t *parser)
{
	bool ended = false;
	enum vmsnd_rc rc = VMSND_OK;

	while (!rc && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return vmsnd_yaml_complain(&reader->from, parser);
		rc = take_event(reader, &event);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return rc;
}

static enum vmsnd_rc read_text(struct reader *reader)
{
	yaml_parser_t parser;
	enum vmsnd_rc rc;

	if (!yaml_parser_initialize(&parser))
		return limit(reader, NULL);
	yaml_parser_set_input_string(&parser, (const unsigned char *)reader->from.text,
				     reader->from.bytes);
	/* Else the first bytes could choose UTF-16. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	rc = read_events(reader, &parser);
	yaml_parser_delete(&parser);
	return rc;
}

enum vmsnd_rc vmsnd_yaml_parse(const char *name, const char *text, size_t bytes,
			       struct vmsnd_node **out, struct vmsnd_error *error)
{
	*out = NULL;
	if (bytes > VMSND_YAML_BYTES_MAX)
		return vmsnd_error_set(error, NULL, "%s: it is larger than 1 MiB", name);
	return vmsnd_yaml_parse_long(name, text, bytes, out, error);
}

enum vmsnd_rc vmsnd_yaml_parse_long(const char *name, const char *text, size_t bytes,
				    struct vmsnd_node **out, struct vmsnd_error *error)
{
	struct reader *reader;
	enum vmsnd_rc rc;

	*out = NULL;
	reader = calloc(1, sizeof(*reader));
	if (reader)
		reader->root = vmsnd_tree_new();
	if (!reader || !reader->root) {
		free(reader);
		vmsnd_error_set(error, NULL, "%s: out of memory", name);
		return VMSND_E_NOMEM;
	}
	reader->from = (struct vmsnd_yaml_text){name, text, bytes, error};
	vmsnd_node_set_place(reader->root, &(struct vmsnd_place){name, 1, 1});
	rc = read_text(reader);
	if (rc)
		vmsnd_tree_free(reader->root);
	else
		*out = reader->root;
	free(reader);
	return rc;
}

/* ---- files ---- */

static enum vmsnd_rc complain_file(const char *path, int why, struct vmsnd_error *error)
{
	static const struct {
		int why;
		const char *line;
	} rows[] = {
	    {ENOENT, "there is no such file"},
	    {ENOTDIR, "there is no such file: part of the path is no folder"},
	    {EACCES, "it may not be read: change its rights, or run as a user who may"},
	    {EISDIR, "it is a folder: name a file in it"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].why == why)
			return vmsnd_error_set(error, NULL, "%s: %s", path, rows[i].line);
	return vmsnd_error_set(error, NULL, "%s: it cannot be read: %s", path, strerror(why));
}

/* Up to `room` bytes; -1 and errno. */
static ssize_t read_whole(int fd, char *to, size_t room)
{
	size_t at = 0;
	ssize_t n = 1;

	while (at < room && n != 0) {
		n = read(fd, to + at, room - at);
		if (n < 0 && errno != EINTR)
			return -1;
		at += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)at;
}

enum vmsnd_rc vmsnd_yaml_load(const char *path, struct vmsnd_node **out, struct vmsnd_error *error)
{
	char *text = malloc(VMSND_YAML_BYTES_MAX + 1);
	int fd = text ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	ssize_t bytes = fd < 0 ? -1 : read_whole(fd, text, VMSND_YAML_BYTES_MAX + 1);
	enum vmsnd_rc rc;

	*out = NULL;
	rc = bytes < 0 ? complain_file(path, errno, error)
		       : vmsnd_yaml_parse(path, text, (size_t)bytes, out, error);
	if (fd >= 0)
		close(fd);
	free(text);
	return rc;
}
