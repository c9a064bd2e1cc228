#include "tests/support/poly_collision.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Poly1305's tag is (c1 r^n + c2 r^(n-1) + … + cn r mod p) + s mod 2^128, p = 2^130 - 5; each c is
 * a block of 16 bytes and the bit above it. r and s come from the key. So for a wanted tag each key
 * gives one linear equation, and two blocks that are free solve both. Only solutions whose bit 128
 * is 1 and bit 129 is 0 are blocks: other tags are tried until both are. */

#define LIMBS 5
#define LIMB_BITS 26
#define LIMB_MASK ((1u << LIMB_BITS) - 1)
#define BLOCK 16

/* A number mod p: 26 bits in each limb, the lowest first. */
struct number {
    uint64_t limb[LIMBS];
};

/* One key's side of it. */
struct side {
    struct number r, x, y; /* x, y: what the two free blocks are multiplied with */
    struct number rest;    /* what all other blocks give */
    uint8_t s[BLOCK];
};

/* --- numbers mod p --------------------------------------------------------------------------- */

static void carry(struct number *a)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LIMBS - 1; i++) {
            a->limb[i + 1] += a->limb[i] >> LIMB_BITS;
            a->limb[i] &= LIMB_MASK;
        }
        a->limb[0] += 5 * (a->limb[LIMBS - 1] >> LIMB_BITS);
        a->limb[LIMBS - 1] &= LIMB_MASK;
    }
}

/* To the one form that is below p. */
static void reduce(struct number *a)
{
    struct number less;

    carry(a);
    less = *a;
    less.limb[0] += 5; /* a - p = a + 5 - 2^130 */
    for (int i = 0; i < LIMBS - 1; i++) {
        less.limb[i + 1] += less.limb[i] >> LIMB_BITS;
        less.limb[i] &= LIMB_MASK;
    }
    if (less.limb[LIMBS - 1] >> LIMB_BITS) {
        less.limb[LIMBS - 1] &= LIMB_MASK;
        *a = less;
    }
}

static struct number add(struct number a, struct number b)
{
    for (int i = 0; i < LIMBS; i++)
        a.limb[i] += b.limb[i];
    reduce(&a);
    return a;
}

static struct number subtract(struct number a, struct number b)
{
    a.limb[0] += 2u * (LIMB_MASK - 4); /* 2 p, so that nothing goes below zero */
    for (int i = 1; i < LIMBS; i++)
        a.limb[i] += 2u * LIMB_MASK;
    for (int i = 0; i < LIMBS; i++)
        a.limb[i] -= b.limb[i];
    reduce(&a);
    return a;
}

static struct number multiply(struct number a, struct number b)
{
    struct number out = {{0}};

    for (int i = 0; i < LIMBS; i++)
        for (int k = 0; k < LIMBS; k++)
            out.limb[(i + k) % LIMBS] += a.limb[i] * b.limb[k] * (i + k >= LIMBS ? 5 : 1);
    reduce(&out);
    return out;
}

/* a^(p - 2): every bit of p - 2 = 2^130 - 7 is 1, but for the lowest four: 1001. */
static struct number invert(struct number a)
{
    struct number out = {{1}};

    for (int bit = 129; bit >= 0; bit--) {
        out = multiply(out, out);
        if (bit >= 3 || bit == 0)
            out = multiply(out, a);
    }
    return out;
}

static struct number from_block(const uint8_t block[BLOCK], unsigned bit_128)
{
    struct number out = {{0}};

    for (unsigned bit = 0; bit < 8 * BLOCK; bit++)
        out.limb[bit / LIMB_BITS] |= (uint64_t)(block[bit / 8] >> bit % 8 & 1) << bit % LIMB_BITS;
    out.limb[LIMBS - 1] |= (uint64_t)bit_128 << 24;
    return out;
}

/* false: bits 128 and 129 are not those of a whole block. */
static bool to_block(struct number a, uint8_t block[BLOCK])
{
    memset(block, 0, BLOCK);
    for (unsigned bit = 0; bit < 8 * BLOCK; bit++)
        block[bit / 8] |= (uint8_t)((a.limb[bit / LIMB_BITS] >> bit % LIMB_BITS & 1) << bit % 8);
    return a.limb[LIMBS - 1] >> 24 == 1;
}

