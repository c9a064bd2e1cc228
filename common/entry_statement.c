/* Signed statements about a feed: heads and receipts. */
#include "common/entry.h"
#include "common/fields.h"

#include <inttypes.h>
#include <string.h>

/* SignedHead and SignedReceipt have one shape. */
enum { SIGNED_STATEMENT = 1, SIGNED_SIGNATURE, SIGNED_COUNT };

static const struct fields_rule signed_rules[SIGNED_COUNT] = {
    [SIGNED_STATEMENT] = {FIELDS_BYTES, "statement", 0, true},
    [SIGNED_SIGNATURE] = {FIELDS_BYTES, "signature", IDENTITY_SIGNATURE_SIZE, true},
};
static const struct fields_message signed_head_message = {"SignedHead", signed_rules, SIGNED_COUNT};
static const struct fields_message signed_receipt_message = {"SignedReceipt", signed_rules,
                                                             SIGNED_COUNT};

enum { HEAD_FEED = 1, HEAD_CERTIFICATE, HEAD_SEQ, HEAD_HASH, HEAD_RECOVERIES, HEAD_COUNT };

static const struct fields_rule head_rules[HEAD_COUNT] = {
    [HEAD_FEED] = {FIELDS_BYTES, "feed", BYTES_ID_SIZE, true},
    [HEAD_CERTIFICATE] = {FIELDS_U64, "certificate_number", 0, true},
    [HEAD_SEQ] = {FIELDS_U64, "seq", 0, true},
    [HEAD_HASH] = {FIELDS_BYTES, "hash", BYTES_ID_SIZE, true},
    [HEAD_RECOVERIES] = {FIELDS_U64, "recoveries", 0, false},
};
static const struct fields_message head_message = {"Head", head_rules, HEAD_COUNT};

enum { STATEMENT_NETWORK = 1, STATEMENT_HEAD, STATEMENT_AS_OF_MS, STATEMENT_COUNT };

static const struct fields_rule statement_rules[STATEMENT_COUNT] = {
    [STATEMENT_NETWORK] = {FIELDS_BYTES, "network", 0, true},
    [STATEMENT_HEAD] = {FIELDS_BYTES, "head", 0, true},
    [STATEMENT_AS_OF_MS] = {FIELDS_U64, "as_of_ms", 0, true},
};
static const struct fields_message statement_message = {"HeadStatement", statement_rules,
                                                        STATEMENT_COUNT};

enum {
    RECEIPT_NETWORK = 1,
    RECEIPT_RECEIVER,
    RECEIPT_HEAD,
    RECEIPT_MISSING,
    RECEIPT_COUNTER,
    RECEIPT_COUNT
};

static const struct fields_rule receipt_rules[RECEIPT_COUNT] = {
    [RECEIPT_NETWORK] = {FIELDS_BYTES, "network", 0, true},
    [RECEIPT_RECEIVER] = {FIELDS_BYTES, "receiver", BYTES_ID_SIZE, true},
    [RECEIPT_HEAD] = {FIELDS_BYTES, "head", 0, true},
    [RECEIPT_MISSING] = {FIELDS_U64, "missing", 0, false},
    [RECEIPT_COUNTER] = {FIELDS_U64, "counter", 0, true},
};
static const struct fields_message receipt_message = {"ReceiptStatement", receipt_rules,
                                                      RECEIPT_COUNT};

/* --- signing --------------------------------------------------------------------------------- */

void entry_head_fill(const struct entry_head *head, Caravan__Head *out)
{
    caravan__head__init(out);
    out->has_feed = out->has_certificate_number = out->has_seq = out->has_hash = 1;
    out->feed = fields_binary(span_of_id(&head->feed));
    out->certificate_number = head->certificate;
    out->seq = head->seq;
    out->hash = fields_binary(span_of_id(&head->hash));
    out->has_recoveries = head->recoveries != 0;
    out->recoveries = head->recoveries;
}

/* A SignedHead or SignedReceipt around the statement: the two have the same fields. */
static int sign_statement(const ProtobufCMessage *statement, enum identity_purpose purpose,
                          const char *network, const struct secret *node, struct buffer *out,
                          struct error *error)
{
    Caravan__SignedHead message = CARAVAN__SIGNED_HEAD__INIT;
    uint8_t signature[IDENTITY_SIGNATURE_SIZE];
    struct buffer bytes = {0};
    struct id hash;
    int code = ERROR_NONE;

