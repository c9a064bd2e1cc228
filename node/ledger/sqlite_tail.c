#include "node/ledger/sqlite_tail.h"

#include <string.h>

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_use.h"

static int spoil(struct sqlite_ledger *ledger, int rc)
{
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* STATEMENT_ADD_SEGMENT or _SET_SEGMENT: their parameters are numbered alike. */
static int write_row(struct sqlite_ledger *ledger, enum sqlite_statement which, uint64_t feed,
                     const struct segment *segment, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, which, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, segment->arrival);
    if (which == STATEMENT_ADD_SEGMENT) {
        sqlite_use_number(&use, 2, feed);
        sqlite_use_number(&use, 3, segment->seq);
    }
    sqlite_use_number(&use, 4, segment->count);
    sqlite_use_number(&use, 5, segment->types);
    sqlite_use_number(&use, 6, segment->missing);
    sqlite_use_blob(&use, 7, buffer_span(&segment->records));
    return sqlite_use_run(&use, error);
}

static int delete_rows(struct sqlite_ledger *ledger, uint64_t first, uint64_t last,
                       struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_DELETE_SEGMENTS, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, first);
    sqlite_use_number(&use, 2, last);
    return sqlite_use_run(&use, error);
}

static int load_row(struct sqlite_ledger *ledger, const struct segment_feed *feed,
                    const struct segment_row *row, struct segment *out, struct error *error)
{
    int rc = segment_load(out, feed, row, error);

    return spoil(ledger,
                 rc == ERROR_MALFORMED ? sqlite_ledger_damaged(ledger, "entries", error) : rc);
}

/* The row of the current feed that has this seq, into ledger->scratch. */
static int find_row(struct sqlite_ledger *ledger, uint64_t seq, struct error *error)
{
    const struct sqlite_feed *feed = &ledger->tail.feed;
    struct segment_row found;
    struct sqlite_use use;
    bool row;
    int rc;

    if (seq == 0 || seq > feed->feed.head.seq)
        return rules_no_entry(seq, error);
    rc = sqlite_use_start(&use, ledger, STATEMENT_FIND_SEGMENT, error);
    if (rc)
        return rc;
    sqlite_use_number(&use, 1, feed->number);
    sqlite_use_number(&use, 2, seq);
    rc = sqlite_use_step(&use, &row, error);
    if (!rc && row) {
        found = sqlite_ledger_segment(use.statement);
        row = found.seq <= seq && seq - found.seq < found.count;
    }
    if (!rc && !row) /* the head says that it is kept */
        rc = spoil(ledger, sqlite_ledger_damaged(ledger, "entries", error));
    if (!rc)
        rc = load_row(ledger, &feed->common, &found, &ledger->scratch, error);
    sqlite_use_finish(&use);
    return rc;
}

/* --- settling --------------------------------------------------------------------------------- */

static int settle_segment(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_tail *tail = &ledger->tail;
    int rc;

    if (!tail->changed)
        return ERROR_NONE;
    rc = write_row(ledger, tail->stored ? STATEMENT_SET_SEGMENT : STATEMENT_ADD_SEGMENT,
                   tail->number, &tail->segment, error);
    if (rc)
        return rc;
    tail->changed = false;
    tail->stored = true;
    return ERROR_NONE;
}

static int settle_feed(struct sqlite_ledger *ledger, struct error *error)
{
    const struct sqlite_feed *feed = &ledger->tail.feed;
    const struct store_feed *state = &feed->feed;
    struct sqlite_use use;
    int rc;

    if (!ledger->tail.feed_changed)
        return ERROR_NONE;
    rc = sqlite_use_start(&use, ledger, STATEMENT_SET_FEED, error);
    if (rc)
        return rc;
    sqlite_use_number(&use, 1, feed->number);
    sqlite_use_number(&use, 2, state->head.certificate);
    sqlite_use_number(&use, 3, state->head.seq);
    sqlite_use_blob(&use, 4, span_of_id(&state->head.hash));
    sqlite_use_number(&use, 5, state->signed_seq);
    sqlite_use_number(&use, 6, state->missing);
    sqlite_use_number(&use, 7, state->head_arrival);
    sqlite_use_blob(&use, 8, span_of(feed->common.network, feed->common.network_size));
    sqlite_use_number(&use, 9, state->head.recoveries);
    sqlite_use_number(&use, 10, state->quarantined);
    rc = sqlite_use_run(&use, error);
    if (!rc)
        ledger->tail.feed_changed = false;
    return rc;
}

