/* new: a commented announcement to fill in. */
#include <string.h>

#include "common/announcement.h"
#include "node/cli/cli_commands.h"

#define KINDS 7

/* "joint", "call" and "joint-call" alike. */
static void join(int count, char **words, char out[CODEC_NAME_SIZE])
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < count && used < CODEC_NAME_SIZE - 1; i++)
        used +=
            (size_t)snprintf(out + used, CODEC_NAME_SIZE - used, "%s%s", i ? " " : "", words[i]);
}

static int refuse_kind(const char *name, struct error *error)
{
    char names[KINDS][CODEC_NAME_SIZE];
    const char *words[KINDS + 1] = {0}, *near;
    struct buffer list = {0};

    for (int kind = 1; kind <= KINDS; kind++) {
        codec_enum_text(&caravan__kind__descriptor, kind, names[kind - 1]);
        words[kind - 1] = names[kind - 1];
    }
    codec_enum_list(&caravan__kind__descriptor, &list);
    near = *name ? cli_nearest(name, words) : NULL;
    if (!*name)
        error_set(error, ERROR_USAGE, "which kind? One of: %s", buffer_text(&list));
    else if (near)
        error_set(error, ERROR_USAGE, "there is no kind \"%s\"; did you mean \"%s\"?", name, near);
    else
        error_set(error, ERROR_USAGE, "there is no kind \"%s\"; expected one of: %s", name,
                  buffer_text(&list));
    buffer_finish(&list);
    return ERROR_USAGE;
}

static int run_new(struct cli *cli, int argc, char **argv)
{
    struct buffer text = {0};
    struct error error = {0};
    char name[CODEC_NAME_SIZE];
    int rest = 0, kind, code = cli_options(cli, &cmd_new, NULL, argc, argv, &rest, &error);

    if (code == -1)
        return 0;
    if (code)
        return cli_fail(cli, &error);
    join(rest, argv, name);
    kind = announcement_kind(name);
    if (!kind)
        code = refuse_kind(name, &error);
    else if (!announcement_template(kind, &text))
        code = error_memory(&error);
    else if (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0)
        code = error_errno(&error, "write", "standard output");
    buffer_finish(&text);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_new = {
    .name = "new",
    .group = CLI_GROUP_WRITE,
    .usage = "new KIND",
    .summary = "print an announcement of a kind with all its keys, to fill in",
    .help = "Prints a commented file: what is required, what readers look for, and what else may\n"
            "be said. Fill it in, take away the # before the keys that you need, then check it.\n"
            "Kinds: visit, joint call, lab opening, tech offer, tech request, park opening,\n"
            "shared resource.\n"
            "\n"
            "Example: caravan new joint-call > call.yaml\n"
            "Example: caravan check call.yaml",
    .run = run_new,
};