    if (!fields_pack(statement, &bytes)) {
        code = error_memory(error);
        goto out;
    }
    identity_hash(purpose, buffer_span(&bytes), &hash);
    code = identity_sign(node, purpose, network, &hash, signature, error);
    if (code)
        goto out;
    message.has_statement = message.has_signature = 1;
    message.statement = fields_binary(buffer_span(&bytes));
    message.signature = fields_binary(span_of(signature, sizeof signature));
    if (!fields_pack(&message.base, out))
        code = error_memory(error);
out:
    buffer_finish(&bytes);
    return code;
}

int entry_head_sign(const struct entry_head *head, const char *network, uint64_t as_of_ms,
                    const struct secret *node, struct buffer *signed_head, struct error *error)
{
    Caravan__HeadStatement statement = CARAVAN__HEAD_STATEMENT__INIT;
    Caravan__Head inner;

    entry_head_fill(head, &inner);
    statement.network = (char *)(uintptr_t)network;
    statement.head = &inner;
    statement.has_as_of_ms = 1;
    statement.as_of_ms = as_of_ms;
    return sign_statement(&statement.base, IDENTITY_HEAD, network, node, signed_head, error);
}

int entry_receipt_sign(const struct entry_receipt *receipt, const char *network,
                       const struct secret *node, struct buffer *signed_receipt,
                       struct error *error)
{
    Caravan__ReceiptStatement statement = CARAVAN__RECEIPT_STATEMENT__INIT;
    Caravan__Head inner;

    entry_head_fill(&receipt->head, &inner);
    statement.network = (char *)(uintptr_t)network;
    statement.has_receiver = statement.has_missing = statement.has_counter = 1;
    statement.receiver = fields_binary(span_of_id(&receipt->receiver));
    statement.head = &inner;
    statement.missing = receipt->missing;
    statement.counter = receipt->counter;
    return sign_statement(&statement.base, IDENTITY_RECEIPT, network, node, signed_receipt, error);
}

/* --- checking -------------------------------------------------------------------------------- */

static int check_network(const char *message, struct span found, const char *network,
                         struct error *error)
{
    char text[LIMIT_NETWORK_SIZE + 1];

    if (span_equal(found, span_of_text(network)))
        return ERROR_NONE;
    return error_set(error, ERROR_WRONG_NETWORK, "%s: network is \"%s\", expected \"%s\"", message,
                     bytes_visible(found, text, sizeof text), network);
}

/* "Nothing yet" has certificate and seq 0: a receiver may say that, a publisher has entry 1. */
bool entry_head_is_possible(const struct entry_head *head, bool may_be_empty)
{
    if (head->seq == 0)
        return may_be_empty && head->certificate == 0 && head->recoveries == 0;
    return head->recoveries < head->certificate && head->seq <= INT64_MAX &&
           head->certificate > 0 && head->certificate <= head->seq;
}

static int read_head(const char *message, struct span bytes, bool may_be_empty,
                     struct entry_head *head, struct error *error)
{
    struct fields_value in[HEAD_COUNT];
    int code = fields_read(&head_message, bytes, in, error);

    if (code) {
        error_prefix(error, "%s", message);
        return code;
    }
    span_to_id(in[HEAD_FEED].bytes, &head->feed);
    span_to_id(in[HEAD_HASH].bytes, &head->hash);
    head->certificate = in[HEAD_CERTIFICATE].number;
    head->seq = in[HEAD_SEQ].number;
    head->recoveries = in[HEAD_RECOVERIES].number;
    if (!entry_head_is_possible(head, may_be_empty))
        return error_set(error, ERROR_MALFORMED,
                         "%s: Head: certificate %" PRIu64 " at seq %" PRIu64 ", %" PRIu64
                         " by recovery, expected 1 ≤ certificate ≤ seq ≤ %" PRId64
                         ", fewer by recovery",
                         message, head->certificate, head->seq, head->recoveries, INT64_MAX);
    return ERROR_NONE;
}

static int check_signature(const char *message, enum identity_purpose purpose,
                           const struct identity_certificate *certificate, const char *network,
                           const struct fields_value *signed_fields, struct error *error)
{
    struct id hash;

    identity_hash(purpose, signed_fields[SIGNED_STATEMENT].bytes, &hash);
    if (!identity_verify(&certificate->node_key, purpose, network, &hash,
                         signed_fields[SIGNED_SIGNATURE].bytes))
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "%s: signature does not match the node key of certificate %" PRIu64,
                         message, certificate->number);
    return ERROR_NONE;
}

