/* net_internal: what tests may reach inside a net beyond net.h. Nothing else includes this. */
#ifndef NET_NET_INTERNAL_H
#define NET_NET_INTERNAL_H

#include "node/net/gate.h"
#include "node/net/net.h"
#include "node/net/plants.h"

/* To be changed between net_create and net_start. */
struct net_plants *net_plants(struct net *net);
/* NULL before net_start and with no_gate. */
struct gate *net_gate(struct net *net);

#endif
