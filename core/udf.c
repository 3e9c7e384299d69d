/*
 * Files of UDFs: the values that programs hold, and the words of servers about them. Lists are
 * "filename=F,hash=H,type=LUA;" again and again, a file is "type=LUA;content=BASE64;".
 */
#include "core/udf.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include <aerospike/as_string.h>

#include "core/base64.h"
#include "core/mem.h"

/* ---- values ---- */

as_udf_file* as_udf_file_init(as_udf_file* file)
{
    memset(file, 0, sizeof(*file));
    return file;
}

as_udf_file* as_udf_file_new(void)
{
    as_udf_file* file = tnd_calloc(1, sizeof(*file));
    if (file) {
        file->_free = true;
    }
    return file;
}

void as_udf_file_destroy(as_udf_file* file)
{
    if (!file) {
        return;
    }
    if (file->content._free) {
        tnd_free(file->content.bytes);
    }
    if (file->_free) {
        tnd_free(file);
    } else {
        as_udf_file_init(file);
    }
}

static bool files_reserve(as_udf_files* files, uint32_t capacity)
{
    files->entries = tnd_calloc(capacity, sizeof(*files->entries));
    files->capacity = files->entries ? capacity : 0;
    return files->entries != NULL;
}

as_udf_files* as_udf_files_init(as_udf_files* files, uint32_t capacity)
{
    memset(files, 0, sizeof(*files));
    return capacity == 0 || files_reserve(files, capacity) ? files : NULL;
}

as_udf_files* as_udf_files_new(uint32_t capacity)
{
    as_udf_files* files = tnd_malloc(sizeof(*files));
    if (!files || !as_udf_files_init(files, capacity)) {
        tnd_free(files);
        return NULL;
    }
    files->_free = true;
    return files;
}

void as_udf_files_destroy(as_udf_files* files)
{
    if (!files) {
        return;
    }
    for (uint32_t i = 0; i < files->size; i++) {
        as_udf_file_destroy(&files->entries[i]);
    }
    tnd_free(files->entries);
    if (files->_free) {
        tnd_free(files);
    } else {
        memset(files, 0, sizeof(*files));
    }
}

/* ---- requests ---- */

const char* tnd_udf_name(const char* path)
{
    const char* slash = path ? strrchr(path, '/') : NULL;
    const char* name = slash ? slash + 1 : path;
    size_t size = name ? strnlen(name, AS_UDF_FILE_NAME_LEN + 1) : 0;
    if (size == 0 || size > AS_UDF_FILE_NAME_LEN || strpbrk(name, ";=,:\t\n")) {
        return NULL;
    }
    const char* dot = strchr(name + 1, '.');
    return dot && dot[1] && name[0] != '.' && name[size - 1] != '.' ? name : NULL;
}

static as_status check_name(as_error* err, const char* path)
{
    return tnd_udf_name(path)
               ? AEROSPIKE_OK
               : as_error_update(err, AEROSPIKE_ERR_PARAM,
                                 "A file of UDFs needs a name of 1 to %d bytes with a dot inside "
                                 "and none of ; = , :",
                                 AS_UDF_FILE_NAME_LEN);
}

static as_status check_memory(tnd_buf* buf, as_error* err)
{
    if (tnd_buf_is_ok(buf)) {
        return AEROSPIKE_OK;
    }
    tnd_buf_reset(buf);
    return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a file of UDFs");
}

as_status tnd_udf_put(tnd_buf* buf, as_error* err, const char* path, const void* content,
                      size_t size)
{
    char numbers[64];
    if (check_name(err, path) != AEROSPIKE_OK) {
        return err->code;
    }
    if (size == 0 || size > TND_UDF_CONTENT_BYTES_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "A file of UDFs has 1 to %d bytes, not %zu",
                               TND_UDF_CONTENT_BYTES_MAX, size);
    }
    size_t chars = tnd_base64_chars(size);
    tnd_buf_append_text(buf, "udf-put:filename=");
    tnd_buf_append_text(buf, tnd_udf_name(path));
    tnd_buf_append_text(buf, ";content=");
    uint8_t* at = tnd_buf_claim(buf, chars);
    if (at) {
        tnd_base64_encode(content, size, (char*)at);
    }
    snprintf(numbers, sizeof(numbers), ";content-len=%zu;udf-type=LUA;", chars);
    tnd_buf_append_text(buf, numbers);
    tnd_buf_append_u8(buf, '\0');
    return check_memory(buf, err);
}

as_status tnd_udf_ask(tnd_buf* buf, as_error* err, const char* command, const char* path)
{
    if (check_name(err, path) != AEROSPIKE_OK) {
        return err->code;
    }
    tnd_buf_append_text(buf, command);
    tnd_buf_append_text(buf, ":filename=");
    tnd_buf_append_text(buf, tnd_udf_name(path));
    tnd_buf_append_text(buf, ";");
    tnd_buf_append_u8(buf, '\0');
    return check_memory(buf, err);
}

