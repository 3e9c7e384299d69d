/*
 * What the sources of the module share: the shape of the configuration, a request's context, and
 * who calls whom. Nobody else includes this; other modules include <ngx_http_aerospike.h>.
 *
 *     cluster.c    aerospike_cluster { ... }     client.c    a worker's clients
 *     location.c   directives of locations       target.c    which record: cluster, names, key
 *     value.c      text -> values                json_in.c   JSON -> values
 *     operation.c  directives -> operations      json_out.c  records -> JSON
 *     call.c       a command and its request     outcome.c   statuses -> HTTP
 *     content.c    answers requests              variables.c what access logs and rules see
 *     preload.c limit.c log.c                    the other phases
 *     status.c page.c                            the host's state as text and as a page
 *     api.c        what other modules may call
 */
#ifndef TENDRIL_MODULES_NGINX_MODULE_H
#define TENDRIL_MODULES_NGINX_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <tendril/client.h>

extern ngx_module_t ngx_http_aerospike_module;

/* ---- configuration: clusters ---- */

typedef struct ngx_http_aerospike_cluster {
    ngx_str_t name;
    as_config config;
    bool is_given_away; /* the configuration belongs to a client of this process */
} ngx_http_aerospike_cluster;

typedef struct ngx_http_aerospike_main_conf {
    ngx_array_t clusters;     /* of ngx_http_aerospike_cluster* */
    ngx_uint_t queue_running; /* commands of a worker under way at a time; 0: any number */
    ngx_uint_t queue_waiting; /* and waiting for their turn; 0: any number */
    ngx_uint_t log_writes;    /* most of them under way at log time, per worker */
    bool keeps_records;       /* some variable asks for bins */
    bool has_preloads;
    bool has_limits;
    bool has_logs;
} ngx_http_aerospike_main_conf;

/* ---- configuration: what a record is, and what to do with it ---- */

typedef enum ngx_http_aerospike_type {
    NGX_HTTP_AEROSPIKE_STRING = 0,
    NGX_HTTP_AEROSPIKE_INT,
    NGX_HTTP_AEROSPIKE_FLOAT,
    NGX_HTTP_AEROSPIKE_BOOL,
    NGX_HTTP_AEROSPIKE_BLOB,   /* bytes as they are */
    NGX_HTTP_AEROSPIKE_BASE64, /* bytes, written so */
    NGX_HTTP_AEROSPIKE_HEX,    /* bytes, written so */
    NGX_HTTP_AEROSPIKE_JSON,   /* any value */
    NGX_HTTP_AEROSPIKE_GEOJSON,
    NGX_HTTP_AEROSPIKE_DIGEST, /* of keys: 40 hex digits */
} ngx_http_aerospike_type;

/* Which record. */
typedef struct ngx_http_aerospike_target {
    ngx_http_complex_value_t cluster;
    ngx_http_complex_value_t namespace;
    ngx_http_complex_value_t set;
    ngx_http_complex_value_t key;
    ngx_http_aerospike_type key_type;
} ngx_http_aerospike_target;

typedef enum ngx_http_aerospike_verb {
    NGX_HTTP_AEROSPIKE_GET,
    NGX_HTTP_AEROSPIKE_EXISTS,
    NGX_HTTP_AEROSPIKE_PUT,
    NGX_HTTP_AEROSPIKE_ADD,
    NGX_HTTP_AEROSPIKE_APPEND,
    NGX_HTTP_AEROSPIKE_PREPEND,
    NGX_HTTP_AEROSPIKE_TOUCH,
    NGX_HTTP_AEROSPIKE_DELETE,
} ngx_http_aerospike_verb;

typedef struct ngx_http_aerospike_bin {
    ngx_str_t name; /* terminated; len 0: none */
    ngx_http_complex_value_t value;
    ngx_http_aerospike_type type;
} ngx_http_aerospike_bin;

typedef struct ngx_http_aerospike_operation {
    ngx_uint_t methods;
    ngx_http_aerospike_verb verb;
    ngx_http_aerospike_bin bin; /* no name: what aerospike_bin and aerospike_body say */
} ngx_http_aerospike_operation;

typedef enum ngx_http_aerospike_output {
    NGX_HTTP_AEROSPIKE_OUTPUT_JSON = 0,
    NGX_HTTP_AEROSPIKE_OUTPUT_VALUE,
    NGX_HTTP_AEROSPIKE_OUTPUT_HEADERS,
    NGX_HTTP_AEROSPIKE_OUTPUT_NONE,
} ngx_http_aerospike_output;

