/* The one way of an entry into the ledger, from whichever side it comes. */
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

#define CERTIFICATE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE

/* --- appending ----------------------------------------------------------------------------------
 */

/* The certificate in a certificate entry becomes part of the chain, here and in the store. */
static int take_certificate(struct exchange *exchange, struct feed *feed, const struct entry *entry,
                            struct error *error)
{
    const struct store *store = &exchange->config.store;
    uint64_t number = feed->head.certificate + 1;
    struct store_certificate row = {number, entry->seq, entry->content};
    int code = feed_take_certificate(exchange, feed, entry->content, error);

    if (!code)
        code = feed_set_position(feed, number, entry->seq, error);
    if (!code)
        code = store->operations->put_certificate(store->self, &feed->id, &row, error);
    feed->head.certificate = number;
    feed->head.recoveries = identity_chain_recoveries(&feed->chain, number);
    return code;
}

/* As take_certificate will have it; only the last of a run can be one. */
static uint64_t recoveries_of(const struct feed *feed, const struct entry *entry)
{
    struct identity_certificate certificate;

    return feed->head.recoveries +
           (entry->content_type == CERTIFICATE && entry->has_content &&
            identity_chain_check_at(&feed->chain, feed->head.certificate + 1, entry->content,
                                    &certificate, NULL) == ERROR_NONE &&
            certificate.by_recovery);
}

void ingest_mark_changed(struct exchange *exchange, struct feed *feed)
{
    exchange->wrote = true;
    if (feed->changed)
        return;
    feed->changed = true;
    feed->next_changed = exchange->changed;
    exchange->changed = feed;
}

int ingest_append(struct exchange *exchange, struct feed *feed, struct entry *entries, size_t count,
                  struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct store_entry *rows = calloc(count, sizeof *rows);
    uint64_t now = exchange_wall(exchange);
    struct erasure_list erased = {0};
    bool dial_anew = false;
    int code;

    if (!rows)
        return error_memory(error);
    /* From here on memory may be ahead of the store: a failed commit must read the feed again. */
    ingest_mark_changed(exchange, feed);
    code = erasure_list_read(&erased, entries, count, error);
    for (size_t i = 0; i < count; i++) {
        rows[i].entry = entries[i];
        rows[i].received_ms = now;
        rows[i].certificate = feed->head.certificate + (entries[i].content_type == CERTIFICATE);
        rows[i].recoveries = recoveries_of(feed, &entries[i]);
        erase_apply(&erased, &rows[i]);
    }
    if (!code)
        code = store->operations->append(store->self, rows, count, error);
    for (size_t i = 0; i < count && !code; i++) {
        const struct entry *entry = &rows[i].entry;

        feed->head.seq = entry->seq;
        feed->head.hash = entry->hash;
        if (!entry->has_content)
            feed_set_missing(exchange, feed, feed->missing + !rows[i].erased);
        else if (entry->content_type == CERTIFICATE)
            code = take_certificate(exchange, feed, entry, error);
        else if (feed_learn(feed, entry->content_type, entry->seq, entry->created_ms,
                            entry->content))
            dial_anew = true;
        if (!code)
            exchange_queue_live(exchange, feed, entry);
    }
    if (!code && entries[count - 1].content_type == CERTIFICATE) {
        feed->diverged = false; /* it outranks what did not follow ours */
        code = feed_publish_keys(exchange, feed, error);
        dial_anew = true;
    }
    if (!code)
        code = erase_carry_out(exchange, feed, &erased, &dial_anew, error);
    erasure_list_finish(&erased);
    free(rows);
    if (code)
        return code;
    catchup_moved(exchange, feed);
    if (dial_anew && feed->partner && exchange->config.partner_changed)
        exchange->config.partner_changed(exchange->config.self, &feed->id);
    return ERROR_NONE;
}

/* --- forks --------------------------------------------------------------------------------------
 */

struct one_entry {
    struct buffer bytes; /* SignedEntry */
    struct id hash;
    uint64_t erased;
    bool found, has_content, no_memory;
};

