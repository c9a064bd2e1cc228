/* New entries of our own feed.
 *
 * An entry that people publish goes out on live at once, so it has a signature of its own. Signing
 * costs fifty times what hashing does, so many at a time are signed as runs instead: a bucket of
 * tokens tells which have a signature of their own. What has none is an anchor's or the run's
 * last, which is signed in any case and goes out on live, too: partners see the gap before it and
 * pull the run.
 *
 * A run is gathered in memory and handed to the store whole: at the end of the transaction, when it
 * is full, or when our own entries are read. The last entry is signed before, and the signature
 * checked as others will check it; so whatever the store holds ends with a signature. */
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

#define TOKEN 1000 /* so that a millisecond brings a whole number */

static int refuse_publishing(const struct exchange *exchange, struct error *error)
{
    switch (exchange_publishing(exchange)) {
    case EXCHANGE_OPEN:
        return ERROR_NONE;
    case EXCHANGE_REPLACED:
        return error_set(error, ERROR_FROZEN,
                         "keys/ has older keys than certificate %llu of our own feed: what this "
                         "node signs no longer counts; caravan status says what to do",
                         (unsigned long long)exchange->own->head.certificate);
    case EXCHANGE_FROZEN:
        return error_set(
            error, ERROR_FROZEN,
            "our own feed is forked: two entries stand at one number; publishing stays "
            "closed until a new certificate chooses the branch");
    case EXCHANGE_HELD:
        return error_set(
            error, ERROR_HELD,
            "this node was restored from a backup or copied, so publishing waits until "
            "one partner has confirmed what we have published; caravan status says "
            "what is in the way. Only if no partner can have more of it than this "
            "node, and no other copy of it runs: caravan run --alone");
    case EXCHANGE_CHECKING:
    default:
        return error_set(error, ERROR_HELD,
                         "the node is asking its partners what they hold of our feed; "
                         "try again in some seconds");
    }
}

/* --- signatures -------------------------------------------------------------------------------
 */

void publish_init(struct exchange *exchange)
{
    exchange->live_credit = LIMIT_LIVE_BURST * TOKEN;
    exchange->live_at = exchange_now(exchange);
}

/* May one more go out by itself? One that may not still counts, into debt: as long as many come
 * faster than the rate, none does, for in the midst of a run it would be of no use to anybody. */
static bool take_token(struct exchange *exchange)
{
    const int64_t most = LIMIT_LIVE_BURST * TOKEN;
    const uint64_t refill_ms = 2 * LIMIT_LIVE_BURST * 1000 / LIMIT_LIVE_RATE;
    uint64_t now = exchange_now(exchange), passed = now - exchange->live_at;
    bool enough;

    exchange->live_at = now;
    exchange->live_credit += (int64_t)(passed < refill_ms ? passed : refill_ms) * LIMIT_LIVE_RATE;
    if (exchange->live_credit > most)
        exchange->live_credit = most;
    enough = exchange->live_credit >= TOKEN;
    exchange->live_credit -= TOKEN;
    if (exchange->live_credit < -most)
        exchange->live_credit = -most;
    return enough;
}

/* What we hand out is checked as others will check it. */
static int sign(struct exchange *exchange, struct entry *entry, struct error *error)
{
    struct feed *own = exchange->own;
    struct entry_run run = {.feed = own->id, .entries = entry, .count = 1, .kept = 1};
    int code = entry_sign(entry, exchange->network, exchange->config.node_key, &exchange->run.bytes,
                          error);

    return code ? code : entry_run_check(&run, &own->chain, own->head.certificate, error);
}

/* --- runs -------------------------------------------------------------------------------------
 */

int exchange_flush(struct exchange *exchange, struct error *error)
{
    struct own_run *run = &exchange->run;
    struct error local;
    size_t count = run->count;
    int code = ERROR_NONE;

    error = error ? error : &local;
    if (!count)
        return ERROR_NONE;
    if (!run->entries[count - 1].signature_checked)
        code = sign(exchange, &run->entries[count - 1], error);
    run->count = 0;
    if (!code)
        code = ingest_append(exchange, exchange->own, run->entries, count, error);
    buffer_clear(&run->bytes);
    if (code)
        exchange_break(exchange, error);
    return code;
}

void publish_forget(struct exchange *exchange)
{
    exchange->run.count = 0;
    buffer_clear(&exchange->run.bytes);
}

void publish_finish(struct exchange *exchange)
{
    free(exchange->run.entries);
    free(exchange->cuts);
    exchange->cuts = NULL;
    buffer_finish(&exchange->run.bytes);
    exchange->run = (struct own_run){0};
}

static bool has_room(const struct own_run *run, size_t content)
{
    return run->count < LIMIT_OWN_RUN_ENTRIES &&
           run->bytes.capacity - run->bytes.size >= ENTRY_ROOM + content;
}

/* Room for one more entry. */
static int make_room(struct exchange *exchange, size_t content, struct error *error)
{
    struct own_run *run = &exchange->run;

    if (!run->entries)
        run->entries = calloc(LIMIT_OWN_RUN_ENTRIES, sizeof *run->entries);
    if (!run->entries || (!run->bytes.capacity && !buffer_reserve(&run->bytes, LIMIT_OWN_RUN_SIZE)))
        return error_memory(error);
    return has_room(run, content) ? ERROR_NONE : exchange_flush(exchange, error);
}

/* Many at a time: asking for random bytes costs as much as hashing an entry. */
static void take_salt(struct exchange *exchange, uint8_t salt[LIMIT_SALT_SIZE])
{
    struct own_run *run = &exchange->run;

    if (!run->salt_count) {
        exchange->config.random.fill(exchange->config.random.self, run->salts, sizeof run->salts);
        run->salt_count = sizeof run->salts / sizeof run->salts[0];
    }
    memcpy(salt, run->salts[--run->salt_count], LIMIT_SALT_SIZE);
}

