/*
 * The terminal. See term.h.
 */
#include "term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Easy to tell apart, and none like the red of a hole. */
static const unsigned char node_colors[] = {39,  214, 78, 141, 227, 45,  208, 113,
                                            183, 220, 81, 172, 156, 105, 223, 30};
static const unsigned char node_colors_8[] = {4, 3, 2, 5, 6, 7};

#define HOLE_COLOR 196
#define HOLE_COLOR_8 1

/* ---- what it can do ------------------------------------------------------------------------- */

static bool wants_color(term_color_choice color)
{
    const char* no_color = getenv("NO_COLOR");
    const char* name = getenv("TERM");
    if (color != TERM_COLOR_AUTO) {
        return color == TERM_COLOR_ALWAYS;
    }
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && name && strcmp(name, "dumb") != 0;
}

void term_measure(term* t, unsigned width)
{
    struct winsize size;
    const char* columns = getenv("COLUMNS");
    bool is_tty = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    t->width = is_tty ? size.ws_col : 0;
    t->height = is_tty ? size.ws_row : 0;
    if (t->width == 0 && columns && atoi(columns) > 0) {
        t->width = (unsigned)atoi(columns);
    }
    if (t->width == 0 && isatty(STDOUT_FILENO)) {
        t->width = 80;
    }
    if (width > 0) {
        t->width = width;
    }
}

void term_init(term* t, term_color_choice color, unsigned width)
{
    const char* name = getenv("TERM");
    const char* more = getenv("COLORTERM");
    memset(t, 0, sizeof(*t));
    t->out = stdout;
    setlocale(LC_CTYPE, "");
    t->has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->has_color = wants_color(color);
    t->has_256 = (name && strstr(name, "256")) || (more && more[0]);
    term_measure(t, width);
}

/* ---- styles --------------------------------------------------------------------------------- */

unsigned term_node_color(const term* t, uint32_t node_index)
{
    if (node_index == 0) {
        return t->has_256 ? HOLE_COLOR : HOLE_COLOR_8;
    }
    return t->has_256 ? node_colors[(node_index - 1) % sizeof(node_colors)]
                      : node_colors_8[(node_index - 1) % sizeof(node_colors_8)];
}

char term_node_letter(uint32_t node_index)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return letters[(node_index - 1) % (sizeof(letters) - 1)];
}

void term_style_begin(const term* t, unsigned style)
{
    static const char* const codes[TERM_NODE] = {
        [TERM_DIM] = "2",   [TERM_BOLD] = "1",   [TERM_GOOD] = "32",
        [TERM_WARN] = "33", [TERM_BAD] = "1;31",
    };
    if (!t->has_color || style == TERM_PLAIN) {
        return;
    }
    if (style < TERM_NODE) {
        fprintf(t->out, "\033[%sm", codes[style]);
    } else if (t->has_256) {
        fprintf(t->out, "\033[38;5;%um", term_node_color(t, style - TERM_NODE));
    } else {
        fprintf(t->out, "\033[3%um", term_node_color(t, style - TERM_NODE));
    }
}

void term_style_end(const term* t, unsigned style)
{
    if (t->has_color && style != TERM_PLAIN) {
        fputs("\033[0m", t->out);
    }
}

void term_put(const term* t, unsigned style, const char* format, ...)
{
    va_list args;
    va_start(args, format);
    term_style_begin(t, style);
    vfprintf(t->out, format, args);
    term_style_end(t, style);
    va_end(args);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Three digits that matter. */
static const char* scaled(double value, const char* unit, char text[TERM_TEXT_SIZE])
{
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, TERM_TEXT_SIZE, "%.*f%s", digits, value, unit);
    return text;
}

const char* term_count(uint64_t count, char text[TERM_TEXT_SIZE])
{
    static const char* const units[] = {"", "k", "M", "G", "T", "P", "E"};
    double value = (double)count;
    unsigned unit = 0;
    if (count < 10000) {
        snprintf(text, TERM_TEXT_SIZE, "%u", (unsigned)count);
        return text;
    }
    while (value >= 999.5 && unit < 6) {
        value /= 1000;
        unit++;
    }
    return scaled(value, units[unit], text);
}

const char* term_us(uint64_t us, char text[TERM_TEXT_SIZE])
{
    if (us < 1000) {
        snprintf(text, TERM_TEXT_SIZE, "%u us", (unsigned)us);
        return text;
    }
    return us < 999500 ? scaled((double)us / 1e3, " ms", text)
                       : scaled((double)us / 1e6, " s", text);
}

const char* term_age(uint64_t ms, char text[TERM_TEXT_SIZE])
{
    double seconds = (double)ms / 1000;
    if (seconds < 90) {
        snprintf(text, TERM_TEXT_SIZE, "%.1f s", seconds);
    } else if (seconds < 90 * 60) {
        snprintf(text, TERM_TEXT_SIZE, "%.0f min", seconds / 60);
    } else if (seconds < 48 * 3600) {
        snprintf(text, TERM_TEXT_SIZE, "%.1f h", seconds / 3600);
    } else {
        snprintf(text, TERM_TEXT_SIZE, "%.1f d", seconds / 86400);
    }
    return text;
}

