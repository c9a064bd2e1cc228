/* What status tells of an exchange. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

static int by_handle(const void *a, const void *b)
{
    const struct feed *left = *(struct feed *const *)a, *right = *(struct feed *const *)b;
    int order = strcmp(feed_handle(left), feed_handle(right));

    return order ? order : id_compare(&left->id, &right->id);
}

static void fill_partner(struct exchange_feed_state *state, const struct partner *partner)
{
    state->partner = true;
    state->relay = partner->relay;
    memcpy(state->links, partner->links, sizeof state->links);
    state->exchanging = partner->session && partner->greeted && partner->heads_done;
    state->clock_known = partner->clock_known;
    state->clock_skew_ms = partner->clock_skew_ms;
    memcpy(state->trouble, partner->trouble, sizeof state->trouble);
}

static void fill_state(const struct exchange *exchange, const struct feed *feed,
                       struct exchange_feed_state *state)
{
    *state = (struct exchange_feed_state){
        .feed = feed->id,
        .profile = feed->profile,
        .head = feed->head,
        .missing = feed->missing,
        .quarantined = feed->quarantined,
        .frozen = feed->frozen,
        .own = feed == exchange->own,
        .stated_seq = feed->stated.seq,
        .as_of_ms = feed->as_of_ms,
        .received_known = feed->received_known,
        .received_seq = coverage_received_seq(exchange, feed),
        .received_missing = feed->received_missing,
        .received_newest =
            feed->received_known && entry_head_rank(&feed->received, &exchange->own->head) >= 0,
        .received_ms = feed->received_ms};
    snprintf(state->handle, sizeof state->handle, "%s",
             state->own ? exchange_own_handle(exchange) : feed_handle(feed));
    if (feed->profile && feed->profile->country)
        snprintf(state->country, sizeof state->country, "%s", feed->profile->country);
    if (feed->partner)
        fill_partner(state, feed->partner);
}

void exchange_feeds(const struct exchange *exchange,
                    void (*visit)(void *context, const struct exchange_feed_state *state),
                    void *context)
{
    struct feed **feeds = calloc(exchange->feeds.count, sizeof *feeds), *feed;
    struct exchange_feed_state state;
    size_t at = 0, count = 0;

    if (!feeds)
        return;
    while ((feed = map_next(&exchange->feeds, &at)))
        if (feed != exchange->own)
            feeds[count++] = feed;
    qsort(feeds, count, sizeof *feeds, by_handle);
    fill_state(exchange, exchange->own, &state);
    visit(context, &state);
    for (size_t i = 0; i < count; i++) {
        fill_state(exchange, feeds[i], &state);
        visit(context, &state);
    }
    free(feeds);
}

const char *exchange_own_handle(const struct exchange *exchange)
{
    const char *handle = feed_handle(exchange->own);

    return *handle ? handle : exchange->handle;
}

uint64_t exchange_changes(const struct exchange *exchange)
{
    return exchange->changes;
}
