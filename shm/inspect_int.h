/*
 * What the sources of inspect share. Nobody else includes this, but for tests.
 */
#pragma once

#include "shm/map.h"

#include <tendril/inspect.h>

/* Notes damage, in words for people. More than there is room for are counted in the last one. */
void tnd_inspect_note(tnd_inspection* seen, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* Looks for damage in what is mapped; `seen` has been filled in from it. */
void tnd_inspect_check(const tnd_map* map, tnd_inspection* seen);

/* Reads `size` bytes that may be anything; `base` on a page's boundary. seen->segment is the
 * caller's to fill in. As tnd_inspect_read otherwise. */
as_status tnd_inspect_bytes(const tnd_shm_sys* sys, uint8_t* base, size_t size, uint64_t now_ms,
                            tnd_inspection* seen, as_error* err);

/* The whole on another kernel. */
as_status tnd_inspect_read_sys(const tnd_shm_sys* sys, int id, uint64_t now_ms,
                               tnd_inspection* ret_seen, as_error* err);

/* What begins there? False: not ours. */
bool tnd_inspect_recognise(const uint8_t* base, size_t size, tnd_inspect_kind* ret_kind);
