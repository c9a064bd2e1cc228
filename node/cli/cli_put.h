/* cli_put: asking the node to publish something: request ids, and patience while it cannot.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_PUT_H
#define CLI_CLI_PUT_H

#include "common/arena.h"
#include "node/cli/cli_audience.h"
#include "node/cli/client.h"
#include "node/core/ports.h"
#include "proto/control.pb-c.h"

/* The same words give the same id: repeating a command repeats nothing, on no other day either
 * (what is filled in before publishing depends on the day, so it is not asked). what: the command.
 */
void cli_put_request_id(const char *what, struct span first, struct span second,
                        uint8_t id[STORE_REQUEST_ID_SIZE]);

/* What the node cannot take yet is sent again every second, and so often without any success: after
 * a start, or when a partner shows our feed ahead, it asks its partners what they hold before it
 * publishes, 10 s at most. */
#define CLI_PUT_TRIES 15

struct cli_put_patience {
    const struct cli *cli;
    bool told; /* the person knows what it waits for */
};
/* It was not done, and can be done later: the node checks its own feed, or has too much waiting. */
bool cli_put_is_later(int code);
void cli_put_wait(struct cli_put_patience *patience, int why);

/* One operation that publishes; what can be done later is asked again: the request id in it makes
 * that safe. *reply lives in the arena. Errors as client_call. */
int cli_put_ask(struct cli_put_patience *patience, struct client *client, const char *operation,
                const ProtobufCMessage *request, struct arena *arena,
                const Caravan__PublishReply **reply, struct error *error);

/* Something that is prepared, then put (control.proto). */
struct cli_put_saying {
    const char *name; /* of the announcement that it is about; NULL: a new one */
    uint32_t content_type;
    const ProtobufCMessage
        *message;                 /* the content without the announcement's name; or, when NULL, */
    struct span content;          /* its bytes */
    struct cli_audience audience; /* of a new one, or of a reader */
    uint64_t entry;               /* of a reader */
    bool erase;                   /* of a withdrawal, or a revision: what was said before */
    const uint8_t *request_id;    /* NULL: made of all this, and of what was said before */
};
/* *reply NULL: it was said before, in the entry prepared->previous. Errors as client_call. */
int cli_put_say(struct cli_put_patience *patience, struct client *client,
                const struct cli_put_saying *saying, struct arena *arena,
                const Caravan__PrepareReply **prepared, const Caravan__PublishReply **reply,
                struct error *error);

#endif
