/* text: text that others wrote, made ready for a terminal: nothing in it can command the terminal,
 * and its columns are counted so that tables line up in Chinese, Thai, Sinhala and Russian, too.
 *
 * Threads: no shared state. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/bytes.h"

/* true for what must not reach a terminal as it is: control characters (C0, DEL, C1), characters
 * that turn the direction of text, line and paragraph separators, invisible fillers, tags and
 * noncharacters. Tab and line feed count as control characters here. */
bool text_is_unsafe(int32_t character);

/* Appends text with every unsafe character shown as \x1b or \u202e and every byte that is not UTF-8
 * as \xff. lines: line feeds stay; else they and tabs become a space. NULL appends nothing. false
 * when memory runs out. */
bool text_clean(const char *text, bool lines, struct buffer *out);

/* Columns that one character takes: 0 (combining marks of Thai and Sinhala, joiners), 1, or 2
 * (Chinese, Japanese, Korean, full-width forms, emoji). */
int text_columns_of(int32_t character);
/* Columns of a whole text, as it is. */
size_t text_columns(const char *text);

/* Appends the cleaned text (one line) in exactly `columns` columns: cut with "…" when it is longer,
 * filled with spaces behind when it is shorter and pad is set. A mark is never cut off its letter.
 * false when memory runs out. */
bool text_fit(const char *text, size_t columns, bool pad, struct buffer *out);

#endif
