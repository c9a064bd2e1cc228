#include "tests/support/vectors.h"

#include "common/codec.h"
#include "common/wire.h"
#include "node/core/view_sides.h"
#include "node/ledger/ledger.h"
#include "proto/answer.pb-c.h"
#include "tests/support/joint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define INSTITUTIONS 4
#define STEPS_MAX 40

/* Institution 1 publishes, 2 and 3 are its sides, 4 is none. */
struct scene {
    struct store writer, reader;
    struct view *view;
    struct institution who[INSTITUTIONS + 1]; /* from 1 */
    struct id hashes[STEPS_MAX + 1];          /* of the entries, by step, from 1 */
    uint64_t seqs[STEPS_MAX + 1];
    int steps;
    struct buffer *out;
};

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "vectors: %s failed\n", what);
    abort();
}

static void put_hex(struct buffer *out, const char *name, struct span value)
{
    char *hex = malloc(2 * value.size + 1);

    must(hex != NULL, "memory");
    bytes_to_hex(value.data, value.size, hex);
    must(buffer_printf(out, "%s = %s\n", name, hex), "memory");
    free(hex);
}

/* --- the reader --------------------------------------------------------------------------------
 */

static void scene_init(struct scene *scene, struct buffer *out)
{
    static const char *const handles[] = {"", "cn-one", "th-two", "ru-three", "za-four"};
    char country[3] = "";

    *scene = (struct scene){.out = out};
    must(ledger_memory_create(&scene->writer, NULL) == ERROR_NONE, "making a ledger");
    must(ledger_memory_open_reader(&scene->writer, &scene->reader, NULL) == ERROR_NONE,
         "opening a ledger");
    for (uint8_t i = 1; i <= INSTITUTIONS; i++) {
        char name[32];

        institution_init(&scene->who[i], i);
        country[0] = (char)(handles[i][0] - 'a' + 'A');
        country[1] = (char)(handles[i][1] - 'a' + 'A');
        announcements_join(&scene->writer, &scene->who[i], handles[i], country);
        snprintf(name, sizeof name, "sides.feed.%d", i);
        put_hex(out, name, span_of_id(&scene->who[i].head.feed));
    }
    must(view_create(&scene->reader, &scene->who[INSTITUTIONS].head.feed, false, &scene->view,
                     NULL) == ERROR_NONE,
         "making a view");
}

static void scene_finish(struct scene *scene)
{
    view_destroy(scene->view);
    scene->reader.operations->destroy(scene->reader.self);
    scene->writer.operations->destroy(scene->writer.self);
    for (int i = 1; i <= INSTITUTIONS; i++)
        institution_finish(&scene->who[i]);
}

static int visit_signed(void *context, const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;
    struct buffer *out = context;

    must(wire_put_bytes(out, 1, entry->bytes) && wire_put_bytes(out, 2, entry->signature) &&
             wire_put_bytes(out, 3, entry->salt) && wire_put_bytes(out, 4, entry->content),
         "memory");
    return 1;
}

static void put_entry(struct scene *scene, const struct institution *speaker)
{
    struct buffer bytes = {0};
    char name[32];

    must(scene->reader.operations->entries(scene->reader.self, &speaker->head.feed,
                                           speaker->head.seq, speaker->head.seq, visit_signed,
                                           &bytes, NULL) == ERROR_NONE,
         "reading an entry");
    snprintf(name, sizeof name, "sides.%02d.entry", scene->steps);
    put_hex(scene->out, name, buffer_span(&bytes));
    buffer_finish(&bytes);
}

/* --- what it shows -----------------------------------------------------------------------------
 */

struct shown {
    struct scene *scene;
    struct buffer sides;
    uint64_t outcomes[INSTITUTIONS + 1]; /* seq of the one of each institution; 0: none */
};

static int show_side(void *context, const struct view_side *side)
{
    struct shown *shown = context;
    struct buffer *line = &shown->sides;

    buffer_printf(line, "%s%s", line->size ? "; " : "", view_side_state_name(side->state));
    if (side->revision)
        buffer_printf(line, " %" PRIu64, side->revision);
    if (side->by_seq)
        buffer_printf(line, " by %" PRIu64, side->by_seq);
    if (side->proposal_seq)
        buffer_printf(line, ", proposal %" PRIu64, side->proposal_seq);
    if (side->refused_seq)
        buffer_printf(line, " refused by %" PRIu64, side->refused_seq);
    return 0;
}

static int show_sides(void *context, const struct view_state *state)
{
    struct shown *shown = context;

    must(view_sides(shown->scene->view, state, show_side, shown, NULL) == ERROR_NONE, "sides");
    return 1;
}

