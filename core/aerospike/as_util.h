/**
 * Small macros of the value interfaces: calling a hook that may be missing, casting by type.
 */
#pragma once

#include <aerospike/as_val.h>

#define as_util_first_(...) as_util_first_of_(__VA_ARGS__, 0)
#define as_util_first_of_(object, ...) (object)
#define as_util_has_(name, object) ((object) && (object)->hooks && (object)->hooks->name)

/**
 * as_util_hook(hook, otherwise, object, ...): object->hooks->hook(object, ...) where object, hooks
 * and hook are set, else `otherwise`. Evaluates `object` several times.
 */
#define as_util_hook(name, otherwise, ...)                                                         \
    (as_util_has_(name, as_util_first_(__VA_ARGS__))                                               \
         ? as_util_first_(__VA_ARGS__)->hooks->name(__VA_ARGS__)                                   \
         : (otherwise))

/** as_util_hook_ret_void(hook, object, ...): the same for a hook without a result. */
#define as_util_hook_ret_void(name, ...)                                                           \
    do {                                                                                           \
        if (as_util_has_(name, as_util_first_(__VA_ARGS__))) {                                     \
            as_util_first_(__VA_ARGS__)->hooks->name(__VA_ARGS__);                                 \
        }                                                                                          \
    } while (0)

/** `object` as `type`*, or NULL if it is NULL or of another type than `type_id`. */
#define as_util_fromval(object, type_id, type)                                                     \
    ((type*)(as_val_type(object) == (type_id) ? (object) : NULL))
