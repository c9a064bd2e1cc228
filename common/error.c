#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
} codes[ERROR_CODE_COUNT] = {
#define ERROR_ROW(code, name, exit_code) [code] = {name, exit_code},
    ERROR_CODES(ERROR_ROW)
#undef ERROR_ROW
};

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (error) {
        va_list args;
        error->code = code;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return (int)code;
}

int error_prefix(struct error *error, const char *format, ...)
{
    char old[ERROR_TEXT_SIZE];
    size_t used;
    va_list args;
    int length;

    if (!error)
        return ERROR_INTERNAL;
    memcpy(old, error->text, sizeof old);
    va_start(args, format);
    length = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    used = length < 0 ? 0 : (size_t)length;
    if (used < sizeof error->text)
        snprintf(error->text + used, sizeof error->text - used, ": %s", old);
    return (int)error->code;
}

int error_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, "out of memory");
}

int error_errno(struct error *error, const char *action, const char *path)
{
    int number = errno;
    char buffer[128];
    const char *text = strerror_r(number, buffer, sizeof buffer);

    return error_set(error, number == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "cannot %s %s: %s",
                     action, path, text);
}

void error_clear(struct error *error)
{
    if (error) {
        error->code = ERROR_NONE;
        error->text[0] = '\0';
    }
}

const char *error_name(enum error_code code)
{
    return (unsigned)code < ERROR_CODE_COUNT ? codes[code].name : "unknown";
}

enum error_code error_code_of_name(const char *name)
{
    for (unsigned i = 0; i < ERROR_CODE_COUNT; i++)
        if (name && strcmp(codes[i].name, name) == 0)
            return (enum error_code)i;
    return ERROR_INTERNAL;
}

int error_exit_code(enum error_code code)
{
    return (unsigned)code < ERROR_CODE_COUNT ? codes[code].exit_code : 70;
}
