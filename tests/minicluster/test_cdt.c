// Operations on lists and maps: the worked examples of protocol/cdt-expressions.md 11.1 and 11.2
// byte by byte, the errors of sections 2 to 5, and the values of 1.5.
#include "cdt.h"
#include "testing.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    NONE = 0,
    LIST = 20,
    MAP = 19,
    INTEGER = 1
};

static mc_bytes unhex(const char* hex)
{
    mc_bytes bytes = {0};
    uint8_t room[512];
    mc_bytes_add(&bytes, room, testing_unhex(hex, room));
    return bytes;
}

static void assert_bytes(const char* what, const mc_bytes* got, const char* hex)
{
    mc_bytes expected = unhex(hex);
    if (got->len != expected.len || (got->len && memcmp(got->data, expected.data, got->len))) {
        fail_msg("%s: not %s", what, hex);
    }
    mc_bytes_done(&expected);
}

typedef struct example {
    const char* payload;
    uint8_t bin_type;
    const char* before;
    int result;
    uint8_t answer_type;
    const char* answer;
    const char* after; // NULL: as before
} example;

static void check(const example* e, bool modifies)
{
    mc_arena arena = {0};
    mc_bytes payload = unhex(e->payload);
    mc_bytes before = unhex(e->before);
    mc_op op = {.op = modifies ? MC_OP_CDT_MODIFY : MC_OP_CDT_READ, .type = 4};
    op.value = payload.data;
    op.len = (uint32_t)payload.len;
    mc_particle bin = {e->bin_type, before.data, (uint32_t)before.len};
    mc_item* answer;
    mc_item* root;
    int result = mc_cdt_run(&arena, &op, bin, &answer, &root);
    if (result != e->result) {
        fail_msg("%s: %d, not %d", e->payload, result, e->result);
    }
    if (result == MC_OK) {
        mc_bytes value = {0};
        assert_int_equal(mc_cdt_particle(&value, answer), e->answer_type);
        assert_bytes(e->payload, &value, e->answer);
        mc_bytes_done(&value);
        assert_true(modifies || !root);
        if (root) {
            mc_bytes after = {0};
            mc_cdt_particle(&after, root);
            assert_bytes(e->payload, &after, e->after ? e->after : e->before);
            mc_bytes_done(&after);
        } else {
            assert_null(e->after);
        }
    }
    mc_bytes_done(&payload);
    mc_bytes_done(&before);
    mc_arena_done(&arena);
}

#define N(last) "00000000000000" last

static void test_changes(void** state)
{
    (void)state;
    static const example examples[] = {
        {"92 01 05", LIST, "92 01 02", 0, INTEGER, N("03"), "93 01 02 05"},
        {"94 01 a2 03 78 01 05", NONE, "", 0, INTEGER, N("01"), "92 c7 00 01 a2 03 78"},
        {"92 02 92 01 a2 03 61", LIST, "92 01 02", 0, INTEGER, N("04"), "94 01 02 01 a2 03 61"},
        {"93 03 01 09", LIST, "92 01 02", 0, INTEGER, N("03"), "93 01 09 02"},
        {"95 0c 00 05 01 05", LIST, "92 01 02", 0, INTEGER, N("06"), "92 06 02"},
        {"92 05 ff", LIST, "93 01 02 03", 0, INTEGER, N("03"), "92 01 02"},
        {"93 23 05 05", LIST, "94 01 05 02 05", 0, INTEGER, N("02"), "92 01 02"},
        {"93 24 ce 00 01 00 05 92 01 02", LIST, "94 01 05 02 05", 0, INTEGER, N("02"), "92 01 02"},
        {"92 0d 02", LIST, "93 03 01 03", 0, NONE, "", "92 01 03"},
        {"92 00 01", LIST, "93 03 01 03", 0, NONE, "", "94 c7 00 01 01 03 03"},
        {"93 cc ff 92 10 ff 92 01 05", LIST, "92 01 92 02 03", 0, INTEGER, N("03"),
         "92 01 93 02 03 05"},
        {"94 43 a2 03 61 01 01", NONE, "", 0, INTEGER, N("01"), "82 c7 00 01 c0 a2 03 61 01"},
        {"95 43 a2 03 61 01 03 0d", MAP, "82 c7 00 01 c0 a2 03 61 01", 0, INTEGER, N("01"), NULL},
        {"94 41 a2 03 61 01 01", MAP, "82 c7 00 01 c0 a2 03 61 01", 24, 0, "", NULL},
        {"93 45 a2 03 61 07", MAP, "82 c7 00 01 c0 a2 03 61 01", 0, INTEGER, N("01"),
         "82 c7 00 01 c0 a2 03 61 07"},
        {"94 49 a2 03 61 0a 00", MAP, "82 c7 00 01 c0 a2 03 61 01", 0, INTEGER, N("0b"),
         "82 c7 00 01 c0 a2 03 61 0b"},
        {"94 54 06 a2 03 61 a2 03 63", MAP, "84 c7 00 01 c0 a2 03 61 01 a2 03 62 02 a2 03 63 03", 0,
         LIST, "92 a2 03 61 a2 03 62", "82 c7 00 01 c0 a2 03 63 03"},
        {"93 cc ff 92 22 a3 03 6b 31 94 43 a2 03 61 01 00", MAP,
         "82 c7 00 01 c0 a3 03 6b 31 81 c7 00 01 c0", 0, INTEGER, N("01"),
         "82 c7 00 01 c0 a3 03 6b 31 82 c7 00 01 c0 a2 03 61 01"},
        {"93 cc ff 92 cc a2 a3 03 6b 31 94 43 a2 03 61 01 01", NONE, "", 0, INTEGER, N("01"),
         "82 c7 00 01 c0 a3 03 6b 31 82 c7 00 01 c0 a2 03 61 01"},
        // e2: the map that encloses is key-value-ordered, what is made in it an ordered list
        {"93 cc ff 92 cc e2 a2 03 6b 92 00 01", NONE, "", 0, NONE, "",
         "82 c7 00 03 c0 a2 03 6b 91 c7 00 01"},
        {"93 cc ff 92 50 00 92 00 01", LIST, "91 92 02 01", 0, NONE, "", "91 93 c7 00 01 01 02"},
    };
    for (size_t i = 0; i < COUNT(examples); i++) {
        check(&examples[i], true);
    }
}