static int show_outcome(void *context, const struct view_state *state)
{
    struct shown *shown = context;

    for (int i = 1; state->content_type == TYPE(OUTCOME) && i <= INSTITUTIONS; i++)
        if (id_equal(&state->speaker, &shown->scene->who[i].head.feed))
            shown->outcomes[i] = state->event_seq;
    return 0;
}

static void put_outcomes(const struct shown *shown)
{
    struct buffer line = {0};

    for (int i = 1; i <= INSTITUTIONS; i++)
        if (shown->outcomes[i])
            buffer_printf(&line, "%s%d by %" PRIu64, line.size ? "; " : "", i, shown->outcomes[i]);
    must(buffer_printf(shown->scene->out, "sides.%02d.outcomes = %s\n", shown->scene->steps,
                       line.size ? buffer_text(&line) : "none"),
         "memory");
    buffer_finish(&line);
}

static void put_shown(struct scene *scene)
{
    const struct id *feed = &scene->who[1].head.feed;
    struct shown shown = {.scene = scene};

    must(view_update(scene->view, NULL) == ERROR_NONE &&
             view_show(scene->view, feed, 3, show_sides, &shown, NULL) == ERROR_NONE &&
             view_sides_said(scene->view, feed, 3, show_outcome, &shown, NULL) == ERROR_NONE,
         "showing");
    must(buffer_printf(scene->out, "sides.%02d.shows = %s\n", scene->steps,
                       buffer_text(&shown.sides)),
         "memory");
    put_outcomes(&shown);
    buffer_finish(&shown.sides);
}

/* --- contents ----------------------------------------------------------------------------------
 */

static void put_name(const struct scene *scene, Caravan__AnnouncementName *name)
{
    caravan__announcement_name__init(name);
    name->has_feed = name->has_seq = 1;
    name->feed.data = (uint8_t *)(uintptr_t)scene->who[1].head.feed.bytes;
    name->feed.len = sizeof scene->who[1].head.feed.bytes;
    name->seq = 3;
}

/* The call with these days as deadlines; without its third party when that has none. */
static void write_call(struct scene *scene, const char *title, const unsigned days[3],
                       struct buffer *out)
{
    struct institution *sides[] = {&scene->who[1], &scene->who[2], &scene->who[3]};

    joint_write(title, sides, days, days[2] ? 3 : 2, out);
}

static void pack_confirmation(Caravan__AnnouncementName *name, const struct id *hash, bool declined,
                              struct buffer *out)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;

    confirmation.announcement = name;
    confirmation.has_entry_hash = 1;
    confirmation.entry_hash.data = (uint8_t *)(uintptr_t)hash->bytes;
    confirmation.entry_hash.len = sizeof hash->bytes;
    confirmation.has_declined = confirmation.declined = declined;
    must(codec_pack(&confirmation.base, out), "packing");
}

static void write_confirmation(const struct scene *scene, const struct id *hash, bool declined,
                               struct buffer *out)
{
    Caravan__AnnouncementName name;

    put_name(scene, &name);
    pack_confirmation(&name, hash, declined, out);
}

/* What is said of a proposal, which a side made at a step. */
static void write_word(const struct scene *scene, int side, int proposal, const struct id *hash,
                       bool declined, struct buffer *out)
{
    Caravan__AnnouncementName name;

    put_name(scene, &name);
    name.feed.data = (uint8_t *)(uintptr_t)scene->who[side].head.feed.bytes;
    name.seq = scene->seqs[proposal];
    pack_confirmation(&name, hash, declined, out);
}

static void write_proposal(const struct scene *scene, int side, unsigned day, const struct id *hash,
                           struct buffer *out)
{
    Caravan__LocalizedText reason = CARAVAN__LOCALIZED_TEXT__INIT, *reasons[] = {&reason};
    struct buffer bare = {0};
    Caravan__Proposal *proposal;

    joint_proposal(&scene->who[1], 3, &scene->who[side], day, &bare);
    proposal = caravan__proposal__unpack(NULL, bare.size, bare.data);
    must(proposal != NULL, "unpacking");
    reason.lang = TEXT("en");
    reason.text = TEXT("our holidays");
    proposal->has_entry_hash = 1;
    proposal->entry_hash.data = (uint8_t *)(uintptr_t)hash->bytes;
    proposal->entry_hash.len = sizeof hash->bytes;
    proposal->n_reason = 1;
    proposal->reason = reasons;
    must(codec_pack(&proposal->base, out), "packing");
    proposal->entry_hash = (ProtobufCBinaryData){0, NULL};
    proposal->n_reason = 0;
    proposal->reason = NULL;
    caravan__proposal__free_unpacked(proposal, NULL);
    buffer_finish(&bare);
}

