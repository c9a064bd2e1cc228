#include "node/cli/cli_bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "common/entry.h"
#include "common/wire.h"
#include "node/ledger/ledger.h"

#define NETWORK "bench"
#define PATH_SIZE 1024
/* What the measures may take: the ledger of GROUPED entries with its log, and room to spare for a
 * node that runs beside them. */
#define ROOM_MIB 512
#define GROUPED 200000
#define SYNCS 20000
#define SYNC_FILE (16 * 1024 * 1024)

struct bench {
    const struct cli_bench_options *options;
    struct cli_bench_result result;
    char folder[PATH_SIZE];
    /* An institution that exists as long as the measures. */
    struct secret *root, *node, *transport, *sealing;
    struct identity_chain chain;
    struct entry_head head;
    uint8_t content[CLI_BENCH_CONTENT];
    struct buffer bytes; /* of the entries */
    struct entry entries[CLI_BENCH_GROUP];
    struct store_entry rows[CLI_BENCH_GROUP];
    struct store ledger;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t wall_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Names the measure, and says when it ends: its share of the time, in per cent. */
static double begin(const struct bench *bench, const char *what, unsigned share)
{
    if (bench->options->step)
        bench->options->step(bench->options->context, what);
    return now() + bench->options->seconds * share / 100;
}

/* False when the time of a measure is over. An interruption sets the error. */
static bool goes_on(const struct bench *bench, double end, struct error *error)
{
    if (bench->options->stop && *bench->options->stop) {
        error_set(error, ERROR_TIMEOUT, "stopped");
        return false;
    }
    return now() < end;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Makes the next entries as publishing in bulk does: anchors and the last one are signed, and all
 * are checked as others will check them. */
static int make(struct bench *bench, size_t count, uint32_t type, struct span content,
                struct error *error)
{
    struct entry_run run = {
        .feed = bench->chain.feed, .entries = bench->entries, .count = count, .kept = count};
    int code = ERROR_NONE;

    buffer_clear(&bench->bytes);
    if (!buffer_reserve(&bench->bytes, count * (ENTRY_ROOM + content.size)))
        return error_memory(error);
    for (size_t i = 0; i < count && !code; i++) {
        struct entry *entry = &bench->entries[i];
        struct entry_draft draft = {.network = NETWORK,
                                    .feed = bench->chain.feed,
                                    .seq = bench->head.seq + 1,
                                    .previous = bench->head.hash,
                                    .created_ms = wall_ms(),
                                    .content_type = type,
                                    .content = content};

        secret_random(draft.salt, sizeof draft.salt);
        code = entry_make(&draft, &bench->bytes, entry, error);
        if (!code && (i + 1 == count || entry_is_anchor(entry)))
            code = entry_sign(entry, NETWORK, bench->node, &bench->bytes, error);
        bench->head.seq++;
        bench->head.hash = entry->hash;
    }
    return code ? code : entry_run_check(&run, &bench->chain, bench->head.certificate, error);
}

static int make_announcements(struct bench *bench, size_t count, struct error *error)
{
    return make(bench, count, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                span_of(bench->content, sizeof bench->content), error);
}

static int make_institution(struct bench *bench, struct error *error)
{
    struct identity_certificate_draft draft = {
        .network = NETWORK, .number = 1, .created_ms = wall_ms()};
    struct id recovery;
    struct buffer certificate = {0};
    int code = secret_start(error);

    if (code || (code = secret_generate(SECRET_ROOT, &bench->root, error)) ||
        (code = secret_generate(SECRET_NODE, &bench->node, error)) ||
        (code = secret_generate(SECRET_TRANSPORT, &bench->transport, error)) ||
        (code = secret_generate(SECRET_SEALING, &bench->sealing, error)) ||
        (code = identity_chain_init(&bench->chain, secret_public(bench->root), NETWORK, error)))
        return code;
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(bench->root)), &recovery);
    draft.feed = &bench->chain.feed;
    draft.node_key = secret_public(bench->node);
    draft.transport_key = secret_public(bench->transport);
    draft.sealing_key = secret_public(bench->sealing);
    draft.recovery_hash = &recovery;
    secret_random(bench->content, sizeof bench->content);
    code = identity_certificate_build(&draft, bench->root, &certificate, error);
    if (!code)
        code = identity_chain_append(&bench->chain, buffer_span(&certificate), error);
    if (!code)
        code = make(bench, 1, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
                    buffer_span(&certificate), error);
    bench->head.certificate = 1;
    buffer_finish(&certificate);
    return code;
}

/* --- the machine ------------------------------------------------------------------------------ */

