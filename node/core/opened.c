#include "node/core/opened.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "common/map.h"
#include "common/seal.h"
#include "node/core/view.h"
#include "proto/feed.pb-c.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

enum knowledge {
    UNKNOWN, /* it was forgotten */
    CLOSED,  /* it is not for us, or broken */
    OFFERED, /* its content is missing; a Reader says that the key will open it */
    OPEN,
};

/* What is known of one sealed entry. */
struct known {
    enum knowledge state;
    struct id feed;
    uint64_t seq;
    struct seal_key key; /* of what is offered or open; else zero */
    uint64_t by;         /* the Reader that the key is from; 0: our own slot in the entry */
    struct id target;    /* of a Reader: the entry that it brought a key for … */
    bool brings;         /* … if it did */
};

struct opened {
    struct store base;
    char network[LIMIT_NETWORK_SIZE + 1];
    struct secret **secrets;
    size_t secret_count;
    struct map known; /* by entry hash */
    size_t key_count;
    uint64_t looked;     /* arrivals up to here were looked through for what was erased */
    uint64_t generation; /* of the ledger, when it was last looked for what was moved aside */
};

int opened_add(struct opened *opened, struct secret *secret, struct error *error)
{
    struct secret **more =
        realloc(opened->secrets, (opened->secret_count + 1) * sizeof *opened->secrets);

    if (!more)
        return error_memory(error);
    opened->secrets = more;
    more[opened->secret_count++] = secret;
    return ERROR_NONE;
}

int opened_create(const struct store *store, const char *network, struct secret *const *secrets,
                  size_t count, struct opened **out, struct error *error)
{
    struct opened *opened;
    int code = identity_network_check(network, error);

    if (code)
        return code;
    opened = calloc(1, sizeof *opened);
    if (!opened)
        return error_memory(error);
    opened->base = *store;
    memcpy(opened->network, network, strlen(network) + 1);
    for (size_t i = 0; i < count && !code; i++)
        code = opened_add(opened, secrets[i], error);
    if (code)
        opened_destroy(opened);
    else
        *out = opened;
    return code;
}

