/* text_table: which characters take no column of a terminal and which take two. For text.c only. */
#ifndef COMMON_TEXT_TABLE_H
#define COMMON_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct text_range {
    int32_t first, last;
};

/* Sorted, not overlapping. */
extern const struct text_range text_table_zero[];
extern const size_t text_table_zero_count;
extern const struct text_range text_table_wide[];
extern const size_t text_table_wide_count;

#endif
