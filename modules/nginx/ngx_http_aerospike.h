/*
 * For other nginx modules: commands of the cluster from a request, through the clients that
 * aerospike_cluster describes, on the worker's events.
 *
 *     static void on_end(ngx_http_request_t* r, as_error* err, void* result, void* data) { ... }
 *
 *     const ngx_http_aerospike_api_t* api = ngx_http_aerospike_api();
 *     aerospike* as = api ? api->find(&name) : NULL;
 *     void* wait = as ? api->wait(r, on_end, data) : NULL;
 *     if (wait && NGX_HTTP_AEROSPIKE(api, aerospike_key_get_async)(
 *                     as, &err, NULL, &key, api->on_record, wait, NULL, NULL) != AEROSPIKE_OK) {
 *         api->forget(wait);
 *     }
 *
 * The module exports nothing, so the public interface's functions are looked up by name, once or
 * each time: a table of a few hundred names, sorted. Types and constants come from the library's
 * headers. A request that ends first is cut off: the command goes on, `on_end` isn't called. Then
 * r->main->count needs no raising by the caller, but in content handlers that return NGX_DONE it
 * does, as always.
 */
#ifndef NGX_HTTP_AEROSPIKE_H
#define NGX_HTTP_AEROSPIKE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <aerospike/aerospike.h>
#include <aerospike/as_listener.h>

/* Raised when the table below changes in any way but growing. */
#define NGX_HTTP_AEROSPIKE_API_VERSION 1

/* How a command ended: `err` is NULL on success; `result` is the as_record*, the as_val* or NULL,
 * and dies when this returns unless the policy gave it away. From the loop, with the request's log
 * in place; posted requests are run afterwards. */
typedef void (*ngx_http_aerospike_end_pt)(ngx_http_request_t* r, as_error* err, void* result,
                                          void* data);

typedef struct ngx_http_aerospike_api_s {
    uint32_t version;

    /* The worker's client of a cluster; NULL: none of that name, or the process is ending. Not to
     * be closed or destroyed. */
    aerospike* (*find)(const ngx_str_t* name);

    /* What a command that is about to be submitted is given as `udata`; NULL without memory. */
    void* (*wait)(ngx_http_request_t* r, ngx_http_aerospike_end_pt on_end, void* data);
    /* The submission failed: there will be no end. */
    void (*forget)(void* wait);
    /* The listeners to submit it with. */
    as_async_record_listener on_record;
    as_async_write_listener on_write;
    as_async_value_listener on_value;

    /* A function (or object) of the public interface; NULL if there is none of that name. */
    void* (*symbol)(const char* name);
} ngx_http_aerospike_api_t;

/* The function of that name, with its type. It must be there. */
#define NGX_HTTP_AEROSPIKE(api, name) ((__typeof__(&name))(uintptr_t)(api)->symbol(#name))

/* NULL: the module isn't loaded, or speaks another version of this. */
static inline const ngx_http_aerospike_api_t* ngx_http_aerospike_api(void)
{
    for (ngx_uint_t i = 0; ngx_cycle->modules[i]; i++) {
        ngx_module_t* module = ngx_cycle->modules[i];
        if (ngx_strcmp(module->name, "ngx_http_aerospike_module") == 0 && module->spare_hook0) {
            const ngx_http_aerospike_api_t* api =
                (const ngx_http_aerospike_api_t*)module->spare_hook0;
            return api->version == NGX_HTTP_AEROSPIKE_API_VERSION ? api : NULL;
        }
    }
    return NULL;
}

#endif
