/* backup, restore: a node in one file, and back. */
#include <stdint.h>

#include "node/cli/cli_commands.h"
#include "node/ledger/backup.h"

static const struct cli_option no_options[] = {{0}};

static int one_file(struct cli *cli, const struct cli_command *command, int argc, char **argv,
                    struct error *error)
{
    int rest = 0;
    int code = cli_options(cli, command, no_options, argc, argv, &rest, error);

    if (!code && rest != 1)
        code = error_set(error, ERROR_USAGE, "%s takes one FILE", command->name);
    return code;
}

/* One line that is written over; only on a terminal. */
static void show_progress(void *context, uint64_t done, uint64_t total)
{
    const char *what = context;

    fprintf(stderr, "\r%s: %3u %%", what, total ? (unsigned)(done * 100 / total) : 100);
    if (done == total)
        fputs("\r\033[K", stderr);
    fflush(stderr);
}

static void print_done(const struct cli *cli, const char *key, const char *path, const char *home)
{
    if (!cli->json)
        return;
    printf("{\"%s\": ", key);
    cli_print_json(stdout, path);
    fputs(", \"home\": ", stdout);
    cli_print_json(stdout, home);
    puts("}");
}

static int run_backup(struct cli *cli, int argc, char **argv)
{
    char what[] = "saving";
    struct error error = {0};
    const char *home;
    int code = one_file(cli, &cmd_backup, argc, argv, &error);

    if (code < 0)
        return 0;
    home = code ? NULL : cli_home(cli, &error);
    if (!home || backup_write(home, argv[0], cli->terminal ? show_progress : NULL, what, &error))
        return cli_fail(cli, &error);
    print_done(cli, "backup", argv[0], home);
    if (!cli->json)
        printf("Saved to %s.\nIt holds the node's secret keys (not the root and the recovery key): "
               "keep it where only\nyou can read it.\n",
               argv[0]);
    return 0;
}

static int run_restore(struct cli *cli, int argc, char **argv)
{
    char what[] = "restoring";
    struct error error = {0};
    const char *home;
    int code = one_file(cli, &cmd_restore, argc, argv, &error);

    if (code < 0)
        return 0;
    home = code ? NULL : cli_home(cli, &error);
    if (!home || backup_restore(argv[0], home, cli->terminal ? show_progress : NULL, what, &error))
        return cli_fail(cli, &error);
    print_done(cli, "restored", argv[0], home);
    if (!cli->json)
        printf(
            "Restored into %s.\nMake sure that the old node no longer runs, then start this one: "
            "caravan --home %s run\n"
            "It publishes again as soon as a partner has said what it holds of your "
            "announcements.\n"
            "If you have made new keys after this backup (caravan key rotate), restore a newer "
            "one: "
            "partners\nrefuse the keys in this one.\n",
            home, home);
    return 0;
}

const struct cli_command cmd_backup = {
    .name = "backup",
    .group = CLI_GROUP_CARE,
    .usage = "backup FILE",
    .summary = "save the node to one file, also while it runs",
    .help =
        "Saves the ledger, node.yaml, the keys for day-to-day work, the partners' cards and the\n"
        "listeners to FILE, which must not exist yet. Root and recovery key are never in it:\n"
        "they are kept elsewhere.\n"
        "\n"
        "FILE holds secret keys; only its owner can read it. It is a SQLite archive:\n"
        "sqlite3 FILE -Atv lists the files in it.\n"
        "\n"
        "Example: caravan --home ~/caravan backup /backup/node-2026-11-23.caravan",
    .run = run_backup,
};

const struct cli_command cmd_restore = {
    .name = "restore",
    .group = CLI_GROUP_CARE,
    .usage = "restore FILE",
    .summary = "bring a saved node back into an empty home folder",
    .help =
        "Checks FILE, then writes all that is in it into the home folder, which must be empty or\n"
        "not exist yet.\n"
        "\n"
        "The partners may hold announcements that were published after the backup was made. So\n"
        "the restored node does not publish before a partner has answered; what it lacks is\n"
        "fetched back first. Never run the old and the restored node at the same time: two\n"
        "nodes that publish in one name fork the feed.\n"
        "\n"
        "A backup that was made before the keys were replaced (caravan key rotate) has keys that\n"
        "partners refuse. Use a newer one; without one, caravan status says what to do.\n"
        "\n"
        "Example: caravan --home ~/caravan restore /backup/node-2026-11-23.caravan",
    .run = run_restore,
};
