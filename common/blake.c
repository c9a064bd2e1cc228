#include "common/blake.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)

#define LANES 4
#define BLOCK 128
#define WIDE __attribute__((target("avx2")))

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));
typedef uint8_t lane_bytes __attribute__((vector_size(8 * LANES)));
typedef uint32_t lane_halves __attribute__((vector_size(8 * LANES)));

static const uint64_t start_values[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

/* The last two rounds are the first two again. */
static const uint8_t orders[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

/* --- four blocks at once ------------------------------------------------------------------------
 */

struct state {
    uint64_t chain[8][LANES];
    uint64_t counted[LANES]; /* bytes so far */
    uint64_t last[LANES];    /* all ones in the last block */
    _Alignas(32) uint8_t blocks[LANES][BLOCK];
};

WIDE static inline lanes turn_32(lanes x)
{
    lane_halves halves = (lane_halves)x;

    return (lanes)__builtin_shufflevector(halves, halves, 1, 0, 3, 2, 5, 4, 7, 6);
}

/* Within each 64 bits: three or two bytes to the right. */
WIDE static inline lanes turn_24(lanes x)
{
    lane_bytes bytes = (lane_bytes)x;

    return (lanes)__builtin_shufflevector(bytes, bytes, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15,
                                          8, 9, 10, 19, 20, 21, 22, 23, 16, 17, 18, 27, 28, 29, 30,
                                          31, 24, 25, 26);
}

WIDE static inline lanes turn_16(lanes x)
{
    lane_bytes bytes = (lane_bytes)x;

    return (lanes)__builtin_shufflevector(bytes, bytes, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14,
                                          15, 8, 9, 18, 19, 20, 21, 22, 23, 16, 17, 26, 27, 28, 29,
                                          30, 31, 24, 25);
}

WIDE static inline lanes turn_63(lanes x)
{
    return x >> 63 | (x + x);
}

WIDE static inline void mix(lanes v[16], int a, int b, int c, int d, lanes x, lanes y)
{
    v[a] += v[b] + x;
    v[d] = turn_32(v[d] ^ v[a]);
    v[c] += v[d];
    v[b] = turn_24(v[b] ^ v[c]);
    v[a] += v[b] + y;
    v[d] = turn_16(v[d] ^ v[a]);
    v[c] += v[d];
    v[b] = turn_63(v[b] ^ v[c]);
}

WIDE static inline lanes same(uint64_t value)
{
    return (lanes){value, value, value, value};
}

WIDE static inline lanes load(const void *from)
{
    lanes value;

    memcpy(&value, from, sizeof value);
    return value;
}

/* Words 4n … 4n + 3 of each lane's block become four vectors of one word each. */
WIDE static inline void load_words(const uint8_t blocks[LANES][BLOCK], int n, lanes words[4])
{
    lanes a = load(blocks[0] + 32 * n), b = load(blocks[1] + 32 * n);
    lanes c = load(blocks[2] + 32 * n), d = load(blocks[3] + 32 * n);
    lanes ab_even = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    lanes ab_odd = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    lanes cd_even = __builtin_shufflevector(c, d, 0, 4, 2, 6);
    lanes cd_odd = __builtin_shufflevector(c, d, 1, 5, 3, 7);

    words[0] = __builtin_shufflevector(ab_even, cd_even, 0, 1, 4, 5);
    words[1] = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 4, 5);
    words[2] = __builtin_shufflevector(ab_even, cd_even, 2, 3, 6, 7);
    words[3] = __builtin_shufflevector(ab_odd, cd_odd, 2, 3, 6, 7);
}

WIDE static void compress(struct state *state)
{
    lanes v[16], m[16];

    for (int i = 0; i < 4; i++)
        load_words((const uint8_t(*)[BLOCK])state->blocks, i, m + 4 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = load(state->chain[i]);
        v[i + 8] = same(start_values[i]);
    }
    v[12] ^= load(state->counted);
    v[14] ^= load(state->last);
#pragma GCC unroll 12
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = orders[round];

        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) {
        lanes next = load(state->chain[i]) ^ v[i] ^ v[i + 8];

        memcpy(state->chain[i], &next, sizeof next);
    }
}

/* --- messages in lanes --------------------------------------------------------------------------
 */

/* What one lane works at: what is left of the pieces of a message. */
struct lane {
    const struct blake_message *message; /* NULL: nothing */
    struct span pieces[3];
};

static void start(struct state *state, struct lane *lane, size_t at, struct span prefix,
                  const struct blake_message *message)
{
    *lane = (struct lane){message, {prefix, message->first, message->second}};
    for (size_t i = 0; i < 8; i++)
        state->chain[i][at] = start_values[i];
    state->chain[0][at] ^= 0x01010000u ^ BYTES_ID_SIZE;
    state->counted[at] = 0;
}

/* The next block, with zeros behind the end; the last one may be shorter, and none follows it. */
static void fill(struct state *state, struct lane *lane, size_t at)
{
    uint8_t *block = state->blocks[at];
    size_t size = 0, left = 0;

    for (size_t i = 0; i < 3; i++) {
        struct span *piece = &lane->pieces[i];
        size_t part = piece->size < BLOCK - size ? piece->size : BLOCK - size;

        if (part) {
            memcpy(block + size, piece->data, part);
            *piece = span_of(piece->data + part, piece->size - part);
        }
        size += part;
        left += piece->size;
    }
    memset(block + size, 0, BLOCK - size);
    state->counted[at] += size;
    state->last[at] = left ? 0 : UINT64_MAX;
}

static void finish(const struct state *state, struct lane *lane, size_t at)
{
    for (size_t i = 0; i < BYTES_ID_SIZE / 8; i++)
        memcpy(lane->message->hash->bytes + 8 * i, &state->chain[i][at], 8);
    lane->message = NULL;
}

bool blake_many(struct span prefix, const struct blake_message *messages, size_t count)
{
    struct lane lane[LANES] = {0};
    struct state state = {0};
    size_t next = 0, done = 0;

    if (!__builtin_cpu_supports("avx2"))
        return false;
    while (done < count) {
        for (size_t at = 0; at < LANES; at++) {
            if (!lane[at].message && next < count)
                start(&state, &lane[at], at, prefix, &messages[next++]);
            if (lane[at].message)
                fill(&state, &lane[at], at);
        }
        compress(&state);
        for (size_t at = 0; at < LANES; at++) {
            if (!lane[at].message || !state.last[at])
                continue;
            finish(&state, &lane[at], at);
            done++;
        }
    }
    return true;
}

#else

bool blake_many(struct span prefix, const struct blake_message *messages, size_t count)
{
    (void)prefix, (void)messages, (void)count;
    return false;
}

#endif
