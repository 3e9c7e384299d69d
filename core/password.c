/*
 * as_password_acquire: a bounded copy, or a question on the terminal.
 */
#include <aerospike/as_password.h>

#include <unistd.h>

#include <aerospike/as_string.h>

void as_password_acquire(char* password_trg, const char* password_src, int size)
{
    as_strncpy(password_trg, password_src ? password_src : getpass("Enter Password: "), size);
}
