/* doctor: looks at everything around a node that can be wrong, and says what to do about it. */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "common/zone.h"
#include "node/cli/cli_card.h"
#include "node/cli/cli_commands.h"
#include "node/cli/client.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"
#include "node/ledger/ledger.h"
#include "proto/control.pb-c.h"

enum state { FINE, WARN, FAIL };

struct doctor {
    struct cli *cli;
    const char *home;
    struct config config;
    bool config_ok, node_up;
    unsigned counts[3];
};

/* One line of the report. todo: what to do about it; NULL when there is nothing to do. */
__attribute__((format(printf, 5, 6))) static void report(struct doctor *doctor, enum state state,
                                                         const char *what, const char *todo,
                                                         const char *format, ...)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    static const enum cli_style styles[] = {CLI_GOOD, CLI_WARN, CLI_BAD};
    const struct cli *cli = doctor->cli;
    char text[ERROR_TEXT_SIZE];
    bool first = doctor->counts[FINE] + doctor->counts[WARN] + doctor->counts[FAIL] == 0;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    doctor->counts[state]++;
    if (cli->json) {
        printf("%s{\"check\": ", first ? "[" : ",\n ");
        cli_print_json(stdout, what);
        printf(", \"state\": \"%s\", \"text\": ", words[state]);
        cli_print_json(stdout, text);
        printf(", \"todo\": ");
        cli_print_json(stdout, todo);
        putchar('}');
        return;
    }
    printf("%s%-4s%s  %-12s ", cli_style(cli, styles[state]), words[state],
           cli_style(cli, CLI_PLAIN), what);
    cli_print_text(stdout, text, false);
    if (todo) {
        fputs("\n                    -> ", stdout);
        cli_print_text(stdout, todo, false);
    }
    putchar('\n');
    fflush(stdout); /* some checks take seconds */
}

/* --- libraries -------------------------------------------------------------------------------- */

static void check_libraries(struct doctor *doctor)
{
    int major, minor, patch;

    zmq_version(&major, &minor, &patch);
    if (zmq_has("curve") != 1 || zmq_has("ipc") != 1)
        report(doctor, FAIL, "ZeroMQ", "install a libzmq that was built with libsodium",
               "%d.%d.%d without %s", major, minor, patch,
               zmq_has("curve") == 1 ? "ipc" : "CURVE encryption");
    else
        report(doctor, FINE, "ZeroMQ", NULL, "%d.%d.%d with CURVE and ipc", major, minor, patch);
    report(doctor, FINE, "SQLite", NULL, "%s", ledger_library());
    report(doctor, FINE, "libsodium", NULL, "%s", secret_library());
    if (protobuf_c_version_number() < PROTOBUF_C_VERSION_NUMBER)
        report(doctor, WARN, "protobuf-c", "install the version that Caravan was built with",
               "%s is older than %s, with which it was built", protobuf_c_version(),
               PROTOBUF_C_VERSION);
    else
        report(doctor, FINE, "protobuf-c", NULL, "%s", protobuf_c_version());
    if (zone_exists("Asia/Bangkok"))
        report(doctor, FINE, "time zones", NULL, "found in the system");
    else
        report(doctor, FAIL, "time zones", "install the package tzdata",
               "Asia/Bangkok is not known, so deadlines cannot be read");
}

/* --- clock and disk --------------------------------------------------------------------------- */

static void check_clock(struct doctor *doctor)
{
    struct timex state = {0};
    time_t now = time(NULL);
    struct tm tm;
    char text[32];

    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    if (tm.tm_year + 1900 < 2024 || tm.tm_year + 1900 > 2100)
        report(doctor, FAIL, "clock", "set the clock, best by a time service (NTP)",
               "it says %s, which cannot be", text);
    else if (adjtimex(&state) == TIME_ERROR)
        report(doctor, WARN, "clock", "switch a time service on: timedatectl set-ntp true",
               "%s; the system does not say that a time service keeps it right", text);
    else
        report(doctor, FINE, "clock", NULL, "%s, kept right by a time service", text);
}

#define MIB (1024ULL * 1024)

static void check_disk(struct doctor *doctor)
{
    struct statvfs info;
    unsigned long long free_mib;

    if (statvfs(doctor->home, &info) != 0) {
        return; /* check_home_mode says it */
    }
    free_mib = (unsigned long long)info.f_bavail * info.f_frsize / MIB;
    report(doctor,
           free_mib < 100    ? FAIL
           : free_mib < 1024 ? WARN
                             : FINE,
           "disk", free_mib < 1024 ? "make room, or move the home folder to a larger disk" : NULL,
           "%llu MiB free for %s", free_mib, doctor->home);
}

