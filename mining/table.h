/* Tables for the terminal: text cells in aligned columns under a head line. On a terminal, columns that may
 * fold are folded at blanks until a line fits its width; where a cell would take more than three lines, a
 * word would be cut, or the line still does not fit, each row is a paragraph of "HEAD text" instead; or the
 * columns go on in a second table, where fl_table_split asks for it. Elsewhere lines are as long as they must
 * be. */
#ifndef FL_MINING_TABLE_H
#define FL_MINING_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum fl_align { FL_LEFT, FL_RIGHT };
struct fl_column {
    const char *head;
    enum fl_align align;
    bool folds; /* may be narrowed by folding its text over several lines */
};
enum fl_colour { FL_PLAIN, FL_BOLD, FL_RED, FL_GREEN, FL_YELLOW, FL_DIM };

struct fl_table;
/* `columns` is borrowed and must live as long as the table. FL_ENOMEM. */
int fl_table_new(struct fl_table **out, const struct fl_column *columns, size_t n);
/* Append the next cell, left to right and row by row; the text is copied and cleaned of control characters.
 * A failure to allocate is remembered and reported by fl_table_print. */
void fl_table_cell(struct fl_table *t, const char *text);
void fl_table_cell_coloured(struct fl_table *t, const char *text, enum fl_colour colour);
size_t fl_table_rows(const struct fl_table *t);
/* Where a line does not fit the terminal, its columns go on in further tables below, each beginning with the
 * first `keys` columns again. */
void fl_table_split(struct fl_table *t, size_t keys);
/* Print head and rows; `width` 0: no bound. A row not filled is padded with empty cells. FL_ENOMEM, FL_EIO.
 */
int fl_table_print(struct fl_table *t, FILE *to, size_t width, bool colour);
void fl_table_free(struct fl_table *t);

/* Print text folded at blanks: `indent` blanks before its first line, `hanging` before the others; `width` 0:
 * no bound. Control characters are the caller's to clean away. */
void fl_text_print(FILE *to, const char *text, size_t indent, size_t hanging, size_t width);

/* The width of the terminal behind `to`, or 0 when it is none. COLUMNS in the environment goes first. */
size_t fl_terminal_width(FILE *to);
/* Colour is wanted: a terminal, TERM is not "dumb", and NO_COLOR is unset or empty (no-color.org). */
bool fl_terminal_colour(FILE *to);
/* The sequence that starts a colour, and "" for FL_PLAIN. */
const char *fl_colour_start(enum fl_colour colour);
#define FL_COLOUR_END "\033[0m"

#endif
