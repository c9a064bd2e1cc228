/* live_message: a message of the live service as it is on the wire (proto/PROTOCOL.md, "Live"):
 * topic, a zero byte, payload, in one ZeroMQ frame. One frame, because libzmq 4.3.4 ends the
 * process when a socket is closed while a peer that has taken one frame of two goes away
 * (session_base_t::clean_pipes). Threads: every function may be called from any thread. */
#ifndef LIVE_MESSAGE_H
#define LIVE_MESSAGE_H

#include "common/bytes.h"

/* Appends the message. false: the topic is longer than LIMIT_TOPIC_SIZE, or memory ran out; then
 * out may have got a part of it. */
bool live_message_append(struct buffer *out, const char *topic, struct span payload);
/* Both parts point into the frame. false: no zero byte after at most LIMIT_TOPIC_SIZE bytes. */
bool live_message_parse(struct span frame, struct span *topic, struct span *payload);

#endif
