/*
 * What is done to a record: from aerospike_operation, aerospike_bin, aerospike_body and the
 * request's body to one command of the library.
 *
 * A single get, exists or delete is a command of its own; everything else is one operate command,
 * so that all operations of a request happen together or not at all.
 */
#include "module.h"

typedef ngx_http_aerospike_operation operation;

/* ---- configuration ---- */

static const struct {
    const char* name;
    ngx_uint_t bit;
} methods[] = {
    {"GET", NGX_HTTP_GET},         {"HEAD", NGX_HTTP_HEAD},     {"POST", NGX_HTTP_POST},
    {"PUT", NGX_HTTP_PUT},         {"DELETE", NGX_HTTP_DELETE}, {"PATCH", NGX_HTTP_PATCH},
    {"OPTIONS", NGX_HTTP_OPTIONS}, {"COPY", NGX_HTTP_COPY},     {"MOVE", NGX_HTTP_MOVE},
    {"MKCOL", NGX_HTTP_MKCOL},     {"LOCK", NGX_HTTP_LOCK},     {"UNLOCK", NGX_HTTP_UNLOCK},
};

ngx_uint_t ngx_http_aerospike_method_parse(const ngx_str_t* word)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (word->len == ngx_strlen(methods[i].name) &&
            ngx_strncmp(word->data, methods[i].name, word->len) == 0) {
            return methods[i].bit;
        }
    }
    return 0;
}

/* How many words follow: the most, and the least. */
static const struct verb_rule {
    const char* name;
    ngx_http_aerospike_verb verb;
    ngx_uint_t least;
    ngx_uint_t most;
} verbs[] = {
    {"get", NGX_HTTP_AEROSPIKE_GET, 0, 1},       {"exists", NGX_HTTP_AEROSPIKE_EXISTS, 0, 0},
    {"put", NGX_HTTP_AEROSPIKE_PUT, 0, 2},       {"add", NGX_HTTP_AEROSPIKE_ADD, 0, 2},
    {"append", NGX_HTTP_AEROSPIKE_APPEND, 0, 2}, {"prepend", NGX_HTTP_AEROSPIKE_PREPEND, 0, 2},
    {"touch", NGX_HTTP_AEROSPIKE_TOUCH, 0, 0},   {"delete", NGX_HTTP_AEROSPIKE_DELETE, 0, 0},
};

static const struct verb_rule* verb_find(const ngx_str_t* word)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (word->len == ngx_strlen(verbs[i].name) &&
            ngx_strncmp(word->data, verbs[i].name, word->len) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static bool verb_takes_value(ngx_http_aerospike_verb verb)
{
    return verb == NGX_HTTP_AEROSPIKE_PUT || verb == NGX_HTTP_AEROSPIKE_ADD ||
           verb == NGX_HTTP_AEROSPIKE_APPEND || verb == NGX_HTTP_AEROSPIKE_PREPEND;
}

static char* bin_name_set(ngx_conf_t* cf, const ngx_str_t* word, ngx_str_t* ret_name)
{
    if (word->len == 0 || word->len > AS_BIN_NAME_MAX_LEN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid bin \"%V\": a name has 1 to %d bytes",
                           word, AS_BIN_NAME_MAX_LEN);
        return NGX_CONF_ERROR;
    }
    *ret_name = *word;
    return NGX_CONF_OK;
}

/* NAME VALUE [type=TYPE]; without a type, what the verb is for. */
static char* bin_parse(ngx_conf_t* cf, ngx_str_t* words, ngx_uint_t count,
                       ngx_http_aerospike_verb verb, ngx_http_aerospike_bin* ret_bin)
{
    ret_bin->type =
        verb == NGX_HTTP_AEROSPIKE_ADD ? NGX_HTTP_AEROSPIKE_INT : NGX_HTTP_AEROSPIKE_STRING;
    if (count > 2 && !ngx_http_aerospike_type_parse(&words[2], &ret_bin->type)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid type \"%V\": string, int, float, bool, blob, base64, hex, json "
                           "or geojson",
                           &words[2]);
        return NGX_CONF_ERROR;
    }
    if (bin_name_set(cf, &words[0], &ret_bin->name) != NGX_CONF_OK ||
        ngx_http_aerospike_compile(cf, &words[1], &ret_bin->value) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

static char* wrong_words(ngx_conf_t* cf, const ngx_str_t* word)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid operation \"%V\": get [BIN], exists, put|add|append|prepend [BIN "
                       "VALUE [type=TYPE]], touch or delete",
                       word);
    return NGX_CONF_ERROR;
}

