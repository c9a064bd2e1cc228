#include "common/vocabulary.h"

#include "common/vocabulary_table.h"

#include <stdint.h>
#include <string.h>

/* No spelling in the tables is longer; a longer input can only be unknown. */
#define FOLDED_SIZE 256

const struct vocabulary *vocabulary_get(const char *name)
{
    for (size_t i = 0; name && i < vocabulary_table_size; i++)
        if (strcmp(vocabulary_table[i].name, name) == 0)
            return &vocabulary_table[i];
    return NULL;
}

const char *vocabulary_name(const struct vocabulary *vocabulary)
{
    return vocabulary ? vocabulary->name : "";
}

size_t vocabulary_count(const struct vocabulary *vocabulary)
{
    return vocabulary ? vocabulary->count : 0;
}

const struct vocabulary_term *vocabulary_at(const struct vocabulary *vocabulary, size_t index)
{
    return vocabulary && index < vocabulary->count ? &vocabulary->terms[index] : NULL;
}

static int compare_code(const char *code, const char *text, size_t size)
{
    size_t length = strlen(code);
    int order = memcmp(code, text, length < size ? length : size);

    return order ? order : (length > size) - (length < size);
}

static const struct vocabulary_term *search_code(const struct vocabulary *vocabulary,
                                                 const char *text, size_t size)
{
    size_t low = 0, high = vocabulary->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_code(vocabulary->terms[middle].code, text, size);

        if (order == 0)
            return &vocabulary->terms[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct vocabulary_term *vocabulary_find_code(const struct vocabulary *vocabulary,
                                                   const char *text, size_t size)
{
    if (text && vocabulary && vocabulary->sorted)
        return search_code(vocabulary, text, size);
    for (size_t i = 0; text && vocabulary && i < vocabulary->count; i++) {
        const char *code = vocabulary->terms[i].code;

        /* The first letter rules most of them out. */
        if (size && code[0] == text[0] && strlen(code) == size && memcmp(code, text, size) == 0)
            return &vocabulary->terms[i];
    }
    return NULL;
}

static bool is_gap(unsigned char byte)
{
    return byte == ' ' || byte == '-' || byte == '_' || byte == '.' || byte == '\t' || byte == '\n';
}

/* Lower case, one space between words, "&" as "and". Returns the length, 0 when it is too long.
 * A dot between two digits stays: 1.1 is not 11, and 2.1 not "2 1". */
static size_t fold(const char *text, size_t size, char out[FOLDED_SIZE])
{
    size_t used = 0;
    bool gap = false;

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool decimal = byte == '.' && i > 0 && i + 1 < size && text[i - 1] >= '0' &&
                       text[i - 1] <= '9' && text[i + 1] >= '0' && text[i + 1] <= '9';

        if (is_gap(byte) && !decimal) {
            gap = used > 0;
            continue;
        }
        if (used + 8 > FOLDED_SIZE)
            return 0;
        if (gap || (byte == '&' && used > 0 && out[used - 1] != ' '))
            out[used++] = ' ';
        gap = false;
        if (byte == '&') {
            memcpy(out + used, "and", 3);
            used += 3;
            gap = true;
        } else {
            out[used++] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 'a' - 'A' : byte);
        }
    }
    return used;
}

static bool folded_equal(const char *folded, size_t length, const char *other, size_t other_size)
{
    char buffer[FOLDED_SIZE];
    size_t other_length = fold(other, other_size, buffer);

    return other_length == length && memcmp(folded, buffer, length) == 0;
}

/* Steps through "a|b|c": sets *size and returns the next spelling, or NULL at the end. */
static const char *next_alias(const char **cursor, size_t *size)
{
    const char *start = *cursor;

    if (!start || !*start)
        return NULL;
    *size = strcspn(start, "|");
    *cursor = start[*size] ? start + *size + 1 : start + *size;
    return start;
}

static bool has_alias(const struct vocabulary_term *term, const char *folded, size_t length)
{
    const char *cursor = term->aliases, *alias;
    size_t size;

    while ((alias = next_alias(&cursor, &size)))
        if (folded_equal(folded, length, alias, size))
            return true;
    return false;
}

