#include "node/node_keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/node_parts.h"

/* After a theft partners that are connected get so long to take the new certificate in over the
 * connections that stand. */
#define STOLEN_MS 10000

enum { NOBODY, BACKUP, ROTATION };

static bool take_files(struct node *node, int user)
{
    int nobody = NOBODY;

    return atomic_compare_exchange_strong(&node->keys.users, &nobody, user);
}

bool node_keys_begin_backup(struct node *node)
{
    return take_files(node, BACKUP);
}

void node_keys_end_backup(struct node *node)
{
    atomic_store(&node->keys.users, NOBODY);
}

/* Other threads may be looking at it. Without memory it stays where it is, to the end. */
static void keep(struct node *node, struct secret *secret)
{
    struct keyfiles_list *kept = &node->keys.kept;
    struct secret **more = realloc(kept->secrets, (kept->count + 1) * sizeof *more);

    if (!more)
        return;
    kept->secrets = more;
    more[kept->count++] = secret;
}

/* --- the start --------------------------------------------------------------------------------
 */

struct reading {
    struct identity_chain chain; /* of certificates whose entries are in our feed */
    struct error *error;
    int code;
};

static int read_certificate(void *context, const struct store_certificate *row)
{
    struct reading *reading = context;

    if (!row->seq)
        return 1; /* known ahead: not in force */
    reading->code = identity_chain_append(&reading->chain, row->encoded, reading->error);
    return reading->code;
}

/* The ledger knows best what is in force; a certificate whose keys are not here is another copy's,
 * or a thief's. */
static int follow_ledger(struct node *node, const struct identity_chain *chain, struct error *error)
{
    const char *home = node->options->home;
    struct keyfiles keys;
    struct own own;
    int code = keyfiles_load(home, identity_chain_get(chain, chain->count), &keys, NULL);

    keyfiles_finish(&keys);
    if (code && code != ERROR_MEMORY)
        log_warning("keys.old", "certificate", log_number((long long)chain->count), "text",
                    "keys/ does not have the keys of this certificate of ours, the newest one: "
                    "nothing that this node signs counts; caravan status says what to do");
    if (code)
        return code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
    code = keyfiles_settle(home, chain, error);
    if (!code)
        code = own_load(home, node->config.message->network, &own, error);
    if (code)
        return code;
    own_finish(&node->own);
    node->own = own;
    log_info("keys.settled", "certificate", log_number((long long)chain->count));
    return ERROR_NONE;
}

/* Since the last theft that we know of. */
static void count_anew(struct node *node)
{
    const struct identity_chain *chain = &node->own.chain;

    for (size_t i = 0; i < chain->count; i++)
        if (chain->certificates[i].former_stolen)
            policy_count_anew(node->policy, &chain->certificates[i].hash);
}

int node_keys_start(struct node *node, struct error *error)
{
    const struct store *store = &node->writer;
    const struct identity_chain *own = &node->own.chain;
    struct reading reading = {.error = error};
    int code =
        identity_chain_init(&reading.chain, &own->feed, node->config.message->network, error);

    if (!code)
        code = store->operations->certificates(store->self, &own->feed, read_certificate, &reading,
                                               error);
    if (!code)
        code = reading.code;
    if (!code && reading.chain.count &&
        (reading.chain.count > own->count ||
         identity_chain_common(&reading.chain, own) < reading.chain.count))
        code = follow_ledger(node, &reading.chain, error);
    identity_chain_finish(&reading.chain);
    if (!code)
        code = keyfiles_settle(node->options->home, &node->own.chain, error);
    count_anew(node);
    node->keys.looked_at = UINT64_MAX;
    node->keys.wire = node->own.former_transport ? node->own.former_transport : node->own.transport;
    return code;
}

/* --- a new certificate --------------------------------------------------------------------------
 */

static int settle(struct node *node, struct error *error)
{
    int code = keyfiles_settle(node->options->home, &node->own.chain, error);

    node->keys.unsettled = code != ERROR_NONE;
    if (!code)
        atomic_store(&node->keys.users, NOBODY);
    return code;
}

