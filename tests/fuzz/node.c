/* A node of a database in a simulated world. See node.h. */
#include "tests/fuzz/node.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum {
    HEADER_BYTES = 8,
    REQUEST_BYTES_MAX = 8192,
    TEXT_BYTES_MAX = 128 * 1024,
    TYPE_INFO = 1
};

/* All 4096 partitions. */
#define BITMAP_4 "////"
#define BITMAP_40                                                                                  \
    BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4 BITMAP_4
#define BITMAP                                                                                     \
    BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40      \
        BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 BITMAP_40 "//8="

static const struct {
    const char* name; /* or how it begins */
    const char* value;
} answers[] = {
    {"node", "BB9020011AC4202"},      {"build", "8.1.0.0"},
    {"peers-clear-std", "1,3000,[]"}, {"service-clear-std", "127.0.0.1:3000"},
    {"replicas", "test:0,1," BITMAP}, {"connection", "admin=false"},
    {"user-agent-set", "ok"},
};

typedef struct node_peer node_peer;

struct node_peer {
    node_peer* next;
    fuzz_node* node;
    uint8_t request[REQUEST_BYTES_MAX];
    size_t size;
};

struct fuzz_node {
    const fuzz_node_handler* handler;
    void* udata;
    node_peer* peers;
    unsigned infos_count;
    unsigned messages_count;
};

/* ---- info ---- */

static const char* answer_to(const char* name)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strncmp(name, answers[i].name, strlen(answers[i].name)) == 0) {
            return answers[i].value;
        }
    }
    return "";
}

static void text_add(char* text, size_t* size, const char* bytes, size_t bytes_size)
{
    must(*size + bytes_size <= TEXT_BYTES_MAX);
    memcpy(text + *size, bytes, bytes_size);
    *size += bytes_size;
}

/* Generations rise with each answer, so that everything is asked for. */
static void answer_add(const fuzz_node* node, const char* name, char* text, size_t* size)
{
    char number[16];
    const char* value = answer_to(name);
    if (strstr(name, "-generation")) {
        snprintf(number, sizeof(number), "%u", 1 + node->infos_count);
        value = number;
    }
    text_add(text, size, name, strlen(name));
    text_add(text, size, "\t", 1);
    text_add(text, size, value, strlen(value));
    text_add(text, size, "\n", 1);
}

static void send_frame(sim_peer* peer, uint8_t type, const void* body, size_t size)
{
    uint8_t header[HEADER_BYTES] = {2, type};
    for (int i = 0; i < 6; i++) {
        header[7 - i] = (uint8_t)((uint64_t)size >> (8 * i));
    }
    sim_peer_send(peer, header, sizeof(header));
    sim_peer_send(peer, body, size);
}

static void on_info(fuzz_node* node, sim_peer* peer, const uint8_t* body, size_t body_size)
{
    static char text[TEXT_BYTES_MAX];
    char names[REQUEST_BYTES_MAX + 1];
    size_t size = 0;
    size_t extra_size = 0;
    bool is_raw = false;
    const uint8_t* extra = node->handler->info ? node->handler->info(node->udata, node->infos_count,
                                                                     &extra_size, &is_raw)
                                               : NULL;
    if (is_raw) {
        sim_peer_send(peer, extra, extra_size);
        node->infos_count++;
        return;
    }
    if (extra_size > 0) {
        text_add(text, &size, (const char*)extra, extra_size);
    }
    memcpy(names, body, body_size);
    names[body_size] = '\0';
    char* save;
    for (char* name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
        answer_add(node, name, text, &size);
    }
    node->infos_count++;
    send_frame(peer, TYPE_INFO, text, size);
}

/* ---- frames ---- */

static size_t frame_bytes(const node_peer* state)
{
    size_t size = 0;
    for (int i = 2; i < HEADER_BYTES; i++) {
        size = size << 8 | state->request[i];
    }
    return HEADER_BYTES + size;
}

static void on_open(sim_peer* peer)
{
    node_peer* state = calloc(1, sizeof(*state));
    must(state);
    state->node = sim_peer_udata(peer);
    state->next = state->node->peers;
    state->node->peers = state;
    sim_peer_set_udata(peer, state);
}

static void on_bytes(sim_peer* peer, const uint8_t* bytes, size_t size)
{
    node_peer* state = sim_peer_udata(peer);
    fuzz_node* node = state->node;
    must(state->size + size <= sizeof(state->request));
    memcpy(state->request + state->size, bytes, size);
    state->size += size;
    while (state->size >= HEADER_BYTES && state->size >= frame_bytes(state)) {
        size_t frame = frame_bytes(state);
        uint8_t request[REQUEST_BYTES_MAX];
        memcpy(request, state->request, frame);
        state->size -= frame;
        memmove(state->request, state->request + frame, state->size);
        if (request[1] == TYPE_INFO) {
            on_info(node, peer, request + HEADER_BYTES, frame - HEADER_BYTES);
        } else if (node->handler->message) {
            node->handler->message(node->udata, peer, node->messages_count++);
            return; /* it may have closed the connection */
        }
    }
}

static void on_end(sim_peer* peer, int error)
{
    (void)error;
    sim_peer_close(peer);
}

static const sim_peer_handler peer_handler = {.on_open = on_open,
                                              .on_bytes = on_bytes,
                                              .on_end = on_end};

void fuzz_node_reply(sim_peer* peer, uint8_t result)
{
    uint8_t body[22] = {22};
    body[5] = result;
    send_frame(peer, 3, body, sizeof(body));
}

fuzz_node* fuzz_node_new(sim_world* world, const fuzz_node_handler* handler, void* udata)
{
    struct sockaddr_storage addr;
    fuzz_node* node = calloc(1, sizeof(*node));
    must(node);
    node->handler = handler;
    node->udata = udata;
    socklen_t size = sim_addr_inet(&addr, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
    must(sim_listen(world, (struct sockaddr*)&addr, size, &peer_handler, node));
    return node;
}

void fuzz_node_free(fuzz_node* node)
{
    while (node->peers) {
        node_peer* next = node->peers->next;
        free(node->peers);
        node->peers = next;
    }
    free(node);
}
