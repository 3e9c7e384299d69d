/*
 * The worker's client of the cluster, on the worker's events: made in init_process, gone after
 * exit_process. Nothing here fails a worker's start: without a cluster there is a client that keeps
 * trying, and without a client there are requests that get an error.
 */
#ifndef TENDRIL_MODULES_NGINX_CLIENT_H
#define TENDRIL_MODULES_NGINX_CLIENT_H

#include <aerospike/aerospike.h>
#include <ngx_config.h>
#include <ngx_core.h>

typedef struct ngx_http_aerospike_settings {
    ngx_array_t* hosts; /* of ngx_str_t: host[:port][,...] each; NULL for no client */
    ngx_flag_t use_shm;
    ngx_uint_t shm_key;
} ngx_http_aerospike_settings;

/* Do these words describe seeds? Without side effects: for the configuration's check. */
bool ngx_http_aerospike_hosts_are_valid(const ngx_str_t* hosts);

/* `settings` is borrowed until it returns. */
void ngx_http_aerospike_client_start(const ngx_http_aerospike_settings* settings);

/* Closes at once. Listeners that are still due are called inside, with an error, while
 * ngx_http_aerospike_client() is NULL already. */
void ngx_http_aerospike_client_stop(void);

/* The client, or NULL: none was started, or it is being stopped. */
aerospike* ngx_http_aerospike_client(void);

#endif
