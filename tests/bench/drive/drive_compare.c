/* drive_compare HOME HOME: compares the ledgers of two nodes that are stopped: the same feeds, the
 * same heads, and at every number the same entry with its content; each numbered once, in order,
 * chained, and with its content's hash. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/config/home.h"
#include "node/ledger/ledger.h"
#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/heads.h"

/* One feed of one ledger, hash by hash. */
struct walk {
    struct id *hashes; /* of seq 1, 2, … */
    uint64_t count, most;
    uint64_t wrong; /* not the next one, or not what its hash says */
    uint64_t contents, content_bytes;
    struct id before;
};

struct comparison {
    struct store stores[2];
    struct heads heads[2];
    uint64_t entries, equal, wrong, contents, content_bytes;
};

static bool is_whole(const struct walk *walk, const struct store_entry *row)
{
    const struct entry *entry = &row->entry;
    struct id hash;

    if (entry->seq != walk->count + 1 || !id_equal(&entry->previous, &walk->before))
        return false;
    identity_hash(IDENTITY_ENTRY, entry->bytes, &hash);
    if (!id_equal(&hash, &entry->hash))
        return false;
    identity_hash2(IDENTITY_CONTENT, entry->salt, entry->content, &hash);
    return !entry->has_content || id_equal(&hash, &entry->content_hash);
}

static int take(void *context, const struct store_entry *row)
{
    struct walk *walk = context;

    walk->wrong += !is_whole(walk, row);
    if (walk->count == walk->most)
        return 1;
    walk->hashes[walk->count++] = row->entry.hash;
    walk->before = row->entry.hash;
    walk->contents += row->entry.has_content;
    walk->content_bytes += row->entry.content.size;
    return 0;
}

static int walk_feed(const struct store *store, const struct entry_head *head, struct walk *walk,
                     struct error *error)
{
    *walk = (struct walk){.most = head->seq};
    walk->hashes = calloc(head->seq, sizeof *walk->hashes);
    if (!walk->hashes)
        return error_memory(error);
    return store->operations->entries(store->self, &head->feed, 1, head->seq, take, walk, error);
}

static int compare_feed(struct comparison *comparison, const struct entry_head *head,
                        struct error *error)
{
    struct walk walks[2] = {{0}};
    int code = walk_feed(&comparison->stores[0], head, &walks[0], error);

    if (!code)
        code = walk_feed(&comparison->stores[1], head, &walks[1], error);
    for (uint64_t i = 0; !code && i < head->seq; i++)
        comparison->equal += i < walks[0].count && i < walks[1].count &&
                             id_equal(&walks[0].hashes[i], &walks[1].hashes[i]);
    comparison->entries += walks[1].count;
    comparison->wrong += walks[0].wrong + walks[1].wrong;
    comparison->contents += walks[1].contents;
    comparison->content_bytes += walks[1].content_bytes;
    free(walks[0].hashes);
    free(walks[1].hashes);
    return code;
}

static int compare(struct comparison *comparison, struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; !code && i < comparison->heads[0].count; i++)
        code = compare_feed(comparison, &comparison->heads[0].items[i], error);
    return code;
}

static int open_one(const char *home, struct store *store, struct heads *heads, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(home, HOME_LEDGER, path, error);

    if (!code)
        code = ledger_sqlite_create(path, LEDGER_EXISTING, store, error);
    return code ? code : heads_read(store, heads, error);
}

/* checks: [found, wanted] each. */
static void print_done(const struct comparison *comparison)
{
    const struct heads *heads = comparison->heads;
    uint64_t entries = heads[0].entries;

    printf("{\"checks\": {\"feeds\": [%zu, %zu], \"heads\": [%zu, %zu], \"entries\": [%" PRIu64
           ", %" PRIu64 "], \"equal\": [%" PRIu64 ", %" PRIu64 "], \"contents\": [%" PRIu64
           ", %" PRIu64 "], \"wrong\": [%" PRIu64 ", 0]}, \"info\": {\"content_bytes\": %" PRIu64
           "}}\n",
           heads[1].count, heads[0].count, heads_equal(&heads[0], &heads[1]), heads[0].count,
           comparison->entries, entries, comparison->equal, entries, comparison->contents, entries,
           comparison->wrong, comparison->content_bytes);
}

int main(int argc, char **argv)
{
    const struct drive_option options[] = {{NULL, NULL, NULL}};
    struct comparison comparison = {0};
    struct error error = {0};
    const char *homes[2];
    int code = drive_start(argc, argv, options, homes, 2, &error);

    for (int i = 0; !code && i < 2; i++)
        code = open_one(homes[i], &comparison.stores[i], &comparison.heads[i], &error);
    if (!code)
        code = compare(&comparison, &error);
    if (!code)
        print_done(&comparison);
    for (int i = 0; i < 2; i++) {
        heads_finish(&comparison.heads[i]);
        if (comparison.stores[i].operations)
            comparison.stores[i].operations->destroy(comparison.stores[i].self);
    }
    return drive_end(argv[0], code, &error);
}