char* ngx_http_aerospike_set_operation(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    ngx_uint_t count = cf->args->nelts, i = 1, mask = 0, bit;
    while (i < count && (bit = ngx_http_aerospike_method_parse(&words[i])) != 0) {
        mask |= bit;
        i++;
    }
    const struct verb_rule* rule = i < count ? verb_find(&words[i]) : NULL;
    if (!rule) {
        return wrong_words(cf, i < count ? &words[i] : &words[count - 1]);
    }
    if (!conf->operations) {
        conf->operations = ngx_array_create(cf->pool, 4, sizeof(operation));
    }
    operation* self = conf->operations ? ngx_array_push(conf->operations) : NULL;
    if (!self) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(self, sizeof(*self));
    self->methods = mask ? mask : ~(ngx_uint_t)0;
    self->methods |= (self->methods & NGX_HTTP_GET) ? NGX_HTTP_HEAD : 0;
    self->verb = rule->verb;
    ngx_uint_t left = count - i - 1;
    if (rule->verb == NGX_HTTP_AEROSPIKE_GET && left == 1) {
        return bin_name_set(cf, &words[i + 1], &self->bin.name);
    }
    if (verb_takes_value(rule->verb) && (left == 2 || left == 3)) {
        return bin_parse(cf, &words[i + 1], left, rule->verb, &self->bin);
    }
    return left == 0 ? NGX_CONF_OK : wrong_words(cf, &words[i]);
}

char* ngx_http_aerospike_set_bin(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (!conf->bins) {
        conf->bins = ngx_array_create(cf->pool, 4, sizeof(ngx_http_aerospike_bin));
    }
    ngx_http_aerospike_bin* bin = conf->bins ? ngx_array_push(conf->bins) : NULL;
    if (!bin) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(bin, sizeof(*bin));
    return bin_parse(cf, &words[1], cf->args->nelts - 1, NGX_HTTP_AEROSPIKE_PUT, bin);
}

char* ngx_http_aerospike_parse_operations(ngx_conf_t* cf, ngx_str_t* words, ngx_uint_t count,
                                          ngx_array_t* operations)
{
    for (ngx_uint_t i = 0; i < count;) {
        const struct verb_rule* rule = verb_find(&words[i]);
        bool takes_value = rule && verb_takes_value(rule->verb);
        operation* self = ngx_array_push(operations);
        if (!self) {
            return NGX_CONF_ERROR;
        }
        ngx_memzero(self, sizeof(*self));
        if (!rule || (!takes_value && rule->verb != NGX_HTTP_AEROSPIKE_TOUCH) ||
            (takes_value && count - i < 3)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"%V\": put|add|append|prepend BIN VALUE [type=TYPE], or "
                               "touch",
                               &words[i]);
            return NGX_CONF_ERROR;
        }
        self->verb = rule->verb;
        i++;
        if (takes_value) {
            ngx_http_aerospike_type type;
            bool has_type = count - i > 2 && words[i + 2].len > 5 &&
                            ngx_strncmp(words[i + 2].data, "type=", 5) == 0 &&
                            ngx_http_aerospike_type_parse(&words[i + 2], &type);
            ngx_uint_t size = has_type ? 3 : 2;
            if (bin_parse(cf, &words[i], size, rule->verb, &self->bin) != NGX_CONF_OK) {
                return NGX_CONF_ERROR;
            }
            i += size;
        }
    }
    return NGX_CONF_OK;
}

