/*
 * The echo proxy and its driver as processes of a test: started on free ports, watched through
 * their output, ended with the test. Everything waits for an event, with a deadline that fails the
 * test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RIG_DEADLINE_MS 60000
#define RIG_WORKERS 3

/* Output of a process, as far as it has been read. */
typedef struct rig_output {
    int fd; /* -1 after its end */
    char* text;
    size_t length, capacity;
} rig_output;

typedef struct echo_rig {
    pid_t master; /* 0: not running */
    int shm_key;
    char port[8];
    rig_output log;
    pid_t driver; /* 0: not running */
    rig_output driver_output;
} echo_rig;

uint64_t rig_now_ms(void);

/* A key that no other test has. */
int rig_new_key(void);

/* Starts the proxy and waits until it listens, not until it serves. */
void rig_start(echo_rig* rig, const char* hosts, int shm_key);
void rig_wait_serving(echo_rig* rig);

/* Ends what runs, the hard way. For teardown. */
void rig_stop(echo_rig* rig);

/* Where the log ends now: what comes later is looked for from here. */
size_t rig_mark(echo_rig* rig);

/* Waits until `count` lines from `mark` on hold `text`; returns the last of them. */
const char* rig_wait_log(echo_rig* rig, size_t mark, unsigned count, const char* text);

/* Waits until all processes of the proxy are gone, the master's exit status is returned. */
int rig_wait_end(echo_rig* rig);
bool rig_has_segment(const echo_rig* rig);

/* The workers that serve, in the order in which they began. Returns their number. */
unsigned rig_workers(echo_rig* rig, pid_t ret_pids[], unsigned max);

/* The worker that tends; waits for one. */
pid_t rig_tender(echo_rig* rig);

/* Load, until rig_driver_end(). Waits until echoes come. */
void rig_driver_start(echo_rig* rig);

/* Waits until `count` more echoes have come. */
void rig_driver_wait(echo_rig* rig, uint64_t count);

/* Ends the load; its exit status. Then the summary's numbers may be asked for. */
int rig_driver_end(echo_rig* rig);
uint64_t rig_driver_number(const echo_rig* rig, const char* name);

/* The text of the object that the summary has under that name, without braces. */
void rig_driver_object(const echo_rig* rig, const char* name, char* ret_text, size_t size);

/* A connection of the test's own, nonblocking. */
int rig_connect(const echo_rig* rig);
void rig_send(int fd, const void* bytes, size_t count);
void rig_say(int fd, const char* text);

/* Reads one line, without its newline; its length. Fails the test at the end of file. */
size_t rig_read_line(int fd, char* ret_text, size_t size);
void rig_expect(int fd, const char* line);
void rig_expect_prefix(int fd, const char* prefix);
void rig_expect_end(int fd);