/* An entry proves without its content, too; so there is nothing in a proof to be erased. */
static bool encode_proof(const struct entry *entry, struct buffer *out)
{
    return entry_encode(entry, entry_content_is_permanent(entry->content_type), out);
}

static int copy_one(void *context, const struct store_entry *row)
{
    struct one_entry *one = context;

    one->found = true;
    one->hash = row->entry.hash;
    one->has_content = row->entry.has_content;
    one->erased = row->erased;
    one->no_memory = !encode_proof(&row->entry, &one->bytes);
    return 1;
}

static int read_one(struct exchange *exchange, const struct feed *feed, uint64_t seq,
                    struct one_entry *one, struct error *error)
{
    const struct store *store = &exchange->config.store;
    int code = feed == exchange->own ? exchange_flush(exchange, error) : ERROR_NONE;

    if (!code)
        code = store->operations->entries(store->self, &feed->id, seq, seq, copy_one, one, error);
    return !code && one->no_memory ? error_memory(error) : code;
}

bool ingest_is_ours(struct exchange *exchange, const struct feed *feed, uint64_t seq,
                    const struct id *hash)
{
    struct one_entry one = {0};
    bool ours;

    if (seq == feed->head.seq)
        return id_equal(hash, &feed->head.hash);
    ours = read_one(exchange, feed, seq, &one, NULL) || !one.found || id_equal(&one.hash, hash);
    buffer_finish(&one.bytes);
    return ours;
}

static int keep_proof(struct exchange *exchange, const struct feed *feed,
                      const struct one_entry *kept, const struct entry *other, uint64_t certificate,
                      struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct buffer other_bytes = {0};
    struct store_conflict conflict = {.feed = feed->id,
                                      .certificate = certificate,
                                      .seq = other->seq,
                                      .kept = buffer_span(&kept->bytes)};
    struct entry proven = *other;
    int code;

    /* The entries behind it vouch for one whose own signature was not looked at. */
    if (!proven.signature_checked)
        proven.signature = span_of(NULL, 0);
    code = encode_proof(&proven, &other_bytes) ? ERROR_NONE : error_memory(error);
    conflict.other = buffer_span(&other_bytes);
    if (!code)
        code = store->operations->put_conflict(store->self, &conflict, error);
    exchange->wrote = true;
    buffer_finish(&other_bytes);
    return code;
}

/* Two branches of one certificate number cannot be told apart by anything but the institution's
 * next certificate: the feed is frozen. */
static int freeze(struct exchange *exchange, struct feed *feed, struct error *error)
{
    const struct store *store = &exchange->config.store;
    int code = store->operations->put_frozen(store->self, &feed->id, true, error);

    if (code)
        return code;
    ingest_mark_changed(exchange, feed);
    feed->frozen = true;
    catchup_moved(exchange, feed);
    return ERROR_NONE;
}

struct comparing {
    const struct entry *entries;
    size_t count, common;
    bool differs;
};

static int compare_one(void *context, const struct store_entry *row)
{
    struct comparing *comparing = context;

    comparing->differs = !id_equal(&row->entry.hash, &comparing->entries[comparing->common].hash);
    comparing->common += !comparing->differs;
    return comparing->differs || comparing->common == comparing->count;
}

int ingest_common(struct exchange *exchange, const struct feed *feed, const struct entry *entries,
                  size_t count, size_t *common, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct comparing comparing = {.entries = entries, .count = count};
    int code = feed == exchange->own ? exchange_flush(exchange, error) : ERROR_NONE;

    if (!code)
        code = store->operations->entries(store->self, &feed->id, entries[0].seq,
                                          entries[count - 1].seq, compare_one, &comparing, error);
    *common = comparing.common;
    return code;
}

/* Does the run begin behind an entry that we hold? */
static bool is_linked(struct exchange *exchange, const struct feed *feed,
                      const struct entry_run *run)
{
    const struct entry *first = &run->entries[0];

    return first->seq == 1 || ingest_is_ours(exchange, feed, first->seq - 1, &first->previous);
}

/* The rank that the branch of a run has at its end. */
static struct entry_head rank_of(const struct identity_chain *chain, const struct entry_run *run)
{
    return branch_of_chain(chain, run->certificate);
}

