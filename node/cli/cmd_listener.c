/* listener: public keys of scripts that may read the live service, and nothing else. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "node/cli/cli_commands.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"

#define Z85_SIZE 41 /* 40 characters of a 32-byte key, and the NUL */
#define NAME_MAX_SIZE 32

static int name_check(const char *name, struct error *error)
{
    size_t size = strlen(name);

    if (size == 0 || size > NAME_MAX_SIZE ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != size || *name == '-')
        return error_set(error, ERROR_INVALID,
                         "found \"%.60s\", expected a name for the script: at most %d of a-z, 0-9, "
                         "\"-\", \"_\"",
                         name, NAME_MAX_SIZE);
    return ERROR_NONE;
}

/* 64 hex digits, or Z85 as ZeroMQ's tools print it. */
static int key_from_text(const char *text, struct id *key, struct error *error)
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              ".-:+=^!/*?&<>()[]{}@%$#";

    if (strlen(text) == 2 * BYTES_ID_SIZE && bytes_from_hex(text, key->bytes, BYTES_ID_SIZE))
        return ERROR_NONE;
    if (strlen(text) == Z85_SIZE - 1 && strspn(text, z85) == Z85_SIZE - 1 &&
        zmq_z85_decode(key->bytes, text))
        return ERROR_NONE;
    return error_set(
        error, ERROR_INVALID,
        "found a key of %zu characters, expected the script's public CURVE key: 64 "
        "hex digits or 40 characters of Z85; make a pair with: caravan listener keygen",
        strlen(text));
}

static int key_path(const char *home, const char *name, char path[HOME_PATH_SIZE],
                    struct error *error)
{
    return home_path_in(home, HOME_LISTENERS, name, HOME_LISTENER_SUFFIX, path, error);
}

/* --- keygen ----------------------------------------------------------------------------------- */

static int keygen(const struct cli *cli, int argc, struct error *error)
{
    char public[Z85_SIZE], secret[Z85_SIZE];

    if (argc > 0)
        return error_set(error, ERROR_USAGE, "listener keygen takes no argument");
    /* A key that begins like an option could not be given to `listener add`. */
    do {
        if (zmq_curve_keypair(public, secret) != 0)
            return error_set(error, ERROR_INTERNAL,
                             "this ZeroMQ has no CURVE; see: caravan doctor");
    } while (public[0] == '-');
    if (cli->json)
        printf("{\"public\": \"%s\", \"secret\": \"%s\"}\n", public, secret);
    else
        printf("public %s\nsecret %s\n", public, secret);
    secret_wipe(secret, sizeof secret);
    return ERROR_NONE;
}

/* --- add -------------------------------------------------------------------------------------- */

static int check_new(const char *home, const char *name, const struct id *key, bool *same,
                     struct error *error)
{
    char folder[HOME_PATH_SIZE];
    struct home_names names = {0};
    int code = home_path(home, HOME_LISTENERS, folder, error);

    *same = false;
    if (!code)
        code = home_list(folder, HOME_LISTENER_SUFFIX, &names, error);
    for (size_t i = 0; !code && i < names.count; i++) {
        struct id known;
        bool equal;

        if (home_read_listener(home, names.names[i], &known, NULL))
            continue; /* a damaged file; list shows it */
        equal = id_equal(&known, key);
        if (strcmp(names.names[i], name) == 0 && equal)
            *same = true;
        else if (strcmp(names.names[i], name) == 0)
            code = error_set(error, ERROR_EXISTS,
                             "there is a listener %s with another key; remove it first: caravan "
                             "--home %s listener remove %s",
                             name, home, name);
        else if (equal)
            code = error_set(error, ERROR_EXISTS, "this key is there already, as listener %s",
                             names.names[i]);
    }
    home_names_finish(&names);
    return code;
}

static int save_key(const char *home, const char *name, const struct id *key, struct error *error)
{
    char folder[HOME_PATH_SIZE], path[HOME_PATH_SIZE], text[2 * BYTES_ID_SIZE + 2];
    int code = home_path(home, HOME_LISTENERS, folder, error);

    if (!code)
        code = home_make_folder(folder, 0700, error);
    if (!code)
        code = key_path(home, name, path, error);
    if (code)
        return code;
    bytes_to_hex(key->bytes, BYTES_ID_SIZE, text);
    strcat(text, "\n");
    return home_write(path, 0600, span_of_text(text), error);
}

/* Where the script has to connect, and with which key of ours. */
struct service {
    const char *live; /* NULL: this node does not listen */
    char key[Z85_SIZE];
};

static int find_service(const char *home, struct config *config, struct service *service,
                        struct error *error)
{
    struct own own = {0};
    int code = secret_start(error);

    memset(service, 0, sizeof *service);
    if (!code)
        code = config_load(home, config, NULL, error);
    if (!code)
        code = own_load(home, config->message->network, &own, error);
    if (code)
        return code;
    /* While a rotation is not over the node answers by the former key. */
    zmq_z85_encode(
        service->key,
        secret_public(own.former_transport ? own.former_transport : own.transport)->bytes,
        BYTES_ID_SIZE);
    if (config->message->public_)
        service->live = config->message->public_->live;
    else if (config->message->listen)
        service->live = config->message->listen->live;
    own_finish(&own);
    return ERROR_NONE;
}

