#include "node/node_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/card.h"
#include "common/log.h"
#include "common/map.h"
#include "node/config/home.h"

#define NAME_SIZE 64

struct node_watch_file {
    char name[NAME_SIZE];
    struct timespec modified;
    off_t size;
    ino_t inode;
    bool used, seen;
    bool failed;                        /* what it says now could not be used */
    struct id id;                       /* feed of a card, key of a listener */
    char handle[LIMIT_HANDLE_SIZE + 1]; /* on the card */
    char wanted[LIMIT_HANDLE_SIZE + 1]; /* on a card that failed because another has it; else "" */
};

/* --- files that come, change and go --- */

/* What files do not say any more. A file with another name may say it still (it was renamed, or
 * there are two), so nobody is dropped before all were looked at. */
struct gone {
    struct node_watch_file *files;
    size_t count;
    bool any; /* also when memory ran out, and count says 0 */
};

struct folder {
    const char *name, *suffix;
    struct node_watch_file **files;
    size_t *count;
    struct gone *gone;
    /* Reads a new or changed file: fills file->id as soon as that is known, also when it then
     * fails, and file->handle. */
    int (*take)(struct node_watch *watch, struct node_watch_file *file, const char *path,
                struct error *error);
    void (*drop)(struct node_watch *watch, const struct node_watch_file *file);
};

