/*
 * aerospike_status: what a reading of the segments becomes.
 */
#ifndef TENDRIL_MODULES_NGINX_STATUS_H
#define TENDRIL_MODULES_NGINX_STATUS_H

#include <stdio.h>
#include <tendril/inspect.h>

typedef struct status_cluster {
    const char* name; /* of aerospike_cluster */
    int key;
    bool is_shared; /* false: shm_key off */
    bool is_read;
    char error[256]; /* why it isn't */
    tnd_inspection seen;
} status_cluster;

/* The whole page: one response, no external resource. */
void ngx_http_aerospike_page_write(FILE* out, const status_cluster* clusters, size_t count);

#endif
