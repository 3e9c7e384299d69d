/*
 * Msgpack both ways: the byte vectors of protocol/cdt-expressions.md 1, every head and width,
 * hostile bytes, limits.
 */
#include "core/msgpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_msgpack_serializer.h>
#include <aerospike/as_types.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/lib/value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Lower-case hex with spaces. */
static test_bytes hex(const char* text)
{
    char* plain = malloc(strlen(text) + 1);
    size_t size = 0;
    for (; *text; text++) {
        if (*text != ' ') {
            plain[size++] = *text;
        }
    }
    plain[size] = '\0';
    test_bytes bytes = test_bytes_hex(plain);
    free(plain);
    return bytes;
}

static tnd_buf pack(const as_val* val, bool may_compare)
{
    tnd_buf buf;
    uint64_t size = 0;
    const char* reason = "";
    if (!tnd_msgpack_size(val, may_compare, &size, &reason)) {
        fail_msg("%s", reason);
    }
    tnd_buf_init(&buf, size);
    tnd_msgpack_append(&buf, val);
    assert_true(tnd_buf_is_ok(&buf));
    assert_int_equal(buf.size, size);
    return buf;
}

/* Bytes that a value becomes, and that become it again. */
static void assert_both_ways(const char* text, const char* bytes)
{
    as_val* val = test_value(text);
    test_bytes expected = hex(bytes);
    tnd_buf buf = pack(val, true);
    assert_int_equal(buf.size, expected.size);
    assert_memory_equal(buf.data, expected.data, expected.size);
    as_val* back = NULL;
    assert_int_equal(tnd_msgpack_unpack(expected.data, expected.size, &back), TND_MSGPACK_OK);
    assert_string_equal(test_text(back), test_text(val));
    assert_int_equal(back->type, val->type);
    if (back->type == AS_BYTES) {
        assert_int_equal(((as_bytes*)back)->type, ((as_bytes*)val)->type);
    }
    if (back->type == AS_MAP) {
        assert_int_equal(((as_map*)back)->flags, ((as_map*)val)->flags);
    }
    /* Cut anywhere it is nothing. */
    for (size_t cut = 0; cut < expected.size; cut++) {
        test_bytes part = test_bytes_copy(expected.data, cut);
        as_val* none = NULL;
        assert_int_equal(tnd_msgpack_unpack(part.data, part.size, &none), TND_MSGPACK_BAD);
        assert_null(none);
        test_bytes_done(&part);
    }
    as_val_destroy(back);
    as_val_destroy(val);
    tnd_buf_done(&buf);
    test_bytes_done(&expected);
}

/* ---- the vectors ---- */

static void scalars(void** state)
{
    (void)state;
    static const char* const vectors[][2] = {
        {"NIL", "c0"},
        {"false", "c2"},
        {"true", "c3"},
        {"0", "00"},
        {"127", "7f"},
        {"128", "cc 80"},
        {"255", "cc ff"},
        {"256", "cd 01 00"},
        {"65535", "cd ff ff"},
        {"65536", "ce 00 01 00 00"},
        {"2147483648", "ce 80 00 00 00"},
        {"4294967295", "ce ff ff ff ff"},
        {"4294967296", "cf 00 00 00 01 00 00 00 00"},
        {"9223372036854775807", "cf 7f ff ff ff ff ff ff ff"},
        {"-1", "ff"},
        {"-32", "e0"},
        {"-33", "d0 df"},
        {"-128", "d0 80"},
        {"-129", "d1 ff 7f"},
        {"-32768", "d1 80 00"},
        {"-32769", "d2 ff ff 7f ff"},
        {"-2147483648", "d2 80 00 00 00"},
        {"-2147483649", "d3 ff ff ff ff 7f ff ff ff"},
        {"-9223372036854775808", "d3 80 00 00 00 00 00 00 00"},
        {"1.5", "cb 3f f8 00 00 00 00 00 00"},
        {"*", "d4 ff 00"},
        {"INF", "d4 ff 01"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_both_ways(vectors[i][0], vectors[i][1]);
    }
}

static void texts_and_bytes(void** state)
{
    (void)state;
    assert_both_ways("\"\"", "a1 03");
    assert_both_ways("\"abc\"", "a4 03 61 62 63");
    assert_both_ways("x\"010203\"", "a4 04 01 02 03");
    assert_both_ways("x\"\"", "a1 04");
    assert_both_ways("g\"{}\"", "a3 17 7b 7d");
    assert_both_ways("x18\"010203\"", "a4 12 01 02 03");
    assert_both_ways("x7\"61\"", "a2 07 61");
    assert_both_ways("x16\"61\"", "a2 10 61");
    /* Heads by size, the type byte counted. */
    static const struct {
        size_t chars;
        const char* head;
    } sizes[] = {
        {30, "bf"},        {31, "d9 20"},       {254, "d9 ff"},
        {255, "da 01 00"}, {65534, "da ff ff"}, {65535, "db 00 01 00 00"},
    };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char* text = malloc(sizes[i].chars + 1);
        memset(text, 'x', sizes[i].chars);
        text[sizes[i].chars] = '\0';
        as_string* string = as_string_new(text, true);
        tnd_buf buf = pack((as_val*)string, false);
        test_bytes head = hex(sizes[i].head);
        assert_memory_equal(buf.data, head.data, head.size);
        assert_int_equal(buf.data[head.size], 3);
        assert_int_equal(buf.size, head.size + 1 + sizes[i].chars);
        as_val* back;
        assert_int_equal(tnd_msgpack_unpack(buf.data, buf.size, &back), TND_MSGPACK_OK);
        assert_string_equal(as_string_get((as_string*)back), text);
        assert_int_equal(as_string_len((as_string*)back), sizes[i].chars);
        as_val_destroy(back);
        as_string_destroy(string);
        test_bytes_done(&head);
        tnd_buf_done(&buf);
    }
}