static void write_outcome(const struct scene *scene, Caravan__OutcomeWhat what, uint32_t number,
                          struct buffer *out)
{
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    Caravan__AnnouncementName name;

    put_name(scene, &name);
    text.lang = TEXT("en");
    text.text = TEXT("projects begin in May");
    outcome.announcement = &name;
    outcome.has_what = 1;
    outcome.what = what;
    outcome.has_number = number != 0;
    outcome.number = number;
    outcome.n_text = 1;
    outcome.text = texts;
    must(codec_pack(&outcome.base, out), "packing");
}

static void write_interest(const struct scene *scene, struct buffer *out)
{
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};
    Caravan__LocalizedText called = CARAVAN__LOCALIZED_TEXT__INIT, *names[] = {&called};
    Caravan__Interest interest = CARAVAN__INTEREST__INIT;
    Caravan__Party from = CARAVAN__PARTY__INIT;
    Caravan__AnnouncementName name;

    put_name(scene, &name);
    text.lang = called.lang = TEXT("en");
    text.text = TEXT("We would like to take part.");
    called.text = TEXT("Institute of Tests");
    from.has_node_id = 1;
    from.node_id.data = (uint8_t *)(uintptr_t)scene->who[4].head.feed.bytes;
    from.node_id.len = sizeof scene->who[4].head.feed.bytes;
    from.n_name = 1;
    from.name = names;
    from.country = TEXT("ZA");
    interest.announcement = &name;
    interest.language = TEXT("en");
    interest.from = &from;
    interest.n_kind_of_cooperation = 1;
    interest.kind_of_cooperation = texts;
    must(codec_pack(&interest.base, out), "packing");
}

/* --- steps -------------------------------------------------------------------------------------
 */

/* The next entry of an institution; what is then shown. Finishes the content. */
static int step_as(struct scene *scene, int who, uint32_t type, struct buffer *content,
                   uint32_t min_reader)
{
    struct institution *speaker = &scene->who[who];

    must(++scene->steps <= STEPS_MAX, "so many steps");
    scene->seqs[scene->steps] = announcements_keep_as(&scene->writer, speaker, type,
                                                      buffer_span(content), min_reader, true);
    scene->hashes[scene->steps] = speaker->head.hash;
    put_entry(scene, speaker);
    put_shown(scene);
    buffer_finish(content);
    *content = (struct buffer){0};
    return scene->steps;
}

static int step(struct scene *scene, int who, uint32_t type, struct buffer *content)
{
    return step_as(scene, who, type, content, 1);
}

static int revise(struct scene *scene, const char *title, unsigned second, unsigned third)
{
    const unsigned days[] = {1, second, third};
    struct buffer call = {0}, revision = {0};

    write_call(scene, title, days, &call);
    announcements_revision(3, buffer_span(&call), &revision);
    buffer_finish(&call);
    return step(scene, 1, TYPE(REVISION), &revision);
}

static void confirm(struct scene *scene, int who, int revision, bool declined)
{
    struct buffer content = {0};

    write_confirmation(scene, &scene->hashes[revision], declined, &content);
    step(scene, who, TYPE(CONFIRMATION), &content);
}

static int propose(struct scene *scene, int who, int side, unsigned day, int revision)
{
    struct buffer content = {0};

    write_proposal(scene, side, day, &scene->hashes[revision], &content);
    return step(scene, who, TYPE(PROPOSAL), &content);
}

static void take_back(struct scene *scene, int who, uint64_t seq)
{
    struct buffer content = {0};

    announcements_withdrawal(seq, "", &content);
    step(scene, who, TYPE(WITHDRAWAL), &content);
}

static void say_outcome(struct scene *scene, int who, Caravan__OutcomeWhat what, uint32_t number)
{
    struct buffer content = {0};

    write_outcome(scene, what, number, &content);
    step(scene, who, TYPE(OUTCOME), &content);
}

/* A revision takes every confirmation with it, and X, Y, X revives none. */
static int confirmations(struct scene *scene)
{
    const unsigned days[] = {1, 2, 3};
    struct buffer content = {0};
    int again;

    write_call(scene, "X", days, &content);
    step(scene, 1, TYPE(ANNOUNCEMENT), &content);
    confirm(scene, 2, 1, false);
    confirm(scene, 4, 1, false); /* it is no side */
    revise(scene, "Y", 2, 3);
    again = revise(scene, "X", 2, 3);
    confirm(scene, 2, again, false);
    confirm(scene, 2, 1, false); /* the newest entry counts, also when it names an older text */
    write_confirmation(scene, &scene->who[4].head.feed, false, &content); /* the hash of nothing */
    step(scene, 3, TYPE(CONFIRMATION), &content);
    confirm(scene, 3, again, true); /* the last step */
    return again;
}