typedef enum ngx_http_aerospike_body {
    NGX_HTTP_AEROSPIKE_BODY_OFF = 0,
    NGX_HTTP_AEROSPIKE_BODY_JSON,
    NGX_HTTP_AEROSPIKE_BODY_BIN,
} ngx_http_aerospike_body;

typedef struct ngx_http_aerospike_rewrite {
    ngx_uint_t methods;
    ngx_uint_t outcome; /* see outcome.c */
    ngx_uint_t status;
} ngx_http_aerospike_rewrite;

typedef struct ngx_http_aerospike_preload {
    ngx_http_aerospike_target target;
    ngx_str_t prefix; /* of the variables; empty: only $aerospike_bin_... */
    bool is_required; /* a failure is the answer */
} ngx_http_aerospike_preload;

typedef struct ngx_http_aerospike_limit {
    ngx_http_aerospike_target target;
    int64_t rate;
    ngx_uint_t period_sec;
    ngx_uint_t status;
    char bin[AS_BIN_NAME_MAX_SIZE];
    bool is_closed_on_error;
    bool is_dry_run;
} ngx_http_aerospike_limit;

typedef struct ngx_http_aerospike_log {
    ngx_http_aerospike_target target;
    ngx_array_t operations; /* of ngx_http_aerospike_operation */
    ngx_http_complex_value_t* condition;
    uint32_t ttl;
} ngx_http_aerospike_log;

typedef struct ngx_http_aerospike_loc_conf {
    ngx_http_aerospike_target target;
    bool is_passing;         /* aerospike_pass is in this location */
    ngx_array_t* operations; /* of ngx_http_aerospike_operation */
    ngx_array_t* bins;       /* of ngx_http_aerospike_bin */
    ngx_array_t* rewrites;   /* of ngx_http_aerospike_rewrite */
    ngx_array_t* preloads;   /* of ngx_http_aerospike_preload */
    ngx_array_t* limits;     /* of ngx_http_aerospike_limit */
    ngx_array_t* logs;       /* of ngx_http_aerospike_log */
    ngx_http_complex_value_t* ttl;
    ngx_http_complex_value_t* generation;
    ngx_uint_t output;
    ngx_str_t output_bin;
    ngx_uint_t body;
    ngx_http_aerospike_bin body_bin;
    ngx_flag_t blobs_as_objects;
    ngx_flag_t cache_control;
    size_t max_value_size;
    ngx_msec_t connect_timeout;
    ngx_msec_t socket_timeout;
    ngx_msec_t total_timeout;
    ngx_uint_t retries;
    ngx_msec_t retry_delay;
    ngx_uint_t replica;
    ngx_uint_t exists;
    ngx_uint_t commit_level;
    ngx_flag_t send_key;
    ngx_flag_t durable_delete;
    ngx_uint_t status_format; /* of aerospike_status */
} ngx_http_aerospike_loc_conf;

/* ---- a request ---- */

/* How the last command of a request went. */
typedef struct ngx_http_aerospike_result {
    as_status code;
    bool is_there; /* a command has ended */
    bool in_doubt;
    bool has_meta; /* generation and ttl are known */
    uint32_t generation;
    uint32_t ttl;
    size_t bytes; /* of the bins' values */
    ngx_str_t message;
    as_command_info info;
} ngx_http_aerospike_result;

typedef struct ngx_http_aerospike_kept {
    as_record* record;
    ngx_str_t prefix;
    struct ngx_http_aerospike_kept* older;
} ngx_http_aerospike_kept;

typedef struct ngx_http_aerospike_ctx {
    ngx_http_aerospike_result result;
    ngx_http_aerospike_kept* kept; /* the newest first */
    ngx_array_t loaded;            /* of ngx_http_aerospike_preload*: done or under way */
    bool is_loading;
    ngx_int_t load_status; /* the answer that a failure of one of them calls for */
    bool is_limiting;
    ngx_int_t limit_status;
} ngx_http_aerospike_ctx;

/* The request's context, made if need be; NULL without memory. */
ngx_http_aerospike_ctx* ngx_http_aerospike_ctx_of(ngx_http_request_t* r);

/* ---- cluster.c ---- */

char* ngx_http_aerospike_cluster_block(ngx_conf_t* cf, ngx_command_t* command, void* conf);
ngx_http_aerospike_cluster* ngx_http_aerospike_cluster_find(ngx_http_aerospike_main_conf* conf,
                                                            const ngx_str_t* name);

/* ---- client.c ---- */

/* Starts the clients of a worker. Nothing here fails a worker's start: without a cluster there is
 * a client that keeps trying, and without a client there are requests that get an error. */
