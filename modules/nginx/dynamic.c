/*
 * What nginx looks up in a module's file when load_module opens it. nginx's own build writes this
 * file itself; ours does without.
 */
#include <ngx_config.h>
#include <ngx_core.h>

extern ngx_module_t ngx_http_aerospike_module;
extern ngx_module_t* ngx_modules[];
extern char* ngx_module_names[];
extern char* ngx_module_order[];

__attribute__((visibility("default")))
ngx_module_t* ngx_modules[] = {&ngx_http_aerospike_module, NULL};

__attribute__((visibility("default"))) char* ngx_module_names[] = {"ngx_http_aerospike_module",
                                                                   NULL};

__attribute__((visibility("default"))) char* ngx_module_order[] = {NULL};