void opened_destroy(struct opened *opened)
{
    struct known *known;
    size_t at = 0;

    if (!opened)
        return;
    while ((known = map_next(&opened->known, &at))) {
        seal_key_wipe(&known->key);
        free(known);
    }
    map_finish(&opened->known);
    free(opened->secrets);
    free(opened);
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool has_key(const struct known *known)
{
    return known->state == OFFERED || known->state == OPEN;
}

/* key NULL: it cannot be read. */
static void set(struct opened *opened, struct known *known, enum knowledge state,
                const struct seal_key *key)
{
    opened->key_count -= has_key(known);
    known->state = state;
    if (key)
        known->key = *key;
    else
        seal_key_wipe(&known->key);
    opened->key_count += has_key(known);
}

static int remember(struct opened *opened, const struct store_entry *stored, enum knowledge state,
                    const struct seal_key *key, struct error *error)
{
    const struct entry *entry = &stored->entry;
    struct known *known = map_get(&opened->known, &entry->hash);

    if (!known) {
        known = calloc(1, sizeof *known);
        if (!known || !map_put(&opened->known, &entry->hash, known)) {
            free(known);
            return error_memory(error);
        }
        known->feed = entry->feed;
        known->seq = entry->seq;
    }
    /* The first key: what is erased later arrives later. */
    if (!opened->key_count && stored->arrival > opened->looked)
        opened->looked = stored->arrival;
    set(opened, known, state, key);
    return ERROR_NONE;
}

/* With a Reader goes the key that it has brought, and so on: targets come before their Readers. */
static void forget_known(struct opened *opened, struct known *known)
{
    while (known) {
        struct known *target = known->brings ? map_get(&opened->known, &known->target) : NULL;

        set(opened, known, UNKNOWN, NULL);
        known->brings = false;
        if (target && (target->by != known->seq || !id_equal(&target->feed, &known->feed)))
            target = NULL; /* another Reader has brought it since */
        known = target;
    }
}

static void forget(struct opened *opened, const struct id *hash)
{
    forget_known(opened, map_get(&opened->known, hash));
}

/* Opens a sealed entry; *open false: not for us, or broken, which stops nothing. */
static int open_entry(struct opened *opened, const struct store_entry *stored,
                      struct seal_opened *out, bool *open, struct error *error)
{
    const struct entry *entry = &stored->entry;
    const struct known *known = map_get(&opened->known, &entry->hash);
    bool is_known = known && (known->state == CLOSED || known->state == OPEN);
    int code = ERROR_NOT_FOUND;

    *open = false;
    if (known && known->state == CLOSED)
        return ERROR_NONE;
    if (known && has_key(known))
        code = seal_open_with_key(entry->content, opened->network, &entry->feed, &known->key, out,
                                  NULL);
    if (code && code != ERROR_MEMORY && !is_known)
        code = seal_open(entry->content, opened->network, &entry->feed, opened->secrets,
                         opened->secret_count, out, NULL);
    if (code == ERROR_MEMORY)
        return error_memory(error);
    *open = code == ERROR_NONE;
    if (is_known)
        return ERROR_NONE;
    return remember(opened, stored, *open ? OPEN : CLOSED, *open ? &out->key : NULL, error);
}

/* --- readers ---------------------------------------------------------------------------------- */

struct granting {
    struct opened *opened;
    const struct entry *reader;
    const struct seal_key *key;
    bool fits; /* or may fit, when the content is still missing */
    struct error *error;
    int code;
};

/* The key of `target` is the Reader's. */
static int remember_brought(struct granting *granting, const struct store_entry *target,
                            enum knowledge state)
{
    struct map *map = &granting->opened->known;
    const struct id *hash = &target->entry.hash;
    struct known *reader = map_get(map, &granting->reader->hash), *known;
    int code = remember(granting->opened, target, state, granting->key, granting->error);

    if (code)
        return code;
    known = map_get(map, hash);
    known->by = granting->reader->seq;
    if (reader) {
        reader->target = *hash;
        reader->brings = true;
    }
    return ERROR_NONE;
}

/* Late content comes behind the Reader: the key is for then. None comes of what was erased. */
static void keep_for_later(struct granting *granting, const struct store_entry *stored)
{
    const struct known *known = map_get(&granting->opened->known, &stored->entry.hash);

    granting->fits = true;
    if (stored->erased)
        forget(granting->opened, &stored->entry.hash);
    else if (!known || known->state != OPEN)
        granting->code = remember_brought(granting, stored, OFFERED);
}

/* The key is kept only when it opens what it is said to open. */
static int try_key(void *context, const struct store_entry *stored)
{
    struct granting *granting = context;
    const struct entry *entry = &stored->entry;
    struct seal_opened opened = {0};
    int code;

    if (entry->content_type != TYPE(SEALED))
        return 1;
    if (!entry->has_content) {
        keep_for_later(granting, stored);
        return 1;
    }
    code = seal_open_with_key(entry->content, granting->opened->network, &entry->feed,
                              granting->key, &opened, NULL);
    granting->fits = code == ERROR_NONE;
    if (granting->fits)
        granting->code = remember_brought(granting, stored, OPEN);
    else if (code == ERROR_MEMORY)
        granting->code = error_memory(granting->error);
    seal_opened_finish(&opened);
    return 1;
}

/* *target: what can be read with it. */
static int grant(struct opened *opened, const struct entry *entry, struct span content,
                 uint64_t *target, struct error *error)
{
    const struct store *base = &opened->base;
    struct granting granting = {.opened = opened, .reader = entry, .error = error};
    const Caravan__Reader *reader;
    ProtobufCMessage *message;
    struct seal_key key;
    struct arena arena;
    int code;

    *target = 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__reader__descriptor, content, &guard_limits_content, &arena,
                        &message, NULL);
    reader = code ? NULL : (const Caravan__Reader *)message;
    if (reader && reader->key.len == SEAL_KEY_SIZE && reader->seq && reader->seq < entry->seq) {
        memcpy(key.bytes, reader->key.data, SEAL_KEY_SIZE);
        granting.key = &key;
        code = base->operations->entries(base->self, &entry->feed, reader->seq, reader->seq,
                                         try_key, &granting, error);
        *target = granting.fits ? reader->seq : 0;
        seal_key_wipe(&key);
        secret_wipe(reader->key.data, reader->key.len);
        code = code ? code : granting.code;
    } else {
        code = code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
    }
    arena_finish(&arena);
    return code;
}

