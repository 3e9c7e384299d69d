/*
 * TLS over the loop seam. See tls.h.
 */
#include "async/tls.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>

#include <openssl/crypto.h>

#include "core/mem.h"

typedef struct tls_bio {
    tnd_io* io;
    int error;
    bool has_eof;
} tls_bio;

static int tls_bio_read(BIO* bio, char* bytes, size_t size, size_t* ret_count)
{
    tls_bio* self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    self->error = 0;
    *ret_count = 0;
    if (size == 0) {
        return 0;
    }
    ssize_t count = tnd_io_read(self->io, bytes, size);
    if (count > 0) {
        *ret_count = (size_t)count;
        return 1;
    }
    if (count == TND_WAIT) {
        BIO_set_retry_read(bio);
    } else if (count == TND_EOF) {
        self->has_eof = true;
    } else {
        self->error = (int)count;
    }
    return 0;
}

static int tls_bio_write(BIO* bio, const char* bytes, size_t size, size_t* ret_count)
{
    tls_bio* self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    self->error = 0;
    *ret_count = 0;
    if (size == 0) {
        return 1;
    }
    struct iovec iov = {.iov_base = (void*)(uintptr_t)bytes, .iov_len = size};
    ssize_t count = tnd_io_writev(self->io, &iov, 1);
    if (count > 0) {
        *ret_count = (size_t)count;
        return 1;
    }
    if (count == TND_WAIT) {
        BIO_set_retry_write(bio);
    } else {
        self->error = (int)count;
    }
    return 0;
}

static long tls_bio_ctrl(BIO* bio, int command, long number, void* pointer)
{
    (void)number;
    (void)pointer;
    const tls_bio* self = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1; /* nothing is held back here */
    case BIO_CTRL_EOF:
        return self->has_eof;
    default:
        return 0; /* among others: no kernel TLS */
    }
}

static int tls_bio_destroy(BIO* bio)
{
    tnd_free(BIO_get_data(bio));
    BIO_set_data(bio, NULL);
    return 1;
}

/* One per process: threads with loops of their own share it. */
static _Atomic(BIO_METHOD*) tls_bio_method;

static BIO_METHOD* tls_bio_make_method(void)
{
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tendril loop");
    if (!method) {
        return NULL;
    }
    if (!BIO_meth_set_read_ex(method, tls_bio_read) ||
        !BIO_meth_set_write_ex(method, tls_bio_write) || !BIO_meth_set_ctrl(method, tls_bio_ctrl) ||
        !BIO_meth_set_destroy(method, tls_bio_destroy)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* NULL without memory: then the next one tries again. */
static BIO_METHOD* tls_bio_get_method(void)
{
    BIO_METHOD* method = atomic_load(&tls_bio_method);
    if (method) {
        return method;
    }
    BIO_METHOD* made = tls_bio_make_method();
    if (made && !atomic_compare_exchange_strong(&tls_bio_method, &method, made)) {
        BIO_meth_free(made); /* another thread was faster */
        return method;
    }
    return made;
}

BIO* tnd_tls_bio_new(tnd_io* io)
{
    BIO_METHOD* method = tls_bio_get_method();
    if (!method) {
        return NULL;
    }
    tls_bio* self = tnd_calloc(1, sizeof(*self));
    if (!self) {
        return NULL;
    }
    BIO* bio = BIO_new(method);
    if (!bio) {
        tnd_free(self);
        return NULL;
    }
    self->io = io;
    BIO_set_data(bio, self);
    BIO_set_init(bio, 1);
    return bio;
}

int tnd_tls_bio_error(BIO* bio)
{
    const tls_bio* self = BIO_get_data(bio);
    return self->error;
}
