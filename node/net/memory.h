/* memory: how much this process uses and may use.
 * Threads: any. */
#ifndef NET_MEMORY_H
#define NET_MEMORY_H

#include <stddef.h>

/* Resident bytes; 0 when the system does not tell. */
size_t memory_resident(void);
/* Bytes that the process may use: the machine's memory, or what its control group (a container, a
 * systemd unit) allows if that is less; 0 when the system does not tell. */
size_t memory_allowed(void);

#endif