static void test_reads(void** state)
{
    (void)state;
    static const char abc[] = "84 c7 00 01 c0 a2 03 61 01 a2 03 62 02 a2 03 63 03";
    const example examples[] = {
        {"94 19 07 01 05", LIST, "94 01 05 02 05", 0, LIST, "92 01 02", NULL},
        {"95 1b 07 05 ff 03", LIST, "94 01 05 02 05", 0, LIST, "93 05 02 05", NULL},
        {"93 15 07 ff", LIST, "93 04 01 03", 0, INTEGER, N("04"), NULL},
        {"94 1a ce 00 01 00 07 fe 02", LIST, "93 04 01 03", 0, LIST, "91 01", NULL},
        {"93 17 0d 92 01 02", LIST, "93 04 01 03", 0, 17, "01", NULL},
        {"94 67 10 a2 03 61 a2 03 63", MAP, abc, 0, MAP, "82 a2 03 61 01 a2 03 62 02", NULL},
        {"93 6b 11 92 a2 03 61 a2 03 62", MAP, abc, 0, MAP,
         "83 c7 00 01 c0 a2 03 61 01 a2 03 62 02", NULL},
        {"93 6c 08 92 01 02", MAP, abc, 0, MAP, "83 c7 00 08 c0 a2 03 61 01 a2 03 62 02", NULL},
        {"95 6d 06 a2 03 62 ff 02", MAP, abc, 0, LIST, "92 a2 03 61 a2 03 62", NULL},
        {"93 64 07 ff", MAP, "84 c7 00 01 c0 a2 03 61 01 a2 03 62 05 a2 03 63 03", 0, INTEGER,
         N("05"), NULL},
        {"91 10", NONE, "", 0, NONE, "", NULL},
        {"93 61 10 a2 03 7a", MAP, abc, 0, MAP, "80", NULL},
    };
    for (size_t i = 0; i < COUNT(examples); i++) {
        check(&examples[i], false);
    }
}

