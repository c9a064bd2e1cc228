#include "node/config/recovery_paper.h"

#include <ctype.h>
#include <string.h>

#include "common/secret.h"
#include "node/config/home_new.h"

#define LINES 4
#define LINE_BYTES 8

struct line {
    unsigned number;
    uint8_t bytes[LINE_BYTES];
    unsigned check;
    bool complete; /* all digits are there, and nothing else */
};

/* So many hexadecimal digits, spaces between them passed over; false: something else is there. */
static bool take_digits(const char **at, const char *end, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; (*at)++) {
        char c = *at < end ? (char)tolower((unsigned char)**at) : '\0';
        const char *digit = c ? strchr("0123456789abcdef", c) : NULL;

        if (c == ' ' || c == '\t')
            continue;
        if (!digit)
            return false;
        if (i % 2 == 0)
            out[i / 2] = 0;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (digit - "0123456789abcdef"));
        i++;
    }
    return true;
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

/* false: a line of text. */
static bool read_line(const char *at, const char *end, struct line *line)
{
    static const char word[] = "check";
    uint8_t check[2] = {0};

    *line = (struct line){0};
    at = skip_spaces(at, end);
    if (end - at < 2 || !isdigit((unsigned char)*at) || !isspace((unsigned char)at[1]) ||
        !memmem(at, (size_t)(end - at), word, sizeof word - 1))
        return false;
    line->number = (unsigned)(*at++ - '0');
    if (!take_digits(&at, end, 2 * LINE_BYTES, line->bytes))
        return true;
    at = skip_spaces(at, end);
    if ((size_t)(end - at) < sizeof word - 1 || memcmp(at, word, sizeof word - 1) != 0)
        return true;
    at += sizeof word - 1;
    line->complete = take_digits(&at, end, 4, check) && skip_spaces(at, end) == end;
    line->check = (unsigned)check[0] << 8 | check[1];
    return true;
}

static int take_line(const struct line *line, bool seen[LINES], uint8_t secret[32],
                     struct error *error)
{
    if (line->number < 1 || line->number > LINES)
        return error_set(error, ERROR_INVALID, "found a line %u, expected lines 1 to %d",
                         line->number, LINES);
    if (seen[line->number - 1])
        return error_set(error, ERROR_INVALID, "line %u stands there twice", line->number);
    if (!line->complete)
        return error_set(error, ERROR_INVALID,
                         "line %u: expected 16 digits (0-9, a-f), the word \"check\" and 4 digits",
                         line->number);
    if (home_new_paper_check((uint8_t)line->number, line->bytes) != line->check)
        return error_set(error, ERROR_INVALID,
                         "line %u: its check does not fit; compare each digit with the paper",
                         line->number);
    seen[line->number - 1] = true;
    memcpy(secret + (size_t)LINE_BYTES * (line->number - 1), line->bytes, LINE_BYTES);
    return ERROR_NONE;
}

int recovery_paper_read(struct span text, uint8_t secret[32], struct error *error)
{
    const char *at = (const char *)text.data, *end = at + text.size;
    bool seen[LINES] = {false};
    struct line line;
    int code = ERROR_NONE;

    while (at < end && !code) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        if (read_line(at, stop, &line))
            code = take_line(&line, seen, secret, error);
        at = stop < end ? stop + 1 : end;
    }
    for (unsigned i = 0; i < LINES && !code; i++)
        if (!seen[i])
            code = error_set(error, ERROR_INVALID,
                             "line %u is missing; expected the four lines of the recovery paper, "
                             "like:  1   0011 2233 4455 6677   check 1a2b",
                             i + 1);
    secret_wipe(&line, sizeof line);
    if (code)
        secret_wipe(secret, 32);
    return code;
}
