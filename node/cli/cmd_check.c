/* check: says everything that is wrong with announcements and configurations before they are used.
 */
#include <string.h>
#include <time.h>

#include "common/announcement.h"
#include "common/limits.h"
#include "common/value.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_file.h"
#include "node/cli/cli_names.h"
#include "node/config/config.h"

struct outcome {
    const char *file;
    const char *what; /* "announcement", "configuration" */
    struct problem_list problems;
    struct buffer title; /* of an announcement that can be read */
};

struct totals {
    const struct codec_names *names;
    size_t files, errors, warnings;
    int code; /* of the first file that could not be read */
};

static struct moment_date today(void)
{
    struct moment_civil civil;

    moment_ms_to_civil((int64_t)time(NULL) * 1000, 0, &civil);
    return civil.date;
}

/* A configuration has `network` or `institution` at its top level and no `kind`. */
static bool is_configuration(struct span text)
{
    struct arena arena;
    struct value *root = NULL;
    bool yes = false;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (value_read_yaml(text, &arena, &root, NULL) == 0 && root->kind == VALUE_MAP)
        yes = !value_get(root, "kind") &&
              (value_get(root, "network") || value_get(root, "institution"));
    arena_finish(&arena);
    return yes;
}

static void check_announcement(struct span text, const struct codec_names *names,
                               struct outcome *outcome)
{
    Caravan__Announcement *announcement = NULL;
    struct moment_date date = today();
    struct arena arena;

    outcome->what = "announcement";
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (announcement_read_with(text, names, &date, &arena, &announcement, NULL,
                               &outcome->problems) == 0)
        buffer_append_text(&outcome->title, announcement_title(announcement, NULL));
    arena_finish(&arena);
}

static void check_configuration(struct span text, struct outcome *outcome)
{
    outcome->what = "configuration";
    config_check(text, &outcome->problems);
}

static void print_problem(const struct cli *cli, const char *file, const struct problem *problem)
{
    bool error = problem->severity == PROBLEM_ERROR;

    cli_print_text(stdout, file, false);
    if (problem->line)
        printf(":%u:%u", problem->line, problem->column);
    printf(": %s%s:%s ", cli_style(cli, error ? CLI_BAD : CLI_WARN), error ? "error" : "warning",
           cli_style(cli, CLI_PLAIN));
    if (*problem->path) {
        cli_print_text(stdout, problem->path, false);
        fputs(": ", stdout);
    }
    cli_print_text(stdout, problem->text, false);
    putchar('\n');
}

static void print_outcome(const struct cli *cli, const struct outcome *outcome)
{
    const struct problem_list *list = &outcome->problems;
    size_t more = list->errors + list->warnings - list->count;

    for (size_t i = 0; i < list->count; i++)
        print_problem(cli, outcome->file, &list->items[i]);
    if (more)
        printf("… and %zu more\n", more);
    cli_print_text(stdout, outcome->file, false);
    if (list->errors)
        printf(": this %s cannot be used: %zu error%s, %zu warning%s\n", outcome->what,
               list->errors, list->errors == 1 ? "" : "s", list->warnings,
               list->warnings == 1 ? "" : "s");
    else
        printf(": %sthis %s is right%s, %zu warning%s\n", cli_style(cli, CLI_GOOD), outcome->what,
               cli_style(cli, CLI_PLAIN), list->warnings, list->warnings == 1 ? "" : "s");
}

static void print_outcome_json(struct outcome *outcome, bool first)
{
    const struct problem_list *list = &outcome->problems;

    printf("%s{\"file\": ", first ? "" : ", ");
    cli_print_json(stdout, outcome->file);
    printf(", \"what\": \"%s\", \"errors\": %zu, \"warnings\": %zu, \"title\": ", outcome->what,
           list->errors, list->warnings);
    cli_print_json(stdout, outcome->title.size ? buffer_text(&outcome->title) : NULL);
    printf(", \"problems\": [");
    for (size_t i = 0; i < list->count; i++) {
        const struct problem *problem = &list->items[i];

        printf("%s{\"severity\": \"%s\", \"line\": %u, \"column\": %u, \"path\": ", i ? ", " : "",
               problem->severity == PROBLEM_ERROR ? "error" : "warning", problem->line,
               problem->column);
        cli_print_json(stdout, problem->path);
        printf(", \"text\": ");
        cli_print_json(stdout, problem->text);
        putchar('}');
    }
    printf("]}");
}

