#include "tests/bench/drive/crowd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#include "common/fields.h"
#include "common/live_message.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"
#include "tests/bench/drive/drive.h"

/* A round over all sockets that has found nothing is followed by this pause: asking a thousand
 * sockets takes about as long. */
#define PAUSE_NS 100000
/* What the hub says on sync is thrown away; once in so many rounds. */
#define SYNC_ROUNDS 64
#define SOCKETS_EACH 2
#define DELAYS_MAX (UINT64_C(16) << 20) /* later ones are not noted */
#define FILES_EACH 4                    /* two connections, two of libzmq's event descriptors */

/* --- sockets ---------------------------------------------------------------------------------- */

static void *dial(void *context, int type, const struct publisher *partner, const struct id *hub,
                  const char *topic, const char *endpoint, int buffer, struct error *error)
{
    const int unlimited = 0;
    void *socket = zmq_socket(context, type);

    if (socket && zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, hub->bytes, sizeof hub->bytes) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, secret_public(partner->transport)->bytes,
                       BYTES_ID_SIZE) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(partner->transport),
                       BYTES_ID_SIZE) == 0 &&
        zmq_setsockopt(socket, ZMQ_LINGER, &unlimited, sizeof unlimited) == 0 &&
        zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0 &&
        (!buffer || zmq_setsockopt(socket, ZMQ_RCVBUF, &buffer, sizeof buffer) == 0) &&
        (!topic || zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0) &&
        zmq_connect(socket, endpoint) == 0)
        return socket;
    error_set(error, ERROR_IO, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
    if (socket)
        zmq_close(socket);
    return NULL;
}

/* As a partner that hears the hub on live, so that it need not be told on sync. */
static int say_hello(void *socket, const struct publisher *partner, struct error *error)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Hello hello = CARAVAN__HELLO__INIT;
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    struct buffer bytes = {0};
    int code = ERROR_NONE;

    secret_random(ledger, sizeof ledger);
    hello.network = (char *)(uintptr_t)partner->chain.network;
    hello.has_version = hello.has_feed = hello.has_ledger = hello.has_live_link = true;
    hello.version = 1;
    hello.feed = fields_binary(span_of_id(&partner->chain.feed));
    hello.ledger = fields_binary(span_of(ledger, sizeof ledger));
    hello.live_link = true;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    if (!fields_pack(&message.base, &bytes))
        return error_memory(error);
    if (zmq_send(socket, bytes.data, bytes.size, ZMQ_DONTWAIT) < 0)
        code = error_set(error, ERROR_IO, "cannot say hello: %s", zmq_strerror(errno));
    buffer_finish(&bytes);
    return code;
}

void *crowd_dial_sync(void *context, const struct publisher *partner, const struct id *hub,
                      const char *endpoint, struct error *error)
{
    void *socket = dial(context, ZMQ_DEALER, partner, hub, NULL, endpoint, 0, error);

    if (socket && say_hello(socket, partner, error)) {
        zmq_close(socket);
        socket = NULL;
    }
    return socket;
}

int crowd_raise_files(uint64_t needed, struct error *error)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return error_errno(error, "read", "the limit of open files");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        return error_errno(error, "raise", "the limit of open files");
    return files.rlim_cur >= needed
               ? ERROR_NONE
               : error_set(error, ERROR_CONFIG,
                           "the limit of open files is %llu, expected at least %llu; see: ulimit "
                           "-Hn",
                           (unsigned long long)files.rlim_cur, (unsigned long long)needed);
}

/* --- one delivery ----------------------------------------------------------------------------- */

static bool check_signature(struct crowd *crowd, const struct entry *entry)
{
    struct crowd_entry *known = &crowd->entries[entry->seq];
    const struct identity_certificate *last = identity_chain_get(&crowd->chain, crowd->chain.count);

    if (known->checked)
        return id_equal(&known->hash, &entry->hash) &&
               span_equal(span_of(known->signature, sizeof known->signature), entry->signature);
    known->checked = identity_verify(&last->node_key, IDENTITY_ENTRY, crowd->chain.network,
                                     &entry->hash, entry->signature);
    known->hash = entry->hash;
    if (known->checked)
        memcpy(known->signature, entry->signature.data, sizeof known->signature);
    return known->checked;
}

static bool make_room(struct crowd_delays *delays)
{
    uint64_t capacity = delays->capacity ? 2 * delays->capacity : 4096;
    uint32_t *items;

    if (delays->count < delays->capacity)
        return true;
    items = capacity <= DELAYS_MAX ? realloc(delays->items, capacity * sizeof *items) : NULL;
    if (!items)
        return false;
    delays->items = items;
    delays->capacity = capacity;
    return true;
}

static void note_delay(struct crowd *crowd, uint64_t seq)
{
    struct crowd_delays *delays = &crowd->delays[atomic_load(&crowd->entries[seq].group)];
    uint64_t due = atomic_load(&crowd->entries[seq].due);

    if (delays != crowd->delays && make_room(delays))
        delays->items[delays->count++] = (uint32_t)((drive_now() - due) / 1000);
}