/* --- the home folder -------------------------------------------------------------------------- */

static void check_home_mode(struct doctor *doctor)
{
    struct stat info;

    if (stat(doctor->home, &info) != 0)
        report(doctor, FAIL, "home", "make one with: caravan init", "cannot look at %s: %s",
               doctor->home, strerror(errno));
    else if (info.st_uid != geteuid())
        report(doctor, FAIL, "home", "run this as the user of the node",
               "%s belongs to user %u, and this is user %u", doctor->home, (unsigned)info.st_uid,
               (unsigned)geteuid());
    else if (info.st_mode & 022)
        report(doctor, FAIL, "home", "chmod 700 the folder", "others may write to %s (mode %03o)",
               doctor->home, info.st_mode & 0777U);
    else
        report(doctor, FINE, "home", NULL, "%s, mode %03o", doctor->home, info.st_mode & 0777U);
}

static void check_config(struct doctor *doctor)
{
    struct buffer problems = {0};
    struct error error = {0};
    char path[HOME_PATH_SIZE];

    if (home_path(doctor->home, HOME_CONFIG, path, &error) || access(path, F_OK) != 0) {
        report(doctor, FAIL, "node.yaml",
               "give the right folder with --home, or make a new one: "
               "caravan init",
               "%s is no home of a node (there is no node.yaml)", doctor->home);
    } else if (config_load(doctor->home, &doctor->config, &problems, &error)) {
        report(doctor, FAIL, "node.yaml", "caravan check FILE lists all problems", "%s",
               error.text);
    } else {
        doctor->config_ok = true;
        if (problems.size > 0)
            report(doctor, WARN, "node.yaml", NULL, "%.*s", (int)problems.size - 1,
                   buffer_text(&problems));
        else
            report(doctor, FINE, "node.yaml", NULL, "%s in the network %s",
                   doctor->config.message->institution->handle, doctor->config.message->network);
    }
    buffer_finish(&problems);
}

static void check_left_behind(struct doctor *doctor, const char *name, const char *text,
                              const char *todo)
{
    char path[HOME_PATH_SIZE];

    if (home_path(doctor->home, name, path, NULL) == ERROR_NONE && access(path, F_OK) == 0)
        report(doctor, WARN, "keys", todo, "%s %s", path, text);
}

static void check_keys(struct doctor *doctor)
{
    struct error error = {0};
    struct own own;

    if (!doctor->config_ok)
        return;
    if (own_load(doctor->home, doctor->config.message->network, &own, &error)) {
        report(doctor, FAIL, "keys",
               error.code == ERROR_DENIED || strstr(error.text, "chmod")
                   ? NULL /* the text says what to do */
                   : "put back the keys folder from a backup",
               "%s", error.text);
        return;
    }
    report(doctor, FINE, "keys", NULL, "node, transport and sealing key belong to certificate %zu",
           own.chain.count);
    own_finish(&own);
    check_left_behind(doctor, HOME_ROOT_KEY, "is still on this machine",
                      "move it to a medium that is locked away; the node does not need it");
    check_left_behind(doctor, HOME_RECOVERY_PAPER, "is still on this machine",
                      "print it, lock the page away, delete the file");
}

/* relayed: for each handle under relay: in node.yaml, whether a card has it. */
static void note_relayed(const struct doctor *doctor, const struct card *card, bool *relayed)
{
    const Caravan__Config *config = doctor->config.message;

    for (size_t i = 0; relayed && i < config->n_relay; i++)
        relayed[i] = relayed[i] || strcmp(config->relay[i], card->profile->handle) == 0;
}

static void report_relay(struct doctor *doctor, const bool *relayed)
{
    const Caravan__Config *config = doctor->config.message;

    for (size_t i = 0; relayed && i < config->n_relay; i++)
        if (!relayed[i] && strcmp(config->relay[i], "all") != 0)
            report(doctor, WARN, "relay",
                   "correct relay: in node.yaml, or add the card: caravan partner add FILE",
                   "%s is to be handed on, and is no partner", config->relay[i]);
}

