/* sample: one made-up feed as a ledger keeps it: real entries, signed and chained. */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

#include "node/core/ports.h"
#include "tests/support/institution.h"

#define SAMPLE_ENTRIES 2048

struct sample {
    struct institution institution;
    struct id feed;
    struct buffer bytes[SAMPLE_ENTRIES]; /* SignedEntry of each */
    size_t count;
};

/* A feed without entries yet; secret_start is called. Free with sample_destroy. */
struct sample *sample_create(uint8_t number);
void sample_destroy(struct sample *sample);

/* The next entry, with its content and its signature checked, received at `seq` ms under
 * certificate 1. Spans live as long as the sample. */
struct store_entry sample_next(struct sample *sample, uint32_t type, const char *content);
struct store_entry sample_next_bytes(struct sample *sample, uint32_t type, struct span content);
/* The same entry as it looks when its content is missing, or when nobody checked its signature. */
struct store_entry sample_without_content(struct store_entry entry);
struct store_entry sample_unsigned(struct store_entry entry);

#endif