int sqlite_tail_settle(struct sqlite_ledger *ledger, struct error *error)
{
    int rc = settle_segment(ledger, error);

    return rc ? rc : settle_feed(ledger, error);
}

int sqlite_tail_find_feed(struct sqlite_ledger *ledger, const struct id *id,
                          struct sqlite_feed *out, bool *known, struct error *error)
{
    int rc = sqlite_tail_settle(ledger, error);

    if (!rc)
        rc = sqlite_ledger_feed(ledger, id, out, error);
    *known = rc == ERROR_NONE;
    if (rc != ERROR_NOT_FOUND)
        return rc;
    error_clear(error);
    return ERROR_NONE;
}

/* --- merging ---------------------------------------------------------------------------------- */

/* Adds a row's entries to ledger->scratch. */
static int merge_row(struct sqlite_ledger *ledger, const struct segment_row *row,
                     struct error *error)
{
    const struct segment_feed *feed = &ledger->tail.feed.common;
    uint8_t bytes[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;
    int rc = ERROR_NONE;

    if (!segment_open(&cursor, feed, row))
        return sqlite_ledger_damaged(ledger, "entries", error);
    for (;;) {
        if (!segment_next(&cursor, &entry, &end))
            return sqlite_ledger_damaged(ledger, "entries", error);
        if (end)
            return ERROR_NONE;
        segment_bytes(&cursor, &entry, bytes);
        if (entry.arrival == ledger->tail.small.first)
            rc = segment_start(&ledger->scratch, entry.arrival, entry.entry.seq,
                               &entry.entry.previous, error);
        /* What does not follow would be read back as something else. */
        if (!rc && (entry.entry.seq != ledger->scratch.seq + ledger->scratch.count ||
                    entry.arrival != ledger->scratch.arrival + ledger->scratch.count))
            return sqlite_ledger_damaged(ledger, "entries", error);
        if (!rc)
            rc = segment_add(&ledger->scratch, feed, &entry, error);
        if (rc)
            return rc;
    }
}

static int read_small_rows(struct sqlite_ledger *ledger, struct error *error)
{
    struct segment_row found;
    struct sqlite_use use;
    bool row = true;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_SEGMENTS_FROM, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, ledger->tail.small.first);
    while (!rc && row) {
        rc = sqlite_use_step(&use, &row, error);
        if (rc || !row)
            break;
        found = sqlite_ledger_segment(use.statement);
        rc = merge_row(ledger, &found, error);
    }
    sqlite_use_finish(&use);
    return rc;
}

static int merge_small_rows(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_small *small = &ledger->tail.small;
    int rc = read_small_rows(ledger, error);

    if (!rc)
        rc = delete_rows(ledger, small->first, small->next - 1, error);
    if (!rc)
        rc = write_row(ledger, STATEMENT_ADD_SEGMENT, small->number, &ledger->scratch, error);
    *small = (struct sqlite_small){0};
    return spoil(ledger, rc);
}

int sqlite_tail_tidy(struct sqlite_ledger *ledger, struct error *error)
{
    const struct sqlite_tail *tail = &ledger->tail;
    const struct segment *segment = &tail->segment;
    struct sqlite_small *small = &ledger->tail.small;

    if (!segment->count)
        return ERROR_NONE;
    if (small->number != tail->number || small->next != segment->arrival ||
        small->next_seq != segment->seq)
        *small = (struct sqlite_small){.number = tail->number, .first = segment->arrival};
    small->next = segment->arrival + segment->count;
    small->next_seq = segment->seq + segment->count;
    small->rows++;
    small->bytes += segment->records.size;
    if (segment->records.size > SQLITE_TAIL_SMALL || tail->feed.number != tail->number)
        *small = (struct sqlite_small){0};
    return small->rows >= SQLITE_TAIL_MERGE_ROWS || small->bytes >= SQLITE_TAIL_MERGE_SIZE
               ? merge_small_rows(ledger, error)
               : ERROR_NONE;
}

