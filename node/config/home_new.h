/* home_new: makes the home of a new institution: its five keys, certificate 1, entry 1.
 *
 * All or nothing: everything is made in a hidden folder inside the home and moved to its place at
 * the end, node.yaml last; after an error the folder is as it was. Threads: any. */
#ifndef CONFIG_HOME_NEW_H
#define CONFIG_HOME_NEW_H

#include "common/bytes.h"
#include "common/error.h"

struct home_new {
    const char *network;
    const char *title; /* "National … (th-demo)": for the paper copy of the recovery key */
    struct span yaml;  /* node.yaml, checked before */
    uint64_t now_ms;   /* Unix time */
};

/* The folder must be missing or empty (lost+found does not count); its parent must be there.
 * ERROR_EXISTS when there is something in it: nothing of it is ever touched. secret_start must have
 * run. *feed: who the institution is from now on. */
int home_new(const char *home, const struct home_new *input, struct id *feed, struct error *error);

/* The text to print: appends it. Each line of 16 hex digits ends with a CRC-16 (CCITT, start
 * 0xffff) of its number (one byte, from 1) and its eight bytes. */
bool home_new_paper(const char *title, const char *network, const struct id *feed,
                    const struct id *recovery_public, const uint8_t secret[32], struct buffer *out);
/* The check of line `number`, 1 to 4. */
uint16_t home_new_paper_check(uint8_t number, const uint8_t bytes[8]);

#endif
