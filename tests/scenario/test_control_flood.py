"""The control link of a real node: bytes that are no request, too many of them, too large ones, and
clients that ask and never listen. Only the owner gets that far, but an owner's script may be wrong:
the node stays up, goes on answering, and takes little memory for it."""

import os
import sys
import time
import unittest
import warnings

import network as scenario
import wire
from network import SOURCE, Network, wait

sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
import needs  # noqa: E402

needs.modules("zmq")
import zmq  # noqa: E402

MANY = 10000
PACK = b"\x22"          # what begins with it is a pack of requests
REQUEST_MAX = 4 << 20  # bytes; larger ones end the connection
ANSWERED = 10          # seconds in which another client is answered meanwhile
MORE_MIB = 150         # of memory, for any of it
with open(scenario.BIN, "rb") as file:
    PROGRAM = file.read()
# Sanitizers keep freed memory for themselves.
SANITIZED = b"__asan_init" in PROGRAM or b"__tsan_init" in PROGRAM


def request(number, operation, message=b""):
    return wire.encode([(1, number), (2, operation.encode()), (3, message)])


class ControlFlood(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore", ResourceWarning)  # sockets go with their context
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__, None, None, None)
        self.node = self.network.add("cn-aa")
        self.node.start()
        self.node.publish("Something to list")
        self.feed = bytes.fromhex(self.node.held("cn-aa")["feed"])
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)
        self.before = self.memory()
        self.texts = {}  # of errors, by request

    def client(self, **options):
        socket = self.context.socket(zmq.DEALER)
        socket.sndhwm = 0
        for name, value in options.items():
            setattr(socket, name, value)
        socket.connect("ipc://%s/run/control.sock" % self.node.home)
        return socket

    def memory(self):
        with open("/proc/%d/statm" % self.node.process.pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

    def still_well(self):
        """Another client is answered soon, if only after a "busy, try again"; memory is small."""
        for command in ("list", "status"):
            wait(lambda: self.node.run(command, check=False).returncode == 0,
                 "%s is answered" % command, ANSWERED)
        if not SANITIZED:
            self.assertLess(self.memory(), self.before + MORE_MIB)

    def is_answered(self, socket, number):
        """Asks once more; the reply comes behind whatever is still on its way."""
        socket.send(request(number, "list"))
        found, end = {}, time.monotonic() + ANSWERED
        while number not in found and time.monotonic() < end:
            found = self.answers(socket, 1, ANSWERED)
        return found.get(number, (None, None))[1] is not None

    def answers(self, socket, count, seconds=scenario.DEADLINE):
        """Reads so many answers; {id: (error, reply)}."""
        found, end = {}, time.monotonic() + seconds
        while len(found) < count and socket.poll(max(0, int(1000 * (end - time.monotonic())))):
            message = wire.decode(socket.recv())
            for fields in [wire.decode(one) for number, one in message if number == 5] or [message]:
                fields = dict(fields)
                found[fields.get(1)] = (fields.get(2), fields.get(4))
                self.texts[fields.get(1)] = fields.get(3, b"")
        return found

    def test_bytes_that_are_no_request(self):
        socket = self.client()
        for size in (0, 1, 7, 100, 5000):
            for _ in range(20):
                socket.send(os.urandom(size))
        socket.send(PACK + os.urandom(100))
        socket.send_multipart([b"two", b"frames"])
        self.answers(socket, MANY, 1)  # some of it is answered, by "control request: …"
        self.assertTrue(all(text.startswith(b"control request: ") for text in self.texts.values()))
        wait(lambda: self.is_answered(socket, MANY), "a request is answered")
        self.still_well()

    def test_requests_that_are_too_large(self):
        for size in (REQUEST_MAX - 1000, REQUEST_MAX + 1000, 64 << 20):
            socket = self.client(linger=0)
            socket.send(request(1, "publish", bytes(size)))
            self.still_well()
        socket.close()

    def test_ten_thousand_requests_at_once(self):
        socket = self.client(rcvhwm=0)
        for number in range(1, MANY + 1):
            socket.send(request(number, "list"))
        self.still_well()
        # Who asks faster than it is answered is told so, or loses answers; most of all it waits.
        found = self.answers(socket, MANY, 3)
        self.assertLessEqual({error for error, _ in found.values()}, {None, b"busy"})
        self.assertIn(None, {error for error, _ in found.values()})
        self.still_well()
        wait(lambda: self.is_answered(socket, MANY + 1), "the same client is answered")

    def test_requests_in_packs(self):
        """Many requests in one message; one that is wrong spoils no other, a pack that is cut off
        none before the cut. A client that reads late loses nothing."""
        socket = self.client(rcvhwm=1)
        for first in range(1, MANY, 100):
            pack = [(4, request(number, "status")) for number in range(first, first + 100)]
            pack[50] = (4, request(first + 50, "no such"))
            socket.send(wire.encode(pack + [(4, b"")]))
        time.sleep(1)
        found = self.answers(socket, MANY + 1)
        self.assertEqual(set(found), set(range(MANY + 1)))
        self.assertEqual({number % 100 for number, (error, _) in found.items()
                          if number and error}, {51})
        socket.send(wire.encode([(4, request(1, "status")), (4, request(2, "status"))])[:-5])
        found = self.answers(socket, 2)
        self.assertIsNotNone(found[1][1])
        self.assertEqual(found[0][0], b"malformed")
        self.still_well()

    def test_many_long_polls(self):
        """What waits is bounded: the others are told to come later."""
        socket, sent = self.client(rcvhwm=0), 1
        socket.send(request(1, "changes"))  # "from now on": the reply says what now is
        now = wire.only(wire.decode(self.answers(socket, 1)[1][1]), 2)
        waiting = wire.encode([(1, now), (3, 30000)])

        def told():
            nonlocal sent
            for _ in range(20):
                sent += 1
                socket.send(request(sent, "changes", waiting))
            self.answers(socket, MANY, 0.05)
            return any(b"requests wait for news already" in text for text in self.texts.values())

        wait(told, "there are enough of them")
        self.still_well()
        self.answers(socket, MANY, 1)
        self.node.publish("News for those who wait")
        wait(lambda: None in {error for error, _ in self.answers(socket, MANY, 1).values()},
             "those who wait are told")
        self.still_well()

    def test_a_client_that_never_reads(self):
        path = self.network.write("long.yaml", scenario.announcement("Long").replace(
            "summary: A sample.", "description: %s" % ("long " * 1500)))
        for _ in range(20):
            self.node.run("publish", "--again", path)
        read = wire.encode([(1, self.feed), (2, 2)])  # entry 1 stands alone
        sockets = [self.client(rcvhwm=1) for _ in range(3)]
        for number in range(1, MANY // 3):
            for socket in sockets:
                socket.send(request(number, "read", read))
        self.still_well()
        for socket in sockets:
            socket.close(0)
        self.still_well()


if __name__ == "__main__":
    unittest.main(verbosity=2)
