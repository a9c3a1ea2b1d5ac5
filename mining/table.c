/* Terminal tables: measures its cells, narrows the columns that fold, and prints line by line; or row by row
 * as paragraphs, where columns would be no help to the reader. */
#include "mining/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mining/human.h"
#include "storage/error.h"

enum { GAP = 2, NARROWEST = 16, MOST_LINES = 3, INDENT = 4 };

struct cell {
    char *text;
    enum fl_colour colour;
};

struct fl_table {
    const struct fl_column *columns;
    size_t n_columns;
    struct cell *cells;
    size_t n_cells, room;
    size_t keys; /* columns to repeat where the others go on in further tables; 0: paragraphs instead */
    bool failed;
};

int fl_table_new(struct fl_table **out, const struct fl_column *columns, size_t n)
{
    struct fl_table *t = calloc(1, sizeof *t);
    if (!t)
        return FL_ENOMEM;
    t->columns = columns;
    t->n_columns = n;
    *out = t;
    return 0;
}

void fl_table_cell_coloured(struct fl_table *t, const char *text, enum fl_colour colour)
{
    if (t->n_cells == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        struct cell *cells = reallocarray(t->cells, room, sizeof *cells);
        if (!cells) {
            t->failed = true;
            return;
        }
        t->cells = cells;
        t->room = room;
    }
    char *copy = strdup(text);
    if (!copy) {
        t->failed = true;
        return;
    }
    t->cells[t->n_cells++] = (struct cell){fl_human_clean(copy), colour};
}

void fl_table_cell(struct fl_table *t, const char *text)
{
    fl_table_cell_coloured(t, text, FL_PLAIN);
}

size_t fl_table_rows(const struct fl_table *t)
{
    return (t->n_cells + t->n_columns - 1) / t->n_columns;
}

void fl_table_split(struct fl_table *t, size_t keys)
{
    t->keys = keys;
}

void fl_table_free(struct fl_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

static void measure(const struct fl_table *t, size_t *widths)
{
    for (size_t c = 0; c < t->n_columns; c++)
        widths[c] = fl_human_width(t->columns[c].head);
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t width = fl_human_width(t->cells[i].text);
        if (width > widths[i % t->n_columns])
            widths[i % t->n_columns] = width;
    }
}

static size_t line_width(const struct fl_table *t, const size_t *widths)
{
    size_t sum = GAP * (t->n_columns - 1);
    for (size_t c = 0; c < t->n_columns; c++)
        sum += widths[c];
    return sum;
}

/* Take columns off the widest folding column, one by one, until the line fits or none can give more. */
static void narrow(const struct fl_table *t, size_t *widths, size_t bound)
{
    for (size_t line = line_width(t, widths); line > bound; line--) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++)
            if (t->columns[c].folds && widths[c] > NARROWEST &&
                (widest == t->n_columns || widths[c] > widths[widest]))
                widest = c;
        if (widest == t->n_columns)
            return;
        widths[widest]--;
    }
}

/* Bytes of `text` that make one line of at most `width` columns: up to its last blank, or cut in a word. */
static size_t fold(const char *text, size_t width)
{
    size_t columns = 0, blank = 0, i = 0;
    for (; text[i]; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80 && columns++ == width)
            return text[i] == ' ' || blank == 0 ? i : blank;
        if (text[i] == ' ')
            blank = i;
    }
    return i;
}

/* Does a column of that width hold the text in a few lines, without a cut in a word? */
static bool holds(const char *text, size_t width)
{
    for (int lines = 0; *text; lines++) {
        size_t length = fold(text, width);
        if (lines == MOST_LINES || (text[length] && text[length] != ' '))
            return false;
        text += length;
        text += strspn(text, " ");
    }
    return true;
}

static bool fits(const struct fl_table *t, const size_t *widths, size_t bound)
{
    bool fits = line_width(t, widths) <= bound;
    for (size_t i = 0; fits && i < t->n_cells; i++)
        fits = holds(t->cells[i].text, widths[i % t->n_columns]);
    return fits;
}

static void pad(FILE *to, size_t n)
{
    fprintf(to, "%*s", (int)n, "");
}

