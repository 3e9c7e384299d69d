/*
 * What the module's file says of the table for other modules, and the names in it.
 */
#ifndef TENDRIL_MODULES_NGINX_API_H
#define TENDRIL_MODULES_NGINX_API_H

#include "ngx_http_aerospike.h"

extern const ngx_http_aerospike_api_t ngx_http_aerospike_api_table;

typedef struct ngx_http_aerospike_symbol {
    const char* name;
    void* address;
} ngx_http_aerospike_symbol;

/* Made by the script `symbols` from what the library exports; sorted by name. */
extern const ngx_http_aerospike_symbol ngx_http_aerospike_symbols[];
extern const size_t ngx_http_aerospike_symbols_count;

#endif
