/* socket: every ZeroMQ socket of the node is made here, so that its options are set in one place
 * and before bind or connect: changing them later is unsafe in libzmq 4.3.4. Threads: a socket
 * belongs to one thread at a time. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/secret.h"

#include <zmq.h>

/* CURVE adds 33 bytes to a frame; MAXMSGSIZE counts them. */
#define SOCKET_CURVE_OVERHEAD 64

struct socket_settings {
    int type;
    const struct secret *key;      /* own CURVE key; NULL: no CURVE (inproc and ipc only) */
    const struct id *server;       /* whom we dial; NULL with a key: we are the server */
    const char *domain;            /* server: the service's name, told to the gate */
    bool lax;                      /* planted by tests: strangers get in when no gate is bound */
    bool ipv6;                     /* besides IPv4 */
    int64_t max_size;              /* of one frame received */
    int send_queue, receive_queue; /* messages; 0 = no limit */
};

/* Makes the routing ids that libzmq chooses unpredictable; once per process, before the first
 * socket. They count up from rand(), which nobody seeds. A peer that took the id of a connection to
 * come as its own would end the process: libzmq 4.3.4 asserts that the id it has chosen is free.
 * With a random start and a limit on connections (node/net/gate.h) that takes months of guessing.
 */
void socket_seed(void);

/* ERROR_IO names the option or the resource that failed. */
int socket_open(void *context, const struct socket_settings *settings, void **out,
                struct error *error);
/* Sets *socket to NULL; NULL inside is fine. */
void socket_close(void **socket);

/* One whole message of at most two frames; further frames are read and thrown away. */
struct socket_message {
    zmq_msg_t frames[2]; /* frames[0 … count - 1] are to be closed by socket_message_finish */
    size_t count;        /* how many frames the message really had; may be more than 2 */
};
/* false when there is none. */
bool socket_receive(void *socket, struct socket_message *out);
void socket_message_finish(struct socket_message *message);
struct span socket_frame(struct socket_message *message, size_t index);

/* Sends the message as the last frame, without waiting. Nothing is sent in several frames but what
 * starts with a route, which stays here: see common/live_message.h. A large one is handed over, not
 * copied, and *message is then empty, also on failure (false, with errno); a small one is the
 * caller's still. It does not fail for want of room behind socket_can_send or a first frame that
 * was taken. */
bool socket_send(void *socket, struct buffer *message);
bool socket_can_send(void *socket);

/* The CURVE key that the gate let in, from a frame that came over the network. false: none, so the
 * sender is not authenticated. */
bool socket_sender(struct socket_message *message, size_t index, struct id *key);

/* Milliseconds of a clock that never jumps. */
uint64_t socket_now_ms(void);

#endif
