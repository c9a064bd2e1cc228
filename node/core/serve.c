#include "node/core/serve.h"

#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/limits.h"
#include "common/wire.h"

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
    return fields_pack(&message.base, out);
}

/* --- runs ---------------------------------------------------------------------------------------
 */

#define RUN_ENTRIES 3 /* the field */

struct gathering {
    struct buffer *out;
    size_t start;    /* where the entries begin */
    size_t max_size; /* of the entries */
    uint64_t count, last_seq;
    uint64_t signed_count; /* up to the last one with a signature */
    size_t signed_end;
    uint64_t proof_from; /* 0: no proof yet */
    bool signed_proof;
    bool no_memory;
};

static bool gather(struct gathering *g, const struct entry *entry, bool keep_content)
{
    size_t size = entry_encoded_size(entry, keep_content);
    size_t whole = wire_field_size(RUN_ENTRIES, size);
    uint8_t *at;

    if (g->count && g->out->size - g->start + whole > g->max_size)
        return false;
    if (!buffer_reserve(g->out, whole)) {
        g->no_memory = true;
        return false;
    }
    at = g->out->data + g->out->size;
    g->out->size = (size_t)(wire_write_key(at, RUN_ENTRIES, size) - g->out->data);
    g->no_memory = !entry_encode(entry, keep_content, g->out);
    g->count++;
    g->last_seq = entry->seq;
    return !g->no_memory;
}

static int gather_kept(void *context, const struct store_entry *row)
{
    struct gathering *g = context;

    if (g->count >= LIMIT_RUN_ENTRIES - LIMIT_ANCHOR_INTERVAL || !gather(g, &row->entry, true))
        return 1;
    if (row->entry.signature.size) {
        g->signed_count = g->count;
        g->signed_end = g->out->size;
    }
    /* A run may end at a certificate entry, never cross one. */
    return entry_is_certificate(&row->entry);
}

static int gather_proof(void *context, const struct store_entry *row)
{
    struct gathering *g = context;

    if (g->count >= LIMIT_RUN_ENTRIES)
        return 1;
    if (!g->proof_from)
        g->proof_from = row->entry.seq;
    /* A certificate is permanent, so it keeps its content even where it is only proof. */
    if (!gather(g, &row->entry, entry_content_is_permanent(row->entry.content_type)))
        return 1;
    g->signed_proof = row->entry.signature.size != 0;
    return g->signed_proof;
}

/* Most entries are smaller; the whole is bounded by what was asked for. An open end tells nothing
 * of how many there are. */
static size_t guess_size(uint64_t first, uint64_t last, size_t max_size)
{
    uint64_t count = last < first ? 0 : last - first;

    if (count >= LIMIT_RUN_ENTRIES)
        return 0;
    return count < max_size / 1024 ? (size_t)count * 1024 : max_size;
}

/* Entries with content, cut back to the last signature; or, when there is none, followed by a
 * proof. */
static int gather_run(struct gathering *g, const struct store *reader, const struct id *feed,
                      uint64_t first, uint64_t last, size_t max_size, struct error *error)
{
    int code;

    g->start = g->out->size;
    g->max_size =
        max_size < LIMIT_RUN_SIZE - LIMIT_PROOF_SIZE ? max_size : LIMIT_RUN_SIZE - LIMIT_PROOF_SIZE;
    if (!buffer_reserve(g->out, guess_size(first, last, g->max_size)))
        return error_memory(error);
    code = reader->operations->entries(reader->self, feed, first, last, gather_kept, g, error);
    if (!code && !g->no_memory && g->signed_count) {
        g->count = g->signed_count;
        g->out->size = g->signed_end;
    } else if (!code && !g->no_memory && g->count) {
        g->max_size = LIMIT_RUN_SIZE;
        code = reader->operations->entries(reader->self, feed, g->last_seq + 1, UINT64_MAX,
                                           gather_proof, g, error);
        if (!g->signed_proof) {
            g->count = 0; /* no signature yet: nothing that anybody could check */
            g->out->size = g->start;
        }
    }
    return g->no_memory ? error_memory(error) : code;
}