static int check_may_certify(struct node *node, const struct identity_certificate *certificate,
                             struct error *error)
{
    if (node->keys.pending)
        return error_set(error, ERROR_BUSY, "another certificate is being brought into force");
    if (node->keys.unsettled && settle(node, error))
        return error_prefix(error, "the keys of the certificate before are not in place yet");
    if (node->own.former_transport && !certificate->former_stolen)
        return error_set(error, ERROR_EXISTS,
                         "some partners have not received certificate %zu yet, so this node still "
                         "answers by the key before it, and one more rotation would lock them out; "
                         "see: caravan key show. To do without them: caravan key retire",
                         node->own.chain.count);
    return ERROR_NONE;
}

/* It is in force when the transaction ends well, and the files follow. */
static int note_pending(struct node *node, struct error *error)
{
    struct node_keys *keys = &node->keys;

    if (identity_chain_copy(exchange_own_chain(node->exchange), &keys->chain, error)) {
        /* It cannot be taken back: the next start finds it in the ledger, and the keys. */
        node_stop_because(node, "out of memory while new keys came into force; start again");
        return ERROR_MEMORY;
    }
    keys->pending = true;
    /* Read with before anybody can seal for it. */
    atomic_store(&keys->fresh_sealing, keys->next.sealing);
    return ERROR_NONE;
}

static int certify(void *self, struct span encoded, const struct exchange_place *place,
                   struct exchange_published *out, struct error *error)
{
    struct node *node = self;
    struct node_keys *keys = &node->keys;
    struct identity_certificate certificate;
    int code = identity_certificate_peek(encoded, &certificate, error);

    if (!code)
        code = check_may_certify(node, &certificate, error);
    if (code)
        return code;
    if (!take_files(node, ROTATION))
        return error_set(error, ERROR_BUSY, "a backup is being written; try again when it is done");
    code = keyfiles_take(node->options->home, &certificate, &keys->next, error);
    if (!code)
        code = exchange_certify(node->exchange, encoded, keys->next.node, place, out, error);
    if (!code)
        return note_pending(node, error);
    keyfiles_finish(&keys->next);
    atomic_store(&keys->users, NOBODY);
    return code;
}

/* May partners know us by the key that we had? Not after a theft, nor with keys of an old backup.
 */
static bool is_former(const struct own *own, const struct identity_chain *chain)
{
    const struct identity_certificate *newest = identity_chain_get(chain, chain->count);
    const struct identity_certificate *before = identity_chain_get(chain, chain->count - 1);

    return before && !newest->former_stolen &&
           id_equal(secret_public(own->transport), &before->transport_key);
}

static void adopt(struct node *node)
{
    struct node_keys *keys = &node->keys;
    struct own *own = &node->own;
    bool former = is_former(own, &keys->chain);

    keep(node, own->node);
    keep(node, own->sealing);
    if (own->former_transport)
        keep(node, own->former_transport);
    if (!former)
        keep(node, own->transport);
    own->former_transport = former ? own->transport : NULL;
    own->node = keys->next.node;
    own->transport = keys->next.transport;
    own->sealing = keys->next.sealing;
    keys->next = (struct keyfiles){0};
    keys->switch_at = former ? 0 : node_monotonic_ms(NULL) + STOLEN_MS;
    keys->looked_at = UINT64_MAX;
    keys->rotations++;
    log_info("keys.rotated", "certificate", log_number((long long)keys->chain.count), "former",
             former ? "used until all partners have the new one" : "not used any more");
    identity_chain_finish(&own->chain);
    own->chain = keys->chain;
    keys->chain = (struct identity_chain){0};
}

