/* What may stand in an entry of type SEALED, and what was sealed. */
#include "common/seal_parts.h"
#include "tests/support/institution.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Institution 1 publishes, 2 reads, as in the vectors. */
static struct institution publisher, reader;

static void start(void)
{
    static bool ready;

    if (!ready) {
        institution_init(&publisher, 1);
        institution_init(&reader, 2);
        ready = true;
    }
}

/* The audience is in order, and names nobody that may not be named. */
static void check_content(struct span bytes)
{
    struct seal_content content;
    struct error error = {0};
    size_t count;

    if (seal_content_read(bytes, &publisher.chain.feed, &content, &error)) {
        if (error.code == ERROR_NONE || !error.text[0])
            abort(); /* refused without a reason */
        return;
    }
    count = content.audience_count;
    if (count < 1 || count > LIMIT_SEAL_AUDIENCE ||
        !seal_content_type_is_allowed(content.content_type) ||
        seal_content_names(&content, &publisher.chain.feed))
        abort();
    for (size_t i = 0; i < count; i++)
        if (!seal_content_names(&content, &content.audience[i]))
            abort();
}

static void check_padding(struct span bytes)
{
    size_t size = 0;

    if (seal_unpad(bytes, &size, NULL) == ERROR_NONE && seal_padded_size(size) != bytes.size)
        abort();
}

/* What our key opens, K opens to the same. */
static void check_opened(struct span bytes, const struct seal_opened *opened)
{
    struct seal_opened again;

    if (seal_open_with_key(bytes, INSTITUTION_NETWORK, &publisher.chain.feed, &opened->key, &again,
                           NULL) ||
        !span_equal(buffer_span(&opened->content), buffer_span(&again.content)))
        abort();
    check_content(buffer_span(&again.content));
    seal_opened_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct secret *ours[2];
    struct seal_opened opened;
    struct error error = {0};

    start();
    ours[0] = publisher.sealing;
    ours[1] = reader.sealing;
    if (seal_open(bytes, INSTITUTION_NETWORK, &publisher.chain.feed, ours, 2, &opened, &error) ==
        ERROR_NONE)
        check_opened(bytes, &opened);
    else if (error.code == ERROR_NONE || !error.text[0] || opened.content.data)
        abort();
    seal_opened_finish(&opened);
    check_content(bytes);
    check_padding(bytes);
    return 0;
}