const char* term_bytes(uint64_t bytes, char text[TERM_TEXT_SIZE])
{
    static const char* const units[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    if (bytes < 1024) {
        snprintf(text, TERM_TEXT_SIZE, "%u B", (unsigned)bytes);
        return text;
    }
    while (value >= 1000 && unit < 5) {
        value /= 1024;
        unit++;
    }
    return scaled(value, units[unit], text);
}

/* ---- tables --------------------------------------------------------------------------------- */

void table_begin(table* tab, const term* t)
{
    memset(tab, 0, sizeof(*tab));
    tab->t = t;
}

void table_column(table* tab, const char* name, bool is_left, unsigned rank)
{
    tab->columns[tab->columns_count].name = name;
    tab->columns[tab->columns_count].is_left = is_left;
    tab->columns[tab->columns_count].rank = rank;
    tab->columns_count++;
}

void table_drop(table* tab, const char* name)
{
    for (unsigned i = 0; i < tab->columns_count; i++) {
        if (strcmp(tab->columns[i].name, name) == 0) {
            tab->columns[i].is_dropped = true;
        }
    }
}

void table_cell(table* tab, unsigned style, const char* format, ...)
{
    if (tab->cells_count == tab->cells_room) {
        tab->cells_room = tab->cells_room ? tab->cells_room * 2 : 64;
        table_cell_t* cells = realloc(tab->cells, tab->cells_room * sizeof(*cells));
        if (!cells) {
            fputs("tendril-shm: out of memory\n", stderr);
            exit(3);
        }
        tab->cells = cells;
    }
    table_cell_t* cell = &tab->cells[tab->cells_count++];
    va_list args;
    va_start(args, format);
    cell->style = style;
    vsnprintf(cell->text, sizeof(cell->text), format, args);
    va_end(args);
}

static unsigned table_width(const table* tab)
{
    unsigned width = 0;
    for (unsigned i = 0; i < tab->columns_count; i++) {
        width += tab->columns[i].is_dropped ? 0 : tab->columns[i].width + 2;
    }
    return width;
}

/* Leaves out the least wanted columns until it fits. */
static void table_fit(table* tab)
{
    for (unsigned i = 0; i < tab->columns_count; i++) {
        tab->columns[i].width = (unsigned)strlen(tab->columns[i].name);
    }
    for (size_t i = 0; i < tab->cells_count; i++) {
        unsigned length = (unsigned)strlen(tab->cells[i].text);
        unsigned column = (unsigned)(i % tab->columns_count);
        if (length > tab->columns[column].width) {
            tab->columns[column].width = length;
        }
    }
    while (tab->t->width > 0 && table_width(tab) > tab->t->width) {
        unsigned worst = TABLE_COLUMNS_MAX;
        for (unsigned i = 0; i < tab->columns_count; i++) {
            if (!tab->columns[i].is_dropped && tab->columns[i].rank > 0 &&
                (worst == TABLE_COLUMNS_MAX || tab->columns[i].rank >= tab->columns[worst].rank)) {
                worst = i;
            }
        }
        if (worst == TABLE_COLUMNS_MAX) {
            return; /* all that are left are needed */
        }
        tab->columns[worst].is_dropped = true;
    }
}

static void table_write(const table* tab, unsigned column, unsigned style, const char* text)
{
    unsigned width = tab->columns[column].width;
    unsigned length = (unsigned)strlen(text);
    unsigned pad = width > length ? width - length : 0;
    bool is_left = tab->columns[column].is_left;
    bool is_last = true;
    for (unsigned i = column + 1; i < tab->columns_count; i++) {
        is_last = is_last && tab->columns[i].is_dropped;
    }
    fprintf(tab->t->out, "%*s", 2 + (is_left ? 0 : (int)pad), "");
    term_put(tab->t, style, "%s", text);
    if (is_left && !is_last) {
        fprintf(tab->t->out, "%*s", (int)pad, "");
    }
}

void table_end(table* tab)
{
    table_fit(tab);
    for (unsigned i = 0; i < tab->columns_count; i++) {
        if (!tab->columns[i].is_dropped) {
            table_write(tab, i, TERM_DIM, tab->columns[i].name);
        }
    }
    fputc('\n', tab->t->out);
    for (size_t i = 0; i < tab->cells_count; i++) {
        unsigned column = (unsigned)(i % tab->columns_count);
        if (!tab->columns[column].is_dropped) {
            table_write(tab, column, tab->cells[i].style, tab->cells[i].text);
        }
        if (column == tab->columns_count - 1) {
            fputc('\n', tab->t->out);
        }
    }
    free(tab->cells);
}
