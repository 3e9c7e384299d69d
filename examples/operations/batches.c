/*
 * Many records in one call: rows that write, then rows that read and remove.  batches [HOSTS]
 */
#include "example.h"
#include <aerospike/aerospike_batch.h>
#include <aerospike/as_integer.h>
#include <stdio.h>

#define USERS 3

/* In its place: a key isn't copied. */
static void user_key(as_key* ret_key, int number)
{
    as_key_init_int64(ret_key, "test", "users", number);
}

static as_batch_base_record* row_at(as_batch_records* records, uint32_t i)
{
    return as_vector_get(&records->list, i);
}

static bool expect_status(example* ex, const char* what, as_status status, const char* expected)
{
    as_integer number;
    as_integer_init(&number, status);
    return example_expect(ex, what, &number, expected);
}

/* `err` is NULL if each row is well or its record isn't there. In every case the rows hold what
   came, and they are ours. */
static void on_read(as_error* err, as_batch_records* records, void* udata,
                    as_event_loop* event_loop)
{
    (void)event_loop;
    example* ex = udata;
    bool is_right = !err;
    for (uint32_t i = 0; is_right && i < USERS; i++) {
        static const char* const visits[USERS] = {"0", "10", "20"};
        is_right = example_expect(ex, "visits of a user",
                                  as_record_get(&row_at(records, i)->record, "visits"), visits[i]);
    }
    if (err) {
        example_end(ex, "read", err);
    } else if (is_right &&
               expect_status(ex, "status of nobody", row_at(records, USERS)->result, "2") &&
               expect_status(ex, "status of a removed one", row_at(records, USERS + 1)->result,
                             "0")) {
        example_end(ex, "read", NULL);
    }
    as_batch_records_destroy(records);
}

/* Rows of all kinds may be mixed; each is on its own, in no order. */
static void read_back(example* ex, as_event_loop* event_loop)
{
    as_error err;
    as_batch_records* records = as_batch_records_create(USERS + 2);
    for (int i = 0; i <= USERS; i++) { /* the last one was never written */
        as_batch_read_record* row = as_batch_read_reserve(records);
        user_key(&row->key, i);
        row->read_all_bins = true;
    }
    as_batch_remove_record* row = as_batch_remove_reserve(records);
    user_key(&row->key, USERS + 1);
    if (aerospike_batch_write_async(&ex->as, &err, NULL, records, on_read, ex, event_loop) !=
        AEROSPIKE_OK) {
        as_batch_records_destroy(records); /* the listener won't be called */
        example_end(ex, "read", &err);
    }
}

static void on_written(as_error* err, as_batch_records* records, void* udata,
                       as_event_loop* event_loop)
{
    if (err) {
        for (uint32_t i = 0; i < records->list.size; i++) {
            fprintf(stderr, "row %u: %s\n", i, as_error_string(row_at(records, i)->result));
        }
        example_end(udata, "write", err);
    } else {
        read_back(udata, event_loop);
    }
    as_batch_records_destroy(records);
}

static void write_users(example* ex)
{
    as_error err;
    as_operations visits[USERS + 2];
    as_batch_records* records = as_batch_records_create(USERS + 1);
    for (int i = 0; i < USERS + 2; i++) {
        as_operations_init(&visits[i], 1);
        as_operations_add_write_int64(&visits[i], "visits", 10 * i);
        if (i != USERS) {
            as_batch_write_record* row = as_batch_write_reserve(records);
            user_key(&row->key, i);
            row->ops = &visits[i]; /* read during the call alone */
        }
    }
    as_policy_batch policy;
    as_policy_batch_parent_write_init(&policy);
    policy.base.total_timeout = 5000;
    if (aerospike_batch_write_async(&ex->as, &err, &policy, records, on_written, ex, NULL) !=
        AEROSPIKE_OK) {
        as_batch_records_destroy(records);
        example_end(ex, "write", &err);
    }
    for (int i = 0; i < USERS + 2; i++) {
        as_operations_destroy(&visits[i]);
    }
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "batches", write_users);
}
