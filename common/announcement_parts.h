/* What the announcement's own files share; nobody else includes it. */
#ifndef COMMON_ANNOUNCEMENT_PARTS_H
#define COMMON_ANNOUNCEMENT_PARTS_H

#include "common/announcement.h"

/* Does the text fit? expected is filled when it does not. message is the one that holds it. */
bool announcement_format_fits(enum announcement_format format, const char *text,
                              const ProtobufCMessage *message, char *expected, size_t size);
/* The code for what a person wrote ("China": CN); the text itself when there is none or no need. */
const char *announcement_format_code(enum announcement_format format, const char *text);

/* Rules between the fields of one message (an end before its start, …). */
typedef void (*announcement_report)(void *context, const ProtobufCMessage *message,
                                    const ProtobufCFieldDescriptor *field,
                                    enum problem_severity severity, const char *text);
void announcement_cross(const ProtobufCMessage *message, announcement_report report, void *context);

/* What makes an e-mail address look like a person's ("an address that …"); NULL: nothing does. A
 * guess. */
const char *announcement_personal_email(const char *email);

/* The day of the last deadline, over all sides; false when none is stated, or it goes on all the
 * time. */
bool announcement_last_deadline(const Caravan__Announcement *announcement, struct moment_date *day);
bool announcement_is_texts(const ProtobufCFieldDescriptor *field);
/* false when there is no such day. date may be NULL. */
bool announcement_date(const Caravan__Date *date, struct moment_date *out);
/* false when its date does not exist. */
bool announcement_instant(const Caravan__Instant *instant, struct moment_instant *out);

#endif
