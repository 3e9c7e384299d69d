#include "shm/points.h"

#ifdef TND_TESTING
#include <stddef.h>

void (*tnd_point_hook)(tnd_point point) = NULL;

const char* tnd_point_name(tnd_point point)
{
    static const char* const names[] = {
#define TND_POINT_NAME(name, text) #name,
        TND_POINTS(TND_POINT_NAME)
#undef TND_POINT_NAME
    };
    return point < TND_POINT_COUNT ? names[point] : "?";
}
#else
/* ISO C wants a translation unit to declare something. */
typedef int tnd_points_unused;
#endif