static void check_partners(struct doctor *doctor)
{
    char path[HOME_PATH_SIZE];
    struct home_names names = {0};
    struct error error = {0};
    size_t bad = 0;
    bool *relayed;

    if (!doctor->config_ok || home_path(doctor->home, HOME_PARTNERS, path, &error) ||
        home_list(path, HOME_CARD_SUFFIX, &names, &error))
        return;
    relayed = calloc(doctor->config.message->n_relay + 1, sizeof *relayed);
    for (size_t i = 0; i < names.count; i++) {
        struct card card = {0};
        int code = home_path_in(doctor->home, HOME_PARTNERS, names.names[i], HOME_CARD_SUFFIX, path,
                                &error);

        if (!code)
            code = cli_card_read(path, doctor->config.message->network, &card, &error);
        if (code) {
            bad++;
            report(doctor, FAIL, "partners", "ask for the card again, and add it", "%s",
                   error.text);
        } else {
            note_relayed(doctor, &card, relayed);
        }
        card_finish(&card);
    }
    if (names.count == 0)
        report(doctor, WARN, "partners", "add a card: caravan partner add FILE", "none yet");
    else if (bad == 0)
        report(doctor, FINE, "partners", NULL, "%zu cards", names.count);
    report_relay(doctor, relayed);
    free(relayed);
    home_names_finish(&names);
}

/* --- ports ------------------------------------------------------------------------------------ */

/* "tcp://host:port" taken apart; "*" becomes NULL (any address). */
static bool split_endpoint(const char *endpoint, char host[256], char port[8])
{
    const char *start = endpoint + strlen("tcp://"), *colon = strrchr(start, ':');
    size_t size = (size_t)(colon - start);

    if (size >= 256 || strlen(colon + 1) >= 8)
        return false;
    if (*start == '[' && size > 2) {
        start++;
        size -= 2;
    }
    memcpy(host, start, size);
    host[size] = '\0';
    strcpy(port, colon + 1);
    return true;
}

/* 0: could bind (or, with connect_to, connect), else errno or -1 when the name is not known. */
static int try_endpoint(const char *endpoint, bool connect_to)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char host[256], port[8];
    int one = 1, result = -1, file;
    bool any;

    if (!split_endpoint(endpoint, host, port))
        return -1;
    any = strcmp(host, "*") == 0 || (connect_to && strcmp(host, "0.0.0.0") == 0);
    hints.ai_flags = connect_to ? 0 : AI_PASSIVE;
    if (getaddrinfo(any ? NULL : host, port, &hints, &found) != 0)
        return -1;
    file = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    if (file >= 0) {
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        result = connect_to ? connect(file, found->ai_addr, found->ai_addrlen)
                            : bind(file, found->ai_addr, found->ai_addrlen);
        result = result == 0 ? 0 : errno;
        close(file);
    }
    freeaddrinfo(found);
    return result;
}

static void check_port(struct doctor *doctor, const char *endpoint)
{
    int result = try_endpoint(endpoint, doctor->node_up);

    if (result == 0)
        report(doctor, FINE, "ports", NULL, "%s %s", endpoint,
               doctor->node_up ? "answers" : "is free");
    else if (doctor->node_up)
        report(doctor, FAIL, "ports", "restart the node and look at its log",
               "%s does not answer although the node runs: %s", endpoint,
               result < 0 ? "the address is not known" : strerror(result));
    else
        report(doctor, FAIL, "ports",
               result == EADDRINUSE ? "another program has it: ss -ltnp shows which"
                                    : "choose another address or port in node.yaml",
               "cannot listen on %s: %s", endpoint,
               result < 0 ? "the address is not known" : strerror(result));
}

static void check_ports(struct doctor *doctor)
{
    const Caravan__Listen *listen = doctor->config_ok ? doctor->config.message->listen : NULL;

    if (listen) {
        check_port(doctor, listen->live);
        check_port(doctor, listen->sync);
    } else if (doctor->config_ok) {
        report(doctor, FINE, "ports", NULL, "this node only connects outwards");
    }
}

/* --- the running node ------------------------------------------------------------------------- */

static void report_partner(struct doctor *doctor, const Caravan__PartnerStatus *partner)
{
    long long skew = partner->has_clock_skew_ms ? (long long)partner->clock_skew_ms : 0;

    if (skew > LIMIT_CLOCK_SKEW_MS || skew < -LIMIT_CLOCK_SKEW_MS)
        report(doctor, WARN, "clock", "find out which of the two clocks is wrong",
               "differs from that of %s by %lld minutes", partner->handle, skew / 60000);
    if (partner->exchanging)
        report(doctor, FINE, "link", NULL, "exchanging with %s", partner->handle);
    else
        report(doctor, WARN, "link", "caravan status says why and what to do",
               "not exchanging with %s", partner->handle);
}

