#include "common/live_message.h"

#include "common/limits.h"

#include <string.h>

bool live_message_append(struct buffer *out, const char *topic, struct span payload)
{
    size_t size = strlen(topic);

    return size <= LIMIT_TOPIC_SIZE && buffer_append(out, topic, size + 1) &&
           buffer_append(out, payload.data, payload.size);
}

bool live_message_parse(struct span frame, struct span *topic, struct span *payload)
{
    size_t most = frame.size < LIMIT_TOPIC_SIZE + 1 ? frame.size : LIMIT_TOPIC_SIZE + 1;
    const uint8_t *end = most ? memchr(frame.data, 0, most) : NULL;
    size_t size;

    if (!end)
        return false;
    size = (size_t)(end - frame.data);
    *topic = span_of(frame.data, size);
    *payload = span_of(end + 1, frame.size - size - 1);
    return true;
}