int serve_run(const struct store *reader, const struct id *feed, uint64_t first, uint64_t last,
              size_t max_size, uint64_t request, struct buffer *run, uint64_t *count,
              struct error *error)
{
    struct gathering g = {.out = run};
    int code;

    if ((request && !wire_put_number(run, 1, request)) || !wire_put_bytes(run, 2, span_of_id(feed)))
        return error_memory(error);
    code = gather_run(&g, reader, feed, first, last, max_size, error);
    if (!code && g.count && g.proof_from && !wire_put_number(run, 4, g.proof_from))
        code = error_memory(error);
    *count = g.count && g.proof_from ? g.proof_from - first : g.count;
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

    writer->no_memory = !wire_put_bytes(writer->out, 3, certificate->encoded);
    return writer->no_memory;
}

int serve_certificates(const struct store *reader, const struct id *feed, uint64_t request,
                       struct buffer *certificates, struct error *error)
{
    struct certificate_writer writer = {certificates, false};
    int code;

    if ((request && !wire_put_number(certificates, 1, request)) ||
        !wire_put_bytes(certificates, 2, span_of_id(feed)))
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

    entry_head_fill(&feed->head, &head);
    buffer_clear(&writer->head);
    buffer_clear(&writer->statement);
    done =
        fields_pack(&head.base, &packed) && wire_put_bytes(&writer->head, 1, buffer_span(&packed));
    /* The newest statement is in memory; the stored one is what the last run of the node knew. */
    if (!policy_get_statement(writer->policy, &feed->head.feed, &writer->statement))
        done =
            done && buffer_append(&writer->statement, feed->statement.data, feed->statement.size);
    if (writer->statement.size && writer->statement.size <= LIMIT_STATEMENT_SIZE)
        done = done && wire_put_bytes(&writer->head, 2, buffer_span(&writer->statement));
    done = done && wire_put_bytes(writer->out, 4, buffer_span(&writer->head));
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
    if (!wire_put_bytes(&heads, 1, span_of(ledger, sizeof ledger)))
        writer.no_memory = true;
    code = reader->operations->feeds(reader->self, after, false, LIMIT_HEADS_PER_MESSAGE,
                                     write_head, &writer, error);
    if (code)
        goto out;
    more = writer.full || writer.visited >= LIMIT_HEADS_PER_MESSAGE;
    if (writer.no_memory ||
        !wire_put_number(&heads, 2, more ? writer.last_arrival : info.last_arrival) ||
        !wire_put_number(&heads, 3, more) || !wire_put_bytes(out, 3, buffer_span(&heads)))
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

/* A run goes straight into the message: it is copied nowhere before it is on its way. */
static int answer_pull(const struct store *reader, struct policy *policy, const struct id *peer,
                       const Caravan__Pull *pull, struct buffer *out, struct error *error)
{
    struct error reason;
    struct id feed;
    uint64_t count = 0;
    size_t mark;
    int code;

    if (readable_feed(policy, peer, pull->has_feed, pull->feed, &feed, &reason))
        return serve_refusal(pull->request, NULL, 0, &reason, out) ? ERROR_NONE
                                                                   : error_memory(error);
    if (!wire_begin(out, CARAVAN__SYNC_MESSAGE__BODY_RUN, &mark))
        return error_memory(error);
    code = serve_run(reader, &feed, pull->has_first && pull->first ? pull->first : 1,
                     pull->has_last ? pull->last : UINT64_MAX,
                     pull->has_size && pull->size ? pull->size : LIMIT_RUN_SIZE, pull->request, out,
                     &count, error);
    if (!code)
        wire_end(out, mark);
    buffer_trim(out); /* it may wait for a peer that does not read */
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
    if (!code && !wire_put_bytes(out, 7, buffer_span(&certificates)))
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