/* ---- which of them ---- */

/* Without aerospike_operation a location reads. */
static bool has_default(const ngx_http_aerospike_loc_conf* conf, ngx_uint_t method)
{
    return !conf->operations && (method & (NGX_HTTP_GET | NGX_HTTP_HEAD));
}

ngx_uint_t ngx_http_aerospike_methods(const ngx_http_aerospike_loc_conf* conf)
{
    if (!conf->operations) {
        return NGX_HTTP_GET | NGX_HTTP_HEAD;
    }
    ngx_uint_t mask = 0;
    const operation* list = conf->operations->elts;
    for (ngx_uint_t i = 0; i < conf->operations->nelts; i++) {
        mask |= list[i].methods;
    }
    return mask;
}

bool ngx_http_aerospike_needs_body(const ngx_http_aerospike_loc_conf* conf, ngx_uint_t method)
{
    if (conf->body == NGX_HTTP_AEROSPIKE_BODY_OFF || !conf->operations) {
        return false;
    }
    const operation* list = conf->operations->elts;
    for (ngx_uint_t i = 0; i < conf->operations->nelts; i++) {
        if ((list[i].methods & method) && verb_takes_value(list[i].verb) &&
            list[i].bin.name.len == 0) {
            return true;
        }
    }
    return false;
}

/* ---- from directives to as_operations ---- */

typedef struct maker {
    ngx_http_request_t* r;
    const ngx_http_aerospike_loc_conf* conf; /* NULL: no bins beside those of the operations */
    ngx_str_t body;
    void* json; /* opened */
    ngx_http_aerospike_work* work;
    const char* reason;
} maker;

static ngx_int_t refuse(maker* self, const char* reason)
{
    self->reason = reason;
    return NGX_HTTP_BAD_REQUEST;
}

/* One reference of the value is taken over. */
static bool add_value(as_operations* ops, ngx_http_aerospike_verb verb, const char* name,
                      as_val* value)
{
    const as_bin_value* any = (const as_bin_value*)value;
    bool is_added = false;
    switch (verb) {
    case NGX_HTTP_AEROSPIKE_PUT:
        return as_operations_add_write(ops, name, (as_bin_value*)value);
    case NGX_HTTP_AEROSPIKE_ADD:
        is_added = as_val_type(value) == AS_DOUBLE
                       ? as_operations_add_incr_double(ops, name, any->dbl.value)
                       : as_val_type(value) == AS_INTEGER &&
                             as_operations_add_incr(ops, name, any->integer.value);
        break;
    case NGX_HTTP_AEROSPIKE_APPEND:
    case NGX_HTTP_AEROSPIKE_PREPEND:
        /* Text and bytes are borrowed: the pool's outlive the value. */
        if (as_val_type(value) == AS_STRING && !any->string.free) {
            is_added = verb == NGX_HTTP_AEROSPIKE_APPEND
                           ? as_operations_add_append_str(ops, name, any->string.value)
                           : as_operations_add_prepend_str(ops, name, any->string.value);
        } else if (as_val_type(value) == AS_BYTES) {
            is_added =
                verb == NGX_HTTP_AEROSPIKE_APPEND
                    ? as_operations_add_append_raw(ops, name, any->bytes.value, any->bytes.size)
                    : as_operations_add_prepend_raw(ops, name, any->bytes.value, any->bytes.size);
        }
        break;
    default:
        break;
    }
    if (is_added) {
        as_val_destroy(value);
    }
    return is_added;
}

static ngx_int_t add_text(maker* self, ngx_http_aerospike_verb verb,
                          const ngx_http_aerospike_bin* bin, const ngx_str_t* text)
{
    as_val* value = ngx_http_aerospike_value_new(self->r->pool, bin->type, text, &self->reason);
    if (!value) {
        return self->reason ? NGX_HTTP_BAD_REQUEST : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!add_value(&self->work->ops, verb, (const char*)bin->name.data, value)) {
        as_val_destroy(value);
        return refuse(self, "a value's type doesn't suit the operation");
    }
    return NGX_OK;
}

