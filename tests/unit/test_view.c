/*
 * The view of the cluster, as a table: a script of observations and questions, and what the view
 * answers. Words of a script, separated by ';':
 *
 *     admit N A        node N answered at address A (a number); prints new, same or moved
 *     see N A          a peer's list gives N the address A
 *     poll N P G       peers generation, partition generation; prints what the poll means
 *     fail N | unready N
 *     renamed N A      another node answers at N's address A; prints `gone` if N is
 *     peers N N N ...  its list of peers; unknown ones become candidates
 *     map N NS R F C0 [C1 [C2]]  claims by column, "a-b" or "-" for none; then its generation is
 * kept settle T         prints the nodes to drop drain T          publish all words node I S G N A
 * | ns NS F SC | part NS P I0 I1 I2 R   inherit ? N              what to ask it: P = peers, M =
 * map, - = nothing word NS P        owners' indexes, '!' if one has no index, '@' regime dir
 * index:name:generation:state, and if dirty; clears that count            active/unplaced nodes,
 * namespaces/surplus settled
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/view.h"

typedef struct script {
    tnd_view* view;
    char out[4096];
    size_t out_size;
    char* words[16];
    int words_count;
} script;

static void __attribute__((format(printf, 2, 3))) say(script* s, const char* fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (s->out_size > 0 && s->out_size < sizeof(s->out) - 1) {
        s->out[s->out_size++] = ' ';
    }
    int size = vsnprintf(s->out + s->out_size, sizeof(s->out) - s->out_size, fmt, args);
    va_end(args);
    assert_true(size >= 0 && s->out_size + (size_t)size < sizeof(s->out));
    s->out_size += (size_t)size;
}

static const char* word(const script* s, int i)
{
    assert_true(i < s->words_count);
    return s->words[i];
}

static uint64_t number(const script* s, int i)
{
    return (uint64_t)strtoll(word(s, i), NULL, 10);
}

static tnd_view_addr addr(const script* s, int i)
{
    return (tnd_view_addr){.family = 2, .port = 3000, .bytes = {127, 0, 0, (uint8_t)number(s, i)}};
}

static uint32_t find(const script* s, int i)
{
    uint32_t id = tnd_view_find(s->view, tnd_slice_text(word(s, i)));
    if (id == 0) {
        fail_msg("no node %s after: %s", word(s, i), s->out);
    }
    return id;
}

static void op_admit(script* s)
{
    static const char* const texts[] = {"new", "same", "moved"};
    uint32_t id = tnd_view_propose(s->view, tnd_slice_text(word(s, 1)));
    tnd_view_addr at = addr(s, 2);
    say(s, "%s", texts[tnd_view_admit(s->view, id, &at, 8)]);
}

static void op_see(script* s)
{
    tnd_view_addr at = addr(s, 2);
    tnd_view_offer(s->view, tnd_view_propose(s->view, tnd_slice_text(word(s, 1))), &at);
}

static void op_poll(script* s)
{
    static const char* const texts[] = {"fine", "returned", "restarted", "unready"};
    say(s, "%s", texts[tnd_view_poll(s->view, find(s, 1), number(s, 2), (int64_t)number(s, 3))]);
}

static void op_fail(script* s)
{
    tnd_view_fail(s->view, find(s, 1));
}

static void op_unready(script* s)
{
    tnd_view_not_ready(s->view, find(s, 1));
}

static void op_renamed(script* s)
{
    tnd_view_addr at = addr(s, 2);
    if (tnd_view_renamed(s->view, find(s, 1), &at)) {
        say(s, "gone");
    }
}

static void op_peers(script* s)
{
    uint32_t id = find(s, 1);
    tnd_view_peers_begin(s->view, id);
    for (int i = 2; i < s->words_count; i++) {
        tnd_view_peer(s->view, id, tnd_view_propose(s->view, tnd_slice_text(word(s, i))));
    }
    tnd_view_peers_end(s->view, id);
}

static const uint8_t* bitmap(const char* text, uint8_t room[512])
{
    unsigned from, to;
    memset(room, 0, 512);
    if (sscanf(text, "%u-%u", &from, &to) == 2) {
        for (; from <= to; from++) {
            room[from >> 3] |= (uint8_t)(0x80u >> (from & 7));
        }
    }
    return room;
}

static void op_map(script* s)
{
    uint8_t room[512];
    tnd_view_claims claims;
    uint32_t id = find(s, 1);
    if (!tnd_view_claim(s->view, id, tnd_slice_text(word(s, 2)), (uint32_t)number(s, 3),
                        (uint32_t)number(s, 4), &claims)) {
        say(s, "no-table");
        return;
    }
    for (int c = 0; c < 3; c++) {
        bool has = 5 + c < s->words_count;
        assert_true(tnd_view_claim_column(s->view, &claims, (uint32_t)c,
                                          has ? bitmap(word(s, 5 + c), room) : NULL));
    }
    tnd_view_claims_end(s->view, id, s->view->nodes[id]->partitions_seen);
}

static void op_settle(script* s)
{
    uint32_t id;
    while ((id = tnd_view_settle(s->view, number(s, 1))) != 0) {
        say(s, "drop=%s", tnd_view_get(s->view, id)->name);
    }
}

static void op_drain(script* s)
{
    tnd_view_word taken;
    while (tnd_view_take_word(s->view, &taken)) {}
    assert_false(tnd_view_has_words(s->view));
    tnd_view_drained(s->view, number(s, 1));
}

static void op_node(script* s)
{
    const char* state = word(s, 2);
    tnd_view_addr at = addr(s, 5);
    tnd_view_slot_state slot_state = *state == 'H'   ? TND_VIEW_SLOT_HELD
                                     : *state == 'Q' ? TND_VIEW_SLOT_QUARANTINED
                                                     : TND_VIEW_SLOT_FREE;
    if (!tnd_view_inherit_node(s->view, (uint32_t)number(s, 1), slot_state, (uint32_t)number(s, 3),
                               word(s, 4), 8, &at, 1, 0)) {
        say(s, "refused");
    }
}

static void op_ns(script* s)
{
    if (!tnd_view_inherit_namespace(s->view, word(s, 1), (uint32_t)number(s, 2),
                                    number(s, 3) != 0)) {
        say(s, "refused");
    }
}

static uint32_t find_ns(const script* s, int i)
{
    for (uint32_t n = 0; n < s->view->namespaces_count; n++) {
        if (strcmp(s->view->namespaces[n]->name, word(s, i)) == 0) {
            return n;
        }
    }
    fail_msg("no namespace %s", word(s, i));
    return 0;
}

static void op_part(script* s)
{
    uint32_t indexes[3] = {(uint32_t)number(s, 3), (uint32_t)number(s, 4), (uint32_t)number(s, 5)};
    assert_true(tnd_view_inherit_partition(s->view, find_ns(s, 1), (uint32_t)number(s, 2), indexes,
                                           (uint32_t)number(s, 6)));
}

static void op_wants(script* s)
{
    unsigned wants = tnd_view_wants(s->view, find(s, 1));
    say(s, "%s%s%s", wants & TND_VIEW_WANT_PEERS ? "P" : "",
        wants & TND_VIEW_WANT_PARTITIONS ? "M" : "", wants == 0 ? "-" : "");
}

/* As it will be published: ask for all of them again and pick the one. */
static void op_word(script* s)
{
    uint32_t ns = find_ns(s, 1);
    tnd_view_word taken;
    tnd_view_dirty_all(s->view);
    while (tnd_view_take_word(s->view, &taken)) {
        if (taken.ns == ns && taken.partition == number(s, 2)) {
            say(s, "%u,%u,%u%s", taken.indexes[0], taken.indexes[1], taken.indexes[2],
                taken.is_short ? "!" : "");
            if (taken.regime != 0) {
                say(s, "@%u", taken.regime);
            }
        }
    }
}

