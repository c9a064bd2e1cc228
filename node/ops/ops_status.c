/* status and coverage: how the exchange goes, what is wrong, and what to do about it. */
#include "node/ops/ops_parts.h"

#include "node/ops/ops_problems.h"

#include <stdlib.h>
#include <string.h>

static char *copy(struct arena *arena, const char *text)
{
    return arena_copy_text(arena, text, strlen(text));
}

/* --- partners --------------------------------------------------------------------------------- */

static const char *const link_names[EXCHANGE_LINK_KINDS] = {
    [EXCHANGE_LIVE_OUT] = "live out",
    [EXCHANGE_SYNC_OUT] = "sync out",
    [EXCHANGE_SYNC_IN] = "sync in",
};

static Caravan__LinkStatus *make_link(struct arena *arena, const struct exchange_link_state *state,
                                      const char *name)
{
    Caravan__LinkStatus *link = arena_alloc(arena, sizeof *link);

    if (!link)
        return NULL;
    caravan__link_status__init(link);
    link->kind = copy(arena, name);
    link->has_up = true;
    link->up = state->up;
    link->endpoint = state->endpoint[0] ? copy(arena, state->endpoint) : NULL;
    link->reason = !state->up && state->reason[0] ? copy(arena, state->reason) : NULL;
    link->has_since_ms = state->since_ms != 0;
    link->since_ms = state->since_ms;
    return link;
}

/* Only links that are up or were tried. */
static bool add_links(struct arena *arena, const struct exchange_feed_state *state,
                      Caravan__PartnerStatus *partner)
{
    partner->links = arena_alloc(arena, EXCHANGE_LINK_KINDS * sizeof *partner->links);
    if (!partner->links)
        return false;
    for (size_t i = 0; i < EXCHANGE_LINK_KINDS; i++) {
        const struct exchange_link_state *link = &state->links[i];

        if (!link->up && !link->since_ms && !link->reason[0])
            continue;
        partner->links[partner->n_links] = make_link(arena, link, link_names[i]);
        if (!partner->links[partner->n_links++])
            return false;
    }
    return true;
}

static Caravan__Coverage *make_coverage(struct arena *arena,
                                        const struct exchange_feed_state *state, uint64_t head)
{
    Caravan__Coverage *row = arena_alloc(arena, sizeof *row);

    if (!row)
        return NULL;
    caravan__coverage__init(row);
    row->has_feed = row->has_seq = row->has_missing = row->has_current = true;
    row->feed = ops_binary(arena, state->feed.bytes, sizeof state->feed.bytes);
    row->handle = copy(arena, state->handle);
    row->seq = state->received_known ? state->received_seq : 0;
    row->missing = state->received_missing;
    row->has_received_ms = state->received_known;
    row->received_ms = state->received_ms;
    row->current = state->received_known && state->received_seq >= head;
    return row;
}

static void set_identity(struct arena *arena, const struct exchange_feed_state *state,
                         Caravan__PartnerStatus *partner)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    identity_fingerprint(&state->feed, fingerprint);
    partner->has_feed = true;
    partner->feed = ops_binary(arena, state->feed.bytes, sizeof state->feed.bytes);
    partner->handle = copy(arena, state->handle);
    partner->fingerprint = copy(arena, fingerprint);
    partner->country = copy(arena, state->country);
    if (state->profile && state->profile->n_name > 0 && state->profile->name[0]->text)
        partner->name = copy(arena, state->profile->name[0]->text);
}

static Caravan__PartnerStatus *make_partner(struct arena *arena,
                                            const struct exchange_feed_state *state,
                                            const struct ops_aside *aside, uint64_t head)
{
    Caravan__PartnerStatus *partner = arena_alloc(arena, sizeof *partner);

    if (!partner)
        return NULL;
    caravan__partner_status__init(partner);
    set_identity(arena, state, partner);
    partner->has_seq = partner->has_stated_seq = partner->has_missing = true;
    partner->seq = state->head.seq;
    partner->stated_seq = state->stated_seq;
    partner->missing = state->missing;
    partner->has_as_of_ms = state->as_of_ms != 0;
    partner->as_of_ms = state->as_of_ms;
    partner->has_frozen = partner->has_exchanging = true;
    partner->frozen = state->frozen;
    partner->has_quarantined = state->quarantined != 0;
    partner->quarantined = state->quarantined;
    partner->has_quarantined_first = aside->first != 0;
    partner->quarantined_first = aside->first;
    partner->has_quarantined_ms = aside->since_ms != 0;
    partner->quarantined_ms = aside->since_ms;
    partner->exchanging = state->exchanging;
    partner->has_clock_skew_ms = state->clock_known;
    partner->clock_skew_ms = state->clock_skew_ms;
    partner->received = make_coverage(arena, state, head);
    return partner->received && add_links(arena, state, partner) ? partner : NULL;
}