/* ---- answers ---- */

/* The value behind "key=" among pairs that `stop` ends. */
static bool find_pair(tnd_slice pairs, char stop, const char* key, tnd_slice* ret_value)
{
    tnd_slice pair, name;
    while (pairs.size > 0) {
        tnd_slice_cut(&pairs, stop, &pair);
        if (tnd_slice_cut(&pair, '=', &name) && tnd_slice_equals_text(name, key)) {
            *ret_value = pair;
            return true;
        }
    }
    return false;
}

/* The next file of a list with its name; false at the end. An entry without a name is passed over.
 */
static bool next_file(tnd_slice* rest, tnd_slice* ret_file, tnd_slice* ret_name)
{
    while (rest->size > 0) {
        tnd_slice_cut(rest, ';', ret_file);
        if (find_pair(*ret_file, ',', "filename", ret_name) && ret_name->size > 0) {
            return true;
        }
    }
    return false;
}

static void copy_text(char* ret_text, size_t room, tnd_slice from)
{
    size_t size = from.size < room ? from.size : room - 1;
    if (size > 0) {
        memcpy(ret_text, from.data, size);
    }
    ret_text[size] = '\0';
}

as_status tnd_udf_read_list(as_udf_files* files, as_error* err, tnd_slice value)
{
    tnd_slice rest = value, file, name, hash;
    uint32_t count = 0;
    while (next_file(&rest, &file, &name)) {
        if (name.size > AS_UDF_FILE_NAME_LEN) {
            return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                                   "Bad answer: a name of %zu bytes in a list of UDF files",
                                   name.size);
        }
        count++;
    }
    if (files->capacity == 0 && count > 0 && !files_reserve(files, count)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: %u UDF files", count);
    }
    rest = value;
    while (files->size < files->capacity && next_file(&rest, &file, &name)) {
        as_udf_file* entry = as_udf_file_init(&files->entries[files->size++]);
        copy_text(entry->name, sizeof(entry->name), name);
        if (find_pair(file, ',', "hash", &hash)) {
            copy_text((char*)entry->hash, sizeof(entry->hash), hash);
        }
    }
    return AEROSPIKE_OK;
}

bool tnd_udf_list_has(tnd_slice value, const char* name)
{
    tnd_slice file, found;
    while (next_file(&value, &file, &found)) {
        if (tnd_slice_equals_text(found, name)) {
            return true;
        }
    }
    return false;
}

static void hash_content(as_udf_file* file)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!EVP_Digest(file->content.bytes, file->content.size, digest, &size, EVP_sha1(), NULL)) {
        return; /* a libcrypto without that digest: no hash */
    }
    for (unsigned i = 0; i < size && 2 * i < AS_UDF_FILE_HASH_SIZE; i++) {
        snprintf((char*)file->hash + (size_t)2 * i, 3, "%02x", digest[i]);
    }
}

as_status tnd_udf_read_file(as_udf_file* file, as_error* err, tnd_slice value, const char* name)
{
    tnd_slice base64;
    size_t size = 0;
    if (!find_pair(value, ';', "content", &base64) ||
        base64.size > tnd_base64_chars(TND_UDF_CONTENT_BYTES_MAX)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "Bad answer: no content of the UDF file %s, or too much", name);
    }
    uint8_t* bytes = tnd_malloc(base64.size + 1);
    if (!bytes) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Out of memory: the UDF file %s", name);
    }
    if (!tnd_base64_decode(base64.data, base64.size, bytes, &size)) {
        tnd_free(bytes);
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "Bad answer: the content of the UDF file %s is no base64", name);
    }
    copy_text(file->name, sizeof(file->name), tnd_slice_text(name));
    file->content.bytes = bytes;
    file->content.size = (uint32_t)size;
    file->content.capacity = (uint32_t)base64.size + 1;
    file->content._free = true;
    hash_content(file);
    return AEROSPIKE_OK;
}

void tnd_udf_explain(as_error* err)
{
    char text[sizeof(err->message)];
    uint8_t decoded[sizeof(err->message)];
    char line[16] = "?";
    tnd_slice number, base64;
    size_t size = 0;
    snprintf(text, sizeof(text), "%s", err->message);
    tnd_slice value = tnd_slice_text(text);
    if (!find_pair(value, ';', "message", &base64) || base64.size > sizeof(decoded) ||
        !tnd_base64_decode(base64.data, base64.size, decoded, &size)) {
        return;
    }
    if (find_pair(value, ';', "line", &number)) {
        copy_text(line, sizeof(line), number);
    }
    size_t word = tnd_slice_find(value, ';');
    snprintf(err->message, sizeof(err->message), "%.*s in line %s: %.*s",
             (int)(word < 64 ? word : 64), text, line, (int)(size < 900 ? size : 900),
             (const char*)decoded);
}
