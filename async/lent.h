/*
 * A record in place, from the inside: a reply while its listener runs.
 */
#pragma once

#include "core/wire.h"
#include <tendril/lent.h>

struct tnd_lent_record {
    tnd_wire_reply reply;
    uint64_t unix_now_sec;
};
