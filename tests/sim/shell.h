/* shell: the real client against a node of the simulation that answers on a real control
 * socket. Node 0 is ours and answers; node 1 is its partner.
 *
 * Threads: one of its own serves, and lets virtual time go on. Who touches network, views, refused,
 * put_off … while it runs holds the lock. What goes wrong fails the test. */
#ifndef TESTS_SIM_SHELL_H
#define TESTS_SIM_SHELL_H

#include "node/core/view.h"
#include "tests/sim/network.h"
#include "tests/support/folder.h"

#include <pthread.h>
#include <stdio.h>

/* A long poll that waits; one at a time is enough for a test. */
struct shell_pending {
    bool waiting;
    uint64_t end_ms; /* virtual */
    struct buffer route, bytes;
};

struct shell_world {
    struct network network;
    struct view *views[2]; /* of node 0: reader, writer */
    struct folder home;
    pthread_t thread;
    pthread_mutex_t lock; /* network, views, running, refused, put_off and those behind it */
    bool running;
    void *context, *router;
    struct shell_pending pending[4];
    const char *refused; /* requests with these words are; NULL: none */
    const char *put_off; /* … are refused for now, so many times, with this code */
    unsigned put_off_times;
    enum error_code put_off_code;
    bool put_off_others;    /* so are those behind them, until that is over */
    const char *client;     /* NULL: CARAVAN_BIN */
    char output[64 * 1024]; /* of the last command, both streams */
    int code;
};

/* For cmocka; *state is a struct shell_world. Each node has published a certificate and a profile
 * (cn-one, th-two), so that the next entry is No. 3. It serves. */
int shell_setup(void **state);
int shell_teardown(void **state);
/* As if the node was stopped, or started again. */
void shell_start_serving(struct shell_world *world);
void shell_stop_serving(struct shell_world *world);

/* The partner publishes, and it arrives: a joint call with this title, or any content, which is
 * cleared. They take the lock. */
void shell_partner_says(struct shell_world *world, const char *title);
void shell_partner_publishes(struct shell_world *world, uint32_t type, struct buffer *content);

/* Runs a command; both streams come to world->output unless the arguments say otherwise. Its exit
 * code. */
int shell_run(struct shell_world *world, const char *arguments);
/* … and it ends with this exit code and has said this. */
void shell_expect(struct shell_world *world, const char *arguments, int code, const char *part);
/* The last command has, or has not, said this. */
void shell_said(const struct shell_world *world, const char *part);
void shell_said_not(const struct shell_world *world, const char *part);
/* Starts a command whose output is read from the pipe. before: of the shell's, or "". */
FILE *shell_open(const struct shell_world *world, const char *before, const char *arguments);

/* A file in the home that may be published; its path, borrowed until the next path is made. */
const char *shell_notice(struct shell_world *world, const char *name, const char *title);
/* Publishes such a file; world->output is the name. */
void shell_publish(struct shell_world *world, const char *name, const char *title);

#endif
