/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of text, and text that is safe to show. */
#ifndef VMSND_CLI_TABLE_H
#define VMSND_CLI_TABLE_H

#define VMSND_CLI_COLUMNS_MAX 12u
#define VMSND_CLI_CELL_BYTES  80u

struct vmsnd_cli_row {
	char cells[VMSND_CLI_COLUMNS_MAX][VMSND_CLI_CELL_BYTES];
};

/* `titles` has n_columns of them; the rest is zeroed at the start. */
struct vmsnd_cli_table {
	const char *const *titles;
	unsigned n_columns, n_rows, room;
	struct vmsnd_cli_row *rows;
};

/* An empty one behind the last. Ends the program when there is no memory. */
struct vmsnd_cli_row *vmsnd_cli_table_row(struct vmsnd_cli_table *table);
__attribute__((format(printf, 3, 4))) void vmsnd_cli_put(struct vmsnd_cli_row *row, unsigned column,
							 const char *format, ...);
/* Prints it, and frees the rows. */
void vmsnd_cli_table_print(struct vmsnd_cli_table *table);

/* A name comes from whoever configured it: nothing that moves a terminal's cursor passes. */
void vmsnd_cli_defuse(char *text);
/* Prints it like that, however long it is. */
void vmsnd_cli_print_text(const char *text);

#endif