static void op_dir(script* s)
{
    static const char* const texts[] = {"free", "held", "quarantined"};
    for (uint32_t i = 1; i <= s->view->slots_count; i++) {
        const tnd_view_slot* slot = &s->view->slots[i];
        say(s, "%u:%s:%u:%s", i, slot->name, slot->generation, texts[slot->state]);
    }
    say(s, "%s", s->view->is_directory_dirty ? "dirty" : "clean");
    s->view->is_directory_dirty = false;
}

static void op_count(script* s)
{
    say(s, "%u/%u %u/%u", s->view->active_count, s->view->unplaced_count, s->view->namespaces_count,
        s->view->surplus_count);
}

static void op_settled(script* s)
{
    say(s, "%s", tnd_view_is_settled(s->view) ? "yes" : "no");
}

static const struct {
    const char* name;
    void (*run)(script* s);
} ops[] = {
    {"admit", op_admit},     {"see", op_see},         {"poll", op_poll},   {"fail", op_fail},
    {"unready", op_unready}, {"renamed", op_renamed}, {"peers", op_peers}, {"map", op_map},
    {"settle", op_settle},   {"drain", op_drain},     {"node", op_node},   {"ns", op_ns},
    {"part", op_part},       {"?", op_wants},         {"word", op_word},   {"dir", op_dir},
    {"count", op_count},     {"settled", op_settled},
};