/* The files are in order of their names: where this one is, or would be. */
static size_t place_of(const struct folder *folder, const char *name)
{
    size_t low = 0, high = *folder->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp((*folder->files)[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct node_watch_file *find(const struct folder *folder, const char *name)
{
    size_t place = place_of(folder, name);
    bool there = place < *folder->count && strcmp((*folder->files)[place].name, name) == 0;

    return there ? &(*folder->files)[place] : NULL;
}

static struct node_watch_file *add(const struct folder *folder, const char *name)
{
    size_t place = place_of(folder, name);
    struct node_watch_file *files =
        realloc(*folder->files, (*folder->count + 1) * sizeof **folder->files);

    if (!files)
        return NULL;
    *folder->files = files;
    files += place;
    memmove(files + 1, files, (*folder->count - place) * sizeof *files);
    ++*folder->count;
    *files = (struct node_watch_file){0};
    snprintf(files->name, sizeof files->name, "%s", name);
    return files;
}

static bool is_same(const struct node_watch_file *file, const struct stat *status)
{
    return file->modified.tv_sec == status->st_mtim.tv_sec &&
           file->modified.tv_nsec == status->st_mtim.tv_nsec && file->size == status->st_size &&
           file->inode == status->st_ino;
}

static void note_gone(struct node_watch *watch, const struct folder *folder,
                      const struct node_watch_file *file)
{
    struct gone *gone = folder->gone;
    struct node_watch_file *files = realloc(gone->files, (gone->count + 1) * sizeof *files);

    watch->dirty = gone->any = true;
    if (!files) { /* better nobody's right too many */
        folder->drop(watch, file);
        return;
    }
    gone->files = files;
    gone->files[gone->count++] = *file;
}

/* A file that could not be used, perhaps because of what has changed now, is read once more: later
 * in this look or at the next one. */
static void look_again_at_failed(const struct folder *folder)
{
    for (size_t i = 0; i < *folder->count; i++)
        if ((*folder->files)[i].failed)
            (*folder->files)[i].inode = 0;
}

/* Known by another handle so far, which is free now. */
static bool changes_handle(const struct folder *folder, const struct node_watch_file *next)
{
    for (size_t i = 0; i < *folder->count; i++) {
        const struct node_watch_file *file = &(*folder->files)[i];

        if (file->used && id_equal(&file->id, &next->id) && strcmp(file->handle, next->handle) != 0)
            return true;
    }
    return false;
}

/* Reads a new or changed file. Whoever it spoke of has no right by it any more as soon as it speaks
 * of somebody else, whether that one can be taken or not. */
static void read_file(struct node_watch *watch, const struct folder *folder,
                      struct node_watch_file *file, const char *path)
{
    struct node_watch_file next = *file;
    struct error error;
    int code;

    next.id = (struct id){{0}};
    code = folder->take(watch, &next, path, &error);
    if (file->used && !id_equal(&file->id, &next.id) && (!code || !id_is_zero(&next.id))) {
        note_gone(watch, folder, file);
        file->used = false;
    }
    file->failed = code != ERROR_NONE;
    file->wanted[0] = '\0';
    if (file->failed) {
        log_error("home.file", "path", path, "code", error_name(error.code), "text", error.text);
        if (code == ERROR_EXISTS)
            memcpy(file->wanted, next.handle, sizeof file->wanted);
        return;
    }
    if (changes_handle(folder, &next))
        look_again_at_failed(folder);
    next.used = true;
    next.failed = false;
    next.wanted[0] = '\0';
    *file = next;
    watch->dirty = true;
}

static void look_at(struct node_watch *watch, const struct folder *folder, const char *name)
{
    struct node_watch_file *file = find(folder, name);
    char path[HOME_PATH_SIZE];
    struct stat status;

    if (strlen(name) >= NAME_SIZE ||
        home_path_in(watch->home, folder->name, name, folder->suffix, path, NULL) ||
        stat(path, &status))
        return;
    if (!file)
        file = add(folder, name);
    if (!file)
        return; /* out of memory: looked at again in a second */
    file->seen = true;
    if (is_same(file, &status))
        return;
    file->modified = status.st_mtim;
    file->size = status.st_size;
    file->inode = status.st_ino;
    read_file(watch, folder, file, path);
}

static void forget_missing(struct node_watch *watch, const struct folder *folder)
{
    struct node_watch_file *files = *folder->files;
    size_t kept = 0;

    for (size_t i = 0; i < *folder->count; i++) {
        if (files[i].seen)
            files[kept++] = files[i];
        else if (files[i].used)
            note_gone(watch, folder, &files[i]);
    }
    *folder->count = kept;
    for (size_t i = 0; i < kept; i++)
        files[i].seen = false;
}

static bool is_named(const struct folder *folder, const struct id *id)
{
    for (size_t i = 0; i < *folder->count; i++)
        if ((*folder->files)[i].used && id_equal(&(*folder->files)[i].id, id))
            return true;
    return false;
}

/* Who has the handle that this one wants, and wants another one, too. */
static struct node_watch_file *in_the_way(const struct folder *folder,
                                          const struct node_watch_file *of)
{
    for (size_t i = 0; i < *folder->count; i++) {
        struct node_watch_file *file = &(*folder->files)[i];

        if (file->used && file->wanted[0] && strcmp(file->handle, of->wanted) == 0)
            return file;
    }
    return NULL;
}

/* Does it wait for somebody who waits, in the end, for it? */
static bool waits_for_itself(const struct folder *folder, const struct node_watch_file *first)
{
    const struct node_watch_file *file = first;

    for (size_t i = 0; i < *folder->count && file; i++) {
        file = in_the_way(folder, file);
        if (file == first)
            return true;
    }
    return false;
}

/* Institutions that exchange their handles stand in each other's way: all of them go, and come back
 * at the next look. */
static void part_rings(struct node_watch *watch, const struct folder *folder)
{
    for (size_t i = 0; i < *folder->count; i++) {
        struct node_watch_file *file = &(*folder->files)[i];

        if (!file->used || !file->wanted[0] || !waits_for_itself(folder, file))
            continue;
        for (; file; file = in_the_way(folder, file)) {
            note_gone(watch, folder, file);
            file->used = false;
        }
    }
}

/* Who is named by no file any more is dropped. */
static void drop_gone(struct node_watch *watch, const struct folder *folder)
{
    struct gone *gone = folder->gone;

    for (size_t i = 0; i < gone->count; i++)
        if (!is_named(folder, &gone->files[i].id))
            folder->drop(watch, &gone->files[i]);
    if (gone->any)
        look_again_at_failed(folder);
    free(gone->files);
}

static void scan(struct node_watch *watch, const struct folder *folder)
{
    struct home_names names = {0};
    char path[HOME_PATH_SIZE];
    struct error error;

    if (home_path(watch->home, folder->name, path, &error) ||
        home_list(path, folder->suffix, &names, &error)) {
        /* A folder that cannot be read takes nobody's rights away. */
        log_error("home.folder", "text", error.text);
        return;
    }
    for (size_t i = 0; i < names.count; i++)
        look_at(watch, folder, names.names[i]);
    forget_missing(watch, folder);
    part_rings(watch, folder);
    drop_gone(watch, folder);
    home_names_finish(&names);
}

/* --- cards and listeners --- */

static int take_card(struct node_watch *watch, struct node_watch_file *file, const char *path,
                     struct error *error)
{
    struct buffer text = {0};
    struct card card = {0};
    int code = home_read(path, LIMIT_CARD_SIZE, &text, error);

    if (!code)
        code = card_read(buffer_span(&text), watch->config->message->network, &card, error);
    if (!code) {
        file->id = card.chain.feed;
        snprintf(file->handle, sizeof file->handle, "%s", card.profile->handle);
        code = exchange_partner_add(watch->exchange, &card,
                                    config_relays(watch->config, card.profile->handle), error);
    }
    if (!code)
        log_info("partner.accepted", "partner", card.profile->handle);
    card_finish(&card);
    buffer_finish(&text);
    return code;
}

static void drop_card(struct node_watch *watch, const struct node_watch_file *file)
{
    exchange_partner_remove(watch->exchange, &file->id);
    log_info("partner.removed", "partner", file->name);
}

static int take_listener(struct node_watch *watch, struct node_watch_file *file, const char *path,
                         struct error *error)
{
    (void)path;
    return home_read_listener(watch->home, file->name, &file->id, error);
}

static void drop_listener(struct node_watch *watch, const struct node_watch_file *file)
{
    (void)watch;
    log_info("listener.removed", "listener", file->name);
}

void node_watch_scan(struct node_watch *watch)
{
    struct gone cards = {0}, keys = {0};
    const struct folder partners = {HOME_PARTNERS,      HOME_CARD_SUFFIX, &watch->cards,
                                    &watch->card_count, &cards,           take_card,
                                    drop_card};
    const struct folder listeners = {
        HOME_LISTENERS, HOME_LISTENER_SUFFIX, &watch->listeners, &watch->listener_count,
        &keys,          take_listener,        drop_listener};

    scan(watch, &partners);
    scan(watch, &listeners);
}

static bool is_partner(const struct node_watch *watch, const char *handle)
{
    for (size_t i = 0; i < watch->card_count; i++)
        if (watch->cards[i].used && strcmp(watch->cards[i].handle, handle) == 0)
            return true;
    return false;
}

void node_watch_check_relay(const struct node_watch *watch)
{
    const Caravan__Config *config = watch->config->message;

    for (size_t i = 0; i < config->n_relay; i++)
        if (strcmp(config->relay[i], "all") != 0 && !is_partner(watch, config->relay[i]))
            log_warning("config.relay", "handle", config->relay[i], "text",
                        "node.yaml says relay: this handle, and no partner has it; correct it, or "
                        "add the card");
}

/* --- the gate and the dialling --- */

/* What access and net are told. */
struct telling {
    struct access_entry *entries;
    struct net_partner *partners;
    size_t entry_count, partner_count;
    struct map keys; /* of entries */
};

/* One key is one role: whoever brings a key that another has already (a partner could name
 * anybody's in its certificate) is left out, and said so; everybody else must not suffer from it.
 * *taken: it was. false: out of memory. */
static bool take_key(struct telling *telling, bool *taken)
{
    struct access_entry *entry = &telling->entries[telling->entry_count];
    const struct access_entry *first = map_get(&telling->keys, &entry->key);

    *taken = !first;
    if (first)
        log_error("access.key_twice", "first", first->name, "left_out", entry->name);
    else if (!map_put(&telling->keys, &entry->key, entry))
        return false;
    telling->entry_count += !first;
    return true;
}

static void fill_partner(struct node_watch *watch, const struct node_watch_file *file,
                         const struct id keys[2], struct access_entry *entry,
                         struct net_partner *partner)
{
    const Caravan__Endpoints *endpoints = exchange_endpoints(watch->exchange, &file->id);

    *entry = (struct access_entry){.key = keys[0], .role = ACCESS_PARTNER, .feed = file->id};
    snprintf(entry->name, sizeof entry->name, "%.*s", LIMIT_HANDLE_SIZE, file->name);
    *partner = (struct net_partner){.feed = file->id, .transport_key = keys[0]};
    snprintf(partner->handle, sizeof partner->handle, "%.*s", LIMIT_HANDLE_SIZE, file->name);
    if (endpoints && endpoints->n_live && card_endpoint_is_valid(endpoints->live[0]))
        snprintf(partner->live, sizeof partner->live, "%s", endpoints->live[0]);
    if (endpoints && endpoints->n_sync && card_endpoint_is_valid(endpoints->sync[0]))
        snprintf(partner->sync, sizeof partner->sync, "%s", endpoints->sync[0]);
}

/* The key before the newest: named only as long as the partner may come by it. */
static bool tell_former(struct telling *telling, const struct id *key)
{
    struct access_entry entry = telling->entries[telling->entry_count - 1];
    bool taken, done;

    entry.key = *key;
    telling->entries[telling->entry_count] = entry;
    done = take_key(telling, &taken);
    if (done && taken)
        telling->partners[telling->partner_count].former_key = *key;
    return done;
}

static bool tell_partners(struct node_watch *watch, struct telling *telling)
{
    bool taken, done = true;

    for (size_t i = 0; i < watch->card_count && done; i++) {
        struct id keys[2];
        size_t count = exchange_wire_keys(watch->exchange, &watch->cards[i].id, keys);

        if (!watch->cards[i].used || !count)
            continue;
        fill_partner(watch, &watch->cards[i], keys, &telling->entries[telling->entry_count],
                     &telling->partners[telling->partner_count]);
        done = take_key(telling, &taken);
        if (done && taken && count > 1)
            done = tell_former(telling, &keys[1]);
        telling->partner_count += done && taken;
    }
    return done;
}

static bool tell_listeners(struct node_watch *watch, struct telling *telling)
{
    bool taken, done = true;

    for (size_t i = 0; i < watch->listener_count && done; i++) {
        struct access_entry *entry = &telling->entries[telling->entry_count];

        if (!watch->listeners[i].used)
            continue;
        *entry = (struct access_entry){.key = watch->listeners[i].id, .role = ACCESS_LISTENER};
        snprintf(entry->name, sizeof entry->name, "%.*s", LIMIT_HANDLE_SIZE,
                 watch->listeners[i].name);
        done = take_key(telling, &taken);
    }
    return done;
}

int node_watch_apply(struct node_watch *watch, struct error *error)
{
    size_t most = 2 * watch->card_count + watch->listener_count + 1;
    struct telling telling = {0};
    int code = ERROR_NONE;

    if (!watch->dirty)
        return ERROR_NONE;
    telling.entries = calloc(most, sizeof *telling.entries);
    telling.partners = calloc(most, sizeof *telling.partners);
    if (!telling.entries || !telling.partners || !tell_partners(watch, &telling) ||
        !tell_listeners(watch, &telling))
        code = error_memory(error);
    if (!code)
        code = access_table_set(watch->access, telling.entries, telling.entry_count,
                                watch->config->message->open_reading, error);
    if (!code)
        code = net_set_partners(watch->net, telling.partners, telling.partner_count, error);
    if (!code)
        net_access_changed(watch->net);
    watch->dirty = code != ERROR_NONE;
    free(telling.entries);
    free(telling.partners);
    map_finish(&telling.keys);
    return code;
}

void node_watch_finish(struct node_watch *watch)
{
    free(watch->cards);
    free(watch->listeners);
    watch->cards = watch->listeners = NULL;
    watch->card_count = watch->listener_count = 0;
}
