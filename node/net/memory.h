/* memory: how much this process uses and may use: bytes, and open files.
 * Threads: any. */
#ifndef NET_MEMORY_H
#define NET_MEMORY_H

#include <stddef.h>

/* Resident bytes; 0 when the system does not tell. */
size_t memory_resident(void);
/* Bytes that the process may use: the machine's memory, or what its control group (a container, a
 * systemd unit) allows if that is less; 0 when the system does not tell. */
size_t memory_allowed(void);
/* Raises the limit of open files as far as this process may (a shell gives 1,024 of them, and a
 * partner takes up to NET_FILES_PER_PARTNER). Returns what it is now; 0 when the system does not
 * tell. */
size_t memory_raise_files(void);

#endif