void node_keys_committed(struct node *node, bool done)
{
    struct node_keys *keys = &node->keys;
    struct error error;

    if (!keys->pending)
        return;
    keys->pending = false;
    if (!done) {                        /* nobody has seen it */
        keep(node, keys->next.sealing); /* the reader may have it */
        keys->next.sealing = NULL;
        keyfiles_finish(&keys->next);
        identity_chain_finish(&keys->chain);
        atomic_store(&keys->users, NOBODY);
        return;
    }
    adopt(node);
    count_anew(node);
    exchange_tell_certificates(node->exchange);
    if (settle(node, &error))
        log_error("keys.settle", "text", error.text);
}

/* --- the transport key --------------------------------------------------------------------------
 */

struct looking {
    size_t lacking, connected_lacking;
};

static void look_at_partner(void *context, const struct exchange_feed_state *state)
{
    struct looking *looking = context;

    if (!state->partner || state->received_newest)
        return;
    looking->lacking++;
    looking->connected_lacking += state->exchanging;
}

/* The file goes first: after a kill in between the newest key is used, which all know. */
static int use_newest(struct node *node, struct error *error)
{
    struct own *own = &node->own;
    int code = own->former_transport ? keyfiles_retire(node->options->home, error) : ERROR_NONE;

    if (code)
        return code;
    if (own->former_transport)
        keep(node, own->former_transport);
    own->former_transport = NULL;
    node->keys.switch_at = 0;
    node->keys.wire = own->transport;
    net_use_key(node->net, own->transport);
    return ERROR_NONE;
}

/* Its file must stay until then. */
static bool is_backed_up(const struct node *node)
{
    return node->own.former_transport && atomic_load(&node->keys.users) != NOBODY;
}

static bool may_switch(struct node *node)
{
    struct node_keys *keys = &node->keys;
    uint64_t changes = exchange_changes(node->exchange);
    struct looking looking = {0};

    if (keys->switch_at && node_monotonic_ms(NULL) >= keys->switch_at)
        return true;
    if (changes == keys->looked_at)
        return false;
    keys->looked_at = changes;
    exchange_feeds(node->exchange, look_at_partner, &looking);
    return keys->switch_at ? looking.connected_lacking == 0 : looking.lacking == 0;
}

void node_keys_tick(struct node *node)
{
    struct error error;

    if (node->keys.pending)
        return;
    if (node->keys.unsettled && settle(node, &error))
        log_error("keys.settle", "text", error.text);
    if (node->keys.unsettled || node->keys.wire == node->own.transport || is_backed_up(node) ||
        !may_switch(node))
        return;
    if (use_newest(node, &error)) {
        log_error("keys.retire", "text", error.text);
        node->keys.looked_at = UINT64_MAX;
    }
}

static int retire(void *self, struct error *error)
{
    struct node *node = self;

    if (node->keys.wire == node->own.transport)
        return error_set(
            error, ERROR_NOT_FOUND,
            "there is no former key in use that could be retired; nothing was changed");
    if (node->keys.pending || node->keys.unsettled || is_backed_up(node))
        return error_set(error, ERROR_BUSY,
                         "new keys are being put into place, or a backup is being written; try "
                         "again");
    return use_newest(node, error);
}

void node_keys_fill(struct node *node, struct ops_keys *out)
{
    *out = (struct ops_keys){.certify = certify,
                             .retire = retire,
                             .former_transport = node->keys.wire != node->own.transport,
                             .former_sealing =
                                 (uint32_t)(node->own.former_sealing.count + node->keys.rotations)};
}

/* --- the reader's -----------------------------------------------------------------------------
 */

void node_keys_read(struct node *node)
{
    struct secret *fresh = atomic_exchange(&node->keys.fresh_sealing, NULL);
    struct error error;

    if (!fresh || opened_add(node->opened, fresh, &error) == ERROR_NONE)
        return;
    log_error("keys.read", "text", error.text);
    atomic_store(&node->keys.fresh_sealing, fresh); /* again at the next request */
}

void node_keys_finish(struct node *node)
{
    keyfiles_finish(&node->keys.next);
    identity_chain_finish(&node->keys.chain);
    keyfiles_list_finish(&node->keys.kept);
}
