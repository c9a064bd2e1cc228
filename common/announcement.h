/* announcement: what an announcement must and should say, and what follows from it.
 *
 * One table (announcement_rules.c) has a row for every field of the schema: help, level, limits,
 * vocabulary. The template of `new`, the problems of `check` and later the web form are made from
 * it. The rules bind when publishing; what others published is shown as far as it can be.
 *
 * Threads: no shared state. Dates are read with moment.h, zones with zone.h. */
#ifndef COMMON_ANNOUNCEMENT_H
#define COMMON_ANNOUNCEMENT_H

#include "common/codec.h"
#include "common/moment.h"
#include "proto/announcement.pb-c.h"
#include "proto/answer.pb-c.h"

enum announcement_level {
    ANNOUNCEMENT_OPTIONAL,
    ANNOUNCEMENT_EXPECTED, /* a warning without it, unless `not stated` names it */
    ANNOUNCEMENT_REQUIRED, /* refused without it */
};

/* What a text must be. */
enum announcement_format {
    ANNOUNCEMENT_ANY,
    ANNOUNCEMENT_COUNTRY,  /* ISO 3166-1 alpha-2 */
    ANNOUNCEMENT_CURRENCY, /* ISO 4217 */
    ANNOUNCEMENT_LANGUAGE, /* BCP 47 */
    ANNOUNCEMENT_ZONE,     /* IANA, UTC or an offset */
    ANNOUNCEMENT_URL,      /* http or https */
    ANNOUNCEMENT_EMAIL,
    ANNOUNCEMENT_PHONE, /* E.164 */
    ANNOUNCEMENT_ROR,
    ANNOUNCEMENT_ORCID,
    ANNOUNCEMENT_NACE,
    ANNOUNCEMENT_LICENCE,     /* SPDX */
    ANNOUNCEMENT_SCHEME_CODE, /* a code of the scheme beside it */
};

struct announcement_context;

struct announcement_rule {
    const char *message; /* the schema's names: "Announcement", "Party", … */
    const char *field;
    enum announcement_level level;
    const char *help;    /* one line, for people */
    const char *example; /* as written in YAML; NULL: none */
    const char *answers; /* further names in `not stated`, separated by '|' */
    enum announcement_format format;
    uint64_t min, max; /* of a number; max also: characters of a text, bytes; 0: the usual one */
    unsigned items;    /* at most so many in a list; 0: the usual one */
    /* The level holds only if this says so (NULL: always); else `otherwise`. */
    bool (*when)(const struct announcement_context *context);
    enum announcement_level otherwise;
};

/* Every field of the schema, grouped by message; ended by a row without a message. */
extern const struct announcement_rule announcement_rules[];
/* NULL when there is none: a field of another schema. */
const struct announcement_rule *announcement_rule_of(const ProtobufCMessageDescriptor *type,
                                                     const ProtobufCFieldDescriptor *field);
/* The fields of this type that the rules can require: bit i % 8 of byte i / 8 for field i. NULL: a
 * type of another schema. */
const uint8_t *announcement_required_of(const ProtobufCMessageDescriptor *type);

/* Where a rule is asked. */
struct announcement_context {
    const Caravan__Announcement *announcement;
    const ProtobufCMessage *message; /* that has or lacks the field */
    const ProtobufCFieldDescriptor
        *inside; /* the field that the message stands in; NULL: outermost */
};

/* An announcement expires at most so many months ahead, or with its last deadline. */
#define ANNOUNCEMENT_VALID_MONTHS 24

/* Adds every problem: errors for what publishing refuses, warnings for what is expected. places
 * (may be NULL) tell where the fields stood in a text; fields that were read with an error are not
 * reported as missing. */
void announcement_check(const Caravan__Announcement *announcement, const struct moment_date *today,
                        const struct codec_places *places, struct problem_list *problems);

/* Before publishing: replaces countries, currencies and languages that are written in another way
 * by their codes ("cn", "China": CN), gives a field of science that is written by its name the code
 * of FORD ("mathematics": 1.1; the name stays), and fills in valid_until. What it adds lives in the
 * arena. ERROR_MEMORY only. */
