#include "node/core/serve.h"

#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/limits.h"

bool serve_pack(const ProtobufCMessage *message, struct buffer *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    if (!buffer_reserve(out, size))
        return false;
    out->size += protobuf_c_message_pack(message, out->data + out->size);
    return true;
}

static bool put_varint(struct buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    do {
        bytes[size] = (uint8_t)(value & 0x7f);
        value >>= 7;
        bytes[size++] |= value ? 0x80 : 0;
    } while (value);
    return buffer_append(out, bytes, size);
}

/* A length-delimited field: sub-message or bytes. */
static bool put_field(struct buffer *out, unsigned number, struct span value)
{
    return put_varint(out, (uint64_t)number << 3 | 2) && put_varint(out, value.size) &&
           buffer_append(out, value.data, value.size);
}

static bool put_number(struct buffer *out, unsigned number, uint64_t value)
{
    return put_varint(out, (uint64_t)number << 3) && put_varint(out, value);
}

bool serve_refusal(uint64_t request, const struct id *feed, uint64_t seq,
                   const struct error *reason, struct buffer *out)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Refusal refusal = CARAVAN__REFUSAL__INIT;
    char text[501];

    /* A sentence may quote a peer's bytes: cut it where UTF-8 allows. */
    size_t size = strlen(reason->text);

    if (size > sizeof text - 1) {
        size = sizeof text - 1;
        while (size && ((unsigned char)reason->text[size] & 0xc0) == 0x80)
            size--;
    }
    memcpy(text, reason->text, size);
    text[size] = '\0';
    refusal.has_request = request != 0;
    refusal.request = request;
    refusal.code = (char *)(uintptr_t)error_name(reason->code);
    refusal.text = text;
    if (feed) {
        refusal.has_feed = true;
        refusal.feed = fields_binary(span_of_id(feed));
    }
    refusal.has_seq = seq != 0;
    refusal.seq = seq;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_REFUSAL;
    message.refusal = &refusal;
    return serve_pack(&message.base, out);
}

/* --- runs ---------------------------------------------------------------------------------------
 */

struct gathering {
    struct buffer entries; /* field 3 of Run, repeated */
    struct buffer one;
    size_t max_size;
    uint64_t count, last_seq; /* gathered */
    uint64_t signed_count;    /* … up to the last one with a signature */
    size_t signed_size;
    uint64_t proof_from; /* 0: no proof yet */
    bool signed_proof;
    bool no_memory;
};

static bool gather(struct gathering *g, const struct store_entry *entry, bool keep_content)
{
    buffer_clear(&g->one);
    if (!entry_encode(&entry->entry, keep_content, &g->one)) {
        g->no_memory = true;
        return false;
    }
    if (g->count && g->entries.size + g->one.size + 16 > g->max_size)
        return false;
    if (!put_field(&g->entries, 3, buffer_span(&g->one))) {
        g->no_memory = true;
        return false;
    }
    g->count++;
    g->last_seq = entry->entry.seq;
    return true;
}

static int gather_kept(void *context, const struct store_entry *entry)
{
    struct gathering *g = context;

    if (g->count >= LIMIT_RUN_ENTRIES - LIMIT_ANCHOR_INTERVAL || !gather(g, entry, true))
        return 1;
    if (entry->entry.signature.size) {
        g->signed_count = g->count;
        g->signed_size = g->entries.size;
    }
    /* A run may end at a certificate entry, never cross one. */
    return entry->entry.content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE;
}

static int gather_proof(void *context, const struct store_entry *entry)
{
    struct gathering *g = context;

    if (g->count >= LIMIT_RUN_ENTRIES)
        return 1;
    if (!g->proof_from)
        g->proof_from = entry->entry.seq;
    /* A certificate is permanent, so it keeps its content even where it is only proof. */
    if (!gather(g, entry, entry_content_is_permanent(entry->entry.content_type)))
        return 1;
    g->signed_proof = entry->entry.signature.size != 0;
    return g->signed_proof;
}

/* Entries with content, cut back to the last signature; or, when there is none, followed by a
 * proof. */