const struct vocabulary_term *vocabulary_find(const struct vocabulary *vocabulary, const char *text,
                                              size_t size)
{
    char folded[FOLDED_SIZE];
    size_t length = text ? fold(text, size, folded) : 0;

    if (!vocabulary || length == 0)
        return NULL;
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < vocabulary->count; i++) {
            const struct vocabulary_term *term = &vocabulary->terms[i];
            const char *name = pass == 0 ? term->code : term->label;

            if (pass == 2 ? has_alias(term, folded, length)
                          : folded_equal(folded, length, name, strlen(name)))
                return term;
        }
    }
    return NULL;
}

/* Edit distance with swaps of neighbours (optimal string alignment), over bytes. Both sizes are
 * below FOLDED_SIZE. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    unsigned rows[3][FOLDED_SIZE + 1];
    unsigned *older = rows[0], *old = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b_size; j++)
        old[j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *spare = older;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned best = old[j - 1] + (a[i - 1] != b[j - 1]);

            if (old[j] + 1 < best)
                best = old[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
        older = old;
        old = now;
        now = spare;
    }
    return old[b_size];
}

/* Cost of taking one spelling for the text; UINT32_MAX when it is too far. */
static unsigned far_from(const char *folded, size_t length, const char *name, size_t size)
{
    char other[FOLDED_SIZE];
    size_t other_length = fold(name, size, other);
    size_t shorter = length < other_length ? length : other_length;
    size_t longer = length < other_length ? other_length : length;
    unsigned cost, limit = shorter < 4 ? 1 : (unsigned)(longer / 3);

    if (length >= 4 && other_length > length && memcmp(other, folded, length) == 0)
        return 1; /* the beginning of a longer name */
    if (other_length == 0 || longer - shorter > limit)
        return UINT32_MAX;
    cost = distance(folded, length, other, other_length);
    /* Two letters out of two or three would suggest anything. */
    return cost > limit || cost >= shorter ? UINT32_MAX : cost;
}

const struct vocabulary_term *vocabulary_suggest(const struct vocabulary *vocabulary,
                                                 const char *text, size_t size)
{
    char folded[FOLDED_SIZE];
    size_t length = text ? fold(text, size, folded) : 0;
    const struct vocabulary_term *best = NULL;
    unsigned best_cost = UINT32_MAX;

    for (size_t i = 0; vocabulary && length > 0 && i < vocabulary->count; i++) {
        const struct vocabulary_term *term = &vocabulary->terms[i];
        const char *cursor = term->aliases, *name = term->label;
        size_t name_size = strlen(name);
        unsigned cost = far_from(folded, length, term->code, strlen(term->code));

        do {
            unsigned other = far_from(folded, length, name, name_size);

            if (other < cost)
                cost = other;
        } while ((name = next_alias(&cursor, &name_size)));
        if (cost < best_cost) {
            best_cost = cost;
            best = term;
        }
    }
    return best;
}

int vocabulary_decimals(const char *currency)
{
    const struct vocabulary_term *term =
        currency ? vocabulary_find_code(vocabulary_get("currency"), currency, strlen(currency))
                 : NULL;

    return term ? term->number : -1;
}

const char *vocabulary_label(const struct vocabulary *vocabulary, const char *code)
{
    const struct vocabulary_term *term =
        code ? vocabulary_find_code(vocabulary, code, strlen(code)) : NULL;

    return term ? term->label : code ? code : "";
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool vocabulary_language_tag(const char *text, size_t size)
{
    size_t start = 0;

    if (!text || size == 0 || size > 35) /* the longest tag that RFC 5646 asks to support */
        return false;
    for (size_t i = 0; i <= size; i++) {
        size_t length = i - start;

        if (i < size && text[i] != '-') {
            if (!is_alpha(text[i]) && !(start > 0 && text[i] >= '0' && text[i] <= '9'))
                return false;
            continue;
        }
        if (length < 1 || length > 8)
            return false;
        if (start == 0 && !vocabulary_find_code(vocabulary_get("language"), text, length))
            return false;
        start = i + 1;
    }
    return true;
}