/* Print one line's part of a cell and step its text on; blanks at the line's end are left out. */
static void print_part(const struct fl_column *column, struct cell *cell, size_t width, bool last,
                       bool colour, FILE *to)
{
    size_t length = fold(cell->text, width), columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)cell->text[i] & 0xc0) != 0x80;
    size_t blanks = width > columns ? width - columns : 0;
    bool paint = colour && cell->colour != FL_PLAIN && length > 0;
    if (column->align == FL_RIGHT)
        pad(to, blanks);
    fprintf(to, "%s%.*s%s", paint ? fl_colour_start(cell->colour) : "", (int)length, cell->text,
            paint ? FL_COLOUR_END : "");
    if (column->align == FL_LEFT && !last)
        pad(to, blanks);
    cell->text += length;
    cell->text += strspn(cell->text, " ");
}

/* `row` is a copy whose text pointers move on; lines follow until every cell is used up. */
static void print_row(const struct fl_table *t, struct cell *row, const size_t *widths, bool colour, FILE *to)
{
    for (bool more = true; more;) {
        more = false;
        size_t used = t->n_columns;
        while (used > 1 && row[used - 1].text[0] == 0)
            used--;
        for (size_t c = 0; c < used; c++) {
            if (c > 0)
                pad(to, GAP);
            print_part(&t->columns[c], &row[c], widths[c], c + 1 == used, colour, to);
        }
        fputc('\n', to);
        for (size_t c = 0; c < t->n_columns; c++)
            more = more || row[c].text[0];
    }
}

/* ---- rows as paragraphs ---- */

struct paragraph {
    FILE *to;
    size_t width, at; /* at: columns used of the line */
    bool colour;
};

/* One word behind `gap` blanks; `together` columns, the word's and what must follow it at once, stay on one
 * line.
 */
static void put_word(struct paragraph *p, const char *word, size_t length, size_t gap, size_t together,
                     enum fl_colour colour)
{
    if (p->at == 0)
        gap = 0;
    else if (p->at + gap + together > p->width) {
        fputc('\n', p->to);
        pad(p->to, INDENT);
        p->at = INDENT;
        gap = 0;
    }
    bool paint = p->colour && colour != FL_PLAIN;
    pad(p->to, gap);
    fprintf(p->to, "%s%.*s%s", paint ? fl_colour_start(colour) : "", (int)length, word,
            paint ? FL_COLOUR_END : "");
    p->at += gap;
    for (size_t i = 0; i < length; i++)
        p->at += ((unsigned char)word[i] & 0xc0) != 0x80;
}

static void put_cell(struct paragraph *p, const char *head, const struct cell *cell)
{
    const char *word = cell->text + strspn(cell->text, " ");
    if (!*word)
        return;
    size_t columns = fl_human_width(head);
    put_word(p, head, strlen(head), GAP, columns + 1 + strcspn(word, " "), FL_DIM);
    while (*word) {
        size_t length = strcspn(word, " ");
        put_word(p, word, length, 1, length, cell->colour);
        word += length + strspn(word + length, " ");
    }
}

static void print_paragraphs(const struct fl_table *t, size_t width, bool colour, FILE *to)
{
    for (size_t i = 0; i < t->n_cells;) {
        struct paragraph p = {.to = to, .width = width, .colour = colour};
        for (size_t c = 0; c < t->n_columns && i < t->n_cells; c++, i++)
            put_cell(&p, t->columns[c].head, &t->cells[i]);
        fputc('\n', to);
    }
}

/* ---- printing ---- */

static void print_lines(const struct fl_table *t, struct cell *row, const size_t *widths, bool colour,
                        FILE *to)
{
    static char empty[] = "";
    for (size_t c = 0; c < t->n_columns; c++)
        row[c] = (struct cell){(char *)(uintptr_t)t->columns[c].head, FL_BOLD};
    print_row(t, row, widths, colour, to);
    for (size_t r = 0; r < fl_table_rows(t); r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            size_t at = r * t->n_columns + c;
            row[c] = at < t->n_cells ? t->cells[at] : (struct cell){empty, FL_PLAIN};
        }
        print_row(t, row, widths, colour, to);
    }
}