static int gather_run(struct gathering *g, const struct store *reader, const struct id *feed,
                      uint64_t first, uint64_t last, size_t max_size, struct error *error)
{
    int code;

    g->max_size = max_size - LIMIT_PROOF_SIZE;
    code = reader->operations->entries(reader->self, feed, first, last, gather_kept, g, error);
    if (code || g->no_memory)
        return g->no_memory ? error_memory(error) : code;
    if (g->signed_count) {
        g->count = g->signed_count;
        g->entries.size = g->signed_size;
    } else if (g->count) {
        g->max_size = max_size;
        code = reader->operations->entries(reader->self, feed, g->last_seq + 1, UINT64_MAX,
                                           gather_proof, g, error);
        if (code || g->no_memory)
            return g->no_memory ? error_memory(error) : code;
        if (!g->signed_proof)
            g->count = 0; /* no signature yet: nothing that anybody could check */
    }
    return ERROR_NONE;
}

int serve_run(const struct store *reader, const struct id *feed, uint64_t first, uint64_t last,
              size_t max_size, uint64_t request, struct buffer *run, uint64_t *count,
              struct error *error)
{
    struct gathering g = {0};
    int code;

    code = gather_run(&g, reader, feed, first, last, max_size, error);
    if (code)
        goto out;
    if ((request && !put_number(run, 1, request)) || !put_field(run, 2, span_of_id(feed)) ||
        (g.count && !buffer_append(run, g.entries.data, g.entries.size)) ||
        (g.count && g.proof_from && !put_number(run, 4, g.proof_from))) {
        code = error_memory(error);
        goto out;
    }
    *count = g.count && g.proof_from ? g.proof_from - first : g.count;
out:
    buffer_finish(&g.entries);
    buffer_finish(&g.one);
    return code;
}

/* --- certificates -------------------------------------------------------------------------------
 */

struct certificate_writer {
    struct buffer *out;
    bool no_memory;
};

static int write_certificate(void *context, const struct store_certificate *certificate)
{
    struct certificate_writer *writer = context;

    writer->no_memory = !put_field(writer->out, 3, certificate->encoded);
    return writer->no_memory;
}

int serve_certificates(const struct store *reader, const struct id *feed, uint64_t request,
                       struct buffer *certificates, struct error *error)
{
    struct certificate_writer writer = {certificates, false};
    int code;

    if ((request && !put_number(certificates, 1, request)) ||
        !put_field(certificates, 2, span_of_id(feed)))
        return error_memory(error);
    code = reader->operations->certificates(reader->self, feed, write_certificate, &writer, error);
    return writer.no_memory ? error_memory(error) : code;
}

/* --- heads --------------------------------------------------------------------------------------
 */

/* FeedHead: hash, feed, numbers, framing, and the statement. */
#define HEAD_SIZE_MAX (256 + LIMIT_STATEMENT_SIZE)

struct heads_writer {
    struct policy *policy;
    const struct id *peer;
    struct buffer *out; /* Heads, without its scalar fields */
    struct buffer head, statement;
    uint64_t last_arrival;
    size_t visited;
    bool full, no_memory;
};

static bool put_head(struct heads_writer *writer, const struct store_feed *feed)
{
    Caravan__Head head = CARAVAN__HEAD__INIT;
    struct buffer packed = {0};
    bool done;

    head.has_feed = head.has_certificate_number = head.has_seq = head.has_hash = true;
    head.feed = fields_binary(span_of_id(&feed->head.feed));
    head.certificate_number = feed->head.certificate;
    head.seq = feed->head.seq;
    head.hash = fields_binary(span_of_id(&feed->head.hash));
    buffer_clear(&writer->head);
    buffer_clear(&writer->statement);
    done = serve_pack(&head.base, &packed) && put_field(&writer->head, 1, buffer_span(&packed));
    /* The newest statement is in memory; the stored one is what the last run of the node knew. */
    if (!policy_get_statement(writer->policy, &feed->head.feed, &writer->statement))
        done =
            done && buffer_append(&writer->statement, feed->statement.data, feed->statement.size);
    if (writer->statement.size && writer->statement.size <= LIMIT_STATEMENT_SIZE)
        done = done && put_field(&writer->head, 2, buffer_span(&writer->statement));
    done = done && put_field(writer->out, 4, buffer_span(&writer->head));
    buffer_finish(&packed);
    return done;
}

static int write_head(void *context, const struct store_feed *feed)
{
    struct heads_writer *writer = context;

    /* Statements have no fixed size: a page ends where the next head might not fit. */
    writer->full = writer->out->size + HEAD_SIZE_MAX > LIMIT_MESSAGE_SIZE - 256;
    if (writer->full)
        return 1;
    writer->visited++;
    writer->last_arrival = feed->head_arrival;
    if (!policy_may_read(writer->policy, &feed->head.feed, writer->peer))
        return 0;
    writer->no_memory = !put_head(writer, feed);
    return writer->no_memory;
}

