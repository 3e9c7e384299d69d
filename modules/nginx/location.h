/*
 * The configuration of locations: made, filled, merged.
 */
#ifndef TENDRIL_MODULES_NGINX_LOCATION_H
#define TENDRIL_MODULES_NGINX_LOCATION_H

#include "module.h"

extern ngx_conf_enum_t ngx_http_aerospike_replicas[];
extern ngx_conf_enum_t ngx_http_aerospike_exists[];
extern ngx_conf_enum_t ngx_http_aerospike_commit_levels[];

void* ngx_http_aerospike_create_loc_conf(ngx_conf_t* cf);
char* ngx_http_aerospike_merge_loc_conf(ngx_conf_t* cf, void* parent, void* child);

char* ngx_http_aerospike_set_pass(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_namespace(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_set(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_key(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_output(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_body(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_retries(ngx_conf_t* cf, ngx_command_t* command, void* conf);
char* ngx_http_aerospike_set_blobs(ngx_conf_t* cf, ngx_command_t* command, void* conf);

#endif
