#include "node/cli/cli.h"

#include <string.h>

/* --- nearest word ----------------------------------------------------------------------------- */

#define NEAREST_SIZE 32

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to add, drop, change or swap to get from a to b; large for long words. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[3][NEAREST_SIZE + 1];
    size_t a_size = strlen(a), b_size = strlen(b);

    if (a_size > NEAREST_SIZE || b_size > NEAREST_SIZE)
        return NEAREST_SIZE;
    for (size_t j = 0; j <= b_size; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *now = row[i % 3], *before = row[(i - 1) % 3], *older = row[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            now[j] =
                smaller(smaller(before[j], now[j - 1]) + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], older[j - 2] + 1);
        }
    }
    return row[a_size % 3][b_size];
}

const char *cli_nearest(const char *typed, const char *const *words)
{
    const char *best = NULL;
    unsigned best_distance = NEAREST_SIZE;

    for (; *words; words++) {
        unsigned d = distance(typed, *words);

        /* The beginning of a longer word is near, too: "stat" for "status". */
        if (strlen(typed) >= 3 && strncmp(typed, *words, strlen(typed)) == 0)
            d = 1;
        if (d < best_distance) {
            best_distance = d;
            best = *words;
        }
    }
    return best && best_distance <= 1 + strlen(best) / 4 ? best : NULL;
}

/* --- help ------------------------------------------------------------------------------------- */

static void print_usage(const struct cli_command *command)
{
    const char *line = command->usage;
    const char *prefix = "usage:";

    while (line) {
        const char *end = strchr(line, '\n');
        int size = end ? (int)(end - line) : (int)strlen(line);

        printf("%s caravan %.*s\n", prefix, size, line);
        prefix = "      ";
        line = end ? end + 1 : NULL;
    }
}

static void print_option(const char *name, const char *value, const char *help)
{
    char left[64];

    snprintf(left, sizeof left, "%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-22s %s\n", left, help);
}

static void print_help(const struct cli_command *command, const struct cli_option *options)
{
    print_usage(command);
    printf("\n%s\n\nOptions\n", command->help);
    for (; options && options->name; options++)
        print_option(options->name, options->value, options->help);
    print_option("--home", "DIR", "the node's home folder (or set CARAVAN_HOME)");
    print_option("--json", NULL, "print results as JSON");
    print_option("--help", NULL, "this text");
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    struct cli *cli;
    const struct cli_command *command;
    const struct cli_option *options;
    struct error *error;
};

static bool name_matches(const char *name, const char *argument, size_t size)
{
    return strlen(name) == size && strncmp(name, argument, size) == 0;
}

static int unknown_option(const struct reader *reader, const char *argument, size_t size)
{
    const char *names[40] = {"--home", "--json", "--help"};
    const char *near;
    char typed[NEAREST_SIZE + 1];
    size_t count = 3;

    for (const struct cli_option *o = reader->options; o && o->name && count < 39; o++)
        names[count++] = o->name;
    snprintf(typed, sizeof typed, "%.*s", (int)(size < NEAREST_SIZE ? size : NEAREST_SIZE),
             argument);
    near = cli_nearest(typed, names);
    return error_set(reader->error, ERROR_USAGE,
                     "%s has no option \"%s\"%s%s%s; see: caravan %s --help", reader->command->name,
                     typed, near ? "; did you mean " : "", near ? near : "", near ? "?" : "",
                     reader->command->name);
}

static int store_value(const struct reader *reader, const struct cli_option *option,
                       const char *value)
{
    int used = 0;

    if (option->text) {
        *option->text = value;
        return ERROR_NONE;
    }
    while (used < option->list_size - 1 && option->list[used])
        used++;
    if (used >= option->list_size - 1)
        return error_set(reader->error, ERROR_USAGE, "%s is given more than %d times", option->name,
                         option->list_size - 1);
    option->list[used] = value;
    option->list[used + 1] = NULL;
    return ERROR_NONE;
}

/* The option as a row of a table, the common ones included. */
static bool find_option(const struct reader *reader, const char *argument, size_t size,
                        struct cli_option *out)
{
    const struct cli_option common[] = {
        {.name = "--json", .flag = &reader->cli->json},
        {.name = "--home", .value = "DIR", .text = &reader->cli->home},
    };

    for (const struct cli_option *o = reader->options; o && o->name; o++)
        if (name_matches(o->name, argument, size)) {
            *out = *o;
            return true;
        }
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (name_matches(common[i].name, argument, size)) {
            *out = common[i];
            return true;
        }
    return false;
}

/* Reads the option at argv[*at]; moves *at to the last argument it has used. */
static int read_option(const struct reader *reader, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    const char *equals = strchr(argument, '=');
    size_t size = equals ? (size_t)(equals - argument) : strlen(argument);
    struct cli_option option;

    if (!find_option(reader, argument, size, &option))
        return unknown_option(reader, argument, size);
    if (!option.value) {
        if (equals)
            return error_set(reader->error, ERROR_USAGE, "%s takes no value", option.name);
        *option.flag = true;
        return ERROR_NONE;
    }
    if (!equals && *at + 1 >= argc)
        return error_set(reader->error, ERROR_USAGE, "%s needs a value: %s %s", option.name,
                         option.name, option.value);
    return store_value(reader, &option, equals ? equals + 1 : argv[++*at]);
}

int cli_options(struct cli *cli, const struct cli_command *command,
                const struct cli_option *options, int argc, char **argv, int *rest,
                struct error *error)
{
    struct reader reader = {cli, command, options, error};
    int kept = 0;

    for (int i = 0; i < argc; i++) {
        int code;

        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                argv[kept++] = argv[i];
            break;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') { /* "-" alone is a file name */
            argv[kept++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(command, options);
            return -1;
        }
        code = read_option(&reader, argc, argv, &i);
        if (code)
            return code;
    }
    *rest = kept;
    return ERROR_NONE;
}

int cli_verb(const struct cli_command *command, const char *const *verbs, int argc, char **argv,
             struct error *error)
{
    char all[128] = "";
    const char *near;

    for (size_t i = 0; verbs[i]; i++) {
        if (argc > 0 && strcmp(argv[0], verbs[i]) == 0)
            return ERROR_NONE;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
                 i == 0         ? ""
                 : verbs[i + 1] ? ", "
                                : " or ",
                 verbs[i]);
    }
    if (argc == 0)
        return error_set(error, ERROR_USAGE, "%s what? Say %s; see: caravan %s --help",
                         command->name, all, command->name);
    near = cli_nearest(argv[0], verbs);
    return error_set(error, ERROR_USAGE, "%s has no \"%s\"%s%s%s; it has %s", command->name,
                     argv[0], near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                     all);
}
