/*
 * UDFs (protocol/records.md 5.10): one package of functions, `rec`, in C. rec.lua holds the same
 * for a real server, and the tests compare the two. It is there once it was given (udf-put), as on
 * a real server, though nobody looks into the file.
 *
 * What a function does to the record's bins is stored when it has returned, and only if it asked
 * for that: a real server's `aerospike:create`, `update`, `remove`. Its value is the answer's one
 * entry; a failed one's text is that with result 100, and nothing is stored. Refused with 4, as
 * there: no function or no argument list, conditions on generation or existence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bins.h"
#include "cdt.h"
#include "message.h"

enum {
    UDF_NAME_MAX = 127,
    UDF_BIN_NAME_MAX = 15,

    UDF_INTEGER = 1, // types of particles
    UDF_DOUBLE = 2,
    UDF_STRING = 3,
    UDF_BOOL = 17,
    UDF_MAP = 19,
    UDF_LIST = 20,
    UDF_GEOJSON = 23
};

#define UDF_PACKAGE "rec"
#define UDF_FILE "/opt/aerospike/usr/udf/lua/rec.lua"

typedef struct udf_run {
    mc_arena arena;
    const mc_item* args; // a list
    mc_bins bins;
    bool exists;       // in the function's eyes
    bool has_updates;  // bins are to be stored
    int result;        // of a value that can't be stored
    char failure[512]; // empty: none
} udf_run;

// Its value; NULL is nil.
typedef const mc_item* (*udf_function)(udf_run* run);

// ---- what functions use -------------------------------------------------------------------------

static const mc_item* udf_arg(const udf_run* run, uint32_t i)
{
    return i < run->args->count ? run->args->items[i] : NULL;
}

static const mc_item* udf_fail(udf_run* run, const char* text, size_t len)
{
    snprintf(run->failure, sizeof(run->failure), "%.*s", (int)len, text);
    return NULL;
}

// As the interpreter words it: with the place.
static const mc_item* udf_fail_at(udf_run* run, int line, const char* text)
{
    snprintf(run->failure, sizeof(run->failure), UDF_FILE ":%d: %s", line, text);
    return NULL;
}

// Lists lose their order here, and what is no value is nil.
static void udf_settle_arg(mc_item* item)
{
    if (item->kind == MC_LIST) {
        item->flags = 0;
    } else if (item->kind == MC_INF || item->kind == MC_WILDCARD) {
        item->kind = MC_NIL;
    }
    for (uint32_t i = 0; i < item->count; i++) {
        udf_settle_arg(item->items[i]);
    }
}

static mc_item* udf_text(mc_arena* arena, mc_kind kind, unsigned type, const uint8_t* bytes,
                         uint32_t len)
{
    mc_item* item = mc_item_new(arena, kind);
    uint8_t* copy = mc_arena_alloc(arena, len + 1);
    copy[0] = (uint8_t)type;
    if (len) {
        memcpy(copy + 1, bytes, len);
    }
    item->bytes = copy;
    item->len = len + 1;
    return item;
}

// A bin's value in the function's hands.
static mc_item* udf_value(mc_arena* arena, const mc_bin* bin)
{
    mc_item* item;
    uint64_t bits;
    uint32_t skip;
    switch (bin->type) {
    case UDF_INTEGER:
        return mc_item_integer(arena, (int64_t)mc_be_get(bin->value, 8));
    case UDF_DOUBLE:
        item = mc_item_new(arena, MC_DOUBLE);
        bits = mc_be_get(bin->value, 8);
        memcpy(&item->number, &bits, 8);
        return item;
    case UDF_BOOL:
        return mc_item_new(arena, bin->value[0] ? MC_TRUE : MC_FALSE);
    case UDF_LIST:
    case UDF_MAP:
        item = mc_pack_read(arena, bin->value, bin->len);
        udf_settle_arg(item);
        return item;
    case UDF_GEOJSON:
        skip = 3 + 8 * (uint32_t)mc_be_get(bin->value + 1, 2);
        return udf_text(arena, MC_GEOJSON, bin->type, bin->value + skip, bin->len - skip);
    default:
        return udf_text(arena, bin->type == UDF_STRING ? MC_STRING : MC_BLOB, bin->type, bin->value,
                        bin->len);
    }
}

// The bin that is named by an argument, for mc_bins; false if that is no name.
static bool udf_bin(const udf_run* run, uint32_t i, mc_op* ret_op)
{
    const mc_item* name = udf_arg(run, i);
    *ret_op = (mc_op){.op = MC_OP_WRITE};
    if (!name || name->kind != MC_STRING || name->len - 1 > 255) {
        return false;
    }
    ret_op->name = name->bytes + 1;
    ret_op->name_len = (uint8_t)(name->len - 1);
    return true;
}

// ---- the functions, as in rec.lua ---------------------------------------------------------------

static const mc_item* udf_echo(udf_run* run)
{
    return udf_arg(run, 0);
}

static const mc_item* udf_add(udf_run* run)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < run->args->count; i++) {
        const mc_item* arg = udf_arg(run, i);
        if (arg->kind != MC_INTEGER) { // rec.lua adds doubles, too
            return udf_fail_at(run, 16,
                               arg->kind == MC_STRING ? "attempt to add a 'number' with a 'string'"
                                                      : "attempt to add what is no integer");
        }
        sum += (uint64_t)arg->integer;
    }
    return mc_item_integer(&run->arena, (int64_t)sum);
}

static const mc_item* udf_get_bin(udf_run* run)
{
    mc_op op;
    const mc_bin* bin = udf_bin(run, 0, &op) ? mc_bins_find(&run->bins, &op) : NULL;
    return bin ? udf_value(&run->arena, bin) : NULL;
}

// Sets a bin to a value, or drops it for nil. A name that is too long is ignored.
static bool udf_set(udf_run* run)
{
    mc_op op;
    if (!udf_bin(run, 0, &op)) {
        udf_fail_at(run, 28, "bad bin name");
        return false;
    }
    if (op.name_len <= UDF_BIN_NAME_MAX) {
        mc_bytes* value = mc_bins_block(&run->bins);
        op.type = mc_cdt_particle(value, udf_arg(run, 1));
        op.value = value->data;
        op.len = (uint32_t)value->len;
        run->result = op.type ? mc_value_check(op.type, op.value, op.len) : MC_OK;
        run->result = run->result == MC_OK ? mc_bins_modify(&run->bins, &op) : run->result;
    }
    run->has_updates = true;
    return true;
}

static const mc_item* udf_put_bin(udf_run* run)
{
    return udf_set(run) ? mc_item_integer(&run->arena, 0) : NULL;
}

static const mc_item* udf_create_record(udf_run* run)
{
    if (run->exists) {
        return mc_item_integer(&run->arena, 1);
    }
    return udf_put_bin(run);
}

static const mc_item* udf_remove_record(udf_run* run)
{
    run->bins.count = 0;
    run->has_updates = run->exists;
    return mc_item_integer(&run->arena, !run->exists);
}

static const mc_item* udf_give_up(udf_run* run)
{
    const mc_item* text = udf_arg(run, 0);
    if (!text || text->kind != MC_STRING) {
        return udf_fail_at(run, 45, "a text is needed");
    }
    return udf_fail(run, (const char*)text->bytes + 1, text->len - 1);
}

static udf_function udf_find(mc_slice name)
{
    static const struct {
        const char* name;
        udf_function function;
    } table[] = {{"echo", udf_echo},
                 {"add", udf_add},
                 {"get_bin", udf_get_bin},
                 {"put_bin", udf_put_bin},
                 {"create_record", udf_create_record},
                 {"remove_record", udf_remove_record},
                 {"fail", udf_give_up}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (name.len == strlen(table[i].name) && !memcmp(table[i].name, name.data, name.len)) {
            return table[i].function;
        }
    }
    return NULL;
}

// ---- arguments ----------------------------------------------------------------------------------

// What is no list counts as no arguments.
static const mc_item* udf_args(mc_arena* arena, mc_slice field)
{
    mc_item* list = field.len ? mc_pack_read(arena, field.data, field.len) : NULL;
    if (!list || list->kind != MC_LIST) {
        return mc_item_container(arena, MC_LIST, 0);
    }
    udf_settle_arg(list);
    return list;
}

// ---- the command --------------------------------------------------------------------------------

static bool udf_is_sound(const mc_message* m)
{
    unsigned info2 = MC_INFO2_GENERATION | MC_INFO2_GENERATION_GT | MC_INFO2_CREATE_ONLY;
    unsigned info3 = MC_INFO3_UPDATE_ONLY | MC_INFO3_CREATE_OR_REPLACE | MC_INFO3_REPLACE_ONLY;
    return m->udf_function.data && m->udf_args.data && m->udf.len <= UDF_NAME_MAX &&
           m->udf_function.len <= UDF_NAME_MAX && !(m->info2 & info2) && !(m->info3 & info3);
}

static int udf_check_record(const mc_message* m, const mc_record* live)
{
    if (!live) {
        return MC_OK;
    }
    int result = mc_check_set(m, live, true);
    result = result == MC_OK ? mc_filter(m->filter, live) : result;
    return result == MC_OK ? mc_check_key(m, live) : result;
}

static const mc_item* udf_call(udf_run* run, const mc_command* c)
{
    const mc_message* m = c->m;
    static const char no_package[] = "UDF: Execution Error 1";
    static const char no_function[] = "function not found";
    if (!c->conn->cluster->has_udf || m->udf.len != strlen(UDF_PACKAGE) ||
        memcmp(m->udf.data, UDF_PACKAGE, m->udf.len)) {
        return udf_fail(run, no_package, strlen(no_package));
    }
    udf_function function = udf_find(m->udf_function);
    return function ? function(run) : udf_fail(run, no_function, strlen(no_function));
}

// The function's value or failure becomes the answer's entry. Returns the result code.
static int udf_answer(mc_command* c, const udf_run* run, const mc_item* value)
{
    if (run->failure[0]) {
        mc_reply_entry(c, MC_OP_READ, UDF_STRING, (const uint8_t*)"FAILURE", 7,
                       (const uint8_t*)run->failure, (uint32_t)strlen(run->failure));
        return MC_UDF;
    }
    mc_op op = {.op = MC_OP_READ, .name = (const uint8_t*)"SUCCESS", .name_len = 7};
    mc_reply_answer(c, &op, value);
    return run->result;
}

void mc_udf(mc_command* c)
{
    if (!udf_is_sound(c->m)) {
        mc_reply_finish(c, MC_PARAMETER, 0, 0);
        return;
    }
    mc_record* found = mc_store_find(c->space->store, c->m->digest.data);
    bool seen = found && !found->tombstone;
    mc_record* live = seen && !mc_record_is_expired(found, c->void_now) ? found : NULL;
    uint32_t generation = seen ? found->generation : 0;
    uint32_t void_time = seen ? found->void_time : 0;
    int result = udf_check_record(c->m, live);
    udf_run run = {.exists = live};
    if (result == MC_OK) {
        run.args = udf_args(&run.arena, c->m->udf_args);
        if (live) {
            mc_bins_load(&run.bins, live->bins, live->bins_len);
        }
        result = udf_answer(c, &run, udf_call(&run, c));
    }
    if (result == MC_OK && run.has_updates) {
        mc_write_bins(c, found, live, &run.bins);
    } else {
        mc_reply_finish(c, result, generation, void_time);
    }
    mc_bins_done(&run.bins);
    mc_arena_done(&run.arena);
}

// ---- info ---------------------------------------------------------------------------------------

static bool udf_is_ours(const char* params)
{
    size_t len = 0;
    const char* name = mc_info_param(params, "filename", &len);
    return name && len == strlen(UDF_PACKAGE ".lua") && !memcmp(name, UDF_PACKAGE ".lua", len);
}

static void udf_put(mc_cluster* cluster, const char* params, mc_bytes* out)
{
    static const char why[] = "no Lua here: the one package is " UDF_PACKAGE;
    size_t len = 0;
    size_t digits = 0;
    const char* content = mc_info_param(params, "content", &len);
    const char* size = mc_info_param(params, "content-len", &digits);
    if (!content || !size || strtoul(size, NULL, 10) != len) {
        mc_bytes_text(out, "error=invalid_content");
    } else if (mc_base64_check(content, len) < 0) {
        mc_bytes_text(out, "error=invalid_base64_content");
    } else if (!udf_is_ours(params)) {
        mc_bytes_text(out, "error=compile_error;line=1;message=");
        mc_bytes_base64(out, (const uint8_t*)why, strlen(why));
    } else {
        cluster->udf_base64.len = 0;
        mc_bytes_add(&cluster->udf_base64, content, len);
        mc_bytes_u8(&cluster->udf_base64, 0);
        cluster->has_udf = true; // whatever it holds: the functions are those here
        mc_bytes_text(out, "ok");
    }
}

bool mc_info_udf(mc_conn* conn, const char* name, const char* params, mc_bytes* out)
{
    mc_cluster* cluster = conn->cluster;
    if (!strcmp(name, "udf-list")) {
        if (cluster->has_udf) {
            mc_bytes_format(out, "filename=" UDF_PACKAGE ".lua,hash=%040d,type=LUA;", 0);
        }
    } else if (!strcmp(name, "udf-put")) {
        udf_put(cluster, params, out);
    } else if (!strcmp(name, "udf-remove")) {
        cluster->has_udf = cluster->has_udf && !udf_is_ours(params);
        mc_bytes_text(out, "ok");
    } else if (!strcmp(name, "udf-get") && cluster->has_udf && udf_is_ours(params)) {
        mc_bytes_text(out, "type=LUA;content=");
        mc_bytes_text(out, (const char*)cluster->udf_base64.data);
        mc_bytes_text(out, ";");
    } else if (!strcmp(name, "udf-get")) {
        mc_bytes_text(out, "error=not_found");
    } else {
        return false;
    }
    return true;
}