/* --- status ----------------------------------------------------------------------------------- */

struct report {
    struct ops_context *context;
    struct arena arena;
    Caravan__StatusReply answer;
    struct ops_problems problems;
    size_t capacity;
    bool no_memory;
    struct error *error;
    int code;
};

/* An error is kept: the answer is then that. */
static void find_aside(struct report *report, const struct exchange_feed_state *state,
                       struct ops_aside *aside)
{
    const struct ops_context *context = report->context;

    if (state->quarantined && !report->code)
        report->code = ops_aside_find(&context->store, &state->feed, aside, report->error);
}

static bool add_partner(struct report *report, const struct exchange_feed_state *state,
                        const struct ops_aside *aside)
{
    Caravan__StatusReply *answer = &report->answer;

    if (answer->n_partners == report->capacity) {
        size_t capacity = report->capacity ? report->capacity * 2 : 16;
        Caravan__PartnerStatus **grown = realloc(answer->partners, capacity * sizeof *grown);

        if (!grown)
            return false;
        answer->partners = grown;
        report->capacity = capacity;
    }
    answer->partners[answer->n_partners] = make_partner(&report->arena, state, aside, answer->seq);
    return answer->partners[answer->n_partners] && ++answer->n_partners;
}

/* Our own feed is visited first, so that its head is known when partners come. */
static void visit_feed(void *context, const struct exchange_feed_state *state)
{
    struct report *report = context;
    struct ops_aside aside = {0};

    report->answer.entries += state->head.seq;
    if (state->own) {
        report->answer.seq = state->head.seq;
        report->answer.has_quarantined = state->quarantined != 0;
        report->answer.quarantined = state->quarantined;
        report->answer.has_hash = true;
        report->answer.hash = ops_binary(&report->arena, state->head.hash.bytes, BYTES_ID_SIZE);
        report->answer.handle = copy(&report->arena, state->handle);
    } else if (state->partner) {
        struct exchange_dialled dialled = {0};

        exchange_dialled(report->context->exchange, &state->feed, &dialled);
        find_aside(report, state, &aside);
        if (!add_partner(report, state, &aside) ||
            !ops_problems_aside(&report->problems, state, &aside, report->context->now_ms) ||
            !ops_problems_partner(&report->problems, state, &dialled, report->context))
            report->no_memory = true;
    }
}

static void set_node(struct report *report)
{
    static const char *const publishing[] = {
        [EXCHANGE_OPEN] = "open",     [EXCHANGE_CHECKING] = "checking", [EXCHANGE_HELD] = "held",
        [EXCHANGE_FROZEN] = "frozen", [EXCHANGE_REPLACED] = "replaced",
    };
    const struct ops_context *context = report->context;
    Caravan__StatusReply *answer = &report->answer;
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    identity_fingerprint(&context->feed, fingerprint);
    answer->has_feed = true;
    answer->feed = ops_id(&context->feed);
    answer->fingerprint = copy(&report->arena, fingerprint);
    answer->network = copy(&report->arena, context->network);
    answer->publishing = copy(&report->arena, publishing[exchange_publishing(context->exchange)]);
    answer->has_seq = answer->has_entries = true;
    answer->has_started_ms = answer->has_now_ms = answer->has_live_dropped = true;
    answer->started_ms = context->started_ms;
    answer->now_ms = context->now_ms;
    answer->live_dropped = context->live_dropped;
    answer->version = copy(&report->arena, CARAVAN_VERSION);
    if (context->listen_live)
        answer->listen_live = copy(&report->arena, context->listen_live);
    if (context->listen_sync)
        answer->listen_sync = copy(&report->arena, context->listen_sync);
}

