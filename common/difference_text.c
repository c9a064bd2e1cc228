/* Where two texts differ: the greedy algorithm of Myers (An O(ND) difference algorithm, 1986) over
 * words, or over letters with their marks in writings that put no space between words. */
#include "common/difference_parts.h"
#include "common/text.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

/* More differences than a person reads: then what stands between is one. Bounds the memory for the
 * way back (the square of it) and the time (its product with the number of words). */
#define DIFFERENCES 256
/* Bytes: what is the same between two differences and shorter than this joins them. */
#define ISLAND 4

#define JOINER 0x200D

/* The words of one text, as spans that follow each other. */
struct words {
    struct span *items;
    size_t count;
};

/* --- words ------------------------------------------------------------------------------------ */

/* Letters and digits of writings that put spaces between words: Latin to Sinhala by their place in
 * Unicode. Thai, Lao, Khmer, Myanmar and Chinese are not among them. */
static bool is_word(int32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return (c >= 0xC0 && c <= 0xDFF) || (c >= 0x1E00 && c <= 0x1FFF);
}

static bool is_mark(int32_t c)
{
    return c >= 0 && c != '\n' && text_columns_of(c) == 0;
}

/* Moves *at behind one character; bytes that are not UTF-8 stand for themselves. */
static int32_t step(struct span text, size_t *at)
{
    int32_t c = utf8_next(text, at);

    *at += c < 0;
    return c;
}

static size_t word_end(struct span text, size_t at)
{
    int32_t c = step(text, &at);
    bool word = is_word(c), joined = false;

    while (at < text.size) {
        size_t next = at;

        c = step(text, &next);
        if (!is_mark(c) && !joined && !(word && is_word(c)))
            break;
        joined = c == JOINER;
        at = next;
    }
    return at;
}

static bool cut_words(struct span text, struct arena *arena, struct words *out)
{
    *out = (struct words){.items = arena_alloc(arena, (text.size + 1) * sizeof *out->items)};
    if (!out->items)
        return false;
    for (size_t at = 0; at < text.size;) {
        size_t end = word_end(text, at);

        out->items[out->count++] = span_of(text.data + at, end - at);
        at = end;
    }
    return true;
}

/* --- the shortest way from one to the other --------------------------------------------------- */

struct search {
    struct words words[2];
    size_t start;    /* words that both begin with */
    size_t count[2]; /* words between that and what both end with */
    /* For each number of differences the furthest word of `before` on each diagonal. */
    int *reached[DIFFERENCES + 1];
    int differences; /* -1: too many */
};

static bool same_word(const struct search *search, size_t a, size_t b)
{
    return span_equal(search->words[0].items[search->start + a],
                      search->words[1].items[search->start + b]);
}

static void trim(struct search *search)
{
    size_t a = search->words[0].count, b = search->words[1].count;

    while (search->start < a && search->start < b && same_word(search, 0, 0))
        search->start++;
    while (a > search->start && b > search->start &&
           span_equal(search->words[0].items[a - 1], search->words[1].items[b - 1])) {
        a--;
        b--;
    }
    search->count[0] = a - search->start;
    search->count[1] = b - search->start;
}

/* The furthest word on diagonal k with d differences; row: of d - 1 differences. */
static int furthest(const struct search *search, const int *row, int d, int k)
{
    int x;

    if (d == 0)
        x = 0;
    else if (k == -d || (k != d && row[k - 1 + d - 1] < row[k + 1 + d - 1]))
        x = row[k + 1 + d - 1];
    else
        x = row[k - 1 + d - 1] + 1;
    while (x >= 0 && (size_t)x < search->count[0] && x - k >= 0 &&
           (size_t)(x - k) < search->count[1] && same_word(search, (size_t)x, (size_t)(x - k)))
        x++;
    return x;
}

static bool find_way(struct search *search, struct arena *arena)
{
    int end = (int)search->count[0], diagonal = end - (int)search->count[1];

    search->differences = -1;
    for (int d = 0; d <= DIFFERENCES; d++) {
        int *row = arena_alloc(arena, (size_t)(2 * d + 1) * sizeof *row);

        if (!row)
            return false;
        search->reached[d] = row;
        for (int k = -d; k <= d; k += 2) {
            row[k + d] = furthest(search, d ? search->reached[d - 1] : NULL, d, k);
            if (k == diagonal && row[k + d] >= end) {
                search->differences = d;
                return true;
            }
        }
    }
    return true;
}