static void run_one(script* s, char* line)
{
    char* save;
    s->words_count = 0;
    for (char* w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
        assert_true(s->words_count < 16);
        s->words[s->words_count++] = w;
    }
    for (size_t i = 0; s->words_count > 0 && i < sizeof(ops) / sizeof(*ops); i++) {
        if (strcmp(ops[i].name, s->words[0]) == 0) {
            ops[i].run(s);
            return;
        }
    }
    if (s->words_count > 0) {
        fail_msg("unknown word %s", s->words[0]);
    }
}

typedef struct row {
    const char* title;
    uint32_t nodes_capacity;
    uint32_t namespaces_capacity;
    const char* steps;
    const char* expected;
} row;

static void run_row(const row* r)
{
    script* s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->view = tnd_view_new(r->nodes_capacity, r->namespaces_capacity);
    assert_non_null(s->view);
    char* steps = strdup(r->steps);
    char* save;
    for (char* line = strtok_r(steps, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
        run_one(s, line);
    }
    if (strcmp(s->out, r->expected) != 0) {
        fail_msg("%s\n  is     %s\n  wanted %s", r->title, s->out, r->expected);
    }
    tnd_view_free(s->view);
    free(steps);
    free(s);
}

#define TWO "admit A 1; admit B 2; poll A 1 1; poll B 1 1; peers A B; peers B A;"
#define MAPS "map A test 0 2 0-9 10-19; map B test 0 2 10-19 0-9;"
#define THREE                                                                                      \
    "admit A 1; admit B 2; admit C 3; poll A 1 1; poll B 1 1; poll C 1 1;"                         \
    "peers A B C; peers B A C; peers C A B;"

static const row nodes_rows[] = {
    {"a seed, then its peer, get indexes in order; peers are asked first, partitions then", 4, 2,
     "admit A 1; ? A; poll A 3 7; ? A; peers A B; ? A; see B 2; admit B 2; dir",
     "new - fine P M new "
     "1:A:1:held 2:B:1:held dirty"},
    {"the generation decides what to ask again", 4, 2,
     TWO MAPS "? A; poll A 1 1; ? A; poll A 2 1; ? A; peers A B; poll A 2 2; ? A",
     "new new fine fine - fine - fine P fine M"},
    {"a lone node is believed when it is the only one", 4, 2,
     "admit A 1; poll A 0 1; ? A; peers A; ? A; map A test 0 1 0-4095; ? A; word test 4095",
     "new fine P M - 1,0,0"},
    {"a lone node isn't believed while another one answers, and is once that fails", 4, 2,
     "admit A 1; admit B 2; poll A 1 1; poll B 1 1; peers A; peers B; ? A; ? B; fail B; ? A",
     "new new fine fine - - M"},
    {"a lone node isn't believed before the inherited others were asked", 4, 2,
     "node 1 H 5 A 1; node 2 H 5 B 2; poll A 1 1; peers A; ? A; fail B; ? A", "fine - M"},
    {"a lone node is believed beside one that hasn't balanced yet", 4, 2,
     "admit A 1; admit B 2; poll A 1 1; peers A; poll B 0 -1; peers B; ? A; ? B",
     "new new fine unready M -"},
    {"a new connection may lead to another process: everything is asked again", 4, 2,
     TWO MAPS "admit B 2; poll B 1 1; ? B; peers B A; ? B", "new new fine fine same fine PM M"},
    {"a node that failed is asked for everything again when it returns", 4, 2,
     TWO MAPS "fail B; ? B; poll B 1 1; ? B; peers B A; ? B", "new new fine fine - returned P M"},
    {"peers generation gone down: another process, another slot generation", 4, 2,
     TWO MAPS "dir; poll B 0 1; dir; ? B",
     "new new fine fine 1:A:1:held 2:B:1:held dirty "
     "restarted 1:A:1:held 2:B:2:held dirty P"},
    {"the same at another address: the slot's generation changes", 4, 2,
     TWO "dir; fail B; see B 9; admit B 9; dir; admit B 9; dir",
     "new new fine fine 1:A:1:held 2:B:1:held dirty moved 1:A:1:held 2:B:2:held dirty same "
     "1:A:1:held 2:B:2:held clean"},
    {"more addresses of a node that answers are published, and change nothing else", 4, 2,
     "admit A 1; dir; see A 2; see A 3; see A 4; dir; see A 5; dir; admit A 1; dir",
     "new 1:A:1:held dirty 1:A:1:held dirty 1:A:1:held clean same 1:A:1:held clean"},
    {"another node at the address: the other address stays, then nothing does", 4, 2,
     TWO MAPS
     "see B 3; dir; renamed B 2; dir; count; renamed B 3; count; drain 5; dir; word test 0",
     "new new fine fine 1:A:1:held 2:B:1:held dirty 1:A:1:held 2:B:2:held dirty 2/0 1/0 gone 1/0 "
     "1/0 1:A:1:held 2:B:2:quarantined dirty 1,0,0"},
    {"settled once every node has spoken or failed", 4, 2,
     "settled; admit A 1; settled; poll A 1 1; settled; peers A B; settled; map A test 0 1 0-9; "
     "settled; fail B; settled; admit B 2; settled; poll B 1 1; peers B A; settled; "
     "map B test 0 1 10-19; settled",
     "no new no fine no no no yes new no fine no yes"},
    {"a candidate that isn't ready holds nothing up", 4, 2,
     "admit A 1; poll A 1 1; peers A B; map A test 0 1 0-9; unready B; settled", "new fine yes"},
    {"nothing answered is not settled", 4, 2, "admit A 1; fail A; settled", "new no"},
};

static const row removal_rows[] = {
    {"a dead node stays while it is listed, goes when it isn't", 4, 2,
     THREE "fail B; settle 0; poll A 2 2; settle 0; peers A C; settle 0; poll C 2 2; settle 0; "
           "peers C A; settle 0; count",
     "new new new fine fine fine fine fine drop=B 2/0 0/0"},
    {"everything down: five failures each", 4, 2,
     TWO
     "fail A; fail B; fail A; fail B; fail A; fail B; fail A; fail B; fail A; settle 0; fail B; "
     "settle 0; count",
     "new new fine fine drop=A drop=B 0/0 0/0"},
    {"the last node is removed only when it has failed five times", 4, 2,
     "admit A 1; poll A 1 1; peers A; fail A; fail A; fail A; fail A; settle 0; count; fail A; "
     "settle 0; count",
     "new fine 1/0 0/0 drop=A 0/0 0/0"},
    {"an answering node that nobody lists and that owns nothing goes", 4, 2,
     TWO MAPS "admit C 3; poll C 1 1; settle 0; peers C; settle 0; count",
     "new new fine fine new fine drop=C 2/0 1/0"},
    {"one that owns something stays", 4, 2,
     TWO MAPS "admit C 3; poll C 1 1; peers C A; map C test 0 2 20-29; settle 0; count",
     "new new fine fine new fine 3/0 1/0"},
    {"one that stopped to claim its partitions doesn't own them", 4, 2,
     TWO MAPS "admit C 3; poll C 1 1; peers C A; map C test 0 2 20-29; map C test 0 2 -; settle 0",
     "new new fine fine new fine drop=C"},
    {"a listed node without partitions stays", 4, 2,
     THREE "map A test 0 2 0-9 10-19; map B test 0 2 10-19 0-9; settle 0; count",
     "new new new fine fine fine 3/0 1/0"},
    {"no removal while a list is outdated", 4, 2,
     TWO "admit C 3; poll C 1 1; peers C A; poll A 2 1; fail C; settle 0; peers A B; settle 0",
     "new new fine fine new fine fine drop=C"},
    {"no removal before an inherited node has been asked", 4, 2,
     "node 1 H 5 A 1; node 2 H 5 B 2; node 3 H 5 C 3; poll A 1 1; peers A B; fail C; settle 0; "
     "poll B 1 1; peers B A C; settle 0; peers B A; settle 0",
     "fine fine drop=C"},
    {"a candidate that nobody lists any more is dropped", 4, 2,
     "admit A 1; poll A 1 1; peers A B; fail B; settle 0; poll A 2 1; settle 0; peers A; settle 0; "
     "count",
     "new fine fine drop=B 1/0 0/0"},
    {"the index of a removed node isn't given away at once, its own node gets it back", 2, 2,
     TWO MAPS
     "poll A 2 2; peers A; fail B; settle 0; drain 100; dir; peers A C B; admit C 3; count; "
     "settle 10099; count; admit B 2; dir; count",
     "new new fine fine fine drop=B 1:A:1:held 2:B:1:quarantined dirty new 2/1 1/0 2/1 1/0 new "
     "1:A:1:held 2:B:2:held dirty 3/1 1/0"},
    {"after the quarantine another node gets it", 2, 2,
     TWO MAPS "poll A 2 2; peers A; fail B; settle 0; drain 100; peers A C; admit C 3; "
              "settle 10099; count; settle 10100; count; dir",
     "new new fine fine fine drop=B new 2/1 1/0 2/0 1/0 1:A:1:held 2:C:2:held dirty"},
    {"no quarantine before the words are published", 2, 2,
     TWO MAPS "poll A 2 2; peers A; fail B; settle 0; settle 99999; dir; drain 100000; dir",
     "new new fine fine fine drop=B 1:A:1:held 2:B:1:held dirty 1:A:1:held 2:B:1:quarantined "
     "dirty"},
    {"a node that returns at once gets another index, not none", 4, 2,
     TWO MAPS "poll A 2 2; peers A; fail B; settle 0; admit B 2; dir; drain 1; dir",
     "new new fine fine fine drop=B new 1:A:1:held 2:B:1:held 3:B:1:held dirty "
     "1:A:1:held 2:B:1:quarantined 3:B:1:held dirty"},
};

static const row parts_rows[] = {
    {"two nodes, two columns", 4, 2, TWO MAPS "word test 0; word test 10; word test 20",
     "new new fine fine 1,2,0 2,1,0 0,0,0"},
    {"equal regimes: the last claim wins, the displaced node is asked again", 4, 2,
     TWO MAPS "? A; ? B; map B test 0 2 0-19 -; word test 0; ? A; ? B",
     "new new fine fine - - 2,2,0 M -"},
    {"a node that had stopped to claim isn't asked again", 4, 2,
     TWO MAPS "map A test 0 2 - -; word test 0; map B test 0 2 0-19 -; word test 0; ? A",
     "new new fine fine 1,2,0 2,2,0 -"},
    {"one node in two columns is legal", 4, 2, TWO "map A test 0 2 0-9 0-9; word test 5",
     "new new fine fine 1,1,0"},
    {"a living former owner stays, a removed one doesn't", 4, 2,
     TWO MAPS "map A test 0 2 - -; word test 0; poll B 2 2; peers B; fail A; settle 0; word test 0",
     "new new fine fine 1,2,0 fine drop=A 0,2,0"},
    {"a lower regime loses, an equal and a higher one win", 4, 2,
     TWO "map A test 5 1 0-9; map B test 4 1 0-9; word test 0; map B test 5 1 0-9; word test 0; "
         "map A test 6 1 0-9; word test 0",
     "new new fine fine 1,0,0 @5 2,0,0 @5 1,0,0 @6"},
    {"whoever lost to a regime is heard again when a node leaves", 4, 2,
     THREE
     "map A test 5 1 0-9; map B test 4 1 0-9; ? B; fail A; poll B 2 1; poll C 2 1; peers B C; "
     "peers C B; settle 0; ? B; word test 0; map B test 4 1 0-9; word test 0",
     "new new new fine fine fine - fine fine drop=A M 0,0,0 2,0,0 @4"},
    {"regime 0 isn't a regime", 4, 2, TWO "map A test 0 1 0-9; map B test 1 1 0-9; word test 0",
     "new new fine fine 2,0,0 @1"},
    {"columns that a reply lacks are claimed no more", 4, 2,
     TWO "map A test 0 2 0-9 10-19; map A test 0 1 0-9; map B test 0 2 - 10-19; ? A; word test 10",
     "new new fine fine - 0,2,0"},
    {"a node without an index is missing in its columns", 1, 2, TWO MAPS "count; word test 0",
     "new new fine fine 2/1 1/0 1,0,0!"},
    {"and appears when there is room", 1, 2,
     TWO MAPS "fail A; poll B 2 2; peers B; settle 0; drain 0; word test 0; settle 10000; "
              "word test 0; dir",
     "new new fine fine fine drop=A 0,0,0! 0,1,0 1:B:2:held dirty"},
    {"more namespaces than tables: noted, the rest works", 4, 1,
     TWO "map A test 0 1 0-9; map A more 0 1 0-9; map B more 0 1 0-9; count; word test 0",
     "new new fine fine no-table no-table 2/0 1/1 1,0,0"},
};

static const row inherit_rows[] = {
    {"nothing is lost because nobody has answered yet", 4, 2,
     "node 1 H 5 A 1; node 2 H 7 B 2; ns test 2 0; part test 0 1 2 0 0; dir; count; word test 0; "
     "settle 0; poll A 1 1; peers A B; ? A; map A test 0 2 -; word test 0; dir",
     "1:A:5:held 2:B:7:held clean 2/0 1/0 1,2,0 fine M 1,2,0 1:A:5:held 2:B:7:held clean"},
    {"all are asked for everything", 4, 2,
     "node 1 H 5 A 1; node 2 H 7 B 2; ns test 2 0; poll A 9 9; poll B 9 9; peers A B; peers B A; "
     "? A; ? B",
     "fine fine M M"},
    {"an inherited regime holds", 4, 2,
     "node 1 H 5 A 1; node 2 H 7 B 2; ns test 1 1; part test 0 1 0 0 9; poll A 1 1; poll B 1 1; "
     "peers A B; peers B A; map B test 8 1 0-9; word test 0",
     "fine fine 1,0,0 @9"},
    {"generations of free and quarantined slots go on", 2, 2,
     "node 1 Q 5 X 1; node 2 F 7 - 1; dir; admit B 2; admit X 3; dir",
     "1:X:5:quarantined 2::7:free clean new new 1:X:6:held 2:B:8:held dirty"},
    {"records that make no sense are kept out", 3, 2,
     "node 0 H 1 A 1; node 4 H 1 A 1; node 1 H 1 A 1; node 2 H 1 A 2; "
     "node 3 H 1 A234567890123456789012345 2; ns test 1 0; ns test 1 0; "
     "part test 0 1 2 511 0; word test 0; count; dir",
     "refused refused refused refused refused 1,0,0 1/0 1/0 1:A:1:held 2:A:1:quarantined "
     "3::1:quarantined dirty"},
};

static void test_rows(const row* rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run_row(&rows[i]);
    }
}

