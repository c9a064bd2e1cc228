/* A sync message, and the run in it. */
#include "common/guard.h"
#include "tests/support/institution.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_run(const Caravan__Run *message)
{
    static struct institution who;
    struct buffer unused = {0};
    struct entry_run run;
    struct error error;

    if (!who.network) {
        institution_init(&who, 1);
        institution_certify(&who, false, &unused);
    }
    if (entry_run_parse(message, INSTITUTION_NETWORK, &run, &error) == ERROR_NONE) {
        if (run.count == 0 || run.kept == 0 || run.kept > run.count)
            abort();
        for (uint64_t certificate = 0; certificate < 3; certificate++)
            entry_run_check(&run, &who.chain, certificate, &error);
    } else if (run.entries || !error.text[0]) {
        abort();
    }
    entry_run_finish(&run);
    buffer_finish(&unused);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProtobufCMessage *unpacked = NULL;
    const Caravan__SyncMessage *message;
    struct error error = {0};
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__sync_message__descriptor, span_of(data, size), &guard_limits_message,
                     &arena, &unpacked, &error) == ERROR_NONE) {
        message = (const Caravan__SyncMessage *)unpacked;
        if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN)
            check_run(message->run);
    } else if (!error.text[0]) {
        abort();
    }
    arena_finish(&arena);
    return 0;
}
