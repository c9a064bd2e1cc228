#include "tests/support/ledger_fixture.h"

#include <stdlib.h>

void ledger_fixture_open_reader(struct ledger_fixture *f)
{
    if (f->memory)
        ok(ledger_memory_open_reader(&f->writer, &f->reader, &f->error));
    else
        ok(ledger_sqlite_open_reader(folder_file(&f->folder, "ledger.db"), &f->reader, &f->error));
}

static void close_store(struct store *store)
{
    if (store->self)
        store->operations->destroy(store->self);
    *store = (struct store){0};
}

void ledger_fixture_reopen(struct ledger_fixture *f)
{
    if (f->memory)
        return;
    close_store(&f->writer);
    ok(ledger_sqlite_create(folder_file(&f->folder, "ledger.db"), LEDGER_EXISTING, &f->writer,
                            &f->error));
}

static int setup(void **state, bool memory)
{
    struct ledger_fixture *f = calloc(1, sizeof *f);

    f->memory = memory;
    folder_init(&f->folder);
    f->a = sample_create(1);
    f->b = sample_create(2);
    if (memory)
        ok(ledger_memory_create(&f->writer, &f->error));
    else
        ok(ledger_sqlite_create(folder_file(&f->folder, "ledger.db"), LEDGER_NEW, &f->writer,
                                &f->error));
    *state = f;
    return 0;
}

int ledger_fixture_setup_sqlite(void **state)
{
    return setup(state, false);
}

int ledger_fixture_setup_memory(void **state)
{
    return setup(state, true);
}

int ledger_fixture_teardown(void **state)
{
    struct ledger_fixture *f = *state;

    close_store(&f->reader);
    close_store(&f->writer);
    sample_destroy(f->a);
    sample_destroy(f->b);
    folder_finish(&f->folder);
    free(f);
    return 0;
}

void ledger_fixture_begin(struct ledger_fixture *f)
{
    ok(call(f->writer, begin, &f->error));
}

void ledger_fixture_commit(struct ledger_fixture *f)
{
    ok(call(f->writer, commit, &f->error));
}

void ledger_fixture_rollback(struct ledger_fixture *f)
{
    f->writer.operations->rollback(f->writer.self);
}

void ledger_fixture_append(struct ledger_fixture *f, struct store_entry entry)
{
    ok(call(f->writer, append, &entry, 1, &f->error));
}

void ledger_fixture_fill(struct ledger_fixture *f, struct sample *sample, size_t count)
{
    ledger_fixture_begin(f);
    for (size_t i = 0; i < count; i++)
        ledger_fixture_append(f, sample_next(sample, ANNOUNCEMENT, "content"));
    ledger_fixture_commit(f);
}
