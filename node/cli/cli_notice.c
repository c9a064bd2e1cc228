#include "node/cli/cli_notice.h"

#include <time.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "common/limits.h"
#include "node/cli/cli_file.h"
#include "node/cli/cli_message.h"

void cli_notice_finish(struct cli_notice *notice)
{
    buffer_finish(&notice->written);
    buffer_finish(&notice->content);
}

static struct moment_date today(void)
{
    struct moment_civil now;

    moment_ms_to_civil((int64_t)time(NULL) * 1000, 0, &now);
    return now.date;
}

/* Reads the bytes of a file, and prints all that is wrong with them. */
static int read_bytes(struct span yaml, const struct cli_names *names, struct cli_notice *notice,
                      struct error *error)
{
    struct problem_list problems = {0};
    struct moment_date day = today();
    struct arena arena;
    Caravan__Announcement *announcement;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = announcement_read_with(yaml, cli_names_codec(names), &day, &arena, &announcement,
                                  &notice->written, &problems);
    problem_list_sort(&problems);
    cli_message_print_problems(&problems, notice->path);
    if (code == ERROR_MEMORY || (!code && !codec_pack(&announcement->base, &notice->content)))
        code = error_memory(error);
    else if (code)
        code = error_set(error, ERROR_INVALID,
                         "%s has %zu error%s; correct %s, then check it with: caravan check %s",
                         notice->path, problems.errors, problems.errors == 1 ? "" : "s",
                         problems.errors == 1 ? "it" : "them", notice->path);
    problem_list_finish(&problems);
    arena_finish(&arena);
    return code;
}

static int refuse_other(const struct cli_notice *notice, const struct cli_audience *written,
                        struct error *error)
{
    struct buffer file = {0}, line = {0};

    cli_audience_print(written, &file);
    cli_audience_print(&notice->audience, &line);
    error_set(
        error, ERROR_USAGE,
        "%s: audience is %.200s, but --to says %.200s; expected the same, or only one of them",
        notice->path, buffer_text(&file), buffer_text(&line));
    buffer_finish(&file);
    buffer_finish(&line);
    return ERROR_USAGE;
}

/* When the command line and the file both say it they must agree, or it goes to others than the
 * file's writer believes. */
static int read_audience(const struct cli *cli, struct span yaml, const char *const *to,
                         struct arena *arena, struct cli_notice *notice, struct error *error)
{
    struct cli_audience written = {0};
    int code = cli_audience_add_file(cli, yaml, arena, &written, error);

    for (; to && *to && !code; to++)
        code = cli_audience_add_text(cli, *to, arena, &notice->audience, error);
    if (code)
        return code;
    if (!notice->audience.count)
        notice->audience = written;
    return !written.count || cli_audience_equal(&written, &notice->audience)
               ? ERROR_NONE
               : refuse_other(notice, &written, error);
}

int cli_notice_read(const struct cli *cli, const struct cli_names *names, const char *path,
                    const char *const *to, struct arena *arena, struct cli_notice *notice,
                    struct error *error)
{
    struct cli_file file = {0};
    int code = cli_file_open(path, &file, error);

    notice->path = path;
    if (!code)
        code = read_bytes(file.bytes, names, notice, error);
    if (!code)
        code = read_audience(cli, file.bytes, to, arena, notice, error);
    cli_file_close(&file);
    return code;
}
