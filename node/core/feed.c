#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/guard.h"
#include "node/core/state.h"

#define PROFILE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE
#define ENDPOINTS CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS

#define ENDPOINTS_MAX 8 /* of a kind; PROTOCOL.md, Card */

struct feed *feed_find(const struct exchange *exchange, const struct id *id)
{
    return map_get(&exchange->feeds, id);
}

struct feed *feed_get(struct exchange *exchange, const struct id *id, struct error *error)
{
    struct feed *feed = feed_find(exchange, id);

    if (feed)
        return feed;
    feed = calloc(1, sizeof *feed);
    if (!feed) {
        error_memory(error);
        return NULL;
    }
    feed->id = feed->head.feed = *id;
    if (identity_chain_init(&feed->chain, id, exchange->network, error) ||
        (!map_put(&exchange->feeds, id, feed) && error_memory(error))) {
        feed_destroy(feed);
        return NULL;
    }
    return feed;
}

static void forget_profile(struct feed *feed)
{
    if (feed->profile)
        caravan__profile__free_unpacked(feed->profile, NULL);
    if (feed->endpoints)
        caravan__endpoints__free_unpacked(feed->endpoints, NULL);
    feed->profile = NULL;
    feed->endpoints = NULL;
}

void feed_destroy(struct feed *feed)
{
    if (!feed)
        return;
    identity_chain_finish(&feed->chain);
    forget_profile(feed);
    buffer_finish(&feed->statement);
    free(feed->positions);
    free(feed->sources);
    free(feed->passed);
    free(feed);
}

const char *feed_handle(const struct feed *feed)
{
    return feed->profile && feed->profile->handle ? feed->profile->handle : "";
}

void feed_set_missing(struct exchange *exchange, struct feed *feed, uint64_t missing)
{
    exchange->incomplete += missing != 0;
    exchange->incomplete -= feed->missing != 0;
    feed->missing = missing;
}

int feed_set_position(struct feed *feed, uint64_t number, uint64_t seq, struct error *error)
{
    if (number > feed->position_count) {
        uint64_t *positions = realloc(feed->positions, (size_t)number * sizeof *positions);

        if (!positions)
            return error_memory(error);
        for (size_t i = feed->position_count; i < number; i++)
            positions[i] = 0;
        feed->positions = positions;
        feed->position_count = (size_t)number;
    }
    feed->positions[number - 1] = seq;
    return ERROR_NONE;
}

uint64_t feed_certificate_at(const struct feed *feed, uint64_t seq)
{
    uint64_t number = 0;

    for (size_t i = 0; i < feed->position_count; i++)
        if (feed->positions[i] && feed->positions[i] <= seq)
            number = i + 1;
    return number;
}

/* --- what a publisher says of itself ------------------------------------------------------------
 */

