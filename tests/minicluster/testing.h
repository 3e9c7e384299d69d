// What the tests of the mini cluster share: a cluster without sockets, frames as hex digits.
#ifndef MC_TESTING_H
#define MC_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster.h"

// Builds a cluster from "key value" settings of a config.
static inline mc_cluster* testing_cluster(mc_config config)
{
    const char* why = "";
    if (!mc_config_complete(&config, &why)) {
        fail_msg("%s", why);
    }
    return mc_cluster_new(&config, 0);
}

static inline size_t testing_unhex(const char* hex, uint8_t* ret_bytes)
{
    size_t len = 0;
    for (; *hex; hex += *hex == ' ' ? 1 : 2) {
        unsigned byte;
        if (*hex != ' ' && sscanf(hex, "%2x", &byte) == 1) {
            ret_bytes[len++] = (uint8_t)byte;
        }
    }
    return len;
}

// Sends these bytes and expects all that is sent back, as hex digits.
static inline const char* testing_ask_at(mc_conn* conn, const uint8_t* bytes, size_t len,
                                         uint64_t now_ms)
{
    static char hex[20000];
    const uint8_t* out;
    if (len) {
        mc_conn_input(conn, bytes, len, now_ms);
    }
    size_t n = mc_conn_output(conn, now_ms, &out);
    hex[0] = 0;
    for (size_t i = 0; i < n && i < 9999; i++) {
        sprintf(hex + 2 * i, "%02x", out[i]);
    }
    if (n) {
        mc_conn_sent(conn, n, now_ms);
    }
    return hex;
}

static inline const char* testing_ask(mc_conn* conn, const char* hex)
{
    static uint8_t bytes[20000];
    return testing_ask_at(conn, bytes, testing_unhex(hex, bytes), 0);
}

// Sends info lines (each with its LF) and returns the text of the answer.
static inline const char* testing_info_at(mc_conn* conn, const char* lines, uint64_t now_ms)
{
    static char text[200000];
    mc_bytes request = {0};
    size_t frame = mc_frame_begin(&request, 1);
    mc_bytes_text(&request, lines);
    mc_frame_end(&request, frame);
    mc_conn_input(conn, request.data, request.len, now_ms);
    mc_bytes_done(&request);
    const uint8_t* out;
    size_t n = mc_conn_output(conn, now_ms, &out);
    assert_true(n >= 8 && n < sizeof(text));
    assert_int_equal(mc_be_get(out + 2, 6), n - 8);
    memcpy(text, out + 8, n - 8);
    text[n - 8] = 0;
    mc_conn_sent(conn, n, now_ms);
    return text;
}

static inline const char* testing_info(mc_conn* conn, const char* lines)
{
    return testing_info_at(conn, lines, 0);
}

// A put of integer `a` = value to a key whose partition is pid, and what came of it: the result
// code, or -1 while there is no answer.
static inline void testing_put_bytes(mc_bytes* out, int pid, unsigned info2, unsigned info3)
{
    size_t begin = mc_frame_begin(out, 3);
    mc_bytes_be(out, 22, 1);
    mc_bytes_be(out, info2 ? 0 : 3, 1);
    mc_bytes_be(out, info2, 1);
    mc_bytes_be(out, info3, 1);
    mc_bytes_be(out, 0, 10);
    mc_bytes_be(out, 500, 4); // ms
    mc_bytes_be(out, 2, 2);
    mc_bytes_be(out, info2 == 1, 2);
    mc_bytes_be(out, 5, 4);
    mc_bytes_u8(out, 0);
    mc_bytes_text(out, "test");
    mc_bytes_be(out, 21, 4);
    mc_bytes_u8(out, 4);
    mc_bytes_u8(out, (unsigned)pid & 255);
    mc_bytes_u8(out, (unsigned)pid >> 8);
    mc_bytes_be(out, 0, 10);
    mc_bytes_be(out, 7, 8);
    if (info2 == 1) {
        mc_bytes_be(out, 13, 4);
        mc_bytes_be(out, 0x0201000161, 5);
        mc_bytes_be(out, 42, 8);
    }
    mc_frame_end(out, begin);
}

static inline int testing_result(mc_conn* conn, uint64_t now_ms)
{
    const uint8_t* out;
    size_t n = mc_conn_output(conn, now_ms, &out);
    if (n < 30) {
        return -1;
    }
    int result = out[13];
    mc_conn_sent(conn, n, now_ms);
    return result;
}

static inline int testing_command(mc_conn* conn, int pid, unsigned info2, unsigned info3,
                                  uint64_t now_ms)
{
    mc_bytes request = {0};
    testing_put_bytes(&request, pid, info2, info3);
    mc_conn_input(conn, request.data, request.len, now_ms);
    mc_bytes_done(&request);
    return testing_result(conn, now_ms);
}

static inline void testing_control(mc_cluster* cluster, const char* line, uint64_t now_ms)
{
    char reply[512];
    if (!mc_control(cluster, line, now_ms, reply, sizeof(reply))) {
        fail_msg("%s: %s", line, reply);
    }
    mc_cluster_tick(cluster, now_ms);
}

#endif
