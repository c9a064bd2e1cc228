/* drive_ledger FOLDER [ENTRIES] [PER-CALL] [CALLS-PER-COMMIT] [FEEDS]: the ledger on SQLite alone,
 * with contents of 400 bytes: what an append, a read, and the start cost, and how much disk they
 * take. Rates are per second of processor time; the folder must be empty and is left as it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "common/wire.h"
#include "node/ledger/ledger.h"

#define CONTENT_SIZE 400
#define MAX_PER_CALL 4096
#define SIGNED_EVERY 256

struct bench {
    char path[1024];
    uint64_t count, per_call, calls, feeds;
    struct entry_head *heads;
    uint8_t content[CONTENT_SIZE], salt[LIMIT_SALT_SIZE], signature[IDENTITY_SIGNATURE_SIZE];
    uint8_t bytes[MAX_PER_CALL][LIMIT_ENTRY_SIZE];
    struct store_entry entries[MAX_PER_CALL];
};

struct stopwatch {
    double processor, wall;
};

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct stopwatch start(void)
{
    return (struct stopwatch){seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC)};
}

static void report(const char *what, struct stopwatch since, uint64_t count)
{
    double processor = seconds(CLOCK_PROCESS_CPUTIME_ID) - since.processor;
    double wall = seconds(CLOCK_MONOTONIC) - since.wall;

    printf("%-28s %9" PRIu64 "  cpu %8.3f s  wall %8.3f s  %10.0f a second of cpu\n", what, count,
           processor, wall, count ? (double)count / processor : 0);
}

static void must(int code, const struct error *error)
{
    if (code == ERROR_NONE)
        return;
    fprintf(stderr, "drive_ledger: %s\n", error->text);
    exit(1);
}

static uint8_t *number(uint8_t *at, uint8_t key, uint64_t value)
{
    *at++ = key;
    return wire_write_varint(at, value);
}

/* Entry bytes as a node encodes them; the hashes are made up. */
static size_t encode(const struct entry *entry, uint8_t *out)
{
    uint8_t *at = wire_write_bytes(out, 1, span_of_text("silkroad-bench"));

    at = wire_write_bytes(at, 2, span_of_id(&entry->feed));
    at = number(at, 3 << 3, entry->seq);
    if (entry->seq > 1)
        at = wire_write_bytes(at, 4, span_of_id(&entry->previous));
    at = number(at, 5 << 3, entry->created_ms);
    at = number(at, 6 << 3, entry->content_type);
    at = wire_write_bytes(at, 7, span_of_id(&entry->content_hash));
    at = number(at, 8 << 3, entry->content_size);
    return (size_t)(number(at, 9 << 3, entry->min_reader) - out);
}

static void fill_id(struct id *id, uint64_t number)
{
    for (size_t i = 0; i < sizeof *id; i += 8)
        bytes_put_u64(id->bytes + i, number = number * 6364136223846793005u + 1442695040888963407u);
}

static void make(struct bench *bench, struct entry_head *head, size_t i, uint64_t n)
{
    struct store_entry *stored = &bench->entries[i];
    struct entry *entry = &stored->entry;

    *stored = (struct store_entry){.received_ms = 1800000000000u + n / 100, .certificate = 1};
    entry->feed = head->feed;
    entry->previous = head->hash;
    entry->seq = ++head->seq;
    entry->created_ms = 1790000000000u + n * 7;
    entry->content_type = n % 20000 == 0 ? CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE
                                         : CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT;
    entry->content_size = CONTENT_SIZE;
    entry->min_reader = 1;
    fill_id(&entry->content_hash, n * 2);
    fill_id(&entry->hash, n * 2 + 1);
    head->hash = entry->hash;
    entry->bytes = span_of(bench->bytes[i], encode(entry, bench->bytes[i]));
    entry->content = span_of(bench->content, CONTENT_SIZE);
    entry->salt = span_of(bench->salt, sizeof bench->salt);
    entry->has_content = true;
    entry->signature_checked = i + 1 == bench->per_call || entry->seq % SIGNED_EVERY == 0;
    if (entry->signature_checked)
        entry->signature = span_of(bench->signature, sizeof bench->signature);
}