/* Behind our head, as the run's newest. */
static int add(struct exchange *exchange, uint32_t content_type, struct span content,
               struct error *error)
{
    struct own_run *run = &exchange->run;
    struct feed *own = exchange->own;
    struct entry *entry = &run->entries[run->count];
    struct entry_draft draft = {.network = exchange->network,
                                .feed = own->id,
                                .seq = own->head.seq + 1,
                                .previous = own->head.hash,
                                .created_ms = exchange_wall(exchange),
                                .content_type = content_type,
                                .content = content};
    int code;

    take_salt(exchange, draft.salt);
    code = entry_make(&draft, &run->bytes, entry, error);
    if (!code && (entry_is_anchor(entry) || take_token(exchange)))
        code = sign(exchange, entry, error);
    if (code)
        return code;
    run->count++;
    /* Memory is ahead of the store from here on: a failed commit must read the feed again. */
    ingest_mark_changed(exchange, own);
    own->head.seq = entry->seq;
    own->head.hash = entry->hash;
    /* A run ends at a certificate. */
    return entry_is_certificate(entry) ? exchange_flush(exchange, error) : ERROR_NONE;
}

/* --- requests ---------------------------------------------------------------------------------
 */

/* With a seq stands how often our feed had been cut back when it was given. */
#define CUT_SHIFT 48

int publish_load_cuts(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct buffer value = {0};
    int code = store->operations->get_value(store->self, "own-cuts", &value, error);
    size_t count = code ? 0 : value.size / sizeof(uint64_t);
    uint64_t *cuts = calloc(count + 1, sizeof *cuts);

    if (code == ERROR_NOT_FOUND)
        code = ERROR_NONE;
    if (!code && !cuts)
        code = error_memory(error);
    for (size_t i = 0; i < count && !code; i++)
        cuts[i] = bytes_get_u64(value.data + i * sizeof *cuts);
    buffer_finish(&value);
    if (code) {
        free(cuts);
        return code;
    }
    free(exchange->cuts);
    exchange->cuts = cuts;
    exchange->cut_count = count;
    return ERROR_NONE;
}

int publish_note_cut(struct exchange *exchange, uint64_t first, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct buffer value = {0};
    uint8_t number[sizeof first];
    int code = store->operations->get_value(store->self, "own-cuts", &value, error);

    bytes_put_u64(number, first);
    if (code == ERROR_NOT_FOUND)
        code = ERROR_NONE;
    if (!code && !buffer_append(&value, number, sizeof number))
        code = error_memory(error);
    if (!code)
        code = store->operations->put_value(store->self, "own-cuts", buffer_span(&value), error);
    buffer_finish(&value);
    return code ? code : publish_load_cuts(exchange, error);
}

static bool is_cut_off(const struct exchange *exchange, uint64_t seq, uint64_t cuts)
{
    for (size_t i = (size_t)cuts; i < exchange->cut_count; i++)
        if (exchange->cuts[i] <= seq)
            return true;
    return false;
}

static int take_hash(void *context, const struct store_entry *entry)
{
    *(struct id *)context = entry->entry.hash;
    return 1;
}

int exchange_find_published(struct exchange *exchange, const uint8_t request[STORE_REQUEST_ID_SIZE],
                            struct exchange_published *out, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct exchange_published found = {.repeated = true};
    int code = store->operations->get_request(store->self, request, &found.seq, error);
    uint64_t cuts = found.seq >> CUT_SHIFT;

    found.seq &= ((uint64_t)1 << CUT_SHIFT) - 1;
    if (!code && is_cut_off(exchange, found.seq, cuts))
        code = error_set(error, ERROR_EXISTS,
                         "what this request published as No. %llu was quarantined when another "
                         "branch of our feed was chosen; look at it, and publish it again as "
                         "something new",
                         (unsigned long long)found.seq);
    if (!code)
        code = exchange_flush(exchange, error);
    if (!code)
        code = store->operations->entries(store->self, &exchange->own->id, found.seq, found.seq,
                                          take_hash, &found.hash, error);
    if (!code)
        *out = found;
    return code;
}

/* Keeps the request id for the entry to come. */
static int put_request(struct exchange *exchange, const uint8_t request[STORE_REQUEST_ID_SIZE],
                       struct error *error)
{
    const struct store *store = &exchange->config.store;
    uint64_t seq = (exchange->own->head.seq + 1) | (uint64_t)exchange->cut_count << CUT_SHIFT;
    int code = request ? store->operations->put_request(store->self, request, seq, error) : 0;

    if (code && code != ERROR_EXISTS)
        exchange_break(exchange, error);
    return code;
}

int exchange_publish(struct exchange *exchange, uint32_t content_type, struct span content,
                     const uint8_t request[STORE_REQUEST_ID_SIZE], struct exchange_published *out,
                     struct error *error)
{
    int code;

    if (content.size > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "content has %zu bytes, expected at most %d; shorten the texts",
                         content.size, LIMIT_CONTENT_SIZE);
    code = refuse_publishing(exchange, error);
    if (code)
        return request && !exchange_find_published(exchange, request, out, NULL) ? ERROR_NONE
                                                                                 : code;
    code = make_room(exchange, content.size, error);
    if (!code)
        code = put_request(exchange, request, error);
    if (code == ERROR_EXISTS)
        return exchange_find_published(exchange, request, out, error);
    if (code)
        return code;
    code = add(exchange, content_type, content, error);
    if (code) {
        exchange_break(exchange, error);
        return code;
    }
    *out = (struct exchange_published){exchange->own->head.seq, exchange->own->head.hash, false};
    return ERROR_NONE;
}