/* Marks the words that are not in the other text, on the way back. */
static void mark_changes(const struct search *search, bool *changed[2])
{
    int x = (int)search->count[0], y = (int)search->count[1];

    for (int d = search->differences; d > 0; d--) {
        const int *row = search->reached[d - 1];
        int k = x - y;
        bool down = k == -d || (k != d && row[k - 1 + d - 1] < row[k + 1 + d - 1]);
        int from = down ? row[k + 1 + d - 1] : row[k - 1 + d - 1];
        int from_y = from - (down ? k + 1 : k - 1);

        if (down)
            changed[1][search->start + (size_t)from_y] = true;
        else
            changed[0][search->start + (size_t)from] = true;
        x = from;
        y = from_y;
    }
}

static bool mark_words(struct search *search, struct arena *arena, bool *changed[2])
{
    for (int side = 0; side < 2; side++)
        if (!(changed[side] = arena_alloc(arena, search->words[side].count + 1)))
            return false;
    trim(search);
    if (!find_way(search, arena))
        return false;
    if (search->differences >= 0)
        mark_changes(search, changed);
    for (int side = 0; side < 2 && search->differences < 0; side++)
        for (size_t i = 0; i < search->count[side]; i++)
            changed[side][search->start + i] = true;
    return true;
}

/* --- pieces ----------------------------------------------------------------------------------- */

struct joining {
    struct difference_piece *pieces;
    size_t count;
};

static void extend(struct span *span, struct span by)
{
    if (span->size == 0)
        span->data = by.data;
    span->size += by.size;
}

static void take(struct joining *joining, bool same, struct span before, struct span after)
{
    struct difference_piece *last = joining->count ? &joining->pieces[joining->count - 1] : NULL;

    if (!last || last->same != same) {
        last = &joining->pieces[joining->count++];
        *last = (struct difference_piece){.same = same};
    }
    extend(&last->before, before);
    extend(&last->after, after);
}

static void take_words(struct joining *joining, const struct search *search, bool *changed[2])
{
    const struct words *a = &search->words[0], *b = &search->words[1];
    size_t i = 0, k = 0;

    while (i < a->count || k < b->count) {
        if (i < a->count && changed[0][i])
            take(joining, false, a->items[i++], span_of(NULL, 0));
        else if (k < b->count && changed[1][k])
            take(joining, false, span_of(NULL, 0), b->items[k++]);
        else
            take(joining, true, a->items[i++], b->items[k++]);
    }
}

/* Differences with only a comma or a space between them are read as one. */
static void join_islands(struct joining *joining)
{
    struct joining out = {.pieces = joining->pieces};
    size_t count = joining->count;

    for (size_t i = 0; i < count; i++) {
        struct difference_piece piece = joining->pieces[i];
        bool island = piece.same && piece.before.size < ISLAND && i > 0 && i + 1 < count;

        take(&out, piece.same && !island, piece.before, piece.after);
    }
    joining->count = out.count;
}

bool difference_text(const char *before, const char *after, struct arena *arena,
                     struct difference_piece **pieces, size_t *count)
{
    struct search search = {0};
    struct joining joining = {0};
    struct arena scratch;
    bool *changed[2];
    bool ok;

    arena_init(&scratch, SIZE_MAX);
    ok = cut_words(span_of_text(before), &scratch, &search.words[0]) &&
         cut_words(span_of_text(after), &scratch, &search.words[1]) &&
         mark_words(&search, &scratch, changed);
    if (ok)
        joining.pieces = arena_alloc(&scratch, (search.words[0].count + search.words[1].count + 1) *
                                                   sizeof *joining.pieces);
    ok = ok && joining.pieces;
    if (ok) {
        take_words(&joining, &search, changed);
        join_islands(&joining);
        *pieces = arena_alloc(arena, (joining.count + 1) * sizeof **pieces);
        ok = *pieces != NULL;
    }
    if (ok) {
        memcpy(*pieces, joining.pieces, joining.count * sizeof **pieces);
        *count = joining.count;
    }
    arena_finish(&scratch);
    return ok;
}
