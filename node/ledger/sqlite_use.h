/* sqlite_use: one prepared statement that writes, from binding to release; what fails spoils the
 * transaction. Threads: as struct store. */
#ifndef LEDGER_SQLITE_USE_H
#define LEDGER_SQLITE_USE_H

#include "node/ledger/sqlite_ledger.h"

struct sqlite_use {
    struct sqlite_ledger *ledger;
    enum sqlite_statement which;
    sqlite3_stmt *statement;
    int bound; /* codes of binding, or-ed together */
};

int sqlite_use_start(struct sqlite_use *use, struct sqlite_ledger *ledger,
                     enum sqlite_statement which, struct error *error);
void sqlite_use_number(struct sqlite_use *use, int index, uint64_t value);
/* Borrowed until it is finished. */
void sqlite_use_blob(struct sqlite_use *use, int index, struct span value);
/* To the next row. */
int sqlite_use_step(struct sqlite_use *use, bool *row, struct error *error);
void sqlite_use_finish(struct sqlite_use *use);
/* Steps once and finishes. */
int sqlite_use_run(struct sqlite_use *use, struct error *error);

#endif
