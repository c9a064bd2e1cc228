/* crash: a process that is killed between two changes of a folder. In every test program rename,
 * unlink and rmdir of our own code go through here (linker option --wrap). Threads: one. */
#ifndef TESTS_SUPPORT_CRASH_H
#define TESTS_SUPPORT_CRASH_H

#include <stdbool.h>

/* The n-th change from now on (1: the next) and all behind it fail, and change nothing. */
void crash_arm(unsigned long n);
/* Ends it; true when a change was made to fail. */
bool crash_disarm(void);

#endif
