#include "node/ledger/sqlite_use.h"

int sqlite_use_start(struct sqlite_use *use, struct sqlite_ledger *ledger,
                     enum sqlite_statement which, struct error *error)
{
    int rc = database_take(&ledger->database, which, &use->statement, error);

    use->ledger = ledger;
    use->which = which;
    use->bound = SQLITE_OK;
    if (rc)
        ledger->failed = true;
    return rc;
}

void sqlite_use_number(struct sqlite_use *use, int index, uint64_t value)
{
    use->bound |= database_bind_u64(use->statement, index, value);
}

void sqlite_use_blob(struct sqlite_use *use, int index, struct span value)
{
    use->bound |= database_bind_blob(use->statement, index, value);
}

/* Runs once; the statement may then be bound and run again. */
int sqlite_use_step(struct sqlite_use *use, bool *row, struct error *error)
{
    int rc;

    *row = false;
    rc = use->bound ? database_fail(&use->ledger->database, "write to", error)
                    : database_step(&use->ledger->database, use->statement, "write to", row, error);
    if (rc)
        use->ledger->failed = true;
    return rc;
}

void sqlite_use_finish(struct sqlite_use *use)
{
    database_release(&use->ledger->database, use->which, use->statement);
}

int sqlite_use_run(struct sqlite_use *use, struct error *error)
{
    bool row;
    int rc = sqlite_use_step(use, &row, error);

    sqlite_use_finish(use);
    return rc;
}