void ngx_http_aerospike_clients_start(ngx_http_aerospike_main_conf* conf);
/* Closes at once. Listeners that are still due are called inside, with an error, while
 * ngx_http_aerospike_is_stopping() already. */
void ngx_http_aerospike_clients_stop(void);
bool ngx_http_aerospike_is_stopping(void);
/* NULL: none was started for this cluster, or it is being stopped. */
aerospike* ngx_http_aerospike_client_of(ngx_http_aerospike_cluster* cluster);

/* ---- target.c ---- */

typedef struct ngx_http_aerospike_record_id {
    aerospike* client;
    as_key key;
} ngx_http_aerospike_record_id;

/* Compiles the first four words of the present directive: cluster, namespace, set, key. */
ngx_int_t ngx_http_aerospike_target_compile(ngx_conf_t* cf, ngx_http_aerospike_target* ret_target);
/* NGX_OK, and the key is to be destroyed; or the answer's status, with `ret_reason` set where the
 * client is to blame. What the key borrows lives as long as the request's pool. */
ngx_int_t ngx_http_aerospike_target_evaluate(ngx_http_request_t* r,
                                             ngx_http_aerospike_target* target,
                                             ngx_http_aerospike_record_id* ret_id,
                                             const char** ret_reason);
/* Does the text name a configured cluster? For names without variables. */
char* ngx_http_aerospike_target_check(ngx_conf_t* cf, const ngx_http_aerospike_target* target);
/* An nginx value from text in the configuration. */
ngx_int_t ngx_http_aerospike_compile(ngx_conf_t* cf, ngx_str_t* text,
                                     ngx_http_complex_value_t* ret_value);

/* ---- value.c ---- */

/* "type=..." or the bare word; false for others. */
bool ngx_http_aerospike_type_parse(const ngx_str_t* word, ngx_http_aerospike_type* ret_type);
/* A value with one reference, which may borrow from the pool; NULL with a reason (static text). */
as_val* ngx_http_aerospike_value_new(ngx_pool_t* pool, ngx_http_aerospike_type type,
                                     const ngx_str_t* text, const char** ret_reason);
/* False with a reason. */
bool ngx_http_aerospike_integer_parse(const ngx_str_t* text, int64_t* ret_value);
/* Terminated; NULL without memory. */
char* ngx_http_aerospike_text(ngx_pool_t* pool, const ngx_str_t* text);
bool ngx_http_aerospike_unhex(const ngx_str_t* text, u_char* ret_bytes);

/* ---- json_in.c ---- */

/* A value with one reference; NULL with a reason. Text and bytes belong to it. */
as_val* ngx_http_aerospike_json_value(const ngx_str_t* text, bool blobs_as_objects,
                                      const char** ret_reason);
/* The object in `text`, for json_writes; NULL with a reason: it isn't one, or has no member. */
void* ngx_http_aerospike_json_open(const ngx_str_t* text, ngx_uint_t* ret_count,
                                   const char** ret_reason);
/* Adds a write per member, and closes. NULL, or the reason. */
const char* ngx_http_aerospike_json_writes(void* opened, bool blobs_as_objects, as_operations* ops);

/* ---- json_out.c ---- */

/* {"name":value,...} in memory of the pool: integers exact, bytes as base64 or {"$blob":base64},
 * GeoJSON as it is. `data` is NULL without memory. */
ngx_str_t ngx_http_aerospike_json(const as_record* record, bool blobs_as_objects, ngx_pool_t* pool);
/* The value as plain text: strings and bytes as they are, the others as in JSON. */
ngx_str_t ngx_http_aerospike_plain(const as_val* value, bool blobs_as_objects, ngx_pool_t* pool);

/* ---- operation.c ---- */

/* What one command is to do; the first three are commands of their own, for which servers have
 * shorter paths. */
typedef enum ngx_http_aerospike_kind {
    NGX_HTTP_AEROSPIKE_KIND_GET,
    NGX_HTTP_AEROSPIKE_KIND_SELECT,
    NGX_HTTP_AEROSPIKE_KIND_EXISTS,
    NGX_HTTP_AEROSPIKE_KIND_REMOVE,
    NGX_HTTP_AEROSPIKE_KIND_OPERATE,
} ngx_http_aerospike_kind;

typedef struct ngx_http_aerospike_work {
    ngx_http_aerospike_kind kind;
    bool is_write;
    as_operations ops; /* initialised for OPERATE alone */
    const char** bins; /* of SELECT: ends with NULL */
    uint32_t ttl;
    uint16_t generation;
    bool has_generation;
    as_policy_exists exists;
} ngx_http_aerospike_work;

