/* entropy: random bytes that repeat. In every test program what our own code asks of the system's
 * random source (getrandom, and libsodium's randombytes_buf) goes through here (linker option
 * --wrap). Nothing is changed there until entropy_fix is called; libraries' own calls never are.
 *
 * Hash tables (common/map, node/core/view_table) draw the key of their hash that way, and the order
 * in which a table is walked follows from the key: who is asked first, for instance. A simulation
 * repeats only when the keys do.
 *
 * The product has no such function, and must not get one. The key is what keeps a peer, who chooses
 * ids, from putting thousands of them into one slot; a key that somebody else knows, or that is the
 * same after each start, protects nothing. Secret keys and salts come from the same source.
 *
 * Threads: it holds for the thread that calls it. */
#ifndef TESTS_SUPPORT_ENTROPY_H
#define TESTS_SUPPORT_ENTROPY_H

#include <stdint.h>

/* From here on, random bytes are drawn from the seed: the same seed, the same bytes. */
void entropy_fix(uint64_t seed);
/* Random bytes are the system's again. */
void entropy_release(void);

#endif