static int read_statement(struct span bytes, const char *network, struct fields_value *outer,
                          struct entry_head *head, uint64_t *as_of_ms, struct error *error)
{
    struct fields_value in[STATEMENT_COUNT];
    struct entry_head parsed;
    int code = fields_read(&signed_head_message, bytes, outer, error);

    if (!code)
        code = fields_read(&statement_message, outer[SIGNED_STATEMENT].bytes, in, error);
    if (!code)
        code = check_network("HeadStatement", in[STATEMENT_NETWORK].bytes, network, error);
    if (!code)
        code = read_head("HeadStatement", in[STATEMENT_HEAD].bytes, false, &parsed, error);
    if (code)
        return code;
    *head = parsed;
    *as_of_ms = in[STATEMENT_AS_OF_MS].number;
    return ERROR_NONE;
}

int entry_head_parse(struct span signed_head, const char *network, struct entry_head *head,
                     uint64_t *as_of_ms, struct error *error)
{
    struct fields_value outer[SIGNED_COUNT];

    return read_statement(signed_head, network, outer, head, as_of_ms, error);
}

int entry_head_check(struct span signed_head, const struct identity_chain *chain,
                     struct entry_head *head, uint64_t *as_of_ms, struct error *error)
{
    struct fields_value outer[SIGNED_COUNT];
    const struct identity_certificate *certificate;
    struct entry_head parsed;
    uint64_t parsed_ms;
    int code = read_statement(signed_head, chain->network, outer, &parsed, &parsed_ms, error);

    if (code)
        return code;
    if (!id_equal(&parsed.feed, &chain->feed))
        return error_set(error, ERROR_UNKNOWN_FEED,
                         "HeadStatement: it speaks of another feed than the one expected");
    certificate = identity_chain_get(chain, parsed.certificate);
    if (!certificate)
        return error_set(error, ERROR_GAP,
                         "HeadStatement: it names certificate %" PRIu64 ", but only %zu are known",
                         parsed.certificate, chain->count);
    code = check_signature("SignedHead", IDENTITY_HEAD, certificate, chain->network, outer, error);
    if (!code) {
        *head = parsed;
        *as_of_ms = parsed_ms;
    }
    return code;
}

static int read_receipt(struct span bytes, const char *network, struct fields_value *outer,
                        struct entry_receipt *out, struct error *error)
{
    struct fields_value in[RECEIPT_COUNT];
    struct entry_receipt receipt = {0};
    int code = fields_read(&signed_receipt_message, bytes, outer, error);

    if (!code)
        code = fields_read(&receipt_message, outer[SIGNED_STATEMENT].bytes, in, error);
    if (!code)
        code = check_network("ReceiptStatement", in[RECEIPT_NETWORK].bytes, network, error);
    if (!code)
        code = read_head("ReceiptStatement", in[RECEIPT_HEAD].bytes, true, &receipt.head, error);
    if (code)
        return code;
    span_to_id(in[RECEIPT_RECEIVER].bytes, &receipt.receiver);
    receipt.missing = in[RECEIPT_MISSING].number;
    receipt.counter = in[RECEIPT_COUNTER].number;
    *out = receipt;
    return ERROR_NONE;
}

int entry_receipt_parse(struct span signed_receipt, const char *network, struct entry_receipt *out,
                        struct error *error)
{
    struct fields_value outer[SIGNED_COUNT];

    return read_receipt(signed_receipt, network, outer, out, error);
}

int entry_receipt_check(struct span signed_receipt, const struct identity_chain *receiver,
                        struct entry_receipt *out, struct error *error)
{
    const struct identity_certificate *newest = identity_chain_get(receiver, receiver->count);
    struct fields_value outer[SIGNED_COUNT];
    struct entry_receipt receipt;
    int code = read_receipt(signed_receipt, receiver->network, outer, &receipt, error);

    if (code)
        return code;
    if (!id_equal(&receipt.receiver, &receiver->feed))
        return error_set(error, ERROR_UNKNOWN_FEED,
                         "ReceiptStatement: the receiver is another feed than the one expected");
    if (!newest)
        return error_set(error, ERROR_GAP,
                         "SignedReceipt: no certificate of the receiver is known yet");
    code =
        check_signature("SignedReceipt", IDENTITY_RECEIPT, newest, receiver->network, outer, error);
    if (!code)
        *out = receipt;
    return code;
}
