/*
 * Security messages (type 2). This cluster is a Community one: whatever is asked, the answer is
 * "not supported" (protocol/cluster.md 6.6). A login would start here: parse the fields, check
 * the credential, and mark the connection as authenticated.
 */
#include "cluster.h"

void mc_admin_answer(mc_conn* conn, const uint8_t* body, size_t len)
{
    (void)body;
    (void)len;
    size_t begin = mc_frame_begin(&conn->out, 2);
    mc_bytes_u8(&conn->out, 0);
    mc_bytes_u8(&conn->out, 51);
    mc_bytes_be(&conn->out, 0, 6);
    mc_bytes_be(&conn->out, 0, 8);
    mc_frame_end(&conn->out, begin);
}
