/* cli_publish: what publish, revise and withdraw have in common: a command while it works, the
 * answers that it prints, and how it ends.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_PUBLISH_H
#define CLI_CLI_PUBLISH_H

#include "common/arena.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_put.h"
#include "node/cli/cli_wait.h"

/* Made by cli_publish_init; the command's options set wait, again and request_id. */
struct cli_publish {
    struct cli *cli;
    struct client *client; /* from cli_publish_begin on */
    struct arena arena;    /* replies and messages */
    struct cli_wait wait;
    bool again;
    const char *request_id; /* hex; NULL: made of what is published */
    struct cli_put_patience patience;
    unsigned seconds; /* to wait */
    bool erased;      /* an order stands behind what was published last */
    /* JSON: the answers so far */
    struct buffer json;
    size_t answers;
    bool printed; /* … as a whole */
};

void cli_publish_init(struct cli_publish *publish, struct cli *cli);
/* Checks the options, then connects to the node. Errors as client_create. */
int cli_publish_begin(struct cli_publish *publish, struct error *error);
/* Waits for the partners when code is ERROR_NONE and the options ask for it, prints JSON, frees
 * everything, and says what went wrong. Returns the exit code. */
int cli_publish_end(struct cli_publish *publish, int code, struct error *error);

/* The id of a request: of --request-id, or made of these words, or random with --again. ERROR_USAGE
 * when --request-id is no such id. */
int cli_publish_request_id(const struct cli_publish *publish, const char *what, struct span first,
                           struct span second, uint8_t id[STORE_REQUEST_ID_SIZE],
                           struct error *error);

/* Whatever of our own the name stands for. ERROR_DENIED when it is somebody else's. */
int cli_publish_find_own(struct cli_publish *publish, const char *name, const Caravan__Item **item,
                         struct error *error);

/* cli_put_ask. *reply lives in publish->arena. */
int cli_publish_ask(struct cli_publish *publish, const char *operation,
                    const ProtobufCMessage *request, const Caravan__PublishReply **reply,
                    struct error *error);
/* Says something of a sealed announcement of ours, for those that may read it, and tells that.
 * repeated: what is told when it was said before. */
int cli_publish_say_sealed(struct cli_publish *publish, const struct cli_put_saying *saying,
                           const char *repeated, struct error *error);

/* What was published: its name, or, for JSON, as one of the answers. */
int cli_publish_tell(struct cli_publish *publish, const Caravan__PublishReply *reply,
                     const char *repeated, struct error *error);
/* For whom it was sealed: what a group or a file has named is seen once more. */
void cli_publish_tell_audience(const struct cli_publish *publish,
                               const Caravan__PrepareReply *prepared);

#endif
