/**
 * Files of UDFs as servers hold them.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AS_UDF_MODULE_MAX_SIZE 64
#define AS_UDF_MODULE_MAX_LEN (AS_UDF_MODULE_MAX_SIZE - 1)
#define AS_UDF_FUNCTION_MAX_SIZE 64
#define AS_UDF_FUNCTION_MAX_LEN (AS_UDF_FUNCTION_MAX_SIZE - 1)

#define AS_UDF_FILE_NAME_SIZE 128
#define AS_UDF_FILE_NAME_LEN (AS_UDF_FILE_NAME_SIZE - 1)
#define AS_UDF_FILE_HASH_SIZE 40

typedef char as_udf_module_name[AS_UDF_MODULE_MAX_SIZE];
typedef char as_udf_function_name[AS_UDF_FUNCTION_MAX_SIZE];

typedef enum as_udf_type_e {
    AS_UDF_TYPE_LUA = 0
} as_udf_type;

typedef struct as_udf_file_s {
    bool _free;
    char name[AS_UDF_FILE_NAME_SIZE];
    /** In a list: the server's, of its own record of the file. Of a file that was got: the SHA-1 of
     * its content. They never agree. 40 hexadecimal digits and a NUL. */
    uint8_t hash[AS_UDF_FILE_HASH_SIZE + 1];
    as_udf_type type;
    struct {
        bool _free;
        uint32_t capacity;
        uint32_t size;
        /** NULL in a list. */
        uint8_t* bytes;
    } content;
} as_udf_file;

typedef struct as_udf_files_s {
    bool _free;
    uint32_t capacity;
    uint32_t size;
    as_udf_file* entries;
} as_udf_files;

/** An empty file. NULL without memory. */
AS_EXTERN as_udf_file* as_udf_file_init(as_udf_file* file);
AS_EXTERN as_udf_file* as_udf_file_new(void);

/** Frees the content, if the library made it, and the file if it came from as_udf_file_new(). NULL
 * is allowed. */
AS_EXTERN void as_udf_file_destroy(as_udf_file* file);

/** Room for `capacity` files; with 0 there will be room for all. NULL without memory. */
AS_EXTERN as_udf_files* as_udf_files_init(as_udf_files* files, uint32_t capacity);
AS_EXTERN as_udf_files* as_udf_files_new(uint32_t capacity);

/** Frees the entries, and the list if it came from as_udf_files_new(). NULL is allowed. */
AS_EXTERN void as_udf_files_destroy(as_udf_files* files);

#ifdef __cplusplus
}
#endif
