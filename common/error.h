/* error: a code for the program, a sentence for the person.
 *
 * Every function that can fail returns an enum error_code (0 = success) and fills a caller's struct
 * error when it is not NULL. Nothing is allocated on the error path. Each layer may put in front
 * what it was attempting (error_prefix). Library code returns errors; only the top layer logs them.
 * Threads: a struct error belongs to one thread at a time; the functions have no shared state. */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* One list: code, stable name (on the wire, in JSON and in scripts), exit code of the client. */
#define ERROR_CODES(X)                                                                             \
    X(ERROR_NONE, "ok", 0)                                                                         \
    X(ERROR_INTERNAL, "internal", 70)   /* our own bug */                                          \
    X(ERROR_USAGE, "usage", 64)         /* the command line is wrong */                            \
    X(ERROR_INVALID, "invalid", 65)     /* input breaks a rule; the sentence says which */         \
    X(ERROR_NOT_FOUND, "not-found", 66) /* no such file, announcement, partner, key */             \
    X(ERROR_NODE_DOWN, "node-down", 69) /* the node does not answer on its control link */         \
    X(ERROR_IO, "io", 74)               /* disk, file or socket */                                 \
    X(ERROR_MEMORY, "memory", 71)       /* out of memory */                                        \
    X(ERROR_TIMEOUT, "timeout", 75)     /* a time limit ran out; try again */                      \
    X(ERROR_BUSY, "busy", 76)           /* a queue is full or the node is checking itself */       \
    X(ERROR_DENIED, "denied", 77)       /* no right to do this */                                  \
    X(ERROR_CONFIG, "config", 78)       /* node.yaml, keys or home folder */                       \
    X(ERROR_EXISTS, "exists", 73)       /* would overwrite or contradict what is there */          \
    X(ERROR_HELD, "held", 79)           /* publishing waits: own feed not confirmed yet */         \
    X(ERROR_FROZEN, "frozen", 80)       /* feed frozen: it is forked */                            \
    /* What breaks a feed; names as in PROTOCOL.md, "Refusals". */                                 \
    X(ERROR_WRONG_NETWORK, "wrong-network", 65)                                                    \
    X(ERROR_TOO_LARGE, "too-large", 65)                                                            \
    X(ERROR_MALFORMED, "malformed", 65)                                                            \
    X(ERROR_BROKEN_CHAIN, "broken-chain", 65)                                                      \
    X(ERROR_BAD_SIGNATURE, "bad-signature", 65)                                                    \
    X(ERROR_UNKNOWN_FEED, "unknown-feed", 65)                                                      \
    X(ERROR_FORK, "fork", 65)                                                                      \
    X(ERROR_GAP, "gap", 65) /* an entry further ahead than the next one: pull first */

enum error_code {
#define ERROR_ENUM(code, name, exit_code) code,
    ERROR_CODES(ERROR_ENUM)
#undef ERROR_ENUM
        ERROR_CODE_COUNT
};

#define ERROR_TEXT_SIZE 1024

struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE]; /* a sentence without a final full stop; always terminated */
};

/* Sets code and sentence; returns the code, so that `return error_set(…)` reads well. */
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what was attempted: " in front of the sentence; returns the error's code. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ERROR_MEMORY with a standard sentence. */
int error_memory(struct error *error);

/* ERROR_IO with "action path: strerror(errno)"; ERROR_NOT_FOUND when errno is ENOENT. */
int error_errno(struct error *error, const char *action, const char *path);

void error_clear(struct error *error);

const char *error_name(enum error_code code);         /* "bad-signature"; never NULL */
enum error_code error_code_of_name(const char *name); /* ERROR_INTERNAL when unknown */
int error_exit_code(enum error_code code);            /* the client's exit code */

#endif
