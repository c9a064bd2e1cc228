#include "tests/bench/drive/heads.h"

#include <stdlib.h>

struct reading {
    struct heads *heads;
    bool no_memory;
};

static int take(void *context, const struct store_feed *feed)
{
    struct reading *reading = context;
    struct heads *heads = reading->heads;

    if (heads->count == heads->capacity) {
        size_t capacity = heads->capacity ? 2 * heads->capacity : 64;
        struct entry_head *grown = realloc(heads->items, capacity * sizeof *grown);

        reading->no_memory = !grown;
        if (!grown)
            return 1;
        heads->items = grown;
        heads->capacity = capacity;
    }
    heads->items[heads->count++] = feed->head;
    heads->entries += feed->head.seq;
    return 0;
}

static int by_feed(const void *a, const void *b)
{
    return id_compare(&((const struct entry_head *)a)->feed, &((const struct entry_head *)b)->feed);
}

int heads_read(const struct store *store, struct heads *out, struct error *error)
{
    struct reading reading = {.heads = out};
    int code;

    *out = (struct heads){0};
    code = store->operations->feeds(store->self, 0, false, SIZE_MAX, take, &reading, error);
    if (!code && reading.no_memory)
        code = error_memory(error);
    if (code)
        heads_finish(out);
    else if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_feed);
    return code;
}

void heads_finish(struct heads *heads)
{
    free(heads->items);
    *heads = (struct heads){0};
}

size_t heads_equal(const struct heads *wanted, const struct heads *here)
{
    size_t equal = 0;

    for (size_t i = 0; i < wanted->count; i++) {
        const struct entry_head *want = &wanted->items[i];
        const struct entry_head *found =
            here->count ? bsearch(want, here->items, here->count, sizeof *want, by_feed) : NULL;

        equal +=
            found && entry_head_compare(want, found) == 0 && id_equal(&want->hash, &found->hash);
    }
    return equal;
}
