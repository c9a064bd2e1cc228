/* A new certificate of our own feed: rotating keys, after a theft too, recovery, and choosing the
 * branch of a forked feed are one act. */
#include <string.h>

#include "node/core/state.h"

/* What the certificate stands for, once it was looked at. */
struct certifying {
    uint64_t after;              /* the entry that it follows */
    uint64_t link;               /* the last one before it that stands in our feed */
    struct restore restore;      /* those between the two */
    uint64_t number;             /* of the certificate in force there */
    struct identity_chain chain; /* up to it; then with the new one */
    struct entry_head rank;
};

static void certifying_finish(struct certifying *certifying)
{
    restore_finish(&certifying->restore);
    identity_chain_finish(&certifying->chain);
}

/* Certificates that come back with entries count. */
static int find_certificates(const struct exchange *exchange, struct certifying *certifying,
                             struct error *error)
{
    const struct feed *own = exchange->own;
    const struct restore *restore = &certifying->restore;
    int code = identity_chain_copy(&own->chain, &certifying->chain, error);

    certifying->number = feed_certificate_at(own, certifying->link);
    for (size_t i = 0; i < restore->count && !code; i++) {
        if (!entry_is_certificate(&restore->entries[i]))
            continue;
        code = identity_chain_replace(&certifying->chain, restore->entries[i].content, error);
        certifying->number++;
    }
    return code;
}

static int find_place(struct exchange *exchange, const struct exchange_place *place,
                      struct certifying *certifying, struct error *error)
{
    const struct feed *own = exchange->own;
    int code = exchange_flush(exchange, error);

    *certifying = (struct certifying){.after = place->after ? place->after : own->head.seq};
    if (!code && place->after && place->hash)
        code = restore_find(exchange, place->after, place->hash, &certifying->restore, error);
    certifying->link = certifying->after - certifying->restore.count;
    if (!code && certifying->link > own->head.seq)
        code = error_set(error, ERROR_NOT_FOUND,
                         "our feed has no No. %llu: it ends at No. %llu; give the number of the "
                         "last good announcement",
                         (unsigned long long)certifying->after, (unsigned long long)own->head.seq);
    return code ? code : find_certificates(exchange, certifying, error);
}

int exchange_certificate_at(struct exchange *exchange, const struct exchange_place *place,
                            struct identity_certificate *out, struct error *error)
{
    struct certifying certifying;
    int code = find_place(exchange, place, &certifying, error);

    if (!code)
        *out = *identity_chain_get(&certifying.chain, certifying.number);
    certifying_finish(&certifying);
    return code;
}

/* Behind a head that partners have more of, it would throw away what they hold. */
static int check_state(const struct exchange *exchange, const struct exchange_place *place,
                       struct error *error)
{
    enum exchange_publishing state = exchange_publishing(exchange);

    if (place->after || (state != EXCHANGE_CHECKING && state != EXCHANGE_HELD))
        return ERROR_NONE;
    return error_set(error, ERROR_HELD,
                     "no partner has confirmed yet what we have published, so new keys are not "
                     "put behind it: wait until caravan status says \"publishing: open\", or what "
                     "is in the way. After a theft, name the last good announcement: --last-good "
                     "NUMBER");
}

static int check_rank(const struct feed *own, const struct certifying *certifying,
                      struct error *error)
{
    struct entry_head known = branch_of_chain(&own->chain, own->chain.count);
    bool replaces = identity_chain_common(&own->chain, &certifying->chain) < own->chain.count;

    if (entry_head_rank(&certifying->rank, &own->head) > 0 &&
        (!replaces || entry_head_rank(&certifying->rank, &known) > 0))
        return ERROR_NONE;
    return error_set(
        error, ERROR_INVALID,
        "certificate %llu would not outrank the certificates of our feed that are "
        "known (%zu of them): only the recovery key can undo what the root key signed; "
        "use: caravan key recover",
        (unsigned long long)certifying->rank.certificate, own->chain.count);
}

/* Is it the next one behind the entry, for this key? */
static int look_at(const struct exchange *exchange, struct span encoded,
                   const struct secret *node_key, struct certifying *certifying,
                   struct error *error)
{
    const struct feed *own = exchange->own;
    uint64_t number = certifying->number + 1;
    const struct identity_certificate *certificate;
    int code;

