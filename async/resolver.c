/*
 * Host names to addresses. See resolver.h for the contract.
 *
 * Happy path
 *   - tnd_resolver_start: a query is made; the loop's own look-up or c-ares works on it.
 *   - c-ares: it tells which sockets to watch (on_sock_state) and when to be called at the latest;
 *     its answer is kept in the query, for it may come inside our own call.
 *   - on_deliver, a task: one answered query is taken off the list, then its callback is called.
 *
 * Possible failures
 *   - the name is unknown, servers fail or are silent: delivered as a status.
 *   - cancelled: c-ares can't be told, so the query lives on without its look-up until c-ares
 *     answers; the loop's own look-up is cancelled at once.
 *   - a socket can't be watched (no memory): c-ares would wait in vain, so its queries are ended.
 */
#include "async/resolver.h"

#include <assert.h>

#include <ares.h>

#include "core/mem.h"

#define HOST_CHARS_MAX 255

/* First wait for a server before the next one is asked. c-ares' own 5 s are longer than callers
   wait, so that a dead server in the first place would hide the others. Late answers still count.
 */
#define SERVER_TIMEOUT_MS 400
#define SERVER_TRIES 4

/* c-ares takes one message per call from a TCP socket, while the loop reports readiness once. */
#define READS_PER_EVENT 4

typedef struct resolver_query {
    struct resolver_query* next;
    struct resolver_query* prev;
    tnd_resolver* resolver;
    tnd_lookup* lookup; /* the caller's; NULL once cancelled */
    tnd_lookup result;  /* the answer; with the loop's own look-up also the running one */
    bool is_native;     /* the loop's own look-up */
    bool is_answered;
    char host[HOST_CHARS_MAX + 1];
} resolver_query;

/* A socket of c-ares. */
typedef struct resolver_sock {
    struct resolver_sock* next;
    tnd_io io;
} resolver_sock;

struct tnd_resolver {
    tnd_loop* loop;
    ares_channel channel; /* NULL while nothing is under way */
    bool in_ares;         /* inside a call of c-ares, which must not be closed then */
    bool is_blind;        /* a socket of c-ares can't be watched */
    const char* servers;
    resolver_query* queries;
    resolver_sock* socks;
    tnd_timer timer; /* when c-ares wants to be called */
    tnd_task deliver;
};

/* ---- queries ---- */

static resolver_query* query_new(tnd_resolver* resolver, tnd_lookup* lookup, const char* host)
{
    resolver_query* query = tnd_calloc(1, sizeof(*query));
    if (!query) {
        return NULL;
    }
    query->resolver = resolver;
    query->lookup = lookup;
    memcpy(query->host, host, strlen(host) + 1);
    query->next = resolver->queries;
    if (query->next) {
        query->next->prev = query;
    }
    resolver->queries = query;
    return query;
}

/* Lets go of the caller's look-up, too. */
static void query_free(resolver_query* query)
{
    if (query->lookup) {
        query->lookup->priv = NULL;
    }
    if (query->next) {
        query->next->prev = query->prev;
    }
    if (query->prev) {
        query->prev->next = query->next;
    } else {
        query->resolver->queries = query->next;
    }
    tnd_free(query);
}

/* The last act: the query is gone when the callback runs, which may free everything. */
static void query_complete(resolver_query* query)
{
    tnd_lookup* lookup = query->lookup;
    lookup->status = query->result.status;
    lookup->error = query->result.error;
    lookup->addrs_count = query->result.addrs_count;
    memcpy(lookup->addrs, query->result.addrs, sizeof(lookup->addrs));
    query_free(query);
    lookup->fn(lookup);
}

/* ---- c-ares: sockets and time ---- */

static void resolver_sync(tnd_resolver* self);

static void resolver_process(tnd_resolver* self, ares_socket_t readable, ares_socket_t writable)
{
    self->in_ares = true;
    ares_process_fd(self->channel, readable, writable);
    self->in_ares = false;
}

static resolver_sock** sock_find(tnd_resolver* self, ares_socket_t fd)
{
    resolver_sock** at = &self->socks;
    while (*at && (*at)->io.fd != fd) {
        at = &(*at)->next;
    }
    return at;
}

static void on_sock(tnd_io* io, unsigned events)
{
    tnd_resolver* self = io->udata;
    ares_socket_t fd = io->fd;
    ares_socket_t writable = events & TND_IO_WRITE ? fd : ARES_SOCKET_BAD;
    /* It may close the socket in any of these calls. */
    for (int i = 0; i < READS_PER_EVENT && *sock_find(self, fd); i++) {
        resolver_process(self, events & TND_IO_READ ? fd : ARES_SOCKET_BAD, writable);
        writable = ARES_SOCKET_BAD;
    }
    resolver_sync(self);
}