#define TEST_ROWS(name)                                                                            \
    static void test_##name(void** state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        test_rows(name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0]));                      \
    }

TEST_ROWS(nodes)
TEST_ROWS(removal)
TEST_ROWS(parts)
TEST_ROWS(inherit)

/* Far more nodes than ids: the surplus is ignored, nothing breaks. */
static void test_too_many(void** state)
{
    (void)state;
    tnd_view* view = tnd_view_new(TND_VIEW_INDEX_MAX, TND_VIEW_NAMESPACES_MAX);
    tnd_view_addr at = {.family = 2, .port = 3000};
    char name[TND_VIEW_NAME_SIZE];
    for (uint32_t i = 1; i <= TND_VIEW_NODES_MAX + 10; i++) {
        snprintf(name, sizeof(name), "N%u", i);
        uint32_t id = tnd_view_propose(view, tnd_slice_text(name));
        assert_int_equal(id, i <= TND_VIEW_NODES_MAX ? i : 0);
        if (id != 0) {
            tnd_view_admit(view, id, &at, 8);
        }
    }
    assert_int_equal(view->active_count, TND_VIEW_NODES_MAX);
    assert_int_equal(view->unplaced_count, TND_VIEW_NODES_MAX - TND_VIEW_INDEX_MAX);
    tnd_view_free(view);
}