char* ngx_http_aerospike_set_operation(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_bin(ngx_conf_t* cf, ngx_command_t* command, void* conf);
/* "put add append prepend" with name and value, "touch" alone: operations of a line's end. NULL or
 * an error for the configuration. */
char* ngx_http_aerospike_parse_operations(ngx_conf_t* cf, ngx_str_t* words, ngx_uint_t count,
                                          ngx_array_t* operations);
/* Methods of this request's location that have operations. */
ngx_uint_t ngx_http_aerospike_methods(const ngx_http_aerospike_loc_conf* conf);
bool ngx_http_aerospike_needs_body(const ngx_http_aerospike_loc_conf* conf, ngx_uint_t method);
/* From directives and body; NGX_OK, and _work_done is due; or a status with a reason. */
ngx_int_t ngx_http_aerospike_work_make(ngx_http_request_t* r,
                                       const ngx_http_aerospike_loc_conf* conf,
                                       const ngx_str_t* body, ngx_http_aerospike_work* ret_work,
                                       const char** ret_reason);
/* The same from a list of operations alone. */
ngx_int_t ngx_http_aerospike_work_of(ngx_http_request_t* r, const ngx_array_t* operations,
                                     ngx_http_aerospike_work* ret_work, const char** ret_reason);
void ngx_http_aerospike_work_done(ngx_http_aerospike_work* work);
ngx_uint_t ngx_http_aerospike_method_parse(const ngx_str_t* word);

/* ---- call.c ---- */

/* The command has ended: its result is in the request's context. `record` is NULL on failure, and
 * lives until the function returns, or as long as the request if records are kept. */
typedef void (*ngx_http_aerospike_done)(ngx_http_request_t* r, const as_record* record, void* data);

/* Starts the command. AEROSPIKE_OK: `done` is called once from the loop, unless the request ends
 * first. Else it isn't, the context has the result, and the answer is ..._outcome's. */
as_status ngx_http_aerospike_call(ngx_http_request_t* r, ngx_http_aerospike_record_id* id,
                                  const ngx_http_aerospike_work* work, const ngx_str_t* keep_prefix,
                                  ngx_http_aerospike_done done, void* data);
/* The same for nobody: `on_end` may outlive every request. */
as_status ngx_http_aerospike_post(const ngx_http_aerospike_loc_conf* conf,
                                  ngx_http_aerospike_record_id* id,
                                  const ngx_http_aerospike_work* work,
                                  as_async_record_listener on_end, void* udata, as_error* err);

/* ---- outcome.c ---- */

/* The status for a result code, not rewritten. */
ngx_int_t ngx_http_aerospike_status_of(as_status code);
/* The answer's status after the location's rewrites; failures are logged and get their headers. */
ngx_int_t ngx_http_aerospike_outcome(ngx_http_request_t* r);
/* The same where a request is to be ended by it, which a 2xx doesn't: then not rewritten. */
ngx_int_t ngx_http_aerospike_failure(ngx_http_request_t* r);
/* A 4xx with a reason, in the log and as a header. */
ngx_int_t ngx_http_aerospike_refuse(ngx_http_request_t* r, ngx_int_t status, const char* reason);
ngx_int_t ngx_http_aerospike_add_header(ngx_http_request_t* r, const char* name,
                                        const ngx_str_t* value);
char* ngx_http_aerospike_set_rewrite(ngx_conf_t* cf, ngx_command_t* command, void* conf);

/* ---- content.c, variables.c, preload.c, limit.c, log.c ---- */

ngx_int_t ngx_http_aerospike_handler(ngx_http_request_t* r);

ngx_int_t ngx_http_aerospike_variables_add(ngx_conf_t* cf);
bool ngx_http_aerospike_variables_want_bins(ngx_conf_t* cf);
ngx_int_t ngx_http_aerospike_variables_add_prefix(ngx_conf_t* cf, const ngx_str_t* prefix);

char* ngx_http_aerospike_set_preload(ngx_conf_t* cf, ngx_command_t* command, void* conf);
ngx_int_t ngx_http_aerospike_preload_handler(ngx_http_request_t* r);

char* ngx_http_aerospike_set_limit(ngx_conf_t* cf, ngx_command_t* command, void* conf);
ngx_int_t ngx_http_aerospike_limit_handler(ngx_http_request_t* r);

char* ngx_http_aerospike_set_status(ngx_conf_t* cf, ngx_command_t* command, void* conf);

char* ngx_http_aerospike_set_log(ngx_conf_t* cf, ngx_command_t* command, void* conf);
ngx_int_t ngx_http_aerospike_log_handler(ngx_http_request_t* r);

#endif