static int measure_sign(struct bench *bench, struct error *error)
{
    struct entry_head kept = bench->head;
    double end = begin(bench, "signing", 8), start = now();
    unsigned long count = 0;
    int code = ERROR_NONE;

    error_clear(error);
    while (!code && goes_on(bench, end, error)) {
        struct entry_draft draft = {.network = NETWORK,
                                    .feed = bench->chain.feed,
                                    .seq = kept.seq + 1,
                                    .previous = kept.hash,
                                    .created_ms = wall_ms(),
                                    .content_type =
                                        CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                                    .content = span_of(bench->content, sizeof bench->content)};

        secret_random(draft.salt, sizeof draft.salt);
        buffer_clear(&bench->bytes);
        if (!buffer_reserve(&bench->bytes, ENTRY_ROOM + sizeof bench->content))
            return error_memory(error);
        code = entry_make(&draft, &bench->bytes, bench->entries, error);
        if (!code)
            code = entry_sign(bench->entries, NETWORK, bench->node, &bench->bytes, error);
        count++;
    }
    bench->result.sign = (double)count / (now() - start);
    return code ? code : (int)error->code;
}

/* A Run message as it comes over sync, of entries that follow the certificate. */
static int pack_run(struct bench *bench, size_t count, struct buffer *run, struct error *error)
{
    struct buffer one = {0};
    int code = make_announcements(bench, count, error);
    bool ok = wire_put_bytes(run, 2, span_of_id(&bench->chain.feed));

    for (size_t i = 0; i < count && !code && ok; i++) {
        buffer_clear(&one);
        ok = entry_encode(&bench->entries[i], true, &one) &&
             wire_put_bytes(run, 3, buffer_span(&one));
    }
    buffer_finish(&one);
    return code ? code : ok ? ERROR_NONE : error_memory(error);
}

static int measure_check(struct bench *bench, size_t count, const char *what, double *rate,
                         struct error *error)
{
    struct buffer bytes = {0};
    double end, start;
    unsigned long runs = 0;
    int code = pack_run(bench, count, &bytes, error);

    end = begin(bench, what, 8);
    start = now();
    error_clear(error);
    while (!code && goes_on(bench, end, error)) {
        struct entry_run run = {0};

        code = entry_run_read(buffer_span(&bytes), NETWORK, &run, error);
        if (!code)
            code = entry_run_check(&run, &bench->chain, 1, error);
        entry_run_finish(&run);
        runs++;
    }
    *rate = (double)runs * (double)count / (now() - start);
    buffer_finish(&bytes);
    return code ? code : (int)error->code;
}

static int measure_live(struct bench *bench, struct error *error)
{
    struct buffer message = {0};
    int code = make_announcements(bench, 1, error);

    if (!code && !entry_encode(bench->entries, true, &message))
        code = error_memory(error);
    begin(bench, "sending", 0);
    if (!code)
        code = cli_bench_live(buffer_span(&message), bench->options->seconds * 0.15,
                              bench->options->stop, &bench->result.live, error);
    buffer_finish(&message);
    return code;
}

/* --- the disk --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

/* As the ledger's log does it: a piece behind the last one, then fdatasync. */
static int sync_once(int file, off_t at, double *ms, struct error *error)
{
    static const char page[4096] = {1};
    double start;

    if (pwrite(file, page, sizeof page, at) != (ssize_t)sizeof page)
        return error_errno(error, "cannot write", "a test file");
    start = now();
    if (fdatasync(file) != 0)
        return error_errno(error, "cannot sync", "a test file");
    *ms = (now() - start) * 1000;
    return ERROR_NONE;
}

static int measure_sync(struct bench *bench, struct error *error)
{
    char path[PATH_SIZE + 16];
    double end = begin(bench, "syncing to disk", 16);
    double *times = calloc(SYNCS, sizeof *times);
    size_t count = 0;
    int code = ERROR_NONE, file;

    if (!times)
        return error_memory(error);
    snprintf(path, sizeof path, "%s/sync", bench->folder);
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        code = error_errno(error, "cannot make", path);
    if (!code)
        error_clear(error);
    while (!code && count < SYNCS && (count == 0 || goes_on(bench, end, error))) {
        code = sync_once(file, (off_t)(count * 4096 % SYNC_FILE), &times[count], error);
        count++;
    }
    if (!code && !(code = (int)error->code)) {
        qsort(times, count, sizeof *times, compare);
        bench->result.syncs = count;
        bench->result.sync_median_ms = times[count / 2];
        bench->result.sync_p99_ms = times[count * 99 / 100];
    }
    if (file >= 0)
        close(file);
    free(times);
    return code;
}

