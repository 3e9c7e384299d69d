/*
 * Operations on lists and maps, on a bin's value alone (protocol/cdt-expressions.md 2 - 5): the
 * payload, the way through a context, the operations, what they answer.
 *
 * Not executed: operations on paths (4), return types 9 to 12 (26), context types 0 to 3 (26).
 * A real server's choice among equal elements of an unordered list by rank, the order of the ranks
 * of a key range that is the whole map, and what it makes of an item that is asked for twice in a
 * list are its own affair, and not promised. tests/integration/test_twins.c compares the rest.
 */
#ifndef MC_CDT_H
#define MC_CDT_H

#include "message.h"
#include "pack.h"

enum {
    MC_CDT_DEPTH_MAX = 64
};

// A particle: of a bin, or of an answer. Type 0: none.
typedef struct mc_particle {
    uint8_t type;
    const uint8_t* value;
    uint32_t len;
} mc_particle;

// Runs one operation. *ret_answer is its result, NULL for nil; *ret_root the bin's new value, NULL
// if the bin stays as it is. Returns a result code.
int mc_cdt_run(mc_arena* arena, const mc_op* op, mc_particle bin, mc_item** ret_answer,
               mc_item** ret_root);

// The form that a value has as a bin or as an answer. out gets the bytes.
uint8_t mc_cdt_particle(mc_bytes* out, const mc_item* item);

// ---- inside -------------------------------------------------------------------------------------

typedef struct mc_step {
    mc_item* box;
    uint32_t at; // the slot in its items that leads on
} mc_step;

typedef struct mc_cdt {
    mc_arena* arena;
    bool modifies;
    mc_item* root;   // NULL: the bin is missing
    mc_item* target; // what is operated on; NULL: it is missing
    bool had_bin;
    bool found_none; // a read of a bin that is missing
    bool makes_way;  // steps made what is on the way
    bool suppressed; // what the operation would do was refused without an error
    mc_step path[MC_CDT_DEPTH_MAX];
    int depth;
    unsigned code;
    mc_item** args;
    uint32_t argc;
    mc_item* answer;
} mc_cdt;

// The integer argument `i`. Returns a result code.
int mc_cdt_integer(const mc_cdt* c, uint32_t i, int64_t* ret_value);
// The unsigned argument `i`, 0 if it isn't given.
int mc_cdt_flags(const mc_cdt* c, uint32_t i, int64_t* ret_value);
// A number of arguments within bounds.
int mc_cdt_args(const mc_cdt* c, uint32_t min, uint32_t max);

int mc_cdt_list(mc_cdt* c); // opcodes below 64
int mc_cdt_map(mc_cdt* c);  // the others
int mc_cdt_add_number(mc_cdt* c, mc_item** slot, const mc_item* delta, int sign);

// ---- selections ---------------------------------------------------------------------------------

// Positions of elements, or of entries in key order.
typedef struct mc_selection {
    bool single;  // at most one, and its answer isn't a list
    uint32_t* at; // in the order of the answers
    uint32_t count;
    uint32_t* supplied; // in the order of the values or keys that were asked for; or NULL
    bool stretch;       // a range in the order of indexes
    bool by_keys;       // a key list
} mc_selection;

uint32_t mc_cdt_size(const mc_cdt* c); // elements or entries
mc_item* mc_cdt_value(const mc_cdt* c, uint32_t i);
// Positions in value order.
uint32_t* mc_cdt_by_rank(const mc_cdt* c);

int mc_select_index(mc_cdt* c, mc_selection* s, bool rank);
int mc_select_range(mc_cdt* c, mc_selection* s, bool rank);
int mc_select_value(mc_cdt* c, mc_selection* s);
int mc_select_value_list(mc_cdt* c, mc_selection* s);
int mc_select_value_interval(mc_cdt* c, mc_selection* s);
int mc_select_relative_rank(mc_cdt* c, mc_selection* s);
int mc_select_key(mc_cdt* c, mc_selection* s);
int mc_select_key_list(mc_cdt* c, mc_selection* s);
int mc_select_key_interval(mc_cdt* c, mc_selection* s);
int mc_select_relative_index(mc_cdt* c, mc_selection* s);

// Answers by the return type in the first argument, and removes what was selected.
int mc_select_finish(mc_cdt* c, mc_selection* s, bool removes);
// The position of a key; -1 - where it belongs if it isn't there.
int64_t mc_cdt_find_key(const mc_cdt* c, const mc_item* key);

#endif