static ngx_int_t add_bin(maker* self, ngx_http_aerospike_verb verb,
                         const ngx_http_aerospike_bin* bin)
{
    ngx_str_t text;
    ngx_http_complex_value_t value = bin->value;
    if (ngx_http_complex_value(self->r, &value, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return add_text(self, verb, bin, &text);
}

/* Of aerospike_bin and of the body. */
static ngx_int_t add_bins(maker* self, ngx_http_aerospike_verb verb)
{
    ngx_int_t rc = NGX_OK;
    const ngx_array_t* bins = self->conf->bins;
    for (ngx_uint_t i = 0; bins && i < bins->nelts && rc == NGX_OK; i++) {
        rc = add_bin(self, verb, (ngx_http_aerospike_bin*)bins->elts + i);
    }
    if (rc == NGX_OK && self->json) {
        if (verb != NGX_HTTP_AEROSPIKE_PUT) {
            return refuse(self, "a JSON body is for put");
        }
        self->reason = ngx_http_aerospike_json_writes(self->json, self->conf->blobs_as_objects,
                                                      &self->work->ops);
        self->json = NULL;
        rc = self->reason ? NGX_HTTP_BAD_REQUEST : NGX_OK;
    } else if (rc == NGX_OK && self->conf->body == NGX_HTTP_AEROSPIKE_BODY_BIN) {
        rc = add_text(self, verb, &self->conf->body_bin, &self->body);
    }
    return rc;
}

static ngx_int_t add_operation(maker* self, const operation* op)
{
    as_operations* ops = &self->work->ops;
    const char* name = (const char*)op->bin.name.data;
    bool is_added = false;
    switch (op->verb) {
    case NGX_HTTP_AEROSPIKE_GET:
        is_added = name ? as_operations_add_read(ops, name) : as_operations_add_read_all(ops);
        break;
    case NGX_HTTP_AEROSPIKE_EXISTS:
        return refuse(self, "exists stands alone");
    case NGX_HTTP_AEROSPIKE_TOUCH:
        self->work->is_write = true;
        is_added = as_operations_add_touch(ops);
        break;
    case NGX_HTTP_AEROSPIKE_DELETE:
        self->work->is_write = true;
        is_added = as_operations_add_delete(ops);
        break;
    default:
        self->work->is_write = true;
        return name ? add_bin(self, op->verb, &op->bin) : add_bins(self, op->verb);
    }
    return is_added ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- the kinds of commands ---- */

/* Only reads of bins by name. */
static ngx_int_t make_select(maker* self, const operation* const* ops, ngx_uint_t count)
{
    const char** bins = ngx_palloc(self->r->pool, (count + 1) * sizeof(*bins));
    if (!bins) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    for (ngx_uint_t i = 0; i < count; i++) {
        bins[i] = (const char*)ops[i]->bin.name.data;
    }
    bins[count] = NULL;
    self->work->bins = bins;
    self->work->kind = NGX_HTTP_AEROSPIKE_KIND_SELECT;
    return NGX_OK;
}

static ngx_int_t make_operate(maker* self, const operation* const* ops, ngx_uint_t count)
{
    ngx_uint_t json_count = 0;
    if (self->body.data && self->conf->body == NGX_HTTP_AEROSPIKE_BODY_JSON) {
        self->json = ngx_http_aerospike_json_open(&self->body, &json_count, &self->reason);
        if (!self->json) {
            return NGX_HTTP_BAD_REQUEST;
        }
    }
    ngx_uint_t bins = self->conf && self->conf->bins ? self->conf->bins->nelts : 0;
    ngx_uint_t capacity = count * (bins + 2) + json_count;
    ngx_int_t rc = NGX_OK;
    if (capacity > UINT16_MAX) {
        rc = refuse(self, "too many bins");
    } else if (!as_operations_init(&self->work->ops, (uint16_t)capacity)) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    } else {
        self->work->kind = NGX_HTTP_AEROSPIKE_KIND_OPERATE;
    }
    for (ngx_uint_t i = 0; i < count && rc == NGX_OK; i++) {
        rc = add_operation(self, ops[i]);
    }
    if (self->json) {
        as_operations nothing = {.ttl = 0};
        ngx_http_aerospike_json_writes(self->json, false, &nothing); /* closes */
    }
    if (rc == NGX_OK && self->work->ops.binops.size == 0) {
        rc = refuse(self, "there is nothing to write: no bin, no body");
    }
    if (rc != NGX_OK) {
        ngx_http_aerospike_work_done(self->work);
    }
    return rc;
}

static ngx_int_t make(maker* self, const operation* const* ops, ngx_uint_t count)
{
    bool reads_all = true, reads_bins = true;
    for (ngx_uint_t i = 0; i < count; i++) {
        bool is_get = ops[i]->verb == NGX_HTTP_AEROSPIKE_GET;
        reads_all = reads_all && is_get && ops[i]->bin.name.len == 0;
        reads_bins = reads_bins && is_get && ops[i]->bin.name.len > 0;
    }
    if (count == 0 || reads_all) {
        self->work->kind = NGX_HTTP_AEROSPIKE_KIND_GET;
        return NGX_OK;
    }
    if (reads_bins) {
        return make_select(self, ops, count);
    }
    if (count == 1 && ops[0]->verb == NGX_HTTP_AEROSPIKE_EXISTS) {
        self->work->kind = NGX_HTTP_AEROSPIKE_KIND_EXISTS;
        return NGX_OK;
    }
    if (count == 1 && ops[0]->verb == NGX_HTTP_AEROSPIKE_DELETE) {
        self->work->kind = NGX_HTTP_AEROSPIKE_KIND_REMOVE;
        self->work->is_write = true;
        return NGX_OK;
    }
    return make_operate(self, ops, count);
}

ngx_int_t ngx_http_aerospike_work_make(ngx_http_request_t* r,
                                       const ngx_http_aerospike_loc_conf* conf,
                                       const ngx_str_t* body, ngx_http_aerospike_work* ret_work,
                                       const char** ret_reason)
{
    ngx_memzero(ret_work, sizeof(*ret_work));
    maker self = {.r = r, .conf = conf, .work = ret_work};
    if (body) {
        self.body = *body;
    }
    const operation** ops = NULL;
    ngx_uint_t count = 0;
    if (conf->operations && !has_default(conf, r->method)) {
        const operation* list = conf->operations->elts;
        ops = ngx_palloc(r->pool, conf->operations->nelts * sizeof(*ops));
        if (!ops) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        for (ngx_uint_t i = 0; i < conf->operations->nelts; i++) {
            if (list[i].methods & r->method) {
                ops[count++] = &list[i];
            }
        }
    }
    ngx_int_t rc = make(&self, ops, count);
    *ret_reason = self.reason;
    return rc;
}

ngx_int_t ngx_http_aerospike_work_of(ngx_http_request_t* r, const ngx_array_t* operations,
                                     ngx_http_aerospike_work* ret_work, const char** ret_reason)
{
    ngx_memzero(ret_work, sizeof(*ret_work));
    maker self = {.r = r, .work = ret_work};
    const operation** ops = ngx_palloc(r->pool, operations->nelts * sizeof(*ops));
    if (!ops) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    for (ngx_uint_t i = 0; i < operations->nelts; i++) {
        ops[i] = (const operation*)operations->elts + i;
    }
    ngx_int_t rc = make_operate(&self, ops, operations->nelts);
    *ret_reason = self.reason;
    return rc;
}

void ngx_http_aerospike_work_done(ngx_http_aerospike_work* work)
{
    if (work->kind == NGX_HTTP_AEROSPIKE_KIND_OPERATE) {
        as_operations_destroy(&work->ops);
        work->kind = NGX_HTTP_AEROSPIKE_KIND_GET;
    }
}