/* --- visiting --------------------------------------------------------------------------------- */

struct visiting {
    struct opened *opened;
    uint32_t types;
    store_entry_visitor visit;
    void *context;
    struct error *error;
    int code;
};

/* What a visitor gets instead of a Reader's content. */
struct reader_target {
    uint64_t seq;
};

static bool wants(const struct visiting *visiting, uint32_t type)
{
    return visiting->types == STORE_ALL_TYPES || (type < 32 && visiting->types & STORE_TYPE(type));
}

/* The entry as what it is. Who sealed it may ask for a newer reader outside and inside. */
static int visit_true(struct visiting *visiting, const struct store_entry *stored,
                      struct seal_content *content)
{
    struct store_entry shown = *stored;
    struct reader_target target = {0};

    shown.entry.content_type = content->content_type;
    if (content->min_reader > shown.entry.min_reader)
        shown.entry.min_reader = content->min_reader;
    shown.entry.content = content->content;
    shown.seal = content;
    if (content->content_type == TYPE(READER)) {
        if (shown.entry.min_reader <= VIEW_SCHEMA_VERSION)
            visiting->code = grant(visiting->opened, &stored->entry, content->content, &target.seq,
                                   visiting->error);
        shown.entry.content = span_of(&target, sizeof target);
        content->content = span_of(NULL, 0); /* visitors see the seal, too */
    }
    if (visiting->code || !wants(visiting, shown.entry.content_type))
        return visiting->code;
    return visiting->visit(visiting->context, &shown);
}

static int visit_sealed(struct visiting *visiting, const struct store_entry *stored)
{
    struct seal_opened opened = {0};
    struct seal_content *content = NULL;
    bool open = false;
    int stop = 0;

    visiting->code = open_entry(visiting->opened, stored, &opened, &open, visiting->error);
    if (open && !visiting->code) {
        content = malloc(sizeof *content); /* 8 KiB, too much for a stack of visits */
        if (!content)
            visiting->code = error_memory(visiting->error);
        else
            open = seal_content_read(buffer_span(&opened.content), &stored->entry.feed, content,
                                     NULL) == ERROR_NONE;
    }
    if (visiting->code)
        stop = 1;
    else if (open)
        stop = visit_true(visiting, stored, content);
    else if (wants(visiting, TYPE(SEALED)))
        stop = visiting->visit(visiting->context, stored);
    if (content && content->content_type == TYPE(READER))
        secret_wipe(opened.content.data, opened.content.size);
    free(content);
    seal_opened_finish(&opened);
    return stop;
}

static int visit(void *context, const struct store_entry *stored)
{
    struct visiting *visiting = context;

    if (stored->entry.content_type == TYPE(SEALED) && stored->erased)
        forget(visiting->opened, &stored->entry.hash);
    if (stored->entry.content_type != TYPE(SEALED) || !stored->entry.has_content)
        return wants(visiting, stored->entry.content_type)
                   ? visiting->visit(visiting->context, stored)
                   : 0;
    return visit_sealed(visiting, stored);
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct checking {
    const struct opened *opened;
    const struct known *known;
    bool stands;
};

static int check_place(void *context, const struct store_entry *stored)
{
    struct checking *checking = context;

    checking->stands = !stored->erased &&
                       map_get(&checking->opened->known, &stored->entry.hash) == checking->known;
    return 1;
}

/* Entries were moved aside: what is known of them is not read any more. */
static int forget_moved(struct opened *opened, struct error *error)
{
    const struct store *base = &opened->base;
    struct known *known;
    size_t at = 0;
    int code = ERROR_NONE;

    while (!code && (known = map_next(&opened->known, &at))) {
        struct checking checking = {opened, known, false};

        if (!has_key(known))
            continue;
        code = base->operations->entries(base->self, &known->feed, known->seq, known->seq,
                                         check_place, &checking, error);
        if (!code && !checking.stands)
            forget_known(opened, known);
    }
    return code;
}

static int forget_erased(void *context, const struct store_entry *stored)
{
    if (stored->erased)
        forget(context, &stored->entry.hash);
    return 0;
}

/* --- the store -------------------------------------------------------------------------------- */

static int opened_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                          store_entry_visitor visitor, void *context, struct error *error)
{
    struct opened *opened = self;
    struct visiting visiting = {.opened = opened,
                                .types = STORE_ALL_TYPES,
                                .visit = visitor,
                                .context = context,
                                .error = error};
    int code = opened->base.operations->entries(opened->base.self, feed, first, last, visit,
                                                &visiting, error);

    return code ? code : visiting.code;
}

