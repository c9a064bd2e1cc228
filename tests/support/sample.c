#include "tests/support/sample.h"

#include <stdlib.h>
#include <string.h>

struct sample *sample_create(uint8_t number)
{
    struct sample *sample = calloc(1, sizeof *sample);

    if (!sample)
        abort();
    institution_init(&sample->institution, number);
    sample->feed = sample->institution.chain.feed;
    return sample;
}

void sample_destroy(struct sample *sample)
{
    for (size_t i = 0; i < sample->count; i++)
        buffer_finish(&sample->bytes[i]);
    institution_finish(&sample->institution);
    free(sample);
}

struct store_entry sample_next_bytes(struct sample *sample, uint32_t type, struct span content)
{
    struct store_entry out = {.certificate = 1};
    struct buffer *bytes = &sample->bytes[sample->count];

    if (sample->count == SAMPLE_ENTRIES)
        abort();
    institution_append(&sample->institution, type, content, bytes);
    sample->count++;
    if (entry_parse_bytes(buffer_span(bytes), INSTITUTION_NETWORK, &out.entry, NULL) != ERROR_NONE)
        abort();
    out.entry.signature_checked = true;
    out.received_ms = out.entry.seq;
    return out;
}

struct store_entry sample_next(struct sample *sample, uint32_t type, const char *content)
{
    return sample_next_bytes(sample, type, span_of_text(content));
}

struct store_entry sample_without_content(struct store_entry entry)
{
    entry.entry.has_content = false;
    entry.entry.salt = entry.entry.content = span_of(NULL, 0);
    return entry;
}

struct store_entry sample_unsigned(struct store_entry entry)
{
    entry.entry.signature_checked = false;
    return entry;
}
