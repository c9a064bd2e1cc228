#include "node/ledger/rules.h"

int rules_check_order(const struct entry_head *head, const struct store_entry *entries,
                      size_t count, struct error *error)
{
    const struct id *previous = &head->hash;

    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i].entry;

        if (entry->seq != head->seq + 1 + i)
            return error_set(error, ERROR_GAP, "entry %llu does not follow entry %llu",
                             (unsigned long long)entry->seq, (unsigned long long)(head->seq + i));
        if (!id_equal(&entry->feed, &head->feed) || !id_equal(&entry->previous, previous))
            return error_set(error, ERROR_BROKEN_CHAIN,
                             "entry %llu does not name the hash of the entry before it",
                             (unsigned long long)entry->seq);
        previous = &entry->hash;
    }
    return ERROR_NONE;
}

void rules_follow(struct store_feed *feed, const struct store_entry *appended)
{
    const struct entry *entry = &appended->entry;

    feed->head.seq = entry->seq;
    feed->head.hash = entry->hash;
    feed->head.certificate = appended->certificate;
    feed->head.recoveries = appended->recoveries;
    feed->head_arrival = appended->arrival;
    if (entry->signature_checked)
        feed->signed_seq = entry->seq;
    if (!entry->has_content && !appended->erased)
        feed->missing++;
}

void rules_go_back(struct store_feed *feed, const struct store_entry *last, uint64_t signed_seq,
                   uint64_t recoveries, uint64_t arrival)
{
    const struct id id = feed->head.feed;

    feed->quarantined += feed->head.seq - (last ? last->entry.seq : 0);
    feed->head = (struct entry_head){.feed = id};
    if (last) {
        feed->head.seq = last->entry.seq;
        feed->head.hash = last->entry.hash;
        feed->head.certificate = last->certificate;
        feed->head.recoveries = recoveries;
    }
    feed->signed_seq = signed_seq;
    feed->head_arrival = arrival;
}

int rules_no_entry(uint64_t seq, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "entry %llu is not in the ledger",
                     (unsigned long long)seq);
}

int rules_has_content(uint64_t seq, struct error *error)
{
    return error_set(error, ERROR_EXISTS, "entry %llu has its content already",
                     (unsigned long long)seq);
}

int rules_is_erased(uint64_t seq, uint64_t by, struct error *error)
{
    return error_set(error, ERROR_EXISTS, "entry %llu was erased by entry %llu",
                     (unsigned long long)seq, (unsigned long long)by);
}

bool rules_can_erase(const struct store_entry *stored)
{
    return !stored->erased && !entry_content_is_permanent(stored->entry.content_type);
}

bool rules_type_matches(uint32_t types, uint64_t content_type)
{
    return types == STORE_ALL_TYPES || (content_type < 32 && types >> content_type & 1);
}
