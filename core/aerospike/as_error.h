/**
 * What went wrong with a call or a command: status, text and place.
 *
 * Programs keep it as a local of about 1 KiB, pass its address, and read it when the returned
 * status isn't AEROSPIKE_OK. The library writes it only when it fails. The error that a listener
 * gets belongs to the library and dies when the listener returns: as_error_copy() keeps it.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <aerospike/as_status.h>
#include <aerospike/as_std.h>
#include <aerospike/as_string.h>
#include <aerospike/as_subcode.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Size of the text in bytes with its terminator. */
#define AS_ERROR_MESSAGE_MAX_SIZE 1024
/** Most bytes of text. */
#define AS_ERROR_MESSAGE_MAX_LEN (AS_ERROR_MESSAGE_MAX_SIZE - 1)

typedef struct as_error_s {
    /** The same as the returned status. */
    as_status code;
    /** The server's detail number (as_subcode.h), 0 for none. */
    uint32_t subcode;
    /** Terminated text for people. */
    char message[AS_ERROR_MESSAGE_MAX_SIZE];
    /** Function that raised the error; static text or NULL. */
    const char* func;
    /** Source file of that function; static text or NULL. */
    const char* file;
    /** Line in that file. */
    uint32_t line;
    /** A write may have been applied although it failed. */
    bool in_doubt;
} as_error;

/** Sets all fields to 0, NULL and AEROSPIKE_OK. Returns `err`. */
static inline as_error* as_error_init(as_error* err)
{
    err->code = AEROSPIKE_OK;
    err->subcode = 0;
    err->message[0] = '\0';
    err->func = NULL;
    err->file = NULL;
    err->line = 0;
    err->in_doubt = false;
    return err;
}

/** The same as as_error_init(). Returns AEROSPIKE_OK. */
static inline as_status as_error_reset(as_error* err)
{
    as_error_init(err);
    return AEROSPIKE_OK;
}

/**
 * Fills the error; the text is cut where it doesn't fit, `in_doubt` is cleared and `subcode` left
 * alone. `message` may be err->message itself. `func` and `file` are kept: static text.
 * Returns `code`. A NULL `err` is allowed.
 */
AS_EXTERN as_status as_error_setall(as_error* err, as_status code, const char* message,
                                    const char* func, const char* file, uint32_t line);

/** as_error_setall() with a text in printf form. */
AS_EXTERN as_status as_error_setallv(as_error* err, as_status code, const char* func,
                                     const char* file, uint32_t line, const char* fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 6, 7)))
#endif
    ;

/**
 * Says whether a failed command may have been applied: a write that was sent more than once, or
 * once and then timed out or failed in the client.
 */
AS_EXTERN void as_error_set_in_doubt(as_error* err, bool is_read, uint32_t command_sent_counter);

/** Copies every field. */
AS_EXTERN void as_error_copy(as_error* trg, const as_error* src);

/** Appends to the text what fits. */
AS_EXTERN void as_error_append(as_error* err, const char* str);

/**
 * Name of a status, "AEROSPIKE_ERR_TIMEOUT"; "AEROSPIKE_ERR_SERVER" for a number without a name.
 * Static text: not to be written or freed.
 */
AS_EXTERN char* as_error_string(as_status status);

/**
 * as_error_update(err, code, fmt, ...): fills the error in printf form with the caller's place and
 * yields the status. Carries its own semicolon, as the official macro does, so it isn't for the
 * middle of an expression or an unbraced if with an else.
 */
#define as_error_update(err, code, ...)                                                            \
    as_error_setallv((err), (code), __func__, __FILE__, __LINE__, __VA_ARGS__);

/** The same without formatting. */
#define as_error_set_message(err, code, msg)                                                       \
    as_error_setall((err), (code), (msg), __func__, __FILE__, __LINE__)

/** Keeps a text that is there already, else takes the name of the status. Yields the status. */
#define as_error_update_status(err, code)                                                          \
    as_error_setall((err), (code), (err)->message[0] ? (err)->message : as_error_string(code),     \
                    __func__, __FILE__, __LINE__)

/** Keeps a text that is there already, else "<address> <name of the status>". */
#define as_error_update_address(err, code, address)                                                \
    ((err)->message[0]                                                                             \
         ? as_error_setall((err), (code), (err)->message, __func__, __FILE__, __LINE__)            \
         : as_error_setallv((err), (code), __func__, __FILE__, __LINE__, "%s %s", (address),       \
                            as_error_string(code)))

#ifdef __cplusplus
}
#endif