/* Checks a run that ends with another certificate than the one of that number that we know: with
 * our certificates up to the one before, and that one, in *chain. */
static int check_with_other(const struct feed *feed, struct entry_run *run, uint64_t certificate,
                            struct identity_chain *chain, struct error *error)
{
    int code = identity_chain_copy(&feed->chain, chain, error);

    if (!code) {
        code = identity_chain_replace(chain, run->entries[run->kept - 1].content, error);
        if (!code && chain->count != certificate + 1)
            code = error_set(error, ERROR_FORK, "certificate %llu is not the next one",
                             (unsigned long long)certificate + 1);
        if (!code)
            code = entry_run_check(run, chain, certificate, error);
        if (code)
            identity_chain_finish(chain);
    }
    return code;
}

/* Checks the run as one behind certificate number `certificate`, which is ours. chain: which the
 * caller finishes; empty where our own says all. Fills its rank. */
static int check_branch(const struct feed *feed, struct entry_run *run, uint64_t certificate,
                        struct identity_chain *chain, struct entry_head *rank, struct error *error)
{
    int code = entry_run_check(run, &feed->chain, certificate, error);

    *chain = (struct identity_chain){0};
    if (code == ERROR_FORK && certificate)
        code = check_with_other(feed, run, certificate, chain, error);
    if (!code)
        *rank = rank_of(chain->count ? chain : &feed->chain, run);
    return code;
}

/* Another branch has won: what we hold behind the last common entry goes, the run's entries come.
 */
static int change_branch(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                         const struct identity_chain *chain, const struct entry_head *rank,
                         uint64_t *added, struct error *error)
{
    const struct store *store = &exchange->config.store;
    uint64_t first = run->entries[0].seq;
    size_t common = 0;
    int code = ERROR_NONE;

    if (chain->count)
        code = branch_take_chain(exchange, feed, chain, error);
    if (!code)
        code = ingest_common(exchange, feed, run->entries, run->kept, &common, error);
    if (!code && first + common <= feed->head.seq)
        code = branch_quarantine(exchange, feed, first + common, rank, error);
    if (!code && common < run->kept)
        code = ingest_append(exchange, feed, run->entries + common, run->kept - common, error);
    if (code)
        return code;
    *added = run->kept - common;
    feed->frozen = branch_is_proven(feed); /* there is a still higher one */
    catchup_moved(exchange, feed);
    return store->operations->put_frozen(store->self, &feed->id, feed->frozen, error);
}

/* Neither has won. */
static enum ingest_result dispute(struct exchange *exchange, struct feed *feed,
                                  const struct entry_run *run, const struct entry *other,
                                  const struct one_entry *kept, int order, struct error *error)
{
    bool outranked = order < 0;
    int code = keep_proof(exchange, feed, kept, other, run->certificate, error);

    if (!code && !outranked)
        code = freeze(exchange, feed, error);
    if (code) {
        exchange_break(exchange, error);
        return INGEST_FAILED;
    }
    /* What an older certificate signed against a branch that has a newer one changes nothing: it
     * may be a key that was stolen, and revoked by that certificate. */
    error_set(error, ERROR_FORK, "the feed is forked at No. %llu: %s",
              (unsigned long long)other->seq,
              outranked ? "an entry signed by a key that is no longer in force stands against ours"
                        : "two signed entries stand there");
    return outranked ? INGEST_REFUSED : INGEST_FORK;
}

static enum ingest_result win(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                              const struct entry *other, const struct one_entry *kept,
                              const struct identity_chain *chain, const struct entry_head *rank,
                              uint64_t *added, struct error *error)
{
    int code = keep_proof(exchange, feed, kept, other, feed->head.certificate, error);

    if (!code)
        code = change_branch(exchange, feed, run, chain, rank, added, error);
    if (code) {
        exchange_break(exchange, error);
        return INGEST_FAILED;
    }
    return INGEST_ADDED;
}