    code =
        number > LIMIT_CERTIFICATES
            ? error_set(error, ERROR_TOO_LARGE,
                        "certificate %d is the last one that a feed may have", LIMIT_CERTIFICATES)
            : identity_chain_replace(&certifying->chain, encoded, error);
    certificate = code ? NULL : identity_chain_get(&certifying->chain, number);
    if (!code && (!certificate || certifying->chain.count != number))
        code =
            error_set(error, ERROR_INVALID,
                      "found certificate %zu, expected number %llu: the next one behind No. %llu",
                      certifying->chain.count, (unsigned long long)number,
                      (unsigned long long)certifying->after);
    if (!code && !id_equal(&certificate->node_key, secret_public(node_key)))
        code = error_set(error, ERROR_INVALID,
                         "the certificate names another node key than the one that is to sign");
    if (code)
        return code;
    certifying->rank = branch_of_chain(&certifying->chain, number);
    return check_rank(own, certifying, error);
}

/* The entry, behind our head, signed by the key that it names. */
static int append(struct exchange *exchange, struct span encoded, const struct secret *node_key,
                  struct error *error)
{
    struct feed *own = exchange->own;
    struct entry_draft draft = {.network = exchange->network,
                                .feed = own->id,
                                .seq = own->head.seq + 1,
                                .previous = own->head.hash,
                                .created_ms = exchange_wall(exchange),
                                .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
                                .content = encoded};
    struct entry entry;
    struct entry_run run = {.feed = own->id, .entries = &entry, .count = 1, .kept = 1};
    struct buffer bytes = {0};
    int code = buffer_reserve(&bytes, ENTRY_ROOM + encoded.size) ? ERROR_NONE : error_memory(error);

    if (!code) {
        exchange->config.random.fill(exchange->config.random.self, draft.salt, sizeof draft.salt);
        code = entry_make(&draft, &bytes, &entry, error);
    }
    if (!code)
        code = entry_sign(&entry, exchange->network, node_key, &bytes, error);
    if (!code)
        code = entry_run_check(&run, &own->chain, own->head.certificate, error);
    if (!code)
        code = ingest_append(exchange, own, &entry, 1, error);
    buffer_finish(&bytes);
    return code;
}

static int put(struct exchange *exchange, struct span encoded, const struct secret *node_key,
               struct certifying *certifying, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct feed *own = exchange->own;
    int code = ERROR_NONE;

    /* A commit that fails takes back the key, and the certificate: nobody has seen it. */
    if (!exchange->former_key)
        exchange->former_key = exchange->config.node_key;
    ingest_mark_changed(exchange, own);
    if (identity_chain_common(&own->chain, &certifying->chain) < own->chain.count)
        code = branch_take_chain(exchange, own, &certifying->chain, error);
    else
        code = feed_take_certificate(exchange, own, encoded, error);
    if (!code && certifying->link < own->head.seq)
        code = branch_quarantine(exchange, own, certifying->link + 1, &certifying->rank, error);
    if (!code)
        code = restore_append(exchange, &certifying->restore, error);
    if (!code)
        code = append(exchange, encoded, node_key, error);
    if (!code)
        code = store->operations->put_frozen(store->self, &own->id, false, error);
    if (code)
        return code;
    own->frozen = false;
    exchange->config.node_key = node_key;
    catchup_moved(exchange, own);
    return ERROR_NONE;
}

int exchange_certify(struct exchange *exchange, struct span encoded, const struct secret *node_key,
                     const struct exchange_place *place, struct exchange_published *out,
                     struct error *error)
{
    const struct feed *own = exchange->own;
    struct certifying certifying = {0};
    int code = check_state(exchange, place, error);

    if (!code)
        code = find_place(exchange, place, &certifying, error);
    if (!code)
        code = look_at(exchange, encoded, node_key, &certifying, error);
    if (!code) {
        code = put(exchange, encoded, node_key, &certifying, error);
        if (code)
            exchange_break(exchange, error);
    }
    certifying_finish(&certifying);
    if (!code)
        *out = (struct exchange_published){own->head.seq, own->head.hash, false};
    return code;
}