static void lists_and_maps(void** state)
{
    (void)state;
    static const char* const vectors[][2] = {
        {"[]", "90"},
        {"{}", "80"},
        {"K{}", "81 c7 00 01 c0"},
        {"[1, \"a\"]", "92 01 a2 03 61"},
        {"K{\"a\":1}", "82 c7 00 01 c0 a2 03 61 01"},
        {"V{\"a\":1}", "82 c7 00 03 c0 a2 03 61 01"},
        {"{\"k\":7}", "81 a2 03 6b 07"},
        {"K{7:\"z\", \"a\":1, \"b\":2}", "84 c7 00 01 c0 07 a2 03 7a a2 03 61 01 a2 03 62 02"},
        {"[*]", "91 d4 ff 00"},
        {"[5, \"abc\", 1.5]", "93 05 a4 03 61 62 63 cb 3f f8 00 00 00 00 00 00"},
        {"[[1, [2, {3:[]}]], K{x\"ff\":K{}}]",
         "92 92 01 92 02 81 03 90 82 c7 00 01 c0 a2 04 ff 81 c7 00 01 c0"},
        {"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]",
         "9f 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e"},
        {"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]",
         "dc 00 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_both_ways(vectors[i][0], vectors[i][1]);
    }
    /* A pair is a list of two; a list's own flags aren't sent. */
    as_val* pair = test_value("(1, [2])");
    tnd_buf buf = pack(pair, false);
    assert_int_equal(buf.size, 4);
    assert_memory_equal(buf.data, "\x92\x01\x91\x02", 4);
    tnd_buf_done(&buf);
    as_val_destroy(pair);
    as_list* list = (as_list*)test_value("[1]");
    list->flags = 1;
    buf = pack((as_val*)list, false);
    assert_memory_equal(buf.data, "\x91\x01", 2);
    tnd_buf_done(&buf);
    as_list_destroy(list);
    buf = pack(NULL, false);
    assert_memory_equal(buf.data, "\xc0", 1);
    tnd_buf_done(&buf);
}

static void wide_lists_and_maps(void** state)
{
    (void)state;
    static const uint32_t sizes[] = {16, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        as_arraylist* list = as_arraylist_new(sizes[i], 1);
        as_orderedmap* map = as_orderedmap_new(sizes[i]);
        for (uint32_t n = 0; n < sizes[i]; n++) {
            as_arraylist_append(list, NULL);
            as_orderedmap_set(map, (as_val*)as_integer_new(n), NULL);
        }
        as_val* values[] = {(as_val*)list, (as_val*)map};
        for (int k = 0; k < 2; k++) {
            tnd_buf buf = pack(values[k], false);
            as_val* back;
            assert_int_equal(tnd_msgpack_unpack(buf.data, buf.size, &back), TND_MSGPACK_OK);
            assert_int_equal(as_val_cmp(back, values[k]), MSGPACK_COMPARE_EQUAL);
            as_val_destroy(back);
            as_val_destroy(values[k]);
            tnd_buf_done(&buf);
        }
    }
}

/* ---- what others may send ---- */

static void decodes(const char* bytes, const char* text)
{
    test_bytes given = hex(bytes);
    as_val* val = NULL;
    assert_int_equal(tnd_msgpack_unpack(given.data, given.size, &val), TND_MSGPACK_OK);
    assert_string_equal(test_text(val), text);
    as_val_destroy(val);
    test_bytes_done(&given);
}

static void refuses(const char* bytes, tnd_msgpack_outcome outcome)
{
    test_bytes given = hex(bytes);
    as_val* val = NULL;
    tnd_mem_fail(0, 0);
    tnd_msgpack_outcome got = tnd_msgpack_unpack(given.data, given.size, &val);
    if (got != outcome) {
        fail_msg("%s: %d, not %d", bytes, (int)got, (int)outcome);
    }
    assert_null(val);
    test_bytes_done(&given);
}

static void accepts_every_width(void** state)
{
    (void)state;
    decodes("cc 01", "1");
    decodes("cd 00 01", "1");
    decodes("ce 00 00 00 01", "1");
    decodes("cf 00 00 00 00 00 00 00 01", "1");
    decodes("cf ff ff ff ff ff ff ff ff", "-1"); /* out of range: as the official client reads it */
    decodes("d0 05", "5");
    decodes("d1 ff ff", "-1");
    decodes("d2 ff ff ff fe", "-2");
    decodes("d3 ff ff ff ff ff ff ff fd", "-3");
    decodes("ca 3f 80 00 00", "1");
    decodes("c4 02 03 61", "\"a\"");
    decodes("c5 00 02 04 ff", "FF");
    decodes("c6 00 00 00 02 03 61", "\"a\"");
    decodes("d9 02 03 61", "\"a\"");
    decodes("da 00 02 03 61", "\"a\"");
    decodes("db 00 00 00 02 03 61", "\"a\"");
    decodes("dc 00 01 05", "[5]");
    decodes("dd 00 00 00 01 05", "[5]");
    decodes("de 00 01 05 06", "{5:6}");
    decodes("df 00 00 00 01 05 06", "{5:6}");
    decodes("83 03 00 01 00 02 00", "{1:0, 2:0, 3:0}"); /* unsorted */
    decodes("82 01 05 01 06", "{1:6}");                 /* a key twice: the last one */
    as_val* untyped = NULL;
    assert_int_equal(tnd_msgpack_unpack("\xa0", 1, &untyped), TND_MSGPACK_OK);
    assert_int_equal(((as_bytes*)untyped)->type, AS_BYTES_UNDEF);
    assert_int_equal(((as_bytes*)untyped)->size, 0);
    as_val_destroy(untyped);
}

static void understands_extensions(void** state)
{
    (void)state;
    decodes("93 c7 00 01 01 02", "[1, 2]");
    decodes("91 c7 00 01", "[]");
    decodes("92 c7 03 11 61 62 63 05", "[5]");   /* any extension in the first place is one */
    decodes("93 05 d4 05 00 06", "[5, NIL, 6]"); /* foreign data */
    decodes("93 05 c9 00 00 00 02 07 61 62 06", "[5, NIL, 6]");
    decodes("92 05 d8 07 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f", "[5, NIL]");
    decodes("92 d4 ff 00 05", "[*, 5]"); /* but these are values anywhere */
    decodes("91 d4 ff 01", "[INF]");
    decodes("82 c7 00 01 c0 05 06", "{5:6}");
    decodes("82 c7 00 01 92 01 91 02 05 06", "{5:6}"); /* the value beside it means nothing */
    decodes("83 c7 00 08 c0 a2 03 78 01 a2 03 61 02", "[\"x\", 1, \"a\", 2]");
    decodes("81 c7 00 08 c0", "[]");
    as_val* val;
    test_bytes ordered = hex("92 c7 00 11 01");
    assert_int_equal(tnd_msgpack_unpack(ordered.data, ordered.size, &val), TND_MSGPACK_OK);
    assert_int_equal(((as_list*)val)->flags, 0x11);
    as_val_destroy(val);
    test_bytes_done(&ordered);
}

static void refuses_what_is_not_sound(void** state)
{
    (void)state;
    static const char* const bad[] = {
        "",                     /* nothing */
        "c1",                   /* no type */
        "01 02",                /* left over */
        "92 01",                /* counts beyond the end */
        "dd ff ff ff ff",       /* of four thousand million */
        "df ff ff ff ff 01 02", /* likewise */
        "dc ff ff 01",
        "81 01",
        "91 81 01",
        "db ff ff ff ff 03",
        "c9 ff ff ff ff 01",
        "91 c1",
        "d4 ff",
        "c7",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        tnd_mem_fail(1, UINT64_MAX); /* and nothing is allocated for it */
        test_bytes given = hex(bad[i]);
        as_val* val = NULL;
        assert_int_equal(tnd_msgpack_unpack(given.data, given.size, &val), TND_MSGPACK_BAD);
        assert_int_equal(tnd_mem_allocations(), 0);
        tnd_mem_fail(0, 0);
        test_bytes_done(&given);
    }
    static const char* const unsupported[] = {
        "81 c0 01", /* a key of nil, */
        "81 c2 01", /* boolean, */
        "81 cb 00 00 00 00 00 00 00 00 01",
        "81 90 01", /* list, */
        "81 80 01",
        "81 a2 17 7b 01", /* GeoJSON, */
        "81 a2 12 01 01", /* HLL, */
        "81 a0 01",       /* nothing at all; */
        "82 05 01 d4 05 00 01",
        "92 a2 03 61 82 05 91 a2 03 62 c0 00", /* within what is made already */
    };
    for (size_t i = 0; i < COUNT(unsupported); i++) {
        refuses(unsupported[i], TND_MSGPACK_UNSUPPORTED);
    }
}

/* ---- memory ---- */

/* What many of these take in a list, each beside its own bytes. */
static double bytes_per_value(const char* element_hex, unsigned values_each)
{
    enum {
        MANY = 50000
    };
    test_bytes element = hex(element_hex);
    tnd_buf list;
    as_val* val = NULL;
    tnd_buf_init(&list, SIZE_MAX);
    tnd_msgpack_append_list_head(&list, MANY);
    for (int i = 0; i < MANY; i++) {
        tnd_buf_append_bytes(&list, element.data, element.size);
    }
    int64_t before = tnd_mem_bytes();
    assert_int_equal(tnd_msgpack_unpack(list.data, list.size, &val), TND_MSGPACK_OK);
    double taken = (double)(tnd_mem_bytes() - before) - (double)list.size;
    as_val_destroy(val);
    tnd_buf_done(&list);
    test_bytes_done(&element);
    return taken / (1 + (double)MANY * values_each);
}

/* The stated bound holds for whatever is worst on the wire: a value in a byte or two. */
static void memory_is_bounded(void** state)
{
    (void)state;
    static const struct {
        const char* hex;
        unsigned values;
    } cases[] = {
        {"01", 1},
        {"c0", 1},
        {"cb 3ff8000000000000", 1},
        {"a0", 1},
        {"a1 03", 1},
        {"a2 03 61", 1},
        {"a1 17", 1},
        {"a2 04 61", 1},
        {"90", 1},
        {"91 01", 2},
        {"91 90", 2},
        {"91 91 91 91 90", 5},
        {"80", 1},
        {"81 01 02", 3},
        {"81 a1 03 80", 3},
        {"82 01 80 02 90", 5},
        {"81 01 81 01 81 01 90", 7},
        {"91 c7 00 01", 2},
    };
    double worst = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double bytes = bytes_per_value(cases[i].hex, cases[i].values);
        worst = bytes > worst ? bytes : worst;
        if (bytes > TND_MSGPACK_VALUE_BYTES_MAX) {
            fail_msg("%s: %.1f bytes a value", cases[i].hex, bytes);
        }
    }
    print_message("%.1f bytes a value at most\n", worst);
}

