/* operations: one table of everything an operator can do with a running node. The control link
 * carries it as protobuf; later the web as JSON. An operation exists once.
 *
 * Threads: OPS_WRITER operations run on the writer thread between exchange_begin and
 * exchange_commit, OPS_READER operations on the reader thread with a read-only store. */
#ifndef OPS_OPERATIONS_H
#define OPS_OPERATIONS_H

#include "node/core/exchange.h"
#include "node/core/opened.h"
#include "node/core/view.h"
#include "proto/control.pb-c.h"

enum ops_where { OPS_WRITER, OPS_READER };

/* What looking at a request by itself has shown: it can be done on any thread, before the request
 * is run by the thread that it belongs to. */
struct ops_check {
    bool done;           /* false: the handler looks itself */
    struct error *error; /* what is wrong with what it carries; NULL: nothing */
    size_t unknown;      /* fields of it that this version does not know */
};

/* The files in keys/ (node/config is a sibling); writer only. */
struct ops_keys {
    /* exchange_certify, with the keys that the client has put into keys/next. What it has changed
     * holds once the transaction has ended well. */
    int (*certify)(void *self, struct span certificate, const struct exchange_place *place,
                   struct exchange_published *out, struct error *error);
    /* The former transport key is used no more, whoever has not seen the newer one. ERROR_NOT_FOUND
     * when it is not used. */
    int (*retire)(void *self, struct error *error);
    bool former_transport;   /* that key is used still */
    uint32_t former_sealing; /* keys kept for reading */
};

/* What a handler may use. Everything is borrowed. */
struct ops_context {
    struct exchange *exchange; /* writer only; NULL on a reader */
    struct store store;        /* the thread's own */
    /* The thread's own, over that store: of all feeds on a reader, where ops_run brings it up to
     * date; own_only on the writer, where the handlers that need it do. */
    struct view *view;
    /* What the view of a reader looks through; NULL on the writer. */
    struct opened *opened;
    struct mark_store marks; /* reader only; self NULL: there are none, and nothing was read */
    struct policy *policy;
    const char *network;
    struct id feed; /* our own */
    const char *home;
    uint64_t now_ms;
    uint64_t started_ms;
    const char *listen_live, *listen_sync; /* NULL: outwards only */
    uint64_t live_dropped;
    /* Writes a backup of the home to an absolute path (node/ledger is a sibling). */
    int (*backup)(void *self, const char *file, uint64_t *size, struct error *error);
    struct ops_keys keys;
    void *self;
    const struct ops_check *check; /* of this request; NULL: none was made */
    /* Of a long poll: the first try (both are set when it may not wait); the last one, which
     * answers with what there is. */
    bool first_try, last_try;
    /* Of a long poll: how far it has come without finding anything; 0 at the first try. The caller
     * keeps it for the next one. */
    uint64_t progress;
};

/* Returned by ops_run for a long poll that has nothing to say yet: run it again after a commit, a
 * receipt or a change of links (exchange_changes), with last_try when its time has run out. */
#define OPS_WAIT (-1)

struct ops_operation {
    const char *name;
    const ProtobufCMessageDescriptor *request, *reply;
    enum ops_where where;
    const char *method, *path; /* for the web */
    /* How long a long poll may wait; NULL: it is none. */
    uint32_t (*wait_ms)(const ProtobufCMessage *request);
    /* Pure: looks at what the request carries; NULL: there is nothing to look at. A retry is
     * answered all the same. */
    int (*check)(const ProtobufCMessage *request, uint64_t now_ms, size_t *unknown,
                 struct error *error);
    /* Appends the reply's bytes. Called by ops_run. */
    int (*run)(struct ops_context *context, const ProtobufCMessage *request, struct buffer *reply,
               struct error *error);
};

extern const struct ops_operation ops_operations[]; /* ended by a row without a name */

const struct ops_operation *ops_find(const char *name); /* NULL when unknown */

/* Reads ControlRequest bytes: guard, operation, its request. *request lives in the arena. Fills id
 * even when the rest is wrong. */
int ops_read(struct span bytes, struct arena *arena, uint64_t *id,
             const struct ops_operation **operation, ProtobufCMessage **request,
             struct error *error);
/* Runs an operation that was read: brings a reader's view up to date and appends the reply's bytes.
 * Returns 0, OPS_WAIT (reply unchanged) or an error code. */
int ops_run(const struct ops_operation *operation, struct ops_context *context,
            const ProtobufCMessage *request, struct buffer *reply, struct error *error);
/* Appends ControlReply bytes: the reply, or the error when its code is not ERROR_NONE. */
bool ops_write(uint64_t id, struct span reply, const struct error *error, struct buffer *out);

#endif
