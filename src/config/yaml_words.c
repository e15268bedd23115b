/* SPDX-License-Identifier: BSD-3-Clause */
/* What libyaml has to say, in a line that tells what to do, and the place it means. */
#include <string.h>

#include "config/yaml_parts.h"

struct vmsnd_place vmsnd_yaml_place(const struct vmsnd_yaml_text *from, const yaml_mark_t *mark)
{
	return (struct vmsnd_place){from->name, (unsigned)mark->line + 1,
				    (unsigned)mark->column + 1};
}

/* The place of a byte; the parser's reader knows no lines. */
static yaml_mark_t mark_of_byte(const struct vmsnd_yaml_text *from, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < from->bytes; i++) {
		if (from->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)from->text[i] & 0xC0u) != 0x80u) {
			mark.column++;
		}
	}
	return mark;
}

/* What stands at a mark: the parser counts characters, so lines are counted anew. */
static char letter_at(const struct vmsnd_yaml_text *from, const yaml_mark_t *mark)
{
	size_t line = 0, column = 0;

	for (size_t i = 0; i < from->bytes; i++) {
		if (line == mark->line && column == mark->column)
			return from->text[i];
		if (from->text[i] == '\n') {
			line++;
			column = 0;
		} else if (((unsigned char)from->text[i] & 0xC0u) != 0x80u) {
			column++;
		}
	}
	return '\0';
}

/* The parser's words -> ours. `letter` 0: whatever stands there. `at_context`: the place that
 * matters is where the thing began. */
static const struct words {
	const char *problem, *context;
	char letter;
	bool at_context;
	const char *line;
} words[] = {
    {"cannot start any token", NULL, '\t', false, "a tab cannot indent: use spaces"},
    {"cannot start any token", NULL, '%', false, "a value cannot begin with '%': put it in quotes"},
    {"cannot start any token", NULL, '@', false, "a value cannot begin with '@': put it in quotes"},
    {"cannot start any token", NULL, '`', false, "a value cannot begin with '`': put it in quotes"},
    {"found a tab character", NULL, 0, false, "a tab cannot indent: use spaces"},
    {"mapping values are not allowed", NULL, 0, false,
     "a ':' cannot stand here: indent the line as its neighbours are, see that the line above has "
     "a "
     "space behind its ':', or put a value that has ': ' in it in quotes"},
    {"block sequence entries are not allowed", NULL, 0, false,
     "a list cannot begin here: begin it on a line of its own below the key"},
    {"unexpected end of stream", "quoted scalar", 0, true, "this quote is never closed"},
    {"unexpected document indicator", "quoted scalar", 0, true, "this quote is never closed"},
    {"did not find expected key", NULL, 0, false,
     "this line does not fit: lines of one block are indented alike, and each is 'key: value'"},
    {"could not find expected ':'", NULL, 0, true, "a key needs ': ' and a value behind it"},
    {"did not find expected '-' indicator", NULL, 0, false,
     "this line does not fit into the list above: each item begins with '- ', all indented alike"},
    {"did not find expected ',' or ']'", NULL, 0, true, "this '[' is never closed, or lacks a ','"},
    {"did not find expected ',' or '}'", NULL, 0, true, "this '{' is never closed, or lacks a ','"},
    {"unknown escape character", NULL, 0, false,
     "no such escape: write \\\\ for a backslash, or use single quotes"},
    {"did not find expected hexdecimal number", NULL, 0, false,
     "\\x, \\u and \\U need 2, 4 and 8 digits"},
    {"did not find expected <document start>", NULL, 0, false,
     "the file must be 'key: value' lines, and nothing before or behind them"},
    {"control characters are not allowed", NULL, 0, false,
     "a control character cannot stand in such a file"},
    {"UTF-8", NULL, 0, false, "this is not UTF-8: save the file as UTF-8"},
    {"Unicode", NULL, 0, false, "this is not UTF-8: save the file as UTF-8"},
};

static bool has(const char *text, const char *part)
{
	return !part || (text && strstr(text, part));
}

static const struct words *find_words(const yaml_parser_t *parser, char letter)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has(parser->problem, words[i].problem) &&
		    has(parser->context, words[i].context) &&
		    (!words[i].letter || words[i].letter == letter))
			return &words[i];
	return NULL;
}

enum vmsnd_rc vmsnd_yaml_complain(const struct vmsnd_yaml_text *from, const yaml_parser_t *parser)
{
	yaml_mark_t mark = parser->error == YAML_READER_ERROR
			       ? mark_of_byte(from, parser->problem_offset)
			       : parser->problem_mark;
	const struct words *row = find_words(parser, letter_at(from, &mark));
	struct vmsnd_place place;

	if (parser->error == YAML_MEMORY_ERROR) {
		vmsnd_error_set(from->error, NULL, "%s: out of memory", from->name);
		return VMSND_E_NOMEM;
	}
	if (row && row->at_context)
		mark = parser->context_mark;
	place = vmsnd_yaml_place(from, &mark);
	if (row)
		return vmsnd_error_set(from->error, &place, "%s", row->line);
	return vmsnd_error_set(from->error, &place, "not YAML: %s%s%s",
			       parser->problem ? parser->problem : "it cannot be read",
			       parser->context ? ", " : "", parser->context ? parser->context : "");
}
