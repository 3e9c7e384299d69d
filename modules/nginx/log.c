/*
 * aerospike_log: writes when a request is over, for counters and traces. Nobody waits for them: the
 * response is out, the client may be gone, and a worker that shuts down ends its writes first. What
 * exceeds aerospike_log_writes is dropped, and said once a minute.
 */
#include "module.h"

typedef ngx_http_aerospike_log log_conf;

static struct {
    ngx_uint_t running;
    ngx_uint_t dropped; /* since it was said last */
    time_t said;
} posts;

/* At most one line a minute: the database may be down for long. */
static void complain(const char* text)
{
    posts.dropped++;
    if (ngx_time() - posts.said >= 60) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aerospike: %ui writes at log time were lost: %s", posts.dropped, text);
        posts.said = ngx_time();
        posts.dropped = 0;
    }
}

static void on_end(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)record;
    (void)udata;
    (void)event_loop;
    posts.running--;
    if (err) {
        complain(err->message);
    }
}

static bool is_wanted(ngx_http_request_t* r, const log_conf* self)
{
    ngx_str_t text;
    if (!self->condition) {
        return true;
    }
    return ngx_http_complex_value(r, self->condition, &text) == NGX_OK && text.len > 0 &&
           !(text.len == 1 && text.data[0] == '0');
}

static void post(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf, log_conf* self)
{
    const char* reason = NULL;
    ngx_http_aerospike_record_id id;
    if (ngx_http_aerospike_target_evaluate(r, &self->target, &id, &reason) != NGX_OK) {
        complain(reason ? reason : "no client");
        return;
    }
    ngx_http_aerospike_work work;
    as_error err;
    if (ngx_http_aerospike_work_of(r, &self->operations, &work, &reason) != NGX_OK) {
        complain(reason ? reason : "out of memory");
    } else {
        work.ttl = self->ttl;
        if (ngx_http_aerospike_post(conf, &id, &work, on_end, NULL, &err) == AEROSPIKE_OK) {
            posts.running++;
        } else {
            complain(err.message);
        }
    }
    ngx_http_aerospike_work_done(&work);
    as_key_destroy(&id.key);
}

ngx_int_t ngx_http_aerospike_log_handler(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    if (!conf->logs || ngx_http_aerospike_is_stopping()) {
        return NGX_OK;
    }
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_get_module_main_conf(r, ngx_http_aerospike_module);
    log_conf* list = conf->logs->elts;
    for (ngx_uint_t i = 0; i < conf->logs->nelts; i++) {
        if (!is_wanted(r, &list[i])) {
            continue;
        }
        if (posts.running >= main_conf->log_writes) {
            complain("more than aerospike_log_writes are under way");
            continue;
        }
        post(r, conf, &list[i]);
    }
    return NGX_OK;
}

/* ---- configuration ---- */

/* Parameters stand at the end. Returns how many words are left before them; 0 for an error. */
static ngx_uint_t take_options(ngx_conf_t* cf, log_conf* self, ngx_str_t* words, ngx_uint_t count)
{
    for (; count > 0; count--) {
        ngx_str_t* word = &words[count - 1];
        if (word->len > 3 && ngx_strncmp(word->data, "if=", 3) == 0) {
            ngx_str_t text = {word->len - 3, word->data + 3};
            self->condition = ngx_palloc(cf->pool, sizeof(*self->condition));
            if (!self->condition ||
                ngx_http_aerospike_compile(cf, &text, self->condition) != NGX_OK) {
                return 0;
            }
        } else if (word->len > 4 && ngx_strncmp(word->data, "ttl=", 4) == 0) {
            ngx_str_t text = {word->len - 4, word->data + 4};
            ngx_int_t seconds = ngx_parse_time(&text, 1);
            if (seconds < 0 || seconds > INT32_MAX) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid \"%V\": ttl=TIME", word);
                return 0;
            }
            self->ttl = (uint32_t)seconds;
        } else if (word->len > 4 && ngx_strncmp(word->data, "key=", 4) == 0) {
            ngx_str_t text = {word->len - 4, word->data + 4};
            if (!ngx_http_aerospike_type_parse(&text, &self->target.key_type)) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid \"%V\": key=TYPE", word);
                return 0;
            }
        } else {
            break;
        }
    }
    return count;
}

char* ngx_http_aerospike_set_log(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (!conf->logs) {
        conf->logs = ngx_array_create(cf->pool, 2, sizeof(log_conf));
    }
    log_conf* self = conf->logs ? ngx_array_push(conf->logs) : NULL;
    if (!self) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(self, sizeof(*self));
    if (ngx_http_aerospike_target_compile(cf, &self->target) != NGX_OK ||
        ngx_array_init(&self->operations, cf->pool, 2, sizeof(ngx_http_aerospike_operation)) !=
            NGX_OK) {
        return NGX_CONF_ERROR;
    }
    ngx_uint_t left = take_options(cf, self, &words[5], cf->args->nelts - 5);
    if (left == 0) {
        return "needs an operation: put|add|append|prepend BIN VALUE, or touch";
    }
    if (ngx_http_aerospike_parse_operations(cf, &words[5], left, &self->operations) !=
        NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    main_conf->has_logs = true;
    return ngx_http_aerospike_target_check(cf, &self->target);
}
