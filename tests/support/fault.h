/* fault: makes the n-th allocation fail. In every test program malloc, calloc and realloc of our
 * own code go through here (linker option --wrap); libraries' own calls do not. Threads: one. */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>

/* The n-th allocation from now on fails (1: the next), and the ones after it go well again. */
void fault_arm(unsigned long n);
/* Ends it; true when an allocation was made to fail. */
bool fault_disarm(void);

#endif