/* --- Poly1305 -------------------------------------------------------------------------------- */

static void put_padded(struct buffer *out, struct span bytes)
{
    static const uint8_t zeros[BLOCK];
    size_t more = (BLOCK - bytes.size % BLOCK) % BLOCK;

    if (!buffer_append(out, bytes.data, bytes.size) || !buffer_append(out, zeros, more))
        abort();
}

static void put_size(struct buffer *out, size_t size)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)size >> 8 * i);
    if (!buffer_append(out, bytes, sizeof bytes))
        abort();
}

/* What is authenticated (RFC 8439), with the ciphertext's first two blocks without their bit 128,
 * so that they count nothing. `free` is the number of the first of them. */
static void weigh(struct side *side, const uint8_t key[32], struct span text, size_t free)
{
    static const uint8_t nonce[crypto_stream_xchacha20_NONCEBYTES];
    static const uint8_t mask[BLOCK] = {0xff, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f,
                                        0xfc, 0xff, 0xff, 0x0f, 0xfc, 0xff, 0xff, 0x0f};
    uint8_t one_time[2 * BLOCK];
    struct number power = {{1}};

    *side = (struct side){0};
    crypto_stream_xchacha20(one_time, sizeof one_time, nonce, key);
    for (int i = 0; i < BLOCK; i++)
        one_time[i] &= mask[i];
    side->r = from_block(one_time, 0);
    memcpy(side->s, one_time + BLOCK, BLOCK);
    for (size_t block = text.size / BLOCK; block-- > 0;) {
        power = multiply(power, side->r);
        if (block == free)
            side->x = power;
        else if (block == free + 1)
            side->y = power;
        else
            side->rest = add(side->rest, multiply(from_block(text.data + block * BLOCK, 1), power));
    }
}

/* What the free blocks must give, so that the tag comes out. */
static struct number wanted(const struct side *side, const uint8_t tag[BLOCK])
{
    uint8_t sum[BLOCK];
    int borrow = 0;

    for (int i = 0; i < BLOCK; i++) { /* tag - s mod 2^128 */
        int value = tag[i] - side->s[i] - borrow;

        borrow = value < 0;
        sum[i] = (uint8_t)(value + 256 * borrow);
    }
    return subtract(from_block(sum, 0), side->rest);
}

static bool solve(const struct side *a, const struct side *b, struct number inverse,
                  const uint8_t tag[BLOCK], uint8_t blocks[2 * BLOCK])
{
    struct number for_a = wanted(a, tag), for_b = wanted(b, tag);
    struct number x = multiply(subtract(multiply(for_a, b->y), multiply(for_b, a->y)), inverse);
    struct number y = multiply(subtract(multiply(a->x, for_b), multiply(b->x, for_a)), inverse);

    return to_block(x, blocks) && to_block(y, blocks + BLOCK);
}

void poly_collide(const uint8_t first[32], const uint8_t second[32], struct span associated,
                  struct buffer *box)
{
    struct span ciphertext = span_of(box->data, box->size - BLOCK);
    size_t free = (associated.size + BLOCK - 1) / BLOCK;
    struct buffer text = {0};
    struct number inverse;
    struct side a, b;
    uint8_t *tag = box->data + ciphertext.size;

    put_padded(&text, associated);
    put_padded(&text, ciphertext);
    put_size(&text, associated.size);
    put_size(&text, ciphertext.size);
    weigh(&a, first, buffer_span(&text), free);
    weigh(&b, second, buffer_span(&text), free);
    inverse = invert(subtract(multiply(a.x, b.y), multiply(b.x, a.y)));
    memset(tag, 0x11, BLOCK);
    for (unsigned count = 0; !solve(&a, &b, inverse, tag, box->data); count++) {
        if (count > 10000) {
            fprintf(stderr, "poly_collision: no tag fits\n");
            abort();
        }
        memcpy(tag, &count, sizeof count);
    }
    buffer_finish(&text);
}
