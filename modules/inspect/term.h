/*
 * What the terminal can do, and writing to it: styles, numbers for people, tables that fit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct term {
    FILE* out;
    bool has_color;
    bool has_256; /* colours */
    bool has_unicode;
    unsigned width;  /* 0: no limit */
    unsigned height; /* 0: no limit */
} term;

typedef enum term_style {
    TERM_PLAIN = 0,
    TERM_DIM,
    TERM_BOLD,
    TERM_GOOD,
    TERM_WARN,
    TERM_BAD,
    TERM_NODE, /* TERM_NODE + n: the colour of node index n */
} term_style;

typedef enum term_color_choice {
    TERM_COLOR_AUTO,
    TERM_COLOR_ALWAYS,
    TERM_COLOR_NEVER,
} term_color_choice;

/* Looks at standard output, NO_COLOR, TERM, COLUMNS and the locale. `width` 0: as the terminal
 * says. */
void term_init(term* t, term_color_choice color, unsigned width);

/* Asks the terminal for its size again. */
void term_measure(term* t, unsigned width);

/* Text in a style. */
void term_put(const term* t, unsigned style, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
void term_style_begin(const term* t, unsigned style);
void term_style_end(const term* t, unsigned style);

/* A node's colour as the number that stands in an escape sequence; index 0 is a hole's. */
unsigned term_node_color(const term* t, uint32_t node_index);

/* A letter for where there is no colour. */
char term_node_letter(uint32_t node_index);

#define TERM_TEXT_SIZE 32

/* "1234", "12.3k"; "480 us", "1.24 ms"; "3.2 s", "5 min", "2 h", "3 d"; "1.5 MiB". In `text`. */
const char* term_count(uint64_t count, char text[TERM_TEXT_SIZE]);
const char* term_us(uint64_t us, char text[TERM_TEXT_SIZE]);
const char* term_age(uint64_t ms, char text[TERM_TEXT_SIZE]);
const char* term_bytes(uint64_t bytes, char text[TERM_TEXT_SIZE]);

/* ---- tables: cells are collected, columns that don't fit are left out, the least wanted first
 * ---- */

#define TABLE_COLUMNS_MAX 20
#define TABLE_CELL_SIZE 68

typedef struct table_cell_t {
    unsigned style;
    char text[TABLE_CELL_SIZE];
} table_cell_t;

typedef struct table {
    const term* t;
    unsigned columns_count;
    struct {
        const char* name;
        bool is_left;
        unsigned rank; /* columns of the highest rank go first when it gets narrow */
        bool is_dropped;
        unsigned width;
    } columns[TABLE_COLUMNS_MAX];
    table_cell_t* cells;
    size_t cells_count;
    size_t cells_room;
} table;

void table_begin(table* tab, const term* t);
void table_column(table* tab, const char* name, bool is_left, unsigned rank);

/* Leaves a column out, whatever room there is. */
void table_drop(table* tab, const char* name);

/* The next cell, row by row. */
void table_cell(table* tab, unsigned style, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes and frees. */
void table_end(table* tab);