static void values_may_be_limited(void** state)
{
    (void)state;
    test_bytes given = hex("93 01 92 02 03 81 04 05"); /* eight values */
    as_val* val = NULL;
    uint64_t left = 7;
    assert_int_equal(tnd_msgpack_unpack_within(given.data, given.size, &left, &val),
                     TND_MSGPACK_UNSUPPORTED);
    assert_int_equal(left, 7);
    assert_null(val);
    left = 9;
    assert_int_equal(tnd_msgpack_unpack_within(given.data, given.size, &left, &val),
                     TND_MSGPACK_OK);
    assert_int_equal(left, 1);
    as_val_destroy(val);
    assert_int_equal(tnd_msgpack_unpack_within(given.data, given.size - 1, &left, &val),
                     TND_MSGPACK_BAD);
    test_bytes_done(&given);
}

/* ---- depth ---- */

static void stops_at_a_depth(void** state)
{
    (void)state;
    enum {
        DEEPEST = 100000
    };
    uint8_t* bytes = malloc(DEEPEST);
    memset(bytes, 0x91, DEEPEST);
    for (size_t depth = 1; depth < DEEPEST; depth = depth < 250 ? depth + 50 : depth * 2) {
        bytes[depth] = 0x90;
        as_val* val = NULL;
        bool fits = depth + 1 <= TND_MSGPACK_DEPTH_MAX;
        assert_int_equal(tnd_msgpack_unpack(bytes, depth + 1, &val),
                         fits ? TND_MSGPACK_OK : TND_MSGPACK_UNSUPPORTED);
        as_val_destroy(val);
        bytes[depth] = 0x91;
    }
    bytes[TND_MSGPACK_DEPTH_MAX - 1] = 0x90;
    as_val* val = NULL;
    assert_int_equal(tnd_msgpack_unpack(bytes, TND_MSGPACK_DEPTH_MAX, &val), TND_MSGPACK_OK);
    tnd_buf buf = pack(val, false);
    assert_int_equal(buf.size, TND_MSGPACK_DEPTH_MAX);
    assert_memory_equal(buf.data, bytes, buf.size);
    tnd_buf_done(&buf);
    as_arraylist* outer = as_arraylist_new(1, 0);
    as_arraylist_append(outer, val);
    uint64_t size;
    const char* reason = NULL;
    assert_false(tnd_msgpack_size((as_val*)outer, false, &size, &reason));
    assert_non_null(strstr(reason, "256"));
    as_arraylist_destroy(outer);
    free(bytes);
}

