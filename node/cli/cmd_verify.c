/* verify: checks a card, an exported feed or a single entry from its bytes alone. */
#include <stdlib.h>
#include <string.h>

#include "common/erasure.h"
#include "common/feedfile.h"
#include "common/guard.h"
#include "node/cli/cli_card.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_file.h"

static const char *type_name(uint32_t content_type)
{
    static const char *const names[] = {"unknown",      "certificate", "profile",    "endpoints",
                                        "announcement", "revision",    "withdrawal", "confirmation",
                                        "proposal",     "outcome",     "vouch",      "erasure",
                                        "interest",     "sealed",      "reader"};

    return names[content_type < sizeof names / sizeof *names ? content_type : 0];
}

static void print_identity(const struct id *feed)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[2 * BYTES_ID_SIZE + 1];

    identity_fingerprint(feed, fingerprint);
    bytes_to_hex(feed->bytes, BYTES_ID_SIZE, hex);
    printf("\"feed\": \"%s\", \"fingerprint\": \"%s\"", hex, fingerprint);
}

/* --- cards ------------------------------------------------------------------------------------ */

static int verify_card(const struct cli *cli, struct span bytes, struct error *error)
{
    struct card card = {0};
    int code = card_read(bytes, NULL, &card, error);

    if (code)
        return code;
    if (cli->json) {
        printf("{\"kind\": \"card\", \"card\": ");
        cli_card_print_json(&card);
        puts("}");
    } else {
        printf("%sThe card is right.%s Its signatures and certificates belong together:\n",
               cli_style(cli, CLI_GOOD), cli_style(cli, CLI_PLAIN));
        cli_card_print(cli, &card);
        puts("Whether it comes from that institution, only the fingerprint tells: compare it over\n"
             "the telephone.");
    }
    card_finish(&card);
    return ERROR_NONE;
}

/* --- feeds ------------------------------------------------------------------------------------ */

struct feed_summary {
    uint64_t types[16]; /* entries of each content type; unknown ones count as 0 */
    char handle[LIMIT_HANDLE_SIZE + 1];
    struct erasure_list orders;
    uint64_t *missing; /* seqs */
    size_t missing_count, missing_capacity;
    uint64_t erased; /* of those, as many as were ordered erased */
};

static int note_missing(struct feed_summary *summary, uint64_t seq, struct error *error)
{
    if (summary->missing_count == summary->missing_capacity) {
        size_t capacity = summary->missing_capacity ? summary->missing_capacity * 2 : 64;
        uint64_t *missing = realloc(summary->missing, capacity * sizeof *missing);

        if (!missing)
            return error_memory(error);
        summary->missing = missing;
        summary->missing_capacity = capacity;
    }
    summary->missing[summary->missing_count++] = seq;
    return ERROR_NONE;
}

static void count_erased(struct feed_summary *summary)
{
    for (size_t i = 0; i < summary->missing_count; i++)
        summary->erased += erasure_list_by(&summary->orders, summary->missing[i]) != 0;
}

static void summary_finish(struct feed_summary *summary)
{
    erasure_list_finish(&summary->orders);
    free(summary->missing);
}

static void take_handle(const struct entry *entry, struct feed_summary *summary)
{
    struct arena arena;
    ProtobufCMessage *message;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__profile__descriptor, entry->content, &guard_limits_content, &arena,
                     &message, NULL) == ERROR_NONE) {
        const char *handle = ((const Caravan__Profile *)message)->handle;

        if (handle && card_handle_is_valid(handle))
            snprintf(summary->handle, sizeof summary->handle, "%s", handle);
    }
    arena_finish(&arena);
}

static int read_feed(struct feedfile *file, struct feed_summary *summary, struct error *error)
{
    struct feedfile_record record = {0};
    int code;

    do {
        code = feedfile_next(file, &record, error);
        if (!code)
            code = erasure_list_read(&summary->orders, record.run.entries, record.run.kept, error);
        for (size_t i = 0; !code && i < record.run.kept; i++) {
            const struct entry *entry = &record.run.entries[i];

            summary->types[entry->content_type < 16 ? entry->content_type : 0]++;
            if (entry->has_content &&
                entry->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE)
                take_handle(entry, summary);
            if (!entry->has_content)
                code = note_missing(summary, entry->seq, error);
        }
    } while (!code && record.run.count > 0);
    feedfile_record_finish(&record);
    count_erased(summary);
    if (!code && file->head.seq == 0)
        code = error_set(error, ERROR_MALFORMED, "the file holds no entry");
    return code;
}

static void print_feed(const struct cli *cli, const struct feedfile *file,
                       const struct feed_summary *summary)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    identity_fingerprint(&file->chain.feed, fingerprint);
    printf("%sThe feed is right%s from No. 1 to No. %llu: every entry follows the one before, and "
           "the\nsignatures are those of its certificates.\n",
           cli_style(cli, CLI_GOOD), cli_style(cli, CLI_PLAIN), (unsigned long long)file->head.seq);
    if (*summary->handle)
        printf("  %-14s %s\n", "Institution", summary->handle);
    printf("  %-14s %s\n  %-14s %s\n", "Network", file->chain.network, "Fingerprint", fingerprint);
    for (uint32_t i = 0; i < 16; i++)
        if (summary->types[i])
            printf("  %-14s %llu\n", type_name(i), (unsigned long long)summary->types[i]);
    if (summary->erased)
        printf("  %-14s %llu\n", "erased", (unsigned long long)summary->erased);
    if (file->missing > summary->erased)
        printf("  %-14s %llu, which no order of the feed explains\n", "without text",
               (unsigned long long)(file->missing - summary->erased));
}

