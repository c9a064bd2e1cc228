#!/usr/bin/python3
"""A partner that asks for far more than it reads does not hold up the others: its requests beyond a
few are answered "busy", and pulls of another partner and the owner's commands are served in turn."""
import os
import sys
import time
import unittest

import network
import wire

try:
    import zmq
    import zmq.utils.z85
except ImportError:
    print("skipped: no Python module zmq")
    sys.exit(77)

FLOOD = 4000
PULL, RUN, REFUSAL = 4, 5, 8  # of SyncMessage


def key_of(node):
    """(public, secret) of its transport key, as ZeroMQ writes them."""
    lines = open(os.path.join(node.home, "keys", "transport.key")).read().splitlines()
    hexes = [line.split(": ")[1] for line in lines if line.startswith(("public: ", "secret: "))]
    return [zmq.utils.z85.encode(bytes.fromhex(text)) for text in hexes]


def connect(context, node, victim):
    """A raw client that has the node's key, at the sync service of the victim."""
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = 0
    socket.curve_publickey, socket.curve_secretkey = key_of(node)
    socket.curve_serverkey = key_of(victim)[0]
    socket.connect(victim.sync)
    return socket


def pull(feed, request):
    return wire.encode([(PULL, [(1, request), (2, feed), (3, 2)])])


def ask(socket, feed, request):
    """Seconds until the run that answers is here."""
    began = time.monotonic()
    socket.send(pull(feed, request))
    while True:
        if not socket.poll(1000 * network.DEADLINE):
            raise network.Failure("no answer to a pull")
        run = wire.only(wire.decode(socket.recv()), RUN)
        if run is not None and wire.only(wire.decode(run), 1) == request:
            return time.monotonic() - began


class Flood(unittest.TestCase):
    def test_a_flood_of_pulls_does_not_hold_up_others(self):
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        self.flood(context)

    def flood(self, context):
        with network.Network() as net:
            victim, evil, good = net.add("cn-victim"), net.add("th-evil"), net.add("za-good")
            for other in evil, good:
                victim.add_partner(other)
            victim.start()
            for i in range(50):  # of 24 kB: an answer to a pull is 1 MiB
                text = network.announcement("A visit %d" % i) + "description: %s\n" % (7900 * "\u5b57")
                victim.publish(path=net.write("long.yaml", text))
            feed = bytes.fromhex(victim.held("cn-victim")["feed"])
            quiet, flood = connect(context, good, victim), connect(context, evil, victim)
            ask(quiet, feed, 1)
            for i in range(FLOOD):
                flood.send(pull(feed, i + 1))
            taken = [ask(quiet, feed, 2 + i) for i in range(5)]
            victim.run("list")
            runs, codes = 0, set()
            while flood.poll(2000 if runs and codes else 1000 * network.DEADLINE):
                number, value = wire.decode(flood.recv())[0]
                runs += number == RUN
                if number == REFUSAL:
                    codes.add(wire.only(wire.decode(value), 2).decode())
            self.assertGreater(runs, 0)
            self.assertEqual(codes, {"busy"})
            print("pulls during the flood: %s s; runs to the flood: %d of %d" % (
                " ".join("%.3f" % seconds for seconds in taken), runs, FLOOD))
            # What is larger than any request has a use for is not kept waiting.
            quiet.send(wire.encode([(PULL, [(1, 99), (2, feed), (3, 2), (1000, bytes(400))])]))
            number, value = self.receive(quiet)
            self.assertEqual(number, RUN)
            quiet.send(wire.encode([(PULL, [(1, 100), (2, feed), (3, 2), (1000, bytes(512))])]))
            number, value = self.receive(quiet)
            self.assertEqual(number, REFUSAL)
            refusal = wire.decode(value)
            self.assertEqual(wire.only(refusal, 1), 100)
            self.assertEqual(wire.only(refusal, 2), b"too-large")
            quiet.close()
            flood.close()

    def receive(self, socket):
        """The next run or refusal."""
        while socket.poll(1000 * network.DEADLINE):
            number, value = wire.decode(socket.recv())[0]
            if number in (RUN, REFUSAL):
                return number, value
        self.fail("no answer")


if __name__ == "__main__":
    unittest.main(verbosity=2)
