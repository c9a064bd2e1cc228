/* append_entry HOME NETWORK [FEED]: puts entries into the ledger of a stopped node, signed with the
 * node's key: what `publish` would refuse, and what another version could write. With FEED (64 hex
 * digits) they are put into somebody else's feed: a forgery. Standard input has one entry a line,
 *
 *     CONTENT-TYPE MIN-READER HEX-OF-CONTENT
 *
 * and standard output gets the seq of each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/config/home.h"
#include "node/config/own.h"
#include "node/ledger/ledger.h"

struct appending {
    const char *network;
    struct own own;
    struct store store;
    struct id feed;
};

static int store_entry(struct appending *appending, struct span bytes, uint64_t certificate,
                       struct error *error)
{
    struct store_entry entry = {.received_ms = (uint64_t)time(NULL) * 1000,
                                .certificate = certificate};
    const struct store_operations *operations = appending->store.operations;
    int code = entry_parse_bytes(bytes, appending->network, &entry.entry, error);

    entry.entry.signature_checked = true; /* the point of a forgery is that it was not */
    if (!code)
        code = operations->begin(appending->store.self, error);
    if (code)
        return code;
    code = operations->append(appending->store.self, &entry, 1, error);
    if (code)
        operations->rollback(appending->store.self);
    return code ? code : operations->commit(appending->store.self, error);
}

static int append(struct appending *appending, uint32_t type, uint32_t min_reader,
                  struct span content, struct error *error)
{
    struct store_feed feed;
    struct entry_draft draft = {.network = appending->network,
                                .feed = appending->feed,
                                .created_ms = (uint64_t)time(NULL) * 1000,
                                .content_type = type,
                                .min_reader = min_reader,
                                .content = content};
    struct buffer bytes = {0};
    struct id hash;
    int code = appending->store.operations->get_feed(appending->store.self, &appending->feed, &feed,
                                                     error);

    if (code)
        return code;
    draft.seq = feed.head.seq + 1;
    draft.previous = feed.head.hash;
    secret_random(draft.salt, sizeof draft.salt);
    code = entry_build(&draft, appending->own.node, &bytes, &hash, error);
    if (!code)
        code = store_entry(appending, buffer_span(&bytes), feed.head.certificate, error);
    if (!code)
        printf("%" PRIu64 "\n", draft.seq);
    buffer_finish(&bytes);
    return code;
}

static int append_lines(struct appending *appending, struct error *error)
{
    static char hex[2 * LIMIT_CONTENT_SIZE + 1];
    static uint8_t content[LIMIT_CONTENT_SIZE];
    char line[2 * LIMIT_CONTENT_SIZE + 64];
    uint32_t type, min_reader;
    int code = ERROR_NONE;

    while (!code && fgets(line, sizeof line, stdin)) {
        hex[0] = '\0';
        if (sscanf(line, "%" SCNu32 " %" SCNu32 " %131072[0-9a-f]", &type, &min_reader, hex) < 2 ||
            !bytes_from_hex(hex, content, strlen(hex) / 2))
            return error_set(error, ERROR_USAGE, "expected: TYPE MIN-READER HEX");
        code = append(appending, type, min_reader, span_of(content, strlen(hex) / 2), error);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct appending appending = {0};
    struct error error = {0};
    char path[HOME_PATH_SIZE];
    int code;

    if (argc < 3)
        return 64;
    appending.network = argv[2];
    code = secret_start(&error);
    if (!code)
        code = own_load(argv[1], argv[2], &appending.own, &error);
    appending.feed = appending.own.chain.feed;
    if (!code && argc > 3 &&
        !bytes_from_hex(argv[3], appending.feed.bytes, sizeof appending.feed.bytes))
        code = error_set(&error, ERROR_USAGE, "FEED: expected 64 hex digits");
    if (!code)
        code = home_path(argv[1], HOME_LEDGER, path, &error);
    if (!code)
        code = ledger_sqlite_create(path, LEDGER_EXISTING, &appending.store, &error);
    if (!code)
        code = append_lines(&appending, &error);
    if (appending.store.operations)
        appending.store.operations->destroy(appending.store.self);
    own_finish(&appending.own);
    if (code)
        fprintf(stderr, "%s\n", error.text);
    return code != ERROR_NONE;
}