/* Random observations: counters agree with what they count, and nothing crashes. */
static void check_counts(const tnd_view* view)
{
    uint32_t slots[TND_VIEW_NODES_MAX + 1] = {0};
    for (uint32_t n = 0; n < view->namespaces_count; n++) {
        const tnd_view_ns* ns = view->namespaces[n];
        for (uint32_t p = 0; p < TND_PARTITION_COUNT; p++) {
            for (uint32_t c = 0; c < TND_VIEW_COLUMNS; c++) {
                if (ns->owners[c][p] != 0 && !(ns->stale[p] >> c & 1)) {
                    slots[ns->owners[c][p]]++;
                }
            }
        }
    }
    uint32_t active = 0;
    uint32_t unplaced = 0;
    for (uint32_t id = 1; id <= view->ids_count; id++) {
        const tnd_view_node* node = view->nodes[id];
        active += node->state == TND_VIEW_ACTIVE;
        unplaced += node->state == TND_VIEW_ACTIVE && node->index == 0;
        if (node->state != TND_VIEW_FREE) {
            assert_int_equal(slots[id], node->slots_count);
            assert_true(node->index == 0 || view->slots[node->index].id == id);
        } else {
            assert_int_equal(slots[id], 0);
        }
    }
    assert_int_equal(active, view->active_count);
    assert_int_equal(unplaced, view->unplaced_count);
}

