/* peer_mosquitto: Mosquitto with QoS 1, over a persistent session, by the fastest client we could
 * write: MQTT 3.1.1 on a bare socket, packets written and acknowledgements sent in batches. With
 * libmosquitto (peer_libmosquitto.c), which takes a lock and a system call for each, the same
 * broker is half as fast.
 *
 * usage: peer_mosquitto live    PORT PID CONTENTS COUNT WINDOW
 *        peer_mosquitto queued  PORT PID CONTENTS COUNT WINDOW
 *        peer_mosquitto latency PORT PID CONTENTS COUNT RATE
 *
 * live: one publisher, one subscriber, until the subscriber has all and all are acknowledged.
 * queued: the same number is published while the subscriber is away; measured from its coming back.
 * PID: of the broker, whose CPU time is counted. */
#include "tests/bench/tools.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOPIC "announcements"
#define BATCH 100 /* messages in one write, at most half the window */

#define PAUSE_US 500 /* the best of 0, 50, 200, 500 and 1,000 on the machine that we had */

enum { CONNECT = 0x10, PUBLISH = 0x30, PUBLISH_QOS1 = 0x32, PUBACK = 0x40, SUBSCRIBE = 0x82 };

/* One session's connection; `in` holds bytes that were received and not yet taken. */
struct session {
    int fd;
    uint8_t *in;
    size_t begin, end, room;
};

static struct contents contents;
static uint64_t wanted;
static int port;

/* The subscriber's, until it has ended. */
static struct arrivals arrivals;
static int64_t *due; /* latency only */
static double *ms;

static void send_all(struct session *session, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(session->fd, (const uint8_t *)bytes + done, size - done, MSG_NOSIGNAL);

        TOOLS_MUST(n > 0);
        done += (size_t)n;
    }
}

/* Receives what there is, at least one byte. Where only the rate counts it lets a little come
 * together first: a reader that sleeps costs the broker a wake-up for each packet. */
static void receive(struct session *session)
{
    ssize_t n;

    if (!due)
        usleep(PAUSE_US);

    memmove(session->in, session->in + session->begin, session->end - session->begin);
    session->end -= session->begin;
    session->begin = 0;
    n = recv(session->fd, session->in + session->end, session->room - session->end, 0);
    TOOLS_MUST(n > 0);
    session->end += (size_t)n;
}

/* The next whole packet that was received: its type; body and size behind the length. 0: none. */
static int next_packet(struct session *session, const uint8_t **body, size_t *size)
{
    const uint8_t *at = session->in + session->begin;
    size_t left = session->end - session->begin, length = 0, used = 1;

    do {
        if (used >= left)
            return 0;
        length |= (size_t)(at[used] & 127) << (7 * (used - 1));
    } while (at[used++] & 128);
    if (left - used < length)
        return 0;
    *body = at + used;
    *size = length;
    session->begin += used + length;
    return at[0];
}

static int wait_packet(struct session *session, const uint8_t **body, size_t *size)
{
    int type;

    while (!(type = next_packet(session, body, size)))
        receive(session);
    return type;
}

static size_t put_text(uint8_t *out, const char *text)
{
    size_t size = strlen(text);

    out[0] = (uint8_t)(size >> 8);
    out[1] = (uint8_t)size;
    memcpy(out + 2, text, size);
    return size + 2;
}