static void test_refusals(void** state)
{
    (void)state;
    static const example modifies[] = {
        {"", LIST, "90", 4, 0, "", NULL},                  // nothing
        {"90", LIST, "90", 4, 0, "", NULL},                //
        {"91 01", LIST, "90", 4, 0, "", NULL},             // too few arguments
        {"95 01 01 00 00 00", LIST, "90", 4, 0, "", NULL}, // too many
        {"91 10", LIST, "90", 4, 0, "", NULL},             // a read
        {"92 0e 01", LIST, "90", 4, 0, "", NULL},          // no code
        {"92 01 d4 ff 00", LIST, "90", 4, 0, "", NULL},    // a wildcard to store
        {"92 01 05", MAP, "80", 12, 0, "", NULL},
        {"92 01 05", INTEGER, "", 12, 0, "", NULL},
        {"92 00 05", LIST, "90", 26, 0, "", NULL},
        {"94 43 c0 01 00", MAP, "80", 4, 0, "", NULL},                        // a nil key
        {"93 cc ff 90 92 01 05", LIST, "90", 4, 0, "", NULL},                 // an empty context
        {"93 cc ff 91 10 92 01 05", LIST, "90", 4, 0, "", NULL},              // half a step
        {"93 cc ff 92 10 00 92 01 05", INTEGER, "", 4, 0, "", NULL},          // no container
        {"93 cc ff 92 10 00 92 01 05", NONE, "", 26, 0, "", NULL},            // nothing there
        {"93 cc ff 92 22 05 92 01 05", LIST, "90", 26, 0, "", NULL},          // a map's step
        {"93 cc ff 92 10 a1 03 92 01 05", LIST, "91 90", 26, 0, "", NULL},    // no index
        {"93 cc ff 92 04 c3 92 01 05", LIST, "91 90", 26, 0, "", NULL},       // a path's step
        {"93 cc fe 92 04 c3 00", LIST, "91 90", 4, 0, "", NULL},              // a path
        {"93 cc ff 94 10 00 10 00 92 01 05", LIST, "91 05", 26, 0, "", NULL}, // through a scalar
        {"93 cc ff 92 51 00 92 01 05", LIST, "90", 26, 0, "", NULL},          // ranks make nothing
        {"93 cc ff 92 10 00 93 cc ff 92 10 00 92 01 05", LIST, "91 91 90", 4, 0, "", NULL},
    };
    for (size_t i = 0; i < COUNT(modifies); i++) {
        check(&modifies[i], true);
    }
    static const example reads[] = {
        {"93 13 0e 00", LIST, "91 01", 26, 0, "", NULL}, // return types
        {"93 13 06 00", LIST, "91 01", 26, 0, "", NULL},
        {"93 13 ce 00 01 00 07 00", LIST, "91 01", 26, 0, "", NULL},
        {"93 13 07 01", LIST, "91 01", 26, 0, "", NULL}, // out of bounds
        {"93 6b 03 91 01", MAP, "81 01 01", 26, 0, "", NULL},
        {"92 01 05", LIST, "90", 4, 0, "", NULL}, // a modification
    };
    for (size_t i = 0; i < COUNT(reads); i++) {
        check(&reads[i], false);
    }
}

static void test_whole_values(void** state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char* value;
        const char* stored; // NULL: refused
    } cases[] = {
        {LIST, "92 cd 00 01 d1 ff ff", "92 01 ff"}, // not in the shortest form
        {LIST, "dc 00 01 c4 02 04 05", "91 a2 04 05"},
        {LIST, "91 ca 3f 80 00 00", "91 ca 3f 80 00 00"},
        {MAP, "83 a2 03 7a 01 a2 03 61 02 05 03", "83 05 03 a2 03 61 02 a2 03 7a 01"},
        {MAP, "82 c7 00 00 c0 01 02", "81 01 02"},
        {MAP, "82 c7 00 02 c0 01 02", "82 c7 00 02 c0 01 02"},
        {MAP, "82 c7 00 01 05 01 02", "82 c7 00 01 c0 01 02"},
        {LIST, "92 c7 00 61 01", "92 c7 00 01 01"}, // unknown flags
        {LIST, "92 05 d4 05 00", "92 05 d4 05 00"},
        {LIST, "93 c7 00 01 02 01", NULL}, // not in the order that it claims
        {MAP, "83 c7 00 01 c0 02 00 01 00", NULL},
        {MAP, "82 01 00 01 00", NULL}, // a key twice
        {MAP, "81 c0 00", NULL},       // keys of other types
        {MAP, "81 c2 00", NULL},
        {MAP, "81 90 00", NULL},
        {MAP, "81 a2 17 7b 00", NULL},
        {MAP, "81 a0 00", NULL},
        {LIST, "91 d4 ff 00", NULL}, // a wildcard
        {LIST, "91 91 d4 ff 01", NULL},
        {LIST, "91 01 02", NULL}, // left over
        {LIST, "92 01", NULL},
        {LIST, "", NULL},
        {LIST, "91 c1", NULL},
        {LIST, "80", NULL},
        {MAP, "90", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mc_bytes value = unhex(cases[i].value);
        int result = mc_value_check(cases[i].type, value.data, (uint32_t)value.len);
        if (result != (cases[i].stored ? MC_OK : MC_UNKNOWN)) {
            fail_msg("%s: %d", cases[i].value, result);
        }
        if (cases[i].stored) {
            mc_bytes stored = {0};
            mc_value_normalize(&stored, cases[i].type, value.data, (uint32_t)value.len);
            assert_bytes(cases[i].value, &stored, cases[i].stored);
            mc_bytes_done(&stored);
        }
        mc_bytes_done(&value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_whole_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
