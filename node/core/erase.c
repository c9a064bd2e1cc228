/* Orders to erase contents, and what follows from them here. PROTOCOL.md, Erasure. */
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "node/core/state.h"
#include "node/core/view.h"

#define ERASURE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE
/* A value of the store: it is there once the orders that stood in the ledger before this version
 * could read them have been carried out. */
#define CARRIED_OUT "erasures"

/* --- reading orders ----------------------------------------------------------------------------
 */

void erase_list_finish(struct erase_list *list)
{
    free(list->orders);
    *list = (struct erase_list){0};
}

static bool add(struct erase_list *list, uint64_t seq, uint64_t by)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct store_erasure *orders = realloc(list->orders, capacity * sizeof *orders);

        if (!orders)
            return false;
        list->orders = orders;
        list->capacity = capacity;
    }
    list->orders[list->count++] = (struct store_erasure){seq, by};
    return true;
}

/* An order that cannot be read names nothing. What it says of itself, or of what comes behind it,
 * is not heeded. */
static int read_order(const struct entry *entry, struct erase_list *list, struct error *error)
{
    const Caravan__Erasure *erasure;
    ProtobufCMessage *message;
    struct arena arena;
    int code;

    if (entry->content_type != ERASURE || !entry->has_content ||
        entry->min_reader > VIEW_SCHEMA_VERSION)
        return ERROR_NONE;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__erasure__descriptor, entry->content, &guard_limits_content,
                        &arena, &message, NULL);
    erasure = (const Caravan__Erasure *)message;
    for (size_t i = 0; !code && i < erasure->n_seq; i++)
        if (erasure->seq[i] && erasure->seq[i] < entry->seq &&
            !add(list, erasure->seq[i], entry->seq))
            code = ERROR_MEMORY;
    arena_finish(&arena);
    return code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
}

static int compare(const void *a, const void *b)
{
    const struct store_erasure *left = a, *right = b;

    if (left->seq != right->seq)
        return left->seq < right->seq ? -1 : 1;
    return left->by < right->by ? -1 : left->by > right->by;
}

/* In order of seq, and of several orders for one the first. */
static void put_in_order(struct erase_list *list)
{
    size_t kept = 0;

    if (!list->count)
        return;
    qsort(list->orders, list->count, sizeof *list->orders, compare);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->orders[kept - 1].seq != list->orders[i].seq)
            list->orders[kept++] = list->orders[i];
    list->count = kept;
}

int erase_list_read(struct erase_list *list, const struct entry *entries, size_t count,
                    struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; i < count && !code; i++)
        code = read_order(&entries[i], list, error);
    put_in_order(list);
    return code;
}

/* The first one that is not below seq. */
static size_t place_of(const struct erase_list *list, uint64_t seq)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->orders[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t erase_list_by(const struct erase_list *list, uint64_t seq)
{
    size_t place = place_of(list, seq);

    return place < list->count && list->orders[place].seq == seq ? list->orders[place].by : 0;
}

void erase_list_apply(const struct erase_list *list, struct store_entry *row)
{
    uint64_t by = list->count ? erase_list_by(list, row->entry.seq) : 0;

    if (!by || entry_content_is_permanent(row->entry.content_type))
        return;
    row->erased = by;
    row->entry.has_content = false;
    row->entry.salt = row->entry.content = span_of(NULL, 0);
}

/* --- carrying them out -------------------------------------------------------------------------
 */

int erase_carry_out(struct exchange *exchange, struct feed *feed, const struct erase_list *list,
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
    if (!feed->endpoints_from.seq || !erase_list_by(list, feed->endpoints_from.seq))
        return ERROR_NONE;
    *endpoints = true;
    return feed_learn_endpoints_again(exchange, feed, error);
}

/* --- orders from before ------------------------------------------------------------------------
 */

struct found_order {
    struct id feed;
    struct store_erasure order;
};

struct finding {
    struct found_order *orders;
    size_t count, capacity;
    struct error *error;
    int code;
};

static int keep_order(struct finding *finding, const struct id *feed, struct store_erasure order)
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
    struct erase_list list = {0};

    finding->code = erase_list_read(&list, &stored->entry, 1, finding->error);
    for (size_t i = 0; i < list.count && !finding->code; i++)
        finding->code = keep_order(finding, &stored->entry.feed, list.orders[i]);
    erase_list_finish(&list);
    return finding->code;
}

static int carry_out_one(struct exchange *exchange, const struct found_order *found,
                         struct error *error)
{
    struct erase_list list = {0};
    struct feed *feed = feed_find(exchange, &found->feed);
    bool endpoints = false;
    int code = ERROR_NONE;

    if (!feed)
        return ERROR_NONE;
    if (!add(&list, found->order.seq, found->order.by))
        code = error_memory(error);
    if (!code)
        code = erase_carry_out(exchange, feed, &list, &endpoints, error);
    erase_list_finish(&list);
    return code;
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