/* --- what is forgotten ------------------------------------------------------------------------ */

static void drop_segment(struct sqlite_tail *tail)
{
    tail->segment.count = 0;
    tail->stored = tail->changed = false;
}

void sqlite_tail_forget(struct sqlite_ledger *ledger)
{
    struct sqlite_tail *tail = &ledger->tail;

    drop_segment(tail);
    tail->feed.number = 0;
    tail->feed_changed = false;
    tail->small = (struct sqlite_small){0};
}

void sqlite_tail_close(struct sqlite_ledger *ledger)
{
    drop_segment(&ledger->tail);
}

void sqlite_tail_finish(struct sqlite_ledger *ledger)
{
    segment_finish(&ledger->tail.segment);
    segment_finish(&ledger->scratch);
}

/* --- feeds ------------------------------------------------------------------------------------ */

int sqlite_tail_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error)
{
    struct sqlite_tail *tail = &ledger->tail;
    int rc;

    if (tail->feed.number && id_equal(&tail->feed.common.feed, id))
        return ERROR_NONE;
    rc = settle_feed(ledger, error);
    if (rc)
        return rc;
    tail->feed.number = 0;
    rc = sqlite_ledger_feed(ledger, id, &tail->feed, error);
    if (rc)
        tail->feed.number = 0;
    return rc == ERROR_NOT_FOUND ? rc : spoil(ledger, rc);
}

int sqlite_tail_add_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_ADD_FEED, error);

    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(id));
    return sqlite_use_run(&use, error);
}

int sqlite_tail_make_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error)
{
    int rc = sqlite_tail_add_feed(ledger, id, error);

    return rc ? rc : spoil(ledger, sqlite_tail_feed(ledger, id, error));
}

/* --- appending -------------------------------------------------------------------------------- */

/* Whether the entry goes behind the tail's segment. */
static bool continues(const struct sqlite_tail *tail, const struct store_entry *entry)
{
    const struct segment *segment = &tail->segment;

    return segment->count && tail->number == tail->feed.number &&
           segment->arrival + segment->count == entry->arrival &&
           segment->seq + segment->count == entry->entry.seq &&
           segment->records.size + segment_room(entry) <= SEGMENT_SIZE;
}

static int add_record(struct sqlite_ledger *ledger, const struct store_entry *entry,
                      struct error *error)
{
    struct sqlite_tail *tail = &ledger->tail;
    int rc = ERROR_NONE;

    if (!continues(tail, entry)) {
        rc = settle_segment(ledger, error);
        drop_segment(tail);
        tail->number = tail->feed.number;
        if (!rc)
            rc = segment_start(&tail->segment, entry->arrival, entry->entry.seq,
                               &entry->entry.previous, error);
    }
    if (!rc)
        rc = segment_add(&tail->segment, &tail->feed.common, entry, error);
    tail->changed = true;
    return spoil(ledger, rc);
}

static void learn_network(struct segment_feed *common, struct span entry)
{
    struct span network = segment_network(entry);

    if (common->network_size || !network.size)
        return;
    memcpy(common->network, network.data, network.size);
    common->network_size = network.size;
}

int sqlite_tail_add(struct sqlite_ledger *ledger, struct store_entry *entry, struct error *error)
{
    struct sqlite_feed *feed = &ledger->tail.feed;
    int rc;

    learn_network(&feed->common, entry->entry.bytes);
    entry->arrival = ledger->last_arrival + 1;
    rc = add_record(ledger, entry, error);
    if (rc)
        return rc;
    ledger->last_arrival++;
    rules_follow(&feed->feed, entry);
    ledger->tail.feed_changed = true;
    return ERROR_NONE;
}

/* --- late parts ------------------------------------------------------------------------------- */

/* Cuts the entry with this seq out of the row that stands in ledger->scratch. */
struct cut {
    struct sqlite_ledger *ledger;
    uint64_t void_from;  /* orders of entries from here on are left out; 0: none are */
    struct segment part; /* being made */
    struct store_entry entry;
    uint8_t bytes[LIMIT_ENTRY_SIZE];
};

