#include "node/core/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/map.h"

/* Public part first, so that a pointer to it is a pointer to the whole. */
struct held {
    struct keyring_entry entry;
    atomic_uint references;
};

struct keyring {
    pthread_mutex_t lock; /* protects held */
    struct map held;
};

int keyring_create(struct keyring **out, struct error *error)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);

    if (!keyring)
        return error_memory(error);
    pthread_mutex_init(&keyring->lock, NULL);
    *out = keyring;
    return ERROR_NONE;
}

void keyring_release(struct keyring *keyring, const struct keyring_entry *entry)
{
    struct held *held = (struct held *)entry;

    (void)keyring;
    if (held && atomic_fetch_sub(&held->references, 1) == 1) {
        identity_chain_finish(&held->entry.chain);
        free(held);
    }
}

void keyring_destroy(struct keyring *keyring)
{
    struct held *held;
    size_t at = 0;

    if (!keyring)
        return;
    while ((held = map_next(&keyring->held, &at)))
        keyring_release(keyring, &held->entry);
    map_finish(&keyring->held);
    pthread_mutex_destroy(&keyring->lock);
    free(keyring);
}

int keyring_set(struct keyring *keyring, const struct identity_chain *chain, uint64_t number,
                struct error *error)
{
    struct held *held = calloc(1, sizeof *held), *old;
    bool put;

    if (!held)
        return error_memory(error);
    if (identity_chain_copy(chain, &held->entry.chain, error)) {
        free(held);
        return ERROR_MEMORY;
    }
    held->entry.number = number;
    atomic_init(&held->references, 1);
    pthread_mutex_lock(&keyring->lock);
    old = map_get(&keyring->held, &chain->feed);
    put = map_put(&keyring->held, &chain->feed, held);
    pthread_mutex_unlock(&keyring->lock);
    keyring_release(keyring, put ? (old ? &old->entry : NULL) : &held->entry);
    return put ? ERROR_NONE : error_memory(error);
}

void keyring_remove(struct keyring *keyring, const struct id *feed)
{
    struct held *old;

    pthread_mutex_lock(&keyring->lock);
    old = map_remove(&keyring->held, feed);
    pthread_mutex_unlock(&keyring->lock);
    if (old)
        keyring_release(keyring, &old->entry);
}

const struct keyring_entry *keyring_take(struct keyring *keyring, const struct id *feed)
{
    struct held *held;

    pthread_mutex_lock(&keyring->lock);
    held = map_get(&keyring->held, feed);
    if (held)
        atomic_fetch_add(&held->references, 1);
    pthread_mutex_unlock(&keyring->lock);
    return held ? &held->entry : NULL;
}
