/* bench: what this machine and this disk can do for a node, in about ten seconds, in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "node/cli/cli_bench.h"
#include "node/cli/cli_commands.h"
#include "node/cli/client.h"

#define SECONDS 10
#define SECONDS_MIN 1
#define SECONDS_MAX 600

/* A disk that says sooner than this that data are safe either has a memory that survives a power
 * cut (good servers' disks) or says it without doing it; one that takes longer holds people up. */
#define SYNC_SUSPICIOUS_MS 0.02
#define SYNC_SLOW_MS 20.0
/* The load that the figures are held against: so many partners, each announcing so much within one
 * hour (one that announces everything of a year at once). */
#define PARTNERS 1000
#define BUSY_HOUR 1000

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    stopped = number;
}

static void catch_signals(void (*handler)(int))
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

static void show_step(void *context, const char *what)
{
    const struct cli *cli = context;

    if (cli->terminal)
        fprintf(stderr, "\r\x1b[K%s …", what);
}

/* 231456 as "231,000": what stands behind the third figure differs from call to call. */
static const char *rounded(double value, char out[32])
{
    unsigned long long number, step = 1, parts[7];
    size_t count = 0;
    int used = 0;

    while (value / (double)step >= 1000)
        step *= 10;
    number = (unsigned long long)(value / (double)step + 0.5) * step;
    do {
        parts[count++] = number % 1000;
        number /= 1000;
    } while (number && count < 7);
    used = snprintf(out, 32, "%llu", parts[--count]);
    while (count > 0)
        used += snprintf(out + used, 32 - (size_t)used, ",%03llu", parts[--count]);
    return out;
}

/* --- words ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void warn(const struct cli *cli, const char *format,
                                                       ...)
{
    va_list args;

    printf("%swarning%s  ", cli_style(cli, CLI_WARN), cli_style(cli, CLI_PLAIN));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static bool clock_is_kept(void)
{
    struct timex state = {0};

    return adjtimex(&state) != TIME_ERROR;
}

static bool sync_is_suspicious(const struct cli_bench_result *result)
{
    return !result->in_memory && result->sync_median_ms < SYNC_SUSPICIOUS_MS;
}

static bool sync_is_slow(const struct cli_bench_result *result)
{
    return result->sync_median_ms > SYNC_SLOW_MS;
}

/* Seconds of this machine for so many announcements of a catch-up: one core checks and commits. */
static double catch_up_s(const struct cli_bench_result *result, double announcements)
{
    return announcements / result->check_run + announcements / result->commit_group;
}

/* Share of the busy hour that the disk works, when each announcement is committed by itself. */
static double busy_share(const struct cli_bench_result *result)
{
    return (double)PARTNERS * BUSY_HOUR / 3600 / result->commit_single;
}

static void print_warnings(const struct cli *cli, const struct cli_bench_result *result,
                           const char *folder, bool node_runs)
{
    if (node_runs)
        warn(cli, "the node ran meanwhile and took its share: these are the least, not the most");
    if (result->in_memory)
        warn(cli,
             "%s is in memory, on no disk: the commits above say nothing about a disk, and a home "
             "there is lost when the power goes",
             folder);
    if (sync_is_suspicious(result))
        warn(cli,
             "the disk says within %.3f ms that data are safe; without a battery or capacitors it "
             "does so before they are, and a power cut then loses announcements that partners have "
             "been told of",
             result->sync_median_ms);
    if (sync_is_slow(result))
        warn(cli,
             "the disk is slow: who publishes waits %.0f ms for it each time; a local disk "
             "(best an SSD) is better than a network drive or a card",
             result->sync_median_ms);
    if (!clock_is_kept())
        warn(cli, "the system does not say that a time service keeps the clock right; see: caravan "
                  "doctor");
}

static void print_meaning(const struct cli_bench_result *result)
{
    char number[32];
    double share = busy_share(result);

    printf("\nA catch-up of a million announcements takes about %.*f seconds of this machine.\n",
           catch_up_s(result, 1e6) < 10 ? 1 : 0, catch_up_s(result, 1e6));
    if (share <= 0.5)
        printf("It is enough for %s partners, even when each announces %d times within one hour:\n"
               "the disk then works %.0f %% of that hour.\n",
               rounded(PARTNERS, number), BUSY_HOUR, share * 100 < 1 ? 1 : share * 100);
    else
        printf(
            "It is enough for %.0f partners that each announce %d times within one hour (half\n"
            "of what the disk can do); partners that catch up are served in groups, far faster.\n",
            0.5 / share * PARTNERS, BUSY_HOUR);
}

static void print_words(const struct cli *cli, const struct cli_bench_result *result,
                        const char *folder, bool node_runs)
{
    char a[32], b[32];

    fputs("Measured with announcements of 400 bytes, in ", stdout);
    cli_print_text(stdout, folder, false);
    puts(":\n");
    printf("This %s commits %s announcements a second one by one, %s in groups of %s.\n",
           result->in_memory ? "memory" : "disk", rounded(result->commit_single, a),
           rounded(result->commit_group, b), "1,000");
    printf("Syncing to disk takes %.2f ms (median), %.2f ms (99 %%), of %zu times.\n",
           result->sync_median_ms, result->sync_p99_ms, result->syncs);
    printf("One core makes and signs %s announcements a second.\n", rounded(result->sign, a));
    printf("It checks %s a second as they come live, each with its signature,\n"
           "and %s a second in a catch-up, where one signature vouches for many.\n",
           rounded(result->check_single, a), rounded(result->check_run, b));
    printf("Over an encrypted connection on this machine go %s announcements a second.\n",
           rounded(result->live, a));
    print_meaning(result);
    print_warnings(cli, result, folder, node_runs);
}

