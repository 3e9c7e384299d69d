/*
 * The `replicas` value. Promises: what opens iterates to its end, within the stated bounds,
 * whatever the base64 holds; a limited request accepts all that an unlimited one does.
 */
#include "core/part.h"

#include "tests/fuzz/fuzz.h"

static void check_claim(const tnd_part_claim* claim)
{
    must(claim->ns.size >= 1 && claim->ns.size <= TND_PART_NS_CHARS_MAX);
    must(claim->columns_count >= 1 && claim->columns_count <= claim->factor);
    for (uint32_t i = 0; i < claim->columns_count; i++) {
        uint8_t bitmap[TND_PART_BITMAP_BYTES];
        if (tnd_part_decode(tnd_part_column(claim, i), bitmap)) {
            uint32_t count = 0;
            for (uint32_t pid = 0; pid < TND_PARTITION_COUNT; pid++) {
                count += tnd_part_has(bitmap, pid);
            }
            must(count == tnd_part_count(bitmap));
        }
    }
}

static bool check(tnd_slice value, uint8_t columns_max)
{
    tnd_part_reader reader;
    tnd_part_claim claim;
    const char* reason = NULL;
    if (!tnd_part_open(&reader, value, columns_max, &reason)) {
        must(reason);
        return false;
    }
    must(!reason);
    while (tnd_part_next(&reader, &claim)) {
        must(columns_max > 0 || claim.columns_count == claim.factor);
        check_claim(&claim);
    }
    must(reader.rest.size == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    tnd_slice value = tnd_slice_of(data, size);
    bool is_legal = check(value, 0);
    bool is_legal_limited = check(value, 3);
    must(is_legal_limited || !is_legal);
    return 0;
}
