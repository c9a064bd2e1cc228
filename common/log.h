/* log: one line an event, on standard error: time, level, stable event name, key=value fields.
 *
 *     2026-11-23T10:04:05.123Z info link.up partner=th-demo endpoint="tcp://127.0.0.1:7001"
 *
 * Values with spaces or quotes are quoted, control characters escaped, every value cut at 256
 * bytes: a peer's text can neither forge a line nor fill the disk. Never pass a secret. Threads:
 * any; one line is written in one call. Depends on nothing but the C library. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_SILENT };

/* Lines below this level are dropped; LOG_INFO at the start. */
void log_set_level(enum log_level level);
/* "debug", "info", "warning", "error", "silent"; -1 when unknown. */
int log_level_of_name(const char *name);

/* Fields: pairs of const char *key, const char *value, ended by NULL. A NULL value prints "-". */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A number as a value, in a small ring of thread-local buffers (16 may be alive at a time). */
const char *log_number(long long value);

#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__, (const char *)0)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__, (const char *)0)
#define log_warning(...) log_event(LOG_WARNING, __VA_ARGS__, (const char *)0)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__, (const char *)0)

#endif