/* ---- values that can't be packed ---- */

static void refuses_values_without_a_form(void** state)
{
    (void)state;
    uint64_t size = 77;
    const char* reason;
    static const char* const bad[][2] = {
        {"*", "stored"},      {"[1, INF]", "stored"},  {"{1:[*]}", "stored"},
        {"x0\"01\"", "type"}, {"[x19\"80\"]", "type"}, {"[x20\"90\"]", "type"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        as_val* val = test_value(bad[i][0]);
        reason = NULL;
        assert_false(tnd_msgpack_size(val, false, &size, &reason));
        assert_non_null(strstr(reason, bad[i][1]));
        as_val_destroy(val);
    }
    as_rec rec;
    as_rec_cons(&rec, false, NULL, NULL);
    assert_false(tnd_msgpack_size((as_val*)&rec, true, &size, &reason));
    as_val none = {0};
    assert_false(tnd_msgpack_size(&none, true, &size, &reason));
    as_map bare; /* without hooks: empty */
    as_map_init(&bare, NULL);
    assert_true(tnd_msgpack_size((as_val*)&bare, true, &size, &reason));
    assert_int_equal(size, 1);
}

/* ---- memory ---- */

static void survives_lack_of_memory(void** state)
{
    (void)state;
    as_val* val = test_value("[1, \"text\", x\"01\", g\"{}\", 1.5, {1:[2], \"k\":K{3:\"v\"}}]");
    tnd_buf buf = pack(val, false);
    as_val* back = NULL;
    bool is_done = false;
    for (uint64_t n = 1; !is_done; n++) {
        tnd_mem_fail(n, 1);
        tnd_msgpack_outcome outcome = tnd_msgpack_unpack(buf.data, buf.size, &back);
        is_done = outcome == TND_MSGPACK_OK;
        assert_true(is_done || outcome == TND_MSGPACK_NO_MEMORY);
        assert_true(n < 100);
    }
    tnd_mem_fail(0, 0);
    assert_int_equal(as_val_cmp(val, back), MSGPACK_COMPARE_EQUAL);
    as_val_destroy(back);
    as_val_destroy(val);
    tnd_buf_done(&buf);
}

/* ---- the cursor's forms ---- */

static void fetches_one_after_the_other(void** state)
{
    (void)state;
    test_bytes bytes = hex("93 01 02 03 a2 03 61 c1 05");
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, bytes.data, bytes.size);
    assert_true(tnd_msgpack_skip(&cursor));
    assert_int_equal(cursor.pos, 4);
    as_val* val = NULL;
    assert_int_equal(tnd_msgpack_fetch(&cursor, &val), TND_MSGPACK_OK);
    assert_string_equal(test_text(val), "\"a\"");
    as_val_destroy(val);
    assert_false(tnd_msgpack_skip(&cursor));
    assert_int_equal(tnd_msgpack_fetch(&cursor, &val), TND_MSGPACK_BAD);
    assert_int_equal(cursor.pos, 7);
    assert_false(cursor.is_short);
    test_bytes_done(&bytes);
}

