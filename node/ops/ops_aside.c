#include "node/ops/ops_aside.h"

#include "common/identity.h"

struct looking {
    struct ops_aside *aside;
    uint64_t seq; /* of the certificate's entry; 0: none yet */
};

/* What was moved last comes first, in order of seq. */
static int take_first(void *context, const struct store_quarantined *quarantined)
{
    ((struct looking *)context)->aside->first = quarantined->entry.entry.seq;
    return 1;
}

/* The first one on the branch that has won: what was held behind the common entry was moved for
 * it. */
static int take_certificate(void *context, const struct store_certificate *certificate)
{
    struct looking *looking = context;
    struct identity_certificate said;

    if (certificate->seq < looking->aside->first || looking->seq)
        return 0;
    looking->seq = certificate->seq;
    looking->aside->stolen =
        identity_certificate_peek(certificate->encoded, &said, NULL) == ERROR_NONE &&
        said.former_stolen;
    return 0;
}

static int take_time(void *context, const struct store_entry *stored)
{
    ((struct looking *)context)->aside->since_ms = stored->received_ms;
    return 1;
}

int ops_aside_find(const struct store *store, const struct id *feed, struct ops_aside *out,
                   struct error *error)
{
    struct looking looking = {.aside = out};
    int code;

    *out = (struct ops_aside){0};
    code = store->operations->quarantined(store->self, feed, take_first, &looking, error);
    if (!code && out->first)
        code =
            store->operations->certificates(store->self, feed, take_certificate, &looking, error);
    if (!code && looking.seq)
        code = store->operations->entries(store->self, feed, looking.seq, looking.seq, take_time,
                                          &looking, error);
    return code;
}
