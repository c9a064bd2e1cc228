/* The composition root of `caravan run`. */
typedef int node_placeholder;