static int opened_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visitor,
                           void *context, struct error *error)
{
    struct opened *opened = self;
    struct visiting visiting = {
        .opened = opened, .types = types, .visit = visitor, .context = context, .error = error};
    int code = opened->base.operations->arrivals(
        opened->base.self, after,
        types == STORE_ALL_TYPES ? types : types | STORE_TYPE(TYPE(SEALED)), visit, &visiting,
        error);

    return code ? code : visiting.code;
}

static int opened_info(void *self, struct store_info *info, struct error *error)
{
    struct opened *opened = self;
    int code = opened->base.operations->info(opened->base.self, info, error);

    if (code || info->generation == opened->generation)
        return code;
    code = forget_moved(opened, error);
    if (!code)
        opened->generation = info->generation;
    return code;
}

static int opened_get_feed(void *self, const struct id *feed, struct store_feed *out,
                           struct error *error)
{
    const struct store *base = &((struct opened *)self)->base;

    return base->operations->get_feed(base->self, feed, out, error);
}

static int opened_feeds(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                        store_feed_visitor visitor, void *context, struct error *error)
{
    const struct store *base = &((struct opened *)self)->base;

    return base->operations->feeds(base->self, after_arrival, with_empty, limit, visitor, context,
                                   error);
}

static int opened_quarantined(void *self, const struct id *feed, store_quarantined_visitor visitor,
                              void *context, struct error *error)
{
    const struct store *base = &((struct opened *)self)->base;

    return base->operations->quarantined(base->self, feed, visitor, context, error);
}

struct store opened_store(struct opened *opened)
{
    static const struct store_operations operations = {
        .info = opened_info,
        .get_feed = opened_get_feed,
        .feeds = opened_feeds,
        .entries = opened_entries,
        .arrivals = opened_arrivals,
        .quarantined = opened_quarantined,
    };

    return (struct store){&operations, opened};
}

uint64_t opened_target(const struct store_entry *entry)
{
    struct reader_target target = {0};

    if (entry->seal && entry->entry.content_type == TYPE(READER) &&
        entry->entry.content.size == sizeof target)
        memcpy(&target, entry->entry.content.data, sizeof target);
    return target.seq;
}

int opened_forget(struct opened *opened, struct error *error)
{
    const struct store *base = &opened->base;
    struct store_info info;
    int code;

    if (!opened->key_count)
        return ERROR_NONE;
    code = opened_info(opened, &info, error);
    if (code || info.last_arrival == opened->looked)
        return code;
    code = base->operations->arrivals(base->self, opened->looked, STORE_TYPE(TYPE(SEALED)),
                                      forget_erased, opened, error);
    if (!code)
        opened->looked = info.last_arrival;
    return code;
}

size_t opened_key_count(const struct opened *opened)
{
    return opened->key_count;
}

struct finding {
    struct opened *opened;
    struct seal_key *key;
    bool found;
};

static int find_key(void *context, const struct store_entry *entry)
{
    struct finding *finding = context;
    const struct known *known = map_get(&finding->opened->known, &entry->entry.hash);

    finding->found = entry->seal && known && known->state == OPEN;
    if (finding->found)
        *finding->key = known->key;
    return 1;
}

int opened_key(struct opened *opened, const struct id *feed, uint64_t seq, struct seal_key *key,
               struct error *error)
{
    struct finding finding = {.opened = opened, .key = key};
    int code = opened_entries(opened, feed, seq, seq, find_key, &finding, error);

    if (code || finding.found)
        return code;
    return error_set(error, ERROR_NOT_FOUND, "No. %" PRIu64 " was not sealed for us", seq);
}
