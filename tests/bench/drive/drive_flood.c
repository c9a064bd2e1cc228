/* drive_flood HOME CONTENTS SYNC [--known N]: an accepted partner of the node that asks for as much
 * as its connection takes, and reads what it is answered: the whole feed, its certificates, all
 * heads, and in between bytes that are no message. Prints how much it was when SIGTERM ends it.
 * known: partners that the node has besides. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "common/fields.h"
#include "tests/bench/drive/crowd.h"
#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/feeder.h"

#define NUMBER 9999 /* of this partner among those that are made up */
#define WAIT_NS UINT64_C(60000000000)
#define GARBAGE_SIZE 300

static volatile sig_atomic_t over;

struct flood {
    struct contents contents;
    struct feeder feeder;
    struct identity_chain chain; /* of the node */
    struct publisher partner;
    void *context, *socket;
    struct buffer messages[4];
    uint64_t sent, received, received_bytes;
};

static void stop(int number)
{
    (void)number;
    over = 1;
}

static int make_messages(struct flood *flood, struct error *error)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Pull pull = CARAVAN__PULL__INIT;
    Caravan__HeadsRequest heads = CARAVAN__HEADS_REQUEST__INIT;
    Caravan__CertificatesRequest certificates = CARAVAN__CERTIFICATES_REQUEST__INIT;
    uint8_t garbage[GARBAGE_SIZE];
    bool done;

    pull.has_request = pull.has_feed = pull.has_first = pull.has_last = true;
    pull.request = 1;
    pull.feed = certificates.feed = fields_binary(span_of_id(&flood->chain.feed));
    pull.first = 1;
    pull.last = INT64_MAX;
    certificates.has_request = certificates.has_feed = true;
    certificates.request = 2;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_PULL;
    message.pull = &pull;
    done = fields_pack(&message.base, &flood->messages[0]);
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST;
    message.heads_request = &heads;
    done = done && fields_pack(&message.base, &flood->messages[1]);
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST;
    message.certificates_request = &certificates;
    done = done && fields_pack(&message.base, &flood->messages[2]);
    secret_random(garbage, sizeof garbage);
    done = done && buffer_append(&flood->messages[3], garbage, sizeof garbage);
    return done ? ERROR_NONE : error_memory(error);
}

static int prepare(struct flood *flood, const char *const arguments[3], uint64_t known,
                   struct error *error)
{
    const struct identity_certificate *last;
    char folder[1024];
    int code = crowd_read_chain(arguments[0], &flood->chain, error);

    snprintf(folder, sizeof folder, "%s/partners", arguments[0]);
    if (!code)
        code = publisher_init(&flood->partner, flood->chain.network, NUMBER, folder, error);
    if (!code)
        code = contents_read(arguments[1], &flood->contents, error);
    if (!code)
        code = feeder_open(arguments[0], &flood->contents, &flood->feeder, error);
    if (!code)
        code = feeder_wait_partners(&flood->feeder, known + 1, drive_now() + WAIT_NS, error);
    if (!code)
        code = make_messages(flood, error);
    if (code)
        return code;
    last = identity_chain_get(&flood->chain, flood->chain.count);
    flood->context = zmq_ctx_new();
    flood->socket =
        crowd_dial_sync(flood->context, &flood->partner, &last->transport_key, arguments[2], error);
    return flood->socket ? ERROR_NONE : (int)error->code;
}

static void read_answers(struct flood *flood)
{
    zmq_msg_t message;

    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, flood->socket, ZMQ_DONTWAIT) >= 0) {
        flood->received++;
        flood->received_bytes += zmq_msg_size(&message);
    }
    zmq_msg_close(&message);
}

static void run(struct flood *flood)
{
    while (!over) {
        const struct buffer *message = &flood->messages[flood->sent % 4];
        zmq_pollitem_t either = {.socket = flood->socket, .events = ZMQ_POLLIN | ZMQ_POLLOUT};

        if (zmq_send(flood->socket, message->data, message->size, ZMQ_DONTWAIT) >= 0)
            flood->sent++;
        else
            zmq_poll(&either, 1, 100);
        read_answers(flood);
    }
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = stop};
    struct flood flood = {0};
    uint64_t known = 0;
    const struct drive_option options[] = {{"--known", &known, NULL}, {NULL, NULL, NULL}};
    const char *arguments[3];
    struct error error = {0};
    int code = drive_start(argc, argv, options, arguments, 3, &error);

    sigaction(SIGTERM, &action, NULL);
    if (!code)
        code = prepare(&flood, arguments, known, &error);
    if (!code) {
        puts("flooding");
        fflush(stdout);
        run(&flood);
        printf("{\"info\": {\"sent\": %" PRIu64 ", \"received\": %" PRIu64
               ", \"received_bytes\": %" PRIu64 "}}\n",
               flood.sent, flood.received, flood.received_bytes);
    }
    if (flood.socket)
        zmq_close(flood.socket);
    if (flood.context)
        zmq_ctx_term(flood.context);
    for (size_t i = 0; i < 4; i++)
        buffer_finish(&flood.messages[i]);
    feeder_finish(&flood.feeder);
    contents_finish(&flood.contents);
    publisher_finish(&flood.partner);
    identity_chain_finish(&flood.chain);
    return drive_end(argv[0], code, &error);
}