static bool country_is_plain(const char *country)
{
    return !country || (strlen(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' &&
                        country[1] >= 'A' && country[1] <= 'Z');
}

/* Is what this entry or card says newer than what is known? */
static bool is_newer(const struct learned *known, uint64_t seq, uint64_t created_ms)
{
    if (seq && known->seq)
        return seq >= known->seq;
    return created_ms >= known->created_ms;
}

static void learn_profile(struct feed *feed, struct learned from, struct span content)
{
    Caravan__Profile *profile = caravan__profile__unpack(NULL, content.size, content.data);

    /* A handle is typed and shown everywhere: one that breaks the rule is left unknown. */
    if (!profile || !profile->handle || !card_handle_is_valid(profile->handle) ||
        !country_is_plain(profile->country)) {
        if (profile)
            caravan__profile__free_unpacked(profile, NULL);
        return;
    }
    if (feed->profile)
        caravan__profile__free_unpacked(feed->profile, NULL);
    feed->profile = profile;
    feed->profile_from = from;
}

static bool are_endpoints(char *const *endpoints, size_t count)
{
    bool valid = count <= ENDPOINTS_MAX;

    for (size_t i = 0; i < count && valid; i++)
        valid = card_endpoint_is_valid(endpoints[i]);
    return valid;
}

static bool learn_endpoints(struct feed *feed, struct learned from, struct span content)
{
    Caravan__Endpoints *endpoints = caravan__endpoints__unpack(NULL, content.size, content.data);

    if (!endpoints)
        return false;
    /* They will be dialled: what is no address is not taken over. */
    if (!are_endpoints(endpoints->live, endpoints->n_live) ||
        !are_endpoints(endpoints->sync, endpoints->n_sync)) {
        caravan__endpoints__free_unpacked(endpoints, NULL);
        return false;
    }
    if (feed->endpoints)
        caravan__endpoints__free_unpacked(feed->endpoints, NULL);
    feed->endpoints = endpoints;
    feed->endpoints_from = from;
    return true;
}

bool feed_learn(struct feed *feed, uint32_t content_type, uint64_t seq, uint64_t created_ms,
                struct span content)
{
    const struct learned from = {seq, created_ms};

    if (content_type == PROFILE && is_newer(&feed->profile_from, seq, created_ms) &&
        guard_scan(&caravan__profile__descriptor, content, &guard_limits_content, NULL) == 0)
        learn_profile(feed, from, content);
    return content_type == ENDPOINTS && is_newer(&feed->endpoints_from, seq, created_ms) &&
           guard_scan(&caravan__endpoints__descriptor, content, &guard_limits_content, NULL) == 0 &&
           learn_endpoints(feed, from, content);
}

/* --- certificates -------------------------------------------------------------------------------
 */

int feed_take_certificate(struct exchange *exchange, struct feed *feed, struct span encoded,
                          struct error *error)
{
    size_t before = feed->chain.count;
    struct identity_certificate certificate;
    int code;

    if (encoded.size > LIMIT_SIGNED_CERTIFICATE_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "SignedCertificate: found %zu bytes, expected at most %d", encoded.size,
                         LIMIT_SIGNED_CERTIFICATE_SIZE);
    if (before >= LIMIT_CERTIFICATES &&
        identity_chain_check(&feed->chain, encoded, &certificate, NULL) == ERROR_NONE)
        return error_set(error, ERROR_TOO_LARGE,
                         "certificate %d is the last one that a feed may have", LIMIT_CERTIFICATES);
    code = identity_chain_append(&feed->chain, encoded, error);
    if (feed->chain.count > before)
        exchange->certificates_new = exchange->wrote = true;
    return code;
}

/* Ours with these in it, each where its number says. */
static int merge_certificates(const struct feed *feed, const struct span *encoded, size_t count,
                              struct identity_chain *out, struct error *error)
{
    int code = identity_chain_copy(&feed->chain, out, error);

    if (code)
        return code;
    for (size_t i = 0; i < count && !code; i++)
        code = encoded[i].size > LIMIT_SIGNED_CERTIFICATE_SIZE || out->count > LIMIT_CERTIFICATES
                   ? error_set(error, ERROR_TOO_LARGE, "the certificates are too large or too many")
                   : identity_chain_replace(out, encoded[i], error);
    if (code)
        identity_chain_finish(out);
    return code;
}

/* They contradict ours. */
static int take_others(struct exchange *exchange, struct feed *feed, const struct span *encoded,
                       size_t count, const struct error *fork, struct error *error)
{
    struct entry_head ours = branch_of_chain(&feed->chain, feed->chain.count), theirs;
    struct identity_chain merged;
    int code = merge_certificates(feed, encoded, count, &merged, error);

    if (code)
        return code;
    theirs = branch_of_chain(&merged, merged.count);
    if (merged.count > LIMIT_CERTIFICATES || entry_head_rank(&theirs, &ours) <= 0 ||
        identity_chain_common(&feed->chain, &merged) == 0) {
        if (error)
            *error = *fork;
        code = ERROR_FORK;
    } else {
        code = branch_take_chain(exchange, feed, &merged, error);
    }
    identity_chain_finish(&merged);
    return code;
}

int feed_take_certificates(struct exchange *exchange, struct feed *feed, const struct span *encoded,
                           size_t count, struct error *error)
{
    struct error why = {0};
    int code = ERROR_NONE;

    for (size_t i = 0; i < count && !code; i++)
        code = feed_take_certificate(exchange, feed, encoded[i], &why);
    if (code == ERROR_FORK)
        return take_others(exchange, feed, encoded, count, &why, error);
    if (code && error)
        *error = why;
    return code;
}

int feed_take_messages(struct exchange *exchange, struct feed *feed,
                       const Caravan__Certificates *certificates, struct error *error)
{
    size_t count = certificates->n_certificates, packed = 0;
    struct span encoded[LIMIT_CERTIFICATES] = {{0}};
    struct buffer bytes[LIMIT_CERTIFICATES] = {{0}};
    int code = ERROR_NONE;

    /* Not more than a feed may have: each can cost a signature check, known ones, too. */
    for (; packed < count && packed < LIMIT_CERTIFICATES && !code; packed++) {
        if (!fields_pack(&certificates->certificates[packed]->base, &bytes[packed]))
            code = error_memory(error);
        encoded[packed] = buffer_span(&bytes[packed]);
    }
    if (!code)
        code = feed_take_certificates(exchange, feed, encoded, packed, error);
    if (!code && count > LIMIT_CERTIFICATES)
        code = error_set(error, ERROR_TOO_LARGE,
                         "certificates: found %zu in one message, expected at most %d", count,
                         LIMIT_CERTIFICATES);
    for (size_t i = 0; i < packed; i++)
        buffer_finish(&bytes[i]);
    return code;
}

static int put_missing_certificates(struct exchange *exchange, struct feed *feed,
                                    struct error *error)
{
    const struct store *store = &exchange->config.store;
    int code = ERROR_NONE;

    for (size_t i = feed->stored_certificates; i < feed->chain.count && !code; i++) {
        struct store_certificate row = {i + 1, 0, buffer_span(&feed->chain.encoded[i])};

        code = store->operations->put_certificate(store->self, &feed->id, &row, error);
    }
    return code;
}

void feed_put_certificates(struct exchange *exchange)
{
    struct feed *feed;
    struct error error;
    size_t at = 0;

    if (!exchange->certificates_new || exchange->broken)
        return;
    while ((feed = map_next(&exchange->feeds, &at)))
        if (put_missing_certificates(exchange, feed, &error)) {
            exchange_break(exchange, &error);
            return;
        }
    exchange->wrote = true;
}

void feed_certificates_are_stored(struct exchange *exchange)
{
    struct feed *feed;
    size_t at = 0;

    if (!exchange->certificates_new)
        return;
    while ((feed = map_next(&exchange->feeds, &at)))
        feed->stored_certificates = feed->chain.count;
    exchange->certificates_new = false;
}

/* --- loading ------------------------------------------------------------------------------------
 */

struct loading {
    struct exchange *exchange;
    struct feed *feed;
    struct error *error;
    int code;
};

static int load_certificate(void *context, const struct store_certificate *certificate)
{
    struct loading *loading = context;

    /* Others that were to take its place could not be stored: it stands. */
    loading->code =
        identity_chain_replace(&loading->feed->chain, certificate->encoded, loading->error);
    if (!loading->code && certificate->number > loading->feed->stored_certificates)
        loading->feed->stored_certificates = (size_t)certificate->number;
    if (!loading->code && certificate->seq)
        loading->code =
            feed_set_position(loading->feed, certificate->number, certificate->seq, loading->error);
    return loading->code;
}

static int take_row(struct exchange *exchange, struct feed *feed, const struct store_feed *row,
                    struct error *error)
{
    struct loading loading = {exchange, feed, error, 0};
    int code;

    feed->head = row->head;
    feed_set_missing(exchange, feed, row->missing);
    feed->quarantined = row->quarantined;
    feed->frozen = row->frozen;
    if (row->statement_ms > feed->as_of_ms && row->statement.size) {
        buffer_clear(&feed->statement);
        if (!buffer_append(&feed->statement, row->statement.data, row->statement.size))
            return error_memory(error);
        feed->as_of_ms = row->statement_ms;
    }
    feed->stored_certificates = 0;
    if (feed->position_count)
        memset(feed->positions, 0, feed->position_count * sizeof *feed->positions);
    code = exchange->config.store.operations->certificates(exchange->config.store.self, &feed->id,
                                                           load_certificate, &loading, error);
    if (code || loading.code)
        return code ? code : loading.code;
    if (feed->stored_certificates < feed->chain.count)
        exchange->certificates_new = true;
    if (feed->statement.size)
        entry_head_check(buffer_span(&feed->statement), &feed->chain, &feed->stated,
                         &feed->as_of_ms, NULL);
    return ERROR_NONE;
}

int feed_publish_keys(struct exchange *exchange, struct feed *feed, struct error *error)
{
    return keyring_set(exchange->config.keyring, &feed->chain, feed->head.certificate, error);
}

int feed_load(struct exchange *exchange, struct feed *feed, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct store_feed row;
    int code = store->operations->get_feed(store->self, &feed->id, &row, error);

    if (code == ERROR_NOT_FOUND) {
        row = (struct store_feed){.head.feed = feed->id};
        code = ERROR_NONE;
    }
    if (!code)
        code = take_row(exchange, feed, &row, error);
    if (!code)
        code = feed_publish_keys(exchange, feed, error);
    return code;
}

static int collect(void *context, const struct store_feed *row)
{
    struct loading *loading = context;
    struct feed *feed = feed_get(loading->exchange, &row->head.feed, loading->error);

    loading->code = feed ? 0 : ERROR_MEMORY;
    return loading->code;
}

static int learn_entry(void *context, const struct store_entry *entry)
{
    struct exchange *exchange = context;
    struct feed *feed = feed_find(exchange, &entry->entry.feed);

    if (feed && entry->entry.has_content)
        feed_learn(feed, entry->entry.content_type, entry->entry.seq, entry->entry.created_ms,
                   entry->entry.content);
    return 0;
}

/* Whoever publishes so many in a row that nobody can use has none. */
#define LEARN_MAX 1000

struct learning {
    struct feed *feed;
    unsigned left;
};

/* Until one was taken: those before it are older. */
static int learn_one(void *context, const struct store_entry *entry)
{
    struct learning *learning = context;
    struct feed *feed = learning->feed;
    uint64_t seq = entry->entry.seq;

    if (entry->entry.has_content)
        feed_learn(feed, entry->entry.content_type, seq, entry->entry.created_ms,
                   entry->entry.content);
    return --learning->left == 0 ||
           (entry->entry.content_type == PROFILE ? feed->profile_from.seq
                                                 : feed->endpoints_from.seq) == seq;
}

int feed_learn_again(struct exchange *exchange, struct feed *feed, struct error *error)
{
    const struct store *store = &exchange->config.store;
    const struct partner *partner = feed->partner;
    int code;

    forget_profile(feed);
    feed->profile_from = feed->endpoints_from = (struct learned){0};
    if (partner) {
        feed_learn(feed, PROFILE, 0, partner->card_ms, buffer_span(&partner->card_profile));
        feed_learn(feed, ENDPOINTS, 0, partner->card_ms, buffer_span(&partner->card_endpoints));
    }
    code = store->operations->newest(store->self, &feed->id, PROFILE, learn_one,
                                     &(struct learning){feed, LEARN_MAX}, error);
    if (!code)
        code = store->operations->newest(store->self, &feed->id, ENDPOINTS, learn_one,
                                         &(struct learning){feed, LEARN_MAX}, error);
    return code;
}

int feed_load_all(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct loading loading = {exchange, NULL, error, 0};
    struct feed *feed;
    size_t at = 0;
    int code;

    /* Arrival by arrival, so that a later profile replaces an earlier one. */
    code = store->operations->feeds(store->self, 0, true, SIZE_MAX, collect, &loading, error);
    if (code || loading.code)
        return code ? code : loading.code;
    while ((feed = map_next(&exchange->feeds, &at))) {
        code = feed_load(exchange, feed, error);
        if (code)
            return code;
    }
    return store->operations->arrivals(store->self, 0, STORE_TYPE(PROFILE) | STORE_TYPE(ENDPOINTS),
                                       learn_entry, exchange, error);
}
