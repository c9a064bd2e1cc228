/* Sealing what we publish: for whom it must be, and the sealing keys of those that it is for, which
 * come from the ledger. */
#include "node/ops/ops_parts.h"

#include "common/identity.h"

#include <stdlib.h>
#include <string.h>

struct chain_reading {
    struct identity_chain chain;
    size_t in_force; /* so many of them have their entries in the feed */
    struct error *error;
    int code;
};

static int add_certificate(void *context, const struct store_certificate *certificate)
{
    struct chain_reading *reading = context;

    reading->code = identity_chain_append(&reading->chain, certificate->encoded, reading->error);
    if (certificate->seq)
        reading->in_force = reading->chain.count;
    return reading->code;
}

static int refuse_unknown(const struct ops_context *context, const struct id *feed,
                          struct error *error)
{
    const char *handle = view_handle(context->view, feed);
    char hex[2 * sizeof feed->bytes + 1];

    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    return error_set(error, ERROR_NOT_FOUND,
                     "nothing can be sealed for %s: its certificate is not known here; accept its "
                     "card first: caravan partner add FILE",
                     *handle ? handle : hex);
}

/* The sealing key of the newest certificate that is known; of ours, of the one in force: anybody
 * who has stolen the root key may show us another one. */
static int find_sealing_key(const struct ops_context *context, const struct id *feed,
                            struct id *key, struct error *error)
{
    const struct store *store = &context->store;
    struct chain_reading reading = {.error = error};
    size_t count;
    int code = identity_chain_init(&reading.chain, feed, context->network, error);

    if (code)
        return code;
    code = store->operations->certificates(store->self, feed, add_certificate, &reading, error);
    code = code ? code : reading.code;
    count = id_equal(feed, &context->feed) ? reading.in_force : reading.chain.count;
    if (!code && !count)
        code = refuse_unknown(context, feed, error);
    if (!code)
        *key = reading.chain.certificates[count - 1].sealing_key;
    identity_chain_finish(&reading.chain);
    return code;
}

static int fill_readers(const struct ops_context *context, const struct view_audience *audience,
                        struct seal_reader *readers, size_t *count, struct error *error)
{
    int code = ERROR_NONE;

    *count = 0;
    for (size_t i = 0; i < audience->count && !code; i++) {
        struct seal_reader *reader = &readers[*count];

        if (id_equal(&audience->feeds[i], &context->feed))
            continue;
        if (*count == LIMIT_SEAL_AUDIENCE)
            return error_set(error, ERROR_TOO_LARGE, "it is for more than %d institutions",
                             LIMIT_SEAL_AUDIENCE);
        reader->feed = audience->feeds[i];
        code = find_sealing_key(context, &reader->feed, &reader->sealing_key, error);
        ++*count;
    }
    return code;
}

int ops_seal(const struct ops_context *context, const struct view_audience *audience,
             uint32_t content_type, struct span content, struct buffer *out, struct error *error)
{
    struct seal_draft draft = {.network = context->network,
                               .feed = context->feed,
                               .content_type = content_type,
                               .content = content};
    struct seal_reader *readers = calloc(LIMIT_SEAL_AUDIENCE, sizeof *readers);
    int code = readers ? ERROR_NONE : error_memory(error);

    if (!code)
        code = fill_readers(context, audience, readers, &draft.audience_count, error);
    if (!code && !draft.audience_count)
        code = error_set(error, ERROR_INVALID,
                         "it would be sealed for nobody; expected at least one institution "
                         "besides us");
    if (!code)
        code = find_sealing_key(context, &context->feed, &draft.sealing_key, error);
    draft.audience = readers;
    if (!code)
        code = seal_make(&draft, out, NULL, error);
    free(readers);
    return code;
}

/* --- the parties ------------------------------------------------------------------------------ */

static bool reads(const struct ops_context *context, const struct view_audience *audience,
                  const struct id *feed)
{
    bool reads = id_equal(feed, &context->feed);

    for (size_t i = 0; i < audience->count && !reads; i++)
        reads = id_equal(&audience->feeds[i], feed);
    return reads;
}

/* "th-nstda,za-nrf", appended: the parties that cannot read it. */
static bool list_left_out(const struct ops_context *context, const struct view_audience *audience,
                          const Caravan__Announcement *announcement, struct buffer *out)
{
    struct view_audience told = *audience; /* each once */
    bool ok = true;

    for (size_t i = 0; i < announcement->n_parties && ok; i++) {
        const ProtobufCBinaryData *node = &announcement->parties[i]->node_id;
        char hex[2 * BYTES_ID_SIZE + 1];
        const char *handle;
        struct id feed;

        if (!span_to_id(span_of(node->data, node->len), &feed) || reads(context, &told, &feed))
            continue;
        view_audience_add(&told, &feed);
        bytes_to_hex(feed.bytes, sizeof feed.bytes, hex);
        handle = view_handle(context->view, &feed);
        ok = buffer_printf(out, "%s%s", out->size ? "," : "", *handle ? handle : hex);
    }
    return ok;
}

int ops_seal_check_parties(const struct ops_context *context, const struct view_audience *audience,
                           const Caravan__Announcement *announcement, const char *name,
                           struct error *error)
{
    struct buffer left_out = {0};
    int code = list_left_out(context, audience, announcement, &left_out) ? ERROR_NONE
                                                                         : error_memory(error);
    const char *who = left_out.size ? buffer_text(&left_out) : "";

    if (!code && left_out.size && name)
        code = error_set(error, ERROR_INVALID,
                         "parties: found the node id of %.160s, for whom %s is not sealed, and who "
                         "could neither read nor confirm it; let them read it first (caravan share "
                         "%s %.160s), or leave their node id out",
                         who, name, name, who);
    else if (!code && left_out.size)
        code = error_set(error, ERROR_INVALID,
                         "parties: found the node id of %.160s, for whom it would not be sealed, "
                         "and who could neither read nor confirm it; expected them in the "
                         "audience: add %.160s to --to (or to `audience` in the file), or leave "
                         "their node id out",
                         who, who);
    buffer_finish(&left_out);
    return code;
}
