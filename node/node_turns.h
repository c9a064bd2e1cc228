/* node_turns: what waits for the server thread, given out in turn, so that nobody's flood makes
 * others wait: partners and readers each have their turn, and among partners (and among readers)
 * each peer has its own. A peer may have only a few requests waiting, in number and in
 * bytes, and all together only so many bytes; what is above that is refused at once, for the caller
 * to answer "busy". Who has nothing waiting always has room for one.
 *
 * Items are pointers; who pops an item owns it. Threads: any. */
#ifndef NODE_NODE_TURNS_H
#define NODE_NODE_TURNS_H

#include "common/bytes.h"

struct node_turns;

enum node_turn { NODE_TURN_PARTNERS, NODE_TURN_READERS, NODE_TURN_COUNT };

struct node_turns *node_turns_create(void); /* NULL when memory ran out */
/* What is left in it is given to discard. */
void node_turns_destroy(struct node_turns *turns, void (*discard)(void *item));

/* bytes: what the item takes in memory. Never waits. false: this peer has enough waiting, or all
 * have, memory ran out, or it is closed; the item stays
 * the caller's. */
bool node_turns_push(struct node_turns *turns, enum node_turn turn, const struct id *peer,
                     void *item, size_t bytes);
/* Waits at most wait_ms. NULL: nothing came, or it is closed and empty. */
void *node_turns_pop(struct node_turns *turns, uint64_t wait_ms);
/* No more pushes; pops go on until it is empty. */
void node_turns_close(struct node_turns *turns);
bool node_turns_is_closed(struct node_turns *turns);

#endif