/* Copies a range of the row's records into a row of its own: the old one, or a new one. */
static int copy_part(struct cut *cut, uint64_t from, uint64_t to, struct error *error)
{
    struct sqlite_ledger *ledger = cut->ledger;
    const struct sqlite_feed *feed = &ledger->tail.feed;
    const struct segment *whole = &ledger->scratch;
    const struct segment_row row = {whole->arrival, whole->seq, whole->count,
                                    buffer_span(&whole->records)};
    uint8_t bytes[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;
    int rc = ERROR_NONE;

    if (from == to)
        return from == whole->seq ? delete_rows(ledger, whole->arrival, whole->arrival, error)
                                  : ERROR_NONE;
    if (!segment_open(&cursor, &feed->common, &row))
        return sqlite_ledger_damaged(ledger, "entries", error);
    while (!rc && cursor.seq < to) {
        if (!segment_next(&cursor, &entry, &end) || end)
            return sqlite_ledger_damaged(ledger, "entries", error);
        if (entry.entry.seq < from)
            continue;
        segment_bytes(&cursor, &entry, bytes);
        if (cut->void_from && entry.erased >= cut->void_from)
            entry.erased = 0;
        if (entry.entry.seq == from)
            rc = segment_start(&cut->part, entry.arrival, from, &entry.entry.previous, error);
        if (!rc)
            rc = segment_add(&cut->part, &feed->common, &entry, error);
    }
    return rc ? rc
              : write_row(ledger,
                          from == whole->seq ? STATEMENT_SET_SEGMENT : STATEMENT_ADD_SEGMENT,
                          feed->number, &cut->part, error);
}

/* The entry, whose spans point into ledger->scratch or the cut. */
static int find_entry(struct cut *cut, uint64_t seq, struct error *error)
{
    const struct segment *whole = &cut->ledger->scratch;
    const struct segment_row row = {whole->arrival, whole->seq, whole->count,
                                    buffer_span(&whole->records)};
    struct segment_cursor cursor;
    bool end = false, good = segment_open(&cursor, &cut->ledger->tail.feed.common, &row);

    while (good && !end && cursor.seq <= seq)
        good = segment_next(&cursor, &cut->entry, &end);
    if (!good || end)
        return spoil(cut->ledger, sqlite_ledger_damaged(cut->ledger, "entries", error));
    segment_bytes(&cursor, &cut->entry, cut->bytes);
    if (cut->entry.erased)
        return rules_is_erased(seq, cut->entry.erased, error);
    return cut->entry.entry.has_content ? rules_has_content(seq, error) : ERROR_NONE;
}

/* Takes the entry out of its row and puts it, as it is now, behind the newest arrival. */
static int move_entry(struct cut *cut, struct error *error)
{
    struct sqlite_ledger *ledger = cut->ledger;
    struct sqlite_tail *tail = &ledger->tail;
    uint64_t seq = cut->entry.entry.seq;
    int rc;

    if (tail->stored && tail->segment.arrival == ledger->scratch.arrival)
        drop_segment(tail); /* it is this row, which changes under it */
    tail->small = (struct sqlite_small){0};
    rc = copy_part(cut, ledger->scratch.seq, seq, error);
    if (!rc)
        rc = copy_part(cut, seq + 1, ledger->scratch.seq + ledger->scratch.count, error);
    cut->entry.arrival = ledger->last_arrival + 1;
    if (!rc)
        rc = add_record(ledger, &cut->entry, error);
    if (rc)
        return spoil(ledger, rc);
    tail->feed.feed.head_arrival = ++ledger->last_arrival;
    tail->feed_changed = true;
    return ERROR_NONE;
}

int sqlite_tail_content(struct sqlite_ledger *ledger, const struct id *feed, uint64_t seq,
                        struct span salt, struct span content, uint64_t received_ms,
                        struct error *error)
{
    struct cut cut = {.ledger = ledger};
    struct sqlite_tail *tail = &ledger->tail;
    int rc = sqlite_tail_feed(ledger, feed, error);

    if (!rc)
        rc = settle_segment(ledger, error);
    if (!rc)
        rc = find_row(ledger, seq, error);
    if (!rc)
        rc = find_entry(&cut, seq, error);
    if (rc)
        return rc;
    cut.entry.entry.has_content = true;
    cut.entry.entry.salt = salt;
    cut.entry.entry.content = content;
    cut.entry.received_ms = received_ms;
    rc = move_entry(&cut, error);
    if (!rc)
        tail->feed.feed.missing -= tail->feed.feed.missing > 0;
    segment_finish(&cut.part);
    return rc;
}

/* --- erasing ---------------------------------------------------------------------------------- */

struct erasing {
    struct sqlite_ledger *ledger;
    struct segment part;                     /* of the row in ledger->scratch: what stays, … */
    const struct erasure_order *order, *end; /* … and those that are still to come */
    size_t erased;
};

/* The order for this entry, if it is to be erased. */
static const struct erasure_order *order_for(struct erasing *erasing,
                                             const struct store_entry *entry)
{
    while (erasing->order < erasing->end && erasing->order->seq < entry->entry.seq)
        erasing->order++;
    return erasing->order < erasing->end && erasing->order->seq == entry->entry.seq &&
                   rules_can_erase(entry)
               ? erasing->order
               : NULL;
}

static int write_part(struct erasing *erasing, struct error *error)
{
    struct sqlite_ledger *ledger = erasing->ledger;
    bool first = erasing->part.arrival == ledger->scratch.arrival;
    int rc;

    if (!erasing->part.count)
        return ERROR_NONE;
    rc = write_row(ledger, first ? STATEMENT_SET_SEGMENT : STATEMENT_ADD_SEGMENT,
                   ledger->tail.feed.number, &erasing->part, error);
    erasing->part.count = 0;
    return rc;
}

static int keep_in_part(struct erasing *erasing, const struct store_entry *entry,
                        struct error *error)
{
    int rc = erasing->part.count ? ERROR_NONE
                                 : segment_start(&erasing->part, entry->arrival, entry->entry.seq,
                                                 &entry->entry.previous, error);

    return rc ? rc : segment_add(&erasing->part, &erasing->ledger->tail.feed.common, entry, error);
}

/* To its new arrival, without its content. */
static int erase_entry(struct erasing *erasing, struct store_entry *entry, uint64_t by,
                       struct error *error)
{
    struct sqlite_ledger *ledger = erasing->ledger;
    struct store_feed *feed = &ledger->tail.feed.feed;
    int rc = write_part(erasing, error);

    feed->missing -= !entry->entry.has_content && feed->missing > 0;
    entry->entry.has_content = false;
    entry->entry.salt = entry->entry.content = span_of(NULL, 0);
    entry->erased = by;
    entry->arrival = ledger->last_arrival + 1;
    if (!rc)
        rc = add_record(ledger, entry, error);
    if (rc)
        return rc;
    feed->head_arrival = ++ledger->last_arrival;
    ledger->tail.feed_changed = ledger->erased = true;
    erasing->erased++;
    return ERROR_NONE;
}

/* Goes through the row in ledger->scratch: to find the first one that is to be erased (0: none), or
 * to write it anew. */
static int go_through(struct erasing *erasing, uint64_t *first, struct error *error)
{
    struct sqlite_ledger *ledger = erasing->ledger;
    const struct segment *whole = &ledger->scratch;
    const struct segment_row row = {whole->arrival, whole->seq, whole->count,
                                    buffer_span(&whole->records)};
    uint8_t bytes[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false, good = segment_open(&cursor, &ledger->tail.feed.common, &row);
    int rc = ERROR_NONE;

    while (!rc && good && (good = segment_next(&cursor, &entry, &end)) && !end) {
        const struct erasure_order *order = order_for(erasing, &entry);

        if (first && order) {
            *first = entry.entry.seq;
            return ERROR_NONE;
        }
        if (first)
            continue;
        segment_bytes(&cursor, &entry, bytes);
        rc = order ? erase_entry(erasing, &entry, order->by, error)
                   : keep_in_part(erasing, &entry, error);
    }
    return rc || good ? rc : sqlite_ledger_damaged(ledger, "entries", error);
}

static int erase_in_row(struct erasing *erasing, struct error *error)
{
    struct sqlite_ledger *ledger = erasing->ledger;
    const struct segment *whole = &ledger->scratch;
    const struct erasure_order *order = erasing->order;
    uint64_t first = 0;
    int rc = go_through(erasing, &first, error);

    if (rc || !first)
        return rc;
    erasing->order = order;
    /* Its first seq comes to stand elsewhere: one seq cannot stand twice. */
    if (first == whole->seq)
        rc = delete_rows(ledger, whole->arrival, whole->arrival, error);
    if (!rc)
        rc = go_through(erasing, NULL, error);
    return rc ? rc : write_part(erasing, error);
}

static int erase_rows(struct erasing *erasing, struct error *error)
{
    struct sqlite_ledger *ledger = erasing->ledger;
    uint64_t head = ledger->tail.feed.feed.head.seq;
    int rc = settle_segment(ledger, error);

    drop_segment(&ledger->tail);
    ledger->tail.small = (struct sqlite_small){0};
    while (!rc && erasing->order < erasing->end && erasing->order->seq <= head) {
        uint64_t next;

        if (!erasing->order->seq) {
            erasing->order++;
            continue;
        }
        rc = find_row(ledger, erasing->order->seq, error);
        next = ledger->scratch.seq + ledger->scratch.count;
        if (!rc)
            rc = erase_in_row(erasing, error);
        while (erasing->order < erasing->end && erasing->order->seq < next)
            erasing->order++;
    }
    return rc;
}

int sqlite_tail_erase(struct sqlite_ledger *ledger, const struct id *feed,
                      const struct erasure_order *orders, size_t count, size_t *erased,
                      struct error *error)
{
    struct erasing erasing = {.ledger = ledger, .order = orders, .end = orders + count};
    int rc = sqlite_tail_feed(ledger, feed, error);

    *erased = 0;
    if (rc == ERROR_NOT_FOUND) {
        error_clear(error);
        return ERROR_NONE;
    }
    if (!rc)
        rc = spoil(ledger, erase_rows(&erasing, error));
    *erased = erasing.erased;
    segment_finish(&erasing.part);
    return rc;
}

/* --- cutting ---------------------------------------------------------------------------------- */

int sqlite_tail_cut(struct sqlite_ledger *ledger, uint64_t first, struct error *error)
{
    const struct segment *whole = &ledger->scratch;
    struct cut cut = {.ledger = ledger};
    int rc = sqlite_tail_settle(ledger, error);

    drop_segment(&ledger->tail);
    ledger->tail.small = (struct sqlite_small){0};
    if (!rc)
        rc = find_row(ledger, first, error);
    if (!rc && whole->seq < first) {
        rc = copy_part(&cut, whole->seq, first, error);
        if (!rc)
            rc = copy_part(&cut, first, whole->seq + whole->count, error);
        spoil(ledger, rc);
    }
    segment_finish(&cut.part);
    return rc;
}

/* --- void orders ------------------------------------------------------------------------------ */

/* The first row behind a seq that has erased entries. *seq 0: there is none in front of `first`. */
static int next_erased(struct sqlite_ledger *ledger, uint64_t *seq, uint64_t first,
                       struct error *error)
{
    struct sqlite_use use;
    bool row;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_NEXT_ERASED, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, ledger->tail.feed.number);
    sqlite_use_number(&use, 2, *seq);
    sqlite_use_number(&use, 3, first);
    rc = sqlite_use_step(&use, &row, error);
    *seq = !rc && row ? database_u64(use.statement, 0) : 0;
    sqlite_use_finish(&use);
    return rc;
}

int sqlite_tail_void(struct sqlite_ledger *ledger, uint64_t first, struct error *error)
{
    const struct segment *whole = &ledger->scratch;
    struct cut cut = {.ledger = ledger, .void_from = first};
    uint64_t seq = 0;
    int rc = next_erased(ledger, &seq, first, error);

    while (!rc && seq) {
        rc = find_row(ledger, seq, error);
        if (!rc)
            rc = copy_part(&cut, whole->seq, whole->seq + whole->count, error);
        if (!rc)
            rc = next_erased(ledger, &seq, first, error);
    }
    segment_finish(&cut.part);
    return spoil(ledger, rc);
}