/* How many columns from `first` on stand beside the keys in one line; 0: not even one. */
static size_t beside_keys(const struct fl_table *t, const size_t *widths, size_t first, size_t bound)
{
    size_t line = 0, n = 0;
    for (size_t c = 0; c < t->keys; c++)
        line += widths[c] + GAP;
    for (; first + n < t->n_columns && line + widths[first + n] <= bound; n++)
        line += widths[first + n] + GAP;
    return n;
}

static bool splits(const struct fl_table *t, const size_t *widths, size_t bound)
{
    bool every = t->keys > 0;
    for (size_t c = t->keys; every && c < t->n_columns; c++)
        every = beside_keys(t, widths, c, bound) > 0;
    return every;
}

/* The keys and `n` columns from `first` on, as a table of their own. */
static int print_part_of(const struct fl_table *t, size_t first, size_t n, struct cell *row,
                         const size_t *widths, bool colour, FILE *to)
{
    struct fl_column *columns = calloc(t->keys + n, sizeof *columns);
    size_t *part_widths = calloc(t->keys + n, sizeof *part_widths);
    struct fl_table part = {.columns = columns, .n_columns = t->keys + n};
    part.cells = calloc(t->n_cells + 1, sizeof *part.cells);
    int rc = columns && part_widths && part.cells ? 0 : FL_ENOMEM;
    for (size_t c = 0; rc == 0 && c < part.n_columns; c++) {
        columns[c] = t->columns[c < t->keys ? c : first + c - t->keys];
        part_widths[c] = widths[c < t->keys ? c : first + c - t->keys];
    }
    for (size_t i = 0; rc == 0 && i < t->n_cells; i++) {
        size_t c = i % t->n_columns;
        if (c < t->keys || (c >= first && c < first + n))
            part.cells[part.n_cells++] = t->cells[i]; /* texts stay the whole table's */
    }
    if (rc == 0)
        print_lines(&part, row, part_widths, colour, to);
    free(columns);
    free(part_widths);
    free(part.cells);
    return rc;
}

static int print_split(const struct fl_table *t, struct cell *row, const size_t *widths, size_t bound,
                       bool colour, FILE *to)
{
    int rc = 0;
    for (size_t first = t->keys; rc == 0 && first < t->n_columns;) {
        size_t n = beside_keys(t, widths, first, bound);
        if (first > t->keys)
            fputc('\n', to);
        rc = print_part_of(t, first, n, row, widths, colour, to);
        first += n;
    }
    return rc;
}

int fl_table_print(struct fl_table *t, FILE *to, size_t width, bool colour)
{
    size_t *widths = calloc(t->n_columns, sizeof *widths);
    struct cell *row = calloc(t->n_columns, sizeof *row);
    int rc = widths && row && !t->failed ? 0 : FL_ENOMEM;
    if (rc)
        goto done;
    measure(t, widths);
    if (width)
        narrow(t, widths, width);
    if (!width || t->n_cells == 0 || fits(t, widths, width))
        print_lines(t, row, widths, colour, to);
    else if (splits(t, widths, width))
        rc = print_split(t, row, widths, width, colour, to);
    else
        print_paragraphs(t, width, colour, to);
    if (rc == 0 && ferror(to))
        rc = FL_EIO;
done:
    free(widths);
    free(row);
    return rc;
}

void fl_text_print(FILE *to, const char *text, size_t indent, size_t hanging, size_t width)
{
    if (width && width < hanging + NARROWEST)
        width = hanging + NARROWEST;
    for (size_t blanks = indent; *text; blanks = hanging) {
        size_t length = width ? fold(text, width - blanks) : strlen(text);
        pad(to, blanks);
        fprintf(to, "%.*s\n", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

size_t fl_terminal_width(FILE *to)
{
    struct winsize size;
    if (!isatty(fileno(to)))
        return 0;
    const char *columns = getenv("COLUMNS");
    unsigned long asked = columns ? strtoul(columns, NULL, 10) : 0;
    if (asked >= 20 && asked <= 10000)
        return asked;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

bool fl_terminal_colour(FILE *to)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(to)) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

const char *fl_colour_start(enum fl_colour colour)
{
    static const char *const starts[] = {"", "\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[2m"};
    return starts[colour];
}