static void proposals(struct scene *scene, int revision)
{
    int open, newest;

    propose(scene, 2, 2, 20, revision);
    propose(scene, 2, 2, 25, revision);
    revise(scene, "X", 20, 3); /* the older one is taken over: the newer stays open */
    newest = revise(scene, "X", 25, 3);
    propose(scene, 2, 2, 8, newest);
    open = propose(scene, 2, 2, 9, newest);
    take_back(scene, 2, scene->seqs[open]); /* the older one does not come back */
    propose(scene, 3, 2, 9, newest);        /* for another side */
    propose(scene, 1, 1, 9, newest);        /* the publisher revises */
}

static void odd_ones(struct scene *scene, int revision, int refusal)
{
    struct buffer content = {0};

    must(buffer_append(&content, "\xff\xff\xff\x01", 4), "memory");
    step(scene, 3, TYPE(CONFIRMATION), &content);
    write_confirmation(scene, &scene->hashes[revision], false, &content);
    step_as(scene, 3, TYPE(CONFIRMATION), &content, 2);
    take_back(scene, 3, scene->seqs[refusal]); /* without effect */
}

static void endings(struct scene *scene)
{
    say_outcome(scene, 1, CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED, 12);
    say_outcome(scene, 3, CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_CLOSED, 0);
    say_outcome(scene, 4, CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_CLOSED, 0); /* it is no side */
    say_outcome(scene, 1, CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED, 13);
    revise(scene, "X", 25, 0); /* the third is no side any more */
    take_back(scene, 1, 3);
}

static void answer(struct scene *scene, int who, int proposal, int hash_of, bool declined)
{
    struct buffer content = {0};

    write_word(scene, 2, proposal, &scene->hashes[hash_of], declined, &content);
    step(scene, who, TYPE(CONFIRMATION), &content);
}

/* What the publisher says of proposals; returns the step of the last one. */
static int refusals(struct scene *scene, int revision)
{
    int first = propose(scene, 2, 2, 9, revision), second;

    answer(scene, 4, first, first, true);    /* it is not the publisher */
    answer(scene, 1, first, revision, true); /* another entry's hash */
    answer(scene, 1, first, first, true);
    answer(scene, 1, first, first, false); /* the newest word counts */
    second = propose(scene, 2, 2, 9, revision);
    answer(scene, 1, first, first, true); /* the older proposal */
    answer(scene, 1, second, second, true);
    return second;
}

static void put_contents(struct scene *scene, int proposal)
{
    const unsigned days[] = {1, 2, 3};
    struct buffer content = {0};

#define PUT(name)                                                                                  \
    put_hex(scene->out, "joint." name, buffer_span(&content));                                     \
    buffer_clear(&content)
    write_call(scene, "X", days, &content);
    PUT("announcement");
    write_confirmation(scene, &scene->hashes[1], false, &content);
    PUT("confirmation");
    write_confirmation(scene, &scene->hashes[1], true, &content);
    PUT("refusal");
    write_proposal(scene, 2, 20, &scene->hashes[1], &content);
    PUT("proposal");
    write_word(scene, 2, proposal, &scene->hashes[proposal], true, &content);
    PUT("proposal_refused");
    write_outcome(scene, CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED, 12, &content);
    PUT("outcome");
    write_interest(scene, &content);
    PUT("interest");
#undef PUT
    buffer_finish(&content);
}

void vectors_write_sides(struct buffer *out)
{
    struct scene scene;
    int revision, refusal, proposal;

    must(buffer_append_text(out,
                            "\n# a joint announcement, No. 3 of institution 1, with 2 and 3 as "
                            "its sides: entries as\n# they arrive, and what is then shown\n"),
         "memory");
    scene_init(&scene, out);
    revision = confirmations(&scene);
    refusal = scene.steps;
    proposals(&scene, revision);
    odd_ones(&scene, revision, refusal);
    endings(&scene);
    proposal = refusals(&scene, revision);
    must(buffer_append_text(out, "\n# contents: a joint announcement, what is said of it, and an "
                                 "answer (which would be sealed)\n"),
         "memory");
    put_contents(&scene, proposal);
    scene_finish(&scene);
}
