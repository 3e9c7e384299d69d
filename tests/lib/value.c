#include "tests/lib/value.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_msgpack_ext.h>
#include <aerospike/as_types.h>

static as_val* parse(const char** at);

static void skip_spaces(const char** at)
{
    while (**at == ' ') {
        (*at)++;
    }
}

static bool accept(const char** at, const char* word)
{
    size_t size = strlen(word);
    if (strncmp(*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static void expect(const char** at, const char* word)
{
    skip_spaces(at);
    if (!accept(at, word)) {
        fail_msg("'%s' expected at '%s'", word, *at);
    }
    skip_spaces(at);
}

/* Up to the closing quote. */
static char* parse_quoted(const char** at)
{
    const char* end = strchr(*at, '"');
    assert_non_null(end);
    char* text = strndup(*at, (size_t)(end - *at));
    *at = end + 1;
    return text;
}

static as_val* parse_hex(const char** at)
{
    unsigned type = AS_BYTES_BLOB;
    if (isdigit((unsigned char)**at)) {
        type = (unsigned)strtoul(*at, (char**)at, 10);
    }
    expect(at, "\"");
    char* hex = parse_quoted(at);
    size_t size = strlen(hex) / 2;
    uint8_t* data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        data[i] = (uint8_t)byte;
    }
    free(hex);
    as_bytes* bytes = as_bytes_new_wrap(data, (uint32_t)size, true);
    as_bytes_set_type(bytes, (as_bytes_type)type);
    return (as_val*)bytes;
}

static as_val* parse_list(const char** at)
{
    as_arraylist* list = as_arraylist_new(4, 4);
    skip_spaces(at);
    while (!accept(at, "]")) {
        if (list->size > 0) {
            expect(at, ",");
        }
        assert_int_equal(as_arraylist_append(list, parse(at)), 0);
        skip_spaces(at);
    }
    return (as_val*)list;
}

static as_val* parse_map(const char** at, uint32_t flags)
{
    as_orderedmap* map = as_orderedmap_new(4);
    as_orderedmap_set_flags(map, flags);
    skip_spaces(at);
    while (!accept(at, "}")) {
        if (map->count > 0) {
            expect(at, ",");
        }
        as_val* key = parse(at);
        expect(at, ":");
        assert_int_equal(as_orderedmap_set(map, key, parse(at)), 0);
        skip_spaces(at);
    }
    return (as_val*)map;
}

static as_val* parse_pair(const char** at)
{
    as_val* first = parse(at);
    expect(at, ",");
    as_val* second = parse(at);
    expect(at, ")");
    return (as_val*)as_pair_new(first, second);
}

static as_val* parse_number(const char** at)
{
    size_t size = strspn(*at, "+-0123456789.e");
    char* end;
    char text[64];
    if (size == 0 || size >= sizeof(text)) {
        fail_msg("no value at '%s'", *at);
    }
    memcpy(text, *at, size);
    text[size] = '\0';
    *at += size;
    if (strpbrk(text, ".e")) {
        return (as_val*)as_double_new(strtod(text, &end));
    }
    return (as_val*)as_integer_new(strtoll(text, &end, 10));
}

static as_val* parse(const char** at)
{
    static const struct {
        const char* word;
        const as_val* value;
    } words[] = {
        {"NIL", &as_nil},     {"true", &as_true._},    {"false", &as_false._},
        {"INF", &as_cmp_inf}, {"*", &as_cmp_wildcard},
    };
    skip_spaces(at);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (accept(at, words[i].word)) {
            return (as_val*)words[i].value;
        }
    }
    if (accept(at, "[")) {
        return parse_list(at);
    }
    if (accept(at, "K{")) {
        return parse_map(at, 1);
    }
    if (accept(at, "V{")) {
        return parse_map(at, 3);
    }
    if (accept(at, "{")) {
        return parse_map(at, 0);
    }
    if (accept(at, "(")) {
        return parse_pair(at);
    }
    if (accept(at, "x")) {
        return parse_hex(at);
    }
    if (accept(at, "g\"")) {
        return (as_val*)as_geojson_new(parse_quoted(at), true);
    }
    if (accept(at, "\"")) {
        return (as_val*)as_string_new(parse_quoted(at), true);
    }
    return parse_number(at);
}

as_val* test_value(const char* text)
{
    if (!text) {
        return NULL;
    }
    as_val* val = parse(&text);
    skip_spaces(&text);
    if (*text) {
        fail_msg("left over: '%s'", text);
    }
    return val;
}

const char* test_text(const as_val* val)
{
    static char* texts[8];
    static unsigned next;
    char** text = &texts[next++ % 8];
    free(*text);
    *text = as_val_tostring(val);
    return *text ? *text : "(null)";
}
