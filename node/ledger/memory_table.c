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
    for (size_t i = 0; i < table->count; i++) {
        for (size_t j = 0; j < table->blocks[i]->count; j++)
            row_destroy(table->blocks[i]->rows[j]);
        free(table->blocks[i]);
    }
    free(table->blocks);
    *table = (struct memory_table){0};
}

static int key_compare(struct span a, struct span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_before(const struct memory_row *row, struct span key)
{
    return key_compare(buffer_span(&row->key), key) < 0;
}

/* The first block whose last row is not in front of the key. */
static size_t find_block(const struct memory_table *table, struct span key)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct memory_block *block = table->blocks[middle];

        if (is_before(block->rows[block->count - 1], key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct memory_place memory_table_find(const struct memory_table *table, struct span key)
{
    struct memory_place place = {.block = find_block(table, key)};
    size_t high = place.block < table->count ? table->blocks[place.block]->count : 0;

    while (place.row < high) {
        size_t middle = place.row + (high - place.row) / 2;

        if (is_before(table->blocks[place.block]->rows[middle], key))
            place.row = middle + 1;
        else
            high = middle;
    }
    return place;
}

static struct memory_row *row_of(const struct memory_table *table, struct span key)
{
    struct memory_place place = memory_table_find(table, key);
    struct memory_row *row =
        place.block < table->count ? table->blocks[place.block]->rows[place.row] : NULL;

    return row && span_equal(buffer_span(&row->key), key) ? row : NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* An empty one, to be filled at once. */
static bool add_block(struct memory_table *table, size_t at)
{
    struct memory_block *block = calloc(1, sizeof *block);

    if (block && table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 4;
        struct memory_block **blocks = realloc(table->blocks, capacity * sizeof *blocks);

        if (!blocks) {
            free(block);
            return false;
        }
        table->blocks = blocks;
        table->capacity = capacity;
    }
    if (!block)
        return false;
    memmove(table->blocks + at + 1, table->blocks + at,
            (table->count - at) * sizeof(struct memory_block *));
    table->blocks[at] = block;
    table->count++;
    return true;
}

/* Room in the block for one more row at this place; the place moves with what it is in front of. */
static bool make_room(struct memory_table *table, struct memory_place *place)
{
    const size_t half = MEMORY_TABLE_BLOCK / 2;
    struct memory_block *block, *upper;

    if (!table->count)
        return add_block(table, 0);
    if (place->block == table->count) { /* behind all others */
        place->block--;
        place->row = table->blocks[place->block]->count;
    }
    block = table->blocks[place->block];
    if (block->count < MEMORY_TABLE_BLOCK)
        return true;
    if (!add_block(table, place->block + 1))
        return false;
    upper = table->blocks[place->block + 1];
    upper->count = block->count - half;
    memcpy(upper->rows, block->rows + half, upper->count * sizeof upper->rows[0]);
    block->count = half;
    if (place->row > half)
        *place = (struct memory_place){place->block + 1, place->row - half};
    return true;
}

static void insert(struct memory_block *block, size_t at, struct memory_row *row)
{
    memmove(block->rows + at + 1, block->rows + at, (block->count - at) * sizeof block->rows[0]);
    block->rows[at] = row;
    block->count++;
}

static bool row_add(struct memory_table *table, struct span key, struct buffer *value)
{
    struct memory_place place = memory_table_find(table, key);
    struct memory_row *row = calloc(1, sizeof *row);

    if (!row)
        return false;
    if (!buffer_append(&row->key, key.data, key.size) || !make_room(table, &place)) {
        row_destroy(row);
        return false;
    }
    row->value = *value;
    row->changed = true;
    row->next_changed = table->changed;
    table->changed = row;
    insert(table->blocks[place.block], place.row, row);
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

/* --- looking ---------------------------------------------------------------------------------- */

/* false: it was not there then. */
static bool see(const struct memory_row *row, bool committed, struct span *value)
{
    bool old = committed && row->changed;

    if (old && !row->was_there)
        return false;
    *value = buffer_span(old ? &row->old : &row->value);
    return true;
}

bool memory_table_get(const struct memory_table *table, struct span key, bool committed,
                      struct span *value)
{
    const struct memory_row *row = row_of(table, key);

    return row && see(row, committed, value);
}

bool memory_table_next(const struct memory_table *table, struct memory_place *place, bool committed,
                       struct span *key, struct span *value)
{
    while (place->block < table->count) {
        const struct memory_block *block = table->blocks[place->block];

        if (place->row == block->count) {
            *place = (struct memory_place){place->block + 1, 0};
        } else {
            const struct memory_row *row = block->rows[place->row++];

            *key = buffer_span(&row->key);
            if (see(row, committed, value))
                return true;
        }
    }
    return false;
}

/* --- the end of a transaction ----------------------------------------------------------------- */

void memory_table_commit(struct memory_table *table)
{
    for (struct memory_row *row = table->changed; row; row = row->next_changed) {
        buffer_finish(&row->old);
        row->changed = row->was_there = false;
    }
    table->changed = NULL;
}

/* Rows that only the transaction knew. */
static void remove_new(struct memory_table *table)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->count; i++) {
        struct memory_block *block = table->blocks[i];
        size_t rows = 0;

        for (size_t j = 0; j < block->count; j++)
            if (block->rows[j]->changed)
                row_destroy(block->rows[j]);
            else
                block->rows[rows++] = block->rows[j];
        block->count = rows;
        if (rows)
            table->blocks[kept++] = block;
        else
            free(block);
    }
    table->count = kept;
}

void memory_table_rollback(struct memory_table *table)
{
    for (struct memory_row *row = table->changed; row; row = row->next_changed) {
        if (!row->was_there)
            continue;
        buffer_finish(&row->value);
        row->value = row->old;
        row->old = (struct buffer){0};
        row->changed = row->was_there = false;
    }
    if (table->changed)
        remove_new(table);
    table->changed = NULL;
}
