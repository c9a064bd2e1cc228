/* vocabulary_table: the tables that the build makes from configs/vocabularies/ (one .tsv file, one
 * table). Only vocabulary.c reads them. Constant data: any thread. */
#ifndef COMMON_VOCABULARY_TABLE_H
#define COMMON_VOCABULARY_TABLE_H

#include "common/vocabulary.h"

#include <stddef.h>

struct vocabulary {
    const char *name; /* of the file, without .tsv */
    const struct vocabulary_term *terms;
    size_t count;
    bool sorted; /* by code, byte by byte: found out when it is built */
};

extern const struct vocabulary vocabulary_table[];
extern const size_t vocabulary_table_size;

#endif