int ops_status(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
               struct error *error)
{
    struct report report = {.context = context, .error = error};
    struct store_info info;
    int code;

    (void)message;
    caravan__status_reply__init(&report.answer);
    arena_init(&report.arena, LIMIT_ARENA_SIZE);
    ops_problems_init(&report.problems, &report.arena);
    set_node(&report);
    exchange_feeds(context->exchange, visit_feed, &report);
    code = report.code;
    if (!code)
        code = context->store.operations->info(context->store.self, &info, error);
    if (code)
        goto out;
    if (!ops_problems_node(&report.problems, context, exchange_publishing(context->exchange),
                           exchange_failure(context->exchange), report.answer.n_partners) ||
        !ops_problems_ledger(&report.problems, &info) || report.no_memory ||
        report.arena.over_limit || report.arena.no_memory)
        code = error_memory(error);
    report.answer.n_problems = report.problems.count;
    report.answer.problems = report.problems.items;
    if (!code)
        code = ops_reply(&report.answer.base, reply, error);
out:
    free(report.answer.partners);
    ops_problems_finish(&report.problems);
    arena_finish(&report.arena);
    return code;
}

/* --- coverage --------------------------------------------------------------------------------- */

struct covering {
    struct arena arena;
    uint64_t head, asked;
    Caravan__Coverage **rows;
    size_t count, capacity;
    size_t have; /* rows that have what was asked for */
    bool no_memory;
};

static void visit_coverage(void *context, const struct exchange_feed_state *state)
{
    struct covering *covering = context;
    Caravan__Coverage *row;

    if (state->own) {
        covering->head = state->head.seq;
        if (covering->asked == 0)
            covering->asked = covering->head;
        return;
    }
    if (!state->partner)
        return;
    if (covering->count == covering->capacity) {
        size_t capacity = covering->capacity ? covering->capacity * 2 : 16;
        Caravan__Coverage **rows = realloc(covering->rows, capacity * sizeof *rows);

        if (!rows) {
            covering->no_memory = true;
            return;
        }
        covering->rows = rows;
        covering->capacity = capacity;
    }
    row = make_coverage(&covering->arena, state, covering->head);
    if (!row) {
        covering->no_memory = true;
        return;
    }
    covering->rows[covering->count++] = row;
    covering->have += state->received_known && state->received_seq >= covering->asked;
}

uint32_t ops_status_coverage_wait(const ProtobufCMessage *request)
{
    uint32_t wait_ms = ((const Caravan__CoverageRequest *)request)->wait_ms;

    return wait_ms < OPS_WAIT_MAX_MS ? wait_ms : OPS_WAIT_MAX_MS;
}

int ops_status_coverage(struct ops_context *context, const ProtobufCMessage *message,
                        struct buffer *reply, struct error *error)
{
    const Caravan__CoverageRequest *request = (const Caravan__CoverageRequest *)message;
    Caravan__CoverageReply answer = CARAVAN__COVERAGE_REPLY__INIT;
    struct covering covering = {.asked = request->seq};
    int code = ERROR_NONE;

    arena_init(&covering.arena, LIMIT_ARENA_SIZE);
    exchange_feeds(context->exchange, visit_coverage, &covering);
    if (covering.no_memory || covering.arena.over_limit || covering.arena.no_memory)
        code = error_memory(error);
    else if (covering.asked > covering.head)
        code = error_set(error, ERROR_NOT_FOUND,
                         "our own feed ends at No. %llu; there is no No. %llu yet",
                         (unsigned long long)covering.head, (unsigned long long)covering.asked);
    else if (covering.have < covering.count && covering.have <= request->known &&
             !context->last_try)
        code = OPS_WAIT;
    answer.n_received_by = covering.count;
    answer.received_by = covering.rows;
    answer.has_seq = answer.has_complete = true;
    answer.seq = covering.asked;
    answer.complete = covering.have == covering.count;
    if (!code)
        code = ops_reply(&answer.base, reply, error);
    free(covering.rows);
    arena_finish(&covering.arena);
    return code;
}
