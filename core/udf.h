/*
 * Files of UDFs by info (protocol/queries-admin.md 13): requests, and what servers answer. Pure.
 */
#ifndef TENDRIL_CORE_UDF_H
#define TENDRIL_CORE_UDF_H

#include <aerospike/as_error.h>
#include <aerospike/as_udf.h>

#include "core/buf.h"
#include "core/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_UDF_CONTENT_BYTES_MAX = 1024 * 1024,
};

/* "udf-put:..." with the content as base64, "udf-get:...", "udf-remove:...", each with its NUL, in
   an empty buffer. Directories in front of the name are cut off. AEROSPIKE_ERR_PARAM for a name
   that no server takes or a content of no size or of more than TND_UDF_CONTENT_BYTES_MAX,
   AEROSPIKE_ERR_CLIENT without memory. */
as_status tnd_udf_put(tnd_buf* buf, as_error* err, const char* path, const void* content,
                      size_t size);
as_status tnd_udf_ask(tnd_buf* buf, as_error* err, const char* command, const char* path);

/* The name in a path; NULL if no server takes it. */
const char* tnd_udf_name(const char* path);

/* Fills the list out of the answer to "udf-list", as far as there is room. AEROSPIKE_ERR_CLIENT for
   one that makes no sense, or without memory. */
as_status tnd_udf_read_list(as_udf_files* files, as_error* err, tnd_slice value);

/* Whether that answer has the file. */
bool tnd_udf_list_has(tnd_slice value, const char* name);

/* Fills the file, which is empty, out of the answer to "udf-get". */
as_status tnd_udf_read_file(as_udf_file* file, as_error* err, tnd_slice value, const char* name);

/* Makes a server's "compile_error;...;message=BASE64" one that can be read. */
void tnd_udf_explain(as_error* err);

#ifdef __cplusplus
}
#endif

#endif
