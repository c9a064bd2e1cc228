#include "node/core/policy.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"

struct rule {
    bool serve;
    struct buffer statement;
};

struct policy {
    pthread_mutex_t lock; /* protects rules, served and mark */
    struct id own_feed;
    struct map rules;
    uint8_t served[16]; /* the feeds that are handed on, in no order: their ids' beginnings, XOR */
    uint8_t mark[16];   /* heads were counted anew since then; zero: never */
};

int policy_create(const struct id *own_feed, struct policy **out, struct error *error)
{
    struct policy *policy = calloc(1, sizeof *policy);

    if (!policy)
        return error_memory(error);
    pthread_mutex_init(&policy->lock, NULL);
    policy->own_feed = *own_feed;
    *out = policy;
    return ERROR_NONE;
}

void policy_destroy(struct policy *policy)
{
    struct rule *rule;
    size_t at = 0;

    if (!policy)
        return;
    while ((rule = map_next(&policy->rules, &at))) {
        buffer_finish(&rule->statement);
        free(rule);
    }
    map_finish(&policy->rules);
    pthread_mutex_destroy(&policy->lock);
    free(policy);
}

/* NULL when memory ran out. Called with the lock held. */
static struct rule *rule_of(struct policy *policy, const struct id *feed)
{
    struct rule *rule = map_get(&policy->rules, feed);

    if (rule)
        return rule;
    rule = calloc(1, sizeof *rule);
    if (rule && !map_put(&policy->rules, feed, rule)) {
        free(rule);
        rule = NULL;
    }
    return rule;
}

static void mix(uint8_t into[16], const uint8_t *bytes)
{
    for (size_t i = 0; i < 16; i++)
        into[i] ^= bytes[i];
}

int policy_serve(struct policy *policy, const struct id *feed, bool serve, struct error *error)
{
    struct rule *rule;

    pthread_mutex_lock(&policy->lock);
    rule = rule_of(policy, feed);
    if (rule && rule->serve != serve) {
        rule->serve = serve;
        mix(policy->served, feed->bytes);
    }
    pthread_mutex_unlock(&policy->lock);
    return rule ? ERROR_NONE : error_memory(error);
}

void policy_count_anew(struct policy *policy, const struct id *mark)
{
    pthread_mutex_lock(&policy->lock);
    memcpy(policy->mark, mark->bytes, sizeof policy->mark);
    pthread_mutex_unlock(&policy->lock);
}

void policy_ledger(struct policy *policy, const uint8_t ledger[16], uint8_t out[16])
{
    memcpy(out, ledger, 16);
    pthread_mutex_lock(&policy->lock);
    mix(out, policy->served);
    mix(out, policy->mark);
    pthread_mutex_unlock(&policy->lock);
}

bool policy_may_read(struct policy *policy, const struct id *feed, const struct id *peer)
{
    const struct rule *rule;
    bool serve;

    if (id_equal(feed, &policy->own_feed) || id_equal(feed, peer))
        return true;
    pthread_mutex_lock(&policy->lock);
    rule = map_get(&policy->rules, feed);
    serve = rule && rule->serve;
    pthread_mutex_unlock(&policy->lock);
    return serve;
}

int policy_set_statement(struct policy *policy, const struct id *feed, struct span signed_head,
                         struct error *error)
{
    struct rule *rule;
    bool done = false;

    pthread_mutex_lock(&policy->lock);
    rule = rule_of(policy, feed);
    if (rule && buffer_reserve(&rule->statement, signed_head.size)) {
        buffer_clear(&rule->statement);
        done = buffer_append(&rule->statement, signed_head.data, signed_head.size);
    }
    pthread_mutex_unlock(&policy->lock);
    return done ? ERROR_NONE : error_memory(error);
}

bool policy_get_statement(struct policy *policy, const struct id *feed, struct buffer *out)
{
    const struct rule *rule;
    bool done;

    pthread_mutex_lock(&policy->lock);
    rule = map_get(&policy->rules, feed);
    done = rule && rule->statement.size &&
           buffer_append(out, rule->statement.data, rule->statement.size);
    pthread_mutex_unlock(&policy->lock);
    return done;
}
