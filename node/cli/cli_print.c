#include "node/cli/cli.h"

#include "common/text.h"
#include "common/utf8.h"

#include <string.h>
#include <time.h>

const char *cli_style(const struct cli *cli, enum cli_style style)
{
    static const char *const sequences[] = {
        [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m",  [CLI_DIM] = "\033[2m",
        [CLI_GOOD] = "\033[32m", [CLI_WARN] = "\033[33m", [CLI_BAD] = "\033[31m",
    };

    return cli->colour ? sequences[style] : "";
}

const char *cli_colour_of(const struct cli *cli, const char *text)
{
    static const char *const colours[] = {
        "\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m", "\033[31m",
        "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m", "\033[91m",
    };
    unsigned hash = 0;

    if (!cli->colour)
        return "";
    for (; *text; text++)
        hash = hash * 31 + (unsigned char)*text;
    return colours[hash % (sizeof colours / sizeof *colours)];
}

void cli_print_text(FILE *out, const char *text, bool lines)
{
    struct span span = span_of_text(text);
    size_t at = 0, plain = 0; /* from `plain` on it can be written as it is, at once */

    while (at < span.size) {
        size_t start = at;
        int32_t c = utf8_next(span, &at);
        bool unsafe = c >= 0 && text_is_unsafe(c) && !(c == '\n' && lines) && c != '\t';

        if (c >= 0 && !unsafe)
            continue;
        fwrite(span.data + plain, 1, start - plain, out);
        if (c < 0) { /* not UTF-8: one byte, as a number */
            fprintf(out, "\\x%02x", span.data[start]);
            at = start + 1;
        } else {
            fprintf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        }
        plain = at;
    }
    fwrite(span.data + plain, 1, span.size - plain, out);
}

void cli_print_json(FILE *out, const char *text)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

void cli_print_time(FILE *out, unsigned long long unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[32];

    if (unix_ms == 0 || !gmtime_r(&seconds, &tm) ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        fputs("never", out);
    else
        fputs(text, out);
}