/* Commits the entries that were made; *seconds grows by what that took. */
static int commit(struct bench *bench, size_t count, double *seconds, struct error *error)
{
    const struct store_operations *ledger = bench->ledger.operations;
    void *self = bench->ledger.self;
    double start;
    int code;

    for (size_t i = 0; i < count; i++)
        bench->rows[i] = (struct store_entry){
            .received_ms = wall_ms(), .certificate = 1, .entry = bench->entries[i]};
    start = now();
    code = ledger->begin(self, error);
    if (code)
        return code;
    code = ledger->append(self, bench->rows, count, error);
    if (code)
        ledger->rollback(self);
    else
        code = ledger->commit(self, error);
    *seconds += now() - start;
    return code;
}

static int measure_commit(struct bench *bench, size_t group, unsigned share, const char *what,
                          double *rate, struct error *error)
{
    double end = begin(bench, what, share), seconds = 0;
    size_t count = 0;
    int code = ERROR_NONE;

    error_clear(error);
    while (!code && count < GROUPED && (count == 0 || goes_on(bench, end, error))) {
        code = make_announcements(bench, group, error);
        if (!code)
            code = commit(bench, group, &seconds, error);
        count += group;
    }
    *rate = (double)count / seconds;
    return code ? code : (int)error->code;
}

static int open_ledger(struct bench *bench, struct error *error)
{
    char path[PATH_SIZE + 16];
    double unused = 0;
    int code;

    snprintf(path, sizeof path, "%s/ledger.db", bench->folder);
    code = ledger_sqlite_create(path, LEDGER_NEW, &bench->ledger, error);
    return code ? code : commit(bench, 1, &unused, error); /* the certificate, made last */
}

/* --- all together ----------------------------------------------------------------------------- */

static int make_folder(struct bench *bench, struct error *error)
{
    const char *parent = bench->options->folder;
    struct statfs info;
    unsigned long long free_mib;

    if (statfs(parent, &info) != 0)
        return error_errno(error, "cannot look at", parent);
    free_mib = (unsigned long long)info.f_bavail * (unsigned long long)info.f_bsize >> 20;
    if (free_mib < ROOM_MIB)
        return error_set(error, ERROR_IO,
                         "%s has room for %llu MiB, and the measures may take up to %d; name "
                         "another folder on the same disk that has more",
                         parent, free_mib, ROOM_MIB);
    bench->result.in_memory = info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC;
    if (snprintf(bench->folder, sizeof bench->folder, "%s/.bench-XXXXXX", parent) >=
            (int)sizeof bench->folder ||
        !mkdtemp(bench->folder)) {
        bench->folder[0] = '\0';
        return errno == EACCES || errno == EPERM
                   ? error_set(error, ERROR_DENIED,
                               "nothing can be written in %s; run this as the user of the node, or "
                               "say --folder DIR",
                               parent)
                   : error_errno(error, "cannot make a folder in", parent);
    }
    return ERROR_NONE;
}

/* It was made empty, and only we have written into it. */
static void remove_folder(const char *folder)
{
    DIR *open_folder = *folder ? opendir(folder) : NULL;
    struct dirent *file;

    if (!open_folder)
        return;
    while ((file = readdir(open_folder)))
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
            unlinkat(dirfd(open_folder), file->d_name, 0);
    closedir(open_folder);
    rmdir(folder);
}

static int measure(struct bench *bench, struct error *error)
{
    struct cli_bench_result *result = &bench->result;
    int code;

    if ((code = make_folder(bench, error)) || (code = make_institution(bench, error)) ||
        (code = open_ledger(bench, error)) ||
        (code = measure_commit(bench, 1, 22, "committing one by one", &result->commit_single,
                               error)) ||
        (code = measure_commit(bench, CLI_BENCH_GROUP, 23, "committing in groups",
                               &result->commit_group, error)) ||
        (code = measure_sync(bench, error)) || (code = measure_sign(bench, error)) ||
        (code = measure_check(bench, 1, "checking one by one", &result->check_single, error)) ||
        (code = measure_check(bench, CLI_BENCH_RUN, "checking in runs", &result->check_run, error)))
        return code;
    return measure_live(bench, error);
}

int cli_bench_run(const struct cli_bench_options *options, struct cli_bench_result *out,
                  struct error *error)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct error local;
    int code;

    error = error ? error : &local;
    if (!bench)
        return error_memory(error);
    bench->options = options;
    code = measure(bench, error);
    if (!code)
        *out = bench->result;
    if (bench->ledger.operations)
        bench->ledger.operations->destroy(bench->ledger.self);
    remove_folder(bench->folder);
    secret_destroy(bench->root);
    secret_destroy(bench->node);
    secret_destroy(bench->transport);
    secret_destroy(bench->sealing);
    identity_chain_finish(&bench->chain);
    buffer_finish(&bench->bytes);
    free(bench);
    return code;
}
