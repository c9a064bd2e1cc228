/* A sync message as a node takes it in, and the run in it. */
#include "common/guard.h"
#include "node/core/incoming.h"
#include "tests/support/institution.h"

#include <limits.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct institution who;
static struct keyring *keyring;

static void start(void)
{
    struct buffer unused = {0};

    institution_init(&who, 1);
    institution_certify(&who, false, &unused);
    buffer_finish(&unused);
    if (keyring_create(&keyring, NULL) || keyring_set(keyring, &who.chain, 1, NULL))
        abort();
}

/* What the reader of runs takes is a message to every other reader, too. */
static void check_run(struct incoming *incoming)
{
    const struct guard_limits limits = {LIMIT_PROTOBUF_DEPTH, UINT_MAX};
    struct entry_run *run = &incoming->run;
    struct error error;

    if (guard_scan(&caravan__sync_message__descriptor, buffer_span(&incoming->bytes), &limits,
                   &error))
        abort();
    if (run->count == 0 || run->kept == 0 || run->kept > run->count)
        abort();
    for (uint64_t certificate = 0; certificate < 3; certificate++)
        entry_run_check(run, &who.chain, certificate, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer bytes = {0};
    struct incoming *incoming;

    if (!keyring)
        start();
    if (!buffer_append(&bytes, data, size))
        abort();
    incoming = incoming_create(&who.chain.feed, NULL, &bytes, INSTITUTION_NETWORK, keyring);
    if (!incoming)
        abort();
    if (incoming->error.code &&
        (incoming->has_run || incoming->message || !incoming->error.text[0]))
        abort();
    if (incoming->is_run && incoming->message)
        abort();
    if (incoming->has_run)
        check_run(incoming);
    incoming_destroy(incoming);
    return 0;
}
