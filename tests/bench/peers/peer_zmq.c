/* peer_zmq: raw libzmq, PUB to SUB over TCP, in two threads with a context each.
 *
 * usage: peer_zmq rate    plain|curve CONTENTS COUNT
 *        peer_zmq latency plain|curve CONTENTS COUNT RATE
 *        peer_zmq commits plain|curve CONTENTS COUNT RATE FOLDER
 *
 * commits: latency again; the publisher commits one row before it sends, the subscriber commits one
 * row before it stamps, both in WAL mode and synced to disk. */
#include "tests/bench/tools.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* One end: a file to commit to, or none. */
struct end {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static struct contents contents;
static uint64_t wanted, rate;
static bool curve;
static char server_public[41], server_secret[41], client_public[41], client_secret[41];
static char endpoint[64];
static const char *folder;
static struct arrivals arrivals;
static int64_t *sent_at;
static double *ms;
static int64_t finished_at;

static void open_end(struct end *end, const char *name)
{
    char path[4096];

    if (!folder)
        return;
    snprintf(path, sizeof path, "%s/%s.sqlite", folder, name);
    TOOLS_MUST(sqlite3_open(path, &end->db) == SQLITE_OK);
    TOOLS_MUST(sqlite3_exec(end->db,
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                            "CREATE TABLE entry (seq INTEGER PRIMARY KEY, content BLOB)",
                            NULL, NULL, NULL) == SQLITE_OK);
    TOOLS_MUST(sqlite3_prepare_v2(end->db, "INSERT INTO entry (content) VALUES (?)", -1,
                                  &end->insert, NULL) == SQLITE_OK);
}

/* One row, one transaction. */
static void commit(struct end *end, const void *bytes, size_t size)
{
    if (!end->db)
        return;
    sqlite3_bind_blob(end->insert, 1, bytes, (int)size, SQLITE_STATIC);
    TOOLS_MUST(sqlite3_step(end->insert) == SQLITE_DONE);
    TOOLS_MUST(sqlite3_reset(end->insert) == SQLITE_OK);
}

static void close_end(struct end *end)
{
    sqlite3_finalize(end->insert);
    TOOLS_MUST(sqlite3_close(end->db) == SQLITE_OK);
}

static void set(void *socket, int option, int value)
{
    TOOLS_MUST(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *subscribe(void *unused)
{
    struct end end = {0};
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    zmq_msg_t message;

    open_end(&end, "subscriber");
    if (curve) {
        TOOLS_MUST(!zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, 40));
        TOOLS_MUST(!zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client_public, 40));
        TOOLS_MUST(!zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client_secret, 40));
    }
    set(socket, ZMQ_RCVHWM, 10000);
    TOOLS_MUST(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0);
    TOOLS_MUST(zmq_connect(socket, endpoint) == 0);
    zmq_msg_init(&message);
    while (arrivals.next < wanted) {
        const void *data;
        size_t size;
        uint64_t number;

        TOOLS_MUST(zmq_msg_recv(&message, socket, 0) >= 0);
        data = zmq_msg_data(&message);
        size = zmq_msg_size(&message);
        commit(&end, data, size);
        number = tools_message_number(data, size);
        if (rate && number < wanted)
            ms[arrivals.next] = (double)(tools_now_ns() - sent_at[number]) / 1e6;
        arrivals_add(&arrivals, data, size);
    }
    finished_at = tools_now_ns();
    zmq_msg_close(&message);
    zmq_close(socket);
    zmq_ctx_term(context);
    close_end(&end);
    return unused;
}

/* The publisher; XPUB, to see that the subscriber is there, and to wait for it instead of dropping.
 */
static void *bind_publisher(void *context)
{
    void *socket = zmq_socket(context, ZMQ_XPUB);
    size_t size = sizeof endpoint;

    if (curve) {
        set(socket, ZMQ_CURVE_SERVER, 1);
        TOOLS_MUST(!zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_secret, 40));
    }
    set(socket, ZMQ_SNDHWM, 10000);
    set(socket, ZMQ_XPUB_NODROP, 1);
    TOOLS_MUST(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    TOOLS_MUST(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    return socket;
}

static void publish(void *socket, struct end *end)
{
    uint8_t bytes[TOOLS_CONTENT_MAX];
    int64_t start = tools_now_ns();

    for (uint64_t i = 0; i < wanted; i++) {
        size_t size = tools_content(&contents, i, bytes);

        if (rate) {
            tools_sleep_until(start + (int64_t)(i * 1000000000 / rate));
            sent_at[i] = tools_now_ns();
        }
        commit(end, bytes, size);
        TOOLS_MUST(zmq_send(socket, bytes, size, 0) == (int)size);
    }
}

static void read_arguments(int argc, char **argv)
{
    if (argc < 5)
        tools_die(
            "usage: peer_zmq rate|latency|commits plain|curve CONTENTS COUNT [RATE [FOLDER]]");
    curve = strcmp(argv[2], "curve") == 0;
    contents = tools_contents(argv[3]);
    wanted = (uint64_t)tools_number(argv[4]);
    if (argc > 5)
        rate = (uint64_t)tools_number(argv[5]);
    if (argc > 6)
        folder = argv[6];
    sent_at = calloc(wanted, sizeof *sent_at);
    ms = calloc(wanted, sizeof *ms);
    TOOLS_MUST(wanted > 0 && sent_at && ms);
}

int main(int argc, char **argv)
{
    struct end end = {0};
    void *context = zmq_ctx_new(), *socket;
    char joined[1];
    pthread_t thread;
    int64_t start;
    double cpu;

    read_arguments(argc, argv);
    TOOLS_MUST(zmq_curve_keypair(server_public, server_secret) == 0);
    TOOLS_MUST(zmq_curve_keypair(client_public, client_secret) == 0);
    open_end(&end, "publisher");
    socket = bind_publisher(context);
    TOOLS_MUST(pthread_create(&thread, NULL, subscribe, NULL) == 0);
    TOOLS_MUST(zmq_recv(socket, joined, sizeof joined, 0) == 1); /* its subscription */
    cpu = tools_cpu_seconds(0);
    start = tools_now_ns();
    publish(socket, &end);
    pthread_join(thread, NULL);
    cpu = tools_cpu_seconds(0) - cpu;
    zmq_close(socket);
    zmq_ctx_term(context);
    close_end(&end);
    if (rate)
        tools_print_latency(ms, arrivals.next, &arrivals, wanted);
    else
        tools_print_rate(&arrivals, wanted, finished_at - start, cpu);
    return 0;
}
