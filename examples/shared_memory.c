/*
 * The program of the shared-memory page of the official documentation: it connects, and whoever
 * comes first makes the segment that all processes of this host share.
 *
 *     shared_memory [HOST [PORT [KEY]]]        127.0.0.1 3000 0xA7000000 unless said otherwise
 *
 * Look at the segment with `ipcs -m` while another process uses it; the last one to close removes
 * it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <aerospike/aerospike.h>
#include <aerospike/as_config.h>
#include <aerospike/as_error.h>

static int fail(const char* what, const as_error* err)
{
    fprintf(stderr, "%s: %s (%d)\n", what, err->message, (int)err->code);
    return EXIT_FAILURE;
}

int main(int argc, char* argv[])
{
    const char* host = argc > 1 ? argv[1] : "127.0.0.1";
    int port = argc > 2 ? atoi(argv[2]) : 3000;
    if (argc > 4 || port < 1 || port > 65535) {
        fprintf(stderr, "usage: shared_memory [HOST [PORT [KEY]]]\n");
        return 2;
    }

    as_config config;
    as_config_init(&config);
    as_config_add_host(&config, host, (uint16_t)port);

    config.use_shm = true;
    config.shm_key = 0xA7000000; /* one key per cluster */
    if (argc > 3) {
        config.shm_key = (int)strtoul(argv[3], NULL, 0);
    }
    config.shm_max_nodes = 16;     /* these two fix the size of the segment: leave room */
    config.shm_max_namespaces = 8; /* for a cluster that grows */
    config.shm_takeover_threshold_sec =
        30; /* silence of a tender that hangs; death is seen at once */

    aerospike as;
    aerospike_init(&as, &config);

    as_error err;
    if (aerospike_connect(&as, &err) != AEROSPIKE_OK) {
        aerospike_destroy(&as);
        return fail("connect", &err);
    }
    printf("connected to the cluster of %s:%d, segment 0x%08x\n", host, port,
           (unsigned)as.config.shm_key);

    as_status status = aerospike_close(&as, &err);
    aerospike_destroy(&as);
    return status == AEROSPIKE_OK ? EXIT_SUCCESS : fail("close", &err);
}
