#include "node/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What an exit code means, for the overview and for scripts. */
static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
    {0, "it worked"},
    {64, "the command line is wrong"},
    {65, "a file or message breaks a rule; the text says which"},
    {66, "no such file, announcement, partner or key"},
    {69, "the node does not answer; is it running?"},
    {70, "a fault in Caravan itself"},
    {71, "out of memory"},
    {73, "would overwrite or contradict what is there"},
    {74, "disk, file or socket trouble"},
    {75, "a time limit ran out; try again"},
    {76, "the node is busy; try again"},
    {77, "no right to do this"},
    {78, "node.yaml, keys or home folder are not right"},
    {79, "publishing waits until the own feed is confirmed; try again"},
    {80, "the feed is frozen because it is forked"},
};

static void print_padded(const char *text, int width)
{
    printf("  %-*s ", width, text);
}

static void print_group(const char *group, int width)
{
    printf("\n%s\n", group);
    for (const struct cli_command *const *command = cli_commands; *command; command++) {
        if (strcmp((*command)->group, group) != 0)
            continue;
        print_padded((*command)->name, width);
        puts((*command)->summary);
    }
}

static void print_overview(void)
{
    static const char *const groups[] = {CLI_GROUP_SETUP, CLI_GROUP_PARTNERS, CLI_GROUP_WRITE,
                                         CLI_GROUP_READ, CLI_GROUP_CARE};
    int width = 0;

    for (const struct cli_command *const *command = cli_commands; *command; command++)
        if ((int)strlen((*command)->name) > width)
            width = (int)strlen((*command)->name);
    puts("caravan: the exchange network node of an institution\n\n"
         "usage: caravan [--home DIR] [--json] COMMAND [ARGUMENT]…\n"
         "       caravan COMMAND --help");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        print_group(groups[i], width);
    puts("\nOptions\n"
         "  --home DIR   the node's home folder (or set CARAVAN_HOME)\n"
         "  --json       print results as JSON\n"
         "  --help       this text, or the help of a command\n"
         "  --version    print the version\n\n"
         "Example: caravan --home ~/caravan status\n\n"
         "Exit codes");
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++)
        printf("  %2d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
    puts("\nColour is used on a terminal only; NO_COLOR=1 turns it off.");
}

static const struct cli_command *find_command(const char *name, struct error *error)
{
    const char *names[64] = {0};
    const char *near;
    size_t count = 0;

    for (const struct cli_command *const *command = cli_commands; *command; command++) {
        if (strcmp((*command)->name, name) == 0)
            return *command;
        if (count + 1 < sizeof names / sizeof *names)
            names[count++] = (*command)->name;
    }
    near = cli_nearest(name, names);
    error_set(error, ERROR_USAGE, "there is no command \"%s\"%s%s%s; see: caravan --help", name,
              near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

/* Common options in front of the command. Returns the command's place in argv; argc when there is
 * none; 0 after --help or --version; -1 on error. */
static int read_front(struct cli *cli, int argc, char **argv, struct error *error)
{
    static const char *const known[] = {"--home", "--json", "--help", "--version", NULL};
    int i;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        const char *near;

        if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(argv[i], "--home") == 0 && i + 1 < argc) {
            cli->home = argv[++i];
        } else if (strncmp(argv[i], "--home=", 7) == 0) {
            cli->home = argv[i] + 7;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_overview();
            return 0;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("caravan " CARAVAN_VERSION);
            return 0;
        } else if (strcmp(argv[i], "--home") == 0) {
            error_set(error, ERROR_USAGE, "--home needs a folder: caravan --home DIR COMMAND");
            return -1;
        } else {
            near = cli_nearest(argv[i], known);
            error_set(error, ERROR_USAGE,
                      "there is no option \"%s\" in front of the command%s%s%s; options of a "
                      "command stand behind it; see: caravan --help",
                      argv[i], near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
            return -1;
        }
    }
    return i;
}

/* What could not be written must not look like success (a full disk behind a redirection). */
static int flush_output(const struct cli *cli, int code)
{
    struct error error;

    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    error_set(&error, ERROR_IO, "cannot write to standard output");
    fprintf(stderr, "%s: %s\n", cli->program, error.text);
    return code ? code : error_exit_code(error.code);
}

static int run_help(int argc, char **argv, struct cli *cli,
                    int (*run_node)(struct cli *cli, int argc, char **argv), struct error *error)
{
    static char help[] = "--help";
    char *arguments[] = {help, NULL};
    const struct cli_command *command;

    if (argc == 0) {
        print_overview();
        return 0;
    }
    command = find_command(argv[0], error);
    if (!command)
        return cli_fail(cli, error);
    return (command->run ? command->run : run_node)(cli, 1, arguments);
}

int cli_main(int argc, char **argv, int (*run_node)(struct cli *cli, int argc, char **argv))
{
    struct cli cli = {.program = "caravan"};
    struct error error = {0};
    const struct cli_command *command;
    const char *no_colour = getenv("NO_COLOR");
    const char *home = getenv("CARAVAN_HOME");
    int at;

    cli.home = home && *home ? home : NULL;
    cli.terminal = isatty(STDERR_FILENO) == 1;
    cli.colour = isatty(STDOUT_FILENO) == 1 && !(no_colour && *no_colour);
    at = read_front(&cli, argc, argv, &error);
    if (at < 0)
        return cli_fail(&cli, &error);
    if (at == 0)
        return flush_output(&cli, 0);
    if (at >= argc) {
        error_set(&error, ERROR_USAGE, "say what to do; caravan --help lists the commands");
        return cli_fail(&cli, &error);
    }
    if (strcmp(argv[at], "help") == 0)
        return flush_output(&cli, run_help(argc - at - 1, argv + at + 1, &cli, run_node, &error));
    command = find_command(argv[at], &error);
    if (!command)
        return cli_fail(&cli, &error);
    at++;
    return flush_output(&cli, (command->run ? command->run : run_node)(&cli, argc - at, argv + at));
}

int cli_fail(const struct cli *cli, const struct error *error)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", cli->program);
    cli_print_text(stderr, error->text, true);
    fputc('\n', stderr);
    if (cli->json) {
        printf("{\"error\": {\"code\": ");
        cli_print_json(stdout, error_name(error->code));
        printf(", \"text\": ");
        cli_print_json(stdout, error->text);
        puts("}}");
        fflush(stdout);
    }
    return error_exit_code(error->code);
}

const char *cli_home(const struct cli *cli, struct error *error)
{
    if (cli->home && *cli->home)
        return cli->home;
    error_set(error, ERROR_USAGE,
              "which node? Say caravan --home DIR …, or set CARAVAN_HOME to its home folder");
    return NULL;
}
