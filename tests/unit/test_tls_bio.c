/*
 * TLS through the BIO over the seam: handshake and data between two ends that have no descriptor
 * as far as OpenSSL knows, on libev, on the virtual twin, and on the twin at its worst.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "async/tls.h"
#include "core/mem.h"
#include "tests/unit/loop_rig.h"

#define PAYLOAD_BYTES 300000

/* ---- a certificate of our own ---- */

static X509* certificate_new(EVP_PKEY* key)
{
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char*)"node.test", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static SSL_CTX* server_context;
static SSL_CTX* client_context;

static int set_up_group(void** state)
{
    (void)state;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = certificate_new(key);
    server_context = SSL_CTX_new(TLS_server_method());
    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_use_certificate(server_context, certificate);
    SSL_CTX_use_PrivateKey(server_context, key);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_context), certificate);
    SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}

static int tear_down_group(void** state)
{
    (void)state;
    SSL_CTX_free(server_context);
    SSL_CTX_free(client_context);
    return 0;
}

/* ---- one end ---- */

typedef enum end_state {
    END_HANDSHAKE,
    END_OPEN,
    END_CLOSED,
    END_FAILED
} end_state;

typedef struct end {
    probe probe; /* first: its callbacks find the end */
    SSL* ssl;
    end_state state;
    int error; /* SSL_get_error() of the failure */
    size_t out_bytes;
    size_t in_bytes;
    bool closes; /* sends close_notify when all is sent and received */
} end;

static uint8_t payload_byte(size_t offset)
{
    return (uint8_t)(offset * 31 + offset / 251);
}

