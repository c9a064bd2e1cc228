/* store_fault: a store in front of another one whose writing calls can be made to fail, as on a
 * full disk. A call that failed makes the transaction's commit fail, too, as ports.h promises.
 * Threads: one. */
#ifndef TESTS_SIM_STORE_FAULT_H
#define TESTS_SIM_STORE_FAULT_H

#include "node/core/ports.h"

struct store_fault {
    struct store inner;
    unsigned long fail_at; /* the n-th writing call from now on fails (1: the next); 0: none */
    unsigned per_mille;    /* … or so many of a thousand, drawn from random */
    uint64_t random;
    unsigned long failures; /* so many have failed */
    bool lose_answer;  /* the next commit is done, but says that it failed: killed right after */
    bool spares_begin; /* transactions begin, but nothing can be written in them */
    bool shut;         /* no transaction begins, however often it is tried */
    bool no_commit;    /* all is taken, and lost at the commit */
    bool failed;       /* in the open transaction */
};

/* Takes the inner store over; destroying the outer one destroys it. */
void store_fault_wrap(struct store_fault *fault, struct store *store);

#endif
