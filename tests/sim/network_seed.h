/* network_seed: from which numbers a simulation is drawn, so that a failure can be seen again. Part
 * of network. The environment may name them:
 *
 *   CARAVAN_SEEDS=N     a test that goes through seeds tries 1 … N, for a long search
 *   CARAVAN_SEED=N      … tries N alone
 *   CARAVAN_MAP_SEED=N  other keys for the hash tables; 0 when it is not set
 *
 * With other keys the same messages may be handled in another order. A network with the same seed
 * and map seed lives through exactly the same. When a test fails, the two are printed behind it. */
#ifndef TESTS_SIM_NETWORK_SEED_H
#define TESTS_SIM_NETWORK_SEED_H

#include <stdint.h>

/* How many seeds a test goes through, and the n-th of them, from 0. */
uint64_t network_seeds(uint64_t usual);
uint64_t network_seed_nth(uint64_t n);

/* A network with this seed begins: fixes what is random in this thread (tests/support/entropy.h).
 * One at a time. */
void network_seed_begin(uint64_t seed);
/* It has been finished, which a test that fails never does: nothing needs to be printed. */
void network_seed_end(void);

#endif