static void check_status(struct doctor *doctor, struct client *client)
{
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    struct arena arena;
    ProtobufCMessage *reply;
    struct error error = {0};

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (client_call(client, "status", &request.base, &caravan__status_reply__descriptor, &arena,
                    CLIENT_TIMEOUT_MS, &reply, &error)) {
        report(doctor, FAIL, "node", "look at its log", "%s", error.text);
    } else {
        const Caravan__StatusReply *status = (const Caravan__StatusReply *)reply;

        for (size_t i = 0; i < status->n_problems; i++)
            report(doctor, status->problems[i]->warning ? WARN : FAIL, "node",
                   status->problems[i]->todo, "%s", status->problems[i]->what);
        for (size_t i = 0; i < status->n_partners; i++)
            report_partner(doctor, status->partners[i]);
    }
    arena_finish(&arena);
}

#define DIAL_WAIT_MS 12000

/* A partner tries what nobody can try from here: to reach us from outside. */
static void check_dial(struct doctor *doctor, struct client *client)
{
    Caravan__DialRequest request = CARAVAN__DIAL_REQUEST__INIT;
    struct arena arena;
    ProtobufCMessage *reply;
    struct error error = {0};

    if (!doctor->config_ok || !doctor->config.message->public_)
        return;
    request.has_wait_ms = true;
    request.wait_ms = DIAL_WAIT_MS;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (client_call(client, "dial", &request.base, &caravan__dial_reply__descriptor, &arena,
                    DIAL_WAIT_MS + CLIENT_TIMEOUT_MS, &reply, &error)) {
        report(doctor, WARN, "from outside", NULL, "no partner could be asked to dial back: %s",
               error.text);
    } else {
        const Caravan__DialReply *dial = (const Caravan__DialReply *)reply;
        bool up = dial->live_up && dial->sync_up;

        report(doctor, up ? FINE : FAIL, "from outside",
               up ? NULL : "open both ports in the firewall, and check public in node.yaml",
               "%s dialled back: live %s, sync %s%s%s", dial->handle ? dial->handle : "a partner",
               dial->live_up ? "answers" : "does not answer",
               dial->sync_up ? "answers" : "does not answer", dial->text && *dial->text ? "; " : "",
               dial->text ? dial->text : "");
    }
    arena_finish(&arena);
}

static void check_node(struct doctor *doctor)
{
    struct client *client = NULL;
    struct error error = {0};

    if (!doctor->node_up) {
        report(doctor, WARN, "node", "start it: caravan run", "does not run");
        return;
    }
    if (client_create(doctor->cli, &client, &error)) {
        report(doctor, FAIL, "node", NULL, "%s", error.text);
        return;
    }
    report(doctor, FINE, "node", NULL, "runs");
    check_status(doctor, client);
    check_dial(doctor, client);
    client_destroy(client);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct doctor doctor = {.cli = cli};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_doctor, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code = error_set(&error, ERROR_USAGE, "doctor takes no argument");
    if (!code)
        code = secret_start(&error);
    doctor.home = code ? NULL : cli_home(cli, &error);
    if (!doctor.home)
        return cli_fail(cli, &error);
    doctor.node_up = client_node_is_up(cli);
    check_libraries(&doctor);
    check_clock(&doctor);
    check_disk(&doctor);
    check_home_mode(&doctor);
    check_config(&doctor);
    check_keys(&doctor);
    check_partners(&doctor);
    check_ports(&doctor);
    check_node(&doctor);
    config_finish(&doctor.config);
    if (cli->json)
        puts("]");
    else
        printf("\n%u ok, %u to look at, %u wrong\n", doctor.counts[FINE], doctor.counts[WARN],
               doctor.counts[FAIL]);
    return doctor.counts[FAIL] ? error_exit_code(ERROR_CONFIG) : 0;
}

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .group = CLI_GROUP_CARE,
    .usage = "doctor",
    .summary = "check libraries, keys, clock, disk, ports and links",
    .help = "Checks what a node needs around it: versions and features of the libraries, the home\n"
            "folder and its keys, clock, disk, ports; and when the node runs, its links, and asks\n"
            "a partner to dial back to the public addresses. Each line says ok, warn or fail, and\n"
            "what to do. The exit code is 78 when a line says fail, else 0.\n"
            "\n"
            "Example: caravan --home ~/caravan doctor",
    .run = run,
};