static resolver_sock* sock_new(tnd_resolver* self, ares_socket_t fd)
{
    resolver_sock* sock = tnd_calloc(1, sizeof(*sock));
    if (!sock) {
        return NULL;
    }
    tnd_io_init(&sock->io, self->loop, on_sock, self);
    if (tnd_io_adopt(&sock->io, fd) < 0) {
        tnd_free(sock);
        return NULL;
    }
    sock->next = self->socks;
    self->socks = sock;
    return sock;
}

/* c-ares opened a socket, wants something else of it, or is about to close it. */
static void on_sock_state(void* data, ares_socket_t fd, int readable, int writable)
{
    tnd_resolver* self = data;
    resolver_sock** at = sock_find(self, fd);
    resolver_sock* sock = *at;
    if (!readable && !writable) {
        if (sock) {
            *at = sock->next;
            tnd_io_close(&sock->io);
            tnd_free(sock);
        }
        return;
    }
    if (!sock) {
        sock = sock_new(self, fd);
    }
    unsigned mask = (readable ? TND_IO_READ : 0) | (writable ? TND_IO_WRITE : 0);
    self->is_blind |= !sock || tnd_io_watch(&sock->io, mask) < 0;
}

static void on_ares_timer(tnd_timer* timer)
{
    tnd_resolver* self = timer->udata;
    resolver_process(self, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_sync(self);
}

/* After every call into c-ares: when does it want the next one? */
static void resolver_sync(tnd_resolver* self)
{
    struct timeval left;
    if (self->is_blind && self->channel) {
        self->in_ares = true;
        ares_cancel(self->channel);
        self->in_ares = false;
    }
    self->is_blind = false;
    if (self->channel && ares_timeout(self->channel, NULL, &left)) {
        tnd_timer_start_us(&self->timer, (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec);
    } else {
        tnd_timer_stop(&self->timer);
    }
}

/* ---- c-ares: the channel ---- */

static int resolver_open(tnd_resolver* self)
{
    if (self->channel) {
        return ARES_SUCCESS;
    }
#ifdef TND_TESTING
    /* So that a test can fail its allocations, too. */
    int status = ares_library_init_mem(ARES_LIB_INIT_ALL, tnd_malloc, tnd_free, tnd_realloc);
#else
    int status = ares_library_init(ARES_LIB_INIT_ALL);
#endif
    if (status != ARES_SUCCESS) {
        return status;
    }
    struct ares_options options;
    memset(&options, 0, sizeof(options));
    options.sock_state_cb = on_sock_state;
    options.sock_state_cb_data = self;
    options.timeout = SERVER_TIMEOUT_MS;
    options.tries = SERVER_TRIES;
    status = ares_init_options(&self->channel, &options,
                               ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && self->servers) {
        status = ares_set_servers_ports_csv(self->channel, self->servers);
        if (status != ARES_SUCCESS) {
            ares_destroy(self->channel);
        }
    }
    if (status != ARES_SUCCESS) {
        self->channel = NULL;
        ares_library_cleanup();
    }
    return status;
}

/* Answers what is under way as destroyed, inside this call. */
static void resolver_close(tnd_resolver* self)
{
    assert(!self->in_ares);
    if (self->channel) {
        self->in_ares = true;
        ares_destroy(self->channel);
        self->in_ares = false;
        self->channel = NULL;
        ares_library_cleanup();
    }
    tnd_timer_stop(&self->timer);
    assert(!self->socks);
}

static int errno_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return -ENOENT;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    case ARES_ENOMEM:
        return -ENOMEM;
    case ARES_ECONNREFUSED:
        return -ECONNREFUSED;
    case ARES_ECANCELLED:
        return -ENOMEM; /* by ourselves: see is_blind */
    default:
        return -EIO;
    }
}

/* ---- c-ares: answers ---- */

static void result_add(tnd_lookup* result, const struct sockaddr* addr)
{
    if (result->addrs_count == TND_LOOKUP_ADDRS_MAX) {
        return;
    }
    tnd_lookup_addr* to = &result->addrs[result->addrs_count];
    if (tnd_address_from_sockaddr(addr, to)) {
        result->addrs_count++;
    }
}

/* Possibly inside ares_getaddrinfo: only notes the answer. */
static void on_addrinfo(void* arg, int status, int timeouts, struct ares_addrinfo* info)
{
    (void)timeouts;
    resolver_query* query = arg;
    tnd_lookup* result = &query->result;
    if (status == ARES_SUCCESS) {
        for (struct ares_addrinfo_node* node = info->nodes; node; node = node->ai_next) {
            result_add(result, node->ai_addr);
        }
        if (result->addrs_count == 0) {
            status = ARES_ENODATA;
        }
    }
    if (info) {
        ares_freeaddrinfo(info);
    }
    result->status = errno_of(status);
    result->error = status == ARES_SUCCESS ? NULL : ares_strerror(status);
    query->is_answered = true;
    tnd_task_soon(&query->resolver->deliver);
}