static void deliver(struct crowd *crowd, struct crowd_member *member, struct span payload)
{
    struct entry entry;
    bool joins = member->seq == 0;

    if (entry_parse_bytes(payload, crowd->chain.network, &entry, NULL) ||
        entry.seq >= crowd->capacity || !id_equal(&entry.feed, &crowd->chain.feed) ||
        !entry.has_content || !check_signature(crowd, &entry)) {
        crowd->wrong++;
        return;
    }
    if (!joins && entry.seq <= member->seq) {
        crowd->twice++;
        return;
    }
    if (!joins && entry.seq > member->seq + 1)
        crowd->lost += entry.seq - member->seq - 1;
    else if (!joins && !id_equal(&entry.previous, &member->hash))
        crowd->wrong++;
    member->seq = entry.seq;
    member->hash = entry.hash;
    note_delay(crowd, entry.seq);
    atomic_fetch_add(&crowd->delivered, 1);
    if (joins)
        atomic_fetch_add(&crowd->joined, 1);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Everything that has come for this member. */
static uint64_t read_live(struct crowd *crowd, struct crowd_member *member, zmq_msg_t *message)
{
    struct span topic, payload;
    uint64_t count = 0;

    for (; zmq_msg_recv(message, member->live, ZMQ_DONTWAIT) >= 0; count++) {
        if (live_message_parse(span_of(zmq_msg_data(message), zmq_msg_size(message)), &topic,
                               &payload))
            deliver(crowd, member, payload);
        else
            crowd->wrong++;
    }
    return count;
}

static void *run(void *context)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct crowd *crowd = context;
    zmq_msg_t message;

    zmq_msg_init(&message);
    for (uint64_t round = 0; !atomic_load(&crowd->over); round++) {
        uint64_t found = 0;

        for (uint64_t i = 0; i < crowd->count; i++)
            found += read_live(crowd, &crowd->members[i], &message);
        for (uint64_t i = 0; round % SYNC_ROUNDS == 0 && i < crowd->count; i++)
            while (zmq_msg_recv(&message, crowd->members[i].sync, ZMQ_DONTWAIT) >= 0)
                ;
        if (!found)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    zmq_msg_close(&message);
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

int crowd_read_chain(const char *home, struct identity_chain *chain, struct error *error)
{
    struct config config = {0};
    int code = config_load(home, &config, NULL, error);

    if (!code)
        code = own_load_chain(home, config.message->network, chain, error);
    config_finish(&config);
    return code;
}

static int make_members(struct crowd *crowd, const char *home, unsigned first, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    int code = home_path(home, HOME_PARTNERS, folder, error);

    for (uint64_t i = 0; !code && i < crowd->count; i++)
        code = publisher_init(&crowd->members[i].partner, crowd->chain.network, first + (unsigned)i,
                              folder, error);
    return code;
}

int crowd_init(struct crowd *crowd, const char *home, unsigned first, uint64_t count,
               uint64_t capacity, struct error *error)
{
    int code;

    *crowd = (struct crowd){.count = count, .capacity = capacity};
    crowd->members = calloc(count, sizeof *crowd->members);
    crowd->entries = calloc(capacity, sizeof *crowd->entries);
    crowd->context = zmq_ctx_new();
    if (!crowd->members || !crowd->entries || !crowd->context)
        return error_memory(error);
    zmq_ctx_set(crowd->context, ZMQ_MAX_SOCKETS, (int)(SOCKETS_EACH * count) + 16);
    code = crowd_raise_files(FILES_EACH * count + 64, error);
    if (!code)
        code = crowd_read_chain(home, &crowd->chain, error);
    return code ? code : make_members(crowd, home, first, error);
}

int crowd_start(struct crowd *crowd, const char *live, const char *sync, struct error *error)
{
    const struct id *hub = &identity_chain_get(&crowd->chain, crowd->chain.count)->transport_key;
    char topic[LIMIT_TOPIC_SIZE + 1];

    entry_topic_of_feed(&crowd->chain.feed, topic);
    for (uint64_t i = 0; i < crowd->count; i++) {
        struct crowd_member *member = &crowd->members[i];

        member->live =
            dial(crowd->context, ZMQ_SUB, &member->partner, hub, topic, live, crowd->buffer, error);
        if (!member->live)
            return (int)error->code;
        member->sync = crowd_dial_sync(crowd->context, &member->partner, hub, sync, error);
        if (!member->sync)
            return (int)error->code;
    }
    crowd->runs = pthread_create(&crowd->thread, NULL, run, crowd) == 0;
    return crowd->runs ? ERROR_NONE : error_set(error, ERROR_MEMORY, "cannot start a thread");
}

void crowd_stop(struct crowd *crowd)
{
    if (!crowd->runs)
        return;
    atomic_store(&crowd->over, true);
    pthread_join(crowd->thread, NULL);
    crowd->runs = false;
}

void crowd_finish(struct crowd *crowd)
{
    crowd_stop(crowd);
    for (uint64_t i = 0; crowd->members && i < crowd->count; i++) {
        if (crowd->members[i].live)
            zmq_close(crowd->members[i].live);
        if (crowd->members[i].sync)
            zmq_close(crowd->members[i].sync);
        publisher_finish(&crowd->members[i].partner);
    }
    if (crowd->context)
        zmq_ctx_term(crowd->context);
    identity_chain_finish(&crowd->chain);
    free(crowd->members);
    free(crowd->entries);
    for (unsigned i = 0; i < CROWD_GROUPS; i++)
        free(crowd->delays[i].items);
    *crowd = (struct crowd){0};
}

/* --- figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

double crowd_percentile_ms(struct crowd *crowd, unsigned group, double percent)
{
    struct crowd_delays *delays = &crowd->delays[group];
    uint64_t place = (uint64_t)((double)delays->count * percent / 100.0);

    if (!delays->count)
        return 0;
    qsort(delays->items, delays->count, sizeof *delays->items, compare);
    return delays->items[place < delays->count ? place : delays->count - 1] / 1e3;
}
