/* recovery_paper: reads the page of the recovery key that home_new_paper prints, typed in by hand
 * or from a file. Threads: any. */
#ifndef CONFIG_RECOVERY_PAPER_H
#define CONFIG_RECOVERY_PAPER_H

#include "common/bytes.h"
#include "common/error.h"

#define RECOVERY_PAPER_SIZE 16384 /* of the text, at the most */

/* A line counts when it begins with its number and has the word "check" in it; spaces and capital
 * letters do not matter, and what else stands on the page neither. ERROR_INVALID says which line is
 * missing, stands twice or has a typing error; it never quotes digits. The caller wipes secret. */
int recovery_paper_read(struct span text, uint8_t secret[32], struct error *error);

#endif
