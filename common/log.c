#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 4096
#define VALUE_SIZE 256

static atomic_int threshold = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warning", "error", "silent"};

struct line {
    char text[LINE_SIZE];
    size_t size;
};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

int log_level_of_name(const char *name)
{
    for (int i = 0; i <= LOG_SILENT; i++)
        if (strcmp(level_names[i], name) == 0)
            return i;
    return -1;
}

/* Room for the final newline is always kept. */
static void put(struct line *line, char c)
{
    if (line->size < sizeof line->text - 1)
        line->text[line->size++] = c;
}

static void put_text(struct line *line, const char *text)
{
    while (*text)
        put(line, *text++);
}

static bool is_plain(const char *value)
{
    if (!*value)
        return false;
    for (; *value; value++)
        if ((unsigned char)*value <= ' ' || *value == '"' || *value == '=' || *value == '\\' ||
            *value == 0x7f)
            return false;
    return true;
}

static void put_value(struct line *line, const char *value)
{
    static const char digits[] = "0123456789abcdef";
    bool quoted = !is_plain(value);
    size_t count = 0;

    if (quoted)
        put(line, '"');
    for (; *value && count < VALUE_SIZE; value++, count++) {
        unsigned char c = (unsigned char)*value;

        if (c < ' ' || c == 0x7f) {
            put_text(line, "\\x");
            put(line, digits[c >> 4]);
            put(line, digits[c & 15]);
        } else {
            if (c == '"' || c == '\\')
                put(line, '\\');
            put(line, (char)c);
        }
    }
    if (*value)
        put_text(line, "...");
    if (quoted)
        put(line, '"');
}

void log_event(enum log_level level, const char *event, ...)
{
    struct line line;
    struct timespec now;
    struct tm tm;
    char time_text[32];
    const char *key;
    va_list args;

    if ((int)level < atomic_load(&threshold) || level >= LOG_SILENT)
        return;
    line.size = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &tm);
    put_text(&line, time_text);
    snprintf(time_text, sizeof time_text, ".%03dZ ", (int)(now.tv_nsec / 1000000));
    put_text(&line, time_text);
    put_text(&line, level_names[level]);
    put(&line, ' ');
    put_text(&line, event);
    va_start(args, event);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);

        put(&line, ' ');
        put_text(&line, key);
        put(&line, '=');
        put_value(&line, value ? value : "-");
    }
    va_end(args);
    line.text[line.size++] = '\n';
    /* One write call for one line: lines of two threads never mix. A full disk must not stop us. */
    if (write(STDERR_FILENO, line.text, line.size) < 0)
        return;
}

const char *log_number(long long value)
{
    static _Thread_local char ring[16][24];
    static _Thread_local unsigned next;
    char *text = ring[next++ % 16];

    snprintf(text, sizeof ring[0], "%lld", value);
    return text;
}