/* ---- the public parts ---- */

static void packs_pieces(void** state)
{
    (void)state;
    unsigned char room[32];
    as_packer pk = {.buffer = NULL};
    for (int round = 0; round < 2; round++) {
        assert_int_equal(as_pack_list_header(&pk, 3), 0);
        assert_int_equal(as_pack_ext_header(&pk, 0, 1), 0);
        assert_int_equal(as_pack_nil(&pk), 0);
        assert_int_equal(as_pack_map_header(&pk, 70000), 0);
        assert_int_equal(as_pack_int64(&pk, -129), 0);
        assert_int_equal(as_pack_append(&pk, (const unsigned char*)"xy", 2), 0);
        assert_int_equal(pk.offset, 15);
        if (round == 0) {
            pk = (as_packer){.buffer = room, .capacity = 15};
        }
    }
    assert_memory_equal(room, "\x93\xc7\x00\x01\xc0\xdf\x00\x01\x11\x70\xd1\xff\x7f\x78\x79", 15);
    assert_int_equal(as_pack_nil(&pk), -1);
    static const struct {
        uint32_t size;
        const char* head;
    } exts[] = {{0, "c7 00 05"},      {1, "d4 05"},
                {2, "d5 05"},         {3, "c7 03 05"},
                {4, "d6 05"},         {8, "d7 05"},
                {16, "d8 05"},        {17, "c7 11 05"},
                {256, "c8 01 00 05"}, {65536, "c9 00 01 00 00 05"}};
    for (size_t i = 0; i < COUNT(exts); i++) {
        test_bytes head = hex(exts[i].head);
        pk = (as_packer){.buffer = room, .capacity = sizeof(room)};
        assert_int_equal(as_pack_ext_header(&pk, exts[i].size, 5), 0);
        assert_int_equal(pk.offset, head.size);
        assert_memory_equal(room, head.data, head.size);
        test_bytes_done(&head);
    }
}