/* The run's entry at a seq that we hold is another one than ours. */
static enum ingest_result contradict(struct exchange *exchange, struct feed *feed,
                                     struct entry_run *run, size_t known,
                                     const struct one_entry *kept, uint64_t *added,
                                     struct error *error)
{
    const struct entry *other = &run->entries[known - 1];
    uint64_t first = run->entries[0].seq;
    bool linked = is_linked(exchange, feed, run);
    enum ingest_result result;
    struct identity_chain chain;
    struct entry_head rank;
    int code = check_branch(feed, run, first > 1 ? feed_certificate_at(feed, first - 1) : 0, &chain,
                            &rank, error);
    int order = code ? 0 : entry_head_rank(&rank, &feed->head);

    if (code)
        return INGEST_REFUSED;
    if (order > 0 && linked) {
        result = win(exchange, feed, run, other, kept, &chain, &rank, added, error);
    } else if (feed->frozen && order >= 0) {
        error_set(error, ERROR_FROZEN, "the feed is frozen: it is forked");
        result = INGEST_FROZEN;
    } else if (known < run->kept || order > 0) {
        error_set(error, ERROR_FORK,
                  "the feed is forked at No. %llu: two signed entries stand there",
                  (unsigned long long)other->seq);
        result = INGEST_DIVERGED; /* ask for the one at our head, or where the two part */
    } else {
        result = dispute(exchange, feed, run, other, kept, order, error);
    }
    identity_chain_finish(&chain);
    return result;
}

/* The newest entry of the run that we have, too, must be the same as ours: the chain then vouches
 * for all before it. */
static enum ingest_result compare_known(struct exchange *exchange, struct feed *feed,
                                        struct entry_run *run, size_t known, uint64_t *added,
                                        struct error *error)
{
    struct entry *last = &run->entries[known - 1];
    struct one_entry kept = {0};
    enum ingest_result result = INGEST_KNOWN;

    if (last->seq == feed->head.seq && id_equal(&last->hash, &feed->head.hash) && !feed->missing)
        return INGEST_KNOWN;
    if (read_one(exchange, feed, last->seq, &kept, error)) {
        exchange_break(exchange, error);
        result = INGEST_FAILED;
    } else if (kept.found && !id_equal(&kept.hash, &last->hash)) {
        result = contradict(exchange, feed, run, known, &kept, added, error);
    } else if (feed->missing) {
        for (size_t i = 0; i < known; i++)
            if (run->entries[i].has_content)
                ingest_late_content(exchange, feed, &run->entries[i]);
    }
    buffer_finish(&kept.bytes);
    return result;
}

bool ingest_late_content(struct exchange *exchange, struct feed *feed, const struct entry *entry)
{
    const struct store *store = &exchange->config.store;
    struct one_entry kept = {0};
    struct error error;
    bool same;
    int code = read_one(exchange, feed, entry->seq, &kept, &error);

    same = kept.found && !kept.has_content && !kept.erased && id_equal(&kept.hash, &entry->hash);
    buffer_finish(&kept.bytes);
    if (!code && !same)
        return false;
    if (!code)
        code = store->operations->put_content(store->self, &feed->id, entry->seq, entry->salt,
                                              entry->content, exchange_wall(exchange), &error);
    if (code) {
        exchange_break(exchange, &error);
        return false;
    }
    ingest_mark_changed(exchange, feed);
    feed_set_missing(exchange, feed, feed->missing - 1);
    feed_learn(feed, entry->content_type, entry->seq, entry->created_ms, entry->content);
    return true;
}

/* --- a run --------------------------------------------------------------------------------------
 */

static bool ends_with_certificate(const struct entry_run *run)
{
    return entry_is_certificate(&run->entries[run->kept - 1]);
}

static int check_limits(const struct feed *feed, const struct entry_run *run, struct error *error)
{
    if (ends_with_certificate(run) && feed->head.certificate >= LIMIT_CERTIFICATES)
        return error_set(error, ERROR_TOO_LARGE,
                         "No. %llu carries certificate %llu, expected at most %d in a feed",
                         (unsigned long long)run->entries[run->kept - 1].seq,
                         (unsigned long long)feed->head.certificate + 1, LIMIT_CERTIFICATES);
    if (ends_with_certificate(run) &&
        run->entries[run->kept - 1].content.size > LIMIT_SIGNED_CERTIFICATE_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "No. %llu carries a certificate of %zu bytes, expected at most %d",
                         (unsigned long long)run->entries[run->kept - 1].seq,
                         run->entries[run->kept - 1].content.size, LIMIT_SIGNED_CERTIFICATE_SIZE);
    return ERROR_NONE;
}