/* One answer per turn: its callback may start, cancel or free anything. */
static void on_deliver(tnd_task* task)
{
    tnd_resolver* self = task->udata;
    resolver_query* ready = NULL;
    bool is_busy = false;
    resolver_query* next;
    for (resolver_query* query = self->queries; query; query = next) {
        next = query->next;
        if (!query->is_answered) {
            is_busy = is_busy || !query->is_native;
        } else if (!query->lookup) {
            query_free(query);
        } else if (!ready) {
            ready = query;
        } else {
            tnd_task_soon(&self->deliver);
        }
    }
    if (!is_busy) {
        resolver_close(self);
    }
    if (ready) {
        query_complete(ready);
    }
}

static as_status start_ares(tnd_resolver* self, resolver_query* query, as_error* err)
{
    int status = resolver_open(self);
    if (status != ARES_SUCCESS) {
        as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "Host name %s can't be looked up: %s", query->host, ares_strerror(status));
        query_free(query);
        return AEROSPIKE_ERR_CLIENT;
    }
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT; /* sorting would open sockets to see which way they go */
    self->in_ares = true;
    ares_getaddrinfo(self->channel, query->host, NULL, &hints, on_addrinfo, query);
    self->in_ares = false;
    resolver_sync(self);
    return AEROSPIKE_OK;
}

/* ---- the loop's own look-up ---- */

static void on_native(tnd_lookup* result)
{
    query_complete(result->udata);
}

static as_status start_native(tnd_resolver* self, resolver_query* query, as_error* err)
{
    query->is_native = true;
    query->result.loop = self->loop;
    query->result.fn = on_native;
    query->result.udata = query;
    int result = self->loop->ops->lookup_start(self->loop, &query->result, query->host);
    if (result < 0) {
        as_error_setallv(err, AEROSPIKE_ERR_INVALID_HOST, __func__, __FILE__, __LINE__,
                         "Host name %s can't be looked up: %s", query->host,
                         strerrordesc_np(-result));
        query_free(query);
        return AEROSPIKE_ERR_INVALID_HOST;
    }
    return AEROSPIKE_OK;
}

/* ---- life ---- */

tnd_resolver* tnd_resolver_new(tnd_loop* loop)
{
    tnd_resolver* self = tnd_calloc(1, sizeof(*self));
    if (self) {
        self->loop = loop;
        tnd_timer_init(&self->timer, loop, on_ares_timer, self);
        tnd_task_init(&self->deliver, loop, on_deliver, self);
    }
    return self;
}

as_status tnd_resolver_start(tnd_resolver* resolver, tnd_lookup* lookup, const char* host,
                             tnd_lookup_fn fn, void* udata, as_error* err)
{
    memset(lookup, 0, sizeof(*lookup));
    lookup->loop = resolver->loop;
    lookup->fn = fn;
    lookup->udata = udata;
    size_t host_size = strlen(host);
    if (host_size == 0 || host_size > HOST_CHARS_MAX) {
        return as_error_setallv(err, AEROSPIKE_ERR_INVALID_HOST, __func__, __FILE__, __LINE__,
                                "Host name of %zu bytes: 1 to %d are allowed", host_size,
                                HOST_CHARS_MAX);
    }
    resolver_query* query = query_new(resolver, lookup, host);
    if (!query) {
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "No memory to look up %s", host);
    }
    lookup->priv = query;
    return resolver->loop->ops->lookup_start ? start_native(resolver, query, err)
                                             : start_ares(resolver, query, err);
}

void tnd_resolver_cancel(tnd_resolver* resolver, tnd_lookup* lookup)
{
    resolver_query* query = lookup->priv;
    if (!query) {
        return;
    }
    if (query->is_native) {
        resolver->loop->ops->lookup_cancel(resolver->loop, &query->result);
        query_free(query);
    } else if (query->is_answered) {
        query_free(query);
    } else {
        lookup->priv = NULL;
        query->lookup = NULL;
    }
}

void tnd_resolver_free(tnd_resolver* resolver)
{
    if (!resolver) {
        return;
    }
    resolver_close(resolver);
    tnd_task_cancel(&resolver->deliver);
    while (resolver->queries) {
        resolver_query* query = resolver->queries;
        if (query->is_native) {
            resolver->loop->ops->lookup_cancel(resolver->loop, &query->result);
        }
        query_free(query);
    }
    tnd_free(resolver);
}

#ifdef TND_TESTING
void tnd_resolver_set_servers(tnd_resolver* resolver, const char* servers)
{
    resolver->servers = servers;
}
#endif
