/* vocabulary: the code lists that announcements use (countries, currencies, fields of science, …).
 *
 * The files configs/vocabularies/<name>.tsv are the only source; the build embeds them as constant
 * tables, so the program needs no data folder. Names: country (ISO 3166-1 alpha-2), currency (ISO
 * 4217), ford (OECD fields of research and development), language (BCP 47 primary subtags), nace
 * (NACE Rev. 2.1 sections and divisions), sdg (1 … 17).
 *
 * People may write a code, its label or one of its other spellings; vocabulary_find compares them
 * without regard to ASCII case; space, "-", "_" and "." between words are one space, "&" is "and".
 * What is stored and sent is always the code exactly as the file has it (vocabulary_find_code).
 * Threads: constant data and pure functions; any thread, no first call needed. Everything returned
 * lives as long as the program. */
#ifndef COMMON_VOCABULARY_H
#define COMMON_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

struct vocabulary;

struct vocabulary_term {
    const char *code;    /* the spelling that is stored: "CN", "CNY", "1.1", "zh" */
    const char *label;   /* English, for people */
    const char *aliases; /* other spellings, separated by '|'; may be "" */
    int number;          /* currency: decimals of the minor unit; else 0 */
};

/* NULL when there is no such vocabulary. */
const struct vocabulary *vocabulary_get(const char *name);
const char *vocabulary_name(const struct vocabulary *vocabulary);

/* For listing: terms in the order of the file; NULL when index is past the end. */
size_t vocabulary_count(const struct vocabulary *vocabulary);
const struct vocabulary_term *vocabulary_at(const struct vocabulary *vocabulary, size_t index);

/* The term with exactly this code, byte by byte: the rule for what is stored. NULL if none. */
const struct vocabulary_term *vocabulary_find_code(const struct vocabulary *vocabulary,
                                                   const char *text, size_t size);

/* The term that a person means: code, label or other spelling, compared as said above; a code goes
 * before a label, a label before another spelling. NULL if none. */
const struct vocabulary_term *vocabulary_find(const struct vocabulary *vocabulary, const char *text,
                                              size_t size);

/* The nearest term for "did you mean …?": few letters differ from its code, label or one of its
 * other spellings, or the label begins with the text. NULL when nothing is near. */
const struct vocabulary_term *vocabulary_suggest(const struct vocabulary *vocabulary,
                                                 const char *text, size_t size);

/* Decimals of the minor unit of an ISO 4217 code (2 for CNY, 0 for JPY); -1 when unknown. */
int vocabulary_decimals(const char *currency);

/* Label of a code, or the code itself when the vocabulary does not have it; "" for NULL. */
const char *vocabulary_label(const struct vocabulary *vocabulary, const char *code);

/* true for a well-formed BCP 47 tag whose primary subtag is in "language": "zh", "zh-Hant", "fil".
 * Script, region and variants are checked for their form only. */
bool vocabulary_language_tag(const char *text, size_t size);

#endif