/* It ends with another certificate than the one that we know ahead: the one of the higher rank
 * counts. */
static int take_other_chain(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                            struct error *error)
{
    struct entry_head known = branch_of_chain(&feed->chain, feed->chain.count), rank;
    struct identity_chain chain;
    struct error why;
    int code = check_branch(feed, run, feed->head.certificate, &chain, &rank, &why);

    if (!code && entry_head_rank(&rank, &known) > 0) {
        code = branch_take_chain(exchange, feed, &chain, error);
        if (code)
            exchange_break(exchange, error);
    } else {
        code = ERROR_FORK;
    }
    identity_chain_finish(&chain);
    return code;
}

static int check_run(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                     bool checked, struct error *error)
{
    int code = check_limits(feed, run, error);

    /* What was checked elsewhere was checked with the certificate in force at our head, or again
     * here: the keyring may have been behind. */
    if (code || checked)
        return code;
    code = entry_run_check(run, &feed->chain, feed->head.certificate, error);
    return code == ERROR_FORK && feed->head.certificate
               ? take_other_chain(exchange, feed, run, error)
               : code;
}

/* A new certificate behind our head has chosen our branch, and none of a higher rank is known. */
static int thaw(struct exchange *exchange, struct feed *feed, struct error *error)
{
    const struct store *store = &exchange->config.store;
    int code = store->operations->put_frozen(store->self, &feed->id, false, error);

    if (!code)
        feed->frozen = false;
    catchup_moved(exchange, feed);
    return code;
}

static enum ingest_result check_and_append(struct exchange *exchange, struct feed *feed,
                                           struct entry_run *run, size_t known, bool checked,
                                           struct error *error)
{
    struct entry_head before = feed->head;
    int code = check_run(exchange, feed, run, checked, error);

    if (code)
        return exchange->broken ? INGEST_FAILED : INGEST_REFUSED;
    if (!id_equal(&run->entries[known].previous, &feed->head.hash)) {
        error_set(error, ERROR_BROKEN_CHAIN,
                  "No. %llu does not follow the No. %llu that is held here",
                  (unsigned long long)run->entries[known].seq, (unsigned long long)feed->head.seq);
        return feed->frozen ? INGEST_FROZEN : INGEST_DIVERGED;
    }
    code = ingest_append(exchange, feed, run->entries + known, run->kept - known, error);
    if (!code && feed->frozen && entry_head_rank(&feed->head, &before) > 0 &&
        !branch_is_proven(feed))
        code = thaw(exchange, feed, error);
    if (code) {
        exchange_break(exchange, error);
        return INGEST_FAILED;
    }
    return INGEST_ADDED;
}

enum ingest_result ingest_run(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                              bool checked, uint64_t certificate, uint64_t *added,
                              struct error *error)
{
    uint64_t first = run->entries[0].seq;
    enum ingest_result result = INGEST_KNOWN;
    size_t known;

    *added = 0;
    if (feed == exchange->own && exchange_flush(exchange, error))
        return INGEST_FAILED;
    if (first > feed->head.seq + 1)
        return INGEST_GAP;
    known = (size_t)(feed->head.seq + 1 - first);
    if (known > run->kept)
        known = run->kept;
    if (known)
        result = compare_known(exchange, feed, run, known, added, error);
    if (result != INGEST_KNOWN || known == run->kept)
        return result;
    if (feed->frozen && !ends_with_certificate(run) && !feed->chosen) {
        error_set(error, ERROR_FROZEN, "the feed is frozen: it is forked");
        return INGEST_FROZEN;
    }
    /* Only where the check started at our head is its certificate the one in force there; and the
     * next certificate may have been learned since, by another way. */
    checked = checked && certificate == feed->head.certificate && !ends_with_certificate(run);
    result = check_and_append(exchange, feed, run, known, checked, error);
    if (result == INGEST_ADDED)
        *added = run->kept - known;
    return result;
}