static void print_json(const struct cli_bench_result *result, const char *folder, bool node_runs)
{
    fputs("{\"folder\": ", stdout);
    cli_print_json(stdout, folder);
    printf(", \"content_bytes\": %d, \"group\": %d,\n"
           " \"commit_single_per_s\": %.1f, \"commit_group_per_s\": %.1f,\n"
           " \"sync_median_ms\": %.4f, \"sync_p99_ms\": %.4f, \"syncs\": %zu,\n"
           " \"sign_per_s\": %.1f, \"check_single_per_s\": %.1f, \"check_run_per_s\": %.1f,\n"
           " \"live_per_s\": %.1f, \"catch_up_million_s\": %.3f, \"busy_hour_share\": %.5f,\n"
           " \"in_memory\": %s, \"sync_suspicious\": %s, \"sync_slow\": %s, \"clock_kept\": %s,\n"
           " \"node_running\": %s}\n",
           CLI_BENCH_CONTENT, CLI_BENCH_GROUP, result->commit_single, result->commit_group,
           result->sync_median_ms, result->sync_p99_ms, result->syncs, result->sign,
           result->check_single, result->check_run, result->live, catch_up_s(result, 1e6),
           busy_share(result), result->in_memory ? "true" : "false",
           sync_is_suspicious(result) ? "true" : "false", sync_is_slow(result) ? "true" : "false",
           clock_is_kept() ? "true" : "false", node_runs ? "true" : "false");
}

/* --- the command ------------------------------------------------------------------------------ */

static int take_seconds(const char *text, double *seconds, struct error *error)
{
    char *end;
    long value = text ? strtol(text, &end, 10) : SECONDS;

    if (text && (end == text || *end || value < SECONDS_MIN || value > SECONDS_MAX))
        return error_set(error, ERROR_USAGE, "--seconds: found \"%s\", expected %d to %d", text,
                         SECONDS_MIN, SECONDS_MAX);
    *seconds = (double)value;
    return ERROR_NONE;
}

static int take_folder(struct cli *cli, const char *folder, const char **out, struct error *error)
{
    *out = folder ? folder : cli->home;
    if (*out && **out)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "which disk? Say caravan --home DIR bench, or bench --folder DIR");
}

static int run_bench(struct cli *cli, int argc, char **argv)
{
    const char *folder = NULL, *seconds = NULL;
    const struct cli_option option_rows[] = {
        {.name = "--folder",
         .value = "DIR",
         .help = "measure the disk of this folder instead of the home's",
         .text = &folder},
        {.name = "--seconds",
         .value = "N",
         .help = "how long to measure in all (10)",
         .text = &seconds},
        {0}};
    struct cli_bench_options options = {.stop = &stopped, .step = show_step, .context = cli};
    struct cli_bench_result result;
    struct error error = {0};
    bool node_runs;
    int rest = 0, code = cli_options(cli, &cmd_bench, option_rows, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code = error_set(&error, ERROR_USAGE, "bench takes no argument, found \"%s\"", argv[0]);
    if (!code)
        code = take_seconds(seconds, &options.seconds, &error);
    if (!code)
        code = take_folder(cli, folder, &options.folder, &error);
    if (code)
        return cli_fail(cli, &error);
    node_runs = cli->home && client_node_is_up(cli);
    catch_signals(on_signal);
    code = cli_bench_run(&options, &result, &error);
    if (cli->terminal)
        fputs("\r\x1b[K", stderr);
    catch_signals(SIG_DFL);
    if (stopped)
        raise(stopped); /* all is cleaned up; who waits for us sees how we ended */
    if (code)
        return cli_fail(cli, &error);
    if (cli->json)
        print_json(&result, options.folder, node_runs);
    else
        print_words(cli, &result, options.folder, node_runs);
    return 0;
}

const struct cli_command cmd_bench = {
    .name = "bench",
    .group = CLI_GROUP_CARE,
    .usage = "bench [--folder DIR] [--seconds N]",
    .summary = "say what this machine and this disk can do",
    .help =
        "Measures for about ten seconds, with the parts that the node itself works with: making\n"
        "and signing announcements, checking them, committing them to disk, and sending them over\n"
        "an encrypted connection; then says in words what that means. Every figure is measured\n"
        "in the call that prints it.\n"
        "\n"
        "It works in a folder of its own inside the home folder (or DIR), which it removes, also\n"
        "after Ctrl-C. The ledger is not touched, and neither a node nor a home is needed. While\n"
        "the node runs the figures are lower. It needs 512 MiB of room.\n"
        "\n"
        "Example: caravan --home ~/caravan bench\n"
        "Example: caravan bench --folder /mnt/new-disk --seconds 30",
    .run = run_bench,
};
