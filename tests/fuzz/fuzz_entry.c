/* Everything that is signed: entries, certificates, heads, receipts. */
#include "tests/support/institution.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct identity_chain *known_chain(void)
{
    static struct institution who;
    static bool ready;
    struct buffer unused = {0};

    if (!ready) {
        institution_init(&who, 1);
        institution_certify(&who, false, &unused);
        buffer_finish(&unused);
        ready = true;
    }
    return &who.chain;
}

/* What was taken is taken again, and is the same. */
static void check_entry(const struct entry *entry)
{
    struct buffer again = {0};
    struct entry second;

    if (!entry_encode(entry, true, &again))
        abort();
    if (entry_parse_bytes(buffer_span(&again), INSTITUTION_NETWORK, &second, NULL) ||
        !id_equal(&entry->hash, &second.hash) || entry->has_content != second.has_content)
        abort();
    buffer_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct identity_chain *chain = known_chain();
    struct span bytes = span_of(data, size);
    struct identity_certificate certificate;
    struct entry_receipt receipt;
    struct entry_head head;
    struct entry_run run;
    struct entry entry;
    struct error error;
    uint64_t as_of;

    if (entry_parse_bytes(bytes, INSTITUTION_NETWORK, &entry, &error) == ERROR_NONE)
        check_entry(&entry);
    if (entry_run_parse_single(bytes, INSTITUTION_NETWORK, &run, &error) == ERROR_NONE) {
        entry_run_check(&run, chain, 1, &error);
        entry_run_check(&run, chain, 0, &error);
    }
    entry_run_finish(&run);
    identity_chain_check(chain, bytes, &certificate, &error);
    entry_head_check(bytes, chain, &head, &as_of, &error);
    entry_receipt_check(bytes, chain, &receipt, &error);
    return 0;
}