/* The session of this name outlives the connection. */
static struct session open_session(const char *name)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct session session = {.fd = socket(AF_INET, SOCK_STREAM, 0), .room = 1 << 20};
    uint8_t packet[64] = {CONNECT, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, 0}; /* no keep-alive */
    const uint8_t *body;
    int one = 1;
    size_t size;

    session.in = malloc(session.room);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    TOOLS_MUST(session.in && session.fd >= 0);
    TOOLS_MUST(connect(session.fd, (struct sockaddr *)&to, sizeof to) == 0);
    TOOLS_MUST(setsockopt(session.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    size = 12 + put_text(packet + 12, name);
    packet[1] = (uint8_t)(size - 2);
    send_all(&session, packet, size);
    TOOLS_MUST(wait_packet(&session, &body, &size) == 0x20 && size == 2 && body[1] == 0);
    return session;
}

static void subscribe(struct session *session)
{
    uint8_t packet[64] = {SUBSCRIBE, 0, 0, 1};
    const uint8_t *body;
    size_t size = 4 + put_text(packet + 4, TOPIC);

    packet[size++] = 1; /* QoS */
    packet[1] = (uint8_t)(size - 2);
    send_all(session, packet, size);
    TOOLS_MUST(wait_packet(session, &body, &size) == 0x90 && size == 3 && body[2] == 1);
}

static void close_session(struct session *session)
{
    send_all(session, "\xe0\0", 2);
    close(session->fd);
    free(session->in);
}

/* --- publishing ------------------------------------------------------------------------------- */

static uint16_t packet_id(uint64_t number)
{
    return (uint16_t)(number % 65535 + 1);
}

/* Appends one PUBLISH; returns its size. */
static size_t put_publish(uint8_t *out, uint64_t number)
{
    static uint8_t content[TOOLS_CONTENT_MAX];
    size_t size = tools_content(&contents, number, content), at = 0;
    size_t length = 2 + strlen(TOPIC) + 2 + size;

    out[at++] = PUBLISH_QOS1;
    for (; length >= 128; length >>= 7)
        out[at++] = (uint8_t)(length | 128);
    out[at++] = (uint8_t)length;
    at += put_text(out + at, TOPIC);
    out[at++] = (uint8_t)(packet_id(number) >> 8);
    out[at++] = (uint8_t)packet_id(number);
    memcpy(out + at, content, size);
    return at + size;
}

/* Waits until so many are acknowledged. */
static void wait_acknowledged(struct session *session, uint64_t *acknowledged, uint64_t until)
{
    const uint8_t *body;
    size_t size;

    while (*acknowledged < until) {
        TOOLS_MUST(wait_packet(session, &body, &size) == PUBACK && size == 2);
        TOOLS_MUST(body[0] << 8 == (packet_id(*acknowledged) & 0xff00) &&
                   body[1] == (packet_id(*acknowledged) & 0xff));
        ++*acknowledged;
    }
}

static void publish_all(struct session *session, uint64_t window)
{
    uint8_t *out = malloc(BATCH * (TOOLS_CONTENT_MAX + 64));
    uint64_t acknowledged = 0, batch = window / 2 < BATCH ? window / 2 : BATCH;

    TOOLS_MUST(out);
    for (uint64_t i = 0; i < wanted;) {
        size_t size = 0;

        for (uint64_t n = 0; n < batch && i < wanted; n++)
            size += put_publish(out + size, i++);
        send_all(session, out, size);
        if (i > window - batch)
            wait_acknowledged(session, &acknowledged, i - (window - batch));
    }
    wait_acknowledged(session, &acknowledged, wanted);
    free(out);
}

static void publish_steadily(struct session *session, uint64_t rate)
{
    static uint8_t out[TOOLS_CONTENT_MAX + 64];
    int64_t start = tools_now_ns();
    uint64_t acknowledged = 0;

    for (uint64_t i = 0; i < wanted; i++) {
        due[i] = start + (int64_t)(i * 1000000000 / rate);
        tools_sleep_until(due[i]);
        send_all(session, out, put_publish(out, i));
        if (i >= rate) /* a second's worth may be under way */
            wait_acknowledged(session, &acknowledged, i - rate);
    }
    wait_acknowledged(session, &acknowledged, wanted);
}

/* --- subscribing ------------------------------------------------------------------------------ */

/* Takes one PUBLISH; its packet id is behind the topic. */
static void take(const uint8_t *body, size_t size, uint8_t *acknowledgement)
{
    size_t topic = (size_t)body[0] << 8 | body[1];
    const uint8_t *content = body + 2 + topic + 2;
    size_t length = size - 2 - topic - 2;
    uint64_t number = tools_message_number(content, length);

    if (due && number < wanted && arrivals.next < wanted)
        ms[arrivals.next] = (double)(tools_now_ns() - due[number]) / 1e6;
    arrivals_add(&arrivals, content, length);
    acknowledgement[0] = PUBACK;
    acknowledgement[1] = 2;
    memcpy(acknowledgement + 2, content - 2, 2);
}

/* Until all have come and are acknowledged; one write acknowledges all that one read has brought.
 */
static void *take_all(void *argument)
{
    struct session *session = argument;
    static uint8_t out[1 << 18]; /* for the packets that fit into 1 MiB */
    const uint8_t *body;
    size_t size;
    int type;

    while (arrivals.next < wanted) {
        size_t answer = 0;

        receive(session);
        while (answer + 4 <= sizeof out && (type = next_packet(session, &body, &size))) {
            TOOLS_MUST((type & 0xf6) == PUBLISH_QOS1); /* whatever its DUP and RETAIN */
            take(body, size, out + answer);
            answer += 4;
        }
        send_all(session, out, answer);
    }
    return argument;
}

int main(int argc, char **argv)
{
    struct session publisher, subscriber;
    bool queued, latency;
    pthread_t thread;
    int64_t start;
    double cpu;
    uint64_t last;
    long pid;

    if (argc != 7)
        tools_die("usage: peer_mosquitto live|queued|latency PORT PID CONTENTS COUNT LAST");
    queued = strcmp(argv[1], "queued") == 0;
    latency = strcmp(argv[1], "latency") == 0;
    port = (int)tools_number(argv[2]);
    pid = tools_number(argv[3]);
    contents = tools_contents(argv[4]);
    wanted = (uint64_t)tools_number(argv[5]);
    last = (uint64_t)tools_number(argv[6]);
    ms = calloc(wanted, sizeof *ms);
    if (latency)
        due = calloc(wanted, sizeof *due);
    TOOLS_MUST(ms && wanted > 0 && last >= 2 && last < 65535 && (!latency || due));

    subscriber = open_session("subscriber");
    subscribe(&subscriber);
    publisher = open_session("publisher");
    if (queued) {
        close_session(&subscriber);
        publish_all(&publisher, last);
    }
    cpu = tools_cpu_seconds(pid);
    start = tools_now_ns();
    if (queued)
        subscriber = open_session("subscriber");
    TOOLS_MUST(pthread_create(&thread, NULL, take_all, &subscriber) == 0);
    if (latency)
        publish_steadily(&publisher, last);
    else if (!queued)
        publish_all(&publisher, last);
    pthread_join(thread, NULL);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(pid) - cpu;
    close_session(&subscriber);
    close_session(&publisher);
    if (latency)
        tools_print_latency(ms, wanted, &arrivals, wanted);
    else
        tools_print_rate(&arrivals, wanted, start, cpu);
    return 0;
}
