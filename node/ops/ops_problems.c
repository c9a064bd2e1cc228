#include "node/ops/ops_problems.h"

#include "common/moment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ops_problems_init(struct ops_problems *problems, struct arena *arena)
{
    memset(problems, 0, sizeof *problems);
    problems->arena = arena;
}

void ops_problems_finish(struct ops_problems *problems)
{
    free(problems->items);
}

static bool add(struct ops_problems *problems, bool warning, const char *todo, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

static bool add(struct ops_problems *problems, bool warning, const char *todo, const char *format,
                ...)
{
    Caravan__Problem *problem = arena_alloc(problems->arena, sizeof *problem);
    char what[1024];
    va_list args;

    if (!problem)
        return false;
    if (problems->count == problems->capacity) {
        size_t capacity = problems->capacity ? problems->capacity * 2 : 16;
        Caravan__Problem **items = realloc(problems->items, capacity * sizeof *items);

        if (!items)
            return false;
        problems->items = items;
        problems->capacity = capacity;
    }
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    caravan__problem__init(problem);
    problem->what = arena_copy_text(problems->arena, what, strlen(what));
    problem->todo = arena_copy_text(problems->arena, todo, strlen(todo));
    problem->has_warning = true;
    problem->warning = warning;
    problems->items[problems->count++] = problem;
    return problem->what && problem->todo;
}

/* --- one partner ------------------------------------------------------------------------------ */

static bool has_endpoints(const struct ops_context *context, const struct id *feed)
{
    const Caravan__Endpoints *endpoints = exchange_endpoints(context->exchange, feed);

    return endpoints && endpoints->n_sync > 0;
}

/* Our own feed says that the keys which we use were replaced. */
static bool are_replaced(const struct ops_context *context)
{
    return exchange_publishing(context->exchange) == EXCHANGE_REPLACED;
}

static void note_exchanging(void *context, const struct exchange_feed_state *state)
{
    bool *any = context;

    *any = *any || state->exchanging;
}

static bool any_exchanging(struct ops_problems *problems, const struct ops_context *context)
{
    if (!problems->asked)
        exchange_feeds(context->exchange, note_exchanging, &problems->exchanging);
    problems->asked = true;
    return problems->exchanging;
}

/* What helps, by a part of the reason that the link gives; the last row is for all others. */
static const struct {
    const char *reason, *todo;
} remedies[] = {
    {"refused our key",
     "send them your card (caravan card) and ask them to accept it; they compare "
     "your fingerprint over the telephone"},
    {"handshake", "ask for their newest card and add it (caravan partner add FILE); see whether "
                  "they have added yours"},
    {"not a node", "another program answers at this address: ask for their newest card"},
    {"", "ask whether its node runs, at this address; check the firewalls between (caravan doctor "
         "looks at our side)"},
};

#define REFUSED remedies[0].reason

/* Whoever refuses our key has not got our card yet, as a rule. But a partner that has confirmed our
 * newest certificate has let us in before. */
static const char *remedy(struct ops_problems *problems, const struct exchange_feed_state *state,
                          const char *reason, const struct ops_context *context)
{
    size_t i = 0;

    if (strstr(reason, REFUSED) && are_replaced(context))
        return "it knows newer keys of ours; what to do about that is said below";
    if (strstr(reason, REFUSED) && state->received_newest) {
        problems->refusing++;
        return any_exchanging(problems, context)
                   ? "it has let us in before: ask whether they have removed our card; then they "
                     "add it again (caravan card)"
                   : "it has let us in before; what may be wrong is said below";
    }
    while (!strstr(reason, remedies[i].reason))
        i++;
    return remedies[i].todo;
}

/* Neither can dial the other, and yet we have its entries: a partner that is connected hands them
 * on. How far that goes, the numbers tell. */
static bool comes_by_relay(struct ops_problems *problems, const struct exchange_feed_state *state,
                           const struct ops_context *context)
{
    return !has_endpoints(context, &state->feed) && !context->listen_sync && state->head.seq &&
           any_exchanging(problems, context);
}

static bool add_unconnected(struct ops_problems *problems, const char *who,
                            const struct exchange_feed_state *state,
                            const struct ops_context *context)
{
    const struct exchange_link_state *out = &state->links[EXCHANGE_SYNC_OUT];
    const struct exchange_link_state *in = &state->links[EXCHANGE_SYNC_IN];

    if (out->up || in->up)
        return add(
            problems, true,
            "wait a moment; if it stays, ask whether they have added our card (a node that lets "
            "all "
            "read lets us in without it), see that no other copy of either node runs, and read "
            "both logs",
            "connected to %s, but it has not said yet what it holds", who);
    if (comes_by_relay(problems, state, context))
        return true;
    if (!has_endpoints(context, &state->feed) && !context->listen_sync)
        return add(problems, false,
                   "one of the two must be reachable: open a port and set listen: and public: in "
                   "its node.yaml, or let a third partner pass both feeds on (relay:)",
                   "%s and this node both connect outwards only, so neither can reach the other",
                   who);
    if (!has_endpoints(context, &state->feed))
        return add(problems, false,
                   "it connects to us: ask whether its node runs and has our newest card, and "
                   "whether our address can be reached from outside (caravan doctor)",
                   "%s is not connected; it has no address of its own to dial", who);
    return add(problems, false, remedy(problems, state, out->reason, context),
               "not connected to %s%s%s%s%s", who, out->endpoint[0] ? " at " : "", out->endpoint,
               out->reason[0] ? ": " : "", out->reason);
}

static bool add_clock(struct ops_problems *problems, const char *who,
                      const struct exchange_feed_state *state)
{
    int64_t skew = state->clock_skew_ms < 0 ? -state->clock_skew_ms : state->clock_skew_ms;

    if (!state->clock_known)
        return true;
    problems->partners++;
    if (skew <= LIMIT_CLOCK_SKEW_MS)
        return true;
    problems->skewed++;
    problems->skew_ms = state->clock_skew_ms;
    return add(problems, true,
               "see which of the two clocks is wrong (caravan doctor shows ours) and set it by NTP",
               "the clock of %s is %" PRId64 " minutes %s ours", who, skew / 60000,
               state->clock_skew_ms < 0 ? "behind" : "ahead of");
}

static bool add_dialled(struct ops_problems *problems, const char *who,
                        const struct exchange_dialled *dialled, const struct ops_context *context)
{
    if (!dialled->known || (dialled->live_up && dialled->sync_up) || !context->listen_sync)
        return true;
    return add(problems, true,
               "check the addresses under public: in node.yaml, the port forwarding and the "
               "firewall; then ask again with: caravan doctor",
               "%s could not reach this node%s%s", who, dialled->text[0] ? ": " : "",
               dialled->text);
}

/* After a rotation: before that everybody has certificate 1. */
static bool add_certificate(struct ops_problems *problems, const char *who,
                            const struct exchange_feed_state *state,
                            const struct ops_context *context)
{
    if (state->received_newest || exchange_own_chain(context->exchange)->count < 2 ||
        are_replaced(context))
        return true;
    if (context->keys.former_transport)
        return add(problems, true,
                   "it gets it when it connects, and until then this node answers by its former "
                   "transport key, too; if it will not come again: caravan key retire",
                   "%s has not received our new certificate yet", who);
    return add(problems, true,
               "when it does not connect, it knows our former keys only: send it our card (caravan "
               "card), and ask it to add that",
               "%s has not received our new certificate yet", who);
}

bool ops_problems_aside(struct ops_problems *problems, const struct exchange_feed_state *state,
                        const struct ops_aside *aside, uint64_t now_ms)
{
    char hex[17], todo[256];
    const char *who = state->handle[0] ? state->handle : hex;
    struct moment_civil since;

    if (!aside->first || !aside->since_ms || now_ms > aside->since_ms + OPS_ASIDE_TOLD_MS)
        return true;
    bytes_to_hex(state->feed.bytes, 8, hex);
    moment_ms_to_civil((int64_t)aside->since_ms, 0, &since);
    snprintf(todo, sizeof todo,
             "whoever has read them and acted on them should ask %s what holds; what it publishes "
             "now does (this note goes away after %llu days)",
             who, OPS_ASIDE_TOLD_MS / (24 * 3600 * 1000));
    return add(problems, true, todo,
               "%" PRIu64 " %s of %s, from No. %" PRIu64 " on, %s for nothing since %04d-%02d-%02d "
               "%02d:%02d UTC: %s",
               state->quarantined, state->quarantined == 1 ? "entry" : "entries", who, aside->first,
               state->quarantined == 1 ? "counts" : "count", (int)since.date.year,
               (int)since.date.month, (int)since.date.day, (int)since.hour, (int)since.minute,
               aside->stolen ? "it says that the key that signed them was stolen"
                             : "its feed had two branches, and it goes on with the other one");
}

bool ops_problems_partner(struct ops_problems *problems, const struct exchange_feed_state *state,
                          const struct exchange_dialled *dialled, const struct ops_context *context)
{
    char hex[17];
    const char *who = state->handle[0] ? state->handle : hex;
    bool ok = true;

    bytes_to_hex(state->feed.bytes, 8, hex);
    if (state->frozen)
        ok = add(problems, false,
                 "tell them by telephone: two copies of their node ran at once, or a backup was "
                 "restored; it goes on when they publish a new certificate",
                 "the feed of %s is disputed: after No. %" PRIu64 " there are two branches", who,
                 state->head.seq);
    if (ok && !state->exchanging)
        ok = add_unconnected(problems, who, state, context);
    if (ok && state->trouble[0])
        ok = add(problems, true, "tell the institution; nothing wrong was stored or passed on",
                 "%s sent something wrong: %s", who, state->trouble);
    if (ok && state->missing)
        ok = add(problems, true, "they are asked of all partners; nothing needs to be done",
                 "%" PRIu64 " contents of %s are missing", state->missing, who);
    return ok && add_certificate(problems, who, state, context) &&
           add_clock(problems, who, state) && add_dialled(problems, who, dialled, context);
}

/* --- this node -------------------------------------------------------------------------------- */

/* A rotation after the backup that runs here now, or beside keys/ that were put back. */
static bool add_replaced(struct ops_problems *problems, const struct ops_context *context)
{
    uint64_t newest = exchange_own_certificate(context->exchange);
    uint64_t ours = exchange_own_key_certificate(context->exchange);
    char have[64] = "other keys";

    if (ours)
        snprintf(have, sizeof have, "the older keys of certificate %" PRIu64, ours);
    return add(problems, false,
               "bring back the keys of that certificate: restore a newer backup, or the folder "
               "keys/ of the machine that ran last. If they are lost, make new ones: caravan key "
               "rotate --root FILE, or, without the root key, caravan key recover --recovery FILE; "
               "then send the new card to your partners (caravan card). If nobody of you has made "
               "that certificate, the root key is stolen: caravan key recover --stolen",
               "certificate %" PRIu64 " of our own feed is in force since No. %" PRIu64
               ", but keys/ has %s: nothing that this node signs counts, and partners that know "
               "the newer keys refuse it",
               newest, exchange_own_certificate_seq(context->exchange, newest), have);
}

/* Our own feed, as it is here, does not know of newer keys; but partners that do refuse ours. */
static bool add_refusing(struct ops_problems *problems, const struct ops_context *context,
                         size_t partners)
{
    char todo[512];

    snprintf(todo, sizeof todo,
             "restore a newer backup. If there is none, let one of these partners write what it "
             "has of us to a file (there: caravan export %s FILE) and read it in here (caravan "
             "import FILE): then caravan status says for certain which keys are missing. Do not "
             "start with --alone, and do not send the card: it names the old keys",
             exchange_own_handle(context->exchange));
    return add(problems, false, todo,
               "our keys are probably too old: %zu of %zu partners refuse them and have let them "
               "in before. That is so when a backup was restored that is older than the newest "
               "keys (caravan key rotate); if none was, ask whether they have removed our card",
               problems->refusing, partners);
}

/* No partner lets us in any more: then it is not they that have changed something. */
static bool are_probably_old(struct ops_problems *problems, const struct ops_context *context)
{
    return problems->refusing && !any_exchanging(problems, context);
}

static bool add_publishing(struct ops_problems *problems, const struct ops_context *context,
                           enum exchange_publishing publishing)
{
    switch (publishing) {
    case EXCHANGE_CHECKING:
        return add(problems, true, "wait; it takes 10 seconds at most",
                   "publishing waits until partners have said what they hold of our own feed");
    case EXCHANGE_HELD:
        return add(
            problems, false,
            are_probably_old(problems, context)
                ? "connect to a partner; first do what is said above about our keys"
                : "connect to a partner; or, if no other copy of this node runs anywhere, start it "
                  "once with: caravan run --alone",
            "publishing is held: this ledger was restored or copied, and no partner has said "
            "yet what it holds of our feed");
    case EXCHANGE_FROZEN:
        return add(
            problems, false,
            "stop the other copy of this node and keep both ledgers; then choose the branch with a "
            "new certificate behind the last good entry: caravan key rotate --root FILE "
            "--last-good NUMBER (after a theft with --stolen, too)",
            "our own feed is forked: two different entries stand at one number");
    case EXCHANGE_REPLACED:
        return add_replaced(problems, context);
    case EXCHANGE_OPEN:
        break;
    }
    return true;
}

bool ops_problems_node(struct ops_problems *problems, const struct ops_context *context,
                       enum exchange_publishing publishing, const struct error *failure,
                       size_t partners)
{
    bool ok = (!are_probably_old(problems, context) || add_refusing(problems, context, partners)) &&
              add_publishing(problems, context, publishing);

    if (ok && failure)
        ok = add(problems, false,
                 "nothing that was acknowledged is lost; the node tries again by itself, at least "
                 "every half minute",
                 "nothing new can be stored: %s", failure->text);
    if (ok && partners == 0)
        ok = add(problems, true,
                 "give your card to a partner (caravan card) and accept theirs (caravan partner "
                 "add FILE)",
                 "no partner yet, so nobody receives what is published");
    if (ok && problems->skewed > 1 && problems->skewed == problems->partners)
        ok = add(problems, false, "set this machine's clock, best by NTP",
                 "our own clock is wrong: it differs from that of every partner by about %" PRId64
                 " minutes",
                 (problems->skew_ms < 0 ? -problems->skew_ms : problems->skew_ms) / 60000);
    return ok;
}

bool ops_problems_ledger(struct ops_problems *problems, const struct store_info *info)
{
    return !info->unclean ||
           add(problems, true,
               "wait; if it stays: something reads ledger.db without a pause, perhaps a backup",
               "what was erased is gone from the ledger, and not yet from the free room and the "
               "log "
               "of its files");
}