static uint32_t next(uint32_t* seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void random_step(script* s, uint32_t* seed)
{
    char line[96];
    char a = (char)('A' + next(seed, 8));
    char b = (char)('A' + next(seed, 8));
    uint32_t x = next(seed, 4);
    switch (next(seed, 9)) {
    case 0:
        snprintf(line, sizeof(line), "admit %c %u", a, x);
        break;
    case 1:
        snprintf(line, sizeof(line), "see %c %u", a, x);
        break;
    case 2:
        snprintf(line, sizeof(line), "settle %u", next(seed, 1000000));
        break;
    case 3:
        snprintf(line, sizeof(line), "drain %u", next(seed, 1000000));
        break;
    default: {
        uint32_t id = tnd_view_find(s->view, tnd_slice_of(&a, 1));
        if (id == 0 || tnd_view_get(s->view, id)->state != TND_VIEW_ACTIVE) {
            return;
        }
        switch (next(seed, 5)) {
        case 0:
            snprintf(line, sizeof(line), "poll %c %u %d", a, x, (int)next(seed, 4) - 1);
            break;
        case 1:
            snprintf(line, sizeof(line), "fail %c", a);
            break;
        case 2:
            snprintf(line, sizeof(line), "peers %c %c", a, b);
            break;
        case 3:
            snprintf(line, sizeof(line), "renamed %c %u", a, x);
            break;
        default:
            snprintf(line, sizeof(line), "map %c n%u %u %u %u-%u 0-%u", a, next(seed, 3), x, x + 1,
                     x, x + next(seed, 50), next(seed, 30));
        }
    }
    }
    s->out_size = 0;
    run_one(s, line);
}

static void test_random(void** state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        script* s = calloc(1, sizeof(*s));
        s->view = tnd_view_new(1 + seed % 5, 2);
        uint32_t prng = seed;
        for (int i = 0; i < 300; i++) {
            random_step(s, &prng);
            if (i % 20 == 0) {
                check_counts(s->view);
            }
        }
        tnd_view_free(s->view);
        free(s);
    }
}

