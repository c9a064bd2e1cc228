#include "node/cli/cli_message.h"

#include "node/cli/cli_file.h"
#include "node/cli/cli_names.h"

void cli_message_print_problems(const struct problem_list *problems, const char *path)
{
    struct buffer text = {0};

    problem_list_print(problems, path, &text);
    cli_print_text(stderr, buffer_text(&text), true);
    buffer_finish(&text);
}

static int read_yaml(const ProtobufCMessageDescriptor *type, struct span yaml,
                     const struct cli_names *names, const char *language, struct arena *arena,
                     struct problem_list *problems, ProtobufCMessage **message)
{
    const struct codec_names plain = cli_names_plain(names);
    int code = codec_read_yaml_with(type, yaml, &plain, language, arena, NULL, message, problems);

    problem_list_sort(problems);
    return code;
}

int cli_message_read(const struct cli *cli, const char *path,
                     const ProtobufCMessageDescriptor *type, const char *language,
                     const char *expected, struct arena *arena, ProtobufCMessage **message,
                     struct error *error)
{
    struct problem_list problems = {0};
    struct cli_names *names = NULL;
    struct cli_file file = {0};
    int code = cli_file_open(path, &file, error);

    *message = NULL;
    if (!code)
        code = cli_names_create(cli, &names, error);
    if (!code) {
        code = read_yaml(type, file.bytes, names, language, arena, &problems, message);
        cli_message_print_problems(&problems, path);
        if (code == ERROR_MEMORY)
            error_memory(error);
        else if (code)
            error_set(error, ERROR_INVALID, "%s has %zu error%s%s%s", path, problems.errors,
                      problems.errors == 1 ? "" : "s", expected ? "; expected " : "",
                      expected ? expected : "");
    }
    problem_list_finish(&problems);
    cli_names_destroy(names);
    cli_file_close(&file);
    return code;
}