/* What to wait for after an operation that didn't succeed. */
static unsigned end_wants(end* self, int result)
{
    switch (SSL_get_error(self->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TND_IO_READ;
    case SSL_ERROR_WANT_WRITE:
        return TND_IO_READ | TND_IO_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        self->state = END_CLOSED;
        return 0;
    default:
        self->error = SSL_get_error(self->ssl, result);
        self->state = END_FAILED;
        return 0;
    }
}

static unsigned end_write(end* self)
{
    while (self->out_bytes < PAYLOAD_BYTES) {
        uint8_t block[5000];
        size_t size = 0;
        while (size < sizeof(block) && self->out_bytes + size < PAYLOAD_BYTES) {
            block[size] = payload_byte(self->out_bytes + size);
            size++;
        }
        int count = SSL_write(self->ssl, block, (int)size);
        if (count <= 0) {
            return end_wants(self, count);
        }
        self->out_bytes += (size_t)count;
    }
    return TND_IO_READ;
}

static unsigned end_read(end* self)
{
    for (;;) {
        uint8_t block[3000];
        int count = SSL_read(self->ssl, block, sizeof(block));
        if (count <= 0) {
            return end_wants(self, count);
        }
        for (int i = 0; i < count; i++) {
            assert_int_equal(block[i], payload_byte(self->in_bytes++));
        }
    }
}

static void end_step(probe* base)
{
    end* self = (end*)(void*)base;
    unsigned wants = 0;
    base->rig->log_size = 0; /* the letters don't matter here */
    ERR_clear_error();
    if (self->state == END_HANDSHAKE) {
        int result = SSL_do_handshake(self->ssl);
        if (result == 1) {
            self->state = END_OPEN;
        } else {
            wants = end_wants(self, result);
        }
    }
    if (self->state == END_OPEN) {
        wants = end_write(self);
    }
    if (self->state == END_OPEN) {
        wants |= end_read(self);
    }
    if (self->state == END_OPEN && self->closes && self->out_bytes == PAYLOAD_BYTES &&
        self->in_bytes == PAYLOAD_BYTES) {
        SSL_shutdown(self->ssl);
        self->closes = false;
    }
    tnd_io_watch(&base->io, self->state < END_CLOSED ? wants : 0);
}

static void end_open(end* self, SSL_CTX* context, bool is_server)
{
    self->ssl = SSL_new(context);
    BIO* bio = tnd_tls_bio_new(&self->probe.io);
    assert_non_null(bio);
    SSL_set_bio(self->ssl, bio, bio);
    SSL_set_mode(self->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    is_server ? SSL_set_accept_state(self->ssl) : SSL_set_connect_state(self->ssl);
    assert_int_equal(SSL_get_fd(self->ssl), -1);
    tnd_io_watch(&self->probe.io, TND_IO_READ);
    tnd_io_again(&self->probe.io, TND_IO_WRITE); /* the first step, from the loop */
}

static void end_done(end* self)
{
    SSL_free(self->ssl);
    tnd_io_close(&self->probe.io);
}

static void ends_open(rig* on, end* client, end* server)
{
    memset(client, 0, sizeof(*client));
    memset(server, 0, sizeof(*server));
    probe_init(&client->probe, on, 'c', end_step);
    probe_init(&server->probe, on, 's', end_step);
    rig_connect_pair(on, &client->probe, &server->probe);
    if (on->is_hostile) {
        sim_loop_faults(on->loop)->spurious_percent = 10;
    }
    end_open(client, client_context, false);
    end_open(server, server_context, true);
}

/* ---- cases ---- */

typedef struct both {
    end* client;
    end* server;
} both;

static bool all_is_exchanged(void* udata)
{
    both* self = udata;
    return self->server->state == END_CLOSED && self->client->in_bytes == PAYLOAD_BYTES;
}

static void handshake_and_data_in_both_directions(void** state)
{
    rig* on = *state;
    end client, server;
    ends_open(on, &client, &server);
    client.closes = true;
    both ends = {&client, &server};
    if (!rig_run(on, all_is_exchanged, &ends)) {
        fail_msg("client %d error %d in %zu out %zu, server %d error %d in %zu out %zu",
                 client.state, client.error, client.in_bytes, client.out_bytes, server.state,
                 server.error, server.in_bytes, server.out_bytes);
    }
    assert_int_equal(server.in_bytes, PAYLOAD_BYTES);
    assert_int_equal(SSL_get_verify_result(client.ssl), X509_V_OK);
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
    end_done(&client);
    end_done(&server);
}

static bool client_has_failed(void* udata)
{
    both* self = udata;
    return self->client->state == END_FAILED;
}

static bool client_is_open(void* udata)
{
    both* self = udata;
    return self->client->state == END_OPEN && self->client->in_bytes > 0;
}

/* A connection cut without close_notify is a failure, not an end. */
static void a_cut_connection_is_no_clean_end(void** state)
{
    rig* on = *state;
    end client, server;
    ends_open(on, &client, &server);
    both ends = {&client, &server};
    assert_true(rig_run(on, client_is_open, &ends));
    end_done(&server);
    assert_true(rig_run(on, client_has_failed, &ends));
    assert_true(client.error == SSL_ERROR_SSL || client.error == SSL_ERROR_SYSCALL);
    int error = tnd_tls_bio_error(SSL_get_rbio(client.ssl));
    assert_true(error == 0 || error == -EPIPE || error == -ECONNRESET);
    end_done(&client);
}

static void a_peer_that_speaks_no_tls_fails_the_handshake(void** state)
{
    rig* on = *state;
    end client;
    probe peer;
    memset(&client, 0, sizeof(client));
    probe_init(&client.probe, on, 'c', end_step);
    probe_init(&peer, on, 'p', NULL);
    rig_connect_pair(on, &client.probe, &peer);
    end_open(&client, client_context, false);
    for (int i = 0; i < 5; i++) { /* short writes may leave less than a record's header */
        assert_true(probe_put(&peer, "this is no TLS at all") > 0);
    }
    both ends = {&client, NULL};
    assert_true(rig_run(on, client_has_failed, &ends));
    assert_int_equal(client.error, SSL_ERROR_SSL);
    end_done(&client);
    tnd_io_close(&peer.io);
}

static void act_drain_and_close(probe* self)
{
    probe_drain(self);
    if (rig_count(self->rig, self->letter) > 0) {
        tnd_io_close(&self->io);
    }
}

/* The peer takes the greeting and closes: OpenSSL must see an end, not an error of the system. */
static void a_peer_that_closes_ends_the_handshake(void** state)
{
    rig* on = *state;
    end client;
    probe peer;
    memset(&client, 0, sizeof(client));
    probe_init(&client.probe, on, 'c', end_step);
    probe_init(&peer, on, 'p', act_drain_and_close);
    rig_connect_pair(on, &client.probe, &peer);
    end_open(&client, client_context, false);
    rig_settle(on); /* the greeting has come */
    tnd_io_watch(&peer.io, TND_IO_READ);
    both ends = {&client, NULL};
    assert_true(rig_run(on, client_has_failed, &ends));
    assert_int_equal(client.error, SSL_ERROR_SSL);
    end_done(&client);
    tnd_io_close(&peer.io);
}

static void without_memory_there_is_no_bio(void** state)
{
    rig* on = *state;
    probe unused;
    probe_init(&unused, on, 'u', NULL);
    tnd_mem_fail(1, 1);
    BIO* bio = tnd_tls_bio_new(&unused.io);
    tnd_mem_fail(0, 0);
    assert_null(bio);
    bio = tnd_tls_bio_new(&unused.io);
    assert_non_null(bio);
    assert_int_equal(tnd_tls_bio_error(bio), 0);
    BIO_free(bio);
}

/* ---- OpenSSL's own allocations ---- */

static void* ssl_malloc(size_t size, const char* file, int line)
{
    (void)file;
    (void)line;
    return tnd_malloc(size);
}

static void* ssl_realloc(void* memory, size_t size, const char* file, int line)
{
    (void)file;
    (void)line;
    return tnd_realloc(memory, size);
}

static void ssl_free(void* memory, const char* file, int line)
{
    (void)file;
    (void)line;
    tnd_free(memory);
}

/* A BIO is made and freed; true if no allocation was left to fail. */
static bool bio_without_memory(tnd_io* io, uint64_t nth)
{
    tnd_mem_fail(nth, 1);
    BIO* bio = tnd_tls_bio_new(io);
    bool is_over = tnd_mem_allocations() < nth;
    tnd_mem_fail(0, 0);
    assert_true(bio || !is_over);
    BIO_free(bio);
    ERR_clear_error();
    return is_over;
}

/* The first time with what is made once for all. */
static void any_allocation_of_a_bio_may_fail(void** state)
{
    rig* on = *state;
    probe unused;
    uint64_t nth = 1;
    probe_init(&unused, on, 'u', NULL);
    while (!bio_without_memory(&unused.io, nth)) {
        nth++;
    }
    assert_true(nth > 3);
    int64_t live = tnd_mem_live();
    for (nth = 1; !bio_without_memory(&unused.io, nth); nth++) {
        assert_int_equal(tnd_mem_live(), live);
    }
    assert_int_equal(tnd_mem_live(), live);
}

#define CASE(set_up, function)                                                                     \
    {                                                                                              \
#set_up ": " #function, function, set_up, rig_tear_down, NULL                              \
    }

#define CASES(set_up)                                                                              \
    CASE(set_up, handshake_and_data_in_both_directions),                                           \
        CASE(set_up, a_cut_connection_is_no_clean_end),                                            \
        CASE(set_up, a_peer_that_speaks_no_tls_fails_the_handshake),                               \
        CASE(set_up, a_peer_that_closes_ends_the_handshake),                                       \
        CASE(set_up, without_memory_there_is_no_bio)

int main(void)
{
    alarm(25);
    if (!CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free)) {
        return 1; /* something was allocated already */
    }
    const struct CMUnitTest tests[] = {
        CASE(rig_set_up_ev, any_allocation_of_a_bio_may_fail),
        CASES(rig_set_up_ev),
        CASES(rig_set_up_sim),
        CASES(rig_set_up_chaos),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
