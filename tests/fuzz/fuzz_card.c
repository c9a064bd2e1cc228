/* A card as text or as bytes. */
#include "common/card.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct card card;

    if (card_read(span_of(data, size), NULL, &card, &error) == ERROR_NONE) {
        if (!card_handle_is_valid(card.profile->handle) || card.chain.count == 0)
            abort();
    } else if (!error.text[0] || card.profile) {
        abort();
    }
    card_finish(&card);
    return 0;
}
