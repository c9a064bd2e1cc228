#include "node/core/access.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned rights;
} roles[] = {
    [ACCESS_NONE] = {"none", 0},
    [ACCESS_READER] = {"reader", ACCESS_LIVE | ACCESS_SYNC | ACCESS_PULL},
    [ACCESS_LISTENER] = {"listener", ACCESS_LIVE},
    [ACCESS_PARTNER] = {"partner", ACCESS_LIVE | ACCESS_SYNC | ACCESS_PULL | ACCESS_SPEAK},
};

#define ROLE_COUNT (sizeof roles / sizeof roles[0])

/* What is looked up; never changed once it is in the table, only replaced. */
struct rules {
    struct access_entry *entries; /* sorted by key */
    size_t count;
    bool open_reading;
};

struct access_table {
    pthread_rwlock_t lock; /* protects everything below */
    struct rules rules;
    uint64_t losses;
};

unsigned access_rights(enum access_role role)
{
    return (size_t)role < ROLE_COUNT ? roles[role].rights : 0;
}

bool access_may(enum access_role role, enum access_right right)
{
    return (access_rights(role) & (unsigned)right) != 0;
}

const char *access_role_name(enum access_role role)
{
    return (size_t)role < ROLE_COUNT ? roles[role].name : "unknown";
}

const struct id *access_peer(const struct access_entry *entry)
{
    return entry->role == ACCESS_PARTNER ? &entry->feed : &entry->key;
}

static int compare_entries(const void *a, const void *b)
{
    const struct access_entry *left = a, *right = b;

    return id_compare(&left->key, &right->key);
}

/* out is always filled: an unknown key gets an entry of its own. */
static void rules_find(const struct rules *rules, const struct id *key, struct access_entry *out)
{
    struct access_entry wanted = {.key = *key};
    const struct access_entry *found = NULL;

    if (rules->count)
        found = bsearch(&wanted, rules->entries, rules->count, sizeof wanted, compare_entries);
    *out = found ? *found : wanted;
    if (!found && rules->open_reading)
        out->role = ACCESS_READER;
}

/* Has anybody fewer rights under `after` than under `before`? Entries can only answer for keys that
 * are named; open reading answers for all the others. */
static bool rules_lost(const struct rules *before, const struct rules *after)
{
    if (before->open_reading && !after->open_reading)
        return true;
    for (size_t i = 0; i < before->count; i++) {
        struct access_entry now;

        rules_find(after, &before->entries[i].key, &now);
        if (access_rights(before->entries[i].role) & ~access_rights(now.role))
            return true;
    }
    /* A key that open reading let in may now be named with less. */
    for (size_t i = 0; before->open_reading && i < after->count; i++) {
        struct access_entry then;

        rules_find(before, &after->entries[i].key, &then);
        if (access_rights(then.role) & ~access_rights(after->entries[i].role))
            return true;
    }
    return false;
}

/* A change of feed under one key is a loss, too: what the connection was let in as is no longer so.
 */
static bool rules_renamed(const struct rules *before, const struct rules *after)
{
    for (size_t i = 0; i < before->count; i++) {
        struct access_entry now;

        rules_find(after, &before->entries[i].key, &now);
        if (now.role == ACCESS_PARTNER && before->entries[i].role == ACCESS_PARTNER &&
            !id_equal(&now.feed, &before->entries[i].feed))
            return true;
    }
    return false;
}

int access_table_create(struct access_table **out, struct error *error)
{
    struct access_table *table = calloc(1, sizeof *table);

    if (!table)
        return error_memory(error);
    if (pthread_rwlock_init(&table->lock, NULL) != 0) {
        free(table);
        return error_set(error, ERROR_INTERNAL, "cannot make the lock of the access table");
    }
    *out = table;
    return ERROR_NONE;
}

void access_table_destroy(struct access_table *table)
{
    if (!table)
        return;
    pthread_rwlock_destroy(&table->lock);
    free(table->rules.entries);
    free(table);
}

static int rules_check(const struct rules *rules, struct error *error)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct access_entry *entry = &rules->entries[i];
        const struct access_entry *before = i ? entry - 1 : NULL;

        if (before && id_equal(&before->key, &entry->key))
            return error_set(error, ERROR_INVALID,
                             "%s and %s have the same transport key; remove one of them",
                             before->name, entry->name);
        if ((size_t)entry->role >= ROLE_COUNT)
            return error_set(error, ERROR_INTERNAL, "%s has an unknown role", entry->name);
        if (entry->role == ACCESS_PARTNER && id_is_zero(&entry->feed))
            return error_set(error, ERROR_INTERNAL, "partner %s has no feed", entry->name);
    }
    return ERROR_NONE;
}

int access_table_set(struct access_table *table, const struct access_entry *entries, size_t count,
                     bool open_reading, struct error *error)
{
    struct rules rules = {.count = count, .open_reading = open_reading}, old;
    int code;

    if (count) {
        rules.entries = calloc(count, sizeof *entries);
        if (!rules.entries)
            return error_memory(error);
        memcpy(rules.entries, entries, count * sizeof *entries);
        qsort(rules.entries, count, sizeof *entries, compare_entries);
    }
    code = rules_check(&rules, error);
    if (code != ERROR_NONE) {
        free(rules.entries);
        return code;
    }
    pthread_rwlock_wrlock(&table->lock);
    old = table->rules;
    table->rules = rules;
    if (rules_lost(&old, &rules) || rules_renamed(&old, &rules))
        table->losses++;
    pthread_rwlock_unlock(&table->lock);
    free(old.entries);
    return ERROR_NONE;
}

bool access_table_find(const struct access_table *table, const struct id *key,
                       struct access_entry *out)
{
    /* The lock is not part of what the table says. */
    pthread_rwlock_t *lock = (pthread_rwlock_t *)&table->lock;

    pthread_rwlock_rdlock(lock);
    rules_find(&table->rules, key, out);
    pthread_rwlock_unlock(lock);
    return access_rights(out->role) != 0;
}

uint64_t access_table_losses(const struct access_table *table)
{
    pthread_rwlock_t *lock = (pthread_rwlock_t *)&table->lock;
    uint64_t losses;

    pthread_rwlock_rdlock(lock);
    losses = table->losses;
    pthread_rwlock_unlock(lock);
    return losses;
}
