/*
 * The body of a compressed frame. Promises: what is inflated is one whole record message of the
 * size that was declared, within the limit, and no more memory is taken than the bytes that came
 * can stand for; compressing it again and inflating that gives the same.
 */
#include "core/compress.h"

#include <string.h>

#include "core/wire.h"

#include "tests/fuzz/fuzz.h"

#define BODY_MAX (1u << 20)
#define RATIO_MAX 1032u

static void check_message(const tnd_buf* message)
{
    tnd_wire_frame_info frame;
    must(tnd_wire_frame(message->data, message->size, TND_WIRE_MESSAGE, BODY_MAX, &frame) ==
         TND_WIRE_READY);
    must(frame.total_bytes == message->size);
    tnd_buf packed;
    tnd_buf again;
    const char* reason;
    tnd_buf_init(&packed, message->size + TND_WIRE_FRAME_BYTES);
    tnd_buf_init(&again, message->size);
    if (tnd_compress(message->data, message->size, &packed)) {
        must(packed.size < message->size);
        must(tnd_inflate(packed.data + TND_WIRE_FRAME_BYTES, packed.size - TND_WIRE_FRAME_BYTES,
                         BODY_MAX, &again, &reason));
        must(again.size == message->size && memcmp(again.data, message->data, again.size) == 0);
    }
    tnd_buf_done(&packed);
    tnd_buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    tnd_buf message;
    const char* reason = NULL;
    tnd_buf_init(&message, TND_WIRE_FRAME_BYTES + BODY_MAX);
    if (tnd_inflate(data, size, BODY_MAX, &message, &reason)) {
        must(message.size <= TND_WIRE_FRAME_BYTES + BODY_MAX);
        check_message(&message);
    } else {
        must(reason && message.size == 0);
    }
    must(message.capacity <= 2 * RATIO_MAX * (size + 1)); /* buffers grow by doubling */
    tnd_buf_done(&message);
    return 0;
}
