/* Runs: consecutive entries of one feed, whose last signature vouches for all. */
#include "common/entry.h"

#include "common/fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_REQUEST = 1, RUN_FEED, RUN_ENTRIES, RUN_PROOF_FROM, RUN_COUNT };

static const struct fields_rule run_rules[RUN_COUNT] = {
    [RUN_REQUEST] = {FIELDS_U64, "request", 0, false},
    [RUN_FEED] = {FIELDS_BYTES, "feed", BYTES_ID_SIZE, true},
    [RUN_ENTRIES] = {FIELDS_MANY, "entries", 0, false},
    [RUN_PROOF_FROM] = {FIELDS_U64, "proof_from", 0, false},
};
static const struct fields_message run_message = {"Run", run_rules, RUN_COUNT};

void entry_run_finish(struct entry_run *run)
{
    if (!run)
        return;
    free(run->entries);
    *run = (struct entry_run){0};
}

/* --- parsing --------------------------------------------------------------------------------- */

static bool is_kept(const struct entry_run *run, size_t index)
{
    return index < run->kept;
}

/* One entry in its place: of this feed, behind the one before it. */
static int check_order(const struct entry_run *run, size_t index, struct error *error)
{
    const struct entry *entry = &run->entries[index];
    const struct entry *before = index ? entry - 1 : NULL;

    if (!id_equal(&entry->feed, &run->feed))
        return error_set(error, ERROR_MALFORMED,
                         "entry %" PRIu64 " is of another feed, expected the run's", entry->seq);
    if (before && entry->seq != before->seq + 1)
        return error_set(error, ERROR_MALFORMED,
                         "found seq %" PRIu64 " behind %" PRIu64 ", expected %" PRIu64, entry->seq,
                         before->seq, before->seq + 1);
    if (before && !id_equal(&entry->previous, &before->hash))
        return error_set(error, ERROR_BROKEN_CHAIN,
                         "entry %" PRIu64 ": previous is not the hash of entry %" PRIu64,
                         entry->seq, before->seq);
    return ERROR_NONE;
}

/* What a run must have so that it can be checked. */
static int check_parts(const struct entry_run *run, size_t index, struct error *error)
{
    const struct entry *entry = &run->entries[index];
    bool last = index + 1 == run->count;

    if (entry_is_certificate(entry) && !last)
        return error_set(error, ERROR_MALFORMED,
                         "entry %" PRIu64 " is a certificate, expected only at the end of a run",
                         entry->seq);
    if (!entry->signature.size && (last || entry_is_anchor(entry)))
        return error_set(error, ERROR_MALFORMED,
                         "entry %" PRIu64 ": found no signature, expected one %s", entry->seq,
                         last ? "at the end of a run" : "on every 256th entry");
    if (!entry->has_content && entry_content_is_permanent(entry->content_type) &&
        (is_kept(run, index) || entry_is_certificate(entry)))
        return error_set(error, ERROR_MALFORMED,
                         "entry %" PRIu64
                         ": found no content, expected it: content of type %" PRIu32
                         " is never erased",
                         entry->seq, entry->content_type);
    return ERROR_NONE;
}

static int check_all(const struct entry_run *run, struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; !code && i < run->count; i++) {
        code = check_order(run, i, error);
        if (!code)
            code = check_parts(run, i, error);
    }
    return code;
}

/* proof_from is a seq: 0, or from the second to the last entry of the run. */
static int set_kept(struct entry_run *run, uint64_t proof_from, struct error *error)
{
    uint64_t first = run->entries[0].seq;

    run->kept = run->count;
    if (proof_from == 0)
        return ERROR_NONE;
    if (proof_from <= first || proof_from - first >= run->count)
        return error_set(error, ERROR_MALFORMED,
                         "proof_from is %" PRIu64 ", expected 0 or %" PRIu64 " to %" PRIu64,
                         proof_from, first + 1, first + run->count - 1);
    run->kept = (size_t)(proof_from - first);
    return ERROR_NONE;
}

int entry_run_open(struct span run, struct entry_run_frame *out, struct error *error)
{
    struct fields_value in[RUN_COUNT];
    int code = fields_read(&run_message, run, in, error);

    *out = (struct entry_run_frame){.bytes = run};
    /* Known even where something behind it is broken. */
    out->request = in[RUN_REQUEST].number;
    if (code)
        return code;
    span_to_id(in[RUN_FEED].bytes, &out->feed);
    out->proof_from = in[RUN_PROOF_FROM].number;
    out->count = (size_t)in[RUN_ENTRIES].number;
    return ERROR_NONE;
}

static int parse_entries(const struct entry_run_frame *frame, const char *network,
                         struct entry_run *run, struct error *error)
{
    struct fields_cursor cursor = {run_message.name, frame->bytes, 0, error};
    struct fields_field field;
    size_t found = 0;
    int code = ERROR_NONE;

    while (!code && found < run->count) {
        code = fields_next(&cursor, &field);
        if (code || field.number != RUN_ENTRIES)
            continue;
        code = entry_parse_bytes(field.value.bytes, network, &run->entries[found++], error);
        if (code)
            error_prefix(error, "entry at place %zu", found);
    }
    return code;
}

static int parse_run(const struct entry_run_frame *frame, const char *network,
                     struct entry_run *run, struct error *error)
{
    int code;

