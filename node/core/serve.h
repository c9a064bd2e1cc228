/* serve: answers what peers ask for, from a read-only store. Threads: each server its own store. */
#ifndef CORE_SERVE_H
#define CORE_SERVE_H

#include "node/core/incoming.h"
#include "node/core/policy.h"
#include "node/core/ports.h"

/* Appends the SyncMessage that answers a request (a Heads, Run, Certificates or Refusal) to out.
 * Errors are only our own (store, memory); the peer then gets a Refusal "busy". */
int serve_answer(const struct store *reader, struct policy *policy, const struct id *peer,
                 const Caravan__SyncMessage *request, struct buffer *out, struct error *error);

/* A Refusal, wrapped as SyncMessage, appended to out. false when memory ran out. */
bool serve_refusal(uint64_t request, const struct id *feed, uint64_t seq,
                   const struct error *reason, struct buffer *out);

/* Appends the fields of a Run with entries first … of a feed, ended by a signature (with a proof
 * behind when need be). About max_size bytes at most, but always one entry, and the proof; with
 * that still LIMIT_RUN_SIZE. *count: of entries with content; 0 when there is nothing to hand on
 * yet. For export, too. */
int serve_run(const struct store *reader, const struct id *feed, uint64_t first, uint64_t last,
              size_t max_size, uint64_t request, struct buffer *run, uint64_t *count,
              struct error *error);
/* Appends the fields of a Certificates message with all that is known of a feed. */
int serve_certificates(const struct store *reader, const struct id *feed, uint64_t request,
                       struct buffer *certificates, struct error *error);

#endif