static int answer_heads(const struct store *reader, struct policy *policy, const struct id *peer,
                        const Caravan__HeadsRequest *request, struct buffer *out,
                        struct error *error)
{
    struct buffer heads = {0};
    struct heads_writer writer = {.policy = policy, .peer = peer, .out = &heads};
    struct store_info info;
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    uint64_t after = 0;
    bool more;
    int code;

    /* Read before the feeds: what arrives in between is told again, not passed over. */
    code = reader->operations->info(reader->self, &info, error);
    if (code)
        goto out;
    policy_ledger(policy, info.ledger, ledger);
    if (request->has_ledger && span_equal(span_of(request->ledger.data, request->ledger.len),
                                          span_of(ledger, sizeof ledger)))
        after = request->after;
    if (!put_field(&heads, 1, span_of(ledger, sizeof ledger)))
        writer.no_memory = true;
    code = reader->operations->feeds(reader->self, after, false, LIMIT_HEADS_PER_MESSAGE,
                                     write_head, &writer, error);
    if (code)
        goto out;
    more = writer.full || writer.visited >= LIMIT_HEADS_PER_MESSAGE;
    if (writer.no_memory ||
        !put_number(&heads, 2, more ? writer.last_arrival : info.last_arrival) ||
        !put_number(&heads, 3, more) || !put_field(out, 3, buffer_span(&heads)))
        code = error_memory(error);
out:
    buffer_finish(&heads);
    buffer_finish(&writer.head);
    buffer_finish(&writer.statement);
    return code;
}

/* --- the three requests -------------------------------------------------------------------------
 */

/* The feed of a pull or certificates request, or why it is refused. */
static int readable_feed(struct policy *policy, const struct id *peer, bool has_feed,
                         ProtobufCBinaryData bytes, struct id *feed, struct error *error)
{
    if (!has_feed || !span_to_id(span_of(bytes.data, bytes.len), feed))
        return error_set(error, ERROR_MALFORMED, "feed: found %zu bytes, expected 32",
                         has_feed ? bytes.len : (size_t)0);
    if (!policy_may_read(policy, feed, peer))
        return error_set(error, ERROR_UNKNOWN_FEED, "this node does not hand on that feed");
    return ERROR_NONE;
}

static int answer_pull(const struct store *reader, struct policy *policy, const struct id *peer,
                       const Caravan__Pull *pull, struct buffer *out, struct error *error)
{
    struct error reason;
    struct buffer run = {0};
    struct id feed;
    uint64_t count = 0;
    int code;

    if (readable_feed(policy, peer, pull->has_feed, pull->feed, &feed, &reason))
        return serve_refusal(pull->request, NULL, 0, &reason, out) ? ERROR_NONE
                                                                   : error_memory(error);
    code = serve_run(reader, &feed, pull->has_first && pull->first ? pull->first : 1,
                     pull->has_last ? pull->last : UINT64_MAX, LIMIT_MESSAGE_SIZE - 256,
                     pull->request, &run, &count, error);
    if (!code && !put_field(out, 5, buffer_span(&run)))
        code = error_memory(error);
    buffer_finish(&run);
    return code;
}

static int answer_certificates(const struct store *reader, struct policy *policy,
                               const struct id *peer, const Caravan__CertificatesRequest *request,
                               struct buffer *out, struct error *error)
{
    struct error reason;
    struct buffer certificates = {0};
    struct id feed;
    int code;

    if (readable_feed(policy, peer, request->has_feed, request->feed, &feed, &reason))
        return serve_refusal(request->request, NULL, 0, &reason, out) ? ERROR_NONE
                                                                      : error_memory(error);
    code = serve_certificates(reader, &feed, request->request, &certificates, error);
    if (!code && !put_field(out, 7, buffer_span(&certificates)))
        code = error_memory(error);
    buffer_finish(&certificates);
    return code;
}

int serve_answer(const struct store *reader, struct policy *policy, const struct id *peer,
                 const Caravan__SyncMessage *request, struct buffer *out, struct error *error)
{
    switch (request->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST:
        return answer_heads(reader, policy, peer, request->heads_request, out, error);
    case CARAVAN__SYNC_MESSAGE__BODY_PULL:
        return answer_pull(reader, policy, peer, request->pull, out, error);
    case CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST:
        return answer_certificates(reader, policy, peer, request->certificates_request, out, error);
    default:
        return error_set(error, ERROR_INTERNAL, "serve: this message is no request");
    }
}
