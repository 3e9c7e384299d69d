/*
 * Windows are judged when somebody looks: the last one by its count, those before it, in which
 * nobody here wanted anything of the node, as good ones.
 */
#include "async/breaker.h"

#include "shm/shares.h"

void tnd_breaker_init(tnd_breaker* breaker, uint32_t limit_max, uint64_t window_ms, uint64_t now_ms)
{
    *breaker = (tnd_breaker){
        .limit_max = limit_max,
        .limit = limit_max,
        .window_ms = window_ms > 0 ? window_ms : 1,
    };
    breaker->window = tnd_breaker_window(breaker, now_ms);
}

static void breaker_judge(tnd_breaker* breaker, uint32_t errors)
{
    if (errors > breaker->limit) {
        breaker->limit = breaker->limit > 1 ? breaker->limit / 2 : 1;
    } else {
        bool is_near = breaker->limit > breaker->limit_max / 2;
        breaker->limit = is_near ? breaker->limit_max : breaker->limit * 2;
    }
}

bool tnd_breaker_is_open(tnd_breaker* breaker, uint64_t tally, uint64_t now_ms)
{
    if (breaker->limit_max == 0) {
        return false;
    }
    uint64_t window = tnd_breaker_window(breaker, now_ms);
    if (window > breaker->window) {
        for (uint64_t w = breaker->window + 1; w < window && breaker->limit < breaker->limit_max;
             w++) {
            breaker_judge(breaker, 0);
        }
        breaker_judge(breaker, tnd_tally_before(tally, window));
        breaker->window = window;
    }
    return tnd_tally_now(tally, window) > breaker->limit;
}