static void print_added(const struct cli *cli, const char *name, bool same,
                        const struct service *service)
{
    if (cli->json) {
        printf("{\"listener\": ");
        cli_print_json(stdout, name);
        printf(", \"changed\": %s, \"live\": ", same ? "false" : "true");
        cli_print_json(stdout, service->live);
        printf(", \"server_key\": ");
        cli_print_json(stdout, service->key);
        puts("}");
        return;
    }
    printf("%s %s\n", name,
           same ? "is a listener already; nothing changed."
                : "may read live now; a running node notices within a second.");
    if (service->live)
        printf("The script connects to %s with the server key (Z85)\n  %s\n", service->live,
               service->key);
    else
        puts("But this node does not listen: give it listen and public in node.yaml first.");
}

static int add(const struct cli *cli, const char *home, int argc, char **argv, struct error *error)
{
    struct config config = {0};
    struct service service;
    struct id key;
    bool same = false;
    int code;

    if (argc != 2)
        return error_set(error, ERROR_USAGE,
                         "say the script's name and its public key: caravan listener add NAME KEY");
    code = name_check(argv[0], error);
    if (!code)
        code = key_from_text(argv[1], &key, error);
    if (!code)
        code = find_service(home, &config, &service, error);
    if (!code)
        code = check_new(home, argv[0], &key, &same, error);
    if (!code && !same)
        code = save_key(home, argv[0], &key, error);
    if (!code)
        print_added(cli, argv[0], same, &service);
    config_finish(&config);
    return code;
}

/* --- list and remove -------------------------------------------------------------------------- */

static void list_one(const struct cli *cli, const char *home, const char *name, bool first,
                     int *worst)
{
    char text[Z85_SIZE];
    struct error error = {0};
    struct id key;

    if (home_read_listener(home, name, &key, &error)) {
        fprintf(stderr, "%s: %s\n", cli->program, error.text);
        *worst = error_exit_code(error.code);
        return;
    }
    zmq_z85_encode(text, key.bytes, BYTES_ID_SIZE);
    if (!cli->json) {
        printf("%-20s %s\n", name, text);
        return;
    }
    printf("%s{\"name\": ", first ? "" : ", ");
    cli_print_json(stdout, name);
    printf(", \"key\": ");
    cli_print_json(stdout, text);
    putchar('}');
}

static int list(const struct cli *cli, const char *home, int argc, int *worst, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    struct home_names names = {0};
    int code = home_path(home, HOME_LISTENERS, folder, error);

    if (argc > 0)
        return error_set(error, ERROR_USAGE, "listener list takes no argument");
    if (!code)
        code = home_list(folder, HOME_LISTENER_SUFFIX, &names, error);
    if (code)
        return code;
    fputs(cli->json ? "[" : "", stdout);
    for (size_t i = 0; i < names.count; i++)
        list_one(cli, home, names.names[i], i == 0, worst);
    if (cli->json)
        puts("]");
    else if (names.count == 0)
        printf("No listeners yet. Add one: caravan --home %s listener add NAME KEY\n", home);
    home_names_finish(&names);
    return ERROR_NONE;
}

static int remove_listener(const struct cli *cli, const char *home, int argc, char **argv,
                           struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code;

    if (argc != 1)
        return error_set(error, ERROR_USAGE, "say which: caravan listener remove NAME");
    code = key_path(home, argv[0], path, error);
    if (!code)
        code = home_remove(path, error);
    if (code == ERROR_NOT_FOUND)
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no listener \"%s\"; caravan --home %s listener list names them",
                         argv[0], home);
    if (code)
        return code;
    if (cli->json) {
        printf("{\"removed\": ");
        cli_print_json(stdout, argv[0]);
        puts("}");
    } else {
        printf("%s may not read any more; a running node cuts it off within five seconds.\n",
               argv[0]);
    }
    return ERROR_NONE;
}

static int check_home(const char *home, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(home, HOME_CONFIG, path, error);

    if (!code && access(path, F_OK) != 0)
        code = error_set(error, ERROR_CONFIG,
                         "%s is no home of a node (there is no %s); make one with: caravan --home "
                         "%s init",
                         home, HOME_CONFIG, home);
    return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
    static const char *const verbs[] = {"add", "list", "remove", "keygen", NULL};
    struct error error = {0};
    const char *home = NULL;
    int rest = 0, worst = 0;
    int code = cli_options(cli, &cmd_listener, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code)
        code = cli_verb(&cmd_listener, verbs, rest, argv, &error);
    if (!code && strcmp(argv[0], "keygen") == 0) {
        code = keygen(cli, rest - 1, &error);
        return code ? cli_fail(cli, &error) : 0;
    }
    if (!code && !(home = cli_home(cli, &error)))
        code = ERROR_USAGE;
    if (!code)
        code = check_home(home, &error);
    if (!code && strcmp(argv[0], "add") == 0)
        code = add(cli, home, rest - 1, argv + 1, &error);
    else if (!code && strcmp(argv[0], "list") == 0)
        code = list(cli, home, rest - 1, &worst, &error);
    else if (!code)
        code = remove_listener(cli, home, rest - 1, argv + 1, &error);
    return code ? cli_fail(cli, &error) : worst;
}

const struct cli_command cmd_listener = {
    .name = "listener",
    .group = CLI_GROUP_PARTNERS,
    .usage = "listener add NAME KEY\nlistener list\nlistener remove NAME\nlistener keygen",
    .summary = "let scripts read what is published live, and nothing else",
    .help =
        "A listener is a script that follows the live service with its own CURVE key, like\n"
        "configs/examples/listener.py. KEY is its public key (hex or Z85). keygen makes a pair:\n"
        "give the public one to the node and keep the secret one with the script. add prints\n"
        "the address and the node's own key, which the script needs.\n"
        "\n"
        "Example: caravan listener keygen\n"
        "Example: caravan --home ~/caravan listener add thai-calls KEY",
    .run = run,
};
