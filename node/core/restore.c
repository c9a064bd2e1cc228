/* Entries of our own feed that were quarantined, and are to stand in it again: a thief with the
 * root key can have everything behind an early entry replaced, until the recovery key says where
 * the feed goes on. */
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

/* A quarantined entry, copied: its spans point into block. */
struct lost {
    struct entry entry;
    uint8_t *block;
};

struct losses {
    struct lost *items;
    size_t count, capacity;
    uint64_t last; /* seqs above it are of no use */
    bool no_memory;
};

static struct span copy_span(uint8_t **to, struct span from)
{
    struct span copy = {*to, from.size};

    if (from.size)
        memcpy(*to, from.data, from.size);
    *to += from.size;
    return copy;
}

static bool copy_entry(struct lost *lost, const struct entry *entry)
{
    uint8_t *at = malloc(entry->bytes.size + entry->signature.size + entry->salt.size +
                         entry->content.size + 1);

    lost->entry = *entry;
    lost->block = at;
    if (!at)
        return false;
    lost->entry.bytes = copy_span(&at, entry->bytes);
    lost->entry.signature = copy_span(&at, entry->signature);
    lost->entry.salt = copy_span(&at, entry->salt);
    lost->entry.content = copy_span(&at, entry->content);
    return true;
}

static int collect(void *context, const struct store_quarantined *quarantined)
{
    struct losses *losses = context;
    struct lost *items = losses->items;

    if (quarantined->entry.entry.seq > losses->last)
        return 0;
    if (losses->count == losses->capacity) {
        losses->capacity = losses->capacity ? losses->capacity * 2 : 64;
        items = realloc(items, losses->capacity * sizeof *items);
        losses->no_memory = !items;
        if (!items)
            return 1;
        losses->items = items;
    }
    losses->no_memory = !copy_entry(&items[losses->count], &quarantined->entry.entry);
    losses->count += !losses->no_memory;
    return losses->no_memory;
}

/* Most often the one in front of the one that was found before. NULL: it is not there. */
static struct lost *find(const struct losses *losses, size_t from, uint64_t seq,
                         const struct id *hash)
{
    for (size_t i = 0; i < losses->count; i++) {
        struct lost *lost = &losses->items[(from + losses->count - i) % losses->count];

        if (lost->entry.seq == seq && id_equal(&lost->entry.hash, hash))
            return lost;
    }
    return NULL;
}

/* From the entry back to one that stands in our feed: path, newest first, has room for all. */
static int walk_back(struct exchange *exchange, const struct losses *losses, const struct id *hash,
                     struct lost **path, size_t *count, struct error *error)
{
    const struct feed *own = exchange->own;
    uint64_t seq = losses->last;
    struct id wanted = *hash;
    size_t at = losses->count;

    while (seq && (seq > own->head.seq || !ingest_is_ours(exchange, own, seq, &wanted))) {
        struct lost *lost = find(losses, at, seq, &wanted);

        if (!lost)
            return error_set(error, ERROR_NOT_FOUND,
                             "No. %llu with this hash neither stands in our feed, nor is all that "
                             "leads to it among what was quarantined",
                             (unsigned long long)losses->last);
        path[(*count)++] = lost;
        at = (size_t)(lost - losses->items) + losses->count - 1;
        wanted = lost->entry.previous;
        seq--;
    }
    return ERROR_NONE;
}

/* The entries of the path, oldest first, become *out's own. */
static int take_path(struct lost **path, size_t count, struct restore *out, struct error *error)
{
    out->entries = calloc(count + 1, sizeof *out->entries);
    out->blocks = calloc(count + 1, sizeof *out->blocks);
    if (!out->entries || !out->blocks)
        return error_memory(error);
    for (size_t i = 0; i < count; i++) {
        out->entries[i] = path[count - 1 - i]->entry;
        out->blocks[i] = path[count - 1 - i]->block;
        path[count - 1 - i]->block = NULL;
    }
    out->count = count;
    return ERROR_NONE;
}

int restore_find(struct exchange *exchange, uint64_t seq, const struct id *hash,
                 struct restore *out, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct losses losses = {.last = seq};
    struct lost **path = NULL;
    size_t count = 0;
    int code =
        store->operations->quarantined(store->self, &exchange->own->id, collect, &losses, error);

    *out = (struct restore){0};
    if (!code && !losses.no_memory)
        path = calloc(losses.count + 1, sizeof(struct lost *));
    if (!code && !path)
        code = error_memory(error);
    if (!code)
        code = walk_back(exchange, &losses, hash, path, &count, error);
    if (!code)
        code = take_path(path, count, out, error);
    if (code)
        restore_finish(out);
    for (size_t i = 0; i < losses.count; i++)
        free(losses.items[i].block);
    free(losses.items);
    free(path);
    return code;
}

int restore_append(struct exchange *exchange, struct restore *restore, struct error *error)
{
    size_t first = 0;
    int code = ERROR_NONE;

    /* As runs: each ends at a certificate. */
    for (size_t i = 0; i < restore->count && !code; i++) {
        if (!entry_is_certificate(&restore->entries[i]) && i + 1 < restore->count)
            continue;
        code =
            ingest_append(exchange, exchange->own, restore->entries + first, i + 1 - first, error);
        first = i + 1;
    }
    return code;
}

void restore_finish(struct restore *restore)
{
    for (size_t i = 0; i < restore->count; i++)
        free(restore->blocks[i]);
    free(restore->blocks);
    free(restore->entries);
    *restore = (struct restore){0};
}