    if (frame->count == 0 || frame->count > LIMIT_RUN_ENTRIES)
        return error_set(error, ERROR_MALFORMED, "found %zu entries, expected 1 to %d",
                         frame->count, LIMIT_RUN_ENTRIES);
    run->feed = frame->feed;
    run->entries = calloc(frame->count, sizeof *run->entries);
    if (!run->entries)
        return error_memory(error);
    run->count = frame->count;
    code = parse_entries(frame, network, run, error);
    if (!code)
        code = set_kept(run, frame->proof_from, error);
    return code ? code : check_all(run, error);
}

int entry_run_parse(const struct entry_run_frame *frame, const char *network, struct entry_run *out,
                    struct error *error)
{
    struct entry_run parsed = {0};
    int code = parse_run(frame, network, &parsed, error);

    if (code) {
        entry_run_finish(&parsed);
        error_prefix(error, "Run");
    }
    *out = parsed;
    return code;
}

int entry_run_read(struct span run, const char *network, struct entry_run *out, struct error *error)
{
    struct entry_run_frame frame;
    int code = entry_run_open(run, &frame, error);

    *out = (struct entry_run){0};
    return code ? code : entry_run_parse(&frame, network, out, error);
}

int entry_run_parse_single(struct span signed_entry, const char *network, struct entry_run *out,
                           struct error *error)
{
    struct entry_run parsed = {.entries = calloc(1, sizeof *parsed.entries), .count = 1, .kept = 1};
    int code;

    *out = (struct entry_run){0};
    if (!parsed.entries)
        return error_memory(error);
    code = entry_parse_bytes(signed_entry, network, &parsed.entries[0], error);
    if (!code) {
        parsed.feed = parsed.entries[0].feed;
        code = check_parts(&parsed, 0, error);
    }
    if (code)
        entry_run_finish(&parsed);
    *out = parsed;
    return code;
}

/* --- checking signatures --------------------------------------------------------------------- */

/* The certificate that the last entry carries; its node key signs that entry. */
static int check_certificate(const struct entry *entry, const struct identity_chain *chain,
                             uint64_t number, struct identity_certificate *out, struct error *error)
{
    const struct identity_certificate *known;
    int code = identity_chain_check_at(chain, number, entry->content, out, error);

    if (code) {
        error_prefix(error, "entry %" PRIu64, entry->seq);
        return code;
    }
    known = identity_chain_get(chain, number);
    if (known && !id_equal(&known->hash, &out->hash))
        return error_set(error, ERROR_FORK,
                         "entry %" PRIu64 " carries another certificate %" PRIu64
                         " than the one that is known; both are signed by the institution's keys",
                         entry->seq, number);
    return ERROR_NONE;
}

static int verify(struct entry *entry, const struct id *key, const char *network,
                  struct error *error)
{
    if (!identity_verify(key, IDENTITY_ENTRY, network, &entry->hash, entry->signature))
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "entry %" PRIu64 ": signature does not match the node key in force",
                         entry->seq);
    entry->signature_checked = true;
    return ERROR_NONE;
}

/* Entry 1, and only that one, starts from nothing. */
static int check_start(const struct entry_run *run, const struct identity_chain *chain,
                       uint64_t certificate, struct error *error)
{
    const struct entry *first = &run->entries[0];

    if (!id_equal(&run->feed, &chain->feed))
        return error_set(error, ERROR_INTERNAL, "the certificates are of another feed");
    if (certificate > chain->count)
        return error_set(error, ERROR_GAP,
                         "certificate %" PRIu64 " is in force before entry %" PRIu64
                         ", but only %zu are known",
                         certificate, first->seq, chain->count);
    if (first->seq == 1 && !entry_is_certificate(first))
        return error_set(error, ERROR_MALFORMED,
                         "entry 1 has content of type %" PRIu32 ", expected certificate 1",
                         first->content_type);
    if ((first->seq == 1) != (certificate == 0))
        return error_set(error, certificate == 0 ? ERROR_GAP : ERROR_INTERNAL,
                         "certificate %" PRIu64 " cannot be in force before entry %" PRIu64,
                         certificate, first->seq);
    return ERROR_NONE;
}

static int check_signatures(struct entry_run *run, const struct identity_chain *chain,
                            uint64_t certificate, struct error *error)
{
    const struct identity_certificate *before = identity_chain_get(chain, certificate);
    struct identity_certificate own;
    int code = ERROR_NONE;

    for (size_t i = 0; !code && i < run->count; i++) {
        struct entry *entry = &run->entries[i];
        bool last = i + 1 == run->count;

        if (!last && !entry_is_anchor(entry))
            continue;
        if (entry_is_certificate(entry)) {
            code = check_certificate(entry, chain, certificate + 1, &own, error);
            if (!code)
                code = verify(entry, &own.node_key, chain->network, error);
        } else {
            code = verify(entry, &before->node_key, chain->network, error);
        }
    }
    return code;
}

int entry_run_check(struct entry_run *run, const struct identity_chain *chain, uint64_t certificate,
                    struct error *error)
{
    const struct entry *last_kept = &run->entries[run->kept - 1];
    int code = check_start(run, chain, certificate, error);

    if (!code)
        code = check_signatures(run, chain, certificate, error);
    if (code) {
        for (size_t i = 0; i < run->count; i++)
            run->entries[i].signature_checked = false;
        return code;
    }
    run->certificate = certificate + entry_is_certificate(last_kept);
    return ERROR_NONE;
}
