/*
 * What the sources of cmd share. Nobody else includes this.
 */
#pragma once

#include "async/cmd.h"
#include "core/wire.h"

/* Why an attempt failed: what a retry does about it. */
typedef enum tnd_cmd_cause {
    TND_CMD_CAUSE_FINAL,      /* there is no retry */
    TND_CMD_CAUSE_CONNECTION, /* another replica may do better. Also a connect that took too long:
                                 a node that accepts nothing is as good as dead, even for a write */
    TND_CMD_CAUSE_TIMEOUT,    /* only a read moves on */
    TND_CMD_CAUSE_NO_NODE,    /* the map may know more next time. The official client gives up here
                                 (protocol/records.md 7.3); but in the seconds after a node's death
                                 partitions without an owner are to be expected, and who allows
                                 retries with a pause means to outlast those */
} tnd_cmd_cause;

/* The next attempt. Ends in a phase that waits for something, never in the listener when called
 * inside tnd_cmd_start. */
void tnd_cmd_attempt(tnd_cmd* cmd);

/* The node for this attempt, and cmd->node_index; NULL with `err` set. */
tnd_node* tnd_cmd_route(tnd_cmd* cmd, as_error* err);

/* Is the command's namespace in the map? Keeps what was found for an attempt in the same call. */
as_status tnd_cmd_check_namespace(tnd_cmd* cmd, as_error* err);

/* The request goes out on cmd->link, which is connected. */
void tnd_cmd_send(tnd_cmd* cmd);

/* Was the request handed to the kernel completely? While cmd->link is there. */
static inline bool tnd_cmd_is_out(const tnd_cmd* cmd)
{
    return tnd_link_is_out(cmd->link, cmd->seat);
}

/* "BB9... 10.1.2.3:3000", also of a link that is closed already. */
void tnd_cmd_link_text(const tnd_link* link, char* ret_text, size_t size);

/* cmd->err says what happened, cmd->link is NULL. `was_sent`: the request was out completely, and
 * no answer says that it wasn't applied. The command may have ended, and be gone, when this
 * returns. */
void tnd_cmd_fail_attempt(tnd_cmd* cmd, tnd_cmd_cause cause, bool was_sent);

/* The one road to the listener: detached from everything first, for the listener may do anything.
 * The command is gone afterwards. */
void tnd_cmd_end(tnd_cmd* cmd, as_error* err, void* result);

/* With cmd->err; from a task if the call that started the command hasn't returned yet. */
void tnd_cmd_end_with_error(tnd_cmd* cmd, bool was_sent);

/* Calls the pipe listener, if the request was sent and it hasn't been called yet. */
void tnd_cmd_tell_pipe(tnd_cmd* cmd);

uint64_t tnd_cmd_now_us(const tnd_cmd* cmd);

/* Sets the one timeout to whatever limit of the present phase is next. */
void tnd_cmd_arm(tnd_cmd* cmd);
void tnd_cmd_disarm(tnd_cmd* cmd);

void tnd_cmd_on_task(tnd_task* task);
