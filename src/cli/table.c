/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vmsnd_cli_row *vmsnd_cli_table_row(struct vmsnd_cli_table *table)
{
	struct vmsnd_cli_row *rows;

	if (table->n_rows == table->room) {
		table->room = table->room ? 2 * table->room : 16;
		rows = realloc(table->rows, table->room * sizeof(*rows));
		if (!rows) {
			fputs("vmsnd ctl: out of memory\n", stderr);
			exit(1);
		}
		table->rows = rows;
	}
	memset(&table->rows[table->n_rows], 0, sizeof(*table->rows));
	return &table->rows[table->n_rows++];
}

void vmsnd_cli_defuse(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void vmsnd_cli_put(struct vmsnd_cli_row *row, unsigned column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(row->cells[column], VMSND_CLI_CELL_BYTES, format, arguments);
	va_end(arguments);
	vmsnd_cli_defuse(row->cells[column]);
}

static int width_of(const struct vmsnd_cli_table *table, unsigned column)
{
	size_t width = strlen(table->titles[column]);

	for (unsigned i = 0; i < table->n_rows; i++)
		if (strlen(table->rows[i].cells[column]) > width)
			width = strlen(table->rows[i].cells[column]);
	return (int)width;
}

void vmsnd_cli_table_print(struct vmsnd_cli_table *table)
{
	int widths[VMSND_CLI_COLUMNS_MAX] = {0};

	/* Nothing is padded behind the last column. */
	for (unsigned c = 0; c + 1 < table->n_columns; c++)
		widths[c] = width_of(table, c);
	for (unsigned c = 0; c < table->n_columns; c++)
		printf("%s%-*s", c ? "  " : "", widths[c], table->titles[c]);
	putchar('\n');
	for (unsigned i = 0; i < table->n_rows; i++) {
		for (unsigned c = 0; c < table->n_columns; c++)
			printf("%s%-*s", c ? "  " : "", widths[c], table->rows[i].cells[c]);
		putchar('\n');
	}
	free(table->rows);
}

void vmsnd_cli_print_text(const char *text)
{
	char *safe = strdup(text);

	if (safe)
		vmsnd_cli_defuse(safe);
	printf("%s", safe ? safe : "-");
	free(safe);
}
