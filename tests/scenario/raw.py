"""Raw ZeroMQ peers that speak to a node's two services without being a node: strangers, listeners,
partners with a will of their own. Needs python3-zmq."""

import time

import wire
import zmq
from zmq.utils import z85

HELLO, HEADS_REQUEST, HEADS, PULL, RUN = 1, 2, 3, 4, 5  # of SyncMessage
CERTIFICATES_REQUEST, CERTIFICATES, REFUSAL, RECEIPTS, DIAL = 6, 7, 8, 9, 10
LEDGER = b"raw ledger, 16 b"


class Key:
    def __init__(self, public, secret):
        self.public, self.secret = public, secret

    @classmethod
    def new(cls):
        return cls(*zmq.curve_keypair())

    @classmethod
    def of_node(cls, node):
        """A node's transport key: what its partner's gate knows."""
        with open(node.home + "/keys/transport.key", encoding="utf-8") as file:
            lines = dict(line.split(": ") for line in file.read().splitlines() if ": " in line)
        return cls(*(z85.encode(bytes.fromhex(lines[name])) for name in ("public", "secret")))


class Peer:
    """A context with sockets; a context manager. key None: no encryption at all."""

    def __init__(self, node, key, server=None):
        self.node, self.key = node, key
        self.server = server or (key and Key.of_node(node).public)
        self.context = zmq.Context()
        self.context.linger = 0
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy()

    def connect(self, kind, endpoint):
        socket = self.context.socket(kind)
        if self.key:
            socket.curve_publickey, socket.curve_secretkey = self.key.public, self.key.secret
            socket.curve_serverkey = self.server
        socket.reconnect_ivl = 50
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(endpoint)
        return socket

    def live(self):
        return self.connect(zmq.SUB, self.node.live)

    def sync(self):
        return self.connect(zmq.DEALER, self.node.sync)


def receive(socket, seconds):
    """The next message; None when none comes."""
    if not socket.poll(max(0, int(seconds * 1000))):  # with a number below 0 it waits for ever
        return None
    return socket.recv()


def send(socket, body, value):
    try:
        socket.send(wire.encode([(body, value)]), zmq.NOBLOCK)
    except zmq.Again:
        pass  # refused: there is no connection to send on


def say_hello(socket, network, feed):
    send(socket, HELLO, [(1, network.encode()), (2, 1), (3, feed), (4, LEDGER),
                         (5, int(time.time() * 1000))])


def ask(socket, network, own_feed, feed, seconds):
    """Asks for everything that can be asked for; returns the bodies of the answers."""
    say_hello(socket, network, own_feed)
    send(socket, HEADS_REQUEST, [(1, bytes(16)), (2, 0)])
    send(socket, PULL, [(1, 7), (2, feed), (3, 1), (4, 1000)])
    send(socket, CERTIFICATES_REQUEST, [(1, 8), (2, feed)])
    send(socket, DIAL, [(1, 9)])
    answers, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        message = receive(socket, end - time.monotonic())
        if message:
            answers += wire.decode(message)
        if {HEADS, RUN, CERTIFICATES} <= {body for body, _ in answers}:
            break
    return answers


class Feed:
    """A feed to be handed on: its id, head and the SignedEntry messages of an exported file."""

    def __init__(self, feed, seq, head_hash, exported):
        self.id, self.seq, self.hash = bytes.fromhex(feed), seq, bytes.fromhex(head_hash)
        self.entries = [wire.encode(sorted(entry.items()))
                        for entry in wire.feed_entries(exported)]

    def run(self, first, request):
        """To the end, but a certificate stands alone."""
        last = 1 if first == 1 else len(self.entries)
        return ([(1, request), (2, self.id)]
                + [(3, entry) for entry in self.entries[first - 1:last]])


def offer(socket, network, own_feed, feed, seconds):
    """Says hello, says that it holds the feed, hands it on, asked or not; returns how often the
    node pulled."""
    say_hello(socket, network, own_feed)
    head = [(1, feed.id), (2, 1), (3, feed.seq), (4, feed.hash)]
    send(socket, HEADS, [(4, [(1, head)]), (5, 1)])
    for request in range(3):
        send(socket, RUN, feed.run(1, request))
        send(socket, RUN, feed.run(2, request))
    pulls, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        message = receive(socket, end - time.monotonic())
        for body, value in wire.decode(message) if message else []:
            if body != PULL:
                continue
            pull = dict(wire.decode(value))
            if pull[2] == feed.id:
                pulls += 1
                send(socket, RUN, feed.run(pull[3], pull[1]))
    return pulls
