/* Entries from a file, by the same rules as entries from partners. */
#include "common/fields.h"
#include "common/guard.h"
#include "node/core/state.h"

static int import_certificates(struct exchange *exchange, struct span certificates,
                               struct error *error)
{
    const Caravan__Certificates *list;
    ProtobufCMessage *message;
    struct arena arena;
    struct feed *feed;
    struct id id;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__certificates__descriptor, certificates, &guard_limits_message,
                        &arena, &message, error);
    if (code)
        goto out;
    list = (const Caravan__Certificates *)message;
    feed = list->has_feed && span_to_id(span_of(list->feed.data, list->feed.len), &id)
               ? feed_find(exchange, &id)
               : NULL;
    if (!feed || (!feed->partner && feed != exchange->own)) {
        code = error_set(error, ERROR_UNKNOWN_FEED,
                         "this file is of an institution whose card was not accepted here; add its "
                         "card first: caravan partner add FILE");
        goto out;
    }
    code = feed_take_messages(exchange, feed, list, error);
    if (!code)
        code = feed_publish_keys(exchange, feed, error);
out:
    arena_finish(&arena);
    return code;
}

static int import_run(struct exchange *exchange, struct span bytes, uint64_t *added,
                      uint64_t *known, uint64_t *head_seq, struct error *error)
{
    struct entry_run run;
    enum ingest_result result;
    struct feed *feed;
    int code = entry_run_read(bytes, exchange->network, &run, error);

    if (code)
        goto out;
    feed = feed_find(exchange, &run.feed);
    if (!feed || (!feed->partner && feed != exchange->own)) {
        code = error_set(error, ERROR_UNKNOWN_FEED, "no accepted card names the feed of this run");
        goto out;
    }
    result = ingest_run(exchange, feed, &run, false, 0, added, error);
    *known = run.kept - *added;
    *head_seq = feed->head.seq;
    if (result == INGEST_GAP)
        code = error_set(
            error, ERROR_GAP, "the file goes on at No. %llu, but only No. 1 to %llu are held here",
            (unsigned long long)run.entries[0].seq, (unsigned long long)feed->head.seq);
    else if (result != INGEST_ADDED && result != INGEST_KNOWN)
        code = (int)error->code;
out:
    entry_run_finish(&run);
    return code;
}

int exchange_import(struct exchange *exchange, struct span certificates, struct span run,
                    uint64_t *added, uint64_t *known, uint64_t *head_seq, struct error *error)
{
    int code = ERROR_NONE;

    *added = *known = *head_seq = 0;
    if (certificates.size)
        code = import_certificates(exchange, certificates, error);
    if (!code && run.size)
        code = import_run(exchange, run, added, known, head_seq, error);
    return code;
}
