/*
 * Records as text for HTTP.
 */
#ifndef TENDRIL_MODULES_NGINX_OUTPUT_H
#define TENDRIL_MODULES_NGINX_OUTPUT_H

#include <aerospike/as_record.h>
#include <ngx_config.h>
#include <ngx_core.h>

/* {"name":value,...} in memory of the pool: integers exact, bytes as base64, GeoJSON as it is, what
 * JSON has no word for as text. `data` is NULL without memory. */
ngx_str_t ngx_http_aerospike_json(const as_record* record, ngx_pool_t* pool);

#endif