/* ---- racks ---- */

static tnd_info_racks racks_of(const char* text)
{
    tnd_info_racks racks;
    const char* reason;
    assert_true(tnd_info_racks_open(&racks, tnd_slice_text(text), &reason));
    return racks;
}

static void keeps_racks(void** state)
{
    (void)state;
    tnd_view* view = tnd_view_new(4, 2);
    tnd_view_addr addr = {.family = 2, .port = 3000, .bytes = {127, 0, 0, 1}};
    uint32_t id = tnd_view_propose(view, tnd_slice_text("A1"));
    tnd_view_admit(view, id, &addr, 1);
    tnd_view_poll(view, id, 1, 1);
    assert_true(tnd_view_inherit_namespace(view, "test", 2, false));
    assert_true(tnd_view_inherit_namespace(view, "bar", 2, false));
    assert_int_equal(tnd_view_rack_of(view, id, 0), TND_VIEW_NO_RACK);
    assert_false(tnd_view_wants(view, id) & TND_VIEW_WANT_RACKS); /* it has no such generation */
    tnd_view_rebalanced(view, id, 7);
    assert_true(tnd_view_wants(view, id) & TND_VIEW_WANT_RACKS);
    tnd_info_racks racks = racks_of("other:1;bar:4;test:2");
    view->is_directory_dirty = false;
    tnd_view_racks(view, id, &racks);
    assert_true(view->is_directory_dirty);
    assert_false(tnd_view_wants(view, id) & TND_VIEW_WANT_RACKS);
    assert_int_equal(tnd_view_rack_of(view, id, 0), 2);
    assert_int_equal(tnd_view_rack_of(view, id, 1), 4);
    view->is_directory_dirty = false;
    tnd_view_rebalanced(view, id, 8);
    tnd_view_racks(view, id, &racks);
    assert_false(view->is_directory_dirty); /* nothing new */
    tnd_view_rebalanced(view, id, 9);
    tnd_view_racks(view, id, NULL);
    assert_true(view->is_directory_dirty);
    assert_int_equal(tnd_view_rack_of(view, id, 0), TND_VIEW_NO_RACK);
    /* A new connection may lead to a new process: asked anew. */
    tnd_view_admit(view, id, &addr, 1);
    tnd_view_poll(view, id, 1, 1);
    assert_true(tnd_view_wants(view, id) & TND_VIEW_WANT_RACKS);
    tnd_view_free(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),    cmocka_unit_test(test_removal),
        cmocka_unit_test(test_parts),    cmocka_unit_test(test_inherit),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_random),
        cmocka_unit_test(keeps_racks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
