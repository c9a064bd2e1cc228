/* Orders to erase contents, and what follows from them here. PROTOCOL.md, Erasure. */
#include <stdlib.h>

#include "node/core/state.h"

#define ERASURE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE
/* A value of the store: it is there once the orders have been carried out that an older version had
 * kept without reading them. */
#define CARRIED_OUT "erasures"

void erase_apply(const struct erasure_list *list, struct store_entry *row)
{
    uint64_t by = list->count ? erasure_list_by(list, row->entry.seq) : 0;

    if (!by || entry_content_is_permanent(row->entry.content_type))
        return;
    row->erased = by;
    row->entry.has_content = false;
    row->entry.salt = row->entry.content = span_of(NULL, 0);
}

/* --- carrying them out -------------------------------------------------------------------------
 */

int erase_carry_out(struct exchange *exchange, struct feed *feed, const struct erasure_list *list,
                    bool *endpoints, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct store_feed row;
    size_t erased = 0;
    int code;

    if (!list->count)
        return ERROR_NONE;
    code =
        store->operations->erase(store->self, &feed->id, list->orders, list->count, &erased, error);
    if (code || !erased)
        return code;
    ingest_mark_changed(exchange, feed);
    code = store->operations->get_feed(store->self, &feed->id, &row, error);
    if (code)
        return code;
    feed_set_missing(exchange, feed, row.missing);
    if (!feed->endpoints_from.seq || !erasure_list_by(list, feed->endpoints_from.seq))
        return ERROR_NONE;
    *endpoints = true;
    return feed_learn_again(exchange, feed, error);
}

/* --- orders from before ------------------------------------------------------------------------
 */

struct found_order {
    struct id feed;
    struct erasure_order order;
};

struct finding {
    struct found_order *orders;
    size_t count, capacity;
    struct error *error;
    int code;
};

static int keep_order(struct finding *finding, const struct id *feed, struct erasure_order order)
{
    if (finding->count == finding->capacity) {
        size_t capacity = finding->capacity ? finding->capacity * 2 : 64;
        struct found_order *orders = realloc(finding->orders, capacity * sizeof *orders);

        if (!orders)
            return error_memory(finding->error);
        finding->orders = orders;
        finding->capacity = capacity;
    }
    finding->orders[finding->count++] = (struct found_order){*feed, order};
    return ERROR_NONE;
}

static int find_orders(void *context, const struct store_entry *stored)
{
    struct finding *finding = context;
    struct erasure_list list = {0};

    finding->code = erasure_list_read(&list, &stored->entry, 1, finding->error);
    for (size_t i = 0; i < list.count && !finding->code; i++)
        finding->code = keep_order(finding, &stored->entry.feed, list.orders[i]);
    erasure_list_finish(&list);
    return finding->code;
}

static int carry_out_one(struct exchange *exchange, const struct found_order *found,
                         struct error *error)
{
    struct erasure_order order = found->order;
    const struct erasure_list list = {&order, 1, 0};
    struct feed *feed = feed_find(exchange, &found->feed);
    bool endpoints = false;

    if (!feed)
        return ERROR_NONE;
    return erase_carry_out(exchange, feed, &list, &endpoints, error);
}

int erase_load(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct finding finding = {.error = error};
    struct buffer value = {0};
    int code = store->operations->get_value(store->self, CARRIED_OUT, &value, error);

    buffer_finish(&value);
    if (code != ERROR_NOT_FOUND)
        return code;
    error_clear(error);
    code = store->operations->arrivals(store->self, 0, STORE_TYPE(ERASURE), find_orders, &finding,
                                       error);
    if (!code)
        code = finding.code;
    for (size_t i = 0; i < finding.count && !code; i++)
        code = carry_out_one(exchange, &finding.orders[i], error);
    free(finding.orders);
    exchange->wrote = true;
    return code
               ? code
               : store->operations->put_value(store->self, CARRIED_OUT, span_of_text("all"), error);
}
