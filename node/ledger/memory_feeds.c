#include "node/ledger/memory_feeds.h"

#include <stdlib.h>
#include <string.h>

#include "node/ledger/rules.h"

/* Makes room for `need` elements; false when memory runs out. */
static bool grow(void **array, size_t *capacity, size_t need, size_t size)
{
    size_t wanted = *capacity ? *capacity : 16;
    void *larger;

    if (need <= *capacity)
        return true;
    while (wanted < need)
        wanted *= 2;
    larger = realloc(*array, wanted * size);
    if (!larger)
        return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

/* --- feeds ------------------------------------------------------------------------------------ */

static size_t feed_index(const struct memory_ledger *ledger, const struct id *id)
{
    size_t low = 0, high = ledger->feed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (id_compare(&ledger->feeds[middle]->now.head.feed, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct memory_feed *feed_find(const struct memory_ledger *ledger, const struct id *id)
{
    size_t index = feed_index(ledger, id);

    if (index == ledger->feed_count || !id_equal(&ledger->feeds[index]->now.head.feed, id))
        return NULL;
    return ledger->feeds[index];
}

/* What this store may see of a feed; NULL: nothing yet. */
static const struct store_feed *feed_view(const struct memory_store *store,
                                          const struct memory_feed *feed)
{
    if (store->writer || !feed->changed)
        return &feed->now;
    return feed->was_there ? &feed->old : NULL;
}

static void feed_touch(struct memory_feed *feed)
{
    if (feed->changed)
        return;
    feed->changed = feed->was_there = true;
    feed->old = feed->now;
}

/* The feed, made when it is new, and ready to be changed. NULL when memory runs out. */
static struct memory_feed *feed_take(struct memory_ledger *ledger, const struct id *id)
{
    struct memory_feed *feed = feed_find(ledger, id);
    size_t index = feed_index(ledger, id);

    if (feed) {
        feed_touch(feed);
        return feed;
    }
    if (!grow((void **)&ledger->feeds, &ledger->feed_capacity, ledger->feed_count + 1,
              sizeof(struct memory_feed *)))
        return NULL;
    feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->now.head.feed = *id;
    feed->changed = true;
    memmove(ledger->feeds + index + 1, ledger->feeds + index,
            (ledger->feed_count - index) * sizeof(struct memory_feed *));
    ledger->feeds[index] = feed;
    ledger->feed_count++;
    return feed;
}

static void statement_free(struct span statement, struct span kept)
{
    if (statement.data != kept.data)
        free((void *)(uintptr_t)statement.data);
}

static void entry_destroy(struct memory_entry *entry)
{
    free(entry->late);
    free(entry->block);
    free(entry);
}

static void feed_destroy(struct memory_feed *feed)
{
    for (uint64_t i = 0; i < feed->now.head.seq; i++)
        entry_destroy(feed->entries[i]);
    for (size_t i = 0; i < feed->aside_count; i++)
        entry_destroy(feed->aside[i]);
    free(feed->entries);
    free(feed->aside);
    statement_free(feed->now.statement, span_of(NULL, 0));
    free(feed);
}

void memory_feeds_finish(struct memory_ledger *ledger)
{
    for (size_t i = 0; i < ledger->feed_count; i++)
        feed_destroy(ledger->feeds[i]);
    free(ledger->feeds);
    free(ledger->arrivals);
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct span copy_span(uint8_t **to, struct span from)
{
    struct span copy = {*to, from.size};

    if (from.size)
        memcpy(*to, from.data, from.size);
    *to += from.size;
    return copy;
}

static struct memory_entry *entry_copy(const struct store_entry *from)
{
    struct span none = {0};
    struct span signature = from->entry.signature_checked ? from->entry.signature : none;
    struct span salt = from->entry.has_content ? from->entry.salt : none;
    struct span content = from->entry.has_content ? from->entry.content : none;
    struct memory_entry *entry = calloc(1, sizeof *entry);
    uint8_t *block = malloc(from->entry.bytes.size + signature.size + salt.size + content.size + 1);

    if (!entry || !block) {
        free(entry);
        free(block);
        return NULL;
    }
    entry->block = block;
    entry->stored = *from;
    entry->stored.seal = NULL;
    entry->stored.entry.bytes = copy_span(&block, from->entry.bytes);
    entry->stored.entry.signature = copy_span(&block, signature);
    entry->stored.entry.salt = copy_span(&block, salt);
    entry->stored.entry.content = copy_span(&block, content);
    return entry;
}

/* What this store may see of an entry that it may see. */
static struct store_entry entry_view(const struct memory_store *store,
                                     const struct memory_entry *entry)
{
    return !store->writer && entry->changed ? entry->old : entry->stored;
}

static void entry_touch(struct memory_entry *entry)
{
    if (entry->changed)
        return;
    entry->changed = true;
    entry->old = entry->stored;
    entry->old_late = entry->late;
}

/* Room for it was made before. */
static void take_arrival(struct memory_ledger *ledger, struct memory_feed *feed,
                         struct memory_entry *entry)
{
    ledger->arrivals[ledger->arrival_count++] = (struct memory_arrival){feed, entry};
    feed->now.head_arrival = ledger->arrival_count;
    if (entry)
        entry->stored.arrival = ledger->arrival_count;
}

static void feed_add(struct memory_ledger *ledger, struct memory_feed *feed,
                     struct memory_entry *entry)
{
    take_arrival(ledger, feed, entry);
    feed->entries[feed->now.head.seq] = entry;
    rules_follow(&feed->now, &entry->stored);
}

int memory_feeds_append(void *self, struct store_entry *entries, size_t count, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;
    struct entry_head nothing = {0};
    struct memory_feed *feed;
    int rc = memory_ledger_writable(store, error);

    if (rc || count == 0)
        return rc;
    feed = feed_find(ledger, &entries[0].entry.feed);
    nothing.feed = entries[0].entry.feed;
    rc = rules_check_order(feed ? &feed->now.head : &nothing, entries, count, error);
    if (rc)
        return rc;
    feed = feed_take(ledger, &entries[0].entry.feed);
    if (!feed ||
        !grow((void **)&feed->entries, &feed->capacity, feed->now.head.seq + count,
              sizeof(struct memory_entry *)) ||
        !grow((void **)&ledger->arrivals, &ledger->arrival_capacity, ledger->arrival_count + count,
              sizeof *ledger->arrivals))
        return memory_ledger_failed(store, error);
    for (size_t i = 0; i < count; i++) {
        struct memory_entry *entry = entry_copy(&entries[i]);

        if (!entry)
            return memory_ledger_failed(store, error);
        feed_add(ledger, feed, entry);
        entries[i].arrival = entry->stored.arrival;
    }
    return ERROR_NONE;
}

/* The writer's view of a kept entry and its feed; NULL: not kept. */
static struct memory_entry *entry_find(const struct memory_ledger *ledger, const struct id *feed_id,
                                       uint64_t seq, struct memory_feed **feed)
{
    *feed = feed_find(ledger, feed_id);
    return *feed && seq && seq <= (*feed)->now.head.seq ? (*feed)->entries[seq - 1] : NULL;
}

int memory_feeds_content(void *self, const struct id *feed_id, uint64_t seq, struct span salt,
                         struct span content, uint64_t received_ms, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;
    struct memory_feed *feed;
    struct memory_entry *entry;
    uint8_t *late;
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    entry = entry_find(ledger, feed_id, seq, &feed);
    if (!entry)
        return rules_no_entry(seq, error);
    if (entry->stored.entry.has_content)
        return rules_has_content(seq, error);
    if (entry->stored.erased)
        return rules_is_erased(seq, entry->stored.erased, error);
    late = malloc(salt.size + content.size + 1);
    if (!late || !grow((void **)&ledger->arrivals, &ledger->arrival_capacity,
                       ledger->arrival_count + 1, sizeof *ledger->arrivals)) {
        free(late);
        return memory_ledger_failed(store, error);
    }
    feed_touch(feed);
    entry_touch(entry);
    if (entry->late != entry->old_late)
        free(entry->late);
    entry->late = late;
    entry->stored.received_ms = received_ms;
    entry->stored.entry.has_content = true;
    entry->stored.entry.salt = copy_span(&late, salt);
    entry->stored.entry.content = copy_span(&late, content);
    take_arrival(ledger, feed, entry);
    feed->now.missing--;
    return ERROR_NONE;
}

static void erase_one(struct memory_ledger *ledger, struct memory_feed *feed,
                      struct memory_entry *entry, uint64_t by)
{
    entry_touch(entry);
    feed->now.missing -= !entry->stored.entry.has_content;
    entry->stored.entry.has_content = false;
    entry->stored.entry.salt = entry->stored.entry.content = span_of(NULL, 0);
    entry->stored.erased = by;
    take_arrival(ledger, feed, entry);
}

/* What was published once more may stand there, too. */
static void erase_aside(struct memory_feed *feed)
{
    feed_touch(feed);
    for (size_t i = 0; i < feed->aside_count; i++) {
        struct memory_entry *entry = feed->aside[i];

        if (!entry->stored.entry.has_content ||
            entry_content_is_permanent(entry->stored.entry.content_type))
            continue;
        entry_touch(entry);
        entry->stored.entry.has_content = false;
        entry->stored.entry.salt = entry->stored.entry.content = span_of(NULL, 0);
    }
}

int memory_feeds_erase(void *self, const struct id *feed_id, const struct erasure_order *orders,
                       size_t count, size_t *erased, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;
    struct memory_feed *feed = feed_find(ledger, feed_id);
    int rc = memory_ledger_writable(store, error);

    *erased = 0;
    if (rc || !feed)
        return rc;
    if (!grow((void **)&ledger->arrivals, &ledger->arrival_capacity, ledger->arrival_count + count,
              sizeof *ledger->arrivals))
        return memory_ledger_failed(store, error);
    for (size_t i = 0; i < count; i++) {
        struct memory_entry *entry = entry_find(ledger, feed_id, orders[i].seq, &feed);

        if (!entry || !rules_can_erase(&entry->stored))
            continue;
        feed_touch(feed);
        erase_one(ledger, feed, entry, orders[i].by);
        ++*erased;
    }
    if (count)
        erase_aside(feed);
    return ERROR_NONE;
}

int memory_feeds_frozen(void *self, const struct id *feed_id, bool frozen, struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed;
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    feed = feed_take(store->ledger, feed_id);
    if (!feed)
        return memory_ledger_failed(store, error);
    feed->now.frozen = frozen;
    return ERROR_NONE;
}

int memory_feeds_statement(void *self, const struct id *feed_id, struct span signed_head,
                           uint64_t as_of_ms, struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed;
    uint8_t *copy;
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    feed = feed_take(store->ledger, feed_id);
    copy = malloc(signed_head.size + 1);
    if (!feed || !copy) {
        free(copy);
        return memory_ledger_failed(store, error);
    }
    statement_free(feed->now.statement, feed->old.statement);
    feed->now.statement = span_of(copy, signed_head.size);
    copy_span(&copy, signed_head);
    feed->now.statement_ms = as_of_ms;
    return ERROR_NONE;
}

/* --- moving aside ------------------------------------------------------------------------------
 */

static bool was_there(const struct memory_ledger *ledger, const struct memory_entry *entry)
{
    return (entry->changed ? entry->old.arrival : entry->stored.arrival) <=
           ledger->committed_arrivals;
}

/* What this store may see at a seq that it may see. */
static const struct memory_entry *entry_at(const struct memory_store *store,
                                           const struct memory_feed *feed, uint64_t seq)
{
    if (!store->writer)
        for (size_t i = feed->aside_committed; i < feed->aside_count; i++)
            if (feed->aside[i]->stored.entry.seq == seq && was_there(store->ledger, feed->aside[i]))
                return feed->aside[i];
    return feed->entries[seq - 1];
}

/* Orders of entries from `first` on are void. */
static void void_orders(struct memory_feed *feed, uint64_t first)
{
    for (uint64_t seq = 1; seq < first; seq++) {
        struct memory_entry *entry = feed->entries[seq - 1];

        if (entry->stored.erased < first)
            continue;
        entry_touch(entry);
        entry->stored.erased = 0;
    }
}

/* The state of the feed without its entries from `first` on. */
static void go_back(struct memory_feed *feed, uint64_t first, uint64_t recoveries, uint64_t arrival)
{
    const struct memory_entry *last = first > 1 ? feed->entries[first - 2] : NULL;
    uint64_t signed_seq = first - 1;

    while (signed_seq && !feed->entries[signed_seq - 1]->stored.entry.signature_checked)
        signed_seq--;
    feed->now.missing = 0;
    for (uint64_t seq = 1; seq < first; seq++) {
        const struct store_entry *stored = &feed->entries[seq - 1]->stored;

        feed->now.missing += !stored->entry.has_content && !stored->erased;
    }
    rules_go_back(&feed->now, last ? &last->stored : NULL, signed_seq, recoveries, arrival);
}

int memory_feeds_quarantine(void *self, const struct id *feed_id, uint64_t first,
                            uint64_t recoveries, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;
    struct memory_feed *feed;
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    if (!entry_find(ledger, feed_id, first, &feed))
        return rules_no_entry(first, error);
    if (!grow((void **)&feed->aside, &feed->aside_capacity,
              feed->aside_count + feed->now.head.seq + 1 - first, sizeof(struct memory_entry *)) ||
        !grow((void **)&ledger->arrivals, &ledger->arrival_capacity, ledger->arrival_count + 1,
              sizeof *ledger->arrivals))
        return memory_ledger_failed(store, error);
    feed_touch(feed);
    ledger->generation++;
    for (uint64_t seq = first; seq <= feed->now.head.seq; seq++) {
        struct memory_entry *entry = feed->entries[seq - 1];

        entry->aside = ledger->generation;
        entry->aside_is_new = true;
        feed->aside[feed->aside_count++] = entry;
    }
    take_arrival(ledger, feed, NULL);
    void_orders(feed, first);
    go_back(feed, first, recoveries, ledger->arrival_count);
    return ERROR_NONE;
}

int memory_feeds_quarantined(void *self, const struct id *feed_id, store_quarantined_visitor visit,
                             void *context, struct error *error)
{
    struct memory_store *store = self;
    const struct memory_feed *feed = feed_find(store->ledger, feed_id);
    size_t end = !feed ? 0 : store->writer ? feed->aside_count : feed->aside_committed;
    bool stopped = false;

    (void)error;
    while (end && !stopped) {
        size_t first = end - 1;

        while (first && feed->aside[first - 1]->aside == feed->aside[end - 1]->aside)
            first--;
        for (size_t i = first; i < end && !stopped; i++) {
            const struct store_quarantined quarantined = {feed->aside[i]->aside,
                                                          entry_view(store, feed->aside[i])};

            stopped = visit(context, &quarantined) != 0;
        }
        end = first;
    }
    return ERROR_NONE;
}

/* --- transactions ----------------------------------------------------------------------------- */

static void wipe(struct span bytes)
{
    if (bytes.size)
        memset((void *)(uintptr_t)bytes.data, 0, bytes.size);
}

static void settle_entry(struct memory_entry *entry, bool commit)
{
    uint8_t *gone = commit ? entry->old_late : entry->late;

    if (!entry->changed)
        return;
    entry->changed = false;
    if (!commit) {
        entry->stored = entry->old;
        entry->late = entry->old_late;
    } else if (entry->old.entry.has_content && !entry->stored.entry.has_content) {
        wipe(entry->old.entry.salt);
        wipe(entry->old.entry.content);
    }
    if (entry->late != gone)
        free(gone);
    if (entry->stored.entry.has_content)
        return;
    free(entry->late);
    entry->late = NULL;
}

/* What changed without a new arrival: a quarantine makes orders void, an erasure reaches into what
 * stands aside. */
static void settle_in_place(struct memory_feed *feed, bool commit)
{
    for (size_t i = 0; i < feed->aside_count; i++)
        settle_entry(feed->aside[i], commit);
    if (feed->aside_count == feed->aside_committed)
        return;
    for (uint64_t i = 0; i < feed->now.head.seq; i++)
        settle_entry(feed->entries[i], commit);
}

static void settle_changed(struct memory_ledger *ledger, bool commit)
{
    for (size_t i = ledger->committed_arrivals; i < ledger->arrival_count; i++)
        if (ledger->arrivals[i].entry)
            settle_entry(ledger->arrivals[i].entry, commit);
    for (size_t i = 0; i < ledger->feed_count; i++)
        if (ledger->feeds[i]->changed)
            settle_in_place(ledger->feeds[i], commit);
}

/* What was moved aside comes back, if it was there before the transaction. */
static void take_back(const struct memory_ledger *ledger, struct memory_feed *feed)
{
    for (uint64_t seq = 0; seq < feed->now.head.seq; seq++)
        if (!was_there(ledger, feed->entries[seq]))
            entry_destroy(feed->entries[seq]);
    for (size_t i = feed->aside_committed; i < feed->aside_count; i++) {
        struct memory_entry *entry = feed->aside[i];

        if (was_there(ledger, entry)) {
            entry->aside = 0;
            entry->aside_is_new = false;
            feed->entries[entry->stored.entry.seq - 1] = entry;
        } else {
            entry_destroy(entry);
        }
    }
    feed->aside_count = feed->aside_committed;
}

static void settle_aside(struct memory_feed *feed)
{
    for (size_t i = feed->aside_committed; i < feed->aside_count; i++)
        feed->aside[i]->aside_is_new = false;
    feed->aside_committed = feed->aside_count;
}

void memory_feeds_commit(struct memory_ledger *ledger)
{
    settle_changed(ledger, true);
    for (size_t i = 0; i < ledger->feed_count; i++) {
        struct memory_feed *feed = ledger->feeds[i];

        if (!feed->changed)
            continue;
        statement_free(feed->old.statement, feed->now.statement);
        feed->old = (struct store_feed){0};
        feed->changed = feed->was_there = false;
        settle_aside(feed);
    }
    ledger->committed_arrivals = ledger->arrival_count;
    ledger->committed_generation = ledger->generation;
}

void memory_feeds_rollback(struct memory_ledger *ledger)
{
    size_t kept = 0;

    settle_changed(ledger, false);
    for (size_t i = 0; i < ledger->feed_count; i++) {
        struct memory_feed *feed = ledger->feeds[i];

        if (feed->changed && !feed->was_there) {
            feed_destroy(feed);
            continue;
        }
        ledger->feeds[kept++] = feed;
        if (!feed->changed)
            continue;
        take_back(ledger, feed);
        statement_free(feed->now.statement, feed->old.statement);
        feed->now = feed->old;
        feed->old = (struct store_feed){0};
        feed->changed = feed->was_there = false;
    }
    ledger->feed_count = kept;
    ledger->arrival_count = ledger->committed_arrivals;
    ledger->generation = ledger->committed_generation;
}

/* --- reading ---------------------------------------------------------------------------------- */

int memory_feeds_get(void *self, const struct id *feed_id, struct store_feed *out,
                     struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed = feed_find(store->ledger, feed_id);
    const struct store_feed *view = feed ? feed_view(store, feed) : NULL;

    if (!view)
        return error_set(error, ERROR_NOT_FOUND, "this feed is not in the ledger");
    buffer_clear(&store->statement);
    if (!buffer_append(&store->statement, view->statement.data, view->statement.size))
        return error_memory(error);
    *out = *view;
    out->statement = buffer_span(&store->statement);
    return ERROR_NONE;
}

static size_t visible_arrivals(const struct memory_store *store)
{
    return store->writer ? store->ledger->arrival_count : store->ledger->committed_arrivals;
}

int memory_feeds_visit(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                       store_feed_visitor visit, void *context, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;

    (void)error;
    for (size_t i = 0; with_empty && after_arrival == 0 && i < ledger->feed_count; i++) {
        const struct store_feed *view = feed_view(store, ledger->feeds[i]);

        if (view && view->head_arrival == 0 && visit(context, view))
            return ERROR_NONE;
    }
    for (uint64_t i = after_arrival; i < visible_arrivals(store) && limit; i++) {
        const struct store_feed *view = feed_view(store, ledger->arrivals[i].feed);

        if (!view || view->head_arrival != i + 1)
            continue;
        limit--;
        if (visit(context, view))
            return ERROR_NONE;
    }
    return ERROR_NONE;
}

int memory_feeds_entries(void *self, const struct id *feed_id, uint64_t first, uint64_t last,
                         store_entry_visitor visit, void *context, struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed = feed_find(store->ledger, feed_id);
    const struct store_feed *view = feed ? feed_view(store, feed) : NULL;

    (void)error;
    if (!view)
        return ERROR_NONE;
    if (last > view->head.seq)
        last = view->head.seq;
    for (uint64_t seq = first ? first : 1; seq <= last; seq++) {
        struct store_entry entry = entry_view(store, entry_at(store, feed, seq));

        if (visit(context, &entry))
            break;
    }
    return ERROR_NONE;
}

int memory_feeds_newest(void *self, const struct id *feed_id, uint32_t type,
                        store_entry_visitor visit, void *context, struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed = feed_find(store->ledger, feed_id);
    const struct store_feed *view = feed ? feed_view(store, feed) : NULL;

    (void)error;
    for (uint64_t seq = view ? view->head.seq : 0; seq > 0; seq--) {
        struct store_entry entry = entry_view(store, entry_at(store, feed, seq));

        if (entry.entry.content_type == type && visit(context, &entry))
            break;
    }
    return ERROR_NONE;
}

int memory_feeds_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                          void *context, struct error *error)
{
    struct memory_store *store = self;

    (void)error;
    for (uint64_t i = after; i < visible_arrivals(store); i++) {
        const struct memory_entry *kept = store->ledger->arrivals[i].entry;
        struct store_entry entry;

        if (!kept || (kept->aside && (store->writer || !kept->aside_is_new)))
            continue;
        entry = entry_view(store, kept);
        if (entry.arrival != i + 1 || !rules_type_matches(types, entry.entry.content_type))
            continue;
        if (visit(context, &entry))
            break;
    }
    return ERROR_NONE;
}

int memory_feeds_missing(void *self, const struct id *feed_id, uint64_t *seqs, size_t limit,
                         size_t *count, struct error *error)
{
    struct memory_store *store = self;
    struct memory_feed *feed = feed_find(store->ledger, feed_id);
    const struct store_feed *view = feed ? feed_view(store, feed) : NULL;

    (void)error;
    *count = 0;
    for (uint64_t seq = 1; view && view->missing && seq <= view->head.seq && *count < limit;
         seq++) {
        struct store_entry entry = entry_view(store, entry_at(store, feed, seq));

        if (!entry.entry.has_content && !entry.erased)
            seqs[(*count)++] = seq;
    }
    return ERROR_NONE;
}