int announcement_prepare(Caravan__Announcement *announcement, const struct moment_date *today,
                         struct arena *arena, struct error *error);

/* The last of these alone: valid_until, where it is absent; never before the last deadline. */
int announcement_fill_expiry(Caravan__Announcement *announcement, const struct moment_date *today,
                             struct arena *arena, struct error *error);
/* Is valid_until the day that would be filled in, were it absent? */
bool announcement_expiry_is_filled(const Caravan__Announcement *announcement,
                                   const struct moment_date *today);
/* Once something of an announcement has been changed: where what `before` says was filled in, or
 * did not end it early and would now, valid_until is filled in anew. It moves with what it was
 * taken from, and what somebody has chosen stays. ERROR_MEMORY only. */
int announcement_move_expiry(const Caravan__Announcement *before, Caravan__Announcement *after,
                             const struct moment_date *today, struct arena *arena,
                             struct error *error);
/* Does valid_until end it before its last deadline? */
bool announcement_expires_early(const Caravan__Announcement *announcement);

/* All steps for one file: read, prepare, check. 0 and *announcement when it may be published
 * (problems then holds warnings at most); ERROR_INVALID: problems says why; ERROR_MEMORY.
 * written (may be NULL) takes the message as it was before it was prepared: the same words give the
 * same bytes on every day. */
int announcement_read(struct span yaml, const struct moment_date *today, struct arena *arena,
                      Caravan__Announcement **announcement, struct buffer *written,
                      struct problem_list *problems);
/* The same, where institutions may be named by their handles (codec.h); names NULL: by feed ids. */
int announcement_read_with(struct span yaml, const struct codec_names *names,
                           const struct moment_date *today, struct arena *arena,
                           Caravan__Announcement **announcement, struct buffer *written,
                           struct problem_list *problems);

/* May this answer be sent? ERROR_INVALID with field, found and expected: it must say who answers
 * (name and country) and at least one of the three things that an answer is about; texts have the
 * limits of a description. */
int announcement_check_interest(const Caravan__Interest *interest, struct error *error);

/* Can a reader show this content? ERROR_INVALID with "field, rule" when it breaks the shape: kind
 * and details do not fit, or no title. Unknown kinds: ERROR_INVALID, too, with the number. */
int announcement_showable(const Caravan__Announcement *announcement, struct error *error);

enum announcement_state {
    ANNOUNCEMENT_FORTHCOMING,
    ANNOUNCEMENT_OPEN,
    ANNOUNCEMENT_CLOSED,
    ANNOUNCEMENT_PLANNED,
    ANNOUNCEMENT_CANCELLED,
    ANNOUNCEMENT_ARCHIVED,
};
/* From the dates at a moment (Unix time). A day without a zone ends when it has ended everywhere.
 */
enum announcement_state announcement_state_at(const Caravan__Announcement *announcement,
                                              int64_t now_ms);
const char *announcement_state_name(enum announcement_state state); /* "open" */

/* When one can apply, by the dates and the status: it is open from opens_ms on, and before ends_ms.
 * INT64_MIN, INT64_MAX: no date bounds it; ends_ms INT64_MIN: at no time. */
struct announcement_window {
    int64_t opens_ms, ends_ms;
    bool has_deadline; /* ends_ms is its last deadline, and no other date */
};
struct announcement_window announcement_window(const Caravan__Announcement *announcement);

/* The last moment to apply (Unix time, ms), over all sides; false when none is stated. */
bool announcement_closes(const Caravan__Announcement *announcement, int64_t *ms);

/* The text in a language (NULL: the authentic one), else in English, else the first; "" if none. */
const char *announcement_text(Caravan__LocalizedText *const *texts, size_t count,
                              const char *language);
const char *announcement_title(const Caravan__Announcement *announcement, const char *language);

/* "joint call" to the number; 0 when unknown. */
int announcement_kind(const char *name);

/* The commented YAML that `new` prints. Lines that begin with "#" and a key are meant to be filled
 * in and uncommented. false when memory runs out or the kind is unknown. */
bool announcement_template(int kind, struct buffer *out);

#endif
