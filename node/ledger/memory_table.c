#include "node/ledger/memory_table.h"

#include <stdlib.h>
#include <string.h>

static void row_destroy(struct memory_row *row)
{
    buffer_finish(&row->key);
    buffer_finish(&row->value);
    buffer_finish(&row->old);
    free(row);
}

void memory_table_finish(struct memory_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        row_destroy(table->rows[i]);
    free(table->rows);
    *table = (struct memory_table){0};
}

static int key_compare(struct span a, struct span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

size_t memory_table_find(const struct memory_table *table, struct span key)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (key_compare(buffer_span(&table->rows[middle]->key), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct memory_row *row_of(const struct memory_table *table, struct span key)
{
    size_t index = memory_table_find(table, key);

    if (index == table->count || !span_equal(buffer_span(&table->rows[index]->key), key))
        return NULL;
    return table->rows[index];
}

static bool row_add(struct memory_table *table, struct span key, struct buffer *value)
{
    size_t index = memory_table_find(table, key);
    struct memory_row *row;

    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 16;
        struct memory_row **rows = realloc(table->rows, capacity * sizeof *rows);

        if (!rows)
            return false;
        table->rows = rows;
        table->capacity = capacity;
    }
    row = calloc(1, sizeof *row);
    if (!row || !buffer_append(&row->key, key.data, key.size)) {
        free(row);
        return false;
    }
    row->value = *value;
    row->changed = true;
    row->next_changed = table->changed;
    table->changed = row;
    memmove(table->rows + index + 1, table->rows + index,
            (table->count - index) * sizeof(struct memory_row *));
    table->rows[index] = row;
    table->count++;
    return true;
}

bool memory_table_put(struct memory_table *table, struct span key, struct span value)
{
    struct memory_row *row = row_of(table, key);
    struct buffer copy = {0};

    if (!buffer_append(&copy, value.data, value.size))
        return false;
    if (!row) {
        if (row_add(table, key, &copy))
            return true;
        buffer_finish(&copy);
        return false;
    }
    if (row->changed) {
        buffer_finish(&row->value);
    } else {
        row->changed = row->was_there = true;
        row->old = row->value;
        row->next_changed = table->changed;
        table->changed = row;
    }
    row->value = copy;
    return true;
}

bool memory_table_at(const struct memory_table *table, size_t index, bool committed,
                     struct span *key, struct span *value)
{
    const struct memory_row *row = table->rows[index];
    bool old = committed && row->changed;

    if (old && !row->was_there)
        return false;
    *key = buffer_span(&row->key);
    *value = buffer_span(old ? &row->old : &row->value);
    return true;
}

bool memory_table_get(const struct memory_table *table, struct span key, bool committed,
                      struct span *value)
{
    size_t index = memory_table_find(table, key);
    struct span found;

    return index < table->count && span_equal(buffer_span(&table->rows[index]->key), key) &&
           memory_table_at(table, index, committed, &found, value);
}

void memory_table_commit(struct memory_table *table)
{
    for (struct memory_row *row = table->changed; row; row = row->next_changed) {
        buffer_finish(&row->old);
        row->changed = row->was_there = false;
    }
    table->changed = NULL;
}

void memory_table_rollback(struct memory_table *table)
{
    size_t kept = 0;

    for (struct memory_row *row = table->changed; row; row = row->next_changed) {
        if (!row->was_there)
            continue;
        buffer_finish(&row->value);
        row->value = row->old;
        row->old = (struct buffer){0};
        row->changed = row->was_there = false;
    }
    for (size_t i = 0; table->changed && i < table->count; i++) {
        if (table->rows[i]->changed)
            row_destroy(table->rows[i]);
        else
            table->rows[kept++] = table->rows[i];
    }
    if (table->changed)
        table->count = kept;
    table->changed = NULL;
}
