"""Ports of the loopback address for programs that a test starts."""

import os
import socket

reserved = []


def free_port():
    """A port that nobody else gets while this process lives, below the range that the kernel gives
    to clients (the usual one: a machine may have it wider).

    A socket stays bound to it without listening. That keeps everybody away who binds or connects
    without SO_REUSEADDR, so also the next caller here, in whatever process. libzmq and the servers
    that are tested set SO_REUSEADDR before they bind, and this socket has it from after its bind
    on: they may listen there, and again after they were killed."""
    while True:
        port = 10000 + int.from_bytes(os.urandom(2), "big") % 20000
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.append(probe)
        return port
