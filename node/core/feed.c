#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "node/core/state.h"

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
    free(feed);
}

const char *feed_handle(const struct feed *feed)
{
    return feed->profile && feed->profile->handle ? feed->profile->handle : "";
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

static void learn_profile(struct feed *feed, uint64_t created_ms, struct span content)
{
    Caravan__Profile *profile = caravan__profile__unpack(NULL, content.size, content.data);

    /* A handle is typed and shown everywhere: one that breaks the rule is left unknown. */
    if (!profile || !profile->handle || !card_handle_is_valid(profile->handle)) {
        if (profile)
            caravan__profile__free_unpacked(profile, NULL);
        return;
    }
    if (feed->profile)
        caravan__profile__free_unpacked(feed->profile, NULL);
    feed->profile = profile;
    feed->profile_ms = created_ms;
}

static bool learn_endpoints(struct feed *feed, uint64_t created_ms, struct span content)
{
    Caravan__Endpoints *endpoints = caravan__endpoints__unpack(NULL, content.size, content.data);

    if (!endpoints)
        return false;
    if (feed->endpoints)
        caravan__endpoints__free_unpacked(feed->endpoints, NULL);
    feed->endpoints = endpoints;
    feed->endpoints_ms = created_ms;
    return true;
}

bool feed_learn(struct feed *feed, uint32_t content_type, uint64_t created_ms, struct span content)
{
    if (content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE &&
        created_ms >= feed->profile_ms &&
        guard_scan(&caravan__profile__descriptor, content, &guard_limits_content, NULL) == 0)
        learn_profile(feed, created_ms, content);
    return content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS &&
           created_ms >= feed->endpoints_ms &&
           guard_scan(&caravan__endpoints__descriptor, content, &guard_limits_content, NULL) == 0 &&
           learn_endpoints(feed, created_ms, content);
}

struct loading {
    struct exchange *exchange;
    struct feed *feed;
    struct error *error;
    int code;
};

static int load_certificate(void *context, const struct store_certificate *certificate)
{
    struct loading *loading = context;

    loading->code =
        identity_chain_append(&loading->feed->chain, certificate->encoded, loading->error);
    if (!loading->code && certificate->seq)
        loading->code =
            feed_set_position(loading->feed, certificate->number, certificate->seq, loading->error);
    return loading->code;
}

static int take_row(struct exchange *exchange, struct feed *feed, const struct store_feed *row,
                    struct error *error)
{
    struct loading loading = {exchange, feed, error, 0};
    struct identity_chain chain;
    int code;

    feed->head = row->head;
    feed->missing = row->missing;
    feed->frozen = row->frozen;
    if (row->statement_ms > feed->as_of_ms && row->statement.size) {
        buffer_clear(&feed->statement);
        if (!buffer_append(&feed->statement, row->statement.data, row->statement.size))
            return error_memory(error);
        feed->as_of_ms = row->statement_ms;
    }
    code = identity_chain_init(&chain, &feed->id, exchange->network, error);
    if (code)
        return code;
    identity_chain_finish(&feed->chain);
    feed->chain = chain;
    if (feed->position_count)
        memset(feed->positions, 0, feed->position_count * sizeof *feed->positions);
    code = exchange->config.store.operations->certificates(exchange->config.store.self, &feed->id,
                                                           load_certificate, &loading, error);
    if (code || loading.code)
        return code ? code : loading.code;
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
        feed_learn(feed, entry->entry.content_type, entry->entry.created_ms, entry->entry.content);
    return 0;
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
    return store->operations->arrivals(
        store->self, 0,
        STORE_TYPE(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE) |
            STORE_TYPE(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS),
        learn_entry, exchange, error);
}