static void print_feed_json(const struct feedfile *file, const struct feed_summary *summary)
{
    char hash[2 * BYTES_ID_SIZE + 1];
    bool first = true;

    bytes_to_hex(file->head.hash.bytes, BYTES_ID_SIZE, hash);
    printf("{\"kind\": \"feed\", ");
    print_identity(&file->chain.feed);
    printf(", \"handle\": ");
    cli_print_json(stdout, *summary->handle ? summary->handle : NULL);
    printf(", \"network\": ");
    cli_print_json(stdout, file->chain.network);
    printf(", \"certificates\": %zu, \"seq\": \"%llu\", \"hash\": \"%s\", \"missing\": \"%llu\", "
           "\"erased\": \"%llu\", "
           "\"entries\": {",
           file->chain.count, (unsigned long long)file->head.seq, hash,
           (unsigned long long)(file->missing - summary->erased),
           (unsigned long long)summary->erased);
    for (uint32_t i = 0; i < 16; i++)
        if (summary->types[i]) {
            printf("%s\"%s\": %llu", first ? "" : ", ", type_name(i),
                   (unsigned long long)summary->types[i]);
            first = false;
        }
    puts("}}");
}

static int verify_feed(const struct cli *cli, struct span bytes, struct error *error)
{
    struct feedfile file = {0};
    struct feed_summary summary = {0};
    int code = feedfile_open(&file, bytes, NULL, error);

    if (!code)
        code = read_feed(&file, &summary, error);
    if (!code && cli->json)
        print_feed_json(&file, &summary);
    else if (!code)
        print_feed(cli, &file, &summary);
    summary_finish(&summary);
    feedfile_finish(&file);
    return code;
}

/* --- single entries --------------------------------------------------------------------------- */

/* The network name stands in the entry itself. */
static int network_of_entry(struct span bytes, struct arena *arena, const char **network,
                            struct error *error)
{
    ProtobufCMessage *message;
    const Caravan__SignedEntry *outer;
    int code = guard_unpack(&caravan__signed_entry__descriptor, bytes, &guard_limits_content, arena,
                            &message, error);

    if (code)
        return code;
    outer = (const Caravan__SignedEntry *)message;
    code = guard_unpack(&caravan__entry__descriptor, span_of(outer->entry.data, outer->entry.len),
                        &guard_limits_content, arena, &message, error);
    *network = code ? NULL : ((const Caravan__Entry *)message)->network;
    return code;
}

static int verify_entry(const struct cli *cli, struct span bytes, struct error *error)
{
    struct arena arena;
    struct entry entry;
    const char *network = NULL;
    char hash[2 * BYTES_ID_SIZE + 1], fingerprint[IDENTITY_FINGERPRINT_SIZE];
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = network_of_entry(bytes, &arena, &network, error);
    if (!code)
        code = entry_parse_bytes(bytes, network ? network : "", &entry, error);
    if (code) {
        arena_finish(&arena);
        return error_prefix(error, "no card, no exported feed, and as an entry");
    }
    bytes_to_hex(entry.hash.bytes, BYTES_ID_SIZE, hash);
    identity_fingerprint(&entry.feed, fingerprint);
    if (cli->json) {
        printf("{\"kind\": \"entry\", ");
        print_identity(&entry.feed);
        printf(", \"network\": ");
        cli_print_json(stdout, network);
        printf(", \"seq\": \"%llu\", \"hash\": \"%s\", \"content_type\": \"%s\", \"content\": %s, "
               "\"signature\": \"not checked\"}\n",
               (unsigned long long)entry.seq, hash, type_name(entry.content_type),
               entry.has_content ? "true" : "false");
    } else {
        printf("An entry: No. %llu (%s) of %s in the network %s.\n%s\n"
               "Its signature was not checked: that takes the certificates of the feed; verify an\n"
               "exported feed instead (caravan export).\n",
               (unsigned long long)entry.seq, type_name(entry.content_type), fingerprint, network,
               entry.has_content ? "Its text is the one that the entry names."
                                 : "Its text is not in the file.");
    }
    arena_finish(&arena);
    return ERROR_NONE;
}

/* --- the command ------------------------------------------------------------------------------ */

static int verify(const struct cli *cli, const char *path, struct error *error)
{
    struct cli_file file = {0};
    int code = secret_start(error);

    if (!code)
        code = cli_file_open(path, &file, error);
    if (code)
        return code;
    if (file.bytes.size >= strlen(FEEDFILE_MAGIC) &&
        memcmp(file.bytes.data, FEEDFILE_MAGIC, strlen(FEEDFILE_MAGIC)) == 0)
        code = verify_feed(cli, file.bytes, error);
    else if (file.bytes.size > 0 &&
             memmem(file.bytes.data, file.bytes.size, "BEGIN CARAVAN CARD", 18))
        code = verify_card(cli, file.bytes, error);
    else
        code = verify_entry(cli, file.bytes, error);
    cli_file_close(&file);
    return code ? error_prefix(error, "%s", path) : ERROR_NONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_verify, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE, "say which file: caravan verify FILE");
    if (!code)
        code = verify(cli, argv[0], &error);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .group = CLI_GROUP_READ,
    .usage = "verify FILE",
    .summary = "check a card or an exported feed, without a node",
    .help =
        "Checks certificates, chain, hashes and signatures of a card or an exported feed, from\n"
        "the file alone: no home folder and no node are needed. Of a single entry it checks\n"
        "what can be checked without the feed's certificates.\n"
        "\n"
        "Example: caravan verify cn-most.card\n"
        "Example: caravan verify th-nstda.feed --json",
    .run = run,
};