static void print_unreadable_json(const char *path, const struct error *error, bool first)
{
    printf("%s{\"file\": ", first ? "" : ", ");
    cli_print_json(stdout, path);
    printf(", \"what\": null, \"errors\": 1, \"warnings\": 0, \"title\": null, \"problems\": "
           "[{\"severity\": \"error\", \"line\": 0, \"column\": 0, \"path\": null, \"text\": ");
    cli_print_json(stdout, error->text);
    printf("}]}");
}

/* A file that cannot be read is said, and the others are checked all the same. */
static void check_file(const struct cli *cli, const char *path, struct totals *totals)
{
    struct outcome outcome = {.file = path};
    struct cli_file file = {0};
    struct error error = {0};
    int code = cli_file_open(path, &file, &error);

    if (code) {
        if (cli->json)
            print_unreadable_json(path, &error, totals->files++ == 0);
        code = cli->json ? error_exit_code(error.code) : cli_fail(cli, &error);
        totals->code = totals->code ? totals->code : code;
        return;
    }
    if (is_configuration(file.bytes))
        check_configuration(file.bytes, &outcome);
    else
        check_announcement(file.bytes, totals->names, &outcome);
    if (cli->json)
        print_outcome_json(&outcome, totals->files == 0);
    else
        print_outcome(cli, &outcome);
    totals->files++;
    totals->errors += outcome.problems.errors;
    totals->warnings += outcome.problems.warnings;
    problem_list_finish(&outcome.problems);
    buffer_finish(&outcome.title);
    cli_file_close(&file);
}

static int run_check(struct cli *cli, int argc, char **argv)
{
    bool strict = false;
    const struct cli_option options[] = {
        {.name = "--strict", .help = "warnings count as errors, too", .flag = &strict},
        {0},
    };
    struct cli_names *names = NULL;
    struct totals totals = {0};
    struct error error = {0};
    int rest = 0, code = cli_options(cli, &cmd_check, options, argc, argv, &rest, &error);

    if (code == -1)
        return 0;
    if (code == 0 && rest == 0)
        code = error_set(&error, ERROR_USAGE, "which file? For example: caravan check notice.yaml");
    if (!code)
        code = cli_names_create(cli, &names, &error);
    if (code)
        return cli_fail(cli, &error);
    totals.names = cli_names_codec(names);
    if (cli->json)
        printf("{\"files\": [");
    for (int i = 0; i < rest; i++)
        check_file(cli, argv[i], &totals);
    if (cli->json)
        printf("], \"errors\": %zu, \"warnings\": %zu}\n", totals.errors, totals.warnings);
    cli_names_destroy(names);
    if (totals.code)
        return totals.code;
    return totals.errors || (strict && totals.warnings) ? error_exit_code(ERROR_INVALID) : 0;
}

const struct cli_command cmd_check = {
    .name = "check",
    .group = CLI_GROUP_WRITE,
    .usage = "check FILE… [--strict]",
    .summary = "say everything that is wrong with an announcement or a configuration",
    .help = "Reads each file and lists all problems with line and column, what was found and what\n"
            "was expected, before anything is published. A file with `network` or `institution`\n"
            "and no `kind` is a configuration (node.yaml), everything else an announcement. - is\n"
            "standard input.\n"
            "\n"
            "Errors must be put right. A warning names what readers look for and the notice does\n"
            "not say; it is answered with `not stated: […]`, which readers are shown. Nothing may\n"
            "be invented.\n"
            "\n"
            "Exit code: 0 no error, 65 an error (or with --strict a warning), 66 no such file.\n"
            "\n"
            "Example: caravan check notice.yaml\n"
            "Example: caravan check /var/lib/caravan/node.yaml",
    .run = run_check,
};