static void append_all(struct bench *bench, struct store *store)
{
    const struct store_operations *do_ = store->operations;
    struct error error;
    uint64_t n = 0, call = 0;
    struct stopwatch making, all = start();
    double made = 0;

    while (n < bench->count) {
        struct entry_head *head = &bench->heads[call / bench->calls % bench->feeds];

        if (call % bench->calls == 0)
            must(do_->begin(store->self, &error), &error);
        making = start();
        for (size_t i = 0; i < bench->per_call; i++)
            make(bench, head, i, n++);
        made += seconds(CLOCK_PROCESS_CPUTIME_ID) - making.processor;
        must(do_->append(store->self, bench->entries, bench->per_call, &error), &error);
        if (++call % bench->calls == 0)
            must(do_->commit(store->self, &error), &error);
    }
    if (call % bench->calls)
        must(do_->commit(store->self, &error), &error);
    all.processor += made;
    report("append", all, n);
}

static int count_entry(void *context, const struct store_entry *entry)
{
    *(uint64_t *)context += entry->entry.bytes.size && entry->entry.content.size == CONTENT_SIZE;
    return 0;
}

static void read_all(struct bench *bench, const struct store *store)
{
    const struct store_operations *do_ = store->operations;
    struct stopwatch since = start();
    struct error error;
    uint64_t count = 0, last = 1;

    for (uint64_t i = 0; i < bench->feeds; i++)
        for (uint64_t seq = 1; seq <= bench->heads[i].seq; seq += 2000)
            must(do_->entries(store->self, &bench->heads[i].feed, seq, seq + 1999, count_entry,
                              &count, &error),
                 &error);
    report("read by range", since, count);
    count = 0;
    since = start();
    must(do_->arrivals(store->self, 0, STORE_ALL_TYPES, count_entry, &count, &error), &error);
    report("read by arrival", since, count);
    count = 0;
    since = start();
    must(do_->arrivals(store->self, 0,
                       STORE_TYPE(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE) |
                           STORE_TYPE(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS),
                       count_entry, &count, &error),
         &error);
    report("profiles by arrival", since, count);
    count = 0;
    since = start();
    for (uint64_t i = 0; i < 20000;
         i++, last = last * 6364136223846793005u + 1442695040888963407u) {
        const struct entry_head *head = &bench->heads[(last >> 20) % bench->feeds];
        uint64_t seq = (last >> 33) % head->seq + 1;

        must(do_->entries(store->self, &head->feed, seq, seq, count_entry, &count, &error), &error);
    }
    report("read one", since, count);
}

static void report_size(const struct bench *bench, double content)
{
    struct rusage usage;
    struct stat status;

    if (stat(bench->path, &status) == 0)
        printf("file                         %.1f MB, %.3f x the contents, %.1f bytes an entry\n",
               (double)status.st_size / 1e6, (double)status.st_size / content,
               (double)status.st_size / (double)bench->count);
    getrusage(RUSAGE_SELF, &usage);
    printf("memory at most               %.1f MiB\n", (double)usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct store store;
    struct stopwatch since;
    struct error error;

    if (argc < 2) {
        fprintf(stderr, "usage: drive_ledger FOLDER [ENTRIES] [PER-CALL] [CALLS-PER-COMMIT] "
                        "[FEEDS]\n");
        return 64;
    }
    snprintf(bench.path, sizeof bench.path, "%s/ledger.db", argv[1]);
    bench.count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    bench.per_call = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000;
    bench.calls = argc > 4 ? strtoull(argv[4], NULL, 10) : 4;
    bench.feeds = argc > 5 ? strtoull(argv[5], NULL, 10) : 50;
    bench.heads = calloc(bench.feeds, sizeof *bench.heads);
    if (!bench.heads || !bench.calls || !bench.per_call || bench.per_call > MAX_PER_CALL)
        return 64;
    for (uint64_t i = 0; i < bench.feeds; i++)
        fill_id(&bench.heads[i].feed, i + 7);
    memset(bench.content, 'c', sizeof bench.content);
    must(ledger_sqlite_create(bench.path, LEDGER_NEW, &store, &error), &error);
    append_all(&bench, &store);
    since = start();
    store.operations->destroy(store.self);
    report("close", since, 0);
    since = start();
    must(ledger_sqlite_create(bench.path, LEDGER_EXISTING, &store, &error), &error);
    report("open", since, 1);
    store.operations->destroy(store.self);
    must(ledger_sqlite_open_reader(bench.path, &store, &error), &error);
    read_all(&bench, &store);
    store.operations->destroy(store.self);
    report_size(&bench, (double)(bench.count * CONTENT_SIZE));
    free(bench.heads);
    return 0;
}