static void serializes(void** state)
{
    (void)state;
    as_serializer serializer;
    as_buffer buffer;
    as_val* val = test_value("[1, K{\"a\":\"b\"}]");
    as_val* back = NULL;
    as_msgpack_init(&serializer);
    as_buffer_init(&buffer);
    assert_int_equal(as_serializer_serialize(&serializer, val, &buffer), 0);
    assert_int_equal(buffer.size, as_serializer_serialize_getsize(&serializer, val));
    assert_int_equal(as_serializer_deserialize(&serializer, &buffer, &back), 0);
    assert_string_equal(test_text(back), test_text(val));
    uint8_t room[64];
    assert_int_equal(as_serializer_serialize_presized(&serializer, val, room), buffer.size);
    assert_memory_equal(room, buffer.data, buffer.size);
    buffer.size--;
    as_val* none = NULL;
    assert_int_not_equal(as_serializer_deserialize(&serializer, &buffer, &none), 0);
    as_buffer_destroy(&buffer);
    as_val_destroy(back);
    as_val_destroy(val);
    as_serializer_destroy(&serializer);
    as_serializer* made = as_msgpack_new();
    as_rec rec;
    as_rec_cons(&rec, false, NULL, NULL);
    assert_int_not_equal(as_serializer_serialize(made, (as_val*)&rec, &buffer), 0);
    assert_int_equal(as_serializer_serialize_getsize(made, (as_val*)&rec), 0);
    assert_int_equal(as_serializer_serialize_presized(made, (as_val*)&rec, room), -1);
    as_serializer_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(texts_and_bytes),
        cmocka_unit_test(lists_and_maps),
        cmocka_unit_test(wide_lists_and_maps),
        cmocka_unit_test(accepts_every_width),
        cmocka_unit_test(understands_extensions),
        cmocka_unit_test(refuses_what_is_not_sound),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(values_may_be_limited),
        cmocka_unit_test(stops_at_a_depth),
        cmocka_unit_test(refuses_values_without_a_form),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(fetches_one_after_the_other),
        cmocka_unit_test(packs_pieces),
        cmocka_unit_test(serializes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
